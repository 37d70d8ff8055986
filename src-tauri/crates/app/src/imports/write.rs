//! What rows do to contacts: judged the same way by a dry run, which only reads, and by the import itself.

use super::chunks::{Person, Row, What};
use super::plan::Kept;
use super::rejects::RejectFile;
use super::{ImportCounts, ImportMode};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::Value;
use carillon_model::{ContactId, ImportId};
use carillon_store::contacts::{Columns, Fill, Inserted, NewContact};
use carillon_store::{Db, Error, Tx, consents, contacts, crash, imports, settings, suppressions};
use std::sync::{Arc, Mutex, PoisonError};

/// An import at work on the writer's thread.
pub(crate) struct Work {
    pub id: ImportId,
    pub kept: Arc<Kept>,
    pub rejects: Arc<Mutex<RejectFile>>,
}

/// Names of the counters that an import keeps beside its row, moved in the commit of each slice.
pub(crate) fn counter(id: ImportId, what: &str) -> String {
    format!("import:{id}:{what}")
}

/// Rows that were taken without a value.
pub(crate) const WITH_GAPS: &str = "with_gaps";
/// People whose withdrawal was respected.
pub(crate) const WITHDRAWN: &str = "withdrawn";
/// Bytes of the reject file.
pub(crate) const REJECTS: &str = "rejects";
/// Stopped by the user, not by a crash.
pub(crate) const STOPPED: &str = "stopped";

/// What is to be said of a contact's permission.
enum Permission {
    /// It stands already, or none is to be given.
    Nothing,
    Grant(Basis),
    /// The contact took it back: a list does not give it again.
    Withdrawn,
}

/// The ledger's answer to a list: a new permission is written down, the same one is not repeated, and one that the
/// contact took back stays so. An import that was taken back is no word of the contact, and what waits for its
/// confirmation is none yet.
fn permission(db: &Db<'_>, contact: ContactId, kept: &Kept) -> Result<Permission, Error> {
    let Some(basis) = kept.basis else {
        return Ok(Permission::Nothing);
    };
    let about = |row: &&Consent| {
        row.channel == Channel::Email
            && row.purpose == Purpose::Marketing
            && row.action != ConsentAction::Requested
    };
    let ledger = consents::of(db, contact)?;
    let Some(last) = ledger.iter().rfind(about) else {
        return Ok(Permission::Grant(basis));
    };
    let source = imports::words_of(&last.source);
    Ok(match last.action {
        ConsentAction::Withdrawn if imports::is_undo(&last.source) => Permission::Grant(basis),
        ConsentAction::Withdrawn => Permission::Withdrawn,
        ConsentAction::Granted
            if last.basis == basis && source == kept.source && last.wording == kept.wording =>
        {
            Permission::Nothing
        }
        ConsentAction::Granted | ConsentAction::Requested => Permission::Grant(basis),
    })
}

fn grant(contact: ContactId, basis: Basis, tx: &Tx<'_>, work: &Work) -> Consent {
    Consent {
        contact,
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        action: ConsentAction::Granted,
        basis,
        wording: work.kept.wording.clone(),
        wording_hash: None,
        source: imports::evidence(&work.kept.source, work.id),
        at: tx.now(),
    }
}

fn fills(kept: &Kept) -> Vec<Fill> {
    let fill = |only: bool| if only { Fill::EmptyOnly } else { Fill::Overwrite };
    kept.fields.iter().map(|f| fill(f.fill_only)).collect()
}

