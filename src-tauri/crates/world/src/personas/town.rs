//! Everybody who ever got a mail, and what they are still going to do.

use super::act::{About, Act, Deed, Stage, Trouble};
use super::behaviour::{Lately, plan, spoken};
use super::mail::Mail;
use super::person::{Person, Server};
use super::settings::{FailureNews, Language, Persona, WorldSettings};
use crate::dice::Dice;
use carillon_model::Moment;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many people a town remembers: about 200 MB. Who was not written to for longest is forgotten first.
const MOST_PEOPLE: usize = 1_000_000;
/// How many acts may be to come: about 150 MB.
const MOST_ACTS: usize = 200_000;
/// How many mails of a week are counted for somebody.
const MOST_OF_A_WEEK: usize = 64;
/// Longest address (RFC 5321 §4.5.3.1.3), in bytes.
const LONGEST_ADDRESS: usize = 254;
/// Longest words of a mail that are kept for what answers it, in bytes.
const LONGEST_WORDS: usize = 998;

/// A mail at the door of a recipient's server.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The envelope's recipient.
    pub to: &'a str,
    /// The envelope's sender, for notices; VERP addresses are used as they are.
    pub mail_from: &'a str,
    /// The recipient's zone.
    pub zone: Tz,
    /// The recipient's language, where the sender knows it.
    pub language: Option<Language>,
    pub mail: &'a [u8],
}

/// What the recipient's server says. Where the world tells failures by notices, every mail is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    Taken,
    /// A reply line that says: try again later.
    Deferred(String),
    /// A reply line that says: never.
    Refused(String),
}

/// Why a town could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TownError {
    #[error("The saved state of the mail world cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("The saved state of the mail world contradicts itself. Start the mail world anew.")]
    Inconsistent,
}

/// What is remembered of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resident {
    /// Hours since 1970 of the mails of the last week, oldest first.
    recent: Vec<u32>,
    left_at: Option<Moment>,
    absence_told_at: Option<Moment>,
    /// Whether greylisting knows the sender.
    greeted: bool,
}

/// The people of a world and their future.
#[derive(Clone, Debug, PartialEq)]
pub struct Town {
    settings: WorldSettings,
    residents: BTreeMap<String, Resident>,
    /// What acts to come are about, and how many are.
    letters: BTreeMap<u64, (About, u32)>,
    due: BTreeMap<(Moment, u64), (u64, Deed)>,
    next: u64,
    dropped: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: WorldSettings,
    residents: BTreeMap<String, Resident>,
    letters: Vec<(u64, About)>,
    due: Vec<(Moment, u64, u64, Deed)>,
    next: u64,
    dropped: u64,
}

