//! What the tick must know beside the rows: compiled versions, who listens to which segment, and when dates and
//! schedules let somebody in. Derived from the file, kept between ticks, made anew when the file says so.

use super::agenda::{Agenda, Timed};
use super::due::BATCH;
use crate::journeys::in_use;
use carillon_engine::journey::{self, Catalogue, JourneyVersion};
use carillon_engine::segment::{self, Needs};
use carillon_model::journey::{ConditionIx, Journey, JourneyState, Published, Step};
use carillon_model::{
    AccountId, ContactId, JourneyId, Moment, SegmentId, Seq, StepId, TemplateId, VersionId,
};
use carillon_store::journeys::{JourneyRow, Opened};
use carillon_store::segments::Watch;
use carillon_store::{Db, Result, Tx, accounts, changes, journeys, segments, settings, templates};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A journey that may let contacts in or move them.
#[derive(Clone, Debug)]
pub struct Live {
    pub id: JourneyId,
    pub state: JourneyState,
    /// The version new contacts enter.
    pub version: Option<VersionId>,
    /// A version that is in use cannot run with the workspace as it is: nobody enters or moves until it can.
    pub held: bool,
    /// When its last pause ended: what fell due in it happens then.
    pub resumed_at: Option<Moment>,
    /// For each entry what stood in the file when it began to let contacts in: nothing of it lets anybody in, though
    /// it be read only now.
    opened: BTreeMap<StepId, Opened>,
}

impl Live {
    /// Whether what it is told is kept for later.
    pub fn waits(&self) -> bool {
        self.held || self.state == JourneyState::Paused
    }

    /// What stood in the file when this entry began to let contacts in.
    pub fn opened(&self, entry: &StepId) -> Option<&Opened> {
        self.opened.get(entry)
    }
}

/// Most events that journeys post for one contact within an hour. Two that wait for each other's would go on for ever.
const POSTS_AN_HOUR: u32 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct Plan {
    /// The last commit it was compared with the file after.
    seq: Option<Seq>,
    stamp: Option<[u8; 32]>,
    pub journeys: BTreeMap<JourneyId, Live>,
    versions: BTreeMap<VersionId, Arc<JourneyVersion>>,
    /// What of a contact they read.
    pub reads: Needs,
    /// Some version that is in use writes what others see: fields, tags or events.
    writes: bool,
    /// Stopped journeys somebody may still be in.
    stopping: BTreeSet<JourneyId>,
    pub watches: BTreeMap<SegmentId, (VersionId, ConditionIx)>,
    pub segments: BTreeMap<SegmentId, String>,
    pub templates: BTreeMap<String, TemplateId>,
    pub accounts: BTreeMap<String, AccountId>,
    pub default_account: Option<AccountId>,
    pub agenda: Agenda,
    /// Rows of each kind of input that one commit takes in.
    pub(super) batch: u32,
    /// The present hour, and how many events journeys posted for whom in it.
    posted: (i64, BTreeMap<ContactId, u32>),
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            seq: None,
            stamp: None,
            journeys: BTreeMap::new(),
            versions: BTreeMap::new(),
            reads: Needs::default(),
            writes: false,
            stopping: BTreeSet::new(),
            watches: BTreeMap::new(),
            segments: BTreeMap::new(),
            templates: BTreeMap::new(),
            accounts: BTreeMap::new(),
            default_account: None,
            agenda: Agenda::default(),
            batch: BATCH,
            posted: (0, BTreeMap::new()),
        }
    }
}

/// Everything a drawing is checked against.
pub fn catalogue(db: &Db<'_>) -> Result<Catalogue> {
    let chosen: Option<AccountId> = settings::get(db, crate::settings::DEFAULT_ACCOUNT)?;
    let accounts = accounts::list(db)?;
    let default = accounts
        .iter()
        .find(|a| Some(a.account.id) == chosen)
        .or_else(|| accounts.first());
    Ok(Catalogue {
        fields: db.catalogue().fields(),
        segments: segments::list(db)?
            .into_iter()
            .filter_map(|s| Some((s.name, segment::parse(&s.text).ok()?)))
            .collect(),
        templates: templates::list(db)?.into_iter().map(|t| t.name).collect(),
        default_account: default.map(|a| a.account.name.clone()),
        accounts: accounts.into_iter().map(|a| a.account.name).collect(),
    })
}

