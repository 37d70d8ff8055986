//! A contact's year: visits, carts, orders, reviews, in the rhythm of the place where the contact lives.

use super::people::PRODUCTS;
use crate::dice::Dice;
use carillon_model::Moment;
use carillon_model::contact::{Currency, Money};
use carillon_model::event::Prop;
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Something the contact did.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleEvent {
    /// `site_visit`, `cart_created`, `cart_abandoned`, `order`, `review` or `store_visit`.
    pub name: &'static str,
    pub at: Moment,
    pub props: BTreeMap<String, Prop>,
}

/// Weights of the hours of a day on the web: breakfast, lunch, and most in the evening.
const WEB_HOURS: [u32; 24] = [
    3, 1, 1, 1, 1, 4, 14, 26, 24, 16, 14, 16, 26, 22, 14, 14, 16, 20, 26, 34, 40, 38, 24, 10,
];
/// Weights of the hours in the shop, open from 7 to 19.
const SHOP_HOURS: [u32; 24] = [
    0, 0, 0, 0, 0, 0, 0, 34, 40, 26, 20, 14, 22, 18, 14, 22, 26, 18, 8, 0, 0, 0, 0, 0,
];
/// Weights of Monday to Sunday, of 100.
const WEB_WEEK: [u32; 7] = [78, 70, 68, 72, 60, 66, 100];
const SHOP_WEEK: [u32; 7] = [52, 50, 54, 60, 84, 100, 70];
/// Weights of January to December, of 100: few in summer, most before Christmas.
const YEAR: [u32; 12] = [72, 64, 62, 58, 54, 46, 40, 42, 56, 66, 92, 100];

/// What is bought rides on who buys.
pub(super) struct Habits {
    pub zone: Tz,
    pub roast: usize,
    pub wholesale: bool,
    /// Whether one of the shops is in town.
    pub near: bool,
    /// Visits to the site in a year; a few people make most of them.
    pub visits_a_year: u32,
}

/// All events from `from` to `until` (not included), in order of time.
pub(super) fn history(dice: &mut Dice, habits: &Habits, from: Moment, until: Moment) -> Vec<SampleEvent> {
    let first = from.with_timezone(&habits.zone).date_naive();
    let days = u32::try_from((until - from).num_days()).unwrap_or(0);
    if days == 0 {
        return Vec::new();
    }
    let mut events = Vec::new();
    for _ in 0..share(dice, habits.visits_a_year, days) {
        let at = moment(dice, habits.zone, first, days, &WEB_WEEK, &WEB_HOURS);
        visit(dice, habits, at, &mut events);
    }
    if habits.near {
        for _ in 0..share(dice, habits.visits_a_year * 3 / 4, days) {
            let at = moment(dice, habits.zone, first, days, &SHOP_WEEK, &SHOP_HOURS);
            let spent = money(dice.between(3, 14) * 100 + 50);
            events.push(event("store_visit", at, [("amount", Prop::Money(spent))]));
        }
    }
    events.retain(|event| event.at >= from && event.at < until);
    // Stable, so that events of one instant stay as they were made.
    events.sort_by_key(|event| event.at);
    events
}

/// So many of a year's as fall into these days, the odd one by chance.
fn share(dice: &mut Dice, a_year: u32, days: u32) -> u32 {
    let scaled = a_year * days;
    scaled / 365 + u32::from(dice.below(365) < scaled % 365)
}

fn visit(dice: &mut Dice, habits: &Habits, at: Moment, events: &mut Vec<SampleEvent>) {
    const PAGES: [&str; 5] = ["/", "/coffee", "/classes", "/stories", "/equipment"];
    let page = *dice.pick(&PAGES);
    let device = if dice.per_mille(640) { "phone" } else { "computer" };
    events.push(event(
        "site_visit",
        at,
        [("page", text(page)), ("device", text(device))],
    ));
    if !dice.per_mille(300) {
        return;
    }
    let product = dice.weighted(PRODUCTS.iter().map(|p| if p.2 == habits.roast { 5 } else { 1 }));
    let (product, price, _) = PRODUCTS[product];
    let items = if habits.wholesale {
        dice.between(6, 40)
    } else {
        dice.between(1, 3)
    };
    let amount = Prop::Money(money(price * items));
    let cart_at = at + minutes(dice.between(2, 15));
    events.push(event(
        "cart_created",
        cart_at,
        [("product", text(product)), ("amount", amount.clone())],
    ));
    if !dice.per_mille(620) {
        let left_at = cart_at + minutes(60);
        events.push(event(
            "cart_abandoned",
            left_at,
            [("product", text(product)), ("amount", amount)],
        ));
        return;
    }
    let order_at = cart_at + minutes(dice.between(2, 40));
    let items = Prop::Number(f64::from(items));
    events.push(event(
        "order",
        order_at,
        [("product", text(product)), ("amount", amount), ("items", items)],
    ));
    if dice.per_mille(110) {
        let stars = [1, 2, 3, 4, 5][dice.weighted([3, 4, 10, 33, 50].into_iter())];
        let review_at = order_at + minutes(dice.between(3 * 1440, 14 * 1440));
        events.push(event(
            "review",
            review_at,
            [
                ("product", text(product)),
                ("stars", Prop::Number(f64::from(stars))),
            ],
        ));
    }
}

/// A wall-clock moment of the zone, as likely as season, weekday and hour make it.
fn moment(
    dice: &mut Dice,
    zone: Tz,
    first: NaiveDate,
    days: u32,
    week: &[u32; 7],
    hours: &[u32; 24],
) -> Moment {
    let mut day = first;
    for _ in 0..12 {
        day = first + Days::new(u64::from(dice.below(days + 1)));
        let weight = week[day.weekday().num_days_from_monday() as usize] * YEAR[day.month0() as usize];
        if dice.below(10_000) < weight {
            break;
        }
    }
    let hour = dice.weighted(hours.iter().copied()) as u32;
    let time = NaiveTime::from_hms_opt(hour, dice.below(60), dice.below(60)).unwrap_or_default();
    instant(zone, day.and_time(time))
}

/// The first instant with this wall-clock time; one that does not exist (spring) moves on by an hour.
pub(crate) fn instant(zone: Tz, local: NaiveDateTime) -> Moment {
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| {
        zone.from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()
    });
    found.map_or_else(|| Utc.from_utc_datetime(&local), |at| at.with_timezone(&Utc))
}

pub(super) fn money(cents: u32) -> Money {
    Money {
        minor: i64::from(cents),
        currency: Currency(*b"EUR"),
    }
}

fn minutes(n: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(n))
}

fn text(text: &str) -> Prop {
    Prop::Text(text.to_owned())
}

fn event<const N: usize>(name: &'static str, at: Moment, props: [(&str, Prop); N]) -> SampleEvent {
    let props = props
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    SampleEvent { name, at, props }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn at(zone: Tz, text: &str) -> String {
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        instant(zone, local).format("%d %H:%MZ").to_string()
    }

    #[test]
    fn a_missing_hour_moves_on_and_a_doubled_one_is_the_first() {
        assert_eq!(at(Tz::Europe__Berlin, "2026-03-29 02:30"), "29 01:30Z");
        assert_eq!(at(Tz::Europe__Berlin, "2026-10-25 02:30"), "25 00:30Z");
        assert_eq!(at(Tz::Asia__Kathmandu, "2026-01-01 00:00"), "31 18:15Z");
    }
}
