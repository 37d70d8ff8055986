//! The contact as a value: all that `step` may know, and where what a step changes is seen at once.

use super::version::JourneyVersion;
use crate::record::{ContactRecord, Scope, Verdict};
use crate::segment::{self, write_field};
use carillon_model::contact::Value;
use carillon_model::event::{Event, Prop};
use carillon_model::journey::{ConditionIx, Effect};
use carillon_model::{ContactId, EventId, JourneyId, Moment};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who passes, for the n-th time: what random splits are drawn by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassageId {
    pub journey: JourneyId,
    pub contact: ContactId,
    /// Number of the contact's enrolment in the journey, from 1.
    pub enrolment: u32,
}

/// Truths of a version's conditions, in their order.
pub type Truths = SmallVec<[Verdict; 8]>;

/// One contact in one passage. The record holds at least what [`JourneyVersion::needs`] names, including
/// the event of an [`carillon_model::journey::Input::Event`] that is being told. The kernel only reads the
/// truth bits; whoever drives it keeps them true as of `now` ([`ContactView::slide`]).
#[derive(Clone, Debug)]
pub struct ContactView<'a> {
    pub passage: PassageId,
    record: Cow<'a, ContactRecord>,
    scope: &'a Scope,
    truths: Truths,
    edges: SmallVec<[Edge; 2]>,
    /// How many edges there were when the last call began.
    last_call: usize,
}

/// A flip of a segment that an entry of the version names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub segment: ConditionIx,
    pub entered: bool,
    pub at: Moment,
}

impl<'a> ContactView<'a> {
    /// A view whose conditions are evaluated here, as of `now`.
    pub fn new(
        version: &JourneyVersion,
        passage: PassageId,
        record: Cow<'a, ContactRecord>,
        scope: &'a Scope,
        now: Moment,
    ) -> Self {
        let truths = version
            .conditions()
            .iter()
            .map(|expr| segment::eval(expr, &record, now, scope))
            .collect();
        ContactView {
            passage,
            record,
            scope,
            truths,
            edges: SmallVec::new(),
            last_call: 0,
        }
    }

    /// A view whose truths the driver knows already, one for each condition of the version.
    pub fn known(
        passage: PassageId,
        record: Cow<'a, ContactRecord>,
        scope: &'a Scope,
        truths: Truths,
    ) -> Self {
        ContactView {
            passage,
            record,
            scope,
            truths,
            edges: SmallVec::new(),
            last_call: 0,
        }
    }

    /// What is known of the contact.
    pub fn record(&self) -> &ContactRecord {
        &self.record
    }

