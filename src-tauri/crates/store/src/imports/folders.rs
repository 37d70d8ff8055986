//! Folders whose new files are imported, and what became of each file.
//!
//! The note of a file is written in the commit that begins its import: there is no moment at which one is there without the
//! other. How the import went is read from the import itself.

use super::{ImportKind, begin};
use crate::codes::{from_word, word};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::{FolderFileId, FolderId, ImportId, Moment};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

const ADD: &str = sql!(
    "INSERT INTO import_folders(path, pattern, recipe, origin, paused, made_at) VALUES(?1, ?2, ?3, ?4, 0, ?5) RETURNING id"
);
const SET: &str = sql!("UPDATE import_folders SET pattern = ?2, recipe = ?3, paused = ?4 WHERE id = ?1");
const SET_TROUBLE: &str = sql!("UPDATE import_folders SET trouble = ?2 WHERE id = ?1 AND trouble IS NOT ?2");
const REMOVE: &str = sql!("DELETE FROM import_folders WHERE id = ?1");
const REMOVE_FILES: &str = sql!("DELETE FROM import_files WHERE folder = ?1");
const GET: &str = sql!(
    "SELECT id, path, pattern, recipe, origin, paused, trouble, made_at FROM import_folders WHERE id = ?1"
);
const LIST: &str = sql!(
    "SELECT id, path, pattern, recipe, origin, paused, trouble, made_at FROM import_folders ORDER BY id"
);
const ADD_FILE: &str = sql!(
    "INSERT INTO import_files(folder, name, size, modified, hash, state, import, why, at)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id"
);
const SET_FILE: &str = sql!(
    "UPDATE import_files SET state = ?2, import = ?3, why = ?4, at = ?5, hash = ifnull(?6, hash) WHERE id = ?1"
);
const GET_FILE: &str = sql!(
    "SELECT id, folder, name, size, modified, hash, state, import, why, at FROM import_files WHERE id = ?1"
);
const NEWEST_OF: &str = sql!(
    "SELECT id, folder, name, size, modified, hash, state, import, why, at FROM import_files
     WHERE folder = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1"
);
const FILES: &str = sql!(
    "SELECT id, folder, name, size, modified, hash, state, import, why, at FROM import_files
     WHERE folder = ?1 AND id < ?2 AND state <> 'before' ORDER BY id DESC LIMIT ?3"
);
const UNFINISHED: &str = sql!(
    "SELECT f.id, f.folder, f.name, f.size, f.modified, f.hash, f.state, f.import, f.why, f.at FROM import_files f
     JOIN imports i ON i.id = f.import WHERE f.folder = ?1 AND f.state = 'taken' AND i.state = 'running' ORDER BY f.id"
);
const SAME: &str = sql!(
    "SELECT f.import FROM import_files f JOIN imports i ON i.id = f.import
     WHERE f.folder = ?1 AND f.hash = ?2 AND f.state = 'taken' AND i.state IN ('running', 'done') ORDER BY f.id DESC LIMIT 1"
);
const COUNTS: &str =
    sql!("SELECT state, count(*), max(at) FROM import_files WHERE folder = ?1 GROUP BY state");
const FOLDER_OF: &str = sql!("SELECT folder FROM import_files WHERE import = ?1 AND state = 'taken' LIMIT 1");

/// A watched folder as the file keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderRow {
    pub id: FolderId,
    /// Its full path.
    pub path: String,
    /// Which of its files, with `*` for any run of characters.
    pub pattern: String,
    /// How a file is read and imported, as the caller's own text (JSON).
    pub recipe: String,
    /// The import it was taken from.
    pub origin: ImportId,
    pub paused: bool,
    /// Why it could not be read at the last look.
    pub trouble: Option<String>,
    pub made_at: Moment,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Was there when the folder was made, and is none of what arrived since.
    Before,
    /// Its import was begun; how that went, the import says.
    Taken,
    /// Has the content of a file that was imported already.
    Same,
    /// Not imported: somebody has to look.
    Waits,
    /// Could not be read, and is tried again.
    Unread,
    /// Somebody decided that it is not imported.
    Left,
}

/// A file as it was looked at: its name, bytes, and moment of the last change in nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub name: String,
    pub size: u64,
    pub modified: i64,
}

/// What the file keeps of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRow {
    pub id: FolderFileId,
    pub folder: FolderId,
    pub seen: Seen,
    /// BLAKE3 of all it holds, where it was read.
    pub hash: Option<[u8; 32]>,
    pub state: FileState,
    /// Its import, or the one of the file with the same content.
    pub import: Option<ImportId>,
    /// Why it is not imported, for people.
    pub why: Option<String>,
    pub at: Moment,
}

