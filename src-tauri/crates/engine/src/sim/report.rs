//! The figures of a simulation.

use super::life::{Plan, Watch};
use crate::journey::{JourneyVersion, Note, NoteKind, PassageId};
use carillon_model::StepId;
use carillon_model::journey::{End, State, StepIx};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What a draft would do. A day is 24 hours from the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SimReport {
    pub days: u32,
    /// Contacts looked at.
    #[ts(type = "number")]
    pub contacts: u64,
    /// Passages that began.
    #[ts(type = "number")]
    pub entered: u64,
    /// Passages that were not over at the end.
    #[ts(type = "number")]
    pub never_left: u64,
    /// Contacts that came in again and again until they were kept out.
    #[ts(type = "number")]
    pub cut_short: u64,
    /// In canonical order.
    pub steps: Vec<StepCount>,
    /// Mails a day that would leave.
    #[ts(type = "Array<number>")]
    pub mails: Vec<u64>,
    /// Mails a day that the gate would refuse: no consent, or suppressed.
    #[ts(type = "Array<number>")]
    pub refused: Vec<u64>,
    /// Mails that their account's limits held, by the day they were to leave; they are among `mails` of the day they left.
    #[serde(default)]
    #[ts(type = "Array<number>")]
    pub held: Vec<u64>,
    /// Those of them that had not left by the end.
    #[serde(default)]
    #[ts(type = "number")]
    pub still_held: u64,
    /// Names of the scores that the draft asks for and that are followed but in part: some of their rules read consent,
    /// suppression or the history of journeys, which a simulation leaves as they are.
    #[serde(default)]
    pub partly_fixed_scores: Vec<String>,
    /// Names of the segments it asks for that ask for the top or the bottom of all: what that takes is measured once a day, and in a
    /// simulation stays as it is now.
    #[serde(default)]
    pub ranked_segments: Vec<String>,
    pub ended: Vec<EndCount>,
    /// Goals in canonical order.
    pub goals: Vec<GoalCount>,
}

/// One step's figures. `entered` is the sum of `left` and `waiting`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepCount {
    pub step: StepId,
    /// Arrivals a day.
    #[ts(type = "Array<number>")]
    pub entered: Vec<u64>,
    pub left: Vec<PortCount>,
    /// Those who wait here at the end.
    #[ts(type = "number")]
    pub waiting: u64,
}

/// Departures by one port. Beside the step's own: `goal`, `exit_rule`, `too_many_moves`, and `end` where the
/// passage ended in the step itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PortCount {
    pub port: String,
    #[ts(type = "Array<number>")]
    pub per_day: Vec<u64>,
}

/// Passages that ended one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EndCount {
    pub end: End,
    #[ts(type = "number")]
    pub count: u64,
}

/// Passages that reached a goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GoalCount {
    pub step: StepId,
    #[ts(type = "number")]
    pub conversions: u64,
}

/// A figure of a [`SimReport`], to ask who is behind it. Without a day: on any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "number", rename_all = "snake_case")]
#[ts(export)]
pub enum Number {
    Entered {
        step: StepId,
        day: Option<u32>,
    },
    Left {
        step: StepId,
        port: String,
        day: Option<u32>,
    },
    Waiting {
        step: StepId,
    },
    Mails {
        day: Option<u32>,
    },
    Refused {
        day: Option<u32>,
    },
    Ended {
        end: End,
    },
    NeverLeft,
    CutShort,
    Goal {
        step: StepId,
    },
}

/// The port of a step in which the passage ended.
const PORT_END: &str = "end";

/// What happened, in the words of a report: one place that both counting and filtering read.
enum Count<'a> {
    Entered(StepIx),
    Left(StepIx, &'a str),
    Ended(&'a End),
    Goal(StepIx),
}

/// Puts notes into those words. A passage that ends where it stands leaves by `end`; one that has left does not.
#[derive(Clone, Debug, Default)]
struct Reader {
    has_left: bool,
    /// Goals of the present passage that are counted: walking through again is no second conversion.
    goals: Vec<StepIx>,
}

impl Reader {
    fn read<'n>(&mut self, version: &JourneyVersion, note: &'n Note<'_>, mut count: impl FnMut(Count<'n>)) {
        match &note.what {
            NoteKind::Entered { .. } => {
                self.has_left = false;
                count(Count::Entered(note.step));
            }
            NoteKind::Left { port, because } => {
                self.has_left = true;
                count(Count::Left(note.step, port));
                let goal = version.goals().iter().find(|goal| goal.step == note.step);
                let reached = goal
                    .is_some_and(|goal| *because == crate::journey::node::Because::truth(goal.when, true));
                if reached && !self.goals.contains(&note.step) {
                    self.goals.push(note.step);
                    count(Count::Goal(note.step));
                }
            }
            NoteKind::Ended { end } => {
                if !self.has_left {
                    count(Count::Left(note.step, PORT_END));
                }
                count(Count::Ended(end));
                if matches!(end, End::Goal(_)) {
                    count(Count::Goal(note.step));
                }
            }
            NoteKind::Waiting { .. } | NoteKind::Did { .. } | NoteKind::Learned { .. } => {}
        }
    }
}

