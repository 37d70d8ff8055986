//! Postings of some neighbouring contacts.

use super::passing::Passing;
use super::sets::{Entered, Sets};
use crate::index::packed::Props;
use carillon_model::Moment;

/// Contacts a page holds together: an insertion moves at most their postings.
pub(super) const PAGE: u32 = 256;
/// Bits of a key below those of the contact.
pub(super) const TIME_BITS: u32 = 56;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// Makes milliseconds since 1970 positive; all moments there can be (262,000 years to both sides) fit.
const ORIGIN: i64 = 1 << (TIME_BITS - 1);

/// Sorted by contact, moment and number.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The contact's place in the page and the moment.
    pub keys: Vec<u64>,
    ids: Ids,
    given: Given,
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

/// Properties of the postings of a page.
#[derive(Clone, Debug)]
enum Given {
    /// By their numbers; empty where none has any.
    Shared(Vec<u16>),
    /// Where each posting's end in `packed`, and the next one's begin.
    Own { ends: Vec<u32>, packed: Vec<u8> },
}

impl Default for Given {
    fn default() -> Self {
        Given::Shared(Vec::new())
    }
}

impl Given {
    #[inline]
    fn of(&self, place: usize) -> Entered<'_> {
        match self {
            Given::Shared(numbers) => Entered::Shared(numbers.get(place).copied().unwrap_or_default()),
            Given::Own { ends, packed } => Entered::Own(own(ends, packed, place)),
        }
    }

    /// Puts in those of a posting at its place among so many.
    fn insert(&mut self, place: usize, among: usize, props: Entered<'_>, sets: &Sets) {
        match (&mut *self, props) {
            (Given::Shared(numbers), Entered::Shared(number)) => {
                if numbers.is_empty() {
                    if number == 0 {
                        return;
                    }
                    numbers.resize(among, 0);
                }
                numbers.insert(place, number);
            }
            (Given::Shared(_), Entered::Own(_)) => {
                let mut own = Given::Own {
                    ends: Vec::new(),
                    packed: Vec::new(),
                };
                (0..among).for_each(|place| own.insert(place, place, self.of(place), sets));
                own.insert(place, among, props, sets);
                *self = own;
            }
            (Given::Own { ends, packed }, props) => {
                let props = props.bytes(sets);
                if place == ends.len() {
                    packed.extend_from_slice(props);
                    return ends.push(packed.len() as u32);
                }
                let start = place.checked_sub(1).map_or(0, |before| ends[before]);
                packed.splice(start as usize..start as usize, props.iter().copied());
                ends.insert(place, start);
                let more = props.len() as u32;
                ends[place..].iter_mut().for_each(|end| *end += more);
            }
        }
    }

    /// Those at these places, in this order.
    fn only(&self, places: &[usize]) -> Given {
        match self {
            Given::Shared(numbers) if numbers.is_empty() => Given::default(),
            Given::Shared(numbers) => Given::Shared(places.iter().map(|place| numbers[*place]).collect()),
            Given::Own { ends, packed } => {
                let (mut some_ends, mut some) = (Vec::with_capacity(places.len()), Vec::new());
                for place in places {
                    some.extend_from_slice(own(ends, packed, *place));
                    some_ends.push(some.len() as u32);
                }
                Given::Own {
                    ends: some_ends,
                    packed: some,
                }
            }
        }
    }

    fn shrink(&mut self) {
        match self {
            Given::Shared(numbers) => numbers.shrink_to_fit(),
            Given::Own { ends, packed } => {
                ends.shrink_to_fit();
                packed.shrink_to_fit();
            }
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Given::Shared(numbers) => numbers.capacity() * size_of::<u16>(),
            Given::Own { ends, packed } => ends.capacity() * size_of::<u32>() + packed.capacity(),
        }
    }
}

/// Properties that end where `ends` says.
fn own<'p>(ends: &[u32], packed: &'p [u8], place: usize) -> &'p [u8] {
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    &packed[start as usize..ends[place] as usize]
}

pub(super) fn key(contact: u32, at: Moment) -> u64 {
    key_at(contact, at.timestamp_millis())
}

/// `millis` since 1970.
pub(super) fn key_at(contact: u32, millis: i64) -> u64 {
    let time = millis.wrapping_add(ORIGIN) as u64 & TIME_MASK;
    u64::from(contact % PAGE) << TIME_BITS | time
}

