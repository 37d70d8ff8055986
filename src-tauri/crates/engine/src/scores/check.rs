//! What is wrong with a model.

use super::Scoring;
use super::companies::not_of_companies;
use crate::record::Asked;
use crate::segment::{self, ExprProblem, InUse, Needs, print_clause};
use carillon_model::contact::Field;
use carillon_model::journey::Severity;
use carillon_model::score::{
    CompanyRule, CompanyScoring, Decay, FrequencyRange, GradeAxis, RollUp, RulePoints, ScoreBounds,
    ScoreGroup, ScoreModel, ScoreRule, ScoreStage,
};
use carillon_model::segment::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// Most groups of a score.
const MOST_GROUPS: usize = 20;
/// Most rules of a score, in all groups.
const MOST_RULES: usize = 200;
/// Most ranges of a rule, stages of a score, bands of a grade.
const MOST_PARTS: usize = 20;
/// Most points at once, up or down.
const MOST_POINTS: u32 = 100_000;
/// Longest decay: ten years.
const LONGEST_MONTHS: u32 = 120;
const LONGEST_DAYS: u32 = 3_650;
/// Longest name, in characters.
const LONGEST_NAME: usize = 100;
/// Most people that a rule of companies may ask for.
const MOST_PEOPLE: u32 = 1_000_000;

/// The place of what is wrong with the score of companies as a whole; no key is written like it.
pub const OF_COMPANIES: &str = ":companies";

/// Something wrong with a model, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreProblem {
    /// The key of the rule or group, the name of the stage, the score of the axis; [`OF_COMPANIES`]; empty for all of it.
    pub place: String,
    pub kind: ScoreProblemKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoreProblemKind {
    /// The text of a rule does not parse, from this byte on.
    Unreadable { at: usize, message: String },
    /// Its expression does not fit the workspace, which begins to show at this byte of its text.
    Unfit { at: usize, problem: Box<ExprProblem> },
    /// A name in it is not there, or nearly one in use. It may be published all the same.
    Doubtful { at: usize, problem: Box<ExprProblem> },
    /// A rule that counts is not one `did` without a number of times.
    NotAnEvent,
    /// A rule reads this field, which a score writes: scores do not read scores.
    ReadsScore(String),
    /// A rule reads who came into or out of this segment, which the scores of the same moment may decide.
    ReadsHistory(String),
    /// The key of a group or rule is not a word of at most 40 letters, digits, `_`, or stands twice.
    BadKey,
    /// More points than a rule may give, or none.
    BadPoints,
    /// Ranges that are missing, upside down or overlap.
    BadRanges,
    /// The least is more than the most.
    BadBounds,
    /// No share or no time, or a longer one than is kept.
    BadDecay,
    /// The dates between which a rule counts end before they begin.
    BadDates,
    /// Stages with no name, one name, or thresholds that do not rise.
    BadStages,
    /// Bands that do not fall, are missing, or whose last one does not take the rest.
    BadBands,
    /// A rule about a company itself asks this, which only a contact can answer.
    NotOfCompany(String),
    /// A rule asks for no people, or for more than there may be.
    BadPeople,
    /// Neither points of contacts nor rules count for a company.
    NothingOfCompanies,
    /// No score of points has this key.
    UnknownScore,
    /// Too many groups, rules or parts.
    TooMany,
}

