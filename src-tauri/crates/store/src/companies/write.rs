//! Writing companies, and which contact has which.

use super::read::{exists, of_contact, values_of};
use crate::catalogue::{COMPANY, COMPANY_DOMAIN, COMPANY_FROM, FieldRef};
use crate::contacts::{Fill, Origin, Updated, contacts_touched, history, set_custom_sql, set_money_sql};
use crate::duplicates;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use crate::values;
use carillon_engine::companies::{domain_of, folded_name};
use carillon_model::contact::{COMPANY_FIELDS, Value};
use carillon_model::{CompanyId, ContactId};
use std::collections::BTreeMap;

const ADD: &str = sql!(
    "INSERT INTO companies(name, folded, domain, source, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?5) RETURNING id"
);
const SET_NAME: &str = sql!("UPDATE companies SET name = ?2, folded = ?3 WHERE id = ?1");
const SET_DOMAIN: &str = sql!("UPDATE companies SET domain = ?2 WHERE id = ?1");
const HOLDER: &str = sql!("SELECT id FROM companies WHERE domain = ?1");
const TOUCHED: &str = sql!("UPDATE companies SET updated_at = ?2 WHERE id = ?1");
const MADE: &str = sql!("SELECT source, created_at FROM companies WHERE id = ?1");
const ADDED: &str = sql!("SELECT source, created_at FROM contacts WHERE id = ?1");
const ORIGIN: &str = sql!("SELECT source, at FROM company_provenance WHERE company = ?1 AND field = ?2");
pub(super) const SET_PROVENANCE: &str = sql!(
    "INSERT INTO company_provenance(company, field, source, at) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(company, field) DO UPDATE SET source = excluded.source, at = excluded.at"
);
const NO_PROVENANCE: &str = sql!("DELETE FROM company_provenance WHERE company = ?1 AND field = ?2");
pub(super) const CONTACTS: &str = sql!("SELECT id FROM contacts WHERE company_id = ?1 ORDER BY id");
const CONNECT: &str = sql!("UPDATE contacts SET company_id = ?2 WHERE id = ?1");
const OWN_ORIGIN: &str = sql!("SELECT source, at FROM provenance WHERE contact = ?1 AND field = ?2");
const SET_OWN_PROVENANCE: &str = sql!(
    "INSERT INTO provenance(contact, field, source, at) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(contact, field) DO UPDATE SET source = excluded.source, at = excluded.at"
);
pub(super) const NO_OWN_PROVENANCE: &str = sql!("DELETE FROM provenance WHERE contact = ?1 AND field = ?2");

/// What somebody says of a company: a value of a field, and whether it may replace one.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// With `company.` before it.
    pub key: String,
    pub value: Value,
    pub fill: Fill,
}

fn no_name() -> Error {
    Error::Invalid("A company needs a name.".to_owned())
}

/// The domain as it is kept.
fn kept_domain(text: &str) -> Result<String> {
    domain_of(text).ok_or_else(|| {
        Error::Invalid(format!(
            "\"{text}\" is no domain of a company: write it like acme.com."
        ))
    })
}

