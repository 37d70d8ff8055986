//! Text made comparable, and what a person wrote apart from what they quote.

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

/// At most `most` characters.
pub(super) fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// What the sender wrote: the text before the first quotation that is not the beginning of all.
pub(super) fn own(body: &str, programs: &Programs) -> String {
    let body = cut(body, 64 << 10);
    let mut kept = match programs.quote.find(body) {
        Some(hit) if !body[..hit.start()].trim().is_empty() => body[..hit.start()].to_owned(),
        // written below or between what is quoted
        Some(_) => body
            .lines()
            .filter(|line| !line.trim_start().starts_with('>') && !programs.quote.is_match(line))
            .collect::<Vec<_>>()
            .join("\n"),
        None => body.to_owned(),
    };
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
