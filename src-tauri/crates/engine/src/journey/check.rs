//! What steps ask while their settings are looked over, and where their conditions get their numbers.

use super::problem::Code;
use super::settings::{Duration, LONGEST_SECS, clipped};
use super::version::{Needs, Reads};
use crate::segment::{self, ExprProblem, InUse};
use carillon_model::StepId;
use carillon_model::contact::{Currency, Field, FieldType, Money, Value as FieldValue};
use carillon_model::journey::{ConditionIx, Problem};
use carillon_model::score::Score;
use carillon_model::segment::{Clause, EventMatch, Expr, Times, Window};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a workspace knows, by value: against this a drawing is checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    pub fields: Vec<Field>,
    /// Saved segments by name.
    pub segments: BTreeMap<String, Expr>,
    /// Templates by key.
    pub templates: BTreeSet<String>,
    /// Sender accounts by name.
    pub accounts: BTreeSet<String>,
    /// The account of mails that name none.
    pub default_account: Option<String>,
}

/// Most distinct conditions of one version.
pub const CONDITIONS_ALLOWED: usize = 5_000;
/// Most branches of one split.
pub const BRANCHES_ALLOWED: usize = 100;
/// Longest name, tag or word, in characters.
const LONGEST_WORD: usize = 100;

/// Fields that only Carillon or the user writes.
const READ_ONLY: [&str; 2] = ["email", "created_at"];

/// The look over one document.
pub struct Check<'a> {
    pub(super) catalogue: &'a Catalogue,
    segment_names: BTreeSet<String>,
    step: Option<StepId>,
    pub(super) problems: Vec<Problem>,
    pub(super) conditions: Vec<Expr>,
    pub(super) texts: Vec<String>,
    pub(super) reads: Vec<Reads>,
    pub(super) needs: Needs,
    known: BTreeMap<String, ConditionIx>,
    /// What the workspace calls things, where somebody asks whether the names in conditions mean any.
    names: Option<&'a InUse>,
}

