//! What the columns of a file seem to be, by their headings and by what stands in them.

use super::headings::{SYNONYMS, TAGS};
use super::status::{self, Program};
use super::values::{self, Reading};
use super::{ColumnPlan, ImportColumn, clean};
use crate::fields::key_of;
use carillon_model::contact::{COMPANY_PREFIX, Currency, Field, FieldType, Value};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words a screen may put between tags.
const SEPARATORS: [char; 3] = ['|', ';', ','];

/// A heading as it is compared: letters and digits of any script, without case and marks.
pub(crate) fn normal(heading: &str) -> String {
    heading
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// The key of the field a heading names: by key, by label, by a word other programs use.
fn named(heading: &str, fields: &[Field]) -> Option<String> {
    let name = normal(heading);
    if name.is_empty() {
        return None;
    }
    let own = fields
        .iter()
        .find(|f| normal(&f.key) == name || normal(&f.label) == name);
    let known = || {
        SYNONYMS
            .iter()
            .find(|(_, words)| words.iter().any(|word| normal(word) == name))
            .map(|(key, _)| (*key).to_owned())
    };
    own.map(|f| f.key.clone()).or_else(known)
}

/// When a contact was added is Carillon's to say: its own export has the column.
const ADDED: &str = "created_at";

/// How many of the filled cells can be written to, of how many.
fn addresses(cells: &[&str]) -> (usize, usize) {
    let filled = cells.iter().filter(|c| !c.trim().is_empty());
    let good = filled.clone().filter(|c| clean::address(c).is_ok()).count();
    (good, filled.count())
}

/// The column with the addresses: of those whose heading says so the one with the most, else the one that
/// holds almost nothing else.
fn email_column(headings: &[String], cells: &[Vec<&str>], fields: &[Field]) -> Option<usize> {
    let by_name = (0..headings.len())
        .filter(|i| named(&headings[*i], fields).as_deref() == Some("email"))
        .max_by_key(|i| (addresses(&cells[*i]).0, usize::MAX - i));
    let by_content = || {
        (0..headings.len()).find(|i| {
            let (good, filled) = addresses(&cells[*i]);
            good > 0 && good * 10 >= filled * 8
        })
    };
    by_name.or_else(by_content)
}

/// What of a heading is the name of a field of companies: `company.industry`, as lists of ours and nested ones have it.
fn of_company(heading: &str) -> Option<&str> {
    let (first, rest) = heading.split_at_checked(COMPANY_PREFIX.len())?;
    (first.eq_ignore_ascii_case(COMPANY_PREFIX) && !rest.trim().is_empty()).then_some(rest)
}

/// A key nobody has, from what people call the column.
pub(crate) fn free_key(label: &str, taken: &BTreeSet<String>) -> String {
    let key = match of_company(label) {
        Some(own) => format!("{COMPANY_PREFIX}{}", key_of(own)),
        None => key_of(label),
    };
    let mut free = key.clone();
    for n in 2.. {
        if !taken.contains(&free) {
            break;
        }
        free = format!("{key}_{n}");
    }
    free
}

/// The separator most cells use.
pub(crate) fn separator(cells: &[&str]) -> char {
    let uses = |c: &char| cells.iter().filter(|cell| cell.contains(*c)).count();
    // Of equals the first wins: a bar is never part of a tag.
    let best = SEPARATORS.iter().rev().max_by_key(|c| uses(c)).copied();
    best.filter(|c| uses(c) > 0).unwrap_or(',')
}

/// The currency most amounts of a column name.
fn currency(cells: &[&str], reading: &Reading, zone: Tz) -> Option<Currency> {
    let mut found: BTreeMap<Currency, usize> = BTreeMap::new();
    for cell in cells {
        if let Ok(Some(Value::Money(money))) = reading.read(cell, zone) {
            *found.entry(money.currency).or_default() += 1;
        }
    }
    found
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(currency, _)| currency)
}

