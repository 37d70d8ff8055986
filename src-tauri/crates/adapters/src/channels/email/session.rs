//! A session: many messages, one after another, over one connection.

use super::address::Mailbox;
use super::body::{BadBody, WireBody, is_safe, wire_body};
use super::hello::{Offers, client_name};
use super::rules::classify;
use super::tls;
use super::wire::{Lost, Stream, Unasked, Wire, lost_failure};
use super::{Options, Phase, Reply};
use crate::failure::failure;
use crate::{Dialer, Secret};
use carillon_model::account::{Account, Tls};
use carillon_model::message::{Failure, FailureClass};
use std::fmt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// An open session, ready for a message.
pub struct Session {
    pub(super) wire: Wire,
    pub(super) host: String,
    pub(super) offers: Offers,
    pub(super) options: Options,
    taken: u32,
}

/// Why a message, or the opening of a session, got no further. Nothing was delivered.
pub struct Stopped {
    /// Where. At [`Phase::Idle`] nothing of the message was said: offer it again in another session at once.
    pub phase: Phase,
    pub failure: Failure,
    /// The session, where it can take another message.
    pub session: Option<Session>,
}

/// A message the server has whole but for the final dot. Dropping it closes the connection, and the server
/// discards what it has (RFC 5321 §4.1.1.4).
#[derive(Debug)]
pub struct Ready {
    session: Session,
}

/// The end of a message's attempt.
#[derive(Debug)]
pub struct Finished {
    /// The server's 2xx reply, or why not. [`FailureClass::Unknown`]: nobody can tell.
    pub outcome: Result<Reply, Failure>,
    /// [`Phase::Dot`], or [`Phase::Body`] when the server had left before the dot was written.
    pub phase: Phase,
    /// The session, where it can take another message.
    pub session: Option<Session>,
}

/// A step that failed, while the session is still at hand.
pub(super) struct Fault {
    pub phase: Phase,
    pub failure: Failure,
    /// Whether the session can go on after RSET.
    pub keep: bool,
}

struct Envelope {
    mail: String,
    rcpt: String,
    body: WireBody,
}

impl Session {
    /// Connects, encrypts as the account asks, checks the certificate, logs in.
    ///
    /// # Errors
    /// [`Stopped`] without a session. `Setup`, `Auth` and `Refused` need the user; the others may pass.
    pub async fn open(
        account: &Account,
        secret: Option<&Secret>,
        dialer: &Dialer,
    ) -> Result<Session, Box<Stopped>> {
        Session::open_with(account, secret, dialer, &Options::default()).await
    }

    /// [`Session::open`] with other times, name or length.
    pub async fn open_with(
        account: &Account,
        secret: Option<&Secret>,
        dialer: &Dialer,
        options: &Options,
    ) -> Result<Session, Box<Stopped>> {
        Session::connect(account, secret, dialer, options)
            .await
            .map_err(|fault| fault.ending(None))
    }

    async fn connect(
        account: &Account,
        secret: Option<&Secret>,
        dialer: &Dialer,
        options: &Options,
    ) -> Result<Session, Fault> {
        let config = match account.tls {
            Tls::None => None,
            _ => Some(
                tls::client_config(account.ca_file.as_deref())
                    .await
                    .map_err(at(Phase::Tls))?,
            ),
        };
        let stream = dialer
            .connect(&account.host, account.port)
            .await
            .map_err(at(Phase::Connect))?;
        if account.tls == Tls::None {
            only_to_loopback(&account.host, &stream).map_err(at(Phase::Tls))?;
        }
        let name = client_name(options.client_name.as_deref(), stream.local_addr().ok());
        let stream = match &config {
            Some(config) if account.tls == Tls::Tls => {
                encrypt(&account.host, TlsConnector::from(config.clone()), stream, options).await?
            }
            _ => Stream::Plain(stream),
        };
        let mut session = Session {
            wire: Wire::new(stream),
            host: account.host.clone(),
            offers: Offers::default(),
            options: options.clone(),
            taken: 0,
        };
        let greeting = session.hear(Phase::Greeting).await?;
        session.wanted(Phase::Greeting, greeting, |code| code == 220)?;
        session.introduce(&name).await?;
        if let (Tls::Starttls, Some(config)) = (account.tls, config) {
            session = session.upgrade(TlsConnector::from(config)).await?;
            session.introduce(&name).await?;
        }
        if !account.user.is_empty() {
            session.log_in(&account.user, secret).await?;
        }
        Ok(session)
    }

