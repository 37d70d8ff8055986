//! Folders whose new files are imported.

use crate::studio::Studio;
use carillon_app::App;
use carillon_app::table::{Call, Kind, Window};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A workspace with a list imported by hand, and a folder that is watched like it.
struct Watched {
    studio: Studio,
    folder: PathBuf,
    id: u64,
}

const FIRST: &str = "E-Mail;Vorname;Punkte;Status\nada@example.com;Ada;1;subscribed\n";

impl Watched {
    async fn new(dir: &Path, more: Value) -> Watched {
        let studio = Studio::new(dir).await;
        let path = studio.write("first.csv", FIRST);
        let mut plan = studio.plan(&path).await;
        plan["columns"][2] = json!({ "to": "new_field", "label": "Punkte", "type": "number" });
        plan["columns"][3] = json!({ "to": "status" });
        let done = studio.job("contacts.import_run", plan).await;
        let folder = dir.join("in");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("old.csv"), "E-Mail\nold@example.com\n").unwrap();
        let mut args = json!({ "folder": folder, "pattern": "*.csv", "like": done["import"] });
        for (key, value) in more.as_object().unwrap() {
            args[key] = value.clone();
        }
        let added = studio.mutate("imports.folder_add", args).await;
        let id = added["id"].as_u64().unwrap();
        Watched { studio, folder, id }
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Looks into the folder: what became of which file.
    async fn look(&self) -> Vec<(String, String)> {
        let looked = self.studio.job("imports.folder_look", json!({})).await;
        let files = looked["files"].as_array().unwrap().clone();
        let word = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
        let mut files: Vec<_> = files
            .iter()
            .map(|file| (word(file, "name"), word(file, "state")))
            .collect();
        files.sort();
        files
    }

    async fn files(&self) -> Vec<Value> {
        let of = json!({ "id": self.id });
        let files = self.studio.query("imports.folder_files", of).await;
        files.as_array().unwrap().clone()
    }

    async fn file(&self, name: &str) -> Value {
        let files = self.files().await;
        files.into_iter().find(|file| file["name"] == name).unwrap()
    }

