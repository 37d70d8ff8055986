//! Three readings of one expression: the index, the evaluator contact by contact, and plain SQL over the tables name
//! the same contacts, over random expressions of the whole grammar and random small workspaces.
//!
//! `CARILLON_CASES` says how many workspaces are tried.

mod people;
mod sql;

use super::fixtures::{Place, again};
use crate::Store;
use carillon_engine::segment::arbitrary::{expr, moment};
use carillon_engine::segment::{eval, print};
use carillon_model::contact::Field;
use carillon_model::segment::Expr;
use carillon_model::{ContactId, Moment};
use people::{Company, company, settle};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CASES: u32 = 48;

/// Index and evaluator on an open file; they must agree with each other.
fn read_open(store: &Store, expr: &Expr, now: Moment) -> BTreeSet<u32> {
    store.with_index(|index| {
        let by_index: BTreeSet<u32> = index.members(expr, now).iter().collect();
        let holds = |id: &u32| {
            let record = index.record(ContactId(*id)).unwrap();
            eval(expr, &record, now, index.scope()).holds
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
}

impl Tables {
    fn open(path: &Path, known: &[Field]) -> Tables {
        let conn = Connection::open(path).unwrap();
        let texts = "SELECT city FROM contacts WHERE city IS NOT NULL
             UNION SELECT time_zone FROM contacts WHERE time_zone IS NOT NULL
             UNION SELECT j.atom FROM events e, json_tree(e.props) j WHERE j.type = 'text'";
        let all: Vec<String> = column(&conn, texts);
        conn.execute_batch("CREATE TEMP TABLE folded(raw TEXT PRIMARY KEY, text TEXT NOT NULL)")
            .unwrap();
        for raw in all {
            let text = sql::fold(&raw);
            conn.execute("INSERT INTO folded(raw, text) VALUES(?1, ?2)", (&raw, &text))
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

/// All three, on the file as it was filled and on the file opened again. How many were named, and how many not.
fn agree(
    runtime: &tokio::runtime::Runtime,
    company: &Company,
    exprs: &[Expr],
    later: Moment,
) -> (usize, usize) {
    let place = Place::new();
    let store = runtime.block_on(settle(&place, company));
    let now = store.as_of();
    let moments = [now, now.max(later)];
    let read_all = |store: &Store| -> Vec<Vec<BTreeSet<u32>>> {
        moments
            .iter()
            .map(|at| exprs.iter().map(|expr| read_open(store, expr, *at)).collect())
            .collect()
    };
    let filled = read_all(&store);
    let members: Vec<BTreeSet<u32>> = people::segment_ids(runtime, &store)
        .into_iter()
        .map(|id| store.with_index(|index| index.members_of(id).unwrap().iter().collect()))
        .collect();
    // No farewell: what the clauses' states say is older than the rows.
    runtime.block_on(async { drop(store) });
    let tables = Tables::open(&place.file(), &people::fields());
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
    runtime.block_on(store.close());
    (named, not)
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
    let (named, not) = (Cell::new(0), Cell::new(0));
    TestRunner::new_with_rng(config, rng)
        .run(
            &(company(), vec(expr(), 24), moment()),
            |(company, exprs, later)| {
                let (yes, no) = agree(&runtime, &company, &exprs, later);
                named.set(named.get() + yes);
                not.set(not.get() + no);
                Ok(())
            },
        )
        .unwrap();
    let (named, not) = (named.get(), not.get());
    assert!(
        cases < CASES || (named > 1_000 && not > 1_000),
        "the expressions tell nobody apart: {named} named, {not} not"
    );
}
