//! What each level of each field weighs.
//!
//! A pair is of one of three classes: one person twice; two people of one household or firm; two people who have nothing
//! to do with each other. What the third looks like is counted on random pairs and on the frequencies of the values.
//! The first is learnt by expectation and maximisation (Dempster, Laird, Rubin 1977) over the pairs worth a look, with the
//! number of *all* pairs as their ground, so that its share is the prior. The second has the addresses of the first and
//! the given names of the third; it is there because the fields are not independent: without it, a family would be
//! one person whose given name is often wrong. Names are wrong equally often in the first class, given or not: so a family
//! shows as given names that differ more often than surnames do.

use super::Kind;
use super::compare::{Comparison, LEVELS, Level, Pattern};
use super::dependence::Dependence;
use super::records::Records;

type Table = Vec<[f64; LEVELS]>;

/// What is known of a pair before the model is.
#[derive(Clone, Copy)]
pub struct Seen {
    pub pattern: Pattern,
    /// ln of how often different people agree as these two do, but for the place's [`Dependence`].
    pub apart: f64,
}

pub struct Model {
    kinds: Vec<Kind>,
    /// Share of each level among all pairs that have both values.
    all: Table,
    /// The same for one person twice, for a household, for strangers.
    m: Table,
    h: Table,
    u: Table,
    dependence: Dependence,
    /// Shares of the first two classes among all pairs.
    prior: [f64; 2],
    all_pairs: f64,
    /// Pairs whose values of a field are both there.
    present: Vec<f64>,
    /// By how much one value is rarer than it seems, because people who are there twice have it twice.
    rarer: Vec<f64>,
    has_households: bool,
}

/// The classes' weights of a pair.
#[derive(Clone, Copy)]
pub struct Classes {
    /// ln of prior times likelihood.
    person: f64,
    household: f64,
    strangers: f64,
}

impl Classes {
    /// That the two are one person.
    pub fn probability(self) -> f64 {
        1.0 / (1.0 + (self.others() - self.person).exp())
    }

    /// ln of the odds that the two are one person.
    pub fn log_odds(self) -> f64 {
        self.person - self.others()
    }

    fn others(self) -> f64 {
        let most = self.household.max(self.strangers);
        most + ((self.household - most).exp() + (self.strangers - most).exp()).ln()
    }

    /// ln of how much less likely a match is for households being there.
    pub fn household_cost(self) -> f64 {
        self.strangers - self.others()
    }

    fn shares(self) -> (f64, f64) {
        let others = self.others();
        let most = others.max(self.person);
        let all = most + ((others - most).exp() + (self.person - most).exp()).ln();
        ((self.person - all).exp(), (self.household - all).exp())
    }
}

/// What one person twice looks like before anything is learnt, and how many pairs this counts for.
const START: [f64; LEVELS] = [1.0, 0.80, 0.08, 0.01, 0.02, 0.02, 0.01, 0.01, 0.05];
const START_COUNTS: f64 = 20.0;
/// Records that are somebody's second, before anything is learnt.
const START_DOUBLES: f64 = 0.05;
const ROUNDS: usize = 40;
/// Random pairs that are compared.
const RANDOM: u64 = 1_000_000;
/// No level is less likely than this.
const LEAST: f64 = 1e-9;

fn pairs(n: u32) -> f64 {
    (f64::from(n) * (f64::from(n) - 1.0) / 2.0).max(1.0)
}

