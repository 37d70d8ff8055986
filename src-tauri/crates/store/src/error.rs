//! What can go wrong, each in a sentence for people.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done. A write that returns one left no row behind.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file was not opened.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// SQLite could not do it.
    #[error(
        "The workspace file could not be read or written ({0}). This change was not kept; everything before it was."
    )]
    Sqlite(#[source] rusqlite::Error),
    /// The disk is full.
    #[error(
        "The disk is full. This change was not kept; everything before it was. Free some space and try again."
    )]
    Full,
    /// The pool of readers could not do it.
    #[error("The workspace file could not be read ({0}). Nothing was changed.")]
    Readers(#[from] sqlx::Error),
    /// Files beside the workspace.
    #[error("{path} could not be read or written: {source}.")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// There is no such row.
    #[error("There is no {what} {id}.")]
    NotFound { what: &'static str, id: String },
    /// Another row has this name or address.
    #[error("There is already a {what} \"{name}\".")]
    Taken { what: &'static str, name: String },
    /// What was asked makes no sense; a whole sentence.
    #[error("{0}")]
    Invalid(String),
    /// A row cannot be understood.
    #[error("A row of {table} cannot be read: {detail}. The file may be damaged; a backup can be restored.")]
    Damaged { table: &'static str, detail: String },
    /// A lease ran out, or the file has another owner now.
    #[error("The lease on message {id} is no longer ours; somebody else has it.")]
    LostLease { id: i64 },
    /// The index could not read what it was asked for.
    #[error("{0}")]
    Unread(std::sync::Arc<Error>),
    /// The store was closed.
    #[error("The workspace is closed.")]
    Closed,
    /// A transaction panicked and was rolled back.
    #[error(
        "An unexpected error inside the program stopped this change ({0}). It was not kept; everything before it was."
    )]
    Panicked(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Error::Full,
            _ => Error::Sqlite(error),
        }
    }
}

impl Error {
    /// Whether the file itself is at fault: what it holds cannot be read by any program.
    pub(crate) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Error::Damaged { .. } | Error::Refused(Refusal::Damaged { .. }) => true,
            Error::Unread(error) => error.is_damage(),
            Error::Sqlite(e) => matches!(e.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
            _ => false,
        }
    }

    /// A row that cannot be understood.
    pub(crate) fn damaged(table: &'static str, detail: impl ToString) -> Error {
        Error::Damaged {
            table,
            detail: detail.to_string(),
        }
    }

    /// There is no row `id` of `what`.
    pub(crate) fn missing(what: &'static str, id: impl ToString) -> Error {
        Error::NotFound {
            what,
            id: id.to_string(),
        }
    }
}

/// Why a file was not opened. The file was not touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("There is no file at {0}.")]
    Missing(PathBuf),
    #[error("{0} is a folder, not a workspace file.")]
    Folder(PathBuf),
    #[error("{0} is not a workspace: it is not a Carillon file.")]
    NotOurs(PathBuf),
    #[error(
        "{path} was written by a newer Carillon (format {found}; this one knows {known}). Update Carillon to open it."
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("The first page of {path} is damaged: {detail}. Restore a backup; the file was left as it is.")]
    Damaged { path: PathBuf, detail: String },
    #[error("{path} cannot be read: {detail}.")]
    Unreadable { path: PathBuf, detail: String },
    #[error("{0} cannot be written. Make the file and its folder writable, or copy it to another place.")]
    ReadOnly(PathBuf),
    #[error("There is already a file at {0}; a new workspace never overwrites one.")]
    Exists(PathBuf),
    #[error("{0} is already open in this program.")]
    AlreadyOpen(PathBuf),
    #[error("This build cannot open encrypted workspaces.")]
    NoEncryption,
    #[error(
        "This program was built with SQLite {found}; at least {needed} is needed, because older ones can damage a file."
    )]
    OldSqlite { found: String, needed: &'static str },
    #[error(
        "The copy made before the update of {path} does not match ({detail}), so the update was not started and the file is as it was."
    )]
    BadCopy { path: PathBuf, detail: String },
}
