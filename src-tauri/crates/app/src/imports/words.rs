//! What is asked of imports and what they answer.

use super::format::FileKind;
use super::layout::TextEncoding;
use super::status::{Standing, StatusReading};
use super::values::{DateOrder, Reading};
use crate::files::{FileRef, SaveRef};
use carillon_model::consent::Basis;
use carillon_model::contact::{Currency, FieldType};
use carillon_model::{ImportId, Moment};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use ts_rs::TS;

/// A file to look at. What is left out is guessed.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OpenImport {
    pub file: FileRef,
    #[serde(default)]
    #[ts(type = "string | null")]
    pub delimiter: Option<char>,
    #[serde(default)]
    pub encoding: Option<TextEncoding>,
    /// Which sheet of a workbook, or table or view of a database.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Whether the first row names the columns.
    #[serde(default)]
    pub header: Option<bool>,
}

/// What becomes of a column. Order of dates, decimal mark and currency are found in the file where they are
/// left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "to", rename_all = "snake_case")]
#[ts(export)]
pub enum ColumnPlan {
    Skip,
    /// A field by key. One that is not there is made, with the type the column seems to hold.
    Field {
        key: String,
        /// Values that are there stay.
        #[serde(default)]
        fill_only: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        date_order: Option<DateOrder>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string")]
        decimal: Option<char>,
        /// Of amounts that name none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        currency: Option<Currency>,
    },
    /// A field to be made, with a key from its label where none is given.
    NewField {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        key: Option<String>,
        label: String,
        #[serde(rename = "type")]
        field_type: FieldType,
        /// Of amounts that name none.
        #[serde(default)]
        currency: Option<Currency>,
        #[serde(default)]
        fill_only: bool,
        /// Options of a choice; those in the file follow them, up to 63.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<String>>", optional)]
        options: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        date_order: Option<DateOrder>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "string")]
        decimal: Option<char>,
    },
    Tags {
        /// What stands between tags; found in the file where it is left out.
        #[serde(default)]
        separator: String,
    },
    /// Says whether somebody may be written to; it is obeyed.
    Status {
        #[serde(default)]
        reads: StatusReading,
    },
}

impl ColumnPlan {
    /// The plan with what was found out about reading its cells.
    pub(super) fn read_as(self, reading: &Reading, found: Option<Currency>) -> ColumnPlan {
        let kind = reading.field_type;
        let order = matches!(kind, FieldType::Date | FieldType::DateTime).then_some(reading.date_order);
        let mark = matches!(kind, FieldType::Number | FieldType::Money).then_some(reading.decimal);
        match self {
            ColumnPlan::Field { key, fill_only, .. } => ColumnPlan::Field {
                key,
                fill_only,
                date_order: order,
                decimal: mark,
                currency: found,
            },
            ColumnPlan::NewField {
                key,
                label,
                field_type,
                fill_only,
                options,
                ..
            } => ColumnPlan::NewField {
                key,
                label,
                field_type,
                currency: found,
                fill_only,
                options,
                date_order: order,
                decimal: mark,
            },
            other => other,
        }
    }
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportColumn {
    pub name: String,
    /// The field the column seems to be: a known key, `tags`, `status`, or null.
    pub guess: Option<String>,
    /// The type its values look like.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Currency found in the values, for money.
    pub currency: Option<Currency>,
    /// Share of empty cells among the rows looked at, 0 to 1.
    pub empty: f64,
    /// What would become of it if nobody said otherwise.
    pub plan: ColumnPlan,
}

/// The beginning of a file and what it seems to hold.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportPreview {
    /// Names the opened file in the next calls.
    pub file: FileRef,
    pub name: String,
    #[ts(type = "number")]
    pub bytes: u64,
    pub kind: FileKind,
    /// Of delimited text; null for any other kind, as is the encoding.
    #[ts(type = "string | null")]
    pub delimiter: Option<char>,
    pub encoding: Option<TextEncoding>,
    /// Names of the sheets of a workbook or of the tables and views of a database, and the one that was looked at.
    pub sheets: Vec<String>,
    pub sheet: Option<String>,
    pub header: bool,
    /// Whether the user may say that the first row is somebody: a file that names its columns itself has none.
    pub may_lack_heading: bool,
    /// The program whose export it is, by name.
    pub program: Option<String>,
    /// What the file says of whom, by all its rows.
    pub standings: Vec<StandingCount>,
    /// What its own name says of everybody in it.
    pub everybody: Standing,
    pub columns: Vec<ImportColumn>,
    /// The first rows, at most 50.
    pub rows: Vec<Vec<String>>,
    /// Estimated from the size where the file is large.
    #[ts(type = "number")]
    pub rows_about: u64,
    /// Sentences.
    pub warnings: Vec<String>,
}

/// How many rows of a file say the same of their person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StandingCount {
    pub standing: Standing,
    #[ts(type = "number")]
    pub rows: u64,
}

/// Whom an import may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ImportMode {
    /// Only add new ones.
    Create,
    /// Only change known ones.
    Update,
    Both,
}

