//! Tests of variants that may be looked at all the time: who gets what, what was found, and how many it takes.
//!
//! Recipients are counted when their window is over, in the order in which it ends. The first counted of one arm is
//! paired with the first of another, the second with the second, and so on (Wald, *Sequential Analysis*, 1947, ch. 6).
//! Of pairs in which exactly one did it, each arm has half where both are alike, whatever the rate is: so the rate of
//! the control, which nobody knows, drops out, and what is left is a coin. Its fairness is tested by a mixture over all
//! coins (Robbins, *Statistical methods related to the law of the iterated logarithm*, Ann. Math. Stat. 41, 1970; Howard,
//! Ramdas, McAuliffe and Sekhon, *Time-uniform, nonparametric, nonasymptotic confidence sequences*, Ann. Stat. 49, 2021).
//! By Ville's inequality the chance that the evidence ever reaches `1 / alpha` without a difference is at most
//! `alpha`, exactly, with few data too, however often one looks. Several arms share `alpha` by Bonferroni over their pairs.

mod assign;
mod lift;
mod plan;
mod sequential;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use assign::{Shares, place};
pub use lift::{Share, lift};
pub use plan::{Design, Planned};
pub use sequential::{Interval, evidence, odds_between, rate_between, uneven};

use carillon_model::campaign::Verdict;

/// An arm leads when its evidence against each other is at least this: more for a difference than against one, and
/// less than what a decision asks for.
pub const LEADS_FROM: f64 = 3.0;

/// The chance of a false alarm that recipients are spread unevenly.
pub const MISMATCH_LEVEL: f64 = 0.001;

/// The chance that a guardrail is said to be hurt though no arm is worse than another.
pub const GUARDRAIL_LEVEL: f64 = 0.05;

/// What each counted recipient of an arm did, in the order of counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    bits: Vec<u8>,
    len: u32,
}

impl Outcomes {
    /// Counts one more.
    pub fn push(&mut self, did: bool) {
        let place = self.len % 8;
        if place == 0 {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u8::from(did) << place;
        }
        self.len += 1;
    }

    /// How many were counted.
    pub fn recipients(&self) -> u32 {
        self.len
    }

    /// How many of them did it.
    pub fn hits(&self) -> u32 {
        self.bits.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Four bytes of length, little-endian, then the bits.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.len.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.bits);
        bytes
    }

    /// `None` where bits are missing, left over, or set behind the end.
    pub fn from_bytes(bytes: &[u8]) -> Option<Outcomes> {
        let (head, bits) = bytes.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*head);
        let spare = match len % 8 {
            0 => 0,
            used => bits.last()? >> used,
        };
        (bits.len() == len.div_ceil(8) as usize && spare == 0).then(|| Outcomes {
            bits: bits.to_vec(),
            len,
        })
    }

    /// Pairs in which only this arm did it, and in which only the other did.
    pub fn against(&self, other: &Outcomes) -> (u32, u32) {
        let pairs = self.len.min(other.len);
        let (mut mine, mut theirs) = (0, 0);
        for (at, (a, b)) in self.bits.iter().zip(&other.bits).enumerate() {
            let left = pairs.saturating_sub(at as u32 * 8);
            let kept = if left >= 8 { 0xff } else { (1u8 << left) - 1 };
            mine += (a & !b & kept).count_ones();
            theirs += (b & !a & kept).count_ones();
        }
        (mine, theirs)
    }
}

/// One arm, as counted so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmReading {
    pub recipients: u32,
    pub hits: u32,
    /// Where the rate lies, at the level that all arms share.
    pub rate: Interval,
}

/// One arm beside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    pub arm: u8,
    pub against: u8,
    /// How many times the odds of the other this arm's odds are: 1 is no difference.
    pub odds: Interval,
    /// Natural logarithm of the evidence for a difference; see [`evidence`].
    pub log_evidence: f64,
    /// Enough for a decision.
    pub decided: bool,
}

/// What a test says now.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub verdict: Verdict,
    pub arms: Vec<ArmReading>,
    /// Each arm against each other one before it.
    pub comparisons: Vec<Comparison>,
}

/// Reads a test. `over`: its end has come, and what is not decided stays so.
pub fn read(design: &Design, arms: &[Outcomes], over: bool) -> Reading {
    let level = design.level();
    let wanted = -level.ln();
    let mut comparisons = Vec::new();
    for (arm, outcomes) in arms.iter().enumerate() {
        for (against, other) in arms[..arm].iter().enumerate() {
            let (mine, theirs) = outcomes.against(other);
            let log_evidence = evidence(mine, theirs, design.shape());
            comparisons.push(Comparison {
                arm: arm as u8,
                against: against as u8,
                odds: odds_between(mine, theirs, design.shape(), level),
                log_evidence,
                decided: log_evidence >= wanted,
            });
        }
    }
    let beats_all = |arm: usize, least: f64| {
        (0..arms.len()).filter(|other| *other != arm).all(|other| {
            let (mine, theirs) = arms[arm].against(&arms[other]);
            mine > theirs && evidence(mine, theirs, design.shape()) >= least
        })
    };
    let winner = (0..arms.len()).find(|arm| beats_all(*arm, wanted));
    let leader = (0..arms.len()).find(|arm| beats_all(*arm, LEADS_FROM.ln()));
    let verdict = match (winner, over, leader) {
        _ if arms.len() < 2 => Verdict::NotEnoughData,
        (Some(arm), _, _) => Verdict::Decided { arm: arm as u8 },
        (None, true, _) => Verdict::NoDifference,
        (None, false, Some(arm)) => Verdict::Leading { arm: arm as u8 },
        (None, false, None) => Verdict::NotEnoughData,
    };
    let each = design.alpha / arms.len().max(1) as f64;
    let arms = arms.iter().map(|outcomes| ArmReading {
        recipients: outcomes.recipients(),
        hits: outcomes.hits(),
        rate: rate_between(outcomes.hits(), outcomes.recipients(), each),
    });
    Reading {
        verdict,
        arms: arms.collect(),
        comparisons,
    }
}

/// Arms that do more of something bad (unsubscribe, complain) than another arm, by the same test.
pub fn hurt(arms: &[Outcomes]) -> Vec<bool> {
    let pairs = (arms.len() * arms.len().saturating_sub(1) / 2).max(1);
    let wanted = (pairs as f64 / GUARDRAIL_LEVEL).ln();
    arms.iter()
        .map(|arm| {
            arms.iter().any(|other| {
                let (mine, theirs) = arm.against(other);
                mine > theirs && evidence(mine, theirs, 1.0) >= wanted
            })
        })
        .collect()
}
