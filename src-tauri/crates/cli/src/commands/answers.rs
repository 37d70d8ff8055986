//! mailboxes, relay, responses.

use super::{answer, sending};
use crate::args::{AddMailbox, Mailboxes, Relay, Responses};
use crate::backend::{Backend, absolute};
use crate::output;
use crate::words::{say, text};
use base64::Engine;
use carillon_app::error::{ApiError, Code, Result, fail};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

fn keep(in_file: bool) -> &'static str {
    if in_file { "passphrase_file" } else { "keychain" }
}

fn passphrase() -> Option<String> {
    std::env::var("CARILLON_PASSPHRASE").ok()
}

pub async fn mailboxes(backend: &Backend, json: bool, verb: Mailboxes) -> Result<()> {
    match verb {
        Mailboxes::List => {
            let rows = backend.query("mailboxes.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "name"),
                        ("host", "host"),
                        ("user", "user"),
                        ("off", "off"),
                        ("read_at", "read_at"),
                        ("trouble", "trouble"),
                    ],
                )
            });
        }
        Mailboxes::Add(how) => add(backend, json, how).await?,
        Mailboxes::Test { name } => test(backend, json, &name).await?,
        Mailboxes::ReadNow => {
            backend.job("mailboxes.read_now", json!({})).await?;
            let heard = backend.query("listening.get", json!({})).await?;
            answer(json, &heard, |heard| {
                output::table(
                    &heard["sources"],
                    &[
                        ("label", "source"),
                        ("read_at", "read_at"),
                        ("trouble", "trouble"),
                    ],
                )
            });
        }
        Mailboxes::Off { name } => switch(backend, json, &name, true).await?,
        Mailboxes::On { name } => switch(backend, json, &name, false).await?,
        Mailboxes::Delete { name } => {
            let row = backend.find("mailboxes.list", &name, "mailbox").await?;
            let done = backend
                .mutate("mailboxes.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("mailboxes.removed", name = name));
        }
        // Needs no workspace, and is told before one is opened.
        Mailboxes::Read { files } => read(json, &files)?,
    }
    Ok(())
}

/// What mails in files are, by the rules of this build.
pub fn read(json: bool, files: &[PathBuf]) -> Result<()> {
    let mut all = Vec::new();
    for file in files {
        let raw = bytes(file)?;
        let mut notice = carillon_app::intake::describe_mail(&raw)?;
        notice["file"] = json!(file.display().to_string());
        all.push(notice);
    }
    answer(json, &Value::Array(all), |all| {
        for notice in all.as_array().into_iter().flatten() {
            say!(
                "mailboxes.is",
                file = notice["file"],
                kind = notice["kind"],
                subject = notice["subject"]
            );
            for recipient in notice["recipients"].as_array().into_iter().flatten() {
                let said = [
                    &recipient["class"],
                    &recipient["status"],
                    &recipient["diagnostic"],
                ];
                let said: Vec<String> = said
                    .into_iter()
                    .filter(|part| !part.is_null())
                    .map(output::cell)
                    .collect();
                output::line(format!(
                    "  {}: {}",
                    output::cell(&recipient["address"]),
                    said.join(" ")
                ));
            }
        }
    });
    Ok(())
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        fail(
            Code::Invalid,
            "cli.no_file",
            &[("file", &file.display()), ("why", &error)],
        )
    })
}

async fn add(backend: &Backend, json: bool, how: AddMailbox) -> Result<()> {
    let port = how.port.unwrap_or(if how.tls == "tls" { 993 } else { 143 });
    let args = json!({
        "mailbox": {
            "name": how.name, "host": how.host, "port": port, "tls": how.tls, "user": how.user,
            "folders": how.folders, "ca_file": how.ca_file.as_deref().map(absolute),
        },
    });
    let mailbox = backend.mutate("mailboxes.add", args).await?;
    let kept = async {
        let password = sending::ask(backend, text!("accounts.ask_password")).await?;
        let args = json!({
            "id": mailbox["id"], "secret": password, "keep": keep(how.passphrase_file), "passphrase": passphrase(),
        });
        backend.mutate("mailboxes.set_secret", args).await
    };
    if let Err(error) = kept.await {
        // A mailbox nobody can open would only keep mail from leaving: all or nothing.
        let _ = backend
            .mutate("mailboxes.delete", json!({ "id": mailbox["id"] }))
            .await;
        return Err(error);
    }
    answer(json, &mailbox, |m| say!("mailboxes.added", name = m["name"]));
    Ok(())
}

