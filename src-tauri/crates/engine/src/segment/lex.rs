//! Text to tokens.

use super::MAX_TEXT;
use super::parse::ParseError;
use super::words::say;
use carillon_model::Moment;
use chrono::NaiveDate;

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub at: usize,
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// A bare word: a keyword, a key, a name, a unit or a currency.
    Word(&'a str),
    /// A key in backquotes.
    Key(String),
    Text(String),
    /// Digits with sign, point and exponent, as written.
    Number(&'a str),
    Date(NaiveDate),
    Moment(Moment),
    Symbol(&'static str),
    End,
}

const SYMBOLS: &[(&str, &str)] = &[
    ("!=", "!="),
    ("<>", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("==", "="),
    ("≠", "!="),
    ("≤", "<="),
    ("≥", ">="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("%", "%"),
];

/// All tokens, the last one [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ParseError> {
    if text.len() > MAX_TEXT {
        let message = say("read.too_long", &[("most", &(MAX_TEXT / 1024))]);
        return Err(ParseError::at(text.floor_char_boundary(MAX_TEXT), message));
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, end) = token(text, at, c)?;
        out.push(Token { kind, at, end });
        at = end;
    }
    out.push(Token {
        kind: Kind::End,
        at: text.len(),
        end: text.len(),
    });
    Ok(out)
}

fn token(text: &str, at: usize, c: char) -> Result<(Kind<'_>, usize), ParseError> {
    let rest = &text[at..];
    match c {
        '"' | '\'' => quoted(text, at, c, c).map(|(s, end)| (Kind::Text(s), end)),
        '“' | '„' => {
            quoted(text, at, c, if c == '“' { '”' } else { '“' }).map(|(s, end)| (Kind::Text(s), end))
        }
        '`' => quoted(text, at, c, c).map(|(s, end)| (Kind::Key(s), end)),
        '0'..='9' | '+' | '-' => number_or_time(text, at),
        _ if c.is_alphabetic() || c == '_' => {
            let end = at + word_length(rest);
            Ok((Kind::Word(&text[at..end]), end))
        }
        _ => match SYMBOLS.iter().find(|(written, _)| rest.starts_with(written)) {
            Some((written, symbol)) => Ok((Kind::Symbol(symbol), at + written.len())),
            None => Err(ParseError::at(
                at,
                say("read.no_meaning", &[("character", &format!("{c:?}"))]),
            )),
        },
    }
}

/// Letters, digits and `_`; `-` and `.` between them; a final `'s`.
fn word_length(rest: &str) -> usize {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let joins = matches!(c, '-' | '.') && chars.peek().is_some_and(|(_, next)| inner(*next));
        if !inner(c) && !joins {
            break;
        }
        end = i + c.len_utf8();
    }
    ["'s", "’s"]
        .iter()
        .find(|s| rest[end..].starts_with(**s) && !rest[end + s.len()..].starts_with(inner))
        .map_or(end, |s| end + s.len())
}

fn quoted(text: &str, start: usize, open: char, close: char) -> Result<(String, usize), ParseError> {
    let mut out = String::new();
    let mut chars = text[start + open.len_utf8()..].char_indices();
    let base = start + open.len_utf8();
    while let Some((i, c)) = chars.next() {
        if c == close {
            return Ok((out, base + i + c.len_utf8()));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let wrong = || {
            let signs = r#"" \ ' ` n r t or u{..}"#;
            let message = say("read.escape", &[("sign", &'\\'), ("signs", &signs)]);
            ParseError::at(base + i, message)
        };
        match chars.next().map(|(_, c)| c) {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\\' | '\'' | '`')) => out.push(c),
            Some('u') => {
                let rest = chars.as_str().strip_prefix('{').ok_or_else(wrong)?;
                let (hex, _) = rest
                    .split_once('}')
                    .filter(|(hex, _)| (1..=6).contains(&hex.len()))
                    .ok_or_else(wrong)?;
                let code = u32::from_str_radix(hex, 16)
                    .ok()
                    .filter(|_| !hex.starts_with('+'));
                out.push(code.and_then(char::from_u32).ok_or_else(wrong)?);
                chars.nth(hex.len() + 1);
            }
            _ => return Err(wrong()),
        }
    }
    Err(ParseError::at(start, say("read.unclosed", &[("quote", &close)])))
}

fn number_or_time(text: &str, at: usize) -> Result<(Kind<'_>, usize), ParseError> {
    let rest = &text[at..];
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    if whole == 0 {
        return Err(ParseError::at(at, say("read.sign", &[])));
    }
    let mut end = sign + whole;
    let dashed = |from: usize| bytes.get(from) == Some(&b'-') && digits(from + 1) == 2;
    if whole >= 4 && dashed(end) && dashed(end + 3) {
        end += 6;
        if !matches!(bytes.get(end), Some(b'T' | b't')) {
            let date = rest[..end]
                .parse()
                .map_err(|_| no_such(at, "read.no_date", "2026-01-31"))?;
            return Ok((Kind::Date(date), at + end));
        }
        let time =
            |b: &u8| b.is_ascii_digit() || matches!(b, b'T' | b't' | b':' | b'.' | b'+' | b'-' | b'Z' | b'z');
        end += bytes[end..].iter().take_while(|b| time(b)).count();
        let moment = rest[..end]
            .parse()
            .map_err(|_| no_such(at, "read.no_moment", "2026-01-31T09:30:00Z"))?;
        return Ok((Kind::Moment(moment), at + end));
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Ok((Kind::Number(&rest[..end]), at + end))
}

fn no_such(at: usize, key: &str, like: &str) -> ParseError {
    ParseError::at(at, say(key, &[("like", &like)]))
}
