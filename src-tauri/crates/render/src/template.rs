//! A template read once and rendered for many contacts.

use crate::context::{Context, ErrorKind, Fallible, Part, RenderError, Rendered, Sender, TemplateParts};
use crate::limits::{SOURCE_BYTES, SUBJECT_CHARS};
use crate::liquid::expr::{Condition, Expr, Operand, Source, Step};
use crate::liquid::parse::{Kind, Node};
use crate::liquid::{self, Gaps, Liquid, Mode, Scope};
use crate::shape::{Made, Shapes};
use crate::{html, mjml, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A template whose Liquid has been read.
#[derive(Clone, Debug)]
pub struct Prepared {
    subject: Liquid,
    preheader: Liquid,
    body: Liquid,
    /// None: made from the HTML.
    text: Option<Liquid>,
    /// What the mails of one shape have in common.
    shapes: Shapes,
}

/// What the law asks of a marketing mail, and whether a template says it: in the body, and in the text part where that
/// has a source of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duties {
    /// The sender's postal address, filled in or written out.
    pub postal_address: bool,
    /// A way to unsubscribe.
    pub unsubscribe: bool,
}

/// Paths without a value for one contact, each sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Printed without one: the mail has a hole there.
    pub open: Vec<String>,
    /// Where a `default` stands in.
    pub filled: Vec<String>,
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
        if parts.bytes() > SOURCE_BYTES {
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
            shapes: Shapes::default(),
        })
    }

    /// Renders for one contact. Pure: the same arguments give the same message. What mails have in common is made for the
    /// first of them only.
    pub fn render(&self, context: &Context, sender: &Sender) -> Fallible<Rendered> {
        self.rendered(context, sender, Some(&self.shapes))
    }

    /// The same, with everything made anew: the long way, which gives the same bytes and is there to compare.
    pub fn render_anew(&self, context: &Context, sender: &Sender) -> Fallible<Rendered> {
        self.rendered(context, sender, None)
    }

    fn rendered(&self, context: &Context, sender: &Sender, shapes: Option<&Shapes>) -> Fallible<Rendered> {
        let mut gaps = Gaps::default();
        let mut scope = Scope::new(context, sender);
        self.lines(&mut scope, &mut gaps)?;
        let in_body = |e: RenderError| e.in_part(Part::Body);
        let made = match shapes {
            Some(shapes) => {
                let (source, marks) =
                    liquid::render_marked(&self.body, &scope, &mut gaps).map_err(in_body)?;
                let made = shapes.mail(&source, marks, &scope.preheader, self.text.is_none());
                made.map_or_else(|| anew(&source, &scope.preheader), Ok)
            }
            None => {
                let source = liquid::render(&self.body, &scope, Mode::Html, &mut gaps).map_err(in_body)?;
                anew(&source, &scope.preheader)
            }
        };
        let Made { html, text } = made.map_err(in_body)?;
        let plain = match (&self.text, text) {
            (Some(text), _) => {
                liquid::render(text, &scope, Mode::Text, &mut gaps).map_err(|e| e.in_part(Part::Text))?
            }
            (None, Some(text)) => text,
            (None, None) => html::to_text(&html),
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
            missing: gaps.open.into_iter().collect(),
        })
    }

    /// Paths without a value for this contact; without making any HTML.
    pub fn missing(&self, context: &Context, sender: &Sender) -> Fallible<Missing> {
        let mut gaps = Gaps::default();
        let mut scope = Scope::new(context, sender);
        self.lines(&mut scope, &mut gaps)?;
        liquid::render(&self.body, &scope, Mode::Html, &mut gaps).map_err(|e| e.in_part(Part::Body))?;
        if let Some(text) = &self.text {
            liquid::render(text, &scope, Mode::Text, &mut gaps).map_err(|e| e.in_part(Part::Text))?;
        }
        let Gaps { open, filled } = gaps;
        Ok(Missing {
            filled: filled.difference(&open).cloned().collect(),
            open: open.into_iter().collect(),
        })
    }

    fn lines(&self, scope: &mut Scope<'_>, gaps: &mut Gaps) -> Fallible<()> {
        let subject = liquid::render(&self.subject, scope, Mode::Line, gaps);
        scope.subject = subject.map_err(|e| e.in_part(Part::Subject))?;
        if scope.subject.chars().count() > SUBJECT_CHARS {
            let message = format!("It is longer than {SUBJECT_CHARS} characters for this contact.");
            return Err(RenderError::new(ErrorKind::TooMuch, message).in_part(Part::Subject));
        }
        let preheader = liquid::render(&self.preheader, scope, Mode::Line, gaps);
        scope.preheader = preheader.map_err(|e| e.in_part(Part::Preheader))?;
        Ok(())
    }

    /// What the template says of what the law asks. `parts` is what it was read from. Nothing is rendered, so this may be
    /// asked in any process.
    pub fn duties(&self, parts: &TemplateParts, sender: &Sender) -> Duties {
        let body = (paths(&self.body), flowing(&html::to_text(&parts.body)));
        let text = self.text.as_ref().map(|text| (paths(text), flowing(&parts.text)));
        let address = flowing(&sender.postal_address);
        let in_both = |names: &[&str], written: &str| {
            let says = |(found, words): &(BTreeSet<String>, String)| {
                names.iter().any(|name| found.contains(*name))
                    || (!written.is_empty() && words.contains(written))
            };
            says(&body) && text.as_ref().is_none_or(says)
        };
        let address_names = [
            "postal_address",
            "sender.postal_address",
            "workspace.postal_address",
        ];
        Duties {
            postal_address: in_both(&address_names, &address),
            unsubscribe: in_both(&["unsubscribe_line", "unsubscribe_url"], ""),
        }
    }
}

/// A mail from what Liquid wrote, without regard to any other.
fn anew(source: &str, preheader: &str) -> Fallible<Made> {
    let html = mjml::to_html(source, preheader)?;
    html::check_safe(&html)?;
    Ok(Made { html, text: None })
}

/// Text with each run of white space as one space.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
            Kind::Text(..) | Kind::Break | Kind::Continue => {}
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
