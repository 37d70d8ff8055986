//! What comes back for messages: which of them it is about, what it leads to, and that it counts once.

use crate::shop::{FOOT, Shop, notice};
use crate::trial;
use carillon_app::table::Kind;
use carillon_world::script::{Answer, Rule};
use libtest_mimic::Trial;
use serde_json::json;

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_notice_that_an_address_is_gone_counts_once_and_lists_it",
            address_gone,
        ),
        trial("a_delayed_notice_is_no_bounce", delayed),
        trial(
            "the_third_soft_bounce_of_an_address_within_a_month_lists_it",
            full_again_and_again,
        ),
        trial(
            "what_is_blocked_because_of_the_sender_lists_nobody_and_pauses_the_journey",
            blocked,
        ),
        trial(
            "a_reply_moves_the_journey_that_waits_for_it_and_an_auto_reply_does_not",
            replied,
        ),
        trial(
            "whoever_unsubscribes_by_mail_gets_no_marketing_and_still_what_they_asked_for",
            unsubscribed,
        ),
        trial("a_reply_proves_that_an_unknown_message_had_left", proved),
        trial(
            "a_bounce_without_any_token_lists_an_address_only_when_it_comes_again_on_another_day",
            unnamed,
        ),
        trial(
            "blocks_and_full_mailboxes_without_any_token_of_ours_pause_and_list_nothing",
            made_up,
        ),
        trial(
            "one_message_refused_for_the_senders_authentication_pauses_the_journey",
            unauthenticated,
        ),
        trial(
            "what_is_about_nobody_here_or_about_a_message_that_never_left_changes_nothing",
            about_nobody,
        ),
        trial(
            "a_receipt_of_whoever_may_not_be_followed_is_not_kept",
            not_followed,
        ),
    ]
}

async fn ready(n: usize, change: impl FnOnce(&mut carillon_world::Options)) -> Shop {
    let shop = Shop::new(change).await;
    shop.people(n).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    shop
}

/// A shop that has written to so many people.
async fn written(n: usize) -> Shop {
    let shop = ready(n, |_| {}).await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.taken().len(), n);
    shop
}

/// A mail a person, or its machine, wrote back.
fn answer(id: &str, from: &str, more: &str, text: &str) -> String {
    format!(
        "From: {from}
To: hello@ember.example
Subject: Re: Hello
Date: Sun, 01 Mar 2026 00:00:00 +0000
Message-ID: <{}@example.com>
In-Reply-To: {id}
References: {id}
{more}MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{text}
",
        text.len()
    )
}

async fn is_listed(shop: &Shop, email: &str) -> bool {
    let asked = shop
        .studio
        .query("suppressions.check", json!({ "email": email }))
        .await;
    asked["suppressed"] == json!(true)
}

