//! consent, suppressions, segments.

use super::answer;
use crate::args::{Consent, Segments, Suppressions, Which};
use crate::backend::Backend;
use crate::output;
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
                        ("at", "AT"),
                        ("action", "ACTION"),
                        ("channel", "CHANNEL"),
                        ("purpose", "PURPOSE"),
                        ("basis", "BASIS"),
                        ("source", "SOURCE"),
                        ("wording", "WORDING"),
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
            answer(json, &done, |_| output::line("Recorded."));
        }
    }
    Ok(())
}

pub async fn suppressions(backend: &Backend, json: bool, verb: Suppressions) -> Result<()> {
    match verb {
        Suppressions::List => {
            let counts = backend.query("suppressions.counts", json!({})).await?;
            answer(json, &counts, |rows| {
                output::table(rows, &[("reason", "REASON"), ("count", "ADDRESSES")])
            });
        }
        Suppressions::Add { email } => {
            let done = backend
                .mutate(
                    "suppressions.add",
                    json!({ "email": email, "reason": "manual", "source": "user" }),
                )
                .await?;
            answer(json, &done, |_| {
                output::line(format!("{email} is never written to again."))
            });
        }
        Suppressions::Remove { email, because } => {
            let done = backend
                .mutate("suppressions.lift", json!({ "email": email, "why": because }))
                .await?;
            answer(json, &done, |_| {
                output::line(format!(
                    "{email} may be written to again, where there is permission."
                ))
            });
        }
        Suppressions::Check { email } => {
            let found = backend
                .query("suppressions.check", json!({ "email": email }))
                .await?;
            answer(json, &found, |f| {
                output::line(if f["suppressed"] == json!(true) {
                    "Suppressed."
                } else {
                    "Not suppressed."
                })
            });
        }
    }
    Ok(())
}

/// The text a `--name` or `--where` stands for.
async fn text(backend: &Backend, which: Which) -> Result<String> {
    match (which.name, which.expression) {
        (Some(name), _) => {
            let row = backend.find("segments.list", "name", &name, "segment").await?;
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
                output::table(rows, &[("name", "NAME"), ("count", "CONTACTS"), ("text", "WHO")])
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
                output::line(format!(
                    "Saved “{}”: {}",
                    output::cell(&s["name"]),
                    output::cell(&s["text"])
                ))
            });
        }
        Segments::Delete { name } => {
            let row = backend.find("segments.list", "name", &name, "segment").await?;
            let done = backend
                .mutate("segments.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| output::line(format!("Removed “{name}”.")));
        }
        Segments::Count { which, clauses } => {
            let text = text(backend, which).await?;
            let count = backend
                .query("segments.count", json!({ "text": text, "clauses": clauses }))
                .await?;
            answer(json, &count, |c| {
                output::line(format!("{} of {}", c["count"], c["total"]));
                for clause in c["clauses"].as_array().into_iter().flatten() {
                    output::line(format!(
                        "  {:>9}  {}",
                        clause["count"],
                        output::cell(&clause["text"])
                    ));
                }
            });
        }
        Segments::Members { which, limit } => {
            let text = text(backend, which).await?;
            let page = backend
                .query(
                    "segments.members",
                    json!({ "text": text, "sample": false, "offset": 0, "limit": limit }),
                )
                .await?;
            answer(json, &page, |page| {
                output::table(
                    &page["rows"],
                    &[("email", "E-MAIL"), ("tags", "TAGS"), ("permitted", "PERMITTED")],
                );
                output::line(format!("{} contacts", page["total"]));
            });
        }
        Segments::Why { which, email } => {
            let text = text(backend, which).await?;
            let id = backend.contact(&email).await?;
            let why = backend
                .query("segments.why", json!({ "text": text, "contact": id }))
                .await?;
            answer(json, &why, |w| {
                output::line(format!(
                    "{email} is {}.",
                    if w["holds"] == json!(true) { "in" } else { "out" }
                ));
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
