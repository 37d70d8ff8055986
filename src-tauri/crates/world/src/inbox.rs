//! The practice inbox: what each person got, and what the town answered, for a screen.
//!
//! Bounded in memory; the mails themselves are read from the server's [`Mailbox`] where it has them.

use crate::Mailbox;
use crate::personas::{Act, Deed, Leaving, Mail, Persona, Stage, Trouble};
use crate::truth;
use carillon_model::Moment;
use carillon_model::contact::Money;
use mail_parser::{MessageParser, MimeHeaders, PartType};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::Path;

/// How many mails are listed; older ones fall out of the list.
const MOST_MAILS: usize = 50_000;
/// How many answers to one mail are shown.
const MOST_ANSWERS: usize = 100;
/// How many bytes of mails are held that no mailbox has.
const MOST_HELD: usize = 64 << 20;
/// How much of a mail's beginning is read for the list, in bytes.
const HEAD: u64 = 64 << 10;
/// Longest text of a part that is shown, in bytes.
const LONGEST_TEXT: usize = 1 << 20;
/// Most mails on one page of the list.
const LONGEST_PAGE: usize = 200;
/// Most headers and most parts of a mail that are shown.
const MOST_SHOWN: usize = 500;

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum AnswerKind {
    Opened,
    /// By a machine that asked for a page's head only.
    Probed {
        url: String,
    },
    Clicked {
        url: String,
    },
    Confirmed,
    FilledForm {
        url: String,
    },
    UnsubscribedByOneClick,
    UnsubscribedByMail,
    UnsubscribedOnPage,
    Replied {
        text: String,
    },
    OutOfOffice,
    LeftCompany,
    Complained,
    Bought {
        amount: Money,
    },
    Bounced {
        trouble: Trouble,
        stage: Stage,
    },
}

/// One thing the town did about a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub at: Moment,
    /// Whether a machine did it and no person.
    pub machine: bool,
    #[serde(flatten)]
    pub kind: AnswerKind,
}

/// A mail as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Rises with each mail.
    pub id: u64,
    pub received_at: Moment,
    /// Lower case.
    pub to: String,
    /// Name or address of the sender.
    pub from: String,
    pub subject: String,
    pub message_id: String,
    /// In the order in which they came.
    pub answers: Vec<Answer>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Newest first.
    pub mails: Vec<Listed>,
    /// How many fit the search in all.
    pub found: usize,
    /// What to ask for as `before` to see more, if there is more.
    pub before: Option<u64>,
}

/// A part of a mail that is no container of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `text/html`, in lower case.
    pub content_type: String,
    pub name: Option<String>,
    /// Decoded length in bytes.
    pub bytes: usize,
    /// Where it is text, its first MiB.
    pub text: Option<String>,
}

/// All of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub listed: Listed,
    /// As it was sent.
    pub raw: Vec<u8>,
    /// Names and values as they stand, unfolded, in order.
    pub headers: Vec<(String, String)>,
    pub parts: Vec<Part>,
}

struct Entry {
    listed: Listed,
    /// `to` and `subject` in lower case, for the search.
    words: String,
    source: Source,
}

enum Source {
    Mailbox(String),
    Held(Vec<u8>),
    /// Fell out of what is held.
    Gone,
}

/// The list, newest last.
#[derive(Default)]
pub struct Inbox {
    entries: VecDeque<Entry>,
    by_message: BTreeMap<(String, String), u64>,
    mailbox: Option<Mailbox>,
    next: u64,
    held: usize,
}

impl Inbox {
    /// An empty one. Mails that the server's mailbox has are read from there.
    pub fn new(mailbox: Option<Mailbox>) -> Inbox {
        Inbox {
            mailbox,
            ..Inbox::default()
        }
    }

    /// What log and mailbox of a server have, without the answers. A mail counts as received when its own Date says,
    /// which is by the workspace's clock, and without one when the server took it.
    ///
    /// # Errors
    /// Log or mailbox cannot be read.
    pub fn load(truth_log: &Path, mailbox: Mailbox) -> io::Result<Inbox> {
        let mut inbox = Inbox::new(Some(mailbox.clone()));
        let records = truth::read(truth_log)?;
        for record in records.iter().skip(records.len().saturating_sub(MOST_MAILS)) {
            let Some(head) = mailbox.begin(&record.queue_id, HEAD)? else {
                continue;
            };
            let dated = dated(&head);
            for to in &record.rcpt_to {
                inbox.received(
                    to,
                    &head,
                    dated.unwrap_or(record.received_at),
                    Some(&record.queue_id),
                );
            }
        }
        Ok(inbox)
    }

    /// How many mails are listed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A mail that was listed before, read from where the list was kept. `queue_id`: under which the server's mailbox has
    /// it. It gets an id of this list, as all before it did.
    pub fn restore(&mut self, listed: Listed, queue_id: &str) -> u64 {
        self.add(listed, Source::Mailbox(queue_id.to_owned()))
    }

