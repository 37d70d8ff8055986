//! What one delivered mail leads to. A pure function of world, person, mail and moment.

use super::act::{Deed, Leaving};
use super::mail::{Link, LinkKind, Mail};
use super::person::{Person, Server};
use super::rates::{Habits, rates};
use super::settings::{Language, Persona, WorldSettings};
use super::words;
use crate::company::history::instant;
use crate::dice::Dice;
use carillon_model::Moment;
use carillon_model::contact::Money;
use chrono::{Datelike, Days, NaiveTime, TimeDelta, Timelike, Weekday};
use chrono_tz::Tz;

/// Seconds from delivery to reading, as quantiles at even distances: our assumption, after the long tail that opens
/// of campaigns have.
const UNTIL_READ: [u32; 9] = [20, 400, 1_500, 4_500, 11_000, 26_000, 52_000, 110_000, 300_000];

/// What a person went through before this mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// Mails in the seven days before this one.
    pub mails_of_the_week: u32,
    /// When the person left the list or complained.
    pub left_at: Option<Moment>,
    /// When an absence was last told to a sender.
    pub absence_told_at: Option<Moment>,
}

/// What a mail leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In no order.
    pub acts: Vec<(Moment, Deed)>,
    /// When the person leaves the list or complains by one of the acts.
    pub leaves_at: Option<Moment>,
}

/// What a person does about a mail that arrives at a moment.
pub fn plan(
    settings: &WorldSettings,
    person: &Person,
    lately: Lately,
    mail: &Mail<'_>,
    zone: Tz,
    at: Moment,
) -> Plan {
    // Not by its Message-ID, which is another in each file: the same sample lives the same life again.
    let about = [
        person.address.as_bytes(),
        mail.headers.subject.as_bytes(),
        &at.timestamp_millis().to_le_bytes(),
    ];
    let mut reading = Reading {
        settings,
        person,
        habits: rates().of(person.persona),
        lately,
        mail,
        zone,
        at,
        dice: Dice::of(settings.seed, &about),
        plan: Plan::default(),
    };
    match person.persona {
        Persona::Bot => reading.machine(),
        _ if person.leaves_at.is_some_and(|left| at >= left) => reading.farewell(),
        _ if lately.left_at.is_some_and(|left| at >= left) => reading.after_leaving(),
        _ => reading.human(),
    }
    reading.plan
}

struct Reading<'a> {
    settings: &'a WorldSettings,
    person: &'a Person,
    habits: &'a Habits,
    lately: Lately,
    mail: &'a Mail<'a>,
    zone: Tz,
    at: Moment,
    dice: Dice,
    plan: Plan,
}

/// All chance of a mail, drawn at once, so that a changed setting moves thresholds and not what was drawn.
struct Draws {
    inbox: f64,
    open: f64,
    click: f64,
    leave: f64,
    complain: f64,
    reply: f64,
    buy: f64,
    form: f64,
}

