//! What stands inside `{{ }}` and `{% %}`: words, paths, literals, filters, conditions.

use super::filters::{self, Filter};
use super::value::Val;
use crate::context::{ErrorKind, Fallible, RenderError};
use crate::limits::INDEX_DEPTH;
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tok<'a> {
    Word(&'a str),
    Text(&'a str),
    Int(i64),
    Num(f64),
    Sign(&'static str),
}

/// A value to be found while the template runs.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Literal(Val),
    Path(Path),
}

/// `contact.tags[0]`, `event["total"]`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Key(String),
    Index(Operand),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        for step in &self.steps {
            match step {
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(Operand::Literal(Val::Str(key))) => write!(f, ".{key}")?,
                Step::Index(Operand::Literal(Val::Int(index))) => write!(f, "[{index}]")?,
                Step::Index(Operand::Literal(_)) => f.write_str("[]")?,
                Step::Index(Operand::Path(path)) => write!(f, "[{path}]")?,
            }
        }
        Ok(())
    }
}

/// A value and the filters it goes through.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) base: Operand,
    pub(crate) filters: Vec<Call>,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) filter: Filter,
    pub(crate) arguments: Vec<Operand>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Contains,
}

/// `left`, or `left op right`.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) right: Option<(Op, Operand)>,
}

/// Comparisons joined by `and` and `or`, read from the right as Liquid does: `a or b and c` is `a or (b and c)`,
/// `a and b or c` is `a and (b or c)`.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) first: Comparison,
    /// The joint (true for `and`) and what follows it.
    pub(crate) rest: Vec<(bool, Comparison)>,
}

/// What a loop goes through.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Value(Operand),
    Range(Operand, Operand),
}

pub(crate) fn syntax(message: impl Into<String>) -> RenderError {
    RenderError::new(ErrorKind::Liquid, message)
}

const SIGNS: [&str; 18] = [
    "==", "!=", "<>", "<=", ">=", "..", "<", ">", "=", "|", ":", ",", ".", "[", "]", "(", ")", "-",
];

fn lex(source: &str) -> Fallible<Vec<Tok<'_>>> {
    let mut toks = Vec::new();
    let mut rest = source.trim_start();
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' => {
                let end = rest[1..]
                    .find(c)
                    .ok_or_else(|| syntax("A quoted text is not closed."))?;
                toks.push(Tok::Text(&rest[1..=end]));
                end + 2
            }
            c if c.is_alphabetic() || c == '_' => word(rest, &mut toks),
            c if c.is_ascii_digit() || (c == '-' && rest[1..].starts_with(|d: char| d.is_ascii_digit())) => {
                number(rest, &mut toks)?
            }
            _ => {
                let sign = SIGNS
                    .iter()
                    .find(|sign| rest.starts_with(**sign) && **sign != "-");
                let sign =
                    sign.ok_or_else(|| syntax(format!("“{}” is not expected here.", c.escape_debug())))?;
                toks.push(Tok::Sign(sign));
                sign.len()
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(toks)
}

fn word<'a>(rest: &'a str, toks: &mut Vec<Tok<'a>>) -> usize {
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(rest.len());
    toks.push(Tok::Word(&rest[..end]));
    end
}

fn number<'a>(rest: &'a str, toks: &mut Vec<Tok<'a>>) -> Fallible<usize> {
    let digits = |from: usize| {
        rest[from..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |n| from + n)
    };
    let whole = digits(1);
    let decimals =
        rest[whole..].starts_with('.') && rest[whole + 1..].starts_with(|c: char| c.is_ascii_digit());
    let end = if decimals { digits(whole + 1) } else { whole };
    let read = &rest[..end];
    let tok = if decimals {
        read.parse().ok().map(Tok::Num)
    } else {
        read.parse().ok().map(Tok::Int)
    };
    toks.push(tok.ok_or_else(|| syntax(format!("The number {} is too long.", &read[..read.len().min(30)])))?);
    Ok(end)
}

