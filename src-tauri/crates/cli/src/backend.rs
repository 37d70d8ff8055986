//! Where the command line's calls go: to the use-cases in this process, or through the socket to whoever
//! owns the file. The caller cannot tell.

use carillon_app::App;
use carillon_app::error::{ApiError, Code, Result, fail};
use carillon_app::jobs::phase_words;
use carillon_app::table::{Call, Kind, Window};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One program run.
pub struct Backend {
    pub app: App,
    /// Whether to draw progress.
    pub quiet: bool,
}

impl Backend {
    /// A program with nothing open.
    pub fn new(json: bool) -> Backend {
        let app = App::new(App::default_home(), false);
        Backend {
            app,
            quiet: json || !std::io::stderr().is_terminal(),
        }
    }

    /// Opens the workspace a command is for.
    ///
    /// # Errors
    /// When none is named and none was opened before, or the file cannot be opened.
    pub async fn open(&self, named: Option<PathBuf>) -> Result<()> {
        let file = match named {
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
        self.app
            .call(
                Window::Terminal,
                Call {
                    kind: Kind::Query,
                    name: name.to_owned(),
                    args,
                },
            )
            .await
    }

    /// Changes.
    pub async fn mutate(&self, name: &str, args: Value) -> Result<Value> {
        self.app
            .call(
                Window::Terminal,
                Call {
                    kind: Kind::Mutate,
                    name: name.to_owned(),
                    args,
                },
            )
            .await
    }

    /// Starts a job, shows its progress if it takes longer than a second, and gives its answer.
    pub async fn job(&self, name: &str, args: Value) -> Result<Value> {
        let started = self.mutate(name, args).await?;
        let id = started["job"]
            .as_u64()
            .ok_or_else(|| ApiError::internal("no job was started"))?;
        let bar = ProgressBar::hidden();
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(10);
        let mut cancelled = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = tokio::signal::ctrl_c(), if !cancelled => {
                    cancelled = true;
                    self.mutate("jobs.cancel", json!({ "id": id })).await?;
                }
            }
            waited += pause;
            pause = (pause * 2).min(Duration::from_millis(200));
            let job = self.query("jobs.get", json!({ "id": id })).await?;
            match job["state"].as_str() {
                Some("running") => {
                    if waited > Duration::from_secs(1) && !self.quiet {
                        draw(&bar, &job);
                    }
                }
                Some("done") => {
                    bar.finish_and_clear();
                    return Ok(job["result"].clone());
                }
                _ => {
                    bar.finish_and_clear();
                    let error = serde_json::from_value(job["error"].clone());
                    return Err(error.unwrap_or_else(ApiError::internal));
                }
            }
        }
    }

    /// The row of a list whose `key` is `value`.
    pub async fn find(&self, list: &str, key: &str, value: &str, missing: &str) -> Result<Value> {
        let rows = self.query(list, json!({})).await?;
        rows.as_array()
            .and_then(|rows| rows.iter().find(|row| row[key] == json!(value)))
            .cloned()
            .ok_or_else(|| {
                fail(
                    Code::NotFound,
                    &format!("not_found.{missing}"),
                    &[("name", &value)],
                )
            })
    }

    /// The id of a contact.
    pub async fn contact(&self, email: &str) -> Result<Value> {
        Ok(self.query("contacts.find", json!({ "email": email })).await?["id"].clone())
    }
}

fn draw(bar: &ProgressBar, job: &Value) {
    if bar.is_hidden() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    let (done, total) = (
        job["done"].as_f64().unwrap_or(0.0),
        job["total"].as_f64().unwrap_or(0.0),
    );
    let template = if total > 0.0 {
        "{msg} {wide_bar} {percent}% {eta}"
    } else {
        "{spinner} {msg} {pos} {elapsed}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_length(total as u64);
    bar.set_position(done as u64);
    bar.set_message(phase_words(job["phase"].as_str().unwrap_or_default()).to_owned());
}

/// The path as another process would find it.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
