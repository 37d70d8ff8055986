//! Pages that are full and pages that are nearly empty are read otherwise, and say the same.

use super::super::column::Column;
use super::*;
use crate::segment::Seen;

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
