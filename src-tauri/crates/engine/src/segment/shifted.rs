//! Whether a score rose or fell: what it is beside what it was.

use super::parse::{ParseError, Parser};
use crate::record::Verdict;
use carillon_model::Moment;
use carillon_model::segment::{Clause, Expr, Shift};
use chrono::TimeDelta;

impl Parser<'_> {
    /// By how much a score rose or fell, and within which time.
    pub(super) fn shifted(&mut self, key: String, rose: bool) -> Result<Expr, ParseError> {
        let by = if !self.accept(&["by"]) {
            Shift::MoreThan(0.0)
        } else if self.accept(&["at", "least"]) {
            self.points_or_percent(Shift::AtLeast, Shift::AtLeastPercent)?
        } else if self.accept(&["more", "than"]) {
            self.points_or_percent(Shift::MoreThan, Shift::MoreThanPercent)?
        } else {
            return Err(self.expected("wanted.shift", &["at", "more"]));
        };
        self.need_word(&["in", "the", "last"])?;
        Ok(Expr::Clause(Clause::Shifted {
            key,
            rose,
            by,
            within_secs: self.secs()?,
        }))
    }

    fn points_or_percent(
        &mut self,
        points: fn(f64) -> Shift,
        percent: fn(f64) -> Shift,
    ) -> Result<Shift, ParseError> {
        let n = self.number()?;
        Ok(if self.symbol("%") { percent(n) } else { points(n) })
    }
}

/// What is asked of a score.
#[derive(Clone, Copy)]
pub(crate) struct Shifting {
    pub rose: bool,
    pub by: Shift,
    pub within_secs: u32,
}

impl Shifting {
    /// The beginning of the time up to `now`.
    pub fn start(&self, now: Moment) -> Moment {
        let length = TimeDelta::seconds(i64::from(self.within_secs));
        now.checked_sub_signed(length).unwrap_or(Moment::MIN_UTC)
    }

    /// Whether a score that is `points` now and has this past, in order of time, has shifted so.
    pub fn holds(&self, points: f64, past: impl Iterator<Item = (Moment, i64)>, now: Moment) -> bool {
        let then = at_first(past, self.start(now), now).map_or(points, |then| then as f64);
        let difference = if self.rose { points - then } else { then - points };
        match self.by {
            Shift::AtLeast(least) => difference >= least,
            Shift::MoreThan(than) => difference > than,
            Shift::AtLeastPercent(_) | Shift::MoreThanPercent(_) if then <= 0.0 => self.rose && points > 0.0,
            // What did not move moved by 0%, also where a product too small for a double would say that it is as much as wanted.
            Shift::AtLeastPercent(least) if difference == 0.0 => least <= 0.0,
            Shift::MoreThanPercent(than) if difference == 0.0 => than < 0.0,
            Shift::AtLeastPercent(least) => difference * 100.0 >= least * then,
            Shift::MoreThanPercent(than) => difference * 100.0 > than * then,
        }
    }

    /// Whether it may hold for a score that is what it was.
    pub fn may_hold_unmoved(&self) -> bool {
        match self.by {
            Shift::AtLeast(n) | Shift::AtLeastPercent(n) => n <= 0.0,
            Shift::MoreThan(n) | Shift::MoreThanPercent(n) => n < 0.0,
        }
    }

    /// The same, and until when it is sure: until the beginning of the time comes to a change, or a change that is still to come
    /// has come.
    pub fn verdict(
        &self,
        points: f64,
        past: impl Iterator<Item = (Moment, i64)> + Clone,
        now: Moment,
    ) -> Verdict {
        let (start, length) = (self.start(now), TimeDelta::seconds(i64::from(self.within_secs)));
        let until = past
            .clone()
            .filter(|(at, _)| *at > start)
            .filter_map(|(at, _)| match at <= now {
                true => at.checked_add_signed(length),
                false => Some(at),
            });
        Verdict {
            holds: self.holds(points, past.clone(), now),
            until: until.min(),
        }
    }
}

/// What a score was at `start`, or, where nothing is known of then, what it was found to be first, up to `now`.
pub(super) fn at_first(past: impl Iterator<Item = (Moment, i64)>, start: Moment, now: Moment) -> Option<i64> {
    let mut found = None;
    for (at, points) in past.take_while(|(at, _)| *at <= now) {
        if found.is_some() && at > start {
            break;
        }
        found = Some(points);
    }
    found
}
