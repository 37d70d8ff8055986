//! Keys by which two contacts are surely, or nearly surely, one person: the same mailbox, telephone, or number.

use super::SameKey;
use carillon_model::duplicate::MatchKind;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A key that more contacts share than this is no person's: the telephone of an office, a number that means "none".
const MOST_SHARING: usize = 12;
/// Digits that tell telephones apart: what comes before them is written in many ways.
const DIGITS: usize = 9;
const FEWEST_DIGITS: usize = 7;

/// The name of a key in the file.
pub(super) fn word(key: SameKey) -> &'static str {
    match key {
        SameKey::Email => "email",
        SameKey::Phone => "phone",
        SameKey::Identifier => "identifier",
    }
}

/// The keys of their names; what is none is left out.
pub(super) fn words(names: &[String]) -> Vec<SameKey> {
    [SameKey::Email, SameKey::Phone, SameKey::Identifier]
        .into_iter()
        .filter(|key| names.iter().any(|name| name == word(*key)))
        .collect()
}

/// The mailbox an address means: what stands after a plus is a tag at many providers, and Gmail reads no dots.
fn mailbox(address: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let local = local.split('+').next().unwrap_or(local).to_lowercase();
    let domain = match domain.to_lowercase() {
        domain if domain == "googlemail.com" => "gmail.com".to_owned(),
        domain => domain,
    };
    let local = match domain.as_str() {
        "gmail.com" => local.replace('.', ""),
        _ => local,
    };
    (!local.is_empty()).then(|| format!("{local}@{domain}"))
}

fn telephone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let last = &digits[digits.len().saturating_sub(DIGITS)..];
    (digits.len() >= FEWEST_DIGITS).then(|| last.to_owned())
}

/// The key a value is, if it is one.
fn key(kind: MatchKind, text: &str) -> Option<(SameKey, String)> {
    match kind {
        MatchKind::Email => Some((SameKey::Email, mailbox(text)?)),
        MatchKind::Phone => Some((SameKey::Phone, telephone(text)?)),
        MatchKind::Identifier => {
            let plain: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            (plain.len() >= 3).then(|| (SameKey::Identifier, plain.to_lowercase()))
        }
        _ => None,
    }
}

/// The keys of all contacts, a row each.
#[derive(Default)]
pub(super) struct Keys(Vec<(SameKey, u64, u32)>);

impl Keys {
    /// Notes what a value of a row says. `field`: numbers are of whoever gave them, so two fields are two kinds of number.
    pub(super) fn note(&mut self, row: u32, field: usize, kind: MatchKind, text: &str) {
        if let Some((same, key)) = key(kind, text) {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            if same == SameKey::Identifier {
                field.hash(&mut hasher);
            }
            self.0.push((same, hasher.finish(), row));
        }
    }

    /// Pairs of rows that share a key, the lower first, with the keys they share; in order.
    pub(super) fn pairs(mut self) -> Vec<((u32, u32), Vec<SameKey>)> {
        self.0.sort_unstable();
        self.0.dedup();
        let mut found: Vec<((u32, u32), SameKey)> = Vec::new();
        for group in self.0.chunk_by(|x, y| (x.0, x.1) == (y.0, y.1)) {
            if group.len() > MOST_SHARING {
                continue;
            }
            for (i, one) in group.iter().enumerate() {
                found.extend(group[i + 1..].iter().map(|other| ((one.2, other.2), one.0)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
            .chunk_by(|x, y| x.0 == y.0)
            .map(|group| (group[0].0, group.iter().map(|(_, same)| *same).collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_written_in_many_ways_and_dots_count_but_at_gmail() {
        for (one, other) in [
            ("ada.lovelace@gmail.com", "AdaLovelace+news@googlemail.com"),
            ("ada+shop@x.example", "ada@X.example"),
        ] {
            assert_eq!(mailbox(one), mailbox(other), "{one} {other}");
        }
        assert_ne!(mailbox("a.da@x.example"), mailbox("ada@x.example"));
        assert_eq!(mailbox("+x@gmail.com"), None);
        assert_eq!(mailbox("nobody"), None);
    }

    #[test]
    fn a_telephone_is_the_same_with_and_without_its_country_and_a_short_one_is_none() {
        assert_eq!(telephone("+49 171 555 0101"), telephone("0171/5550101"));
        assert_ne!(telephone("+49 171 555 0101"), telephone("0171/5550102"));
        assert_eq!(telephone("110"), None);
        assert_eq!(telephone("٣٤٥٦٧٨٩٠"), None);
    }

    #[test]
    fn pairs_share_keys_and_what_everybody_shares_is_none() {
        let mut keys = Keys::default();
        for (row, phone, number) in [
            (0, "0171 5550101", "K-17"),
            (1, "01715550101", "k17"),
            (2, "01719999999", ""),
        ] {
            keys.note(row, 0, MatchKind::Phone, phone);
            keys.note(row, 1, MatchKind::Identifier, number);
        }
        for row in 10..40 {
            keys.note(row, 0, MatchKind::Phone, "030 1234567");
        }
        // A number in another field is another number.
        keys.note(2, 2, MatchKind::Identifier, "K-17");
        assert_eq!(
            keys.pairs(),
            [((0, 1), vec![SameKey::Phone, SameKey::Identifier])]
        );
    }
}
