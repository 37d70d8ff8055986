//! A session: connecting, encrypting, and one command at a time.

use super::Options;
use super::failures::{Fault, Step, lost_failure, refusal};
use super::wire::{Lost, Said, Wire};
use crate::channels::email::{Stream, only_to_loopback, tls};
use crate::failure::{clean, failure};
use crate::{Dialer, Secret};
use carillon_model::account::Tls;
use carillon_model::mailbox::Mailbox;
use carillon_model::message::{Failure, FailureClass};
use imap_codec::imap_types::response::{Bye, Code, Data, Response, Status, StatusBody, StatusKind, Tagged};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// An open session, logged in. One command runs at a time; whoever drops a running call has ended the session.
pub struct Imap {
    pub(super) wire: Wire,
    pub(super) host: String,
    pub(super) options: Options,
    /// What the server can do, in capital letters.
    pub(super) offers: BTreeSet<String>,
    /// What it calls itself.
    pub(super) server: String,
    pub(super) folders: Vec<String>,
    pub(super) opened: Option<Opened>,
    /// Numbering and next number of each folder, as of the last batch.
    pub(super) read: BTreeMap<String, (u32, u32)>,
    tags: u32,
    /// A call that was dropped half-way, or a lost connection.
    broken: bool,
    hidden: Vec<Zeroizing<String>>,
}

/// The folder that is open for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub folder: String,
    pub uid_validity: u32,
    pub uid_next: Option<u32>,
    pub mod_seq: Option<u64>,
    pub exists: u32,
    /// Mails when it was opened that are still there: what is beyond came since.
    pub seen: u32,
}

/// All that came with a command that was answered OK.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub data: Vec<Data<'static>>,
    pub codes: Vec<Code<'static>>,
    /// Responses that could not be read.
    pub unreadable: usize,
}

