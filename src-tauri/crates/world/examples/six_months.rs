//! Plays six months of 1,000 contacts mailed weekly and says how long the town itself took. Run with --release.

#[path = "../tests/town/letter.rs"]
mod letter;

use carillon_model::Moment;
use carillon_world::Inbox;
use carillon_world::personas::{Arrival, Effect, Town, WorldSettings};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::time::{Duration, Instant};

fn main() {
    let start = Moment::from_timestamp(1_772_524_800, 0).unwrap_or_default();
    let mut town = Town::new(WorldSettings::new(1, start));
    let mut inbox = Inbox::new(None);
    let (mut delivering, mut acting, mut listing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut mails, mut acts, mut requests, mut replies, mut bytes) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for week in 0..27 {
        let at = start + TimeDelta::weeks(week);
        let began = Instant::now();
        let due = town.due(at);
        for (at, act) in &due {
            match act.effect(*at) {
                Effect::Request(_) => requests += 1,
                Effect::Mail(_) => replies += 1,
                Effect::Purchase { .. } => {}
            }
        }
        acting += began.elapsed();
        acts += due.len() as u64;
        let began = Instant::now();
        for (at, act) in &due {
            inbox.answered(*at, act);
        }
        listing += began.elapsed();
        if week == 26 {
            break;
        }
        for n in 0..1_000_u32 {
            let to = format!("ada.smith.{n}@d{}.example", n % 40);
            let mail = letter::newsletter(&to, week as u32, at, 20_000);
            let arrival = Arrival {
                to: &to,
                mail_from: "bounce@kiosk.example",
                zone: Tz::Europe__Berlin,
                language: None,
                mail: &mail,
            };
            let began = Instant::now();
            town.deliver(&arrival, at);
            delivering += began.elapsed();
            let began = Instant::now();
            inbox.received(&to, &mail, at, None);
            listing += began.elapsed();
            mails += 1;
            bytes += mail.len() as u64;
        }
    }
    let all = delivering + acting + listing;
    println!(
        "{mails} mails of {} bytes, {acts} acts ({requests} requests, {replies} mails): deliver {delivering:.2?}, act {acting:.2?}, inbox {listing:.2?}; {:.0} mails/s",
        bytes / mails.max(1),
        mails as f64 / all.as_secs_f64()
    );
}