/// How a column is read that says whether somebody may be written to: by the program's own rules; else by its heading,
/// where no field of the workspace has that name.
fn status_of(
    heading: &str,
    cells: &[&str],
    fields: &[Field],
    program: Option<&Program>,
) -> Option<status::StatusReading> {
    match program.and_then(|program| program.status(heading)) {
        Some(reading) => Some(reading),
        None if named(heading, fields).is_some() => None,
        None => status::anywhere(heading, cells),
    }
}

/// What each column seems to be. `rows`: the first records of the file.
pub(crate) fn guess(
    headings: &[String],
    rows: &[Vec<String>],
    fields: &[Field],
    zone: Tz,
    program: Option<&Program>,
) -> Vec<ImportColumn> {
    let cells: Vec<Vec<&str>> = (0..headings.len())
        .map(|i| {
            rows.iter()
                .map(|row| row.get(i).map_or("", String::as_str))
                .collect()
        })
        .collect();
    let email = email_column(headings, &cells, fields);
    let said = |heading: &str| program.and_then(|program| program.column(heading));
    let mut used: BTreeSet<String> = BTreeSet::from(["email".to_owned()]);
    let mut taken: BTreeSet<String> = fields.iter().map(|f| f.key.clone()).collect();
    let mut columns = Vec::with_capacity(headings.len());
    for (i, heading) in headings.iter().enumerate() {
        let column = &cells[i];
        let empty = column.iter().filter(|c| clean::line(c).is_empty()).count();
        let mut reading = values::guess(heading, column, zone);
        let status = status_of(heading, column, fields, program).filter(|_| email != Some(i));
        // A field of the workspace outweighs what a program calls its columns; what that keeps for itself does not.
        let named = match (named(heading, fields), said(heading)) {
            (_, Some("skip" | "tags")) => None,
            (Some(key), _) => Some(key),
            (None, said) => said.map(str::to_owned),
        };
        // What a score says is worked out here, whatever a list says of it.
        let scored = named
            .as_ref()
            .is_some_and(|key| fields.iter().any(|f| f.key == *key && f.score.is_some()));
        let added = scored || named.as_deref() == Some(ADDED);
        let known = if email == Some(i) {
            Some("email".to_owned())
        } else {
            named.filter(|k| k != ADDED && !scored && used.insert(k.clone()))
        };
        let (guess, plan) = match (status, known) {
            (Some(reads), _) => (Some("status".to_owned()), ColumnPlan::Status { reads }),
            (None, None) if said(heading) == Some("skip") => (None, ColumnPlan::Skip),
            (None, Some(key)) => {
                if let Some(field) = fields.iter().find(|f| f.key == key) {
                    reading = values::fit(field.field_type, column, zone);
                }
                (
                    Some(key.clone()),
                    ColumnPlan::Field {
                        key,
                        fill_only: false,
                        date_order: None,
                        decimal: None,
                        currency: None,
                    },
                )
            }
            (None, None)
                if said(heading) == Some("tags")
                    || TAGS.iter().any(|word| normal(word) == normal(heading)) =>
            {
                (
                    Some("tags".to_owned()),
                    ColumnPlan::Tags {
                        separator: separator(column).to_string(),
                    },
                )
            }
            (None, None) if added || empty == column.len() => (None, ColumnPlan::Skip),
            (None, None) => {
                let key = free_key(heading, &taken);
                taken.insert(key.clone());
                let plan = ColumnPlan::NewField {
                    key: Some(key),
                    label: clean::line(of_company(heading).unwrap_or(heading)),
                    field_type: reading.field_type,
                    currency: None,
                    fill_only: false,
                    options: Vec::new(),
                    date_order: None,
                    decimal: None,
                };
                (None, plan)
            }
        };
        let mut found = ImportColumn {
            name: heading.clone(),
            guess,
            field_type: reading.field_type,
            currency: if reading.field_type == FieldType::Money {
                currency(column, &reading, zone)
            } else {
                None
            },
            empty: if column.is_empty() {
                1.0
            } else {
                empty as f64 / column.len() as f64
            },
            plan,
        };
        found.plan = found.plan.read_as(&reading, found.currency);
        columns.push(found);
    }
    columns
}

