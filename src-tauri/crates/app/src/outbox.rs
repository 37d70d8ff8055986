//! Messages on their way: what waits and why, what became of each, and the user's word on what nobody knows.

mod mail;

use crate::Ctx;
use crate::accounts::is_here;
use crate::campaigns::variant_of;
use crate::commands;
use crate::contacts::Changed;
use crate::error::{Code, Result, fail, sentence, word};
use crate::letters;
use crate::listening;
use crate::responses::{PausedByBlocks, paused_key};
use crate::runtime::dispatch::{self, PAUSED};
use crate::table::{NoArgs, Page};
use crate::workspaces::Open;
use carillon_model::journey::JourneyState;
use carillon_model::message::{Message, MessageState, Refusal};
use carillon_model::{CampaignId, ContactId, JourneyId, MessageId, Moment};
use carillon_store::outbox::{self as rows, Filter, Resolution};
use carillon_store::{Db, Priority, accounts, campaigns, journeys, settings, templates};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use ts_rs::TS;

commands! {
    query "outbox.summary" summary(NoArgs) -> OutboxSummary, reads [Outbox, Workspace, Accounts];
    query "outbox.page" page(OutboxPage) -> Page<OutboxRow>, reads [Outbox];
    query "outbox.get" get(OneMessage) -> MessageDetail, reads [Outbox];
    mutate "outbox.resolve_state" resolve_state(ResolveState) -> Changed, reads [];
    mutate "outbox.pause" pause(NoArgs) -> Sending, reads [];
    mutate "outbox.resume" resume(NoArgs) -> Sending, reads [];
}

/// How sending stands.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Sending {
    /// Sending is paused for the whole workspace.
    pub paused: bool,
    #[ts(type = "number")]
    pub queued: u64,
    #[ts(type = "number")]
    pub in_flight: u64,
    #[ts(type = "number")]
    pub deferred: u64,
    /// Unknown and frozen messages a person has to resolve.
    #[ts(type = "number")]
    pub attention: u64,
}

/// How many stand in one state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StateCount {
    pub state: MessageState,
    #[ts(type = "number")]
    pub count: u64,
}

/// The outbox at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OutboxSummary {
    pub by_state: Vec<StateCount>,
    pub sending: Sending,
    /// Why nothing leaves now, if so: `restored` (paused by a restore), `paused`, `sample`, `no_account`, `no_opt_out_source`.
    pub closed: Option<String>,
    /// Accounts that cannot send now, with the reason.
    pub troubles: Vec<String>,
}

/// Which messages to list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OutboxPage {
    /// None: all.
    #[serde(default)]
    pub states: Vec<MessageState>,
    #[serde(default)]
    pub journey: Option<JourneyId>,
    #[serde(default)]
    pub search: Option<String>,
    pub offset: u32,
    pub limit: u32,
}

/// A message in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OutboxRow {
    #[serde(flatten)]
    pub message: Message,
    pub contact_id: ContactId,
    pub journey_name: Option<String>,
    pub step_title: Option<String>,
    pub template_name: String,
    pub account_name: String,
}

/// Which message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneMessage {
    pub id: MessageId,
}

/// One attempt to send a message.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Try {
    pub at: Moment,
    pub state: MessageState,
    pub reply: String,
}

/// A message with its mail and its attempts.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageDetail {
    #[serde(flatten)]
    pub row: OutboxRow,
    /// The mail in a frame of its own.
    pub frame: String,
    pub text: String,
    /// It is the mail as the sample's server took it, not as it would be made for the contact now.
    pub received: bool,
    pub tries: Vec<Try>,
}

/// The user's word on all messages of a state, or on some of them.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResolveState {
    /// `unknown` or `frozen`.
    pub state: String,
    /// `sent`, `unknown`, `not_sent` or `cancelled`.
    #[serde(rename = "as")]
    pub outcome: String,
    #[serde(default)]
    #[ts(type = "Array<number> | null")]
    pub ids: Option<Vec<i64>>,
}

async fn sending(open: &Open) -> Result<(Sending, BTreeMap<MessageState, u64>)> {
    let (paused, counts) = open
        .store
        .read(|db| {
            Ok((
                settings::get::<bool>(db, PAUSED)?.unwrap_or(false),
                rows::counts(db, None)?,
            ))
        })
        .await?;
    let of = |state| counts.get(&state).copied().unwrap_or(0);
    let sending = Sending {
        paused,
        queued: of(MessageState::Queued) + of(MessageState::Claimed),
        in_flight: of(MessageState::InFlight),
        deferred: of(MessageState::Deferred),
        attention: of(MessageState::Unknown) + of(MessageState::Frozen),
    };
    Ok((sending, counts))
}

