//! Making one contact of two.
//!
//! The one whose address stays survives under its number. Of the other it gets the fields that were chosen, each with its
//! source and moment; tags, events, visits to the site; and every no: a withdrawn permission, an entry of the list of
//! those who are not written to, topics left, a pause. It gets no yes: permission was given for an address. A bounce
//! says something of an address too, and stays with it.
//!
//! Passages of the other through journeys end as merged, what was to be told to them is dropped, and messages of theirs
//! that wait are cancelled. They still count: a journey that lets in once does not let the survivor in where the other
//! was. The ledger of consents and past messages keep the number they were written under and are found through the
//! survivor.

use super::kept::Rows;
use super::person::{self, Person};
use super::{aliases, pairs};
use crate::catalogue::FieldRef;
use crate::choices;
use crate::codes::{Code, json};
use crate::companies;
use crate::consents;
use crate::contacts;
use crate::db::Db;
use crate::enrolments;
use crate::error::{Error, Result};
use crate::events;
use crate::membership::Change;
use crate::outbox;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::suppressions;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::Contact;
use carillon_model::journey::End;
use carillon_model::message::MessageState;
use carillon_model::{ContactId, EventId, MergeId, MessageId, Moment};
use serde::{Deserialize, Serialize};

const VISITORS: &str = sql!("SELECT id FROM visitors WHERE contact = ?1");
const MOVE_VISITOR: &str = sql!("UPDATE visitors SET contact = ?2 WHERE id = ?1 AND contact = ?3");
const INPUTS: &str = sql!(
    "SELECT * FROM inputs WHERE contact = ?1",
    scan: "two contacts are merged once, and the inbox is nearly empty between ticks"
);
const ENROLMENTS: &str = sql!("SELECT * FROM enrolments WHERE contact = ?1 AND active = 1");
const WAITING: &str = sql!(
    "SELECT o.* FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
     CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state < 2"
);
const PAIRS: &str = sql!("SELECT * FROM duplicate_pairs WHERE a = ?1 OR b = ?1");
const MOVE_EVENT: &str = sql!("UPDATE events SET contact = ?2 WHERE id = ?1 AND contact = ?3");
const MOVE_ALIASES: &str = sql!("UPDATE contact_aliases SET contact = ?2 WHERE contact = ?1");
const ADD_ALIAS: &str =
    sql!("INSERT INTO contact_aliases(absorbed, email, contact, merge) VALUES(?1, ?2, ?3, ?4)");
const ADD: &str = sql!(
    "INSERT INTO merges(survivor, absorbed, email, was, source, at, seq) VALUES(?1, ?2, ?3, '', ?4, ?5, ?6) RETURNING id"
);
const KEEP: &str = sql!("UPDATE merges SET was = ?2 WHERE id = ?1");
const DELETE: [&str; 5] = [
    sql!("DELETE FROM contacts WHERE id = ?1"),
    sql!("DELETE FROM contact_fields WHERE contact = ?1"),
    sql!("DELETE FROM provenance WHERE contact = ?1"),
    sql!("DELETE FROM permissions WHERE contact = ?1"),
    sql!("DELETE FROM contact_tags WHERE contact = ?1 AND tag IN (SELECT id FROM tags)"),
];
const SENT: &str = sql!(
    "SELECT o.id, t.name, o.accepted_at FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
     CROSS JOIN outbox o ON o.enrolment = e.id JOIN templates t ON t.id = o.template WHERE o.accepted_at IS NOT NULL"
);
const LEAVING: &str = sql!(
    "SELECT o.id FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
     CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state = ?2 LIMIT 1"
);

/// All that taking a merge back needs, and what is shown of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Was {
    /// Both with all values, as people read them, for the history.
    pub(super) survivor: Contact,
    pub(super) absorbed: Contact,
    /// The survivor part by part, before and after.
    pub(super) before: Person,
    pub(super) after: Person,
    /// Rows of the absorbed.
    pub(super) own: Vec<Rows>,
    pub(super) enrolments: Rows,
    pub(super) waiting: Rows,
    pub(super) pairs: Rows,
    /// Pairs that were made for the survivor out of pairs of the absorbed.
    pub(super) new_pairs: Vec<(u32, u32)>,
    pub(super) events: Vec<i64>,
    pub(super) visitors: Vec<Vec<u8>>,
    /// Contacts that had been merged into the absorbed before.
    pub(super) aliases: Vec<u32>,
}

/// The source a merge's writes name: `merge:<id>`.
pub(super) fn source(id: MergeId) -> String {
    format!("merge:{id}")
}

