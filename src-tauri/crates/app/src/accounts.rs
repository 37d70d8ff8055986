//! Sender accounts: their settings in the file, their passwords in the keychain, and *send me a test*.

mod dkim;
mod test;
mod words;

pub use dkim::signer;
pub use words::*;

use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::clean;
use crate::mailboxes::SignInStarted;
use crate::runtime::{self, dispatch::try_again};
use crate::secrets::{self, Owner};
use crate::sign_in::Door;
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use crate::{Ctx, journeys, settings};
use carillon_adapters::channels::email::Login;
use carillon_adapters::{Secret, limits};
use carillon_model::AccountId;
use carillon_model::account::{Account, SecretState, Tls};
use carillon_model::mailbox::{Auth, OAuthProvider};
use carillon_render::address::other_domain;
use carillon_store::{Db, Priority};
use dkim::{dkim_make, dkim_record, dkim_remove, dkim_switch};
use test::test;

commands! {
    query "accounts.list" list(NoArgs) -> Vec<AccountRow>, reads [Accounts, Outbox];
    mutate "accounts.add" add(AddAccount) -> Account, reads [];
    mutate "accounts.update" update(UpdateAccount) -> Account, reads [];
    mutate "accounts.delete" delete(OneAccount) -> Done, reads [];
    mutate "accounts.switch" switch(SwitchAccount) -> Done, reads [];
    mutate "accounts.set_secret" set_secret(SetSecret) -> SecretKept, reads [];
    mutate "accounts.sign_in" sign_in(SignInAccount) -> SignInStarted, reads [], only crate::table::LOCAL;
    mutate "accounts.unlock" unlock(UnlockPasswords) -> Done, reads [];
    query "accounts.dkim_record" dkim_record(OneAccount) -> DkimRecord, reads [Accounts];
    mutate "accounts.dkim_make" dkim_make(MakeDkim) -> DkimRecord, reads [];
    mutate "accounts.dkim_switch" dkim_switch(SwitchDkim) -> Done, reads [];
    mutate "accounts.dkim_remove" dkim_remove(OneAccount) -> Done, reads [];
    mutate "accounts.test" test(TestAccount) -> AccountTest, reads [];
    query "presets.senders" presets(NoArgs) -> Vec<SenderPresetView>, reads [];
}

/// Whether a server's name or number can only mean this machine.
pub fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Limits an account of a provider begins with: so many a day, a minute, and calls at a time. The provider's own quota
/// holds as well.
const OVER_AN_API: (u32, u32, u16) = (10_000, 300, 4);

/// An account of a provider has no server, so nothing of one is kept.
fn through_provider(mut draft: AccountDraft) -> AccountDraft {
    if draft.provider.is_none() {
        return draft;
    }
    let (per_day, per_minute, sessions) = OVER_AN_API;
    let or = |given: u32, own: u32| if given == 0 { own } else { given };
    draft.per_day = or(draft.per_day, per_day);
    draft.per_minute = or(draft.per_minute, per_minute);
    draft.sessions = if draft.sessions == 0 {
        sessions
    } else {
        draft.sessions
    };
    AccountDraft {
        host: String::new(),
        port: 443,
        tls: Tls::Tls,
        user: String::new(),
        auth: Auth::Password,
        ca_file: None,
        preset: None,
        ..draft
    }
}

