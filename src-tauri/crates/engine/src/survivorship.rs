//! Which of two values stays when two contacts are made one.

use carillon_model::Moment;
use carillon_model::contact::{FieldType, Value};
use carillon_model::duplicate::SurvivorRule;

/// The value of one of the two, if it has any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'a> {
    pub value: Option<&'a Value>,
    pub source: &'a str,
    pub at: Moment,
    /// How many records say so, this one included.
    pub votes: usize,
}

/// The rule of a field where nobody has chosen one: names grow more complete, everything else grows old.
pub fn default_rule(key: &str, kind: FieldType) -> SurvivorRule {
    match (key, kind) {
        ("first_name" | "last_name", _) => SurvivorRule::Longest,
        ("time_zone" | "language" | "country", _) => SurvivorRule::MostTrusted,
        _ => SurvivorRule::MostRecent,
    }
}

/// Whether the value of the other contact is taken in place of that of the one that stays. `trusted`: kinds of sources
/// (what stands before the colon), the most trusted first; any other is trusted least.
pub fn takes_other(
    rule: SurvivorRule,
    trusted: &[String],
    own: &Candidate<'_>,
    other: &Candidate<'_>,
) -> bool {
    let (Some(mine), Some(theirs)) = (own.value, other.value) else {
        return own.value.is_none() && other.value.is_some();
    };
    if mine == theirs {
        return false;
    }
    let later = other.at > own.at;
    let more = |own: usize, other: usize| other > own || other == own && later;
    let rank = |source: &str| {
        let kind = source.split([':', '/', ' ']).next().unwrap_or(source);
        trusted
            .iter()
            .position(|known| known == kind)
            .unwrap_or(trusted.len())
    };
    match rule {
        SurvivorRule::NonEmpty | SurvivorRule::Manual => false,
        SurvivorRule::MostRecent => later,
        SurvivorRule::Longest => more(length(mine), length(theirs)),
        SurvivorRule::MostFrequent => more(own.votes, other.votes),
        // A lower rank is more trust.
        SurvivorRule::MostTrusted => more(rank(other.source), rank(own.source)),
    }
}

/// Letters and digits of a text, options of a choice of several; other values are all as long.
fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Choice(text) => text.chars().filter(|c| c.is_alphanumeric()).count(),
        Value::MultiChoice(options) => options.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Moment {
        Moment::from_timestamp(day * 86_400, 0).unwrap_or_default()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// Whether of two values, each with source, day and votes, the second is taken.
    fn takes(rule: SurvivorRule, own: (&str, &str, i64, usize), other: (&str, &str, i64, usize)) -> bool {
        let trusted = ["user".to_owned(), "import".to_owned()];
        let values = [text(own.0), text(other.0)];
        let one = |value, (letters, source, day, votes): (&str, _, i64, usize)| Candidate {
            value: Some(value).filter(|_| !letters.is_empty()),
            source,
            at: at(day),
            votes,
        };
        takes_other(rule, &trusted, &one(&values[0], own), &one(&values[1], other))
    }

    const RULES: [SurvivorRule; 6] = [
        SurvivorRule::MostRecent,
        SurvivorRule::MostTrusted,
        SurvivorRule::Longest,
        SurvivorRule::MostFrequent,
        SurvivorRule::NonEmpty,
        SurvivorRule::Manual,
    ];

    #[test]
    fn a_value_goes_before_none_by_every_rule_and_none_never_before_a_value() {
        for rule in RULES {
            assert!(
                takes(rule, ("", "user", 9, 9), ("Linz", "import:1", 1, 1)),
                "{rule:?}"
            );
            assert!(
                !takes(rule, ("Linz", "import:1", 1, 1), ("", "user", 9, 9)),
                "{rule:?}"
            );
            assert!(!takes(rule, ("", "user", 1, 1), ("", "user", 2, 1)), "{rule:?}");
            assert!(
                !takes(rule, ("Linz", "import:1", 1, 1), ("Linz", "user", 9, 9)),
                "{rule:?}"
            );
        }
    }

    #[test]
    fn each_rule_looks_at_what_its_name_says() {
        // Of each pair the second goes before by one rule alone, but for the last word that the moment has.
        let wins = |own, other| RULES.map(|rule| takes(rule, own, other));
        let old = ("Bregenz", "user", 5, 3);
        assert_eq!(
            wins(old, ("Linz", "form", 6, 1)),
            [true, false, false, false, false, false]
        );
        assert_eq!(
            wins(("Bregenz", "import:2", 5, 3), ("Linz", "user", 4, 1)),
            [false, true, false, false, false, false]
        );
        assert_eq!(
            wins(("Linz", "user", 5, 3), ("Bregenz", "form", 4, 1)),
            [false, false, true, false, false, false]
        );
        assert_eq!(
            wins(old, ("Linz", "form", 4, 4)),
            [false, false, false, true, false, false]
        );
    }

    #[test]
    fn where_a_rule_does_not_tell_the_later_value_stays() {
        for rule in [
            SurvivorRule::MostTrusted,
            SurvivorRule::Longest,
            SurvivorRule::MostFrequent,
        ] {
            assert!(takes(
                rule,
                ("Graz", "import:1", 1, 1),
                ("Linz", "import:2", 2, 1)
            ));
            assert!(!takes(
                rule,
                ("Graz", "import:2", 2, 1),
                ("Linz", "import:1", 1, 1)
            ));
        }
    }
}
