//! Reading the finished HTML once: it is checked for what no mail may carry, and turned into plain text.

use crate::context::{ErrorKind, Fallible, RenderError};
use crate::text::{Flow, Sink};
use html_escape::decode_html_entities;
use std::borrow::Cow;

const SCHEMES: [&str; 7] = ["http", "https", "mailto", "tel", "sms", "cid", "geo"];
const IMAGES: [&str; 4] = [
    "data:image/png",
    "data:image/gif",
    "data:image/jpeg",
    "data:image/webp",
];
/// Elements that no mail client runs and no mail should try.
fn is_forbidden(element: &str) -> bool {
    matches!(
        element,
        "script" | "iframe" | "frame" | "frameset" | "object" | "embed" | "applet" | "base" | "portal"
    )
}

/// Whether an attribute holds an address.
pub(crate) fn is_address(attribute: &str) -> bool {
    matches!(
        attribute,
        "href" | "src" | "action" | "formaction" | "background" | "poster" | "xlink:href" | "data"
    )
}

/// Elements whose content is not shown.
fn is_skipped(element: &str) -> bool {
    matches!(element, "head" | "style" | "title" | "template" | "noscript")
}

pub(crate) struct Tag<'a> {
    /// In lower case.
    pub(crate) name: Cow<'a, str>,
    pub(crate) closes: bool,
    empty: bool,
    pub(crate) attributes: Vec<(Cow<'a, str>, &'a str)>,
    /// The source from behind its "<" to the end of all.
    pub(crate) source: &'a str,
}

impl<'a> Tag<'a> {
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.raw(name)
            .map(|value| decode_html_entities(value).into_owned())
    }

    /// The value as it is written, without its quotes. Of attributes of one name the first counts, as in browsers.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| *value)
    }
}

pub(crate) enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

/// Splits HTML into texts and tags; comments and declarations are left out. Linear and without recursion.
pub(crate) struct Pieces<'a> {
    /// What was not read yet.
    pub(crate) rest: &'a str,
    /// Whether the attributes of a tag of this name are wanted.
    wanted: fn(&str) -> bool,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(html: &'a str) -> Self {
        Pieces::with_attributes_of(html, |_| true)
    }

    /// The same, with attributes only where they are wanted: most of a mail's tags are tables.
    pub(crate) fn with_attributes_of(html: &'a str, wanted: fn(&str) -> bool) -> Self {
        Pieces { rest: html, wanted }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let rest = self.rest;
            if rest.is_empty() {
                return None;
            }
            let Some(after) = behind(rest, b'<') else {
                let end = rest.find('<').unwrap_or(rest.len());
                self.rest = &rest[end..];
                return Some(Piece::Text(&rest[..end]));
            };
            if let Some(comment) = after.strip_prefix("!--") {
                self.rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            } else if after.starts_with(['!', '?']) {
                self.rest = after.find('>').map_or("", |end| &after[end + 1..]);
            } else if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
                let (tag, rest) = tag(after, self.wanted);
                self.rest = rest;
                return Some(Piece::Tag(tag));
            } else {
                self.rest = after;
                return Some(Piece::Text("<"));
            }
        }
    }
}

/// Copied only where it is not in lower case already: each mail has thousands of names.
fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// What follows a byte, where the text begins with it.
fn behind(text: &str, byte: u8) -> Option<&str> {
    (text.as_bytes().first() == Some(&byte)).then(|| &text[1..])
}

fn tag(after: &str, wanted: fn(&str) -> bool) -> (Tag<'_>, &str) {
    let closes = after.starts_with('/');
    let body = after.trim_start_matches('/');
    let end = until(body, |b| matches!(b, b'>' | b'/'));
    let mut tag = Tag {
        name: lower(&body[..end]),
        closes,
        empty: false,
        attributes: Vec::new(),
        source: after,
    };
    let wanted = wanted(&tag.name);
    let mut rest = &body[end..];
    loop {
        rest = begun(rest);
        if let Some(after) = behind(rest, b'>') {
            return (tag, after);
        }
        if rest.is_empty() {
            return (tag, "");
        }
        if let Some(after) = behind(rest, b'/') {
            tag.empty = behind(after, b'>').is_some();
            rest = after;
            continue;
        }
        // The first sign belongs to the name, even if it is "=".
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let name_end = first + until(&rest[first..], |b| matches!(b, b'=' | b'>' | b'/'));
        let (value, after) = attribute_value(begun(&rest[name_end..]));
        if wanted {
            tag.attributes.push((lower(&rest[..name_end]), value));
        }
        rest = after;
    }
}

