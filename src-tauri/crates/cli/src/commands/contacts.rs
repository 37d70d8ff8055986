//! contacts, events, fields.

use super::answer;
use crate::args::{Contacts, Events, Fields, ImportContacts, ModeArg};
use crate::backend::{Backend, absolute};
use crate::output;
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

pub async fn contacts(backend: &Backend, json: bool, verb: Contacts) -> Result<()> {
    match verb {
        Contacts::Import(how) => import(backend, json, how).await,
        Contacts::UndoImport { id } => {
            let done = backend.job("imports.undo", json!({ "id": id })).await?;
            answer(json, &done, |d| {
                output::line(format!(
                    "Took back import {id}: {} contacts removed, {} restored; {} kept because they were mailed or changed since.",
                    d["removed"], d["restored"], d["kept"]
                ));
            });
            Ok(())
        }
        Contacts::Imports => {
            let rows = backend.query("imports.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("id", "ID"),
                        ("what", "WHAT"),
                        ("state", "STATE"),
                        ("counts.new", "NEW"),
                        ("counts.changed", "CHANGED"),
                        ("counts.invalid", "INVALID"),
                        ("name", "FILE"),
                        ("source", "SOURCE"),
                    ],
                );
            });
            Ok(())
        }
        Contacts::List {
            expression,
            limit,
            offset,
        } => {
            let args = json!({ "where": expression, "search": null, "sort": null, "offset": offset, "limit": limit, "columns": ["first_name", "last_name", "city"] });
            let page = backend.query("contacts.page", args).await?;
            answer(json, &page, |page| {
                output::table(
                    &page["rows"],
                    &[
                        ("email", "E-MAIL"),
                        ("values.first_name", "FIRST NAME"),
                        ("values.last_name", "LAST NAME"),
                        ("values.city", "CITY"),
                        ("permitted", "PERMITTED"),
                        ("tags", "TAGS"),
                    ],
                );
                output::line(format!("{} contacts", page["total"]));
            });
            Ok(())
        }
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
        Contacts::Export { to, expression } => {
            let args = json!({
                "who": { "where": expression, "search": null, "except": [] },
                "columns": [],
                "to": { "path": absolute(&to) },
            });
            let saved = backend.mutate("contacts.export", args).await?;
            answer(json, &saved, |s| {
                output::line(format!("Wrote {}.", output::cell(&s["path"])))
            });
            Ok(())
        }
        Contacts::Delete { email } => {
            let id = backend.contact(&email).await?;
            let done = backend
                .mutate("contacts.delete", json!({ "who": { "ids": [id] } }))
                .await?;
            answer(json, &done, |_| output::line(format!("Removed {email}.")));
            Ok(())
        }
    }
}

fn show(both: &Value) {
    let shown = &both["contact"];
    for field in shown["contact"]["fields"].as_array().into_iter().flatten() {
        output::line(format!(
            "{:<18} {}   ({}, {})",
            output::cell(&field["key"]),
            output::cell(&field["value"]),
            output::cell(&field["provenance"]["source"]),
            output::cell(&field["provenance"]["at"])
        ));
    }
    output::line(format!(
        "{:<18} {}",
        "tags",
        output::cell(&shown["contact"]["tags"])
    ));
    output::line(format!(
        "{:<18} {} (from the {})",
        "time zone",
        output::cell(&shown["time_zone"]["name"]),
        output::cell(&shown["time_zone"]["from"])
    ));
    output::line("");
    output::line("Segments");
    for segment in shown["segments"].as_array().into_iter().flatten() {
        output::line(format!("  {}", output::cell(&segment["name"])));
    }
    output::line("Permissions");
    for permission in shown["permissions"].as_array().into_iter().flatten() {
        output::line(format!(
            "  {} {}: {} {}",
            output::cell(&permission["channel"]),
            output::cell(&permission["purpose"]),
            if permission["allowed"] == json!(true) {
                "allowed"
            } else {
                "not allowed"
            },
            output::cell(&permission["basis"])
        ));
    }
    output::line("Lately");
    for entry in both["timeline"].as_array().into_iter().flatten() {
        let what = match entry["entry"].as_str() {
            Some("event") => output::cell(&entry["event"]["name"]),
            Some("message") => format!(
                "message {} ({})",
                output::cell(&entry["subject"]),
                output::cell(&entry["state"])
            ),
            Some("journey") => format!(
                "{} {}",
                output::cell(&entry["what"]),
                output::cell(&entry["journey"])
            ),
            Some(other) => other.to_owned(),
            None => String::new(),
        };
        output::line(format!("  {}  {what}", output::cell(&entry["at"])));
    }
}

