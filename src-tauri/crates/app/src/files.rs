//! Files that come and go: paths of this machine, uploads and downloads of a browser, and mail to be shown
//! in a frame.

use crate::error::{ApiError, Code, Result, fail};
use crate::table::{Call, Kind, Window};
use crate::{App, Ctx, commands};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// A file to read: a path of this machine, or an upload of the browser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum FileRef {
    Path { path: PathBuf },
    Upload { upload: String },
}

/// Where to write: a path, or a download the browser takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum SaveRef {
    Path { path: PathBuf },
    Download { download: String },
}

/// What was written: `path` in the window; `ticket` names the download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Saved {
    pub path: Option<PathBuf>,
    pub ticket: Option<String>,
}

commands! {
    query "files.frame" frame(FrameOf) -> FrameShown, reads [], only &[Window::Terminal];
}

/// Which mail to show.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FrameOf {
    pub ticket: String,
}

/// The mail of a ticket, if it is (still) there.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FrameShown {
    pub html: Option<String>,
}

/// For another process on the same file, which shows what was rendered here.
async fn frame(cx: &Ctx, req: FrameOf) -> Result<FrameShown> {
    let found = cx.app.tickets().get_frame(&req.ticket);
    Ok(FrameShown {
        html: found.map(|frame| frame.html.to_string()),
    })
}

/// The question for a mail that another process rendered.
pub(crate) fn ask_frame(ticket: &str) -> Call {
    Call {
        kind: Kind::Query,
        name: "files.frame".to_owned(),
        args: serde_json::json!({ "ticket": ticket }),
    }
}

/// A download that another process writes: its ticket here, and where it is written.
pub(crate) struct Written {
    ticket: String,
    path: PathBuf,
}

/// A call as the process that owns the file understands it: that one knows paths of this machine, and neither the
/// uploads nor the downloads of this process. A browser names no path here either.
///
/// # Errors
/// `Denied` for a path from a browser, `NotFound` for an upload that is gone.
pub(crate) fn carried(app: &App, window: Window, mut call: Call) -> Result<(Call, Option<Written>)> {
    let mut written = None;
    if window != Window::Browser {
        return Ok((call, written));
    }
    for value in call
        .args
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, value)| value)
    {
        let Some((kind, named)) = value
            .as_object()
            .filter(|o| o.len() == 1)
            .and_then(|o| o.iter().next())
        else {
            continue;
        };
        let named = named.as_str().unwrap_or_default();
        let path = match kind.as_str() {
            "path" => return Err(fail(Code::Denied, "table.denied", &[("name", &"path")])),
            "upload" => app.tickets().get_file(named),
            "download" => {
                let (ticket, path) = app.tickets().file(app.home(), named)?;
                written = Some(Written {
                    ticket,
                    path: path.clone(),
                });
                Some(path)
            }
            _ => continue,
        };
        let path = path.ok_or_else(|| fail(Code::NotFound, "files.gone", &[]))?;
        *value = serde_json::json!({ "path": path });
    }
    Ok((call, written))
}

/// The answer to a call that was carried to another process: what it wrote is known here by its ticket.
pub(crate) fn brought(mut answer: serde_json::Value, written: Option<Written>) -> serde_json::Value {
    if let Some(written) = written
        && answer["path"] == serde_json::json!(written.path)
    {
        answer["path"] = serde_json::Value::Null;
        answer["ticket"] = serde_json::Value::String(written.ticket);
    }
    answer
}

/// Mail to be shown: only through a frame with its own CSP header.
#[derive(Clone, Debug)]
pub struct Frame {
    pub html: Arc<str>,
}

/// A file that a browser brings or takes, under a name of ours.
#[derive(Clone, Debug)]
struct Passing {
    path: PathBuf,
    /// What the user calls it.
    name: String,
}

#[derive(Debug, Default)]
struct All {
    frames: BTreeMap<String, Frame>,
    order: std::collections::VecDeque<String>,
    files: BTreeMap<String, Passing>,
    folder: Option<PathBuf>,
}