/// Whether the first record names the columns: it holds no address, and no cell that is only a number.
pub(crate) fn is_heading(first: &[String]) -> bool {
    !first
        .iter()
        .any(|cell| clean::address(cell).is_ok() || cell.trim().parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_model::contact::BUILT_IN_FIELDS;

    fn fields() -> Vec<Field> {
        let field = |key: &str, label: &str, field_type, built_in| Field {
            key: key.to_owned(),
            label: label.to_owned(),
            field_type,
            options: Vec::new(),
            built_in,
            score: None,
        };
        let custom = [field(
            "loyalty_points",
            "Loyalty points",
            FieldType::Number,
            false,
        )];
        BUILT_IN_FIELDS
            .iter()
            .map(|(key, label, kind)| field(key, label, *kind, true))
            .chain(custom)
            .collect()
    }

    fn guessed(headings: &[&str], rows: &[&[&str]]) -> Vec<ImportColumn> {
        let headings: Vec<String> = headings.iter().map(|h| (*h).to_owned()).collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|r| r.iter().map(|c| (*c).to_owned()).collect())
            .collect();
        guess(&headings, &rows, &fields(), Tz::UTC, Program::of(&headings))
    }

    fn keys(columns: &[ImportColumn]) -> Vec<Option<&str>> {
        columns.iter().map(|c| c.guess.as_deref()).collect()
    }

    #[test]
    fn headings_of_many_languages_and_programs_are_understood() {
        for (heading, key) in [
            ("E-Mail", "email"),
            ("Mail", "email"),
            ("EMAIL ADDRESS", "email"),
            ("e-mail_adresse", "email"),
            ("Courriel", "email"),
            ("First Name", "first_name"),
            ("firstname", "first_name"),
            ("Vorname", "first_name"),
            ("Prénom", "first_name"),
            ("Surname", "last_name"),
            ("Nachname", "last_name"),
            ("Apellidos", "last_name"),
            ("Tel.", "phone"),
            ("Ort", "city"),
            ("Land", "country"),
            ("Sprache", "language"),
            ("Time Zone", "time_zone"),
            ("Loyalty points", "loyalty_points"),
            ("LOYALTY_POINTS", "loyalty_points"),
            ("メールアドレス", "email"),
        ] {
            assert_eq!(named(heading, &fields()).as_deref(), Some(key), "{heading}");
        }
        for heading in ["", "PLZ", "Name"] {
            assert_eq!(named(heading, &fields()), None, "{heading}");
        }
    }

    #[test]
    fn a_column_of_addresses_without_a_name_for_it_is_found() {
        let columns = guessed(
            &["Kundennummer", "Kontakt"],
            &[&["007", "ada@example.com"], &["008", "bo@example.com"]],
        );
        assert_eq!(keys(&columns), [None, Some("email")]);
    }

    #[test]
    fn of_two_columns_that_say_e_mail_the_fuller_one_is_taken_and_the_other_is_a_field_of_its_own() {
        let columns = guessed(
            &["E-Mail", "Mail"],
            &[&["", "ada@example.com"], &["x", "bo@example.com"]],
        );
        assert_eq!(keys(&columns), [None, Some("email")]);
        assert!(matches!(&columns[0].plan, ColumnPlan::NewField { key: Some(key), .. } if key == "e_mail"));
    }

    #[test]
    fn what_matches_nothing_becomes_a_field_of_the_type_it_holds_and_empty_columns_are_left_out() {
        let columns = guessed(
            &["email", "PLZ", "Umsatz", "Geburtstag", "leer", "Umsatz"],
            &[
                &["a@example.com", "01069", "€ 1.250,50", "24.12.1990", " ", "1"],
                &["b@example.com", "53111", "€ 3,00", "", "", "2"],
            ],
        );
        let ColumnPlan::NewField { key, field_type, .. } = &columns[1].plan else {
            panic!("{:?}", columns[1])
        };
        assert_eq!((key.as_deref(), *field_type), (Some("plz"), FieldType::Text));
        let ColumnPlan::NewField {
            field_type,
            currency,
            decimal,
            ..
        } = &columns[2].plan
        else {
            panic!("{:?}", columns[2])
        };
        assert_eq!(
            (*field_type, currency.map(|c| c.to_string()), *decimal),
            (FieldType::Money, Some("EUR".into()), Some(','))
        );
        let ColumnPlan::NewField {
            field_type,
            date_order,
            ..
        } = &columns[3].plan
        else {
            panic!("{:?}", columns[3])
        };
        assert_eq!(
            (*field_type, *date_order),
            (FieldType::Date, Some(values::DateOrder::DayMonthYear))
        );
        assert!((columns[3].empty - 0.5).abs() < 1e-9);
        assert_eq!(columns[4].plan, ColumnPlan::Skip);
        assert!(matches!(&columns[5].plan, ColumnPlan::NewField { key: Some(key), .. } if key == "umsatz_2"));
    }

    #[test]
    fn a_heading_with_company_before_its_point_becomes_a_field_of_companies() {
        let columns = guessed(
            &[
                "email",
                "Company",
                "company.Annual revenue",
                "company.",
                "Company.annual_revenue",
            ],
            &[&["a@example.com", "Acme", "12", "x", "13"]],
        );
        assert_eq!(columns[1].guess.as_deref(), Some("company.name"));
        let made = |column: &ImportColumn| match &column.plan {
            ColumnPlan::NewField { key, label, .. } => (key.clone().unwrap_or_default(), label.clone()),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            made(&columns[2]),
            ("company.annual_revenue".into(), "Annual revenue".into())
        );
        assert_eq!(made(&columns[3]).0, "company");
        assert_eq!(made(&columns[4]).0, "company.annual_revenue_2");
    }

    #[test]
    fn tags_are_split_by_what_separates_them() {
        let columns = guessed(
            &["email", "Tags"],
            &[&["a@example.com", "vip; new"], &["b@example.com", "staff"]],
        );
        assert_eq!(columns[1].guess.as_deref(), Some("tags"));
        assert_eq!(
            columns[1].plan,
            ColumnPlan::Tags {
                separator: ";".into()
            }
        );
    }

    #[test]
    fn the_columns_of_another_program_s_export_map_themselves() {
        let columns = guessed(
            &[
                "Email Address",
                "FNAME",
                "Address",
                "TAGS",
                "CC",
                "LEID",
                "EUID",
                "UNSUB_TIME",
                "UNSUB_REASON",
            ],
            &[&[
                "a@example.com",
                "Ada",
                "1 St James",
                "\"VIP\",\"Blog\"",
                "GB",
                "1",
                "x",
                "2024-02-01",
                "no reason",
            ]],
        );
        assert_eq!(
            keys(&columns),
            [
                Some("email"),
                Some("first_name"),
                None,
                Some("tags"),
                Some("country"),
                None,
                None,
                Some("status"),
                None
            ]
        );
        assert_eq!(columns[5].plan, ColumnPlan::Skip);
        assert_eq!(
            columns[7].plan,
            ColumnPlan::Status {
                reads: status::StatusReading::Unsubscribed
            }
        );
    }

    #[test]
    fn a_first_line_with_an_address_or_a_number_in_it_is_no_heading() {
        assert!(is_heading(&["email".into(), "name".into()]));
        assert!(!is_heading(&["ada@example.com".into(), "Ada".into()]));
        assert!(!is_heading(&["x".into(), "12.5".into()]));
    }
}
