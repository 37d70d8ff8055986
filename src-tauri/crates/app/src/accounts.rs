//! Sender accounts: their settings in the file, their passwords in the keychain, and *send me a test*.

use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::clean;
use crate::letters;
use crate::runtime::dispatch::try_again;
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use crate::{Ctx, settings};
use carillon_adapters::Secret;
use carillon_adapters::channels::email::Session;
use carillon_adapters::limits;
use carillon_adapters::vault::{Keychain, KeychainState, PassphraseFile, SecretName, Vault, VaultError};
use carillon_model::account::{Account, SecretState, Tls};
use carillon_model::contact::Value;
use carillon_model::{AccountId, Moment, TemplateId};
use carillon_render::TemplateParts;
use carillon_render::child::{Mode, Output};
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use ts_rs::TS;

commands! {
    query "accounts.list" list(NoArgs) -> Vec<AccountRow>, reads [Accounts, Outbox];
    mutate "accounts.add" add(AddAccount) -> Account, reads [];
    mutate "accounts.update" update(UpdateAccount) -> Account, reads [];
    mutate "accounts.delete" delete(OneAccount) -> Done, reads [];
    mutate "accounts.set_secret" set_secret(SetSecret) -> SecretKept, reads [];
    mutate "accounts.test" test(TestAccount) -> AccountTest, reads [];
    query "presets.senders" presets(NoArgs) -> Vec<SenderPresetView>, reads [];
}

/// An account in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountRow {
    #[serde(flatten)]
    pub account: Account,
    pub secret: SecretState,
    #[ts(type = "number")]
    pub sent_24_hours: u64,
    pub last_test: Option<LastTest>,
}

/// How the last test went.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastTest {
    pub at: Moment,
    pub ok: bool,
    pub message: String,
}

/// An account as a user writes it. A limit of 0 takes the preset's.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AccountDraft {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub from_name: String,
    pub from_email: String,
    #[serde(default)]
    pub reply_to: Option<String>,
    #[serde(default)]
    pub ca_file: Option<String>,
    #[serde(default)]
    pub per_day: u32,
    #[serde(default)]
    pub per_minute: u32,
    #[serde(default)]
    pub sessions: u16,
    #[serde(default)]
    pub preset: Option<String>,
}

/// An account to add.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddAccount {
    pub account: AccountDraft,
}

/// An account to change.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateAccount {
    pub id: AccountId,
    pub account: AccountDraft,
}

/// Which account.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneAccount {
    pub id: AccountId,
}

/// Where a password is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Keep {
    Keychain,
    PassphraseFile,
}

/// A password. It goes in and never comes out.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetSecret {
    pub id: AccountId,
    pub secret: String,
    pub keep: Keep,
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetSecret")
            .field("id", &self.id)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// Where the password is now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SecretKept {
    pub state: SecretState,
}

/// Where to send a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TestAccount {
    pub id: AccountId,
    pub to: String,
    #[serde(default)]
    pub template: Option<TemplateId>,
}

/// One step of a test.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TestPhase {
    pub phase: String,
    pub ok: bool,
    pub detail: String,
}

/// How a test went.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountTest {
    pub ok: bool,
    pub phases: Vec<TestPhase>,
}

/// A preset of a provider's limits.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SenderPresetView {
    pub key: String,
    pub name: String,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub per_day: u32,
    pub per_minute: u32,
    pub sessions: u16,
    /// When the provider's limits were read.
    pub dated: String,
    pub note: String,
}

