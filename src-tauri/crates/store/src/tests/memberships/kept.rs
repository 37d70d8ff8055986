//! What a file that counts as a large one keeps of memberships, and when that is believed.

use super::*;
use crate::tests::fixtures::grown;
use std::time::Duration;

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
