//! What a test is declared to look for, and how many recipients that takes.

use super::sequential::fair;

/// A test as it is declared before it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Chance to find a difference where there is none, over the whole test and all its pairs.
    pub alpha: f64,
    /// Chance to find the planned difference by the planned number.
    pub power: f64,
    /// Share of recipients expected to do it with the control, 0 to 1.
    pub base_rate: f64,
    /// Smallest relative change worth finding: 0.2 is a fifth more.
    pub minimum_effect: f64,
    pub arms: u8,
}

/// What it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Recipients of each arm.
    pub per_arm: u64,
}

/// More than anybody's list: a difference so small is not to be found.
const MOST: f64 = 1e12;

impl Design {
    /// The level of one comparison: the whole divided by the pairs of arms (Bonferroni).
    pub fn level(&self) -> f64 {
        let arms = f64::from(self.arms.max(2));
        self.alpha / (arms * (arms - 1.0) / 2.0)
    }

    fn rates(&self) -> (f64, f64) {
        let p = self.base_rate.clamp(1e-6, 0.999);
        (
            p,
            (p * (1.0 + self.minimum_effect.max(1e-6))).clamp(1e-6, 0.999_9),
        )
    }

    /// How often the better arm is the one, among pairs of which one did it.
    fn coin(&self) -> f64 {
        let (p, q) = self.rates();
        q * (1.0 - p) / (q * (1.0 - p) + p * (1.0 - q))
    }

    /// The mixture that is quickest to see the planned effect: its standard deviation is the distance of the planned
    /// coin from a fair one.
    pub fn shape(&self) -> f64 {
        let off = (self.coin() - 0.5).max(1e-6);
        ((0.25 / (off * off) - 1.0) / 2.0).max(1.0)
    }

    /// Recipients of each arm by which the planned effect is found with the planned power, one arm being better than
    /// all others by it. By the normal approximation of the lead; looking earlier only adds power.
    pub fn planned(&self) -> Planned {
        let (p, q) = self.rates();
        let one_of_two = p * (1.0 - q) + q * (1.0 - p);
        let lead = q - p;
        let others = f64::from(self.arms.max(2) - 1);
        let z = normal_quantile(1.0 - (1.0 - self.power.clamp(0.5, 0.999)) / others);
        let wanted = -self.level().ln();
        let found = |n: f64| {
            let unlucky = n * lead - z * (n * (one_of_two - lead * lead)).sqrt();
            let throws = n * one_of_two;
            let unlucky = unlucky.min(throws);
            unlucky > 0.0 && fair((throws + unlucky) / 2.0, (throws - unlucky) / 2.0, self.shape()) >= wanted
        };
        let mut high = 2.0;
        while !found(high) && high < MOST {
            high *= 2.0;
        }
        let mut low = high / 2.0;
        while high - low > 1.0 {
            let middle = (low + high) / 2.0;
            match found(middle) {
                true => high = middle,
                false => low = middle,
            }
        }
        Planned {
            per_arm: high.ceil() as u64,
        }
    }
}

/// Where the standard normal distribution reaches a probability.
fn normal_quantile(probability: f64) -> f64 {
    let below = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        match below(middle) < probability {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}
