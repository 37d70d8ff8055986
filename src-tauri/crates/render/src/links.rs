//! The links of a finished mail: listed for reports, led elsewhere one by one, and given campaign parameters.
//!
//! A link is an `<a href>` or `<area href>` of the HTML, or an address in the text, whose scheme is http or https.
//! Left alone are the addresses the caller names (the ways to leave), whatever else has another scheme, elements
//! marked `data-track="off"`, and what stands in comments. Everything outside of a rewritten address stays byte for
//! byte.

use crate::context::Rendered;
use crate::html::{Piece, Pieces, Tag};
use crate::limits::{LINK_BYTES, LINKS};
use html_escape::decode_html_entities;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The half of a message a link stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPart {
    Html,
    Text,
}

/// A link as its reader's browser would follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Without entities.
    pub url: String,
    /// Number among the links of its part, from 0.
    pub position: usize,
    pub part: LinkPart,
    /// What its reader sees of it, on one line, at most [`LABEL_CHARS`] long; empty in the text part and for pictures
    /// without an alternative text.
    pub label: String,
}

/// Characters of a label; the rest is cut off.
pub const LABEL_CHARS: usize = 80;

/// A link with its place in the source.
struct Found {
    link: Link,
    place: Range<usize>,
    /// The value has no quotes around it.
    bare: bool,
}

/// All links, those of the HTML first. `kept` are addresses that are none: unsubscribing, preferences.
pub fn list(content: &Rendered, kept: &[&str]) -> Vec<Link> {
    let html = in_html(&content.html, kept).0;
    let text = in_text(&content.text, kept);
    html.into_iter().chain(text).map(|found| found.link).collect()
}

/// Gives each link the address that `lead` answers for it. It stays as it is for `None`, for the address it has, and
/// for one with a control character or of more than [`LINK_BYTES`]. `kept` as in [`list`].
pub fn rewrite(content: &mut Rendered, kept: &[&str], lead: impl FnMut(&Link) -> Option<String>) {
    led(content, kept, lead, Marks::default());
}

/// [`rewrite`], and [`marked`] of what it gives, in one reading of the HTML.
pub fn led(
    content: &mut Rendered,
    kept: &[&str],
    mut lead: impl FnMut(&Link) -> Option<String>,
    marks: Marks<'_>,
) {
    let (links, end) = in_html(&content.html, kept);
    let added = marks.html();
    let added = (!added.is_empty()).then(|| (end.unwrap_or(content.html.len()), added.as_str()));
    content.html = replaced(&content.html, links, added, &mut lead);
    content.text = replaced(&content.text, in_text(&content.text, kept), None, &mut lead);
}

/// `added` is put in at its byte, which is in none of the links.
fn replaced(
    source: &str,
    links: Vec<Found>,
    added: Option<(usize, &str)>,
    lead: &mut impl FnMut(&Link) -> Option<String>,
) -> String {
    let more = added.map_or(0, |(_, added)| added.len()) + links.len() * 32;
    let mut out = String::with_capacity(source.len() + more);
    let copy = |out: &mut String, from: usize, to: usize| match added {
        // Before its end: what ends there is a link or all.
        Some((at, added)) if (from..to).contains(&at) || (at == to && to == source.len()) => {
            out.push_str(&source[from..at]);
            out.push_str(added);
            out.push_str(&source[at..to]);
        }
        _ => out.push_str(&source[from..to]),
    };
    let mut done = 0;
    for Found { link, place, bare } in links {
        let fits = |url: &String| {
            *url != link.url
                && !url.is_empty()
                && url.len() <= LINK_BYTES
                && !url.contains(|c: char| c.is_control())
        };
        let Some(url) = lead(&link).filter(fits) else {
            continue;
        };
        copy(&mut out, done, place.start);
        match link.part {
            LinkPart::Html => encode(&url, bare, &mut out),
            LinkPart::Text => out.push_str(&url),
        }
        done = place.end;
    }
    copy(&mut out, done, source.len());
    out
}

