//! All members of an expression at once, from bitmaps, columns and postings.

use super::column::{Column, Paged, Words, sorted};
use super::postings::Run;
use super::ranked;
use super::remembered::Remembered;
use super::rows::Rows;
use crate::record::Scope;
use crate::segment::{
    MAX_CHAIN, Needs, Seen, Shifting, beside, date_truth, field_holds, folded, local_date, print_measured,
    sample_share, test_holds, zone_of,
};
use carillon_model::segment::{Clause, DateTest, Expr, Test, Zone};
use carillon_model::{ContactId, Moment};
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One reading of the rows at one moment.
pub(super) struct Count<'a> {
    pub(super) rows: &'a Rows,
    pub(super) scope: &'a Scope,
    pub(super) now: Moment,
    /// Segments already read.
    known: BTreeMap<&'a str, RoaringBitmap>,
    open: Vec<&'a str>,
    /// Clauses already read, by canonical text, where each is asked for by itself as well.
    clauses: Option<BTreeMap<String, RoaringBitmap>>,
    /// Those of earlier readings of the same rows in the same zone.
    remembered: Option<&'a Mutex<Remembered>>,
}

impl<'a> Count<'a> {
    pub fn new(rows: &'a Rows, scope: &'a Scope, now: Moment) -> Count<'a> {
        Count {
            rows,
            scope,
            now,
            known: BTreeMap::new(),
            open: Vec::new(),
            clauses: None,
            remembered: None,
        }
    }

    /// Takes clauses from earlier readings, and leaves its own for later ones.
    pub fn with(self, remembered: &'a Mutex<Remembered>) -> Count<'a> {
        Count {
            remembered: Some(remembered),
            ..self
        }
    }

    /// Reads equal clauses only once.
    pub fn remembering(self) -> Count<'a> {
        Count {
            clauses: Some(BTreeMap::new()),
            ..self
        }
    }

    /// Exactly the contacts for whom [`crate::segment::eval`] says that `expr` holds.
    pub fn members(&mut self, expr: &'a Expr) -> RoaringBitmap {
        match expr {
            Expr::Everyone => self.rows.contacts.clone(),
            Expr::All(of) => {
                let mut out = self.rows.contacts.clone();
                for child in of {
                    // Nothing can come back once nobody is left.
                    if out.is_empty() {
                        break;
                    }
                    out &= self.members(child);
                }
                out
            }
            Expr::Any(of) => self.any(of),
            Expr::None(of) => &self.rows.contacts - self.any(of),
            Expr::AtLeast { k, of } => self.at_least(*k as usize, of),
            Expr::Not(inner) => &self.rows.contacts - self.members(inner),
            Expr::Clause(clause) => self.clause(clause),
        }
    }

    fn any(&mut self, of: &'a [Expr]) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        for child in of {
            out |= self.members(child);
        }
        out
    }

    fn at_least(&mut self, k: usize, of: &'a [Expr]) -> RoaringBitmap {
        if k == 0 {
            return self.rows.contacts.clone();
        }
        if k > of.len() {
            return RoaringBitmap::new();
        }
        let mut holding: Paged<u32> = Paged::default();
        for child in of {
            for id in &self.members(child) {
                *holding.place(id, 0) += 1;
            }
        }
        sorted(
            holding
                .filled()
                .filter(|(_, n)| *n as usize >= k)
                .map(|(id, _)| id),
        )
    }

    /// The members of one clause.
    pub fn clause(&mut self, clause: &'a Clause) -> RoaringBitmap {
        if self.clauses.is_none() && self.remembered.is_none() {
            return self.read_clause(clause);
        }
        let text = print_measured(clause);
        if let Some(known) = self.clauses.as_ref().and_then(|known| known.get(&text)) {
            return known.clone();
        }
        let members = self.remembered_clause(clause, &text);
        if let Some(clauses) = &mut self.clauses {
            clauses.insert(text, members.clone());
        }
        members
    }

    fn remembered_clause(&mut self, clause: &'a Clause, text: &str) -> RoaringBitmap {
        // A segment is made of clauses that are remembered themselves.
        let remembered = self
            .remembered
            .filter(|_| !matches!(clause, Clause::InSegment { .. }));
        let Some(remembered) = remembered else {
            return self.read_clause(clause);
        };
        let lock = || remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = lock().get(text, self.now) {
            return members;
        }
        let failures = self.rows.failures();
        let members = self.read_clause(clause);
        let expr = Expr::Clause(clause.clone());
        let needs = Needs::of(&expr, &BTreeMap::new());
        let lasts = !needs.time || !self.may_turn(&expr);
        if self.rows.failures() > failures {
            return members;
        }
        lock().put(text.to_owned(), members.clone(), needs, self.now, lasts);
        members
    }

    /// From now on, a clause of this canonical text has these members. Only where equal clauses are read once.
    pub fn tell(&mut self, clause: &str, members: RoaringBitmap) {
        if let Some(clauses) = &mut self.clauses {
            clauses.insert(clause.to_owned(), members);
        }
    }

    fn read_clause(&mut self, clause: &'a Clause) -> RoaringBitmap {
        let rows = self.rows;
        let found = match clause {
            Clause::Field { key, test } => match rows.column(key) {
                Some(column) => self.field(column, test),
                None => RoaringBitmap::new(),
            },
            Clause::Shifted {
                key,
                rose,
                by,
                within_secs,
            } => self.shifted(
                key,
                Shifting {
                    rose: *rose,
                    by: *by,
                    within_secs: *within_secs,
                },
            ),
            Clause::Ranked { .. } => ranked::members(rows, clause),
            Clause::Tag { tag } => rows.tags.get(tag).cloned().unwrap_or_default(),
            Clause::Did { event, times, window } => self.did(event, *times, window),
            Clause::Streak {
                event,
                n,
                period,
                zone,
                window,
            } => self.in_a_row(event, *n, *period, zone, window),
            Clause::FirstDid { event, window } => self.first_did(event, window),
            Clause::LastDid { event, window } => self.last_did(event, window),
            Clause::Aggregate {
                function,
                prop,
                event,
                bound,
                window,
            } => self.aggregate(*function, prop, event, bound, window),
            Clause::Sequence {
                first,
                then,
                follows,
                within_secs,
                window,
            } => self.sequence([first, then], *follows, *within_secs, window),
            Clause::Sent {
                template,
                times,
                window,
            } => self.sent(template.as_deref(), *times, window),
            Clause::Moved {
                movement,
                name,
                step,
                times,
                window,
            } => {
                let movement = self.scope.numbers.movement(*movement, name, step.as_ref());
                self.moved(movement.as_ref(), *times, window)
            }
            Clause::InJourney { name, step } => self.in_journey(name, step.as_ref()),
            Clause::Answered { answer, times, last } => self.answered(*answer, *times, *last),
            Clause::Consent {
                channel,
                purpose,
                basis,
            } => {
                let fits = |key: &&(_, _, _)| {
                    (key.0, key.1) == (*channel, *purpose) && basis.is_none_or(|b| b == key.2)
                };
                let mut granted = RoaringBitmap::new();
                for key in rows.permissions.keys().filter(fits) {
                    granted |= &rows.permissions[key];
                }
                granted - &rows.suppressed
            }
            Clause::InSegment { name } => self.segment(name),
            Clause::Sample { percent, salt } => sorted(
                rows.contacts
                    .iter()
                    .filter(|id| sample_share(salt, ContactId(*id)) < *percent),
            ),
        };
        found & &rows.contacts
    }

    /// Of whom a score has a past, and, if staying as it is will do, of all it measures.
    fn shifted(&self, key: &str, asked: Shifting) -> RoaringBitmap {
        let Some(column) = self.rows.column(key) else {
            return RoaringBitmap::new();
        };
        let past = self.rows.past(key);
        let holds = |seen: &Seen<'_>, of: Run<'_>| {
            let before = of.iter().map(|p| (p.at(), p.id()));
            match seen {
                Seen::Number(points) => asked.holds(*points, before, self.now),
                _ => false,
            }
        };
        if asked.may_hold_unmoved() {
            return column.passing(|id, seen| holds(seen, past.of(id)));
        }
        let found = past
            .by_contact()
            .filter(|run| column.get(run.contact).is_some_and(|seen| holds(&seen, *run)));
        sorted(found.map(|run| run.contact))
    }

    fn field(&self, column: &Column, test: &Test) -> RoaringBitmap {
        if let Test::Field { order, key } = test {
            let other = self.rows.column(key);
            let holds = |id: &u32| {
                let values = column.get(*id).zip(other.and_then(|other| other.get(*id)));
                values.is_some_and(|(value, other)| field_holds(*order, &value, &other))
            };
            return sorted(self.rows.contacts.iter().filter(holds));
        }
        if let Test::Number(compare) = test {
            return column.comparing(compare);
        }
        let Test::Date { when, zone } = test else {
            let test = folded(test);
            return column.passing(|_, seen| test_holds(&test, seen));
        };
        let todays = ByZone::new(*zone == Zone::Contact, self.rows, |own| {
            let tz = zone_of(zone, || own, self.scope)?;
            Some((tz, local_date(self.now, tz)?))
        });
        let other = match when {
            DateTest::Beside { key, .. } => self.rows.column(key),
            _ => None,
        };
        column.passing(|id, seen| {
            let Some((tz, today)) = todays.get(id) else {
                return false;
            };
            let Some(date) = seen.date(tz) else { return false };
            match when {
                DateTest::Beside { order, plus_days, .. } => {
                    let other = other.and_then(|column| column.get(id)?.date(tz));
                    other.is_some_and(|other| beside(*order, date, other, *plus_days))
                }
                _ => date_truth(when, date, today),
            }
        })
    }

    fn segment(&mut self, name: &'a str) -> RoaringBitmap {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let Some(expr) = self.scope.segments.get(name) else {
            return RoaringBitmap::new();
        };
        if self.open.contains(&name) || self.open.len() >= MAX_CHAIN {
            return RoaringBitmap::new();
        }
        self.open.push(name);
        let members = self.members(expr);
        self.open.pop();
        self.known.insert(name, members.clone());
        members
    }
}

