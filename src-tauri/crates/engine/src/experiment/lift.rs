//! What a message changed, against those who got none.

use super::sequential::Interval;

/// Contacts, and those among them who did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub of: u64,
    pub did: u64,
}

impl Share {
    /// 0 to 1; 0 of nobody.
    pub fn rate(self) -> f64 {
        match self.of {
            0 => 0.0,
            of => self.did as f64 / of as f64,
        }
    }

    /// Wilson's score interval (*Probable inference*, JASA 22, 1927) at `z` standard deviations.
    fn between(self, z: f64) -> (f64, f64) {
        let (n, p) = (self.of as f64, self.rate());
        let square = z * z;
        let middle = (p + square / (2.0 * n)) / (1.0 + square / n);
        let half = z / (1.0 + square / n) * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
        ((middle - half).clamp(0.0, p), (middle + half).clamp(p, 1.0))
    }
}

/// By how much more of the treated did it than of those held out, -1 to 1, with the interval it lies in at 95 %: Newcombe's
/// hybrid of the two score intervals (*Interval estimation for the difference between independent proportions*, Stat. Med.
/// 17, 1998, method 10). For one look at the end of a window that was named before. `None` where a side is empty.
pub fn lift(treated: Share, held_out: Share) -> Option<Interval> {
    if treated.of == 0 || held_out.of == 0 {
        return None;
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (p, (p_low, p_high)) = (treated.rate(), treated.between(Z));
    let (q, (q_low, q_high)) = (held_out.rate(), held_out.between(Z));
    Some(Interval {
        at: p - q,
        low: p - q - (p - p_low).hypot(q_high - q),
        high: p - q + (p_high - p).hypot(q - q_low),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() < 5e-5
    }

    #[test]
    fn the_interval_is_that_of_newcombes_table() {
        // Newcombe 1998, table II, method 10: 56/70 against 48/80, and 9/10 against 3/10.
        let found = lift(Share { of: 70, did: 56 }, Share { of: 80, did: 48 }).unwrap();
        assert!(
            close(found.at, 0.2) && close(found.low, 0.0524) && close(found.high, 0.3339),
            "{found:?}"
        );
        let found = lift(Share { of: 10, did: 9 }, Share { of: 10, did: 3 }).unwrap();
        assert!(close(found.low, 0.1705) && close(found.high, 0.8090), "{found:?}");
        let found = lift(Share { of: 56, did: 0 }, Share { of: 29, did: 0 }).unwrap();
        assert!(
            close(found.low, -0.1170) && close(found.high, 0.0642),
            "{found:?}"
        );
    }

    #[test]
    fn who_is_compared_with_nobody_has_no_lift() {
        let some = Share { of: 10, did: 3 };
        assert!(lift(some, Share::default()).is_none() && lift(Share::default(), some).is_none());
    }

    #[test]
    fn a_lift_is_within_its_interval_and_turns_its_sign_with_its_sides() {
        for (a, b) in [((50, 0), (20, 20)), ((7, 3), (9, 1)), ((1_000, 31), (1_000, 30))] {
            let (one, other) = (Share { of: a.0, did: a.1 }, Share { of: b.0, did: b.1 });
            let (there, back) = (lift(one, other).unwrap(), lift(other, one).unwrap());
            assert!(there.low <= there.at && there.at <= there.high);
            assert!(close(there.at, -back.at) && close(there.low, -back.high));
            assert!(there.low >= -1.0 && there.high <= 1.0);
        }
    }
}
