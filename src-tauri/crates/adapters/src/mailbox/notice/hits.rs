//! Where words of the rules stand in a text, and which of them stand together.

use regex::Regex;
use std::sync::LazyLock;

/// Places kept of one list in one text.
const MOST_PLACES: usize = 12;
/// What may stand between two words that belong together, in bytes.
const REACH: usize = 80;

/// A list of words of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List(pub usize);

/// "30. November" ends none.
static SENTENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[^0-9][.] |[!?;] |[。！？；]").expect("the pattern is tested"));

/// Where a word stands, in bytes, and in which sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub start: usize,
    pub end: usize,
    pub sentence: usize,
}

/// Where the sentences of a text end.
pub(super) struct Sentences(Vec<usize>);

impl Sentences {
    pub fn of(text: &str) -> Self {
        Self(SENTENCE.find_iter(text).map(|hit| hit.start()).collect())
    }

    /// The number of the sentence in which this byte stands.
    pub fn number(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at)
    }
}

/// Which lists were found in a text.
#[derive(Clone, Debug)]
pub struct Hits(Vec<Vec<Place>>);

impl Hits {
    /// No word found yet, of so many lists.
    pub(super) fn none(lists: usize) -> Self {
        Self(vec![Vec::new(); lists])
    }

    /// A word of this list stands here. Words come in the order of their ends.
    pub(super) fn add(&mut self, list: List, place: Place) {
        let Some(known) = self.0.get_mut(list.0) else {
            return;
        };
        if known.first().is_some_and(|first| place.start < first.start) {
            known.insert(0, place);
        } else if known.len() < MOST_PLACES {
            known.push(place);
        }
    }

    /// The first word of a list, from and to.
    pub(super) fn place(&self, list: List) -> Option<(usize, usize)> {
        let first = self.places(list).first()?;
        Some((first.start, first.end))
    }

    fn places(&self, list: List) -> &[Place] {
        self.0.get(list.0).map_or(&[], Vec::as_slice)
    }

    /// The places of a list's words, at most [`MOST_PLACES`].
    pub(super) fn all(&self, list: List) -> &[Place] {
        self.places(list)
    }

    pub(super) fn has(&self, list: List) -> bool {
        !self.places(list).is_empty()
    }

    /// From the first to the last of words that stand together, once for each word of the first list.
    pub(super) fn stretches(&self, lists: &[List]) -> Vec<Place> {
        let Some((first, others)) = lists.split_first() else {
            return Vec::new();
        };
        let places = self.places(*first).iter();
        places.filter_map(|at| self.stretch(&[*at], others)).collect()
    }

    /// Whether a word of each list stands in one sentence, in any order, none further than [`REACH`] from the others.
    /// No word of `unless` stands in that sentence.
    pub(super) fn are_together(&self, lists: &[List], unless: Option<List>) -> bool {
        let Some((first, others)) = lists.split_first() else {
            return false;
        };
        let spoilt = unless.map_or(&[][..], |list| self.places(list));
        self.places(*first)
            .iter()
            .any(|at| !spoilt.iter().any(|place| place.sentence == at.sentence) && self.reach(*at, others))
    }

    /// Whether the other lists have words near to the stretch of text found so far.
    fn reach(&self, so_far: Place, lists: &[List]) -> bool {
        self.stretch(&[so_far], lists).is_some()
    }

    /// The stretch of the words found so far with one of each of the other lists, if they have any near to it.
    fn stretch(&self, found: &[Place], lists: &[List]) -> Option<Place> {
        let first = found.first()?;
        let start = found.iter().map(|place| place.start).min()?;
        let end = found.iter().map(|place| place.end).max()?;
        let Some((next, others)) = lists.split_first() else {
            return Some(Place {
                start,
                end,
                sentence: first.sentence,
            });
        };
        self.places(*next).iter().find_map(|place| {
            // one word cannot be two things
            let apart = |known: &Place| place.end <= known.start || place.start >= known.end;
            let gap = (start.saturating_sub(place.end)).max(place.start.saturating_sub(end));
            (place.sentence == first.sentence && gap <= REACH && found.iter().all(apart))
                .then(|| self.stretch(&[found, &[*place]].concat(), others))
                .flatten()
        })
    }
}

/// Whether a word that begins here is not the end of another. Scripts without spaces have no such border.
pub(super) fn begins(text: &str, at: usize) -> bool {
    let first = text[at..].chars().next();
    let before = text[..at].chars().next_back();
    match (first, before) {
        (Some(first), Some(before)) => !(spaced(first) && spaced(before)),
        _ => true,
    }
}

/// Whether the word that begins here is of a script that writes "from" and "the" together with it: Hebrew, Arabic.
pub(super) fn takes_prefixes(text: &str, at: usize) -> bool {
    let first = text[at..].chars().next();
    first.is_some_and(|c| ('\u{0590}'..='\u{06FF}').contains(&c))
}

/// Whether a word that ends here is not the beginning of another.
pub(super) fn ends(text: &str, at: usize) -> bool {
    let last = text[..at].chars().next_back();
    let after = text[at..].chars().next();
    match (last, after) {
        (Some(last), Some(after)) => !(spaced(last) && spaced(after)),
        _ => true,
    }
}

/// Letters and digits of scripts that put spaces between words.
fn spaced(c: char) -> bool {
    c.is_alphanumeric() && c < '\u{0E00}'
}