/// Makes one contact of two: `absorbed` goes into `survivor`, whose address stays. `take`: keys of the fields whose value
/// comes from the absorbed; one that has none there changes nothing. The number under which it can be taken back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for one contact twice, for `email` or an unknown field in `take`, and while a
/// message to the absorbed is on its way.
pub fn merge(
    tx: &mut Tx<'_>,
    survivor: ContactId,
    absorbed: ContactId,
    take: &[String],
    by: &str,
) -> Result<MergeId> {
    let [first, second] = pairs::found(tx, survivor, absorbed)?;
    if tx
        .value::<i64>(LEAVING, (absorbed.0, MessageState::InFlight.code()))?
        .is_some()
    {
        return Err(Error::Invalid(format!(
            "A message to {} is on its way at this moment. Try again in a minute.",
            second.email
        )));
    }
    let catalogue = tx.catalogue.clone();
    let mut numbers = Vec::new();
    for key in take {
        match catalogue.field(key)?.number() {
            number if person::is_movable(&catalogue, number) => numbers.push(number),
            _ => return Err(Error::Invalid(format!("\"{key}\" stays with its contact."))),
        }
    }
    outbox::unclaim(tx, absorbed)?;
    let was = take_down(tx, first, second)?;
    let other = Person::read(tx, absorbed)?;
    let (by, now, seq) = (tx.source(by)?, ms(tx.now()), tx.seq());
    let id: i64 = tx
        .value(ADD, (survivor.0, absorbed.0, &was.absorbed.email, by, now, seq.0))?
        .ok_or_else(|| Error::damaged("merges", "a new merge got no number"))?;
    let id = MergeId(u32::try_from(id).map_err(|_| Error::damaged("merges", "there are too many merges"))?);
    for number in numbers {
        take_value(tx, (survivor, absorbed), number, &other)?;
    }
    for (tag, given) in other
        .tags
        .iter()
        .filter(|(tag, _)| !was.before.tags.contains_key(tag))
    {
        person::write_tag(tx, survivor, *tag, *given)?;
    }
    keep_every_no(tx, survivor, absorbed, &other, &was.before)?;
    keep_off_list(tx, &was, id)?;
    end_passages(tx, absorbed)?;
    move_rows(tx, survivor, absorbed, &was)?;
    remove(tx, absorbed)?;
    tx.run(MOVE_ALIASES, (absorbed.0, survivor.0))?;
    tx.run(ADD_ALIAS, (absorbed.0, &was.absorbed.email, survivor.0, id.0))?;
    let new_pairs = pairs::hand_on(tx, survivor, absorbed)?;
    person::touched(tx, survivor, now)?;
    let was = Was {
        after: Person::read(tx, survivor)?,
        new_pairs,
        ..was
    };
    tx.run(KEEP, (id.0, json(&was)?))?;
    tell(tx, survivor, absorbed);
    Ok(id)
}

/// Writes down both as they are.
fn take_down(tx: &Tx<'_>, survivor: Contact, absorbed: Contact) -> Result<Was> {
    let id = absorbed.id;
    let before = Person::read(tx, survivor.id)?;
    let rows = |table: &str, sql: &str| Rows::read(tx, table, sql, (id.0,));
    let mut pairs = rows("duplicate_pairs", PAIRS)?;
    let of_survivor = Rows::read(tx, "duplicate_pairs", PAIRS, (survivor.id.0,))?;
    pairs.rows.extend(of_survivor.rows);
    pairs.rows.sort_by_key(|row| format!("{row:?}"));
    pairs.rows.dedup();
    Ok(Was {
        after: before.clone(),
        before,
        own: vec![
            rows("contacts", person::CONTACT)?,
            rows("contact_fields", person::VALUES)?,
            rows("provenance", person::PROVENANCE)?,
            rows("contact_tags", person::TAGS)?,
            rows("permissions", person::PERMISSIONS)?,
            rows("inputs", INPUTS)?,
        ],
        enrolments: rows("enrolments", ENROLMENTS)?,
        waiting: rows("outbox", WAITING)?,
        pairs,
        new_pairs: Vec::new(),
        events: events::ids_of(tx, id).into_iter().map(|event| event.0).collect(),
        visitors: tx.all(VISITORS, (id.0,), |row| Ok(row.get(0)?))?,
        aliases: aliases::aliases_of(tx, id)?
            .iter()
            .map(|a| a.absorbed.0)
            .collect(),
        survivor,
        absorbed,
    })
}

/// A value of the absorbed becomes the survivor's, as written by whom and when it was written.
fn take_value(
    tx: &mut Tx<'_>,
    (survivor, absorbed): (ContactId, ContactId),
    number: i64,
    other: &Person,
) -> Result<()> {
    let Some(held) = other.fields.get(&number).filter(|held| !held.is_empty()) else {
        return Ok(());
    };
    let mut taken = held.clone();
    taken.origin = Some(person::whence(tx, absorbed, number, held)?);
    person::write_field(tx, survivor, number, &taken)?;
    let catalogue = tx.catalogue.clone();
    let values = contacts::record_fields(tx, survivor)?.unwrap_or_default();
    let keys: Vec<String> = match catalogue.by_number(number) {
        Some(FieldRef::Company(_)) => companies::keys(&catalogue).collect(),
        field => field.map(|field| field.key().to_owned()).into_iter().collect(),
    };
    for key in keys {
        let value = values.iter().find(|(k, _)| *k == key);
        let value = value.map(|(_, value)| value.clone());
        tx.change(Change::FieldSet {
            contact: survivor,
            key,
            value,
        });
    }
    Ok(())
}

