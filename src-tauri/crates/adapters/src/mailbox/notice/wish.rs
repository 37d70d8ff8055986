//! Whether a person asks for no more mail, sentence by sentence: what is not sure is left to a person's eye.

use super::hits::{Hits, List, Place};
use super::rule_files::WordsFile;
use super::rules::Rules;
use super::text::plain;

/// Longest text, in characters, that is read whole; of a longer one its first paragraph, if that is no longer.
const LONGEST_READ: usize = 300;
/// Longest line, in characters, that somebody ended by hand; longer ones were wrapped.
const SHORT_LINE: usize = 45;
/// Longest sentence, in characters, of which a clause may be the whole wish.
const SHORT_WISH: usize = 60;
/// What may stand between a "not" and what it denies, in words.
const NEGATION_REACH: usize = 3;
/// Most sentences looked at.
const MOST_SENTENCES: usize = 30;

/// Lists of words by which sentences are weighed.
pub(super) struct Wishes {
    pub exact: Vec<String>,
    pub polite: Vec<String>,
    pub asking: Vec<String>,
    fillers: Vec<String>,
    /// Wishes in so many words, with who wishes.
    clear: List,
    /// Names of leaving, which people also talk about: they count with a word of whoever asks.
    bare: List,
    asker: List,
    /// Words of each of these lists near to each other are a wish; the first ones as sure as `clear`.
    removing: Vec<Vec<List>>,
    ceasing: Vec<Vec<List>>,
    /// Turn what stands by them into its contrary, unless they are part of a word for wanting no more.
    negation: List,
    enough: List,
    supposition: List,
    threat: List,
    /// What else can be cancelled, removed or left, and who else may want it.
    things: List,
    others: List,
    /// Somebody misses mail.
    missing: List,
    /// With these words anywhere it is the contrary, or for a person to read.
    never: List,
}

/// How sure a sentence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Surety {
    /// Wanting no more, and mail, in one sentence.
    Meant,
    /// Said in so many words of oneself.
    Said,
}

impl Wishes {
    /// The lists of a file; `list` gives each its number, `together` those of groups.
    pub fn new<E>(
        file: &WordsFile,
        mut list: impl FnMut(&[String]) -> List,
        together: impl Fn(&[Vec<String>]) -> Result<Vec<Vec<List>>, E>,
    ) -> Result<Self, E> {
        let group = |id: &str| {
            let found = file.groups.iter().find(|group| group.id == id);
            found.map_or(&[][..], |group| &group.text)
        };
        let all = |of: fn(&super::rule_files::LanguageFile) -> &Vec<String>| -> Vec<String> {
            file.words.iter().flat_map(of).cloned().collect()
        };
        Ok(Self {
            exact: all(|language| &language.exact),
            polite: file.polite.clone(),
            asking: file.asking.clone(),
            fillers: file.fillers.clone(),
            clear: list(&all(|language| &language.within)),
            bare: list(&all(|language| &language.bare)),
            never: list(&all(|language| &language.never)),
            asker: list(group("asker")),
            enough: list(group("ceasing")),
            negation: list(&file.negation),
            supposition: list(&file.supposition),
            threat: list(&file.threat),
            things: list(&file.things),
            others: list(&file.others),
            missing: list(&file.missing),
            removing: together(&file.removing)?,
            ceasing: together(&file.ceasing)?,
        })
    }

    /// Whether a text says the contrary of a wish, or something only a person can weigh.
    pub fn forbids(&self, hits: &Hits) -> bool {
        hits.place(self.never).is_some()
    }

    /// Whether a text ([`plain`]) has words for leaving, whatever is said of them.
    pub fn names_leaving(&self, hits: &Hits) -> bool {
        hits.has(self.clear) || hits.has(self.bare)
    }

    /// Whether what is said is a wish. `lone` is for texts a machine wrote around it: only what is said in so many words.
    pub fn are_in(&self, text: &str, rules: &Rules, lone: bool) -> bool {
        let Some(text) = beginning(text, self) else {
            return false;
        };
        let sentences = sentences(text);
        let mut surest = None;
        let mut asks_back = false;
        let others_are_short = |of: usize| {
            let mut others = sentences.iter().enumerate().filter(|(n, _)| *n != of);
            others.all(|(_, other)| is_short(&other.text))
        };
        for (n, sentence) in sentences.iter().enumerate().take(MOST_SENTENCES) {
            let hits = rules.look(&sentence.text);
            if self.forbids(&hits) {
                return false;
            }
            let mut surety = self.weigh(sentence, &hits, || others_are_short(n));
            if surety.is_none()
                && let Some(bare) = self.without_fillers(sentence)
            {
                surety = self.weigh(&bare, &rules.look(&bare.text), || others_are_short(n));
            }
            match surety {
                Some(surety) => surest = surest.max(Some(surety)),
                None => asks_back |= sentence.is_question,
            }
        }
        match surest {
            Some(Surety::Said) => true,
            Some(Surety::Meant) => !lone && !asks_back,
            None => false,
        }
    }

