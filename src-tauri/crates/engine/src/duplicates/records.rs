//! Rows as they are compared: each distinct value of a field once, and a number a row.

use super::similar::{self, Outline};
use super::{Kind, MOST_FIELDS};
use crate::segment::text::fold;
use rphonetic::{DoubleMetaphone, Encoder};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest text that is read of a value, in bytes.
const READ: usize = 1_024;
/// Codes of a value by which [`super::blocks`] finds its like, at most.
pub const CODES: usize = 3;

/// What is compared of a value, in half a line of the cache, for values are looked up at random.
#[derive(Clone, Copy, Default)]
pub struct Value {
    pub outline: Outline,
    /// Names: how it sounds. Texts: the longest word. E-mail and phones: the part that is compared alone. 0: none.
    pub part: u32,
    /// Where the text is that the outline has no room for.
    start: u32,
}

/// One field of all rows.
pub struct Column {
    pub kind: Kind,
    known: HashMap<u64, u32, BuildHasherDefault<Ready>>,
    /// Rows that have a value.
    pub present: u32,
    /// Pairs of rows that have the same one.
    pub same: u64,
}

/// The distinct values of all fields in the order they were first seen: what is new in one row stands side by side.
/// Number 0 is none.
struct Values {
    values: Vec<Value>,
    /// The texts that are longer than an outline.
    bytes: Vec<u8>,
    codes: Vec<[u32; CODES]>,
    /// How many rows have each.
    counts: Vec<u32>,
}

/// The rows to look at: fields are named by their place.
pub struct Records {
    pub(super) columns: Vec<Column>,
    /// The values of all fields, row by row, 0 where there is none: a row is read at one place and not at one a field.
    rows: Vec<u32>,
    values: Values,
    /// The column of house numbers that were found in addresses, where no field has them.
    derived: Option<usize>,
    given: usize,
    len: u32,
    scratch: String,
}

/// Keys are hashes already.
#[derive(Default)]
pub struct Ready(u64);

impl Hasher for Ready {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(self.0, bytes);
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// A hash with a seed, the same on every machine.
pub fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(seed, 0);
    hasher.write(bytes);
    hasher.finish()
}

/// Numbers that look random, the same each time (Knuth's MMIX generator).
pub struct Draw(u64);

impl Default for Draw {
    fn default() -> Draw {
        Draw(0x0005_deec_e66d)
    }
}

impl Draw {
    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }
}

fn short(seed: u64, bytes: &[u8]) -> u32 {
    (hash(seed, bytes) as u32).max(1)
}

impl Records {
    /// No rows yet, with a field of each kind. At most [`MOST_FIELDS`]; what is more is not compared.
    pub fn new(kinds: &[Kind]) -> Records {
        let has = |kind| kinds.contains(&kind);
        let derived = !has(Kind::StreetNumber) && has(Kind::Address) && kinds.len() < MOST_FIELDS;
        let given = kinds.len().min(MOST_FIELDS);
        let all = kinds
            .iter()
            .take(given)
            .copied()
            .chain(derived.then_some(Kind::StreetNumber));
        Records {
            columns: all.map(Column::new).collect(),
            rows: Vec::new(),
            values: Values::default(),
            derived: derived.then_some(given),
            given,
            len: 0,
            scratch: String::new(),
        }
    }