    async fn introduce(&mut self, name: &str) -> Result<(), Fault> {
        let reply = self.ask(Phase::Ehlo, &format!("EHLO {name}")).await?;
        let reply = self.wanted(Phase::Ehlo, reply, |code| code == 250)?;
        self.offers = Offers::read(&reply);
        Ok(())
    }

    /// RFC 3207. What the server offered before counts for nothing afterwards (§4.2).
    async fn upgrade(mut self, connector: TlsConnector) -> Result<Session, Fault> {
        if !self.offers.starttls {
            return Err(at(Phase::Starttls)(failure(
                FailureClass::Setup,
                "no_starttls",
                format!(
                    "{} does not offer STARTTLS on this port, and nothing is sent without it. \
                     The port may be another (587, or 465 with TLS), or something on the way takes the offer out.",
                    self.host
                ),
            )));
        }
        let reply = self.ask(Phase::Starttls, "STARTTLS").await?;
        self.wanted(Phase::Starttls, reply, |code| code == 220)?;
        let Session {
            wire, host, options, ..
        } = self;
        let Some(stream) = wire.into_plain() else {
            return Err(at(Phase::Starttls)(failure(
                FailureClass::Setup,
                "starttls_injection",
                format!("Not connected to {host}: something was slipped in before encryption began."),
            )));
        };
        let stream = encrypt(&host, connector, stream, &options).await?;
        Ok(Session {
            wire: Wire::new(stream),
            host,
            offers: Offers::default(),
            options,
            taken: 0,
        })
    }

    /// Hands the whole message over except for the final dot. `message` is a complete message with one recipient;
    /// line ends are made CRLF, dots are doubled.
    ///
    /// # Errors
    /// [`Stopped`]: nothing was delivered, and the session comes back where it can go on.
    pub async fn offer(mut self, from: &str, to: &str, message: &[u8]) -> Result<Ready, Box<Stopped>> {
        if self.spent() {
            let why = "This session has sent its share; the next message goes through another.";
            let fault = at(Phase::Idle)(failure(FailureClass::Transient, "session_spent", why));
            self.quit().await;
            return Err(fault.ending(None));
        }
        let envelope = match self.envelope(from, to, message) {
            Ok(envelope) => envelope,
            Err(failure) => return Err(at(Phase::Check)(failure).ending(Some(self))),
        };
        match self.hand_over(&envelope).await {
            Ok(()) => Ok(Ready { session: self }),
            Err(fault) if fault.keep && self.reset().await => Err(fault.ending(Some(self))),
            Err(fault) => Err(fault.ending(None)),
        }
    }

    /// Whether it has taken as many messages as it may.
    pub fn spent(&self) -> bool {
        self.taken >= self.options.max_messages
    }

    /// Messages the server has given its word on in this session.
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// Asks whether the server is still there.
    pub async fn noop(&mut self) -> Result<(), Failure> {
        let reply = self
            .ask(Phase::Idle, "NOOP")
            .await
            .map_err(|fault| fault.failure)?;
        self.wanted(Phase::Idle, reply, |code| code == 250)
            .map(drop)
            .map_err(|fault| fault.failure)
    }

    /// Takes leave. Nothing depends on it.
    pub async fn quit(mut self) {
        let limit = self.options.timeouts.quit;
        if self.wire.write(b"QUIT\r\n", limit).await.is_ok() {
            self.wire.reply(limit).await.ok();
        }
    }

