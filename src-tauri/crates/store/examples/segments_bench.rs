//! What counting costs in a workspace of a million contacts with ten million events: the file is opened and the four
//! queries of the study are counted, then, on a copy, what one event and one changed field cost with sixty segments that
//! follow them.
//!
//! `cargo run --release -p carillon-store --example segments_bench [FOLDER] [CONTACTS] [make]` prints one JSON object a
//! line; with `make` it measures nothing. The file is made in FOLDER where there is none yet, with `contacts.csv`, `events.csv` and `counts.json` beside it, what
//! a peer needs to count the same.
//! `checked` says that a count equals the one kept by whoever made the rows.

use carillon_engine::segment;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::event::Prop;
use carillon_model::segment::Expr;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{ContactId, Moment};
use carillon_store::contacts::{Columns, NewContact, insert_batch};
use carillon_store::events::{self, NewEvent};
use carillon_store::{OpenOptions, Priority, Store, consents, contacts, fields, segments};
use chrono::DateTime;
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

const NOW_MS: i64 = 1_767_225_600_000;
const EVENTS_EACH: u64 = 10;
const TYPES: u64 = 16;
/// Days back from now over which events lie.
const DAYS: u64 = 365;
const BATCH: u64 = 10_000;
const COUNTRIES: [&str; 8] = ["DE", "FR", "IT", "ES", "PL", "NL", "SE", "PT"];
const PLANS: [&str; 4] = ["free", "start", "team", "pro"];

/// The four queries: fields; fields and a count in a window; consent and nothing in a window; one campaign, not another.
const QUERIES: [(&str, &str); 4] = [
    (
        "S1",
        "country is \"DE\" and points >= 500 and plan is any of (\"team\", \"pro\")",
    ),
    (
        "S2",
        "country is \"DE\" and did type_3 at least 2 times in the last 30 days",
    ),
    (
        "S3",
        "consent email marketing and not (did type_5 in the last 90 days)",
    ),
    (
        "S4",
        "did type_7 where campaign is 17 and not (did type_7 where campaign is 18)",
    ),
];

/// SplitMix64 (Steele, Lea and Flood 2014): the same rows from the same number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// What the maker of the rows counts beside them.
#[derive(Default)]
struct Kept {
    counts: [u64; 4],
}

#[derive(Clone)]
struct Person {
    country: &'static str,
    points: u64,
    plan: &'static str,
    agreed: bool,
    events: Vec<(u64, i64, u64)>,
}

fn person(dice: &mut Dice) -> Person {
    let mut events = Vec::new();
    // Few people do much: between none and sixty, ten on average.
    let busy = dice.below(10);
    let n = match busy {
        0 => EVENTS_EACH * 4 + dice.below(EVENTS_EACH * 2),
        1..=4 => EVENTS_EACH / 2 + dice.below(EVENTS_EACH),
        _ => dice.below(EVENTS_EACH / 2 + 1),
    };
    for _ in 0..n {
        let back = dice.below(DAYS * 86_400) as i64 + 1;
        events.push((dice.below(TYPES), NOW_MS - back * 1_000, dice.below(40)));
    }
    Person {
        country: COUNTRIES[dice.below(8) as usize],
        points: dice.below(1_000),
        plan: PLANS[dice.below(4) as usize],
        agreed: dice.below(100) < 60,
        events,
    }
}

impl Kept {
    fn note(&mut self, who: &Person) {
        let did = |kind: u64, days: i64| {
            let since = NOW_MS - days * 86_400_000;
            who.events.iter().filter(|e| e.0 == kind && e.1 > since).count()
        };
        let campaign = |n: u64| who.events.iter().any(|e| e.0 == 7 && e.2 == n);
        let german = who.country == "DE";
        let holds = [
            german && who.points >= 500 && (who.plan == "team" || who.plan == "pro"),
            german && did(3, 30) >= 2,
            who.agreed && did(5, 90) == 0,
            campaign(17) && !campaign(18),
        ];
        for (count, holds) in self.counts.iter_mut().zip(holds) {
            *count += u64::from(holds);
        }
    }
}

