//! What is made of a mail's HTML before the values are known: pieces of it, and how its plain text comes about.

use crate::limits::ATTRIBUTE_BYTES;
use crate::liquid::marks::Slot;
use crate::liquid::markup::leaves_entity_open;
use crate::mjml::{in_ascii, is_plain};
use crate::text::{Flow, Sink};
use html_escape::decode_html_entities;
use std::borrow::Cow;

/// Values of one mail by the number of their slot, as MJML was given them.
pub(crate) struct Values<'a> {
    pub(crate) written: Vec<&'a str>,
}

impl<'a> Values<'a> {
    fn written(&self, slot: usize) -> &'a str {
        self.written.get(slot).copied().unwrap_or_default()
    }

    /// As it stands in the HTML.
    pub(crate) fn html(&self, hole: Hole) -> Cow<'a, str> {
        let written = self.written(hole.slot);
        if !hole.quoted || written.bytes().all(is_plain) {
            Cow::Borrowed(written)
        } else {
            Cow::Owned(in_ascii(written))
        }
    }

    /// As its reader sees it.
    fn shown(&self, hole: Hole) -> Cow<'a, str> {
        match self.html(hole) {
            Cow::Borrowed(written) if !written.contains('&') => Cow::Borrowed(written),
            written => Cow::Owned(decode_html_entities(&written).into_owned()),
        }
    }

    /// Whether no value is longer than an attribute may be where so many stand beside so many fixed bytes.
    pub(crate) fn fit(&self, slots: &[usize], fixed: usize) -> bool {
        let values = slots.iter().map(|slot| self.written(*slot).len());
        values.sum::<usize>() + fixed <= ATTRIBUTE_BYTES
    }

    pub(crate) fn bytes(&self) -> usize {
        self.written.iter().map(|written| written.len()).sum()
    }

    pub(crate) fn is_blank(&self, slot: usize) -> bool {
        self.written(slot).trim().is_empty()
    }
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) slot: usize,
    /// In the value of an attribute.
    pub(crate) quoted: bool,
}

/// What a slot is written as until its value is known: letters and digits, which neither MJML nor HTML takes for anything.
const MARK: &str = "zqxv";
const DIGITS: usize = 5;
const END: &str = "vqz";

/// The mark of a slot; none for too many.
pub(crate) fn mark(slot: usize) -> Option<String> {
    (slot < 10usize.pow(DIGITS as u32)).then(|| format!("{MARK}{slot:05}{END}"))
}

/// Where marks begin.
pub(crate) fn marks(text: &str) -> Vec<usize> {
    text.match_indices(MARK).map(|(at, _)| at).collect()
}

/// Whether a text could be taken for a mark, or for the beginning of one.
pub(crate) fn resembles_mark(text: &str) -> bool {
    text.contains(MARK)
}

/// Fixed text with holes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pattern {
    fixed: String,
    /// Each with the byte of `fixed` it stands before.
    holes: Vec<(usize, Hole)>,
}

impl Pattern {
    /// Cuts a text at its marks. `quoted` as in [`Hole`].
    pub(crate) fn cut(text: &str, quoted: bool) -> Pattern {
        let mut pattern = Pattern::default();
        let mut rest = text;
        while let Some((before, slot, after)) = next_mark(rest) {
            pattern.fixed.push_str(before);
            pattern.holes.push((pattern.fixed.len(), Hole { slot, quoted }));
            rest = after;
        }
        pattern.fixed.push_str(rest);
        pattern
    }

    /// Adds fixed text.
    pub(crate) fn push(&mut self, fixed: &str) {
        self.fixed.push_str(fixed);
    }

    /// Adds what follows.
    pub(crate) fn extend(&mut self, next: &Pattern) {
        let before = self.fixed.len();
        self.fixed.push_str(&next.fixed);
        self.holes
            .extend(next.holes.iter().map(|(at, hole)| (before + at, *hole)));
    }

