//! Who owns a file: the first process that opens it. The others talk to it through a local socket.
//!
//! The lock is taken on a side file (`<file>.lock`), because closing any other handle of the database inside
//! its own process would drop SQLite's POSIX locks. The side file also says where the owner listens.

use crate::error::{ApiError, Code, Result, fail, sentence};
use crate::table::{Call, Kind, Reply};
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What the side file says while it is locked.
#[derive(Debug, Serialize, Deserialize)]
struct Sign {
    pid: u32,
    socket: String,
}

/// This process owns the file until this value is dropped.
#[derive(Debug)]
pub struct Ownership {
    _lock: File,
    socket: PathBuf,
}

impl Drop for Ownership {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Either the file is ours, or somebody answers for it.
pub enum Claim {
    Ours(Ownership, Listener),
    Theirs(Remote),
}

/// How long an owner may say nothing at all, not even that it is there, before it counts as stopped.
const SILENCE: Duration = Duration::from_secs(5);
/// How soon a lock is looked at again whose owner cannot be reached.
const AGAIN: Duration = Duration::from_millis(200);
/// How often within that time it is asked whether it is there.
const PULSES: u32 = 5;
/// Largest frame either side accepts.
const FRAME_MAX: u32 = 64 << 20;

fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Longest path of a socket that every system takes, in bytes: it cannot stand beside the file.
const SOCKET_MAX: usize = 100;

/// The path of the socket: in the folder for what runs, or where that is somebody else's (as after `su`) or too long, in
/// one of our own for what is temporary.
fn socket_path(file: &Path) -> Result<PathBuf> {
    let cannot = |detail: String| fail(Code::File, "owner.no_socket", &[("detail", &detail)]);
    let absolute = std::path::absolute(file).map_err(|e| cannot(e.to_string()))?;
    let hash = blake3::hash(absolute.as_os_str().as_encoded_bytes()).to_hex();
    let name = format!("{}.sock", &hash.as_str()[..24]);
    let running = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|base| base.is_dir())
        .map(|base| base.join("carillon"));
    let temporary = std::env::temp_dir().join(format!("carillon-{}", whoami()));
    let mut last = String::new();
    for dir in running.into_iter().chain([temporary]) {
        let socket = dir.join(&name);
        if socket.as_os_str().len() > SOCKET_MAX {
            last = sentence("owner.long_path", &[("dir", &dir.display())]);
            continue;
        }
        match make_private(&dir) {
            Ok(true) => return Ok(socket),
            Ok(false) => last = sentence("owner.not_ours", &[("dir", &dir.display())]),
            Err(e) => last = format!("{}: {e}", dir.display()),
        }
    }
    Err(cannot(last))
}

#[cfg(unix)]
fn whoami() -> String {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self")
        .map(|m| m.uid().to_string())
        .unwrap_or_else(|_| "user".into())
}

#[cfg(not(unix))]
fn whoami() -> String {
    std::env::var("USERNAME").unwrap_or_else(|_| "user".into())
}

/// Makes a folder only its user can enter. False where one stands that somebody else could have made.
#[cfg(unix)]
fn make_private(dir: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let there = std::fs::symlink_metadata(dir)?;
    let me = std::fs::metadata("/proc/self")
        .map(|m| m.uid())
        .unwrap_or(there.uid());
    if !there.is_dir() || there.uid() != me {
        return Ok(false);
    }
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    Ok(true)
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> std::io::Result<bool> {
    std::fs::create_dir_all(dir)?;
    Ok(true)
}

fn socket_name(path: &Path) -> Result<Name<'static>> {
    path.to_path_buf()
        .to_fs_name::<GenericFilePath>()
        .map(Name::into_owned)
        .map_err(|e| fail(Code::File, "owner.no_socket", &[("detail", &e)]))
}

/// Claims the file: ours if nobody has it, else a line to its owner.
///
/// # Errors
/// `File` when the folder cannot be written to or when the owner does not answer within five seconds.
pub async fn claim(file: &Path) -> Result<Claim> {
    claim_within(file, SILENCE).await
}

