//! From a hit at the relay to what was heard: who it was, a person or a program, and what follows.

use crate::imports::clean;
use crate::relay::SOURCE;
use crate::responses::{self, Heard};
use carillon_adapters::relays::OpenedHit;
use carillon_engine::hits::{HitRule, HitRules, RawHit, Who, classify};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{FieldType, Value};
use carillon_model::event::Prop;
use carillon_model::relay::{Choices, FormEntry, HitKind, RelaySettings, Reported, RequestFacts, What};
use carillon_model::response::{Hand, Response, ResponseKind};
use carillon_model::{ContactId, MessageId, Moment};
use carillon_store::contacts::{Columns, NewContact};
use carillon_store::events::NewEvent;
use carillon_store::tokens::TokenKind;
use carillon_store::{Db, Tx, consents, contacts, events, outbox, settings};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static RULES: LazyLock<HitRules> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/machine_hits.json"
    )))
    .expect("the embedded rules are read by a test")
});

/// What is kept of a hit beside its link, so that it can be judged anew when the rules change.
#[derive(Serialize, Deserialize)]
struct Raw {
    kind: HitKind,
    link: Option<u16>,
    request: RequestFacts,
}

/// Takes in one hit, in the write that moves the relay's cursor.
pub(super) fn take_in(tx: &mut Tx<'_>, opened: &OpenedHit) -> carillon_store::Result<()> {
    let at = opened.received_at;
    let request = &opened.hit.request;
    match &opened.hit.what {
        What::Unsubscribe { token, one_click, .. } => {
            let rule = if *one_click { "one_click" } else { "page" };
            said(tx, ResponseKind::Unsubscribed, token, at, rule).map(drop)
        }
        What::Click { token, link, url } => {
            let raw = raw(HitKind::Click, Some(*link), request);
            of_token(tx, ResponseKind::Clicked, token, at, Some(url.clone()), &raw)
        }
        What::Open { token } => of_token(
            tx,
            ResponseKind::Opened,
            token,
            at,
            None,
            &raw(HitKind::Open, None, request),
        ),
        What::Hidden { token } => of_token(
            tx,
            ResponseKind::Clicked,
            token,
            at,
            None,
            &raw(HitKind::Hidden, None, request),
        ),
        What::Preferences { token, choices, .. } => preferences(tx, token, at, choices),
        What::Confirm { token, .. } => confirmed(tx, token, at),
        What::Form(entry) => form(tx, entry, at),
        What::Page(reported) => report(tx, reported, at, "page_viewed"),
        What::Identify(reported) => identify(tx, reported, at),
        What::Track(reported) => {
            let name = word(reported.event.as_deref().unwrap_or("event"));
            report(tx, reported, at, &name)
        }
    }
}

fn raw(kind: HitKind, link: Option<u16>, request: &RequestFacts) -> Raw {
    Raw {
        kind,
        link,
        request: request.clone(),
    }
}

fn message_of(db: &Db<'_>, token: &str) -> Option<MessageId> {
    db.tokens().read(TokenKind::Message, token).map(MessageId)
}

/// What a person said with a button. The message's contact, if it still is there.
fn said(
    tx: &mut Tx<'_>,
    kind: ResponseKind,
    token: &str,
    at: Moment,
    rule: &str,
) -> carillon_store::Result<Option<ContactId>> {
    let Some(message) = message_of(tx, token) else {
        return Ok(None);
    };
    let heard = Heard {
        message: Some(message),
        rule: Some(rule.to_owned()),
        ..Heard::of(kind, SOURCE, at)
    };
    responses::take_in(tx, &heard)?;
    let contact = outbox::load(tx, message)?.map(|row| row.key.contact);
    Ok(match contact {
        Some(contact) if contacts::exists(tx, contact)? => Some(contact),
        _ => None,
    })
}

/// A click or an open a provider counted: it tells of the request nothing but the program that made it.
pub(super) fn of_provider(
    tx: &mut Tx<'_>,
    source: &str,
    message: MessageId,
    at: Moment,
    link: Option<String>,
    agent: &str,
) -> carillon_store::Result<()> {
    let request = RequestFacts {
        method: "GET".to_owned(),
        agent: agent.chars().take(MOST_AGENT).collect(),
        network: None,
        known_network: None,
        language: None,
        gpc: false,
        prefetch: false,
    };
    let (kind, hit_kind) = match link {
        Some(_) => (ResponseKind::Clicked, HitKind::Click),
        None => (ResponseKind::Opened, HitKind::Open),
    };
    hit(
        tx,
        kind,
        source,
        message,
        at,
        link,
        &raw(hit_kind, None, &request),
    )
}

