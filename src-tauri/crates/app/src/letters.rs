//! From a template and a contact to the bytes of a message: the same way for previews, tests and journeys.

use crate::error::{ApiError, Code, Result, fail};
use crate::workspaces::Open;
use carillon_engine::record::ContactRecord;
use carillon_model::account::Account;
use carillon_model::contact::Value;
use carillon_model::journey::Input;
use carillon_model::workspace::Workspace;
use carillon_model::{EnrolmentId, Moment};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::{Context, Envelope, EventContext, ListId, Mailbox, RenderError, Sender, TemplateParts};
use carillon_store::{Db, events, facts};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Children that render, shared by all who need one.
#[derive(Clone)]
pub struct Press {
    renderer: Arc<Mutex<crate::render::Renderer>>,
}

impl Default for Press {
    fn default() -> Self {
        Press {
            renderer: Arc::new(Mutex::new(crate::render::Renderer::new(child_command))),
        }
    }
}

/// This program again, as a render child. `CARILLON_RENDER_CHILD` names another program that is one: a test's
/// own executable does not begin with `render_child`.
fn child_command() -> std::process::Command {
    let program = std::env::var_os("CARILLON_RENDER_CHILD")
        .map(std::path::PathBuf::from)
        .or_else(this_program)
        .unwrap_or_default();
    let mut command = std::process::Command::new(program);
    command.arg(crate::render::CHILD_ARGUMENT);
    command
}

/// On Linux by a name that holds also after an update has put another file in its place.
fn this_program() -> Option<std::path::PathBuf> {
    match cfg!(target_os = "linux") {
        true => Some("/proc/self/exe".into()),
        false => std::env::current_exe().ok(),
    }
}

impl Press {
    /// Renders off the async threads. One answer for each context, in order.
    ///
    /// # Errors
    /// When the thread is lost.
    pub async fn run(&self, request: Request) -> Result<Vec<std::result::Result<Output, RenderError>>> {
        let renderer = self.renderer.clone();
        tokio::task::spawn_blocking(move || {
            renderer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .render_batch(&request)
        })
        .await
        .map_err(ApiError::internal)
    }
}

/// Who sends, from workspace and account.
pub fn sender(workspace: &Workspace, account: Option<&Account>) -> Sender {
    Sender {
        organisation: workspace.organisation.clone(),
        postal_address: workspace.postal_address.clone(),
        name: account
            .map(|a| a.from_name.clone())
            .unwrap_or_else(|| workspace.organisation.clone()),
        email: account.map(|a| a.from_email.clone()).unwrap_or_default(),
    }
}

/// The `mailto:` address that unsubscribes: answered by hand until a later issue reads the mailbox.
pub fn unsubscribe_mailto(account: &Account, token: &str) -> String {
    let to = account.reply_to.as_deref().unwrap_or(&account.from_email);
    carillon_render::address::mailto(to, &format!("unsubscribe {token}"))
}

/// The event a passage began with, for its mails.
///
/// # Errors
/// The store's.
pub fn began_with(db: &Db<'_>, passage: EnrolmentId) -> carillon_store::Result<Option<EventContext>> {
    let Some(call) = facts::first_call(db, passage)? else {
        return Ok(None);
    };
    let Ok(Input::Enter { event: Some(id), .. }) = serde_json::from_str(&call.input) else {
        return Ok(None);
    };
    let event = events::get_many(db, &[id])?.pop();
    Ok(event.map(|event| EventContext {
        name: event.name,
        at: event.at,
        props: event.props,
    }))
}

/// What a template may say of a contact.
pub fn context(
    record: &ContactRecord,
    zone: chrono_tz::Tz,
    now: Moment,
    unsubscribe: Option<String>,
) -> Context {
    let language = match record.fields.get("language") {
        Some(Value::Text(tag)) => tag.clone(),
        _ => "en".to_owned(),
    };
    Context {
        contact: record.fields.clone().into_iter().collect::<BTreeMap<_, _>>(),
        tags: record.tags.clone(),
        event: None,
        unsubscribe_url: unsubscribe,
        zone: record.zone().unwrap_or(zone).name().to_owned(),
        locale: language,
        now,
    }
}

/// Somebody to preview with where a workspace is empty.
pub fn nobody() -> ContactRecord {
    ContactRecord {
        fields: BTreeMap::from([("email".to_owned(), Value::Text("somebody@example.com".to_owned()))]),
        ..ContactRecord::default()
    }
}

/// The envelope of one message. `message_id` was fixed when it was queued.
pub fn envelope(
    workspace: &Workspace,
    account: &Account,
    to: &ContactRecord,
    message_id: String,
    token: &str,
    date: Moment,
    marketing: bool,
) -> Envelope {
    let text = |key: &str| match to.fields.get(key) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let name = [text("first_name"), text("last_name")]
        .into_iter()
        .filter(|n| !n.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let domain = account
        .from_email
        .rsplit_once('@')
        .map_or("localhost", |(_, d)| d)
        .to_owned();
    Envelope {
        from: Mailbox {
            name: account.from_name.clone(),
            email: account.from_email.clone(),
        },
        to: Mailbox {
            name,
            email: text("email"),
        },
        reply_to: account.reply_to.clone().map(|email| Mailbox {
            name: String::new(),
            email,
        }),
        date,
        message_id,
        list_id: marketing.then(|| ListId {
            name: workspace.organisation.clone(),
            id: format!("marketing.{domain}"),
        }),
        unsubscribe_https: None,
        unsubscribe_mailto: marketing.then(|| unsubscribe_mailto(account, token)),
        feedback_id: None,
    }
}

/// The one answer of a render for one contact, or why not, in a sentence.
///
/// # Errors
/// The template's own fault.
pub async fn render_one(
    open: &Open,
    parts: TemplateParts,
    sender: Sender,
    context: Context,
    mode: Mode,
) -> Result<Output> {
    let request = Request {
        template: parts,
        sender,
        mode,
        contexts: vec![context],
    };
    let answer = open.press.run(request).await?.into_iter().next();
    match answer {
        Some(Ok(output)) => Ok(output),
        Some(Err(e)) => Err(fail(Code::Invalid, "render.template", &[("detail", &e)])),
        None => Err(ApiError::internal("the render child gave no answer")),
    }
}
