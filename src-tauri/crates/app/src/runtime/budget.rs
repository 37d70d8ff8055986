//! What an account's limits leave: so many in any 24 hours, so many in any minute.
//!
//! Both are counted from rows that are written with what they count, so that a crash forgets none. The rows know whole
//! minutes only; counted by them alone, a minute's share would be free again after up to two. So this process also
//! remembers the last minute to the millisecond, and trusts that as soon as it has seen a whole one.

use carillon_model::{AccountId, Moment};
use carillon_store::{Tx, accounts};
use chrono::TimeDelta;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

const DAY: TimeDelta = TimeDelta::hours(24);
const MINUTE: TimeDelta = TimeDelta::seconds(60);
/// A minute as we count it: a server counts when a message arrives, which may be a little later than it was let go.
const SAFE_MINUTE: TimeDelta = TimeDelta::seconds(61);

/// What each account let go in the last minute, as this process saw it, and what its provider said it may send.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seen: Mutex<BTreeMap<AccountId, Seen>>,
    /// What is left of the quota since the provider was asked last.
    left: Mutex<BTreeMap<AccountId, u32>>,
}

/// How long an account whose provider takes no more is left alone before it is asked again.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(15);

#[derive(Debug)]
struct Seen {
    /// Since when nothing was missed.
    since: Moment,
    /// Moments and how many, oldest first.
    gone: VecDeque<(Moment, u32)>,
}

impl Pace {
    /// Keeps what a provider said is left of an account's quota; nothing: it does not say.
    pub(super) fn allow(&self, id: AccountId, left: Option<u64>) {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left {
            Some(left) => drop(all.insert(id, u32::try_from(left).unwrap_or(u32::MAX))),
            None => drop(all.remove(&id)),
        }
    }

    fn left(&self, id: AccountId) -> Option<u32> {
        let all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).copied()
    }

    /// How many went in the last minute and when the first of them is over; `None` while that is not known to the
    /// millisecond.
    fn last_minute(&self, id: AccountId, now: Moment) -> Option<(u32, Option<Moment>)> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(id).or_insert_with(|| Seen {
            since: now,
            gone: VecDeque::new(),
        });
        let begin = now - SAFE_MINUTE;
        while seen.gone.front().is_some_and(|(at, _)| *at <= begin) {
            seen.gone.pop_front();
        }
        let count = seen.gone.iter().map(|(_, n)| n).sum();
        let free_at = seen.gone.front().map(|(at, _)| *at + SAFE_MINUTE);
        (seen.since <= begin).then_some((count, free_at))
    }

    fn remember(&self, id: AccountId, now: Moment, n: u32) {
        if let Some(left) = self
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&id)
        {
            *left = left.saturating_sub(n);
        }
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(id).or_insert_with(|| Seen {
            since: now,
            gone: VecDeque::new(),
        });
        seen.gone.push_back((now, n));
    }
}

/// What an account's limits leave now.
pub(super) struct Budget {
    pub(super) left: u32,
    /// When something is free again, where nothing is left.
    pub(super) free_at: Moment,
}

impl Budget {
    /// By the limits as they are now: somebody may have lowered them while the lane works.
    pub(super) fn of(tx: &Tx<'_>, id: AccountId, now: Moment, pace: &Pace) -> carillon_store::Result<Budget> {
        let Some(account) = accounts::get(tx, id)?.map(|row| row.account) else {
            return Ok(Budget {
                left: 0,
                free_at: now + MINUTE,
            });
        };
        let (in_minute, minute_over) = match pace.last_minute(id, now) {
            Some(known) => known,
            None => (
                accounts::spent(tx, id, now - MINUTE)?,
                accounts::first_spent(tx, id, now - MINUTE)?.map(|at| at + MINUTE),
            ),
        };
        let left_day = account
            .per_day
            .saturating_sub(accounts::spent(tx, id, now - DAY)?);
        let left_minute = account.per_minute.saturating_sub(in_minute);
        let free_at = match left_day {
            0 => accounts::first_spent(tx, id, now - DAY)?.map(|at| at + DAY),
            _ => minute_over,
        };
        let own = left_day.min(left_minute);
        let left = pace.left(id).map_or(own, |theirs| theirs.min(own));
        let free_at = match own > 0 && left == 0 {
            true => Some(now + ASK_AGAIN),
            false => free_at,
        };
        Ok(Budget {
            left,
            free_at: free_at.unwrap_or(now + MINUTE),
        })
    }
}

