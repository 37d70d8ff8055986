//! Mailboxes that are read: their settings in the file, what opens them in the keychain, and a test.

mod words;

pub use words::*;

use crate::Ctx;
use crate::accounts::is_here;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::intake;
use crate::secrets::{self, Owner};
use crate::table::{Done, JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::mailbox::imap::{self, Imap, Options};
use carillon_adapters::oauth;
use carillon_model::MailboxId;
use carillon_model::account::{SecretState, Tls};
use carillon_model::mailbox::{Auth, Mailbox};
use carillon_store::{Priority, mailboxes as rows, opt_out_sources};
use std::sync::Arc;

commands! {
    query "mailboxes.list" list(NoArgs) -> Vec<MailboxView>, reads [Mailboxes, OptOutSources];
    query "mailboxes.presets" presets(NoArgs) -> MailboxPresetsView, reads [];
    mutate "mailboxes.add" add(AddMailbox) -> Mailbox, reads [];
    mutate "mailboxes.update" update(UpdateMailbox) -> Mailbox, reads [];
    mutate "mailboxes.delete" delete(OneMailbox) -> Done, reads [];
    mutate "mailboxes.switch" switch(SwitchMailbox) -> Done, reads [];
    mutate "mailboxes.set_secret" set_secret(SetMailboxSecret) -> Done, reads [];
    mutate "mailboxes.sign_in" sign_in(SignInMailbox) -> SignInStarted, reads [], only crate::table::LOCAL;
    mutate "mailboxes.test" test(OneMailbox) -> MailboxTest, reads [];
    mutate "mailboxes.read_now" read_now(NoArgs) -> JobStarted, reads [];
}

fn shaped(draft: MailboxDraft, id: MailboxId) -> Result<Mailbox> {
    let name = clean::line(&draft.name);
    let host = draft.host.trim().to_lowercase();
    let user = draft.user.trim().to_owned();
    for (text, field) in [(&name, "name"), (&host, "host"), (&user, "user")] {
        if text.is_empty() {
            return Err(fail(Code::Invalid, "mailboxes.incomplete", &[]).at(field));
        }
    }
    if draft.tls == Tls::None && !is_here(&host) {
        return Err(fail(Code::Refused, "accounts.plain_outside", &[]).at("tls"));
    }
    let folders: Vec<String> = draft
        .folders
        .iter()
        .map(|folder| folder.trim().to_owned())
        .filter(|folder| !folder.is_empty() && !folder.chars().any(char::is_control))
        .collect();
    Ok(Mailbox {
        id,
        name,
        host,
        port: draft.port,
        tls: draft.tls,
        user,
        auth: draft.auth,
        folders,
        ca_file: draft.ca_file.filter(|f| !f.trim().is_empty()),
    })
}

async fn existing(open: &Open, id: MailboxId) -> Result<rows::MailboxRow> {
    let found = open.store.read(move |db| rows::get(db, id)).await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.mailbox", &[("name", &id)]))
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<MailboxView>> {
    let open = cx.open()?;
    let file_is_locked = secrets::is_locked(open).await;
    Ok(open
        .store
        .read(move |db| {
            let sources = opt_out_sources::list(db)?;
            rows::list(db)?
                .into_iter()
                .map(|row| {
                    let id = row.mailbox.id;
                    let source = sources.iter().find(|source| source.name == rows::source(id));
                    let secret = secrets::kept(db, &Owner::Mailbox(id))?;
                    Ok(MailboxView {
                        has_secret: secret.is_some(),
                        locked: file_is_locked && secret == Some(SecretState::PassphraseFile),
                        off: row.paused,
                        read_at: source.and_then(|source| source.read_at),
                        trouble: source.and_then(|source| source.trouble.clone()),
                        mailbox: row.mailbox,
                    })
                })
                .collect()
        })
        .await?)
}

async fn presets(_: &Ctx, _: NoArgs) -> Result<MailboxPresetsView> {
    let mailboxes = imap::presets()
        .presets
        .iter()
        .map(|preset| MailboxPresetView {
            key: preset.key.clone(),
            name: preset.label.clone(),
            host: preset.server.clone().unwrap_or_default(),
            port: preset.port,
            tls: preset.tls,
            sign_in: preset.oauth.clone(),
            note: preset.refused.clone(),
            dated: preset.checked.clone(),
        })
        .collect();
    let providers = oauth::presets()
        .providers
        .iter()
        .map(|preset| OAuthPresetView {
            key: preset.key.clone(),
            name: preset.label.clone(),
            provider: preset.provider(""),
            note: preset.note.clone(),
        })
        .collect();
    Ok(MailboxPresetsView { mailboxes, providers })
}

async fn add(cx: &Ctx, req: AddMailbox) -> Result<Mailbox> {
    let mailbox = shaped(req.mailbox, MailboxId(0))?;
    save(cx.open()?, None, mailbox).await
}

async fn save(open: &Open, id: Option<MailboxId>, mailbox: Mailbox) -> Result<Mailbox> {
    Ok(open
        .store
        .write(Priority::User, move |tx| rows::save(tx, id, &mailbox))
        .await?)
}

async fn update(cx: &Ctx, req: UpdateMailbox) -> Result<Mailbox> {
    let open = cx.open()?;
    let before = existing(open, req.id).await?.mailbox;
    let mailbox = shaped(req.mailbox, req.id)?;
    if before.auth != mailbox.auth {
        open.sign_ins.forget(&Owner::Mailbox(req.id)).await;
    }
    let saved = save(open, Some(req.id), mailbox).await?;
    open.intake.nudge();
    Ok(saved)
}

async fn delete(cx: &Ctx, req: OneMailbox) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let owners = [Owner::Mailbox(req.id), Owner::MailboxClient(req.id)];
    let known = owners.clone();
    let kept = open
        .store
        .write(Priority::User, move |tx| {
            rows::remove(tx, req.id)?;
            let mut kept = Vec::new();
            for owner in &known {
                kept.push(secrets::kept(tx, owner)?);
                secrets::note_kept(tx, owner, None)?;
            }
            Ok(kept)
        })
        .await?;
    open.sign_ins.forget(&Owner::Mailbox(req.id)).await;
    for (owner, kept) in owners.iter().zip(kept) {
        secrets::forget(open, owner, kept).await;
    }
    Ok(Done {})
}

async fn switch(cx: &Ctx, req: SwitchMailbox) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    open.store
        .write(Priority::User, move |tx| rows::set_paused(tx, req.id, req.off))
        .await?;
    Ok(Done {})
}