    /// The sentence without the words that stand between those of a wish: "melden Sie mich bitte umgehend ab".
    fn without_fillers(&self, sentence: &Sentence) -> Option<Sentence> {
        let mut text = format!(" {} ", sentence.text);
        for filler in &self.fillers {
            let spaced = format!(" {filler} ");
            while text.contains(&spaced) {
                text = text.replacen(&spaced, " ", 1);
            }
        }
        let text = text.trim().to_owned();
        (text.len() < sentence.text.len()).then_some(Sentence {
            text,
            is_question: sentence.is_question,
        })
    }

    /// "Cheers but no thanks, please remove", "Unsubscribe - wrong person": the first or the last clause is a wish by
    /// itself, in more words than one or in one that can mean nothing else.
    fn is_exact_clause(&self, text: &str, hits: &Hits) -> bool {
        let marks = [",", ";", "，", "、", " - ", " – ", " — ", ":"];
        let first = marks
            .iter()
            .filter_map(|mark| text.split_once(mark))
            .map(|(clause, _)| clause);
        let last = marks
            .iter()
            .filter_map(|mark| text.rsplit_once(mark))
            .map(|(_, clause)| clause);
        let spoilt = self.is_of_things(hits) || hits.has(self.missing);
        let mut clauses = first.chain(last).map(str::trim);
        !spoilt
            && clauses.any(|clause| (clause.contains(' ') || hits.has(self.bare)) && self.is_exact(clause))
    }

    fn weigh(&self, sentence: &Sentence, hits: &Hits, alone: impl Fn() -> bool) -> Option<Surety> {
        let text = sentence.text.as_str();
        // "Stop! Before you ship it ..." is a wish only by itself
        let is_name = hits.has(self.bare) || hits.has(self.clear) || text.contains(' ');
        if !sentence.is_question && self.is_exact(text) && (is_name || alone()) {
            return Some(Surety::Said);
        }
        if !sentence.is_question && text.chars().count() <= SHORT_WISH && self.is_exact_clause(text, hits) {
            return Some(Surety::Said);
        }
        if sentence.is_question && self.begins_asking(text) {
            return None;
        }
        if hits.has(self.supposition) && !hits.has(self.threat) {
            return None;
        }
        let short = is_short(text);
        let clear = hits.all(self.clear).iter();
        let bare = (hits.all(self.bare).iter()).filter(|at| short || self.is_asked(text, hits, **at));
        let kind = |may_be_denied| Kind {
            is_question: sentence.is_question,
            may_be_denied,
        };
        let said = (clear.chain(bare)).any(|at| self.stands(text, hits, *at, Some(*at), kind(false)));
        let near = |groups: &[Vec<List>], kind: Kind| {
            let mut stretches = groups.iter().flat_map(|lists| hits.stretches(lists));
            stretches.any(|at| self.stands(text, hits, at, None, kind))
        };
        if said || near(&self.removing, kind(true)) {
            return Some(Surety::Said);
        }
        (!sentence.is_question && near(&self.ceasing, kind(false))).then_some(Surety::Meant)
    }

    /// Whether a word of whoever asks stands in the clause of this place.
    fn is_asked(&self, text: &str, hits: &Hits, at: Place) -> bool {
        let (from, to) = clause(text, at);
        let inside = |place: &&Place| place.start >= from && place.end <= to;
        let apart = |place: &Place| place.end <= at.start || place.start >= at.end;
        hits.all(self.asker).iter().filter(inside).any(apart)
    }

    /// Whether nothing in its clause, `own` words aside, says that it is about something else, about somebody else, or the
    /// contrary.
    fn stands(&self, text: &str, hits: &Hits, at: Place, own: Option<Place>, kind: Kind) -> bool {
        let (from, to) = clause(text, at);
        if kind.is_question && self.begins_asking(&text[from..to]) {
            return false;
        }
        let spoilt = |list: List| {
            (hits.all(list).iter())
                .filter(|place| place.start >= from && place.end <= to)
                .any(|place| !own.is_some_and(|own| covers(&own, place)))
        };
        if spoilt(self.things) || spoilt(self.others) || spoilt(self.missing) {
            return false;
        }
        // "if you don't remove me", "I don't want these any more"
        let counts = |not: &&Place| {
            let within = |list: List, is_more: bool| {
                let mut places = hits.all(list).iter();
                places.any(|place| covers(place, not) && (place.end > not.end || !is_more))
            };
            let is_wish = within(self.threat, false) || within(self.enough, true);
            not.start >= from && not.end <= to && !is_wish
        };
        let near = |between: &str| between.split_whitespace().count() <= NEGATION_REACH;
        let mut denied = hits.all(self.negation).iter().filter(counts);
        !denied.any(|not| match own {
            // its own "not" is part of a wish
            Some(own) if covers(&own, not) => false,
            _ if not.end <= at.start => near(&text[not.end..at.start]),
            _ if not.start >= at.end => own.is_some() && near(&text[at.end..not.start]),
            _ => kind.may_be_denied,
        })
    }

