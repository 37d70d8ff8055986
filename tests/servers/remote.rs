//! The servers of all recipients, in one: what a sender's server hands on comes here.

use super::Result;
use carillon_world::script::Script;
use carillon_world::{Mailbox, Options, SmtpWorld};
use mail_parser::MessageParser;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// A mail server of the mail world that takes everything, except by [`Script::usual`]: unknown and full mailboxes,
/// refusals by policy, greylisting. It ends when this is dropped.
pub struct Remote {
    // Before the runtime, in which it ends.
    world: SmtpWorld,
    _runtime: Runtime,
    folder: tempfile::TempDir,
}

/// A mail that arrived, byte by byte.
pub struct Arrived {
    pub to: String,
    pub bytes: Vec<u8>,
}

impl Remote {
    pub fn start() -> Result<Remote> {
        let begun = || -> std::io::Result<Remote> {
            let folder = tempfile::tempdir()?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?;
            let mut options = Options::new(folder.path().join("truth.jsonl"));
            options.mailbox = Some(folder.path().join("mail"));
            options.script = Script::usual();
            let world = runtime.block_on(SmtpWorld::start(options))?;
            Ok(Remote {
                world,
                _runtime: runtime,
                folder,
            })
        };
        begun().map_err(|e| format!("The recipients' server does not start: {e}"))
    }

    pub fn port(&self) -> u16 {
        self.world.address().port()
    }

    /// Everything that arrived, oldest first.
    pub fn arrived(&self) -> Result<Vec<Arrived>> {
        let read = || -> std::io::Result<Vec<Arrived>> {
            let mailbox = Mailbox::open(&self.mail())?;
            let mut all = Vec::new();
            for id in mailbox.list()? {
                if let Some(bytes) = mailbox.read(&id)? {
                    all.push(Arrived {
                        to: to(&bytes),
                        bytes,
                    });
                }
            }
            Ok(all)
        };
        read().map_err(|e| format!("What arrived cannot be read: {e}"))
    }

    fn mail(&self) -> PathBuf {
        self.folder.path().join("mail")
    }
}

fn to(bytes: &[u8]) -> String {
    let mail = MessageParser::default().parse(bytes);
    let to = mail
        .as_ref()
        .and_then(|mail| mail.to()?.first()?.address().map(str::to_owned));
    to.unwrap_or_default()
}

impl Arrived {
    /// A header as it was written, unfolded.
    pub fn header(&self, name: &str) -> String {
        let mail = MessageParser::default().parse(&self.bytes);
        let raw = mail.as_ref().and_then(|mail| mail.header_raw(name));
        raw.unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub fn html(&self) -> String {
        let mail = MessageParser::default().parse(&self.bytes);
        let html = mail.as_ref().and_then(|mail| mail.body_html(0));
        html.unwrap_or_default().into_owned()
    }
}
