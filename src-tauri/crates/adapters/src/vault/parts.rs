//! Long secrets in a store that takes short texts only: the Windows Credential Manager has 2,560 bytes an entry, in
//! UTF-16. A long secret lies in several entries, and the entry of its name says which.

use crate::Secret;
use zeroize::Zeroizing;

/// Longest text of one entry, in bytes of UTF-8.
const LONGEST_PART: usize = 1024;
/// Begins the entry of a secret that lies in parts. No password begins with a control.
const MARK: &str = "\u{1}parts ";

/// Entries by name.
pub(super) trait Store {
    type Error;
    fn read(&self, user: &str) -> Result<Option<Zeroizing<String>>, Self::Error>;
    fn write(&self, user: &str, text: &str) -> Result<(), Self::Error>;
    /// Removing what is not there is no error.
    fn remove(&self, user: &str) -> Result<(), Self::Error>;
    /// What was read is not what was written.
    fn damaged() -> Self::Error;
}

/// How many parts there are, and the word in their names.
struct Parts {
    count: usize,
    word: String,
}

impl Parts {
    fn read(entry: &str) -> Option<Parts> {
        let (count, word) = entry.strip_prefix(MARK)?.split_once(' ')?;
        Some(Parts {
            count: count
                .parse()
                .ok()
                .filter(|count| *count <= super::LONGEST_SECRET)?,
            word: word.to_owned(),
        })
    }

    fn name(&self, user: &str, number: usize) -> String {
        format!("{user}#{}#{number}", self.word)
    }
}

pub(super) fn get<S: Store>(store: &S, user: &str) -> Result<Option<Secret>, S::Error> {
    let Some(entry) = store.read(user)? else {
        return Ok(None);
    };
    let Some(parts) = Parts::read(&entry) else {
        return Ok(Some(Secret::new(entry.as_str().to_owned())));
    };
    let mut whole = Zeroizing::new(String::with_capacity(parts.count * LONGEST_PART));
    for number in 0..parts.count {
        let part = store.read(&parts.name(user, number))?.ok_or_else(S::damaged)?;
        whole.push_str(&part);
    }
    Ok(Some(Secret::new(whole.as_str().to_owned())))
}

/// The new parts are written before the entry that names them, and the old ones go last: whenever it is broken off,
/// the old secret or the new one is there.
pub(super) fn set<S: Store>(store: &S, user: &str, secret: &Secret) -> Result<(), S::Error> {
    let before = store.read(user)?.and_then(|entry| Parts::read(&entry));
    let text = secret.expose();
    if text.len() <= LONGEST_PART {
        store.write(user, text)?;
    } else {
        let pieces = pieces(text);
        let parts = Parts {
            count: pieces.len(),
            word: format!("{:016x}", rand::random::<u64>()),
        };
        for (number, piece) in pieces.iter().enumerate() {
            store.write(&parts.name(user, number), piece)?;
        }
        store.write(user, &format!("{MARK}{} {}", parts.count, parts.word))?;
    }
    forget(store, user, before)
}

pub(super) fn delete<S: Store>(store: &S, user: &str) -> Result<(), S::Error> {
    let before = store.read(user)?.and_then(|entry| Parts::read(&entry));
    store.remove(user)?;
    forget(store, user, before)
}

fn forget<S: Store>(store: &S, user: &str, parts: Option<Parts>) -> Result<(), S::Error> {
    if let Some(parts) = parts {
        for number in 0..parts.count {
            store.remove(&parts.name(user, number))?;
        }
    }
    Ok(())
}

fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(LONGEST_PART));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    /// A store that can be broken off after so many changes.
    struct Shelf {
        entries: RefCell<BTreeMap<String, String>>,
        changes_left: Cell<usize>,
    }

    impl Shelf {
        fn new() -> Shelf {
            Shelf {
                entries: RefCell::default(),
                changes_left: Cell::new(usize::MAX),
            }
        }

        fn change(&self) -> Result<(), ()> {
            self.changes_left
                .set(self.changes_left.get().checked_sub(1).ok_or(())?);
            Ok(())
        }

        fn secret(&self) -> Option<String> {
            get(self, "u")
                .expect("readable")
                .map(|secret| secret.expose().to_owned())
        }
    }

    impl Store for Shelf {
        type Error = ();
        fn read(&self, user: &str) -> Result<Option<Zeroizing<String>>, ()> {
            Ok(self.entries.borrow().get(user).cloned().map(Zeroizing::new))
        }
        fn write(&self, user: &str, text: &str) -> Result<(), ()> {
            assert!(text.len() <= LONGEST_PART);
            self.change()?;
            self.entries.borrow_mut().insert(user.to_owned(), text.to_owned());
            Ok(())
        }
        fn remove(&self, user: &str) -> Result<(), ()> {
            self.change()?;
            self.entries.borrow_mut().remove(user);
            Ok(())
        }
        fn damaged() {}
    }

    fn secret(letter: char, length: usize) -> Secret {
        Secret::new(letter.to_string().repeat(length))
    }

    #[test]
    fn a_secret_of_any_length_comes_back_and_leaves_nothing() {
        let shelf = Shelf::new();
        for length in [0, 1, 1024, 1025, 5000, 30, 2500] {
            let secret = secret('ü', length / 2);
            set(&shelf, "u", &secret).expect("kept");
            assert_eq!(shelf.secret().as_deref(), Some(secret.expose()));
        }
        delete(&shelf, "u").expect("gone");
        assert!(shelf.entries.borrow().is_empty());
    }

    #[test]
    fn wherever_it_is_broken_off_the_old_secret_or_the_new_one_is_there() {
        for (old, new) in [(3000, 5000), (10, 3000), (3000, 10)] {
            for changes in 0..12 {
                let shelf = Shelf::new();
                set(&shelf, "u", &secret('a', old)).expect("kept");
                shelf.changes_left.set(changes);
                let whole = set(&shelf, "u", &secret('b', new)).is_ok();
                let found = shelf.secret();
                let (old, new) = ("a".repeat(old), "b".repeat(new));
                assert!(
                    found.as_ref() == Some(&new) || (!whole && found.as_ref() == Some(&old)),
                    "{changes}"
                );
            }
        }
    }

    #[test]
    fn a_secret_with_a_part_missing_is_no_secret() {
        let shelf = Shelf::new();
        set(&shelf, "u", &secret('a', 3000)).expect("kept");
        let part = shelf
            .entries
            .borrow()
            .keys()
            .find(|name| name.ends_with("#1"))
            .cloned()
            .expect("a part");
        shelf.entries.borrow_mut().remove(&part);
        assert!(get(&shelf, "u").is_err());
    }
}