    /// Somebody got a mail. `queue_id`: under which the server's mailbox has it, if it does; its beginning is enough
    /// then.
    pub fn received(&mut self, to: &str, mail: &[u8], at: Moment, queue_id: Option<&str>) -> u64 {
        let headers = Mail::read(mail).headers;
        let from = if headers.from_name.is_empty() {
            headers.from
        } else {
            headers.from_name
        };
        let short = |text: &str| text.chars().take(300).collect::<String>();
        let source = match (queue_id, &self.mailbox) {
            (Some(id), Some(_)) => Source::Mailbox(id.to_owned()),
            _ => {
                self.held += mail.len();
                Source::Held(mail.to_vec())
            }
        };
        let listed = Listed {
            id: 0,
            received_at: at,
            to: short(to).to_lowercase(),
            from: short(&from),
            subject: short(&headers.subject),
            message_id: short(&headers.message_id),
            answers: Vec::new(),
        };
        self.add(listed, source)
    }

    fn add(&mut self, mut listed: Listed, source: Source) -> u64 {
        let id = self.next;
        listed.id = id;
        self.next += 1;
        self.by_message
            .insert((listed.to.clone(), listed.message_id.clone()), id);
        self.entries.push_back(Entry {
            words: format!(
                "{}\n{}\n{}",
                listed.to,
                listed.subject.to_lowercase(),
                listed.from.to_lowercase()
            ),
            listed,
            source,
        });
        self.keep_within_bounds();
        id
    }

    fn keep_within_bounds(&mut self) {
        while self.entries.len() > MOST_MAILS {
            if let Some(old) = self.entries.pop_front() {
                self.held -= old.source.held();
                let key = (old.listed.to, old.listed.message_id);
                if self.by_message.get(&key) == Some(&old.listed.id) {
                    self.by_message.remove(&key);
                }
            }
        }
        if self.held > MOST_HELD {
            // A good part at once, so that this is rare.
            for entry in &mut self.entries {
                if self.held <= MOST_HELD / 4 * 3 {
                    break;
                }
                let bytes = entry.source.held();
                if bytes > 0 {
                    self.held -= bytes;
                    entry.source = Source::Gone;
                }
            }
        }
    }

    /// Somebody did something about a mail. Whether the mail is still listed.
    pub fn answered(&mut self, at: Moment, act: &Act) -> bool {
        let answer = Answer::of(at, act);
        answer.is_some_and(|answer| self.answer(&act.who(), &act.about.message_id, answer))
    }

    /// The same for an answer as it was kept. What is there already is not added again. Whether the mail is still listed.
    pub fn answer(&mut self, who: &str, message_id: &str, answer: Answer) -> bool {
        let message_id: String = message_id.chars().take(300).collect();
        let id = self.by_message.get(&(who.to_owned(), message_id)).copied();
        let Some(entry) = id
            .and_then(|id| self.place(id))
            .and_then(|place| self.entries.get_mut(place))
        else {
            return false;
        };
        let answers = &mut entry.listed.answers;
        if answers.len() < MOST_ANSWERS && !answers.contains(&answer) {
            answers.push(answer);
        }
        true
    }

    /// One of the listed mails.
    pub fn get(&self, id: u64) -> Option<&Listed> {
        let entry = self.entries.get(self.place(id)?)?;
        Some(&entry.listed)
    }

    /// Ids rise by one from entry to entry.
    fn place(&self, id: u64) -> Option<usize> {
        let first = self.entries.front()?.listed.id;
        usize::try_from(id.checked_sub(first)?)
            .ok()
            .filter(|place| *place < self.entries.len())
    }

    /// Mails whose recipient, sender or subject has all these words, newest first, from before an id on.
    pub fn list(&self, search: &str, before: Option<u64>, limit: usize) -> Page {
        self.list_of(search, before, limit, |_| true)
    }

    /// The same of recipients one looks for, by their addresses in lower case.
    pub fn list_of(
        &self,
        search: &str,
        before: Option<u64>,
        limit: usize,
        wants: impl Fn(&str) -> bool,
    ) -> Page {
        let search = search.to_lowercase();
        let wanted: Vec<&str> = search.split_whitespace().take(20).collect();
        let fits =
            |entry: &&Entry| wanted.iter().all(|word| entry.words.contains(word)) && wants(&entry.listed.to);
        let limit = limit.clamp(1, LONGEST_PAGE);
        let later = |entry: &&Entry| before.is_none_or(|before| entry.listed.id < before);
        let mut rest = self.entries.iter().rev().filter(fits).filter(later);
        let mails: Vec<Listed> = rest
            .by_ref()
            .take(limit)
            .map(|entry| entry.listed.clone())
            .collect();
        let more = rest.next().is_some();
        Page {
            found: self.entries.iter().filter(fits).count(),
            before: mails.last().filter(|_| more).map(|last| last.id),
            mails,
        }
    }

