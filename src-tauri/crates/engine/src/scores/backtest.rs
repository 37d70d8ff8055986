//! What a model would have said of people at an earlier moment, beside what they did afterwards.
//!
//! At that moment nobody knew what came later: events and messages after it are not there. Fields, tags and permissions
//! are those of today, since what they were is not kept.

use crate::record::{Movement, Past};
use crate::segment::{Facts, Seen};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::segment::EventMatch;
use carillon_model::{ContactId, Moment};
use chrono_tz::Tz;

/// The facts of `who` as they were known at a moment, that moment included.
pub(crate) struct Then<'a, F> {
    pub who: &'a F,
    pub then: Moment,
}

impl<F: Facts> Facts for Then<'_, F> {
    fn contact(&self) -> ContactId {
        self.who.contact()
    }
    fn field(&self, key: &str) -> Option<Seen<'_>> {
        self.who.field(key)
    }
    fn has_tag(&self, tag: &str) -> bool {
        self.who.has_tag(tag)
    }
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment)) {
        self.who.events(matching, &mut |at| {
            if at <= self.then {
                push(at);
            }
        });
    }
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>)) {
        self.who.values(matching, prop, &mut |at, value| {
            if at <= self.then {
                push(at, value);
            }
        });
    }
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment)) {
        self.who.sent(template, &mut |at| {
            if at <= self.then {
                push(at);
            }
        });
    }
    fn moved(&self, movement: &Movement, push: &mut dyn FnMut(Moment)) {
        self.who.moved(movement, &mut |at| {
            if at <= self.then {
                push(at);
            }
        });
    }
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment)) {
        self.who.messages(&mut |template, at| {
            if at <= self.then {
                push(template, at);
            }
        });
    }
    fn past(&self, key: &str) -> Past {
        let known = self.who.past(key);
        Past::of(known.iter().filter(|(at, _)| *at <= self.then).collect())
    }
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis> {
        self.who.permission(channel, purpose)
    }
    fn suppressed(&self) -> bool {
        self.who.suppressed()
    }
    fn zone(&self) -> Option<Tz> {
        self.who.zone()
    }
}

/// A tenth of the people, by points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tenth {
    /// The fewest and the most points in it.
    pub from: i64,
    pub to: i64,
    pub people: u32,
    /// How many of them reached the goal. People of equal points who do not fit into one tenth are shared out evenly, so it
    /// may be a part of one.
    pub reached: f64,
}

/// The tenths from the most points to the fewest; fewer where there are fewer than ten people. `points` and `reached` are of
/// the same people in the same order.
pub fn tenths(points: &[i64], reached: &[bool]) -> Vec<Tenth> {
    let mut people: Vec<(i64, bool)> = points.iter().copied().zip(reached.iter().copied()).collect();
    people.sort_unstable_by_key(|(points, _)| std::cmp::Reverse(*points));
    // Of each person, the share of their points' group that reached it.
    let mut shares: Vec<f64> = Vec::with_capacity(people.len());
    for group in people.chunk_by(|a, b| a.0 == b.0) {
        let share = group.iter().filter(|(_, reached)| *reached).count() as f64 / group.len() as f64;
        shares.resize(shares.len() + group.len(), share);
    }
    let all = people.len();
    let tenths = (0..10).map(|tenth| tenth * all / 10..(tenth + 1) * all / 10);
    let filled = tenths.filter(|range| !range.is_empty()).map(|range| Tenth {
        from: people[range.end - 1].0,
        to: people[range.start].0,
        people: range.len() as u32,
        reached: shares[range].iter().sum(),
    });
    filled.collect()
}

/// A number with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
}

/// The area under the curve of hits over false alarms (ROC): how often a model gives the more points to the one of two
/// people who reached the goal, ties counted half. With the error of DeLong, DeLong and Clarke-Pearson (1988).
pub struct Area {
    /// Of each who reached it, the share of the others with fewer points; and the other way round.
    hits: Vec<f64>,
    misses: Vec<f64>,
}

impl Area {
    /// `None` where not two people reached it, or not two did not.
    pub fn of(points: &[i64], reached: &[bool]) -> Option<Area> {
        let those = |is: bool| -> Vec<i64> {
            let all = points.iter().zip(reached).filter(|(_, reached)| **reached == is);
            all.map(|(points, _)| *points).collect()
        };
        let (with, without) = (those(true), those(false));
        if with.len() < 2 || without.len() < 2 {
            return None;
        }
        let (fewer_without, fewer_with) = (Below::of(&without), Below::of(&with));
        Some(Area {
            hits: with.iter().map(|points| fewer_without.share(*points)).collect(),
            misses: without
                .iter()
                .map(|points| 1.0 - fewer_with.share(*points))
                .collect(),
        })
    }

    /// 0 to 1; a half is chance.
    pub fn estimate(&self) -> Estimate {
        Estimate {
            value: mean(&self.hits),
            error: self.covariance(self).max(0.0).sqrt(),
        }
    }

