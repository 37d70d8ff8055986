//! Reading what is new, in batches, from a cursor.
//!
//! Numbers of mails only grow as long as the folder keeps its numbering (RFC 3501 §2.3.1.1), so everything from
//! `next_uid` on is new. Whether anything is new is first asked with STATUS, which opens nothing; where the server
//! counts changes (RFC 7162), an unchanged count answers it alone.

use super::Imap;
use super::failures::{Fault, Step};
use super::folders::quoted;
use super::session::{Answer, Opened};
use crate::failure::failure;
use carillon_model::Moment;
use carillon_model::mailbox::MailboxCursor;
use carillon_model::message::{Failure, FailureClass};
use chrono::{DateTime, Days, NaiveDate, Utc};
use imap_codec::imap_types::core::NString;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::response::{Code, Data};
use imap_codec::imap_types::status::StatusDataItem;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

/// Most mails in one batch, whatever is asked for.
const MOST_MAILS: usize = 500;
/// Numbers looked through at first; a folder that holds fewer mails than this is looked through at once.
const FIRST_WINDOW: u32 = 20_000;
/// Most numbers looked through at a time: so many numbers make an answer that is within the limit of a response.
const LAST_WINDOW: u32 = 640_000;

/// A mail as the server has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub uid: u32,
    /// When it came to the server, by the server.
    pub internal_date: Option<Moment>,
    /// Recognises the mail when its folder was numbered anew, or when it lies in two folders: the first 16 bytes of
    /// BLAKE3 over its head.
    pub key: [u8; 16],
    /// All of it, or its beginning: see [`Mail::whole`].
    pub raw: Vec<u8>,
    /// Whether nothing was left out because the mail is huge ([`super::Limits::mail`]).
    pub whole: bool,
}

/// A part of what is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// In the order of their numbers.
    pub mails: Vec<Mail>,
    /// Numbers of mails that the server has and does not give, or gives in a form nobody can read. They are not asked
    /// for again; somebody should look at them.
    pub unreadable: Vec<u32>,
    /// To be committed together with the mails.
    pub next: MailboxCursor,
    /// Whether there is more at once.
    pub more: bool,
}

/// What is known of one mail before it is fetched.
#[derive(Clone, Copy, Debug, Default)]
struct Outline {
    size: Option<u32>,
    internal_date: Option<Moment>,
}

impl Imap {
    /// The next mails of a folder, at most `most` of them. With a new cursor from now on the first batch is empty.
    /// Where it fails nothing is lost: ask again with the same cursor, in a new session unless the failure is a
    /// refusal.
    ///
    /// # Errors
    /// `Setup` where there is no such folder; `Transient` where the connection was lost or the server talks nonsense.
    pub async fn fetch(
        &mut self,
        folder: &str,
        cursor: &MailboxCursor,
        most: usize,
    ) -> Result<Batch, Failure> {
        if self.nothing_new(folder, cursor).await? {
            return Ok(self.done(Vec::new(), Vec::new(), cursor.clone(), false));
        }
        let opened = self.examine(folder).await?;
        let (mut next, reached) = self.beginning(&opened, cursor)?;
        if reached {
            return Ok(self.done(Vec::new(), Vec::new(), next, false));
        }
        let (uids, window) = self.new_numbers(&opened, &next).await?;
        let wanted: Vec<u32> = uids.iter().copied().take(most.clamp(1, MOST_MAILS)).collect();
        let outlines = self.outlines(&wanted).await?;
        let chosen = self.fitting(&wanted, &outlines);
        let (mails, unreadable) = self.bodies(&chosen, &outlines).await?;
        // Whoever copies a mail may give it a date that is yet to come.
        let now = DateTime::<Utc>::from((self.options.clock)());
        let newest = mails
            .iter()
            .filter_map(|mail| mail.internal_date)
            .max()
            .map(|at| at.min(now));
        next.newest_at = next.newest_at.max(newest);
        next.next_uid = match uids.get(chosen.len()) {
            Some(following) => *following,
            None => window.end,
        };
        let more = opened
            .uid_next
            .map_or(!chosen.is_empty(), |end| next.next_uid < end);
        if !more {
            next.since = None;
            next.mod_seq = opened.mod_seq;
        }
        Ok(self.done(mails, unreadable, next, more))
    }

