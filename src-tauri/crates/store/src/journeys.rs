//! Journeys: the draft, its published versions, its state.

use crate::codes::{from_json, from_word, json, word};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use crate::{events, segments, settings};
use carillon_engine::segment::Steps;
use carillon_model::journey::{Journey, JourneyState, Published};
use carillon_model::{EventId, JourneyId, Moment, StepId, VersionId};
use rusqlite::Row;

const LIST: &str = sql!(
    "SELECT id, name, state, draft, version, created_at, updated_at, revision,
            EXISTS(SELECT 1 FROM campaigns WHERE journey = journeys.id) FROM journeys ORDER BY name"
);
const GET: &str = sql!(
    "SELECT id, name, state, draft, version, created_at, updated_at, revision,
            EXISTS(SELECT 1 FROM campaigns WHERE journey = journeys.id) FROM journeys WHERE id = ?1"
);
const STATE: &str = sql!("SELECT state FROM journeys WHERE id = ?1");
const BY_NAME: &str = sql!(
    "SELECT id, name, state, draft, version, created_at, updated_at, revision,
            EXISTS(SELECT 1 FROM campaigns WHERE journey = journeys.id) FROM journeys WHERE name = ?1"
);
const ADD: &str = sql!(
    "INSERT INTO journeys(name, state, draft, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4) RETURNING id"
);
const SAVE: &str = sql!(
    "UPDATE journeys SET name = ?2, revision = revision + (draft <> ?3), draft = ?3, updated_at = ?4 WHERE id = ?1"
);
const SET_STATE: &str = sql!("UPDATE journeys SET state = ?2, updated_at = ?3 WHERE id = ?1");
const SET_VERSION: &str = sql!("UPDATE journeys SET version = ?2, state = ?3, updated_at = ?4 WHERE id = ?1");
const REMOVE: &str = sql!("DELETE FROM journeys WHERE id = ?1 AND version IS NULL");
const LAST_NUMBER: &str = sql!("SELECT ifnull(max(number), 0) FROM journey_versions WHERE journey = ?1");
const ADD_VERSION: &str = sql!(
    "INSERT INTO journey_versions(journey, number, document, published_at) VALUES(?1, ?2, ?3, ?4) RETURNING id"
);
const FIRST_PUBLISHED: &str =
    sql!("SELECT published_at FROM journey_versions WHERE journey = ?1 ORDER BY number LIMIT 1");
const VERSION: &str =
    sql!("SELECT id, journey, number, document, published_at FROM journey_versions WHERE id = ?1");
const VERSIONS: &str = sql!(
    "SELECT id, journey, number, document, published_at FROM journey_versions WHERE journey = ?1 ORDER BY number"
);

const STEPS: &str = sql!(
    "SELECT j.name, json_extract(s.value, '$.id'), ifnull(json_extract(s.value, '$.name'), '')
     FROM journeys j CROSS JOIN journey_versions v ON v.journey = j.id, json_each(v.document, '$.steps') s ORDER BY v.journey, v.number"
);
const DRAWN_STEPS: &str = sql!(
    "SELECT j.name, json_extract(s.value, '$.id'), ifnull(json_extract(s.value, '$.name'), '')
     FROM journeys j, json_each(j.draft, '$.steps') s"
);

/// A journey as the file keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct JourneyRow {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    /// What is being drawn; beside a live version it may differ from it.
    pub draft: Journey,
    /// The version new contacts enter.
    pub version: Option<VersionId>,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// How often the draft was saved with something else in it, from 1: an older one is never taken for a newer.
    pub revision: i64,
    /// It sends a campaign, and is shown there.
    pub campaign: bool,
}

fn read(row: &Row<'_>) -> Result<JourneyRow> {
    Ok(JourneyRow {
        id: JourneyId(row.get(0)?),
        name: row.get(1)?,
        state: from_word("journeys", &row.get::<_, String>(2)?)?,
        draft: from_json("journeys", &row.get::<_, String>(3)?)?,
        version: row.get::<_, Option<u32>>(4)?.map(VersionId),
        created_at: moment(row.get(5)?)?,
        updated_at: moment(row.get(6)?)?,
        revision: row.get(7)?,
        campaign: row.get(8)?,
    })
}

/// All journeys by name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<JourneyRow>> {
    db.all(LIST, (), read)
}

/// One journey.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: JourneyId) -> Result<Option<JourneyRow>> {
    db.one(GET, (id.0,), read)
}

/// The state of one journey, without reading its drawing.
///
/// # Errors
/// [`Error::Damaged`].
pub fn state(db: &Db<'_>, id: JourneyId) -> Result<Option<JourneyState>> {
    let word: Option<String> = db.value(STATE, (id.0,))?;
    word.map(|word| from_word("journeys", &word)).transpose()
}

