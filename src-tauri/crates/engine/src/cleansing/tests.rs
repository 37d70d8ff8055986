use super::*;
use carillon_model::cleansing::CleansingReason as Why;
use proptest::prelude::*;

const KINDS: [Kind; 7] = [
    Kind::Email,
    Kind::GivenName,
    Kind::Surname,
    Kind::Phone,
    Kind::Country,
    Kind::PostCode,
    Kind::Text,
];
const EMAIL: usize = 0;
const FIRST: usize = 1;
const LAST: usize = 2;
const PHONE: usize = 3;
const COUNTRY: usize = 4;
const CODE: usize = 5;
const TEXT: usize = 6;

type Row = [Option<&'static str>; 7];

fn row(values: &[(usize, &'static str)]) -> Row {
    let mut row = [None; 7];
    for (at, value) in values {
        row[*at] = Some(*value);
    }
    row
}

fn ask(values: &[(usize, &'static str)], home: Option<&str>) -> Vec<Proposal> {
    let domains = Domains::default();
    let home = home.and_then(Country::of);
    Cleanser::new(&KINDS, Rules::ALL, home, &domains).proposals(&row(values))
}

/// What one field becomes, with the last reason; `None`: it stays.
fn becomes(at: usize, value: &'static str, country: &'static str) -> Option<(String, Why)> {
    let values = [(at, value), (COUNTRY, country)];
    let found = ask(&values[..if country.is_empty() { 1 } else { 2 }], None);
    let found = found.into_iter().find(|proposal| proposal.field == at)?;
    let why = found.steps.last().map(|step| step.reason)?;
    Some((found.new, why))
}

fn check(at: usize, country: &'static str, cases: &[(&'static str, &str, Why)]) {
    for (old, new, why) in cases {
        assert_eq!(
            becomes(at, old, country),
            Some(((*new).to_owned(), *why)),
            "{old:?}"
        );
    }
}

fn stays(at: usize, country: &'static str, cases: &[&'static str]) {
    for value in cases {
        assert_eq!(becomes(at, value, country), None, "{value:?}");
    }
}

#[test]
fn names_in_capitals_or_small_letters_are_written_as_names() {
    check(
        FIRST,
        "",
        &[
            ("ANNA", "Anna", Why::Capitals),
            ("anna-lena", "Anna-Lena", Why::SmallLetters),
            ("JEAN PIERRE", "Jean Pierre", Why::Capitals),
            ("élodie", "Élodie", Why::SmallLetters),
            ("J. ROBERT", "J. Robert", Why::Capitals),
            ("MARIA DE LA LUZ", "Maria de la Luz", Why::Capitals),
            ("VAN ANH", "Van Anh", Why::Capitals),
            ("ΓΙΑΝΝΗΣ", "Γιαννης", Why::Capitals),
            ("ОЛЬГА", "Ольга", Why::Capitals),
        ],
    );
    check(
        LAST,
        "",
        &[
            ("O'BRIEN", "O'Brien", Why::Capitals),
            ("d’angelo", "D’Angelo", Why::SmallLetters),
            ("MCDONALD", "McDonald", Why::Capitals),
            ("van der berg", "van der Berg", Why::SmallLetters),
            ("VON UND ZUM STEIN", "von Und zum Stein", Why::Capitals),
            ("DE LA CRUZ", "de la Cruz", Why::Capitals),
            ("MÜLLER-LÜDENSCHEIDT", "Müller-Lüdenscheidt", Why::Capitals),
            ("ORTEGA Y GASSET", "Ortega y Gasset", Why::Capitals),
            ("WINDSOR III", "Windsor III", Why::Capitals),
            ("IJSBRAND", "IJsbrand", Why::Capitals),
            ("IJAZ", "Ijaz", Why::Capitals),
        ],
    );
}

#[test]
fn a_dotless_i_of_turkey_stays_one() {
    check(
        LAST,
        "TR",
        &[
            ("YILDIZ", "Yıldız", Why::Capitals),
            ("İNCE", "İnce", Why::Capitals),
            ("irmak", "İrmak", Why::SmallLetters),
        ],
    );
    check(
        LAST,
        "DE",
        &[
            ("YILDIZ", "Yildiz", Why::Capitals),
            ("İNCE", "İnce", Why::Capitals),
        ],
    );
}

#[test]
fn mixed_letters_initials_and_what_is_no_name_are_left_alone() {
    stays(
        FIRST,
        "",
        &[
            "Anna",
            "annA",
            "J",
            "j",
            "JP",
            "J.R.",
            "j.r.",
            "JFK",
            "R2D2",
            "ANNA & TOM",
            "李",
            "محمد",
        ],
    );
    stays(
        LAST,
        "",
        &["MacDonald", "van der Berg", "von", "de", "ACME GMBH (OLD)", "X"],
    );
}

#[test]
fn a_name_with_its_comma_is_put_into_both_fields() {
    let both = |first: &'static str, last: &'static str| -> Vec<(usize, String)> {
        let mut values = vec![(FIRST, first)];
        if !last.is_empty() {
            values.push((LAST, last));
        }
        ask(&values, None).into_iter().map(|p| (p.field, p.new)).collect()
    };
    let split = |first: &str, last: &str| vec![(FIRST, first.to_owned()), (LAST, last.to_owned())];
    assert_eq!(both("Smith, John", ""), split("John", "Smith"));
    assert_eq!(both("SMITH, JOHN", ""), split("John", "Smith"));
    assert_eq!(both("Smith, John", "Smith"), vec![(FIRST, "John".to_owned())]);
    for (first, last) in [
        ("Smith, John", "Miller"),
        ("John, Jr.", ""),
        ("Smith, John, Bob", ""),
        ("Smith,", ""),
    ] {
        assert_eq!(both(first, last), vec![], "{first}");
    }
    let found = ask(&[(LAST, "Smith, John")], None);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].old.as_deref(), found[0].new.as_str()), (None, "John"));
    assert!(found.iter().all(|p| p.by(CleansingRule::NameOrder)));
}

