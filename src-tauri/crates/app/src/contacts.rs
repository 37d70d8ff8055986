//! Contacts: lists, one person's page, changes by hand, export. Importing is in [`crate::imports`].

use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::{SaveRef, Saved};
use crate::imports::clean;
use crate::table::{Done, Page};
use crate::workspaces::Open;
use crate::{Ctx, fields, segments, timeline};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{BUILT_IN_FIELDS, Contact, FieldType, Value};
use carillon_model::event::Event;
use carillon_model::message::MessageState;
use carillon_model::{ContactId, MessageId, Moment, SegmentId};
use carillon_store::contacts::{Columns, Inserted, NewContact, Order, PageQuery};
use carillon_store::{Priority, consents, suppressions};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use ts_rs::TS;

commands! {
    query "contacts.page" page(ContactsPage) -> Page<ContactRow>, reads [Contacts, Fields, Tags, Consents, Suppressions, Membership];
    query "contacts.get" get(OneContact) -> ContactPage, reads [Contacts, Fields, Tags, Consents, Suppressions, Enrolments, Membership];
    query "contacts.find" find(FindContact) -> Found, reads [Contacts];
    query "contacts.timeline" show_timeline(AskTimeline) -> Vec<TimelineEntry>, reads [Contacts, Consents, Events, Outbox, Enrolments];
    mutate "contacts.add" add(AddContact) -> Found, reads [];
    mutate "contacts.update" update(UpdateContact) -> Done, reads [];
    mutate "contacts.tag" tag(TagContacts) -> Changed, reads [];
    mutate "contacts.delete" delete(DeleteContacts) -> Deleted, reads [];
    mutate "contacts.export" export(ExportContacts) -> Saved, reads [];
}

/// Which contacts to list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ContactsPage {
    /// A segment's text form.
    #[serde(rename = "where")]
    pub expression: Option<String>,
    /// Words looked for in e-mail and names.
    pub search: Option<String>,
    pub sort: Option<Sort>,
    /// First row, from 0.
    pub offset: u32,
    /// At most 200.
    pub limit: u32,
    /// Keys of the fields wanted beside the e-mail.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// Order of a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Sort {
    pub key: String,
    pub desc: bool,
}

/// A contact in a list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ContactRow {
    pub id: ContactId,
    pub email: String,
    pub values: BTreeMap<String, Value>,
    pub tags: Vec<String>,
    /// Marketing mail is permitted now.
    pub permitted: bool,
    pub suppressed: bool,
    pub created_at: Moment,
}

/// Which contact.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneContact {
    pub id: ContactId,
}

/// A contact by address.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FindContact {
    pub email: String,
}

/// The contact that was meant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Found {
    pub id: ContactId,
}

/// Everything of one person.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ContactPage {
    pub contact: Contact,
    pub time_zone: ZoneShown,
    pub suppressed: bool,
    pub permissions: Vec<PermissionShown>,
    pub consents: Vec<Consent>,
    pub segments: Vec<MemberOf>,
    pub journeys: Vec<crate::journeys::Passage>,
}

/// The zone times of this contact are read in, and who says so.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ZoneShown {
    pub name: String,
    /// `contact` or `workspace`.
    pub from: String,
}

/// What the ledger amounts to for one channel and purpose.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PermissionShown {
    pub channel: Channel,
    pub purpose: Purpose,
    pub allowed: bool,
    pub basis: Option<Basis>,
}

/// A segment the contact is in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MemberOf {
    pub id: SegmentId,
    pub name: String,
}

/// How far back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskTimeline {
    pub id: ContactId,
    /// Only what was before this moment; else the newest.
    pub before: Option<Moment>,
    pub limit: u32,
}

/// Something that happened with a contact.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TimelineEntry {
    pub at: Moment,
    /// Whose, where entries of several are shown.
    pub contact: Option<Named>,
    #[serde(flatten)]
    pub what: TimelineWhat,
}

