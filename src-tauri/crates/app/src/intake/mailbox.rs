//! A mailbox, read over IMAP.

use super::{AGAIN, EVERY, Letter, note_failure, take_in_letters};
use crate::error::{ApiError, Code, Result, fail};
use crate::secrets::{self, Owner};
use crate::sign_in::Door;
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::mailbox::imap::{Batch, Imap, Options};
use carillon_model::mailbox::{Auth, Mailbox, MailboxCursor, OAuthProvider};
use carillon_model::message::Failure;
use carillon_model::{MailboxId, Moment};
use carillon_store::{Priority, mailboxes, opt_out_sources};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// Mails read and taken in together.
const BATCH: usize = 200;
/// A mailbox that is new here is read from so many days back: what came for messages that left before it was added.
const FIRST_DAYS: i64 = 30;

/// Why a mailbox cannot be read now.
enum Trouble {
    /// Something outside; it is tried again.
    Outside(String),
    /// The file cannot be written to.
    File(ApiError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Outside(failure.detail)
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Trouble {
        match error.code {
            Code::Keychain => Trouble::Outside(error.message),
            _ => Trouble::File(error),
        }
    }
}

impl From<carillon_store::Error> for Trouble {
    fn from(error: carillon_store::Error) -> Trouble {
        Trouble::File(error.into())
    }
}

/// Listens to a mailbox until somebody ends the task.
pub(super) async fn listen(open: Arc<Open>, mailbox: Mailbox) {
    let mut failed: usize = 0;
    loop {
        let why = match session(&open, &mailbox, &mut failed).await {
            Trouble::Outside(why) => why,
            Trouble::File(error) => {
                tracing::error!(%error, mailbox = %mailbox.id, "what a mailbox holds could not be taken in");
                error.message
            }
        };
        // A connection that was open long and then broke, as a router does it, is opened anew without a word.
        if failed > 0
            && let Err(error) = note_failure(&open, &mailboxes::source(mailbox.id), &why).await
        {
            tracing::error!(%error, "what is wrong with a mailbox could not be kept");
        }
        let pause = AGAIN[failed.min(AGAIN.len() - 1)];
        failed += 1;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            () = open.intake.wake.notified() => {}
        }
    }
}

/// One connection, from the sign-in until it breaks.
async fn session(open: &Arc<Open>, mailbox: &Mailbox, failed: &mut usize) -> Trouble {
    let mut imap = match connect(open, mailbox).await {
        Ok(imap) => imap,
        Err(trouble) => {
            *failed = (*failed).max(1);
            return trouble;
        }
    };
    loop {
        if let Err(trouble) = read_folders(open, mailbox, &mut imap).await {
            return trouble;
        }
        *failed = 0;
        if let Err(failure) = imap.wait(EVERY).await {
            return failure.into();
        }
    }
}

/// Reads a mailbox once. What goes wrong outside is noted with it.
///
/// # Errors
/// The store's.
pub(super) async fn read_once(open: &Arc<Open>, mailbox: &Mailbox) -> Result<()> {
    let read = async {
        let mut imap = connect(open, mailbox).await?;
        read_folders(open, mailbox, &mut imap).await?;
        imap.log_out().await;
        Ok(())
    };
    match read.await {
        Ok(()) => Ok(()),
        Err(Trouble::Outside(why)) => note_failure(open, &mailboxes::source(mailbox.id), &why).await,
        Err(Trouble::File(error)) => Err(error),
    }
}

async fn connect(open: &Open, mailbox: &Mailbox) -> std::result::Result<Imap, Trouble> {
    let secret = secret(open, mailbox).await?;
    Ok(Imap::open(mailbox, &secret, &open.dialer, &Options::default()).await?)
}

/// The password, or an access token that is fresh.
///
/// # Errors
/// A sentence that says what is missing, or what the provider said.
pub async fn secret(open: &Open, mailbox: &Mailbox) -> Result<Secret> {
    match &mailbox.auth {
        Auth::Password => {
            let found = secrets::get(open, &Owner::Mailbox(mailbox.id)).await?;
            found.ok_or_else(|| fail(Code::Keychain, "mailboxes.no_secret", &[("name", &mailbox.name)]))
        }
        Auth::OAuth { provider } => door(mailbox, provider).token(open).await,
    }
}

/// What one signs in to, for a mailbox.
pub fn door(mailbox: &Mailbox, provider: &OAuthProvider) -> Door {
    Door {
        owner: Owner::Mailbox(mailbox.id),
        client: Owner::MailboxClient(mailbox.id),
        name: mailbox.name.clone(),
        user: mailbox.user.clone(),
        provider: provider.clone(),
    }
}

/// Every folder to its end; then the mailbox counts as read up to the moment this began.
async fn read_folders(
    open: &Arc<Open>,
    mailbox: &Mailbox,
    imap: &mut Imap,
) -> std::result::Result<(), Trouble> {
    let began = open.now();
    let mut folders = mailbox.folders.clone();
    if folders.is_empty() {
        folders.push("INBOX".to_owned());
    }
    for folder in &folders {
        while read_batch(open, mailbox, imap, folder).await? {}
    }
    let source = mailboxes::source(mailbox.id);
    open.store
        .write(Priority::Intake, move |tx| {
            opt_out_sources::read(tx, &source, began).map(drop)
        })
        .await?;
    Ok(())
}

/// Reads and takes in one batch. True: there is more.
async fn read_batch(
    open: &Arc<Open>,
    mailbox: &Mailbox,
    imap: &mut Imap,
    folder: &str,
) -> std::result::Result<bool, Trouble> {
    let _reading = open.intake.reading(&mailboxes::source(mailbox.id)).await;
    let (id, name) = (mailbox.id, folder.to_owned());
    let known = open
        .store
        .read(move |db| mailboxes::cursor(db, id, &name))
        .await?;
    let now = open.now();
    let cursor = known.clone().unwrap_or_else(|| {
        let since = now - TimeDelta::days(FIRST_DAYS);
        MailboxCursor::start(folder, Some(since.date_naive()))
    });
    let batch = imap.fetch(folder, &cursor, BATCH).await?;
    for uid in &batch.unreadable {
        tracing::warn!(mailbox = %id, folder, uid, "the server does not give a mail it has");
    }
    let more = batch.more;
    if batch.mails.is_empty() && known.as_ref() == Some(&batch.next) {
        return Ok(more);
    }
    take_in(open, id, batch, now).await?;
    Ok(more)
}

async fn take_in(open: &Open, id: MailboxId, batch: Batch, now: Moment) -> Result<()> {
    let Batch { mails, next, .. } = batch;
    let letters = mails
        .into_iter()
        .map(|mail| Letter {
            key: mail.key,
            at: mail.internal_date.unwrap_or(now),
            raw: mail.raw,
        })
        .collect();
    take_in_letters(open, mailboxes::source(id), letters, move |tx| {
        mailboxes::set_cursor(tx, id, &next)
    })
    .await
    .map(drop)
}