fn now() -> Moment {
    DateTime::from_timestamp_millis(NOW_MS).unwrap_or_default()
}

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let people: u64 = words.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let only_make = words.next().is_some_and(|word| word == "make");
    let folder = folder.join("segments");
    std::fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let path = folder.join("bench.carillon");
    if !path.exists() {
        let kept = runtime.block_on(make(&path, &folder, people))?;
        let told = QUERIES.iter().zip(kept.counts);
        let told: Vec<_> = told
            .map(|((name, text), count)| json!({ "query": name, "text": text, "count": count }))
            .collect();
        let counts = json!({ "now": NOW_MS, "contacts": people, "queries": told });
        std::fs::write(folder.join("counts.json"), counts.to_string())?;
        // The first opening after many events came writes them down for the next ones.
        let store = runtime.block_on(Store::open(&path, OpenOptions::default()))?;
        runtime.block_on(store.close());
    }
    if only_make {
        return Ok(());
    }
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("counts.json"))?)?;
    let before = resident()?;
    let store = opened(&runtime, &path, "segments.open")?;
    say("segments.resident", (resident()? - before) / 1e6, "MB", true);
    let bytes = store.with_index(|index| index.heap_bytes());
    say("segments.index", bytes as f64 / 1e6, "MB", true);
    for (n, (name, text)) in QUERIES.iter().enumerate() {
        let expr = parse(text)?;
        for (kind, remembered) in [("", false), ("_remembered", true)] {
            let (ms, count) = count(&store, &expr, remembered);
            let right = told["queries"][n]["count"].as_u64() == Some(count);
            say(&format!("segments.{name}{kind}"), ms, "ms", right);
        }
    }
    say("segments.memory", resident()? / 1e6, "MB", true);
    runtime.block_on(store.close());
    drop(store);
    let copy = folder.join("live.carillon");
    std::fs::copy(&path, &copy)?;
    let store = runtime.block_on(Store::open(&copy, OpenOptions::default()))?;
    live(&store, people)?;
    runtime.block_on(store.close());
    drop(store);
    let before = resident()?;
    let store = opened(&runtime, &copy, "segments.open_with_60")?;
    say(
        "segments.resident_with_60",
        (resident()? - before) / 1e6,
        "MB",
        true,
    );
    first_commits(&store, people)?;
    say_live(&store, "segments.live_right_after_opening");
    // No farewell, as where the program is killed.
    drop(store);
    let store = opened(&runtime, &copy, "segments.open_with_60_killed")?;
    say_live(&store, "segments.live_right_after_kill");
    let start = Instant::now();
    runtime.block_on(store.close());
    say(
        "segments.close_with_60",
        start.elapsed().as_secs_f64() * 1e3,
        "ms",
        true,
    );
    drop(store);
    for name in [
        "live.carillon",
        "live.carillon-wal",
        "live.carillon-shm",
        "live.carillon.lock",
    ] {
        std::fs::remove_file(folder.join(name)).ok();
    }
    Ok(())
}

fn opened(runtime: &tokio::runtime::Runtime, path: &Path, name: &str) -> Outcome<Store> {
    let start = Instant::now();
    let store = runtime.block_on(Store::open(path, OpenOptions::default()))?;
    say(name, start.elapsed().as_secs_f64() * 1e3, "ms", true);
    Ok(store)
}

fn parse(text: &str) -> Outcome<Expr> {
    segment::parse(text).map_err(|error| format!("{text}: {error:?}").into())
}

fn say(bench: &str, ours: f64, unit: &str, checked: bool) {
    println!(
        "{}",
        json!({ "bench": bench, "ours": ours, "unit": unit, "limit": null, "checked": checked })
    );
}

