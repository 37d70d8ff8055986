//! Whose truth time alone may change: of a million contacts most did nothing lately, and are not asked one by one.

use super::column::sorted;
use super::members::Count;
use super::postings::Postings;
use crate::segment::{
    Shifting, clauses, first_milli, movements_of, moves_with_days, settled_before, window_of,
};
use carillon_model::Moment;
use carillon_model::segment::{Clause, Expr, Test, Window};
use chrono::TimeDelta;
use roaring::RoaringBitmap;
use std::collections::BTreeSet;

impl Count<'_> {
    /// Contacts for whom [`crate::segment::eval`] may name a moment until which `expr` is sure; for all others what it
    /// says now it says for ever, unless a fact changes. Some are named of whom that is true as well.
    pub fn turning(&self, expr: &Expr) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        let mut names = BTreeSet::new();
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            for clause in clauses(expr) {
                self.turning_by(clause, &mut out);
                if let Clause::InSegment { name } = clause
                    && names.insert(name.as_str())
                {
                    open.extend(self.scope.segments.get(name));
                }
            }
        }
        out & &self.rows.contacts
    }

    fn turning_by(&self, clause: &Clause, out: &mut RoaringBitmap) {
        match clause {
            Clause::Field { key, test } => {
                if let Test::Date { when, .. } = test
                    && moves_with_days(when)
                    && let Some(column) = self.rows.column(key)
                {
                    *out |= column.present();
                }
            }
            Clause::Did { event, window, .. }
            | Clause::Streak { event, window, .. }
            | Clause::FirstDid { event, window }
            | Clause::LastDid { event, window }
            | Clause::Aggregate { event, window, .. } => {
                *out |= since(&self.rows.events(&event.name).postings, self.settled(window));
            }
            Clause::Sequence {
                first,
                then,
                within_secs,
                window,
                ..
            } => {
                let wait = TimeDelta::seconds(i64::from(*within_secs));
                let waiting = self.now.checked_sub_signed(wait).unwrap_or(Moment::MIN_UTC);
                let of_first = self.settled(window).min(waiting);
                *out |= since(&self.rows.events(&first.name).postings, of_first);
                *out |= since(&self.rows.events(&then.name).postings, self.now);
            }
            Clause::Sent { template, window, .. } => {
                let from = self.settled(window);
                match template {
                    Some(template) => {
                        if let Some(postings) = self.rows.sent().get(template) {
                            *out |= since(postings, from);
                        }
                    }
                    None => {
                        for postings in self.rows.sent().values() {
                            *out |= since(postings, from);
                        }
                    }
                }
            }
            Clause::Answered { answer, .. } => {
                // Only what is still to come.
                *out |= since(&self.rows.events(answer.event()).postings, self.now);
                for postings in self.rows.sent().values() {
                    *out |= since(postings, self.now);
                }
            }
            Clause::Moved { .. } | Clause::InJourney { .. } => {
                let from = window_of(clause).map_or(self.now, |window| self.settled(window));
                for asked in movements_of(clause) {
                    if let Some(movement) = self.scope.numbers.asked(&asked) {
                        *out |= since(self.rows.moved(&movement), from);
                    }
                }
            }
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
                *out |= since(self.rows.past(key), asked.start(self.now));
            }
            Clause::Tag { .. }
            | Clause::Consent { .. }
            | Clause::InSegment { .. }
            | Clause::Sample { .. } => {}
        }
    }

    fn settled(&self, window: &Window) -> Moment {
        settled_before(window, self.scope.zone, self.now)
    }
}

/// Contacts with a posting at this moment or later.
fn since(postings: &Postings, from: Moment) -> RoaringBitmap {
    let from = first_milli(from);
    let late = postings
        .by_contact()
        .filter(|run| run.last().is_some_and(|last| last.millis() >= from));
    sorted(late.map(|run| run.contact))
}