impl SimReport {
    /// A report of nothing, for a version.
    pub(super) fn new(version: &JourneyVersion, plan: &Plan) -> SimReport {
        let none = || vec![0; plan.days.max(1) as usize];
        let steps = version.steps().iter().map(|placed| StepCount {
            step: placed.id.clone(),
            entered: none(),
            left: placed
                .ports()
                .iter()
                .map(|arrow| PortCount {
                    port: arrow.port.clone(),
                    per_day: none(),
                })
                .collect(),
            waiting: 0,
        });
        let goals = version
            .goals()
            .iter()
            .filter_map(|goal| version.placed(goal.step));
        SimReport {
            days: plan.days,
            contacts: 0,
            entered: 0,
            never_left: 0,
            cut_short: 0,
            steps: steps.collect(),
            mails: none(),
            refused: none(),
            held: none(),
            still_held: 0,
            partly_fixed_scores: Vec::new(),
            ranked_segments: Vec::new(),
            ended: Vec::new(),
            goals: goals
                .map(|placed| GoalCount {
                    step: placed.id.clone(),
                    conversions: 0,
                })
                .collect(),
        }
    }

    /// Adds the figures of other contacts under the same version and plan.
    pub fn merge(&mut self, other: SimReport) {
        self.contacts += other.contacts;
        self.entered += other.entered;
        self.never_left += other.never_left;
        self.cut_short += other.cut_short;
        add(&mut self.mails, &other.mails);
        add(&mut self.refused, &other.refused);
        add(&mut self.held, &other.held);
        self.still_held += other.still_held;
        for (mine, theirs) in self.steps.iter_mut().zip(other.steps) {
            add(&mut mine.entered, &theirs.entered);
            mine.waiting += theirs.waiting;
            for port in theirs.left {
                let place = port_place(&mut mine.left, &port.port, port.per_day.len());
                add(&mut mine.left[place].per_day, &port.per_day);
            }
        }
        for theirs in other.ended {
            self.ended(&theirs.end, theirs.count);
        }
        for (mine, theirs) in self.goals.iter_mut().zip(other.goals) {
            mine.conversions += theirs.conversions;
        }
    }

    fn ended(&mut self, end: &End, count: u64) {
        let word = |end: &End| serde_json::to_string(end).unwrap_or_default();
        match self.ended.iter_mut().find(|known| known.end == *end) {
            Some(known) => known.count += count,
            None => {
                self.ended.push(EndCount {
                    end: end.clone(),
                    count,
                });
                // Kept in order, so that a report does not depend on who came first.
                self.ended.sort_by_key(|known| word(&known.end));
            }
        }
    }
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

/// Ports of the step keep their order; the others follow by name.
fn port_place(ports: &mut Vec<PortCount>, port: &str, days: usize) -> usize {
    if let Some(place) = ports.iter().position(|known| known.port == port) {
        return place;
    }
    let own = ports
        .iter()
        .take_while(|known| !STRANGE.contains(&known.port.as_str()))
        .count();
    let place = own
        + ports[own..]
            .iter()
            .take_while(|known| known.port.as_str() < port)
            .count();
    ports.insert(
        place,
        PortCount {
            port: port.to_owned(),
            per_day: vec![0; days],
        },
    );
    place
}

const STRANGE: [&str; 4] = [
    PORT_END,
    crate::journey::PORT_GOAL,
    crate::journey::PORT_EXIT_RULE,
    crate::journey::PORT_TOO_MANY_MOVES,
];

/// What one life adds to a report. Ports and ends are places among those that were met.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tally {
    Began,
    Entered { step: StepIx, day: u32 },
    Left { step: StepIx, port: u16, day: u32 },
    Ended(u16),
    Goal(u16),
    Mail { day: u32 },
    Refused { day: u32 },
    Waits(StepIx),
    CutShort,
}

/// A report while it counts.
pub(super) struct Counting {
    report: SimReport,
    reader: Reader,
    goals: BTreeMap<StepIx, u16>,
    ports: Vec<String>,
    ends: Vec<End>,
    /// Of the contact that is played.
    life: Vec<Tally>,
}

/// The place of one that was met, or that is met now.
fn place_in<T: PartialEq<Q>, Q: ?Sized + ToOwned<Owned = T>>(met: &mut Vec<T>, one: &Q) -> u16 {
    let place = met.iter().position(|known| *known == *one);
    let place = place.unwrap_or_else(|| {
        met.push(one.to_owned());
        met.len() - 1
    });
    // No more than a version has steps and ports.
    u16::try_from(place).unwrap_or(u16::MAX)
}

impl Counting {
    pub(super) fn new(version: &JourneyVersion, plan: &Plan) -> Counting {
        let goals = version.goals().iter().zip(0..);
        Counting {
            report: SimReport::new(version, plan),
            reader: Reader::default(),
            goals: goals.map(|(goal, place)| (goal.step, place)).collect(),
            ports: Vec::new(),
            ends: Vec::new(),
            life: Vec::new(),
        }
    }

