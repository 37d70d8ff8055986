//! Further machines at one relay: one that is paired invites another, and both obey one list.

use super::{
    PAIRED, Paired, RelayView, SOURCE, client, in_words, machine_name, owner, packed, paired, secrets_of,
    view,
};
use crate::Ctx;
use crate::accounts::Keep;
use crate::error::{ApiError, Code, Result, fail};
use crate::secrets;
use carillon_adapters::Secret;
use carillon_adapters::relays::{Invitation, RelayClient, RelaySecrets};
use carillon_store::{Priority, opt_out_sources, outbox, settings, suppressions};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Lets another machine of the workspace in.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct InviteMachine {
    /// What it is to be called.
    pub machine: String,
    /// What the invitation is encrypted with: told to whoever sits there by another way.
    pub passphrase: String,
}

/// What is copied to the other machine. It is shown once.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MachineInvitation {
    pub text: String,
}

/// An invitation that another machine made.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct JoinRelay {
    pub invitation: String,
    /// The one the invitation was encrypted with.
    pub passphrase: String,
    /// PEM file of a certificate authority to trust beside the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Where the keys are kept.
    pub keep: Keep,
    /// Of the file of passwords, where they are kept there.
    #[serde(default)]
    pub file_passphrase: Option<String>,
}

impl std::fmt::Debug for InviteMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteMachine")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MachineInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineInvitation").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for JoinRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinRelay")
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

pub(super) async fn invite(cx: &Ctx, req: InviteMachine) -> Result<MachineInvitation> {
    let open = cx.open()?;
    let none = || fail(Code::Invalid, "relay.none", &[]);
    let paired = open.store.read(paired).await?.ok_or_else(none)?;
    let ours = client(open).await?.ok_or_else(none)?;
    let list_key = open.store.read(suppressions::key_to_share).await?;
    let secrets = RelaySecrets {
        device: RelaySecrets::generate().map_err(in_words)?.device,
        ..secrets_of(open).await?
    };
    let theirs = RelayClient::new(open.dialer.clone(), &paired.url, &paired.tenant, &secrets, None);
    let device = theirs
        .map_err(in_words)?
        .this_machine(&machine_name(Some(req.machine)));
    let invitation = Invitation {
        url: paired.url,
        tenant: paired.tenant,
        workspace: open.workspace_id.clone(),
        secrets,
        list_key,
    };
    let passphrase = Secret::new(req.passphrase);
    let sealed = tokio::task::spawn_blocking(move || invitation.seal(&passphrase)).await;
    let text = sealed
        .map_err(ApiError::internal)?
        .map_err(|failure| in_words(failure).at("passphrase"))?;
    ours.add_device(&device).await.map_err(in_words)?;
    Ok(MachineInvitation { text })
}

pub(super) async fn join(cx: &Ctx, req: JoinRelay) -> Result<RelayView> {
    let open = cx.open()?;
    let (text, passphrase) = (req.invitation, Secret::new(req.passphrase));
    let opened = tokio::task::spawn_blocking(move || Invitation::open(&text, &passphrase)).await;
    let invitation = opened.map_err(ApiError::internal)?.map_err(|failure| {
        let field = match failure.code.as_str() {
            "passphrase" => "passphrase",
            _ => "invitation",
        };
        in_words(failure).at(field)
    })?;
    // A copy of the workspace knows its relay already, and has no keys for it.
    let before = open.store.read(paired).await?;
    if before.is_some_and(|before| before.tenant != invitation.tenant || before.url != invitation.url) {
        return Err(fail(Code::Refused, "relay.paired_already", &[]));
    }
    let ca_file = req.ca_file.filter(|path| !path.trim().is_empty());
    let theirs = RelayClient::new(
        open.dialer.clone(),
        &invitation.url,
        &invitation.tenant,
        &invitation.secrets,
        ca_file.as_deref(),
    );
    // Asked before anything is kept: the machine may have been let go meanwhile.
    let state = theirs.map_err(in_words)?.state().await.map_err(in_words)?;
    secrets::keep(
        open,
        &owner(),
        packed(&invitation.secrets)?,
        req.keep,
        req.file_passphrase,
    )
    .await?;
    let row = Paired {
        url: invitation.url,
        tenant: invitation.tenant,
        machine: state
            .devices
            .last()
            .map(|device| device.name.clone())
            .unwrap_or_default(),
        ca_file,
        at: open.now(),
    };
    let same = invitation.workspace == open.workspace_id;
    let far = i64::from(rand::random::<u16>() % 4_000 + 1) << FAR;
    open.store
        .write(Priority::User, move |tx| {
            if same {
                // What this copy sends has numbers the other file never gives: a link names one message for both.
                outbox::number_from(tx, far);
            }
            suppressions::share_under(tx, &invitation.list_key)?;
            settings::set(tx, PAIRED, Some(&row))?;
            opt_out_sources::keep(tx, SOURCE, &row.url)?;
            super::changed(tx);
            Ok(())
        })
        .await?;
    view(open).await
}

/// Messages of a further machine are numbered from a multiple of two to this power: more than one machine ever sends, and
/// with four thousand machines still a number a screen can hold (2^53).
const FAR: u32 = 40;
