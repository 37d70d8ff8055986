use super::*;
use crate::journey::chance::Chance;
use carillon_model::campaign::Part;
use carillon_model::{CampaignId, ContactId};
use proptest::prelude::*;

/// Throws of one run, the same each time.
struct Throws(Chance, u64);

impl Throws {
    fn new(run: u64) -> Throws {
        Throws(Chance::default().bytes(b"experiment").number(run), 0)
    }

    fn hit(&mut self, rate: f64) -> bool {
        self.1 += 1;
        self.0.number(self.1).unit() < rate
    }
}

fn design(arms: u8, base_rate: f64, minimum_effect: f64) -> Design {
    Design {
        alpha: 0.05,
        power: 0.8,
        base_rate,
        minimum_effect,
        arms,
    }
}

/// Looks after every recipient, `n` of each arm; whether it ever decides, and for whom.
fn watched(design: &Design, rates: &[f64], n: u64, run: u64) -> Option<usize> {
    let mut throws = Throws::new(run);
    let wanted = -design.level().ln();
    let k = rates.len();
    let mut mine = vec![vec![0u32; k]; k];
    for _ in 0..n {
        let hits: Vec<bool> = rates.iter().map(|rate| throws.hit(*rate)).collect();
        if hits.iter().all(|hit| *hit == hits[0]) {
            continue;
        }
        for a in 0..k {
            for b in 0..k {
                mine[a][b] += u32::from(hits[a] && !hits[b]);
            }
        }
        let wins = |a: usize| {
            (0..k).filter(|b| *b != a).all(|b| {
                mine[a][b] > mine[b][a] && evidence(mine[a][b], mine[b][a], design.shape()) >= wanted
            })
        };
        if let Some(winner) = (0..k).find(|a| wins(*a)) {
            return Some(winner);
        }
    }
    None
}

#[test]
fn looking_after_every_recipient_finds_a_difference_that_is_not_there_in_at_most_one_of_twenty() {
    let runs = 1_000;
    for (rate, expected) in [(0.02, 0.02), (0.02, 0.2), (0.2, 0.2), (0.5, 0.5)] {
        let design = design(2, expected, 0.2);
        let false_alarms = (0..runs)
            .filter(|run| watched(&design, &[rate, rate], 3_000, *run).is_some())
            .count();
        assert!(
            false_alarms <= runs as usize / 20,
            "{false_alarms} of {runs} at a rate of {rate}"
        );
    }
}

#[test]
fn four_arms_that_are_alike_are_told_apart_in_at_most_one_of_twenty() {
    let design = design(4, 0.1, 0.3);
    let false_alarms = (0..600)
        .filter(|run| watched(&design, &[0.1; 4], 2_000, 10_000 + run).is_some())
        .count();
    assert!(false_alarms <= 30, "{false_alarms} of 600");
}

#[test]
fn an_uncorrected_look_every_time_would_be_wrong_far_more_often() {
    // What this guards against: the same looks with a fixed 5 % threshold.
    let wrong = (0..300)
        .filter(|run| {
            let mut throws = Throws::new(*run);
            let (mut a, mut b) = (0f64, 0f64);
            (0..3_000).any(|_| {
                let (x, y) = (throws.hit(0.2), throws.hit(0.2));
                a += f64::from(u8::from(x && !y));
                b += f64::from(u8::from(y && !x));
                a + b >= 10.0 && (a - b).abs() / (a + b).sqrt() > 1.96
            })
        })
        .count();
    assert!(wrong > 60, "{wrong} of 300");
}

#[test]
fn the_planned_number_finds_the_planned_effect_about_as_often_as_planned() {
    for (arms, base, effect) in [(2, 0.05, 0.4), (2, 0.3, 0.2), (3, 0.1, 0.5)] {
        let design = design(arms, base, effect);
        let n = design.planned().per_arm;
        let mut rates = vec![base; usize::from(arms)];
        rates[1] = base * (1.0 + effect);
        let runs = 300;
        let found = (0..runs)
            .filter(|run| watched(&design, &rates, n, 20_000 + run) == Some(1))
            .count();
        let power = found as f64 / runs as f64;
        assert!((0.76..0.95).contains(&power), "{power} with {n} of {arms} arms");
    }
}

