use super::fixtures::{Place, add, again, fresh, ids, workspace, write};
use crate::open::MIGRATIONS;
use crate::{
    APPLICATION_ID, Error, Key, OpenOptions, Priority, Refusal, Store, Tx, copy_path, format_version,
};
use rusqlite::Connection;
use std::path::Path;

async fn refusal(path: &Path) -> Refusal {
    match Store::open(path, OpenOptions::default()).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn sqlx_and_rusqlite_are_the_same_sqlite_and_it_is_new_enough() {
    let (of_sqlx, of_rusqlite) = crate::sqlite_versions().await.unwrap();
    assert_eq!(of_sqlx, of_rusqlite);
    assert!(rusqlite::version_number() >= 3_051_003, "{of_rusqlite}");
    crate::assert_sqlite().unwrap();
}

#[tokio::test]
async fn what_is_not_a_workspace_is_refused_with_its_reason_and_left_alone() {
    let place = Place::new();
    let dir = place.dir.path();
    assert!(matches!(refusal(&dir.join("nothing")).await, Refusal::Missing(_)));
    assert!(matches!(refusal(dir).await, Refusal::Folder(_)));
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"not a database at all"),
        ("short", b"SQLite"),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(refusal(&path).await, Refusal::NotOurs(_)), "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let foreign = dir.join("foreign");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t(x);")
        .unwrap();
    let before = std::fs::read(&foreign).unwrap();
    assert!(matches!(refusal(&foreign).await, Refusal::NotOurs(_)));
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
    let cut = dir.join("cut");
    std::fs::write(&cut, b"SQLite format 3\0 and no more").unwrap();
    assert!(matches!(refusal(&cut).await, Refusal::Damaged { .. }));
}

#[tokio::test]
async fn a_newer_file_a_damaged_one_and_a_read_only_one_are_refused() {
    let place = Place::new();
    fresh(&place).await.close().await;
    let whole = std::fs::read(place.file()).unwrap();

    let newer = place.dir.path().join("newer");
    let mut bytes = whole.clone();
    bytes[60..64].copy_from_slice(&u32::to_be_bytes(9_999));
    std::fs::write(&newer, &bytes).unwrap();
    let told = refusal(&newer).await;
    assert!(matches!(told, Refusal::Newer { found: 9_999, .. }), "{told}");
    assert!(told.to_string().contains("newer Carillon"), "{told}");

    let damaged = place.dir.path().join("damaged");
    let mut bytes = whole.clone();
    bytes[16..18].copy_from_slice(&[0x12, 0x34]);
    std::fs::write(&damaged, &bytes).unwrap();
    assert!(matches!(refusal(&damaged).await, Refusal::Damaged { .. }));

    let garbled = place.dir.path().join("garbled");
    let mut bytes = whole.clone();
    bytes[100..4000].fill(0xA5);
    std::fs::write(&garbled, &bytes).unwrap();
    let told = refusal(&garbled).await;
    assert!(matches!(told, Refusal::Damaged { .. }), "{told}");

    let locked = place.dir.path().join("read-only");
    std::fs::write(&locked, &whole).unwrap();
    let mut permissions = std::fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&locked, permissions).unwrap();
    assert!(matches!(refusal(&locked).await, Refusal::ReadOnly(_)));
}

#[tokio::test]
async fn a_key_a_second_opening_and_an_existing_file_are_refused() {
    let place = Place::new();
    let store = fresh(&place).await;
    assert!(matches!(refusal(&place.file()).await, Refusal::AlreadyOpen(_)));
    let made = Store::create(&place.file(), &workspace(), OpenOptions::default()).await;
    assert!(matches!(made, Err(Error::Refused(Refusal::AlreadyOpen(_)))));
    store.close().await;
    let made = Store::create(&place.file(), &workspace(), OpenOptions::default()).await;
    assert!(matches!(made, Err(Error::Refused(Refusal::Exists(_)))));
    let options = OpenOptions {
        key: Some(Key([1; 32])),
        ..OpenOptions::default()
    };
    let opened = Store::open(&place.file(), options).await;
    assert!(matches!(opened, Err(Error::Refused(Refusal::NoEncryption))));
    assert_eq!(format!("{:?}", Key([1; 32])), "Key(..)");
    again(&place.file()).await.close().await;
}

