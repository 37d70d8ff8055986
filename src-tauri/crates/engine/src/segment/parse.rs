//! Tokens to a tree: recursive descent, bounded in depth, length and number of clauses.

use super::lex::{Kind, Token, tokens};
use super::{MAX_CLAUSES, MAX_DEPTH};
use carillon_model::segment::{Clause, EventMatch, Expr, PropMatch, Times, Window};
use carillon_model::{Moment, segment::Test};
use chrono::NaiveTime;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::print::{BASES, CHANNELS, PURPOSES};

/// What is wrong with a text and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("at byte {at}: {message}")]
#[ts(export)]
pub struct ParseError {
    /// Byte offset in the text; its length when the end came too early.
    #[ts(type = "number")]
    pub at: usize,
    /// What was found, what is expected, and a suggestion where one is near.
    pub message: String,
}

impl ParseError {
    pub(super) fn at(at: usize, message: String) -> ParseError {
        ParseError { at, message }
    }
}

/// Reads an expression.
///
/// # Errors
/// The first place that cannot be read, or a bound of [`super::MAX_TEXT`], [`MAX_DEPTH`], [`MAX_CLAUSES`].
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.or()?;
    parser.end("`and`, `or` or the end")?;
    // Joined lists nest without parentheses, so the tree may be deeper than the text.
    if super::check::depth(&expr) > MAX_DEPTH {
        return Err(ParseError::at(0, too_deep()));
    }
    Ok(expr)
}

/// Reads property tests joined by `and`, as they stand after `where`; an empty text is no test.
///
/// # Errors
/// As [`parse`].
pub fn parse_where(text: &str) -> Result<Vec<PropMatch>, ParseError> {
    let mut parser = Parser::new(text)?;
    if parser.peek() == &Kind::End {
        return Ok(Vec::new());
    }
    let props = parser.props()?;
    parser.end("`and` or the end")?;
    Ok(props)
}

/// Words that begin something and so stand in backquotes as a key.
const RESERVED: &[&str] = &[
    "all", "and", "any", "at", "consent", "did", "everyone", "in", "none", "not", "or", "random", "tag",
    "was", "where",
];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|r| r.eq_ignore_ascii_case(word))
}

