//! When dates and schedules let somebody in next. Derived from the file, kept between ticks.

use carillon_engine::journey::{Entry, JourneyVersion, entry_due, is_made_up_for, settings::ZoneChoice};
use carillon_engine::segment::Needs;
use carillon_model::journey::StepIx;
use carillon_model::{ContactId, JourneyId, Moment, Seq, VersionId};
use carillon_store::{Db, Result, Tx, changes, settings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When a date or schedule lets somebody in; no contact: everybody a condition holds for.
pub type Due = (Moment, VersionId, StepIx, Option<ContactId>);

/// A date or schedule entry of a version that contacts enter.
#[derive(Clone, Debug)]
pub struct Timed {
    version: Arc<JourneyVersion>,
    journey: JourneyId,
    id: VersionId,
    step: StepIx,
    /// Each contact has a moment of its own; else one answer serves everybody.
    each: bool,
}

impl Timed {
    /// The date and schedule entries of a version.
    pub fn of(journey: JourneyId, id: VersionId, version: &Arc<JourneyVersion>) -> Vec<Timed> {
        let timed = version.entries().filter_map(|(step, entry)| {
            let each = match entry {
                Entry::Date(_) => true,
                Entry::Schedule(schedule) => matches!(schedule.zone, ZoneChoice::Contact),
                Entry::Segment(_) | Entry::Event(_) | Entry::Manual => return None,
            };
            let version = version.clone();
            Some(Timed {
                version,
                journey,
                id,
                step,
                each,
            })
        });
        timed.collect()
    }
}

/// Where the file keeps how far a schedule for everybody has come, when one commit does not take in all.
pub struct Rest(String);

impl Rest {
    /// Of an entry step, which may be in several versions.
    pub fn of(journey: JourneyId, version: &JourneyVersion, step: StepIx) -> Rest {
        let id = version.placed(step).map_or("", |placed| placed.id.0.as_str());
        Rest(format!("journey_{journey}_schedule_{id}"))
    }

    /// The moment that has come, and the first contact that is left.
    ///
    /// # Errors
    /// SQLite's.
    pub fn read(&self, db: &Db<'_>) -> Result<Option<(Moment, ContactId)>> {
        let at = settings::cursor(db, &format!("{}_at", self.0))?;
        let first = settings::cursor(db, &format!("{}_from", self.0))?;
        let at = chrono::DateTime::from_timestamp_millis(at).filter(|_| first > 0);
        Ok(at.map(|at| (at, ContactId(u32::try_from(first).unwrap_or(u32::MAX)))))
    }

    /// Notes the first contact that is left; `None`: nobody is.
    ///
    /// # Errors
    /// SQLite's.
    pub fn write(&self, tx: &mut Tx<'_>, at: Moment, first: Option<ContactId>) -> Result<()> {
        let first = first.map_or(0, |first| i64::from(first.0));
        settings::set_cursor(tx, &format!("{}_at", self.0), at.timestamp_millis())?;
        settings::set_cursor(tx, &format!("{}_from", self.0), first)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Agenda {
    /// What it was made of, as text: while that is the same, only contacts that changed are looked at again.
    made_of: Option<String>,
    timed: Vec<Timed>,
    /// What of a contact the entries read.
    reads: Needs,
    all: BTreeSet<Due>,
    by_contact: BTreeMap<ContactId, Vec<Due>>,
    /// Contacts changed by commits up to here are on it.
    seq: i64,
    /// Moments up to here have been looked at, though nothing was due.
    seen: Option<Moment>,
}

impl Agenda {
    /// Brings it up to the file as this write sees it. `after`: moments up to this one have let their contacts in.
    /// True: moments were worked out anew, and those up to now are over.
    pub fn refresh(&mut self, tx: &Tx<'_>, timed: Vec<Timed>, after: Moment, now: Moment) -> Result<bool> {
        let after = self.seen.map_or(after, |seen| seen.max(after));
        let entries = timed.iter().map(|t| (t.id, t.step, t.version.entry(t.step)));
        let made_of = format!("{:?}{:?}", tx.catalogue().zone(), entries.collect::<Vec<_>>());
        let same = self.made_of.as_ref() == Some(&made_of);
        // Also where the entries are the same: the versions may have been compiled anew.
        self.timed = timed;
        if same {
            return self.look_again(tx, after, now);
        }
        self.make(tx, after)?;
        self.made_of = Some(made_of);
        Ok(true)
    }

    fn make(&mut self, tx: &Tx<'_>, after: Moment) -> Result<()> {
        self.all.clear();
        self.by_contact.clear();
        self.seq = tx.seq().0 - 1;
        self.reads = Needs::default();
        self.reads.fields.insert("time_zone".to_owned());
        for Timed { version, step, .. } in &self.timed {
            if let Some(Entry::Date(date)) = version.entry(*step) {
                self.reads.fields.insert(date.field.clone());
            }
        }
        let zone = tx.catalogue().zone();
        for timed in self.timed.iter().filter(|timed| !timed.each) {
            let next = entry_due(&timed.version, timed.step, None, zone, after);
            let rest = Rest::of(timed.journey, &timed.version, timed.step).read(tx)?;
            let both = next.into_iter().chain(rest.map(|(at, _)| at));
            self.all.extend(both.map(|at| (at, timed.id, timed.step, None)));
        }
        if self.timed.iter().any(|timed| timed.each) {
            let contacts: Vec<u32> = tx.with_index(|index| index.contacts().iter().collect());
            for contact in contacts {
                self.place(tx, ContactId(contact), after, after);
            }
        }
        Ok(())
    }

    /// Looks at the contacts that changed since. True: some did.
    fn look_again(&mut self, tx: &Tx<'_>, after: Moment, now: Moment) -> Result<bool> {
        let upto = tx.seq().0 - 1;
        if self.timed.is_empty() || upto == self.seq {
            self.seq = upto;
            return Ok(false);
        }
        let ranges = changes::ranges(tx, "contacts", Seq(self.seq))?;
        let changed: BTreeSet<u32> = tx.with_index(|index| {
            let of_range = |(first, last): &(i64, i64)| {
                let first = u32::try_from(*first).unwrap_or(0);
                let last = u32::try_from(*last).unwrap_or(u32::MAX);
                index.contacts().range(first..=last).collect::<Vec<_>>()
            };
            ranges.iter().flat_map(of_range).collect()
        });
        for contact in &changed {
            self.place(tx, ContactId(*contact), after, now);
        }
        self.seq = upto;
        Ok(!changed.is_empty())
    }

    /// Puts a contact's moments on it. What was due by `now` stays due, whatever is written later.
    fn place(&mut self, tx: &Tx<'_>, contact: ContactId, after: Moment, now: Moment) {
        let before = self.by_contact.remove(&contact).unwrap_or_default();
        let (mut mine, rest): (Vec<Due>, Vec<Due>) = before.into_iter().partition(|(at, ..)| *at <= now);
        for due in rest {
            self.all.remove(&due);
        }
        let zone = tx.catalogue().zone();
        let Some(record) = tx.with_index(|index| index.record_of(contact, &self.reads)) else {
            return;
        };
        let kept: BTreeSet<(VersionId, StepIx)> = mine.iter().map(|(_, id, step, _)| (*id, *step)).collect();
        for timed in &self.timed {
            if timed.each
                && !kept.contains(&(timed.id, timed.step))
                && let Some(at) = entry_due(&timed.version, timed.step, Some(&record), zone, after)
            {
                mine.push((at, timed.id, timed.step, Some(contact)));
            }
        }
        self.all.extend(mine.iter().copied());
        if !mine.is_empty() {
            self.by_contact.insert(contact, mine);
        }
    }

    /// The next moment a date or schedule lets somebody in.
    pub fn next(&self) -> Option<Moment> {
        self.all.first().map(|(at, ..)| *at)
    }

    /// Moments up to `now`, in order, about `limit`; each is put on the agenda for its next time. Of those of one entry
    /// and contact only the last. Those of one moment are never parted: the cursor of what was done is a moment.
    pub fn take(&mut self, tx: &Tx<'_>, now: Moment, limit: usize) -> Vec<Due> {
        let mut out: Vec<Due> = Vec::new();
        let zone = tx.catalogue().zone();
        while let Some(due) = self.all.first().copied().filter(|(at, ..)| *at <= now)
            && (out.len() < limit || out.last().is_some_and(|(last, ..)| *last == due.0))
        {
            self.all.remove(&due);
            let (at, id, step, contact) = due;
            let record = contact.and_then(|c| tx.with_index(|index| index.record_of(c, &self.reads)));
            let version = self.timed.iter().find(|t| (t.id, t.step) == (id, step));
            let next = version.and_then(|t| entry_due(&t.version, step, record.as_ref(), zone, at));
            if let Some(contact) = contact {
                let mine = self.by_contact.entry(contact).or_default();
                mine.retain(|d| *d != due);
                mine.extend(next.map(|at| (at, id, step, Some(contact))));
            }
            self.all.extend(next.map(|at| (at, id, step, contact)));
            if !is_made_up_for(next, now) {
                out.push(due);
            }
        }
        out
    }

    /// Takes back what [`Agenda::take`] gave and nobody handled.
    pub fn put_back(&mut self, due: Due) {
        self.all.insert(due);
        if let (.., Some(contact)) = due {
            self.by_contact.entry(contact).or_default().push(due);
        }
    }

    /// Moments up to this one have been looked at.
    pub fn saw(&mut self, upto: Moment) {
        self.seen = Some(self.seen.map_or(upto, |seen| seen.max(upto)));
    }

    /// What it holds was not written: all is worked out anew.
    pub fn forget(&mut self) {
        self.made_of = None;
        self.seen = None;
    }
}
