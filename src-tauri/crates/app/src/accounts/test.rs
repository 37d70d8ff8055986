//! *Send me a test*.

use super::{AccountTest, LastTest, TestAccount, TestPhase, existing, secret, signer, test_key};
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::clean;
use crate::letters::{Doors, Posting};
use crate::providers;
use crate::runtime::dispatch::{spend_one, try_again};
use crate::workspaces::Open;
use crate::{Ctx, letters};
use carillon_adapters::channels::email::{Options, Session};
use carillon_adapters::providers::Outgoing;
use carillon_model::account::Account;
use carillon_model::contact::Value;
use carillon_model::message::Failure;
use carillon_model::{ProviderId, TemplateId};
use carillon_render::TemplateParts;
use carillon_render::child::{Mode, Output};
use carillon_store::{Priority, suppressions};
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// One mail to oneself, now and once. It asks for no consent, because the user types in to whom it goes; the list of
/// addresses never to be written to holds for it too, and it counts against the account's limits.
pub(super) async fn test(cx: &Ctx, req: TestAccount) -> Result<AccountTest> {
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
    open: &Arc<Open>,
    account: &Account,
    to: &str,
    template: Option<TemplateId>,
    phases: &mut Vec<TestPhase>,
) -> Result<()> {
    let (workspace, address) = (open.workspace()?, to.to_owned());
    if open
        .store
        .read(move |db| suppressions::contains(db, &address))
        .await?
        .is_some()
    {
        return Err(fail(Code::Refused, "accounts.test_suppressed", &[("email", &to)]).at("to"));
    }
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
    let context = letters::ShownLinks::of(open).await?.put(context);
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
    let posting = Posting {
        message_id: format!("{token}@{domain}"),
        token: &token,
        date: crate::clock::machine_now(),
        campaign: None,
        workspace_id: &open.workspace_id,
        doors: &Doors::default(),
    };
    let envelope = letters::envelope(&workspace, account, &record, posting);
    let signer = signer(open, account).await?;
    let bytes = letters::finished(&envelope, rendered, &Doors::default(), signer.as_ref())
        .map_err(|e| fail(Code::Invalid, "render.template", &[("detail", &e)]))?;
    match account.provider {
        Some(by) => {
            let message = Outgoing {
                mime: &bytes,
                from: &account.from_email,
                to,
                message_id: &envelope.message_id,
            };
            call(open, account, by, &message, phases).await
        }
        None => deliver(open, account, to, &bytes, phases).await,
    }
}

fn outside(failure: &Failure) -> ApiError {
    fail(
        Code::Outside,
        "accounts.failure",
        &[("detail", &failure.detail), ("code", &failure.code)],
    )
}

fn went(phases: &mut Vec<TestPhase>, phase: &str, detail: String) {
    phases.push(TestPhase {
        phase: phase.to_owned(),
        ok: true,
        detail,
    });
}

fn over_limit(account: &Account) -> ApiError {
    fail(
        Code::Refused,
        "accounts.test_over_limit",
        &[("name", &account.name)],
    )
}

/// Through a session with the account's server.
async fn deliver(
    open: &Arc<Open>,
    account: &Account,
    to: &str,
    bytes: &[u8],
    phases: &mut Vec<TestPhase>,
) -> Result<()> {
    let secret = secret(open, account).await?;
    let options = Options {
        login: super::login(account),
        ..Options::default()
    };
    let session = Session::open_with(account, secret.as_ref(), &open.dialer, &options)
        .await
        .map_err(|stopped| outside(&stopped.failure))?;
    went(phases, "connect", format!("{}:{}", account.host, account.port));
    let ready = session
        .offer(&account.from_email, to, bytes)
        .await
        .map_err(|stopped| outside(&stopped.failure))?;
    went(phases, "mail", to.to_owned());
    if !spend_one(open, account.id).await? {
        ready.abandon();
        return Err(over_limit(account));
    }
    let finished = ready.finish().await;
    let reply = finished.outcome.map_err(|failure| outside(&failure))?;
    went(phases, "done", format!("{} {}", reply.codes(), reply.text()));
    if let Some(session) = finished.session {
        session.quit().await;
    }
    Ok(())
}

/// By a call of the provider's API.
async fn call(
    open: &Arc<Open>,
    account: &Account,
    by: ProviderId,
    message: &Outgoing<'_>,
    phases: &mut Vec<TestPhase>,
) -> Result<()> {
    let api = providers::api(open, by).await?;
    let quota = api.quota().await.map_err(|failed| outside(&failed.failure))?;
    providers::note_quota(open, by, quota).await?;
    went(phases, "connect", api.label().to_owned());
    api.fits(message).map_err(|failure| outside(&failure))?;
    if !spend_one(open, account.id).await? {
        return Err(over_limit(account));
    }
    let accepted = api
        .send(message)
        .await
        .map_err(|failed| outside(&failed.failure))?;
    went(phases, "mail", message.to.to_owned());
    went(phases, "done", accepted.provider_id);
    Ok(())
}
