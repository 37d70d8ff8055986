//! Addresses in fields and in text.

use regex::Regex;
use std::sync::LazyLock;

/// Addresses in running text: ASCII, a dot in the domain, so that text in scripts without spaces is not taken in.
static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[a-z0-9_][a-z0-9.!#$%&'*+/=?^_{|}~-]{0,120}@(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,30}[a-z0-9]")
        .expect("the pattern is tested")
});

/// Addresses in angle brackets: also quoted, international (RFC 6532), of one label, or with a literal.
static IN_BRACKETS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)<\s*(?:mailto:|smtp:|rfc822;\s*)?((?:"[^"<>@\n]{1,64}"|[^\s<>@"(),:;]{1,128})@(?:[^\s<>@"(),:;\[\]]{1,255}|\[[0-9a-f.:]{3,40}\]))\s*>"#,
    )
    .expect("the pattern is tested")
});

static XTEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\+(2B|3D)").expect("the pattern is tested"));
static UNITEXT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\\x\{([0-9A-Fa-f]{2,6})\}").expect("the pattern is tested"));

/// An address in a text with its place (in bytes, brackets included).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub address: String,
    pub start: usize,
    pub end: usize,
}

/// The addresses in one line or text, in order, at most 200.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for hit in IN_BRACKETS.captures_iter(text).take(200) {
        if let (Some(whole), Some(address)) = (hit.get(0), hit.get(1)) {
            found.extend(tidy(address.as_str()).map(|address| Found {
                address,
                start: whole.start(),
                end: whole.end(),
            }));
        }
    }
    for hit in IN_TEXT.find_iter(text).take(200) {
        let inside = |f: &Found| f.start < hit.end() && hit.start() < f.end;
        if !found.iter().any(inside) {
            found.extend(tidy(hit.as_str()).map(|address| Found {
                address,
                start: hit.start(),
                end: hit.end(),
            }));
        }
    }
    found.sort_by_key(|f| f.start);
    found
}

/// The address of a field such as From: the last one in brackets, else the first in the text.
pub(super) fn of_field(value: &str) -> Option<String> {
    let bracketed = IN_BRACKETS
        .captures_iter(value)
        .take(50)
        .last()
        .and_then(|hit| tidy(hit.get(1)?.as_str()));
    bracketed.or_else(|| IN_TEXT.find(value).and_then(|hit| tidy(hit.as_str())))
}

/// The address in a field of a report (RFC 3464 §2.3.1): `rfc822; a@b`, `utf-8; ...` (RFC 6533 §3), or bare.
/// `encoded` also undoes what is left of xtext (RFC 3461 §4) by servers that copy ORCPT as it came.
pub(super) fn of_report(value: &str, encoded: bool) -> Option<String> {
    let (kind, rest) = match value.split_once(';') {
        Some((kind, rest)) if !kind.contains('@') => (kind.trim().to_ascii_lowercase(), rest),
        _ => (String::new(), value),
    };
    let mut rest = rest.trim().to_owned();
    if kind == "utf-8" || rest.contains("\\x{") {
        rest = UNITEXT
            .replace_all(&rest, |hit: &regex::Captures<'_>| {
                u32::from_str_radix(&hit[1], 16)
                    .ok()
                    .and_then(char::from_u32)
                    .map_or_else(String::new, String::from)
            })
            .into_owned();
    }
    if encoded && XTEXT.is_match(&rest) {
        rest = XTEXT
            .replace_all(
                &rest,
                |hit: &regex::Captures<'_>| {
                    if &hit[1] == "2B" { "+" } else { "=" }
                },
            )
            .into_owned();
    }
    // the ASCII pattern would take the end of an international local part
    if rest.is_ascii()
        && let Some(address) = of_field(&rest)
    {
        return Some(address);
    }
    let bare = rest
        .split_whitespace()
        .next()?
        .trim_matches(|c| matches!(c, '<' | '>' | '"' | '\'' | ',' | ';'));
    bare.contains('@').then(|| tidy(bare)).flatten()
}

/// The address alone: no source route, no quotes around, domain in lower case; None where it is none.
pub(super) fn tidy(text: &str) -> Option<String> {
    let text = text
        .trim()
        .trim_matches(|c| matches!(c, '<' | '>' | '\'' | '`' | ',' | ';' | '*'))
        .trim_end_matches('.');
    // "@relay.example:user@example.com", and "To=user@example.com" of logs
    let text = match text.rsplit_once(':') {
        Some((_, rest)) if rest.contains('@') => rest,
        _ => text,
    };
    let prefixes = ["to=", "TO=", "smtp=", "SMTP="];
    let text = prefixes
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    let (local, domain) = text.rsplit_once('@')?;
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain = |c: char| c.is_alphanumeric() || "._+-".contains(c);
    let local = match quoted {
        true if local[1..local.len() - 1].chars().all(plain) => &local[1..local.len() - 1],
        _ => local,
    };
    let bad = |c: char| c.is_control() || c.is_whitespace();
    if local.is_empty() || domain.is_empty() || text.len() > 320 || domain.chars().any(bad) {
        return None;
    }
    if !quoted && local.chars().any(bad) {
        return None;
    }
    Some(format!("{local}@{}", domain.to_lowercase()))
}

/// Whether two addresses are the same for matching.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
