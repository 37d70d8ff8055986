//! How the files of a folder are read and imported: taken from an import that somebody made by hand, and fitted to each file by
//! the names of its columns.

use super::words::FolderLimits;
use crate::error::{Code, Result, fail};
use crate::files::FileRef;
use crate::imports::format::{Asked, FileKind, Format, Looked};
use crate::imports::layout::{Layout, TextEncoding};
use crate::imports::plan::{Kept, Sample};
use crate::imports::status::Standing;
use crate::imports::{ColumnPlan, ImportMode, ImportPlan, mapping};
use carillon_model::consent::Basis;
use carillon_model::contact::Field;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is kept of a folder's recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// Names of the columns, where files name them.
    pub heading: Vec<String>,
    pub header: bool,
    /// One a column.
    pub columns: Vec<ColumnPlan>,
    pub delimiter: Option<char>,
    /// Of files whose own letters do not say it.
    pub encoding: Option<TextEncoding>,
    pub sheet: Option<String>,
    pub mode: ImportMode,
    pub basis: Option<Basis>,
    pub source: String,
    pub wording: Option<String>,
    pub tags: Vec<String>,
    pub everybody: Standing,
    pub limits: FolderLimits,
}

impl Recipe {
    /// The recipe of an import as it was made.
    pub fn of(kept: Kept, limits: FolderLimits) -> Recipe {
        let mut columns = vec![ColumnPlan::Skip; kept.heading.len()];
        let mut set = |i: usize, plan| {
            if let Some(column) = columns.get_mut(i) {
                *column = plan;
            }
        };
        let field = |key: String, fill_only| ColumnPlan::Field {
            key,
            fill_only,
            date_order: None,
            decimal: None,
            currency: None,
        };
        set(kept.email, field("email".to_owned(), false));
        for column in kept.fields {
            let currency = column.reading.currency;
            let plan = field(column.key, column.fill_only).read_as(&column.reading, currency);
            set(column.column, plan);
        }
        for (i, separator) in kept.tag_columns {
            set(i, ColumnPlan::Tags { separator });
        }
        for column in kept.status {
            set(column.column, ColumnPlan::Status { reads: column.reads });
        }
        let layout = kept.format.layout();
        Recipe {
            heading: kept.heading,
            header: kept.header,
            columns,
            delimiter: layout.map(|layout| layout.delimiter),
            encoding: layout.map(|layout| layout.encoding),
            sheet: kept.format.part().map(str::to_owned),
            mode: kept.mode,
            basis: kept.basis,
            source: kept.source,
            wording: kept.wording,
            tags: kept.tags,
            everybody: kept.everybody,
            limits,
        }
    }

    /// The plan of a file, if it is one the recipe is for.
    ///
    /// # Errors
    /// A sentence that says what does not fit, and what to do.
    pub fn fit(&self, path: &Path, fields: &[Field], zone: Tz) -> Result<ImportPlan> {
        let asked = self.asked(path)?;
        let found = self.plan(path, &asked, fields, zone);
        match found {
            // The first file's delimiter, where what is between the columns of this one only looks like another.
            Err(_) if self.delimiter.is_some() => {
                let delimiter = self.delimiter;
                self.plan(path, &Asked { delimiter, ..asked }, fields, zone)
                    .or(found)
            }
            found => found,
        }
    }

