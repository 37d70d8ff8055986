//! From claimed rows to the bytes of messages.

use super::dispatch;
use super::lane::Lane;
use super::words::back_off;
use crate::error::{ApiError, Result};
use crate::letters::{self, Doors, Posting};
use crate::relay::{self, Mint, Recipient};
use carillon_engine::record::ContactRecord;
use carillon_engine::segment::Needs;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::message::{Failure, FailureClass, Refusal};
use carillon_model::workspace::Workspace;
use carillon_model::{CampaignId, ContactId, JourneyId, MessageId, TemplateId};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::{Context, ErrorKind, Rendered, TemplateParts};
use carillon_store::outbox::{Claimed, Word};
use carillon_store::{Db, Priority, choices, consents, suppressions};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::Arc;

/// Whom a message goes to, as its links must know.
fn recipient(db: &Db<'_>, contact: ContactId, to: &str) -> carillon_store::Result<Recipient> {
    Ok(Recipient {
        address: suppressions::address_hash(db, to)?,
        choice: choices::of(db, to)?,
        off: suppressions::contains(db, to)?.is_some(),
        followed: consents::permission(db, contact, Channel::Email, Purpose::Tracking)?.is_some(),
        ..Recipient::default()
    })
}

/// So many messages whose rendering was cut off are no accident of one of them.
const MANY: usize = 3;

/// A message with its bytes, for a session.
pub(super) struct Parcel {
    pub(super) id: MessageId,
    pub(super) attempts: u32,
    /// With its angle brackets.
    pub(super) message_id: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) bytes: Vec<u8>,
}

/// A message with what it says.
pub(super) type Written = (Letter, Rendered);

/// A claimed message with what its bytes are made from.
pub(super) struct Letter {
    message: Claimed,
    record: ContactRecord,
    /// Its Message-ID before the at sign, which nobody can guess; it names the message in an unsubscription, too.
    token: String,
    doors: Doors,
}

impl Lane {
    /// What each claimed message says. What cannot be rendered is ended with the reason.
    pub(super) async fn render(self: &Arc<Self>, claimed: Vec<Claimed>) -> Result<Vec<Written>> {
        let workspace = self.open.workspace()?;
        let sender = letters::sender(&workspace, Some(&self.account));
        let mint = match relay::mint(&self.open).await {
            Ok(mint) => mint,
            Err(error) => {
                // Without its way to leave no mail leaves: it waits until the keys are there.
                self.give_up(error.message);
                self.halt();
                return Ok(Vec::new());
            }
        };
        let mut by_template: BTreeMap<(TemplateId, Option<String>), Vec<Claimed>> = BTreeMap::new();
        for (message, subject) in self.subjects(claimed).await? {
            by_template
                .entry((message.template, subject))
                .or_default()
                .push(message);
        }
        let mut all = Vec::new();
        let (mut stopped, mut why_stopped) = (Vec::new(), String::new());
        for ((id, subject), messages) in by_template {
            let mut found = self
                .open
                .store
                .read(move |db| carillon_store::templates::get(db, id))
                .await?;
            if let (Some(template), Some(subject)) = (&mut found, subject) {
                template.subject = subject;
            }
            let (ready, contexts) = self.letters(messages, mint.as_ref()).await?;
            let request = Request {
                template: found.as_ref().map(TemplateParts::from).unwrap_or_default(),
                sender: sender.clone(),
                mode: Mode::Render,
                contexts,
            };
            for (letter, answer) in ready.into_iter().zip(self.open.press.run(request).await?) {
                let id = letter.message.id;
                match answer {
                    Ok(Output::Message(content)) => all.push((letter, content)),
                    Err(error) if error.kind == ErrorKind::Stopped => {
                        stopped.push(id);
                        why_stopped = error.to_string();
                    }
                    Err(error) => self.say(
                        id,
                        Word::Cancelled {
                            why: error.to_string(),
                        },
                    ),
                    Ok(_) => {
                        let why = "The template gave no message.".to_owned();
                        self.say(id, Word::Cancelled { why });
                    }
                }
            }
        }
        self.put_off(&stopped, why_stopped).await?;
        Ok(all)
    }

    /// Each message with the subject its campaign has in place of the template's.
    async fn subjects(&self, messages: Vec<Claimed>) -> Result<Vec<(Claimed, Option<String>)>> {
        let of_campaigns: BTreeSet<JourneyId> = messages
            .iter()
            .filter(|message| message.to_domain.is_some())
            .map(|message| message.key.journey)
            .collect();
        let campaigns = match of_campaigns.is_empty() {
            true => BTreeMap::new(),
            false => {
                self.open
                    .store
                    .read(move |db| {
                        let mut all = BTreeMap::new();
                        for id in of_campaigns {
                            if let Some(row) = carillon_store::campaigns::get(db, CampaignId(id.0))? {
                                all.insert(id, row.campaign.variants);
                            }
                        }
                        Ok(all)
                    })
                    .await?
            }
        };
        let subject = |message: &Claimed| {
            let variants = campaigns.get(&message.key.journey)?;
            variants
                .get(crate::campaigns::variant_of(&message.key.step.0)?)?
                .subject
                .clone()
        };
        Ok(messages
            .into_iter()
            .map(|message| {
                let subject = subject(&message);
                (message, subject)
            })
            .collect())
    }

