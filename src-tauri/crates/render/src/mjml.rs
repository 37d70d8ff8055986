//! MJML to HTML by mrml, which reads and writes by recursion and quotes attributes as Rust does, not as HTML does.
//! So its input is checked and put right first, on the tokens it will read itself.

use crate::context::{ErrorKind, Fallible, RenderError};
use crate::limits::{
    ATTRIBUTE_BYTES, CAROUSEL_IMAGES, INHERITED_BYTES, MJML_DEPTH, MJML_ELEMENTS, OUTPUT_BYTES,
};
use crate::liquid::markup::escape;
use htmlparser::{ElementEnd, StrSpan, Token, Tokenizer};
use mrml::prelude::parser::{Error as ParseError, ParserOptions};
use mrml::prelude::render::RenderOptions;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// Elements of MJML; anything else that begins with `mj` is a slip of the pen.
const ELEMENTS: [&str; 32] = [
    "mjml",
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-body",
    "mj-breakpoint",
    "mj-button",
    "mj-carousel",
    "mj-carousel-image",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-font",
    "mj-group",
    "mj-head",
    "mj-hero",
    "mj-image",
    "mj-navbar",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
];

/// Elements of HTML without an end tag, as mrml knows them.
pub(crate) const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// HTML of an MJML document. `preheader` becomes its hidden preview unless it has one of its own.
pub(crate) fn to_html(source: &str, preheader: &str) -> Fallible<String> {
    if !source.contains("<mjml") {
        return Err(mjml("The body has no “mjml” element."));
    }
    let ready = prepare(source.trim(), preheader)?;
    let parsed =
        mrml::parse_with_options(&ready, &ParserOptions::default()).map_err(|e| unreadable(&ready, &e))?;
    // No fonts are fetched from others: that would tell them who reads.
    let options = RenderOptions {
        disable_comments: true,
        social_icon_origin: None,
        fonts: HashMap::new(),
    };
    let html = parsed
        .element
        .render(&options)
        .map_err(|e| mjml(format!("MJML could not be written: {e}.")))?;
    if html.len() > OUTPUT_BYTES {
        return Err(too_much(format!(
            "The HTML grew over {} MiB.",
            OUTPUT_BYTES / 1024 / 1024
        )));
    }
    Ok(html)
}

fn mjml(message: impl Into<String>) -> RenderError {
    RenderError::new(ErrorKind::Mjml, message)
}

fn too_much(message: impl Into<String>) -> RenderError {
    RenderError::new(ErrorKind::TooMuch, message)
}

fn line(source: &str, at: usize) -> usize {
    source.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

fn near(source: &str, at: usize) -> String {
    let rest: String = source.get(at..).unwrap_or_default().chars().take(40).collect();
    format!(
        "line {} after Liquid, at “{}”",
        line(source, at),
        rest.lines().next().unwrap_or_default()
    )
}

fn unreadable(source: &str, error: &ParseError) -> RenderError {
    let (what, at) = match error {
        ParseError::UnexpectedElement { position, .. } => {
            ("An element stands where it may not", Some(position.start))
        }
        ParseError::UnexpectedToken { position, .. } => {
            ("Something stands where it may not", Some(position.start))
        }
        ParseError::MissingAttribute { position, .. } => ("An attribute is missing", Some(position.start)),
        ParseError::InvalidAttribute { position, .. } => {
            ("An attribute cannot be read", Some(position.start))
        }
        ParseError::InvalidFormat { position, .. } => ("A value cannot be read", Some(position.start)),
        ParseError::EndOfStream { .. } => ("The MJML ends before its last element is closed", None),
        ParseError::NoRootNode => ("The body has no “mjml” element", None),
        _ => ("The MJML cannot be read", None),
    };
    match at {
        Some(at) => mjml(format!("{what} ({}).", near(source, at))),
        None => mjml(format!("{what}.")),
    }
}

/// What is gathered while the tokens go by.
struct Scan<'a> {
    source: &'a str,
    open: Vec<&'a str>,
    /// The element whose attributes are being read.
    current: &'a str,
    elements: usize,
    carousel_images: usize,
    inherited: usize,
    previewed: bool,
    preview_at: Option<(usize, Insert)>,
    edits: Vec<(Range<usize>, String)>,
}

/// How the preview is put in.
#[derive(Clone, Copy, PartialEq)]
enum Insert {
    /// Into a head.
    Inside,
    /// Into a head that is written as `<mj-head />`.
    Opened,
    /// With a head of its own.
    Whole,
}

