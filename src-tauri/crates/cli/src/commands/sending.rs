//! templates, accounts, outbox.

use super::answer;
use crate::args::{Accounts, AddSmtp, Outbox, Templates};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::{ApiError, Code, Result, fail, sentence};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

pub async fn templates(backend: &Backend, json: bool, verb: Templates) -> Result<()> {
    match verb {
        Templates::List => {
            let rows = backend.query("templates.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "name"),
                        ("subject", "subject"),
                        ("used_by", "journeys"),
                        ("updated_at", "changed"),
                    ],
                )
            });
        }
        Templates::Import { file, name, subject } => import(backend, json, &file, name, subject).await?,
        Templates::Starters => {
            let added = backend.mutate("templates.add_starters", json!({})).await?;
            answer(json, &added, |a| {
                output::table(a, &[("name", "added"), ("subject", "subject")])
            });
        }
        Templates::Render { name, email, html } => render(backend, json, &name, &email, html).await?,
        Templates::Missing { name, expression } => {
            let draft = saved_draft(backend, &name).await?;
            let report = backend
                .query(
                    "templates.missing",
                    json!({ "draft": draft, "where": expression }),
                )
                .await?;
            answer(json, &report, |r| {
                say!("templates.complete", n = r["complete"], total = r["looked_at"]);
                if r["missing"].as_array().is_some_and(|rows| !rows.is_empty()) {
                    output::table(
                        &r["missing"],
                        &[
                            ("key", "value"),
                            ("count", "missing_for"),
                            ("has_fallback", "fallback"),
                        ],
                    );
                }
            });
        }
        Templates::Delete { name } => {
            let row = backend.find("templates.list", &name, "template").await?;
            let done = backend
                .mutate("templates.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("templates.removed", name = name));
        }
    }
    Ok(())
}

async fn import(
    backend: &Backend,
    json: bool,
    file: &Path,
    name: Option<String>,
    subject: Option<String>,
) -> Result<()> {
    let args = json!({ "file": { "path": absolute(file) }, "name": name, "subject": subject });
    let mut saved = backend.mutate("templates.import_file", args).await?;
    let args = json!({ "draft": draft(&saved), "contact": null });
    let rendered = backend.query("templates.render", args).await?;
    let broken = rendered["problems"].as_array().into_iter().flatten();
    let broken = broken.filter(|problem| problem["severity"] == json!("error"));
    saved["problems"] = Value::Array(broken.cloned().collect());
    answer(json, &saved, |t| {
        say!("templates.imported", name = t["name"]);
        problems(&t["problems"]);
    });
    Ok(())
}

async fn render(backend: &Backend, json: bool, name: &str, email: &str, html: Option<PathBuf>) -> Result<()> {
    let draft = saved_draft(backend, name).await?;
    let contact = backend.contact(email).await?;
    let rendered = backend
        .query(
            "templates.render",
            json!({ "draft": draft, "contact": contact, "with_html": true }),
        )
        .await?;
    let mut found = rendered["problems"].as_array().into_iter().flatten();
    if let Some(broken) = found.find(|p| p["severity"] == json!("error")) {
        let detail = output::cell(&broken["message"]);
        return Err(fail(
            Code::Refused,
            "templates.broken",
            &[("name", &name), ("detail", &detail)],
        ));
    }
    if let Some(to) = html {
        let html = output::cell(&rendered["html"]);
        carillon_app::files::write_chosen(&absolute(&to), html.as_bytes())?;
    }
    answer(json, &rendered, |r| {
        output::facts(r, &[("subject", "subject"), ("preheader", "preheader")]);
        output::line("");
        output::line(output::cell(&r["text"]));
        problems(&r["problems"]);
    });
    Ok(())
}

async fn saved_draft(backend: &Backend, name: &str) -> Result<Value> {
    let row = backend.find("templates.list", name, "template").await?;
    let saved = backend.query("templates.get", json!({ "id": row["id"] })).await?;
    Ok(draft(&saved))
}

/// A saved template as a draft to be rendered.
fn draft(saved: &Value) -> Value {
    let parts = ["name", "subject", "preheader", "body", "text"];
    parts
        .into_iter()
        .map(|part| (part.to_owned(), saved[part].clone()))
        .collect()
}

/// What is wrong with a template, or missing in it.
fn problems(found: &Value) {
    for problem in found.as_array().into_iter().flatten() {
        output::line(format!(
            "  {}: {}",
            word("severities", &problem["severity"]),
            output::cell(&problem["message"])
        ));
    }
}