impl Model {
    pub fn new(records: &Records, comparison: &Comparison<'_>) -> Model {
        let kinds = records.kinds();
        let all_pairs = pairs(records.len());
        let present: Vec<f64> = records.columns.iter().map(|c| pairs(c.present)).collect();
        let mut all = random_levels(records, comparison);
        for (levels, column) in all.iter_mut().zip(&records.columns) {
            let same: f64 = column.counts.iter().filter(|c| **c > 1).map(|c| pairs(*c)).sum();
            levels[Level::Exact as usize] = (same / pairs(column.present)).clamp(LEAST, 1.0);
        }
        let m = vec![START; kinds.len()];
        let shared = kinds.iter().any(|k| *k == Kind::Address || *k == Kind::Phone);
        let mut model = Model {
            has_households: kinds.contains(&Kind::GivenName) && shared,
            dependence: Dependence::new(records),
            prior: [START_DOUBLES * f64::from(records.len()) / all_pairs; 2],
            rarer: vec![1.0; kinds.len()],
            h: m.clone(),
            u: all.clone(),
            kinds,
            all,
            m,
            all_pairs,
            present,
        };
        if !model.has_households {
            model.prior[1] = 0.0;
        }
        for field in 0..model.kinds.len() {
            model.h[field] = model.household_start(field);
        }
        model
    }

    fn household_start(&self, field: usize) -> [f64; LEVELS] {
        std::array::from_fn(|l| match level_in_household(self.kinds[field]) {
            InHousehold::AsPerson => self.m[field][l],
            InHousehold::AsStrangers => self.u[field][l],
            InHousehold::Learnt => (self.m[field][l] + self.u[field][l]) / 2.0,
        })
    }

    /// What is known of a pair.
    pub fn seen(&self, records: &Records, a: u32, pattern: Pattern) -> Seen {
        let apart = (0..self.kinds.len())
            .map(|field| self.apart(records, field, a, pattern.level(field)).ln())
            .sum();
        Seen { pattern, apart }
    }

    /// The chance that two strangers agree so in a field: for the same value, how common it is.
    pub fn apart(&self, records: &Records, field: usize, row: u32, level: usize) -> f64 {
        if level == Level::Exact as usize {
            let column = &records.columns[field];
            let count = column.counts[column.rows[row as usize] as usize];
            return (f64::from(count) / f64::from(column.present) * self.rarer[field]).max(LEAST);
        }
        self.u[field][level]
    }

    /// The same for one person twice.
    pub fn together(&self, field: usize, level: usize) -> f64 {
        self.m[field][level]
    }

    /// ln of how much more often strangers agree in this place than its fields say one by one.
    pub fn place(&self, pattern: Pattern) -> f64 {
        self.dependence.log(self.dependence.set(pattern))
    }

    /// ln of the odds of a match before anything is compared.
    pub fn prior(&self) -> f64 {
        (self.prior[0] / (1.0 - self.prior[0] - self.prior[1])).ln()
    }

    pub fn classes(&self, seen: Seen) -> Classes {
        let sum = |table: &Table| -> f64 {
            (0..self.kinds.len())
                .map(|field| table[field][seen.pattern.level(field)].ln())
                .sum()
        };
        Classes {
            person: self.prior[0].ln() + sum(&self.m),
            household: if self.has_households { self.prior[1].max(1e-300).ln() + sum(&self.h) } else { f64::NEG_INFINITY },
            strangers: (1.0 - self.prior[0] - self.prior[1]).ln() + seen.apart + self.place(seen.pattern),
        }
    }

    /// Learns from pairs worth a look, `sampled` of which stand for one each.
    pub fn learn(&mut self, records: &Records, found: &[(u32, Pattern)], each: f64) {
        for _ in 0..ROUNDS {
            let before = self.prior[0];
            self.round(records, found, each);
            if (self.prior[0] / before - 1.0).abs() < 1e-4 {
                break;
            }
        }
    }

    fn round(&mut self, records: &Records, found: &[(u32, Pattern)], each: f64) {
        let fields = self.kinds.len();
        let empty = || vec![[0.0; LEVELS]; fields];
        let (mut person, mut household) = (empty(), empty());
        let mut totals = [0.0; 2];
        let mut places = vec![0.0; self.dependence.sets()];
        for (a, pattern) in found {
            let (p, h) = self.classes(self.seen(records, *a, *pattern)).shares();
            totals[0] += p * each;
            totals[1] += h * each;
            for field in 0..fields {
                let level = pattern.level(field);
                person[field][level] += p * each;
                household[field][level] += h * each;
            }
            places[self.dependence.set(*pattern)] += p * each;
        }
        self.prior = [totals[0].max(0.5) / self.all_pairs, totals[1] / self.all_pairs];
        self.pool_names(&mut person);
        for field in 0..fields {
            self.learn_field(field, &person[field], &household[field]);
        }
        let within: Vec<f64> = (0..places.len())
            .map(|set| (0..places.len()).filter(|s| s & set == set).map(|s| places[s]).sum::<f64>() / self.all_pairs)
            .collect();
        let exact: Vec<f64> = self.u.iter().map(|levels| levels[Level::Exact as usize]).collect();
        self.dependence.learn(&within, |field| exact[field]);
    }

