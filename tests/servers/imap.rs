//! A reader of mailboxes: LOGIN, SELECT, STATUS and UID FETCH of IMAP4rev1 (RFC 3501) over TLS. Written apart from
//! anything Carillon may use, so that what arrived is told by somebody else.

use super::Result;
use super::conversation::Conversation;
use mail_parser::{HeaderValue, MessageParser};
use std::path::Path;

/// A mailbox signed in to.
pub struct Imap {
    talk: Conversation,
    commands: u32,
}

/// A mail as it lies in the box.
#[derive(Clone, Debug)]
pub struct Letter {
    pub uid: u32,
    pub raw: Vec<u8>,
}

/// One response: its text, with each literal cut out and kept beside it.
struct Response {
    text: String,
    literals: Vec<Vec<u8>>,
}

impl Imap {
    /// Connects under TLS and signs in.
    pub fn sign_in(port: u16, authority: &Path, user: &str, password: &str) -> Result<Imap> {
        let (_, tcp) = Conversation::connect(port)?;
        let mut imap = Imap {
            talk: Conversation::under_tls(tcp, authority)?,
            commands: 0,
        };
        imap.response()?;
        imap.command(&format!("LOGIN {} {}", quoted(user), quoted(password)))?;
        Ok(imap)
    }

    /// How many mails a box holds.
    pub fn count(&mut self, mailbox: &str) -> Result<usize> {
        let said = self.command(&format!("STATUS {} (MESSAGES)", quoted(mailbox)))?;
        said.iter()
            .find_map(|r| {
                r.text
                    .strip_prefix("* STATUS ")?
                    .rsplit_once("MESSAGES ")?
                    .1
                    .trim_end_matches(')')
                    .parse()
                    .ok()
            })
            .ok_or_else(|| "The server did not say how many mails there are.".to_string())
    }

    /// Every mail of a box, in the order it came, left unread.
    pub fn read_all(&mut self, mailbox: &str) -> Result<Vec<Letter>> {
        let exists = self
            .command(&format!("SELECT {}", quoted(mailbox)))?
            .iter()
            .find_map(|r| {
                r.text
                    .strip_prefix("* ")?
                    .strip_suffix(" EXISTS")?
                    .parse::<usize>()
                    .ok()
            });
        if exists == Some(0) {
            return Ok(Vec::new());
        }
        let said = self.command("UID FETCH 1:* (UID BODY.PEEK[])")?;
        let mut letters: Vec<Letter> = said.into_iter().filter_map(letter).collect();
        letters.sort_by_key(|l| l.uid);
        match exists {
            Some(n) if n > letters.len() => {
                Err(format!("The box holds {n} mails and gave {}.", letters.len()))
            }
            _ => Ok(letters),
        }
    }

    /// Puts a mail into a box.
    pub fn append(&mut self, mailbox: &str, mail: &str) -> Result<()> {
        // RFC 7888: the server takes the literal without being asked first.
        let length = mail.len();
        self.command(&format!("APPEND {} {{{length}+}}\r\n{mail}", quoted(mailbox)))
            .map(drop)
    }

    /// Makes a box, or removes it with all that is in it.
    pub fn create(&mut self, mailbox: &str) -> Result<()> {
        self.command(&format!("CREATE {}", quoted(mailbox))).map(drop)
    }

    /// See [`Imap::create`].
    pub fn remove(&mut self, mailbox: &str) -> Result<()> {
        self.command(&format!("DELETE {}", quoted(mailbox))).map(drop)
    }

    /// How many mails of a box nobody has read.
    pub fn unseen(&mut self, mailbox: &str) -> Result<usize> {
        let said = self.command(&format!("STATUS {} (UNSEEN)", quoted(mailbox)))?;
        said.iter()
            .find_map(|r| {
                r.text
                    .rsplit_once("UNSEEN ")?
                    .1
                    .trim_end_matches(')')
                    .parse()
                    .ok()
            })
            .ok_or_else(|| "The server did not say how many mails are unread.".to_string())
    }

