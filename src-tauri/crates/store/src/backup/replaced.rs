//! What a restored file must know of the file it replaces: who said no since, and what was sent or decided since.

use crate::codes::Code;
use crate::contacts::id_of;
use crate::error::{Error, Result};
use crate::open;
use crate::outbox::{self, Elsewhere, TakenOver};
use crate::sql::sql;
use crate::suppressions::{self, Foreign};
use crate::time::moment;
use crate::tx::{Marks, Tx};
use crate::{consents, identity, imports};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::{ContactId, Moment};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::path::Path;

const WITHDRAWN: &str = sql!(
    "SELECT c.id, c.email, p.channel, p.purpose, p.basis, l.at, s.text FROM permissions p
     CROSS JOIN contacts c ON c.id = p.contact CROSS JOIN consents l ON l.id = p.consent
     CROSS JOIN sources s ON s.id = l.source WHERE p.granted = 0",
    scan: "all opt-outs of a replaced file are taken over once"
);
const CONTACT: &str = sql!("SELECT 1 FROM contacts WHERE id = ?1");
const NUMBERS: &str = sql!("SELECT name, seq FROM sqlite_sequence");
const FIRST_NUMBER: &str = sql!(
    "INSERT INTO sqlite_sequence(name, seq)
     SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)"
);
const RAISE_NUMBER: &str = sql!("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1");
const SPENDING: &str = sql!("SELECT account, minute, n FROM spending");
const SPEND: &str = sql!(
    "INSERT INTO spending(account, minute, n) VALUES(?1, ?2, ?3)
     ON CONFLICT(account, minute) DO UPDATE SET n = max(n, excluded.n)"
);

/// What a file knows that is about to be replaced.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    suppressed: Foreign,
    withdrawn: Vec<Withdrawal>,
    /// `None`: it is another workspace, whose numbers mean nothing in this one.
    kin: Option<Kin>,
    /// What is wrong with it, if not all of it could be read.
    unread: Option<String>,
}

/// A later state of the very file that is restored: its numbers name the same things.
#[derive(Debug)]
struct Kin {
    marks: Marks,
    numbers: Vec<(String, i64)>,
    messages: Vec<Elsewhere>,
    spending: Vec<(i64, i64, i64)>,
}

#[derive(Debug)]
struct Withdrawal {
    contact: ContactId,
    email: String,
    channel: Channel,
    purpose: Purpose,
    basis: Basis,
    at: Moment,
    source: String,
}