/// A file as the first `n` migrations left it, with one row.
fn old_file(path: &Path, n: usize) {
    let conn = Connection::open(path).unwrap();
    for (_, text) in &MIGRATIONS[..n] {
        conn.execute_batch(text).unwrap();
    }
    crate::identity::found_or_later(&conn, n);
    let zone = crate::codes::json(&workspace()).unwrap();
    conn.execute("INSERT INTO settings VALUES('workspace', ?1)", (zone,))
        .unwrap();
    conn.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {n};"
    ))
    .unwrap();
}

#[tokio::test]
async fn every_older_file_is_brought_up_to_date_after_a_copy_that_equals_it() {
    for n in 2..MIGRATIONS.len() {
        let place = Place::new();
        old_file(&place.file(), n);
        let store = again(&place.file()).await;
        let added = write(&store, |tx| add(tx, &["a@example.com"], "user"))
            .await
            .unwrap();
        assert_eq!(ids(&added)[0].0, 1);
        store.close().await;
        let copy = Connection::open(copy_path(&place.file(), format_version())).unwrap();
        let version: i64 = copy.query_row("PRAGMA user_version", (), |r| r.get(0)).unwrap();
        assert_eq!(version, n as i64);
        let settings: i64 = copy
            .query_row("SELECT count(*) FROM settings", (), |r| r.get(0))
            .unwrap();
        assert_eq!(settings, 1);
        assert!(again(&place.file()).await.fence() > store.fence());
    }
}

#[tokio::test]
async fn a_file_that_is_up_to_date_is_not_copied() {
    let place = Place::new();
    fresh(&place).await.close().await;
    again(&place.file()).await.close().await;
    assert!(!copy_path(&place.file(), format_version()).exists());
}

#[tokio::test]
async fn what_a_sample_does_by_itself_waits_for_no_disk_and_what_a_user_does_waits_everywhere() {
    let by_itself = [Priority::Gate, Priority::Tick, Priority::Intake];
    let by_user = [Priority::User, Priority::Import];
    for sample in [true, false] {
        let place = Place::new();
        let mut of = workspace();
        of.sample = sample;
        let store = Store::create(&place.file(), &of, OpenOptions::default())
            .await
            .unwrap();
        for priority in by_itself.into_iter().chain(by_user).chain(by_itself) {
            let ask = |tx: &mut Tx<'_>| Ok(tx.conn.query_row("PRAGMA synchronous", (), |r| r.get(0))?);
            let synchronous: i64 = store.write(priority, ask).await.unwrap();
            let waits = !sample || by_user.contains(&priority);
            assert_eq!(synchronous, if waits { 2 } else { 1 }, "{sample} {priority:?}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn readers_cannot_write_and_the_writer_syncs_fully_and_checkpoints_itself() {
    let place = Place::new();
    let store = fresh(&place).await;
    let refused = store.read(|db| db.run("DELETE FROM meta", ()).map(|_| ())).await;
    assert!(matches!(refused, Err(Error::Sqlite(_))), "{refused:?}");
    let pragma = |name: &'static str| {
        let store = store.clone();
        async move {
            write(&store, move |tx| {
                Ok(tx
                    .conn
                    .query_row(&format!("PRAGMA {name}"), (), |r| r.get::<_, i64>(0))?)
            })
            .await
            .unwrap()
        }
    };
    assert_eq!(pragma("synchronous").await, 2);
    assert_eq!(pragma("foreign_keys").await, 1);
    assert_eq!(pragma("trusted_schema").await, 0);
    assert_eq!(pragma("wal_autocheckpoint").await, 0);
    assert_eq!(pragma("cell_size_check").await, 1);
}
