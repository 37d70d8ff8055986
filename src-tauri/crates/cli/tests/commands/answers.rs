//! What is answered to work that is done.

use crate::terminal::{CARILLON, Terminal, arg, plain};
use serde_json::json;

const LIST: &str = "email,first_name,city\nada@example.com,Ada,London\ngrace@example.org,Grace,New York\n";

fn on_shop<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["-w", "shop.carillon"], words].concat()
}

/// Everything that can be asked of the sample without an answer of its own before.
const ASKED: &[&[&str]] = &[
    &["workspaces", "show"],
    &["workspaces", "recent"],
    &["contacts", "list", "--limit", "3"],
    &["contacts", "imports"],
    &["fields", "list"],
    &["suppressions", "list"],
    &["suppressions", "check", "ada@example.com"],
    &["segments", "list"],
    &["scores", "list"],
    &["segments", "grammar"],
    &["segments", "count", "--where", "everyone", "--clauses"],
    &["segments", "members", "--where", "everyone", "--limit", "2"],
    &["segments", "near", "--where", "tag 'vip' and did order"],
    &["segments", "overlap", "--where", "everyone"],
    &["journeys", "list"],
    &["journeys", "status", "Welcome series"],
    &["journeys", "check", "Welcome series"],
    &["journeys", "export", "Welcome series"],
    &["journeys", "simulate", "Welcome series", "--days", "9"],
    &["templates", "list"],
    &["accounts", "list"],
    &["accounts", "presets"],
    &["outbox", "list"],
    &["run"],
    &["report", "messages"],
    &["report", "growth"],
    &["report", "funnel"],
    &["settings", "show"],
];

#[test]
fn with_json_each_answer_is_one_document_and_without_it_a_text_for_people() {
    let at = Terminal::with_shop();
    for words in ASKED {
        let words = on_shop(words);
        at.json(&words);
        let text = at.text(&words);
        assert!(!text.trim().is_empty(), "{words:?} says nothing");
        plain(&text);
    }
}

#[test]
fn a_contact_can_be_looked_at_from_all_sides() {
    let at = Terminal::with_shop();
    let somebody = at.json(&on_shop(&[
        "segments", "members", "--where", "everyone", "--limit", "1",
    ]));
    let email = somebody["rows"][0]["email"].as_str().unwrap().to_owned();
    let who = email.as_str();
    let asked: &[&[&str]] = &[
        &["contacts", "show", who],
        &["events", "list", who],
        &["consent", "show", who],
        &["segments", "why", "--where", "everyone", "--as", who],
        &["journeys", "try", "Welcome series", "--as", who],
    ];
    for words in asked {
        let words = on_shop(words);
        at.json(&words);
        let text = at.text(&words);
        assert!(!text.trim().is_empty(), "{words:?} says nothing");
        plain(&text);
    }
    let template = at.json(&on_shop(&["templates", "list"]))[0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let html = at.path("mail.html");
    let rendered = on_shop(&[
        "templates",
        "render",
        &template,
        "--as",
        who,
        "--html",
        "mail.html",
    ]);
    assert!(at.text(&rendered).starts_with("Subject"));
    assert!(std::fs::read_to_string(html).unwrap().contains("<html"));
}

#[test]
fn who_is_in_by_time_alone_is_told_until_when() {
    let at = Terminal::with_shop();
    let new = "created_at in the last 30 days";
    let who = at.json(&on_shop(&["segments", "members", "--where", new, "--limit", "1"]));
    let who = who["rows"][0]["email"].as_str().unwrap().to_owned();
    let words = on_shop(&["segments", "why", "--where", new, "--as", &who]);
    let until = at.json(&words)["why"]["until"].as_str().unwrap().to_owned();
    let told = at.text(&words);
    assert!(
        told.contains(&format!("This may change by itself at {until}.")),
        "{told}"
    );
    let clause = told.lines().last().unwrap();
    assert!(clause.contains(new) && clause.contains(&until), "{told}");
    let ever = at.text(&on_shop(&[
        "segments",
        "why",
        "--where",
        "email is known",
        "--as",
        &who,
    ]));
    assert!(!ever.contains("change by itself"), "{ever}");
}

#[test]
fn a_name_that_nobody_used_so_far_is_noted_wherever_people_are_meant_by_it() {
    let at = Terminal::with_shop();
    let odd = "tag \"vipp\" or did ordr";
    let asked: &[&[&str]] = &[
        &["segments", "check", "--where", odd],
        &["segments", "save", "Odd", "--where", odd],
        &["segments", "count", "--where", odd],
        &["segments", "members", "--name", "Odd"],
        &["contacts", "list", "--where", odd],
    ];
    for words in asked {
        let told = at.text(&on_shop(words));
        let notes: Vec<&str> = told.lines().filter(|line| line.starts_with("Note: ")).collect();
        assert!(
            matches!(notes[..], [tag, event] if tag.contains("vipp") && event.contains("ordr")),
            "{words:?}: {told}"
        );
    }
    let fine = at.text(&on_shop(&["segments", "check", "--where", "did order"]));
    assert_eq!(fine, "It reads as: did order\n");
    let checked = at.json(&on_shop(&["segments", "check", "--where", odd]));
    assert_eq!(checked["hints"].as_array().unwrap().len(), 2);
}

#[test]
fn each_step_is_listed_by_its_name_in_the_order_of_the_drawing() {
    let at = Terminal::with_shop();
    at.json(&on_shop(&["run", "--for", "1209600"]));
    let told = at.text(&on_shop(&["journeys", "status", "Welcome series"]));
    let steps: Vec<&str> = told.lines().skip(2).filter_map(|l| l.split(' ').next()).collect();
    let numbers: Vec<u32> = steps.iter().map(|step| step[1..].parse().unwrap()).collect();
    assert!(numbers.len() > 5 && numbers.is_sorted(), "{told}");
    assert!(
        told.contains("A working day, where they live") && !told.contains('{'),
        "{told}"
    );
    let funnel = at.text(&on_shop(&["report", "funnel"]));
    assert!(
        funnel.contains("Send e-mail") && !funnel.contains("send_email"),
        "{funnel}"
    );
}

#[test]
fn a_run_says_what_still_waits_and_that_somebody_paused_the_sending() {
    let at = Terminal::with_shop();
    at.text(&on_shop(&["outbox", "pause"]));
    let told = at.text(&on_shop(&["run", "--for", "1209600"]));
    assert!(
        told.contains("kept in the outbox.") && told.contains("Sending is paused."),
        "{told}"
    );
    at.text(&on_shop(&["outbox", "resume"]));
    let told = at.text(&on_shop(&["run", "--for", "60"]));
    assert!(
        !told.contains("kept in the outbox.") && !told.contains("paused"),
        "{told}"
    );
}

#[test]
fn a_list_longer_than_a_page_is_listed_whole() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    let people: String = (0..450).map(|n| format!("p{n}@example.com\n")).collect();
    at.write("list.csv", format!("email\n{people}"));
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    let listed = at.json(&["contacts", "list", "--limit", "1000"]);
    assert_eq!(listed["rows"].as_array().unwrap().len(), 450);
    let some = at.json(&[
        "segments", "members", "--where", "everyone", "--limit", "300", "--offset", "100",
    ]);
    assert_eq!(some["rows"].as_array().unwrap().len(), 300);
    assert_eq!(some["total"], json!(450));
}