    /// Who got the listed mails, each once.
    pub fn recipients(&self) -> BTreeSet<String> {
        self.entries.iter().map(|entry| entry.listed.to.clone()).collect()
    }

    /// All of one mail, or `None` where it is listed no more or its bytes are gone.
    ///
    /// # Errors
    /// The mailbox cannot be read.
    pub fn open(&self, id: u64) -> io::Result<Option<Opened>> {
        let Some(entry) = self.place(id).and_then(|place| self.entries.get(place)) else {
            return Ok(None);
        };
        let raw = match (&entry.source, &self.mailbox) {
            (Source::Held(bytes), _) => Some(bytes.clone()),
            (Source::Mailbox(queue_id), Some(mailbox)) => mailbox.read(queue_id)?,
            _ => None,
        };
        Ok(raw.map(|raw| Opened {
            listed: entry.listed.clone(),
            headers: headers(&raw),
            parts: parts(&raw),
            raw,
        }))
    }
}

impl Source {
    fn held(&self) -> usize {
        match self {
            Source::Held(bytes) => bytes.len(),
            Source::Mailbox(_) | Source::Gone => 0,
        }
    }
}

fn is_a_servers(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::Bounce { .. } | Deed::OutOfOffice { .. } | Deed::LeftCompany
    )
}

impl Answer {
    /// What a list says of an act; nothing of one that only ends another.
    pub fn of(at: Moment, act: &Act) -> Option<Answer> {
        Some(Answer {
            at,
            machine: act.about.persona == Persona::Bot || is_a_servers(&act.deed),
            kind: kind(&act.deed)?,
        })
    }
}

fn kind(deed: &Deed) -> Option<AnswerKind> {
    Some(match deed {
        Deed::Send { .. } => return None,
        Deed::Open { .. } => AnswerKind::Opened,
        Deed::Probe { url } => AnswerKind::Probed { url: url.clone() },
        Deed::Click { url } => AnswerKind::Clicked { url: url.clone() },
        Deed::Confirm { .. } => AnswerKind::Confirmed,
        Deed::FillForm { url } => AnswerKind::FilledForm { url: url.clone() },
        Deed::Unsubscribe(Leaving::OneClick { .. }) => AnswerKind::UnsubscribedByOneClick,
        Deed::Unsubscribe(Leaving::Mailto(_)) => AnswerKind::UnsubscribedByMail,
        Deed::Unsubscribe(Leaving::Page { .. }) => AnswerKind::UnsubscribedOnPage,
        Deed::Reply { text, .. } => AnswerKind::Replied { text: text.clone() },
        Deed::OutOfOffice { .. } => AnswerKind::OutOfOffice,
        Deed::LeftCompany => AnswerKind::LeftCompany,
        Deed::Complain { .. } => AnswerKind::Complained,
        Deed::Buy { amount } => AnswerKind::Bought { amount: *amount },
        Deed::Bounce { trouble, stage, .. } => AnswerKind::Bounced {
            trouble: *trouble,
            stage: *stage,
        },
    })
}

/// What a mail says of when it was written.
pub fn dated(mail: &[u8]) -> Option<Moment> {
    let message = MessageParser::default().parse_headers(mail)?;
    Moment::from_timestamp(message.date()?.to_timestamp(), 0)
}

fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let message = MessageParser::default().parse_headers(raw);
    let unfolded = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    message.map_or_else(Vec::new, |message| {
        let raw = message.headers_raw().take(MOST_SHOWN);
        raw.map(|(name, value)| (name.to_owned(), unfolded(value)))
            .collect()
    })
}

fn parts(raw: &[u8]) -> Vec<Part> {
    let Some(message) = MessageParser::default().parse(raw) else {
        return Vec::new();
    };
    let leaves = message
        .parts
        .iter()
        .filter(|part| !matches!(part.body, PartType::Multipart(_)));
    let shown = leaves.take(MOST_SHOWN).map(|part| {
        let text = match &part.body {
            PartType::Text(text) | PartType::Html(text) => Some(text.as_ref()),
            _ => None,
        };
        let usual = match part.body {
            PartType::Html(_) => "text/html",
            PartType::Text(_) => "text/plain",
            PartType::Message(_) => "message/rfc822",
            _ => "application/octet-stream",
        };
        let content_type = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase(),
            None => kind.ctype().to_ascii_lowercase(),
        });
        Part {
            content_type: content_type.unwrap_or_else(|| usual.to_owned()),
            name: part.attachment_name().map(str::to_owned),
            bytes: part.len(),
            text: text.map(|text| text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()),
        }
    });
    shown.collect()
}