/// Characters that are kept of a user agent.
const MOST_AGENT: usize = 300;

fn of_token(
    tx: &mut Tx<'_>,
    kind: ResponseKind,
    token: &str,
    at: Moment,
    link: Option<String>,
    raw: &Raw,
) -> carillon_store::Result<()> {
    match message_of(tx, token) {
        Some(message) => hit(tx, kind, SOURCE, message, at, link, raw),
        None => Ok(()),
    }
}

/// A click, an open, or the link only programs follow: judged with all others of its message.
fn hit(
    tx: &mut Tx<'_>,
    kind: ResponseKind,
    source: &str,
    message: MessageId,
    at: Moment,
    link: Option<String>,
    raw: &Raw,
) -> carillon_store::Result<()> {
    let Some(row) = outbox::load(tx, message)? else {
        return Ok(());
    };
    let sent_at = outbox::accepted_at(tx, message)?.unwrap_or(row.queued_at);
    let before: Vec<(Response, Raw)> = carillon_store::responses::of_message(tx, message)?
        .into_iter()
        .filter_map(|response| {
            let raw = serde_json::from_str(response.detail.as_deref()?).ok()?;
            Some((response, raw))
        })
        .collect();
    let mut all: Vec<RawHit> = before
        .iter()
        .map(|(response, raw)| as_hit(response.at, raw))
        .collect();
    all.push(as_hit(at, raw));
    let links = 1 + all.iter().filter_map(|hit| hit.link).max().unwrap_or(0);
    let verdicts = classify(sent_at, links, &all, &RULES);
    // A later hit tells what an earlier one was. What a journey did meanwhile stays done.
    for ((response, _), verdict) in before.iter().zip(&verdicts) {
        let (hand, rule) = (hand(verdict.who), rule_word(verdict.rule));
        if hand != response.hand {
            carillon_store::responses::call(tx, response.id, hand, rule.as_deref())?;
        }
    }
    let Some(verdict) = verdicts.last() else {
        return Ok(());
    };
    let heard = Heard {
        message: Some(message),
        hand: hand(verdict.who),
        link,
        rule: rule_word(verdict.rule),
        detail: serde_json::to_string(raw).ok(),
        ..Heard::of(kind, source, at)
    };
    responses::take_in(tx, &heard).map(drop)
}

fn as_hit(at: Moment, raw: &Raw) -> RawHit {
    RawHit {
        kind: raw.kind,
        at,
        link: raw.link,
        request: raw.request.clone(),
    }
}

fn hand(who: Who) -> Hand {
    match who {
        Who::Human => Hand::Human,
        Who::Machine => Hand::Machine,
        Who::Proxy => Hand::Proxy,
    }
}

fn rule_word(rule: HitRule) -> Option<String> {
    match serde_json::to_value(rule) {
        Ok(Json::String(word)) if rule != HitRule::NoRule => Some(word),
        _ => None,
    }
}

/// A saved preference page: everything off, or no mail, is an unsubscription; else what was chosen stands on the
/// timeline.
fn preferences(tx: &mut Tx<'_>, token: &str, at: Moment, choices: &Choices) -> carillon_store::Result<()> {
    if choices.all_off || !choices.channels.contains(&Channel::Email) {
        return said(tx, ResponseKind::Unsubscribed, token, at, "preferences").map(drop);
    }
    let Some(message) = message_of(tx, token) else {
        return Ok(());
    };
    let Some(contact) = outbox::load(tx, message)?.map(|row| row.key.contact) else {
        return Ok(());
    };
    if !contacts::exists(tx, contact)? {
        return Ok(());
    }
    let mut props = BTreeMap::new();
    if let Some(language) = &choices.language {
        props.insert("language".to_owned(), Prop::Text(language.clone()));
        let value = Value::Text(language.clone());
        contacts::set_field(tx, contact, "language", Some(&value), SOURCE)?;
    }
    if let Some(day) = choices.paused_until {
        props.insert("paused_until".to_owned(), Prop::Text(day.to_string()));
    }
    let topics: Vec<String> = choices.topics.iter().map(u8::to_string).collect();
    props.insert("topics".to_owned(), Prop::Text(topics.join(",")));
    told(tx, contact, "preferences_saved", at, props)
}

