//! Writing a sample: its past in the order it happened, the clock moving along, then what a marketer would have
//! made of it.

use super::SampleSize;
use crate::error::{ApiError, Result};
use crate::jobs::Job;
use crate::{settings, templates};
use carillon_engine::{journey, segment};
use carillon_model::account::{Account, Tls};
use carillon_model::consent::SuppressionReason;
use carillon_model::contact::Value;
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, ContactId, Moment, TemplateId};
use carillon_store::contacts::{Columns, NewContact};
use carillon_store::events::NewEvent;
use carillon_store::{
    Priority, Store, Tx, accounts, consents, contacts, events, fields, journeys, segments, suppressions,
};
use carillon_world::company::{
    Company, FROM_EMAIL, ORGANISATION, POSTAL_ADDRESS, SampleConsent, SampleContact, SampleEvent, TIME_ZONE,
};
use chrono::{NaiveDate, TimeDelta};
use std::sync::Arc;

/// The account of a sample; its port changes with each start of the server.
pub const ACCOUNT: &str = "Sample mail server";
/// Who wrote what a sample holds.
const SOURCE: &str = "sample";
/// Customers came for two years before the history begins, by the clock of wherever they live.
const BEFORE: TimeDelta = TimeDelta::days(732);
/// The clock goes by weeks before the history, and by days in it.
const WEEK: TimeDelta = TimeDelta::days(7);
/// Steps of the clock in the history at most.
const STEPS_MAX: i64 = 400;
/// Events kept in memory at a time, about: longer histories are made in several passes.
const EVENTS_AT_A_TIME: u64 = 1_500_000;
/// Rows of one write.
const BATCH: usize = 1_000;

const JOURNEY: &str = include_str!("../../../../../assets/demo/welcome-series.json");

/// Segments of a sample, in their text form.
const SEGMENTS: &[(&str, &str)] = &[
    ("Newsletter readers", "consent email marketing"),
    (
        "New subscribers",
        "created_at in the last 30 days and consent email marketing",
    ),
    ("Bought in the last 90 days", "did order in the last 90 days"),
    ("Lapsed", "did order and did not order in the last 180 days"),
    ("VIP", "tag \"vip\" or lifetime_value >= 400.00 EUR"),
    (
        "Left a cart",
        "did cart_abandoned in the last 14 days and did not order in the last 14 days",
    ),
    (
        "Berlin regulars",
        "city is \"Berlin\" and did store_visit at least 2 times in the last 90 days",
    ),
];

/// The company of a size. Its history ends on a fixed day, so that the same size and seed are the same file.
pub(super) fn company(size: SampleSize) -> Company {
    let end = NaiveDate::from_ymd_opt(2026, 9, 1).unwrap_or_default();
    Company::new(size.seed, size.contacts, size.months, end)
}

/// What the workspace says of itself on its first day.
pub(super) fn workspace(company: &Company) -> Workspace {
    Workspace {
        name: ORGANISATION.to_owned(),
        clock: ClockKind::Virtual,
        sample: true,
        time_zone: TIME_ZONE.to_owned(),
        postal_address: POSTAL_ADDRESS.to_owned(),
        organisation: ORGANISATION.to_owned(),
        created_at: company.start() - BEFORE,
    }
}

/// Fills an empty workspace; the number of events.
pub(super) async fn fill(store: &Store, company: Company, job: &Job) -> Result<u64> {
    job.phase("making");
    store
        .write(Priority::User, |tx| {
            Company::fields()
                .iter()
                .try_for_each(|field| fields::add(tx, field))
        })
        .await?;
    let events = live_through(store, company, job).await?;
    furnish(store).await?;
    Ok(events)
}

/// The instants at which the clock stops to have written what happened.
struct Calendar {
    start: Moment,
    /// Where the history begins, and how far its steps are apart.
    history: Moment,
    step: TimeDelta,
    end: Moment,
}

impl Calendar {
    fn of(company: &Company) -> Calendar {
        let days = (company.end() - company.start()).num_days().max(1);
        Calendar {
            start: company.start() - BEFORE,
            history: company.start(),
            step: TimeDelta::days(days.div_euclid(STEPS_MAX) + 1),
            end: company.end(),
        }
    }

