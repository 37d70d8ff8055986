//! journeys.

use super::answer;
use crate::args::Journeys;
use crate::backend::{Backend, absolute};
use crate::output;
use carillon_app::error::Result;
use serde_json::{Value, json};

async fn id(backend: &Backend, name: &str) -> Result<Value> {
    Ok(backend.find("journeys.list", "name", name, "journey").await?["id"].clone())
}

pub async fn journeys(backend: &Backend, json: bool, verb: Journeys) -> Result<()> {
    match verb {
        Journeys::List => {
            let rows = backend.query("journeys.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "NAME"),
                        ("state", "STATE"),
                        ("version", "VERSION"),
                        ("active", "INSIDE"),
                        ("updated_at", "CHANGED"),
                    ],
                )
            });
        }
        Journeys::Import { file } => {
            let path = absolute(&file);
            let done = backend
                .mutate("journeys.import_file", json!({ "file": { "path": path } }))
                .await?;
            answer(json, &done, |d| {
                output::line(format!("Imported “{}” as a draft.", output::cell(&d["name"])));
                problems(&d["problems"]);
            });
        }
        Journeys::Export { name, to } => {
            let text = backend
                .query("journeys.export", json!({ "id": id(backend, &name).await? }))
                .await?;
            match to {
                Some(to) => carillon_app::files::write_whole(&to, output::cell(&text["text"]).as_bytes())?,
                None => output::line(output::cell(&text["text"]).trim_end()),
            }
        }
        Journeys::Check { name } => {
            let id = id(backend, &name).await?;
            let journey = backend.query("journeys.get", json!({ "id": id })).await?;
            let found = backend
                .query("journeys.check", json!({ "document": journey["document"] }))
                .await?;
            answer(json, &found, |p| {
                if p.as_array().is_none_or(Vec::is_empty) {
                    output::line("No problems.");
                }
                problems(p);
            });
            if found
                .as_array()
                .into_iter()
                .flatten()
                .any(|p| p["severity"] == json!("error"))
            {
                return Err(carillon_app::error::fail(
                    carillon_app::error::Code::Refused,
                    "journeys.has_problems",
                    &[("name", &name)],
                ));
            }
        }
        Journeys::Publish { name } => {
            let done = backend
                .mutate("journeys.publish", json!({ "id": id(backend, &name).await? }))
                .await?;
            answer(json, &done, |d| {
                output::line(format!(
                    "Published “{name}” as version {}; {} contacts enter now.",
                    d["version"], d["entering"]
                ))
            });
        }
        Journeys::Pause { name } => state(backend, json, "pause", &name).await?,
        Journeys::Resume { name } => state(backend, json, "resume", &name).await?,
        Journeys::Drain { name } => state(backend, json, "drain", &name).await?,
        Journeys::Stop { name } => state(backend, json, "stop", &name).await?,
        Journeys::Status { name } => {
            let id = id(backend, &name).await?;
            let journey = backend.query("journeys.get", json!({ "id": id })).await?;
            let counts = backend.query("journeys.counts", json!({ "id": id })).await?;
            let status = json!({ "name": name, "state": journey["state"], "version": journey["version"], "counts": counts });
            answer(json, &status, |s| {
                output::line(format!(
                    "“{name}” is {}, version {}.",
                    output::cell(&s["state"]),
                    s["version"]
                ));
                output::table(
                    &s["counts"]["steps"],
                    &[
                        ("step", "STEP"),
                        ("waiting", "HERE NOW"),
                        ("entered", "ENTERED"),
                        ("left", "LEFT BY"),
                    ],
                );
            });
        }
        Journeys::Enter { name, email } => {
            let contact = backend.contact(&email).await?;
            let args = json!({ "id": id(backend, &name).await?, "contact": contact });
            let done = backend.mutate("journeys.enter", args).await?;
            answer(json, &done, |_| {
                output::line(format!("{email} entered “{name}”."))
            });
        }
        Journeys::Simulate { name, days, seed } => {
            let id = id(backend, &name).await?;
            let journey = backend.query("journeys.get", json!({ "id": id })).await?;
            let args = json!({ "document": journey["document"], "days": days, "seed": seed, "start": null });
            let report = backend.job("journeys.simulate", args).await?;
            answer(json, &report, |report| simulated(report, &journey["document"]));
        }
        Journeys::Try { name, email, days } => {
            let id = id(backend, &name).await?;
            let journey = backend.query("journeys.get", json!({ "id": id })).await?;
            let contact = backend.contact(&email).await?;
            let args = json!({ "document": journey["document"], "contact": contact, "days": days });
            let facts = backend.query("journeys.try", args).await?;
            answer(json, &facts, walk);
        }
        Journeys::Path { name, email } => {
            let contact = backend.contact(&email).await?;
            let args = json!({ "id": id(backend, &name).await?, "contact": contact });
            let path = backend.query("journeys.path", args).await?;
            answer(json, &path, walk);
        }
    }
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
        output::line(format!("“{name}” is {}.", output::cell(&d["state"])))
    });
    Ok(())
}

