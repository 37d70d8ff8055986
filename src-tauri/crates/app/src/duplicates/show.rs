//! Two contacts side by side, and what would become of each field.

use super::{
    DuplicateField, DuplicatePair, DuplicateRules, DuplicateShown, DuplicateSide, DuplicateValue,
    MatchEvidence, exact, rules,
};
use crate::Ctx;
use crate::error::{ApiError, Result};
use carillon_engine::segment::Needs;
use carillon_engine::survivorship::{Candidate, takes_other};
use carillon_model::ContactId;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::contact::{Contact, FieldValue, Value};
use carillon_store::duplicates::{self, PairState};
use carillon_store::{Db, consents, contacts, enrolments, outbox, suppressions};

/// What people call a contact; empty where no name is known.
pub(super) fn name(contact: &Contact) -> String {
    let part = |key: &str| match field(contact, key).map(|field| &field.value) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    format!("{} {}", part("first_name"), part("last_name"))
        .trim()
        .to_owned()
}

fn field<'a>(contact: &'a Contact, key: &str) -> Option<&'a FieldValue> {
    contact.fields.iter().find(|field| field.key == key)
}

pub(super) async fn show(cx: &Ctx, req: DuplicatePair) -> Result<DuplicateShown> {
    let open = cx.open()?;
    let a = crate::contacts::existing(open, req.a).await?;
    let b = crate::contacts::existing(open, req.b).await?;
    let events = [req.a, req.b].map(|id| {
        let record = open
            .store
            .with_index(|index| index.record_of(id, &Needs::every_event()));
        u32::try_from(record.map_or(0, |record| record.events.len())).unwrap_or(u32::MAX)
    });
    let read = open.store.read(move |db| both(db, (a, b), events));
    read.await?
        .ok_or_else(|| ApiError::internal("what was found of two contacts cannot be read"))
}

fn both(
    db: &Db<'_>,
    (a, b): (Contact, Contact),
    events: [u32; 2],
) -> carillon_store::Result<Option<DuplicateShown>> {
    let pair = duplicates::pair(db, a.id, b.id)?;
    let evidence: Vec<MatchEvidence> = match pair.as_ref().map(|pair| serde_json::from_str(&pair.weights)) {
        Some(Ok(evidence)) => evidence,
        Some(Err(_)) => return Ok(None),
        None => Vec::new(),
    };
    let found = pair.as_ref().filter(|pair| pair.run > 0);
    let rules = rules::read(db)?;
    let fields = fields(db, &rules, &a, &b)?;
    let stamp = stamp(db, a.id, b.id)?.unwrap_or_default();
    let (a, b) = (side(db, &a, events[0])?, side(db, &b, events[1])?);
    Ok(Some(DuplicateShown {
        survivor: if stays(&a) >= stays(&b) { a.id } else { b.id },
        a,
        b,
        fields,
        probability: found.map(|pair| pair.probability),
        same: pair
            .as_ref()
            .map(|pair| exact::words(&pair.same))
            .unwrap_or_default(),
        evidence,
        stamp,
        different: pair.is_some_and(|pair| pair.state == PairState::Different),
    }))
}

/// What speaks for one of the two to stay, in the order it counts.
fn stays(side: &DuplicateSide) -> impl Ord + use<> {
    (
        side.permitted,
        !side.suppressed,
        side.messages,
        side.events,
        std::cmp::Reverse((side.created_at, side.id)),
    )
}

fn side(db: &Db<'_>, contact: &Contact, events: u32) -> carillon_store::Result<DuplicateSide> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let id = contact.id;
    let suppressed = suppressions::of_contact(db, id)?;
    let granted = consents::permission(db, id, Channel::Email, Purpose::Marketing)?.is_some();
    let aliases = duplicates::aliases_of(db, id)?;
    Ok(DuplicateSide {
        id,
        email: contact.email.clone(),
        name: name(contact),
        created_at: contact.created_at,
        permitted: granted && !suppressed,
        suppressed,
        tags: contact.tags.iter().cloned().collect(),
        events,
        messages: count(outbox::of_contact(db, id)?.len()),
        journeys: count(enrolments::active_of(db, id)?.len()),
        aliases: aliases.into_iter().map(|alias| alias.email).collect(),
    })
}