    /// Rows so far.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The kinds of the fields in their order; numbers taken out of addresses are the last, beyond the fields given.
    pub fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|c| c.kind).collect()
    }

    /// One more row, its values in the order of the fields. A missing or empty value says nothing, and so do rows beyond
    /// the four billion that have a number, or whose values have none.
    pub fn push<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        let (Some(len), true) = (self.len.checked_add(1), self.values.have_room()) else {
            return;
        };
        self.len = len;
        let start = self.rows.len();
        self.rows.resize(start + self.columns.len(), 0);
        let row = &mut self.rows[start..];
        let mut number = String::new();
        for (i, value) in values.into_iter().take(self.given).enumerate() {
            let kind = self.columns[i].kind;
            self.scratch.clear();
            normalise(kind, upto(value), &mut self.scratch);
            if kind == Kind::Address && self.derived.is_some() {
                take_number(&mut self.scratch, &mut number);
            }
            row[i] = self.columns[i].push(&self.scratch, &mut self.values);
        }
        if let Some(derived) = self.derived {
            row[derived] = self.columns[derived].push(&number, &mut self.values);
        }
    }

    /// The values of a row in the order of the columns, 0 where there is none.
    #[inline]
    pub(super) fn row(&self, row: u32) -> &[u32] {
        let fields = self.columns.len();
        &self.rows[row as usize * fields..][..fields]
    }

    /// Numbers of values, with 0 for none.
    pub(super) fn values(&self) -> u32 {
        self.values.counts.len() as u32
    }

    #[inline]
    pub(super) fn value(&self, id: u32) -> &Value {
        &self.values.values[id as usize]
    }

    /// The text of a value as it is compared, one byte a character.
    #[inline]
    pub(super) fn text<'a>(&'a self, value: &'a Value) -> &'a [u8] {
        let kept = || &self.values.bytes[value.start as usize..][..value.outline.len()];
        value.outline.text().unwrap_or_else(kept)
    }

    /// The codes of a value, 0 for none.
    pub(super) fn codes(&self, id: u32) -> [u32; CODES] {
        self.values.codes[id as usize]
    }

    /// How many rows have a value.
    #[inline]
    pub(super) fn count(&self, id: u32) -> u32 {
        self.values.counts[id as usize]
    }

    /// Nothing more is pushed: what only served pushing is given back.
    pub(super) fn close(&mut self) {
        for column in &mut self.columns {
            column.known = HashMap::default();
        }
        self.rows.shrink_to_fit();
        self.values.values.shrink_to_fit();
        self.values.bytes.shrink_to_fit();
        self.values.codes.shrink_to_fit();
        self.values.counts.shrink_to_fit();
    }
}

impl Column {
    fn new(kind: Kind) -> Column {
        Column {
            kind,
            known: HashMap::default(),
            present: 0,
            same: 0,
        }
    }

    /// The number of a value, 0 where there is none.
    fn push(&mut self, text: &str, values: &mut Values) -> u32 {
        let text = text.trim();
        if text.is_empty() {
            return 0;
        }
        let squeezed: String = text.chars().filter(|c| *c != ' ').collect();
        let next = values.counts.len() as u32;
        let id = *self.known.entry(hash(0, squeezed.as_bytes())).or_insert(next);
        if id == next {
            values.add(self.kind, text, &squeezed);
        }
        let count = &mut values.counts[id as usize];
        self.same += u64::from(*count);
        *count += 1;
        self.present += 1;
        id
    }
}

impl Default for Values {
    fn default() -> Values {
        Values {
            values: vec![Value::default()],
            bytes: Vec::new(),
            codes: vec![[0; CODES]],
            counts: vec![0],
        }
    }
}

impl Values {
    /// Whether those of one more row surely have numbers.
    fn have_room(&self) -> bool {
        let most = self.values.len().max(self.bytes.len()) + (MOST_FIELDS + 1) * similar::LONGEST;
        u32::try_from(most).is_ok()
    }

    fn add(&mut self, kind: Kind, text: &str, squeezed: &str) {
        let bytes: Vec<u8> = squeezed.chars().take(similar::LONGEST).map(byte).collect();
        let part = part(kind, text, squeezed);
        let outline = Outline::of(&bytes);
        self.values.push(Value {
            outline,
            part,
            start: self.bytes.len() as u32,
        });
        if outline.text().is_none() {
            self.bytes.extend(&bytes);
        }
        self.codes.push(codes(kind, &bytes, part));
        self.counts.push(0);
    }
}

fn upto(text: &str) -> &str {
    &text[..text.floor_char_boundary(READ)]
}

/// A character as one byte: ASCII is itself, others keep what tells neighbours of one script apart.
fn byte(c: char) -> u8 {
    let code = c as u32;
    match code {
        0..128 => code as u8,
        _ => 0x80 | ((code ^ (code >> 7)) & 0x7f) as u8,
    }
}

/// Letters folded, without accents; words apart by one space.
fn words(text: &str, out: &mut String) {
    let mut gap = false;
    for c in fold(text).nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            '\'' | '’' | '.' => {}
            c if c.is_alphanumeric() => {
                if gap && !out.is_empty() {
                    out.push(' ');
                }
                gap = false;
                out.push(c);
            }
            _ => gap = true,
        }
    }
}

