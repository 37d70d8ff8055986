//! What a file keeps of memberships, and what it says when it is opened again. Those of a small file are not believed, and
//! show what was lost; `grown` has a file count as a large one.

use super::fixtures::{Place, add, again, day, fresh, grown, ids, write};
use crate::contacts::{add_tag, delete, set_field};
use crate::events::{NewEvent, append};
use crate::imports::{self, ImportCounts, ImportKind};
use crate::segments::{self, EdgeRow};
use crate::{LostEdges, Store};
use carillon_engine::segment::parse;
use carillon_model::contact::Value;
use carillon_model::{ContactId, SegmentId, VersionId};
use chrono::TimeDelta;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::Duration;

async fn edges(store: &Store) -> Vec<EdgeRow> {
    store
        .read(|db| segments::edges_after(db, 0, 10_000))
        .await
        .unwrap()
}

/// Members by the edges alone: whoever entered last and did not leave.
async fn by_edges(store: &Store, segment: SegmentId) -> Vec<u32> {
    let mut inside = BTreeMap::new();
    for edge in edges(store)
        .await
        .into_iter()
        .filter(|edge| edge.segment == segment)
    {
        let before = inside.insert(edge.contact.0, edge.entered).unwrap_or(false);
        assert_ne!(before, edge.entered, "an edge that changes nothing: {edge:?}");
    }
    inside
        .into_iter()
        .filter(|(_, inside)| *inside)
        .map(|(id, _)| id)
        .collect()
}

fn members(store: &Store, segment: SegmentId) -> Vec<u32> {
    store.with_index(|index| index.members_of(segment).unwrap().iter().collect())
}

/// Four contacts, the first two in Bonn; who is in Bonn, and who is neither there nor a friend of the house.
async fn town(place: &Place) -> (Store, Vec<ContactId>) {
    let store = fresh(place).await;
    let ids = write(&store, |tx| {
        segments::save(tx, None, "Bonn", &parse("city is \"Bonn\"").unwrap())?;
        let far = "not (city is \"Bonn\" or tag \"friend\")";
        segments::save(tx, None, "Far", &parse(far).unwrap())?;
        let all = ids(&add(
            tx,
            &["a@x.example", "b@x.example", "c@x.example", "d@x.example"],
            "user",
        )?);
        for id in &all[..2] {
            set_field(tx, *id, "city", Some(&Value::Text("Bonn".to_owned())), "user")?;
        }
        Ok(all)
    })
    .await
    .unwrap();
    (store, ids)
}

/// Writes to the file behind everybody's back, as a program would that reads the same rows differently.
fn behind(place: &Place, sql: &str) {
    let conn = Connection::open(place.file()).unwrap();
    assert_eq!(conn.execute(sql, ()).unwrap(), 1);
}

const BONN: SegmentId = SegmentId(1);
const FAR: SegmentId = SegmentId(2);

#[tokio::test]
async fn a_membership_that_comes_out_otherwise_becomes_the_edges_that_were_lost_and_is_reported() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    store.close().await;
    behind(&place, "UPDATE contacts SET city = 'Ulm' WHERE id = 1");
    behind(&place, "UPDATE contacts SET city = 'bonn ' WHERE id = 4");
    let store = again(&place.file()).await;
    let lost = |segment| LostEdges {
        segment,
        entered: 1,
        left: 1,
    };
    assert_eq!(store.repaired(), [lost(BONN), lost(FAR)]);
    assert_eq!(members(&store, BONN), [ids[1].0, ids[3].0]);
    for segment in [BONN, FAR] {
        assert_eq!(by_edges(&store, segment).await, members(&store, segment));
    }
    assert!(edges(&store).await.iter().all(|edge| edge.at == day(0)));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), [], "what was repaired is not repaired again");
    for segment in [BONN, FAR] {
        assert_eq!(by_edges(&store, segment).await, members(&store, segment));
    }
}

#[tokio::test]
async fn edges_since_the_states_are_not_lost_and_those_missing_beside_them_are_found() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    let (second, third) = (ids[1], ids[2]);
    write(&store, move |tx| {
        add(tx, &["e@x.example"], "user")?;
        add_tag(tx, third, "friend", "user")?;
        set_field(tx, second, "city", None, "user")?;
        segments::save(tx, None, "New", &parse("first_name is \"Ada\"").unwrap())?;
        segments::save(tx, Some(FAR), "Far", &parse("not (tag \"friend\")").unwrap())?;
        segments::watch(tx, VersionId(7), &[(0, parse("tag \"friend\"").unwrap())])
    })
    .await
    .unwrap();
    // No farewell: the states stay as they were.
    drop(store);
    behind(&place, "UPDATE contacts SET city = 'Bonn' WHERE id = 3");
    let store = again(&place.file()).await;
    let lost = LostEdges {
        segment: BONN,
        entered: 1,
        left: 0,
    };
    assert_eq!(store.repaired(), [lost]);
    for segment in 1..=4 {
        let segment = SegmentId(segment);
        assert_eq!(
            by_edges(&store, segment).await,
            members(&store, segment),
            "{segment}"
        );
    }
}