fn shaped(draft: AccountDraft, id: AccountId) -> Result<Account> {
    let draft = through_provider(draft);
    let address = |text: &str, field: &str| {
        clean::address(text)
            .map_err(|_| fail(Code::Invalid, "accounts.bad_from", &[("email", &text)]).at(field))
    };
    let host = draft.host.trim().to_lowercase();
    let preset = match &draft.preset {
        Some(key) => Some(limits::preset(key).ok_or_else(|| {
            let options: Vec<&str> = limits::presets().presets.iter().map(|p| p.key.as_str()).collect();
            fail(
                Code::Invalid,
                "accounts.bad_preset",
                &[("name", key), ("options", &options.join(", "))],
            )
            .at("preset")
        })?),
        None => None,
    };
    let limits = preset.unwrap_or_else(|| limits::preset_for_host(&host));
    let or = |given: u32, preset: u32| if given == 0 { preset } else { given };
    let sessions = if draft.sessions == 0 {
        limits.sessions
    } else {
        draft.sessions
    };
    if !(1..=50).contains(&sessions) {
        return Err(fail(Code::Invalid, "accounts.limits", &[]).at("sessions"));
    }
    let name = clean::line(&draft.name);
    if name.is_empty() || (host.is_empty() && draft.provider.is_none()) {
        return Err(
            fail(Code::Invalid, "accounts.no_name", &[]).at(if name.is_empty() { "name" } else { "host" }),
        );
    }
    if draft.tls == Tls::None && !is_here(&host) {
        return Err(fail(Code::Refused, "accounts.plain_outside", &[]).at("tls"));
    }
    Ok(Account {
        id,
        name,
        host,
        port: draft.port,
        tls: draft.tls,
        user: draft.user.trim().to_owned(),
        auth: draft.auth,
        from_name: clean::line(&draft.from_name),
        from_email: address(&draft.from_email, "from_email")?,
        reply_to: draft
            .reply_to
            .filter(|r| !r.trim().is_empty())
            .map(|r| address(&r, "reply_to"))
            .transpose()?,
        ca_file: draft.ca_file.filter(|f| !f.trim().is_empty()),
        per_day: or(draft.per_day, limits.per_day),
        per_minute: or(draft.per_minute, limits.per_minute),
        sessions,
        preset: draft.provider.is_none().then(|| limits.key.clone()),
        provider: draft.provider,
        dkim: None,
    })
}

/// The account messages leave through where a step names none: the chosen one, else the first.
pub async fn default_account(open: &Open) -> Result<Option<Account>> {
    Ok(open
        .store
        .read(|db| {
            let chosen: Option<AccountId> = carillon_store::settings::get(db, settings::DEFAULT_ACCOUNT)?;
            let mut all = carillon_store::accounts::list(db)?;
            let at = all.iter().position(|a| Some(a.account.id) == chosen).unwrap_or(0);
            Ok((at < all.len()).then(|| all.swap_remove(at).account))
        })
        .await?)
}

async fn existing(open: &Open, id: AccountId) -> Result<Account> {
    let found = open
        .store
        .read(move |db| carillon_store::accounts::get(db, id))
        .await?;
    found
        .map(|row| row.account)
        .ok_or_else(|| fail(Code::NotFound, "not_found.account", &[("name", &id)]))
}

fn test_key(id: AccountId) -> String {
    format!("test_of_account_{id}")
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<AccountRow>> {
    let open = cx.open()?;
    let now = open.now();
    let file_is_locked = secrets::is_locked(open).await;
    Ok(open
        .store
        .read(move |db| {
            let mut rows = Vec::new();
            for carillon_store::accounts::AccountRow { account, paused } in
                carillon_store::accounts::list(db)?
            {
                let secret = match secrets::kept(db, &Owner::Account(account.id))? {
                    Some(kept) => kept,
                    None if account.user.is_empty() => SecretState::NotNeeded,
                    None => SecretState::Missing,
                };
                let last_test = carillon_store::settings::get(db, &test_key(account.id))?;
                let sent_24_hours = u64::from(carillon_store::accounts::spent(
                    db,
                    account.id,
                    now - chrono::TimeDelta::hours(24),
                )?);
                rows.push(AccountRow {
                    account,
                    off: paused,
                    locked: file_is_locked && secret == SecretState::PassphraseFile,
                    secret,
                    sent_24_hours,
                    last_test,
                });
            }
            Ok(rows)
        })
        .await?)
}

/// A name that shows another domain than the address has is what a forger writes: filters refuse it, and so do we when a
/// mail is made. Said here, where it can be changed.
fn honest_name(account: &Account) -> Result<()> {
    let (_, domain) = account.from_email.rsplit_once('@').unwrap_or_default();
    match other_domain(&account.from_name, domain) {
        Some(other) => {
            let words: &[(&str, &dyn std::fmt::Display)] = &[("other", &other), ("domain", &domain)];
            Err(fail(Code::Invalid, "accounts.other_domain", words).at("from_name"))
        }
        None => Ok(()),
    }
}

async fn add(cx: &Ctx, req: AddAccount) -> Result<Account> {
    let open = cx.open()?;
    let account = shaped(req.account, AccountId(0))?;
    honest_name(&account)?;
    provider_is_there(open, &account).await?;
    Ok(open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::accounts::save(tx, None, &account)
        })
        .await?)
}

