//! Coming back: what fell due while the machine slept or the workspace was closed. A few messages leave by themselves; of
//! many, somebody says what becomes of them before any leaves.

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_engine::journey::calendar;
use carillon_model::contact::Value;
use carillon_model::{CampaignId, ContactId, JourneyId, MessageId, Moment};
use carillon_store::outbox::{Claimed, due};
use carillon_store::{Db, Priority, Tx, campaigns, contacts, journeys, settings};
use chrono::{NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use ts_rs::TS;

commands! {
    query "absence.get" get(NoArgs) -> Option<Absence>, reads [Workspace, Outbox, Journeys, Campaigns];
    mutate "absence.answer" answer(AnswerAbsence) -> Done, reads [];
    mutate "absence.close" close(NoArgs) -> Done, reads [];
    query "absence.limit" get_limit(NoArgs) -> AbsenceLimit, reads [Workspace];
    mutate "absence.set_limit" set_limit(AbsenceLimit) -> Done, reads [];
}

/// Key of the setting with the last absence.
const LAST: &str = "absence";
/// Key of the setting with how many messages may leave after an absence without a question.
const LIMIT: &str = "absence_limit";
const USUAL_LIMIT: u32 = 25;
/// A shorter time is a break, and no absence.
const SHORTEST: TimeDelta = TimeDelta::hours(1);
/// Messages that one write answers for.
const BATCH: u32 = 500;
/// When the morning begins, by each contact's own clock.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("nine o'clock is a time");

/// An absence as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    from: Moment,
    to: Moment,
    journeys: Vec<FellDue>,
}

/// What fell due of one journey or campaign in an absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FellDue {
    journey: JourneyId,
    messages: u64,
    fate: Fate,
}

/// What becomes of messages that fell due in an absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Fate {
    /// They wait until somebody says what becomes of them.
    Waits,
    /// They were few: they left by themselves.
    LeftAlone,
    Send,
    /// They leave at nine in the morning, by each contact's own clock.
    NextMorning,
    Skip,
}

/// What fell due of one journey or campaign in an absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AbsentJourney {
    pub journey: JourneyId,
    /// Empty: it was deleted.
    pub name: String,
    pub campaign: bool,
    /// Marketing messages that fell due.
    #[ts(type = "number")]
    pub messages: u64,
    pub fate: Fate,
}

/// An absence, and what fell due in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Absence {
    pub from: Moment,
    pub to: Moment,
    pub journeys: Vec<AbsentJourney>,
    /// Messages that wait for an answer.
    #[ts(type = "number")]
    pub waiting: u64,
}

/// What becomes of what fell due. Without a journey: of all that waits.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AnswerAbsence {
    #[serde(default)]
    pub journey: Option<JourneyId>,
    /// `send`, `next_morning` or `skip`.
    pub fate: Fate,
}

/// How many messages may leave after an absence without a question, 0 to 1,000,000. `None`: there is never one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AbsenceLimit {
    pub messages: Option<u32>,
}

fn last(db: &Db<'_>) -> carillon_store::Result<Option<Kept>> {
    settings::get(db, LAST)
}

fn limit(db: &Db<'_>) -> carillon_store::Result<AbsenceLimit> {
    Ok(settings::get(db, LIMIT)?.unwrap_or(AbsenceLimit {
        messages: Some(USUAL_LIMIT),
    }))
}

/// Whether a message waits because it fell due with many others while nobody was there.
///
/// # Errors
/// The store's.
pub fn holds(db: &Db<'_>, message: &Claimed) -> carillon_store::Result<bool> {
    let Some(kept) = last(db)? else {
        return Ok(false);
    };
    let span = kept.from..=kept.to;
    Ok(!message.transactional
        && span.contains(&message.queued_at)
        && kept
            .journeys
            .iter()
            .any(|one| one.journey == message.key.journey && one.fate == Fate::Waits))
}

