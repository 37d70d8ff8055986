//! Where the command line's calls go: to the use-cases in this process, or through the socket to whoever
//! owns the file. The caller cannot tell.

use crate::args::Part;
use crate::interrupt::Interrupt;
use crate::output::complain;
use crate::words::text;
use carillon_app::App;
use carillon_app::error::{ApiError, Code, Result, fail};
use carillon_app::jobs::phase_words;
use carillon_app::table::{Call, Kind, Window};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One program run.
pub struct Backend {
    pub app: App,
    pub interrupt: Interrupt,
}

/// Rows that one question brings at most.
const PAGE: u64 = 200;

impl Backend {
    /// A program with nothing open. `lively`: journeys move by themselves while a workspace is open.
    pub fn new(lively: bool) -> Backend {
        Backend {
            app: App::new(App::default_home(), lively),
            interrupt: Interrupt::listen(),
        }
    }

    /// Opens the workspace a command is for.
    ///
    /// # Errors
    /// When none is named and none was opened before, or the file cannot be opened.
    pub async fn open(&self, named: Option<PathBuf>) -> Result<()> {
        let file = match named.filter(|file| !file.as_os_str().is_empty()) {
            Some(file) => file,
            None => self.last().await?,
        };
        self.mutate("workspaces.open", json!({ "file": { "path": absolute(&file) } }))
            .await
            .map(drop)
    }

    async fn last(&self) -> Result<PathBuf> {
        let recent = self.query("workspaces.recent", json!({})).await?;
        recent
            .as_array()
            .and_then(|all| all.iter().find(|w| w["exists"] == json!(true)))
            .and_then(|w| w["file"].as_str())
            .map(PathBuf::from)
            .ok_or_else(|| fail(Code::Closed, "cli.no_workspace", &[]))
    }

    /// Reads.
    pub async fn query(&self, name: &str, args: Value) -> Result<Value> {
        self.ask(Kind::Query, name, args).await
    }

    /// Changes.
    pub async fn mutate(&self, name: &str, args: Value) -> Result<Value> {
        self.ask(Kind::Mutate, name, args).await
    }

    async fn ask(&self, kind: Kind, name: &str, args: Value) -> Result<Value> {
        let name = name.to_owned();
        let call = self.app.call(Window::Terminal, Call { kind, name, args });
        tokio::pin!(call);
        let progress = Progress::new();
        loop {
            tokio::select! {
                reply = &mut call => {
                    return reply;
                }
                () = self.interrupt.asked() => {
                    return Err(fail(Code::Cancelled, "cli.stopped", &[]));
                }
                () = tokio::time::sleep(Duration::from_millis(200)) => progress.draw(&Value::Null),
            }
        }
    }

