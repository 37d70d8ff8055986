//! Contacts: lists, one person's page, changes by hand, export. Importing is in [`crate::imports`].

mod changes;
pub(crate) mod history;
mod words;

pub use history::{AskHistory, HistoryEntry, MergedFrom, WrittenBy};
pub use words::*;

use crate::commands;
use crate::companies::CompanyNamed;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::{Done, Page};
use crate::workspaces::Open;
use crate::{Ctx, segments, timeline};
use carillon_model::ContactId;
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::{BUILT_IN_FIELDS, Contact, FieldType, Value};
use carillon_store::contacts::{Order, PageQuery};
use carillon_store::{choices, consents, suppressions};
use changes::{add, delete, tag, update};

pub(crate) use changes::whom;
use roaring::RoaringBitmap;
use std::sync::Arc;

commands! {
    query "contacts.page" page(ContactsPage) -> Page<ContactRow>, reads [Contacts, Companies, Fields, Tags, Consents, Suppressions, Membership];
    query "contacts.get" get(OneContact) -> ContactPage, reads [Contacts, Companies, Fields, Tags, Consents, Suppressions, Enrolments, Membership, Responses];
    query "contacts.find" find(FindContact) -> Found, reads [Contacts];
    query "contacts.timeline" show_timeline(AskTimeline) -> Vec<TimelineEntry>, reads [Contacts, Consents, Events, Outbox, Enrolments];
    query "contacts.history" show_history(AskHistory) -> Page<HistoryEntry>, reads [Contacts, Companies, Fields, Imports, Journeys, Duplicates];
    mutate "contacts.add" add(AddContact) -> Found, reads [];
    mutate "contacts.update" update(UpdateContact) -> Done, reads [];
    mutate "contacts.tag" tag(TagContacts) -> Changed, reads [];
    mutate "contacts.delete" delete(DeleteContacts) -> Deleted, reads [];
}

const PAGE: u32 = 200;

/// Contacts an expression and a search select; `None`: all.
pub fn selected(
    open: &Open,
    expression: Option<&str>,
    search: Option<&str>,
) -> Result<Option<RoaringBitmap>> {
    let expression = expression
        .map(str::trim)
        .filter(|t| !t.is_empty() && *t != "everyone");
    let members = expression.map(|text| segments::members(open, text)).transpose()?;
    let Some(words) = search.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(members);
    };
    let found = segments::search(open, words)?;
    Ok(Some(match members {
        Some(members) => members & found,
        None => found,
    }))
}

/// Rows of contacts with what a list shows of them.
pub async fn rows(open: &Arc<Open>, contacts: Vec<Contact>, columns: Vec<String>) -> Result<Vec<ContactRow>> {
    let ids: Vec<ContactId> = contacts.iter().map(|c| c.id).collect();
    let standing = segments::standing(open, &ids);
    Ok(contacts
        .into_iter()
        .zip(standing)
        .map(|(contact, standing)| ContactRow {
            permitted: standing.permitted,
            suppressed: standing.suppressed,
            id: contact.id,
            values: contact
                .fields
                .into_iter()
                .filter(|field| columns.contains(&field.key))
                .map(|field| (field.key, field.value))
                .collect(),
            email: contact.email,
            tags: contact.tags.into_iter().collect(),
            created_at: contact.created_at,
        })
        .collect())
}

async fn page(cx: &Ctx, req: ContactsPage) -> Result<Page<ContactRow>> {
    let open = cx.open()?;
    let filter = selected(open, req.expression.as_deref(), req.search.as_deref())?;
    let filter = match req.company {
        None => filter,
        Some(id) => {
            let own = open
                .store
                .read(move |db| carillon_store::companies::contacts_of(db, id))
                .await?;
            Some(filter.map_or_else(|| own.clone(), |filter| filter & &own))
        }
    };
    let sort = req.sort;
    let query = PageQuery {
        order: match &sort {
            Some(sort) if sort.key == "created_at" => Order::Added,
            Some(sort) => Order::Field(sort.key.clone()),
            None => Order::Added,
        },
        // The newest first, unless the user wants something else.
        descending: sort.as_ref().is_none_or(|s| s.desc),
        filter,
        offset: u64::from(req.offset),
        limit: req.limit.min(PAGE),
    };
    let found = open.store.contacts_page(query).await?;
    Ok(Page {
        rows: rows(open, found.rows, req.columns).await?,
        total: found.total,
    })
}

