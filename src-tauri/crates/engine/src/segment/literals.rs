//! Reading tests and the values in them.

use super::lex::Kind;
use super::parse::{ParseError, Parser};
use super::values::against;
use super::vocabulary::ORDERS;
use super::words::say;
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::segment::{AggregateBound, Compare, DateTest, FieldOrder, Test};

/// A number or an amount, whichever stands there.
enum Amount {
    Number(f64),
    Money(Money),
}

impl Amount {
    fn compare(self, number: fn(f64) -> Compare<f64>, money: fn(Money) -> Compare<Money>) -> Test {
        match self {
            Amount::Number(n) => Test::Number(number(n)),
            Amount::Money(m) => Test::Money(money(m)),
        }
    }
}

pub(super) const TESTS: &[&str] = &[
    "is",
    "contains",
    "starts",
    "ends",
    "has",
    "on",
    "before",
    "after",
    "between",
    "in",
    "more",
    "anniversary",
    "equals",
    "this",
    "last",
    "next",
    "today",
    "yesterday",
    "tomorrow",
    "does",
    "matches",
    "domain",
    "not",
    "rose",
    "fell",
];

impl<'a> Parser<'a> {
    fn digits(&self) -> Option<&'a str> {
        match *self.peek() {
            Kind::Number(digits) => Some(digits),
            _ => None,
        }
    }

    /// A sign of comparison, if one comes next.
    fn order(&mut self) -> Option<FieldOrder> {
        let found = ORDERS.iter().find(|(sign, _)| self.symbol(sign));
        found.map(|(_, order)| *order)
    }

    fn compared(&mut self, order: FieldOrder) -> Result<Test, ParseError> {
        Ok(match self.amount()? {
            Amount::Number(n) => Test::Number(against(order, n)),
            Amount::Money(m) => Test::Money(against(order, m)),
        })
    }

    pub(super) fn test(&mut self) -> Result<Test, ParseError> {
        if let Some(order) = self.order() {
            if self.at_number() || !matches!(self.peek(), Kind::Word(_) | Kind::Key(_)) {
                return self.compared(order);
            }
            let key = self.key("wanted.number")?;
            return Ok(Test::Field { order, key });
        }
        if self.accept(&["is"]) {
            return self.is();
        }
        if self.accept(&["contains"]) {
            return Ok(Test::Contains(self.text("wanted.text")?));
        }
        if self.accept(&["starts"]) {
            self.need_word(&["with"])?;
            return Ok(Test::StartsWith(self.text("wanted.text")?));
        }
        if self.accept(&["ends"]) {
            self.need_word(&["with"])?;
            return Ok(Test::EndsWith(self.text("wanted.text")?));
        }
        if self.accept(&["does"]) {
            self.need_word(&["not"])?;
            return self.does_not();
        }
        if self.accept(&["matches"]) {
            return Ok(Test::Matches(self.text("wanted.text")?));
        }
        if self.accept(&["domain"]) {
            self.need_word(&["is"])?;
            return Ok(Test::Domain(if self.accept(&["any", "of"]) {
                self.texts()?
            } else {
                vec![self.text("wanted.text")?]
            }));
        }
        if self.accept(&["has"]) {
            return self.has();
        }
        if self.accept(&["equals"]) {
            return Ok(Test::Equals(self.value()?));
        }
        if self.accept(&["between"]) {
            return self.between();
        }
        if self.accept(&["not", "between"]) {
            return Ok(apart(self.amounts_between()?));
        }
        self.dated()
    }

    /// A test of a date, and whose calendar it is of.
    pub(super) fn dated(&mut self) -> Result<Test, ParseError> {
        if self.accept(&["between"]) {
            return self.days_between();
        }
        let when = self.date_test()?;
        Ok(Test::Date {
            when,
            zone: self.zone()?,
        })
    }

    fn does_not(&mut self) -> Result<Test, ParseError> {
        let make = if self.accept(&["contain"]) {
            Test::NotContains
        } else if self.accept(&["start"]) {
            self.need_word(&["with"])?;
            Test::NotStartsWith
        } else if self.accept(&["end"]) {
            self.need_word(&["with"])?;
            Test::NotEndsWith
        } else if self.accept(&["match"]) {
            Test::NotMatches
        } else {
            return Err(self.expected("wanted.does_not", &["contain", "start", "end", "match"]));
        };
        Ok(make(self.text("wanted.text")?))
    }

    fn has(&mut self) -> Result<Test, ParseError> {
        if self.accept(&["any", "of"]) {
            return Ok(Test::HasAny(self.texts()?.into_iter().collect()));
        }
        if self.accept(&["all", "of"]) {
            return Ok(Test::HasAll(self.texts()?.into_iter().collect()));
        }
        if self.sees(&["exactly"]) && matches!(self.ahead(1), Some(Kind::Symbol("("))) {
            self.need_word(&["exactly"])?;
            return Ok(Test::HasExactly(self.texts()?.into_iter().collect()));
        }
        let Some(many) = self.many("wanted.number")? else {
            return Ok(Test::HasAny([self.text("wanted.has")?].into()));
        };
        if self.accept(&["options"]) || self.accept(&["option"]) {
            Ok(Test::Options(many))
        } else if self.accept(&["characters"]) || self.accept(&["character"]) {
            Ok(Test::Characters(many))
        } else {
            Err(self.expected("wanted.parts", &["options", "characters"]))
        }
    }

    fn is(&mut self) -> Result<Test, ParseError> {
        if self.accept(&["known"]) {
            return Ok(Test::Known);
        }
        if self.accept(&["any", "of"]) {
            return Ok(Test::Is(self.texts()?));
        }
        if self.accept(&["none", "of"]) {
            return Ok(Test::IsNot(self.texts()?));
        }
        if let Some(b) = self.yes_no() {
            return Ok(Test::YesNo(b));
        }
        let period = self.period_test();
        if period.is_some() || matches!(self.peek(), Kind::Date(_)) {
            let when = period.map_or_else(|| self.date().map(DateTest::On), Ok)?;
            let zone = self.zone()?;
            return Ok(Test::Date { when, zone });
        }
        if self.accept(&["free", "mail"]) {
            return Ok(Test::FreeMail);
        }
        if self.accept(&["a", "role", "account"]) {
            return Ok(Test::RoleAccount);
        }
        if self.accept(&["a", "multiple", "of"]) {
            return Ok(Test::MultipleOf(self.number()?));
        }
        let not = self.accept(&["not"]);
        if self.accept(&["nearly"]) {
            let text = self.text("wanted.text")?;
            return Ok(if not {
                Test::NotNearly(text)
            } else {
                Test::Nearly(text)
            });
        }
        if self.accept(&["like"]) {
            let pattern = self.text("wanted.text")?;
            return Ok(if not {
                Test::NotLike(pattern)
            } else {
                Test::Like(pattern)
            });
        }
        if self.at_number() {
            let amount = self.amount()?;
            return Ok(if not {
                amount.compare(Compare::Ne, Compare::Ne)
            } else {
                amount.compare(Compare::Eq, Compare::Eq)
            });
        }
        if !matches!(self.peek(), Kind::Text(_)) {
            let words = &[
                "known", "empty", "yes", "no", "any", "none", "not", "like", "nearly", "free",
            ];
            return Err(self.expected("wanted.is", words));
        }
        let list = vec![self.text("wanted.text")?];
        Ok(if not { Test::IsNot(list) } else { Test::Is(list) })
    }

    fn days_between(&mut self) -> Result<Test, ParseError> {
        let from = self.date()?;
        self.need_word(&["and"])?;
        let when = DateTest::Between(from, self.date()?);
        Ok(Test::Date {
            when,
            zone: self.zone()?,
        })
    }

    fn between(&mut self) -> Result<Test, ParseError> {
        if matches!(self.peek(), Kind::Date(_)) {
            return self.days_between();
        }
        self.amounts_between()
    }

    fn amounts_between(&mut self) -> Result<Test, ParseError> {
        let low = self.amount()?;
        self.need_word(&["and"])?;
        let second = self.expected("wanted.both_ends", &[]);
        match (low, self.amount()?) {
            (Amount::Number(low), Amount::Number(high)) => Ok(Test::Number(Compare::Between(low, high))),
            (Amount::Money(low), Amount::Money(high)) => Ok(Test::Money(Compare::Between(low, high))),
            _ => Err(second),
        }
    }

    /// The bound of an aggregate, if one comes next.
    pub(super) fn bound(&mut self) -> Result<Option<AggregateBound>, ParseError> {
        let made = if let Some(order) = self.order() {
            self.compared(order)?
        } else if self.accept(&["between"]) {
            self.amounts_between()?
        } else if self.accept(&["not", "between"]) {
            apart(self.amounts_between()?)
        } else if self.accept(&["is"]) {
            let words = [
                (
                    ["at", "least"],
                    Compare::Ge as fn(f64) -> _,
                    Compare::Ge as fn(Money) -> _,
                ),
                (["at", "most"], Compare::Le, Compare::Le),
                (["more", "than"], Compare::Gt, Compare::Gt),
                (["less", "than"], Compare::Lt, Compare::Lt),
            ];
            let Some((_, number, money)) = words.into_iter().find(|(words, ..)| self.accept(words)) else {
                return Err(self.expected("wanted.bound", &["at", "more", "less"]));
            };
            self.amount()?.compare(number, money)
        } else {
            return Ok(None);
        };
        Ok(match made {
            Test::Number(compare) => Some(AggregateBound::Number(compare)),
            Test::Money(compare) => Some(AggregateBound::Money(compare)),
            _ => None,
        })
    }

    fn value(&mut self) -> Result<Value, ParseError> {
        if self.accept(&["option"]) {
            return Ok(Value::Choice(self.text("wanted.option")?));
        }
        if let Some(b) = self.yes_no() {
            return Ok(Value::YesNo(b));
        }
        if self.at_number() {
            return Ok(match self.amount()? {
                Amount::Number(n) => Value::Number(n),
                Amount::Money(m) => Value::Money(m),
            });
        }
        match *self.peek() {
            Kind::Text(_) => Ok(Value::Text(self.text("wanted.text")?)),
            Kind::Symbol("(") => Ok(Value::MultiChoice(self.texts()?.into_iter().collect())),
            Kind::Date(date) => {
                self.take();
                Ok(Value::Date(date))
            }
            Kind::Moment(moment) => {
                self.take();
                Ok(Value::DateTime(moment))
            }
            _ => Err(self.expected("wanted.value", &["option", "yes", "no"])),
        }
    }

    fn yes_no(&mut self) -> Option<bool> {
        let yes = self.accept(&["yes"]) || self.accept(&["true"]);
        let no = !yes && (self.accept(&["no"]) || self.accept(&["false"]));
        (yes || no).then_some(yes)
    }

    fn at_number(&self) -> bool {
        matches!(self.peek(), Kind::Number(_))
            || ["infinity", "minus", "nan"].iter().any(|word| self.sees(&[word]))
    }

    fn amount(&mut self) -> Result<Amount, ParseError> {
        let at = self.at();
        let Some(digits) = self.digits() else {
            return Ok(Amount::Number(self.number()?));
        };
        let number = self.number()?;
        let Some(currency) = self.currency() else {
            return Ok(Amount::Number(number));
        };
        match minor(digits, currency) {
            Some(minor) => Ok(Amount::Money(Money { minor, currency })),
            None => Err(ParseError::at(
                at,
                say(
                    "read.no_amount",
                    &[
                        ("digits", &digits),
                        ("currency", &currency),
                        ("places", &currency.digits()),
                    ],
                ),
            )),
        }
    }

    /// The code of a currency, if one comes next.
    pub(super) fn currency(&mut self) -> Option<Currency> {
        let code = match self.peek() {
            Kind::Word(word) if !word.eq_ignore_ascii_case("and") => Currency::parse(word),
            Kind::Text(text) => Currency::parse(text),
            _ => None,
        }?;
        self.take();
        Some(code)
    }

    /// A number, as the nearest double.
    pub(super) fn number(&mut self) -> Result<f64, ParseError> {
        if self.accept(&["infinity"]) {
            return Ok(f64::INFINITY);
        }
        if self.accept(&["minus", "infinity"]) {
            return Ok(f64::NEG_INFINITY);
        }
        if self.accept(&["nan"]) {
            return Ok(f64::NAN);
        }
        let Kind::Number(digits) = *self.peek() else {
            return Err(self.expected("wanted.number", &[]));
        };
        let number = digits.parse::<f64>().ok().filter(|n| n.is_finite());
        let number = number.ok_or_else(|| self.expected("wanted.smaller_number", &[]))?;
        self.take();
        Ok(number)
    }

    /// A whole number from 0 to 4,294,967,295.
    pub(super) fn whole(&mut self, what: &str) -> Result<u32, ParseError> {
        let read = match self.peek() {
            Kind::Number(digits) => digits.parse::<u32>().ok(),
            _ => None,
        };
        let n = read.ok_or_else(|| {
            let what = say(what, &[]);
            self.wants(&say("wanted.whole", &[("what", &what), ("most", &u32::MAX)]), &[])
        })?;
        self.take();
        Ok(n)
    }

    pub(super) fn text(&mut self, what: &str) -> Result<String, ParseError> {
        if !matches!(self.peek(), Kind::Text(_)) {
            return Err(self.expected(what, &[]));
        }
        match self.take() {
            Kind::Text(text) => Ok(text),
            _ => Ok(String::new()),
        }
    }

    fn texts(&mut self) -> Result<Vec<String>, ParseError> {
        self.need_symbol("(")?;
        let mut list = Vec::new();
        if self.symbol(")") {
            return Ok(list);
        }
        loop {
            list.push(self.text("wanted.text")?);
            if self.symbol(")") {
                return Ok(list);
            }
            self.need_symbol(",")?;
        }
    }

    pub(super) fn one_of<T: Copy>(&mut self, words: &[(&str, T)], what: &str) -> Result<T, ParseError> {
        let found = words.iter().find(|(word, _)| self.sees(&[word]));
        if let Some((_, value)) = found {
            self.take();
            return Ok(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.wants(&say(what, &[("words", &names.join(", "))]), &names))
    }
}

/// What lies between two ends, turned over.
fn apart(between: Test) -> Test {
    match between {
        Test::Number(Compare::Between(low, high)) => Test::Number(Compare::NotBetween(low, high)),
        Test::Money(Compare::Between(low, high)) => Test::Money(Compare::NotBetween(low, high)),
        other => other,
    }
}

/// Decimal digits as minor units; `None` if they are too many, too fine or written with an exponent.
fn minor(digits: &str, currency: Currency) -> Option<i64> {
    let (negative, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let places = currency.digits() as usize;
    if part.len() > places || !part.bytes().chain(whole.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: i128 = format!("{whole}{part:0<places$}").parse().ok()?;
    i64::try_from(if negative { -amount } else { amount }).ok()
}
