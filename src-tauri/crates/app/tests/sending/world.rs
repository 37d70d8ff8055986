//! A sample that is written to each week, and what its people do about it.

mod clocks;

use crate::studio::Studio;
use crate::trial;
use carillon_app::table::Kind;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "people_of_a_sample_answer_by_every_way_and_whoever_left_gets_nothing_more",
            answers,
        ),
        trial(
            "the_same_sample_run_the_same_way_lives_the_same_life_also_when_it_is_closed_in_between",
            same_life,
        ),
        trial(
            "run_jumped_to_or_played_a_sample_lives_the_same_life_and_whoever_left_gets_nothing_more",
            clocks::every_way,
        ),
        trial(
            "what_is_done_again_after_a_crash_counts_once_and_a_mail_nobody_wrote_down_is_answered",
            again,
        ),
        trial(
            "what_the_user_does_as_somebody_goes_the_same_way_as_what_people_do",
            by_hand,
        ),
        trial("a_world_that_is_off_takes_mails_and_answers_nothing", off),
        trial(
            "a_town_that_cannot_be_read_and_a_diary_with_garbage_in_it_lose_no_answer",
            spoilt,
        ),
        trial("only_a_sample_has_a_mail_world", only_samples),
    ]
}

const CLOCK: &str = "2026-09-01T00:00:00Z";
/// So many people and weeks, of a seed in which they do everything that can be done.
const CONTACTS: u32 = 90;
const WEEKS: i64 = 4;
const SEED: u64 = 4;

