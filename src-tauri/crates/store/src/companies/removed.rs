//! Companies that were removed, and given back.

use super::read::{exists, find, values_of};
use super::write::{
    CONTACTS, NO_OWN_PROVENANCE, SET_PROVENANCE, origin, own_origin, put_connection_back, tell, told,
    write_cells,
};
use crate::catalogue::{COMPANY, COMPANY_DOMAIN, COMPANY_FROM, FieldRef};
use crate::codes::{from_json, json};
use crate::contacts::{Origin, history};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::imports::Was;
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_engine::companies::folded_name;
use carillon_model::contact::Value;
use carillon_model::{CompanyId, ContactId, Moment};
use serde::{Deserialize, Serialize};

const ROW: &str = sql!("SELECT name, domain, source, created_at FROM companies WHERE id = ?1");
const LEAVE: &str = sql!("UPDATE contacts SET company_id = NULL WHERE company_id = ?1");
const REMOVE: [&str; 4] = [
    sql!("DELETE FROM companies WHERE id = ?1"),
    sql!("DELETE FROM company_fields WHERE company = ?1"),
    sql!("DELETE FROM company_provenance WHERE company = ?1"),
    sql!("DELETE FROM import_company_changes WHERE company = ?1"),
];
const CHANGES: &str = sql!("SELECT import, was FROM import_company_changes WHERE company = ?1", scan: "a company is removed once");
const KEEP: &str = sql!(
    "INSERT INTO removed_companies(company, name, contacts, kept, at) VALUES(?1, ?2, ?3, ?4, ?5)
     ON CONFLICT(company) DO UPDATE SET name = excluded.name, contacts = excluded.contacts, kept = excluded.kept, at = excluded.at"
);
const KEEP_CONTACTS: &str = sql!(
    "INSERT INTO removed_company_contacts(company, contact, source, at)
     SELECT ?1, c.id, p.source, p.at FROM contacts c LEFT JOIN provenance p ON p.contact = c.id AND p.field = ?2
     WHERE c.company_id = ?1"
);
const OLDEST_KEPT: &str =
    sql!("SELECT company FROM removed_companies ORDER BY at DESC, company DESC LIMIT -1 OFFSET ?1");
const FORGET: [&str; 2] = [
    sql!("DELETE FROM removed_companies WHERE company = ?1"),
    sql!("DELETE FROM removed_company_contacts WHERE company = ?1"),
];
const LIST: &str =
    sql!("SELECT company, name, contacts, at FROM removed_companies ORDER BY at DESC, company DESC");
const KEPT: &str = sql!("SELECT name, kept FROM removed_companies WHERE company = ?1");
const THEIRS: &str = sql!(
    "SELECT r.contact, r.source, r.at FROM removed_company_contacts r JOIN contacts c ON c.id = r.contact
     WHERE r.company = ?1 AND c.company_id IS NULL ORDER BY r.contact"
);
const MAKE_AGAIN: &str = sql!(
    "INSERT INTO companies(id, name, folded, domain, source, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
);
const KEEP_CHANGE: &str = sql!("INSERT INTO import_company_changes(import, company, was) VALUES(?1, ?2, ?3)");

/// So many of the companies removed last can be given back.
const KEPT_MOST: u32 = 100;

/// A company that was removed and can be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedCompany {
    pub id: CompanyId,
    pub name: String,
    /// How many contacts had it.
    pub contacts: u64,
    pub at: Moment,
}

/// What giving a company back did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Contacts that have it again.
    pub contacts: u64,
    /// Its domain is another company's by now.
    pub without_domain: bool,
}

/// What is kept of a removed company beside its name and contacts.
#[derive(Serialize, Deserialize)]
struct Kept {
    domain: Option<String>,
    source: i64,
    created_at: i64,
    values: Vec<Was>,
    /// What imports found in it, for their undoing.
    changes: Vec<(u32, String)>,
}