    /// The record as it was lent, or as the passage left it where it changed it.
    pub fn into_record(self) -> Cow<'a, ContactRecord> {
        self.record
    }

    /// What expressions refer to beside the contact.
    pub fn scope(&self) -> &'a Scope {
        self.scope
    }

    /// The truths, in the order of the version's conditions.
    pub fn truths(&self) -> &[Verdict] {
        &self.truths
    }

    /// The truth bit of a condition; one the version does not have is false.
    pub fn holds(&self, condition: ConditionIx) -> bool {
        self.truths
            .get(usize::from(condition.0))
            .is_some_and(|verdict| verdict.holds)
    }

    /// The value of a field.
    pub fn field(&self, key: &str) -> Option<&Value> {
        self.record.fields.get(key)
    }

    /// The contact's own zone, where it has a valid one.
    pub fn zone(&self) -> Option<Tz> {
        self.record.zone()
    }

    /// The earliest moment at which a condition may change by itself.
    pub fn sure_until(&self) -> Option<Moment> {
        self.truths.iter().filter_map(|verdict| verdict.until).min()
    }

    /// Brings the truths to `now`, telling each flip in order of time. A condition that became true and
    /// false again in between is told twice: sleep hides nothing.
    pub fn slide(
        &mut self,
        version: &JourneyVersion,
        now: Moment,
        mut flipped: impl FnMut(&mut Self, ConditionIx),
    ) {
        while let Some((at, ix)) = self.next_change().filter(|(at, _)| *at <= now) {
            let before = self.truths[ix].holds;
            let mut verdict = segment::eval(&version.conditions()[ix], &self.record, at, self.scope);
            // The evaluator promises a later moment; should it ever not, time still goes on.
            verdict.until = verdict
                .until
                .map(|until| until.max(at + TimeDelta::milliseconds(1)));
            self.truths[ix] = verdict;
            if verdict.holds != before {
                self.edge(version, ix, at);
                flipped(self, ConditionIx(ix as u16));
            }
        }
    }

    /// Somebody wrote a field, or cleared it.
    pub(crate) fn wrote(&mut self, version: &JourneyVersion, key: &str, value: Option<Value>, now: Moment) {
        write_field(&mut self.record.to_mut().fields, key, value, now);
        self.evaluate(version, now, |reads| reads.field(key));
    }

    /// Writes a field that a score works out, or clears it, one of several; [`ContactView::put_all`] follows.
    pub(crate) fn put(&mut self, version: &JourneyVersion, key: &str, value: Option<Value>, now: Moment) {
        self.record
            .to_mut()
            .measured(key, value, version.needs().past.contains(key).then_some(now));
    }

    /// These fields were put.
    pub(crate) fn put_all(&mut self, version: &JourneyVersion, keys: &[Arc<str>], now: Moment) {
        self.evaluate(version, now, |reads| keys.iter().any(|key| reads.field(key)));
    }

    /// Somebody gave the tag (`on`) or took it.
    pub(crate) fn tagged(&mut self, version: &JourneyVersion, tag: &str, on: bool, now: Moment) {
        let tags = &mut self.record.to_mut().tags;
        match on {
            true => tags.insert(tag.to_owned()),
            false => tags.remove(tag),
        };
        self.evaluate(version, now, super::version::Reads::tag);
    }

    /// Adds an event if it is not there yet. Whether it was not.
    pub(crate) fn joins(&mut self, version: &JourneyVersion, event: &Event, now: Moment) -> bool {
        let known = self
            .record
            .events
            .iter()
            .rev()
            .any(|known| known.id == event.id && known.name == event.name && known.at == event.at);
        if !known {
            self.happened(version, event, now);
        }
        !known
    }

    /// Adds an event that the record does not have yet, in its place by time.
    pub fn happened(&mut self, version: &JourneyVersion, event: &Event, now: Moment) {
        let events = &mut self.record.to_mut().events;
        let place = events.partition_point(|e| (e.at, e.id) <= (event.at, event.id));
        events.insert(place, event.clone());
        self.evaluate(version, now, |reads| reads.event(&event.name));
    }

    /// Adds an accepted message.
    pub fn accepted(&mut self, version: &JourneyVersion, template: &str, at: Moment) {
        let sent = &mut self.record.to_mut().sent;
        let place = sent.partition_point(|s| s.at <= at);
        sent.insert(
            place,
            crate::record::Sent {
                template: template.to_owned(),
                at,
                id: carillon_model::MessageId(0),
            },
        );
        self.evaluate(version, at, super::version::Reads::sent);
    }

    /// Lets an effect be seen by the next step of the same call.
    pub(super) fn apply(&mut self, version: &JourneyVersion, effect: &Effect, now: Moment) {
        match effect {
            Effect::Send { .. } => {}
            Effect::SetField { key, value } => {
                if self.record.fields.get(key) == value.as_ref() {
                    return;
                }
                self.wrote(version, key, value.clone(), now);
            }
            Effect::AddTag { tag } => {
                if !self.record.tags.contains(tag) {
                    self.record.to_mut().tags.insert(tag.clone());
                    self.evaluate(version, now, super::version::Reads::tag);
                }
            }
            Effect::RemoveTag { tag } => {
                if self.record.tags.contains(tag) {
                    self.record.to_mut().tags.remove(tag);
                    self.evaluate(version, now, super::version::Reads::tag);
                }
            }
            Effect::PostEvent { name, props } => {
                if version.needs().events.contains(name) {
                    self.happened(
                        version,
                        &posted(self.passage.contact, name, props.clone(), now),
                        now,
                    );
                }
            }
        }
    }

    pub(super) fn set_truth(&mut self, condition: ConditionIx, holds: bool) {
        if let Some(verdict) = self.truths.get_mut(usize::from(condition.0)) {
            verdict.holds = holds;
        }
    }

    /// How many flips wait to be taken.
    pub(super) fn edges_so_far(&self) -> usize {
        self.edges.len()
    }

    /// How many flips waited before the last call; no more than wait now.
    pub(super) fn edges_before_last_call(&self) -> usize {
        self.last_call.min(self.edges.len())
    }

    /// A call that began with so many flips is over.
    pub(super) fn call_is_over(&mut self, first: usize) {
        self.last_call = first;
        self.commit_is_over(first);
    }

    /// Of the flips from the `first` on, which one commit caused, keeps what they came to: a tag that is taken and given
    /// back lets nobody in, as an index sees it that looks once a commit.
    pub(super) fn commit_is_over(&mut self, first: usize) {
        if self.edges.len() < first + 2 {
            return;
        }
        let mut of_call: SmallVec<[Edge; 2]> = self.edges.drain(first..).collect();
        of_call.sort_by_key(|edge| edge.segment);
        for flips in of_call.chunk_by(|one, other| one.segment == other.segment) {
            // Two flips are none; of three the last is left.
            self.edges
                .extend(flips.last().copied().filter(|_| flips.len() % 2 == 1));
        }
    }

    /// The flips since this was last asked, in order: for drivers that have no index to tell them.
    pub fn take_edges(&mut self) -> SmallVec<[Edge; 2]> {
        std::mem::take(&mut self.edges)
    }

    fn edge(&mut self, version: &JourneyVersion, ix: usize, at: Moment) {
        let segment = ConditionIx(ix as u16);
        if version.edges().contains(&segment) {
            self.edges.push(Edge {
                segment,
                entered: self.truths[ix].holds,
                at,
            });
        }
    }

    fn next_change(&self) -> Option<(Moment, usize)> {
        let moments = self.truths.iter().enumerate();
        moments
            .filter_map(|(ix, verdict)| Some((verdict.until?, ix)))
            .min()
    }

    fn evaluate(
        &mut self,
        version: &JourneyVersion,
        now: Moment,
        meant: impl Fn(&super::version::Reads) -> bool,
    ) {
        for (ix, reads) in version.reads().iter().enumerate() {
            if meant(reads) {
                let before = self.truths[ix].holds;
                self.truths[ix] = segment::eval(&version.conditions()[ix], &self.record, now, self.scope);
                if self.truths[ix].holds != before {
                    self.edge(version, ix, now);
                }
            }
        }
    }
}

/// An event a step posted, before the store has given it an id: it sorts behind everything of its moment.
pub fn posted(contact: ContactId, name: &str, props: BTreeMap<String, Prop>, now: Moment) -> Event {
    Event {
        id: EventId(i64::MAX),
        contact,
        name: name.to_owned(),
        at: now,
        arrived_at: now,
        source: "journey".to_owned(),
        props,
    }
}