async fn set_secret(cx: &Ctx, req: SetMailboxSecret) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let owner = match req.client {
        true => Owner::MailboxClient(req.id),
        false => Owner::Mailbox(req.id),
    };
    secrets::keep(open, &owner, Secret::new(req.secret), req.keep, req.passphrase).await?;
    changed(cx, open);
    Ok(Done {})
}

fn changed(cx: &Ctx, open: &Open) {
    open.intake.nudge();
    cx.app.bus().tell(0, vec!["mailboxes".into()]);
}

/// Opens the provider's page in a browser; its answer is kept for the mailbox.
async fn sign_in(cx: &Ctx, req: SignInMailbox) -> Result<SignInStarted> {
    let open = cx.open()?;
    let mailbox = existing(open, req.id).await?.mailbox;
    let Auth::OAuth { provider } = &mailbox.auth else {
        return Err(fail(
            Code::Invalid,
            "mailboxes.no_provider",
            &[("name", &mailbox.name)],
        ));
    };
    let app = cx.app.clone();
    intake::mailbox_door(&mailbox, provider)
        .sign_in(cx, "mailboxes.sign_in", (req.keep, req.passphrase), move |open| {
            open.intake.nudge();
            app.bus().tell(0, vec!["mailboxes".into()]);
        })
        .await
}

/// Signs in and looks round, and changes nothing.
async fn test(cx: &Ctx, req: OneMailbox) -> Result<MailboxTest> {
    let open = cx.open()?;
    let mailbox = existing(open, req.id).await?.mailbox;
    let looked = async {
        let secret = intake::mailbox_secret(open, &mailbox)
            .await
            .map_err(|e| e.message)?;
        let mut imap = Imap::open(&mailbox, &secret, &open.dialer, &Options::default())
            .await
            .map_err(|failure| failure.detail)?;
        let checked = imap.check().await.map_err(|failure| failure.detail)?;
        imap.log_out().await;
        Ok::<_, String>(checked)
    };
    Ok(match looked.await {
        Ok(checked) => MailboxTest::of(checked),
        Err(why) => MailboxTest::failed(why),
    })
}

/// Reads every source now, from where each was read to.
async fn read_now(cx: &Ctx, _: NoArgs) -> Result<JobStarted> {
    let open: Arc<Open> = cx.open()?.clone();
    open.intake.nudge();
    let job = cx.app.jobs().start("mailboxes.read_now", move |_| async move {
        intake::read_all(&open).await
    });
    Ok(JobStarted { job })
}
