//! What rows do to contacts: judged the same way by a dry run, which only reads, and by the import itself.

use super::chunks::{Person, Row, What};
use super::employers::{AtCompany, Employers};
use super::plan::{FieldColumn, Kept};
use super::rejects::RejectFile;
use super::status::Standing;
use super::{ImportCounts, ImportMode};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{Value, is_of_company};
use carillon_model::{ContactId, ImportId};
use carillon_store::contacts::{Columns, Fill, Inserted, NewContact};
use carillon_store::{Db, Error, Tx, consents, contacts, crash, duplicates, imports, settings, suppressions};
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
/// Counters of what the list itself says of people.
pub(crate) const STANDINGS: [(Standing, &str); 5] = [
    (Standing::NotPermitted, "not_permitted"),
    (Standing::Unsubscribed, "unsubscribed"),
    (Standing::Bounced, "bounced"),
    (Standing::Blocked, "blocked"),
    (Standing::Complained, "complained"),
];
/// Bytes of the reject file.
pub(crate) const REJECTS: &str = "rejects";
/// Stopped by the user, not by a crash.
pub(crate) const STOPPED: &str = "stopped";

/// What is to be said of a contact's permission.
enum Permission {
    /// It stands already, or none is to be given.
    Nothing,
    Grant,
    /// The contact took it back: a list does not give it again.
    Withdrawn,
}

