//! Writes a field of the contact, or clears it.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, Written, next};
use carillon_model::contact::Value as FieldValue;
use carillon_model::journey::Effect;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct SetField;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    field: String,
    value: Value,
}

#[derive(Debug)]
struct Step {
    key: String,
    value: Option<FieldValue>,
}

impl Kind for SetField {
    const NAME: &'static str = "set_field";
    const FACE: Face = Face {
        group: Group::Contact,
        icon: "pencil",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("field", Form::Field),
            Setting::required("value", Form::Value),
        ]
    }

    fn sample() -> Value {
        json!({"field": "city", "value": "Bonn"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let value = cx.new_value("field", &settings.field, "value", &settings.value)?;
        Some(Box::new(Step {
            key: settings.field,
            value,
        }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Act(Effect::SetField {
            key: self.key.clone(),
            value: self.value.clone(),
        })
    }

    fn writes(&self) -> Option<Written<'_>> {
        Some(Written::Field(&self.key))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::contact::{Currency, Money, Value};
    use carillon_model::journey::Effect;
    use serde_json::json;

    #[test]
    fn a_value_is_read_as_the_fields_type() {
        let table = [
            ("city", json!("Bonn"), Some(Value::Text("Bonn".into()))),
            ("points", json!(3), Some(Value::Number(3.0))),
            (
                "spent",
                json!({"minor": 990, "currency": "eur"}),
                Some(Value::Money(Money {
                    minor: 990,
                    currency: Currency(*b"EUR"),
                })),
            ),
            ("newsletter", json!(true), Some(Value::YesNo(true))),
            ("roast", json!("dark"), Some(Value::Choice("dark".into()))),
            (
                "interests",
                json!(["tea", "beans"]),
                Some(Value::MultiChoice(["beans".into(), "tea".into()].into())),
            ),
            (
                "birthday",
                json!("2000-02-29"),
                Some(Value::Date("2000-02-29".parse().unwrap())),
            ),
            (
                "renews",
                json!("2026-05-04T10:00:00Z"),
                Some(Value::DateTime("2026-05-04T10:00:00Z".parse().unwrap())),
            ),
            ("city", json!(null), None),
        ];
        for (field, value, expected) in table {
            let mut passage = Try::of("set_field", json!({"field": field, "value": value}));
            passage.enter("2026-01-05T10:00:00Z");
            assert_eq!(
                passage.effects,
                [Effect::SetField {
                    key: field.into(),
                    value: expected
                }]
            );
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_a_problem() {
        let of = |field, value| codes_of("set_field", json!({"field": field, "value": value}));
        assert_eq!(of("points", json!("three")), ["wrong_type"]);
        assert_eq!(of("city", json!("Bonn\r\nBcc: a@example.com")), ["wrong_type"]);
        assert_eq!(of("city", json!("\u{202e}nnoB")), ["wrong_type"]);
        assert_eq!(of("birthday", json!("1999-02-29")), ["wrong_type"]);
        assert_eq!(of("roast", json!("burnt")), ["unknown_option"]);
        assert_eq!(of("interests", json!(["tea", "cars"])), ["unknown_option"]);
        assert_eq!(of("nothing", json!(1)), ["unknown_field"]);
        assert_eq!(of("email", json!("a@example.com")), ["read_only_field"]);
        assert_eq!(of("created_at", json!(null)), ["read_only_field"]);
        assert_eq!(of("time_zone", json!("Mars/North")), ["wrong_type"]);
        assert_eq!(
            codes_of("set_field", json!({"field": "city"})),
            ["bad_settings"],
            "null must be said"
        );
    }
}
