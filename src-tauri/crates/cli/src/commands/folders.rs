//! Watched folders.

use super::answer;
use crate::args::{AddFolder, Folders};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::say;
use carillon_app::error::Result;
use serde_json::{Value, json};

pub async fn folders(backend: &Backend, json: bool, verb: Folders) -> Result<()> {
    match verb {
        Folders::List => {
            let all = backend.query("imports.folders", json!({})).await?;
            answer(json, &all, list);
        }
        Folders::Add(how) => add(backend, json, how).await?,
        Folders::Files { id } => {
            let files = backend.query("imports.folder_files", json!({ "id": id })).await?;
            answer(json, &files, files_of);
        }
        Folders::Remove { id } => {
            let done = backend
                .mutate("imports.folder_remove", json!({ "id": id }))
                .await?;
            answer(json, &done, |_| say!("imports.folders.removed"));
        }
        Folders::Pause { id } => {
            let args = json!({ "id": id, "paused": true });
            let done = backend.mutate("imports.folder_set", args).await?;
            answer(json, &done, |d| {
                say!("imports.folders.paused", folder = d["path"])
            });
        }
        Folders::Resume { id } => {
            let args = json!({ "id": id, "paused": false });
            let done = backend.mutate("imports.folder_set", args).await?;
            answer(json, &done, |d| {
                say!("imports.folders.resumed", folder = d["path"])
            });
        }
        Folders::RunOnce { id } => {
            let looked = backend.job("imports.folder_look", json!({ "id": id })).await?;
            answer(json, &looked, |looked| {
                for trouble in looked["troubles"].as_array().into_iter().flatten() {
                    output::line(output::cell(trouble));
                }
                match looked["files"].as_array().is_none_or(Vec::is_empty) {
                    true => say!("imports.folders.nothing"),
                    false => files_of(&looked["files"]),
                }
            });
        }
        Folders::Take { file } => {
            let taken = backend.job("imports.folder_take", json!({ "id": file })).await?;
            answer(json, &taken, |taken| files_of(&json!([taken])));
        }
        Folders::Leave { file } => {
            let done = backend
                .mutate("imports.folder_leave", json!({ "id": file }))
                .await?;
            answer(json, &done, |_| say!("imports.folders.left"));
        }
    }
    Ok(())
}

async fn add(backend: &Backend, json: bool, how: AddFolder) -> Result<()> {
    let args = json!({
        "folder": absolute(&how.folder),
        "pattern": how.pattern,
        "like": how.like,
        "limits": { "refused_percent": how.most_refused, "most_contacts": how.most_contacts },
        "existing": how.existing,
    });
    let added = backend.mutate("imports.folder_add", args).await?;
    answer(json, &added, |a| {
        say!(
            "imports.folders.added",
            folder = a["path"],
            pattern = a["pattern"],
            like = a["like"],
            name = a["like_name"],
        );
    });
    Ok(())
}

fn list(all: &Value) {
    let columns = [
        ("id", "id"),
        ("path", "folder"),
        ("pattern", "files"),
        ("paused", "paused"),
        ("imported", "imported"),
        ("waiting", "waiting"),
        ("source", "source"),
        ("trouble", "trouble"),
    ];
    output::table(all, &columns);
}

/// Files with what became of each, and why below.
fn files_of(files: &Value) {
    let columns = [
        ("id", "id"),
        ("name", "file"),
        ("state", "state"),
        ("import", "import"),
        ("counts.new", "new"),
        ("counts.changed", "changed"),
        ("counts.invalid", "invalid"),
    ];
    output::table(files, &columns);
    for file in files.as_array().into_iter().flatten() {
        if !file["why"].is_null() {
            say!("imports.folders.why", name = file["name"], why = file["why"]);
        }
    }
}