async fn find(cx: &Ctx, req: FindContact) -> Result<Found> {
    let email = clean::address(&req.email).unwrap_or_else(|_| req.email.trim().to_lowercase());
    let asked = email.clone();
    let id = cx
        .open()?
        .store
        .read(move |db| carillon_store::contacts::id_of(db, &asked))
        .await?;
    id.map(|id| Found { id })
        .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &email)]))
}

/// The contact, or a sentence that there is none.
pub async fn existing(open: &Open, id: ContactId) -> Result<Contact> {
    let found = open
        .store
        .read(move |db| carillon_store::contacts::get(db, id))
        .await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &id)]))
}

async fn get(cx: &Ctx, req: OneContact) -> Result<ContactPage> {
    let open = cx.open()?;
    let contact = existing(open, req.id).await?;
    let id = req.id;
    let email = contact.email.clone();
    let now = open.now();
    let (ledger, permissions, entry, chosen, company) = open
        .store
        .read(move |db| {
            let choice = choices::of(db, &email)?;
            let chosen = ChosenShown {
                topics_left: crate::topics::names_left(db, choice.left)?,
                paused_until: choice.rests(now),
                undecided: carillon_store::responses::undecided_of(db, id)?,
            };
            Ok((
                consents::of(db, id)?,
                consents::permissions_of(db, id)?,
                suppressions::entry(db, &email)?,
                chosen,
                carillon_store::companies::of_contact(db, id)?,
            ))
        })
        .await?;
    let own = contact
        .fields
        .iter()
        .find(|f| f.key == "time_zone")
        .and_then(|f| match &f.value {
            Value::Text(name) => name.parse::<chrono_tz::Tz>().ok(),
            _ => None,
        });
    let time_zone = match own {
        Some(zone) => ZoneShown {
            name: zone.name().to_owned(),
            from: "contact".into(),
        },
        None => ZoneShown {
            name: open.store.catalogue().zone().name().to_owned(),
            from: "workspace".into(),
        },
    };
    let name = contact
        .fields
        .iter()
        .find(|field| field.key == crate::companies::NAME);
    let company = company.zip(name).and_then(|(id, name)| match &name.value {
        Value::Text(name) => Some(CompanyNamed {
            id,
            name: name.clone(),
        }),
        _ => None,
    });
    Ok(ContactPage {
        company,
        time_zone,
        permissions: permissions
            .into_iter()
            .map(|p| PermissionShown {
                channel: p.channel,
                purpose: p.purpose,
                allowed: p.granted && entry.is_none(),
                basis: Some(p.basis),
            })
            .collect(),
        suppressed: entry.map(|entry| SuppressionShown {
            reason: entry.reason,
            scope: match entry.reason {
                SuppressionReason::Unsubscribed => SuppressionScope::Marketing,
                _ => SuppressionScope::EveryMail,
            },
            source: entry.source,
            since: entry.at,
        }),
        chosen,
        consents: ledger,
        segments: segments::of_contact(open, id).await?,
        journeys: crate::journeys::passages(open, id).await?,
        contact,
    })
}

async fn show_timeline(cx: &Ctx, req: AskTimeline) -> Result<Vec<TimelineEntry>> {
    timeline::of(cx.open()?, req.id, req.before, req.limit.min(PAGE) as usize).await
}

async fn show_history(cx: &Ctx, req: AskHistory) -> Result<Page<HistoryEntry>> {
    history::page(cx, req).await
}

/// Keys of the built-in text fields a search looks into.
pub fn searched() -> impl Iterator<Item = &'static str> {
    BUILT_IN_FIELDS
        .iter()
        .filter(|(key, _, kind)| {
            *kind == FieldType::Text && ["email", "first_name", "last_name", "city"].contains(key)
        })
        .map(|(key, ..)| *key)
}
