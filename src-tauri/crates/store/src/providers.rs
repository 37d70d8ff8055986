//! Accounts at providers, without any secret: how far what they tell was read, what they may send, and what they call
//! the messages they took.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use crate::{accounts, opt_out_sources, settings};
use carillon_model::provider::{Provider, ProviderKind};
use carillon_model::{MessageId, Moment, ProviderId};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

const LIST: &str = sql!("SELECT id, name, settings, paused FROM providers ORDER BY name");
const GET: &str = sql!("SELECT id, name, settings, paused FROM providers WHERE id = ?1");
const BY_NAME: &str = sql!("SELECT id FROM providers WHERE name = ?1");
const ADD: &str = sql!("INSERT INTO providers(name, settings, updated_at) VALUES(?1, ?2, ?3) RETURNING id");
const SAVE: &str = sql!("UPDATE providers SET name = ?2, settings = ?3, updated_at = ?4 WHERE id = ?1");
const PAUSE: &str = sql!("UPDATE providers SET paused = ?2, updated_at = ?3 WHERE id = ?1");
const REMOVE: &str = sql!("DELETE FROM providers WHERE id = ?1");
const CURSOR: &str = sql!("SELECT cursor FROM providers WHERE id = ?1");
const SET_CURSOR: &str = sql!("UPDATE providers SET cursor = ?2 WHERE id = ?1");
const KNOW: &str = sql!(
    "INSERT INTO provider_messages(provider, id, message) VALUES(?1, ?2, ?3)
     ON CONFLICT(provider, id) DO UPDATE SET message = excluded.message"
);
const KNOWN: &str = sql!("SELECT message FROM provider_messages WHERE provider = ?1 AND id = ?2");

/// Longest name of a provider for a message that is kept, in bytes.
const MOST_ID: usize = 256;

/// An account at a provider, with its switch.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRow {
    pub id: ProviderId,
    pub name: String,
    pub provider: Provider,
    /// It is not read, and nobody waits for it.
    pub paused: bool,
}

/// What the provider said it may send.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaTold {
    pub at: Moment,
    /// Messages in any 24 hours, or in the plan's period where `per_day` is false. `None`: as many as one likes.
    pub limit: Option<u64>,
    pub sent: u64,
    pub per_day: bool,
    pub per_second: Option<f64>,
    /// Whether it may send to anybody.
    pub production: bool,
}

/// The name of a provider among the sources of opt-outs, and of what it told.
pub fn source(id: ProviderId) -> String {
    format!("provider:{id}")
}

/// Whether a provider tells what came back. SES does only where there is a queue.
pub fn tells(provider: &Provider) -> bool {
    provider.kind != ProviderKind::Ses || provider.queue_url.is_some()
}

fn read(row: &Row<'_>) -> Result<ProviderRow> {
    Ok(ProviderRow {
        id: ProviderId(row.get(0)?),
        name: row.get(1)?,
        provider: from_json("providers", &row.get::<_, String>(2)?)?,
        paused: row.get(3)?,
    })
}

/// All of them by name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<ProviderRow>> {
    db.all(LIST, (), read)
}

/// One of them.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: ProviderId) -> Result<Option<ProviderRow>> {
    db.one(GET, (id.0,), read)
}

/// Saves one: `id` to change it, `None` for a new one. Where it is another account now, reading begins anew.
///
/// # Errors
/// [`Error::Taken`], [`Error::NotFound`], [`Error::Invalid`] without a name.
pub fn save(tx: &mut Tx<'_>, id: Option<ProviderId>, name: &str, provider: &Provider) -> Result<ProviderRow> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A provider needs a name.".to_owned()));
    }
    let other = tx.value::<u32>(BY_NAME, (name,))?;
    if other.is_some_and(|other| Some(ProviderId(other)) != id) {
        return Err(Error::Taken {
            what: "provider",
            name: name.to_owned(),
        });
    }
    let now = ms(tx.now());
    let (id, paused) = match id {
        Some(id) => {
            let before = get(tx, id)?.ok_or_else(|| Error::missing("provider", id))?;
            tx.run(SAVE, (id.0, name, json(provider)?, now))?;
            if !same_place(&before.provider, provider) {
                tx.run(SET_CURSOR, (id.0, None::<&str>))?;
                settings::set::<QuotaTold>(tx, &quota_key(id), None)?;
                opt_out_sources::remove(tx, &source(id))?;
            }
            (id, before.paused)
        }
        None => {
            let id = tx
                .value(ADD, (name, json(provider)?, now))?
                .ok_or_else(|| Error::damaged("providers", "a new provider got no number"))?;
            (ProviderId(id), false)
        }
    };
    let row = ProviderRow {
        id,
        name: name.to_owned(),
        provider: provider.clone(),
        paused,
    };
    listen(tx, &row)?;
    tell(tx, id);
    Ok(row)
}

