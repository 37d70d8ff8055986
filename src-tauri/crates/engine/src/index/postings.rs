//! Events of one name, or messages of one template, by contact and time.
//!
//! A workspace has tens of millions of them, so each costs little: eight bytes for contact and moment, four or eight for
//! its number, and its properties packed ([`super::packed`]). A scan that asks only for moments reads eight bytes each.

use super::packed::{Packed, Props};
use carillon_model::Moment;
use std::collections::BTreeMap;

/// Contacts a page holds together: an insertion moves at most their postings.
const PAGE: u32 = 256;
/// Bits of a key below those of the contact.
const TIME_BITS: u32 = 56;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// Makes milliseconds since 1970 positive; all moments there can be (262,000 years to both sides) fit.
const ORIGIN: i64 = 1 << (TIME_BITS - 1);

/// One event or message, as it is put in. What no clause can ask (source, arrival) is not kept.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub contact: u32,
    pub at: Moment,
    pub id: i64,
    /// As [`super::packed::Symbols::pack`] makes them.
    pub props: Vec<u8>,
}

/// Postings of some neighbouring contacts, sorted by contact, moment and number.
#[derive(Clone, Debug, Default)]
struct Page {
    /// The contact's place in the page and the moment.
    keys: Vec<u64>,
    ids: Ids,
    /// Where each posting's properties end in `packed`, and the next one's begin; empty where none has any.
    ends: Vec<u32>,
    packed: Vec<u8>,
}

/// Numbers of events, which are rows of a table: hardly ever more than four bytes.
#[derive(Clone, Debug)]
enum Ids {
    Narrow(Vec<u32>),
    Wide(Vec<i64>),
}

impl Default for Ids {
    fn default() -> Self {
        Ids::Narrow(Vec::new())
    }
}

impl Ids {
    fn get(&self, place: usize) -> i64 {
        match self {
            Ids::Narrow(ids) => i64::from(ids[place]),
            Ids::Wide(ids) => ids[place],
        }
    }

    fn insert(&mut self, place: usize, id: i64) {
        if let (Ids::Narrow(ids), Err(_)) = (&*self, u32::try_from(id)) {
            *self = Ids::Wide(ids.iter().copied().map(i64::from).collect());
        }
        match self {
            Ids::Narrow(ids) => ids.insert(place, id as u32),
            Ids::Wide(ids) => ids.insert(place, id),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Ids::Narrow(ids) => ids.capacity() * size_of::<u32>(),
            Ids::Wide(ids) => ids.capacity() * size_of::<i64>(),
        }
    }

    fn shrink(&mut self) {
        match self {
            Ids::Narrow(ids) => ids.shrink_to_fit(),
            Ids::Wide(ids) => ids.shrink_to_fit(),
        }
    }
}

fn key(contact: u32, at: Moment) -> u64 {
    key_at(contact, at.timestamp_millis())
}

/// `millis` since 1970.
fn key_at(contact: u32, millis: i64) -> u64 {
    let time = millis.wrapping_add(ORIGIN) as u64 & TIME_MASK;
    u64::from(contact % PAGE) << TIME_BITS | time
}

impl Page {
    fn sort_key(&self, place: usize) -> (u64, i64) {
        (self.keys[place], self.ids.get(place))
    }

    fn props(&self, place: usize) -> &[u8] {
        let Some(end) = self.ends.get(place) else {
            return &[];
        };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.packed[start as usize..*end as usize]
    }

    fn insert(&mut self, place: usize, key: u64, id: i64, props: &[u8]) {
        self.keys.insert(place, key);
        self.ids.insert(place, id);
        if self.ends.is_empty() {
            if props.is_empty() {
                return;
            }
            self.ends = vec![0; self.keys.len() - 1];
        }
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.packed
            .splice(start as usize..start as usize, props.iter().copied());
        self.ends.insert(place, start);
        let more = props.len() as u32;
        self.ends[place..].iter_mut().for_each(|end| *end += more);
    }

    fn push(&mut self, key: u64, id: i64, props: &[u8]) {
        if self.ends.is_empty() && !props.is_empty() {
            self.ends = vec![0; self.keys.len()];
        }
        if !(self.ends.is_empty() && props.is_empty()) {
            self.packed.extend_from_slice(props);
            self.ends.push(self.packed.len() as u32);
        }
        self.ids.insert(self.keys.len(), id);
        self.keys.push(key);
    }

    /// Those at these places, in this order, in no more memory than they need.
    fn only(&self, places: impl Iterator<Item = usize>) -> Page {
        let mut page = Page::default();
        for place in places {
            page.push(self.keys[place], self.ids.get(place), self.props(place));
        }
        page.shrink();
        page
    }

    fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.ids.shrink();
        self.ends.shrink_to_fit();
        self.packed.shrink_to_fit();
    }

    /// Whether they stand in order, and none twice.
    fn is_settled(&self) -> bool {
        (1..self.keys.len()).all(|place| self.sort_key(place - 1) < self.sort_key(place))
    }

    /// The first place whose key is not below this.
    fn first(&self, key: u64) -> usize {
        self.keys.partition_point(|k| *k < key)
    }

    fn heap_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>()
            + self.ids.heap_bytes()
            + self.ends.capacity() * size_of::<u32>()
            + self.packed.capacity()
            + size_of::<Page>()
            + 16
    }
}

