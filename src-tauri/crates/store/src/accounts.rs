//! Sender accounts, without any secret, and what they spent of their limits.

use crate::codes::{from_json, json};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::ms;
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::account::Account;
use carillon_model::{AccountId, Moment};
use rusqlite::Row;

const LIST: &str = sql!("SELECT id, settings, paused FROM accounts ORDER BY name");
const GET: &str = sql!("SELECT id, settings, paused FROM accounts WHERE id = ?1");
const BY_NAME: &str = sql!("SELECT id, settings, paused FROM accounts WHERE name = ?1");
const ADD: &str = sql!("INSERT INTO accounts(name, settings, updated_at) VALUES(?1, ?2, ?3) RETURNING id");
const SAVE: &str = sql!("UPDATE accounts SET name = ?2, settings = ?3, updated_at = ?4 WHERE id = ?1");
const PAUSE: &str = sql!("UPDATE accounts SET paused = ?2, updated_at = ?3 WHERE id = ?1");
const REMOVE: &str = sql!("DELETE FROM accounts WHERE id = ?1");
const USED: &str = sql!(
    "SELECT 1 FROM outbox WHERE account = ?1 LIMIT 1",
    scan: "somebody removes an account now and then, and one message of it ends the search"
);
const SPEND: &str = sql!(
    "INSERT INTO spending(account, minute, n) VALUES(?1, ?2, ?3)
     ON CONFLICT(account, minute) DO UPDATE SET n = n + excluded.n"
);
const SPENT: &str = sql!("SELECT ifnull(sum(n), 0) FROM spending WHERE account = ?1 AND minute >= ?2");
const FIRST_SPENT: &str =
    sql!("SELECT min(minute) FROM spending WHERE account = ?1 AND minute >= ?2 AND n > 0");
const FORGET_SPENT: &str = sql!("DELETE FROM spending WHERE account = ?1 AND minute < ?2");

const MINUTE: i64 = 60_000;

/// An account with its switch.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRow {
    pub account: Account,
    /// Nothing leaves through it.
    pub paused: bool,
}

fn read(row: &Row<'_>) -> Result<AccountRow> {
    let mut account: Account = from_json("accounts", &row.get::<_, String>(1)?)?;
    account.id = AccountId(row.get(0)?);
    Ok(AccountRow {
        account,
        paused: row.get(2)?,
    })
}

/// All accounts by name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn list(db: &Db<'_>) -> Result<Vec<AccountRow>> {
    db.all(LIST, (), read)
}

/// One account.
///
/// # Errors
/// [`Error::Damaged`].
pub fn get(db: &Db<'_>, id: AccountId) -> Result<Option<AccountRow>> {
    db.one(GET, (id.0,), read)
}

/// One account by its exact name.
///
/// # Errors
/// [`Error::Damaged`].
pub fn by_name(db: &Db<'_>, name: &str) -> Result<Option<AccountRow>> {
    db.one(BY_NAME, (name,), read)
}

/// Saves an account: `id` to change one, `None` for a new one. The `id` inside is set here.
///
/// # Errors
/// [`Error::Taken`], [`Error::NotFound`], [`Error::Invalid`] without a name.
pub fn save(tx: &mut Tx<'_>, id: Option<AccountId>, account: &Account) -> Result<Account> {
    let name = account.name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("An account needs a name.".to_owned()));
    }
    if by_name(tx, name)?.is_some_and(|other| Some(other.account.id) != id) {
        return Err(Error::Taken {
            what: "account",
            name: name.to_owned(),
        });
    }
    let mut account = Account {
        name: name.to_owned(),
        ..account.clone()
    };
    let now = ms(tx.now());
    match id {
        Some(id) => {
            account.id = id;
            if tx.run(SAVE, (id.0, name, json(&account)?, now))? == 0 {
                return Err(Error::missing("account", id));
            }
        }
        None => {
            let id = tx
                .value(ADD, (name, json(&account)?, now))?
                .ok_or_else(|| Error::damaged("accounts", "a new account got no number"))?;
            account.id = AccountId(id);
        }
    }
    tell(tx, account.id);
    Ok(account)
}

fn tell(tx: &mut Tx<'_>, id: AccountId) {
    tx.touch("accounts", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Accounts);
}

/// Switches an account off or on.
///
/// # Errors
/// [`Error::NotFound`].
pub fn set_paused(tx: &mut Tx<'_>, id: AccountId, paused: bool) -> Result<()> {
    let now = ms(tx.now());
    if tx.run(PAUSE, (id.0, paused, now))? == 0 {
        return Err(Error::missing("account", id));
    }
    tell(tx, id);
    Ok(())
}

/// Removes an account no message ever had.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] when messages name it.
pub fn remove(tx: &mut Tx<'_>, id: AccountId) -> Result<()> {
    if tx.value::<i64>(USED, (id.0,))?.is_some() {
        return Err(Error::Invalid(
            "Messages belong to this account, so it stays. It can be switched off.".to_owned(),
        ));
    }
    if tx.run(REMOVE, (id.0,))? == 0 {
        return Err(Error::missing("account", id));
    }
    tell(tx, id);
    Ok(())
}

/// Counts messages that went in flight against the account's limits, in the same write.
///
/// # Errors
/// SQLite's.
pub fn spend(tx: &mut Tx<'_>, id: AccountId, at: Moment, n: u32) -> Result<()> {
    let minute = ms(at).div_euclid(MINUTE);
    tx.run(SPEND, (id.0, minute, n))?;
    // A day and an hour: the longest limit is 24 hours.
    tx.run(FORGET_SPENT, (id.0, minute - 25 * 60))?;
    tx.touch("spending", i64::from(id.0), i64::from(id.0));
    Ok(())
}

/// How many went in flight since `since`, counting the whole minute it lies in.
///
/// # Errors
/// SQLite's.
pub fn spent(db: &Db<'_>, id: AccountId, since: Moment) -> Result<u32> {
    let n: i64 = db
        .value(SPENT, (id.0, ms(since).div_euclid(MINUTE)))?
        .unwrap_or(0);
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The end of the first minute since `since` in which something was spent: when that part of a limit is free
/// again, after the limit's length.
///
/// # Errors
/// SQLite's.
pub fn first_spent(db: &Db<'_>, id: AccountId, since: Moment) -> Result<Option<Moment>> {
    let minute: Option<i64> = db
        .value::<Option<i64>>(FIRST_SPENT, (id.0, ms(since).div_euclid(MINUTE)))?
        .flatten();
    crate::time::moment_opt(minute.map(|m| (m + 1) * MINUTE))
}