impl<'a> Check<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, names: Option<&'a InUse>) -> Check<'a> {
        let mut needs = Needs::default();
        needs.fields.insert("time_zone".to_owned());
        needs.by_steps.insert("time_zone".to_owned());
        Check {
            catalogue,
            segment_names: catalogue.segments.keys().cloned().collect(),
            step: None,
            problems: Vec::new(),
            conditions: Vec::new(),
            texts: Vec::new(),
            reads: Vec::new(),
            needs,
            known: BTreeMap::new(),
            names,
        }
    }

    /// What follows is about this step, or about the journey.
    pub(super) fn about(&mut self, step: Option<&StepId>) {
        self.step = step.cloned();
    }

    /// Notes a problem of the present step.
    pub fn problem(&mut self, code: Code, setting: Option<&str>, params: &[(&str, &str)]) {
        let problem = match &self.step {
            Some(step) => code.of_step(step, setting, params),
            None => Problem {
                field: setting.map(str::to_owned),
                ..code.of_journey(params)
            },
        };
        self.problems.push(problem);
    }

    /// A setting that cannot be read or makes no sense.
    pub fn bad_settings(&mut self, setting: &str, message: &str) {
        let setting = setting.split(['.', '[']).next().filter(|name| !name.is_empty());
        self.problem(
            Code::BadSettings,
            setting,
            &[("message", &clipped_message(message))],
        );
    }

    /// A window that never opens, a schedule that never comes.
    pub fn impossible_window(&mut self, setting: &str) {
        self.problem(Code::ImpossibleWindow, Some(setting), &[]);
    }

    /// Shares that are not 100 percent together.
    pub fn split_sum(&mut self, setting: &str, sum: f64) {
        self.problem(Code::SplitSum, Some(setting), &[("sum", &sum.to_string())]);
    }

    /// A condition in its text form; equal ones share a number.
    pub fn condition(&mut self, setting: &str, text: &str) -> Option<ConditionIx> {
        match segment::parse(text) {
            Ok(expr) => {
                self.look_up(setting, text, &expr);
                let place = |problem: &ExprProblem| segment::locate(text, problem).start;
                self.expression(setting, text, &place, expr)
            }
            Err(error) => {
                self.bad_expression(setting, text, error.at, &error.message);
                None
            }
        }
    }

    /// Being in a segment, as a condition.
    pub fn segment(&mut self, setting: &str, name: &str) -> Option<ConditionIx> {
        let expr = Expr::Clause(Clause::InSegment {
            name: name.to_owned(),
        });
        self.expression(setting, &segment::print(&expr), &|_| 0, expr)
    }

    /// An event with tests of its properties in their text form, which may be empty.
    pub fn event_match(
        &mut self,
        setting: &str,
        name: &str,
        tests_setting: &str,
        tests: &str,
    ) -> Option<EventMatch> {
        let name = self.word(setting, name);
        let props = if tests.trim().is_empty() {
            Ok(Vec::new())
        } else {
            segment::parse_where(tests)
        };
        match props {
            Ok(props) => {
                let event = EventMatch { name: name?, props };
                self.look_at_tests(tests_setting, tests, &event);
                Some(event)
            }
            Err(error) => {
                self.bad_expression(tests_setting, tests, error.at, &error.message);
                None
            }
        }
    }

    /// The version wants to be told of this event.
    pub fn listens(&mut self, event: &EventMatch) {
        self.needs.events.insert(event.name.clone());
        self.needs.listens.insert(event.name.clone());
    }

    /// A field of one of these types, which the version then reads.
    pub fn field(&mut self, setting: &str, key: &str, types: &[FieldType]) -> Option<FieldType> {
        let found = self.known_field(setting, key)?.field_type;
        if !types.contains(&found) {
            let words: Vec<&str> = types.iter().map(|wanted| type_word(*wanted)).collect();
            let message = format!(
                "it holds {}, and {} is needed",
                type_word(found),
                words.join(" or ")
            );
            self.problem(
                Code::WrongType,
                Some(setting),
                &[("name", key), ("message", &message)],
            );
            return None;
        }
        self.needs.fields.insert(key.to_owned());
        self.needs.by_steps.insert(key.to_owned());
        Some(found)
    }

    /// The key of a published score that is a number of points.
    pub fn score(&mut self, setting: &str, key: &str) -> Option<String> {
        let field = Score::field(key);
        let known = |known: &&Field| known.key == field && known.score.as_deref() == Some(key);
        let found = self.catalogue.fields.iter().find(known);
        if found.is_some_and(|field| field.field_type == FieldType::Number) {
            return Some(key.to_owned());
        }
        self.problem(Code::UnknownScore, Some(setting), &[("name", &clipped(key))]);
        None
    }

    /// A value to be written to a field: JSON of the field's type, `null` to clear it.
    pub fn new_value(
        &mut self,
        setting: &str,
        key: &str,
        value_setting: &str,
        value: &Value,
    ) -> Option<Option<FieldValue>> {
        let field = self.known_field(setting, key)?;
        if READ_ONLY.contains(&key) || field.score.is_some() || field.is_of_company() {
            self.problem(Code::ReadOnlyField, Some(setting), &[("name", key)]);
            return None;
        }
        if value.is_null() {
            return Some(None);
        }
        let wrong = |expected: &str| format!("the value must be {expected}");
        let message = match read_value(field.field_type, value) {
            None => wrong(type_word(field.field_type)),
            Some(FieldValue::Text(name)) if key == "time_zone" && name.parse::<chrono_tz::Tz>().is_err() => {
                wrong("a time zone like Europe/Berlin")
            }
            Some(FieldValue::Text(text)) if text.trim().is_empty() => {
                wrong("a text that is not empty, or null")
            }
            Some(FieldValue::Text(text)) if text.chars().any(misleads) => {
                wrong("a text on one line, without control or direction marks")
            }
            Some(value) => {
                let missing = options_of(&value)
                    .into_iter()
                    .find(|option| !field.options.contains(option));
                if let Some(option) = missing {
                    let message = format!("{} is none of its options", clipped(&option));
                    let params = [("name", key), ("message", message.as_str())];
                    self.problem(Code::UnknownOption, Some(value_setting), &params);
                    return None;
                }
                return Some(Some(value));
            }
        };
        self.problem(
            Code::WrongType,
            Some(value_setting),
            &[("name", key), ("message", &message)],
        );
        None
    }

    /// A template, which the version then sends.
    pub fn template(&mut self, setting: &str, key: &str) -> Option<()> {
        if !self.catalogue.templates.contains(key) {
            self.problem(Code::MissingTemplate, Some(setting), &[("name", &clipped(key))]);
            return None;
        }
        self.needs.templates.insert(key.to_owned());
        Some(())
    }

    /// An account, or the workspace's default.
    pub fn account(&mut self, setting: &str, name: Option<&str>) -> Option<()> {
        match name {
            None if self.catalogue.default_account.is_none() => {
                self.problem(Code::NoAccount, Some(setting), &[]);
                None
            }
            None => {
                self.needs.default_account = true;
                Some(())
            }
            Some(name) if !self.catalogue.accounts.contains(name) => {
                self.problem(Code::UnknownAccount, Some(setting), &[("name", &clipped(name))]);
                None
            }
            Some(name) => {
                self.needs.accounts.insert(name.to_owned());
                Some(())
            }
        }
    }

    /// A length of time in seconds, from a minute to ten years.
    pub fn wait_secs(&mut self, setting: &str, length: Duration) -> Option<i64> {
        let secs = length.secs();
        if !(60..=LONGEST_SECS).contains(&secs) {
            self.bad_settings(setting, "a wait is one minute to ten years long");
            return None;
        }
        Some(secs)
    }

    /// A tag, an event's name or another short text, trimmed.
    pub fn word(&mut self, setting: &str, text: &str) -> Option<String> {
        let word = text.trim();
        let wrong = if word.is_empty() {
            "is empty"
        } else if word.chars().count() > LONGEST_WORD {
            "is longer than 100 characters"
        } else if word.chars().any(char::is_control) {
            "has a control character"
        } else {
            return Some(word.to_owned());
        };
        self.bad_settings(setting, wrong);
        None
    }

    /// Whether the ports of branches are there, few enough, and each different, also from a fixed one.
    pub fn branches(&mut self, setting: &str, ports: &[&str], fixed: Option<&str>) -> bool {
        if ports.is_empty() {
            self.problem(Code::EmptyBranches, Some(setting), &[]);
            return false;
        }
        if ports.len() > BRANCHES_ALLOWED {
            self.bad_settings(setting, "a split has at most 100 branches");
            return false;
        }
        let mut seen: BTreeSet<&str> = fixed.into_iter().collect();
        let mut right = true;
        for port in ports {
            right &= self.word(setting, port).is_some();
            if !seen.insert(port) {
                self.problem(Code::DuplicatePort, Some(setting), &[("port", &clipped(port))]);
                right = false;
            }
        }
        right
    }

    fn known_field(&mut self, setting: &str, key: &str) -> Option<&'a Field> {
        let catalogue = self.catalogue;
        let found = catalogue.fields.iter().find(|field| field.key == key);
        if found.is_none() {
            self.problem(Code::UnknownField, Some(setting), &[("name", &clipped(key))]);
        }
        found
    }

    fn bad_expression(&mut self, setting: &str, text: &str, byte: usize, message: &str) {
        self.about_text(Code::BadExpression, setting, text, byte, "", message);
    }

    /// A problem of a text, where it stands in it.
    fn about_text(&mut self, code: Code, setting: &str, text: &str, byte: usize, name: &str, message: &str) {
        let params = [
            ("name", clipped(name)),
            ("message", clipped_message(message)),
            ("position", segment::character(text, byte).to_string()),
            ("text", clipped_message(text)),
        ];
        let params: Vec<(&str, &str)> = params.iter().map(|(key, value)| (*key, value.as_str())).collect();
        self.problem(code, Some(setting), &params);
    }

    /// What a check of segments found in a text.
    fn unfit(&mut self, setting: &str, text: &str, byte: usize, found: &ExprProblem) {
        let code = match found.code.as_str() {
            "unknown_field" => Code::UnknownField,
            "wrong_type" => Code::WrongType,
            "unknown_option" => Code::UnknownOption,
            "unknown_segment" => Code::UnknownSegment,
            "unknown_step" => Code::UnknownStepNamed,
            "ranked_here" => Code::RankedCondition,
            unused if unused.starts_with("unused_") => Code::DoubtfulName,
            _ => Code::BadExpression,
        };
        self.about_text(code, setting, text, byte, &found.name, &found.message);
    }

    /// Whether the steps and other names of a condition mean any, where somebody asks. A version that is out is not asked: what
    /// it names may be gone by now.
    fn look_up(&mut self, setting: &str, text: &str, expr: &Expr) {
        let Some(names) = self.names else { return };
        let found = segment::unknown_steps(expr, &names.steps);
        for found in found.iter().chain(&segment::slips(expr, names)) {
            self.unfit(setting, text, segment::locate(text, found).start, found);
        }
    }

    /// The same of tests of an event's properties, and whether they fit. They were only read in earlier versions, so those that
    /// are out are not asked.
    fn look_at_tests(&mut self, setting: &str, text: &str, event: &EventMatch) {
        let Some(names) = self.names else { return };
        let expr = Expr::Clause(Clause::Did {
            event: event.clone(),
            times: Times::AtLeast(1),
            window: Window::Ever,
        });
        let mut found = segment::check(&expr, &self.catalogue.fields, &self.segment_names);
        let mut slips = segment::slips(&expr, names);
        slips.retain(|slip| slip.code == "unused_property");
        found.append(&mut slips);
        for found in &found {
            let byte = segment::locate_where(text, &event.name, found).start;
            self.unfit(setting, text, byte, found);
        }
    }

    /// Checks an expression, read from `text` where `place` finds a problem, and gives it its number.
    fn expression(
        &mut self,
        setting: &str,
        text: &str,
        place: &dyn Fn(&ExprProblem) -> usize,
        expr: Expr,
    ) -> Option<ConditionIx> {
        let printed = segment::print(&expr);
        if let Some(known) = self.known.get(&printed) {
            return Some(*known);
        }
        let before = self.problems.len();
        let unfit = segment::check(&expr, &self.catalogue.fields, &self.segment_names);
        for found in unfit.iter().chain(&segment::not_here(&expr)) {
            self.unfit(setting, text, place(found), found);
        }
        self.named_in(setting, &expr);
        if self.problems.len() > before {
            return None;
        }
        if self.conditions.len() >= CONDITIONS_ALLOWED {
            let (count, limit) = (
                (CONDITIONS_ALLOWED + 1).to_string(),
                CONDITIONS_ALLOWED.to_string(),
            );
            self.problem(
                Code::TooManyConditions,
                None,
                &[("count", &count), ("limit", &limit)],
            );
            return None;
        }
        let ix = ConditionIx(self.conditions.len() as u16);
        let reads = self.reads_of(&expr);
        self.reads.push(reads);
        self.conditions.push(expr);
        self.texts.push(printed.clone());
        self.known.insert(printed, ix);
        Some(ix)
    }

    /// Templates and segments an expression names: the first must be there, the others not go in circles.
    fn named_in(&mut self, setting: &str, expr: &Expr) {
        let catalogue = self.catalogue;
        for clause in segment::clauses(expr) {
            if let Clause::Sent {
                template: Some(key), ..
            } = clause
                && !catalogue.templates.contains(key)
            {
                self.problem(Code::MissingTemplate, Some(setting), &[("name", &clipped(key))]);
            }
        }
        let reached = reached_segments(expr, &catalogue.segments);
        let those = reached
            .into_iter()
            .filter_map(|name| Some((name.clone(), catalogue.segments.get(&name)?.clone())));
        if let Some(cycle) = segment::find_cycle(&those.collect()) {
            let cycle = clipped_message(&cycle.join(" → "));
            self.problem(Code::CycleOfSegments, Some(setting), &[("cycle", &cycle)]);
        }
    }

    fn reads_of(&mut self, expr: &Expr) -> Reads {
        let mut reads = Reads::default();
        read_clauses(expr, &mut reads, &mut self.needs);
        let reached = reached_segments(expr, &self.catalogue.segments);
        reads.anything = !reached.is_empty();
        for name in reached {
            if let Some(inner) = self.catalogue.segments.get(&name) {
                read_clauses(inner, &mut Reads::default(), &mut self.needs);
            }
            self.needs.segments.insert(name);
        }
        reads
    }
}

