//! The main job on real input, with real parts: a list made outside the app, a real Postfix and Dovecot, a real
//! keychain, events as a shop sends them; and at the end figures that somebody else counted too.

use crate::terminal::{Terminal, arg, fixture};
use carillon_tests::servers::{Keyring, Letter, Mail};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(240);
const SEGMENT: &str = "Espresso in Asia";
const WHO: &str =
    "favourite is \"espresso\" and (country is \"JP\" or country is \"NP\") and spent >= 100.00 EUR";
const JOURNEY: &str = "Main job";
const POSTAL: &str = "1 Long Lane, Bonn";
const HELLO: &str = "{{ first_name }}, a cup of {{ favourite }} is ready";
const THANKS: &str = "Thank you, {{ first_name }}";
/// When the clock begins. Everybody enters then; the split is three days later.
const START: &str = "2026-03-02T08:00:00Z";
/// Whoever tries the account.
const OWNER: &str = "owner@example.com";
/// Two whom the mail server does not know, but the list does.
const GONE: [&str; 2] = ["nouser.1@example.com", "nouser.2@example.com"];

/// A person the list must keep, as the list's maker knows them.
struct Person {
    first_name: String,
    last_name: String,
    city: String,
    time_zone: Option<String>,
    spent_minor: i64,
    member: bool,
    meant: bool,
}

type People = BTreeMap<String, Person>;
type Addresses = BTreeSet<String>;

#[test]
fn the_main_job_reaches_exactly_the_people_meant_and_its_figures_are_an_independent_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let mail = Mail::start().unwrap_or_else(|why| panic!("{why}"));
    let keyring = Keyring::start().unwrap_or_else(|why| panic!("{why}"));
    let file = folder.path().join("shop.carillon");
    let shop = Terminal::in_session(&keyring, &file);

    let people = import_people(&shop, folder.path());
    let meant: Addresses = people
        .iter()
        .filter(|(_, p)| p.meant)
        .map(|(email, _)| email.clone())
        .chain(GONE.map(str::to_owned))
        .collect();
    assert!((300..600).contains(&meant.len()), "{} are meant", meant.len());
    draw(&shop, &mail);
    assert_eq!(
        shop.tell(&["segments", "count", "--name", SEGMENT])["count"],
        json!(meant.len())
    );

    // Some said no before anything is decided.
    let known = || meant.iter().filter(|email| people.contains_key(*email)).cloned();
    let suppressed: Addresses = known().take(3).collect();
    let withdrawn: Addresses = known().skip(3).take(2).collect();
    for email in &suppressed {
        shop.tell(&["suppressions", "add", email]);
    }
    for email in &withdrawn {
        shop.tell(&["consent", "add", email, "--withdraw", "--source", "a call"]);
    }

    let published = shop.tell(&["journeys", "publish", JOURNEY]);
    assert_eq!(
        (&published["version"], &published["entering"]),
        (&json!(1), &json!(meant.len()))
    );
    let ran = shop.tell(&["run", "--until", "2026-03-03T08:00:00Z"]);
    let greeted: Addresses = known()
        .filter(|e| !suppressed.contains(e) && !withdrawn.contains(e))
        .collect();
    assert_eq!(ran["accepted"], json!(greeted.len()), "{ran}");
    assert_eq!(ran["troubles"], json!([]), "{ran}");
    let first = mail
        .wait_for(greeted.len() + 1, PATIENCE)
        .unwrap_or_else(|why| panic!("{why}"));
    let hellos = without_tries(first);
    assert_eq!(addressed(&hellos), greeted);
    for letter in &hellos {
        check_hello(letter, &people);
    }

    // What the shop tells; the old orders lie more than thirty days before the split, the new ones within.
    let old = import_events(
        &shop,
        folder.path(),
        "old.jsonl",
        "jsonl",
        "2025-12-01",
        "60",
        "3",
    );
    let new = import_events(&shop, folder.path(), "new.csv", "csv", "2026-02-04", "27", "5");
    import_orders_of_the_gone(&shop, folder.path());
    let ordered = old.union(&new).count() + GONE.len();
    assert_eq!(
        shop.tell(&["segments", "count", "--where", "did order"])["count"],
        json!(ordered)
    );
    let bought: Addresses = meant
        .iter()
        .filter(|e| new.contains(*e) || GONE.contains(&e.as_str()))
        .cloned()
        .collect();
    assert!(
        meant.iter().any(|e| old.contains(e) && !new.contains(e)),
        "nobody has only old orders"
    );
    // Two buyers take their permission back between the letters.
    let late: Addresses = greeted.intersection(&bought).take(2).cloned().collect();
    assert_eq!(late.len(), 2);
    for email in &late {
        shop.tell(&["consent", "add", email, "--withdraw", "--source", "a letter"]);
    }

    let ran = shop.tell(&["run", "--until", "2026-03-06T08:00:00Z"]);
    let thanked: Addresses = greeted
        .intersection(&bought)
        .filter(|e| !late.contains(*e))
        .cloned()
        .collect();
    assert!(thanked.len() > 30, "only {} are thanked", thanked.len());
    assert_eq!(ran["accepted"], json!(thanked.len()), "{ran}");
    let all = mail
        .wait_for(greeted.len() + thanked.len() + 1, PATIENCE)
        .unwrap_or_else(|why| panic!("{why}"));
    let all = without_tries(all);
    let ids: BTreeSet<String> = all.iter().filter_map(Letter::message_id).collect();
    assert_eq!(ids.len(), all.len(), "a Message-ID is missing or came twice");
    let (seconds, firsts): (Vec<Letter>, Vec<Letter>) = all
        .into_iter()
        .partition(|l| l.subject().starts_with("Thank you"));
    assert_eq!(addressed(&firsts), greeted);
    assert_eq!(addressed(&seconds), thanked);
    for letter in &seconds {
        check_thanks(letter, &people);
    }

    let yes = bought.len();
    let no = meant.len() - yes;
    let refused = yes - thanked.len();
    check_funnel(&shop, meant.len(), greeted.len(), yes, no, thanked.len());
    let sums = message_sums(&shop);
    assert_eq!(sums["queued"], meant.len() + yes, "{sums:?}");
    assert_eq!(sums["accepted"], firsts.len() + seconds.len(), "{sums:?}");
    assert_eq!(sums["bounced"], GONE.len(), "{sums:?}");
    assert_eq!(
        sums["suppressed"],
        suppressed.len() + withdrawn.len() + refused,
        "{sums:?}"
    );
    assert_eq!(sums["unknown"], 0, "{sums:?}");
    check_path(&shop, thanked.first().expect("somebody"));
    secret_is_nowhere(&file, &mail.submission().password);
}

