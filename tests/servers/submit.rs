//! A plain sender, written apart from Carillon's own SMTP session, so that the servers can be proved without it.

use super::Result;
use super::conversation::Conversation;
use super::mail::Submission;

/// A submission session (RFC 6409) under STARTTLS, signed in with AUTH PLAIN.
pub struct Sender {
    talk: Conversation,
}

impl Sender {
    /// Connects, upgrades and signs in.
    pub fn sign_in(to: &Submission) -> Result<Sender> {
        let mut sender = Sender::upgraded(to)?;
        let secret = base64(format!("\0{}\0{}", to.user, to.password).as_bytes());
        sender.say(&format!("AUTH PLAIN {secret}"), "235")?;
        Ok(sender)
    }

    /// Connects and upgrades, and says who it is to nobody.
    pub fn upgraded(to: &Submission) -> Result<Sender> {
        let (talk, tcp) = Conversation::connect(to.port)?;
        let mut clear = Sender { talk };
        clear.expect("220")?;
        clear.say("EHLO stories.test", "250")?;
        clear.say("STARTTLS", "220")?;
        let mut sender = Sender {
            talk: Conversation::under_tls(tcp, &to.authority)?,
        };
        sender.say("EHLO stories.test", "250")?;
        Ok(sender)
    }

    /// Sends one letter; `text` is the whole message with its headers. Gives back the server's last word.
    pub fn send(&mut self, from: &str, to: &str, text: &str) -> Result<String> {
        self.say(&format!("MAIL FROM:<{from}>"), "250")?;
        if let Err(refused) = self.say(&format!("RCPT TO:<{to}>"), "250") {
            self.say("RSET", "250")?;
            return Err(refused);
        }
        self.say("DATA", "354")?;
        let mut wire = String::with_capacity(text.len() + 64);
        for line in text.lines() {
            // RFC 5321 §4.5.2: a line that begins with a dot gets another.
            if line.starts_with('.') {
                wire.push('.');
            }
            wire.push_str(line);
            wire.push_str("\r\n");
        }
        wire.push_str(".\r\n");
        self.talk.send(wire.as_bytes())?;
        self.expect("250")
    }

    fn say(&mut self, command: &str, code: &str) -> Result<String> {
        self.talk.send(format!("{command}\r\n").as_bytes())?;
        self.expect(code)
    }

    fn expect(&mut self, code: &str) -> Result<String> {
        loop {
            let line = self.talk.line()?;
            // RFC 5321 §4.2.1: a hyphen after the code says that more lines follow.
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return if line.starts_with(code) {
                Ok(line)
            } else {
                Err(line)
            };
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            match place <= group.len() {
                true => text.push(LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(super::base64(plain.as_bytes()), coded);
        }
    }
}
