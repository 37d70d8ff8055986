//! Fields that go together. Who lives in the same post code mostly lives in the same suburb, too; given names and
//! surnames come from the same languages; an e-mail address is often made of the name. Fellegi and Sunter's model takes
//! fields for independent, and would count one agreement twice; how much the fields of these records depend on each
//! other is counted here.

use super::Kind;
use super::compare::{Comparison, LEVELS, Level, Pattern};
use super::records::{self, Records};

/// Fields that are looked at together, at most.
const MOST: usize = 5;

/// For each set of some fields, by how much more often different people agree in all of them than they would if the
/// fields were independent.
pub struct Dependence {
    fields: Vec<usize>,
    /// By field, the others of which one says all that it says, as bits of [`Dependence::fields`], and in what share of
    /// the pairs that agree in the other it agrees, too.
    implied: Vec<(usize, f64)>,
    /// Share of all pairs that agree in the set, by bits of [`Dependence::fields`].
    together: Vec<f64>,
    /// ln of the factor of each set.
    logs: Vec<f64>,
    /// What [`Dependence::log`] and [`Dependence::implied`] answer for each set: the set without what is implied in it, and
    /// that as bits of all fields.
    new: Vec<(usize, u64)>,
}

fn pairs(n: u32) -> f64 {
    f64::from(n) * (f64::from(n) - 1.0) / 2.0
}

impl Dependence {
    pub fn new(records: &Records, of: impl Fn(Kind) -> bool) -> Dependence {
        let those = records.columns.iter().enumerate().filter(|(_, c)| of(c.kind));
        let fields: Vec<usize> = those.map(|(i, _)| i).take(MOST).collect();
        let sets = 1 << fields.len();
        let together = (0..sets).map(|set: usize| match set.count_ones() {
            0 | 1 => 0.0,
            _ => together(records, &fields, set),
        });
        let together: Vec<f64> = together.collect();
        let implied = implied(records, &fields, &together);
        let new = (0..sets).map(|set: usize| {
            let said = |i: &usize| set & (1 << i) != 0 && implied[*i].0 & set != 0;
            let all = (0..fields.len()).filter(said);
            all.fold((set, 0), |(new, said), i| {
                (new & !(1 << i), said | 1 << fields[i])
            })
        });
        Dependence {
            new: new.collect(),
            implied,
            together,
            logs: vec![0.0; sets],
            fields,
        }
    }

    /// The fields that say the same and nothing new, because another one that says the same implies them: as bits of all
    /// fields, with the share of [`Dependence::implied`] of one of them.
    pub fn implied(&self, pattern: Pattern) -> u64 {
        self.new[self.set(pattern)].1
    }

    /// ln of how often a field that is [`Dependence::implied`] says the same where another one does.
    pub fn implied_log(&self, field: usize) -> f64 {
        let at = self.fields.iter().position(|known| *known == field);
        at.map_or(0.0, |i| self.implied[i].1.ln())
    }

    /// The set of fields that say the same.
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

    /// ln of the factor for the fields that say the same, without those that say nothing new.
    pub fn log(&self, pattern: Pattern) -> f64 {
        self.logs[self.new[self.set(pattern)].0]
    }

    /// Learns the factors. `matched` is the share of all pairs that are no strangers and agree in just that set; `apart` the chance of each field to be exactly the same in different people.
    pub fn learn(&mut self, matched: &[f64], apart: impl Fn(usize) -> f64) {
        for set in 0..self.logs.len() {
            if set.count_ones() < 2 {
                continue;
            }
            let in_set = |i: &usize| set & (1 << i) != 0;
            let alone: f64 = (0..self.fields.len())
                .filter(in_set)
                .map(|i| apart(self.fields[i]))
                .product();
            let with_more = |s: &usize| s & set == set;
            let known: f64 = (0..matched.len()).filter(with_more).map(|s| matched[s]).sum();
            let left = (self.together[set] - known).max(0.0);
            self.logs[set] = (left / alone.max(1e-12)).max(1.0).ln();
        }
    }
}

/// From which share on a field is implied by another: the city says the country.
const IMPLIED: f64 = 0.9;

/// See [`Dependence::implied`]. Only by fields that say more: of two that imply each other, one still speaks.
fn implied(records: &Records, fields: &[usize], shares: &[f64]) -> Vec<(usize, f64)> {
    let all = 0..fields.len();
    let alone: Vec<f64> = all.clone().map(|i| together(records, fields, 1 << i)).collect();
    let says_more = |i: usize, by: usize| (alone[by], by) < (alone[i], i);
    let of = |i: usize| {
        let each = all
            .clone()
            .filter(|by| *by != i && says_more(i, *by) && alone[*by] > 0.0);
        let share = |by: usize| (shares[1 << i | 1 << by] / alone[by]).min(1.0);
        each.map(|by| (by, share(by)))
            .filter(|(_, share)| *share >= IMPLIED)
            .fold((0, 1.0), |(set, least), (by, share)| {
                (set | 1 << by, share.min(least))
            })
    };
    all.clone().map(of).collect()
}