    async fn imports(&self) -> usize {
        let all = self.studio.query("imports.list", json!({})).await;
        all.as_array().unwrap().len()
    }
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_imported_once_as_the_list_was_that_the_folder_is_like() {
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    let studio = &watched.studio;
    assert_eq!(watched.look().await, [], "what was there before is not imported");
    let gone = json!({ "email": "gone@example.com", "reason": "unsubscribed", "source": "a letter" });
    studio.mutate("suppressions.add", gone).await;
    // Columns in another order, in other letters, and one more.
    let rows = "vorname,STATUS,Note,e-mail,punkte\nBo,subscribed,x,bo@example.com,7\nNo,unsubscribed,,no@example.com,\n\
                Gone,subscribed,,gone@example.com,1\n";
    watched.put("new.csv", rows);
    watched.put("notes.txt", rows);
    watched.put("late.csv.part", rows);
    assert_eq!(watched.look().await, pairs(&[("new.csv", "imported")]));
    assert_eq!(studio.value("bo@example.com", "punkte").await, 7.0);
    assert_eq!(
        studio.contact("bo@example.com").await["contact"]["tags"],
        json!(["fair"])
    );
    assert!(studio.permitted("bo@example.com").await);
    assert!(!studio.permitted("no@example.com").await);
    assert!(
        !studio.permitted("gone@example.com").await,
        "who opted out stays out"
    );
    assert!(studio.missing("old@example.com").await);
    let file = watched.file("new.csv").await;
    assert_eq!((&file["counts"]["new"], &file["import"]), (&json!(3), &json!(2)));
    assert_eq!(
        std::fs::read_to_string(watched.folder.join("new.csv")).unwrap(),
        rows
    );

    assert_eq!(watched.look().await, [], "and never again");
    watched.put("new (1).csv", rows);
    assert_eq!(watched.look().await, pairs(&[("new (1).csv", "same")]));
    assert_eq!(watched.file("new (1).csv").await["import"], 2);
    watched.put("new.csv", "E-Mail;Vorname;Punkte;Status\nbo@example.com;Bo;8;\n");
    assert_eq!(
        watched.look().await,
        pairs(&[("new.csv", "imported")]),
        "a changed file is a new one"
    );
    assert_eq!(studio.value("bo@example.com", "punkte").await, 8.0);
    assert_eq!(watched.imports().await, 3);

    studio.job("imports.undo", json!({ "id": 3 })).await;
    assert_eq!(studio.value("bo@example.com", "punkte").await, 7.0);
    assert_eq!(watched.file("new.csv").await["state"], "undone");
    assert_eq!(
        watched.look().await,
        [],
        "an undone import is not done again by itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_still_written_is_left_until_it_rests() {
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    let path = watched.put("growing.csv", "E-Mail;Vorname;Punkte;Status\n");
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        for n in 0..24 {
            std::thread::sleep(Duration::from_millis(150));
            writeln!(file, "p{n}@example.com;P;{n};").unwrap();
        }
    });
    assert_eq!(watched.look().await, []);
    writer.join().unwrap();
    assert_eq!(watched.look().await, pairs(&[("growing.csv", "imported")]));
    assert_eq!(watched.file("growing.csv").await["counts"]["new"], 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_waits_with_its_reason_while_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let limits = json!({ "limits": { "refused_percent": 20, "most_contacts": 3 } });
    let watched = Watched::new(dir.path(), limits).await;
    let studio = &watched.studio;
    watched.put("a-other.csv", "Mail,Name\nx@example.com,X\n");
    watched.put(
        "b-blocked.csv",
        "E-Mail;Vorname;Punkte;Status;Unsubscribed\nx@example.com;X;1;;yes\n",
    );
    let one = "E-Mail;Vorname;Punkte;Status\n";
    watched.put("c-bad.csv", format!("{one}nobody;X;1;\ny@example.com;Y;1;\n"));
    let many: String = (0..4).map(|n| format!("m{n}@example.com;M;1;\n")).collect();
    watched.put("d-many.csv", format!("{one}{many}"));
    watched.put("e-binary.csv", b"%PDF-1.7 not a list");
    watched.put("f-good.csv", format!("{one}good@example.com;G;1;\n"));
    let waits = [
        "a-other.csv",
        "b-blocked.csv",
        "c-bad.csv",
        "d-many.csv",
        "e-binary.csv",
    ];
    let mut wanted: Vec<(String, String)> = waits.map(|n| (n.to_owned(), "waits".to_owned())).to_vec();
    wanted.push(("f-good.csv".to_owned(), "imported".to_owned()));
    assert_eq!(watched.look().await, wanted);
    for (name, said) in waits.into_iter().zip([
        "folder have: E-Mail, Vorname",
        "“Unsubscribed” seems to say",
        "1 of 2 rows cannot be imported, more than the 20 %",
        "4 contacts would be new or change, more than the 3",
        "is no list of contacts",
    ]) {
        let why = watched.file(name).await["why"].as_str().unwrap().to_owned();
        assert!(why.contains(said), "{name}: {why}");
    }
    assert!(
        studio.missing("y@example.com").await,
        "nothing of a file that waits is imported"
    );
    let shown = studio.query("imports.folders", json!({})).await;
    assert_eq!(shown[0]["waiting"], 5);
    assert_eq!(watched.look().await, [], "nor looked at again by itself");

    let many = watched.file("d-many.csv").await["id"].clone();
    studio.job("imports.folder_take", json!({ "id": many })).await;
    assert_eq!(watched.file("d-many.csv").await["state"], "imported");
    let bad = watched.file("c-bad.csv").await["id"].clone();
    studio.mutate("imports.folder_leave", json!({ "id": bad })).await;
    assert_eq!(watched.file("c-bad.csv").await["state"], "left");
    let other = watched.file("a-other.csv").await["id"].clone();
    studio.job("imports.folder_take", json!({ "id": other })).await;
    assert_eq!(
        watched.file("a-other.csv").await["state"],
        "waits",
        "no word makes a column"
    );
    watched.put("a-other.csv", format!("{one}x@example.com;X;1;\n"));
    assert_eq!(
        watched.look().await,
        pairs(&[("a-other.csv", "imported")]),
        "the mended file"
    );
    let shown = studio.query("imports.folders", json!({})).await;
    assert_eq!(shown[0]["waiting"], 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_are_refused_and_names_that_are_no_text_are_taken() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    let outside = dir.path().join("outside.csv");
    std::fs::write(&outside, "E-Mail;Vorname;Punkte;Status\nout@example.com;O;1;\n").unwrap();
    std::os::unix::fs::symlink(&outside, watched.folder.join("link.csv")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"m\xE4rz.csv");
    std::fs::write(
        watched.folder.join(odd),
        "E-Mail;Vorname;Punkte;Status\nmay@example.com;M;1;\n",
    )
    .unwrap();
    let wanted = pairs(&[("link.csv", "waits"), ("m\\xE4rz.csv", "imported")]);
    assert_eq!(watched.look().await, wanted);
    assert!(watched.studio.missing("out@example.com").await);
    assert!(!watched.studio.missing("may@example.com").await);
    assert_eq!(watched.look().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_away_is_said_and_comes_back_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    let away = dir.path().join("away");
    std::fs::rename(&watched.folder, &away).unwrap();
    let looked = watched.studio.job("imports.folder_look", json!({})).await;
    let said = looked["troubles"][0].as_str().unwrap();
    assert!(said.contains("not there"), "{said}");
    let shown = watched.studio.query("imports.folders", json!({})).await;
    assert!(shown[0]["trouble"].as_str().is_some());
    std::fs::write(
        away.join("new.csv"),
        "E-Mail;Vorname;Punkte;Status\nbo@example.com;B;1;\n",
    )
    .unwrap();
    std::fs::rename(&away, &watched.folder).unwrap();
    assert_eq!(watched.look().await, pairs(&[("new.csv", "imported")]));
    let shown = watched.studio.query("imports.folders", json!({})).await;
    assert_eq!(shown[0]["trouble"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_that_were_there_before_keep_nothing_from_being_taken() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..10_000 {
        std::fs::write(folder.join(format!("{n}.csv")), "x").unwrap();
    }
    let studio = Studio::new(dir.path()).await;
    let done = studio.import("first.csv", FIRST).await;
    let began = Instant::now();
    let args = json!({ "folder": folder, "pattern": "*.csv", "like": done["import"] });
    let id = studio.mutate("imports.folder_add", args).await["id"]
        .as_u64()
        .unwrap();
    let watched = Watched { studio, folder, id };
    watched.put("one.csv", FIRST.replace("ada", "one"));
    watched.put("two.csv", FIRST.replace("ada", "two"));
    let wanted = pairs(&[("one.csv", "imported"), ("two.csv", "imported")]);
    assert_eq!(watched.look().await, wanted);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_made_of_a_finished_import_on_this_machine_and_forgotten_without_its_imports() {
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    let studio = &watched.studio;
    let add = async |args: Value| studio.ask(Kind::Mutate, "imports.folder_add", args).await;
    let of = |key: &str, value: Value| {
        let mut args = json!({ "folder": watched.folder, "pattern": "*.xlsx", "like": 1 });
        args[key] = value;
        args
    };
    for (args, said) in [
        (of("folder", json!(dir.path().join("nowhere"))), "is no folder"),
        (of("folder", json!("in")), "is no folder"),
        (of("pattern", json!(" ,")), "is no pattern"),
        (of("pattern", json!("../*")), "is no pattern"),
        (of("pattern", json!("*.csv")), "is watched for *.csv already"),
        (of("like", json!(9)), "9"),
        (
            of("limits", json!({ "refused_percent": 101, "most_contacts": null })),
            "0 to 100",
        ),
    ] {
        let refused = add(args).await.unwrap_err();
        assert!(refused.message.contains(said), "{refused}");
    }
    let call = Call {
        kind: Kind::Mutate,
        name: "imports.folder_add".into(),
        args: of("like", json!(1)),
    };
    assert!(
        studio.app.call(Window::Browser, call).await.is_err(),
        "a page names no path"
    );

    let paused = json!({ "id": watched.id, "paused": true });
    studio.mutate("imports.folder_set", paused).await;
    watched.put("new.csv", FIRST.replace("ada", "bo"));
    assert_eq!(watched.look().await, [], "a paused folder waits");
    let on = json!({ "id": watched.id, "paused": false });
    studio.mutate("imports.folder_set", on).await;
    assert_eq!(watched.look().await, pairs(&[("new.csv", "imported")]));
    studio.job("imports.undo", json!({ "id": 1 })).await;
    let undone = add(of("like", json!(1))).await.unwrap_err();
    assert!(undone.message.contains("taken back"), "{undone}");
    studio
        .mutate("imports.folder_remove", json!({ "id": watched.id }))
        .await;
    assert_eq!(studio.query("imports.folders", json!({})).await, json!([]));
    assert_eq!(watched.imports().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_studio_takes_what_arrives_while_it_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let watched = Watched::new(dir.path(), json!({})).await;
    watched.studio.mutate("workspaces.close", json!({})).await;
    let studio = Studio {
        app: App::new(dir.path().join("home"), true),
        dir: dir.path().to_owned(),
    };
    let file = json!({ "file": { "path": dir.path().join("shop.carillon") } });
    studio.mutate("workspaces.open", file).await;
    let watched = Watched { studio, ..watched };
    watched.put("new.csv", FIRST.replace("ada", "bo"));
    let began = Instant::now();
    while watched.studio.missing("bo@example.com").await {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was taken");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    watched.studio.mutate("workspaces.close", json!({})).await;
}

const VICTIM: &str = "CARILLON_TEST_VICTIM";
const ROWS: usize = 3_000;

fn long_list() -> String {
    let rows: String = (0..ROWS).map(|n| format!("p{n}@example.com;P;{n};\n")).collect();
    format!("E-Mail;Vorname;Punkte;Status\n{rows}")
}

/// Not a test of its own: the process that is killed in the ones below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests of kills, in a process of its own"]
async fn victim() {
    let Ok(dir) = std::env::var(VICTIM) else { return };
    let studio = Studio::again(Path::new(&dir)).await;
    studio.job("imports.folder_look", json!({})).await;
}

/// A folder into which a long list came, and a program that was killed at a point while it took it.
async fn killed(dir: &Path, point: &str) -> Watched {
    let watched = Watched::new(dir, json!({})).await;
    watched.put("long.csv", long_list());
    watched.studio.mutate("workspaces.close", json!({})).await;
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["folders::victim", "--exact", "--ignored", "--quiet"])
        .env(VICTIM, dir)
        .env("CARILLON_CRASH_AT", point)
        .output()
        .unwrap();
    assert!(!killed.status.success(), "{point} was not passed");
    let studio = Studio::again(dir).await;
    Watched { studio, ..watched }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_point_neither_loses_nor_doubles_a_file() {
    for point in [
        "before_commit:1",
        "after_commit:1",
        "folder_file_begun",
        "import_slice:2",
        "import_end",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let watched = killed(dir.path(), point).await;
        assert_eq!(
            watched.look().await,
            pairs(&[("long.csv", "imported")]),
            "{point}"
        );
        assert_eq!(watched.imports().await, 2, "{point}");
        assert_eq!(watched.file("long.csv").await["counts"]["new"], ROWS, "{point}");
        let people = watched.studio.everybody().await.lines().count();
        assert_eq!(people, ROWS + 2, "{point}");
        assert_eq!(watched.look().await, [], "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_went_away_half_way_goes_on_when_it_is_back_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let watched = killed(dir.path(), "import_slice:2").await;
    std::fs::remove_file(watched.folder.join("long.csv")).unwrap();
    watched.look().await;
    let file = watched.file("long.csv").await;
    assert_eq!(file["state"], "interrupted");
    assert!(file["why"].as_str().unwrap().contains("went away"), "{file}");
    watched.put("again.csv", long_list());
    assert_eq!(watched.look().await, pairs(&[("again.csv", "same")]));
    let file = watched.file("long.csv").await;
    assert_eq!(
        (file["state"].as_str(), &file["why"]),
        (Some("imported"), &Value::Null)
    );
    assert_eq!(file["counts"]["new"], ROWS);
    assert_eq!(watched.imports().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_half_way_is_imported_anew() {
    let dir = tempfile::tempdir().unwrap();
    let watched = killed(dir.path(), "import_slice:2").await;
    let more = format!("{}more@example.com;M;1;\n", long_list());
    watched.put("long.csv", more);
    watched.look().await;
    let file = watched.files().await.pop().unwrap();
    assert_eq!(file["state"], "stopped");
    assert!(file["why"].as_str().unwrap().contains("was changed"), "{file}");
    assert_eq!(watched.look().await, pairs(&[("long.csv", "imported")]));
    assert!(!watched.studio.missing("more@example.com").await);
    assert_eq!(watched.studio.everybody().await.lines().count(), ROWS + 3);
}
