//! Companies: whom contacts work for.

use crate::contact::FieldValue;
use crate::{CompanyId, Moment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A company with everything its page shows of its fields. A contact has at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    /// Lower case, without `www.`; no two companies have the same.
    pub domain: Option<String>,
    /// All values, name and domain among them, by the keys contacts read them under.
    pub fields: Vec<FieldValue>,
    pub created_at: Moment,
}
