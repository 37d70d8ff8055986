//! companies.

use super::answer;
use super::scores::points;
use crate::args::{Companies, Whom};
use crate::backend::Backend;
use crate::output;
use crate::words::{say, text, word};
use carillon_app::error::{Code, Result, fail};
use serde_json::{Value, json};

pub async fn companies(backend: &Backend, json: bool, verb: Companies) -> Result<()> {
    match verb {
        Companies::List {
            search,
            without_contacts,
            sort,
            desc,
            part,
        } => {
            let score = sort.clone().filter(|key| key.starts_with("score_"));
            let sort = sort.map(|key| json!({ "key": key, "desc": desc }));
            let args = json!({
                "search": search, "without_contacts": without_contacts, "sort": sort, "columns": score.as_slice(),
            });
            let page = backend.rows("companies.list", args, part).await?;
            answer(json, &page, |page| {
                let points = score.map(|key| format!("scores.{key}"));
                let mut columns = vec![
                    ("name", "company"),
                    ("domain", "domain"),
                    ("contacts", "contacts"),
                ];
                columns.extend(points.as_deref().map(|path| (path, "points")));
                columns.push(("id", "id"));
                output::table(&page["rows"], &columns);
                say!("companies.total", n = page["total"]);
            });
        }
        Companies::Show { company, part } => {
            let id = found(backend, &company).await?;
            let shown = backend.query("companies.get", json!({ "id": id })).await?;
            let columns = ["first_name", "last_name"];
            let args =
                json!({ "where": null, "search": null, "sort": null, "columns": columns, "company": id });
            let contacts = backend.rows("contacts.page", args, part).await?;
            let all = json!({ "company": shown["company"], "scores": shown["scores"], "contacts": contacts });
            answer(json, &all, show);
        }
        Companies::Create { name, domain, set } => {
            let values = values(backend, &set).await?;
            let args = json!({ "name": name, "domain": domain, "values": values });
            let made = backend.mutate("companies.create", args).await?;
            answer(json, &made, |_| say!("companies.made", name = name));
        }
        Companies::Set {
            company,
            values: said,
        } => {
            let id = found(backend, &company).await?;
            let args = json!({ "id": id, "values": values(backend, &said).await? });
            let done = backend.mutate("companies.update", args).await?;
            answer(json, &done, |_| say!("companies.changed", name = company));
        }
        Companies::Remove { company } => {
            let id = found(backend, &company).await?;
            let done = backend.mutate("companies.remove", json!({ "id": id })).await?;
            answer(json, &done, |d| {
                say!("companies.removed", name = company, n = d["contacts"])
            });
        }
        Companies::Removed => {
            let all = backend.query("companies.removed", json!({})).await?;
            answer(json, &all, |all| {
                let columns = [
                    ("id", "id"),
                    ("name", "company"),
                    ("contacts", "contacts"),
                    ("at", "removed"),
                ];
                output::table(all, &columns);
            });
        }
        Companies::Restore { id } => {
            let done = backend.mutate("companies.restore", json!({ "id": id })).await?;
            answer(json, &done, |d| {
                say!("companies.restored", n = d["contacts"]);
                if d["without_domain"] == json!(true) {
                    say!("companies.without_domain");
                }
            });
        }
        Companies::Connect { company, whom } => {
            let id = match &company {
                Some(company) => found(backend, company).await?,
                None => Value::Null,
            };
            let done = match who(backend, whom).await? {
                Some(_) if company.is_none() => {
                    return Err(fail(Code::Invalid, "companies.which", &[]));
                }
                Some(who) => {
                    let args = json!({ "company": id, "who": who });
                    backend.mutate("companies.connect", args).await?
                }
                None => {
                    let args = json!({ "company": id });
                    backend.mutate("companies.connect_by_domain", args).await?
                }
            };
            answer(json, &done, |d| say!("companies.connected", n = d["changed"]));
        }
        Companies::Disconnect { whom } => {
            let who = who(backend, whom).await?;
            let who = who.ok_or_else(|| fail(Code::Invalid, "companies.whom", &[]))?;
            let args = json!({ "company": null, "who": who });
            let done = backend.mutate("companies.connect", args).await?;
            answer(json, &done, |d| say!("companies.disconnected", n = d["changed"]));
        }
    }
    Ok(())
}

