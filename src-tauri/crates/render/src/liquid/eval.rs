//! Running a template part for one contact, within a budget of steps and bytes.

use super::expr::{Comparison, Condition, Expr, Op, Operand, Path, Source, Step};
use super::filters;
use super::marks::Marks;
use super::markup::{Known, Stand, Track};
use super::parse::{For, Kind, Liquid, Node};
use super::scope::{Found, Root, Scope};
use super::value::{Val, is_unwelcome};
use crate::context::{ErrorKind, Fallible, RenderError};
use crate::limits::{LIST_ITEMS, MADE_BYTES, NAMES, OUTPUT_BYTES, STEPS, VALUE_BYTES};
use std::collections::{BTreeMap, BTreeSet};

/// What a part is made for: it decides how values are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// One line of a header: nothing escaped, no line breaks.
    Line,
    /// Plain text: nothing escaped.
    Text,
    /// MJML and HTML: every value escaped.
    Html,
}

/// Paths that had no value.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Printed without one.
    pub(crate) open: BTreeSet<String>,
    /// Where a `default` stood in.
    pub(crate) filled: BTreeSet<String>,
}

/// A value, and the path it would have come from had there been one.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) value: Val,
    pub(crate) missing: Option<String>,
}

impl Given {
    fn some(value: Val) -> Given {
        Given { value, missing: None }
    }
}

enum Flow {
    Next,
    Break,
    Continue,
}

struct Loop {
    name: String,
    item: Val,
    index: usize,
    length: usize,
}

pub(crate) struct Run<'a> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) mode: Mode,
    gaps: &'a mut Gaps,
    names: BTreeMap<String, Given>,
    loops: Vec<Loop>,
    /// Output, the innermost capture last.
    outputs: Vec<(String, Track)>,
    /// Where values stand in the outermost output, where that is asked for.
    marks: Option<Marks>,
    steps: u64,
    made: u64,
}

/// Renders one part. Paths without a value are added to `gaps`.
pub(crate) fn render(part: &Liquid, scope: &Scope<'_>, mode: Mode, gaps: &mut Gaps) -> Fallible<String> {
    let mut run = Run::new(scope, mode, gaps);
    run.nodes(&part.nodes)?;
    let out = run.outputs.pop().map(|(text, _)| text).unwrap_or_default();
    Ok(match mode {
        Mode::Line if !is_one_line(&out) => one_line(&out),
        _ => out,
    })
}

/// The same for HTML, with the places where values stand in it.
pub(crate) fn render_marked(part: &Liquid, scope: &Scope<'_>, gaps: &mut Gaps) -> Fallible<(String, Marks)> {
    let mut run = Run::new(scope, Mode::Html, gaps);
    // Values seldom outweigh the template, so it seldom has to grow.
    let size = part.bytes + part.bytes / 4 + 64;
    run.outputs = vec![(String::with_capacity(size), Track::default())];
    run.marks = Some(Marks::default());
    run.nodes(&part.nodes)?;
    let out = run.outputs.pop().map(|(text, _)| text).unwrap_or_default();
    Ok((out, run.marks.unwrap_or_default()))
}

/// Line breaks and runs of white space become one space; control characters go (RFC 5322 §2.2).
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let kept: String = spaced.chars().filter(|c| !is_unwelcome(*c)).collect();
    kept.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether [`one_line`] leaves it as it is, as far as ASCII tells.
