//! Reading what happened: events and messages, how often and when.

use super::lex::Kind;
use super::parse::{ParseError, Parser, is_reserved};
use super::vocabulary::{AGGREGATES, ANSWERS, MOVEMENTS, PERIODS};
use super::words::say;
use carillon_model::Moment;
use carillon_model::segment::{
    AggregateBound, Clause, Days, EventMatch, Expr, Period, PropMatch, Times, Window, Zone,
};
use chrono::NaiveDate;

/// What was said so far of how often and when.
#[derive(Default)]
struct Often {
    times: Option<Times>,
    window: Option<Window>,
    /// How many periods in a row; instead of how often.
    streak: Option<(u32, Period, Zone)>,
}

impl Often {
    fn read(self) -> (Times, Window) {
        (
            self.times.unwrap_or(Times::AtLeast(1)),
            self.window.unwrap_or(Window::Ever),
        )
    }
}

impl Parser<'_> {
    pub(super) fn did(&mut self) -> Result<Expr, ParseError> {
        let not = self.accept(&["not"]);
        let mut often = Often::default();
        let at = self.at();
        let event = self.event(|parser| parser.often_or_streak(&mut often))?;
        let follows = self.sees(&["then"]);
        if !not && (follows || self.sees(&["without"])) {
            if often.times.is_some() || often.streak.is_some() {
                return Err(ParseError::at(at, say("read.no_times", &[])));
            }
            return self.sequence(event, follows, often);
        }
        let streak = often.streak.take();
        let (times, window) = often.read();
        let clause = match streak {
            Some((n, period, zone)) => Clause::Streak {
                event,
                n,
                period,
                zone,
                window,
            },
            None => Clause::Did { event, times, window },
        };
        Ok(complement(clause, not))
    }

    /// How often, or how many periods in a row.
    fn often_or_streak(&mut self, often: &mut Often) -> Result<(), ParseError> {
        loop {
            self.often(often)?;
            let at = self.at();
            let Some(streak) = self.streak()? else {
                return Ok(());
            };
            if often.times.is_some() || often.streak.replace(streak).is_some() {
                return Err(ParseError::at(at, say("read.times_twice", &[])));
            }
        }
    }

    /// How many tokens ahead the number of a streak stands, if one comes next.
    fn number_of_streak(&self) -> Option<usize> {
        let begins = [
            &["at", "least"][..],
            &["on", "at", "least"],
            &["in", "at", "least"],
        ];
        let words = begins.into_iter().find(|words| self.sees(words))?;
        let n = words.len();
        let unit = matches!(self.ahead(n + 1), Some(Kind::Word(word)) if unit_of(word, STREAKS).is_some());
        (unit && self.number_at(n)).then_some(n)
    }

    /// At least so many days, weeks, months, quarters or years in a row.
    fn streak(&mut self) -> Result<Option<(u32, Period, Zone)>, ParseError> {
        let Some(words) = self.number_of_streak() else {
            return Ok(None);
        };
        (0..words).for_each(|_| drop(self.take()));
        let n = self.whole("wanted.number")?;
        let period = self.unit(STREAKS)?;
        self.need_word(&["in", "a", "row"])?;
        Ok(Some((n, period, self.zone()?)))
    }

    /// An event with tests of its properties, and what is said between its name and them or behind them.
    fn event(
        &mut self,
        mut beside: impl FnMut(&mut Self) -> Result<(), ParseError>,
    ) -> Result<EventMatch, ParseError> {
        if !matches!(self.peek(), Kind::Word(_) | Kind::Text(_)) {
            return Err(self.expected("wanted.event", &[]));
        }
        let name = match self.take() {
            Kind::Word(word) => word.to_owned(),
            Kind::Text(text) => text,
            _ => String::new(),
        };
        beside(self)?;
        let props = if self.accept(&["where"]) {
            self.where_props()?
        } else {
            Vec::new()
        };
        // People say it behind the properties as well.
        beside(self)?;
        Ok(EventMatch { name, props })
    }

    fn sequence(&mut self, first: EventMatch, follows: bool, mut often: Often) -> Result<Expr, ParseError> {
        self.take();
        let then = self.event(|_| Ok(()))?;
        self.need_word(&["within"])?;
        let within_secs = self.secs()?;
        self.only_window(&mut often)?;
        Ok(Expr::Clause(Clause::Sequence {
            first,
            then,
            follows,
            within_secs,
            window: often.window.unwrap_or(Window::Ever),
        }))
    }

    /// The first or the last time that something was done.
    pub(super) fn first_or_last(&mut self, first: bool) -> Result<Expr, ParseError> {
        let mut often = Often::default();
        let event = self.event(|parser| parser.only_window(&mut often))?;
        let window = often.window.unwrap_or(Window::Ever);
        Ok(Expr::Clause(match first {
            true => Clause::FirstDid { event, window },
            false => Clause::LastDid { event, window },
        }))
    }

    /// Whether a clause begins `n` tokens ahead with words that are no key there.
    pub(super) fn begins_clause(&self, n: usize) -> bool {
        let words = |words: &[&str]| self.sees_at(n, words);
        let aggregates = AGGREGATES
            .iter()
            .any(|(of, _)| words(&of.split(' ').collect::<Vec<_>>()));
        let moved = MOVEMENTS.iter().any(|(moved, _)| words(moved));
        words(&["first", "did"]) || words(&["last", "did"]) || aggregates || moved || self.begins_answered(n)
    }

    /// Whether `n` tokens ahead it is asked how many of the last messages were answered.
    pub(super) fn begins_answered(&self, n: usize) -> bool {
        let Some((words, _)) = ANSWERS.iter().find(|(words, _)| self.sees_at(n, words)) else {
            return false;
        };
        let n = n + words.len();
        let many = [&["at", "least"][..], &["at", "most"], &["exactly"], &["none"]];
        let between = self.sees_at(n, &["between"])
            && matches!(self.ahead(n + 1), Some(Kind::Number(_)))
            && self.sees_at(n + 4, &["of"]);
        many.iter().any(|words| self.sees_at(n, words)) || between
    }

    /// How many of the last messages were answered.
    pub(super) fn answered(&mut self) -> Result<Expr, ParseError> {
        let found = ANSWERS.iter().find(|(words, _)| self.accept(words));
        let Some((_, answer)) = found else {
            return Err(self.expected("wanted.condition", &[]));
        };
        let times = match self.accept(&["none"]) {
            true => Some(Times::Exactly(0)),
            false => self.many("wanted.messages")?,
        };
        let Some(times) = times else {
            return Err(self.expected("wanted.messages", &["at", "exactly", "none"]));
        };
        self.need_word(&["of", "the", "last"])?;
        let last = self.whole("wanted.messages")?;
        let words = ["messages", "message", "mails", "mail"];
        if !words.iter().any(|word| self.accept(&[word])) {
            self.need_word(&["messages"])?;
        }
        Ok(Expr::Clause(Clause::Answered {
            answer: *answer,
            times,
            last,
        }))
    }

    /// An aggregate, if its words come next.
    pub(super) fn aggregate(&mut self) -> Result<Option<Expr>, ParseError> {
        let found = AGGREGATES
            .iter()
            .find(|(words, _)| self.accept(&words.split(' ').collect::<Vec<_>>()));
        let Some((_, function)) = found else {
            return Ok(None);
        };
        let prop = self.key("wanted.property")?;
        self.need_word(&["of"])?;
        let mut often = Often::default();
        let mut bound = None;
        let event = self.event(|parser| parser.bound_and_window(&mut bound, &mut often))?;
        let Some(bound) = bound else {
            return Err(self.expected("wanted.bound", &["between", "is"]));
        };
        Ok(Some(Expr::Clause(Clause::Aggregate {
            function: *function,
            prop,
            event,
            bound,
            window: often.window.unwrap_or(Window::Ever),
        })))
    }

    fn bound_and_window(
        &mut self,
        bound: &mut Option<AggregateBound>,
        often: &mut Often,
    ) -> Result<(), ParseError> {
        loop {
            self.only_window(often)?;
            let at = self.at();
            match self.bound()? {
                Some(_) if bound.is_some() => return Err(ParseError::at(at, say("read.bound_twice", &[]))),
                Some(read) => *bound = Some(read),
                None => return Ok(()),
            }
        }
    }

    pub(super) fn sent(&mut self) -> Result<Expr, ParseError> {
        let not = self.accept(&["not"]);
        self.need_word(&["sent"])?;
        let template = if self.accept(&["any", "message"]) {
            None
        } else if matches!(self.peek(), Kind::Text(_)) {
            Some(self.text("wanted.message")?)
        } else {
            return Err(self.expected("wanted.message", &["any"]));
        };
        let mut often = Often::default();
        self.often(&mut often)?;
        let (times, window) = often.read();
        Ok(complement(
            Clause::Sent {
                template,
                times,
                window,
            },
            not,
        ))
    }

    /// Into a segment, journey or step or out of it.
    pub(super) fn moved(&mut self) -> Result<Option<Expr>, ParseError> {
        let Some((_, movement)) = MOVEMENTS.iter().find(|(words, _)| self.accept(words)) else {
            return Ok(None);
        };
        let step = movement.is_of_step().then(|| self.step()).transpose()?;
        let wanted = match movement.is_of_journey() {
            true => "wanted.journey",
            false => "wanted.segment",
        };
        let name = self.text(wanted)?;
        let mut often = Often::default();
        self.often(&mut often)?;
        let (times, window) = often.read();
        Ok(Some(Expr::Clause(Clause::Moved {
            movement: *movement,
            name,
            step,
            times,
            window,
        })))
    }

    fn often(&mut self, often: &mut Often) -> Result<(), ParseError> {
        loop {
            let at = self.at();
            if let Some(read) = self.times()? {
                if often.times.replace(read).is_some() || often.streak.is_some() {
                    return Err(ParseError::at(at, say("read.times_twice", &[])));
                }
            } else if let Some(read) = self.window()? {
                if often.window.replace(read).is_some() {
                    return Err(ParseError::at(at, say("read.time_twice", &[])));
                }
            } else {
                return Ok(());
            }
        }
    }

    /// When, where how often cannot be said.
    fn only_window(&mut self, often: &mut Often) -> Result<(), ParseError> {
        loop {
            let at = self.at();
            match self.window()? {
                Some(_) if often.window.is_some() => {
                    return Err(ParseError::at(at, say("read.time_twice", &[])));
                }
                Some(read) => often.window = Some(read),
                None => return Ok(()),
            }
        }
    }

    /// Whether a number stands `n` tokens ahead.
    fn number_at(&self, n: usize) -> bool {
        let words = ["infinity", "minus", "nan"];
        matches!(self.ahead(n), Some(Kind::Number(_))) || words.iter().any(|word| self.sees_at(n, &[word]))
    }

    /// Whether two whole numbers come next, joined by `and`, with a word behind them that passes.
    fn between_numbers(&self, passes: impl Fn(&str) -> bool) -> bool {
        let number = |n: usize| matches!(self.ahead(n), Some(Kind::Number(_)));
        let behind = |kind: Option<&Kind<'_>>| matches!(kind, Some(Kind::Word(word)) if passes(word));
        self.sees(&["between"])
            && number(1)
            && self.sees_at(2, &["and"])
            && number(3)
            && behind(self.ahead(4))
    }

    fn times(&mut self) -> Result<Option<Times>, ParseError> {
        let numbers = matches!(self.ahead(1), Some(Kind::Number(_))) && !self.between_numbers(is_unit);
        if self.sees(&["between"]) && !numbers || self.number_of_streak().is_some() {
            return Ok(None);
        }
        let times = self.many("wanted.times")?;
        if times.is_some() && !self.accept(&["time"]) {
            self.need_word(&["times"])?;
        }
        Ok(times)
    }

    /// A number of something, or bounds of one.
    pub(super) fn many(&mut self, what: &str) -> Result<Option<Times>, ParseError> {
        if self.accept(&["between"]) {
            let low = self.whole(what)?;
            self.need_word(&["and"])?;
            return Ok(Some(Times::Between(low, self.whole(what)?)));
        }
        let make = if self.accept(&["at", "least"]) {
            Times::AtLeast
        } else if self.accept(&["at", "most"]) {
            Times::AtMost
        } else if self.accept(&["exactly"]) {
            Times::Exactly
        } else {
            return Ok(None);
        };
        Ok(Some(make(self.whole(what)?)))
    }

    fn window(&mut self) -> Result<Option<Window>, ParseError> {
        let between = |from, to| Ok(Some(Window::Between { from, to }));
        if self.accept(&["ever"]) {
            Ok(Some(Window::Ever))
        } else if self.accept(&["at", "any", "time"]) {
            between(None, None)
        } else if self.number_of_streak().is_some() {
            Ok(None)
        } else if self.accept(&["on"]) {
            let day = self.date()?;
            self.days_in_zone(Days::On(day))
        } else if self.accept(&["since"]) {
            match self.day()? {
                Some(day) => self.days_in_zone(Days::Since(day)),
                None => between(Some(self.moment()?), None),
            }
        } else if self.accept(&["before"]) {
            match self.day()? {
                Some(day) => self.days_in_zone(Days::Before(day)),
                None => between(None, Some(self.moment()?)),
            }
        } else if self.accept(&["more", "than"]) {
            let back = self.back()?;
            self.need_word(&["ago"])?;
            match back {
                Back::Secs(secs) => Ok(Some(Window::MoreThanSecsAgo(secs))),
                Back::Months(n) => self.days_in_zone(Days::MoreThanMonthsAgo(n)),
            }
        } else if self.between_numbers(is_unit) {
            self.between_ago()
        } else if self.sees(&["between"]) && !self.number_at(1) {
            self.need_word(&["between"])?;
            let first = self.day()?;
            let from = first.is_none().then(|| self.moment()).transpose()?;
            self.need_word(&["and"])?;
            match first {
                Some(first) => {
                    let last = self.date()?;
                    self.days_in_zone(Days::Between(first, last))
                }
                None => between(from, Some(self.moment()?)),
            }
        } else if self.sees(&["in"]) && !self.sees(&["in", "segment"]) {
            self.need_word(&["in", "the", "last"])?;
            match self.back()? {
                Back::Secs(secs) => Ok(Some(Window::LastSecs(secs))),
                Back::Months(n) => self.days_in_zone(Days::LastMonths(n)),
            }
        } else if let Some(days) = self.period_days() {
            self.days_in_zone(days)
        } else {
            Ok(None)
        }
    }

    fn between_ago(&mut self) -> Result<Option<Window>, ParseError> {
        self.need_word(&["between"])?;
        let at = self.at();
        let first = self.whole("wanted.number")?;
        self.need_word(&["and"])?;
        let second = self.whole("wanted.number")?;
        let unit = self.unit(LONG_UNITS)?;
        self.need_word(&["ago"])?;
        match (unit.times(first, at)?, unit.times(second, at)?) {
            (Back::Months(first), Back::Months(second)) => {
                self.days_in_zone(Days::BetweenMonthsAgo(first, second))
            }
            (Back::Secs(first), Back::Secs(second)) => Ok(Some(Window::BetweenSecsAgo(first, second))),
            _ => Ok(None),
        }
    }

    /// How far back from now.
    fn back(&mut self) -> Result<Back, ParseError> {
        let at = self.at();
        let n = self.whole("wanted.number")?;
        self.unit(LONG_UNITS)?.times(n, at)
    }

    /// A number of units of time, in seconds.
    pub(super) fn secs(&mut self) -> Result<u32, ParseError> {
        let at = self.at();
        let n = self.whole("wanted.number")?;
        in_secs(n, self.unit(UNITS)?, at)
    }

    fn period_days(&mut self) -> Option<Days> {
        if self.accept(&["today"]) {
            return Some(Days::This(Period::Day));
        }
        if self.accept(&["yesterday"]) {
            return Some(Days::Last(Period::Day));
        }
        if let Some(period) = self.period("this") {
            return Some(Days::This(period));
        }
        self.period("last").map(Days::Last)
    }

    /// A period longer than a day, behind the word that says which.
    pub(super) fn period(&mut self, which: &str) -> Option<Period> {
        let found = PERIODS.iter().find(|(word, _)| self.accept(&[which, word]));
        found.map(|(_, period)| *period)
    }

    /// A unit of time in singular or plural.
    pub(super) fn unit<T: Copy>(&mut self, units: &[(&str, T)]) -> Result<T, ParseError> {
        if let Kind::Word(word) = self.peek()
            && let Some(of) = unit_of(word, units)
        {
            self.take();
            return Ok(of);
        }
        let words: Vec<String> = units.iter().map(|(unit, _)| format!("{unit}s")).collect();
        let near: Vec<&str> = words.iter().map(String::as_str).collect();
        Err(self.wants(&words.join(", "), &near))
    }

    fn days_in_zone(&mut self, days: Days) -> Result<Option<Window>, ParseError> {
        let zone = self.zone()?;
        Ok(Some(Window::Days { days, zone }))
    }

    /// A date, if one stands here.
    fn day(&mut self) -> Result<Option<NaiveDate>, ParseError> {
        match self.peek() {
            Kind::Date(_) => self.date().map(Some),
            _ => Ok(None),
        }
    }

    fn moment(&mut self) -> Result<Moment, ParseError> {
        let Kind::Moment(moment) = *self.peek() else {
            return Err(self.expected("wanted.moment", &[]));
        };
        self.take();
        Ok(moment)
    }

    fn where_props(&mut self) -> Result<Vec<PropMatch>, ParseError> {
        if !self.symbol("(") {
            return self.props();
        }
        let props = self.props()?;
        self.need_symbol(")")?;
        Ok(props)
    }

    pub(super) fn props(&mut self) -> Result<Vec<PropMatch>, ParseError> {
        let mut props = Vec::new();
        loop {
            self.count()?;
            let key = self.key("wanted.property")?;
            if self.sees(&["is", "empty"]) {
                return Err(self.expected("wanted.property_test", &[]));
            }
            props.push(PropMatch {
                key,
                test: self.test()?,
            });
            let goes_on = match self.ahead(1) {
                Some(Kind::Key(_)) => true,
                Some(Kind::Word(word)) => !is_reserved(word) && !self.begins_clause(1),
                _ => false,
            };
            if !(goes_on && self.accept(&["and"])) {
                return Ok(props);
            }
        }
    }
}

