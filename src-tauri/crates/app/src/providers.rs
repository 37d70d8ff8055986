//! Accounts at providers (Amazon SES, Mailgun, Postmark, Brevo, SendGrid): their settings in the file, their keys in the
//! keychain, what they may send, and a test.

mod words;

pub use words::*;

use crate::Ctx;
use crate::accounts::is_here;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::clean;
use crate::runtime::dispatch::try_again;
use crate::secrets::{self, Owner};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::http::Failed;
use carillon_adapters::providers::{self as outside, Api, Quota};
use carillon_model::account::SecretState;
use carillon_model::message::Failure;
use carillon_model::provider::{Provider, ProviderKind};
use carillon_model::{AccountId, ProviderId};
use carillon_store::providers::{self as rows, ProviderRow, QuotaTold};
use carillon_store::{Db, Priority, opt_out_sources};
use url::Url;

commands! {
    query "providers.list" list(NoArgs) -> Vec<ProviderView>, reads [Providers, OptOutSources, Accounts];
    query "providers.kinds" kinds(NoArgs) -> Vec<ProviderKindView>, reads [];
    mutate "providers.add" add(AddProvider) -> ProviderSaved, reads [];
    mutate "providers.update" update(UpdateProvider) -> ProviderSaved, reads [];
    mutate "providers.delete" delete(OneProvider) -> Done, reads [];
    mutate "providers.switch" switch(SwitchProvider) -> Done, reads [];
    mutate "providers.set_secret" set_secret(SetProviderSecret) -> Done, reads [];
    mutate "providers.test" test(OneProvider) -> ProviderTest, reads [];
}

fn owner(id: ProviderId) -> Owner {
    Owner::Named(format!("provider_{id}"))
}

/// The settings of its kind alone, each in shape.
fn shaped(draft: ProviderDraft) -> Result<(String, Provider)> {
    let ProviderDraft {
        name,
        settings: given,
    } = draft;
    let kind = given.kind;
    let rules = outside::rules_of(kind);
    let text = |text: &str| clean::line(text);
    let some = |given: Option<String>, of: ProviderKind| {
        given.map(|t| text(&t)).filter(|t| kind == of && !t.is_empty())
    };
    let only = |given: &str, of: ProviderKind| if kind == of { text(given) } else { String::new() };
    let provider = Provider {
        kind,
        region: text(&given.region).to_lowercase(),
        domain: only(&given.domain, ProviderKind::Mailgun).to_lowercase(),
        key_id: only(&given.key_id, ProviderKind::Ses),
        configuration_set: some(given.configuration_set, ProviderKind::Ses),
        queue_url: some(given.queue_url, ProviderKind::Ses),
        stream: some(given.stream, ProviderKind::Postmark),
        host: given.host.map(|h| text(&h)).filter(|h| !h.is_empty()),
        tell_unsubscribed: given.tell_unsubscribed,
    };
    let name = text(&name);
    let needed = [
        ("name", name.is_empty()),
        (
            "domain",
            kind == ProviderKind::Mailgun && provider.domain.is_empty(),
        ),
        ("key_id", kind == ProviderKind::Ses && provider.key_id.is_empty()),
        ("region", kind == ProviderKind::Ses && provider.region.is_empty()),
    ];
    if let Some((field, _)) = needed.into_iter().find(|(_, missing)| *missing) {
        return Err(fail(Code::Invalid, "providers.incomplete", &[("label", &rules.label)]).at(field));
    }
    if let Err(failure) = rules.host(&provider.region) {
        return Err(in_words(failure, Code::Invalid).at("region"));
    }
    for (field, address) in [("host", &provider.host), ("queue_url", &provider.queue_url)] {
        if address.as_deref().is_some_and(|address| !is_web_address(address)) {
            return Err(fail(Code::Invalid, "providers.bad_address", &[]).at(field));
        }
    }
    Ok((name, provider))
}

/// One that is encrypted, or of this machine.
fn is_web_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let plain = url.username().is_empty() && url.password().is_none();
    plain && !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && is_here(host)))
}

/// What the outside said, as an error for people.
pub fn in_words(failure: Failure, code: Code) -> ApiError {
    ApiError {
        message: failure.detail,
        ..fail(code, "providers.refused", &[])
    }
}

