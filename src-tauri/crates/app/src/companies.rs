//! Companies: lists, a company's page, changes by hand, and which contact has which. Importing is in [`crate::imports`].

mod words;

pub use words::*;

use crate::contacts::{Changed, KeyValue, Sort, whom};
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::{Done, NoArgs, Page};
use crate::workspaces::Open;
use crate::{Ctx, commands, fields};
use carillon_engine::companies::{domain_of, domain_of_address, folded_name, is_anybodys};
use carillon_model::company::Company;
use carillon_model::contact::{COMPANY_FIELDS, Field, Value};
use carillon_model::score::Score;
use carillon_model::{CompanyId, ContactId};
use carillon_store::companies::{self, CompaniesQuery, CompanyCount, CompanyOrder};
use carillon_store::{Db, Priority};
use std::collections::{BTreeMap, HashMap};

commands! {
    query "companies.list" list(CompaniesPage) -> Page<CompanyRow>, reads [Companies, Contacts, Fields, Scores, Tags, Events, Segments, Consents, Suppressions, Outbox, Clock];
    query "companies.get" get(OneCompany) -> CompanyPage, reads [Companies, Contacts, Fields, Scores, Tags, Events, Segments, Consents, Suppressions, Outbox, Clock];
    query "companies.find" find(FindCompany) -> CompanyFound, reads [Companies];
    mutate "companies.create" create(CreateCompany) -> CompanyFound, reads [];
    mutate "companies.update" update(UpdateCompany) -> Done, reads [];
    mutate "companies.remove" remove(OneCompany) -> CompanyRemoved, reads [];
    query "companies.removed" removed(NoArgs) -> Vec<CompanyGone>, reads [Companies];
    mutate "companies.restore" restore(OneCompany) -> CompanyRestored, reads [];
    mutate "companies.connect" connect(ConnectCompany) -> Changed, reads [];
    mutate "companies.connect_by_domain" connect_by_domain(ConnectByDomain) -> Changed, reads [];
}

/// Rows of one answer, at most.
const PAGE: u32 = 200;
/// Contacts connected in one write.
const BATCH: usize = 500;
/// Contacts read at once in search of addresses.
const READ: u32 = 5_000;

/// Key of a company's name, which as a field of a contact stands for the company itself.
pub(crate) const NAME: &str = COMPANY_FIELDS[0].0;
/// Key of a company's domain.
pub(crate) const DOMAIN: &str = COMPANY_FIELDS[1].0;

fn row(counted: CompanyCount, columns: &[String]) -> CompanyRow {
    let CompanyCount { company, contacts } = counted;
    let asked = company
        .fields
        .into_iter()
        .filter(|field| columns.contains(&field.key));
    CompanyRow {
        id: company.id,
        name: company.name,
        domain: company.domain,
        contacts,
        values: asked.map(|field| (field.key, field.value)).collect(),
        scores: BTreeMap::new(),
        created_at: company.created_at,
    }
}

async fn list(cx: &Ctx, req: CompaniesPage) -> Result<Page<CompanyRow>> {
    let open = cx.open()?;
    let (order, descending) = match &req.sort {
        None => (CompanyOrder::Name, false),
        Some(sort) => match sort.key.as_str() {
            "created_at" => (CompanyOrder::Added, sort.desc),
            "contacts" => (CompanyOrder::Contacts, sort.desc),
            _ => (CompanyOrder::Field(sort.key.clone()), sort.desc),
        },
    };
    let query = CompaniesQuery {
        order,
        descending,
        search: req.search.unwrap_or_default(),
        without_contacts: req.without_contacts,
        offset: u64::from(req.offset),
        limit: req.limit.min(PAGE),
    };
    let (found, total) = match req.sort {
        Some(Sort { key, .. }) if Score::is_field(&key) => {
            open.store.companies_by_score(key, query, open.now()).await?
        }
        _ => open.store.read(move |db| companies::page(db, &query)).await?,
    };
    let mut rows: Vec<CompanyRow> = found.into_iter().map(|found| row(found, &req.columns)).collect();
    measure(open, &mut rows, req.columns).await?;
    Ok(Page { rows, total })
}

/// Writes into the rows what the scores among the columns say of them.
async fn measure(open: &Open, rows: &mut [CompanyRow], mut columns: Vec<String>) -> Result<()> {
    columns.retain(|key| Score::is_field(key));
    if columns.is_empty() {
        return Ok(());
    }
    let ids = rows.iter().map(|row| row.id).collect();
    let measured = open
        .store
        .companies_measured(ids, Some(columns), open.now())
        .await?;
    for (measure, scored) in measured.measures.iter().zip(measured.scored) {
        for (row, scored) in rows.iter_mut().zip(scored) {
            if let Some(scored) = scored {
                row.scores.insert(measure.field.clone(), scored.total as f64);
            }
        }
    }
    Ok(())
}