/// Counts what goes now, in the write that lets it go. Should the write fail, this process remembers too many, which
/// harms nobody.
pub(super) fn spend(
    tx: &mut Tx<'_>,
    id: AccountId,
    now: Moment,
    n: usize,
    pace: &Pace,
) -> carillon_store::Result<()> {
    let n = u32::try_from(n).unwrap_or(u32::MAX);
    if n == 0 {
        return Ok(());
    }
    pace.remember(id, now, n);
    accounts::spend(tx, id, now, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: AccountId = AccountId(1);

    fn at(seconds: i64) -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_process_that_has_not_seen_a_whole_minute_says_so() {
        let pace = Pace::default();
        pace.remember(SHOP, at(100), 5);
        assert_eq!(pace.last_minute(SHOP, at(130)), None);
        assert_eq!(pace.last_minute(SHOP, at(160)), None);
        assert_eq!(pace.last_minute(SHOP, at(161)), Some((0, None)));
    }

    #[test]
    fn what_went_counts_for_a_minute_and_a_second_and_no_longer() {
        let pace = Pace::default();
        assert_eq!(pace.last_minute(SHOP, at(0)), None);
        pace.remember(SHOP, at(100), 5);
        pace.remember(SHOP, at(130), 2);
        assert_eq!(pace.last_minute(SHOP, at(160)), Some((7, Some(at(161)))));
        assert_eq!(pace.last_minute(SHOP, at(161)), Some((2, Some(at(191)))));
        assert_eq!(pace.last_minute(SHOP, at(191)), Some((0, None)));
        // Another account has its own.
        pace.remember(SHOP, at(200), 1);
        assert_eq!(pace.last_minute(AccountId(2), at(200)), None);
    }

    #[test]
    fn what_a_provider_allows_shrinks_with_what_goes_until_it_is_asked_again() {
        let pace = Pace::default();
        assert_eq!(pace.left(SHOP), None);
        pace.allow(SHOP, Some(3));
        pace.remember(SHOP, at(0), 2);
        assert_eq!(pace.left(SHOP), Some(1));
        pace.remember(SHOP, at(1), 5);
        assert_eq!(pace.left(SHOP), Some(0));
        pace.allow(SHOP, Some(u64::MAX));
        assert_eq!(pace.left(SHOP), Some(u32::MAX));
        pace.allow(SHOP, None);
        assert_eq!(pace.left(SHOP), None);
    }

    #[test]
    fn in_no_minute_more_goes_than_is_allowed_however_the_calls_fall() {
        let pace = Pace::default();
        let (limit, mut gone) = (10u32, Vec::new());
        assert_eq!(pace.last_minute(SHOP, at(-100)), None);
        for second in 0..600 {
            // Uneven calls: some seconds nobody asks.
            if second * 7 % 5 == 0 {
                continue;
            }
            let (count, _) = pace.last_minute(SHOP, at(second)).unwrap_or((limit, None));
            let n = limit.saturating_sub(count).min(3);
            if n > 0 {
                pace.remember(SHOP, at(second), n);
                gone.push((second, n));
            }
        }
        for (from, _) in &gone {
            let within: u32 = gone
                .iter()
                .filter(|(s, _)| (*from..*from + 60).contains(s))
                .map(|(_, n)| n)
                .sum();
            assert!(within <= limit, "{within} in the minute from second {from}");
        }
        let all: u32 = gone.iter().map(|(_, n)| n).sum();
        assert!(
            all >= 90,
            "and not much less than is allowed: {all} in ten minutes"
        );
    }
}
