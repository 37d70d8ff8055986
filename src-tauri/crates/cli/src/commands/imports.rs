//! Imports of contacts.

use super::answer;
use crate::args::ImportContacts;
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, text};
use carillon_app::error::{Code, Result, fail};
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::path::Path;

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
    if let Some(reads) = field
        .strip_prefix("status")
        .filter(|rest| rest.is_empty() || rest.starts_with(':'))
    {
        let reads = reads.strip_prefix(':').unwrap_or("words");
        if !crate::args::STATUS_READINGS.contains(&reads) {
            return Err(fail(Code::Invalid, "imports.bad_status", &[("text", &reads)]));
        }
        let plan = json!({ "to": "status", "reads": reads });
        return Ok((column.to_owned(), plan, String::new()));
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

pub async fn import(backend: &Backend, json: bool, how: ImportContacts) -> Result<()> {
    let file = json!({ "path": absolute(&how.file) });
    if let Some(id) = how.resume {
        let args = json!({ "id": id, "file": file });
        let done = backend.job("contacts.import_resume", args).await?;
        answer(json, &done, |d| {
            say!("imports.done", id = d["import"]);
            counted(d);
        });
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
    let open = json!({ "file": file, "delimiter": delimiter, "encoding": how.encoding, "sheet": how.sheet, "header": true });
    let preview = backend.mutate("contacts.import_open", open).await?;
    let columns = columns(&preview, maps, &how.fill_empty)?;
    let plan = json!({
        "file": file,
        "delimiter": preview["delimiter"],
        "encoding": preview["encoding"],
        "sheet": preview["sheet"],
        "header": true,
        "columns": columns,
        "mode": how.mode.word(),
        "basis": how.basis.filter(|basis| basis != "none"),
        "source": how.source,
        "wording": how.wording,
        "tags": how.tag,
        "everybody": how.everybody.as_deref().map_or_else(|| preview["everybody"].clone(), Value::from),
    });
    if how.dry_run {
        let fields = backend.query("fields.list", json!({})).await?;
        let mut tried = backend.job("contacts.import_dry_run", plan).await?;
        tried["columns"] = becomes(&preview, &columns, &fields);
        answer(json, &tried, |tried| {
            warn(&preview, delimiter);
            say!("imports.dry");
            let rows = tried["columns"].as_array().into_iter().flatten().cloned();
            let rows = rows.map(|mut row| {
                if row["to"].is_null() {
                    row["to"] = Value::String(text!("imports.column_left_out"));
                }
                row
            });
            output::table(
                &Value::Array(rows.collect()),
                &[
                    ("column", "column"),
                    ("to", "becomes"),
                    ("type", "type"),
                    ("new", "new_field"),
                ],
            );
            output::line("");
            counted(tried);
        });
        return Ok(());
    }
    let before = known_imports(backend).await?;
    let done = backend.job("contacts.import_run", plan).await;
    let done = or_how_to_go_on(backend, &how.file, &before, done).await?;
    answer(json, &done, |d| {
        warn(&preview, delimiter);
        say!("imports.done", id = d["import"]);
        counted(d);
    });
    Ok(())
}

/// What each column becomes: the key of its field, its type, and whether the field is made for it.
fn becomes(preview: &Value, columns: &[Value], fields: &Value) -> Value {
    let known = |key: &Value| {
        let mut all = fields.as_array().into_iter().flatten();
        all.find(|field| field["key"] == *key)
    };
    let seen = preview["columns"].as_array().into_iter().flatten();
    let rows = seen.zip(columns).map(|(column, plan)| {
        let (to, kind, new) = match plan["to"].as_str() {
            Some("field") => match known(&plan["key"]) {
                Some(field) => (plan["key"].clone(), field["type"].clone(), false),
                None => (plan["key"].clone(), column["type"].clone(), true),
            },
            Some("new_field") => {
                let name = ["key", "label"].map(|part| &plan[part]);
                let name = name.into_iter().find(|name| !name.is_null());
                (name.cloned().unwrap_or_default(), plan["type"].clone(), true)
            }
            Some(word @ ("tags" | "status")) => (Value::from(word), Value::Null, false),
            _ => (Value::Null, Value::Null, false),
        };
        json!({ "column": column["name"], "to": to, "type": kind, "new": new })
    });
    Value::Array(rows.collect())
}

async fn known_imports(backend: &Backend) -> Result<Vec<Value>> {
    let rows = backend.patiently(Kind::Query, "imports.list", json!({})).await?;
    Ok(rows.as_array().cloned().unwrap_or_default())
}

/// The end of an import; of one that broke off half way, also how to go on with it. `before`: the imports there were
/// before it.
async fn or_how_to_go_on(
    backend: &Backend,
    file: &Path,
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
        let how = text!("imports.go_on", id = left["id"], file = file);
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
fn warn(preview: &Value, delimiter: Option<&str>) {
    // Who names the delimiter needs no doubts about it.
    if delimiter.is_some() {
        return;
    }
    if let Some(program) = preview["program"].as_str() {
        say!("imports.program", name = program);
    }
    for warning in preview["warnings"].as_array().into_iter().flatten() {
        output::line(output::cell(warning));
    }
}

fn counted(report: &Value) {
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
            ("not_permitted", "said_not_permitted"),
            ("unsubscribed", "said_unsubscribed"),
            ("bounced", "said_bounced"),
            ("blocked", "said_blocked"),
            ("complained", "said_complained"),
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

/// Where the rows are that need attention, if there are any.
pub fn rejects(report: &Value) {
    if !report["rejects"].is_null() {
        say!("imports.rejects", file = report["rejects"]);
    }
}
