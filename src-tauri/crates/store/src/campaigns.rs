//! Campaigns: what was set up, how far it has come, and what its test has seen.

mod exposures;
mod progress;

pub use exposures::{Exposure, What, count, exposed, hit, next_ripe, outcomes, ripe};
pub use progress::{DomainCount, arms_accepted, domains};

pub(crate) use exposures::accepted;
pub(crate) use progress::{domain_of, flush, moved};

use crate::codes::{from_json, from_word, json, word};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::journeys;
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::campaign::{Campaign, CampaignState, Decision};
use carillon_model::journey::Journey;
use carillon_model::{CampaignId, ContactId, EventId, JourneyId, Moment};
use roaring::RoaringBitmap;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

const LIST: &str = sql!(
    "SELECT journey, settings, state, was, count, confirmed_at, recall_until, starts_at, started_at, ends_at, done_at,
            parts, entered, events, decision, created_at, updated_at FROM campaigns ORDER BY updated_at DESC, journey DESC"
);
const GET: &str = sql!(
    "SELECT journey, settings, state, was, count, confirmed_at, recall_until, starts_at, started_at, ends_at, done_at,
            parts, entered, events, decision, created_at, updated_at FROM campaigns WHERE journey = ?1"
);
const ADD: &str = sql!(
    "INSERT INTO campaigns(journey, settings, state, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4)
     ON CONFLICT(journey) DO UPDATE SET settings = excluded.settings, state = excluded.state, updated_at = excluded.updated_at"
);
const UPDATE: &str = sql!(
    "UPDATE campaigns SET state = ?2, was = ?3, count = ?4, confirmed_at = ?5, recall_until = ?6, starts_at = ?7,
                          started_at = ?8, ends_at = ?9, done_at = ?10, parts = ?11, entered = ?12, events = ?13,
                          decision = ?14, updated_at = ?15 WHERE journey = ?1"
);
const REMOVE: &str = sql!("DELETE FROM campaigns WHERE journey = ?1 AND confirmed_at IS NULL");
const SET_AUDIENCE: &str = sql!("UPDATE campaigns SET audience = ?2 WHERE journey = ?1");
const AUDIENCE: &str = sql!("SELECT audience FROM campaigns WHERE journey = ?1");
const LEAVE_OUT: &str = sql!(
    "INSERT INTO campaign_left_out(journey, reason, contacts) VALUES(?1, ?2, ?3)
     ON CONFLICT(journey, reason) DO UPDATE SET contacts = excluded.contacts"
);
const LEFT_OUT: &str =
    sql!("SELECT reason, contacts FROM campaign_left_out WHERE journey = ?1 ORDER BY reason");

/// How an audience was divided at the start, in contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// In the test, by arm.
    pub arms: Vec<u64>,
    /// Get the winner, or the only variant.
    pub rest: u64,
    pub held_out: u64,
}

impl Parts {
    /// Who gets a message.
    pub fn gets(&self) -> u64 {
        self.arms.iter().sum::<u64>() + self.rest
    }
}

/// A campaign as the file keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignRow {
    pub id: CampaignId,
    pub campaign: Campaign,
    pub state: CampaignState,
    /// What a pause goes back to.
    pub was: Option<CampaignState>,
    /// How many were confirmed.
    pub count: Option<u64>,
    pub confirmed_at: Option<Moment>,
    /// Nothing leaves before.
    pub recall_until: Option<Moment>,
    pub starts_at: Option<Moment>,
    /// When the audience was read and the first contacts were let in.
    pub started_at: Option<Moment>,
    /// When the test ends, whatever it has found.
    pub ends_at: Option<Moment>,
    pub done_at: Option<Moment>,
    pub parts: Option<Parts>,
    /// The first contact who is still to be let in.
    pub entered: ContactId,
    pub events: EventId,
    pub decision: Option<Decision>,
    pub created_at: Moment,
    pub updated_at: Moment,
}

fn read(row: &Row<'_>) -> Result<CampaignRow> {
    let at = |n: usize| -> Result<Option<Moment>> { moment_opt(row.get(n)?) };
    Ok(CampaignRow {
        id: CampaignId(row.get(0)?),
        campaign: from_json("campaigns", &row.get::<_, String>(1)?)?,
        state: from_word("campaigns", &row.get::<_, String>(2)?)?,
        was: row
            .get::<_, Option<String>>(3)?
            .map(|was| from_word("campaigns", &was))
            .transpose()?,
        count: row.get::<_, Option<i64>>(4)?.map(i64::unsigned_abs),
        confirmed_at: at(5)?,
        recall_until: at(6)?,
        starts_at: at(7)?,
        started_at: at(8)?,
        ends_at: at(9)?,
        done_at: at(10)?,
        parts: row
            .get::<_, Option<String>>(11)?
            .map(|parts| from_json("campaigns", &parts))
            .transpose()?,
        entered: ContactId(row.get(12)?),
        events: EventId(row.get(13)?),
        decision: row
            .get::<_, Option<String>>(14)?
            .map(|decision| from_json("campaigns", &decision))
            .transpose()?,
        created_at: moment(row.get(15)?)?,
        updated_at: moment(row.get(16)?)?,
    })
}

