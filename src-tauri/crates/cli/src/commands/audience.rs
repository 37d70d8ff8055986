//! consent, suppressions, segments.

use super::answer;
use crate::args::{Consent, Segments, Suppressions, Which};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

pub async fn consent(backend: &Backend, json: bool, verb: Consent) -> Result<()> {
    match verb {
        Consent::Show { email } => {
            let id = backend.contact(&email).await?;
            let rows = backend.query("consents.of", json!({ "contact": id })).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("at", "at"),
                        ("action", "action"),
                        ("channel", "channel"),
                        ("purpose", "purpose"),
                        ("basis", "basis"),
                        ("source", "source"),
                        ("wording", "wording"),
                    ],
                );
            });
        }
        Consent::Add {
            email,
            channel,
            purpose,
            basis,
            withdraw,
            source,
            wording,
        } => {
            let id = backend.contact(&email).await?;
            let basis = match (basis, withdraw) {
                (Some(basis), _) => basis,
                (None, true) => "consent".to_owned(),
                (None, false) => return Err(fail(Code::Invalid, "consents.no_basis", &[])),
            };
            let args = json!({
                "contact": id, "channel": channel, "purpose": purpose, "basis": basis, "source": source, "wording": wording,
                "action": if withdraw { "withdrawn" } else { "granted" },
            });
            let done = backend.mutate("consents.add", args).await?;
            answer(json, &done, |_| say!("consent.recorded"));
        }
    }
    Ok(())
}

pub async fn suppressions(backend: &Backend, json: bool, verb: Suppressions) -> Result<()> {
    match verb {
        Suppressions::List => {
            let counts = backend.query("suppressions.counts", json!({})).await?;
            answer(json, &counts, |rows| {
                output::table(rows, &[("reason", "reason"), ("count", "addresses")])
            });
        }
        Suppressions::Add { email } => {
            let done = backend
                .mutate(
                    "suppressions.add",
                    json!({ "email": email, "reason": "manual", "source": "user" }),
                )
                .await?;
            answer(json, &done, |_| say!("suppressions.added", email = email));
        }
        Suppressions::Remove { email, because } => {
            let done = backend
                .mutate("suppressions.lift", json!({ "email": email, "why": because }))
                .await?;
            answer(json, &done, |_| say!("suppressions.lifted", email = email));
        }
        Suppressions::Check { email } => {
            let found = backend
                .query("suppressions.check", json!({ "email": email }))
                .await?;
            answer(json, &found, |f| match f["suppressed"] == json!(true) {
                true => say!("suppressions.is", email = email),
                false => say!("suppressions.is_not", email = email),
            });
        }
    }
    Ok(())
}

/// An answer about whom an expression means, and to people also its hints: names in it that nobody has used so far, which
/// may be written wrong.
pub async fn answer_about(
    backend: &Backend,
    json: bool,
    expression: &str,
    value: &Value,
    text: impl FnOnce(&Value),
) -> Result<()> {
    answer(json, value, text);
    if !json {
        let checked = backend
            .query("segments.check", json!({ "text": expression }))
            .await?;
        hints(&checked);
    }
    Ok(())
}

fn hints(checked: &Value) {
    for hint in checked["hints"].as_array().into_iter().flatten() {
        say!("segments.hint", hint = hint["message"]);
    }
}

/// The text a `--name` or `--where` stands for.
async fn meant(backend: &Backend, which: Which) -> Result<String> {
    match (which.name, which.expression) {
        (Some(name), _) => {
            let row = backend.find("segments.list", &name, "segment").await?;
            Ok(output::cell(&row["text"]))
        }
        (None, Some(text)) => Ok(text),
        (None, None) => Err(fail(Code::Invalid, "segments.which", &[])),
    }
}

