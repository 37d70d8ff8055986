//! The generous reading: whether a reply that is no sure wish to get no more mail may be one all the same.
//!
//! It errs towards yes. A wrong yes costs somebody a look; a wrong no sends mail to whoever asked for none.

use super::fold::{begins_nearly, folded};
use super::rule_files::LeavingFile;
use super::wish::sentences;
use aho_corasick::{AhoCorasick, MatchKind};

/// Shortest stem, in letters, in which a slip is forgiven.
const LONG_STEM: usize = 7;
/// Longest ending of a word after a stem that is nearly right, in letters.
const ENDING: usize = 3;
/// Most words that are looked at for slips.
const MOST_WORDS: usize = 700;
/// Longest text, in words, that a word of thanks alone explains.
const SHORT_TEXT: usize = 8;
/// Shortest question, in words, that asks for something: "Again?" does not.
const QUESTION: usize = 3;
/// Shortest sentence, in words, that counts as not understood where nothing in it is known.
const UNEXPLAINED: usize = 8;
/// Words at which a clause ends, beside its marks; [`folded`].
const JOINTS: [&str; 24] = [
    " , ",
    " and ",
    " but ",
    " so ",
    " und ",
    " aber ",
    " sondern ",
    " et ",
    " mais ",
    " pero ",
    " y ",
    " e ",
    " ma ",
    " en ",
    " maar ",
    " mas ",
    " ale ",
    " a ",
    " i ",
    " men ",
    " och ",
    " и ",
    " но ",
    " а ",
];

/// What a word of the lists tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// Tells the language.
    Common,
    /// A doubt wherever it stands.
    Sure,
    /// A doubt, unless it is said of things.
    Open,
    /// A doubt, unless its sentence is about things.
    Denial,
    Mail,
    Thing,
    Ordinary,
    /// Thanks, consent: an answer by itself.
    Short,
}

/// Words of all languages, ready for use.
pub(super) struct Doubts {
    matcher: AhoCorasick,
    /// Of each word of the matcher: its language and what it tells.
    owners: Vec<(usize, Sign)>,
    innocent: AhoCorasick,
    innocent_of: Vec<usize>,
    /// Long stems, in which a slip is forgiven, with their language.
    stems: Vec<(usize, Vec<char>)>,
    languages: usize,
    /// Words of no language, or of all.
    any: Option<usize>,
}

#[derive(Clone, Copy)]
struct Hit {
    start: usize,
    end: usize,
    sign: Sign,
}

impl Doubts {
    pub fn new(file: &LeavingFile) -> Result<Self, aho_corasick::BuildError> {
        let mut words: Vec<String> = Vec::new();
        let mut owners = Vec::new();
        let mut stems = Vec::new();
        let mut innocent = Vec::new();
        let mut innocent_of = Vec::new();
        for (n, language) in file.languages.iter().enumerate() {
            let lists = [
                (Sign::Common, &language.common),
                (Sign::Sure, &language.sure),
                (Sign::Open, &language.open),
                (Sign::Denial, &language.denial),
                (Sign::Mail, &language.mail),
                (Sign::Thing, &language.things),
                (Sign::Ordinary, &language.ordinary),
                (Sign::Short, &language.short),
            ];
            for (sign, list) in lists {
                for pattern in list.iter().flat_map(|word| patterns(word)) {
                    let stem = pattern.trim();
                    if sign == Sign::Sure
                        && stem.chars().count() >= LONG_STEM
                        && stem.chars().all(|c| c.is_alphabetic() && c < '\u{2E80}')
                    {
                        stems.push((n, stem.chars().collect()));
                    }
                    words.push(pattern);
                    owners.push((n, sign));
                }
            }
            for pattern in language.innocent.iter().flat_map(|word| patterns(word)) {
                innocent.push(pattern);
                innocent_of.push(n);
            }
        }
        Ok(Self {
            matcher: AhoCorasick::new(words)?,
            owners,
            innocent: AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(innocent)?,
            innocent_of,
            stems,
            languages: file.languages.len(),
            any: file.languages.iter().position(|language| language.id == "any"),
        })
    }

    /// Whether whoever wrote this may want to be left alone.
    pub fn may_leave(&self, text: &str) -> bool {
        let read: Vec<(String, bool)> = sentences(text)
            .iter()
            .map(|one| (folded(&one.text), one.is_question))
            .collect();
        let spoken = self.languages_of(read.iter().map(|(sentence, _)| sentence.as_str()));
        let mut known = 0;
        let mut unknown = 0;
        let mut thanks = false;
        for (sentence, is_question) in &read {
            let sentence = self.without_innocent(sentence, &spoken);
            let hits = self.hits(&sentence, &spoken);
            if self.is_doubtful(&sentence, &hits) || self.has_slip(&sentence, &hits, &spoken) {
                return true;
            }
            let says = |of: &[Sign]| hits.iter().any(|hit| of.contains(&hit.sign));
            let explained =
                says(&[Sign::Thing, Sign::Ordinary]) || (*is_question && length(&sentence) >= QUESTION);
            let is_thanks = says(&[Sign::Short]);
            if explained {
                known += length(&sentence);
            } else if !is_thanks && length(&sentence) >= UNEXPLAINED {
                unknown += length(&sentence);
            }
            thanks |= is_thanks;
        }
        let words: usize = read.iter().map(|(sentence, _)| length(sentence)).sum();
        let is_thanks = thanks && words <= SHORT_TEXT;
        unknown > known || (known == 0 && !is_thanks)
    }

