//! Who of a test got which variant, what they did within their window, and what was counted of it.

use super::{get, tell};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::outbox::Claimed;
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::tx::Tx;
use carillon_engine::experiment::Outcomes;
use carillon_model::{CampaignId, ContactId, MessageId, Moment};
use chrono::TimeDelta;
use rusqlite::Row;

const ADD: &str = sql!(
    "INSERT INTO campaign_exposures(journey, contact, arm, message, sent_at, due_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT(journey, contact) DO NOTHING"
);
const ONE: &str = sql!(
    "SELECT contact, arm, message, sent_at, due_at, hit_at, unsubscribed_at, complained_at, counted
     FROM campaign_exposures WHERE journey = ?1 AND contact = ?2"
);
const RIPE: &str = sql!(
    "SELECT contact, arm, message, sent_at, due_at, hit_at, unsubscribed_at, complained_at, counted
     FROM campaign_exposures WHERE counted = 0 AND journey = ?1 AND due_at <= ?2 ORDER BY due_at, contact LIMIT ?3"
);
const NEXT: &str =
    sql!("SELECT due_at FROM campaign_exposures WHERE counted = 0 AND journey = ?1 ORDER BY due_at LIMIT 1");
const HIT: &str = sql!(
    "UPDATE campaign_exposures SET hit_at = min(ifnull(hit_at, ?3), ?3) WHERE journey = ?1 AND contact = ?2"
);
const UNSUBSCRIBED: &str = sql!(
    "UPDATE campaign_exposures SET unsubscribed_at = min(ifnull(unsubscribed_at, ?3), ?3) WHERE journey = ?1 AND contact = ?2"
);
const COMPLAINED: &str = sql!(
    "UPDATE campaign_exposures SET complained_at = min(ifnull(complained_at, ?3), ?3) WHERE journey = ?1 AND contact = ?2"
);
const COUNTED: &str = sql!("UPDATE campaign_exposures SET counted = 1 WHERE journey = ?1 AND contact = ?2");
const OUTCOMES: &str =
    sql!("SELECT arm, outcomes FROM campaign_outcomes WHERE journey = ?1 AND what = ?2 ORDER BY arm");
const OUTCOME: &str =
    sql!("SELECT outcomes FROM campaign_outcomes WHERE journey = ?1 AND arm = ?2 AND what = ?3");
const KEEP: &str = sql!(
    "INSERT INTO campaign_outcomes(journey, arm, what, outcomes) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(journey, arm, what) DO UPDATE SET outcomes = excluded.outcomes"
);

/// What is counted of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Did what the test is about.
    Hit,
    Unsubscribed,
    Complained,
}

impl What {
    /// All of them.
    pub const ALL: [What; 3] = [What::Hit, What::Unsubscribed, What::Complained];

    fn word(self) -> &'static str {
        match self {
            What::Hit => "hit",
            What::Unsubscribed => "unsubscribed",
            What::Complained => "complained",
        }
    }
}

/// A recipient of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    pub contact: ContactId,
    pub arm: u8,
    pub message: MessageId,
    pub sent_at: Moment,
    /// When its window is over.
    pub due_at: Moment,
    pub hit_at: Option<Moment>,
    pub unsubscribed_at: Option<Moment>,
    pub complained_at: Option<Moment>,
    pub counted: bool,
}

impl Exposure {
    fn did(&self, what: What) -> bool {
        match what {
            What::Hit => self.hit_at.is_some(),
            What::Unsubscribed => self.unsubscribed_at.is_some(),
            What::Complained => self.complained_at.is_some(),
        }
    }
}

fn read(row: &Row<'_>) -> Result<Exposure> {
    Ok(Exposure {
        contact: ContactId(row.get(0)?),
        arm: row.get(1)?,
        message: MessageId(row.get(2)?),
        sent_at: moment(row.get(3)?)?,
        due_at: moment(row.get(4)?)?,
        hit_at: moment_opt(row.get(5)?)?,
        unsubscribed_at: moment_opt(row.get(6)?)?,
        complained_at: moment_opt(row.get(7)?)?,
        counted: row.get(8)?,
    })
}

