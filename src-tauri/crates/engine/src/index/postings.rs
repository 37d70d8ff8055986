//! Events of one name, or messages of one template, by contact and time.
//!
//! A workspace has tens of millions of them, so each costs little: eight bytes for contact and moment, four or eight for
//! its number, and two for its properties where others share them ([`sets`]), which are packed ([`super::packed`]). A scan
//! reads ten bytes each.

mod page;
mod passing;
mod sets;

pub(super) use passing::Passing;
pub(super) use sets::Entered;

use super::packed::{Packed, PropTests, Props};
use carillon_model::Moment;
use page::{PAGE, Page, TIME_BITS, key, key_at};
use sets::Sets;
use std::collections::BTreeMap;

/// One event or message, as it is put in. What no clause can ask (source, arrival) is not kept.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub contact: u32,
    pub at: Moment,
    pub id: i64,
    /// As [`super::packed::Symbols::pack`] makes them.
    pub props: Vec<u8>,
}

/// One event or message, as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting<'p> {
    page: &'p Page,
    sets: &'p Sets,
    place: usize,
}

impl<'p> Posting<'p> {
    /// Milliseconds since 1970.
    #[inline]
    pub fn millis(&self) -> i64 {
        self.page.millis(self.place)
    }

    pub fn at(&self) -> Moment {
        Moment::from_timestamp_millis(self.millis()).unwrap_or_default()
    }

    pub fn id(&self) -> i64 {
        self.page.id(self.place)
    }

    /// Its properties, or their number.
    #[inline]
    pub fn given(&self) -> Entered<'p> {
        self.page.given(self.place)
    }

    pub fn props(&self) -> Props<'p> {
        Props(self.given().bytes(self.sets))
    }

    /// The value of the property whose key has the symbol.
    pub fn prop(&self, key: u32) -> Option<Packed> {
        self.props().of(key)
    }
}

/// Postings of one contact in order of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'p> {
    page: &'p Page,
    sets: &'p Sets,
    from: usize,
    to: usize,
    pub contact: u32,
}

impl<'p> Run<'p> {
    pub fn iter(&self) -> impl Iterator<Item = Posting<'p>> + use<'p> {
        let (page, sets) = (self.page, self.sets);
        (self.from..self.to).map(move |place| Posting { page, sets, place })
    }
}

/// Those of a page, contact by contact.
fn runs<'p>(number: u32, page: &'p Page, sets: &'p Sets) -> impl Iterator<Item = Run<'p>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = page.keys.get(from)? >> TIME_BITS;
        let same = page.keys[from..]
            .iter()
            .take_while(|key| **key >> TIME_BITS == place);
        let to = from + same.count();
        let contact = number * PAGE + place as u32;
        let run = Run {
            page,
            sets,
            from,
            to,
            contact,
        };
        from = to;
        Some(run)
    })
}

/// Pages of postings.
#[derive(Clone, Debug, Default)]
pub(super) struct Postings {
    pages: BTreeMap<u32, Page>,
    /// Of their properties.
    sets: Sets,
}

impl Postings {
    /// Puts one in; with `once`, the same contact, moment and id again is left out.
    pub fn insert(&mut self, new: &New, once: bool) {
        let page = self.pages.entry(new.contact / PAGE).or_default();
        let wanted = (key(new.contact, new.at), new.id);
        let mut place = page.first(wanted.0);
        while place < page.keys.len() && page.sort_key(place) <= wanted {
            place += 1;
        }
        if !(once && place > 0 && page.sort_key(place - 1) == wanted) {
            let props = self.sets.enter(&new.props);
            page.insert(place, wanted.0, new.id, props, &self.sets);
        }
    }

    /// Puts one in without looking where: [`Postings::settle`] sorts them before anybody reads.
    pub fn add(&mut self, new: &New) {
        let page = self.pages.entry(new.contact / PAGE).or_default();
        let props = self.sets.enter(&new.props);
        page.push(key(new.contact, new.at), new.id, props, &self.sets);
    }