async fn switch(backend: &Backend, json: bool, name: &str, off: bool) -> Result<()> {
    let row = backend.find("mailboxes.list", name, "mailbox").await?;
    let done = backend
        .mutate("mailboxes.switch", json!({ "id": row["id"], "off": off }))
        .await?;
    answer(json, &done, |_| match off {
        true => say!("mailboxes.switched_off", name = name),
        false => say!("mailboxes.switched_on", name = name),
    });
    Ok(())
}

async fn test(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let row = backend.find("mailboxes.list", name, "mailbox").await?;
    let tested = backend
        .mutate("mailboxes.test", json!({ "id": row["id"] }))
        .await?;
    if tested["ok"] != json!(true) {
        let why = output::cell(&tested["message"]);
        return Err(fail(Code::Outside, "mailboxes.test_failed", &[("detail", &why)]));
    }
    answer(json, &tested, |t| {
        say!("mailboxes.tested", server = t["message"], mails = t["mails"]);
        output::table(&t["folders"], &[("name", "folder"), ("junk", "junk")]);
    });
    Ok(())
}

pub async fn relay(backend: &Backend, json: bool, verb: Relay) -> Result<()> {
    match verb {
        Relay::Show => show(json, &backend.query("relay.get", json!({})).await?),
        Relay::Pair {
            machine,
            ca_file,
            passphrase_file,
        } => {
            let code = sending::ask(backend, text!("relay.ask_code")).await?;
            let args = json!({
                "code": code, "machine": machine, "ca_file": ca_file.as_deref().map(absolute),
                "keep": keep(passphrase_file), "passphrase": passphrase(),
            });
            show(json, &backend.mutate("relay.pair", args).await?);
        }
        Relay::Invite { machine, to, .. } => invite(backend, json, &machine, to).await?,
        Relay::Join {
            ca_file,
            passphrase_file,
        } => {
            let asked = [text!("relay.ask_invitation"), text!("relay.ask_told")];
            let (invitation, told) = sending::ask_two(backend, asked).await?;
            let args = json!({
                "invitation": invitation, "passphrase": told, "ca_file": ca_file.as_deref().map(absolute),
                "keep": keep(passphrase_file), "file_passphrase": passphrase(),
            });
            show(json, &backend.mutate("relay.join", args).await?);
        }
        Relay::Test => {
            let tested = backend.mutate("relay.test", json!({})).await?;
            if tested["ok"] != json!(true) {
                let why = output::cell(&tested["message"]);
                return Err(fail(Code::Outside, "relay.test_failed", &[("detail", &why)]));
            }
            answer(json, &tested, |t| {
                output::facts(
                    &t["state"],
                    &[("version", "version"), ("kept", "kept"), ("room", "room")],
                )
            });
        }
        Relay::Unpair => {
            let done = backend.mutate("relay.unpair", json!({})).await?;
            answer(json, &done, |_| say!("relay.unpaired"));
        }
    }
    Ok(())
}

