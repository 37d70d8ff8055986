//! Which fields are compared as what, and which of two values stays: as somebody set it, else as the fields are called.

use super::{DuplicateRule, DuplicateRules};
use crate::companies;
use crate::error::{Code, Result, fail};
use crate::imports::heading;
use carillon_engine::duplicates::MOST_FIELDS;
use carillon_engine::survivorship::default_rule;
use carillon_model::contact::{Field, FieldType};
use carillon_model::duplicate::{MatchKind, SurvivorRule};
use carillon_store::{Db, Tx, settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Key of the setting.
const RULES: &str = "duplicate_rules";

/// Rules as they are kept: only of fields somebody set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Set {
    fields: BTreeMap<String, (Option<MatchKind>, SurvivorRule)>,
    trusted: Vec<String>,
}

/// What fields are called that say who somebody is, and which sources know best: `assets/rules/duplicate_fields.json`.
#[derive(Deserialize)]
struct Known {
    fields: Vec<(MatchKind, Vec<String>)>,
    trusted: Vec<String>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../../assets/rules/duplicate_fields.json")).unwrap_or_else(
        |_| Known {
            fields: Vec::new(),
            trusted: Vec::new(),
        },
    )
});

/// What a field is compared as where nobody said; `None`: it says nothing of who somebody is.
fn guess(field: &Field) -> Option<MatchKind> {
    let built_in = match field.key.as_str() {
        "email" => Some(MatchKind::Email),
        "first_name" => Some(MatchKind::GivenName),
        "last_name" => Some(MatchKind::Surname),
        "phone" => Some(MatchKind::Phone),
        "country" => Some(MatchKind::Country),
        "city" => Some(MatchKind::Suburb),
        companies::NAME => Some(MatchKind::Text),
        _ => None,
    };
    if field.built_in {
        return built_in;
    }
    let names = [heading(&field.key), heading(&field.label)];
    let known = |(_, words): &&(MatchKind, Vec<String>)| names.iter().any(|name| words.contains(name));
    let kind = KNOWN.fields.iter().find(known).map(|(kind, _)| *kind)?;
    fits(kind, field.field_type).then_some(kind)
}

/// Whether values of a type can be compared as that.
fn fits(kind: MatchKind, of: FieldType) -> bool {
    match of {
        FieldType::Text | FieldType::Choice => true,
        FieldType::Number => matches!(
            kind,
            MatchKind::Identifier | MatchKind::Phone | MatchKind::PostCode | MatchKind::StreetNumber
        ),
        FieldType::Date => kind == MatchKind::Date,
        FieldType::Money | FieldType::YesNo | FieldType::MultiChoice | FieldType::DateTime => false,
    }
}

/// Whether somebody says of contacts what the field holds. A company's name stands for which company it is; what else is
/// known of the company says nothing of its people.
fn is_said(field: &Field) -> bool {
    let own = !field.is_of_company() || field.key == companies::NAME;
    own && field.key != "created_at" && field.score.is_none()
}

/// All fields of a workspace that people fill in, with what each says of a person; `None`: nothing is known of that.
///
/// # Errors
/// The store's.
pub(crate) fn kinds(db: &Db<'_>) -> carillon_store::Result<Vec<(Field, Option<MatchKind>)>> {
    let set: Set = settings::get(db, RULES)?.unwrap_or_default();
    let fields = db.catalogue().fields().into_iter();
    let filled = fields.filter(is_said);
    Ok(filled
        .map(|field| {
            let said = set.fields.get(&field.key).map(|(kind, _)| *kind);
            let kind = said.unwrap_or_else(|| guess(&field));
            (field, kind)
        })
        .collect())
}

