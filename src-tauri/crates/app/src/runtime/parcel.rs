//! From claimed rows to the bytes of messages.

use super::dispatch;
use super::lane::Lane;
use super::words::back_off;
use crate::error::Result;
use crate::letters;
use carillon_model::MessageId;
use carillon_model::message::{Failure, FailureClass, Refusal};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::{ErrorKind, TemplateParts};
use carillon_store::Priority;
use carillon_store::outbox::{Claimed, Word};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many messages whose rendering was cut off are no accident of one of them.
const MANY: usize = 3;

/// A message with its bytes, for a session.
pub(super) struct Parcel {
    pub(super) id: MessageId,
    pub(super) attempts: u32,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) bytes: Vec<u8>,
}

impl Lane {
    /// Bytes for each claimed message. What cannot be rendered is ended with the reason.
    pub(super) async fn render(self: &Arc<Self>, claimed: Vec<Claimed>) -> Result<Vec<Parcel>> {
        let workspace = self.open.workspace()?;
        let sender = letters::sender(&workspace, Some(&self.account));
        let zone = self.open.store.catalogue().zone();
        let mut by_template: BTreeMap<u32, Vec<Claimed>> = BTreeMap::new();
        for message in claimed {
            by_template.entry(message.template.0).or_default().push(message);
        }
        let mut parcels = Vec::new();
        let (mut stopped, mut why_stopped) = (Vec::new(), String::new());
        for (template, messages) in by_template {
            let id = carillon_model::TemplateId(template);
            let found = self
                .open
                .store
                .read(move |db| carillon_store::templates::get(db, id))
                .await?;
            let records: Vec<_> = self
                .open
                .store
                .with_index(|index| messages.iter().map(|m| index.record(m.key.contact)).collect());
            let mut ready = Vec::new();
            let mut contexts = Vec::new();
            for (message, record) in messages.into_iter().zip(records) {
                let Some(record) = record else {
                    self.say(
                        message.id,
                        Word::Suppressed {
                            refusal: Refusal::NoContact,
                        },
                    );
                    continue;
                };
                let token = message
                    .message_id
                    .trim_start_matches('<')
                    .split('@')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                let unsubscribe = letters::unsubscribe_mailto(&self.account, &token);
                contexts.push(letters::context(
                    &record,
                    zone,
                    self.open.now(),
                    Some(unsubscribe),
                ));
                ready.push((message, record, token));
            }
            let template = match &found {
                Some(template) => TemplateParts::from(template),
                None => TemplateParts::default(),
            };
            let request = Request {
                template,
                sender: sender.clone(),
                mode: Mode::Render,
                contexts,
            };
            let answers = self.open.press.run(request).await?;
            for ((message, record, token), answer) in ready.into_iter().zip(answers) {
                if let Err(error) = &answer
                    && error.kind == ErrorKind::Stopped
                {
                    stopped.push(message.id);
                    why_stopped = error.to_string();
                    continue;
                }
                let rendered = match answer {
                    Ok(Output::Message(rendered)) => Ok(rendered),
                    Ok(_) => Err("the template gave no message".to_owned()),
                    Err(e) => Err(e.to_string()),
                };
                let composed = rendered.and_then(|rendered| {
                    let envelope = letters::envelope(
                        &workspace,
                        &self.account,
                        &record,
                        message.message_id.clone(),
                        &token,
                        self.open.now(),
                        !message.transactional,
                    );
                    let bytes = carillon_render::compose(&envelope, &rendered).map_err(|e| e.to_string())?;
                    Ok((rendered.subject, bytes))
                });
                match composed {
                    Ok((subject, bytes)) => parcels.push(Parcel {
                        id: message.id,
                        attempts: message.attempts,
                        to: message.to.unwrap_or_default(),
                        subject,
                        bytes,
                    }),
                    Err(why) => self.say(message.id, Word::Cancelled { why }),
                }
            }
        }
        self.put_off(&stopped, why_stopped).await?;
        Ok(parcels)
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