fn shaped(draft: AccountDraft, id: AccountId) -> Result<Account> {
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
    if name.is_empty() || host.is_empty() {
        return Err(
            fail(Code::Invalid, "accounts.no_name", &[]).at(if name.is_empty() { "name" } else { "host" }),
        );
    }
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if draft.tls == Tls::None && !local {
        return Err(fail(Code::Refused, "accounts.plain_outside", &[]).at("tls"));
    }
    Ok(Account {
        id,
        name,
        host,
        port: draft.port,
        tls: draft.tls,
        user: draft.user.trim().to_owned(),
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
        preset: Some(limits.key.clone()),
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

fn secret_key(id: AccountId) -> String {
    format!("secret_of_account_{id}")
}

fn test_key(id: AccountId) -> String {
    format!("test_of_account_{id}")
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<AccountRow>> {
    let open = cx.open()?;
    let now = open.now();
    Ok(open
        .store
        .read(move |db| {
            let mut rows = Vec::new();
            for carillon_store::accounts::AccountRow { account, .. } in carillon_store::accounts::list(db)? {
                let kept: Option<SecretState> = carillon_store::settings::get(db, &secret_key(account.id))?;
                let secret = match kept {
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
                    secret,
                    sent_24_hours,
                    last_test,
                });
            }
            Ok(rows)
        })
        .await?)
}

async fn add(cx: &Ctx, req: AddAccount) -> Result<Account> {
    let account = shaped(req.account, AccountId(0))?;
    Ok(cx
        .open()?
        .store
        .write(Priority::User, move |tx| {
            carillon_store::accounts::save(tx, None, &account)
        })
        .await?)
}

async fn update(cx: &Ctx, req: UpdateAccount) -> Result<Account> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let account = shaped(req.account, req.id)?;
    let saved = open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::accounts::save(tx, Some(req.id), &account)
        })
        .await?;
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
    if let Ok(vault) = vault(open, None).await {
        let _ = vault
            .delete(&SecretName::new(open.workspace_id.clone(), id))
            .await;
    }
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::settings::set::<SecretState>(tx, &secret_key(id), None)?;
            carillon_store::settings::set::<LastTest>(tx, &test_key(id), None)?;
            carillon_store::accounts::remove(tx, id)
        })
        .await?;
    Ok(Done {})
}

fn passphrase_path(open: &Open) -> PathBuf {
    let mut name = open.path.as_os_str().to_owned();
    name.push(".secrets");
    PathBuf::from(name)
}

/// The vault in use: the passphrase file where one lies beside the workspace and its passphrase is known, else
/// the keychain.
async fn vault(open: &Open, passphrase: Option<&str>) -> std::result::Result<Vault, VaultError> {
    let mut kept = open.vault.lock().await;
    if let Some(vault) = kept.as_ref() {
        return Ok(vault.clone());
    }
    let path = passphrase_path(open);
    let from_env = std::env::var("CARILLON_PASSPHRASE").ok();
    let given = passphrase
        .map(str::to_owned)
        .or(from_env)
        .filter(|p| !p.is_empty());
    let vault = match (path.exists(), given) {
        (true, Some(given)) => Vault::File(PassphraseFile::open(&path, &Secret::new(given))?),
        _ => Vault::Keychain(Keychain::default()),
    };
    *kept = Some(vault.clone());
    Ok(vault)
}

fn vault_error(error: VaultError) -> ApiError {
    match &error {
        VaultError::NoKeychain { why } => fail(Code::Keychain, "accounts.no_keychain", &[("why", why)]),
        _ => ApiError {
            message: error.to_string(),
            ..fail(Code::Keychain, "accounts.no_keychain", &[("why", &"")])
        },
    }
}

async fn set_secret(cx: &Ctx, req: SetSecret) -> Result<SecretKept> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let vault = match req.keep {
        Keep::Keychain => {
            let keychain = Keychain::default();
            // A locked keychain looks like an empty one until something is written.
            if let KeychainState::Missing { why } = keychain.probe().await {
                return Err(fail(Code::Keychain, "accounts.no_keychain", &[("why", &why)]));
            }
            Vault::Keychain(keychain)
        }
        Keep::PassphraseFile => {
            let passphrase = req.passphrase.clone().filter(|p| !p.is_empty());
            let passphrase = passphrase
                .ok_or_else(|| fail(Code::Invalid, "accounts.no_passphrase", &[]).at("passphrase"))?;
            let path = passphrase_path(open);
            let secret = Secret::new(passphrase);
            let file = if path.exists() {
                PassphraseFile::open(&path, &secret)
            } else {
                PassphraseFile::create(&path, &secret)
            };
            Vault::File(file.map_err(vault_error)?)
        }
    };
    let name = SecretName::new(open.workspace_id.clone(), req.id);
    vault
        .set(&name, &Secret::new(req.secret))
        .await
        .map_err(vault_error)?;
    let state = vault.kind();
    *open.vault.lock().await = Some(vault);
    let id = req.id;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::settings::set(tx, &secret_key(id), Some(&state))
        })
        .await?;
    Ok(SecretKept { state })
}

/// The password of an account, if it needs one.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn secret(open: &Open, account: &Account) -> Result<Option<Secret>> {
    if account.user.is_empty() {
        return Ok(None);
    }
    let vault = vault(open, None).await.map_err(vault_error)?;
    let found = vault
        .get(&SecretName::new(open.workspace_id.clone(), account.id))
        .await
        .map_err(vault_error)?;
    found
        .map(Some)
        .ok_or_else(|| fail(Code::Keychain, "accounts.no_secret", &[("name", &account.name)]))
}

