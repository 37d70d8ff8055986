//! Addresses as they stand in MAIL and RCPT.

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its brackets).
const LONGEST: usize = 254;
/// Longest part before the at sign (RFC 5321 §4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// A mailbox that is safe to write into a command: a dot-atom, an at sign, a domain in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub text: String,
    /// Whether the part before the at sign needs SMTPUTF8 (RFC 6531).
    pub utf8: bool,
}

impl Mailbox {
    /// Reads an address strictly: quoted local parts and address literals are not sent to, because nobody who
    /// subscribes has one and they can hide commands. A domain in another script becomes ASCII (RFC 5891).
    pub fn parse(address: &str) -> Option<Mailbox> {
        let (local, domain) = address.rsplit_once('@')?;
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let text = format!("{local}@{domain}");
        let fits =
            !local.is_empty() && local.len() <= LONGEST_LOCAL && text.len() <= LONGEST && !domain.is_empty();
        let clean = local.chars().all(|c| {
            if c.is_ascii() {
                is_atom(c)
            } else {
                c.is_alphanumeric()
            }
        });
        (fits && clean).then(|| Mailbox {
            utf8: !local.is_ascii(),
            text,
        })
    }
}

/// `atext` of RFC 5322 §3.2.3 and the dot. Dots in odd places are left to the server: such addresses exist.
fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_pass_and_domains_become_ascii() {
        let text = |address| Mailbox::parse(address).map(|m| m.text);
        assert_eq!(
            text("ada+news@example.com").as_deref(),
            Some("ada+news@example.com")
        );
        assert_eq!(
            text("o'brien..x.@example.org").as_deref(),
            Some("o'brien..x.@example.org")
        );
        assert_eq!(
            text("post@bücher.example").as_deref(),
            Some("post@xn--bcher-kva.example")
        );
        assert!(Mailbox::parse("jörg@example.com").is_some_and(|m| m.utf8));
        assert!(Mailbox::parse("post@bücher.example").is_some_and(|m| !m.utf8));
    }

    #[test]
    fn nothing_that_could_end_or_extend_a_command_passes() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a b@example.com",
            "a@b@example.com",
            "a@example.com> SIZE=1",
            "a@example.com\r\nRCPT TO:<b@example.com>",
            "a\r\nDATA@example.com",
            "a\0@example.com",
            "\"a\"@example.com",
            "<a@example.com>",
            "a@[127.0.0.1]",
            "a@exa mple.com",
            "a\u{202e}@example.com",
            "a\u{85}@example.com",
            "a@-.com\n",
        ] {
            assert_eq!(Mailbox::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Mailbox::parse(&format!("{}@example.com", "a".repeat(65))), None);
        assert_eq!(Mailbox::parse(&format!("a@{}.com", "b.".repeat(130))), None);
    }
}