/// An address as it may stand in an attribute (HTML §13.1.2.3).
fn encode(url: &str, bare: bool, out: &mut String) {
    for c in url.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '=' | '`' | ' ' if bare => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
}

/// Whether an element's content is text to a browser, whatever it looks like (HTML §13.2.5).
fn is_raw(name: &str) -> bool {
    matches!(
        name,
        "style" | "title" | "textarea" | "xmp" | "noembed" | "noframes" | "script"
    )
}

/// Goes over the tags of a mail as a browser does: comments and the content of raw elements are none.
struct Tags<'a> {
    html: &'a str,
    pieces: Pieces<'a>,
}

enum Event<'a> {
    Text(&'a str),
    /// With the byte it begins at.
    Tag(usize, Tag<'a>),
}

impl<'a> Tags<'a> {
    fn new(html: &'a str) -> Self {
        Tags {
            html,
            pieces: Pieces::with_attributes_of(html, |name| matches!(name, "a" | "area" | "img")),
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let tag = match self.pieces.next()? {
            Piece::Text(text) => return Some(Event::Text(text)),
            Piece::Tag(tag) => tag,
        };
        let begins = self.html.len() - tag.source.len() - 1;
        if !tag.closes && is_raw(&tag.name) {
            let rest = self.pieces.rest;
            self.pieces.rest = &rest[end_of_raw(rest, &tag.name)..];
        }
        Some(Event::Tag(begins, tag))
    }
}

/// Where the closing tag of a raw element begins.
fn end_of_raw(rest: &str, name: &str) -> usize {
    let is_end = |at: &usize| {
        rest.get(at + 2..at + 2 + name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    rest.match_indices("</")
        .map(|(at, _)| at)
        .find(is_end)
        .unwrap_or(rest.len())
}

/// The links, and where the last `</body>` begins.
fn in_html(html: &str, kept: &[&str]) -> (Vec<Found>, Option<usize>) {
    let mut found: Vec<Found> = Vec::new();
    let mut end = None;
    // The link whose element is open, and so gathers its label.
    let mut open: Option<usize> = None;
    for event in Tags::new(html) {
        match event {
            Event::Text(text) => {
                if let Some(at) = open {
                    label(&mut found[at].link.label, &decode_html_entities(text));
                }
            }
            Event::Tag(_, tag) if tag.name == "a" && tag.closes => open = None,
            Event::Tag(_, tag) if tag.name == "img" => {
                if let (Some(at), Some(alt)) = (open, tag.attribute("alt")) {
                    label(&mut found[at].link.label, &alt);
                }
            }
            Event::Tag(_, tag) if matches!(&*tag.name, "a" | "area") && !tag.closes => {
                open = None;
                let link = (found.len() < LINKS)
                    .then(|| link(html, &tag, found.len(), kept))
                    .flatten();
                if let Some(link) = link {
                    open = (tag.name == "a").then_some(found.len());
                    found.push(link);
                }
            }
            Event::Tag(at, tag) if tag.name == "body" && tag.closes => end = Some(at),
            Event::Tag(..) => {}
        }
    }
    for one in &mut found {
        one.link.label.truncate(one.link.label.trim_end().len());
    }
    (found, end)
}

/// Adds words, with runs of white space as one space, up to [`LABEL_CHARS`].
fn label(label: &mut String, words: &str) {
    let mut count = label.chars().count();
    for c in words.chars() {
        if count == LABEL_CHARS {
            return;
        }
        let c = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        };
        if c == ' ' && (label.is_empty() || label.ends_with(' ')) {
            continue;
        }
        label.push(c);
        count += 1;
    }
}

fn link(html: &str, tag: &Tag<'_>, position: usize, kept: &[&str]) -> Option<Found> {
    let off = tag.attribute("data-track").is_some_and(|value| {
        let value = value.trim().to_ascii_lowercase();
        matches!(value.as_str(), "off" | "false" | "no" | "0")
    });
    let raw = tag.raw("href")?;
    if off || !has_sure_entities(raw) {
        return None;
    }
    let url = followed(&decode_html_entities(raw));
    if !is_web(&url) || kept.contains(&url.as_str()) {
        return None;
    }
    let place = place(html, raw)?;
    let before = html[..place.start].chars().next_back();
    Some(Found {
        link: Link {
            url,
            position,
            part: LinkPart::Html,
            label: String::new(),
        },
        place,
        bare: !matches!(before, Some('"' | '\'')),
    })
}

/// The address a browser makes of a value (WHATWG URL §4.4): no white space around it, no tab or line break within.
fn followed(value: &str) -> String {
    value
        .trim_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect()
}

/// Whether it is an address with a host, reached by http or https.
fn is_web(url: &str) -> bool {
    let after = |scheme: &str| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
    };
    let rest = after("https://").or_else(|| after("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_alphanumeric() || c == '[')
            && !rest.contains(|c: char| c.is_control())
    })
}

/// Whether every entity ends with its semicolon. Browsers read some without it and some not, by what follows (HTML
/// §13.2.5.73); an address of which we are not sure keeps its own words.
fn has_sure_entities(raw: &str) -> bool {
    raw.match_indices('&').all(|(at, _)| {
        let rest = &raw[at + 1..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '#')
            .unwrap_or(rest.len());
        let (name, next) = (&rest[..end], rest[end..].chars().next());
        if next == Some(';') {
            let written = &raw[at..at + end + 2];
            return !name.starts_with('#') || decode_html_entities(written) != written;
        }
        if let Some(number) = name.strip_prefix('#') {
            return !number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X'));
        }
        let written = format!("&{name};");
        next == Some('=') || decode_html_entities(&written) == written
    })
}

/// The bytes of `part`, which was cut from `whole`.
fn place(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let place = start..start + part.len();
    (whole.get(place.clone()) == Some(part)).then_some(place)
}

fn in_text(text: &str, kept: &[&str]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://").map(|at| at + from) {
        let next = at + 3;
        let start = ["https", "http"].iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            let is_scheme = text.get(start..at)?.eq_ignore_ascii_case(scheme);
            let free =
                !text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.'));
            (is_scheme && free && start >= from).then_some(start)
        });
        let Some(start) = start else {
            from = next;
            continue;
        };
        let end = start + end_in_text(&text[start..]);
        from = end.max(next);
        let url = &text[start..end];
        if is_web(url) && !kept.contains(&url) {
            if found.len() == LINKS {
                break;
            }
            found.push(Found {
                link: Link {
                    url: url.to_owned(),
                    position: found.len(),
                    part: LinkPart::Text,
                    label: String::new(),
                },
                place: start..end,
                bare: false,
            });
        }
    }
    found
}

