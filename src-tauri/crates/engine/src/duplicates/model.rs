//! What each level of each field weighs.
//!
//! A pair is of one of four classes: one person twice; one person who moved in between; two people of one household or
//! firm; two strangers. What strangers look like is counted on random pairs and on the frequencies of the values. The
//! others are learnt by expectation and maximisation (Dempster, Laird, Rubin 1977) over the pairs worth a look, with the
//! number of *all* pairs as their ground, so that their shares are the prior.
//!
//! The two classes in the middle are there because fields are not independent. Who moved has the name and the ways to be
//! reached of one person, and the address of a stranger: all its fields differ at once. A household has the address of
//! one person and the given names of strangers: without it, a family would be one person whose given name is often wrong.
//! Names of one person are wrong equally often, given or not: so a family shows as given names that differ more often
//! than surnames do.

use super::Kind;
use super::compare::{Comparison, LEVELS, Level, Pattern};
use super::dependence::{Dependence, Mail};
use super::find::{Host, in_two};
use super::records::{Draw, Records};

type Table = Vec<[f64; LEVELS]>;

/// What is known of a pair before the model is.
#[derive(Clone, Copy)]
pub struct Seen {
    pub pattern: Pattern,
    /// ln of how often different people agree as these two do, but for [`Dependence`].
    pub apart: f64,
}

pub struct Model {
    kinds: Vec<Kind>,
    /// Share of each level among all pairs that have both values.
    all: Table,
    /// The same for one person twice, for one who moved, for a household.
    near: [Table; 3],
    /// The same for strangers.
    u: Table,
    places: Dependence,
    names: Dependence,
    mail: Option<Mail>,
    /// Shares of the classes but strangers among all pairs.
    prior: [f64; 3],
    all_pairs: f64,
    /// Pairs whose values of a field are both there.
    present: Vec<f64>,
    /// By how much one value is rarer than it seems, because people who are there twice have it twice.
    rarer: Vec<f64>,
    /// Which of the classes there can be, from the fields that are there.
    possible: [bool; 3],
    /// By field, the levels of which a table says how often strangers agree so, one bit a level: see [`Model::apart`].
    plain: Vec<u64>,
    /// Fields that stay with a person who moves.
    kept_moving: Vec<usize>,
    logs: Logs,
}

/// Natural logarithms of what [`Model::classes`] and [`Model::seen`] ask for each pair, kept in step with the model.
#[derive(Default)]
struct Logs {
    /// By field and level, of the classes in their order, strangers last.
    levels: Vec<[[f64; 4]; LEVELS]>,
    /// Of the chance that a stranger has a value one row has, by field. A value has it as often as it has rows.
    one_row: Vec<f64>,
    /// Of the numbers below [`COUNTED`], for most values are of few rows.
    counts: Vec<f64>,
    prior: [f64; 3],
    strangers: f64,
}

/// Places of the classes.
const PERSON: usize = 0;
const MOVED: usize = 1;
const HOUSEHOLD: usize = 2;

const STRANGERS: usize = 3;
/// Rows of one value whose logarithm is kept.
const COUNTED: u32 = 4_096;

/// ln of prior times likelihood of a pair in each class, strangers last.
#[derive(Clone, Copy)]
pub struct Classes([f64; 4]);

/// ln of the sum of what the logarithms stand for.
fn sum_of(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
}

impl Classes {
    /// That the two are one person.
    pub fn probability(self) -> f64 {
        1.0 / (1.0 + (-self.log_odds()).exp())
    }

    /// ln of the odds that the two are one person.
    pub fn log_odds(self) -> f64 {
        sum_of(&self.0[..HOUSEHOLD]) - sum_of(&self.0[HOUSEHOLD..])
    }

    /// ln of how much less likely a match is for households being there.
    pub fn household_cost(self) -> f64 {
        self.0[3] - sum_of(&self.0[HOUSEHOLD..])
    }