#[derive(Serialize)]
struct Saving<'a> {
    settings: &'a WorldSettings,
    residents: &'a BTreeMap<String, Resident>,
    letters: Vec<(u64, &'a About)>,
    due: Vec<(Moment, u64, u64, &'a Deed)>,
    next: u64,
    dropped: u64,
}

impl Town {
    /// A town that got no mail yet.
    pub fn new(settings: WorldSettings) -> Town {
        Town {
            settings,
            residents: BTreeMap::new(),
            letters: BTreeMap::new(),
            due: BTreeMap::new(),
            next: 0,
            dropped: 0,
        }
    }

    /// As [`Town::save`] wrote it.
    ///
    /// # Errors
    /// The bytes are no town.
    pub fn load(bytes: &[u8]) -> Result<Town, TownError> {
        let saved: Saved = serde_json::from_slice(bytes)?;
        let mut town = Town::new(saved.settings);
        (town.residents, town.next, town.dropped) = (saved.residents, saved.next, saved.dropped);
        town.letters = saved
            .letters
            .into_iter()
            .map(|(id, about)| (id, (about, 0)))
            .collect();
        for (at, n, letter, deed) in saved.due {
            let (_, left) = town.letters.get_mut(&letter).ok_or(TownError::Inconsistent)?;
            *left += 1;
            if n >= town.next || town.due.insert((at, n), (letter, deed)).is_some() {
                return Err(TownError::Inconsistent);
            }
        }
        let unread = town
            .letters
            .iter()
            .any(|(id, (_, left))| *left == 0 || *id >= town.next);
        match unread || town.due.len() > MOST_ACTS || town.residents.len() > MOST_PEOPLE {
            true => Err(TownError::Inconsistent),
            false => Ok(town),
        }
    }

    /// The whole state, to be kept while the workspace is closed.
    ///
    /// # Errors
    /// A moment outside of the years that JSON can tell.
    pub fn save(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Saving {
            settings: &self.settings,
            residents: &self.residents,
            letters: self.letters.iter().map(|(id, (about, _))| (*id, about)).collect(),
            due: self
                .due
                .iter()
                .map(|((at, n), (letter, deed))| (*at, *n, *letter, deed))
                .collect(),
            next: self.next,
            dropped: self.dropped,
        })
    }

    /// What the world is set to.
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// Sets the world anew. What people decided so far stays.
    pub fn set(&mut self, settings: WorldSettings) {
        self.settings = settings;
    }

    /// Acts to come.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// When the next act is due.
    pub fn next_at(&self) -> Option<Moment> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// How many acts there was no room to remember.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// An act leads to another, later on account of the same mail. Whether there was room to remember it.
    pub fn then(&mut self, at: Moment, about: About, deed: Deed) -> bool {
        if self.due.len() >= MOST_ACTS {
            self.dropped += 1;
            return false;
        }
        let letter = self.next;
        self.letters.insert(letter, (about, 1));
        self.due.insert((at, letter), (letter, deed));
        self.next += 1;
        true
    }

    /// Somebody left the list by another hand than this town's.
    pub fn left(&mut self, address: &str, at: Moment) {
        let resident = self.resident(&address.to_lowercase());
        resident.left_at = Some(resident.left_at.map_or(at, |left| left.min(at)));
    }

    /// Nobody does any more what they meant to do.
    pub fn forget_acts(&mut self) {
        self.due.clear();
        self.letters.clear();
    }

    /// A mail arrives at a moment, and what it leads to is remembered. Moments may not go back.
    pub fn deliver(&mut self, arrival: &Arrival<'_>, at: Moment) -> Reception {
        if arrival.to.len() > LONGEST_ADDRESS || !arrival.to.contains('@') {
            return Reception::Refused("553 5.1.3 this is no address".into());
        }
        let mut person = Person::of(&self.settings, arrival.to);
        person.language = spoken(&self.settings, &person, arrival.language);
        let mail = Mail::read(arrival.mail);
        let greets = person.greylists && !self.greeted(&person.address);
        let trouble = trouble(&self.settings, &person, at);
        if self.settings.failures == FailureNews::Replies {
            match trouble {
                Some(trouble) => return told(trouble),
                None if greets => {
                    return Reception::Deferred("451 4.7.1 greylisted, please try again".into());
                }
                None => {}
            }
        }
        match trouble {
            Some(trouble) => self.return_to_sender(arrival, &person, &mail, trouble, at),
            None => self.hand_over(arrival, &person, &mail, at, greets),
        }
        Reception::Taken
    }

    /// Everything due up to and including this moment, in order.
    pub fn due(&mut self, until: Moment) -> Vec<(Moment, Act)> {
        let later = self.due.split_off(&(until, u64::MAX));
        let now = std::mem::replace(&mut self.due, later);
        let mut acts = Vec::with_capacity(now.len());
        for ((at, _), (letter, deed)) in now {
            let Some((about, left)) = self.letters.get_mut(&letter) else {
                continue;
            };
            *left -= 1;
            let about = match *left {
                0 => self.letters.remove(&letter).map(|(about, _)| about),
                _ => Some(about.clone()),
            };
            acts.extend(about.map(|about| (at, Act { about, deed })));
        }
        acts.retain(|(at, act)| self.still_does(*at, act));
        acts
    }

    /// Whether somebody who left meanwhile does what they meant to do before.
    fn still_does(&self, at: Moment, act: &Act) -> bool {
        // What was begun is ended, also by somebody who leaves by it.
        let of_a_machine =
            matches!(act.deed, Deed::Bounce { .. } | Deed::Send { .. }) || act.about.persona == Persona::Bot;
        let left_at = self
            .residents
            .get(&act.who())
            .and_then(|resident| resident.left_at);
        of_a_machine || left_at.is_none_or(|left| at <= left || act.about.delivered_at >= left)
    }

    /// Whether the recipient's greylisting knows the sender; from now on it does.
    fn greeted(&mut self, address: &str) -> bool {
        std::mem::replace(&mut self.resident(address).greeted, true)
    }

    fn resident(&mut self, address: &str) -> &mut Resident {
        if self.residents.len() >= MOST_PEOPLE && !self.residents.contains_key(address) {
            self.forget();
        }
        self.residents.entry(address.to_owned()).or_default()
    }

    /// Forgets a tenth or more: first of those who never left, who was not written to for longest.
    fn forget(&mut self) {
        let age = |resident: &Resident| (resident.left_at.is_some(), resident.recent.last().copied());
        let mut ages: Vec<_> = self.residents.values().map(age).collect();
        let place = ages.len() / 10;
        let (_, limit, _) = ages.select_nth_unstable(place);
        let limit = *limit;
        self.residents.retain(|_, resident| age(resident) > limit);
    }

    fn hand_over(
        &mut self,
        arrival: &Arrival<'_>,
        person: &Person,
        mail: &Mail<'_>,
        at: Moment,
        greets: bool,
    ) {
        // The sender's own server tries again after some minutes.
        let waits = if greets && self.settings.failures == FailureNews::Notices {
            let about = [b"greylisted", person.address.as_bytes()];
            TimeDelta::seconds(i64::from(
                Dice::of(self.settings.seed, &about).between(300, 1_200),
            ))
        } else {
            TimeDelta::zero()
        };
        let at = at + waits;
        let hour = u32::try_from(at.timestamp() / 3_600).unwrap_or(0);
        let resident = self.resident(&person.address);
        resident.recent.retain(|one| hour.saturating_sub(*one) < 7 * 24);
        let lately = Lately {
            mails_of_the_week: resident.recent.len() as u32,
            left_at: resident.left_at,
            absence_told_at: resident.absence_told_at,
        };
        if resident.recent.len() < MOST_OF_A_WEEK {
            resident.recent.push(hour);
        }
        let plan = plan(&self.settings, person, lately, mail, arrival.zone, at);
        let told = plan
            .acts
            .iter()
            .find(|(_, deed)| matches!(deed, Deed::OutOfOffice { .. }));
        let told = told.map(|(at, _)| *at);
        if self.remember(arrival, person, mail, at, plan.acts)
            && let Some(resident) = self.residents.get_mut(&person.address)
        {
            resident.absence_told_at = told.or(resident.absence_told_at);
            resident.left_at = resident.left_at.into_iter().chain(plan.leaves_at).min();
        }
    }

    /// Notices as the servers send them: Postfix warns after four hours and gives up after five days, qmail gives up
    /// after seven and warns nobody, Exchange refuses a full mailbox at once.
    fn return_to_sender(
        &mut self,
        arrival: &Arrival<'_>,
        person: &Person,
        mail: &Mail<'_>,
        trouble: Trouble,
        at: Moment,
    ) {
        let about = [
            b"returned".as_slice(),
            person.address.as_bytes(),
            &at.timestamp_millis().to_le_bytes(),
        ];
        let dice = &mut Dice::of(self.settings.seed, &about);
        let soon = at + TimeDelta::seconds(i64::from(dice.between(1, 40)));
        let jitter = TimeDelta::seconds(i64::from(dice.between(5, 900)));
        let notices = match (trouble, person.server) {
            (Trouble::Full, Server::Postfix) => vec![
                (at + TimeDelta::hours(4) + jitter, Stage::Delayed),
                (at + TimeDelta::days(5) + jitter, Stage::Failed),
            ],
            (Trouble::Full, Server::Qmail) => vec![(at + TimeDelta::days(7) + jitter, Stage::Failed)],
            _ => vec![(soon, Stage::Failed)],
        };
        let head = mail.head();
        let bounce = |(when, stage)| {
            let head = head.clone();
            let deed = Deed::Bounce {
                trouble,
                stage,
                tried_since: at,
                head,
            };
            (when, deed)
        };
        let acts = notices.into_iter().map(bounce).collect();
        self.remember(arrival, person, mail, at, acts);
    }

    /// Whether there was room.
    fn remember(
        &mut self,
        arrival: &Arrival<'_>,
        person: &Person,
        mail: &Mail<'_>,
        at: Moment,
        acts: Vec<(Moment, Deed)>,
    ) -> bool {
        if acts.is_empty() || self.due.len() + acts.len() > MOST_ACTS {
            self.dropped += acts.len() as u64;
            return acts.is_empty();
        }
        let words = |text: &str| text[..text.floor_char_boundary(LONGEST_WORDS)].to_owned();
        let headers = &mail.headers;
        let about = About {
            message_id: words(&headers.message_id),
            subject: words(&headers.subject),
            from_name: words(&headers.from_name),
            from: words(&headers.from),
            reply_to: words(&headers.reply_to),
            mail_from: words(arrival.mail_from),
            to: arrival.to.to_owned(),
            delivered_at: at,
            persona: person.persona,
            language: person.language,
            server: person.server,
            agent: person.agent.to_owned(),
        };
        let letter = self.next;
        self.letters.insert(letter, (about, acts.len() as u32));
        for (when, deed) in acts {
            self.due.insert((when, self.next), (letter, deed));
            self.next += 1;
        }
        true
    }
}

/// What keeps a mail from being delivered at a moment.
fn trouble(settings: &WorldSettings, person: &Person, at: Moment) -> Option<Trouble> {
    let domain = person.address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let day = at.timestamp().div_euclid(86_400);
    let refused = || {
        Dice::of(
            settings.seed,
            &[b"refused", domain.as_bytes(), &day.to_le_bytes()],
        )
        .unit()
    };
    if person.is_gone(at) {
        Some(Trouble::Unknown)
    } else if settings.blocked() > 0.0 && refused() < settings.blocked() {
        Some(Trouble::Blocked)
    } else if person.is_full(at) {
        Some(Trouble::Full)
    } else {
        None
    }
}

fn told(trouble: Trouble) -> Reception {
    match trouble {
        Trouble::Unknown => Reception::Refused("550 5.1.1 no such user here".into()),
        Trouble::Full => Reception::Deferred("452 4.2.2 mailbox full".into()),
        Trouble::Blocked => Reception::Refused("550 5.7.1 refused for the reputation of the sender".into()),
    }
}