/// How far it is to white space or one of some signs of ASCII, or to the end.
fn until(text: &str, ends: impl Fn(u8) -> bool) -> usize {
    // Tags are mostly ASCII, where a byte tells all.
    let at = text
        .bytes()
        .position(|b| !b.is_ascii() || is_space(b) || ends(b))
        .unwrap_or(text.len());
    if text.as_bytes().get(at).is_none_or(u8::is_ascii) {
        return at;
    }
    let ends = |c: char| c.is_whitespace() || (c.is_ascii() && ends(c as u8));
    text[at..].find(ends).map_or(text.len(), |end| at + end)
}

/// White space of ASCII, as characters have it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Without the white space it begins with.
fn begun(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(first) if first.is_ascii() && !is_space(*first) => text,
        _ => text.trim_start(),
    }
}

fn attribute_value(rest: &str) -> (&str, &str) {
    let Some(after) = behind(rest, b'=') else {
        return ("", rest);
    };
    let after = begun(after);
    match after.chars().next() {
        Some(quote @ ('"' | '\'')) => match after[1..].find(quote) {
            Some(end) => (&after[1..=end], &after[end + 2..]),
            None => (&after[1..], ""),
        },
        _ => {
            let end = until(after, |b| b == b'>');
            (&after[..end], &after[end..])
        }
    }
}

fn unsafe_markup(message: String) -> RenderError {
    RenderError::new(ErrorKind::Unsafe, message)
}

/// [`check_safe`] of one tag.
pub(crate) fn check(tag: &Tag<'_>) -> Fallible<()> {
    if is_forbidden(&tag.name) {
        return Err(unsafe_markup(format!(
            "The element “{}” may not stand in a mail.",
            tag.name
        )));
    }
    for (name, value) in &tag.attributes {
        if name.starts_with("on") {
            return Err(unsafe_markup(format!(
                "The attribute “{name}” runs a script and may not stand in a mail."
            )));
        }
        if is_address(name) && !is_safe_address(value) {
            return Err(unsafe_markup(format!(
                "The attribute “{name}” of “{}” leads to an address that no mail may use.",
                tag.name
            )));
        }
    }
    let refreshes = tag.name == "meta"
        && tag
            .attribute("http-equiv")
            .is_some_and(|v| v.eq_ignore_ascii_case("refresh"));
    if refreshes {
        Err(unsafe_markup(
            "A mail may not send its reader to another page.".into(),
        ))
    } else {
        Ok(())
    }
}

/// Browsers leave out white space and control characters in a scheme (WHATWG URL §4.4), so they are left out here.
pub(crate) fn is_safe_address(value: &str) -> bool {
    if begins_safely(value) {
        return true;
    }
    let address: String = decode_html_entities(value)
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    let Some((scheme, _)) = address.split_once(':') else {
        return true;
    };
    let is_scheme = scheme
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    !is_scheme || SCHEMES.contains(&scheme) || IMAGES.iter().any(|image| address.starts_with(image))
}

/// Whether an address has a scheme of [`SCHEMES`] that needs no second look, whatever follows.
pub(crate) fn begins_safely(value: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|safe| value.starts_with(safe))
}

/// Fails on scripts, frames, event attributes and dangerous links.
pub(crate) fn check_safe(html: &str) -> Fallible<()> {
    for piece in Pieces::new(html) {
        if let Piece::Tag(tag) = piece {
            check(&tag)?;
        }
    }
    Ok(())
}

/// The plain text of a mail's HTML, links as `text (address)`, pictures by their alternative text.
pub(crate) fn to_text(html: &str) -> String {
    let mut flow = Flow::default();
    read(html, &mut flow);
    flow.finish()
}

/// Tells what a reader would see.
fn read(html: &str, flow: &mut impl Sink) {
    let mut reader = Reader::default();
    for piece in Pieces::new(html) {
        reader.piece(&piece, flow);
    }
}

/// Reads HTML piece by piece as its reader sees it.
#[derive(Default)]
pub(crate) struct Reader {
    /// The element that hides what follows, and how often it stands inside itself.
    hidden: Option<(String, usize)>,
    /// For each open table whether it only lays out.
    tables: Vec<bool>,
    lists: Vec<Option<usize>>,
}

/// Tables and lists inside one another that are told apart; deeper ones are read as plain blocks.
const NESTED: usize = 128;

impl Reader {
    pub(crate) fn piece(&mut self, piece: &Piece<'_>, flow: &mut impl Sink) {
        match piece {
            Piece::Text(text) if self.hidden.is_none() => flow.words(&decode_html_entities(*text)),
            Piece::Text(_) => {}
            Piece::Tag(tag) => self.tag(tag, flow),
        }
    }

