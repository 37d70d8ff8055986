//! A message's life, from the decision to send it to the last word about it.

use crate::{AccountId, ContactId, JourneyId, MessageId, Moment, StepId, TemplateId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where a message stands. The law of its changes: `queued → claimed → in_flight → accepted | deferred |
/// bounced | unknown`, with `suppressed`, `expired` and `cancelled` as ends that no server saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum MessageState {
    /// Decided, waiting for its turn.
    Queued,
    /// A session has it; nothing of it was said to a server that could deliver it.
    Claimed,
    /// Durable before the final dot is written: from here on only the server's reply tells the outcome.
    InFlight,
    /// A server took it with a 2xx reply.
    Accepted,
    /// Refused for the moment; tried again at `next_at`.
    Deferred,
    /// Refused for good.
    Bounced,
    /// The dot was written or may have been, and no reply is known. Held until somebody resolves it.
    Unknown,
    /// The gate refused it: no consent, or suppressed.
    Suppressed,
    /// Too late to be of use.
    Expired,
    /// Taken back by the user or by its journey.
    Cancelled,
    /// Restored from a copy: held until the user says what became of it.
    Frozen,
}

/// Identity of a decision to send: at most one deliberate message for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageKey {
    pub journey: JourneyId,
    pub step: StepId,
    pub contact: ContactId,
    /// Number of the contact's enrolment in the journey, from 1.
    pub enrolment: u32,
    /// Visit of the step within the enrolment, from 1.
    pub visit: u32,
}

/// What a retry policy may know of a failure. It reads nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FailureClass {
    /// May work later: 4xx, a lost connection before the dot.
    Transient,
    /// The server asks for fewer.
    Throttled,
    /// This address will never work: 5.1.1 and its like.
    Recipient,
    /// The sender's fault (5.7.x, policy): the person is not to blame and is never suppressed.
    Sender,
    /// User or password refused.
    Auth,
    /// The account cannot work as it is set up: certificate, TLS not offered, no such host.
    Setup,
    /// We refuse to dial: not loopback in a loopback-only workspace or process.
    Refused,
    /// The dot was written and the reply did not come.
    Unknown,
}

/// One failure of an adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Failure {
    pub class: FailureClass,
    /// Basic and enhanced status codes where a server gave them: `550 5.1.1`; else a word of ours.
    pub code: String,
    /// One line for people, without secrets.
    pub detail: String,
}

/// Why the gate refused a message at the last instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Refusal {
    /// No permission for channel and purpose in the ledger.
    NoConsent,
    Suppressed,
    /// The contact left the topic the mail is about.
    TopicLeft,
    /// The contact wants no mails until a day: waits for it, or ends where it would come a week late.
    ContactPaused,
    /// A reply of the contact may be a wish to get no more mail: waits until somebody decides, or ends a week late.
    MayLeave,
    /// The contact was erased.
    NoContact,
    /// Journey or sending paused, or the account switched off: waits.
    Paused,
    /// A limit of the account is used up: waits.
    OverLimit,
    /// No source of opt-outs was read, so nothing leaves this machine: waits.
    NoOptOutSource,
    /// The journey was stopped.
    Stopped,
    /// It fell due with many others while nobody was there, and waits until somebody says what becomes of them.
    Away,
}

/// A message as the outbox shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Message {
    pub id: MessageId,
    pub key: MessageKey,
    pub to: String,
    pub account: AccountId,
    pub template: TemplateId,
    pub subject: String,
    pub state: MessageState,
    pub queued_at: Moment,
    /// When it may next be tried, where it waits.
    pub next_at: Option<Moment>,
    pub attempts: u32,
    /// The server's last reply, or why it did not leave.
    pub last_word: Option<String>,
    pub message_id: String,
}