/// `COL=FIELD`, `COL=FIELD:type` or `COL=-`.
fn mapping(text: &str) -> Result<(String, Value, String)> {
    let bad = || fail(Code::Invalid, "imports.bad_map", &[("text", &text)]);
    let (column, field) = text.rsplit_once('=').ok_or_else(bad)?;
    if column.is_empty() || field.is_empty() {
        return Err(bad());
    }
    if field == "-" {
        return Ok((column.to_owned(), json!({ "to": "skip" }), String::new()));
    }
    if field == "tags" {
        return Ok((
            column.to_owned(),
            json!({ "to": "tags", "separator": "|" }),
            String::new(),
        ));
    }
    match field.split_once(':') {
        None => Ok((
            column.to_owned(),
            json!({ "to": "field", "key": field, "fill_only": false }),
            field.to_owned(),
        )),
        Some((key, kind)) => {
            let kinds = [
                "text",
                "number",
                "money",
                "yes_no",
                "choice",
                "multi_choice",
                "date",
                "date_time",
            ];
            if !kinds.contains(&kind) {
                return Err(fail(Code::Invalid, "imports.bad_type", &[("text", &kind)]));
            }
            let plan = json!({ "to": "new_field", "key": key, "label": key, "type": kind, "currency": null, "fill_only": false });
            Ok((column.to_owned(), plan, key.to_owned()))
        }
    }
}

