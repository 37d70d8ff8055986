//! A delivered mail, as somebody's mail program reads it.

use html5gum::{StartTag, Token, Tokenizer};
use mail_parser::{MessageParser, PartType};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

/// How much of a body is looked at, in bytes.
const LONGEST_BODY: usize = 1 << 20;
/// How many links of a mail anybody knows of.
const MOST_LINKS: usize = 200;
/// Longest words of a link that are kept, in bytes.
const LONGEST_LINK_WORDS: usize = 120;
/// Longest address of a page that is followed, in bytes.
const LONGEST_URL: usize = 4_096;
/// How much of the headers a notice returns, in bytes.
const LONGEST_HEADERS: usize = 16_384;

/// What a link promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    Content,
    /// Leave the list.
    Leave,
    /// Preferences, terms, the mail on a page: next to nobody goes there.
    Small,
    /// Confirm an address.
    Confirm,
    /// Something to fill in.
    Form,
}

/// A link to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    /// What its reader sees of it, on one line, shortened; empty in a plain text and for pictures without words.
    pub words: String,
    pub kind: LinkKind,
    /// Nobody sees it; machines follow it.
    pub hidden: bool,
}

/// Where a mailto link writes to, and what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailto {
    pub to: String,
    pub subject: String,
    pub body: String,
}

/// What stands at the head of a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Without brackets; empty where there is none.
    pub message_id: String,
    pub subject: String,
    pub from_name: String,
    pub from: String,
    /// Where answers go: Reply-To, else From.
    pub reply_to: String,
    /// The page that leaves the list, opened in a browser.
    pub leave_page: Option<String>,
    /// Whether `leave_page` takes a POST without further ado (RFC 8058).
    pub one_click: bool,
    pub leave_mail: Option<Mailto>,
    /// Whether it says it went to many: List-Id, List-Unsubscribe or Precedence.
    pub list: bool,
}

/// What stands in a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// An image nobody can see.
    pub pixel: Option<String>,
    pub links: Vec<Link>,
    /// The first lines of text, for an answer to quote.
    pub quote: Vec<String>,
}

/// A mail. Its body is read when somebody opens it: most are never opened.
pub struct Mail<'a> {
    bytes: &'a [u8],
    pub headers: Headers,
    body: OnceCell<Body>,
}

