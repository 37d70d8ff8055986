//! What a mail must say before it may be sent, and what it may say of its reader.

use crate::shop::{FOOT, Shop, body};
use crate::studio::Studio;
use crate::trial;
use libtest_mimic::Trial;
use mail_parser::MessageParser;
use serde_json::json;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_marketing_mail_that_does_not_say_where_its_sender_lives_or_how_to_leave_is_not_published",
            unfit_mails,
        ),
        trial(
            "a_template_that_people_are_on_their_way_to_stays_fit_to_be_sent",
            unfit_later,
        ),
        trial("a_mail_tells_of_the_event_its_journey_began_with", event_in_mail),
        trial("holes_and_fallbacks_are_counted_before_anything_is_sent", missing),
        trial("what_is_sent_has_every_header_the_law_asks_for", headers),
        trial(
            "the_outbox_of_a_sample_shows_the_mail_as_its_server_took_it",
            sample,
        ),
    ]
}

fn everybody() -> serde_json::Value {
    json!({ "kind": "entry_manual", "settings": {} })
}

async fn unfit_mails() {
    let shop = Shop::new(|_| {}).await;
    let id = shop.template("Hello", "Hello").await["id"].as_u64();
    let marketing = json!({ "template": "Hello" });
    let save = async |inner: &str, text: &str| {
        shop.save_template(id, "Hello", &body(inner), text).await.unwrap();
    };
    let refused = async || shop.publish(everybody(), marketing.clone()).await.unwrap_err();
    assert!(refused().await.contains("does not say where its sender lives"));
    save("{{ postal_address }}", "").await;
    assert!(refused().await.contains("does not say how to unsubscribe"));
    // A text part of its own has to say it, too.
    save(FOOT, "Hello").await;
    assert!(refused().await.contains("does not say where its sender lives"));
    save("{% if first_name %}", "").await;
    assert!(
        refused()
            .await
            .contains("“Hello” cannot be rendered: In the body, line 1")
    );
    shop.save_template(
        id,
        "Hello",
        &format!("<mjml><mj-body>{FOOT}<mj-txt /></mj-body></mjml>"),
        "",
    )
    .await
    .unwrap();
    assert!(refused().await.contains("“mj-txt” is no element of MJML"));
    // Written out is as good as filled in.
    save("1 Mill Lane,<br />Bath {{ unsubscribe_line }}", "").await;
    shop.publish(everybody(), marketing).await.unwrap();
}

async fn unfit_later() {
    let shop = Shop::new(|_| {}).await;
    let id = shop.template("Hello", FOOT).await["id"].as_u64();
    shop.publish(everybody(), json!({ "template": "Hello" }))
        .await
        .unwrap();
    let saved = shop.save_template(id, "Hello", &body("Hello"), "").await;
    assert!(saved.unwrap_err().contains("does not say where its sender lives"));
    shop.save_template(id, "Hello", &body(&format!("Better. {FOOT}")), "")
        .await
        .unwrap();
    // One that nobody is on the way to is a draft like any other.
    shop.template("Other", "Hello").await;
}

async fn event_in_mail() {
    let shop = Shop::new(|_| {}).await;
    shop.people(2).await;
    let inner =
        format!("{{{{ event.product | default: 'Nothing' }}}}, {{{{ event.amount | money }}}}. {FOOT}");
    shop.template("Hello", &inner).await;
    let entry = json!({ "kind": "entry_event", "settings": { "event": "cart_abandoned" } });
    shop.publish(entry, json!({ "template": "Hello" })).await.unwrap();
    let line = json!({
        "email": "c1@example.com", "event": "cart_abandoned", "at": "2026-03-01T00:00:00Z",
        "props": { "product": "House espresso <500 g>", "amount": { "minor": 2350, "currency": "GBP" } },
    });
    let file = shop.studio.write("events.jsonl", format!("{line}\n"));
    let plan = json!({ "file": { "path": file }, "email": "email", "name": { "column": "event" }, "at": "at", "key": null, "source": "shop" });
    shop.studio.job("events.import_run", plan).await;
    shop.run().await;
    assert_eq!(shop.reached(), ["c1@example.com"]);
    let bytes = shop.last_mail();
    let mail = MessageParser::default().parse(&bytes).unwrap();
    assert!(
        mail.body_html(0)
            .unwrap()
            .contains("House espresso &lt;500 g&gt;, £23.50")
    );
    assert!(
        mail.body_text(0)
            .unwrap()
            .contains("House espresso <500 g>, £23.50")
    );
    let shown = shop.studio.query("outbox.get", json!({ "id": 1 })).await;
    assert!(
        shown["text"].as_str().unwrap().contains("House espresso"),
        "{shown}"
    );
}

