//! What the kinds have in common, and a passage to try one kind in.

use super::{KINDS, catalogue};
use crate::journey::face::Form;
use crate::journey::{Catalogue, ContactView, JourneyVersion, Out, PassageId, compile, problem::Code, step};
use crate::record::{ContactRecord, Scope};
use carillon_model::contact::Value as FieldValue;
use carillon_model::event::{Event, Prop};
use carillon_model::journey::{
    Effect, End, Evidence, Fact, FactKind, Input, Journey, Problem, State, Step, StepIx,
};
use carillon_model::{ContactId, EventId, JourneyId, Moment, StepId};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub fn utc(text: &str) -> Moment {
    text.parse().unwrap()
}

pub fn contact(id: u32) -> ContactRecord {
    ContactRecord {
        id,
        ..ContactRecord::default()
    }
}

pub fn event(name: &str, at: &str, props: &[(&str, Prop)]) -> Event {
    Event {
        id: EventId(77),
        contact: ContactId(1),
        name: name.into(),
        at: utc(at),
        arrived_at: utc(at),
        source: "test".into(),
        props: props
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    }
}

/// A drawing of steps in a row behind a manual entry (an entry kind stands alone), all other ways to `done`.
pub fn row(kinds: &[(&str, Value)]) -> Journey {
    let id = |n: usize| match n {
        n if n >= kinds.len() => StepId("done".into()),
        0 if kinds.len() == 1 => StepId("it".into()),
        n => StepId(format!("it{}", n + 1)),
    };
    let new = |id: StepId, kind: &str, settings: &Value, next: BTreeMap<String, StepId>| Step {
        id,
        kind: kind.into(),
        name: String::new(),
        settings: settings.as_object().cloned().unwrap(),
        next,
    };
    let to = |id: StepId| BTreeMap::from([("next".to_owned(), id)]);
    let mut steps = vec![
        new("aside".into(), "entry_manual", &json!({}), to("done".into())),
        new("done".into(), "exit", &json!({"reason": "done"}), BTreeMap::new()),
    ];
    if !kinds[0].0.starts_with("entry_") {
        steps.push(new("in".into(), "entry_manual", &json!({}), to(id(0))));
    }
    for (n, (kind, settings)) in kinds.iter().enumerate() {
        let ports = super::kind(kind).map_or(Vec::new(), |kind| (kind.ports)(settings));
        let mut next: BTreeMap<String, StepId> = ports
            .into_iter()
            .enumerate()
            .map(|(place, port)| (port.name, if place == 0 { id(n + 1) } else { id(kinds.len()) }))
            .collect();
        if next.is_empty() && !["exit", "random"].contains(kind) {
            next = to(id(n + 1));
        }
        steps.push(new(id(n), kind, settings, next));
    }
    Journey {
        format: carillon_model::journey::JOURNEY_FORMAT.into(),
        name: "Row".into(),
        re_entry: Default::default(),
        exit_when: Vec::new(),
        steps,
        layout: BTreeMap::new(),
    }
}

pub fn around(kind: &str, settings: Value) -> Journey {
    row(&[(kind, settings)])
}

pub fn problems_of(kind: &str, settings: Value) -> Vec<Problem> {
    compile(&around(kind, settings), &Catalogue::sample()).1
}

pub fn codes_of(kind: &str, settings: Value) -> Vec<String> {
    problems_of(kind, settings)
        .into_iter()
        .map(|problem| problem.code)
        .collect()
}

/// A version around one step, and the step's place in it.
pub fn only(kind: &str, settings: Value) -> (JourneyVersion, StepIx) {
    let (version, problems) = compile(&around(kind, settings), &Catalogue::sample());
    let version = version.unwrap_or_else(|| panic!("{problems:?}"));
    let it = version.find(&"it".into()).unwrap();
    (version, it)
}

/// A passage through a row of steps, with its contact in Berlin.
pub struct Try {
    pub version: JourneyVersion,
    pub facts: Vec<Fact>,
    pub effects: Vec<Effect>,
    record: ContactRecord,
    state: State,
    events: i64,
}

#[derive(Default)]
struct Heard {
    facts: Vec<Fact>,
    effects: Vec<Effect>,
}

impl Out for Heard {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }
}