/// All campaigns, the last one changed first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<CampaignRow>> {
    db.all(LIST, (), read)
}

/// One campaign.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: CampaignId) -> Result<Option<CampaignRow>> {
    db.one(GET, (id.0,), read)
}

/// Saves what a campaign is to be, with the journey that will send it.
///
/// # Errors
/// [`Error::Taken`] for a name in use, [`Error::NotFound`], [`Error::Invalid`] without a name or once it was confirmed.
pub fn save(
    tx: &mut Tx<'_>,
    id: Option<CampaignId>,
    campaign: &Campaign,
    sends: &Journey,
) -> Result<CampaignId> {
    let before = match id {
        Some(id) => Some(get(tx, id)?.ok_or_else(|| Error::missing("campaign", id))?),
        None => None,
    };
    let changes = |row: &CampaignRow| matches!(row.state, CampaignState::Draft | CampaignState::Recalled);
    if before.as_ref().is_some_and(|row| !changes(row)) {
        return Err(Error::Invalid(
            "A campaign that was confirmed cannot be changed any more.".to_owned(),
        ));
    }
    let journey = journeys::save_draft(tx, id.map(JourneyId::from), sends)?;
    let (now, state) = (ms(tx.now()), word(&CampaignState::Draft)?);
    tx.run(ADD, (journey.0, json(campaign)?, state, now))?;
    tell(tx, CampaignId(journey.0));
    Ok(CampaignId(journey.0))
}

/// Writes how far a campaign has come; its settings and its audience stay.
///
/// # Errors
/// [`Error::NotFound`].
pub fn update(tx: &mut Tx<'_>, row: &CampaignRow) -> Result<()> {
    let changed = tx.run(
        UPDATE,
        rusqlite::params![
            row.id.0,
            word(&row.state)?,
            row.was.as_ref().map(word).transpose()?,
            row.count.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
            row.confirmed_at.map(ms),
            row.recall_until.map(ms),
            row.starts_at.map(ms),
            row.started_at.map(ms),
            row.ends_at.map(ms),
            row.done_at.map(ms),
            row.parts.as_ref().map(json).transpose()?,
            row.entered.0,
            row.events.0,
            row.decision.as_ref().map(json).transpose()?,
            ms(tx.now()),
        ],
    )?;
    if changed == 0 {
        return Err(Error::missing("campaign", row.id));
    }
    tell(tx, row.id);
    Ok(())
}

/// Removes a campaign that was never confirmed.
///
/// # Errors
/// [`Error::Invalid`] once it was: its record is kept.
pub fn remove(tx: &mut Tx<'_>, id: CampaignId) -> Result<()> {
    if tx.run(REMOVE, (id.0,))? == 0 {
        return Err(match get(tx, id)? {
            None => Error::missing("campaign", id),
            Some(row) => Error::Invalid(format!(
                "\"{}\" was confirmed once; its record is kept.",
                row.campaign.name
            )),
        });
    }
    tell(tx, id);
    journeys::remove(tx, id.into())
}

pub(crate) fn tell(tx: &mut Tx<'_>, id: CampaignId) {
    tx.touch("campaigns", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Campaigns);
}

fn bytes(contacts: &RoaringBitmap) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(contacts.serialized_size());
    contacts
        .serialize_into(&mut bytes)
        .map_err(|e| Error::damaged("campaigns", e))?;
    Ok(bytes)
}

fn bitmap(bytes: &[u8]) -> Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).map_err(|e| Error::damaged("campaigns", e))
}

/// Keeps who gets it, and who of the segment does not and why, as of the start.
///
/// # Errors
/// SQLite's.
pub fn set_audience(
    tx: &mut Tx<'_>,
    id: CampaignId,
    audience: &RoaringBitmap,
    left_out: &[(&'static str, RoaringBitmap)],
) -> Result<()> {
    tx.run(SET_AUDIENCE, (id.0, bytes(audience)?))?;
    for (reason, contacts) in left_out {
        tx.run(LEAVE_OUT, (id.0, reason, bytes(contacts)?))?;
    }
    tell(tx, id);
    Ok(())
}

/// Who gets it, as of the start; `None` before.
///
/// # Errors
/// [`Error::Damaged`].
pub fn audience(db: &Db<'_>, id: CampaignId) -> Result<Option<RoaringBitmap>> {
    let kept = db.one(AUDIENCE, (id.0,), |row| Ok(row.get::<_, Option<Vec<u8>>>(0)?))?;
    kept.flatten().map(|bytes| bitmap(&bytes)).transpose()
}

/// Members of the segment who get nothing, by reason, as of the start.
///
/// # Errors
/// [`Error::Damaged`].
pub fn left_out(db: &Db<'_>, id: CampaignId) -> Result<Vec<(String, RoaringBitmap)>> {
    db.all(LEFT_OUT, (id.0,), |row| {
        Ok((
            row.get(0)?,
            bitmap(row.get_ref(1)?.as_blob().unwrap_or_default())?,
        ))
    })
}
