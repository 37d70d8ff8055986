//! Data of contacts that can be put right: found, looked at, applied at once, and taken back at once.

mod apply;
mod find;
mod quality;
mod words;

pub(crate) use quality::live;
pub use words::*;

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::jobs::Job;
use crate::table::{JobStarted, NoArgs};
use crate::workspaces::Open;
use carillon_engine::cleansing::{Country, Rules};
use carillon_model::cleansing::CleansingRule;
use carillon_store::cleansing::{self, CleansingRow, CleansingState};
use carillon_store::contacts::{email_of, id_of, values_of};
use carillon_store::{Db, Priority, settings, suppressions};
use find::{Found, Row, count, search, stamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

commands! {
    query "cleansing.show" show(NoArgs) -> CleansingShown, reads [Cleansing];
    query "cleansing.page" page(CleansingPage) -> CleansingRows, reads [Cleansing, Contacts, Suppressions];
    query "cleansing.quality" show_quality(NoArgs) -> QualityShown, reads [Cleansing, Fields];
    query "cleansing.quality_contacts" quality_contacts(AskQuality) -> QualityContacts, reads [Cleansing, Contacts, Fields];
    mutate "cleansing.measure" measure(NoArgs) -> JobStarted, reads [];
    mutate "cleansing.find" find(FindCleansing) -> JobStarted, reads [];
    mutate "cleansing.apply" apply(ApplyCleansing) -> JobStarted, reads [];
    mutate "cleansing.undo" undo(OneCleansing) -> JobStarted, reads [];
}

/// Contacts of one answer, at most.
const PAGE: u32 = 200;
/// Cleansings of the history that are shown.
const PAST: u32 = 20;
/// Changes that can be refused one by one; whoever refuses more refuses a rule.
const MOST_REFUSED: usize = 10_000;
/// Key of the setting that says where contacts live that have no country.
const COUNTRY: &str = "cleansing_country";

/// What the last search of a workspace found, and whether one is at work. It is no part of the file: a search takes
/// seconds, and what it found is of that day.
#[derive(Default)]
pub struct Cleansing(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    busy: bool,
    /// What is at work, once it has a number.
    running: Option<CleansingRunning>,
    /// The job that measures; 0 for one nobody asked for.
    measuring: Option<u32>,
    /// Whom the last measurement was about.
    lists: Option<Arc<quality::Lists>>,
    runs: u32,
    found: Option<Arc<Found>>,
}

impl Cleansing {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> Option<Arc<Found>> {
        self.kept().found.clone()
    }
}

/// One search, application or undoing of a workspace at a time.
struct AtWork(Arc<Open>);

impl AtWork {
    fn begin(open: &Arc<Open>) -> Result<AtWork> {
        let mut kept = open.cleansing.kept();
        if kept.busy {
            return Err(fail(Code::Refused, "cleansing.busy", &[]));
        }
        kept.busy = true;
        Ok(AtWork(open.clone()))
    }

    /// Tells the screens which job it is.
    fn is(&self, what: CleansingWork, job: &Job) {
        let job = job.id();
        self.0.cleansing.kept().running = Some(CleansingRunning { job, what });
    }

    /// Searches, and keeps what is found; the screens hear of it.
    async fn search(&self, job: &Job, asked: FindCleansing) -> Result<CleansingFound> {
        let open = &self.0;
        let run = {
            let mut kept = open.cleansing.kept();
            kept.runs += 1;
            // What was found before is not to be applied any more.
            kept.found = None;
            kept.runs
        };
        let country = asked.country.clone();
        let found = search(open, job, run, asked).await?;
        let told = found.told.clone();
        open.cleansing.kept().found = Some(Arc::new(found));
        open.store
            .write(Priority::User, move |tx| {
                settings::set(tx, COUNTRY, country.as_ref())?;
                cleansing::announce(tx);
                Ok(())
            })
            .await?;
        Ok(told)
    }

    /// Searches once more, as before, after something was changed.
    async fn search_again(&self, job: &Job) -> Result<()> {
        let asked = self.0.cleansing.found().map(|found| found.told.asked.clone());
        match asked {
            Some(asked) => self.search(job, asked).await.map(drop),
            None => Ok(()),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut kept = self.0.cleansing.kept();
        kept.busy = false;
        kept.running = None;
    }
}

async fn show(cx: &Ctx, _: NoArgs) -> Result<CleansingShown> {
    let open = cx.open()?;
    let found = open.cleansing.found().map(|found| found.told.clone());
    let (busy, running) = {
        let kept = open.cleansing.kept();
        (kept.busy, kept.running.clone())
    };
    let read = open.store.read(move |db| {
        let past = cleansing::list(db, PAST)?;
        Ok(CleansingShown {
            country: settings::get(db, COUNTRY)?,
            countries: Country::all().map(str::to_owned).collect(),
            found,
            past: past.into_iter().map(|row| view(row, busy)).collect(),
            running,
        })
    });
    Ok(read.await?)
}

fn view(row: CleansingRow, busy: bool) -> CleansingView {
    CleansingView {
        id: row.id,
        at: row.at,
        contacts: row.contacts,
        values: row.changed,
        cut_off: !busy && matches!(row.state, CleansingState::Running | CleansingState::Undoing),
        undone_at: row.undone_at,
    }
}

async fn find(cx: &Ctx, req: FindCleansing) -> Result<JobStarted> {
    let open = cx.open()?;
    let country = find::home(req.country.as_deref())?.map(|country| country.as_str().to_owned());
    // What cannot be understood is said at once.
    crate::contacts::selected(open, req.expression.as_deref(), None)?;
    let work = AtWork::begin(open)?;
    let asked = FindCleansing { country, ..req };
    let job = cx.app.jobs().start("cleansing.find", |job| {
        work.is(CleansingWork::Find, &job);
        async move { work.search(&job, asked).await }
    });
    Ok(JobStarted { job })
}

async fn page(cx: &Ctx, req: CleansingPage) -> Result<CleansingRows> {
    let open = cx.open()?;
    let Some(found) = open.cleansing.found() else {
        return Ok(CleansingRows {
            rows: Vec::new(),
            total: 0,
            accepted: 0,
        });
    };
    let accepted: Rules = req.rules.iter().copied().collect();
    let shown = req.only.map_or(accepted, |rule| Rules::default().with(rule));
    let of = |rules: Rules| found.rows.iter().filter(move |row| row.rules.meets(rules));
    let (total, changed) = (count(of(shown).count()), count(of(accepted).count()));
    let rows: Vec<Row> = of(shown)
        .skip(req.offset as usize)
        .take(req.limit.min(PAGE) as usize)
        .copied()
        .collect();
    let rules = req.only.map_or(accepted, |rule| accepted.with(rule));
    let (only, ground) = (req.only, found.clone());
    let rows = open
        .store
        .read(move |db| contacts(db, &ground, &rows, rules, only))
        .await?;
    Ok(CleansingRows {
        rows,
        total,
        accepted: changed,
    })
}

fn contacts(
    db: &Db<'_>,
    found: &Found,
    rows: &[Row],
    rules: Rules,
    only: Option<CleansingRule>,
) -> carillon_store::Result<Vec<CleansingContact>> {
    let ground = &found.ground;
    let (all, accepted) = (ground.cleanser(Rules::ALL), ground.cleanser(rules));
    let mut shown = Vec::new();
    for row in rows {
        let Some((id, values)) = values_of(db, &ground.keys, &[row.contact])?.pop() else {
            continue;
        };
        if stamp(&ground.proposals(&all, &values)) != row.stamp {
            continue;
        }
        let mut changes = Vec::new();
        for proposal in ground.proposals(&accepted, &values) {
            if only.is_some_and(|rule| !proposal.by(rule)) {
                continue;
            }
            let key = &ground.keys[proposal.field];
            let is_address = key == "email";
            changes.push(CleansingChange {
                key: key.clone(),
                label: ground.labels[proposal.field].clone(),
                taken_by: if is_address {
                    id_of(db, &proposal.new)?
                } else {
                    None
                },
                suppressed: is_address && suppressions::contains(db, &proposal.new)?.is_some(),
                old: proposal.old,
                new: proposal.new,
                steps: proposal.steps,
            });
        }
        if !changes.is_empty() {
            let email = email_of(db, id)?.unwrap_or_default();
            shown.push(CleansingContact { id, email, changes });
        }
    }
    Ok(shown)
}

async fn apply(cx: &Ctx, req: ApplyCleansing) -> Result<JobStarted> {
    let open = cx.open()?;
    if req.except.len() > MOST_REFUSED {
        return Err(fail(
            Code::Invalid,
            "cleansing.too_many_refused",
            &[("most", &MOST_REFUSED)],
        ));
    }
    let found = open.cleansing.found().filter(|found| found.told.run == req.run);
    let Some(found) = found else {
        return Err(fail(Code::Stale, "cleansing.changed", &[]));
    };
    let work = AtWork::begin(open)?;
    let job = cx.app.jobs().start("cleansing.apply", |job| {
        work.is(CleansingWork::Apply, &job);
        async move {
            let applied = apply::apply(&work.0, &job, found, req).await;
            let again = work.search_again(&job).await;
            let applied = applied?;
            again.map(|()| applied)
        }
    });
    Ok(JobStarted { job })
}

async fn undo(cx: &Ctx, req: OneCleansing) -> Result<JobStarted> {
    let open = cx.open()?;
    let known = open.store.read(move |db| cleansing::get(db, req.id)).await?;
    let Some(known) = known else {
        return Err(fail(Code::NotFound, "not_found.cleansing", &[("name", &req.id)]));
    };
    if known.state == CleansingState::Undone {
        return Err(fail(Code::Refused, "cleansing.undone", &[("id", &req.id)]));
    }
    let work = AtWork::begin(open)?;
    let job = cx.app.jobs().start("cleansing.undo", |job| {
        work.is(CleansingWork::Undo, &job);
        async move {
            let back = apply::take_back(&work.0, &job, req.id, known.changed).await;
            let again = work.search_again(&job).await;
            let back = back?;
            again.map(|()| back)
        }
    });
    Ok(JobStarted { job })
}

async fn show_quality(cx: &Ctx, req: NoArgs) -> Result<QualityShown> {
    quality::show(cx, req).await
}

async fn quality_contacts(cx: &Ctx, req: AskQuality) -> Result<QualityContacts> {
    quality::contacts(cx, req).await
}

async fn measure(cx: &Ctx, req: NoArgs) -> Result<JobStarted> {
    quality::start(cx, req).await
}
