//! cleansing.

use super::answer;
use crate::args::{Cleansing, What};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, word};
use carillon_app::error::Result;
use serde_json::{Value, json};

pub async fn cleansing(backend: &Backend, json: bool, verb: Cleansing) -> Result<()> {
    match verb {
        Cleansing::Preview { what, limit } => {
            let mut found = find(backend, &what).await?;
            let rules = what.rules();
            let args = json!({ "rules": rules, "only": null, "offset": 0, "limit": limit });
            let page = backend.query("cleansing.page", args).await?;
            if let Some(counts) = found["rules"].as_array_mut() {
                counts.retain(|count| rules.iter().any(|rule| count["rule"] == *rule));
            }
            found["accepted"] = page["accepted"].clone();
            found["examples"] = page["rows"].clone();
            answer(json, &found, show);
            Ok(())
        }
        Cleansing::Apply { what } => {
            let found = find(backend, &what).await?;
            let args = json!({ "run": found["run"], "rules": what.rules(), "except": [] });
            let applied = backend.job("cleansing.apply", args).await?;
            answer(json, &applied, tell);
            Ok(())
        }
        Cleansing::List => {
            let shown = backend.query("cleansing.show", json!({})).await?;
            answer(json, &shown["past"], |past| {
                output::table(
                    past,
                    &[
                        ("id", "id"),
                        ("at", "at"),
                        ("contacts", "contacts"),
                        ("values", "values"),
                        ("undone_at", "undone"),
                    ],
                );
            });
            Ok(())
        }
        Cleansing::Undo { id } => {
            let back = backend.job("cleansing.undo", json!({ "id": id })).await?;
            answer(json, &back, |back| {
                say!(
                    "cleansing.undone",
                    id = u64::from(id),
                    restored = back["restored"]
                );
                if back["kept"] != 0 {
                    say!("cleansing.kept", n = back["kept"]);
                }
            });
            Ok(())
        }
    }
}

async fn find(backend: &Backend, what: &What) -> Result<Value> {
    let args = json!({ "where": what.expression, "country": what.country });
    backend.job("cleansing.find", args).await
}

fn show(found: &Value) {
    let rules = found["rules"].as_array().into_iter().flatten().flat_map(|count| {
        let rule = word("cleansing_rules", &count["rule"]);
        let fields = count["fields"].as_array().into_iter().flatten();
        fields
            .map(move |field| json!({ "rule": rule, "field": field["label"], "values": field["values"] }))
            .collect::<Vec<_>>()
    });
    let rules = Value::Array(rules.collect());
    if rules != json!([]) {
        output::table(
            &rules,
            &[("values", "values"), ("field", "field"), ("rule", "rule")],
        );
    }
    let changes = found["examples"].as_array().into_iter().flatten().flat_map(|contact| {
        let changes = contact["changes"].as_array().into_iter().flatten();
        changes
            .map(|change| {
                json!({
                    "email": contact["email"], "field": change["label"], "old": change["old"], "new": change["new"],
                })
            })
            .collect::<Vec<_>>()
    });
    let changes = Value::Array(changes.collect());
    if changes != json!([]) {
        output::table(
            &changes,
            &[
                ("email", "email"),
                ("field", "field"),
                ("old", "before"),
                ("new", "after"),
            ],
        );
    }
    say!("cleansing.found", n = found["accepted"], all = found["looked_at"]);
}

fn tell(applied: &Value) {
    let taken = applied["taken"].as_array().into_iter().flatten();
    for taken in taken {
        say!(
            "cleansing.taken",
            email = taken["email"],
            wanted = taken["wanted"]
        );
    }
    let some = |key: &str| applied[key].as_u64().filter(|n| *n > 0);
    if let Some(n) = some("suppressed") {
        say!("cleansing.suppressed", n = n);
    }
    if let Some(n) = some("changed_since") {
        say!("cleansing.changed_since", n = n);
    }
    match applied["id"].is_null() {
        true => say!("cleansing.nothing"),
        false => say!(
            "cleansing.applied",
            values = applied["values"],
            contacts = applied["contacts"],
            id = applied["id"]
        ),
    }
}
