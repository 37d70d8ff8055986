//! The sample company: a coffee bar in Berlin with a shop on the web, its customers, and what they did.
//!
//! A pure function of seed, size, months and end: the same on every machine and in every order. Each contact has a
//! stream of chance of its own, so that any number can be made one by one in flat memory.

pub(crate) mod history;
mod people;

pub use history::SampleEvent;

use crate::dice::Dice;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::event::Prop;
use carillon_model::{ContactId, Moment};
use chrono::{Days, Months, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use history::{Habits, history, instant, money};
use people::{DOMAINS, INTERESTS, REGIONS, ROASTS, Region};
use std::collections::BTreeSet;

/// Contacts of a sample where nobody asks for another number.
pub const USUAL_CONTACTS: u32 = 5_000;
/// Name of the company.
pub const ORGANISATION: &str = "Kiosk Coffee (sample)";
/// Its postal address, for the foot of each mail.
pub const POSTAL_ADDRESS: &str = "Kiosk Coffee, Musterstraße 1, 10115 Berlin, Germany";
/// Its zone.
pub const TIME_ZONE: &str = "Europe/Berlin";
/// The address it writes from.
pub const FROM_EMAIL: &str = "hello@kiosk.example";

/// Days before the period in which the first customers came.
const BEFORE: u64 = 730;

/// A sample company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    seed: u64,
    contacts: u32,
    start: Moment,
    end: Moment,
}

/// A contact with everything that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleContact {
    /// From 0. Later ones came later, but for a few days.
    pub ordinal: u32,
    /// Unique, lower case, under a reserved domain.
    pub email: String,
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// E.164, from ranges kept free for fiction.
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    pub city: &'static str,
    /// BCP 47.
    pub language: &'static str,
    /// IANA name.
    pub time_zone: &'static str,
    pub created_at: Moment,
    pub tags: Vec<&'static str>,
    /// Custom fields, by key; a value that is not known is not there.
    pub fields: Vec<(&'static str, Value)>,
    /// The ledger, in order of time.
    pub consents: Vec<SampleConsent>,
    pub suppression: Option<(SuppressionReason, Moment)>,
    /// In order of time.
    pub events: Vec<SampleEvent>,
}

/// One row of the consent ledger, for [`Channel::Email`].
#[derive(Clone, Debug, PartialEq)]
pub struct SampleConsent {
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub basis: Basis,
    pub wording: Option<&'static str>,
    pub source: &'static str,
    pub at: Moment,
}

impl SampleConsent {
    /// The row as the ledger has it, with the hash that proves the wording.
    pub fn row(&self, contact: ContactId) -> Consent {
        Consent {
            contact,
            channel: Channel::Email,
            purpose: self.purpose,
            action: self.action,
            basis: self.basis,
            wording: self.wording.map(str::to_owned),
            wording_hash: self
                .wording
                .map(|wording| blake3::hash(wording.as_bytes()).to_hex().to_string()),
            source: self.source.to_owned(),
            at: self.at,
        }
    }
}

impl Company {
    /// A company of `contacts` people with `months` of events (at least one month, at most 600) up to the beginning of
    /// the day `end` in UTC.
    pub fn new(seed: u64, contacts: u32, months: u32, end: NaiveDate) -> Company {
        let end = end.and_time(NaiveTime::MIN).and_utc();
        let start = end
            .checked_sub_months(Months::new(months.clamp(1, 600)))
            .unwrap_or(end);
        Company {
            seed,
            contacts,
            start,
            end,
        }
    }

    /// How many contacts it has.
    pub fn len(&self) -> u32 {
        self.contacts
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.contacts == 0
    }

    /// First instant of the events.
    pub fn start(&self) -> Moment {
        self.start
    }

    /// First instant after everything.
    pub fn end(&self) -> Moment {
        self.end
    }

