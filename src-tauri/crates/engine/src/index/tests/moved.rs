//! Who joined and left: segments that read the history of others, in the same commit.

use super::*;

fn city(contact: u32, city: &str) -> Change {
    Change::FieldSet {
        contact: ContactId(contact),
        key: "city".to_owned(),
        value: Some(Value::Text(city.to_owned())),
    }
}

fn day(n: i64) -> Moment {
    epoch() + TimeDelta::days(n)
}

/// The edges of a commit, which is published, as `segment`, whether entered, and on which day.
fn commit(index: &mut Index, changes: Vec<Change>, at: Moment) -> Vec<(u32, bool, i64)> {
    let staged = index.stage(changes, at);
    let edges = staged.edges.iter();
    let told = edges.map(|edge| (edge.segment.0, edge.entered, (edge.at - epoch()).num_days()));
    let told: Vec<_> = told.collect();
    assert_eq!(index.publish(staged), Ok(()));
    told
}

#[test]
fn who_reads_a_history_is_asked_after_those_it_is_of_in_the_same_commit() {
    // The reader has the lower number, and a third one reads the reader.
    let mut index = Index::open(
        ZONE,
        epoch(),
        [
            added(7),
            saved(3, "Bonn", reads("city is 'Bonn'")),
            saved(
                2,
                "New in Bonn",
                reads("joined segment 'Bonn' in the last 30 days"),
            ),
            saved(
                1,
                "Lapsed",
                reads("left segment 'New in Bonn' in the last 7 days"),
            ),
        ],
    );
    assert_eq!(
        commit(&mut index, vec![city(7, "Bonn")], day(1)),
        [(2, true, 1), (3, true, 1)]
    );
    // Time alone: 30 days later the reader lets go, and at that instant its own reader takes up; for seven days.
    assert_eq!(
        commit(&mut index, Vec::new(), day(60)),
        [(1, true, 31), (2, false, 31), (1, false, 38)]
    );
    assert_eq!(
        commit(&mut index, vec![city(7, "Kiel")], day(61)),
        [(3, false, 61)]
    );
    let twice = reads("joined segment 'Bonn' exactly 2 times and left segment 'Bonn' exactly 1 times");
    assert!(index.members(&twice, day(61)).is_empty());
    commit(&mut index, vec![city(7, "Bonn")], day(62));
    assert!(index.members(&twice, day(62)).contains(7));
}

#[test]
fn what_time_moved_is_known_to_what_changes_in_the_same_commit() {
    let mut index = Index::open(
        ZONE,
        epoch(),
        [
            added(7),
            saved(1, "Bonn", reads("city is 'Bonn'")),
            saved(2, "New", reads("joined segment 'Bonn' in the last 30 days")),
            saved(3, "Gone", reads("left segment 'New' and city is 'Kiel'")),
        ],
    );
    commit(&mut index, vec![city(7, "Bonn")], day(1));
    assert_eq!(
        commit(&mut index, vec![city(7, "Kiel")], day(33)),
        [(2, false, 31), (1, false, 33), (3, true, 33)]
    );
}

#[test]
fn a_new_definition_moves_people_as_well_and_whoever_was_removed_keeps_a_past() {
    let mut index = Index::open(
        ZONE,
        epoch(),
        [added(1), added(2), city(1, "Bonn"), city(2, "Kiel")],
    );
    let changes = vec![
        saved(1, "North", reads("city is 'Kiel'")),
        saved(2, "Came north", reads("joined segment 'North'")),
    ];
    assert_eq!(commit(&mut index, changes, day(1)), [(1, true, 1), (2, true, 1)]);
    let wider = saved(1, "North", reads("city is known"));
    assert_eq!(
        commit(&mut index, vec![wider], day(2)),
        [(1, true, 2), (2, true, 2)]
    );
    assert_eq!(index.members(&reads("joined segment 'North'"), day(2)).len(), 2);
    let gone = vec![Change::ContactRemoved(ContactId(2))];
    assert_eq!(commit(&mut index, gone, day(3)), [(1, false, 3), (2, false, 3)]);
    let back = vec![added(2), city(2, "Kiel")];
    assert_eq!(commit(&mut index, back, day(4)), [(1, true, 4), (2, true, 4)]);
    assert_eq!(
        index
            .members(&reads("joined segment 'North' at least 2 times"), day(4))
            .len(),
        1
    );
    let at_once = vec![Change::ContactRemoved(ContactId(2)), added(2), city(2, "Kiel")];
    assert_eq!(commit(&mut index, at_once, day(4)), []);
    // By another name it is still the same.
    let named = vec![
        saved(1, "Everywhere", reads("city is known")),
        saved(2, "Came north", reads("joined segment 'Everywhere'")),
    ];
    assert_eq!(commit(&mut index, named, day(5)), []);
}

#[test]
fn a_name_that_another_segment_took_over_means_the_history_of_that_one() {
    let reader = || saved(2, "Came", reads("joined segment 'North'"));
    let mut index = Index::open(ZONE, epoch(), [added(1), added(2), reader()]);
    commit(&mut index, vec![saved(1, "North", Expr::Everyone)], day(1));
    assert_eq!(index.members(&reads("joined segment 'North'"), day(1)).len(), 2);
    let changes = vec![
        saved(1, "Everybody", Expr::Everyone),
        saved(3, "North", reads("city is 'Kiel'")),
        city(1, "Kiel"),
    ];
    assert_eq!(commit(&mut index, changes, day(1)), [(2, false, 1), (3, true, 1)]);
    assert_eq!(index.members(&reads("joined segment 'North'"), day(1)).len(), 1);
}

#[test]
fn who_is_in_a_journey_has_entered_it_once_more_than_left_it() {
    let mut index = Index::open(ZONE, epoch(), [added(1), added(2)].into_iter().chain(journeys()));
    let moved = |contact, kind, number, at| Change::Moved {
        contact: ContactId(contact),
        moved: Moved {
            movement: Movement {
                kind,
                of: 1,
                step: None,
            },
            at,
            number,
        },
        on: true,
    };
    let inside = saved(1, "Inside", reads("in journey 'Welcome'"));
    commit(&mut index, vec![inside], day(0));
    let entered = MovementKind::EnteredJourney;
    assert_eq!(
        commit(&mut index, vec![moved(1, entered, 5, day(1))], day(1)),
        [(1, true, 1)]
    );
    // Out and in again at one instant, which is told twice.
    let again = || {
        vec![
            moved(1, MovementKind::LeftJourney, 5, day(2)),
            moved(1, entered, 6, day(2)),
        ]
    };
    assert_eq!(commit(&mut index, again(), day(2)), []);
    assert_eq!(commit(&mut index, again(), day(2)), []);
    let out = vec![
        moved(1, MovementKind::LeftJourney, 6, day(3)),
        moved(1, MovementKind::ReachedGoal, 6, day(3)),
    ];
    assert_eq!(commit(&mut index, out, day(3)), [(1, false, 3)]);
    let n = |text: &str| index.members(&reads(text), day(9)).len();
    assert_eq!(n("entered journey 'Welcome' exactly 2 times"), 1);
    assert_eq!(n("reached the goal of journey 'Welcome' in the last 7 days"), 1);
    assert_eq!(n("not entered journey 'Welcome'"), 1);
    assert_eq!(
        n("entered journey 'Win back' or in journey 'Win back' or left journey 'nobody knows'"),
        0
    );
}
