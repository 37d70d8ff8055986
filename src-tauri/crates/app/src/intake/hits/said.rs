//! What people say at the relay with a button: leave, choose, confirm.

use crate::relay::SOURCE;
use crate::responses::{self, Heard};
use carillon_engine::journey::calendar;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::Value;
use carillon_model::event::Prop;
use carillon_model::message::Refusal;
use carillon_model::relay::Choices;
use carillon_model::response::ResponseKind;
use carillon_model::{ContactId, Moment};
use carillon_store::choices::{self, Choice, MOST_TOPICS};
use carillon_store::suppressions::{self, Line, MARKETING};
use carillon_store::{Tx, consents, contacts, outbox};
use std::collections::BTreeMap;

/// Whose button it was: the message its link stood in, and the keyed hash of the address that got it. The message may be
/// another machine's; then the hash is all that is known here.
pub(super) struct Person<'a> {
    pub(super) token: &'a str,
    pub(super) address: &'a str,
}

impl Person<'_> {
    fn hash(&self) -> Option<[u8; 16]> {
        carillon_model::relay::address_bytes(self.address)
    }

    /// The contact, with its address, if it still is the address the message went to.
    fn contact(&self, tx: &Tx<'_>) -> carillon_store::Result<Option<(ContactId, String)>> {
        let Some(message) = super::message_of(tx, self.token) else {
            return Ok(None);
        };
        let Some(row) = outbox::load(tx, message)? else {
            return Ok(None);
        };
        let Some(email) = contacts::email_of(tx, row.key.contact)? else {
            return Ok(None);
        };
        let same = Some(suppressions::address_hash(tx, &email)?) == self.hash();
        Ok(same.then_some((row.key.contact, email)))
    }
}

/// No more marketing mail: for the contact of the message, and for the address it went to, whoever has it.
pub(super) fn left(tx: &mut Tx<'_>, who: &Person<'_>, at: Moment, rule: &str) -> carillon_store::Result<()> {
    response(tx, ResponseKind::Unsubscribed, who.token, at, rule)?;
    let Some(hash) = who.hash().filter(|_| !matches!(who.contact(tx), Ok(Some(_)))) else {
        return Ok(());
    };
    let line = Line {
        hash,
        scope: MARKETING,
        lifted: false,
    };
    // Person that is among the contacts is found with the list, which is read next.
    suppressions::take_in(tx, &[line], &[])
}

fn response(
    tx: &mut Tx<'_>,
    kind: ResponseKind,
    token: &str,
    at: Moment,
    rule: &str,
) -> carillon_store::Result<()> {
    let Some(message) = super::message_of(tx, token) else {
        return Ok(());
    };
    let heard = Heard {
        message: Some(message),
        rule: Some(rule.to_owned()),
        ..Heard::of(kind, SOURCE, at)
    };
    responses::take_in(tx, &heard).map(drop)
}

/// A saved preference page. Everything off, or no mail, is an unsubscription; what else was chosen is asked for by the gate.
pub(super) fn chose(
    tx: &mut Tx<'_>,
    who: &Person<'_>,
    at: Moment,
    chosen: &Choices,
    back: bool,
) -> carillon_store::Result<()> {
    if chosen.all_off || !chosen.channels.contains(&Channel::Email) {
        return left(tx, who, at, "preferences");
    }
    let Some((contact, email)) = who.contact(tx)? else {
        return match who.hash() {
            Some(hash) => choices::set_hash(tx, &hash, &choice(tx, None, chosen)?, SOURCE, at),
            None => Ok(()),
        };
    };
    if back {
        agreed(tx, contact, &email, Basis::Consent, None, at)?;
    }
    let choice = choice(tx, Some(contact), chosen)?;
    choices::set(tx, &email, &choice, SOURCE, at)?;
    // What was held for a pause is asked about anew: it may be over, or end later.
    outbox::take_up_of(tx, contact, Refusal::ContactPaused)?;
    let mut props = BTreeMap::new();
    if let Some(language) = &chosen.language {
        props.insert("language".to_owned(), Prop::Text(language.clone()));
        let value = Value::Text(language.clone());
        contacts::set_field(tx, contact, "language", Some(&value), SOURCE)?;
    }
    if let Some(day) = chosen.paused_until {
        props.insert("paused_until".to_owned(), Prop::Text(day.to_string()));
    }
    let left = crate::topics::names_left(tx, choice.left)?;
    if !left.is_empty() {
        props.insert("topics_left".to_owned(), Prop::Text(left.join(", ")));
    }
    super::told(tx, contact, "preferences_saved", at, props)
}

/// As the gate reads it: the pause ends with the day's first moment where the contact lives.
fn choice(tx: &Tx<'_>, contact: Option<ContactId>, chosen: &Choices) -> carillon_store::Result<Choice> {
    let mut zone = tx.catalogue().zone();
    let fields = match contact {
        Some(contact) => contacts::record_fields(tx, contact)?.unwrap_or_default(),
        None => Vec::new(),
    };
    for (key, value) in fields {
        if let ("time_zone", Value::Text(name)) = (key.as_str(), value) {
            zone = name.parse().unwrap_or(zone);
        }
    }
    let left = (0..MOST_TOPICS)
        .filter(|topic| !chosen.topics.contains(topic))
        .fold(0, |bits, topic| bits | 1 << topic);
    Ok(Choice {
        left,
        paused_until: chosen
            .paused_until
            .map(|day| calendar::instant(zone, day.and_time(chrono::NaiveTime::MIN))),
    })
}

/// A confirmed address is a double opt-in: the strongest consent there is, for the address the mail went to. With it counts
/// what was agreed to in a form and waited for this, in the words that were read there.
pub(super) fn confirmed(tx: &mut Tx<'_>, who: &Person<'_>, at: Moment) -> carillon_store::Result<()> {
    response(tx, ResponseKind::Confirmed, who.token, at, "confirmed")?;
    let Some((contact, email)) = who.contact(tx)? else {
        return Ok(());
    };
    let mut waiting = consents::requested(tx, contact, Channel::Email)?;
    waiting.retain(|row| row.at <= at);
    for row in waiting.iter().filter(|row| row.purpose != Purpose::Marketing) {
        let said = Consent {
            action: ConsentAction::Granted,
            at,
            ..row.clone()
        };
        consents::add(tx, &said)?;
    }
    let marketing = waiting.into_iter().find(|row| row.purpose == Purpose::Marketing);
    let wording = marketing.and_then(|row| row.wording);
    agreed(tx, contact, &email, Basis::DoubleOptIn, wording, at)
}

/// The person's own yes, after which an earlier no of theirs bars nothing any more. Complaints, bounces and what somebody
/// here put on the list stay: so does a no that was said later than this.
fn agreed(
    tx: &mut Tx<'_>,
    contact: ContactId,
    email: &str,
    basis: Basis,
    wording: Option<String>,
    at: Moment,
) -> carillon_store::Result<()> {
    consents::add(
        tx,
        &Consent {
            contact,
            channel: Channel::Email,
            purpose: Purpose::Marketing,
            action: ConsentAction::Granted,
            basis,
            wording,
            wording_hash: None,
            source: SOURCE.to_owned(),
            at,
        },
    )?;
    let granted = consents::permission(tx, contact, Channel::Email, Purpose::Marketing)?.is_some();
    let listed = suppressions::contains(tx, email)?.is_some();
    if granted && listed && !suppressions::bars(tx, email, true)? {
        suppressions::remove(tx, email, "said yes again", SOURCE)?;
    }
    Ok(())
}