/// A sample company of so many people, with a letter to its readers each Tuesday.
async fn sample(dir: &Path, contacts: u32) -> Studio {
    let studio = Studio::idle(dir);
    let file = dir.join("shop.carillon");
    let args = json!({ "file": { "path": file }, "contacts": contacts, "months": 1, "seed": 5 });
    studio.job("demo.create_file", args).await;
    let studio = Studio::again(dir).await;
    let journeys = studio.query("journeys.list", json!({})).await;
    studio
        .mutate("journeys.pause", json!({ "id": journeys[0]["id"] }))
        .await;
    let mut settings = studio.query("relay.settings", json!({})).await;
    settings["forms"] = json!([form()]);
    studio.mutate("relay.save_settings", settings).await;
    let relay = studio.query("relay.get", json!({})).await;
    let form = format!(
        "{}/f/{}/tasting",
        relay["url"].as_str().unwrap(),
        relay["tenant"].as_str().unwrap()
    );
    let body = format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{{{ first_name }}}}, \
         <a href=\"https://kiosk.example/beans\">new beans</a>, \
         <a href=\"https://kiosk.example/mugs\">new mugs</a>, \
         <a href=\"{form}\">sign up for the tasting</a>. \
         {{{{ postal_address }}}} {{{{ unsubscribe_line }}}}</mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    let draft = json!({ "name": "Letter", "subject": "News of the week", "body": body, "text": "" });
    studio
        .mutate("templates.save", json!({ "id": null, "draft": draft }))
        .await;
    let weekly = json!({
        "format": "carillon/journey/1", "name": "Weekly letter", "re_entry": { "policy": "after_exit" },
        "steps": [
            { "id": "s1", "kind": "entry_schedule", "next": { "next": "s2" },
              "settings": { "rule": { "every": "week", "days": ["tue"] }, "who": "consent email marketing" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Letter" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let id = studio
        .mutate("journeys.import", json!({ "text": weekly.to_string() }))
        .await["id"]
        .clone();
    studio.mutate("journeys.publish", json!({ "id": id })).await;
    studio
}

fn form() -> Value {
    json!({
        "key": "tasting", "version": 1, "title": "Tasting", "intro": "", "button": "Sign up", "thanks": "See you.",
        "redirect": null, "fields": [{ "key": "email", "label": "E-mail", "kind": "email", "required": true }],
        "consents": [], "min_secs": 3, "work_bits": 8, "without_script": true, "language": null,
    })
}

async fn weeks(studio: &Studio, from: &str, n: i64) -> Value {
    let from: chrono::DateTime<chrono::Utc> = from.parse().unwrap();
    let until = from + chrono::TimeDelta::weeks(n);
    studio
        .job("runtime.run", json!({ "until": until.to_rfc3339() }))
        .await
}

/// All mails of the inbox, newest first.
async fn inbox(studio: &Studio) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = studio
            .query("world.mails", json!({ "limit": 200, "before": before }))
            .await;
        all.extend(page["mails"].as_array().unwrap().iter().cloned());
        before = page["before"].clone();
        if before.is_null() {
            return all;
        }
    }
}

/// How often each kind of answer was given.
fn counted(mails: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for answer in mails.iter().flat_map(|mail| mail["answers"].as_array().unwrap()) {
        *counts
            .entry(answer["kind"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    counts
}

/// Everything that came back for the mails that somebody did something about.
async fn responses(studio: &Studio) -> Vec<Value> {
    let mut all = Vec::new();
    for mail in inbox(studio).await {
        if mail["answers"] == json!([]) {
            continue;
        }
        assert!(
            mail["message"].is_number() && mail["contact"].is_number(),
            "{mail}"
        );
        let of = studio
            .query("responses.of_message", json!({ "message": mail["message"] }))
            .await;
        all.extend(of.as_array().unwrap().iter().cloned());
    }
    all
}

fn kinds(responses: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for one in responses {
        *counts
            .entry(one["kind"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    counts
}

async fn count(studio: &Studio, text: &str) -> u64 {
    let asked = json!({ "text": text, "clauses": false });
    studio.query("segments.count", asked).await["count"]
        .as_u64()
        .unwrap()
}

fn moment(value: &Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// A journey that people enter by clicking. Its id.
async fn entered_by_a_click(studio: &Studio) -> Value {
    let segment = json!({ "id": null, "name": "Clicked", "text": "did email_clicked" });
    studio.mutate("segments.save", segment).await;
    let journey = json!({
        "format": "carillon/journey/1", "name": "Clickers", "re_entry": { "policy": "never" },
        "steps": [
            { "id": "s1", "kind": "entry_segment", "next": { "next": "s2" },
              "settings": { "segment": "Clicked", "on": "entered", "include_current": false } },
            { "id": "s2", "kind": "exit" },
        ],
    });
    let args = json!({ "text": journey.to_string() });
    let id = studio.mutate("journeys.import", args).await["id"].clone();
    studio.mutate("journeys.publish", json!({ "id": id })).await;
    id
}

/// What a click brought about has the moment of something its person did, though many things are taken in together.
async fn whoever_clicked_entered_at_that_moment(studio: &Studio, journey: &Value, mails: &[Value]) {
    let contacts: BTreeSet<u64> = mails.iter().filter_map(|mail| mail["contact"].as_u64()).collect();
    let mut entered = 0;
    for contact in contacts {
        let asked = json!({ "id": journey, "contact": contact });
        // Whoever was never in it has no path.
        let path = studio.ask(Kind::Query, "journeys.path", asked).await;
        let Some(at) = path.ok().map(|path| moment(&path[0]["at"])) else {
            continue;
        };
        let events = studio.query("events.of", json!({ "contact": contact })).await;
        let mut events = events.as_array().unwrap().iter();
        assert!(
            events.any(|event| moment(&event["at"]) == at),
            "{contact} did nothing at {at}"
        );
        entered += 1;
    }
    assert!(entered > 0);
}

async fn answers() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path(), CONTACTS).await;
    // A bad list of people who leave, complain and die, so that few of them show everything.
    let mut settings = studio.query("world.get", json!({})).await["settings"].clone();
    settings["mix"] =
        json!({ "eager": 40, "busy": 10, "silent": 5, "annoyed": 25, "bot": 10, "gone_away": 10 });
    settings["seed"] = json!(SEED);
    studio.mutate("world.set", settings).await;
    let journey = entered_by_a_click(&studio).await;
    weeks(&studio, CLOCK, WEEKS).await;
    let mails = inbox(&studio).await;
    let did = counted(&mails);
    for kind in [
        "opened",
        "clicked",
        "probed",
        "replied",
        "bounced",
        "complained",
        "filled_form",
        "bought",
        "out_of_office",
    ] {
        assert!(did.get(kind).is_some_and(|n| *n > 0), "{kind}: {did:?}");
    }
    let left = [
        "unsubscribed_by_one_click",
        "unsubscribed_by_mail",
        "unsubscribed_on_page",
    ];
    assert!(left.iter().any(|kind| did.contains_key(*kind)), "{did:?}");

    let heard = responses(&studio).await;
    let of = kinds(&heard);
    for (answer, response) in [
        ("replied", "replied"),
        ("complained", "complained"),
        ("bounced", "bounced"),
        ("out_of_office", "auto_replied"),
    ] {
        assert!(
            of.get(response).is_some_and(|n| *n >= did[answer]),
            "{answer}: {of:?}, {did:?}"
        );
    }
    // Whoever agreed to be followed: opens and clicks of people and of machines, told apart.
    assert!(
        of.contains_key("opened") && of.contains_key("clicked"),
        "{of:?}, {did:?}"
    );
    let hands: BTreeSet<&str> = heard.iter().map(|one| one["hand"].as_str().unwrap()).collect();
    assert!(hands.contains("human") && hands.contains("machine"), "{hands:?}");
    assert!(count(&studio, "did form_submitted").await > 0);
    assert_eq!(
        count(&studio, "did form_submitted").await > 0,
        did["filled_form"] > 0
    );
    assert!(count(&studio, "did email_replied").await > 0);

    whoever_left_gets_nothing_more(&studio, &mails).await;
    nothing_is_heard_before_it_was_done(&heard, &mails);
    whoever_clicked_entered_at_that_moment(&studio, &journey, &mails).await;
}

/// Nobody is written to after they said no, complained or were gone.
async fn whoever_left_gets_nothing_more(studio: &Studio, mails: &[Value]) {
    let over = [
        "unsubscribed_by_one_click",
        "unsubscribed_by_mail",
        "unsubscribed_on_page",
        "complained",
    ];
    let mut ended: BTreeMap<&str, chrono::DateTime<chrono::Utc>> = BTreeMap::new();
    for mail in mails {
        for answer in mail["answers"].as_array().unwrap() {
            if over.contains(&answer["kind"].as_str().unwrap()) {
                let at = ended
                    .entry(mail["to"].as_str().unwrap())
                    .or_insert(moment(&answer["at"]));
                *at = (*at).min(moment(&answer["at"]));
            }
        }
    }
    assert!(!ended.is_empty());
    for mail in mails {
        let to = mail["to"].as_str().unwrap();
        if let Some(at) = ended.get(to) {
            assert!(moment(&mail["received_at"]) <= *at, "{to} got a mail after {at}");
        }
    }
    for to in ended.keys() {
        let check = studio.query("suppressions.check", json!({ "email": to })).await;
        assert_eq!(check["suppressed"], json!(true), "{to}");
        assert!(!studio.permitted(to).await, "{to}");
    }
}

/// Each response has the moment of the act it is of, none another.
fn nothing_is_heard_before_it_was_done(heard: &[Value], mails: &[Value]) {
    let moments: BTreeSet<chrono::DateTime<chrono::Utc>> = mails
        .iter()
        .flat_map(|mail| mail["answers"].as_array().unwrap())
        .map(|answer| moment(&answer["at"]))
        .collect();
    let clicks = heard
        .iter()
        .filter(|one| ["opened", "clicked"].contains(&one["kind"].as_str().unwrap()));
    let mut n = 0;
    for one in clicks {
        assert!(moments.contains(&moment(&one["at"])), "{one}");
        n += 1;
    }
    assert!(n > 0);
}

async fn figures(studio: &Studio) -> (BTreeMap<String, u64>, BTreeMap<String, u64>, Vec<u64>) {
    let counts = [
        count(studio, "did form_submitted").await,
        count(studio, "did order").await,
        count(studio, "did email_clicked").await,
        count(studio, "consent email marketing").await,
    ];
    let heard = responses(studio).await;
    (counted(&inbox(studio).await), kinds(&heard), counts.to_vec())
}

async fn same_life() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let once = sample(first.path(), 60).await;
    weeks(&once, CLOCK, 3).await;
    let all = figures(&once).await;
    assert!(all.0.values().sum::<u64>() > 20, "{all:?}");

    let twice = sample(second.path(), 60).await;
    weeks(&twice, CLOCK, 1).await;
    let before = figures(&twice).await;
    let url = twice.query("relay.get", json!({})).await["url"].clone();
    twice.mutate("workspaces.close", json!({})).await;
    let twice = Studio::again(second.path()).await;
    assert_eq!(figures(&twice).await, before, "as it was closed");
    assert_eq!(
        twice.query("relay.get", json!({})).await["url"],
        url,
        "the same port"
    );
    weeks(&twice, "2026-09-08T00:00:00Z", 2).await;
    assert_eq!(figures(&twice).await, all);
}

/// The diary without lines of some kinds, as a program that ended before they were written leaves it.
fn forget(dir: &Path, kinds: &[&str], after: usize) {
    let folder = dir.join("shop.carillon.world");
    let _ = std::fs::remove_file(folder.join("town.json"));
    let path = folder.join("diary.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let is = |line: &str| {
        kinds
            .iter()
            .any(|kind| line.starts_with(&format!("{{\"{kind}\"")))
    };
    let (mut seen, mut kept) = (0, String::new());
    for line in text.lines() {
        seen += usize::from(is(line));
        if !is(line) || seen <= after {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    assert!(seen > after, "{seen}");
    std::fs::write(path, kept).unwrap();
}

async fn again() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path(), 60).await;
    weeks(&studio, CLOCK, 2).await;
    let (all, came) = (figures(&studio).await, inbox(&studio).await.len());
    studio.mutate("workspaces.close", json!({})).await;
    // Everything was done, and nothing of it was noted.
    forget(dir.path(), &["done", "did"], 0);
    let studio = Studio::again(dir.path()).await;
    assert_eq!(counted(&inbox(&studio).await), BTreeMap::new());
    studio.job("runtime.run", json!({})).await;
    let redone = figures(&studio).await;
    assert_eq!((&redone.0, &redone.1), (&all.0, &all.1));
    assert_eq!(redone.2, all.2);
    studio.mutate("workspaces.close", json!({})).await;
    // The last mails were taken, and nobody wrote it down.
    forget(dir.path(), &["got"], came - 20);
    let studio = Studio::again(dir.path()).await;
    assert_eq!(inbox(&studio).await.len(), came);
    let view = studio.query("world.get", json!({})).await;
    assert!(view["to_come"].as_u64().unwrap() > 0, "they are answered: {view}");
}

/// The mail to somebody who may be followed: it tells of its opening.
async fn a_mail_that_tells(studio: &Studio) -> (Value, Value) {
    for row in inbox(studio).await {
        let mail = studio.query("world.mail", json!({ "id": row["id"] })).await;
        if mail["tells_opening"] == json!(true) && row["answers"] == json!([]) {
            return (row, mail);
        }
    }
    panic!("nobody may be followed");
}

async fn by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path(), 60).await;
    // Until the letters are out, and nobody else has done anything.
    let mut settings = studio.query("world.get", json!({})).await["settings"].clone();
    settings["on"] = json!(false);
    studio.mutate("world.set", settings).await;
    weeks(&studio, CLOCK, 1).await;
    let (row, mail) = a_mail_that_tells(&studio).await;
    assert_eq!(mail["row"]["subject"], json!("News of the week"));
    assert!(
        mail["frame"].is_string() && mail["can_leave"] == json!(true),
        "{mail}"
    );
    let act = async |deed: Value| {
        studio
            .mutate("world.act", json!({ "id": row["id"], "deed": deed }))
            .await
    };
    let of_kind = async |kind: &str| {
        let of = studio
            .query("responses.of_message", json!({ "message": row["message"] }))
            .await;
        let of = of.as_array().unwrap();
        of.iter().filter(|one| one["kind"] == kind).count()
    };
    act(json!({ "kind": "open" })).await;
    assert_eq!(of_kind("opened").await, 1);
    let links = mail["links"].as_array().unwrap();
    let beans = links
        .iter()
        .position(|link| link["kind"] == "content" && link["hidden"] == false)
        .unwrap();
    act(json!({ "kind": "click", "link": beans })).await;
    assert_eq!(of_kind("clicked").await, 1);
    act(json!({ "kind": "reply", "text": "Are they organic?" })).await;
    assert_eq!(of_kind("replied").await, 1);
    act(json!({ "kind": "buy", "amount": { "minor": 1_250, "currency": "EUR" } })).await;
    let to = row["to"].as_str().unwrap();
    let found = studio.query("contacts.find", json!({ "email": to })).await;
    let events = studio.query("events.of", json!({ "contact": found["id"] })).await;
    let newest: BTreeSet<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .take(4)
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    for name in ["order", "email_replied", "email_clicked", "email_opened"] {
        assert!(newest.contains(name), "{newest:?}");
    }
    let after = act(json!({ "kind": "unsubscribe" })).await;
    let kinds: Vec<&str> = after["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "opened",
            "clicked",
            "replied",
            "bought",
            "unsubscribed_by_one_click"
        ]
    );
    assert!(!studio.permitted(to).await);
    for (deed, code) in [
        (json!({ "kind": "click", "link": 900 }), "no such link"),
        (json!({ "kind": "reply", "text": " " }), "Write something"),
        (
            json!({ "kind": "buy", "amount": { "minor": 0, "currency": "EUR" } }),
            "more than nothing",
        ),
    ] {
        let args = json!({ "id": row["id"], "deed": deed });
        let refused = studio.ask(Kind::Mutate, "world.act", args).await.unwrap_err();
        assert!(refused.message.contains(code), "{refused}");
    }
    let whole = json!({ "limit": 10, "to": to });
    assert_eq!(studio.query("world.mails", whole).await["found"], json!(1));
    let kind = json!({ "limit": 10, "persona": row["persona"], "to": to });
    assert_eq!(studio.query("world.mails", kind).await["found"], json!(1));
    let gone = studio
        .ask(Kind::Query, "world.mail", json!({ "id": 100_000 }))
        .await;
    assert!(gone.unwrap_err().message.contains("not listed any more"));
}

async fn off() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path(), 40).await;
    let mut settings = studio.query("world.get", json!({})).await["settings"].clone();
    settings["on"] = json!(false);
    let view = studio.mutate("world.set", settings).await;
    assert_eq!(view["next_at"], Value::Null);
    weeks(&studio, CLOCK, 2).await;
    let mails = inbox(&studio).await;
    assert!(mails.len() > 20, "{}", mails.len());
    assert_eq!(counted(&mails), BTreeMap::new());
    assert_eq!(responses(&studio).await, Vec::<Value>::new());
}

async fn spoilt() {
    let dir = tempfile::tempdir().unwrap();
    let studio = sample(dir.path(), 60).await;
    // Mails are out, and half of what people do about them is still to come.
    let noon = json!({ "until": "2026-09-01T12:00:00Z" });
    studio.job("runtime.run", noon).await;
    let to_come = studio.query("world.get", json!({})).await["to_come"].clone();
    let before = inbox(&studio).await;
    assert!(to_come.as_u64().unwrap() > 0);
    studio.mutate("workspaces.close", json!({})).await;
    let folder = dir.path().join("shop.carillon.world");
    std::fs::write(folder.join("town.json"), b"{\"version\":1,").unwrap();
    let diary = std::fs::read(folder.join("diary.jsonl")).unwrap();
    let middle = diary.iter().position(|b| *b == b'\n').unwrap() + 1;
    let garbage = b"{\"got\":{}}\n\xff\x00\n[\n";
    let torn = b"{\"did\":{\"who\":\"ada@ex";
    let parts = [&diary[..middle], garbage, &diary[middle..], torn];
    std::fs::write(folder.join("diary.jsonl"), parts.concat()).unwrap();
    let studio = Studio::again(dir.path()).await;
    assert_eq!(inbox(&studio).await, before, "the list is in the diary");
    let view = studio.query("world.get", json!({})).await;
    assert_eq!(view["to_come"], to_come, "and so is what is to come");
    weeks(&studio, "2026-09-02T00:00:00Z", 1).await;
    assert!(inbox(&studio).await.len() > before.len());
}

async fn only_samples() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let refused = studio.ask(Kind::Query, "world.get", json!({})).await.unwrap_err();
    assert!(refused.message.contains("Only a sample"), "{refused}");
    // Keys that lie beside another workspace are nobody's.
    let folder = dir.path().join("shop.carillon.world");
    std::fs::create_dir_all(&folder).unwrap();
    let keys = json!({ "opening": "a", "device": "b", "tokens": ["c"] });
    std::fs::write(folder.join("relay-t1.keys"), keys.to_string()).unwrap();
    let open = studio.app.own().await.unwrap();
    assert!(carillon_app::world::keys(&open, "t1").unwrap().is_none());
}