fn problems(found: &Value) {
    for problem in found.as_array().into_iter().flatten() {
        output::line(format!(
            "  {}: {}",
            output::cell(&problem["severity"]),
            carillon_app::journeys::problem_sentence(problem)
        ));
    }
}

/// The facts of a passage, one a line.
fn walk(facts: &Value) {
    let list = facts.as_array().or_else(|| facts["facts"].as_array());
    for fact in list.into_iter().flatten() {
        let what = match fact["fact"].as_str() {
            Some("entered") => "enters".to_owned(),
            Some("waiting") => match fact["until"].as_str() {
                Some(until) => format!("waits until {until}"),
                None => "waits".to_owned(),
            },
            Some("left") => format!(
                "leaves by {}{}",
                output::cell(&fact["port"]),
                because(&fact["because"])
            ),
            Some("did") => format!("does {}", did(&fact["effect"])),
            Some("learned") => format!("learns that the message was {}", output::cell(&fact["outcome"])),
            Some("ended") => format!("ends: {}", ended(&fact["end"])),
            _ => String::new(),
        };
        output::line(format!(
            "{}  {:<14} {what}",
            output::cell(&fact["at"]),
            output::cell(&fact["step"])
        ));
    }
}

fn did(effect: &Value) -> String {
    match effect["effect"].as_str() {
        Some("send") => format!("send “{}”", output::cell(&effect["template"])),
        Some("set_field") => format!(
            "set {} to {}",
            output::cell(&effect["key"]),
            output::cell(&effect["value"])
        ),
        Some("add_tag") => format!("add the tag {}", output::cell(&effect["tag"])),
        Some("remove_tag") => format!("remove the tag {}", output::cell(&effect["tag"])),
        Some("post_event") => format!("post {}", output::cell(&effect["name"])),
        _ => effect.to_string(),
    }
}

fn ended(end: &Value) -> String {
    let reason = output::cell(&end["reason"]);
    if reason.is_empty() {
        output::cell(&end["end"])
    } else {
        format!("{} ({reason})", output::cell(&end["end"]))
    }
}

fn because(evidence: &Value) -> String {
    let parts: Vec<String> = evidence
        .as_array()
        .into_iter()
        .flatten()
        .map(|e| format!("{} = {}", output::cell(&e["about"]), output::cell(&e["value"])))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(", because {}", parts.join("; "))
    }
}

/// What a step is called: its name, or what it is.
fn title(document: &Value, id: &str) -> String {
    let steps = document["steps"].as_array().into_iter().flatten();
    let found = steps.into_iter().find(|step| step["id"] == id);
    found.map_or_else(String::new, |step| match step["name"].as_str() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => output::cell(&step["kind"]).replace('_', " "),
    })
}

fn simulated(report: &Value, document: &Value) {
    let sum = |days: &Value| -> u64 {
        days.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .sum()
    };
    output::line(format!(
        "{} passages of {} contacts in {} days; {} messages, {} that the gate would refuse; {} are still inside.",
        report["entered"],
        report["contacts"],
        report["days"],
        sum(&report["mails"]),
        sum(&report["refused"]),
        report["never_left"]
    ));
    let steps = report["steps"].as_array().into_iter().flatten().map(|step| {
        let left = step["left"].as_array().into_iter().flatten();
        let left: Vec<String> = left.map(|p| format!("{} {}", output::cell(&p["port"]), sum(&p["per_day"]))).collect();
        let id = output::cell(&step["step"]);
        json!({ "step": id, "title": title(document, &id), "entered": sum(&step["entered"]), "waiting": step["waiting"], "left": left.join(", ") })
    });
    output::table(
        &Value::Array(steps.collect()),
        &[
            ("step", "STEP"),
            ("title", "TITLE"),
            ("entered", "ENTERED"),
            ("waiting", "STILL HERE"),
            ("left", "LEFT BY"),
        ],
    );
    for end in report["ended"].as_array().into_iter().flatten() {
        output::line(format!("{:>9}  {}", end["count"], ended(&end["end"])));
    }
}
