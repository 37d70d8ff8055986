//! Work that takes longer than a breath: started by a command, watched by others, cancelled by anybody.

use crate::Ctx;
use crate::bus::Bus;
use crate::clock::machine_now;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::table::Done;
use carillon_model::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ts_rs::TS;

commands! {
    query "jobs.get" get(OneJob) -> JobView, reads [];
    mutate "jobs.cancel" cancel(OneJob) -> Done, reads [];
}

/// Which job.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneJob {
    pub id: u32,
}

async fn get(cx: &Ctx, req: OneJob) -> Result<JobView> {
    cx.app.jobs().get(req.id)
}

async fn cancel(cx: &Ctx, req: OneJob) -> Result<Done> {
    cx.app.jobs().cancel(req.id)?;
    Ok(Done {})
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum JobState {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A job as a screen or a progress bar sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobView {
    pub id: u32,
    /// Command that started it.
    pub what: String,
    pub state: JobState,
    /// Units of work done, of `total` if that is known (0: unknown).
    pub done: f64,
    pub total: f64,
    /// Word of the locale files (`jobs.phases.*`) for what is being done.
    pub phase: String,
    pub started_at: Moment,
    /// The command's answer when it is done.
    #[ts(type = "unknown")]
    pub result: Option<serde_json::Value>,
    pub error: Option<ApiError>,
}

/// The running side of a job.
#[derive(Debug)]
pub struct Job {
    id: u32,
    what: String,
    started_at: Moment,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    stop: tokio::sync::Notify,
    end: Mutex<End>,
    bus: Bus,
    began: Instant,
    /// Milliseconds after `began` at which progress was told last.
    told_at: AtomicU64,
}

/// The topic of jobs on the bus; what a job does is not in the file, so no commit tells of it.
const TOPIC: &str = "jobs";
/// Progress is told at most so often: a screen shows no more.
const TELL_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
struct End {
    phase: String,
    outcome: Option<std::result::Result<serde_json::Value, ApiError>>,
    ended: Option<Instant>,
    /// Whoever asks for it was told how it ended.
    heard: bool,
}

/// How long the end of a job waits to be heard. Whoever watches a job asks several times a second.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static PHASES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    #[derive(serde::Deserialize)]
    struct Words {
        phases: BTreeMap<String, String>,
    }
    let words: Option<Words> =
        serde_json::from_str(include_str!("../../../../assets/locales/en/jobs.json")).ok();
    words.map(|words| words.phases).unwrap_or_default()
});

/// What a job does, in words for people: `writing` is "Writing". Empty for a job that has not said.
pub fn phase_words(phase: &str) -> &str {
    PHASES.get(phase).map_or(phase, String::as_str)
}

impl Job {
    fn new(id: u32, what: &str, bus: Bus) -> Job {
        Job {
            id,
            what: what.to_owned(),
            bus,
            began: Instant::now(),
            told_at: AtomicU64::new(0),
            started_at: machine_now(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            stop: tokio::sync::Notify::new(),
            end: Mutex::default(),
        }
    }

    /// A job nobody asked for and nobody can cancel: work of the program itself.
    pub fn unwatched() -> Job {
        Job::new(0, "", Bus::default())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn tell(&self) {
        self.bus.tell(0, vec![TOPIC.to_owned()]);
    }

    /// Reports progress.
    pub fn progress(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.told_at.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= TELL_EVERY.as_millis() as u64;
        // Of several threads that come at once, one tells.
        if due
            && self
                .told_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.tell();
        }
    }

    /// Names what is being done, by a word that [`phase_words`] knows.
    pub fn phase(&self, phase: &str) {
        debug_assert!(PHASES.contains_key(phase), "jobs.phases.{phase} has no words");
        lock(&self.end).phase = phase.to_owned();
        self.tell();
    }

    /// Whether somebody asked it to stop. Long loops ask between two commits.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Waits until somebody asks it to stop: for loops that sleep long.
    pub async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }

    fn ask_to_stop(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.stop.notify_one();
    }

    /// The error a cancelled job ends with.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(fail(Code::Cancelled, "jobs.cancelled", &[]))
        } else {
            Ok(())
        }
    }

    fn view(&self) -> JobView {
        let mut end = lock(&self.end);
        end.heard = end.outcome.is_some();
        let (state, result, error) = match &end.outcome {
            None => (JobState::Running, None, None),
            Some(Ok(value)) => (JobState::Done, Some(value.clone()), None),
            Some(Err(e)) if e.code == Code::Cancelled => (JobState::Cancelled, None, Some(e.clone())),
            Some(Err(e)) => (JobState::Failed, None, Some(e.clone())),
        };
        JobView {
            id: self.id,
            what: self.what.clone(),
            state,
            done: self.done.load(Ordering::Relaxed) as f64,
            total: self.total.load(Ordering::Relaxed) as f64,
            phase: end.phase.clone(),
            started_at: self.started_at,
            result,
            error,
        }
    }
}

