//! What a call of the kernel gave, and how it is written.

use super::super::due::BY_JOURNEY;
use super::super::plan::Plan;
use carillon_engine::journey::{ContactView, JourneyVersion, Out, Passage, PassageId, ViewEvidence};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_model::journey::{Effect, Fact, Input};
use carillon_model::{AccountId, Moment};
use carillon_store::enrolments::{self, Enrolment};
use carillon_store::{Result, Tx, contacts, events, facts, outbox};
use std::borrow::Cow;

/// What a call of the kernel gave.
#[derive(Default)]
pub(super) struct Given {
    pub(super) effects: Vec<Effect>,
    facts: Vec<Fact>,
    calls: Vec<facts::Call>,
}

impl Out for Given {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    fn told(&mut self, version: &JourneyVersion, now: Moment, who: &ContactView<'_>, input: &Input) {
        // Both are plain data of ours; what cannot be written as JSON would be a fault of the program.
        let input = serde_json::to_string(input).unwrap_or_default();
        let who = serde_json::to_string(&ViewEvidence::of(version, who)).unwrap_or_default();
        self.calls.push(facts::Call { at: now, input, who });
    }
}

/// One call of the kernel: the passage after it, what it gave, and the contact as it leaves it, where it changed.
pub(super) fn call(
    scope: &Scope,
    at: Moment,
    mut enrolment: Enrolment,
    version: &JourneyVersion,
    record: &ContactRecord,
    input: &Input,
) -> (Enrolment, Given, Option<ContactRecord>) {
    let id = PassageId {
        journey: enrolment.journey,
        contact: enrolment.contact,
        enrolment: enrolment.number,
    };
    let view = ContactView::new(version, id, Cow::Borrowed(record), scope, at);
    let mut passage = Passage {
        version,
        view,
        state: enrolment.state.clone(),
    };
    let mut given = Given::default();
    match input {
        Input::Event(event) => passage.happened(event, at, &mut given),
        other => passage.tell(at, other, &mut given),
    }
    enrolment.state = passage.state;
    let changed = match passage.view.into_record() {
        Cow::Owned(record) => Some(record),
        Cow::Borrowed(_) => None,
    };
    // On a virtual clock the commit is up to an hour later.
    if enrolment.state.end.is_some() && enrolment.ended_at.is_none() {
        enrolment.ended_at = Some(at);
    }
    (enrolment, given, changed)
}

/// Writes what a call gave. How many messages were queued.
pub(super) fn write(
    tx: &mut Tx<'_>,
    plan: &Plan,
    version: &JourneyVersion,
    mut enrolment: Enrolment,
    given: Given,
) -> Result<u64> {
    for call in &given.calls {
        facts::append_call(tx, &mut enrolment, call)?;
    }
    facts::append(tx, &mut enrolment, &given.facts)?;
    enrolments::update(tx, &mut enrolment)?;
    let mut queued = 0;
    for effect in given.effects {
        queued += u64::from(apply(tx, plan, version, &enrolment, effect)?);
    }
    Ok(queued)
}

/// Does what a step asked for. True: a message was queued.
fn apply(
    tx: &mut Tx<'_>,
    plan: &Plan,
    version: &JourneyVersion,
    enrolment: &Enrolment,
    effect: Effect,
) -> Result<bool> {
    let source = format!("{BY_JOURNEY}{}", enrolment.journey);
    match effect {
        Effect::Send {
            step,
            visit,
            template,
            account,
            transactional,
        } => {
            let Some(placed) = version.placed(step) else {
                return Ok(false);
            };
            let account: Option<AccountId> = match &account {
                Some(name) => plan.accounts.get(name).copied(),
                None => plan.default_account,
            };
            let (Some(account), Some(template)) = (account, plan.templates.get(&template).copied()) else {
                // The checks before a publish and the refusal to remove what is used keep this from happening.
                tracing::error!(journey = %enrolment.journey, %template, "no account or template for a message");
                return Ok(false);
            };
            outbox::queue(
                tx,
                &outbox::NewMessage {
                    enrolment: enrolment.id,
                    journey: enrolment.journey,
                    step: placed.id.clone(),
                    contact: enrolment.contact,
                    number: enrolment.number,
                    visit,
                    account,
                    template,
                    transactional,
                },
            )
        }
        Effect::SetField { key, value } => {
            contacts::set_field(tx, enrolment.contact, &key, value.as_ref(), &source)?;
            Ok(false)
        }
        Effect::AddTag { tag } => {
            contacts::add_tag(tx, enrolment.contact, &tag, &source)?;
            Ok(false)
        }
        Effect::RemoveTag { tag } => {
            contacts::remove_tag(tx, enrolment.contact, &tag)?;
            Ok(false)
        }
        Effect::PostEvent { name, props } => {
            let at = tx.now();
            events::append(
                tx,
                &[events::NewEvent {
                    contact: enrolment.contact,
                    name,
                    at,
                    source,
                    props,
                }],
            )?;
            Ok(false)
        }
    }
}
