//! What can be set of a world, and what everything in it follows from.

use super::rates::rates;
use carillon_model::Moment;
use carillon_model::contact::Currency;
use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// Kinds of people, from the one that is never there to the one that always is; a bot stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persona {
    /// Reads most mails, clicks, buys, writes back.
    Eager,
    /// Reads some, in the morning or in the evening.
    Busy,
    /// Reads next to nothing, and does not leave either.
    Silent,
    /// Leaves or complains soon.
    Annoyed,
    /// A mailbox behind a security scanner that follows links, or behind a proxy that loads images before anybody looks.
    Bot,
    /// The address dies at some moment.
    GoneAway,
}

impl Persona {
    /// All of them.
    pub const ALL: [Persona; 6] = [
        Persona::GoneAway,
        Persona::Annoyed,
        Persona::Silent,
        Persona::Busy,
        Persona::Eager,
        Persona::Bot,
    ];
}

/// Weights of the personas, used instead of what the quality of the list gives. At least one is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    pub eager: u16,
    pub busy: u16,
    pub silent: u16,
    pub annoyed: u16,
    pub bot: u16,
    pub gone_away: u16,
}

impl Mix {
    /// A world of one persona only.
    pub fn only(persona: Persona) -> Mix {
        let weight = |of| u16::from(of == persona);
        Mix {
            eager: weight(Persona::Eager),
            busy: weight(Persona::Busy),
            silent: weight(Persona::Silent),
            annoyed: weight(Persona::Annoyed),
            bot: weight(Persona::Bot),
            gone_away: weight(Persona::GoneAway),
        }
    }

    fn weight(&self, persona: Persona) -> f64 {
        f64::from(match persona {
            Persona::Eager => self.eager,
            Persona::Busy => self.busy,
            Persona::Silent => self.silent,
            Persona::Annoyed => self.annoyed,
            Persona::Bot => self.bot,
            Persona::GoneAway => self.gone_away,
        })
    }
}

/// When in the year people buy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "snake_case",
    tag = "kind",
    content = "per_cent",
    deny_unknown_fields
)]
pub enum Season {
    /// The same all year.
    #[default]
    Steady,
    /// Little in summer, most before Christmas, and a week around the fourth Friday of November. Our assumption.
    Retail,
    /// January to December in per cent of the usual.
    Months([u16; 12]),
}

impl Season {
    /// What a purchase on this day is as likely as, compared to a usual day.
    pub fn factor(&self, day: NaiveDate) -> f64 {
        const RETAIL: [u16; 12] = [85, 80, 90, 95, 95, 90, 75, 75, 95, 105, 135, 160];
        let of = |months: &[u16; 12]| f64::from(months[day.month0() as usize]) / 100.0;
        match self {
            Season::Steady => 1.0,
            Season::Months(months) => of(months),
            Season::Retail => {
                let friday = NaiveDate::from_weekday_of_month_opt(day.year(), 11, Weekday::Fri, 4);
                let peak = friday.is_some_and(|friday| (-4..=3).contains(&(day - friday).num_days()));
                let quiet = (day.month() == 12 && day.day() >= 24) || (day.month() == 1 && day.day() <= 6);
                of(&RETAIL) * if peak { 1.6 } else { 1.0 } * if quiet { 0.5 } else { 1.0 }
            }
        }
    }
}

/// What somebody writes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    English,
    German,
    French,
}

impl Language {
    /// From a BCP 47 tag; English for what the world does not speak.
    pub fn of(tag: &str) -> Language {
        match tag.get(..2).unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => Language::German,
            "fr" => Language::French,
            _ => Language::English,
        }
    }
}

/// How the sender hears that a mail could not be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureNews {
    /// The sender's own server takes every mail and sends a notice later, as a submission server does.
    #[default]
    Notices,
    /// The recipient's server says so in the SMTP session.
    Replies,
}