#[test]
fn the_file_used_last_needs_no_name() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.json(&["workspaces", "create", "b.carillon"]);
    let shown = at.json(&["workspaces", "show"]);
    assert!(shown["file"].as_str().unwrap().ends_with("b.carillon"));
    let named = at
        .command(&["--json", "workspaces", "show"])
        .env("CARILLON_WORKSPACE", "a.carillon")
        .output();
    assert!(
        String::from_utf8(named.unwrap().stdout)
            .unwrap()
            .contains("a.carillon")
    );
}

#[test]
fn only_until_and_for_move_a_virtual_clock_and_a_run_says_when_something_is_due() {
    let at = Terminal::new();
    at.json(&[
        "workspaces",
        "create",
        "v.carillon",
        "--clock",
        "virtual",
        "--start",
        "2026-01-01",
    ]);
    let now = |said: &serde_json::Value| said["now"].as_str().unwrap()[..19].to_owned();
    for words in [&["run"][..], &["run", "--until-idle"]] {
        let ran = at.json(words);
        assert_eq!(now(&ran), "2026-01-01T00:00:00", "{words:?} moved the clock");
        assert_eq!(ran["next_due"], json!(null));
        assert!(at.text(words).contains("Nothing is due."));
    }
    assert_eq!(now(&at.json(&["run", "--for", "86400"])), "2026-01-02T00:00:00");
    assert_eq!(
        now(&at.json(&["run", "--until", "2026-02-01"])),
        "2026-02-01T00:00:00"
    );
    let back = at.refused(&["run", "--until", "2026-01-15"]);
    assert!(back.contains("never goes back"), "{back}");
    at.wrong(&["run", "--until", "tomorrow"]);
    at.wrong(&["run", "--for", "1", "--until", "2026-03-01"]);

    let shop = Terminal::with_shop();
    let ran = shop.json(&["run", "--until-idle"]);
    let next = ran["next_due"].as_str().unwrap().to_owned();
    assert!(next.as_str() > ran["now"].as_str().unwrap(), "{ran}");
    let again = shop.json(&["run", "--until-idle"]);
    assert_eq!(
        (&again["now"], &again["next_due"]),
        (&ran["now"], &ran["next_due"])
    );
    let further = shop.json(&["run", "--until", &next]);
    assert!(
        further["next_due"]
            .as_str()
            .is_none_or(|later| later > next.as_str()),
        "{further}"
    );
}

