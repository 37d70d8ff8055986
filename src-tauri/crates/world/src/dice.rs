//! Chance that falls the same on every machine: no rounding differs between them, from one ChaCha8 stream for
//! each thing that is drawn for.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

#[derive(Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of one contact of one company.
    pub fn new(seed: u64, ordinal: u32) -> Dice {
        let mut key = [0; 12];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(&ordinal.to_le_bytes());
        Dice(ChaCha8Rng::from_seed(*blake3::hash(&key).as_bytes()))
    }

    /// The stream of what these texts say together, as seen from a seed.
    pub fn of(seed: u64, about: &[&[u8]]) -> Dice {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for text in about {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        Dice(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// From 0 to just below 1, in steps that every machine can write exactly.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// From `low` to just below `high`.
    pub fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        low + self.unit() * (high - low)
    }

    /// From 0 to `n - 1`; 0 where `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, n: u32) -> bool {
        self.below(1000) < n
    }

    /// One of them; the list is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u32) as usize]
    }

    /// An index, as often as its weight says.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}
