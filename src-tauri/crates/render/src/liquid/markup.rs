//! Where in the markup an output stands, and how a value is written there.

use crate::context::{ErrorKind, RenderError};
use std::borrow::Cow;

/// Follows the markup written so far, so that a value is refused where no escaping would hold it: in a tag
/// outside quotes, in a script, and (but for plain words, numbers and colours) in a style.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Track {
    place: Place,
    /// Beginning of the name of the tag being read, in lower case; `/` first in an end tag.
    tag: [u8; TAG_NAME_BYTES],
    /// Bytes of it.
    named: usize,
    /// Last bytes of a comment, to see its end.
    dashes: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Text,
    /// After `<`.
    Opening,
    /// After `<!`.
    Bang,
    /// In the name of a tag.
    Name,
    /// In a tag, outside quotes.
    Tag,
    Quoted(u8),
    Comment,
    Style,
    /// After `<` in a style.
    StyleOpening,
}

/// One more than the longest name that is looked for.
const TAG_NAME_BYTES: usize = 9;

impl Track {
    /// Reads markup as it is written.
    pub(crate) fn feed(&mut self, markup: &str) {
        let bytes = markup.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            // Most of a mail is text and values, where one byte alone means something.
            let wanted = match self.place {
                Place::Text | Place::Style => Some(b'<'),
                Place::Quoted(quote) => Some(quote),
                _ => None,
            };
            if let Some(wanted) = wanted
                && byte != wanted
            {
                let found = bytes[at..].iter().position(|byte| *byte == wanted);
                at = found.map_or(bytes.len(), |found| at + found);
                continue;
            }
            self.byte(byte);
            at += 1;
        }
    }

    /// Where what is written next stands, as far as values keep to it.
    pub(crate) fn stand(&self) -> Stand {
        match self.place {
            Place::Text => Stand::Text,
            Place::Quoted(_) => Stand::Quoted,
            _ => Stand::Elsewhere,
        }
    }

    fn byte(&mut self, byte: u8) {
        self.place = match (std::mem::take(&mut self.place), byte) {
            (Place::Text, b'<') => Place::Opening,
            (Place::Style, b'<') => Place::StyleOpening,
            (Place::StyleOpening, b'/') | (Place::Opening, b'/') => self.named(byte),
            (Place::StyleOpening, _) => Place::Style,
            (Place::Opening, b'!') => Place::Bang,
            (Place::Opening, b) if b.is_ascii_alphabetic() => self.named(b),
            (Place::Opening, b'<') => Place::Opening,
            (Place::Opening, _) => Place::Text,
            (Place::Bang, b'-') => {
                self.dashes = 0;
                Place::Comment
            }
            (Place::Bang, b'>') => Place::Text,
            (Place::Bang, _) => Place::Bang,
            (Place::Comment, b'-') => {
                self.dashes = self.dashes.saturating_add(1);
                Place::Comment
            }
            // `<!-->` and conditional comments end by `>` after two dashes, too.
            (Place::Comment, b'>') if self.dashes >= 2 => Place::Text,
            (Place::Comment, _) => {
                self.dashes = 0;
                Place::Comment
            }
            (Place::Name | Place::Tag, b'>') => self.entered(),
            (Place::Name, b) if b.is_ascii_whitespace() => Place::Tag,
            (Place::Name, b) => {
                self.name(b);
                Place::Name
            }
            (Place::Tag, b @ (b'"' | b'\'')) => Place::Quoted(b),
            (Place::Tag, b'/') => {
                // Whatever its name is, it opens nothing.
                self.named = 0;
                Place::Tag
            }
            (Place::Quoted(quote), b) if b == quote => Place::Tag,
            (place, _) => place,
        };
    }

    fn named(&mut self, first: u8) -> Place {
        self.named = 0;
        self.name(first);
        Place::Name
    }

    fn name(&mut self, byte: u8) {
        if let Some(next) = self.tag.get_mut(self.named) {
            *next = byte.to_ascii_lowercase();
            self.named += 1;
        }
    }

    fn entered(&mut self) -> Place {
        match self.tag.get(..self.named) {
            Some(b"style" | b"mj-style" | b"script") => Place::Style,
            _ => Place::Text,
        }
    }

    /// Reads markup that is often written again.
    pub(crate) fn follow(&mut self, markup: &str, known: &Known) {
        if self.place == Place::Text {
            *self = known.from_text;
            return;
        }
        let (tag, rest) = markup.split_at(known.first_tag);
        self.feed(tag);
        if self.place == Place::Text {
            *self = known.from_first_tag;
        } else {
            self.feed(rest);
        }
    }

    /// A value as it may be written here.
    pub(crate) fn value<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, RenderError> {
        match self.place {
            Place::Text | Place::Quoted(_) | Place::Comment => Ok(escape(text)),
            Place::Style if text.chars().all(is_plain_style) => Ok(Cow::Borrowed(text)),
            Place::Style | Place::StyleOpening => Err(RenderError::new(
                ErrorKind::Unsafe,
                "In a style only plain words, numbers and colours may be filled in.",
            )),
            _ => Err(RenderError::new(
                ErrorKind::Unsafe,
                "A value stands in a tag outside of quotes. Put the attribute's value in quotes.",
            )),
        }
    }

    /// Whether ready markup (from `capture` and the like) may be written here as it is.
    pub(crate) fn takes_markup(&self) -> bool {
        matches!(self.place, Place::Text | Place::Comment)
    }
}

