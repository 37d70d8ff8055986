//! Imports: begun, done in batches that carry their position, ended, undone.

pub mod folders;
mod standing;
mod undo;

pub(crate) use standing::{brought_by, take_off};
pub use standing::{suppress, would_suppress};
pub use undo::{Undone, undo};

use crate::codes::{from_json, from_word, json, word};
use crate::contacts::{Origin, Updated};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, moment_opt, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::contact::Value;
use carillon_model::{ContactId, ImportId, Moment};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

const ADD: &str = sql!(
    "INSERT INTO imports(kind, name, state, plan, source, started_at) VALUES(?1, ?2, ?3, ?4, 0, ?5) RETURNING id"
);
const SET_SOURCE: &str = sql!("UPDATE imports SET source = ?2 WHERE id = ?1");
const GET: &str = sql!(
    "SELECT id, kind, name, state, plan, position, first_row, last_row, added, changed, unchanged, duplicate,
            invalid, suppressed, started_at, ended_at FROM imports WHERE id = ?1"
);
const LIST: &str = sql!(
    "SELECT id, kind, name, state, plan, position, first_row, last_row, added, changed, unchanged, duplicate,
            invalid, suppressed, started_at, ended_at FROM imports ORDER BY id DESC"
);
const ADVANCE: &str = sql!(
    "UPDATE imports SET position = ?2, first_row = ifnull(first_row, ?3), last_row = ifnull(?4, last_row),
       added = added + ?5, changed = changed + ?6, unchanged = unchanged + ?7, duplicate = duplicate + ?8,
       invalid = invalid + ?9, suppressed = suppressed + ?10 WHERE id = ?1 AND state = 'running'"
);
const END: &str = sql!("UPDATE imports SET state = ?2, ended_at = ?3 WHERE id = ?1");
const WAS: &str = sql!("SELECT was FROM import_changes WHERE import = ?1 AND contact = ?2");
const KEEP_WAS: &str = sql!(
    "INSERT INTO import_changes(import, contact, was) VALUES(?1, ?2, ?3)
     ON CONFLICT(import, contact) DO UPDATE SET was = excluded.was"
);

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    Contacts,
    Events,
}

impl ImportKind {
    /// `contacts` or `events`.
    pub fn word(self) -> &'static str {
        match self {
            ImportKind::Contacts => "contacts",
            ImportKind::Events => "events",
        }
    }
}

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Begun and not ended: it goes on from its position, also after a crash.
    Running,
    Done,
    /// Stopped by the user; what it did stays until it is undone.
    Cancelled,
    /// Being taken back.
    Undoing,
    Undone,
}

/// What an import did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    pub added: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub duplicate: u64,
    pub invalid: u64,
    pub suppressed: u64,
}

/// An import as the file keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    pub id: ImportId,
    pub kind: ImportKind,
    /// The file's name, for people.
    pub name: String,
    pub state: ImportState,
    /// What was asked for, as the caller's own text (JSON).
    pub plan: String,
    /// How far it has come, in the caller's own measure.
    pub position: u64,
    /// The range in which the rows it added lie.
    pub range: Option<(i64, i64)>,
    pub counts: ImportCounts,
    pub started_at: Moment,
    pub ended_at: Option<Moment>,
}

impl ImportRow {
    /// The source its values name: `import:<id>`.
    pub fn source(&self) -> String {
        source(self.id)
    }
}

/// The source the values of an import name.
pub fn source(id: ImportId) -> String {
    format!("import:{id}")
}

fn count(row: &Row<'_>, i: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(i)?.unsigned_abs())
}

fn read(row: &Row<'_>) -> Result<ImportRow> {
    let (first, last): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(ImportRow {
        id: ImportId(row.get(0)?),
        kind: from_word("imports", &row.get::<_, String>(1)?)?,
        name: row.get(2)?,
        state: from_word("imports", &row.get::<_, String>(3)?)?,
        plan: row.get(4)?,
        position: count(row, 5)?,
        range: first.zip(last),
        counts: ImportCounts {
            added: count(row, 8)?,
            changed: count(row, 9)?,
            unchanged: count(row, 10)?,
            duplicate: count(row, 11)?,
            invalid: count(row, 12)?,
            suppressed: count(row, 13)?,
        },
        started_at: moment(row.get(14)?)?,
        ended_at: moment_opt(row.get(15)?)?,
    })
}

/// The source the ledger names for a permission an import wrote down: the user's own words, and the import.
pub fn evidence(words: &str, id: ImportId) -> String {
    format!("{words} ({})", source(id))
}

/// The user's own words in what the ledger names.
pub fn words_of(evidence: &str) -> &str {
    evidence
        .rsplit_once(" (import:")
        .map_or(evidence, |(words, _)| words)
}

