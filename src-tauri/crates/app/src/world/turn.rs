//! A turn of the world: mails come to the town, what its people do until now is done, and what that told the sources of
//! this workspace is taken in.

use super::World;
use super::state::{Arrived, State};
use super::visits::{self, Visit};
use crate::error::Result;
use crate::intake::{self, Letter};
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_engine::segment::Needs;
use carillon_model::Moment;
use carillon_model::contact::{Money, Value};
use carillon_model::event::Prop;
use carillon_store::events::NewEvent;
use carillon_store::{Tx, contacts, events};
use carillon_world::Taken;
use carillon_world::personas::{Act, Effect, Language};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::MappedMutexGuard;

/// Acts that are done together: fewer than the events of one pull, so that a chunk is taken in with one write.
const CHUNK: usize = 400;
/// The source of mails that people write back.
const MAIL: &str = "world";
/// The source of what they buy.
const SHOP: &str = "shop";

/// Lets the world of a sample go on up to now. Whether anything happened.
///
/// # Errors
/// The store's; files beside the workspace cannot be used.
pub async fn turn(open: &Arc<Open>, job: &Job) -> Result<bool> {
    let world = open.world.lock().await.clone();
    match world {
        Some(world) => world.turn(open, job).await,
        None => Ok(false),
    }
}

/// When the next thing in the world of a sample is due.
///
/// # Errors
/// Files beside the workspace cannot be used.
pub async fn next_at(open: &Arc<Open>) -> Result<Option<Moment>> {
    let world = open.world.lock().await.clone();
    match world {
        Some(world) => Ok(world.state(open).await?.next_at()),
        None => Ok(None),
    }
}

