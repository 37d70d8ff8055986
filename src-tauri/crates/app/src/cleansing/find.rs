//! The search: reads contacts page by page and keeps, in memory, of whom something is to be put right and by which rules.
//! What exactly is worked out again for those that are shown or changed, and a stamp tells whether it is the same still.

use super::{CleansingCount, CleansingField, CleansingFound, FindCleansing};
use crate::duplicates::kinds;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_engine::cleansing::{Cleanser, Country, Domains, Kind, Proposal, Rules};
use carillon_model::ContactId;
use carillon_model::cleansing::CleansingRule;
use carillon_model::contact::{FieldType, Value};
use carillon_model::duplicate::MatchKind;
use carillon_store::Db;
use carillon_store::contacts::{Asked, values_after, values_of};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Contacts read in one snapshot.
const READ: usize = 1_000;
/// Addresses read in one snapshot.
const ADDRESSES: u32 = 5_000;

/// What a search knows of the workspace.
pub(super) struct Ground {
    pub keys: Vec<String>,
    pub labels: Vec<String>,
    kinds: Vec<Kind>,
    home: Option<Country>,
    domains: Domains,
}

/// A contact something was found in.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub contact: ContactId,
    /// Tells whether what is proposed is what it was.
    pub stamp: u32,
    pub rules: Rules,
}

/// What a search found.
pub(super) struct Found {
    pub ground: Arc<Ground>,
    pub rows: Vec<Row>,
    pub told: CleansingFound,
}

impl Ground {
    pub fn cleanser(&self, rules: Rules) -> Cleanser<'_> {
        Cleanser::new(&self.kinds, rules, self.home, &self.domains)
    }

    /// What is proposed for a contact. The address contacts are known by must be one that is kept as it is.
    pub fn proposals(&self, cleanser: &Cleanser<'_>, values: &[Option<Value>]) -> Vec<Proposal> {
        let texts: Vec<Option<&str>> = values.iter().map(|value| text(value.as_ref())).collect();
        let mut found = cleanser.proposals(&texts);
        found.retain(|proposal| {
            self.keys[proposal.field] != "email"
                || clean::address(&proposal.new).is_ok_and(|address| address == proposal.new)
        });
        found
    }
}

pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Names what is proposed for a contact.
pub(super) fn stamp(proposals: &[Proposal]) -> u32 {
    let mut hasher = DefaultHasher::new();
    for proposal in proposals {
        (proposal.field, &proposal.old, &proposal.new).hash(&mut hasher);
    }
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
}

/// Texts of people, and what a cleansing takes them for. A time zone is a name of a list.
fn fields(db: &Db<'_>) -> carillon_store::Result<Vec<(String, String, Kind)>> {
    let texts = kinds(db)?.into_iter().filter(|(field, _)| {
        field.field_type == FieldType::Text && field.key != "time_zone" && !field.is_of_company()
    });
    Ok(texts
        .map(|(field, kind)| {
            let kind = match kind {
                _ if field.key == "email" => Kind::Email,
                Some(MatchKind::GivenName) => Kind::GivenName,
                Some(MatchKind::Surname) => Kind::Surname,
                Some(MatchKind::Email) => Kind::Email,
                Some(MatchKind::Phone) => Kind::Phone,
                Some(MatchKind::Country) => Kind::Country,
                Some(MatchKind::PostCode) => Kind::PostCode,
                _ => Kind::Text,
            };
            (field.key, field.label, kind)
        })
        .collect())
}

/// Looks through the contacts that are meant.
pub(super) async fn search(open: &Arc<Open>, job: &Job, run: u32, asked: FindCleansing) -> Result<Found> {
    let home = home(asked.country.as_deref())?;
    let meant = crate::contacts::selected(open, asked.expression.as_deref(), None)?;
    let meant = meant.unwrap_or_else(|| open.store.with_index(|index| index.contacts().clone()));
    let ground = ground(open, home, domains(open, job).await?).await?;
    let ids: Vec<ContactId> = meant.iter().map(ContactId).collect();
    let ground = Arc::new(ground);
    let (rows, counts) = walk(open, job, &ground, &ids).await?;
    let told = CleansingFound {
        run,
        at: open.now(),
        asked,
        looked_at: count(ids.len()),
        contacts: count(rows.len()),
        rules: told(&ground, &counts),
    };
    Ok(Found { ground, rows, told })
}