/// One response, sorted by what it means for a command that waits.
pub(super) enum Heard {
    Data(Data<'static>),
    Code(Code<'static>),
    Go(Vec<u8>),
    End(StatusBody<'static>),
    Unreadable,
    Nothing,
}

impl Imap {
    /// Connects, encrypts as the mailbox asks, checks the certificate, logs in. `secret` is the password, or a fresh
    /// access token where [`Mailbox::auth`] is OAuth.
    ///
    /// # Errors
    /// `Setup`, `Auth` and `Refused` need the user; the others may pass.
    pub async fn open(
        mailbox: &Mailbox,
        secret: &Secret,
        dialer: &Dialer,
        options: &Options,
    ) -> Result<Imap, Failure> {
        let config = match mailbox.tls {
            Tls::None => None,
            _ => Some(tls::client_config(mailbox.ca_file.as_deref()).await?),
        };
        let stream = dialer.connect(&mailbox.host, mailbox.port).await?;
        if mailbox.tls == Tls::None {
            only_to_loopback(&mailbox.host, &stream)?;
        }
        let stream = match &config {
            Some(config) if mailbox.tls == Tls::Tls => {
                encrypt(&mailbox.host, config.clone().into(), stream, options).await?
            }
            _ => Stream::Plain(stream),
        };
        let mut imap = Imap {
            wire: Wire::new(stream, &options.limits),
            host: mailbox.host.clone(),
            options: options.clone(),
            offers: BTreeSet::new(),
            server: String::new(),
            folders: mailbox.folders.clone(),
            opened: None,
            read: BTreeMap::new(),
            tags: 0,
            broken: false,
            hidden: Vec::new(),
        };
        if imap.folders.is_empty() {
            imap.folders.push("INBOX".to_owned());
        }
        let known = imap.greeting().await?;
        if let (Tls::Starttls, Some(config)) = (mailbox.tls, config) {
            if known {
                return Err(preauthenticated(&mailbox.host));
            }
            imap.look_at_offers().await?;
            imap = imap.upgrade(config.into()).await?;
        }
        imap.look_at_offers().await?;
        if !known {
            imap.log_in(mailbox, secret).await?;
            imap.look_at_offers().await?;
        }
        imap.introduce().await?;
        Ok(imap)
    }

    /// Whether the server can do this.
    pub fn offers(&self, capability: &str) -> bool {
        self.offers.contains(capability)
    }

    /// Takes leave. Nothing depends on it.
    pub async fn log_out(mut self) {
        let limit = self.options.timeouts.probe.min(Duration::from_secs(5));
        self.ask(&Step::Wait, "LOGOUT", limit).await.ok();
    }

    /// From now on no failure shows this text, should the server repeat it.
    pub(super) fn hide(&mut self, text: &str) {
        self.hidden.push(Zeroizing::new(text.to_owned()));
    }

    /// Whether the server takes us as known already (PREAUTH).
    async fn greeting(&mut self) -> Result<bool, Failure> {
        let deadline = Instant::now() + self.options.timeouts.greeting;
        let said = self.wire.response(deadline).await;
        let body = match said {
            Ok(Said::Response(response)) => match *response {
                Response::Status(Status::Untagged(body)) if body.kind == StatusKind::Ok => Ok((false, body)),
                Response::Status(Status::Bye(Bye { code, text })) => {
                    return Err(self.refusal(&Step::Greeting, code.as_ref(), text.as_ref()));
                }
                _ => Err(Lost::NotImap),
            },
            // The codec has PREAUTH only in greetings.
            Ok(Said::Unreadable(bytes)) if bytes.to_ascii_uppercase().starts_with(b"* PREAUTH ") => {
                return Ok(true);
            }
            Ok(Said::Unreadable(_)) => Err(Lost::NotImap),
            Err(Lost::TooLong) => Err(Lost::NotImap),
            Err(lost) => Err(lost),
        };
        let (known, body) = body.map_err(|lost| lost_failure(&self.host, &Step::Greeting, lost))?;
        self.server = clean(body.text.as_ref()).chars().take(200).collect();
        Ok(known)
    }

    async fn look_at_offers(&mut self) -> Result<(), Failure> {
        let limit = self.options.timeouts.command;
        let answer = self.ask(&Step::Capabilities, "CAPABILITY", limit).await?;
        self.offers = answer
            .data
            .iter()
            .filter_map(|data| match data {
                Data::Capability(list) => Some(list),
                _ => None,
            })
            .flat_map(|list| list.as_ref().iter())
            .map(|capability| capability.to_string().to_ascii_uppercase())
            .collect();
        Ok(())
    }

    /// RFC 3501 §6.2.1. What the server offered before counts for nothing afterwards.
    async fn upgrade(mut self, connector: TlsConnector) -> Result<Imap, Failure> {
        if !self.offers("STARTTLS") {
            return Err(failure(
                FailureClass::Setup,
                "no_starttls",
                format!(
                    "{} does not offer STARTTLS on this port, and nothing is said without it. \
                     The port may be another (993 with TLS), or something on the way takes the offer out.",
                    self.host
                ),
            ));
        }
        let limit = self.options.timeouts.command;
        self.ask(&Step::Starttls, "STARTTLS", limit).await?;
        let Some(stream) = self.wire.into_plain() else {
            return Err(failure(
                FailureClass::Setup,
                "starttls_injection",
                format!(
                    "Not connected to {}: something was slipped in before encryption began.",
                    self.host
                ),
            ));
        };
        let stream = encrypt(&self.host, connector, stream, &self.options).await?;
        self.wire = Wire::new(stream, &self.options.limits);
        self.offers.clear();
        Ok(self)
    }

    /// RFC 2971: some providers want to know who reads; in return most say who they are.
    async fn introduce(&mut self) -> Result<(), Failure> {
        if !self.offers("ID") {
            return Ok(());
        }
        let limit = self.options.timeouts.command;
        match self
            .ask(&Step::Capabilities, "ID (\"name\" \"Carillon\")", limit)
            .await
        {
            Ok(answer) => {
                if let Some(name) = answer.data.iter().find_map(super::check::name_in_id) {
                    self.server = name;
                }
                Ok(())
            }
            Err(Fault::Refused(_)) => Ok(()),
            Err(Fault::Lost(failure)) => Err(failure),
        }
    }

    /// One command and everything that comes with it.
    pub(super) async fn ask(&mut self, step: &Step, command: &str, limit: Duration) -> Result<Answer, Fault> {
        let deadline = Instant::now() + limit;
        let tag = self.tell(step, command, deadline).await?;
        let mut answer = Answer::default();
        for _ in 0..self.options.limits.responses {
            match self.hear(step, &tag, deadline).await? {
                Heard::Data(data) => answer.data.push(data),
                Heard::Code(code) => answer.codes.push(code),
                Heard::Unreadable => answer.unreadable += 1,
                Heard::Nothing => {}
                Heard::Go(_) => return Err(self.lose(step, Lost::OutOfTurn)),
                Heard::End(body) => {
                    return self.end(step, body).map(|code| {
                        answer.codes.extend(code);
                        answer
                    });
                }
            }
        }
        Err(self.lose(step, Lost::TooLong))
    }

    /// Says a command, and gives the tag its end will carry.
    pub(super) async fn tell(
        &mut self,
        step: &Step,
        command: &str,
        deadline: Instant,
    ) -> Result<String, Fault> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(Fault::Lost(lost_failure(&self.host, step, Lost::Closed)));
        }
        self.tags += 1;
        let tag = format!("c{}", self.tags);
        self.wire.begin();
        let line = Zeroizing::new(format!("{tag} {command}\r\n"));
        self.say(step, line.as_bytes(), deadline).await?;
        Ok(tag)
    }

    /// Says bytes in the middle of a command.
    pub(super) async fn say(&mut self, step: &Step, bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        match self.wire.write(bytes, deadline).await {
            Ok(()) => Ok(()),
            Err(lost) => Err(self.lose(step, lost)),
        }
    }

    /// The next response to the command of this tag.
    pub(super) async fn hear(&mut self, step: &Step, tag: &str, deadline: Instant) -> Result<Heard, Fault> {
        match self.wire.response(deadline).await {
            Ok(said) => self.sort(step, tag, said),
            Err(lost) => Err(self.lose(step, lost)),
        }
    }

    /// What a response means to the command of this tag.
    pub(super) fn sort(&mut self, step: &Step, tag: &str, said: Said) -> Result<Heard, Fault> {
        match said {
            Said::Unreadable(bytes) => match bare_end(&bytes, tag) {
                Some(StatusKind::Ok) => Ok(Heard::End(bare_body(StatusKind::Ok))),
                Some(kind) => Ok(Heard::End(bare_body(kind))),
                None if bytes.starts_with(b"* ") => Ok(Heard::Unreadable),
                None => Err(self.lose(step, Lost::NotImap)),
            },
            Said::Response(response) => match *response {
                Response::Data(data) => {
                    self.notice(&data);
                    Ok(Heard::Data(data))
                }
                Response::CommandContinuationRequest(go) => Ok(Heard::Go(super::auth::challenge(&go))),
                Response::Status(Status::Untagged(StatusBody { code: Some(code), .. })) => {
                    Ok(Heard::Code(code))
                }
                Response::Status(Status::Untagged(_)) => Ok(Heard::Nothing),
                Response::Status(Status::Tagged(Tagged { tag: its, body })) if its.as_ref() == tag => {
                    Ok(Heard::End(body))
                }
                Response::Status(Status::Tagged(_)) => Err(self.lose(step, Lost::OutOfTurn)),
                Response::Status(Status::Bye(Bye { code, text })) => {
                    self.broken = true;
                    Err(Fault::Lost(self.farewell(step, code.as_ref(), text.as_ref())))
                }
            },
        }
    }

    /// The end of a command: the session is free for the next one.
    pub(super) fn end(
        &mut self,
        step: &Step,
        body: StatusBody<'static>,
    ) -> Result<Option<Code<'static>>, Fault> {
        self.broken = false;
        match body.kind {
            StatusKind::Ok => Ok(body.code),
            StatusKind::No | StatusKind::Bad => Err(Fault::Refused(self.refusal(
                step,
                body.code.as_ref(),
                body.text.as_ref(),
            ))),
        }
    }