impl World {
    /// What the world knows, read when it is first asked for.
    ///
    /// # Errors
    /// Files beside the workspace cannot be used.
    pub(super) async fn state(&self, open: &Arc<Open>) -> Result<MappedMutexGuard<'_, State>> {
        let mut known = self.state.lock().await;
        if known.is_none()
            && let Some(mailbox) = self.mailbox()
        {
            *known = Some(State::load(open, &self.folder, mailbox).await?);
        }
        tokio::sync::MutexGuard::try_map(known, Option::as_mut)
            .map_err(|_| crate::error::ApiError::internal("the mail server of the world keeps no mails"))
    }

    async fn turn(&self, open: &Arc<Open>, job: &Job) -> Result<bool> {
        let _turn = self.turning.lock().await;
        let mut happened = self.deliver(open).await?;
        let now = open.now();
        loop {
            let acts = self.state(open).await?.due(now, CHUNK);
            if acts.is_empty() || open.runtime.stopped() {
                break;
            }
            job.check()?;
            match self.perform(open, &acts).await? {
                Ok(more) => self.state(open).await?.did(&acts, more, now)?,
                Err(why) => {
                    self.say_trouble(Some(why));
                    break;
                }
            }
            happened = true;
        }
        happened |= self.hear(open).await?;
        if happened {
            self.tell();
        }
        Ok(happened)
    }

    /// Brings the town what the mail server took.
    async fn deliver(&self, open: &Arc<Open>) -> Result<bool> {
        let taken = self.post.take().await;
        if taken.is_empty() {
            return Ok(false);
        }
        let mut arrived = arrived(open, taken).await?;
        let now = open.now();
        let mut state = self.state(open).await?;
        arrived.retain(|one| !state.has_found(&one.taken));
        let on = state.settings.on;
        state.take_in(arrived, now, on)?;
        Ok(true)
    }

    /// Does some acts and takes in what they told. What they led to; or why they must be done again later.
    pub(super) async fn perform(
        &self,
        open: &Arc<Open>,
        acts: &[(Moment, Act)],
    ) -> Result<std::result::Result<Vec<(Moment, Act)>, String>> {
        let (mut letters, mut bought, mut visits) = (Vec::new(), Vec::new(), Vec::new());
        for (at, act) in acts {
            match act.effect(*at) {
                Effect::Mail(mail) => letters.push(Letter {
                    key: act.key(*at),
                    at: *at,
                    raw: mail.bytes,
                }),
                Effect::Purchase { buyer, amount } => bought.push(Bought {
                    key: act.key(*at),
                    at: *at,
                    buyer,
                    amount,
                }),
                Effect::Request(request) => visits.push(Visit {
                    at: *at,
                    act: act.clone(),
                    request,
                }),
            }
        }
        take_in(open, letters, bought).await?;
        let more = match visits::all(self, visits).await? {
            Ok(more) => more,
            Err(why) => return Ok(Err(why)),
        };
        match self.pull(open).await? {
            Ok(_) => Ok(Ok(more)),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Takes in what the relay heard from others than the town.
    async fn hear(&self, open: &Arc<Open>) -> Result<bool> {
        match self.pull(open).await? {
            Ok(heard) => {
                if self.relay.is_some() && self.trouble().is_some() && heard {
                    self.say_trouble(None);
                }
                Ok(heard)
            }
            Err(why) => {
                self.say_trouble(Some(why));
                Ok(false)
            }
        }
    }

    pub(super) async fn pull(&self, open: &Arc<Open>) -> Result<std::result::Result<bool, String>> {
        match &self.relay {
            Some(relay) => relay.pull(open).await,
            None => Ok(Ok(false)),
        }
    }
}

/// Mails with their recipients as the workspace knows them. Sessions come to their end in any order; the town gets its
/// mails in the same one each time.
pub(super) async fn arrived(open: &Open, mut taken: Vec<Taken>) -> Result<Vec<Arrived>> {
    taken.sort_by(|a, b| (&a.rcpt_to, &a.message).cmp(&(&b.rcpt_to, &b.message)));
    let zone = open.store.catalogue().zone();
    let ids = open
        .store
        .read(move |db| {
            let each = taken.into_iter().flat_map(|taken| {
                let to = taken.rcpt_to.clone();
                to.into_iter().map(move |to| (to, taken.clone()))
            });
            each.map(|(to, taken)| Ok((contacts::id_of(db, &to)?, to, taken)))
                .collect::<carillon_store::Result<Vec<_>>>()
        })
        .await?;
    let needs = Needs::some_fields(["time_zone", "language"]);
    Ok(open.store.with_index(|index| {
        let each = ids.into_iter().map(|(id, to, taken)| {
            let record = id.and_then(|id| index.record_of(id, &needs));
            let language = record.as_ref().and_then(|record| record.fields.get("language"));
            Arrived {
                zone: record.as_ref().and_then(|record| record.zone()).unwrap_or(zone),
                language: match language {
                    Some(Value::Text(tag)) => Some(Language::of(tag)),
                    _ => None,
                },
                to,
                taken,
            }
        });
        each.collect()
    }))
}

/// Something somebody bought.
struct Bought {
    key: [u8; 16],
    at: Moment,
    buyer: String,
    amount: Money,
}

/// Takes in mails as a mailbox's, and purchases as the shop's, in one write.
async fn take_in(open: &Open, letters: Vec<Letter>, bought: Vec<Bought>) -> Result<()> {
    if letters.is_empty() && bought.is_empty() {
        return Ok(());
    }
    intake::take_in_letters(open, MAIL.to_owned(), letters, move |tx| orders(tx, &bought)).await?;
    Ok(())
}

fn orders(tx: &mut Tx<'_>, bought: &[Bought]) -> carillon_store::Result<()> {
    let keys: Vec<[u8; 16]> = bought.iter().map(|one| one.key).collect();
    let new = carillon_store::intake::remember(tx, SHOP, &keys)?;
    for (one, _) in bought.iter().zip(new).filter(|(_, new)| *new) {
        let Some(contact) = contacts::id_of(tx, &one.buyer)? else {
            continue;
        };
        let order = NewEvent {
            contact,
            name: "order".to_owned(),
            at: one.at,
            source: SHOP.to_owned(),
            props: BTreeMap::from([
                ("amount".to_owned(), Prop::Money(one.amount)),
                ("items".to_owned(), Prop::Number(1.0)),
            ]),
        };
        events::append(tx, &[order])?;
    }
    Ok(())
}