/// How many files of a folder are in a state, and when the last one came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesIn {
    pub state: FileState,
    pub files: u64,
    pub last_at: Moment,
}

fn read(row: &Row<'_>) -> Result<FolderRow> {
    Ok(FolderRow {
        id: FolderId(row.get(0)?),
        path: row.get(1)?,
        pattern: row.get(2)?,
        recipe: row.get(3)?,
        origin: ImportId(row.get(4)?),
        paused: row.get(5)?,
        trouble: row.get(6)?,
        made_at: moment(row.get(7)?)?,
    })
}

fn read_file(row: &Row<'_>) -> Result<FileRow> {
    Ok(FileRow {
        id: FolderFileId(row.get(0)?),
        folder: FolderId(row.get(1)?),
        seen: Seen {
            name: row.get(2)?,
            size: row.get::<_, i64>(3)?.unsigned_abs(),
            modified: row.get(4)?,
        },
        hash: row.get(5)?,
        state: from_word("import_files", &row.get::<_, String>(6)?)?,
        import: row.get::<_, Option<u32>>(7)?.map(ImportId),
        why: row.get(8)?,
        at: moment(row.get(9)?)?,
    })
}

fn tell(tx: &mut Tx<'_>, id: FolderId) {
    tx.touch("import_folders", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Imports);
}

/// Keeps a folder. `before`: the files that are there already; none of them is imported.
///
/// # Errors
/// SQLite's.
pub fn add(
    tx: &mut Tx<'_>,
    (path, pattern): (&str, &str),
    recipe: &str,
    origin: ImportId,
    before: &[Seen],
) -> Result<FolderId> {
    let now = ms(tx.now());
    let id: u32 = tx
        .value(ADD, (path, pattern, recipe, origin.0, now))?
        .ok_or_else(|| Error::damaged("import_folders", "a new folder got no number"))?;
    let id = FolderId(id);
    for seen in before {
        insert(tx, id, seen, None, (FileState::Before, None, None))?;
    }
    tell(tx, id);
    Ok(id)
}

/// Changes which files are taken, how, and whether any are.
///
/// # Errors
/// SQLite's.
pub fn set(tx: &mut Tx<'_>, id: FolderId, pattern: &str, recipe: &str, paused: bool) -> Result<()> {
    tx.run(SET, (id.0, pattern, recipe, paused))?;
    tell(tx, id);
    Ok(())
}

/// Notes why a folder cannot be read, or that it can. Nothing is written where that is known.
///
/// # Errors
/// SQLite's.
pub fn set_trouble(tx: &mut Tx<'_>, id: FolderId, trouble: Option<&str>) -> Result<()> {
    if tx.run(SET_TROUBLE, (id.0, trouble))? > 0 {
        tell(tx, id);
    }
    Ok(())
}

/// Forgets a folder and what became of its files. Imports stay.
///
/// # Errors
/// SQLite's.
pub fn remove(tx: &mut Tx<'_>, id: FolderId) -> Result<()> {
    tx.run(REMOVE_FILES, (id.0,))?;
    tx.run(REMOVE, (id.0,))?;
    tell(tx, id);
    Ok(())
}

/// One folder.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: FolderId) -> Result<Option<FolderRow>> {
    db.one(GET, (id.0,), read)
}

/// All folders, in the order they were made.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<FolderRow>> {
    db.all(LIST, (), read)
}

/// Notes a file that is not imported, or not now: its state, the import of the same content, and why.
///
/// # Errors
/// SQLite's.
pub fn note(
    tx: &mut Tx<'_>,
    folder: FolderId,
    seen: &Seen,
    hash: Option<[u8; 32]>,
    what: (FileState, Option<ImportId>, Option<&str>),
) -> Result<FolderFileId> {
    let id = insert(tx, folder, seen, hash, what)?;
    tell(tx, folder);
    Ok(id)
}

fn insert(
    tx: &mut Tx<'_>,
    folder: FolderId,
    seen: &Seen,
    hash: Option<[u8; 32]>,
    (state, import, why): (FileState, Option<ImportId>, Option<&str>),
) -> Result<FolderFileId> {
    let now = ms(tx.now());
    let size = i64::try_from(seen.size).unwrap_or(i64::MAX);
    let import = import.map(|id| id.0);
    let row = (
        folder.0,
        &seen.name,
        size,
        seen.modified,
        hash,
        word(&state)?,
        import,
        why,
        now,
    );
    let id: i64 = tx
        .value(ADD_FILE, row)?
        .ok_or_else(|| Error::damaged("import_files", "a new file got no number"))?;
    Ok(FolderFileId(id))
}