async fn claim_within(file: &Path, silence: Duration) -> Result<Claim> {
    // An owner that ends between our look at its lock and our call is normal: look again until it let go.
    let mut last = None;
    let looks = (silence.as_millis() / AGAIN.as_millis()).max(3);
    for _ in 0..looks {
        let path = lock_path(file);
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| {
                fail(
                    Code::File,
                    "owner.no_lock",
                    &[("file", &path.display()), ("detail", &e)],
                )
            })?;
        match lock.try_lock() {
            Ok(()) => return ours(file, lock),
            Err(TryLockError::Error(e)) => {
                return Err(fail(
                    Code::File,
                    "owner.no_lock",
                    &[("file", &path.display()), ("detail", &e)],
                ));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        let mut text = String::new();
        // The owner may have locked but not yet signed.
        let _ = lock.read_to_string(&mut text);
        let Ok(sign) = serde_json::from_str::<Sign>(&text) else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        match timeout(silence, Remote::connect(&sign, silence)).await {
            Ok(Ok(remote)) => return Ok(Claim::Theirs(remote)),
            Ok(Err(e)) => last = Some(e),
            // It is there and says nothing: asking again would only take longer.
            Err(_) => return Err(silent(sign.pid)),
        }
        tokio::time::sleep(AGAIN).await;
    }
    Err(last.unwrap_or_else(|| fail(Code::File, "owner.unsigned", &[]).retry()))
}

fn silent(pid: u32) -> ApiError {
    fail(Code::File, "owner.silent", &[("pid", &pid)]).retry()
}

fn ours(file: &Path, mut lock: File) -> Result<Claim> {
    let socket = socket_path(file)?;
    // Nobody holds the lock, so a socket that stands here was left by a process that died.
    let _ = std::fs::remove_file(&socket);
    let io = |e: std::io::Error| fail(Code::File, "owner.no_socket", &[("detail", &e)]);
    let listener = ListenerOptions::new()
        .name(socket_name(&socket)?)
        .create_tokio()
        .map_err(io)?;
    let sign = Sign {
        pid: std::process::id(),
        socket: socket.to_string_lossy().into_owned(),
    };
    let text = serde_json::to_vec(&sign).map_err(ApiError::internal)?;
    lock.set_len(0)
        .and_then(|()| lock.seek(SeekFrom::Start(0)))
        .map_err(io)?;
    lock.write_all(&text).and_then(|()| lock.flush()).map_err(io)?;
    Ok(Claim::Ours(Ownership { _lock: lock, socket }, listener))
}

/// What goes to the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum ToOwner {
    /// Is somebody there? Answered at once, whatever else is being worked on.
    Hello,
    Call {
        id: u64,
        call: Call,
    },
    /// Wants to hear of every commit.
    Listen,
}

/// What comes from the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum FromOwner {
    Hello,
    Done {
        id: u64,
        reply: Reply,
    },
    Changed {
        topics: Value,
    },
    /// The owner lets the file go: what it has not answered by now it has not begun.
    Goodbye,
}

async fn write_frame<W: AsyncWrite + Unpin, T: Serialize>(to: &mut W, frame: &T) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(frame)?;
    let length = u32::try_from(bytes.len()).ok().filter(|n| *n <= FRAME_MAX);
    let length = length.ok_or_else(|| std::io::Error::other("the answer is too large"))?;
    to.write_all(&length.to_le_bytes()).await?;
    to.write_all(&bytes).await?;
    to.flush().await
}

async fn read_frame<R: AsyncRead + Unpin, T: for<'a> Deserialize<'a>>(from: &mut R) -> std::io::Result<T> {
    let length = from.read_u32_le().await?;
    if length > FRAME_MAX {
        return Err(std::io::Error::other("the frame is too large"));
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes).await?;
    serde_json::from_slice(&bytes).map_err(std::io::Error::other)
}

