//! The per-contact evaluator.

use super::answers::Answers;
use super::dates::{beside, date_truth, leaves_days, local_date, next_change_day, zone_of};
use super::occurrences::{Moments, aggregated, counted, first_counts, followed, in_a_row, last_counts};
use super::parts::in_and_out;
use super::ranked::in_rank;
use super::shifted::Shifting;
use super::values::{field_holds, props_match, test_holds};
use super::windows::{Spans, zone_of_window};
use crate::record::{ContactRecord, Movement, Past, Scope, Verdict};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::contact::{Money, Value};
use carillon_model::event::{Event, Prop};
use carillon_model::segment::{Clause, DateTest, EventMatch, Expr, Test, Window};
use carillon_model::{ContactId, JourneyId, Moment, StepId};
use chrono::NaiveDate;
use chrono_tz::Tz;
use siphasher::sip::SipHasher24;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

/// Whether `expr` holds for `who` at `now`, and until when that is sure.
///
/// `until` is later than `now`, may be too early, and is never too late. A segment that refers to itself (saving
/// refuses that) or to an unknown name holds for nobody at that place.
pub fn eval(expr: &Expr, who: &ContactRecord, now: Moment, scope: &Scope) -> Verdict {
    eval_facts(expr, who, now, scope)
}

/// [`eval`] over anything that can be asked like a contact.
pub fn eval_facts<F: Facts>(expr: &Expr, who: &F, now: Moment, scope: &Scope) -> Verdict {
    Evaluation {
        who,
        now,
        scope,
        known: BTreeMap::new(),
        open: Vec::new(),
    }
    .expr(expr)
}

/// What a clause may ask of one contact.
pub trait Facts {
    /// Whose facts these are.
    fn contact(&self) -> ContactId;
    /// The value of a field, if it has one.
    fn field(&self, key: &str) -> Option<Seen<'_>>;
    /// Whether the contact has the tag.
    fn has_tag(&self, tag: &str) -> bool;
    /// The moments of all matching events, in any order.
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment));
    /// The moments of all matching events that have the property, with its value, those of one moment by their number.
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>));
    /// The moments of all accepted messages of one template or any, in any order.
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment));
    /// All accepted messages with their templates, in any order.
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment));
    /// The moments of all movements of one kind into or out of one segment, journey or step, in any order.
    fn moved(&self, movement: &Movement, push: &mut dyn FnMut(Moment));
    /// What a score was, by the key of its field.
    fn past(&self, key: &str) -> Past;
    /// The ledger's last word, where it is a grant.
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis>;
    /// Whether the address is suppressed.
    fn suppressed(&self) -> bool;
    /// The contact's own zone.
    fn zone(&self) -> Option<Tz>;
}

/// A value, borrowed from wherever it is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<'a> {
    Text(&'a str),
    Number(f64),
    Money(Money),
    YesNo(bool),
    Choice(&'a str),
    MultiChoice(Cow<'a, BTreeSet<String>>),
    Date(NaiveDate),
    DateTime(Moment),
}

impl Seen<'_> {
    /// The date, or that of the moment on the calendar of `tz`.
    pub(crate) fn date(&self, tz: Tz) -> Option<NaiveDate> {
        match self {
            Seen::Date(date) => Some(*date),
            Seen::DateTime(at) => local_date(*at, tz),
            _ => None,
        }
    }
}

impl<'a> From<&'a Value> for Seen<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Seen::Text(text),
            Value::Number(n) => Seen::Number(*n),
            Value::Money(m) => Seen::Money(*m),
            Value::YesNo(b) => Seen::YesNo(*b),
            Value::Choice(text) => Seen::Choice(text),
            Value::MultiChoice(set) => Seen::MultiChoice(Cow::Borrowed(set)),
            Value::Date(d) => Seen::Date(*d),
            Value::DateTime(m) => Seen::DateTime(*m),
        }
    }
}