/// A secret from standard input, without its line end. Not shown while somebody types it.
fn secret(asked: &str) -> Result<String> {
    let text = match std::io::stdin().is_terminal() {
        true => typed(asked)?,
        false => piped()?,
    };
    match text.is_empty() {
        true => Err(fail(Code::Invalid, "cli.no_password", &[])),
        false => Ok(text),
    }
}

/// Two secrets from standard input: what stands before the last line, and that line.
fn two_secrets(asked: &[String; 2]) -> Result<(String, String)> {
    let (first, second) = match std::io::stdin().is_terminal() {
        true => (typed(&asked[0])?, typed(&asked[1])?),
        false => {
            let text = piped()?;
            let (first, second) = text.rsplit_once('\n').unwrap_or((&text, ""));
            (first.trim().to_owned(), second.to_owned())
        }
    };
    match first.is_empty() || second.is_empty() {
        true => Err(fail(Code::Invalid, "cli.not_both", &[])),
        false => Ok((first, second)),
    }
}

fn typed(asked: &str) -> Result<String> {
    eprint!("{asked}");
    Ok(console::Term::stderr().read_secure_line()?)
}

fn piped() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(16 * 1024)
        .read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn add_smtp(backend: &Backend, json: bool, how: AddSmtp) -> Result<()> {
    let port = how.port.unwrap_or(match how.tls.as_str() {
        "tls" => 465,
        "none" => 25,
        _ => 587,
    });
    let from_email = how.from_email.unwrap_or_else(|| how.user.clone());
    let args = json!({
        "account": {
            "name": how.name, "host": how.host, "port": port, "tls": how.tls, "user": how.user,
            "from_name": how.from_name, "from_email": from_email, "reply_to": how.reply_to,
            // Another process may send through it, in another folder.
            "ca_file": how.ca_file.as_deref().map(absolute), "preset": how.preset,
            "per_day": how.per_day.unwrap_or(0), "per_minute": how.per_minute.unwrap_or(0),
            "sessions": how.sessions.unwrap_or(0),
        },
    });
    let account = backend.mutate("accounts.add", args).await?;
    if !how.user.is_empty()
        && let Err(e) = keep_secret(backend, &account, how.passphrase_file).await
    {
        // An account that can never send helps nobody: all or nothing.
        let _ = backend
            .mutate("accounts.delete", json!({ "id": account["id"] }))
            .await;
        return Err(e);
    }
    answer(json, &account, |a| say!("accounts.added", name = a["name"]));
    Ok(())
}

/// Asks for a secret; whoever breaks off is heard.
pub(super) async fn ask(backend: &Backend, asked: String) -> Result<String> {
    heard(backend, move || secret(&asked)).await
}

/// Asks for two secrets, as [`ask`] for one.
pub(super) async fn ask_two(backend: &Backend, asked: [String; 2]) -> Result<(String, String)> {
    heard(backend, move || two_secrets(&asked)).await
}

async fn heard<T: Send + 'static>(
    backend: &Backend,
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::select! {
        read = tokio::task::spawn_blocking(read) => read.map_err(ApiError::internal)?,
        () = backend.interrupt.asked() => {
            show_typing();
            Err(fail(Code::Cancelled, "cli.stopped", &[]))
        }
    }
}

async fn keep_secret(backend: &Backend, account: &Value, in_file: bool) -> Result<()> {
    let password = ask(backend, text!("accounts.ask_password")).await?;
    let args = json!({
        "id": account["id"],
        "secret": password,
        "keep": if in_file { "passphrase_file" } else { "keychain" },
        "passphrase": std::env::var("CARILLON_PASSPHRASE").ok(),
    });
    backend.mutate("accounts.set_secret", args).await.map(drop)
}

/// Whoever breaks off at the password has a terminal again that shows what is typed.
fn show_typing() {
    if cfg!(unix) && std::io::stdin().is_terminal() {
        let _ = std::process::Command::new("stty").arg("echo").status();
    }
}

async fn switch(backend: &Backend, json: bool, name: &str, off: bool) -> Result<()> {
    let row = backend.find("accounts.list", name, "account").await?;
    let done = backend
        .mutate("accounts.switch", json!({ "id": row["id"], "off": off }))
        .await?;
    answer(json, &done, |_| match off {
        true => say!("accounts.switched_off", name = name),
        false => say!("accounts.switched_on", name = name),
    });
    Ok(())
}