pub async fn segments(backend: &Backend, json: bool, verb: Segments) -> Result<()> {
    match verb {
        Segments::List => {
            let rows = backend.query("segments.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(rows, &[("name", "name"), ("count", "contacts"), ("text", "who")])
            });
        }
        Segments::Save { name, expression } => save(backend, json, name, expression).await?,
        Segments::Check { expression } => check(backend, json, &expression).await?,
        Segments::Delete { name } => {
            let row = backend.find("segments.list", &name, "segment").await?;
            let done = backend
                .mutate("segments.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("segments.removed", name = name));
        }
        Segments::Count { which, clauses } => {
            let text = meant(backend, which).await?;
            let args = json!({ "text": text, "clauses": clauses });
            let count = backend.query("segments.count", args).await?;
            answer_about(backend, json, &text, &count, counted).await?;
        }
        Segments::Members { which, part } => {
            let text = meant(backend, which).await?;
            let args = json!({ "text": text, "sample": false });
            let page = backend.rows("segments.members", args, part).await?;
            answer_about(backend, json, &text, &page, |page| {
                output::table(
                    &page["rows"],
                    &[("email", "email"), ("tags", "tags"), ("permitted", "permitted")],
                );
                say!("contacts.total", n = page["total"]);
            })
            .await?;
        }
        Segments::Why { which, email } => {
            let text = meant(backend, which).await?;
            let id = backend.contact(&email).await?;
            let args = json!({ "text": text, "contact": id });
            let why = backend.query("segments.why", args).await?;
            answer_about(backend, json, &text, &why, |w| explained(w, &email)).await?;
        }
        Segments::Near { which } => {
            let text = meant(backend, which).await?;
            let near = backend.query("segments.near", json!({ "text": text })).await?;
            answer_about(backend, json, &text, &near, |clauses| {
                output::table(clauses, &[("count", "contacts"), ("text", "kept_out_by")]);
            })
            .await?;
        }
        Segments::Overlap { which } => {
            let own = which.name.clone();
            let text = meant(backend, which).await?;
            let id = match own {
                Some(name) => backend.find("segments.list", &name, "segment").await?["id"].clone(),
                None => Value::Null,
            };
            let args = json!({ "text": text, "id": id });
            let all = backend.query("segments.overlap", args).await?;
            answer_about(backend, json, &text, &all, |all| {
                output::table(
                    all,
                    &[("name", "name"), ("shared", "shared"), ("count", "contacts")],
                );
            })
            .await?;
        }
        Segments::Users { name } => {
            let row = backend.find("segments.list", &name, "segment").await?;
            let users = backend
                .query("segments.users", json!({ "id": row["id"] }))
                .await?;
            answer(json, &users, used);
        }
        // Needs no workspace; answered before.
        Segments::Grammar => {}
    }
    Ok(())
}

/// Who uses a segment, a line each.
fn used(users: &Value) {
    let named = |list: &str| -> Vec<Value> {
        let all = users[list].as_array().into_iter().flatten();
        all.map(|user| user["name"].clone()).collect()
    };
    let [segments, journeys, campaigns, asks] = ["segments", "journeys", "campaigns", "asks"].map(named);
    if segments.is_empty() && journeys.is_empty() && campaigns.is_empty() {
        say!("segments.unused");
    }
    segments
        .iter()
        .for_each(|name| say!("segments.used_by.segment", name = name));
    journeys
        .iter()
        .for_each(|name| say!("segments.used_by.journey", name = name));
    campaigns
        .iter()
        .for_each(|name| say!("segments.used_by.campaign", name = name));
    asks.iter().for_each(|name| say!("segments.asks", name = name));
}

async fn save(backend: &Backend, json: bool, name: String, expression: String) -> Result<()> {
    let known = backend.query("segments.list", json!({})).await?;
    let id = known
        .as_array()
        .and_then(|rows| rows.iter().find(|r| r["name"] == json!(name)))
        .map(|r| r["id"].clone());
    let args = json!({ "id": id, "name": name, "text": expression });
    let saved = backend.mutate("segments.save", args).await?;
    answer_about(backend, json, &expression, &saved, |s| {
        say!("segments.saved", name = s["name"], text = s["text"])
    })
    .await
}

async fn check(backend: &Backend, json: bool, expression: &str) -> Result<()> {
    let checked = backend
        .query("segments.check", json!({ "text": expression }))
        .await?;
    let wrong = &checked["error"];
    answer(json, &checked, |c| {
        if wrong.is_null() {
            say!("segments.reads", text = c["canonical"]);
        }
        hints(c);
    });
    if wrong.is_null() {
        return Ok(());
    }
    let at = wrong["offset"].as_u64().unwrap_or_default() + 1;
    let detail = output::cell(&wrong["message"]);
    Err(fail(
        Code::Invalid,
        "segments.bad_text",
        &[("detail", &detail), ("at", &at)],
    ))
}

fn counted(count: &Value) {
    say!("segments.count", n = count["count"], total = count["total"]);
    for clause in count["clauses"].as_array().into_iter().flatten() {
        output::line(format!(
            "  {:>9}  {}",
            clause["count"],
            output::cell(&clause["text"])
        ));
        if !clause["cut"].is_null() {
            output::line(format!("             {}", output::cell(&clause["cut"])));
        }
    }
}

fn explained(answer: &Value, email: &str) {
    match answer["holds"] == json!(true) {
        true => say!("segments.is_in", email = email),
        false => say!("segments.is_out", email = email),
    }
    let why = &answer["why"];
    if !why["until"].is_null() {
        say!("segments.until", at = why["until"]);
    }
    reasons(why, 1);
}

/// A part of an expression with its truth, what the contact has there, and when time alone may turn it over.
fn reasons(why: &Value, depth: usize) {
    let mark = if why["holds"] == json!(true) { "✓" } else { "✗" };
    let parts = why["of"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen = output::cell(&why["value"]);
    if !why["until"].is_null() && parts.is_empty() {
        let until = text!("segments.clause_until", at = why["until"]);
        seen = if seen.is_empty() {
            until
        } else {
            format!("{seen}; {until}")
        };
    }
    if !seen.is_empty() {
        seen = format!("   [{seen}]");
    }
    let indent = "  ".repeat(depth);
    output::line(format!("{indent}{mark} {}{seen}", output::cell(&why["text"])));
    for part in parts {
        reasons(part, depth + 1);
    }
}