/// A contact with its address.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Named {
    pub id: ContactId,
    pub email: String,
}

/// Kinds of entries.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[ts(export)]
pub enum TimelineWhat {
    Created {
        source: String,
    },
    Event {
        event: Event,
    },
    Message {
        id: MessageId,
        subject: String,
        state: MessageState,
        journey: Option<String>,
    },
    Consent {
        consent: Consent,
    },
    Suppressed {
        reason: SuppressionReason,
        source: String,
    },
    Journey {
        journey: String,
        what: String,
        step: Option<String>,
    },
}

/// A value of a field by key.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyValue {
    pub key: String,
    pub value: Option<Value>,
}

/// A contact to add by hand.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddContact {
    pub email: String,
    #[serde(default)]
    pub values: Vec<KeyValue>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub basis: Option<Basis>,
    pub source: String,
}

/// Values to write; `None` clears one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UpdateContact {
    pub id: ContactId,
    pub values: Vec<KeyValue>,
}

/// Whom a bulk action means: some, or all that a text selects.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum Who {
    Ids {
        ids: Vec<ContactId>,
    },
    All {
        #[serde(rename = "where")]
        expression: Option<String>,
        search: Option<String>,
        except: Vec<ContactId>,
    },
}

/// Tags to give and take.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TagContacts {
    pub who: Who,
    #[serde(default)]
    pub add: Vec<String>,
    #[serde(default)]
    pub remove: Vec<String>,
}

/// How many rows a change was made to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Changed {
    pub changed: u32,
}

/// Whom to remove.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DeleteContacts {
    pub who: Who,
}

/// How many were removed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Deleted {
    pub deleted: u32,
}

/// Whom to write where; no columns: all of them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ExportContacts {
    pub who: Who,
    #[serde(default)]
    pub columns: Vec<String>,
    pub to: SaveRef,
}

const PAGE: u32 = 200;
/// Contacts changed in one write of a bulk action.
const BATCH: usize = 500;

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
    let (ledger, permissions) = open
        .store
        .read(move |db| Ok((consents::of(db, id)?, consents::permissions_of(db, id)?)))
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
    let suppressed = segments::standing(open, &[id])
        .first()
        .is_some_and(|s| s.suppressed);
    Ok(ContactPage {
        time_zone,
        permissions: permissions
            .into_iter()
            .map(|p| PermissionShown {
                channel: p.channel,
                purpose: p.purpose,
                allowed: p.granted && !suppressed,
                basis: Some(p.basis),
            })
            .collect(),
        suppressed,
        consents: ledger,
        segments: segments::of_contact(open, id).await?,
        journeys: crate::journeys::passages(open, id).await?,
        contact,
    })
}

async fn show_timeline(cx: &Ctx, req: AskTimeline) -> Result<Vec<TimelineEntry>> {
    timeline::of(cx.open()?, req.id, req.before, req.limit.min(PAGE) as usize).await
}

