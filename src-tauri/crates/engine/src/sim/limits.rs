//! Limits that all contacts share: how many mails an account lets go.
//!
//! Contacts are played one by one, each as if the accounts were its own, and when its mails want to leave is noted. Then
//! each account's mails are put in order of time, as live (`outbox`: by the moment they are due, then as they were asked
//! for), and each leaves at the earliest moment that keeps the limits. What an account holds changes nothing but when a mail
//! leaves; where a draft reads that (a condition or a score on what was sent, or what contacts do after a mail), everybody is played
//! again with those moments, until they come out as they went in ([`reads_mails`]). Each round is right for longer than
//! the one before, because a mail can change only what comes after it.

use super::{SimReport, World};
use crate::sim::behaviour::{Behaviour, Cause};
use carillon_model::{ContactId, Moment};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// What an account lets go, as [`carillon_model::account::Account`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Messages in any 24 hours.
    pub per_day: u32,
    /// Messages in any 60 seconds.
    pub per_minute: u32,
}

/// The accounts mails leave through. A mail of none of them leaves at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// By name.
    pub limits: BTreeMap<String, Limit>,
    /// That of steps that name none.
    pub default: Option<String>,
}

/// A mail that could leave, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    account: u16,
    at: Moment,
    contact: ContactId,
    /// Number among the contact's mails, from 0.
    nth: u32,
}

/// When a contact's mail could leave, and through which account, by its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub account: u16,
    pub at: Moment,
    /// Its number among the contact's mails, from 0; those of accounts without limits count, too.
    pub nth: u32,
}

/// The mails that could leave through accounts with limits, of all contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mails(Vec<Asked>);

/// A mail that its account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    contact: ContactId,
    pub nth: u32,
    asked_at: Moment,
    pub until: Moment,
}

/// The mails that accounts hold, by contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(Vec<Held>);

/// A minute's share as live counts it, a second longer.
const MINUTE: TimeDelta = TimeDelta::seconds(61);

impl Mails {
    /// Takes in the mails of other contacts.
    pub fn merge(&mut self, other: Mails) {
        self.0.extend(other.0);
    }

    /// Takes in the mails of one more contact.
    pub(super) fn of(&mut self, contact: ContactId, asked: &[Ask]) {
        self.0.extend(asked.iter().map(|ask| Asked {
            account: ask.account,
            at: ask.at,
            contact,
            nth: ask.nth,
        }));
    }
}

impl Holds {
    /// What is held of one contact.
    pub(super) fn of(&self, contact: ContactId) -> &[Held] {
        let from = self.0.partition_point(|held| held.contact < contact);
        let many = self.0[from..].partition_point(|held| held.contact == contact);
        &self.0[from..from + many]
    }

    /// Sets a report right in which every mail left when it wanted to.
    fn applied(&self, world: World<'_>, report: &mut SimReport) {
        let (plan, end) = (world.plan, world.plan.end());
        self.counted(world, report);
        for held in &self.0 {
            let wanted = plan.day(held.asked_at);
            report.mails[wanted] = report.mails[wanted].saturating_sub(1);
            if held.until < end {
                report.mails[plan.day(held.until)] += 1;
            }
        }
    }

    /// Counts what was held into a report in which it left when it was let.
    fn counted(&self, world: World<'_>, report: &mut SimReport) {
        let (plan, end) = (world.plan, world.plan.end());
        for held in &self.0 {
            report.held[plan.day(held.asked_at)] += 1;
            report.still_held += u64::from(held.until >= end);
        }
    }
}

impl Accounts {
    /// The account's place; `None` for one that has no limits.
    pub(super) fn place(&self, account: Option<&str>) -> Option<u16> {
        let name = account.or(self.default.as_deref())?;
        let place = self.limits.keys().position(|known| known == name)?;
        u16::try_from(place).ok()
    }

    /// Which mails the accounts hold.
    fn holds(&self, mut mails: Mails) -> Holds {
        mails.0.sort_unstable();
        let mut held = Vec::new();
        for of_account in mails.0.chunk_by(|one, other| one.account == other.account) {
            let place = of_account.first().map(|mail| usize::from(mail.account));
            let Some(limit) = place.and_then(|place| self.limits.values().nth(place)) else {
                continue;
            };
            let mut left: Vec<Moment> = Vec::with_capacity(of_account.len());
            for mail in of_account {
                let at = limit.earliest(&left, mail.at);
                left.push(at);
                if at > mail.at {
                    held.push(Held {
                        contact: mail.contact,
                        nth: mail.nth,
                        asked_at: mail.at,
                        until: at,
                    });
                }
            }
        }
        held.sort_unstable();
        Holds(held)
    }
}

