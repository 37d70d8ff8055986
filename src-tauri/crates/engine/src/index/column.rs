//! One field of all contacts, in columns of natural width.

mod chunk;

pub use chunk::ColumnChunk;

use crate::segment::Seen;
use carillon_model::Moment;
use carillon_model::contact::{Money, Value};
use carillon_model::segment::Compare;
use chrono::NaiveDate;
use hashbrown::HashTable;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

const PAGE: u32 = 4_096;

/// Values by contact in pages, so that far numbers cost no memory between them.
#[derive(Clone, Debug)]
pub(super) struct Paged<T> {
    /// By their numbers, in order.
    pages: Vec<(u32, Box<[T]>)>,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Paged { pages: Vec::new() }
    }
}

impl<T: Copy> Paged<T> {
    pub fn get(&self, id: u32) -> Option<T> {
        let found = self.find(id / PAGE).ok()?;
        Some(self.pages[found].1[(id % PAGE) as usize])
    }

    /// The place of `id`; a new page is filled with `fill`.
    pub fn place(&mut self, id: u32, fill: T) -> &mut T {
        let found = self.find(id / PAGE).unwrap_or_else(|place| {
            self.pages
                .insert(place, (id / PAGE, vec![fill; PAGE as usize].into()));
            place
        });
        &mut self.pages[found].1[(id % PAGE) as usize]
    }

    /// Where a page is, or where it would be. New contacts have the last one, and without gaps each is at its number.
    fn find(&self, number: u32) -> Result<usize, usize> {
        let guess = (number as usize).min(self.pages.len().saturating_sub(1));
        match self.pages.get(guess) {
            Some((there, _)) if *there == number => Ok(guess),
            _ => self.pages.binary_search_by_key(&number, |(there, _)| *there),
        }
    }

    /// Those of `ids` (which all have a page) whose value passes. Of a page with many of them all places are asked, in
    /// their order: what stands where nobody is passes or not, and counts for nothing.
    fn keep(&self, ids: &RoaringBitmap, passes: impl Fn(u32, T) -> bool) -> RoaringBitmap {
        let mut kept = Bits::default();
        for (number, page) in &self.pages {
            let first = number * PAGE;
            let range = first..=first + (PAGE - 1);
            let n = ids.range_cardinality(range.clone());
            if n > u64::from(PAGE / 4) {
                let ids = (first..).step_by(8);
                let eights = ids.zip(page.as_chunks::<8>().0);
                kept.put_bytes(
                    first,
                    eights.map(|(first, eight)| eight_bits(|bit| passes(first + bit as u32, eight[bit]))),
                );
            } else if n > 0 {
                for id in ids.range(range) {
                    if passes(id, page[(id - first) as usize]) {
                        kept.put(id);
                    }
                }
            }
        }
        kept.bitmap() & ids
    }

    fn heap_bytes(&self) -> usize {
        self.pages.len() * (PAGE as usize * size_of::<T>() + 32)
    }
}

impl Paged<u32> {
    /// Each contact whose value passes, which 0 does not.
    fn all(&self, passes: impl Fn(u32) -> bool) -> RoaringBitmap {
        let mut kept = Bits::default();
        for (number, page) in &self.pages {
            let eights = page.as_chunks().0.iter();
            kept.put_bytes(
                number * PAGE,
                eights.map(|eight: &[u32; 8]| eight_bits(|bit| passes(eight[bit]))),
            );
        }
        kept.bitmap()
    }

    /// Each contact whose value is not 0, in order.
    pub fn filled(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.pages.iter().flat_map(|(number, page)| {
            let values = page.iter().enumerate().filter(|(_, v)| **v != 0);
            values.map(move |(i, v)| (number * PAGE + i as u32, *v))
        })
    }
}

