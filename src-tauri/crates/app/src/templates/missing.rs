//! Holes and fallbacks, counted for everybody before anything is sent.

use super::{AskMissing, MissingReport, MissingValue};
use crate::error::{ApiError, Code, Result, fail};
use crate::letters::{ShownLinks, context, sender};
use crate::{Ctx, segments};
use carillon_engine::segment::Needs;
use carillon_model::ContactId;
use carillon_render::Missing;
use carillon_render::child::{Mode, Output, Request};
use std::collections::BTreeMap;

/// Whether a value is one of the event a journey begins with: only a message on its way has one.
pub(super) fn of_event(path: &str) -> bool {
    path.starts_with("event.")
}

/// Contexts in one request to the child.
const BATCH: usize = 500;

pub(super) async fn missing(cx: &Ctx, req: AskMissing) -> Result<MissingReport> {
    let open = cx.open()?;
    let workspace = open.workspace()?;
    let account = crate::accounts::default_account(open).await?;
    let ids: Vec<u32> = segments::members(open, req.expression.as_deref().unwrap_or("everyone"))?
        .iter()
        .collect();
    let zone = open.store.catalogue().zone();
    let now = open.now();
    let links = ShownLinks::of(open).await?;
    // Holes first, then what a fallback fills: how many, and one of them.
    let mut counts: BTreeMap<(bool, String), (u32, u32)> = BTreeMap::new();
    let mut complete = 0;
    for batch in ids.chunks(BATCH) {
        let needs = Needs::every_field();
        let contexts: Vec<_> = open.store.with_index(|index| {
            batch
                .iter()
                .filter_map(|id| index.record_of(ContactId(*id), &needs))
                .map(|record| {
                    let unsubscribe = Some("mailto:unsubscribe@example.com".into());
                    (record.id, links.put(context(&record, zone, now, unsubscribe)))
                })
                .collect()
        });
        let (ids, contexts): (Vec<u32>, Vec<_>) = contexts.into_iter().unzip();
        let request = Request {
            template: req.draft.parts(),
            sender: sender(&workspace, account.as_ref()),
            mode: Mode::Missing,
            contexts,
        };
        for (id, answer) in ids.into_iter().zip(open.press.run(request).await?) {
            match answer {
                Ok(Output::Missing(Missing { open, filled })) => {
                    let open: Vec<_> = open.into_iter().filter(|path| !of_event(path)).collect();
                    let filled = filled.into_iter().filter(|path| !of_event(path));
                    complete += u32::from(open.is_empty());
                    let open = open.into_iter().map(|path| (false, path));
                    for key in open.chain(filled.map(|path| (true, path))) {
                        counts.entry(key).or_insert((0, id)).0 += 1;
                    }
                }
                Ok(_) => return Err(ApiError::internal("the render child gave another answer")),
                Err(e) => return Err(fail(Code::Invalid, "render.template", &[("detail", &e)])),
            }
        }
    }
    let examples: Vec<ContactId> = counts.values().map(|(_, id)| ContactId(*id)).collect();
    let examples = open
        .store
        .read(move |db| carillon_store::contacts::get_many(db, &examples))
        .await?;
    Ok(MissingReport {
        looked_at: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        complete,
        missing: counts
            .into_iter()
            .map(|((has_fallback, key), (count, id))| MissingValue {
                key,
                count,
                example: examples
                    .iter()
                    .find(|c| c.id.0 == id)
                    .map(|c| crate::contacts::Named {
                        id: c.id,
                        email: c.email.clone(),
                    }),
                has_fallback,
            })
            .collect(),
    })
}
