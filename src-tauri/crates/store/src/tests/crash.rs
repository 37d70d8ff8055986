//! A power cut at each arrow of the commit. A child process (this same test program) runs a random history and
//! is aborted at a named point; the file it leaves is opened and compared with the same history run without
//! a crash: nothing acknowledged is lost, nothing half done is there, and each edge is there once.

use super::fixtures::{Place, add, again, day, fresh, grown, ids, workspace, write};
use crate::contacts::{add_tag, delete, id_of, remove_tag, set_field};
use crate::events::{NewEvent, append};
use crate::segments::{self, EdgeRow};
use crate::{OpenOptions, Result, Store, Tx, crash, settings};
use carillon_engine::segment::parse;
use carillon_model::contact::Value;
use carillon_model::{ContactId, SegmentId};
use chrono::TimeDelta;
use std::path::Path;
use std::process::Command;

const CHILD: &str = "CARILLON_TEST_CHILD";
const SEED: &str = "CARILLON_TEST_SEED";
const PEOPLE: u64 = 12;

/// A small seeded generator (splitmix64), so that a history is a function of its seed and step.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// The `i`-th commit of a history: one to four changes and the count of commits, all or nothing.
fn commit(tx: &mut Tx<'_>, seed: u64, i: i64) -> Result<()> {
    let mut dice = Dice(seed ^ (i.unsigned_abs() << 20));
    for _ in 0..=dice.below(3) {
        change(tx, &mut dice)?;
    }
    settings::set_cursor(tx, "history", i + 1)
}

fn change(tx: &mut Tx<'_>, dice: &mut Dice) -> Result<()> {
    let email = format!("c{}@x.example", dice.below(PEOPLE));
    let Some(id) = id_of(tx, &email)? else {
        return add(tx, &[&email], "history").map(|_| ());
    };
    match dice.below(8) {
        0 => delete(tx, id, None, "history"),
        1 => add_tag(tx, id, "vip", "history").map(|_| ()),
        2 => remove_tag(tx, id, "vip").map(|_| ()),
        3 | 4 => {
            let city = ["Bonn", "Ulm", "Köln"][usize::try_from(dice.below(3)).unwrap()];
            set_field(tx, id, "city", Some(&Value::Text(city.to_owned())), "history").map(|_| ())
        }
        5 => {
            tx.advance(tx.now() + TimeDelta::hours(i64::try_from(dice.below(100)).unwrap()));
            Ok(())
        }
        6 => {
            let text = ["tag \"vip\" or city is \"Ulm\"", "not tag \"vip\""]
                [usize::try_from(dice.below(2)).unwrap()];
            segments::save(tx, Some(SegmentId(3)), "Moving", &parse(text).unwrap()).map(|_| ())
        }
        _ => order(tx, id, dice.below(60)),
    }
}

fn order(tx: &mut Tx<'_>, contact: ContactId, hours_ago: u64) -> Result<()> {
    let event = NewEvent {
        contact,
        name: "order".to_owned(),
        at: tx.now() - TimeDelta::hours(i64::try_from(hours_ago).unwrap()),
        source: "history".to_owned(),
        props: std::collections::BTreeMap::new(),
    };
    append(tx, &[event]).map(|_| ())
}

async fn found(store: &Store) {
    write(store, |tx| {
        for (name, text) in [
            ("Recent", "did order in the last 2 days"),
            ("Bonn", "city is \"Bonn\" and not in segment \"Recent\""),
            ("Moving", "tag \"vip\""),
        ] {
            segments::save(tx, None, name, &parse(text).unwrap())?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

async fn done(store: &Store) -> i64 {
    store.read(|db| settings::cursor(db, "history")).await.unwrap()
}

async fn edges(store: &Store) -> Vec<EdgeRow> {
    store
        .read(|db| segments::edges_after(db, 0, 1_000_000))
        .await
        .unwrap()
}

/// What the child does until it is aborted: one acknowledged line a commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the crash test in a process of its own"]
async fn the_child_of_the_crash_test() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let store = Store::open(Path::new(&path), OpenOptions::default())
        .await
        .unwrap();
    let start = done(&store).await;
    for i in start..start + 40 {
        write(&store, move |tx| commit(tx, seed, i)).await.unwrap();
        println!("acknowledged {}", i + 1);
    }
}

/// Runs the child until the crash; how many commits it acknowledged.
fn run_child(path: &Path, seed: u64, crash_at: &str) -> i64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "tests::crash::the_child_of_the_crash_test",
            "--nocapture",
        ])
        .env(CHILD, path)
        .env(SEED, seed.to_string())
        .env(crash::VARIABLE, crash_at)
        .output()
        .unwrap();
    assert!(
        !output.status.success(),
        "the child was not aborted at {crash_at}"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| line.split("acknowledged ").nth(1)?.trim().parse().ok())
        .max()
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_each_arrow_of_the_commit_loses_and_doubles_no_edge() {
    kills(false).await;
}

/// The child opens with what was kept, says what it does to that, and leaves it behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_memberships_are_kept_and_believed() {
    kills(true).await;
}

