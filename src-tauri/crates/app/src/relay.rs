//! The relay of this workspace: a small server of the user's own that hears what people answer while the laptop sleeps.

mod confirming;
mod doors;
mod machines;
mod words;

pub(crate) use confirming::CONFIRM;
pub use doors::{Mint, Recipient, mint};
pub use machines::{InviteMachine, JoinRelay, MachineInvitation};
pub use words::*;

use crate::Ctx;
use crate::accounts::Keep;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::secrets::{self, Owner};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::relays::{RelayClient, RelaySecrets};
use carillon_model::account::SecretState;
use carillon_model::message::Failure;
use carillon_model::relay::{PageSettings, PairingCode, RelaySettings};
use carillon_model::workspace::Workspace;
use carillon_store::{Db, Priority, Tx, consents, opt_out_sources, settings};
use confirming::confirming;
use machines::{invite, join};
use serde::{Deserialize, Serialize};

commands! {
    query "relay.get" get(NoArgs) -> RelayView, reads [Relay, OptOutSources];
    mutate "relay.pair" pair(PairRelay) -> RelayView, reads [];
    mutate "relay.invite" invite(InviteMachine) -> MachineInvitation, reads [];
    mutate "relay.join" join(JoinRelay) -> RelayView, reads [];
    mutate "relay.unpair" unpair(NoArgs) -> Done, reads [];
    mutate "relay.test" test(NoArgs) -> RelayTest, reads [];
    query "relay.settings" get_settings(NoArgs) -> RelaySettings, reads [Relay, Workspace];
    mutate "relay.save_settings" save_settings(RelaySettings) -> Done, reads [];
    query "relay.confirming" confirming(NoArgs) -> Vec<String>, reads [Journeys, Templates];
}

/// The relay among the sources of opt-outs, and the source of what it told.
pub const SOURCE: &str = "relay";
/// Key of the setting that says which relay it is.
pub(crate) const PAIRED: &str = "relay";
/// Key of the setting with its forms, sites and keys.
pub(crate) const SETTINGS: &str = "relay_settings";
/// Languages the relay's pages are written in.
const LANGUAGES: [&str; 3] = ["de", "en", "fr"];

/// Lengths of a pause the preference page offers, in days.
const PAUSES_DAYS: [u16; 3] = [30, 60, 90];

/// Which relay this workspace has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    pub url: String,
    pub tenant: String,
    /// What this machine is called there.
    pub machine: String,
    #[serde(default)]
    pub ca_file: Option<String>,
    pub at: carillon_model::Moment,
}

/// The secrets of a relay, as they are kept together.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    opening: String,
    device: String,
    tokens: Vec<String>,
}

fn owner() -> Owner {
    Owner::Named("relay".to_owned())
}

pub(crate) fn packed(secrets: &RelaySecrets) -> Result<Secret> {
    let kept = Kept {
        opening: secrets.opening.expose().to_owned(),
        device: secrets.device.expose().to_owned(),
        tokens: secrets.tokens.iter().map(|key| key.expose().to_owned()).collect(),
    };
    serde_json::to_string(&kept)
        .map(Secret::new)
        .map_err(ApiError::internal)
}

/// The secrets as [`packed`] wrote them.
pub(crate) fn unpacked(kept: &Secret) -> Result<RelaySecrets> {
    let kept: Kept = serde_json::from_str(kept.expose()).map_err(|_| no_secrets())?;
    Ok(RelaySecrets {
        opening: Secret::new(kept.opening),
        device: Secret::new(kept.device),
        tokens: kept.tokens.into_iter().map(Secret::new).collect(),
    })
}

fn no_secrets() -> ApiError {
    fail(Code::Keychain, "relay.no_secrets", &[])
}

/// The relay this workspace is paired with, if it is.
///
/// # Errors
/// The store's.
pub fn paired(db: &Db<'_>) -> carillon_store::Result<Option<Paired>> {
    settings::get(db, PAIRED)
}

/// The secrets of the relay.
///
/// # Errors
/// A sentence that says why they cannot be had.
pub async fn secrets_of(open: &Open) -> Result<RelaySecrets> {
    // A sample has its own relay, and only that.
    let kept = match open.sample {
        true => match open.store.read(paired).await? {
            Some(paired) => crate::world::keys(open, &paired.tenant)?,
            None => None,
        },
        false => secrets::get(open, &owner()).await?,
    };
    unpacked(&kept.ok_or_else(no_secrets)?)
}