fn missing(name: &dyn std::fmt::Display) -> crate::error::ApiError {
    fail(Code::NotFound, "not_found.company", &[("name", name)])
}

/// The company, or a sentence that there is none.
async fn existing(open: &Open, id: CompanyId) -> Result<Company> {
    let found = open.store.read(move |db| companies::get(db, id)).await?;
    found.ok_or_else(|| missing(&id))
}

async fn get(cx: &Ctx, req: OneCompany) -> Result<CompanyPage> {
    let open = cx.open()?;
    let company = existing(open, req.id).await?;
    let contacts = open
        .store
        .read(move |db| companies::contacts_of(db, req.id))
        .await?;
    let measured = open
        .store
        .companies_measured(vec![req.id], None, open.now())
        .await?;
    let scores = measured.measures.into_iter().zip(measured.scored);
    Ok(CompanyPage {
        company,
        contacts: contacts.len(),
        scores: scores
            .filter_map(|(measure, scored)| {
                Some(CompanyScore {
                    scored: scored.into_iter().next().flatten()?,
                    id: measure.id,
                    key: measure.field,
                    name: measure.name,
                    model: measure.model,
                })
            })
            .collect(),
    })
}

async fn find(cx: &Ctx, req: FindCompany) -> Result<CompanyFound> {
    let asked = clean::line(&req.text);
    let text = asked.clone();
    let found = cx
        .open()?
        .store
        .read(move |db| companies::find(db, Some(&text), Some(&text)))
        .await?;
    let id = found.ok_or_else(|| missing(&asked))?;
    Ok(CompanyFound { id })
}

/// What is written of a company, checked before anything is.
fn checked(known: &[Field], values: Vec<KeyValue>) -> Result<Vec<(String, Option<Value>)>> {
    let mut checked = Vec::with_capacity(values.len());
    for KeyValue { key, value } in values {
        let field = known
            .iter()
            .find(|field| field.key == key && field.is_of_company())
            .ok_or_else(|| fail(Code::NotFound, "not_found.company_field", &[("name", &key)]))?;
        let value = value.map(|value| fields::fitting(field, value)).transpose()?;
        let value = value.filter(|value| !matches!(value, Value::Text(text) if text.is_empty()));
        match (key.as_str(), &value) {
            (NAME, None) => return Err(fail(Code::Invalid, "companies.no_name", &[]).at("name")),
            (NAME, Some(Value::Text(name))) if folded_name(name).is_empty() => {
                return Err(fail(Code::Invalid, "companies.no_name", &[]).at("name"));
            }
            (DOMAIN, Some(Value::Text(text))) => is_domain(text)?,
            _ => {}
        }
        checked.push((key, value));
    }
    Ok(checked)
}

/// A domain that can be a company's own.
fn is_domain(text: &str) -> Result<()> {
    match domain_of(text) {
        None => Err(fail(Code::Invalid, "companies.bad_domain", &[("text", &text)]).at("domain")),
        Some(domain) if is_anybodys(&domain) => {
            Err(fail(Code::Invalid, "companies.anybodys_domain", &[("domain", &domain)]).at("domain"))
        }
        Some(_) => Ok(()),
    }
}

/// Refuses a domain that another company has; names it.
fn is_free(
    db: &Db<'_>,
    domain: &str,
    but: Option<CompanyId>,
) -> carillon_store::Result<Option<(CompanyId, String)>> {
    match companies::find(db, None, Some(domain))? {
        Some(other) if Some(other) != but => {
            Ok(companies::get(db, other)?.map(|company| (company.id, company.name)))
        }
        _ => Ok(None),
    }
}

/// Writes, unless another company has the domain: then that one is told.
async fn write<T: Send + 'static>(
    open: &Open,
    domain: Option<String>,
    but: Option<CompanyId>,
    f: impl FnOnce(&mut carillon_store::Tx<'_>) -> carillon_store::Result<T> + Send + 'static,
) -> Result<T> {
    let asked = domain.clone().unwrap_or_default();
    let done = open
        .store
        .write(Priority::User, move |tx| {
            if let Some(domain) = &domain
                && let Some((_, holder)) = is_free(tx, domain, but)?
            {
                return Ok(Err(holder));
            }
            f(tx).map(Ok)
        })
        .await?;
    done.map_err(|holder| {
        let params: [(&str, &dyn std::fmt::Display); 2] = [("name", &holder), ("domain", &asked)];
        fail(Code::Invalid, "companies.domain_taken", &params).at("domain")
    })
}