impl Reading<'_> {
    fn act(&mut self, at: Moment, deed: Deed) {
        self.plan.acts.push((at, deed));
    }

    fn draws(&mut self) -> Draws {
        let mut unit = || self.dice.unit();
        Draws {
            inbox: unit(),
            open: unit(),
            click: unit(),
            leave: unit(),
            complain: unit(),
            reply: unit(),
            buy: unit(),
            form: unit(),
        }
    }

    /// Loads images at once, and follows every link, seen or not, within seconds.
    fn machine(&mut self) {
        let body = self.mail.body();
        let mut at = self.at + millis(&mut self.dice, 400, 4_000);
        if let Some(pixel) = body.pixel.clone() {
            self.act(at, Deed::Open { pixel });
        }
        if !self.person.scanner {
            return;
        }
        for link in &body.links {
            at += millis(&mut self.dice, 20, 90);
            self.act(
                at,
                Deed::Probe {
                    url: link.url.clone(),
                },
            );
            let later = at + millis(&mut self.dice, 30, 400);
            self.act(
                later,
                Deed::Click {
                    url: link.url.clone(),
                },
            );
        }
    }

    fn farewell(&mut self) {
        if self.person.says_farewell(self.at) {
            let at = self.at + millis(&mut self.dice, 1_000, 20_000);
            self.act(at, Deed::LeftCompany);
        }
    }

    /// Whoever left and is written to as if nothing was may press *spam*, and does nothing else.
    fn after_leaving(&mut self) {
        let complains = rates().world.complains_when_written_to_after_leaving;
        if self.dice.unit() < complains && self.mail.headers.list {
            let at = self.read_at();
            self.complain(at);
        }
    }

    fn human(&mut self) {
        let draws = self.draws();
        let world = &rates().world;
        let away = self.absence();
        if self.asks_to_confirm() {
            if draws.open < world.confirms {
                let at = self.at + millis(&mut self.dice, 20_000, 900_000);
                self.confirm(at);
            }
            return;
        }
        let list = self.mail.headers.list;
        let weary = f64::from(self.lately.mails_of_the_week) / self.person.patience;
        let (appeal, shouts) = appeal(
            self.settings.seed,
            &self.mail.headers.subject,
            &self.person.address,
        );
        let in_inbox = draws.inbox < self.settings.inbox();
        let place = if in_inbox { 1.0 } else { world.read_in_spam_folder };
        let tired = 1.0 / (1.0 + world.opens_per_mail_of_the_week * weary);
        let expected = if list { 1.0 } else { 1.8 };
        let present = if away { 0.3 } else { 1.0 };
        let open =
            self.habits.open * self.person.keenness * self.hour() * appeal * expected * tired * present;
        let angrier = 1.0 + world.weariness_per_mail_of_the_week * weary;
        let complain = self.habits.complain * angrier * if shouts { 2.0 } else { 1.0 };
        if in_inbox && draws.complain < complain * if list { 1.0 } else { 0.1 } {
            let at = self.read_at();
            return self.complain(at);
        }
        if draws.open < (open * place).min(0.97) {
            self.opened(&draws, angrier);
        }
    }

    /// A mail that is no list mail and has a link to confirm: somebody asked for it a moment ago.
    fn asks_to_confirm(&self) -> bool {
        let confirms = |link: &Link| link.kind == LinkKind::Confirm;
        !self.mail.headers.list && self.mail.body().links.iter().any(confirms)
    }

    fn confirm(&mut self, at: Moment) {
        let body = self.mail.body();
        if let Some(pixel) = body.pixel.clone() {
            self.act(at, Deed::Open { pixel });
        }
        if let Some(link) = body.links.iter().find(|link| link.kind == LinkKind::Confirm) {
            let later = at + millis(&mut self.dice, 3_000, 40_000);
            self.act(
                later,
                Deed::Confirm {
                    url: link.url.clone(),
                },
            );
        }
    }

    /// Whether the person is away; tells so where that is the custom of the server and was not told in the last week
    /// (RFC 3834 §2). Servers but Exchange leave list mail alone.
    fn absence(&mut self) -> bool {
        let today = self.at.with_timezone(&self.zone).date_naive();
        let Some(back_on) = self.person.back_on(self.settings.seed, today) else {
            return false;
        };
        let told = self.lately.absence_told_at;
        let fresh = told.is_none_or(|told| self.at - told >= TimeDelta::days(7));
        let heard = !self.mail.headers.list || self.person.server == Server::Exchange;
        if fresh && heard && self.person.tells_absence {
            let at = self.at + millis(&mut self.dice, 2_000, 60_000);
            self.act(at, Deed::OutOfOffice { back_on });
        }
        true
    }

    fn opened(&mut self, draws: &Draws, angrier: f64) {
        let body = self.mail.body();
        let at = self.read_at();
        if let Some(pixel) = body.pixel.clone() {
            self.act(at, Deed::Open { pixel });
        }
        let later = at + millis(&mut self.dice, 4_000, 90_000);
        if self.mail.headers.list && draws.leave < self.habits.unsubscribe * angrier {
            return self.leave(later);
        }
        if draws.reply < self.habits.reply {
            let text = words::reply(&mut self.dice, self.person.persona, self.person.language);
            let after = later + millis(&mut self.dice, 60_000, 1_800_000);
            self.act(
                after,
                Deed::Reply {
                    text,
                    quote: body.quote.clone(),
                },
            );
        }
        if draws.click < self.habits.click * self.person.keenness {
            self.clicked(draws, later, &body.links);
        }
    }

    fn clicked(&mut self, draws: &Draws, at: Moment, links: &[Link]) {
        let seen = links.iter().filter(|link| !link.hidden);
        let mut seen: Vec<&Link> = seen
            .filter(|link| matches!(link.kind, LinkKind::Content | LinkKind::Form))
            .collect();
        let clicks = if self.dice.per_mille(220) { 2 } else { 1 };
        let mut at = at;
        let mut shopped = false;
        for _ in 0..clicks {
            if seen.is_empty() {
                break;
            }
            // What stands first is clicked most.
            let place = self
                .dice
                .weighted((0..seen.len() as u32).map(|n| 120 / (n + 1) + 1));
            let link = seen.remove(place);
            let url = link.url.clone();
            match link.kind {
                LinkKind::Form if draws.form < self.habits.fill_form => self.act(at, Deed::FillForm { url }),
                _ => self.act(at, Deed::Click { url }),
            }
            shopped |= link.kind == LinkKind::Content;
            at += millis(&mut self.dice, 8_000, 180_000);
        }
        let season = self
            .settings
            .season
            .factor(at.with_timezone(&self.zone).date_naive());
        if shopped && draws.buy < self.habits.buy * season {
            let spent = self.dice.within((0.6, 1.8)) * f64::from(self.person.purse);
            let amount = Money {
                // Prices end in 50 or 00.
                minor: (spent as i64 / 50).max(1) * 50,
                currency: self.settings.currency,
            };
            let later = at + millis(&mut self.dice, 120_000, 5_400_000);
            self.act(later, Deed::Buy { amount });
        }
    }

    fn leave(&mut self, at: Moment) {
        let world = &rates().world;
        let headers = &self.mail.headers;
        let (button, mail) = (self.dice.unit(), self.dice.unit());
        let in_body = self.mail.body().links.iter();
        let page = in_body
            .filter(|link| link.kind == LinkKind::Leave && !link.hidden)
            .map(|link| link.url.clone())
            .next()
            .or_else(|| headers.leave_page.clone());
        let deed = match (&headers.leave_page, &headers.leave_mail, page) {
            (Some(url), _, _) if headers.one_click && button < world.leaving_by_one_click => {
                Deed::Unsubscribe(Leaving::OneClick { url: url.clone() })
            }
            (_, Some(mailto), page) if mail < world.leaving_by_mail || page.is_none() => {
                Deed::Unsubscribe(Leaving::Mailto(mailto.clone()))
            }
            (_, _, Some(url)) => Deed::Unsubscribe(Leaving::Page { url }),
            _ => Deed::Reply {
                text: words::leave_me_alone(self.person.language),
                quote: self.mail.body().quote.clone(),
            },
        };
        self.act(at, deed);
        self.plan.leaves_at = Some(at);
    }

    fn complain(&mut self, at: Moment) {
        let head = self.mail.head();
        self.act(at, Deed::Complain { head });
        self.plan.leaves_at = Some(at);
    }

    /// Some time after it arrived, when the person is awake, and in an office not on a weekend.
    fn read_at(&mut self) -> Moment {
        let place = self.dice.unit() * (UNTIL_READ.len() - 1) as f64;
        let (below, rest) = (place as usize, place.fract());
        let above = UNTIL_READ[(below + 1).min(UNTIL_READ.len() - 1)];
        let secs = f64::from(UNTIL_READ[below]) * (1.0 - rest) + f64::from(above) * rest;
        let at = self.at + TimeDelta::seconds((secs * self.person.delay) as i64 + 5);
        let local = at.with_timezone(&self.zone);
        let (hour, wakes_at) = (local.hour(), self.person.wakes_at);
        let mut day = local.date_naive();
        let mut awake = (wakes_at..self.person.sleeps_at).contains(&hour);
        if hour >= self.person.sleeps_at {
            day = day + Days::new(1);
        }
        if self.in_an_office() {
            while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
                (day, awake) = (day + Days::new(1), false);
            }
        }
        if awake {
            return at;
        }
        let minute = wakes_at * 60 + self.dice.below(150);
        let time = NaiveTime::from_hms_opt(minute / 60, minute % 60, self.dice.below(60)).unwrap_or_default();
        instant(self.zone, day.and_time(time)).max(self.at)
    }

    fn in_an_office(&self) -> bool {
        self.person.persona == Persona::Busy && self.person.server == Server::Exchange
    }

    /// What the hour and the day of the week make of a mail: what comes by night or on a free day lies under others
    /// when it is read.
    fn hour(&self) -> f64 {
        let local = self.at.with_timezone(&self.zone);
        let by_day = if (7..21).contains(&local.hour()) { 1.0 } else { 0.9 };
        let free = matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
        by_day
            * if free && self.person.persona == Persona::Busy {
                0.85
            } else {
                1.0
            }
    }
}

