//! The file under a passphrase.

use super::{name, secret};
use carillon_adapters::vault::{PassphraseFile, Vault, VaultError};
use carillon_model::account::SecretState;
use std::path::PathBuf;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("secrets.age")
    }
    fn create(&self) -> PassphraseFile {
        PassphraseFile::create(&self.path(), &secret("correct horse")).unwrap()
    }
    fn open(&self, passphrase: &str) -> Result<PassphraseFile, VaultError> {
        PassphraseFile::open(&self.path(), &secret(passphrase))
    }
}

#[tokio::test]
async fn what_is_kept_comes_back_after_opening_again_and_what_is_deleted_does_not() {
    let place = Place::new();
    let vault = Vault::File(place.create());
    vault.set(&name("w1", 1), &secret("canary-one")).await.unwrap();
    vault
        .set(&name("w1", 2), &secret("pässwörd \"\\\u{1F511}"))
        .await
        .unwrap();
    vault.set(&name("w2", 1), &secret("other")).await.unwrap();
    vault.set(&name("w1", 1), &secret("canary-two")).await.unwrap();
    vault.delete(&name("w2", 1)).await.unwrap();
    vault.delete(&name("w9", 9)).await.unwrap();
    assert_eq!(vault.kind(), SecretState::PassphraseFile);

    let again = place.open("correct horse").unwrap();
    let get = |account| {
        again
            .get(&name("w1", account))
            .unwrap()
            .map(|secret| secret.expose().to_owned())
    };
    assert_eq!(get(1).as_deref(), Some("canary-two"));
    assert_eq!(get(2).as_deref(), Some("pässwörd \"\\\u{1F511}"));
    assert_eq!(get(3), None);
    assert!(again.get(&name("w2", 1)).unwrap().is_none());
}

#[tokio::test]
async fn neither_the_folder_nor_an_error_ever_shows_a_secret() {
    let place = Place::new();
    let vault = Vault::File(place.create());
    vault
        .set(&name("w1", 1), &secret("canary-in-file"))
        .await
        .unwrap();
    let error = place.open("canary-passphrase").err().unwrap();
    assert!(matches!(error, VaultError::WrongPassphrase { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    let too_long = vault
        .set(&name("w1", 1), &secret(&"canary".repeat(2000)))
        .await
        .unwrap_err();
    assert!(!format!("{too_long} {too_long:?}").contains("canary"));
    for entry in std::fs::read_dir(place.0.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"));
        assert!(!bytes.windows(7).any(|part| part == b"correct"));
    }
    assert_eq!(
        place
            .open("correct horse")
            .unwrap()
            .get(&name("w1", 1))
            .unwrap()
            .unwrap()
            .expose(),
        "canary-in-file"
    );
}

#[cfg(unix)]
#[test]
fn only_this_user_may_read_the_file_and_no_other_is_left_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.create().set(&name("w1", 1), &secret("x")).unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.0.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["secrets.age", "secrets.age.lock"]);
}

#[test]
fn a_file_is_never_made_over_another_nor_opened_where_there_is_none_nor_with_a_weak_passphrase() {
    let place = Place::new();
    assert!(matches!(
        place.open("correct horse").err(),
        Some(VaultError::Absent { .. })
    ));
    let weak = PassphraseFile::create(&place.path(), &secret("seven77"));
    assert!(matches!(
        weak.err(),
        Some(VaultError::WeakPassphrase { least: 8 })
    ));
    place.create();
    let second = PassphraseFile::create(&place.path(), &secret("another one"));
    assert!(matches!(second.err(), Some(VaultError::Exists { .. })));
    assert!(place.open("correct horse").is_ok());
}

#[test]
fn a_damaged_or_foreign_file_is_said_to_be_so_and_left_as_it_is() {
    let place = Place::new();
    let file = place.create();
    file.set(&name("w1", 1), &secret("x")).unwrap();
    let good = std::fs::read(place.path()).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let work = good
        .windows(4)
        .position(|part| part == b" 17\n")
        .expect("the header says how much work");
    let mut greedy = good.clone();
    greedy[work + 1..work + 3].copy_from_slice(b"30");
    let cases = [
        good[..good.len() - 1].to_vec(),
        good[..40].to_vec(),
        flipped,
        greedy,
        b"{\"secrets\":{}}".to_vec(),
        Vec::new(),
    ];
    for bytes in cases {
        std::fs::write(place.path(), &bytes).unwrap();
        let error = place.open("correct horse").err().unwrap();
        assert!(
            matches!(error, VaultError::Damaged { .. }),
            "{error} {}",
            bytes.len()
        );
        assert!(file.set(&name("w1", 2), &secret("y")).is_err());
        assert_eq!(std::fs::read(place.path()).unwrap(), bytes);
    }
}

#[test]
fn two_hands_on_one_file_lose_nothing_of_each_other() {
    let place = Place::new();
    place.create();
    let hands: Vec<_> = (1..=2)
        .map(|hand| {
            let file = place.open("correct horse").unwrap();
            std::thread::spawn(move || {
                for n in 0..2 {
                    file.set(&name("w", hand * 10 + n), &secret("x")).unwrap();
                }
            })
        })
        .collect();
    hands.into_iter().for_each(|hand| hand.join().unwrap());
    let file = place.open("correct horse").unwrap();
    for account in [10, 11, 20, 21] {
        assert!(file.get(&name("w", account)).unwrap().is_some(), "{account}");
    }
}