/// The list, made outside the app, tried without a trace and then imported, and the two whom the server refuses.
fn import_people(shop: &Terminal<'_>, folder: &Path) -> People {
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
fn draw(shop: &Terminal<'_>, mail: &Mail) {
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
fn import_events(
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

fn import_orders_of_the_gone(shop: &Terminal<'_>, folder: &Path) {
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

/// The letters without the one that tried the account, which must be there once.
fn without_tries(letters: Vec<Letter>) -> Vec<Letter> {
    let (tries, rest): (Vec<Letter>, Vec<Letter>) = letters
        .into_iter()
        .partition(|l| l.delivered_to().as_deref() == Some(OWNER));
    assert_eq!(tries.len(), 1, "the trial letter");
    rest
}

/// To whom letters went; nobody may have two of them.
fn addressed(letters: &[Letter]) -> Addresses {
    let all: Addresses = letters.iter().filter_map(Letter::delivered_to).collect();
    assert_eq!(all.len(), letters.len(), "somebody got a letter twice");
    all
}

/// What every letter must have, and the one it is for.
fn check_letter<'a>(letter: &Letter, people: &'a People) -> (&'a Person, String) {
    let to = letter.delivered_to().expect("an address");
    let person = &people[&to];
    assert_eq!(
        letter.to_name(),
        Some(format!("{} {}", person.first_name, person.last_name)),
        "{to}"
    );
    assert!(
        letter
            .header("From")
            .is_some_and(|from| from.contains("studio@example.com")),
        "{to}"
    );
    assert!(
        letter
            .header("List-Unsubscribe")
            .is_some_and(|h| h.contains("mailto:studio@example.com")),
        "{to}"
    );
    assert!(letter.header("Date").is_some(), "{to}");
    // Names with line breaks in the list must not have become headers.
    assert!(
        letter.header("Bcc").is_none() && letter.header("X-Evil").is_none(),
        "{to}"
    );
    let text = letter.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("The roastery, {POSTAL}")), "{to}: {text}");
    assert!(letter.html().contains(POSTAL), "{to}");
    assert!(text.to_lowercase().contains("unsubscribe"), "{to}: {text}");
    (person, text)
}

fn check_hello(letter: &Letter, people: &People) {
    let (person, text) = check_letter(letter, people);
    assert_eq!(
        letter.subject(),
        format!("{}, a cup of espresso is ready", person.first_name)
    );
    let clock = person.time_zone.as_deref().unwrap_or("the one on our wall");
    for wanted in [
        format!(
            "Hello {} {} in {},",
            person.first_name, person.last_name, person.city
        ),
        format!("your clock: {clock}."),
        (if person.member {
            "Members taste first."
        } else {
            "Membership is free."
        })
        .to_owned(),
    ] {
        assert!(text.contains(&wanted), "“{wanted}” is not in: {text}");
    }
    assert!(letter.html().contains("https://example.com/menu?from=hello"));
}

fn check_thanks(letter: &Letter, people: &People) {
    let (person, text) = check_letter(letter, people);
    assert_eq!(letter.subject(), format!("Thank you, {}", person.first_name));
    let spent = format!("{}.{:02}", person.spent_minor / 100, person.spent_minor % 100);
    assert!(
        text.contains(&format!("so far: €{spent}.")),
        "{spent} is not in: {text}"
    );
}

fn check_funnel(shop: &Terminal<'_>, entered: usize, greeted: usize, yes: usize, no: usize, thanked: usize) {
    let funnel = shop.tell(&["report", "funnel", "--journey", JOURNEY]);
    assert_eq!(funnel["entered"], json!(entered));
    let row = |step: &str, reached: usize, accepted: usize, bounced: usize, suppressed: usize| {
        let shown = funnel["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|s| s["step"] == json!(step));
        let shown = shown.unwrap_or_else(|| panic!("{step} is missing: {funnel}"));
        let figures =
            ["reached", "accepted", "bounced", "suppressed", "unknown", "now"].map(|key| shown[key].clone());
        assert_eq!(
            figures,
            [reached, accepted, bounced, suppressed, 0, 0].map(|n| json!(n)),
            "{step}"
        );
    };
    row("s1", entered, 0, 0, 0);
    row("s2", entered, greeted, GONE.len(), entered - greeted - GONE.len());
    row("s3", entered, 0, 0, 0);
    row("s4", entered, 0, 0, 0);
    row("s5", yes, thanked, 0, yes - thanked);
    row("s6", yes, 0, 0, 0);
    row("s7", no, 0, 0, 0);
    let mut exits = [("thanked", yes), ("no order", no)];
    exits.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let exits = exits.map(
        |(reason, count)| json!({ "end": "completed", "reason": reason, "title": reason, "count": count }),
    );
    assert_eq!(
        funnel["ended"],
        json!(exits),
        "everybody came to the exit they were meant to"
    );
}

/// The report of messages, summed over its days.
fn message_sums(shop: &Terminal<'_>) -> BTreeMap<&'static str, usize> {
    let report = shop.tell(&["report", "messages"]);
    let sum = |key: &str| {
        report["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row[key].as_u64())
            .sum::<u64>()
    };
    ["queued", "accepted", "bounced", "suppressed", "unknown"]
        .map(|key| (key, sum(key) as usize))
        .into()
}

/// Why somebody was thanked: the path says the condition and its truth.
fn check_path(shop: &Terminal<'_>, email: &str) {
    let path = shop.tell(&["journeys", "path", JOURNEY, "--as", email]);
    let facts = path
        .as_array()
        .or_else(|| path["facts"].as_array())
        .expect("facts");
    let left = facts
        .iter()
        .find(|f| f["fact"] == "left" && f["step"] == "s4")
        .expect("the split");
    assert_eq!(
        (&left["port"], &left["at"]),
        (&json!("yes"), &json!("2026-03-05T08:00:00Z")),
        "{left}"
    );
    assert_eq!(
        left["because"],
        json!([{ "about": "did order in the last 30 days", "value": "true" }])
    );
}

fn secret_is_nowhere(file: &Path, password: &str) {
    for entry in std::fs::read_dir(file.parent().expect("a folder"))
        .expect("its files")
        .flatten()
    {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let found = bytes
            .windows(password.len())
            .any(|part| part == password.as_bytes());
        assert!(!found, "the password is in {}", entry.path().display());
    }
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
