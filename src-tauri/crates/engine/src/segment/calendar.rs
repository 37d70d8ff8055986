//! Reading tests of dates.

use super::lex::Kind;
use super::literals::TESTS;
use super::parse::{ParseError, Parser};
use super::vocabulary::{BESIDE, MONTHS, WEEKDAYS};
use carillon_model::segment::{Beside, DateTest, Period, Zone};
use chrono::NaiveDate;

impl Parser<'_> {
    pub(super) fn date_test(&mut self) -> Result<DateTest, ParseError> {
        if let Some(when) = self.period_test() {
            return Ok(when);
        }
        let weekday = WEEKDAYS.iter().find(|(word, _)| self.accept(&["on", "a", word]));
        if let Some((_, day)) = weekday {
            return Ok(DateTest::Weekday(*day));
        }
        let month = MONTHS.iter().find(|(word, _)| self.accept(&["in", word]));
        if let Some((_, month)) = month {
            return Ok(DateTest::Month(*month));
        }
        if self.sees(&["on", "day"]) && matches!(self.ahead(2), Some(Kind::Number(_))) {
            self.need_word(&["on", "day"])?;
            return self.day_of_month();
        }
        let beside = BESIDE.iter().find(|(word, _)| self.accept(&[word]));
        if let Some((_, order)) = beside {
            return self.beside(*order);
        }
        if self.accept(&["in", "the", "last"]) {
            self.days_or_months(DateTest::InLastDays, DateTest::InLastMonths)
        } else if self.accept(&["in", "the", "next"]) {
            self.days_or_months(DateTest::InNextDays, DateTest::InNextMonths)
        } else if self.accept(&["more", "than"]) {
            let n = self.days()?;
            if self.accept(&["ago"]) {
                Ok(DateTest::MoreThanDaysAgo(n))
            } else if self.accept(&["ahead"]) {
                Ok(DateTest::MoreThanDaysAhead(n))
            } else {
                Err(self.expected("wanted.ago_ahead", &["ago", "ahead"]))
            }
        } else if self.accept(&["anniversary"]) {
            self.anniversary()
        } else {
            Err(self.expected("wanted.test", TESTS))
        }
    }

    fn anniversary(&mut self) -> Result<DateTest, ParseError> {
        if self.accept(&["today"]) {
            Ok(DateTest::AnniversaryInDays(0))
        } else if self.accept(&["within"]) {
            Ok(DateTest::AnniversaryWithinDays(self.days()?))
        } else if self.accept(&["in", "the", "last"]) {
            Ok(DateTest::AnniversaryInLastDays(self.days()?))
        } else if self.accept(&["in", "the", "next"]) {
            Ok(DateTest::AnniversaryInNextDays(self.days()?))
        } else if self.accept(&["in"]) {
            Ok(DateTest::AnniversaryInDays(self.days()?))
        } else if matches!(self.peek(), Kind::Number(_)) {
            let n = self.days()?;
            self.need_word(&["ago"])?;
            Ok(DateTest::AnniversaryDaysAgo(n))
        } else {
            Err(self.expected("wanted.anniversary", &["within", "in", "today"]))
        }
    }

    fn day_of_month(&mut self) -> Result<DateTest, ParseError> {
        let wrong = self.expected("wanted.day_of_month", &[]);
        let day = u8::try_from(self.whole("wanted.day_of_month")?).ok();
        let day = day.filter(|day| (1..=31).contains(day)).ok_or(wrong)?;
        if self.accept(&["of"]) {
            self.need_word(&["the", "month"])?;
        }
        Ok(DateTest::DayOfMonth(day))
    }

    /// A date, or another field's, on some side of which a date lies.
    fn beside(&mut self, order: Beside) -> Result<DateTest, ParseError> {
        if !matches!(self.peek(), Kind::Word(_) | Kind::Key(_)) {
            let date = self.date()?;
            return Ok(match order {
                Beside::Before => DateTest::Before(date),
                Beside::On => DateTest::On(date),
                Beside::After => DateTest::After(date),
            });
        }
        let key = self.key("wanted.date")?;
        let sign: i64 = if self.accept(&["plus"]) {
            1
        } else if self.accept(&["minus"]) {
            -1
        } else {
            0
        };
        let mut plus_days = 0;
        if sign != 0 {
            let too_long = self.expected("wanted.fewer_days", &[]);
            plus_days = i32::try_from(sign * i64::from(self.days()?)).map_err(|_| too_long)?;
        }
        Ok(DateTest::Beside {
            order,
            key,
            plus_days,
        })
    }

    /// A period of the calendar, seen from today.
    pub(super) fn period_test(&mut self) -> Option<DateTest> {
        let days: [(&str, DateTest); 3] = [
            ("today", DateTest::This(Period::Day)),
            ("yesterday", DateTest::Last(Period::Day)),
            ("tomorrow", DateTest::Next(Period::Day)),
        ];
        for (word, when) in days {
            if self.accept(&[word]) {
                return Some(when);
            }
        }
        for (word, make) in [
            ("this", DateTest::This as fn(Period) -> DateTest),
            ("last", DateTest::Last),
            ("next", DateTest::Next),
        ] {
            if let Some(period) = self.period(word) {
                return Some(make(period));
            }
        }
        None
    }

    /// A number of days, said in days or weeks.
    fn days(&mut self) -> Result<u32, ParseError> {
        let too_long = self.expected("wanted.fewer_days", &[]);
        let n = self.whole("wanted.days")?;
        n.checked_mul(self.unit(&[("day", 1), ("week", 7)])?)
            .ok_or(too_long)
    }

    /// A number of days, or of months.
    fn days_or_months(
        &mut self,
        days: fn(u32) -> DateTest,
        months: fn(u32) -> DateTest,
    ) -> Result<DateTest, ParseError> {
        let too_long = self.expected("wanted.fewer_days", &[]);
        let n = self.whole("wanted.days")?;
        // The sizes tell the kinds of units apart.
        let unit = self.unit(&[("day", 1), ("week", 7), ("month", 100), ("year", 1_200)])?;
        let made = match unit {
            1 | 7 => n.checked_mul(unit).map(days),
            _ => n.checked_mul(unit / 100).map(months),
        };
        made.ok_or(too_long)
    }

    pub(super) fn zone(&mut self) -> Result<Zone, ParseError> {
        if self.accept(&["in", "zone"]) {
            return Ok(Zone::Named(self.text("wanted.zone")?));
        }
        for (words, zone) in [
            (["in", "contact's", "zone"], Zone::Contact),
            (["in", "contact’s", "zone"], Zone::Contact),
            (["in", "workspace's", "zone"], Zone::Workspace),
            (["in", "workspace’s", "zone"], Zone::Workspace),
        ] {
            if self.accept(&words) {
                return Ok(zone);
            }
        }
        Ok(Zone::Workspace)
    }

    pub(super) fn date(&mut self) -> Result<NaiveDate, ParseError> {
        let Kind::Date(date) = *self.peek() else {
            return Err(self.expected("wanted.date", &[]));
        };
        self.take();
        Ok(date)
    }
}
