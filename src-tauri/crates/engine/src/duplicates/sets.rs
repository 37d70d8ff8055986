//! Sets of codes that few records share, found like infrequent sets of items: see [`super::blocks`].

use super::records::{CODES, Ready, Records};
use super::{Kind, MOST_FIELDS};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// Counters for sets of codes. Several sets may share one: then a block is taken for larger than it is, and cut further.
struct Counters(Vec<u8>);

const FULL: u8 = u8::MAX;

impl Counters {
    fn for_sets(sets: usize) -> Counters {
        Counters(vec![0; sets.next_power_of_two().clamp(1 << 12, 1 << 26)])
    }

    fn slot(&self, key: u64) -> usize {
        key as usize & (self.0.len() - 1)
    }

    fn add(&mut self, key: u64) {
        let slot = self.slot(key);
        self.0[slot] = self.0[slot].saturating_add(1);
    }

    fn of(&self, key: u64) -> u8 {
        self.0[self.slot(key)]
    }
}

/// A code of a record and the field it is from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Code {
    key: u64,
    field: u8,
}

/// The codes of each row that are cut by others: too many share one for a block, and too few for it to say nothing.
#[derive(Default)]
struct Cut {
    /// Codes of all rows, row by row, as places in `keys`.
    codes: Vec<u32>,
    fields: Vec<u8>,
    /// Where the codes of each row end.
    ends: Vec<usize>,
    keys: Vec<u64>,
}

impl Cut {
    fn of(&self, row: u32) -> impl Iterator<Item = Code> {
        let row = row as usize;
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        let all = start..self.ends[row];
        let codes = self.codes[all.clone()].iter().zip(&self.fields[all]);
        codes.map(|(code, field)| Code {
            key: self.keys[*code as usize],
            field: *field,
        })
    }
}

/// Codes of a row, at most: with the one found in addresses there are [`MOST_FIELDS`] fields. One bit each.
const MOST_CODES: usize = MOST_FIELDS * CODES;
const _: () = assert!(MOST_CODES <= u64::BITS as usize);

/// Codes in one set, at most.
const DEPTH: usize = 3;

/// One of some shares of the sets of `depth` + 1 codes.
#[derive(Clone, Copy)]
pub struct Share {
    depth: usize,
    part: u64,
    of: u64,
}

/// The sets of codes of some records, counted.
pub struct Sets<'a> {
    records: &'a Records,
    groups: Vec<u64>,
    /// Records that share a block, at most.
    limit: u8,
    /// What more records share is no code: a twentieth of all.
    too_common: u32,
    cut: Cut,
    /// Of each set of each size, in the order of [`Sets::each`], whether it is shared, and by no more than the limit. Kept
    /// as bits, for counters lie far apart.
    few: [Bits; DEPTH],
    /// Of each set of two codes whether more share it.
    large: Bits,
}

/// One bit after the other.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= u64::from(bit) << (self.len % 64);
        }
        self.len += 1;
    }

    fn get(&self, at: usize) -> bool {
        self.words[at / 64] >> (at % 64) & 1 != 0
    }
}

