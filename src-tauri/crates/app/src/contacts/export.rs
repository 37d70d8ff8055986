//! Contacts as a CSV file.

use super::ExportContacts;
use super::changes::whom;
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::{Saved, beside};
use crate::workspaces::Open;
use carillon_model::ContactId;
use carillon_model::contact::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A value as a spreadsheet shows it.
fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Choice(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Money(m) => {
            let digits = m.currency.digits() as usize;
            let unit = 10i64.pow(m.currency.digits());
            let sign = if m.minor < 0 { "-" } else { "" };
            let (whole, part) = (
                m.minor.unsigned_abs() / unit.unsigned_abs(),
                m.minor.unsigned_abs() % unit.unsigned_abs(),
            );
            match digits {
                0 => format!("{sign}{whole} {}", m.currency),
                _ => format!("{sign}{whole}.{part:0digits$} {}", m.currency),
            }
        }
        Value::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::MultiChoice(options) => options.iter().cloned().collect::<Vec<_>>().join("|"),
        Value::Date(date) => date.to_string(),
        Value::DateTime(at) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    }
}

pub(super) async fn export(cx: &Ctx, req: ExportContacts) -> Result<Saved> {
    let open = cx.open()?;
    let (path, saved) = cx.save(&req.to)?;
    let ids = whom(open, req.who)?;
    let columns: Vec<String> = match req.columns.is_empty() {
        false => req.columns,
        true => open
            .store
            .catalogue()
            .fields()
            .into_iter()
            .map(|f| f.key)
            .collect(),
    };
    let beside = beside(&path)?;
    let written = match write(open, &beside, &path, &ids, &columns).await {
        Ok(()) => std::fs::rename(&beside, &path).map_err(|e| cannot(&path, &e)),
        Err(error) => Err(error),
    };
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map(|()| saved)
}

fn cannot(path: &Path, detail: &dyn std::fmt::Display) -> ApiError {
    fail(
        Code::File,
        "files.cannot_write",
        &[("file", &path.display()), ("detail", &detail)],
    )
}

/// Writes at `beside` what is to be at `path`.
async fn write(open: &Open, beside: &Path, path: &Path, ids: &[ContactId], columns: &[String]) -> Result<()> {
    let mut writer = csv::Writer::from_path(beside).map_err(|e| cannot(path, &e))?;
    writer
        .write_record(columns.iter().map(String::as_str).chain(["tags"]))
        .map_err(|e| cannot(path, &e))?;
    for batch in ids.chunks(1000) {
        let batch = batch.to_vec();
        let contacts = open
            .store
            .read(move |db| carillon_store::contacts::get_many(db, &batch))
            .await?;
        for contact in contacts {
            let values: BTreeMap<&str, String> = contact
                .fields
                .iter()
                .map(|f| (f.key.as_str(), cell(&f.value)))
                .collect();
            let tags = contact.tags.iter().cloned().collect::<Vec<_>>().join("|");
            let row = columns
                .iter()
                .map(|key| match key.as_str() {
                    "email" => contact.email.clone(),
                    key => values.get(key).cloned().unwrap_or_default(),
                })
                .chain([tags])
                .map(|cell| crate::imports::source::defused(&cell));
            writer.write_record(row).map_err(|e| cannot(path, &e))?;
        }
    }
    writer.flush().map_err(|e| cannot(path, &e))
}
