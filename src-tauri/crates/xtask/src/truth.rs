//! What the outbox says against what the mail server has: the comparison behind the crash law. The rows come from a
//! small Python program that reads a copy of the workspace file, the records from the server's own log; nothing here
//! is Carillon's own code.

use crate::Result;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One message as the mail server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub to: String,
    /// Milliseconds since 1970 by the machine's clock.
    pub at: i64,
}

/// One row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub to: String,
    pub state: String,
}

/// What is known before the first message leaves.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// People who must get the message, once.
    pub people: BTreeSet<String>,
    /// People who must not get it any more, and since when.
    pub refused: BTreeMap<String, i64>,
    /// Kills so far and sessions: their product bounds how many may be unknown.
    pub kills: u64,
    pub sessions: u64,
}

/// What became of everything. The law holds when `broken` is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub expected: u64,
    /// Messages the server has.
    pub received: u64,
    /// People who got none, although no row of theirs is held for somebody to decide.
    pub lost: u64,
    /// Copies beyond the first.
    pub doubled: u64,
    /// Rows held because nobody knows.
    pub unknown: u64,
    /// Messages to people who had said no before.
    pub refused: u64,
    /// Messages to people nobody meant.
    pub strangers: u64,
    pub broken: Vec<String>,
}

/// Compares. A row counts as held when its state is `unknown`.
pub fn judge(expectation: &Expectation, rows: &[Row], records: &[Record]) -> Verdict {
    let held: BTreeSet<&str> = rows
        .iter()
        .filter(|r| r.state == "unknown")
        .map(|r| r.to.as_str())
        .collect();
    let mut copies: BTreeMap<&str, u64> = BTreeMap::new();
    let mut verdict = Verdict {
        expected: expectation.people.len() as u64,
        received: records.len() as u64,
        unknown: rows.iter().filter(|r| r.state == "unknown").count() as u64,
        ..Verdict::default()
    };
    for record in records {
        *copies.entry(record.to.as_str()).or_default() += 1;
        match expectation.refused.get(&record.to) {
            Some(since) if record.at >= *since => verdict.refused += 1,
            Some(_) => {}
            None if expectation.people.contains(&record.to) => {}
            None => verdict.strangers += 1,
        }
    }
    verdict.doubled = copies.values().map(|n| n - 1).sum();
    verdict.lost = expectation
        .people
        .iter()
        .filter(|p| !copies.contains_key(p.as_str()) && !held.contains(p.as_str()))
        .count() as u64;
    verdict.broken = broken(&verdict, expectation);
    verdict
}

fn broken(verdict: &Verdict, expectation: &Expectation) -> Vec<String> {
    let bound = expectation.kills * expectation.sessions;
    let rules = [
        (
            verdict.lost > 0,
            format!("{} people got nothing and nothing is held for them", verdict.lost),
        ),
        (
            verdict.doubled > 0,
            format!("{} messages came twice or more", verdict.doubled),
        ),
        (
            verdict.unknown > bound,
            format!(
                "{} are unknown, more than {bound} (kills × sessions)",
                verdict.unknown
            ),
        ),
        (
            verdict.refused > 0,
            format!("{} messages went to people who had said no", verdict.refused),
        ),
        (
            verdict.strangers > 0,
            format!("{} messages went to people nobody meant", verdict.strangers),
        ),
    ];
    rules
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| what)
        .collect()
}

/// The records of a truth log: one JSON object a line. A torn last line is a message the server never acknowledged
/// having; it is passed over. `instant` reads a moment of the log into milliseconds since 1970.
pub fn read_log(text: &str) -> Result<Vec<Record>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut records = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            if i + 1 == lines.len() {
                break;
            }
            return Err(format!("Line {} of the truth log is not JSON.", i + 1));
        };
        let at = value["received_at"].as_str().and_then(instant);
        let to = value["rcpt_to"].as_array().map(Vec::as_slice).unwrap_or_default();
        let (Some(at), false) = (at, to.is_empty()) else {
            return Err(format!(
                "Line {} of the truth log names no time or no recipient.",
                i + 1
            ));
        };
        for address in to.iter().filter_map(Value::as_str) {
            records.push(Record {
                to: address.to_lowercase(),
                at,
            });
        }
    }
    Ok(records)
}

