//! The people of the mail world: what they do, what comes back, and what the inbox shows of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod behaviour;
mod inbox;
mod letter;
mod notices;
mod pages;

use carillon_model::Moment;
use carillon_world::personas::{Act, Arrival, Persona, Reception, Town, WorldSettings};
use chrono::TimeDelta;
use chrono_tz::Tz;

pub fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

/// A Tuesday morning in Berlin.
pub fn start() -> Moment {
    moment("2026-03-03T08:00:00Z")
}

pub fn settings(seed: u64) -> WorldSettings {
    WorldSettings::new(seed, start())
}

pub fn address(n: u32) -> String {
    format!("ada.smith.{n}@d{}.example", n % 40)
}

pub fn deliver(town: &mut Town, to: &str, mail: &[u8], at: Moment) -> Reception {
    let arrival = Arrival {
        to,
        mail_from: "bounce+7@kiosk.example",
        zone: Tz::Europe__Berlin,
        language: None,
        mail,
    };
    town.deliver(&arrival, at)
}

/// What a town does about newsletters to so many people, one each `every` days.
pub fn play(settings: WorldSettings, people: u32, mails: u32, every: i64) -> Vec<(Moment, Act)> {
    let mut town = Town::new(settings);
    let mut acts = Vec::new();
    for number in 0..mails {
        let at = start() + TimeDelta::days(every * i64::from(number));
        acts.extend(town.due(at));
        for n in 0..people {
            let mail = letter::newsletter(&address(n), number, at, 0);
            deliver(&mut town, &address(n), &mail, at);
        }
    }
    acts.extend(town.due(start() + TimeDelta::days(5_000)));
    assert_eq!((town.len(), town.dropped()), (0, 0));
    acts
}

/// Somebody of this persona, by trying addresses.
pub fn only(persona: Persona, seed: u64) -> WorldSettings {
    let mut settings = settings(seed);
    settings.mix = Some(carillon_world::personas::Mix::only(persona));
    settings
}