async fn kills(believed: bool) {
    for (p, point) in crash::COMMIT_POINTS.into_iter().enumerate() {
        let seed = 1_000 + p as u64;
        let (place, reference_place) = (Place::new(), Place::new());
        let store = fresh(&place).await;
        found(&store).await;
        store.close().await;
        let mut reference = fresh(&reference_place).await;
        found(&reference).await;
        if believed {
            reference.close().await;
            for place in [&place, &reference_place] {
                grown(place);
                again(&place.file()).await.close().await;
            }
            reference = again(&reference_place.file()).await;
        }
        let (mut ran, mut dice) = (0, Dice(seed));
        for _ in 0..20 {
            let passage = 1 + dice.below(6);
            let acknowledged = run_child(&place.file(), seed, &format!("{point}:{passage}")).max(ran);
            let store = again(&place.file()).await;
            // The third segment is another one now and then, and is worked out anew then.
            let first_two = store.with_index(|i| i.kept().range(..SegmentId(3)).count());
            assert_eq!(first_two, if believed { 2 } else { 0 }, "{point}:{passage}");
            let kept = done(&store).await;
            let committed = ["after_commit", "after_publish"].contains(&point);
            assert_eq!(kept, acknowledged + i64::from(committed), "{point}:{passage}");
            for i in ran..kept {
                write(&reference, move |tx| commit(tx, seed, i)).await.unwrap();
            }
            ran = kept;
            assert_eq!(
                edges(&store).await,
                edges(&reference).await,
                "{point}:{passage} after {kept}"
            );
            let members = |store: &Store| {
                store.with_index(|i| {
                    (1..=3)
                        .map(|s| i.members_of(SegmentId(s)).cloned())
                        .collect::<Vec<_>>()
                })
            };
            assert_eq!(members(&store), members(&reference));
            assert_eq!((store.seq(), store.as_of()), (reference.seq(), reference.as_of()));
            let next_due = |store: &Store| store.with_index(carillon_engine::index::Index::next_due);
            assert_eq!(next_due(&store), next_due(&reference));
            match dice.below(2) {
                0 => store.close().await,
                _ => drop(store),
            }
        }
        assert!(ran > 20, "{point}: a history of {ran} commits proves little");
        assert!(edges(&reference).await.len() > 20);
    }
}

#[tokio::test]
async fn edges_are_the_difference_of_memberships_at_every_seq() {
    let place = Place::new();
    let store = fresh(&place).await;
    found(&store).await;
    let mut members = vec![std::collections::BTreeSet::new(); 4];
    let mut position = 0;
    for i in 0..150 {
        write(&store, move |tx| commit(tx, 77, i)).await.unwrap();
        let new = store
            .read(move |db| segments::edges_after(db, position, 10_000))
            .await
            .unwrap();
        for edge in &new {
            position = edge.id;
            let of = &mut members[edge.segment.0 as usize];
            let changed = if edge.entered {
                of.insert(edge.contact.0)
            } else {
                of.remove(&edge.contact.0)
            };
            assert!(changed, "{edge:?} changes nothing");
        }
        for segment in 1..=3u32 {
            let indexed = store.with_index(|ix| {
                ix.members_of(SegmentId(segment))
                    .unwrap()
                    .iter()
                    .collect::<Vec<_>>()
            });
            assert_eq!(
                members[segment as usize].iter().copied().collect::<Vec<_>>(),
                indexed
            );
        }
    }
    assert_eq!(workspace().created_at, day(0));
    assert!(
        !ids(&write(&store, |tx| add(tx, &["z@x.example"], "user"))
            .await
            .unwrap())
        .is_empty()
    );
}