/// Eight answers as the bits of a byte, the first one the lowest. They are asked without a branch between them, which leaves the
/// asking to vectors, and moved by one multiplication: answer `i`, at bit 8 i, times 2 to the 7 (8 - i) is at bit 56 + i.
pub(super) fn eight_bits(is: impl Fn(usize) -> bool) -> u8 {
    let bytes: [u8; 8] = std::array::from_fn(|bit| u8::from(is(bit)));
    (u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// A bitmap of ascending ids.
pub(super) fn sorted(ids: impl IntoIterator<Item = u32>) -> RoaringBitmap {
    let mut bits = Bits::default();
    for id in ids {
        bits.put(id);
    }
    bits.bitmap()
}

/// A bitmap in the making, from the lowest ids to the highest. They are set in a block that becomes a container at once:
/// a container that grows id by id is searched and moved for each.
#[derive(Default)]
pub(super) struct Bits {
    done: RoaringBitmap,
    number: u32,
    block: Vec<u8>,
}

impl Bits {
    /// Ids a container of a roaring bitmap holds.
    const BLOCK: u32 = 65_536;

    fn put(&mut self, id: u32) {
        self.byte(id, 1 << (id % 8));
    }

    /// Sets eight ids for each byte, from `first` on, a multiple of 8; all of them in one block.
    pub fn put_bytes(&mut self, first: u32, bytes: impl Iterator<Item = u8>) {
        let places = self
            .block_of(first)
            .iter_mut()
            .skip((first % Self::BLOCK) as usize / 8);
        places.zip(bytes).for_each(|(place, byte)| *place |= byte);
    }

    fn byte(&mut self, id: u32, bits: u8) {
        self.block_of(id)[(id % Self::BLOCK) as usize / 8] |= bits;
    }

    /// The block that an id lies in; the one before it is done.
    fn block_of(&mut self, id: u32) -> &mut [u8] {
        if self.block.is_empty() || self.number != id / Self::BLOCK {
            self.flush();
            self.block.resize(Self::BLOCK as usize / 8, 0);
            self.number = id / Self::BLOCK;
        }
        &mut self.block
    }

    fn flush(&mut self) {
        if !self.block.is_empty() {
            self.done |= RoaringBitmap::from_lsb0_bytes(self.number * Self::BLOCK, &self.block);
            self.block.fill(0);
        }
    }

    pub fn bitmap(mut self) -> RoaringBitmap {
        self.flush();
        self.done
    }
}

/// Text by contact: a code into a dictionary, 0 for none.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    codes: Paged<u32>,
    /// Entry `code - 1` with how many contacts have it; entries nobody has are in `free`.
    entries: Vec<(Arc<str>, u32)>,
    free: Vec<u32>,
    /// Codes by the hash of their texts, which is kept beside each: a table that grows reads no text.
    by_text: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl Words {
    fn get(&self, id: u32) -> Option<&str> {
        let code = self.codes.get(id).filter(|code| *code != 0)?;
        Some(&self.entries[code as usize - 1].0)
    }

    fn set(&mut self, id: u32, text: &str) {
        let code = self.code_of(text);
        self.put(id, code);
    }

    /// The code of a text, a new one if nobody has it.
    fn code_of(&mut self, text: &str) -> u32 {
        let hash = self.hash(text);
        let is_it = |code: u32| *self.entries[code as usize - 1].0 == *text;
        match self
            .by_text
            .find(spread(hash), |known| known.0 == hash && is_it(known.1))
        {
            Some((_, code)) => *code,
            None => self.enter(text, hash),
        }
    }

    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }

    fn put(&mut self, id: u32, code: u32) {
        // Counted first: the code that is put may be the one that is taken away, and must not be given back between.
        self.entries[code as usize - 1].1 += 1;
        self.clear(id);
        *self.codes.place(id, 0) = code;
    }

    fn enter(&mut self, text: &str, hash: u32) -> u32 {
        let code = match self.free.pop() {
            Some(code) => {
                self.entries[code as usize - 1] = (text.into(), 0);
                code
            }
            None => {
                self.entries.push((text.into(), 0));
                self.entries.len() as u32
            }
        };
        self.by_text
            .insert_unique(spread(hash), (hash, code), |known| spread(known.0));
        code
    }

    fn clear(&mut self, id: u32) {
        let Some(code) = self.codes.get(id).filter(|code| *code != 0) else {
            return;
        };
        *self.codes.place(id, 0) = 0;
        let entry = &mut self.entries[code as usize - 1];
        entry.1 -= 1;
        if entry.1 == 0 {
            let text = std::mem::replace(&mut entry.0, "".into());
            let hash = self.hash(&text);
            if let Ok(known) = self.by_text.find_entry(spread(hash), |known| known.1 == code) {
                known.remove();
            }
            self.free.push(code);
        }
    }

    /// What `of` makes of each entry, by code; entry 0 stands for no text.
    pub fn per_code<T>(&self, none: T, of: impl Fn(&str) -> T) -> Vec<T> {
        std::iter::once(none)
            .chain(self.entries.iter().map(|(text, _)| of(text)))
            .collect()
    }

    pub fn code(&self, id: u32) -> usize {
        self.codes.get(id).unwrap_or(0) as usize
    }

    fn heap_bytes(&self) -> usize {
        let texts: usize = self.entries.iter().map(|(text, _)| text.len() + 16).sum();
        self.codes.heap_bytes()
            + texts
            + self.entries.capacity() * 24
            + self.by_text.capacity() * 9
            + self.free.capacity() * 4
    }
}

fn take_off(options: &mut BTreeMap<String, RoaringBitmap>, id: u32) {
    options.retain(|_, has| !has.remove(id) || !has.is_empty());
}

/// A hash as a table wants it: told apart by its highest and by its lowest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Values of one width with who has one.
#[derive(Clone, Debug)]
pub(super) struct Dense<T> {
    present: RoaringBitmap,
    values: Paged<T>,
}

impl<T: Copy> Dense<T> {
    fn new() -> Dense<T> {
        Dense {
            present: RoaringBitmap::new(),
            values: Paged::default(),
        }
    }

    fn get(&self, id: u32) -> Option<T> {
        if self.present.contains(id) {
            self.values.get(id)
        } else {
            None
        }
    }

    fn set(&mut self, id: u32, value: T) {
        self.present.insert(id);
        *self.values.place(id, value) = value;
    }
}

impl Dense<f64> {
    fn comparing(&self, compare: &Compare<f64>) -> RoaringBitmap {
        let (values, present) = (&self.values, &self.present);
        match *compare {
            Compare::Eq(to) => values.keep(present, |_, n| n == to),
            Compare::Ne(to) => values.keep(present, |_, n| n != to),
            Compare::Lt(to) => values.keep(present, |_, n| n < to),
            Compare::Le(to) => values.keep(present, |_, n| n <= to),
            Compare::Gt(to) => values.keep(present, |_, n| n > to),
            Compare::Ge(to) => values.keep(present, |_, n| n >= to),
            Compare::Between(low, high) => values.keep(present, |_, n| low <= n && n <= high),
            Compare::NotBetween(low, high) => values.keep(present, |_, n| n < low || high < n),
        }
    }
}

/// The values of one type.
#[derive(Clone, Debug)]
enum Store {
    Text(Words),
    Choice(Words),
    Number(Dense<f64>),
    Money(Dense<Money>),
    YesNo {
        present: RoaringBitmap,
        yes: RoaringBitmap,
    },
    Multi {
        present: RoaringBitmap,
        options: BTreeMap<String, RoaringBitmap>,
    },
    Date(Dense<NaiveDate>),
    Moment(Dense<Moment>),
}

/// One field. All its values have one type in practice; a second type gets a store of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    stores: Vec<Store>,
}

