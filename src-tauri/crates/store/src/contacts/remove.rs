//! Removing contacts.

use crate::duplicates;
use crate::error::{Error, Result};
use crate::membership::Change;
use crate::rollups::Metric;
use crate::sql::sql;
use crate::suppressions;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::ContactId;
use carillon_model::consent::{Channel, Purpose, SuppressionReason};

const REMOVE_TAGS: &str =
    sql!("DELETE FROM contact_tags WHERE contact = ?1 AND tag IN (SELECT id FROM tags)");
const DELETE: &str = sql!("DELETE FROM contacts WHERE id = ?1 RETURNING email");
const DELETE_FIELDS: &str = sql!("DELETE FROM contact_fields WHERE contact = ?1");
const DELETE_PROVENANCE: &str = sql!("DELETE FROM provenance WHERE contact = ?1");
const DELETE_PERMISSIONS: &str = sql!("DELETE FROM permissions WHERE contact = ?1");
const DELETE_EVENT: &str = sql!("DELETE FROM events WHERE id = ?1 AND contact = ?2");

/// Removes a contact with all values, tags, permissions and events, and what is known of those that were merged into it;
/// the number is never given again. Passages
/// that have not ended end here as erased, and messages that wait are cancelled. The consent ledger stays, under the
/// bare number. `keep_out` puts the address on the suppression list, which outlives the contact; so does, whatever is
/// asked for, a no to marketing mail: else the next list with the address would undo it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete(
    tx: &mut Tx<'_>,
    id: ContactId,
    keep_out: Option<SuppressionReason>,
    source: &str,
) -> Result<()> {
    let email: String = tx
        .value(DELETE, (id.0,))?
        .ok_or_else(|| Error::missing("contact", id))?;
    let said_no = crate::consents::said_no(tx, id, Channel::Email, Purpose::Marketing)?;
    for statement in [DELETE_FIELDS, DELETE_PROVENANCE, DELETE_PERMISSIONS, REMOVE_TAGS] {
        tx.run(statement, (id.0,))?;
    }
    for event in crate::events::ids_of(tx, id) {
        tx.run(DELETE_EVENT, (event.0, id.0))?;
    }
    crate::enrolments::end_erased(tx, id)?;
    crate::inputs::forget(tx, id)?;
    crate::outbox::forget(tx, id)?;
    let addresses = duplicates::forget(tx, id)?.into_iter().chain([email]);
    if let Some(reason) = keep_out.or(said_no.then_some(SuppressionReason::Unsubscribed)) {
        for email in addresses {
            suppressions::add(tx, &email, reason, source)?;
        }
    }
    tx.change(Change::ContactRemoved(id));
    tx.gauge("contacts", 0, 0, -1);
    tx.roll(Metric::ContactsRemoved, 0, "", tx.now(), 1);
    tx.touch("contacts", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Contacts);
    Ok(())
}
