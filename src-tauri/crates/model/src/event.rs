//! What contacts did, as far as anybody told us.

use crate::contact::Money;
use crate::{ContactId, EventId, Moment};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ts_rs::TS;

/// A property of an event.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum Prop {
    YesNo(bool),
    Number(f64),
    Money(Money),
    Text(String),
}

/// What derived code of untagged values tries one after the other, told by its first token: a file is opened with
/// millions of these.
impl<'de> Deserialize<'de> for Prop {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Prop, D::Error> {
        from.deserialize_any(AnyProp)
    }
}

struct AnyProp;

impl<'de> Visitor<'de> for AnyProp {
    type Value = Prop;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false, or an amount of money")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Prop, E> {
        Ok(Prop::YesNo(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Prop, E> {
        Ok(Prop::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Prop, E> {
        Ok(Prop::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Prop, E> {
        Ok(Prop::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Prop, E> {
        Ok(Prop::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Prop, E> {
        Ok(Prop::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Prop, A::Error> {
        Money::deserialize(MapAccessDeserializer::new(map)).map(Prop::Money)
    }
}

/// Something a contact did or that was done to it, at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Event {
    pub id: EventId,
    pub contact: ContactId,
    /// Lower-case word: `order`, `cart_abandoned`, `message_sent`.
    pub name: String,
    /// When it happened.
    pub at: Moment,
    /// When Carillon learned of it.
    pub arrived_at: Moment,
    /// As in [`crate::contact::Provenance::source`].
    pub source: String,
    #[serde(default)]
    pub props: BTreeMap<String, Prop>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Currency;

    #[test]
    fn a_property_is_told_by_how_it_is_written_and_comes_back_the_same() {
        let money = Money {
            minor: 1_250,
            currency: Currency(*b"EUR"),
        };
        let all = [
            Prop::YesNo(true),
            Prop::Number(-3.0),
            Prop::Number(1e300),
            Prop::Text("\"total\": 3".to_owned()),
            Prop::Money(money),
        ];
        for prop in all {
            let text = serde_json::to_string(&prop).expect("JSON");
            assert_eq!(serde_json::from_str::<Prop>(&text).expect(&text), prop);
        }
        assert_eq!(
            serde_json::from_str::<Prop>("7").expect("a number"),
            Prop::Number(7.0)
        );
        for wrong in ["null", "[1]", "{}", r#"{"minor": "x", "currency": "EUR"}"#] {
            assert!(serde_json::from_str::<Prop>(wrong).is_err(), "{wrong}");
        }
    }
}
