//! Evidence and intervals that hold at every moment at once.

use libm::lgamma;

/// A value and where it lies, with the level it was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub at: f64,
    pub low: f64,
    pub high: f64,
}

fn ln_beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}

/// Natural logarithm of how much likelier these throws are under a mixture of coins, Beta(a, b), than under one that
/// shows heads with probability `p`. As throws come in it is a martingale under `p` that starts at 1.
fn log_ratio(heads: f64, tails: f64, (a, b): (f64, f64), p: f64) -> f64 {
    let of = |n: f64, chance: f64| if n == 0.0 { 0.0 } else { n * chance.ln() };
    ln_beta(a + heads, b + tails) - ln_beta(a, b) - of(heads, p) - of(tails, 1.0 - p)
}

/// Natural logarithm of the evidence that a coin is not fair, after so many heads and tails. `shape`: how close to
/// fair the coins of the mixture are, 1 for all alike; see [`super::Design::shape`].
pub fn evidence(heads: u32, tails: u32, shape: f64) -> f64 {
    fair(f64::from(heads), f64::from(tails), shape)
}

pub(super) fn fair(heads: f64, tails: f64, shape: f64) -> f64 {
    log_ratio(heads, tails, (shape, shape), 0.5)
}

/// Odds of heads to tails that the evidence does not exclude at the level `alpha`.
pub fn odds_between(heads: u32, tails: u32, shape: f64, alpha: f64) -> Interval {
    let chance = between(heads, tails, (shape, shape), alpha);
    let odds = |p: f64| p / (1.0 - p);
    Interval {
        at: match (heads, tails) {
            (0, 0) => 1.0,
            _ => f64::from(heads) / f64::from(tails),
        },
        low: odds(chance.low),
        high: odds(chance.high),
    }
}

/// Rates that `hits` of `n` do not exclude at the level `alpha`.
pub fn rate_between(hits: u32, n: u32, alpha: f64) -> Interval {
    between(hits, n.saturating_sub(hits), (0.5, 0.5), alpha)
}

/// The probabilities `p` whose [`log_ratio`] is below `1 / alpha`: it falls to the share of heads and rises after it.
fn between(heads: u32, tails: u32, prior: (f64, f64), alpha: f64) -> Interval {
    let (heads, tails) = (f64::from(heads), f64::from(tails));
    let n = heads + tails;
    if n == 0.0 {
        return Interval {
            at: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let share = heads / n;
    let wanted = -alpha.ln();
    let excluded = |p: f64| log_ratio(heads, tails, prior, p) >= wanted;
    let edge = |outer: f64| {
        let (mut out, mut within) = (outer, share);
        for _ in 0..60 {
            let middle = (out + within) / 2.0;
            match excluded(middle) {
                true => out = middle,
                false => within = middle,
            }
        }
        out
    };
    Interval {
        at: share,
        low: if heads == 0.0 { 0.0 } else { edge(0.0) },
        high: if tails == 0.0 { 1.0 } else { edge(1.0) },
    }
}

/// How concentrated around even shares the mixture of [`uneven`] is: it looks for small imbalances.
const EVEN: f64 = 50.0;

/// Natural logarithm of the evidence that recipients do not fall into the arms in equal shares, at any moment
/// (Lindon and Malek, *Anytime-valid inference for multinomial count data*, NeurIPS 2022).
pub fn uneven(counts: &[u32]) -> f64 {
    let k = counts.len() as f64;
    if counts.len() < 2 {
        return 0.0;
    }
    let n: f64 = counts.iter().map(|n| f64::from(*n)).sum();
    let each: f64 = counts
        .iter()
        .map(|n| lgamma(EVEN + f64::from(*n)) - lgamma(EVEN))
        .sum();
    each + lgamma(k * EVEN) - lgamma(k * EVEN + n) + n * k.ln()
}