#[test]
fn addresses_lose_what_is_around_them_and_get_their_at() {
    check(
        EMAIL,
        "",
        &[
            (" jo@example.com ", "jo@example.com", Why::Spaces),
            ("jo @ example.com", "jo@example.com", Why::Spaces),
            ("jo\u{200B}@example.com", "jo@example.com", Why::Invisible),
            ("mailto:Jo@example.com", "Jo@example.com", Why::Mailto),
            ("<jo@example.com>", "jo@example.com", Why::Brackets),
            ("jo@example.com.", "jo@example.com", Why::MarkAtEnd),
            ("jo@example.com,", "jo@example.com", Why::MarkAtEnd),
            ("jo (at) example (dot) com", "jo@example.com", Why::AtInWords),
            ("jo at example.com", "jo@example.com", Why::AtInWords),
            ("jo@example,com", "jo@example.com", Why::CommaInDomain),
        ],
    );
    stays(
        EMAIL,
        "",
        &[
            "jo@example.com",
            "",
            "jo",
            "jo@",
            "a@b@example.com",
            "jo@example.com. jane@example.com",
            "jo doe@example.com",
            "jo@example.com, jane@example.com",
            "\"a b\"@example.com",
            "meet at noon at example.com",
            "jo@exämple.com",
        ],
    );
}

#[test]
fn slips_in_the_names_of_large_providers_and_ends_that_do_not_exist_are_told() {
    check(
        EMAIL,
        "",
        &[
            ("jo@gmial.com", "jo@gmail.com", Why::Slip),
            ("jo@gmai.com", "jo@gmail.com", Why::Slip),
            ("jo@gmail.co", "jo@gmail.com", Why::Slip),
            ("jo@hotmial.fr", "jo@hotmail.fr", Why::Slip),
            ("jo@yaho.co.uk", "jo@yahoo.co.uk", Why::Slip),
            ("jo@gogglemail.com", "jo@googlemail.com", Why::Slip),
            ("jo@gmail.con", "jo@gmail.com", Why::Ending),
            ("jo@gmial.con", "jo@gmail.com", Why::Ending),
            ("jo@my-firm.con", "jo@my-firm.com", Why::Ending),
        ],
    );
    stays(
        EMAIL,
        "",
        &[
            "jo@gmail.com",
            "jo@ymail.com",
            "jo@email.com",
            "jo@mail.com",
            "jo@man.com",
            "jo@aon.com",
            "jo@yahoo.co",
            "jo@hotmail.gr",
            "jo@gmail.example",
            "jo@example.co",
            "jo@gamil.example.com",
        ],
    );
}

