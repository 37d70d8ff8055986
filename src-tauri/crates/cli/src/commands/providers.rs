//! providers, and accounts that send through one.

use super::{answer, sending};
use crate::args::{AddApi, AddProvider, Providers};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

pub async fn providers(backend: &Backend, json: bool, verb: Providers) -> Result<()> {
    match verb {
        Providers::List => {
            let rows = backend.query("providers.list", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("name", "name"),
                        ("label", "provider"),
                        ("off", "off"),
                        ("read_at", "read_at"),
                        ("quota.sent", "sent"),
                        ("quota.limit", "quota"),
                        ("trouble", "trouble"),
                    ],
                )
            });
        }
        Providers::Kinds => {
            let rows = backend.query("providers.kinds", json!({})).await?;
            answer(json, &rows, |rows| {
                output::table(
                    rows,
                    &[
                        ("kind", "kind"),
                        ("label", "provider"),
                        ("regions", "regions"),
                        ("dated", "dated"),
                        ("source", "source"),
                    ],
                )
            });
        }
        Providers::Add(how) => add(backend, json, how).await?,
        Providers::Key {
            name,
            passphrase_file,
        } => {
            let row = find(backend, &name).await?;
            let kept = keep(backend, &row["id"], passphrase_file).await?;
            answer(json, &kept, |_| say!("providers.key_kept", name = name));
        }
        Providers::Test { name } => test(backend, json, &name).await?,
        Providers::Off { name } => switch(backend, json, &name, true).await?,
        Providers::On { name } => switch(backend, json, &name, false).await?,
        Providers::Delete { name } => {
            let row = find(backend, &name).await?;
            let done = backend
                .mutate("providers.delete", json!({ "id": row["id"] }))
                .await?;
            answer(json, &done, |_| say!("providers.removed", name = name));
        }
    }
    Ok(())
}

async fn find(backend: &Backend, name: &str) -> Result<Value> {
    backend.find("providers.list", name, "provider").await
}

async fn add(backend: &Backend, json: bool, how: AddProvider) -> Result<()> {
    let settings = json!({
        "kind": how.kind, "region": how.region, "domain": how.domain, "key_id": how.key_id,
        "configuration_set": how.configuration_set, "queue_url": how.queue_url, "stream": how.stream,
        "host": how.host, "tell_unsubscribed": how.tell_unsubscribed,
    });
    let args = json!({ "provider": { "name": how.name, "settings": settings } });
    let added = backend.mutate("providers.add", args).await?;
    if let Err(error) = keep(backend, &added["id"], how.passphrase_file).await {
        // A provider nobody can ask would only keep mail from leaving: all or nothing.
        let _ = backend
            .mutate("providers.delete", json!({ "id": added["id"] }))
            .await;
        return Err(error);
    }
    answer(json, &added, |added| {
        say!("providers.added", name = added["name"])
    });
    Ok(())
}

async fn keep(backend: &Backend, id: &Value, in_file: bool) -> Result<Value> {
    let key = sending::ask(backend, text!("providers.ask_key")).await?;
    let args = json!({
        "id": id, "secret": key, "keep": if in_file { "passphrase_file" } else { "keychain" },
        "passphrase": std::env::var("CARILLON_PASSPHRASE").ok(),
    });
    backend.mutate("providers.set_secret", args).await
}

async fn switch(backend: &Backend, json: bool, name: &str, off: bool) -> Result<()> {
    let row = find(backend, name).await?;
    let done = backend
        .mutate("providers.switch", json!({ "id": row["id"], "off": off }))
        .await?;
    answer(json, &done, |_| match off {
        true => say!("providers.switched_off", name = name),
        false => say!("providers.switched_on", name = name),
    });
    Ok(())
}

async fn test(backend: &Backend, json: bool, name: &str) -> Result<()> {
    let row = find(backend, name).await?;
    let tested = backend
        .mutate("providers.test", json!({ "id": row["id"] }))
        .await?;
    if tested["ok"] != json!(true) {
        let why = output::cell(&tested["message"]);
        return Err(fail(Code::Outside, "providers.test_failed", &[("detail", &why)]));
    }
    answer(json, &tested, |tested| {
        say!("providers.tested", label = row["label"], found = tested["found"]);
        if tested["tells"] == json!(false) {
            say!("providers.mute");
        }
        if !tested["quota"].is_null() {
            output::facts(
                tested,
                &[
                    ("quota.sent", "sent"),
                    ("quota.limit", "quota"),
                    ("quota.production", "production"),
                ],
            );
        }
    });
    Ok(())
}

/// An account that sends over the API of a provider that was added before.
pub async fn add_account(backend: &Backend, json: bool, how: AddApi) -> Result<()> {
    let provider = find(backend, &how.provider).await?;
    let args = json!({
        "account": {
            "name": how.name, "host": "", "port": 0, "tls": "tls", "provider": provider["id"],
            "from_name": how.from_name, "from_email": how.from_email, "reply_to": how.reply_to,
            "per_day": how.per_day.unwrap_or(0), "per_minute": how.per_minute.unwrap_or(0),
            "sessions": how.sessions.unwrap_or(0),
        },
    });
    let account = backend.mutate("accounts.add", args).await?;
    answer(json, &account, |a| say!("accounts.added", name = a["name"]));
    Ok(())
}
