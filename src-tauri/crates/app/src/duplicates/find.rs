//! The search: reads all contacts, compares them on threads of its own, and keeps what it found in batches.

use super::exact::{self, Keys};
use super::{DuplicateSearch, LAST, MatchAbout, MatchEvidence, SameKey, rules};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::imports::blocking;
use crate::jobs::Job;
use crate::table::{JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_engine::duplicates::{self as matcher, Found, Host, Kind, Level, Records, Weight};
use carillon_model::ContactId;
use carillon_model::contact::Value;
use carillon_model::duplicate::{MatchKind, MatchLevel};
use carillon_store::contacts::values_after;
use carillon_store::duplicates::{NewPair, end_run, put};
use carillon_store::{Priority, Tx, settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Contacts read in one snapshot.
const READ: u32 = 5_000;
/// Pairs written in one commit.
const WRITTEN: usize = 250;
/// Pairs that are kept, the likeliest: nobody looks at more.
const MOST_PAIRS: usize = 50_000;
/// The same mailbox is the same person, but for couples who share one.
const SAME_MAILBOX: f64 = 0.99;
/// An address that is another's but for a slip leads to the same mailbox, where it is one.
const SLIP: f64 = 0.9;
/// Counts the searches.
const RUN: &str = "duplicates:run";

/// Workspaces that are searched now.
static LIVE: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// One search of a workspace at a time.
struct Searching(String);

impl Searching {
    fn begin(open: &Open) -> Result<Searching> {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        match live.insert(open.workspace_id.clone()) {
            true => Ok(Searching(open.workspace_id.clone())),
            false => Err(fail(Code::Refused, "duplicates.searching", &[])),
        }
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        LIVE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

pub(super) async fn find(cx: &Ctx, _: NoArgs) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let searching = Searching::begin(&open)?;
    let job = cx.app.jobs().start("duplicates.find", |job| async move {
        let found = search(&open, &job).await;
        drop(searching);
        found
    });
    Ok(JobStarted { job })
}

/// A search as its job sees it.
struct Watched<'a>(&'a Job);

impl Host for Watched<'_> {
    fn goes_on(&self, done: u64, total: u64) -> bool {
        self.0.progress(done, total);
        !self.0.is_cancelled()
    }

    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        std::thread::scope(|scope| {
            let other = scope.spawn(other);
            let one = one();
            (
                one,
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        })
    }
}

/// What was read of all contacts.
struct Read {
    ids: Vec<ContactId>,
    records: Records,
    keys: Keys,
}

async fn search(open: &Arc<Open>, job: &Arc<Job>) -> Result<DuplicateSearch> {
    let rules = open.store.read(rules::read).await?;
    let compared: Vec<(String, MatchKind)> = rules
        .fields
        .into_iter()
        .filter_map(|rule| Some((rule.key, rule.kind?)))
        .collect();
    if compared.is_empty() {
        return Err(fail(Code::Refused, "duplicates.nothing_to_compare", &[]));
    }
    let seq = open.store.seq();
    let read = read(open, job, &compared).await?;
    job.phase("comparing");
    let watched = job.clone();
    let keys: Vec<(String, MatchKind)> = compared;
    let Read {
        ids,
        records,
        keys: same,
    } = read;
    let (pairs, left_out, ids) = blocking(move || {
        let found = matcher::find(records, &Watched(&watched));
        watched.check()?;
        let found = found.ok_or_else(|| ApiError::internal("a search ended without an answer"))?;
        let (pairs, left_out) = pairs(&found, same, &ids, &keys)?;
        Ok((pairs, left_out, ids.len()))
    })
    .await?;
    job.phase("writing");
    keep(open, job, pairs, seq, (ids, left_out)).await
}

async fn read(open: &Arc<Open>, job: &Arc<Job>, compared: &[(String, MatchKind)]) -> Result<Read> {
    job.phase("reading_contacts");
    let keys: Arc<Vec<String>> = Arc::new(compared.iter().map(|(key, _)| key.clone()).collect());
    let kinds: Vec<Kind> = compared.iter().map(|(_, kind)| engine_kind(*kind)).collect();
    let total = open.store.read(carillon_store::contacts::count).await?;
    let mut read = Read {
        ids: Vec::new(),
        records: Records::new(&kinds),
        keys: Keys::default(),
    };
    loop {
        job.check()?;
        let (after, keys) = (read.ids.last().copied(), keys.clone());
        let batch = open
            .store
            .read(move |db| values_after(db, &keys, after, READ))
            .await?;
        if batch.is_empty() {
            return Ok(read);
        }
        for (id, values) in batch {
            let row = u32::try_from(read.ids.len()).map_err(ApiError::internal)?;
            read.ids.push(id);
            let texts: Vec<String> = values.iter().map(|value| text(value.as_ref())).collect();
            for (i, (text, (_, kind))) in texts.iter().zip(compared).enumerate() {
                read.keys.note(row, i, *kind, text);
            }
            read.records.push(texts.iter().map(String::as_str));
        }
        job.progress(read.ids.len() as u64, total);
    }
}

/// A value as it is compared.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text) | Value::Choice(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Date(date)) => date.to_string(),
        _ => String::new(),
    }
}

