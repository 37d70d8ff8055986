//! What follows from what came back.

use super::Heard;
use carillon_model::campaign::CampaignState;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::journey::JourneyState;
use carillon_model::message::{Failure, FailureClass, MessageState};
use carillon_model::response::{BounceClass, ResponseKind};
use carillon_model::{CampaignId, ContactId, JourneyId, Moment};
use carillon_store::outbox::{self, Claimed, Word};
use carillon_store::{
    Tx, campaigns, consents, contacts, duplicates, journeys, responses, settings, suppressions,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// So many soft bounces of one address within [`SOFT_DAYS`] are a hard one.
const SOFT_BOUNCES: u32 = 3;
const SOFT_DAYS: i64 = 30;

/// So many messages of one journey that were blocked within a day pause it; one is enough where the sender's
/// authentication is refused, which every message of it shares.
const BLOCKS: u32 = 3;

/// Acts on what was heard. The message is the one it is about, the contact whoever has it now.
pub(super) fn act(
    tx: &mut Tx<'_>,
    heard: &Heard,
    message: Option<&Claimed>,
    contact: Option<ContactId>,
) -> carillon_store::Result<()> {
    // Whatever comes back for a message proves that it left.
    if let Some(row) = message
        && matches!(row.state, MessageState::Unknown | MessageState::Frozen)
        && heard.kind != ResponseKind::Bounced
    {
        outbox::proved(tx, row.id, &proof(heard))?;
    }
    let address = match (message, contact) {
        (Some(row), _) if row.to.is_some() => row.to.clone(),
        (Some(row), Some(_)) => match duplicates::alias_email(tx, row.key.contact)? {
            Some(alias) => Some(alias),
            None => heard.address.clone(),
        },
        (None, Some(_)) => heard.address.clone(),
        (_, None) => None,
    };
    match heard.kind {
        ResponseKind::Bounced => bounced(tx, heard, message, contact, address.as_deref()),
        ResponseKind::Complained => {
            withdraw(tx, heard, contact)?;
            suppress_all(
                tx,
                address.as_deref(),
                contact,
                SuppressionReason::Complained,
                heard,
            )
        }
        ResponseKind::Unsubscribed => {
            withdraw(tx, heard, contact)?;
            suppress_all(
                tx,
                address.as_deref(),
                contact,
                SuppressionReason::Unsubscribed,
                heard,
            )
        }
        ResponseKind::Delivered
        | ResponseKind::Delayed
        | ResponseKind::Opened
        | ResponseKind::Clicked
        | ResponseKind::Replied
        | ResponseKind::AutoReplied
        | ResponseKind::Submitted
        | ResponseKind::Confirmed => Ok(()),
    }
}

fn proof(heard: &Heard) -> String {
    let what = match heard.kind {
        ResponseKind::Delivered => "its delivery was told of",
        ResponseKind::Delayed => "a server says it is still trying",
        ResponseKind::Complained => "a complaint came back",
        ResponseKind::Unsubscribed => "an unsubscription came back",
        ResponseKind::Opened => "it was opened",
        ResponseKind::Clicked => "a link in it was followed",
        ResponseKind::Replied | ResponseKind::AutoReplied => "an answer came back",
        ResponseKind::Bounced => "it came back as not delivered",
        ResponseKind::Submitted | ResponseKind::Confirmed => "something came back",
    };
    format!("It had been sent: {what} ({}).", heard.source)
}

fn suppress(
    tx: &mut Tx<'_>,
    address: Option<&str>,
    reason: SuppressionReason,
    heard: &Heard,
) -> carillon_store::Result<()> {
    match address {
        Some(address) => suppressions::add(tx, address, reason, &heard.source).map(drop),
        None => Ok(()),
    }
}

/// A person's own no holds for the address it was said of and, where that is of a contact merged into this one, for the
/// address this one has.
fn suppress_all(
    tx: &mut Tx<'_>,
    address: Option<&str>,
    contact: Option<ContactId>,
    reason: SuppressionReason,
    heard: &Heard,
) -> carillon_store::Result<()> {
    suppress(tx, address, reason, heard)?;
    if let (Some(address), Some(contact)) = (address, contact)
        && duplicates::is_alias(tx, address)?
    {
        let own = contacts::email_of(tx, contact)?;
        suppress(tx, own.as_deref(), reason, heard)?;
    }
    Ok(())
}

/// Into the ledger, with the moment it was said: a consent given later stands.
fn withdraw(tx: &mut Tx<'_>, heard: &Heard, contact: Option<ContactId>) -> carillon_store::Result<()> {
    let Some(contact) = contact else {
        return Ok(());
    };
    consents::add(
        tx,
        &Consent {
            contact,
            channel: Channel::Email,
            purpose: Purpose::Marketing,
            action: ConsentAction::Withdrawn,
            basis: Basis::Consent,
            wording: None,
            wording_hash: None,
            source: heard.source.clone(),
            at: heard.at,
        },
    )
}

fn bounced(
    tx: &mut Tx<'_>,
    heard: &Heard,
    message: Option<&Claimed>,
    contact: Option<ContactId>,
    address: Option<&str>,
) -> carillon_store::Result<()> {
    let class = heard.class.unwrap_or(BounceClass::Soft);
    if let Some(row) = message
        && matches!(
            row.state,
            MessageState::Accepted | MessageState::Unknown | MessageState::Frozen
        )
    {
        if row.state == MessageState::Frozen {
            outbox::proved(tx, row.id, &proof(heard))?;
        }
        let failure = Failure {
            class: match class {
                BounceClass::Hard => FailureClass::Recipient,
                BounceClass::Soft => FailureClass::Transient,
                BounceClass::Block => FailureClass::Sender,
            },
            code: heard.rule.clone().unwrap_or_else(|| "bounced".to_owned()),
            detail: heard.detail.clone().unwrap_or_default(),
        };
        outbox::late_bounce(tx, row.id, &Word::Bounced { failure })?;
    }
    match class {
        BounceClass::Hard => suppress(tx, address, SuppressionReason::Bounced, heard),
        BounceClass::Soft => {
            let Some(contact) = contact else {
                return Ok(());
            };
            let since = heard.at - TimeDelta::days(SOFT_DAYS);
            let lately = responses::bounced_since(tx, contact, since, BounceClass::Soft)?;
            match lately >= SOFT_BOUNCES && still_has(tx, contact, address)? {
                true => suppress(tx, address, SuppressionReason::Bounced, heard),
                false => Ok(()),
            }
        }
        BounceClass::Block => match message {
            Some(row) => blocked(tx, heard, row.key.journey),
            None => Ok(()),
        },
    }
}

/// Bounces of an address the contact has no more say nothing of the one it has.
fn still_has(tx: &Tx<'_>, contact: ContactId, address: Option<&str>) -> carillon_store::Result<bool> {
    Ok(match address {
        Some(address) => contacts::id_of(tx, address)? == Some(contact),
        None => false,
    })
}

/// Why a journey was paused by the studio itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PausedByBlocks {
    pub at: Moment,
    /// What the last server said.
    pub detail: String,
}