/// Removes a company; its contacts stay, without one. How many they were. The last hundred removed can be given back.
///
/// # Errors
/// [`Error::NotFound`].
pub fn remove(tx: &mut Tx<'_>, id: CompanyId) -> Result<u64> {
    let row = tx.one(ROW, (id.0,), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let Some((name, domain, source, created_at)): Option<(String, Option<String>, i64, i64)> = row else {
        return Err(Error::missing("company", id));
    };
    let mut values = Vec::new();
    for (key, value) in values_of(tx, id)? {
        let field = tx.catalogue.field(&key)?.number();
        values.push(Was {
            field,
            value: Some(value),
            origin: origin(tx, id, field)?,
        });
    }
    let changes = tx.all(CHANGES, (id.0,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let kept = Kept {
        domain,
        source,
        created_at,
        values,
        changes,
    };
    tx.run(KEEP_CONTACTS, (id.0, COMPANY_FROM))?;
    let now = ms(tx.now());
    let by = Origin {
        source: tx.source("user")?,
        at: now,
    };
    let named = Value::Text(name.clone());
    for contact in tx.all(CONTACTS, (id.0,), |row| Ok(ContactId(row.get(0)?)))? {
        let was = history::Was {
            field: COMPANY_FROM,
            value: Some(&named),
            origin: own_origin(tx, contact)?,
        };
        history::keep(tx, contact, &was, by)?;
    }
    let contacts = erase(tx, id)?;
    let count = i64::try_from(contacts).unwrap_or(i64::MAX);
    tx.run(KEEP, (id.0, name, count, json(&kept)?, now))?;
    for old in tx.all(OLDEST_KEPT, (KEPT_MOST,), |row| Ok(CompanyId(row.get(0)?)))? {
        forget(tx, old)?;
    }
    Ok(contacts)
}

fn forget(tx: &mut Tx<'_>, id: CompanyId) -> Result<()> {
    for statement in FORGET {
        tx.run(statement, (id.0,))?;
    }
    Ok(())
}

/// Removes a company for good, as the undoing of an import does with one it made.
pub(super) fn erase(tx: &mut Tx<'_>, id: CompanyId) -> Result<u64> {
    if !exists(tx, id)? {
        return Err(Error::missing("company", id));
    }
    let contacts = tx.all(CONTACTS, (id.0,), |row| Ok(ContactId(row.get(0)?)))?;
    let values = values_of(tx, id)?;
    tx.run(LEAVE, (id.0,))?;
    for contact in &contacts {
        tx.run(NO_OWN_PROVENANCE, (contact.0, COMPANY_FROM))?;
        for (key, _) in &values {
            told(tx, *contact, key, None)?;
        }
    }
    for statement in REMOVE {
        tx.run(statement, (id.0,))?;
    }
    tell(tx, id);
    Ok(contacts.len() as u64)
}

/// The companies that can be given back, the one removed last first.
///
/// # Errors
/// [`Error::Damaged`].
pub fn removed(db: &Db<'_>) -> Result<Vec<RemovedCompany>> {
    db.all(LIST, (), |row| {
        Ok(RemovedCompany {
            id: CompanyId(row.get(0)?),
            name: row.get(1)?,
            contacts: row.get::<_, i64>(2)?.unsigned_abs(),
            at: moment(row.get(3)?)?,
        })
    })
}

/// Gives a removed company back, under its number, with its values and who had said them. Its contacts have it again where
/// they got no other one since, and its domain stays with whoever took it meanwhile.
///
/// # Errors
/// [`Error::NotFound`] for one that was not removed, or too long ago.
pub fn restore(tx: &mut Tx<'_>, id: CompanyId) -> Result<Restored> {
    let row = tx.one(KEPT, (id.0,), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let Some((name, kept)) = row else {
        return Err(Error::missing("removed company", id));
    };
    let kept: Kept = from_json("removed_companies", &kept)?;
    let free = match &kept.domain {
        Some(domain) => find(tx, None, Some(domain))?.is_none(),
        None => true,
    };
    let domain = kept.domain.filter(|_| free);
    let now = ms(tx.now());
    let row = (
        id.0,
        &name,
        folded_name(&name),
        &domain,
        kept.source,
        kept.created_at,
        now,
    );
    tx.run(MAKE_AGAIN, row)?;
    let catalogue = tx.catalogue.clone();
    for was in kept.values {
        let Some(field) = catalogue.by_number(was.field) else {
            continue;
        };
        match field {
            FieldRef::Company(COMPANY_DOMAIN) if domain.is_none() => continue,
            FieldRef::Company(COMPANY | COMPANY_DOMAIN) => {}
            FieldRef::OfCompany(custom) if !custom.retired => {
                write_cells(tx, id, field.key(), was.value)?;
            }
            _ => continue,
        }
        if let Some(from) = was.origin {
            tx.run(SET_PROVENANCE, (id.0, was.field, from.source, from.at))?;
        }
    }
    for (import, was) in kept.changes {
        tx.run(KEEP_CHANGE, (import, id.0, was))?;
    }
    let theirs = tx.all(THEIRS, (id.0,), |row| {
        let (source, at): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        let from = source.zip(at).map(|(source, at)| Origin { source, at });
        Ok((ContactId(row.get(0)?), from))
    })?;
    let number = Value::Number(f64::from(id.0));
    for (contact, from) in &theirs {
        put_connection_back(tx, *contact, Some(&number), *from, "user")?;
    }
    forget(tx, id)?;
    tell(tx, id);
    tx.topic(Topic::Contacts);
    Ok(Restored {
        contacts: theirs.len() as u64,
        without_domain: !free,
    })
}
