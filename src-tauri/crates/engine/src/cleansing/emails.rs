//! How e-mail addresses are written.

use super::spaces::is_hidden;
use carillon_model::cleansing::CleansingReason;

/// Words people write for @, to be found once.
const AT: [&str; 5] = ["(at)", "[at]", "{at}", " at ", "<at>"];
const DOT: [&str; 4] = ["(dot)", "[dot]", "{dot}", " dot "];

/// The address in a text that is not quite one, and what was wrong first. `None`: it is one, or nobody can say which.
pub(super) fn formed(text: &str) -> Option<(String, CleansingReason)> {
    if is_address(text) {
        return None;
    }
    let mut reasons = Vec::new();
    let mut now: String = text
        .chars()
        .filter(|c| !is_hidden(*c) && !c.is_control())
        .collect();
    if now != text {
        reasons.push(CleansingReason::Invisible);
    }
    let mut step = |now: &mut String, reason, new: Option<String>| {
        if let Some(new) = new.filter(|new| new != now) {
            reasons.push(reason);
            *now = new;
        }
    };
    let trimmed = now.trim().to_owned();
    step(&mut now, CleansingReason::Spaces, Some(trimmed));
    let bare = without(&now, "mailto:");
    step(&mut now, CleansingReason::Mailto, bare);
    let bare = now
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .map(str::to_owned);
    step(&mut now, CleansingReason::Brackets, bare);
    let bare = now.trim_end_matches([' ', '.', ',', ';', ':']).to_owned();
    step(&mut now, CleansingReason::MarkAtEnd, Some(bare));
    let said = in_words(&now);
    step(&mut now, CleansingReason::AtInWords, said);
    let closed = around_at(&now);
    step(&mut now, CleansingReason::Spaces, closed);
    let dotted = comma(&now);
    step(&mut now, CleansingReason::CommaInDomain, dotted);
    let reason = *reasons.first()?;
    (is_address(&now)).then_some((now, reason))
}

fn without(text: &str, prefix: &str) -> Option<String> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text[prefix.len()..].trim().to_owned())
}

fn in_words(text: &str) -> Option<String> {
    if text.contains('@') {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let found: Vec<(usize, &str)> = AT.iter().flat_map(|at| lower.match_indices(at)).collect();
    let &[(at, word)] = found.as_slice() else {
        return None;
    };
    let dots = |side: &str| {
        let mut side = side.to_owned();
        for dot in DOT {
            while let Some(place) = side.to_ascii_lowercase().find(dot) {
                let (before, after) = (side[..place].trim_end(), side[place + dot.len()..].trim_start());
                side = format!("{before}.{after}");
            }
        }
        side
    };
    let (before, after) = (dots(&text[..at]), dots(&text[at + word.len()..]));
    Some(format!("{}@{}", before.trim(), after.trim()))
}

/// Spaces beside the @ alone: any other space may stand between two things.
fn around_at(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    Some(format!("{}@{}", local.trim_end(), domain.trim_start()))
}

fn comma(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let lone = domain.matches(',').count() == 1 && !domain.contains('.');
    lone.then(|| format!("{local}@{}", domain.replace(',', ".")))
}

/// An address of ASCII letters as most servers take it: dot-atoms (RFC 5322 §3.2.3) at a name of two labels or more.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let label = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let top = labels.last().copied().unwrap_or_default();
    text.len() <= 254
        && local.len() <= 64
        && local.split('.').all(atom)
        && labels.len() >= 2
        && labels.iter().all(|part| label(part))
        && top.len() >= 2
        && top.starts_with(|c: char| c.is_ascii_alphabetic())
}
