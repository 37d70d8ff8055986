//! What comes back for messages: taken in once, kept, told to the contact's timeline, and acted upon.

mod decide;
mod effects;
mod view;

pub use decide::*;
pub use effects::{PausedByBlocks, paused_key};
pub use view::*;

use crate::commands;
use crate::table::{Done, NoArgs};
use carillon_engine::journey::response;
use carillon_model::event::Prop;
use carillon_model::message::MessageState;
use carillon_model::response::{BounceClass, Hand, ResponseKind};
use carillon_model::{ContactId, MessageId, Moment};
use carillon_store::events::NewEvent;
use carillon_store::outbox::Claimed;
use carillon_store::responses::NewResponse;
use carillon_store::{Tx, consents, contacts, duplicates, events, journeys, outbox, responses, templates};
use decide::decide;
use std::collections::BTreeMap;
use view::{of_message, page, take_in_mail, undecided, undecided_of};

commands! {
    query "responses.of_message" of_message(ResponsesOf) -> Vec<ResponseView>, reads [Responses];
    mutate "responses.take_in_mail" take_in_mail(TakeInMail) -> TakenIn, reads [];
    query "responses.page" page(ResponsesPage) -> ResponsePage, reads [Responses];
    query "responses.undecided" undecided(NoArgs) -> UndecidedReplies, reads [Responses];
    query "responses.undecided_of" undecided_of(UndecidedOf) -> Vec<ResponseView>, reads [Responses];
    mutate "responses.decide" decide(DecideReply) -> Done, reads [];
}

/// Something a source heard. Who and what it is about is said as far as the source knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub kind: ResponseKind,
    /// The message, by a token of ours.
    pub message: Option<MessageId>,
    /// The address it is about, where no message is known.
    pub address: Option<String>,
    /// Whoever said it had our token, or is a source of ours. Else it is a mail that anybody can have written.
    pub proved: bool,
    /// It is refused because of this sender, whatever the message: its authentication.
    pub of_sender: bool,
    /// When it happened. A moment of the future counts as now.
    pub at: Moment,
    /// `mailbox:1`, `relay`, `provider:2`.
    pub source: String,
    pub hand: Hand,
    pub class: Option<BounceClass>,
    pub link: Option<String>,
    pub rule: Option<String>,
    pub detail: Option<String>,
    /// A reply that may be a wish to get no more mail.
    pub may_leave: bool,
    /// More for the event on the contact's timeline.
    pub props: BTreeMap<String, Prop>,
}

impl Heard {
    /// A thing that a person did, with nothing more known of it.
    pub fn of(kind: ResponseKind, source: &str, at: Moment) -> Heard {
        Heard {
            kind,
            message: None,
            address: None,
            proved: true,
            of_sender: false,
            at,
            source: source.to_owned(),
            hand: Hand::Human,
            class: None,
            link: None,
            rule: None,
            detail: None,
            may_leave: false,
            props: BTreeMap::new(),
        }
    }
}

/// What became of one thing that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Kept and acted upon.
    In,
    /// It is about nobody here.
    Nobody,
    /// Not kept: whoever it is about does not want to be followed.
    NotFollowed,
}

/// Takes in one thing, in the write that also moves the cursor of its source: so it counts once.
///
/// # Errors
/// The store's.
pub fn take_in(tx: &mut Tx<'_>, heard: &Heard) -> carillon_store::Result<Taken> {
    let mut heard = heard.clone();
    heard.at = heard.at.min(tx.now());
    let mut message = match heard.message {
        Some(id) => outbox::load(tx, id)?,
        None => None,
    };
    // A message that is not yet out cannot have come back: the token was made up, or is of another copy of this file.
    if message.as_ref().is_some_and(|row| !may_have_left(row.state)) {
        message = None;
    }
    let contact = match (&message, &heard.address) {
        // What comes back for a message of a contact that was merged into another is about that one.
        (Some(row), _) => {
            let contact = duplicates::standing(tx, row.key.contact)?;
            contacts::exists(tx, contact)?.then_some(contact)
        }
        (None, Some(address)) => contacts::id_of(tx, address)?,
        (None, None) => None,
    };
    let mut believed = true;
    if message.is_none()
        && heard.kind == ResponseKind::Bounced
        && let Some(contact) = contact
    {
        let last = last_sent(tx, contact, heard.at)?;
        let by_us = heard.proved && heard.message.is_none();
        believed = by_us || (last.is_some() && is_said_again(tx, &heard, contact)?);
        message = last.filter(|_| believed);
    }
    if message.is_none() && contact.is_none() {
        return Ok(Taken::Nobody);
    }
    if matches!(heard.kind, ResponseKind::Opened | ResponseKind::Clicked)
        && let Some(contact) = contact
        && !may_be_followed(tx, contact)?
    {
        return Ok(Taken::NotFollowed);
    }
    let (_, first) = responses::add(
        tx,
        &NewResponse {
            kind: heard.kind,
            message: message.as_ref().map(|row| row.id),
            contact,
            at: heard.at,
            source: heard.source.clone(),
            hand: heard.hand,
            class: heard.class,
            link: heard.link.clone(),
            rule: heard.rule.clone(),
            detail: heard.detail.clone(),
            may_leave: heard.may_leave,
        },
    )?;
    if !believed {
        return Ok(Taken::In);
    }
    effects::act(tx, &heard, message.as_ref(), contact)?;
    if let Some(contact) = contact
        && (first
            || matches!(
                heard.kind,
                ResponseKind::Opened | ResponseKind::Clicked | ResponseKind::Replied
            ))
    {
        tell_timeline(tx, &heard, message.as_ref(), contact)?;
    }
    Ok(Taken::In)
}