/// The mail of *send me a test* where no template is named.
fn test_parts() -> TemplateParts {
    TemplateParts {
        subject: crate::error::sentence("accounts.test_mail.subject", &[]),
        preheader: String::new(),
        body: format!(
            "<mjml lang=\"en\"><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>",
            crate::error::sentence("accounts.test_mail.body", &[])
        ),
        text: String::new(),
    }
}

/// One mail to oneself. It passes no gate, because it goes to whom the user types in, now and once.
async fn test(cx: &Ctx, req: TestAccount) -> Result<AccountTest> {
    let open = cx.open()?;
    let account = existing(open, req.id).await?;
    let to = clean::address(&req.to)
        .map_err(|_| fail(Code::Invalid, "contacts.bad_email", &[("email", &req.to)]).at("to"))?;
    let mut phases = Vec::new();
    let result = send_test(open, &account, &to, req.template, &mut phases).await;
    if let Err(e) = &result {
        phases.push(TestPhase {
            phase: "failed".into(),
            ok: false,
            detail: e.message.clone(),
        });
    }
    let ok = result.is_ok();
    let message = phases.last().map(|p| p.detail.clone()).unwrap_or_default();
    let last = LastTest {
        at: open.now(),
        ok,
        message,
    };
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::settings::set(tx, &test_key(req.id), Some(&last))
        })
        .await?;
    if ok {
        try_again(open, Some(req.id)).await?;
    }
    Ok(AccountTest { ok, phases })
}

async fn send_test(
    open: &Open,
    account: &Account,
    to: &str,
    template: Option<TemplateId>,
    phases: &mut Vec<TestPhase>,
) -> Result<()> {
    let outside = |failure: &carillon_model::message::Failure| {
        fail(
            Code::Outside,
            "accounts.failure",
            &[("detail", &failure.detail), ("code", &failure.code)],
        )
    };
    let workspace = open.workspace()?;
    let parts = match template {
        Some(id) => {
            let found = open
                .store
                .read(move |db| carillon_store::templates::get(db, id))
                .await?;
            TemplateParts::from(
                &found.ok_or_else(|| fail(Code::NotFound, "not_found.template", &[("name", &id)]))?,
            )
        }
        None => test_parts(),
    };
    let mut record = letters::nobody();
    record.fields = BTreeMap::from([("email".to_owned(), Value::Text(to.to_owned()))]);
    let token = crate::files::ticket();
    let context = letters::context(
        &record,
        open.store.catalogue().zone(),
        crate::clock::machine_now(),
        Some(letters::unsubscribe_mailto(account, &token)),
    );
    let output = letters::render_one(
        open,
        parts,
        letters::sender(&workspace, Some(account)),
        context,
        Mode::Render,
    )
    .await?;
    let Output::Message(rendered) = output else {
        return Err(ApiError::internal("no message"));
    };
    let domain = account
        .from_email
        .rsplit_once('@')
        .map_or("localhost", |(_, d)| d);
    let envelope = letters::envelope(
        &workspace,
        account,
        &record,
        format!("{token}@{domain}"),
        &token,
        crate::clock::machine_now(),
        false,
    );
    let bytes = carillon_render::compose(&envelope, &rendered)
        .map_err(|e| fail(Code::Invalid, "render.template", &[("detail", &e)]))?;
    let secret = secret(open, account).await?;
    let session = Session::open(account, secret.as_ref(), &open.dialer)
        .await
        .map_err(|stopped| outside(&stopped.failure))?;
    phases.push(TestPhase {
        phase: "connect".into(),
        ok: true,
        detail: format!("{}:{}", account.host, account.port),
    });
    let ready = session
        .offer(&account.from_email, to, &bytes)
        .await
        .map_err(|stopped| outside(&stopped.failure))?;
    phases.push(TestPhase {
        phase: "mail".into(),
        ok: true,
        detail: to.to_owned(),
    });
    let finished = ready.finish().await;
    let reply = finished.outcome.map_err(|failure| outside(&failure))?;
    phases.push(TestPhase {
        phase: "done".into(),
        ok: true,
        detail: format!("{} {}", reply.codes(), reply.text()),
    });
    if let Some(session) = finished.session {
        session.quit().await;
    }
    Ok(())
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
