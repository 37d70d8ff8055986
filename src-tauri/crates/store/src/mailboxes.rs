//! Mailboxes that are read, without any secret, and how far each of their folders was read.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::opt_out_sources;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::MailboxId;
use carillon_model::mailbox::{Mailbox, MailboxCursor};
use rusqlite::Row;

const LIST: &str = sql!("SELECT id, settings, paused FROM mailboxes ORDER BY name");
const GET: &str = sql!("SELECT id, settings, paused FROM mailboxes WHERE id = ?1");
const BY_NAME: &str = sql!("SELECT id FROM mailboxes WHERE name = ?1");
const ADD: &str = sql!("INSERT INTO mailboxes(name, settings, updated_at) VALUES(?1, ?2, ?3) RETURNING id");
const SAVE: &str = sql!("UPDATE mailboxes SET name = ?2, settings = ?3, updated_at = ?4 WHERE id = ?1");
const PAUSE: &str = sql!("UPDATE mailboxes SET paused = ?2, updated_at = ?3 WHERE id = ?1");
const REMOVE: &str = sql!("DELETE FROM mailboxes WHERE id = ?1");
const CURSOR: &str = sql!("SELECT cursor FROM mailbox_cursors WHERE mailbox = ?1 AND folder = ?2");
const SET_CURSOR: &str = sql!(
    "INSERT INTO mailbox_cursors(mailbox, folder, cursor) VALUES(?1, ?2, ?3)
     ON CONFLICT(mailbox, folder) DO UPDATE SET cursor = excluded.cursor"
);
const FORGET_CURSORS: &str = sql!("DELETE FROM mailbox_cursors WHERE mailbox = ?1");

/// A mailbox with its switch.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxRow {
    pub mailbox: Mailbox,
    /// It is not read, and nobody waits for it.
    pub paused: bool,
}

/// The name of a mailbox among the sources of opt-outs, and of what was read in it.
pub fn source(id: MailboxId) -> String {
    format!("mailbox:{id}")
}

fn read(row: &Row<'_>) -> Result<MailboxRow> {
    let mut mailbox: Mailbox = from_json("mailboxes", &row.get::<_, String>(1)?)?;
    mailbox.id = MailboxId(row.get(0)?);
    Ok(MailboxRow {
        mailbox,
        paused: row.get(2)?,
    })
}

/// All mailboxes by name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<MailboxRow>> {
    db.all(LIST, (), read)
}

/// One mailbox.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: MailboxId) -> Result<Option<MailboxRow>> {
    db.one(GET, (id.0,), read)
}

/// Saves a mailbox: `id` to change one, `None` for a new one. The `id` inside is set here. Where it lies elsewhere now,
/// reading begins anew.
///
/// # Errors
/// [`Error::Taken`], [`Error::NotFound`], [`Error::Invalid`] without a name.
pub fn save(tx: &mut Tx<'_>, id: Option<MailboxId>, mailbox: &Mailbox) -> Result<Mailbox> {
    let name = mailbox.name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A mailbox needs a name.".to_owned()));
    }
    let other = tx.value::<u32>(BY_NAME, (name,))?;
    if other.is_some_and(|other| Some(MailboxId(other)) != id) {
        return Err(Error::Taken {
            what: "mailbox",
            name: name.to_owned(),
        });
    }
    let mut mailbox = Mailbox {
        name: name.to_owned(),
        ..mailbox.clone()
    };
    let now = ms(tx.now());
    let paused = match id {
        Some(id) => {
            let before = get(tx, id)?.ok_or_else(|| Error::missing("mailbox", id))?;
            mailbox.id = id;
            tx.run(SAVE, (id.0, name, json(&mailbox)?, now))?;
            let place = |m: &Mailbox| (m.host.clone(), m.port, m.user.clone());
            if place(&before.mailbox) != place(&mailbox) {
                tx.run(FORGET_CURSORS, (id.0,))?;
            }
            before.paused
        }
        None => {
            let id = tx
                .value(ADD, (name, json(&mailbox)?, now))?
                .ok_or_else(|| Error::damaged("mailboxes", "a new mailbox got no number"))?;
            mailbox.id = MailboxId(id);
            false
        }
    };
    if !paused {
        opt_out_sources::keep(tx, &source(mailbox.id), &mailbox.name)?;
    }
    tell(tx, mailbox.id);
    Ok(mailbox)
}

/// Stops or goes on reading a mailbox. One that is not read is no source of opt-outs.
///
/// # Errors
/// [`Error::NotFound`].
pub fn set_paused(tx: &mut Tx<'_>, id: MailboxId, paused: bool) -> Result<()> {
    let row = get(tx, id)?.ok_or_else(|| Error::missing("mailbox", id))?;
    let now = ms(tx.now());
    tx.run(PAUSE, (id.0, paused, now))?;
    match paused {
        true => opt_out_sources::remove(tx, &source(id))?,
        false => opt_out_sources::keep(tx, &source(id), &row.mailbox.name)?,
    }
    tell(tx, id);
    Ok(())
}

/// Removes a mailbox. What was read in it stays.
///
/// # Errors
/// [`Error::NotFound`].
pub fn remove(tx: &mut Tx<'_>, id: MailboxId) -> Result<()> {
    if tx.run(REMOVE, (id.0,))? == 0 {
        return Err(Error::missing("mailbox", id));
    }
    tx.run(FORGET_CURSORS, (id.0,))?;
    opt_out_sources::remove(tx, &source(id))?;
    tell(tx, id);
    Ok(())
}

fn tell(tx: &mut Tx<'_>, id: MailboxId) {
    tx.touch("mailboxes", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Mailboxes);
}

/// How far a folder was read, if ever.
///
/// # Errors
/// [`Error::Damaged`].
pub fn cursor(db: &Db<'_>, id: MailboxId, folder: &str) -> Result<Option<MailboxCursor>> {
    let text: Option<String> = db.value(CURSOR, (id.0, folder))?;
    text.map(|text| from_json("mailbox_cursors", &text)).transpose()
}

/// Moves the cursor of a folder, in the write that takes in what was read.
///
/// # Errors
/// [`Error::NotFound`] when the mailbox was removed meanwhile: then nothing of it is taken in.
pub fn set_cursor(tx: &mut Tx<'_>, id: MailboxId, cursor: &MailboxCursor) -> Result<()> {
    if get(tx, id)?.is_none() {
        return Err(Error::missing("mailbox", id));
    }
    tx.run(SET_CURSOR, (id.0, &cursor.folder, json(cursor)?))?;
    tx.touch("mailbox_cursors", i64::from(id.0), i64::from(id.0));
    Ok(())
}
