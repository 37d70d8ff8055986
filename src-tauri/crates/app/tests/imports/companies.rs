//! Companies through the command table: by hand, by lists, by the domains of addresses, and to files.

use crate::studio::Studio;
use carillon_app::table::Kind;
use serde_json::{Value, json};

const LIST: &str = "\
email,first_name,Company,Company domain,company.industry
ada@acme.example,Ada,Acme GmbH,https://www.acme.example/,Retail
bo@gmail.com,Bo,ACME  gmbh,,
cy@beta.example,Cy,Beta AG,beta.example,Mining
dee@example.com,Dee,,gmail.com,Tea
";

async fn with_industry(dir: &std::path::Path) -> Studio {
    let studio = Studio::new(dir).await;
    let field =
        json!({ "key": null, "label": "Industry", "type": "text", "options": [], "of_company": true });
    let made = studio.mutate("fields.add", field).await;
    assert_eq!(made["key"], "company.industry");
    studio
}

async fn companies(studio: &Studio) -> Vec<(String, Value, Value)> {
    let asked =
        json!({ "search": null, "sort": null, "offset": 0, "limit": 50, "columns": ["company.industry"] });
    let page = studio.query("companies.list", asked).await;
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let industry = row["values"]["company.industry"]["value"].clone();
        (
            row["name"].as_str().unwrap().to_owned(),
            row["contacts"].clone(),
            industry,
        )
    })
    .collect()
}

