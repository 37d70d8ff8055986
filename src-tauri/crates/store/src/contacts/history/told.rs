//! The history of a contact's values, put together from all that keeps a part of it.

use super::super::read::{Reader, source_text};
use super::super::{CREATED_AT, Origin, TIME_ZONE};
use crate::catalogue::{COMPANY, COMPANY_FROM, Catalogue, FieldRef};
use crate::codes::from_json;
use crate::db::Db;
use crate::duplicates::{self, Lent};
use crate::error::Result;
use crate::imports;
use crate::sql::sql;
use crate::time::moment;
use carillon_model::contact::{Provenance, Value};
use carillon_model::{ContactId, MergeId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

const PROVENANCE: &str = sql!("SELECT field, source, at FROM provenance WHERE contact = ?1");
const KEPT: &str = sql!(
    "SELECT field, was, was_source, was_at, source, at FROM contact_history WHERE contact = ?1 ORDER BY field, n DESC"
);
const IMPORTED: &str = sql!(
    "SELECT c.was, i.source, i.started_at FROM imports i CROSS JOIN import_changes c ON c.import = i.id AND c.contact = ?1"
);
const CLEANSED: &str = sql!(
    "SELECT c.field, c.was, c.was_source, c.was_at, k.source, k.at
     FROM cleansing_changes c CROSS JOIN cleansings k ON k.id = c.cleansing WHERE c.contact = ?1"
);
const COMPANY_NAME: &str = sql!("SELECT name FROM companies WHERE id = ?1");

/// A value of a contact, now or at another time.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Of a retired field, the key it had.
    pub key: String,
    pub label: String,
    /// The field is hidden by now.
    pub retired: bool,
    /// `None`: there was none. Of a company, its name; the number of one that is gone and was never named here.
    pub value: Option<Value>,
    /// Who wrote it, and when.
    pub from: Provenance,
    /// Who replaced it, and when; `None`: it is the value now.
    pub until: Option<Provenance>,
    /// Whose value it was: the contact's own, or of one that was merged into it.
    pub contact: ContactId,
    /// It came from another contact by this merge.
    pub merged: Option<MergeId>,
}

/// Whether what is said of a field is said of the contact itself: not of a score or a company, and not when it was added.
pub(crate) fn is_told(field: FieldRef<'_>) -> bool {
    match field {
        FieldRef::BuiltIn(i) => i != CREATED_AT,
        FieldRef::Company(i) => i == COMPANY,
        FieldRef::OfCompany(_) => false,
        FieldRef::Custom(custom) => custom.field.score.is_none(),
    }
}

/// Who replaced a value: a source by its number, or a merge.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Source(i64),
    Merge(MergeId),
}

/// Who replaced a value, and when; a moment that is not known is that of their own value, or else `about`.
struct By {
    who: Who,
    at: Option<i64>,
    about: i64,
}

struct Raw {
    field: i64,
    value: Option<Value>,
    from: Origin,
    until: Option<By>,
    contact: ContactId,
    merged: Option<MergeId>,
}

/// Every value of a contact that is known, now and before: what is there now first, then what was replaced last. With the
/// values of those who were merged into it. `None`: there is no such contact.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn of(db: &Db<'_>, contact: ContactId) -> Result<Option<Vec<Past>>> {
    let mut all = Vec::new();
    let Some(added) = now(db, contact, &mut all)? else {
        return Ok(None);
    };
    let aliases = duplicates::aliases_of(db, contact)?;
    let ids: Vec<ContactId> = [contact]
        .into_iter()
        .chain(aliases.iter().map(|alias| alias.absorbed))
        .collect();
    let mut merges = Vec::new();
    for id in &ids {
        merges.extend(duplicates::lent(db, *id)?);
    }
    let mut first: BTreeMap<ContactId, Origin> = BTreeMap::from([(contact, added)]);
    for merge in &merges {
        first.extend(merge.added.map(|added| (merge.absorbed, added)));
    }
    for id in ids {
        let added = first.get(&id).copied().unwrap_or(added);
        kept(db, id, added, &mut all)?;
        imported(db, id, added, &mut all)?;
        cleansed(db, id, added, &mut all)?;
    }
    merges.sort_by_key(|merge| merge.merge);
    for merge in &merges {
        merged(merge, &first, added, &mut all);
    }
    let replaced: Vec<Option<(Who, i64)>> = all.iter().map(|raw| replaced(raw, &all)).collect();
    let mut told = Vec::with_capacity(all.len());
    let mut names = Names::default();
    for (raw, until) in all.into_iter().zip(replaced) {
        told.extend(names.tell(db, raw, until)?);
    }
    told.sort_by_key(|past: &Past| {
        let until = past
            .until
            .as_ref()
            .map_or(i64::MAX, |until| until.at.timestamp_millis());
        Reverse((until, past.from.at))
    });
    Ok(Some(told))
}