    fn tag(&mut self, tag: &Tag<'_>, flow: &mut impl Sink) {
        if self.hides(tag) {
            return;
        }
        match (&*tag.name, tag.closes) {
            ("br", _) => flow.line(),
            ("p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote", _) => flow.paragraph(),
            ("hr", false) => flow.paragraph(),
            ("div" | "section" | "article" | "header" | "footer" | "dd" | "dt", _) => flow.line(),
            ("table", false) => {
                let lays_out = tag.attribute("role").is_some_and(|role| role == "presentation");
                flow.paragraph();
                if self.tables.len() < NESTED {
                    self.tables.push(lays_out);
                }
            }
            ("table", true) => {
                self.tables.pop();
                flow.paragraph();
            }
            ("tr", _) if self.tables.last() == Some(&false) => flow.line(),
            ("tr", _) => flow.paragraph(),
            ("td" | "th", true) if self.tables.last() == Some(&false) => flow.words(" \u{2003}"),
            ("td" | "th", _) if self.tables.last() != Some(&false) => flow.paragraph(),
            ("ul", false) => self.list(None, flow),
            ("ol", false) => self.list(Some(0), flow),
            ("ul" | "ol", true) => {
                self.lists.pop();
                flow.paragraph();
            }
            ("li", false) => self.item(flow),
            ("img", false) => flow.picture(&tag.attribute("alt").unwrap_or_default()),
            ("a", false) => flow.link(tag.attribute("href")),
            ("a", true) => flow.link_ends(),
            _ => {}
        }
    }

    fn hides(&mut self, tag: &Tag<'_>) -> bool {
        if let Some((name, depth)) = &mut self.hidden {
            if tag.name == *name {
                *depth = if tag.closes {
                    *depth - 1
                } else {
                    *depth + usize::from(!tag.empty)
                };
            }
            if *depth == 0 {
                self.hidden = None;
            }
            return true;
        }
        let starts = !tag.closes && !tag.empty;
        if starts && (is_skipped(&tag.name) || tag.raw("style").is_some_and(is_hiding)) {
            self.hidden = Some((tag.name.clone().into_owned(), 1));
            return true;
        }
        false
    }

    fn list(&mut self, count: Option<usize>, flow: &mut impl Sink) {
        flow.paragraph();
        if self.lists.len() < NESTED {
            self.lists.push(count);
        }
    }

    fn item(&mut self, flow: &mut impl Sink) {
        flow.line();
        match self.lists.last_mut() {
            Some(Some(count)) => {
                *count += 1;
                flow.words(&format!("{count}. "));
            }
            _ => flow.words("- "),
        }
    }
}

/// Whether a style says `display:none`, with or without spaces.
fn is_hiding(style: &str) -> bool {
    const RULE: &[u8] = b"display:none";
    let mut read = 0;
    for byte in decode_html_entities(style).bytes().filter(|byte| *byte != b' ') {
        let byte = byte.to_ascii_lowercase();
        // It has one "d", so a rule can only begin anew there.
        read = match RULE.get(read) {
            Some(next) if *next == byte => read + 1,
            _ => usize::from(byte == RULE[0]),
        };
        if read == RULE.len() {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_links_lists_and_paragraphs_and_hides_what_is_hidden() {
        let html = "<html><head><title>No</title><style>a{b:c}</style></head><body>\
            <div style=\"display:none; max-height:0\">preview<div>x</div></div>\
            <!--[if mso]><p>Outlook</p><![endif]--><h1>Hello&nbsp;you</h1><p>See  <a href=\"https://a.test/x?b=1&amp;c=2\">\
            our <b>menu</b></a>.</p><ul><li>One</li><li>Two &lt;3</li></ul><img src=\"x\" alt=\"A cup\">\
            <a href=\"https://a.test/\">https://a.test/</a></body></html>";
        assert_eq!(
            to_text(html),
            "Hello you\n\nSee our menu (https://a.test/x?b=1&c=2).\n\n- One\n- Two <3\n\nA cup https://a.test/"
        );
    }

    #[test]
    fn scripts_and_dangerous_links_are_refused_however_they_are_written() {
        for html in [
            "<script>x</script>",
            "<IFRAME src=x>",
            "<p onclick=x>",
            "<svg/onload=x>",
            "<a href=\"java&#115;cript:x\">",
            "<a href='  JavaScript :x'>",
            "<a href=java&#10;script:x>",
            "<a href=\"vbscript:x\">",
            "<img src=\"data:text/html,x\">",
            "<meta http-equiv=REFRESH content=0>",
        ] {
            assert!(check_safe(html).is_err(), "{html}");
        }
        for html in [
            "<a href=\"https://a.test/?q=javascript:x\">",
            "<a href=\"mailto:a@b.test\">",
            "<a href=\"#top\">",
            "<img src=\"data:image/png;base64,xx\">",
            "<!-- <script> -->",
        ] {
            assert!(check_safe(html).is_ok(), "{html}");
        }
    }

    #[test]
    fn broken_markup_ends_and_gives_some_text() {
        for html in [
            "<",
            "a < b",
            "<a href=\"",
            "<!--",
            "</",
            "<p",
            "<p / / x",
            "<a =b>",
        ] {
            let _ = to_text(html);
            let _ = check_safe(html);
        }
        assert_eq!(to_text("a < b"), "a < b");
    }
}
