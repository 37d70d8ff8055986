//! A template read once and rendered for many contacts.

use crate::context::{Context, ErrorKind, Fallible, Part, RenderError, Rendered, Sender, TemplateParts};
use crate::limits::{SOURCE_BYTES, SUBJECT_CHARS};
use crate::liquid::expr::{Condition, Expr, Operand, Source, Step};
use crate::liquid::parse::{Kind, Node};
use crate::liquid::{self, Liquid, Mode, Scope};
use crate::{html, mjml, text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A template whose Liquid has been read.
#[derive(Clone, Debug)]
pub struct Prepared {
    subject: Liquid,
    preheader: Liquid,
    body: Liquid,
    /// None: made from the HTML.
    text: Option<Liquid>,
}

/// What can be said of a template before it is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Paths the template prints or asks for, sorted: `contact.first_name`, `event.total`.
    pub variables: Vec<String>,
    /// Whether the sender's postal address stands in the body, and in the text where that has its own source.
    pub has_postal_address: bool,
    /// The same for a way to unsubscribe.
    pub has_unsubscribe: bool,
    /// What keeps it from being rendered.
    pub problems: Vec<RenderError>,
}

impl Prepared {
    /// Reads the four parts. Fails with the first thing that cannot be read, and where it is.
    pub fn new(parts: &TemplateParts) -> Fallible<Prepared> {
        let sources = [
            (Part::Subject, &parts.subject),
            (Part::Preheader, &parts.preheader),
            (Part::Body, &parts.body),
            (Part::Text, &parts.text),
        ];
        if sources.iter().map(|(_, source)| source.len()).sum::<usize>() > SOURCE_BYTES {
            let message = format!("The template is larger than {} KiB.", SOURCE_BYTES / 1024);
            return Err(RenderError::new(ErrorKind::TooMuch, message));
        }
        for (part, source) in sources {
            check_characters(source).map_err(|e| e.in_part(part))?;
        }
        let read = |part: Part, source: &str| liquid::parse(source).map_err(|e| e.in_part(part));
        Ok(Prepared {
            subject: read(Part::Subject, &parts.subject)?,
            preheader: read(Part::Preheader, &parts.preheader)?,
            body: read(Part::Body, &parts.body)?,
            text: if parts.text.trim().is_empty() {
                None
            } else {
                Some(read(Part::Text, &parts.text)?)
            },
        })
    }

    /// Renders for one contact. Pure: the same arguments give the same message.
    pub fn render(&self, context: &Context, sender: &Sender) -> Fallible<Rendered> {
        let mut missing = BTreeSet::new();
        let mut scope = Scope::new(context, sender);
        self.lines(&mut scope, &mut missing)?;
        let in_body = |e: RenderError| e.in_part(Part::Body);
        let source = liquid::render(&self.body, &scope, Mode::Html, &mut missing).map_err(in_body)?;
        let html = mjml::to_html(&source, &scope.preheader).map_err(in_body)?;
        html::check_safe(&html).map_err(in_body)?;
        let plain = match &self.text {
            Some(text) => {
                liquid::render(text, &scope, Mode::Text, &mut missing).map_err(|e| e.in_part(Part::Text))?
            }
            None => html::to_text(&html),
        };
        if scope.subject.is_empty() {
            let message = "It is empty for this contact. Give its values a “default”.";
            return Err(RenderError::new(ErrorKind::Liquid, message).in_part(Part::Subject));
        }
        Ok(Rendered {
            subject: scope.subject,
            preheader: scope.preheader,
            html,
            text: text::wrapped(&plain),
            missing: missing.into_iter().collect(),
        })
    }

    /// Paths that would be printed without a value for this contact; without making any HTML.
    pub fn missing(&self, context: &Context, sender: &Sender) -> Fallible<Vec<String>> {
        let mut missing = BTreeSet::new();
        let mut scope = Scope::new(context, sender);
        self.lines(&mut scope, &mut missing)?;
        liquid::render(&self.body, &scope, Mode::Html, &mut missing).map_err(|e| e.in_part(Part::Body))?;
        if let Some(text) = &self.text {
            liquid::render(text, &scope, Mode::Text, &mut missing).map_err(|e| e.in_part(Part::Text))?;
        }
        Ok(missing.into_iter().collect())
    }

    fn lines(&self, scope: &mut Scope<'_>, missing: &mut BTreeSet<String>) -> Fallible<()> {
        let subject = liquid::render(&self.subject, scope, Mode::Line, missing);
        scope.subject = subject.map_err(|e| e.in_part(Part::Subject))?;
        if scope.subject.chars().count() > SUBJECT_CHARS {
            let message = format!("It is longer than {SUBJECT_CHARS} characters for this contact.");
            return Err(RenderError::new(ErrorKind::TooMuch, message).in_part(Part::Subject));
        }
        let preheader = liquid::render(&self.preheader, scope, Mode::Line, missing);
        scope.preheader = preheader.map_err(|e| e.in_part(Part::Preheader))?;
        Ok(())
    }

