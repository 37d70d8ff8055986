//! Events of one name, or messages of one template, by contact and time.

use crate::segment::{Seen, folded, test_holds};
use carillon_model::Moment;
use carillon_model::contact::Money;
use carillon_model::event::Prop;
use carillon_model::segment::{PropMatch, Test};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Contacts a page holds together: an insertion moves at most their postings.
const PAGE: u32 = 64;

/// One event or message. What no clause can ask (source, arrival) is not kept.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    pub contact: u32,
    pub at: Moment,
    pub id: i64,
    pub props: Option<Box<[(u32, Packed)]>>,
}

impl Posting {
    /// The value of the property whose key has the symbol.
    pub fn prop(&self, key: u32) -> Option<Packed> {
        let props = self.props.as_deref().unwrap_or_default();
        let found = props.iter().find(|(symbol, _)| *symbol == key);
        found.map(|(_, value)| *value)
    }
}

/// A property, its texts by symbol.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packed {
    YesNo(bool),
    Number(f64),
    Money(Money),
    Text(u32),
}

/// Pages of postings, each sorted by contact, moment and id.
#[derive(Clone, Debug, Default)]
pub(super) struct Postings {
    pages: BTreeMap<u32, Vec<Posting>>,
}

impl Postings {
    /// Puts one in; with `once`, the same contact, moment and id again is left out.
    pub fn insert(&mut self, posting: Posting, once: bool) {
        let page = self.pages.entry(posting.contact / PAGE).or_default();
        let key = |p: &Posting| (p.contact, p.at, p.id);
        let place = page.partition_point(|p| key(p) <= key(&posting));
        if !(once && place > 0 && key(&page[place - 1]) == key(&posting)) {
            page.insert(place, posting);
        }
    }

    /// Puts one in without looking where: [`Postings::settle`] sorts them before anybody reads.
    pub fn add(&mut self, posting: Posting) {
        self.pages
            .entry(posting.contact / PAGE)
            .or_default()
            .push(posting);
    }

    /// Sorts what was added; `once` as of [`Postings::insert`].
    pub fn settle(&mut self, once: bool) {
        let key = |p: &Posting| (p.contact, p.at, p.id);
        for page in self.pages.values_mut() {
            page.sort_by_key(key);
            if once {
                page.dedup_by_key(|p| key(p));
            }
        }
    }

    pub fn remove(&mut self, contact: u32, at: Moment, id: i64) {
        self.retain(contact, |p| (p.at, p.id) != (at, id));
    }

    pub fn remove_contact(&mut self, contact: u32) {
        self.retain(contact, |_| false);
    }

