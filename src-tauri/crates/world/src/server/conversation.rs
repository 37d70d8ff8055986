//! One client, from greeting to QUIT.

use super::lines::{Duplex, Line, Lines};
use super::{Protection, Shared, Taken, TokenCheck};
use crate::script::Answer;
use crate::truth::Truth;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::Utc;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest command: RFC 4954 §4 asks for 12,288 for AUTH.
const LONGEST_COMMAND: usize = 12_288;
/// Longest line of a message (RFC 5321 §4.5.3.1.6), without CRLF.
const LONGEST_TEXT: usize = 998;
/// Most recipients of a message (RFC 5321 §4.5.3.1.8).
const MOST_RECIPIENTS: usize = 100;
/// How long a client may say nothing (RFC 5321 §4.5.3.2.7).
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Conversation {
    shared: Arc<Shared>,
    peer: SocketAddr,
    lines: Lines,
    greeted: bool,
    secured: bool,
    known: bool,
    from: Option<String>,
    to: Vec<String>,
}

/// What to do after a command.
enum Next {
    Say(String),
    /// Say this, then set up encryption.
    Encrypt(String),
    /// Say this, then read the message.
    Message(String),
    /// Say this, then end.
    End(String),
    /// End without a word.
    Vanish,
}

impl Conversation {
    pub fn new(shared: Arc<Shared>, peer: SocketAddr) -> Conversation {
        let (lines, to) = (Lines::default(), Vec::new());
        Conversation {
            shared,
            peer,
            lines,
            greeted: false,
            secured: false,
            known: false,
            from: None,
            to,
        }
    }

    /// Until the client leaves or breaks the connection, which is no error here.
    pub async fn run(mut self, stream: TcpStream) {
        let mut stream: Box<dyn Duplex> = Box::new(stream);
        if self.shared.options.protection == Some(Protection::Implicit) {
            match self.encrypt(stream).await {
                Some(encrypted) => stream = encrypted,
                None => return,
            }
        }
        if say(&mut *stream, "220 world.localhost ESMTP").await.is_err() {
            return;
        }
        while let Ok(Some(line)) = self.hear(&mut *stream, LONGEST_COMMAND).await {
            let next = match line {
                Line::Whole(line) => self.command(&mut *stream, &line).await,
                Line::Part => Next::End("500 5.5.2 line too long".into()),
            };
            let said = match next {
                Next::Say(reply) => say(&mut *stream, &reply).await,
                Next::Message(reply) => match say(&mut *stream, &reply).await {
                    Ok(()) => self.message(&mut *stream).await,
                    lost => lost,
                },
                Next::Encrypt(reply) => {
                    if say(&mut *stream, &reply).await.is_err() {
                        return;
                    }
                    match self.encrypt(stream).await {
                        Some(encrypted) => stream = encrypted,
                        None => return,
                    }
                    Ok(())
                }
                Next::End(reply) => {
                    say(&mut *stream, &reply).await.ok();
                    stream.shutdown().await.ok();
                    return;
                }
                Next::Vanish => return,
            };
            if said.is_err() {
                return;
            }
        }
    }

    async fn hear(&mut self, stream: &mut dyn Duplex, longest: usize) -> io::Result<Option<Line>> {
        if let Some(line) = self.lines.came(longest) {
            return Ok(Some(line));
        }
        match timeout(PATIENCE, self.lines.next(stream, longest)).await {
            Ok(line) => line,
            Err(_) => Ok(None),
        }
    }

    async fn encrypt(&mut self, stream: Box<dyn Duplex>) -> Option<Box<dyn Duplex>> {
        let acceptor = self.shared.acceptor.clone()?;
        self.lines.forget();
        let encrypted = timeout(PATIENCE, acceptor.accept(stream)).await.ok()?.ok()?;
        (self.secured, self.greeted, self.known) = (true, false, false);
        self.forget();
        Some(Box::new(encrypted))
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn command(&mut self, stream: &mut dyn Duplex, line: &[u8]) -> Next {
        let text = match std::str::from_utf8(line) {
            Ok(text) if !text.contains(['\r', '\n', '\0']) => text,
            _ => return Next::Say("500 5.5.2 a command is one line of text".into()),
        };
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !rest.is_empty() => self.hello(),
            "HELO" if !rest.is_empty() => {
                self.forget();
                self.greeted = true;
                Next::Say("250 world.localhost".into())
            }
            "EHLO" | "HELO" => Next::Say("501 5.5.4 who are you?".into()),
            "STARTTLS" if self.may_encrypt() => Next::Encrypt("220 2.0.0 go ahead".into()),
            "AUTH" => self.auth(stream, rest).await,
            "MAIL" => Next::Say(self.mail(rest)),
            "RCPT" => Next::Say(self.rcpt(rest)),
            "DATA" => self.data(),
            "RSET" => {
                self.forget();
                Next::Say("250 2.0.0 forgotten".into())
            }
            "NOOP" => Next::Say("250 2.0.0 here".into()),
            "QUIT" => Next::End("221 2.0.0 good-bye".into()),
            _ => Next::Say("502 5.5.1 unknown command".into()),
        }
    }

