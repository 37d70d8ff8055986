//! Pages of a table of a million contacts.
//!
//! An order over all contacts is read once and kept until contacts change; a page is a slice of it. So a
//! screen scrolls anywhere in a sorted and filtered table at the cost of the rows it shows.

use super::read::get_many;
use crate::catalogue::FieldRef;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use carillon_model::ContactId;
use carillon_model::contact::{Contact, FieldType};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What rows are sorted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// In the order they were added.
    #[default]
    Added,
    /// By a built-in or custom field; contacts without a value come last either way.
    Field(String),
}

/// One page.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    pub order: Order,
    pub descending: bool,
    /// Only these; `None`: all.
    pub filter: Option<RoaringBitmap>,
    pub offset: u64,
    /// At most 1,000.
    pub limit: u32,
}

/// Rows of a page, and how many there are without paging.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub rows: Vec<Contact>,
    pub total: u64,
}

/// Most rows of one page.
const MOST_ROWS: u32 = 1_000;
/// Orders kept at a time: 4 MB each at a million contacts.
const MOST_ORDERS: usize = 4;

const NEXT_SEQ: &str = sql!("SELECT next FROM marks WHERE name = 'seq'");
const ADDED: &str =
    sql!("SELECT id, 1 FROM contacts ORDER BY id", scan: "the order of all contacts, kept until they change");
const ANY_CHANGE: &str = sql!("SELECT 1 FROM changes WHERE seq >= ?1 AND \"table\" = 'contacts' LIMIT 1");

/// Orders read so far, with the `seq` they were read after.
#[derive(Default)]
pub struct Orders {
    kept: Mutex<HashMap<Order, (i64, Arc<Ordered>)>>,
    pub(crate) of_companies: crate::companies::LastOrder,
}

/// All contacts in one order, ascending; those without a value at the end.
#[derive(Debug, PartialEq, Eq)]
pub struct Ordered {
    ids: Vec<u32>,
    /// How many have a value.
    known: usize,
}

impl Ordered {
    /// Each contact, those without a value last in both directions.
    pub fn walk(&self, descending: bool) -> Box<dyn Iterator<Item = u32> + '_> {
        let (known, rest) = self.ids.split_at(self.known);
        match descending {
            false => Box::new(self.ids.iter().copied()),
            true => Box::new(known.iter().rev().chain(rest).copied()),
        }
    }
}

/// All contacts in an order, ascending: read once, kept until contacts change.
///
/// # Errors
/// [`Error::NotFound`] for an unknown field.
pub fn order(db: &Db<'_>, by: &Order) -> Result<Arc<Ordered>> {
    let next: i64 = db.value(NEXT_SEQ, ())?.unwrap_or(1);
    let orders = &db.orders;
    let kept = orders
        .kept
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(by)
        .cloned();
    if let Some((seq, ids)) = kept
        && (seq >= next || db.value::<i64>(ANY_CHANGE, (seq,))?.is_none())
    {
        return Ok(ids);
    }
    let mut known = 0;
    let ids = db.all(&order_sql(db, by)?, (), |row| {
        known += usize::from(row.get::<_, bool>(1)?);
        Ok(row.get::<_, u32>(0)?)
    })?;
    let ids = Arc::new(Ordered { ids, known });
    let mut all = orders.kept.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST_ORDERS
        && let Some(oldest) = all
            .iter()
            .min_by_key(|(_, (seq, _))| *seq)
            .map(|(by, _)| by.clone())
    {
        all.remove(&oldest);
    }
    all.insert(by.clone(), (next, ids.clone()));
    Ok(ids)
}

/// `scan:` the order of all contacts, kept until they change.
pub(crate) fn order_sql(db: &Db<'_>, by: &Order) -> Result<String> {
    let Order::Field(key) = by else {
        return Ok(ADDED.to_owned());
    };
    Ok(match db.catalogue.field(key)? {
        FieldRef::BuiltIn(i) => {
            let column = super::read::builtin_key(i);
            format!(
                "SELECT id, {column} IS NOT NULL FROM contacts ORDER BY {column} IS NULL, {column} COLLATE NOCASE, id"
            )
        }
        FieldRef::Company(i) => {
            let column = super::company_column(i);
            format!(
                "SELECT c.id, k.{column} IS NOT NULL FROM contacts c LEFT JOIN companies k ON k.id = c.company_id
                 ORDER BY k.{column} IS NULL, k.{column} COLLATE NOCASE, c.id"
            )
        }
        FieldRef::Custom(custom) | FieldRef::OfCompany(custom) => {
            let column = custom.column();
            let (table, whose) = custom.table();
            let id = if custom.field.is_of_company() {
                "company_id"
            } else {
                "id"
            };
            let sorted = match custom.field.field_type {
                FieldType::Money => format!("f.{column}c, f.{column}"),
                FieldType::Text => format!("f.{column} COLLATE NOCASE"),
                _ => format!("f.{column}"),
            };
            format!(
                "SELECT c.id, f.{column} IS NOT NULL FROM contacts c LEFT JOIN {table} f ON f.{whose} = c.{id}
                 ORDER BY f.{column} IS NULL, {sorted}, c.id"
            )
        }
    })
}

/// One page of contacts.
///
/// # Errors
/// [`Error::Invalid`] for a page of more than 1,000 rows, [`Error::NotFound`] for an unknown field.
pub fn page(db: &Db<'_>, query: &PageQuery) -> Result<Page> {
    if query.limit > MOST_ROWS {
        return Err(Error::Invalid(format!("A page has at most {MOST_ROWS} rows.")));
    }
    let ordered = order(db, &query.order)?;
    let skip = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let wanted = |id: &u32| query.filter.as_ref().is_none_or(|f| f.contains(*id));
    let chosen: Vec<ContactId> = ordered
        .walk(query.descending)
        .filter(wanted)
        .skip(skip)
        .take(query.limit as usize)
        .map(ContactId)
        .collect();
    let total = match &query.filter {
        None => ordered.ids.len(),
        Some(_) => ordered.ids.iter().filter(|id| wanted(id)).count(),
    };
    Ok(Page {
        rows: get_many(db, &chosen)?,
        total: total as u64,
    })
}
