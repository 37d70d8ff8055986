//! cleansing.

use super::answer;
use crate::args::{Cleansing, Part, What};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, word};
use carillon_app::error::{Code, Result, fail};
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
        Cleansing::Quality {
            measure,
            days,
            field,
            list,
            limit,
        } => {
            let shown = measured(backend, measure, list.is_some()).await?;
            let shown = only(shown, field.as_deref())?;
            match (list, field) {
                (Some(verdict), Some(field)) => {
                    let args = json!({ "field": field, "verdict": verdict });
                    let part = Part { limit, offset: 0 };
                    let page = backend.rows("cleansing.quality_contacts", args, part).await?;
                    answer(json, &page, |page| {
                        output::table(&page["rows"], &[("email", "email"), ("value", "value")]);
                        say!("contacts.total", n = page["total"]);
                    });
                }
                _ if days => answer(json, &shown, by_day),
                _ => answer(json, &shown, quality),
            }
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

/// What was measured last; measured now where nothing is there, or not what is asked for.
async fn measured(backend: &Backend, measure: bool, list: bool) -> Result<Value> {
    let shown = backend.query("cleansing.quality", json!({})).await?;
    let missing = shown["measured"].is_null() || (list && shown["at_hand"] == json!(false));
    if !measure && !missing {
        return Ok(shown);
    }
    backend.job("cleansing.measure", json!({})).await?;
    backend.query("cleansing.quality", json!({})).await
}

/// Only one field of them.
fn only(mut shown: Value, field: Option<&str>) -> Result<Value> {
    if let Some(key) = field
        && let Some(fields) = shown["fields"].as_array_mut()
    {
        fields.retain(|field| field["key"] == *key);
        if fields.is_empty() {
            return Err(fail(Code::NotFound, "not_found.field", &[("name", &key)]));
        }
    }
    Ok(shown)
}

fn quality(shown: &Value) {
    let rows = shown["fields"].as_array().into_iter().flatten().map(|field| {
        let now = &field["now"];
        json!({
            "score": now["score"], "field": field["key"], "known": now["known"], "valid": now["valid"], "tidy": now["tidy"],
        })
    });
    output::table(
        &Value::Array(rows.collect()),
        &[
            ("score", "score"),
            ("field", "field"),
            ("known", "known"),
            ("valid", "valid"),
            ("tidy", "tidy"),
        ],
    );
    let measured = &shown["measured"];
    say!(
        "cleansing.measured",
        n = measured["contacts"],
        at = measured["at"]
    );
    if measured["pairs"].as_u64().is_some_and(|pairs| pairs > 0) {
        say!("cleansing.pairs", n = measured["pairs"]);
    }
}

fn by_day(shown: &Value) {
    let rows = shown["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|field| {
            let days = field["days"].as_array().into_iter().flatten();
            days.map(|day| {
                json!({
                    "day": day["day"], "field": field["key"], "score": day["score"],
                    "known": day["known"], "valid": day["valid"], "tidy": day["tidy"],
                })
            })
            .collect::<Vec<_>>()
        });
    output::table(
        &Value::Array(rows.collect()),
        &[
            ("day", "day"),
            ("field", "field"),
            ("score", "score"),
            ("known", "known"),
            ("valid", "valid"),
            ("tidy", "tidy"),
        ],
    );
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