#[tokio::test]
async fn a_condition_of_a_journey_gets_its_lost_edges_too_and_goes_with_its_version() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    let watch = write(&store, |tx| {
        segments::watch(tx, VersionId(7), &[(0, parse("city is \"Köln\"").unwrap())])
    })
    .await
    .unwrap()[0];
    store.close().await;
    behind(&place, "UPDATE contacts SET city = 'KÖLN' WHERE id = 4");
    let store = again(&place.file()).await;
    let lost = LostEdges {
        segment: watch,
        entered: 1,
        left: 0,
    };
    assert_eq!(store.repaired(), [lost]);
    assert_eq!(by_edges(&store, watch).await, [4]);
    write(&store, |tx| segments::unwatch(tx, VersionId(7)))
        .await
        .unwrap();
    store.close().await;
    let conn = Connection::open(place.file()).unwrap();
    for table in ["memberships", "membership_chunks"] {
        let kept = format!("SELECT group_concat(segment) FROM {table}");
        let kept: String = conn.query_row(&kept, (), |row| row.get(0)).unwrap();
        assert_eq!(kept, "1,2", "those of the segments");
    }
}

#[tokio::test]
async fn opening_and_closing_without_a_change_writes_nothing() {
    let place = Place::new();
    let (store, _) = town(&place).await;
    store.close().await;
    let store = again(&place.file()).await;
    let seq = store.seq();
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!((store.seq(), store.repaired().len()), (seq, 0));
}

