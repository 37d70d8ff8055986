//! Segments: who is meant, how many, who exactly, and why.

mod around;
mod read;

pub use around::{CompareSegment, NearClause, SegmentOverlap, SegmentUser, SegmentUsers};
pub use read::{expression, names};

use crate::commands;
use crate::contacts::{ContactRow, MemberOf};
use crate::error::{Code, Result, fail};
use crate::table::{Done, NoArgs, Page};
use crate::workspaces::Open;
use crate::{Ctx, contacts};
use around::{near, overlap, users};
use carillon_engine::segment::{self, Needs, Reason};
use carillon_model::consent::{Channel, Purpose};
use carillon_model::segment::{Clause, Expr, Segment, Test};
use carillon_model::{ContactId, Moment, SegmentId};
use carillon_store::Priority;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use ts_rs::TS;

commands! {
    query "segments.list" list(NoArgs) -> Vec<SegmentRow>, reads [Segments, Membership, Contacts];
    mutate "segments.save" save(SaveSegment) -> Segment, reads [];
    mutate "segments.delete" delete(OneSegment) -> Done, reads [];
    query "segments.check" check(TextOnly) -> SegmentCheck, reads [Fields, Segments, Tags, Events, Templates];
    query "segments.count" count(CountSegment) -> SegmentCount, reads [Segments, Contacts, Tags, Events, Consents, Suppressions, Outbox, Clock];
    query "segments.members" show_members(SegmentMembers) -> Page<ContactRow>, reads [Segments, Contacts, Tags, Events, Consents, Suppressions, Outbox, Clock];
    query "segments.why" why(AskWhy) -> WhyAnswer, reads [Segments, Contacts, Tags, Events, Consents, Suppressions, Outbox, Clock];
    query "segments.near" near(TextOnly) -> Vec<NearClause>, reads [Segments, Contacts, Tags, Events, Consents, Suppressions, Outbox, Clock];
    query "segments.overlap" overlap(CompareSegment) -> Vec<SegmentOverlap>, reads [Segments, Membership, Contacts, Tags, Events, Consents, Suppressions, Outbox, Clock];
    query "segments.users" users(OneSegment) -> SegmentUsers, reads [Segments, Journeys, Campaigns];
    query "segments.grammar" show_grammar(NoArgs) -> String, reads [];
}

/// A saved segment in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentRow {
    #[serde(flatten)]
    pub segment: Segment,
    #[ts(type = "number")]
    pub count: u64,
    /// Journeys and segments that use it.
    pub used_by: u32,
    /// Members at the end of each of the last 30 days since it was first saved, oldest first; of the days before
    /// nothing is known.
    pub history: Vec<u32>,
    /// What it takes to be in the top or the bottom, where it asks for that: in words, as it was measured last.
    pub cuts: Vec<String>,
}

/// A segment to save; without an id, a new one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveSegment {
    pub id: Option<SegmentId>,
    pub name: String,
    pub text: String,
}

/// Which segment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneSegment {
    pub id: SegmentId,
}

/// An expression.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TextOnly {
    pub text: String,
}

/// Where a text does not parse or does not fit the workspace. In UTF-16 code units, as editors count.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TextProblem {
    pub offset: u32,
    pub length: u32,
    pub message: String,
}

/// Whether a text can be used.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentCheck {
    pub ok: bool,
    /// The text in its canonical form, if it can be used.
    pub canonical: Option<String>,
    pub error: Option<TextProblem>,
    /// Names in it that nobody has used so far: they may be written wrong.
    pub hints: Vec<TextProblem>,
}

/// What to count.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CountSegment {
    pub text: String,
    #[serde(default)]
    pub clauses: bool,
}

/// One clause with its own count.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClauseCount {
    pub text: String,
    #[ts(type = "number")]
    pub count: u64,
    /// Of one that asks for the top or the bottom: what it takes now, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cut: Option<String>,
}

/// How many.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SegmentCount {
    #[ts(type = "number")]
    pub count: u64,
    #[ts(type = "number")]
    pub total: u64,
    pub clauses: Vec<ClauseCount>,
    pub took_ms: f64,
    /// The commit this is true at.
    #[ts(type = "number")]
    pub seq: i64,
}

/// Whose rows to show.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SegmentMembers {
    pub text: String,
    /// Chosen by a stable hash instead of the first ones.
    #[serde(default)]
    pub sample: bool,
    #[serde(default)]
    pub offset: u32,
    pub limit: u32,
}

/// Why is this contact in or out?
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskWhy {
    pub text: String,
    pub contact: ContactId,
}

/// The answer, part by part.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WhyAnswer {
    pub holds: bool,
    pub at: Moment,
    pub why: Why,
}

/// One part of an expression with its truth.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Why {
    pub text: String,
    pub holds: bool,
    /// What the contact has there, in words.
    pub value: Option<String>,
    /// The next instant at which it may change without anybody writing.
    pub until: Option<Moment>,
    pub of: Vec<Why>,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Why {
        Why {
            text: reason.text,
            holds: reason.holds,
            value: reason.seen,
            until: reason.until,
            of: reason.of.into_iter().map(Why::from).collect(),
        }
    }
}

