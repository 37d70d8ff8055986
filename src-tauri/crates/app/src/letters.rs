//! From a template and a contact to the bytes of a message: the same way for previews, tests and journeys.

use crate::error::{ApiError, Code, Result, fail};
use crate::workspaces::Open;
use carillon_adapters::dkim::{DkimError, Signer};
use carillon_engine::record::ContactRecord;
use carillon_model::account::Account;
use carillon_model::contact::Value;
use carillon_model::journey::Input;
use carillon_model::workspace::Workspace;
use carillon_model::{EnrolmentId, Moment};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::links::{self, Link, Marks};
use carillon_render::{
    ComposeError, Context, Envelope, EventContext, ListId, Mailbox, RenderError, Rendered, Sender,
    TemplateParts,
};
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

/// Where a link leads instead, so that its click is told of. `None` leaves the link as it is.
pub type Click = Arc<dyn Fn(&Link) -> Option<String> + Send + Sync>;

/// The relay's addresses for one message. Those that are absent are not used: a workspace without a relay has none, and
/// a contact who did not agree to be measured has neither click nor pixel nor trap.
#[derive(Clone, Default)]
pub struct Doors {
    /// https address that unsubscribes by one click (RFC 8058), and the link to unsubscribe in the mail itself.
    pub unsubscribe: Option<String>,
    /// https address of the page where the contact chooses what to get.
    pub preferences: Option<String>,
    /// https address of the page where the contact confirms the address. It works for a week.
    pub confirm: Option<String>,
    pub click: Option<Click>,
    /// Source of the picture that tells of an opening.
    pub pixel: Option<String>,
    /// A link that only programs follow.
    pub trap: Option<String>,
}

impl Doors {
    /// The address that ends the mails, as a template prints it: the relay's, else a mail to the account.
    pub fn unsubscribe_url(&self, account: &Account, token: &str) -> String {
        self.unsubscribe
            .clone()
            .unwrap_or_else(|| unsubscribe_mailto(account, token))
    }
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
        preferences_url: None,
        confirm_url: None,
        zone: record.zone().unwrap_or(zone).name().to_owned(),
        locale: language,
        now,
    }
}

/// Where links of the relay stand in a mail that nobody gets.
#[derive(Clone, Debug, Default)]
pub struct ShownLinks {
    relay: Option<String>,
}

impl ShownLinks {
    /// As this workspace has them.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(open: &Open) -> Result<ShownLinks> {
        let paired = open.store.read(crate::relay::paired).await?;
        Ok(ShownLinks {
            relay: paired.map(|paired| paired.url),
        })
    }

    /// Whether there is a relay they lead to.
    pub fn lead_somewhere(&self) -> bool {
        self.relay.is_some()
    }

    /// What is rendered for a look at it.
    pub fn put(&self, context: Context) -> Context {
        let link = |kind: &str| self.relay.as_ref().map(|relay| format!("{relay}/{kind}/preview"));
        Context {
            preferences_url: link("p"),
            confirm_url: link("k"),
            ..context
        }
    }
}

/// Somebody to preview with where a workspace is empty.
pub fn nobody() -> ContactRecord {
    ContactRecord {
        fields: BTreeMap::from([("email".to_owned(), Value::Text("somebody@example.com".to_owned()))]),
        ..ContactRecord::default()
    }
}

/// What a message is, beside who sends it and who gets it.
pub struct Posting<'a> {
    /// Fixed when it was queued.
    pub message_id: String,
    /// Its Message-ID before the at sign.
    pub token: &'a str,
    pub date: Moment,
    /// A marketing mail, and what it belongs to: a word that is the same for all who get it.
    pub campaign: Option<String>,
    /// The id of the workspace, which tells its complaints from those of others.
    pub workspace_id: &'a str,
    pub doors: &'a Doors,
}

/// The envelope of one message.
pub fn envelope(
    workspace: &Workspace,
    account: &Account,
    to: &ContactRecord,
    posting: Posting<'_>,
) -> Envelope {
    let Posting {
        message_id,
        token,
        date,
        campaign,
        workspace_id,
        doors,
    } = posting;
    let marketing = campaign.is_some();
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
        unsubscribe_https: doors.unsubscribe.clone().filter(|_| marketing),
        unsubscribe_mailto: marketing.then(|| unsubscribe_mailto(account, token)),
        feedback_id: campaign.map(|campaign| feedback_id(&campaign, workspace_id, &domain)),
    }
}

/// Gmail's header for figures of complaints: campaign, stream, workspace, and the sender, who is told by a word of 5 to 15
/// characters that is the same in all mails of a domain. The last two are digests: an id is nobody's business. Names of
/// steps may have any sign, the header has few.
fn feedback_id(campaign: &str, workspace_id: &str, domain: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let campaign: String = campaign
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(48)
        .collect();
    let digest = |text: &str| blake3::hash(text.to_ascii_lowercase().as_bytes()).to_hex();
    let (workspace, sender) = (digest(workspace_id), digest(domain));
    format!("{campaign}:marketing:{}:{}", &workspace[..12], &sender[..12])
}

/// Why a message has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error(transparent)]
    Sign(#[from] DkimError),
}

/// The bytes of a message as they leave: its links lead through the relay's doors, and it is signed where somebody signs.
///
/// # Errors
/// What of envelope or content no message can be made from.
pub fn finished(
    envelope: &Envelope,
    mut content: Rendered,
    doors: &Doors,
    signer: Option<&Signer>,
) -> std::result::Result<Vec<u8>, LetterError> {
    let marks = Marks {
        pixel: doors.pixel.as_deref(),
        trap: doors.trap.as_deref(),
    };
    if let Some(click) = &doors.click {
        let kept: Vec<&str> = [&doors.unsubscribe, &doors.preferences, &doors.confirm]
            .into_iter()
            .filter_map(|url| url.as_deref())
            .collect();
        links::led(&mut content, &kept, |link| click(link), marks);
    } else {
        content.html = links::marked(&content.html, marks);
    }
    let bytes = carillon_render::compose(envelope, &content)?;
    Ok(match signer {
        Some(signer) => signer.sign(&bytes, envelope.date)?,
        None => bytes,
    })
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
