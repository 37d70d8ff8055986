//! What contacts did: windows, first and last times, sequences and what properties come to.

use super::*;
use carillon_model::contact::{Currency, Money};
use carillon_model::event::{Event, Prop};
use carillon_model::segment::{Days, Period, Window, Zone};

fn at(text: &str) -> Moment {
    text.parse().expect("a moment of the test")
}

/// Somebody who did these, each `name moment` or `name moment key value`, where a value with a currency is money.
fn who_did(events: &[&str]) -> ContactRecord {
    let mut who = contact(&[]);
    let one = |(id, text): (i64, &&str)| {
        let parts: Vec<&str> = text.split(' ').collect();
        let value = |text: &str| match text.strip_suffix("EUR") {
            Some(minor) => Prop::Money(Money {
                minor: minor.parse().expect("minor units"),
                currency: Currency(*b"EUR"),
            }),
            None => text
                .parse()
                .map_or_else(|_| Prop::Text(text.to_owned()), Prop::Number),
        };
        Event {
            id: carillon_model::EventId(id),
            contact: ContactId(7),
            name: parts[0].to_owned(),
            at: at(parts[1]),
            arrived_at: epoch(),
            source: String::new(),
            props: parts[2..]
                .chunks(2)
                .map(|pair| (pair[0].to_owned(), value(pair[1])))
                .collect(),
        }
    };
    who.events = (1..).zip(events).map(one).collect();
    who
}

/// Truth and its end at a moment.
fn verdict(text: &str, who: &ContactRecord, now: &str) -> (bool, Option<Moment>) {
    let verdict = eval(&reads(text), who, at(now), &scope(&[]));
    (verdict.holds, verdict.until)
}

#[test]
fn days_of_a_window_are_days_of_the_zone_it_names() {
    // Berlin, the workspace's zone, is an hour ahead of UTC here, New York, the contact's, five behind.
    let who = ordered(&["2025-11-30T23:30:00Z"]);
    assert!(holds("did order since 2025-12-01", &who) && holds("did order on 2025-12-01", &who));
    assert!(holds("did not order since 2025-12-01 in contact's zone", &who));
    assert!(holds("did order before 2025-12-01 in zone \"UTC\"", &who));
    assert!(holds(
        "did order between 2025-11-30 and 2025-11-30 in contact's zone",
        &who
    ));
    assert!(
        holds("did not order since 2025-12-01T00:00:00Z", &who),
        "a moment needs no zone"
    );
    // Both days on which the clocks change in Berlin, one of 23 hours and one of 25.
    let who = ordered(&["2025-03-30T21:59:59Z", "2025-10-26T22:59:59Z"]);
    assert!(holds("did order on 2025-03-30", &who) && holds("did order on 2025-10-26", &who));
    let who = ordered(&["2025-03-30T22:00:00Z", "2025-10-26T23:00:00Z"]);
    assert!(holds("did order on 2025-03-31", &who) && holds("did order on 2025-10-27", &who));
    // Nobody lives in a zone that is none.
    assert!(!holds(
        "did order at most 0 times since 2025-12-01 in zone \"Mars\"",
        &who
    ));
}

#[test]
fn the_reason_says_how_often_and_when_last_within_the_window_and_else_when_outside_it() {
    let who = ordered(&[
        "2025-11-30T23:30:00Z",
        "2025-12-20T08:00:00Z",
        "2026-02-01T08:00:00Z",
    ]);
    let seen = |text: &str| {
        explain(&reads(text), &who, epoch(), &scope(&[]))
            .seen
            .unwrap_or_default()
    };
    assert_eq!(
        seen("did order"),
        "2 times, the last one at 2025-12-20 09:00 (Europe/Berlin)"
    );
    assert_eq!(
        seen("did order before 2025-12-02"),
        "1 time, at 2025-12-01 00:30 (Europe/Berlin)"
    );
    assert_eq!(
        seen("did order in the last 2 days"),
        "0 times, the last one at 2025-12-20 09:00 (Europe/Berlin) does not count"
    );
    assert_eq!(seen("was sent any message"), "never");
}

