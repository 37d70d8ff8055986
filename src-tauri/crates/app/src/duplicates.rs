//! Contacts that may be one person: found, looked at, made one, and made two again.

mod exact;
mod find;
mod rules;
mod show;
mod words;

pub(crate) use find::put_slips;
pub(crate) use rules::kinds;
pub use words::*;

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::table::{Done, JobStarted, NoArgs};
use carillon_model::{ContactId, MergeId};
use carillon_store::duplicates::{self, PairState};
use carillon_store::{Priority, Tx, contacts, settings};
use find::find;
use show::{name, show};

commands! {
    query "duplicates.page" page(DuplicatesPage) -> DuplicatesShown, reads [Duplicates, Contacts];
    query "duplicates.show" show(DuplicatePair) -> DuplicateShown, reads [Duplicates, Contacts, Fields, Tags, Consents, Suppressions, Events, Outbox, Enrolments];
    query "duplicates.merges" merges(MergesPage) -> Vec<MergeView>, reads [Duplicates, Contacts];
    query "duplicates.rules" get_rules(NoArgs) -> DuplicateRules, reads [Fields, Workspace];
    mutate "duplicates.save_rules" save_rules(DuplicateRules) -> DuplicateRules, reads [];
    mutate "duplicates.find" find(NoArgs) -> JobStarted, reads [];
    mutate "duplicates.merge" merge(MergeDuplicates) -> OneMerge, reads [];
    mutate "duplicates.say" say(SayDuplicate) -> Done, reads [];
    mutate "duplicates.unmerge" unmerge(OneMerge) -> Done, reads [];
}

/// Rows of one answer, at most.
const PAGE: u32 = 200;
/// Key of the setting that says what the last search found.
const LAST: &str = "duplicate_search";

async fn page(cx: &Ctx, req: DuplicatesPage) -> Result<DuplicatesShown> {
    let read = cx.open()?.store.read(move |db| {
        let mut rows = Vec::new();
        for pair in duplicates::open_pairs(db, req.offset, req.limit.min(PAGE))? {
            let both = contacts::get_many(db, &[pair.a, pair.b])?;
            let [a, b] = both.as_slice() else {
                continue;
            };
            rows.push(DuplicateRow {
                a: a.id,
                b: b.id,
                name_a: name(a),
                email_a: a.email.clone(),
                name_b: name(b),
                email_b: b.email.clone(),
                probability: pair.probability,
                same: exact::words(&pair.same),
            });
        }
        Ok(DuplicatesShown {
            rows,
            total: duplicates::open_count(db)?,
            last: settings::get(db, LAST)?,
        })
    });
    Ok(read.await?)
}

async fn merges(cx: &Ctx, req: MergesPage) -> Result<Vec<MergeView>> {
    let read = cx.open()?.store.read(move |db| {
        let mut views = Vec::new();
        for merged in duplicates::merges(db, req.before, req.limit.min(PAGE))? {
            let standing = duplicates::standing(db, merged.survivor)?;
            views.push(MergeView {
                id: merged.id,
                survivor: standing,
                absorbed: merged.absorbed,
                email: contacts::email_of(db, standing)?.unwrap_or_default(),
                alias: merged.email,
                at: merged.at,
                source: merged.source,
                undone_at: merged.undone_at,
            });
        }
        Ok(views)
    });
    Ok(read.await?)
}

async fn get_rules(cx: &Ctx, _: NoArgs) -> Result<DuplicateRules> {
    Ok(cx.open()?.store.read(rules::read).await?)
}

async fn save_rules(cx: &Ctx, req: DuplicateRules) -> Result<DuplicateRules> {
    let open = cx.open()?;
    rules::check(&req, &open.store.catalogue().fields())?;
    open.store
        .write(Priority::User, move |tx| rules::write(tx, &req))
        .await?;
    get_rules(cx, NoArgs {}).await
}

async fn merge(cx: &Ctx, req: MergeDuplicates) -> Result<OneMerge> {
    let open = cx.open()?;
    for id in [req.survivor, req.absorbed] {
        crate::contacts::existing(open, id).await?;
    }
    if req.survivor == req.absorbed {
        return Err(fail(Code::Invalid, "duplicates.one_contact", &[]));
    }
    let merged = open
        .store
        .write(Priority::User, move |tx| decided(tx, &req))
        .await?;
    merged
        .map(|id| OneMerge { id })
        .ok_or_else(|| fail(Code::Stale, "duplicates.changed", &[]))
}

/// Merges, unless one of the two is not any more what somebody looked at.
fn decided(tx: &mut Tx<'_>, req: &MergeDuplicates) -> carillon_store::Result<Option<MergeId>> {
    let (survivor, absorbed): (ContactId, ContactId) = (req.survivor, req.absorbed);
    if let Some(seen) = &req.stamp
        && show::stamp(tx, survivor, absorbed)?.as_ref() != Some(seen)
    {
        return Ok(None);
    }
    let take = match &req.take {
        Some(take) => take.clone(),
        None => show::taken_by_rule(tx, survivor, absorbed)?,
    };
    duplicates::merge(tx, survivor, absorbed, &take, "user").map(Some)
}

async fn say(cx: &Ctx, req: SayDuplicate) -> Result<Done> {
    let open = cx.open()?;
    for id in [req.a, req.b] {
        crate::contacts::existing(open, id).await?;
    }
    if req.a == req.b {
        return Err(fail(Code::Invalid, "duplicates.one_contact", &[]));
    }
    let state = match req.different {
        true => PairState::Different,
        false => PairState::Open,
    };
    open.store
        .write(Priority::User, move |tx| duplicates::say(tx, req.a, req.b, state))
        .await?;
    Ok(Done {})
}

async fn unmerge(cx: &Ctx, req: OneMerge) -> Result<Done> {
    let open = cx.open()?;
    let known = open.store.read(move |db| duplicates::get(db, req.id)).await?;
    if known.is_none() {
        return Err(fail(Code::NotFound, "not_found.merge", &[("name", &req.id)]));
    }
    open.store
        .write(Priority::User, move |tx| duplicates::unmerge(tx, req.id))
        .await?;
    Ok(Done {})
}
