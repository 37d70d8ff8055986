//! How companies are told apart, and which addresses belong to one.

use crate::segment::{fold, is_free_domain};

/// Longest domain, in bytes (RFC 1035 §2.3.4).
const LONGEST: usize = 253;

/// A name as names of companies are compared: without case, form of letters, or how wide its spaces are. Empty for a name
/// that is none.
pub fn folded_name(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    fold(&words.join(" ")).into_owned()
}

/// The domain somebody means: of an address of the web, of an e-mail address, or bare; lower case, without `www.`. `None`:
/// it is no domain of names with a dot between them.
pub fn domain_of(text: &str) -> Option<String> {
    let text = fold(text);
    let text = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let text = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    };
    let text = text.trim_end_matches('.');
    let text = text
        .strip_prefix("www.")
        .filter(|rest| rest.contains('.'))
        .unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let good = text.contains('.')
        && text.len() <= LONGEST
        && text.split('.').all(label)
        && !text.rsplit('.').next().is_some_and(number);
    good.then(|| text.to_owned())
}

/// The domain by which an address may belong to a company: none where anybody gets a mailbox
/// (`assets/rules/free_mail.json`).
pub fn domain_of_address(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    domain_of(domain).filter(|domain| !is_free_domain(domain))
}

/// Whether anybody gets a mailbox at a domain, so that an address there says nothing of a company.
pub fn is_anybodys(domain: &str) -> bool {
    is_free_domain(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_in_whatever_people_write() {
        for (text, domain) in [
            ("acme.example", "acme.example"),
            ("  HTTPS://www.Acme.Example/about?x=1#y ", "acme.example"),
            ("http://user:pass@acme.example:8080/", "acme.example"),
            ("ada@acme.example", "acme.example"),
            ("acme.example.", "acme.example"),
            ("www.example", "www.example"),
            ("Müller.example", "müller.example"),
            ("shop.acme.co.uk", "shop.acme.co.uk"),
        ] {
            assert_eq!(domain_of(text).as_deref(), Some(domain), "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_none() {
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            " ",
            "acme",
            "acme..example",
            "-acme.example",
            "acme-.example",
            "a b.example",
            "192.0.2.1",
            "acme.example'; DROP TABLE companies;--",
            "<acme>.example",
            "acme.\u{202e}example",
            &long,
        ] {
            assert_eq!(domain_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_domain_that_was_found_is_found_again() {
        for text in ["https://www.Ärzte.example/x", "a@B.example", "STRASSE.example"] {
            let once = domain_of(text);
            assert_eq!(once.as_deref().and_then(domain_of), once);
        }
    }

    #[test]
    fn an_address_where_anybody_gets_a_mailbox_belongs_to_no_company() {
        assert_eq!(domain_of_address("ada@gmail.com"), None);
        assert_eq!(
            domain_of_address("ada@acme.example").as_deref(),
            Some("acme.example")
        );
        assert_eq!(domain_of_address("ada"), None);
        assert!(is_anybodys("gmx.de") && !is_anybodys("acme.example"));
    }

    #[test]
    fn names_are_compared_without_case_and_wide_spaces() {
        assert_eq!(folded_name("  ACME\u{a0} \tGmbH "), folded_name("acme gmbh"));
        assert_eq!(folded_name("STRASSE AG"), folded_name("straße ag"));
        assert_ne!(folded_name("Acme"), folded_name("Acme 2"));
        assert_eq!(folded_name(" \u{3000} "), "");
    }
}
