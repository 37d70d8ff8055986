//! contacts, events, fields.

use super::audience::answer_about;
use super::{answer, exports, imports};
use crate::args::{Contacts, Events, ExportFile, Fields, ImportEvents, Part};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, text, words};
use carillon_app::error::Result;
use serde_json::{Value, json};

pub async fn contacts(backend: &Backend, json: bool, verb: Contacts) -> Result<()> {
    match verb {
        Contacts::Import(how) => imports::import(backend, json, *how).await,
        Contacts::UndoImport { id } => {
            let done = backend.job("imports.undo", json!({ "id": id })).await?;
            answer(json, &done, |d| {
                say!(
                    "contacts.undone",
                    id = u64::from(id),
                    removed = d["removed"],
                    restored = d["restored"],
                    kept = d["kept"],
                );
            });
            Ok(())
        }
        Contacts::Imports => imports_so_far(backend, json).await,
        Contacts::List { expression, part } => list(backend, json, expression, part).await,
        Contacts::Show { email } => {
            let id = backend.contact(&email).await?;
            let shown = backend.query("contacts.get", json!({ "id": id })).await?;
            let timeline = backend
                .query(
                    "contacts.timeline",
                    json!({ "id": id, "before": null, "limit": 20 }),
                )
                .await?;
            let both = json!({ "contact": shown, "timeline": timeline });
            answer(json, &both, show);
            Ok(())
        }
        Contacts::History { email, field, part } => {
            let id = backend.contact(&email).await?;
            let args = json!({ "id": id, "field": field });
            let page = backend.rows("contacts.history", args, part).await?;
            answer(json, &page, history);
            Ok(())
        }
        Contacts::Export { to, expression } => {
            let who = json!({ "where": expression, "search": null, "except": [] });
            let list = json!({ "of": "contacts", "who": who, "columns": [] });
            exports::write(
                backend,
                json,
                list,
                ExportFile {
                    out: to,
                    format: None,
                },
            )
            .await
        }
        Contacts::Delete { email } => {
            let id = backend.contact(&email).await?;
            let done = backend
                .mutate("contacts.delete", json!({ "who": { "ids": [id] } }))
                .await?;
            answer(json, &done, |_| say!("contacts.removed", email = email));
            Ok(())
        }
    }
}

fn history(page: &Value) {
    let by = |who: &Value| match who.is_null() {
        true => json!(null),
        false => match who["name"].is_null() {
            true => who["source"].clone(),
            false => json!(format!(
                "{} ({})",
                output::cell(&who["source"]),
                output::cell(&who["name"])
            )),
        },
    };
    let rows = page["rows"].as_array().into_iter().flatten().map(|entry| {
        let of = match entry["of"].is_null() {
            true => &entry["merged"]["email"],
            false => &entry["of"]["email"],
        };
        json!({
            "field": entry["label"], "value": entry["value"], "source": by(&entry["from"]), "at": entry["from"]["at"],
            "until": entry["until"]["at"], "replaced_by": by(&entry["until"]), "of": of,
        })
    });
    output::table(
        &Value::Array(rows.collect()),
        &[
            ("field", "field"),
            ("value", "value"),
            ("source", "source"),
            ("at", "at"),
            ("until", "until"),
            ("replaced_by", "replaced_by"),
            ("of", "of"),
        ],
    );
    say!("contacts.values", n = page["total"]);
}

async fn imports_so_far(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("imports.list", json!({})).await?;
    answer(json, &rows, |rows| {
        output::table(
            rows,
            &[
                ("id", "id"),
                ("what", "what"),
                ("state", "state"),
                ("counts.new", "new"),
                ("counts.changed", "changed"),
                ("counts.invalid", "invalid"),
                ("name", "file"),
                ("source", "source"),
            ],
        );
    });
    Ok(())
}

async fn list(backend: &Backend, json: bool, expression: Option<String>, part: Part) -> Result<()> {
    let args = json!({ "where": expression, "search": null, "sort": null, "columns": ["first_name", "last_name", "city"] });
    let page = backend.rows("contacts.page", args, part).await?;
    let whom = expression.as_deref().unwrap_or("everyone");
    answer_about(backend, json, whom, &page, |page| {
        output::table(
            &page["rows"],
            &[
                ("email", "email"),
                ("values.first_name", "first_name"),
                ("values.last_name", "last_name"),
                ("values.city", "city"),
                ("permitted", "permitted"),
                ("tags", "tags"),
            ],
        );
        say!("contacts.total", n = page["total"]);
    })
    .await
}

