//! Reading companies.

use crate::catalogue::{COMPANY_DOMAIN, Catalogue, FieldRef};
use crate::contacts::company_column;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, moment_opt};
use crate::values;
use carillon_engine::companies::{domain_of, folded_name};
use carillon_model::company::Company;
use carillon_model::contact::{COMPANY_FIELDS, FieldType, FieldValue, Provenance, Value};
use carillon_model::{CompanyId, ContactId, Moment};
use roaring::RoaringBitmap;
use rusqlite::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ROW: &str = sql!(
    "SELECT k.name, k.domain, k.created_at, s.text FROM companies k JOIN sources s ON s.id = k.source WHERE k.id = ?1"
);
const EXISTS: &str = sql!("SELECT 1 FROM companies WHERE id = ?1");
const CHANGED_AT: &str = sql!("SELECT updated_at FROM companies WHERE id = ?1");
const COUNT: &str = sql!("SELECT count(*) FROM companies", scan: "counted once for a screen");
const COUNT_FOUND: &str = sql!(
    "SELECT count(*) FROM companies k
     WHERE (?1 = '' OR instr(k.folded, ?1) > 0 OR instr(ifnull(k.domain, ''), ?1) > 0)
       AND (?2 = 0 OR NOT EXISTS (SELECT 1 FROM contacts c WHERE c.company_id = k.id))",
    scan: "a search looks at every company's name"
);
const BEHIND: &str = sql!("SELECT id FROM companies WHERE id > ?1 ORDER BY id LIMIT ?2");
const BY_DOMAIN: &str = sql!("SELECT id FROM companies WHERE domain = ?1");
const BY_NAME: &str = sql!("SELECT id FROM companies WHERE folded = ?1 ORDER BY id LIMIT 1");
const BY_NAME_ALONE: &str =
    sql!("SELECT id FROM companies WHERE folded = ?1 AND domain IS NULL ORDER BY id LIMIT 1");
const OF_CONTACT: &str = sql!("SELECT company_id FROM contacts WHERE id = ?1");
const CONTACTS: &str = sql!("SELECT id FROM contacts WHERE company_id = ?1 ORDER BY id");
const HOW_MANY: &str = sql!("SELECT count(*) FROM contacts WHERE company_id = ?1");
const PROVENANCE: &str = sql!(
    "SELECT p.field, s.text, p.at FROM company_provenance p JOIN sources s ON s.id = p.source WHERE p.company = ?1"
);
const DOMAINS: &str = sql!(
    "SELECT id, domain FROM companies WHERE domain IS NOT NULL ORDER BY id",
    scan: "contacts are connected with all companies by their addresses, when somebody asks for it"
);
const WITHOUT: &str =
    sql!("SELECT id, email FROM contacts WHERE company_id IS NULL AND id > ?1 ORDER BY id LIMIT ?2");

/// Most companies of one page.
pub(super) const MOST_ROWS: u32 = 1_000;

/// What companies are sorted by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CompanyOrder {
    #[default]
    Name,
    /// In the order they were made.
    Added,
    /// By how many contacts they have.
    Contacts,
    /// By the field of this key, `company.` before it; companies without a value come last either way.
    Field(String),
}

/// Which companies to list.
#[derive(Clone, Debug, Default)]
pub struct CompaniesQuery {
    pub order: CompanyOrder,
    pub descending: bool,
    /// Words of the name or domain; empty: all.
    pub search: String,
    /// Only those that no contact has.
    pub without_contacts: bool,
    pub offset: u64,
    /// At most 1,000.
    pub limit: u32,
}

/// A company of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct CompanyCount {
    pub company: Company,
    /// How many contacts it has.
    pub contacts: u64,
}

/// Keys of all fields of companies.
pub(crate) fn keys(catalogue: &Catalogue) -> impl Iterator<Item = String> {
    let built_in = COMPANY_FIELDS.iter().map(|(key, ..)| (*key).to_owned());
    built_in.chain(catalogue.of_companies().map(|custom| custom.field.key.clone()))
}

