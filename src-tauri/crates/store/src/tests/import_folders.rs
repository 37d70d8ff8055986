use super::fixtures::{Place, again, fresh, write};
use crate::Store;
use crate::imports::folders::{self, Begun, FileState, Seen};
use crate::imports::{self, ImportKind};
use carillon_model::{FolderId, ImportId};

fn seen(name: &str, size: u64) -> Seen {
    Seen {
        name: name.to_owned(),
        size,
        modified: 1_700_000_000_000_000_000,
    }
}

async fn made(store: &Store) -> FolderId {
    write(store, |tx| {
        let origin = imports::begin(tx, ImportKind::Contacts, "first.csv", "{}")?;
        folders::add(tx, ("/in", "*.csv"), "{}", origin, &[seen("old.csv", 3)])
    })
    .await
    .unwrap()
}

async fn take(store: &Store, folder: FolderId, name: &'static str, hash: u8) -> Begun {
    write(store, move |tx| {
        folders::take(tx, folder, &seen(name, 9), [hash; 32], (name, "{}"), None)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_file_and_its_import_are_noted_by_one_commit_or_not_at_all() {
    let place = Place::new();
    let store = fresh(&place).await;
    let folder = made(&store).await;
    let failed = write(&store, move |tx| {
        folders::take(tx, folder, &seen("a.csv", 9), [1; 32], ("a.csv", "{}"), None)?;
        Err::<(), _>(crate::Error::Invalid("the machine went off".into()))
    });
    assert!(failed.await.is_err());
    let left = store
        .read(move |db| Ok((imports::list(db)?.len(), folders::newest_of(db, folder, "a.csv")?)))
        .await
        .unwrap();
    assert_eq!(left, (1, None), "only the import it was taken from");

    let Begun::Import(import) = take(&store, folder, "a.csv", 1).await else {
        panic!("it is begun");
    };
    store.close().await;
    let store = again(&place.file()).await;
    let (file, of, unfinished) = store
        .read(move |db| {
            Ok((
                folders::newest_of(db, folder, "a.csv")?.unwrap(),
                folders::of_import(db, import)?,
                folders::unfinished(db, folder)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(
        (file.state, file.import, file.hash),
        (FileState::Taken, Some(import), Some([1; 32]))
    );
    assert_eq!(of, Some(folder));
    assert_eq!(unfinished, [file]);
    write(&store, move |tx| imports::end(tx, import, false))
        .await
        .unwrap();
    let rest = store.read(move |db| folders::unfinished(db, folder)).await;
    assert_eq!(rest.unwrap(), []);
}

#[tokio::test]
async fn the_same_content_is_imported_once_unless_that_import_was_stopped() {
    let place = Place::new();
    let store = fresh(&place).await;
    let folder = made(&store).await;
    let Begun::Import(first) = take(&store, folder, "a.csv", 1).await else {
        panic!("it is begun");
    };
    assert_eq!(take(&store, folder, "copy.csv", 1).await, Begun::Same(first));
    write(&store, move |tx| imports::end(tx, first, false))
        .await
        .unwrap();
    assert_eq!(take(&store, folder, "copy 2.csv", 1).await, Begun::Same(first));
    let Begun::Import(other) = take(&store, folder, "b.csv", 2).await else {
        panic!("another content");
    };
    write(&store, move |tx| imports::end(tx, other, true))
        .await
        .unwrap();
    let again = take(&store, folder, "b again.csv", 2).await;
    assert!(matches!(again, Begun::Import(id) if id != other), "{again:?}");
    let counts = store.read(move |db| folders::counts(db, folder)).await.unwrap();
    let count = |state| counts.iter().find(|n| n.state == state).map_or(0, |n| n.files);
    assert_eq!(
        [FileState::Before, FileState::Taken, FileState::Same].map(count),
        [1, 3, 2]
    );
    let all = store
        .read(move |db| folders::files(db, folder, None, 3))
        .await
        .unwrap();
    let names: Vec<&str> = all.iter().map(|file| file.seen.name.as_str()).collect();
    assert_eq!(names, ["b again.csv", "b.csv", "copy 2.csv"]);
    let last = all[2].id;
    let rest = store
        .read(move |db| folders::files(db, folder, Some(last), 9))
        .await
        .unwrap();
    assert_eq!(rest.len(), 2, "and none of those that were there before");
}

#[tokio::test]
async fn a_removed_folder_takes_nothing_and_its_imports_stay() {
    let place = Place::new();
    let store = fresh(&place).await;
    let folder = made(&store).await;
    take(&store, folder, "a.csv", 1).await;
    write(&store, move |tx| folders::remove(tx, folder))
        .await
        .unwrap();
    assert_eq!(take(&store, folder, "b.csv", 2).await, Begun::NoFolder);
    let left = store
        .read(move |db| {
            let files = folders::files(db, folder, None, 9)?;
            Ok((imports::list(db)?.len(), folders::list(db)?.len(), files.len()))
        })
        .await
        .unwrap();
    assert_eq!(left, (2, 0, 0));
    let unknown = store.read(|db| folders::of_import(db, ImportId(2))).await;
    assert_eq!(unknown.unwrap(), None);
}
