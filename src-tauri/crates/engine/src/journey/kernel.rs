//! The kernel: one pure function. Live, simulation and replay call nothing else.

use super::node::{Because, Cx, Flow, Signal};
use super::version::{Goal, JourneyVersion, Placed};
use super::view::ContactView;
use carillon_model::Moment;
use carillon_model::event::Event;
use carillon_model::journey::{Effect, End, Evidence, Fact, FactKind, Input, Outcome, State, StepIx};
use chrono::TimeDelta;

/// How late a call may come for its wait to count from the planned moment. Later than this the contact
/// goes on from the real moment: a laptop that slept does not rush through what it missed.
pub const LATE_ALLOWED: TimeDelta = TimeDelta::minutes(30);

/// Most moves from step to step within one call.
pub const MOVES_ALLOWED: u32 = 1_000;

/// The port in the facts of a step that is left because a goal was reached elsewhere.
pub const PORT_GOAL: &str = "goal";
/// The port in the facts of a step that is left by a rule of the journey.
pub const PORT_EXIT_RULE: &str = "exit_rule";
/// The port in the facts of a step at which [`MOVES_ALLOWED`] was used up. The passage is then stopped.
pub const PORT_TOO_MANY_MOVES: &str = "too_many_moves";

/// Whether a step is left by a way of its own, and not because the passage was taken away or stopped.
pub fn is_own_port(port: &str) -> bool {
    ![PORT_GOAL, PORT_EXIT_RULE, PORT_TOO_MANY_MOVES].contains(&port)
}

/// The caller's sink.
pub trait Out {
    /// Something to be done.
    fn effect(&mut self, effect: Effect);

    /// A line of the passage's history.
    fn fact(&mut self, fact: Fact);

    /// The same line before it is written out. A driver that only counts overrides this and saves the texts.
    fn note(&mut self, version: &JourneyVersion, note: Note<'_>) {
        if let Some(fact) = note.fact(version) {
            self.fact(fact);
        }
    }

    /// What the call is given, before anything happens: for drivers that record.
    fn told(&mut self, _version: &JourneyVersion, _now: Moment, _who: &ContactView<'_>, _input: &Input) {}
}

/// A fact, borrowed.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    pub step: StepIx,
    pub at: Moment,
    pub what: NoteKind<'a>,
}

/// Kinds of notes, one for each kind of fact.
#[derive(Clone, Debug)]
pub enum NoteKind<'a> {
    Entered { visit: u32 },
    Waiting { until: Option<Moment> },
    Left { port: &'a str, because: Because<'a> },
    Did { effect: &'a Effect },
    Learned { outcome: Outcome },
    Ended { end: &'a End },
}

impl Note<'_> {
    /// Written out; `None` if the step is not of this version.
    pub fn fact(&self, version: &JourneyVersion) -> Option<Fact> {
        let step = version.placed(self.step)?.id.clone();
        let what = match &self.what {
            NoteKind::Entered { visit } => FactKind::Entered { visit: *visit },
            NoteKind::Waiting { until } => FactKind::Waiting { until: *until },
            NoteKind::Left { port, because } => FactKind::Left {
                port: (*port).to_owned(),
                because: evidence(version, because),
            },
            NoteKind::Did { effect } => FactKind::Did {
                effect: (*effect).clone(),
            },
            NoteKind::Learned { outcome } => FactKind::Learned { outcome: *outcome },
            NoteKind::Ended { end } => FactKind::Ended { end: (*end).clone() },
        };
        Some(Fact {
            step,
            at: self.at,
            what,
        })
    }
}