/// Short-lived names for what a screen may fetch. They are not guessable, and a restart forgets them.
#[derive(Debug, Default)]
pub struct Tickets {
    all: Mutex<All>,
}

const FRAMES: usize = 200;

/// 128 random bits as text.
pub fn ticket() -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

impl Tickets {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket for mail that is to be shown, without the pictures that tell of an opening: whoever looks here is not its
    /// reader. The two hundred newest are kept.
    pub fn frame(&self, html: String) -> String {
        let html = carillon_render::links::without_pixels(&html);
        let mut all = self.lock();
        let name = ticket();
        all.frames.insert(name.clone(), Frame { html: html.into() });
        all.order.push_back(name.clone());
        while all.order.len() > FRAMES {
            if let Some(old) = all.order.pop_front() {
                all.frames.remove(&old);
            }
        }
        name
    }

    /// The mail of a ticket.
    pub fn get_frame(&self, ticket: &str) -> Option<Frame> {
        self.lock().frames.get(ticket).cloned()
    }

    /// A place for an upload or download in a folder only this user can read, and its ticket.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn file(&self, home: &Path, name: &str) -> Result<(String, PathBuf)> {
        let mut all = self.lock();
        let folder = match &all.folder {
            Some(folder) => folder.clone(),
            None => {
                let folder = home.join("passing").join(ticket());
                forget_old(&home.join("passing"));
                std::fs::create_dir_all(&folder).map_err(|e| {
                    fail(
                        Code::File,
                        "files.cannot_write",
                        &[("file", &folder.display()), ("detail", &e)],
                    )
                })?;
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    let _ = std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
                }
                all.folder = Some(folder.clone());
                folder
            }
        };
        let ticket = ticket();
        // The name is the user's: only its ending is kept, for programs that look at it.
        let ending: String = Path::new(name)
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect();
        let path = folder.join(if ending.is_empty() {
            ticket.clone()
        } else {
            format!("{ticket}.{ending}")
        });
        let passing = Passing {
            path: path.clone(),
            name: name.to_owned(),
        };
        all.files.insert(ticket.clone(), passing);
        Ok((ticket, path))
    }

    /// The file of a ticket.
    pub fn get_file(&self, ticket: &str) -> Option<PathBuf> {
        self.lock().files.get(ticket).map(|file| file.path.clone())
    }

    /// What the user calls the file of a ticket.
    pub fn file_name(&self, ticket: &str) -> Option<String> {
        self.lock().files.get(ticket).map(|file| file.name.clone())
    }
}

/// Days after which uploads and downloads that a killed program left are removed.
const LEFT_DAYS: u64 = 2;