#[test]
fn an_import_says_beforehand_what_it_does_afterwards_and_can_be_taken_back() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.write("list.csv", LIST);
    let words = [
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ];
    let dry = at.json(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(at.json(&["contacts", "list"])["total"], json!(0));
    let done = at.json(&words);
    assert_eq!(dry["counts"], done["counts"]);
    let id = done["import"].to_string();
    assert!(
        at.text(&["contacts", "undo-import", &id])
            .contains("2 contacts removed")
    );
    assert_eq!(at.json(&["contacts", "list"])["total"], json!(0));
}

#[test]
fn a_dry_run_says_what_each_column_becomes() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.write(
        "list.csv",
        "Mail;Birth;Spent;Notes\nada@example.com;1980-12-10;12.50 EUR;x\n",
    );
    let words = [
        "contacts",
        "import",
        "list.csv",
        "--basis",
        "consent",
        "--source",
        "a fair",
        "--dry-run",
        "--map",
        "Birth=birthday:date",
        "--map",
        "Notes=-",
    ];
    let fates = json!([
        { "column": "Mail", "to": "email", "type": "text", "new": false },
        { "column": "Birth", "to": "birthday", "type": "date", "new": true },
        { "column": "Spent", "to": "spent", "type": "money", "new": true },
        { "column": "Notes", "to": null, "type": null, "new": false },
    ]);
    assert_eq!(at.json(&words)["columns"], fates);
    let told = at.text(&words);
    let notes = told.lines().find(|line| line.starts_with("Notes")).unwrap();
    assert!(notes.contains("(left out)"), "{told}");
}

#[test]
fn a_journey_that_goes_out_as_a_file_comes_in_again() {
    let at = Terminal::with_shop();
    let text = at.text(&on_shop(&["journeys", "export", "Welcome series"]));
    let written = at.json(&on_shop(&[
        "journeys",
        "export",
        "Welcome series",
        "welcome.json",
    ]));
    assert!(written["path"].as_str().unwrap().ends_with("welcome.json"));
    assert_eq!(
        std::fs::read_to_string(at.path("welcome.json")).unwrap().trim(),
        text.trim()
    );
    at.json(&["workspaces", "create", "other.carillon", "--clock", "virtual"]);
    let taken = at.json(&["journeys", "import", "welcome.json"]);
    assert_eq!(taken["name"], json!("Welcome series"));
}

#[test]
fn a_backup_takes_the_place_of_the_workspace_again() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    let copy = at.path("copy.carillon");
    at.json(&["backup", "copy.carillon"]);
    at.write("list.csv", LIST);
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    assert!(
        at.text(&["-w", "a.carillon", "restore", arg(&copy)])
            .contains("Restored.")
    );
    assert_eq!(
        at.json(&["-w", "a.carillon", "contacts", "list"])["total"],
        json!(0)
    );
    assert!(
        at.refused(&["-w", "a.carillon", "backup", arg(&copy)])
            .contains("was not touched")
    );
}

#[test]
fn a_report_is_a_table_for_people_and_csv_or_json_where_asked_for() {
    let at = Terminal::with_shop();
    at.json(&["run", "--for", "604800"]);
    let table = at.text(&["report", "funnel"]);
    assert!(
        table.contains("passages began.") && table.contains("REACHED"),
        "{table}"
    );
    let csv = at.text(&["report", "messages", "--format", "csv"]);
    assert_eq!(
        csv.lines().next(),
        Some("at,queued,accepted,bounced,suppressed,unknown")
    );
    let text = at.text(&["report", "messages", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        document["rows"].as_array().unwrap().len(),
        csv.lines().count() - 1
    );
}

#[cfg(target_os = "linux")]
#[test]
fn who_looks_sees_that_long_work_goes_on_and_who_reads_the_output_is_not_disturbed() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    let long = ["run", "--for", "3"];
    let unwatched = at.run(&long);
    assert_eq!((unwatched.code, unwatched.err.as_str()), (Some(0), ""));

    // A terminal of its own, in which standard error is looked at.
    let line = format!("{CARILLON} {} >answer.txt", long.join(" "));
    let mut watched = at.other("script", &["-q", "-e", "-c", &line, "/dev/null"]);
    let shown = watched.output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("Playing the workspace forward"), "{shown:?}");
    let answer = std::fs::read_to_string(at.path("answer.txt")).unwrap();
    assert!(
        answer.starts_with("It is ") && !answer.contains("Playing"),
        "{answer}"
    );
}

#[test]
fn the_answer_that_cannot_be_written_is_an_error_and_a_reader_that_leaves_is_none() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let at = Terminal::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let said = at
        .command(&["segments", "grammar"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(1));
    let why = String::from_utf8(said.stderr).unwrap();
    plain(&why);
    assert!(why.contains("could not be written"), "{why}");

    let mut left = at.start(&["segments", "grammar"]);
    drop(left.child().stdout.take());
    drop(left.child().stderr.take());
    assert_eq!(left.end().code, Some(0));
}

#[test]
fn what_others_wrote_does_not_steer_the_terminal() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon", "--name", "x\u{1b}[2Jy"]);
    let shown = at.text(&["workspaces", "show"]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}
