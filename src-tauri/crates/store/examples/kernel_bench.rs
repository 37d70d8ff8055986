//! What a commit of the tick costs: a million enrolled, `n` due a commit; each step updates its enrolment (two
//! indexes), appends a fact, and every fifth queues a message under its unique key; with roll-ups, FULL.
//!
//! `cargo run --release -p carillon-store --example kernel_bench [FOLDER [KEPT]]` prints one JSON object a line; files of a
//! million enrolled that it finds in KEPT are taken as they are, and others are left there. The
//! limit is the same rows written by the same statements with rusqlite alone, on a copy of the same file;
//! `checked` says that the rows of ours were counted and are right.

use carillon_model::account::{Account, Tls};
use carillon_model::journey::{Fact, FactKind, JOURNEY_FORMAT, Journey, ReEntry, StepIx};
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, JourneyId, Moment, TemplateId};
use carillon_store::{
    OpenOptions, Priority, Result, Store, Tx, accounts, enrolments, facts, journeys, outbox, templates,
};
use chrono::{DateTime, TimeDelta};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

const ENROLLED: i64 = 1_000_000;
/// A prime above it: multiplying modulo it puts the numbers in a random-looking order, each once.
const PRIME: i64 = 1_000_003;
const BASE_MS: i64 = 1_767_225_600_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One way to run: how many steps in groups of how many, due in which order.
struct Case {
    bench: &'static str,
    in_order: bool,
    group: u32,
    groups: u32,
}

const CASES: [Case; 3] = [
    Case {
        bench: "kernel_random_1000",
        in_order: false,
        group: 1_000,
        groups: 100,
    },
    Case {
        bench: "kernel_in_order_1000",
        in_order: true,
        group: 1_000,
        groups: 100,
    },
    Case {
        bench: "kernel_one_by_one",
        in_order: false,
        group: 1,
        groups: 2_000,
    },
];

fn base() -> Moment {
    DateTime::from_timestamp_millis(BASE_MS).unwrap_or_default()
}

fn far() -> Moment {
    base() + TimeDelta::days(4_000)
}

