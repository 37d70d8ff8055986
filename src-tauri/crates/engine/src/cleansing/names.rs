//! Names of people: in which letters, and which of the two stands first.

use carillon_model::cleansing::CleansingReason;
use unicode_normalization::UnicodeNormalization;

/// Small words of surnames, written small before another word.
const PARTICLES: [&str; 27] = [
    "van", "von", "vom", "zu", "zum", "zur", "de", "der", "den", "del", "des", "da", "dos", "das", "do",
    "du", "af", "av", "ter", "ten", "te", "op", "in", "het", "los", "las", "y",
];
/// What stays small only after `de`.
const AFTER_DE: [&str; 2] = ["la", "le"];
/// Numbers of a name.
const NUMBERS: [&str; 5] = ["II", "III", "IV", "VI", "VII"];
/// What follows a comma without being a first name.
const SUFFIXES: [&str; 30] = [
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "dr", "prof", "esq", "ba", "ma", "bsc", "msc", "mba", "cpa",
    "dds", "rn", "dipl", "ing", "mag", "mr", "mrs", "ms", "inc", "llc", "ltd", "gmbh", "ag", "kg",
];

fn is_mark(c: char) -> bool {
    matches!(c, ' ' | '-' | '\'' | '’' | '.')
}

/// A name that is written in capitals or in small letters throughout, as names are written. Nobody knows better than who
/// wrote in both; and one letter, or two capitals, are initials.
pub(super) fn cased(text: &str, surname: bool, turkish: bool) -> Option<(String, CleansingReason)> {
    if !text
        .chars()
        .all(|c| c.is_alphabetic() || is_mark(c) || is_combining(c))
    {
        return None;
    }
    let upper = text.chars().any(char::is_uppercase);
    let lower = text.chars().any(char::is_lowercase);
    if upper == lower || !is_name(text, upper) {
        return None;
    }
    let turkish = turkish || text.contains(['İ', 'ı', 'ğ', 'Ğ']);
    let words: Vec<&str> = text.split(' ').collect();
    let mut new: Vec<String> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let small = smaller(word, turkish);
        let follows = at + 1 < words.len();
        let particle =
            PARTICLES.contains(&small.as_str()) || (AFTER_DE.contains(&small.as_str()) && after_de(&new));
        let stays = follows && particle && (surname || at > 0);
        new.push(match stays {
            true => small,
            false if upper && surname && at > 0 && NUMBERS.contains(word) => (*word).to_owned(),
            false => titled(word, turkish),
        });
    }
    let new: String = new.join(" ").nfc().collect();
    let mixed = new.chars().any(char::is_uppercase) && new.chars().any(char::is_lowercase);
    (mixed && new != text).then_some((
        new,
        match upper {
            true => CleansingReason::Capitals,
            false => CleansingReason::SmallLetters,
        },
    ))
}

fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn after_de(before: &[String]) -> bool {
    before.last().is_some_and(|word| word == "de")
}

/// Has a word that is more than initials: of three capitals, or two small letters; a lone particle is none.
fn is_name(text: &str, upper: bool) -> bool {
    let least = if upper { 3 } else { 2 };
    let vowel = |c: char| !c.is_ascii() || "aeiouyAEIOUY".contains(c);
    let word = |word: &str| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        letters >= least && !word.contains('.') && word.chars().any(vowel)
    };
    let lone = !upper && PARTICLES.contains(&text);
    !lone && text.split([' ', '-']).any(word)
}

fn smaller(word: &str, turkish: bool) -> String {
    match turkish {
        true => word.replace('I', "ı").replace('İ', "i").to_lowercase(),
        false => word.to_lowercase(),
    }
}

fn larger(c: char, turkish: bool) -> String {
    match c {
        'i' if turkish => "İ".to_owned(),
        // A capital of two letters ("SS") begins no name.
        c if c.to_uppercase().count() == 1 => c.to_uppercase().collect(),
        c => c.to_string(),
    }
}

/// A word without spaces: each part between hyphens begins with a capital, and so does what follows O', Mc and the like.
fn titled(word: &str, turkish: bool) -> String {
    let parts: Vec<String> = word.split('-').map(|part| titled_part(part, turkish)).collect();
    parts.join("-")
}

fn titled_part(part: &str, turkish: bool) -> String {
    // Initials with full stops stay as they are: J.R., j.
    if part.split('.').all(|letters| letters.chars().count() <= 1) {
        return part.chars().map(|c| larger(c, turkish)).collect();
    }
    let small = smaller(part, turkish);
    if let Some((before, after)) = small.split_once(['\'', '’'])
        && before.chars().count() == 1
        && after.chars().count() >= 2
    {
        let mark = small.chars().nth(1).unwrap_or('\'');
        return format!("{}{mark}{}", first_up(before, turkish), first_up(after, turkish));
    }
    if let Some(rest) = small.strip_prefix("mc").filter(|rest| rest.chars().count() >= 3) {
        return format!("Mc{}", first_up(rest, turkish));
    }
    // IJ is one letter in Dutch; before a vowel it is none (Ijaz).
    if let Some(rest) = small.strip_prefix("ij")
        && rest
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() && !"aeiou".contains(c))
    {
        return format!("IJ{rest}");
    }
    first_up(&small, turkish)
}

fn first_up(word: &str, turkish: bool) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => larger(first, turkish) + letters.as_str(),
        None => String::new(),
    }
}

/// First and last name, where one of the two fields holds both with a comma between, and the other nothing else.
pub(super) fn ordered(given: &str, surname: &str) -> Option<(String, String)> {
    let same = |one: &str, other: &str| other.is_empty() || one.to_lowercase() == other.to_lowercase();
    if let Some((last, first)) = halves(given) {
        return same(last, surname).then(|| (first.to_owned(), last.to_owned()));
    }
    let (last, first) = halves(surname)?;
    same(first, given).then(|| (first.to_owned(), last.to_owned()))
}

/// Both sides of the only comma, if each is a name.
fn halves(text: &str) -> Option<(&str, &str)> {
    let (last, first) = text.split_once(',')?;
    let (last, first) = (last.trim(), first.trim());
    let name = |side: &str| {
        side.chars().any(char::is_alphabetic)
            && side
                .chars()
                .all(|c| c.is_alphabetic() || is_mark(c) || is_combining(c))
    };
    let title = |side: &str| {
        side.split(' ').any(|word| {
            let bare: String = word.chars().filter(|c| *c != '.').collect();
            SUFFIXES.contains(&bare.to_lowercase().as_str())
        })
    };
    (name(last) && name(first) && !title(last) && !title(first)).then_some((last, first))
}