/// Answers calls on the owner's socket until `closing` says so: what was begun is answered, and whoever has a line hears
/// that it ends, so that nobody who was let in for one workspace reaches the next one this process opens.
/// `answer` runs one call; `changes` carries the topics of every commit.
pub async fn serve<F, Fut>(
    listener: Listener,
    answer: F,
    changes: broadcast::Sender<Value>,
    closing: watch::Receiver<bool>,
) where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    let answer = Arc::new(answer);
    let mut lines = JoinSet::new();
    let mut closed = closing.clone();
    let asked = async move { closed.wait_for(|closing| *closing).await.is_ok() };
    tokio::pin!(asked);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    lines.spawn(serve_line(stream, answer.clone(), changes.clone(), closing.clone()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = lines.join_next(), if !lines.is_empty() => {}
            _ = &mut asked => break,
        }
    }
    while lines.join_next().await.is_some() {}
}

/// One line, until its caller hangs up or the owner lets the file go.
async fn serve_line<F, Fut>(
    stream: Stream,
    answer: Arc<F>,
    changes: broadcast::Sender<Value>,
    mut closing: watch::Receiver<bool>,
) where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    let (mut from, mut to) = tokio::io::split(stream);
    let (send, mut queue) = mpsc::channel::<FromOwner>(256);
    let (mut calls, mut telling, mut writing) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    writing.spawn(async move {
        while let Some(frame) = queue.recv().await {
            if write_frame(&mut to, &frame).await.is_err() {
                break;
            }
        }
    });
    loop {
        let frame = tokio::select! {
            frame = read_frame::<_, ToOwner>(&mut from) => frame,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        let Ok(frame) = frame else { return };
        while calls.try_join_next().is_some() {}
        let send = send.clone();
        match frame {
            ToOwner::Hello => drop(send.send(FromOwner::Hello).await),
            ToOwner::Call { id, call } => {
                let answer = answer.clone();
                calls.spawn(async move {
                    let reply = answer(call).await;
                    let _ = send.send(FromOwner::Done { id, reply }).await;
                });
            }
            ToOwner::Listen => {
                telling.spawn(tell(changes.subscribe(), send));
            }
        }
    }
    while calls.join_next().await.is_some() {}
    telling.shutdown().await;
    let _ = send.send(FromOwner::Goodbye).await;
    drop(send);
    while writing.join_next().await.is_some() {}
}