    fn done(&mut self, mails: Vec<Mail>, unreadable: Vec<u32>, next: MailboxCursor, more: bool) -> Batch {
        self.read
            .insert(next.folder.clone(), (next.uid_validity, next.next_uid));
        Batch {
            mails,
            unreadable,
            next,
            more,
        }
    }

    /// STATUS instead of opening: for folders that are looked at in turn. The folder that is open has told already.
    async fn nothing_new(&mut self, folder: &str, cursor: &MailboxCursor) -> Result<bool, Failure> {
        let is_open = self.opened.as_ref().is_some_and(|opened| opened.folder == folder);
        if cursor.uid_validity == 0 || cursor.since.is_some() || is_open {
            return Ok(false);
        }
        let items = match self.counts_changes() {
            true => "UIDNEXT UIDVALIDITY HIGHESTMODSEQ",
            false => "UIDNEXT UIDVALIDITY",
        };
        let limit = self.options.timeouts.command;
        let command = format!("STATUS {} ({items})", self.argument(folder)?);
        let answer = match self.ask(&Step::Look(folder.to_owned()), &command, limit).await {
            Ok(answer) => answer,
            // Whoever cannot say it here may say it when the folder is opened.
            Err(Fault::Refused(_)) => return Ok(false),
            Err(Fault::Lost(failure)) => return Err(failure),
        };
        let (mut validity, mut uid_next, mut mod_seq) = (None, None, None);
        for data in &answer.data {
            if let Data::Status { items, .. } = data {
                for item in items.iter() {
                    match item {
                        StatusDataItem::UidValidity(value) => validity = Some(value.get()),
                        StatusDataItem::UidNext(value) => uid_next = Some(value.get()),
                        StatusDataItem::HighestModSeq(value) => mod_seq = Some(*value),
                        _ => {}
                    }
                }
            }
        }
        let unchanged = mod_seq.is_some_and(|now| now > 0 && Some(now) == cursor.mod_seq);
        let reached = uid_next.is_some_and(|next| next <= cursor.next_uid);
        Ok(validity == Some(cursor.uid_validity) && (unchanged || reached))
    }

    /// RFC 7162 §3.1: also a server with QRESYNC counts changes (§3.2.3).
    fn counts_changes(&self) -> bool {
        self.offers("CONDSTORE") || self.offers("QRESYNC")
    }

    /// Opens a folder for reading, anew where it is open: that tells its numbers as they are now.
    pub(super) async fn examine(&mut self, folder: &str) -> Result<Opened, Failure> {
        let counts = if self.counts_changes() { " (CONDSTORE)" } else { "" };
        let command = format!("EXAMINE {}{counts}", self.argument(folder)?);
        self.opened = None;
        let limit = self.options.timeouts.command;
        let answer = self.ask(&Step::Open(folder.to_owned()), &command, limit).await?;
        let mut opened = Opened {
            folder: folder.to_owned(),
            uid_validity: 0,
            uid_next: None,
            mod_seq: None,
            exists: 0,
            seen: 0,
        };
        for code in &answer.codes {
            match code {
                Code::UidValidity(value) => opened.uid_validity = value.get(),
                Code::UidNext(value) => opened.uid_next = Some(value.get()),
                Code::HighestModSeq(value) => opened.mod_seq = Some(value.get()),
                _ => {}
            }
        }
        for data in &answer.data {
            if let Data::Exists(count) = data {
                opened.exists = *count;
            }
        }
        opened.seen = opened.exists;
        if opened.uid_validity == 0 {
            return Err(failure(
                FailureClass::Setup,
                "no_uidvalidity",
                format!(
                    "{} gives the mails in {folder} no lasting numbers, so nobody can tell which are new. \
                     Read another folder.",
                    self.host
                ),
            ));
        }
        self.opened = Some(opened.clone());
        Ok(opened)
    }