    /// ln of how much likelier a match is for people moving.
    pub fn moving_gain(self) -> f64 {
        sum_of(&self.0[..HOUSEHOLD]) - self.0[PERSON]
    }

    /// Whether [`Classes::log_odds`] may be `least` or more, without a sum.
    pub fn may_reach(self, least: f64) -> bool {
        let [person, moved, household, strangers] = self.0;
        person.max(moved) + std::f64::consts::LN_2 - household.max(strangers) >= least
    }

    fn shares(self) -> [f64; 3] {
        let all = sum_of(&self.0);
        [PERSON, MOVED, HOUSEHOLD].map(|class| (self.0[class] - all).exp())
    }
}

/// What one person twice looks like before anything is learnt, and how many pairs this counts for.
const START: [f64; LEVELS] = [1.0, 0.80, 0.08, 0.01, 0.02, 0.02, 0.01, 0.01, 0.05];
const START_COUNTS: f64 = 20.0;
/// Records that are somebody's second, before anything is learnt.
const START_DOUBLES: f64 = 0.05;
const ROUNDS: usize = 40;
/// Random pairs that are compared; where there are fewer, all of them.
const RANDOM: u64 = 1_000_000;
/// No level is less likely than this.
const LEAST: f64 = 1e-9;
/// ln of it.
const LN_LEAST: f64 = -20.723_265_836_946_41;

fn pairs(n: u32) -> f64 {
    (f64::from(n) * (f64::from(n) - 1.0) / 2.0).max(1.0)
}

impl Model {
    pub fn new(records: &Records, comparison: &Comparison<'_>, host: &impl Host) -> Model {
        let kinds = records.kinds();
        let all_pairs = pairs(records.len());
        let present: Vec<f64> = records.columns.iter().map(|c| pairs(c.present)).collect();
        let mut all = random_levels(records, comparison, host);
        for (levels, column) in all.iter_mut().zip(&records.columns) {
            levels[Level::Exact as usize] = (column.same as f64 / pairs(column.present)).clamp(LEAST, 1.0);
        }
        let possible = possible(&kinds);
        let doubles = START_DOUBLES * f64::from(records.len()) / all_pairs;
        let mut model = Model {
            places: Dependence::new(records, Kind::is_place),
            names: Dependence::new(records, Kind::is_name),
            mail: Mail::new(records, comparison, &all),
            prior: possible.map(|is| if is { doubles } else { 0.0 }),
            rarer: vec![1.0; kinds.len()],
            near: std::array::from_fn(|_| vec![START; kinds.len()]),
            u: all.clone(),
            all,
            all_pairs,
            present,
            possible,
            plain: Vec::new(),
            kept_moving: (0..kinds.len()).filter(|f| kinds[*f].is_kept_moving()).collect(),
            kinds,
            logs: Logs::default(),
        };
        model.plain = (0..model.kinds.len()).map(|field| model.plain(field)).collect();
        for (class, field) in model.others() {
            model.near[class][field] = model.between(field);
        }
        model.take_logs(records);
        model
    }

    fn take_logs(&mut self, records: &Records) {
        let [person, moved, household] = &self.near;
        let of = |field: usize| {
            let each = [person, moved, household, &self.u];
            std::array::from_fn(|level| each.map(|table| table[field][level].ln()))
        };
        let columns = records.columns.iter().zip(&self.rarer);
        self.logs = Logs {
            levels: (0..self.kinds.len()).map(of).collect(),
            one_row: columns
                .map(|(column, rarer)| (rarer / f64::from(column.present.max(1))).ln())
                .collect(),
            counts: (0..COUNTED).map(|count| f64::from(count).ln()).collect(),
            prior: self.prior.map(|prior| prior.max(1e-300).ln()),
            strangers: (1.0 - self.prior.iter().sum::<f64>()).ln(),
        };
    }

    /// Halfway from one person to strangers, where a class may be anything.
    fn between(&self, field: usize) -> [f64; LEVELS] {
        std::array::from_fn(|l| (self.near[PERSON][field][l] + self.u[field][l]) / 2.0)
    }