/// The median of eleven counts, in milliseconds, and the count. What is asked for is in memory; unless it is `remembered`,
/// each count reads it anew.
fn count(store: &Store, expr: &Expr, remembered: bool) -> (f64, u64) {
    let mut times = Vec::new();
    let mut n = store.with_index(|index| index.members(expr, now()).len());
    for _ in 0..11 {
        if !remembered {
            store.with_index(carillon_store::Index::forget);
        }
        let start = Instant::now();
        n = store.with_index(|index| index.members(expr, now()).len());
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    (times[5], n)
}

/// Bytes of this process in memory (Linux).
fn resident() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no VmRSS")?;
    Ok(kilobytes.parse::<f64>()? * 1024.0)
}

async fn make(path: &Path, folder: &Path, people: u64) -> Outcome<Kept> {
    let workspace = Workspace {
        name: "Bench".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "UTC".to_owned(),
        postal_address: String::new(),
        organisation: String::new(),
        created_at: now(),
    };
    let store = Store::create(path, &workspace, OpenOptions::default()).await?;
    let field = |key: &str, field_type, options: &[&str]| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        built_in: false,
        score: None,
    };
    let new = [
        field("points", FieldType::Number, &[]),
        field("plan", FieldType::Choice, &PLANS),
    ];
    store
        .write(Priority::User, move |tx| {
            new.iter().try_for_each(|field| fields::add(tx, field))
        })
        .await?;
    let mut csv = Csv::new(folder)?;
    let (mut dice, mut kept) = (Dice(1), Kept::default());
    let mut first = 0;
    while first < people {
        let batch: Vec<Person> = (first..people.min(first + BATCH))
            .map(|_| person(&mut dice))
            .collect();
        for (n, who) in (first..).zip(&batch) {
            kept.note(who);
            csv.write(n, who)?;
        }
        store
            .write(Priority::Import, move |tx| put_in(tx, first, &batch))
            .await?;
        first += BATCH;
    }
    store.close().await;
    Ok(kept)
}

fn put_in(tx: &mut carillon_store::Tx<'_>, first: u64, batch: &[Person]) -> carillon_store::Result<()> {
    let columns = Columns::resolve(tx, &["country", "points", "plan"])?;
    let mut rows: Vec<NewContact> = (first..)
        .zip(batch)
        .map(|(n, who)| NewContact {
            email: email(n),
            values: vec![
                Some(Value::Text(who.country.to_owned())),
                Some(Value::Number(who.points as f64)),
                Some(Value::Choice(who.plan.to_owned())),
            ],
            zone_source: None,
        })
        .collect();
    let ids = insert_batch(tx, &columns, &mut rows, "bench")?;
    let (mut agreed, mut done) = (Vec::new(), Vec::new());
    for (who, inserted) in batch.iter().zip(ids) {
        let contact = inserted.id();
        if who.agreed {
            agreed.push(consent(contact));
        }
        done.extend(who.events.iter().map(|(kind, at, campaign)| NewEvent {
            contact,
            name: format!("type_{kind}"),
            at: DateTime::from_timestamp_millis(*at).unwrap_or_default(),
            source: "bench".to_owned(),
            props: BTreeMap::from([("campaign".to_owned(), Prop::Number(*campaign as f64))]),
        }));
    }
    consents::append(tx, &agreed)?;
    events::append(tx, &done)?;
    Ok(())
}

fn consent(contact: ContactId) -> Consent {
    Consent {
        contact,
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        action: ConsentAction::Granted,
        basis: Basis::Consent,
        wording: None,
        wording_hash: None,
        source: "bench".to_owned(),
        at: now(),
    }
}

fn email(n: u64) -> String {
    format!("c{n:07}@example.com")
}

struct Csv {
    contacts: BufWriter<std::fs::File>,
    events: BufWriter<std::fs::File>,
}

impl Csv {
    fn new(folder: &Path) -> Outcome<Csv> {
        let open = |name| std::fs::File::create(folder.join(name)).map(BufWriter::new);
        let (mut contacts, mut events) = (open("contacts.csv")?, open("events.csv")?);
        writeln!(contacts, "contact,email,country,points,plan,agreed")?;
        writeln!(events, "contact,type,at,campaign")?;
        Ok(Csv { contacts, events })
    }

