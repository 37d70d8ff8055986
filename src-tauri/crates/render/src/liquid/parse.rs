//! From source text to a tree of nodes, without recursion.

use super::expr::{Condition, Expr, Operand, Reader, Source, syntax};
use super::markup::{Known, leaves_entity_open};
use crate::context::{ErrorKind, Fallible, RenderError};
use crate::limits::{LIQUID_DEPTH, TAG_BYTES};

/// A template part that has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liquid {
    pub(crate) nodes: Vec<Node>,
    /// Of its source.
    pub(crate) bytes: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: u32,
    /// Its own within its part.
    pub(crate) number: u32,
    /// Whether whatever it writes stays within the text or the quoted value it stands in, and no entity is left open.
    pub(crate) inline: bool,
    pub(crate) kind: Kind,
}

impl Node {
    fn new(line: u32, number: u32, kind: Kind) -> Self {
        Node {
            line,
            number,
            inline: is_inline(&kind),
            kind,
        }
    }
}

fn is_inline(kind: &Kind) -> bool {
    let all = |nodes: &[Node]| nodes.iter().all(|node| node.inline);
    match kind {
        Kind::Text(text, _) => !text.contains(['<', '>']) && !leaves_entity_open(text),
        Kind::Print(_) | Kind::Assign(..) | Kind::Capture(..) | Kind::Break | Kind::Continue => true,
        Kind::If { branches, otherwise } => branches.iter().all(|(_, _, body)| all(body)) && all(otherwise),
        Kind::Case { arms, otherwise, .. } => arms.iter().all(|(_, body)| all(body)) && all(otherwise),
        Kind::For(block) => all(&block.body) && all(&block.otherwise),
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Text(String, Known),
    Print(Expr),
    If {
        branches: Vec<(Condition, bool, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Case {
        subject: Operand,
        arms: Vec<(Vec<Operand>, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    For(Box<For>),
    Assign(String, Expr),
    Capture(String, Vec<Node>),
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) limit: Option<Operand>,
    pub(crate) offset: Option<Operand>,
    pub(crate) reversed: bool,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Vec<Node>,
}

/// A block whose end has not come yet.
struct Open {
    line: u32,
    tag: &'static str,
    kind: Kind,
    /// After `else`.
    last: bool,
}

struct Builder {
    open: Vec<Open>,
    nodes: Vec<Node>,
    /// Nodes made so far.
    count: u32,
}

/// Reads one part of a template.
pub(crate) fn parse(source: &str) -> Fallible<Liquid> {
    let mut builder = Builder {
        open: Vec::new(),
        nodes: Vec::new(),
        count: 0,
    };
    let mut rest = source;
    let mut line = 1;
    let mut trim_next = false;
    while !rest.is_empty() {
        let start = next_mark(rest);
        let (text, tail) = rest.split_at(start);
        let trims = tail.as_bytes().get(2) == Some(&b'-');
        builder.text(line, trimmed(text, trim_next, trims && !tail.is_empty()));
        line += lines(text);
        if tail.is_empty() {
            break;
        }
        let mark = Mark::read(tail).map_err(|e| e.at_line(line))?;
        let mut taken = mark.length;
        trim_next = mark.trims_after;
        if mark.output {
            let expr = Reader::new(mark.inner).and_then(|mut reader| {
                let expr = reader.expr()?;
                reader.end().map(|()| expr)
            });
            builder.push(line, Kind::Print(expr.map_err(|e| e.at_line(line))?));
        } else if let Some(skipped) = verbatim(&mark, &tail[taken..]).map_err(|e| e.at_line(line))? {
            if mark.word() == "raw" {
                builder.text(line, &tail[taken..taken + skipped.text]);
            }
            taken += skipped.length;
            trim_next = skipped.trims_after;
        } else {
            builder.tag(line, &mark).map_err(|e| e.at_line(line))?;
        }
        line += lines(&tail[..taken]);
        rest = &tail[taken..];
    }
    match builder.open.pop() {
        Some(open) => Err(syntax(format!(
            "The “{}” is never closed by “end{}”.",
            open.tag, open.tag
        ))
        .at_line(open.line)),
        None => Ok(Liquid {
            nodes: builder.nodes,
            bytes: source.len(),
        }),
    }
}

fn lines(text: &str) -> u32 {
    text.bytes().filter(|b| *b == b'\n').count() as u32
}

fn next_mark(text: &str) -> usize {
    let bytes = text.as_bytes();
    let hit = bytes.windows(2).position(|pair| pair == b"{{" || pair == b"{%");
    hit.unwrap_or(bytes.len())
}

fn trimmed(text: &str, start: bool, end: bool) -> &str {
    let text = if start { text.trim_start() } else { text };
    if end { text.trim_end() } else { text }
}

/// One `{{ }}` or `{% %}`.
struct Mark<'a> {
    output: bool,
    inner: &'a str,
    length: usize,
    trims_after: bool,
}

impl<'a> Mark<'a> {
    fn read(tail: &'a str) -> Fallible<Self> {
        let output = tail.starts_with("{{");
        let close = if output { "}}" } else { "%}" };
        let end = closing(tail, close).ok_or_else(|| {
            syntax(format!(
                "“{}” is not closed by “{close}” within {TAG_BYTES} characters.",
                &tail[..2]
            ))
        })?;
        let inner = &tail[2..end];
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        let trims_after = inner.ends_with('-');
        let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
        Ok(Mark {
            output,
            inner,
            length: end + 2,
            trims_after,
        })
    }

    fn word(&self) -> &'a str {
        let end = self
            .inner
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(self.inner.len());
        &self.inner[..end]
    }
}

/// Where `close` stands outside quotes; a quote that is never closed does not hide it.
fn closing(tail: &str, close: &str) -> Option<usize> {
    let bytes = &tail.as_bytes()[..tail.len().min(TAG_BYTES)];
    let mut quote = None;
    for at in 2..bytes.len() {
        match (quote, bytes[at]) {
            (Some(q), b) if b == q => quote = None,
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, _) if bytes[at..].starts_with(close.as_bytes()) => return Some(at),
            _ => {}
        }
    }
    find_near(tail, 2, close)
}

/// Where `wanted` begins, at most [`TAG_BYTES`] after `from`: so that reading stays linear whatever is written.
fn find_near(text: &str, from: usize, wanted: &str) -> Option<usize> {
    let bytes = &text.as_bytes()[from..text.len().min(from + TAG_BYTES)];
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted.as_bytes())
        .map(|at| from + at)
}

