use super::*;

const KINDS: [Kind; 6] = [
    Kind::GivenName,
    Kind::Surname,
    Kind::Address,
    Kind::PostCode,
    Kind::Suburb,
    Kind::Phone,
];

/// Three hundred people who have little in common, and after them those of a test.
fn with_others(more: &[[&str; 6]]) -> Records {
    const SYLLABLES: [&str; 12] = [
        "ba", "ker", "lin", "mo", "ster", "ta", "ru", "fen", "ol", "gim", "wes", "dor",
    ];
    let word = |n: usize, m: usize| {
        let pick = |k: usize| SYLLABLES[k % SYLLABLES.len()];
        format!("{}{}{}", pick(n), pick(n / 12 + m), pick(n * m + n / 5))
    };
    let mut records = Records::new(&KINDS);
    for n in 0..300 {
        let row = [
            word(n, 5),
            word(n * 7, 11),
            format!("{} road {}", word(n * 5, 3), n % 90 + 1),
            format!("{:05}", n / 3 * 97 % 99_999),
            format!("{}ville", word(n / 3, 7)),
            format!("0171 {:07}", n * 7_919_773 % 9_999_991),
        ];
        records.push(row.iter().map(String::as_str));
    }
    for row in more {
        records.push(row.iter().copied());
    }
    records
}

fn groups_of(more: &[[&str; 6]]) -> Vec<Vec<u32>> {
    find(with_others(more)).groups
}

const ANNA: [&str; 6] = [
    "Anna",
    "Hofstetter",
    "Lindenallee 12",
    "80331",
    "Freiham",
    "+49 171 5550101",
];

#[test]
fn a_person_typed_wrong_is_found_and_so_is_one_with_names_in_the_wrong_fields() {
    let typed = [
        "Ana",
        "Hofsteter",
        "Lindenalle 12",
        "80313",
        "Freiham",
        "0171/5550101",
    ];
    let swapped = ["Hofstetter", "Anna", "Lindenallee 12", "80331", "Freiham", ""];
    assert_eq!(groups_of(&[ANNA, typed, swapped]), [vec![300, 301, 302]]);
}

#[test]
fn a_namesake_who_lives_elsewhere_is_somebody_else() {
    let namesake = [
        "Anna",
        "Hofstetter",
        "Gartenweg 3",
        "20095",
        "Altona",
        "+49 160 4440202",
    ];
    assert!(groups_of(&[ANNA, namesake]).is_empty());
}

#[test]
fn what_a_pair_weighs_is_the_sum_of_what_its_fields_weigh() {
    let typed = ["Anna", "Hofsteter", "Lindenallee 12", "80331", "Freiham", ""];
    let found = find(with_others(&[ANNA, typed]));
    let pair = found.pairs.iter().find(|p| p.a == 300).expect("the pair");
    let weights = found.explain(300, 301);
    let bits: f64 = weights.iter().map(|w| w.bits()).sum();
    let odds = pair.probability / (1.0 - pair.probability);
    assert!((bits - odds.log2()).abs() < 0.01, "{bits} {}", odds.log2());
    assert!(
        weights
            .iter()
            .any(|w| matches!(w, Weight::Field { field: 1, level: Level::Close, bits } if *bits > 0.0))
    );
}

#[test]
fn the_same_records_give_the_same_answer_and_none_give_none() {
    let [one, other] = [(), ()].map(|()| find(with_others(&[ANNA, ANNA])));
    assert_eq!((one.pairs, one.groups), (other.pairs, other.groups));
    assert!(find(Records::new(&KINDS)).groups.is_empty());
    assert!(find(Records::new(&[])).groups.is_empty());
}

#[test]
fn hostile_values_are_read_up_to_a_bound() {
    let long = "Ω\u{301}".repeat(5_000);
    let mut records = Records::new(&KINDS);
    for _ in 0..3 {
        records.push([long.as_str(), "\0", "1 1 1", "@", "'", "+"]);
        records.push([]);
    }
    assert_eq!(records.len(), 6);
    let found = find(records);
    assert!(found.groups.iter().flatten().all(|row| row % 2 == 0));
}