/// Writes a slice of rows with the import's position, all in one transaction.
pub(crate) fn slice(tx: &mut Tx<'_>, work: &Work, rows: Vec<Row>, position: u64) -> Result<(), Error> {
    let mut counts = ImportCounts::default();
    let mut people = Vec::with_capacity(rows.len());
    let mut rejected = Vec::new();
    for row in rows {
        match row.what {
            What::Refused {
                duplicate,
                reason,
                cells,
            } => {
                *(if duplicate {
                    &mut counts.duplicate
                } else {
                    &mut counts.invalid
                }) += 1;
                rejected.push((row.line, reason, cells));
            }
            What::Person(person) => people.push((row.line, row.email, *person)),
        }
    }
    let keys: Vec<&str> = work.kept.fields.iter().map(|f| f.key.as_str()).collect();
    let columns = Columns::resolve(tx, &keys)?;
    let source = imports::source(work.id);
    let found = place(tx, work, &columns, &mut people, &source)?;
    let fills = fills(&work.kept);
    let (mut first, mut last) = (None, None);
    let mut granted = Vec::new();
    for ((line, _, person), found) in people.into_iter().zip(found) {
        let taken = match found {
            Found::New { id, suppressed } => {
                counts.new += 1;
                counts.suppressed += u64::from(suppressed);
                first = first.or(Some(id));
                last = Some(id);
                for tag in &person.tags {
                    contacts::add_tag(tx, id, tag, &source)?;
                }
                if let Some(basis) = work.kept.basis {
                    granted.push(grant(id, basis, tx, work));
                }
                true
            }
            Found::Known(id) => {
                let changed = update(tx, work, id, &person, &columns, &fills, &mut counts, &mut granted)?;
                *(if changed {
                    &mut counts.changed
                } else {
                    &mut counts.unchanged
                }) += 1;
                true
            }
            Found::LeftOut => false,
        };
        if let (true, Some((reason, cells))) = (taken, person.gaps) {
            counts.with_gaps += 1;
            rejected.push((line, reason, cells));
        }
    }
    consents::append(tx, &granted)?;
    keep_rejects(tx, work, &rejected)?;
    let range = first
        .zip(last)
        .map(|(a, b): (ContactId, ContactId)| (i64::from(a.0), i64::from(b.0)));
    for (what, by) in [(WITH_GAPS, counts.with_gaps), (WITHDRAWN, counts.withdrawn)] {
        if by > 0 {
            let name = counter(work.id, what);
            let before = settings::cursor(tx, &name)?;
            settings::set_cursor(tx, &name, before + i64::try_from(by).unwrap_or(0))?;
        }
    }
    let stored = imports::ImportCounts {
        added: counts.new,
        changed: counts.changed,
        unchanged: counts.unchanged,
        duplicate: counts.duplicate,
        invalid: counts.invalid,
        suppressed: counts.suppressed,
    };
    imports::advance(tx, work.id, position, range, stored)?;
    crash::point("import_slice");
    Ok(())
}

enum Found {
    New {
        id: ContactId,
        suppressed: bool,
    },
    Known(ContactId),
    /// The mode leaves it out.
    LeftOut,
}

/// Finds each person, and adds those who are not there, where the mode says so.
fn place(
    tx: &mut Tx<'_>,
    work: &Work,
    columns: &Columns,
    people: &mut [(u64, String, Person)],
    source: &str,
) -> Result<Vec<Found>, Error> {
    if work.kept.mode == ImportMode::Update {
        let known = people.iter().map(|(_, email, _)| contacts::id_of(tx, email));
        return known
            .map(|id| Ok(id?.map_or(Found::LeftOut, Found::Known)))
            .collect();
    }
    let new: Vec<NewContact> = people
        .iter()
        .map(|(_, email, person)| NewContact {
            email: email.clone(),
            values: person.values.clone(),
            zone_source: None,
        })
        .collect();
    let inserted = contacts::insert_batch(tx, columns, &new, source)?;
    Ok(inserted
        .into_iter()
        .map(|inserted| match inserted {
            Inserted::New { id, suppressed } => Found::New { id, suppressed },
            Inserted::Exists(_) if work.kept.mode == ImportMode::Create => Found::LeftOut,
            Inserted::Exists(id) => Found::Known(id),
        })
        .collect())
}

