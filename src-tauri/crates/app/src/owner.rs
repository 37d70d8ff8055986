//! Who owns a file: the first process that opens it. The others talk to it through a local socket.
//!
//! The lock is taken on a side file (`<file>.lock`), because closing any other handle of the database inside
//! its own process would drop SQLite's POSIX locks. The side file also says where the owner listens.

use crate::error::{ApiError, Code, Result, fail};
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
use tokio::sync::{broadcast, mpsc, oneshot};
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
/// How often within that time it is asked whether it is there.
const PULSES: u32 = 5;
/// Largest frame either side accepts.
const FRAME_MAX: u32 = 64 << 20;

fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// A short path for the socket: Unix allows about 100 bytes, so it cannot stand beside the file.
fn socket_path(file: &Path) -> Result<PathBuf> {
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|p| p.is_dir());
    let dir = match base {
        Some(dir) => dir.join("carillon"),
        None => std::env::temp_dir().join(format!("carillon-{}", whoami())),
    };
    let io = |e: std::io::Error| fail(Code::File, "owner.no_socket", &[("detail", &e)]);
    make_private(&dir).map_err(io)?;
    let absolute = std::path::absolute(file).map_err(io)?;
    let hash = blake3::hash(absolute.as_os_str().as_encoded_bytes()).to_hex();
    Ok(dir.join(format!("{}.sock", &hash.as_str()[..24])))
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

/// Makes a folder only its user can enter, and refuses one that somebody else could have made.
#[cfg(unix)]
fn make_private(dir: &Path) -> std::io::Result<()> {
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
        return Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "the folder belongs to somebody else",
        ));
    }
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)
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
    // An owner that ends between our look at its lock and our call is normal: look again, a few times.
    let mut last = None;
    for _ in 0..3 {
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
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        match timeout(silence, Remote::connect(&sign, silence)).await {
            Ok(Ok(remote)) => return Ok(Claim::Theirs(remote)),
            Ok(Err(e)) => last = Some(e),
            // It is there and says nothing: asking again would only take longer.
            Err(_) => return Err(silent(sign.pid)),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
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
    Done { id: u64, reply: Reply },
    Changed { topics: Value },
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

/// Answers calls on the owner's socket until the listener is dropped with the task.
/// `answer` runs one call; `changes` carries the topics of every commit.
pub async fn serve<F, Fut>(listener: Listener, answer: F, changes: broadcast::Sender<Value>)
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    let answer = Arc::new(answer);
    loop {
        let Ok(stream) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (answer, changes) = (answer.clone(), changes.clone());
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(stream);
            let (send, mut queue) = mpsc::channel::<FromOwner>(256);
            let writer = tokio::spawn(async move {
                while let Some(frame) = queue.recv().await {
                    if write_frame(&mut to, &frame).await.is_err() {
                        break;
                    }
                }
            });
            while let Ok(frame) = read_frame::<_, ToOwner>(&mut from).await {
                let send = send.clone();
                match frame {
                    ToOwner::Hello => drop(send.send(FromOwner::Hello).await),
                    ToOwner::Call { id, call } => {
                        let answer = answer.clone();
                        tokio::spawn(async move {
                            let reply = answer(call).await;
                            let _ = send.send(FromOwner::Done { id, reply }).await;
                        });
                    }
                    ToOwner::Listen => {
                        let mut changes = changes.subscribe();
                        tokio::spawn(async move {
                            loop {
                                let topics = match changes.recv().await {
                                    Ok(topics) => topics,
                                    // Fell behind: everything may have changed.
                                    Err(broadcast::error::RecvError::Lagged(_)) => Value::Null,
                                    Err(broadcast::error::RecvError::Closed) => break,
                                };
                                if send.send(FromOwner::Changed { topics }).await.is_err() {
                                    break;
                                }
                            }
                        });
                    }
                }
            }
            drop(send);
            let _ = writer.await;
        });
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
}