    fn others(&self) -> Vec<(usize, usize)> {
        let fields = 0..self.kinds.len();
        fields
            .flat_map(|field| [(MOVED, field), (HOUSEHOLD, field)])
            .collect()
    }

    /// What is known of a pair.
    pub fn seen(&self, records: &Records, rows: (u32, u32), pattern: Pattern) -> Seen {
        let implied = self.places.implied(pattern);
        let mut apart = 0.0;
        for (field, levels) in self.logs.levels.iter().enumerate() {
            let level = pattern.level(field);
            let plain = self.plain[field] >> level & !(implied >> field) & 1 != 0;
            apart += if plain {
                levels[level][STRANGERS]
            } else {
                self.apart_in(records, field, rows, pattern, implied)
            };
        }
        Seen { pattern, apart }
    }

    /// ln of the chance that two strangers agree so in a field: for the same value, how common it is; for one that another
    /// field implies, how surely. For two names that are alike it is at least how common the rarer one is: two names that
    /// many have are no slip of each other.
    pub fn apart(&self, records: &Records, field: usize, rows: (u32, u32), pattern: Pattern) -> f64 {
        self.apart_in(records, field, rows, pattern, self.places.implied(pattern))
    }

    fn apart_in(
        &self,
        records: &Records,
        field: usize,
        (a, b): (u32, u32),
        pattern: Pattern,
        implied: u64,
    ) -> f64 {
        if implied & (1 << field) != 0 {
            return self.places.implied_log(field);
        }
        let level = pattern.level(field);
        let strangers = self.logs.levels[field][level][STRANGERS];
        let count = |row: u32| records.count(records.row(row)[field]);
        let common = |count: u32| {
            let known = self.logs.counts.get(count as usize).copied();
            let log = known.unwrap_or_else(|| f64::from(count).ln());
            (self.logs.one_row[field] + log).max(LN_LEAST)
        };
        if level == Level::Exact as usize {
            return common(count(a));
        }
        if is_alike(level) && self.kinds[field].is_name() {
            return strangers.max(common(count(a).min(count(b))));
        }
        let mail = self.mail.as_ref().and_then(|mail| mail.apart(field, pattern));
        mail.unwrap_or(strangers)
    }

    /// See [`Model::plain`]: what [`Model::apart_in`] does not look at any further.
    fn plain(&self, field: usize) -> u64 {
        let mail = self.mail.as_ref().is_some_and(|mail| mail.is_of(field));
        let name = self.kinds[field].is_name();
        let looks = |level: usize| level == Level::Exact as usize || mail || name && is_alike(level);
        let plain = |level: usize| level == Level::Missing as usize || !looks(level);
        (0..LEVELS)
            .filter(|level| plain(*level))
            .fold(0, |all, level| all | 1 << level)
    }

    /// The same for one person twice.
    pub fn together(&self, field: usize, level: usize) -> f64 {
        self.logs.levels[field][level][PERSON]
    }

    /// ln of how much more often strangers agree in this place, and in this name, than the fields say one by one.
    pub fn depends(&self, pattern: Pattern) -> f64 {
        self.places.log(pattern) + self.names.log(pattern)
    }

    /// ln of the odds of a match before anything is compared.
    pub fn prior(&self) -> f64 {
        (self.prior[PERSON] / (1.0 - self.prior.iter().sum::<f64>())).ln()
    }

    pub fn classes(&self, seen: Seen) -> Classes {
        let mut sums = [0.0; 3];
        for (field, levels) in self.logs.levels.iter().enumerate() {
            let level = &levels[seen.pattern.level(field)];
            sums.iter_mut().zip(level).for_each(|(sum, log)| *sum += log);
        }
        let class = |class: usize| -> f64 {
            if !self.possible[class] || class == MOVED && !self.is_reached(seen.pattern) {
                return f64::NEG_INFINITY;
            }
            self.logs.prior[class] + sums[class]
        };
        let strangers = self.logs.strangers + seen.apart + self.depends(seen.pattern);
        Classes([class(PERSON), class(MOVED), class(HOUSEHOLD), strangers])
    }

