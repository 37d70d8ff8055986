//! Every statement of the crate, found in its sources: it prepares on a migrated file, and none reads the
//! whole of a large table without saying why.

use super::fixtures::{Place, field, fresh, write};
use crate::contacts::{Order, all_dynamic};
use crate::fields;
use carillon_model::contact::FieldType;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

const LARGE: [&str; 20] = [
    "contact_history",
    "import_changes",
    "cleansing_changes",
    "contacts",
    "contact_fields",
    "companies",
    "company_fields",
    "company_provenance",
    "provenance",
    "contact_tags",
    "events",
    "enrolments",
    "outbox",
    "campaign_exposures",
    "facts",
    "segment_edges",
    "consents",
    "attempts",
    "score_ledger",
    "score_stages",
];

struct Statement {
    file: String,
    sql: String,
    scan: bool,
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The string literal at the start of `text`, unescaped, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// Statements within `sql!`, and the source with them cut out.
fn split(source: &str, file: &str) -> (Vec<Statement>, String) {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let (mut found, mut rest, mut text) = (Vec::new(), String::new(), source);
    while let Some(at) = text.find("sql!(") {
        rest.push_str(&text[..at]);
        let inside = &text[at + 5..];
        match literal(inside) {
            Some((sql, after)) => {
                let scan = after
                    .trim_start()
                    .strip_prefix(',')
                    .is_some_and(|a| a.trim_start().starts_with("scan:"));
                found.push(Statement {
                    file: file.to_owned(),
                    sql,
                    scan,
                });
                text = after;
            }
            None => text = inside,
        }
    }
    rest.push_str(text);
    (found, rest)
}

fn statements() -> Vec<(Vec<Statement>, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let (found, rest) = split(&std::fs::read_to_string(&path).unwrap(), &name);
            (found, rest, name)
        })
        .collect()
}

/// Steps of the plan that walk the whole of a large table.
fn scans(conn: &Connection, sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql
        .split(|c: char| c.is_whitespace() || c == ',' || c == '(' || c == ')')
        .filter(|w| !w.is_empty())
        .collect();
    let mut names: Vec<String> = LARGE.iter().map(|t| (*t).to_owned()).collect();
    for pair in words.windows(3) {
        if ["FROM", "JOIN"].contains(&pair[0]) && LARGE.contains(&pair[1]) {
            names.push(pair[2].to_owned());
        }
    }
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let parameters = statement.parameter_count();
    let nulls = vec![rusqlite::types::Null; parameters];
    let plan: Vec<String> = statement
        .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    plan.into_iter()
        .filter(|step| {
            // An index made for one statement reads the whole table first.
            let made = step.strip_prefix("SEARCH ").filter(|s| s.contains(" AUTOMATIC "));
            step.strip_prefix("SCAN ")
                .or(made)
                .and_then(|s| s.split_whitespace().next())
                .is_some_and(|table| names.iter().any(|n| n == table))
        })
        .collect()
}