impl Replaced {
    /// Reads the file, and copies its WAL back so that it can be renamed alone. `workspace`: the name of the restored
    /// one; `first`: the first number of a message the backup does not know. What damage hides is left out, and
    /// [`Replaced::unread`] says so.
    pub(super) fn read(path: &Path, workspace: &str, first: i64) -> Result<Replaced> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.busy_timeout(open::BUSY)?;
        let mut unread = None;
        let busy: bool = salvage(
            &mut unread,
            conn.query_row(sql!("PRAGMA wal_checkpoint(TRUNCATE)"), (), |row| row.get(0))
                .map_err(Error::from),
        )?;
        if busy {
            return Err(Error::Invalid(
                "The workspace is still in use by another program. Close it there and try again; nothing was changed.".to_owned(),
            ));
        }
        Ok(Replaced {
            suppressed: salvage(&mut unread, Foreign::read(&conn))?,
            withdrawn: salvage(&mut unread, withdrawals(&conn))?,
            kin: salvage(&mut unread, Kin::read(&conn, workspace, first))?,
            unread,
        })
    }

    /// What is wrong with the file, if not all of it could be read.
    pub(super) fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    /// Addresses that are never to be written to.
    pub(super) fn suppressed(&self) -> &Foreign {
        &self.suppressed
    }

    /// No number that file has given out is given out again, and what it decided is not decided again.
    pub(super) fn take_over_messages(&self, tx: &mut Tx<'_>) -> Result<TakenOver> {
        let Some(kin) = &self.kin else {
            return Ok(TakenOver::default());
        };
        tx.marks.raise(&kin.marks);
        for (table, last) in &kin.numbers {
            tx.run(FIRST_NUMBER, (table,))?;
            tx.run(RAISE_NUMBER, (table, last))?;
        }
        for spent in kin.spending.iter().copied() {
            tx.run(SPEND, spent)?;
        }
        outbox::take_over(tx, &kin.messages)
    }

    /// Everybody who withdrew there and is permitted here withdraws here: by number where it names the same person,
    /// whose address may have changed since, and by address. An address that said no to marketing mail and is nobody's
    /// here is suppressed: the next list with it gives no permission again. How many noes were new.
    pub(super) fn take_over_withdrawals(&self, tx: &mut Tx<'_>) -> Result<u64> {
        let mut ended = 0;
        for no in &self.withdrawn {
            let mut who: BTreeSet<ContactId> = id_of(tx, &no.email)?.into_iter().collect();
            let stranger = who.is_empty() && no.outlives_its_contact();
            if self.kin.is_some() && tx.value::<i64>(CONTACT, (no.contact.0,))?.is_some() {
                who.insert(no.contact);
            }
            let nobody = who.is_empty();
            for contact in who {
                ended += u64::from(withdraw(tx, contact, no)?);
            }
            if stranger {
                let new = suppressions::add(tx, &no.email, SuppressionReason::Unsubscribed, &no.source)?;
                ended += u64::from(new && nobody);
            }
        }
        Ok(ended)
    }
}

/// What was read, or nothing where the file is damaged there; `unread` keeps why.
fn salvage<T: Default>(unread: &mut Option<String>, read: Result<T>) -> Result<T> {
    match read {
        Err(error) if error.is_damage() => {
            unread.get_or_insert(match error {
                Error::Sqlite(detail) => detail.to_string(),
                other => other.to_string(),
            });
            Ok(T::default())
        }
        other => other,
    }
}

impl Kin {
    fn read(conn: &Connection, workspace: &str, first: i64) -> Result<Option<Kin>> {
        if identity::load(conn)?.name() != workspace {
            return Ok(None);
        }
        Ok(Some(Kin {
            marks: Marks::read(conn)?,
            numbers: conn
                .prepare(NUMBERS)?
                .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?,
            messages: outbox::since(conn, first)?,
            spending: conn
                .prepare(SPENDING)?
                .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?,
        }))
    }
}

impl Withdrawal {
    fn outlives_its_contact(&self) -> bool {
        self.channel == Channel::Email
            && self.purpose == Purpose::Marketing
            && !imports::is_undo(&self.source)
    }
}

fn withdrawals(conn: &Connection) -> Result<Vec<Withdrawal>> {
    let mut withdrawn = Vec::new();
    let mut statement = conn.prepare(WITHDRAWN)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        withdrawn.push(Withdrawal {
            contact: ContactId(row.get(0)?),
            email: row.get(1)?,
            channel: Channel::of(row.get(2)?)?,
            purpose: Purpose::of(row.get(3)?)?,
            basis: Basis::of(row.get(4)?)?,
            at: moment(row.get(5)?)?,
            source: row.get(6)?,
        });
    }
    Ok(withdrawn)
}

fn withdraw(tx: &mut Tx<'_>, contact: ContactId, no: &Withdrawal) -> Result<bool> {
    if consents::permission(tx, contact, no.channel, no.purpose)?.is_none() {
        return Ok(false);
    }
    let row = Consent {
        contact,
        channel: no.channel,
        purpose: no.purpose,
        action: ConsentAction::Withdrawn,
        basis: no.basis,
        wording: None,
        wording_hash: None,
        source: no.source.clone(),
        at: no.at,
    };
    consents::append(tx, &[row])?;
    Ok(consents::permission(tx, contact, no.channel, no.purpose)?.is_none())
}
