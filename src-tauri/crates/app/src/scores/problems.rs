//! What is wrong with a model, as sentences.

use super::ScoreTrouble;
use crate::error::sentence;
use carillon_engine::scores::{OF_COMPANIES, ScoreProblem, ScoreProblemKind};
use carillon_engine::segment;
use carillon_model::score::{CompanyRule, ScoreModel, ScoreRule};
use std::fmt::Display;

/// The sentence, with the rule or group it is about by the words a person gave it.
pub(super) fn told(model: &ScoreModel, problem: &ScoreProblem) -> ScoreTrouble {
    let place = named(model, &problem.place);
    let say = |key: &str, detail: &dyn Display| sentence(key, &[("place", &place), ("detail", detail)]);
    let message = match &problem.kind {
        // Nothing was written or chosen there so far: it says what to do, and not what the reader expected.
        ScoreProblemKind::Unreadable { .. } if is_blank(model, &problem.place) => {
            say("scores.problems.nothing_counts", &"")
        }
        ScoreProblemKind::Unreadable { .. }
            if of_company(model, &problem.place).is_some_and(says_nothing) =>
        {
            say("scores.problems.nothing_of_company", &"")
        }
        ScoreProblemKind::UnknownScore if problem.place.is_empty() => say("scores.problems.no_score", &""),
        ScoreProblemKind::Unreadable { at, message } => {
            let at = character(model, &problem.place, *at);
            sentence(
                "scores.problems.unreadable",
                &[("place", &place), ("detail", message), ("at", &at)],
            )
        }
        ScoreProblemKind::Unfit { at, problem: inner } => {
            let at = character(model, &problem.place, *at);
            sentence(
                "scores.problems.unfit",
                &[("place", &place), ("detail", &inner.message), ("at", &at)],
            )
        }
        ScoreProblemKind::Doubtful { at, problem: inner } => {
            let at = character(model, &problem.place, *at);
            sentence(
                "scores.problems.doubtful",
                &[("place", &place), ("detail", &inner.message), ("at", &at)],
            )
        }
        ScoreProblemKind::NotAnEvent => say("scores.problems.not_an_event", &""),
        ScoreProblemKind::ReadsScore(field) => say("scores.problems.reads_score", field),
        ScoreProblemKind::ReadsHistory(segment) => say("scores.problems.reads_history", segment),
        ScoreProblemKind::NotOfCompany(clause) => say("scores.problems.not_of_company", clause),
        ScoreProblemKind::BadPeople => say("scores.problems.bad_people", &""),
        ScoreProblemKind::NothingOfCompanies => say("scores.problems.nothing_of_companies", &""),
        ScoreProblemKind::BadKey => say("scores.problems.bad_key", &problem.place),
        ScoreProblemKind::BadPoints => say("scores.problems.bad_points", &""),
        ScoreProblemKind::BadRanges => say("scores.problems.bad_ranges", &""),
        ScoreProblemKind::BadBounds => say("scores.problems.bad_bounds", &""),
        ScoreProblemKind::BadDecay => say("scores.problems.bad_decay", &""),
        ScoreProblemKind::BadDates => say("scores.problems.bad_dates", &""),
        ScoreProblemKind::BadStages => say("scores.problems.bad_stages", &""),
        ScoreProblemKind::BadBands => say("scores.problems.bad_bands", &""),
        ScoreProblemKind::UnknownScore => say("scores.problems.unknown_score", &problem.place),
        ScoreProblemKind::TooMany => say("scores.problems.too_many", &""),
    };
    ScoreTrouble {
        place: problem.place.clone(),
        severity: problem.severity(),
        message,
    }
}

/// Which character of a rule's text stands at a byte, counted from 1.
fn character(model: &ScoreModel, rule: &str, byte: usize) -> usize {
    let own = rule_of(model, rule).map(|rule| &rule.when);
    let text = own.or_else(|| of_company(model, rule).map(|rule| &rule.when));
    text.map_or(byte + 1, |text| segment::character(text, byte))
}

fn rule_of<'m>(model: &'m ScoreModel, key: &str) -> Option<&'m ScoreRule> {
    let ScoreModel::Points { groups, .. } = model else {
        return None;
    };
    let mut rules = groups.iter().flat_map(|group| &group.rules);
    rules.find(|known| known.key == key)
}

fn is_blank(model: &ScoreModel, rule: &str) -> bool {
    rule_of(model, rule).is_some_and(|rule| rule.when.trim().is_empty())
}

/// The rule of companies with this key.
fn of_company<'m>(model: &'m ScoreModel, key: &str) -> Option<&'m CompanyRule> {
    let ScoreModel::Points { companies, .. } = model else {
        return None;
    };
    let mut rules = companies.iter().flat_map(|companies| &companies.rules);
    rules.find(|rule| rule.key == key)
}

fn says_nothing(rule: &CompanyRule) -> bool {
    rule.when.trim().is_empty()
}

/// What a person calls the place: the text of a rule, the name of a group, the key of a score.
fn named(model: &ScoreModel, place: &str) -> String {
    let ScoreModel::Points { groups, .. } = model else {
        return place.to_owned();
    };
    if place.is_empty() {
        return sentence("scores.problems.whole", &[]);
    }
    if place == OF_COMPANIES {
        return sentence("scores.problems.companies", &[]);
    }
    let group = groups
        .iter()
        .find(|group| group.key == place)
        .map(|group| &group.name);
    let mut rules = groups.iter().flat_map(|group| &group.rules);
    let rule = || rules.find(|rule| rule.key == place).map(|rule| &rule.when);
    let of_companies = || of_company(model, place).map(|rule| &rule.when);
    let name = group
        .or_else(rule)
        .or_else(of_companies)
        .filter(|name| !name.trim().is_empty());
    format!("“{}”", name.map_or(place, String::as_str))
}
