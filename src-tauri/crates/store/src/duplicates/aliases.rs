//! Who stands for a contact that was merged into another.

use crate::contacts::normalise_email;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::{ContactId, MergeId, Moment, Seq};

const STANDING: &str = sql!("SELECT contact FROM contact_aliases WHERE absorbed = ?1");
const BY_EMAIL: &str = sql!("SELECT contact FROM contact_aliases WHERE email = ?1");
const EMAIL: &str = sql!("SELECT email FROM contact_aliases WHERE absorbed = ?1");
const ANY: &str = sql!("SELECT 1 FROM contact_aliases LIMIT 1");
const OF: &str = sql!(
    "SELECT a.absorbed, a.email, a.merge, m.at FROM contact_aliases a JOIN merges m ON m.id = a.merge
     WHERE a.contact = ?1 ORDER BY a.absorbed"
);
const MOVED: &str =
    sql!("SELECT 1 FROM merges WHERE seq = ?1 UNION ALL SELECT 1 FROM merges WHERE undone_seq = ?1");
const DROP_ALIASES: &str = sql!("DELETE FROM contact_aliases WHERE contact = ?1");
const DROP_MERGES: &str = sql!("DELETE FROM merges WHERE survivor = ?1 OR absorbed = ?1");
const DROP_PAIRS: &str = sql!("DELETE FROM duplicate_pairs WHERE a = ?1 OR b = ?1");

/// A contact that was merged into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The number it had.
    pub absorbed: ContactId,
    /// Its address, which leads to whoever stands for it.
    pub email: String,
    pub merge: MergeId,
    pub at: Moment,
}

/// Whoever stands for a contact now: itself, unless it was merged into another.
///
/// # Errors
/// SQLite's.
pub fn standing(db: &Db<'_>, id: ContactId) -> Result<ContactId> {
    Ok(db.value(STANDING, (id.0,))?.map_or(id, ContactId))
}

/// Whoever stands for an address that a merged contact had.
pub(crate) fn by_email(db: &Db<'_>, email: &str) -> Result<Option<ContactId>> {
    Ok(db.value(BY_EMAIL, (email,))?.map(ContactId))
}

/// Whether an address is that of a contact merged into another: permission given for it is of that address alone, and
/// not of the one its contact has now.
///
/// # Errors
/// SQLite's.
pub fn is_alias(db: &Db<'_>, email: &str) -> Result<bool> {
    Ok(by_email(db, &normalise_email(email))?.is_some())
}

/// The address a merged contact had.
///
/// # Errors
/// SQLite's.
pub fn alias_email(db: &Db<'_>, absorbed: ContactId) -> Result<Option<String>> {
    db.value(EMAIL, (absorbed.0,))
}

/// Whether anybody was ever merged into another.
pub(crate) fn any(db: &Db<'_>) -> Result<bool> {
    Ok(db.value::<i64>(ANY, ())?.is_some())
}

/// Contacts that were merged into this one, by their numbers.
///
/// # Errors
/// SQLite's; [`crate::Error::Damaged`].
pub fn aliases_of(db: &Db<'_>, contact: ContactId) -> Result<Vec<Alias>> {
    db.all(OF, (contact.0,), |row| {
        Ok(Alias {
            absorbed: ContactId(row.get(0)?),
            email: row.get(1)?,
            merge: MergeId(row.get(2)?),
            at: crate::time::moment(row.get(3)?)?,
        })
    })
}

/// Whether a commit merged contacts or took a merge back. Whoever came into a segment by it lets no journey begin: they
/// were in it before, as one of the two.
///
/// # Errors
/// SQLite's.
pub fn moved_people(db: &Db<'_>, seq: Seq) -> Result<bool> {
    Ok(db.value::<i64>(MOVED, (seq.0,))?.is_some())
}

/// Forgets what was known of an erased contact and of all that were merged into it. Their addresses are returned.
pub(crate) fn forget(tx: &mut Tx<'_>, id: ContactId) -> Result<Vec<String>> {
    let aliases = aliases_of(tx, id)?;
    for gone in aliases.iter().map(|alias| alias.absorbed).chain([id]) {
        tx.run(DROP_MERGES, (gone.0,))?;
        tx.run(DROP_PAIRS, (gone.0,))?;
        crate::cleansing::forget(tx, gone)?;
        crate::contacts::history::forget(tx, gone)?;
    }
    tx.run(DROP_ALIASES, (id.0,))?;
    super::tell(tx);
    Ok(aliases.into_iter().map(|alias| alias.email).collect())
}
