//! How good the data of contacts is, field by field: measured in one pass over all of them, after one that counts the domains
//! of their addresses, and kept as figures of the day.
//!
//! A value counts as known where there is one, as valid where it can be what its field is for, and as tidy where a
//! cleansing would leave it as it is ([`carillon_engine::cleansing::Verdict`]). The score of a field is the share of
//! contacts whose value is all three, in whole percent: completeness times validity times consistency, which are the
//! measures of completeness, syntactic accuracy and consistency of ISO/IEC 25024 (for the model of ISO/IEC 25012), each as
//! a quotient of counts. Whether a value is true nobody can count here.

use super::find::{Ground, domains, ground, home, text};
use super::words::{
    AskQuality, QualityContact, QualityContacts, QualityDay, QualityField, QualityFigures, QualityMeasured,
    QualityShown, QualityVerdict,
};
use super::{COUNTRY, PAGE};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::jobs::Job;
use crate::table::{JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_engine::cleansing::{Rules, Verdict};
use carillon_model::ContactId;
use carillon_model::contact::Value;
use carillon_store::contacts::{count, email_of, values_after, values_of};
use carillon_store::quality::{self, FieldFigures, Measured};
use carillon_store::time::day_bucket;
use carillon_store::{Db, Priority, settings};
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Contacts read in one snapshot.
const READ: u32 = 2_000;
/// Days that are shown.
const SPAN: u32 = 90;
/// The number of a measurement nobody asked for: no job has it.
const UNASKED: u32 = 0;
/// How soon after opening, and how often then, it is asked whether there is something to measure.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(600);

/// Whose values are not good, by the key of the field. No part of the file: it is of the moment it was measured.
pub(super) struct Lists {
    ground: Arc<Ground>,
    invalid: BTreeMap<String, RoaringBitmap>,
    untidy: BTreeMap<String, RoaringBitmap>,
}

/// What is known of the fields that are measured.
struct Fields {
    keys: Vec<String>,
    /// For each, its place in the ground; `None`: no rule knows its values.
    judged: Vec<Option<usize>>,
    ground: Arc<Ground>,
}

impl Fields {
    /// The verdict on each value of a contact, in the order of the keys.
    fn verdicts(&self, values: &[Option<Value>]) -> Vec<Verdict> {
        let mut texts = vec![None; self.ground.keys.len()];
        for (at, value) in self.judged.iter().zip(values) {
            if let Some(at) = at {
                texts[*at] = text(value.as_ref());
            }
        }
        let judged = self.ground.cleanser(Rules::ALL).verdicts(&texts);
        let each = self.keys.iter().zip(&self.judged).zip(values);
        each.map(|((key, at), value)| match (at, value) {
            (Some(at), _) => judged[*at],
            (None, None) => Verdict::Missing,
            (None, Some(Value::Text(zone))) if key == "time_zone" && zone.parse::<Tz>().is_err() => {
                Verdict::Invalid
            }
            (None, Some(_)) => Verdict::Good,
        })
        .collect()
    }
}

/// What was found so far.
#[derive(Default)]
struct Sum {
    contacts: u32,
    figures: Vec<FieldFigures>,
    invalid: Vec<RoaringBitmap>,
    untidy: Vec<RoaringBitmap>,
}

impl Sum {
    fn of(fields: usize) -> Sum {
        Sum {
            contacts: 0,
            figures: vec![FieldFigures::default(); fields],
            invalid: vec![RoaringBitmap::new(); fields],
            untidy: vec![RoaringBitmap::new(); fields],
        }
    }

    fn note(&mut self, contact: ContactId, verdicts: &[Verdict]) {
        self.contacts += 1;
        for (at, verdict) in verdicts.iter().enumerate() {
            let figures = &mut self.figures[at];
            figures.known += u32::from(*verdict >= Verdict::Invalid);
            figures.valid += u32::from(*verdict >= Verdict::Untidy);
            figures.tidy += u32::from(*verdict >= Verdict::Good);
            match verdict {
                Verdict::Invalid => self.invalid[at].insert(contact.0),
                Verdict::Untidy => self.untidy[at].insert(contact.0),
                Verdict::Missing | Verdict::Good => false,
            };
        }
    }
}

/// Measures all contacts, and keeps the figures as those of today. `gently`: gives way to whatever else is done.
async fn measure(open: &Arc<Open>, job: &Job, gently: bool) -> Result<QualityMeasured> {
    let (country, seq, keys, total) = open
        .store
        .read(|db| {
            let country: Option<String> = settings::get(db, COUNTRY)?;
            Ok((country, quality::next_seq(db)?, quality::keys(db), count(db)?))
        })
        .await?;
    let ground = ground(
        open,
        home(country.as_deref()).unwrap_or(None),
        domains(open, job).await?,
    )
    .await?;
    let places: BTreeMap<&String, usize> = ground.keys.iter().enumerate().map(|(i, key)| (key, i)).collect();
    let judged = keys.iter().map(|key| places.get(key).copied()).collect();
    let fields = Arc::new(Fields {
        keys,
        judged,
        ground: Arc::new(ground),
    });
    let sum = walk(open, job, &fields, total, gently).await?;
    let by_key = |maps: Vec<RoaringBitmap>| fields.keys.iter().cloned().zip(maps).collect();
    let measured = Measured {
        seq,
        contacts: sum.contacts,
        fields: fields.keys.iter().cloned().zip(sum.figures).collect(),
    };
    {
        let mut kept = open.cleansing.kept();
        kept.lists = Some(Arc::new(Lists {
            ground: fields.ground.clone(),
            invalid: by_key(sum.invalid),
            untidy: by_key(sum.untidy),
        }));
        // Whoever reads the figures after the commit that tells of them reads that nothing measures any more.
        kept.measuring = None;
    }
    let last = open
        .store
        .write(Priority::Import, move |tx| {
            quality::put(tx, &measured)?;
            quality::last(tx)
        })
        .await?;
    last.map(told)
        .ok_or_else(|| ApiError::internal("what was measured is not there"))
}

async fn walk(open: &Open, job: &Job, fields: &Arc<Fields>, total: u64, gently: bool) -> Result<Sum> {
    job.phase("measuring");
    let (mut sum, mut last) = (Sum::of(fields.keys.len()), None);
    loop {
        job.check()?;
        let (own, after, begun) = (fields.clone(), last, Instant::now());
        let (next, more) = open
            .store
            .read(move |db| {
                let rows = values_after(db, &own.keys, after, READ)?;
                let end = rows.last().map(|(id, _)| *id);
                for (contact, values) in &rows {
                    sum.note(*contact, &own.verdicts(values));
                }
                Ok((sum, end))
            })
            .await?;
        sum = next;
        let Some(end) = more else { return Ok(sum) };
        last = Some(end);
        job.progress(u64::from(sum.contacts), total);
        if gently {
            give_way(open, begun.elapsed()).await?;
        }
    }
}

/// Rests as long as was worked, and until nothing else is at work; ends where somebody asked for a measurement of their own.
async fn give_way(open: &Open, worked: Duration) -> Result<()> {
    tokio::time::sleep(worked).await;
    loop {
        if open.cleansing.kept().measuring != Some(UNASKED) {
            return Err(fail(Code::Cancelled, "jobs.cancelled", &[]));
        }
        if !open.jobs.is_busy() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Measures by itself, while the workspace is open: once a day where contacts changed since the last time. Days are those
/// of the workspace's clock, looks are paced by the machine's: a clock that runs fast has days without figures.
pub(crate) async fn live(open: Arc<Open>) {
    tokio::time::sleep(FIRST).await;
    loop {
        if let Err(error) = look(&open).await {
            tracing::warn!(%error, "the quality of the data could not be measured");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Measures if there is something to measure. Whether it did.
async fn look(open: &Arc<Open>) -> Result<bool> {
    let today = day_bucket(open.now(), open.store.catalogue().zone());
    let due = open
        .store
        .read(move |db| {
            let Some(last) = quality::last(db)? else {
                return Ok(count(db)? > 0);
            };
            Ok(carillon_store::time::days(last.day) != today && quality::changed_since(db, last.seq)?)
        })
        .await?;
    if !due || open.jobs.is_busy() {
        return Ok(false);
    }
    let Some(_work) = Measuring::begin(open, UNASKED) else {
        return Ok(false);
    };
    match measure(open, &Job::unwatched(), true).await {
        Err(error) if error.code == Code::Cancelled => Ok(false),
        measured => measured.map(|_| true),
    }
}

/// One measurement of a workspace at a time.
struct Measuring(Arc<Open>, u32);

impl Measuring {
    /// `job`: its number. `None`: one is at work. One that nobody asked for gives way.
    fn begin(open: &Arc<Open>, job: u32) -> Option<Measuring> {
        let mut kept = open.cleansing.kept();
        if kept
            .measuring
            .is_some_and(|other| other != UNASKED || job == UNASKED)
        {
            return None;
        }
        kept.measuring = Some(job);
        Some(Measuring(open.clone(), job))
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        let mut kept = self.0.cleansing.kept();
        // It is free already where its figures are written, and another may have begun.
        if kept.measuring == Some(self.1) {
            kept.measuring = None;
        }
    }
}

fn told(last: quality::QualityDay) -> QualityMeasured {
    QualityMeasured {
        day: last.day,
        at: last.at,
        contacts: last.contacts,
        pairs: last.pairs,
    }
}

fn figures(of: FieldFigures, contacts: u32) -> QualityFigures {
    QualityFigures {
        known: of.known,
        valid: of.valid,
        tidy: of.tidy,
        score: score(of.tidy, contacts),
    }
}

/// The share of good values in whole percent, rounded down: 100 is all of them. Nobody is nothing to find fault with.
fn score(tidy: u32, contacts: u32) -> u32 {
    let percent = (u64::from(tidy) * 100).checked_div(u64::from(contacts));
    u32::try_from(percent.unwrap_or(100)).unwrap_or(100)
}

pub(super) async fn show(cx: &Ctx, _: NoArgs) -> Result<QualityShown> {
    let open = cx.open()?;
    let (running, at_hand) = {
        let kept = open.cleansing.kept();
        (kept.measuring, kept.lists.is_some())
    };
    let zone = open.store.catalogue().zone();
    let today = open.now().with_timezone(&zone).date_naive();
    let labels: BTreeMap<String, String> = open
        .store
        .catalogue()
        .fields()
        .into_iter()
        .map(|field| (field.key, field.label))
        .collect();
    let (last, days, mut known, keys) = open
        .store
        .read(move |db| {
            Ok((
                quality::last(db)?,
                quality::days(db, today, SPAN)?,
                quality::of_fields(db, today, SPAN)?,
                quality::keys(db),
            ))
        })
        .await?;
    let contacts: BTreeMap<_, u32> = days.iter().map(|day| (day.day, day.contacts)).collect();
    let field = |key: String| {
        let days: Vec<QualityDay> = known
            .remove(&key)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(day, of)| {
                Some(QualityDay {
                    day,
                    figures: figures(of, *contacts.get(&day)?),
                })
            })
            .collect();
        let newest = days
            .last()
            .filter(|day| last.is_some_and(|last| last.day == day.day));
        QualityField {
            label: labels.get(&key).cloned().unwrap_or_default(),
            now: newest.map(|day| day.figures.clone()),
            key,
            days,
        }
    };
    let fields = keys.into_iter().map(field).collect();
    Ok(QualityShown {
        measured: last.map(told),
        running,
        at_hand,
        from: today - chrono::TimeDelta::days(i64::from(SPAN) - 1),
        to: today,
        fields,
    })
}

pub(super) async fn start(cx: &Ctx, _: NoArgs) -> Result<JobStarted> {
    let open = cx.open()?.clone();
    let job = open.jobs.clone().start("cleansing.measure", |job| {
        let work = Measuring::begin(&open, job.id());
        async move {
            let Some(work) = work else {
                return Err(fail(Code::Refused, "cleansing.measuring", &[]));
            };
            measure(&work.0, &job, false).await
        }
    });
    Ok(JobStarted { job })
}

pub(super) async fn contacts(cx: &Ctx, req: AskQuality) -> Result<QualityContacts> {
    let open = cx.open()?;
    let lists = open.cleansing.kept().lists.clone();
    let Some(lists) = lists else {
        return Ok(QualityContacts {
            at_hand: false,
            rows: Vec::new(),
            total: 0,
        });
    };
    let all = match req.verdict {
        QualityVerdict::Invalid => &lists.invalid,
        QualityVerdict::Untidy => &lists.untidy,
    };
    let found = all.get(&req.field);
    let total = found.map_or(0, RoaringBitmap::len);
    let ids: Vec<ContactId> = found
        .into_iter()
        .flat_map(|found| found.iter().skip(req.offset as usize))
        .take(req.limit.min(PAGE) as usize)
        .map(ContactId)
        .collect();
    let rows = open.store.read(move |db| rows(db, &lists, &req, &ids)).await?;
    Ok(QualityContacts {
        at_hand: true,
        rows,
        total: u32::try_from(total).unwrap_or(u32::MAX),
    })
}

/// Those of the contacts of whom it is true still.
fn rows(
    db: &Db<'_>,
    lists: &Lists,
    req: &AskQuality,
    ids: &[ContactId],
) -> carillon_store::Result<Vec<QualityContact>> {
    let (keys, ground) = (quality::keys(db), lists.ground.clone());
    let judged = keys
        .iter()
        .map(|key| ground.keys.iter().position(|own| own == key))
        .collect();
    let fields = Fields { keys, judged, ground };
    let Some(at) = fields.keys.iter().position(|key| *key == req.field) else {
        return Ok(Vec::new());
    };
    let wanted = match req.verdict {
        QualityVerdict::Invalid => Verdict::Invalid,
        QualityVerdict::Untidy => Verdict::Untidy,
    };
    let mut shown = Vec::new();
    for (id, mut values) in values_of(db, &fields.keys, ids)? {
        if fields.verdicts(&values)[at] == wanted {
            shown.push(QualityContact {
                id,
                email: email_of(db, id)?.unwrap_or_default(),
                value: values.swap_remove(at),
            });
        }
    }
    Ok(shown)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
