//! A program with a workspace, for tests.

use carillon_app::App;
use carillon_app::error::ApiError;
use carillon_app::table::{Call, Kind, Reply, Window};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program with a workspace of its own.
pub struct Studio {
    pub app: App,
    pub dir: PathBuf,
}

impl Studio {
    /// A program with nothing open.
    pub fn idle(dir: &Path) -> Studio {
        Studio {
            app: App::new(dir.join("home"), false),
            dir: dir.to_owned(),
        }
    }

    /// A new workspace whose clock stands still.
    pub async fn new(dir: &Path) -> Studio {
        let studio = Studio::idle(dir);
        let file = dir.join("shop.carillon");
        let args = json!({ "file": { "path": file }, "name": "Shop", "clock": "virtual", "start": "2026-03-01T00:00:00Z", "time_zone": "Europe/Berlin" });
        studio.ask(Kind::Mutate, "workspaces.create", args).await.unwrap();
        studio
    }

    /// The workspace of a folder, again.
    pub async fn again(dir: &Path) -> Studio {
        let studio = Studio::idle(dir);
        studio
            .mutate(
                "workspaces.open",
                json!({ "file": { "path": dir.join("shop.carillon") } }),
            )
            .await;
        studio
    }

    pub async fn ask(&self, kind: Kind, name: &str, args: Value) -> Reply {
        self.app
            .call(
                Window::Terminal,
                Call {
                    kind,
                    name: name.to_owned(),
                    args,
                },
            )
            .await
    }

    pub async fn query(&self, name: &str, args: Value) -> Value {
        self.ask(Kind::Query, name, args).await.unwrap()
    }

    pub async fn mutate(&self, name: &str, args: Value) -> Value {
        self.ask(Kind::Mutate, name, args).await.unwrap()
    }

    /// Starts a job and waits for its end. `cancel`: stops it as soon as it has done something.
    pub async fn try_job(&self, name: &str, args: Value, cancel: bool) -> Result<Value, ApiError> {
        let started = self.ask(Kind::Mutate, name, args).await?;
        let id = json!({ "id": started["job"] });
        loop {
            let job = self.query("jobs.get", id.clone()).await;
            match job["state"].as_str().unwrap() {
                "running" => {
                    if cancel && job["done"].as_f64().unwrap() > 0.0 {
                        self.mutate("jobs.cancel", id.clone()).await;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                "done" => return Ok(job["result"].clone()),
                _ => return Err(serde_json::from_value(job["error"].clone()).unwrap()),
            }
        }
    }

    pub async fn job(&self, name: &str, args: Value) -> Value {
        self.try_job(name, args, false).await.unwrap()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The plan that is proposed for a file, to be changed by a test.
    pub async fn plan(&self, path: &Path) -> Value {
        let preview = self
            .mutate("contacts.import_open", json!({ "file": { "path": path } }))
            .await;
        let columns: Vec<Value> = preview["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["plan"].clone())
            .collect();
        json!({
            "file": { "path": path }, "delimiter": preview["delimiter"], "encoding": preview["encoding"], "sheet": preview["sheet"],
            "everybody": preview["everybody"],
            "header": preview["header"], "columns": columns, "mode": "both", "basis": "double_opt_in",
            "source": "Trade fair 2026", "wording": "Yes, write to me.", "tags": ["fair"],
        })
    }

    pub async fn import(&self, name: &str, text: impl AsRef<[u8]>) -> Value {
        let path = self.write(name, text);
        let plan = self.plan(&path).await;
        self.job("contacts.import_run", plan).await
    }

    pub async fn contact(&self, email: &str) -> Value {
        let found = self.query("contacts.find", json!({ "email": email })).await;
        self.query("contacts.get", json!({ "id": found["id"] })).await
    }

    pub async fn missing(&self, email: &str) -> bool {
        self.ask(Kind::Query, "contacts.find", json!({ "email": email }))
            .await
            .is_err()
    }

    pub async fn value(&self, email: &str, key: &str) -> Value {
        let shown = self.contact(email).await;
        let fields = shown["contact"]["fields"].as_array().unwrap().clone();
        fields
            .into_iter()
            .find(|f| f["key"] == json!(key))
            .map_or(Value::Null, |f| f["value"]["value"].clone())
    }

    pub async fn permitted(&self, email: &str) -> bool {
        let shown = self.contact(email).await;
        let all = shown["permissions"].as_array().unwrap().clone();
        all.iter()
            .any(|p| p["channel"] == "email" && p["purpose"] == "marketing" && p["allowed"] == true)
    }

    /// A copy of the workspace.
    pub async fn backup(&self) -> PathBuf {
        let to = self.dir.join("copy.carillon");
        self.mutate("backup.create", json!({ "to": { "path": to } }))
            .await;
        to
    }

    /// All contacts as the file they are exported to.
    pub async fn everybody(&self) -> String {
        let to = self.dir.join("everybody.csv");
        let args = json!({ "list": { "of": "contacts", "who": { "where": null, "search": null, "except": [] }, "columns": [] }, "to": { "path": to } });
        self.job("exports.start", args).await;
        let text = std::fs::read_to_string(to).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].sort_unstable();
        lines.join("\n")
    }
}

/// Rows of an import's reject file.
pub fn rejects(done: &Value) -> Vec<Vec<String>> {
    let path = done["rejects"].as_str().expect("a reject file");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}