    /// Whether the two are reached the same way: without that, who moved cannot be told from a namesake.
    fn is_reached(&self, pattern: Pattern) -> bool {
        let alike = |level: usize| level == Level::Exact as usize || level == Level::Close as usize;
        self.kept_moving.iter().any(|field| alike(pattern.level(*field)))
    }

    /// Learns from pairs worth a look, `sampled` of which stand for one each.
    pub fn learn(&mut self, records: &Records, found: &[((u32, u32), Pattern)], each: f64) {
        for _ in 0..ROUNDS {
            let before = self.prior[PERSON];
            self.round(records, found, each);
            if (self.prior[PERSON] / before - 1.0).abs() < 1e-4 {
                break;
            }
        }
    }

    fn round(&mut self, records: &Records, found: &[((u32, u32), Pattern)], each: f64) {
        let fields = self.kinds.len();
        let mut counts: [Table; 3] = std::array::from_fn(|_| vec![[0.0; LEVELS]; fields]);
        let mut totals = [0.0; 3];
        let mut places = vec![0.0; self.places.sets()];
        let mut names = vec![0.0; self.names.sets()];
        for (rows, pattern) in found {
            let shares = self.classes(self.seen(records, *rows, *pattern)).shares();
            for (class, share) in shares.iter().enumerate() {
                totals[class] += share * each;
                for field in 0..fields {
                    counts[class][field][pattern.level(field)] += share * each;
                }
            }
            places[self.places.set(*pattern)] += (shares[PERSON] + shares[HOUSEHOLD]) * each / self.all_pairs;
            names[self.names.set(*pattern)] += (shares[PERSON] + shares[MOVED]) * each / self.all_pairs;
        }
        totals[PERSON] = totals[PERSON].max(0.5);
        self.prior = totals.map(|total| total / self.all_pairs);
        for field in 0..fields {
            self.learn_strangers(field, &counts);
        }
        self.learn_person(&counts);
        for (class, field) in self.others() {
            self.near[class][field] = match role(class, self.kinds[field]) {
                Role::AsPerson => self.near[PERSON][field],
                Role::AsStrangers => self.u[field],
                Role::Learnt => shares(&counts[class][field], &self.between(field), START_COUNTS),
                Role::Mixed => self.mixed(field, &counts[class][field]),
            };
        }
        let exact: Vec<f64> = self
            .u
            .iter()
            .map(|levels| levels[Level::Exact as usize])
            .collect();
        self.places.learn(&places, |field| exact[field]);
        self.names.learn(&names, |field| exact[field]);
        self.take_logs(records);
    }

    /// A surname is the same in some households, and typed wrong as often as anywhere, and another one in the rest.
    fn mixed(&self, field: usize, counts: &[f64; LEVELS]) -> [f64; LEVELS] {
        let different = counts[Level::Different as usize] + START_COUNTS / 2.0;
        let all = counts[1..].iter().sum::<f64>() + START_COUNTS;
        let same = 1.0 - different / all;
        std::array::from_fn(|l| same * self.near[PERSON][field][l] + (1.0 - same) * self.u[field][l])
    }

    /// What one person twice looks like. See the module for the names.
    fn learn_person(&mut self, counts: &[Table; 3]) {
        let fields = self.kinds.len();
        let mut person = counts[PERSON].clone();
        for ((sum, moved), kind) in person.iter_mut().zip(&counts[MOVED]).zip(&self.kinds) {
            if matches!(role(MOVED, *kind), Role::AsPerson) {
                add(sum, moved);
            }
        }
        let names: Vec<usize> = (0..fields).filter(|f| self.kinds[*f].is_name()).collect();
        if self.possible[HOUSEHOLD] {
            let sum =
                |level: usize| names.iter().map(|f| person[*f][level]).sum::<f64>() / names.len() as f64;
            let mean: [f64; LEVELS] = std::array::from_fn(sum);
            names.iter().for_each(|f| person[*f] = mean);
        }
        for (levels, counted) in self.near[PERSON].iter_mut().zip(&person) {
            *levels = shares(counted, &START, START_COUNTS);
        }
    }

