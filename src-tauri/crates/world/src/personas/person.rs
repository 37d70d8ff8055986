//! Who somebody is: persona and temperament of an address, the same whenever they are asked for.

use super::rates::rates;
use super::settings::{Language, Persona, WorldSettings};
use crate::dice::Dice;
use carillon_model::Moment;
use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// In whose manner a domain's mail server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    Postfix,
    Exchange,
    Qmail,
}

/// Somebody with an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Lower case.
    pub address: String,
    pub persona: Persona,
    /// 0.5 to 1.5: how much more often than others of the persona somebody reads and clicks.
    pub keenness: f64,
    /// How many mails are borne; 1 is usual.
    pub patience: f64,
    /// 0.4 to 2.4: how much later than others somebody reads.
    pub delay: f64,
    /// Hours of the person's day, in the person's zone.
    pub wakes_at: u32,
    pub sleeps_at: u32,
    /// What is usually spent at once, in minor units.
    pub purse: u32,
    /// When the address dies.
    pub leaves_at: Option<Moment>,
    /// Whether mail to somebody who left is answered for some weeks by a notice that says so.
    pub farewell: bool,
    /// Day of 140 on which the mailbox begins to be full, for four weeks.
    pub full_from: Option<u32>,
    /// Whether absences are told to those who write.
    pub tells_absence: bool,
    /// Of bots: follows links; else it only loads images.
    pub scanner: bool,
    pub agent: &'static str,
    pub language: Language,
    pub server: Server,
    pub greylists: bool,
}

/// How long mail to somebody who left is still answered.
const FAREWELL: TimeDelta = TimeDelta::days(45);

impl Person {
    /// The person behind an address of a world.
    pub fn of(settings: &WorldSettings, address: &str) -> Person {
        let rates = rates();
        let address = address.to_lowercase();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let of_domain = &mut Dice::of(settings.seed, &[b"domain", domain.as_bytes()]);
        let dice = &mut Dice::of(settings.seed, &[b"person", address.as_bytes()]);
        let persona = settings.persona_at(dice.unit());
        let scanner = dice.unit() < rates.world.scanners_among_bots;
        let agents = match (persona, scanner) {
            (Persona::Bot, true) => &rates.agents.scanners,
            (Persona::Bot, false) => &rates.agents.prefetchers,
            _ => &rates.agents.people,
        };
        let own_language = [Language::English, Language::German, Language::French][dice.below(3) as usize];
        Person {
            persona,
            keenness: dice.within((0.5, 1.5)),
            patience: dice.within(rates.of(persona).patience),
            delay: 0.4 + 2.0 * dice.unit() * dice.unit(),
            wakes_at: dice.between(5, 8),
            sleeps_at: dice.between(21, 23),
            purse: dice.between(900, 6_000),
            leaves_at: leaves_at(settings, dice).filter(|_| persona == Persona::GoneAway),
            farewell: dice.per_mille(400),
            full_from: Some(dice.below(140)).filter(|_| dice.unit() < rates.world.full_mailboxes),
            tells_absence: dice.unit() < rates.world.automatic_replies,
            scanner,
            agent: dice.pick(agents.as_slice()).as_str(),
            language: settings.language.unwrap_or(own_language),
            server: [Server::Postfix, Server::Exchange, Server::Qmail]
                [of_domain.weighted([45, 35, 20].into_iter())],
            greylists: of_domain.unit() < rates.world.greylisting_domains,
            address,
        }
    }

    /// Whether the address is dead and nobody even says so any more.
    pub fn is_gone(&self, at: Moment) -> bool {
        self.leaves_at
            .is_some_and(|left| at >= left && !self.says_farewell(at))
    }

    /// Whether somebody left, and mail is answered by a notice that says so.
    pub fn says_farewell(&self, at: Moment) -> bool {
        let told = self.farewell && self.server == Server::Exchange;
        told && self
            .leaves_at
            .is_some_and(|left| at >= left && at < left + FAREWELL)
    }

