//! The first screen: what lives, what waits, what to do next.

use crate::commands;
use crate::contacts::{Named, TimelineEntry, TimelineWhat};
use crate::error::Result;
use crate::table::NoArgs;
use crate::{Ctx, runtime};
use carillon_model::consent::{Channel, Purpose};
use carillon_model::journey::JourneyState;
use carillon_model::message::MessageState;
use carillon_model::segment::{Clause, Expr};
use carillon_model::{EventId, JourneyId, Moment};
use carillon_store::{
    Db, accounts, contacts, events, imports, journeys, outbox, reports, segments, settings, templates,
};
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "home.overview" overview(NoArgs) -> HomeOverview, reads [Contacts, Consents, Enrolments, Journeys, Outbox, Segments, Templates, Accounts, Events, Imports, Reports, Workspace, Clock];
}

/// A day with a number.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DayCount {
    pub day: NaiveDate,
    #[ts(type = "number")]
    pub count: i64,
}

/// A live journey in short.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HomeJourney {
    pub id: JourneyId,
    pub name: String,
    pub state: JourneyState,
    #[ts(type = "number")]
    pub active: u64,
    #[ts(type = "number")]
    pub entered_7_days: i64,
}

/// Something to do, and whether it is done.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChecklistRow {
    pub item: String,
    pub done: bool,
}

/// Everything the first screen shows.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HomeOverview {
    #[ts(type = "number")]
    pub contacts: u64,
    #[ts(type = "number")]
    pub contacts_30_days: i64,
    #[ts(type = "number")]
    pub permitted: u64,
    #[ts(type = "number")]
    pub in_journeys: u64,
    pub live_journeys: u32,
    #[ts(type = "number")]
    pub messages_today: i64,
    #[ts(type = "number")]
    pub messages_7_days: i64,
    #[ts(type = "number")]
    pub unknown: u64,
    pub next_due: Option<Moment>,
    pub accepted_by_day: Vec<DayCount>,
    pub journeys: Vec<HomeJourney>,
    pub latest: Vec<TimelineEntry>,
    pub checklist: Vec<ChecklistRow>,
}

/// Entries of the newest things shown.
const LATEST: usize = 12;

/// Setting with the moment a journey was last simulated in this workspace.
pub(crate) const SIMULATED_AT: &str = "simulated_at";

async fn overview(cx: &Ctx, _: NoArgs) -> Result<HomeOverview> {
    let open = cx.open()?;
    let now = open.now();
    let zone = open.store.catalogue().zone();
    let today = now.with_timezone(&zone).date_naive();
    let may = Expr::Clause(Clause::Consent {
        channel: Channel::Email,
        purpose: Purpose::Marketing,
        basis: None,
    });
    let (contacts_now, permitted) = open
        .store
        .with_index(|index| (index.contacts().len(), index.members(&may, now).len()));
    let mut home = open
        .store
        .read(move |db| {
            let first = today - TimeDelta::days(29);
            let messages = reports::messages_over_time(db, None, first, today)?;
            let growth = reports::list_growth(db, first, today)?;
            let counts = outbox::counts(db, None)?;
            let mut live = Vec::new();
            let mut in_journeys = 0;
            let rows = journeys::list(db)?;
            for row in rows.iter().filter(|row| !row.campaign) {
                let active = crate::journeys::active(db, &journeys::versions(db, row.id)?)?;
                in_journeys += active;
                if row.state != JourneyState::Draft {
                    let week = carillon_store::time::days(today) - 6;
                    let entered = carillon_store::rollups::series(
                        db,
                        carillon_store::rollups::Metric::Enrolled,
                        Some(i64::from(row.id.0)),
                        week,
                        i64::MAX,
                    )?;
                    live.push(HomeJourney {
                        id: row.id,
                        name: row.name.clone(),
                        state: row.state,
                        active,
                        entered_7_days: entered.into_iter().map(|(_, n)| n).sum(),
                    });
                }
            }
            let latest = latest(db, &rows)?;
            let done = [
                ("import_contacts", contacts::count(db)? > 0),
                ("save_segment", !segments::list(db)?.is_empty()),
                ("adapt_template", !templates::list(db)?.is_empty()),
                ("draw_journey", rows.iter().any(|row| !row.campaign)),
                (
                    "simulate_journey",
                    settings::get::<Moment>(db, SIMULATED_AT)?.is_some(),
                ),
                ("add_sender", !accounts::list(db)?.is_empty()),
                ("publish_journey", rows.iter().any(|r| r.version.is_some())),
            ];
            Ok(HomeOverview {
                contacts: 0,
                contacts_30_days: growth.iter().map(|d| d.added - d.removed).sum(),
                permitted: 0,
                in_journeys,
                live_journeys: u32::try_from(rows.iter().filter(|r| r.state == JourneyState::Live).count())
                    .unwrap_or(0),
                messages_today: messages.last().map_or(0, |d| d.accepted),
                messages_7_days: messages.iter().rev().take(7).map(|d| d.accepted).sum(),
                unknown: counts.get(&MessageState::Unknown).copied().unwrap_or(0)
                    + counts.get(&MessageState::Frozen).copied().unwrap_or(0),
                next_due: None,
                accepted_by_day: messages
                    .iter()
                    .map(|d| DayCount {
                        day: d.date,
                        count: d.accepted,
                    })
                    .collect(),
                journeys: live,
                latest,
                checklist: done
                    .map(|(item, done)| ChecklistRow {
                        item: item.to_owned(),
                        done,
                    })
                    .to_vec(),
            })
        })
        .await?;
    home.contacts = contacts_now;
    home.permitted = permitted;
    home.next_due = runtime::next_due(open).await?;
    Ok(home)
}

/// What happened last in the whole workspace, of all kinds, newest first.
fn latest(db: &Db<'_>, journeys: &[journeys::JourneyRow]) -> carillon_store::Result<Vec<TimelineEntry>> {
    let named = |id| {
        Ok::<_, carillon_store::Error>(contacts::get(db, id)?.map(|c| Named {
            id: c.id,
            email: c.email,
        }))
    };
    let mut all = Vec::new();
    let few = LATEST as u32;
    let before = EventId(events::last_id(db)?.0 - i64::from(few));
    for event in events::after(db, before, few)? {
        all.push(TimelineEntry {
            at: event.at,
            contact: named(event.contact)?,
            what: TimelineWhat::Event { event },
        });
    }
    for message in outbox::page(db, outbox::Filter::default(), None, few)? {
        let journey = journeys.iter().find(|row| row.id == message.key.journey);
        all.push(TimelineEntry {
            at: message.queued_at,
            contact: named(message.key.contact)?,
            what: TimelineWhat::Message {
                id: message.id,
                subject: message.subject,
                state: message.state,
                journey: journey.map(|row| row.name.clone()),
            },
        });
    }
    for import in imports::list(db)?.into_iter().take(LATEST) {
        all.push(TimelineEntry {
            at: import.started_at,
            contact: None,
            what: TimelineWhat::Import {
                id: import.id,
                name: import.name,
                what: import.kind.word().to_owned(),
                new: import.counts.added,
            },
        });
    }
    for row in journeys {
        for version in journeys::versions(db, row.id)?.into_iter().rev().take(LATEST) {
            all.push(TimelineEntry {
                at: version.published_at,
                contact: None,
                what: TimelineWhat::Published {
                    journey: row.name.clone(),
                    version: version.number,
                },
            });
        }
    }
    all.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    all.truncate(LATEST);
    Ok(all)
}
