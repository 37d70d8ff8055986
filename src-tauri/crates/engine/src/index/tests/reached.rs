//! Each kind of change, and the expressions that read it.

use super::*;

#[test]
fn every_kind_of_change_reaches_the_expressions_that_read_it() {
    let contact = ContactId(1);
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let set = |key: &str, value| Change::FieldSet {
        contact,
        key: key.to_owned(),
        value,
    };
    let late_evening: Moment = "2025-12-31T23:30:00Z".parse().expect("a moment");
    let late = Some(Value::DateTime(late_evening));
    let tagged = |on| Change::TagSet {
        contact,
        tag: "vip".to_owned(),
        on,
    };
    let sent = || Change::Sent {
        contact,
        template: "w".to_owned(),
        at: epoch(),
        id: carillon_model::MessageId(1),
    };
    let opened = Change::EventAdded(Event {
        id: carillon_model::EventId(1),
        contact,
        name: "email_opened".to_owned(),
        at: epoch(),
        arrived_at: epoch(),
        source: String::new(),
        props: [(
            "template".to_owned(),
            carillon_model::event::Prop::Text("w".to_owned()),
        )]
        .into(),
    });
    let granted = |basis| Change::PermissionSet {
        contact,
        channel: carillon_model::consent::Channel::Email,
        purpose: carillon_model::consent::Purpose::Marketing,
        basis,
    };
    let yes = Some(carillon_model::consent::Basis::Consent);
    let removed = Change::EventRemoved {
        contact,
        name: "order".to_owned(),
        at: epoch(),
        id: carillon_model::EventId(1),
    };
    let apia = || Change::ZoneSet(chrono_tz::Pacific::Apia);
    let london = || set("time_zone", text("Europe/London"));
    let other = saved(7, "Other", reads("tag \"vip\""));
    let suppressed = |on| Change::SuppressedSet { contact, on };
    for (expr, before, change) in [
        ("city is known", vec![], set("city", text("Bonn"))),
        (
            "city is empty",
            vec![set("city", text("Bonn"))],
            set("city", None),
        ),
        ("tag \"vip\"", vec![], tagged(true)),
        ("not tag \"vip\"", vec![tagged(true)], tagged(false)),
        ("did order", vec![], order(1, 1, epoch())),
        ("did not order", vec![order(1, 1, epoch())], removed),
        ("last did order", vec![], order(1, 1, epoch())),
        (
            "did order then order within 2 days",
            vec![order(1, 1, late_evening)],
            order(2, 1, epoch()),
        ),
        (
            "did order on at least 2 days in a row in zone \"UTC\"",
            vec![order(1, 1, late_evening)],
            order(2, 1, epoch()),
        ),
        (
            "did order on at least 2 days in a row in contact's zone",
            vec![order(1, 1, late_evening), order(2, 1, epoch())],
            london(),
        ),
        (
            "did order on at least 2 days in a row",
            vec![order(1, 1, late_evening), order(2, 1, epoch())],
            Change::ZoneSet(chrono_tz::UTC),
        ),
        (
            "did order in the last 1 month and did order more than 0 months ago in zone \"Asia/Tokyo\"",
            vec![],
            order(1, 1, epoch()),
        ),
        ("city is nearly \"Bon\"", vec![], set("city", text("Bonn"))),
        ("opened at least 1 of the last 1 message", vec![sent()], opened),
        ("opened none of the last 1 message", vec![], sent()),
        (
            "number of different amount of order = 0 and last did order today",
            vec![],
            order(1, 1, epoch()),
        ),
        (
            "city = town",
            vec![set("city", text("Bonn"))],
            set("town", text("BONN")),
        ),
        (
            "seen_at on paid_at",
            vec![set("seen_at", late.clone())],
            set("paid_at", late.clone()),
        ),
        ("was sent \"w\"", vec![], sent()),
        ("was sent any message", vec![], sent()),
        ("consent email marketing", vec![], granted(yes)),
        ("not consent email marketing", vec![granted(yes)], granted(None)),
        (
            "not consent email marketing",
            vec![granted(yes)],
            suppressed(true),
        ),
        (
            "consent email marketing",
            vec![granted(yes), suppressed(true)],
            suppressed(false),
        ),
        ("in segment \"Other\"", vec![tagged(true)], other.clone()),
        (
            "not in segment \"Other\"",
            vec![tagged(true), other.clone()],
            Change::SegmentRemoved(SegmentId(7)),
        ),
        ("in segment \"Other\"", vec![other.clone()], tagged(true)),
        (
            "not in segment \"Other\"",
            vec![tagged(true), other],
            saved(7, "Renamed", reads("tag \"vip\"")),
        ),
        (
            "seen_at on 2025-12-31 in contact's zone",
            vec![set("seen_at", late.clone())],
            london(),
        ),
        (
            "not seen_at on 2026-01-01 in zone \"Asia/Tokyo\"",
            vec![set("seen_at", late.clone())],
            set("seen_at", None),
        ),
        (
            "seen_at on 2026-01-01",
            vec![set("seen_at", late.clone()), Change::ZoneSet(chrono_tz::UTC)],
            apia(),
        ),
        (
            "seen_at on 2026-01-01 in contact's zone",
            vec![set("seen_at", late), Change::ZoneSet(chrono_tz::UTC)],
            apia(),
        ),
        (
            "did order on 2026-01-01",
            vec![order(1, 1, late_evening), Change::ZoneSet(chrono_tz::UTC)],
            apia(),
        ),
        (
            "did not order on 2025-12-31 in contact's zone",
            vec![order(1, 1, late_evening), Change::ZoneSet(chrono_tz::UTC)],
            set("time_zone", text("Asia/Tokyo")),
        ),
        ("everyone", vec![Change::ContactRemoved(contact)], added(1)),
    ] {
        let rows = [
            added(1),
            Change::WatchAdded {
                id: SegmentId(1),
                expr: reads(expr),
            },
        ]
        .into_iter()
        .chain(before);
        let mut index = Index::new(ZONE, epoch());
        let staged = index.stage(rows.collect(), epoch());
        assert_eq!(index.publish(staged), Ok(()));
        let staged = index.stage(vec![change.clone()], epoch());
        let of_watch: Vec<_> = staged
            .edges
            .iter()
            .filter(|e| e.segment == SegmentId(1))
            .collect();
        let wanted = Edge {
            segment: SegmentId(1),
            contact,
            entered: true,
            at: epoch(),
        };
        assert_eq!(of_watch, [&wanted], "{expr}: {change:?}");
        assert_eq!(index.publish(staged), Ok(()));
        assert_eq!(
            index.members_of(SegmentId(1)).map(RoaringBitmap::len),
            Some(1),
            "{expr}"
        );
    }
}
