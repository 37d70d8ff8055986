//! The inbox of the mail world: what each person got and did, and what the user does in their place.

use super::{
    World, WorldActArgs, WorldAnswer, WorldAnswerKind, WorldDeed, WorldHeader, WorldLink, WorldLinkKind,
    WorldMail, WorldMailArgs, WorldMailPage, WorldMailRow, WorldMailsArgs, WorldPart, of, set, visits,
};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::workspaces::Open;
use carillon_model::MessageId;
use carillon_store::{contacts, outbox};
use carillon_world::inbox::{Answer, AnswerKind, Listed, Opened};
use carillon_world::personas::{
    About, Act, Deed, Effect, Leaving, LinkKind, Mail, Person, Persona, Stage, WorldSettings,
};
use std::sync::Arc;

/// Longest answer a user writes as somebody, in characters.
const LONGEST_TEXT: usize = 10_000;
/// Most somebody pays at once, in minor units.
const MOST_PAID: i64 = 100_000_000_000;

pub(super) async fn mails(cx: &Ctx, req: WorldMailsArgs) -> Result<WorldMailPage> {
    let (open, world) = of(cx).await?;
    let mut state = world.state(&open).await?;
    let state = &mut *state;
    let search = req.search.unwrap_or_default();
    let to = req
        .to
        .map(|to| to.trim().to_lowercase())
        .filter(|to| !to.is_empty());
    let wants_address = |address: &str| to.as_deref().is_none_or(|to| to == address);
    let limit = usize::try_from(req.limit).unwrap_or(usize::MAX);
    let page = match req.persona {
        None => state.inbox.list_of(&search, req.before, limit, wants_address),
        Some(wanted) => {
            // Who the recipients are is looked up before the list is held.
            let all = state.inbox.recipients();
            let fitting = all
                .into_iter()
                .filter(|address| set::persona(state.persona(address)) == wanted)
                .collect::<std::collections::HashSet<_>>();
            let wants = |address: &str| wants_address(address) && fitting.contains(address);
            state.inbox.list_of(&search, req.before, limit, wants)
        }
    };
    let listed: Vec<(Listed, Persona)> = page
        .mails
        .into_iter()
        .map(|one| (state.persona(&one.to), one))
        .map(|(persona, one)| (one, persona))
        .collect();
    Ok(WorldMailPage {
        mails: rows(&open, &world, listed).await?,
        found: page.found as u64,
        before: page.before,
    })
}

/// Rows as a screen shows them, with what of ours they are.
async fn rows(open: &Open, world: &Arc<World>, listed: Vec<(Listed, Persona)>) -> Result<Vec<WorldMailRow>> {
    let world = world.clone();
    Ok(open
        .store
        .read(move |db| {
            let mut rows = Vec::with_capacity(listed.len());
            for (one, persona) in listed {
                let message = db.tokens().read_message_id(&one.message_id).map(MessageId);
                let message = match message {
                    Some(id) => outbox::load(db, id)?.map(|row| row.id),
                    None => None,
                };
                rows.push(WorldMailRow {
                    id: one.id,
                    received_at: one.received_at,
                    name: carillon_world::personas::name_of(&one.to),
                    persona: set::persona(persona),
                    from: one.from,
                    subject: one.subject,
                    message,
                    contact: contacts::id_of(db, &one.to)?,
                    answers: one.answers.into_iter().map(|one| answer(&world, one)).collect(),
                    to: one.to,
                });
            }
            Ok(rows)
        })
        .await?)
}

