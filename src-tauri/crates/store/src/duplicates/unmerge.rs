//! Taking a merge back: both are as they were.
//!
//! What happened to the survivor since stays with it: events, messages, words of consent, and each value, tag or choice
//! that somebody wrote after the merge. Passages that the merge ended go on where they stood and messages it cancelled
//! wait again, but for journeys that were stopped meanwhile. Nobody is let into a journey by it.

use super::merge::{Was, sent, source, tell};
use super::{Merged, get, pairs};
use crate::codes::{Code, from_json};
use crate::contacts;
use crate::enrolments;
use crate::error::{Error, Result};
use crate::events;
use crate::journeys;
use crate::membership::Change;
use crate::outbox;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::suppressions;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use crate::{consents, db::Db};
use carillon_model::journey::{End, JourneyState};
use carillon_model::message::MessageState;
use carillon_model::{ContactId, EnrolmentId, EventId, JourneyId, MergeId, MessageId};

const WAS: &str = sql!("SELECT was FROM merges WHERE id = ?1 AND undone_at IS NULL");
const LATER: &str = sql!(
    "SELECT id FROM merges WHERE survivor = ?1 AND id > ?2 AND undone_at IS NULL ORDER BY id DESC LIMIT 1"
);
const INTO: &str = sql!("SELECT merge FROM contact_aliases WHERE absorbed = ?1");
const DROP_ALIAS: &str = sql!("DELETE FROM contact_aliases WHERE absorbed = ?1");
const GIVE_ALIAS: &str = sql!("UPDATE contact_aliases SET contact = ?2 WHERE absorbed = ?1");
const EVENT_BACK: &str = sql!("UPDATE events SET contact = ?2 WHERE id = ?1 AND contact = ?3");
const VISITOR_BACK: &str = sql!("UPDATE visitors SET contact = ?2 WHERE id = ?1 AND contact = ?3");
const NO_LOST_COMPANY: &str = sql!(
    "UPDATE contacts SET company_id = NULL WHERE id = ?1 AND company_id NOT IN (SELECT id FROM companies)"
);
const DONE: &str = sql!("UPDATE merges SET was = '', undone_at = ?2, undone_seq = ?3 WHERE id = ?1");
const TAG_NAMES: &str = sql!(
    "SELECT t.name FROM tags t CROSS JOIN contact_tags x ON x.tag = t.id AND x.contact = ?1 ORDER BY t.name"
);

/// Takes a merge back, in a write of its own: events of the same write are not yet in the index. See the module.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] when it was taken back already, or when a later merge of the same contact has
/// to be taken back first.
pub fn unmerge(tx: &mut Tx<'_>, id: MergeId) -> Result<()> {
    let merged = get(tx, id)?.ok_or_else(|| Error::missing("merge", id))?;
    let was: Was = match tx.value::<String>(WAS, (id.0,))? {
        Some(text) => from_json("merges", &text)?,
        None => return Err(Error::Invalid("This merge was taken back already.".to_owned())),
    };
    is_last(tx, &merged)?;
    let (survivor, absorbed) = (merged.survivor, merged.absorbed);
    // The index knows the survivor's events as the last commit left them: all are told anew below.
    let mut own: Vec<EventId> = events::ids_of(tx, survivor);
    tx.run(DROP_ALIAS, (absorbed.0,))?;
    for earlier in &was.aliases {
        tx.run(GIVE_ALIAS, (earlier, absorbed.0))?;
    }
    was.own.iter().try_for_each(|rows| rows.put_all_back(tx))?;
    // Its company may have been removed since.
    tx.run(NO_LOST_COMPANY, (absorbed.0,))?;
    let mut theirs = Vec::new();
    for event in was.events.iter().copied().map(EventId) {
        if tx.run(EVENT_BACK, (event.0, absorbed.0, survivor.0))? > 0 {
            tx.touch("events", event.0, event.0);
            theirs.push(event);
        }
    }
    own.retain(|event| !theirs.contains(event));
    if !theirs.is_empty() {
        tx.topic(Topic::Events);
    }
    for visitor in &was.visitors {
        tx.run(VISITOR_BACK, (visitor, absorbed.0, survivor.0))?;
    }
    // While passages that were ended by the merge still are.
    for moved in enrolments::movements(tx, absorbed)? {
        tx.change(Change::Moved {
            contact: survivor,
            moved,
            on: false,
        });
    }
    go_on(tx, &was, merged.at)?;
    was.before.put_back(tx, survivor, &was.after, &source(id))?;
    super::lent::call_back(tx, &was, survivor, absorbed, ms(merged.at))?;
    pairs::take_back(tx, &was.pairs, &was.new_pairs)?;
    for (contact, email) in [(survivor, &was.survivor.email), (absorbed, &was.absorbed.email)] {
        let email = contacts::email_of(tx, contact)?.unwrap_or_else(|| email.clone());
        suppressions::mark(tx, contact, &email)?;
    }
    tx.gauge("contacts", 0, 0, 1);
    tx.roll(Metric::ContactsRemoved, 0, "", merged.at, -1);
    tx.change(Change::ContactRemoved(survivor));
    retell(tx, survivor, &own)?;
    retell(tx, absorbed, &theirs)?;
    let (now, seq) = (ms(tx.now()), tx.seq());
    tx.run(DONE, (id.0, now, seq.0))?;
    tx.topic(Topic::Consents);
    tell(tx, survivor, absorbed);
    Ok(())
}

