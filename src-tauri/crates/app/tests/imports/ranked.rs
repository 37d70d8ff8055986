//! Companies in the order that somebody asked for, and what scores say of them.

use crate::studio::Studio;
use carillon_app::error::Code;
use carillon_app::table::Kind;
use serde_json::{Value, json};

const LIST: &str = "\
email,first_name,Company,Company domain,company.industry
ada@acme.example,Ada,Acme,acme.example,Retail
bo@acme.example,Bo,Acme,,
cy@beta.example,Cy,Beta,beta.example,Mining
dee@example.com,Dee,,,
";

/// Acme in retail with Ada and Bo, Beta in mining with Cy, Zeta with nobody.
async fn town(dir: &std::path::Path) -> Studio {
    let studio = Studio::new(dir).await;
    let field =
        json!({ "key": null, "label": "Industry", "type": "text", "options": [], "of_company": true });
    studio.mutate("fields.add", field).await;
    studio.import("people.csv", LIST).await;
    let zeta = json!({ "name": "Zeta", "domain": null, "values": [] });
    studio.mutate("companies.create", zeta).await;
    studio
}

/// Thirty points for Ada, ten for Bo, fifty for Cy.
fn model(companies: &Value) -> Value {
    let rules = [("ada", 30), ("bo", 10), ("cy", 50)].map(|(name, points)| {
        json!({ "key": name, "when": format!("first_name is \"{name}\""), "points": { "per": "while", "points": points } })
    });
    let mut model = json!({ "kind": "points", "groups": [{ "key": "fit", "name": "Fit", "rules": rules }] });
    if !companies.is_null() {
        model["companies"] = companies.clone();
    }
    model
}

async fn save(studio: &Studio, id: &Value, companies: &Value) -> Value {
    let draft = json!({ "id": id, "key": null, "name": "Fit", "draft": model(companies) });
    studio.mutate("scores.save", draft).await["id"].clone()
}

fn asked(sort: &str) -> Value {
    let (key, desc) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
    json!({ "search": null, "sort": { "key": key, "desc": desc }, "offset": 0, "limit": 50, "columns": ["score_fit"] })
}

/// Names in the order `sort` (`-` before it: the largest first), with their points.
async fn order(studio: &Studio, sort: &str) -> Vec<(String, Value)> {
    let page = studio.query("companies.list", asked(sort)).await;
    let rows = page["rows"].as_array().unwrap();
    assert_eq!(page["total"], rows.len());
    let row = |row: &Value| {
        (
            row["name"].as_str().unwrap().to_owned(),
            row["scores"]["score_fit"].clone(),
        )
    };
    rows.iter().map(row).collect()
}