impl<'a> From<&'a Prop> for Seen<'a> {
    fn from(prop: &'a Prop) -> Self {
        match prop {
            Prop::YesNo(b) => Seen::YesNo(*b),
            Prop::Number(n) => Seen::Number(*n),
            Prop::Money(m) => Seen::Money(*m),
            Prop::Text(text) => Seen::Text(text),
        }
    }
}

impl From<Seen<'_>> for Value {
    fn from(seen: Seen<'_>) -> Self {
        match seen {
            Seen::Text(text) => Value::Text(text.to_owned()),
            Seen::Number(n) => Value::Number(n),
            Seen::Money(m) => Value::Money(m),
            Seen::YesNo(b) => Value::YesNo(b),
            Seen::Choice(text) => Value::Choice(text.to_owned()),
            Seen::MultiChoice(set) => Value::MultiChoice(set.into_owned()),
            Seen::Date(d) => Value::Date(d),
            Seen::DateTime(m) => Value::DateTime(m),
        }
    }
}

impl Facts for ContactRecord {
    fn contact(&self) -> ContactId {
        ContactId(self.id)
    }
    fn field(&self, key: &str) -> Option<Seen<'_>> {
        self.fields.get(key).map(Seen::from)
    }
    fn has_tag(&self, tag: &str) -> bool {
        self.tags.contains(tag)
    }
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment)) {
        self.events
            .iter()
            .filter(|e| event_matches(matching, e))
            .for_each(|e| push(e.at));
    }
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>)) {
        for event in self.events.iter().filter(|e| event_matches(matching, e)) {
            if let Some(value) = event.props.get(prop) {
                push(event.at, value.into());
            }
        }
    }
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment)) {
        let wanted = self
            .sent
            .iter()
            .filter(|s| template.is_none_or(|t| t == s.template));
        wanted.for_each(|s| push(s.at));
    }
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment)) {
        self.sent.iter().for_each(|s| push(&s.template, s.at));
    }
    fn moved(&self, movement: &Movement, push: &mut dyn FnMut(Moment)) {
        let first = self.moved.partition_point(|moved| moved.movement < *movement);
        let own = self.moved[first..]
            .iter()
            .take_while(|moved| moved.movement == *movement);
        own.for_each(|moved| push(moved.at));
    }
    fn past(&self, key: &str) -> Past {
        self.past.get(key).cloned().unwrap_or_default()
    }
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis> {
        self.permissions.get(&(channel, purpose)).copied()
    }
    fn suppressed(&self) -> bool {
        self.suppressed
    }
    fn zone(&self) -> Option<Tz> {
        ContactRecord::zone(self)
    }
}

/// Whether an event has the name and passes every property test; its moment is not looked at.
pub fn event_matches(matching: &EventMatch, event: &Event) -> bool {
    event.name == matching.name && props_match(&matching.props, |key| event.props.get(key).map(Seen::from))
}

/// Where a contact stands in the sample of `salt`, from 0 to below 100.
///
/// SipHash-2-4 with the key 0 over the salt's UTF-8 bytes and the contact's number (4 bytes, little-endian); its
/// upper 53 bits are the fraction. The same on every machine and in every version.
pub fn sample_share(salt: &str, contact: ContactId) -> f64 {
    let mut hasher = SipHasher24::new();
    hasher.write(salt.as_bytes());
    hasher.write(&contact.0.to_le_bytes());
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64 * 100.0
}

/// Whether the contact is on its way in a journey, or at a step of it: has entered it once more than it left it.
pub(super) fn in_journey<F: Facts>(who: &F, journey: JourneyId, step: Option<&StepId>, now: Moment) -> bool {
    being_in(who, journey, step, now).holds
}

fn being_in<F: Facts>(who: &F, journey: JourneyId, step: Option<&StepId>, now: Moment) -> Verdict {
    let (mut balance, mut until) = (0i64, None);
    for (kind, by) in in_and_out(step.is_some()).into_iter().zip([1, -1]) {
        let (of, step) = (journey.0, step.cloned());
        who.moved(&Movement { kind, of, step }, &mut |at| match at <= now {
            true => balance += by,
            false => until = Some(until.map_or(at, |until: Moment| until.min(at))),
        });
    }
    Verdict {
        holds: balance > 0,
        until,
    }
}

