//! Data that is put right after an import, and put back.

use crate::studio::Studio;
use carillon_app::error::Code;
use carillon_app::table::Kind;
use serde_json::{Value, json};
use std::fmt::Write;

const MANY: usize = 10_000;
const RULES: [&str; 8] = [
    "spaces",
    "name_order",
    "name_case",
    "email_form",
    "email_domain",
    "country",
    "phone",
    "post_code",
];

/// Ten thousand people as a spreadsheet has them: every tenth in capitals, every fifth with the country in words, every
/// hundredth with a slip in the address, and all with a telephone number as people write it.
fn town() -> String {
    let mut list = "email,first_name,last_name,phone,country,plz\n".to_owned();
    for n in 0..MANY {
        let domain = if n % 100 == 7 { "gmial.com" } else { "gmail.com" };
        let first = if n % 10 == 3 { "ANNA" } else { "Anna" };
        let country = if n % 5 == 0 { "Deutschland" } else { "DE" };
        let code = if n % 4 == 1 { "1067" } else { "10115" };
        writeln!(
            list,
            "p{n}@{domain},{first},Weber,030 {:06},{country},{code}",
            900_000 + n
        )
        .unwrap();
    }
    list
}

async fn studio(dir: &std::path::Path, list: &str) -> Studio {
    let studio = Studio::new(dir).await;
    studio
        .mutate(
            "fields.add",
            json!({ "key": "plz", "label": "PLZ", "type": "text" }),
        )
        .await;
    let path = studio.write("town.csv", list);
    let plan = studio.plan(&path).await;
    studio.job("contacts.import_run", plan).await;
    studio
}

fn by_rule(found: &Value) -> Vec<(String, u64)> {
    let rules = found["rules"].as_array().unwrap().iter();
    rules
        .map(|rule| {
            (
                rule["rule"].as_str().unwrap().to_owned(),
                rule["values"].as_u64().unwrap(),
            )
        })
        .collect()
}

