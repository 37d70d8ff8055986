//! What is asked of the mail world of a sample, and what is answered.

use carillon_model::contact::Money;
use carillon_model::{ContactId, MessageId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Kinds of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorldPersona {
    Eager,
    Busy,
    Silent,
    Annoyed,
    /// A machine in front of a mailbox.
    Bot,
    /// The address dies at some moment.
    GoneAway,
}

/// Weights of the kinds of people, used instead of what the quality of the list gives; at most 10,000 each, one of them
/// more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct WorldMix {
    pub eager: u16,
    pub busy: u16,
    pub silent: u16,
    pub annoyed: u16,
    pub bot: u16,
    pub gone_away: u16,
}

/// When in the year people buy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind", content = "per_cent")]
#[ts(export)]
pub enum WorldSeason {
    /// The same all year.
    #[default]
    Steady,
    /// Little in summer, most before Christmas.
    Retail,
    /// January to December in per cent of the usual, at most 1,000 each.
    Months([u16; 12]),
}

/// What the mail world of a sample is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct WorldSettings {
    /// Off: mails are taken and shown, and nobody answers them.
    pub on: bool,
    /// Everything people do follows from it: 0 to 9,007,199,254,740,991.
    #[ts(type = "number")]
    pub seed: u64,
    /// 0: bought; 1: everybody confirmed.
    pub list_quality: f64,
    /// 0: most lands in spam folders; 1: everything lands in the inbox.
    pub deliverability: f64,
    pub season: WorldSeason,
    /// None: as the quality of the list has it.
    pub mix: Option<WorldMix>,
}

/// The mail world of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldView {
    pub settings: WorldSettings,
    /// How many mails are listed.
    #[ts(type = "number")]
    pub mails: u64,
    /// How many things people are going to do on account of them.
    #[ts(type = "number")]
    pub to_come: u64,
    /// When the next of them is due.
    pub next_at: Option<Moment>,
    /// Where its relay is reached, on this machine.
    pub relay: Option<String>,
    /// Why what people did cannot be heard now.
    pub trouble: Option<String>,
}

/// Which mails, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct WorldMailsArgs {
    /// Words that are all in recipient, sender or subject.
    pub search: Option<String>,
    /// A recipient's whole address.
    pub to: Option<String>,
    pub persona: Option<WorldPersona>,
    /// Mails with a smaller id than this: `before` of the page before.
    #[ts(type = "number | null")]
    pub before: Option<u64>,
    /// At most 200.
    pub limit: u32,
}

/// A page of mails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldMailPage {
    /// Newest first.
    pub mails: Vec<WorldMailRow>,
    /// How many fit in all.
    #[ts(type = "number")]
    pub found: u64,
    /// What to ask for as `before` to see more, if there is more.
    #[ts(type = "number | null")]
    pub before: Option<u64>,
}

/// A mail as the list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldMailRow {
    #[ts(type = "number")]
    pub id: u64,
    pub received_at: Moment,
    /// Lower case.
    pub to: String,
    /// What the address suggests as a name; empty where it suggests none.
    pub name: String,
    pub persona: WorldPersona,
    /// Name or address of the sender.
    pub from: String,
    pub subject: String,
    /// The message of ours it is, where it is one: for its page.
    pub message: Option<MessageId>,
    /// Who has the address now.
    pub contact: Option<ContactId>,
    /// In the order in which they came, at most 100.
    pub answers: Vec<WorldAnswer>,
}

/// What somebody, or a machine for somebody, did about a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorldAnswerKind {
    Opened,
    /// Asked for the head of a page: machines do.
    Probed,
    Clicked,
    Confirmed,
    FilledForm,
    UnsubscribedByOneClick,
    UnsubscribedByMail,
    UnsubscribedOnPage,
    Replied,
    OutOfOffice,
    LeftCompany,
    Complained,
    Bought,
    /// It is still tried.
    Delayed,
    Bounced,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldAnswer {
    pub at: Moment,
    pub kind: WorldAnswerKind,
    /// A machine did it and no person.
    pub machine: bool,
    /// The link that was followed, as it stands in the mail.
    pub url: Option<String>,
    /// The link leads past the relay, so nothing of it comes back.
    pub unheard: bool,
    /// What was written.
    pub text: Option<String>,
    /// What was paid.
    pub amount: Option<Money>,
}

/// Which mail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct WorldMailArgs {
    #[ts(type = "number")]
    pub id: u64,
}

/// A line of a mail's head, unfolded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldHeader {
    pub name: String,
    pub value: String,
}

/// A part of a mail that is no container of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldPart {
    /// `text/html`, in lower case.
    pub content_type: String,
    pub name: Option<String>,
    /// Decoded length in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Where it is text, its first MiB.
    pub text: Option<String>,
}

/// What a link promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorldLinkKind {
    Content,
    Leave,
    /// Preferences, terms, the mail on a page.
    Small,
    Confirm,
    Form,
}

/// A link of a mail, by its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldLink {
    pub url: String,
    /// What its reader sees of it, shortened; empty in a plain text and for pictures without words.
    pub words: String,
    /// It leads past the relay: nothing comes back of a click.
    pub unheard: bool,
    pub kind: WorldLinkKind,
    /// Nobody sees it; machines follow it.
    pub hidden: bool,
}

/// All of one mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorldMail {
    pub row: WorldMailRow,
    /// In order, at most 500.
    pub headers: Vec<WorldHeader>,
    pub parts: Vec<WorldPart>,
    /// Its plain text; empty where it has none.
    pub text: String,
    /// Ticket of a frame that shows its HTML, as `outbox.get` gives one; none where it has no HTML.
    pub frame: Option<String>,
    pub links: Vec<WorldLink>,
    /// It has a picture that tells of an opening.
    pub tells_opening: bool,
    /// The person can leave the list from it: by one click, by a mail or on a page.
    pub can_leave: bool,
}

/// What the user does as the person who got a mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[ts(export)]
pub enum WorldDeed {
    Open,
    /// `link`: its place in the list of links, from 0.
    Click {
        link: u32,
    },
    /// At most 10,000 characters.
    Reply {
        text: String,
    },
    /// By one click (RFC 8058) where the mail offers it, else by the mail or on the page it names.
    Unsubscribe,
    Complain,
    /// More than nothing.
    Buy {
        amount: Money,
    },
}

/// A mail and what is done about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct WorldActArgs {
    #[ts(type = "number")]
    pub id: u64,
    pub deed: WorldDeed,
}
