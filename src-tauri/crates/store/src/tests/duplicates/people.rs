//! A small town in which two contacts are one person and have something in every table, and its tables as texts.

use crate::contacts::{Columns, NewContact, add_tag, insert_batch, set_field};
use crate::duplicates::{NewPair, PairState, put, say};
use crate::events::{NewEvent, append};
use crate::inputs::{NewInput, Pending};
use crate::outbox::{self, Which, Word};
use crate::responses::NewResponse;
use crate::tests::fixtures::{Place, day, field, fresh, queue, said, stage, standing_at, write};
use crate::visitors::{self, Visitor};
use crate::{Store, Tx, choices, consents, enrolments, fields, inputs, suppressions};
use carillon_engine::record::ContactRecord;
use carillon_model::consent::{ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Currency, FieldType, Money, Value};
use carillon_model::journey::Input;
use carillon_model::response::{Hand, ResponseKind};
use carillon_model::{ContactId, Moment};
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use std::collections::BTreeMap;

pub const SURVIVOR: ContactId = ContactId(1);
pub const ABSORBED: ContactId = ContactId(2);
pub const OTHER: ContactId = ContactId(3);

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

pub fn event(contact: ContactId, name: &str, at: Moment) -> NewEvent {
    NewEvent {
        contact,
        name: name.to_owned(),
        at,
        source: "shop".to_owned(),
        props: BTreeMap::new(),
    }
}

pub fn opened(contact: ContactId) -> NewResponse {
    NewResponse {
        kind: ResponseKind::Replied,
        message: None,
        contact: Some(contact),
        at: day(41),
        source: "mailbox:1".to_owned(),
        hand: Hand::Human,
        class: None,
        link: None,
        rule: None,
        detail: None,
        may_leave: false,
    }
}

fn add(tx: &mut Tx<'_>) -> crate::Result<()> {
    let columns = Columns::resolve(tx, &["first_name", "city", "time_zone", "total"])?;
    let money = |minor| {
        Some(Value::Money(Money {
            minor,
            currency: Currency::parse("eur").unwrap(),
        }))
    };
    let row = |email: &str, values: Vec<Option<Value>>| NewContact {
        email: email.to_owned(),
        values,
        zone_source: Some("country".to_owned()),
    };
    let mut rows = [
        row("ada@new.example", vec![text("Ada"), text("Wien"), None, None]),
        row(
            "ada@old.example",
            vec![text("Adelaide"), text("Linz"), text("Europe/Vienna"), money(990)],
        ),
        row("cy@x.example", vec![text("Cy"), None, text("Europe/Rome"), None]),
        row("dan@x.example", vec![text("Dan"), None, None, None]),
    ];
    insert_batch(tx, &columns, &mut rows, "import:1")?;
    set_field(tx, ABSORBED, "note", text("met in spring").as_ref(), "form")?;
    add_tag(tx, SURVIVOR, "regular", "user")?;
    add_tag(tx, ABSORBED, "regular", "import:1")?;
    add_tag(tx, ABSORBED, "vip", "user")?;
    Ok(())
}

fn speak(tx: &mut Tx<'_>) -> crate::Result<()> {
    let (yes, no) = (ConsentAction::Granted, ConsentAction::Withdrawn);
    for row in [
        said(SURVIVOR, yes, Purpose::Marketing, "form", day(2)),
        said(ABSORBED, no, Purpose::Marketing, "relay", day(1)),
        said(ABSORBED, yes, Purpose::Tracking, "form", day(1)),
    ] {
        consents::add(tx, &row)?;
    }
    suppressions::add(tx, "ada@old.example", SuppressionReason::Unsubscribed, "relay")?;
    let left = choices::Choice {
        left: 1 << 3,
        paused_until: None,
    };
    choices::set(tx, "ada@old.example", &left, "relay", day(-2))?;
    let own = choices::Choice {
        left: 1 << 1,
        paused_until: Some(day(70)),
    };
    choices::set(tx, "ada@new.example", &own, "relay", day(-1))
}

fn act(tx: &mut Tx<'_>) -> crate::Result<()> {
    append(
        tx,
        &[
            event(ABSORBED, "bought", day(3)),
            event(SURVIVOR, "bought", day(4)),
            event(ABSORBED, "visited", day(5)),
        ],
    )?;
    visitors::keep(tx, Visitor::User("4711"), ABSORBED)?;
    visitors::keep(tx, Visitor::Anonymous("x"), SURVIVOR)
}

