//! Taking an import back: in batches, resumable, and only what nobody touched since.

use super::{ImportKind, ImportState, get, import_of, set_state};
use crate::catalogue::FieldRef;
use crate::codes::{from_json, json};
use crate::contacts::{self, history};
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::tx::Tx;
use crate::{companies, consents, enrolments, outbox};
use carillon_model::consent::{Consent, ConsentAction};
use carillon_model::{ContactId, EventId, ImportId};

const CREATED: &str =
    sql!("SELECT id FROM contacts WHERE id BETWEEN ?1 AND ?2 AND source = ?3 ORDER BY id DESC LIMIT ?4");
const SOURCE: &str = sql!("SELECT source FROM imports WHERE id = ?1");
const LATER: &str = sql!("SELECT 1 FROM provenance WHERE contact = ?1 LIMIT 1");
const OTHER_TAG: &str = sql!(
    "SELECT 1 FROM tags t CROSS JOIN contact_tags x ON x.tag = t.id AND x.contact = ?1 WHERE x.source <> ?2 LIMIT 1"
);
const OWN_TAGS: &str = sql!(
    "SELECT t.name FROM tags t CROSS JOIN contact_tags x ON x.tag = t.id AND x.contact = ?1 WHERE x.source = ?2"
);
const CHANGED: &str =
    sql!("SELECT contact, was FROM import_changes WHERE import = ?1 ORDER BY contact LIMIT ?2");
const LATER_CHANGES: &str = sql!(
    "SELECT c.import, c.was FROM imports i CROSS JOIN import_changes c ON c.import = i.id AND c.contact = ?1
     WHERE i.id > ?2 ORDER BY c.import"
);
const FORGET: &str = sql!("DELETE FROM import_changes WHERE import = ?1 AND contact = ?2");
const EVENTS: &str = sql!(
    "SELECT e.id, e.contact, t.name, e.at FROM events e JOIN event_types t ON t.id = e.type
     WHERE e.id BETWEEN ?1 AND ?2 AND e.source = ?3 LIMIT ?4"
);
const DELETE_EVENT: &str = sql!("DELETE FROM events WHERE id = ?1");
const SHRINK: &str = sql!("UPDATE imports SET last_row = ?2 WHERE id = ?1");
const HAS_EVENTS_SOURCE: &str = sql!("SELECT source FROM events WHERE id = ?1");

/// What an undoing did so far in this call, and whether there is more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Contacts it had added, removed again.
    pub removed: u64,
    /// Contacts it had added that stay: mailed, in a journey, or changed since.
    pub kept: u64,
    /// Contacts it had changed whose values went back, where nobody changed them since.
    pub restored: u64,
    /// Permissions it had given to contacts who were there, taken back: what was said before holds again.
    pub permissions: u64,
    /// Addresses it had put on the list of those who are not written to, taken off again.
    pub suppressions: u64,
    /// Events it had added, removed again.
    pub events: u64,
    /// Nothing is left to do.
    pub finished: bool,
}

/// Takes back up to `limit` rows of an import; call until [`Undone::finished`]. Contacts already mailed or on a
/// journey stay, and so does whatever somebody else changed since.
///
/// # Errors
/// [`Error::Invalid`] while it runs, or when it was taken back before.
pub fn undo(tx: &mut Tx<'_>, id: ImportId, limit: u32) -> Result<Undone> {
    let import = get(tx, id)?.ok_or_else(|| Error::missing("import", id))?;
    match import.state {
        ImportState::Running => {
            return Err(Error::Invalid(format!(
                "Import {id} is still running; stop it first."
            )));
        }
        ImportState::Undone => return Err(Error::Invalid(format!("Import {id} was taken back already."))),
        _ => {}
    }
    if import.state != ImportState::Undoing {
        set_state(tx, id, ImportState::Undoing)?;
    }
    let source: i64 = tx
        .value(SOURCE, (id.0,))?
        .ok_or_else(|| Error::missing("import", id))?;
    let mut done = Undone::default();
    let mut left = limit.max(1);
    if let Some(range) = import.range {
        match import.kind {
            ImportKind::Contacts => remove_created(tx, id, range, source, &mut left, &mut done)?,
            ImportKind::Events => remove_events(tx, range, source, &mut left, &mut done)?,
        }
    }
    if left > 0 {
        restore_changed(tx, id, source, &mut left, &mut done)?;
    }
    if left > 0 {
        companies::restore_changed(tx, id, source, &mut left)?;
    }
    if left > 0 {
        companies::drop_made(tx, source, &mut left)?;
    }
    if left > 0 {
        done.finished = true;
        set_state(tx, id, ImportState::Undone)?;
    }
    Ok(done)
}

