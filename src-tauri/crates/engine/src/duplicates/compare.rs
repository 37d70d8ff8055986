//! How two records agree in each field.

use super::records::{Records, Value};
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
    #[inline]
    pub fn level(self, field: usize) -> usize {
        (self.0 >> (field * 4) & 15) as usize
    }

    #[inline]
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

/// Pairs that are compared together: what is known of them stays in the first cache.
const AT_ONCE: usize = 128;

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
            let level = match (*x, *y) {
                (0, _) | (_, 0) => Level::Missing,
                (x, y) if x == y => Level::Exact,
                (x, y) => self.similarity(column.kind, self.records.value(x), self.records.value(y)),
            };
            pattern.set(field, level);
        }
        for swap in &self.swaps {
            self.swap(*swap, a, b, &mut pattern);
        }
        pattern
    }

    /// Calls `seen` with all pairs, each in its turn, and what [`Comparison::pattern`] says of it.
    pub fn each(
        &self,
        pairs: impl IntoIterator<Item = (u32, u32)>,
        mut seen: impl FnMut((u32, u32), Pattern),
    ) {
        let (mut pairs, mut some) = (pairs.into_iter(), Vec::with_capacity(AT_ONCE));
        loop {
            some.clear();
            some.extend(pairs.by_ref().take(AT_ONCE));
            if some.is_empty() {
                return;
            }
            let patterns = self.patterns(&some);
            some.iter()
                .zip(patterns)
                .for_each(|(pair, pattern)| seen(*pair, pattern));
        }
    }

    /// What [`Comparison::pattern`] says of each of some pairs. Rows and values lie far apart in memory: those of many pairs
    /// are fetched together, field by field, before anything is decided by them.
    fn patterns(&self, pairs: &[(u32, u32)]) -> Vec<Pattern> {
        let mut patterns = vec![Pattern::default(); pairs.len()];
        let mut open = Vec::with_capacity(pairs.len());
        let mut fetched = Vec::with_capacity(pairs.len());
        for (field, column) in self.records.columns.iter().enumerate() {
            open.clear();
            for (pair, (pattern, (a, b))) in patterns.iter_mut().zip(pairs).enumerate() {
                let (x, y) = (self.records.row(*a)[field], self.records.row(*b)[field]);
                match x != 0 && y != 0 {
                    true if x != y => open.push((pair, x, y)),
                    true => pattern.set(field, Level::Exact),
                    false => {}
                }
            }
            let value = |id: &u32| *self.records.value(*id);
            fetched.clear();
            fetched.extend(open.iter().map(|(pair, x, y)| (*pair, value(x), value(y))));
            for (pair, a, b) in &fetched {
                patterns[*pair].set(field, self.similarity(column.kind, a, b));
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
            let kind = self.records.columns[f].kind;
            self.similarity(kind, self.records.value(x), self.records.value(y))
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

    /// How two values agree, of one field or of two whose values may have changed places.
    fn similarity(&self, kind: Kind, a: &Value, b: &Value) -> Level {
        if may_be_alike(kind, a, b) {
            self.looked_at(kind, a, b)
        } else {
            unlike(kind, has_same_part(a, b))
        }
    }

    /// The same for values that [`may_be_alike`].
    fn looked_at(&self, kind: Kind, a: &Value, b: &Value) -> Level {
        let same_part = has_same_part(a, b);
        let (a, b) = (self.records.text(a), self.records.text(b));
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
}

/// Jaro-Winkler similarity from which two texts are close.
const CLOSE: f32 = 0.93;

fn has_same_part(a: &Value, b: &Value) -> bool {
    (a.part != 0) & (a.part == b.part)
}

/// Whether the texts of two values need a look: where not, [`unlike`] says it all.
#[inline]
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [Kind; 11] = [
        Kind::GivenName,
        Kind::Surname,
        Kind::Address,
        Kind::Address,
        Kind::StreetNumber,
        Kind::PostCode,
        Kind::Phone,
        Kind::Email,
        Kind::Date,
        Kind::Text,
        Kind::Identifier,
    ];

    proptest! {
        #[test]
        fn many_pairs_together_are_what_each_is_alone(
            rows in prop::collection::vec(prop::collection::vec("[ab]{0,4}|[a-c]{14,18}|[12]{5,9}|[ab]{1,4}@[a-c]{12,18}", 11), 20)
        ) {
            let mut records = Records::new(&KINDS);
            for row in &rows {
                records.push(row.iter().map(String::as_str));
            }
            records.push(rows[0].iter().rev().map(String::as_str));
            let comparison = Comparison::new(&records);
            let pairs = || (0..records.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
            let mut found = Vec::new();
            comparison.each(pairs(), |pair, pattern| found.push((pair, pattern)));
            let alone: Vec<_> = pairs().map(|(a, b)| ((a, b), comparison.pattern(a, b))).collect();
            prop_assert_eq!(found, alone);
        }

        #[test]
        fn what_needs_no_look_is_said_by_its_parts(a in "[ab]{1,4}|[a-f]{14,18}", b in "[ab]{1,4}|[a-f]{14,18}") {
            for kind in KINDS {
                let mut records = Records::new(&[kind]);
                records.push([a.as_str()]);
                records.push([b.as_str()]);
                let [x, y] = [0, 1].map(|row| records.value(records.row(row)[0]));
                let comparison = Comparison::new(&records);
                if x.outline.len().min(y.outline.len()) > 0 {
                    prop_assert_eq!(comparison.similarity(kind, x, y), comparison.looked_at(kind, x, y));
                }
            }
        }
    }
}