struct Evaluation<'a, F> {
    who: &'a F,
    now: Moment,
    scope: &'a Scope,
    /// Segments already decided in this call: a lattice of references costs each segment once.
    known: BTreeMap<&'a str, Verdict>,
    /// Segments being decided.
    open: Vec<&'a str>,
}

impl<'a, F: Facts> Evaluation<'a, F> {
    fn expr(&mut self, expr: &'a Expr) -> Verdict {
        match expr {
            Expr::Everyone => always(true),
            Expr::All(of) => self.threshold(of.len(), of),
            Expr::Any(of) => self.threshold(1, of),
            Expr::None(of) => not(self.threshold(1, of)),
            Expr::AtLeast { k, of } => self.threshold(*k as usize, of),
            Expr::Not(inner) => not(self.expr(inner)),
            Expr::Clause(clause) => self.clause(clause),
        }
    }

    /// At least `k` of them. While it holds it stays so until fewer than `k` of the true ones are sure; while it
    /// does not, until fewer than `n - k + 1` of the false ones are.
    fn threshold(&mut self, k: usize, of: &'a [Expr]) -> Verdict {
        if k == 0 || k > of.len() {
            return always(k == 0);
        }
        let mut sure: [SmallVec<[Option<Moment>; 8]>; 2] = Default::default();
        let (mut forever_true, mut forever_false) = (0, 0);
        for child in of {
            let verdict = self.expr(child);
            sure[usize::from(verdict.holds)].push(verdict.until);
            match verdict {
                Verdict {
                    holds: true,
                    until: None,
                } => forever_true += 1,
                Verdict {
                    holds: false,
                    until: None,
                } => forever_false += 1,
                _ => {}
            }
            if forever_true >= k {
                return always(true);
            }
            if forever_false > of.len() - k {
                return always(false);
            }
        }
        let holds = sure[1].len() >= k;
        let support = &mut sure[usize::from(holds)];
        let needed = if holds { k } else { of.len() - k + 1 };
        // `None` is for ever, so it stands first.
        support.sort_by(|a, b| match (a, b) {
            (Some(a), Some(b)) => b.cmp(a),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        Verdict {
            holds,
            until: support[needed - 1],
        }
    }

    fn clause(&mut self, clause: &'a Clause) -> Verdict {
        match clause {
            Clause::Field { key, test } => self.field(key, test),
            Clause::Shifted {
                key,
                rose,
                by,
                within_secs,
            } => {
                let asked = Shifting {
                    rose: *rose,
                    by: *by,
                    within_secs: *within_secs,
                };
                match self.who.field(key) {
                    Some(Seen::Number(points)) => asked.verdict(points, self.who.past(key).iter(), self.now),
                    _ => always(false),
                }
            }
            Clause::Ranked { key, top, cut, .. } => {
                always(in_rank(self.who.field(key).as_ref(), *top, cut.as_ref()))
            }
            Clause::Tag { tag } => always(self.who.has_tag(tag)),
            Clause::Did { event, times, window } => self.spans(window, |spans, now| {
                counted(&self.events(event), *times, spans, now)
            }),
            Clause::Streak {
                event,
                n,
                period,
                zone,
                window,
            } => match zone_of(zone, || self.who.zone(), self.scope) {
                Some(tz) => self.spans(window, |spans, now| {
                    in_a_row(&self.events(event), *n, *period, tz, spans, now)
                }),
                None => always(false),
            },
            Clause::FirstDid { event, window } => {
                self.spans(window, |spans, now| first_counts(&self.events(event), spans, now))
            }
            Clause::LastDid { event, window } => {
                self.spans(window, |spans, now| last_counts(self.events(event), spans, now))
            }
            Clause::Aggregate {
                function,
                prop,
                event,
                bound,
                window,
            } => self.spans(window, |spans, now| {
                let mut values = Vec::new();
                self.who
                    .values(event, prop, &mut |at, value| values.push((at, value)));
                aggregated(*function, bound, values, spans, now)
            }),
            Clause::Sequence {
                first,
                then,
                follows,
                within_secs,
                window,
            } => self.spans(window, |spans, now| {
                let (first, then) = (self.events(first), self.events(then));
                followed(&first, then, *follows, *within_secs, spans, now)
            }),
            Clause::Sent {
                template,
                times,
                window,
            } => self.spans(window, |spans, now| {
                let mut at = Moments::new();
                self.who.sent(template.as_deref(), &mut |moment| at.push(moment));
                counted(&at, *times, spans, now)
            }),
            Clause::Answered { answer, times, last } => {
                Answers::of(self.who, *answer).verdict(*times, *last, self.now)
            }
            Clause::Consent {
                channel,
                purpose,
                basis,
            } => {
                let granted = self.who.permission(*channel, *purpose);
                let fits = granted.is_some_and(|by| basis.is_none_or(|wanted| wanted == by));
                always(fits && !self.who.suppressed())
            }
            Clause::InSegment { name } => self.segment(name),
            Clause::Moved {
                movement,
                name,
                step,
                times,
                window,
            } => self.spans(window, |spans, now| {
                let mut at = Moments::new();
                if let Some(movement) = self.scope.numbers.movement(*movement, name, step.as_ref()) {
                    self.who.moved(&movement, &mut |moment| at.push(moment));
                }
                counted(&at, *times, spans, now)
            }),
            Clause::InJourney { name, step } => match self.scope.numbers.journeys.get(name) {
                Some(journey) => being_in(self.who, *journey, step.as_ref(), self.now),
                None => always(false),
            },
            Clause::Sample { percent, salt } => always(sample_share(salt, self.who.contact()) < *percent),
        }
    }

    fn events(&self, matching: &EventMatch) -> Moments {
        let mut at = Moments::new();
        self.who.events(matching, &mut |moment| at.push(moment));
        at
    }

    /// What is read of the window in the zone it means.
    fn spans(&self, window: &Window, read: impl FnOnce(&Spans<'_>, Moment) -> Verdict) -> Verdict {
        match zone_of_window(window, || self.who.zone(), self.scope) {
            Some(tz) => read(&Spans::new(window, tz, self.now), self.now),
            None => always(false),
        }
    }

    fn field(&self, key: &str, test: &Test) -> Verdict {
        let Some(seen) = self.who.field(key) else {
            return always(false);
        };
        if let Test::Field { order, key } = test {
            let other = self.who.field(key);
            return always(other.is_some_and(|other| field_holds(*order, &seen, &other)));
        }
        let Test::Date { when, zone } = test else {
            return always(test_holds(test, &seen));
        };
        let Some(tz) = zone_of(zone, || self.who.zone(), self.scope) else {
            return always(false);
        };
        let (Some(date), Some(today)) = (seen.date(tz), local_date(self.now, tz)) else {
            return always(false);
        };
        if let DateTest::Beside {
            order,
            key,
            plus_days,
        } = when
        {
            let other = self.who.field(key).and_then(|other| other.date(tz));
            return always(other.is_some_and(|other| beside(*order, date, other, *plus_days)));
        }
        let change = next_change_day(when, date, today);
        Verdict {
            holds: date_truth(when, date, today),
            until: change.and_then(|day| leaves_days(tz, self.now, today, day)),
        }
    }

    fn segment(&mut self, name: &'a str) -> Verdict {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let Some(expr) = self.scope.segments.get(name) else {
            return always(false);
        };
        if self.open.contains(&name) || self.open.len() >= super::check::MAX_CHAIN {
            return always(false);
        }
        self.open.push(name);
        let verdict = self.expr(expr);
        self.open.pop();
        self.known.insert(name, verdict);
        verdict
    }
}

fn always(holds: bool) -> Verdict {
    Verdict { holds, until: None }
}

fn not(verdict: Verdict) -> Verdict {
    Verdict {
        holds: !verdict.holds,
        ..verdict
    }
}