/// The relay as this machine asks it; `None` where there is none.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn client(open: &Open) -> Result<Option<RelayClient>> {
    let Some(paired) = open.store.read(paired).await? else {
        return Ok(None);
    };
    let secrets = secrets_of(open).await?;
    let ca_file = paired.ca_file.as_deref();
    RelayClient::new(
        open.dialer.clone(),
        &paired.url,
        &paired.tenant,
        &secrets,
        ca_file,
    )
    .map(Some)
    .map_err(in_words)
}

pub(crate) fn in_words(failure: Failure) -> ApiError {
    ApiError {
        message: failure.detail,
        ..fail(Code::Refused, "relay.refused", &[])
    }
}

async fn get(cx: &Ctx, _: NoArgs) -> Result<RelayView> {
    view(cx.open()?).await
}

async fn view(open: &Open) -> Result<RelayView> {
    let file_is_locked = secrets::is_locked(open).await;
    Ok(open
        .store
        .read(move |db| {
            let source = opt_out_sources::list(db)?
                .into_iter()
                .find(|source| source.name == SOURCE);
            let paired = paired(db)?;
            let secret = secrets::kept(db, &owner())?;
            Ok(RelayView {
                locked: paired.is_some() && file_is_locked && secret == Some(SecretState::PassphraseFile),
                url: paired.as_ref().map(|paired| paired.url.clone()),
                tenant: paired.as_ref().map(|paired| paired.tenant.clone()),
                paired_at: paired.map(|paired| paired.at),
                read_at: source.as_ref().and_then(|source| source.read_at),
                trouble: source.and_then(|source| source.trouble),
            })
        })
        .await?)
}

async fn pair(cx: &Ctx, req: PairRelay) -> Result<RelayView> {
    let open = cx.open()?;
    not_in_a_sample(open)?;
    if open.store.read(paired).await?.is_some() {
        return Err(fail(Code::Refused, "relay.paired_already", &[]));
    }
    let code: PairingCode = req.code.parse().map_err(|why: &str| ApiError {
        message: why.to_owned(),
        ..fail(Code::Invalid, "relay.bad_code", &[]).at("code")
    })?;
    let machine = machine_name(req.machine);
    let made = RelaySecrets::generate().map_err(in_words)?;
    // Kept before they are used: a code works once.
    secrets::keep(open, &owner(), packed(&made)?, req.keep, req.passphrase).await?;
    let ca_file = req.ca_file.filter(|path| !path.trim().is_empty());
    let done = RelayClient::pair(open.dialer.clone(), &code, &made, &machine, ca_file.as_deref()).await;
    let (client, _) = match done {
        Ok(done) => done,
        Err(failure) => {
            forget_secrets(open).await?;
            return Err(in_words(failure).at("code"));
        }
    };
    let at = open.now();
    let row = Paired {
        url: code.url,
        tenant: code.tenant,
        machine,
        ca_file,
        at,
    };
    open.store
        .write(Priority::User, move |tx| {
            settings::set(tx, PAIRED, Some(&row))?;
            opt_out_sources::keep(tx, SOURCE, &row.url)?;
            changed(tx);
            Ok(())
        })
        .await?;
    if let Err(failure) = client.set_settings(&settings_for(open).await?).await {
        tracing::warn!(%failure.detail, "the relay was paired and did not take its settings yet");
    }
    view(open).await
}

fn not_in_a_sample(open: &Open) -> Result<()> {
    match open.sample {
        true => Err(fail(Code::Refused, "relay.of_the_sample", &[])),
        false => Ok(()),
    }
}

fn machine_name(given: Option<String>) -> String {
    let given = given.map(|name| crate::imports::clean::line(&name));
    given
        .filter(|name| !name.is_empty())
        .or_else(|| std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "laptop".to_owned())
}

fn changed(tx: &mut Tx<'_>) {
    opt_out_sources::relay_changed(tx);
}

async fn forget_secrets(open: &Open) -> Result<()> {
    let kept = open.store.read(|db| secrets::kept(db, &owner())).await?;
    open.store
        .write(Priority::User, |tx| secrets::note_kept(tx, &owner(), None))
        .await?;
    secrets::forget(open, &owner(), kept).await;
    Ok(())
}

