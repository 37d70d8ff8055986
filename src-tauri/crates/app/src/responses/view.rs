//! What came back, as screens and the command line show it.

use crate::Ctx;
use crate::error::Result;
use carillon_model::response::{Response, ResponseKind};
use carillon_model::{MessageId, ResponseId};
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
