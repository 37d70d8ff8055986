//! A commit reads of a contact no more than it asks for, and no less.

use super::*;

fn named(id: u32, name: &str, text: &str) -> Change {
    saved(id, name, reads(text))
}

fn lives(contact: u32, city: &str) -> Change {
    Change::FieldSet {
        contact: ContactId(contact),
        key: "city".to_owned(),
        value: Some(Value::Text(city.to_owned())),
    }
}

fn entered(staged: &Staged) -> Vec<u32> {
    staged
        .edges
        .iter()
        .filter(|edge| edge.entered)
        .map(|edge| edge.segment.0)
        .collect()
}

#[test]
fn who_is_meant_anew_is_asked_all_of_whom_the_commit_changes() {
    let index = Index::open(
        ZONE,
        epoch(),
        [added(1), lives(1, "Bonn"), named(1, "Friends", "tag 'friend'")],
    );
    let befriended = Change::TagSet {
        contact: ContactId(1),
        tag: "friend".to_owned(),
        on: true,
    };
    let staged = index.stage(vec![befriended, named(2, "Near", "city is 'Bonn'")], epoch());
    assert_eq!(entered(&staged), [1, 2]);
}

#[test]
fn who_reads_a_movement_is_asked_all_of_whom_the_commit_moves() {
    let rows = [
        added(1),
        lives(1, "Bonn"),
        named(1, "Lately", "did order in the last 30 days"),
        named(
            2,
            "Near",
            "city is 'Bonn' and joined segment 'Lately' in the last 3 days",
        ),
        named(3, "Friends", "tag 'friend'"),
    ];
    let index = Index::open(ZONE, epoch(), rows);
    let staged = index.stage(vec![order(1, 1, epoch())], epoch());
    assert_eq!(entered(&staged), [1, 2]);
}
