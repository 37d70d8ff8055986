//! Contacts that are there twice: found, merged, kept apart, and made two again.

use crate::terminal::Terminal;
use serde_json::{Value, json};

/// Forty people who have little in common, one of them twice, and two who share a telephone.
fn town() -> Terminal {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "town.carillon", "--clock", "virtual"]);
    let mut list = "email,first_name,last_name,phone,city,plz\n".to_owned();
    const NAMES: [&str; 10] = [
        "Borowski",
        "Fenwick",
        "Gruenwald",
        "Ostrander",
        "Pfeiffer",
        "Quinlan",
        "Ravensbourne",
        "Szymanski",
        "Tolliver",
        "Vandermeer",
    ];
    const FIRST: [&str; 8] = ["Ida", "Otto", "Mira", "Kasper", "Lotte", "Ruben", "Nadja", "Emil"];
    for n in 0..40 {
        let (first, last) = (FIRST[n * 3 % 8], NAMES[n * 7 % 10]);
        list += &format!(
            "p{n}@x.example,{first},{last}{n},0171 {:07},Town{n},{:05}\n",
            n * 7_919_773 % 9_999_991,
            n * 2_311
        );
    }
    list += "anna.hofstetter@gmail.com,Anna,Hofstetter,+49 171 5550101,Freiham,80331\n";
    list += "annahofstetter+shop@gmail.com,Ana,Hofsteter,0171/5550101,Freiham,80331\n";
    list += "tom@x.example,Tom,Weidner,030 7654321,Halle,06108\n";
    list += "ute@x.example,Ute,Weidner,030 7654321,Halle,06108\n";
    at.write("list.csv", list);
    at.json(&[
        "contacts",
        "import",
        "list.csv",
        "--basis",
        "consent",
        "--source",
        "a fair",
        "--map",
        "plz=plz:text",
    ]);
    at
}

fn pairs(at: &Terminal) -> Vec<(Value, Value)> {
    let page = at.json(&["duplicates", "list"]);
    let rows = page["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["email_a"].clone(), row["email_b"].clone()))
        .collect()
}

const ANNA: &str = "anna.hofstetter@gmail.com";
const ANA: &str = "annahofstetter+shop@gmail.com";

#[test]
fn a_person_who_is_there_twice_is_found_merged_known_by_both_addresses_and_made_two_again() {
    let at = town();
    let found = at.json(&["duplicates", "find"]);
    assert_eq!(found["contacts"], json!(44));
    assert_eq!(pairs(&at)[0], (json!(ANNA), json!(ANA)), "the likeliest is first");
    let shown = at.json(&["duplicates", "show", ANNA, ANA]);
    assert!(shown["probability"].as_f64().unwrap() >= 0.99, "{shown}");
    assert_eq!(shown["same"], json!(["email", "phone"]));
    let kinds: Vec<&str> = shown["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["kind"].as_str())
        .collect();
    assert!(
        kinds.contains(&"post_code"),
        "a field of the user's own is compared: {kinds:?}"
    );
    let text = at.text(&["duplicates", "show", ANNA, ANA]);
    assert!(text.contains("the same but for a slip"), "{text}");

    let before = at.json(&["contacts", "show", ANA]);
    let merged = at.json(&["duplicates", "merge", ANNA, ANA]);
    let all = at.json(&["contacts", "list"]);
    assert_eq!(all["total"], json!(43));
    let one = at.json(&["contacts", "show", ANA]);
    assert_eq!(one["contact"]["contact"]["email"], json!(ANNA));
    // A list with the old address adds nobody, and gives no permission to the new one that it has not.
    at.write("again.csv", format!("email,city\n{ANA},Laim\n"));
    let again = at.json(&[
        "contacts",
        "import",
        "again.csv",
        "--basis",
        "consent",
        "--source",
        "a list",
    ]);
    assert_eq!(
        (&again["counts"]["new"], &again["counts"]["changed"]),
        (&json!(0), &json!(1)),
        "{again}"
    );

    let id = merged["id"].to_string();
    at.json(&["duplicates", "unmerge", &id]);
    assert_eq!(at.json(&["contacts", "list"])["total"], json!(44));
    assert_eq!(
        at.json(&["contacts", "show", ANA])["contact"]["contact"],
        before["contact"]["contact"]
    );
    let kept = at.json(&["contacts", "show", ANNA]);
    let fields = kept["contact"]["contact"]["fields"].as_array().unwrap();
    let city = fields.iter().find(|field| field["key"] == json!("city")).unwrap();
    assert_eq!(
        city["value"]["value"],
        json!("Laim"),
        "what was written since stays"
    );
    let refused = at.refused(&["duplicates", "unmerge", &id]);
    assert!(refused.contains("taken back already"), "{refused}");
}

#[test]
fn two_people_stay_two_in_the_next_search_until_that_is_taken_back() {
    let at = town();
    at.json(&["duplicates", "find"]);
    let anna = (json!(ANNA), json!(ANA));
    assert!(pairs(&at).contains(&anna));
    at.json(&["duplicates", "different", ANA, ANNA]);
    assert!(!pairs(&at).contains(&anna));
    at.json(&["duplicates", "find"]);
    assert!(!pairs(&at).contains(&anna));
    at.json(&["duplicates", "different", ANA, ANNA, "--undo"]);
    assert!(pairs(&at).contains(&anna));
}

#[test]
fn a_couple_with_one_telephone_is_shown_as_what_it_is_and_likely_two_people() {
    let at = town();
    at.json(&["duplicates", "find"]);
    let shown = at.json(&["duplicates", "show", "tom@x.example", "ute@x.example"]);
    assert_eq!(shown["same"], json!(["phone"]));
    assert!(
        shown["probability"].as_f64().unwrap() < 0.5,
        "{}",
        shown["probability"]
    );
    let refused = at.refused(&["duplicates", "merge", ANNA, ANNA]);
    assert!(refused.contains("one contact"), "{refused}");
}
