//! A workspace whose people the random expressions of the property tests tell apart: contacts, values, events and
//! expressions are drawn from the same strategies. A contact has the fields of one drawn record, the tags, permissions and
//! messages of others, and the events of two.

use carillon_engine::record::ContactRecord;
use carillon_engine::segment::arbitrary::{KEYS, TEMPLATES, epoch, expr, record};
use carillon_engine::segment::print;
use carillon_model::consent::{Consent, ConsentAction, SuppressionReason};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::event::{Event, Prop};
use carillon_model::segment::Expr;
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{ContactId, Moment, TemplateId};
use carillon_store::contacts::{self, Columns, NewContact, insert_batch};
use carillon_store::events::{self, NewEvent};
use carillon_store::{OpenOptions, Priority, Store, Tx, consents, fields, segments, suppressions, templates};
use chrono::TimeDelta;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Drawn records that contacts are put together from.
const POOL: usize = 4_096;
const BATCH: u32 = 10_000;
const OPTIONS: [&str; 3] = ["tea", "Coffee", "kÖln"];
/// Segments others may refer to.
pub const SEGMENTS: [(&str, &str); 3] = [
    ("A", "did order at least 2 times"),
    ("B", "plan is \"tea\" or age >= 1"),
    ("C", "consent email marketing and not in segment \"A\""),
];

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[(self.next() % all.len() as u64) as usize]
    }
}

pub fn now() -> Moment {
    epoch() + TimeDelta::days(20)
}

/// Draws by a number: the same number gives the same.
pub fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}

pub fn draw<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> Outcome<S::Value> {
    let tree = strategy.new_tree(runner).map_err(|e| e.to_string())?;
    Ok(tree.current())
}

/// The file in the folder, made first where there is none yet.
pub fn file(runtime: &tokio::runtime::Runtime, folder: &Path, people: u32) -> Outcome<PathBuf> {
    let folder = folder.join("expressions");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("bench.carillon");
    if !path.exists() {
        let start = Instant::now();
        runtime.block_on(make(&path, people))?;
        eprintln!("made in {:.1} s", start.elapsed().as_secs_f64());
        // The first opening after many events came writes them down for the next ones.
        let store = runtime.block_on(Store::open(&path, OpenOptions::default()))?;
        runtime.block_on(store.close());
    }
    Ok(path)
}

/// What contacts are put together from.
pub fn pool() -> Outcome<Vec<ContactRecord>> {
    let mut runner = runner(0);
    let strategy = record(ContactId(0));
    (0..POOL)
        .map(|_| draw(&strategy, &mut runner).map(kept))
        .collect()
}

/// So many expressions of this seed, each once and each with something to ask.
pub fn expressions(seed: u64, number: usize) -> Outcome<Vec<Expr>> {
    let (mut runner, strategy) = (runner(seed.wrapping_add(1_000)), expr());
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    while all.len() < number {
        let one = draw(&strategy, &mut runner)?;
        if asks(&one) && seen.insert(print(&one)) {
            all.push(one);
        }
    }
    Ok(all)
}

fn asks(expr: &Expr) -> bool {
    match expr {
        Expr::Clause(_) => true,
        Expr::Everyone => false,
        Expr::Not(inner) => asks(inner),
        Expr::All(of) | Expr::Any(of) | Expr::None(of) | Expr::AtLeast { of, .. } => of.iter().any(asks),
    }
}