/// All jobs of this process since it started; the last hundred that ended are remembered.
#[derive(Debug, Default)]
pub struct Jobs {
    next: AtomicU32,
    all: Mutex<BTreeMap<u32, Arc<Job>>>,
    bus: Bus,
}

const REMEMBERED: usize = 100;
/// The job that lets a workspace live until it is stopped.
const LIVING: &str = "runtime.run";

impl Jobs {
    /// No jobs yet; the bus will hear of them.
    pub fn new(bus: Bus) -> Jobs {
        Jobs {
            bus,
            ..Jobs::default()
        }
    }

    /// Starts `work` in the background and gives its number.
    pub fn start<F, Fut, T>(self: &Arc<Self>, what: &str, work: F) -> u32
    where
        F: FnOnce(Arc<Job>) -> Fut,
        Fut: Future<Output = Result<T>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let job = Arc::new(Job::new(id, what, self.bus.clone()));
        {
            let mut all = lock(&self.all);
            while all.len() >= REMEMBERED {
                let oldest = all
                    .iter()
                    .find(|(_, j)| lock(&j.end).outcome.is_some())
                    .map(|(id, _)| *id);
                match oldest {
                    Some(id) => all.remove(&id),
                    None => break,
                };
            }
            all.insert(id, job.clone());
        }
        let future = work(job.clone());
        tokio::spawn(async move {
            // The inner task turns a panic into an error instead of a job that never ends.
            let outcome = match tokio::spawn(future).await {
                Ok(Ok(value)) => serde_json::to_value(value).map_err(ApiError::internal),
                Ok(Err(e)) => Err(e),
                Err(e) => Err(ApiError::internal(e)),
            };
            {
                let mut end = lock(&job.end);
                end.outcome = Some(outcome);
                end.ended = Some(Instant::now());
            }
            job.tell();
        });
        id
    }

    /// A job by number.
    pub fn get(&self, id: u32) -> Result<JobView> {
        lock(&self.all)
            .get(&id)
            .map(|job| job.view())
            .ok_or_else(|| fail(Code::NotFound, "jobs.unknown", &[("id", &id)]))
    }

    /// Asks a job to stop at its next safe point.
    pub fn cancel(&self, id: u32) -> Result<()> {
        let all = lock(&self.all);
        let job = all
            .get(&id)
            .ok_or_else(|| fail(Code::NotFound, "jobs.unknown", &[("id", &id)]))?;
        job.ask_to_stop();
        Ok(())
    }

    /// Waits until every job ended, and whoever started it through another process heard how.
    pub async fn heard_out(&self) {
        let open = |job: &Arc<Job>| {
            let end = lock(&job.end);
            !end.heard && end.ended.is_none_or(|at| at.elapsed() < HEARD_WITHIN)
        };
        while lock(&self.all).values().any(open) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether a job is at work, but for one that lets a workspace live and has no end of its own.
    pub fn is_busy(&self) -> bool {
        let at_work = |job: &Arc<Job>| job.what != LIVING && lock(&job.end).outcome.is_none();
        lock(&self.all).values().any(at_work)
    }

    /// Asks all jobs to stop, when the workspace closes.
    pub fn cancel_all(&self) {
        for job in lock(&self.all).values() {
            job.ask_to_stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_does_is_said_in_words() {
        let job = Job::unwatched();
        job.phase("undoing");
        assert_eq!(phase_words(&job.view().phase), "Taking the import back");
        assert_eq!(phase_words(""), "");
    }

    #[tokio::test]
    async fn the_bus_hears_of_what_a_job_does_and_of_its_end() {
        let bus = Bus::default();
        let mut heard = bus.listen();
        let jobs = Arc::new(Jobs::new(bus));
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let id = jobs.start("demo.create", |job| async move {
            job.phase("undoing");
            let _ = gone.await;
            // A thousand steps in no time are told once at the most.
            for step in 0..1000 {
                job.progress(step, 1000);
            }
            Ok(42)
        });
        let Ok(change) = heard.recv().await else {
            panic!("the phase is told");
        };
        assert_eq!(change["topics"], serde_json::json!(["jobs"]));
        assert_eq!(jobs.get(id).map(|job| job.state), Ok(JobState::Running));
        let _ = go.send(());
        let mut told = 0;
        while jobs.get(id).is_ok_and(|job| job.state == JobState::Running) {
            let _ = heard.recv().await;
            told += 1;
        }
        assert!((1..100).contains(&told), "{told}");
        assert_eq!(
            jobs.get(id).map(|job| job.result),
            Ok(Some(serde_json::json!(42)))
        );
    }

    #[test]
    #[should_panic(expected = "jobs.phases.brewing has no words")]
    fn a_phase_without_words_is_found_by_the_first_test_that_runs_it() {
        Job::unwatched().phase("brewing");
    }
}