async fn id_of(studio: &Studio, text: &str) -> Value {
    studio.query("companies.find", json!({ "text": text })).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_makes_finds_and_changes_companies_and_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    let made = json!({ "name": "Beta", "domain": "www.beta.example", "values": [
        { "key": "company.industry", "value": { "type": "text", "value": "Before" } }
    ] });
    studio.mutate("companies.create", made).await;
    let path = studio.write("people.csv", LIST);
    let preview = studio
        .mutate("contacts.import_open", json!({ "file": { "path": path } }))
        .await;
    let guesses: Vec<&Value> = preview["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["guess"])
        .collect();
    assert_eq!(
        guesses,
        [
            "email",
            "first_name",
            "company.name",
            "company.domain",
            "company.industry"
        ]
    );
    let done = studio.import("people.csv", LIST).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(4), &json!(1)),
        "{done}"
    );
    assert_eq!(
        companies(&studio).await,
        [
            ("Acme GmbH".to_owned(), json!(2), json!("Retail")),
            ("Beta".to_owned(), json!(1), json!("Mining")),
        ],
        "one that was found by its domain keeps its name, and free mail is nobody's"
    );
    assert_eq!(studio.value("bo@gmail.com", "company.industry").await, "Retail");
    let again = studio.import("again.csv", LIST).await;
    assert_eq!(
        (&again["counts"]["unchanged"], &again["counts"]["changed"]),
        (&json!(4), &json!(0)),
        "{again}"
    );
    let path = studio.write(
        "moved.csv",
        "email,company\nbo@gmail.com,Beta AG\ncy@beta.example,\n",
    );
    let plan = studio.plan(&path).await;
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let moved = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], moved["counts"]);
    assert_eq!(moved["counts"]["changed"], 1, "an empty cell says nothing");
    assert_eq!(studio.value("bo@gmail.com", "company.name").await, "Beta AG");
    for import in [&moved["import"], &again["import"], &done["import"]] {
        studio.job("imports.undo", json!({ "id": import })).await;
    }
    assert_eq!(
        companies(&studio).await,
        [("Beta".to_owned(), json!(0), json!("Before"))],
        "as it was before the first list"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_connected_by_their_domain_but_not_by_free_mail() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    studio
        .import(
            "people.csv",
            "email\na@acme.example\nb@ACME.example\nc@gmail.com\nd@beta.example\n",
        )
        .await;
    let refused = |domain: &str| json!({ "name": "X", "domain": domain, "values": [] });
    for (domain, word) in [
        ("gmail.com", "Anybody"),
        ("acme", "not the domain"),
        ("a b.example", "not the domain"),
    ] {
        let error = studio
            .ask(Kind::Mutate, "companies.create", refused(domain))
            .await
            .unwrap_err();
        assert!(
            error.message.contains(word) && error.fields.contains_key("domain"),
            "{error}"
        );
    }
    let acme = studio.mutate("companies.create", refused("acme.example")).await["id"].clone();
    let taken = studio
        .ask(Kind::Mutate, "companies.create", refused("www.acme.example"))
        .await
        .unwrap_err();
    assert!(taken.message.contains("X has the domain"), "{taken}");
    let other = json!({ "name": "Beta", "domain": "beta.example", "values": [] });
    let beta = studio.mutate("companies.create", other).await["id"].clone();
    let connected = studio
        .mutate("companies.connect_by_domain", json!({ "company": acme }))
        .await;
    assert_eq!(connected["changed"], 2);
    let hand = json!({ "where": "company.name is \"X\"", "search": null, "except": [] });
    let moved = studio
        .mutate("companies.connect", json!({ "company": beta, "who": hand }))
        .await;
    assert_eq!(moved["changed"], 2);
    let rest = studio
        .mutate("companies.connect_by_domain", json!({ "company": null }))
        .await;
    assert_eq!(rest["changed"], 1, "whoever has a company keeps it");
    let page = json!({ "where": null, "search": "acme", "sort": null, "offset": 0, "limit": 9, "columns": [], "company": beta });
    assert_eq!(studio.query("contacts.page", page).await["total"], 2);
    let shown = studio
        .query("contacts.find", json!({ "email": "a@acme.example" }))
        .await;
    let contact = studio.query("contacts.get", json!({ "id": shown["id"] })).await;
    assert_eq!(contact["company"], json!({ "id": beta, "name": "Beta" }));
    let write = json!({ "id": shown["id"], "values": [{ "key": "company.name", "value": { "type": "text", "value": "Y" } }] });
    let error = studio
        .ask(Kind::Mutate, "contacts.update", write)
        .await
        .unwrap_err();
    assert!(error.message.contains("read from the contact"), "{error}");
    let removed = studio.mutate("companies.remove", json!({ "id": beta })).await;
    assert_eq!(removed["contacts"], 3);
    let gone = studio
        .ask(Kind::Query, "companies.get", json!({ "id": beta }))
        .await
        .unwrap_err();
    assert!(gone.message.contains("There is no company"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_company_changes_who_is_in_a_segment_and_all_of_it_comes_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    studio.import("people.csv", LIST).await;
    let count = async |text: &str| {
        let counted = studio.query("segments.count", json!({ "text": text })).await;
        counted["count"].clone()
    };
    assert_eq!(count("company.industry is \"Retail\"").await, 2);
    let acme = id_of(&studio, "acme.example").await;
    let values = json!([{ "key": "company.industry", "value": { "type": "text", "value": "=1+1" } }]);
    studio
        .mutate("companies.update", json!({ "id": acme, "values": values }))
        .await;
    assert_eq!(count("company.industry is \"Retail\"").await, 0);
    let to = dir.path().join("companies.csv");
    let list = json!({ "list": { "of": "companies" }, "to": { "path": to }, "format": null });
    assert_eq!(studio.job("exports.start", list).await["rows"], 2);
    let text = std::fs::read_to_string(&to).unwrap();
    assert!(
        text.contains("company.name,company.domain,company.industry,contacts,created_at"),
        "{text}"
    );
    assert!(text.contains("Acme GmbH,acme.example,'=1+1,2,"), "{text}");
    let to = dir.path().join("people.csv");
    let who = json!({ "where": null, "search": null, "except": [] });
    let list = json!({ "list": { "of": "contacts", "who": who, "columns": [] }, "to": { "path": to }, "format": null });
    studio.job("exports.start", list).await;
    let text = std::fs::read_to_string(&to).unwrap();
    assert!(
        text.lines()
            .any(|line| line.starts_with("cy@") && line.contains("Beta AG,beta.example,Mining")),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_only_fill_leave_whoever_has_a_company_and_what_is_known_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    studio.import("people.csv", LIST).await;
    let list = "email,company,company.industry\nada@acme.example,Gamma,Fishing\nbo@gmail.com,Acme GmbH,Toys\nnew@example.com,Gamma,Games\n";
    let path = studio.write("more.csv", list);
    let mut plan = studio.plan(&path).await;
    for column in [1, 2] {
        plan["columns"][column]["fill_only"] = json!(true);
    }
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["unchanged"]),
        (&json!(1), &json!(2)),
        "{done}"
    );
    assert_eq!(
        companies(&studio).await,
        [
            ("Acme GmbH".to_owned(), json!(2), json!("Retail")),
            ("Beta AG".to_owned(), json!(1), json!("Mining")),
            ("Gamma".to_owned(), json!(1), json!("Games")),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_value_of_a_company_is_counted_once_in_a_dry_run_and_in_the_import() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    studio.import("people.csv", LIST).await;
    let list = "email,company domain,company.industry\nada@acme.example,acme.example,Toys\nbo@gmail.com,acme.example,Toys\n";
    let path = studio.write("toys.csv", list);
    let plan = studio.plan(&path).await;
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(done["counts"]["changed"], 1);
    assert_eq!(studio.value("bo@gmail.com", "company.industry").await, "Toys");
    studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(studio.value("bo@gmail.com", "company.industry").await, "Retail");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_by_the_rules_of_the_fields_takes_the_company_where_the_survivor_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let studio = with_industry(dir.path()).await;
    let list = "email,first_name,company\nada@acme.example,Ada,Acme\nada@private.example,Ada,\n";
    studio.import("people.csv", list).await;
    let acme = id_of(&studio, "Acme").await;
    let values = json!([{ "key": "company.industry", "value": { "type": "text", "value": "Retail" } }]);
    studio
        .mutate("companies.update", json!({ "id": acme, "values": values }))
        .await;
    let id = async |email: &str| studio.query("contacts.find", json!({ "email": email })).await["id"].clone();
    let (own, other) = (id("ada@private.example").await, id("ada@acme.example").await);
    let shown = studio
        .query("duplicates.show", json!({ "a": own, "b": other }))
        .await;
    let keys: Vec<&Value> = shown["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["key"])
        .collect();
    assert!(
        keys.contains(&&json!("company.name")) && !keys.contains(&&json!("company.industry")),
        "{keys:?}"
    );
    let merge = json!({ "survivor": own, "absorbed": other, "take": null, "stamp": null });
    let merged = studio.mutate("duplicates.merge", merge).await;
    assert_eq!(
        studio.contact("ada@private.example").await["company"]["name"],
        "Acme"
    );
    assert_eq!(
        studio.value("ada@private.example", "company.industry").await,
        "Retail"
    );
    studio.mutate("duplicates.unmerge", merged).await;
    assert_eq!(
        studio.contact("ada@private.example").await["company"],
        Value::Null
    );
    assert_eq!(studio.value("ada@acme.example", "company.name").await, "Acme");
}
