//! What is asked of companies, and what is answered.

use crate::contacts::{KeyValue, Sort, Who};
use carillon_model::company::Company;
use carillon_model::contact::Value;
use carillon_model::score::{CompanyScored, CompanyScoring};
use carillon_model::{CompanyId, Moment, ScoreId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// Which companies to list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CompaniesPage {
    /// Words looked for in name and domain.
    pub search: Option<String>,
    /// By `contacts` (how many there are), `created_at`, a field of companies, or the points of companies by a score, under
    /// the key of its field; by name where it is left out.
    pub sort: Option<Sort>,
    /// Only those that no contact has.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub without_contacts: bool,
    /// First row, from 0.
    pub offset: u32,
    /// At most 200.
    pub limit: u32,
    /// Keys of the fields wanted beside name and domain, and of scores.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// A company in a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyRow {
    pub id: CompanyId,
    pub name: String,
    pub domain: Option<String>,
    /// How many contacts it has.
    #[ts(type = "number")]
    pub contacts: u64,
    pub values: BTreeMap<String, Value>,
    /// Of scores that were wanted: the whole points of the company, by the keys of their fields. A score that does not measure
    /// it is left out.
    pub scores: BTreeMap<String, f64>,
    pub created_at: Moment,
}

/// Which company.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneCompany {
    pub id: CompanyId,
}

/// A company by its domain, else by its name.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FindCompany {
    pub text: String,
}

/// The company that was meant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyFound {
    pub id: CompanyId,
}

/// What a company's page shows. Its contacts are those `contacts.page` lists of it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyPage {
    pub company: Company,
    /// How many contacts it has.
    #[ts(type = "number")]
    pub contacts: u64,
    /// What the published scores say of it, by name; those that do not measure it are left out.
    pub scores: Vec<CompanyScore>,
}

/// A published score of points, of one company.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyScore {
    pub id: ScoreId,
    /// The field the score writes to contacts.
    pub key: String,
    pub name: String,
    /// How it measures companies.
    pub model: CompanyScoring,
    /// What that comes to now, part by part.
    pub scored: CompanyScored,
}

/// A company to make.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CreateCompany {
    pub name: String,
    /// In any form: `acme.com`, `https://www.acme.com/`.
    #[serde(default)]
    pub domain: Option<String>,
    #[serde(default)]
    pub values: Vec<KeyValue>,
}

/// Values of a company to write; `None` clears one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateCompany {
    pub id: CompanyId,
    pub values: Vec<KeyValue>,
}

/// What a removed company leaves: contacts without a company.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyRemoved {
    #[ts(type = "number")]
    pub contacts: u64,
}

/// A company that was removed and can be given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyGone {
    pub id: CompanyId,
    pub name: String,
    /// How many contacts had it.
    #[ts(type = "number")]
    pub contacts: u64,
    pub at: Moment,
}

/// What giving a company back did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyRestored {
    /// Contacts that have it again.
    #[ts(type = "number")]
    pub contacts: u64,
    /// Its domain is another company's by now.
    pub without_domain: bool,
}

/// Which contacts get which company; `None`: they get none.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ConnectCompany {
    pub company: Option<CompanyId>,
    pub who: Who,
}

/// Contacts without a company get the one whose domain their address has; never at domains where anybody gets a mailbox.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ConnectByDomain {
    /// Only this one; `None`: all companies whose domain is known.
    #[serde(default)]
    pub company: Option<CompanyId>,
}

/// The company of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompanyNamed {
    pub id: CompanyId,
    pub name: String,
}