/// The number of the company of a domain or name.
async fn found(backend: &Backend, text: &str) -> Result<Value> {
    let found = backend.query("companies.find", json!({ "text": text })).await?;
    Ok(found["id"].clone())
}

/// The contacts that are meant; `None`: nobody was named.
async fn who(backend: &Backend, whom: Whom) -> Result<Option<Value>> {
    if let Some(expression) = whom.expression {
        return Ok(Some(json!({ "where": expression, "search": null, "except": [] })));
    }
    let mut ids = Vec::with_capacity(whom.contact.len());
    for email in &whom.contact {
        ids.push(backend.contact(email).await?);
    }
    Ok(Some(json!({ "ids": ids })).filter(|_| !whom.contact.is_empty()))
}

/// `KEY=VALUE` as values of companies' fields.
async fn values(backend: &Backend, said: &[String]) -> Result<Vec<Value>> {
    let fields = backend.query("fields.list", json!({})).await?;
    let mut values = Vec::with_capacity(said.len());
    for text in said {
        let bad = || fail(Code::Invalid, "companies.bad_set", &[("text", text)]);
        let (key, value) = text.split_once('=').ok_or_else(bad)?;
        let own = key.trim().trim_start_matches("company.");
        let key = format!("company.{own}");
        let field = fields
            .as_array()
            .into_iter()
            .flatten()
            .find(|field| field["key"] == json!(key));
        let missing = || fail(Code::NotFound, "not_found.company_field", &[("name", &key)]);
        let field = field.ok_or_else(missing)?;
        let field = serde_json::from_value(field.clone()).map_err(|_| bad())?;
        let read = carillon_app::fields::read(&field, value)?;
        values.push(json!({ "key": key, "value": read }));
    }
    Ok(values)
}

fn show(all: &Value) {
    for field in all["company"]["fields"].as_array().into_iter().flatten() {
        let from = text!(
            "contacts.provenance",
            source = field["provenance"]["source"],
            at = field["provenance"]["at"],
        );
        output::line(format!(
            "{:<24} {}   {from}",
            output::cell(&field["key"]),
            output::cell(&field["value"])
        ));
    }
    for score in all["scores"].as_array().into_iter().flatten() {
        output::line("");
        measured(score);
    }
    output::line("");
    let columns = [
        ("email", "email"),
        ("values.first_name", "first_name"),
        ("values.last_name", "last_name"),
        ("permitted", "permitted"),
    ];
    output::table(&all["contacts"]["rows"], &columns);
    say!("contacts.total", n = all["contacts"]["total"]);
}

/// The points of a company by one score, and what they are made of.
fn measured(score: &Value) {
    let scored = &score["scored"];
    say!("scores.total", name = score["name"], n = scored["total"]);
    let roll_up = &score["model"]["roll_up"];
    if *roll_up != json!("nothing") {
        say!(
            "companies.rolled_up",
            points = points(&scored["rolled_up"]),
            how = word("roll_ups", roll_up),
            n = scored["contacts"]
        );
    }
    let rules = |of: &Value| of["rules"].as_array().cloned().unwrap_or_default();
    for (rule, known) in rules(scored).iter().zip(rules(&score["model"])) {
        let points = points(&rule["points"]);
        if rule["points"] == json!(0) {
            continue;
        }
        match known["people"].is_null() {
            true => say!("scores.rule", points = points, when = known["when"]),
            false => say!(
                "companies.people",
                points = points,
                n = rule["count"],
                least = known["people"],
                when = known["when"]
            ),
        }
    }
    if scored["limited"] != json!(0) {
        say!("companies.limited", points = points(&scored["limited"]));
    }
}
