//! What somebody decides on a reply that may be a wish to get no more mail: it was one, or it was not.

use super::{Heard, effects};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use crate::table::Done;
use carillon_model::ResponseId;
use carillon_model::consent::{Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::message::Refusal;
use carillon_model::response::{MayLeave, Response, ResponseKind};
use carillon_store::{Priority, Tx, consents, contacts, duplicates, outbox, responses, suppressions};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which reply, and what was decided. `open` takes a decision back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DecideReply {
    pub id: ResponseId,
    pub decided: MayLeave,
}

/// What the list and the ledger name as the source of a person taken off for a reply: `reply:12`.
pub fn source_of(id: ResponseId) -> String {
    format!("reply:{id}")
}

pub(super) async fn decide(cx: &Ctx, req: DecideReply) -> Result<Done> {
    let known = cx
        .open()?
        .store
        .write(Priority::Gate, move |tx| {
            let reply = responses::get(tx, req.id)?;
            let Some((reply, was)) = reply.and_then(|reply| reply.may_leave.map(|was| (reply, was))) else {
                return Ok(false);
            };
            if was != req.decided {
                change(tx, &reply, was, req.decided)?;
            }
            Ok(true)
        })
        .await?;
    match known {
        true => Ok(Done {}),
        false => Err(fail(Code::NotFound, "responses.no_reply", &[("name", &req.id)])),
    }
}

fn change(tx: &mut Tx<'_>, reply: &Response, was: MayLeave, decided: MayLeave) -> carillon_store::Result<()> {
    responses::decide(tx, reply.id, decided)?;
    if was == MayLeave::Left {
        take_back(tx, reply)?;
    }
    let Some(contact) = reply.contact else {
        return Ok(());
    };
    let contact = duplicates::standing(tx, contact)?;
    if decided == MayLeave::Left {
        leave(tx, reply)?;
        for other in responses::undecided_of(tx, contact)? {
            responses::decide(tx, other, MayLeave::Left)?;
        }
    }
    // What was held is asked about anew.
    outbox::take_up_of(tx, contact, Refusal::MayLeave)
}

/// As if it had been heard as an unsubscription, at the moment of the reply: a consent given since stands.
fn leave(tx: &mut Tx<'_>, reply: &Response) -> carillon_store::Result<()> {
    let message = match reply.message {
        Some(id) => outbox::load(tx, id)?,
        None => None,
    };
    let Some(contact) = reply.contact else {
        return Ok(());
    };
    let contact = duplicates::standing(tx, contact)?;
    let heard = Heard {
        address: contacts::email_of(tx, contact)?,
        ..Heard::of(ResponseKind::Unsubscribed, &source_of(reply.id), reply.at)
    };
    effects::act(tx, &heard, message.as_ref(), Some(contact))
}

/// Lets stand again what stood before this very reply was taken for a wish to leave, and nothing else.
fn take_back(tx: &mut Tx<'_>, reply: &Response) -> carillon_store::Result<()> {
    let Some(contact) = reply.contact else {
        return Ok(());
    };
    let contact = duplicates::standing(tx, contact)?;
    let source = source_of(reply.id);
    let mut addresses: Vec<String> = duplicates::aliases_of(tx, contact)?
        .into_iter()
        .map(|alias| alias.email)
        .collect();
    addresses.extend(contacts::email_of(tx, contact)?);
    for address in addresses {
        let ours = suppressions::entry(tx, &address)?
            .is_some_and(|entry| entry.source == source && entry.reason == SuppressionReason::Unsubscribed);
        if ours {
            suppressions::remove(tx, &address, "decided otherwise", &source)?;
        }
    }
    let marketing = |row: &&Consent| row.channel == Channel::Email && row.purpose == Purpose::Marketing;
    let ledger = consents::of(tx, contact)?;
    let withdrawn = |row: &&Consent| row.action == ConsentAction::Withdrawn && row.source == source;
    if consents::permission(tx, contact, Channel::Email, Purpose::Marketing)?.is_some()
        || !ledger.iter().filter(marketing).any(|row| withdrawn(&row))
    {
        return Ok(());
    }
    let others = ledger.iter().filter(marketing).filter(|row| !withdrawn(row));
    let before = others
        .filter(|row| row.action != ConsentAction::Requested)
        .max_by_key(|row| row.at);
    match before.filter(|row| row.action == ConsentAction::Granted) {
        Some(granted) => consents::add(
            tx,
            &Consent {
                source,
                at: tx.now(),
                ..granted.clone()
            },
        ),
        None => Ok(()),
    }
}