/// Merges are taken back in the reverse order.
fn is_last(db: &Db<'_>, merged: &Merged) -> Result<()> {
    let later = match db.value::<u32>(INTO, (merged.survivor.0,))? {
        Some(later) => Some(later),
        None => db.value::<u32>(LATER, (merged.survivor.0, merged.id.0))?,
    };
    match later {
        None => Ok(()),
        Some(later) => Err(Error::Invalid(format!(
            "This contact was merged again since. Take merge {later} back first."
        ))),
    }
}

/// Passages go on and messages wait again, where their journey still runs.
fn go_on(tx: &mut Tx<'_>, was: &Was, at: carillon_model::Moment) -> Result<()> {
    let runs = |tx: &Tx<'_>, journey: i64| -> Result<bool> {
        let journey = JourneyId(u32::try_from(journey).unwrap_or(0));
        Ok(!matches!(
            journeys::state(tx, journey)?,
            None | Some(JourneyState::Stopped)
        ))
    };
    for row in 0..was.enrolments.rows.len() {
        let journey = was.enrolments.number(row, "journey")?;
        let passage = EnrolmentId(was.enrolments.number(row, "id")?);
        if runs(tx, journey)? && enrolments::is_merged(tx, passage)? {
            for (contact, moved) in enrolments::movements_at_end(tx, passage)? {
                tx.change(Change::Moved {
                    contact,
                    moved,
                    on: false,
                });
            }
            was.enrolments.put_back(tx, row)?;
            let (version, step) = (
                was.enrolments.number(row, "version")?,
                was.enrolments.number(row, "step"),
            );
            if let Ok(step) = step {
                tx.gauge("standing", version, step, 1);
            }
            tx.roll(
                Metric::Ended,
                journey,
                &enrolments::end_part(&End::Merged),
                at,
                -1,
            );
            tx.topic(Topic::Enrolments);
        }
    }
    for row in 0..was.waiting.rows.len() {
        let message = MessageId(was.waiting.number(row, "id")?);
        if runs(tx, was.waiting.number(row, "journey")?)? && outbox::is_merged(tx, message)? {
            let before = MessageState::of(was.waiting.number(row, "state")?)?;
            outbox::wait_again(tx, message, before)?;
            was.waiting.put_back(tx, row)?;
        }
    }
    Ok(())
}

/// Tells the index all of a contact anew.
fn retell(tx: &mut Tx<'_>, id: ContactId, ids: &[EventId]) -> Result<()> {
    let fields = contacts::record_fields(tx, id)?.ok_or_else(|| Error::missing("contact", id))?;
    tx.change(Change::ContactAdded {
        contact: id,
        fields: fields.into_iter().collect(),
    });
    for tag in tx.all(TAG_NAMES, (id.0,), |row| Ok(row.get::<_, String>(0)?))? {
        tx.change(Change::TagSet {
            contact: id,
            tag,
            on: true,
        });
    }
    let on = suppressions::of_contact(tx, id)?;
    tx.change(Change::SuppressedSet { contact: id, on });
    for word in consents::permissions_of(tx, id)?
        .into_iter()
        .filter(|word| word.granted)
    {
        tx.change(Change::PermissionSet {
            contact: id,
            channel: word.channel,
            purpose: word.purpose,
            basis: Some(word.basis),
        });
    }
    for mut event in events::get_many(tx, ids)? {
        event.source = String::new();
        tx.change(Change::EventAdded(event));
    }
    let aliases = super::aliases_of(tx, id)?;
    for from in aliases.iter().map(|alias| alias.absorbed).chain([id]) {
        for (message, template, at) in sent(tx, from)? {
            tx.change(Change::Sent {
                contact: id,
                template,
                at,
                id: message,
            });
        }
    }
    Ok(())
}