async fn add(cx: &Ctx, req: AddContact) -> Result<Found> {
    let open = cx.open()?;
    let email = clean::address(&req.email)
        .map_err(|_| fail(Code::Invalid, "contacts.bad_email", &[("email", &req.email)]).at("email"))?;
    let known = open.store.catalogue().fields();
    let mut keys = Vec::new();
    let mut values = Vec::new();
    for KeyValue { key, value } in req.values {
        let field = known
            .iter()
            .find(|f| f.key == key)
            .ok_or_else(|| fail(Code::NotFound, "not_found.field", &[("name", &key)]))?;
        if let Some(value) = value {
            keys.push(key);
            values.push(Some(fields::fitting(field, value)?));
        }
    }
    let tags: Vec<String> = req
        .tags
        .iter()
        .map(|t| clean::line(t))
        .filter(|t| !t.is_empty())
        .collect();
    let (basis, source) = (req.basis, clean::line(&req.source));
    let shown = email.clone();
    let inserted = open
        .store
        .write(Priority::User, move |tx| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let columns = Columns::resolve(tx, &keys)?;
            let row = NewContact {
                email,
                values,
                zone_source: None,
            };
            let inserted = carillon_store::contacts::insert_batch(tx, &columns, &[row], "user")?;
            if let Some(Inserted::New { id, .. }) = inserted.first().copied() {
                for tag in &tags {
                    carillon_store::contacts::add_tag(tx, id, tag, "user")?;
                }
                if let Some(basis) = basis {
                    let consent = Consent {
                        contact: id,
                        channel: Channel::Email,
                        purpose: Purpose::Marketing,
                        action: ConsentAction::Granted,
                        basis,
                        wording: None,
                        wording_hash: None,
                        source,
                        at: tx.now(),
                    };
                    consents::add(tx, &consent)?;
                }
            }
            Ok(inserted)
        })
        .await?;
    match inserted.first() {
        Some(Inserted::New { id, .. }) => Ok(Found { id: *id }),
        _ => Err(fail(Code::Invalid, "contacts.exists", &[("email", &shown)]).at("email")),
    }
}

async fn update(cx: &Ctx, req: UpdateContact) -> Result<Done> {
    let open = cx.open()?;
    let known = open.store.catalogue().fields();
    let mut changes = Vec::new();
    for KeyValue { key, value } in req.values {
        let field = known
            .iter()
            .find(|f| f.key == key)
            .ok_or_else(|| fail(Code::NotFound, "not_found.field", &[("name", &key)]))?;
        let value = match (key.as_str(), value) {
            ("created_at", _) => return Err(fail(Code::Refused, "fields.built_in", &[("key", &key)])),
            ("email", Some(Value::Text(email))) => {
                Some(Value::Text(clean::address(&email).map_err(|_| {
                    fail(Code::Invalid, "contacts.bad_email", &[("email", &email)]).at("email")
                })?))
            }
            ("email", _) => {
                return Err(fail(Code::Invalid, "contacts.bad_email", &[("email", &"")]).at("email"));
            }
            (_, Some(value)) => Some(fields::fitting(field, value)?),
            (_, None) => None,
        };
        changes.push((key, value));
    }
    open.store
        .write(Priority::User, move |tx| {
            for (key, value) in &changes {
                carillon_store::contacts::set_field(tx, req.id, key, value.as_ref(), "user")?;
            }
            Ok(())
        })
        .await?;
    Ok(Done {})
}

/// The contacts somebody means.
fn whom(open: &Open, who: Who) -> Result<Vec<ContactId>> {
    match who {
        Who::Ids { ids } => Ok(ids),
        Who::All {
            expression,
            search,
            except,
        } => {
            let mut all = match selected(open, expression.as_deref(), search.as_deref())? {
                Some(some) => some,
                None => open.store.with_index(|index| index.contacts().clone()),
            };
            for id in except {
                all.remove(id.0);
            }
            Ok(all.into_iter().map(ContactId).collect())
        }
    }
}

async fn tag(cx: &Ctx, req: TagContacts) -> Result<Changed> {
    let open = cx.open()?;
    let tidy = |tags: Vec<String>| -> Vec<String> {
        tags.iter()
            .map(|t| clean::line(t))
            .filter(|t| !t.is_empty())
            .collect()
    };
    let (add, remove) = (tidy(req.add), tidy(req.remove));
    let mut changed = 0;
    for batch in whom(open, req.who)?.chunks(BATCH) {
        let (batch, add, remove) = (batch.to_vec(), add.clone(), remove.clone());
        changed += open
            .store
            .write(Priority::User, move |tx| {
                let mut changed = 0;
                for id in batch {
                    let mut any = false;
                    for tag in &add {
                        any |= carillon_store::contacts::add_tag(tx, id, tag, "user")?;
                    }
                    for tag in &remove {
                        any |= carillon_store::contacts::remove_tag(tx, id, tag)?;
                    }
                    changed += u32::from(any);
                }
                Ok(changed)
            })
            .await?;
    }
    Ok(Changed { changed })
}