impl Column {
    pub fn get(&self, id: u32) -> Option<Seen<'_>> {
        self.stores.iter().find_map(|store| store.get(id))
    }

    pub fn set(&mut self, id: u32, value: Option<&Value>) {
        let mut taken = false;
        for store in &mut self.stores {
            match value {
                Some(value) if !taken && store.put(id, value) => taken = true,
                _ => store.clear(id),
            }
        }
        if let Some(value) = value
            && !taken
        {
            let mut store = Store::of(value);
            store.put(id, value);
            self.stores.push(store);
        }
    }

    /// Who has a value.
    pub fn present(&self) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        for store in &self.stores {
            out |= store.present();
        }
        out
    }

    /// The dictionary of its texts.
    pub fn words(&self) -> Option<&Words> {
        self.stores.iter().find_map(|store| match store {
            Store::Text(words) => Some(words),
            _ => None,
        })
    }

    /// Contacts whose value passes. Each distinct text is asked once.
    pub fn passing(&self, test: impl Fn(u32, &Seen<'_>) -> bool) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        for store in &self.stores {
            out |= store.passing(&test);
        }
        out
    }

    /// Contacts whose number compares so: each comparison is a loop of its own over the values, as [`Column::passing`] with
    /// the same test would say.
    pub fn comparing(&self, compare: &Compare<f64>) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        for store in &self.stores {
            if let Store::Number(dense) = store {
                out |= dense.comparing(compare);
            }
        }
        out
    }

    pub fn heap_bytes(&self) -> usize {
        self.stores.iter().map(Store::heap_bytes).sum()
    }
}