    pub(crate) fn slots(&self) -> Vec<usize> {
        self.holes.iter().map(|(_, hole)| hole.slot).collect()
    }

    /// Whether each of its holes is of a slot that stands where the hole does.
    pub(crate) fn holds(&self, slots: &[Slot]) -> bool {
        // The preview is behind the last slot, and text.
        let quoted = |slot: usize| slots.get(slot).is_some_and(|slot| slot.quoted);
        self.holes
            .iter()
            .all(|(_, hole)| hole.quoted == quoted(hole.slot))
    }

    pub(crate) fn holes(&self) -> usize {
        self.holes.len()
    }

    /// Fixed bytes.
    pub(crate) fn fixed(&self) -> &str {
        &self.fixed
    }

    /// Bytes held.
    pub(crate) fn weight(&self) -> usize {
        self.fixed.len() + self.holes.len() * size_of::<(usize, Hole)>()
    }

    /// What stands before the first hole.
    pub(crate) fn before(&self) -> &str {
        let end = self.holes.first().map_or(self.fixed.len(), |(at, _)| *at);
        &self.fixed[..end]
    }

    /// Whether some hole stands behind what could become an entity by what follows. No value leaves one open itself, so each
    /// hole has only the text behind the one before it to fear.
    pub(crate) fn leaves_entity_open(&self) -> bool {
        let mut from = 0;
        self.holes.iter().any(|(at, _)| {
            let before = &self.fixed[std::mem::replace(&mut from, *at)..*at];
            leaves_entity_open(before)
        })
    }

    /// Writes it with its values as they stand in HTML.
    pub(crate) fn fill(&self, values: &Values<'_>, out: &mut String) {
        self.write(out, |hole| values.html(hole));
    }

    fn filled_as_shown(&self, values: &Values<'_>) -> String {
        let mut out = String::with_capacity(self.fixed.len() + 64);
        self.write(&mut out, |hole| values.shown(hole));
        out
    }

    fn write<'a>(&self, out: &mut String, value: impl Fn(Hole) -> Cow<'a, str>) {
        let mut from = 0;
        for (at, hole) in &self.holes {
            out.push_str(&self.fixed[from..*at]);
            out.push_str(&value(*hole));
            from = *at;
        }
        out.push_str(&self.fixed[from..]);
    }
}

/// The next mark: what stands before it, its slot, and what follows.
fn next_mark(text: &str) -> Option<(&str, usize, &str)> {
    let at = text.find(MARK)?;
    let digits = at + MARK.len();
    let slot = text.get(digits..digits + DIGITS)?.parse().ok()?;
    let after = text.get(digits + DIGITS..)?.strip_prefix(END)?;
    Some((&text[..at], slot, after))
}

/// How the plain text of a mail is made from its values.
#[derive(Debug, Default)]
pub(crate) struct Recipe {
    steps: Vec<Step>,
    /// Bytes of its own words.
    bytes: usize,
    /// Slots of which none may be blank: a picture without words would be none.
    pub(crate) solid: Vec<usize>,
}

#[derive(Debug)]
enum Step {
    Words(Chunk),
    Value(Hole),
    Link(Pattern),
    LinkEnds,
}

/// Words that flowed already, what is owed before them, and what after.
#[derive(Debug, Default)]
struct Chunk {
    before: (usize, bool),
    words: String,
    after: (usize, bool),
}

impl Recipe {
    pub(crate) fn text(&self, values: &Values<'_>) -> String {
        let mut flow = Flow {
            out: String::with_capacity(self.bytes + values.bytes() * 2 + 64),
            ..Flow::default()
        };
        for step in &self.steps {
            match step {
                Step::Words(chunk) => flow.chunk(chunk),
                Step::Value(hole) => flow.words(&values.shown(*hole)),
                Step::Link(href) => flow.link(Some(href.filled_as_shown(values))),
                Step::LinkEnds => flow.link_ends(),
            }
        }
        flow.finish()
    }
}

