//! Token buckets, in memory only: who asked how often is never written down.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// At most so many buckets are remembered; full ones are forgotten first, then all.
const MOST: usize = 100_000;

/// A bucket for each key.
#[derive(Debug)]
pub struct Buckets<K> {
    per_second: f64,
    burst: f64,
    state: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Buckets that hold `burst` and fill by `per_second`.
    pub fn new(per_second: f64, burst: f64) -> Buckets<K> {
        Buckets {
            per_second,
            burst,
            state: Mutex::default(),
        }
    }

    /// Takes `cost` out of a key's bucket; `false` when there is not so much in it, and nothing is taken.
    pub fn take(&self, key: K, cost: f64, now: Instant) -> bool {
        if self.per_second.is_infinite() {
            return true;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.len() >= MOST && !state.contains_key(&key) {
            state.retain(|_, (left, at)| self.filled(*left, *at, now) < self.burst);
            if state.len() >= MOST {
                state.clear();
            }
        }
        let (left, at) = state.entry(key).or_insert((self.burst, now));
        *left = self.filled(*left, *at, now);
        *at = now;
        let enough = *left >= cost;
        if enough {
            *left -= cost;
        }
        enough
    }

    /// Puts back what was taken for nothing.
    pub fn give_back(&self, key: &K, cost: f64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((left, _)) = state.get_mut(key) {
            *left += cost;
        }
    }

    fn filled(&self, left: f64, at: Instant, now: Instant) -> f64 {
        let filled = left + self.per_second * now.saturating_duration_since(at).as_secs_f64();
        filled.min(self.burst)
    }
}

/// What counts as one address: all of a v4 address, the /64 of a v6 one.
pub fn one_visitor(address: IpAddr) -> [u8; 16] {
    let mut bytes = match address.to_canonical() {
        IpAddr::V4(v4) => return v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    bytes[8..].fill(0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_holds_its_burst_and_fills_with_time_and_each_key_has_its_own() {
        let buckets = Buckets::new(2.0, 3.0);
        let start = Instant::now();
        assert!((0..3).all(|_| buckets.take(1, 1.0, start)));
        assert!(!buckets.take(1, 1.0, start));
        assert!(buckets.take(2, 1.0, start));
        let later = start + Duration::from_secs(1);
        assert!(buckets.take(1, 1.0, later) && buckets.take(1, 1.0, later));
        assert!(!buckets.take(1, 1.0, later));
        let much_later = start + Duration::from_secs(1_000);
        assert!(buckets.take(1, 3.0, much_later) && !buckets.take(1, 0.1, much_later));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let buckets = Buckets::new(1.0, 1.0);
        let now = Instant::now();
        for key in 0..MOST + 10 {
            buckets.take(key, 1.0, now);
        }
        assert!(buckets.state.lock().expect("a lock").len() <= MOST);
    }

    #[test]
    fn a_v6_network_is_one_visitor_and_a_mapped_v4_address_is_itself() {
        let one = |text: &str| one_visitor(text.parse().expect("an address"));
        assert_eq!(one("2001:db8::1"), one("2001:db8::ffff:1"));
        assert_ne!(one("2001:db8::1"), one("2001:db8:0:1::1"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
    }
}