/// Journeys the studio paused itself, with what the servers said.
fn blocked(db: &Db<'_>) -> carillon_store::Result<Vec<String>> {
    let mut all = Vec::new();
    for row in journeys::list(db)? {
        let because = settings::get::<PausedByBlocks>(db, &paused_key(row.id))?;
        if let Some(because) = because.filter(|_| row.state == JourneyState::Paused) {
            let params: [(&str, &dyn std::fmt::Display); 2] =
                [("name", &row.name), ("detail", &because.detail)];
            all.push(sentence("outbox.paused_by_blocks", &params));
        }
    }
    Ok(all)
}

async fn summary(cx: &Ctx, _: NoArgs) -> Result<OutboxSummary> {
    let open = cx.open()?;
    let (sending, counts) = sending(open).await?;
    let now = open.now();
    let (accounts, restored, heard, blocked) = open
        .store
        .read(move |db| {
            let restored = settings::get::<bool>(db, rows::RESTORED)?.unwrap_or(false);
            let heard = listening::is_fresh(db, now)?;
            Ok((accounts::list(db)?, restored, heard, blocked(db)?))
        })
        .await?;
    let mut troubles = blocked;
    for row in &accounts {
        if let Some(why) = dispatch::trouble(open, row.account.id).await? {
            troubles.push(format!("{}: {why}", row.account.name));
        }
    }
    let closed = if sending.paused && restored {
        Some("restored")
    } else if sending.paused {
        Some("paused")
    } else if open.sample {
        Some("sample")
    } else if accounts.is_empty() {
        Some("no_account")
    } else if !open.dialer.loopback_only() && !heard && accounts.iter().any(|row| !is_here(&row.account.host))
    {
        Some("no_opt_out_source")
    } else {
        None
    };
    Ok(OutboxSummary {
        by_state: counts
            .into_iter()
            .map(|(state, count)| StateCount { state, count })
            .collect(),
        sending,
        closed: closed.map(str::to_owned),
        troubles,
    })
}

const PAGE: u32 = 1_000;

/// Which messages are wanted.
#[derive(Clone)]
pub(crate) struct Wanted {
    states: Vec<MessageState>,
    journey: Option<JourneyId>,
    search: Option<String>,
}

impl Wanted {
    /// Messages in one of these states, or in any, whose address or subject holds the words.
    pub fn new(states: Vec<MessageState>, journey: Option<JourneyId>, search: Option<String>) -> Wanted {
        Wanted {
            states,
            journey,
            search: search.map(|s| s.trim().to_lowercase()).filter(|s| !s.is_empty()),
        }
    }

    /// The next of them before `before`, the newest first, and where to go on.
    ///
    /// # Errors
    /// The store's.
    pub fn batch(
        &self,
        db: &Db<'_>,
        before: Option<MessageId>,
    ) -> carillon_store::Result<(Vec<Message>, Option<MessageId>)> {
        // One state is asked for by its own filter; several are picked from all.
        let filter = Filter {
            state: (self.states.len() == 1).then(|| self.states[0]),
            journey: self.journey,
            account: None,
        };
        let mut batch = rows::page(db, filter, before, PAGE)?;
        let last = batch.last().map(|message| message.id);
        batch.retain(|message| {
            let named = self.search.as_ref().is_none_or(|s| {
                message.to.to_lowercase().contains(s) || message.subject.to_lowercase().contains(s)
            });
            named && (self.states.is_empty() || self.states.contains(&message.state))
        });
        Ok((batch, last))
    }
}

async fn page(cx: &Ctx, req: OutboxPage) -> Result<Page<OutboxRow>> {
    let open = cx.open()?;
    let limit = req.limit.min(PAGE) as usize;
    let skip = req.offset as usize;
    let wanted = Wanted::new(req.states, req.journey, req.search);
    let (found, total) = open
        .store
        .read(move |db| {
            let counts = rows::counts(db, wanted.journey)?;
            let total: u64 = counts
                .iter()
                .filter(|(state, _)| wanted.states.is_empty() || wanted.states.contains(state))
                .map(|(_, n)| n)
                .sum();
            let mut found = Vec::new();
            let (mut before, mut seen) = (None, 0);
            // How many fit a search is known only when all were looked at.
            while found.len() < limit || wanted.search.is_some() {
                let (batch, last) = wanted.batch(db, before)?;
                for message in batch {
                    seen += 1;
                    if seen > skip && found.len() < limit {
                        found.push(message);
                    }
                }
                if last.is_none() {
                    break;
                }
                before = last;
            }
            let mut named = Vec::with_capacity(found.len());
            for message in found {
                named.push(with_names(db, message)?);
            }
            Ok((named, wanted.search.map_or(total, |_| seen as u64)))
        })
        .await?;
    Ok(Page { rows: found, total })
}

