//! Properties of events as few bytes: a property of an index of millions costs what its value needs.

use crate::segment::{Seen, folded, test_holds};
use carillon_model::contact::{Currency, Money};
use carillon_model::event::Prop;
use carillon_model::segment::{Compare, PropMatch, Test};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A property's value, its text by symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Packed {
    YesNo(bool),
    Number(f64),
    Money(Money),
    Text(u32),
}

const NO: u8 = 0;
const YES: u8 = 1;
const NUMBER: u8 = 2;
/// A whole number of which an `f64` loses nothing.
const WHOLE: u8 = 3;
const MONEY: u8 = 4;
const TEXT: u8 = 5;
/// Whole numbers up to here, 2^53, are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends a property with the number of its key.
pub(super) fn write(out: &mut Vec<u8>, key: u32, value: Packed) {
    write_number(out, u64::from(key));
    match value {
        Packed::YesNo(b) => out.push(if b { YES } else { NO }),
        // -0.0 is a whole number only to the eye.
        Packed::Number(n) if n.fract() == 0.0 && n.abs() < EXACT && (n != 0.0 || n.is_sign_positive()) => {
            out.push(WHOLE);
            write_number(out, zigzag(n as i64));
        }
        Packed::Number(n) => {
            out.push(NUMBER);
            out.extend_from_slice(&n.to_le_bytes());
        }
        Packed::Money(money) => {
            out.push(MONEY);
            out.extend_from_slice(&money.currency.0);
            write_number(out, zigzag(money.minor));
        }
        Packed::Text(symbol) => {
            out.push(TEXT);
            write_number(out, u64::from(symbol));
        }
    }
}

/// Properties one after another, each with the number of its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Props<'p>(pub &'p [u8]);

impl Iterator for Props<'_> {
    type Item = (u32, Packed);

    fn next(&mut self) -> Option<(u32, Packed)> {
        let key = self.number()? as u32;
        let value = match self.bytes(1)?[0] {
            NO => Packed::YesNo(false),
            YES => Packed::YesNo(true),
            NUMBER => Packed::Number(f64::from_le_bytes(self.bytes(8)?.try_into().ok()?)),
            WHOLE => Packed::Number(unzigzag(self.number()?) as f64),
            MONEY => Packed::Money(Money {
                currency: Currency(self.bytes(3)?.try_into().ok()?),
                minor: unzigzag(self.number()?),
            }),
            _ => Packed::Text(self.number()? as u32),
        };
        Some((key, value))
    }
}

impl<'p> Props<'p> {
    /// The value of the property whose key has the symbol.
    pub fn of(self, key: u32) -> Option<Packed> {
        let mut props = self;
        props.find(|(symbol, _)| *symbol == key).map(|(_, value)| value)
    }

    pub fn bytes(&mut self, n: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    /// As [`write_number`] wrote it.
    pub fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.bytes(1)?[0];
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

/// Seven bits a byte, the lowest first, the eighth set where more follow (LEB128).
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Small numbers of either sign as small numbers.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Texts by number. They are kept as long as the index: keys and values of properties repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    texts: Vec<Arc<str>>,
    /// Only looked up, never walked.
    numbers: HashMap<Arc<str>, u32>,
}

impl Symbols {
    pub fn text(&self, symbol: u32) -> &str {
        &self.texts[symbol as usize]
    }

    /// All texts in order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    /// The number of a text, a new one if it was never seen.
    pub fn enter(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        let number = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The properties as bytes that [`Props`] reads.
    pub fn pack(&mut self, props: &BTreeMap<String, Prop>) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, prop) in props {
            let value = match prop {
                Prop::YesNo(b) => Packed::YesNo(*b),
                Prop::Number(n) => Packed::Number(*n),
                Prop::Money(m) => Packed::Money(*m),
                Prop::Text(text) => Packed::Text(self.enter(text)),
            };
            write(&mut out, self.enter(key), value);
        }
        out
    }

    pub fn unpack(&self, props: Props<'_>) -> BTreeMap<String, Prop> {
        let one = |(key, value)| {
            let prop = match value {
                Packed::YesNo(b) => Prop::YesNo(b),
                Packed::Number(n) => Prop::Number(n),
                Packed::Money(m) => Prop::Money(m),
                Packed::Text(symbol) => Prop::Text(self.text(symbol).to_owned()),
            };
            (self.text(key).to_owned(), prop)
        };
        props.map(one).collect()
    }

