//! Scores: their models and versions, the fields they write, and the ledger of every change.
//!
//! What a score says of a contact is worked out by the fold of the index, before COMMIT like who is in which segment;
//! [`write`] puts it into the fields of the contact and the ledger, as rows of the same commit.

use crate::catalogue::FieldRef;
use crate::codes::{Code, from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::membership::{Change, Staged};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::{Mark, Tx};
use crate::{contacts, fields, values};
use carillon_engine::index::ScoreMove;
use carillon_engine::record::Turned;
use carillon_engine::scores::Scoring;
use carillon_model::contact::{Field, FieldType};
use carillon_model::score::{Score, ScoreCause, ScoreChange, ScoreModel};
use carillon_model::{ContactId, Moment, ScoreId};
use rusqlite::Row;
use std::collections::BTreeMap;
use std::sync::Arc;

const LIST: &str = sql!(
    "SELECT s.id, s.key, s.name, s.draft, s.version, s.created_at, s.archived_at, v.model, v.at
     FROM scores s LEFT JOIN score_versions v ON v.score = s.id AND v.version = s.version ORDER BY s.name, s.id"
);
const GET: &str = sql!(
    "SELECT s.id, s.key, s.name, s.draft, s.version, s.created_at, s.archived_at, v.model, v.at
     FROM scores s LEFT JOIN score_versions v ON v.score = s.id AND v.version = s.version WHERE s.id = ?1"
);
const ADD: &str = sql!(
    "INSERT INTO scores(key, name, draft, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?4) RETURNING id"
);
const CHANGE: &str = sql!("UPDATE scores SET name = ?2, draft = ?3, updated_at = ?4 WHERE id = ?1");
const PUBLISH: &str =
    sql!("UPDATE scores SET version = ?2, updated_at = ?3, archived_at = NULL WHERE id = ?1");
const ADD_VERSION: &str =
    sql!("INSERT INTO score_versions(score, version, model, at) VALUES(?1, ?2, ?3, ?4)");
const VERSION: &str = sql!("SELECT model FROM score_versions WHERE score = ?1 AND version = ?2");
const ARCHIVE: &str = sql!("UPDATE scores SET archived_at = ?2, updated_at = ?2 WHERE id = ?1");
const LABEL: &str = sql!("UPDATE fields SET label = ?2 WHERE key = ?1 AND retired_at IS NULL");
const ADD_CHANGE: &str = sql!(
    "INSERT INTO score_ledger(id, score, contact, at, before, after, cause, version, stage, reasons)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
);
const ENTER_STAGE: &str =
    sql!("INSERT INTO score_stages(contact, score, stage, at) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
const LEDGER: &str = sql!(
    "SELECT id, score, contact, at, before, after, cause, version, stage, reasons FROM score_ledger
     WHERE contact = ?1 AND id < ?2 AND (?3 IS NULL OR score = ?3) ORDER BY id DESC LIMIT ?4"
);
const STAGES: &str =
    sql!("SELECT score, stage, at FROM score_stages WHERE contact = ?1 ORDER BY score, at, stage");
const TURNED: &str = sql!(
    "SELECT l.contact, l.at, l.before, l.after FROM score_ledger l JOIN scores s ON s.id = l.score
     WHERE 'score_' || s.key = ?1 ORDER BY l.contact, l.id",
    scan: "what a score was is read whole when somebody first asks who rose or fell"
);
pub(crate) const LAST_CHANGES: &str = sql!(
    "SELECT s.key, max(l.at) FROM score_ledger l JOIN scores s ON s.id = l.score WHERE l.contact = ?1 GROUP BY l.score"
);

fn read(row: &Row<'_>) -> Result<Score> {
    let archived_at = row.get::<_, Option<i64>>(6)?.map(moment).transpose()?;
    let model: Option<String> = row.get(7)?;
    let published = match (archived_at, model) {
        (None, Some(model)) => Some(from_json("score_versions", &model)?),
        _ => None,
    };
    Ok(Score {
        id: ScoreId(row.get(0)?),
        key: row.get(1)?,
        name: row.get(2)?,
        draft: from_json("scores", &row.get::<_, String>(3)?)?,
        published,
        version: row.get(4)?,
        created_at: moment(row.get(5)?)?,
        published_at: row.get::<_, Option<i64>>(8)?.map(moment).transpose()?,
        archived_at,
    })
}

/// All scores by name, archived ones too.
///
/// # Errors
/// [`Error::Damaged`] for a model that cannot be read.
pub fn list(db: &Db<'_>) -> Result<Vec<Score>> {
    db.all(LIST, (), read)
}

/// A score.
///
/// # Errors
/// As [`list`].
pub fn get(db: &Db<'_>, id: ScoreId) -> Result<Option<Score>> {
    db.one(GET, (id.0,), read)
}

/// A version that was published.
///
/// # Errors
/// As [`list`].
pub fn version(db: &Db<'_>, id: ScoreId, version: u32) -> Result<Option<ScoreModel>> {
    db.one(VERSION, (id.0, version), |row| {
        from_json("score_versions", &row.get::<_, String>(0)?)
    })
}

/// Adds a score that is not published yet.
///
/// # Errors
/// [`Error::Taken`] for a key that a score has, [`Error::Invalid`] for one that cannot be, or no name.
pub fn add(tx: &mut Tx<'_>, key: &str, name: &str, draft: &ScoreModel) -> Result<Score> {
    check_key(key)?;
    let name = named(name)?;
    if list(tx)?.iter().any(|score| score.key == key) {
        return Err(Error::Taken {
            what: "score",
            name: key.to_owned(),
        });
    }
    let now = ms(tx.now());
    let id: u32 = tx
        .value(ADD, (key, name, json(draft)?, now))?
        .ok_or_else(|| Error::damaged("scores", "a new score got no number"))?;
    tell(tx, ScoreId(id));
    known(tx, ScoreId(id))
}

/// Changes the name and the draft. What contacts are measured by stays until it is published.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] for no name or another kind of model.
pub fn save(tx: &mut Tx<'_>, id: ScoreId, name: &str, draft: &ScoreModel) -> Result<Score> {
    let before = known(tx, id)?;
    if before.version > 0 && std::mem::discriminant(&before.draft) != std::mem::discriminant(draft) {
        return Err(Error::Invalid(
            "A score that was published stays a number of points, or a grade. Make a new one for the other."
                .to_owned(),
        ));
    }
    let name = named(name)?;
    tx.run(CHANGE, (id.0, name, json(draft)?, ms(tx.now())))?;
    if name != before.name && before.published.is_some() {
        for field in written_fields(&before.key, name, draft) {
            tx.run(LABEL, (&field.key, &field.label))?;
        }
        tx.recatalogue()?;
        tx.topic(Topic::Fields);
    }
    tell(tx, id);
    known(tx, id)
}

/// Publishes the draft: its fields are there from this commit on, and every contact is measured in it. The caller has
/// checked the model.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Taken`] where a field of somebody else has the key; [`Error::Invalid`] for a model
/// that cannot be read.
pub fn publish(tx: &mut Tx<'_>, id: ScoreId) -> Result<Score> {
    let score = known(tx, id)?;
    let scoring = scoring(&score.key, &score.draft)?;
    let wanted = written_fields(&score.key, &score.name, &score.draft);
    let mine: Vec<String> = tx
        .catalogue
        .written_by(&score.key)
        .map(|field| field.key.clone())
        .collect();
    for key in mine
        .iter()
        .filter(|key| wanted.iter().all(|field| field.key != **key))
    {
        fields::remove(tx, key)?;
    }
    for field in wanted.iter().filter(|field| !mine.contains(&field.key)) {
        fields::insert(tx, field)?;
    }
    let version = score.version + 1;
    let now = ms(tx.now());
    tx.run(ADD_VERSION, (id.0, version, json(&score.draft)?, now))?;
    tx.run(PUBLISH, (id.0, version, now))?;
    tx.change(Change::ScorePublished {
        id,
        key: score.key.clone(),
        scoring,
    });
    tell(tx, id);
    known(tx, id)
}

/// Stops measuring by a score and takes its fields away. The ledger stays.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] while a published grade reads it.
pub fn archive(tx: &mut Tx<'_>, id: ScoreId) -> Result<Score> {
    let score = known(tx, id)?;
    if let Some(grade) = list(tx)?.iter().find(|other| reads(other, &score.key)) {
        return Err(Error::Invalid(format!(
            "\"{}\" is read by the grade \"{}\"; archive that one first.",
            score.name, grade.name
        )));
    }
    let mine: Vec<String> = tx
        .catalogue
        .written_by(&score.key)
        .map(|field| field.key.clone())
        .collect();
    for key in mine {
        fields::remove(tx, &key)?;
    }
    tx.run(ARCHIVE, (id.0, ms(tx.now())))?;
    tx.change(Change::ScoreRemoved(id));
    tell(tx, id);
    known(tx, id)
}

/// Whether a published grade reads the score of this key.
fn reads(grade: &Score, key: &str) -> bool {
    match &grade.published {
        Some(ScoreModel::Grade { rows, columns }) => rows.score == key || columns.score == key,
        _ => false,
    }
}

/// Changes of one contact's scores, the newest first: those before the row `before`, of one score or all.
///
/// # Errors
/// [`Error::Damaged`].
pub fn ledger(
    db: &Db<'_>,
    contact: ContactId,
    score: Option<ScoreId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ScoreChange>> {
    let wanted = (contact.0, before.unwrap_or(i64::MAX), score.map(|s| s.0), limit);
    db.all(LEDGER, wanted, |row| {
        Ok(ScoreChange {
            id: row.get(0)?,
            score: ScoreId(row.get(1)?),
            contact: ContactId(row.get(2)?),
            at: moment(row.get(3)?)?,
            before: row.get(4)?,
            after: row.get(5)?,
            cause: ScoreCause::of(row.get(6)?)?,
            version: row.get(7)?,
            stage: row.get(8)?,
            reasons: from_json("score_ledger", &row.get::<_, String>(9)?)?,
        })
    })
}

/// When a contact entered which stage of which score.
///
/// # Errors
/// [`Error::Damaged`].
pub fn stages(db: &Db<'_>, contact: ContactId) -> Result<Vec<(ScoreId, String, Moment)>> {
    db.all(STAGES, (contact.0,), |row| {
        Ok((ScoreId(row.get(0)?), row.get(1)?, moment(row.get(2)?)?))
    })
}

/// Gives all changes of the score that writes a field, contact by contact in their order.
pub(crate) fn give_turned(db: &Db<'_>, field: &str, give: &mut dyn FnMut(ContactId, Turned)) -> Result<()> {
    db.each(TURNED, (field,), |row| {
        let turned = Turned {
            at: moment(row.get(1)?)?,
            before: row.get(2)?,
            points: row.get(3)?,
        };
        give(ContactId(row.get(0)?), turned);
        Ok(())
    })
}

/// What contacts are measured by, for the index.
pub(crate) fn definitions(db: &Db<'_>) -> Result<Vec<Change>> {
    let mut out = Vec::new();
    for score in list(db)? {
        if let Some(model) = &score.published {
            out.push(Change::ScorePublished {
                id: score.id,
                scoring: scoring(&score.key, model)?,
                key: score.key,
            });
        }
    }
    Ok(out)
}

/// Writes what scores say after a commit: fields, ledger, stages.
pub(crate) fn write(tx: &mut Tx<'_>, staged: &Staged) -> Result<()> {
    if staged.moves().is_empty() {
        return Ok(());
    }
    let catalogue = tx.catalogue.clone();
    for change in staged.written() {
        let Change::FieldSet { contact, key, value } = change else {
            continue;
        };
        // A score that is archived by this commit has no fields any more.
        let Ok(field @ FieldRef::Custom(custom)) = catalogue.field(key) else {
            continue;
        };
        let (cell, _) = values::cells(field, value.as_ref())?;
        tx.run(&contacts::set_custom_sql(custom), (contact.0, cell))?;
        let row = i64::from(contact.0);
        tx.touch("contacts", row, row);
    }
    let versions: BTreeMap<ScoreId, u32> = list(tx)?.into_iter().map(|s| (s.id, s.version)).collect();
    for moved in staged.moves() {
        note(tx, moved, versions.get(&moved.score).copied().unwrap_or(0))?;
    }
    tx.topic(Topic::Contacts);
    tx.topic(Topic::Scores);
    Ok(())
}

/// One row of the ledger. That somebody new has no points is no change.
fn note(tx: &mut Tx<'_>, moved: &ScoreMove, version: u32) -> Result<()> {
    let Some((before, after)) = moved.points else {
        return Ok(());
    };
    if let Some(stage) = &moved.stage {
        tx.run(ENTER_STAGE, (moved.contact.0, moved.score.0, stage, ms(moved.at)))?;
    }
    let changed = before.unwrap_or(0) != after;
    if !changed && moved.stage.is_none() {
        return Ok(());
    }
    let id = tx.take(Mark::ScoreLedger, 1);
    tx.run(
        ADD_CHANGE,
        (
            id,
            moved.score.0,
            moved.contact.0,
            ms(moved.at),
            before,
            after,
            moved.cause.code(),
            version,
            &moved.stage,
            json(&moved.reasons)?,
        ),
    )?;
    Ok(())
}

/// The fields that a score writes with this model.
pub fn written_fields(key: &str, name: &str, model: &ScoreModel) -> Vec<Field> {
    let field = |field: String, label: String, field_type| Field {
        key: field,
        label,
        field_type,
        options: Vec::new(),
        built_in: false,
        score: Some(key.to_owned()),
    };
    match model {
        ScoreModel::Grade { .. } => vec![field(Score::field(key), name.to_owned(), FieldType::Text)],
        ScoreModel::Points { stages, .. } => {
            let mut all = vec![field(Score::field(key), name.to_owned(), FieldType::Number)];
            if !stages.is_empty() {
                all.push(field(
                    Score::stage_field(key),
                    format!("{name}: stage"),
                    FieldType::Text,
                ));
                let since = format!("{name}: stage since");
                all.push(field(Score::since_field(key), since, FieldType::DateTime));
            }
            all
        }
    }
}

fn scoring(key: &str, model: &ScoreModel) -> Result<Arc<Scoring>> {
    let wrong = |problem| Error::Invalid(format!("The score \"{key}\" cannot be read: {problem:?}."));
    Scoring::read(key, model).map(Arc::new).map_err(wrong)
}

fn known(db: &Db<'_>, id: ScoreId) -> Result<Score> {
    get(db, id)?.ok_or_else(|| Error::missing("score", id))
}

fn named(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A score needs a name.".to_owned()));
    }
    Ok(name)
}

fn check_key(key: &str) -> Result<()> {
    let starts = key.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = key
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !starts || !rest || key.len() > 40 {
        return Err(Error::Invalid(format!(
            "\"{key}\" cannot be the key of a score: use lower-case letters, digits and _, a letter first, at most 40."
        )));
    }
    Ok(())
}

fn tell(tx: &mut Tx<'_>, id: ScoreId) {
    tx.touch("scores", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Scores);
}
