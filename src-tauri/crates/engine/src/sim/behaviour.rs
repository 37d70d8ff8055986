//! What contacts do, as rates of the workspace's own history.

use crate::journey::chance::mixed;
use crate::journey::{PassageId, response};
use carillon_model::event::{Event, Prop};
use carillon_model::{ContactId, EventId, Moment};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often contacts do something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// The event, by name.
    pub event: String,
    pub cause: Cause,
    /// Share of accepted mails it follows, or of days it happens on: 0 to 1.
    pub probability: f64,
    /// Seconds after the mail, or after the beginning of the simulated day.
    pub delay: Delay,
    /// Properties as they were seen; one of them is drawn each time. Empty: none.
    #[serde(default)]
    pub props: Vec<BTreeMap<String, Prop>>,
}

/// A simulated mail that a behaviour may follow.
#[derive(Clone, Copy, Debug)]
pub struct MailOf<'a> {
    pub passage: PassageId,
    /// Place of the step in its version.
    pub step: u16,
    pub visit: u32,
    pub template: &'a str,
}

/// What brings a behaviour about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An accepted mail of this journey.
    AfterMail,
    /// Nothing: at most once each 24 hours.
    PerDay,
}

/// A distribution of seconds: quantiles at even distances, from the least to the most, read in between
/// as straight lines. Empty: always 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delay(pub Vec<u32>);

impl Delay {
    /// Any second of a day, evenly.
    pub fn any_time_of_day() -> Delay {
        Delay(vec![0, 86_399])
    }

    /// The value below which the share `unit` (0 to 1) lies.
    pub fn secs(&self, unit: f64) -> i64 {
        let [first, .., last] = self.0.as_slice() else {
            return self.0.first().map_or(0, |only| i64::from(*only));
        };
        let place = unit.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let below = place.floor() as usize;
        match (self.0.get(below), self.0.get(below + 1)) {
            (Some(a), Some(b)) => {
                (f64::from(*a) + (f64::from(*b) - f64::from(*a)) * place.fract()).round() as i64
            }
            _ => i64::from(*last.max(first)),
        }
    }
}

impl Behaviour {
    /// What follows a mail, if anything does. A response is one to this very mail.
    pub fn after_mail(
        &self,
        place: usize,
        seed: u64,
        mail: &MailOf<'_>,
        accepted_at: Moment,
    ) -> Option<Event> {
        if self.cause != Cause::AfterMail {
            return None;
        }
        let contact = mail.passage.contact;
        let draw = Draw::new(seed, contact, place)
            .about(1)
            .about(u64::from(mail.passage.enrolment));
        let draw = draw.about(u64::from(mail.step)).about(u64::from(mail.visit));
        let mut event = self.drawn(draw, contact, accepted_at)?;
        if response::is_response(&event.name) {
            response::tie(&mut event, mail.passage, mail.template);
        }
        Some(event)
    }

    /// What the contact does on its own on the day that begins at `begins_at`, counted from 0.
    pub fn on_day(
        &self,
        place: usize,
        seed: u64,
        contact: ContactId,
        day: u32,
        begins_at: Moment,
    ) -> Option<Event> {
        if self.cause != Cause::PerDay {
            return None;
        }
        self.drawn(
            Draw::new(seed, contact, place).about(2).about(u64::from(day)),
            contact,
            begins_at,
        )
    }

    fn drawn(&self, draw: Draw, contact: ContactId, from: Moment) -> Option<Event> {
        if draw.unit() >= self.probability {
            return None;
        }
        let at = from.checked_add_signed(TimeDelta::seconds(self.delay.secs(draw.about(2).unit())))?;
        let one_of = draw.about(3).0 % (self.props.len() as u64).max(1);
        let props = self.props.get(one_of as usize).cloned();
        Some(Event {
            id: EventId((draw.about(4).0 >> 2) as i64),
            contact,
            name: self.event.clone(),
            at,
            arrived_at: at,
            source: "simulation".to_owned(),
            props: props.unwrap_or_default(),
        })
    }
}

/// A draw of the simulation: SplitMix64's finaliser over one number after the other. Not the hash of random
/// splits: nothing published depends on it, and there are many of these.
#[derive(Clone, Copy)]
struct Draw(u64);

impl Draw {
    fn new(seed: u64, contact: ContactId, place: usize) -> Draw {
        // The seed is mixed on its own first: else two near seeds would only exchange the contacts' fates.
        Draw(0)
            .about(seed)
            .about(u64::from(contact.0))
            .about(place as u64)
    }

    fn about(self, number: u64) -> Draw {
        Draw(mixed(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ number))
    }

    fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_read_between_its_quantiles() {
        let delay = Delay(vec![60, 120, 600]);
        let table = [
            (0.0, 60),
            (0.25, 90),
            (0.5, 120),
            (0.75, 360),
            (1.0, 600),
            (7.0, 600),
        ];
        for (unit, secs) in table {
            assert_eq!(delay.secs(unit), secs, "{unit}");
        }
        assert_eq!(Delay(Vec::new()).secs(0.5), 0);
        assert_eq!(Delay(vec![30]).secs(0.5), 30);
    }

    #[test]
    fn a_probability_is_a_share_of_all_draws() {
        let opens = Behaviour {
            event: "open".into(),
            cause: Cause::AfterMail,
            probability: 0.3,
            delay: Delay(vec![0, 3_600]),
            props: Vec::new(),
        };
        let at = Moment::UNIX_EPOCH;
        let drawn = |seed: u64| {
            (0..10_000)
                .filter(|c| {
                    let passage = PassageId {
                        journey: carillon_model::JourneyId(1),
                        contact: ContactId(*c),
                        enrolment: 1,
                    };
                    let mail = MailOf {
                        passage,
                        step: 4,
                        visit: 1,
                        template: "welcome",
                    };
                    opens.after_mail(0, seed, &mail, at).is_some()
                })
                .count()
        };
        assert!((2_850..3_150).contains(&drawn(1)), "{}", drawn(1));
        assert_eq!(drawn(1), drawn(1), "the same seed draws the same");
        assert_eq!(
            opens.on_day(0, 1, ContactId(1), 0, at),
            None,
            "not of its own accord"
        );
    }
}
