//! Three readings of one expression: the index, the evaluator contact by contact, and plain SQL over the tables name
//! the same contacts, over random expressions of the whole grammar and random small workspaces.
//!
//! `CARILLON_CASES` says how many workspaces are tried.

mod aimed;
mod forms;
mod people;
mod sql;

use super::fixtures::{Place, add, again, fresh, ids, write};
use crate::events::{NewEvent, append};
use crate::{Store, segments};
use carillon_engine::segment::arbitrary::{clause, expr};
use carillon_engine::segment::{Needs, eval, parse, print};
use carillon_model::contact::Field;
use carillon_model::event::Prop;
use carillon_model::segment::Expr;
use carillon_model::{ContactId, Moment};
use chrono::TimeDelta;
use forms::Forms;
use people::{Company, company, settle};
use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CASES: u32 = 64;

/// Index and evaluator on an open file; they must agree with each other.
fn read_open(store: &Store, expr: &Expr, now: Moment, told: &RefCell<Forms>) -> BTreeSet<u32> {
    store.with_index(|index| {
        // Movements, what scores were, and when values were written, are there only where somebody asks for them.
        let needs = Needs::of(expr, &index.scope().segments);
        let whole = |id: u32| {
            let mut record = index.record(ContactId(id)).unwrap();
            let asked = index.record_of(ContactId(id), &needs).unwrap();
            (record.moved, record.past) = (asked.moved, asked.past);
            record.fields.extend(asked.fields);
            record
        };
        let asked = index.measured(expr, now);
        for id in index.contacts() {
            let record = whole(id);
            told.borrow_mut().note(&asked, &record, now, index.scope());
        }
        let by_index: BTreeSet<u32> = index.members(expr, now).iter().collect();
        let holds = |id: &u32| {
            let record = whole(*id);
            eval(&asked, &record, now, index.scope()).holds
        };
        let by_evaluator: BTreeSet<u32> = index.contacts().iter().filter(holds).collect();
        assert_eq!(by_index, by_evaluator, "index and evaluator: {}", print(expr));
        by_index
    })
}

/// What SQL needs to know beside the expression, read from the file.
struct Tables {
    conn: Connection,
    fields: Vec<(String, Field)>,
    contacts: BTreeSet<u32>,
    zones: BTreeSet<String>,
    texts: Vec<String>,
}

impl Tables {
    fn open(path: &Path, known: &[Field]) -> Tables {
        let conn = Connection::open(path).unwrap();
        let texts = "SELECT email FROM contacts
             UNION SELECT city FROM contacts WHERE city IS NOT NULL
             UNION SELECT time_zone FROM contacts WHERE time_zone IS NOT NULL
             UNION VALUES ('tea'), ('Coffee'), ('kÖln')
             UNION SELECT j.atom FROM events e, json_tree(e.props) j WHERE j.type = 'text'";
        let texts: Vec<String> = column(&conn, texts);
        conn.execute_batch("CREATE TEMP TABLE folded(raw TEXT PRIMARY KEY, text TEXT NOT NULL)")
            .unwrap();
        for raw in &texts {
            let text = sql::fold(raw);
            conn.execute("INSERT INTO folded(raw, text) VALUES(?1, ?2)", (raw, &text))
                .unwrap();
        }
        let mut fields = Vec::new();
        for field in known {
            let id: i64 = conn
                .query_row("SELECT id FROM fields WHERE key = ?1", (&field.key,), |row| {
                    row.get(0)
                })
                .unwrap();
            fields.push((format!("f{id}"), field.clone()));
        }
        let zones: Vec<String> = column(
            &conn,
            "SELECT DISTINCT time_zone FROM contacts WHERE time_zone IS NOT NULL",
        );
        Tables {
            contacts: column(&conn, "SELECT id FROM contacts").into_iter().collect(),
            zones: zones
                .into_iter()
                .filter(|name| name.parse::<chrono_tz::Tz>().is_ok())
                .collect(),
            fields,
            texts,
            conn,
        }
    }

