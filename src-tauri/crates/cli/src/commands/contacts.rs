//! contacts, events, fields.

use super::answer;
use super::audience::answer_about;
use crate::args::{Contacts, Events, Fields, ImportContacts, ImportEvents};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, text, words};
use carillon_app::error::{Code, Result, fail};
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::path::Path;

pub async fn contacts(backend: &Backend, json: bool, verb: Contacts) -> Result<()> {
    match verb {
        Contacts::Import(how) => import(backend, json, how).await,
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
        Contacts::Imports => {
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
        Contacts::List { expression, part } => {
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
            answer(json, &saved, |s| say!("wrote", file = s["path"]));
            Ok(())
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
            let key = match consent["action"] == json!("granted") {
                true => "words.consent.granted",
                false => "words.consent.withdrawn",
            };
            words(
                key,
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
        return Ok((column.to_owned(), json!({ "to": "tags" }), String::new()));
    }
    match field.split_once(':') {
        None => Ok((
            column.to_owned(),
            json!({ "to": "field", "key": field, "fill_only": false }),
            field.to_owned(),
        )),
        Some((key, kind)) => {
            if !crate::args::FIELD_TYPES.contains(&kind) {
                return Err(fail(Code::Invalid, "imports.bad_type", &[("text", &kind)]));
            }
            let plan = json!({ "to": "new_field", "key": key, "label": key, "type": kind, "currency": null, "fill_only": false });
            Ok((column.to_owned(), plan, key.to_owned()))
        }
    }
}

async fn import(backend: &Backend, json: bool, how: ImportContacts) -> Result<()> {
    let file = json!({ "path": absolute(&how.csv) });
    if let Some(id) = how.resume {
        let args = json!({ "id": id, "file": file });
        let done = backend.job("contacts.import_resume", args).await;
        let done = or_how_to_go_on(backend, &how.csv, &[], done).await?;
        answer(json, &done, |d| imported(d, false));
        return Ok(());
    }
    let maps = how.map.iter().map(|m| mapping(m)).collect::<Result<Vec<_>>>()?;
    let delimiter = how.delimiter.as_deref().map(|word| match word {
        "tab" | "\\t" => "\t",
        "comma" => ",",
        "semicolon" => ";",
        "bar" => "|",
        sign => sign,
    });
    let open = json!({ "file": file, "delimiter": delimiter, "encoding": how.encoding, "header": true });
    let preview = backend.mutate("contacts.import_open", open).await?;
    let plan = json!({
        "file": file,
        "delimiter": preview["delimiter"],
        "encoding": preview["encoding"],
        "header": true,
        "columns": columns(&preview, maps, &how.fill_empty)?,
        "mode": how.mode.word(),
        "basis": how.basis.filter(|basis| basis != "none"),
        "source": how.source,
        "wording": how.wording,
        "tags": how.tag,
    });
    let command = match how.dry_run {
        true => "contacts.import_dry_run",
        false => "contacts.import_run",
    };
    let before = known_imports(backend).await?;
    let done = backend.job(command, plan).await;
    let done = or_how_to_go_on(backend, &how.csv, &before, done).await?;
    answer(json, &done, |d| {
        if delimiter.is_none() {
            warn(&preview);
        }
        imported(d, how.dry_run);
    });
    Ok(())
}

async fn known_imports(backend: &Backend) -> Result<Vec<Value>> {
    let rows = backend.patiently(Kind::Query, "imports.list", json!({})).await?;
    Ok(rows.as_array().cloned().unwrap_or_default())
}

/// The end of an import; of one that broke off half way, also how to go on with it. `before`: the imports there were
/// before it.
async fn or_how_to_go_on(
    backend: &Backend,
    csv: &Path,
    before: &[Value],
    done: Result<Value>,
) -> Result<Value> {
    let Err(mut error) = done else { return done };
    let after = known_imports(backend).await.unwrap_or_default();
    let is_new = |row: &Value| !before.iter().any(|known| known["id"] == row["id"]);
    if let Some(left) = after
        .iter()
        .find(|row| row["resumable"] == json!(true) && is_new(row))
    {
        let how = text!("imports.go_on", id = left["id"], file = csv);
        error.message = format!("{} {how}", error.message);
    }
    Err(error)
}

/// What each column becomes: as it was guessed, but for what the user says.
fn columns(preview: &Value, maps: Vec<(String, Value, String)>, fill_empty: &[String]) -> Result<Vec<Value>> {
    let of = |key: &str| {
        let all = preview["columns"].as_array().into_iter().flatten();
        all.map(|column| column[key].clone()).collect::<Vec<_>>()
    };
    let names: Vec<String> = of("name").iter().map(output::cell).collect();
    let mut columns = of("plan");
    for (column, plan, key) in maps {
        let at = names.iter().position(|n| n.eq_ignore_ascii_case(&column));
        let at = at.ok_or_else(|| {
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
    for field in fill_empty {
        let mut found = false;
        for column in columns.iter_mut().filter(|column| column["key"] == json!(field)) {
            column["fill_only"] = json!(true);
            found = true;
        }
        if !found {
            return Err(fail(Code::Invalid, "cli.nothing_to_fill", &[("field", field)]));
        }
    }
    Ok(columns)
}

/// What looks wrong with the file.
fn warn(preview: &Value) {
    for warning in preview["warnings"].as_array().into_iter().flatten() {
        output::line(output::cell(warning));
    }
}

fn imported(report: &Value, dry: bool) {
    match dry {
        true => say!("imports.dry"),
        false => say!("imports.done", id = report["import"]),
    }
    output::facts(
        &report["counts"],
        &[
            ("rows", "rows"),
            ("new", "new"),
            ("changed", "changed"),
            ("unchanged", "unchanged"),
            ("duplicate", "duplicate"),
            ("invalid", "invalid"),
            ("suppressed", "suppressed_kept"),
            ("skipped", "left_out"),
            ("withdrawn", "withdrawn_kept"),
            ("with_gaps", "with_gaps"),
        ],
    );
    for example in report["examples"].as_array().into_iter().flatten() {
        say!(
            "imports.example",
            line = example["line"],
            reason = example["reason"],
            text = example["text"],
        );
    }
    rejects(report);
}

fn rejects(report: &Value) {
    if !report["rejects"].is_null() {
        say!("imports.rejects", file = report["rejects"]);
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
                rejects(d);
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