async fn import(backend: &Backend, json: bool, how: ImportContacts) -> Result<()> {
    if let Some(id) = how.resume {
        let done = backend
            .job(
                "contacts.import_resume",
                json!({ "id": id, "file": { "path": absolute(&how.csv) } }),
            )
            .await?;
        answer(json, &done, |d| imported(d, false));
        return Ok(());
    }
    let file = json!({ "path": absolute(&how.csv) });
    let delimiter = match how.delimiter.as_deref() {
        Some("tab" | "\\t") => Some("\t".to_owned()),
        Some("comma") => Some(",".to_owned()),
        Some("semicolon") => Some(";".to_owned()),
        Some("bar") => Some("|".to_owned()),
        other => other.map(str::to_owned),
    };
    if let Some(text) = delimiter
        .as_deref()
        .filter(|d| ![",", ";", "\t", "|"].contains(d))
    {
        return Err(fail(Code::Invalid, "imports.bad_delimiter", &[("text", &text)]));
    }
    if let Some(text) = how
        .encoding
        .as_deref()
        .filter(|e| !["utf-8", "utf-16le", "utf-16be", "windows-1252"].contains(e))
    {
        return Err(fail(Code::Invalid, "imports.bad_encoding", &[("text", &text)]));
    }
    let open = json!({ "file": file, "delimiter": delimiter, "encoding": how.encoding, "header": true });
    let preview = backend.mutate("contacts.import_open", open).await?;
    let names: Vec<String> = preview["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| output::cell(&c["name"]))
        .collect();
    let mut columns: Vec<Value> = preview["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| c["plan"].clone())
        .collect();
    for map in &how.map {
        let (column, plan, key) = mapping(map)?;
        let at = names
            .iter()
            .position(|n| n.eq_ignore_ascii_case(&column))
            .ok_or_else(|| {
                fail(
                    Code::Invalid,
                    "imports.unknown_column",
                    &[("column", &column), ("columns", &names.join(", "))],
                )
            })?;
        // What the user maps by hand wins over what another column was guessed to be.
        for (i, other) in columns.iter_mut().enumerate() {
            if i != at && !key.is_empty() && other["key"] == json!(key) {
                *other = json!({ "to": "skip" });
            }
        }
        columns[at] = plan;
    }
    for column in &mut columns {
        if how.fill_empty.iter().any(|f| column["key"] == json!(f)) {
            column["fill_only"] = json!(true);
        }
    }
    let mode = match how.mode {
        ModeArg::Create => "create",
        ModeArg::Update => "update",
        ModeArg::Both => "both",
    };
    let plan = json!({
        "file": file,
        "delimiter": preview["delimiter"],
        "encoding": preview["encoding"],
        "header": true,
        "columns": columns,
        "mode": mode,
        "basis": if how.basis == "none" { Value::Null } else { json!(how.basis) },
        "source": how.source,
        "wording": how.wording,
        "tags": how.tag,
    });
    if how.dry_run {
        let report = backend.job("contacts.import_dry_run", plan).await?;
        answer(json, &report, |r| imported(r, true));
    } else {
        let done = backend.job("contacts.import_run", plan).await?;
        answer(json, &done, |d| imported(d, false));
    }
    Ok(())
}

fn imported(report: &Value, dry: bool) {
    let counts = &report["counts"];
    if dry {
        output::line("Nothing was changed. This is what would happen:");
    } else {
        output::line(format!("Import {} is done.", report["import"]));
    }
    output::facts(
        counts,
        &[
            ("rows", "Rows"),
            ("new", "New"),
            ("changed", "Changed"),
            ("unchanged", "Unchanged"),
            ("duplicate", "Duplicate"),
            ("invalid", "Invalid"),
            ("suppressed", "Suppressed (kept so)"),
            ("skipped", "Left out by the mode"),
            ("withdrawn", "Permission taken back earlier (kept so)"),
            ("with_gaps", "Taken with a value left out"),
        ],
    );
    for example in report["examples"].as_array().into_iter().flatten() {
        output::line(format!(
            "  line {}: {} — {}",
            example["line"],
            output::cell(&example["reason"]),
            output::cell(&example["text"])
        ));
    }
    if let Some(file) = report["rejects"].as_str() {
        output::line(format!("Rows that need attention are in {file}"));
    }
}

pub async fn events(backend: &Backend, json: bool, verb: Events) -> Result<()> {
    match verb {
        Events::Import {
            file,
            source,
            email,
            event,
            at,
            id,
        } => {
            let plan = json!({
                "file": { "path": absolute(&file) }, "email": email, "name": { "column": event }, "at": at, "key": id, "source": source,
            });
            let done = backend.job("events.import_run", plan).await?;
            answer(json, &done, |d| {
                output::facts(
                    &d["counts"],
                    &[
                        ("rows", "Rows"),
                        ("new", "New"),
                        ("duplicate", "Known already"),
                        ("invalid", "Invalid"),
                    ],
                );
                if let Some(file) = d["rejects"].as_str() {
                    output::line(format!("Rows that need attention are in {file}"));
                }
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
                        ("at", "AT"),
                        ("name", "EVENT"),
                        ("props", "PROPERTIES"),
                        ("source", "SOURCE"),
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
                        ("key", "KEY"),
                        ("type", "TYPE"),
                        ("label", "LABEL"),
                        ("options", "OPTIONS"),
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
            answer(json, &field, |f| {
                output::line(format!("Added {}.", output::cell(&f["key"])))
            });
        }
        Fields::Retire { key } => {
            let done = backend.mutate("fields.retire", json!({ "key": key })).await?;
            answer(json, &done, |_| {
                output::line(format!("Hid {key}. Its values are kept."))
            });
        }
    }
    Ok(())
}
