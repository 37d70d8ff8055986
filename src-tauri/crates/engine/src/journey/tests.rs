//! Whole drawings: what the checks say, what the text is, who is let in, and the kernel's own rules.

mod names;

use super::*;
use crate::steps::tests::{Try, around, codes_of, only, row, utc};
use carillon_model::StepId;
use carillon_model::journey::{End, ExitRule, Input, Journey, Outcome, Place, ReEntry, Step};
use serde_json::{Value, json};

fn drawing(steps: Value) -> Journey {
    let steps: Vec<Step> = serde_json::from_value(steps).unwrap();
    Journey {
        steps,
        ..around("wait", json!({"for": {"amount": 1, "unit": "days"}}))
    }
}

fn found(journey: &Journey) -> Vec<(String, Option<String>)> {
    let (version, problems) = compile(journey, &Catalogue::sample());
    let errors = problems
        .iter()
        .any(|p| p.severity == carillon_model::journey::Severity::Error);
    assert_eq!(
        version.is_none(),
        errors,
        "a version exactly if nothing is an error"
    );
    problems
        .into_iter()
        .map(|problem| (problem.code, problem.step.map(|step| step.0)))
        .collect()
}

fn says(journey: &Journey, expected: &[(&str, &str)]) {
    let found = found(journey);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(c, s)| (c.as_str(), s.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(found, expected);
}

fn wait(id: &str, next: &str) -> Value {
    json!({"id": id, "kind": "wait", "settings": {"for": {"amount": 1, "unit": "days"}}, "next": {"next": next}})
}

#[test]
fn a_drawing_with_every_kind_of_structural_fault_names_each_at_its_step() {
    let entry = json!({"id": "in", "kind": "entry_manual", "next": {"next": "a"}});
    let exit = json!({"id": "end", "kind": "exit"});
    says(&drawing(json!([entry, wait("a", "end"), exit])), &[]);
    says(&drawing(json!([wait("a", "end"), exit])), &[("no_entry", "")]);
    says(&drawing(json!([])), &[("no_entry", "")]);
    says(
        &drawing(json!([entry, wait("a", "end"), exit, wait("b", "end")])),
        &[("unreachable", "b")],
    );
    says(
        &drawing(json!([entry, wait("a", "gone"), exit])),
        &[("unknown_step", "a"), ("unreachable", "end")],
    );
    says(
        &drawing(json!([entry, wait("a", "in")])),
        &[("arrow_into_entry", "a")],
    );
    let open = json!({"id": "a", "kind": "wait", "settings": {"for": {"amount": 1, "unit": "days"}}});
    says(&drawing(json!([entry, open])), &[("dangling", "a")]);
    let odd = json!({"id": "end", "kind": "exit", "next": {"next": "a"}});
    says(
        &drawing(json!([entry, wait("a", "end"), odd])),
        &[("unknown_port", "end")],
    );
    let strange = json!({"id": "a", "kind": "teleport", "next": {"next": "end"}});
    says(&drawing(json!([entry, strange, exit])), &[("unknown_kind", "a")]);
    says(
        &drawing(json!([entry, wait("a", "end"), wait("a", "end"), exit])),
        &[("duplicate_id", "a"), ("unreachable", "a")],
    );
    let spaced = json!({"id": "in", "kind": "entry_manual", "next": {"next": " a"}});
    says(
        &drawing(json!([spaced, wait(" a", "end"), exit])),
        &[("bad_id", " a")],
    );
    let broken = json!({"id": "a", "kind": "wait", "settings": {"for": {"amount": -1, "unit": "days"}}, "next": {"next": "end"}});
    let (_, problems) = compile(&drawing(json!([entry, broken, exit])), &Catalogue::sample());
    assert_eq!(
        (problems[0].code.as_str(), problems[0].field.as_deref()),
        ("bad_settings", Some("for"))
    );
}

#[test]
fn a_circle_must_wait_and_should_end() {
    let entry = json!({"id": "in", "kind": "entry_manual", "next": {"next": "a"}});
    let tag = |id: &str, next: &str| json!({"id": id, "kind": "add_tag", "settings": {"tag": "x"}, "next": {"next": next}});
    let circle = drawing(json!([entry, tag("a", "b"), tag("b", "c"), tag("c", "a")]));
    says(&circle, &[("endless_loop", "a"), ("no_end", "a")]);
    let (_, problems) = compile(&circle, &Catalogue::sample());
    assert_eq!(problems[0].params["cycle"], "a → b → c → a");
    says(
        &drawing(json!([entry, tag("a", "b"), wait("b", "a")])),
        &[("no_end", "a")],
    );
    let mut ruled = drawing(json!([entry, tag("a", "b"), wait("b", "a")]));
    ruled.exit_when.push(ExitRule {
        when: "did order".into(),
        reason: "bought".into(),
    });
    says(&ruled, &[]);
    // A window that is open and a date that is past do not wait.
    let window = json!({"id": "b", "kind": "wait_window", "settings": {"days": ["mon"], "from": "00:00", "to": "12:00"}, "next": {"next": "a"}});
    says(
        &drawing(json!([entry, tag("a", "b"), window])),
        &[("endless_loop", "a"), ("no_end", "a")],
    );
}

#[test]
fn an_event_the_journey_records_itself_does_not_make_a_circle_wait() {
    let entry =
        json!({"id": "in", "kind": "entry_event", "settings": {"event": "ping"}, "next": {"next": "a"}});
    let post = |next: &str| json!({"id": "a", "kind": "post_event", "settings": {"event": "ping"}, "next": {"next": next}});
    let waits = json!({"id": "b", "kind": "wait_event", "settings": {"event": "ping", "timeout": {"amount": 1, "unit": "days"}},
        "next": {"happened": "a", "timed_out": "end"}});
    let exit = json!({"id": "end", "kind": "exit"});
    says(
        &drawing(json!([entry, post("b"), waits, exit])),
        &[("endless_loop", "a")],
    );
    let mut again = drawing(json!([entry, post("end"), exit]));
    says(&again, &[]);
    again.re_entry = ReEntry::AfterExit;
    says(&again, &[("endless_loop", "a")]);
}

#[test]
fn rules_and_goals_are_checked_like_steps() {
    let mut journey = around("wait", json!({"for": {"amount": 1, "unit": "days"}}));
    journey.exit_when.push(ExitRule {
        when: "ctiy is \"Bonn\"".into(),
        reason: "moved".into(),
    });
    let (_, problems) = compile(&journey, &Catalogue::sample());
    assert_eq!(
        (problems[0].code.as_str(), problems[0].field.as_deref()),
        ("unknown_field", Some("exit_when"))
    );
    let twice = row(&[
        ("goal", json!({"when": "did order"})),
        ("goal", json!({"when": "did   order"})),
    ]);
    says(&twice, &[("goal_unreachable", "it2")]);
}

#[test]
fn a_journey_of_another_format_or_beyond_all_bounds_is_refused() {
    let mut other = around("exit", json!({}));
    other.format = "carillon/journey/2".into();
    says(&other, &[("unknown_format", "")]);
    let steps: Vec<Value> = (0..=STEPS_ALLOWED)
        .map(|n| wait(&format!("s{n}"), "s0"))
        .collect();
    says(&drawing(Value::from(steps)), &[("too_many_steps", "")]);
}

#[test]
fn a_version_names_what_it_needs() {
    let journey = row(&[
        (
            "if_else",
            json!({"when": "in segment \"Regulars\" and city is \"Bonn\""}),
        ),
        (
            "wait_event",
            json!({"event": "visit", "timeout": {"amount": 1, "unit": "days"}}),
        ),
        ("send_email", json!({"template": "welcome"})),
        ("goal", json!({"when": "was sent \"thanks\" and tag \"vip\""})),
    ]);
    let (version, _) = compile(&journey, &Catalogue::sample());
    let version = version.unwrap();
    let needs = version.needs();
    let words = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&needs.fields), "city time_zone");
    assert_eq!(words(&needs.events), "order visit", "also through segments");
    assert_eq!(words(&needs.listens), "visit");
    assert_eq!(words(&needs.segments), "Regulars");
    assert_eq!(words(&needs.templates), "welcome");
    assert!(needs.sent && needs.tags.len() == 1 && needs.default_account && !needs.consents);
    assert_eq!(version.conditions().len(), 2);
    assert_eq!(version.watched().len(), 1, "only the goal's");
}