    /// Lets the workspace go. Waits for the last commit and, where this process owns the file, for the jobs that others
    /// started through it; who is impatient stops those.
    pub async fn close(&self) -> Result<()> {
        let jobs = self.app.jobs().clone();
        let others = jobs.heard_out();
        tokio::pin!(others);
        tokio::select! {
            () = &mut others => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                complain(&text!("interrupt.others"));
                tokio::select! {
                    () = &mut others => {}
                    () = self.interrupt.asked(), if !self.interrupt.is_asked() => {
                        jobs.cancel_all();
                        others.await;
                    }
                }
            }
        }
        self.patiently(Kind::Mutate, "workspaces.close", json!({}))
            .await
            .map(drop)
    }

    /// Starts a job, shows its progress if it takes longer than a second, and gives its answer.
    pub async fn job(&self, name: &str, args: Value) -> Result<Value> {
        let started = self.mutate(name, args).await?;
        self.finish(&started).await
    }

    /// Waits for the end of a job that was started, and gives its answer.
    pub async fn finish(&self, started: &Value) -> Result<Value> {
        let id = started["job"]
            .as_u64()
            .ok_or_else(|| ApiError::internal("no job was started"))?;
        let mut progress = Progress::new();
        let mut pause = Duration::from_millis(10);
        let mut cancelled = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.interrupt.asked(), if !cancelled => {
                    cancelled = true;
                    progress.clear();
                    complain(&text!("interrupt.stopping"));
                    self.patiently(Kind::Mutate, "jobs.cancel", json!({ "id": id })).await?;
                }
            }
            pause = (pause * 2).min(Duration::from_millis(200));
            let job = self
                .patiently(Kind::Query, "jobs.get", json!({ "id": id }))
                .await?;
            match job["state"].as_str() {
                Some("running") if cancelled => {}
                Some("running") => progress.draw(&job),
                Some("done") => return Ok(job["result"].clone()),
                _ => {
                    let error = serde_json::from_value(job["error"].clone());
                    return Err(error.unwrap_or_else(ApiError::internal));
                }
            }
        }
    }

    /// A question that Ctrl+C does not cut off: the end of a job that was asked to stop is still to be heard.
    ///
    /// # Errors
    /// The command's own.
    pub async fn patiently(&self, kind: Kind, name: &str, args: Value) -> Result<Value> {
        let name = name.to_owned();
        self.app.call(Window::Terminal, Call { kind, name, args }).await
    }

    /// Rows of a list that comes in pages, and how many there are in all.
    pub async fn rows(&self, name: &str, mut args: Value, part: Part) -> Result<Value> {
        let (mut rows, mut total) = (Vec::new(), Value::Null);
        let (offset, limit) = (u64::from(part.offset), u64::from(part.limit));
        loop {
            let wanted = (limit - rows.len() as u64).min(PAGE);
            args["offset"] = json!(offset + rows.len() as u64);
            args["limit"] = json!(wanted);
            let page = self.query(name, args.clone()).await?;
            total = if total.is_null() {
                page["total"].clone()
            } else {
                total
            };
            let found = page["rows"].as_array().cloned().unwrap_or_default();
            let last = (found.len() as u64) < wanted;
            rows.extend(found);
            if last || rows.len() as u64 >= limit {
                return Ok(json!({ "rows": rows, "total": total }));
            }
        }
    }

    /// The row of a list whose name is `name`; else which there are.
    pub async fn find(&self, list: &str, name: &str, missing: &str) -> Result<Value> {
        let rows = self.query(list, json!({})).await?;
        let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(found) = rows.iter().find(|row| row["name"] == json!(name)) {
            return Ok(found.clone());
        }
        let mut error = fail(
            Code::NotFound,
            &format!("not_found.{missing}"),
            &[("name", &name)],
        );
        let known: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        let others = match known.is_empty() {
            true => text!("find.none"),
            false => text!("find.there_are", names = known.join(", ")),
        };
        error.message = format!("{} {others}", error.message);
        Err(error)
    }

    /// The id of a contact.
    pub async fn contact(&self, email: &str) -> Result<Value> {
        Ok(self.query("contacts.find", json!({ "email": email })).await?["id"].clone())
    }
}

/// What is shown of work that takes longer than a second, where somebody looks.
struct Progress {
    bar: ProgressBar,
    since: Instant,
    watched: bool,
}

impl Progress {
    fn new() -> Progress {
        Progress {
            bar: ProgressBar::hidden(),
            since: Instant::now(),
            watched: std::io::stderr().is_terminal(),
        }
    }

    fn draw(&self, job: &Value) {
        if !self.watched || self.since.elapsed() < Duration::from_secs(1) {
            return;
        }
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        let of = |name: &str| job[name].as_f64().unwrap_or(0.0);
        let template = if of("total") > 0.0 {
            "{msg} {wide_bar} {percent}% {eta}"
        } else if of("done") > 0.0 {
            "{spinner} {msg} {pos} {elapsed}"
        } else {
            "{spinner} {msg} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(of("total") as u64);
        self.bar.set_position(of("done") as u64);
        let phase = phase_words(job["phase"].as_str().unwrap_or_default()).to_owned();
        self.bar.set_message(match phase.is_empty() {
            true => text!("working"),
            false => phase,
        });
    }

    fn clear(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The path as another process would find it.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
