//! What an import says of addresses that are not to be written to, and taking that back.

use super::{evidence, import_of, is_undo, undo_source};
use crate::db::Db;
use crate::error::Result;
use crate::suppressions;
use crate::tx::Tx;
use carillon_model::ImportId;
use carillon_model::consent::SuppressionReason;

/// Puts an address on the list by the word of an import. `words`: where the list comes from, in the user's words. An
/// entry that was there before stays one, whatever becomes of the import: it may only get a graver reason.
/// False: nothing changed.
///
/// # Errors
/// As [`suppressions::add`].
pub fn suppress(
    tx: &mut Tx<'_>,
    id: ImportId,
    words: &str,
    email: &str,
    reason: SuppressionReason,
) -> Result<bool> {
    let source = match suppressions::contains(tx, email)? {
        None => evidence(words, id),
        Some(_) => format!("{words} (also import:{id})"),
    };
    suppressions::add(tx, email, reason, &source)
}

/// Whether [`suppress`] would change anything.
///
/// # Errors
/// SQLite's.
pub fn would_suppress(db: &Db<'_>, email: &str, reason: SuppressionReason) -> Result<bool> {
    Ok(match suppressions::contains(db, email)? {
        None => true,
        Some(known) => known == SuppressionReason::Unsubscribed && reason != SuppressionReason::Unsubscribed,
    })
}

/// Whether an entry of the list stands on the word of imports alone. The undoing of one is no word.
pub(crate) fn brought_by(source: &str) -> bool {
    import_of(source).is_some() && !is_undo(source)
}

/// Takes an address off the list that only this import had put there: whoever said the same since keeps it on.
pub(crate) fn take_off(tx: &mut Tx<'_>, id: ImportId, email: &str) -> Result<bool> {
    let undo = undo_source(id);
    suppressions::take_off(
        tx,
        email,
        |source| source == undo || import_of(source) == Some(id),
        "the import was taken back",
        &undo,
    )
}