/// A message with the names of what it belongs to.
///
/// # Errors
/// The store's.
pub(crate) fn with_names(
    db: &carillon_store::Db<'_>,
    mut message: Message,
) -> carillon_store::Result<OutboxRow> {
    let journey = journeys::get(db, message.key.journey)?;
    let step_title = journey.as_ref().and_then(|j| {
        let step = j.draft.steps.iter().find(|s| s.id == message.key.step)?;
        (!step.name.is_empty()).then(|| step.name.clone())
    });
    let template = templates::get(db, message.template)?;
    // Until it is rendered a message has its template's subject, and a campaign may have another for it.
    if template.as_ref().is_some_and(|t| t.subject == message.subject)
        && let Some(row) = campaigns::get(db, CampaignId(message.key.journey.0))?
        && let Some(variant) = variant_of(&message.key.step.0).and_then(|n| row.campaign.variants.get(n))
        && let Some(subject) = &variant.subject
    {
        message.subject.clone_from(subject);
    }
    let template_name = template.map(|t| t.name).unwrap_or_default();
    let account_name = accounts::get(db, message.account)?
        .map(|a| a.account.name)
        .unwrap_or_default();
    // The gate's word is a word of ours: said as a sentence.
    if let Some(last) = &message.last_word
        && word::<Refusal>(last).is_some()
    {
        message.last_word = Some(sentence(&format!("outbox.refusals.{last}"), &[]));
    }
    Ok(OutboxRow {
        contact_id: message.key.contact,
        journey_name: journey.map(|j| j.name),
        step_title,
        template_name,
        account_name,
        message,
    })
}

async fn get(cx: &Ctx, req: OneMessage) -> Result<MessageDetail> {
    let open = cx.open()?;
    let id = req.id;
    let (row, tries, template, account, event) = open
        .store
        .read(move |db| {
            let Some(message) = rows::get(db, id)? else {
                return Ok(None);
            };
            let passage = rows::load(db, id)?.map(|row| row.enrolment);
            let event = passage
                .map(|passage| letters::began_with(db, passage))
                .transpose()?
                .flatten();
            let template = templates::get(db, message.template)?;
            let account = accounts::get(db, message.account)?.map(|a| a.account);
            Ok(Some((
                with_names(db, message)?,
                rows::attempts(db, id)?,
                template,
                account,
                event,
            )))
        })
        .await?
        .ok_or_else(|| fail(Code::NotFound, "not_found.message", &[("name", &id)]))?;
    let mail = match mail::received(open, &tries).await {
        Some(mail) => mail,
        None => mail::made_now(open, template, account, row.contact_id, event).await?,
    };
    Ok(MessageDetail {
        row,
        frame: cx.app.tickets().frame(mail.html),
        text: mail.text,
        received: mail.received,
        tries: tries
            .into_iter()
            .map(|t| {
                let reply = [t.code.unwrap_or_default(), t.detail.unwrap_or_default()]
                    .join(" ")
                    .trim()
                    .to_owned();
                Try {
                    at: t.at,
                    state: t.state,
                    reply,
                }
            })
            .collect(),
    })
}

/// Messages that one write resolves.
const RESOLVED_AT_ONCE: u32 = 500;

async fn resolve_state(cx: &Ctx, req: ResolveState) -> Result<Changed> {
    let open: &Arc<Open> = cx.open()?;
    let state = match req.state.as_str() {
        "unknown" => MessageState::Unknown,
        "frozen" => MessageState::Frozen,
        other => return Err(fail(Code::Invalid, "outbox.bad_state", &[("state", &other)]).at("state")),
    };
    let resolution = match req.outcome.as_str() {
        "sent" => Resolution::Sent,
        "unknown" => Resolution::Unknown,
        "not_sent" => Resolution::NotSent,
        "cancelled" => Resolution::Cancelled,
        other => return Err(fail(Code::Invalid, "outbox.bad_outcome", &[("outcome", &other)]).at("as")),
    };
    let mut changed = 0u32;
    match req.ids {
        Some(ids) => {
            for chunk in ids.chunks(RESOLVED_AT_ONCE as usize) {
                let (some, n) = (chunk.to_vec(), chunk.len());
                open.store
                    .write(Priority::User, move |tx| {
                        some.iter()
                            .try_for_each(|id| rows::resolve(tx, MessageId(*id), resolution))
                    })
                    .await?;
                changed = changed.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            }
        }
        None => loop {
            let n = open
                .store
                .write(Priority::User, move |tx| {
                    rows::resolve_batch(tx, state, None, None, resolution, RESOLVED_AT_ONCE)
                })
                .await?;
            changed = changed.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            if n == 0 {
                break;
            }
        },
    }
    open.runtime.nudge();
    Ok(Changed { changed })
}

async fn set_paused(cx: &Ctx, paused: bool) -> Result<Sending> {
    let open = cx.open()?;
    open.store
        .write(Priority::User, move |tx| {
            if !paused {
                settings::set::<bool>(tx, rows::RESTORED, None)?;
            }
            settings::set(tx, PAUSED, paused.then_some(&true))
        })
        .await?;
    if !paused {
        dispatch::try_again(open, None).await?;
    }
    open.runtime.nudge();
    Ok(sending(open).await?.0)
}

async fn pause(cx: &Ctx, _: NoArgs) -> Result<Sending> {
    set_paused(cx, true).await
}

async fn resume(cx: &Ctx, _: NoArgs) -> Result<Sending> {
    set_paused(cx, false).await
}