    /// Reads a template and tries it on `example`. Never fails: what is wrong is in the problems.
    pub fn analyse(parts: &TemplateParts, example: &Context, sender: &Sender) -> Analysis {
        let prepared = match Prepared::new(parts) {
            Ok(prepared) => prepared,
            Err(problem) => {
                return Analysis {
                    problems: vec![problem],
                    ..Analysis::default()
                };
            }
        };
        let body = paths(&prepared.body);
        let text = prepared.text.as_ref().map(paths);
        let in_both = |names: &[&str]| {
            let has = |found: &BTreeSet<String>| names.iter().any(|name| found.contains(*name));
            has(&body) && text.as_ref().is_none_or(has)
        };
        let mut variables: BTreeSet<String> = paths(&prepared.subject);
        variables.extend(paths(&prepared.preheader));
        variables.extend(body.iter().cloned());
        variables.extend(text.iter().flatten().cloned());
        Analysis {
            has_postal_address: in_both(&[
                "postal_address",
                "sender.postal_address",
                "workspace.postal_address",
            ]),
            has_unsubscribe: in_both(&["unsubscribe_line", "unsubscribe_url"]),
            problems: prepared.render(example, sender).err().into_iter().collect(),
            variables: variables.into_iter().collect(),
        }
    }
}

/// For each path, for how many of the contacts it would be printed without a value. Contacts whose render fails
/// are left out; they fail again, with their reason, when they are rendered.
pub fn missing_in<'a>(
    template: &Prepared,
    contexts: impl IntoIterator<Item = &'a Context>,
    sender: &Sender,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for context in contexts {
        for path in template.missing(context, sender).unwrap_or_default() {
            *counts.entry(path).or_default() += 1;
        }
    }
    counts
}

fn check_characters(source: &str) -> Fallible<()> {
    let bad = source
        .char_indices()
        .find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    let Some((at, c)) = bad else { return Ok(()) };
    let line = source[..at].matches('\n').count() as u32 + 1;
    let message = format!("The character U+{:04X} cannot stand in a template.", c as u32);
    Err(RenderError::new(ErrorKind::Liquid, message).at_line(line))
}

/// Canonical names of the paths in a part, but for names it sets itself.
fn paths(part: &Liquid) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut own = BTreeSet::from(["forloop".to_owned()]);
    // Depth is bounded by the parser, so recursion is.
    nodes(&part.nodes, &mut found, &mut own);
    let is_own = |path: &String| own.contains(path.split(['.', '[']).next().unwrap_or_default());
    found
        .iter()
        .filter(|path| !is_own(path))
        .map(|path| Scope::canonical(path))
        .collect()
}

fn nodes(list: &[Node], found: &mut BTreeSet<String>, own: &mut BTreeSet<String>) {
    for node in list {
        match &node.kind {
            Kind::Text(_) | Kind::Break | Kind::Continue => {}
            Kind::Print(expr) => in_expr(expr, found),
            Kind::Assign(name, expr) => {
                in_expr(expr, found);
                own.insert(name.clone());
            }
            Kind::Capture(name, body) => {
                nodes(body, found, own);
                own.insert(name.clone());
            }
            Kind::If { branches, otherwise } => {
                for (condition, _, body) in branches {
                    in_condition(condition, found);
                    nodes(body, found, own);
                }
                nodes(otherwise, found, own);
            }
            Kind::Case {
                subject,
                arms,
                otherwise,
            } => {
                in_operand(subject, found);
                for (options, body) in arms {
                    options.iter().for_each(|option| in_operand(option, found));
                    nodes(body, found, own);
                }
                nodes(otherwise, found, own);
            }
            Kind::For(block) => {
                match &block.source {
                    Source::Value(operand) => in_operand(operand, found),
                    Source::Range(from, to) => [from, to]
                        .into_iter()
                        .for_each(|operand| in_operand(operand, found)),
                }
                own.insert(block.name.clone());
                nodes(&block.body, found, own);
                nodes(&block.otherwise, found, own);
            }
        }
    }
}

fn in_expr(expr: &Expr, found: &mut BTreeSet<String>) {
    in_operand(&expr.base, found);
    expr.filters
        .iter()
        .flat_map(|call| &call.arguments)
        .for_each(|argument| in_operand(argument, found));
}

fn in_condition(condition: &Condition, found: &mut BTreeSet<String>) {
    for comparison in std::iter::once(&condition.first).chain(condition.rest.iter().map(|(_, c)| c)) {
        in_operand(&comparison.left, found);
        if let Some((_, right)) = &comparison.right {
            in_operand(right, found);
        }
    }
}

fn in_operand(operand: &Operand, found: &mut BTreeSet<String>) {
    let Operand::Path(path) = operand else { return };
    found.insert(path.to_string());
    for step in &path.steps {
        if let Step::Index(inner) = step {
            in_operand(inner, found);
        }
    }
}