async fn create(cx: &Ctx, req: CreateCompany) -> Result<CompanyFound> {
    let open = cx.open()?;
    let known = open.store.catalogue().fields();
    let name = clean::line(&req.name);
    if folded_name(&name).is_empty() {
        return Err(fail(Code::Invalid, "companies.no_name", &[]).at("name"));
    }
    let domain = req
        .domain
        .map(|text| clean::line(&text))
        .filter(|text| !text.is_empty());
    domain.as_deref().map(is_domain).transpose()?;
    let values = checked(&known, req.values)?;
    let id = write(open, domain.clone(), None, move |tx| {
        let id = companies::add(tx, &name, domain.as_deref(), "user")?;
        for (key, value) in &values {
            companies::set(tx, id, key, value.as_ref(), "user")?;
        }
        Ok(id)
    })
    .await?;
    Ok(CompanyFound { id })
}

async fn update(cx: &Ctx, req: UpdateCompany) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let values = checked(&open.store.catalogue().fields(), req.values)?;
    let domain = values.iter().find_map(|(key, value)| match value {
        Some(Value::Text(domain)) if key == DOMAIN => Some(domain.clone()),
        _ => None,
    });
    write(open, domain, Some(req.id), move |tx| {
        for (key, value) in &values {
            companies::set(tx, req.id, key, value.as_ref(), "user")?;
        }
        Ok(Done {})
    })
    .await
}

async fn remove(cx: &Ctx, req: OneCompany) -> Result<CompanyRemoved> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    let contacts = open
        .store
        .write(Priority::User, move |tx| companies::remove(tx, req.id))
        .await?;
    Ok(CompanyRemoved { contacts })
}

async fn removed(cx: &Ctx, _: NoArgs) -> Result<Vec<CompanyGone>> {
    let all = cx.open()?.store.read(companies::removed).await?;
    let gone = |company: companies::RemovedCompany| CompanyGone {
        id: company.id,
        name: company.name,
        contacts: company.contacts,
        at: company.at,
    };
    Ok(all.into_iter().map(gone).collect())
}

async fn restore(cx: &Ctx, req: OneCompany) -> Result<CompanyRestored> {
    let open = cx.open()?;
    let all = open.store.read(companies::removed).await?;
    if !all.iter().any(|company| company.id == req.id) {
        return Err(fail(
            Code::NotFound,
            "not_found.removed_company",
            &[("name", &req.id)],
        ));
    }
    let restored = open
        .store
        .write(Priority::User, move |tx| companies::restore(tx, req.id))
        .await?;
    Ok(CompanyRestored {
        contacts: restored.contacts,
        without_domain: restored.without_domain,
    })
}

async fn connect(cx: &Ctx, req: ConnectCompany) -> Result<Changed> {
    let open = cx.open()?;
    if let Some(id) = req.company {
        existing(open, id).await?;
    }
    let pairs = whom(open, req.who)?
        .into_iter()
        .map(|contact| (contact, req.company));
    connect_all(open, &pairs.collect::<Vec<_>>()).await
}

/// Gives each contact its company, a batch at a time. Who or what was removed meanwhile is left out.
async fn connect_all(open: &Open, pairs: &[(ContactId, Option<CompanyId>)]) -> Result<Changed> {
    let mut changed = 0;
    for batch in pairs.chunks(BATCH) {
        let batch = batch.to_vec();
        changed += open
            .store
            .write(Priority::User, move |tx| {
                let mut changed = 0;
                for (contact, company) in batch {
                    let there = match company {
                        Some(id) => companies::exists(tx, id)?,
                        None => true,
                    };
                    if there && carillon_store::contacts::exists(tx, contact)? {
                        changed += u32::from(companies::connect(tx, contact, company, "user")?.is_some());
                    }
                }
                Ok(changed)
            })
            .await?;
    }
    Ok(Changed { changed })
}

async fn connect_by_domain(cx: &Ctx, req: ConnectByDomain) -> Result<Changed> {
    let open = cx.open()?;
    let domains: HashMap<String, CompanyId> = match req.company {
        Some(id) => {
            let company = existing(open, id).await?;
            let domain = company.domain.ok_or_else(|| {
                fail(
                    Code::Refused,
                    "companies.without_domain",
                    &[("name", &company.name)],
                )
            })?;
            is_domain(&domain)?;
            HashMap::from([(domain, id)])
        }
        None => {
            let all = open.store.read(companies::domains).await?;
            all.into_iter().map(|(id, domain)| (domain, id)).collect()
        }
    };
    let mut pairs = Vec::new();
    let mut after = None;
    while !domains.is_empty() {
        let found = open
            .store
            .read(move |db| companies::without_company(db, after, READ))
            .await?;
        let Some((last, _)) = found.last() else { break };
        after = Some(*last);
        pairs.extend(found.iter().filter_map(|(contact, address)| {
            let company = domains.get(&domain_of_address(address)?)?;
            Some((*contact, Some(*company)))
        }));
    }
    connect_all(open, &pairs).await
}