async fn missing() {
    let shop = Shop::new(|_| {}).await;
    shop.studio
        .import(
            "people.csv",
            "email,first_name,city\na@example.com,Ada,Bath\nb@example.com,,Rome\nc@example.com,,\n",
        )
        .await;
    let draft = json!({
        "name": "Hello", "subject": "Hello {{ first_name }}",
        "body": body("{{ city | default: 'your city' }} {{ event.product }}"),
    });
    let report = shop
        .studio
        .query("templates.missing", json!({ "draft": draft, "where": null }))
        .await;
    assert_eq!(
        (&report["looked_at"], &report["complete"]),
        (&json!(3), &json!(1))
    );
    let rows: Vec<_> = report["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["key"].as_str().unwrap(),
                row["count"].as_u64().unwrap(),
                row["has_fallback"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [("contact.first_name", 2, false), ("contact.city", 1, true)]
    );
    assert_eq!(report["missing"][1]["example"]["email"], json!("c@example.com"));
    let narrower = json!({ "draft": draft, "where": "city is known" });
    let report = shop.studio.query("templates.missing", narrower).await;
    assert_eq!(
        (&report["looked_at"], &report["complete"]),
        (&json!(2), &json!(1))
    );
}

async fn headers() {
    let shop = Shop::new(|_| {}).await;
    shop.people(1).await;
    shop.template("Hello", FOOT).await;
    shop.write_to_all().await;
    shop.run().await;
    let bytes = shop.last_mail();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let id = shop.taken()[0].message_id.clone().unwrap();
    let token = id.trim_start_matches('<').split('@').next().unwrap();
    assert!(token.len() >= 20 && id.ends_with("@ember.example>"), "{id}");
    for header in [
        format!("Message-ID: {id}\r\n"),
        "Date: Sun, 01 Mar 2026 00:00:00 +0000\r\n".to_owned(),
        "<marketing.ember.example>\r\n".to_owned(),
        format!("List-Unsubscribe: <mailto:hello@ember.example?subject=unsubscribe%20{token}>\r\n"),
        "To: \"Person 1\" <c1@example.com>\r\n".to_owned(),
    ] {
        assert_eq!(text.matches(&header).count(), 1, "{header}{text}");
    }
    let feedback = text.lines().find_map(|line| line.strip_prefix("Feedback-ID: "));
    let parts: Vec<&str> = feedback.unwrap().split(':').collect();
    let [campaign, "marketing", workspace, sender] = parts[..] else {
        panic!("{feedback:?}");
    };
    assert!(campaign.starts_with("j1-") && !workspace.is_empty() && (5..=15).contains(&sender.len()));
    let mail = MessageParser::default().parse(&bytes).unwrap();
    for part in [mail.body_html(0).unwrap(), mail.body_text(0).unwrap()] {
        assert!(
            part.contains("1 Mill Lane, Bath") && part.contains(token),
            "{part}"
        );
    }
}

async fn sample() {
    let home = tempfile::tempdir().unwrap();
    let studio = Studio::idle(home.path());
    let file = home.path().join("sample.carillon");
    let size = json!({ "file": { "path": file }, "contacts": 200, "months": 2, "seed": 1 });
    studio.job("demo.create_file", size).await;
    studio
        .mutate("workspaces.open", json!({ "file": { "path": file } }))
        .await;
    studio
        .job(
            "runtime.run",
            json!({ "until": "2026-09-08T00:00:00Z", "for_secs": null }),
        )
        .await;
    let page = json!({ "states": ["accepted"], "offset": 0, "limit": 1 });
    let page = studio.query("outbox.page", page).await;
    let id = &page["rows"][0]["id"];
    assert!(id.is_u64(), "{page}");
    let shown = studio.query("outbox.get", json!({ "id": id })).await;
    assert_eq!(shown["received"], json!(true), "{shown}");
    assert!(!shown["text"].as_str().unwrap().is_empty() && shown["frame"].is_string());
}