impl ScoreProblem {
    /// Whether it keeps a model from being published.
    pub fn severity(&self) -> Severity {
        match self.kind {
            ScoreProblemKind::Doubtful { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Everything wrong with a model, in its order; without an error in it, it may be published.
///
/// `points` are the keys of the scores with points that grades may read, `names` what the workspace calls things.
pub fn check(
    model: &ScoreModel,
    fields: &[Field],
    segments: &BTreeMap<String, Expr>,
    points: &BTreeSet<String>,
    names: &InUse,
) -> Vec<ScoreProblem> {
    let mut look = Look {
        in_use: names,
        fields,
        segments,
        names: segments.keys().cloned().collect(),
        out: Vec::new(),
    };
    match model {
        ScoreModel::Points {
            groups,
            bounds,
            stages,
            companies,
        } => look.points(groups, *bounds, stages, companies.as_ref()),
        ScoreModel::Grade { rows, columns } => {
            for axis in [rows, columns] {
                look.axis(axis, points);
            }
        }
    }
    look.out
}

struct Look<'a> {
    in_use: &'a InUse,
    fields: &'a [Field],
    segments: &'a BTreeMap<String, Expr>,
    names: BTreeSet<String>,
    out: Vec<ScoreProblem>,
}

impl Look<'_> {
    fn wrong(&mut self, place: &str, kind: ScoreProblemKind) {
        self.out.push(ScoreProblem {
            place: place.to_owned(),
            kind,
        });
    }

    fn points(
        &mut self,
        groups: &[ScoreGroup],
        bounds: ScoreBounds,
        stages: &[ScoreStage],
        companies: Option<&CompanyScoring>,
    ) {
        let rules = groups.iter().map(|group| group.rules.len()).sum::<usize>();
        if groups.len() > MOST_GROUPS || rules > MOST_RULES || stages.len() > MOST_PARTS {
            return self.wrong("", ScoreProblemKind::TooMany);
        }
        self.bounds("", bounds);
        let mut seen = BTreeSet::new();
        for group in groups {
            self.key(&group.key, &mut seen);
            self.bounds(&group.key, group.bounds);
            if !fits(group.decay) {
                self.wrong(&group.key, ScoreProblemKind::BadDecay);
            }
            for rule in &group.rules {
                self.key(&rule.key, &mut seen);
                self.rule(rule);
            }
        }
        if let Some(companies) = companies {
            self.companies(companies, &mut seen);
        }
        let rise = stages.windows(2).all(|two| two[0].at_least < two[1].at_least);
        let names: BTreeSet<&str> = stages.iter().map(|stage| stage.name.trim()).collect();
        let named = stages.iter().all(|stage| is_name(&stage.name));
        if !rise || !named || names.len() < stages.len() {
            self.wrong("", ScoreProblemKind::BadStages);
        }
    }

    fn key<'k>(&mut self, key: &'k str, seen: &mut BTreeSet<&'k str>) {
        if !is_key(key) || !seen.insert(key) {
            self.wrong(key, ScoreProblemKind::BadKey);
        }
    }

    fn bounds(&mut self, place: &str, bounds: ScoreBounds) {
        if matches!((bounds.least, bounds.most), (Some(least), Some(most)) if least > most) {
            self.wrong(place, ScoreProblemKind::BadBounds);
        }
    }

    fn rule(&mut self, rule: &ScoreRule) {
        self.bounds(&rule.key, rule.bounds);
        if matches!((rule.from, rule.to), (Some(from), Some(to)) if from >= to) {
            self.wrong(&rule.key, ScoreProblemKind::BadDates);
        }
        match &rule.points {
            RulePoints::While { points } | RulePoints::Once { points } | RulePoints::Each { points } => {
                if !gives(*points) {
                    self.wrong(&rule.key, ScoreProblemKind::BadPoints);
                }
            }
            RulePoints::Ranges { ranges } => {
                if ranges.is_empty() || ranges.len() > MOST_PARTS || !apart(ranges) {
                    self.wrong(&rule.key, ScoreProblemKind::BadRanges);
                } else if !ranges.iter().all(|range| gives(range.points)) {
                    self.wrong(&rule.key, ScoreProblemKind::BadPoints);
                }
            }
        }
        let alone = ScoreModel::Points {
            groups: vec![ScoreGroup {
                key: String::new(),
                name: String::new(),
                bounds: ScoreBounds::default(),
                decay: Decay::None,
                rules: vec![rule.clone()],
            }],
            bounds: ScoreBounds::default(),
            stages: Vec::new(),
            companies: None,
        };
        if let Err(problem) = Scoring::read("", &alone) {
            self.out.push(problem);
            return;
        }
        // It was read just now.
        let Ok(expr) = segment::parse(&rule.when) else {
            return;
        };
        if !self.can_be_asked(&rule.key, &rule.when, &expr) {
            return;
        }
        let asked = Needs::of(&expr, self.segments);
        let mut written = self.fields.iter().filter(|field| field.score.is_some());
        if let Some(field) = written.find(|field| asked.fields.contains(&field.key)) {
            let name = field.key.clone();
            self.wrong(&rule.key, ScoreProblemKind::ReadsScore(name));
        }
        let mut of_segments = asked.movements.iter().filter(|asked| !asked.kind.is_of_journey());
        if let Some(Asked { name: segment, .. }) = of_segments.next() {
            self.wrong(&rule.key, ScoreProblemKind::ReadsHistory(segment.clone()));
        }
    }

    fn companies<'k>(&mut self, companies: &'k CompanyScoring, seen: &mut BTreeSet<&'k str>) {
        if companies.rules.len() > MOST_RULES {
            return self.wrong(OF_COMPANIES, ScoreProblemKind::TooMany);
        }
        self.bounds(OF_COMPANIES, companies.bounds);
        if companies.roll_up == RollUp::Nothing && companies.rules.is_empty() {
            self.wrong(OF_COMPANIES, ScoreProblemKind::NothingOfCompanies);
        }
        for rule in &companies.rules {
            self.key(&rule.key, seen);
            self.company_rule(rule);
        }
    }

