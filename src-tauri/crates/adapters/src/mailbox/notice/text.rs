//! Text made comparable, and what a person wrote apart from what they quote.

use super::html::{QUOTED, UNQUOTED, is_mark};
use super::mime::cut;
use super::programs::Programs;
use crate::failure::clean;
use regex::Regex;
use std::sync::LazyLock;

/// Text for matching: lower case, no markup of replies, runs of white space one space, plain apostrophes.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let c = match c {
            '\u{2018}' | '\u{2019}' | '\u{B4}' | '`' | '\u{FF07}' => '\'',
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => '"',
            '\u{2010}' | '\u{2011}' => '-',
            '\u{FF1A}' => ':',
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}' => {
                continue;
            }
            c => c,
        };
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

static CODES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)(?:^|[\s>])[245]\d\d[ -](?:#?[245]\.\d{1,3}\.\d{1,3}[ :;,-]+)?")
        .expect("the pattern is tested")
});

/// [`plain`], without the codes that stand before each line of a long reply and cut its sentences.
pub(super) fn plain_reply(text: &str) -> String {
    plain(&CODES.replace_all(text, " "))
}

/// Words that programs write as one, each for itself.
pub(super) fn words_apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut last = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let between = last.is_alphabetic() && chars.peek().is_some_and(|next| next.is_alphabetic());
        match c {
            '-' | '_' | '.' if between => out.push(' '),
            _ => {
                if last.is_lowercase() && c.is_uppercase() {
                    out.push(' ');
                }
                out.push(c);
            }
        }
        last = c;
    }
    out
}

/// At most `most` characters.
pub(super) fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// What the sender wrote: the text before the first quotation that is not the beginning of all. A mail system's notice
/// (`by_system`) may name fields of a message before it says what became of it.
pub(super) fn own(body: &str, programs: &Programs, by_system: bool) -> String {
    let body = cut(body, 64 << 10);
    let quote = programs.quote.find(body).map(|hit| hit.start());
    let block = (!by_system).then(|| header_block(body)).flatten();
    let begins = [quote, block, body.find(QUOTED)];
    let said = |at: &usize| {
        !body[..*at]
            .trim_matches(|c: char| c.is_whitespace() || c == UNQUOTED)
            .is_empty()
    };
    let mut kept = match begins.into_iter().flatten().min() {
        Some(at) if said(&at) => body[..at].to_owned(),
        // written below or between what is quoted
        Some(_) => between(body, programs),
        None => body.to_owned(),
    };
    kept.retain(|c| !is_mark(c));
    if let Some(hit) = programs.signature.find(&kept) {
        if !kept[..hit.start()].trim().is_empty() {
            kept.truncate(hit.start());
        } else {
            kept.replace_range(hit.range(), "");
        }
    }
    let lines: Vec<String> = kept.lines().map(clean).collect();
    let mut out = String::new();
    for line in lines {
        if line.is_empty() && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// The lines of a text that are not quoted.
fn between(body: &str, programs: &Programs) -> String {
    let mut depth = 0_usize;
    let mut kept = Vec::new();
    // A mark that is never taken back reaches to the end.
    let closed = body.contains(UNQUOTED);
    for line in body.lines() {
        match line.trim().chars().next() {
            Some(QUOTED) => depth += 1,
            Some(UNQUOTED) => depth = depth.saturating_sub(1),
            _ if depth > 0 && closed => {}
            _ if line.trim_start().starts_with('>') || programs.quote.is_match(line) => {}
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[ \t\u{200E}\u{200F}*>]{0,4}[^\s:：*][^\n:：]{0,24}\*{0,2}[ \t]?[:：]\*{0,2}[ \t\u{A0}]?\S")
        .expect("the pattern is tested")
});
static YEAR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"20\d\d|[٠-٩]{4}").expect("the pattern is tested"));

/// Where a message's header, shortened and in whatever language, begins: three lines or more with a colon each, one
/// with an address, one with a year.
fn header_block(body: &str) -> Option<usize> {
    let mut start = 0;
    let (mut lines, mut address, mut year) = (0, false, false);
    let mut at = 0;
    for line in body.split_inclusive('\n').take(2000) {
        if FIELD.is_match(cut(line, 400)) {
            if lines == 0 {
                start = at;
            }
            lines += 1;
            address |= line.contains('@');
            year |= YEAR.is_match(line);
            if lines >= 3 && address && year {
                return Some(start);
            }
        } else {
            (lines, address, year) = (0, false, false);
        }
        at += line.len();
    }
    None
}
