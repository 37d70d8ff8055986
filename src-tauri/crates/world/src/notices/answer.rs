//! What people and their mail programs write back: replies, absences (RFC 3834), farewells, opt-outs.

use super::mime::{Message, address, date, domain, one_line, token};
use super::{arrived, escaped, language, refer};
use crate::personas::{About, Incoming, Language, Mailto, Server, name_of};
use carillon_model::Moment;
use chrono::{Datelike, NaiveDate};

/// Who writes when, up to the subject.
fn begin(about: &About, at: Moment, to: &str, kind: &str) -> Message {
    let from = address(&about.to);
    let back = match kind {
        "vacation" | "left" => "",
        _ => from.as_str(),
    };
    let mut m = arrived(to, back, Some(domain(&from)), at);
    m.mailbox("From", &name_of(&from), &from);
    m.raw("To", to).raw("Date", &date(at));
    let id = token(&[kind, &about.message_id, &from, &at.to_rfc3339()], 32);
    m.raw("Message-ID", &format!("<{id}@{}>", domain(&from)));
    m
}

/// What somebody wrote, above the mail it answers: quoted line by line, or, as Outlook does it, below its headers.
pub fn reply(about: &About, at: Moment, text: &str, quote: &[String]) -> Incoming {
    let to = address(&about.reply_to);
    let mut m = begin(about, at, &to, "reply");
    refer(&mut m, about);
    let prefix = match language(about) {
        Language::German => "AW: ",
        Language::English | Language::French => "Re: ",
    };
    m.header("Subject", &format!("{prefix}{}", one_line(&about.subject)));
    m.raw("MIME-Version", "1.0");
    let name = name_of(&about.to);
    let first = name.split(' ').next().unwrap_or_default();
    let written = format!("{text}\n\n{first}");
    if about.server == Server::Exchange {
        outlook(&mut m, about, &written, quote);
    } else {
        let lines: String = quote
            .iter()
            .map(|line| format!("> {}\n", one_line(line)))
            .collect();
        m.text("text/plain", &format!("{written}\n\n{}\n{lines}", wrote(about)));
    }
    Incoming {
        to,
        bytes: m.into_bytes(),
    }
}

fn outlook(m: &mut Message, about: &About, written: &str, quote: &[String]) {
    let [from, sent, to, subject] = match language(about) {
        Language::English => ["From", "Sent", "To", "Subject"],
        Language::German => ["Von", "Gesendet", "An", "Betreff"],
        Language::French => ["De", "Envoyé", "À", "Objet"],
    };
    let block = format!(
        "{from}: {} <{}>\n{sent}: {}\n{to}: {}\n{subject}: {}",
        one_line(&about.from_name),
        address(&about.from),
        about.delivered_at.format("%-d.%-m.%Y %H:%M"),
        address(&about.to),
        one_line(&about.subject)
    );
    let lines: Vec<String> = quote.iter().map(|line| one_line(line)).collect();
    let html = |text: &str| escaped(text).replace('\n', "<br>\n");
    let boundary = format!("_000_{}_", token(&["reply", &about.message_id, &about.to], 32));
    m.line(&format!(
        "Content-Type: multipart/alternative;\r\n\tboundary=\"{boundary}\""
    ))
    .line("");
    m.line(&format!("--{boundary}"));
    let below = format!("{block}\n\n{}", lines.join("\n"));
    m.text(
        "text/plain",
        &format!("{written}\n\n________________________________\n{below}"),
    );
    m.line("").line(&format!("--{boundary}"));
    m.text(
        "text/html",
        &format!(
            "<html><body><div>{}</div>\n<hr>\n<div>{}</div></body></html>",
            html(written),
            html(&below)
        ),
    );
    m.line("").line(&format!("--{boundary}--"));
}

fn wrote(about: &About) -> String {
    let (day, clock) = (
        about.delivered_at.date_naive(),
        about.delivered_at.format("%H:%M"),
    );
    let who = format!("{} <{}>", one_line(&about.from_name), address(&about.from));
    match language(about) {
        Language::English => format!("On {} at {clock}, {who} wrote:", long(day, Language::English)),
        Language::German => format!("Am {} um {clock} schrieb {who}:", short(day, Language::German)),
        Language::French => format!("Le {} à {clock}, {who} a écrit :", long(day, Language::French)),
    }
}