    fn command(&mut self, command: &str) -> Result<Vec<Response>> {
        self.commands += 1;
        let tag = format!("c{}", self.commands);
        self.talk.send(format!("{tag} {command}\r\n").as_bytes())?;
        let mut all = Vec::new();
        loop {
            let response = self.response()?;
            match response.text.strip_prefix(&tag).map(str::trim_start) {
                None => all.push(response),
                Some(end) if end.starts_with("OK") => return Ok(all),
                Some(refused) => return Err(format!("The mailbox said: {refused}")),
            }
        }
    }

    fn response(&mut self) -> Result<Response> {
        let mut response = Response {
            text: String::new(),
            literals: Vec::new(),
        };
        loop {
            let line = self.talk.line()?;
            response.text.push_str(&line);
            // RFC 3501 §4.3: `{n}` at the end of a line announces n bytes, then the line goes on.
            let literal = line
                .strip_suffix('}')
                .and_then(|l| l.rsplit_once('{')?.1.parse::<usize>().ok());
            match literal {
                None => return Ok(response),
                Some(length) => response.literals.push(self.talk.bytes(length)?),
            }
        }
    }
}

fn letter(mut response: Response) -> Option<Letter> {
    let inside = response.text.strip_prefix("* ")?.split_once(" FETCH (")?.1;
    let uid = inside.split_once("UID ")?.1;
    let uid = uid.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(Letter {
        uid,
        raw: response.literals.pop()?,
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Letter {
    /// The address it was delivered to, as the receiving server wrote it down.
    pub fn delivered_to(&self) -> Option<String> {
        self.header("Delivered-To")
            .map(|a| a.trim_matches(['<', '>']).to_string())
    }

    /// The first header of that name, unfolded, as it stands (RFC 2047 words are not decoded).
    pub fn header(&self, name: &str) -> Option<String> {
        let raw = String::from_utf8_lossy(&self.raw).replace("\r\n", "\n");
        let head = raw.split("\n\n").next()?.replace("\n ", " ").replace("\n\t", " ");
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        })
    }

    /// The subject, decoded.
    pub fn subject(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        parsed
            .and_then(|m| m.subject().map(str::to_string))
            .unwrap_or_default()
    }

    /// The text part, decoded.
    pub fn text(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        parsed
            .and_then(|m| m.body_text(0).map(|t| t.into_owned()))
            .unwrap_or_default()
    }

    /// The HTML part, decoded. Empty where there is none.
    pub fn html(&self) -> String {
        let parsed = MessageParser::default().parse(&self.raw);
        let html = parsed
            .as_ref()
            .filter(|m| m.html_part(0).is_some_and(|p| p.is_text_html()));
        html.and_then(|m| m.body_html(0).map(|t| t.into_owned()))
            .unwrap_or_default()
    }

    /// The Message-ID without its brackets.
    pub fn message_id(&self) -> Option<String> {
        MessageParser::default()
            .parse(&self.raw)?
            .message_id()
            .map(str::to_string)
    }

    /// The display name of the first recipient, decoded.
    pub fn to_name(&self) -> Option<String> {
        let message = MessageParser::default().parse(&self.raw)?;
        match message.header("To")? {
            HeaderValue::Address(address) => address.first()?.name.as_ref().map(|n| n.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_read_from_its_headers_and_parts() {
        let letter = Letter {
            uid: 1,
            raw: b"Delivered-To: <ada@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: =?utf-8?q?Ada_L=C3=B6w?= <ada@example.com>\r\nX-Long: one\r\n two\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCaf=C3=A9\r\n"
                .to_vec(),
        };
        assert_eq!(letter.delivered_to().as_deref(), Some("ada@example.com"));
        assert_eq!(letter.subject(), "Grüße");
        assert_eq!(letter.to_name().as_deref(), Some("Ada Löw"));
        assert_eq!(letter.header("x-long").as_deref(), Some("one two"));
        assert_eq!(letter.text().trim(), "Café");
        assert_eq!(letter.html(), "");
    }

    #[test]
    fn a_fetch_response_gives_its_number_and_its_literal() {
        let response = Response {
            text: "* 3 FETCH (UID 17 BODY[] {4})".to_string(),
            literals: vec![b"mail".to_vec()],
        };
        let letter = letter(response).expect("a letter");
        assert_eq!((letter.uid, letter.raw.as_slice()), (17, b"mail".as_slice()));
    }
}
