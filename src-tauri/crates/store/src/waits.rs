//! Waits whose moment hangs on a field of the contact, and who is to be told when that field is written.

use crate::db::Db;
use crate::error::Result;
use crate::inputs::{NewInput, Pending};
use crate::membership::Change;
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::journey::{Input, StepIx};
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment, VersionId};
use std::collections::BTreeMap;

const ADD: &str = sql!("INSERT INTO waits(field, version, step) VALUES(?1, ?2, ?3)");
const FIELDS: &str = sql!(
    "SELECT DISTINCT field FROM waits",
    scan: "a few rows for each published version"
);
const STANDING: &str = sql!(
    "SELECT e.id, e.journey FROM enrolments e JOIN waits w ON w.field = ?2 AND w.version = e.version AND w.step = e.step
     WHERE e.contact = ?1 AND e.active = 1 ORDER BY e.id"
);

/// Notes the waits of a version that hang on fields, each with the key of such a field.
///
/// # Errors
/// SQLite's; a version's are noted once.
pub fn add(tx: &mut Tx<'_>, version: VersionId, hanging: &[(StepIx, String)]) -> Result<()> {
    for (step, field) in hanging {
        tx.run(ADD, (field, version.0, step.0))?;
    }
    Ok(())
}

/// What passages are to be told because of what a write changed, at its moment.
pub(crate) fn moved(db: &Db<'_>, changes: &[Change], now: Moment) -> Result<Vec<NewInput>> {
    let wrote = |change: &Change| matches!(change, Change::FieldSet { .. });
    if !changes.iter().any(wrote) {
        return Ok(Vec::new());
    }
    let fields: Vec<String> = db.all(FIELDS, (), |row| Ok(row.get(0)?))?;
    let mut told: BTreeMap<EnrolmentId, (JourneyId, ContactId)> = BTreeMap::new();
    for change in changes {
        let Change::FieldSet { contact, key, .. } = change else {
            continue;
        };
        if fields.contains(key) {
            let standing = db.all(STANDING, (contact.0, key), |row| {
                Ok((EnrolmentId(row.get(0)?), JourneyId(row.get(1)?)))
            })?;
            told.extend(
                standing
                    .into_iter()
                    .map(|(id, journey)| (id, (journey, *contact))),
            );
        }
    }
    let inputs = told.into_iter().map(|(enrolment, (journey, contact))| NewInput {
        planned_at: now,
        enrolment: Some(enrolment),
        journey: Some(journey),
        contact,
        pending: Pending::Input { input: Input::Moved },
    });
    Ok(inputs.collect())
}