struct Skipped {
    /// Bytes before the end tag.
    text: usize,
    /// Bytes with the end tag.
    length: usize,
    trims_after: bool,
}

/// `raw` and `comment` swallow what stands in them; `#` swallows itself.
fn verbatim(mark: &Mark<'_>, tail: &str) -> Fallible<Option<Skipped>> {
    if mark.inner.starts_with('#') {
        return Ok(Some(Skipped {
            text: 0,
            length: 0,
            trims_after: mark.trims_after,
        }));
    }
    let (begin, end) = match mark.word() {
        "raw" => ("raw", "endraw"),
        "comment" => ("comment", "endcomment"),
        _ => return Ok(None),
    };
    let mut depth = 1;
    let mut from = 0;
    while let Some(at) = tail[from..].find("{%").map(|at| from + at) {
        from = at + 2;
        if begin == "comment" && bare_tag(&tail[from..], begin).is_some() {
            depth += 1;
        } else if let Some((length, trims_after)) = bare_tag(&tail[from..], end) {
            depth -= 1;
            if depth == 0 {
                return Ok(Some(Skipped {
                    text: at,
                    length: from + length,
                    trims_after,
                }));
            }
        }
    }
    Err(syntax(format!("The “{begin}” is never closed by “{end}”.")))
}

/// Whether a tag of that one word begins here, after its `{%`: its length to the end, and whether it trims.
fn bare_tag(text: &str, word: &str) -> Option<(usize, bool)> {
    let rest = text
        .strip_prefix('-')
        .unwrap_or(text)
        .trim_start()
        .strip_prefix(word)?
        .trim_start();
    let trims = rest.starts_with('-');
    let after = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("%}")?;
    Some((text.len() - after.len(), trims))
}

impl Builder {
    /// The list that what is read now goes to.
    fn body(&mut self) -> &mut Vec<Node> {
        let nodes = &mut self.nodes;
        let Some(Open { kind, last, .. }) = self.open.last_mut() else {
            return nodes;
        };
        match (kind, *last) {
            (Kind::If { otherwise, .. } | Kind::Case { otherwise, .. }, true) => otherwise,
            (Kind::If { branches, otherwise }, false) => {
                branches.last_mut().map_or(otherwise, |(_, _, body)| body)
            }
            (Kind::Case { arms, otherwise, .. }, false) => {
                arms.last_mut().map_or(otherwise, |(_, body)| body)
            }
            (Kind::For(block), true) => &mut block.otherwise,
            (Kind::For(block), false) => &mut block.body,
            (Kind::Capture(_, body), _) => body,
            _ => nodes,
        }
    }

    fn push(&mut self, line: u32, kind: Kind) {
        let node = Node::new(line, self.count, kind);
        self.count += 1;
        self.body().push(node);
    }

    fn text(&mut self, line: u32, text: &str) {
        // What stands between `case` and its first `when` is never shown.
        let before_when = matches!(
            self.open.last(),
            Some(Open { kind: Kind::Case { arms, .. }, last: false, .. }) if arms.is_empty()
        );
        if !text.is_empty() && !before_when {
            self.push(line, Kind::Text(text.to_owned(), Known::of(text)));
        }
    }