async fn provider_is_there(open: &Open, account: &Account) -> Result<()> {
    let Some(id) = account.provider else { return Ok(()) };
    let found = open
        .store
        .read(move |db| carillon_store::providers::get(db, id))
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(fail(Code::NotFound, "not_found.provider", &[("name", &id)]).at("provider")),
    }
}

/// The journeys that run now and find an account by its name, were it called `renamed` or gone.
fn cannot_do_without(db: &Db<'_>, name: &str, renamed: Option<&str>) -> carillon_store::Result<String> {
    let before = runtime::catalogue(db)?;
    let mut after = before.clone();
    after.accounts.remove(name);
    after.accounts.extend(renamed.map(str::to_owned));
    if after.default_account.as_deref() == Some(name) {
        after.default_account = renamed
            .map(str::to_owned)
            .or_else(|| after.accounts.first().cloned());
    }
    journeys::broken_by(db, &before, &after)
}

fn needed(name: &str, users: &str) -> ApiError {
    fail(
        Code::Refused,
        "accounts.needed",
        &[("name", &name), ("users", &users)],
    )
}

async fn update(cx: &Ctx, req: UpdateAccount) -> Result<Account> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let mut account = shaped(req.account, req.id)?;
    honest_name(&account)?;
    provider_is_there(open, &account).await?;
    let saved = open
        .store
        .write(Priority::User, move |tx| {
            let before = carillon_store::accounts::get(tx, req.id)?.map(|row| row.account);
            account.dkim = before.as_ref().and_then(|before| before.dkim.clone());
            if let Some(dkim) = &mut account.dkim {
                dkim.on &= dkim::aligned(&dkim.domain, &account.from_email);
            }
            let before = before.map(|before| before.name);
            if let Some(before) = before.filter(|before| *before != account.name) {
                let users = cannot_do_without(tx, &before, Some(&account.name))?;
                if !users.is_empty() {
                    return Ok(Err((before, users)));
                }
            }
            carillon_store::accounts::save(tx, Some(req.id), &account).map(Ok)
        })
        .await?;
    let saved = saved.map_err(|(name, users)| needed(&name, &users))?;
    try_again(open, Some(req.id)).await?;
    Ok(saved)
}

async fn delete(cx: &Ctx, req: OneAccount) -> Result<Done> {
    let open = cx.open()?;
    let account = existing(open, req.id).await?;
    let id = req.id;
    let waiting = open
        .store
        .read(move |db| carillon_store::outbox::waiting_for(db, id))
        .await?;
    if waiting > 0 {
        return Err(fail(Code::Refused, "accounts.in_use", &[("name", &account.name)]));
    }
    let name = account.name.clone();
    let kept = open
        .store
        .read(move |db| secrets::kept(db, &Owner::Account(id)))
        .await?;
    let users = open
        .store
        .write(Priority::User, move |tx| {
            let users = cannot_do_without(tx, &name, None)?;
            if users.is_empty() {
                secrets::note_kept(tx, &Owner::Account(id), None)?;
                carillon_store::settings::set::<LastTest>(tx, &test_key(id), None)?;
                carillon_store::accounts::remove(tx, id)?;
            }
            Ok(users)
        })
        .await?;
    if !users.is_empty() {
        return Err(needed(&account.name, &users));
    }
    // After the account: one that stays keeps its password.
    open.sign_ins.forget(&Owner::Account(id)).await;
    secrets::forget(open, &Owner::Account(id), kept).await;
    dkim::forget(open, id).await?;
    let client = open
        .store
        .read(move |db| secrets::kept(db, &client_of(id)))
        .await?;
    secrets::forget(open, &client_of(id), client).await;
    Ok(Done {})
}

/// Switches an account off, or on again: what has sent messages cannot be deleted.
async fn switch(cx: &Ctx, req: SwitchAccount) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::accounts::set_paused(tx, req.id, req.off)
        })
        .await?;
    if !req.off {
        try_again(open, Some(req.id)).await?;
        open.runtime.nudge();
    }
    Ok(Done {})
}

async fn set_secret(cx: &Ctx, req: SetSecret) -> Result<SecretKept> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let owner = match req.client {
        true => client_of(req.id),
        false => Owner::Account(req.id),
    };
    let state = secrets::keep(open, &owner, Secret::new(req.secret), req.keep, req.passphrase).await?;
    try_again(open, Some(req.id)).await?;
    open.runtime.nudge();
    Ok(SecretKept { state })
}