/// The arm whose message a step sends, where it is one of a test.
pub(crate) fn arm_of(step: &str) -> Option<u8> {
    step.strip_prefix("test_")?.parse().ok()
}

/// Notes that a message of a test was accepted, in the write that says so.
pub(crate) fn accepted(tx: &mut Tx<'_>, row: &Claimed, now: Moment) -> Result<()> {
    let id = CampaignId(row.key.journey.0);
    let Some(arm) = arm_of(&row.key.step.0) else {
        return Ok(());
    };
    let Some(test) = get(tx, id)?.and_then(|row| row.campaign.test) else {
        return Ok(());
    };
    let due = now + TimeDelta::hours(i64::from(test.window_hours));
    let contact = row.key.contact.0;
    tx.run(ADD, (id.0, contact, arm, row.id.0, ms(now), ms(due)))?;
    tell(tx, id);
    Ok(())
}

/// What is known of a recipient of a test.
///
/// # Errors
/// [`Error::Damaged`].
pub fn exposed(db: &Db<'_>, id: CampaignId, contact: ContactId) -> Result<Option<Exposure>> {
    db.one(ONE, (id.0, contact.0), read)
}

/// Notes that a recipient did it; the first time counts.
///
/// # Errors
/// SQLite's.
pub fn hit(tx: &mut Tx<'_>, id: CampaignId, contact: ContactId, what: What, at: Moment) -> Result<()> {
    let statement = match what {
        What::Hit => HIT,
        What::Unsubscribed => UNSUBSCRIBED,
        What::Complained => COMPLAINED,
    };
    tx.run(statement, (id.0, contact.0, ms(at)))?;
    tell(tx, id);
    Ok(())
}

/// Recipients whose window is over and who are not counted yet, in the order in which it ended.
///
/// # Errors
/// [`Error::Damaged`].
pub fn ripe(db: &Db<'_>, id: CampaignId, now: Moment, limit: u32) -> Result<Vec<Exposure>> {
    db.all(RIPE, (id.0, ms(now), limit), read)
}

/// When the next window is over.
///
/// # Errors
/// SQLite's.
pub fn next_ripe(db: &Db<'_>, id: CampaignId) -> Result<Option<Moment>> {
    moment_opt(db.value(NEXT, (id.0,))?)
}

fn kept(bytes: &[u8]) -> Result<Outcomes> {
    Outcomes::from_bytes(bytes).ok_or_else(|| Error::damaged("campaign_outcomes", "the outcomes are cut off"))
}

/// Counts recipients for good, in the order given.
///
/// # Errors
/// [`Error::Damaged`].
pub fn count(tx: &mut Tx<'_>, id: CampaignId, arms: u8, exposures: &[Exposure]) -> Result<()> {
    for arm in 0..arms {
        for what in What::ALL {
            let mut outcomes = match tx.value::<Vec<u8>>(OUTCOME, (id.0, arm, what.word()))? {
                Some(bytes) => kept(&bytes)?,
                None => Outcomes::default(),
            };
            let before = outcomes.recipients();
            let mine = exposures.iter().filter(|exposure| exposure.arm == arm);
            mine.for_each(|exposure| outcomes.push(exposure.did(what)));
            if outcomes.recipients() != before {
                tx.run(KEEP, (id.0, arm, what.word(), outcomes.to_bytes()))?;
            }
        }
    }
    for exposure in exposures {
        tx.run(COUNTED, (id.0, exposure.contact.0))?;
    }
    tell(tx, id);
    Ok(())
}

/// What the counted recipients of each arm did, in the order of counting.
///
/// # Errors
/// [`Error::Damaged`].
pub fn outcomes(db: &Db<'_>, id: CampaignId, what: What, arms: u8) -> Result<Vec<Outcomes>> {
    let mut all = vec![Outcomes::default(); usize::from(arms)];
    let rows = db.all(OUTCOMES, (id.0, what.word()), |row| {
        Ok((
            row.get::<_, u8>(0)?,
            kept(row.get_ref(1)?.as_blob().unwrap_or_default())?,
        ))
    })?;
    for (arm, outcomes) in rows {
        if let Some(place) = all.get_mut(usize::from(arm)) {
            *place = outcomes;
        }
    }
    Ok(all)
}