#[test]
fn equal_conditions_are_one() {
    let journey = row(&[
        ("if_else", json!({"when": "city is \"Bonn\""})),
        ("if_else", json!({"when": "  city   is  \"Bonn\" "})),
    ]);
    assert_eq!(
        compile(&journey, &Catalogue::sample())
            .0
            .unwrap()
            .conditions()
            .len(),
        1
    );
}

#[test]
fn re_entry_follows_its_policy() {
    let (mut journey, now) = (
        around("wait", json!({"for": {"amount": 1, "unit": "days"}})),
        utc("2026-01-31T10:00:00Z"),
    );
    let past = |number, entered: &str, ended| PastEnrolment {
        number,
        entered_at: utc(entered),
        ended,
    };
    let once = past(1, "2026-01-01T10:00:00Z", true);
    let twice = [once, past(2, "2026-01-20T10:00:00Z", true)];
    let inside = [once, past(2, "2026-01-20T10:00:00Z", false)];
    let soon = Admission::TooSoon {
        until: utc("2026-02-03T10:00:00Z"),
    };
    let table = [
        (ReEntry::Never, &[][..], Admission::Welcome { enrolment: 1 }),
        (ReEntry::Never, &[once], Admission::OnceOnly),
        (ReEntry::AfterExit, &[once], Admission::Welcome { enrolment: 2 }),
        (ReEntry::AfterExit, &inside, Admission::StillInside),
        (ReEntry::AfterDays { days: 14 }, &twice, soon),
        (
            ReEntry::AfterDays { days: 11 },
            &twice,
            Admission::Welcome { enrolment: 3 },
        ),
        (ReEntry::AfterDays { days: 1 }, &inside, Admission::StillInside),
    ];
    for (policy, history, expected) in table {
        journey.re_entry = policy;
        let version = compile(&journey, &Catalogue::sample()).0.unwrap();
        let entry = version.find(&"in".into()).unwrap();
        assert_eq!(
            admit(&version, entry, history, now),
            expected,
            "{policy:?} {history:?}"
        );
        let it = version.find(&"it".into()).unwrap();
        assert_eq!(admit(&version, it, history, now), Admission::NoEntry);
    }
}