fn told(
    tx: &mut Tx<'_>,
    contact: ContactId,
    name: &str,
    at: Moment,
    props: BTreeMap<String, Prop>,
) -> carillon_store::Result<()> {
    let event = NewEvent {
        contact,
        name: name.to_owned(),
        at: at.min(tx.now()),
        source: SOURCE.to_owned(),
        props,
    };
    events::append(tx, &[event]).map(drop)
}

/// A confirmed address is a double opt-in: the strongest consent there is.
fn confirmed(tx: &mut Tx<'_>, token: &str, at: Moment) -> carillon_store::Result<()> {
    let Some(contact) = said(tx, ResponseKind::Confirmed, token, at, "confirmed")? else {
        return Ok(());
    };
    consents::add(
        tx,
        &Consent {
            contact,
            channel: Channel::Email,
            purpose: Purpose::Marketing,
            action: ConsentAction::Granted,
            basis: Basis::DoubleOptIn,
            wording: None,
            wording_hash: None,
            source: SOURCE.to_owned(),
            at,
        },
    )
}

/// Fields of a contact a form may fill, by the key its field has.
fn fillable(db: &Db<'_>, key: &str) -> bool {
    let text =
        |field: &carillon_model::contact::Field| field.key == key && field.field_type == FieldType::Text;
    !matches!(key, "email" | "created_at") && db.catalogue().fields().iter().any(text)
}

/// A filled form: its person, what was said of it, and what was agreed to. Anybody can send a form in another's name: so it
/// fills what was empty and changes nothing, and whoever had said no says yes again only by confirming.
fn form(tx: &mut Tx<'_>, entry: &FormEntry, at: Moment) -> carillon_store::Result<()> {
    let Some(email) = entry
        .values
        .get("email")
        .and_then(|text| clean::address(text).ok())
    else {
        return Ok(());
    };
    let source = format!("form:{}", word(&entry.form));
    let (contact, new) = somebody(tx, &email, &source)?;
    let mut props = BTreeMap::from([
        ("form".to_owned(), Prop::Text(entry.form.clone())),
        ("version".to_owned(), Prop::Number(f64::from(entry.version))),
    ]);
    if let Some(page) = &entry.page {
        props.insert("page".to_owned(), Prop::Text(page.clone()));
    }
    let known: BTreeMap<String, Value> = contacts::record_fields(tx, contact)?
        .unwrap_or_default()
        .into_iter()
        .collect();
    for (key, text) in &entry.values {
        let text = clean::line(text);
        if text.is_empty() || key == "email" {
            continue;
        }
        if fillable(tx, key) && !known.contains_key(key) {
            contacts::set_field(tx, contact, key, Some(&Value::Text(text.clone())), &source)?;
        }
        props.insert(word(key), Prop::Text(text));
    }
    if new && !entry.consents.is_empty() {
        agreed(tx, contact, entry, &source, at)?;
    }
    told(tx, contact, "form_submitted", at, props)
}

/// The contact of an address, and whether it was added for this.
fn somebody(tx: &mut Tx<'_>, email: &str, source: &str) -> carillon_store::Result<(ContactId, bool)> {
    if let Some(id) = contacts::id_of(tx, email)? {
        return Ok((id, false));
    }
    let columns = Columns::resolve(tx, &[])?;
    let row = NewContact {
        email: email.to_owned(),
        values: Vec::new(),
        zone_source: None,
    };
    let added = contacts::insert_batch(tx, &columns, &[row], source)?;
    let id = added.first().map(|one| one.id());
    id.map(|id| (id, true))
        .ok_or_else(|| carillon_store::Error::Invalid("The contact was not added.".to_owned()))
}