#[test]
fn a_domain_that_many_have_is_somebodys_own() {
    let mut domains = Domains::default();
    let proposals = |domains: &Domains| {
        let cleanser = Cleanser::new(&KINDS, Rules::ALL, None, domains);
        cleanser.proposals(&row(&[(EMAIL, "jo@gmaul.com")])).len()
    };
    for _ in 0..4 {
        domains.note("x@gmaul.com");
    }
    assert_eq!(proposals(&domains), 1);
    domains.note("x@GMAUL.com");
    assert_eq!(proposals(&domains), 0);
    for _ in 0..1_000 {
        domains.note("x@gmail.com");
    }
    assert_eq!(proposals(&domains), 1, "five of a thousand make the same slip");
}

#[test]
fn numbers_are_written_with_their_country_where_one_is_known() {
    check(
        PHONE,
        "DE",
        &[
            ("030 901820", "+4930901820", Why::CountryOfContact),
            ("(030) 90 18-20", "+4930901820", Why::CountryOfContact),
            ("0049 30 901820", "+4930901820", Why::CountryOfContact),
            ("+49 (0)30 901820", "+4930901820", Why::International),
            ("+44 20 7946 0018", "+442079460018", Why::International),
        ],
    );
    check(
        PHONE,
        "US",
        &[("(202) 456-1111", "+12024561111", Why::CountryOfContact)],
    );
    check(
        PHONE,
        "Italia",
        &[("06 6982", "+39066982", Why::CountryOfContact)],
    );
    check(PHONE, "", &[("+49 30 901820", "+4930901820", Why::International)]);
    stays(PHONE, "", &["030 901820", "0049 30 901820"]);
    stays(PHONE, "Atlantis", &["030 901820"]);
    stays(
        PHONE,
        "DE",
        &[
            "+4930901820",
            "12",
            "030 901820 ext. 5",
            "030 901820 / 0171 1234567",
            "ask Anna",
            "0800 CARILLON",
            "+",
            "",
            "99999999999999999999999999",
            "++49 30 901820",
            "030 901820 +1",
        ],
    );
    let found = ask(&[(PHONE, "030 901820")], Some("de"));
    assert_eq!(found[0].steps[0].reason, Why::CountryChosen);
    assert_eq!(found[0].steps[0].about.as_deref(), Some("DE"));
}

#[test]
fn countries_are_read_in_any_language_and_by_other_codes() {
    check(
        COUNTRY,
        "",
        &[
            ("Germany", "DE", Why::CountryName),
            ("deutschland", "DE", Why::CountryName),
            ("NIEMCY", "DE", Why::CountryName),
            ("Österreich", "AT", Why::CountryName),
            ("Cote d'Ivoire", "CI", Why::CountryName),
            ("Россия", "RU", Why::CountryName),
            ("日本", "JP", Why::CountryName),
            ("The Netherlands", "NL", Why::CountryName),
            ("U.S.A.", "US", Why::CountryCode),
            ("DEU", "DE", Why::CountryCode),
            ("de", "DE", Why::CountryCode),
            ("UK", "GB", Why::CountryCode),
            ("Scotland", "GB", Why::CountryPart),
        ],
    );
    stays(COUNTRY, "", &["DE", "Atlantis", "Kongo", "ZZ", "Bavaria"]);
    assert_eq!(
        ask(&[(COUNTRY, "Scotland")], None)[0].steps[0].about.as_deref(),
        Some("Scotland")
    );
}

#[test]
fn post_codes_are_written_as_their_country_writes_them() {
    check(
        CODE,
        "GB",
        &[
            ("sw1a1aa", "SW1A 1AA", Why::PostCodeForm),
            ("m1 1ae", "M1 1AE", Why::PostCodeForm),
        ],
    );
    check(
        CODE,
        "Nederland",
        &[
            ("1234ab", "1234 AB", Why::PostCodeForm),
            ("NL-1234 AB", "1234 AB", Why::PostCodeForm),
        ],
    );
    check(
        CODE,
        "PL",
        &[
            ("00950", "00-950", Why::PostCodeForm),
            ("950", "00-950", Why::LeadingZero),
        ],
    );
    check(CODE, "CA", &[("k1a0b1", "K1A 0B1", Why::PostCodeForm)]);
    check(
        CODE,
        "DE",
        &[
            ("D-10115", "10115", Why::PostCodeForm),
            ("1067", "01067", Why::LeadingZero),
        ],
    );
    check(
        CODE,
        "US",
        &[
            ("2134", "02134", Why::LeadingZero),
            ("601", "00601", Why::LeadingZero),
            ("021341234", "02134-1234", Why::PostCodeForm),
        ],
    );
    check(CODE, "SE", &[("11455", "114 55", Why::PostCodeForm)]);
    stays(CODE, "", &["1067", "sw1a1aa"]);
    stays(
        CODE,
        "DE",
        &[
            "10115",
            "01067",
            "5123",
            "106",
            "0",
            "1011A",
            "10115 Berlin",
            "D",
            "10115/2",
        ],
    );
    stays(CODE, "GB", &["SW1A 1AA", "SW1", "W1"]);
    stays(CODE, "AR", &["1067"]);
}

