//! Companies as rows of a table: their fields, their points and how many work there.

use super::lists::{PAGE, Rows, columns};
use super::{Cell, Column, Kind};
use crate::error::Result;
use crate::workspaces::Open;
use carillon_model::CompanyId;
use carillon_model::contact::{Field, FieldType};
use carillon_store::companies::{self, CompanyCount};

/// Companies in the order they were made.
pub(super) struct CompanyRows {
    /// The last one that was written.
    after: Option<CompanyId>,
    /// Fields of companies.
    keys: Vec<String>,
    /// Fields of the scores whose points of companies are written.
    scores: Vec<String>,
}

fn is_measured(field: &Field) -> bool {
    field.score.is_some() && field.field_type == FieldType::Number
}

impl CompanyRows {
    pub fn columns(known: &[Field]) -> Vec<Column> {
        let fields = known.iter().filter(|field| field.is_of_company());
        let named = fields.map(|field| Column::new(&field.key, Kind::of(field.field_type)));
        let scores = known.iter().filter(|field| is_measured(field));
        let points = scores.map(|field| Column::new(&field.key, Kind::Whole));
        let further = columns(&[("contacts", Kind::Whole), ("created_at", Kind::Moment)]);
        named.chain(points).chain(further).collect()
    }

    pub fn of(known: &[Field]) -> CompanyRows {
        let keys = |wanted: &dyn Fn(&Field) -> bool| {
            let fields = known.iter().filter(|field| wanted(field));
            fields.map(|field| field.key.clone()).collect()
        };
        CompanyRows {
            after: None,
            keys: keys(&Field::is_of_company),
            scores: keys(&is_measured),
        }
    }

    pub async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        let after = self.after;
        let found = open
            .store
            .read(move |db| companies::behind(db, after, PAGE))
            .await?;
        self.after = found.last().map(|counted| counted.company.id).or(after);
        let points = self.points(open, &found).await?;
        let row = |(n, counted): (usize, &CompanyCount)| {
            let values = &counted.company.fields;
            let cells = self.keys.iter().map(|key| {
                let held = values.iter().find(|field| field.key == *key);
                held.map_or(Cell::Empty, |field| Cell::from(&field.value))
            });
            let points = points.iter().map(|all| all[n].map_or(Cell::Empty, Cell::Whole));
            let contacts = Cell::Whole(i64::try_from(counted.contacts).unwrap_or(i64::MAX));
            cells
                .chain(points)
                .chain([contacts, Cell::Moment(counted.company.created_at)])
                .collect()
        };
        let rows: Rows = found.iter().enumerate().map(row).collect();
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }

    /// For each score the points of these companies; none of a score that was archived meanwhile.
    async fn points(&self, open: &Open, found: &[CompanyCount]) -> Result<Vec<Vec<Option<i64>>>> {
        let ids = found.iter().map(|counted| counted.company.id).collect();
        let only = Some(self.scores.clone());
        let measured = open.store.companies_measured(ids, only, open.now()).await?;
        let of = |field: &String| {
            let place = measured
                .measures
                .iter()
                .position(|measure| measure.field == *field);
            match place.map(|place| &measured.scored[place]) {
                Some(scored) => {
                    let totals = scored
                        .iter()
                        .map(|scored| scored.as_ref().map(|scored| scored.total));
                    totals.collect()
                }
                None => vec![None; found.len()],
            }
        };
        Ok(self.scores.iter().map(of).collect())
    }
}