fn is_plain_style(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '#' | '%' | '.' | ',' | ' ' | '-' | '_')
}

/// Where a text leads, from the places it mostly stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    from_text: Track,
    /// Bytes to the end of the first tag.
    first_tag: usize,
    /// From text at that end.
    from_first_tag: Track,
}

impl Known {
    pub(crate) fn of(markup: &str) -> Known {
        let after = |markup: &str| {
            let mut track = Track::default();
            track.feed(markup);
            track
        };
        let first_tag = markup.find('>').map_or(markup.len(), |at| at + 1);
        Known {
            from_text: after(markup),
            first_tag,
            from_first_tag: after(&markup[first_tag..]),
        }
    }
}

/// The places a value can stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Between tags.
    Text,
    /// In the quoted value of an attribute.
    Quoted,
    /// In a comment or a style.
    Elsewhere,
}

/// Whether a text ends within what could become an entity by what follows.
pub(crate) fn leaves_entity_open(text: &str) -> bool {
    let last = text.rfind('&').map(|at| &text[at + 1..]);
    last.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#'))
}

/// For HTML text and quoted attributes.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let special = |byte: &u8| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
    if !text.bytes().any(|byte| special(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(special) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn after(markup: &str) -> Track {
        let mut track = Track::default();
        track.feed(markup);
        track
    }

    #[test]
    fn values_are_escaped_in_text_and_in_quoted_attributes() {
        for markup in [
            "<p>",
            "<a href=\"",
            "<a href='",
            "1 < 2",
            "<!-- ",
            "<!doctype html><p>",
            "<style>a{}</style>",
            "<style />",
            "<style / x='y'>",
        ] {
            assert_eq!(
                after(markup).value("<\"'&>").unwrap(),
                "&lt;&quot;&#39;&amp;&gt;",
                "{markup}"
            );
        }
    }

    #[test]
    fn values_are_refused_where_escaping_would_not_hold_them() {
        for markup in [
            "<a href=",
            "<a ",
            "<",
            "<mj-te",
            "<script>x=\"",
            "<style>a{color:",
            "<mj-style>a:",
        ] {
            assert_eq!(
                after(markup).value("x;y\"").unwrap_err().kind,
                ErrorKind::Unsafe,
                "{markup}"
            );
        }
    }

    #[test]
    fn what_is_known_of_a_text_is_what_reading_it_tells() {
        let before = [
            "",
            "<a title=\"",
            "<a title='",
            "<style",
            "<style x=\"",
            "<!-- ",
            "<mj-style>a",
            "</b",
            "<",
            "<b ",
        ];
        let texts = [
            "x",
            "a<b\">text ",
            "\">",
            "'>x<b title=\"",
            "<style>",
            " -->x<p>",
            "=\"y\"><i ",
            ">",
            "</style><p>",
            "!-- a>b",
        ];
        for before in before {
            for text in texts {
                let mut followed = after(before);
                followed.follow(text, &Known::of(text));
                let read = after(&format!("{before}{text}"));
                for more in ["", "'", "\"", ">", "-->", "\">x", "'>x"] {
                    let place = |mut track: Track| {
                        track.feed(more);
                        track.place
                    };
                    assert_eq!(place(followed), place(read), "{before} {text} {more}");
                }
            }
        }
    }

    #[test]
    fn a_style_takes_a_colour() {
        assert_eq!(after("<mj-style>a{color:").value("#ff8800").unwrap(), "#ff8800");
    }
}