fn is_free(tx: &Tx<'_>, domain: &str, but: Option<CompanyId>) -> Result<()> {
    match tx.value::<u32>(HOLDER, (domain,))?.map(CompanyId) {
        Some(other) if Some(other) != but => Err(Error::Taken {
            what: "company at",
            name: domain.to_owned(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn tell(tx: &mut Tx<'_>, id: CompanyId) {
    tx.touch("companies", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Companies);
}

/// Makes a company. Names may be the same; domains may not.
///
/// # Errors
/// [`Error::Invalid`] for an empty name or a text that is no domain, [`Error::Taken`] for a domain another company has.
pub fn add(tx: &mut Tx<'_>, name: &str, domain: Option<&str>, source: &str) -> Result<CompanyId> {
    let (name, folded) = (name.trim(), folded_name(name));
    if folded.is_empty() {
        return Err(no_name());
    }
    let domain = domain.map(kept_domain).transpose()?;
    if let Some(domain) = &domain {
        is_free(tx, domain, None)?;
    }
    let (source, now) = (tx.source(source)?, ms(tx.now()));
    let id: u32 = tx
        .value(ADD, (name, folded, domain, source, now))?
        .ok_or_else(|| Error::damaged("companies", "a new company got no number"))?;
    tell(tx, CompanyId(id));
    Ok(CompanyId(id))
}

/// Sets one value of a company, or clears it; its name cannot be cleared. What it was is returned; setting what is there
/// already changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Taken`] for a domain another company has, [`Error::Invalid`] otherwise.
pub fn set(
    tx: &mut Tx<'_>,
    id: CompanyId,
    key: &str,
    value: Option<&Value>,
    source: &str,
) -> Result<Option<Value>> {
    if !exists(tx, id)? {
        return Err(Error::missing("company", id));
    }
    let was = values_of(tx, id)?
        .into_iter()
        .find(|(k, _)| k == key)
        .map(|(_, v)| v);
    let new = normal(tx, key, value)?;
    if was != new {
        write(tx, id, key, new, source)?;
    }
    Ok(was)
}

/// Writes what is given of a company, each value by its own rule. What was replaced is returned.
///
/// # Errors
/// As [`set`].
pub fn update(tx: &mut Tx<'_>, id: CompanyId, given: &[Given], source: &str) -> Result<Vec<Updated>> {
    let before = values_of(tx, id)?;
    let mut changed = Vec::new();
    for Given { key, value, fill } in given {
        let was = before.iter().find(|(k, _)| k == key).map(|(_, v)| v);
        let new = normal(tx, key, Some(value))?;
        if new.is_none() || was == new.as_ref() || (was.is_some() && *fill == Fill::EmptyOnly) {
            continue;
        }
        let origin = origin(tx, id, tx.catalogue.field(key)?.number())?;
        write(tx, id, key, new.clone(), source)?;
        changed.push(Updated {
            key: key.clone(),
            was: was.cloned(),
            now: new,
            origin,
        });
    }
    Ok(changed)
}

/// The value as it is kept.
fn normal(tx: &Tx<'_>, key: &str, value: Option<&Value>) -> Result<Option<Value>> {
    match (tx.catalogue.said(key)?, value) {
        (FieldRef::BuiltIn(_) | FieldRef::Custom(_), _) => Err(Error::Invalid(format!(
            "\"{key}\" is a field of contacts, not of companies."
        ))),
        (FieldRef::Company(COMPANY), None) => Err(no_name()),
        (FieldRef::Company(COMPANY), Some(Value::Text(name))) => match name.trim() {
            name if folded_name(name).is_empty() => Err(no_name()),
            name => Ok(Some(Value::Text(name.to_owned()))),
        },
        (FieldRef::Company(COMPANY_DOMAIN), Some(Value::Text(domain))) => {
            kept_domain(domain).map(|domain| Some(Value::Text(domain)))
        }
        (field, Some(value)) => values::check(field, value).map(|()| Some(values::kept(value.clone()))),
        (_, None) => Ok(None),
    }
}

/// Writes one value with its provenance, and tells the index of each contact. The company exists and the value differs.
fn write(tx: &mut Tx<'_>, id: CompanyId, key: &str, value: Option<Value>, source: &str) -> Result<()> {
    let source = tx.source(source)?;
    write_cells(tx, id, key, value)?;
    let (number, now) = (tx.catalogue.field(key)?.number(), ms(tx.now()));
    let made = tx.one(MADE, (id.0,), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    match made == Some((source, now)) {
        true => tx.run(NO_PROVENANCE, (id.0, number))?,
        false => tx.run(SET_PROVENANCE, (id.0, number, source, now))?,
    };
    tx.run(TOUCHED, (id.0, now))?;
    tell(tx, id);
    Ok(())
}

pub(super) fn write_cells(tx: &mut Tx<'_>, id: CompanyId, key: &str, value: Option<Value>) -> Result<()> {
    let catalogue = tx.catalogue.clone();
    let field = catalogue.field(key)?;
    let (cell, currency) = values::cells(field, value.as_ref())?;
    match (field, &value) {
        (FieldRef::Company(COMPANY), Some(Value::Text(name))) => {
            tx.run(SET_NAME, (id.0, name, folded_name(name)))?;
        }
        (FieldRef::Company(COMPANY_DOMAIN), _) => {
            if let Some(Value::Text(domain)) = &value {
                is_free(tx, domain, Some(id))?;
            }
            tx.run(SET_DOMAIN, (id.0, cell))?;
        }
        (FieldRef::OfCompany(custom), _) => {
            match currency {
                Some(currency) => tx.run(&set_money_sql(custom), (id.0, cell, currency))?,
                None => tx.run(&set_custom_sql(custom), (id.0, cell))?,
            };
        }
        _ => return Err(Error::Invalid(format!("\"{key}\" is no value of a company."))),
    }
    for contact in tx.all(CONTACTS, (id.0,), |row| Ok(ContactId(row.get(0)?)))? {
        told(tx, contact, key, value.clone())?;
    }
    Ok(())
}

/// Tells whoever follows a contact that it reads another value of its company.
pub(super) fn told(tx: &mut Tx<'_>, contact: ContactId, key: &str, value: Option<Value>) -> Result<()> {
    duplicates::outdated(tx, contact)?;
    tx.change(Change::FieldSet {
        contact,
        key: key.to_owned(),
        value,
    });
    contacts_touched(tx, contact);
    Ok(())
}

/// Who wrote a value of a company, by the number of its field; `None`: whoever made the company.
pub(super) fn origin(tx: &Tx<'_>, id: CompanyId, field: i64) -> Result<Option<Origin>> {
    tx.one(ORIGIN, (id.0, field), |row| {
        Ok(Origin {
            source: row.get(0)?,
            at: row.get(1)?,
        })
    })
}

/// Puts a value back as it was, as written by whom it was written.
pub(super) fn put_back(
    tx: &mut Tx<'_>,
    id: CompanyId,
    key: &str,
    value: Option<&Value>,
    origin: Option<Origin>,
    by: &str,
) -> Result<()> {
    set(tx, id, key, value, by)?;
    let field = tx.catalogue.field(key)?.number();
    match origin {
        Some(from) => tx.run(SET_PROVENANCE, (id.0, field, from.source, from.at))?,
        None => tx.run(NO_PROVENANCE, (id.0, field))?,
    };
    Ok(())
}

/// Gives a contact a company, or none. What was replaced, by the number of the company, as an import keeps it for its
/// undoing; `None`: the contact had it already.
///
/// # Errors
/// [`Error::NotFound`] for a contact or company that is not there.
pub fn connect(
    tx: &mut Tx<'_>,
    contact: ContactId,
    company: Option<CompanyId>,
    source: &str,
) -> Result<Option<Updated>> {
    change_company(tx, contact, company, source, true)
}

/// [`connect`] for who keeps what was there for an undoing: the history does not keep it, too.
///
/// # Errors
/// As [`connect`].
pub fn connect_imported(
    tx: &mut Tx<'_>,
    contact: ContactId,
    company: Option<CompanyId>,
    source: &str,
) -> Result<Option<Updated>> {
    change_company(tx, contact, company, source, false)
}

/// Who said which company a contact has; `None`: whoever added the contact.
pub(super) fn own_origin(tx: &Tx<'_>, contact: ContactId) -> Result<Option<Origin>> {
    tx.one(OWN_ORIGIN, (contact.0, COMPANY_FROM), |row| {
        Ok(Origin {
            source: row.get(0)?,
            at: row.get(1)?,
        })
    })
}

fn change_company(
    tx: &mut Tx<'_>,
    contact: ContactId,
    company: Option<CompanyId>,
    source: &str,
    keep: bool,
) -> Result<Option<Updated>> {
    let Some(added) = tx.one(ADDED, (contact.0,), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?
    else {
        return Err(Error::missing("contact", contact));
    };
    let was = of_contact(tx, contact)?;
    if let Some(company) = company
        && !exists(tx, company)?
    {
        return Err(Error::missing("company", company));
    }
    if was == company {
        return Ok(None);
    }
    let origin = own_origin(tx, contact)?;
    let (source, now) = (tx.source(source)?, ms(tx.now()));
    let mut values: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let mut name = None;
    for (key, value) in was.map(|was| values_of(tx, was)).transpose()?.unwrap_or_default() {
        if key == COMPANY_FIELDS[COMPANY].0 {
            name = Some(value);
        }
        values.insert(key, None);
    }
    if keep && (was.is_some() || added.1 != now) {
        let found = history::Was {
            field: COMPANY_FROM,
            value: name.as_ref(),
            origin,
        };
        history::keep(tx, contact, &found, Origin { source, at: now })?;
    }
    if let Some(company) = company {
        let new = values_of(tx, company)?;
        values.extend(new.into_iter().map(|(key, value)| (key, Some(value))));
    }
    tx.run(CONNECT, (contact.0, company.map(|company| company.0)))?;
    // Who added the contact in this very write said it with the rest.
    match added == (source, now) {
        true => tx.run(NO_OWN_PROVENANCE, (contact.0, COMPANY_FROM))?,
        false => tx.run(SET_OWN_PROVENANCE, (contact.0, COMPANY_FROM, source, now))?,
    };
    for (key, value) in values {
        told(tx, contact, &key, value)?;
    }
    tx.topic(Topic::Companies);
    let number = |id: CompanyId| Value::Number(f64::from(id.0));
    Ok(Some(Updated {
        key: COMPANY_FIELDS[COMPANY].0.to_owned(),
        was: was.map(number),
        now: company.map(number),
        origin,
    }))
}

/// Gives a contact back the company it had, by the number [`connect`] told, with who had said it. A company that was
/// removed since is not given back.
pub(crate) fn put_connection_back(
    tx: &mut Tx<'_>,
    contact: ContactId,
    was: Option<&Value>,
    origin: Option<Origin>,
    by: &str,
) -> Result<()> {
    let number = match was {
        Some(Value::Number(n)) if *n >= 0.0 && *n <= f64::from(u32::MAX) => Some(CompanyId(*n as u32)),
        _ => None,
    };
    let company = match number {
        Some(id) if exists(tx, id)? => Some(id),
        _ => None,
    };
    connect(tx, contact, company, by)?;
    match origin.filter(|_| company.is_some()) {
        Some(from) => tx.run(
            SET_OWN_PROVENANCE,
            (contact.0, COMPANY_FROM, from.source, from.at),
        )?,
        None => tx.run(NO_OWN_PROVENANCE, (contact.0, COMPANY_FROM))?,
    };
    Ok(())
}