fn is_one_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|b| matches!(b, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

fn too_much(message: impl Into<String>) -> RenderError {
    RenderError::new(ErrorKind::TooMuch, message)
}

impl<'a> Run<'a> {
    fn new(scope: &'a Scope<'a>, mode: Mode, gaps: &'a mut Gaps) -> Self {
        Run {
            scope,
            mode,
            gaps,
            names: BTreeMap::new(),
            loops: Vec::new(),
            outputs: vec![Default::default()],
            marks: None,
            steps: 0,
            made: 0,
        }
    }

    /// Counts a step that handles so many bytes.
    pub(crate) fn step(&mut self, bytes: usize) -> Fallible<()> {
        self.steps += 1 + bytes as u64 / 256;
        if self.steps > STEPS {
            return Err(too_much(format!(
                "This template needs more than {STEPS} steps for one message. Are there loops in loops?"
            )));
        }
        Ok(())
    }

    /// Counts bytes before they are made.
    pub(crate) fn make(&mut self, bytes: usize) -> Fallible<()> {
        if bytes > VALUE_BYTES {
            return Err(too_much(format!("A value grew over {} KiB.", VALUE_BYTES / 1024)));
        }
        self.made += bytes as u64;
        if self.made > MADE_BYTES {
            return Err(too_much(format!(
                "The filters of this template make more than {} MiB for one message.",
                MADE_BYTES / 1024 / 1024
            )));
        }
        self.step(bytes)
    }

    fn nodes(&mut self, nodes: &[Node]) -> Fallible<Flow> {
        for node in nodes {
            match self.node(node).map_err(|e| e.at_line(node.line))? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// A node, as one slot where it is a block that keeps to the place it stands in.
    fn node(&mut self, node: &Node) -> Fallible<Flow> {
        let is_block = matches!(node.kind, Kind::If { .. } | Kind::Case { .. } | Kind::For(_));
        if !is_block || !node.inline {
            return self.run(node);
        }
        let Some((from, stand)) = self.place() else {
            return self.run(node);
        };
        let before = self.marks.as_ref().map(Marks::point);
        let flow = self.run(node)?;
        if let (Some(marks), Some(before), Some((out, track))) =
            (self.marks.as_mut(), before, self.outputs.first())
            && track.stand() == stand
        {
            marks.join(before, from, out, stand);
        }
        Ok(flow)
    }

    /// Where the outermost output stands, while places are asked for and it is the one that is written to.
    fn place(&self) -> Option<(usize, Stand)> {
        match (&self.marks, self.outputs.as_slice()) {
            (Some(_), [(out, track)]) => Some((out.len(), track.stand())),
            _ => None,
        }
    }

    fn run(&mut self, node: &Node) -> Fallible<Flow> {
        self.step(0)?;
        match &node.kind {
            Kind::Text(text, known) => {
                if let (Some(marks), 1) = (self.marks.as_mut(), self.outputs.len()) {
                    marks.fixed(node.number);
                }
                self.write_known(text, Some(known))?;
            }
            Kind::Print(expr) => self.print(expr)?,
            Kind::Assign(name, expr) => {
                let given = self.expr(expr)?;
                self.bind(name, given)?;
            }
            Kind::Capture(name, body) => return self.capture(name, body),
            Kind::If { branches, otherwise } => {
                for (condition, wanted, body) in branches {
                    if self.condition(condition)? == *wanted {
                        return self.nodes(body);
                    }
                }
                return self.nodes(otherwise);
            }
            Kind::Case {
                subject,
                arms,
                otherwise,
            } => {
                let subject = self.operand(subject)?.value;
                for (options, body) in arms {
                    for option in options {
                        self.step(0)?;
                        let option = self.operand(option)?.value;
                        let (subject, option) = self.on_one_scale(subject.clone(), option);
                        if option.equals(&subject) {
                            return self.nodes(body);
                        }
                    }
                }
                return self.nodes(otherwise);
            }
            Kind::For(block) => return self.repeat(block),
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn bind(&mut self, name: &str, given: Given) -> Fallible<()> {
        self.make(given.value.weight())?;
        if self.names.len() >= NAMES && !self.names.contains_key(name) {
            return Err(too_much(format!("This template sets more than {NAMES} names.")));
        }
        self.names.insert(name.to_owned(), given);
        Ok(())
    }

    fn capture(&mut self, name: &str, body: &[Node]) -> Fallible<Flow> {
        self.outputs.push(Default::default());
        let flow = self.nodes(body);
        let text = self.outputs.pop().map(|(text, _)| text).unwrap_or_default();
        let flow = flow?;
        self.make(text.len())?;
        let value = if self.mode == Mode::Html {
            Val::Markup(text.into())
        } else {
            Val::Str(text.into())
        };
        self.bind(name, Given::some(value))?;
        Ok(flow)
    }

    fn write(&mut self, text: &str) -> Fallible<()> {
        self.write_known(text, None)
    }

    fn write_known(&mut self, text: &str, known: Option<&Known>) -> Fallible<()> {
        let captured = self.outputs.len() > 1;
        let html = self.mode == Mode::Html;
        self.step(text.len())?;
        let Some((out, track)) = self.outputs.last_mut() else {
            return Ok(());
        };
        let limit = if captured { VALUE_BYTES } else { OUTPUT_BYTES };
        if out.len() + text.len() > limit {
            return Err(too_much(match captured {
                true => format!("A “capture” grew over {} KiB.", VALUE_BYTES / 1024),
                false => format!("The output grew over {} MiB.", OUTPUT_BYTES / 1024 / 1024),
            }));
        }
        match known {
            Some(known) if html => track.follow(text, known),
            None if html => track.feed(text),
            _ => {}
        }
        out.push_str(text);
        Ok(())
    }

    fn print(&mut self, expr: &Expr) -> Fallible<()> {
        let given = self.expr(expr)?;
        self.note(&given);
        if self.mode != Mode::Html {
            return match &given.value {
                Val::Str(text) | Val::Markup(text) => self.write(text),
                value => self.write(&value.text(self.scope.locale())),
            };
        }
        let place = self.place();
        let track = self.outputs.last().map(|(_, track)| *track).unwrap_or_default();
        let taken = match &given.value {
            Val::Markup(markup) if track.takes_markup() => {
                self.write(markup)?;
                true
            }
            Val::Str(text) | Val::Markup(text) => {
                self.write(&track.value(text)?)?;
                false
            }
            value => {
                self.write(&track.value(&value.text(self.scope.locale()))?)?;
                false
            }
        };
        if let (Some((from, stand)), Some(marks), Some((out, _))) =
            (place, self.marks.as_mut(), self.outputs.first())
        {
            if taken {
                marks.markup(from, out, stand);
            } else {
                marks.value(from, out, stand);
            }
        }
        Ok(())
    }

    fn note(&mut self, given: &Given) {
        if let Some(path) = &given.missing {
            self.gaps.open.insert(Scope::canonical(path));
        }
    }

    fn expr(&mut self, expr: &Expr) -> Fallible<Given> {
        let mut given = self.operand(&expr.base)?;
        for call in &expr.filters {
            let mut arguments = Vec::with_capacity(call.arguments.len());
            for argument in &call.arguments {
                arguments.push(self.operand(argument)?);
            }
            self.step(given.value.weight())?;
            if call.filter.is_default() {
                if given.value.is_blank() || !given.value.truthy() {
                    if let Some(path) = &given.missing {
                        self.gaps.filled.insert(Scope::canonical(path));
                    }
                    given = arguments.into_iter().next().unwrap_or(Given::some(Val::Nil));
                }
                continue;
            }
            arguments.iter().for_each(|argument| self.note(argument));
            let arguments: Vec<Val> = arguments.into_iter().map(|argument| argument.value).collect();
            given.value = filters::apply(call.filter, given.value, &arguments, self)?;
        }
        Ok(given)
    }

    fn operand(&mut self, operand: &Operand) -> Fallible<Given> {
        match operand {
            Operand::Literal(value) => Ok(Given::some(value.clone())),
            Operand::Path(path) => self.path(path),
        }
    }

    fn path(&mut self, path: &Path) -> Fallible<Given> {
        self.step(0)?;
        let mut origin = None;
        let mut at = match self.local(&path.root) {
            Some(given) => {
                origin = given.missing;
                Found::Value(given.value)
            }
            None if path.root == "forloop" && !self.loops.is_empty() => {
                return Ok(Given::some(self.forloop(path.steps.first())));
            }
            None => self.scope.root(&path.root, self.mode == Mode::Html),
        };
        let mut steps = path.steps.as_slice();
        if self.local(&path.root).is_none()
            && let Some((value, rest)) = self.scope.of_company(&path.root, steps)
        {
            (at, steps) = (Found::Value(value), rest);
        }
        for step in steps {
            let key = match step {
                Step::Key(key) => Val::str(key),
                Step::Index(operand) => self.operand(operand)?.value,
            };
            at = Found::Value(match at {
                Found::Root(root) => self.property(root, &key),
                Found::Value(value) => member(&value, &key),
            });
        }
        let value = match at {
            Found::Value(value) => value,
            Found::Root(_) => Val::Nil,
        };
        let missing = value
            .is_blank()
            .then(|| origin.unwrap_or_else(|| path.to_string()));
        // An empty list is a value: it says that there are none.
        Ok(Given {
            missing: missing.filter(|_| !matches!(value, Val::List(_))),
            value,
        })
    }

    fn local(&self, name: &str) -> Option<Given> {
        let looped = self.loops.iter().rev().find(|inner| inner.name == name);
        looped
            .map(|inner| Given::some(inner.item.clone()))
            .or_else(|| self.names.get(name).cloned())
    }

    fn property(&self, root: Root, key: &Val) -> Val {
        match key {
            Val::Str(key) => self.scope.property(root, key),
            _ => Val::Nil,
        }
    }

    fn forloop(&self, step: Option<&Step>) -> Val {
        let (Some(Step::Key(key)), Some(inner)) = (step, self.loops.last()) else {
            return Val::Nil;
        };
        let (index, length) = (inner.index as i64, inner.length as i64);
        match key.as_str() {
            "index" => Val::Int(index + 1),
            "index0" => Val::Int(index),
            "rindex" => Val::Int(length - index),
            "rindex0" => Val::Int(length - index - 1),
            "length" => Val::Int(length),
            "first" => Val::Bool(index == 0),
            "last" => Val::Bool(index + 1 == length),
            _ => Val::Nil,
        }
    }

    fn condition(&mut self, condition: &Condition) -> Fallible<bool> {
        let Some(((and, last), earlier)) = condition.rest.split_last() else {
            return self.compare(&condition.first);
        };
        let mut result = self.compare(last)?;
        let mut joint = *and;
        for (before, comparison) in earlier.iter().rev() {
            let left = self.compare(comparison)?;
            result = if joint { left && result } else { left || result };
            joint = *before;
        }
        let first = self.compare(&condition.first)?;
        Ok(if joint { first && result } else { first || result })
    }

    fn compare(&mut self, comparison: &Comparison) -> Fallible<bool> {
        let left = self.operand(&comparison.left)?.value;
        self.step(left.weight())?;
        let Some((op, right)) = &comparison.right else {
            return Ok(left.truthy());
        };
        let right = self.operand(right)?.value;
        let (left, right) = self.on_one_scale(left, right);
        let order = left.compare(&right);
        Ok(match op {
            Op::Equal => left.equals(&right),
            Op::Unequal => !left.equals(&right),
            Op::Less => order.is_some_and(|o| o.is_lt()),
            Op::Greater => order.is_some_and(|o| o.is_gt()),
            Op::AtMost => order.is_some_and(|o| o.is_le()),
            Op::AtLeast => order.is_some_and(|o| o.is_ge()),
            Op::Contains => left.contains(&right),
        })
    }

    /// Beside a date or a moment a text is read as one, and beside a date a moment is the reader's day.
    fn on_one_scale(&self, left: Val, right: Val) -> (Val, Val) {
        let is_dated = |value: &Val| matches!(value, Val::Date(_) | Val::At(_));
        let read = |value: Val, beside: &Val| match &value {
            Val::Str(text) if is_dated(beside) => filters::dated(text, self).unwrap_or(value),
            _ => value,
        };
        let (left, right) = (read(left.clone(), &right), read(right, &left));
        let day = |moment| Val::Date(self.scope.locale().day(moment));
        match (&left, &right) {
            (Val::At(moment), Val::Date(_)) => (day(*moment), right),
            (Val::Date(_), Val::At(moment)) => (left, day(*moment)),
            _ => (left, right),
        }
    }

    fn repeat(&mut self, block: &For) -> Fallible<Flow> {
        let items = self.items(block)?;
        if items.is_empty() {
            return self.nodes(&block.otherwise);
        }
        let length = items.len();
        for (index, item) in items.into_iter().enumerate() {
            self.step(0)?;
            self.loops.push(Loop {
                name: block.name.clone(),
                item,
                index,
                length,
            });
            let flow = self.nodes(&block.body);
            self.loops.pop();
            if matches!(flow?, Flow::Break) {
                break;
            }
        }
        Ok(Flow::Next)
    }

    fn items(&mut self, block: &For) -> Fallible<Vec<Val>> {
        let offset = self.count(block.offset.as_ref(), 0)?;
        let limit = self.count(block.limit.as_ref(), usize::MAX)?;
        let mut items: Vec<Val> = match &block.source {
            Source::Range(from, to) => {
                let (from, to) = (self.whole(from)?, self.whole(to)?);
                let length = (i128::from(to) - i128::from(from) + 1).max(0);
                if length > LIST_ITEMS as i128 {
                    return Err(too_much(format!(
                        "A loop may go through {LIST_ITEMS} numbers, not {length}."
                    )));
                }
                (from..=to).skip(offset).take(limit).map(Val::Int).collect()
            }
            Source::Value(operand) => match self.operand(operand)?.value {
                Val::List(items) => items.iter().skip(offset).take(limit).cloned().collect(),
                Val::Nil => Vec::new(),
                single => [single].into_iter().skip(offset).take(limit).collect(),
            },
        };
        self.step(items.len() * 16)?;
        if block.reversed {
            items.reverse();
        }
        Ok(items)
    }

    fn count(&mut self, operand: Option<&Operand>, otherwise: usize) -> Fallible<usize> {
        match operand {
            Some(operand) => Ok(usize::try_from(self.whole(operand)?).unwrap_or(0)),
            None => Ok(otherwise),
        }
    }

    fn whole(&mut self, operand: &Operand) -> Fallible<i64> {
        let number = self.operand(operand)?.value.number().unwrap_or(0.0);
        Ok(number as i64)
    }
}

/// `list[0]`, `list.first`, `text.size`, `money.currency`.
fn member(value: &Val, key: &Val) -> Val {
    match (value, key) {
        (Val::List(items), Val::Int(index)) => {
            let at = if *index < 0 {
                items.len() as i64 + index
            } else {
                *index
            };
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at).cloned())
                .unwrap_or(Val::Nil)
        }
        (_, Val::Str(key)) => match (value, &**key) {
            (Val::List(items), "first") => items.first().cloned().unwrap_or(Val::Nil),
            (Val::List(items), "last") => items.last().cloned().unwrap_or(Val::Nil),
            (Val::List(items), "size") => Val::Int(items.len() as i64),
            (Val::Str(text) | Val::Markup(text), "size") => Val::Int(text.chars().count() as i64),
            (Val::Money(money), "minor") => Val::Int(money.minor),
            (Val::Money(money), "currency") => Val::str(money.currency.as_str()),
            (Val::Money(_), "amount") => value.number().map_or(Val::Nil, Val::Num),
            _ => Val::Nil,
        },
        _ => Val::Nil,
    }
}