    fn opens(&mut self, line: u32, tag: &'static str, kind: Kind) -> Fallible<()> {
        if self.open.len() >= LIQUID_DEPTH {
            return Err(RenderError::new(
                ErrorKind::TooMuch,
                format!("Blocks stand more than {LIQUID_DEPTH} deep inside one another."),
            ));
        }
        self.open.push(Open {
            line,
            tag,
            kind,
            last: false,
        });
        Ok(())
    }

    fn tag(&mut self, line: u32, mark: &Mark<'_>) -> Fallible<()> {
        let word = mark.word();
        let mut reader = Reader::new(&mark.inner[word.len()..])?;
        match word {
            "if" => {
                let condition = reader.condition()?;
                self.opens(
                    line,
                    "if",
                    Kind::If {
                        branches: vec![(condition, true, Vec::new())],
                        otherwise: Vec::new(),
                    },
                )
            }
            "unless" => {
                let condition = reader.condition()?;
                let branches = vec![(condition, false, Vec::new())];
                self.opens(
                    line,
                    "unless",
                    Kind::If {
                        branches,
                        otherwise: Vec::new(),
                    },
                )
            }
            "case" => {
                let subject = reader.operand()?;
                reader.end()?;
                self.opens(
                    line,
                    "case",
                    Kind::Case {
                        subject,
                        arms: Vec::new(),
                        otherwise: Vec::new(),
                    },
                )
            }
            "for" => {
                let block = for_block(&mut reader)?;
                self.opens(line, "for", Kind::For(Box::new(block)))
            }
            "capture" => {
                let name = reader.name()?;
                reader.end()?;
                self.opens(line, "capture", Kind::Capture(name, Vec::new()))
            }
            "assign" => {
                let name = reader.name()?;
                reader.expects("=")?;
                let expr = reader.expr()?;
                reader.end()?;
                self.push(line, Kind::Assign(name, expr));
                Ok(())
            }
            "break" | "continue" => {
                if !self.open.iter().any(|open| matches!(open.kind, Kind::For(_))) {
                    return Err(syntax(format!("“{word}” stands outside of a “for”.")));
                }
                self.push(
                    line,
                    if word == "break" {
                        Kind::Break
                    } else {
                        Kind::Continue
                    },
                );
                reader.end()
            }
            "elsif" | "else" | "when" => self.branch(word, &mut reader),
            _ if word.starts_with("end") => self.close(line, word),
            "" => Err(syntax("A tag without a word.")),
            _ => Err(syntax(format!(
                "The tag “{}” is not available in e-mail templates.",
                word.chars().take(40).collect::<String>()
            ))),
        }
    }

    fn branch(&mut self, word: &str, reader: &mut Reader<'_>) -> Fallible<()> {
        let misplaced = || syntax(format!("“{word}” does not belong here."));
        let open = self.open.last_mut().ok_or_else(misplaced)?;
        if open.last {
            return Err(misplaced());
        }
        match (word, &mut open.kind) {
            ("elsif", Kind::If { branches, .. }) => branches.push((reader.condition()?, true, Vec::new())),
            ("when", Kind::Case { arms, .. }) => arms.push((reader.options()?, Vec::new())),
            ("else", Kind::If { .. } | Kind::Case { .. } | Kind::For(_)) => {
                reader.end()?;
                open.last = true;
            }
            _ => return Err(misplaced()),
        }
        Ok(())
    }

    fn close(&mut self, line: u32, word: &str) -> Fallible<()> {
        let open = self
            .open
            .pop()
            .ok_or_else(|| syntax(format!("“{word}” closes nothing.")))?;
        if word != format!("end{}", open.tag) {
            return Err(syntax(format!(
                "“{word}” stands where “end{}” is needed: the “{}” of line {} is still open.",
                open.tag, open.tag, open.line
            ))
            .at_line(line));
        }
        self.push(open.line, open.kind);
        Ok(())
    }
}

fn for_block(reader: &mut Reader<'_>) -> Fallible<For> {
    let name = reader.name()?;
    if !reader.takes_word("in") {
        return Err(syntax("A loop is written “for name in list”."));
    }
    let source = reader.source()?;
    let (mut limit, mut offset, mut reversed) = (None, None, false);
    loop {
        if reader.takes_word("reversed") {
            reversed = true;
        } else if reader.takes_word("limit") {
            reader.expects(":")?;
            limit = Some(reader.operand()?);
        } else if reader.takes_word("offset") {
            reader.expects(":")?;
            offset = Some(reader.operand()?);
        } else if !reader.takes(",") {
            break;
        }
    }
    reader.end()?;
    Ok(For {
        name,
        source,
        limit,
        offset,
        reversed,
        body: Vec::new(),
        otherwise: Vec::new(),
    })
}
