//! Which pairs are worth a comparison.
//!
//! A block is a *minimal* set of codes, of up to three fields, that no more than [`Blocks::limit`] records share: a code
//! that is rare enough stands alone, one that too many share is cut by a second one of another field, and such a pair
//! of codes by a third. So one scheme finds the neighbours of a rare surname and of a common one, whichever fields were
//! typed wrong. Names have the same codes in either place, and so have lines of an address.

use super::Kind;
use super::records::{CODES, Records};

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

/// Codes in one set, at most.
const DEPTH: usize = 3;

/// The blocks of a set of records.
pub struct Blocks<'a> {
    records: &'a Records,
    groups: Vec<u64>,
    /// Records that share a block, at most.
    limit: u8,
    /// How often each code is there; what a twentieth of all share is no code.
    singles: Vec<u32>,
    too_common: u32,
    sets: Vec<Counters>,
    /// Sets of each size, all records together.
    totals: [u64; DEPTH],
}

fn mix(a: u64, b: u64) -> u64 {
    // The finaliser of splitmix64 (Steele, Lea, Flood 2014).
    let mut x = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Sets of codes in one part, so that memory stays small.
const AT_ONCE: u64 = 10_000_000;

impl<'a> Blocks<'a> {
    pub fn new(records: &'a Records) -> Blocks<'a> {
        let group = |(i, kind): (usize, Kind)| match kind {
            Kind::GivenName | Kind::Surname => 100,
            Kind::Address => 101,
            _ => i as u64,
        };
        let groups = records.kinds().into_iter().enumerate().map(group).collect();
        let len = records.len();
        let mut blocks = Blocks {
            records,
            groups,
            limit: limit(len),
            singles: vec![0; (len as usize * 8).next_power_of_two().clamp(1 << 12, 1 << 24)],
            too_common: (len / 20).max(u32::from(limit(len))),
            sets: Vec::new(),
            totals: [0; DEPTH],
        };
        blocks.count();
        blocks
    }

    fn count(&mut self) {
        let mut codes = Vec::new();
        for row in 0..self.records.len() {
            self.codes(row, &mut codes);
            self.totals[0] += codes.len() as u64;
            for code in &codes {
                let slot = self.slot(code.key);
                self.singles[slot] = self.singles[slot].saturating_add(1);
            }
        }
        for depth in 1..DEPTH {
            let mut counters = Counters::for_sets(self.records.len() as usize * 32);
            let mut total = 0;
            for row in 0..self.records.len() {
                self.sets_of(row, depth, &mut codes, &mut |key| {
                    counters.add(key);
                    total += 1;
                });
            }
            self.totals[depth] = total;
            self.sets.push(counters);
        }
    }

    fn slot(&self, key: u64) -> usize {
        key as usize & (self.singles.len() - 1)
    }

    fn single(&self, key: u64) -> u32 {
        self.singles[self.slot(key)]
    }

    /// The distinct codes of a row.
    fn codes(&self, row: u32, out: &mut Vec<Code>) {
        out.clear();
        let values = self.records.row(row);
        for (field, column) in self.records.columns.iter().enumerate() {
            let codes: [u32; CODES] = column.codes(values[field]);
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

    fn is_large(&self, a: Code, b: Code) -> bool {
        self.sets[0].of(mix(a.key, b.key)) > self.limit
    }

    /// Calls `found` with the key of each set of `depth` + 1 codes of the row whose smaller sets are all too large.
    fn sets_of(&self, row: u32, depth: usize, codes: &mut Vec<Code>, found: &mut impl FnMut(u64)) {
        self.codes(row, codes);
        if depth == 0 {
            codes.iter().for_each(|code| found(code.key));
            return;
        }
        codes.retain(|code| {
            let many = self.single(code.key);
            many > u32::from(self.limit) && many <= self.too_common
        });
        for (i, a) in codes.iter().enumerate() {
            for (j, b) in codes.iter().enumerate().skip(i + 1) {
                if a.field == b.field {
                    continue;
                }
                if depth == 1 {
                    found(mix(a.key, b.key));
                } else if self.is_large(*a, *b) {
                    for c in &codes[j + 1..] {
                        let apart = c.field != a.field && c.field != b.field;
                        if apart && self.is_large(*a, *c) && self.is_large(*b, *c) {
                            found(mix(mix(a.key, b.key), c.key));
                        }
                    }
                }
            }
        }
    }

    /// How many records share a set; more than the limit is only known to be more.
    fn shared_by(&self, depth: usize, key: u64) -> u32 {
        match depth {
            0 => self.single(key),
            _ => u32::from(self.sets[depth - 1].of(key)),
        }
    }

    /// The parts the pairs come in: how many codes a set, which share of the sets, of how many shares. Those of one size
    /// are about equal, and even in number: two are looked at at a time.
    pub fn parts(&self) -> Vec<(usize, u64, u64)> {
        let of = |depth: usize| self.totals[depth].div_ceil(AT_ONCE).max(1).next_multiple_of(2);
        (0..DEPTH)
            .flat_map(|depth| (0..of(depth)).map(move |share| (depth, share, of(depth))))
            .collect()
    }

    /// The pairs of one part, each once, sorted: the lower row in the upper half.
    pub fn pairs(&self, (depth, share, shares): (usize, u64, u64)) -> Vec<u64> {
        let mut entries: Vec<(u64, u32)> = Vec::new();
        let mut codes = Vec::new();
        for row in 0..self.records.len() {
            self.sets_of(row, depth, &mut codes, &mut |key| {
                let many = self.shared_by(depth, key);
                // The upper half decides: the lower one is the counter's place.
                if many > 1 && many <= u32::from(self.limit) && (key >> 32) % shares == share {
                    entries.push((key, row));
                }
            });
        }
        entries.sort_unstable();
        entries.dedup();
        let mut pairs = Vec::new();
        for block in entries.chunk_by(|a, b| a.0 == b.0) {
            for (i, (_, a)) in block.iter().enumerate() {
                pairs.extend(
                    block[i + 1..]
                        .iter()
                        .map(|(_, b)| u64::from(*a) << 32 | u64::from(*b)),
                );
            }
        }
        drop(entries);
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// Records a block may have: the work grows with it and with the records, and must stay bounded.
fn limit(records: u32) -> u8 {
    let share = 2_000_000 / (records + 1);
    share.clamp(16, u32::from(FULL) - 55) as u8
}