    /// Whether the mailbox has no room.
    pub fn is_full(&self, at: Moment) -> bool {
        let day = at.timestamp().div_euclid(86_400).rem_euclid(140) as u32;
        self.full_from.is_some_and(|from| (day + 140 - from) % 140 < 28)
    }

    /// The day on which somebody who is away on this day is back, if so: each has a long absence in summer and a
    /// short one at some time of the year.
    pub fn back_on(&self, seed: u64, day: NaiveDate) -> Option<NaiveDate> {
        // An absence of last year may reach into this one.
        [day.year() - 1, day.year()].into_iter().find_map(|year| {
            let dice = &mut Dice::of(seed, &[b"absence", self.address.as_bytes(), &year.to_le_bytes()]);
            let first_day = NaiveDate::from_ymd_opt(year, 1, 1)?;
            let spans = [
                (dice.between(170, 235), dice.between(7, 21)),
                (dice.below(365), dice.between(2, 8)),
            ];
            spans.into_iter().find_map(|(from, days)| {
                let from = first_day + Days::new(u64::from(from));
                let back = from + Days::new(u64::from(days));
                (from..back).contains(&day).then_some(back)
            })
        })
    }
}

/// What an address suggests as a name: `ada.smith.7@…` is Ada Smith.
pub fn name_of(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default();
    let words = local.split(['.', '_', '-', '+']);
    let names = words.filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic));
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        first + letters.as_str()
    };
    names.take(3).map(capital).collect::<Vec<_>>().join(" ")
}

/// Some are dead before the world begins, the others die in its first year and a half.
fn leaves_at(settings: &WorldSettings, dice: &mut Dice) -> Option<Moment> {
    let world = &rates().world;
    let dead = world.dead_from_the_start_at_worst * (1.0 - settings.quality());
    let (place, day) = (
        dice.unit(),
        dice.below(world.days_until_the_last_has_gone * 1_440),
    );
    let after = if place < dead {
        TimeDelta::days(-400)
    } else {
        TimeDelta::minutes(i64::from(day))
    };
    settings.begins_at.checked_add_signed(after)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn person(address: &str) -> Person {
        Person::of(
            &WorldSettings::new(3, "2026-01-01T00:00:00Z".parse().unwrap()),
            address,
        )
    }

    #[test]
    fn an_address_is_the_same_person_in_any_case_and_another_seed_another() {
        assert_eq!(person("Ada@Example.com"), person("ada@example.com"));
        let settings = WorldSettings::new(4, "2026-01-01T00:00:00Z".parse().unwrap());
        let other = (0..50).filter(|n| {
            let address = format!("p{n}@example.com");
            Person::of(&settings, &address) != person(&address)
        });
        assert_eq!(other.count(), 50);
    }

    #[test]
    fn people_of_a_domain_share_its_server() {
        let servers = (0..40).map(|n| person(&format!("p{n}@example.com")).server);
        assert_eq!(servers.collect::<std::collections::HashSet<_>>().len(), 1);
        let servers = (0..40).map(|n| person(&format!("p@d{n}.example")).server);
        assert_eq!(servers.collect::<std::collections::HashSet<_>>().len(), 3);
    }

    #[test]
    fn an_absence_ends_on_the_day_it_names() {
        let person = person("ada.smith.7@example.com");
        let first: NaiveDate = "2026-01-01".parse().unwrap();
        let away: Vec<_> = first
            .iter_days()
            .take(365)
            .filter_map(|day| Some((day, person.back_on(3, day)?)))
            .collect();
        assert!((9..=29).contains(&away.len()), "{}", away.len());
        for (day, back) in away {
            assert!(day < back && (back - day).num_days() <= 21);
        }
    }

    #[test]
    fn a_name_is_read_from_an_address() {
        assert_eq!(name_of("ada.young-reyes.17@example.com"), "Ada Young Reyes");
        assert_eq!(name_of("4711@example.com"), "");
    }
}