fn read_clauses(expr: &Expr, reads: &mut Reads, needs: &mut Needs) {
    for clause in segment::clauses(expr) {
        reads
            .events
            .extend(segment::events_of(clause).map(|event| event.name.clone()));
        reads.fields.extend(segment::fields_of(clause).map(str::to_owned));
        match clause {
            Clause::Field { .. } | Clause::Shifted { .. } | Clause::Ranked { .. } => {}
            Clause::Tag { tag } => {
                reads.tags = true;
                needs.tags.insert(tag.clone());
            }
            Clause::Did { .. }
            | Clause::Streak { .. }
            | Clause::FirstDid { .. }
            | Clause::LastDid { .. }
            | Clause::Aggregate { .. }
            | Clause::Sequence { .. } => {}
            Clause::Sent { .. } => reads.sent = true,
            Clause::Answered { answer, .. } => {
                reads.sent = true;
                reads.events.insert(answer.event().to_owned());
            }
            Clause::Consent { .. } => needs.consents = true,
            Clause::Sample { .. } => needs.sample = true,
            Clause::Moved { .. } | Clause::InJourney { .. } | Clause::InSegment { .. } => {}
        }
        needs.movements.extend(segment::movements_of(clause));
        needs.past.extend(segment::past_of(clause).map(str::to_owned));
    }
    needs.fields.extend(reads.fields.iter().cloned());
    needs.events.extend(reads.events.iter().cloned());
    needs.sent |= reads.sent;
}