    fn may_encrypt(&self) -> bool {
        self.shared.options.protection == Some(Protection::Starttls) && !self.secured
    }

    /// AUTH is offered over encryption only, where the server has any (RFC 4954 §4).
    fn hello(&mut self) -> Next {
        self.forget();
        self.greeted = true;
        let options = &self.shared.options;
        let mut lines = vec![
            "world.localhost".to_owned(),
            format!("SIZE {}", options.max_bytes),
        ];
        lines.extend(["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"].map(str::to_owned));
        if options.pipelining {
            lines.push("PIPELINING".into());
        }
        if self.may_encrypt() {
            lines.push("STARTTLS".into());
        } else if options.tokens.is_some() {
            lines.push("AUTH XOAUTH2".into());
        } else if options.auth.is_some() {
            lines.push("AUTH PLAIN LOGIN".into());
        }
        let last = lines.len() - 1;
        let reply = lines
            .iter()
            .enumerate()
            .map(|(n, line)| format!("250{}{line}", if n < last { '-' } else { ' ' }));
        Next::Say(reply.collect::<Vec<_>>().join("\r\n"))
    }

    async fn auth(&mut self, stream: &mut dyn Duplex, rest: &str) -> Next {
        let options = &self.shared.options;
        let tokens = options.tokens.clone();
        let (user, password) = options.auth.clone().unwrap_or_default();
        if tokens.is_none() && options.auth.is_none() {
            return Next::Say("502 5.5.1 no AUTH here".into());
        }
        if self.may_encrypt() {
            return Next::Say("538 5.7.11 encryption first".into());
        }
        if self.known || !self.greeted {
            return Next::Say("503 5.5.1 not now".into());
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "XOAUTH2" if tokens.is_some() => return self.token(stream, initial, tokens).await,
            _ if tokens.is_some() => return Next::Say("504 5.5.4 unknown mechanism".into()),
            "PLAIN" => match self.answer(stream, "", initial).await {
                Some(response) => {
                    let mut parts = response.split(|b| *b == 0).skip(1).map(<[u8]>::to_vec);
                    parts.next().zip(parts.next())
                }
                None => None,
            },
            "LOGIN" => match self.answer(stream, "VXNlcm5hbWU6", initial).await {
                Some(user) => self
                    .answer(stream, "UGFzc3dvcmQ6", "")
                    .await
                    .map(|password| (user, password)),
                None => None,
            },
            _ => return Next::Say("504 5.5.4 unknown mechanism".into()),
        };
        match given {
            None => Next::Say("501 5.5.2 that is no answer".into()),
            Some(given) if given == (user.into_bytes(), password.into_bytes()) => {
                self.known = true;
                Next::Say("235 2.7.0 welcome".into())
            }
            Some(_) => Next::Say("535 5.7.8 user or password is wrong".into()),
        }
    }