    /// The custom fields its contacts use.
    pub fn fields() -> Vec<Field> {
        let field = |key: &str, label: &str, field_type, options: &[&str]| Field {
            key: key.to_owned(),
            label: label.to_owned(),
            field_type,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            built_in: false,
            score: None,
        };
        vec![
            field("favourite_roast", "Favourite roast", FieldType::Choice, ROASTS),
            field("loyalty_points", "Loyalty points", FieldType::Number, &[]),
            field("lifetime_value", "Lifetime value", FieldType::Money, &[]),
            field("birthday", "Birthday", FieldType::Date, &[]),
            field("wholesale", "Wholesale", FieldType::YesNo, &[]),
            field("interests", "Interests", FieldType::MultiChoice, INTERESTS),
        ]
    }

    /// All contacts, made one at a time.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SampleContact> + '_ {
        (0..self.contacts).map(|ordinal| self.contact(ordinal))
    }

    /// The contact of this ordinal, without making any other.
    pub fn contact(&self, ordinal: u32) -> SampleContact {
        let dice = &mut Dice::new(self.seed, ordinal);
        let region = &REGIONS[dice.weighted(REGIONS.iter().map(|region| region.weight))];
        let (first_name, first_ascii) = *dice.pick(region.first);
        let (last_name, last_ascii) = *dice.pick(region.last);
        let (city, time_zone) = *dice.pick(region.cities);
        let zone: Tz = time_zone.parse().unwrap_or(Tz::UTC);
        let created_at = self.created_at(dice, ordinal, zone);
        let roast = dice.below(ROASTS.len() as u32) as usize;
        let wholesale = dice.per_mille(30);
        let habits = Habits {
            zone,
            roast,
            wholesale,
            near: city == "Berlin" || dice.per_mille(40),
            visits_a_year: 2 + 150 / (1 + dice.below(100)),
        };
        let phone = phone(dice, region);
        let events = history(dice, &habits, created_at.max(self.start), self.end);
        let (consents, suppression) = self.permissions(dice, region, created_at, &events);
        let spent = lifetime_cents(&events);
        SampleContact {
            ordinal,
            email: format!("{first_ascii}.{last_ascii}.{ordinal}@{}", dice.pick(DOMAINS)),
            first_name,
            last_name,
            phone,
            country: region.country,
            city,
            language: region.language,
            time_zone,
            created_at,
            tags: tags(dice, &habits, spent, created_at > self.end - TimeDelta::days(30)),
            fields: fields(dice, &habits, spent),
            consents,
            suppression,
            events,
        }
    }

    /// Three of ten came before the period, the others in it, evenly.
    fn created_at(&self, dice: &mut Dice, ordinal: u32, zone: Tz) -> Moment {
        let first = (self.start - Days::new(BEFORE)).date_naive();
        let days_in = (self.end - self.start).num_days().max(1) as u64;
        let place = u64::from(ordinal) * 1000 / u64::from(self.contacts.max(1));
        let day = if place < 300 {
            place * BEFORE / 300
        } else {
            BEFORE + (place - 300) * days_in / 700
        };
        let day = first + Days::new(day + u64::from(dice.below(3)));
        let time =
            NaiveTime::from_hms_opt(dice.between(7, 22), dice.below(60), dice.below(60)).unwrap_or_default();
        instant(zone, day.and_time(time)).min(self.end - TimeDelta::hours(2))
    }

    /// About one of eight gave no permission for marketing; some of the others took it back, some bounced.
    fn permissions(
        &self,
        dice: &mut Dice,
        region: &Region,
        created_at: Moment,
        events: &[SampleEvent],
    ) -> (Vec<SampleConsent>, Option<(SuppressionReason, Moment)>) {
        let mut ledger = Vec::new();
        let mut grant = |purpose, basis, wording, source, at| {
            ledger.push(SampleConsent {
                purpose,
                action: ConsentAction::Granted,
                basis,
                wording,
                source,
                at,
            });
        };
        if let Some(order) = events.iter().find(|event| event.name == "order") {
            grant(
                Purpose::Transactional,
                Basis::Contract,
                None,
                "checkout",
                order.at,
            );
        }
        let confirmed_at = created_at + TimeDelta::minutes(i64::from(dice.between(1, 90)));
        let marketing = dice.per_mille(880);
        if marketing {
            let (basis, wording, source) = match dice.below(10) {
                0 => (Basis::SoftOptIn, people::SOFT_OPT_IN_WORDING, "checkout"),
                1 | 2 => (
                    Basis::DoubleOptIn,
                    people::double_opt_in_wording(region.language),
                    "tablet in the shop",
                ),
                _ => (
                    Basis::DoubleOptIn,
                    people::double_opt_in_wording(region.language),
                    "newsletter form",
                ),
            };
            grant(Purpose::Marketing, basis, Some(wording), source, confirmed_at);
            if dice.per_mille(420) {
                let wording = Some(people::TRACKING_WORDING);
                grant(
                    Purpose::Tracking,
                    Basis::Consent,
                    wording,
                    "newsletter form",
                    confirmed_at,
                );
            }
        }
        let hours = u32::try_from((self.end - confirmed_at).num_hours())
            .unwrap_or(0)
            .max(1);
        let later = confirmed_at + TimeDelta::hours(i64::from(dice.below(hours)));
        let later = later.min(self.end - TimeDelta::minutes(1));
        let suppression = match dice.below(1000) {
            0..45 if marketing => {
                for granted in ledger.clone() {
                    if granted.purpose == Purpose::Marketing {
                        let source = "unsubscribe link";
                        ledger.push(SampleConsent {
                            action: ConsentAction::Withdrawn,
                            source,
                            at: later,
                            ..granted
                        });
                    }
                }
                Some((SuppressionReason::Unsubscribed, later))
            }
            45..48 if marketing => Some((SuppressionReason::Complained, later)),
            48..63 => Some((SuppressionReason::Bounced, later)),
            _ => None,
        };
        ledger.sort_by_key(|row| row.at);
        (ledger, suppression)
    }
}