    fn plan(&self, path: &Path, asked: &Asked, fields: &[Field], zone: Tz) -> Result<ImportPlan> {
        let format = Looked::at(path, asked)?.format;
        let (sample, header) = Sample::read(path, &format, Some(self.header))?;
        let columns = match header && self.header {
            true => self.by_name(&sample, &format, fields, zone)?,
            false if sample.heading.len() == self.columns.len() => self.columns.clone(),
            false => {
                let counts: [(&str, &dyn std::fmt::Display); 2] =
                    [("n", &sample.heading.len()), ("columns", &self.columns.len())];
                return Err(fail(Code::Invalid, "imports.folders.other_count", &counts));
            }
        };
        for column in &columns {
            // A column of a field that is gone would quietly make another one.
            if let ColumnPlan::Field { key, .. } = column
                && key != "email"
                && !fields.iter().any(|field| field.key == *key)
            {
                return Err(fail(
                    Code::Invalid,
                    "imports.folders.lacks_field",
                    &[("key", key)],
                ));
            }
        }
        let layout = format.layout();
        Ok(ImportPlan {
            file: FileRef::Path {
                path: path.to_owned(),
            },
            delimiter: layout.map(|layout| layout.delimiter),
            encoding: layout.map(|layout| layout.encoding),
            sheet: format.part().map(str::to_owned),
            header,
            columns,
            mode: self.mode,
            basis: self.basis,
            source: self.source.clone(),
            wording: self.wording.clone(),
            tags: self.tags.clone(),
            everybody: self.everybody,
        })
    }

    /// How a file is to be read. What its letters say for certain outweighs what the first file was; what is only likely
    /// does not. A workbook with one sheet needs no name for it.
    fn asked(&self, path: &Path) -> Result<Asked> {
        let looked = Looked::at(path, &Asked::default())?;
        let sheet = match &self.sheet {
            Some(name) if looked.format.kind() == FileKind::Database || looked.sheets.len() > 1 => {
                Some(name.clone())
            }
            _ => None,
        };
        let found = looked.format.layout().map(|layout: Layout| layout.encoding);
        let encoding = match found {
            Some(TextEncoding::Windows1252) => self.encoding.filter(|e| *e == TextEncoding::Windows1252),
            _ => None,
        };
        Ok(Asked {
            delimiter: None,
            encoding,
            sheet,
        })
    }

    /// The plan of each column of a file, found by their names; columns nobody has seen are left out.
    fn by_name(
        &self,
        sample: &Sample,
        format: &Format,
        fields: &[Field],
        zone: Tz,
    ) -> Result<Vec<ColumnPlan>> {
        let mut columns = vec![ColumnPlan::Skip; sample.heading.len()];
        let mut known = vec![false; sample.heading.len()];
        let mut missing = Vec::new();
        // A list of objects has the keys its objects happen to have.
        let loose = matches!(format.kind(), FileKind::Json | FileKind::Cards);
        for (name, plan) in self.heading.iter().zip(&self.columns) {
            let at = (0..known.len()).find(|i| !known[*i] && is_same(&sample.heading[*i], name));
            match at {
                Some(at) => {
                    known[at] = true;
                    columns[at] = plan.clone();
                }
                None if *plan == ColumnPlan::Skip || loose && !needs(plan) => {}
                None => missing.push(name.as_str()),
            }
        }
        let has = sample.heading.join(", ");
        if !missing.is_empty() {
            let named: [(&str, &dyn std::fmt::Display); 2] =
                [("missing", &missing.join(", ")), ("columns", &has)];
            return Err(fail(Code::Invalid, "imports.folders.lacks_columns", &named));
        }
        // A no that the recipe does not read would be imported as a yes.
        let guessed = mapping::guess(&sample.heading, &sample.rows, fields, zone, None);
        let unread = guessed
            .iter()
            .zip(&known)
            .find(|(column, known)| !**known && matches!(column.plan, ColumnPlan::Status { .. }));
        match unread {
            Some((column, _)) => {
                let named: [(&str, &dyn std::fmt::Display); 1] = [("column", &column.name)];
                Err(fail(Code::Invalid, "imports.folders.unread_status", &named))
            }
            None => Ok(columns),
        }
    }
}

/// Whether every file must have the column: without it nobody is found, or a no is not heard.
fn needs(plan: &ColumnPlan) -> bool {
    match plan {
        ColumnPlan::Field { key, .. } => key == "email",
        ColumnPlan::Status { .. } => true,
        _ => false,
    }
}

/// Whether two headings name one column: apart from case, accents, spaces and signs.
fn is_same(one: &str, other: &str) -> bool {
    let (a, b) = (mapping::normal(one), mapping::normal(other));
    match a.is_empty() && b.is_empty() {
        true => one == other,
        false => a == b,
    }
}
