//! From records to groups.

use super::blocks::{self, Blocks};
use super::clusters;
use super::compare::{Comparison, Level, Pattern};
use super::model::{Model, Seen};
use super::records::Records;
use std::ops::Range;

/// Two records that may be one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Rows in the order they were pushed, from 0.
    pub a: u32,
    pub b: u32,
    /// That they are one person, 0 to 1.
    pub probability: f64,
}

/// What one finding adds to a pair, in bits: each bit doubles the odds that the two are one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weight {
    /// How likely two records are one person before anything is compared.
    Prior(f64),
    Field {
        field: usize,
        level: Level,
        bits: f64,
    },
    /// Fields of a place, and of a name, that agree say less together than one by one.
    Together(f64),
    /// Two people of one household or firm would look much alike.
    Household(f64),
    /// People move: then all of an address differs at once.
    Moving(f64),
}

impl Weight {
    pub fn bits(self) -> f64 {
        match self {
            Weight::Prior(bits) | Weight::Together(bits) | Weight::Household(bits) | Weight::Moving(bits) => {
                bits
            }
            Weight::Field { bits, .. } => bits,
        }
    }
}

/// What was found. Where the errors of both kinds weigh the same, two records are one person from a probability of a half;
/// between [`Found::REVIEW`] and [`Found::SURE`] a person should look.
pub struct Found {
    records: Records,
    model: Model,
    /// Pairs of at least [`Found::REVIEW`], by rows.
    pub pairs: Vec<Pair>,
    /// Rows of one person each, two or more; by their first rows.
    pub groups: Vec<Vec<u32>>,
    /// Pairs that were compared.
    pub compared: u64,
}

impl Found {
    /// The chance that two rows are one person by all that speaks for and against.
    pub fn probability(&self, a: u32, b: u32) -> f64 {
        let bits: f64 = self.explain(a, b).into_iter().map(Weight::bits).sum();
        1.0 / (1.0 + (-bits).exp2())
    }

    /// Below, a pair is no duplicate.
    pub const REVIEW: f64 = 0.05;
    /// From here on, a pair is one.
    pub const SAME: f64 = 0.5;
    /// From here on, nobody need look.
    pub const SURE: f64 = 0.95;

    /// What speaks for and against two rows being one person; the sum is the log2 of the odds.
    pub fn explain(&self, a: u32, b: u32) -> Vec<Weight> {
        let comparison = Comparison::new(&self.records);
        let pattern = comparison.pattern(a, b);
        let bits = |log: f64| log / std::f64::consts::LN_2;
        let mut weights = vec![Weight::Prior(bits(self.model.prior()))];
        for (field, _) in self.records.columns.iter().enumerate() {
            let level = pattern.level(field);
            let (m, u) = (
                self.model.together(field, level),
                self.model.apart(&self.records, field, (a, b), pattern),
            );
            weights.push(Weight::Field {
                field,
                level: Level::ALL[level],
                bits: bits(m - u),
            });
        }
        weights.push(Weight::Together(bits(-self.model.depends(pattern))));
        let classes = self
            .model
            .classes(self.model.seen(&self.records, (a, b), pattern));
        weights.push(Weight::Household(bits(classes.household_cost())));
        weights.push(Weight::Moving(bits(classes.moving_gain())));
        weights
    }
}

/// A pair is kept for the model when its odds, by what is thought before learning, are at least e to this.
const KEEP: f64 = -9.0;
/// Pairs the model learns from, at most.
const LEARN_FROM: usize = 200_000;

/// Who has duplicates found: hears how far it is, may stop it, and lends it threads, of which the engine has none.
pub trait Host: Sync {
    /// Hears how many parts of the comparison are done of how many; false stops it at the next part.
    fn goes_on(&self, done: u64, total: u64) -> bool {
        let _ = (done, total);
        true
    }

    /// Does both, at the same time where there are two threads.
    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        (one(), other())
    }
}

/// Finds the duplicates; `None` where the host stopped it. The same records in the same order give the same answer.
pub fn find(mut records: Records, host: &impl Host) -> Option<Found> {
    records.close();
    if !host.goes_on(0, 1) {
        return None;
    }
    let (model, kept, compared) = {
        let comparison = Comparison::new(&records);
        let mut model = Model::new(&records, &comparison, host);
        let (kept, compared) = worth_a_look(&records, &comparison, &model, host)?;
        let each = kept.len().div_ceil(LEARN_FROM).max(1);
        let mut sample: Vec<((u32, u32), Pattern)> = Vec::new();
        comparison.each(kept.iter().step_by(each).map(both), |rows, pattern| {
            sample.push((rows, pattern));
        });
        model.learn(&records, &sample, each as f64);
        (model, kept, compared)
    };
    let comparison = Comparison::new(&records);
    let seen = |a, b| -> Seen { model.seen(&records, (a, b), comparison.pattern(a, b)) };
    let likely = |part: &[u64]| -> Vec<Pair> {
        let mut likely = Vec::new();
        comparison.each(part.iter().map(both), |(a, b), pattern| {
            let classes = model.classes(model.seen(&records, (a, b), pattern));
            let probability = classes.probability();
            if probability >= Found::REVIEW {
                likely.push(Pair { a, b, probability });
            }
        });
        likely
    };
    let pairs = in_two(host, &kept, likely).concat();
    drop(kept);
    let groups = clusters::groups(records.len(), &pairs, |a, b| {
        model.classes(seen(a.min(b), a.max(b))).log_odds()
    });
    drop(comparison);
    Some(Found {
        records,
        model,
        pairs,
        groups,
        compared,
    })
}

/// Both halves at the same time.
pub(super) fn in_two<T: Sync, R: Send>(
    host: &impl Host,
    all: &[T],
    look: impl Fn(&[T]) -> R + Sync,
) -> [R; 2] {
    let (left, right) = all.split_at(all.len() / 2);
    host.both(|| look(left), || look(right)).into()
}

/// Both rows of a pair, the lower one from its upper half.
fn both(pair: &u64) -> (u32, u32) {
    ((pair >> 32) as u32, *pair as u32)
}

/// The pairs of all blocks that may be matches, sorted, and how many were compared.
fn worth_a_look(
    records: &Records,
    comparison: &Comparison<'_>,
    model: &Model,
    host: &impl Host,
) -> Option<(Vec<u64>, u64)> {
    let blocks = Blocks::new(records, host)?;
    let (mut kept, mut compared) = (Vec::new(), 0);
    let look = |part: Option<&Range<u32>>| {
        let pairs = part.map_or_else(Vec::new, |part| blocks.pairs(part));
        let mut likely = Vec::new();
        comparison.each(pairs.iter().map(both), |(a, b), pattern| {
            let classes = model.classes(model.seen(records, (a, b), pattern));
            if classes.may_reach(KEEP) && classes.log_odds() >= KEEP {
                likely.push(u64::from(a) << 32 | u64::from(b));
            }
        });
        (likely, pairs.len() as u64)
    };
    let parts = blocks.parts(records.len(), blocks::AT_ONCE);
    let all = parts.len() as u64;
    for (two, done) in parts.chunks(2).zip((all..).step_by(2)) {
        if !host.goes_on(done, all * 2) {
            return None;
        }
        let (one, other) = host.both(|| look(two.first()), || look(two.get(1)));
        for (more, many) in [one, other] {
            kept.extend(more);
            compared += many;
        }
    }
    Some((kept, compared))
}
