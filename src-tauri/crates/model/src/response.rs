//! What comes back for a message: from a mailbox, a relay or a provider, through one intake.

use crate::{ContactId, MessageId, Moment, ResponseId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Property of an event about a message: the key of its template.
pub const TEMPLATE: &str = "template";

/// What somebody, or a server, did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ResponseKind {
    /// The receiving server has it.
    Delivered,
    /// Not there yet, and still tried (RFC 3464 `Action: delayed`): no bounce.
    Delayed,
    /// It did not arrive and is tried no more.
    Bounced,
    /// Reported as unwanted (RFC 5965).
    Complained,
    Unsubscribed,
    Opened,
    Clicked,
    /// A person wrote back.
    Replied,
    /// A machine wrote back for the person (RFC 3834).
    AutoReplied,
    /// A form was filled in, or something said to the relay that is about the person, not about one message.
    Submitted,
    /// Consented, or confirmed it.
    Confirmed,
}

impl ResponseKind {
    /// The event of the contact's timeline that journeys and segments read: a lower-case word. `None` for what only the
    /// message's own page shows.
    pub fn event(self) -> Option<&'static str> {
        Some(match self {
            ResponseKind::Delivered => "email_delivered",
            ResponseKind::Bounced => "email_bounced",
            ResponseKind::Complained => "email_complained",
            ResponseKind::Unsubscribed => "email_unsubscribed",
            ResponseKind::Opened => "email_opened",
            ResponseKind::Clicked => "email_clicked",
            ResponseKind::Replied => "email_replied",
            ResponseKind::AutoReplied => "email_auto_replied",
            ResponseKind::Submitted => "form_submitted",
            ResponseKind::Confirmed => "email_confirmed",
            ResponseKind::Delayed => return None,
        })
    }
}

/// How lasting a bounce is, and whose fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum BounceClass {
    /// The address will never work.
    Hard,
    /// It may work another time: a full mailbox, a server that was down too long.
    Soft,
    /// The sender's fault (policy, reputation, authentication): says nothing of the person.
    Block,
}

/// What was decided on a reply that may be a wish to get no more mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MayLeave {
    /// Nothing yet: marketing to the person rests.
    Open,
    /// It was no such wish: mail goes on.
    Kept,
    /// It was one: the person was taken off the list.
    Left,
}

/// Who opened or clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Hand {
    Human,
    /// A scanner, a prefetcher, a bot.
    Machine,
    /// A mail provider's image proxy: a person may or may not have looked.
    Proxy,
}

/// One thing that came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Response {
    pub id: ResponseId,
    pub kind: ResponseKind,
    /// The message it is about, if it could be matched.
    pub message: Option<MessageId>,
    pub contact: Option<ContactId>,
    /// When it happened.
    pub at: Moment,
    /// When Carillon learned of it.
    pub arrived_at: Moment,
    /// `mailbox:1`, `relay`, `provider:2`.
    pub source: String,
    pub hand: Hand,
    /// Of a bounce.
    pub class: Option<BounceClass>,
    /// Where a click led.
    pub link: Option<String>,
    /// The rule that decided what this is.
    pub rule: Option<String>,
    /// What was said, in a line or a few: a server's reason, the text of a reply.
    pub detail: Option<String>,
    /// Of a reply that may be a wish to get no more mail.
    pub may_leave: Option<MayLeave>,
}