    /// XOAUTH2: a refused token is explained in a challenge, which wants an empty answer.
    async fn token(&mut self, stream: &mut dyn Duplex, initial: &str, check: Option<TokenCheck>) -> Next {
        let Some(response) = self.answer(stream, "", initial).await else {
            return Next::Say("501 5.5.2 that is no answer".into());
        };
        let text = String::from_utf8_lossy(&response).into_owned();
        let mut parts = text.split('\u{1}');
        let user = parts.next().and_then(|part| part.strip_prefix("user="));
        let token = parts.next().and_then(|part| part.strip_prefix("auth=Bearer "));
        let (Some(user), Some(token), Some(check)) = (user, token, check) else {
            return Next::Say("501 5.5.2 that is no answer".into());
        };
        let (user, token) = (user.to_owned(), token.to_owned());
        let good = tokio::task::spawn_blocking(move || (check.0)(&user, &token)).await;
        if good.unwrap_or(false) {
            self.known = true;
            return Next::Say("235 2.7.0 welcome".into());
        }
        let why = BASE64_STANDARD.encode(r#"{"status":"401","schemes":"bearer"}"#);
        if say(stream, &format!("334 {why}")).await.is_ok() {
            self.hear(stream, LONGEST_COMMAND).await.ok();
        }
        Next::Say("535 5.7.8 the token is no good".into())
    }

    /// The decoded answer to a challenge; `initial` is one that came with the command.
    async fn answer(&mut self, stream: &mut dyn Duplex, challenge: &str, initial: &str) -> Option<Vec<u8>> {
        if !initial.is_empty() {
            return BASE64_STANDARD.decode(initial).ok();
        }
        say(stream, &format!("334 {challenge}")).await.ok()?;
        match self.hear(stream, LONGEST_COMMAND).await {
            Ok(Some(Line::Whole(line))) => BASE64_STANDARD.decode(line).ok(),
            _ => None,
        }
    }

    fn mail(&mut self, rest: &str) -> String {
        let options = &self.shared.options;
        if !self.greeted || self.from.is_some() {
            return "503 5.5.1 not now".into();
        }
        if self.may_encrypt() {
            return "530 5.7.0 encryption first".into();
        }
        if (options.auth.is_some() || options.tokens.is_some()) && !self.known {
            return "530 5.7.0 log in first".into();
        }
        let Some((address, parameters)) = path(rest, "FROM:") else {
            return "501 5.5.4 syntax: MAIL FROM:<a@b>".into();
        };
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (name.to_ascii_uppercase().as_str(), value.parse::<usize>()) {
                ("SIZE", Ok(size)) if size > options.max_bytes => return "552 5.3.4 too large".into(),
                ("SIZE", Ok(_)) | ("BODY" | "SMTPUTF8", _) => {}
                _ => return "555 5.5.4 unknown parameter".into(),
            }
        }
        self.from = Some(address.to_owned());
        "250 2.1.0 sender noted".into()
    }

    fn rcpt(&mut self, rest: &str) -> String {
        let Some(from) = &self.from else {
            return "503 5.5.1 sender first".into();
        };
        let Some((address, "")) = path(rest, "TO:") else {
            return "501 5.5.4 syntax: RCPT TO:<a@b>".into();
        };
        if !address.contains('@') {
            return "501 5.1.3 that is no address".into();
        }
        if self.to.len() >= MOST_RECIPIENTS {
            return "452 4.5.3 too many recipients".into();
        }
        match self.shared.options.script.answer(address) {
            Answer::AtRcpt { reply } => return reply.clone(),
            Answer::GreylistOnce => {
                let mut grey = self
                    .shared
                    .grey
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                if grey.insert((from.clone(), address.to_ascii_lowercase())) {
                    return "451 4.7.1 greylisted, come back later".into();
                }
            }
            _ => {}
        }
        self.to.push(address.to_owned());
        "250 2.1.5 recipient noted".into()
    }

    fn data(&self) -> Next {
        if self.to.is_empty() {
            return Next::Say("503 5.5.1 recipients first".into());
        }
        if self
            .to
            .iter()
            .any(|to| *self.shared.options.script.answer(to) == Answer::CloseAtData)
        {
            return Next::Vanish;
        }
        Next::Message("354 end with a dot on a line of its own".into())
    }

