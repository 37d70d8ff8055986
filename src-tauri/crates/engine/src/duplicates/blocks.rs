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

/// Pairs in one part, so that memory stays small; one row may have more.
const AT_ONCE: u64 = 8_000_000;

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

    /// The parts the pairs come in, by their lower row: about equal, and the last may be small.
    pub fn parts(&self, rows: u32) -> Vec<Range<u32>> {
        let mut pairs = vec![0_u32; rows as usize];
        for block in self.each() {
            for (row, after) in block.iter().zip((0..block.len() as u32).rev()) {
                pairs[*row as usize] += after;
            }
        }
        let (mut parts, mut start, mut sum) = (Vec::new(), 0, 0);
        for (row, more) in (0..rows).zip(pairs) {
            if sum > 0 && sum + u64::from(more) > AT_ONCE {
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