/// What is known of the workspace.
pub(super) async fn ground(open: &Open, home: Option<Country>, domains: Domains) -> Result<Ground> {
    let mut ground = Ground {
        keys: Vec::new(),
        labels: Vec::new(),
        kinds: Vec::new(),
        home,
        domains,
    };
    for (key, label, kind) in open.store.read(fields).await? {
        ground.keys.push(key);
        ground.labels.push(label);
        ground.kinds.push(kind);
    }
    Ok(ground)
}

/// The country of a code.
///
/// # Errors
/// `Invalid` for a code that is none.
pub(super) fn home(code: Option<&str>) -> Result<Option<Country>> {
    let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else {
        return Ok(None);
    };
    let country =
        Country::of(code).ok_or_else(|| fail(Code::Invalid, "cleansing.bad_country", &[("text", &code)]));
    country.map(Some).map_err(|error| error.at("country"))
}

/// Which domains of addresses many have: of all contacts, whoever is meant.
pub(super) async fn domains(open: &Open, job: &Job) -> Result<Domains> {
    job.phase("counting_domains");
    let keys = Arc::new(vec!["email".to_owned()]);
    let total = open.store.read(carillon_store::contacts::count).await?;
    let (mut domains, mut last, mut done) = (Domains::default(), None, 0);
    loop {
        job.check()?;
        let keys = keys.clone();
        let batch = open
            .store
            .read(move |db| values_after(db, &keys, last, ADDRESSES))
            .await?;
        let Some((id, _)) = batch.last() else {
            return Ok(domains);
        };
        last = Some(*id);
        done += batch.len() as u64;
        for (_, values) in &batch {
            domains.note(text(values.first().and_then(Option::as_ref)).unwrap_or_default());
        }
        job.progress(done, total);
    }
}

/// How many values each rule found, by field.
type Counts = BTreeMap<(CleansingRule, usize), u32>;

async fn walk(open: &Open, job: &Job, ground: &Arc<Ground>, ids: &[ContactId]) -> Result<(Vec<Row>, Counts)> {
    job.phase("reading_contacts");
    let (mut rows, mut counts, mut done) = (Vec::new(), Counts::new(), 0);
    for batch in ids.chunks(READ) {
        job.check()?;
        done += batch.len() as u64;
        let (ground, batch) = (ground.clone(), batch.to_vec());
        let found = open.store.read(move |db| {
            let cleanser = ground.cleanser(Rules::ALL);
            let read: Vec<Asked> = values_of(db, &ground.keys, &batch)?;
            let each = read
                .into_iter()
                .map(|(id, values)| (id, ground.proposals(&cleanser, &values)));
            Ok(each
                .filter(|(_, proposals)| !proposals.is_empty())
                .collect::<Vec<_>>())
        });
        for (contact, proposals) in found.await? {
            let steps = proposals
                .iter()
                .flat_map(|p| p.steps.iter().map(|step| (step.rule, p.field)));
            let mut rules = Rules::default();
            for (rule, field) in steps {
                rules = rules.with(rule);
                *counts.entry((rule, field)).or_default() += 1;
            }
            rows.push(Row {
                contact,
                stamp: stamp(&proposals),
                rules,
            });
        }
        job.progress(done, ids.len() as u64);
    }
    Ok((rows, counts))
}

fn told(ground: &Ground, counts: &Counts) -> Vec<CleansingCount> {
    let each = CleansingRule::ALL.into_iter().map(|rule| {
        let of = counts.range((rule, 0)..=(rule, usize::MAX));
        let mut fields: Vec<CleansingField> = of
            .map(|((_, field), values)| CleansingField {
                key: ground.keys[*field].clone(),
                label: ground.labels[*field].clone(),
                values: *values,
            })
            .collect();
        fields.sort_by(|a, b| b.values.cmp(&a.values).then_with(|| a.key.cmp(&b.key)));
        CleansingCount {
            rule,
            values: fields.iter().map(|field| field.values).sum(),
            fields,
        }
    });
    each.filter(|count| count.values > 0).collect()
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