impl Plan {
    /// Brings the plan up to the file as this write sees it. `after`: dates and schedules up to this moment have let
    /// their contacts in. True: dates were looked at anew, and those up to now are over.
    pub fn refresh(&mut self, tx: &Tx<'_>, after: Moment, now: Moment) -> Result<bool> {
        if self.is_behind(tx)? {
            let rows = journeys::list(tx)?;
            let watches = segments::watches(tx)?;
            let catalogue = catalogue(tx)?;
            let stamp = stamp(tx, &rows, &watches, &catalogue)?;
            if self.stamp != Some(stamp) {
                self.make(tx, &rows, watches, &catalogue)?;
                self.stamp = Some(stamp);
            }
        }
        self.seq = Some(Seq(tx.seq().0 - 1));
        let timed = self
            .entering()
            .flat_map(|(live, id, version)| Timed::of(live.id, id, version));
        let timed = timed.collect();
        self.agenda.refresh(tx, timed, after, now)
    }

    /// Whether commits since touched anything it is made of.
    fn is_behind(&self, tx: &Tx<'_>) -> Result<bool> {
        const MADE_OF: [&str; 7] = [
            "accounts",
            "fields",
            "journeys",
            "segments",
            "settings",
            "templates",
            "watches",
        ];
        const MANY: u32 = 1_000;
        let Some(seq) = self.seq.filter(|_| self.stamp.is_some()) else {
            return Ok(true);
        };
        let touched = changes::after(tx, seq, MANY)?;
        let told = touched.iter().any(|row| MADE_OF.contains(&row.table.as_str()));
        Ok(told || touched.len() >= MANY as usize)
    }

    fn make(
        &mut self,
        tx: &Tx<'_>,
        rows: &[JourneyRow],
        watches: Vec<Watch>,
        catalogue: &Catalogue,
    ) -> Result<()> {
        self.versions.clear();
        self.journeys.clear();
        self.writes = false;
        self.segments = segments::list(tx)?.into_iter().map(|s| (s.id, s.name)).collect();
        self.templates = templates::list(tx)?.into_iter().map(|t| (t.name, t.id)).collect();
        let accounts = accounts::list(tx)?;
        self.default_account = accounts
            .iter()
            .find(|a| Some(&a.account.name) == catalogue.default_account.as_ref())
            .map(|a| a.account.id);
        self.accounts = accounts
            .into_iter()
            .map(|a| (a.account.name, a.account.id))
            .collect();
        self.watches = watches
            .into_iter()
            .map(|w| (w.id, (w.version, w.condition)))
            .collect();
        for row in rows {
            let versions = journeys::versions(tx, row.id)?;
            let live = Live {
                id: row.id,
                state: row.state,
                version: row.version,
                held: self.compile(tx, row, &versions, catalogue)?,
                resumed_at: journeys::resumed_at(tx, row.id)?,
                opened: opened(tx, row.id, &versions)?,
            };
            self.journeys.insert(row.id, live);
        }
        self.reads = Needs::default();
        for version in self.versions.values() {
            self.reads.merge(&version.needs().of_contact());
        }
        self.stopping = self.in_state(JourneyState::Stopped).collect();
        Ok(())
    }

    /// Compiles all versions of a journey: contacts in flight stay on theirs. True: one that is in use cannot run.
    fn compile(
        &mut self,
        db: &Db<'_>,
        row: &JourneyRow,
        versions: &[Published],
        catalogue: &Catalogue,
    ) -> Result<bool> {
        let mut held = false;
        for version in versions {
            let (mut compiled, problems) = journey::compile(&version.document, catalogue);
            let stopped = row.state == JourneyState::Stopped;
            if compiled.is_none() && !stopped && in_use(db, row, version.id)? {
                tracing::error!(journey = %row.name, version = version.number, ?problems, "a published version cannot run; what it is told is kept");
                held = true;
                // Whoever comes by its entries meanwhile is to be kept too.
                compiled =
                    journey::compile(&version.document, &with_names_of(&version.document, catalogue)).0;
            }
            if let Some(compiled) = compiled {
                self.writes |= !stopped && writes(&compiled);
                self.versions.insert(version.id, Arc::new(compiled));
            }
        }
        Ok(held)
    }

    /// A version by number; `None` where it cannot run.
    pub fn version(&self, id: VersionId) -> Option<Arc<JourneyVersion>> {
        self.versions.get(&id).cloned()
    }

    /// Whether calls may write what index and other journeys see: then no commit may stand for two moments.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// Journeys that let contacts in, or will when they are resumed.
    pub fn entering(&self) -> impl Iterator<Item = (&Live, VersionId, &Arc<JourneyVersion>)> {
        self.journeys
            .values()
            .filter(|live| matches!(live.state, JourneyState::Live | JourneyState::Paused))
            .filter_map(|live| {
                let id = live.version?;
                Some((live, id, self.versions.get(&id)?))
            })
    }