    /// By how much this one is larger than another of the same people.
    pub fn beyond(&self, other: &Area) -> Estimate {
        let variance = self.covariance(self) + other.covariance(other) - 2.0 * self.covariance(other);
        Estimate {
            value: mean(&self.hits) - mean(&other.hits),
            error: variance.max(0.0).sqrt(),
        }
    }

    fn covariance(&self, other: &Area) -> f64 {
        covariance(&self.hits, &other.hits) / self.hits.len() as f64
            + covariance(&self.misses, &other.misses) / self.misses.len() as f64
    }
}

/// Points in order, to ask how many are fewer.
struct Below(Vec<i64>);

impl Below {
    fn of(points: &[i64]) -> Below {
        let mut sorted = points.to_vec();
        sorted.sort_unstable();
        Below(sorted)
    }

    /// The share that has fewer, and half of those that have as many.
    fn share(&self, points: i64) -> f64 {
        let fewer = self.0.partition_point(|other| *other < points);
        let upto = self.0.partition_point(|other| *other <= points);
        (fewer + upto) as f64 / 2.0 / self.0.len() as f64
    }
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

/// Of a sample: over one less than there are.
fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    products.sum::<f64>() / (a.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tenths_go_from_the_most_points_to_the_fewest_and_share_equal_points_out() {
        let points: Vec<i64> = (0..20).collect();
        let reached: Vec<bool> = points.iter().map(|p| *p >= 17).collect();
        let tenths = tenths(&points, &reached);
        assert_eq!(tenths.len(), 10);
        assert_eq!((tenths[0].from, tenths[0].to, tenths[0].people), (18, 19, 2));
        let reached: Vec<f64> = tenths.iter().map(|tenth| tenth.reached).collect();
        assert_eq!(reached[..3], [2.0, 1.0, 0.0]);

        // Nobody can be told apart: whoever happens to come first is no better.
        let level = super::tenths(&[5; 20], &[[true; 4].as_slice(), &[false; 16]].concat());
        assert!(level.iter().all(|tenth| (tenth.reached - 0.4).abs() < 1e-12));
        assert_eq!(super::tenths(&[1, 2, 3], &[false, false, true]).len(), 3);
        assert_eq!(super::tenths(&[], &[]), []);
    }

    #[test]
    fn the_area_is_that_of_a_worked_example() {
        // Of the six pairs, four are in order (4 of 3, 2 and 1; 2 of 1), one is a tie and one the wrong way round.
        let (points, reached) = ([4, 2, 3, 2, 1], [true, true, false, false, false]);
        let area = Area::of(&points, &reached).expect("two and three").estimate();
        assert!((area.value - 4.5 / 6.0).abs() < 1e-12, "{area:?}");
        assert!(Area::of(&points, &[true, false, false, false, false]).is_none());
        let perfect = Area::of(&[9, 8, 1, 2], &[true, true, false, false]).expect("two and two");
        assert_eq!(
            perfect.estimate(),
            Estimate {
                value: 1.0,
                error: 0.0
            }
        );
    }

    proptest! {
        /// Against all pairs, one by one.
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(
            people in prop::collection::vec((-5i64..5, any::<bool>()), 8..40)
        ) {
            let points: Vec<i64> = people.iter().map(|(points, _)| *points).collect();
            let reached: Vec<bool> = people.iter().map(|(_, reached)| *reached).collect();
            let by_pairs = |points: &[i64], reached: &[bool]| {
                let mut sum = (0.0, 0.0);
                for (a, _) in points.iter().zip(reached).filter(|(_, is)| **is) {
                    for (b, _) in points.iter().zip(reached).filter(|(_, is)| !**is) {
                        sum.0 += match a.cmp(b) {
                            std::cmp::Ordering::Greater => 1.0,
                            std::cmp::Ordering::Equal => 0.5,
                            std::cmp::Ordering::Less => 0.0,
                        };
                        sum.1 += 1.0;
                    }
                }
                sum.0 / sum.1
            };
            let area = Area::of(&points, &reached);
            let n = reached.iter().filter(|is| **is).count();
            prop_assert_eq!(area.is_some(), n >= 2 && people.len() - n >= 2);
            if let Some(area) = area {
                let estimate = area.estimate();
                prop_assert!((estimate.value - by_pairs(&points, &reached)).abs() < 1e-9);
                prop_assert!((0.0..=1.0).contains(&estimate.error));
                let none = area.beyond(&Area::of(&points, &reached).expect("the same"));
                prop_assert!(none.value.abs() < 1e-12 && none.error < 1e-6);
                let contrary: Vec<i64> = points.iter().map(|points| -points).collect();
                let other = Area::of(&contrary, &reached).expect("the same people");
                prop_assert!((other.estimate().value - (1.0 - estimate.value)).abs() < 1e-9);
                prop_assert!((other.estimate().error - estimate.error).abs() < 1e-9);
                // All of the one is gained by the other: the errors add up.
                prop_assert!((area.beyond(&other).error - 2.0 * estimate.error).abs() < 1e-6);
            }
            let all: f64 = tenths(&points, &reached).iter().map(|tenth| tenth.reached).sum();
            prop_assert!((all - n as f64).abs() < 1e-9);
        }
    }
}
