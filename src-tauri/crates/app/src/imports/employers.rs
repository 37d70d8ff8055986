//! The companies a list names: found by domain, else by name, made where they are new, and given what the list says of them.

use super::plan::Kept;
use crate::companies::{DOMAIN, NAME};
use carillon_engine::companies::folded_name;
use carillon_model::contact::{Value, is_of_company};
use carillon_model::{CompanyId, ContactId, ImportId};
use carillon_store::companies::{self, Given};
use carillon_store::contacts::{Fill, Updated};
use carillon_store::{Db, Error, Tx, imports};
use std::collections::{BTreeMap, HashMap};

/// What a row says of its person's company.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AtCompany {
    given: Vec<Given>,
}

impl AtCompany {
    /// Takes what is said of the company out of the values of a row, which stand in the order of the columns.
    pub fn take(kept: &Kept, values: &mut Vec<Option<Value>>) -> AtCompany {
        let mut given = Vec::new();
        let mut columns = kept.fields.iter();
        values.retain_mut(|value| {
            let Some(column) = columns.next().filter(|column| is_of_company(&column.key)) else {
                return true;
            };
            let said = value.take().filter(|value| column.key != NAME || is_name(value));
            given.extend(said.map(|value| Given {
                key: column.key.clone(),
                value,
                fill: if column.fill_only {
                    Fill::EmptyOnly
                } else {
                    Fill::Overwrite
                },
            }));
            false
        });
        AtCompany { given }
    }

    /// What is said of one field, where it is a text.
    fn text(&self, key: &str) -> Option<&str> {
        self.given.iter().find_map(|given| match &given.value {
            Value::Text(text) if given.key == key => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether the row names a company; else what it says is meant of the one its person has.
    fn names_one(&self) -> bool {
        self.text(NAME).is_some() || self.text(DOMAIN).is_some()
    }

    /// Whether the contact's company may be replaced: a column that only fills leaves it.
    fn may_replace(&self) -> bool {
        let mut naming = self
            .given
            .iter()
            .filter(|given| [NAME, DOMAIN].contains(&given.key.as_str()));
        naming.any(|given| given.fill == Fill::Overwrite)
    }

    /// What is written of a company that is known: its name stays as it is written there, for it was found by it.
    fn of_known(&self) -> Vec<Given> {
        let mut given = self.given.clone();
        given.retain(|given| given.key != NAME);
        given
    }

    /// The company that is meant. A row that names another than its person has, by columns that only fill, means none.
    fn meant(&self, db: &Db<'_>, contact: ContactId) -> Result<Meant, Error> {
        if self.given.is_empty() {
            return Ok(Meant::None);
        }
        let own = companies::of_contact(db, contact)?;
        let named = companies::find(db, self.text(NAME), self.text(DOMAIN))?;
        Ok(match (own, named) {
            (Some(own), _) if !self.names_one() => Meant::Known(own),
            (Some(own), named) if !self.may_replace() && named != Some(own) => Meant::None,
            (_, Some(named)) => Meant::Known(named),
            (_, None) if self.names_one() => Meant::New,
            (_, None) => Meant::None,
        })
    }
}

/// Whether something is left of a name when it is compared: a company could not be found by it.
fn is_name(value: &Value) -> bool {
    matches!(value, Value::Text(name) if !folded_name(name).is_empty())
}

enum Meant {
    None,
    Known(CompanyId),
    /// One that is not there yet.
    New,
}

/// What connecting somebody did.
#[derive(Default)]
pub(crate) struct Connected {
    /// The company that was replaced, to be kept for the undoing.
    pub was: Option<Updated>,
    /// Whether anything changed, the company's own values among it.
    pub any: bool,
}

/// Companies of the rows so far: what was said of each last, so that the same is not written or counted again for every row.
#[derive(Default)]
pub(crate) struct Employers {
    said: HashMap<CompanyId, AtCompany>,
}

impl Employers {
    /// Whether a contact would get another company, or its company another value that no row before says as well.
    ///
    /// # Errors
    /// The store's.
    pub fn would_change(&mut self, db: &Db<'_>, contact: ContactId, row: &AtCompany) -> Result<bool, Error> {
        let company = match row.meant(db, contact)? {
            Meant::None => return Ok(false),
            Meant::New => return Ok(true),
            Meant::Known(company) => company,
        };
        let known = self.said.insert(company, row.clone()).as_ref() == Some(row);
        if companies::of_contact(db, contact)? != Some(company) {
            return Ok(true);
        }
        if known {
            return Ok(false);
        }
        let before: BTreeMap<String, Value> = companies::values_of(db, company)?.into_iter().collect();
        Ok(row.of_known().iter().any(|given| match before.get(&given.key) {
            None => true,
            Some(was) => given.fill == Fill::Overwrite && *was != given.value,
        }))
    }

    /// Gives somebody the company a row names, and the company what the row says of it.
    ///
    /// # Errors
    /// The store's.
    pub fn connect(
        &mut self,
        tx: &mut Tx<'_>,
        import: ImportId,
        contact: ContactId,
        row: &AtCompany,
    ) -> Result<Connected, Error> {
        let source = imports::source(import);
        let (company, made) = match row.meant(tx, contact)? {
            Meant::None => return Ok(Connected::default()),
            Meant::Known(company) => (company, false),
            Meant::New => {
                let (name, domain) = (row.text(NAME), row.text(DOMAIN));
                let name = name.or(domain).unwrap_or_default();
                (companies::add(tx, name, domain, &source)?, true)
            }
        };
        let mut any = made;
        if self.said.get(&company) != Some(row) {
            let changed = companies::update(tx, company, &row.of_known(), &source)?;
            any |= !changed.is_empty();
            if !made {
                companies::keep_was(tx, import, company, &changed)?;
            }
            self.said.insert(company, row.clone());
        }
        let was = companies::connect_imported(tx, contact, Some(company), &source)?;
        Ok(Connected {
            any: any || was.is_some(),
            was,
        })
    }
}