/// One message of each that a server took, and one of the absorbed that waits.
fn mail(tx: &mut Tx<'_>) -> crate::Result<()> {
    let stage = stage(tx)?;
    for contact in [SURVIVOR, ABSORBED] {
        let now = tx.now();
        let standing = standing_at(1, now, Some(day(30)));
        let passage = enrolments::insert(tx, stage.journey, stage.version, contact, standing, now)?;
        queue(tx, stage, &passage, "mail", 1)?;
        for claimed in outbox::claim(tx, stage.account, Which::Any, now, 10, 5)? {
            outbox::in_flight(tx, &[claimed.id], 5)?;
            let word = Word::Accepted {
                reply: "250 taken".to_owned(),
            };
            outbox::record(tx, claimed.id, 5, &word)?;
        }
        if contact == ABSORBED {
            queue(tx, stage, &passage, "mail", 2)?;
            inputs::push(
                tx,
                &[NewInput {
                    planned_at: day(20),
                    enrolment: Some(passage.id),
                    journey: Some(stage.journey),
                    contact,
                    pending: Pending::Input { input: Input::Moved },
                }],
            )?;
        }
    }
    Ok(())
}

fn suspect(tx: &mut Tx<'_>) -> crate::Result<()> {
    let pair = |a, b, probability| NewPair {
        a,
        b,
        probability,
        same: vec!["phone".to_owned()],
        weights: "[]".to_owned(),
    };
    let read = tx.seq();
    put(
        tx,
        &[
            pair(SURVIVOR, ABSORBED, 0.9),
            pair(ABSORBED, OTHER, 0.3),
            pair(SURVIVOR, OTHER, 0.2),
        ],
        1,
        read,
    )?;
    say(tx, ABSORBED, ContactId(4), PairState::Different)
}

/// See the module.
pub async fn town(place: &Place) -> Store {
    let store = fresh(place).await;
    for part in [
        |tx: &mut Tx<'_>| {
            fields::add(tx, &field("note", FieldType::Text, &[]))?;
            fields::add(tx, &field("total", FieldType::Money, &[])).map(drop)
        },
        add,
        speak,
        act,
        mail,
        suspect,
    ] {
        write(&store, part).await.unwrap();
    }
    store
}

/// All contacts as the index has them, but for the order of messages sent at one moment.
pub fn records(store: &Store) -> Vec<ContactRecord> {
    store.with_index(|index| {
        let all = index.contacts().iter();
        all.filter_map(|id| index.record(ContactId(id))).collect()
    })
}

/// Each table as the texts of its rows. What only grows is left out: identities, the order of commits, and the records
/// of who was put on a list or into a segment when.
pub fn dump(place: &Place) -> BTreeMap<String, Vec<String>> {
    const GROWING: [&str; 10] = [
        "marks",
        "changes",
        "sources",
        "segment_edges",
        "suppression_acts",
        "sqlite_sequence",
        "meta",
        "memberships",
        "membership_chunks",
        "membership_verdicts",
    ];
    let conn = Connection::open(place.file()).unwrap();
    let mut names = conn
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .unwrap();
    let names: Vec<String> = names
        .query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut tables = BTreeMap::new();
    for name in names.into_iter().filter(|name| !GROWING.contains(&name.as_str())) {
        // Figures that came to nothing are as good as none.
        let only = match name.as_str() {
            "rollups" | "gauges" | "campaign_domains" => " WHERE n <> 0",
            _ => "",
        };
        let mut statement = conn.prepare(&format!("SELECT * FROM {name}{only}")).unwrap();
        let columns = statement.column_count();
        let mut rows: Vec<String> = statement
            .query_map((), |row| {
                let cells = (0..columns).map(|i| row.get::<_, Sql>(i));
                Ok(format!("{:?}", cells.collect::<rusqlite::Result<Vec<_>>>()?))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        rows.sort();
        tables.insert(name, rows);
    }
    tables
}

/// What differs, but for the record of merges itself.
pub fn differences(
    one: &BTreeMap<String, Vec<String>>,
    other: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (table, rows) in one.iter().filter(|(table, _)| *table != "merges") {
        let others = &other[table];
        let gone = rows
            .iter()
            .filter(|row| !others.contains(row))
            .map(|row| format!("{table} - {row}"));
        let new = others
            .iter()
            .filter(|row| !rows.contains(row))
            .map(|row| format!("{table} + {row}"));
        found.extend(gone.chain(new));
    }
    found
}