fn evidence(version: &JourneyVersion, because: &Because<'_>) -> Vec<Evidence> {
    let one = |about: &str, value: String| {
        vec![Evidence {
            about: about.to_owned(),
            value,
        }]
    };
    match because {
        Because::Nothing => Vec::new(),
        Because::Truths(truths) => truths
            .iter()
            .map(|(ix, holds)| Evidence {
                about: version.condition_text(*ix).to_owned(),
                value: holds.to_string(),
            })
            .collect(),
        Because::Event { name, id } => one(name, id.to_string()),
        Because::Bucket(bucket) => one("random", bucket.to_string()),
        Because::Field { key, found } => one(key, found.map_or(String::new(), |at| at.to_rfc3339())),
        Because::Limit(limit) => one("moves", limit.to_string()),
    }
}

/// Takes one passage one input further.
///
/// `who` must be true as of `now`. After the end nothing happens any more, whatever is told. `Enter` counts
/// only for a passage that has not begun, everything else only for one that has.
pub fn step(
    version: &JourneyVersion,
    state: State,
    now: Moment,
    who: &mut ContactView<'_>,
    input: &Input,
    out: &mut dyn Out,
) -> State {
    if state.end.is_some() {
        return state;
    }
    out.told(version, now, who, input);
    let base = state.planned_at;
    let mut run = Run {
        version,
        state,
        now,
        base,
        who,
        input,
        out,
        moves: 0,
    };
    run.take(input);
    run.state
}

struct Run<'a, 'w, 'r> {
    version: &'a JourneyVersion,
    state: State,
    now: Moment,
    base: Moment,
    who: &'w mut ContactView<'r>,
    input: &'a Input,
    out: &'w mut dyn Out,
    moves: u32,
}

/// Where goals and rules bring a contact.
enum Turn {
    Stays,
    /// The passage is over.
    Over,
    /// To a goal that leads on.
    On(Goal),
}

impl Goal {
    /// From a goal that was reached, on by its port.
    fn leads_on<'a>(self) -> (StepIx, Flow<'a>) {
        (self.step, Flow::Go(0, Because::truth(self.when, true)))
    }
}

impl<'a> Run<'a, '_, '_> {
    fn take(&mut self, input: &'a Input) {
        match (input, self.state.at) {
            (Input::Enter { entry, planned, .. }, None) => {
                self.begin_at(*planned);
                if self.version.placed(*entry).is_some() {
                    self.arrive(*entry);
                    if self.stays() {
                        self.go_on();
                    }
                }
            }
            (Input::Enter { .. }, Some(_)) => {}
            (Input::Wake, Some(_)) => {
                self.begin_at(self.state.wake_at.unwrap_or(self.now));
                if self.stays() && self.is_due(self.now) {
                    self.signal(Signal::Due);
                }
            }
            (Input::Event(event), Some(_)) => self.event(event),
            (Input::Truth { condition, holds }, at) => {
                self.who.set_truth(*condition, *holds);
                if at.is_some() {
                    self.begin_at(self.now);
                    self.stays();
                }
            }
            (Input::Sent { step, visit, outcome }, Some(_)) => {
                let known = self
                    .state
                    .visits
                    .iter()
                    .any(|(ix, count)| ix == step && (1..=*count).contains(visit));
                if known {
                    self.note(*step, NoteKind::Learned { outcome: *outcome });
                }
                self.begin_at(self.now);
                self.stays();
            }
            (Input::Moved, Some(_)) => {
                self.begin_at(self.now);
                if self.stays() {
                    self.signal(Signal::Moved);
                }
            }
            (Input::Stop(end), Some(_)) => self.end(end.clone()),
            (Input::Stop(end), None) => self.state.end = Some(end.clone()),
            (Input::Wake | Input::Event(_) | Input::Sent { .. } | Input::Moved, None) => {}
        }
    }

    /// Goals and exit rules first; then, if the deadline lay before the event, the deadline; then the event.
    fn event(&mut self, event: &'a Event) {
        let overdue = self
            .state
            .wake_at
            .filter(|wake| *wake < event.at && *wake <= self.now);
        self.begin_at(overdue.unwrap_or(event.at));
        if !self.stays() {
            return;
        }
        if overdue.is_some() {
            self.signal(Signal::Due);
            self.begin_at(event.at);
        }
        // What happened before the contact came here does not count.
        if self.state.at.is_some() && event.at >= self.state.planned_at {
            self.signal(Signal::Event(event));
        }
    }

