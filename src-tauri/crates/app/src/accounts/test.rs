//! *Send me a test*.

use super::{AccountTest, LastTest, TestAccount, TestPhase, existing, secret, test_key};
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::clean;
use crate::letters::{Doors, Posting};
use crate::runtime::dispatch::{spend_one, try_again};
use crate::workspaces::Open;
use crate::{Ctx, letters};
use carillon_adapters::channels::email::{Options, Session};
use carillon_model::TemplateId;
use carillon_model::account::Account;
use carillon_model::contact::Value;
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
    let outside = |failure: &carillon_model::message::Failure| {
        fail(
            Code::Outside,
            "accounts.failure",
            &[("detail", &failure.detail), ("code", &failure.code)],
        )
    };
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
    let bytes = carillon_render::compose(&envelope, &rendered)
        .map_err(|e| fail(Code::Invalid, "render.template", &[("detail", &e)]))?;
    let secret = secret(open, account).await?;
    let options = Options {
        login: super::login(account),
        ..Options::default()
    };
    let session = Session::open_with(account, secret.as_ref(), &open.dialer, &options)
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
    if !spend_one(open, account.id).await? {
        ready.abandon();
        return Err(fail(
            Code::Refused,
            "accounts.test_over_limit",
            &[("name", &account.name)],
        ));
    }
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
