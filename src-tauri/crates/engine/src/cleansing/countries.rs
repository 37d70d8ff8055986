//! Countries, by any of their names.

use carillon_model::cleansing::CleansingReason;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// A country, by its code of two capital letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of a code of two letters, in any case. `None`: there is none.
    pub fn of(code: &str) -> Option<Country> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        let country = Country(bytes.map(|b| b.to_ascii_uppercase()));
        KNOWN.codes.contains(country.as_str()).then_some(country)
    }

    /// All of them, by their codes.
    pub fn all() -> impl Iterator<Item = &'static str> {
        KNOWN.codes.iter().map(String::as_str)
    }

    /// Its code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `assets/rules/countries.json`, read.
#[derive(Deserialize, Default)]
struct File {
    codes: BTreeMap<String, String>,
    parts: BTreeMap<String, String>,
    countries: Vec<(String, String, Vec<String>)>,
}

#[derive(Default)]
struct Known {
    /// Codes of two letters.
    codes: BTreeSet<String>,
    /// By any other name, folded.
    names: BTreeMap<String, ([u8; 2], CleansingReason)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: File =
        serde_json::from_str(include_str!("../../../../../assets/rules/countries.json")).unwrap_or_default();
    known(file)
});

fn known(file: File) -> Known {
    let mut known = Known::default();
    // A name of two countries is put down once, so that it is found, and names none.
    let mut all: BTreeMap<String, Vec<([u8; 2], CleansingReason)>> = BTreeMap::new();
    let mut put = |name: &str, code: &str, reason| {
        if let Ok(code) = <[u8; 2]>::try_from(code.as_bytes()) {
            all.entry(folded(name)).or_default().push((code, reason));
        }
    };
    for (other, code) in &file.codes {
        put(other, code, CleansingReason::CountryCode);
    }
    for (two, three, names) in &file.countries {
        known.codes.insert(two.clone());
        put(three, two, CleansingReason::CountryCode);
        for name in names {
            put(name, two, CleansingReason::CountryName);
        }
    }
    for (part, code) in &file.parts {
        put(part, code, CleansingReason::CountryPart);
    }
    for (name, found) in all {
        if let [first, rest @ ..] = found.as_slice()
            && rest.iter().all(|other| other.0 == first.0)
        {
            known.names.insert(name, *first);
        }
    }
    known
}

/// A name as it is looked up: letters and digits without accents, case and signs.
fn folded(name: &str) -> String {
    let decomposed = name
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    let mut out = String::with_capacity(name.len());
    for c in decomposed.filter(|c| c.is_alphanumeric()) {
        match c {
            'ß' => out.push_str("ss"),
            'ø' | 'Ø' => out.push('o'),
            'ł' | 'Ł' => out.push('l'),
            'ı' => out.push('i'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The longest name that is looked up, in bytes.
const LONGEST: usize = 120;

/// The country a text names, and how it does.
pub(super) fn read(text: &str) -> Option<(Country, CleansingReason)> {
    if let Some(country) = Country::of(text) {
        return Some((country, CleansingReason::CountryCode));
    }
    if text.len() > LONGEST {
        return None;
    }
    let (code, reason) = KNOWN.names.get(&folded(text))?;
    Some((Country(*code), *reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_read_by_its_codes_and_a_name_of_two_is_none() {
        assert_eq!(KNOWN.codes.len(), 250);
        assert!(KNOWN.names.len() > 5_000, "{}", KNOWN.names.len());
        for name in ["Kongo", "Congo", "Korea", "", "Atlantis", "Europe"] {
            assert_eq!(read(name), None, "{name}");
        }
        let country = |two: &str, three: &str| (two.to_owned(), three.to_owned(), vec!["Kongo".to_owned()]);
        let two = known(File {
            countries: vec![country("CD", "COD"), country("CG", "COG")],
            ..File::default()
        });
        let names: Vec<&String> = two.names.keys().collect();
        assert_eq!(names, ["cod", "cog"]);
    }
}
