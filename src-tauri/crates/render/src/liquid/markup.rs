//! Where in the markup an output stands, and how a value is written there.

use crate::context::{ErrorKind, RenderError};

/// Follows the markup written so far, so that a value is refused where no escaping would hold it: in a tag
/// outside quotes, in a script, and (but for plain words, numbers and colours) in a style.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    place: Place,
    /// Name of the tag being read, in lower case; `/` first in an end tag.
    tag: String,
    /// Last bytes of a comment, to see its end.
    dashes: u8,
}

#[derive(Clone, Debug, Default, PartialEq)]
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

const TAG_NAME_BYTES: usize = 32;

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
                if self.tag.len() < TAG_NAME_BYTES {
                    self.tag.push(b.to_ascii_lowercase() as char);
                }
                Place::Name
            }
            (Place::Tag, b @ (b'"' | b'\'')) => Place::Quoted(b),
            (Place::Tag, b'/') => {
                self.tag.insert(0, '/');
                Place::Tag
            }
            (Place::Quoted(quote), b) if b == quote => Place::Tag,
            (place, _) => place,
        };
    }

    fn named(&mut self, first: u8) -> Place {
        self.tag.clear();
        self.tag.push(first.to_ascii_lowercase() as char);
        Place::Name
    }

    fn entered(&mut self) -> Place {
        match self.tag.as_str() {
            "style" | "mj-style" | "script" => Place::Style,
            _ => Place::Text,
        }
    }

    /// A value as it may be written here.
    pub(crate) fn value(&self, text: &str) -> Result<String, RenderError> {
        match self.place {
            Place::Text | Place::Quoted(_) | Place::Comment => Ok(escape(text)),
            Place::Style if text.chars().all(is_plain_style) => Ok(text.to_owned()),
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
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
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
    fn a_style_takes_a_colour() {
        assert_eq!(after("<mj-style>a{color:").value("#ff8800").unwrap(), "#ff8800");
    }
}