fn normalise(kind: Kind, text: &str, out: &mut String) {
    match kind {
        Kind::Phone => {
            out.extend(
                text.chars()
                    .filter_map(|c| c.to_digit(10))
                    .filter_map(|d| char::from_digit(d, 10)),
            );
            // Country and trunk prefixes are written in many ways; what follows is nine digits or fewer.
            out.drain(..out.len().saturating_sub(9));
            out.drain(..out.len() - out.trim_start_matches('0').len());
            if out.len() < 5 {
                out.clear();
            }
        }
        Kind::Email => email(text, out),
        Kind::Date => {
            out.extend(text.chars().filter(char::is_ascii_digit).take(8));
        }
        Kind::StreetNumber => {
            words(text, out);
            out.retain(|c| c != ' ');
            out.drain(..out.len() - out.trim_start_matches('0').len());
        }
        _ => words(text, out),
    }
}

/// Lower case, without a tag after `+`.
fn email(text: &str, out: &mut String) {
    let folded = fold(text);
    let Some((local, domain)) = folded.rsplit_once('@') else {
        return;
    };
    out.push_str(local.split('+').next().unwrap_or(local));
    out.push('@');
    out.push_str(domain);
    out.retain(|c| c != ' ');
}

/// Takes the words with a digit out of an address. The first that was ever found is the number of the house.
fn take_number(address: &mut String, number: &mut String) {
    if !address.bytes().any(|b| b.is_ascii_digit()) {
        return;
    }
    let mut rest = String::with_capacity(address.len());
    for word in address.split(' ') {
        if word.starts_with(|c: char| c.is_ascii_digit()) && number.is_empty() {
            number.push_str(word);
            continue;
        }
        if !rest.is_empty() {
            rest.push(' ');
        }
        rest.push_str(word);
    }
    *address = rest;
}

/// See [`Value::part`].
fn part(kind: Kind, text: &str, squeezed: &str) -> u32 {
    match kind {
        Kind::GivenName | Kind::Surname => sound(squeezed),
        Kind::Email => {
            let local = squeezed.split('@').next().unwrap_or(squeezed);
            let plain: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
            if plain.len() < 3 {
                0
            } else {
                short(1, plain.as_bytes())
            }
        }
        Kind::Phone => short(2, &squeezed.as_bytes()[squeezed.len().saturating_sub(6)..]),
        Kind::Date => short(3, squeezed.as_bytes().get(..4).unwrap_or(squeezed.as_bytes())),
        Kind::PostCode => {
            let half = squeezed.char_indices().nth(squeezed.chars().count().div_ceil(2));
            short(4, half.map_or(squeezed, |(at, _)| &squeezed[..at]).as_bytes())
        }
        Kind::StreetNumber | Kind::Identifier => 0,
        _ => text
            .split(' ')
            .max_by_key(|w| w.len())
            .filter(|w| w.len() >= 4)
            .map_or(0, |w| short(5, w.as_bytes())),
    }
}

/// Double Metaphone (Philips 2000) of a name in Latin letters.
fn sound(name: &str) -> u32 {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase()) {
        return 0;
    }
    let code = DoubleMetaphone::default().encode(&name[..name.len().min(similar::LONGEST)]);
    if code.is_empty() {
        0
    } else {
        short(6, code.as_bytes())
    }
}

/// Codes that survive what happens to values when they are typed. Two values of one kind with a code in common may be
/// the same.
fn codes(kind: Kind, bytes: &[u8], part: u32) -> [u32; CODES] {
    let piece = |seed: u64, from: usize, to: usize| bytes.get(from..to).map_or(0, |b| short(seed, b));
    let last = |seed: u64, n: usize| {
        bytes
            .len()
            .checked_sub(n)
            .map_or(0, |from| short(seed, &bytes[from..]))
    };
    let sorted = || {
        let mut digits = bytes.to_vec();
        digits.sort_unstable();
        short(20, &digits)
    };
    match kind {
        Kind::GivenName | Kind::Surname if bytes.len() < 3 => [short(10, bytes), 0, 0],
        Kind::GivenName | Kind::Surname => [part, piece(11, 0, 3), last(12, 3)],
        Kind::Address => [piece(13, 0, 4), piece(14, 4, 8), part],
        Kind::Suburb | Kind::Text => [piece(15, 0, 4), last(16, 4), 0],
        Kind::Email => [part, piece(17, 0, 5), 0],
        Kind::Phone => [part, piece(18, 0, 6), 0],
        Kind::Date => [sorted(), last(19, 4), 0],
        Kind::StreetNumber | Kind::PostCode => [sorted(), 0, 0],
        Kind::Identifier => [
            piece(21, 0, bytes.len() / 2),
            last(22, bytes.len().div_ceil(2)),
            0,
        ],
        Kind::State | Kind::Country => [0; CODES],
    }
}