#[test]
fn a_window_that_lies_back_opens_and_closes_by_the_clock() {
    let who = who_did(&["order 2026-01-01T12:00:00Z"]);
    let back = "did order between 30 and 60 days ago";
    assert_eq!(
        verdict(back, &who, "2026-01-02T00:00:00Z"),
        (false, Some(at("2026-01-31T12:00:00Z")))
    );
    assert_eq!(
        verdict(back, &who, "2026-01-31T12:00:00Z"),
        (true, Some(at("2026-03-02T12:00:00Z")))
    );
    assert_eq!(verdict(back, &who, "2026-03-02T12:00:00Z"), (false, None));
    let long = "did order more than 30 days ago";
    assert_eq!(
        verdict(long, &who, "2026-01-31T11:59:59Z"),
        (false, Some(at("2026-01-31T12:00:00Z")))
    );
    assert_eq!(verdict(long, &who, "2026-01-31T12:00:00Z"), (true, None));
}

#[test]
fn periods_of_the_calendar_change_at_midnight_of_their_zone() {
    // Berlin, the workspace's zone, is an hour ahead of UTC. The 29th of December 2025 was a Monday.
    let who = who_did(&["order 2025-12-31T22:59:59Z"]);
    for (text, now, holds, until) in [
        (
            "did order today",
            "2025-12-31T22:59:59Z",
            true,
            Some("2025-12-31T23:00:00Z"),
        ),
        (
            "did order yesterday",
            "2025-12-31T22:59:59Z",
            false,
            Some("2025-12-31T23:00:00Z"),
        ),
        (
            "did order yesterday",
            "2025-12-31T23:00:00Z",
            true,
            Some("2026-01-01T23:00:00Z"),
        ),
        (
            "did order this week",
            "2025-12-31T23:00:00Z",
            true,
            Some("2026-01-04T23:00:00Z"),
        ),
        (
            "did order last month",
            "2025-12-31T23:00:00Z",
            true,
            Some("2026-01-31T23:00:00Z"),
        ),
        (
            "did order last quarter",
            "2026-03-31T21:59:59Z",
            true,
            Some("2026-03-31T22:00:00Z"),
        ),
        (
            "did order last year in zone \"UTC\"",
            "2026-12-31T23:30:00Z",
            true,
            Some("2027-01-01T00:00:00Z"),
        ),
        ("did order this year", "2026-01-01T00:00:00Z", false, None),
    ] {
        assert_eq!(
            verdict(text, &who, now),
            (holds, until.map(at)),
            "{text} at {now}"
        );
    }
}

#[test]
fn months_of_a_window_are_those_of_the_calendar_as_the_dates_count_them() {
    // Berlin, the workspace's zone: the order is on the 30th of January there.
    let who = who_did(&["order 2026-01-29T23:30:00Z"]);
    let last = "did order in the last 1 month";
    // A month back from the 28th of February is the 28th of January, from the 1st of March the 1st of February.
    assert_eq!(
        verdict(last, &who, "2026-02-28T12:00:00Z"),
        (true, Some(at("2026-02-28T23:00:00Z")))
    );
    assert_eq!(verdict(last, &who, "2026-02-28T23:00:00Z"), (false, None));
    assert!(
        verdict(
            "did order in the last 1 month in zone \"UTC\"",
            &who,
            "2026-02-28T23:00:00Z"
        )
        .0
    );
    let ago = "did order more than 1 month ago";
    assert_eq!(
        verdict(ago, &who, "2026-02-28T12:00:00Z"),
        (false, Some(at("2026-02-28T23:00:00Z")))
    );
    assert_eq!(verdict(ago, &who, "2026-02-28T23:00:00Z"), (true, None));
    let between = "did order between 3 and 1 months ago";
    assert_eq!(
        verdict(between, &who, "2026-02-28T23:00:00Z"),
        (true, Some(at("2026-04-29T22:00:00Z")))
    );
    assert_eq!(verdict(between, &who, "2026-04-29T22:00:00Z"), (false, None));
    // The same day is in no last 0 months, and what is still to come is not long ago.
    let ahead = "2026-01-29T23:10:00Z";
    assert_eq!(
        verdict("did order more than 0 months ago", &who, ahead),
        (false, Some(at("2026-01-29T23:30:00Z")))
    );
    assert_eq!(
        verdict("did order in the last 0 months", &who, ahead),
        (false, None)
    );
    assert!(
        verdict(
            "did order in the last 4294967295 months",
            &who,
            "2026-02-01T00:00:00Z"
        )
        .0
    );
}