/// What follows from a zone: one for all, or one for each distinct `time_zone`. None where a zone is unknown.
pub(super) struct ByZone<'a, T> {
    words: Option<&'a Words>,
    /// By code of `time_zone`; entry 0 for contacts without one, and for all if zones do not differ.
    by_code: Vec<Option<T>>,
}

impl<'a, T: Copy> ByZone<'a, T> {
    /// `of` is asked with the contact's own zone, or none.
    pub fn new(differs: bool, rows: &'a Rows, of: impl Fn(Option<Tz>) -> Option<T>) -> ByZone<'a, T> {
        let words = rows.column("time_zone").and_then(Column::words);
        let words = words.filter(|_| differs);
        let by_code = words.map_or_else(
            || vec![of(None)],
            |words| words.per_code(of(None), |name| of(name.parse().ok())),
        );
        ByZone { words, by_code }
    }

    /// Of contacts without a zone of their own.
    pub fn of_others(&self) -> Option<T> {
        self.by_code.first().copied().flatten()
    }

    /// Where it is the same for all.
    pub fn of_all(&self) -> Option<T> {
        self.of_others().filter(|_| self.words.is_none())
    }

    pub fn get(&self, id: u32) -> Option<T> {
        let code = self.words.map_or(0, |words| words.code(id));
        self.by_code.get(code).copied().flatten()
    }
}