impl Flow {
    fn owes(&mut self, (lines, space): (usize, bool)) {
        self.owed = self.owed.max(lines);
        self.space |= space;
    }

    fn chunk(&mut self, chunk: &Chunk) {
        self.owes(chunk.before);
        if chunk.words.is_empty() {
            return;
        }
        self.break_owed();
        self.out.push_str(&chunk.words);
        self.owes(chunk.after);
    }
}

/// What stands before a chunk while it flows, so that what it owes before its first word is seen.
const BEFORE: &str = "x";

/// Writes a recipe from what a reader would see of HTML with marks in it.
pub(crate) struct Writer {
    recipe: Recipe,
    flow: Flow,
    /// A link is open.
    linked: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Writer {
            recipe: Recipe::default(),
            flow: before(),
            linked: false,
        }
    }
}

fn before() -> Flow {
    Flow {
        out: BEFORE.to_owned(),
        ..Flow::default()
    }
}

impl Writer {
    pub(crate) fn finish(mut self) -> Recipe {
        self.flush();
        let words = self.recipe.steps.iter().map(|step| match step {
            Step::Words(chunk) => chunk.words.len() + chunk.before.0,
            Step::Link(href) => href.fixed.len(),
            Step::Value(_) | Step::LinkEnds => 0,
        });
        self.recipe.bytes = words.sum();
        self.recipe
    }

    /// Makes a step of the words so far.
    fn flush(&mut self) {
        let flow = std::mem::replace(&mut self.flow, before());
        let after = (flow.owed, flow.space);
        let written = &flow.out[BEFORE.len()..];
        let words = written.trim_start_matches(['\n', ' ']);
        let owed = &written[..written.len() - words.len()];
        let chunk = match words {
            "" => Chunk {
                before: after,
                ..Chunk::default()
            },
            words => Chunk {
                before: (owed.matches('\n').count(), owed.contains(' ')),
                words: words.to_owned(),
                after,
            },
        };
        if !chunk.words.is_empty() || chunk.before != (0, false) {
            self.recipe.steps.push(Step::Words(chunk));
        }
    }

    fn step(&mut self, step: Step) {
        self.flush();
        self.recipe.steps.push(step);
    }

    fn pieces(&mut self, text: &str, quoted: bool) {
        let mut rest = text;
        while let Some((before, slot, after)) = next_mark(rest) {
            self.flow.words(before);
            self.step(Step::Value(Hole { slot, quoted }));
            rest = after;
        }
        self.flow.words(rest);
    }
}

impl Sink for Writer {
    fn words(&mut self, text: &str) {
        self.pieces(text, false);
    }

    fn line(&mut self) {
        self.flow.line();
    }

    fn paragraph(&mut self) {
        self.flow.paragraph();
    }

    fn link(&mut self, href: Option<String>) {
        // A link in a link: the later one counts, as where it is read at once.
        self.linked = href.is_some();
        if let Some(href) = href {
            self.step(Step::Link(Pattern::cut(&href, true)));
        }
    }

    fn link_ends(&mut self) {
        if !std::mem::take(&mut self.linked) {
            return;
        }
        match self.recipe.steps.pop() {
            // Nothing of it is a person's own, so it is read at once.
            Some(Step::Link(href)) if href.holes() == 0 => {
                self.flow.link = Some((href.fixed, BEFORE.len()));
                self.flow.link_ends();
            }
            other => {
                self.recipe.steps.extend(other);
                self.step(Step::LinkEnds);
            }
        }
    }

    fn picture(&mut self, alt: &str) {
        let pattern = Pattern::cut(alt, true);
        if pattern.holes() > 0 && pattern.fixed().trim().is_empty() {
            self.recipe.solid.extend(pattern.slots());
        }
        if pattern.holes() > 0 || !alt.trim().is_empty() {
            self.flow.words(" ");
            self.pieces(alt, true);
            self.flow.words(" ");
        }
    }
}
