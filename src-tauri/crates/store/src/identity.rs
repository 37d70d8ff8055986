//! What makes this file itself: random keys chosen when it was created, kept in `meta`, never shown.

use crate::error::{Error, Result};
use crate::sql::sql;
use crate::tokens::Tokens;
use rusqlite::{Connection, OptionalExtension};

/// Keys of the workspace. Two files with the same identity are copies of one another.
pub struct Identity {
    pub(crate) tokens: Tokens,
    pub(crate) workspace: [u8; 16],
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

const SET: &str =
    sql!("INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
const GET: &str = sql!("SELECT value FROM meta WHERE key = ?1");
const ADD_KEY: &str = sql!("INSERT INTO suppression_keys(id, key) VALUES(1, ?1)");

impl Identity {
    pub(crate) fn name(&self) -> String {
        self.workspace.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Writes fresh random keys into a new file.
pub(crate) fn found(conn: &Connection) -> Result<()> {
    let workspace: [u8; 16] = rand::random();
    let token_key: [u8; 16] = rand::random();
    let hash_key: [u8; 32] = rand::random();
    conn.execute(SET, ("workspace", workspace.as_slice()))?;
    conn.execute(SET, ("token_key", token_key.as_slice()))?;
    conn.execute(ADD_KEY, (hash_key.as_slice(),))?;
    Ok(())
}

/// Fresh keys for a file of an older format, as its own program made it.
#[cfg(test)]
pub(crate) fn found_or_later(conn: &Connection, migrations: usize) {
    assert!(
        migrations >= 2,
        "the keys of suppressions came with the second migration"
    );
    found(conn).unwrap();
}

pub(crate) fn load(conn: &Connection) -> Result<Identity> {
    let workspace = bytes::<16>(conn, "workspace")?;
    let token_key = bytes::<16>(conn, "token_key")?;
    let short = u16::from_be_bytes([workspace[0], workspace[1]]);
    Ok(Identity {
        tokens: Tokens::new(&token_key, short),
        workspace,
    })
}

fn bytes<const N: usize>(conn: &Connection, key: &str) -> Result<[u8; N]> {
    let value: Option<Vec<u8>> = conn.query_row(GET, (key,), |row| row.get(0)).optional()?;
    value
        .ok_or_else(|| Error::damaged("meta", format!("{key} is missing")))?
        .try_into()
        .map_err(|_| Error::damaged("meta", format!("{key} has a wrong length")))
}

/// Counts the openings of the file as its owner: the fence that an older owner's leases fail at.
pub(crate) fn raise_fence(conn: &Connection) -> Result<i64> {
    let before: Option<Vec<u8>> = conn.query_row(GET, ("fence",), |row| row.get(0)).optional()?;
    let before = before
        .and_then(|b| <[u8; 8]>::try_from(b).ok())
        .map_or(0, i64::from_be_bytes);
    let fence = before + 1;
    conn.execute(SET, ("fence", fence.to_be_bytes().as_slice()))?;
    Ok(fence)
}