/// The language of expressions, with examples.
pub fn grammar() -> &'static str {
    segment::GRAMMAR_HELP
}

async fn show_grammar(_: &Ctx, _: NoArgs) -> Result<String> {
    Ok(grammar().to_owned())
}

/// The members of a text now.
pub fn members(open: &Open, text: &str) -> Result<RoaringBitmap> {
    let expr = expression(open, text)?;
    let now = open.now();
    Ok(open.store.with_index(|index| index.members(&expr, now)))
}

/// Contacts whose address, names or city contain each of the words.
pub fn search(open: &Open, words: &str) -> Result<RoaringBitmap> {
    let parts = words.split_whitespace().take(8).map(|word| {
        let fields = contacts::searched().map(|key| {
            Expr::Clause(Clause::Field {
                key: key.to_owned(),
                test: Test::Contains(word.to_owned()),
            })
        });
        Expr::Any(fields.collect())
    });
    let expr = Expr::All(parts.collect());
    let now = open.now();
    Ok(open.store.with_index(|index| index.members(&expr, now)))
}

/// Whether a contact may get marketing mail, and whether its address is on the list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    pub permitted: bool,
    pub suppressed: bool,
}

/// How contacts stand now, in the order given.
pub fn standing(open: &Open, ids: &[ContactId]) -> Vec<Standing> {
    open.store.with_index(|index| {
        ids.iter()
            .map(|id| {
                // Of a page of them, nobody's fields and events: they would all be read into memory.
                index
                    .record_of(*id, &Needs::default())
                    .map_or_else(Standing::default, |record| Standing {
                        permitted: !record.suppressed
                            && record
                                .permissions
                                .contains_key(&(Channel::Email, Purpose::Marketing)),
                        suppressed: record.suppressed,
                    })
            })
            .collect()
    })
}

/// The saved segments a contact is in.
pub async fn of_contact(open: &Open, id: ContactId) -> Result<Vec<MemberOf>> {
    let (all, came) = open
        .store
        .read(move |db| {
            Ok((
                carillon_store::segments::list(db)?,
                carillon_store::segments::last_came(db, id)?,
            ))
        })
        .await?;
    Ok(open.store.with_index(|index| {
        all.into_iter()
            .filter(|s| {
                index
                    .members_of(s.id)
                    .is_some_and(|members| members.contains(id.0))
            })
            .map(|s| MemberOf {
                since: came.get(&s.id).copied(),
                id: s.id,
                name: s.name,
            })
            .collect()
    }))
}

const HISTORY_DAYS: i64 = 30;

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<SegmentRow>> {
    let open = cx.open()?;
    let now = open.now();
    let (all, edges) = open
        .store
        .read(move |db| {
            let all = carillon_store::segments::list(db)?;
            let since = now - chrono::TimeDelta::days(HISTORY_DAYS);
            Ok((all, carillon_store::segments::edges_by_day(db, since)?))
        })
        .await?;
    let mut users = crate::journeys::segment_users(open).await?;
    Ok(open.store.with_index(|index| {
        for expr in index.scope().segments.values() {
            for name in segment::Needs::of(expr, &BTreeMap::new()).segments {
                *users.entry(name).or_default() += 1;
            }
        }
        all.into_iter()
            .map(|segment| {
                let count = index.members_of(segment.id).map_or(0, RoaringBitmap::len);
                // Back from today's count over each day's coming and going.
                let mut at_end = i64::try_from(count).unwrap_or(i64::MAX);
                let today = now.timestamp().div_euclid(86_400);
                let age = today - segment.created_at.timestamp().div_euclid(86_400);
                let mut history: Vec<u32> = (0..HISTORY_DAYS.min(age + 1))
                    .map(|back| {
                        let shown = at_end;
                        at_end -= edges.get(&(segment.id, today - back)).copied().unwrap_or(0);
                        u32::try_from(shown.max(0)).unwrap_or(u32::MAX)
                    })
                    .collect();
                history.reverse();
                let used_by = users.get(&segment.name).copied().unwrap_or(0);
                let expr = index.scope().segments.get(&segment.name);
                let cuts = expr.map(segment::said_of_cuts).unwrap_or_default();
                SegmentRow {
                    segment,
                    count,
                    used_by,
                    history,
                    cuts: cuts.into_iter().map(|(_, cut)| cut).collect(),
                }
            })
            .collect()
    }))
}

async fn save(cx: &Ctx, req: SaveSegment) -> Result<Segment> {
    let open = cx.open()?;
    let expr = read::of_known_steps(open, &req.text).await?;
    let name = crate::imports::clean::line(&req.name);
    if name.is_empty() {
        return Err(fail(Code::Invalid, "segments.no_name", &[]).at("name"));
    }
    let mut all = open.store.with_index(|index| index.scope().segments.clone());
    if let Some(id) = req.id {
        let known = open.store.read(carillon_store::segments::list).await?;
        let before = known.into_iter().find(|s| s.id == id);
        let before = before.ok_or_else(|| fail(Code::NotFound, "not_found.segment", &[("name", &name)]))?;
        if before.name != name {
            let users = crate::journeys::users_of_segment(open, &before.name).await?;
            if !users.is_empty() {
                return Err(fail(
                    Code::Refused,
                    "segments.in_use",
                    &[("name", &before.name), ("users", &users)],
                ));
            }
            all.remove(&before.name);
        }
    }
    all.insert(name.clone(), expr.clone());
    if let Some(path) = segment::find_cycle(&all) {
        return Err(fail(
            Code::Refused,
            "segments.cycle",
            &[("name", &name), ("path", &path.join(" → "))],
        )
        .at("text"));
    }
    let id = req.id;
    Ok(open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::segments::save(tx, id, &name, &expr)
        })
        .await?)
}

