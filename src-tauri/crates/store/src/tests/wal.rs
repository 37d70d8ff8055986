//! That the WAL is copied back into the file while commits go on.

use super::fixtures::{Place, add, again, fresh, write};
use crate::Store;
use rusqlite::Connection;

/// One more contact, in a commit of its own.
async fn grow(store: &Store, n: u32) {
    let email = format!("{n}@x.example");
    let added = write(store, move |tx| add(tx, &[&email], "user").map(drop));
    added.await.unwrap();
}

/// Contacts in the file alone, without its WAL; `None` while it is being written.
fn in_the_file(place: &Place) -> Option<u32> {
    let copy = Place::new();
    std::fs::copy(place.file(), copy.file()).unwrap();
    let copy = Connection::open(copy.file()).unwrap();
    copy.query_row("SELECT count(*) FROM contacts", (), |row| row.get(0))
        .ok()
}

/// Grows until the file alone has more than so many; the writer never rests, or it would empty the WAL.
async fn grows_past(place: &Place, store: &Store, from: u32, least: u32) -> u32 {
    for n in from..from + 500 {
        grow(store, n).await;
        if in_the_file(place).is_some_and(|there| there > least) {
            return n + 1;
        }
    }
    panic!("500 commits, and the file has no more than {least}");
}

#[tokio::test]
async fn a_long_wal_comes_into_the_file_while_commits_go_on() {
    let place = Place::new();
    let store = fresh(&place).await;
    let mut n = 0;
    for _ in 0..5 {
        n = grows_past(&place, &store, n, n).await;
    }
    store.close().await;
    assert_eq!(in_the_file(&place), Some(n));
}

#[tokio::test]
async fn who_reads_what_the_file_was_holds_nobody_up() {
    let place = Place::new();
    let store = fresh(&place).await;
    grow(&store, 0).await;
    let reader = Connection::open(place.file()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = || -> u32 {
        let counted = reader.query_row("SELECT count(*) FROM contacts", (), |row| row.get(0));
        counted.unwrap()
    };
    assert_eq!(count(), 1);
    for n in 1..100 {
        grow(&store, n).await;
    }
    assert_eq!(count(), 1, "its snapshot stands");
    reader.execute_batch("COMMIT").unwrap();
    let n = grows_past(&place, &store, 100, 100).await;
    store.close().await;
    let store = again(&place.file()).await;
    let all = store.read(crate::contacts::count).await.unwrap();
    assert_eq!(all, u64::from(n));
    store.close().await;
}

/// With it, each look at a page takes a lock that all connections share (`.cargo/config.toml`).
#[test]
fn the_library_is_built_without_memory_management() {
    let conn = Connection::open_in_memory().unwrap();
    let mut options = conn.prepare("PRAGMA compile_options").unwrap();
    let options = options.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let options: Vec<String> = options.map(Result::unwrap).collect();
    assert!(
        options.iter().any(|option| option == "THREADSAFE=1"),
        "{options:?}"
    );
    assert!(
        !options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"),
        "{options:?}"
    );
}
