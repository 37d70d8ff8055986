//! journeys.

use super::answer;
use crate::args::Journeys;
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, step_kind, text, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};
use std::path::PathBuf;

async fn id(backend: &Backend, name: &str) -> Result<Value> {
    Ok(backend.find("journeys.list", name, "journey").await?["id"].clone())
}

pub async fn journeys(backend: &Backend, json: bool, verb: Journeys) -> Result<()> {
    match verb {
        Journeys::List => list(backend, json).await?,
        Journeys::Import { file } => {
            let path = absolute(&file);
            let done = backend
                .mutate("journeys.import_file", json!({ "file": { "path": path } }))
                .await?;
            answer(json, &done, |d| {
                say!("journeys.imported", name = d["name"]);
                problems(&d["problems"]);
            });
        }
        Journeys::Export { name, to } => export(backend, json, &name, to).await?,
        Journeys::Check { name } => check(backend, json, &name).await?,
        Journeys::Publish { name } => {
            let done = backend
                .mutate("journeys.publish", json!({ "id": id(backend, &name).await? }))
                .await?;
            answer(json, &done, |d| {
                say!(
                    "journeys.published",
                    name = name,
                    version = d["version"],
                    n = d["entering"],
                )
            });
        }
        Journeys::Pause { name } => state(backend, json, "pause", &name).await?,
        Journeys::Resume { name } => state(backend, json, "resume", &name).await?,
        Journeys::Drain { name } => state(backend, json, "drain", &name).await?,
        Journeys::Stop { name } => state(backend, json, "stop", &name).await?,
        Journeys::Status { name } => status(backend, json, &name).await?,
        Journeys::Enter { name, email } => {
            let contact = backend.contact(&email).await?;
            let args = json!({ "id": id(backend, &name).await?, "contact": contact });
            let done = backend.mutate("journeys.enter", args).await?;
            answer(json, &done, |_| {
                say!("journeys.entered", email = email, name = name)
            });
        }
        Journeys::Simulate { name, days, seed } => simulate(backend, json, &name, days, seed).await?,
        Journeys::Try { name, email, days } => try_as(backend, json, &name, &email, days).await?,
        Journeys::Path { name, email } => path(backend, json, &name, &email).await?,
    }
    Ok(())
}

async fn list(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("journeys.list", json!({})).await?;
    answer(json, &rows, |rows| {
        output::table(
            rows,
            &[
                ("name", "name"),
                ("state", "state"),
                ("version", "version"),
                ("active", "inside"),
                ("updated_at", "changed"),
            ],
        )
    });
    Ok(())
}

async fn export(backend: &Backend, json: bool, name: &str, to: Option<PathBuf>) -> Result<()> {
    let text = backend
        .query("journeys.export", json!({ "id": id(backend, name).await? }))
        .await?;
    let document = output::cell(&text["text"]);
    match to {
        Some(to) => {
            let to = absolute(&to);
            carillon_app::files::write_chosen(&to, document.as_bytes())?;
            answer(json, &json!({ "path": to }), |s| say!("wrote", file = s["path"]));
        }
        // A journey file is a JSON document.
        None => output::raw(document.trim_end()),
    }
    Ok(())
}

async fn check(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let id = id(backend, name).await?;
    let journey = backend.query("journeys.get", json!({ "id": id })).await?;
    let found = backend
        .query("journeys.check", json!({ "document": journey["document"] }))
        .await?;
    answer(json, &found, |p| {
        if p.as_array().is_none_or(Vec::is_empty) {
            say!("journeys.no_problems");
        }
        problems(p);
    });
    if found
        .as_array()
        .into_iter()
        .flatten()
        .any(|p| p["severity"] == json!("error"))
    {
        return Err(fail(Code::Refused, "journeys.has_problems", &[("name", &name)]));
    }
    Ok(())
}

async fn status(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let id = id(backend, name).await?;
    let journey = backend.query("journeys.get", json!({ "id": id })).await?;
    let counts = backend.query("journeys.counts", json!({ "id": id })).await?;
    let status =
        json!({ "name": name, "state": journey["state"], "version": journey["version"], "counts": counts });
    answer(json, &status, |s| {
        match s["version"].is_null() {
            true => say!("journeys.is_draft", name = name, state = state_word(&s["state"])),
            false => say!(
                "journeys.is",
                name = name,
                state = state_word(&s["state"]),
                version = s["version"],
            ),
        }
        steps_now(&s["counts"]["steps"], &journey["document"]);
    });
    Ok(())
}