/// Notes an absence that began at `from` and is over, once all that fell due in it is queued and before any of it leaves.
///
/// # Errors
/// The store's.
pub async fn note(open: &Arc<Open>, from: Moment) -> Result<()> {
    let to = open.now();
    if to - from < SHORTEST {
        return Ok(());
    }
    Ok(open
        .store
        .write(Priority::User, move |tx| {
            // What nobody has answered for yet still waits.
            let before = last(tx)?.filter(|kept| kept.journeys.iter().any(|one| one.fate == Fate::Waits));
            let from = before.map_or(from, |kept| kept.from.min(from));
            let found = due::waiting_by_journey(tx, from, to)?;
            let all: u64 = found.iter().map(|(_, messages)| messages).sum();
            let many = limit(tx)?.messages.is_some_and(|most| all > u64::from(most));
            let fate = if many { Fate::Waits } else { Fate::LeftAlone };
            let journeys = found
                .into_iter()
                .map(|(journey, messages)| FellDue {
                    journey,
                    messages,
                    fate,
                })
                .collect();
            keep(tx, Some(Kept { from, to, journeys }))
        })
        .await?)
}

fn keep(tx: &mut Tx<'_>, kept: Option<Kept>) -> carillon_store::Result<()> {
    let kept = kept.filter(|kept| !kept.journeys.is_empty());
    settings::set(tx, LAST, kept.as_ref())
}

async fn get(cx: &Ctx, _: NoArgs) -> Result<Option<Absence>> {
    let found = cx
        .open()?
        .store
        .read(|db| last(db)?.map(|kept| view(db, kept)).transpose());
    Ok(found.await?)
}

fn view(db: &Db<'_>, kept: Kept) -> carillon_store::Result<Absence> {
    let mut waiting = 0;
    let mut all = Vec::new();
    for one in kept.journeys {
        let campaign = campaigns::get(db, CampaignId(one.journey.0))?;
        let name = match &campaign {
            Some(row) => row.campaign.name.clone(),
            None => journeys::get(db, one.journey)?.map_or_else(String::new, |row| row.name),
        };
        if one.fate == Fate::Waits {
            waiting += one.messages;
        }
        all.push(AbsentJourney {
            journey: one.journey,
            name,
            campaign: campaign.is_some(),
            messages: one.messages,
            fate: one.fate,
        });
    }
    Ok(Absence {
        from: kept.from,
        to: kept.to,
        journeys: all,
        waiting,
    })
}

async fn answer(cx: &Ctx, req: AnswerAbsence) -> Result<Done> {
    if matches!(req.fate, Fate::Waits | Fate::LeftAlone) {
        return Err(fail(Code::Invalid, "absence.no_answer", &[]).at("fate"));
    }
    let open = cx.open()?;
    let kept = open.store.read(last).await?;
    let kept = kept.ok_or_else(|| fail(Code::NotFound, "absence.none", &[]))?;
    let asked =
        |one: &&FellDue| one.fate == Fate::Waits && req.journey.is_none_or(|journey| journey == one.journey);
    let span = (kept.from, kept.to);
    for journey in kept.journeys.iter().filter(asked).map(|one| one.journey) {
        let mut after = Some(MessageId(0));
        while let Some(from) = after {
            after = open
                .store
                .write(Priority::User, move |tx| {
                    answer_some(tx, journey, span, req.fate, from)
                })
                .await?;
        }
    }
    open.runtime.nudge();
    Ok(Done {})
}

/// Answers for the next messages of a journey; the last of them, if there may be more.
///
/// *Send* is written with the first messages: what is not moved yet then goes when it is looked at again, and the runtime
/// that looks meanwhile holds none anew. Any other answer is written with the last: until then the gate holds what has none
/// yet, also after a crash, and what was asked can be answered again. Whichever answer is written first stands.
fn answer_some(
    tx: &mut Tx<'_>,
    journey: JourneyId,
    span: (Moment, Moment),
    fate: Fate,
    after: MessageId,
) -> carillon_store::Result<Option<MessageId>> {
    let begins = after == MessageId(0);
    let stands = match fate == Fate::Send {
        true if begins => decide(tx, journey, span, fate)?,
        true => true,
        false => waits(tx, journey, span)?,
    };
    if !stands {
        return Ok(None);
    }
    let batch = due::waiting_of(tx, journey, span, after, BATCH)?;
    for message in &batch {
        answered(tx, message, fate)?;
    }
    let last = batch.last().filter(|_| batch.len() == BATCH as usize);
    if last.is_none() && fate != Fate::Send {
        decide(tx, journey, span, fate)?;
    }
    Ok(last.map(|message| message.id))
}

