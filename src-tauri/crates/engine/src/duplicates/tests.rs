use super::*;

/// Nobody watches, and one after the other.
struct Alone;

impl Host for Alone {}

fn found_in(records: Records) -> Found {
    find(records, &Alone).expect("nobody stops it")
}

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
    found_in(with_others(more)).groups
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
    let found = found_in(with_others(&[ANNA, typed]));
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
    let [one, other] = [(), ()].map(|()| found_in(with_others(&[ANNA, ANNA])));
    assert_eq!((one.pairs, one.groups), (other.pairs, other.groups));
    assert!(found_in(Records::new(&KINDS)).groups.is_empty());
    assert!(found_in(Records::new(&[])).groups.is_empty());
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
    let found = found_in(records);
    assert!(found.groups.iter().flatten().all(|row| row % 2 == 0));
}

#[test]
fn who_has_one_name_in_common_in_the_same_town_is_no_duplicate() {
    const GIVEN: [&str; 10] = [
        "Anna", "Boris", "Chloe", "Dimitri", "Elif", "Farid", "Greta", "Hugo", "Ivo", "Hannah",
    ];
    const SURNAMES: [&str; 7] = [
        "Novak", "Lefevre", "Schuster", "Okafor", "Bianchi", "Quintero", "Yilmaz",
    ];
    const TOWNS: [(&str, &str); 5] = [
        ("Bonn", "DE"),
        ("Berlin", "DE"),
        ("Brno", "CZ"),
        ("Lyon", "FR"),
        ("Porto", "PT"),
    ];
    let mut records = Records::new(&[Kind::GivenName, Kind::Surname, Kind::Suburb, Kind::Country]);
    let mut chance = records::Draw::default();
    let mut names = Vec::new();
    for _ in 0..400 {
        let mut one = |of: usize| chance.below(of as u64) as usize;
        let (given, surname) = (one(GIVEN.len()), one(SURNAMES.len()));
        let (town, country) = TOWNS[[0, 0, 0, 1, 1, 1, 2, 3, 4][one(9)]];
        records.push([GIVEN[given], SURNAMES[surname], town, country]);
        names.push((given, surname));
    }
    let found = found_in(records);
    let others = |pair: &&Pair| names[pair.a as usize] != names[pair.b as usize];
    let wrong: Vec<_> = found
        .pairs
        .iter()
        .filter(others)
        .filter(|p| p.probability >= Found::SAME)
        .collect();
    assert!(wrong.is_empty(), "{} pairs, like {:?}", wrong.len(), wrong[0]);
    let spoke = |a: u32, b: u32| {
        let speaks =
            |w: &Weight| matches!(w, Weight::Field { field: 3, level: Level::Exact, bits } if *bits > 0.5);
        let weights = found.explain(a, b);
        let town = weights.iter().any(|w| {
            matches!(
                w,
                Weight::Field {
                    field: 2,
                    level: Level::Exact,
                    ..
                }
            )
        });
        town && weights.iter().any(speaks)
    };
    let twice = (1..30).find(|b| (0..*b).any(|a| spoke(a, *b)));
    assert_eq!(twice, None, "a country spoke where the town had spoken");
}

#[test]
fn two_names_that_many_have_are_no_slip_of_each_other() {
    const SURNAMES: [&str; 8] = [
        "Quandt",
        "Xaver",
        "Yorck",
        "Zuckmayer",
        "Jentsch",
        "Ivens",
        "Ehlers",
        "Uhde",
    ];
    let of = |given| SURNAMES.map(|surname| [given, surname, "", "", "", ""]);
    let found = found_in(with_others(&[of("Anna"), of("Hannah")].concat()));
    let weights = found.explain(300, 309);
    let given = weights.iter().find_map(|weight| match weight {
        Weight::Field {
            field: 0,
            level,
            bits,
        } => Some((*level, *bits)),
        _ => None,
    });
    let (level, bits) = given.expect("the given names");
    assert_eq!(level, Level::Similar);
    assert!(bits < 0.0, "it speaks for one person with {bits} bits");
}
