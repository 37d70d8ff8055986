//! Whether two drawings are the same journey, whatever their boxes are called and wherever they stand.

use super::canonical::plain;
use super::node::KindEntry;
use crate::journey::face::Form;
use crate::segment;
use crate::steps;
use carillon_model::StepId;
use carillon_model::journey::{Journey, Step};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most pairs tried before two drawings count as different. Only drawings of many equal parts come near.
const TRIES: usize = 200_000;

/// True if both have the same name, rules, and steps with the same names, settings and arrows. Ids and
/// layout do not count, nor whether a default is written out, nor how an expression is spaced.
pub fn same_drawing(a: &Journey, b: &Journey) -> bool {
    if a.name != b.name || a.format != b.format || a.re_entry != b.re_entry || a.steps.len() != b.steps.len()
    {
        return false;
    }
    let rules = |j: &Journey| -> Vec<(String, String)> {
        j.exit_when
            .iter()
            .map(|rule| (expression(&rule.when), rule.reason.clone()))
            .collect()
    };
    if rules(a) != rules(b) {
        return false;
    }
    match (Picture::of(a), Picture::of(b)) {
        (Some(left), Some(right)) => left.colours_agree(&right) && left.fits(&right),
        // Arrows into nowhere or two steps of one id: only equal as they stand.
        _ => super::canonical::without_layout(a) == super::canonical::without_layout(b),
    }
}

/// Steps as signatures and arrows between places.
struct Picture {
    colours: Vec<String>,
    to: Vec<Vec<(String, usize)>>,
}

impl Picture {
    fn of(journey: &Journey) -> Option<Picture> {
        let mut places: BTreeMap<&StepId, usize> = BTreeMap::new();
        for (place, step) in journey.steps.iter().enumerate() {
            if places.insert(&step.id, place).is_some() {
                return None;
            }
        }
        let to: Vec<Vec<(String, usize)>> = journey
            .steps
            .iter()
            .map(|step| {
                step.next
                    .iter()
                    .map(|(port, id)| Some((port.clone(), *places.get(id)?)))
                    .collect()
            })
            .collect::<Option<_>>()?;
        let mut picture = Picture {
            colours: journey.steps.iter().map(signature).collect(),
            to,
        };
        picture.refine();
        Some(picture)
    }

    /// Colours take in those of the neighbours, both ways, a few rounds: steps of different surroundings differ.
    fn refine(&mut self) {
        for _ in 0..8 {
            let mut from: Vec<Vec<(String, u64)>> = vec![Vec::new(); self.colours.len()];
            let hashes: Vec<u64> = self.colours.iter().map(|colour| hash(colour)).collect();
            for (place, arrows) in self.to.iter().enumerate() {
                for (port, to) in arrows {
                    from[*to].push((port.clone(), hashes[place]));
                }
            }
            let next: Vec<String> = (0..self.colours.len())
                .map(|place| {
                    let to: Vec<(&String, u64)> = self.to[place]
                        .iter()
                        .map(|(port, to)| (port, hashes[*to]))
                        .collect();
                    from[place].sort();
                    format!("{:x} {:?} {:?}", hashes[place], to, from[place])
                })
                .collect();
            self.colours = next;
        }
    }

    fn colours_agree(&self, other: &Picture) -> bool {
        let sorted = |picture: &Picture| {
            let mut colours = picture.colours.clone();
            colours.sort();
            colours
        };
        sorted(self) == sorted(other)
    }