    /// Where to begin in a folder as it is now, and whether everything is read already.
    fn beginning(&self, opened: &Opened, cursor: &MailboxCursor) -> Result<(MailboxCursor, bool), Failure> {
        let mut next = cursor.clone();
        next.folder.clone_from(&opened.folder);
        if cursor.uid_validity != opened.uid_validity {
            let day = match cursor.uid_validity {
                0 => cursor.since,
                _ => cursor.since.or(cursor.newest_at.map(|at| at.date_naive())),
            };
            next.uid_validity = opened.uid_validity;
            next.mod_seq = None;
            next.newest_at = next
                .newest_at
                .or_else(|| Some(DateTime::<Utc>::from((self.options.clock)())));
            match day {
                Some(day) => (next.next_uid, next.since) = (1, Some(day)),
                None => {
                    next.next_uid = opened
                        .uid_next
                        .ok_or_else(|| self.no_next_number(&opened.folder))?;
                    next.mod_seq = opened.mod_seq;
                    return Ok((next, true));
                }
            }
        }
        let reached = opened.exists == 0 || opened.uid_next.is_some_and(|end| end <= next.next_uid);
        if reached {
            next.next_uid = next.next_uid.max(opened.uid_next.unwrap_or(0));
            next.since = None;
            next.mod_seq = opened.mod_seq;
        }
        Ok((next, reached))
    }

    fn no_next_number(&self, folder: &str) -> Failure {
        failure(
            FailureClass::Setup,
            "no_uidnext",
            format!(
                "{} does not say which number the next mail in {folder} will have. \
                 Read it from a day on instead of from now on.",
                self.host
            ),
        )
    }

    /// Numbers of new mails in the first window that holds any, and that window.
    async fn new_numbers(
        &mut self,
        opened: &Opened,
        next: &MailboxCursor,
    ) -> Result<(Vec<u32>, std::ops::Range<u32>), Failure> {
        let limit = self.options.timeouts.command;
        let step = Step::Look(opened.folder.clone());
        let end = opened.uid_next.unwrap_or(u32::MAX);
        // The server's calendar may be a day off ours.
        let since = match next.since.and_then(|day| day.checked_sub_days(Days::new(1))) {
            Some(day) => format!(" SINCE {}", imap_date(day)),
            None => String::new(),
        };
        let mut width = if opened.exists <= FIRST_WINDOW {
            u32::MAX
        } else {
            FIRST_WINDOW
        };
        let mut from = next.next_uid.max(1);
        loop {
            let to = from.saturating_add(width).min(end);
            let command = format!("UID SEARCH UID {from}:{}{since}", to.saturating_sub(1).max(from));
            let answer = self.ask(&step, &command, limit).await?;
            let found: BTreeSet<u32> = answer
                .data
                .iter()
                .filter_map(|data| match data {
                    Data::Search(numbers, ..) => Some(numbers),
                    _ => None,
                })
                .flatten()
                .map(|number| number.get())
                .filter(|number| (from..to).contains(number))
                .collect();
            if answer.unreadable > 0 && found.is_empty() {
                return Err(self.lose(&step, super::wire::Lost::NotImap).into());
            }
            if !found.is_empty() || to >= end {
                // Without a known end, the window ends behind the last mail.
                let to = match (opened.uid_next, found.last()) {
                    (None, Some(last)) => last + 1,
                    (None, None) => next.next_uid,
                    _ => to,
                };
                return Ok((found.into_iter().collect(), from..to));
            }
            from = to;
            width = width.saturating_mul(2).min(LAST_WINDOW);
        }
    }