/// Removes what programs left that were killed: it holds people's data, and nobody can ask for it any more.
fn forget_old(passing: &Path) {
    let age = std::time::Duration::from_secs(LEFT_DAYS * 86_400);
    for folder in std::fs::read_dir(passing).into_iter().flatten().flatten() {
        let modified = folder.metadata().and_then(|m| m.modified());
        if modified.is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age)) {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        if let Some(folder) = &self.lock().folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Ctx {
    /// The path of a file to read. A browser may name its uploads only, never a path of this machine.
    pub fn path(&self, file: &FileRef) -> Result<PathBuf> {
        match file {
            FileRef::Path { path } if self.window != Window::Browser => Ok(path.clone()),
            FileRef::Path { .. } => Err(fail(Code::Denied, "table.denied", &[("name", &"path")])),
            FileRef::Upload { upload } => self
                .app
                .tickets()
                .get_file(upload)
                .ok_or_else(|| fail(Code::NotFound, "files.gone", &[])),
        }
    }

    /// What the user calls a file to read: the last part of its path, or the name it was uploaded by.
    pub fn name_of(&self, file: &FileRef) -> String {
        let name = match file {
            FileRef::Path { path } => path.to_string_lossy().into_owned(),
            FileRef::Upload { upload } => self.app.tickets().file_name(upload).unwrap_or_default(),
        };
        // A browser may send the whole path of another system.
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        crate::imports::clean::line(last)
    }

    /// The path to write to, and what to answer. A workspace and what lies beside it are never written over.
    ///
    /// # Errors
    /// `Refused` for such a path, `Denied` for any path from a browser.
    pub fn save(&self, to: &SaveRef) -> Result<(PathBuf, Saved)> {
        match to {
            SaveRef::Path { path } if self.window != Window::Browser => {
                refuse_workspaces(self.open.as_ref().map(|open| open.path.as_path()), path)?;
                let saved = Saved {
                    path: Some(path.clone()),
                    ticket: None,
                };
                Ok((path.clone(), saved))
            }
            SaveRef::Path { .. } => Err(fail(Code::Denied, "table.denied", &[("name", &"path")])),
            SaveRef::Download { download } => {
                let (ticket, path) = self.app.tickets().file(self.app.home(), download)?;
                Ok((
                    path,
                    Saved {
                        path: None,
                        ticket: Some(ticket),
                    },
                ))
            }
        }
    }
}

/// What a workspace keeps in files of its own, by the end of their names.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".lock", ".secrets"];

/// Refuses to write over a workspace, whoever has it open, or over what belongs to it.
fn refuse_workspaces(open: Option<&Path>, path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let whose = BESIDE
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .map_or_else(|| path.to_owned(), |stem| path.with_file_name(stem));
    let whole = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    let is_open = open.is_some_and(|open| whole(open) == whole(&whose));
    if is_open || carillon_store::look_at(&whose).is_ok() {
        return Err(fail(Code::Refused, "files.is_workspace", &[("file", &path.display())]).at("to"));
    }
    Ok(())
}

/// A path beside a file to write, free and hidden, to be renamed to it.
///
/// # Errors
/// `File` for a path without a name.
pub(crate) fn beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        fail(
            Code::File,
            "files.cannot_write",
            &[("file", &path.display()), ("detail", &"it has no name")],
        )
    })?;
    Ok(path.with_file_name(format!(".{}.{}", name.to_string_lossy(), ticket())))
}

/// Writes a file whole or not at all: beside, then renamed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |e: std::io::Error| {
        fail(
            Code::File,
            "files.cannot_write",
            &[("file", &path.display()), ("detail", &e)],
        )
    };
    let beside = beside(path)?;
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(cannot)
}

/// Writes a file that somebody chose, whole or not at all: never over a workspace, nor over what belongs to one.
///
/// # Errors
/// `Refused` for such a path, `File` where it cannot be written.
pub fn write_chosen(path: &Path, bytes: &[u8]) -> Result<()> {
    refuse_workspaces(None, path)?;
    write_whole(path, bytes)
}

/// Whether a file can be made at a path where none is, asked by making an empty one for a moment: what would write it says
/// less well why it cannot.
///
/// # Errors
/// A sentence with the system's reason.
pub fn can_be_made(path: &Path) -> Result<()> {
    std::fs::File::create_new(path)
        .and_then(|made| {
            drop(made);
            std::fs::remove_file(path)
        })
        .map_err(|e| {
            fail(
                Code::File,
                "files.cannot_write",
                &[("file", &path.display()), ("detail", &e)],
            )
        })
}

/// Reads a text file of at most `max` bytes.
pub fn read_text(path: &Path, max: u64) -> Result<String> {
    let cannot = |e: &dyn std::fmt::Display| {
        fail(
            Code::Invalid,
            "imports.unreadable",
            &[("file", &path.display()), ("detail", &e)],
        )
    };
    let there = std::fs::metadata(path).map_err(|e| cannot(&e))?;
    let refused = |key: &str| Err(fail(Code::Invalid, key, &[("file", &path.display())]));
    if there.is_dir() {
        return refused("imports.folder");
    }
    if there.len() == 0 {
        return refused("imports.empty");
    }
    if there.len() > max {
        return Err(fail(
            Code::Invalid,
            "files.too_large",
            &[("file", &path.display()), ("max", &(max >> 10))],
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| cannot(&e))?;
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(cannot(&"it is not UTF-8 text")),
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        fail(Code::File, "files.io", &[("detail", &error)])
    }
}