fn too_deep() -> String {
    format!("the expression is nested more than {MAX_DEPTH} deep")
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    clauses: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Parser<'a>, ParseError> {
        Ok(Parser {
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
            clauses: 0,
        })
    }

    fn token(&self) -> &Token<'a> {
        // The last token is `End` and is never passed.
        &self.tokens[self.next]
    }

    pub(super) fn at(&self) -> usize {
        self.token().at
    }

    pub(super) fn peek(&self) -> &Kind<'a> {
        &self.token().kind
    }

    pub(super) fn take(&mut self) -> Kind<'a> {
        let kind = self.token().kind.clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        kind
    }

    fn word_ahead(&self, n: usize) -> Option<&'a str> {
        match self.tokens.get(self.next + n)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether these words come next.
    pub(super) fn sees(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(i, wanted)| self.word_ahead(i).is_some_and(|w| w.eq_ignore_ascii_case(wanted)))
    }

    /// Takes these words if all of them come next.
    pub(super) fn accept(&mut self, words: &[&str]) -> bool {
        let seen = self.sees(words);
        if seen {
            self.next += words.len();
        }
        seen
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let seen = matches!(self.peek(), Kind::Symbol(s) if *s == symbol);
        if seen {
            self.take();
        }
        seen
    }

    pub(super) fn need_symbol(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{symbol}`"), &[]))
        }
    }

    pub(super) fn need_word(&mut self, words: &[&str]) -> Result<(), ParseError> {
        for word in words {
            if !self.accept(&[word]) {
                return Err(self.expected(&format!("`{word}`"), &[word]));
            }
        }
        Ok(())
    }

    /// An error at the next token, with the nearest of `words` if the token is nearly one.
    pub(super) fn expected(&self, what: &str, words: &[&str]) -> ParseError {
        let found = match self.peek() {
            Kind::Word(word) => format!("`{word}`"),
            Kind::Key(key) => super::print::key(key),
            Kind::Text(text) => super::print::text(text),
            Kind::Number(number) => (*number).to_owned(),
            Kind::Date(date) => date.to_string(),
            Kind::Moment(moment) => super::print::moment(*moment),
            Kind::Symbol(symbol) => format!("`{symbol}`"),
            Kind::End => "the end".to_owned(),
        };
        let found = if found.chars().count() > 60 {
            found.chars().take(57).collect::<String>() + "..."
        } else {
            found
        };
        let near = match self.peek() {
            Kind::Word(word) => super::check::nearest(word, words.iter().copied()),
            _ => None,
        };
        let hint = near.map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
        ParseError::at(self.token().at, format!("found {found}, expected {what}{hint}"))
    }

    fn end(&self, what: &str) -> Result<(), ParseError> {
        if self.peek() == &Kind::End {
            Ok(())
        } else {
            Err(self.expected(what, &["and", "or"]))
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::at(self.token().at, too_deep()));
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }

    fn or(&mut self) -> Result<Expr, ParseError> {
        self.joined("or", Parser::and, Expr::Any)
    }

    fn and(&mut self) -> Result<Expr, ParseError> {
        self.joined("and", Parser::unary, Expr::All)
    }

    fn joined(
        &mut self,
        word: &str,
        read: fn(&mut Self) -> Result<Expr, ParseError>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, ParseError> {
        let first = read(self)?;
        if !self.sees(&[word]) {
            return Ok(first);
        }
        let mut of = vec![first];
        while self.accept(&[word]) {
            of.push(read(self)?);
        }
        Ok(join(of))
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        if self.accept(&["not"]) {
            return Ok(Expr::Not(Box::new(self.nested(Parser::unary)?)));
        }
        if self.symbol("(") {
            let inner = self.nested(Parser::or)?;
            self.need_symbol(")")?;
            return Ok(inner);
        }
        if self.accept(&["everyone"]) {
            return Ok(Expr::Everyone);
        }
        for (word, join) in [
            ("all", Expr::All as fn(Vec<Expr>) -> Expr),
            ("any", Expr::Any),
            ("none", Expr::None),
        ] {
            if self.accept(&[word]) {
                return Ok(join(self.list()?));
            }
        }
        if self.accept(&["at"]) {
            self.need_word(&["least"])?;
            let k = self.whole("a number of conditions")?;
            self.need_word(&["of"])?;
            return Ok(Expr::AtLeast { k, of: self.list()? });
        }
        self.clause()
    }

    fn list(&mut self) -> Result<Vec<Expr>, ParseError> {
        self.need_symbol("(")?;
        let mut of = Vec::new();
        if self.symbol(")") {
            return Ok(of);
        }
        loop {
            of.push(self.nested(Parser::or)?);
            if self.symbol(")") {
                return Ok(of);
            }
            if !self.symbol(",") {
                return Err(self.expected("`,` or `)`", &["and", "or"]));
            }
        }
    }

    fn clause(&mut self) -> Result<Expr, ParseError> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(ParseError::at(
                self.token().at,
                format!("the expression has more than {MAX_CLAUSES} conditions"),
            ));
        }
        if self.accept(&["tag"]) {
            return Ok(Expr::Clause(Clause::Tag {
                tag: self.text("a tag in quotes")?,
            }));
        }
        if self.accept(&["did"]) {
            return self.did();
        }
        if self.accept(&["was"]) {
            return self.sent();
        }
        if self.accept(&["consent"]) {
            let channel = self.one_of(CHANNELS, "a channel")?;
            let purpose = self.one_of(PURPOSES, "a purpose")?;
            let basis = if self.accept(&["by"]) {
                Some(self.one_of(BASES, "a basis")?)
            } else {
                None
            };
            return Ok(Expr::Clause(Clause::Consent {
                channel,
                purpose,
                basis,
            }));
        }
        if self.accept(&["in"]) {
            self.need_word(&["segment"])?;
            return Ok(Expr::Clause(Clause::InSegment {
                name: self.text("a segment's name in quotes")?,
            }));
        }
        if self.accept(&["random"]) {
            let percent = self.number()?;
            self.need_symbol("%")?;
            let salt = if self.accept(&["of"]) {
                self.text("a text in quotes that names the draw")?
            } else {
                String::new()
            };
            return Ok(Expr::Clause(Clause::Sample { percent, salt }));
        }
        let key = self.key("a condition, like `city is \"Bonn\"`, `tag \"vip\"` or `did order`")?;
        if self.accept(&["is", "empty"]) {
            return Ok(Expr::Not(Box::new(Expr::Clause(Clause::Field {
                key,
                test: Test::Known,
            }))));
        }
        let test = self.test()?;
        Ok(Expr::Clause(Clause::Field { key, test }))
    }

    fn key(&mut self, what: &str) -> Result<String, ParseError> {
        match self.peek() {
            Kind::Key(_) => {}
            Kind::Word(word) if !is_reserved(word) => {}
            _ => return Err(self.expected(what, RESERVED)),
        }
        match self.take() {
            Kind::Word(word) => Ok(word.to_owned()),
            Kind::Key(key) => Ok(key),
            _ => Err(self.expected(what, &[])),
        }
    }

    fn did(&mut self) -> Result<Expr, ParseError> {
        let not = self.accept(&["not"]);
        if !matches!(self.peek(), Kind::Word(_) | Kind::Text(_)) {
            return Err(self.expected("the name of an event", &[]));
        }
        let name = match self.take() {
            Kind::Word(word) => word.to_owned(),
            Kind::Text(text) => text,
            _ => String::new(),
        };
        let (times, window) = self.often()?;
        let props = if self.accept(&["where"]) {
            self.where_props()?
        } else {
            Vec::new()
        };
        let clause = Clause::Did {
            event: EventMatch { name, props },
            times,
            window,
        };
        Ok(complement(clause, not))
    }

    fn sent(&mut self) -> Result<Expr, ParseError> {
        let not = self.accept(&["not"]);
        self.need_word(&["sent"])?;
        let template = if self.accept(&["any", "message"]) {
            None
        } else if matches!(self.peek(), Kind::Text(_)) {
            Some(self.text("a template")?)
        } else {
            return Err(self.expected("`any message` or a template's key in quotes", &["any"]));
        };
        let (times, window) = self.often()?;
        Ok(complement(
            Clause::Sent {
                template,
                times,
                window,
            },
            not,
        ))
    }

    fn often(&mut self) -> Result<(Times, Window), ParseError> {
        let (mut times, mut window) = (None, None);
        loop {
            let at = self.token().at;
            if let Some(read) = self.times()? {
                if times.replace(read).is_some() {
                    return Err(ParseError::at(at, "the number of times is said twice".to_owned()));
                }
            } else if let Some(read) = self.window()? {
                if window.replace(read).is_some() {
                    return Err(ParseError::at(at, "the time is said twice".to_owned()));
                }
            } else {
                return Ok((times.unwrap_or(Times::AtLeast(1)), window.unwrap_or(Window::Ever)));
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
        let n = self.whole("a number of times")?;
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
        } else if self.accept(&["since"]) {
            between(Some(self.moment()?), None)
        } else if self.accept(&["before"]) {
            between(None, Some(self.moment()?))
        } else if self.accept(&["between"]) {
            let from = self.moment()?;
            self.need_word(&["and"])?;
            between(Some(from), Some(self.moment()?))
        } else if self.sees(&["in"]) && !self.sees(&["in", "segment"]) {
            self.need_word(&["in", "the", "last"])?;
            let at = self.token().at;
            let n = self.whole("a number")?;
            const UNITS: &[(&str, u32)] = &[
                ("second", 1),
                ("minute", 60),
                ("hour", 3_600),
                ("day", 86_400),
                ("week", 604_800),
            ];
            let secs = n.checked_mul(self.unit(UNITS)?);
            let secs =
                secs.ok_or_else(|| ParseError::at(at, "the time is longer than 49,710 days".to_owned()))?;
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
        Err(self.expected(&words.join(", "), &near))
    }

    fn moment(&mut self) -> Result<Moment, ParseError> {
        match self.peek() {
            Kind::Moment(moment) => {
                let moment = *moment;
                self.take();
                Ok(moment)
            }
            Kind::Date(date) => {
                let moment = date.and_time(NaiveTime::MIN).and_utc();
                self.take();
                Ok(moment)
            }
            _ => Err(self.expected("a moment like 2026-01-31T09:30:00Z", &[])),
        }
    }

    fn where_props(&mut self) -> Result<Vec<PropMatch>, ParseError> {
        if !self.symbol("(") {
            return self.props();
        }
        let props = self.props()?;
        self.need_symbol(")")?;
        Ok(props)
    }

    fn props(&mut self) -> Result<Vec<PropMatch>, ParseError> {
        let mut props = Vec::new();
        loop {
            self.clauses += 1;
            if self.clauses > MAX_CLAUSES {
                let message = format!("the expression has more than {MAX_CLAUSES} conditions");
                return Err(ParseError::at(self.token().at, message));
            }
            let key = self.key("a property of the event")?;
            if self.sees(&["is", "empty"]) {
                return Err(self.expected(
                    "a test of a value the event has; `is empty` stands for fields only",
                    &[],
                ));
            }
            props.push(PropMatch {
                key,
                test: self.test()?,
            });
            let goes_on = match self.tokens.get(self.next + 1).map(|t| &t.kind) {
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