/// The ledger's answer to a list: a new permission is written down, the same one is not repeated, and one that the
/// contact took back stays so. An import that was taken back is no word of the contact, and what waits for its
/// confirmation is none yet.
fn permission(
    db: &Db<'_>,
    contact: ContactId,
    email: &str,
    kept: &Kept,
    standing: Standing,
) -> Result<Permission, Error> {
    let Some(basis) = kept.basis.filter(|_| standing == Standing::Free) else {
        return Ok(Permission::Nothing);
    };
    if consents::said_no(db, contact, Channel::Email, Purpose::Marketing)? {
        return Ok(Permission::Withdrawn);
    }
    // Permission is given for an address, and the contact has another one since it was merged.
    if duplicates::is_alias(db, email)? {
        return Ok(Permission::Nothing);
    }
    let about = |row: &&Consent| {
        row.channel == Channel::Email
            && row.purpose == Purpose::Marketing
            && row.action != ConsentAction::Requested
    };
    let ledger = consents::of(db, contact)?;
    let Some(last) = ledger.iter().rfind(about) else {
        return Ok(Permission::Grant);
    };
    let source = imports::words_of(&last.source);
    Ok(match last.action {
        ConsentAction::Withdrawn if imports::is_undo(&last.source) => Permission::Grant,
        ConsentAction::Withdrawn => Permission::Withdrawn,
        ConsentAction::Granted
            if last.basis == basis && source == kept.source && last.wording == kept.wording =>
        {
            Permission::Nothing
        }
        ConsentAction::Granted | ConsentAction::Requested => Permission::Grant,
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

/// Whether the ledger's last word is a no of the contact's own.
fn is_withdrawn(db: &Db<'_>, contact: ContactId) -> Result<bool, Error> {
    consents::said_no(db, contact, Channel::Email, Purpose::Marketing)
}

/// Does what the list says of somebody who is a contact: the list of those who are not written to, and their own no in
/// the ledger. Whether anything changed.
fn obey(
    tx: &mut Tx<'_>,
    work: &Work,
    contact: ContactId,
    email: &str,
    standing: Standing,
) -> Result<bool, Error> {
    let Some(reason) = standing.suppression() else {
        return Ok(false);
    };
    let mut changed = imports::suppress(tx, work.id, &work.kept.source, email, reason)?;
    if standing.is_own_no() && !is_withdrawn(tx, contact)? {
        let no = Consent {
            action: ConsentAction::Withdrawn,
            wording: None,
            ..grant(contact, Basis::Consent, tx, work)
        };
        consents::add(tx, &no)?;
        changed = true;
    }
    Ok(changed)
}

/// Whether [`obey`] would change anything.
fn would_obey(db: &Db<'_>, contact: ContactId, email: &str, standing: Standing) -> Result<bool, Error> {
    let Some(reason) = standing.suppression() else {
        return Ok(false);
    };
    Ok(imports::would_suppress(db, email, reason)? || standing.is_own_no() && !is_withdrawn(db, contact)?)
}

fn fill(only: bool) -> Fill {
    if only { Fill::EmptyOnly } else { Fill::Overwrite }
}

/// The fields of contacts among the columns, in their order.
fn own(kept: &Kept) -> impl Iterator<Item = &FieldColumn> {
    kept.fields.iter().filter(|column| !is_of_company(&column.key))
}

fn fills(kept: &Kept) -> Vec<Fill> {
    own(kept).map(|column| fill(column.fill_only)).collect()
}

/// Writes a slice of rows with the import's position, all in one transaction.
pub(crate) fn slice(tx: &mut Tx<'_>, work: &Work, rows: Vec<Row>, position: u64) -> Result<(), Error> {
    let mut counts = ImportCounts::default();
    let mut people = Vec::with_capacity(rows.len());
    let mut given = Vec::with_capacity(rows.len());
    let mut rejected = Vec::new();
    let mut told = Vec::new();
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
                if row.standing.suppression().is_some() {
                    told.push((row.email, row.standing));
                }
            }
            What::Person(person) => {
                let mut values = person.values;
                people.push(Someone {
                    line: row.line,
                    standing: row.standing,
                    company: AtCompany::take(&work.kept, &mut values),
                    tags: person.tags,
                    gaps: person.gaps,
                });
                given.push(NewContact {
                    email: row.email,
                    values,
                    zone_source: None,
                });
            }
        }
    }
    let keys: Vec<&str> = own(&work.kept).map(|f| f.key.as_str()).collect();
    let columns = Columns::resolve(tx, &keys)?;
    let source = imports::source(work.id);
    let found = place(tx, work, &columns, &mut given, &source)?;
    let fills = fills(&work.kept);
    let (mut first, mut last) = (None, None);
    let mut granted = Vec::new();
    let mut employers = Employers::default();
    for ((someone, contact), found) in people.into_iter().zip(&given).zip(found) {
        let (standing, email) = (&someone.standing, &contact.email);
        let taken = match found {
            Found::New { id, suppressed } => {
                counts.new += 1;
                counts.suppressed += u64::from(suppressed);
                first = first.or(Some(id));
                last = Some(id);
                for tag in &someone.tags {
                    contacts::add_tag(tx, id, tag, &source)?;
                }
                if work.kept.basis.is_some() && *standing == Standing::Free {
                    granted.push(id);
                }
                obey(tx, work, id, email, *standing)?;
                employers.connect(tx, work.id, id, &someone.company)?;
                true
            }
            Found::Known(id) => {
                let connected = employers.connect(tx, work.id, id, &someone.company)?;
                let mut changed = connected.any;
                if let Some(connected) = &connected.was {
                    imports::keep_was(tx, work.id, id, std::slice::from_ref(connected))?;
                }
                changed |= update(
                    tx,
                    work,
                    id,
                    (&someone, contact),
                    &columns,
                    &fills,
                    &mut counts,
                    &mut granted,
                )?;
                *(if changed {
                    &mut counts.changed
                } else {
                    &mut counts.unchanged
                }) += 1;
                true
            }
            Found::LeftOut => {
                if standing.suppression().is_some() {
                    told.push((email.clone(), *standing));
                }
                false
            }
        };
        if !taken {
            continue;
        }
        count(&mut counts, *standing);
        if let Some((reason, cells)) = someone.gaps {
            counts.with_gaps += 1;
            rejected.push((someone.line, reason, cells));
        }
    }
    if let (Some(basis), Some(first)) = (work.kept.basis, granted.first()) {
        consents::append_of_each(tx, &grant(*first, basis, tx, work), &granted)?;
    }
    hear(tx, work, told, &mut counts)?;
    keep_rejects(tx, work, &rejected)?;
    let range = first
        .zip(last)
        .map(|(a, b): (ContactId, ContactId)| (i64::from(a.0), i64::from(b.0)));
    let said = STANDINGS.map(|(standing, word)| (word, counts.standing(standing).copied().unwrap_or(0)));
    let own = [(WITH_GAPS, counts.with_gaps), (WITHDRAWN, counts.withdrawn)];
    for (what, by) in own.into_iter().chain(said) {
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

/// Hears a no of rows that are not taken themselves: of an address that stands further up, or that the mode leaves out.
fn hear(
    tx: &mut Tx<'_>,
    work: &Work,
    told: Vec<(String, Standing)>,
    counts: &mut ImportCounts,
) -> Result<(), Error> {
    for (email, standing) in told {
        let Some(contact) = contacts::id_of(tx, &email)? else {
            continue;
        };
        if obey(tx, work, contact, &email, standing)? {
            imports::keep_was(tx, work.id, contact, &[])?;
        }
        count(counts, standing);
    }
    Ok(())
}

/// Somebody a row is about, and what the list says of them.
struct Someone {
    line: u64,
    standing: Standing,
    company: AtCompany,
    tags: Vec<String>,
    gaps: Option<(String, Vec<String>)>,
}

enum Found {
    New {
        id: ContactId,
        suppressed: bool,
    },
    Known(ContactId),
    /// The mode leaves it out, though it may be there.
    LeftOut,
}

/// Finds each person, and adds those who are not there, where the mode says so.
fn place(
    tx: &mut Tx<'_>,
    work: &Work,
    columns: &Columns,
    new: &mut [NewContact],
    source: &str,
) -> Result<Vec<Found>, Error> {
    if work.kept.mode == ImportMode::Update {
        let known = new.iter().map(|contact| contacts::id_of(tx, &contact.email));
        return known
            .map(|id| Ok(id?.map_or(Found::LeftOut, Found::Known)))
            .collect();
    }
    let inserted = contacts::insert_batch(tx, columns, new, source)?;
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
    (someone, contact): (&Someone, &NewContact),
    columns: &Columns,
    fills: &[Fill],
    counts: &mut ImportCounts,
    granted: &mut Vec<ContactId>,
) -> Result<bool, Error> {
    let source = imports::source(work.id);
    counts.suppressed += u64::from(suppressions::of_contact(tx, id)?);
    let values = contacts::update(tx, id, columns, &contact.values, fills, &source)?;
    let mut changed = !values.is_empty();
    for tag in &someone.tags {
        changed |= contacts::add_tag(tx, id, tag, &source)?;
    }
    changed |= obey(tx, work, id, &contact.email, someone.standing)?;
    match permission(tx, id, &contact.email, &work.kept, someone.standing)? {
        Permission::Nothing => {}
        Permission::Withdrawn => counts.withdrawn += 1,
        Permission::Grant => {
            granted.push(id);
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
pub(crate) fn judge(
    db: &Db<'_>,
    kept: &Kept,
    rows: &[Row],
    employers: &mut Employers,
) -> Result<ImportCounts, Error> {
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
                let heard = *duplicate && row.standing.suppression().is_some();
                if heard && (kept.mode != ImportMode::Update || contacts::id_of(db, &row.email)?.is_some()) {
                    count(&mut counts, row.standing);
                }
                continue;
            }
            What::Person(person) => person,
        };
        match (contacts::id_of(db, &row.email)?, kept.mode) {
            (known, ImportMode::Create | ImportMode::Update)
                if known.is_some() == (kept.mode == ImportMode::Create) =>
            {
                counts.skipped += 1;
                if known.is_some() && row.standing.suppression().is_some() {
                    count(&mut counts, row.standing);
                }
                continue;
            }
            (None, _) => {
                counts.new += 1;
                counts.suppressed += u64::from(suppressions::contains(db, &row.email)?.is_some());
            }
            (Some(id), _) => {
                let mut changed = would_change(
                    db,
                    kept,
                    id,
                    (&row.email, row.standing),
                    person,
                    &fills,
                    &mut counts,
                    employers,
                )?;
                changed |= would_obey(db, id, &row.email, row.standing)?;
                *(if changed {
                    &mut counts.changed
                } else {
                    &mut counts.unchanged
                }) += 1;
            }
        }
        count(&mut counts, row.standing);
        counts.with_gaps += u64::from(person.gaps.is_some());
    }
    Ok(counts)
}

fn count(counts: &mut ImportCounts, standing: Standing) {
    if let Some(counter) = counts.standing(standing) {
        *counter += 1;
    }
}

#[allow(clippy::too_many_arguments)]
fn would_change(
    db: &Db<'_>,
    kept: &Kept,
    id: ContactId,
    (email, standing): (&str, Standing),
    person: &Person,
    fills: &[Fill],
    counts: &mut ImportCounts,
    employers: &mut Employers,
) -> Result<bool, Error> {
    counts.suppressed += u64::from(suppressions::of_contact(db, id)?);
    let before = contacts::record_fields(db, id)?.unwrap_or_default();
    let was = |key: &str| -> Option<&Value> { before.iter().find(|(k, _)| k == key).map(|(_, v)| v) };
    let mut values = person.values.clone();
    let company = AtCompany::take(kept, &mut values);
    let mut changed = own(kept).zip(&values).zip(fills).any(|((column, new), fill)| {
        let was = was(&column.key);
        new.is_some() && was != new.as_ref() && (was.is_none() || *fill == Fill::Overwrite)
    });
    changed |= employers.would_change(db, id, &company)?;
    if !person.tags.is_empty() && !changed {
        let has = contacts::get(db, id)?.map(|c| c.tags).unwrap_or_default();
        changed = person.tags.iter().any(|tag| !has.contains(tag));
    }
    match permission(db, id, email, kept, standing)? {
        Permission::Nothing => {}
        Permission::Withdrawn => counts.withdrawn += 1,
        Permission::Grant => changed = true,
    }
    Ok(changed)
}
