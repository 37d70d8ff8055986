//! Addresses and names as they may stand in a header.

use crate::liquid::eval::one_line;
use lettre::Address;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of an address (RFC 5321 §4.5.3.1.3 allows 256 with its brackets).
pub const ADDRESS_BYTES: usize = 254;
/// Characters of a display name; the rest is cut off.
pub const NAME_CHARS: usize = 120;

/// Why an address cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("An e-mail address is written like name@example.com.")]
    Shape,
    #[error("The address is longer than {ADDRESS_BYTES} characters.")]
    TooLong,
    #[error("The part before the @ has letters outside of ASCII, which most mail servers do not take.")]
    LocalPart,
    #[error("The part after the @ is no domain name.")]
    Domain,
}

/// Reads an address and gives it as it goes on the wire: local part as it is, an international domain as A-labels
/// (RFC 5891). Quoted local parts, comments, address literals and display names are refused.
pub fn parse(text: &str) -> Result<Address, AddressError> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
    if !local.is_ascii() {
        return Err(AddressError::LocalPart);
    }
    if !is_dot_atom(local) {
        return Err(AddressError::Shape);
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Domain)?;
    let is_name = domain.contains('.') || domain == "localhost";
    if !is_name
        || domain
            .split('.')
            .next_back()
            .is_none_or(|top| top.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(AddressError::Domain);
    }
    if local.len() > 64 || local.len() + 1 + domain.len() > ADDRESS_BYTES {
        return Err(AddressError::TooLong);
    }
    Address::new(local, domain).map_err(|_| AddressError::Shape)
}

/// `dot-atom` of RFC 5322 §3.2.3.
fn is_dot_atom(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.split('.').all(atom)
}

/// A display name on one line, without control and direction characters, at most [`NAME_CHARS`] long. May be
/// empty.
pub fn clean_name(name: &str) -> String {
    let line = one_line(name);
    if line.chars().count() <= NAME_CHARS {
        line
    } else {
        one_line(&line.chars().take(NAME_CHARS).collect::<String>())
    }
}

/// A domain that a display name shows (an e-mail address, a web address, a name in `.com`, `.net` or `.org`) and that is
/// neither `domain` nor above or below it.
pub fn other_domain(name: &str, domain: &str) -> Option<String> {
    let name = name.replace(['\u{ff20}', '\u{fe6b}'], "@").to_lowercase();
    let domain = domain.to_lowercase();
    let mut shown = name
        .split(|c: char| c.is_whitespace() || "()<>[]{},;\"'|".contains(c))
        .filter_map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '@');
            let (is_address, host) = match (word.rsplit_once('@'), word.split_once("://")) {
                (Some((_, host)), _) => (true, host),
                (None, Some((_, rest))) => (true, rest),
                (None, None) => (word.starts_with("www."), word),
            };
            let host = host.split(['/', ':', '?', '#']).next().unwrap_or_default();
            let host = host.trim_matches('.').trim_start_matches("www.");
            let is_domain = is_address || [".com", ".net", ".org"].iter().any(|top| host.ends_with(top));
            (is_domain && host.contains('.')).then(|| idna::domain_to_ascii(host).unwrap_or(host.to_owned()))
        });
    let is_below = |one: &str, other: &str| one.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'));
    shown.find(|host| *host != domain && !is_below(host, &domain) && !is_below(&domain, host))
}

/// Signs that stay as they are in a `mailto:`; any other could end the address or its field (RFC 6068 §2).
const IN_MAILTO: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'@')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'+')
    .remove(b'~');

/// A `mailto:` address that begins a mail with a subject.
pub fn mailto(to: &str, subject: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, IN_MAILTO);
    format!("mailto:{}?subject={}", encoded(to), encoded(subject))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_address_ends_the_mailto_it_stands_in() {
        for (to, written) in [
            (
                "shop+news@example.com",
                "mailto:shop+news@example.com?subject=unsubscribe%20t",
            ),
            (
                "a?b&c%d#e@example.com",
                "mailto:a%3Fb%26c%25d%23e@example.com?subject=unsubscribe%20t",
            ),
        ] {
            assert_eq!(mailto(to, "unsubscribe t"), written);
        }
    }

    #[test]
    fn a_name_that_shows_a_domain_of_others_is_told() {
        for (name, shown) in [
            ("Maya at Ember & Oak", None),
            ("Dr.Smith, St.Mary's No.1", None),
            ("@ember", None),
            ("Ember.Example.Com", None),
            ("https://www.shop.ember.example.com/x", None),
            ("maya@example.com", None),
            ("service@paypal.example", Some("paypal.example")),
            ("Paypal.com Service", Some("paypal.com")),
            ("“support＠bank.example” team", Some("bank.example")),
            ("www.bank.example", Some("bank.example")),
            ("xember.example.com", Some("xember.example.com")),
            ("(http://bücher.example)", Some("xn--bcher-kva.example")),
        ] {
            assert_eq!(
                other_domain(name, "ember.example.com").as_deref(),
                shown,
                "{name}"
            );
        }
    }

    #[test]
    fn addresses_are_read_and_international_domains_become_a_labels() {
        assert_eq!(
            parse(" Ada+news@Example.COM ").unwrap().to_string(),
            "Ada+news@example.com"
        );
        assert_eq!(
            parse("info@bücher.example").unwrap().to_string(),
            "info@xn--bcher-kva.example"
        );
        assert_eq!(parse("a@localhost").unwrap().to_string(), "a@localhost");
    }

    #[test]
    fn what_is_no_plain_address_is_refused_with_its_reason() {
        for (text, error) in [
            ("", AddressError::Shape),
            ("nobody", AddressError::Shape),
            ("a b@example.com", AddressError::Shape),
            ("\"a\\\"b\"@example.com", AddressError::Shape),
            ("a(c)@example.com", AddressError::Shape),
            ("a@b@example.com", AddressError::Shape),
            (".a@example.com", AddressError::Shape),
            ("a..b@example.com", AddressError::Shape),
            ("a@example.com\r\nBcc: x", AddressError::Domain),
            ("a\0@example.com", AddressError::Shape),
            ("a@[127.0.0.1]", AddressError::Domain),
            ("a@127.0.0.1", AddressError::Domain),
            ("a@-x.example", AddressError::Domain),
            ("a@nodots", AddressError::Domain),
            ("müller@example.com", AddressError::LocalPart),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text:?}");
        }
        let long = format!("{}@{}.example", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
        assert!(parse(&long).is_err());
    }

    #[test]
    fn names_lose_breaks_controls_and_direction_marks() {
        assert_eq!(
            clean_name("Eve\r\nBcc: x@y.z\0\u{202e} \u{7f} Smith"),
            "Eve Bcc: x@y.z Smith"
        );
        assert_eq!(clean_name(&"x".repeat(500)).len(), NAME_CHARS);
    }
}
