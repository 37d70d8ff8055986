//! What happened with one contact, from all tables, newest first.

use crate::contacts::{TimelineEntry, TimelineWhat};
use crate::error::Result;
use crate::workspaces::Open;
use carillon_engine::segment::Needs;
use carillon_model::{ContactId, Moment};
use carillon_store::{consents, contacts, enrolments, events, journeys, outbox, suppressions};

/// The newest entries of a contact, before a moment if one is given.
pub async fn of(
    open: &Open,
    id: ContactId,
    before: Option<Moment>,
    limit: usize,
) -> Result<Vec<TimelineEntry>> {
    let ids: Vec<_> = open.store.with_index(|index| {
        index
            .record_of(id, &Needs::every_event())
            .map(|record| record.events.iter().map(|e| (e.at, e.id)).collect())
            .unwrap_or_default()
    });
    let wanted = move |at: &Moment| before.is_none_or(|b| *at < b);
    let mut recent: Vec<_> = ids.into_iter().filter(|(at, _)| wanted(at)).collect();
    recent.sort_unstable_by(|a, b| b.cmp(a));
    let ids: Vec<_> = recent.into_iter().take(limit).map(|(_, id)| id).collect();
    let mut all = open
        .store
        .read(move |db| {
            let mut all = Vec::new();
            let mut add = |at: Moment, what: TimelineWhat| {
                if wanted(&at) {
                    all.push(TimelineEntry {
                        at,
                        contact: None,
                        what,
                    });
                }
            };
            if let Some(contact) = contacts::get(db, id)? {
                let source = contact
                    .fields
                    .first()
                    .map(|f| f.provenance.source.clone())
                    .unwrap_or_default();
                add(contact.created_at, TimelineWhat::Created { source });
                if let Some(entry) = suppressions::entry(db, &contact.email)? {
                    add(
                        entry.at,
                        TimelineWhat::Suppressed {
                            reason: entry.reason,
                            source: entry.source,
                        },
                    );
                }
            }
            for event in events::get_many(db, &ids)?.into_iter().rev() {
                add(event.at, TimelineWhat::Event { event });
            }
            for consent in consents::of(db, id)? {
                add(consent.at, TimelineWhat::Consent { consent });
            }
            for message in outbox::of_contact(db, id)?.into_iter().rev() {
                let journey = journeys::get(db, message.key.journey)?.map(|j| j.name);
                let what = TimelineWhat::Message {
                    id: message.id,
                    subject: message.subject,
                    state: message.state,
                    journey,
                };
                add(message.queued_at, what);
            }
            for enrolment in enrolments::of_contact(db, id)? {
                let name = journeys::get(db, enrolment.journey)?
                    .map(|j| j.name)
                    .unwrap_or_default();
                add(
                    enrolment.entered_at,
                    TimelineWhat::Journey {
                        journey: name.clone(),
                        what: "entered".into(),
                        step: None,
                    },
                );
                if let (Some(at), Some(end)) = (enrolment.ended_at, &enrolment.state.end) {
                    let goal = match end {
                        carillon_model::journey::End::Goal(step) => Some(step.0.clone()),
                        _ => None,
                    };
                    let what = if goal.is_some() { "goal" } else { "left" };
                    add(
                        at,
                        TimelineWhat::Journey {
                            journey: name,
                            what: what.into(),
                            step: goal,
                        },
                    );
                }
            }
            Ok(all)
        })
        .await?;
    // What happened at one moment was told in its order, so the last of it is the newest.
    all.reverse();
    all.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    all.truncate(limit);
    Ok(all)
}