/// One event or message, as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting<'p> {
    page: &'p Page,
    place: usize,
}

impl<'p> Posting<'p> {
    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        (self.page.keys[self.place] & TIME_MASK) as i64 - ORIGIN
    }

    pub fn at(&self) -> Moment {
        Moment::from_timestamp_millis(self.millis()).unwrap_or_default()
    }

    pub fn id(&self) -> i64 {
        self.page.ids.get(self.place)
    }

    pub fn props(&self) -> Props<'p> {
        Props(self.page.props(self.place))
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
    from: usize,
    to: usize,
    pub contact: u32,
}

impl<'p> Run<'p> {
    /// The latest one.
    pub fn last(&self) -> Option<Posting<'p>> {
        let page = self.page;
        let place = self.to.checked_sub(1).filter(|place| *place >= self.from)?;
        Some(Posting { page, place })
    }

    pub fn iter(&self) -> impl Iterator<Item = Posting<'p>> + use<'p> {
        let page = self.page;
        (self.from..self.to).map(move |place| Posting { page, place })
    }
}

/// Those of a page, contact by contact.
fn runs(number: u32, page: &Page) -> impl Iterator<Item = Run<'_>> {
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
            page.insert(place, wanted.0, new.id, &new.props);
        }
    }

    /// Puts one in without looking where: [`Postings::settle`] sorts them before anybody reads.
    pub fn add(&mut self, new: &New) {
        let page = self.pages.entry(new.contact / PAGE).or_default();
        page.push(key(new.contact, new.at), new.id, &new.props);
    }

    /// As [`Postings::add`] of the moment `millis` milliseconds since 1970.
    pub fn add_packed(&mut self, contact: u32, millis: i64, id: i64, props: &[u8]) {
        let page = self.pages.entry(contact / PAGE).or_default();
        page.push(key_at(contact, millis), id, props);
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
            *page = page.only(places.into_iter());
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
        let rest = page.only((0..page.keys.len()).filter(kept));
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
        static NONE: Page = Page {
            keys: Vec::new(),
            ids: Ids::Narrow(Vec::new()),
            ends: Vec::new(),
            packed: Vec::new(),
        };
        let page = self.pages.get(&(contact / PAGE)).unwrap_or(&NONE);
        let place = u64::from(contact % PAGE);
        Run {
            page,
            from: page.first(place << TIME_BITS),
            to: page.keys.partition_point(|key| key >> TIME_BITS <= place),
            contact,
        }
    }

    /// All of them, contact by contact in order.
    pub fn by_contact(&self) -> impl Iterator<Item = Run<'_>> {
        self.pages.iter().flat_map(|(number, page)| runs(*number, page))
    }

    /// How many from the first millisecond since 1970 on and before the second pass, of each contact of a page, page by page in
    /// order: the first contact, and the numbers from it on. One pass without a branch a contact, for very many of them.
    pub fn numbers(
        &self,
        [from, before]: [i64; 2],
        passes: impl Fn(Props<'_>) -> bool,
        mut each: impl FnMut(u32, &[u32; PAGE as usize]),
    ) {
        let time = |millis: i64| millis.saturating_add(ORIGIN).clamp(0, TIME_MASK as i64) as u64;
        let (from, before) = (time(from), time(before));
        for (number, page) in &self.pages {
            let mut numbers = [0u32; PAGE as usize];
            for (place, key) in page.keys.iter().enumerate() {
                let at = key & TIME_MASK;
                if from <= at && at < before && passes(Props(page.props(place))) {
                    let n = &mut numbers[(key >> TIME_BITS) as usize];
                    *n = n.saturating_add(1);
                }
            }
            each(number * PAGE, &numbers);
        }
    }

    /// The pages there are, in order: those of one number hold the same contacts in all postings.
    pub fn pages(&self) -> impl Iterator<Item = u32> {
        self.pages.keys().copied()
    }

    /// Those of a page, contact by contact in order.
    pub fn in_page(&self, number: u32) -> impl Iterator<Item = Run<'_>> {
        let page = self.pages.get(&number);
        page.into_iter().flat_map(move |page| runs(number, page))
    }

    pub fn heap_bytes(&self) -> usize {
        self.pages.values().map(Page::heap_bytes).sum()
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
        let props = prop::collection::vec(any::<u8>(), 0..4);
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

    #[test]
    fn an_event_without_properties_takes_twelve_bytes_and_little_more() {
        let mut postings = Postings::default();
        let events = 100_000;
        for n in 0..events {
            let at = Moment::from_timestamp_millis(i64::from(n) * 1_000).unwrap_or_default();
            postings.add(&New {
                contact: n % 10_000,
                at,
                id: i64::from(n),
                props: Vec::new(),
            });
        }
        postings.settle(true);
        let each = postings.heap_bytes() as f64 / f64::from(events);
        assert!((12.0..12.2).contains(&each), "{each}");
    }
}