#[test]
fn spaces_go_and_what_letters_need_stays() {
    check(
        TEXT,
        "",
        &[
            ("  a  b ", "a b", Why::Spaces),
            ("a\u{00A0}b", "a b", Why::Spaces),
            ("a\u{200B}b", "ab", Why::Invisible),
            ("Jo\u{308}rg", "Jörg", Why::Invisible),
            ("\u{FEFF}a", "a", Why::Invisible),
        ],
    );
    stays(
        TEXT,
        "",
        &[
            "a b",
            "می\u{200C}خواهم",
            "👩\u{200D}🚀",
            "two\nlines  here",
            "   ",
            "\u{200B}",
        ],
    );
}

#[test]
fn without_a_rule_the_others_still_find_theirs() {
    let domains = Domains::default();
    let values = row(&[(PHONE, " +49 30  901820"), (FIRST, " ANNA ")]);
    let of = |rules: Rules| -> Vec<String> {
        let cleanser = Cleanser::new(&KINDS, rules, None, &domains);
        cleanser.proposals(&values).into_iter().map(|p| p.new).collect()
    };
    assert_eq!(of(Rules::ALL), ["Anna", "+4930901820"]);
    assert_eq!(
        of(Rules::default().with(CleansingRule::Spaces)),
        ["ANNA", "+49 30 901820"]
    );
    assert_eq!(of(Rules::default().with(CleansingRule::NameCase)), ["Anna"]);
    assert_eq!(of(Rules::default()), [""; 0]);
}

/// Texts that come near to what the rules look for.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ",
        "  ",
        "\u{200B}",
        "\u{200D}",
        "\u{308}",
        ",",
        ", ",
        ".",
        "-",
        "'",
        "’",
        "@",
        "(at)",
        " at ",
        "(dot)",
        "mailto:",
        "<",
        ">",
        "+",
        "+49",
        "0049",
        "(0)",
        "/",
        "030",
        "0171",
        "901820",
        "2024561111",
        "1067",
        "10115",
        "SW1A",
        "1AA",
        "ab",
        "gmial.com",
        "gmail.con",
        "gmail.com",
        "example",
        ".com",
        "jo",
        "JO",
        "Smith",
        "SMITH",
        "john",
        "van",
        "DE",
        "de",
        "LA",
        "MC",
        "o'",
        "İ",
        "I",
        "ı",
        "ß",
        "ij",
        "IJ",
        "III",
        "Germany",
        "deutschland",
        "DEU",
        "UK",
        "Scotland",
        "ŉ",
        "ǆ",
        "ﬁ",
        "Σ",
    ]);
    prop_oneof![
        4 => prop::collection::vec(pieces, 1..6).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => "[ -~]{0,20}",
        1 => "[0-9 +()./-]{3,20}",
        1 => "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_contact_that_took_all_proposals_gets_none(
        values in prop::collection::vec(prop::option::of(texts()), 7),
        rules in 0u8..=255,
        home in prop::option::of(prop::sample::select(vec!["DE", "US", "GB", "TR", "IT", "NL"])),
    ) {
        let domains = Domains::default();
        let cleanser = Cleanser::new(&KINDS, Rules(rules), home.and_then(Country::of), &domains);
        let mut values = values;
        let ask = |values: &[Option<String>]| {
            cleanser.proposals(&values.iter().map(Option::as_deref).collect::<Vec<_>>())
        };
        let first = ask(&values);
        for proposal in &first {
            prop_assert!(!proposal.steps.is_empty() && !proposal.new.is_empty());
            prop_assert!(proposal.steps.iter().all(|step| Rules(rules).has(step.rule)));
            prop_assert_eq!(&proposal.old, &values[proposal.field]);
            values[proposal.field] = Some(proposal.new.clone());
        }
        let again = ask(&values);
        prop_assert!(again.is_empty(), "{first:?} then {again:?}");
    }
}
