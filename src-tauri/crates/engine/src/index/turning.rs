//! Whose truth time alone may change: of a million contacts most did nothing lately, and are not asked one by one.

use super::column::{Bits, Column, eight_bits};
use super::members::Count;
use super::postings::{Passing, Postings};
use crate::segment::{
    Shifting, clauses, first_milli, movements_of, moves_with_days, settled_before, window_of,
};
use carillon_model::Moment;
use carillon_model::segment::{Clause, Expr, Test, Window};
use chrono::TimeDelta;
use roaring::RoaringBitmap;
use std::collections::BTreeSet;

/// Whom time may turn over by a clause.
enum Turning<'a> {
    /// Whoever has a value.
    Having(&'a Column),
    /// Whoever has a posting at this moment or later.
    Since(&'a Postings, Moment),
}

impl<'a> Count<'a> {
    /// Contacts for whom [`crate::segment::eval`] may name a moment until which `expr` is sure; for all others what it
    /// says now it says for ever, unless a fact changes. Some are named of whom that is true as well.
    pub fn turning(&self, expr: &Expr) -> RoaringBitmap {
        let mut out = RoaringBitmap::new();
        self.each_turning(expr, &mut |turning| {
            match turning {
                Turning::Having(column) => out |= column.present(),
                Turning::Since(postings, from) => out |= since(postings, from),
            }
            true
        });
        out & &self.rows.contacts
    }

    /// Whether there may be any.
    pub fn may_turn(&self, expr: &Expr) -> bool {
        !self.each_turning(expr, &mut |turning| match turning {
            Turning::Having(column) => column.present().is_empty(),
            Turning::Since(postings, from) => !postings.has_since(first_milli(from)),
        })
    }

    /// Gives all of them, of the segments that are named, too, until `go_on` says no; whether it never did.
    fn each_turning(&self, expr: &Expr, go_on: &mut dyn FnMut(Turning<'_>) -> bool) -> bool {
        let mut names = BTreeSet::new();
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            for clause in clauses(expr) {
                if !self.turning_by(clause, go_on) {
                    return false;
                }
                if let Clause::InSegment { name } = clause
                    && names.insert(name.as_str())
                {
                    open.extend(self.scope.segments.get(name));
                }
            }
        }
        true
    }

    fn turning_by(&self, clause: &Clause, go_on: &mut dyn FnMut(Turning<'_>) -> bool) -> bool {
        let mut since = |postings: &Postings, from: Moment| go_on(Turning::Since(postings, from));
        match clause {
            Clause::Field { key, test } => {
                let moves = matches!(test, Test::Date { when, .. } if moves_with_days(when));
                let column = if moves { self.rows.column(key) } else { None };
                column.is_none_or(|column| go_on(Turning::Having(column)))
            }
            Clause::Did { event, window, .. }
            | Clause::Streak { event, window, .. }
            | Clause::FirstDid { event, window }
            | Clause::LastDid { event, window }
            | Clause::Aggregate { event, window, .. } => {
                since(&self.rows.events(&event.name).postings, self.settled(window))
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
                since(&self.rows.events(&first.name).postings, of_first)
                    && since(&self.rows.events(&then.name).postings, self.now)
            }
            Clause::Sent { template, window, .. } => {
                let from = self.settled(window);
                let mut sent = self.rows.sent().iter();
                let mut asked = sent
                    .by_ref()
                    .filter(|(of, _)| template.as_ref().is_none_or(|t| t == *of));
                asked.all(|(_, postings)| since(postings, from))
            }
            Clause::Answered { answer, .. } => {
                // Only what is still to come.
                since(&self.rows.events(answer.event()).postings, self.now)
                    && self
                        .rows
                        .sent()
                        .values()
                        .all(|postings| since(postings, self.now))
            }
            Clause::Moved { .. } | Clause::InJourney { .. } => {
                let from = window_of(clause).map_or(self.now, |window| self.settled(window));
                let mut movements = movements_of(clause).filter_map(|asked| self.scope.numbers.asked(&asked));
                movements.all(|movement| since(self.rows.moved(&movement), from))
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
                since(self.rows.past(key), asked.start(self.now))
            }
            // Whose value stays what it is, time moves only with the cut, and a new cut is a new expression.
            Clause::Ranked { .. }
            | Clause::Tag { .. }
            | Clause::Consent { .. }
            | Clause::InSegment { .. }
            | Clause::Sample { .. } => true,
        }
    }

    fn settled(&self, window: &Window) -> Moment {
        settled_before(window, self.scope.zone, self.now)
    }
}

/// Contacts with a posting at this moment or later.
fn since(postings: &Postings, from: Moment) -> RoaringBitmap {
    let mut found = Bits::default();
    postings.numbers(
        [first_milli(from), i64::MAX],
        &Passing::all(),
        |first, numbers| {
            let eights = numbers.chunks_exact(8);
            found.put_bytes(first, eights.map(|eight| eight_bits(|bit| eight[bit] > 0)));
        },
    );
    found.bitmap()
}
