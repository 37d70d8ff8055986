//! What a list itself says of who may be written to.

use crate::studio::{Studio, rejects};
use serde_json::{Value, json};

const MEMBERS: &str = "\
Email Address,First Name,MEMBER_RATING,OPTIN_TIME,LEID,EUID,TAGS,Status,UNSUB_TIME,CLEAN_TIME
ada@example.com,Ada,4,2024-01-01 10:00:00,1,a,\"\"\"VIP\"\",\"\"Blog\"\"\",subscribed,,
bo@example.com,Bo,2,2024-01-01 10:00:00,2,b,,unsubscribed,2024-02-01 09:00:00,
cy@example.com,Cy,2,2024-01-01 10:00:00,3,c,,cleaned,,2024-03-01 09:00:00
dee@example.com,Dee,2,,4,d,,non-subscribed,,
eve@example.com,Eve,2,,5,e,,mystified,,
";

async fn reasons(studio: &Studio) -> Value {
    studio.query("suppressions.counts", json!({})).await
}

async fn suppressed(studio: &Studio, email: &str) -> bool {
    studio
        .query("suppressions.check", json!({ "email": email }))
        .await["suppressed"]
        == true
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_unsubscribed_bounced_or_never_subscribed_elsewhere_is_never_permitted_here() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("members.csv", MEMBERS);
    let preview = studio
        .mutate("contacts.import_open", json!({ "file": { "path": path } }))
        .await;
    assert_eq!(preview["program"], "Mailchimp");
    assert_eq!(
        preview["standings"],
        json!([
            { "standing": "free", "rows": 1 },
            { "standing": "not_permitted", "rows": 2 },
            { "standing": "unsubscribed", "rows": 1 },
            { "standing": "bounced", "rows": 1 },
        ])
    );
    let plan = studio.plan(&path).await;
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    assert_eq!(reasons(&studio).await, json!([]), "a dry run changes nothing");
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    for (key, n) in [
        ("new", 5),
        ("unsubscribed", 1),
        ("bounced", 1),
        ("not_permitted", 2),
        ("with_gaps", 1),
    ] {
        assert_eq!(done["counts"][key], n, "{key}");
    }
    assert!(rejects(&done)[0][1].contains("Status: a status that is not known"));
    let listed = studio.query("imports.get", json!({ "id": 1 })).await;
    assert_eq!(listed["counts"], done["counts"]);
    assert_eq!(
        reasons(&studio).await,
        json!([{ "reason": "unsubscribed", "count": 1 }, { "reason": "bounced", "count": 1 }])
    );
    for (email, permitted, barred) in [
        ("ada@example.com", true, false),
        ("bo@example.com", false, true),
        ("cy@example.com", false, true),
        ("dee@example.com", false, false),
        ("eve@example.com", false, false),
    ] {
        assert_eq!(studio.permitted(email).await, permitted, "{email}");
        assert_eq!(suppressed(&studio, email).await, barred, "{email}");
    }
    let ledger = studio.contact("bo@example.com").await["consents"].clone();
    assert_eq!(ledger.as_array().unwrap().len(), 1);
    assert_eq!(
        (&ledger[0]["action"], &ledger[0]["source"]),
        (&json!("withdrawn"), &json!("Trade fair 2026 (import:1)"))
    );
    assert_eq!(
        studio.contact("ada@example.com").await["contact"]["tags"],
        json!(["Blog", "VIP", "fair"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_taken_back_lifts_what_it_brought_and_nothing_that_was_there_or_came_since() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import("a.csv", "email\nknown@example.com\nbefore@example.com\n")
        .await;
    let add = |email: &str, reason: &str| json!({ "email": email, "reason": reason, "source": "a call" });
    studio
        .mutate("suppressions.add", add("before@example.com", "unsubscribed"))
        .await;
    let path = studio.write(
        "b.csv",
        "email,Hard bounced\nknown@example.com,yes\nbefore@example.com,yes\nnew@example.com,yes\nsince@example.com,yes\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan.clone()).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(
        (&done["counts"]["bounced"], &done["counts"]["changed"]),
        (&json!(4), &json!(2))
    );
    assert!(suppressed(&studio, "known@example.com").await && !studio.permitted("known@example.com").await);
    // Somebody says the same of one of them.
    studio
        .mutate("suppressions.add", add("since@example.com", "bounced"))
        .await;

    let undone = studio.job("imports.undo", json!({ "id": done["import"] })).await;
    assert_eq!(
        (&undone["removed"], &undone["suppressions"]),
        (&json!(2), &json!(2)),
        "{undone}"
    );
    for (email, barred) in [
        ("known@example.com", false),
        ("new@example.com", false),
        ("before@example.com", true),
        ("since@example.com", true),
    ] {
        assert_eq!(suppressed(&studio, email).await, barred, "{email}");
    }
    assert!(studio.permitted("known@example.com").await, "as it was before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_imports_say_stays_when_one_of_them_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let list = "email,Unsubscribed\nada@example.com,yes\n";
    let one = studio.import("a.csv", list).await;
    let two = studio
        .import("b.csv", format!("{list}bo@example.com,yes\n"))
        .await;
    assert_eq!(
        (&one["import"], &two["counts"]["unsubscribed"]),
        (&json!(1), &json!(2))
    );
    studio.job("imports.undo", json!({ "id": 1 })).await;
    assert!(
        suppressed(&studio, "ada@example.com").await,
        "the second one says so, too"
    );
    studio.job("imports.undo", json!({ "id": 2 })).await;
    assert!(
        suppressed(&studio, "ada@example.com").await,
        "it was there before the second one"
    );
    assert!(!suppressed(&studio, "bo@example.com").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_heard_of_somebody_who_stands_twice_in_a_list_or_is_left_out_by_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio.import("a.csv", "email\nknown@example.com\n").await;
    let path = studio.write(
        "b.csv",
        "email,Opted out\ntwice@example.com,\ntwice@example.com,yes\nknown@example.com,yes\nother@example.com,no\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["mode"] = json!("create");
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    for (key, n) in [("new", 2), ("duplicate", 1), ("skipped", 1), ("unsubscribed", 2)] {
        assert_eq!(done["counts"][key], n, "{key}");
    }
    for (email, permitted) in [
        ("twice@example.com", false),
        ("known@example.com", false),
        ("other@example.com", true),
    ] {
        assert_eq!(studio.permitted(email).await, permitted, "{email}");
        assert_eq!(suppressed(&studio, email).await, !permitted, "{email}");
    }
    studio.job("imports.undo", json!({ "id": 2 })).await;
    assert!(studio.permitted("known@example.com").await, "as it was before");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_file_of_mailchimp_says_who_is_in_it_and_the_user_may_say_it_of_any() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write(
        "nonsubscribed_email_audience_export_1.csv",
        "Email Address,MEMBER_RATING,OPTIN_TIME\nada@example.com,2,\n",
    );
    let plan = studio.plan(&path).await;
    assert_eq!(plan["everybody"], "not_permitted");
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(done["counts"]["not_permitted"], 1);
    assert!(!studio.permitted("ada@example.com").await && !suppressed(&studio, "ada@example.com").await);

    let path = studio.write("gone.csv", "email\nada@example.com\n");
    let mut plan = studio.plan(&path).await;
    plan["everybody"] = json!("complained");
    studio.job("contacts.import_run", plan).await;
    assert_eq!(
        reasons(&studio).await,
        json!([{ "reason": "complained", "count": 1 }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_keeps_silent_about_opt_outs_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    for (heading, silent) in [
        ("id,firstname,email,points,preferred_locale", true),
        ("id,firstname,email,points,preferred_locale,doNotEmail", false),
        ("Record ID,Email,Contact owner", true),
        ("Record ID,Email,Contact owner,Unsubscribed from all email", false),
    ] {
        let path = studio.write("a.csv", format!("{heading}\n"));
        let preview = studio
            .mutate("contacts.import_open", json!({ "file": { "path": path } }))
            .await;
        let told = preview["warnings"]
            .to_string()
            .contains("does not say who unsubscribed");
        assert_eq!(told, silent, "{heading}: {}", preview["warnings"]);
    }
}