/// The rules of all fields a workspace has.
///
/// # Errors
/// The store's.
pub(super) fn read(db: &Db<'_>) -> carillon_store::Result<DuplicateRules> {
    let set: Set = settings::get(db, RULES)?.unwrap_or_default();
    let fields = db.catalogue().fields();
    let mut compared = 0;
    let rules = fields.iter().filter(|field| is_said(field)).map(|field| {
        let said = set.fields.get(&field.key);
        let kind = said.map_or_else(|| guess(field), |(kind, _)| *kind);
        compared += usize::from(kind.is_some());
        DuplicateRule {
            key: field.key.clone(),
            label: field.label.clone(),
            kind: kind.filter(|_| compared <= MOST_FIELDS),
            rule: said.map_or_else(|| default_rule(&field.key, field.field_type), |(_, rule)| *rule),
        }
    });
    Ok(DuplicateRules {
        fields: rules.collect(),
        trusted: match set.trusted.is_empty() {
            true => KNOWN.trusted.clone(),
            false => set.trusted,
        },
    })
}

/// Most kinds of sources that are kept, and the longest of their names.
const MOST_TRUSTED: usize = 50;
const LONGEST: usize = 60;

/// Looks whether rules can be followed.
///
/// # Errors
/// `Invalid` for an unknown field, one that cannot be compared so, and too many of either.
pub(super) fn check(rules: &DuplicateRules, fields: &[Field]) -> Result<()> {
    for rule in &rules.fields {
        let field = fields
            .iter()
            .find(|field| field.key == rule.key)
            .ok_or_else(|| fail(Code::NotFound, "not_found.field", &[("name", &rule.key)]))?;
        if rule.kind.is_some_and(|kind| !fits(kind, field.field_type)) {
            return Err(fail(Code::Invalid, "duplicates.bad_kind", &[("field", &field.label)]).at(&rule.key));
        }
    }
    let compared = rules.fields.iter().filter(|rule| rule.kind.is_some()).count();
    if compared > MOST_FIELDS {
        return Err(fail(
            Code::Invalid,
            "duplicates.too_many_fields",
            &[("most", &MOST_FIELDS)],
        ));
    }
    if rules.trusted.len() > MOST_TRUSTED || rules.trusted.iter().any(|word| word.len() > LONGEST) {
        return Err(fail(
            Code::Invalid,
            "duplicates.too_many_sources",
            &[("most", &MOST_TRUSTED)],
        ));
    }
    Ok(())
}

/// Keeps the rules.
///
/// # Errors
/// The store's.
pub(super) fn write(tx: &mut Tx<'_>, rules: &DuplicateRules) -> carillon_store::Result<()> {
    let fields = rules
        .fields
        .iter()
        .map(|rule| (rule.key.clone(), (rule.kind, rule.rule)));
    let set = Set {
        fields: fields.collect(),
        trusted: rules.trusted.clone(),
    };
    settings::set(tx, RULES, Some(&set))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, field_type: FieldType) -> Field {
        Field {
            key: key.to_owned(),
            label: key.to_owned(),
            field_type,
            options: Vec::new(),
            built_in: false,
            score: None,
        }
    }

    #[test]
    fn fields_that_say_who_somebody_is_are_known_by_their_names_in_several_languages() {
        for (key, of, kind) in [
            ("street", FieldType::Text, MatchKind::Address),
            ("house_number", FieldType::Text, MatchKind::StreetNumber),
            ("plz", FieldType::Text, MatchKind::PostCode),
            ("post_code", FieldType::Number, MatchKind::PostCode),
            ("date_of_birth", FieldType::Date, MatchKind::Date),
            ("geburtsdatum", FieldType::Date, MatchKind::Date),
            ("customer_number", FieldType::Number, MatchKind::Identifier),
            ("company", FieldType::Text, MatchKind::Text),
        ] {
            assert_eq!(guess(&field(key, of)), Some(kind), "{key}");
        }
    }

    #[test]
    fn what_somebody_does_or_pays_says_nothing_of_who_it_is() {
        for (key, of) in [
            ("last_order", FieldType::Date),
            ("total", FieldType::Money),
            ("birthday", FieldType::Money),
            ("newsletter", FieldType::YesNo),
        ] {
            assert_eq!(guess(&field(key, of)), None, "{key}");
        }
    }
}