#[test]
fn who_comes_in_a_hundred_times_within_an_hour_waits_until_the_hour_is_over() {
    let mut journey = around("wait", json!({"for": {"amount": 1, "unit": "days"}}));
    journey.re_entry = ReEntry::AfterExit;
    let version = compile(&journey, &Catalogue::sample()).0.unwrap();
    let entry = version.find(&"in".into()).unwrap();
    let past = |number: u32, at: &str| PastEnrolment {
        number,
        entered_at: utc(at),
        ended: true,
    };
    let history = [
        past(3, "2026-01-31T10:00:00Z"),
        past(2 + ENTRIES_AN_HOUR, "2026-01-31T10:30:00Z"),
    ];
    let at = |now: &str| admit(&version, entry, &history, utc(now));
    assert_eq!(at("2026-01-31T10:59:59Z"), Admission::TooOften);
    let enrolment = 3 + ENTRIES_AN_HOUR;
    assert_eq!(at("2026-01-31T11:00:00Z"), Admission::Welcome { enrolment });
    assert_ne!(
        admit(&version, entry, &history[1..], utc("2026-01-31T10:30:00Z")),
        Admission::TooOften
    );
}

#[test]
fn an_exit_rule_ends_a_passage_wherever_it_stands() {
    let mut journey = around("wait", json!({"for": {"amount": 1, "unit": "days"}}));
    journey.exit_when.push(ExitRule {
        when: "did order".into(),
        reason: "bought".into(),
    });
    let version = compile(&journey, &Catalogue::sample()).0.unwrap();
    let mut passage = Try::of("wait", json!({"for": {"amount": 1, "unit": "days"}}));
    passage.version = version;
    passage.enter("2026-01-05T10:00:00Z");
    passage.event("order", "2026-01-05T10:30:00Z");
    assert_eq!(passage.end(), Some(End::ExitRule("bought".into())));
    assert_eq!(passage.ports(), ["next", "exit_rule"]);
}

#[test]
fn a_flip_of_a_condition_is_acted_on_at_once() {
    let mut passage = Try::chain(&[
        ("wait", json!({"for": {"amount": 9, "unit": "days"}})),
        ("goal", json!({"when": "tag \"vip\""})),
    ]);
    passage.enter("2026-01-05T10:00:00Z");
    let condition = *passage.version.watched().first().unwrap();
    passage.tell(
        "2026-01-06T10:00:00Z",
        &Input::Truth {
            condition,
            holds: false,
        },
    );
    assert_eq!(passage.end(), None);
    passage.tell(
        "2026-01-06T10:00:00Z",
        &Input::Truth {
            condition,
            holds: true,
        },
    );
    assert_eq!(passage.end(), Some(End::Goal("it2".into())));
}

