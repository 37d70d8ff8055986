//! What is to be thought of each value of a contact: for figures of how good the data is.

use super::{Cell, Cleanser, Kind, emails};

/// What is to be thought of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is none.
    Missing,
    /// It cannot be what the field is for: no address or one with a slip in its domain, no number that can be dialled, no
    /// country, no post code of the contact's country, a name without a letter or with a digit or an @.
    Invalid,
    /// It can be, and is written otherwise than a cleansing would write it.
    Untidy,
    /// It can be, and is written as it should be. So is what no rule knows.
    Good,
}

impl Cleanser<'_> {
    /// The verdict on each field of a contact, in their order. Asks the rules it was made with: all of them, for the
    /// verdicts as they are described.
    pub fn verdicts(&self, values: &[Option<&str>]) -> Vec<Verdict> {
        let cells = self.read(values);
        cells
            .iter()
            .zip(&self.kinds)
            .map(|(cell, kind)| verdict(cell, *kind))
            .collect()
    }
}

fn verdict(cell: &Cell<'_>, kind: Kind) -> Verdict {
    let Some(old) = cell.old.filter(|old| !old.trim().is_empty()) else {
        return Verdict::Missing;
    };
    let sound = match kind {
        Kind::Email => is_address(old) && !cell.differs(),
        Kind::GivenName | Kind::Surname => is_name(old),
        Kind::Phone | Kind::Country | Kind::PostCode | Kind::Text => cell.sound,
    };
    match (sound, cell.differs()) {
        (false, _) => Verdict::Invalid,
        (true, true) => Verdict::Untidy,
        (true, false) => Verdict::Good,
    }
}

/// An address, also one with letters of other scripts (RFC 6531).
fn is_address(text: &str) -> bool {
    match text.is_ascii() {
        true => emails::is_address(text),
        false => {
            let plain = |c: char| {
                if !c.is_ascii() && c.is_alphanumeric() {
                    'x'
                } else {
                    c
                }
            };
            emails::is_address(&text.chars().map(plain).collect::<String>())
        }
    }
}

fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.contains(|c: char| c.is_ascii_digit() || c == '@')
}

#[cfg(test)]
mod tests {
    use super::super::{Country, Domains, Rules};
    use super::*;
    use proptest::prelude::*;

    const KINDS: [Kind; 6] = [
        Kind::Email,
        Kind::GivenName,
        Kind::Phone,
        Kind::Country,
        Kind::PostCode,
        Kind::Text,
    ];

    fn all(values: [Option<&str>; 6], home: Option<&str>) -> Vec<Verdict> {
        let domains = Domains::default();
        Cleanser::new(&KINDS, Rules::ALL, home.and_then(Country::of), &domains).verdicts(&values)
    }

    fn of(at: usize, value: &str, country: Option<&str>) -> Verdict {
        let mut values = [None; 6];
        values[3] = country;
        values[at] = Some(value);
        all(values, None)[at]
    }

    #[test]
    fn a_value_is_judged_by_what_its_field_is_for() {
        use Verdict::{Good, Invalid, Missing, Untidy};
        for (at, value, country, verdict) in [
            (0, "ada@example.com", None, Good),
            (0, "jörg@köln.example", None, Good),
            (0, "ada@gmial.com", None, Invalid),
            (0, "ada(at)example.com", None, Invalid),
            (0, "ada@@example.com", None, Invalid),
            (0, "nobody", None, Invalid),
            (1, "Ada", None, Good),
            (1, "李", None, Good),
            (1, "ADA", None, Untidy),
            (1, "  Ada", None, Untidy),
            (1, "-", None, Invalid),
            (1, "R2D2", None, Invalid),
            (2, "+4930901820", None, Good),
            (2, "+49 30 901820", None, Untidy),
            (2, "030 901820", Some("DE"), Untidy),
            (2, "030 901820", None, Invalid),
            (2, "12", Some("DE"), Invalid),
            (3, "DE", None, Good),
            (3, "Germany", None, Untidy),
            (3, "Atlantis", None, Invalid),
            (4, "10115", Some("DE"), Good),
            (4, "D-10115", Some("DE"), Untidy),
            (4, "1067", Some("DE"), Untidy),
            (4, "ABC", Some("DE"), Invalid),
            (4, "101155", Some("DE"), Invalid),
            (4, "whatever", None, Good),
            (5, "anything at all", None, Good),
            (5, "two  spaces", None, Untidy),
            (5, " \u{a0} ", None, Missing),
            (5, "", None, Missing),
        ] {
            assert_eq!(of(at, value, country), verdict, "{value:?} in {:?}", KINDS[at]);
        }
        let home = all(
            [None, None, Some("030 901820"), None, Some("99"), None],
            Some("DE"),
        );
        assert_eq!(
            home[2..5],
            [Untidy, Missing, Invalid],
            "where contacts live that have no country"
        );
    }

    fn texts() -> impl Strategy<Value = Option<String>> {
        prop_oneof![
            Just(None),
            "[ a-zA-Z0-9@.+äß(),-]{0,14}".prop_map(Some),
            prop::sample::select(vec![
                "DE",
                "Deutschland",
                "030 901820",
                "a@gmial.com",
                "ADA",
                "1067"
            ])
            .prop_map(|text| Some(text.to_owned())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_untidy_is_what_a_cleansing_would_write_otherwise_and_then_nothing_is(
            mut row in proptest::collection::vec(texts(), 6),
        ) {
            let domains = Domains::default();
            let cleanser = Cleanser::new(&KINDS, Rules::ALL, Country::of("DE"), &domains);
            let read = |row: &[Option<String>]| {
                let texts: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
                (cleanser.verdicts(&texts), cleanser.proposals(&texts))
            };
            let (verdicts, proposals) = read(&row);
            for (at, verdict) in verdicts.iter().enumerate() {
                let proposed = proposals.iter().any(|proposal| proposal.field == at);
                match verdict {
                    Verdict::Untidy => prop_assert!(proposed),
                    Verdict::Good => prop_assert!(!proposed),
                    Verdict::Missing => prop_assert!(row[at].as_deref().is_none_or(|text| text.trim().is_empty())),
                    Verdict::Invalid => {}
                }
            }
            for proposal in proposals {
                row[proposal.field] = Some(proposal.new);
            }
            prop_assert!(!read(&row).0.contains(&Verdict::Untidy));
        }
    }
}