    /// Reads the message and answers the final dot. An error ends the conversation.
    async fn message(&mut self, stream: &mut dyn Duplex) -> io::Result<()> {
        let read = self.read_message(stream).await?;
        let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
        // A sleep of nothing still waits for the next millisecond.
        let delay = self.shared.options.delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let message = match read {
            Ok(message) => message,
            Err(reply) => return say(stream, reply).await,
        };
        let script = &self.shared.options.script;
        let answer = to
            .iter()
            .map(|to| script.answer(to))
            .find(|answer| matches!(answer, Answer::AtDot { .. } | Answer::Silent { .. }));
        match answer {
            Some(Answer::AtDot { reply }) => say(stream, reply).await,
            Some(Answer::Silent { kept }) => {
                if *kept {
                    self.keep(from, to, message, false).await?;
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            _ => match self.keep(from, to, message, true).await {
                Ok(queue_id) => {
                    say(stream, &format!("250 2.0.0 queued as {queue_id}")).await?;
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                Err(_) => say(stream, "452 4.3.1 no room").await,
            },
        }
    }

    /// The message without doubled dots, or the reply that refuses it. Lines end with CRLF and nothing else: what
    /// holds a bare CR or LF is refused whole, so that nothing in it can pass for the end.
    async fn read_message(&mut self, stream: &mut dyn Duplex) -> io::Result<Result<Vec<u8>, &'static str>> {
        let mut message = Vec::new();
        let mut fault = None;
        let mut mid_line = false;
        loop {
            let line = match self.hear(stream, LONGEST_TEXT).await? {
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(Line::Part) => {
                    fault = fault.or(Some("550 5.6.0 a line is longer than 998 bytes"));
                    mid_line = true;
                    continue;
                }
                Some(Line::Whole(line)) => line,
            };
            let continued = std::mem::take(&mut mid_line);
            if line == b"." && !continued {
                return Ok(fault.map_or(Ok(message), Err));
            }
            // A doubled dot does not count against the length of its line.
            let text = line.strip_prefix(b".").filter(|_| !continued).unwrap_or(&line);
            if text.len() > LONGEST_TEXT {
                fault = fault.or(Some("550 5.6.0 a line is longer than 998 bytes"));
            } else if text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
                fault = fault.or(Some("550 5.6.0 a bare CR, LF or NUL"));
            } else if message.len() + text.len() + 2 > self.shared.options.max_bytes {
                fault = fault.or(Some("552 5.3.4 too large"));
            }
            match fault {
                None => {
                    message.extend_from_slice(text);
                    message.extend_from_slice(b"\r\n");
                }
                Some(_) => message = Vec::new(),
            }
        }
    }

    async fn keep(
        &self,
        mail_from: String,
        rcpt_to: Vec<String>,
        message: Vec<u8>,
        told: bool,
    ) -> io::Result<String> {
        let queue_id = self.shared.queue_id();
        if let Some(mailbox) = &self.shared.mailbox {
            mailbox.keep(&queue_id, &message, self.shared.options.durable)?;
        }
        self.shared.log.write(&Truth {
            received_at: Utc::now(),
            peer: self.peer.to_string(),
            mail_from: mail_from.clone(),
            rcpt_to: rcpt_to.clone(),
            message_id: message_id(&message),
            bytes: message.len() as u64,
            blake3: blake3::hash(&message).to_hex().to_string(),
            queue_id: queue_id.clone(),
            told,
        })?;
        if let Some(taken) = &self.shared.options.taken {
            let handed = Taken {
                queue_id: queue_id.clone(),
                mail_from,
                rcpt_to,
                message,
            };
            // Nobody takes messages any more: they are in log and mailbox all the same.
            taken.send(handed).await.ok();
        }
        Ok(queue_id)
    }
}

async fn say(stream: &mut dyn Duplex, reply: &str) -> io::Result<()> {
    stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// `FROM:<a@b> X=1` gives `a@b` and `X=1`.
fn path<'a>(rest: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (head, tail) = rest.split_at_checked(word.len())?;
    let tail = tail.trim_start().strip_prefix('<')?;
    let (address, parameters) = tail.split_once('>')?;
    let clean = !address.contains(['<', ' ']) && (parameters.is_empty() || parameters.starts_with(' '));
    (head.eq_ignore_ascii_case(word) && clean).then(|| (address, parameters.trim()))
}

/// The value of the header, unfolded (RFC 5322 §2.2.3).
fn message_id(message: &[u8]) -> Option<String> {
    let mut value: Option<String> = None;
    for line in message.split(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            break;
        }
        match (&mut value, line.split_once(':')) {
            (Some(value), _) if line.starts_with([' ', '\t']) => value.push_str(line.trim()),
            (Some(_), _) => break,
            (None, Some((name, rest))) if name.eq_ignore_ascii_case("message-id") => {
                value = Some(rest.trim().to_owned());
            }
            _ => {}
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_is_found_folded_and_only_among_the_headers() {
        assert_eq!(
            message_id(b"A: b\r\nMESSAGE-ID:\r\n <x@y>\r\nB: c\r\n\r\n").as_deref(),
            Some("<x@y>")
        );
        assert_eq!(message_id(b"A: b\r\n\r\nMessage-ID: <x@y>\r\n"), None);
    }

    #[test]
    fn a_path_has_brackets_and_nothing_hidden() {
        assert_eq!(path("FROM:<a@b> SIZE=3", "FROM:"), Some(("a@b", "SIZE=3")));
        assert_eq!(path("from: <>", "FROM:"), Some(("", "")));
        for bad in [
            "FROM:a@b",
            "FROM:<a@b>SIZE=3",
            "FROM:<a b>",
            "FROM:<<a>>",
            "TO:<a@b>",
            "F",
        ] {
            assert_eq!(path(bad, "FROM:"), None, "{bad}");
        }
    }
}