fn remove_created(
    tx: &mut Tx<'_>,
    import: ImportId,
    range: (i64, i64),
    source: i64,
    left: &mut u32,
    done: &mut Undone,
) -> Result<()> {
    let ids = tx.all(CREATED, (range.0, range.1, source, *left), |row| {
        Ok(ContactId(row.get(0)?))
    })?;
    *left -= u32::try_from(ids.len()).unwrap_or(0).min(*left);
    let lowest = ids.last().copied();
    for id in ids {
        if untouched(tx, import, id, source)? {
            let email = contacts::email_of(tx, id)?.unwrap_or_default();
            contacts::delete(tx, id, None, &super::undo_source(import))?;
            done.suppressions += u64::from(super::take_off(tx, import, &email)?);
            done.removed += 1;
        } else {
            done.kept += 1;
        }
    }
    if let Some(lowest) = lowest {
        // Walked from the end: what stays is not looked at again.
        tx.run(SHRINK, (import.0, i64::from(lowest.0) - 1))?;
    }
    Ok(())
}

/// Nobody wrote to the contact, enrolled it, changed it or recorded a word of it since.
fn untouched(tx: &Tx<'_>, import: ImportId, id: ContactId, source: i64) -> Result<bool> {
    let foreign_event = || -> Result<bool> {
        for event in crate::events::ids_of(tx, id) {
            if tx.value::<i64>(HAS_EVENTS_SOURCE, (event.0,))? != Some(source) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Ok(tx.value::<i64>(LATER, (id.0,))?.is_none()
        && crate::duplicates::aliases_of(tx, id)?.is_empty()
        && tx.value::<i64>(OTHER_TAG, (id.0, source))?.is_none()
        && enrolments::of_contact(tx, id)?.is_empty()
        && outbox::of_contact(tx, id)?.is_empty()
        && !has_spoken(tx, import, id)?
        && !foreign_event()?)
}

/// The ledger holds a word of the contact that stands: of neither this import nor of one that was taken back.
fn has_spoken(tx: &Tx<'_>, import: ImportId, id: ContactId) -> Result<bool> {
    for row in consents::of(tx, id)? {
        let stands = match import_of(&row.source) {
            Some(other) if other == import => false,
            Some(other) => get(tx, other)?.is_none_or(|other| other.state != ImportState::Undone),
            None => !super::is_undo(&row.source),
        };
        if stands {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove_events(
    tx: &mut Tx<'_>,
    range: (i64, i64),
    source: i64,
    left: &mut u32,
    done: &mut Undone,
) -> Result<()> {
    let rows = tx.all(EVENTS, (range.0, range.1, source, *left), |row| {
        Ok(Change::EventRemoved {
            id: EventId(row.get(0)?),
            contact: ContactId(row.get(1)?),
            name: row.get(2)?,
            at: moment(row.get(3)?)?,
        })
    })?;
    *left -= u32::try_from(rows.len()).unwrap_or(0).min(*left);
    for change in rows {
        if let Change::EventRemoved { id, name, at, .. } = &change {
            tx.run(DELETE_EVENT, (id.0,))?;
            tx.touch("events", id.0, id.0);
            tx.roll(crate::rollups::Metric::Events, 0, name, *at, -1);
            done.events += 1;
        }
        tx.change(change);
        tx.topic(crate::topics::Topic::Events);
    }
    Ok(())
}

fn restore_changed(
    tx: &mut Tx<'_>,
    import: ImportId,
    source: i64,
    left: &mut u32,
    done: &mut Undone,
) -> Result<()> {
    let rows = tx.all(CHANGED, (import.0, *left), |row| {
        Ok((ContactId(row.get(0)?), row.get::<_, String>(1)?))
    })?;
    *left -= u32::try_from(rows.len()).unwrap_or(0).min(*left);
    for (contact, was) in rows {
        tx.run(FORGET, (import.0, contact.0))?;
        if !contacts::exists(tx, contact)? {
            continue;
        }
        let mut restored = restore_values(tx, contact, &was, import, source)?;
        for tag in tx.all(OWN_TAGS, (contact.0, source), |row| Ok(row.get::<_, String>(0)?))? {
            restored |= contacts::remove_tag(tx, contact, &tag)?;
        }
        let permissions = restore_consent(tx, contact, import)?;
        let email = contacts::email_of(tx, contact)?.unwrap_or_default();
        let lifted = super::take_off(tx, import, &email)?;
        done.permissions += permissions;
        done.suppressions += u64::from(lifted);
        done.restored += u64::from(restored || permissions > 0 || lifted);
    }
    Ok(())
}

/// A value goes back where its provenance still names the import: nobody wrote it since. Its provenance goes back too,
/// so that an earlier import can be taken back after a later one.
fn restore_values(
    tx: &mut Tx<'_>,
    contact: ContactId,
    was: &str,
    import: ImportId,
    source: i64,
) -> Result<bool> {
    let was: Vec<super::Was> = from_json("import_changes", was)?;
    let catalogue = tx.catalogue.clone();
    let by = super::undo_source(import);
    let mut any = false;
    for found in was {
        let Some(field) = catalogue.by_number(found.field) else {
            continue;
        };
        let retired = field.custom().is_some_and(|custom| custom.retired);
        let now = contacts::origin(tx, contact, found.field)?;
        if retired {
            outlive(tx, contact, import, source, &found)?;
            continue;
        }
        if now.map(|origin| origin.source) != Some(source) {
            if !hand_on(tx, contact, import, source, &found)? {
                outlive(tx, contact, import, source, &found)?;
            }
            continue;
        }
        match field {
            FieldRef::Company(_) => {
                companies::put_connection_back(tx, contact, found.value.as_ref(), found.origin, &by)?;
            }
            _ => contacts::put_back(tx, contact, field.key(), found.value.as_ref(), found.origin, &by)?,
        }
        any = true;
    }
    Ok(any)
}

/// What was before the import is told still, though somebody wrote since and it does not come back.
fn outlive(tx: &Tx<'_>, contact: ContactId, import: ImportId, source: i64, found: &super::Was) -> Result<()> {
    let Some(row) = get(tx, import)? else {
        return Ok(());
    };
    let was = history::Was {
        field: found.field,
        value: found.value.as_ref(),
        origin: found.origin,
    };
    history::outlive(tx, contact, &was, source, ms(row.started_at))
}

/// A later import found our value and wrote its own: once that one is taken back, what was before both is to come back.
/// False: there is none.
fn hand_on(
    tx: &mut Tx<'_>,
    contact: ContactId,
    import: ImportId,
    source: i64,
    found: &super::Was,
) -> Result<bool> {
    let mut handed = false;
    let later: Vec<(ImportId, String)> = tx.all(LATER_CHANGES, (contact.0, import.0), |row| {
        Ok((ImportId(row.get(0)?), row.get(1)?))
    })?;
    for (other, was) in later {
        let mut was: Vec<super::Was> = from_json("import_changes", &was)?;
        let ours = |w: &&mut super::Was| {
            w.field == found.field && w.origin.is_some_and(|origin| origin.source == source)
        };
        if let Some(ours) = was.iter_mut().find(ours) {
            ours.value = found.value.clone();
            ours.origin = found.origin;
            tx.run(super::KEEP_WAS, (other.0, contact.0, json(&was)?))?;
            handed = true;
        }
    }
    Ok(handed)
}

/// Where the ledger's last word is the import's, the word before it is said again; or, if there was none,
/// that there is no permission. How many words.
fn restore_consent(tx: &mut Tx<'_>, contact: ContactId, import: ImportId) -> Result<u64> {
    let rows = consents::rows_of(tx, contact)?;
    let mut words: Vec<Consent> = Vec::new();
    for (id, row) in rows
        .iter()
        .filter(|(_, row)| import_of(&row.source) == Some(import))
    {
        if consents::last_row(tx, contact, row.channel, row.purpose)? != Some(*id) {
            continue;
        }
        let same = |r: &&(i64, Consent)| {
            r.1.channel == row.channel
                && r.1.purpose == row.purpose
                && r.1.action != ConsentAction::Requested
                && import_of(&r.1.source) != Some(import)
        };
        let before = rows.iter().filter(same).rfind(|r| r.0 < *id);
        let now = tx.now().max(row.at);
        words.push(Consent {
            action: before.map_or(ConsentAction::Withdrawn, |b| b.1.action),
            basis: before.map_or(row.basis, |b| b.1.basis),
            wording: before.and_then(|b| b.1.wording.clone()),
            wording_hash: None,
            source: super::undo_source(import),
            at: now,
            ..row.clone()
        });
    }
    consents::append(tx, &words)?;
    Ok(words.len() as u64)
}