/// Into the ledger, with the very words that were read.
fn agreed(
    tx: &mut Tx<'_>,
    contact: ContactId,
    entry: &FormEntry,
    source: &str,
    at: Moment,
) -> carillon_store::Result<()> {
    let known: Option<RelaySettings> = settings::get(tx, crate::relay::SETTINGS)?;
    let forms = known.map(|settings| settings.forms).unwrap_or_default();
    let texts = forms
        .iter()
        .filter(|form| form.key == entry.form)
        .flat_map(|form| &form.consents);
    for given in &entry.consents {
        let wording = texts
            .clone()
            .find(|text| text.key == given.key && text.wording_hash == given.wording_hash)
            .map(|text| text.text.clone());
        let purpose = match given.key.as_str() {
            "tracking" => Purpose::Tracking,
            _ => Purpose::Marketing,
        };
        consents::add(
            tx,
            &Consent {
                contact,
                channel: Channel::Email,
                purpose,
                action: ConsentAction::Granted,
                basis: Basis::Consent,
                wording,
                wording_hash: None,
                source: source.to_owned(),
                at: at.min(tx.now()),
            },
        )?;
    }
    Ok(())
}

/// Whom a report is about: by an address among what it says.
fn about(db: &Db<'_>, reported: &Reported) -> carillon_store::Result<Option<ContactId>> {
    let email = reported.properties.get("email").and_then(Json::as_str);
    let email = email
        .or(reported.user_id.as_deref())
        .and_then(|text| clean::address(text).ok());
    match email {
        Some(email) => contacts::id_of(db, &email),
        None => Ok(None),
    }
}

/// An event of the user's own site, shop or app, about somebody who is here.
fn report(tx: &mut Tx<'_>, reported: &Reported, at: Moment, name: &str) -> carillon_store::Result<()> {
    let Some(contact) = about(tx, reported)? else {
        return Ok(());
    };
    told(
        tx,
        contact,
        name,
        reported.happened_at.unwrap_or(at),
        props(reported),
    )
}

/// Who a visitor or a customer is. Only a key of the user's own may add somebody: a visitor's browser may say anything.
fn identify(tx: &mut Tx<'_>, reported: &Reported, at: Moment) -> carillon_store::Result<()> {
    let email = reported.properties.get("email").and_then(Json::as_str);
    let email = email
        .or(reported.user_id.as_deref())
        .and_then(|text| clean::address(text).ok());
    let Some(email) = email else {
        return Ok(());
    };
    let trusted = reported.key.is_some();
    let contact = match contacts::id_of(tx, &email)? {
        Some(id) => id,
        None if trusted => somebody(tx, &email, SOURCE)?.0,
        None => return Ok(()),
    };
    if trusted {
        for (key, value) in &reported.properties {
            if let Some(text) = value.as_str().map(clean::line).filter(|text| !text.is_empty())
                && fillable(tx, key)
            {
                contacts::set_field(tx, contact, key, Some(&Value::Text(text)), SOURCE)?;
            }
        }
    }
    told(
        tx,
        contact,
        "identified",
        reported.happened_at.unwrap_or(at),
        BTreeMap::new(),
    )
}

/// Properties as conditions read them: texts, numbers, yes and no. At most fifty.
fn props(reported: &Reported) -> BTreeMap<String, Prop> {
    reported
        .properties
        .iter()
        .filter_map(|(key, value)| {
            let prop = match value {
                Json::Bool(yes) => Prop::YesNo(*yes),
                Json::Number(number) => Prop::Number(number.as_f64()?),
                Json::String(text) => Prop::Text(clean::line(text)),
                Json::Null | Json::Array(_) | Json::Object(_) => return None,
            };
            Some((word(key), prop))
        })
        .take(50)
        .collect()
}

/// A name as events and properties have it: lower-case letters, digits and underscores.
fn word(text: &str) -> String {
    let mut word: String = text
        .trim()
        .chars()
        .take(64)
        .map(|c| match c.is_alphanumeric() {
            true => c.to_lowercase().next().unwrap_or('_'),
            false => '_',
        })
        .collect();
    if word.is_empty() {
        word.push('_');
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_rules_can_be_read_and_are_dated() {
        assert_eq!(RULES.dated.len(), 10);
    }

    #[test]
    fn a_name_from_outside_becomes_a_word() {
        assert_eq!(word("Order Completed"), "order_completed");
        assert_eq!(word("<script>"), "_script_");
        assert_eq!(word(""), "_");
        assert_eq!(word(&"x".repeat(500)).len(), 64);
    }
}