/// A world: everything in it follows from these and from the mails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSettings {
    pub seed: u64,
    /// First moment of the world: addresses die after it.
    pub begins_at: Moment,
    /// 0: bought; 1: everybody confirmed, and the dead were cleaned out.
    pub list_quality: f64,
    /// 0: most lands in spam folders, domains refuse the sender for days; 1: everything lands in the inbox.
    pub deliverability: f64,
    pub season: Season,
    /// `None`: as the quality of the list has it.
    pub mix: Option<Mix>,
    /// What everybody writes in; `None`: each their own.
    pub language: Option<Language>,
    /// What is paid in.
    pub currency: Currency,
    pub failures: FailureNews,
}

impl WorldSettings {
    /// A usual world: a fair list of a sender who is well regarded.
    pub fn new(seed: u64, begins_at: Moment) -> WorldSettings {
        WorldSettings {
            seed,
            begins_at,
            list_quality: 0.7,
            deliverability: 0.95,
            season: Season::Steady,
            mix: None,
            language: None,
            currency: Currency(*b"EUR"),
            failures: FailureNews::Notices,
        }
    }

    pub(crate) fn quality(&self) -> f64 {
        share(self.list_quality)
    }

    /// Share of mails that land in the inbox and not in the spam folder.
    pub(crate) fn inbox(&self) -> f64 {
        let worst = rates().world.inbox_at_worst;
        worst + (1.0 - worst) * share(self.deliverability)
    }

    /// Share of days on which a domain refuses everything of the sender.
    pub(crate) fn blocked(&self) -> f64 {
        let world = &rates().world;
        let below = world.blocked_below - share(self.deliverability);
        (below / world.blocked_below).max(0.0) * world.blocked_days_at_worst
    }

    /// The persona at this place of all people in order of eagerness, from 0 to 1, bots last. So a better list makes
    /// somebody more eager and never less.
    pub(crate) fn persona_at(&self, place: f64) -> Persona {
        let quality = self.quality();
        let weight = |persona: Persona| match &self.mix {
            Some(mix) => mix.weight(persona),
            None => {
                let habits = rates().of(persona);
                f64::from(habits.worst) * (1.0 - quality) + f64::from(habits.best) * quality
            }
        };
        let mut left = place * Persona::ALL.iter().map(|persona| weight(*persona)).sum::<f64>();
        let found = Persona::ALL.into_iter().find(|persona| {
            left -= weight(*persona);
            left < 0.0
        });
        found.unwrap_or(Persona::Silent)
    }
}

/// What was set as a share: 0 to 1, and 0 for what is no number.
fn share(value: f64) -> f64 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_week_of_the_fourth_friday_of_november_outsells_the_summer() {
        let friday = Season::Retail.factor(day("2026-11-27"));
        assert!(friday > Season::Retail.factor(day("2026-11-10")));
        assert!(friday > 2.5 * Season::Retail.factor(day("2026-07-10")));
        assert!(Season::Retail.factor(day("2026-12-25")) < Season::Retail.factor(day("2026-12-20")));
        assert_eq!(Season::Steady.factor(day("2026-12-20")), 1.0);
        let mut months = [100; 12];
        months[6] = 40;
        assert_eq!(Season::Months(months).factor(day("2026-07-01")), 0.4);
    }

    #[test]
    fn a_better_list_makes_nobody_less_eager() {
        let mut settings = WorldSettings::new(1, Moment::UNIX_EPOCH);
        let rank = |persona| Persona::ALL.iter().position(|p| *p == persona).unwrap();
        for place in 0..900 {
            let mut last = 0;
            for quality in 0..=10 {
                settings.list_quality = f64::from(quality) / 10.0;
                let now = rank(settings.persona_at(f64::from(place) / 1000.0));
                assert!(now >= last, "at {place} with {quality}");
                last = now;
            }
        }
    }

    #[test]
    fn settings_that_are_no_shares_are_taken_as_the_nearest() {
        let mut settings = WorldSettings::new(1, Moment::UNIX_EPOCH);
        (settings.list_quality, settings.deliverability) = (f64::NAN, 7.0);
        assert_eq!(
            (settings.quality(), settings.inbox(), settings.blocked()),
            (0.0, 1.0, 0.0)
        );
    }
}