#[test]
fn the_first_and_the_last_time_are_those_of_all_that_has_happened() {
    let who = who_did(&[
        "order 2026-01-01T00:00:00Z",
        "order 2026-02-01T00:00:00Z amount 5",
    ]);
    let first = "first did order in the last 10 days";
    assert_eq!(
        verdict(first, &who, "2025-12-31T00:00:00Z"),
        (false, Some(at("2026-01-01T00:00:00Z")))
    );
    assert_eq!(
        verdict(first, &who, "2026-01-02T00:00:00Z"),
        (true, Some(at("2026-01-11T00:00:00Z")))
    );
    assert_eq!(
        verdict(first, &who, "2026-02-02T00:00:00Z"),
        (false, None),
        "the second is not the first"
    );
    let lapsed = "last did order more than 10 days ago";
    assert_eq!(
        verdict(lapsed, &who, "2026-01-02T00:00:00Z"),
        (false, Some(at("2026-01-11T00:00:00Z")))
    );
    assert_eq!(
        verdict(lapsed, &who, "2026-01-12T00:00:00Z"),
        (true, Some(at("2026-02-01T00:00:00Z")))
    );
    assert_eq!(
        verdict(lapsed, &who, "2026-02-01T00:00:00Z"),
        (false, Some(at("2026-02-11T00:00:00Z")))
    );
    assert_eq!(verdict(lapsed, &who, "2026-02-11T00:00:00Z"), (true, None));
    assert_eq!(
        verdict(
            "first did order in the last 3 days where amount > 1",
            &who,
            "2026-02-02T00:00:00Z"
        ),
        (true, Some(at("2026-02-04T00:00:00Z")))
    );
    assert_eq!(
        verdict("last did visit", &who, "2026-02-02T00:00:00Z"),
        (false, None)
    );
}

#[test]
fn something_follows_only_later_and_in_time_and_does_not_only_when_the_wait_is_over() {
    let who = who_did(&["visit 2026-01-01T00:00:00Z", "order 2026-01-03T00:00:00Z"]);
    let then = "did visit then order within 2 days";
    assert_eq!(
        verdict(then, &who, "2026-01-01T00:00:00Z"),
        (false, Some(at("2026-01-03T00:00:00Z")))
    );
    assert_eq!(verdict(then, &who, "2026-01-03T00:00:00Z"), (true, None));
    assert_eq!(
        verdict(
            "did visit then order within 2 days in the last 5 days",
            &who,
            "2026-01-03T00:00:00Z"
        ),
        (true, Some(at("2026-01-06T00:00:00Z"))),
        "the window is of what came first"
    );
    assert_eq!(
        verdict(
            "did visit then order within 47 hours",
            &who,
            "2026-01-04T00:00:00Z"
        ),
        (false, None)
    );
    assert_eq!(
        verdict("did order then visit within 9 days", &who, "2026-01-04T00:00:00Z"),
        (false, None)
    );
    assert_eq!(
        verdict("did visit then visit within 9 days", &who, "2026-01-04T00:00:00Z"),
        (false, None)
    );
    let without = "did visit without order within 1 day";
    assert_eq!(
        verdict(without, &who, "2026-01-01T00:00:00Z"),
        (false, Some(at("2026-01-02T00:00:00Z")))
    );
    assert_eq!(verdict(without, &who, "2026-01-02T00:00:00Z"), (true, None));
    assert_eq!(
        verdict(
            "did visit without order within 2 days",
            &who,
            "2026-01-02T12:00:00Z"
        ),
        (false, None)
    );
    let seen = explain(&reads(without), &who, at("2026-01-05T00:00:00Z"), &scope(&[])).seen;
    assert_eq!(
        seen.as_deref(),
        Some("1 in the window, 0 followed in time, 0 still waited for")
    );
}

