//! The lists of addresses that get nothing: the provider's is taken over into ours, ours into the provider's.

use super::Trouble;
use crate::error::Result;
use crate::responses::{self, Heard, Taken};
use crate::workspaces::Open;
use carillon_adapters::providers::{Api, Reason, Suppressed};
use carillon_model::consent::SuppressionReason;
use carillon_model::response::ResponseKind;
use carillon_model::{ContactId, Moment, ProviderId};
use carillon_store::providers::{self as rows, ProviderRow};
use carillon_store::{Db, Priority, Tx, contacts, intake, settings, suppressions};
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// How often the lists are compared. Between, the events tell what is new.
const EVERY: TimeDelta = TimeDelta::minutes(15);
/// Contacts looked at in one read.
const PAGE: u32 = 1_000;
/// Addresses written in one go.
const WRITTEN: usize = 200;

fn key(id: ProviderId) -> String {
    format!("lists_of_provider_{id}")
}

/// Whether it is time to compare them.
pub(super) async fn are_due(open: &Open, id: ProviderId) -> Result<bool> {
    let last: Option<Moment> = open.store.read(move |db| settings::get(db, &key(id))).await?;
    let now = open.now();
    Ok(last.is_none_or(|last| now - last >= EVERY || last > now))
}

/// Both ways, and what may be sent: kept for the screen.
pub(super) async fn exchange(
    open: &Open,
    api: &Api,
    row: &ProviderRow,
    most_told: usize,
) -> std::result::Result<(), Trouble> {
    let id = row.id;
    let quota = api.quota().await?;
    crate::providers::note_quota(open, id, quota).await?;
    let mut theirs = BTreeSet::new();
    let mut next: Option<String> = None;
    loop {
        let page = api.suppressions(next.as_deref()).await?;
        theirs.extend(page.entries.iter().map(|entry| digest(&entry.address)));
        take_over(open, id, page.entries).await?;
        match page.next {
            Some(after) if next.as_ref() != Some(&after) => next = Some(after),
            _ => break,
        }
    }
    tell(open, api, &theirs, row.provider.tell_unsubscribed, most_told).await?;
    let now = open.now();
    open.store
        .write(Priority::Intake, move |tx| {
            settings::set(tx, &key(id), Some(&now))
        })
        .await?;
    Ok(())
}

/// Tells two addresses apart, in 16 bytes each.
fn digest(address: &str) -> [u8; 16] {
    let address = contacts::normalise_email(address);
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(address.as_bytes()).as_bytes()[..16]);
    short
}

/// What a reason of theirs means here. A block is the sender's fault: it lists nobody.
fn meaning(reason: Reason) -> Option<(ResponseKind, SuppressionReason)> {
    Some(match reason {
        Reason::Bounce => (ResponseKind::Bounced, SuppressionReason::Bounced),
        Reason::Complaint => (ResponseKind::Complained, SuppressionReason::Complained),
        Reason::Unsubscribe => (ResponseKind::Unsubscribed, SuppressionReason::Unsubscribed),
        Reason::Block => return None,
    })
}

/// Those of a page that are not on our list. Each entry counts once, for as long as it stands there: whom a person took
/// off our list again comes back only if the provider lists them anew.
async fn take_over(open: &Open, id: ProviderId, entries: Vec<Suppressed>) -> Result<()> {
    let now = open.now();
    let heard: Vec<Suppressed> = open
        .store
        .read(move |db| {
            let means = |entry: &Suppressed| {
                meaning(entry.reason).is_some() && !contacts::normalise_email(&entry.address).is_empty()
            };
            let entries: Vec<Suppressed> = entries.into_iter().filter(means).collect();
            let keys: Vec<[u8; 16]> = entries.iter().map(listed).collect();
            let fading = intake::fading(db, &rows::source(id), &keys, now)?;
            let heard = entries.into_iter().zip(fading).filter(|(_, fading)| *fading);
            Ok(heard.map(|(entry, _)| entry).collect())
        })
        .await?;
    for some in heard.chunks(WRITTEN) {
        let some = some.to_vec();
        open.store
            .write(Priority::Intake, move |tx| {
                let source = rows::source(id);
                let keys: Vec<[u8; 16]> = some.iter().map(listed).collect();
                let first = intake::remember_on(tx, &source, &keys)?;
                for (entry, _) in some.iter().zip(first).filter(|(_, first)| *first) {
                    if !stands(tx, entry)? {
                        add(tx, &source, entry)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// Whether our list says as much of an address as an entry of theirs.
fn stands(db: &Db<'_>, entry: &Suppressed) -> carillon_store::Result<bool> {
    Ok(match suppressions::contains(db, &entry.address)? {
        None => false,
        Some(SuppressionReason::Unsubscribed) => entry.reason == Reason::Unsubscribe,
        Some(_) => true,
    })
}

/// The same for the same entry of a list.
fn listed(entry: &Suppressed) -> [u8; 16] {
    let at = entry.at.map(|at| at.timestamp());
    let text = format!(
        "listed\n{}\n{:?}\n{at:?}",
        contacts::normalise_email(&entry.address),
        entry.reason
    );
    digest(&text)
}

/// Whoever is a contact gets it on the timeline, with all that follows; whoever is none, on the list alone.
fn add(tx: &mut Tx<'_>, source: &str, entry: &Suppressed) -> carillon_store::Result<()> {
    let Some((kind, reason)) = meaning(entry.reason) else {
        return Ok(());
    };
    // A bounce without its message would be taken for one of the last message: the list says it of the address.
    if kind != ResponseKind::Bounced {
        let heard = Heard {
            address: Some(entry.address.clone()),
            rule: Some("provider_list".to_owned()),
            ..Heard::of(kind, source, entry.at.unwrap_or(tx.now()))
        };
        if responses::take_in(tx, &heard)? == Taken::In {
            return Ok(());
        }
    }
    suppressions::add(tx, &entry.address, reason, source).map(drop)
}

/// Whom we do not write to and the provider does not know of. What is too much for one time comes the next.
async fn tell(
    open: &Open,
    api: &Api,
    theirs: &BTreeSet<[u8; 16]>,
    unsubscribed: bool,
    most: usize,
) -> std::result::Result<(), Trouble> {
    let mut told = 0;
    let mut after = Some(ContactId(0));
    while let Some(from) = after {
        let listed = open
            .store
            .read(move |db| suppressions::listed(db, from, PAGE))
            .await?;
        for (address, reason) in listed.entries {
            let reason = match reason {
                // Who unsubscribed still gets what they asked for; the provider would keep that back, too.
                SuppressionReason::Unsubscribed if !unsubscribed => continue,
                SuppressionReason::Bounced => Reason::Bounce,
                SuppressionReason::Complained => Reason::Complaint,
                SuppressionReason::Unsubscribed
                | SuppressionReason::Manual
                | SuppressionReason::Imported
                | SuppressionReason::Erased => Reason::Unsubscribe,
            };
            if theirs.contains(&digest(&address)) {
                continue;
            }
            if told == most {
                return Ok(());
            }
            api.suppress(&address, reason).await?;
            told += 1;
        }
        after = listed.after;
    }
    Ok(())
}