/// Tells one line of every commit.
async fn tell(mut changes: broadcast::Receiver<Value>, send: mpsc::Sender<FromOwner>) {
    loop {
        let topics = match changes.recv().await {
            Ok(topics) => topics,
            // Fell behind: everything may have changed.
            Err(broadcast::error::RecvError::Lagged(_)) => Value::Null,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        if send.send(FromOwner::Changed { topics }).await.is_err() {
            return;
        }
    }
}

/// A line to the process that owns the file.
#[derive(Clone)]
pub struct Remote {
    /// Its process.
    pub pid: u32,
    send: mpsc::Sender<ToOwner>,
    waiting: Arc<std::sync::Mutex<Waiting>>,
    changes: broadcast::Sender<Value>,
    silence: Duration,
    _reading: Arc<Reading>,
}

/// Hangs up with the last handle of a line.
struct Reading(tokio::task::AbortHandle);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Waiting {
    next: u64,
    gone: bool,
    /// How often the owner said anything.
    heard: u64,
    /// Nothing for those that were not begun before the owner let the file go.
    calls: BTreeMap<u64, oneshot::Sender<Option<Reply>>>,
}

impl Remote {
    async fn connect(sign: &Sign, silence: Duration) -> Result<Remote> {
        let gone = |e: std::io::Error| {
            fail(
                Code::File,
                "owner.unreachable",
                &[("pid", &sign.pid), ("detail", &e)],
            )
            .retry()
        };
        let name = socket_name(Path::new(&sign.socket))?;
        let stream = Stream::connect(name).await.map_err(gone)?;
        let (mut from, mut to) = tokio::io::split(stream);
        write_frame(&mut to, &ToOwner::Hello).await.map_err(gone)?;
        let FromOwner::Hello = read_frame(&mut from).await.map_err(gone)? else {
            return Err(fail(Code::File, "owner.unsigned", &[]));
        };
        let (send, mut queue) = mpsc::channel::<ToOwner>(256);
        tokio::spawn(async move {
            while let Some(frame) = queue.recv().await {
                if write_frame(&mut to, &frame).await.is_err() {
                    break;
                }
            }
        });
        let waiting = Arc::new(std::sync::Mutex::new(Waiting {
            next: 0,
            gone: false,
            heard: 0,
            calls: BTreeMap::new(),
        }));
        let (changes, _) = broadcast::channel(256);
        let (heard, told) = (waiting.clone(), changes.clone());
        let reading = tokio::spawn(async move {
            let (waiting, changes) = (heard, told);
            while let Ok(frame) = read_frame::<_, FromOwner>(&mut from).await {
                waiting.lock().unwrap_or_else(|e| e.into_inner()).heard += 1;
                match frame {
                    FromOwner::Hello => {}
                    FromOwner::Done { id, reply } => {
                        let caller = waiting
                            .lock()
                            .unwrap_or_else(|e| e.into_inner())
                            .calls
                            .remove(&id);
                        if let Some(caller) = caller {
                            let _ = caller.send(Some(reply));
                        }
                    }
                    FromOwner::Changed { topics } => drop(changes.send(topics)),
                    FromOwner::Goodbye => {
                        let mut waiting = waiting.lock().unwrap_or_else(|e| e.into_inner());
                        waiting.gone = true;
                        let calls = std::mem::take(&mut waiting.calls);
                        calls.into_values().for_each(|caller| drop(caller.send(None)));
                        return;
                    }
                }
            }
            let mut waiting = waiting.lock().unwrap_or_else(|e| e.into_inner());
            waiting.gone = true;
            waiting.calls.clear();
        });
        Ok(Remote {
            pid: sign.pid,
            send,
            waiting,
            changes,
            silence,
            _reading: Arc::new(Reading(reading.abort_handle())),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the owner to run a command, however long that takes, for as long as the owner says that it is there.
    /// `None`: it let the file go and has not begun; whoever owns the file next can be asked.
    ///
    /// # Errors
    /// The command's own, or `File` when the owner ended or fell silent before it answered.
    pub async fn call(&self, call: Call) -> Option<Reply> {
        let lost = || fail(Code::File, "owner.lost", &[("pid", &self.pid)]).retry();
        let changes = call.kind == Kind::Mutate;
        let (send, mut receive) = oneshot::channel();
        let (id, mut heard) = {
            let mut waiting = self.waiting();
            if waiting.gone {
                return None;
            }
            waiting.next += 1;
            let id = waiting.next;
            waiting.calls.insert(id, send);
            (id, waiting.heard)
        };
        let sent = timeout(self.silence, self.send.send(ToOwner::Call { id, call })).await;
        match sent {
            Ok(Ok(())) => {}
            // Nobody writes on the line any more; whether it was a goodbye is known at once.
            Ok(Err(_)) => return receive.await.unwrap_or_else(|_| Some(Err(lost()))),
            Err(_) => {
                self.waiting().calls.remove(&id);
                return Some(Err(silent(self.pid)));
            }
        }
        // Counted in pulses and not by the clock: after a sleep of this process the answers are still to be read.
        let mut silent_for = 0;
        loop {
            if let Ok(reply) = timeout(self.silence / PULSES, &mut receive).await {
                return reply.unwrap_or_else(|_| Some(Err(lost())));
            }
            let now = self.waiting().heard;
            silent_for = if now == heard { silent_for + 1 } else { 0 };
            heard = now;
            if silent_for >= PULSES {
                self.waiting().calls.remove(&id);
                // A change that was asked for may still be made once the owner goes on.
                return Some(Err(match changes {
                    true => fail(Code::File, "owner.stalled", &[("pid", &self.pid)]),
                    false => silent(self.pid),
                }));
            }
            let _ = self.send.try_send(ToOwner::Hello);
        }
    }

    /// Topics of every commit of the owner, from now on.
    pub async fn listen(&self) -> broadcast::Receiver<Value> {
        let receiver = self.changes.subscribe();
        let _ = self.send.send(ToOwner::Listen).await;
        receiver
    }

    /// Whether the line still stands.
    pub fn is_alive(&self) -> bool {
        !self.waiting().gone
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