/// What is there now, and who added the contact.
fn now(db: &Db<'_>, contact: ContactId, all: &mut Vec<Raw>) -> Result<Option<Origin>> {
    let later: HashMap<i64, Origin> = db
        .all(PROVENANCE, (contact.0,), |row| {
            let origin = Origin {
                source: row.get(1)?,
                at: row.get(2)?,
            };
            Ok((row.get(0)?, origin))
        })?
        .into_iter()
        .collect();
    let reader = Reader::said(&db.catalogue);
    db.one(&reader.by_id(), (contact.0,), |row| {
        let added = Origin {
            source: row.get(11)?,
            at: row.get(9)?,
        };
        let zone: Option<i64> = row.get(10)?;
        let mut values = HashMap::new();
        reader.values(row, |field, value| {
            values.insert(field.number(), value);
        })?;
        let custom = db
            .catalogue
            .custom
            .iter()
            .filter(|custom| !custom.field.is_of_company());
        let fields = db
            .catalogue
            .all()
            .filter(|field| !matches!(field, FieldRef::Custom(_)));
        for field in fields
            .chain(custom.map(FieldRef::Custom))
            .filter(|field| is_told(*field))
        {
            let number = field.number();
            let value = values.remove(&number);
            let written = later.get(&number).copied();
            // Nothing is known of a field that never had a value.
            if value.is_none() && written.is_none() {
                continue;
            }
            let chosen = zone.filter(|_| number == TIME_ZONE as i64);
            all.push(Raw {
                field: number,
                value,
                from: written.unwrap_or(Origin {
                    source: chosen.unwrap_or(added.source),
                    at: added.at,
                }),
                until: None,
                contact,
                merged: None,
            });
        }
        Ok(added)
    })
}

fn kept(db: &Db<'_>, contact: ContactId, added: Origin, all: &mut Vec<Raw>) -> Result<()> {
    all.extend(db.all(KEPT, (contact.0,), |row| {
        let (text, source, at): (Option<String>, Option<i64>, Option<i64>) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        let at_last: i64 = row.get(5)?;
        Ok(Raw {
            field: row.get(0)?,
            value: text.map(|text| from_json("contact_history", &text)).transpose()?,
            from: source.zip(at).map_or(added, |(source, at)| Origin { source, at }),
            until: Some(By {
                who: Who::Source(row.get(4)?),
                at: Some(at_last),
                about: at_last,
            }),
            contact,
            merged: None,
        })
    })?);
    Ok(())
}