fn mix(a: u64, b: u64) -> u64 {
    // The finaliser of splitmix64 (Steele, Lea, Flood 2014).
    let mut x = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Sets of codes in one share, so that memory stays small.
const AT_ONCE: u64 = 10_000_000;

impl<'a> Sets<'a> {
    pub fn new(records: &'a Records) -> Sets<'a> {
        let group = |(i, kind): (usize, Kind)| match kind {
            Kind::GivenName | Kind::Surname => 100,
            Kind::Address => 101,
            _ => i as u64,
        };
        let groups = records.kinds().into_iter().enumerate().map(group).collect();
        let len = records.len();
        let mut sets = Sets {
            records,
            groups,
            limit: limit(len),
            too_common: (len / 20).max(u32::from(limit(len))),
            cut: Cut::default(),
            few: Default::default(),
            large: Bits::default(),
        };
        sets.count();
        sets
    }

    fn count(&mut self) {
        (self.cut, self.few[0]) = self.cut();
        (self.few[1], self.large) = self.counted(1);
        (self.few[2], _) = self.counted(2);
    }

    /// The codes that are cut, and which of all codes few records share.
    fn cut(&self) -> (Cut, Bits) {
        let slots = (self.records.len() as usize * 8).next_power_of_two();
        let mut singles = vec![0_u32; slots.clamp(1 << 12, 1 << 24)];
        let places = singles.len() - 1;
        let slot = |key: u64| key as usize & places;
        self.each(0, |_, key| {
            singles[slot(key)] = singles[slot(key)].saturating_add(1)
        });
        let (mut cut, mut few) = (Cut::default(), Bits::default());
        let mut known = HashMap::<u64, usize, BuildHasherDefault<Ready>>::default();
        let mut codes = Vec::new();
        for row in 0..self.records.len() {
            self.codes(row, &mut codes);
            for code in &codes {
                let many = singles[slot(code.key)];
                let is_few = many <= u32::from(self.limit);
                few.push(many > 1 && is_few);
                if is_few || many > self.too_common {
                    continue;
                }
                let place = *known.entry(code.key).or_insert(cut.keys.len());
                if place == cut.keys.len() {
                    cut.keys.push(code.key);
                }
                cut.codes.push(place as u32);
                cut.fields.push(code.field);
            }
            cut.ends.push(cut.codes.len());
        }
        cut.codes.shrink_to_fit();
        cut.fields.shrink_to_fit();
        (cut, few)
    }

    /// Which sets of `depth` + 1 codes few records share, and which more.
    fn counted(&self, depth: usize) -> (Bits, Bits) {
        let mut counters = Counters::for_sets(self.records.len() as usize * 32);
        self.each(depth, |_, key| counters.add(key));
        let (mut few, mut large) = (Bits::default(), Bits::default());
        self.each(depth, |_, key| {
            let many = counters.of(key);
            few.push(many > 1 && many <= self.limit);
            large.push(many > self.limit);
        });
        (few, large)
    }

    /// The distinct codes of a row.
    fn codes(&self, row: u32, out: &mut Vec<Code>) {
        out.clear();
        let values = self.records.row(row);
        for (field, value) in values.iter().enumerate() {
            let codes: [u32; CODES] = self.records.codes(*value);
            let keys = codes
                .iter()
                .filter(|c| **c != 0)
                .map(|c| mix(u64::from(*c), self.groups[field]));
            out.extend(keys.map(|key| Code {
                key,
                field: field as u8,
            }));
        }
        out.sort_unstable();
        out.dedup_by_key(|code| code.key);
    }

    /// Calls `found` with each row and the key of each of its sets of `depth` + 1 codes whose smaller sets are all too large.
    fn each(&self, depth: usize, mut found: impl FnMut(u32, u64)) {
        let (mut codes, mut pairs) = (Vec::new(), 0);
        for row in 0..self.records.len() {
            if depth == 0 {
                self.codes(row, &mut codes);
                codes.iter().for_each(|code| found(row, code.key));
                continue;
            }
            codes.clear();
            codes.extend(self.cut.of(row));
            match depth {
                1 => each_pair(&codes, |a, b| found(row, mix(codes[a].key, codes[b].key))),
                _ => self.each_triple(&codes, &mut pairs, |key| found(row, key)),
            }
        }
    }

    /// The sets of three of one row, before whose sets of two there are `pairs` of other rows.
    fn each_triple(&self, codes: &[Code], pairs: &mut usize, mut found: impl FnMut(u64)) {
        // With which codes after it each is in a large set, one bit a code.
        let mut large = [0_u64; MOST_CODES];
        each_pair(codes, |a, b| {
            large[a] |= u64::from(self.large.get(*pairs)) << b;
            *pairs += 1;
        });
        for (a, with_a) in codes.iter().zip(large) {
            for b in bits(with_a) {
                let both = mix(a.key, codes[b].key);
                bits(with_a & large[b]).for_each(|c| found(mix(both, codes[c].key)));
            }
        }
    }

    /// The shares the sets are looked at in. Those of one depth are about equal, and even in number: two are looked at at a
    /// time.
    pub fn shares(&self) -> Vec<Share> {
        let of = |depth: usize| {
            (self.few[depth].len as u64)
                .div_ceil(AT_ONCE)
                .max(1)
                .next_multiple_of(2)
        };
        let each = (0..DEPTH).map(|depth| (depth, of(depth)));
        each.flat_map(|(depth, of)| (0..of).map(move |part| Share { depth, part, of }))
            .collect()
    }

    /// The sets of a share that no more than [`Sets::limit`] records share, with each of these: by key, then by row. A set
    /// of one record may be among them.
    pub fn of(&self, share: Share) -> Vec<(u64, u32)> {
        let (mut entries, mut at) = (Vec::new(), 0);
        self.each(share.depth, |row, key| {
            // The upper half decides: the lower one was the counter's place.
            if self.few[share.depth].get(at) && (key >> 32) % share.of == share.part {
                entries.push((key, row));
            }
            at += 1;
        });
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

/// Calls `found` with the places of each two codes of different fields.
fn each_pair(codes: &[Code], mut found: impl FnMut(usize, usize)) {
    for (i, a) in codes.iter().enumerate() {
        for (j, b) in codes.iter().enumerate().skip(i + 1) {
            if a.field != b.field {
                found(i, j);
            }
        }
    }
}

/// The places of the bits that are set.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    })
}

/// Records a block may have: the work grows with it and with the records, and must stay bounded.
fn limit(records: u32) -> u8 {
    let share = 2_000_000 / (records + 1);
    share.clamp(16, u32::from(FULL) - 55) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_were_pushed() {
        let wanted: Vec<bool> = (0..200).map(|i| i % 3 == 0 || i == 64 || i == 127).collect();
        let mut kept = Bits::default();
        wanted.iter().for_each(|bit| kept.push(*bit));
        assert!((0..200).all(|at| kept.get(at) == wanted[at]) && kept.len == 200);
        assert_eq!(bits(1 << 63 | 1 << 5 | 1).collect::<Vec<_>>(), [0, 5, 63]);
    }
}
