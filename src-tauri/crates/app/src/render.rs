//! Rendering where memory and time are bounded: in a child process that is this very program started again.
//!
//! A template can be written so that no library bounds what it takes. So renders run in a child that limits its own
//! memory first and is ended when a message takes too long; the offending message gets an error, and the rest of
//! the batch goes on in a new child. On Linux the limit is on the address space (`RLIMIT_AS`). macOS accepts that
//! limit without keeping it, and on Windows none is set (a job object would be the means): there only the wall
//! clock and the bounds of `carillon_render::limits` hold.

use carillon_render::child::{self, Output, Request, Response, stopped};
use carillon_render::{ErrorKind, RenderError};
use std::io::{self, BufReader, BufWriter};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The first argument of a process that is a render child.
pub const CHILD_ARGUMENT: &str = "--render-child";

/// Bytes the child may use beyond what it has mapped at its start.
const CHILD_BYTES: u64 = 384 * 1024 * 1024;
/// Stack of the thread that renders: enough for the deepest allowed MJML in a debug build.
const CHILD_STACK: usize = 32 * 1024 * 1024;
/// Contexts in one frame; small enough that a lost child costs little.
const CHUNK: usize = 200;
/// Children one batch may lose before the rest of it is refused: they would be lost the same way.
const LOSSES: usize = 3;

/// Must be called first in `main`, before any thread starts. In a render child it serves until its input ends and
/// returns the exit code; in any other process it returns none at once.
pub fn render_child() -> Option<i32> {
    if std::env::args_os().nth(1)? != CHILD_ARGUMENT {
        return None;
    }
    if !limit_self() {
        return Some(3);
    }
    let serving = thread::Builder::new()
        .stack_size(CHILD_STACK)
        .spawn(|| child::child_main(BufReader::new(io::stdin()), BufWriter::new(io::stdout())));
    Some(serving.ok().and_then(|thread| thread.join().ok()).unwrap_or(4))
}

/// Whether the limits hold. No limit, no render.
#[cfg(unix)]
fn limit_self() -> bool {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let exactly = |bytes: u64| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // A crash leaves no core file with a customer's data, and nothing here has a file to write.
    let quiet =
        setrlimit(Resource::Core, exactly(0)).is_ok() && setrlimit(Resource::Fsize, exactly(0)).is_ok();
    let memory = setrlimit(Resource::As, exactly(mapped_bytes() + CHILD_BYTES)).is_ok();
    quiet && (memory || cfg!(target_os = "macos"))
}

#[cfg(not(unix))]
fn limit_self() -> bool {
    true
}

/// Address space in use already: the desktop program maps a web engine before `main`.
#[cfg(unix)]
fn mapped_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// How long a child may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first message after a child has started, and for reading a template.
    pub first: Duration,
    /// For each message after that.
    pub message: Duration,
    /// For a whole batch, with all its children.
    pub batch: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first: Duration::from_secs(2),
            message: Duration::from_millis(250),
            batch: Duration::from_secs(120),
        }
    }
}

/// Renders batches through one child at a time, which it starts, watches and replaces. One batch at a time;
/// several renderers may work side by side.
pub struct Renderer {
    command: Box<dyn FnMut() -> Command + Send>,
    patience: Patience,
    child: Option<Child>,
    /// Children that were ended or died, since this renderer was made.
    losses: usize,
}

impl Renderer {
    /// `command` makes the command that starts a child: usually `std::env::current_exe()` with [`CHILD_ARGUMENT`] as
    /// its first argument. Nothing is started yet.
    pub fn new(command: impl FnMut() -> Command + Send + 'static) -> Self {
        Renderer {
            command: Box::new(command),
            patience: Patience::default(),
            child: None,
            losses: 0,
        }
    }

    /// The same with other time limits.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Children lost to a template so far.
    pub fn losses(&self) -> usize {
        self.losses
    }

    /// One result for each context of the request, in order. Blocks; never longer than the patience for a batch
    /// (and a moment to end the child). A message that breaks the child gets an error of kind `Stopped`, the others
    /// their results.
    pub fn render_batch(&mut self, request: &Request) -> Vec<Result<Output, RenderError>> {
        let deadline = Instant::now() + self.patience.batch;
        let total = request.contexts.len();
        let mut results = Vec::with_capacity(total);
        let mut lost = 0;
        while results.len() < total {
            let from = results.len();
            let chunk = Request {
                template: request.template.clone(),
                sender: request.sender.clone(),
                mode: request.mode,
                contexts: request.contexts[from..total.min(from + CHUNK)].to_vec(),
            };
            match self.render_chunk(&chunk, deadline, &mut results) {
                Ok(()) => {}
                Err(error) => {
                    self.child = None;
                    self.losses += 1;
                    lost += 1;
                    results.push(Err(error.clone()));
                    if lost >= LOSSES || Instant::now() >= deadline {
                        results.resize(total, Err(error));
                    }
                }
            }
        }
        results
    }

    /// Adds the results of a chunk; on an error the next context is the one that broke the child.
    fn render_chunk(
        &mut self,
        chunk: &Request,
        deadline: Instant,
        results: &mut Vec<Result<Output, RenderError>>,
    ) -> Result<(), RenderError> {
        if !self.child.as_mut().is_some_and(Child::is_running) {
            self.child = Some(Child::start((self.command)()).map_err(|e| not_started(&e))?);
        }
        let Some(child) = &self.child else {
            return Err(stopped());
        };
        child.requests.send(chunk.clone()).map_err(|_| stopped())?;
        for index in 0..chunk.contexts.len() {
            let wait = if index == 0 {
                self.patience.first
            } else {
                self.patience.message
            };
            let wait = wait.min(deadline.saturating_duration_since(Instant::now()));
            match child.responses.recv_timeout(wait) {
                Ok(response) if response.index == index => results.push(response.result),
                _ => return Err(stopped()),
            }
        }
        Ok(())
    }
}

fn not_started(error: &io::Error) -> RenderError {
    RenderError::new(
        ErrorKind::Stopped,
        format!("The process that renders templates could not be started: {error}."),
    )
}

/// A running child. Its pipes are served by two threads, so that a child that neither reads nor writes cannot hold
/// this process.
struct Child {
    process: std::process::Child,
    requests: Sender<Request>,
    responses: Receiver<Response>,
}

impl Child {
    fn start(mut command: Command) -> io::Result<Child> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("no pipe to the child"));
        };
        let (requests, to_write) = channel::<Request>();
        // Short, so that a child cannot fill this process by answering faster than it is asked.
        let (to_read, responses) = sync_channel::<Response>(2);
        let mut child = Child {
            process,
            requests,
            responses,
        };
        let writing = thread::Builder::new().name("render-write".into()).spawn(move || {
            let mut stdin = BufWriter::new(stdin);
            while let Ok(request) = to_write.recv() {
                if child::write_frame(&mut stdin, &request).is_err() {
                    break;
                }
            }
        });
        let reading = thread::Builder::new().name("render-read".into()).spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Ok(Some(response)) = child::read_frame(&mut stdout) {
                if to_read.send(response).is_err() {
                    break;
                }
            }
        });
        match (writing, reading) {
            (Ok(_), Ok(_)) => Ok(child),
            (Err(error), _) | (_, Err(error)) => {
                child.end();
                Err(error)
            }
        }
    }

    /// False where it ended since its last answer, by whatever cause: then no message is to blame.
    fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to do but to collect it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}
