//! What the main job begins with: the list, what is drawn, and what the shop tells.

use super::{Addresses, GONE, HELLO, JOURNEY, OWNER, POSTAL, People, Person, SEGMENT, START, THANKS, WHO};
use crate::terminal::{Terminal, arg, fixture};
use carillon_tests::servers::Mail;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// The list, made outside the app, tried without a trace and then imported, and the two whom the server refuses.
pub fn import_people(shop: &Terminal<'_>, folder: &Path) -> People {
    let (csv, expected, kept) = (
        folder.join("people.csv"),
        folder.join("people.json"),
        folder.join("kept.jsonl"),
    );
    let made = [
        "--people",
        "10000",
        "--seed",
        "7",
        "--csv",
        arg(&csv),
        "--expected",
        arg(&expected),
        "--kept",
        arg(&kept),
    ];
    python("make_people.py", &made);
    let expected = read_json(&expected);
    shop.create(Some(START));
    shop.tell(&[
        "settings",
        "set",
        "--organisation",
        "The roastery",
        "--postal-address",
        POSTAL,
    ]);

    let import = [
        "contacts",
        "import",
        arg(&csv),
        "--basis",
        "double_opt_in",
        "--source",
        "shop customers",
    ];
    let tried = shop.tell(&[import.as_slice(), &["--dry-run"]].concat());
    assert_eq!(
        shop.tell(&["contacts", "list"])["total"],
        json!(0),
        "a dry run left a trace"
    );
    let done = shop.tell(&import);
    let invalid: u64 = expected["invalid"]
        .as_object()
        .expect("reasons")
        .values()
        .filter_map(Value::as_u64)
        .sum();
    for counts in [&tried["counts"], &done["counts"]] {
        assert_eq!(counts["rows"], expected["rows"]);
        assert_eq!(counts["new"], expected["new"]);
        assert_eq!(counts["duplicate"], expected["duplicate"]);
        assert_eq!(counts["invalid"], json!(invalid));
        assert_eq!(counts["with_gaps"], expected["left_out"]["bad_zone"]);
    }
    assert_eq!(tried["counts"], done["counts"]);
    let lines = |of: &Value| -> Vec<u64> {
        of.as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["line"].as_u64())
            .take(15)
            .collect()
    };
    assert_eq!(lines(&done["examples"]), lines(&expected["refused"]));

    let late = folder.join("late.csv");
    let mut rows = String::from("email,first_name,last_name,city,country,favourite,spent,member\n");
    for email in GONE {
        rows += &format!("{email},No,Body,Tokyo,JP,espresso,150.00 EUR,yes\n");
    }
    std::fs::write(&late, rows).expect("a list");
    let added = shop.tell(&[
        "contacts",
        "import",
        arg(&late),
        "--basis",
        "double_opt_in",
        "--source",
        "late customers",
    ]);
    assert_eq!(added["counts"]["new"], json!(GONE.len()));
    let kept = std::fs::read_to_string(&kept).expect("who is kept");
    kept.lines().map(person).collect()
}

fn person(line: &str) -> (String, Person) {
    let row: Value = serde_json::from_str(line).expect("a person");
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let spent_minor = row["spent_minor"].as_i64().expect("an amount");
    let meant = row["favourite"] == "espresso"
        && (row["country"] == "JP" || row["country"] == "NP")
        && spent_minor >= 10_000;
    let person = Person {
        first_name: text("first_name").expect("a name"),
        last_name: text("last_name").expect("a name"),
        city: text("city").expect("a city"),
        time_zone: text("time_zone"),
        spent_minor,
        member: row["member"] == json!(true),
        meant,
    };
    (text("email").expect("an address"), person)
}