    /// What the server says about the open folder, whenever it says it.
    fn notice(&mut self, data: &Data<'static>) {
        if let Some(opened) = &mut self.opened {
            match data {
                Data::Exists(count) => opened.exists = *count,
                Data::Expunge(_) => {
                    opened.exists = opened.exists.saturating_sub(1);
                    opened.seen = opened.seen.min(opened.exists);
                }
                _ => {}
            }
        }
    }

    pub(super) fn lose(&mut self, step: &Step, lost: Lost) -> Fault {
        self.broken = true;
        Fault::Lost(lost_failure(&self.host, step, lost))
    }

    fn refusal(&self, step: &Step, code: Option<&Code<'_>>, text: &str) -> Failure {
        let text = self.without_secrets(text);
        refusal(&self.host, step, &self.without_secrets(&code_word(code)), &text)
    }

    fn farewell(&self, step: &Step, code: Option<&Code<'_>>, text: &str) -> Failure {
        let refused = self.refusal(step, code, text);
        // A server that goes says so in many ways; all of them may pass, except where it names another cause.
        let class = match refused.class {
            FailureClass::Throttled => FailureClass::Throttled,
            _ => FailureClass::Transient,
        };
        let said = self.without_secrets(text);
        failure(
            class,
            "bye",
            format!(
                "{} ended the connection ({step}): {said}. It is connected again by itself.",
                self.host
            ),
        )
    }

