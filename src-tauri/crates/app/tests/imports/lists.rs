//! Lists as people have them.

use crate::studio::{Studio, rejects};
use carillon_app::table::{Call, Kind, Window};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

const PEOPLE: &str = "\
E-Mail;Vorname;Nachname;Ort;Punkte;Tags
ada@example.com;Ada;Lovelace;London;10;vip|fair
bo@example.com;Bo;Ek;Malmö;2,5;
BO@example.com ;Bo;Again;Malmö;3;
;No;Body;;;
not an address;X;Y;;;
cy@example.com;Cy;Kurz;Köln;viele;
dee@example.com;Dee
eve@example.com;Eve;Ende;Bonn;7;
";

#[tokio::test(flavor = "multi_thread")]
async fn a_list_as_people_have_it_is_understood_tried_and_imported() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("people.csv", PEOPLE);
    let preview = studio
        .mutate("contacts.import_open", json!({ "file": { "path": path } }))
        .await;
    assert_eq!(
        (preview["delimiter"].as_str(), preview["header"].as_bool()),
        (Some(";"), Some(true))
    );
    assert_eq!(preview["rows_about"], 8);
    let guesses: Vec<&Value> = preview["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["guess"])
        .collect();
    assert_eq!(
        guesses,
        [
            &json!("email"),
            &json!("first_name"),
            &json!("last_name"),
            &json!("city"),
            &Value::Null,
            &json!("tags")
        ]
    );

    let mut plan = studio.plan(&path).await;
    plan["columns"][4] = json!({ "to": "new_field", "label": "Punkte", "type": "number", "currency": null, "fill_only": false });
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    assert!(
        studio.missing("ada@example.com").await,
        "a dry run changes nothing"
    );
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(tried["examples"], done["examples"]);
    let counts = &done["counts"];
    for (key, n) in [
        ("rows", 8),
        ("new", 4),
        ("duplicate", 1),
        ("invalid", 3),
        ("with_gaps", 1),
        ("skipped", 0),
        ("changed", 0),
    ] {
        assert_eq!(counts[key], n, "{key}");
    }
    assert_eq!(studio.value("bo@example.com", "punkte").await, 2.5);
    assert_eq!(
        studio.value("bo@example.com", "last_name").await,
        "Ek",
        "the first row of an address wins"
    );
    assert_eq!(studio.value("cy@example.com", "punkte").await, Value::Null);
    let ada = studio.contact("ada@example.com").await;
    assert_eq!(ada["contact"]["tags"], json!(["fair", "vip"]));
    let consent = &ada["consents"][0];
    assert_eq!(
        (consent["basis"].as_str(), consent["wording"].as_str()),
        (Some("double_opt_in"), Some("Yes, write to me."))
    );
    assert_eq!(consent["source"], "Trade fair 2026 (import:1)");

    let rejected: BTreeMap<String, String> = rejects(&done)
        .into_iter()
        .map(|r| (r[0].clone(), r[1].clone()))
        .collect();
    assert_eq!(rejected.keys().collect::<Vec<_>>(), ["4", "5", "6", "7", "8"]);
    assert!(rejected["7"].starts_with("Punkte: "), "{rejected:?}");
    let listed = studio.query("imports.list", json!({})).await;
    assert_eq!(
        (listed[0]["state"].as_str(), listed[0]["source"].as_str()),
        (Some("done"), Some("Trade fair 2026"))
    );
    assert_eq!(listed[0]["counts"], *counts);
    let to = dir.path().join("not imported.csv");
    studio
        .mutate("imports.errors", json!({ "id": 1, "to": { "path": to } }))
        .await;
    assert_eq!(
        std::fs::read(&to).unwrap(),
        std::fs::read(done["rejects"].as_str().unwrap()).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_brings_the_same_people() {
    let utf16 = |little: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(PEOPLE.encode_utf16());
        units
            .flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() })
            .collect()
    };
    let latin = PEOPLE
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let mut seen = Vec::new();
    for bytes in [
        PEOPLE.into(),
        [b"\xEF\xBB\xBF", PEOPLE.as_bytes()].concat(),
        utf16(true),
        utf16(false),
        latin,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        studio.import("people.csv", bytes).await;
        seen.push(studio.everybody().await);
    }
    assert!(seen[0].contains("Malmö") && seen[0].contains("Köln"));
    assert!(seen.iter().all(|s| *s == seen[0]), "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_and_fill_empty_do_what_they_say_and_a_dry_run_says_the_same() {
    for (mode, wanted) in [
        (
            "create",
            json!({ "new": 1, "changed": 0, "unchanged": 0, "skipped": 3 }),
        ),
        (
            "update",
            json!({ "new": 0, "changed": 2, "unchanged": 1, "skipped": 1 }),
        ),
        (
            "both",
            json!({ "new": 1, "changed": 2, "unchanged": 1, "skipped": 0 }),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        studio.import("a.csv", "email,first_name,city\nada@example.com,Ada,Bonn\nbo@example.com,Bo,\ncy@example.com,Cy,Ulm\n").await;
        let path = studio.write("b.csv", "email,first_name,city\nada@example.com,Adele,Köln\nbo@example.com,,Kiel\ncy@example.com,Cy,Jena\ndee@example.com,Dee,\n");
        let mut plan = studio.plan(&path).await;
        plan["mode"] = json!(mode);
        plan["columns"][2]["fill_only"] = json!(true);
        let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
        let done = studio.job("contacts.import_run", plan).await;
        assert_eq!(tried["counts"], done["counts"], "{mode}");
        for (key, n) in wanted.as_object().unwrap() {
            assert_eq!(done["counts"][key], *n, "{mode} {key}");
        }
        let changed = mode != "create";
        assert_eq!(
            studio.value("ada@example.com", "first_name").await,
            if changed { "Adele" } else { "Ada" }
        );
        assert_eq!(
            studio.value("ada@example.com", "city").await,
            "Bonn",
            "what is filled stays"
        );
        assert_eq!(
            studio.value("bo@example.com", "city").await,
            if changed { json!("Kiel") } else { Value::Null }
        );
        assert_eq!(
            studio.value("bo@example.com", "first_name").await,
            "Bo",
            "an empty cell takes nothing away"
        );
        assert_eq!(studio.missing("dee@example.com").await, mode == "update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suppressed_people_stay_suppressed_and_a_withdrawal_is_not_undone_by_a_list() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .import("a.csv", "email\nada@example.com\nbo@example.com\n")
        .await;
    studio
        .mutate(
            "suppressions.add",
            json!({ "email": "ada@example.com", "reason": "unsubscribed", "source": "phone" }),
        )
        .await;
    studio
        .mutate(
            "suppressions.add",
            json!({ "email": "new@example.com", "reason": "bounced", "source": "phone" }),
        )
        .await;
    let bo = studio
        .query("contacts.find", json!({ "email": "bo@example.com" }))
        .await;
    let withdrawn = json!({ "contact": bo["id"], "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent", "wording": null, "source": "phone" });
    studio.mutate("consents.add", withdrawn).await;

    let path = studio.write(
        "b.csv",
        "email\nada@example.com\nbo@example.com\nnew@example.com\nok@example.com\n",
    );
    let mut plan = studio.plan(&path).await;
    plan["source"] = json!("Another list");
    let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(tried["counts"], done["counts"]);
    assert_eq!(
        (&done["counts"]["suppressed"], &done["counts"]["withdrawn"]),
        (&json!(2), &json!(1))
    );
    for email in ["ada@example.com", "bo@example.com", "new@example.com"] {
        assert!(!studio.permitted(email).await, "{email}");
    }
    assert!(studio.permitted("ok@example.com").await);
    assert_eq!(
        studio.contact("new@example.com").await["suppressed"],
        json!({ "reason": "bounced", "scope": "every_mail", "source": "phone", "since": "2026-03-01T00:00:00Z" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_basis_people_are_kept_and_may_not_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("a.csv", "email\nada@example.com\n");
    let mut plan = studio.plan(&path).await;
    plan["basis"] = Value::Null;
    studio.job("contacts.import_run", plan.clone()).await;
    assert!(!studio.permitted("ada@example.com").await);
    assert_eq!(studio.contact("ada@example.com").await["consents"], json!([]));
    plan["source"] = json!("  ");
    let refused = studio
        .ask(Kind::Mutate, "contacts.import_run", plan)
        .await
        .unwrap_err();
    assert!(refused.fields.contains_key("source"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_get_a_sentence_and_leave_the_workspace_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let open = |path: PathBuf| {
        studio.ask(
            Kind::Mutate,
            "contacts.import_open",
            json!({ "file": { "path": path } }),
        )
    };
    for (path, said) in [
        (dir.path().join("shop.carillon"), "workspace itself"),
        (dir.path().join("not there.csv"), "cannot be read"),
        (dir.path().to_owned(), "folder"),
        (studio.write("empty.csv", ""), "is empty"),
    ] {
        let refused = open(path).await.unwrap_err();
        assert!(refused.message.contains(said), "{refused}");
    }
    let mut open_quote = b"email,name\nada@example.com,Ada\nbo@example.com,\"Bo\n".to_vec();
    open_quote.resize(3 << 20, b'x');
    let path = studio.write("quote.csv", open_quote);
    let plan = studio.plan(&path).await;
    let tried = studio
        .try_job("contacts.import_dry_run", plan.clone(), false)
        .await
        .unwrap_err();
    assert!(
        tried.message.contains("Line 3") && tried.message.contains("Nothing was imported"),
        "{tried}"
    );
    let broken = studio
        .try_job("contacts.import_run", plan, false)
        .await
        .unwrap_err();
    assert!(broken.message.contains("Rows before it are imported"), "{broken}");
    assert!(!studio.missing("ada@example.com").await);
    assert!(studio.missing("bo@example.com").await);

    let swallowed = "email,name\nada@example.com,\"Ada\nbo@example.com,Bo\ncy@example.com,Cy\n";
    let done = studio.import("swallowed.csv", swallowed).await;
    assert_eq!(done["counts"]["invalid"], 1);
    assert!(
        rejects(&done)[0][1].contains("2 more lines"),
        "{:?}",
        rejects(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_take_the_options_of_the_file_in_one_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio
        .mutate(
            "fields.add",
            json!({ "key": "level", "label": "Level", "type": "choice", "options": ["Gold"] }),
        )
        .await;
    let done = studio
        .import(
            "a.csv",
            "email,level\na@example.com,gold\nb@example.com,Silver\nc@example.com,SILVER\n",
        )
        .await;
    assert_eq!(done["counts"]["with_gaps"], 0);
    assert_eq!(studio.value("a@example.com", "level").await, "Gold");
    assert_eq!(studio.value("c@example.com", "level").await, "Silver");
    let mut many = "email,level\n".to_owned();
    for n in 0..70 {
        many += &format!("p{n}@example.com,level {n}\n");
    }
    let done = studio.import("b.csv", many).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(70), &json!(9))
    );
    let fields = studio.query("fields.list", json!({})).await;
    let level = fields
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["key"] == "level")
        .unwrap()
        .clone();
    assert_eq!(level["options"].as_array().unwrap().len(), 63);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_keeps_the_name_its_user_gave_it() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let home = dir.path().join("home");
    let (upload, path) = studio
        .app
        .tickets()
        .file(&home, "C:\\Lists\\Kunden März.csv")
        .unwrap();
    std::fs::write(&path, "email\nada@example.com\n").unwrap();
    let browser = |name: &str, args: Value| {
        let call = Call {
            kind: Kind::Mutate,
            name: name.to_owned(),
            args,
        };
        studio.app.call(Window::Browser, call)
    };
    let preview = browser("contacts.import_open", json!({ "file": { "upload": upload } }))
        .await
        .unwrap();
    assert_eq!(preview["name"], "Kunden März.csv");
    let mut plan = studio.plan(&path).await;
    plan["file"] = json!({ "upload": upload });
    browser("contacts.import_run", plan).await.unwrap();
    let rows = studio.query("imports.list", json!({})).await;
    assert_eq!(rows[0]["name"], "Kunden März.csv");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_page_says_since_when_it_is_in_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    studio.import("a.csv", "email\nada@example.com\n").await;
    let segment = json!({ "id": null, "name": "VIP", "text": "tag \"vip\"" });
    studio.mutate("segments.save", segment).await;
    let since = |page: &Value| page["segments"][0]["since"].clone();
    assert_eq!(since(&studio.contact("ada@example.com").await), Value::Null);
    studio.job("runtime.run", json!({ "for_secs": 3600 })).await;
    let ada = studio.contact("ada@example.com").await;
    assert_eq!(ada["suppressed"], Value::Null);
    let tag = json!({ "who": { "ids": [ada["contact"]["id"]] }, "add": ["vip"], "remove": [] });
    studio.mutate("contacts.tag", tag).await;
    assert_eq!(
        since(&studio.contact("ada@example.com").await),
        "2026-03-01T01:00:00Z"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_file_asks_for_its_subject_and_replaces_only_where_that_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let body = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>";
    let path = studio.write("spring.mjml", body);
    let import = |subject: Value, fresh: bool| {
        let args = json!({ "file": { "path": path }, "name": null, "subject": subject, "fresh": fresh });
        studio.ask(Kind::Mutate, "templates.import_file", args)
    };
    let asked = import(Value::Null, true).await.unwrap_err();
    assert!(asked.fields.contains_key("subject"), "{asked:?}");
    let first = import(json!("One"), true).await.unwrap();
    let beside = import(json!("Two"), true).await.unwrap();
    assert_eq!(
        (&first["name"], &beside["name"]),
        (&json!("spring"), &json!("spring 2"))
    );
    let replaced = import(json!("Three"), false).await.unwrap();
    assert_eq!(
        (&replaced["id"], &replaced["subject"]),
        (&first["id"], &json!("Three"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_with_letters_nobody_can_read_is_left_out_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let mut bytes = b"email,first_name,city\n".to_vec();
    for n in 0..40 {
        bytes.extend_from_slice(format!("p{n}@example.com,J\u{fc}rgen,K\u{f6}ln\n").as_bytes());
    }
    bytes.extend_from_slice(b"late@example.com,J\xFCrgen,Bonn\n");
    let done = studio.import("a.csv", bytes).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(41), &json!(1))
    );
    assert_eq!(studio.value("p7@example.com", "first_name").await, "Jürgen");
    assert_eq!(studio.value("late@example.com", "first_name").await, Value::Null);
    assert_eq!(studio.value("late@example.com", "city").await, "Bonn");
    assert!(
        rejects(&done)[0][1].contains("cannot be read"),
        "{:?}",
        rejects(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_without_a_source_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let added = json!({ "email": "ada@example.com", "basis": "consent", "source": " " });
    let refused = studio.ask(Kind::Mutate, "contacts.add", added).await.unwrap_err();
    assert!(refused.fields.contains_key("source"), "{refused:?}");
    let added = json!({ "email": "ada@example.com", "basis": null, "source": "" });
    let ada = studio.mutate("contacts.add", added).await;
    let word = json!({ "contact": ada["id"], "channel": "email", "purpose": "marketing", "action": "granted", "basis": "consent", "wording": null, "source": "" });
    let refused = studio.ask(Kind::Mutate, "consents.add", word).await.unwrap_err();
    assert!(refused.fields.contains_key("source"), "{refused:?}");
    assert_eq!(studio.contact("ada@example.com").await["consents"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let text = "email,first_name,phone,spent,member,level,likes,birthday,seen,tags
ada@example.com,=1+1,+49 30 23125,-12.50 EUR,yes,Gold,tea|milk,1990-12-24,2026-02-01T10:00:00.250Z,vip|fair
bo@example.com,Bo,,,no,,,,,
";
    let path = studio.write("a.csv", text);
    let mut plan = studio.plan(&path).await;
    for (i, key, kind) in [
        (3, "spent", "money"),
        (4, "member", "yes_no"),
        (5, "level", "choice"),
        (6, "likes", "multi_choice"),
        (7, "birthday", "date"),
        (8, "seen", "date_time"),
    ] {
        plan["columns"][i] = json!({ "to": "new_field", "key": key, "label": key, "type": kind });
    }
    let done = studio.job("contacts.import_run", plan).await;
    assert_eq!(
        (&done["counts"]["new"], &done["counts"]["with_gaps"]),
        (&json!(2), &json!(0)),
        "{done}"
    );
    let before = studio.everybody().await;
    assert!(
        before.contains("'=1+1") && before.contains("'+49 30 23125"),
        "{before}"
    );
    let fields = studio.query("fields.list", json!({})).await;
    let path = studio.write("b.csv", &before);
    let again = studio.plan(&path).await;
    let done = studio.job("contacts.import_run", again).await;
    assert_eq!(done["counts"]["unchanged"], 2, "{done}");
    assert_eq!(studio.everybody().await, before);
    assert_eq!(studio.query("fields.list", json!({})).await, fields);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_split_by_what_separates_them_in_the_file_where_nobody_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::new(dir.path()).await;
    let path = studio.write("a.csv", "email;kind\nada@example.com;vip, fair\n");
    let mut plan = studio.plan(&path).await;
    plan["columns"][1] = json!({ "to": "tags" });
    plan["tags"] = json!([]);
    studio.job("contacts.import_run", plan).await;
    let ada = studio.contact("ada@example.com").await;
    assert_eq!(ada["contact"]["tags"], json!(["fair", "vip"]));
}
