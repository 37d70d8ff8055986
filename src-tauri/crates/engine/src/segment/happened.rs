//! Reading what happened: events and messages, how often and when.

use super::lex::Kind;
use super::parse::{ParseError, Parser, is_reserved};
use super::words::say;
use carillon_model::Moment;
use carillon_model::segment::{Clause, Days, EventMatch, Expr, PropMatch, Times, Window};
use chrono::NaiveDate;

/// What was said so far of how often and when.
#[derive(Default)]
struct Often {
    times: Option<Times>,
    window: Option<Window>,
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
        if !matches!(self.peek(), Kind::Word(_) | Kind::Text(_)) {
            return Err(self.expected("wanted.event", &[]));
        }
        let name = match self.take() {
            Kind::Word(word) => word.to_owned(),
            Kind::Text(text) => text,
            _ => String::new(),
        };
        let mut often = Often::default();
        self.often(&mut often)?;
        let props = if self.accept(&["where"]) {
            self.where_props()?
        } else {
            Vec::new()
        };
        // People say it behind the properties as well.
        self.often(&mut often)?;
        let (times, window) = often.read();
        let clause = Clause::Did {
            event: EventMatch { name, props },
            times,
            window,
        };
        Ok(complement(clause, not))
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

    fn often(&mut self, often: &mut Often) -> Result<(), ParseError> {
        loop {
            let at = self.at();
            if let Some(read) = self.times()? {
                if often.times.replace(read).is_some() {
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

    fn times(&mut self) -> Result<Option<Times>, ParseError> {
        let make = if self.accept(&["at", "least"]) {
            Times::AtLeast
        } else if self.accept(&["at", "most"]) {
            Times::AtMost
        } else if self.accept(&["exactly"]) {
            Times::Exactly
        } else {
            return Ok(None);
        };
        let n = self.whole("wanted.times")?;
        if !self.accept(&["times"]) {
            self.need_word(&["time"])?;
        }
        Ok(Some(make(n)))
    }

    fn window(&mut self) -> Result<Option<Window>, ParseError> {
        let between = |from, to| Ok(Some(Window::Between { from, to }));
        if self.accept(&["ever"]) {
            Ok(Some(Window::Ever))
        } else if self.accept(&["at", "any", "time"]) {
            between(None, None)
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
        } else if self.accept(&["between"]) {
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
            let at = self.at();
            let n = self.whole("wanted.number")?;
            const UNITS: &[(&str, u32)] = &[
                ("second", 1),
                ("minute", 60),
                ("hour", 3_600),
                ("day", 86_400),
                ("week", 604_800),
            ];
            let secs = n.checked_mul(self.unit(UNITS)?);
            let secs = secs.ok_or_else(|| ParseError::at(at, say("read.time_too_long", &[])))?;
            Ok(Some(Window::LastSecs(secs)))
        } else {
            Ok(None)
        }
    }

    /// A unit of time in singular or plural.
    pub(super) fn unit(&mut self, units: &[(&str, u32)]) -> Result<u32, ParseError> {
        if let Kind::Word(word) = self.peek() {
            let lower = word.to_ascii_lowercase();
            let single = lower.strip_suffix('s').unwrap_or(&lower);
            if let Some((_, of)) = units.iter().find(|(unit, _)| *unit == single) {
                let of = *of;
                self.take();
                return Ok(of);
            }
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
                Some(Kind::Word(word)) => !is_reserved(word),
                _ => false,
            };
            if !(goes_on && self.accept(&["and"])) {
                return Ok(props);
            }
        }
    }
}

fn complement(clause: Clause, not: bool) -> Expr {
    let clause = Expr::Clause(clause);
    if not { Expr::Not(Box::new(clause)) } else { clause }
}
