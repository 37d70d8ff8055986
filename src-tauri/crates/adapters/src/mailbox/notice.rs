//! What one incoming message says: a bounce, a complaint, an out-of-office note, a wish to be left alone, a reply.
//!
//! Pure and total: the bytes of a message go in, one [`Notice`] comes out, whatever the bytes are. The order of
//! reading is structure first (RFC 3464, RFC 5965, RFC 8098), then headers, then words by the dated rules of
//! `assets/rules/bounce_rules.json`, `auto_reply_rules.json`, `unsubscribe_words.json` and `leaving_words.json`.

mod address;
mod auto_reply;
mod bounce;
mod complaint;
mod dates;
mod doubt;
mod envelope;
mod fold;
mod hits;
mod html;
mod mime;
mod original;
mod programs;
mod prose;
mod rule_files;
mod rules;
mod status;
mod text;
mod unsubscribe;
mod wish;

use carillon_model::Moment;
use chrono::NaiveDate;
use serde::Serialize;

pub use rules::{BadRules, Rules};

/// What one message says, and everything in it that can tell which of ours it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    #[serde(flatten)]
    pub kind: Kind,
    /// Message-IDs, without angle brackets, that may be ours: of the returned message first, then of In-Reply-To,
    /// References and the fields that name the original. At most 50.
    pub references: Vec<String>,
    /// Addresses this message was delivered to (Delivered-To, X-Original-To, Envelope-To, To ...): a VERP token is
    /// in one of them. At most 20.
    pub delivered_to: Vec<String>,
    /// The address in From, or in Sender where there is none.
    pub from: Option<String>,
    /// Decoded, one clean line, at most 400 characters.
    pub subject: String,
    /// The Date header; when it came in where that cannot be read.
    pub date: Moment,
    /// The Message-ID of this message itself.
    pub message_id: Option<String>,
    /// What the sender wrote, without what is quoted, at most 4,000 characters.
    pub text: String,
    /// The message is larger than what is read (1 MiB, 400 parts); the rest was not looked at.
    pub truncated: bool,
}

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// At least one recipient did not get it; recipients may have fared differently, see [`Recipient::action`].
    Bounce(Report),
    /// It is late and still being tried. Nothing is to be concluded.
    Delayed(Report),
    /// Delivered, relayed or expanded, as was asked for by a notification request.
    Delivered(Report),
    /// Somebody pressed the spam button (RFC 5965).
    Complaint(Complaint),
    /// A machine answered in somebody's place.
    AutoReply(AutoReply),
    /// A machine wants a proof that a person sent it.
    Challenge,
    /// Somebody wants no more mail.
    Unsubscribe {
        /// The 32 hexadecimal digits of our List-Unsubscribe address, lower case, where they are there.
        token: Option<String>,
    },
    /// A disposition notification (RFC 8098): displayed, deleted and the like.
    Receipt {
        /// The disposition type, lower case: `displayed`, `deleted`, `dispatched`, `processed`, `denied` ...
        disposition: String,
        recipient: Option<String>,
    },
    /// A person answered. What they wrote is in [`Notice::text`].
    Reply {
        /// It may be a wish to get no more mail, said in words that are not sure.
        may_leave: bool,
    },
    /// None of these: newsletters, spam, notes of other systems, new mail of people.
    Other,
}

/// What became of a message, by recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// At most 100. Empty only where no address could be found but the returned message is named.
    pub recipients: Vec<Recipient>,
    pub reporting_mta: Option<String>,
}

/// What became of it for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The address as we wrote to it, as far as the notice knows: the returned message's To where it is one of
    /// those reported, else Original-Recipient, else Final-Recipient, else what the text names.
    pub address: String,
    /// The address where it ended, where that is another one (a forwarder).
    pub final_address: Option<String>,
    pub action: Action,
    /// For [`Action::Failed`] only.
    pub class: Option<Class>,
    /// Enhanced status code (RFC 3463).
    pub status: Option<String>,
    /// What the server said, one clean line, at most 400 characters.
    pub diagnostic: String,
    pub remote_mta: Option<String>,
    /// Id of the rule that decided the class; empty where there is none.
    pub rule: String,
    /// The rule says that every message of this sender would meet the same: its authentication is refused.
    pub of_sender: bool,
}

