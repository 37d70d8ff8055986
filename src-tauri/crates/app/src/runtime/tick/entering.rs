//! How contacts come in: by an edge, an event, the calendar or by hand, if the journey's rules say so.

use super::super::agenda::{Due, Rest};
use super::Work;
use carillon_engine::journey::entry::schedule_condition;
use carillon_engine::journey::{Admission, Entry, JourneyVersion, admit, admits_edge, admits_event};
use carillon_engine::segment;
use carillon_model::event::Event;
use carillon_model::journey::{Input, JourneyState, State, StepIx};
use carillon_model::segment::Expr;
use carillon_model::{ContactId, EventId, JourneyId, Moment, VersionId};
use carillon_store::inputs::{self, NewInput, Pending};
use carillon_store::journeys::Opened;
use carillon_store::segments::EdgeRow;
use carillon_store::{Result, Tx, duplicates, enrolments};

/// A contact at an entry step.
pub(super) struct Arrival {
    pub(super) journey: JourneyId,
    pub(super) version: VersionId,
    pub(super) step: StepIx,
    pub(super) contact: ContactId,
    /// When what brings it happened.
    pub(super) planned: Moment,
    pub(super) event: Option<EventId>,
}

impl Work<'_> {
    pub(super) fn let_in_by_edge(&mut self, tx: &mut Tx<'_>, at: Moment, edge: &EdgeRow) -> Result<()> {
        let Some(name) = self.plan.segments.get(&edge.segment) else {
            return Ok(());
        };
        let doors = self.doors(|_, version, step, opened| {
            edge.id > opened.edge && admits_edge(version, step, name, edge.entered)
        });
        if !doors.is_empty() && duplicates::moved_people(tx, edge.seq)? {
            return Ok(());
        }
        for (journey, version, step) in doors {
            let arrival = Arrival {
                journey,
                version,
                step,
                contact: edge.contact,
                planned: edge.at,
                event: None,
            };
            self.enter(tx, at, &arrival)?;
        }
        Ok(())
    }

    /// `meant`: the journeys that are to let in.
    pub(super) fn let_in_by_event(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        event: &Event,
        meant: impl Fn(JourneyId) -> bool,
    ) -> Result<()> {
        let doors = self.doors(|journey, version, step, opened| {
            // What happened before lets nobody in, though it is heard of only now: histories are imported.
            let since = event.id > opened.event && event.at >= opened.at;
            since && meant(journey) && admits_event(version, step, event)
        });
        for (journey, version, step) in doors {
            let arrival = Arrival {
                journey,
                version,
                step,
                contact: event.contact,
                planned: event.at,
                event: Some(event.id),
            };
            self.enter(tx, at, &arrival)?;
        }
        Ok(())
    }

    /// The entries that let in.
    fn doors(
        &self,
        lets_in: impl Fn(JourneyId, &JourneyVersion, StepIx, &Opened) -> bool,
    ) -> Vec<(JourneyId, VersionId, StepIx)> {
        let mut doors = Vec::new();
        for (live, id, version) in self.plan.entering() {
            for (step, _) in version.entries() {
                let opened = version.placed(step).and_then(|placed| live.opened(&placed.id));
                if opened.is_some_and(|opened| lets_in(live.id, version, step, opened)) {
                    doors.push((live.id, id, step));
                }
            }
        }
        doors
    }

    /// A date or a schedule has come round, for one contact or for everybody its condition holds for.
    pub(super) fn calendar(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        planned: Moment,
        id: VersionId,
        step: StepIx,
        contact: Option<ContactId>,
    ) -> Result<()> {
        let Some((live, _, version)) = self.plan.entering().find(|(_, v, _)| *v == id) else {
            return Ok(());
        };
        // The calendar begins after the publish.
        let opened = version.placed(step).and_then(|placed| live.opened(&placed.id));
        if opened.is_none_or(|opened| planned <= opened.at) {
            return Ok(());
        }
        let (journey, version) = (live.id, version.clone());
        let condition =
            schedule_condition(&version, step).and_then(|ix| version.conditions().get(usize::from(ix.0)));
        let who = match (contact, condition) {
            (Some(contact), None) => vec![contact],
            (Some(contact), Some(who)) => {
                let record = self.record(tx, contact);
                let holds = record.is_some_and(|r| segment::eval(who, &r, at, &self.scope).holds);
                if holds { vec![contact] } else { Vec::new() }
            }
            (None, Some(who)) => {
                let rest = Rest::of(journey, &version, step);
                self.some_of_all(tx, at, who, &rest, (planned, id, step, None))?
            }
            (None, None) => Vec::new(),
        };
        for contact in who {
            let arrival = Arrival {
                journey,
                version: id,
                step,
                contact,
                planned,
                event: None,
            };
            self.enter(tx, at, &arrival)?;
        }
        Ok(())
    }

    /// Those for whom a schedule's condition holds, as many as one commit takes in. How far it has come is kept in the
    /// file, and the rest is due again at once.
    fn some_of_all(
        &mut self,
        tx: &mut Tx<'_>,
        at: Moment,
        condition: &Expr,
        rest: &Rest,
        due: Due,
    ) -> Result<Vec<ContactId>> {
        // What an earlier moment has left is let in by this one.
        let kept = rest.read(tx)?;
        let first = kept
            .filter(|(at, _)| *at == due.0)
            .map_or(0, |(_, first)| first.0);
        let mut members = tx.with_index(|index| index.members(condition, at));
        for (contact, record) in &self.records {
            match segment::eval(condition, record, at, &self.scope).holds {
                true => members.insert(contact.0),
                false => members.remove(contact.0),
            };
        }
        let mut left = members.range(first..);
        let some: Vec<ContactId> = left
            .by_ref()
            .take(self.plan.batch as usize)
            .map(ContactId)
            .collect();
        let next = left.next().map(ContactId);
        if next.is_some() || kept.is_some() {
            rest.write(tx, due.0, next)?;
        }
        self.unfinished.extend(next.map(|_| due));
        Ok(some)
    }

    /// Lets a contact in, if the journey's rules say so.
    pub(super) fn enter(&mut self, tx: &mut Tx<'_>, at: Moment, arrival: &Arrival) -> Result<()> {
        let Arrival {
            journey,
            contact,
            step,
            planned,
            event,
            ..
        } = *arrival;
        let Some(version) = self.plan.version(arrival.version) else {
            return Ok(());
        };
        let Some(live) = self.plan.journeys.get(&journey) else {
            return Ok(());
        };
        match live.state {
            JourneyState::Live | JourneyState::Paused if live.waits() => {
                return keep(tx, arrival, &version);
            }
            JourneyState::Live => {}
            // Whoever was on the way in when it was told to finish or to stop stays outside.
            _ => return Ok(()),
        }
        let history = enrolments::history(tx, journey, contact)?;
        match admit(&version, step, &history, at) {
            Admission::Welcome { .. } => {}
            Admission::TooOften => {
                tracing::warn!(%journey, %contact, "journeys let a contact in without end; it stays outside");
                return Ok(());
            }
            Admission::StillInside | Admission::OnceOnly | Admission::TooSoon { .. } | Admission::NoEntry => {
                return Ok(());
            }
        }
        if self.record(tx, contact).is_none() {
            return Ok(());
        }
        let fresh = State::fresh(planned);
        let enrolment = enrolments::insert(tx, journey, arrival.version, contact, fresh, at)?;
        self.done.entered += 1;
        let input = Input::Enter {
            entry: step,
            planned,
            event,
        };
        self.call(tx, at, enrolment, &version, &input)
    }
}

/// Keeps an entry until the journey is resumed: nobody enters before, and then in order. The step is kept by its id,
/// because the version that is entered then may be another.
fn keep(tx: &mut Tx<'_>, arrival: &Arrival, version: &JourneyVersion) -> Result<()> {
    let Some(placed) = version.placed(arrival.step) else {
        return Ok(());
    };
    let pending = Pending::Enter {
        entry: placed.id.clone(),
        planned: arrival.planned,
        event: arrival.event,
    };
    let row = NewInput {
        planned_at: arrival.planned,
        enrolment: None,
        journey: Some(arrival.journey),
        contact: arrival.contact,
        pending,
    };
    match version.entry(arrival.step) {
        // Of the times that come round in a pause only the last counts.
        Some(Entry::Date(_) | Entry::Schedule(_)) => inputs::push_last(tx, row),
        _ => inputs::push(tx, &[row]),
    }
}
