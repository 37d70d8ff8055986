//! What is known of one contact's values, as a table.

use super::lists::{List, Rows, ready};
use super::{Cell, Kind};
use crate::contacts::history::{entries, whose};
use crate::error::Result;
use crate::workspaces::Open;
use carillon_model::ContactId;

const COLUMNS: [(&str, Kind); 12] = [
    ("email", Kind::Text),
    ("field", Kind::Text),
    ("label", Kind::Text),
    ("value", Kind::Text),
    ("source", Kind::Text),
    ("source_name", Kind::Text),
    ("since", Kind::Moment),
    ("until", Kind::Moment),
    ("replaced_by", Kind::Text),
    ("replaced_by_name", Kind::Text),
    ("of", Kind::Text),
    ("merged_from", Kind::Text),
];

/// Each value as its text, whole, the last first.
pub(super) async fn history_of(open: &Open, contact: ContactId) -> Result<List> {
    let email = whose(open, contact).await?;
    let entries = entries(open, contact, None).await?;
    let rows: Rows = entries
        .into_iter()
        .map(|entry| {
            let (by, by_name) = match &entry.until {
                Some(until) => (until.source.clone(), until.name.clone()),
                None => (String::new(), None),
            };
            vec![
                Cell::text(email.clone()),
                Cell::text(entry.key),
                Cell::text(entry.label),
                entry
                    .value
                    .map_or(Cell::Empty, |value| Cell::text(Cell::from(&value).shown())),
                Cell::text(entry.from.source),
                Cell::text(entry.from.name.unwrap_or_default()),
                Cell::Moment(entry.from.at),
                entry.until.map(|until| until.at).into(),
                Cell::text(by),
                Cell::text(by_name.unwrap_or_default()),
                Cell::text(entry.of.map(|of| of.email).unwrap_or_default()),
                Cell::text(entry.merged.map(|merged| merged.email).unwrap_or_default()),
            ]
        })
        .collect();
    Ok(ready(&COLUMNS, rows))
}