impl Try {
    pub fn of(kind: &str, settings: Value) -> Try {
        Try::chain(&[(kind, settings)])
    }

    pub fn chain(kinds: &[(&str, Value)]) -> Try {
        let (version, problems) = compile(&row(kinds), &Catalogue::sample());
        let version = version.unwrap_or_else(|| panic!("{problems:?}"));
        Try {
            version,
            facts: Vec::new(),
            effects: Vec::new(),
            record: contact(1),
            state: State::fresh(Moment::UNIX_EPOCH),
            events: 0,
        }
    }

    pub fn contact(&mut self, id: u32) {
        self.record.id = id;
    }

    pub fn set(&mut self, key: &str, value: FieldValue) {
        self.record.fields.insert(key.into(), value);
    }

    pub fn text_field(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.set(key, FieldValue::Text(text.into()));
        }
    }

    pub fn clear(&mut self, key: &str) {
        self.record.fields.remove(key);
    }

    pub fn tag(&mut self, tag: &str) {
        self.record.tags.insert(tag.into());
    }

    pub fn enter(&mut self, now: &str) {
        self.enter_planned(now, now);
    }

    pub fn enter_planned(&mut self, now: &str, planned: &str) {
        let entry = self.version.find(&"in".into()).unwrap();
        self.tell(
            now,
            &Input::Enter {
                entry,
                planned: utc(planned),
                event: None,
            },
        );
    }

    pub fn wake(&mut self, now: &str) {
        self.tell(now, &Input::Wake);
    }

    pub fn moved(&mut self, now: &str) {
        self.tell(now, &Input::Moved);
    }

    pub fn event(&mut self, name: &str, now: &str) {
        self.event_told(name, now, now, &[]);
    }

    pub fn event_with(&mut self, name: &str, now: &str, props: &[(&str, Prop)]) {
        self.event_told(name, now, now, props);
    }

    pub fn event_told(&mut self, name: &str, at: &str, now: &str, props: &[(&str, Prop)]) {
        self.events += 1;
        let event = Event {
            id: EventId(self.events),
            ..event(name, at, props)
        };
        self.record.events.push(event.clone());
        self.record.events.sort_by_key(|event| (event.at, event.id));
        self.tell(now, &Input::Event(event));
    }

    pub fn tell(&mut self, now: &str, input: &Input) {
        let scope: Scope = Catalogue::sample().scope(chrono_tz::Europe::Berlin);
        let passage = PassageId {
            journey: JourneyId(1),
            contact: self.record.contact(),
            enrolment: 1,
        };
        let record = Cow::Owned(self.record.clone());
        let mut view = ContactView::new(&self.version, passage, record, &scope, utc(now));
        let mut heard = Heard::default();
        self.state = step(
            &self.version,
            self.state.clone(),
            utc(now),
            &mut view,
            input,
            &mut heard,
        );
        self.facts.append(&mut heard.facts);
        self.effects.append(&mut heard.effects);
        self.record = view.record().clone();
    }

    /// The present deadline, as text.
    pub fn wakes(&self) -> String {
        let wake = self
            .state
            .wake_at
            .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        wake.unwrap_or_else(|| format!("no deadline; {:?}", self.ports()))
    }

    /// The ports left by so far.
    pub fn ports(&self) -> Vec<String> {
        let ports = self.facts.iter().filter_map(|fact| match &fact.what {
            FactKind::Left { port, .. } => Some(port.clone()),
            _ => None,
        });
        ports.collect()
    }

    /// Everything decisions were taken on so far.
    pub fn evidence(&self) -> Vec<Evidence> {
        let evidence = self.facts.iter().filter_map(|fact| match &fact.what {
            FactKind::Left { because, .. } => Some(because.clone()),
            _ => None,
        });
        evidence.flatten().collect()
    }

    pub fn end(&self) -> Option<End> {
        self.state.end.clone()
    }
}

#[test]
fn every_kind_takes_its_own_sample_and_refuses_what_it_does_not_know() {
    for kind in KINDS {
        let sample = (kind.sample)();
        assert_eq!(
            codes_of(kind.name, sample.clone()),
            Vec::<String>::new(),
            "{}",
            kind.name
        );
        let mut unknown = sample.clone();
        unknown["colour"] = json!("red");
        let problems = problems_of(kind.name, unknown);
        assert_eq!(problems[0].code, "bad_settings", "{}", kind.name);
        assert!(
            problems[0].params["message"].contains("colour"),
            "{:?}",
            problems[0]
        );
    }
}

