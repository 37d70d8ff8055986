//! scores.

use super::answer;
use crate::args::Scores;
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};
use std::path::Path;

/// Longest file of a model.
const LONGEST: u64 = 1 << 20;

async fn id(backend: &Backend, name: &str) -> Result<Value> {
    Ok(backend.find("scores.list", name, "score").await?["id"].clone())
}

pub async fn scores(backend: &Backend, json: bool, verb: Scores) -> Result<()> {
    match verb {
        Scores::List => list(backend, json).await,
        Scores::Show { name, published } => {
            let row = backend.find("scores.list", &name, "score").await?;
            let model = &row[if published { "published" } else { "draft" }];
            if model.is_null() {
                return Err(fail(Code::Refused, "scores.not_published", &[("name", &name)]));
            }
            // A model is a file: JSON for people as for programs.
            output::json(model);
            Ok(())
        }
        Scores::Save { name, key, file } => save(backend, json, name, key, &file).await,
        Scores::Preview { name } => preview(backend, json, &name).await,
        Scores::Backtest { name, goal, days } => backtest(backend, json, &name, &goal, days).await,
        Scores::Publish { name } => {
            let args = json!({ "id": id(backend, &name).await? });
            let done = backend.mutate("scores.publish", args).await?;
            answer(json, &done, |d| {
                say!(
                    "scores.published",
                    name = name,
                    version = d["version"],
                    key = d["key"]
                )
            });
            Ok(())
        }
        Scores::Archive { name } => {
            let args = json!({ "id": id(backend, &name).await? });
            let done = backend.mutate("scores.archive", args).await?;
            answer(json, &done, |_| say!("scores.archived", name = name));
            Ok(())
        }
        Scores::Of { email } => {
            let args = json!({ "contact": backend.contact(&email).await? });
            let found = backend.query("scores.of", args).await?;
            answer(json, &found, of);
            Ok(())
        }
        Scores::Ledger { email, score, limit } => {
            let contact = backend.contact(&email).await?;
            let score = match score {
                Some(name) => id(backend, &name).await?,
                None => Value::Null,
            };
            let args = json!({ "contact": contact, "score": score, "limit": limit });
            let rows = backend.query("scores.ledger", args).await?;
            answer(json, &rows, |rows| {
                rows.as_array().into_iter().flatten().for_each(changed)
            });
            Ok(())
        }
        Scores::Adjust {
            name,
            email,
            points,
            why,
        } => {
            let contact = backend.contact(&email).await?;
            let args = json!({ "score": id(backend, &name).await?, "contact": contact, "points": points, "why": why });
            let done = backend.mutate("scores.adjust", args).await?;
            answer(json, &done, |_| {
                say!(
                    "scores.adjusted",
                    name = name,
                    email = email,
                    points = json!(points)
                )
            });
            Ok(())
        }
    }
}

async fn list(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("scores.list", json!({})).await?;
    answer(json, &rows, |rows| {
        if rows.as_array().is_some_and(Vec::is_empty) {
            say!("scores.none");
            return;
        }
        let mut rows = rows.clone();
        for row in rows.as_array_mut().into_iter().flatten() {
            let state = match (
                row["archived_at"].is_null(),
                row["published"].is_null(),
                row["changed"] == json!(true),
            ) {
                (false, ..) => "archived",
                (true, true, _) => "draft",
                (true, false, true) => "changed",
                (true, false, false) => "published",
            };
            row["state"] = json!(word("score_states", &json!(state)));
        }
        output::table(
            &rows,
            &[
                ("name", "name"),
                ("key", "key"),
                ("state", "state"),
                ("version", "version"),
            ],
        );
    });
    Ok(())
}