/// Changes somebody who was there. Whether anything changed.
#[allow(clippy::too_many_arguments)]
fn update(
    tx: &mut Tx<'_>,
    work: &Work,
    id: ContactId,
    person: &Person,
    columns: &Columns,
    fills: &[Fill],
    counts: &mut ImportCounts,
    granted: &mut Vec<Consent>,
) -> Result<bool, Error> {
    let source = imports::source(work.id);
    counts.suppressed += u64::from(suppressions::of_contact(tx, id)?);
    let values = contacts::update(tx, id, columns, &person.values, fills, &source)?;
    let mut changed = !values.is_empty();
    for tag in &person.tags {
        changed |= contacts::add_tag(tx, id, tag, &source)?;
    }
    match permission(tx, id, &work.kept)? {
        Permission::Nothing => {}
        Permission::Withdrawn => counts.withdrawn += 1,
        Permission::Grant(basis) => {
            granted.push(grant(id, basis, tx, work));
            changed = true;
        }
    }
    if changed {
        imports::keep_was(tx, work.id, id, &values)?;
    }
    Ok(changed)
}

/// The rows that need attention are in the file before the commit says how long it is: what a kill leaves
/// behind that length comes again and is cut off first.
fn keep_rejects(tx: &mut Tx<'_>, work: &Work, rejected: &[(u64, String, Vec<String>)]) -> Result<(), Error> {
    if rejected.is_empty() {
        return Ok(());
    }
    let length = {
        let mut file = work.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        let path = file.path.clone();
        let mut write = || {
            for (line, reason, cells) in rejected {
                file.write(*line, reason, cells)?;
            }
            file.flush()
        };
        write().map_err(|source| Error::Io { path, source })?
    };
    crash::point("import_rejects");
    settings::set_cursor(
        tx,
        &counter(work.id, REJECTS),
        i64::try_from(length).unwrap_or(i64::MAX),
    )
}

/// What a slice would do, read from a snapshot.
pub(crate) fn judge(db: &Db<'_>, kept: &Kept, rows: &[Row]) -> Result<ImportCounts, Error> {
    let mut counts = ImportCounts {
        rows: rows.len() as u64,
        ..ImportCounts::default()
    };
    let fills = fills(kept);
    for row in rows {
        let person = match &row.what {
            What::Refused { duplicate, .. } => {
                *(if *duplicate {
                    &mut counts.duplicate
                } else {
                    &mut counts.invalid
                }) += 1;
                continue;
            }
            What::Person(person) => person,
        };
        match (contacts::id_of(db, &row.email)?, kept.mode) {
            (Some(_), ImportMode::Create) | (None, ImportMode::Update) => {
                counts.skipped += 1;
                continue;
            }
            (None, _) => {
                counts.new += 1;
                counts.suppressed += u64::from(suppressions::contains(db, &row.email)?.is_some());
            }
            (Some(id), _) => {
                let changed = would_change(db, kept, id, person, &fills, &mut counts)?;
                *(if changed {
                    &mut counts.changed
                } else {
                    &mut counts.unchanged
                }) += 1;
            }
        }
        counts.with_gaps += u64::from(person.gaps.is_some());
    }
    Ok(counts)
}

fn would_change(
    db: &Db<'_>,
    kept: &Kept,
    id: ContactId,
    person: &Person,
    fills: &[Fill],
    counts: &mut ImportCounts,
) -> Result<bool, Error> {
    counts.suppressed += u64::from(suppressions::of_contact(db, id)?);
    let before = contacts::record_fields(db, id)?.unwrap_or_default();
    let was = |key: &str| -> Option<&Value> { before.iter().find(|(k, _)| k == key).map(|(_, v)| v) };
    let mut changed = kept
        .fields
        .iter()
        .zip(&person.values)
        .zip(fills)
        .any(|((column, new), fill)| {
            let was = was(&column.key);
            new.is_some() && was != new.as_ref() && (was.is_none() || *fill == Fill::Overwrite)
        });
    if !person.tags.is_empty() && !changed {
        let has = contacts::get(db, id)?.map(|c| c.tags).unwrap_or_default();
        changed = person.tags.iter().any(|tag| !has.contains(tag));
    }
    match permission(db, id, kept)? {
        Permission::Nothing => {}
        Permission::Withdrawn => counts.withdrawn += 1,
        Permission::Grant(_) => changed = true,
    }
    Ok(changed)
}
