//! Tokens to a tree: recursive descent, bounded in depth, length and number of clauses.

use super::changed::changed_key;
use super::lex::{Kind, Token, tokens};
use super::{MAX_CLAUSES, MAX_DEPTH};
use carillon_model::StepId;
use carillon_model::segment::{Clause, Expr, PropMatch, Test};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::vocabulary::{BASES, CHANNELS, PURPOSES};
use super::words::say;
use std::ops::Range;

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
    parse_located(text).map(|(expr, _)| expr)
}

/// Reads an expression, with the bytes at which each of its clauses stands, in order.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_located(text: &str) -> Result<(Expr, Vec<Range<usize>>), ParseError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.or()?;
    parser.end("wanted.and_or_end")?;
    // Joined lists nest without parentheses, so the tree may be deeper than the text.
    if super::check::depth(&expr) > MAX_DEPTH {
        return Err(ParseError::at(0, too_deep()));
    }
    Ok((expr, parser.places))
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
    parser.end("wanted.and_end")?;
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
    say("read.too_deep", &[("most", &MAX_DEPTH)])
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    clauses: usize,
    /// Where each clause stands.
    places: Vec<Range<usize>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Parser<'a>, ParseError> {
        Ok(Parser {
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
            clauses: 0,
            places: Vec::new(),
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

    /// The token `n` behind the next one.
    pub(super) fn ahead(&self, n: usize) -> Option<&Kind<'a>> {
        self.tokens.get(self.next + n).map(|token| &token.kind)
    }

    fn word_ahead(&self, n: usize) -> Option<&'a str> {
        match self.ahead(n)? {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether these words come next.
    pub(super) fn sees(&self, words: &[&str]) -> bool {
        self.sees_at(0, words)
    }

    /// Whether these words come `n` tokens ahead.
    pub(super) fn sees_at(&self, n: usize, words: &[&str]) -> bool {
        let same = |(i, wanted): (usize, &&str)| {
            self.word_ahead(n + i)
                .is_some_and(|w| w.eq_ignore_ascii_case(wanted))
        };
        words.iter().enumerate().all(same)
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
            Err(self.expected_sign(symbol, &[]))
        }
    }

    pub(super) fn need_word(&mut self, words: &[&str]) -> Result<(), ParseError> {
        for word in words {
            if !self.accept(&[word]) {
                return Err(self.expected_sign(word, &[word]));
            }
        }
        Ok(())
    }

    /// An error at the next token that names what is wanted by its key, with the nearest of `words` if the token is
    /// nearly one.
    pub(super) fn expected(&self, wanted: &str, words: &[&str]) -> ParseError {
        self.wants(&say(wanted, &[]), words)
    }

    fn expected_sign(&self, sign: &str, words: &[&str]) -> ParseError {
        self.wants(&format!("`{sign}`"), words)
    }

    pub(super) fn wants(&self, what: &str, words: &[&str]) -> ParseError {
        let found = match self.peek() {
            Kind::Word(word) => format!("`{word}`"),
            Kind::Key(key) => super::print::key(key),
            Kind::Text(text) => super::print::text(text),
            Kind::Number(number) => (*number).to_owned(),
            Kind::Date(date) => date.to_string(),
            Kind::Moment(moment) => super::print::moment(*moment),
            Kind::Symbol(symbol) => format!("`{symbol}`"),
            Kind::End => say("wanted.the_end", &[]),
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
        let message = say("read.expected", &[("found", &found), ("what", &what)]);
        let message = match near {
            Some(word) => say("read.near", &[("message", &message), ("word", &word)]),
            None => message,
        };
        ParseError::at(self.token().at, message)
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
        if !self.sees(&["at", "step"]) && self.accept(&["at"]) {
            self.need_word(&["least"])?;
            let k = self.whole("wanted.conditions")?;
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
                return Err(self.expected("wanted.comma", &["and", "or"]));
            }
        }
    }

    /// One more condition, if there may be one.
    pub(super) fn count(&mut self) -> Result<(), ParseError> {
        self.clauses += 1;
        if self.clauses <= MAX_CLAUSES {
            return Ok(());
        }
        let message = say("read.too_many", &[("most", &MAX_CLAUSES)]);
        Err(ParseError::at(self.at(), message))
    }

    fn clause(&mut self) -> Result<Expr, ParseError> {
        self.count()?;
        let start = self.at();
        let clause = self.unplaced()?;
        let end = self.tokens[self.next.saturating_sub(1)].end;
        self.places.push(start..end.max(start));
        Ok(clause)
    }

    fn unplaced(&mut self) -> Result<Expr, ParseError> {
        if self.accept(&["tag"]) {
            return Ok(Expr::Clause(Clause::Tag {
                tag: self.text("wanted.tag")?,
            }));
        }
        if self.accept(&["did"]) {
            return self.did();
        }
        if self.accept(&["was"]) {
            return self.sent();
        }
        if self.accept(&["consent"]) {
            let channel = self.one_of(CHANNELS, "wanted.channel")?;
            let purpose = self.one_of(PURPOSES, "wanted.purpose")?;
            let basis = if self.accept(&["by"]) {
                Some(self.one_of(BASES, "wanted.basis")?)
            } else {
                None
            };
            return Ok(Expr::Clause(Clause::Consent {
                channel,
                purpose,
                basis,
            }));
        }
        if self.accept(&["in", "journey"]) {
            return Ok(Expr::Clause(Clause::InJourney {
                name: self.text("wanted.journey")?,
                step: None,
            }));
        }
        if self.accept(&["at", "step"]) {
            let step = Some(self.step()?);
            let name = self.text("wanted.journey")?;
            return Ok(Expr::Clause(Clause::InJourney { name, step }));
        }
        if self.accept(&["in"]) {
            self.need_word(&["segment"])?;
            return Ok(Expr::Clause(Clause::InSegment {
                name: self.text("wanted.segment")?,
            }));
        }
        if self.accept(&["random"]) {
            let percent = self.number()?;
            self.need_symbol("%")?;
            let salt = if self.accept(&["of"]) {
                self.text("wanted.draw")?
            } else {
                String::new()
            };
            return Ok(Expr::Clause(Clause::Sample { percent, salt }));
        }
        if self.begins_answered(0) {
            return self.answered();
        }
        for (word, first) in [("first", true), ("last", false)] {
            if self.accept(&[word, "did"]) {
                return self.first_or_last(first);
            }
        }
        if let Some(moved) = self.moved()? {
            return Ok(moved);
        }
        if let Some(aggregate) = self.aggregate()? {
            return Ok(aggregate);
        }
        let key = self.key("wanted.condition")?;
        if self.accept(&["is", "empty"]) {
            return Ok(Expr::Not(Box::new(Expr::Clause(Clause::Field {
                key,
                test: Test::Known,
            }))));
        }
        if self.accept(&["changed"]) {
            return Ok(Expr::Clause(Clause::Field {
                key: changed_key(&key),
                test: self.dated()?,
            }));
        }
        for (word, rose) in [("rose", true), ("fell", false)] {
            if self.accept(&[word]) {
                return self.shifted(key, rose);
            }
        }
        if self.accept(&["is", "in", "the"]) {
            return self.ranked(key);
        }
        let test = self.test()?;
        Ok(Expr::Clause(Clause::Field { key, test }))
    }

    pub(super) fn key(&mut self, what: &str) -> Result<String, ParseError> {
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

    /// A step up to the name of its journey.
    pub(super) fn step(&mut self) -> Result<StepId, ParseError> {
        let step = StepId(self.text("wanted.step")?);
        self.need_word(&["of", "journey"])?;
        Ok(step)
    }
}