    /// Who gets each message, and what its template may say of them. Whoever was erased meanwhile gets none.
    async fn letters(
        &self,
        messages: Vec<Claimed>,
        mint: Option<&Mint>,
    ) -> Result<(Vec<Letter>, Vec<Context>)> {
        let zone = self.open.store.catalogue().zone();
        let needs = Needs::every_field();
        let records: Vec<_> = self.open.store.with_index(|index| {
            messages
                .iter()
                .map(|m| index.record_of(m.key.contact, &needs))
                .collect()
        });
        let passages: Vec<_> = messages
            .iter()
            .map(|m| (m.enrolment, m.key.contact, m.to.clone()))
            .collect();
        let begun: Vec<_> = self
            .open
            .store
            .read(move |db| {
                passages
                    .iter()
                    .map(|(passage, contact, to)| {
                        let event = letters::began_with(db, *passage)?;
                        Ok((event, recipient(db, *contact, to.as_deref().unwrap_or_default())?))
                    })
                    .collect()
            })
            .await?;
        let (mut ready, mut contexts) = (Vec::new(), Vec::new());
        for ((message, record), (event, mut to)) in messages.into_iter().zip(records).zip(begun) {
            let Some(record) = record else {
                let refusal = Refusal::NoContact;
                self.say(message.id, Word::Suppressed { refusal });
                continue;
            };
            let token = message.message_id.trim_start_matches('<').split('@').next();
            let token = token.unwrap_or_default().to_owned();
            if let Some(Value::Text(tag)) = record.fields.get("language") {
                to.language = Some(tag.clone());
            }
            to.zone = record.zone().unwrap_or(zone);
            let doors = match mint {
                Some(mint) => mint.doors(&token, &to, self.open.now()),
                None => Doors::default(),
            };
            let unsubscribe = doors.unsubscribe_url(&self.account, &token);
            let context = letters::context(&record, zone, self.open.now(), Some(unsubscribe));
            contexts.push(Context {
                event,
                preferences_url: doors.preferences.clone(),
                confirm_url: doors.confirm.clone(),
                ..context
            });
            ready.push(Letter {
                message,
                record,
                token,
                doors,
            });
        }
        Ok((ready, contexts))
    }

    /// Composed and signed on all cores, in the order they came.
    pub(super) async fn pack_all(self: &Arc<Self>, mut rendered: Vec<Written>) -> Result<Vec<Parcel>> {
        let workspace = self.open.workspace()?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = rendered.len().div_ceil(cores).max(1);
        let mut shares = Vec::with_capacity(cores);
        while !rendered.is_empty() {
            let rest = rendered.split_off(share.min(rendered.len()));
            let mine = std::mem::replace(&mut rendered, rest);
            let (lane, workspace) = (self.clone(), workspace.clone());
            shares.push(tokio::task::spawn_blocking(move || {
                let packed = mine.into_iter().filter_map(|(letter, content)| {
                    let id = letter.message.id;
                    lane.pack(&workspace, letter, content)
                        .map_err(|why| lane.say(id, Word::Cancelled { why }))
                        .ok()
                });
                packed.collect::<Vec<_>>()
            }));
        }
        let mut parcels = Vec::new();
        for share in shares {
            parcels.append(&mut share.await.map_err(ApiError::internal)?);
        }
        Ok(parcels)
    }

    fn pack(
        &self,
        workspace: &Workspace,
        letter: Letter,
        rendered: Rendered,
    ) -> std::result::Result<Parcel, String> {
        let Letter {
            message,
            record,
            token,
            doors,
        } = letter;
        let posting = Posting {
            message_id: message.message_id.clone(),
            token: &token,
            date: self.open.now(),
            campaign: (!message.transactional)
                .then(|| format!("j{}-{}", message.key.journey, message.key.step)),
            workspace_id: &self.open.workspace_id,
            doors: &doors,
        };
        let envelope = letters::envelope(workspace, &self.account, &record, posting);
        let subject = rendered.subject.clone();
        let bytes = letters::finished(&envelope, rendered, &doors, self.signer.as_ref())
            .map_err(|e| e.to_string())?;
        Ok(Parcel {
            id: message.id,
            attempts: message.attempts,
            message_id: message.message_id,
            to: message.to.unwrap_or_default(),
            subject,
            bytes,
        })
    }

    /// The child ended under a message, which says nothing of the message: a busy machine does it too. It is tried
    /// again later; where it happens again and again, the lane rests.
    async fn put_off(&self, stopped: &[MessageId], why: String) -> Result<()> {
        if stopped.is_empty() {
            return Ok(());
        }
        let (fence, now) = (self.fence(), self.open.now());
        let failure = Failure {
            class: FailureClass::Transient,
            code: "render".to_owned(),
            detail: why.clone(),
        };
        let words: Vec<(MessageId, Word)> = stopped
            .iter()
            .map(|id| {
                let next_at = back_off(*id, 0, now);
                let failure = failure.clone();
                (*id, Word::Deferred { next_at, failure })
            })
            .collect();
        self.open
            .store
            .write(Priority::Gate, move |tx| dispatch::tell(tx, fence, &words))
            .await?;
        if stopped.len() >= MANY {
            self.give_up(why);
        }
        Ok(())
    }
}
