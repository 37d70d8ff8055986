//! What the user's own site, shop or app reports of visitors and customers.

use super::{fitting, told, word};
use crate::imports::clean;
use crate::relay::SOURCE;
use carillon_model::event::Prop;
use carillon_model::relay::Reported;
use carillon_model::{ContactId, Moment};
use carillon_store::visitors::{self, Visitor};
use carillon_store::{Db, Tx, contacts};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// An address among what is said.
fn email(reported: &Reported) -> Option<String> {
    let email = reported.properties.get("email").and_then(Json::as_str);
    email
        .or(reported.user_id.as_deref())
        .and_then(|text| clean::address(text).ok())
}

/// The ids a report came with.
fn ids(reported: &Reported) -> impl Iterator<Item = Visitor<'_>> {
    let user = reported.user_id.as_deref().map(Visitor::User);
    user.into_iter()
        .chain(reported.anonymous_id.as_deref().map(Visitor::Anonymous))
}

/// Whom a report is about: by an address, or by whom its ids were said to mean.
fn about(db: &Db<'_>, reported: &Reported) -> carillon_store::Result<Option<ContactId>> {
    if let Some(email) = email(reported) {
        return contacts::id_of(db, &email);
    }
    for id in ids(reported) {
        if let Some(contact) = visitors::contact_of(db, id)? {
            return Ok(Some(contact));
        }
    }
    Ok(None)
}

/// An event of the user's own site, shop or app, about somebody who is here.
pub(super) fn report(
    tx: &mut Tx<'_>,
    reported: &Reported,
    at: Moment,
    name: &str,
) -> carillon_store::Result<()> {
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
pub(super) fn identify(tx: &mut Tx<'_>, reported: &Reported, at: Moment) -> carillon_store::Result<()> {
    let trusted = reported.key.is_some();
    let contact = match (about(tx, reported)?, email(reported)) {
        (Some(id), _) => id,
        (None, Some(email)) if trusted => super::somebody(tx, &email, SOURCE)?.0,
        _ => return Ok(()),
    };
    // What a customer's number means is the word of shop or app; a browser speaks for its own visitor.
    for id in ids(reported).filter(|id| trusted || matches!(id, Visitor::Anonymous(_))) {
        visitors::keep(tx, id, contact)?;
    }
    if trusted {
        for (key, value) in &reported.properties {
            let text = match value {
                Json::String(text) => clean::line(text),
                Json::Number(number) => number.to_string(),
                Json::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
                Json::Null | Json::Array(_) | Json::Object(_) => continue,
            };
            if !text.is_empty()
                && let Some(value) = fitting(tx, key, &text)
            {
                contacts::set_field(tx, contact, key, Some(&value), SOURCE)?;
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
