//! All members of an expression at once, from bitmaps, columns and postings.

use super::column::{Column, Paged, Words, sorted};
use super::postings::{Posting, Postings};
use super::rows::Rows;
use crate::record::Scope;
use crate::segment::{
    MAX_CHAIN, Seen, date_truth, local_date, print_clause, sample_share, span, test_holds, times_hold,
    zone_of,
};
use carillon_model::segment::{Clause, DateTest, EventMatch, Expr, Test, Times, Window, Zone};
use carillon_model::{ContactId, Moment};
use chrono::NaiveDate;
use chrono_tz::Tz;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// One reading of the rows at one moment.
pub(super) struct Count<'a> {
    rows: &'a Rows,
    scope: &'a Scope,
    now: Moment,
    /// Segments already read.
    known: BTreeMap<&'a str, RoaringBitmap>,
    open: Vec<&'a str>,
    /// Clauses already read, by canonical text, where each is asked for by itself as well.
    clauses: Option<BTreeMap<String, RoaringBitmap>>,
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
        let text = self.clauses.is_some().then(|| print_clause(clause));
        let known = |text: &String| self.clauses.as_ref().and_then(|known| known.get(text)).cloned();
        if let Some(known) = text.as_ref().and_then(known) {
            return known;
        }
        let members = self.read_clause(clause);
        if let (Some(clauses), Some(text)) = (&mut self.clauses, text) {
            clauses.insert(text, members.clone());
        }
        members
    }

    fn read_clause(&mut self, clause: &'a Clause) -> RoaringBitmap {
        let rows = self.rows;
        let found = match clause {
            Clause::Field { key, test } => match rows.columns.get(key) {
                Some(column) => self.field(column, test),
                None => RoaringBitmap::new(),
            },
            Clause::Tag { tag } => rows.tags.get(tag).cloned().unwrap_or_default(),
            Clause::Did { event, times, window } => self.did(event, *times, window),
            Clause::Sent {
                template,
                times,
                window,
            } => self.sent(template.as_deref(), *times, window),
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

    fn field(&self, column: &Column, test: &Test) -> RoaringBitmap {
        let Test::Date { when, zone } = test else {
            return column.passing(&|_, seen| test_holds(test, seen));
        };
        let days = Days::new(zone, self.now, self.scope, self.rows);
        column.passing(&|id, seen| days.pass(when, id, seen))
    }

    fn did(&self, event: &EventMatch, times: Times, window: &Window) -> RoaringBitmap {
        let symbols = &self.rows.symbols;
        let tests = symbols.tests(&event.props);
        let postings = self.rows.events.get(&event.name);
        self.counted(postings.into_iter(), times, window, |p| symbols.pass(&tests, p))
    }

    fn sent(&self, template: Option<&str>, times: Times, window: &Window) -> RoaringBitmap {
        match template {
            Some(template) => self.counted(self.rows.sent.get(template).into_iter(), times, window, |_| true),
            None => self.counted(self.rows.sent.values(), times, window, |_| true),
        }
    }

    /// Those whose number of postings that pass and count now passes.
    fn counted<'p>(
        &self,
        postings: impl Iterator<Item = &'p Postings>,
        times: Times,
        window: &Window,
        passes: impl Fn(&Posting) -> bool,
    ) -> RoaringBitmap {
        let counts = |p: &&Posting| {
            span(p.at, window)
                .is_some_and(|(start, end)| start <= self.now && end.is_none_or(|end| self.now < end))
                && passes(p)
        };
        let mut numbers: Paged<u32> = Paged::default();
        for of_contact in postings.flat_map(Postings::by_contact) {
            let n = of_contact.iter().filter(counts).count();
            if n > 0 {
                let number = numbers.place(of_contact[0].contact, 0);
                *number = number.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            }
        }
        let some = |holds: bool| {
            sorted(
                numbers
                    .filled()
                    .filter(|(_, n)| times_hold(times, *n as usize) == holds)
                    .map(|(id, _)| id),
            )
        };
        // Who did nothing has no number, and may pass as well.
        if times_hold(times, 0) {
            &self.rows.contacts - some(false)
        } else {
            some(true)
        }
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

/// Zones and todays for a date test: one of all, or one for each distinct `time_zone`.
struct Days<'a> {
    words: Option<&'a Words>,
    /// By code of `time_zone`; entry 0 for contacts without one, and for all if zones do not differ.
    by_code: Vec<Option<(Tz, NaiveDate)>>,
}

impl<'a> Days<'a> {
    fn new(zone: &Zone, now: Moment, scope: &Scope, rows: &'a Rows) -> Days<'a> {
        let day = |own: Option<Tz>| {
            let tz = zone_of(zone, own, scope)?;
            Some((tz, local_date(now, tz)?))
        };
        let words = match zone {
            Zone::Contact => rows.columns.get("time_zone").and_then(Column::words),
            Zone::Workspace | Zone::Named(_) => None,
        };
        let by_code = words.map_or_else(
            || vec![day(None)],
            |words| words.per_code(day(None), |name| day(name.parse().ok())),
        );
        Days { words, by_code }
    }

    fn pass(&self, when: &DateTest, id: u32, seen: &Seen<'_>) -> bool {
        let code = self.words.map_or(0, |words| words.code(id));
        let Some((tz, today)) = self.by_code.get(code).copied().flatten() else {
            return false;
        };
        let date = match seen {
            Seen::Date(date) => Some(*date),
            Seen::DateTime(at) => local_date(*at, tz),
            _ => None,
        };
        date.is_some_and(|date| date_truth(when, date, today))
    }
}
