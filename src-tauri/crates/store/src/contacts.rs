//! Contacts: their rows, values and where each value came from.
//!
//! Provenance is compact: a contact's row names the source and moment that created it, and stands for all its
//! values; `provenance` has a row only for a value written later or by another hand. `time_zone` has its own
//! source column, because importers derive it from the country for whole files.

mod adding;
pub(crate) mod changed;
pub mod history;
mod page;
mod read;
mod remove;
mod tags;
mod write;

pub use adding::{Columns, Inserted, NewContact, insert_batch};
pub use page::{Order, Ordered, Orders, Page, PageQuery, order, page};
pub use read::{
    Asked, by_email, count, email_of, exists, get, get_many, id_of, range_after, record_fields, values_after,
    values_of,
};
pub use remove::delete;
pub use tags::{add_tag, remove_tag, tags};
pub use write::{Fill, Updated, normalise_email, set_field, update};

pub(crate) use read::holder_of;
pub(crate) use read::{Reader, company_column};
pub(crate) use write::{
    Origin, builtin_column, contacts_touched, mend_field, origin, put_back, set_custom_sql, set_money_sql,
};

use carillon_model::contact::BUILT_IN_FIELDS;

/// Position of `email` in the built-in fields; it has its own rules.
pub(crate) const EMAIL: usize = 0;
/// Position of `time_zone`.
pub(crate) const TIME_ZONE: usize = 7;
/// Position of `created_at`.
pub(crate) const CREATED_AT: usize = 8;

const _: () = assert!(BUILT_IN_FIELDS.len() == CREATED_AT + 1);

/// Each statement that is put together from columns, with whether it may read all contacts.
#[cfg(test)]
pub(crate) fn all_dynamic(db: &crate::Db<'_>, orders: &[Order]) -> crate::Result<Vec<(String, bool)>> {
    use crate::companies::{CompanyOrder, Whose};
    let reader = Reader::new(&db.catalogue);
    let mut all = vec![
        (reader.by_id(), false),
        (reader.after_id(), false),
        (reader.between_ids(), false),
    ];
    for by in orders {
        all.push((page::order_sql(db, by)?, true));
    }
    let of_companies = crate::companies::fields(&db.catalogue, |_| true);
    for (whose, may_scan) in [(Whose::One, false), (Whose::All, true)] {
        all.push((crate::companies::values_sql(&of_companies, whose), may_scan));
    }
    let by_field = crate::companies::keys(&db.catalogue).map(CompanyOrder::Field);
    let others = [CompanyOrder::Name, CompanyOrder::Added, CompanyOrder::Contacts];
    for by in by_field.chain(others) {
        for descending in [false, true] {
            all.push((crate::companies::page_sql(db, &by, descending)?, true));
        }
    }
    for table in crate::duplicates::TABLES {
        let of_contact = if table == "contacts" { "id" } else { "contact" };
        let column = match table {
            "duplicate_pairs" => "a",
            "choices" | "suppressions" => "hash",
            _ => of_contact,
        };
        all.push((crate::duplicates::insert_sql(table, &[column.to_owned()]), false));
    }
    for i in (0..BUILT_IN_FIELDS.len()).filter(|i| *i != CREATED_AT) {
        all.push((write::builtin_column(i), false));
    }
    for custom in db.catalogue.of_companies() {
        all.push((crate::fields::holders_sql(custom), true));
        all.push((write::set_custom_sql(custom), false));
        if custom.field.field_type == carillon_model::contact::FieldType::Money {
            all.push((write::set_money_sql(custom), false));
        }
    }
    for custom in db.catalogue.active() {
        all.push((crate::fields::holders_sql(custom), true));
        all.push((write::set_custom_sql(custom), false));
        if custom.field.score.is_none() {
            let columns = Columns::resolve(db, &[custom.field.key.as_str()])?;
            all.extend(columns.insert_custom().map(|sql| (sql.to_owned(), false)));
        }
        if custom.field.field_type == carillon_model::contact::FieldType::Money {
            all.push((write::set_money_sql(custom), false));
        }
    }
    Ok(all)
}
