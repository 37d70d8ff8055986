//! Strategies over contacts and what they did.

use super::{
    EVENTS, KEYS, PROPS, RESPONSES, TAGS, TEMPLATES, basis, channel, happened, moment, money, moves, number,
    purpose, text, value_for,
};
use crate::record::{ContactRecord, Past, Sent};
use carillon_model::contact::Value;
use carillon_model::event::{Event, Prop};
use carillon_model::response::TEMPLATE;
use carillon_model::{ContactId, EventId, MessageId};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// Properties of an event.
pub fn props() -> impl Strategy<Value = std::collections::BTreeMap<String, Prop>> {
    let one = select(PROPS).prop_flat_map(|key| {
        let weights = match key {
            "amount" => [4, 0, 0, 3],
            "product" => [0, 6, 1, 0],
            _ => [1, 1, 1, 1],
        };
        let value = prop_oneof![
            weights[0] => number().prop_map(Prop::Number),
            weights[1] => text().prop_map(Prop::Text),
            weights[2] => any::<bool>().prop_map(Prop::YesNo),
            weights[3] => money().prop_map(Prop::Money),
        ];
        value.prop_map(move |value| (key.to_owned(), value))
    });
    vec(one, 0..4).prop_map(|all| all.into_iter().collect())
}

/// An event of a contact; [`record`] numbers them.
pub fn event(contact: ContactId) -> impl Strategy<Value = Event> {
    (select(EVENTS), moment(), props(), 0i64..1_000_000).prop_map(move |(name, at, props, id)| Event {
        id: EventId(id),
        contact,
        name: name.to_owned(),
        at,
        arrived_at: at,
        source: String::new(),
        props,
    })
}

/// What somebody did with a message of a template, or of none.
fn response(contact: ContactId) -> impl Strategy<Value = Event> {
    let about = prop_oneof![6 => select(TEMPLATES), 1 => Just("order")];
    (select(RESPONSES), about, event(contact)).prop_map(|(name, template, event)| Event {
        name: name.to_owned(),
        props: [(TEMPLATE.to_owned(), Prop::Text(template.to_owned()))].into(),
        ..event
    })
}

/// A contact with fields of the right types, tags, events, messages and permissions.
pub fn record(contact: ContactId) -> impl Strategy<Value = ContactRecord> {
    let field = select(KEYS).prop_flat_map(|key| value_for(key).prop_map(move |v| (key.to_owned(), v)));
    let sent = (select(TEMPLATES), moment()).prop_map(|(t, at)| Sent {
        template: t.to_owned(),
        at,
        id: MessageId(0),
    });
    (
        vec(field, 0..12),
        btree_set(select(TAGS).prop_map(str::to_owned), 0..3),
        (vec(event(contact), 0..8), vec(response(contact), 0..4)),
        (vec(sent, 0..5), vec(moves(), 0..5), vec(happened::turned(), 0..5)),
        btree_map((channel(), purpose()), basis(), 0..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            move |(
                fields,
                tags,
                (mut events, responses),
                (mut sent, mut moved, turned),
                permissions,
                suppressed,
            )| {
                events.extend(responses);
                for (i, event) in events.iter_mut().enumerate() {
                    event.id = EventId(i64::from(contact.0) * 100 + i as i64);
                }
                events.sort_by_key(|e| (e.at, e.id));
                sent.sort_by(|a, b| (a.at, &a.template).cmp(&(b.at, &b.template)));
                for (i, sent) in sent.iter_mut().enumerate() {
                    sent.id = MessageId(i64::from(contact.0) * 100 + i as i64);
                }
                moved.sort_unstable();
                moved.dedup();
                let mut fields: BTreeMap<String, Value> = fields.into_iter().collect();
                let mut past = Past::default();
                turned.iter().for_each(|turned| past.turns(*turned));
                if let Some((_, points)) = past.iter().last() {
                    fields.insert("score_heat".to_owned(), Value::Number(points as f64));
                }
                ContactRecord {
                    id: contact.0,
                    fields,
                    tags,
                    events,
                    sent,
                    moved,
                    past: BTreeMap::from([("score_heat".to_owned(), past)]),
                    permissions,
                    suppressed,
                }
            },
        )
}