pub(crate) fn may_have_left(state: MessageState) -> bool {
    matches!(
        state,
        MessageState::InFlight
            | MessageState::Accepted
            | MessageState::Bounced
            | MessageState::Unknown
            | MessageState::Frozen
    )
}

/// Days after a message in which a bounce that names only the address is taken to be its.
const BOUNCES_WITHIN_DAYS: i64 = 7;

/// The message a bounce without any token of ours is about: the last one that left for its address lately.
fn last_sent(tx: &Tx<'_>, contact: ContactId, at: Moment) -> carillon_store::Result<Option<Claimed>> {
    let since = at - chrono::TimeDelta::days(BOUNCES_WITHIN_DAYS);
    let last = outbox::of_contact(tx, contact)?
        .into_iter()
        .filter(|m| may_have_left(m.state) && m.queued_at >= since && m.queued_at <= at)
        .max_by_key(|m| m.id);
    match last {
        Some(message) => outbox::load(tx, message.id),
        None => Ok(None),
    }
}

/// Hours between two notices by two hands, at least: a server does not send them at once, a forger easily does.
const HOURS_BETWEEN: i64 = 24;
const SAID_AGAIN_WITHIN_DAYS: i64 = 30;

/// Whether a notice that an address is gone, which anybody can write, came a day or more ago too.
fn is_said_again(tx: &Tx<'_>, heard: &Heard, contact: ContactId) -> carillon_store::Result<bool> {
    if heard.class != Some(BounceClass::Hard) {
        return Ok(false);
    }
    let (now, days, hours) = (tx.now(), chrono::TimeDelta::days, chrono::TimeDelta::hours);
    let span = now - days(SAID_AGAIN_WITHIN_DAYS)..=now - hours(HOURS_BETWEEN);
    responses::has_unproved_bounce(tx, contact, span, BounceClass::Hard)
}

/// Opens and clicks of one person are kept only with that person's consent, also for messages that left while it stood.
fn may_be_followed(tx: &Tx<'_>, contact: ContactId) -> carillon_store::Result<bool> {
    use carillon_model::consent::{Channel, Purpose};
    Ok(consents::permission(tx, contact, Channel::Email, Purpose::Tracking)?.is_some())
}

/// The event journeys and segments read. What a machine did is none.
fn tell_timeline(
    tx: &mut Tx<'_>,
    heard: &Heard,
    message: Option<&Claimed>,
    contact: ContactId,
) -> carillon_store::Result<()> {
    let Some(name) = heard.kind.event().filter(|_| heard.hand == Hand::Human) else {
        return Ok(());
    };
    let mut props = heard.props.clone();
    if let Some(row) = message {
        props.extend(props_of(tx, row)?);
    }
    let mut put = |key: &str, text: Option<String>| {
        if let Some(text) = text {
            props.insert(key.to_owned(), Prop::Text(text));
        }
    };
    put("link", heard.link.clone());
    put("class", heard.class.map(class_word));
    events::append(
        tx,
        &[NewEvent {
            contact,
            name: name.to_owned(),
            at: heard.at,
            source: heard.source.clone(),
            props,
        }],
    )?;
    Ok(())
}

fn class_word(class: BounceClass) -> String {
    match class {
        BounceClass::Hard => "hard",
        BounceClass::Soft => "soft",
        BounceClass::Block => "block",
    }
    .to_owned()
}

/// Properties by which conditions find the message an event is about.
fn props_of(tx: &Tx<'_>, row: &Claimed) -> carillon_store::Result<BTreeMap<String, Prop>> {
    let mut props = BTreeMap::from([
        ("step".to_owned(), Prop::Text(row.key.step.0.clone())),
        (
            response::PASSAGE.to_owned(),
            Prop::Number(f64::from(row.key.enrolment)),
        ),
        (
            response::JOURNEY.to_owned(),
            Prop::Number(f64::from(row.key.journey.0)),
        ),
        ("visit".to_owned(), Prop::Number(f64::from(row.key.visit))),
        ("message".to_owned(), Prop::Number(row.id.0 as f64)),
    ]);
    if let Some(journey) = journeys::get(tx, row.key.journey)? {
        props.insert("journey".to_owned(), Prop::Text(journey.name));
    }
    if let Some(template) = templates::get(tx, row.template)? {
        props.insert(response::TEMPLATE.to_owned(), Prop::Text(template.name));
    }
    Ok(props)
}
