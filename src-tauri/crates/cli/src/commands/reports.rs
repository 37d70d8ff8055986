//! report.

use crate::args::{Format, Report};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, step_kind, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

/// Ten years: all there is.
const DAYS: u32 = 3650;

pub async fn report(backend: &Backend, json: bool, report: Report) -> Result<()> {
    let shown = match report.name.as_str() {
        "funnel" => funnel(backend, report.journey).await?,
        name => {
            let args = json!({ "days": DAYS, "step": "day" });
            backend.query(&format!("reports.{name}"), args).await?
        }
    };
    let rows = match report.name.as_str() {
        "funnel" => Value::Array(funnel_rows(&shown)),
        _ => shown["rows"].clone(),
    };
    match (json, report.format) {
        (true, _) | (_, Some(Format::Json)) => output::json(&shown),
        (_, Some(Format::Csv)) => csv(&report.name, &rows),
        (_, None) => table(&report.name, &rows, &shown),
    }
    Ok(())
}

/// The journey a funnel is asked of; the only one there is where none is named.
pub async fn journey_of_funnel(backend: &Backend, journey: Option<String>) -> Result<Value> {
    if let Some(name) = journey {
        return backend.find("journeys.list", &name, "journey").await;
    }
    let all = backend.query("journeys.list", json!({})).await?;
    match all.as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => Err(fail(Code::NotFound, "cli.no_journey", &[])),
        [only] => Ok(only.clone()),
        several => {
            let names: Vec<&str> = several.iter().filter_map(|row| row["name"].as_str()).collect();
            let names = names.join(", ");
            Err(fail(Code::Invalid, "cli.which_journey", &[("names", &names)]))
        }
    }
}

async fn funnel(backend: &Backend, journey: Option<String>) -> Result<Value> {
    let journey = journey_of_funnel(backend, journey).await?;
    let args = json!({ "journey": journey["id"], "version": null });
    backend.query("reports.funnel", args).await
}

/// The steps of a funnel, and after them each way out as a row of its own, whose kind says that it is an end.
fn funnel_rows(report: &Value) -> Vec<Value> {
    let steps = report["steps"].as_array().into_iter().flatten().cloned();
    let ends = report["ended"].as_array().into_iter().flatten();
    let ends = ends.map(|end| {
        json!({
            "step": if end["end"] == "goal" { &end["reason"] } else { &Value::Null },
            "title": end["title"],
            "kind": format!("end: {}", output::cell(&end["end"])),
            "reached": end["count"],
        })
    });
    steps.chain(ends).collect()
}

/// What a report's rows hold: each key, and the name of its head.
fn columns(report: &str) -> &'static [(&'static str, &'static str)] {
    match report {
        "funnel" => &[
            ("step", "step"),
            ("title", "title"),
            ("kind", "kind"),
            ("reached", "reached"),
            ("now", "here_now"),
            ("accepted", "accepted"),
            ("bounced", "bounced"),
            ("suppressed", "suppressed"),
            ("unknown", "unknown"),
        ],
        "messages" => &[
            ("at", "day"),
            ("queued", "queued"),
            ("accepted", "accepted"),
            ("bounced", "bounced"),
            ("suppressed", "suppressed"),
            ("unknown", "unknown"),
        ],
        _ => &[
            ("at", "day"),
            ("total", "contacts"),
            ("added", "added"),
            ("removed", "removed"),
        ],
    }
}

/// For people: days on which nothing happened are left out.
fn table(report: &str, rows: &Value, shown: &Value) {
    if report == "funnel" {
        say!("report.entered", n = shown["entered"]);
        let rows = rows.as_array().into_iter().flatten().cloned().map(|mut row| {
            // A step without a name of its own is called what it is.
            if row["title"] == row["kind"] {
                row["title"] = Value::Null;
            }
            row["kind"] = Value::String(kind_words(&row["kind"]));
            row
        });
        output::table(&Value::Array(rows.collect()), &columns(report)[1..]);
        return;
    }
    let happened = |row: &&Value| {
        let counts = columns(report).iter().filter(|(key, _)| *key != "total");
        counts
            .into_iter()
            .any(|(key, _)| row[*key].as_i64().is_some_and(|n| n != 0))
    };
    let rows: Vec<Value> = rows
        .as_array()
        .into_iter()
        .flatten()
        .filter(happened)
        .cloned()
        .collect();
    if rows.is_empty() {
        say!("report.nothing");
    } else {
        output::table(&Value::Array(rows), columns(report));
    }
}

/// A kind of step, or an end after all of them, for people.
fn kind_words(kind: &Value) -> String {
    let kind = output::cell(kind);
    match kind.strip_prefix("end: ") {
        Some(end) => word("ends", &Value::from(end)),
        None => step_kind(&kind),
    }
}

/// Rows as CSV, under the keys of the JSON.
fn csv(report: &str, rows: &Value) {
    let quote = |text: String| {
        let text = carillon_app::imports::source::defused(&text);
        if text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    let line = |cells: Vec<String>| output::raw(&cells.into_iter().map(quote).collect::<Vec<_>>().join(","));
    let keys = || columns(report).iter().map(|(key, _)| *key);
    line(keys().map(str::to_owned).collect());
    for row in rows.as_array().into_iter().flatten() {
        line(keys().map(|key| output::cell(&row[key])).collect());
    }
}