    /// Sets the base of waits from the moment this call was meant for.
    fn begin_at(&mut self, due: Moment) {
        let due = due.min(self.now);
        let late = self.now.signed_duration_since(due) > LATE_ALLOWED;
        let base = if late { self.now } else { due };
        let begun = self.state.at.is_some();
        self.base = if begun {
            base.max(self.state.planned_at)
        } else {
            base
        };
    }

    fn is_due(&self, now: Moment) -> bool {
        self.state.wake_at.is_some_and(|wake| wake <= now)
    }

    fn signal(&mut self, signal: Signal<'a>) {
        if let Some((at, placed)) = self.here() {
            let flow = placed.node.wake(&self.cx(at, placed), signal);
            self.follow(at, flow);
        }
    }

    /// Enters the step the contact has arrived in.
    fn go_on(&mut self) {
        if let Some((at, placed)) = self.here() {
            let flow = placed.node.enter(&self.cx(at, placed));
            self.follow(at, flow);
        }
    }

    /// Moves from step to step until one waits or ends. A goal that what a step did has reached leads on from where
    /// it stands; this is a loop and no recursion, because a drawing may have thousands of them.
    fn follow(&mut self, mut at: StepIx, mut flow: Flow<'a>) {
        loop {
            let (port, because) = match flow {
                Flow::Stay => return,
                Flow::Park(until) => return self.park(at, until),
                Flow::End(end) => return self.end(end),
                Flow::Go(port, because) => (port, because),
                Flow::Act(effect) => match self.act(at, effect) {
                    Turn::Stays => (0, Because::Nothing),
                    Turn::Over => return,
                    Turn::On(goal) => {
                        (at, flow) = goal.leads_on();
                        continue;
                    }
                },
                Flow::Send {
                    template,
                    account,
                    transactional,
                } => {
                    self.mail(at, template, account, transactional);
                    (0, Because::Nothing)
                }
            };
            match self.leave(at, port, because) {
                Some((next, placed)) => {
                    at = next;
                    flow = placed.node.enter(&self.cx(next, placed));
                }
                None => return,
            }
        }
    }

    /// Has something done, which may bring the contact elsewhere.
    fn act(&mut self, at: StepIx, effect: Effect) -> Turn {
        self.who.apply(self.version, &effect, self.now);
        self.note(at, NoteKind::Did { effect: &effect });
        self.out.effect(effect);
        self.interrupt()
    }

    fn mail(&mut self, at: StepIx, template: &str, account: Option<&str>, transactional: bool) {
        let effect = Effect::Send {
            step: at,
            visit: self.visits(at),
            template: template.to_owned(),
            account: account.map(str::to_owned),
            transactional,
        };
        self.note(at, NoteKind::Did { effect: &effect });
        self.out.effect(effect);
    }

    fn leave(&mut self, at: StepIx, port: usize, because: Because<'a>) -> Option<(StepIx, &'a Placed)> {
        let version = self.version;
        let arrow = version.placed(at)?.ports.get(port);
        let name = arrow.map_or(super::node::NEXT, |arrow| arrow.port.as_str());
        if self.moves >= MOVES_ALLOWED {
            let because = Because::Limit(MOVES_ALLOWED);
            self.note(
                at,
                NoteKind::Left {
                    port: PORT_TOO_MANY_MOVES,
                    because,
                },
            );
            self.end(End::Stopped);
            return None;
        }
        self.note(at, NoteKind::Left { port: name, because });
        match arrow.and_then(|arrow| arrow.to) {
            Some(next) => {
                self.arrive(next);
                Some((next, version.placed(next)?))
            }
            None => {
                self.end(End::Completed(String::new()));
                None
            }
        }
    }

