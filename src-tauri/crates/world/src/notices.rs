//! What comes back to the sender as mail: exactly the bytes an IMAP FETCH of `BODY[]` gives, in the manner of several
//! kinds of servers, so that whoever reads them meets variety.

mod answer;
mod bounce;
mod complaint;
mod mime;

pub use answer::{left_company, out_of_office, reply, unsubscribe};
pub use bounce::bounce;
pub use complaint::complaint;

use crate::personas::{About, Language};
use carillon_model::Moment;
use mime::{Message, address, date, domain, id, token};

/// A mail with the lines that the sender's own server put on top: to `to`, from a server of `from` or, for `None`,
/// made by itself. `back` is the envelope's sender, empty for what nobody may answer.
fn arrived(to: &str, back: &str, from: Option<&str>, at: Moment) -> Message {
    let host = format!("mail.{}", domain(to));
    let queue = token(&["arrived", to, from.unwrap_or_default(), &at.to_rfc3339()], 11).to_uppercase();
    let mut m = Message::default();
    let Some(from) = from else {
        m.raw("Return-Path", &format!("<{back}>")).raw("Delivered-To", to);
        m.raw(
            "Received",
            &format!("by {host} (Postfix)\r\n\tid {queue}; {}", date(at)),
        );
        return m;
    };
    let from = address(from);
    m.raw("Return-Path", &format!("<{back}>")).raw("Delivered-To", to);
    m.raw(
        "Received",
        &format!(
            "from mx.{from} (mx.{from} [192.0.2.25])\r\n\tby {host} (Postfix) with ESMTPS id {queue}\r\n\tfor <{to}>; {}",
            date(at)
        ),
    );
    m
}

/// The mail that is answered.
fn refer(m: &mut Message, about: &About) {
    let id = id(&about.message_id);
    if !id.is_empty() {
        m.raw("In-Reply-To", &format!("<{id}>"))
            .raw("References", &format!("<{id}>"));
    }
}

fn language(about: &About) -> Language {
    about.language
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::English => "en-GB",
        Language::German => "de-DE",
        Language::French => "fr-FR",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