    /// Properties as [`Postings::add_entered`] takes them.
    pub fn enter<'p>(&mut self, props: &'p [u8]) -> Entered<'p> {
        self.sets.enter(props)
    }

    /// As [`Postings::add`] of the moment `millis` milliseconds since 1970, with properties that were entered here.
    pub fn add_entered(&mut self, contact: u32, millis: i64, id: i64, props: Entered<'_>) {
        let page = self.pages.entry(contact / PAGE).or_default();
        page.push(key_at(contact, millis), id, props, &self.sets);
    }

    /// Those whose properties pass.
    pub fn passing<'a>(&self, tests: PropTests<'a>) -> Passing<'a> {
        Passing::of(tests, &self.sets)
    }

    /// Sorts what was added; `once` as of [`Postings::insert`].
    pub fn settle(&mut self, once: bool) {
        for page in self.pages.values_mut() {
            if page.is_settled() {
                page.shrink();
                continue;
            }
            let mut places: Vec<usize> = (0..page.keys.len()).collect();
            places.sort_by_key(|place| page.sort_key(*place));
            if once {
                places.dedup_by_key(|place| page.sort_key(*place));
            }
            *page = page.only(&places);
        }
    }

    pub fn remove(&mut self, contact: u32, at: Moment, id: i64) {
        let wanted = (key(contact, at), id);
        self.retain(contact, |page, place| page.sort_key(place) != wanted);
    }

    pub fn remove_contact(&mut self, contact: u32) {
        self.retain(contact, |_, _| false);
    }

    fn retain(&mut self, contact: u32, keep: impl Fn(&Page, usize) -> bool) {
        let run = self.of(contact);
        let (from, to) = (run.from, run.to);
        if from == to {
            return;
        }
        let Some(page) = self.pages.get_mut(&(contact / PAGE)) else {
            return;
        };
        let kept = |place: &usize| !(from..to).contains(place) || keep(page, *place);
        let places: Vec<usize> = (0..page.keys.len()).filter(kept).collect();
        let rest = page.only(&places);
        if rest.keys.is_empty() {
            self.pages.remove(&(contact / PAGE));
        } else {
            *page = rest;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Those of one contact, in order of time.
    pub fn of(&self, contact: u32) -> Run<'_> {
        static NONE: Page = Page::NONE;
        let page = self.pages.get(&(contact / PAGE)).unwrap_or(&NONE);
        let place = u64::from(contact % PAGE);
        Run {
            page,
            sets: &self.sets,
            from: page.first(place << TIME_BITS),
            to: page.keys.partition_point(|key| key >> TIME_BITS <= place),
            contact,
        }
    }

    /// All of them, contact by contact in order.
    pub fn by_contact(&self) -> impl Iterator<Item = Run<'_>> {
        let pages = self.pages.iter();
        pages.flat_map(|(number, page)| runs(*number, page, &self.sets))
    }

    /// How many from the first millisecond since 1970 on and before the second pass, of each contact of a page, page by page in
    /// order: the first contact, and the numbers from it on.
    pub fn numbers(
        &self,
        span: [i64; 2],
        passing: &Passing<'_>,
        mut each: impl FnMut(u32, &[u32; PAGE as usize]),
    ) {
        for (number, page) in &self.pages {
            each(number * PAGE, &page.numbers(span, passing));
        }
    }

    /// Whether any happened at that millisecond since 1970 or later.
    pub fn has_since(&self, millis: i64) -> bool {
        self.pages.values().any(|page| page.has_since(millis))
    }

    /// The pages there are, in order: those of one number hold the same contacts in all postings.
    pub fn pages(&self) -> impl Iterator<Item = u32> {
        self.pages.keys().copied()
    }

    /// Those of a page, contact by contact in order.
    pub fn in_page(&self, number: u32) -> impl Iterator<Item = Run<'_>> {
        let page = self.pages.get(&number);
        page.into_iter()
            .flat_map(move |page| runs(number, page, &self.sets))
    }

    pub fn heap_bytes(&self) -> usize {
        self.pages.values().map(Page::heap_bytes).sum::<usize>() + self.sets.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Model = BTreeMap<(u32, Moment, i64), Vec<u8>>;

    fn all(postings: &Postings) -> Vec<(u32, Moment, i64, Vec<u8>)> {
        let of_run = |run: Run<'_>| {
            let contact = run.contact;
            let each = run
                .iter()
                .map(move |p| (contact, p.at(), p.id(), p.props().0.to_vec()));
            each.collect::<Vec<_>>()
        };
        postings.by_contact().flat_map(of_run).collect()
    }

    fn new() -> impl Strategy<Value = New> {
        let id = prop_oneof![9 => 0i64..4, 1 => prop_oneof![Just(i64::MAX), Just(-1)]];
        // More than numbers are given to in tests, and few enough to come again.
        let props = prop::collection::vec(0u8..3, 0..3);
        (0u32..600, -3i64..3, id, props).prop_map(|(contact, at, id, props)| {
            let at = Moment::from_timestamp_millis(at * 8_000_000_000_000_000 / 3).unwrap_or_default();
            New {
                contact,
                at,
                id,
                props,
            }
        })
    }

    proptest! {
        #[test]
        fn postings_hold_what_a_sorted_map_holds(
            loaded in prop::collection::vec(new(), 0..60),
            steps in prop::collection::vec((0u8..4, new()), 0..60),
        ) {
            let (mut postings, mut model) = (Postings::default(), Model::new());
            for one in &loaded {
                postings.add(one);
                model.entry((one.contact, one.at, one.id)).or_insert(one.props.clone());
            }
            postings.settle(true);
            for (step, one) in &steps {
                match step {
                    0 => {
                        postings.remove(one.contact, one.at, one.id);
                        model.remove(&(one.contact, one.at, one.id));
                    }
                    1 => {
                        postings.remove_contact(one.contact);
                        model.retain(|(contact, ..), _| *contact != one.contact);
                    }
                    _ => {
                        postings.insert(one, true);
                        model.entry((one.contact, one.at, one.id)).or_insert(one.props.clone());
                    }
                }
                let own: Vec<_> = postings.of(one.contact).iter().map(|p| (p.at(), p.id())).collect();
                let expected = model.keys().filter(|key| key.0 == one.contact).map(|key| (key.1, key.2));
                prop_assert_eq!(own, expected.collect::<Vec<_>>());
            }
            let expected = model.into_iter().map(|((contact, at, id), props)| (contact, at, id, props));
            prop_assert_eq!(all(&postings), expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn several_messages_of_one_moment_are_all_kept() {
        let mut postings = Postings::default();
        let one = New {
            contact: 7,
            at: Moment::default(),
            id: 0,
            props: Vec::new(),
        };
        postings.add(&one);
        postings.add(&one);
        postings.settle(false);
        postings.insert(&one, false);
        assert_eq!(postings.of(7).iter().count(), 3);
    }

    /// Bytes for each of a hundred thousand events of ten thousand contacts, with these properties.
    fn bytes_each(props: impl Fn(u32) -> Vec<u8>) -> f64 {
        let mut postings = Postings::default();
        let events = 100_000;
        for n in 0..events {
            let at = Moment::from_timestamp_millis(i64::from(n) * 1_000).unwrap_or_default();
            postings.add(&New {
                contact: n % 10_000,
                at,
                id: i64::from(n),
                props: props(n),
            });
        }
        postings.settle(true);
        postings.heap_bytes() as f64 / f64::from(events)
    }

    #[test]
    fn an_event_takes_twelve_bytes_and_two_more_for_properties_that_others_share() {
        let each = bytes_each(|_| Vec::new());
        assert!((12.0..12.2).contains(&each), "{each}");
        let each = bytes_each(|n| vec![7; 50 + (n % 3) as usize]);
        assert!((14.0..14.2).contains(&each), "{each}");
    }
}