    fn envelope(&self, from: &str, to: &str, message: &[u8]) -> Result<Envelope, Failure> {
        let sender = Mailbox::parse(from).ok_or_else(|| {
            failure(
                FailureClass::Setup,
                "from_address",
                format!("“{from}” cannot be a sender's address."),
            )
        })?;
        let recipient = Mailbox::parse(to).ok_or_else(|| {
            failure(
                FailureClass::Recipient,
                "to_address",
                format!("“{to}” is not an address mail can be sent to."),
            )
        })?;
        let body = wire_body(message).map_err(unfit)?;
        if !is_safe(&body.bytes) {
            return Err(failure(
                FailureClass::Sender,
                "body",
                "The message failed the last check of its line ends.",
            ));
        }
        let utf8 = sender.utf8 || recipient.utf8;
        let lacks = [
            (
                utf8 && !self.offers.smtputf8,
                "smtputf8",
                "addresses with letters beyond ASCII",
            ),
            (
                body.eight_bit && !self.offers.eight_bit,
                "8bitmime",
                "messages with bytes beyond ASCII",
            ),
        ];
        if let Some((_, code, what)) = lacks.iter().find(|(lacking, ..)| *lacking) {
            return Err(failure(
                FailureClass::Sender,
                *code,
                format!("{} does not take {what}.", self.host),
            ));
        }
        let mut mail = format!("MAIL FROM:<{}>", sender.text);
        if let Some(limit) = self.offers.size {
            let size = body.bytes.len() as u64;
            if limit != 0 && size > limit {
                let detail = format!(
                    "{} takes messages of at most {limit} bytes; this one has {size}.",
                    self.host
                );
                return Err(failure(FailureClass::Sender, "too_large", detail));
            }
            mail.push_str(&format!(" SIZE={size}"));
        }
        for (asked, parameter) in [(body.eight_bit, " BODY=8BITMIME"), (utf8, " SMTPUTF8")] {
            mail.push_str(if asked { parameter } else { "" });
        }
        Ok(Envelope {
            mail,
            rcpt: format!("RCPT TO:<{}>", recipient.text),
            body,
        })
    }

    async fn hand_over(&mut self, envelope: &Envelope) -> Result<(), Fault> {
        self.quiet(Phase::Idle).await?;
        if self.offers.pipelining {
            let both = format!("{}\r\n{}\r\n", envelope.mail, envelope.rcpt);
            self.tell(Phase::Mail, both.as_bytes()).await?;
            let mail = self.hear(Phase::Mail).await?;
            let mail_code = mail.code;
            let mail = self.wanted(Phase::Mail, mail, |code| code == 250);
            if mail_code == 421 {
                return mail.map(drop);
            }
            let rcpt = self.hear(Phase::Rcpt).await?;
            mail?;
            self.wanted(Phase::Rcpt, rcpt, |code| matches!(code, 250..=252))?;
        } else {
            let mail = self.ask(Phase::Mail, &envelope.mail).await?;
            self.wanted(Phase::Mail, mail, |code| code == 250)?;
            let rcpt = self.ask(Phase::Rcpt, &envelope.rcpt).await?;
            self.wanted(Phase::Rcpt, rcpt, |code| matches!(code, 250..=252))?;
        }
        let data = self.ask(Phase::Data, "DATA").await?;
        self.wanted(Phase::Data, data, |code| code == 354)?;
        self.tell(Phase::Body, &envelope.body.bytes).await
    }

    /// A connection that fails under the dot says nothing about what the server has: a reply may still come.
    async fn dot(&mut self) -> Result<Reply, Fault> {
        if self.wire.write(b".\r\n", self.options.timeouts.block).await == Err(Lost::TimedOut) {
            return Err(self.lost(Phase::Dot, Lost::TimedOut));
        }
        let reply = self.hear(Phase::Dot).await?;
        self.wanted(Phase::Dot, reply, |code| (200..300).contains(&code))
    }

    /// RFC 5321 §4.1.1.5: forgets a transaction the server refused.
    async fn reset(&mut self) -> bool {
        let limit = self.options.timeouts.quit;
        self.wire.write(b"RSET\r\n", limit).await.is_ok()
            && matches!(self.wire.reply(limit).await, Ok(reply) if reply.code == 250)
    }

    /// One command and its reply.
    pub(super) async fn ask(&mut self, phase: Phase, command: &str) -> Result<Reply, Fault> {
        self.quiet(phase).await?;
        let line = Zeroizing::new(format!("{command}\r\n"));
        self.tell(phase, line.as_bytes()).await?;
        self.hear(phase).await
    }

    /// The reply as it should be, or the fault it means.
    pub(super) fn wanted(&self, phase: Phase, reply: Reply, good: fn(u16) -> bool) -> Result<Reply, Fault> {
        match reply.code {
            code if good(code) => Ok(reply),
            400..=599 => Err(self.refused(phase, &reply)),
            _ => Err(self.lost(phase, Lost::OutOfTurn)),
        }
    }

    async fn tell(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), Fault> {
        match self.wire.write(bytes, self.options.timeouts.block).await {
            Ok(()) => Ok(()),
            Err(lost) => match self.wire.last_words().await {
                Some(reply) => Err(Fault {
                    keep: false,
                    ..self.refused(phase, &reply)
                }),
                None => Err(self.lost(phase, lost)),
            },
        }
    }

