//! The values of one field of neighbouring contacts as bytes.

use super::{Column, Dense, Store, Words};
use crate::index::chunk::{inside, is_whole, read_text, sealed, write_bytes};
use crate::index::packed::{Props, unzigzag, write_number, zigzag};
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::{ContactId, Moment};
use chrono::{Datelike, NaiveDate};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Of the layout described here: for each type its number, its contacts as differences, and their values in that order,
/// texts by their number in a list before them.
const LAYOUT: u8 = 4;

const TEXT: u8 = 0;
const CHOICE: u8 = 1;
const NUMBER: u8 = 2;
const MONEY: u8 = 3;
const YES_NO: u8 = 4;
const MULTI: u8 = 5;
const DATE: u8 = 6;
const MOMENT: u8 = 7;

/// Values of one field in the bytes of a file; moments to the millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnChunk(Vec<u8>);

/// Texts as they are numbered, and where each stands.
#[derive(Default)]
struct Listed<'v> {
    texts: Vec<&'v str>,
    /// Only looked up, never walked.
    numbers: HashMap<&'v str, u64>,
    values: Vec<u8>,
}

impl<'v> Listed<'v> {
    fn put(&mut self, text: &'v str) {
        let next = self.texts.len() as u64;
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        write_number(&mut self.values, number);
    }

    fn write(mut self, out: &mut Vec<u8>) {
        write_number(out, self.texts.len() as u64);
        for text in self.texts {
            write_bytes(out, text.as_bytes());
        }
        out.append(&mut self.values);
    }
}

impl ColumnChunk {
    /// The chunk of values in order of their contacts, of whom none comes twice.
    pub fn of(values: &[(ContactId, Value)]) -> ColumnChunk {
        let mut by_type: BTreeMap<u8, Vec<&(ContactId, Value)>> = BTreeMap::new();
        for value in values {
            by_type.entry(tag(&value.1)).or_default().push(value);
        }
        let mut out = vec![LAYOUT];
        for (tag, of_type) in by_type {
            out.push(tag);
            write_number(&mut out, of_type.len() as u64);
            let mut before = 0;
            for (ContactId(id), _) in &of_type {
                write_number(&mut out, u64::from(id - before));
                before = *id;
            }
            write_values(&mut out, &of_type);
        }
        ColumnChunk(sealed(out))
    }

