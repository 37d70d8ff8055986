//! templates, accounts, outbox.

use super::answer;
use crate::args::{Accounts, Outbox, Templates};
use crate::backend::{Backend, absolute};
use crate::output;
use carillon_app::error::{Code, Result, fail, sentence};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};

pub async fn templates(backend: &Backend, json: bool, verb: Templates) -> Result<()> {
    match verb {
        Templates::List => {
            let rows = backend.query("templates.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "NAME"),
                        ("subject", "SUBJECT"),
                        ("used_by", "JOURNEYS"),
                        ("updated_at", "CHANGED"),
                    ],
                )
            });
        }
        Templates::Import { file, name, subject } => {
            let args = json!({ "file": { "path": absolute(&file) }, "name": name, "subject": subject });
            let saved = backend.mutate("templates.import_file", args).await?;
            answer(json, &saved, |t| {
                output::line(format!("Imported “{}”.", output::cell(&t["name"])))
            });
        }
        Templates::Starters => {
            let added = backend.mutate("templates.add_starters", json!({})).await?;
            answer(json, &added, |a| {
                output::table(a, &[("name", "ADDED"), ("subject", "SUBJECT")])
            });
        }
        Templates::Render { name, email, html } => {
            let row = backend.find("templates.list", "name", &name, "template").await?;
            let template = backend.query("templates.get", json!({ "id": row["id"] })).await?;
            let contact = backend.contact(&email).await?;
            let draft = json!({ "name": template["name"], "subject": template["subject"], "preheader": template["preheader"], "body": template["body"], "text": template["text"] });
            let rendered = backend
                .query(
                    "templates.render",
                    json!({ "draft": draft, "contact": contact, "with_html": true }),
                )
                .await?;
            if let Some(to) = html {
                carillon_app::files::write_whole(&to, output::cell(&rendered["html"]).as_bytes())?;
            }
            answer(json, &rendered, |r| {
                output::line(format!(
                    "Subject: {}\nPreheader: {}\n",
                    output::cell(&r["subject"]),
                    output::cell(&r["preheader"])
                ));
                output::line(output::cell(&r["text"]));
                for problem in r["problems"].as_array().into_iter().flatten() {
                    output::line(format!(
                        "{}: {}",
                        output::cell(&problem["severity"]),
                        output::cell(&problem["message"])
                    ));
                }
            });
        }
        Templates::Missing { name, expression } => {
            let row = backend.find("templates.list", "name", &name, "template").await?;
            let template = backend.query("templates.get", json!({ "id": row["id"] })).await?;
            let draft = json!({ "name": template["name"], "subject": template["subject"], "preheader": template["preheader"], "body": template["body"], "text": template["text"] });
            let report = backend
                .query(
                    "templates.missing",
                    json!({ "draft": draft, "where": expression }),
                )
                .await?;
            answer(json, &report, |r| {
                output::line(format!(
                    "{} of {} have everything.",
                    r["complete"], r["looked_at"]
                ));
                output::table(
                    &r["missing"],
                    &[
                        ("key", "VALUE"),
                        ("count", "MISSING FOR"),
                        ("has_fallback", "FALLBACK"),
                    ],
                );
            });
        }
    }
    Ok(())
}

/// The secret from standard input, without its line end.
fn secret() -> Result<String> {
    let mut text = String::new();
    let mut stdin = std::io::stdin().lock();
    if std::io::stdin().is_terminal() {
        eprintln!("Password (it is shown while you type; better: printf %s \"$PASSWORD\" | carillon ...):");
        std::io::BufRead::read_line(&mut stdin, &mut text)?;
    } else {
        stdin.take(4096).read_to_string(&mut text)?;
    }
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        Err(fail(Code::Invalid, "cli.no_password", &[]))
    } else {
        Ok(text)
    }
}

