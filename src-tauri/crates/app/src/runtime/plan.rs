//! What the tick must know beside the rows: compiled versions, who listens to which segment, and when dates and
//! schedules let somebody in. Derived from the file, kept between ticks, made anew when the file says so.

use crate::journeys::in_use;
use carillon_engine::journey::{self, Catalogue, Entry, JourneyVersion, entry_due};
use carillon_engine::segment;
use carillon_model::journey::{ConditionIx, Journey, JourneyState, StepIx};
use carillon_model::{AccountId, ContactId, JourneyId, Moment, SegmentId, Seq, TemplateId, VersionId};
use carillon_store::journeys::{JourneyRow, Opened};
use carillon_store::{Db, Result, accounts, changes, journeys, segments, settings, templates};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A journey that may let contacts in or move them.
#[derive(Clone, Debug)]
pub struct Live {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    /// The version new contacts enter.
    pub version: Option<VersionId>,
    /// A version that is in use cannot run with the workspace as it is: nobody enters or moves until it can.
    pub held: bool,
}

impl Live {
    /// Whether what it is told is kept for later.
    pub fn waits(&self) -> bool {
        self.held || self.state == JourneyState::Paused
    }
}

/// When a date or schedule lets somebody in; no contact: everybody a condition holds for.
pub type Due = (Moment, VersionId, StepIx, Option<ContactId>);

/// See the module.
#[derive(Debug, Default)]
pub struct Plan {
    stamp: Option<[u8; 32]>,
    pub journeys: BTreeMap<JourneyId, Live>,
    versions: BTreeMap<VersionId, Arc<JourneyVersion>>,
    /// What stood in the file when a journey was published first.
    opened: BTreeMap<JourneyId, Opened>,
    /// Some version that is in use writes what others see: fields, tags or events.
    writes: bool,
    /// Stopped journeys somebody may still be in.
    stopping: BTreeSet<JourneyId>,
    pub watches: BTreeMap<SegmentId, (VersionId, ConditionIx)>,
    pub segments: BTreeMap<SegmentId, String>,
    pub templates: BTreeMap<String, TemplateId>,
    pub accounts: BTreeMap<String, AccountId>,
    pub default_account: Option<AccountId>,
    agenda: BTreeSet<Due>,
    by_contact: BTreeMap<ContactId, Vec<Due>>,
    /// Contacts changed by commits up to here are on the agenda.
    agenda_seq: i64,
    /// Dates and schedules up to here have been looked at, though nothing was due.
    seen: Option<Moment>,
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
    /// their contacts in. True: dates of contacts were looked at anew, and those up to now are over.
    pub fn refresh(&mut self, tx: &carillon_store::Tx<'_>, after: Moment, now: Moment) -> Result<bool> {
        let after = self.seen.map_or(after, |seen| seen.max(after));
        let rows = journeys::list(tx)?;
        let watches = segments::watches(tx)?;
        let catalogue = catalogue(tx)?;
        let mut hash = blake3::Hasher::new();
        for row in &rows {
            hash.update(format!("{:?}{:?}{:?}\n", row.id, row.state, row.version).as_bytes());
        }
        for watch in &watches {
            hash.update(format!("{:?}{:?}{:?}\n", watch.id, watch.version, watch.condition).as_bytes());
        }
        hash.update(format!("{catalogue:?}{:?}", tx.catalogue().zone()).as_bytes());
        let stamp = *hash.finalize().as_bytes();
        if self.stamp == Some(stamp) {
            return self.refresh_agenda(tx, after, now);
        }
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
        for row in &rows {
            if let Some(opened) = journeys::opened(tx, row.id)? {
                self.opened.insert(row.id, opened);
            }
            let held = self.compile(tx, row, &catalogue)?;
            self.journeys.insert(
                row.id,
                Live {
                    id: row.id,
                    name: row.name.clone(),
                    state: row.state,
                    version: row.version,
                    held,
                },
            );
        }
        self.stopping = self.in_state(JourneyState::Stopped).collect();
        self.stamp = Some(stamp);
        self.rebuild_agenda(tx, after);
        Ok(true)
    }