#[test]
fn a_smaller_effect_more_arms_and_a_lower_rate_take_more() {
    let n = |arms, base, effect| design(arms, base, effect).planned().per_arm;
    assert!(n(2, 0.05, 0.2) > n(2, 0.05, 0.4));
    assert!(n(3, 0.05, 0.4) > n(2, 0.05, 0.4));
    assert!(n(2, 0.01, 0.4) > n(2, 0.05, 0.4));
    // A fixed test of 5 % to 7 % takes 2,210; looking all the time costs less than half as much again.
    let n = n(2, 0.05, 0.4);
    assert!((2_210..4_420).contains(&n), "{n}");
}

#[test]
fn intervals_hold_the_truth_at_every_look_in_nineteen_of_twenty() {
    let mut missed = (0, 0);
    for run in 0..300 {
        let mut throws = Throws::new(30_000 + run);
        let (mut hits, mut mine, mut theirs) = (0, 0, 0);
        let (mut rate_out, mut odds_out) = (false, false);
        for n in 1..=1_000 {
            let (a, b) = (throws.hit(0.1), throws.hit(0.15));
            hits += u32::from(a);
            mine += u32::from(b && !a);
            theirs += u32::from(a && !b);
            if n % 20 != 0 {
                continue;
            }
            let rate = rate_between(hits, n, 0.05);
            rate_out |= !(rate.low..=rate.high).contains(&0.1);
            let odds = odds_between(mine, theirs, 5.0, 0.05);
            let truth = (0.15 / 0.85) / (0.1 / 0.9);
            odds_out |= !(odds.low..=odds.high).contains(&truth);
        }
        missed.0 += i32::from(rate_out);
        missed.1 += i32::from(odds_out);
    }
    assert!(missed.0 <= 15 && missed.1 <= 15, "{missed:?} of 300");
}

fn arm(n: u32, every: u32) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for at in 0..n {
        outcomes.push((at * 7) % every == 0);
    }
    outcomes
}

#[test]
fn a_test_says_that_it_knows_too_little_then_who_leads_then_who_won() {
    let design = design(2, 0.1, 0.5);
    let verdict = |a: &Outcomes, b: &Outcomes, over| read(&design, &[a.clone(), b.clone()], over).verdict;
    assert_eq!(verdict(&arm(0, 9), &arm(0, 9), false), Verdict::NotEnoughData);
    assert_eq!(verdict(&arm(40, 10), &arm(40, 5), false), Verdict::NotEnoughData);
    assert_eq!(
        verdict(&arm(250, 10), &arm(250, 6), false),
        Verdict::Leading { arm: 1 }
    );
    assert_eq!(verdict(&arm(250, 10), &arm(250, 6), true), Verdict::NoDifference);
    assert_eq!(
        verdict(&arm(3_000, 10), &arm(3_000, 6), false),
        Verdict::Decided { arm: 1 }
    );
    assert_eq!(
        verdict(&arm(3_000, 6), &arm(3_000, 10), true),
        Verdict::Decided { arm: 0 }
    );
}

#[test]
fn an_arm_that_drives_people_away_is_seen() {
    assert_eq!(hurt(&[arm(2_000, 500), arm(2_000, 40)]), [false, true]);
    assert_eq!(hurt(&[arm(2_000, 100), arm(2_000, 101)]), [false, false]);
    assert_eq!(hurt(&[]), Vec::<bool>::new());
}

#[test]
fn shares_that_are_not_even_raise_the_alarm_and_even_ones_do_not() {
    let alarm = |counts: &[u32]| uneven(counts) >= -MISMATCH_LEVEL.ln();
    assert!(!alarm(&[5_000, 5_000]));
    assert!(!alarm(&[5_070, 4_930]));
    assert!(alarm(&[5_400, 4_600]));
    assert!(alarm(&[3_000, 3_000, 2_500]));
    assert!(!alarm(&[0, 0]));
    // Looked at after each recipient, fair draws raise it in far less than one of a hundred.
    let alarms = (0..200).filter(|run| {
        let mut throws = Throws::new(40_000 + run);
        let mut counts = [0, 0];
        (0..2_000).any(|_| {
            counts[usize::from(throws.hit(0.5))] += 1;
            alarm(&counts)
        })
    });
    assert!(alarms.count() <= 2);
}

