//! What a step kind is made of: the trait each file in `steps/` implements, and what its steps answer.

use super::check::Check;
use super::entry::Entry;
use super::face::{Face, Setting};
use super::view::{ContactView, PassageId};
use carillon_model::event::Event;
use carillon_model::journey::{ConditionIx, Effect, End, Input};
use carillon_model::{EventId, Moment, StepId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::fmt;

/// A kind of step.
pub trait Kind: 'static {
    /// The stem of its file: the `kind` of a step, the key of its words, the folder of its form.
    const NAME: &'static str;
    /// How the palette shows it.
    const FACE: Face;
    /// Its settings as files carry them.
    type Settings: DeserializeOwned;

    /// The settings' form.
    fn schema() -> Vec<Setting>;

    /// Settings that are right in [`super::Catalogue::sample`]: for tests and for trying out.
    fn sample() -> Value;

    /// Its ports, in order.
    fn ports(settings: &Self::Settings) -> Vec<Port>;

    /// Looks the settings over, and makes the step if nothing is wrong.
    fn check(settings: Self::Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>>;
}

/// A way out of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    /// Without an arrow it is a problem.
    pub required: bool,
}

/// The one port of most kinds.
pub const NEXT: &str = "next";

/// The port `next`, alone.
pub fn next() -> Vec<Port> {
    vec![Port::new(NEXT)]
}

impl Port {
    /// A port that must lead somewhere.
    pub fn new(name: impl Into<String>) -> Port {
        Port {
            name: name.into(),
            required: true,
        }
    }
}

/// A step of a version, ready to run. Pure: what it does not find in `cx` it does not know.
pub trait Node: Send + Sync + fmt::Debug {
    /// The contact comes in.
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_>;

    /// Something happened while the contact waits here.
    fn wake(&self, _cx: &Cx<'_>, _signal: Signal<'_>) -> Flow<'_> {
        Flow::Stay
    }

    /// How contacts come in, if this is an entry.
    fn entry(&self) -> Option<&Entry> {
        None
    }

    /// When a goal is reached, and whether that ends the passage.
    fn goal(&self) -> Option<(ConditionIx, bool)> {
        None
    }

    /// The port by which chance leads the passage on, if nothing else does. All that a step asks of a contact's number.
    fn way(&self, _passage: PassageId, _step: &StepId) -> Option<usize> {
        None
    }

    /// Whether time surely passes here: a loop without such a step never ends.
    fn always_waits(&self) -> bool {
        false
    }

    /// The event that ends the wait, if one does.
    fn waits_for(&self) -> Option<&str> {
        None
    }

    /// Fields of the contact that the moment it waits for hangs on.
    fn hangs_on(&self) -> SmallVec<[&str; 2]> {
        SmallVec::new()
    }

    /// What it writes of the contact beside events, if it does.
    fn writes(&self) -> Option<Written<'_>> {
        None
    }

    /// The event it records, if it does.
    fn posts(&self) -> Option<&str> {
        None
    }

    /// Whether the passage surely ends here.
    fn ends(&self) -> bool {
        false
    }
}

/// A part of what is known of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    Field(&'a str),
    Tag(&'a str),
}

/// What a step sees.
pub struct Cx<'a> {
    pub step: &'a StepId,
    /// Visit of this step, from 1.
    pub visit: u32,
    pub now: Moment,
    /// Base of relative waits: the planned moment of arrival, or `now` when the call is late.
    pub base: Moment,
    /// Planned moment of arrival in this step.
    pub arrived_at: Moment,
    /// The deadline it set itself.
    pub wake_at: Option<Moment>,
    pub who: &'a ContactView<'a>,
    pub input: &'a Input,
}

/// What may end a wait.
#[derive(Clone, Copy, Debug)]
pub enum Signal<'a> {
    /// The deadline has come.
    Due,
    Event(&'a Event),
    /// A field that the wait hangs on was written.
    Moved,
}

/// What a step answers.
#[derive(Clone, Debug)]
pub enum Flow<'a> {
    /// On, by the port of this place in [`Kind::ports`].
    Go(usize, Because<'a>),
    /// Have this done, then on by the first port.
    Act(Effect),
    /// Send a mail, then on by the first port. The kernel adds step and visit.
    Send {
        template: &'a str,
        account: Option<&'a str>,
        transactional: bool,
    },
    /// Wait, until a moment or for something to happen.
    Park(Option<Moment>),
    /// Go on waiting as before.
    Stay,
    End(End),
}

/// What a decision was taken on; becomes [`carillon_model::journey::Evidence`].
#[derive(Clone, Debug, PartialEq)]
pub enum Because<'a> {
    Nothing,
    /// Conditions that were looked at, with their truth.
    Truths(SmallVec<[(ConditionIx, bool); 4]>),
    Event {
        name: &'a str,
        id: EventId,
    },
    /// Bucket of a random split, 0 to 9,999.
    Bucket(u16),
    /// A field and what was found there.
    Field {
        key: &'a str,
        found: Option<Moment>,
    },
    /// The kernel's own limit.
    Limit(u32),
}

impl<'a> Because<'a> {
    /// One condition.
    pub fn truth(condition: ConditionIx, holds: bool) -> Because<'a> {
        let mut truths = SmallVec::new();
        truths.push((condition, holds));
        Because::Truths(truths)
    }
}

/// A kind without its types: a line of the list in `steps.rs`.
pub struct KindEntry {
    pub name: &'static str,
    pub face: Face,
    pub schema: fn() -> Vec<Setting>,
    pub sample: fn() -> Value,
    /// Ports under some settings; none if they cannot be read.
    pub ports: fn(&Value) -> Vec<Port>,
    pub(crate) build: fn(&Map<String, Value>, &mut Check<'_>) -> Built,
}

/// What came of a step's settings. Ports are known even when something is wrong with the rest.
pub(crate) struct Built {
    pub ports: Option<Vec<Port>>,
    pub node: Option<Box<dyn Node>>,
}

/// The entry of a kind.
pub const fn entry<K: Kind>() -> KindEntry {
    KindEntry {
        name: K::NAME,
        face: K::FACE,
        schema: K::schema,
        sample: K::sample,
        ports: ports::<K>,
        build: build::<K>,
    }
}

fn ports<K: Kind>(settings: &Value) -> Vec<Port> {
    K::Settings::deserialize(settings).map_or(Vec::new(), |settings| K::ports(&settings))
}

fn build<K: Kind>(settings: &Map<String, Value>, cx: &mut Check<'_>) -> Built {
    let document = Value::Object(settings.clone());
    match serde_path_to_error::deserialize::<_, K::Settings>(document) {
        Ok(settings) => {
            let ports = K::ports(&settings);
            Built {
                ports: Some(ports),
                node: K::check(settings, cx),
            }
        }
        Err(error) => {
            cx.bad_settings(&error.path().to_string(), &error.inner().to_string());
            Built {
                ports: None,
                node: None,
            }
        }
    }
}