fn imported(db: &Db<'_>, contact: ContactId, added: Origin, all: &mut Vec<Raw>) -> Result<()> {
    let rows = db.all(IMPORTED, (contact.0,), |row| {
        let text: String = row.get(0)?;
        let was: Vec<imports::Was> = from_json("import_changes", &text)?;
        Ok((was, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    for (was, source, about) in rows {
        all.extend(was.into_iter().map(|was| Raw {
            field: was.field,
            value: was.value,
            from: was.origin.unwrap_or(added),
            until: Some(By {
                who: Who::Source(source),
                at: None,
                about,
            }),
            contact,
            merged: None,
        }));
    }
    Ok(())
}

fn cleansed(db: &Db<'_>, contact: ContactId, added: Origin, all: &mut Vec<Raw>) -> Result<()> {
    all.extend(db.all(CLEANSED, (contact.0,), |row| {
        let (text, source, at): (Option<String>, Option<i64>, Option<i64>) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(Raw {
            field: row.get(0)?,
            value: text
                .map(|text| from_json("cleansing_changes", &text))
                .transpose()?,
            from: source.zip(at).map_or(added, |(source, at)| Origin { source, at }),
            until: Some(By {
                who: Who::Source(row.get(4)?),
                at: None,
                about: row.get(5)?,
            }),
            contact,
            merged: None,
        })
    })?);
    Ok(())
}

/// What a merge ended, and which values came by it.
fn merged(merge: &Lent, first: &BTreeMap<ContactId, Origin>, added: Origin, all: &mut Vec<Raw>) {
    for ended in &merge.ended {
        if let Some(instead) = ended.instead {
            let came = |raw: &&mut Raw| {
                raw.field == ended.field && raw.contact == merge.survivor && raw.from == instead
            };
            if let Some(raw) = all.iter_mut().find(came) {
                raw.merged = Some(merge.merge);
            }
        }
        all.push(Raw {
            field: ended.field,
            value: ended.value.clone(),
            from: ended
                .origin
                .or_else(|| first.get(&ended.contact).copied())
                .unwrap_or(added),
            until: Some(By {
                who: Who::Merge(merge.merge),
                at: Some(merge.at),
                about: merge.at,
            }),
            contact: ended.contact,
            merged: None,
        });
    }
}

/// By whom and when a value was replaced: an import and a cleansing wrote their own at that moment.
fn replaced(raw: &Raw, all: &[Raw]) -> Option<(Who, i64)> {
    let by = raw.until.as_ref()?;
    let wrote = |own: bool| {
        let theirs = all
            .iter()
            .filter(move |other| other.field == raw.field && Who::Source(other.from.source) == by.who);
        let theirs = theirs.filter(move |other| !own || other.contact == raw.contact);
        theirs.map(|other| other.from.at).min()
    };
    let at = by
        .at
        .or_else(|| wrote(true))
        .or_else(|| wrote(false))
        .unwrap_or(by.about);
    Some((by.who, at))
}

#[derive(Default)]
struct Names {
    sources: HashMap<i64, String>,
    companies: HashMap<i64, Option<String>>,
}

impl Names {
    /// A value in words; `None` for one of a field that is unknown or not told.
    fn tell(&mut self, db: &Db<'_>, raw: Raw, until: Option<(Who, i64)>) -> Result<Option<Past>> {
        let catalogue: &Catalogue = &db.catalogue;
        let Some(field) = catalogue.by_number(raw.field).filter(|field| is_told(*field)) else {
            return Ok(None);
        };
        let value = match (raw.field, raw.value) {
            (COMPANY_FROM, Some(Value::Number(n))) => Some(self.company(db, n)?),
            (_, value) => value,
        };
        let until = until.map(|(who, at)| self.by(db, who, at)).transpose()?;
        Ok(Some(Past {
            // A retired field gives its key free and has its number behind it.
            key: field.key().split(':').next().unwrap_or_default().to_owned(),
            label: catalogue.label(field).to_owned(),
            retired: field.custom().is_some_and(|custom| custom.retired),
            value,
            from: self.by(db, Who::Source(raw.from.source), raw.from.at)?,
            until,
            contact: raw.contact,
            merged: raw.merged,
        }))
    }

    fn by(&mut self, db: &Db<'_>, who: Who, at: i64) -> Result<Provenance> {
        let source = match who {
            Who::Merge(merge) => format!("merge:{merge}"),
            Who::Source(source) => source_text(db, &mut self.sources, source)?,
        };
        Ok(Provenance {
            source,
            at: moment(at)?,
        })
    }

    /// Imports keep the number of a company.
    fn company(&mut self, db: &Db<'_>, number: f64) -> Result<Value> {
        let id = number as i64;
        let name = match self.companies.get(&id) {
            Some(name) => name.clone(),
            None => {
                let name: Option<String> = db.value(COMPANY_NAME, (id,))?;
                self.companies.insert(id, name.clone());
                name
            }
        };
        Ok(name.map_or(Value::Number(number), Value::Text))
    }
}