/// `14 July 2026`, in the language.
fn long(day: NaiveDate, language: Language) -> String {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const GERMAN: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    const FRENCH: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    let month = day.month0() as usize;
    match language {
        Language::English => format!("{} {} {}", day.day(), ENGLISH[month], day.year()),
        Language::German => format!("{}. {} {}", day.day(), GERMAN[month], day.year()),
        Language::French => format!("{} {} {}", day.day(), FRENCH[month], day.year()),
    }
}

/// In figures, as the language writes them.
fn short(day: NaiveDate, language: Language) -> String {
    match language {
        Language::German => day.format("%d.%m.%Y"),
        Language::English | Language::French => day.format("%d/%m/%Y"),
    }
    .to_string()
}

/// An absence with the day of return, to the envelope's sender (RFC 3834 §4).
pub fn out_of_office(about: &About, at: Moment, back_on: NaiveDate) -> Incoming {
    // By the address, so that each keeps to one manner.
    let in_words = !token(&["manner", &about.to], 1).starts_with(['0', '1', '2', '3', '4', '5']);
    let spoken = language(about);
    let day = if in_words {
        long(back_on, spoken)
    } else {
        short(back_on, spoken)
    };
    let text = match spoken {
        Language::English => format!(
            "Thank you for your message. I am out of the office and will be back on {day}.\nI will answer after my return."
        ),
        Language::German => format!(
            "Vielen Dank für Ihre Nachricht. Ich bin nicht im Büro und ab dem {day} wieder erreichbar.\nIhre Nachricht wird nicht weitergeleitet."
        ),
        Language::French => format!(
            "Merci de votre message. Je suis absent du bureau et serai de retour le {day}.\nJe vous répondrai à mon retour."
        ),
    };
    automatic(about, at, "vacation", &text)
}

/// Somebody left the company and names who to write to.
pub fn left_company(about: &About, at: Moment) -> Incoming {
    let office = format!("info@{}", domain(&about.to));
    let name = name_of(&about.to);
    let text = match language(about) {
        Language::English => format!(
            "{name} has left the company, and this mailbox is no longer read.\nPlease write to {office}."
        ),
        Language::German => format!(
            "{name} ist nicht mehr in unserem Unternehmen tätig, dieses Postfach wird nicht mehr gelesen.\nBitte wenden Sie sich an {office}."
        ),
        Language::French => format!(
            "{name} ne fait plus partie de l’entreprise, cette boîte n’est plus consultée.\nMerci d’écrire à {office}."
        ),
    };
    automatic(about, at, "left", &text)
}

fn automatic(about: &About, at: Moment, kind: &str, text: &str) -> Incoming {
    let to = match about.mail_from.contains('@') {
        true => address(&about.mail_from),
        false => address(&about.reply_to),
    };
    let mut m = begin(about, at, &to, kind);
    refer(&mut m, about);
    let subject = one_line(&about.subject);
    if about.server == Server::Exchange {
        let prefix = match language(about) {
            Language::English => "Automatic reply: ",
            Language::German => "Automatische Antwort: ",
            Language::French => "Réponse automatique : ",
        };
        m.header("Subject", &format!("{prefix}{subject}"));
        m.raw("Auto-Submitted", "auto-generated")
            .raw("X-Auto-Response-Suppress", "All");
        m.raw("Content-Language", super::tag(language(about)));
    } else {
        m.header("Subject", &format!("Auto: {subject}"));
        m.raw("Auto-Submitted", "auto-replied (vacation)")
            .raw("Precedence", "bulk");
    }
    m.raw("MIME-Version", "1.0").text("text/plain", text);
    Incoming {
        to,
        bytes: m.into_bytes(),
    }
}

/// What a mail program sends for a mailto link of List-Unsubscribe (RFC 2369).
pub fn unsubscribe(about: &About, at: Moment, mailto: &Mailto) -> Incoming {
    let to = address(&mailto.to);
    let mut m = begin(about, at, &to, "unsubscribe");
    let or = |text: &str, usual: &str| match text.trim().is_empty() {
        true => usual.to_owned(),
        false => text.chars().take(998).collect(),
    };
    m.header("Subject", &or(&mailto.subject, "unsubscribe"));
    m.raw("MIME-Version", "1.0")
        .text("text/plain", &or(&mailto.body, "unsubscribe"));
    Incoming {
        to,
        bytes: m.into_bytes(),
    }
}