    /// Sizes and dates, so that a batch stays within its bytes.
    async fn outlines(&mut self, uids: &[u32]) -> Result<BTreeMap<u32, Outline>, Failure> {
        if uids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let command = format!("UID FETCH {} (UID RFC822.SIZE INTERNALDATE)", set(uids));
        let limit = self.options.timeouts.command;
        let answer = match self.ask(&Step::Fetch, &command, limit).await {
            Ok(answer) => answer,
            Err(Fault::Refused(_)) => return Ok(BTreeMap::new()),
            Err(Fault::Lost(failure)) => return Err(failure),
        };
        let mut outlines = BTreeMap::new();
        for (uid, items) in fetched(&answer) {
            let outline: &mut Outline = outlines.entry(uid).or_default();
            for item in items {
                match item {
                    MessageDataItem::Rfc822Size(size) => outline.size = Some(*size),
                    MessageDataItem::InternalDate(at) => outline.internal_date = Some(at.as_ref().to_utc()),
                    _ => {}
                }
            }
        }
        Ok(outlines)
    }

    /// As many of the first ones as fit into a batch. Where a size is not known, the mail may be of any.
    fn fitting(&self, uids: &[u32], outlines: &BTreeMap<u32, Outline>) -> Vec<u32> {
        let limits = &self.options.limits;
        let mut sum = 0;
        let mut chosen = Vec::new();
        for uid in uids {
            let size = outlines
                .get(uid)
                .and_then(|outline| outline.size)
                .unwrap_or(limits.mail);
            sum += size.min(limits.mail) as usize;
            if sum > limits.batch && !chosen.is_empty() {
                break;
            }
            chosen.push(*uid);
        }
        chosen
    }

    /// The mails themselves, together; those that do not come are asked for one by one.
    async fn bodies(
        &mut self,
        uids: &[u32],
        outlines: &BTreeMap<u32, Outline>,
    ) -> Result<(Vec<Mail>, Vec<u32>), Failure> {
        if uids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut mails = BTreeMap::new();
        let mut unreadable = BTreeSet::new();
        let all = match self.ask_bodies(uids).await {
            Ok(answer) => {
                unreadable.extend(self.take_mails(&answer, uids, outlines, &mut mails));
                answer.unreadable == 0
            }
            Err(Fault::Refused(_)) => false,
            Err(Fault::Lost(failure)) => return Err(failure),
        };
        // What is missing from a good answer was removed meanwhile (RFC 3501 §6.4.8).
        for uid in uids {
            if all || mails.contains_key(uid) {
                continue;
            }
            match self.ask_bodies(&[*uid]).await {
                Ok(answer) => {
                    unreadable.extend(self.take_mails(&answer, &[*uid], outlines, &mut mails));
                    if answer.unreadable > 0 && !mails.contains_key(uid) {
                        unreadable.insert(*uid);
                    }
                }
                Err(Fault::Refused(failure)) if failure.class == FailureClass::Throttled => {
                    return Err(failure);
                }
                Err(Fault::Refused(_)) => {
                    unreadable.insert(*uid);
                }
                Err(Fault::Lost(failure)) => return Err(failure),
            }
        }
        unreadable.retain(|uid| !mails.contains_key(uid));
        Ok((mails.into_values().collect(), unreadable.into_iter().collect()))
    }

    async fn ask_bodies(&mut self, uids: &[u32]) -> Result<Answer, Fault> {
        let command = format!(
            "UID FETCH {} (UID BODY.PEEK[]<0.{}>)",
            set(uids),
            self.options.limits.mail
        );
        let limit = self.options.timeouts.fetch;
        self.ask(&Step::Fetch, &command, limit).await
    }

    /// Takes the mails that were asked for; the numbers of those whose text the server says it has not.
    fn take_mails(
        &self,
        answer: &Answer,
        asked: &[u32],
        outlines: &BTreeMap<u32, Outline>,
        mails: &mut BTreeMap<u32, Mail>,
    ) -> Vec<u32> {
        let mut without = Vec::new();
        for (uid, items) in fetched(answer).filter(|(uid, _)| asked.binary_search(uid).is_ok()) {
            for item in items {
                let MessageDataItem::BodyExt {
                    section: None, data, ..
                } = item
                else {
                    continue;
                };
                match data {
                    NString(Some(raw)) => {
                        let outline = outlines.get(&uid).copied().unwrap_or_default();
                        let longest = self.options.limits.mail as usize;
                        mails.insert(uid, mail(uid, raw.as_ref(), outline, longest));
                    }
                    NString(None) => without.push(uid),
                }
            }
        }
        without
    }

