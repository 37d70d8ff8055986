//! Whom the ids mean by which a site, shop or app tells visitors and customers apart. Only hashes of the ids are kept; what
//! is known of a contact is forgotten with the contact.

use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::ContactId;

const FIND: &str = sql!("SELECT contact FROM visitors WHERE id = ?1");
const KEEP: &str = sql!(
    "INSERT INTO visitors(id, contact) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET contact = excluded.contact"
);

/// What sort of id it is: the same text may be both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor<'a> {
    /// A number a browser made up.
    Anonymous(&'a str),
    /// What the site calls a customer.
    User(&'a str),
}

impl Visitor<'_> {
    fn hash(self) -> [u8; 16] {
        let (kind, id) = match self {
            Visitor::Anonymous(id) => ("anonymous", id),
            Visitor::User(id) => ("user", id),
        };
        let full = blake3::hash(format!("{kind}\n{id}").as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&full.as_bytes()[..16]);
        short
    }
}

/// The contact an id means, if that was ever said.
///
/// # Errors
/// SQLite's.
pub fn contact_of(db: &Db<'_>, visitor: Visitor<'_>) -> Result<Option<ContactId>> {
    Ok(db.value(FIND, (visitor.hash().as_slice(),))?.map(ContactId))
}

/// Keeps whom an id means.
///
/// # Errors
/// SQLite's.
pub fn keep(tx: &mut Tx<'_>, visitor: Visitor<'_>, contact: ContactId) -> Result<()> {
    tx.run(KEEP, (visitor.hash().as_slice(), contact.0))?;
    tx.touch("visitors", 0, 0);
    Ok(())
}
