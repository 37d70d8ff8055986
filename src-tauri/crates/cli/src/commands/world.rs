//! world: the mail world of a sample.

use super::answer;
use crate::args::{Deed, Mix, SetWorld, World, WorldMails};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

pub async fn world(backend: &Backend, json: bool, verb: World) -> Result<()> {
    match verb {
        World::Show => show(json, &backend.query("world.get", json!({})).await?),
        World::Set(how) => set(backend, json, how).await?,
        World::Mails(which) => mails(backend, json, which).await?,
        World::Mail { id } => {
            let mut mail = backend.query("world.mail", json!({ "id": id })).await?;
            // A ticket for a screen, which ends with this program.
            if let Some(mail) = mail.as_object_mut() {
                mail.remove("frame");
            }
            answer(json, &mail, one);
        }
        World::Act { id, deed } => {
            let args = json!({ "id": id, "deed": deed_of(deed)? });
            let row = backend.mutate("world.act", args).await?;
            answer(json, &row, did);
        }
        // Needs no workspace, and is told before one is opened.
        World::Serve(_) => {}
    }
    Ok(())
}

fn show(json: bool, world: &Value) {
    answer(json, world, |world| {
        let mut shown = world.clone();
        let season = &world["settings"]["season"];
        shown["season"] = match season["per_cent"].is_null() {
            true => word("seasons", &season["kind"]).into(),
            false => output::cell(&season["per_cent"]).into(),
        };
        let mix = &world["settings"]["mix"];
        shown["mix"] = match mix.as_object() {
            None => text!("world.usual").into(),
            Some(weights) => weights
                .iter()
                .map(|(persona, weight)| {
                    format!("{} {}", word("personas", &json!(persona)), output::cell(weight))
                })
                .collect::<Vec<_>>()
                .join(", ")
                .into(),
        };
        output::facts(
            &shown,
            &[
                ("settings.on", "people"),
                ("settings.seed", "seed"),
                ("settings.list_quality", "list_quality"),
                ("settings.deliverability", "deliverability"),
                ("season", "season"),
                ("mix", "mix"),
                ("mails", "mails"),
                ("to_come", "to_come"),
                ("next_at", "next_due"),
                ("relay", "relay"),
                ("trouble", "trouble"),
            ],
        );
    });
}

async fn set(backend: &Backend, json: bool, how: SetWorld) -> Result<()> {
    let mut settings = backend.query("world.get", json!({})).await?["settings"].clone();
    let season = how
        .season
        .map(serde_json::to_value)
        .transpose()
        .unwrap_or_default();
    for (key, value) in [
        ("on", how.people.map(|people| json!(people == "on"))),
        ("seed", how.seed.map(|seed| json!(seed))),
        ("list_quality", how.list_quality.map(|share| json!(share))),
        ("deliverability", how.deliverability.map(|share| json!(share))),
        ("season", season),
        (
            "mix",
            how.mix.map(|mix| match mix {
                Mix::Usual => Value::Null,
                Mix::Of(weights) => json!(weights),
            }),
        ),
    ] {
        if let Some(value) = value {
            settings[key] = value;
        }
    }
    show(json, &backend.mutate("world.set", settings).await?);
    Ok(())
}

/// Most mails of one answer of the table.
const PAGE: u32 = 200;

