//! What is asked of watched folders and what they answer.

use crate::imports::status::Standing;
use crate::imports::{ImportCounts, ImportMode};
use carillon_model::consent::Basis;
use carillon_model::{FolderFileId, FolderId, ImportId, Moment};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use ts_rs::TS;

/// What makes a file wait for somebody to look instead of being imported. Each is judged by a dry run of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FolderLimits {
    /// More than this share of its rows is refused, in percent.
    pub refused_percent: u8,
    /// More contacts than this would be new or change. Null: any number may.
    #[ts(type = "number | null")]
    pub most_contacts: Option<u64>,
}

impl Default for FolderLimits {
    fn default() -> FolderLimits {
        FolderLimits {
            refused_percent: 20,
            most_contacts: None,
        }
    }
}

/// A folder to watch.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddFolder {
    /// Its path on this machine.
    pub folder: PathBuf,
    /// Which of its files: patterns with `*` for any run of characters, between commas.
    pub pattern: String,
    /// A finished import of contacts, whose settings are those of the folder.
    pub like: ImportId,
    #[serde(default)]
    pub limits: FolderLimits,
    /// Also import the files that are there already.
    #[serde(default)]
    pub existing: bool,
}

/// What is to change of a folder; what is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetFolder {
    pub id: FolderId,
    #[serde(default)]
    pub pattern: Option<String>,
    #[serde(default)]
    pub paused: Option<bool>,
    #[serde(default)]
    pub limits: Option<FolderLimits>,
}

/// Which folder.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneFolder {
    pub id: FolderId,
}

/// Which folder to look into now. Null: all that are not paused.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct LookIntoFolder {
    #[serde(default)]
    pub id: Option<FolderId>,
}

/// Which of the files of a folder, the last first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FolderFilesOf {
    pub id: FolderId,
    /// Only those before this one; null: from the last.
    #[serde(default)]
    pub before: Option<FolderFileId>,
}

/// Which file of a folder.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneFolderFile {
    pub id: FolderFileId,
}

/// A column and the field it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderColumn {
    pub column: String,
    /// Key of a field, `tags` or `status`.
    pub to: String,
}

/// A watched folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WatchedFolder {
    pub id: FolderId,
    pub path: String,
    pub pattern: String,
    pub paused: bool,
    /// Why it cannot be read now; by itself it is tried again.
    pub trouble: Option<String>,
    /// The import its settings are from, and the name of that import's file.
    pub like: ImportId,
    pub like_name: String,
    pub source: String,
    pub basis: Option<Basis>,
    pub mode: ImportMode,
    pub everybody: Standing,
    pub tags: Vec<String>,
    /// Columns that are taken.
    pub columns: Vec<FolderColumn>,
    pub limits: FolderLimits,
    /// Files whose import was begun.
    #[ts(type = "number")]
    pub imported: u64,
    /// Files that wait for somebody to look.
    #[ts(type = "number")]
    pub waiting: u64,
    /// When something became of a file last.
    pub last_at: Option<Moment>,
    pub made_at: Moment,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FolderFileState {
    /// It is imported now.
    Running,
    Imported,
    /// Its import was interrupted, and goes on by itself.
    Interrupted,
    /// Its import was stopped by a bad place in the file.
    Stopped,
    /// Its import was taken back.
    Undone,
    /// It has the content of a file that was imported already.
    Same,
    /// Somebody has to look.
    Waits,
    /// It cannot be read, and is tried again.
    Unread,
    /// Left out: by somebody, or because a changed file of its name came.
    Left,
}

/// A file that arrived in a watched folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderFile {
    pub id: FolderFileId,
    pub name: String,
    #[ts(type = "number")]
    pub bytes: u64,
    pub state: FolderFileState,
    /// Its import, or that of the file with the same content.
    pub import: Option<ImportId>,
    /// What its own import did.
    pub counts: Option<ImportCounts>,
    /// Why it is not imported, or not to its end.
    pub why: Option<String>,
    pub at: Moment,
}

/// What came of looking into folders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FoldersLooked {
    /// Files of which something became.
    pub files: Vec<FolderFile>,
    /// Why folders could not be read.
    pub troubles: Vec<String>,
}
