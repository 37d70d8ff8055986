//! Changes by hand: one contact, or many at once.

use super::{
    AddContact, Changed, DeleteContacts, Deleted, Found, KeyValue, TagContacts, UpdateContact, Who, selected,
};
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::Done;
use crate::workspaces::Open;
use crate::{Ctx, fields};
use carillon_model::ContactId;
use carillon_model::consent::{Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{Field, Value};
use carillon_store::contacts::{Columns, Inserted, NewContact};
use carillon_store::{Priority, consents};

/// Contacts changed in one write of a bulk action.
const BATCH: usize = 500;

pub(super) async fn add(cx: &Ctx, req: AddContact) -> Result<Found> {
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
        its_own(field)?;
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
    let permission = match req.basis {
        Some(basis) => Some((basis, crate::consents::evidence(&req.source)?)),
        None => None,
    };
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
            let inserted = carillon_store::contacts::insert_batch(tx, &columns, &mut [row], "user")?;
            if let Some(Inserted::New { id, .. }) = inserted.first().copied() {
                for tag in &tags {
                    carillon_store::contacts::add_tag(tx, id, tag, "user")?;
                }
                if let Some((basis, source)) = permission {
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

pub(super) async fn update(cx: &Ctx, req: UpdateContact) -> Result<Done> {
    let open = cx.open()?;
    let known = open.store.catalogue().fields();
    let mut changes = Vec::new();
    for KeyValue { key, value } in req.values {
        let field = known
            .iter()
            .find(|f| f.key == key)
            .ok_or_else(|| fail(Code::NotFound, "not_found.field", &[("name", &key)]))?;
        its_own(field)?;
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

/// What is read of a company is changed there.
fn its_own(field: &Field) -> Result<()> {
    match field.is_of_company() {
        true => Err(fail(Code::Refused, "fields.of_company", &[("key", &field.key)])),
        false => Ok(()),
    }
}

/// The contacts somebody means.
pub(crate) fn whom(open: &Open, who: Who) -> Result<Vec<ContactId>> {
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

pub(super) async fn tag(cx: &Ctx, req: TagContacts) -> Result<Changed> {
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
                    if !carillon_store::contacts::exists(tx, id)? {
                        continue;
                    }
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

pub(super) async fn delete(cx: &Ctx, req: DeleteContacts) -> Result<Deleted> {
    let open = cx.open()?;
    let mut deleted = 0;
    for batch in whom(open, req.who)?.chunks(BATCH) {
        let batch = batch.to_vec();
        deleted += open
            .store
            .write(Priority::User, move |tx| {
                let mut deleted = 0;
                for id in batch {
                    // Whom somebody else removed meanwhile is gone as asked.
                    if carillon_store::contacts::exists(tx, id)? {
                        carillon_store::contacts::delete(tx, id, None, "user")?;
                        deleted += 1;
                    }
                }
                Ok(deleted)
            })
            .await?;
    }
    Ok(Deleted { deleted })
}
