//! Making what comes from outside fit to be kept: names without tricks, addresses that can be written to.

use carillon_render::address::AddressError;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Why an address is not taken. The sentence is `imports.reasons.<word>` of the locale files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    Missing,
    Invalid,
    TooLong,
    /// A local part that is not ASCII needs SMTPUTF8, which few servers offer (RFC 6531).
    NotAscii,
    /// `"quoted local"@example.com`: legal, refused by most, and a way into headers.
    Quoted,
}

impl BadAddress {
    /// Its word in the locale files.
    pub fn word(self) -> &'static str {
        match self {
            BadAddress::Missing => "email_missing",
            BadAddress::Invalid => "email_invalid",
            BadAddress::TooLong => "email_too_long",
            BadAddress::NotAscii => "email_not_ascii",
            BadAddress::Quoted => "email_quoted",
        }
    }
}

/// The address in the one form it is kept and compared in: trimmed, lower-cased, domain as A-labels
/// (RFC 5890), at most 254 bytes (RFC 5321 §4.5.3.1.3 with errata 1690).
///
/// # Errors
/// See [`BadAddress`].
pub fn address(raw: &str) -> Result<String, BadAddress> {
    let text = match raw.is_ascii() {
        true => Cow::Borrowed(raw.trim()),
        false => Cow::Owned(raw.trim().chars().filter(|c| !is_hidden(*c)).collect()),
    };
    let text = text.strip_prefix("mailto:").unwrap_or(&text).trim();
    if text.is_empty() {
        return Err(BadAddress::Missing);
    }
    if text.starts_with('"') {
        return Err(BadAddress::Quoted);
    }
    let address = carillon_render::address::parse(text).map_err(|e| match e {
        AddressError::LocalPart => BadAddress::NotAscii,
        AddressError::TooLong => BadAddress::TooLong,
        AddressError::Shape | AddressError::Domain => BadAddress::Invalid,
    })?;
    // A name of this machine or of its network is nobody's address in a list.
    match address.domain().contains('.') {
        true => Ok(lower_cased(address.as_ref())),
        false => Err(BadAddress::Invalid),
    }
}

fn lower_cased(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.to_lowercase(),
    }
}

/// Marks that change the direction of text or cannot be seen: in a name they only mislead.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}' | '\u{00AD}')
}

/// One line of text as it may be kept: NFC, without control and direction marks, spaces folded, trimmed.
pub fn line(raw: &str) -> String {
    if is_folded(raw) {
        return raw.to_owned();
    }
    // ASCII is NFC as it stands.
    match raw.is_ascii() {
        true => folded(raw.chars(), raw.len()),
        false => folded(raw.nfc(), raw.len()),
    }
}

/// Whether a text is as [`line`] leaves it, as most are: letters of ASCII with single spaces between them.
fn is_folded(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let spaces = || bytes.windows(2).any(|two| two == b"  ");
    plain && bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ') && !spaces()
}

fn folded(text: impl Iterator<Item = char>, bytes: usize) -> String {
    let mut out = String::with_capacity(bytes);
    let mut space = false;
    for c in text {
        if c.is_whitespace() || c.is_control() {
            space = !out.is_empty();
        } else if !is_hidden(c) {
            if space {
                out.push(' ');
                space = false;
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_out_in_one_form() {
        assert_eq!(address("  Ada@Example.COM "), Ok("ada@example.com".into()));
        assert_eq!(
            address("jo@bücher.example"),
            Ok("jo@xn--bcher-kva.example".into())
        );
        assert_eq!(address("mailto:jo@example.com"), Ok("jo@example.com".into()));
        assert_eq!(address("jo\u{200B}@example.com"), Ok("jo@example.com".into()));
    }

    #[test]
    fn addresses_that_cannot_be_written_to_say_why() {
        for (raw, why) in [
            ("", BadAddress::Missing),
            ("   ", BadAddress::Missing),
            ("ada", BadAddress::Invalid),
            ("ada@localhost", BadAddress::Invalid),
            ("a b@example.com", BadAddress::Invalid),
            ("a@b@example.com", BadAddress::Invalid),
            ("ada@exa mple.com", BadAddress::Invalid),
            ("ada@[127.0.0.1]", BadAddress::Invalid),
            ("ada@example.com\r\nBcc: x@example.com", BadAddress::Invalid),
            ("jörg@example.com", BadAddress::NotAscii),
            ("\"a b\"@example.com", BadAddress::Quoted),
        ] {
            assert_eq!(address(raw), Err(why), "{raw:?}");
        }
        assert_eq!(
            address(&format!("{}@example.com", "a".repeat(65))),
            Err(BadAddress::TooLong)
        );
    }

    #[test]
    fn a_text_that_is_left_as_it_is_is_as_the_long_way_leaves_it() {
        let letters = ['a', 'Z', ' ', '~', '\u{7f}', '\t', '\n', '\0', 'é', '\u{AD}', '-'];
        let mut left = 0;
        for n in 0..letters.len().pow(4) {
            let text: String = (0..4)
                .map(|at| letters[n / letters.len().pow(at) % letters.len()])
                .collect();
            assert_eq!(line(&text), folded(text.nfc(), text.len()), "{text:?}");
            left += usize::from(is_folded(&text));
        }
        assert!(left > 300, "{left}");
        assert_eq!(line(""), "");
    }

    #[test]
    fn names_lose_what_only_misleads() {
        assert_eq!(line("Eve\r\nBcc: all@example.com"), "Eve Bcc: all@example.com");
        assert_eq!(line("A\0da \u{202E}evol"), "A da evol");
        assert_eq!(line("  Jo\u{0308}rg   M. "), "Jörg M.");
    }
}