fn main() -> Outcome<()> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("carillon-kernel-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let kept = std::env::args()
        .nth(2)
        .map_or_else(|| folder.clone(), PathBuf::from);
    let outcome = run(&folder, &kept);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn run(folder: &Path, kept: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    println!(
        "{}",
        serde_json::json!({"bench": "fsync_p50", "ours": fsync_p50(folder)?, "unit": "ms", "peer": null, "limit": null, "ratio": null, "checked": true})
    );
    for in_order in [false, true] {
        let original = kept.join(if in_order {
            "in-order.carillon"
        } else {
            "random.carillon"
        });
        if !original.exists() {
            let made = folder.join("made.carillon");
            runtime.block_on(found(&made))?;
            fill(&made, in_order)?;
            std::fs::rename(&made, &original)?;
        }
        for case in CASES.iter().filter(|c| c.in_order == in_order) {
            let (mine, raw) = (folder.join("ours.carillon"), folder.join("raw.carillon"));
            std::fs::copy(&original, &mine)?;
            let (ours, checked) = ours(&runtime, &mine, case)?;
            remove(&mine)?;
            std::fs::copy(&original, &raw)?;
            let limit = ceiling(&raw, case)?;
            remove(&raw)?;
            println!(
                "{}",
                serde_json::json!({
                    "bench": case.bench, "ours": ours.round(), "unit": "steps/s",
                    "peer": "rusqlite alone, same rows and statements", "limit": limit.round(),
                    "ratio": (ours / limit * 100.0).round() / 100.0, "checked": checked,
                })
            );
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Outcome<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Median of 200 writes of a page, each made durable.
fn fsync_p50(folder: &Path) -> Outcome<f64> {
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[100] * 1_000.0).round() / 1_000.0)
}

/// A workspace with an account, a template and a published journey, each number 1.
async fn found(path: &Path) -> Outcome<()> {
    let workspace = Workspace {
        name: "Bench".to_owned(),
        clock: ClockKind::Virtual,
        // In a sample the tick would not wait for the disk.
        sample: false,
        time_zone: "Europe/Berlin".to_owned(),
        postal_address: String::new(),
        organisation: String::new(),
        created_at: base(),
    };
    let store = Store::create(path, &workspace, OpenOptions::default()).await?;
    store
        .write(Priority::User, |tx| {
            accounts::save(tx, None, &account())?;
            templates::save(tx, None, &template())?;
            let journey = journeys::save_draft(tx, None, &drawing())?;
            journeys::publish(tx, journey).map(|_| ())
        })
        .await?;
    store.close().await;
    Ok(())
}

/// A million enrolments, their deadlines in the order of their numbers or in a random one.
fn fill(path: &Path, in_order: bool) -> Outcome<()> {
    let conn = Connection::open(path)?;
    conn.execute_batch("PRAGMA cache_size = -65536;")?;
    let place = if in_order {
        "n".to_owned()
    } else {
        format!("n * 611953 % {PRIME}")
    };
    conn.execute_batch(&format!(
        "INSERT INTO enrolments(id, journey, version, contact, number, active, step, planned_at, wake_at, visits, entered_at)
         WITH RECURSIVE ns(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM ns WHERE n < {ENROLLED})
         SELECT n, 1, 1, n, 1, 1, 0, {BASE_MS}, {BASE_MS} + 1000 * ({place}), x'000001000000', {BASE_MS} FROM ns;
         INSERT INTO marks(name, next) VALUES('enrolments', {ENROLLED} + 1) ON CONFLICT(name) DO UPDATE SET next = excluded.next;
         INSERT INTO gauges VALUES('standing', 1, 0, {ENROLLED});
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    Ok(())
}

fn step(tx: &mut Tx<'_>, group: u32, round: u32) -> Result<u64> {
    let now = base() + TimeDelta::days(30);
    let mut queued = 0;
    for (i, mut enrolment) in (0u32..).zip(enrolments::due(tx, now, &[], group)?) {
        let fact = Fact {
            step: "mail".into(),
            at: now,
            what: FactKind::Entered { visit: 1 },
        };
        facts::append(tx, &mut enrolment, &[fact])?;
        enrolment.state.at = Some(StepIx(1));
        enrolment.state.visits.push((StepIx(1), 1));
        enrolment.state.planned_at = now;
        enrolment.state.wake_at = Some(far() + TimeDelta::seconds(enrolment.id.0 * 7_919 % PRIME));
        enrolments::update(tx, &mut enrolment)?;
        if (i + round).is_multiple_of(5) {
            let message = outbox::NewMessage {
                enrolment: enrolment.id,
                journey: JourneyId(1),
                step: "mail".into(),
                contact: enrolment.contact,
                number: 1,
                visit: 1,
                account: AccountId(1),
                template: TemplateId(1),
                transactional: false,
            };
            queued += u64::from(outbox::queue(tx, &message)?);
        }
    }
    Ok(queued)
}

fn ours(runtime: &tokio::runtime::Runtime, path: &Path, case: &Case) -> Outcome<(f64, bool)> {
    let store = runtime.block_on(Store::open(path, OpenOptions::default()))?;
    let (group, steps) = (case.group, u64::from(case.group) * u64::from(case.groups));
    let mut queued = 0;
    let start = Instant::now();
    for round in 0..case.groups {
        queued += store.write_blocking(Priority::Tick, move |tx| step(tx, group, round))?;
    }
    let rate = steps as f64 / start.elapsed().as_secs_f64();
    let (counted, standing, messages) = store.read_blocking(|db| {
        let standing: BTreeMap<_, _> = enrolments::standing(db, carillon_model::VersionId(1))?
            .into_iter()
            .collect();
        Ok((
            facts::count(db)?,
            standing,
            outbox::counts(db, None)?.into_values().sum::<u64>(),
        ))
    })?;
    let left = u64::try_from(ENROLLED)? - steps;
    let expected: BTreeMap<_, _> = [(StepIx(0), left), (StepIx(1), steps)].into();
    runtime.block_on(store.close());
    Ok((
        rate,
        counted == steps && standing == expected && messages == queued && queued == steps / 5,
    ))
}

/// The same rows with rusqlite alone.
fn ceiling(path: &Path, case: &Case) -> Outcome<f64> {
    let conn = Connection::open(path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;",
    )?;
    let now = BASE_MS + 30 * 86_400_000;
    let steps = i64::from(case.group) * i64::from(case.groups);
    let (mut fact_id, mut message_id) = (1i64, 1i64);
    let start = Instant::now();
    for round in 0..case.groups {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let due: Vec<(i64, i64)> = conn
            .prepare_cached(
                "SELECT id, contact FROM enrolments WHERE active = 1 AND wake_at IS NOT NULL AND wake_at <= ?1
                 ORDER BY wake_at, id LIMIT ?2",
            )?
            .query_map((now, case.group), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<std::result::Result<_, _>>()?;
        let mut queued = 0;
        for (i, (id, contact)) in (0u32..).zip(&due) {
            conn.prepare_cached(
                "INSERT INTO facts(id, enrolment, prev, at, step, what) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                fact_id,
                id,
                None::<i64>,
                now,
                "mail",
                "{\"fact\":\"entered\",\"visit\":1}",
            ))?;
            let wake = far().timestamp_millis() + 1_000 * (id * 7_919 % PRIME);
            conn.prepare_cached(
                "UPDATE enrolments SET active = 1, step = 1, planned_at = ?2, wake_at = ?3, visits = ?4, ended = NULL,
                        ended_at = NULL, last_fact = ?5, last_call = NULL, version = 1, reached = NULL WHERE id = ?1",
            )?
            .execute((id, now, wake, [0u8, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0].as_slice(), fact_id))?;
            fact_id += 1;
            if (i + round).is_multiple_of(5) {
                conn.prepare_cached(
                    "INSERT INTO outbox(id, enrolment, step, visit, journey, contact, number, account, template, transactional,
                                        state, queued_at, next_at, changed_at, domain, subject)
                     VALUES(?1, ?2, 'mail', 1, 1, ?3, 1, 1, 1, 0, 0, ?4, ?4, ?4, 'sender.example', 'Hello')
                     ON CONFLICT(enrolment, step, visit) DO NOTHING",
                )?
                .execute((message_id, id, contact, now))?;
                message_id += 1;
                queued += 1;
            }
        }
        for (metric, n) in [("step_entered", due.len() as i64), ("queued", queued)] {
            conn.prepare_cached(
                "INSERT INTO rollups(metric, object, part, bucket, n) VALUES(?1, 1, 'mail', 20000, ?2)
                 ON CONFLICT(metric, object, part, bucket) DO UPDATE SET n = n + excluded.n",
            )?
            .execute((metric, n))?;
        }
        conn.execute_batch("COMMIT")?;
        if std::fs::metadata(format!("{}-wal", path.display()))?.len() > 64 << 20 {
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
        }
    }
    Ok(steps as f64 / start.elapsed().as_secs_f64())
}

fn account() -> Account {
    Account {
        id: AccountId(0),
        name: "Main".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 25,
        tls: Tls::None,
        user: String::new(),
        auth: Default::default(),
        from_name: "Bench".to_owned(),
        from_email: "shop@sender.example".to_owned(),
        reply_to: None,
        ca_file: None,
        per_day: 1,
        per_minute: 1,
        sessions: 1,
        preset: None,
        provider: None,
        dkim: None,
    }
}

fn template() -> Template {
    Template {
        id: TemplateId(0),
        name: "welcome".to_owned(),
        subject: "Hello".to_owned(),
        preheader: String::new(),
        body: String::new(),
        text: String::new(),
        topic: None,
        updated_at: base(),
    }
}

fn drawing() -> Journey {
    Journey {
        format: JOURNEY_FORMAT.to_owned(),
        name: "Bench".to_owned(),
        re_entry: ReEntry::Never,
        exit_when: Vec::new(),
        steps: Vec::new(),
        layout: BTreeMap::new(),
    }
}