impl<'a> Mail<'a> {
    /// Any bytes are a mail, if need be one without headers.
    pub fn read(bytes: &'a [u8]) -> Mail<'a> {
        Mail {
            bytes,
            headers: headers(bytes),
            body: OnceCell::new(),
        }
    }

    /// What stands in it.
    pub fn body(&self) -> &Body {
        self.body.get_or_init(|| body(self.bytes))
    }

    /// The lines before the body, as they stand, for notices that return them.
    pub fn head(&self) -> String {
        let end = self
            .bytes
            .windows(2)
            .position(|two| two == b"\n\n")
            .map(|at| at + 1);
        let crlf = self
            .bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map(|at| at + 2);
        let end = end.into_iter().chain(crlf).min().unwrap_or(self.bytes.len());
        let mut head = String::from_utf8_lossy(&self.bytes[..end.min(LONGEST_HEADERS)]).into_owned();
        if end > LONGEST_HEADERS {
            let whole = head.rfind('\n').map_or(0, |at| at + 1);
            head.truncate(whole);
        }
        head
    }
}

fn headers(bytes: &[u8]) -> Headers {
    let Some(message) = MessageParser::default().parse_headers(bytes) else {
        return Headers::default();
    };
    let raw = |name: &'static str| message.header_raw(name).unwrap_or_default();
    let first = |address: Option<&mail_parser::Address>| {
        let one = address.and_then(|address| address.first());
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        one.map_or_else(Default::default, |one| (text(one.name()), text(one.address())))
    };
    let (from_name, from) = first(message.from());
    let reply_to = first(message.reply_to()).1;
    let leave = raw("List-Unsubscribe");
    let ways: Vec<&str> = leave
        .split('<')
        .skip(1)
        .filter_map(|way| Some(way.split_once('>')?.0.trim()))
        .take(8)
        .collect();
    let post = raw("List-Unsubscribe-Post")
        .trim()
        .eq_ignore_ascii_case("List-Unsubscribe=One-Click");
    let leave_page = ways.iter().find(|way| is_page(way)).map(|way| (*way).to_owned());
    let bulk = ["bulk", "list"]
        .iter()
        .any(|word| raw("Precedence").trim().eq_ignore_ascii_case(word));
    Headers {
        message_id: message.message_id().unwrap_or_default().to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        reply_to: if reply_to.is_empty() {
            from.clone()
        } else {
            reply_to
        },
        from_name,
        from,
        one_click: post && leave_page.is_some(),
        leave_page,
        leave_mail: ways.iter().find_map(|way| mailto(way)),
        list: bulk || !leave.is_empty() || !raw("List-Id").is_empty(),
    }
}

fn is_page(url: &str) -> bool {
    let scheme = |name: &str| {
        url.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    (scheme("https://") || scheme("http://"))
        && url.len() <= LONGEST_URL
        && url.bytes().all(|b| b.is_ascii_graphic() || b >= 0x80)
}

/// A mailto URI (RFC 6068) with one recipient.
fn mailto(uri: &str) -> Option<Mailto> {
    let (scheme, rest) = uri.split_once(':')?;
    let (to, query) = rest.split_once('?').unwrap_or((rest, ""));
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut found = Mailto {
        to: plain(to),
        ..Mailto::default()
    };
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match key.to_ascii_lowercase().as_str() {
            "subject" => found.subject = plain(value),
            "body" => found.body = plain(value),
            _ => {}
        }
    }
    let writable = found.to.contains('@') && !found.to.contains([',', '\r', '\n', ' ', '<', '>']);
    (scheme.eq_ignore_ascii_case("mailto") && uri.len() <= LONGEST_URL && writable).then_some(found)
}

fn body(bytes: &[u8]) -> Body {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Body::default();
    };
    let mut found = Body::default();
    let html = message
        .html_body
        .iter()
        .find_map(|part| match &message.part(*part)?.body {
            PartType::Html(html) => Some(html.as_ref()),
            _ => None,
        });
    let text = message
        .text_body
        .iter()
        .find_map(|part| match &message.part(*part)?.body {
            PartType::Text(text) => Some(text.as_ref()),
            _ => None,
        });
    match html {
        Some(html) => read_html(upto(html, LONGEST_BODY), &mut found),
        None => read_links_of_text(upto(text.unwrap_or_default(), LONGEST_BODY), &mut found),
    }
    let lines = upto(text.unwrap_or_default(), 8_192).lines().map(str::trim_end);
    let short = lines
        .filter(|line| !line.is_empty())
        .map(|line| upto(line, 200).to_owned());
    found.quote = short.take(6).collect();
    found
}

