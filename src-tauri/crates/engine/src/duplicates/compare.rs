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
    columns: &'a [Column],
    /// The values of all fields, row by row: two rows are read at two places and not at two in each field.
    rows: Vec<u32>,
    swaps: Vec<Swap>,
}

impl<'a> Comparison<'a> {
    pub fn new(records: &'a Records) -> Comparison<'a> {
        let columns = &records.columns;
        let of = |kind: Kind| (0..columns.len()).filter(move |i| columns[*i].kind == kind);
        let names = of(Kind::GivenName).flat_map(|g| of(Kind::Surname).map(move |s| Swap(g, s)));
        let lines = of(Kind::Address)
            .flat_map(|a| of(Kind::Address).filter(move |b| a < *b).map(move |b| Swap(a, b)));
        let all = 0..records.len() as usize;
        Comparison {
            rows: all
                .flat_map(|row| columns.iter().map(move |column| column.rows[row]))
                .collect(),
            swaps: names.chain(lines).collect(),
            columns,
        }
    }

    fn row(&self, row: u32) -> &[u32] {
        let fields = self.columns.len();
        &self.rows[row as usize * fields..][..fields]
    }

    pub fn pattern(&self, a: u32, b: u32) -> Pattern {
        let mut pattern = Pattern::default();
        let values = self.row(a).iter().zip(self.row(b));
        for ((field, column), (x, y)) in self.columns.iter().enumerate().zip(values) {
            pattern.set(field, level(column, *x, *y));
        }
        for swap in &self.swaps {
            self.swap(*swap, a, b, &mut pattern);
        }
        pattern
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
            let (x, y) = (self.row(a)[f], self.row(b)[g]);
            if x == 0 || y == 0 {
                return Level::Missing;
            }
            similarity(
                self.columns[f].kind,
                self.columns[f].value(x),
                self.columns[g].value(y),
            )
        };
        let both = [across(f, g), across(g, f)];
        let against = both.contains(&Level::Different);
        if both.iter().any(|l| l.is_alike()) && !against {
            pattern.set(f, Level::Swapped);
            pattern.set(g, Level::Missing);
        }
    }
}

fn level(column: &Column, x: u32, y: u32) -> Level {
    match (x, y) {
        (0, _) | (_, 0) => Level::Missing,
        (x, y) if x == y => Level::Exact,
        (x, y) => similarity(column.kind, column.value(x), column.value(y)),
    }
}

/// Jaro-Winkler similarity from which two texts are close.
const CLOSE: f32 = 0.93;

fn similarity(kind: Kind, a: Value<'_>, b: Value<'_>) -> Level {
    if a.bytes == b.bytes {
        return Level::Exact;
    }
    let same_part = a.part != 0 && a.part == b.part;
    match kind {
        Kind::StreetNumber | Kind::PostCode | Kind::Phone | Kind::Date | Kind::Identifier => {
            digits(kind, a.bytes, b.bytes, same_part)
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
    if same_part { Level::Part } else { Level::Different }
}

fn text(kind: Kind, a: Value<'_>, b: Value<'_>, same_part: bool) -> Level {
    let one_letter = a.bytes.len() == 1 || b.bytes.len() == 1;
    if kind.is_name() && one_letter {
        return if a.bytes[0] == b.bytes[0] {
            Level::Initial
        } else {
            Level::Different
        };
    }
    let alike = match a.outline.may_be_similar(b.outline) {
        true => similar::if_similar(a.bytes, b.bytes),
        false => None,
    };
    match alike {
        Some(s) if s >= CLOSE || similar::one_slip(a.bytes, b.bytes) => Level::Close,
        _ if kind.is_name() && same_part => Level::Sounds,
        Some(_) => Level::Similar,
        None if same_part => Level::Part,
        None => Level::Different,
    }
}