async fn make_dkim(
    backend: &Backend,
    json: bool,
    name: &str,
    [domain, selector]: [&str; 2],
    in_file: bool,
) -> Result<()> {
    let row = backend.find("accounts.list", name, "account").await?;
    let args = json!({
        "id": row["id"], "domain": domain, "selector": selector,
        "keep": if in_file { "passphrase_file" } else { "keychain" },
        "passphrase": std::env::var("CARILLON_PASSPHRASE").ok(),
    });
    let record = backend.mutate("accounts.dkim_make", args).await?;
    answer(json, &record, |r| {
        say!(
            "accounts.dkim_made",
            name = name,
            record = r["name"],
            value = r["value"]
        )
    });
    Ok(())
}

async fn switch_dkim(backend: &Backend, json: bool, name: &str, on: bool) -> Result<()> {
    let row = backend.find("accounts.list", name, "account").await?;
    let done = backend
        .mutate("accounts.dkim_switch", json!({ "id": row["id"], "on": on }))
        .await?;
    answer(json, &done, |_| match on {
        true => say!("accounts.dkim_on", name = name),
        false => say!("accounts.dkim_off", name = name),
    });
    Ok(())
}

async fn list(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("accounts.list", json!({})).await?;
    answer(json, &rows, |rows| {
        output::table(
            rows,
            &[
                ("name", "name"),
                ("from_email", "from"),
                ("host", "host"),
                ("port", "port"),
                ("tls", "tls"),
                ("secret", "secret"),
                ("off", "off"),
                ("sent_24_hours", "sent_24_hours"),
                ("per_day", "per_day"),
            ],
        )
    });
    Ok(())
}

/// Lets an account sign in at a provider, with a registration of the user's own there.
async fn register(backend: &Backend, row: &Value, provider: &str, client_id: &str) -> Result<()> {
    let presets = backend.query("mailboxes.presets", json!({})).await?;
    let all = presets["providers"].as_array().cloned().unwrap_or_default();
    let Some(preset) = all.iter().find(|preset| preset["key"] == provider) else {
        let keys: Vec<String> = all.iter().map(|preset| output::cell(&preset["key"])).collect();
        let options = keys.join(", ");
        let params: [(&str, &dyn std::fmt::Display); 2] = [("name", &provider), ("options", &options)];
        return Err(fail(Code::Invalid, "accounts.bad_provider", &params));
    };
    let mut account = json!({ "auth": { "kind": "oauth", "provider": preset["provider"] } });
    account["auth"]["provider"]["client_id"] = json!(client_id);
    let kept = [
        "name",
        "host",
        "port",
        "tls",
        "user",
        "from_name",
        "from_email",
        "reply_to",
        "ca_file",
        "per_day",
        "per_minute",
        "sessions",
        "preset",
    ];
    for key in kept {
        account[key] = row[key].clone();
    }
    let args = json!({ "id": row["id"], "account": account });
    backend.mutate("accounts.update", args).await.map(drop)
}

async fn sign_in(backend: &Backend, json: bool, row: &Value, in_file: bool) -> Result<()> {
    let args = json!({
        "id": row["id"],
        "keep": if in_file { "passphrase_file" } else { "keychain" },
        "passphrase": std::env::var("CARILLON_PASSPHRASE").ok(),
    });
    let started = backend.mutate("accounts.sign_in", args).await?;
    // Beside the answer: whoever pipes that sees where to sign in all the same.
    eprintln!("{}", text!("accounts.sign_in", url = started["url"]));
    backend.finish(&started).await?;
    answer(json, &json!({}), |_| {
        say!("accounts.signed_in", name = row["name"])
    });
    Ok(())
}