    fn read(&self, expr: &Expr, segments: &BTreeMap<String, Expr>, now: Moment) -> BTreeSet<u32> {
        let mut reading = sql::Reading {
            now,
            zone: chrono_tz::Europe::Berlin,
            fields: &self.fields,
            segments,
            contacts: &self.contacts,
            zones: &self.zones,
            texts: &self.texts,
            params: Vec::new(),
        };
        let query = reading.query(expr);
        let mut statement = self
            .conn
            .prepare(&query)
            .unwrap_or_else(|e| panic!("{e} in {query}"));
        let params = rusqlite::params_from_iter(reading.params);
        statement
            .query_map(params, |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }
}

fn column<T: rusqlite::types::FromSql>(conn: &Connection, query: &str) -> Vec<T> {
    let mut statement = conn.prepare(query).unwrap();
    let rows = statement.query_map((), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// All three, on the file as it was filled and on the file opened again, and of the segments while the file sleeps. How
/// many were named, how many not, and how many came or went by time.
fn agree(
    runtime: &tokio::runtime::Runtime,
    company: &Company,
    exprs: &[Expr],
    sleep: TimeDelta,
    told: &RefCell<Forms>,
) -> [usize; 3] {
    let place = Place::new();
    let store = runtime.block_on(settle(&place, company));
    let now = store.as_of();
    let later = now + sleep;
    let moments = [now, later];
    let read_all = |store: &Store| -> Vec<Vec<BTreeSet<u32>>> {
        moments
            .iter()
            .map(|at| {
                exprs
                    .iter()
                    .map(|expr| read_open(store, expr, *at, told))
                    .collect()
            })
            .collect()
    };
    let filled = read_all(&store);
    let members: Vec<BTreeSet<u32>> = people::segment_ids(runtime, &store)
        .into_iter()
        .map(|id| store.with_index(|index| index.members_of(id).unwrap().iter().collect()))
        .collect();
    // No farewell: what the clauses' states say is older than the rows.
    runtime.block_on(async { drop(store) });
    let tables = Tables::open(&place.file(), &people::known_fields());
    let (mut named, mut not) = (0, 0);
    for (at, sets) in moments.iter().zip(&filled) {
        for (expr, set) in exprs.iter().zip(sets) {
            let by_sql = tables.read(expr, &company.segments, *at);
            assert_eq!(set, &by_sql, "index and SQL at {at}: {}", print(expr));
            named += set.len();
            not += tables.contacts.len() - set.len();
        }
    }
    for (expr, set) in company.segments.values().zip(&members) {
        assert_eq!(
            set,
            &tables.read(expr, &company.segments, now),
            "members of {}",
            print(expr)
        );
    }
    drop(tables);
    let store = runtime.block_on(again(&place.file()));
    assert_eq!(store.repaired(), [], "states and edges say the same as the rows");
    assert_eq!(read_all(&store), filled, "the rows read back give others");
    let by_time = pass_time(runtime, &place, &store, company, later);
    runtime.block_on(store.close());
    [named, not, by_time]
}

/// Lets the file sleep until `later`: each coming and going then is one that plain SQL sees at the same instant, and
/// there is none that SQL sees and the file does not say. How many there were.
fn pass_time(
    runtime: &tokio::runtime::Runtime,
    place: &Place,
    store: &Store,
    company: &Company,
    later: Moment,
) -> usize {
    let asleep_since = store.as_of();
    let position = runtime.block_on(store.read(segments::last_edge)).unwrap();
    runtime.block_on(store.advance_clock(later)).unwrap();
    let edges = runtime
        .block_on(store.read(move |db| segments::edges_after(db, position, 1_000_000)))
        .unwrap();
    let tables = Tables::open(&place.file(), &people::known_fields());
    let ids = people::segment_ids(runtime, store);
    for (id, expr) in ids.into_iter().zip(company.segments.values()) {
        let at = |moment: Moment| tables.read(expr, &company.segments, moment);
        let mut members = at(asleep_since);
        let own: Vec<_> = edges.iter().filter(|edge| edge.segment == id).collect();
        for instant in own.chunk_by(|a, b| a.at == b.at) {
            let when = instant[0].at;
            let just_before = when - TimeDelta::milliseconds(1);
            assert_eq!(members, at(just_before), "{} just before {when}", print(expr));
            for edge in instant {
                match edge.entered {
                    true => members.insert(edge.contact.0),
                    false => members.remove(&edge.contact.0),
                };
            }
            assert_eq!(members, at(when), "{} at {when}", print(expr));
        }
        assert_eq!(members, at(store.as_of()), "{} in the end", print(expr));
        let indexed = store.with_index(|index| index.members_of(id).unwrap().iter().collect());
        assert_eq!(members, indexed, "members of {}", print(expr));
    }
    edges.len()
}

#[tokio::test]
async fn numbers_of_events_read_back_exactly_as_they_came() {
    let place = Place::new();
    let store = fresh(&place).await;
    let numbers = [
        0.1 + 0.2,
        59.849_999_999_999_994,
        1.257_343_971_564_285_1e-241,
        f64::MAX,
    ];
    write(&store, move |tx| {
        let contact = ids(&add(tx, &["a@x.example"], "user")?)[0];
        let events = numbers.map(|n| NewEvent {
            contact,
            name: "order".to_owned(),
            at: tx.now(),
            source: "shop".to_owned(),
            props: BTreeMap::from([("amount".to_owned(), Prop::Number(n))]),
        });
        append(tx, &events)
    })
    .await
    .unwrap();
    let found = |store: &Store| {
        numbers.map(|n| {
            let text = format!("did order where amount = {n:e}");
            let expr = parse(&text).unwrap();
            store.with_index(|index| index.members(&expr, index.as_of()).len())
        })
    };
    assert_eq!(found(&store), [1; 4]);
    store.close().await;
    assert_eq!(found(&again(&place.file()).await), [1; 4]);
}

#[test]
fn the_index_the_evaluator_and_plain_sql_name_the_same_contacts() {
    let cases = std::env::var("CARILLON_CASES").map_or(CASES, |text| text.parse().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sums = Cell::new([0; 3]);
    let told = RefCell::new(Forms::default());
    // Long enough to sleep over the change of the clocks in spring.
    let sleep = (1i64..10_000_000_000).prop_map(TimeDelta::milliseconds);
    TestRunner::new_with_rng(config, rng)
        .run(
            &(company(), (vec(expr(), 12), vec(clause(), 64)), sleep),
            |(company, (mut exprs, clauses), sleep)| {
                let aimed = aimed::clauses(&company);
                exprs.extend(clauses.into_iter().chain(aimed).map(Expr::Clause));
                let found = agree(&runtime, &company, &exprs, sleep, &told);
                let before = sums.get();
                sums.set([0, 1, 2].map(|n| before[n] + found[n]));
                Ok(())
            },
        )
        .unwrap();
    if cases < CASES {
        return;
    }
    assert_eq!(
        told.into_inner().untold(),
        Vec::<String>::new(),
        "forms that told nobody apart"
    );
    let [named, not, by_time] = sums.get();
    assert!(
        named > 1_000 && not > 1_000 && by_time > 100,
        "the expressions tell nobody apart: {named} named, {not} not, {by_time} by time"
    );
}