    fn retain(&mut self, contact: u32, keep: impl Fn(&Posting) -> bool) {
        if let Some(page) = self.pages.get_mut(&(contact / PAGE)) {
            page.retain(|p| p.contact != contact || keep(p));
            if page.is_empty() {
                self.pages.remove(&(contact / PAGE));
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Those of one contact, in order of time.
    pub fn of(&self, contact: u32) -> &[Posting] {
        let Some(page) = self.pages.get(&(contact / PAGE)) else {
            return &[];
        };
        let from = page.partition_point(|p| p.contact < contact);
        let to = page.partition_point(|p| p.contact <= contact);
        &page[from..to]
    }

    /// All of them, contact by contact in order.
    pub fn by_contact(&self) -> impl Iterator<Item = &[Posting]> {
        self.pages
            .values()
            .flat_map(|page| page.chunk_by(|a, b| a.contact == b.contact))
    }

    pub fn heap_bytes(&self) -> usize {
        let page = |page: &Vec<Posting>| {
            let props: usize = page
                .iter()
                .filter_map(|p| p.props.as_ref())
                .map(|props| size_of_val(&**props) + 16)
                .sum();
            page.capacity() * size_of::<Posting>() + 40 + props
        };
        self.pages.values().map(page).sum()
    }
}

/// Texts by number. They are kept as long as the index: keys and values of properties repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    texts: Vec<Arc<str>>,
    /// Only looked up, never walked.
    numbers: HashMap<Arc<str>, u32>,
}

impl Symbols {
    pub fn text(&self, symbol: u32) -> &str {
        &self.texts[symbol as usize]
    }

    fn enter(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        let number = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    pub fn pack(&mut self, props: &BTreeMap<String, Prop>) -> Option<Box<[(u32, Packed)]>> {
        if props.is_empty() {
            return None;
        }
        let packed = props.iter().map(|(key, prop)| {
            let value = match prop {
                Prop::YesNo(b) => Packed::YesNo(*b),
                Prop::Number(n) => Packed::Number(*n),
                Prop::Money(m) => Packed::Money(*m),
                Prop::Text(text) => Packed::Text(self.enter(text)),
            };
            (self.enter(key), value)
        });
        Some(packed.collect())
    }

    pub fn unpack(&self, posting: &Posting) -> BTreeMap<String, Prop> {
        let one = |(key, value): &(u32, Packed)| {
            let prop = match value {
                Packed::YesNo(b) => Prop::YesNo(*b),
                Packed::Number(n) => Prop::Number(*n),
                Packed::Money(m) => Prop::Money(*m),
                Packed::Text(symbol) => Prop::Text(self.text(*symbol).to_owned()),
            };
            (self.text(*key).to_owned(), prop)
        };
        posting
            .props
            .iter()
            .flat_map(|props| props.iter())
            .map(one)
            .collect()
    }

    pub fn seen(&self, value: &Packed) -> Seen<'_> {
        match value {
            Packed::YesNo(b) => Seen::YesNo(*b),
            Packed::Number(n) => Seen::Number(*n),
            Packed::Money(m) => Seen::Money(*m),
            Packed::Text(symbol) => Seen::Text(self.text(*symbol)),
        }
    }

    /// The number of a text; `None` if it was never seen.
    pub fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// Whether one posting passes each test of its properties.
    pub fn pass(&self, props: &[PropMatch], posting: &Posting) -> bool {
        props.iter().all(|p| {
            let value = self.number(&p.key).and_then(|key| posting.prop(key));
            value.is_some_and(|value| test_holds(&p.test, &self.seen(&value)))
        })
    }

    /// Property tests, to be asked of many postings.
    pub fn tests(&self, props: &[PropMatch]) -> PropTests<'_> {
        let one = |p: &PropMatch| PropTest {
            key: self.number(&p.key),
            test: folded(&p.test),
            texts: RefCell::default(),
        };
        PropTests {
            symbols: self,
            tests: props.iter().map(one).collect(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len() + 16).sum::<usize>()
            + self.texts.capacity() * 16
            + self.numbers.capacity() * 25
    }
}

/// Tests of the properties of events. What was found of a text is remembered: texts repeat.
pub(super) struct PropTests<'a> {
    symbols: &'a Symbols,
    tests: Vec<PropTest>,
}

struct PropTest {
    /// `None`: a key never seen, which matches nothing.
    key: Option<u32>,
    test: Test,
    /// By symbol.
    texts: RefCell<Vec<Asked>>,
}

/// Whether a text passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Not,
    Passes,
    Fails,
}

impl PropTests<'_> {
    /// Whether a posting passes each test. A missing property passes none.
    pub fn pass(&self, posting: &Posting) -> bool {
        self.tests.iter().all(|test| {
            let value = test.key.and_then(|key| posting.prop(key));
            value.is_some_and(|value| match value {
                Packed::Text(symbol) => self.text_passes(test, symbol),
                other => test_holds(&test.test, &self.symbols.seen(&other)),
            })
        })
    }

    fn text_passes(&self, test: &PropTest, symbol: u32) -> bool {
        let mut texts = test.texts.borrow_mut();
        if texts.is_empty() {
            texts.resize(self.symbols.texts.len(), Asked::Not);
        }
        let asked = &mut texts[symbol as usize];
        if *asked == Asked::Not {
            let passes = test_holds(&test.test, &Seen::Text(self.symbols.text(symbol)));
            *asked = if passes { Asked::Passes } else { Asked::Fails };
        }
        *asked == Asked::Passes
    }
}