#[test]
fn a_sum_of_nothing_is_zero_and_of_nothing_there_is_no_average() {
    let who = who_did(&[
        "order 2026-01-01T00:00:00Z amount 1000EUR",
        "order 2026-01-05T00:00:00Z amount 501EUR",
    ]);
    let now = "2026-01-05T00:00:00Z";
    let holds = |text: &str| verdict(text, &who, now).0;
    assert!(holds("sum of amount of order = 15.01 EUR") && !holds("sum of amount of order > 15.01 EUR"));
    assert!(holds("average of amount of order > 7.50 EUR") && holds("average of amount of order < 7.51 EUR"));
    assert!(holds("minimum of amount of order = 5.01 EUR") && holds("maximum of amount of order = 10 EUR"));
    assert!(holds("sum of amount of order = 0 USD") && holds("sum of amount of visit < 1"));
    assert!(!holds("average of amount of order != 0 USD") && !holds("minimum of amount of order < 9 USD"));
    let sum = "sum of amount of order is more than 10 EUR in the last 7 days";
    assert_eq!(verdict(sum, &who, now), (true, Some(at("2026-01-08T00:00:00Z"))));
    assert_eq!(
        verdict(sum, &who, "2026-01-08T00:00:00Z"),
        (false, Some(at("2026-01-12T00:00:00Z")))
    );
    let seen = |text: &str| {
        explain(&reads(text), &who, at(now), &scope(&[]))
            .seen
            .unwrap_or_default()
    };
    assert_eq!(seen(sum), "15.01 EUR of 2 values");
    assert_eq!(seen("average of amount of order > 1"), "nothing of 0 values");
}

#[test]
fn different_values_are_counted_as_they_are_compared() {
    let who = who_did(&[
        "order 2026-01-01T00:00:00Z product Tea",
        "order 2026-01-02T00:00:00Z product TEA",
        "order 2026-01-03T00:00:00Z product 0",
        "order 2026-01-03T00:00:00Z product -0",
        "order 2026-01-04T00:00:00Z product 0EUR",
    ]);
    let now = "2026-01-05T00:00:00Z";
    assert!(verdict("number of different product of order = 3", &who, now).0);
    assert!(
        verdict(
            "number of different product of order = 2 in the last 3 days",
            &who,
            now
        )
        .0
    );
    assert!(verdict("number of different colour of order = 0", &who, now).0);
}

/// Somebody who was sent these, each `template moment`.
fn who_was_sent(who: ContactRecord, sent: &[&str]) -> ContactRecord {
    let one = |text: &&str| {
        let (template, moment) = text.split_once(' ').expect("a template and a moment");
        crate::record::Sent {
            template: template.to_owned(),
            at: at(moment),
            id: carillon_model::MessageId(0),
        }
    };
    ContactRecord {
        sent: sent.iter().map(one).collect(),
        ..who
    }
}

#[test]
fn of_the_last_messages_those_count_that_were_answered_before_the_next_of_their_template() {
    let who = who_did(&[
        "email_opened 2026-01-01T10:00:00Z template a",
        "email_opened 2026-01-03T10:00:00Z template b",
        "email_opened 2026-01-05T10:00:00Z template a",
        "email_clicked 2026-01-05T10:00:00Z template b",
        "email_opened 2026-01-09T10:00:00Z template c",
    ]);
    let who = who_was_sent(
        who,
        &[
            "a 2026-01-01T09:00:00Z",
            "b 2026-01-02T09:00:00Z",
            "a 2026-01-04T09:00:00Z",
            "c 2026-01-08T09:00:00Z",
        ],
    );
    let then = |text: &str, now: &str| verdict(text, &who, now);
    let both = "opened at least 2 of the last 3 mails";
    assert_eq!(
        then(both, "2026-01-03T12:00:00Z"),
        (false, Some(at("2026-01-04T09:00:00Z"))),
        "only two were sent so far"
    );
    assert_eq!(
        then(both, "2026-01-04T09:00:00Z"),
        (true, Some(at("2026-01-05T10:00:00Z"))),
        "the first two of three were opened"
    );
    assert!(then("opened exactly 3 of the last 3 messages", "2026-01-05T10:00:00Z").0);
    assert!(then("opened exactly 2 of the last 3 messages", "2026-01-08T09:00:00Z").0);
    assert_eq!(
        then("opened none of the last 1 message", "2026-01-08T09:00:00Z"),
        (true, Some(at("2026-01-09T10:00:00Z")))
    );
    assert_eq!(
        then("opened none of the last 1 message", "2026-01-09T10:00:00Z"),
        (false, None)
    );
    // The click was on a message that the next one of its template did not follow; nobody replied.
    assert!(then("clicked exactly 1 of the last 4 messages", "2026-01-09T10:00:00Z").0);
    assert!(then("replied to none of the last 4 messages", "2026-01-09T10:00:00Z").0);
    assert!(!then("replied to none of the last 5 messages", "2026-01-09T10:00:00Z").0);
    // A look that comes after the second of a template is one at the second.
    let twice = who_was_sent(
        who_did(&["email_opened 2026-01-05T10:00:00Z template a"]),
        &["a 2026-01-01T09:00:00Z", "a 2026-01-04T09:00:00Z"],
    );
    assert!(
        verdict(
            "opened exactly 1 of the last 2 messages",
            &twice,
            "2026-01-06T00:00:00Z"
        )
        .0
    );
    let seen = |text: &str| explain(&reads(text), &who, at("2026-01-05T11:00:00Z"), &scope(&[])).seen;
    assert_eq!(seen(both).as_deref(), Some("3 of the last 3 messages"));
    assert_eq!(
        seen("clicked none of the last 5 messages").as_deref(),
        Some("only 3 messages so far, 1 of them")
    );
}