async fn delete(cx: &Ctx, req: OneSegment) -> Result<Done> {
    let open = cx.open()?;
    let known = open.store.read(carillon_store::segments::list).await?;
    if let Some(segment) = known.into_iter().find(|s| s.id == req.id) {
        let users = crate::journeys::users_of_segment(open, &segment.name).await?;
        if !users.is_empty() {
            return Err(fail(
                Code::Refused,
                "segments.in_use",
                &[("name", &segment.name), ("users", &users)],
            ));
        }
    }
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::segments::remove(tx, req.id)
        })
        .await?;
    Ok(Done {})
}

async fn check(cx: &Ctx, req: TextOnly) -> Result<SegmentCheck> {
    let open = cx.open()?;
    let mut read = read::read(open, &req.text);
    if let Ok(expr) = &read
        && let Some(problem) = read::unknown_step(open, &req.text, expr).await?
    {
        read = Err(problem);
    }
    Ok(match read {
        Ok(expr) => SegmentCheck {
            ok: true,
            canonical: Some(segment::print(&expr)),
            error: None,
            hints: read::hints(open, &req.text, &expr).await?,
        },
        Err(error) => SegmentCheck {
            ok: false,
            canonical: None,
            error: Some(error),
            hints: Vec::new(),
        },
    })
}

async fn count(cx: &Ctx, req: CountSegment) -> Result<SegmentCount> {
    let open = cx.open()?;
    let expr = read::of_known_steps(open, &req.text).await?;
    let now = open.now();
    let begun = std::time::Instant::now();
    let seq = open.store.seq().0;
    let (n, per_clause, mut cuts, total) = open.store.with_index(|index| {
        let expr = index.measured(&expr, now);
        let total = index.contacts().len();
        if req.clauses {
            let counted = index.count(&expr, now);
            let cuts: BTreeMap<_, _> = segment::said_of_cuts(&expr).into_iter().collect();
            (counted.n, counted.per_clause, cuts, total)
        } else {
            (
                index.members(&expr, now).len(),
                Vec::new(),
                BTreeMap::new(),
                total,
            )
        }
    });
    Ok(SegmentCount {
        count: n,
        total,
        clauses: per_clause
            .into_iter()
            .map(|(text, count)| {
                let cut = cuts.remove(&text);
                ClauseCount { text, count, cut }
            })
            .collect(),
        took_ms: begun.elapsed().as_secs_f64() * 1000.0,
        seq,
    })
}

const MEMBERS: usize = 10_000;

/// Some of them, chosen by a stable hash: the same ones each time.
fn sampled(all: &RoaringBitmap, limit: usize) -> Vec<ContactId> {
    let hash = |id: u32| u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
    let mut hashed: Vec<(u64, u32)> = all.iter().map(|id| (hash(id), id)).collect();
    if hashed.len() > limit {
        hashed.select_nth_unstable(limit);
        hashed.truncate(limit);
    }
    hashed.sort_unstable();
    hashed.into_iter().map(|(_, id)| ContactId(id)).collect()
}

async fn show_members(cx: &Ctx, req: SegmentMembers) -> Result<Page<ContactRow>> {
    let open: &Arc<Open> = cx.open()?;
    let all = members(open, &req.text)?;
    let total = all.len();
    let limit = (req.limit as usize).min(MEMBERS);
    let ids: Vec<ContactId> = if req.sample {
        sampled(&all, limit)
    } else {
        all.iter()
            .skip(req.offset as usize)
            .take(limit)
            .map(ContactId)
            .collect()
    };
    let found = open
        .store
        .read(move |db| carillon_store::contacts::get_many(db, &ids))
        .await?;
    let columns = contacts::searched().map(str::to_owned).collect();
    Ok(Page {
        rows: contacts::rows(open, found, columns).await?,
        total,
    })
}

async fn why(cx: &Ctx, req: AskWhy) -> Result<WhyAnswer> {
    let open = cx.open()?;
    let expr = expression(open, &req.text)?;
    let at = open.now();
    let reason = open.store.with_index(|index| {
        let needs = Needs::of(&expr, &index.scope().segments);
        let record = index.record_of(req.contact, &needs)?;
        let expr = index.measured(&expr, at);
        Some(segment::explain(&expr, &record, at, index.scope()))
    });
    let reason =
        reason.ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &req.contact)]))?;
    Ok(WhyAnswer {
        holds: reason.holds,
        at,
        why: reason.into(),
    })
}
