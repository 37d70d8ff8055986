//! From a hit at the relay to what was heard: who it was, a person or a program, and what follows.

mod said;
mod site;

use crate::imports::{clean, values};
use crate::relay::{self, SOURCE};
use crate::responses::{self, Heard};
use carillon_adapters::relays::OpenedHit;
use carillon_engine::hits::{HitRule, HitRules, RawHit, Who, classify};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{FieldType, Value};
use carillon_model::event::Prop;
use carillon_model::relay::{FormEntry, HitKind, RelaySettings, RequestFacts, What};
use carillon_model::response::{Hand, Response, ResponseKind};
use carillon_model::{ContactId, MessageId, Moment};
use carillon_store::contacts::{Columns, NewContact};
use carillon_store::events::NewEvent;
use carillon_store::tokens::TokenKind;
use carillon_store::{Db, Tx, consents, contacts, events, outbox, settings};
use said::Person;
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
        What::Unsubscribe {
            token,
            address,
            one_click,
            ..
        } => {
            let rule = if *one_click { "one_click" } else { "page" };
            said::left(tx, &Person { token, address }, at, rule)
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
        What::Preferences {
            token,
            address,
            choices,
            back,
        } => said::chose(tx, &Person { token, address }, at, choices, *back),
        What::Confirm { token, address, .. } => said::confirmed(tx, &Person { token, address }, at),
        What::Form(entry) => form(tx, entry, at),
        What::Page(reported) => site::report(tx, reported, at, "page_viewed"),
        What::Identify(reported) => site::identify(tx, reported, at),
        What::Track(reported) => {
            let name = word(reported.event.as_deref().unwrap_or("event"));
            site::report(tx, reported, at, &name)
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

/// What was written, as the contact's field of that key holds it; nothing where there is none, or it does not fit.
fn fitting(db: &Db<'_>, key: &str, text: &str) -> Option<Value> {
    if matches!(key, "email" | "created_at") {
        return None;
    }
    let fields = db.catalogue().fields();
    let field = fields
        .iter()
        .find(|field| field.key == key && !field.is_of_company())?;
    match field.field_type {
        FieldType::Text => Some(Value::Text(text.to_owned())),
        FieldType::Number => values::number(text, '.').map(Value::Number),
        FieldType::YesNo => values::yes_no(text).map(Value::YesNo),
        // As a browser sends it (HTML §2.3.5.2).
        FieldType::Date => text.parse().ok().map(Value::Date),
        FieldType::Choice if field.options.iter().any(|option| option == text) => {
            Some(Value::Choice(text.to_owned()))
        }
        _ => None,
    }
}

/// A filled form: its person, what was said of it, and what was agreed to. Anybody can send a form in another's name: so it
/// fills what was empty and changes nothing, and whoever had said no says yes again only by confirming. Of a form with double
/// opt-in everybody confirms, also whoever is new.
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
        if let Some(value) = fitting(tx, key, &text).filter(|_| !known.contains_key(key)) {
            contacts::set_field(tx, contact, key, Some(&value), &source)?;
        }
        props.insert(word(key), Prop::Text(text));
    }
    if to_be_confirmed(tx, entry)? {
        let waits = note_consents(tx, contact, entry, ConsentAction::Requested, &source, at)?;
        props.insert("to_confirm".to_owned(), Prop::YesNo(waits));
    } else if new {
        note_consents(tx, contact, entry, ConsentAction::Granted, &source, at)?;
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
    let added = contacts::insert_batch(tx, &columns, &mut [row], source)?;
    let id = added.first().map(|one| one.id());
    id.map(|id| (id, true))
        .ok_or_else(|| carillon_store::Error::Invalid("The contact was not added.".to_owned()))
}

/// Whether what was agreed to in a form waits for a confirmation: by the form as it was sent, or as it is now where the
/// relay was not told yet.
fn to_be_confirmed(db: &Db<'_>, entry: &FormEntry) -> carillon_store::Result<bool> {
    if entry.double_opt_in {
        return Ok(true);
    }
    let kept: Option<RelaySettings> = settings::get(db, relay::SETTINGS)?;
    let mut forms = kept.into_iter().flat_map(|kept| kept.forms);
    Ok(forms.any(|form| form.key == entry.form && form.double_opt_in))
}

/// Into the ledger, with the very words that were read. A request is noted only of what is not granted yet. Whether anything
/// was noted.
fn note_consents(
    tx: &mut Tx<'_>,
    contact: ContactId,
    entry: &FormEntry,
    action: ConsentAction,
    source: &str,
    at: Moment,
) -> carillon_store::Result<bool> {
    let asks = action == ConsentAction::Requested;
    let mut noted = false;
    for given in &entry.consents {
        let wording = consents::wording_of(tx, &given.wording_hash)?;
        let purpose = match given.key.as_str() {
            "tracking" => Purpose::Tracking,
            _ => Purpose::Marketing,
        };
        if asks && consents::permission(tx, contact, Channel::Email, purpose)?.is_some() {
            continue;
        }
        noted = true;
        consents::add(
            tx,
            &Consent {
                contact,
                channel: Channel::Email,
                purpose,
                action,
                basis: match asks {
                    true => Basis::DoubleOptIn,
                    false => Basis::Consent,
                },
                wording,
                wording_hash: None,
                source: source.to_owned(),
                // A request is weighed against what the relay heard before and after it, by the relay's clock.
                at: if asks { at } else { at.min(tx.now()) },
            },
        )?;
    }
    Ok(noted)
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