    /// Looks for a pairing of all steps. Ports have names, so one pair settles all that is led to from it.
    fn fits(&self, other: &Picture) -> bool {
        let mut pairs = Pairs {
            left: vec![None; self.to.len()],
            right: vec![None; self.to.len()],
            trail: Vec::new(),
        };
        // For each undecided step of the left: which of the right come next, and how long the trail was.
        let mut open: Vec<(usize, usize, usize)> = Vec::new();
        let mut tries = 0;
        let mut next = (0, 0);
        loop {
            let Some(step) = (next.0..self.to.len()).find(|step| pairs.left[*step].is_none()) else {
                return true;
            };
            let begin = if step == next.0 { next.1 } else { 0 };
            let candidate = (begin..self.to.len())
                .find(|c| pairs.right[*c].is_none() && self.colours[step] == other.colours[*c]);
            tries += 1;
            if tries > TRIES {
                return false;
            }
            match candidate {
                Some(candidate) => {
                    let length = pairs.trail.len();
                    if self.pair(other, step, candidate, &mut pairs) {
                        open.push((step, candidate, length));
                        next = (step, 0);
                    } else {
                        pairs.undo(length);
                        next = (step, candidate + 1);
                    }
                }
                None => {
                    let Some((step, candidate, length)) = open.pop() else {
                        return false;
                    };
                    pairs.undo(length);
                    next = (step, candidate + 1);
                }
            }
        }
    }

    fn pair(&self, other: &Picture, a: usize, b: usize, pairs: &mut Pairs) -> bool {
        let mut open = vec![(a, b)];
        while let Some((a, b)) = open.pop() {
            match (pairs.left[a], pairs.right[b]) {
                (Some(known), _) if known == b => continue,
                (None, None) => {}
                _ => return false,
            }
            let (arrows, others) = (&self.to[a], &other.to[b]);
            let same_ports =
                arrows.len() == others.len() && arrows.iter().zip(others).all(|(x, y)| x.0 == y.0);
            if self.colours[a] != other.colours[b] || !same_ports {
                return false;
            }
            pairs.left[a] = Some(b);
            pairs.right[b] = Some(a);
            pairs.trail.push((a, b));
            open.extend(arrows.iter().zip(others).map(|(x, y)| (x.1, y.1)));
        }
        true
    }
}

struct Pairs {
    left: Vec<Option<usize>>,
    right: Vec<Option<usize>>,
    trail: Vec<(usize, usize)>,
}

impl Pairs {
    fn undo(&mut self, length: usize) {
        for (a, b) in self.trail.drain(length..) {
            self.left[a] = None;
            self.right[b] = None;
        }
    }
}

fn hash(text: &str) -> u64 {
    super::chance::Chance::default().bytes(text.as_bytes()).bits()
}

/// What a step is, without its id and its arrows.
fn signature(step: &Step) -> String {
    let settings = match steps::kind(&step.kind) {
        Some(kind) => spelled_out(kind, &step.settings),
        None => step.settings.clone(),
    };
    let mut text = format!("{:?} {:?} ", step.kind, step.name);
    super::canonical::write(&Value::Object(settings), 0, &mut text);
    text
}

/// Settings with every default written out and every expression in its canonical text.
fn spelled_out(kind: &KindEntry, settings: &Map<String, Value>) -> Map<String, Value> {
    let mut full = settings.clone();
    for setting in (kind.schema)() {
        let value = full.entry(setting.name).or_insert(setting.default);
        match (setting.form, &mut *value) {
            (Form::Expression, Value::String(text)) => *text = expression(text),
            (Form::Where, Value::String(text)) => *text = tests(text),
            (Form::Branches, Value::Array(branches)) => {
                for branch in branches.iter_mut().filter_map(Value::as_object_mut) {
                    if branch.get("name").and_then(Value::as_str) == Some("") {
                        branch.remove("name");
                    }
                    if let Some(Value::String(text)) = branch.get_mut("when") {
                        *text = expression(text);
                    }
                }
            }
            _ => *value = plain(value),
        }
    }
    full
}

fn expression(text: &str) -> String {
    segment::parse(text).map_or_else(|_| text.to_owned(), |expr| segment::print(&expr))
}

fn tests(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    segment::parse_where(text).map_or_else(|_| text.to_owned(), |props| segment::print_where(&props))
}