async fn delete(cx: &Ctx, req: DeleteContacts) -> Result<Deleted> {
    let open = cx.open()?;
    let mut deleted = 0;
    for batch in whom(open, req.who)?.chunks(BATCH) {
        let batch = batch.to_vec();
        deleted += open
            .store
            .write(Priority::User, move |tx| {
                let mut deleted = 0;
                for id in batch {
                    carillon_store::contacts::delete(tx, id, None, "user")?;
                    deleted += 1;
                }
                Ok(deleted)
            })
            .await?;
    }
    Ok(Deleted { deleted })
}

/// A value as a spreadsheet shows it.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Choice(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Money(m) => {
            let digits = m.currency.digits() as usize;
            let unit = 10i64.pow(m.currency.digits());
            let sign = if m.minor < 0 { "-" } else { "" };
            let (whole, part) = (
                m.minor.unsigned_abs() / unit.unsigned_abs(),
                m.minor.unsigned_abs() % unit.unsigned_abs(),
            );
            match digits {
                0 => format!("{sign}{whole} {}", m.currency),
                _ => format!("{sign}{whole}.{part:0digits$} {}", m.currency),
            }
        }
        Value::YesNo(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::MultiChoice(options) => options.iter().cloned().collect::<Vec<_>>().join("|"),
        Value::Date(date) => date.to_string(),
        Value::DateTime(at) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    }
}

async fn export(cx: &Ctx, req: ExportContacts) -> Result<Saved> {
    let open = cx.open()?;
    let (path, saved) = cx.save(&req.to)?;
    let ids = whom(open, req.who)?;
    let columns: Vec<String> = match req.columns.is_empty() {
        false => req.columns,
        true => open
            .store
            .catalogue()
            .fields()
            .into_iter()
            .map(|f| f.key)
            .collect(),
    };
    let beside = path.with_extension("part");
    let cannot = |e: &dyn std::fmt::Display| {
        fail(
            Code::File,
            "files.cannot_write",
            &[("file", &path.display()), ("detail", &e)],
        )
    };
    let mut writer = csv::Writer::from_path(&beside).map_err(|e| cannot(&e))?;
    writer
        .write_record(columns.iter().map(String::as_str).chain(["tags"]))
        .map_err(|e| cannot(&e))?;
    for batch in ids.chunks(1000) {
        let batch = batch.to_vec();
        let contacts = open
            .store
            .read(move |db| carillon_store::contacts::get_many(db, &batch))
            .await?;
        for contact in contacts {
            let values: BTreeMap<&str, String> = contact
                .fields
                .iter()
                .map(|f| (f.key.as_str(), cell(&f.value)))
                .collect();
            let tags = contact.tags.iter().cloned().collect::<Vec<_>>().join("|");
            let row = columns
                .iter()
                .map(|key| match key.as_str() {
                    "email" => contact.email.clone(),
                    key => values.get(key).cloned().unwrap_or_default(),
                })
                .chain([tags])
                .map(|cell| crate::imports::source::defused(&cell));
            writer.write_record(row).map_err(|e| cannot(&e))?;
        }
    }
    writer.flush().map_err(|e| cannot(&e))?;
    drop(writer);
    std::fs::rename(&beside, &path).map_err(|e| cannot(&e))?;
    Ok(saved)
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

/// The reason a suppression is recorded with when a person asks for it.
pub fn reason_for_hand() -> SuppressionReason {
    SuppressionReason::Manual
}

/// Whether the address of a contact is on the list.
pub async fn is_suppressed(open: &Open, email: &str) -> Result<bool> {
    let email = email.to_owned();
    let found = open
        .store
        .read(move |db| suppressions::contains(db, &email))
        .await
        .map_err(ApiError::from)?;
    Ok(found.is_some())
}
