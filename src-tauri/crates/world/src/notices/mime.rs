//! Writing a mail line by line, as the servers and programs that send notices do.

use carillon_model::Moment;
use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;

/// Longest line that is written on purpose, without its end.
const LINE: usize = 76;

/// A mail in the making: CRLF line ends, no line that a word from outside could add.
#[derive(Default)]
pub(super) struct Message(String);

impl Message {
    /// A header field, folded at its spaces; in encoded words (RFC 2047) where it is not ASCII.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Message {
        let value = one_line(value);
        if value.is_ascii() && !value.contains("=?") {
            let mut width = name.len() + 1;
            self.0.push_str(name);
            self.0.push(':');
            for word in value.split(' ').filter(|word| !word.is_empty()) {
                if width + 1 + word.len() > LINE && width > name.len() + 1 {
                    self.0.push_str("\r\n");
                    width = 0;
                }
                self.0.push(' ');
                self.0.push_str(word);
                width += 1 + word.len();
            }
            self.0.push_str("\r\n");
        } else {
            self.line(&format!("{name}: {}", encoded(&value, name.len() + 2)));
        }
        self
    }

    /// A header field whose value is written as it stands; the caller cleaned every word in it.
    pub fn raw(&mut self, name: &str, value: &str) -> &mut Message {
        self.line(&format!("{name}: {value}"))
    }

    /// Name and address, or the address alone.
    pub fn mailbox(&mut self, header: &str, name: &str, email: &str) -> &mut Message {
        let (name, email) = (one_line(name), address(email));
        match name.is_empty() {
            true => self.raw(header, &email),
            false => {
                let name = match name.is_ascii() && !name.contains("=?") {
                    true => format!("\"{}\"", name.replace(['"', '\\'], "")),
                    false => encoded(&name, header.len() + 2),
                };
                self.raw(header, &format!("{name}\r\n <{email}>"))
            }
        }
    }

    /// One line, or several that are ours.
    pub fn line(&mut self, line: &str) -> &mut Message {
        self.0.push_str(line);
        self.0.push_str("\r\n");
        self
    }

    /// Headers and body of a part or a message of text, in the first of 7bit and quoted-printable that can say it.
    pub fn text(&mut self, kind: &str, text: &str) -> &mut Message {
        let text = crlf(text);
        let plain = text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 200);
        let (charset, encoding) = match plain {
            true => ("us-ascii", "7bit"),
            false => ("utf-8", "quoted-printable"),
        };
        self.raw("Content-Type", &format!("{kind}; charset={charset}"));
        self.raw("Content-Transfer-Encoding", encoding).line("");
        match plain {
            true => self.line(text.trim_end()),
            false => self.line(quoted_printable::encode_to_str(text.trim_end()).as_str()),
        }
    }

    /// Headers of another mail, as they stand.
    pub fn head(&mut self, head: &str) -> &mut Message {
        self.line(crlf(head).trim_end())
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// Line ends as mail has them, whatever they were.
fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace(['\r', '\0'], "")
        .replace('\n', "\r\n")
}

/// No control character, no more than 300 characters.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(300).collect::<String>().trim().to_owned()
}

/// An address that can stand between angle brackets.
pub(super) fn address(text: &str) -> String {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "<>(),;:\"\\@".contains(c);
    let clean = |text: &str| text.chars().filter(|c| !bad(*c)).take(127).collect::<String>();
    match text.rsplit_once('@') {
        Some((local, domain)) if !clean(local).is_empty() && !clean(domain).is_empty() => {
            format!("{}@{}", clean(local), clean(domain))
        }
        _ => "nobody@invalid".to_owned(),
    }
}

/// A Message-ID without brackets, up to what cannot stand between them.
pub(super) fn id(text: &str) -> String {
    let good = |c: &char| c.is_ascii_graphic() && !"<>\"\\(),;:".contains(*c);
    text.chars().take_while(good).take(250).collect()
}

pub(super) fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("invalid", |(_, domain)| domain)
}

/// Encoded words, from this column on.
fn encoded(text: &str, column: usize) -> String {
    let mut out = String::new();
    {
        let mut writer = EmailWriter::new(&mut out, column, 0, false);
        // Writing to a String cannot fail.
        let _ = rfc2047::encode(text, &mut writer);
    }
    out
}

/// As the header Date has it (RFC 5322 §3.3).
pub(super) fn date(at: Moment) -> String {
    at.format("%a, %-d %b %Y %H:%M:%S +0000").to_string()
}

/// Hexadecimal digits that stand for these words, and are the same whenever they are asked for.
pub(super) fn token(words: &[&str], digits: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    hasher.finalize().to_hex()[..digits.min(64)].to_owned()
}