/// The share of pairs that agree exactly in all fields of a set, among those that have them all.
fn together(records: &Records, fields: &[usize], set: usize) -> f64 {
    let of = |row: u32| {
        let values = records.row(row);
        let mut key = 0;
        for (i, field) in fields.iter().enumerate() {
            if set & (1 << i) != 0 {
                let value = values[*field];
                if value == 0 {
                    return None;
                }
                key = records::hash(key, &value.to_le_bytes());
            }
        }
        Some(key)
    };
    let mut keys: Vec<u64> = (0..records.len()).filter_map(of).collect();
    keys.sort_unstable();
    let agree: f64 = keys
        .chunk_by(|a, b| a == b)
        .map(|same| pairs(same.len() as u32))
        .sum();
    agree / pairs(keys.len() as u32).max(1.0)
}

/// Pairs that are drawn for each set of names.
const DRAWN: usize = 200_000;

/// What e-mail addresses of different people look like who have the same given name, the same surname, or both.
pub struct Mail {
    /// Fields: the address, given names, surnames.
    fields: [usize; 3],
    /// ln of the shares of the levels by the names that are the same: bit 0 the given one, bit 1 the surname.
    levels: [[f64; LEVELS]; 4],
}

impl Mail {
    /// `None` where there are no addresses or no names. `alone` has the shares of the levels of any two people.
    pub fn new(records: &Records, comparison: &Comparison<'_>, alone: &[[f64; LEVELS]]) -> Option<Mail> {
        let of = |kind| records.columns.iter().position(|c| c.kind == kind);
        let fields = [of(Kind::Email)?, of(Kind::GivenName)?, of(Kind::Surname)?];
        let mut levels = [alone[fields[0]]; 4];
        for (names, found) in levels.iter_mut().enumerate().skip(1) {
            let keyed: Vec<usize> = (0..2)
                .filter(|i| names & (1 << i) != 0)
                .map(|i| fields[i + 1])
                .collect();
            let mut counts = [0.0; LEVELS];
            comparison.each(alike(records, &keyed), |_, pattern| {
                counts[pattern.level(fields[0])] += 1.0;
            });
            let all: f64 = counts[1..].iter().sum();
            for level in 1..LEVELS {
                // The few there are count with ten of any two people.
                found[level] = (counts[level] + 10.0 * found[level]) / (all + 10.0);
            }
        }
        let levels = levels.map(|found| found.map(f64::ln));
        Some(Mail { fields, levels })
    }

    /// Whether a field is the address.
    pub fn is_of(&self, field: usize) -> bool {
        field == self.fields[0]
    }

    /// ln of the chance of a level of the address in different people, where this is that field and not the same address.
    pub fn apart(&self, field: usize, pattern: Pattern) -> Option<f64> {
        let level = pattern.level(field);
        if !self.is_of(field) || level == Level::Exact as usize || level == Level::Missing as usize {
            return None;
        }
        let alike = |field: usize| {
            let level = pattern.level(field);
            level != Level::Missing as usize && level != Level::Different as usize
        };
        let swapped = pattern.level(self.fields[1]) == Level::Swapped as usize;
        let names = usize::from(alike(self.fields[1])) | usize::from(alike(self.fields[2]) || swapped) << 1;
        Some(self.levels[names][level])
    }
}

/// Pairs of rows that have the same values in some fields, drawn evenly, the same each time.
fn alike(records: &Records, fields: &[usize]) -> Vec<(u32, u32)> {
    // Numbered in the order of each field, so that what is drawn does not hang on the others.
    let (mut numbers, mut known) = (vec![0_u32; records.values() as usize], vec![0; fields.len()]);
    for row in 0..records.len() {
        for (known, field) in known.iter_mut().zip(fields) {
            let number = &mut numbers[records.row(row)[*field] as usize];
            if *number == 0 && records.row(row)[*field] != 0 {
                *known += 1;
                *number = *known;
            }
        }
    }
    let key = |row: u32| {
        let mut values = fields.iter().map(|f| numbers[records.row(row)[*f] as usize]);
        values.try_fold(0, |key, value| {
            (value != 0).then(|| records::hash(key, &value.to_le_bytes()))
        })
    };
    let mut rows: Vec<(u64, u32)> = (0..records.len())
        .filter_map(|row| Some((key(row)?, row)))
        .collect();
    rows.sort_unstable();
    let mut runs = Vec::new();
    let mut all = 0_u64;
    let mut start = 0;
    for run in rows.chunk_by(|a, b| a.0 == b.0) {
        let len = run.len() as u64;
        if len > 1 {
            all += len * (len - 1) / 2;
            runs.push((all, start, run.len()));
        }
        start += run.len();
    }
    let mut chance = records::Draw::default();
    let mut draw = || {
        let at = chance.below(all);
        let (_, start, len) = runs[runs.partition_point(|(upto, _, _)| *upto <= at)];
        let a = chance.below(len as u64) as usize;
        let b = (a + 1 + chance.below(len as u64 - 1) as usize) % len;
        (rows[start + a].1, rows[start + b].1)
    };
    let many = if all == 0 { 0 } else { DRAWN };
    (0..many).map(|_| draw()).collect()
}
