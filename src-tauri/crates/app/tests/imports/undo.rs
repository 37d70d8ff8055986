//! Imports that are taken back.

use crate::studio::Studio;
use carillon_app::table::Kind;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_import_taken_back_leaves_what_others_did_since() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write(
        "a.csv",
        "email,first_name,city\nada@example.com,Ada,Bonn\nbo@example.com,Bo,Kiel\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    plan["tags"] = json!([]);
    studio.job("contacts.import_run", plan).await;
    let before = studio.everybody().await;

    let done = studio.import("b.csv", "email,first_name,city\nada@example.com,Adele,Köln\nbo@example.com,Bob,Ulm\nnew@example.com,New,Jena\nkept@example.com,Kept,Hof\n").await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["changed"]),
        (&json!(2), &json!(2))
    );
    assert!(studio.permitted("ada@example.com").await);
    let bo = studio
        .query("contacts.find", json!({ "email": "bo@example.com" }))
        .await;
    let by_hand = json!({ "id": bo["id"], "values": [{ "key": "city", "value": { "type": "text", "value": "Lübeck" } }] });
    studio.mutate("contacts.update", by_hand).await;
    let kept = studio
        .query("contacts.find", json!({ "email": "kept@example.com" }))
        .await;
    let by_hand = json!({ "id": kept["id"], "values": [{ "key": "city", "value": { "type": "text", "value": "Selb" } }] });
    studio.mutate("contacts.update", by_hand).await;

    let undone = studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(
        (&undone["removed"], &undone["kept"], &undone["restored"]),
        (&json!(1), &json!(1), &json!(2)),
        "{undone}"
    );
    assert_eq!(undone["permissions"], 2);
    assert!(studio.missing("new@example.com").await);
    assert_eq!(studio.value("kept@example.com", "city").await, "Selb");
    assert_eq!(studio.value("bo@example.com", "city").await, "Lübeck");
    assert_eq!(studio.value("bo@example.com", "first_name").await, "Bo");
    assert!(
        !studio.permitted("ada@example.com").await,
        "nobody had permitted it before the import"
    );
    let ada = |text: &str| text.lines().find(|l| l.starts_with("ada@")).unwrap().to_owned();
    assert_eq!(ada(&studio.everybody().await), ada(&before));
    let again = studio
        .ask(Kind::Mutate, "imports.undo", json!({ "id": done["import"] }))
        .await
        .unwrap_err();
    assert!(again.message.contains("undone already"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_taken_back_can_be_imported_again_with_its_permissions() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("a.csv", "email\nada@example.com\nno@example.com\n");
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    studio.job("contacts.import_run", plan.clone()).await;
    let no = studio
        .query("contacts.find", json!({ "email": "no@example.com" }))
        .await;
    let withdrawn = json!({ "contact": no["id"], "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent", "wording": null, "source": "a call" });
    studio.mutate("consents.add", withdrawn).await;

    plan["basis"] = json!("consent");
    let done = studio.job("contacts.import_run", plan.clone()).await;
    let undone = studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(undone["permissions"], 1);
    assert!(!studio.permitted("ada@example.com").await);
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let again = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], again["counts"]);
    assert_eq!(
        (&again["counts"]["changed"], &again["counts"]["withdrawn"]),
        (&json!(1), &json!(1))
    );
    assert!(studio.permitted("ada@example.com").await);
    assert!(!studio.permitted("no@example.com").await, "their own no stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_took_permission_back_stays_out_when_deleted_and_imported_again() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio.import("a.csv", "email\nno@example.com\n").await;
    let no = studio
        .query("contacts.find", json!({ "email": "no@example.com" }))
        .await;
    let withdrawn = json!({ "contact": no["id"], "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent", "wording": null, "source": "a call" });
    studio.mutate("consents.add", withdrawn).await;
    let whom = json!({ "who": { "ids": [no["id"], no["id"]] } });
    assert_eq!(studio.mutate("contacts.delete", whom).await["deleted"], 1);
    let done = studio.import("b.csv", "email\nno@example.com\n").await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["suppressed"]),
        (&json!(1), &json!(1))
    );
    assert!(!studio.permitted("no@example.com").await);
}