/// The import that wrote a row of the ledger.
fn import_of(evidence: &str) -> Option<ImportId> {
    let own = evidence.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    let own = own.map_or(evidence, |(_, own)| own);
    own.strip_prefix("import:")?.parse().ok().map(ImportId)
}

/// The source of what the undoing of an import writes.
pub(crate) fn undo_source(id: ImportId) -> String {
    format!("{UNDO}{}", source(id))
}

const UNDO: &str = "undo:";

/// Whether a row of the ledger only takes back what an import said: it is no word of the contact.
pub fn is_undo(named: &str) -> bool {
    named.starts_with(UNDO)
}

/// Begins an import.
///
/// # Errors
/// SQLite's.
pub fn begin(tx: &mut Tx<'_>, kind: ImportKind, name: &str, plan: &str) -> Result<ImportId> {
    let now = ms(tx.now());
    let id: u32 = tx
        .value(ADD, (word(&kind)?, name, word(&ImportState::Running)?, plan, now))?
        .ok_or_else(|| Error::damaged("imports", "a new import got no number"))?;
    let id = ImportId(id);
    let source = tx.source(&source(id))?;
    tx.run(SET_SOURCE, (id.0, source))?;
    tell(tx, id);
    Ok(id)
}

fn tell(tx: &mut Tx<'_>, id: ImportId) {
    tx.touch("imports", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Imports);
}

/// One import.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: ImportId) -> Result<Option<ImportRow>> {
    db.one(GET, (id.0,), read)
}

/// All imports, newest first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<ImportRow>> {
    db.all(LIST, (), read)
}

/// Moves an import forward, in the write that carries the batch: `position` is where the next batch begins,
/// `range` the first and last id the batch added, `counts` what it did.
///
/// # Errors
/// [`Error::Invalid`] when it is not running any more (cancelled meanwhile): then the batch is not kept.
pub fn advance(
    tx: &mut Tx<'_>,
    id: ImportId,
    position: u64,
    range: Option<(i64, i64)>,
    counts: ImportCounts,
) -> Result<()> {
    let n = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let rows = tx.run(
        ADVANCE,
        (
            id.0,
            n(position),
            range.map(|r| r.0),
            range.map(|r| r.1),
            n(counts.added),
            n(counts.changed),
            n(counts.unchanged),
            n(counts.duplicate),
            n(counts.invalid),
            n(counts.suppressed),
        ),
    )?;
    if rows == 0 {
        return Err(Error::Invalid(format!("Import {id} was stopped.")));
    }
    tell(tx, id);
    Ok(())
}

/// Ends an import that runs, as done or cancelled.
///
/// # Errors
/// [`Error::Invalid`] when it does not run.
pub fn end(tx: &mut Tx<'_>, id: ImportId, cancelled: bool) -> Result<()> {
    let import = get(tx, id)?.ok_or_else(|| Error::missing("import", id))?;
    if import.state != ImportState::Running {
        return Err(Error::Invalid(format!("Import {id} is not running.")));
    }
    let state = match cancelled {
        true => ImportState::Cancelled,
        false => ImportState::Done,
    };
    set_state(tx, id, state)
}

fn set_state(tx: &mut Tx<'_>, id: ImportId, state: ImportState) -> Result<()> {
    let now = ms(tx.now());
    tx.run(END, (id.0, word(&state)?, now))?;
    tell(tx, id);
    Ok(())
}

/// Keeps what an import found in a contact it touched, for undoing it: values it replaced, and (by an empty
/// list) that it gave consent. For a value written twice the first one found counts.
///
/// # Errors
/// SQLite's.
pub fn keep_was(tx: &mut Tx<'_>, id: ImportId, contact: ContactId, updated: &[Updated]) -> Result<()> {
    let mut was = was_of(tx, id, contact)?.unwrap_or_default();
    for change in updated {
        let field = tx.catalogue.field(&change.key)?.number();
        if !was.iter().any(|found| found.field == field) {
            was.push(Was {
                field,
                value: change.was.clone(),
                origin: change.origin,
            });
        }
    }
    tx.run(KEEP_WAS, (id.0, contact.0, json(&was)?))?;
    Ok(())
}

/// What an import found in a field: read from an object, or from the list of its first two that files had at first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Was {
    pub(crate) field: i64,
    pub(crate) value: Option<Value>,
    #[serde(default)]
    pub(crate) origin: Option<Origin>,
}

fn was_of(db: &Db<'_>, id: ImportId, contact: ContactId) -> Result<Option<Vec<Was>>> {
    let text: Option<String> = db.value(WAS, (id.0, contact.0))?;
    text.map(|t| from_json("import_changes", &t)).transpose()
}
