//! What the values of a contact were, and where they came from.

use crate::Ctx;
use crate::error::{Code, Result, fail};
use crate::table::Page;
use crate::workspaces::Open;
use carillon_model::contact::{Provenance, Value};
use carillon_model::{ContactId, ImportId, JourneyId, MergeId, Moment};
use carillon_store::contacts::history::{Past, of};
use carillon_store::{Db, contacts, duplicates, imports, journeys};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use ts_rs::TS;

/// Entries of one answer, at most.
const PAGE: u32 = 200;
/// Characters of a text that are shown.
const SHOWN: usize = 2_000;

/// Whose values.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskHistory {
    /// Of a contact that was merged into another: that one's.
    pub id: ContactId,
    /// Only of this field; else of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// First entry, from 0.
    pub offset: u32,
    /// At most 200.
    pub limit: u32,
}

/// A value of a contact, now or before: what is there now comes first, then what was replaced last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HistoryEntry {
    pub key: String,
    pub label: String,
    /// The field is hidden by now.
    pub retired: bool,
    /// `None`: there was none. A text has its first 2,000 characters. The number of a company that is gone.
    pub value: Option<Value>,
    /// There is more of the value than is shown.
    pub cut: bool,
    pub from: WrittenBy,
    /// Who replaced it; `None`: it is the value now.
    pub until: Option<WrittenBy>,
    /// The contact whose value it was, where it is one that was merged into this one.
    pub of: Option<super::Named>,
    /// The merge by which it came to this contact.
    pub merged: Option<MergedFrom>,
}

/// Who wrote a value, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WrittenBy {
    /// As in [`Provenance`], and `undo:` before what was taken back.
    pub source: String,
    pub at: Moment,
    /// The name of what the source names by its number: an import's file, a journey, the address of who was merged.
    pub name: Option<String>,
}

/// Where a value came from that another contact had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MergedFrom {
    pub merge: MergeId,
    pub email: String,
    pub at: Moment,
}

/// All entries of a contact, or those of a field.
///
/// # Errors
/// When there is no such contact or field.
pub(crate) async fn entries(open: &Open, id: ContactId, field: Option<String>) -> Result<Vec<HistoryEntry>> {
    let asked = field.clone();
    let found = open.store.read(move |db| {
        let id = duplicates::standing(db, id)?;
        let Some(all) = of(db, id)? else { return Ok(None) };
        let known = asked.as_ref().is_none_or(|key| {
            db.catalogue().fields().iter().any(|field| field.key == *key)
                || all.iter().any(|past| past.key == *key)
        });
        let wanted = all
            .into_iter()
            .filter(|past| asked.as_ref().is_none_or(|key| past.key == *key));
        let mut names = Names::default();
        let told: carillon_store::Result<Vec<HistoryEntry>> =
            wanted.map(|past| names.tell(db, id, past)).collect();
        Ok(Some((known, told?)))
    });
    match (found.await?, field) {
        (None, _) => Err(fail(Code::NotFound, "not_found.contact", &[("name", &id)])),
        (Some((false, _)), Some(key)) => Err(fail(Code::NotFound, "not_found.field", &[("name", &key)])),
        (Some((_, told)), _) => Ok(told),
    }
}

pub(super) async fn page(cx: &Ctx, req: AskHistory) -> Result<Page<HistoryEntry>> {
    let all = entries(cx.open()?, req.id, req.field).await?;
    let total = all.len() as u64;
    let rows = all
        .into_iter()
        .skip(req.offset as usize)
        .take(req.limit.min(PAGE) as usize)
        .map(shortened)
        .collect();
    Ok(Page { rows, total })
}

fn shortened(mut entry: HistoryEntry) -> HistoryEntry {
    if let Some(Value::Text(text)) = &mut entry.value
        && let Some((end, _)) = text.char_indices().nth(SHOWN)
    {
        text.truncate(end);
        entry.cut = true;
    }
    entry
}

/// Names of what sources name by their numbers, each looked up once.
#[derive(Default)]
struct Names(HashMap<String, Option<String>>);

impl Names {
    fn tell(&mut self, db: &Db<'_>, id: ContactId, past: Past) -> carillon_store::Result<HistoryEntry> {
        let merged = past.merged.map(|merge| duplicates::get(db, merge)).transpose()?;
        let of = match past.contact == id {
            true => None,
            false => Some(super::Named {
                id: past.contact,
                email: duplicates::alias_email(db, past.contact)?.unwrap_or_default(),
            }),
        };
        Ok(HistoryEntry {
            key: past.key,
            label: past.label,
            retired: past.retired,
            value: past.value,
            cut: false,
            from: self.by(db, past.from)?,
            until: past.until.map(|until| self.by(db, until)).transpose()?,
            of,
            merged: merged.flatten().map(|merged| MergedFrom {
                merge: merged.id,
                email: merged.email,
                at: merged.at,
            }),
        })
    }

    fn by(&mut self, db: &Db<'_>, who: Provenance) -> carillon_store::Result<WrittenBy> {
        let name = match self.0.get(&who.source) {
            Some(name) => name.clone(),
            None => {
                let name = name_of(db, &who.source)?;
                self.0.insert(who.source.clone(), name.clone());
                name
            }
        };
        Ok(WrittenBy {
            source: who.source,
            at: who.at,
            name,
        })
    }
}

fn name_of(db: &Db<'_>, source: &str) -> carillon_store::Result<Option<String>> {
    let source = source.strip_prefix("undo:").unwrap_or(source);
    let Some((kind, object)) = source.split_once(':') else {
        return Ok(None);
    };
    let Ok(number) = object.split('/').next().unwrap_or_default().parse::<u32>() else {
        return Ok(None);
    };
    Ok(match kind {
        "import" => imports::get(db, ImportId(number))?.map(|import| import.name),
        "journey" => journeys::get(db, JourneyId(number))?.map(|journey| journey.name),
        "merge" => duplicates::get(db, MergeId(number))?.map(|merged| merged.email),
        _ => None,
    })
}

/// The address of a contact, for a list of what is known of it.
///
/// # Errors
/// The store's.
pub(crate) async fn whose(open: &Open, id: ContactId) -> Result<String> {
    let email = open.store.read(move |db| {
        let id = duplicates::standing(db, id)?;
        contacts::email_of(db, id)
    });
    Ok(email.await?.unwrap_or_default())
}
