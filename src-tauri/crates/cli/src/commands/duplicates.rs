//! duplicates.

use super::answer;
use crate::args::Duplicates;
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::Result;
use serde_json::{Value, json};

pub async fn duplicates(backend: &Backend, json: bool, verb: Duplicates) -> Result<()> {
    match verb {
        Duplicates::Find => {
            let found = backend.job("duplicates.find", json!({})).await?;
            answer(json, &found, |found| {
                say!(
                    "duplicates.found",
                    pairs = found["pairs"],
                    contacts = found["contacts"]
                );
            });
            Ok(())
        }
        Duplicates::List { part } => {
            let page = backend.rows("duplicates.page", json!({}), part).await?;
            answer(json, &page, list);
            Ok(())
        }
        Duplicates::Show { one, other } => {
            let pair = pair(backend, &one, &other).await?;
            let shown = backend.query("duplicates.show", pair).await?;
            answer(json, &shown, show);
            Ok(())
        }
        Duplicates::Merge {
            survivor,
            absorbed,
            take,
        } => {
            let args = json!({
                "survivor": backend.contact(&survivor).await?,
                "absorbed": backend.contact(&absorbed).await?,
                "take": Some(take).filter(|take| !take.is_empty()),
                "stamp": null,
            });
            let merged = backend.mutate("duplicates.merge", args).await?;
            answer(json, &merged, |merged| {
                say!(
                    "duplicates.merged",
                    survivor = survivor,
                    absorbed = absorbed,
                    id = merged["id"]
                );
            });
            Ok(())
        }
        Duplicates::Different { one, other, undo } => {
            let mut args = pair(backend, &one, &other).await?;
            args["different"] = json!(!undo);
            let said = backend.mutate("duplicates.say", args).await?;
            answer(json, &said, |_| match undo {
                true => say!("duplicates.open_again"),
                false => say!("duplicates.different", one = one, other = other),
            });
            Ok(())
        }
        Duplicates::Merges { limit } => {
            let args = json!({ "before": null, "limit": limit });
            let rows = backend.query("duplicates.merges", args).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("id", "id"),
                        ("at", "at"),
                        ("email", "email"),
                        ("alias", "merged"),
                        ("undone_at", "undone"),
                    ],
                );
            });
            Ok(())
        }
        Duplicates::Unmerge { id } => {
            let done = backend.mutate("duplicates.unmerge", json!({ "id": id })).await?;
            answer(json, &done, |_| say!("duplicates.unmerged", id = u64::from(id)));
            Ok(())
        }
    }
}

async fn pair(backend: &Backend, one: &str, other: &str) -> Result<Value> {
    Ok(json!({ "a": backend.contact(one).await?, "b": backend.contact(other).await? }))
}

/// A probability in percent, as people read it.
fn percent(value: &Value) -> String {
    let share = value.as_f64().unwrap_or(0.0) * 100.0;
    match share {
        share if share > 99.0 && share < 100.0 => format!("{:.1} %", share.min(99.9)),
        share => format!("{share:.0} %"),
    }
}

fn list(page: &Value) {
    let rows = page["rows"].as_array().into_iter().flatten().map(|row| {
        let mut row = row.clone();
        row["probability"] = json!(percent(&row["probability"]));
        row
    });
    output::table(
        &Value::Array(rows.collect()),
        &[
            ("probability", "probability"),
            ("name_a", "name"),
            ("email_a", "email"),
            ("name_b", "name"),
            ("email_b", "email"),
        ],
    );
    say!("duplicates.total", n = page["total"]);
}

fn show(shown: &Value) {
    if shown["probability"].is_null() {
        say!("duplicates.not_found");
    } else {
        say!(
            "duplicates.probability",
            probability = percent(&shown["probability"])
        );
    }
    for same in shown["same"].as_array().into_iter().flatten() {
        output::line(word("same_keys", same));
    }
    let label = |key: &Value| {
        let fields = shown["fields"].as_array();
        let known = fields.into_iter().flatten().find(|field| field["key"] == *key);
        known.map_or_else(|| output::cell(key), |field| output::cell(&field["label"]))
    };
    for finding in shown["evidence"].as_array().into_iter().flatten() {
        let bits = finding["bits"].as_f64().unwrap_or(0.0);
        if bits.abs() < 0.05 {
            continue;
        }
        let about = match (finding["about"].as_str(), finding["key"].as_str()) {
            (Some("field"), Some(_)) => format!(
                "{}: {}",
                label(&finding["key"]),
                word("match_levels", &finding["level"])
            ),
            (Some("field"), None) => {
                format!(
                    "{}: {}",
                    text!("duplicates.number"),
                    word("match_levels", &finding["level"])
                )
            }
            _ => word("evidence", &finding["about"]),
        };
        output::line(format!("{bits:+6.1}  {about}"));
    }
    let stays = shown["survivor"] == shown["a"]["id"];
    let fields = shown["fields"].as_array().into_iter().flatten().map(|field| {
        let taken = if stays { &field["if_a"] } else { &field["if_b"] };
        let of = if *taken == shown["a"]["id"] { "a" } else { "b" };
        json!({ "field": field["label"], "a": field["a"]["value"], "b": field["b"]["value"], "stays": field[of]["value"] })
    });
    output::table(
        &Value::Array(fields.collect()),
        &[
            ("field", "field"),
            ("a", "one"),
            ("b", "other"),
            ("stays", "stays"),
        ],
    );
    let survivor = if stays { &shown["a"] } else { &shown["b"] };
    say!("duplicates.would_stay", email = survivor["email"]);
}