/// Whose the secret of an account's registration at its provider is.
fn client_of(id: AccountId) -> Owner {
    Owner::Named(format!("account_client_{id}"))
}

fn door(account: &Account, provider: &OAuthProvider) -> Door {
    Door {
        owner: Owner::Account(account.id),
        client: client_of(account.id),
        name: account.name.clone(),
        user: account.user.clone(),
        provider: provider.clone(),
    }
}

/// Opens the provider's page in a browser; its answer is kept for the account.
async fn sign_in(cx: &Ctx, req: SignInAccount) -> Result<SignInStarted> {
    let open = cx.open()?;
    let account = existing(open, req.id).await?;
    let Auth::OAuth { provider } = &account.auth else {
        return Err(fail(
            Code::Invalid,
            "accounts.no_provider",
            &[("name", &account.name)],
        ));
    };
    let (app, owner) = (cx.app.clone(), open.clone());
    door(&account, provider)
        .sign_in(cx, "accounts.sign_in", (req.keep, req.passphrase), move |_| {
            app.bus().tell(0, vec!["accounts".into()]);
            // What waited for the sign-in goes now.
            tokio::spawn(async move {
                if let Err(error) = try_again(&owner, Some(req.id)).await {
                    tracing::warn!(%error, "the account is tried again later");
                }
                owner.runtime.nudge();
            });
        })
        .await
}

/// Unlocks the file of passwords for as long as the workspace is open.
async fn unlock(cx: &Ctx, req: UnlockPasswords) -> Result<Done> {
    let open = cx.open()?;
    secrets::unlock(open, req.passphrase)
        .await
        .map_err(|error| error.at("passphrase"))?;
    if open.intake.is_live() {
        // What was locked could not be listened to: whoever said no meanwhile is heard first.
        let open = open.clone();
        tokio::spawn(async move {
            drop(runtime::hear(&open).await);
            if let Err(error) = go_on(&open).await {
                tracing::error!(%error, "sending could not be taken up after the keys were unlocked");
            }
        });
    } else {
        go_on(open).await?;
    }
    cx.app.bus().tell(
        0,
        ["accounts", "mailboxes", "providers", "relay"]
            .map(Into::into)
            .into(),
    );
    Ok(Done {})
}

async fn go_on(open: &Open) -> Result<()> {
    try_again(open, None).await?;
    open.runtime.nudge();
    open.intake.nudge();
    Ok(())
}

/// How a session proves who we are with what [`secret`] gives.
pub fn login(account: &Account) -> Login {
    match account.auth {
        Auth::Password => Login::Password,
        Auth::OAuth { .. } => Login::Token,
    }
}

/// The password of an account, or a fresh access token, if it needs one.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn secret(open: &Open, account: &Account) -> Result<Option<Secret>> {
    if account.user.is_empty() {
        return Ok(None);
    }
    if let Auth::OAuth { provider } = &account.auth {
        return door(account, provider).token(open).await.map(Some);
    }
    let found = secrets::get(open, &Owner::Account(account.id)).await?;
    found
        .map(Some)
        .ok_or_else(|| fail(Code::Keychain, "accounts.no_secret", &[("name", &account.name)]))
}

async fn presets(_: &Ctx, _: NoArgs) -> Result<Vec<SenderPresetView>> {
    Ok(limits::presets()
        .presets
        .iter()
        .map(|p| SenderPresetView {
            key: p.key.clone(),
            name: p.label.clone(),
            host: p
                .server
                .clone()
                .or_else(|| p.hosts.first().filter(|h| !h.contains('*')).cloned())
                .unwrap_or_default(),
            port: p.port,
            tls: p.tls,
            per_day: p.per_day,
            per_minute: p.per_minute,
            sessions: p.sessions,
            dated: p.checked.clone(),
            note: p.note.clone(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_names_and_numbers_that_can_mean_nothing_else_are_this_machine() {
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(is_here(here), "{here}");
        }
        for outside in [
            "mail.example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "0.0.0.0",
            "::",
            "::ffff:203.0.113.7",
            "64:ff9b::7f00:1",
            "192.168.1.1",
            "",
        ] {
            assert!(!is_here(outside), "{outside}");
        }
    }
}