async fn simulate(backend: &Backend, json: bool, name: &str, days: u32, seed: u64) -> Result<()> {
    let id = id(backend, name).await?;
    let journey = backend.query("journeys.get", json!({ "id": id })).await?;
    let args = json!({
        "id": id,
        "document": journey["document"],
        "days": days,
        "seed": seed,
        "start": null,
    });
    let report = backend.job("journeys.simulate", args).await?;
    answer(json, &report, |report| simulated(report, &journey["document"]));
    Ok(())
}

async fn try_as(backend: &Backend, json: bool, name: &str, email: &str, days: u32) -> Result<()> {
    let id = id(backend, name).await?;
    let journey = backend.query("journeys.get", json!({ "id": id })).await?;
    let contact = backend.contact(email).await?;
    let args = json!({ "id": id, "document": journey["document"], "contact": contact, "days": days });
    let trial = backend.query("journeys.try", args).await?;
    answer(json, &trial, |trial| {
        walk(&trial["facts"], &journey["document"]);
        partly_fixed(trial);
    });
    Ok(())
}

/// Scores that a simulation or trial does not follow in all that they read, and segments of which it measures nothing.
fn partly_fixed(of: &Value) {
    let segments = output::cell(&of["ranked_segments"]);
    if !segments.is_empty() {
        say!("journeys.simulated_ranks", segments = segments);
    }
    let scores = output::cell(&of["partly_fixed_scores"]);
    if !scores.is_empty() {
        say!("journeys.simulated_scores", scores = scores);
    }
}

async fn path(backend: &Backend, json: bool, name: &str, email: &str) -> Result<()> {
    let contact = backend.contact(email).await?;
    let id = id(backend, name).await?;
    let args = json!({ "id": id, "contact": contact });
    let path = backend.query("journeys.path", args).await?;
    let journey = backend.query("journeys.get", json!({ "id": id })).await?;
    answer(json, &path, |f| walk(f, &journey["document"]));
    Ok(())
}

async fn state(backend: &Backend, json: bool, verb: &str, name: &str) -> Result<()> {
    let done = backend
        .mutate(
            &format!("journeys.{verb}"),
            json!({ "id": id(backend, name).await? }),
        )
        .await?;
    answer(json, &done, |d| {
        say!("journeys.now", name = name, state = state_word(&d["state"]))
    });
    Ok(())
}