async fn existing(open: &Open, id: ProviderId) -> Result<ProviderRow> {
    let found = open.store.read(move |db| rows::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.provider", &[("name", &id)]))
}

/// The API of a provider, with its key.
///
/// # Errors
/// `Keychain` without a key; `Refused` where a setting is missing.
pub async fn api(open: &Open, id: ProviderId) -> Result<Api> {
    let row = existing(open, id).await?;
    let key = secrets::get(open, &owner(id)).await?;
    let key = key.ok_or_else(|| fail(Code::Keychain, "providers.no_secret", &[("name", &row.name)]))?;
    let http = open.intake.http(&open.dialer).await;
    Api::new(http, row.provider, key).map_err(|failure| in_words(failure, Code::Refused))
}

/// Keeps what a provider said it may send, for the screen.
///
/// # Errors
/// The store's.
pub async fn note_quota(open: &Open, id: ProviderId, quota: Option<Quota>) -> Result<()> {
    let told = quota.map(|quota| QuotaTold {
        at: open.now(),
        limit: (quota.limit < u64::MAX).then_some(quota.limit),
        sent: quota.sent,
        per_day: quota.per_day,
        per_second: quota.per_second,
        production: quota.production,
    });
    Ok(open
        .store
        .write(Priority::Intake, move |tx| rows::set_quota(tx, id, told.as_ref()))
        .await?)
}

/// The sender accounts that leave through a provider.
///
/// # Errors
/// The store's.
pub fn accounts_of(db: &Db<'_>, id: ProviderId) -> carillon_store::Result<Vec<(AccountId, String)>> {
    Ok(carillon_store::accounts::list(db)?
        .into_iter()
        .filter(|row| row.account.provider == Some(id))
        .map(|row| (row.account.id, row.account.name))
        .collect())
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<ProviderView>> {
    let open = cx.open()?;
    let file_is_locked = secrets::is_locked(open).await;
    Ok(open
        .store
        .read(move |db| {
            let sources = opt_out_sources::list(db)?;
            rows::list(db)?
                .into_iter()
                .map(|row| {
                    let source = sources.iter().find(|source| source.name == rows::source(row.id));
                    let secret = secrets::kept(db, &owner(row.id))?;
                    Ok(ProviderView {
                        id: row.id,
                        label: outside::rules_of(row.provider.kind).label.clone(),
                        tells: rows::tells(&row.provider),
                        off: row.paused,
                        has_secret: secret.is_some(),
                        locked: file_is_locked && secret == Some(SecretState::PassphraseFile),
                        read_at: source.and_then(|source| source.read_at),
                        trouble: source.and_then(|source| source.trouble.clone()),
                        quota: rows::quota(db, row.id)?.map(ProviderQuota::from),
                        accounts: accounts_of(db, row.id)?
                            .into_iter()
                            .map(|(_, name)| name)
                            .collect(),
                        name: row.name,
                        settings: row.provider,
                    })
                })
                .collect()
        })
        .await?)
}

async fn kinds(_: &Ctx, _: NoArgs) -> Result<Vec<ProviderKindView>> {
    Ok(outside::rules()
        .iter()
        .map(|rules| ProviderKindView {
            kind: rules.kind,
            label: rules.label.clone(),
            regions: rules
                .hosts
                .keys()
                .filter(|region| !region.is_empty() && *region != "*")
                .cloned()
                .collect(),
            dated: outside::dated().to_owned(),
            source: rules.source.clone(),
        })
        .collect())
}

async fn save(open: &Open, id: Option<ProviderId>, draft: ProviderDraft) -> Result<ProviderSaved> {
    let (name, provider) = shaped(draft)?;
    let row = open
        .store
        .write(Priority::User, move |tx| rows::save(tx, id, &name, &provider))
        .await?;
    open.intake.nudge();
    Ok(ProviderSaved {
        id: row.id,
        name: row.name,
    })
}

async fn add(cx: &Ctx, req: AddProvider) -> Result<ProviderSaved> {
    save(cx.open()?, None, req.provider).await
}

async fn update(cx: &Ctx, req: UpdateProvider) -> Result<ProviderSaved> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let saved = save(open, Some(req.id), req.provider).await?;
    go_on(open, req.id).await?;
    Ok(saved)
}

/// Lets the accounts of a provider try again at once: something about it changed.
async fn go_on(open: &Open, id: ProviderId) -> Result<()> {
    for (account, _) in open.store.read(move |db| accounts_of(db, id)).await? {
        try_again(open, Some(account)).await?;
    }
    open.runtime.nudge();
    Ok(())
}

async fn delete(cx: &Ctx, req: OneProvider) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let kept = open
        .store
        .write(Priority::User, move |tx| {
            rows::remove(tx, req.id)?;
            let kept = secrets::kept(tx, &owner(req.id))?;
            secrets::note_kept(tx, &owner(req.id), None)?;
            Ok(kept)
        })
        .await?;
    secrets::forget(open, &owner(req.id), kept).await;
    Ok(Done {})
}

