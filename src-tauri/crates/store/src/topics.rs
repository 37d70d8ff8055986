//! What a commit was about: screens refetch what reads it.

use carillon_model::{Moment, Seq};

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Something a screen can show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Topic { $($(#[$doc])* $name,)* }

        impl Topic {
            /// All of them.
            pub const ALL: &[Topic] = &[$(Topic::$name,)*];

            /// The word the bus and the screens use.
            pub fn as_str(self) -> &'static str {
                match self { $(Topic::$name => $word,)* }
            }
        }
    };
}

topics! {
    Workspace = "workspace",
    Contacts = "contacts",
    Companies = "companies",
    Fields = "fields",
    Tags = "tags",
    /// Pairs that may be one person, and merges.
    Duplicates = "duplicates",
    /// What is wrong in the data of contacts, and what was put right.
    Cleansing = "cleansing",
    Consents = "consents",
    Suppressions = "suppressions",
    Imports = "imports",
    Events = "events",
    Segments = "segments",
    Scores = "scores",
    /// Somebody entered or left a segment.
    Membership = "membership",
    Journeys = "journeys",
    Campaigns = "campaigns",
    Enrolments = "enrolments",
    Outbox = "outbox",
    /// What came back for messages.
    Responses = "responses",
    OptOutSources = "opt_out_sources",
    Mailboxes = "mailboxes",
    Providers = "providers",
    Relay = "relay",
    Templates = "templates",
    Accounts = "accounts",
    Reports = "reports",
    /// The index's clock moved.
    Clock = "clock",
    /// The mail world of a sample.
    World = "world",
}

/// A set of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u32);

impl Topics {
    /// Adds one.
    pub fn insert(&mut self, topic: Topic) {
        self.0 |= 1 << topic as u8;
    }

    /// Whether it is among them.
    pub fn contains(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u8) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.iter().copied().filter(move |t| self.contains(*t))
    }
}

/// What subscribers learn after a commit was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    pub seq: Seq,
    /// The index's clock after the commit.
    pub at: Moment,
    pub topics: Topics,
}