async fn with_all_fields(place: &Place) -> crate::Store {
    let store = fresh(place).await;
    write(&store, |tx| {
        for (key, kind, options) in [
            ("a_text", FieldType::Text, &[][..]),
            ("a_number", FieldType::Number, &[]),
            ("a_money", FieldType::Money, &[]),
            ("a_yes_no", FieldType::YesNo, &[]),
            ("a_choice", FieldType::Choice, &["x", "y"]),
            ("a_multi", FieldType::MultiChoice, &["x", "y"]),
            ("a_date", FieldType::Date, &[]),
            ("a_moment", FieldType::DateTime, &[]),
            ("company.industry", FieldType::Text, &[]),
            ("company.revenue", FieldType::Money, &[]),
            ("company.size", FieldType::Choice, &["small", "large"]),
        ] {
            fields::add(tx, &field(key, kind, options))?;
        }
        for key in ["score_a", "score_b"] {
            let scored = carillon_model::contact::Field {
                score: Some(key.to_owned()),
                ..field(key, FieldType::Number, &[])
            };
            fields::insert(tx, &scored)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    store
}

#[tokio::test]
async fn every_statement_prepares_and_none_reads_a_whole_large_table_unless_it_says_why() {
    let place = Place::new();
    with_all_fields(&place).await.close().await;
    let conn = Connection::open(place.file()).unwrap();
    let mut seen = 0;
    for (found, _, _) in statements() {
        for statement in found {
            seen += 1;
            if statement.sql.starts_with("PRAGMA") || statement.sql.starts_with("VACUUM") {
                continue;
            }
            if let Err(error) = conn.prepare(&statement.sql) {
                panic!("{}: {error}\n{}", statement.file, statement.sql);
            }
            if ["BEGIN", "COMMIT", "ROLLBACK"]
                .iter()
                .any(|w| statement.sql.starts_with(w))
            {
                continue;
            }
            let scans = scans(&conn, &statement.sql);
            assert!(
                scans.is_empty() || statement.scan,
                "{} reads a whole table: {scans:?}\n{}",
                statement.file,
                statement.sql
            );
        }
    }
    assert!(
        seen > 150,
        "only {seen} statements were found: the search is broken"
    );
}

#[tokio::test]
async fn the_search_for_scans_finds_one() {
    let place = Place::new();
    fresh(&place).await.close().await;
    let conn = Connection::open(place.file()).unwrap();
    assert_eq!(scans(&conn, "SELECT id FROM events WHERE contact = 5").len(), 1);
    assert_eq!(
        scans(
            &conn,
            "SELECT e.id FROM tags t CROSS JOIN events e ON e.contact = t.id"
        )
        .len(),
        1
    );
    assert_eq!(scans(&conn, "SELECT count(*) FROM contacts").len(), 1);
    assert_eq!(scans(&conn, "SELECT id FROM contacts WHERE email = 'a'").len(), 0);
}

/// Statements put together at run time from columns of fields, by file: as many as `all_dynamic` shows the
/// kinds of, with the copies of every table counted by `open.rs`. Those of `foreign.rs` read files of others, whose
/// tables are not ours to prepare against.
const PUT_TOGETHER: [(&str, usize); 11] = [
    ("companies/read.rs", 2),
    ("duplicates/kept.rs", 1),
    ("contacts/adding.rs", 1),
    ("contacts/page.rs", 3),
    ("contacts/read.rs", 1),
    ("contacts/write.rs", 3),
    ("fields.rs", 4),
    ("foreign.rs", 4),
    ("open.rs", 1),
    ("membership.rs", 0),
    ("store.rs", 0),
];

#[test]
fn statements_outside_the_macro_are_only_those_put_together_from_columns() {
    for (_, rest, file) in statements() {
        let mut n = 0;
        for line in rest.lines().filter(|l| !l.trim_start().starts_with("//")) {
            for word in [
                "\"SELECT ",
                "\"INSERT ",
                "\"UPDATE ",
                "\"DELETE ",
                "\"WITH ",
                "\"ALTER ",
            ] {
                n += line.matches(word).count();
            }
        }
        let allowed = PUT_TOGETHER
            .iter()
            .find(|(f, _)| *f == file)
            .map_or(0, |(_, n)| *n);
        assert_eq!(n, allowed, "{file}");
    }
}

#[tokio::test]
async fn statements_put_together_from_columns_prepare_and_those_of_one_contact_do_not_scan() {
    let place = Place::new();
    let store = with_all_fields(&place).await;
    store
        .read(|db| {
            let fields: Vec<String> = db.catalogue().fields().into_iter().map(|f| f.key).collect();
            let orders: Vec<Order> = fields
                .into_iter()
                .map(Order::Field)
                .chain([Order::Added])
                .collect();
            let all = all_dynamic(db, &orders)?;
            assert!(all.len() > 40, "{}", all.len());
            for (sql, may_scan) in all {
                let found = scans(db.conn, &sql);
                assert!(may_scan || found.is_empty(), "{found:?}\n{sql}");
            }
            Ok(())
        })
        .await
        .unwrap();
}
