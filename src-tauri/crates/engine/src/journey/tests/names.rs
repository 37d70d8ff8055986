//! Names in conditions, held against those in use.

use super::*;
use crate::segment::InUse;
use carillon_model::journey::{Problem, Severity};
use std::collections::{BTreeMap, BTreeSet};

fn in_use() -> InUse {
    InUse {
        tags: BTreeSet::from(["vip".to_owned()]),
        events: BTreeMap::from([("order".to_owned(), BTreeSet::from(["total".to_owned()]))]),
        journeys: BTreeSet::from(["Welcome".to_owned()]),
        steps: BTreeMap::from([(
            "Welcome".to_owned(),
            BTreeMap::from([("mail".into(), "The mail".to_owned())]),
        )]),
        ..InUse::default()
    }
}

/// What is said of one step, as somebody who draws is told.
fn said(kind: &str, settings: Value) -> Vec<Problem> {
    compile_draft(&around(kind, settings), &Catalogue::sample(), in_use()).1
}

fn of_condition(when: &str) -> Vec<(String, Severity, String)> {
    let found = said("if_else", json!({"when": when})).into_iter();
    found
        .map(|problem| {
            assert_eq!(
                (problem.step, problem.field.as_deref()),
                (Some("it".into()), Some("when"))
            );
            (problem.code, problem.severity, problem.params["position"].clone())
        })
        .collect()
}

#[test]
fn a_step_that_its_journey_never_had_is_an_error_at_its_place() {
    let unknown = |position: &str| {
        vec![(
            "unknown_step_named".to_owned(),
            Severity::Error,
            position.to_owned(),
        )]
    };
    let when = "city is \"Köln\" and at step \"mial\" of journey \"Welcome\"";
    assert_eq!(of_condition(when), unknown("28"));
    let said = &said("if_else", json!({"when": when}))[0].params["message"];
    assert!(said.contains("did you mean \"mail\"?"), "{said}");
    assert_eq!(of_condition("passed step \"mail\" of journey \"Welcome\""), []);
    // The drawing's own, though nobody saved it yet.
    assert_eq!(of_condition("passed step \"it\" of journey \"Row\""), []);
    assert_eq!(
        of_condition("passed step \"at\" of journey \"Row\""),
        unknown("13")
    );
    // A version that is out goes on.
    let out = around(
        "if_else",
        json!({"when": "passed step \"gone\" of journey \"Welcome\""}),
    );
    assert!(compile(&out, &Catalogue::sample()).0.is_some());
    assert!(compile_draft(&out, &Catalogue::sample(), in_use()).0.is_none());
}

#[test]
fn what_is_not_there_or_nearly_a_name_in_use_is_a_warning_and_what_is_new_is_none() {
    let doubtful =
        |position: &str| vec![("doubtful_name".to_owned(), Severity::Warning, position.to_owned())];
    assert_eq!(of_condition("in journey \"Autumn\""), doubtful("12"));
    assert_eq!(of_condition("not tag \"vib\""), doubtful("9"));
    assert_eq!(of_condition("did ordre"), doubtful("5"));
    assert_eq!(of_condition("did order where totl > 3"), doubtful("17"));
    for new in ["tag \"regular\"", "did visit", "did order where discount > 3"] {
        assert_eq!(of_condition(new), [], "{new}");
    }
    // It is told of every step, also where conditions are equal.
    let twice = json!({"branches": [
        {"port": "a", "name": "", "when": "tag \"vib\""},
        {"port": "b", "name": "", "when": "tag \"vib\""},
    ]});
    assert_eq!(said("split", twice).len(), 2);
    // What the drawing gives and does itself is in use.
    let row = row(&[
        ("add_tag", json!({"tag": "vib"})),
        ("post_event", json!({"event": "ordre", "props": {"totl": 1}})),
        (
            "if_else",
            json!({"when": "tag \"vib\" or did ordre where totl > 3"}),
        ),
    ]);
    assert_eq!(compile_draft(&row, &Catalogue::sample(), in_use()).1, []);
}

#[test]
fn tests_of_an_events_properties_are_looked_at_like_conditions() {
    let of = |tests: &str| {
        let found = said("entry_event", json!({"event": "order", "where": tests})).into_iter();
        let told = found.map(|problem| (problem.code, problem.params.get("position").cloned()));
        told.collect::<Vec<_>>()
    };
    let at = |code: &str, position: Option<&str>| vec![(code.to_owned(), position.map(str::to_owned))];
    assert_eq!(of("total > 3 and discount > 1"), []);
    assert_eq!(of("total > 3 and totl > 1"), at("doubtful_name", Some("15")));
    assert_eq!(
        of("total > 3 and note matches \"(\""),
        at("bad_expression", Some("28"))
    );
    assert_eq!(of("total has \"a\""), at("wrong_type", None));
}
