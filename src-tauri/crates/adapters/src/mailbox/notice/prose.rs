//! Failed recipients in running text: QSBMF, transcripts of sessions, and sentences of people who write mail systems.

use super::address::{self, Found, same};
use super::envelope::Facts;
use super::mime::{Mail, cut};
use super::original;
use super::rules::Rules;
use super::status::{basic, enhanced};
use super::text::plain;
use regex::Regex;
use std::sync::LazyLock;

const MOST_LINES: usize = 600;
const MOST_CANDIDATES: usize = 400;
/// What is read of one line, in bytes.
const LONGEST_LINE: usize = 2000;

/// A failed recipient and the lines that say why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub address: String,
    pub reason: String,
}

/// How surely an address in a text is a failed recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Surety {
    /// Somewhere in the notice.
    Named,
    /// On a line with an SMTP code.
    Coded,
    /// Where a recipient stands: alone on its line, before a colon, after RCPT TO.
    Placed,
}

struct Candidate {
    address: String,
    line: usize,
    surety: Surety,
}

/// Whether an address stands where a notice puts a failed recipient.
pub(super) fn is_placed(mail: &Mail, facts: &Facts, rules: &Rules) -> bool {
    let lines: Vec<&str> = facts.notice.lines().take(MOST_LINES).collect();
    candidates(&lines, mail, facts, rules)
        .iter()
        .any(|c| c.surety == Surety::Placed)
}

/// The failed recipients a text names, in order.
pub(super) fn failed(mail: &Mail, facts: &Facts, rules: &Rules) -> Vec<Failed> {
    let lines: Vec<&str> = facts.notice.lines().take(MOST_LINES).collect();
    let candidates = candidates(&lines, mail, facts, rules);
    let written_to = original::recipients(mail, facts.copied.as_ref());
    let best = candidates.iter().map(|c| c.surety).max();
    let mut chosen: Vec<&Candidate> = Vec::new();
    let matching = |c: &&Candidate| written_to.iter().any(|to| same(to, &c.address));
    let sure = |c: &&Candidate| Some(c.surety) == best;
    let any_matching = candidates
        .iter()
        .any(|c| matching(&c) && c.surety >= Surety::Coded);
    for candidate in candidates.iter().filter(|c| {
        if any_matching {
            matching(c) || c.surety == Surety::Placed
        } else {
            sure(c)
        }
    }) {
        if !chosen.iter().any(|c| same(&c.address, &candidate.address)) {
            chosen.push(candidate);
        }
    }
    if best == Some(Surety::Named) && written_to.len() == 1 && !chosen.iter().any(matching) {
        chosen.clear();
    }
    chosen
        .iter()
        .map(|c| Failed {
            address: c.address.clone(),
            reason: reason(&lines, c, &candidates),
        })
        .collect()
}

fn candidates(lines: &[&str], mail: &Mail, facts: &Facts, rules: &Rules) -> Vec<Candidate> {
    let mut found = Vec::new();
    // Who writes to themselves may be told of a failure too.
    let mail_to_self = original::recipients(mail, facts.copied.as_ref())
        .iter()
        .any(|to| facts.is_ours(mail, to));
    for (n, line) in lines.iter().enumerate() {
        let line = cut(line, LONGEST_LINE);
        for hit in address::find(line) {
            if found.len() >= MOST_CANDIDATES {
                return found;
            }
            if rules.is_system(&hit.address) {
                continue;
            }
            let ours = facts.is_ours(mail, &hit.address);
            if let Some(surety) = surety(line, &hit, rules)
                && (!ours || (mail_to_self && surety == Surety::Placed))
            {
                found.push(Candidate {
                    address: hit.address,
                    line: n,
                    surety,
                });
            }
        }
    }
    found
}