/// The steps of all journeys, those of earlier versions and of drafts among them, by what they were called last.
///
/// # Errors
/// SQLite's.
pub fn steps(db: &Db<'_>) -> Result<Steps> {
    let mut out = Steps::new();
    for sql in [STEPS, DRAWN_STEPS] {
        db.each(sql, (), |row| {
            let of = out.entry(row.get(0)?).or_default();
            of.insert(StepId(row.get(1)?), row.get(2)?);
            Ok(())
        })?;
    }
    Ok(out)
}

/// One journey by its exact name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn by_name(db: &Db<'_>, name: &str) -> Result<Option<JourneyRow>> {
    db.one(BY_NAME, (name,), read)
}

/// Saves a draft: `id` to change one, `None` for a new journey. The name is the drawing's.
///
/// # Errors
/// [`Error::Taken`] for a name in use, [`Error::NotFound`], [`Error::Invalid`] without a name, or while somebody asks for the
/// history of the old one.
pub fn save_draft(tx: &mut Tx<'_>, id: Option<JourneyId>, draft: &Journey) -> Result<JourneyId> {
    let name = draft.name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A journey needs a name.".to_owned()));
    }
    if by_name(tx, name)?.is_some_and(|other| Some(other.id) != id) {
        return Err(Error::Taken {
            what: "journey",
            name: name.to_owned(),
        });
    }
    let now = ms(tx.now());
    let document = json(draft)?;
    let before = id
        .map(|id| get(tx, id))
        .transpose()?
        .flatten()
        .map(|before| before.name);
    let named = before.as_deref() == Some(name);
    if let Some(before) = before.filter(|_| !named) {
        is_not_named(tx, &before)?;
    }
    let id = match id {
        Some(id) => {
            if tx.run(SAVE, (id.0, name, document, now))? == 0 {
                return Err(Error::missing("journey", id));
            }
            id
        }
        None => JourneyId(
            tx.value(ADD, (name, word(&JourneyState::Draft)?, document, now))?
                .ok_or_else(|| Error::damaged("journeys", "a new journey got no number"))?,
        ),
    };
    if !named {
        let name = name.to_owned();
        tx.change(Change::JourneyNamed { id, name });
    }
    tx.change(Change::StepsDrawn {
        journey: id,
        steps: draft.steps.iter().map(|step| step.id.clone()).collect(),
    });
    tell(tx, id);
    Ok(id)
}

/// That no segment and no condition asks for the history of a journey of this name: it would mean nothing any more.
fn is_not_named(db: &Db<'_>, name: &str) -> Result<()> {
    let who = segments::reads_journey(db, name)?;
    who.map_or(Ok(()), |who| {
        Err(Error::Invalid(format!(
            "{who} reads who entered or left \"{name}\"; change that first, then give this journey a new name."
        )))
    })
}

fn tell(tx: &mut Tx<'_>, id: JourneyId) {
    tx.touch("journeys", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Journeys);
}

/// Makes the draft an immutable version that is entered from now on, and returns it. The caller has checked it. The
/// journey is live then, but for one that is paused or draining: that it stays until it is resumed.
///
/// # Errors
/// [`Error::NotFound`].
pub fn publish(tx: &mut Tx<'_>, id: JourneyId) -> Result<Published> {
    let journey = get(tx, id)?.ok_or_else(|| Error::missing("journey", id))?;
    let number: u32 = tx.value(LAST_NUMBER, (id.0,))?.unwrap_or(0) + 1;
    let now = tx.now();
    let version: u32 = tx
        .value(ADD_VERSION, (id.0, number, json(&journey.draft)?, ms(now)))?
        .ok_or_else(|| Error::damaged("journey_versions", "a new version got no number"))?;
    let state = match journey.state {
        kept @ (JourneyState::Paused | JourneyState::Draining) => kept,
        JourneyState::Draft | JourneyState::Live | JourneyState::Stopped => JourneyState::Live,
    };
    tx.run(SET_VERSION, (id.0, version, word(&state)?, ms(now)))?;
    mark(tx, &published_mark(VersionId(version)))?;
    if lets_in(state) && !lets_in(journey.state) {
        mark(tx, &opened_mark(id))?;
    }
    tell(tx, id);
    Ok(Published {
        id: VersionId(version),
        journey: id,
        number,
        document: journey.draft,
        published_at: now,
    })
}

/// Whether contacts come in now, or will when a pause is over.
fn lets_in(state: JourneyState) -> bool {
    matches!(state, JourneyState::Live | JourneyState::Paused)
}

/// What stood in the file at some moment: nobody comes in by that, though it be of the same moment (a virtual clock
/// stands still) and read only later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub at: Moment,
    /// Position of the last edge.
    pub edge: i64,
    /// The newest event.
    pub event: EventId,
}

