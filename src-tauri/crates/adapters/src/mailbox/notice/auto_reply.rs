//! Machines that answer in somebody's place (RFC 3834), and what they say.

use super::bounce::at_start;
use super::dates;
use super::envelope::{Facts, is_listed};
use super::mime::Mail;
use super::rules::{Hits, Rules, Sign};
use super::text::plain;
use super::{AutoReply, Kind, address};

/// An automatic answer or a challenge, if the message is one.
pub(super) fn read(mail: &Mail, facts: &Facts, rules: &Rules) -> Option<Kind> {
    let subject = subject_hits(facts, rules);
    let begins = |sign| at_start(rules, &subject, sign) || at_start(rules, &facts.subject_hits, sign);
    let auto_subject = begins(Sign::AutoSubject);
    let away_subject = begins(Sign::AwaySubject);
    let machine = by_header(mail, facts, rules);
    let sign = |sign| rules.sign(&facts.own_hits, sign);
    let early = |found: Option<(usize, usize)>, within: usize| found.is_some_and(|(start, _)| start < within);
    let away = sign(Sign::Away);
    let challenge = rules.sign(&facts.own_hits, Sign::Challenge).is_some();
    if challenge && is_challenge(facts, rules, machine || facts.null_path) {
        return Some(Kind::Challenge);
    }
    let listed = is_listed(&mail.head);
    let spoken = early(sign(Sign::AutoText), 400) && facts.answers && !listed;
    // Machines seldom quote and ask nothing; people who are away and answer all the same do.
    let headless_away = !listed
        && facts.answers
        && !facts.quotes
        && !facts.own_text.contains(['?', '？'])
        && early(away, 120)
        && rules.says(&rules.away_shape, &facts.own_plain);
    if !(machine
        || auto_subject
        || (away_subject && !listed)
        || spoken
        || headless_away
        || (facts.null_path && !facts.daemon))
    {
        return None;
    }
    Some(Kind::AutoReply(what(facts, rules, away_subject, mail)))
}

/// The subject after "Re:", because some programs put that before "Out of office", and after a ticket's "[...]".
fn subject_hits(facts: &Facts, rules: &Rules) -> Hits {
    let mut bare = facts.subject.as_str();
    if facts.is_reply_subject {
        bare = bare.split_once([':', '：']).map_or("", |(_, rest)| rest);
    }
    if let Some((_, rest)) = bare
        .trim_start()
        .strip_prefix('[')
        .and_then(|tag| tag.split_once(']'))
    {
        bare = rest;
    }
    rules.look(&plain(bare))
}

fn by_header(mail: &Mail, facts: &Facts, rules: &Rules) -> bool {
    let head = &mail.head;
    if head
        .0
        .iter()
        .any(|(name, value)| rules.is_auto_header(name, value))
    {
        return true;
    }
    let value = |name: &str| head.get(name).unwrap_or("").trim().to_ascii_lowercase();
    let relates = head.has("in-reply-to") || head.has("references") || facts.is_reply_subject;
    let listed = is_listed(head);
    let generated = value("auto-submitted").starts_with("auto-generated");
    let precedence = matches!(value("precedence").as_str(), "bulk" | "junk");
    let suppressed = head.has("x-auto-response-suppress");
    relates && !listed && (generated || precedence || (suppressed && facts.null_path))
}

fn is_challenge(facts: &Facts, rules: &Rules, machine: bool) -> bool {
    let own = &facts.own_plain;
    let acts = rules.says(&rules.challenge_acts, own);
    let subject = rules.sign(&facts.subject_hits, Sign::Challenge).is_some()
        || rules.says(&rules.challenge_subject, &plain(&facts.subject));
    acts && (machine || subject || facts.answers) && (subject || rules.says(&rules.challenge_about, own))
}

fn what(facts: &Facts, rules: &Rules, away_subject: bool, mail: &Mail) -> AutoReply {
    let subject = subject_hits(facts, rules);
    let sign = |sign| {
        rules
            .sign(&facts.own_hits, sign)
            .or_else(|| rules.sign(&subject, sign))
    };
    let replacement = |from: usize| replacement(facts, mail, rules, from);
    let returns_on = dates::returns_on(&facts.own_text, &facts.subject, facts.date, rules);
    if let Some((start, _)) = sign(Sign::Left)
        && !(returns_on.is_some_and(|day| day.said) && sign(Sign::Away).is_some())
    {
        return AutoReply::LeftCompany {
            replacement: replacement(start),
        };
    }
    // Tickets name days too.
    let ahead = returns_on.is_some_and(|day| day.said && day.date > facts.date.date_naive());
    let away = away_subject || sign(Sign::Away).is_some() || ahead;
    if let Some((start, _)) = sign(Sign::Moved)
        && returns_on.is_none()
        && !away_subject
    {
        return AutoReply::AddressChanged {
            new: replacement(start),
        };
    }
    if away {
        return AutoReply::OutOfOffice {
            returns_on: returns_on.map(|day| day.date),
            replacement: replacement(0),
        };
    }
    AutoReply::Other
}

/// The first address in the text after `from` (or before it, where none follows) that is neither the sender's nor ours.
fn replacement(facts: &Facts, mail: &Mail, rules: &Rules, from: usize) -> Option<String> {
    let own = &facts.own_text;
    let sender = facts.from.as_deref().unwrap_or("");
    let others: Vec<_> = address::find(own)
        .into_iter()
        .filter(|found| !address::same(&found.address, sender) && !facts.is_ours(mail, &found.address))
        .filter(|found| !rules.is_system(&found.address))
        .collect();
    // `from` counts in the compared text, which is a little shorter than the written one
    others
        .iter()
        .find(|found| found.start >= from.saturating_sub(20))
        .or_else(|| others.first())
        .map(|found| found.address.clone())
}
