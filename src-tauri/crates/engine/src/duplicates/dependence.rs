//! Places go together: who lives in the same post code mostly lives in the same suburb, too. Fellegi and Sunter's model
//! takes fields for independent, and would count one agreement twice; how much the fields of these records depend on
//! each other is counted here.

use super::compare::{Level, Pattern};
use super::records::{self, Records};

/// Fields of a place that are looked at, at most.
const MOST: usize = 5;

/// For each set of place fields, by how much more often different people agree in all of them than they would if the
/// fields were independent.
pub struct Dependence {
    fields: Vec<usize>,
    /// Share of all pairs that agree in the set, by bits of [`Dependence::fields`].
    together: Vec<f64>,
    logs: Vec<f64>,
}

fn pairs(n: u32) -> f64 {
    f64::from(n) * (f64::from(n) - 1.0) / 2.0
}

impl Dependence {
    pub fn new(records: &Records) -> Dependence {
        let places = records.columns.iter().enumerate().filter(|(_, c)| c.kind.is_place());
        let fields: Vec<usize> = places.map(|(i, _)| i).take(MOST).collect();
        let sets = 1 << fields.len();
        let together = (0..sets).map(|set: usize| match set.count_ones() {
            0 | 1 => 0.0,
            _ => together(records, &fields, set),
        });
        Dependence {
            together: together.collect(),
            logs: vec![0.0; sets],
            fields,
        }
    }

    /// The set of place fields that say the same.
    pub fn set(&self, pattern: Pattern) -> usize {
        let alike = |level: usize| level != Level::Missing as usize && level < Level::Part as usize;
        self.fields
            .iter()
            .enumerate()
            .filter(|(_, field)| alike(pattern.level(**field)))
            .fold(0, |set, (i, _)| set | 1 << i)
    }

    pub fn sets(&self) -> usize {
        self.logs.len()
    }

    /// ln of the factor for a set.
    pub fn log(&self, set: usize) -> f64 {
        self.logs[set]
    }

    /// Learns the factors. `matched` is the share of all pairs that are one person and agree in each set, or in more;
    /// `apart` the chance of each field to be exactly the same in different people.
    pub fn learn(&mut self, matched: &[f64], apart: impl Fn(usize) -> f64) {
        for set in 0..self.logs.len() {
            if set.count_ones() < 2 {
                continue;
            }
            let in_set = |i: &usize| set & (1 << i) != 0;
            let alone: f64 = (0..self.fields.len()).filter(in_set).map(|i| apart(self.fields[i])).product();
            // Half of what agrees by more than the found matches could be matches that were not found.
            let left = (self.together[set] - matched[set]).max(0.0);
            self.logs[set] = (left / alone.max(1e-12)).max(1.0).ln();
        }
    }
}

/// The share of pairs that agree exactly in all fields of a set, among those that have them all.
fn together(records: &Records, fields: &[usize], set: usize) -> f64 {
    let of = |row: usize| {
        let mut key = 0;
        for (i, field) in fields.iter().enumerate() {
            if set & (1 << i) != 0 {
                let value = records.columns[*field].rows[row];
                if value == 0 {
                    return None;
                }
                key = records::hash(key, &value.to_le_bytes());
            }
        }
        Some(key)
    };
    let mut keys: Vec<u64> = (0..records.len() as usize).filter_map(of).collect();
    keys.sort_unstable();
    let agree: f64 = keys.chunk_by(|a, b| a == b).map(|same| pairs(same.len() as u32)).sum();
    agree / pairs(keys.len() as u32).max(1.0)
}