    /// See the module: given names and surnames are wrong equally often.
    fn pool_names(&self, person: &mut Table) {
        if !self.has_households {
            return;
        }
        let names: Vec<usize> = (0..self.kinds.len()).filter(|f| self.kinds[*f].is_name()).collect();
        let sum = |level: usize| names.iter().map(|f| person[*f][level]).sum::<f64>() / names.len() as f64;
        let mean: [f64; LEVELS] = std::array::from_fn(sum);
        for field in names {
            person[field] = mean;
        }
    }

    fn learn_field(&mut self, field: usize, person: &[f64; LEVELS], household: &[f64; LEVELS]) {
        self.m[field] = shares(person, &START, START_COUNTS);
        let compared: f64 = person[1..].iter().sum();
        let left = (self.present[field] - compared).max(1.0);
        for level in 1..LEVELS {
            let there = self.all[field][level] * self.present[field];
            self.u[field][level] = ((there - person[level]).max(there / 20.0) / left).clamp(LEAST, 1.0);
        }
        let exact = Level::Exact as usize;
        self.rarer[field] = (self.u[field][exact] / self.all[field][exact]).clamp(0.05, 1.0);
        self.h[field] = match level_in_household(self.kinds[field]) {
            InHousehold::AsPerson => self.m[field],
            InHousehold::AsStrangers => self.u[field],
            InHousehold::Learnt => {
                let start = self.household_start(field);
                shares(household, &start, START_COUNTS)
            }
        };
    }
}

/// Where the levels of a field of two people of one household come from.
enum InHousehold {
    AsPerson,
    AsStrangers,
    Learnt,
}

fn level_in_household(kind: Kind) -> InHousehold {
    match kind {
        k if k.is_shared() => InHousehold::AsPerson,
        Kind::Surname | Kind::Phone | Kind::Text => InHousehold::Learnt,
        _ => InHousehold::AsStrangers,
    }
}

/// Shares of the levels among those compared, with what was thought before counting for `weight`. Missing says nothing.
fn shares(counted: &[f64; LEVELS], before: &[f64; LEVELS], weight: f64) -> [f64; LEVELS] {
    let all: f64 = counted[1..].iter().sum::<f64>() + weight;
    let known: f64 = before[1..].iter().sum();
    let mut shares = [1.0; LEVELS];
    for level in 1..LEVELS {
        shares[level] = ((counted[level] + weight * before[level] / known) / all).max(LEAST);
    }
    shares
}

/// Shares of the levels of each field in random pairs. What was never seen is as rare as a third of one pair.
fn random_levels(records: &Records, comparison: &Comparison<'_>) -> Table {
    let rows = u64::from(records.len());
    let mut counts = vec![[0.0; LEVELS]; records.columns.len()];
    let mut draw = 0x0005_deec_e66d_u64;
    let mut next = || {
        // Knuth's MMIX generator: the same pairs each time.
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((draw >> 32) * rows >> 32) as u32
    };
    if rows > 1 {
        for _ in 0..RANDOM {
            let (a, b) = (next(), next());
            if a != b {
                let pattern = comparison.pattern(a, b);
                for (field, levels) in counts.iter_mut().enumerate() {
                    levels[pattern.level(field)] += 1.0;
                }
            }
        }
    }
    for levels in &mut counts {
        let all: f64 = levels[1..].iter().sum::<f64>().max(1.0);
        for count in &mut levels[1..] {
            *count = (count.max(0.3) / all).max(LEAST);
        }
        levels[0] = 1.0;
    }
    counts
}