/// A company with all values and their provenance. `None`: there is none of this number (any more).
///
/// # Errors
/// [`Error::Damaged`] when a column holds what its field cannot.
pub fn get(db: &Db<'_>, id: CompanyId) -> Result<Option<Company>> {
    let row = db.one(ROW, (id.0,), |row| {
        let first = Provenance {
            source: row.get(3)?,
            at: moment(row.get(2)?)?,
        };
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, first))
    })?;
    let Some((name, domain, first)) = row else {
        return Ok(None);
    };
    let later: HashMap<i64, Provenance> = db
        .all(PROVENANCE, (id.0,), |row| {
            let provenance = Provenance {
                source: row.get(1)?,
                at: moment(row.get(2)?)?,
            };
            Ok((row.get(0)?, provenance))
        })?
        .into_iter()
        .collect();
    let fields = values_of(db, id)?
        .into_iter()
        .map(|(key, value)| {
            let number = db.catalogue.field(&key)?.number();
            let provenance = later.get(&number).unwrap_or(&first).clone();
            Ok(FieldValue {
                key,
                value,
                provenance,
            })
        })
        .collect::<Result<Vec<FieldValue>>>()?;
    Ok(Some(Company {
        id,
        name,
        domain,
        fields,
        created_at: first.at,
    }))
}

/// What a company's contacts read of it: each value by its key. Empty for a company that is gone.
///
/// # Errors
/// As [`get`].
pub fn values_of(db: &Db<'_>, id: CompanyId) -> Result<Vec<(String, Value)>> {
    let fields = fields(&db.catalogue, |_| true);
    let found = db.one(&values_sql(&fields, Whose::One), (id.0,), |row| {
        values_in(row, &fields)
    })?;
    Ok(found.unwrap_or_default())
}

/// The values that all companies have in some fields, company by company.
///
/// # Errors
/// As [`get`].
pub(super) fn values_of_all(
    db: &Db<'_>,
    wanted: &BTreeSet<String>,
    mut push: impl FnMut(CompanyId, BTreeMap<String, Value>),
) -> Result<()> {
    let fields = fields(&db.catalogue, |key| wanted.contains(key));
    db.each(&values_sql(&fields, Whose::All), (), |row| {
        push(
            CompanyId(row.get(0)?),
            values_in(row, &fields)?.into_iter().collect(),
        );
        Ok(())
    })
}

/// Fields of companies, in the order of [`keys`].
pub(crate) fn fields(catalogue: &Catalogue, wanted: impl Fn(&str) -> bool) -> Vec<FieldRef<'_>> {
    let built_in = (0..COMPANY_FIELDS.len()).map(FieldRef::Company);
    let all = built_in.chain(catalogue.of_companies().map(FieldRef::OfCompany));
    all.filter(|field| wanted(field.key())).collect()
}

/// What a row of [`values_sql`] holds.
fn values_in(row: &Row<'_>, fields: &[FieldRef<'_>]) -> Result<Vec<(String, Value)>> {
    let (mut found, mut place) = (Vec::new(), 1);
    for field in fields {
        let money = field.field_type() == FieldType::Money;
        let currency = if money {
            Some(row.get_ref(place + 1)?)
        } else {
            None
        };
        if let Some(value) = values::value(*field, row.get_ref(place)?, currency)? {
            found.push((field.key().to_owned(), value));
        }
        place += 1 + usize::from(money);
    }
    Ok(found)
}

/// Whose values are read.
#[derive(Clone, Copy)]
pub(crate) enum Whose {
    /// Those of the company ?1.
    One,
    All,
}