    fn begins_asking(&self, text: &str) -> bool {
        let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        self.asking.iter().any(|word| {
            text.strip_prefix(word.as_str())
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    }

    /// The text ([`plain`]) is a wish and nothing else, polite words aside.
    pub fn is_exact(&self, text: &str) -> bool {
        let trim = |c: char| !c.is_alphanumeric();
        let mut text = text.trim_matches(trim);
        for _ in 0..6 {
            if self.exact.iter().any(|word| word == text) {
                return true;
            }
            let spaced = |c: char| c.is_alphanumeric() && c < '\u{0E00}';
            let polite = self.polite.iter().filter_map(|word| {
                let without = text
                    .strip_prefix(word.as_str())
                    .filter(|rest| !rest.starts_with(spaced))
                    .or_else(|| {
                        text.strip_suffix(word.as_str())
                            .filter(|rest| !rest.ends_with(spaced))
                    })?;
                Some(without.trim_matches(trim))
            });
            match polite.min_by_key(|rest| rest.len()) {
                Some(rest) if !rest.is_empty() => text = rest,
                _ => return false,
            }
        }
        false
    }

    /// Whether a text ([`plain`]) speaks of something else that can be cancelled or left.
    pub fn is_of_things(&self, hits: &Hits) -> bool {
        hits.has(self.things) || hits.has(self.others) || hits.has(self.supposition)
    }
}

/// What a sentence is, and whether a "not" between the words of a wish makes it none.
#[derive(Clone, Copy)]
struct Kind {
    is_question: bool,
    may_be_denied: bool,
}

/// Whether a place lies within another.
fn covers(outer: &Place, inner: &Place) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The text, or where it is long its first paragraph that is more than a greeting.
fn beginning<'a>(text: &'a str, wishes: &Wishes) -> Option<&'a str> {
    let long = |text: &str| text.chars().nth(LONGEST_READ).is_some();
    if !long(text) {
        return Some(text);
    }
    let greeting = |paragraph: &str| {
        paragraph.chars().count() < 40
            && paragraph.trim_end().ends_with([',', '!', ':', '，', '、', '。'])
            && !wishes.is_exact(&plain(paragraph))
    };
    text.split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .take(3)
        .find(|paragraph| !greeting(paragraph))
        .filter(|paragraph| !long(paragraph))
}

pub(super) struct Sentence {
    /// [`plain`].
    pub text: String,
    pub is_question: bool,
}

/// The sentences of a text: they end at their marks, at blank lines, and at lines that somebody ended by hand.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut said = String::new();
    let mut end = |said: &mut String, is_question: bool| {
        let text = plain(said);
        said.clear();
        if text.chars().any(char::is_alphanumeric) {
            found.push(Sentence { text, is_question });
        }
    };
    for line in text.lines() {
        // a footer of ours that was not marked as quoted: people write no links when they want to leave
        if ["http://", "https://", "www."]
            .iter()
            .any(|link| line.contains(link))
        {
            end(&mut said, false);
            continue;
        }
        let mut last = ' ';
        let mut chars = line.trim().chars().peekable();
        while let Some(c) = chars.next() {
            let ends = match c {
                '!' | '?' | '。' | '！' | '？' | '؟' | '…' => true,
                '.' => !last.is_ascii_digit() && chars.peek().is_none_or(|next| next.is_whitespace()),
                _ => false,
            };
            if ends {
                end(&mut said, matches!(c, '?' | '？' | '؟'));
            } else {
                said.push(c);
            }
            last = c;
        }
        if line.chars().count() <= SHORT_LINE {
            end(&mut said, false);
        } else {
            said.push(' ');
        }
    }
    end(&mut said, false);
    found
}

/// From and to of the clause a place stands in.
fn clause(text: &str, at: Place) -> (usize, usize) {
    const MARKS: [char; 12] = [',', ';', ':', '(', ')', '、', '，', '،', '；', '：', '–', '—'];
    const WORDS: [&str; 12] = [
        " and ", " but ", " so ", " und ", " aber ", " et ", " mais ", " pero ", " maar ", " ale ", " но ",
        " och ",
    ];
    let before = &text[..at.start];
    let after = &text[at.end..];
    let mark = before.rfind(MARKS).map_or(0, |found| {
        found + before[found..].chars().next().map_or(1, char::len_utf8)
    });
    let word = WORDS
        .iter()
        .filter_map(|word| before.rfind(word).map(|found| found + word.len()));
    let from = word.chain([mark]).max().unwrap_or(0);
    let mark = after.find(MARKS).unwrap_or(after.len());
    let word = WORDS.iter().filter_map(|word| after.find(word));
    let to = at.end + word.chain([mark]).min().unwrap_or(after.len());
    (from, to)
}

/// So few words that they can only be about the mail itself.
fn is_short(text: &str) -> bool {
    let unspaced = text.chars().filter(|c| *c >= '\u{2E80}').count();
    text.split_whitespace().count() <= 3 && unspaced <= 8
}
