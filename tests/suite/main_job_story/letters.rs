//! What came out of the mailbox, read against what the list's maker knows.

use super::{Addresses, OWNER, POSTAL, People, Person};
use carillon_tests::servers::Letter;

/// The letters without the one that tried the account, which must be there once.
pub fn without_tries(letters: Vec<Letter>) -> Vec<Letter> {
    let (tries, rest): (Vec<Letter>, Vec<Letter>) = letters
        .into_iter()
        .partition(|l| l.delivered_to().as_deref() == Some(OWNER));
    assert_eq!(tries.len(), 1, "the trial letter");
    rest
}

/// To whom letters went; nobody may have two of them.
pub fn addressed(letters: &[Letter]) -> Addresses {
    let all: Addresses = letters.iter().filter_map(Letter::delivered_to).collect();
    assert_eq!(all.len(), letters.len(), "somebody got a letter twice");
    all
}

/// What every letter must have, and the one it is for.
fn check_letter<'a>(letter: &Letter, people: &'a People) -> (&'a Person, String) {
    let to = letter.delivered_to().expect("an address");
    let person = &people[&to];
    assert_eq!(
        letter.to_name(),
        Some(format!("{} {}", person.first_name, person.last_name)),
        "{to}"
    );
    assert!(
        letter
            .header("From")
            .is_some_and(|from| from.contains("studio@example.com")),
        "{to}"
    );
    assert!(
        letter
            .header("List-Unsubscribe")
            .is_some_and(|h| h.contains("mailto:studio@example.com")),
        "{to}"
    );
    assert!(letter.header("Date").is_some(), "{to}");
    // Names with line breaks in the list must not have become headers.
    assert!(
        letter.header("Bcc").is_none() && letter.header("X-Evil").is_none(),
        "{to}"
    );
    let text = letter.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("The roastery, {POSTAL}")), "{to}: {text}");
    assert!(letter.html().contains(POSTAL), "{to}");
    assert!(text.to_lowercase().contains("unsubscribe"), "{to}: {text}");
    (person, text)
}

pub fn check_hello(letter: &Letter, people: &People) {
    let (person, text) = check_letter(letter, people);
    assert_eq!(
        letter.subject(),
        format!("{}, a cup of espresso is ready", person.first_name)
    );
    let clock = person.time_zone.as_deref().unwrap_or("the one on our wall");
    for wanted in [
        format!(
            "Hello {} {} in {},",
            person.first_name, person.last_name, person.city
        ),
        format!("your clock: {clock}."),
        (if person.member {
            "Members taste first."
        } else {
            "Membership is free."
        })
        .to_owned(),
    ] {
        assert!(text.contains(&wanted), "“{wanted}” is not in: {text}");
    }
    assert!(letter.html().contains("https://example.com/menu?from=hello"));
}

pub fn check_thanks(letter: &Letter, people: &People) {
    let (person, text) = check_letter(letter, people);
    assert_eq!(letter.subject(), format!("Thank you, {}", person.first_name));
    let spent = format!("{}.{:02}", person.spent_minor / 100, person.spent_minor % 100);
    assert!(
        text.contains(&format!("so far: €{spent}.")),
        "{spent} is not in: {text}"
    );
}