/// What was found, as it is kept, and how many of the least likely are not.
fn pairs(
    found: &Found,
    same: Keys,
    ids: &[ContactId],
    compared: &[(String, MatchKind)],
) -> Result<(Vec<NewPair>, usize)> {
    let mut all: BTreeMap<(u32, u32), (f64, Vec<SameKey>)> = found
        .pairs
        .iter()
        .map(|pair| ((pair.a, pair.b), (pair.probability, Vec::new())))
        .collect();
    for (rows, keys) in same.pairs() {
        let place = all
            .entry(rows)
            .or_insert_with(|| (found.probability(rows.0, rows.1), Vec::new()));
        if keys.contains(&SameKey::Email) {
            place.0 = place.0.max(SAME_MAILBOX);
        }
        place.1 = keys;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by(|x, y| y.1.0.total_cmp(&x.1.0).then(x.0.cmp(&y.0)));
    let left_out = all.len().saturating_sub(MOST_PAIRS);
    all.truncate(MOST_PAIRS);
    let kept = all.into_iter().map(|((a, b), (probability, keys))| {
        let weights = evidence(&found.explain(a, b), compared);
        Ok(NewPair {
            a: ids[a as usize],
            b: ids[b as usize],
            probability,
            same: keys.into_iter().map(|key| exact::word(key).to_owned()).collect(),
            weights: serde_json::to_string(&weights).map_err(ApiError::internal)?,
        })
    });
    Ok((kept.collect::<Result<Vec<NewPair>>>()?, left_out))
}

fn evidence(weights: &[Weight], compared: &[(String, MatchKind)]) -> Vec<MatchEvidence> {
    let of = |about, bits| MatchEvidence {
        about,
        key: None,
        kind: None,
        level: None,
        bits,
    };
    weights
        .iter()
        .map(|weight| match *weight {
            Weight::Prior(bits) => of(MatchAbout::Prior, bits),
            Weight::Together(bits) => of(MatchAbout::Together, bits),
            Weight::Household(bits) => of(MatchAbout::Household, bits),
            Weight::Moving(bits) => of(MatchAbout::Moving, bits),
            Weight::Field { field, level, bits } => {
                let known = compared.get(field);
                MatchEvidence {
                    key: known.map(|(key, _)| key.clone()),
                    kind: Some(known.map_or(MatchKind::StreetNumber, |(_, kind)| *kind)),
                    level: Some(match_level(level)),
                    ..of(MatchAbout::Field, bits)
                }
            }
        })
        .collect()
}

/// Puts pairs into the queue whose one address is the other's but for a slip; the next search looks at them anew.
pub(crate) fn put_slips(tx: &mut Tx<'_>, pairs: &[(ContactId, ContactId)]) -> carillon_store::Result<()> {
    let new: Vec<NewPair> = pairs
        .iter()
        .map(|(a, b)| NewPair {
            a: *a,
            b: *b,
            probability: SLIP,
            same: vec![exact::word(SameKey::Email).to_owned()],
            weights: "[]".to_owned(),
        })
        .collect();
    let (run, now) = (settings::cursor(tx, RUN)?, tx.seq());
    put(tx, &new, run, now).map(drop)
}

async fn keep(
    open: &Arc<Open>,
    job: &Arc<Job>,
    pairs: Vec<NewPair>,
    seq: carillon_model::Seq,
    (contacts, left_out): (usize, usize),
) -> Result<DuplicateSearch> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let total = pairs.len();
    let run = open
        .store
        .write(Priority::Import, |tx| {
            let run = settings::cursor(tx, RUN)? + 1;
            settings::set_cursor(tx, RUN, run)?;
            Ok(run)
        })
        .await?;
    let mut kept = 0;
    for (i, batch) in pairs.chunks(WRITTEN).enumerate() {
        job.check()?;
        let batch = batch.to_vec();
        kept += open
            .store
            .write(Priority::Import, move |tx| put(tx, &batch, run, seq))
            .await?;
        job.progress((i * WRITTEN) as u64, total as u64);
    }
    let kept = count(usize::try_from(kept).unwrap_or(usize::MAX));
    let (contacts, left_out) = (count(contacts), count(left_out));
    Ok(open
        .store
        .write(Priority::Import, move |tx| {
            end_run(tx, run)?;
            let search = DuplicateSearch {
                at: tx.now(),
                contacts,
                pairs: kept,
                left_out,
            };
            settings::set(tx, LAST, Some(&search))?;
            Ok(search)
        })
        .await?)
}

fn engine_kind(kind: MatchKind) -> Kind {
    match kind {
        MatchKind::GivenName => Kind::GivenName,
        MatchKind::Surname => Kind::Surname,
        MatchKind::StreetNumber => Kind::StreetNumber,
        MatchKind::Address => Kind::Address,
        MatchKind::Suburb => Kind::Suburb,
        MatchKind::PostCode => Kind::PostCode,
        MatchKind::State => Kind::State,
        MatchKind::Country => Kind::Country,
        MatchKind::Phone => Kind::Phone,
        MatchKind::Email => Kind::Email,
        MatchKind::Date => Kind::Date,
        MatchKind::Identifier => Kind::Identifier,
        MatchKind::Text => Kind::Text,
    }
}

fn match_level(level: Level) -> MatchLevel {
    match level {
        Level::Missing => MatchLevel::Missing,
        Level::Exact => MatchLevel::Exact,
        Level::Close => MatchLevel::Close,
        Level::Sounds => MatchLevel::Sounds,
        Level::Similar => MatchLevel::Similar,
        Level::Part => MatchLevel::Part,
        Level::Initial => MatchLevel::Initial,
        Level::Swapped => MatchLevel::Swapped,
        Level::Different => MatchLevel::Different,
    }
}