/// What becomes of a file that is known: its state, its import or the one of the same content, and why. `hash`: of what it
/// holds, where it was read only now.
///
/// # Errors
/// SQLite's.
pub fn set_file(
    tx: &mut Tx<'_>,
    file: &FileRow,
    hash: Option<[u8; 32]>,
    (state, import, why): (FileState, Option<ImportId>, Option<&str>),
) -> Result<()> {
    let now = ms(tx.now());
    let import = import.map(|id| id.0);
    tx.run(SET_FILE, (file.id.0, word(&state)?, import, why, now, hash))?;
    tell(tx, file.folder);
    Ok(())
}

/// How the beginning of a file's import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Import(ImportId),
    /// A file with the same content was imported, or is: this one is noted as the same.
    Same(ImportId),
    /// The folder is gone.
    NoFolder,
}

/// Begins the import of a file, and notes the file, in one commit. `shown` and `plan`: its name and plan as the import keeps
/// them. `known`: its note, where it has one.
///
/// # Errors
/// SQLite's.
pub fn take(
    tx: &mut Tx<'_>,
    folder: FolderId,
    seen: &Seen,
    hash: [u8; 32],
    (shown, plan): (&str, &str),
    known: Option<&FileRow>,
) -> Result<Begun> {
    if get(tx, folder)?.is_none() {
        return Ok(Begun::NoFolder);
    }
    let (state, begun) = match same(tx, folder, hash)? {
        Some(import) => (FileState::Same, Begun::Same(import)),
        None => {
            let import = begin(tx, ImportKind::Contacts, shown, plan)?;
            (FileState::Taken, Begun::Import(import))
        }
    };
    let (Begun::Import(import) | Begun::Same(import)) = begun else {
        return Ok(begun);
    };
    let what = (state, Some(import), None);
    match known {
        Some(file) => set_file(tx, file, Some(hash), what)?,
        None => {
            note(tx, folder, seen, Some(hash), what)?;
        }
    }
    Ok(begun)
}

/// The import that a file of the same content began, unless it was stopped or taken back.
///
/// # Errors
/// SQLite's.
pub fn same(db: &Db<'_>, folder: FolderId, hash: [u8; 32]) -> Result<Option<ImportId>> {
    Ok(db.value::<u32>(SAME, (folder.0, hash))?.map(ImportId))
}

/// One file.
///
/// # Errors
/// [`Error::Damaged`].
pub fn file(db: &Db<'_>, id: FolderFileId) -> Result<Option<FileRow>> {
    db.one(GET_FILE, (id.0,), read_file)
}

/// What is known last of a file of that name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn newest_of(db: &Db<'_>, folder: FolderId, name: &str) -> Result<Option<FileRow>> {
    db.one(NEWEST_OF, (folder.0, name), read_file)
}

/// Files that arrived since the folder was made, the last first: at most `limit` with a number below `before`.
///
/// # Errors
/// [`Error::Damaged`].
pub fn files(
    db: &Db<'_>,
    folder: FolderId,
    before: Option<FolderFileId>,
    limit: u32,
) -> Result<Vec<FileRow>> {
    let before = before.map_or(i64::MAX, |id| id.0);
    db.all(FILES, (folder.0, before, limit), read_file)
}

/// Files whose import was begun and has not ended.
///
/// # Errors
/// [`Error::Damaged`].
pub fn unfinished(db: &Db<'_>, folder: FolderId) -> Result<Vec<FileRow>> {
    db.all(UNFINISHED, (folder.0,), read_file)
}

/// How many files of a folder are in which state.
///
/// # Errors
/// [`Error::Damaged`].
pub fn counts(db: &Db<'_>, folder: FolderId) -> Result<Vec<FilesIn>> {
    db.all(COUNTS, (folder.0,), |row| {
        Ok(FilesIn {
            state: from_word("import_files", &row.get::<_, String>(0)?)?,
            files: row.get::<_, i64>(1)?.unsigned_abs(),
            last_at: moment(row.get(2)?)?,
        })
    })
}

/// The folder whose file an import is of.
///
/// # Errors
/// SQLite's.
pub fn of_import(db: &Db<'_>, import: ImportId) -> Result<Option<FolderId>> {
    Ok(db.value::<u32>(FOLDER_OF, (import.0,))?.map(FolderId))
}
