//! What a score is beside what it was.

use super::*;
use crate::record::{Past, Turned, Verdict};

/// Days before [`epoch`].
fn ago(days: i64) -> Moment {
    epoch() - TimeDelta::days(days)
}

/// Measured first as 20 forty days ago; then 50, 30 days ago; then 45, 10 days ago.
fn measured(before: Option<i64>) -> ContactRecord {
    let mut past = Past::default();
    let steps = [(40, before, 20), (30, Some(20), 50), (10, Some(50), 45)];
    for (days, before, points) in steps {
        past.turns(Turned {
            at: ago(days),
            before,
            points,
        });
    }
    ContactRecord {
        past: BTreeMap::from([("score_fit".to_owned(), past)]),
        ..contact(&[("score_fit", Value::Number(45.0))])
    }
}

fn verdict(text: &str, who: &ContactRecord) -> Verdict {
    eval(&reads(text), who, epoch(), &scope(&[]))
}

#[test]
fn points_now_are_held_against_those_at_the_beginning_of_the_time() {
    let who = measured(None);
    for (text, wanted) in [
        ("fell in the last 10 days", false),
        ("fell in the last 11 days", true),
        ("fell by at least 5 in the last 11 days", true),
        ("fell by more than 5 in the last 11 days", false),
        ("rose in the last 11 days", false),
        ("rose by at least 25 in the last 31 days", true),
        ("rose by more than 25 in the last 31 days", false),
        ("fell in the last 31 days", false),
        // Nothing is known of then: it was measured first as 20.
        ("rose by at least 25 in the last 90 days", true),
        ("rose by more than 25 in the last 90 days", false),
    ] {
        assert_eq!(holds(&format!("score_fit {text}"), &who), wanted, "{text}");
    }
    // What it was before the first change that is known.
    let who = measured(Some(5));
    assert!(holds("score_fit rose by at least 40 in the last 90 days", &who));
    assert!(!holds("score_fit rose by more than 40 in the last 90 days", &who));
}

#[test]
fn who_has_no_points_or_no_past_neither_rose_nor_fell() {
    let nobody = ContactRecord {
        fields: BTreeMap::new(),
        ..measured(None)
    };
    let always = contact(&[("score_fit", Value::Number(45.0))]);
    for text in ["rose in the last 90 days", "fell in the last 90 days"] {
        let text = format!("score_fit {text}");
        assert!(!holds(&text, &nobody) && !holds(&text, &always), "{text}");
    }
    assert!(!holds(
        "score_fit rose by at least 0 in the last 90 days",
        &nobody
    ));
}

/// Was `then` forty days ago and is `now` since ten days ago.
fn from_to(then: i64, now: i64) -> ContactRecord {
    let mut past = Past::default();
    for (days, before, points) in [(40, None, then), (10, Some(then), now)] {
        past.turns(Turned {
            at: ago(days),
            before,
            points,
        });
    }
    ContactRecord {
        past: BTreeMap::from([("score_fit".to_owned(), past)]),
        ..contact(&[("score_fit", Value::Number(now as f64))])
    }
}

#[test]
fn percents_are_of_what_it_was_at_the_beginning_of_the_time() {
    for (then, now, text, wanted) in [
        (50, 60, "rose by at least 20%", true),
        (50, 60, "rose by more than 20%", false),
        (50, 59, "rose by at least 20%", false),
        (60, 50, "fell by at least 16.6%", true),
        (60, 50, "fell by at least 16.7%", false),
        (60, 50, "rose by more than 0%", false),
        (100, 90, "fell by at least 10%", true),
        (100, 90, "fell by more than 10%", false),
        // From nothing it is more than any percent.
        (0, 1, "rose by more than 1000000%", true),
        (-10, 1, "rose by more than 1000000%", true),
        (-10, -5, "rose by more than 0%", false),
        (-10, 0, "rose by more than 0%", false),
        (0, -5, "fell by more than 0%", false),
        (-5, -10, "fell by more than 0%", false),
        // From something it can fall below nothing.
        (10, -5, "fell by at least 150%", true),
    ] {
        let who = from_to(then, now);
        let text = format!("score_fit {text} in the last 30 days");
        assert_eq!(holds(&text, &who), wanted, "{then} to {now}: {text}");
        assert_eq!(
            holds(&format!("not {text}"), &who),
            !wanted,
            "{then} to {now}: not {text}"
        );
    }
    // What is too small for a double is no percent that nobody rose by.
    let little = contact(&[("score_fit", Value::Number(1e-300))]);
    assert!(!holds(
        "score_fit rose by at least 1e-100% in the last 30 days",
        &little
    ));
    // Always the same, or never measured.
    let (always, nobody) = (contact(&[("score_fit", Value::Number(45.0))]), contact(&[]));
    for who in [always, nobody] {
        assert!(!holds("score_fit rose by more than 0% in the last 30 days", &who));
    }
}

#[test]
fn it_is_sure_until_the_beginning_of_the_time_comes_to_a_change() {
    let until = |text: &str| verdict(text, &measured(None)).until;
    assert_eq!(
        until("score_fit fell in the last 11 days"),
        Some(epoch() + TimeDelta::days(1))
    );
    assert_eq!(until("score_fit fell in the last 10 days"), None);
    assert_eq!(
        until("score_fit rose in the last 31 days"),
        Some(epoch() + TimeDelta::days(1))
    );
    // A change that is still to come has not come yet.
    let mut who = measured(None);
    let later = Turned {
        at: ago(-2),
        before: Some(45),
        points: 0,
    };
    who.past.entry("score_fit".to_owned()).or_default().turns(later);
    let verdict = verdict("score_fit fell in the last 11 days", &who);
    assert_eq!(
        (verdict.holds, verdict.until),
        (true, Some(epoch() + TimeDelta::days(1)))
    );
}

#[test]
fn the_reason_says_both() {
    let seen = |text: &str, who: &ContactRecord| {
        let reason = explain(&reads(text), who, epoch(), &scope(&[]));
        reason.seen.unwrap_or_default()
    };
    let who = measured(None);
    assert_eq!(
        seen("score_fit fell in the last 11 days", &who),
        "score_fit = 45, and 50 at 2025-12-21 01:00 (Europe/Berlin)"
    );
    assert_eq!(
        seen("score_fit rose in the last 90 days", &who),
        "score_fit = 45, and 20 when it was measured first, at 2025-11-22 01:00 (Europe/Berlin)"
    );
    let always = contact(&[("score_fit", Value::Number(45.0))]);
    assert_eq!(
        seen("score_fit rose in the last 90 days", &always),
        "score_fit = 45"
    );
    assert_eq!(
        seen("score_fit rose in the last 90 days", &contact(&[])),
        "score_fit is empty"
    );
}

#[test]
fn of_one_millisecond_the_last_word_counts_and_the_same_again_is_nothing() {
    let at = ago(3) + TimeDelta::microseconds(300);
    let mut past = Past::default();
    let steps = [(Some(1), 4), (Some(4), 6), (Some(4), 6)];
    for (before, points) in steps {
        past.turns(Turned { at, before, points });
    }
    let all: Vec<_> = past.iter().collect();
    assert_eq!(all, [(Moment::UNIX_EPOCH, 1), (ago(3), 6)]);
}
