//! consent, suppressions, segments.

use super::answer;
use crate::args::{Consent, Segments, Suppressions, Which};
use crate::backend::Backend;
use crate::output;
use crate::words::say;
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
        Segments::Save { name, expression } => {
            let known = backend.query("segments.list", json!({})).await?;
            let id = known
                .as_array()
                .and_then(|rows| rows.iter().find(|r| r["name"] == json!(name)))
                .map(|r| r["id"].clone());
            let saved = backend
                .mutate(
                    "segments.save",
                    json!({ "id": id, "name": name, "text": expression }),
                )
                .await?;
            answer(json, &saved, |s| {
                say!("segments.saved", name = s["name"], text = s["text"])
            });
        }
        Segments::Delete { name } => {
            let row = backend.find("segments.list", &name, "segment").await?;
            let done = backend
                .mutate("segments.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("segments.removed", name = name));
        }
        Segments::Count { which, clauses } => {
            let text = meant(backend, which).await?;
            let count = backend
                .query("segments.count", json!({ "text": text, "clauses": clauses }))
                .await?;
            answer(json, &count, |c| {
                say!("segments.count", n = c["count"], total = c["total"]);
                for clause in c["clauses"].as_array().into_iter().flatten() {
                    output::line(format!(
                        "  {:>9}  {}",
                        clause["count"],
                        output::cell(&clause["text"])
                    ));
                }
            });
        }
        Segments::Members { which, limit, offset } => {
            let text = meant(backend, which).await?;
            let args = json!({ "text": text, "sample": false });
            let page = backend.rows("segments.members", args, offset, limit).await?;
            answer(json, &page, |page| {
                output::table(
                    &page["rows"],
                    &[("email", "email"), ("tags", "tags"), ("permitted", "permitted")],
                );
                say!("contacts.total", n = page["total"]);
            });
        }
        Segments::Why { which, email } => {
            let text = meant(backend, which).await?;
            let id = backend.contact(&email).await?;
            let why = backend
                .query("segments.why", json!({ "text": text, "contact": id }))
                .await?;
            answer(json, &why, |w| {
                match w["holds"] == json!(true) {
                    true => say!("segments.is_in", email = email),
                    false => say!("segments.is_out", email = email),
                }
                reasons(&w["why"], 1);
            });
        }
        // Needs no workspace; answered before.
        Segments::Grammar => {}
    }
    Ok(())
}

fn reasons(why: &Value, depth: usize) {
    let mark = if why["holds"] == json!(true) { "✓" } else { "✗" };
    let value = output::cell(&why["value"]);
    let value = if value.is_empty() {
        String::new()
    } else {
        format!("   [{value}]")
    };
    output::line(format!(
        "{}{mark} {}{value}",
        "  ".repeat(depth),
        output::cell(&why["text"])
    ));
    for part in why["of"].as_array().into_iter().flatten() {
        reasons(part, depth + 1);
    }
}