impl Store {
    fn of(value: &Value) -> Store {
        let empty = RoaringBitmap::new;
        match value {
            Value::Text(_) => Store::Text(Words::default()),
            Value::Choice(_) => Store::Choice(Words::default()),
            Value::Number(_) => Store::Number(Dense::new()),
            Value::Money(_) => Store::Money(Dense::new()),
            Value::YesNo(_) => Store::YesNo {
                present: empty(),
                yes: empty(),
            },
            Value::MultiChoice(_) => Store::Multi {
                present: empty(),
                options: BTreeMap::new(),
            },
            Value::Date(_) => Store::Date(Dense::new()),
            Value::DateTime(_) => Store::Moment(Dense::new()),
        }
    }

    fn get(&self, id: u32) -> Option<Seen<'_>> {
        match self {
            Store::Text(words) => words.get(id).map(Seen::Text),
            Store::Choice(words) => words.get(id).map(Seen::Choice),
            Store::Number(dense) => dense.get(id).map(Seen::Number),
            Store::Money(dense) => dense.get(id).map(Seen::Money),
            Store::YesNo { present, yes } => present.contains(id).then(|| Seen::YesNo(yes.contains(id))),
            Store::Multi { present, options } => present.contains(id).then(|| {
                let chosen = options
                    .iter()
                    .filter(|(_, has)| has.contains(id))
                    .map(|(option, _)| option.clone());
                Seen::MultiChoice(Cow::Owned(chosen.collect::<BTreeSet<_>>()))
            }),
            Store::Date(dense) => dense.get(id).map(Seen::Date),
            Store::Moment(dense) => dense.get(id).map(Seen::DateTime),
        }
    }

    /// Takes a value of its own type, in place of another one that was there.
    fn put(&mut self, id: u32, value: &Value) -> bool {
        match (self, value) {
            (Store::Text(words), Value::Text(text)) | (Store::Choice(words), Value::Choice(text)) => {
                words.set(id, text)
            }
            (Store::Number(dense), Value::Number(n)) => dense.set(id, *n),
            (Store::Money(dense), Value::Money(m)) => dense.set(id, *m),
            (Store::YesNo { present, yes }, Value::YesNo(b)) => {
                present.insert(id);
                if *b {
                    yes.insert(id)
                } else {
                    yes.remove(id)
                };
            }
            (Store::Multi { present, options }, Value::MultiChoice(set)) => {
                if !present.insert(id) {
                    take_off(options, id);
                }
                for option in set {
                    options.entry(option.clone()).or_default().insert(id);
                }
            }
            (Store::Date(dense), Value::Date(d)) => dense.set(id, *d),
            (Store::Moment(dense), Value::DateTime(m)) => dense.set(id, *m),
            _ => return false,
        }
        true
    }

    fn clear(&mut self, id: u32) {
        match self {
            Store::Text(words) | Store::Choice(words) => words.clear(id),
            Store::Number(dense) => drop(dense.present.remove(id)),
            Store::Money(dense) => drop(dense.present.remove(id)),
            Store::YesNo { present, .. } => drop(present.remove(id)),
            Store::Multi { present, options } => {
                if present.remove(id) {
                    take_off(options, id);
                }
            }
            Store::Date(dense) => drop(dense.present.remove(id)),
            Store::Moment(dense) => drop(dense.present.remove(id)),
        }
    }

    fn passing(&self, test: &impl Fn(u32, &Seen<'_>) -> bool) -> RoaringBitmap {
        match self {
            Store::Text(words) => words_passing(words, |text| test(0, &Seen::Text(text))),
            Store::Choice(words) => words_passing(words, |text| test(0, &Seen::Choice(text))),
            Store::Number(dense) => dense
                .values
                .keep(&dense.present, |id, n| test(id, &Seen::Number(n))),
            Store::Money(dense) => dense
                .values
                .keep(&dense.present, |id, m| test(id, &Seen::Money(m))),
            Store::YesNo { present, yes } => {
                let mut out = RoaringBitmap::new();
                if test(0, &Seen::YesNo(true)) {
                    out |= present & yes;
                }
                if test(0, &Seen::YesNo(false)) {
                    out |= present - yes;
                }
                out
            }
            Store::Multi { present, .. } => sorted(
                present
                    .iter()
                    .filter(|id| self.get(*id).is_some_and(|s| test(*id, &s))),
            ),
            Store::Date(dense) => dense
                .values
                .keep(&dense.present, |id, d| test(id, &Seen::Date(d))),
            Store::Moment(dense) => dense
                .values
                .keep(&dense.present, |id, m| test(id, &Seen::DateTime(m))),
        }
    }

    fn present(&self) -> RoaringBitmap {
        match self {
            Store::Text(words) | Store::Choice(words) => sorted(words.codes.filled().map(|(id, _)| id)),
            Store::Number(dense) => dense.present.clone(),
            Store::Money(dense) => dense.present.clone(),
            Store::YesNo { present, .. } | Store::Multi { present, .. } => present.clone(),
            Store::Date(dense) => dense.present.clone(),
            Store::Moment(dense) => dense.present.clone(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Store::Text(words) | Store::Choice(words) => words.heap_bytes(),
            Store::Number(dense) => dense.present.serialized_size() + dense.values.heap_bytes(),
            Store::Money(dense) => dense.present.serialized_size() + dense.values.heap_bytes(),
            Store::YesNo { present, yes } => present.serialized_size() + yes.serialized_size(),
            Store::Multi { present, options } => {
                let of: usize = options
                    .iter()
                    .map(|(name, has)| name.len() + 72 + has.serialized_size())
                    .sum();
                present.serialized_size() + of
            }
            Store::Date(dense) => dense.present.serialized_size() + dense.values.heap_bytes(),
            Store::Moment(dense) => dense.present.serialized_size() + dense.values.heap_bytes(),
        }
    }
}

fn words_passing(words: &Words, test: impl Fn(&str) -> bool) -> RoaringBitmap {
    let passes = words.per_code(false, test);
    let mut passing = (0..)
        .zip(&passes)
        .filter(|(_, passes)| **passes)
        .map(|(code, _)| code);
    match (passing.next(), passing.next()) {
        (None, _) => RoaringBitmap::new(),
        (Some(only), None) => words.codes.all(|code| code == only),
        _ => words.codes.all(|code| passes[code as usize]),
    }
}