/// Whether what fell due of a journey in this very absence still waits. One that has become longer is asked about anew.
fn waits(db: &Db<'_>, journey: JourneyId, span: (Moment, Moment)) -> carillon_store::Result<bool> {
    Ok(last(db)?.is_some_and(|kept| {
        let of_journey = |one: &FellDue| one.journey == journey && one.fate == Fate::Waits;
        (kept.from, kept.to) == span && kept.journeys.iter().any(of_journey)
    }))
}

/// Writes what becomes of a journey's messages. False: they do not wait any more.
fn decide(
    tx: &mut Tx<'_>,
    journey: JourneyId,
    span: (Moment, Moment),
    fate: Fate,
) -> carillon_store::Result<bool> {
    if !waits(tx, journey, span)? {
        return Ok(false);
    }
    let mut kept = last(tx)?;
    let all = kept.iter_mut().flat_map(|kept| &mut kept.journeys);
    for one in all.filter(|one| one.journey == journey) {
        one.fate = fate;
    }
    keep(tx, kept)?;
    Ok(true)
}

fn answered(tx: &mut Tx<'_>, message: &due::Waiting, fate: Fate) -> carillon_store::Result<()> {
    match fate {
        Fate::Skip => due::cancel(tx, message.id, "Skipped: it fell due while nobody was there."),
        Fate::NextMorning => {
            let at = next_morning(tx, message.contact, tx.now())?;
            due::move_to(tx, message.id, at)
        }
        // What waits for something else too, a server or a limit, goes on waiting for that.
        Fate::Send if message.held => {
            let at = message.next_at.min(tx.now());
            due::move_to(tx, message.id, at)
        }
        Fate::Send | Fate::Waits | Fate::LeftAlone => Ok(()),
    }
}

/// The next time it is nine in the morning where a contact lives; who has no zone lives in the workspace's.
fn next_morning(db: &Db<'_>, contact: ContactId, now: Moment) -> carillon_store::Result<Moment> {
    let fields = contacts::record_fields(db, contact)?.unwrap_or_default();
    let own = fields.iter().find_map(|(key, value)| match value {
        Value::Text(name) if key == "time_zone" => name.parse().ok(),
        _ => None,
    });
    let zone = own.unwrap_or_else(|| db.catalogue().zone());
    Ok(morning_after(zone, now))
}

fn morning_after(zone: chrono_tz::Tz, now: Moment) -> Moment {
    let today = calendar::local(zone, now).date();
    let at = |days| {
        let day = calendar::shifted(today, days).unwrap_or(today);
        calendar::instant(zone, day.and_time(MORNING))
    };
    match at(0) {
        morning if morning > now => morning,
        _ => at(1),
    }
}

/// Puts the list away. What waits for an answer goes on waiting, so it stays.
async fn close(cx: &Ctx, _: NoArgs) -> Result<Done> {
    let put_away = cx.open()?.store.write(Priority::User, |tx| match last(tx)? {
        Some(kept) if kept.journeys.iter().any(|one| one.fate == Fate::Waits) => Ok(false),
        _ => keep(tx, None).map(|()| true),
    });
    match put_away.await? {
        true => Ok(Done {}),
        false => Err(fail(Code::Refused, "absence.waits", &[])),
    }
}

async fn get_limit(cx: &Ctx, _: NoArgs) -> Result<AbsenceLimit> {
    Ok(cx.open()?.store.read(limit).await?)
}

async fn set_limit(cx: &Ctx, req: AbsenceLimit) -> Result<Done> {
    if req.messages.is_some_and(|most| most > 1_000_000) {
        return Err(fail(Code::Invalid, "absence.range", &[]).at("messages"));
    }
    cx.open()?
        .store
        .write(Priority::User, move |tx| settings::set(tx, LIMIT, Some(&req)))
        .await?;
    Ok(Done {})
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_next_morning_is_todays_before_nine_and_tomorrows_from_nine_on_by_the_contacts_own_clock() {
        let zone = chrono_tz::America::New_York;
        let at = |text: &str| text.parse::<Moment>().unwrap();
        assert_eq!(
            morning_after(zone, at("2026-11-26T13:59:59Z")),
            at("2026-11-26T14:00:00Z")
        );
        assert_eq!(
            morning_after(zone, at("2026-11-26T14:00:00Z")),
            at("2026-11-27T14:00:00Z")
        );
        let summer = morning_after(zone, at("2026-07-01T20:00:00Z"));
        assert_eq!(summer, at("2026-07-02T13:00:00Z"));
    }
}