async fn page(studio: &Studio, rules: &[&str], only: Option<&str>) -> Value {
    let args = json!({ "rules": rules, "only": only, "offset": 0, "limit": 50 });
    studio.query("cleansing.page", args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_contacts_are_put_right_by_rule_and_put_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(dir.path(), &town()).await;
    let before = studio.everybody().await;
    let found = studio.job("cleansing.find", json!({})).await;
    assert_eq!(
        (found["looked_at"].as_u64(), found["contacts"].as_u64()),
        (Some(10_000), Some(10_000))
    );
    let counts = [
        ("name_case", 1_000),
        ("email_domain", 100),
        ("country", 2_000),
        ("phone", 10_000),
        ("post_code", 2_500),
    ];
    assert_eq!(by_rule(&found), counts.map(|(rule, n)| (rule.to_owned(), n)));
    assert_eq!(
        found["rules"][4]["fields"],
        json!([{ "key": "plz", "label": "PLZ", "values": 2_500 }])
    );

    let shown = page(&studio, &RULES, Some("email_domain")).await;
    assert_eq!(
        (shown["total"].as_u64(), shown["accepted"].as_u64()),
        (Some(100), Some(10_000))
    );
    let first = &shown["rows"][0];
    assert_eq!(first["email"], "p1007@gmial.com", "an import sorts by address");
    assert_eq!(
        first["changes"].as_array().unwrap().len(),
        1,
        "only what the rule found"
    );
    let change = &first["changes"][0];
    assert_eq!(
        (&change["old"], &change["new"]),
        (&json!("p1007@gmial.com"), &json!("p1007@gmail.com"))
    );
    assert_eq!(
        change["steps"][0],
        json!({ "rule": "email_domain", "reason": "slip", "about": "gmail.com" })
    );

    // Two rules, but not for one of the names, and not for a contact that was changed since somebody looked.
    let p3 = studio.contact("p3@gmail.com").await["contact"]["id"].clone();
    let p13 = studio.contact("p13@gmail.com").await["contact"]["id"].clone();
    let by_hand = json!({ "id": p13, "values": [{ "key": "first_name", "value": { "type": "text", "value": "HANNE" } }] });
    studio.mutate("contacts.update", by_hand).await;
    let args = json!({
        "run": found["run"], "rules": ["name_case", "email_domain"], "except": [{ "contact": p3, "key": "first_name" }],
    });
    let applied = studio.job("cleansing.apply", args.clone()).await;
    assert_eq!(
        (applied["contacts"].as_u64(), applied["values"].as_u64()),
        (Some(1_098), Some(1_098))
    );
    assert_eq!(
        (applied["changed_since"].as_u64(), applied["taken_total"].as_u64()),
        (Some(1), Some(0))
    );
    assert_eq!(studio.value("p23@gmail.com", "first_name").await, "Anna");
    assert_eq!(studio.value("p3@gmail.com", "first_name").await, "ANNA");
    assert_eq!(studio.value("p13@gmail.com", "first_name").await, "HANNE");
    assert!(
        studio.permitted("p7@gmail.com").await,
        "permission is the contact's"
    );
    assert!(studio.missing("p7@gmial.com").await);

    // What is left is counted anew, and what was looked at before is not applied any more.
    let shown = studio.query("cleansing.show", json!({})).await;
    let left = by_rule(&shown["found"]);
    assert_eq!(left[0], ("name_case".to_owned(), 2));
    assert!(left.iter().all(|(rule, _)| rule != "email_domain"));
    let stale = studio
        .ask(Kind::Mutate, "cleansing.apply", args)
        .await
        .unwrap_err();
    assert_eq!(stale.code, Code::Stale);

    let id = json!({ "id": applied["id"] });
    let back = studio.job("cleansing.undo", id.clone()).await;
    assert_eq!(back, json!({ "restored": 1_098, "kept": 0 }));
    let put_back = json!({ "id": p13, "values": [{ "key": "first_name", "value": { "type": "text", "value": "ANNA" } }] });
    studio.mutate("contacts.update", put_back).await;
    assert_eq!(studio.everybody().await, before);
    let twice = studio.ask(Kind::Mutate, "cleansing.undo", id).await.unwrap_err();
    assert_eq!(twice.code, Code::Refused);
    let shown = studio.query("cleansing.show", json!({})).await;
    assert!(shown["past"][0]["undone_at"].is_string());
    assert_eq!(by_rule(&shown["found"])[0].1, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_took_everything_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let list = "email,first_name,last_name,phone,country,plz\n\
                a@gmial.con,\"VAN DER BERG, ANNA\",,030 901820,germany,1067\n\
                b@x.example,bob,O'BRIEN,(202) 456-1111,U.S.A.,2134\n\
                c@x.example,Cy,Kurz,030 901820,,1067\n";
    let studio = studio(dir.path(), list).await;
    let found = studio.job("cleansing.find", json!({ "country": "de" })).await;
    let args = json!({ "run": found["run"], "rules": RULES });
    assert_eq!(studio.job("cleansing.apply", args).await["contacts"], 3);
    let everybody = studio.everybody().await;
    for row in [
        "a@gmail.com,Anna,van der Berg,+4930901820,DE",
        "b@x.example,Bob,O'Brien,+12024561111,US",
        "c@x.example,Cy,Kurz,+4930901820,",
    ] {
        assert!(
            everybody.contains(&row.replace(",+", ",'+")) || everybody.contains(row),
            "{row}: {everybody}"
        );
    }
    assert!(everybody.contains("01067") && everybody.contains("02134"));
    let shown = studio.query("cleansing.show", json!({})).await;
    assert_eq!(
        (&shown["found"]["contacts"], &shown["country"]),
        (&json!(0), &json!("DE"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leads_to_somebody_is_named_and_a_no_stays_a_no() {
    let dir = tempfile::tempdir().unwrap();
    let list = "email,first_name,last_name,phone,country,plz\n\
                ada@gmial.com,Ada,Weber,,,\nada@gmail.com,Ada,Weber,,,\nbo@gmial.com,Bo,Weber,,,\ncy@gmial.com,Cy,Weber,,,\n";
    let studio = studio(dir.path(), list).await;
    for email in ["bo@gmail.com", "cy@gmial.com"] {
        studio
            .mutate(
                "suppressions.add",
                json!({ "email": email, "reason": "unsubscribed", "source": "a call" }),
            )
            .await;
    }
    let found = studio.job("cleansing.find", json!({})).await;
    let shown = page(&studio, &RULES, None).await;
    let changes: Vec<&Value> = shown["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["changes"][0])
        .collect();
    let ada = studio.contact("ada@gmail.com").await["contact"]["id"].clone();
    assert_eq!(
        (changes[0]["taken_by"].clone(), changes[0]["suppressed"].clone()),
        (ada.clone(), json!(false))
    );
    assert_eq!(
        (&changes[1]["taken_by"], &changes[1]["suppressed"]),
        (&Value::Null, &json!(true))
    );

    let applied = studio
        .job(
            "cleansing.apply",
            json!({ "run": found["run"], "rules": ["email_domain"] }),
        )
        .await;
    assert_eq!(
        (
            &applied["contacts"],
            &applied["taken_total"],
            &applied["suppressed"]
        ),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(applied["taken"][0]["other"], ada);
    assert_eq!(applied["taken"][0]["wanted"], "ada@gmail.com");
    assert!(!studio.missing("ada@gmial.com").await);
    let pairs = studio
        .query("duplicates.page", json!({ "offset": 0, "limit": 10 }))
        .await;
    let emails = (&pairs["rows"][0]["email_a"], &pairs["rows"][0]["email_b"]);
    assert_eq!(pairs["rows"].as_array().map(Vec::len), Some(1), "{pairs}");
    assert!(
        [emails.0, emails.1]
            .iter()
            .all(|email| ["ada@gmial.com", "ada@gmail.com"].contains(&email.as_str().unwrap())),
        "the two wait for somebody to look: {pairs}"
    );
    for email in ["bo@gmail.com", "cy@gmail.com"] {
        let shown = studio.contact(email).await;
        assert!(shown["suppressed"].is_object(), "{email}");
        assert!(!studio.permitted(email).await, "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_both_fields_is_refused_in_both() {
    let dir = tempfile::tempdir().unwrap();
    let list = "email,first_name,last_name,phone,country,plz\na@x.example,\"SMITH, JOHN\",,,,\n";
    let studio = studio(dir.path(), list).await;
    let found = studio.job("cleansing.find", json!({})).await;
    let id = studio.contact("a@x.example").await["contact"]["id"].clone();
    let args =
        json!({ "run": found["run"], "rules": RULES, "except": [{ "contact": id, "key": "last_name" }] });
    let applied = studio.job("cleansing.apply", args).await;
    assert_eq!(applied["id"], Value::Null);
    assert_eq!(studio.value("a@x.example", "first_name").await, "SMITH, JOHN");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whom_a_segment_means_is_looked_at_and_what_cannot_be_meant_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let list = "email,first_name,last_name,phone,country,plz\na@x.example,ANNA,Weber,,DE,\nb@x.example,BERTA,Weber,,FR,\n";
    let studio = studio(dir.path(), list).await;
    let found = studio
        .job("cleansing.find", json!({ "where": "country is \"FR\"" }))
        .await;
    assert_eq!((&found["looked_at"], &found["contacts"]), (&json!(1), &json!(1)));
    assert_eq!(
        page(&studio, &RULES, None).await["rows"][0]["email"],
        "b@x.example"
    );
    let bad = studio
        .ask(Kind::Mutate, "cleansing.find", json!({ "country": "Bavaria" }))
        .await;
    assert_eq!(bad.unwrap_err().code, Code::Invalid);
    assert!(
        studio
            .ask(Kind::Mutate, "cleansing.find", json!({ "where": "country is" }))
            .await
            .is_err()
    );
    let bad = studio
        .ask(Kind::Mutate, "cleansing.undo", json!({ "id": 9 }))
        .await;
    assert_eq!(bad.unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_until_it_was_stopped_is_taken_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let studio = studio(dir.path(), &town()).await;
    let before = studio.everybody().await;
    let found = studio.job("cleansing.find", json!({})).await;
    let args = json!({ "run": found["run"], "rules": RULES });
    let stopped = studio.try_job("cleansing.apply", args, true).await.unwrap_err();
    assert_eq!(stopped.code, Code::Cancelled);
    let past = studio.query("cleansing.show", json!({})).await["past"][0].clone();
    let changed = past["contacts"].as_u64().unwrap();
    assert!((1..10_000).contains(&changed), "{past}");
    let back = studio.job("cleansing.undo", json!({ "id": past["id"] })).await;
    assert_eq!(back["restored"], past["values"]);
    assert_eq!(studio.everybody().await, before);
}