    fn weeks(&self) -> i64 {
        (self.history - self.start)
            .num_seconds()
            .div_euclid(WEEK.num_seconds())
            + 1
    }

    fn len(&self) -> i64 {
        self.stop_before(self.end - TimeDelta::milliseconds(1)) + 2
    }

    /// Number of the last stop at or before a moment.
    fn stop_before(&self, at: Moment) -> i64 {
        match at < self.history {
            true => (at - self.start)
                .num_seconds()
                .div_euclid(WEEK.num_seconds())
                .max(0),
            false => {
                self.weeks()
                    + (at - self.history)
                        .num_seconds()
                        .div_euclid(self.step.num_seconds())
            }
        }
    }

    fn moment(&self, stop: i64) -> Moment {
        let at = match stop < self.weeks() {
            true => self.start + WEEK * i32::try_from(stop).unwrap_or(i32::MAX),
            false => self.history + self.step * i32::try_from(stop - self.weeks()).unwrap_or(i32::MAX),
        };
        at.min(self.end)
    }
}

/// Something that happened.
enum What {
    Joined(Box<SampleContact>),
    Consent(SampleConsent),
    Suppressed(SuppressionReason, String),
    Event(SampleEvent),
}

struct Item {
    /// The stop of the clock at which it is written: a contact at the one before it joined, everything else at
    /// the one after it happened, so that nothing happens to nobody and nothing is known before it happens.
    stop: i64,
    at: Moment,
    ordinal: u32,
    what: What,
}

/// What happened between two stops, in order.
fn items(company: &Company, calendar: &Calendar, stops: std::ops::Range<i64>) -> Vec<Item> {
    let mut items = Vec::new();
    for mut contact in company.iter() {
        let ordinal = contact.ordinal;
        let mut keep = |stop: i64, at: Moment, what: What| {
            if stops.contains(&stop) {
                items.push(Item {
                    stop,
                    at,
                    ordinal,
                    what,
                });
            }
        };
        for consent in std::mem::take(&mut contact.consents) {
            keep(
                calendar.stop_before(consent.at) + 1,
                consent.at,
                What::Consent(consent),
            );
        }
        if let Some((reason, at)) = contact.suppression.take() {
            keep(
                calendar.stop_before(at) + 1,
                at,
                What::Suppressed(reason, contact.email.clone()),
            );
        }
        for event in std::mem::take(&mut contact.events) {
            keep(calendar.stop_before(event.at) + 1, event.at, What::Event(event));
        }
        let joined = contact.created_at;
        keep(
            calendar.stop_before(joined),
            joined,
            What::Joined(Box::new(contact)),
        );
    }
    items.sort_by_key(|item| (item.stop, item.at, item.ordinal));
    items
}

/// Writes the past in the order it happened.
async fn live_through(store: &Store, company: Company, job: &Job) -> Result<u64> {
    let calendar = Arc::new(Calendar::of(&company));
    let years = ((company.end() - company.start()).num_days().max(1) as u64).div_ceil(365);
    let passes = (u64::from(company.len()) * 20 * years)
        .div_ceil(EVENTS_AT_A_TIME)
        .max(1);
    let stops = calendar.len();
    let mut ids: Vec<ContactId> = vec![ContactId(u32::MAX); company.len() as usize];
    let company = Arc::new(company);
    let mut written = 0;
    for range in parts(&calendar, i64::try_from(passes).unwrap_or(i64::MAX)) {
        let (made, by) = (company.clone(), calendar.clone());
        let items = tokio::task::spawn_blocking(move || items(&made, &by, range))
            .await
            .map_err(ApiError::internal)?;
        let mut items = items.into_iter().peekable();
        while let Some(stop) = items.peek().map(|item| item.stop) {
            job.check()?;
            store.advance_clock(calendar.moment(stop)).await?;
            loop {
                let mut batch = Vec::new();
                while batch.len() < BATCH
                    && let Some(item) = items.next_if(|item| item.stop == stop)
                {
                    batch.push(item);
                }
                if batch.is_empty() {
                    break;
                }
                let known = batch.iter().map(|item| ids[item.ordinal as usize]).collect();
                let (joined, events) = store
                    .write(Priority::Import, move |tx| write(tx, batch, known))
                    .await?;
                for (ordinal, id) in joined {
                    ids[ordinal as usize] = id;
                }
                written += events;
            }
            job.progress(stop.unsigned_abs(), stops.unsigned_abs());
        }
    }
    store.advance_clock(company.end()).await?;
    Ok(written)
}