    /// Compiles all versions of a journey: contacts in flight stay on theirs. True: one that is in use cannot run.
    fn compile(&mut self, db: &Db<'_>, row: &JourneyRow, catalogue: &Catalogue) -> Result<bool> {
        let mut held = false;
        for version in journeys::versions(db, row.id)? {
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

    /// What stood in the file when the journey was published first: nothing of it lets anybody in, though it be read
    /// only now.
    pub fn opened(&self, journey: JourneyId) -> Option<&Opened> {
        self.opened.get(&journey)
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

    fn timed(&self) -> Vec<(VersionId, Arc<JourneyVersion>, StepIx, bool)> {
        self.entering()
            .flat_map(|(_, id, version)| {
                version.entries().filter_map(move |(step, entry)| {
                    // A schedule in a fixed zone has one answer for everybody.
                    let each = match entry {
                        Entry::Date(_) => true,
                        Entry::Schedule(s) => matches!(s.zone, journey::settings::ZoneChoice::Contact),
                        Entry::Segment(_) | Entry::Event(_) | Entry::Manual => return None,
                    };
                    Some((id, version.clone(), step, each))
                })
            })
            .collect()
    }

    fn rebuild_agenda(&mut self, tx: &carillon_store::Tx<'_>, after: Moment) {
        self.agenda.clear();
        self.by_contact.clear();
        self.agenda_seq = tx.seq().0 - 1;
        let timed = self.timed();
        if timed.is_empty() {
            return;
        }
        let zone = tx.catalogue().zone();
        for (id, version, step, each) in &timed {
            if !each && let Some(at) = entry_due(version, *step, None, zone, after) {
                self.agenda.insert((at, *id, *step, None));
            }
        }
        let all: Vec<u32> = tx.with_index(|index| index.contacts().iter().collect());
        for contact in all {
            self.place(tx, &timed, ContactId(contact), after, after);
        }
    }

    /// Puts a contact's dates on the agenda. What was due by `now` stays due, whatever is written later.
    fn place(
        &mut self,
        tx: &carillon_store::Tx<'_>,
        timed: &[(VersionId, Arc<JourneyVersion>, StepIx, bool)],
        contact: ContactId,
        after: Moment,
        now: Moment,
    ) {
        let (mut mine, rest): (Vec<Due>, Vec<Due>) = self
            .by_contact
            .remove(&contact)
            .unwrap_or_default()
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        for due in rest {
            self.agenda.remove(&due);
        }
        let zone = tx.catalogue().zone();
        let Some(record) = tx.with_index(|index| index.record(contact)) else {
            return;
        };
        let kept: BTreeSet<(VersionId, StepIx)> = mine.iter().map(|(_, id, step, _)| (*id, *step)).collect();
        for (id, version, step, each) in timed {
            if *each
                && !kept.contains(&(*id, *step))
                && let Some(at) = entry_due(version, *step, Some(&record), zone, after)
            {
                mine.push((at, *id, *step, Some(contact)));
            }
        }
        self.agenda.extend(mine.iter().copied());
        if !mine.is_empty() {
            self.by_contact.insert(contact, mine);
        }
    }

    fn refresh_agenda(&mut self, tx: &carillon_store::Tx<'_>, after: Moment, now: Moment) -> Result<bool> {
        let timed = self.timed();
        let upto = tx.seq().0 - 1;
        if timed.is_empty() || upto == self.agenda_seq {
            self.agenda_seq = upto;
            return Ok(false);
        }
        let ranges = changes::ranges(tx, "contacts", Seq(self.agenda_seq))?;
        let changed: BTreeSet<u32> = tx.with_index(|index| {
            ranges
                .iter()
                .flat_map(|(first, last)| {
                    let (first, last) = (
                        u32::try_from(*first).unwrap_or(0),
                        u32::try_from(*last).unwrap_or(u32::MAX),
                    );
                    index.contacts().range(first..=last).collect::<Vec<_>>()
                })
                .collect()
        });
        let any = !changed.is_empty();
        for contact in changed {
            self.place(tx, &timed, ContactId(contact), after, now);
        }
        self.agenda_seq = upto;
        Ok(any)
    }

    /// Dates and schedules up to this moment have been looked at.
    pub fn saw(&mut self, upto: Moment) {
        self.seen = Some(self.seen.map_or(upto, |seen| seen.max(upto)));
    }

    /// Takes back what [`Plan::take_due`] gave and nobody handled.
    pub fn put_back(&mut self, due: Due) {
        self.agenda.insert(due);
        if let (.., Some(contact)) = due {
            self.by_contact.entry(contact).or_default().push(due);
        }
    }

    /// The next moment a date or schedule lets somebody in.
    pub fn next_entry(&self) -> Option<Moment> {
        self.agenda.first().map(|(at, ..)| *at)
    }

    /// Dates and schedules up to `now`, in order, about `limit`; each is put on the agenda for its next time. Those of
    /// one moment are never parted: the cursor of what was done is a moment.
    pub fn take_due(&mut self, tx: &carillon_store::Tx<'_>, now: Moment, limit: usize) -> Vec<Due> {
        let mut out = Vec::new();
        let zone = tx.catalogue().zone();
        while let Some(due) = self.agenda.first().copied().filter(|(at, ..)| *at <= now)
            && (out.len() < limit || out.last().is_some_and(|(last, ..): &Due| *last == due.0))
        {
            self.agenda.remove(&due);
            let (at, id, step, contact) = due;
            let record = contact.and_then(|c| tx.with_index(|index| index.record(c)));
            let next = self
                .versions
                .get(&id)
                .and_then(|v| entry_due(v, step, record.as_ref(), zone, at));
            if let Some(contact) = contact {
                let mine = self.by_contact.entry(contact).or_default();
                mine.retain(|d| *d != due);
                mine.extend(next.map(|at| (at, id, step, Some(contact))));
            }
            self.agenda.extend(next.map(|at| (at, id, step, contact)));
            out.push(due);
        }
        out
    }

    /// Puts back what a failed write had taken: everything is worked out anew.
    pub fn forget(&mut self) {
        self.stamp = None;
        self.seen = None;
    }
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
    const KINDS: [&str; 4] = ["set_field", "add_tag", "remove_tag", "post_event"];
    version.steps().iter().any(|placed| KINDS.contains(&placed.kind))
}
