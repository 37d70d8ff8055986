//! Identities. Numbers are row ids of the workspace file; they never leave it as secrets.

use serde::{Deserialize, Serialize};
use std::fmt;
use ts_rs::TS;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(transparent)]
        #[ts(export, type = "number")]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// Dense ordinal of a contact: also its bit position in the index. Never reused.
    ContactId(u32);
    /// A saved segment.
    SegmentId(u32);
    /// A journey, across all its versions.
    JourneyId(u32);
    /// A campaign: the number of the journey it is sent by.
    CampaignId(u32);
    /// One immutable published version of a journey.
    VersionId(u32);
    /// One passage of one contact through one journey.
    EnrolmentId(i64);
    /// A row of `events`.
    EventId(i64);
    /// A row of `outbox`: one message to one contact.
    MessageId(i64);
    /// A row of `responses`: one thing that came back.
    ResponseId(i64);
    /// A score.
    ScoreId(u32);
    /// A template.
    TemplateId(u32);
    /// A sender account.
    AccountId(u32);
    /// A mailbox that is read.
    MailboxId(u32);
    /// An account at a provider.
    ProviderId(u32);
    /// An import of contacts or events.
    ImportId(u32);
    /// A folder whose new files are imported.
    FolderId(u32);
    /// What became of one file of such a folder.
    FolderFileId(i64);
    /// A merge of two contacts into one.
    MergeId(u32);
    /// A company. Never reused.
    CompanyId(u32);
    /// A cleansing of contacts: what was changed at once, and is taken back at once.
    CleansingId(u32);
    /// Position in the file's one order of commits (`changes.seq`).
    Seq(i64);
}

/// A step of a journey. Chosen once, kept through all versions, unique within the journey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export, type = "string")]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for StepId {
    fn from(text: &str) -> Self {
        StepId(text.to_owned())
    }
}