/// What to import, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportPlan {
    pub file: FileRef,
    /// Found where it is left out, as are the encoding and the sheet.
    #[serde(default)]
    #[ts(type = "string | null")]
    pub delimiter: Option<char>,
    #[serde(default)]
    pub encoding: Option<TextEncoding>,
    #[serde(default)]
    pub sheet: Option<String>,
    pub header: bool,
    /// One a column.
    pub columns: Vec<ColumnPlan>,
    pub mode: ImportMode,
    /// Why they may be written to; null: they are kept, and nothing is sent.
    pub basis: Option<Basis>,
    /// Where the people come from: "shop customers 2026".
    pub source: String,
    /// The words they agreed to.
    #[serde(default)]
    pub wording: Option<String>,
    /// For all of them.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What is true of all of them, whatever a column says: a list of those who unsubscribed elsewhere.
    #[serde(default)]
    pub everybody: Standing,
}

/// What an import does, or would do. Each row counts once from `new` to `skipped`; the rest says more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportCounts {
    #[ts(type = "number")]
    pub rows: u64,
    #[ts(type = "number")]
    pub new: u64,
    #[ts(type = "number")]
    pub changed: u64,
    #[ts(type = "number")]
    pub unchanged: u64,
    /// The address stands further up in the file; the first row wins. For events: known already.
    #[ts(type = "number")]
    pub duplicate: u64,
    #[ts(type = "number")]
    pub invalid: u64,
    /// Rows that the mode leaves out.
    #[ts(type = "number")]
    pub skipped: u64,
    /// Taken rows whose address is suppressed, and stays so.
    #[ts(type = "number")]
    pub suppressed: u64,
    /// Taken rows without a value that could not be read.
    #[ts(type = "number")]
    pub with_gaps: u64,
    /// Taken rows of people who took their permission back: it stays so.
    #[ts(type = "number")]
    pub withdrawn: u64,
    /// Rows of people who are without permission by the word of the list itself.
    #[ts(type = "number")]
    pub not_permitted: u64,
    /// Rows of people who are not written to by the word of the list itself, by its reason.
    #[ts(type = "number")]
    pub unsubscribed: u64,
    #[ts(type = "number")]
    pub bounced: u64,
    #[ts(type = "number")]
    pub blocked: u64,
    #[ts(type = "number")]
    pub complained: u64,
}

impl ImportCounts {
    pub(super) fn add(&mut self, other: ImportCounts) {
        self.rows += other.rows;
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.duplicate += other.duplicate;
        self.invalid += other.invalid;
        self.skipped += other.skipped;
        self.suppressed += other.suppressed;
        self.with_gaps += other.with_gaps;
        self.withdrawn += other.withdrawn;
        self.not_permitted += other.not_permitted;
        self.unsubscribed += other.unsubscribed;
        self.bounced += other.bounced;
        self.blocked += other.blocked;
        self.complained += other.complained;
    }

    /// The counter of what a list says of somebody.
    pub(super) fn standing(&mut self, standing: Standing) -> Option<&mut u64> {
        match standing {
            Standing::Free => None,
            Standing::NotPermitted => Some(&mut self.not_permitted),
            Standing::Unsubscribed => Some(&mut self.unsubscribed),
            Standing::Bounced => Some(&mut self.bounced),
            Standing::Blocked => Some(&mut self.blocked),
            Standing::Complained => Some(&mut self.complained),
        }
    }
}

/// A row that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportExample {
    /// Line of the file the row starts on, from 1.
    #[ts(type = "number")]
    pub line: u64,
    pub reason: String,
    pub text: String,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportReport {
    pub counts: ImportCounts,
    /// The first rows that need attention, refused ones before those that lack a value; at most 20.
    pub examples: Vec<ImportExample>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportDone {
    pub import: ImportId,
    pub counts: ImportCounts,
    pub examples: Vec<ImportExample>,
    /// The file with the rows that need attention, if there are any.
    pub rejects: Option<PathBuf>,
}

/// An import that was started.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportStarted {
    pub job: u32,
    pub import: ImportId,
}

/// An import to go on with, and the file it was reading.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResumeImport {
    pub id: ImportId,
    pub file: FileRef,
}

/// Which import.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneImport {
    pub id: ImportId,
}

/// Where to write the rows of an import that need attention.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveErrors {
    pub id: ImportId,
    pub to: SaveRef,
}

/// An import in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportRow {
    pub id: ImportId,
    /// Name of the file.
    pub name: String,
    /// `contacts` or `events`.
    pub what: String,
    /// `running`, `done`, `cancelled` (by the user), `failed` (interrupted) or `undone`.
    pub state: String,
    pub at: Moment,
    /// Where the rows come from, in the user's words.
    pub source: String,
    pub counts: ImportCounts,
    /// There is a file with rows that need attention.
    pub has_errors: bool,
    pub undoable: bool,
    /// It can go on where it stopped.
    pub resumable: bool,
}

/// What taking an import back did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportUndone {
    /// Contacts or events it had added, removed again.
    #[ts(type = "number")]
    pub removed: u64,
    /// Contacts it had changed whose values went back, where nobody changed them since.
    #[ts(type = "number")]
    pub restored: u64,
    /// Contacts it had added that stay: mailed, in a journey, or changed since.
    #[ts(type = "number")]
    pub kept: u64,
    /// Contacts whose permission is again what it was.
    #[ts(type = "number")]
    pub permissions: u64,
    /// Addresses it had put on the list of those who are not written to, and nobody else since, taken off again.
    #[ts(type = "number")]
    pub suppressions: u64,
}