/// Whether it matters to where contacts go when a mail leaves, and not only to when it does.
pub fn reads_mails(world: World<'_>) -> bool {
    let follows = |behaviour: &Behaviour| behaviour.cause == Cause::AfterMail;
    world.version.needs().sent
        || world.scores.is_some_and(|scores| scores.reads_mails())
        || world.behaviours.iter().any(follows)
}

/// The figures of everybody under the limits, and which mails are held. `play` plays everybody with the mails held that it
/// is given ([`super::Simulation`]), and is asked until those held are those that were held.
///
/// # Errors
/// Those of `play`.
pub fn settled<E>(
    world: World<'_>,
    accounts: &Accounts,
    mut play: impl FnMut(&Holds) -> Result<(SimReport, Mails), E>,
) -> Result<(SimReport, Holds), E> {
    let mut holds = Holds::default();
    loop {
        let (mut report, mails) = play(&holds)?;
        let after = accounts.holds(mails);
        if after == holds {
            holds.counted(world, &mut report);
            return Ok((report, holds));
        }
        if !reads_mails(world) {
            after.applied(world, &mut report);
            return Ok((report, after));
        }
        holds = after;
    }
}

impl Limit {
    /// When the next mail leaves that wants to at `at`, where the others left when `left` says.
    fn earliest(self, left: &[Moment], at: Moment) -> Moment {
        let after = |share: u32, free: fn(Moment) -> Moment| match left.len().checked_sub(share as usize) {
            Some(place) => left.get(place).map_or(Moment::MAX_UTC, |first| free(*first)),
            None => at,
        };
        let in_turn = left.last().copied().unwrap_or(at);
        at.max(in_turn)
            .max(after(self.per_minute, |first| plus(first, MINUTE)))
            .max(after(self.per_day, a_day_later))
    }
}

fn plus(at: Moment, time: TimeDelta) -> Moment {
    at.checked_add_signed(time).unwrap_or(Moment::MAX_UTC)
}

/// A day's share is counted by whole minutes.
fn a_day_later(at: Moment) -> Moment {
    let into_minute = TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(60_000));
    plus(at - into_minute, TimeDelta::hours(24) + TimeDelta::minutes(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::seconds(secs)
    }

    fn left(limit: Limit, wanted: &[i64]) -> Vec<i64> {
        let mut left = Vec::new();
        for secs in wanted {
            let next = limit.earliest(&left, at(*secs));
            left.push(next);
        }
        left.iter().map(Moment::timestamp).collect()
    }

    #[test]
    fn a_minutes_share_is_free_again_after_a_minute_and_a_days_after_a_day() {
        let slow = Limit {
            per_day: 1_000,
            per_minute: 2,
        };
        assert_eq!(left(slow, &[0, 0, 0, 10, 70, 300]), [0, 0, 61, 61, 122, 300]);
        let small = Limit {
            per_day: 2,
            per_minute: 1_000,
        };
        let day = 24 * 3_600;
        assert_eq!(
            left(small, &[0, 90, 100, 100, day + 70]),
            [0, 90, day + 60, day + 120, 2 * day + 120]
        );
        let shut = Limit {
            per_day: 0,
            per_minute: 10,
        };
        assert_eq!(left(shut, &[0]), [Moment::MAX_UTC.timestamp()]);
    }

    #[test]
    fn each_leaves_in_turn_as_early_as_the_limits_allow_and_no_earlier() {
        let limit = Limit {
            per_day: 40,
            per_minute: 3,
        };
        // Bursts and quiet times, by a fixed rule.
        let mut wanted: Vec<i64> = (0..300i64).map(|n| (n * n * 7_919) % 500_000).collect();
        wanted.sort_unstable();
        let left = left(limit, &wanted);
        let within = |until: i64, secs: i64| {
            left.iter()
                .filter(|at| (until - secs + 1..=until).contains(at))
                .count()
        };
        for (n, (at, wanted)) in left.iter().zip(&wanted).enumerate() {
            assert!(at >= wanted && (n == 0 || left[n - 1] <= *at));
            assert!(within(*at, 60) <= 3 && within(*at, 24 * 3_600) <= 40);
            // A moment earlier the last minute or day had its share, or another was in turn.
            let earlier = at - 1;
            let full = left[..n].iter().filter(|other| earlier - *other < 61).count() >= 3
                || left[..n]
                    .iter()
                    .filter(|other| earlier - *other < 24 * 3_600 + 60)
                    .count()
                    >= 40;
            assert!(at == wanted || full || left[n - 1] == *at, "{n}: {at}");
        }
        assert!(left.iter().zip(&wanted).any(|(at, wanted)| at > wanted));
    }
}
