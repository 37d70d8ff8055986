//! What an import did to companies, kept and taken back.

use super::removed::erase;
use super::write::{origin, put_back};
use super::{contacts_of, exists};
use crate::codes::{from_json, json};
use crate::contacts::Updated;
use crate::error::Result;
use crate::imports::{Was, undo_source};
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::{CompanyId, ImportId};

const WAS: &str = sql!("SELECT was FROM import_company_changes WHERE import = ?1 AND company = ?2");
const KEEP: &str = sql!(
    "INSERT INTO import_company_changes(import, company, was) VALUES(?1, ?2, ?3)
     ON CONFLICT(import, company) DO UPDATE SET was = excluded.was"
);
const CHANGED: &str =
    sql!("SELECT company, was FROM import_company_changes WHERE import = ?1 ORDER BY company LIMIT ?2");
const FORGET: &str = sql!("DELETE FROM import_company_changes WHERE import = ?1 AND company = ?2");
const MADE: &str = sql!(
    "SELECT k.id FROM companies k WHERE k.source = ?1 AND k.id > ?2
       AND NOT EXISTS (SELECT 1 FROM company_provenance p WHERE p.company = k.id AND p.source <> ?1) ORDER BY k.id LIMIT ?3",
    scan: "an import is taken back once"
);

/// Keeps what an import found in a company it changed. For a value written twice the first one found counts.
///
/// # Errors
/// SQLite's.
pub fn keep_was(tx: &mut Tx<'_>, id: ImportId, company: CompanyId, updated: &[Updated]) -> Result<()> {
    if updated.is_empty() {
        return Ok(());
    }
    let was: Option<String> = tx.value(WAS, (id.0, company.0))?;
    let was = was
        .map(|text| from_json("import_company_changes", &text))
        .transpose()?;
    let mut was: Vec<Was> = was.unwrap_or_default();
    for change in updated {
        let field = tx.catalogue.field(&change.key)?.number();
        if !was.iter().any(|found| found.field == field) {
            was.push(Was {
                field,
                value: change.was.clone(),
                origin: change.origin,
            });
        }
    }
    tx.run(KEEP, (id.0, company.0, json(&was)?))?;
    Ok(())
}

/// Puts values of companies back where their provenance still names the import: nobody wrote them since.
pub(crate) fn restore_changed(tx: &mut Tx<'_>, import: ImportId, source: i64, left: &mut u32) -> Result<()> {
    let rows = tx.all(CHANGED, (import.0, *left), |row| {
        Ok((CompanyId(row.get(0)?), row.get::<_, String>(1)?))
    })?;
    *left -= u32::try_from(rows.len()).unwrap_or(0).min(*left);
    let by = undo_source(import);
    for (company, was) in rows {
        tx.run(FORGET, (import.0, company.0))?;
        if !exists(tx, company)? {
            continue;
        }
        let was: Vec<Was> = from_json("import_company_changes", &was)?;
        let catalogue = tx.catalogue.clone();
        for found in was {
            let Some(field) = catalogue.by_number(found.field) else {
                continue;
            };
            let retired = field.custom().is_some_and(|custom| custom.retired);
            let now = origin(tx, company, found.field)?;
            if retired || now.map(|origin| origin.source) != Some(source) {
                continue;
            }
            put_back(tx, company, field.key(), found.value.as_ref(), found.origin, &by)?;
        }
    }
    Ok(())
}

/// Removes the companies an import made that no contact has and nobody else changed.
pub(crate) fn drop_made(tx: &mut Tx<'_>, source: i64, left: &mut u32) -> Result<()> {
    let mut after = CompanyId(0);
    while *left > 0 {
        let made = tx.all(MADE, (source, after.0, *left), |row| Ok(CompanyId(row.get(0)?)))?;
        let Some(last) = made.last().copied() else {
            return Ok(());
        };
        after = last;
        for company in made {
            if contacts_of(tx, company)?.is_empty() {
                erase(tx, company)?;
                *left -= 1;
            }
        }
    }
    Ok(())
}