/// Milliseconds since 1970 as they stand in a key, as near as they come.
fn time(millis: i64) -> u64 {
    millis.saturating_add(ORIGIN).clamp(0, TIME_MASK as i64) as u64
}

impl Page {
    /// Of a contact who has none.
    pub const NONE: Page = Page {
        keys: Vec::new(),
        ids: Ids::Narrow(Vec::new()),
        given: Given::Shared(Vec::new()),
    };

    pub fn sort_key(&self, place: usize) -> (u64, i64) {
        (self.keys[place], self.ids.get(place))
    }

    /// Milliseconds since 1970.
    #[inline]
    pub fn millis(&self, place: usize) -> i64 {
        (self.keys[place] & TIME_MASK) as i64 - ORIGIN
    }

    pub fn id(&self, place: usize) -> i64 {
        self.ids.get(place)
    }

    #[inline]
    pub fn given(&self, place: usize) -> Entered<'_> {
        self.given.of(place)
    }

    pub fn insert(&mut self, place: usize, key: u64, id: i64, props: Entered<'_>, sets: &Sets) {
        self.given.insert(place, self.keys.len(), props, sets);
        self.keys.insert(place, key);
        self.ids.insert(place, id);
    }

    pub fn push(&mut self, key: u64, id: i64, props: Entered<'_>, sets: &Sets) {
        self.insert(self.keys.len(), key, id, props, sets);
    }

    /// Those at these places, in this order, in no more memory than they need.
    pub fn only(&self, places: &[usize]) -> Page {
        let mut page = Page {
            given: self.given.only(places),
            ..Page::default()
        };
        for place in places {
            page.ids.insert(page.keys.len(), self.ids.get(*place));
            page.keys.push(self.keys[*place]);
        }
        page.shrink();
        page
    }

    pub fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.ids.shrink();
        self.given.shrink();
    }

    /// Whether they stand in order, and none twice.
    pub fn is_settled(&self) -> bool {
        (1..self.keys.len()).all(|place| self.sort_key(place - 1) < self.sort_key(place))
    }

    /// The first place whose key is not below this.
    pub fn first(&self, key: u64) -> usize {
        self.keys.partition_point(|k| *k < key)
    }

    /// How many from the first millisecond since 1970 on and before the second pass, by the contact's place in the page.
    pub fn numbers(&self, [from, before]: [i64; 2], passing: &Passing<'_>) -> [u32; PAGE as usize] {
        let span = [time(from), time(before)];
        match (&self.given, passing.tests()) {
            (_, None) => count(&self.keys, span, |_, inside| inside),
            (Given::Shared(numbers), _) if numbers.is_empty() => {
                let pass = passing.shared(0);
                count(&self.keys, span, |_, inside| inside & pass)
            }
            (Given::Shared(numbers), _) => {
                let numbers = &numbers[..self.keys.len()];
                count(&self.keys, span, |place, inside| {
                    inside & passing.shared(numbers[place])
                })
            }
            (Given::Own { ends, packed }, Some(tests)) => count(&self.keys, span, |place, inside| {
                inside && tests.pass(Props(own(ends, packed, place)))
            }),
        }
    }

    /// Whether any happened at that millisecond since 1970 or later. All are looked at, which vectors do faster than stopping.
    pub fn has_since(&self, millis: i64) -> bool {
        let last = self.keys.iter().map(|key| key & TIME_MASK).max();
        last.is_some_and(|last| last >= time(millis))
    }

    pub fn heap_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>()
            + self.ids.heap_bytes()
            + self.given.heap_bytes()
            + size_of::<Page>()
            + 16
    }
}

/// How many keys of each place in the page pass, told whether they lie in the span. One pass without a branch: of each place the
/// keys stand together, so that a number is written and never read again.
fn count(
    keys: &[u64],
    [from, before]: [u64; 2],
    passes: impl Fn(usize, bool) -> bool,
) -> [u32; PAGE as usize] {
    let mut numbers = [0; PAGE as usize];
    let (mut of, mut n) = (0u8, 0u32);
    for (place, key) in keys.iter().enumerate() {
        let at = key & TIME_MASK;
        let one = u32::from(passes(place, (from <= at) & (at < before)));
        let contact = (key >> TIME_BITS) as u8;
        n = one + if contact == of { n } else { 0 };
        of = contact;
        numbers[usize::from(contact)] = n;
    }
    numbers
}
