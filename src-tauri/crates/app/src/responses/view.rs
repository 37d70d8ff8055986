//! What came back, as screens and the command line show it.

use super::Taken;
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::intake::{self, Letter};
use crate::table::NoArgs;
use carillon_model::response::{Response, ResponseKind};
use carillon_model::{ContactId, MessageId, ResponseId};
use carillon_store::{Db, contacts, outbox, responses};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResponsesOf {
    pub message: MessageId,
}

/// Which of what was said. Deliveries, opens and clicks are shown with their message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResponsesPage {
    pub kind: ResponseKind,
    /// Those before this one.
    #[serde(default)]
    pub below: Option<ResponseId>,
    pub limit: u32,
}

/// One thing that came back, with the names a person knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ResponseView {
    #[serde(flatten)]
    pub response: Response,
    /// The contact's address now.
    pub email: Option<String>,
    /// Subject of the message it is about.
    pub subject: Option<String>,
}

/// A page of what was said, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ResponsePage {
    pub rows: Vec<ResponseView>,
    /// There are more below the last row.
    pub more: bool,
}

/// Replies that may be a wish to get no more mail and that nobody has decided on, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UndecidedReplies {
    /// At most 100.
    pub rows: Vec<ResponseView>,
    /// How many there are.
    #[ts(type = "number")]
    pub count: u64,
}

/// Whose replies.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct UndecidedOf {
    pub contact: ContactId,
}

/// A mail as it lies in a file, to be taken in as if a mailbox had brought it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TakeInMail {
    /// The bytes of the mail, in Base64 (RFC 4648 §4).
    pub raw: String,
}

/// What a mail came to.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TakenIn {
    /// What kind of mail it is: `bounce`, `delayed`, `complaint`, `auto_reply`, `unsubscribe`, `reply`, `other` ...
    pub kind: String,
    /// Things it said that were kept.
    pub kept: u32,
}

/// Largest mail that is taken in from a file, in bytes.
const MOST_BYTES: usize = 50 << 20;

/// A mail somebody saved: once, however often it is brought.
pub(super) async fn take_in_mail(cx: &Ctx, req: TakeInMail) -> Result<TakenIn> {
    use base64::Engine;
    let open = cx.open()?;
    let raw = base64::engine::general_purpose::STANDARD
        .decode(req.raw.as_bytes())
        .ok()
        .filter(|raw| !raw.is_empty() && raw.len() <= MOST_BYTES)
        .ok_or_else(|| fail(Code::Invalid, "responses.no_mail", &[]).at("raw"))?;
    let at = open.now();
    let notice = intake::read_mail(&raw, at);
    let kind = serde_json::to_value(&notice.kind).map_err(ApiError::internal)?;
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(&raw).as_bytes()[..16]);
    let letter = Letter { key, at, raw };
    let taken = intake::take_in_letters(open, "mailbox:file".to_owned(), vec![letter], |_| Ok(())).await?;
    let kept = taken.iter().filter(|one| **one == Taken::In).count();
    Ok(TakenIn {
        kind: kind["kind"].as_str().unwrap_or_default().to_owned(),
        kept: u32::try_from(kept).unwrap_or(u32::MAX),
    })
}

/// Most rows of one page.
const MOST: u32 = 500;

fn with_names(db: &Db<'_>, rows: Vec<Response>) -> carillon_store::Result<Vec<ResponseView>> {
    rows.into_iter()
        .map(|response| {
            let email = match response.contact {
                Some(id) => contacts::get(db, id)?.map(|contact| contact.email),
                None => None,
            };
            let subject = match response.message {
                Some(id) => outbox::get(db, id)?.map(|message| message.subject),
                None => None,
            };
            Ok(ResponseView {
                response,
                email,
                subject,
            })
        })
        .collect()
}

pub(super) async fn of_message(cx: &Ctx, req: ResponsesOf) -> Result<Vec<ResponseView>> {
    Ok(cx
        .open()?
        .store
        .read(move |db| {
            let rows = responses::of_message(db, req.message)?;
            with_names(db, rows)
        })
        .await?)
}

/// Most undecided replies that are shown at once: those that come next are shown when these are decided.
const MOST_UNDECIDED: u32 = 100;

pub(super) async fn undecided(cx: &Ctx, _: NoArgs) -> Result<UndecidedReplies> {
    Ok(cx
        .open()?
        .store
        .read(|db| {
            Ok(UndecidedReplies {
                rows: with_names(db, responses::undecided(db, MOST_UNDECIDED)?)?,
                count: responses::undecided_count(db)?,
            })
        })
        .await?)
}

/// Those of one contact, oldest first.
pub(super) async fn undecided_of(cx: &Ctx, req: UndecidedOf) -> Result<Vec<ResponseView>> {
    Ok(cx
        .open()?
        .store
        .read(move |db| {
            let mut rows = Vec::new();
            for id in responses::undecided_of(db, req.contact)? {
                rows.extend(responses::get(db, id)?);
            }
            with_names(db, rows)
        })
        .await?)
}

pub(super) async fn page(cx: &Ctx, req: ResponsesPage) -> Result<ResponsePage> {
    let limit = req.limit.clamp(1, MOST);
    Ok(cx
        .open()?
        .store
        .read(move |db| {
            let mut rows = responses::said(db, req.kind, req.below, limit + 1)?;
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            Ok(ResponsePage {
                rows: with_names(db, rows)?,
                more,
            })
        })
        .await?)
}
