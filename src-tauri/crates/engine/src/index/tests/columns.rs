//! Pages that are full and pages that are nearly empty are read otherwise, and say the same.

use super::super::column::Column;
use super::super::rows::Rows;
use super::*;
use crate::record::Numbers;
use crate::segment::{Needs, Seen, test_holds};
use carillon_model::segment::{Compare, Test};
use std::sync::Arc;

/// A value of any type that has a store of its own way of reading.
fn value(kind: u8, n: u32) -> Value {
    match kind {
        0 => Value::Number(f64::from(n % 10)),
        1 => Value::Text(format!("t{}", n % 10)),
        _ => Value::Choice(format!("t{}", n % 10)),
    }
}

fn is_wanted(seen: &Seen<'_>) -> bool {
    match seen {
        Seen::Number(n) => *n >= 7.0,
        Seen::Text(text) | Seen::Choice(text) => *text >= "t7",
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_column_names_who_passes_however_full_its_pages_are(
        kind in 0u8..3, first in 0u32..140_000, dense in 0u32..9_000, every in 1u32..5, gone in 1u32..400, far in 200_000u32..400_000
    ) {
        let ids: Vec<u32> = (0..dense).map(|n| first + n * every).chain((0..9).map(|n| far + 200_000 + n * 30_000)).collect();
        let mut column = Column::default();
        for id in &ids {
            column.set(*id, Some(&value(kind, id.wrapping_mul(7))));
        }
        // Some have no value any more; what stood in their place does not count.
        for id in ids.iter().filter(|id| **id % gone == 0) {
            column.set(*id, None);
        }
        let left = || ids.iter().copied().filter(|id| id % gone != 0);
        let wanted: RoaringBitmap = left().filter(|id| column.get(*id).is_some_and(|seen| is_wanted(&seen))).collect();
        prop_assert_eq!(column.passing(|_, seen| is_wanted(seen)), wanted);
        prop_assert_eq!(column.present(), left().collect::<RoaringBitmap>());
    }
}

/// A value of one of four types, among few, so that texts come, go and come back.
fn one_of(n: u32) -> Value {
    let part = |place: u32| format!("t{}", (n / 4 + place) % 5);
    match n % 4 {
        0 => Value::Text(part(0)),
        1 => Value::MultiChoice([part(0), part(n / 20)].into()),
        2 => Value::YesNo(n % 8 == 2),
        _ => Value::Number(f64::from(n)),
    }
}

/// Far apart and near together; the same ones come again.
fn number(n: u32) -> u32 {
    match n % 3 {
        0 => n % 60,
        1 => 4_000 + n % 200,
        _ => 900_000 - n % 30 * 10_000,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_column_says_what_was_set_last_whatever_its_type(sets in prop::collection::vec((0u32..5_000, prop::option::of(0u32..200)), 0..300)) {
        let mut column = Column::default();
        let mut wanted: BTreeMap<u32, Value> = BTreeMap::new();
        for (id, value) in sets {
            let (id, value) = (number(id), value.map(one_of));
            column.set(id, value.as_ref());
            match value {
                Some(value) => drop(wanted.insert(id, value)),
                None => drop(wanted.remove(&id)),
            }
        }
        prop_assert_eq!(column.present(), wanted.keys().copied().collect::<RoaringBitmap>());
        for (id, value) in &wanted {
            prop_assert_eq!(column.get(*id), Some(Seen::from(value)), "{}", id);
        }
    }

    #[test]
    fn a_comparison_names_whom_the_test_passes(
        values in prop::collection::btree_map(0u32..9_000, prop_oneof![-3i32..4, Just(99)], 0..400),
        way in 0usize..8, a in -3i32..4, b in -3i32..4
    ) {
        // 99 stands for what is no number.
        let of = |n: i32| if n == 99 { f64::NAN } else { f64::from(n) };
        let mut column = Column::default();
        column.set(3, Some(&Value::Text("3".to_owned())));
        for (id, n) in &values {
            column.set(*id, Some(&Value::Number(of(*n))));
        }
        let (a, b) = (of(a), of(b));
        let ways = [Compare::Eq(a), Compare::Ne(a), Compare::Lt(a), Compare::Le(a), Compare::Gt(a), Compare::Ge(a),
            Compare::Between(a, b), Compare::NotBetween(a, b)];
        let test = Test::Number(ways[way].clone());
        prop_assert_eq!(column.comparing(&ways[way]), column.passing(|_, seen| test_holds(&test, seen)));
    }

    #[test]
    fn contacts_added_together_are_as_if_one_by_one(
        added in prop::collection::vec((0u32..5_000, prop::collection::btree_map(0usize..4, 0u32..200, 0..4), any::<bool>()), 0..60)
    ) {
        let shared: Vec<Arc<str>> = ["city", "plan", "note", "size"].map(Arc::from).to_vec();
        let mut changes = Vec::new();
        for (id, fields, shares) in added {
            let contact = ContactId(number(id));
            let key = |place: usize| if shares { shared[place].clone() } else { Arc::from(&*shared[place]) };
            let fields = fields.into_iter().map(|(place, n)| (key(place), one_of(n))).collect();
            changes.push(Change::ContactAdded { contact, fields });
            if id % 7 == 0 {
                changes.push(Change::FieldSet { contact, key: "city".to_owned(), value: (id % 2 == 0).then(|| one_of(id)) });
            }
        }
        let (mut together, mut alone) = (Rows::default(), Rows::default());
        together.apply_all(&changes);
        changes.iter().for_each(|change| alone.apply(change));
        prop_assert_eq!(&together.contacts, &alone.contacts);
        let everything = Needs::everything();
        for id in &alone.contacts {
            let record = |rows: &Rows| rows.record(id, &everything, &Numbers::default());
            prop_assert_eq!(record(&together), record(&alone));
        }
    }
}