/// Checks the bounds, writes attribute values in ASCII with entities, and puts the preview in.
fn prepare(source: &str, preheader: &str) -> Fallible<String> {
    let mut scan = Scan {
        source,
        open: Vec::new(),
        current: "",
        elements: 0,
        carousel_images: 0,
        inherited: 0,
        previewed: false,
        preview_at: None,
        edits: Vec::new(),
    };
    for token in Tokenizer::from(source) {
        let token = token.map_err(|e| {
            let row = e.pos().row;
            mjml(format!(
                "The markup cannot be read (line {row} after Liquid). Is a quote or a bracket missing?"
            ))
        })?;
        scan.token(token)?;
    }
    if let Some(open) = scan.open.last() {
        return Err(mjml(format!("“{open}” is never closed.")));
    }
    if scan.inherited.saturating_mul(scan.elements) > INHERITED_BYTES {
        return Err(too_much("The “mj-attributes” are too long for so many elements."));
    }
    scan.preview(preheader);
    Ok(scan.applied())
}

impl<'a> Scan<'a> {
    fn token(&mut self, token: Token<'a>) -> Fallible<()> {
        match token {
            Token::ElementStart { prefix, local, span } => self.start(prefix, local, span),
            Token::Attribute { value, span, .. } => self.attribute(value, span),
            Token::ElementEnd {
                end: ElementEnd::Open,
                span,
            } => {
                self.place_preview(span.end(), span.end(), false);
                if VOID.contains(&self.current) {
                    return Ok(());
                }
                if self.open.len() >= MJML_DEPTH {
                    return Err(too_much(format!(
                        "Elements stand more than {MJML_DEPTH} deep inside one another."
                    )));
                }
                self.open.push(self.current);
                Ok(())
            }
            Token::ElementEnd {
                end: ElementEnd::Empty,
                span,
            } => {
                self.place_preview(span.start(), span.end(), true);
                Ok(())
            }
            Token::ElementEnd {
                end: ElementEnd::Close(prefix, local),
                span,
            } => self.close(prefix, local, span),
            Token::Declaration { span, .. }
            | Token::ProcessingInstruction { span, .. }
            | Token::DtdStart { span, .. }
            | Token::EmptyDtd { span, .. }
            | Token::EntityDeclaration { span, .. }
            | Token::DtdEnd { span }
            | Token::Cdata { span, .. } => Err(mjml(format!(
                "Declarations, entities and CDATA cannot be used ({}).",
                near(self.source, span.start())
            ))),
            Token::Comment { .. }
            | Token::Text { .. }
            | Token::ConditionalCommentStart { .. }
            | Token::ConditionalCommentEnd { .. } => Ok(()),
        }
    }

    fn start(&mut self, prefix: StrSpan<'a>, local: StrSpan<'a>, span: StrSpan<'a>) -> Fallible<()> {
        let name = local.as_str();
        self.elements += 1;
        if self.elements > MJML_ELEMENTS {
            return Err(too_much(format!(
                "The body has more than {MJML_ELEMENTS} elements."
            )));
        }
        match name {
            "mj-include" => {
                return Err(mjml(format!(
                    "“mj-include” cannot be used: a template stands for itself ({}).",
                    near(self.source, span.start())
                )));
            }
            "mj-carousel-image" => {
                self.carousel_images += 1;
                if self.carousel_images > CAROUSEL_IMAGES {
                    return Err(too_much(format!(
                        "The carousels have more than {CAROUSEL_IMAGES} images."
                    )));
                }
            }
            "mj-preview" => self.previewed = true,
            "mj-wrapper" => {}
            _ if prefix.is_empty() && name.starts_with("mj") && !ELEMENTS.contains(&name) => {
                return Err(mjml(format!(
                    "“{name}” is no element of MJML ({}).",
                    near(self.source, span.start())
                )));
            }
            _ => {}
        }
        self.current = name;
        Ok(())
    }

    fn attribute(&mut self, value: Option<StrSpan<'a>>, span: StrSpan<'a>) -> Fallible<()> {
        let Some(value) = value else { return Ok(()) };
        if value.as_str().len() > ATTRIBUTE_BYTES {
            return Err(too_much(format!(
                "An attribute is longer than {} KiB ({}).",
                ATTRIBUTE_BYTES / 1024,
                near(self.source, span.start())
            )));
        }
        if self.open.contains(&"mj-attributes") {
            self.inherited += value.as_str().len();
        }
        if !value.as_str().bytes().all(is_plain) {
            self.edits
                .push((value.start()..value.end(), in_ascii(value.as_str())));
        }
        Ok(())
    }

    fn close(&mut self, _prefix: StrSpan<'a>, local: StrSpan<'a>, span: StrSpan<'a>) -> Fallible<()> {
        let name = local.as_str();
        match self.open.pop() {
            Some(open) if open == name => Ok(()),
            Some(open) => Err(mjml(format!(
                "“/{name}” stands where “{open}” is still open ({}).",
                near(self.source, span.start())
            ))),
            None => Err(mjml(format!(
                "“/{name}” closes nothing ({}).",
                near(self.source, span.start())
            ))),
        }
    }