/// Names of the contact's events, oldest first.
async fn events(shop: &Shop, email: &str) -> Vec<String> {
    let found = shop
        .studio
        .query("contacts.find", json!({ "email": email }))
        .await;
    let all = shop
        .studio
        .query("events.of", json!({ "contact": found["id"] }))
        .await;
    let all = all.as_array().unwrap();
    all.iter()
        .rev()
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn address_gone() {
    let shop = written(3).await;
    let to = "c2@example.com";
    let mail = notice(&shop.id_of(to), to, "failed", "5.1.1", "550 5.1.1 User unknown");
    assert_eq!(shop.take_in(&mail).await, json!({ "kind": "bounce", "kept": 1 }));
    assert_eq!(
        shop.take_in(&mail).await["kept"],
        json!(0),
        "the same mail from another folder"
    );
    assert_eq!(
        (shop.in_state("accepted").await, shop.in_state("bounced").await),
        (2, 1)
    );
    assert!(is_listed(&shop, to).await);
    assert!(!is_listed(&shop, "c1@example.com").await);
    assert_eq!(events(&shop, to).await, ["email_bounced"]);
    let page = json!({ "kind": "bounced", "limit": 10 });
    let page = shop.studio.query("responses.page", page).await;
    let row = &page["rows"][0];
    assert_eq!(
        (&row["email"], &row["class"]),
        (&json!(to), &json!("hard")),
        "{page}"
    );
    let of = shop
        .studio
        .query("responses.of_message", json!({ "message": row["message"] }))
        .await;
    assert_eq!(of.as_array().unwrap().len(), 1);
}

async fn delayed() {
    let shop = written(2).await;
    let to = "c1@example.com";
    let mail = notice(&shop.id_of(to), to, "delayed", "4.2.2", "452 4.2.2 Mailbox full");
    assert_eq!(shop.take_in(&mail).await, json!({ "kind": "delayed", "kept": 1 }));
    assert_eq!(shop.in_state("accepted").await, 2);
    assert!(!is_listed(&shop, to).await);
    assert_eq!(events(&shop, to).await, Vec::<String>::new());
}

async fn full_again_and_again() {
    let shop = written(1).await;
    let to = "c1@example.com";
    for (round, status) in ["5.2.2", "4.2.2", "4.4.7"].into_iter().enumerate() {
        assert!(!is_listed(&shop, to).await, "before the bounce number {round}");
        let mail = notice(&shop.id_of(to), to, "failed", status, "552 mailbox is full");
        assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
    }
    assert!(is_listed(&shop, to).await);
}

async fn blocked() {
    let shop = written(4).await;
    let state = async || shop.studio.query("journeys.list", json!({})).await[0]["state"].clone();
    for n in 1..=3 {
        assert_eq!(state().await, json!("live"), "before the block number {n}");
        let to = format!("c{n}@example.com");
        let said = "554 5.7.1 Service unavailable; Client host blocked using a blocklist";
        let mail = notice(&shop.id_of(&to), &to, "failed", "5.7.1", said);
        assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
        assert!(!is_listed(&shop, &to).await, "the person is not to blame");
    }
    assert_eq!(state().await, json!("paused"));
    let summary = shop.studio.query("outbox.summary", json!({})).await;
    assert!(summary["troubles"].to_string().contains("blocklist"), "{summary}");
    shop.studio.mutate("journeys.resume", json!({ "id": 1 })).await;
    let summary = shop.studio.query("outbox.summary", json!({})).await;
    assert_eq!(summary["troubles"], json!([]));
}

async fn replied() {
    let shop = ready(2, |_| {}).await;
    let drawn = json!({
        "format": "carillon/journey/1", "name": "Ask",
        "steps": [
            { "id": "s1", "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true }, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "wait_response", "settings": { "response": "replied", "timeout": { "amount": 5, "unit": "days" } },
              "next": { "happened": "s4", "timed_out": "s5" } },
            { "id": "s4", "kind": "add_tag", "settings": { "tag": "answered" }, "next": { "next": "s5" } },
            { "id": "s5", "kind": "exit" },
        ],
    });
    let all = json!({ "id": null, "name": "All", "text": "everyone" });
    shop.studio.mutate("segments.save", all).await;
    let args = json!({ "text": drawn.to_string() });
    let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
    shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
    shop.run().await;
    assert_eq!(shop.taken().len(), 2);
    let away = answer(
        &shop.id_of("c1@example.com"),
        "c1@example.com",
        "Auto-Submitted: auto-replied\n",
        "I am out of the office until 9 March 2026.",
    );
    assert_eq!(shop.take_in(&away).await["kind"], json!("auto_reply"));
    let yes = answer(
        &shop.id_of("c2@example.com"),
        "c2@example.com",
        "",
        "Yes please, tell me more about the oak table.",
    );
    assert_eq!(shop.take_in(&yes).await, json!({ "kind": "reply", "kept": 1 }));
    shop.run().await;
    let tags = async |email: &str| shop.studio.contact(email).await["contact"]["tags"].clone();
    assert_eq!(
        tags("c2@example.com")
            .await
            .to_string()
            .matches("answered")
            .count(),
        1
    );
    assert_eq!(
        tags("c1@example.com")
            .await
            .to_string()
            .matches("answered")
            .count(),
        0
    );
    assert_eq!(events(&shop, "c2@example.com").await, ["email_replied"]);
    assert_eq!(events(&shop, "c1@example.com").await, ["email_auto_replied"]);
    assert_eq!(shop.in_state("bounced").await, 0);
}

async fn unsubscribed() {
    let shop = written(2).await;
    let to = "c1@example.com";
    let id = shop.id_of(to);
    let token = id.trim_matches(['<', '>']).split('@').next().unwrap();
    // Sent from another address of the same person: the token says whose wish it is.
    let wish = format!(
        "From: private@elsewhere.example
To: hello@ember.example
Subject: unsubscribe {token}
Date: Sun, 01 Mar 2026 00:00:00 +0000
Message-ID: <wish@elsewhere.example>
Content-Type: text/plain

"
    );
    assert_eq!(
        shop.take_in(&wish).await,
        json!({ "kind": "unsubscribe", "kept": 1 })
    );
    assert!(!shop.studio.permitted(to).await);
    assert!(is_listed(&shop, to).await);
    shop.template("Order", &format!("Your order, {FOOT}")).await;
    for (name, transactional) in [("News", false), ("Receipt", true)] {
        let drawn = json!({
            "format": "carillon/journey/1", "name": name,
            "steps": [
                { "id": "s1", "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true }, "next": { "next": "s2" } },
                { "id": "s2", "kind": "send_email", "settings": { "template": "Order", "transactional": transactional }, "next": { "next": "s3" } },
                { "id": "s3", "kind": "exit" },
            ],
        });
        let args = json!({ "text": drawn.to_string() });
        let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
        shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
        shop.run().await;
    }
    let to_them = shop.reached().iter().filter(|address| *address == to).count();
    assert_eq!(to_them, 2, "the first mail, and the receipt");
    assert_eq!(shop.in_state("suppressed").await, 1);
}

async fn proved() {
    let script = |options: &mut carillon_world::Options| {
        options
            .script
            .0
            .push(Rule::new("c2@example.com", Answer::Silent { kept: true }));
    };
    let shop = ready(3, script).await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.in_state("unknown").await, 1);
    let thanks = answer(
        &shop.id_of("c2@example.com"),
        "c2@example.com",
        "",
        "Thank you, I got it.",
    );
    assert_eq!(shop.take_in(&thanks).await["kept"], json!(1));
    assert_eq!(
        (shop.in_state("unknown").await, shop.in_state("accepted").await),
        (0, 3)
    );
    let all = shop.taken().len();
    shop.run().await;
    assert_eq!(shop.taken().len(), all, "it is not sent again");
}

/// A notice that names an address and nothing else of ours, as anybody can write it.
fn anonymous(n: usize, to: &str, status: &str, said: &str) -> String {
    notice(&format!("<nothing{n}@ours.example>"), to, "failed", status, said)
}

async fn hours(shop: &Shop, hours: u32) {
    let for_secs = json!({ "until": null, "for_secs": hours * 3_600 });
    shop.studio.job("runtime.run", for_secs).await;
}

async fn unnamed() {
    let shop = written(2).await;
    let to = "c2@example.com";
    for (n, wait) in [(1, 1), (2, 22), (3, 2)] {
        let mail = anonymous(n, to, "5.1.1", "550 5.1.1 No such user");
        assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
        assert!(
            !is_listed(&shop, to).await,
            "notice {n} of the first day, which anybody can have written"
        );
        assert_eq!(
            (shop.in_state("bounced").await, events(&shop, to).await.len()),
            (0, 0)
        );
        hours(&shop, wait).await;
    }
    let mail = anonymous(4, to, "5.1.1", "550 5.1.1 No such user");
    assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
    assert!(is_listed(&shop, to).await);
    assert_eq!(shop.in_state("bounced").await, 1);
}

async fn made_up() {
    let shop = written(4).await;
    let blocked = "554 5.7.1 Service unavailable; Client host blocked using a blocklist";
    let forged = "550 5.7.26 This mail has been blocked because the sender is unauthenticated";
    for n in 0..6 {
        let to = format!("c{}@example.com", n % 4 + 1);
        for (status, said) in [
            ("5.7.1", blocked),
            ("5.7.26", forged),
            ("5.2.2", "552 mailbox is full"),
        ] {
            let mail = anonymous(n, &to, status, said);
            assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
        }
        hours(&shop, 20).await;
        assert!(!is_listed(&shop, &to).await);
    }
    let journeys = shop.studio.query("journeys.list", json!({})).await;
    assert_eq!(journeys[0]["state"], json!("live"));
    assert_eq!(shop.in_state("accepted").await, 4);
}

async fn unauthenticated() {
    let shop = written(2).await;
    let to = "c1@example.com";
    let said = "550 5.7.26 This mail has been blocked because the sender is unauthenticated";
    let mail = notice(&shop.id_of(to), to, "failed", "5.7.26", said);
    assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
    let journeys = shop.studio.query("journeys.list", json!({})).await;
    assert_eq!(journeys[0]["state"], json!("paused"));
    assert!(!is_listed(&shop, to).await);
}

async fn about_nobody() {
    let shop = written(1).await;
    let stranger = "x@nowhere.example";
    let mail = notice(
        "<nothing@ours.example>",
        stranger,
        "failed",
        "5.1.1",
        "550 unknown",
    );
    assert_eq!(shop.take_in(&mail).await["kept"], json!(0));
    assert!(!is_listed(&shop, stranger).await);
    shop.studio.mutate("outbox.pause", json!({})).await;
    shop.template("Second", &format!("Again, {FOOT}")).await;
    let entry = json!({ "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true } });
    assert_eq!(shop.in_state("queued").await, 0, "{entry}");
    let bad = shop
        .studio
        .ask(
            Kind::Mutate,
            "responses.take_in_mail",
            json!({ "raw": "not Base64!" }),
        )
        .await;
    assert!(bad.unwrap_err().message.contains("no mail"));
}

async fn not_followed() {
    let shop = written(1).await;
    let to = "c1@example.com";
    let receipt = format!(
        "From: {to}
To: hello@ember.example
Subject: Read: Hello
Date: Sun, 01 Mar 2026 00:00:00 +0000
Message-ID: <receipt@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary=\"b\"

--b
Content-Type: text/plain

Your message was displayed.

--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; {to}
Original-Message-ID: {}
Disposition: manual-action/MDN-sent-manually; displayed

--b--
",
        shop.id_of(to)
    );
    assert_eq!(
        shop.take_in(&receipt).await,
        json!({ "kind": "receipt", "kept": 0 })
    );
    assert_eq!(events(&shop, to).await, Vec::<String>::new());
    let found = shop.studio.query("contacts.find", json!({ "email": to })).await;
    let agreed = json!({
        "contact": found["id"], "channel": "email", "purpose": "tracking", "action": "granted", "basis": "consent",
        "wording": null, "source": "a form",
    });
    shop.studio.mutate("consents.add", agreed).await;
    let again = receipt.replace("receipt@example.com", "receipt-2@example.com");
    assert_eq!(shop.take_in(&again).await["kept"], json!(1));
    assert_eq!(events(&shop, to).await, ["email_opened"]);
}