#[test]
fn every_kinds_form_is_what_its_settings_are() {
    for kind in KINDS {
        let schema = (kind.schema)();
        let sample = (kind.sample)();
        for setting in &schema {
            let mut without = sample.clone();
            let given = without.as_object_mut().unwrap().remove(&setting.name).is_some();
            let refused = codes_of(kind.name, without).contains(&"bad_settings".to_owned());
            assert_eq!(refused, setting.required, "{}.{}", kind.name, setting.name);
            assert!(
                given || !setting.required,
                "{}: the sample lacks {}",
                kind.name,
                setting.name
            );
            if !setting.required && !setting.default.is_null() {
                let mut with = sample.clone();
                with[&setting.name] = setting.default.clone();
                assert_eq!(
                    codes_of(kind.name, with),
                    Vec::<String>::new(),
                    "{}.{}",
                    kind.name,
                    setting.name
                );
            }
            if setting.form == Form::Choice {
                for option in &setting.options {
                    let mut with = sample.clone();
                    with[&setting.name] = json!(option);
                    assert_eq!(
                        codes_of(kind.name, with),
                        Vec::<String>::new(),
                        "{}.{} {option}",
                        kind.name,
                        setting.name
                    );
                }
            }
        }
        for key in sample.as_object().unwrap().keys() {
            assert!(
                schema.iter().any(|setting| setting.name == *key),
                "{}: no form for {key}",
                kind.name
            );
        }
    }
}

#[test]
fn the_palette_shows_each_kind_once_in_its_place() {
    let faces = catalogue();
    assert_eq!(faces.len(), KINDS.len());
    let mut places: Vec<_> = faces.iter().map(|face| (face.group, face.order)).collect();
    places.dedup();
    assert_eq!(places.len(), KINDS.len(), "two kinds in one place");
    let split = faces.iter().find(|face| face.kind == "split").unwrap();
    assert_eq!(split.ports.len(), 1, "only `else` does not come from a branch");
    let text = serde_json::to_string(&faces).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<crate::journey::face::StepKindFace>>(&text).unwrap(),
        faces
    );
}

fn words(file: &str) -> Value {
    let path = format!(
        "{}/../../../assets/locales/en/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_kind_has_its_words() {
    let words = words("steps");
    let said = |path: &[&str]| {
        let text = path.iter().fold(&words, |at, key| &at[key]);
        assert!(
            text.as_str().is_some_and(|text| !text.trim().is_empty()),
            "no words for {path:?}"
        );
    };
    for face in catalogue() {
        said(&[&face.kind, "title"]);
        said(&[&face.kind, "about"]);
        for setting in &face.settings {
            said(&[&face.kind, "settings", &setting.name]);
        }
        for port in &face.ports {
            said(&[&face.kind, "ports", &port.name]);
        }
        let of = &words[&face.kind];
        let count = |key: &str| of[key].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(
            count("settings"),
            face.settings.len(),
            "{}: words for settings that are not",
            face.kind
        );
        assert_eq!(
            count("ports"),
            face.ports.len(),
            "{}: words for ports that are not",
            face.kind
        );
    }
    assert_eq!(
        words.as_object().unwrap().len(),
        KINDS.len(),
        "words for kinds that are not"
    );
}

#[test]
fn every_problem_has_its_sentence() {
    let words = words("problems");
    for code in Code::ALL {
        let sentence = words[code.word()]
            .as_str()
            .unwrap_or_else(|| panic!("no sentence for {}", code.word()));
        let mut rest = sentence;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .unwrap_or_else(|| panic!("open brace in {}", code.word()));
            assert!(
                code.params().contains(&name),
                "{} has no value {name}",
                code.word()
            );
            rest = after;
        }
        assert!(sentence.ends_with('.'), "{}: {sentence}", code.word());
    }
    assert_eq!(
        words.as_object().unwrap().len(),
        Code::ALL.len(),
        "sentences for problems that are not"
    );
}
