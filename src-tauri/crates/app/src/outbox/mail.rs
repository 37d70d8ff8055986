//! A message's mail for the screen: as the sample's server received it, else as it would be made now.

use crate::error::Result;
use crate::letters;
use crate::workspaces::Open;
use carillon_engine::segment::Needs;
use carillon_model::message::MessageState;
use carillon_model::template::Template;
use carillon_render::child::{Mode, Output};
use carillon_render::{Context, EventContext, TemplateParts};
use carillon_store::outbox::Attempt;
use mail_parser::MessageParser;

/// HTML and text of a mail.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) html: String,
    pub(super) text: String,
    /// Read from what the sample's own server took.
    pub(super) received: bool,
}

/// What the sample's server said it queued a message as, in its reply.
const QUEUED_AS: &str = "queued as ";

/// The mail as the sample's server keeps it, where it took one.
pub(super) async fn received(open: &Open, tries: &[Attempt]) -> Option<Mail> {
    let world = open.world.lock().await.clone()?;
    let mailbox = world.mailbox()?;
    let taken = tries
        .iter()
        .rev()
        .find(|attempt| attempt.state == MessageState::Accepted)?;
    let (_, queue_id) = taken.detail.as_deref()?.rsplit_once(QUEUED_AS)?;
    let bytes = mailbox.read(queue_id.trim()).ok()??;
    let message = MessageParser::default().parse(&bytes)?;
    Some(Mail {
        html: message.body_html(0)?.into_owned(),
        text: message.body_text(0)?.into_owned(),
        received: true,
    })
}

/// The mail as the contact would get it now; empty where contact or template is gone, or it cannot be rendered.
///
/// # Errors
/// The render's thread is lost.
pub(super) async fn made_now(
    open: &Open,
    template: Option<Template>,
    account: Option<carillon_model::account::Account>,
    contact: carillon_model::ContactId,
    event: Option<EventContext>,
) -> Result<Mail> {
    let record = open
        .store
        .with_index(|index| index.record_of(contact, &Needs::every_field()));
    let (Some(template), Some(record)) = (template, record) else {
        return Ok(Mail::default());
    };
    let unsubscribe = account
        .as_ref()
        .map(|a| letters::unsubscribe_mailto(a, "preview"));
    let context = letters::context(&record, open.store.catalogue().zone(), open.now(), unsubscribe);
    let context = letters::ShownLinks::of(open)
        .await?
        .put(Context { event, ..context });
    let sender = letters::sender(&open.workspace()?, account.as_ref());
    let parts = TemplateParts::from(&template);
    Ok(
        match letters::render_one(open, parts, sender, context, Mode::Render).await {
            Ok(Output::Message(rendered)) => Mail {
                html: rendered.html,
                text: rendered.text,
                received: false,
            },
            _ => Mail::default(),
        },
    )
}
