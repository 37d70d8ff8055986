//! The main job on real input, with real parts: a list made outside the app, a real Postfix and Dovecot, a real
//! keychain, events as a shop sends them; and at the end figures that somebody else counted too.

mod figures;
mod input;
mod letters;

use crate::terminal::Terminal;
use carillon_tests::servers::{Keyring, Letter, Mail};
use figures::{check_funnel, check_path, message_sums};
use input::{draw, import_events, import_orders_of_the_gone, import_people};
use letters::{addressed, check_hello, check_thanks, without_tries};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
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