async fn switch(cx: &Ctx, req: SwitchProvider) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    open.store
        .write(Priority::User, move |tx| rows::set_paused(tx, req.id, req.off))
        .await?;
    Ok(Done {})
}

async fn set_secret(cx: &Ctx, req: SetProviderSecret) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    secrets::keep(
        open,
        &owner(req.id),
        Secret::new(req.secret),
        req.keep,
        req.passphrase,
    )
    .await?;
    open.intake.nudge();
    cx.app.bus().tell(0, vec!["providers".into()]);
    go_on(open, req.id).await?;
    Ok(Done {})
}

/// Asks the provider what may be sent, and for what came back. Nothing is sent, taken in or changed.
async fn test(cx: &Ctx, req: OneProvider) -> Result<ProviderTest> {
    let open = cx.open()?;
    let row = existing(open, req.id).await?;
    let cursor = open.store.read(move |db| rows::cursor(db, req.id)).await?;
    let tells = rows::tells(&row.provider);
    let asked = async {
        let api = api(open, req.id).await.map_err(|error| error.message)?;
        let said = |failed: Failed| failed.failure.detail;
        let quota = api.quota().await.map_err(said)?;
        let found = match tells {
            true => {
                let now = crate::clock::machine_now();
                Some(api.poll(cursor.as_deref(), now).await.map_err(said)?)
            }
            false => None,
        };
        Ok::<_, String>((quota, found.map_or(0, |batch| batch.events.len())))
    };
    Ok(match asked.await {
        Ok((quota, found)) => {
            note_quota(open, req.id, quota).await?;
            go_on(open, req.id).await?;
            let told = open.store.read(move |db| rows::quota(db, req.id)).await?;
            ProviderTest {
                ok: true,
                message: String::new(),
                tells,
                found: u32::try_from(found).unwrap_or(u32::MAX),
                quota: told.map(ProviderQuota::from),
            }
        }
        Err(message) => ProviderTest {
            ok: false,
            message,
            tells,
            found: 0,
            quota: None,
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn draft(kind: ProviderKind) -> ProviderDraft {
        ProviderDraft {
            name: " Shop ".into(),
            settings: Provider {
                kind,
                region: String::new(),
                domain: "mg.example.com".into(),
                key_id: "AKID".into(),
                configuration_set: Some("set".into()),
                queue_url: None,
                stream: Some(" ".into()),
                host: None,
                tell_unsubscribed: false,
            },
        }
    }

    #[test]
    fn only_what_belongs_to_a_kind_is_kept_and_what_it_needs_is_asked_for() {
        let (name, postmark) = shaped(draft(ProviderKind::Postmark)).unwrap();
        assert_eq!((name.as_str(), postmark.domain.as_str()), ("Shop", ""));
        assert_eq!((postmark.configuration_set, postmark.stream), (None, None));
        let missing = shaped(draft(ProviderKind::Ses)).unwrap_err();
        assert!(missing.fields.contains_key("region"), "{missing:?}");
        let mut nowhere = draft(ProviderKind::Mailgun);
        nowhere.settings.region = "mars".into();
        assert!(shaped(nowhere).unwrap_err().fields.contains_key("region"));
    }

    #[test]
    fn an_address_that_is_not_encrypted_is_of_this_machine() {
        for good in [
            "https://api.example.com",
            "http://127.0.0.1:8080",
            "http://localhost/x",
            "http://[::1]:1",
        ] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "api.example.com",
            "http://example.com",
            "ftp://127.0.0.1",
            "https://a:b@example.com",
            "",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