#[tokio::test]
async fn what_time_did_since_is_no_loss() {
    let place = Place::new();
    let store = fresh(&place).await;
    write(&store, |tx| {
        segments::save(
            tx,
            None,
            "Fresh",
            &parse("created_at in the last 2 days").unwrap(),
        )?;
        add(tx, &["a@x.example", "b@x.example"], "user")
    })
    .await
    .unwrap();
    store.close().await;
    let store = again(&place.file()).await;
    store.advance_clock(day(5) + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(edges(&store).await.len(), 4);
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!((store.repaired().len(), edges(&store).await.len()), (0, 4));
}

/// One import that brings two contacts with a tag, and one that brings an event of each contact.
async fn import(store: &Store, old: ContactId) -> [carillon_model::ImportId; 2] {
    write(store, move |tx| {
        let people = imports::begin(tx, ImportKind::Contacts, "fair.csv", "{}")?;
        let source = imports::source(people);
        let new = ids(&add(tx, &["e@x.example", "f@x.example"], &source)?);
        for id in &new {
            add_tag(tx, *id, "friend", &source)?;
        }
        let range = Some((i64::from(new[0].0), i64::from(new[1].0)));
        imports::advance(tx, people, 2, range, ImportCounts::default())?;
        imports::end(tx, people, false)?;

        let orders = imports::begin(tx, ImportKind::Events, "orders.csv", "{}")?;
        let event = NewEvent {
            contact: old,
            name: "order".to_owned(),
            at: tx.now(),
            source: imports::source(orders),
            props: BTreeMap::new(),
        };
        let events = append(tx, &[event])?;
        let range = Some((events[0].0, events[0].0));
        imports::advance(tx, orders, 1, range, ImportCounts::default())?;
        imports::end(tx, orders, false)?;
        Ok([people, orders])
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn who_is_erased_or_taken_back_with_an_import_leaves_every_segment_once() {
    let place = Place::new();
    let (store, ids) = town(&place).await;
    write(&store, |tx| {
        segments::save(tx, None, "Friends", &parse("tag \"friend\"").unwrap())?;
        segments::save(
            tx,
            None,
            "Ordered",
            &parse("did order in the last 7 days").unwrap(),
        )?;
        segments::save(tx, None, "Others", &parse("did not order").unwrap())
    })
    .await
    .unwrap();
    let (friends, ordered, others) = (SegmentId(3), SegmentId(4), SegmentId(5));
    let [people, orders] = import(&store, ids[0]).await;
    assert_eq!(members(&store, friends), [5, 6]);
    assert_eq!(members(&store, ordered), [ids[0].0]);
    assert_eq!(members(&store, others).len(), 5);

    for import in [people, orders] {
        write(&store, move |tx| imports::undo(tx, import, 100))
            .await
            .unwrap();
    }
    let second = ids[1];
    write(&store, move |tx| delete(tx, second, None, "user"))
        .await
        .unwrap();
    assert_eq!(members(&store, friends), [0u32; 0]);
    assert_eq!(members(&store, ordered), [0u32; 0]);
    assert_eq!(members(&store, BONN), [ids[0].0]);
    assert_eq!(members(&store, others), [ids[0].0, ids[2].0, ids[3].0]);
    store.advance_clock(day(30)).await.unwrap();
    drop(store);
    let store = again(&place.file()).await;
    assert_eq!(store.repaired(), []);
    for segment in [BONN, FAR, friends, ordered, others] {
        assert_eq!(
            by_edges(&store, segment).await,
            members(&store, segment),
            "{segment}"
        );
    }
}

/// What is followed in [`lively`].
const FOLLOWED: [(&str, &str); 6] = [
    ("Lately", "did order in the last 2 days"),
    ("Often", "did order at least 2 times in the last 30 days"),
    ("Quiet", "did not order in the last 5 days"),
    (
        "Fresh",
        "created_at in the last 3 days and not in segment \"Lately\"",
    ),
    ("Back", "joined segment \"Lately\" in the last 4 days"),
    ("Bonn", "city is \"Bonn\""),
];

fn order(contact: ContactId, at: carillon_model::Moment) -> NewEvent {
    NewEvent {
        contact,
        name: "order".to_owned(),
        at,
        source: "user".to_owned(),
        props: BTreeMap::new(),
    }
}

/// A file that counts as a large one, of ten contacts who order now and then; closed.
async fn lively(place: &Place) -> Vec<ContactId> {
    fresh(place).await.close().await;
    grown(place);
    let store = again(&place.file()).await;
    let emails: Vec<String> = (0..10).map(|n| format!("{n}@x.example")).collect();
    let all = write(&store, move |tx| {
        for (name, text) in FOLLOWED {
            segments::save(tx, None, name, &parse(text).unwrap())?;
        }
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        let all = ids(&add(tx, &emails, "user")?);
        for (n, id) in (0..).zip(&all) {
            let at = tx.now() - TimeDelta::hours(n * 20);
            append(tx, &[order(*id, at), order(*id, at - TimeDelta::days(n))])?;
        }
        set_field(tx, all[3], "city", Some(&Value::Text("Bonn".to_owned())), "user")?;
        Ok(all)
    })
    .await
    .unwrap();
    store.advance_clock(day(1)).await.unwrap();
    store.close().await;
    all
}

/// Who is in what, when time next turns somebody over, and how many memberships are believed.
type Known = (Vec<Vec<u32>>, Option<carillon_model::Moment>);

fn known(store: &Store) -> Known {
    let all = (1..=FOLLOWED.len() as u32).map(|id| members(store, SegmentId(id)));
    (all.collect(), store.with_index(crate::Index::next_due))
}

/// How many memberships are believed, and how many fields and names of events were read.
fn believed(store: &Store) -> (usize, usize) {
    store.with_index(|index| (index.kept().len(), index.loaded().0))
}

fn run(place: &Place, sql: &str) {
    Connection::open(place.file())
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

/// The file once more, of which nothing that is kept is believed.
fn doubted(place: &Place) -> Place {
    let other = Place::new();
    std::fs::copy(place.file(), other.file()).unwrap();
    run(&other, "UPDATE memberships SET program = 'another'");
    other
}

#[tokio::test]
async fn an_opening_reads_who_is_meant_and_asks_nobody() {
    let place = Place::new();
    lively(&place).await;
    let anew = again(&doubted(&place).file()).await;
    assert_eq!(believed(&anew).0, 0);
    let right = known(&anew);
    assert!(right.0.iter().all(|members| !members.is_empty()), "{right:?}");
    let store = again(&place.file()).await;
    assert_eq!(believed(&store).0, FOLLOWED.len());
    assert_eq!(known(&store), right);
    assert_eq!(store.repaired(), []);
}

#[tokio::test]
async fn time_that_passed_while_the_file_was_closed_gives_the_same_edges_either_way() {
    for days in [0, 1, 2, 3, 4, 7, 40] {
        let place = Place::new();
        lively(&place).await;
        let other = doubted(&place);
        let (store, anew) = (again(&place.file()).await, again(&other.file()).await);
        let to = day(1 + days) + TimeDelta::minutes(7);
        let mut seen = Vec::new();
        for store in [&store, &anew] {
            store.advance_clock(to).await.unwrap();
            let by_day = store
                .read(|db| segments::edges_by_day(db, day(-9)))
                .await
                .unwrap();
            seen.push((edges(store).await, by_day, known(store)));
        }
        assert_eq!(seen[0], seen[1], "after {days} days");
        assert_eq!((believed(&store).0, believed(&anew).0), (FOLLOWED.len(), 0));
    }
}

#[tokio::test]
async fn who_is_killed_leaves_memberships_that_are_believed() {
    let place = Place::new();
    let all = lively(&place).await;
    let store = again(&place.file()).await;
    for n in 0..20 {
        let (who, to) = (all[n % 7], day(1) + TimeDelta::hours(9 * n as i64));
        write(&store, move |tx| {
            tx.advance(to);
            append(tx, &[order(who, to)])?;
            match n % 5 {
                0 => add(tx, &[&format!("new{n}@x.example")], "user").map(drop),
                1 => set_field(tx, who, "city", Some(&Value::Text("Bonn".to_owned())), "user").map(drop),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
    }
    let right = known(&store);
    drop(store);
    let anew = again(&doubted(&place).file()).await;
    assert_eq!((known(&anew), believed(&anew).0), (right.clone(), 0));
    let store = again(&place.file()).await;
    assert_eq!(
        (known(&store), believed(&store).0),
        (right.clone(), FOLLOWED.len())
    );
    for segment in 1..=FOLLOWED.len() as u32 {
        assert_eq!(
            by_edges(&store, SegmentId(segment)).await,
            right.0[segment as usize - 1]
        );
    }

    // What was kept before this, and one commit of which nothing is known: worked out anew, all of it.
    drop(store);
    run(
        &place,
        "DELETE FROM membership_verdicts WHERE seq = (SELECT max(seq) - 3 FROM membership_verdicts)",
    );
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right, 0));
}

#[tokio::test]
async fn a_commit_that_is_missing_is_missed_whatever_was_kept_before_it() {
    let place = Place::new();
    let all = lively(&place).await;
    let store = again(&place.file()).await;
    for who in all.into_iter().take(8) {
        write(&store, move |tx| {
            let now = tx.now();
            append(tx, &[order(who, now)])
        })
        .await
        .unwrap();
    }
    let right = known(&store);
    drop(store);
    // Five as if they had been kept half way, one before all; and one of the later half is gone.
    run(&place, "UPDATE memberships SET seq = seq + 4 WHERE segment < 6");
    run(
        &place,
        "DELETE FROM membership_verdicts WHERE seq = (SELECT max(seq) - 1 FROM membership_verdicts)",
    );
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right, 0));
}

#[tokio::test]
async fn what_one_program_disbelieved_no_other_believes_after_its_commits() {
    let place = Place::new();
    let all = lively(&place).await;
    // Kept by a program that reads rows otherwise, and that opens the file again after this one.
    run(
        &place,
        "UPDATE memberships SET program = 'x' || program WHERE segment = 1",
    );
    let store = again(&place.file()).await;
    assert_eq!(believed(&store).0, FOLLOWED.len() - 1);
    let who = all[9];
    write(&store, move |tx| {
        let now = tx.now();
        append(tx, &[order(who, now)])
    })
    .await
    .unwrap();
    let right = known(&store);
    assert!(right.0[0].contains(&who.0));
    drop(store);
    run(
        &place,
        "UPDATE memberships SET program = substr(program, 2) WHERE program LIKE 'x%'",
    );
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right, FOLLOWED.len() - 1));
}

#[tokio::test]
async fn what_is_stale_or_torn_is_not_believed() {
    let damaged = "CAST(substr(bytes, 1, length(bytes) - 9) || 'x' || substr(bytes, -8) AS BLOB)";
    for (how, sql, n) in [
        ("another program", "UPDATE memberships SET program = program || 'x' WHERE segment = 2".to_owned(), 5),
        ("a later commit", "UPDATE memberships SET seq = seq + 1 WHERE segment = 3".to_owned(), 5),
        ("an earlier commit", "UPDATE memberships SET seq = seq - 1 WHERE segment = 4".to_owned(), 5),
        ("no bytes", "DELETE FROM membership_chunks WHERE segment = 1".to_owned(), 5),
        ("other bytes", format!("UPDATE membership_chunks SET bytes = {damaged} WHERE segment = 1"), 5),
        ("of another", "UPDATE membership_chunks SET bytes = (SELECT bytes FROM membership_chunks WHERE segment = 6) WHERE segment = 1".to_owned(), 5),
        ("another text", "UPDATE segments SET text = 'did order in the last 3 days' WHERE id = 2".to_owned(), 5),
        ("what is named is another", "UPDATE segments SET text = 'did order in the last 3 days' WHERE id = 1".to_owned(), 4),
        ("a commit of nobody", "UPDATE marks SET next = next + 1 WHERE name = 'seq'".to_owned(), 0),
    ] {
        let place = Place::new();
        lively(&place).await;
        run(&place, &sql);
        let anew = again(&doubted(&place).file()).await;
        let store = again(&place.file()).await;
        assert_eq!((known(&store), believed(&store).0), (known(&anew), n), "{how}");
        // And it stays so, until it is kept anew.
        drop(store);
        let store = again(&place.file()).await;
        assert_eq!(known(&store), known(&anew), "{how}");
        assert!(believed(&store).0 <= n, "{how}");
        store.close().await;
        let store = again(&place.file()).await;
        assert_eq!((known(&store), believed(&store).0), (known(&anew), FOLLOWED.len()), "{how}");
    }
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn memberships_are_kept_while_the_file_rests_and_those_believed_are_proved() {
    let place = Place::new();
    let all = lively(&place).await;
    run(&place, "DELETE FROM memberships; DELETE FROM membership_chunks");
    let store = again(&place.file()).await;
    assert_eq!(believed(&store).0, 0);
    until("kept at rest", async || believed(&store).0 == FOLLOWED.len()).await;
    let right = known(&store);
    drop(store);

    // An order that somebody else wrote, the contact's first for long: nothing that is read at opening tells of it.
    let sql = format!(
        "INSERT INTO events(id, contact, type, at, arrived_at, source) SELECT max(id) + 1, {}, type, {}, 0, source FROM events",
        all[9].0,
        day(1).timestamp_millis()
    );
    run(&place, &sql);
    run(&place, "UPDATE marks SET next = next + 1 WHERE name = 'events'");
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right, FOLLOWED.len()));
    let lately = SegmentId(1);
    until("found at rest", async || {
        members(&store, lately).contains(&all[9].0)
    })
    .await;
    let anew = again(&doubted(&place).file()).await;
    assert_eq!(known(&store), known(&anew));
    assert_eq!(by_edges(&store, lately).await, members(&store, lately));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!(
        (known(&store), believed(&store).0),
        (known(&anew), FOLLOWED.len())
    );
}

#[tokio::test]
async fn who_is_erased_is_soon_named_by_no_membership() {
    let place = Place::new();
    let all = lively(&place).await;
    let named = |bytes: Vec<u8>, id: u32| {
        let chunk = carillon_engine::index::MembershipChunk::read(bytes).unwrap();
        chunk.members().unwrap().contains(id)
    };
    let told = |id: u32| {
        let conn = Connection::open(place.file()).unwrap();
        let mut all = conn.prepare("SELECT bytes FROM membership_chunks").unwrap();
        let all: Vec<Vec<u8>> = all
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let verdicts: i64 = conn
            .query_row("SELECT count(*) FROM membership_verdicts", (), |row| row.get(0))
            .unwrap();
        (
            all.into_iter().filter(|bytes| named(bytes.clone(), id)).count(),
            verdicts,
        )
    };
    for (killed, who) in [(false, all[2]), (true, all[3])] {
        let store = again(&place.file()).await;
        assert!(told(who.0).0 > 0);
        write(&store, move |tx| delete(tx, who, None, "user"))
            .await
            .unwrap();
        let store = match killed {
            true => {
                drop(store);
                again(&place.file()).await
            }
            false => store,
        };
        until("kept anew at rest", async || told(who.0) == (0, 0)).await;
        let right = known(&store);
        store.close().await;
        let store = again(&place.file()).await;
        assert_eq!((known(&store), believed(&store).0), (right, FOLLOWED.len()));
        store.close().await;
    }
}

#[tokio::test]
async fn a_large_commit_has_memberships_kept_anew_instead_of_saying_all_it_does() {
    let place = Place::new();
    lively(&place).await;
    let store = again(&place.file()).await;
    let emails: Vec<String> = (0..4_000).map(|n| format!("many{n}@x.example")).collect();
    write(&store, move |tx| {
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        add(tx, &emails, "user")
    })
    .await
    .unwrap();
    assert_eq!(believed(&store).0, 0);
    let right = known(&store);
    drop(store);
    let bytes: i64 = Connection::open(place.file())
        .unwrap()
        .query_row(
            "SELECT ifnull(sum(length(bytes)), 0) FROM membership_verdicts",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert!(bytes < 10_000, "{bytes}");
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right.clone(), 0));
    store.close().await;
    let store = again(&place.file()).await;
    assert_eq!((known(&store), believed(&store).0), (right, FOLLOWED.len()));
}