/// Names of all segments an expression refers to, also through others.
fn reached_segments(expr: &Expr, segments: &BTreeMap<String, Expr>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        for clause in segment::clauses(expr) {
            if let Clause::InSegment { name } = clause
                && reached.insert(name.clone())
            {
                open.extend(segments.get(name));
            }
        }
    }
    reached
}

fn read_value(wanted: FieldType, value: &Value) -> Option<FieldValue> {
    match wanted {
        FieldType::Text => Some(FieldValue::Text(value.as_str()?.to_owned())),
        FieldType::Number => Some(FieldValue::Number(value.as_f64()?)),
        FieldType::Money => {
            let fields = value.as_object().filter(|fields| fields.len() == 2)?;
            let currency = Currency::parse(fields.get("currency")?.as_str()?)?;
            Some(FieldValue::Money(Money {
                minor: fields.get("minor")?.as_i64()?,
                currency,
            }))
        }
        FieldType::YesNo => Some(FieldValue::YesNo(value.as_bool()?)),
        FieldType::Choice => Some(FieldValue::Choice(value.as_str()?.to_owned())),
        FieldType::MultiChoice => {
            let options = value
                .as_array()?
                .iter()
                .map(|option| Some(option.as_str()?.to_owned()));
            Some(FieldValue::MultiChoice(options.collect::<Option<_>>()?))
        }
        FieldType::Date => Some(FieldValue::Date(value.as_str()?.parse().ok()?)),
        FieldType::DateTime => Some(FieldValue::DateTime(value.as_str()?.parse().ok()?)),
    }
}

fn options_of(value: &FieldValue) -> Vec<String> {
    match value {
        FieldValue::Choice(option) => vec![option.clone()],
        FieldValue::MultiChoice(options) => options.iter().cloned().collect(),
        FieldValue::Text(_)
        | FieldValue::Number(_)
        | FieldValue::Money(_)
        | FieldValue::YesNo(_)
        | FieldValue::Date(_)
        | FieldValue::DateTime(_) => Vec::new(),
    }
}

fn type_word(field: FieldType) -> &'static str {
    match field {
        FieldType::Text => "text",
        FieldType::Number => "a number",
        FieldType::Money => "an amount with its currency",
        FieldType::YesNo => "yes or no",
        FieldType::Choice => "one of its options",
        FieldType::MultiChoice => "a list of its options",
        FieldType::Date => "a date",
        FieldType::DateTime => "a date and time",
    }
}

/// What does not belong in a value: it breaks lines, or only misleads who reads them.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn clipped_message(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    if text.chars().count() > 300 {
        short.push('…');
    }
    short
}