/// How many are at each step, in the order of the drawing; steps that only an earlier version has come last.
fn steps_now(counts: &Value, document: &Value) {
    let drawn: Vec<&Value> = document["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| &step["id"])
        .collect();
    let mut counts: Vec<&Value> = counts.as_array().into_iter().flatten().collect();
    counts.sort_by_key(|count| {
        drawn
            .iter()
            .position(|id| **id == count["step"])
            .unwrap_or(usize::MAX)
    });
    let rows = counts.into_iter().map(|count| {
        let id = output::cell(&count["step"]);
        let left = count["left"].as_object().into_iter().flatten();
        let left: Vec<String> = left.map(|(port, n)| format!("{port} {n}")).collect();
        json!({ "step": id, "title": title(document, &id), "waiting": count["waiting"], "entered": count["entered"], "left": left.join(", ") })
    });
    output::table(
        &Value::Array(rows.collect()),
        &[
            ("step", "step"),
            ("title", "title"),
            ("waiting", "here_now"),
            ("entered", "entered"),
            ("left", "left_by"),
        ],
    );
}

fn state_word(state: &Value) -> String {
    word("states", state)
}

fn problems(found: &Value) {
    for problem in found.as_array().into_iter().flatten() {
        output::line(format!(
            "  {}: {}",
            word("severities", &problem["severity"]),
            carillon_app::journeys::problem_sentence(problem)
        ));
    }
}

/// The facts of a passage, one a line.
fn walk(facts: &Value, document: &Value) {
    let facts = facts.as_array().map(Vec::as_slice).unwrap_or_default();
    if facts.is_empty() {
        say!("journeys.no_facts");
    }
    let rows = facts.iter().map(|fact| {
        json!({ "at": fact["at"], "step": title(document, &output::cell(&fact["step"])), "what": fact_words(fact, document) })
    });
    output::table(
        &Value::Array(rows.collect()),
        &[("at", "at"), ("step", "step"), ("what", "what")],
    );
}

fn fact_words(fact: &Value, document: &Value) -> String {
    match fact["fact"].as_str() {
        Some("entered") => text!("facts.entered"),
        Some("waiting") if fact["until"].is_null() => text!("facts.waits"),
        Some("waiting") => text!("facts.waits_until", until = fact["until"]),
        Some("left") => {
            let port = match fact["port"] == json!("next") {
                true => text!("facts.went_on"),
                false => text!("facts.left", port = fact["port"]),
            };
            port + &because(&fact["because"])
        }
        Some("did") => text!("facts.did", what = did(&fact["effect"])),
        Some("learned") => text!("facts.learned", outcome = fact["outcome"]),
        Some("ended") => text!("facts.ended", end = ended(&fact["end"], document)),
        _ => String::new(),
    }
}

fn did(effect: &Value) -> String {
    match effect["effect"].as_str() {
        Some("send") => text!("facts.send", template = effect["template"]),
        Some("set_field") => text!("facts.set", key = effect["key"], value = effect["value"]),
        Some("add_tag") => text!("facts.add_tag", tag = effect["tag"]),
        Some("remove_tag") => text!("facts.remove_tag", tag = effect["tag"]),
        Some("post_event") => text!("facts.post", event = effect["name"]),
        _ => effect.to_string(),
    }
}

/// How a passage ended, and why: a goal by the title of its step.
fn ended(end: &Value, document: &Value) -> String {
    let reason = output::cell(&end["reason"]);
    let reason = match end["end"] == "goal" {
        true => title(document, &reason),
        false => reason,
    };
    let how = word("ends", &end["end"]);
    match reason.is_empty() {
        true => how,
        false => format!("{how} ({reason})"),
    }
}

fn because(evidence: &Value) -> String {
    let evidence = evidence.as_array().into_iter().flatten();
    let parts: Vec<String> = evidence
        .map(|e| format!("{} = {}", output::cell(&e["about"]), output::cell(&e["value"])))
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => text!("facts.because", why = parts.join("; ")),
    }
}

/// What a step is called: its name, or what it is.
fn title(document: &Value, id: &str) -> String {
    let steps = document["steps"].as_array().into_iter().flatten();
    let found = steps.into_iter().find(|step| step["id"] == id);
    found.map_or_else(
        || id.to_owned(),
        |step| match step["name"].as_str() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => step_kind(&output::cell(&step["kind"])),
        },
    )
}

fn simulated(report: &Value, document: &Value) {
    let sum = |days: &Value| -> u64 {
        days.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .sum()
    };
    say!(
        "journeys.simulated",
        passages = report["entered"],
        contacts = report["contacts"],
        days = report["days"],
        mails = sum(&report["mails"]),
        refused = sum(&report["refused"]),
        inside = report["never_left"],
    );
    let held = sum(&report["held"]);
    if held > 0 {
        say!(
            "journeys.simulated_held",
            held = held,
            still = report["still_held"]
        );
    }
    partly_fixed(report);
    let steps = report["steps"].as_array().into_iter().flatten().map(|step| {
        let left = step["left"].as_array().into_iter().flatten();
        let left: Vec<String> = left.map(|p| format!("{} {}", output::cell(&p["port"]), sum(&p["per_day"]))).collect();
        let id = output::cell(&step["step"]);
        json!({ "step": id, "title": title(document, &id), "entered": sum(&step["entered"]), "waiting": step["waiting"], "left": left.join(", ") })
    });
    output::table(
        &Value::Array(steps.collect()),
        &[
            ("step", "step"),
            ("title", "title"),
            ("entered", "entered"),
            ("waiting", "still_here"),
            ("left", "left_by"),
        ],
    );
    for end in report["ended"].as_array().into_iter().flatten() {
        output::line(format!("{:>9}  {}", end["count"], ended(&end["end"], document)));
    }
}