    /// The languages that a text may be in; all of them where nothing tells.
    fn languages_of<'a>(&self, sentences: impl Iterator<Item = &'a str>) -> Vec<bool> {
        let mut counts = vec![0_u32; self.languages];
        for sentence in sentences {
            for hit in self.matcher.find_overlapping_iter(sentence) {
                if let (language, Sign::Common) = self.owners[hit.pattern().as_usize()] {
                    counts[language] += 1;
                }
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        let mut spoken: Vec<bool> = counts.iter().map(|count| count * 2 > most || most <= 1).collect();
        if let Some(any) = self.any {
            spoken[any] = true;
        }
        spoken
    }

    fn without_innocent(&self, sentence: &str, spoken: &[bool]) -> String {
        let mut out = String::with_capacity(sentence.len());
        let mut from = 0;
        for hit in self.innocent.find_iter(sentence) {
            if spoken[self.innocent_of[hit.pattern().as_usize()]] {
                out.push_str(&sentence[from..hit.start()]);
                out.push_str(" ~ ");
                from = hit.end();
            }
        }
        out.push_str(&sentence[from..]);
        out
    }

    fn hits(&self, sentence: &str, spoken: &[bool]) -> Vec<Hit> {
        let found = self.matcher.find_overlapping_iter(sentence);
        let meant = found.filter_map(|hit| {
            let (language, sign) = self.owners[hit.pattern().as_usize()];
            spoken[language].then_some(Hit {
                start: hit.start(),
                end: hit.end(),
                sign,
            })
        });
        meant.collect()
    }

    fn is_doubtful(&self, sentence: &str, hits: &[Hit]) -> bool {
        let has = |of: &[Sign], from: usize, to: usize| {
            let mut inside = hits.iter().filter(|hit| hit.start >= from && hit.end <= to);
            inside.any(|hit| of.contains(&hit.sign))
        };
        let whole = |of: &[Sign]| has(of, 0, sentence.len());
        hits.iter().any(|hit| match hit.sign {
            Sign::Sure => true,
            Sign::Denial => !whole(&[Sign::Thing, Sign::Ordinary]),
            Sign::Open => {
                let (from, to) = clause(sentence, hit);
                let said_of_things = has(&[Sign::Thing], from, to) && !has(&[Sign::Mail], from, to);
                !(said_of_things || whole(&[Sign::Thing]) && !whole(&[Sign::Mail]))
            }
            _ => false,
        })
    }

    /// Whether a word that is in no list is nearly one of those that make a doubt.
    fn has_slip(&self, sentence: &str, hits: &[Hit], spoken: &[bool]) -> bool {
        let known = |at: usize| hits.iter().any(|hit| hit.start <= at + 1 && hit.end > at + 1);
        let words = sentence
            .match_indices(' ')
            .take(MOST_WORDS)
            .filter(|(at, _)| !known(*at));
        words
            .map(|(at, _)| sentence[at + 1..].split(' ').next().unwrap_or(""))
            .any(|word| {
                let letters: Vec<char> = word.chars().collect();
                let mut stems = self.stems.iter().filter(|(language, stem)| {
                    spoken[*language]
                        && letters.len() + 1 >= stem.len()
                        && letters.len() <= stem.len() + ENDING
                });
                stems.any(|(_, stem)| begins_nearly(&letters, stem))
            })
    }
}

/// How many words a folded sentence has; four letters of a script without spaces count as one.
fn length(sentence: &str) -> usize {
    let unspaced = sentence
        .chars()
        .filter(|c| ('\u{2E80}'..'\u{1F000}').contains(c))
        .count();
    sentence.split_whitespace().count() + unspaced / 4
}

/// From and to of the clause a word stands in, its spaces included.
fn clause(sentence: &str, hit: &Hit) -> (usize, usize) {
    let (inner, outer) = (hit.start + 1, hit.end.saturating_sub(1).max(hit.start));
    let before = sentence.get(..inner).unwrap_or("");
    let after = sentence.get(outer..).unwrap_or("");
    let from = JOINTS
        .iter()
        .filter_map(|joint| before.rfind(joint).map(|at| at + joint.len() - 1));
    let to = JOINTS
        .iter()
        .filter_map(|joint| after.find(joint).map(|at| outer + at + 1));
    (from.max().unwrap_or(0), to.min().unwrap_or(sentence.len()))
}

/// A word of the lists as it stands in a folded text: with its borders, except where a `*` says that more may follow or
/// stand before. "ö" may be written "oe".
fn patterns(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if word.contains(['ä', 'ö', 'ü']) {
        forms.push(word.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"));
    }
    let pattern = |form: String| {
        let unspaced = form.starts_with(|c: char| ('\u{2E80}'..'\u{1F000}').contains(&c));
        if form == "~" {
            return form;
        }
        let folded = folded(&form);
        let mut found = folded.as_str();
        if unspaced || form.starts_with('*') {
            found = found.trim_start();
        }
        if unspaced || form.ends_with('*') {
            found = found.trim_end();
        }
        found.to_owned()
    };
    forms
        .into_iter()
        .map(pattern)
        .filter(|found| !found.trim().is_empty())
        .collect()
}
