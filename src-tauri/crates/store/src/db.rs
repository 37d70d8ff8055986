//! One connection for the length of one closure: what every typed function reads through.

use crate::catalogue::Catalogue;
use crate::error::Result;
use crate::identity::Identity;
use crate::sql::sql;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use std::sync::Arc;

/// A consistent view of the file. In a read it is one snapshot; [`crate::Tx`] derefs to it, so each reading
/// function also works inside a write and then sees the rows written so far.
pub struct Db<'c> {
    pub(crate) conn: &'c Connection,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) orders: Arc<crate::contacts::Orders>,
}

impl Db<'_> {
    /// Fields, the workspace's zone, the keys of suppressions.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Makes and reads public tokens.
    pub fn tokens(&self) -> &crate::tokens::Tokens {
        &self.identity.tokens
    }

    /// The first row, read by `f`.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        f: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => f(row).map(Some),
            None => Ok(None),
        }
    }

    /// Each row, read by `f`.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut f: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(f(row)?);
        }
        Ok(found)
    }

    /// The first column of the first row.
    /// Reads rows one after the other, keeping none.
    pub(crate) fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut f: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            f(row)?;
        }
        Ok(())
    }

    pub(crate) fn value<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>> {
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row(params, |row| row.get(0))
            .optional()?)
    }

    /// Runs `f` so that all it writes is kept or nothing: as a transaction of its own, or within the one that is open.
    pub(crate) fn whole<T>(&self, f: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.conn.is_autocommit() {
            return f();
        }
        self.conn.execute_batch(sql!("BEGIN IMMEDIATE"))?;
        let done = f().and_then(|done| {
            self.conn.execute_batch(sql!("COMMIT"))?;
            Ok(done)
        });
        if done.is_err() && !self.conn.is_autocommit() {
            self.conn.execute_batch(sql!("ROLLBACK"))?;
        }
        done
    }

    /// Runs a statement; the number of rows it changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }
}