/// What a cursor holds for: the events of one account.
fn same_place(one: &Provider, other: &Provider) -> bool {
    let place = |p: &Provider| {
        let Provider {
            kind,
            region,
            domain,
            key_id,
            queue_url,
            stream,
            host,
            ..
        } = p.clone();
        (kind, region, domain, key_id, queue_url, stream, host)
    };
    place(one) == place(other)
}

fn listen(tx: &mut Tx<'_>, row: &ProviderRow) -> Result<()> {
    match row.paused || !tells(&row.provider) {
        true => opt_out_sources::remove(tx, &source(row.id)),
        false => opt_out_sources::keep(tx, &source(row.id), &row.name),
    }
}

/// Stops or goes on reading a provider. One that is not read is no source of opt-outs.
///
/// # Errors
/// [`Error::NotFound`].
pub fn set_paused(tx: &mut Tx<'_>, id: ProviderId, paused: bool) -> Result<()> {
    let row = get(tx, id)?.ok_or_else(|| Error::missing("provider", id))?;
    let now = ms(tx.now());
    tx.run(PAUSE, (id.0, paused, now))?;
    listen(tx, &ProviderRow { paused, ..row })?;
    tell(tx, id);
    Ok(())
}

/// Removes a provider no sender account uses. What it told stays.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] with the account that uses it.
pub fn remove(tx: &mut Tx<'_>, id: ProviderId) -> Result<()> {
    let user = accounts::list(tx)?
        .into_iter()
        .find(|row| row.account.provider == Some(id));
    if let Some(user) = user {
        return Err(Error::Invalid(format!(
            "The sender account “{}” sends through this provider. Let it send another way, or delete it first.",
            user.account.name
        )));
    }
    if tx.run(REMOVE, (id.0,))? == 0 {
        return Err(Error::missing("provider", id));
    }
    settings::set::<QuotaTold>(tx, &quota_key(id), None)?;
    opt_out_sources::remove(tx, &source(id))?;
    tell(tx, id);
    Ok(())
}

fn tell(tx: &mut Tx<'_>, id: ProviderId) {
    tx.touch("providers", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Providers);
}

/// How far a provider was read, if ever.
///
/// # Errors
/// SQLite's.
pub fn cursor(db: &Db<'_>, id: ProviderId) -> Result<Option<String>> {
    Ok(db.value::<Option<String>>(CURSOR, (id.0,))?.flatten())
}

/// Moves the cursor, in the write that takes in what was read.
///
/// # Errors
/// [`Error::NotFound`] when the provider was removed meanwhile: then nothing of it is taken in.
pub fn set_cursor(tx: &mut Tx<'_>, id: ProviderId, cursor: &str) -> Result<()> {
    if tx.run(SET_CURSOR, (id.0, cursor))? == 0 {
        return Err(Error::missing("provider", id));
    }
    tx.touch("provider_cursors", i64::from(id.0), i64::from(id.0));
    Ok(())
}

fn quota_key(id: ProviderId) -> String {
    format!("quota_of_provider_{id}")
}

/// What the provider said last of what it may send.
///
/// # Errors
/// [`Error::Damaged`].
pub fn quota(db: &Db<'_>, id: ProviderId) -> Result<Option<QuotaTold>> {
    settings::get(db, &quota_key(id))
}

/// Keeps what the provider said it may send; nothing: it does not say.
///
/// # Errors
/// SQLite's.
pub fn set_quota(tx: &mut Tx<'_>, id: ProviderId, told: Option<&QuotaTold>) -> Result<()> {
    if quota(tx, id)?.as_ref() != told {
        settings::set(tx, &quota_key(id), told)?;
        tell(tx, id);
    }
    Ok(())
}

/// Keeps what a provider calls a message, in the write that says it took it.
pub(crate) fn know(tx: &mut Tx<'_>, id: ProviderId, called: &str, message: MessageId) -> Result<()> {
    if called.is_empty() || called.len() > MOST_ID {
        return Ok(());
    }
    tx.run(KNOW, (id.0, called, message.0))?;
    tx.touch("provider_messages", message.0, message.0);
    Ok(())
}

/// The message a provider calls so.
///
/// # Errors
/// SQLite's.
pub fn message_of(db: &Db<'_>, id: ProviderId, called: &str) -> Result<Option<MessageId>> {
    Ok(db.value(KNOWN, (id.0, called))?.map(MessageId))
}
