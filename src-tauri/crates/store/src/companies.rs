//! Companies: whom contacts work for. A contact has at most one and reads its values as its own, under keys that begin with
//! `company.`.
//!
//! For everything that follows contacts, a change of a company is a change of its contacts: [`set`], [`remove`] and
//! [`connect`] tell the index of each of them, in the commit that changes the company.

mod read;
mod removed;
mod scored;
mod undo;
mod write;

pub use read::{
    CompaniesQuery, CompanyCount, CompanyOrder, behind, contacts_of, count, domains, exists, find, get,
    of_contact, page, values_of, without_company,
};
pub use removed::{RemovedCompany, Restored, remove, removed, restore};
pub use scored::{CompaniesMeasured, CompanyMeasure};
pub use undo::keep_was;
pub use write::{Given, add, connect, connect_imported, set, update};

#[cfg(test)]
pub(crate) use read::{Whose, fields, page_sql, values_sql};
pub(crate) use read::{changed_at, keys};
pub(crate) use scored::LastOrder;
pub(crate) use undo::{drop_made, restore_changed};
pub(crate) use write::put_connection_back;