#[test]
fn everybody_has_a_place_that_never_changes_and_the_shares_are_kept() {
    let shares = Shares {
        hold_out: 10,
        sample: 40,
        arms: 3,
    };
    let mut counts = [0u32; 5];
    for contact in 0..30_000 {
        let part = place(CampaignId(7), ContactId(contact), shares);
        assert_eq!(part, place(CampaignId(7), ContactId(contact), shares));
        counts[match part {
            Part::Arm(arm) => usize::from(arm),
            Part::Rest => 3,
            Part::HeldOut => 4,
        }] += 1;
    }
    assert!(
        counts[..3].iter().all(|n| (3_450..3_750).contains(n)),
        "{counts:?}"
    );
    assert!((15_900..16_500).contains(&counts[3]), "{counts:?}");
    assert!((2_850..3_150).contains(&counts[4]), "{counts:?}");
    let first: Vec<Part> = (0..5)
        .map(|c| place(CampaignId(7), ContactId(c), shares))
        .collect();
    assert_eq!(
        first, PINNED,
        "a campaign on its way keeps its contacts where they are"
    );
    let none = Shares {
        hold_out: 0,
        sample: 100,
        arms: 0,
    };
    assert_eq!(place(CampaignId(1), ContactId(1), none), Part::Rest);
}

const PINNED: [Part; 5] = [
    Part::HeldOut,
    Part::Arm(0),
    Part::Rest,
    Part::Arm(0),
    Part::Arm(2),
];

proptest! {
    #[test]
    fn outcomes_read_back_and_pairs_are_counted_one_by_one(a in prop::collection::vec(any::<bool>(), 0..80),
                                                           b in prop::collection::vec(any::<bool>(), 0..80)) {
        let of = |bits: &[bool]| {
            let mut outcomes = Outcomes::default();
            bits.iter().for_each(|bit| outcomes.push(*bit));
            outcomes
        };
        let (one, two) = (of(&a), of(&b));
        prop_assert_eq!(Outcomes::from_bytes(&one.to_bytes()), Some(one.clone()));
        prop_assert_eq!(one.hits() as usize, a.iter().filter(|bit| **bit).count());
        let only = |x: &[bool], y: &[bool]| x.iter().zip(y).filter(|(x, y)| **x && !**y).count() as u32;
        prop_assert_eq!(one.against(&two), (only(&a, &b), only(&b, &a)));
    }

    #[test]
    fn bytes_that_are_no_outcomes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Some(read) = Outcomes::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_reading_is_the_same_however_the_arms_are_named(n in 10u32..600, x in 2u32..20, y in 2u32..20) {
        let design = design(2, 0.1, 0.3);
        let (a, b) = (arm(n, x), arm(n, y));
        let one = read(&design, &[a.clone(), b.clone()], true).verdict;
        let other = read(&design, &[b, a], true).verdict;
        let swapped = match one {
            Verdict::Decided { arm } => Verdict::Decided { arm: 1 - arm },
            same => same,
        };
        prop_assert_eq!(other, swapped);
    }

    #[test]
    fn an_interval_holds_what_was_seen_and_evidence_excludes_the_same_as_it(mine in 0u32..400, theirs in 0u32..400) {
        let odds = odds_between(mine, theirs, 3.0, 0.05);
        let even_is_out = odds.low > 1.0 || odds.high < 1.0;
        let decided = evidence(mine, theirs, 3.0) >= 20f64.ln();
        prop_assert_eq!(even_is_out, decided);
        let rate = rate_between(mine, mine + theirs, 0.05);
        prop_assert!(rate.low <= rate.at && rate.at <= rate.high && rate.low >= 0.0 && rate.high <= 1.0);
    }
}
