//! The figures behind the people, from `assets/rules/mail_world.json`: what others measured, and what we assume.

use super::Persona;
use serde::Deserialize;
use std::sync::OnceLock;

/// A figure others measured, and where a world of usual settings must stay.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Share of delivered mails, 0 to 1.
    pub low: f64,
    pub high: f64,
    /// Who measured it and when, or that it is our assumption.
    pub source: String,
}

/// What others measured, each as a share of delivered mails.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRates {
    pub open: Published,
    pub click: Published,
    pub unsubscribe: Published,
    pub complaint: Published,
    pub hard_bounce: Published,
    pub soft_bounce: Published,
    pub purchase: Published,
    pub reply: Published,
}

/// How one persona answers a single mail in an inbox. `click`, `unsubscribe` and `reply` are shares of opened mails,
/// `complain` of mails in the inbox, `buy` and `fill_form` of clicks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Habits {
    /// How many of a thousand people of the worst list.
    pub worst: u32,
    /// How many of a thousand people of the best list.
    pub best: u32,
    pub open: f64,
    pub click: f64,
    pub unsubscribe: f64,
    pub complain: f64,
    pub reply: f64,
    pub buy: f64,
    pub fill_form: f64,
    /// From the least to the most patient.
    pub patience: (f64, f64),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByPersona {
    eager: Habits,
    busy: Habits,
    silent: Habits,
    annoyed: Habits,
    bot: Habits,
    gone_away: Habits,
}

/// What holds for everybody.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Circumstances {
    pub inbox_at_worst: f64,
    pub read_in_spam_folder: f64,
    /// Deliverability below which domains begin to refuse a sender for days.
    pub blocked_below: f64,
    pub blocked_days_at_worst: f64,
    pub dead_from_the_start_at_worst: f64,
    pub days_until_the_last_has_gone: u32,
    pub full_mailboxes: f64,
    pub greylisting_domains: f64,
    pub scanners_among_bots: f64,
    pub opens_per_mail_of_the_week: f64,
    pub weariness_per_mail_of_the_week: f64,
    pub confirms: f64,
    pub complains_when_written_to_after_leaving: f64,
    pub automatic_replies: f64,
    pub leaving_by_one_click: f64,
    pub leaving_by_mail: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agents {
    pub people: Vec<String>,
    pub scanners: Vec<String>,
    pub prefetchers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rates {
    #[serde(rename = "dated")]
    _dated: String,
    #[serde(rename = "about")]
    _about: String,
    pub published: PublishedRates,
    personas: ByPersona,
    pub world: Circumstances,
    pub agents: Agents,
}

impl Rates {
    pub fn of(&self, persona: Persona) -> &Habits {
        match persona {
            Persona::Eager => &self.personas.eager,
            Persona::Busy => &self.personas.busy,
            Persona::Silent => &self.personas.silent,
            Persona::Annoyed => &self.personas.annoyed,
            Persona::Bot => &self.personas.bot,
            Persona::GoneAway => &self.personas.gone_away,
        }
    }
}

/// The figures this program was built with.
pub(crate) fn rates() -> &'static Rates {
    static RATES: OnceLock<Rates> = OnceLock::new();
    RATES.get_or_init(|| {
        serde_json::from_str(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../assets/rules/mail_world.json"
        )))
        .expect("a test reads the file that is built in")
    })
}

/// What others measured, for screens and tests that compare a world with it.
pub fn published() -> &'static PublishedRates {
    &rates().published
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_built_in_can_be_read_and_its_shares_are_shares() {
        let rates = rates();
        for persona in Persona::ALL {
            let habits = rates.of(persona);
            let shares = [
                habits.open,
                habits.click,
                habits.unsubscribe,
                habits.complain,
                habits.reply,
                habits.buy,
                habits.fill_form,
            ];
            assert!(
                shares.iter().all(|share| (0.0..=1.0).contains(share)),
                "{persona:?}"
            );
            assert!(habits.patience.0 > 0.0 && habits.patience.0 <= habits.patience.1);
        }
        let sum = |of: fn(&Habits) -> u32| Persona::ALL.iter().map(|p| of(rates.of(*p))).sum::<u32>();
        assert_eq!((sum(|h| h.worst), sum(|h| h.best)), (1000, 1000));
        let agents = &rates.agents;
        assert!(
            [&agents.people, &agents.scanners, &agents.prefetchers]
                .iter()
                .all(|list| !list.is_empty())
        );
    }
}