#[test]
fn days_and_weeks_in_a_row_are_those_of_the_zone_that_is_named() {
    // Berlin, the workspace's zone, is an hour ahead: the 1st, 2nd and 3rd there, with two on one day; then a gap.
    let who = who_did(&[
        "visit 2025-12-31T23:30:00Z amount 1",
        "visit 2026-01-02T10:00:00Z amount 1",
        "visit 2026-01-02T12:00:00Z amount 1",
        "visit 2026-01-03T10:00:00Z amount 2",
        "visit 2026-01-12T10:00:00Z amount 1",
    ]);
    let now = "2026-01-03T12:00:00Z";
    let row = "did visit on at least 3 days in a row";
    assert_eq!(
        verdict(row, &who, "2026-01-02T23:00:00Z"),
        (false, Some(at("2026-01-03T10:00:00Z")))
    );
    assert!(verdict(row, &who, now).0 && !verdict("did visit on at least 4 days in a row", &who, now).0);
    let who = who_did(&[
        "visit 2025-12-31T23:30:00Z amount 1",
        "visit 2026-01-01T23:30:00Z amount 1",
        "visit 2026-01-03T10:00:00Z amount 2",
        "visit 2026-01-12T10:00:00Z amount 1",
    ]);
    assert!(verdict(row, &who, now).0);
    assert!(!verdict("did visit on at least 3 days in a row in zone \"UTC\"", &who, now).0);
    assert!(
        !verdict(
            "did visit on at least 3 days in a row where amount = 1",
            &who,
            now
        )
        .0
    );
    assert!(verdict("did not visit on at least 4 days in a row", &who, now).0);
    assert_eq!(
        verdict(
            "did visit on at least 3 days in a row in the last 4 days",
            &who,
            now
        ),
        (true, Some(at("2026-01-04T23:30:00Z"))),
        "until the first of them leaves the window"
    );
    // The 29th of December, the 5th and the 12th of January are Mondays: the middle one's week is empty.
    assert!(
        !verdict(
            "did visit in at least 2 weeks in a row",
            &who,
            "2026-01-13T00:00:00Z"
        )
        .0
    );
    assert!(
        verdict(
            "did visit in at least 1 month in a row",
            &who,
            "2026-01-13T00:00:00Z"
        )
        .0
    );
    assert!(
        verdict(
            "did visit in at least 2 years in a row in zone \"UTC\"",
            &who,
            now
        )
        .0
    );
    let seen = |text: &str| explain(&reads(text), &who, at(now), &scope(&[])).seen;
    assert_eq!(seen(row).as_deref(), Some("at most 3 days in a row"));
}

#[test]
fn where_a_week_is_not_over_yet_the_week_before_it_is_not_settled() {
    // A Monday of UTC that is a Sunday of Sao Paulo: last week there began two weeks ago.
    let now: Moment = "2025-12-15T00:00:00Z".parse().expect("a moment");
    let began: Moment = "2025-12-01T03:00:00Z".parse().expect("a moment");
    let window = Window::Days {
        days: Days::Last(Period::Week),
        zone: Zone::Contact,
    };
    assert!(settled_before(&window, chrono_tz::UTC, now) <= began);
}