/// Reads the words of one tag or output.
pub(crate) struct Reader<'a> {
    toks: Vec<Tok<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a str) -> Fallible<Self> {
        Ok(Reader {
            toks: lex(source)?,
            at: 0,
        })
    }

    fn peek(&self) -> Option<&Tok<'a>> {
        self.toks.get(self.at)
    }

    fn next(&mut self) -> Option<Tok<'a>> {
        let tok = self.toks.get(self.at).cloned();
        self.at += 1;
        tok
    }

    pub(crate) fn takes(&mut self, sign: &str) -> bool {
        let hit = matches!(self.peek(), Some(Tok::Sign(s)) if *s == sign);
        self.at += usize::from(hit);
        hit
    }

    pub(crate) fn takes_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Tok::Word(w)) if *w == word);
        self.at += usize::from(hit);
        hit
    }

    pub(crate) fn expects(&mut self, sign: &str) -> Fallible<()> {
        if self.takes(sign) {
            Ok(())
        } else {
            Err(syntax(format!("“{sign}” is missing{}.", self.here())))
        }
    }

    pub(crate) fn name(&mut self) -> Fallible<String> {
        match self.next() {
            Some(Tok::Word(word)) => Ok(word.to_owned()),
            _ => Err(syntax("A name is missing.")),
        }
    }

    pub(crate) fn end(&mut self) -> Fallible<()> {
        if self.at >= self.toks.len() {
            return Ok(());
        }
        Err(syntax(format!("This is more than can be read{}.", self.here())))
    }

    fn here(&self) -> String {
        match self.peek() {
            Some(Tok::Word(word) | Tok::Text(word)) => {
                format!(" before “{}”", word.chars().take(40).collect::<String>())
            }
            Some(Tok::Sign(sign)) => format!(" before “{sign}”"),
            Some(Tok::Int(number)) => format!(" before “{number}”"),
            Some(Tok::Num(number)) => format!(" before “{number}”"),
            None => String::new(),
        }
    }

    pub(crate) fn operand(&mut self) -> Fallible<Operand> {
        self.operand_within(0)
    }

    fn operand_within(&mut self, depth: usize) -> Fallible<Operand> {
        if depth > INDEX_DEPTH {
            return Err(RenderError::new(
                ErrorKind::TooMuch,
                format!("Indexes stand more than {INDEX_DEPTH} deep inside one another."),
            ));
        }
        let value = match self.next() {
            Some(Tok::Text(text)) => Val::str(text),
            Some(Tok::Int(number)) => Val::Int(number),
            Some(Tok::Num(number)) => Val::Num(number),
            Some(Tok::Word("nil" | "null")) => Val::Nil,
            Some(Tok::Word("true")) => Val::Bool(true),
            Some(Tok::Word("false")) => Val::Bool(false),
            Some(Tok::Word("empty")) => Val::Empty,
            Some(Tok::Word("blank")) => Val::Blank,
            Some(Tok::Word(root)) => return self.path(root.to_owned(), depth),
            Some(Tok::Sign("(")) => {
                return Err(syntax(
                    "Brackets cannot group conditions in Liquid; use a second “if”.",
                ));
            }
            _ => return Err(syntax("A value is missing.")),
        };
        Ok(Operand::Literal(value))
    }

    fn path(&mut self, root: String, depth: usize) -> Fallible<Operand> {
        let mut steps = Vec::new();
        loop {
            if self.takes(".") {
                steps.push(Step::Key(self.name()?));
            } else if self.takes("[") {
                steps.push(Step::Index(self.operand_within(depth + 1)?));
                self.expects("]")?;
            } else {
                return Ok(Operand::Path(Path { root, steps }));
            }
        }
    }

    pub(crate) fn expr(&mut self) -> Fallible<Expr> {
        let base = self.operand()?;
        let mut filters = Vec::new();
        while self.takes("|") {
            let name = self.name()?;
            let filter = filters::find(&name)?;
            let mut arguments = Vec::new();
            if self.takes(":") {
                arguments.push(self.operand()?);
                while self.takes(",") {
                    arguments.push(self.operand()?);
                }
            }
            filter.check(arguments.len())?;
            filters.push(Call { filter, arguments });
        }
        Ok(Expr { base, filters })
    }

    fn comparison(&mut self) -> Fallible<Comparison> {
        let left = self.operand()?;
        let op = match self.peek() {
            Some(Tok::Sign("==")) => Op::Equal,
            Some(Tok::Sign("!=" | "<>")) => Op::Unequal,
            Some(Tok::Sign("<")) => Op::Less,
            Some(Tok::Sign(">")) => Op::Greater,
            Some(Tok::Sign("<=")) => Op::AtMost,
            Some(Tok::Sign(">=")) => Op::AtLeast,
            Some(Tok::Word("contains")) => Op::Contains,
            Some(Tok::Sign("=")) => return Err(syntax("Two values are compared with “==”, not “=”.")),
            Some(Tok::Sign("|")) => {
                return Err(syntax(
                    "Filters cannot stand in a condition; “assign” the value first.",
                ));
            }
            _ => return Ok(Comparison { left, right: None }),
        };
        self.at += 1;
        Ok(Comparison {
            left,
            right: Some((op, self.operand()?)),
        })
    }

    pub(crate) fn condition(&mut self) -> Fallible<Condition> {
        let first = self.comparison()?;
        let mut rest = Vec::new();
        loop {
            let and = self.takes_word("and");
            if !and && !self.takes_word("or") {
                self.end()?;
                return Ok(Condition { first, rest });
            }
            rest.push((and, self.comparison()?));
        }
    }

    /// The options of a `when`: joined by commas or `or`.
    pub(crate) fn options(&mut self) -> Fallible<Vec<Operand>> {
        let mut options = vec![self.operand()?];
        while self.takes(",") || self.takes_word("or") {
            options.push(self.operand()?);
        }
        self.end()?;
        Ok(options)
    }

    pub(crate) fn source(&mut self) -> Fallible<Source> {
        if !self.takes("(") {
            return Ok(Source::Value(self.operand()?));
        }
        let from = self.operand()?;
        self.expects("..")?;
        let to = self.operand()?;
        self.expects(")")?;
        Ok(Source::Range(from, to))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_like_literals_are_names() {
        for name in ["true_color", "nil_x", "empty-cups", "blank1", "größe"] {
            let Operand::Path(path) = Reader::new(name).unwrap().operand().unwrap() else {
                panic!("{name}")
            };
            assert_eq!(path.root, name);
        }
    }

    #[test]
    fn a_range_of_numbers_is_not_a_number_with_a_point() {
        let mut reader = Reader::new("(1..3)").unwrap();
        assert!(matches!(
            reader.source().unwrap(),
            Source::Range(Operand::Literal(Val::Int(1)), Operand::Literal(Val::Int(3)))
        ));
    }

    #[test]
    fn indexes_nest_only_as_deep_as_the_limit() {
        let source = format!("a{}0{}", "[a".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            Reader::new(&source).unwrap().operand().unwrap_err().kind,
            ErrorKind::TooMuch
        );
    }
}
