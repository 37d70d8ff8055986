//! How much each template was used.

use crate::db::Db;
use crate::error::Result;
use crate::rollups::{Metric, objects};
use carillon_model::{Moment, TemplateId};
use std::collections::BTreeMap;

/// Messages a server took, by template, from the day of `since` on (workspace's zone).
///
/// # Errors
/// SQLite's.
pub fn sent_by_template(db: &Db<'_>, since: Moment) -> Result<BTreeMap<TemplateId, u64>> {
    let metric = Metric::AcceptedByTemplate;
    Ok(objects(db, metric, metric.bucket(since, db.catalogue.zone()))?
        .into_iter()
        .filter_map(|(template, n)| Some((TemplateId(u32::try_from(template).ok()?), n.unsigned_abs())))
        .collect())
}