struct Waiting {
    next: u64,
    gone: bool,
    /// How often the owner said anything.
    heard: u64,
    calls: BTreeMap<u64, oneshot::Sender<Reply>>,
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
        let remote = Remote {
            pid: sign.pid,
            send,
            waiting: waiting.clone(),
            changes: changes.clone(),
            silence,
        };
        tokio::spawn(async move {
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
                            let _ = caller.send(reply);
                        }
                    }
                    FromOwner::Changed { topics } => drop(changes.send(topics)),
                }
            }
            let mut waiting = waiting.lock().unwrap_or_else(|e| e.into_inner());
            waiting.gone = true;
            waiting.calls.clear();
        });
        Ok(remote)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the owner to run a command, however long that takes, for as long as the owner says that it is there.
    ///
    /// # Errors
    /// The command's own, or `File` when the owner ended or fell silent before it answered.
    pub async fn call(&self, call: Call) -> Reply {
        let lost = || fail(Code::File, "owner.lost", &[("pid", &self.pid)]).retry();
        let changes = call.kind == Kind::Mutate;
        let (send, mut receive) = oneshot::channel();
        let (id, mut heard) = {
            let mut waiting = self.waiting();
            if waiting.gone {
                return Err(lost());
            }
            waiting.next += 1;
            let id = waiting.next;
            waiting.calls.insert(id, send);
            (id, waiting.heard)
        };
        let sent = timeout(self.silence, self.send.send(ToOwner::Call { id, call })).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(lost()),
            Err(_) => {
                self.waiting().calls.remove(&id);
                return Err(silent(self.pid));
            }
        }
        // Counted in pulses and not by the clock: after a sleep of this process the answers are still to be read.
        let mut silent_for = 0;
        loop {
            if let Ok(reply) = timeout(self.silence / PULSES, &mut receive).await {
                return reply.map_err(|_| lost())?;
            }
            let now = self.waiting().heard;
            silent_for = if now == heard { silent_for + 1 } else { 0 };
            heard = now;
            if silent_for >= PULSES {
                self.waiting().calls.remove(&id);
                // A change that was asked for may still be made once the owner goes on.
                return Err(match changes {
                    true => fail(Code::File, "owner.stalled", &[("pid", &self.pid)]),
                    false => silent(self.pid),
                });
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
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::task::JoinHandle;

    /// Patience of these tests: what they wait for never comes, so its length decides nothing.
    const SHORT: Duration = Duration::from_millis(100);

    /// Somebody who holds the file, answers so many greetings, and then only listens.
    struct Stopped {
        file: PathBuf,
        met: Arc<AtomicU32>,
        _lock: File,
        _task: JoinHandle<()>,
    }

    fn stopped_after(dir: &Path, greetings: u32) -> Stopped {
        let file = dir.join("shop.carillon");
        let socket = dir.join("s.sock");
        let listener = ListenerOptions::new()
            .name(socket_name(&socket).unwrap())
            .create_tokio()
            .unwrap();
        let mut lock = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(lock_path(&file))
            .unwrap();
        lock.try_lock().unwrap();
        let sign = Sign {
            pid: 4711,
            socket: socket.to_string_lossy().into_owned(),
        };
        lock.write_all(&serde_json::to_vec(&sign).unwrap()).unwrap();
        let met = Arc::new(AtomicU32::new(0));
        let count = met.clone();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok(mut stream) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                for _ in 0..greetings {
                    while !matches!(read_frame(&mut stream).await, Ok(ToOwner::Hello)) {}
                    write_frame(&mut stream, &FromOwner::Hello).await.unwrap();
                }
                open.push(stream);
            }
        });
        Stopped {
            file,
            met,
            _lock: lock,
            _task: task,
        }
    }

    fn asking(kind: Kind) -> Call {
        Call {
            kind,
            name: "home.overview".to_owned(),
            args: Value::Null,
        }
    }

    #[tokio::test]
    async fn an_owner_that_says_nothing_is_asked_once_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let owner = stopped_after(dir.path(), 0);
        let Err(error) = claim_within(&owner.file, SHORT).await else {
            unreachable!("somebody else holds the file");
        };
        assert!(error.message.contains("process 4711") && error.message.contains("does not answer"));
        assert!(error.message.contains("Nothing was changed"), "{}", error.message);
        assert_eq!(owner.met.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_owner_that_falls_silent_ends_the_call_and_says_what_is_not_known() {
        let dir = tempfile::tempdir().unwrap();
        let owner = stopped_after(dir.path(), 3);
        let Ok(Claim::Theirs(remote)) = claim_within(&owner.file, SHORT).await else {
            unreachable!("it greets");
        };
        let change = remote.call(asking(Kind::Mutate)).await.unwrap_err();
        assert!(
            change.message.contains("look before you repeat"),
            "{}",
            change.message
        );
        assert!(!change.retry, "a change must not be repeated blindly");
        let question = remote.call(asking(Kind::Query)).await.unwrap_err();
        assert!(
            question.message.contains("Nothing was changed"),
            "{}",
            question.message
        );
        assert!(question.retry && remote.waiting().calls.is_empty());
    }

    #[tokio::test]
    async fn a_call_may_take_far_longer_than_an_owner_may_be_silent() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shop.carillon");
        let (changes, _) = broadcast::channel(4);
        let Claim::Ours(_ownership, listener) = claim_within(&file, SHORT * 5).await.unwrap() else {
            unreachable!("nobody else has it");
        };
        let slow = |_call: Call| async {
            tokio::time::sleep(SHORT * 12).await;
            Ok(Value::from("done"))
        };
        let serving = tokio::spawn(serve(listener, slow, changes));
        let sign: Sign = serde_json::from_slice(&std::fs::read(lock_path(&file)).unwrap()).unwrap();
        let remote = Remote::connect(&sign, SHORT * 5).await.unwrap();
        assert_eq!(remote.call(asking(Kind::Mutate)).await.unwrap(), "done");
        serving.abort();
    }
}
