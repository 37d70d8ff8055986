//! What is asked of contacts, and what is answered.

use carillon_model::consent::{Basis, Channel, Consent, Purpose, SuppressionReason};
use carillon_model::contact::{Contact, Value};
use carillon_model::event::Event;
use carillon_model::message::MessageState;
use carillon_model::{CompanyId, ContactId, ImportId, MessageId, Moment, ResponseId, SegmentId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// Which contacts to list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ContactsPage {
    /// A segment's text form.
    #[serde(rename = "where")]
    pub expression: Option<String>,
    /// Words looked for in e-mail and names.
    pub search: Option<String>,
    /// Only those of this company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub company: Option<CompanyId>,
    pub sort: Option<Sort>,
    /// First row, from 0.
    pub offset: u32,
    /// At most 200.
    pub limit: u32,
    /// Keys of the fields wanted beside the e-mail.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// Order of a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Sort {
    pub key: String,
    pub desc: bool,
}

/// A contact in a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ContactRow {
    pub id: ContactId,
    pub email: String,
    pub values: BTreeMap<String, Value>,
    pub tags: Vec<String>,
    /// Marketing mail is permitted now.
    pub permitted: bool,
    pub suppressed: bool,
    pub created_at: Moment,
}

/// Which contact.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneContact {
    pub id: ContactId,
}

/// A contact by address.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FindContact {
    pub email: String,
}

/// The contact that was meant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Found {
    pub id: ContactId,
}

/// Everything of one person.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ContactPage {
    pub contact: Contact,
    pub company: Option<crate::companies::CompanyNamed>,
    pub time_zone: ZoneShown,
    /// `None`: the address may be written to where the ledger permits it.
    pub suppressed: Option<SuppressionShown>,
    pub chosen: ChosenShown,
    pub permissions: Vec<PermissionShown>,
    pub consents: Vec<Consent>,
    pub segments: Vec<MemberOf>,
    pub journeys: Vec<crate::journeys::Passage>,
}

/// What the contact chose on the preference page.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChosenShown {
    /// Names of the topics that were left.
    pub topics_left: Vec<String>,
    /// No marketing mail before then.
    pub paused_until: Option<Moment>,
    /// Replies that may be a wish to get no more mail and that nobody has decided on: marketing rests.
    pub undecided: Vec<ResponseId>,
}

/// Why an address is not written to, in what, and since when.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SuppressionShown {
    pub reason: SuppressionReason,
    pub scope: SuppressionScope,
    /// Who put it on the list: `user`, `import:3`, `smtp`.
    pub source: String,
    pub since: Moment,
}

/// What a suppression keeps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SuppressionScope {
    /// Every mail to the address, transactional ones too.
    EveryMail,
    /// Marketing mail: who unsubscribed still gets what they asked for themselves.
    Marketing,
}

/// The zone times of this contact are read in, and who says so.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ZoneShown {
    pub name: String,
    /// `contact` or `workspace`.
    pub from: String,
}

/// What the ledger amounts to for one channel and purpose.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PermissionShown {
    pub channel: Channel,
    pub purpose: Purpose,
    pub allowed: bool,
    pub basis: Option<Basis>,
}

/// A segment the contact is in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MemberOf {
    pub id: SegmentId,
    pub name: String,
    /// When the contact last came in; `None`: longer ago than the file is looked through for a page.
    pub since: Option<Moment>,
}

/// How far back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskTimeline {
    pub id: ContactId,
    /// Only what was before this moment; else the newest.
    pub before: Option<Moment>,
    pub limit: u32,
}

/// Something that happened with a contact.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TimelineEntry {
    pub at: Moment,
    /// Whose, where entries of several are shown.
    pub contact: Option<Named>,
    #[serde(flatten)]
    pub what: TimelineWhat,
}

/// A contact with its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Named {
    pub id: ContactId,
    pub email: String,
}

/// Kinds of entries.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[ts(export)]
pub enum TimelineWhat {
    Created {
        source: String,
    },
    Event {
        event: Event,
    },
    Message {
        id: MessageId,
        subject: String,
        state: MessageState,
        journey: Option<String>,
    },
    Consent {
        consent: Consent,
    },
    Suppressed {
        reason: SuppressionReason,
        source: String,
    },
    Journey {
        journey: String,
        what: String,
        step: Option<String>,
    },
    /// A file was imported: `what` is `contacts` or `events`.
    Import {
        id: ImportId,
        name: String,
        what: String,
        #[ts(type = "number")]
        new: u64,
    },
    /// A journey got a version that contacts enter.
    Published {
        journey: String,
        version: u32,
    },
}

/// A value of a field by key.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyValue {
    pub key: String,
    pub value: Option<Value>,
}

/// A contact to add by hand.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddContact {
    pub email: String,
    #[serde(default)]
    pub values: Vec<KeyValue>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub basis: Option<Basis>,
    pub source: String,
}

/// Values to write; `None` clears one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateContact {
    pub id: ContactId,
    pub values: Vec<KeyValue>,
}

/// Whom a bulk action means: some, or all that a text selects.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum Who {
    Ids {
        ids: Vec<ContactId>,
    },
    All {
        #[serde(rename = "where")]
        expression: Option<String>,
        search: Option<String>,
        except: Vec<ContactId>,
    },
}

/// Tags to give and take.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TagContacts {
    pub who: Who,
    #[serde(default)]
    pub add: Vec<String>,
    #[serde(default)]
    pub remove: Vec<String>,
}

/// How many rows a change was made to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Changed {
    pub changed: u32,
}

/// Whom to remove.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DeleteContacts {
    pub who: Who,
}

/// How many were removed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Deleted {
    pub deleted: u32,
}