    /// The chunk whose [`ColumnChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<ColumnChunk> {
        is_whole(&bytes, LAYOUT).then_some(ColumnChunk(bytes))
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn tag(value: &Value) -> u8 {
    match value {
        Value::Text(_) => TEXT,
        Value::Choice(_) => CHOICE,
        Value::Number(_) => NUMBER,
        Value::Money(_) => MONEY,
        Value::YesNo(_) => YES_NO,
        Value::MultiChoice(_) => MULTI,
        Value::Date(_) => DATE,
        Value::DateTime(_) => MOMENT,
    }
}

fn write_values(out: &mut Vec<u8>, values: &[&(ContactId, Value)]) {
    let mut listed = Listed::default();
    let mut has_texts = false;
    let mut before = 0;
    for (_, value) in values {
        match value {
            Value::Text(text) | Value::Choice(text) => {
                has_texts = true;
                listed.put(text);
            }
            Value::MultiChoice(options) => {
                has_texts = true;
                write_number(&mut listed.values, options.len() as u64);
                options.iter().for_each(|option| listed.put(option));
            }
            Value::Number(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Money(money) => {
                out.extend_from_slice(&money.currency.0);
                write_number(out, zigzag(money.minor));
            }
            Value::YesNo(yes) => out.push(u8::from(*yes)),
            Value::Date(date) => write_number(out, zigzag(i64::from(date.num_days_from_ce()))),
            Value::DateTime(at) => {
                let millis = at.timestamp_millis();
                write_number(out, zigzag(millis.wrapping_sub(before)));
                before = millis;
            }
        }
    }
    if has_texts {
        listed.write(out);
    }
}

impl Column {
    /// Sets each of its values. `None`, and nothing of the rest, if it is no chunk after all.
    pub fn load_chunk(&mut self, chunk: &ColumnChunk) -> Option<()> {
        let mut rest = inside(&chunk.0)?;
        while !rest.0.is_empty() {
            let tag = rest.bytes(1)?[0];
            let ids = read_ids(&mut rest)?;
            self.load_values(tag, &ids, &mut rest)?;
        }
        Some(())
    }

    fn load_values(&mut self, tag: u8, ids: &[u32], rest: &mut Props<'_>) -> Option<()> {
        match tag {
            TEXT => load_words(self.store(&Value::Text(String::new())).words()?, ids, rest),
            CHOICE => load_words(self.store(&Value::Choice(String::new())).words()?, ids, rest),
            NUMBER => match self.store(&Value::Number(0.0)) {
                Store::Number(dense) => load_dense(dense, ids, 0.0, || {
                    Some(f64::from_le_bytes(rest.bytes(8)?.try_into().ok()?))
                }),
                _ => None,
            },
            MONEY => {
                // Stands where nobody has a value. XXX is no currency (ISO 4217).
                let none = Money {
                    minor: 0,
                    currency: Currency(*b"XXX"),
                };
                match self.store(&Value::Money(none)) {
                    Store::Money(dense) => load_dense(dense, ids, none, || {
                        Some(Money {
                            currency: Currency(rest.bytes(3)?.try_into().ok()?),
                            minor: unzigzag(rest.number()?),
                        })
                    }),
                    _ => None,
                }
            }
            DATE => match self.store(&Value::Date(NaiveDate::default())) {
                Store::Date(dense) => load_dense(dense, ids, NaiveDate::default(), || {
                    NaiveDate::from_num_days_from_ce_opt(i32::try_from(unzigzag(rest.number()?)).ok()?)
                }),
                _ => None,
            },
            MOMENT => match self.store(&Value::DateTime(Moment::default())) {
                Store::Moment(dense) => {
                    let mut millis = 0i64;
                    load_dense(dense, ids, Moment::default(), || {
                        millis = millis.wrapping_add(unzigzag(rest.number()?));
                        Moment::from_timestamp_millis(millis)
                    })
                }
                _ => None,
            },
            YES_NO => {
                for id in ids {
                    let yes = rest.bytes(1)?[0] != 0;
                    self.set(*id, Some(&Value::YesNo(yes)));
                }
                Some(())
            }
            MULTI => self.load_multi(ids, rest),
            _ => None,
        }
    }

    fn load_multi(&mut self, ids: &[u32], rest: &mut Props<'_>) -> Option<()> {
        let texts = read_list(rest)?;
        for id in ids {
            let mut options = BTreeSet::new();
            for _ in 0..rest.number()? {
                let text = texts.get(usize::try_from(rest.number()?).ok()?)?;
                options.insert((*text).to_owned());
            }
            self.set(*id, Some(&Value::MultiChoice(options)));
        }
        Some(())
    }

    /// The store of the values of this one's type, made if it is missing.
    fn store(&mut self, value: &Value) -> &mut Store {
        let wanted = Store::of(value);
        let same = |store: &Store| std::mem::discriminant(store) == std::mem::discriminant(&wanted);
        let place = self.stores.iter().position(same).unwrap_or(self.stores.len());
        if place == self.stores.len() {
            self.stores.push(wanted);
        }
        &mut self.stores[place]
    }
}

impl Store {
    fn words(&mut self) -> Option<&mut Words> {
        match self {
            Store::Text(words) | Store::Choice(words) => Some(words),
            _ => None,
        }
    }
}

fn read_ids(rest: &mut Props<'_>) -> Option<Vec<u32>> {
    let mut ids = Vec::new();
    let mut id = 0u32;
    for _ in 0..rest.number()? {
        id = id.checked_add(u32::try_from(rest.number()?).ok()?)?;
        ids.push(id);
    }
    ids.is_sorted_by(|a, b| a < b).then_some(ids)
}

fn read_list<'c>(rest: &mut Props<'c>) -> Option<Vec<&'c str>> {
    let mut texts = Vec::new();
    for _ in 0..rest.number()? {
        texts.push(read_text(rest)?);
    }
    Some(texts)
}

fn load_words(words: &mut Words, ids: &[u32], rest: &mut Props<'_>) -> Option<()> {
    let codes: Vec<u32> = read_list(rest)?
        .into_iter()
        .map(|text| words.code_of(text))
        .collect();
    for id in ids {
        words.put(*id, *codes.get(usize::try_from(rest.number()?).ok()?)?);
    }
    Some(())
}

fn load_dense<T: Copy>(
    dense: &mut Dense<T>,
    ids: &[u32],
    none: T,
    mut read: impl FnMut() -> Option<T>,
) -> Option<()> {
    for id in ids {
        *dense.values.place(*id, none) = read()?;
    }
    dense.present |= RoaringBitmap::from_sorted_iter(ids.iter().copied()).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Seen;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_of_anybody_with_the_right_hash_break_nothing(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = vec![LAYOUT];
            bytes.extend_from_slice(&text);
            let chunk = ColumnChunk::read(sealed(bytes)).expect("its hash is right");
            let mut column = Column::default();
            // Whether it can be read does not matter here.
            let _ = column.load_chunk(&chunk);
            column.set(7, Some(&Value::YesNo(true)));
            prop_assert_eq!(column.get(7).map(|seen| matches!(seen, Seen::YesNo(true))), Some(true));
        }
    }
}
