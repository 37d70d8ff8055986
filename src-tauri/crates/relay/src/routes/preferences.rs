//! `/p`: the preference page. It opens with what the link says, or with what was chosen here since: of that only the bare
//! choices are kept, under the keyed hash of the address.

use super::links::said;
use super::{Ask, Link};
use crate::log::{Also, Known, Outcome};
use crate::pages::{self, Allow, sender};
use crate::tokens::{Payload, pack, unpack};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use carillon_model::Moment;
use carillon_model::consent::Channel;
use carillon_model::relay::{Choices, PageSettings, What};
use chrono::TimeDelta;
use maud::{Markup, html};

pub(super) async fn page(Path((key, blob)): Path<(String, String)>, ask: Ask) -> Response {
    let Some(link) = ask.link('p', &key, &blob) else {
        return ask.missing(None);
    };
    let Payload::Preferences {
        address,
        choices,
        made_at,
    } = &link.payload
    else {
        return ask.missing(None);
    };
    if !ask.looks() && ask.method != Method::POST {
        return ask.not_allowed("GET, HEAD, POST");
    }
    let settings = link.settings();
    let hash = *address;
    let Ok(known) = link.tenant.log.read(move |db| Known::read(db, &hash)).await else {
        return said(&ask, &link, Outcome::NotKept, "preferences.done");
    };
    let now = present(&known, choices, *made_at);
    if ask.looks() {
        return show(&ask, &link, &now);
    }
    let fields = ask.fields();
    let Some(chosen) = read(&fields, &settings, &now, ask.relay.clock.now()) else {
        return pages::note(ask.words, &settings, StatusCode::BAD_REQUEST, "wrong");
    };
    let also = also(hash, &chosen, &settings);
    let off = is_off(&chosen);
    let what = What::Preferences {
        token: link.token(),
        address: crate::hex(address),
        back: !off && fields.iter().any(|(name, _)| name == WAS_OFF),
        choices: chosen,
    };
    let kept = ask.keep_link(&link, what, None, also).await;
    said(&ask, &link, kept, "preferences.done")
}

/// Field of a page that showed that nothing is sent: whoever unticks that wants to hear again. An older page that lies in
/// another window does not say it.
const WAS_OFF: &str = "was_off";

/// Whether no mail is wanted.
fn is_off(choices: &Choices) -> bool {
    choices.all_off || !choices.channels.contains(&Channel::Email)
}

/// What holds now: what was chosen here last, or what the link says where the studio knew more when it made the link.
fn present(known: &Known, link: &Choices, made_at: Moment) -> Choices {
    let chosen = known.chosen.filter(|(_, at)| *at >= made_at);
    if let Some(chosen) = chosen.and_then(|(packed, _)| unpack(packed)) {
        return chosen;
    }
    let listed = |scope: u16| known.listed.contains(&scope);
    Choices {
        topics: (link.topics.iter().copied())
            .filter(|topic| !listed(u16::from(*topic) + 1))
            .collect(),
        all_off: link.all_off || listed(0) || listed(u16::MAX),
        ..link.clone()
    }
}

/// What is kept with the answer: for other machines the list, for this page the choices themselves.
fn also(address: [u8; 16], chosen: &Choices, of: &PageSettings) -> Vec<Also> {
    let line = |scope: u16, lifted: bool| Also::Suppress {
        address,
        scope,
        lifted,
    };
    let topics = of.topics.iter().map(|topic| {
        let wanted = chosen.topics.contains(&topic.number);
        line(u16::from(topic.number) + 1, wanted)
    });
    let off = is_off(chosen).then(|| line(0, false));
    let choose = pack(chosen).map(|packed| Also::Choose { address, packed });
    topics.chain(off).chain(choose).collect()
}