    fn arrive(&mut self, step: StepIx) {
        self.moves += 1;
        self.state.at = Some(step);
        self.state.planned_at = self.base;
        self.state.wake_at = None;
        let visits = &mut self.state.visits;
        let visit = match visits.binary_search_by_key(&step, |(ix, _)| *ix) {
            Ok(place) => {
                visits[place].1 = visits[place].1.saturating_add(1);
                visits[place].1
            }
            Err(place) => {
                visits.insert(place, (step, 1));
                1
            }
        };
        self.note(step, NoteKind::Entered { visit });
    }

    fn park(&mut self, at: StepIx, until: Option<Moment>) {
        self.state.wake_at = until;
        self.note(at, NoteKind::Waiting { until });
    }

    fn end(&mut self, end: End) {
        if let Some(at) = self.state.at.take() {
            self.note(at, NoteKind::Ended { end: &end });
        }
        self.state.wake_at = None;
        self.state.end = Some(end);
    }

    /// Whether the contact stays where it is: no goal and no rule of the journey takes it away. A goal that leads on
    /// is followed.
    fn stays(&mut self) -> bool {
        match self.interrupt() {
            Turn::Stays => return true,
            Turn::Over => {}
            Turn::On(goal) => {
                let (at, flow) = goal.leads_on();
                self.follow(at, flow);
            }
        }
        false
    }

    /// Goals that end come first, then goals that lead on, then the rules of the journey. With two goals that lead on,
    /// the later in canonical order decides where to.
    fn interrupt(&mut self) -> Turn {
        let Some(mut at) = self.state.at else {
            return Turn::Stays;
        };
        let mut led_on = None;
        while let Some(goal) = self.reached_goal() {
            let because = Because::truth(goal.when, true);
            self.note(
                at,
                NoteKind::Left {
                    port: PORT_GOAL,
                    because,
                },
            );
            self.arrive(goal.step);
            at = goal.step;
            if goal.ends {
                let end = self.version.placed(at).map(|placed| End::Goal(placed.id.clone()));
                self.end(end.unwrap_or(End::Stopped));
                return Turn::Over;
            }
            self.state.reached.push(goal.step);
            led_on = Some(goal);
        }
        let version = self.version;
        if let Some((when, reason)) = version.exit_rules.iter().find(|(when, _)| self.who.holds(*when)) {
            let because = Because::truth(*when, true);
            self.note(
                at,
                NoteKind::Left {
                    port: PORT_EXIT_RULE,
                    because,
                },
            );
            self.end(End::ExitRule(reason.clone()));
            return Turn::Over;
        }
        led_on.map_or(Turn::Stays, Turn::On)
    }

    fn reached_goal(&self) -> Option<Goal> {
        let open = |goal: &&Goal| self.who.holds(goal.when) && !self.state.reached.contains(&goal.step);
        let goals = &self.version.goals;
        goals
            .iter()
            .filter(|goal| goal.ends)
            .find(open)
            .or_else(|| goals.iter().find(open))
            .copied()
    }

    fn here(&self) -> Option<(StepIx, &'a Placed)> {
        let at = self.state.at?;
        Some((at, self.version.placed(at)?))
    }

    fn cx<'c>(&'c self, at: StepIx, placed: &'c Placed) -> Cx<'c> {
        Cx {
            step: &placed.id,
            visit: self.visits(at),
            now: self.now,
            base: self.base,
            arrived_at: self.state.planned_at,
            wake_at: self.state.wake_at,
            who: self.who,
            input: self.input,
        }
    }

    fn visits(&self, step: StepIx) -> u32 {
        let visits = &self.state.visits;
        visits
            .binary_search_by_key(&step, |(ix, _)| *ix)
            .map_or(0, |place| visits[place].1)
    }

    fn note(&mut self, step: StepIx, what: NoteKind<'_>) {
        self.out.note(
            self.version,
            Note {
                step,
                at: self.now,
                what,
            },
        );
    }
}