/// Makes an invitation: into a file, or, if that is what was asked for, onto the screen.
async fn invite(backend: &Backend, json: bool, machine: &str, to: Option<PathBuf>) -> Result<()> {
    // A machine is let in only when there is a place for its invitation.
    let file = to.as_deref().map(private).transpose()?;
    let made = async {
        let passphrase = sending::ask(backend, text!("relay.ask_passphrase")).await?;
        let args = json!({ "machine": machine, "passphrase": passphrase });
        backend.mutate("relay.invite", args).await
    };
    let made = made.await.and_then(|invitation| {
        let text = output::cell(&invitation["text"]);
        if let (Some(mut file), Some(to)) = (file, &to) {
            writeln!(file, "{text}").map_err(|error| lost(machine, to, &error))?;
        }
        Ok(text)
    });
    let Some(to) = to else {
        let text = made?;
        answer(json, &json!({ "text": text }), |_| output::line(&text));
        return Ok(());
    };
    if let Err(error) = made {
        // It was made a moment ago, and has nothing in it.
        let _ = std::fs::remove_file(&to);
        return Err(error);
    }
    let told = json!({ "machine": machine, "file": absolute(&to) });
    answer(json, &told, |_| {
        say!(
            "relay.invited",
            machine = machine.to_owned(),
            file = to.display().to_string()
        )
    });
    Ok(())
}

/// A new file for this user's eyes.
fn private(path: &Path) -> Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> ApiError {
    let said: [(&str, &dyn std::fmt::Display); 2] = [("file", &path.display()), ("detail", &error)];
    fail(Code::File, "files.cannot_write", &said)
}

/// The relay knows the machine by now, and nobody has what it comes in with.
fn lost(machine: &str, path: &Path, error: &std::io::Error) -> ApiError {
    let said: [(&str, &dyn std::fmt::Display); 3] = [
        ("machine", &machine),
        ("file", &path.display()),
        ("detail", &error),
    ];
    fail(Code::File, "cli.invitation_lost", &said)
}

fn show(json: bool, relay: &Value) {
    answer(json, relay, |relay| match relay["url"].is_null() {
        true => say!("relay.none"),
        false => output::facts(
            relay,
            &[
                ("url", "url"),
                ("paired_at", "paired_at"),
                ("read_at", "read_at"),
                ("trouble", "trouble"),
            ],
        ),
    });
}

pub async fn responses(backend: &Backend, json: bool, verb: Responses) -> Result<()> {
    let rows = match verb {
        Responses::List { kind, limit } => {
            let args = json!({ "kind": kind, "limit": limit });
            backend.query("responses.page", args).await?["rows"].clone()
        }
        Responses::Of { message } => {
            backend
                .query("responses.of_message", json!({ "message": message }))
                .await?
        }
        Responses::Undecided => return undecided(backend, json).await,
        Responses::Decide { reply, decided } => {
            let args = json!({ "id": reply, "decided": decided });
            backend.mutate("responses.decide", args).await?;
            return undecided(backend, json).await;
        }
        Responses::TakeIn { files } => return take_in(backend, json, &files).await,
    };
    answer(json, &rows, |rows| {
        output::table(
            rows,
            &[
                ("at", "at"),
                ("kind", "kind"),
                ("email", "email"),
                ("hand", "hand"),
                ("class", "class"),
                ("link", "link"),
                ("detail", "detail"),
            ],
        )
    });
    Ok(())
}

async fn undecided(backend: &Backend, json: bool) -> Result<()> {
    let rows = backend.query("responses.undecided", json!({})).await?["rows"].clone();
    answer(json, &rows, |rows| {
        output::table(
            rows,
            &[
                ("id", "id"),
                ("at", "at"),
                ("email", "email"),
                ("detail", "detail"),
            ],
        )
    });
    Ok(())
}

async fn take_in(backend: &Backend, json: bool, files: &[PathBuf]) -> Result<()> {
    let mut all = Vec::new();
    for file in files {
        let raw = base64::engine::general_purpose::STANDARD.encode(bytes(file)?);
        let mut taken = backend
            .mutate("responses.take_in_mail", json!({ "raw": raw }))
            .await?;
        taken["file"] = json!(file.display().to_string());
        all.push(taken);
    }
    answer(json, &Value::Array(all), |all| {
        output::table(all, &[("file", "file"), ("kind", "kind"), ("kept", "kept")])
    });
    Ok(())
}
