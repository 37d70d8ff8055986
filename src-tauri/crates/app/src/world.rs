//! The mail world of a sample: a mail server, a relay and a town of people on this machine, who answer what is sent to them
//! as people do, through the same doors as in the real world.
//!
//! Mails that the server took come to the town at the workspace's time. What its people do then is due like anything else
//! of the runtime: mails to the sender go through the intake of mailboxes, requests over HTTP to the relay, whose events
//! are pulled as any relay's, purchases onto the timeline. An act may be done twice after a crash, never less than once;
//! each has a key, so it counts once.

mod diary;
mod doubts;
mod mails;
mod post;
mod practice;
mod set;
mod state;
mod turn;
mod visits;
mod words;

pub use practice::keys;
pub use turn::{next_at, turn};
pub use words::*;

use crate::bus::Bus;
use crate::commands;
use crate::demo::ACCOUNT;
use crate::error::{Code, Result, fail};
use crate::table::NoArgs;
use crate::workspaces::Open;
use crate::{App, Ctx};
use carillon_adapters::Http;
use carillon_store::Priority;
use carillon_world::{Mailbox, Options, SmtpWorld};
use mails::{act, mail, mails};
use post::Post;
use practice::Practice;
use set::{get, set};
use state::State;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

commands! {
    query "world.get" get(NoArgs) -> WorldView, reads [World];
    mutate "world.set" set(WorldSettings) -> WorldView, reads [];
    query "world.mails" mails(WorldMailsArgs) -> WorldMailPage, reads [World, Contacts];
    query "world.mail" mail(WorldMailArgs) -> WorldMail, reads [World];
    mutate "world.act" act(WorldActArgs) -> WorldMailRow, reads [];
}

/// The mail world of an open sample.
pub struct World {
    smtp: SmtpWorld,
    folder: PathBuf,
    post: Post,
    /// None where it could not be started.
    relay: Option<Practice>,
    http: Http,
    bus: Bus,
    /// Read when it is first needed.
    state: tokio::sync::Mutex<Option<State>>,
    /// One turn at a time.
    turning: tokio::sync::Mutex<()>,
    /// Why what people did cannot be heard now.
    trouble: Mutex<Option<String>>,
}

/// A path beside the workspace's file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The folder of what only this feature reads.
fn folder_of(path: &Path) -> PathBuf {
    beside(path, ".world")
}

/// The log of what the mail server took.
fn truth_of(path: &Path) -> PathBuf {
    beside(path, ".truth.jsonl")
}

impl World {
    /// Where the server keeps the mails it took.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.smtp.mailbox()
    }

    /// Whether a link leads by the relay, now or when the mail was sent, so that following it comes back.
    fn hears_of(&self, link: &str) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.hears_of(link))
    }

    fn say_trouble(&self, why: Option<String>) {
        if let Some(why) = &why {
            tracing::warn!(why, "the mail world cannot go on now");
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells screens that there is something new.
    fn tell(&self) {
        self.bus
            .tell(0, vec![carillon_store::Topic::World.as_str().to_owned()]);
    }
}

/// Starts the world of a sample on this machine and tells its account the port of the mail server. It lives as long as
/// the workspace is open; what it took is in `<workspace>.truth.jsonl` and the folder `<workspace>.mail`, what it
/// remembers in the folder `<workspace>.world`.
///
/// # Errors
/// When files beside the workspace cannot be written, or no port is free.
pub async fn start(app: &App, open: &Arc<Open>) -> Result<()> {
    let folder = folder_of(&open.path);
    std::fs::create_dir_all(&folder)?;
    let (sender, post) = Post::open();
    let mut options = Options::new(truth_of(&open.path));
    options.mailbox = Some(beside(&open.path, ".mail"));
    options.taken = Some(sender);
    // Before the server writes on in its log, and anybody sends.
    doubts::settle(open).await?;
    let smtp = SmtpWorld::start(options).await?;
    tell_port(open, smtp.address().port()).await?;
    let relay = match Practice::start(open, &folder).await {
        Ok(relay) => Some(relay),
        Err(error) => {
            tracing::error!(%error, "the practice relay does not run: links of the sample's mails lead nowhere");
            None
        }
    };
    let world = World {
        trouble: Mutex::new(
            relay
                .is_none()
                .then(|| crate::error::sentence("world.no_relay", &[])),
        ),
        smtp,
        folder,
        post,
        relay,
        http: Http::new(open.dialer.clone().held_to_loopback()).await,
        bus: app.bus().clone(),
        state: tokio::sync::Mutex::default(),
        turning: tokio::sync::Mutex::default(),
    };
    *open.world.lock().await = Some(Arc::new(world));
    Ok(())
}

async fn tell_port(open: &Open, port: u16) -> Result<()> {
    let known = open
        .store
        .read(|db| carillon_store::accounts::by_name(db, ACCOUNT))
        .await?;
    let Some(mut account) = known
        .map(|row| row.account)
        .filter(|account| account.port != port)
    else {
        return Ok(());
    };
    account.port = port;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::accounts::save(tx, Some(account.id), &account).map(drop)
        })
        .await?;
    Ok(())
}

/// Ends the world of a workspace that is closed: what it remembers is written.
pub(crate) async fn stop(open: &Open) {
    let Some(world) = open.world.lock().await.take() else {
        return;
    };
    // Mails that came and were not looked at are in the server's log, and found there.
    if let Some(state) = world.state.lock().await.as_mut()
        && let Err(error) = state.save()
    {
        tracing::error!(%error, "what the mail world remembers was not written; it is made good from its diary");
    }
    if let Some(relay) = &world.relay {
        relay.stop().await;
    }
}

/// What wakes the loop when somebody else than the town calls at the relay: a browser in which the user follows a link.
pub(crate) async fn listen(open: Arc<Open>) {
    let world = open.world.lock().await.clone();
    let Some(mut head) = world.and_then(|world| Some(world.relay.as_ref()?.head())) else {
        return;
    };
    while head.changed().await.is_ok() {
        open.runtime.nudge();
    }
}

/// The world of the open workspace.
async fn of(cx: &Ctx) -> Result<(Arc<Open>, Arc<World>)> {
    let open = cx.open()?.clone();
    let world = open.world.lock().await.clone();
    match world {
        Some(world) => Ok((open, world)),
        None => Err(fail(Code::Refused, "world.no_sample", &[])),
    }
}