    fn argument(&self, folder: &str) -> Result<String, Failure> {
        quoted(folder).ok_or_else(|| {
            failure(
                FailureClass::Setup,
                "folder",
                format!("“{folder}” is not the name of a folder as a mail server spells it. Choose it from the list."),
            )
        })
    }
}

fn mail(uid: u32, raw: &[u8], outline: Outline, longest: usize) -> Mail {
    let raw = raw[..raw.len().min(longest)].to_vec();
    Mail {
        uid,
        internal_date: outline.internal_date,
        key: key(&raw),
        // Sizes are estimates at some servers; only a mail that fills the limit can have been cut.
        whole: raw.len() < longest || outline.size.is_some_and(|size| size as usize <= longest),
        raw,
    }
}

/// See [`Mail::key`].
fn key(raw: &[u8]) -> [u8; 16] {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let end = ends
        .iter()
        .filter_map(|end| raw.windows(end.len()).position(|part| part == *end))
        .min();
    let hash = blake3::hash(&raw[..end.unwrap_or(raw.len())]);
    let mut key = [0; 16];
    key.copy_from_slice(&hash.as_bytes()[..16]);
    key
}

/// Numbers and items of the FETCH responses that carry a number.
fn fetched(answer: &Answer) -> impl Iterator<Item = (u32, &[MessageDataItem<'static>])> {
    answer.data.iter().filter_map(|data| match data {
        Data::Fetch { items, .. } => {
            let items = items.as_ref();
            let uid = items.iter().find_map(|item| match item {
                MessageDataItem::Uid(uid) => Some(NonZeroU32::get(*uid)),
                _ => None,
            })?;
            Some((uid, items))
        }
        _ => None,
    })
}

/// Ascending numbers as a sequence set (RFC 3501 §9), neighbours as ranges.
fn set(uids: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match parts.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*uid) => *last = *uid,
            _ => parts.push((*uid, *uid)),
        }
    }
    let text = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}:{last}"),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

/// `26-Nov-2026`, in English whatever the machine speaks.
fn imap_date(day: NaiveDate) -> String {
    day.format("%-d-%b-%Y").to_string()
}

impl std::fmt::Debug for Mail {
    /// Without its text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("uid", &self.uid)
            .field("internal_date", &self.internal_date)
            .field("bytes", &self.raw.len())
            .field("whole", &self.whole)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_make_ranges() {
        assert_eq!(set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set(&[u32::MAX]), u32::MAX.to_string());
    }

    #[test]
    fn a_mail_is_recognised_by_its_head_and_by_nothing_else() {
        let one = mail(1, b"Message-ID: <a>\r\n\r\nx", Outline::default(), 100);
        let again = mail(9, b"Message-ID: <a>\r\n\r\nanother body", Outline::default(), 100);
        let other = mail(1, b"Message-ID: <b>\r\n\r\nx", Outline::default(), 100);
        assert_eq!(one.key, again.key);
        assert_ne!(one.key, other.key);
    }

    #[test]
    fn a_mail_is_whole_unless_it_was_cut() {
        let sized = |size| Outline {
            size,
            internal_date: None,
        };
        assert!(mail(1, b"0123456789", sized(Some(10)), 10).whole);
        assert!(!mail(1, b"0123456789", sized(Some(11)), 10).whole);
        assert!(!mail(1, b"0123456789", sized(None), 10).whole);
        assert!(mail(1, b"012345678", sized(Some(11)), 10).whole);
    }

    #[test]
    fn a_day_is_written_as_the_protocol_wants_it() {
        let day = |y, m, d| imap_date(NaiveDate::from_ymd_opt(y, m, d).expect("a day"));
        assert_eq!(
            (day(2026, 3, 1), day(2026, 11, 26)),
            ("1-Mar-2026".into(), "26-Nov-2026".into())
        );
    }
}