pub async fn accounts(backend: &Backend, json: bool, verb: Accounts) -> Result<()> {
    match verb {
        Accounts::List => {
            let rows = backend.query("accounts.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "NAME"),
                        ("from_email", "FROM"),
                        ("host", "HOST"),
                        ("port", "PORT"),
                        ("tls", "TLS"),
                        ("secret", "SECRET"),
                        ("sent_24_hours", "SENT 24 H"),
                        ("per_day", "OF"),
                    ],
                )
            });
        }
        Accounts::AddSmtp {
            name,
            host,
            port,
            tls,
            user,
            from_email,
            from_name,
            reply_to,
            preset,
            per_day,
            per_minute,
            sessions,
            ca_file,
            passphrase_file,
        } => {
            if !["starttls", "tls", "none"].contains(&tls.as_str()) {
                return Err(fail(Code::Invalid, "accounts.bad_tls", &[("text", &tls)]));
            }
            let port = port.unwrap_or(match tls.as_str() {
                "tls" => 465,
                "none" => 25,
                _ => 587,
            });
            let password = if user.is_empty() { None } else { Some(secret()?) };
            let args = json!({
                "account": {
                    "name": name, "host": host, "port": port, "tls": tls, "user": user, "from_name": from_name,
                    "from_email": from_email, "reply_to": reply_to, "ca_file": ca_file, "preset": preset,
                    "per_day": per_day.unwrap_or(0), "per_minute": per_minute.unwrap_or(0), "sessions": sessions.unwrap_or(0),
                },
            });
            let account = backend.mutate("accounts.add", args).await?;
            if let Some(password) = password {
                let keep = if passphrase_file {
                    "passphrase_file"
                } else {
                    "keychain"
                };
                let set = backend
                    .mutate(
                        "accounts.set_secret",
                        json!({
                            "id": account["id"], "secret": password, "keep": keep,
                            "passphrase": std::env::var("CARILLON_PASSPHRASE").ok(),
                        }),
                    )
                    .await;
                if let Err(e) = set {
                    // An account that can never send helps nobody: all or nothing.
                    let _ = backend
                        .mutate("accounts.delete", json!({ "id": account["id"] }))
                        .await;
                    return Err(e);
                }
            }
            answer(json, &account, |a| {
                output::line(format!(
                    "Added “{}”. Try it: carillon accounts test {} --to you@example.com",
                    output::cell(&a["name"]),
                    output::cell(&a["name"])
                ))
            });
        }
        Accounts::Test { name, to } => {
            let row = backend.find("accounts.list", "name", &name, "account").await?;
            let tested = backend
                .mutate(
                    "accounts.test",
                    json!({ "id": row["id"], "to": to, "template": null }),
                )
                .await?;
            answer(json, &tested, |t| {
                output::table(
                    &t["phases"],
                    &[("phase", "PHASE"), ("ok", "OK"), ("detail", "DETAIL")],
                )
            });
            if tested["ok"] != json!(true) {
                let last = tested["phases"]
                    .as_array()
                    .and_then(|p| p.last())
                    .map(|p| output::cell(&p["detail"]))
                    .unwrap_or_default();
                return Err(fail(Code::Outside, "accounts.test_failed", &[("detail", &last)]));
            }
        }
        Accounts::Delete { name } => {
            let row = backend.find("accounts.list", "name", &name, "account").await?;
            let done = backend
                .mutate("accounts.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| {
                output::line(format!("Removed “{name}” and its password."))
            });
        }
    }
    Ok(())
}

pub async fn outbox(backend: &Backend, json: bool, verb: Outbox) -> Result<()> {
    match verb {
        Outbox::List { state, limit, offset } => {
            let states: Vec<String> = state.into_iter().collect();
            let args = json!({ "states": states, "journey": null, "search": null, "offset": offset, "limit": limit });
            let page = backend.query("outbox.page", args).await?;
            let summary = backend.query("outbox.summary", json!({})).await?;
            let both = json!({ "rows": page["rows"], "total": page["total"], "summary": summary });
            answer(json, &both, |both| {
                output::table(
                    &both["rows"],
                    &[
                        ("id", "ID"),
                        ("state", "STATE"),
                        ("to", "TO"),
                        ("template_name", "TEMPLATE"),
                        ("queued_at", "QUEUED"),
                        ("attempts", "TRIES"),
                        ("last_word", "LAST WORD"),
                    ],
                );
                if let Some(why @ ("restored" | "paused")) = both["summary"]["closed"].as_str() {
                    output::line(sentence(&format!("outbox.closed.{why}"), &[]));
                }
                for row in both["summary"]["by_state"].as_array().into_iter().flatten() {
                    output::line(format!("{:>9}  {}", row["count"], output::cell(&row["state"])));
                }
            });
        }
        Outbox::Resolve { state, outcome, id } => {
            let ids = if id.is_empty() { Value::Null } else { json!(id) };
            let done = backend
                .mutate(
                    "outbox.resolve_state",
                    json!({ "state": state, "as": outcome, "ids": ids }),
                )
                .await?;
            answer(json, &done, |d| {
                output::line(format!("{} messages resolved.", d["changed"]))
            });
        }
        Outbox::Pause => {
            let sending = backend.mutate("outbox.pause", json!({})).await?;
            answer(json, &sending, |_| {
                output::line("Sending is paused. Nothing leaves until it is resumed.")
            });
        }
        Outbox::Resume => {
            let sending = backend.mutate("outbox.resume", json!({})).await?;
            answer(json, &sending, |_| output::line("Sending goes on."));
        }
    }
    Ok(())
}