/// Each field either of the two has, in the order screens show fields.
fn fields(
    db: &Db<'_>,
    rules: &DuplicateRules,
    a: &Contact,
    b: &Contact,
) -> carillon_store::Result<Vec<DuplicateField>> {
    let votes = votes(db, a, b)?;
    let shown = |value: &FieldValue| DuplicateValue {
        value: value.value.clone(),
        source: value.provenance.source.clone(),
        at: value.provenance.at,
    };
    let mut fields = Vec::new();
    for rule in rules.fields.iter().filter(|rule| rule.key != "email") {
        let (of_a, of_b) = (field(a, &rule.key), field(b, &rule.key));
        if of_a.is_none() && of_b.is_none() {
            continue;
        }
        let whose = |own: &Contact, other: &Contact| match takes(rules, &rule.key, own, other, &votes) {
            true => other.id,
            false => own.id,
        };
        fields.push(DuplicateField {
            key: rule.key.clone(),
            label: rule.label.clone(),
            same: of_a.map(|value| &value.value) == of_b.map(|value| &value.value),
            a: of_a.map(shown),
            b: of_b.map(shown),
            rule: rule.rule,
            if_a: whose(a, b),
            if_b: whose(b, a),
        });
    }
    Ok(fields)
}

/// All records that say something of the two: both, and those that were merged into either.
fn votes(db: &Db<'_>, a: &Contact, b: &Contact) -> carillon_store::Result<Vec<Contact>> {
    let mut all = vec![a.clone(), b.clone()];
    for contact in [a, b] {
        all.extend(duplicates::absorbed_into(db, contact.id)?);
    }
    Ok(all)
}

fn candidate<'a>(contact: &'a Contact, key: &str, votes: &[Contact]) -> Candidate<'a> {
    match field(contact, key) {
        Some(held) => {
            let says = |one: &&Contact| field(one, key).is_some_and(|field| field.value == held.value);
            Candidate {
                value: Some(&held.value),
                source: &held.provenance.source,
                at: held.provenance.at,
                votes: votes.iter().filter(says).count(),
            }
        }
        None => Candidate {
            value: None,
            source: "",
            at: contact.created_at,
            votes: 0,
        },
    }
}

/// Whether the rule of a field takes the value of the other contact, where `own` stays.
fn takes(rules: &DuplicateRules, key: &str, own: &Contact, other: &Contact, votes: &[Contact]) -> bool {
    let rule = rules.fields.iter().find(|rule| rule.key == key);
    rule.is_some_and(|rule| {
        takes_other(
            rule.rule,
            &rules.trusted,
            &candidate(own, key, votes),
            &candidate(other, key, votes),
        )
    })
}

/// Keys of the fields whose value the rules take from the absorbed.
pub(super) fn taken_by_rule(
    db: &Db<'_>,
    survivor: ContactId,
    absorbed: ContactId,
) -> carillon_store::Result<Vec<String>> {
    let both = contacts::get_many(db, &[survivor, absorbed])?;
    let [own, other] = both.as_slice() else {
        return Ok(Vec::new());
    };
    let (rules, votes) = (rules::read(db)?, votes(db, own, other)?);
    let fields = rules.fields.iter().filter(|rule| rule.key != "email");
    let taken = fields.filter(|rule| takes(&rules, &rule.key, own, other, &votes));
    Ok(taken.map(|rule| rule.key.clone()).collect())
}

/// Names two contacts as they are now, in either order. `None`: one of them is gone.
pub(super) fn stamp(db: &Db<'_>, a: ContactId, b: ContactId) -> carillon_store::Result<Option<String>> {
    let both = contacts::get_many(db, &[a.min(b), a.max(b)])?;
    if both.len() < 2 {
        return Ok(None);
    }
    let text = serde_json::to_vec(&both).unwrap_or_default();
    Ok(Some(blake3::hash(&text).to_hex()[..16].to_owned()))
}
