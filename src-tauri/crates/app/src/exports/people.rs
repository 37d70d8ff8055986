//! Who a campaign is for and what became of it, and who is inside a journey.

use super::lists::{PAGE, Rows, columns, word_of};
use super::{Cell, Column, Kind};
use crate::campaigns::{self, Everybody};
use crate::error::Result;
use crate::outbox::{self, OutboxRow};
use crate::workspaces::Open;
use carillon_model::{CampaignId, ContactId, JourneyId, MessageId, VersionId};
use carillon_store::{contacts, enrolments, journeys};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Everybody a campaign is about. Its messages come first, the newest before the others; then those who get one and have
/// none yet, who are held out, and who is left out.
pub(super) struct CampaignRows {
    of: Everybody,
    wanted: outbox::Wanted,
    /// Where the messages go on; `None`: they have been written.
    messages: Option<Option<MessageId>>,
    written: RoaringBitmap,
    /// Those without a message: what they are, why, and who.
    others: Vec<(&'static str, String, RoaringBitmap)>,
}

impl CampaignRows {
    /// The people of a campaign: as of its start, or as they would be now.
    ///
    /// # Errors
    /// When there is no such campaign.
    pub async fn of(open: &Open, id: CampaignId) -> Result<CampaignRows> {
        let of = campaigns::everybody(open, id).await?;
        Ok(CampaignRows {
            of,
            wanted: outbox::Wanted::new(Vec::new(), Some(JourneyId::from(id)), None),
            messages: Some(None),
            written: RoaringBitmap::new(),
            others: Vec::new(),
        })
    }

    pub fn columns() -> Vec<Column> {
        columns(&[
            ("email", Kind::Text),
            ("part", Kind::Text),
            ("reason", Kind::Text),
            ("template", Kind::Text),
            ("subject", Kind::Text),
            ("state", Kind::Text),
            ("queued_at", Kind::Moment),
            ("attempts", Kind::Whole),
            ("last_word", Kind::Text),
        ])
    }

    /// How many people it is about.
    pub fn total(&self) -> u64 {
        let left_out = self.of.left_out.iter().map(|(_, who)| who.len()).sum::<u64>();
        self.of.gets.len() + self.of.held_out.len() + left_out
    }

    /// The next rows.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        if let Some(before) = self.messages {
            let wanted = self.wanted.clone();
            let (found, last) = open
                .store
                .read(move |db| {
                    let (found, last) = wanted.batch(db, before)?;
                    let named = found.into_iter().map(|message| outbox::with_names(db, message));
                    Ok((named.collect::<carillon_store::Result<Vec<_>>>()?, last))
                })
                .await?;
            self.messages = last.map(Some);
            self.written.extend(found.iter().map(|row| row.contact_id.0));
            if last.is_none() {
                self.rest();
            }
            return Ok(Some(found.into_iter().map(sent).collect()));
        }
        let Some((part, reason, who)) = self.others.last_mut() else {
            return Ok(None);
        };
        let ids: Vec<ContactId> = who.iter().take(PAGE as usize).map(ContactId).collect();
        for id in &ids {
            who.remove(id.0);
        }
        let (part, reason) = (*part, reason.clone());
        if who.is_empty() {
            self.others.pop();
        }
        let found = open.store.read(move |db| contacts::get_many(db, &ids)).await?;
        let row = |contact: carillon_model::contact::Contact| {
            let mut row = vec![
                Cell::text(contact.email),
                Cell::text(part),
                Cell::text(reason.clone()),
            ];
            row.extend([const { Cell::Empty }; 6]);
            row
        };
        Ok(Some(found.into_iter().map(row).collect()))
    }

    /// Those without a message, the last first.
    fn rest(&mut self) {
        let left_out = self.of.left_out.iter().rev();
        let left_out = left_out.map(|(reason, who)| ("left_out", reason.clone(), who.clone()));
        let held = ("held_out", String::new(), &self.of.held_out - &self.written);
        let waits = ("gets", String::new(), &self.of.gets - &self.written);
        self.others = left_out
            .chain([held, waits])
            .filter(|(_, _, who)| !who.is_empty())
            .collect();
    }
}

