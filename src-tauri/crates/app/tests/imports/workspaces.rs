//! The file a studio works on: what is refused, who owns it, where its copies may stand.

use crate::studio::Studio;
use carillon_app::error::ApiError;
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_ours_is_refused_and_nothing_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let lists = dir.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    for (name, text) in [("people.csv", "email\na@example.com\n"), ("empty.carillon", "")] {
        let path = lists.join(name);
        std::fs::write(&path, text).unwrap();
        let args = json!({ "file": { "path": path } });
        let refused = studio
            .ask(Kind::Mutate, "workspaces.open", args)
            .await
            .unwrap_err();
        assert!(refused.message.contains(name), "{}", refused.message);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(std::fs::read_dir(&lists).unwrap().count(), 2);
    assert!(
        studio.missing("nobody@example.com").await,
        "the open workspace stays open"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over_a_workspace_or_what_belongs_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio.import("a.csv", "email\nada@example.com\n").await;
    let other = dir.path().join("other.carillon");
    std::fs::copy(studio.backup().await, &other).unwrap();
    let everybody = json!({ "where": null, "search": null, "except": [] });
    let args = |to: PathBuf| json!({ "list": { "of": "contacts", "who": everybody, "columns": [] }, "to": { "path": to } });
    let export = |to: PathBuf| studio.ask(Kind::Mutate, "exports.start", args(to));
    let names = |dir: &std::path::Path| {
        let all = std::fs::read_dir(dir).unwrap();
        all.map(|entry| entry.unwrap().file_name())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = names(dir.path());
    for name in [
        "shop.carillon",
        "shop.carillon-wal",
        "shop.carillon-shm",
        "shop.carillon.lock",
        "shop.carillon.secrets",
        "other.carillon",
        "other.carillon.lock",
    ] {
        let refused = export(dir.path().join(name)).await.unwrap_err();
        assert!(
            refused.message.contains("It was not touched"),
            "{name}: {}",
            refused.message
        );
    }
    assert_eq!(names(dir.path()), before);
    assert_eq!(
        studio.contact("ada@example.com").await["contact"]["email"],
        "ada@example.com"
    );
    studio
        .job("exports.start", args(dir.path().join("list.carillon.csv")))
        .await;
    assert_eq!(
        names(dir.path()).difference(&before).collect::<Vec<_>>(),
        ["list.carillon.csv"]
    );
}

/// The name of the workspace a program works on.
async fn whose(studio: &Studio) -> Result<Value, ApiError> {
    let settings = studio.ask(Kind::Query, "settings.get", json!({})).await?;
    Ok(settings["name"].clone())
}

/// Another program on the same machine.
async fn beside(dir: &Path, file: &Path) -> Studio {
    let studio = Studio::idle(dir);
    studio
        .mutate("workspaces.open", json!({ "file": { "path": file } }))
        .await;
    studio
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_let_in_for_one_workspace_does_not_reach_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Studio::new(dir.path()).await;
    let guest = beside(dir.path(), &dir.path().join("shop.carillon")).await;
    assert_eq!(whose(&guest).await.unwrap(), "Shop");
    let next = json!({ "file": { "path": dir.path().join("next.carillon") }, "name": "Next", "clock": "real", "time_zone": "UTC" });
    owner.mutate("workspaces.create", next).await;
    assert_eq!(whose(&owner).await.unwrap(), "Next");
    if let Ok(name) = whose(&guest).await {
        assert_eq!(name, "Shop", "a guest of one client reads another's file");
    }
    // The file is free: the guest may have it for itself.
    guest
        .mutate(
            "workspaces.open",
            json!({ "file": { "path": dir.path().join("shop.carillon") } }),
        )
        .await;
    assert_eq!(whose(&guest).await.unwrap(), "Shop");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_and_detours_lead_to_the_one_owner_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Studio::new(dir.path()).await;
    let file = dir.path().join("shop.carillon");
    let link = dir.path().join("link.carillon");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let guest = beside(dir.path(), &link).await;
    assert!(guest.app.own().await.is_none(), "two owners of one file");
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    for same in [link, dir.path().join("deep/../shop.carillon")] {
        let opened = owner
            .mutate("workspaces.open", json!({ "file": { "path": same } }))
            .await;
        assert_eq!(opened["file"], json!(file.canonicalize().unwrap()));
        assert!(owner.app.own().await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_back_where_nothing_is_and_where_only_ruins_are() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio.import("a.csv", "email\nada@example.com\n").await;
    let copy = studio.backup().await;
    studio.mutate("workspaces.close", json!({})).await;
    let closed = studio
        .ask(
            Kind::Mutate,
            "backup.restore",
            json!({ "from": { "path": copy } }),
        )
        .await
        .unwrap_err();
    assert!(closed.message.contains("No workspace is open"), "{closed}");

    let file = dir.path().join("new.carillon");
    let args = json!({ "from": { "path": copy }, "file": file });
    let done = studio.mutate("backup.restore", args.clone()).await;
    assert_eq!(
        (&done["replaced"], &done["warning"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        studio.contact("ada@example.com").await["contact"]["email"],
        "ada@example.com"
    );
    let outbox = studio.query("outbox.summary", json!({})).await;
    assert_eq!(outbox["closed"], "restored", "{outbox}");
    studio.mutate("workspaces.close", json!({})).await;

    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..4000].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let done = studio.mutate("backup.restore", args).await;
    assert!(done["warning"].as_str().unwrap().contains("opt-outs"), "{done}");
    assert!(!studio.missing("ada@example.com").await);

    // A file of somebody else is never replaced.
    let letter = studio.write("letter.txt", "Dear Ada");
    let args = json!({ "from": { "path": copy }, "file": letter });
    let refused = studio
        .ask(Kind::Mutate, "backup.restore", args)
        .await
        .unwrap_err();
    assert!(refused.message.contains("letter.txt"), "{refused}");
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), "Dear Ada");
}