/// The number of a company and its values in these fields. `scan:` of all companies they are read where rules of a score ask.
pub(crate) fn values_sql(fields: &[FieldRef<'_>], whose: Whose) -> String {
    let mut columns = Vec::new();
    for field in fields {
        match field {
            FieldRef::Company(i) => columns.push(format!(", k.{}", company_column(*i))),
            FieldRef::OfCompany(custom) => {
                let column = custom.column();
                columns.push(format!(", w.{column}"));
                if custom.field.field_type == FieldType::Money {
                    columns.push(format!(", w.{column}c"));
                }
            }
            FieldRef::BuiltIn(_) | FieldRef::Custom(_) => {}
        }
    }
    let columns = columns.concat();
    let of = match whose {
        Whose::One => "WHERE k.id = ?1",
        Whose::All => "",
    };
    format!("SELECT k.id{columns} FROM companies k LEFT JOIN company_fields w ON w.company = k.id {of}")
}

/// One page of companies with how many contacts each has, and how many there are without paging.
///
/// # Errors
/// [`Error::Invalid`] for a page of more than 1,000 rows, [`Error::NotFound`] for an unknown field.
pub fn page(db: &Db<'_>, query: &CompaniesQuery) -> Result<(Vec<CompanyCount>, u64)> {
    if query.limit > MOST_ROWS {
        return Err(Error::Invalid(format!("A page has at most {MOST_ROWS} rows.")));
    }
    let words = folded_name(&query.search);
    let total = match words.is_empty() && !query.without_contacts {
        true => count(db)?,
        false => db
            .value::<i64>(COUNT_FOUND, (&words, query.without_contacts))?
            .unwrap_or(0)
            .unsigned_abs(),
    };
    let offset = i64::try_from(query.offset).unwrap_or(i64::MAX);
    let ids = db.all(
        &page_sql(db, &query.order, query.descending)?,
        (words, query.without_contacts, query.limit, offset),
        |row| Ok(CompanyId(row.get(0)?)),
    )?;
    Ok((counted(db, ids)?, total))
}

/// Companies behind `after` in the order they were made, at most `limit`: for whoever walks through all of them.
///
/// # Errors
/// [`Error::Damaged`].
pub fn behind(db: &Db<'_>, after: Option<CompanyId>, limit: u32) -> Result<Vec<CompanyCount>> {
    let after = after.map_or(-1, |id| i64::from(id.0));
    let ids = db.all(BEHIND, (after, limit), |row| Ok(CompanyId(row.get(0)?)))?;
    counted(db, ids)
}

pub(super) fn counted(db: &Db<'_>, ids: Vec<CompanyId>) -> Result<Vec<CompanyCount>> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(company) = get(db, id)? {
            let contacts = db.value::<i64>(HOW_MANY, (id.0,))?.unwrap_or(0).unsigned_abs();
            rows.push(CompanyCount { company, contacts });
        }
    }
    Ok(rows)
}

/// `scan:` a page of companies is a part of all of them in an order; by name and domain their indexes have it. The words to look
/// for are ?1, whether only those without contacts are wanted ?2, the rows of the page ?3, and those before it ?4.
pub(crate) fn page_sql(db: &Db<'_>, order: &CompanyOrder, descending: bool) -> Result<String> {
    let desc = if descending { " DESC" } else { "" };
    let by_name = || (String::new(), format!("k.folded{desc}, k.id{desc}"));
    let (join, by) = match order {
        CompanyOrder::Name => by_name(),
        CompanyOrder::Added => (String::new(), format!("k.id{desc}")),
        CompanyOrder::Contacts => (
            "LEFT JOIN (SELECT company_id, count(*) n FROM contacts WHERE company_id IS NOT NULL GROUP BY company_id) x
             ON x.company_id = k.id"
                .to_owned(),
            format!("ifnull(x.n, 0){desc}, k.folded, k.id"),
        ),
        CompanyOrder::Field(key) => match db.catalogue.field(key)? {
            FieldRef::Company(COMPANY_DOMAIN) => {
                (String::new(), format!("k.domain{desc} NULLS LAST, k.id{desc}"))
            }
            FieldRef::Company(_) => by_name(),
            FieldRef::OfCompany(custom) => {
                let column = format!("w.{}", custom.column());
                let sorted = match custom.field.field_type {
                    FieldType::Money => format!("{column}c, {column}{desc}"),
                    FieldType::Text => format!("{column} COLLATE NOCASE{desc}"),
                    _ => format!("{column}{desc}"),
                };
                (
                    "LEFT JOIN company_fields w ON w.company = k.id".to_owned(),
                    format!("{column} IS NULL, {sorted}, k.folded, k.id"),
                )
            }
            FieldRef::BuiltIn(_) | FieldRef::Custom(_) => return Err(Error::missing("field of companies", key)),
        },
    };
    Ok(format!(
        "SELECT k.id FROM companies k {join}
         WHERE (?1 = '' OR instr(k.folded, ?1) > 0 OR instr(ifnull(k.domain, ''), ?1) > 0)
           AND (?2 = 0 OR NOT EXISTS (SELECT 1 FROM contacts c WHERE c.company_id = k.id))
         ORDER BY {by} LIMIT ?3 OFFSET ?4"
    ))
}

