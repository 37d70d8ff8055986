//! From pairs to groups of one person each.
//!
//! Pairs from a half on connect; what is connected is one group only if its records belong together as a whole: groups
//! are joined, the surest pair first, while the evidence of *all* pairs across the two speaks for it. So a chain of
//! neighbours whose ends contradict each other falls apart, and a pair that was not found by itself still counts.

use super::find::{Found, Pair};

/// The most one pair may speak for or against joining, in ln of odds.
const LOUDEST: f64 = 12.0;
/// Groups that are not joined any further: nobody is there as often.
const LARGEST: usize = 200;

/// The groups of two or more among `rows`. `log_odds` speaks for any two rows.
pub fn groups(rows: u32, pairs: &[Pair], log_odds: impl Fn(u32, u32) -> f64) -> Vec<Vec<u32>> {
    let mut edges: Vec<&Pair> = pairs.iter().filter(|p| p.probability >= Found::SAME).collect();
    edges.sort_by(|x, y| {
        y.probability
            .total_cmp(&x.probability)
            .then((x.a, x.b).cmp(&(y.a, y.b)))
    });
    let mut group_of: Vec<u32> = (0..rows).collect();
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); rows as usize];
    for edge in edges {
        let (x, y) = (group_of[edge.a as usize], group_of[edge.b as usize]);
        if x == y {
            continue;
        }
        let of = |group: u32| match members[group as usize].as_slice() {
            [] => vec![group],
            some => some.to_vec(),
        };
        let (mut left, right) = (of(x), of(y));
        if left.len() + right.len() > LARGEST {
            continue;
        }
        let across = |a: &u32| {
            right
                .iter()
                .map(|b| log_odds(*a, *b).clamp(-LOUDEST, LOUDEST))
                .sum::<f64>()
        };
        if left.iter().map(across).sum::<f64>() <= 0.0 {
            continue;
        }
        for row in &right {
            group_of[*row as usize] = x;
        }
        left.extend(right);
        members[y as usize] = Vec::new();
        members[x as usize] = left;
    }
    let mut groups: Vec<Vec<u32>> = members.into_iter().filter(|m| m.len() > 1).collect();
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.sort_unstable();
    groups
}