const UNITS: &[(&str, u32)] = &[
    ("second", 1),
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
    ("week", 604_800),
];

/// What can be done in a row.
const STREAKS: &[(&str, Period)] = &[
    ("day", Period::Day),
    ("week", Period::Week),
    ("month", Period::Month),
    ("quarter", Period::Quarter),
    ("year", Period::Year),
];

/// A time back from now: exact seconds, or months of a calendar.
#[derive(Clone, Copy)]
enum Back {
    Secs(u32),
    Months(u32),
}

impl Back {
    /// So many of this one; `at` is where that is said.
    fn times(self, n: u32, at: usize) -> Result<Back, ParseError> {
        let many = match self {
            Back::Secs(of) => of.checked_mul(n).map(Back::Secs),
            Back::Months(of) => of.checked_mul(n).map(Back::Months),
        };
        many.ok_or_else(|| ParseError::at(at, say("read.time_too_long", &[])))
    }
}

/// [`UNITS`], and those of the calendar.
const LONG_UNITS: &[(&str, Back)] = &[
    ("second", Back::Secs(1)),
    ("minute", Back::Secs(60)),
    ("hour", Back::Secs(3_600)),
    ("day", Back::Secs(86_400)),
    ("week", Back::Secs(604_800)),
    ("month", Back::Months(1)),
    ("year", Back::Months(12)),
];

fn is_unit(word: &str) -> bool {
    unit_of(word, LONG_UNITS).is_some()
}

/// A unit of time in singular or plural.
fn unit_of<T: Copy>(word: &str, units: &[(&str, T)]) -> Option<T> {
    let lower = word.to_ascii_lowercase();
    let single = lower.strip_suffix('s').unwrap_or(&lower);
    units.iter().find(|(unit, _)| *unit == single).map(|(_, of)| *of)
}

fn in_secs(n: u32, unit: u32, at: usize) -> Result<u32, ParseError> {
    n.checked_mul(unit)
        .ok_or_else(|| ParseError::at(at, say("read.time_too_long", &[])))
}

fn complement(clause: Clause, not: bool) -> Expr {
    let clause = Expr::Clause(clause);
    if not { Expr::Not(Box::new(clause)) } else { clause }
}