fn upto(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn read_links_of_text(text: &str, found: &mut Body) {
    for line in text.lines() {
        for word in line.split_ascii_whitespace() {
            let url = word.trim_matches(['<', '>', '(', ')', '[', ']', '"', ',', '.']);
            if is_page(url) && found.links.len() < MOST_LINKS {
                let before = line.split(url).next().unwrap_or_default();
                found.links.push(Link {
                    words: String::new(),
                    ..link(url, before, false)
                });
            }
        }
    }
}

fn link(url: &str, text: &str, hidden: bool) -> Link {
    let words: Vec<&str> = text.split_whitespace().collect();
    Link {
        kind: kind(url, text),
        words: upto(&words.join(" "), LONGEST_LINK_WORDS).to_owned(),
        url: url.to_owned(),
        hidden,
    }
}

/// By the first folder of the address, as relays have it, else by the words of link and address: tracked links hide
/// where they go.
fn kind(url: &str, text: &str) -> LinkKind {
    match url.split('/').nth(3) {
        Some("u") => return LinkKind::Leave,
        Some("p") => return LinkKind::Small,
        Some("k") => return LinkKind::Confirm,
        Some("f") => return LinkKind::Form,
        _ => {}
    }
    const KINDS: [(LinkKind, &[&str]); 4] = [
        (
            LinkKind::Leave,
            &[
                "unsubscribe",
                "opt-out",
                "opt out",
                "optout",
                "abmeld",
                "abbestell",
                "désinscri",
                "desinscri",
                "désabonn",
            ],
        ),
        (LinkKind::Confirm, &["confirm", "bestätig", "verify your"]),
        (
            LinkKind::Small,
            &[
                "preference",
                "einstellung",
                "préférence",
                "privacy",
                "datenschutz",
                "imprint",
                "impressum",
                "browser",
                "navigateur",
                "terms",
            ],
        ),
        (
            LinkKind::Form,
            &[
                "survey",
                "umfrage",
                "sondage",
                "sign up",
                "signup",
                "register",
                "anmeld",
                "inscri",
                "/form",
                "formular",
                "formulaire",
            ],
        ),
    ];
    let words = format!("{} {}", text.to_lowercase(), url.to_ascii_lowercase());
    let found = KINDS
        .iter()
        .find(|(_, hints)| hints.iter().any(|hint| words.contains(hint)));
    found.map_or(LinkKind::Content, |(kind, _)| *kind)
}

/// What the reader of a page of HTML has open.
#[derive(Default)]
struct Open {
    /// Address and words so far of the link that is open.
    link: Option<(String, String)>,
    /// The element that hides what is in it, and how many of its name are open.
    hiding: Option<(Vec<u8>, u32)>,
    /// Style sheets and scripts are no words.
    mute: bool,
}

fn read_html(html: &str, found: &mut Body) {
    let mut open = Open::default();
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => start(&tag, &mut open, found),
            Token::EndTag(tag) => {
                match tag.name.as_slice() {
                    b"a" => close_link(&mut open, found),
                    b"style" | b"script" | b"title" => open.mute = false,
                    _ => {}
                }
                if let Some((name, depth)) = &mut open.hiding
                    && *name == tag.name.as_slice()
                {
                    *depth -= 1;
                    if *depth == 0 {
                        open.hiding = None;
                    }
                }
            }
            Token::String(text) if !open.mute => {
                if let Some((_, words)) = &mut open.link
                    && words.len() < 200
                {
                    words.push_str(&String::from_utf8_lossy(&text));
                }
            }
            _ => {}
        }
    }
    close_link(&mut open, found);
}

fn close_link(open: &mut Open, found: &mut Body) {
    if let Some((url, words)) = open.link.take()
        && found.links.len() < MOST_LINKS
    {
        found.links.push(link(&url, &words, open.hiding.is_some()));
    }
}

fn start(tag: &StartTag<()>, open: &mut Open, found: &mut Body) {
    let value = |name: &[u8]| {
        tag.attributes
            .get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let name: &[u8] = &tag.name;
    if let Some((hiding, depth)) = &mut open.hiding {
        *depth += u32::from(hiding.as_slice() == name);
    } else if !matches!(name, b"img" | b"br" | b"hr" | b"input" | b"meta" | b"link") && is_hidden(&value) {
        open.hiding = Some((name.to_vec(), 1));
    }
    match name {
        b"a" => {
            close_link(open, found);
            let url = value(b"href").map(|url| url.trim().to_owned());
            open.link = url.filter(|url| is_page(url)).map(|url| (url, String::new()));
        }
        b"img" if found.pixel.is_none() => {
            let src = value(b"src").map(|src| src.trim().to_owned());
            found.pixel = src.filter(|src| is_page(src) && is_pixel(&value));
        }
        b"img" => {
            let alt = value(b"alt").unwrap_or_default();
            if let Some((_, words)) = &mut open.link {
                words.push_str(upto(&alt, 100));
            }
        }
        b"style" | b"script" | b"title" => open.mute = true,
        _ => {}
    }
}

fn is_pixel(value: &impl Fn(&[u8]) -> Option<String>) -> bool {
    let small =
        |name: &[u8]| value(name).is_some_and(|size| matches!(size.trim(), "0" | "1" | "1px" | "0px"));
    (small(b"width") && small(b"height")) || is_hidden(value)
}

pub(super) fn is_hidden(value: &impl Fn(&[u8]) -> Option<String>) -> bool {
    let style = value(b"style").unwrap_or_default();
    let style: String = style.to_ascii_lowercase().split_ascii_whitespace().collect();
    value(b"hidden").is_some()
        || ["display:none", "visibility:hidden"]
            .iter()
            .any(|way| style.contains(way))
        || (style.contains("width:1px") && style.contains("height:1px"))
        || style.contains("left:-")
}
