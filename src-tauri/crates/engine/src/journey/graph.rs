//! The shape of a drawing: what is reached, what turns in circles.

use std::collections::BTreeSet;

/// A step as a corner of the graph.
#[derive(Clone, Debug, Default)]
pub struct Corner {
    /// Contacts come here by themselves: entries, goals.
    pub root: bool,
    pub to: Vec<usize>,
    /// Time surely passes here.
    pub waits: bool,
    /// A passage may end here.
    pub ends: bool,
}

/// Corners that no root leads to.
pub fn unreachable(corners: &[Corner]) -> Vec<usize> {
    let roots = (0..corners.len()).filter(|ix| corners[*ix].root);
    let reached = reach(roots.collect(), |ix| corners[ix].to.clone());
    (0..corners.len()).filter(|ix| !reached.contains(ix)).collect()
}

/// Circles in which no corner is sure to wait: one for each knot, beginning with its first corner.
pub fn endless_loops(corners: &[Corner]) -> Vec<Vec<usize>> {
    circles(
        corners,
        (0..corners.len()).filter(|ix| !corners[*ix].waits).collect(),
    )
}

/// Circles that a root leads to and from which no end can be reached.
pub fn loops_without_end(corners: &[Corner]) -> Vec<Vec<usize>> {
    let mut from: Vec<Vec<usize>> = vec![Vec::new(); corners.len()];
    for (ix, corner) in corners.iter().enumerate() {
        for to in &corner.to {
            from[*to].push(ix);
        }
    }
    let ends = (0..corners.len()).filter(|ix| corners[*ix].ends);
    let finite = reach(ends.collect(), |ix| from[ix].clone());
    let lost: BTreeSet<usize> = unreachable(corners).into_iter().collect();
    circles(
        corners,
        (0..corners.len())
            .filter(|ix| !finite.contains(ix) && !lost.contains(ix))
            .collect(),
    )
}

fn reach(start: Vec<usize>, next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut seen: BTreeSet<usize> = start.iter().copied().collect();
    let mut open = start;
    while let Some(ix) = open.pop() {
        for to in next(ix) {
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}

/// Circles among some corners. What lies on none is peeled off from both sides; from what is left the first
/// corner leads into a circle; that is taken out, and so on.
fn circles(corners: &[Corner], mut among: BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    loop {
        loop {
            let to: BTreeSet<usize> = among
                .iter()
                .flat_map(|ix| &corners[*ix].to)
                .copied()
                .filter(|to| among.contains(to))
                .collect();
            let kept: BTreeSet<usize> = among
                .iter()
                .copied()
                .filter(|ix| to.contains(ix) && corners[*ix].to.iter().any(|next| among.contains(next)))
                .collect();
            if kept.len() == among.len() {
                break;
            }
            among = kept;
        }
        let Some(first) = among.first().copied() else {
            return found;
        };
        let mut path = vec![first];
        let circle = loop {
            let last = path[path.len() - 1];
            let Some(next) = corners[last].to.iter().copied().find(|to| among.contains(to)) else {
                return found;
            };
            if let Some(begin) = path.iter().position(|ix| *ix == next) {
                break path.split_off(begin);
            }
            path.push(next);
        };
        let begin = circle
            .iter()
            .enumerate()
            .min_by_key(|(_, ix)| **ix)
            .map_or(0, |(place, _)| place);
        for ix in &circle {
            among.remove(ix);
        }
        found.push([&circle[begin..], &circle[..begin]].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corners(arrows: &[(usize, usize)], waits: &[usize], ends: &[usize], count: usize) -> Vec<Corner> {
        let mut corners = vec![Corner::default(); count];
        corners[0].root = true;
        for (from, to) in arrows {
            corners[*from].to.push(*to);
        }
        for ix in waits {
            corners[*ix].waits = true;
        }
        for ix in ends {
            corners[*ix].ends = true;
        }
        corners
    }

    #[test]
    fn circles_are_found_with_their_corners() {
        // 0 → 1 → 2 → 1, 2 → 3 → 4 → 5 → 3, and 6 alone with itself
        let arrows = [(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 5), (5, 3), (6, 6)];
        let plain = corners(&arrows, &[], &[], 7);
        assert_eq!(endless_loops(&plain), [vec![1, 2], vec![3, 4, 5], vec![6]]);
        let waiting = corners(&arrows, &[2, 6], &[], 7);
        assert_eq!(endless_loops(&waiting), [vec![3, 4, 5]]);
        assert_eq!(unreachable(&plain), [6]);
    }

    #[test]
    fn a_circle_with_a_way_out_has_an_end() {
        let arrows = [(0, 1), (1, 2), (2, 1), (2, 3)];
        assert_eq!(
            loops_without_end(&corners(&arrows, &[1], &[3], 4)),
            Vec::<Vec<usize>>::new()
        );
        assert_eq!(
            loops_without_end(&corners(&arrows[..3], &[1], &[], 3)),
            [vec![1, 2]]
        );
    }

    #[test]
    fn a_knot_of_two_thousand_corners_is_looked_over() {
        let arrows: Vec<(usize, usize)> = (0..2_000)
            .flat_map(|ix| [(ix, (ix + 1) % 2_000), (ix, (ix * 7) % 2_000)])
            .collect();
        let knot = corners(&arrows, &[], &[], 2_000);
        let found = endless_loops(&knot);
        assert!(!found.is_empty());
        for circle in found {
            for (place, ix) in circle.iter().enumerate() {
                assert!(
                    knot[*ix].to.contains(&circle[(place + 1) % circle.len()]),
                    "no arrow there"
                );
            }
        }
    }
}