#[test]
fn what_became_of_a_message_is_learned_only_of_messages_there_were() {
    let mut passage = Try::chain(&[
        ("send_email", json!({"template": "welcome"})),
        ("wait", json!({"for": {"amount": 1, "unit": "days"}})),
    ]);
    passage.enter("2026-01-05T10:00:00Z");
    let step = passage.version.find(&"it1".into()).unwrap();
    let facts = passage.facts.len();
    passage.tell(
        "2026-01-05T10:01:00Z",
        &Input::Sent {
            step,
            visit: 1,
            outcome: Outcome::Accepted,
        },
    );
    assert_eq!(passage.facts.len(), facts + 1);
    passage.tell(
        "2026-01-05T10:01:00Z",
        &Input::Sent {
            step,
            visit: 2,
            outcome: Outcome::Accepted,
        },
    );
    assert_eq!(passage.facts.len(), facts + 1, "there was no second visit");
}

#[test]
fn a_stopped_passage_says_so_and_stays_stopped() {
    for end in [End::Stopped, End::Erased, End::Merged] {
        let mut passage = Try::of("wait", json!({"for": {"amount": 1, "unit": "days"}}));
        passage.enter("2026-01-05T10:00:00Z");
        passage.tell("2026-01-05T11:00:00Z", &Input::Stop(end.clone()));
        assert_eq!(passage.end(), Some(end));
        let facts = passage.facts.len();
        passage.wake("2026-01-07T10:00:00Z");
        assert_eq!(passage.facts.len(), facts);
    }
}

#[test]
fn a_call_that_would_never_return_is_stopped() {
    // The checks refuse such a drawing; a version made around them still must not hang.
    let mut passage = Try::chain(&[
        ("add_tag", json!({"tag": "a"})),
        ("remove_tag", json!({"tag": "a"})),
    ]);
    let it1 = passage.version.find(&"it1".into()).unwrap();
    let it2 = passage.version.find(&"it2".into()).unwrap();
    passage.version.steps[usize::from(it2.0)].ports[0].to = Some(it1);
    passage.enter("2026-01-05T10:00:00Z");
    assert_eq!(passage.end(), Some(End::Stopped));
    assert_eq!(passage.ports().last().unwrap(), PORT_TOO_MANY_MOVES);
    assert_eq!(
        passage.effects.len(),
        MOVES_ALLOWED as usize - 1,
        "each move but the entry's did one thing"
    );
}

#[test]
fn ids_are_sorted_as_people_count() {
    let mut ids = [
        "s10",
        "s2",
        "s1",
        "a",
        "s02",
        "s2b",
        "",
        "S3",
        "s1000000000000000000000",
    ];
    ids.sort_by(|a, b| natural(a, b));
    assert_eq!(
        ids,
        [
            "",
            "S3",
            "a",
            "s1",
            "s02",
            "s2",
            "s2b",
            "s10",
            "s1000000000000000000000"
        ]
    );
}

#[test]
fn the_canonical_text_is_one_for_one_drawing_and_reads_back() {
    let mut journey = scenario::journey(7);
    journey.layout.insert("s1".into(), Place { x: 3.0, y: -1.5 });
    let text = canonical(&journey);
    let mut shuffled = journey.clone();
    shuffled.steps.reverse();
    assert_eq!(canonical(&shuffled), text);
    let back = read(&text).unwrap();
    assert_eq!(canonical(&back), text);
    assert!(
        text.ends_with("\"layout\": {\n    \"s1\": {\n      \"x\": 3,\n      \"y\": -1.5\n    }\n  }\n}\n"),
        "{text}"
    );
    let bare = without_layout(&journey);
    assert_eq!(
        canonical(&Journey {
            layout: Default::default(),
            ..journey
        }),
        bare
    );
    assert!(
        bare.find("\"exit_when\"")
            .is_none_or(|at| at < bare.find("\"format\"").unwrap())
    );
}

#[test]
fn what_is_no_journey_file_is_refused_with_a_reason() {
    let good = canonical(&scenario::journey(1));
    assert!(
        read(&format!("\u{feff}{good}")).is_ok(),
        "a byte order mark is no fault"
    );
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let table = [
        (deep, "nested"),
        (
            "{\"format\": \"carillon/journey/9\", \"more\": 1}".to_owned(),
            "carillon/journey/9",
        ),
        ("{}".to_owned(), "missing field"),
        ("name,email\n".to_owned(), "line 1"),
        (good.replacen("\"name\"", "\"colour\": 1, \"name\"", 1), "colour"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        (" ".repeat(FILE_BYTES_ALLOWED + 1), "bytes"),
    ];
    for (text, word) in table {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(word), "{error} lacks {word}");
        assert!(error.ends_with("Nothing was imported."), "{error}");
    }
}