    pub(super) fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.hidden {
            if !secret.is_empty() && text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }
}

/// The response code without brackets, in capital letters where we know it.
pub(super) fn code_word(code: Option<&Code<'_>>) -> String {
    match code {
        Some(Code::Other(other)) => String::from_utf8_lossy(other.inner()).into_owned(),
        Some(Code::Alert) => "ALERT".to_owned(),
        Some(Code::TryCreate) => "TRYCREATE".to_owned(),
        _ => String::new(),
    }
}

/// The end of a command in a form the codec does not read, such as one without text.
fn bare_end(bytes: &[u8], tag: &str) -> Option<StatusKind> {
    let line = String::from_utf8_lossy(bytes);
    let mut words = line.split_ascii_whitespace();
    if words.next() != Some(tag) {
        return None;
    }
    match words.next()?.to_ascii_uppercase().as_str() {
        "OK" => Some(StatusKind::Ok),
        "NO" => Some(StatusKind::No),
        "BAD" => Some(StatusKind::Bad),
        _ => None,
    }
}

fn bare_body(kind: StatusKind) -> StatusBody<'static> {
    StatusBody {
        kind,
        code: None,
        text: imap_codec::imap_types::core::Text::unvalidated("no reason given"),
    }
}

fn preauthenticated(host: &str) -> Failure {
    failure(
        FailureClass::Setup,
        "preauth",
        format!("Not connected to {host}: it took us as known before encryption began, which nobody should."),
    )
}

async fn encrypt(
    host: &str,
    connector: TlsConnector,
    stream: TcpStream,
    options: &Options,
) -> Result<Stream, Failure> {
    let name = tls::server_name(host)?;
    match timeout(options.timeouts.tls, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            let mut found = tls::handshake_failure(host, &error);
            if found.code == "not_tls" {
                found.detail = format!(
                    "Not connected to {host}: it does not speak TLS from the first byte on this port. \
                     Try STARTTLS, or port 993."
                );
            }
            Err(found)
        }
        Err(_) => Err(lost_failure(host, &Step::Tls, Lost::TimedOut)),
    }
}

impl fmt::Debug for Imap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap")
            .field("host", &self.host)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}