    /// Remembers the best place for a preview: inside the head, else a head of its own after `<mjml>`.
    fn place_preview(&mut self, start: usize, end: usize, empty: bool) {
        let place = match (self.current, self.open.as_slice(), empty) {
            ("mj-head", ["mjml"], false) => (end, Insert::Inside),
            ("mj-head", ["mjml"], true) => (start, Insert::Opened),
            ("mjml", [], false) => (end, Insert::Whole),
            _ => return,
        };
        let better = self.preview_at.is_none_or(|(_, at)| at == Insert::Whole);
        if better {
            self.preview_at = Some(place);
        }
    }

    fn preview(&mut self, preheader: &str) {
        let Some((at, insert)) = self.preview_at else {
            return;
        };
        if self.previewed || preheader.is_empty() {
            return;
        }
        let preview = format!("<mj-preview>{}</mj-preview>", escape(preheader));
        self.edits.push(match insert {
            Insert::Inside => (at..at, preview),
            Insert::Opened => (at..at + "/>".len(), format!(">{preview}</mj-head>")),
            Insert::Whole => (at..at, format!("<mj-head>{preview}</mj-head>")),
        });
    }

    fn applied(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(self.source.len() + 256);
        let mut from = 0;
        for (range, text) in self.edits {
            out.push_str(self.source.get(from..range.start).unwrap_or_default());
            out.push_str(&text);
            from = range.end;
        }
        out.push_str(self.source.get(from..).unwrap_or_default());
        out
    }
}

pub(crate) fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// mrml writes attributes with Rust's `{:?}`: a quote would become `\"` and end the attribute, and a joiner in an
/// emoji `\u{200d}`. Written as entities they arrive as they were.
pub(crate) fn in_ascii(value: &str) -> String {
    let mut out = String::with_capacity(value.len() * 2);
    for c in value.chars() {
        if c.is_ascii() && is_plain(c as u8) {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "&#{};", c as u32);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn page(inner: &str) -> String {
        format!(
            "<mjml lang=\"en\"><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"
        )
    }

    #[test]
    fn attributes_keep_emoji_quotes_and_backslashes() {
        let html = to_html(
            &page("<mj-image src='https://x.test/a.png' alt='A \"b\" \\ 👨\u{200d}👩 \u{a0}é' />"),
            "",
        )
        .unwrap();
        let start = html.find("alt=\"").unwrap() + 5;
        let alt = &html[start..start + html[start..].find('"').unwrap()];
        assert_eq!(
            html_escape::decode_html_entities(alt),
            "A \"b\" \\ 👨\u{200d}👩 \u{a0}é"
        );
    }

    #[test]
    fn the_preheader_becomes_the_preview_wherever_the_head_is() {
        for head in ["", "<mj-head />", "<mj-head><mj-title>t</mj-title></mj-head>"] {
            let html = to_html(&format!("<mjml>{head}<mj-body></mj-body></mjml>"), "Fresh & new").unwrap();
            assert_eq!(html.matches("Fresh &amp; new").count(), 1, "{head}: {html}");
        }
        let own = "<mjml><mj-head><mj-preview>Own</mj-preview></mj-head><mj-body></mj-body></mjml>";
        let html = to_html(own, "Other").unwrap();
        assert!(html.contains("Own") && !html.contains("Other"));
    }

    #[test]
    fn depth_is_refused_before_mrml_reads_and_its_greatest_is_survived() {
        let deep = |n: usize| {
            page(&format!(
                "<mj-text>{}{}</mj-text>",
                "<b>".repeat(n),
                "</b>".repeat(n)
            ))
        };
        assert_eq!(to_html(&deep(100_000), "").unwrap_err().kind, ErrorKind::TooMuch);
        assert!(to_html(&deep(MJML_DEPTH - 5), "").is_ok());
        let wrappers = |n: usize| {
            page(&format!(
                "{}{}",
                "<mj-section>".repeat(n),
                "</mj-section>".repeat(n)
            ))
        };
        assert_eq!(
            to_html(&wrappers(20_000), "").unwrap_err().kind,
            ErrorKind::TooMuch
        );
        assert!(to_html(&wrappers(MJML_DEPTH - 4), "").is_ok());
    }

    #[test]
    fn errors_say_what_and_where() {
        for (source, word) in [
            ("<mjml><mj-body><mj-txt></mj-txt></mj-body></mjml>", "mj-txt"),
            ("<mjml><mj-body><mj-text>a</mj-body></mjml>", "mj-text"),
            (
                "<mjml><mj-head><mj-include path=\"/etc/passwd\" /></mj-head></mjml>",
                "mj-include",
            ),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><mjml></mjml>", "entities"),
            ("<mjml><mj-body>", "never closed"),
            ("hello", "no “mjml”"),
            ("x<mjml></mjml>", "cannot be read"),
            ("", "no “mjml”"),
        ] {
            let error = to_html(source, "").unwrap_err();
            assert!(error.message.contains(word), "{source}: {error}");
        }
    }
}