/// The action of RFC 3464 §2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
}

/// Whose fault a failure is, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The address does not work and will not: no such user, no such domain, mailbox closed.
    Hard,
    /// It may work another day: mailbox full, server not reached, too large.
    Soft,
    /// Refused because of the sender or the message: listed, policy, authentication, rate. Says nothing of the person.
    Block,
}

/// A complaint (RFC 5965, or a provider's form without a machine-readable part).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// `abuse`, `fraud`, `virus`, `opt-out`, `other`, `not-spam`, `auth-failure` ... lower case.
    pub feedback_type: String,
    /// Who complained, where it is said.
    pub recipients: Vec<String>,
    /// Original-Mail-From: our envelope sender, maybe with a VERP token.
    pub original_mail_from: Option<String>,
    /// User-Agent or Reported-Domain's reporter, as said.
    pub reporter: Option<String>,
}

impl Complaint {
    /// Whether a person objects: `not-spam` is the contrary, and `auth-failure` is a machine's report (RFC 6591).
    pub fn objects(&self) -> bool {
        !matches!(self.feedback_type.as_str(), "not-spam" | "auth-failure" | "dmarc")
    }
}

/// A machine's answer in somebody's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "auto_reply", rename_all = "snake_case")]
pub enum AutoReply {
    OutOfOffice {
        /// The day named as the first day back or the last day away, resolved against the date of the mail.
        returns_on: Option<NaiveDate>,
        /// Whom to write to meanwhile.
        replacement: Option<String>,
    },
    LeftCompany {
        replacement: Option<String>,
    },
    AddressChanged {
        new: Option<String>,
    },
    Other,
}

/// Reads one message. Never fails: what is nothing else is [`Kind::Other`].
pub fn read(raw: &[u8], rules: &Rules, received_at: Moment) -> Notice {
    let mail = mime::Mail::unpack(raw);
    let facts = envelope::Facts::gather(&mail, rules, received_at);
    let kind = kind(&mail, &facts, rules);
    let references = original::references(&mail, &facts);
    Notice {
        kind,
        references,
        delivered_to: facts.delivered_to.clone(),
        from: facts.from.clone(),
        subject: facts.subject.clone(),
        date: facts.date,
        message_id: facts.message_id.clone(),
        text: text::bounded(&facts.own_text, 4000),
        truncated: mail.truncated,
    }
}

fn kind(mail: &mime::Mail, facts: &envelope::Facts, rules: &Rules) -> Kind {
    if let Some(complaint) = complaint::read(mail, facts, rules) {
        return Kind::Complaint(complaint);
    }
    if let Some(receipt) = complaint::receipt(mail) {
        // Sieve's reject (RFC 5429 §2.1.1) refuses in the form of a receipt.
        let refused = facts.daemon || facts.null_path;
        return (refused.then(|| bounce::written(mail, facts, rules)).flatten()).unwrap_or(receipt);
    }
    if let Some(reported) = bounce::structured(mail, facts, rules) {
        return reported;
    }
    if let Some(token) = unsubscribe::token(facts) {
        return Kind::Unsubscribe { token: Some(token) };
    }
    if let Some(reported) = bounce::written(mail, facts, rules) {
        return reported;
    }
    if let Some(answer) = auto_reply::read(mail, facts, rules) {
        // A machine that says its owner wants no more mail says it for good; that somebody left says more still.
        let is_more = matches!(
            answer,
            Kind::AutoReply(AutoReply::LeftCompany { .. }) | Kind::Challenge
        );
        if !is_more && unsubscribe::asked(facts, rules, true) {
            return Kind::Unsubscribe { token: None };
        }
        return answer;
    }
    if unsubscribe::asked(facts, rules, false) {
        return Kind::Unsubscribe { token: None };
    }
    if facts.answers && !facts.bulk {
        return Kind::Reply {
            may_leave: unsubscribe::may_be_asked(facts, rules),
        };
    }
    Kind::Other
}