async fn mails(backend: &Backend, json: bool, which: WorldMails) -> Result<()> {
    let (mut all, mut left) = (Vec::new(), which.limit);
    let mut args = json!({
        "search": which.search, "to": which.to, "persona": which.persona, "before": which.before,
        "limit": left.min(PAGE),
    });
    let mut page = backend.query("world.mails", args.clone()).await?;
    loop {
        all.extend(page["mails"].as_array().into_iter().flatten().cloned());
        left = which
            .limit
            .saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        if left == 0 || page["before"].is_null() {
            break;
        }
        args["before"] = page["before"].clone();
        args["limit"] = json!(left.min(PAGE));
        page = backend.query("world.mails", args.clone()).await?;
    }
    page["mails"] = Value::Array(all);
    answer(json, &page, |page| {
        let rows = page["mails"].as_array().into_iter().flatten().map(|mail| {
            let mut row = mail.clone();
            row["persona"] = word("personas", &mail["persona"]).into();
            let answers = mail["answers"].as_array().into_iter().flatten();
            row["did"] = answers.map(what).collect::<Vec<_>>().join(", ").into();
            row
        });
        output::table(
            &rows.collect(),
            &[
                ("id", "id"),
                ("received_at", "at"),
                ("to", "to"),
                ("persona", "who"),
                ("subject", "subject"),
                ("did", "what"),
            ],
        );
        say!("world.found", n = page["found"]);
        if let Some(before) = page["before"].as_u64() {
            say!("world.more", before = before);
        }
    });
    Ok(())
}

/// What was done, and whether a machine did it, or nothing of it comes back.
fn what(answer: &Value) -> String {
    let done = word("world_answers", &answer["kind"]);
    let done = match answer["machine"] == json!(true) {
        true => text!("world.by_machine", what = done),
        false => done,
    };
    match answer["unheard"] == json!(true) {
        true => text!("world.unheard", what = done),
        false => done,
    }
}

fn one(mail: &Value) {
    let mut head = mail["row"].clone();
    head["persona"] = word("personas", &head["persona"]).into();
    output::facts(
        &head,
        &[
            ("from", "from"),
            ("to", "to"),
            ("persona", "who"),
            ("received_at", "at"),
            ("subject", "subject"),
        ],
    );
    output::line("");
    output::line(output::cell(&mail["text"]).trim_end());
    let links = mail["links"].as_array().into_iter().flatten().zip(1_u64..);
    let links: Vec<Value> = links
        .map(|(link, number)| {
            let kind = match link["hidden"] == json!(true) {
                true => text!("world.hidden"),
                false => word("world_links", &link["kind"]),
            };
            let kind = match link["unheard"] == json!(true) {
                true => text!("world.unheard", what = kind),
                false => kind,
            };
            json!({ "number": number, "kind": kind, "words": link["words"], "url": link["url"] })
        })
        .collect();
    if !links.is_empty() {
        output::line("");
        output::table(
            &links.into(),
            &[
                ("number", "link"),
                ("kind", "kind"),
                ("words", "words"),
                ("url", "url"),
            ],
        );
    }
    output::line("");
    did(&mail["row"]);
}

/// What was done about a mail.
fn did(row: &Value) {
    let answers: Vec<Value> = row["answers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|answer| {
            let detail = ["amount", "text", "url"]
                .into_iter()
                .map(|key| &answer[key])
                .find(|value| !value.is_null());
            json!({ "at": answer["at"], "what": what(answer), "detail": detail })
        })
        .collect();
    if answers.is_empty() {
        return say!("world.nothing");
    }
    output::table(
        &answers.into(),
        &[("at", "at"), ("what", "what"), ("detail", "detail")],
    );
}

fn deed_of(deed: Deed) -> Result<Value> {
    Ok(match deed {
        Deed::Open => json!({ "kind": "open" }),
        Deed::Click { link } => match link.checked_sub(1) {
            Some(place) => json!({ "kind": "click", "link": place }),
            None => return Err(fail(Code::NotFound, "world.no_link", &[])),
        },
        Deed::Reply { text } => json!({ "kind": "reply", "text": text }),
        Deed::Unsubscribe => json!({ "kind": "unsubscribe" }),
        Deed::Complain => json!({ "kind": "complain" }),
        Deed::Buy { amount } => {
            let amount = carillon_app::amount(&amount)
                .ok_or_else(|| fail(Code::Invalid, "world.no_amount", &[("text", &amount)]))?;
            json!({ "kind": "buy", "amount": amount })
        }
    })
}