fn millis(dice: &mut Dice, low: u32, high: u32) -> TimeDelta {
    TimeDelta::milliseconds(i64::from(dice.between(low, high)))
}

/// How much a subject invites, the same for everybody but for whom it names, and whether it shouts.
fn appeal(seed: u64, subject: &str, address: &str) -> (f64, bool) {
    let letters = || subject.chars().filter(|c| c.is_alphabetic());
    let shouts =
        (letters().count() >= 6 && letters().all(char::is_uppercase)) || subject.matches('!').count() >= 3;
    let called = super::person::name_of(address);
    let first = called.split(' ').next().unwrap_or_default();
    let named = !first.is_empty() && subject.contains(first);
    // Who is named gets the subject of everybody else, and some more.
    let common = if named {
        subject.replace(first, "")
    } else {
        subject.to_owned()
    };
    let taste = Dice::of(seed, &[b"subject", common.as_bytes()]).within((0.85, 1.15));
    (
        taste * if named { 1.06 } else { 1.0 } * if shouts { 0.75 } else { 1.0 },
        shouts,
    )
}

/// The person as the sender knows them, where the world does not set a language for all.
pub(super) fn spoken(settings: &WorldSettings, person: &Person, known: Option<Language>) -> Language {
    settings.language.or(known).unwrap_or(person.language)
}
