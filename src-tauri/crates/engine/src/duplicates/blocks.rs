//! Which pairs are worth a comparison.
//!
//! A block is a *minimal* set of codes, of up to three fields, that no more than a few records share: a code that is rare
//! enough stands alone, one that too many share is cut by a second one of another field, and such a pair of codes by a
//! third. So one scheme finds the neighbours of a rare surname and of a common one, whichever fields were typed wrong.
//! Names have the same codes in either place, and so have lines of an address. [`super::sets`] finds them.
//!
//! Two records share many blocks. So all blocks are known first, and the pairs are then made row by row: each is compared
//! once, in the order in which rows lie in memory.

use super::find::Host;
use super::records::Records;
use super::sets::Sets;
use std::ops::Range;

/// The blocks of a set of records.
#[derive(Default)]
pub struct Blocks {
    /// The rows of all blocks, block by block, each block in order.
    rows: Vec<u32>,
    /// How many rows each has, which fits: the limit does.
    sizes: Vec<u8>,
}

/// Pairs in one part, so that memory stays small.
pub const AT_ONCE: u64 = 8_000_000;

impl Blocks {
    /// `None` where the host stopped it. Hears of it as half of all there is to do.
    pub fn new(records: &Records, host: &impl Host) -> Option<Blocks> {
        let sets = Sets::new(records);
        let shares = sets.shares();
        let all = shares.len() as u64 * 2;
        let mut blocks = Blocks::default();
        for (two, done) in shares.chunks(2).zip((0..).step_by(2)) {
            if !host.goes_on(done, all) {
                return None;
            }
            let of = |i: usize| {
                two.get(i)
                    .map_or_else(Blocks::default, |share| Blocks::of(sets.of(*share)))
            };
            let (one, other) = host.both(|| of(0), || of(1));
            for more in [one, other] {
                blocks.rows.extend(more.rows);
                blocks.sizes.extend(more.sizes);
            }
        }
        blocks.rows.shrink_to_fit();
        Some(blocks)
    }

    /// The blocks of sets that are in the order of their keys.
    fn of(sets: Vec<(u64, u32)>) -> Blocks {
        let mut blocks = Blocks::default();
        for block in sets.chunk_by(|a, b| a.0 == b.0).filter(|block| block.len() > 1) {
            blocks.rows.extend(block.iter().map(|(_, row)| *row));
            blocks.sizes.push(block.len() as u8);
        }
        blocks
    }

    fn each(&self) -> impl Iterator<Item = &[u32]> {
        let mut rest = self.rows.as_slice();
        self.sizes.iter().map_while(move |size| {
            let (block, more) = rest.split_at_checked(usize::from(*size))?;
            rest = more;
            Some(block)
        })
    }

    /// The parts the pairs of all rows come in, by their lower row: of no more than `most` pairs each, but for one row that
    /// has more by itself.
    pub fn parts(&self, rows: u32, most: u64) -> Vec<Range<u32>> {
        let mut pairs = vec![0_u32; rows as usize];
        for block in self.each() {
            for (row, after) in block.iter().zip((0..block.len() as u32).rev()) {
                pairs[*row as usize] += after;
            }
        }
        let (mut parts, mut start, mut sum) = (Vec::new(), 0, 0);
        for (row, more) in (0..rows).zip(pairs) {
            if sum > 0 && sum + u64::from(more) > most {
                parts.push(start..row);
                (start, sum) = (row, 0);
            }
            sum += u64::from(more);
        }
        parts.push(start..rows);
        parts
    }

    /// The pairs whose lower row is one of some, each once, sorted: the lower row in the upper half.
    pub fn pairs(&self, lower: &Range<u32>) -> Vec<u64> {
        let mut pairs = Vec::new();
        for block in self.each() {
            for (a, i) in block.iter().zip(1..) {
                if lower.contains(a) {
                    pairs.extend(block[i..].iter().map(|b| u64::from(*a) << 32 | u64::from(*b)));
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duplicates::Kind;

    struct Alone;

    impl Host for Alone {}

    /// Twenty thousand rows with one of 25 letters in each of three fields. A letter has 800 of them, each two letters that
    /// are ever seen together 100 or more but at the edges, and each three the 50 rows that are 400 apart; a block has no more than 99.
    fn letters(row: u32) -> [u32; 3] {
        let first = row % 25;
        [first, (first + row / 25 % 2) % 25, (first + row / 50 % 8) % 25]
    }

    #[test]
    fn a_pair_comes_once_and_in_order_however_the_pairs_are_cut() {
        let mut records = Records::new(&[Kind::PostCode, Kind::StreetNumber, Kind::PostCode]);
        for row in 0..20_000 {
            let texts = letters(row).map(|letter| char::from(b'a' + letter as u8).to_string());
            records.push(texts.iter().map(String::as_str));
        }
        let blocks = Blocks::new(&records, &Alone).expect("nobody stops it");
        let mut wanted = Vec::new();
        for a in 0..records.len() {
            let same = (a + 400..records.len()).step_by(400);
            wanted.extend(same.map(|b| u64::from(a) << 32 | u64::from(b)));
        }
        for most in [20_000, 77_777, AT_ONCE] {
            let parts = blocks.parts(records.len(), most);
            let pairs: Vec<u64> = parts.iter().flat_map(|part| blocks.pairs(part)).collect();
            assert!(parts.len() as u64 >= wanted.len() as u64 / most, "{parts:?}");
            assert!(pairs == wanted, "{} pairs of {}", pairs.len(), wanted.len());
        }
    }
}