    /// A value as expressions see it.
    pub fn seen(&self, value: &Packed) -> Seen<'_> {
        match value {
            Packed::YesNo(b) => Seen::YesNo(*b),
            Packed::Number(n) => Seen::Number(*n),
            Packed::Money(m) => Seen::Money(*m),
            Packed::Text(symbol) => Seen::Text(self.text(*symbol)),
        }
    }

    /// The number of a text; `None` if it was never seen.
    pub fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// Whether the properties of one event pass each test.
    pub fn pass(&self, tests: &[PropMatch], props: Props<'_>) -> bool {
        tests.iter().all(|test| {
            let value = self.number(&test.key).and_then(|key| props.of(key));
            value.is_some_and(|value| test_holds(&test.test, &self.seen(&value)))
        })
    }

    /// Property tests, to be asked of many events.
    pub fn tests(&self, props: &[PropMatch]) -> PropTests<'_> {
        let one = |p: &PropMatch| {
            let key = self.number(&p.key);
            PropTest {
                key,
                exactly: key.and_then(|key| exactly(key, &p.test)),
                test: folded(&p.test),
                texts: RefCell::default(),
            }
        };
        PropTests {
            symbols: self,
            tests: props.iter().map(one).collect(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len() + 16).sum::<usize>()
            + self.texts.capacity() * 16
            + self.numbers.capacity() * 25
    }
}

/// See [`PropTest::exactly`].
fn exactly(key: u32, test: &Test) -> Option<(usize, Vec<u8>)> {
    match test {
        // 0 is written in two ways.
        Test::Number(Compare::Eq(n)) if *n != 0.0 && !n.is_nan() => {
            let mut bytes = Vec::new();
            write_number(&mut bytes, u64::from(key));
            let length = bytes.len();
            bytes.clear();
            write(&mut bytes, key, Packed::Number(*n));
            Some((length, bytes))
        }
        _ => None,
    }
}

/// Tests of the properties of events. What was found of a text is remembered: texts repeat.
pub(super) struct PropTests<'a> {
    symbols: &'a Symbols,
    tests: Vec<PropTest>,
}

struct PropTest {
    /// `None`: a key never seen, which matches nothing.
    key: Option<u32>,
    test: Test,
    /// Where it asks for one number: the bytes of the key, and those of key and number. No others pass, and no two values begin
    /// alike, so that bytes are compared where the property stands first.
    exactly: Option<(usize, Vec<u8>)>,
    /// By symbol.
    texts: RefCell<Vec<Asked>>,
}

/// Whether a text passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Not,
    Passes,
    Fails,
}

impl PropTests<'_> {
    /// Whether the properties of an event pass each test. A missing one passes none.
    pub fn pass(&self, props: Props<'_>) -> bool {
        self.tests.iter().all(|test| {
            if let Some((key, wanted)) = &test.exactly
                && props.0.starts_with(&wanted[..*key])
            {
                return props.0.starts_with(wanted);
            }
            let value = test.key.and_then(|key| props.of(key));
            value.is_some_and(|value| match value {
                Packed::Text(symbol) => self.text_passes(test, symbol),
                other => test_holds(&test.test, &self.symbols.seen(&other)),
            })
        })
    }

    fn text_passes(&self, test: &PropTest, symbol: u32) -> bool {
        let mut texts = test.texts.borrow_mut();
        if texts.is_empty() {
            texts.resize(self.symbols.texts.len(), Asked::Not);
        }
        let asked = &mut texts[symbol as usize];
        if *asked == Asked::Not {
            let passes = test_holds(&test.test, &Seen::Text(self.symbols.text(symbol)));
            *asked = if passes { Asked::Passes } else { Asked::Fails };
        }
        *asked == Asked::Passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prop() -> impl Strategy<Value = Prop> {
        let edges = prop_oneof![
            Just(0.0),
            Just(-0.0),
            Just(EXACT),
            Just(-EXACT),
            Just(EXACT - 1.0),
            Just(f64::INFINITY),
            Just(f64::MIN_POSITIVE),
            (-1_000i64..1_000).prop_map(|n| n as f64),
        ];
        prop_oneof![
            any::<bool>().prop_map(Prop::YesNo),
            prop_oneof![edges, proptest::num::f64::NORMAL].prop_map(Prop::Number),
            any::<i64>().prop_map(|minor| {
                let currency = Currency(*b"EUR");
                Prop::Money(Money { minor, currency })
            }),
            "[a-z]{0,3}".prop_map(Prop::Text),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_what_comes_out(
            all in prop::collection::vec(prop::collection::btree_map("[a-z]{1,2}", prop(), 0..6), 1..20)
        ) {
            let mut symbols = Symbols::default();
            let packed: Vec<Vec<u8>> = all.iter().map(|props| symbols.pack(props)).collect();
            for (props, packed) in all.iter().zip(&packed) {
                let out = symbols.unpack(Props(packed));
                prop_assert_eq!(&out, props);
                let sign = |props: &BTreeMap<String, Prop>| -> Vec<bool> {
                    let negative = |p: &Prop| matches!(p, Prop::Number(n) if n.is_sign_negative());
                    props.values().map(negative).collect()
                };
                prop_assert_eq!(sign(&out), sign(props));
            }
        }
    }
}