/// Key of the setting that says why.
pub fn paused_key(id: JourneyId) -> String {
    format!("journey_{id}_paused_by_blocks")
}

/// When and how often messages of a journey were blocked lately.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Blocks {
    since: Moment,
    count: u32,
}

/// A campaign has a state of its own beside that of its journey. False: it has sent all it had, so there is nothing to
/// pause.
fn pause_campaign(tx: &mut Tx<'_>, id: JourneyId) -> carillon_store::Result<bool> {
    let Some(mut row) = campaigns::get(tx, CampaignId(id.0))? else {
        return Ok(true);
    };
    if !matches!(row.state, CampaignState::Sending | CampaignState::Testing) {
        return Ok(false);
    }
    row.was = Some(row.state);
    row.state = CampaignState::Paused;
    campaigns::update(tx, &row)?;
    Ok(true)
}

/// The sender's fault: nobody is suppressed, and a journey that meets it again and again sends no more until somebody
/// has looked.
fn blocked(tx: &mut Tx<'_>, heard: &Heard, id: JourneyId) -> carillon_store::Result<()> {
    let key = format!("journey_{id}_blocks");
    let day_ago = tx.now() - TimeDelta::days(1);
    let before = settings::get::<Blocks>(tx, &key)?.filter(|known| known.since > day_ago);
    let blocks = Blocks {
        since: before.map_or(tx.now(), |known| known.since),
        count: before.map_or(1, |known| known.count.saturating_add(1)),
    };
    settings::set(tx, &key, Some(&blocks))?;
    if blocks.count < BLOCKS && !heard.of_sender {
        return Ok(());
    }
    if !matches!(
        journeys::state(tx, id)?,
        Some(JourneyState::Live | JourneyState::Draining)
    ) {
        return Ok(());
    }
    if !pause_campaign(tx, id)? {
        return Ok(());
    }
    journeys::set_state(tx, id, JourneyState::Paused)?;
    settings::set::<Blocks>(tx, &key, None)?;
    let because = PausedByBlocks {
        at: tx.now(),
        detail: heard.detail.clone().unwrap_or_default(),
    };
    settings::set(tx, &paused_key(id), Some(&because))
}
