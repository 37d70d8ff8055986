//! What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).

use super::Reply;
use std::net::SocketAddr;

/// The extensions that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub starttls: bool,
    pub pipelining: bool,
    pub eight_bit: bool,
    pub smtputf8: bool,
    /// `Some(0)`: SIZE is understood and no limit is named (RFC 1870 §4).
    pub size: Option<u64>,
    pub auth_plain: bool,
    pub auth_login: bool,
    /// All mechanisms, for telling the user.
    pub mechanisms: Vec<String>,
}

impl Offers {
    /// Reads the lines after the first.
    pub fn read(reply: &Reply) -> Offers {
        let mut offers = Offers::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("SIZE") => offers.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                Some("AUTH") => offers.add_mechanisms(words),
                _ => {}
            }
        }
        offers
    }

    fn add_mechanisms<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for word in words {
            match word {
                "PLAIN" => self.auth_plain = true,
                "LOGIN" => self.auth_login = true,
                _ => {}
            }
            if !self.mechanisms.iter().any(|known| known == word) {
                self.mechanisms.push(word.to_owned());
            }
        }
    }
}

/// How we introduce ourselves: a name if one is given and fit for a command, else an address literal.
pub(super) fn client_name(given: Option<&str>, local: Option<SocketAddr>) -> String {
    let fit = |name: &&str| {
        (1..=255).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_[]:".contains(c))
    };
    match (
        given.filter(fit),
        local.map(|address| address.ip().to_canonical()),
    ) {
        (Some(name), _) => name.to_owned(),
        (None, Some(std::net::IpAddr::V6(address))) => format!("[IPv6:{address}]"),
        (None, Some(std::net::IpAddr::V4(address))) => format!("[{address}]"),
        (None, None) => "[127.0.0.1]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(lines: &[&str]) -> Offers {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Offers::read(&Reply {
            code: 250,
            enhanced: None,
            lines,
        })
    }

    #[test]
    fn extensions_are_read_in_any_case_and_order_and_the_first_line_is_a_greeting() {
        let read = offers(&[
            "STARTTLS",
            "size 1000",
            "Auth login PLAIN XOAUTH2",
            "AUTH=PLAIN",
            "8BITMIME",
            "odd",
        ]);
        assert!(!read.starttls && read.auth_plain && read.auth_login && read.eight_bit && !read.pipelining);
        assert_eq!((read.size, read.mechanisms.len()), (Some(1000), 3));
        assert_eq!(offers(&["x", "SIZE"]).size, Some(0));
        assert_eq!(offers(&["x", "SIZE 99999999999999999999999"]).size, Some(0));
    }

    #[test]
    fn our_name_can_never_hold_a_line_end() {
        assert_eq!(client_name(Some("mail.example.com"), None), "mail.example.com");
        assert_eq!(
            client_name(Some("a\r\nQUIT"), "192.0.2.1:25".parse().ok()),
            "[192.0.2.1]"
        );
        assert_eq!(
            client_name(None, "[2001:db8::1]:25".parse().ok()),
            "[IPv6:2001:db8::1]"
        );
    }
}
