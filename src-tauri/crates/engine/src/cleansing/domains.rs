//! Slips in the domain of an e-mail address: which domains are meant, and which are somebody's own.

use carillon_model::cleansing::CleansingReason;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// `assets/rules/mail_domains.json`, read.
#[derive(Deserialize, Default)]
struct Lists {
    domains: Vec<String>,
    known: BTreeSet<String>,
    endings: BTreeMap<String, String>,
    short: BTreeMap<String, String>,
}

/// `assets/rules/free_mail.json`, read: real domains, so none of them is a slip.
#[derive(Deserialize, Default)]
struct FreeMail {
    domains: BTreeSet<String>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let read: Lists = serde_json::from_str(include_str!("../../../../../assets/rules/mail_domains.json"))
        .unwrap_or_default();
    let free: FreeMail =
        serde_json::from_str(include_str!("../../../../../assets/rules/free_mail.json")).unwrap_or_default();
    let mut known = read.known;
    known.extend(free.domains);
    known.extend(read.domains.iter().cloned());
    Lists { known, ..read }
});

/// A name as short as this is one slip away from too many others.
const SHORTEST: usize = 5;
/// From this length on two slips are forgiven.
const LONG: usize = 8;
/// A domain of so many contacts is somebody's own, unless it is rare beside the one it looks like: one slip of the same sort
/// in fifty addresses is more than people make.
const MANY: u32 = 5;
const RARE: u32 = 50;

/// How many contacts of a workspace have a domain, where that matters.
#[derive(Debug, Default)]
pub struct Domains {
    counts: BTreeMap<String, u32>,
}

impl Domains {
    /// Notes the address of a contact. Only domains that are meant at times, and those that look like a slip, are kept.
    pub fn note(&mut self, address: &str) {
        let Some((_, domain)) = address.rsplit_once('@') else {
            return;
        };
        let domain = domain.to_ascii_lowercase();
        if let Some(count) = self.counts.get_mut(&domain) {
            *count += 1;
        } else if LISTS.domains.contains(&domain) || meant(&domain).is_some() {
            self.counts.insert(domain, 1);
        }
    }

    fn count(&self, domain: &str) -> u32 {
        self.counts.get(domain).copied().unwrap_or(0)
    }

    /// The address with the domain that is meant, why, and that domain.
    pub(super) fn meant(&self, address: &str) -> Option<(String, CleansingReason, String)> {
        if !super::emails::is_address(address) {
            return None;
        }
        let (local, domain) = address.rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let (new, reason) = meant(&domain)?;
        let count = self.count(&domain);
        let own = count >= MANY && u64::from(count) * u64::from(RARE) > u64::from(self.count(&new));
        // What no root server knows is nobody's own, however many have it.
        if reason == CleansingReason::Slip && own {
            return None;
        }
        Some((format!("{local}@{new}"), reason, new))
    }
}

fn meant(domain: &str) -> Option<(String, CleansingReason)> {
    if LISTS.known.contains(domain) {
        return None;
    }
    let (name, end) = domain.rsplit_once('.')?;
    if let Some(right) = LISTS.endings.get(end) {
        let mended = format!("{name}.{right}");
        let new = match LISTS.known.contains(&mended) {
            true => mended,
            false => slip(&mended).unwrap_or(mended),
        };
        return Some((new, CleansingReason::Ending));
    }
    slip(domain).map(|new| (new, CleansingReason::Slip))
}

/// The one provider that a domain is a slip away from.
fn slip(domain: &str) -> Option<String> {
    let (name, end) = domain.split_once('.')?;
    let near = |target: &&String| {
        let Some((right, right_end)) = target.split_once('.') else {
            return false;
        };
        match end == right_end {
            true => is_slip(name, right),
            false if name != right || name.len() < SHORTEST => false,
            // What begins like co.uk may be that, too.
            false => {
                right_end.starts_with(&format!("{end}."))
                    || LISTS.short.get(end).is_some_and(|to| to == right_end)
            }
        }
    };
    let mut all = LISTS.domains.iter().filter(near);
    let found = all.next()?;
    all.next().is_none().then(|| found.clone())
}

/// Whether a name is a slip of another: an edit or an exchange of neighbours, two of them in a long one. Hardly anybody
/// misses the first letter, and much that differs in it alone is another provider (gmail, ymail).
fn is_slip(name: &str, right: &str) -> bool {
    if right.len() < SHORTEST || name.len().abs_diff(right.len()) > 2 || name == right {
        return false;
    }
    let (a, b) = (name.as_bytes(), right.as_bytes());
    let first =
        a.first() == b.first() || (a.len() == b.len() && a.first() == b.get(1) && a.get(1) == b.first());
    let forgiven = if right.len() >= LONG { 2 } else { 1 };
    first && strsim::osa_distance(name, right) <= forgiven
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_and_agree_with_each_other() {
        assert!(LISTS.domains.len() > 40 && LISTS.known.len() > 350 && LISTS.endings.len() > 20);
        for domain in &LISTS.domains {
            assert_eq!(meant(domain), None, "{domain}");
        }
        for (wrong, right) in &LISTS.endings {
            assert!(!LISTS.endings.contains_key(right), "{wrong}");
        }
    }
}