/// None where the words before say that it is somebody else.
fn surety(line: &str, hit: &Found, rules: &Rules) -> Option<Surety> {
    let before = plain(&line[..hit.start]);
    let after = plain(&line[hit.end..]);
    let bare = before.trim_matches(|c: char| !c.is_alphanumeric());
    let spaced = |c: char| c.is_alphanumeric() && c < '\u{0E00}';
    let longest = |words: &[String]| {
        let ends = words.iter().filter(|word| {
            let rest = bare.strip_suffix(word.as_str());
            rest.is_some_and(|rest| !rest.ends_with(spaced))
        });
        ends.map(String::len).max()
    };
    let ends = |words: &[String]| longest(words).is_some();
    // "e-mail to" is an invitation, "your e-mail to" is not
    let of_others = longest(&rules.before_others);
    let of_others = of_others.is_some() && of_others >= longest(&rules.before_recipient);
    let is_message_id = hit
        .address
        .split('@')
        .next()
        .is_some_and(|local| local.len() > 40 && local.contains('.') && !local.contains(['=', '+']));
    // Exim's "(generated from a@b)" and Sendmail's "(expanded from: <a@b>)" name the alias that was written to.
    if bare.ends_with("generated from") || bare.ends_with("expanded from") {
        return Some(Surety::Coded);
    }
    if of_others || is_message_id {
        return None;
    }
    let alone = |text: &str| text.chars().all(|c| !c.is_alphanumeric());
    if alone(&before)
        && (after.is_empty()
            || alone(&after)
            || after.starts_with([':', '.', ',', '(', '-', '–', '[', ';', '>', '\'', '"', '=', ']']))
    {
        return Some(Surety::Placed);
    }
    // "a@b on Mon, 4 Jan" of Exchange, and its X.400 form "c=US;...;dda:SMTP=a@b;"
    let dated = alone(&before) && after.starts_with("on ");
    let x400 = before.ends_with("dda:") || before.ends_with("dda:smtp=");
    if dated || x400 || (alone(&before) && line[hit.start..].starts_with('<')) {
        return Some(Surety::Placed);
    }
    // the To of the message, repeated in a notice: a list's address where it was a list
    if bare == "to" && before.ends_with(':') {
        return Some(Surety::Named);
    }
    if bare.ends_with("rcpt to") || (ends(&rules.before_recipient) && before.ends_with([':', '='])) {
        return Some(Surety::Placed);
    }
    // "John Doe <jdoe@example.com>" or "John Doe (jdoe@example.com)" on a line of its own
    if after.chars().all(|c| !c.is_alphanumeric())
        && before.split(' ').count() <= 4
        && line[hit.start..].starts_with('<')
    {
        return Some(Surety::Placed);
    }
    if basic(line).is_some() || !enhanced(line).is_empty() {
        return Some(Surety::Coded);
    }
    if ends(&rules.before_recipient) {
        return Some(Surety::Coded);
    }
    Some(Surety::Named)
}

/// A recipient without a domain, alone on the line after a colon, as AOL and others name their own users: at the domain
/// of whoever sent the notice.
pub(super) fn local(facts: &Facts) -> Option<Failed> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[ \t]*([A-Za-z][A-Za-z0-9._-]{2,40})[ \t]*$").expect("the pattern is tested")
    });
    let (_, domain) = facts.from.as_deref()?.rsplit_once('@')?;
    let lines: Vec<&str> = facts.notice.lines().take(MOST_LINES).collect();
    let ends = |line: &&str| line.trim_end().ends_with(':');
    let at = (1..lines.len()).find(|n| {
        let before = lines[..*n].iter().rev().find(|line| !line.trim().is_empty());
        NAME.is_match(lines[*n]) && before.is_some_and(ends)
    })?;
    let name = NAME.captures(lines[at])?.get(1)?.as_str();
    Some(Failed {
        address: format!("{name}@{domain}"),
        reason: String::new(),
    })
}

/// The lines from the address to the next one or to the second blank line; where they say nothing, those around.
fn reason(lines: &[&str], candidate: &Candidate, all: &[Candidate]) -> String {
    let next = all
        .iter()
        .filter(|c| {
            c.line > candidate.line && !same(&c.address, &candidate.address) && c.surety == Surety::Placed
        })
        .map(|c| c.line)
        .min()
        .unwrap_or(lines.len());
    let mut said = String::new();
    let mut gaps = 0;
    for line in &lines[candidate.line..next.min(candidate.line + 25)] {
        if line.trim().is_empty() {
            gaps += 1;
            let coded = basic(&said).is_some() || !enhanced(&said).is_empty();
            if gaps > 1 && said.len() > 200 && coded {
                break;
            }
        }
        said.push_str(cut(line.trim(), LONGEST_LINE));
        said.push('\n');
    }
    said
}