/// How far an address goes: to white space or a bracket of an address, without the signs that end a sentence, and
/// without a closing bracket it did not open.
fn end_in_text(text: &str) -> usize {
    let mut end = text
        .find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        .unwrap_or(text.len());
    let count = |end: usize, sign: char| text[..end].matches(sign).count();
    let mut round = (count(end, '('), count(end, ')'));
    let mut square = (count(end, '['), count(end, ']'));
    while let Some(last) = text[..end].chars().next_back() {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' | '’' | '”' | '»' | '*' => {}
            ')' if round.1 > round.0 => round.1 -= 1,
            ']' if square.1 > square.0 => square.1 -= 1,
            _ => break,
        }
        end -= last.len_utf8();
    }
    end
}

/// What a mail is counted by besides its links. Each is an address of ours that needs no encoding but HTML's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks<'a> {
    /// Source of a picture of one pixel that tells of an opening.
    pub pixel: Option<&'a str>,
    /// A link that no reader sees and only programs follow.
    pub trap: Option<&'a str>,
}

impl Marks<'_> {
    fn html(self) -> String {
        let mut added = String::new();
        if let Some(url) = self.trap {
            added.push_str(
                "<div style=\"display:none;max-height:0;overflow:hidden\" aria-hidden=\"true\"><a href=\"",
            );
            encode(url, false, &mut added);
            added.push_str("\" tabindex=\"-1\" rel=\"nofollow\" data-track=\"off\"></a></div>");
        }
        if let Some(url) = self.pixel {
            added.push_str("<img src=\"");
            encode(url, false, &mut added);
            added.push_str(
                "\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;width:1px;height:1px;border:0\">",
            );
        }
        added
    }
}