    fn write(&mut self, n: u64, who: &Person) -> Outcome<()> {
        let Person {
            country,
            points,
            plan,
            agreed,
            events,
        } = who;
        writeln!(
            self.contacts,
            "{n},{},{country},{points},{plan},{}",
            email(n),
            u8::from(*agreed)
        )?;
        for (kind, at, campaign) in events {
            writeln!(self.events, "{n},{kind},{at},{campaign}")?;
        }
        Ok(())
    }
}

/// Sixty segments of all four shapes, and commits of one event and of one field.
fn live(store: &Store, people: u64) -> Outcome<()> {
    let start = Instant::now();
    store.write_blocking(Priority::User, |tx| {
        for n in 0..60 {
            let text = match n % 4 {
                0 => format!("points >= {}", n * 10),
                1 => format!("did type_3 at least {} times in the last 30 days", 1 + n % 5),
                2 => format!(
                    "consent email marketing and not (did type_5 in the last {} days)",
                    30 + n
                ),
                _ => format!("did type_7 where campaign is {n}"),
            };
            let expr = segment::parse(&text)
                .map_err(|e| carillon_store::Error::Invalid(format!("{text}: {e:?}")))?;
            segments::save(tx, None, &format!("Segment {n}"), &expr)?;
        }
        Ok(())
    })?;
    say(
        "segments.save_60",
        start.elapsed().as_secs_f64() * 1e3,
        "ms",
        true,
    );
    say(
        "segments.index_with_60",
        store.with_index(|index| index.heap_bytes()) as f64 / 1e6,
        "MB",
        true,
    );
    let mut dice = Dice(2);
    let (mut one_event, mut one_field) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let contact = ContactId(1 + dice.below(people) as u32);
        let event = NewEvent {
            contact,
            name: format!("type_{}", [3, 5, 7][dice.below(3) as usize]),
            at: now(),
            source: "bench".to_owned(),
            props: BTreeMap::from([("campaign".to_owned(), Prop::Number(dice.below(40) as f64))]),
        };
        let start = Instant::now();
        store.write_blocking(Priority::User, move |tx| events::append(tx, &[event]))?;
        one_event.push(start.elapsed().as_secs_f64() * 1e6);
        let points = Value::Number(dice.below(1_000) as f64);
        let start = Instant::now();
        store.write_blocking(Priority::User, move |tx| {
            contacts::set_field(tx, contact, "points", Some(&points), "bench")
        })?;
        one_field.push(start.elapsed().as_secs_f64() * 1e6);
    }
    for (name, mut times) in [("event", one_event), ("field", one_field)] {
        times.sort_by(f64::total_cmp);
        say(&format!("segments.one_{name}_p50"), times[500], "us", true);
        say(&format!("segments.one_{name}_p99"), times[990], "us", true);
    }
    say_live(store, "segments.live_right");
    Ok(())
}

/// What the first commits after an opening cost, which read what nobody asked for before.
fn first_commits(store: &Store, people: u64) -> Outcome<()> {
    let mut dice = Dice(3);
    for name in ["first", "second"] {
        let event = NewEvent {
            contact: ContactId(1 + dice.below(people) as u32),
            name: "type_3".to_owned(),
            at: now(),
            source: "bench".to_owned(),
            props: BTreeMap::new(),
        };
        let start = Instant::now();
        store.write_blocking(Priority::User, move |tx| events::append(tx, &[event]))?;
        say(
            &format!("segments.{name}_event_after_opening"),
            start.elapsed().as_secs_f64() * 1e3,
            "ms",
            true,
        );
    }
    Ok(())
}

/// Whether each segment that is followed has the members a fresh count names.
fn say_live(store: &Store, name: &str) {
    let right = (0..60).all(|n| {
        let segment = format!("Segment {n}");
        store.with_index(|index| {
            let Some(expr) = index.scope().segments.get(&segment) else {
                return false;
            };
            let id = carillon_model::SegmentId(n + 1);
            index
                .members_of(id)
                .is_some_and(|kept| *kept == index.members(expr, index.as_of()))
        })
    });
    say(name, f64::from(u8::from(right)), "yes", right);
}