/// What was chosen, of what is offered. Nothing when the body is not this page's form.
fn read(fields: &[(String, String)], of: &PageSettings, before: &Choices, now: Moment) -> Option<Choices> {
    let all = |name: &'static str| {
        fields
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    all("preferences").next()?;
    let chosen: Vec<&str> = all("topic").collect();
    let offered = |number: u8| of.topics.iter().any(|t| t.number == number);
    // A topic that is no longer offered stays as it was: nobody was asked.
    let kept = before.topics.iter().copied().filter(|t| !offered(*t));
    let mut topics: Vec<u8> = of
        .topics
        .iter()
        .map(|t| t.number)
        .filter(|n| chosen.contains(&n.to_string().as_str()))
        .chain(kept)
        .collect();
    topics.sort_unstable();
    let channels: Vec<&str> = all("channel").collect();
    let pause = all("pause").next().unwrap_or_default();
    let paused_until = match pause {
        "" => None,
        "until" => before.paused_until,
        days => {
            let days: u16 = days.parse().ok().filter(|d| of.pauses_days.contains(d))?;
            Some((now + TimeDelta::days(i64::from(days))).date_naive())
        }
    };
    Some(Choices {
        topics,
        channels: if of.channels.is_empty() {
            before.channels.clone()
        } else {
            let chosen = of.channels.iter().filter(|c| channels.contains(&word(**c)));
            chosen.copied().collect()
        },
        language: match all("language").next() {
            None => before.language.clone(),
            Some(code) => of.languages.iter().find(|l| *l == code).cloned(),
        },
        paused_until,
        all_off: all("all_off").next().is_some(),
    })
}

fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Phone => "phone",
        Channel::Post => "post",
        Channel::Push => "push",
    }
}

fn show(ask: &Ask, link: &Link, now: &Choices) -> Response {
    let of = link.settings();
    let say = |key: &str| ask.words.say(key, &[]);
    let who = sender(ask.words, &of);
    let body = html! {
        p { (ask.words.say("preferences.intro", &[("sender", &who)])) }
        form method="post" {
            input type="hidden" name="preferences" value="1";
            @if is_off(now) { input type="hidden" name=(WAS_OFF) value="1"; }
            @if !of.topics.is_empty() {
                fieldset {
                    legend { (say("preferences.topics")) }
                    @for topic in &of.topics {
                        label.row {
                            input type="checkbox" name="topic" value=(topic.number)
                                checked[now.topics.contains(&topic.number)];
                            span { (topic.name) @if !topic.about.is_empty() { br; span.hint { (topic.about) } } }
                        }
                    }
                }
            }
            @if !of.channels.is_empty() {
                fieldset {
                    legend { (say("preferences.channels")) }
                    @for channel in &of.channels {
                        label.row {
                            input type="checkbox" name="channel" value=(word(*channel))
                                checked[now.channels.contains(channel)];
                            span { (say(&format!("channel.{}", word(*channel)))) }
                        }
                    }
                }
            }
            (choices(ask, &of, now))
            fieldset {
                label.row {
                    input type="checkbox" name="all_off" value="1" checked[now.all_off];
                    span { (say("preferences.all_off")) }
                }
            }
            button { (say("preferences.button")) }
        }
    };
    let page = pages::page(ask.words, None, &of, &say("preferences.title"), body);
    pages::answer(StatusCode::OK, &Allow::default(), page)
}

/// Language and pause.
fn choices(ask: &Ask, of: &PageSettings, now: &Choices) -> Markup {
    let say = |key: &str| ask.words.say(key, &[]);
    html! {
        @if !of.languages.is_empty() {
            div.field {
                label.name for="language" { (say("preferences.language")) }
                select #language name="language" {
                    option value="" { (say("preferences.language_none")) }
                    @for code in &of.languages {
                        option value=(code) lang=(code) selected[now.language.as_ref() == Some(code)] {
                            (native_name(code))
                        }
                    }
                }
            }
        }
        @if !of.pauses_days.is_empty() {
            div.field {
                label.name for="pause" { (say("preferences.pause")) }
                select #pause name="pause" {
                    option value="" { (say("preferences.pause_none")) }
                    @if let Some(day) = now.paused_until.filter(|d| *d > ask.relay.clock.now().date_naive()) {
                        option value="until" selected {
                            (ask.words.say("preferences.pause_until", &[("date", &day.to_string())]))
                        }
                    }
                    @for days in &of.pauses_days {
                        option value=(days) {
                            (ask.words.say("preferences.pause_days", &[("days", &days.to_string())]))
                        }
                    }
                }
            }
        }
    }
}

/// A language by its own name, where we know it.
fn native_name(code: &str) -> &str {
    match code {
        "cs" => "Čeština",
        "da" => "Dansk",
        "de" => "Deutsch",
        "en" => "English",
        "es" => "Español",
        "fi" => "Suomi",
        "fr" => "Français",
        "it" => "Italiano",
        "nl" => "Nederlands",
        "nb" | "no" => "Norsk",
        "pl" => "Polski",
        "pt" => "Português",
        "sv" => "Svenska",
        other => other,
    }
}