fn of(all: [(&str, Value); 3]) -> Vec<(String, Value)> {
    all.map(|(name, points)| (name.to_owned(), points)).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_companies_has_the_order_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let studio = town(dir.path()).await;
    let refused = studio
        .ask(Kind::Query, "companies.list", asked("score_fit"))
        .await;
    assert_eq!(refused.unwrap_err().code, Code::NotFound);
    let id = save(&studio, &Value::Null, &Value::Null).await;
    studio.mutate("scores.publish", json!({ "id": id })).await;
    let (acme, beta, zeta) = (
        ("Acme", json!(40.0)),
        ("Beta", json!(50.0)),
        ("Zeta", Value::Null),
    );
    let by = async |sort: &str| order(&studio, sort).await;
    let of = |names: [&(&str, Value); 3]| of(names.map(Clone::clone));
    assert_eq!(by("score_fit").await, of([&acme, &beta, &zeta]));
    assert_eq!(by("-score_fit").await, of([&beta, &acme, &zeta]));
    assert_eq!(by("-company.name").await, of([&zeta, &beta, &acme]));
    assert_eq!(by("contacts").await, of([&zeta, &beta, &acme]));
    assert_eq!(by("-contacts").await, of([&acme, &beta, &zeta]));
    assert_eq!(by("company.industry").await, of([&beta, &acme, &zeta]));
    assert_eq!(by("-company.industry").await, of([&acme, &beta, &zeta]));
    assert_eq!(by("-created_at").await[0].0, "Zeta");
    let mut second = asked("-score_fit");
    (second["offset"], second["limit"]) = (json!(1), json!(1));
    let page = studio.query("companies.list", second).await;
    assert_eq!(
        (&page["rows"][0]["name"], &page["total"]),
        (&json!("Acme"), &json!(3))
    );
    let mut found = asked("-score_fit");
    found["search"] = json!("ET");
    let page = studio.query("companies.list", found).await;
    let names = [&page["rows"][0]["name"], &page["rows"][1]["name"]];
    assert_eq!(
        (names, &page["total"]),
        ([&json!("Beta"), &json!("Zeta")], &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_has_rules_for_companies_that_are_checked_published_listed_and_explained() {
    let dir = tempfile::tempdir().unwrap();
    let studio = town(dir.path()).await;
    let companies = json!({
        "roll_up": "average", "bounds": { "most": 54 },
        "rules": [
            { "key": "retail", "when": "company.industry is \"Retail\"", "points": 15 },
            { "key": "team", "when": "score_fit >= 10", "people": 2, "points": 20 },
        ],
    });
    let check = async |id: &Value, companies: &Value| {
        studio
            .query("scores.check", json!({ "id": id, "model": model(companies) }))
            .await
    };
    // Its own points are a field only for the score that they belong to.
    let id = save(&studio, &Value::Null, &companies).await;
    assert_eq!(check(&Value::Null, &companies).await[0]["place"], "team");
    assert_eq!(check(&id, &companies).await, json!([]));
    let of_people = json!({ "rules": [{ "key": "ada", "when": "first_name is \"Ada\"", "points": 5 }, { "key": "one", "when": "tag \"x\"", "points": 5 }] });
    let troubles = check(&id, &of_people).await;
    // The key of the first is that of a rule about people, too.
    let places: Vec<&Value> = troubles
        .as_array()
        .unwrap()
        .iter()
        .map(|trouble| &trouble["place"])
        .collect();
    assert_eq!(places, ["ada", "ada", "one"], "{troubles}");
    let told = troubles[2]["message"].as_str().unwrap();
    assert!(
        told.contains("about the company itself") && told.contains("tag \"x\""),
        "{told}"
    );
    let autumn =
        json!({ "rules": [{ "key": "r", "when": "in journey \"Autumn\"", "people": 2, "points": 5 }] });
    let doubtful = check(&id, &autumn).await;
    assert_eq!(
        (&doubtful[0]["place"], &doubtful[0]["severity"]),
        (&json!("r"), &json!("warning"))
    );
    let nothing = check(&id, &json!({ "roll_up": "nothing" })).await;
    assert_eq!(nothing[0]["place"], ":companies", "{nothing}");
    studio.mutate("scores.publish", json!({ "id": id })).await;
    // (30 + 10) / 2 + 15 + 20 is one more than there may be.
    assert_eq!(
        order(&studio, "-score_fit").await,
        of([("Acme", json!(54.0)), ("Beta", json!(50.0)), ("Zeta", json!(0.0))])
    );
    let acme = studio.query("companies.find", json!({ "text": "Acme" })).await["id"].clone();
    let page = studio.query("companies.get", json!({ "id": acme })).await;
    let score = &page["scores"][0];
    assert_eq!(
        (&score["name"], &score["key"], &score["id"]),
        (&json!("Fit"), &json!("score_fit"), &id)
    );
    assert_eq!(score["model"]["rules"][1]["people"], 2);
    let scored = &score["scored"];
    assert_eq!(
        (
            &scored["total"],
            &scored["contacts"],
            &scored["sum"],
            &scored["highest"]
        ),
        (&json!(54), &json!(2), &json!(40), &json!(30))
    );
    assert_eq!(
        (&scored["rolled_up"], &scored["limited"]),
        (&json!(20_000), &json!(-1_000))
    );
    let rules = json!([
        { "key": "retail", "points": 15_000, "count": 1, "last": null },
        { "key": "team", "points": 20_000, "count": 2, "last": null },
    ]);
    assert_eq!(scored["rules"], rules);
    let mining = json!([{ "key": "company.industry", "value": { "type": "text", "value": "Mining" } }]);
    studio
        .mutate("companies.update", json!({ "id": acme, "values": mining }))
        .await;
    assert_eq!(
        order(&studio, "-score_fit").await,
        of([("Beta", json!(50.0)), ("Acme", json!(40.0)), ("Zeta", json!(0.0))])
    );
    let to = dir.path().join("companies.csv");
    let list = json!({ "list": { "of": "companies" }, "to": { "path": to }, "format": null });
    studio.job("exports.start", list).await;
    let list = std::fs::read_to_string(&to).unwrap();
    let lines: Vec<&str> = list
        .lines()
        .map(|line| line.split(",2026-").next().unwrap())
        .collect();
    let heads = lines[0].trim_start_matches('\u{feff}');
    assert_eq!(
        heads,
        "company.name,company.domain,company.industry,score_fit,contacts,created_at"
    );
    assert_eq!(
        lines[1..],
        [
            "Acme,acme.example,Mining,40,2",
            "Beta,beta.example,Mining,50,1",
            "Zeta,,,0,0"
        ]
    );
    // A draft changes nothing before it is published, and is not published while it is wrong.
    save(&studio, &id, &of_people).await;
    let refused = studio
        .ask(Kind::Mutate, "scores.publish", json!({ "id": id }))
        .await;
    assert_eq!(refused.unwrap_err().code, Code::Invalid);
    assert_eq!(
        order(&studio, "-score_fit").await[1],
        ("Acme".to_owned(), json!(40.0))
    );
    save(&studio, &id, &Value::Null).await;
    studio.mutate("scores.publish", json!({ "id": id })).await;
    assert_eq!(
        order(&studio, "-score_fit").await,
        of([
            ("Beta", json!(50.0)),
            ("Acme", json!(40.0)),
            ("Zeta", Value::Null)
        ])
    );
}
