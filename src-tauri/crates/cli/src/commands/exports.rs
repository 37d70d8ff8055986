//! export.

use super::answer;
use super::reports::journey_of_funnel;
use crate::args::{Export, ExportFile};
use crate::backend::{Backend, absolute};
use crate::words::say;
use carillon_app::error::Result;
use serde_json::{Value, json};

pub async fn export(backend: &Backend, json: bool, verb: Export) -> Result<()> {
    let (list, file) = match verb {
        Export::Contacts {
            file,
            segment,
            expression,
            column,
        } => (contacts(backend, segment, expression, column).await?, file),
        Export::Events { file, contact, event } => {
            let contact = match contact {
                Some(email) => Some(backend.contact(&email).await?),
                None => None,
            };
            (json!({ "of": "events", "contact": contact, "name": event }), file)
        }
        Export::Messages { file, state, journey } => {
            let journey = match journey {
                Some(name) => backend.find("journeys.list", &name, "journey").await?["id"].clone(),
                None => Value::Null,
            };
            (
                json!({ "of": "messages", "states": state, "journey": journey }),
                file,
            )
        }
        Export::Companies { file } => (json!({ "of": "companies" }), file),
        Export::History { email, file } => {
            let contact = backend.contact(&email).await?;
            (json!({ "of": "history", "contact": contact }), file)
        }
        Export::Suppressions { file } => (json!({ "of": "suppressions" }), file),
        Export::Campaign { name, file } => {
            let found = backend.find("campaigns.list", &name, "campaign").await?;
            (json!({ "of": "campaign", "campaign": found["id"] }), file)
        }
        Export::Journey { name, file, step } => {
            let found = backend.find("journeys.list", &name, "journey").await?;
            (
                json!({ "of": "journey", "journey": found["id"], "step": step }),
                file,
            )
        }
        Export::Report { name, file, journey } if name == "funnel" => {
            let journey = journey_of_funnel(backend, journey).await?;
            (json!({ "of": "funnel", "journey": journey["id"] }), file)
        }
        Export::Report { name, file, .. } => (json!({ "of": "report", "report": name }), file),
    };
    write(backend, json, list, file).await
}

async fn contacts(
    backend: &Backend,
    segment: Option<String>,
    expression: Option<String>,
    fields: Vec<String>,
) -> Result<Value> {
    let expression = match segment {
        Some(name) => backend.find("segments.list", &name, "segment").await?["text"].clone(),
        None => json!(expression),
    };
    let columns: Vec<String> = match fields.is_empty() {
        true => fields,
        false => [String::from("email")].into_iter().chain(fields).collect(),
    };
    let who = json!({ "where": expression, "search": null, "except": [] });
    Ok(json!({ "of": "contacts", "who": who, "columns": columns }))
}

/// Writes a list to a file, and says how much it was.
pub async fn write(backend: &Backend, json: bool, list: Value, file: ExportFile) -> Result<()> {
    let args = json!({
        "list": list,
        "to": { "path": absolute(&file.out) },
        "format": file.format.map(|format| format.word()),
    });
    let written = backend.job("exports.start", args).await?;
    answer(json, &written, |w| {
        say!("exports.wrote", file = w["path"], rows = w["rows"]);
        if w["sheets"].as_u64().is_some_and(|sheets| sheets > 1) {
            say!("exports.sheets", sheets = w["sheets"]);
        }
    });
    Ok(())
}