async fn test(backend: &Backend, json: bool, name: &str, to: &str) -> Result<()> {
    let row = backend.find("accounts.list", name, "account").await?;
    let tested = backend
        .mutate(
            "accounts.test",
            json!({ "id": row["id"], "to": to, "template": null }),
        )
        .await?;
    answer(json, &tested, |t| {
        let phases = t["phases"].as_array().into_iter().flatten().cloned();
        let phases = phases.map(|mut row| {
            row["phase"] = Value::String(word("phases", &row["phase"]));
            row
        });
        output::table(
            &Value::Array(phases.collect()),
            &[("phase", "phase"), ("ok", "ok"), ("detail", "detail")],
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
    Ok(())
}

pub async fn accounts(backend: &Backend, json: bool, verb: Accounts) -> Result<()> {
    match verb {
        Accounts::List => list(backend, json).await?,
        Accounts::AddSmtp(how) => add_smtp(backend, json, how).await?,
        Accounts::AddApi(how) => super::providers::add_account(backend, json, how).await?,
        Accounts::Presets => {
            let rows = backend.query("presets.senders", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("key", "preset"),
                        ("per_day", "per_day"),
                        ("per_minute", "per_minute"),
                        ("sessions", "sessions"),
                        ("dated", "dated"),
                        ("note", "note"),
                    ],
                )
            });
        }
        Accounts::Test { name, to } => test(backend, json, &name, &to).await?,
        Accounts::Password {
            name,
            passphrase_file,
        } => {
            let row = backend.find("accounts.list", &name, "account").await?;
            keep_secret(backend, &row, passphrase_file).await?;
            answer(json, &json!({}), |_| say!("accounts.password_kept", name = name));
        }
        Accounts::SignIn {
            name,
            provider,
            client_id,
            passphrase_file,
        } => {
            let row = backend.find("accounts.list", &name, "account").await?;
            if let (Some(provider), Some(client_id)) = (provider, client_id) {
                register(backend, &row, &provider, &client_id).await?;
            }
            sign_in(backend, json, &row, passphrase_file).await?;
        }
        Accounts::DkimMake {
            name,
            domain,
            selector,
            passphrase_file,
        } => make_dkim(backend, json, &name, [&domain, &selector], passphrase_file).await?,
        Accounts::DkimOn { name } => switch_dkim(backend, json, &name, true).await?,
        Accounts::DkimOff { name } => switch_dkim(backend, json, &name, false).await?,
        Accounts::Unlock => {
            let passphrase = ask(backend, text!("accounts.ask_passphrase")).await?;
            let done = backend
                .mutate("accounts.unlock", json!({ "passphrase": passphrase }))
                .await?;
            answer(json, &done, |_| say!("accounts.unlocked"));
        }
        Accounts::Off { name } => switch(backend, json, &name, true).await?,
        Accounts::On { name } => switch(backend, json, &name, false).await?,
        Accounts::Delete { name } => {
            let row = backend.find("accounts.list", &name, "account").await?;
            let done = backend
                .mutate("accounts.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("accounts.removed", name = name));
        }
    }
    Ok(())
}

/// What still waits to leave after a run, and what keeps it from leaving.
pub fn waiting(summary: &Value) {
    let states = summary["by_state"].as_array().into_iter().flatten();
    let waiting =
        states.filter(|row| matches!(row["state"].as_str(), Some("queued" | "deferred" | "frozen")));
    let n: u64 = waiting.filter_map(|row| row["count"].as_u64()).sum();
    if n > 0 {
        say!("outbox.waiting", n = n);
    }
    hindrances(summary);
}

/// What keeps messages from leaving: that somebody paused them, or an account that cannot send.
fn hindrances(summary: &Value) {
    if let Some(why @ ("restored" | "paused")) = summary["closed"].as_str() {
        output::line(sentence(&format!("outbox.closed.{why}"), &[]));
    }
    for trouble in summary["troubles"].as_array().into_iter().flatten() {
        say!("outbox.trouble", why = trouble);
    }
}

pub async fn outbox(backend: &Backend, json: bool, verb: Outbox) -> Result<()> {
    match verb {
        Outbox::List { state, part } => {
            let states: Vec<String> = state.into_iter().collect();
            let args = json!({ "states": states, "journey": null, "search": null });
            let page = backend.rows("outbox.page", args, part).await?;
            let summary = backend.query("outbox.summary", json!({})).await?;
            let both = json!({ "rows": page["rows"], "total": page["total"], "summary": summary });
            answer(json, &both, |both| {
                output::table(
                    &both["rows"],
                    &[
                        ("id", "id"),
                        ("state", "state"),
                        ("to", "to"),
                        ("template_name", "template"),
                        ("queued_at", "queued"),
                        ("attempts", "tries"),
                        ("last_word", "last_word"),
                    ],
                );
                hindrances(&both["summary"]);
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
            answer(json, &done, |d| say!("outbox.resolved", n = d["changed"]));
        }
        Outbox::Pause => {
            let sending = backend.mutate("outbox.pause", json!({})).await?;
            answer(json, &sending, |_| say!("outbox.paused"));
        }
        Outbox::Resume => {
            let sending = backend.mutate("outbox.resume", json!({})).await?;
            answer(json, &sending, |_| say!("outbox.resumed"));
        }
    }
    Ok(())
}