/// Milliseconds since 1970 of an RFC 3339 moment in UTC (`2026-11-22T21:07:00.123Z`).
fn instant(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let hour: i64 = time.next()?.parse().ok()?;
    let minute: i64 = time.next()?.parse().ok()?;
    let second: f64 = time.next()?.parse().ok()?;
    // Days from civil (Hinnant 2013): March is the first month of the counted year.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some((days * 86_400 + hour * 3_600 + minute * 60) * 1_000 + (second * 1_000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(people: &[&str]) -> Expectation {
        Expectation {
            people: people.iter().map(|p| p.to_string()).collect(),
            kills: 1,
            sessions: 2,
            ..Expectation::default()
        }
    }

    fn row(to: &str, state: &str) -> Row {
        Row {
            to: to.to_string(),
            state: state.to_string(),
        }
    }

    fn record(to: &str, at: i64) -> Record {
        Record {
            to: to.to_string(),
            at,
        }
    }

    #[test]
    fn everybody_once_is_the_law_kept() {
        let rows = [row("a", "accepted"), row("b", "accepted")];
        let verdict = judge(
            &expectation(&["a", "b"]),
            &rows,
            &[record("a", 1), record("b", 2)],
        );
        assert_eq!((verdict.received, verdict.broken), (2, vec![]));
    }

    #[test]
    fn a_person_without_mail_is_lost_even_when_the_row_says_accepted() {
        let verdict = judge(
            &expectation(&["a", "b"]),
            &[row("a", "accepted")],
            &[record("b", 1)],
        );
        assert_eq!(verdict.lost, 1);
        assert_eq!(verdict.broken.len(), 1);
    }

    #[test]
    fn a_person_without_a_row_is_lost() {
        assert_eq!(judge(&expectation(&["a"]), &[], &[]).lost, 1);
    }

    #[test]
    fn an_unknown_row_is_held_and_not_lost_up_to_the_bound() {
        let people = expectation(&["a", "b", "c"]);
        let some = judge(
            &people,
            &[row("a", "unknown"), row("b", "unknown")],
            &[record("b", 1), record("c", 1)],
        );
        assert_eq!((some.lost, some.unknown, some.broken.len()), (0, 2, 0));
        let all = ["a", "b", "c"].map(|p| row(p, "unknown"));
        let many = judge(&people, &all, &[]);
        assert_eq!((many.lost, many.unknown, many.broken.len()), (0, 3, 1));
    }

    #[test]
    fn each_copy_beyond_the_first_is_a_double() {
        let records = [record("a", 1), record("a", 2), record("a", 3)];
        let verdict = judge(&expectation(&["a"]), &[row("a", "accepted")], &records);
        assert_eq!((verdict.doubled, verdict.broken.len()), (2, 1));
    }

    #[test]
    fn mail_to_somebody_who_said_no_breaks_the_law_only_after_that_moment() {
        let mut people = expectation(&["a"]);
        people.refused.insert("no".to_string(), 100);
        let before = judge(&people, &[], &[record("a", 1), record("no", 99)]);
        assert_eq!((before.refused, before.broken.len()), (0, 0));
        let after = judge(&people, &[], &[record("a", 1), record("no", 100)]);
        assert_eq!((after.refused, after.broken.len()), (1, 1));
    }

    #[test]
    fn mail_to_somebody_nobody_meant_breaks_the_law() {
        assert_eq!(
            judge(&expectation(&["a"]), &[], &[record("a", 1), record("x", 1)]).strangers,
            1
        );
    }

    #[test]
    fn a_log_is_read_line_by_line_and_a_torn_end_is_passed_over() {
        let whole = r#"{"received_at":"2026-11-22T21:07:00.250Z","rcpt_to":["Ada@example.com"],"told":true}"#;
        let records = read_log(&format!("{whole}\n{{\"received_at\":\"20")).expect("a log");
        assert_eq!(records, [record("ada@example.com", 1_795_381_620_250)]);
        assert!(read_log(&format!("half\n{whole}\n")).is_err());
        assert!(read_log("{\"rcpt_to\":[]}\n").is_err());
    }

    #[test]
    fn moments_are_read_across_leap_days() {
        assert_eq!(instant("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(instant("2024-02-29T12:00:00Z"), Some(1_709_208_000_000));
        assert_eq!(instant("2024-03-01T00:00:00+00:00"), Some(1_709_251_200_000));
        assert_eq!(instant("yesterday"), None);
    }
}