/// How many companies there are.
///
/// # Errors
/// SQLite's.
pub fn count(db: &Db<'_>) -> Result<u64> {
    Ok(db.value::<i64>(COUNT, ())?.unwrap_or(0).unsigned_abs())
}

/// Whether there is a company of this number.
///
/// # Errors
/// SQLite's.
pub fn exists(db: &Db<'_>, id: CompanyId) -> Result<bool> {
    Ok(db.value::<i64>(EXISTS, (id.0,))?.is_some())
}

/// When a company was last changed.
pub(crate) fn changed_at(db: &Db<'_>, id: i64) -> Result<Option<Moment>> {
    moment_opt(db.value(CHANGED_AT, (id,))?)
}

/// The company a list means: by its domain, else by its name. One that is known to have another domain is another company,
/// whatever it is called.
///
/// # Errors
/// SQLite's.
pub fn find(db: &Db<'_>, name: Option<&str>, domain: Option<&str>) -> Result<Option<CompanyId>> {
    let domain = domain.and_then(domain_of);
    if let Some(domain) = &domain
        && let Some(id) = db.value(BY_DOMAIN, (domain,))?
    {
        return Ok(Some(CompanyId(id)));
    }
    let Some(name) = name.map(folded_name).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let found = match domain {
        Some(_) => db.value(BY_NAME_ALONE, (name,))?,
        None => db.value(BY_NAME, (name,))?,
    };
    Ok(found.map(CompanyId))
}

/// The company of a contact.
///
/// # Errors
/// SQLite's.
pub fn of_contact(db: &Db<'_>, contact: ContactId) -> Result<Option<CompanyId>> {
    let found: Option<Option<u32>> = db.value(OF_CONTACT, (contact.0,))?;
    Ok(found.flatten().map(CompanyId))
}

/// The contacts of a company.
///
/// # Errors
/// SQLite's.
pub fn contacts_of(db: &Db<'_>, id: CompanyId) -> Result<RoaringBitmap> {
    let ids = db.all(CONTACTS, (id.0,), |row| Ok(row.get::<_, u32>(0)?))?;
    Ok(ids.into_iter().collect())
}

/// Companies whose domain is known.
///
/// # Errors
/// SQLite's.
pub fn domains(db: &Db<'_>) -> Result<Vec<(CompanyId, String)>> {
    db.all(DOMAINS, (), |row| Ok((CompanyId(row.get(0)?), row.get(1)?)))
}

/// Contacts without a company behind `after`, in order, with their addresses: for whoever walks through all of them.
///
/// # Errors
/// SQLite's.
pub fn without_company(
    db: &Db<'_>,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<(ContactId, String)>> {
    db.all(WITHOUT, (after.map_or(-1, |id| i64::from(id.0)), limit), |row| {
        Ok((ContactId(row.get(0)?), row.get(1)?))
    })
}