async fn save(backend: &Backend, json: bool, name: String, key: Option<String>, file: &Path) -> Result<()> {
    let shown = file.display();
    let unreadable = |detail: std::io::Error| {
        fail(
            Code::File,
            "scores.no_file",
            &[("file", &shown), ("detail", &detail)],
        )
    };
    let bad = |detail: &dyn std::fmt::Display| {
        fail(
            Code::Invalid,
            "scores.bad_file",
            &[("file", &shown), ("detail", detail)],
        )
    };
    if std::fs::metadata(file).map_err(unreadable)?.len() > LONGEST {
        return Err(fail(Code::Invalid, "scores.too_long", &[]));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let model: Value = serde_json::from_str(&text).map_err(|e| bad(&e))?;
    let check = async |id: &Value| {
        backend
            .query("scores.check", json!({ "id": id, "model": model }))
            .await
    };
    check(&Value::Null).await.map_err(|e| match e.code {
        // What is wrong with a model is an answer; only what is none is refused.
        Code::Invalid => fail(Code::Invalid, "scores.no_model", &[("file", &shown)]),
        _ => e,
    })?;
    let known = backend.query("scores.list", json!({})).await?;
    let known = known
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["name"] == json!(name)));
    let args = json!({ "id": known.map(|row| &row["id"]), "key": key, "name": name, "draft": model });
    let saved = backend.mutate("scores.save", args).await?;
    // Rules about companies may read the points of the score they belong to, which is known only now.
    let troubles = check(&saved["id"]).await?;
    answer(json, &saved, |_| {
        say!("scores.saved", name = name);
        for trouble in troubles.as_array().into_iter().flatten() {
            match trouble["severity"] == "warning" {
                true => say!("scores.doubt", message = trouble["message"]),
                false => say!("scores.trouble", message = trouble["message"]),
            }
        }
    });
    Ok(())
}

async fn preview(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let row = backend.find("scores.list", name, "score").await?;
    let args = json!({ "id": row["id"], "model": row["draft"] });
    let seen = backend.query("scores.preview", args).await?;
    answer(json, &seen, |seen| {
        say!("scores.measured", n = seen["measured"], all = seen["contacts"]);
        for (tenth, points) in seen["deciles"].as_array().into_iter().flatten().enumerate() {
            say!("scores.decile", percent = json!(tenth * 10), points = points);
        }
        for label in seen["labels"].as_array().into_iter().flatten() {
            let named = if label["label"].is_null() {
                text!("scores.no_label")
            } else {
                output::cell(&label["label"])
            };
            say!("scores.labelled", n = label["count"], label = named);
        }
        if !seen["differ"].is_null() {
            say!("scores.differ", n = seen["differ"]);
        }
    });
    Ok(())
}

/// How many people of one grade reached the goal.
fn say_grade(of: &Value) {
    let share = of["reached"].as_f64().unwrap_or_default() / of["people"].as_f64().unwrap_or(1.0).max(1.0);
    let grade = match of["grade"].is_null() {
        true => text!("scores.no_label"),
        false => output::cell(&of["grade"]),
    };
    say!(
        "scores.tried.grade",
        grade = grade,
        n = of["people"],
        percent = hundredths(share)
    );
}