/// All stops in so many ranges; what is before the history is in the first.
fn parts(calendar: &Calendar, n: i64) -> Vec<std::ops::Range<i64>> {
    let (first, last) = (calendar.weeks(), calendar.len());
    let bound = |i: i64| if i == 0 { 0 } else { first + (last - first) * i / n };
    (0..n).map(|i| bound(i)..bound(i + 1)).collect()
}

type Joined = Vec<(u32, ContactId)>;

/// Writes what happened between two stops: the new contacts, and how many events.
fn write(
    tx: &mut Tx<'_>,
    items: Vec<Item>,
    mut known: Vec<ContactId>,
) -> carillon_store::Result<(Joined, u64)> {
    let mut new: Vec<(usize, u32, SampleContact)> = Vec::new();
    let mut rest = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        match item.what {
            What::Joined(contact) => new.push((place, item.ordinal, *contact)),
            what => rest.push((place, what)),
        }
    }
    let joined = insert(tx, &mut new)?;
    for ((place, ..), (_, id)) in new.iter().zip(&joined) {
        known[*place] = *id;
    }
    let (mut ledger, mut happened) = (Vec::new(), Vec::new());
    for (place, what) in rest {
        match what {
            What::Consent(row) => ledger.push(row.row(known[place])),
            What::Event(event) => happened.push(NewEvent {
                contact: known[place],
                name: event.name.to_owned(),
                at: event.at,
                source: SOURCE.to_owned(),
                props: event.props,
            }),
            What::Suppressed(reason, email) => {
                suppressions::add(tx, &email, reason, SOURCE)?;
            }
            What::Joined(_) => {}
        }
    }
    consents::append(tx, &ledger)?;
    let events = events::append(tx, &happened)?.len() as u64;
    Ok((joined, events))
}

const BUILT_IN: [&str; 7] = [
    "first_name",
    "last_name",
    "phone",
    "country",
    "city",
    "language",
    "time_zone",
];

fn insert(tx: &mut Tx<'_>, new: &mut [(usize, u32, SampleContact)]) -> carillon_store::Result<Joined> {
    let custom = Company::fields();
    let keys: Vec<&str> = BUILT_IN
        .into_iter()
        .chain(custom.iter().map(|f| f.key.as_str()))
        .collect();
    let columns = Columns::resolve(tx, &keys)?;
    let mut rows: Vec<NewContact> = new
        .iter_mut()
        .map(|(_, _, contact)| {
            let text = |text: &str| Some(Value::Text(text.to_owned()));
            let mut values = vec![
                text(contact.first_name),
                text(contact.last_name),
                contact.phone.take().map(Value::Text),
                text(contact.country),
                text(contact.city),
                text(contact.language),
                text(contact.time_zone),
            ];
            let known = std::mem::take(&mut contact.fields);
            values.extend(custom.iter().map(|f| {
                known
                    .iter()
                    .find(|(key, _)| *key == f.key)
                    .map(|(_, v)| v.clone())
            }));
            NewContact {
                email: std::mem::take(&mut contact.email),
                values,
                zone_source: None,
            }
        })
        .collect();
    let inserted = contacts::insert_batch(tx, &columns, &mut rows, SOURCE)?;
    let mut joined = Vec::with_capacity(new.len());
    for ((_, ordinal, contact), inserted) in new.iter().zip(inserted) {
        for tag in &contact.tags {
            contacts::add_tag(tx, inserted.id(), tag, SOURCE)?;
        }
        joined.push((*ordinal, inserted.id()));
    }
    Ok(joined)
}