impl Opened {
    /// The later of two.
    #[must_use]
    pub fn max(self, other: Opened) -> Opened {
        Opened {
            at: self.at.max(other.at),
            edge: self.edge.max(other.edge),
            event: self.event.max(other.event),
        }
    }
}

fn opened_mark(id: JourneyId) -> String {
    format!("journey_{id}_opened")
}

fn published_mark(id: VersionId) -> String {
    format!("version_{id}_published")
}

fn resumed_mark(id: JourneyId) -> String {
    format!("journey_{id}_resumed_at")
}

/// Notes what stands in the file now.
fn mark(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let (at, edge, event) = (ms(tx.now()), segments::last_edge(tx)?, events::last_id(tx)?);
    settings::set_cursor(tx, &format!("{name}_at"), at)?;
    settings::set_cursor(tx, &format!("{name}_at_edge"), edge)?;
    settings::set_cursor(tx, &format!("{name}_at_event"), event.0)
}

fn marked(db: &Db<'_>, name: &str) -> Result<Opened> {
    Ok(Opened {
        at: moment(settings::cursor(db, &format!("{name}_at"))?)?,
        edge: settings::cursor(db, &format!("{name}_at_edge"))?,
        event: EventId(settings::cursor(db, &format!("{name}_at_event"))?),
    })
}

/// When a journey last began to let contacts in: by its first publish, by one after it was stopped, or when it was
/// taken up again after nobody was let in. `None` where it never was published.
///
/// # Errors
/// [`Error::Damaged`].
pub fn opened(db: &Db<'_>, id: JourneyId) -> Result<Option<Opened>> {
    let Some(first) = db.value::<i64>(FIRST_PUBLISHED, (id.0,))? else {
        return Ok(None);
    };
    let opened = marked(db, &opened_mark(id))?;
    let at = opened.at.max(moment(first)?);
    Ok(Some(Opened { at, ..opened }))
}

/// What stood in the file when a version was published.
///
/// # Errors
/// [`Error::Damaged`].
pub fn published(db: &Db<'_>, version: &Published) -> Result<Opened> {
    let mark = marked(db, &published_mark(version.id))?;
    let at = version.published_at;
    Ok(Opened { at, ..mark })
}

/// When the journey's last pause ended; `None` where it has not been paused yet.
///
/// # Errors
/// [`Error::Damaged`].
pub fn resumed_at(db: &Db<'_>, id: JourneyId) -> Result<Option<Moment>> {
    match settings::cursor(db, &resumed_mark(id))? {
        0 => Ok(None),
        at => moment(at).map(Some),
    }
}

/// Sets the state; which change is allowed is the caller's law.
///
/// # Errors
/// [`Error::NotFound`].
pub fn set_state(tx: &mut Tx<'_>, id: JourneyId, state: JourneyState) -> Result<()> {
    let before = get(tx, id)?.ok_or_else(|| Error::missing("journey", id))?.state;
    let now = ms(tx.now());
    tx.run(SET_STATE, (id.0, word(&state)?, now))?;
    if before == JourneyState::Paused && state != before {
        settings::set_cursor(tx, &resumed_mark(id), now)?;
    }
    if lets_in(state) && !lets_in(before) {
        mark(tx, &opened_mark(id))?;
    }
    tell(tx, id);
    Ok(())
}

/// Removes a journey that was never published.
///
/// # Errors
/// [`Error::Invalid`] once it was: its record is kept.
pub fn remove(tx: &mut Tx<'_>, id: JourneyId) -> Result<()> {
    if let Some(journey) = get(tx, id)? {
        is_not_named(tx, &journey.name)?;
    }
    if tx.run(REMOVE, (id.0,))? == 0 {
        return Err(match get(tx, id)? {
            None => Error::missing("journey", id),
            Some(j) => Error::Invalid(format!(
                "\"{}\" was published; it can be stopped, and its record is kept.",
                j.name
            )),
        });
    }
    tx.change(Change::JourneyRemoved(id));
    tell(tx, id);
    Ok(())
}

fn read_version(row: &Row<'_>) -> Result<Published> {
    Ok(Published {
        id: VersionId(row.get(0)?),
        journey: JourneyId(row.get(1)?),
        number: row.get(2)?,
        document: from_json("journey_versions", &row.get::<_, String>(3)?)?,
        published_at: moment(row.get(4)?)?,
    })
}

/// A published version.
///
/// # Errors
/// [`Error::Damaged`].
pub fn version(db: &Db<'_>, id: VersionId) -> Result<Option<Published>> {
    db.one(VERSION, (id.0,), read_version)
}

/// All versions of a journey, oldest first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn versions(db: &Db<'_>, id: JourneyId) -> Result<Vec<Published>> {
    db.all(VERSIONS, (id.0,), read_version)
}