    /// What strangers look like: all pairs but those that are something else.
    fn learn_strangers(&mut self, field: usize, counts: &[Table; 3]) {
        let mut known = [0.0; LEVELS];
        counts.iter().for_each(|class| add(&mut known, &class[field]));
        let compared: f64 = known[1..].iter().sum();
        let left = (self.present[field] - compared).max(1.0);
        for (level, known) in known.iter().enumerate().skip(1) {
            let there = self.all[field][level] * self.present[field];
            self.u[field][level] = ((there - known).max(there / 20.0) / left).clamp(LEAST, 1.0);
        }
        let exact = Level::Exact as usize;
        self.rarer[field] = (self.u[field][exact] / self.all[field][exact]).clamp(0.05, 1.0);
    }
}

/// Whether two values are alike, and not the same.
fn is_alike(level: usize) -> bool {
    level > Level::Exact as usize && level < Level::Part as usize
}

fn add(sum: &mut [f64; LEVELS], more: &[f64; LEVELS]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// Where the levels of a field come from in the classes between one person and strangers.
enum Role {
    AsPerson,
    AsStrangers,
    Learnt,
    /// Some like one person, some like strangers.
    Mixed,
}

fn role(class: usize, kind: Kind) -> Role {
    match (class, kind) {
        (MOVED, k) if k.is_place() => Role::Learnt,
        (MOVED, Kind::StreetNumber | Kind::Address) => Role::AsStrangers,
        (MOVED, _) => Role::AsPerson,
        (_, k) if k.is_shared() => Role::AsPerson,
        (_, Kind::Surname) => Role::Mixed,
        (_, Kind::Phone | Kind::Email | Kind::Text) => Role::Learnt,
        _ => Role::AsStrangers,
    }
}

/// Households need a given name to tell people apart; that somebody moved needs another way to know the person by.
fn possible(kinds: &[Kind]) -> [bool; 3] {
    let has = |any: &[Kind]| kinds.iter().any(|k| any.contains(k));
    let reached = kinds.iter().any(|k| k.is_kept_moving());
    let lives = has(&[Kind::Address]);
    let household = has(&[Kind::GivenName]) && (lives || has(&[Kind::Phone]));
    [
        true,
        reached && (lives || has(&[Kind::Suburb, Kind::PostCode])),
        household,
    ]
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

/// Shares of the levels of each field in random pairs, or in all where they are few. What was never seen is as rare as a
/// third of one pair.
fn random_levels(records: &Records, comparison: &Comparison<'_>, host: &impl Host) -> Table {
    let rows = u64::from(records.len());
    let mut counts = vec![[0.0; LEVELS]; records.columns.len()];
    let mut chance = Draw::default();
    let mut next = || chance.below(rows) as u32;
    if rows > 1 {
        let drawn: Vec<(u32, u32)> = match rows * (rows - 1) / 2 <= RANDOM {
            true => (0..rows as u32)
                .flat_map(|a| (0..a).map(move |b| (a, b)))
                .collect(),
            false => (0..RANDOM).map(|_| (next(), next())).collect(),
        };
        let found = in_two(host, &drawn, |some| {
            let mut counts = vec![[0.0; LEVELS]; records.columns.len()];
            let pairs = some.iter().copied().filter(|(a, b)| a != b);
            comparison.each(pairs, |_, pattern| {
                for (field, levels) in counts.iter_mut().enumerate() {
                    levels[pattern.level(field)] += 1.0;
                }
            });
            counts
        });
        for (sum, more) in found.iter().flat_map(|found| found.iter().enumerate()) {
            add(&mut counts[sum], more);
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
