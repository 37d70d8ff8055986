//! What a template must hold to before it is sent to anybody.

use crate::accounts::default_account;
use crate::error::{Code, Result, fail};
use crate::letters::{self, ShownLinks, context, sender};
use crate::relay::CONFIRM;
use crate::workspaces::Open;
use carillon_model::journey::Journey;
use carillon_render::child::{Mode, Output, Request};
use carillon_render::{ErrorKind, Prepared, TemplateParts};

/// What must hold of each template that a drawing sends before it may be published.
///
/// # Errors
/// `Refused` with what is wrong: it cannot be read, or a marketing mail does not say where its sender lives or how to
/// leave.
pub async fn check_sendable(open: &Open, drawing: &Journey) -> Result<()> {
    for (name, marketing) in crate::journeys::mails_of(drawing) {
        fit(open, &name, marketing).await?;
    }
    Ok(())
}

/// The templates a drawing sends that are not fit to be sent, each with a sentence that says why.
///
/// # Errors
/// The store's.
pub async fn unfit(open: &Open, drawing: &Journey) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for (name, marketing) in crate::journeys::mails_of(drawing) {
        match fit(open, &name, marketing).await {
            Err(e) if e.code == Code::Refused => all.push((name, e.message)),
            other => other?,
        }
    }
    Ok(all)
}

/// Of one template that is kept; one that is not there is a problem of the drawing, which is told with its step.
async fn fit(open: &Open, name: &str, marketing: bool) -> Result<()> {
    let wanted = name.to_owned();
    let found = open
        .store
        .read(move |db| carillon_store::templates::by_name(db, &wanted))
        .await?;
    match found {
        Some(template) => fit_to_send(open, name, &TemplateParts::from(&template), marketing).await,
        None => Ok(()),
    }
}

/// The same of the parts of one template.
///
/// # Errors
/// As of [`check_sendable`].
pub(super) async fn fit_to_send(
    open: &Open,
    name: &str,
    parts: &TemplateParts,
    marketing: bool,
) -> Result<()> {
    let broken = |detail: &dyn std::fmt::Display| {
        fail(
            Code::Refused,
            "templates.broken",
            &[("name", &name), ("detail", detail)],
        )
    };
    let (workspace, account) = (open.workspace()?, default_account(open).await?);
    let sender = sender(&workspace, account.as_ref());
    let duties = Prepared::new(parts)
        .map_err(|e| broken(&e))?
        .duties(parts, &sender);
    if marketing && !duties.postal_address {
        return Err(fail(
            Code::Refused,
            "templates.no_postal_address",
            &[("name", &name)],
        ));
    }
    if marketing && !duties.unsubscribe {
        return Err(fail(
            Code::Refused,
            "templates.no_unsubscribe",
            &[("name", &name)],
        ));
    }
    let unsubscribe = Some("mailto:unsubscribe@example.com".to_owned());
    let context = context(
        &letters::nobody(),
        open.store.catalogue().zone(),
        open.now(),
        unsubscribe,
    );
    let request = Request {
        template: parts.clone(),
        sender,
        mode: Mode::Render,
        contexts: vec![context],
    };
    match open.press.run(request).await?.into_iter().next() {
        // A child that ended says nothing of the template; a subject may be empty for somebody of whom nothing is known.
        Some(Err(e)) if e.kind == ErrorKind::Mjml || e.kind == ErrorKind::Unsafe => Err(broken(&e)),
        Some(Ok(Output::Message(made))) if carillon_render::answers(&made.subject) => Err(fail(
            Code::Refused,
            "templates.answers",
            &[("name", &name), ("subject", &made.subject)],
        )),
        Some(Ok(Output::Message(rendered))) if rendered.missing.iter().any(|path| path == CONFIRM) => {
            fit_to_confirm(open, name, marketing).await
        }
        _ => Ok(()),
    }
}

/// Of a mail that prints it: without a relay it leads nowhere, and as marketing it reaches nobody whose word is missing.
async fn fit_to_confirm(open: &Open, name: &str, marketing: bool) -> Result<()> {
    let refused = |key: &str| Err(fail(Code::Refused, key, &[("name", &name)]));
    if marketing {
        return refused("templates.confirm_as_marketing");
    }
    match ShownLinks::of(open).await?.lead_somewhere() {
        true => Ok(()),
        false => refused("templates.confirm_without_relay"),
    }
}
