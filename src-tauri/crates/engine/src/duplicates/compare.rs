//! How two records agree in each field.

use super::records::{Column, Records, Value};
use super::{Kind, similar};

/// How two values of a field agree. Each weighs what the records say it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// At least one of the two is missing: says nothing.
    Missing,
    Exact,
    /// One slip of the keyboard, or nearly all letters.
    Close,
    /// Names that sound the same.
    Sounds,
    Similar,
    /// A part is the same: the local part of an address, the longest word, the first half of a post code.
    Part,
    /// One is the other's first letter.
    Initial,
    /// Found in the neighbouring field: given name and surname, or lines of an address.
    Swapped,
    Different,
}

/// Levels there are.
pub const LEVELS: usize = 9;

impl Level {
    pub const ALL: [Level; LEVELS] = [
        Level::Missing,
        Level::Exact,
        Level::Close,
        Level::Sounds,
        Level::Similar,
        Level::Part,
        Level::Initial,
        Level::Swapped,
        Level::Different,
    ];

    /// Whether the two say the same.
    fn is_alike(self) -> bool {
        matches!(self, Level::Exact | Level::Close | Level::Sounds)
    }
}

/// The levels of all fields, four bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(u64);

impl Pattern {
    pub fn level(self, field: usize) -> usize {
        (self.0 >> (field * 4) & 15) as usize
    }

    pub fn set(&mut self, field: usize, level: Level) {
        self.0 = self.0 & !(15 << (field * 4)) | (level as u64) << (field * 4);
    }
}

/// Two fields whose values may have changed places.
#[derive(Clone, Copy)]
struct Swap(usize, usize);

/// Compares records of one set.
pub struct Comparison<'a> {
    records: &'a Records,
    swaps: Vec<Swap>,
}

/// Two values of a pair, by its place among the pairs that are compared together.
#[derive(Clone, Copy, Default)]
struct Both {
    pair: usize,
    values: (u32, u32),
}