    fn company_rule(&mut self, rule: &CompanyRule) {
        if !gives(rule.points) {
            self.wrong(&rule.key, ScoreProblemKind::BadPoints);
        }
        if rule
            .people
            .is_some_and(|least| !(1..=MOST_PEOPLE).contains(&least))
        {
            self.wrong(&rule.key, ScoreProblemKind::BadPeople);
        }
        let expr = match segment::parse(&rule.when) {
            Ok(expr) => expr,
            Err(error) => {
                let (at, message) = (error.at, error.message);
                return self.wrong(&rule.key, ScoreProblemKind::Unreadable { at, message });
            }
        };
        if !self.can_be_asked(&rule.key, &rule.when, &expr) {
            return;
        }
        let other = not_of_companies(&expr).filter(|_| rule.people.is_none());
        if let Some(clause) = other.map(print_clause) {
            self.wrong(&rule.key, ScoreProblemKind::NotOfCompany(clause));
        }
    }

    /// Whether what the text of a rule says can be asked; where names in it may be slips, that is said.
    fn can_be_asked(&mut self, rule: &str, text: &str, expr: &Expr) -> bool {
        let unfit = segment::check(expr, self.fields, &self.names).into_iter();
        let unfit = unfit.chain(segment::unknown_steps(expr, &self.in_use.steps));
        let unfit = unfit.chain(segment::not_here(expr));
        if let Some((at, problem)) = placed(text, unfit).next() {
            self.wrong(rule, ScoreProblemKind::Unfit { at, problem });
            return false;
        }
        for (at, problem) in placed(text, segment::slips(expr, self.in_use).into_iter()) {
            self.wrong(rule, ScoreProblemKind::Doubtful { at, problem });
        }
        true
    }

    fn axis(&mut self, axis: &GradeAxis, points: &BTreeSet<String>) {
        if !points.contains(&axis.score) {
            self.wrong(&axis.score, ScoreProblemKind::UnknownScore);
        }
        let Some((last, rest)) = axis.bands.split_last() else {
            return self.wrong(&axis.score, ScoreProblemKind::BadBands);
        };
        let least: Option<Vec<i32>> = rest.iter().map(|band| band.at_least).collect();
        let falls = least.is_some_and(|least| least.windows(2).all(|two| two[0] > two[1]));
        let named = axis.bands.iter().all(|band| is_name(&band.label));
        if !falls || !named || last.at_least.is_some() || axis.bands.len() > MOST_PARTS {
            self.wrong(&axis.score, ScoreProblemKind::BadBands);
        }
    }
}

/// Problems of a rule's expression, each with where it stands in the text.
fn placed(
    text: &str,
    found: impl Iterator<Item = ExprProblem>,
) -> impl Iterator<Item = (usize, Box<ExprProblem>)> {
    found.map(|problem| (segment::locate(text, &problem).start, Box::new(problem)))
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

fn is_key(key: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !key.is_empty() && key.len() <= 40 && key.bytes().all(letter)
}

fn gives(points: i32) -> bool {
    (1..=MOST_POINTS).contains(&points.unsigned_abs())
}

fn fits(decay: Decay) -> bool {
    match decay {
        Decay::None => true,
        Decay::Linear { percent, months } => {
            (1..=100).contains(&percent) && (1..=LONGEST_MONTHS).contains(&months)
        }
        Decay::HalfLife { days } => (1..=LONGEST_DAYS).contains(&days),
    }
}

/// Each range begins at 1 or more and not behind its end, and none shares a number with another.
fn apart(ranges: &[FrequencyRange]) -> bool {
    let whole = ranges
        .iter()
        .all(|r| r.from >= 1 && r.to.is_none_or(|to| r.from <= to));
    let mut sorted: Vec<&FrequencyRange> = ranges.iter().collect();
    sorted.sort_by_key(|r| r.from);
    let next_is_behind = |two: &[&FrequencyRange]| two[0].to.is_some_and(|to| to < two[1].from);
    whole && sorted.windows(2).all(next_is_behind)
}