/// A permission that either took back is taken back. What only undid an import is nobody's no.
fn keep_every_no(
    tx: &mut Tx<'_>,
    survivor: ContactId,
    absorbed: ContactId,
    other: &Person,
    before: &Person,
) -> Result<()> {
    for (about, (granted, basis, consent)) in &other.permissions {
        let (channel, purpose) = (Code::of(about.0)?, Code::of(about.1)?);
        let has_no = |(known, word): &(_, (i64, _, _))| known == about && word.0 == 0;
        if *granted != 0
            || before.permissions.iter().any(has_no)
            || !consents::said_no(tx, absorbed, channel, purpose)?
        {
            continue;
        }
        person::write_no(tx, survivor, *about, *basis, *consent)?;
        tx.change(Change::PermissionSet {
            contact: survivor,
            channel,
            purpose,
            basis: None,
        });
        tx.topic(Topic::Consents);
    }
    Ok(())
}

/// What keeps mail from the address of the absorbed keeps it from the survivor's, but for a bounce; so does what was
/// chosen on the preference page.
fn keep_off_list(tx: &mut Tx<'_>, was: &Was, id: MergeId) -> Result<()> {
    let (to, from, source) = (&was.survivor.email, &was.absorbed.email, source(id));
    if let Some(reason) = suppressions::contains(tx, from)?
        && reason != SuppressionReason::Bounced
    {
        suppressions::add(tx, to, reason, &source)?;
    }
    let (own, other) = (choices::of(tx, to)?, choices::of(tx, from)?);
    let both = own.and(other);
    if both != own {
        choices::set(tx, to, &both, &source, tx.now())?;
    }
    Ok(())
}

fn end_passages(tx: &mut Tx<'_>, absorbed: ContactId) -> Result<()> {
    for enrolment in enrolments::active_of(tx, absorbed)? {
        enrolments::end(tx, enrolment, End::Merged)?;
    }
    crate::inputs::forget(tx, absorbed)?;
    let waiting = tx.all(WAITING_IDS, (absorbed.0,), |row| Ok(MessageId(row.get(0)?)))?;
    outbox::cancel_merged(tx, &waiting)
}

const WAITING_IDS: &str = sql!(
    "SELECT o.id FROM journeys j CROSS JOIN enrolments e ON e.journey = j.id AND e.contact = ?1
     CROSS JOIN outbox o ON o.enrolment = e.id WHERE o.state < 2"
);

/// Events, visits and messages that were sent count for the survivor.
fn move_rows(tx: &mut Tx<'_>, survivor: ContactId, absorbed: ContactId, was: &Was) -> Result<()> {
    let ids: Vec<EventId> = was.events.iter().copied().map(EventId).collect();
    for mut event in events::get_many(tx, &ids)? {
        tx.run(MOVE_EVENT, (event.id.0, survivor.0, absorbed.0))?;
        tx.touch("events", event.id.0, event.id.0);
        event.contact = survivor;
        event.source = String::new();
        tx.change(Change::EventAdded(event));
    }
    if !ids.is_empty() {
        tx.topic(Topic::Events);
    }
    for visitor in &was.visitors {
        tx.run(MOVE_VISITOR, (visitor, survivor.0, absorbed.0))?;
    }
    for moved in enrolments::movements(tx, absorbed)? {
        tx.change(Change::Moved {
            contact: survivor,
            moved,
            on: true,
        });
    }
    let earlier = was.aliases.iter().copied().map(ContactId);
    for from in earlier.chain([absorbed]) {
        for (id, template, at) in sent(tx, from)? {
            tx.change(Change::Sent {
                contact: survivor,
                template,
                at,
                id,
            });
        }
    }
    Ok(())
}

/// Messages under a number that a server took: which, the template and when.
pub(super) fn sent(db: &Db<'_>, contact: ContactId) -> Result<Vec<(MessageId, String, Moment)>> {
    db.all(SENT, (contact.0,), |row| {
        Ok((MessageId(row.get(0)?), row.get(1)?, moment(row.get(2)?)?))
    })
}

fn remove(tx: &mut Tx<'_>, absorbed: ContactId) -> Result<()> {
    for statement in DELETE {
        tx.run(statement, (absorbed.0,))?;
    }
    tx.change(Change::ContactRemoved(absorbed));
    tx.gauge("contacts", 0, 0, -1);
    tx.roll(Metric::ContactsRemoved, 0, "", tx.now(), 1);
    Ok(())
}

pub(super) fn tell(tx: &mut Tx<'_>, survivor: ContactId, absorbed: ContactId) {
    for id in [survivor, absorbed] {
        tx.touch("contacts", i64::from(id.0), i64::from(id.0));
    }
    for topic in [Topic::Contacts, Topic::Tags, Topic::Duplicates] {
        tx.topic(topic);
    }
}