/// Gives the relay up. Links of messages that were sent lead there as before, and nobody hears of them.
async fn unpair(cx: &Ctx, _: NoArgs) -> Result<Done> {
    let open = cx.open()?;
    not_in_a_sample(open)?;
    open.store
        .write(Priority::User, |tx| {
            settings::set::<Paired>(tx, PAIRED, None)?;
            opt_out_sources::remove(tx, SOURCE)?;
            changed(tx);
            Ok(())
        })
        .await?;
    forget_secrets(open).await?;
    Ok(Done {})
}

async fn test(cx: &Ctx, _: NoArgs) -> Result<RelayTest> {
    let open = cx.open()?;
    let asked = async {
        let client = client(open)
            .await?
            .ok_or_else(|| fail(Code::Invalid, "relay.none", &[]))?;
        client
            .set_settings(&settings_for(open).await?)
            .await
            .map_err(in_words)
    };
    Ok(match asked.await {
        Ok(state) => RelayTest {
            ok: true,
            message: state.version.clone(),
            state: Some(state),
        },
        Err(error) => RelayTest {
            ok: false,
            message: error.message,
            state: None,
        },
    })
}

/// What the relay is told: the user's forms, sites and keys, with pages that say who writes.
pub async fn settings_for(open: &Open) -> Result<RelaySettings> {
    let workspace = open.workspace()?;
    Ok(open.store.read(move |db| merged(db, &workspace)).await?)
}

fn merged(db: &Db<'_>, workspace: &Workspace) -> carillon_store::Result<RelaySettings> {
    let mut all: RelaySettings = settings::get(db, SETTINGS)?.unwrap_or_default();
    let fallback = |list: Vec<String>| match list.is_empty() {
        true => LANGUAGES.map(str::to_owned).into(),
        false => list,
    };
    all.page = PageSettings {
        sender: workspace.organisation.clone(),
        postal_address: workspace.postal_address.clone(),
        languages: fallback(all.page.languages),
        pauses_days: match all.page.pauses_days.is_empty() {
            true => PAUSES_DAYS.into(),
            false => all.page.pauses_days,
        },
        topics: crate::topics::all(db)?.offered(),
        ..all.page
    };
    Ok(all)
}

async fn get_settings(cx: &Ctx, _: NoArgs) -> Result<RelaySettings> {
    settings_for(cx.open()?).await
}

/// Each consent with the hash of its words: a screen writes the words alone.
fn hashed(mut all: RelaySettings) -> RelaySettings {
    for consent in all.forms.iter_mut().flat_map(|form| &mut form.consents) {
        consent.wording_hash = blake3::hash(consent.text.as_bytes()).to_hex().to_string();
    }
    all
}

async fn save_settings(cx: &Ctx, req: RelaySettings) -> Result<Done> {
    let open = cx.open()?;
    let req = hashed(req);
    open.store
        .write(Priority::User, move |tx| {
            settings::set(tx, SETTINGS, Some(&req))?;
            // A form that was opened before a change is sent after it, with the words it was opened with.
            for consent in req.forms.iter().flat_map(|form| &form.consents) {
                consents::keep_wording(tx, &consent.text)?;
            }
            changed(tx);
            Ok(())
        })
        .await?;
    tell_settings(open).await?;
    Ok(Done {})
}

/// Tells the relay, where there is one, what it shows.
///
/// # Errors
/// Why it did not take it.
pub(crate) async fn tell_settings(open: &Open) -> Result<()> {
    let Some(client) = client(open).await? else {
        return Ok(());
    };
    let told = client.set_settings(&settings_for(open).await?).await;
    told.map(drop).map_err(in_words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_model::relay::{ConsentText, FormDefinition};

    #[test]
    fn a_consent_gets_the_hash_of_the_words_it_has_whatever_hash_came_with_it() {
        let consent = ConsentText {
            key: "marketing".to_owned(),
            version: 1,
            text: "Yes, send me news.".to_owned(),
            wording_hash: "of other words".to_owned(),
            required: false,
        };
        let form = FormDefinition {
            key: "news".to_owned(),
            version: 1,
            title: "News".to_owned(),
            intro: String::new(),
            button: "Sign up".to_owned(),
            thanks: "Thank you.".to_owned(),
            redirect: None,
            fields: Vec::new(),
            consents: vec![consent],
            double_opt_in: true,
            min_secs: 3,
            work_bits: 16,
            without_script: true,
            language: None,
        };
        let all = hashed(RelaySettings {
            forms: vec![form],
            ..RelaySettings::default()
        });
        let hash = blake3::hash(b"Yes, send me news.").to_hex().to_string();
        assert_eq!(all.forms[0].consents[0].wording_hash, hash);
    }
}