fn answer(world: &World, of: Answer) -> WorldAnswer {
    let mut shown = WorldAnswer {
        at: of.at,
        kind: WorldAnswerKind::Opened,
        machine: of.machine,
        url: None,
        unheard: false,
        text: None,
        amount: None,
    };
    shown.kind = match of.kind {
        AnswerKind::Opened => WorldAnswerKind::Opened,
        AnswerKind::Probed { url } => {
            shown.url = Some(url);
            WorldAnswerKind::Probed
        }
        AnswerKind::Clicked { url } => {
            shown.url = Some(url);
            WorldAnswerKind::Clicked
        }
        AnswerKind::Confirmed => WorldAnswerKind::Confirmed,
        AnswerKind::FilledForm { url } => {
            shown.url = Some(url);
            WorldAnswerKind::FilledForm
        }
        AnswerKind::UnsubscribedByOneClick => WorldAnswerKind::UnsubscribedByOneClick,
        AnswerKind::UnsubscribedByMail => WorldAnswerKind::UnsubscribedByMail,
        AnswerKind::UnsubscribedOnPage => WorldAnswerKind::UnsubscribedOnPage,
        AnswerKind::Replied { text } => {
            shown.text = Some(text);
            WorldAnswerKind::Replied
        }
        AnswerKind::OutOfOffice => WorldAnswerKind::OutOfOffice,
        AnswerKind::LeftCompany => WorldAnswerKind::LeftCompany,
        AnswerKind::Complained => WorldAnswerKind::Complained,
        AnswerKind::Bought { amount } => {
            shown.amount = Some(amount);
            WorldAnswerKind::Bought
        }
        AnswerKind::Bounced {
            stage: Stage::Delayed,
            ..
        } => WorldAnswerKind::Delayed,
        AnswerKind::Bounced {
            stage: Stage::Failed, ..
        } => WorldAnswerKind::Bounced,
    };
    shown.unheard = shown.url.as_deref().is_some_and(|url| !world.hears_of(url));
    shown
}

fn gone() -> crate::error::ApiError {
    fail(Code::NotFound, "world.no_mail", &[])
}