async fn backtest(backend: &Backend, json: bool, name: &str, goal: &str, days: u32) -> Result<()> {
    let row = backend.find("scores.list", name, "score").await?;
    let args = json!({ "id": row["id"], "model": row["draft"], "goal": goal, "days": days });
    let tried = backend.query("scores.backtest", args).await?;
    answer(json, &tried, |tried| {
        let (people, reached) = (&tried["measured"], &tried["reached"]);
        say!(
            "scores.tried.people",
            at = tried["since"],
            n = people,
            reached = reached,
            days = json!(days)
        );
        let models = [
            (text!("scores.tried.models.draft"), &tried["draft"]),
            (text!("scores.tried.models.published"), &tried["published"]),
        ];
        for (which, model) in models {
            if model.is_null() {
                continue;
            }
            let grades = model["grades"].as_array().filter(|grades| !grades.is_empty());
            if let Some(grades) = grades {
                say!("scores.tried.graded", which = which);
                grades.iter().for_each(say_grade);
                continue;
            }
            say!("scores.tried.model", which = which);
            for tenth in model["tenths"].as_array().into_iter().flatten() {
                let share = tenth["reached"].as_f64().unwrap_or_default()
                    / tenth["people"].as_f64().unwrap_or(1.0).max(1.0);
                say!(
                    "scores.tried.tenth",
                    from = tenth["from"],
                    to = tenth["to"],
                    n = tenth["people"],
                    percent = hundredths(share)
                );
            }
            match (model["area"].as_f64(), model["error"].as_f64()) {
                (Some(area), Some(error)) => say!(
                    "scores.tried.area",
                    percent = hundredths(area),
                    error = hundredths(1.96 * error)
                ),
                _ => say!("scores.tried.too_few"),
            }
        }
        let difference = &tried["difference"];
        if let (Some(by), Some(error)) = (difference["by"].as_f64(), difference["error"].as_f64()) {
            let sure = match difference["sure"] == json!(true) {
                true => text!("scores.tried.surety.sure"),
                false => text!("scores.tried.surety.chance"),
            };
            say!(
                "scores.tried.difference",
                percent = hundredths(by),
                error = hundredths(1.96 * error),
                sure = sure
            );
        }
        for moved in tried["moves"].as_array().into_iter().flatten() {
            let [from, to] = ["from", "to"].map(|side| match moved[side].is_null() {
                true => text!("scores.no_label"),
                false => output::cell(&moved[side]),
            });
            say!("scores.tried.moved", n = moved["people"], from = from, to = to);
        }
    });
    Ok(())
}

/// A share as a number of a hundred with one place.
fn hundredths(share: f64) -> Value {
    json!((share * 1000.0).round() / 10.0)
}

/// Thousandths as points.
pub fn points(milli: &Value) -> Value {
    json!(milli.as_f64().unwrap_or_default() / 1000.0)
}

fn of(found: &Value) {
    if found.as_array().is_some_and(Vec::is_empty) {
        say!("scores.none");
    }
    for score in found.as_array().into_iter().flatten() {
        match score["scored"].is_null() {
            true => say!("scores.grade", name = score["name"], grade = score["grade"]),
            false => say!("scores.total", name = score["name"], n = score["scored"]["total"]),
        }
        for entered in score["entered"].as_array().into_iter().flatten() {
            say!("scores.entered", stage = entered["stage"], at = entered["at"]);
        }
        let groups = |of: &Value| of.as_array().cloned().unwrap_or_default();
        let pairs = groups(&score["scored"]["groups"])
            .into_iter()
            .zip(groups(&score["model"]["groups"]));
        for (scored, group) in pairs {
            for (rule, known) in groups(&scored["rules"]).iter().zip(groups(&group["rules"])) {
                if rule["points"] != json!(0) {
                    say!(
                        "scores.rule",
                        points = points(&rule["points"]),
                        when = known["when"]
                    );
                }
            }
        }
        if score["scored"]["adjusted"].as_i64().unwrap_or_default() != 0 {
            say!("scores.by_hand", points = points(&score["scored"]["adjusted"]));
        }
    }
}

fn changed(row: &Value) {
    let cause = word("score_causes", &row["cause"]);
    let before = if row["before"].is_null() {
        json!(0)
    } else {
        row["before"].clone()
    };
    say!(
        "scores.change",
        at = row["at"],
        name = row["name"],
        before = before,
        after = row["after"],
        cause = cause
    );
    if !row["stage"].is_null() {
        say!("scores.reached", stage = row["stage"]);
    }
    for reason in row["because"].as_array().into_iter().flatten() {
        match reason["when"].is_null() {
            true => say!("scores.by_hand", points = points(&reason["points"])),
            false => say!(
                "scores.rule",
                points = points(&reason["points"]),
                when = reason["when"]
            ),
        }
    }
}