/// Everything that is drawn, written and set before a journey goes live.
pub fn draw(shop: &Terminal<'_>, mail: &Mail) {
    shop.tell(&["segments", "save", SEGMENT, "--where", WHO]);
    let hello = fixture("templates/main-hello.mjml");
    let thanks = fixture("templates/main-thanks.mjml");
    shop.tell(&[
        "templates",
        "import",
        &hello,
        "--name",
        "Hello",
        "--subject",
        HELLO,
    ]);
    shop.tell(&[
        "templates",
        "import",
        &thanks,
        "--name",
        "Thanks",
        "--subject",
        THANKS,
    ]);
    let file = fixture("journeys/main-job.json");
    let drawn = shop.tell(&["journeys", "import", &file]);
    assert!(
        drawn["problems"]
            .as_array()
            .is_some_and(|all| all.iter().all(|p| p["code"] == "no_account")),
        "{drawn}"
    );
    let refused = shop.refusal(&["journeys", "publish", JOURNEY]);
    assert!(refused.contains("problems"), "{refused}");

    let account = mail.submission();
    let (port, authority) = (
        account.port.to_string(),
        account.authority.to_string_lossy().into_owned(),
    );
    let words = [
        "accounts",
        "add-smtp",
        "Shop",
        "--host",
        &account.host,
        "--port",
        &port,
        "--tls",
        "starttls",
        "--user",
        &account.user,
        "--from-email",
        "studio@example.com",
        "--from-name",
        "The roastery",
        "--ca-file",
        &authority,
        "--sessions",
        "4",
        "--per-day",
        "20000",
        "--per-minute",
        "20000",
    ];
    shop.tell_secret(&words, &account.password);
    let accounts = shop.tell(&["accounts", "list"]);
    assert_eq!(
        (&accounts[0]["secret"], &accounts[0]["sessions"]),
        (&json!("keychain"), &json!(4)),
        "{accounts}"
    );
    let tried = shop.tell(&["accounts", "test", "Shop", "--to", OWNER]);
    assert_eq!(tried["ok"], json!(true), "{tried}");
    assert_eq!(shop.tell(&["journeys", "check", JOURNEY]), json!([]));
    let mut export = shop.on_file(&["journeys", "export", JOURNEY]);
    let text = String::from_utf8(export.output().expect("its text").stdout).expect("UTF-8");
    let file = std::fs::read_to_string(&file).expect("the journey file");
    assert_eq!(
        text.trim_end(),
        file.trim_end(),
        "a canonical file comes back as it went in"
    );
}

/// Imports what a shop tells of the people, twice: the second time nothing is new. Returns who ordered.
pub fn import_events(
    shop: &Terminal<'_>,
    folder: &Path,
    name: &str,
    format: &str,
    from: &str,
    days: &str,
    seed: &str,
) -> Addresses {
    let (events, expected, kept) = (
        folder.join(name),
        folder.join(format!("{name}.json")),
        folder.join("kept.jsonl"),
    );
    python(
        "make_shop_events.py",
        &[
            "--kept",
            arg(&kept),
            "--seed",
            seed,
            "--from",
            from,
            "--days",
            days,
            "--format",
            format,
            "--events",
            arg(&events),
            "--expected",
            arg(&expected),
        ],
    );
    let expected = read_json(&expected);
    let invalid: u64 = expected["invalid"]
        .as_object()
        .expect("reasons")
        .values()
        .filter_map(Value::as_u64)
        .sum();
    let import = ["events", "import", arg(&events), "--source", "shop"];
    let done = shop.tell(&import);
    assert_eq!(done["counts"]["rows"], expected["lines"], "{done}");
    assert_eq!(done["counts"]["new"], expected["taken"]);
    assert_eq!(done["counts"]["duplicate"], expected["repeated"]);
    assert_eq!(done["counts"]["invalid"], json!(invalid));
    let again = shop.tell(&import);
    assert_eq!(again["counts"]["new"], json!(0), "an event counted twice");
    assert_eq!(
        again["counts"]["duplicate"].as_u64(),
        expected["taken"]
            .as_u64()
            .zip(expected["repeated"].as_u64())
            .map(|(a, b)| a + b)
    );
    expected["buyers"]
        .as_array()
        .expect("buyers")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

pub fn import_orders_of_the_gone(shop: &Terminal<'_>, folder: &Path) {
    let file = folder.join("gone.jsonl");
    let lines: String = GONE
        .iter()
        .map(|email| {
            format!(
                "{}\n",
                json!({ "email": email, "event": "order", "at": "2026-03-01T12:00:00Z", "props": {} })
            )
        })
        .collect();
    std::fs::write(&file, lines).expect("events");
    let done = shop.tell(&["events", "import", arg(&file), "--source", "shop"]);
    assert_eq!(done["counts"]["new"], json!(GONE.len()));
}

fn python(script: &str, arguments: &[&str]) {
    let status = Command::new("python3")
        .arg(fixture(script))
        .args(arguments)
        .status()
        .expect("Python 3");
    assert!(status.success(), "{script}: {status}");
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}