/// The value below which this share lies.
pub fn at(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let place = (times.len() as f64 * share) as usize;
    times
        .get(place.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

async fn make(path: &Path, people: u32) -> Outcome<()> {
    let workspace = Workspace {
        name: "Bench".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "Europe/Berlin".to_owned(),
        postal_address: String::new(),
        organisation: String::new(),
        created_at: now(),
    };
    let pool = pool()?;
    let store = Store::create(path, &workspace, OpenOptions::default()).await?;
    store.write(Priority::User, furnish).await?;
    let mut dice = Dice(1);
    let mut first = 0;
    while first < people {
        let batch: Vec<Person> = (first..people.min(first + BATCH))
            .map(|n| Person::new(n, &pool, &mut dice))
            .collect();
        store
            .write(Priority::Import, move |tx| put_in(tx, &batch))
            .await?;
        first += BATCH;
    }
    store.close().await;
    drop(store);
    send(path, people, &pool)
}

/// A record as a file can hold it.
fn kept(mut record: ContactRecord) -> ContactRecord {
    record
        .fields
        .retain(|_, value| !matches!(value, Value::Number(n) if !n.is_finite()));
    for event in &mut record.events {
        event
            .props
            .retain(|_, prop| !matches!(prop, Prop::Number(n) if !n.is_finite()));
    }
    record
}

pub struct Person {
    email: String,
    values: Vec<Option<Value>>,
    traits: ContactRecord,
    events: Vec<Event>,
}

impl Person {
    pub fn new(n: u32, pool: &[ContactRecord], dice: &mut Dice) -> Person {
        let fields = &dice.of(pool).fields;
        let mut events = dice.of(pool).events.clone();
        events.extend_from_slice(&dice.of(pool).events);
        for event in &mut events {
            // Half of them keep their moment: on the stroke of a day or an hour, where windows begin and end.
            if dice.next().is_multiple_of(2) {
                event.at -= TimeDelta::milliseconds((dice.next() % 86_400_000) as i64);
            }
        }
        Person {
            email: format!("c{n}@x.example"),
            values: KEYS.iter().map(|key| fields.get(*key).cloned()).collect(),
            traits: ContactRecord {
                events: Vec::new(),
                ..dice.of(pool).clone()
            },
            events,
        }
    }
}

fn furnish(tx: &mut Tx<'_>) -> carillon_store::Result<()> {
    let kinds: [(&str, FieldType, &[&str]); 9] = [
        ("age", FieldType::Number, &[]),
        ("total", FieldType::Money, &[]),
        ("newsletter", FieldType::YesNo, &[]),
        ("plan", FieldType::Choice, &OPTIONS),
        ("interests", FieldType::MultiChoice, &OPTIONS),
        ("birthday", FieldType::Date, &[]),
        ("seen_at", FieldType::DateTime, &[]),
        ("height", FieldType::Number, &[]),
        ("limit", FieldType::Money, &[]),
    ];
    for (key, field_type, options) in kinds {
        let field = Field {
            key: key.to_owned(),
            label: key.to_owned(),
            field_type,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            built_in: false,
            score: None,
        };
        fields::add(tx, &field)?;
    }
    for name in TEMPLATES {
        templates::save(tx, None, &template(name))?;
    }
    for (name, text) in SEGMENTS {
        let expr = carillon_engine::segment::parse(text)
            .map_err(|e| carillon_store::Error::Invalid(format!("{text}: {e:?}")))?;
        segments::save(tx, None, name, &expr)?;
    }
    Ok(())
}

fn template(name: &str) -> Template {
    Template {
        id: TemplateId(0),
        name: name.to_owned(),
        subject: "Hello".to_owned(),
        preheader: String::new(),
        body: String::new(),
        text: String::new(),
        topic: None,
        updated_at: now(),
    }
}

pub fn put_in(tx: &mut Tx<'_>, batch: &[Person]) -> carillon_store::Result<()> {
    let columns = Columns::resolve(tx, KEYS)?;
    let mut rows: Vec<NewContact> = batch
        .iter()
        .map(|who| NewContact {
            email: who.email.clone(),
            values: who.values.clone(),
            zone_source: None,
        })
        .collect();
    let ids = insert_batch(tx, &columns, &mut rows, "bench")?;
    let (mut agreed, mut done) = (Vec::new(), Vec::new());
    for (who, inserted) in batch.iter().zip(ids) {
        let contact = inserted.id();
        for tag in &who.traits.tags {
            contacts::add_tag(tx, contact, tag, "bench")?;
        }
        if who.traits.suppressed {
            suppressions::add(tx, &who.email, SuppressionReason::Manual, "bench")?;
        }
        agreed.extend(
            who.traits
                .permissions
                .iter()
                .map(|((channel, purpose), basis)| Consent {
                    contact,
                    channel: *channel,
                    purpose: *purpose,
                    action: ConsentAction::Granted,
                    basis: *basis,
                    wording: None,
                    wording_hash: None,
                    source: "bench".to_owned(),
                    at: now(),
                }),
        );
        done.extend(who.events.iter().map(|event| NewEvent {
            contact,
            name: event.name.clone(),
            at: event.at,
            source: "bench".to_owned(),
            props: event.props.clone(),
        }));
    }
    consents::append(tx, &agreed)?;
    events::append(tx, &done)?;
    Ok(())
}

/// Messages that were accepted, as rows: a million of them through the outbox one after another would take an hour.
fn send(path: &Path, people: u32, pool: &[ContactRecord]) -> Outcome<()> {
    let mut conn = Connection::open(path)?;
    let tx = conn.transaction()?;
    let mut dice = Dice(2);
    {
        let mut add = tx.prepare(
            "INSERT INTO outbox(enrolment, step, visit, journey, contact, number, account, template, transactional, state,
                                attempts, queued_at, next_at, changed_at, accepted_at, domain, subject)
             SELECT ?1, 'mail', ?2, 1, ?1, 1, 1, id, 0, 6, 1, ?3, ?3, ?3, ?3, 'sender.example', 'Hello'
             FROM templates WHERE name = ?4",
        )?;
        for contact in 1..=people {
            let sent = dice.of(pool).sent.iter().filter(|sent| sent.at <= now());
            for (visit, sent) in (1u32..).zip(sent) {
                add.execute((contact, visit, sent.at.timestamp_millis(), &sent.template))?;
            }
        }
    }
    tx.commit()?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(())
}