    /// Journeys in which nobody moves now: paused, held, or being stopped.
    pub fn paused(&self) -> Vec<JourneyId> {
        let waiting = self.journeys.values().filter(|live| live.waits());
        waiting
            .map(|live| live.id)
            .chain(self.stopping.iter().copied())
            .collect()
    }

    fn in_state(&self, state: JourneyState) -> impl Iterator<Item = JourneyId> {
        let all = self.journeys.values();
        all.filter(move |live| live.state == state).map(|live| live.id)
    }

    /// A stopped journey somebody may still be in.
    pub fn stopping(&self) -> Option<JourneyId> {
        self.stopping.first().copied()
    }

    /// Nothing of a stopped journey is left.
    pub fn has_stopped(&mut self, journey: JourneyId) {
        self.stopping.remove(&journey);
    }

    /// Has each commit take in at most so many rows of each kind of input.
    pub fn take_at_most(&mut self, rows: u32) {
        self.batch = rows.max(1);
    }

    /// Notes an event that a journey posts for a contact.
    pub fn posts(&mut self, contact: ContactId, at: Moment) {
        let hour = at.timestamp().div_euclid(3_600);
        if self.posted.0 != hour {
            self.posted = (hour, BTreeMap::new());
        }
        *self.posted.1.entry(contact).or_default() += 1;
    }

    /// Whether journeys post events for a contact without end: then they are told no more of them.
    pub fn runs_away(&self, contact: ContactId) -> bool {
        self.posted.1.get(&contact).is_some_and(|n| *n >= POSTS_AN_HOUR)
    }

    /// Puts back what a failed write had taken: everything is worked out anew.
    pub fn forget(&mut self) {
        self.stamp = None;
        self.agenda.forget();
    }
}

/// What the plan is made of, in short.
fn stamp(tx: &Tx<'_>, rows: &[JourneyRow], watches: &[Watch], catalogue: &Catalogue) -> Result<[u8; 32]> {
    let mut hash = blake3::Hasher::new();
    for row in rows {
        let resumed = journeys::resumed_at(tx, row.id)?;
        let opened = journeys::opened(tx, row.id)?;
        hash.update(
            format!(
                "{:?}{:?}{:?}{resumed:?}{opened:?}\n",
                row.id, row.state, row.version
            )
            .as_bytes(),
        );
    }
    for watch in watches {
        hash.update(format!("{:?}{:?}{:?}\n", watch.id, watch.version, watch.condition).as_bytes());
    }
    hash.update(format!("{catalogue:?}{:?}", tx.catalogue().zone()).as_bytes());
    Ok(*hash.finalize().as_bytes())
}

/// Since when each entry of the newest version lets contacts in: an entry that an earlier version has just as well,
/// since that one was published, but not from before the journey opened.
fn opened(db: &Db<'_>, id: JourneyId, versions: &[Published]) -> Result<BTreeMap<StepId, Opened>> {
    let (Some(journey), Some(newest)) = (journeys::opened(db, id)?, versions.last()) else {
        return Ok(BTreeMap::new());
    };
    let has = |version: &Published, step: &Step| {
        let same = |other: &Step| {
            (&other.id, &other.kind, &other.settings) == (&step.id, &step.kind, &step.settings)
        };
        version.document.steps.iter().any(same)
    };
    let mut all = BTreeMap::new();
    for step in &newest.document.steps {
        let since = versions
            .iter()
            .rev()
            .take_while(|version| has(version, step))
            .last();
        if let Some(version) = since.filter(|_| step.kind.starts_with("entry_")) {
            let opened = journeys::published(db, version)?.max(journey);
            all.insert(step.id.clone(), opened);
        }
    }
    Ok(all)
}

/// The catalogue as if accounts and templates that a drawing names were there: enough to read its entries by.
fn with_names_of(document: &Journey, catalogue: &Catalogue) -> Catalogue {
    let mut known = catalogue.clone();
    known.default_account.get_or_insert_default();
    for step in document.steps.iter().filter(|step| step.kind == "send_email") {
        let named = |key: &str| Some(step.settings.get(key)?.as_str()?.to_owned());
        known.accounts.extend(named("account"));
        known.templates.extend(named("template"));
    }
    known
}

/// Whether a step of the version changes the contact or posts events.
fn writes(version: &JourneyVersion) -> bool {
    const KINDS: [&str; 5] = ["set_field", "add_tag", "remove_tag", "change_score", "post_event"];
    version.steps().iter().any(|placed| KINDS.contains(&placed.kind))
}