pub(super) async fn mail(cx: &Ctx, req: WorldMailArgs) -> Result<WorldMail> {
    let (open, world) = of(cx).await?;
    let (opened, persona) = {
        let mut state = world.state(&open).await?;
        let opened = state.inbox.open(req.id)?.ok_or_else(gone)?;
        let persona = state.persona(&opened.listed.to);
        (opened, persona)
    };
    let row = rows(&open, &world, vec![(opened.listed.clone(), persona)]).await?;
    let part = |kind: &str| {
        let mut parts = opened.parts.iter();
        let found = parts.find(|part| part.content_type == kind && part.name.is_none());
        found.and_then(|part| part.text.clone())
    };
    let read = Mail::read(&opened.raw);
    let links = &read.body().links;
    Ok(WorldMail {
        row: row.into_iter().next().ok_or_else(gone)?,
        text: part("text/plain").unwrap_or_default(),
        frame: part("text/html").map(|html| cx.app.tickets().frame(html)),
        tells_opening: read.body().pixel.is_some(),
        can_leave: leaving(&read).is_some(),
        links: links.iter().map(|one| link(&world, one)).collect(),
        headers: opened
            .headers
            .iter()
            .map(|(name, value)| WorldHeader {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        parts: opened
            .parts
            .into_iter()
            .map(|part| WorldPart {
                content_type: part.content_type,
                name: part.name,
                bytes: part.bytes as u64,
                text: part.text,
            })
            .collect(),
    })
}

fn link(world: &World, of: &carillon_world::personas::Link) -> WorldLink {
    WorldLink {
        url: of.url.clone(),
        words: of.words.clone(),
        unheard: !world.hears_of(&of.url),
        kind: match of.kind {
            LinkKind::Content => WorldLinkKind::Content,
            LinkKind::Leave => WorldLinkKind::Leave,
            LinkKind::Small => WorldLinkKind::Small,
            LinkKind::Confirm => WorldLinkKind::Confirm,
            LinkKind::Form => WorldLinkKind::Form,
        },
        hidden: of.hidden,
    }
}

/// The way out that a mail offers: the button of the mail program, else a mail, else a page.
fn leaving(mail: &Mail<'_>) -> Option<Leaving> {
    let headers = &mail.headers;
    if let Some(url) = headers.leave_page.clone().filter(|_| headers.one_click) {
        return Some(Leaving::OneClick { url });
    }
    if let Some(mailto) = headers.leave_mail.clone() {
        return Some(Leaving::Mailto(mailto));
    }
    let links = mail.body().links.iter();
    let mut out = links.filter(|link| link.kind == LinkKind::Leave && !link.hidden);
    let url = out
        .next()
        .map(|link| link.url.clone())
        .or_else(|| headers.leave_page.clone());
    url.map(|url| Leaving::Page { url })
}

/// What the user wants done, as the mail allows it.
fn deed(wanted: WorldDeed, mail: &Mail<'_>) -> Result<Deed> {
    let refuse = |key: &str| Err(fail(Code::Refused, key, &[]));
    Ok(match wanted {
        WorldDeed::Open => match mail.body().pixel.clone() {
            Some(pixel) => Deed::Open { pixel },
            None => return refuse("world.no_picture"),
        },
        WorldDeed::Click { link } => {
            let place = usize::try_from(link).unwrap_or(usize::MAX);
            match mail.body().links.get(place) {
                Some(link) => Deed::Click {
                    url: link.url.clone(),
                },
                None => return Err(fail(Code::NotFound, "world.no_link", &[])),
            }
        }
        WorldDeed::Reply { text } => {
            let text = text.trim();
            if text.is_empty() || text.chars().count() > LONGEST_TEXT {
                return Err(fail(Code::Invalid, "world.text", &[("max", &LONGEST_TEXT)]).at("text"));
            }
            Deed::Reply {
                text: text.lines().map(clean::line).collect::<Vec<_>>().join("\n"),
                quote: mail.body().quote.clone(),
            }
        }
        WorldDeed::Unsubscribe => match leaving(mail) {
            Some(way) => Deed::Unsubscribe(way),
            None => return refuse("world.no_way_out"),
        },
        WorldDeed::Complain => Deed::Complain { head: mail.head() },
        WorldDeed::Buy { amount } if (1..=MOST_PAID).contains(&amount.minor) => Deed::Buy { amount },
        WorldDeed::Buy { .. } => return Err(fail(Code::Invalid, "world.amount", &[]).at("amount")),
    })
}

/// Whoever got the mail, as the town knows them.
fn about(settings: &WorldSettings, opened: &Opened, mail: &Mail<'_>) -> About {
    let person = Person::of(settings, &opened.listed.to);
    let headers = &mail.headers;
    About {
        message_id: opened.listed.message_id.clone(),
        subject: headers.subject.clone(),
        from_name: headers.from_name.clone(),
        from: headers.from.clone(),
        reply_to: headers.reply_to.clone(),
        mail_from: headers.from.clone(),
        to: opened.listed.to.clone(),
        delivered_at: opened.listed.received_at,
        // A person at the keys, whoever usually has this mailbox.
        persona: match person.persona {
            Persona::Bot => Persona::Eager,
            other => other,
        },
        language: person.language,
        server: person.server,
        agent: BROWSER.to_owned(),
    }
}

/// What the user's hand calls itself: no machine does.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

pub(super) async fn act(cx: &Ctx, req: WorldActArgs) -> Result<WorldMailRow> {
    let (open, world) = of(cx).await?;
    let _turn = world.turning.lock().await;
    let act = {
        let state = world.state(&open).await?;
        let opened = state.inbox.open(req.id)?.ok_or_else(gone)?;
        let read = Mail::read(&opened.raw);
        let settings = state.town.settings();
        Act {
            deed: deed(req.deed, &read)?,
            about: about(settings, &opened, &read),
        }
    };
    let now = open.now();
    let done = match act.effect(now) {
        // Somebody who waits for the page presses its button at once.
        Effect::Request(request) => {
            let visit = visits::Visit {
                at: now,
                act: act.clone(),
                request,
            };
            match visits::pressed_at_once(&world, visit).await? {
                Ok(()) => world.pull(&open).await?.map(drop),
                Err(why) => Err(why),
            }
        }
        _ => world.perform(&open, &[(now, act.clone())]).await?.map(drop),
    };
    done.map_err(|why| fail(Code::Outside, "world.not_done", &[("why", &why)]).retry())?;
    let leaves = matches!(act.deed, Deed::Unsubscribe(_) | Deed::Complain { .. });
    let listed = {
        let mut state = world.state(&open).await?;
        state.did_by_hand(now, &act, leaves)?;
        let listed = state.inbox.get(req.id).cloned().ok_or_else(gone)?;
        let persona = state.persona(&listed.to);
        (listed, persona)
    };
    world.tell();
    open.runtime.nudge();
    let row = rows(&open, &world, vec![listed]).await?.into_iter().next();
    row.ok_or_else(gone)
}