fn phone(dice: &mut Dice, region: &Region) -> Option<String> {
    let (number, digits) = region.phone.filter(|_| dice.per_mille(250))?;
    let rest = dice.below(10_u32.pow(digits));
    Some(format!("{number}{rest:0width$}", width = digits as usize))
}

fn lifetime_cents(events: &[SampleEvent]) -> u32 {
    let spent = |event: &SampleEvent| match event.props.get("amount") {
        Some(Prop::Money(money)) if matches!(event.name, "order" | "store_visit") => money.minor,
        _ => 0,
    };
    u32::try_from(events.iter().map(spent).sum::<i64>()).unwrap_or(u32::MAX)
}

fn tags(dice: &mut Dice, habits: &Habits, spent: u32, new: bool) -> Vec<&'static str> {
    let has = [
        (habits.near, "shop visitor"),
        (dice.per_mille(70), "event guest"),
        (new, "new"),
        (dice.per_mille(25), "staff friend"),
        (spent > 40_000, "vip"),
        (habits.wholesale, "wholesale"),
    ];
    has.iter().filter(|(has, _)| *has).map(|(_, tag)| *tag).collect()
}

fn fields(dice: &mut Dice, habits: &Habits, spent: u32) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::with_capacity(6);
    if dice.per_mille(800) {
        fields.push(("favourite_roast", Value::Choice(ROASTS[habits.roast].to_owned())));
    }
    fields.push(("loyalty_points", Value::Number(f64::from(spent / 100))));
    if spent > 0 {
        fields.push(("lifetime_value", Value::Money(money(spent))));
    }
    let birthday =
        NaiveDate::from_ymd_opt(1945, 1, 1).map(|day| day + Days::new(u64::from(dice.below(22_645))));
    if let (Some(birthday), true) = (birthday, dice.per_mille(700)) {
        fields.push(("birthday", Value::Date(birthday)));
    }
    fields.push(("wholesale", Value::YesNo(habits.wholesale)));
    if dice.per_mille(750) {
        let chosen: BTreeSet<String> = (0..dice.between(1, 3))
            .map(|_| (*dice.pick(INTERESTS)).to_owned())
            .collect();
        fields.push(("interests", Value::MultiChoice(chosen)));
    }
    fields
}