    async fn hear(&mut self, phase: Phase) -> Result<Reply, Fault> {
        let times = &self.options.timeouts;
        let limit = match phase {
            Phase::Greeting => times.greeting,
            Phase::Data => times.data,
            Phase::Dot => times.dot,
            _ => times.command,
        };
        let heard = self.wire.reply(limit).await;
        heard.map_err(|lost| self.lost(phase, lost))
    }

    /// Makes sure that the next reply will be the reply to what we say next.
    async fn quiet(&mut self, phase: Phase) -> Result<(), Fault> {
        match self.wire.unasked().await {
            Unasked::Nothing => Ok(()),
            Unasked::Reply(reply) => Err(Fault {
                keep: false,
                ..self.refused(phase, &reply)
            }),
            Unasked::Lost(lost) => Err(self.lost(phase, lost)),
        }
    }

    fn refused(&self, phase: Phase, reply: &Reply) -> Fault {
        let class = classify(phase, reply);
        let detail = match (phase, class) {
            (Phase::Auth, FailureClass::Auth) => format!(
                "{} refused the user name or the password: {reply}. Check the user name, and enter the password again: \
                 under Settings, Sender accounts, or with `carillon accounts password`.",
                self.host
            ),
            _ => format!("{} refused ({phase}): {reply}", self.host),
        };
        Fault {
            phase,
            failure: failure(class, reply.codes(), detail),
            keep: reply.code != 421,
        }
    }

    fn lost(&self, phase: Phase, lost: Lost) -> Fault {
        at(phase)(lost_failure(&self.host, phase, lost))
    }
}

impl Ready {
    /// Writes the final dot and waits for the last word. From the first byte on, a lost connection or no reply in
    /// time is [`FailureClass::Unknown`]; so is dropping this future.
    pub async fn finish(mut self) -> Finished {
        if let Err(fault) = self.session.quiet(Phase::Body).await {
            return Finished {
                outcome: Err(fault.failure),
                phase: Phase::Body,
                session: None,
            };
        }
        let outcome = self.session.dot().await;
        let keep = outcome
            .as_ref()
            .map_or_else(|fault| fault.keep, |reply| reply.code != 221);
        self.session.taken += u32::from(outcome.is_ok());
        let outcome = outcome.map_err(|fault| fault.failure);
        Finished {
            outcome,
            phase: Phase::Dot,
            session: keep.then_some(self.session),
        }
    }

    /// Closes the connection without the dot: the server discards the message.
    pub fn abandon(self) {}
}

impl Fault {
    fn ending(self, session: Option<Session>) -> Box<Stopped> {
        Box::new(Stopped {
            phase: self.phase,
            failure: self.failure,
            session,
        })
    }
}

/// A fault after which the session is of no use.
fn at(phase: Phase) -> impl Fn(Failure) -> Fault {
    move |failure| Fault {
        phase,
        failure,
        keep: false,
    }
}

/// Without encryption, only servers on this machine are spoken to.
pub(crate) fn only_to_loopback(host: &str, stream: &TcpStream) -> Result<(), Failure> {
    if stream
        .peer_addr()
        .is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
    {
        return Ok(());
    }
    Err(failure(
        FailureClass::Setup,
        "not_encrypted",
        format!("Not connected to {host}: without encryption, only servers on this machine are used."),
    ))
}

async fn encrypt(
    host: &str,
    connector: TlsConnector,
    stream: TcpStream,
    options: &Options,
) -> Result<Stream, Fault> {
    let name = tls::server_name(host).map_err(at(Phase::Tls))?;
    match timeout(options.timeouts.tls, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => Err(at(Phase::Tls)(tls::handshake_failure(host, &error))),
        Err(_) => Err(at(Phase::Tls)(lost_failure(host, Phase::Tls, Lost::TimedOut))),
    }
}

fn unfit(fault: BadBody) -> Failure {
    let (code, why) = match fault {
        BadBody::Nul => ("nul", "it holds a NUL byte"),
        BadBody::LongLine => ("long_line", "a line is longer than 998 bytes"),
        BadBody::Empty => ("empty", "it is empty"),
    };
    failure(
        FailureClass::Sender,
        code,
        format!("The message was not sent: {why}."),
    )
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("host", &self.host)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.phase, self.failure)
    }
}

impl From<Box<Stopped>> for Failure {
    fn from(stopped: Box<Stopped>) -> Failure {
        stopped.failure
    }
}