/// Templates, the account, segments and the drawing of the journey.
async fn furnish(store: &Store) -> Result<()> {
    let starters = templates::starter_drafts()?;
    let mut expressions = Vec::new();
    for (name, text) in SEGMENTS {
        expressions.push((*name, segment::parse(text).map_err(ApiError::internal)?));
    }
    let drawing = journey::read(JOURNEY).map_err(ApiError::internal)?;
    store
        .write(Priority::User, move |tx| {
            let now = tx.now();
            for starter in starters {
                let draft = starter.draft;
                let template = Template {
                    id: TemplateId(0),
                    name: draft.name,
                    subject: draft.subject,
                    preheader: draft.preheader,
                    body: draft.body,
                    text: draft.text,
                    topic: None,
                    updated_at: now,
                };
                carillon_store::templates::save(tx, None, &template)?;
            }
            let account = accounts::save(tx, None, &account())?;
            carillon_store::settings::set(tx, settings::DEFAULT_ACCOUNT, Some(&account.id))?;
            for (name, expr) in &expressions {
                segments::save(tx, None, name, expr)?;
            }
            journeys::save_draft(tx, None, &drawing).map(drop)
        })
        .await?;
    Ok(())
}

/// The account that reaches the sample's own mail server. Its port is set when the server runs.
fn account() -> Account {
    Account {
        id: AccountId(0),
        name: ACCOUNT.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 25,
        tls: Tls::None,
        user: String::new(),
        auth: Default::default(),
        from_name: ORGANISATION.trim_end_matches(" (sample)").to_owned(),
        from_email: FROM_EMAIL.to_owned(),
        reply_to: None,
        ca_file: None,
        per_day: 1_000_000,
        per_minute: 100_000,
        // Those that stand before the final dot share one commit: many, so that months play fast.
        sessions: 16,
        preset: None,
        provider: None,
        dkim: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn catalogue() -> journey::Catalogue {
        let built_in = carillon_model::contact::BUILT_IN_FIELDS
            .iter()
            .map(|(key, label, kind)| carillon_model::contact::Field {
                key: (*key).to_owned(),
                label: (*label).to_owned(),
                field_type: *kind,
                options: Vec::new(),
                built_in: true,
                score: None,
            });
        let segments: BTreeMap<_, _> = SEGMENTS
            .iter()
            .map(|(name, text)| ((*name).to_owned(), segment::parse(text).expect("a segment")))
            .collect();
        let templates: BTreeSet<_> = templates::starter_drafts()
            .expect("starters")
            .into_iter()
            .map(|s| s.name)
            .collect();
        journey::Catalogue {
            fields: built_in.chain(Company::fields()).collect(),
            segments,
            templates,
            accounts: BTreeSet::from([ACCOUNT.to_owned()]),
            default_account: Some(ACCOUNT.to_owned()),
        }
    }

    #[test]
    fn the_sample_journey_can_be_published_without_a_warning_and_its_file_is_canonical() {
        let drawing = journey::read(JOURNEY).expect("a journey");
        let (version, problems) = journey::compile(&drawing, &catalogue());
        assert_eq!(problems, []);
        assert!(version.is_some());
        assert_eq!(journey::canonical(&drawing), JOURNEY);
    }

    #[test]
    fn every_sample_segment_fits_the_fields_of_the_sample() {
        let catalogue = catalogue();
        let names = catalogue.segments.keys().cloned().collect();
        for (name, expr) in &catalogue.segments {
            assert_eq!(segment::check(expr, &catalogue.fields, &names), [], "{name}");
        }
    }

    #[test]
    fn nothing_of_a_sample_is_written_before_it_happens_nor_to_nobody() {
        for months in [1, 12, 40] {
            let company = company(SampleSize {
                contacts: 300,
                months,
                seed: 3,
            });
            let calendar = Calendar::of(&company);
            let mut there = BTreeSet::new();
            let all: Vec<Item> = parts(&calendar, 3)
                .into_iter()
                .flat_map(|part| items(&company, &calendar, part))
                .collect();
            let wanted: usize = company
                .iter()
                .map(|c| 1 + c.consents.len() + c.events.len() + usize::from(c.suppression.is_some()))
                .sum();
            assert_eq!(all.len(), wanted);
            let mut last = calendar.start;
            for item in all {
                let clock = calendar.moment(item.stop);
                assert!(clock >= last && clock <= company.end());
                last = clock;
                match item.what {
                    What::Joined(_) => {
                        there.insert(item.ordinal);
                        assert!(clock <= item.at, "{clock} {}", item.at);
                    }
                    _ => {
                        assert!(there.contains(&item.ordinal));
                        assert!(item.at < clock || clock == company.end(), "{clock} {}", item.at);
                    }
                }
            }
        }
    }
}