/// Somebody who has a message.
fn sent(row: OutboxRow) -> Vec<Cell> {
    let message = row.message;
    vec![
        Cell::text(message.to),
        Cell::text("gets"),
        Cell::Empty,
        Cell::text(row.template_name),
        Cell::text(message.subject),
        word_of(&message.state),
        Cell::Moment(message.queued_at),
        Cell::Whole(i64::from(message.attempts)),
        Cell::text(message.last_word.unwrap_or_default()),
    ]
}

/// Those inside a journey, by the order of their contacts.
pub(super) struct JourneyRows {
    journey: JourneyId,
    step: Option<String>,
    /// Ids of the steps of each version, in the order that a step's index counts, with their names.
    steps: BTreeMap<VersionId, Vec<(String, String)>>,
    /// Behind whom to go on; `None`: that was all.
    after: Option<Option<ContactId>>,
}

impl JourneyRows {
    /// Those inside a journey, and how many there are at all.
    ///
    /// # Errors
    /// When there is no such journey.
    pub async fn of(open: &Open, journey: JourneyId, step: Option<String>) -> Result<(JourneyRows, u64)> {
        crate::journeys::row(open, journey).await?;
        let (steps, active) = open
            .store
            .read(move |db| {
                let versions = journeys::versions(db, journey)?;
                let active = crate::journeys::active(db, &versions)?;
                let mut steps = BTreeMap::new();
                for version in versions {
                    let name = |id: &String| {
                        let step = version.document.steps.iter().find(|step| step.id.0 == *id);
                        step.map(|step| {
                            if step.name.is_empty() {
                                &step.kind
                            } else {
                                &step.name
                            }
                        })
                        .cloned()
                        .unwrap_or_default()
                    };
                    let ids = crate::journeys::in_order(&version.document);
                    let named = ids
                        .into_iter()
                        .map(|id| (name(&id), id))
                        .map(|(name, id)| (id, name));
                    steps.insert(version.id, named.collect());
                }
                Ok((steps, active))
            })
            .await?;
        let rows = JourneyRows {
            journey,
            step,
            steps,
            after: Some(None),
        };
        Ok((rows, active))
    }

    pub fn columns() -> Vec<Column> {
        columns(&[
            ("email", Kind::Text),
            ("step", Kind::Text),
            ("title", Kind::Text),
            ("passage", Kind::Whole),
            ("entered_at", Kind::Moment),
            ("wakes_at", Kind::Moment),
        ])
    }

    /// The next rows.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        let Some(after) = self.after else { return Ok(None) };
        let journey = self.journey;
        let found = open
            .store
            .read(move |db| {
                let batch = enrolments::active_in(db, journey, after, PAGE)?;
                let mut found = Vec::with_capacity(batch.len());
                for enrolment in batch {
                    let email = contacts::email_of(db, enrolment.contact)?.unwrap_or_default();
                    found.push((email, enrolment));
                }
                Ok(found)
            })
            .await?;
        self.after = found.last().map(|(_, enrolment)| Some(enrolment.contact));
        let rows = found.into_iter().filter_map(|(email, enrolment)| {
            let at = enrolment.state.at.and_then(|ix| {
                let steps = self.steps.get(&enrolment.version)?;
                steps.get(usize::from(ix.0))
            });
            let (step, title) = at.cloned().unwrap_or_default();
            self.step.as_ref().is_none_or(|wanted| *wanted == step).then(|| {
                vec![
                    Cell::text(email),
                    Cell::text(step),
                    Cell::text(title),
                    Cell::Whole(i64::from(enrolment.number)),
                    Cell::Moment(enrolment.entered_at),
                    enrolment.state.wake_at.into(),
                ]
            })
        });
        Ok(Some(rows.collect()))
    }
}