fn renamed(journey: &Journey) -> Journey {
    let mut other = journey.clone();
    let new = |id: &StepId| {
        StepId(format!(
            "{:x}",
            chance::Chance::default().bytes(id.0.as_bytes()).bits()
        ))
    };
    for step in &mut other.steps {
        step.id = new(&step.id);
        for target in step.next.values_mut() {
            *target = new(target);
        }
    }
    other.steps.sort_by(|a, b| a.id.cmp(&b.id));
    other.layout.insert("anything".into(), Place { x: 1.0, y: 2.0 });
    other
}

#[test]
fn a_drawing_is_the_same_under_other_ids_and_places() {
    for seed in 0..40 {
        let journey = scenario::journey(seed);
        assert!(same_drawing(&journey, &renamed(&journey)), "seed {seed}");
        assert!(
            !same_drawing(&journey, &scenario::journey(seed + 1)),
            "seed {seed}"
        );
        let mut bent = renamed(&journey);
        let places = bent.steps.len();
        let targets: Vec<StepId> = bent.steps.iter().map(|step| step.id.clone()).collect();
        let step = bent.steps.iter_mut().find(|step| step.next.len() == 1).unwrap();
        let port = step.next.keys().next().unwrap().clone();
        let now = step.next[&port].clone();
        let other = targets.iter().find(|id| **id != now && **id != step.id).unwrap();
        step.next.insert(port, other.clone());
        assert_eq!(bent.steps.len(), places);
        assert!(
            !same_drawing(&journey, &bent) || same_up_to_arrow(&journey, &bent),
            "seed {seed}"
        );
    }
}

/// A bent arrow leaves the drawing the same only if both ends look alike; then the texts say so too.
fn same_up_to_arrow(a: &Journey, b: &Journey) -> bool {
    let multiset = |j: &Journey| {
        let mut kinds: Vec<String> = j
            .steps
            .iter()
            .flat_map(|s| {
                s.next.iter().map(|(port, to)| {
                    let target = j.steps.iter().find(|t| t.id == *to).unwrap();
                    format!(
                        "{}{:?} {port} {}{:?}",
                        s.kind, s.settings, target.kind, target.settings
                    )
                })
            })
            .collect();
        kinds.sort();
        kinds
    };
    multiset(a) == multiset(b)
}

#[test]
fn defaults_and_spaces_do_not_make_another_drawing_but_settings_do() {
    let bare = around("if_else", json!({"when": "city is \"Bonn\""}));
    let spaced = around("if_else", json!({"when": " city  is  \"Bonn\""}));
    let other = around("if_else", json!({"when": "city is \"Köln\""}));
    assert!(same_drawing(&bare, &spaced));
    assert!(!same_drawing(&bare, &other));
    let short = around("send_email", json!({"template": "welcome"}));
    let long = around(
        "send_email",
        json!({"template": "welcome", "account": null, "transactional": false}),
    );
    let loud = around(
        "send_email",
        json!({"template": "welcome", "transactional": true}),
    );
    assert!(same_drawing(&short, &long));
    assert!(!same_drawing(&short, &loud));
    let mut ends_otherwise = bare.clone();
    ends_otherwise.name = "Another".into();
    assert!(!same_drawing(&bare, &ends_otherwise));
}

#[test]
fn two_ways_into_one_step_differ_from_two_steps() {
    let entry = |id: &str, next: &str| json!({"id": id, "kind": "entry_manual", "next": {"next": next}});
    let exit = |id: &str| json!({"id": id, "kind": "exit"});
    let shared = drawing(json!([
        entry("i1", "a"),
        entry("i2", "a"),
        wait("a", "e"),
        wait("b", "e"),
        exit("e")
    ]));
    let apart = drawing(json!([
        entry("i1", "a"),
        entry("i2", "b"),
        wait("a", "e"),
        wait("b", "e"),
        exit("e")
    ]));
    assert!(!same_drawing(&shared, &apart));
    assert!(same_drawing(&apart, &renamed(&apart)));
}

#[test]
fn many_equal_steps_are_compared_in_bounded_time() {
    let steps: Vec<Value> = (0..600)
        .map(|n| json!({"id": format!("i{n}"), "kind": "entry_manual", "next": {"next": "end"}}))
        .collect();
    let mut many = drawing(Value::from(steps));
    many.steps
        .push(serde_json::from_value(json!({"id": "end", "kind": "exit"})).unwrap());
    assert!(same_drawing(&many, &renamed(&many)));
}

#[test]
fn entries_are_found_where_they_are() {
    let (version, it) = only("entry_event", json!({"event": "order"}));
    let entries: Vec<_> = version.entries().map(|(step, _)| step).collect();
    assert!(entries.contains(&it));
    assert_eq!(entries.len(), 2, "and the one aside");
    assert_eq!(codes_of("entry_manual", json!({})), Vec::<String>::new());
}