fn show(both: &Value) {
    let shown = &both["contact"];
    for field in shown["contact"]["fields"].as_array().into_iter().flatten() {
        let from = text!(
            "contacts.provenance",
            source = field["provenance"]["source"],
            at = field["provenance"]["at"],
        );
        output::line(format!(
            "{:<18} {}   {from}",
            output::cell(&field["key"]),
            output::cell(&field["value"])
        ));
    }
    say!("contacts.tags", tags = shown["contact"]["tags"]);
    let zone = &shown["time_zone"];
    match zone["from"].as_str() {
        Some("contact") => say!("contacts.own_zone", zone = zone["name"]),
        _ => say!("contacts.zone_of_workspace", zone = zone["name"]),
    }
    if !shown["suppressed"].is_null() {
        say!(
            "contacts.suppressed",
            reason = shown["suppressed"]["reason"],
            at = shown["suppressed"]["since"],
        );
    }
    section(&text!("contacts.segments"), &shown["segments"], |segment| {
        output::cell(&segment["name"])
    });
    section(&text!("contacts.permissions"), &shown["permissions"], |p| {
        let key = match p["allowed"] == json!(true) {
            true => "words.permission.allowed",
            false => "words.permission.not_allowed",
        };
        words(
            key,
            &[
                ("channel", &p["channel"]),
                ("purpose", &p["purpose"]),
                ("basis", &p["basis"]),
            ],
        )
    });
    section(&text!("contacts.lately"), &both["timeline"], |entry| {
        format!("{}  {}", output::cell(&entry["at"]), happened(entry))
    });
}

/// A heading, and a line for each row below it.
fn section(heading: &str, rows: &Value, row: impl Fn(&Value) -> String) {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    output::line("");
    output::line(heading);
    if rows.is_empty() {
        say!("contacts.none");
    }
    for one in rows {
        output::line(format!("  {}", row(one).trim_end()));
    }
}

/// An entry of a timeline in words.
fn happened(entry: &Value) -> String {
    match entry["entry"].as_str() {
        Some("created") => text!("contacts.created", source = entry["source"]),
        Some("event") => output::cell(&entry["event"]["name"]),
        Some("message") => text!(
            "contacts.message",
            subject = entry["subject"],
            state = entry["state"],
        ),
        Some("consent") => {
            let consent = &entry["consent"];
            let key = format!("words.consent.{}", output::cell(&consent["action"]));
            words(
                &key,
                &[
                    ("channel", &consent["channel"]),
                    ("purpose", &consent["purpose"]),
                    ("source", &consent["source"]),
                ],
            )
        }
        Some("suppressed") => text!("contacts.put_on_list", reason = entry["reason"]),
        Some("journey") => {
            let key = format!("words.passage.{}", output::cell(&entry["what"]));
            words(&key, &[("journey", &entry["journey"])])
        }
        Some(other) => other.to_owned(),
        None => String::new(),
    }
}

pub async fn events(backend: &Backend, json: bool, verb: Events) -> Result<()> {
    match verb {
        Events::Import(ImportEvents {
            file,
            source,
            email,
            event,
            at,
            id,
        }) => {
            let plan = json!({
                "file": { "path": absolute(&file) }, "email": email, "name": { "column": event }, "at": at, "key": id, "source": source,
            });
            let done = backend.job("events.import_run", plan).await?;
            answer(json, &done, |d| {
                output::facts(
                    &d["counts"],
                    &[
                        ("rows", "rows"),
                        ("new", "new"),
                        ("duplicate", "known_already"),
                        ("invalid", "invalid"),
                    ],
                );
                imports::rejects(d);
            });
            Ok(())
        }
        Events::List { email } => {
            let id = backend.contact(&email).await?;
            let rows = backend.query("events.of", json!({ "contact": id })).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("at", "at"),
                        ("name", "event"),
                        ("props", "properties"),
                        ("source", "source"),
                    ],
                )
            });
            Ok(())
        }
    }
}

pub async fn fields(backend: &Backend, json: bool, verb: Fields) -> Result<()> {
    match verb {
        Fields::List => {
            let rows = backend.query("fields.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("key", "key"),
                        ("type", "type"),
                        ("label", "label"),
                        ("options", "options"),
                    ],
                )
            });
        }
        Fields::Add {
            key,
            field_type,
            label,
            option,
        } => {
            let args = json!({ "key": key, "label": label.unwrap_or_else(|| key.clone()), "type": field_type, "options": option });
            let field = backend.mutate("fields.add", args).await?;
            answer(json, &field, |f| say!("fields.added", key = f["key"]));
        }
        Fields::Retire { key } => {
            let done = backend.mutate("fields.retire", json!({ "key": key })).await?;
            answer(json, &done, |_| say!("fields.retired", key = key));
        }
    }
    Ok(())
}