/// The HTML with the marks before `</body>`, or at its end where there is none.
pub fn marked(html: &str, marks: Marks<'_>) -> String {
    let added = marks.html();
    let ends = || {
        Tags::new(html)
            .filter_map(|event| match event {
                Event::Tag(at, tag) if tag.closes && tag.name == "body" => Some(at),
                _ => None,
            })
            .last()
    };
    let at = if added.is_empty() { None } else { ends() };
    let at = at.unwrap_or(html.len());
    format!("{}{added}{}", &html[..at], &html[at..])
}

/// The HTML without the pictures of others that no reader sees: they only tell of an opening, and a frame that may fetch
/// nothing would complain of each.
pub fn without_pixels(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut done = 0;
    let mut tags = Tags::new(html);
    while let Some(event) = tags.next() {
        let Event::Tag(begins, tag) = event else {
            continue;
        };
        if tag.name == "img" && !tag.closes && is_pixel(&tag) {
            out.push_str(&html[done..begins]);
            done = html.len() - tags.pieces.rest.len();
        }
    }
    out.push_str(&html[done..]);
    out
}

/// A picture that is fetched, and too small to be seen or hidden.
fn is_pixel(tag: &Tag<'_>) -> bool {
    let dot = |name: &str| {
        let size = tag.attribute(name).unwrap_or_default();
        matches!(size.trim().trim_end_matches("px").trim_end(), "0" | "1")
    };
    let style = tag.attribute("style").unwrap_or_default().to_ascii_lowercase();
    let style: String = style.split_ascii_whitespace().collect();
    let styled = |name: &str| {
        let mut rules = style.split(';').filter_map(|rule| rule.split_once(':'));
        rules.any(|(key, size)| key == name && matches!(size, "0" | "0px" | "1px"))
    };
    let small = |name: &str| dot(name) || styled(name);
    let hidden = tag.raw("hidden").is_some()
        || ["display:none", "visibility:hidden"]
            .iter()
            .any(|way| style.contains(way));
    let fetched = tag.attribute("src").is_some_and(|src| is_web(&followed(&src)));
    fetched && (hidden || (small("width") && small("height")))
}

/// Parameters by which the user's own site tells where a visit comes from. Empty ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utm {
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub medium: String,
    #[serde(default)]
    pub campaign: String,
    #[serde(default)]
    pub content: String,
}

/// Signs that stand for themselves in a query's values (RFC 3986 §2.3).
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Utm {
    /// The address with those parameters it does not have yet, before its fragment; everything else stays as it is.
    pub fn added_to(&self, url: &str) -> String {
        let (address, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let query = address.split_once('?').map(|(_, query)| query);
        let has = |name: &str| {
            let mut parameters = query.unwrap_or_default().split(['&', ';']);
            parameters.any(|parameter| {
                let key = parameter.split('=').next().unwrap_or_default();
                percent_decode_str(key)
                    .decode_utf8_lossy()
                    .eq_ignore_ascii_case(name)
            })
        };
        let mut out = address.to_owned();
        for (name, value) in [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.campaign),
            ("utm_content", &self.content),
        ] {
            if value.is_empty() || has(name) {
                continue;
            }
            if !out.contains('?') {
                out.push('?');
            } else if !out.ends_with(['?', '&']) {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            out.extend(utf8_percent_encode(value, IN_QUERY));
        }
        out.push_str(fragment);
        out
    }
}