    /// What the life came to that was played since this was last asked.
    pub(super) fn take_life(&mut self) -> Vec<Tally> {
        std::mem::take(&mut self.life)
    }

    /// Counts so many people who had a life.
    pub(super) fn count(&mut self, life: &[Tally], people: u64) {
        let report = &mut self.report;
        report.contacts += people;
        for tally in life {
            match *tally {
                Tally::Began => report.entered += people,
                Tally::Entered { step, day } => {
                    report.steps[usize::from(step.0)].entered[day as usize] += people;
                }
                Tally::Left { step, port, day } => {
                    let left = &mut report.steps[usize::from(step.0)].left;
                    let place = port_place(left, &self.ports[usize::from(port)], report.mails.len());
                    left[place].per_day[day as usize] += people;
                }
                Tally::Ended(end) => report.ended(&self.ends[usize::from(end)], people),
                Tally::Goal(goal) => report.goals[usize::from(goal)].conversions += people,
                Tally::Mail { day } => report.mails[day as usize] += people,
                Tally::Refused { day } => report.refused[day as usize] += people,
                Tally::Waits(step) => {
                    report.never_left += people;
                    report.steps[usize::from(step.0)].waiting += people;
                }
                Tally::CutShort => report.cut_short += people,
            }
        }
    }

    pub(super) fn into_report(self) -> SimReport {
        self.report
    }
}

impl Watch for Counting {
    fn begins(&mut self, _: PassageId) {
        self.life.push(Tally::Began);
        self.reader = Reader::default();
    }

    fn note(&mut self, version: &JourneyVersion, note: &Note<'_>, day: usize) {
        let Counting {
            reader,
            goals,
            ports,
            ends,
            life,
            ..
        } = self;
        let day = day as u32;
        reader.read(version, note, |count| {
            life.push(match count {
                Count::Entered(step) => Tally::Entered { step, day },
                Count::Left(step, port) => {
                    let port = place_in(ports, port);
                    Tally::Left { step, port, day }
                }
                Count::Ended(end) => Tally::Ended(place_in(ends, end)),
                Count::Goal(step) => Tally::Goal(goals[&step]),
            });
        });
    }

    fn mail(&mut self, day: usize, leaves: bool) {
        let day = day as u32;
        self.life.push(match leaves {
            true => Tally::Mail { day },
            false => Tally::Refused { day },
        });
    }

    fn done(&mut self, _: &JourneyVersion, state: &State, cut_short: bool) {
        self.life.extend(cut_short.then_some(Tally::CutShort));
        self.life.extend(state.at.map(Tally::Waits));
    }
}

/// Whether one contact is behind a number.
pub(super) struct Filter<'n> {
    pub matched: bool,
    /// How many began.
    pub passages: u32,
    number: &'n Number,
    reader: Reader,
}

impl<'n> Filter<'n> {
    pub(super) fn new(number: &'n Number) -> Filter<'n> {
        Filter {
            matched: false,
            passages: 0,
            number,
            reader: Reader::default(),
        }
    }
}

fn on(wanted: &Option<u32>, day: usize) -> bool {
    wanted.is_none_or(|wanted| wanted as usize == day)
}

impl Watch for Filter<'_> {
    fn begins(&mut self, _: PassageId) {
        self.passages += 1;
        self.reader = Reader::default();
    }

    fn note(&mut self, version: &JourneyVersion, note: &Note<'_>, day: usize) {
        let Filter {
            matched,
            number,
            reader,
            ..
        } = self;
        let is = |step: StepIx, id: &StepId| version.placed(step).is_some_and(|placed| placed.id == *id);
        reader.read(version, note, |count| {
            *matched |= match (count, &**number) {
                (Count::Entered(at), Number::Entered { step, day: wanted }) => {
                    is(at, step) && on(wanted, day)
                }
                (
                    Count::Left(at, by),
                    Number::Left {
                        step,
                        port,
                        day: wanted,
                    },
                ) => is(at, step) && by == port && on(wanted, day),
                (Count::Ended(end), Number::Ended { end: wanted }) => end == wanted,
                (Count::Goal(at), Number::Goal { step }) => is(at, step),
                (Count::Entered(_) | Count::Left(..) | Count::Ended(_) | Count::Goal(_), _) => false,
            };
        });
    }

    fn mail(&mut self, day: usize, leaves: bool) {
        self.matched |= match self.number {
            Number::Mails { day: wanted } => leaves && on(wanted, day),
            Number::Refused { day: wanted } => !leaves && on(wanted, day),
            _ => false,
        };
    }

    fn done(&mut self, version: &JourneyVersion, state: &State, cut_short: bool) {
        let at = state.at.and_then(|at| version.placed(at));
        self.matched |= match self.number {
            Number::Waiting { step } => at.is_some_and(|placed| placed.id == *step),
            Number::NeverLeft => at.is_some(),
            Number::CutShort => cut_short,
            _ => false,
        };
    }
}