impl<'a> Comparison<'a> {
    pub fn new(records: &'a Records) -> Comparison<'a> {
        let columns = &records.columns;
        let of = |kind: Kind| (0..columns.len()).filter(move |i| columns[*i].kind == kind);
        let names = of(Kind::GivenName).flat_map(|g| of(Kind::Surname).map(move |s| Swap(g, s)));
        let lines = of(Kind::Address)
            .flat_map(|a| of(Kind::Address).filter(move |b| a < *b).map(move |b| Swap(a, b)));
        Comparison {
            swaps: names.chain(lines).collect(),
            records,
        }
    }

    pub fn pattern(&self, a: u32, b: u32) -> Pattern {
        let mut pattern = Pattern::default();
        let values = self.records.row(a).iter().zip(self.records.row(b));
        for ((field, column), (x, y)) in self.records.columns.iter().enumerate().zip(values) {
            pattern.set(field, level(column, *x, *y));
        }
        for swap in &self.swaps {
            self.swap(*swap, a, b, &mut pattern);
        }
        pattern
    }

    /// What [`Comparison::pattern`] says of each of some pairs, a few hundred at best. They are compared field by field:
    /// rows and values lie far apart in memory, and so those of several pairs are fetched at the same time.
    pub fn patterns(&self, pairs: &[(u32, u32)]) -> Vec<Pattern> {
        let mut patterns = vec![Pattern::default(); pairs.len()];
        let mut open = vec![Both::default(); pairs.len()];
        let mut alike = open.clone();
        for (field, column) in self.records.columns.iter().enumerate() {
            let mut opened = 0;
            for (pair, ((a, b), pattern)) in pairs.iter().zip(&mut patterns).enumerate() {
                let values @ (x, y) = (self.records.row(*a)[field], self.records.row(*b)[field]);
                let there = x != 0 && y != 0;
                let known = if there { Level::Exact } else { Level::Missing };
                pattern.set(field, known);
                open[opened] = Both { pair, values };
                opened += usize::from(there & (x != y));
            }
            let mut left = 0;
            for both in &open[..opened] {
                let (a, b) = (column.value(both.values.0), column.value(both.values.1));
                patterns[both.pair].set(field, unlike(column.kind, has_same_part(a, b)));
                alike[left] = *both;
                left += usize::from(may_be_alike(column.kind, a, b));
            }
            for Both { pair, values: (x, y) } in &alike[..left] {
                let level = similarity(column.kind, (column, *x), (column, *y));
                patterns[*pair].set(field, level);
            }
        }
        for swap in &self.swaps {
            for ((a, b), pattern) in pairs.iter().zip(&mut patterns) {
                self.swap(*swap, *a, *b, pattern);
            }
        }
        patterns
    }

    /// Where neither field agrees with itself, each may agree with the other. Both together are one finding: the first
    /// says it, the second nothing.
    fn swap(&self, Swap(f, g): Swap, a: u32, b: u32, pattern: &mut Pattern) {
        let open = |field| {
            let level = pattern.level(field);
            level == Level::Missing as usize || level == Level::Different as usize
        };
        if !open(f) || !open(g) {
            return;
        }
        let across = |f: usize, g: usize| {
            let (x, y) = (self.records.row(a)[f], self.records.row(b)[g]);
            if x == 0 || y == 0 {
                return Level::Missing;
            }
            let [of_f, of_g] = [f, g].map(|field| &self.records.columns[field]);
            similarity(of_f.kind, (of_f, x), (of_g, y))
        };
        let one = across(f, g);
        if one == Level::Different {
            return;
        }
        let other = across(g, f);
        if other != Level::Different && (one.is_alike() || other.is_alike()) {
            pattern.set(f, Level::Swapped);
            pattern.set(g, Level::Missing);
        }
    }
}

fn level(column: &Column, x: u32, y: u32) -> Level {
    match (x, y) {
        (0, _) | (_, 0) => Level::Missing,
        (x, y) if x == y => Level::Exact,
        (x, y) => similarity(column.kind, (column, x), (column, y)),
    }
}

/// Jaro-Winkler similarity from which two texts are close.
const CLOSE: f32 = 0.93;

fn has_same_part(a: &Value, b: &Value) -> bool {
    (a.part != 0) & (a.part == b.part)
}

/// Whether the texts of two values need a look: where not, [`unlike`] says it all.
fn may_be_alike(kind: Kind, a: &Value, b: &Value) -> bool {
    let (one, other) = (&a.outline, &b.outline);
    match kind {
        Kind::StreetNumber | Kind::PostCode | Kind::Phone | Kind::Identifier => one.may_be_one_slip(other),
        // Day and month may have changed places, which an outline does not tell.
        Kind::Date => true,
        Kind::GivenName | Kind::Surname if (one.len() == 1) | (other.len() == 1) => true,
        _ => one.may_be_similar(other),
    }
}

/// How two values agree whose texts do not.
fn unlike(kind: Kind, same_part: bool) -> Level {
    match same_part {
        false => Level::Different,
        true if kind.is_name() => Level::Sounds,
        true => Level::Part,
    }
}

/// How two values agree, of one column or of two whose values may have changed places.
fn similarity(kind: Kind, (of_a, a): (&Column, u32), (of_b, b): (&Column, u32)) -> Level {
    let (a, b) = (of_a.value(a), of_b.value(b));
    let same_part = has_same_part(a, b);
    if !may_be_alike(kind, a, b) {
        return unlike(kind, same_part);
    }
    let (a, b) = (of_a.text(a), of_b.text(b));
    if a == b {
        return Level::Exact;
    }
    match kind {
        Kind::StreetNumber | Kind::PostCode | Kind::Phone | Kind::Date | Kind::Identifier => {
            digits(kind, a, b, same_part)
        }
        Kind::Email if same_part => Level::Part,
        _ => text(kind, a, b, same_part),
    }
}

fn digits(kind: Kind, a: &[u8], b: &[u8], same_part: bool) -> Level {
    let long = a.len() > 1 && b.len() > 1;
    if long && similar::one_slip(a, b) {
        return Level::Close;
    }
    // Day and month exchanged, or the halves of what was read from right to left.
    if kind == Kind::Date
        && a.len() == 8
        && b.len() == 8
        && a[..4] == b[..4]
        && a[4..6] == b[6..]
        && a[6..] == b[4..6]
    {
        return Level::Swapped;
    }
    unlike(kind, same_part)
}

fn text(kind: Kind, a: &[u8], b: &[u8], same_part: bool) -> Level {
    if kind.is_name() && (a.len() == 1 || b.len() == 1) {
        return if a[0] == b[0] {
            Level::Initial
        } else {
            Level::Different
        };
    }
    match similar::if_similar(a, b) {
        Some(s) if s >= CLOSE || similar::one_slip(a, b) => Level::Close,
        Some(_) if kind.is_name() && same_part => Level::Sounds,
        Some(_) => Level::Similar,
        None => unlike(kind, same_part),
    }
}
