//! campaigns.

use super::answer;
use crate::args::Campaigns;
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

async fn id(backend: &Backend, name: &str) -> Result<Value> {
    Ok(backend.find("campaigns.list", name, "campaign").await?["id"].clone())
}

pub async fn campaigns(backend: &Backend, json: bool, verb: Campaigns) -> Result<()> {
    match verb {
        Campaigns::List => list(backend, json).await,
        create @ Campaigns::Create { .. } => {
            let campaign = set_up(create)?;
            let made = backend
                .mutate("campaigns.save", json!({ "campaign": campaign }))
                .await?;
            answer(json, &made, |made| {
                say!("campaigns.created", name = made["campaign"]["name"])
            });
            Ok(())
        }
        Campaigns::Show { name } => {
            let seen = backend
                .query("campaigns.get", json!({ "id": id(backend, &name).await? }))
                .await?;
            answer(json, &seen, shown);
            Ok(())
        }
        Campaigns::Preview { name } => {
            let seen = backend
                .query("campaigns.preview", json!({ "id": id(backend, &name).await? }))
                .await?;
            answer(json, &seen, previewed);
            Ok(())
        }
        Campaigns::Start {
            name,
            count,
            may_differ,
        } => {
            let args = json!({ "id": id(backend, &name).await?, "count": count, "may_differ": may_differ });
            let started = backend.mutate("campaigns.start", args).await?;
            answer(json, &started, |s| {
                say!(
                    "campaigns.started",
                    name = name,
                    n = s["count"],
                    until = s["recall_until"]
                )
            });
            Ok(())
        }
        Campaigns::Recall { name } => state(backend, json, "recall", &name).await,
        Campaigns::RecallTime { set } => {
            let found = match set {
                Some(secs) => {
                    backend
                        .mutate("campaigns.set_recall_secs", json!({ "secs": secs }))
                        .await?
                }
                None => backend.query("campaigns.recall_secs", json!({})).await?,
            };
            answer(json, &found, |found| {
                say!("campaigns.recall_time", n = found["secs"])
            });
            Ok(())
        }
        Campaigns::Pause { name } => state(backend, json, "pause", &name).await,
        Campaigns::Resume { name } => state(backend, json, "resume", &name).await,
        Campaigns::Stop { name } => state(backend, json, "stop", &name).await,
        Campaigns::Result { name } => result(backend, json, &name).await,
        Campaigns::Choose { name, variant } => {
            let args = json!({ "id": id(backend, &name).await?, "variant": variant - 1 });
            let now = backend.mutate("campaigns.choose", args).await?;
            answer(json, &now, |now| said(&name, now));
            Ok(())
        }
    }
}

async fn list(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("campaigns.list", json!({})).await?;
    answer(json, &rows, |rows| {
        let columns = [
            ("name", "name"),
            ("state", "state"),
            ("segment", "segment"),
            ("count", "confirmed"),
            ("accepted", "accepted"),
            ("waiting", "waiting"),
        ];
        output::table(rows, &columns);
    });
    Ok(())
}

fn set_up(verb: Campaigns) -> Result<Value> {
    let Campaigns::Create {
        name,
        segment,
        exclude,
        template,
        subject,
        account,
        transactional,
        at,
        local,
        skip_past,
    } = verb
    else {
        return Ok(Value::Null);
    };
    let past = if skip_past { "skip" } else { "send_now" };
    let when = match (at, local) {
        (Some(at), _) => json!({ "when": "at", "at": at }),
        (None, Some(local)) => json!({ "when": "at_local", "at": local_time(&local)?, "past": past }),
        (None, None) => json!({ "when": "now" }),
    };
    Ok(json!({
        "name": name, "segment": segment, "exclude": exclude, "account": account, "when": when,
        "variants": [{ "template": template, "subject": subject }],
        "purpose": if transactional { "transactional" } else { "marketing" },
    }))
}

/// `2026-06-01 09:00` as the table writes it.
fn local_time(text: &str) -> Result<String> {
    let (day, time) = text
        .trim()
        .split_once([' ', 'T'])
        .ok_or_else(|| fail(Code::Invalid, "campaigns.bad_local", &[("text", &text)]))?;
    let seconds = if time.matches(':').count() == 1 { ":00" } else { "" };
    Ok(format!("{day}T{time}{seconds}"))
}

async fn state(backend: &Backend, json: bool, verb: &str, name: &str) -> Result<()> {
    let args = json!({ "id": id(backend, name).await? });
    let now = backend.mutate(&format!("campaigns.{verb}"), args).await?;
    answer(json, &now, |now| said(name, now));
    Ok(())
}

fn said(name: &str, now: &Value) {
    say!(
        "campaigns.now",
        name = name,
        state = word("campaign_states", &now["state"])
    );
}

fn shown(seen: &Value) {
    let campaign = &seen["campaign"];
    said(&output::cell(&campaign["name"]), seen);
    output::facts(campaign, &[("segment", "segment"), ("account", "account")]);
    let progress = &seen["progress"];
    if progress.is_null() {
        return;
    }
    say!(
        "campaigns.gets",
        n = progress["gets"],
        held = progress["held_out"]
    );
    output::table(
        &progress["domains"],
        &[
            ("domain", "domain"),
            ("accepted", "accepted"),
            ("waiting", "waiting"),
            ("bounced", "bounced"),
            ("not_sent", "not_sent"),
            ("unknown", "unknown"),
        ],
    );
    if let Some(at) = progress["forecast"]["finishes_at"].as_str() {
        say!("campaigns.done_by", at = at);
    }
}

fn previewed(seen: &Value) {
    say!(
        "campaigns.would",
        n = seen["gets"],
        members = seen["members"],
        held = seen["held_out"]
    );
    for out in seen["left_out"].as_array().into_iter().flatten() {
        output::line(text!(
            "campaigns.left_out",
            n = out["count"],
            why = word("campaign_reasons", &out["reason"])
        ));
    }
    output::table(&seen["domains"], &[("domain", "domain"), ("count", "count")]);
    for problem in seen["problems"].as_array().into_iter().flatten() {
        output::line(output::cell(&problem["message"]));
    }
}

async fn result(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let args = json!({ "id": id(backend, name).await? });
    let seen = backend.query("campaigns.get", args).await?;
    let test = &seen["test"];
    if test.is_null() {
        return Err(fail(Code::Refused, "campaigns.no_test", &[("name", &name)]));
    }
    answer(json, test, |test| {
        let verdict = &test["verdict"];
        let verdict_word = word("verdicts", &verdict["verdict"]);
        match verdict["arm"].as_u64() {
            Some(arm) => say!("campaigns.verdict_of", verdict = verdict_word, variant = arm + 1),
            None => say!("campaigns.verdict", verdict = verdict_word),
        }
        let arms = test["arms"].as_array().into_iter().flatten().enumerate();
        let rows: Vec<Value> = arms
            .map(|(at, arm)| {
                let share = |key: &str| format!("{:.2} %", arm[key].as_f64().unwrap_or(0.0) * 100.0);
                json!({
                    "variant": at + 1, "accepted": arm["accepted"], "recipients": arm["recipients"], "hits": arm["hits"],
                    "rate": share("rate"), "from": share("rate_low"), "to": share("rate_high"),
                })
            })
            .collect();
        let columns = [
            ("variant", "variant"),
            ("accepted", "accepted"),
            ("recipients", "counted"),
            ("hits", "hits"),
            ("rate", "rate"),
            ("from", "from_rate"),
            ("to", "to_rate"),
        ];
        output::table(&json!(rows), &columns);
    });
    Ok(())
}
