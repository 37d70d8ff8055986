//! What people choose at the relay, and what the gate makes of it; and two machines at one relay.

use crate::shop::{FOOT, Shop};
use crate::trial;
use carillon_app::table::Kind;
use carillon_model::Moment;
use carillon_relay::{Clock, Config, Handle, Limits, Relay, serve};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "whoever_leaves_a_topic_gets_no_mail_of_it_and_every_other",
            topics,
        ),
        trial(
            "a_pause_holds_what_is_due_near_its_end_ends_what_would_come_late_and_is_over_with_its_day",
            pauses,
        ),
        trial(
            "a_confirmed_address_may_be_written_to_also_after_an_unsubscription_and_never_after_a_complaint",
            confirmed,
        ),
        trial(
            "what_is_agreed_to_in_a_form_counts_only_once_the_link_of_the_mail_was_pressed",
            double_opt_in,
        ),
        trial(
            "what_one_machine_hears_stops_the_message_that_is_due_at_another",
            two_machines,
        ),
    ]
}

/// A relay on this machine, by the clock of the workspaces.
struct Ear {
    served: Handle,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Ear {
    async fn new() -> Ear {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let config = Config {
            listen: at,
            public_url: format!("http://{at}"),
            data: folder.path().join("data"),
            behind_proxy: false,
            tls: None,
            limits: Limits::for_practice(),
        };
        let now = Arc::new(AtomicI64::new(moment("2026-03-01T00:01:00Z").timestamp_millis()));
        let read = now.clone();
        let clock = Clock::from_fn(move || {
            chrono::DateTime::from_timestamp_millis(read.load(Ordering::SeqCst)).unwrap()
        });
        let relay = Relay::open(config, clock).unwrap();
        Ear {
            served: serve(Arc::new(relay), listener).unwrap(),
            now,
            _folder: folder,
        }
    }

    fn is_at(&self, time: &str) {
        self.now.store(moment(time).timestamp_millis(), Ordering::SeqCst);
    }

    async fn pair(&self, shop: &Shop) {
        let code = self.served.relay().add_tenant().await.unwrap().to_string();
        let pair =
            json!({ "code": code, "machine": "first", "keep": "passphrase_file", "passphrase": PASSPHRASE });
        shop.studio.mutate("relay.pair", pair).await;
    }

    /// Asks for a page, or presses its button with these fields.
    async fn visit(&self, url: &str, fields: Option<&str>) -> String {
        let at = self.served.address();
        let target = url
            .strip_prefix(&format!("http://{at}"))
            .expect("a link to the relay");
        let (method, body) = match fields {
            Some(fields) => ("POST", fields),
            None => ("GET", ""),
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
            body.len()
        );
        let mut line = TcpStream::connect(at).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

const PASSPHRASE: &str = "a passphrase for tests";

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

/// A shop with a relay and people, whom a first mail has reached.
async fn written(n: usize, inner: &str) -> (Shop, Ear) {
    let (shop, ear) = (Shop::new(|_| {}).await, Ear::new().await);
    ear.pair(&shop).await;
    shop.people(n).await;
    shop.template(
        "Hello",
        &format!("<a href=\"{{{{ preferences_url }}}}\">Choose</a> {inner} {FOOT}"),
    )
    .await;
    shop.write_to_all().await;
    shop.run().await;
    assert_eq!(shop.taken().len(), n);
    (shop, ear)
}

/// Reads what the relay has.
async fn hear(shop: &Shop) {
    shop.studio.job("mailboxes.read_now", json!({})).await;
    let relay = shop.studio.query("relay.get", json!({})).await;
    assert_eq!(relay["trouble"], Value::Null);
}

/// The link of this kind in the last mail to somebody.
fn link(shop: &Shop, to: &str, kind: &str) -> String {
    let mail = shop.mail_to(to);
    let begin = format!("/{kind}/");
    let mut links = mail
        .split(['"', '<', '>', ' ', '\n'])
        .filter(|part| part.starts_with("http://127.0.0.1") && part.contains(&begin));
    links
        .next()
        .unwrap_or_else(|| panic!("no /{kind}/ in {mail}"))
        .to_owned()
}

/// A journey of one mail to everybody there is.
async fn send(shop: &Shop, name: &str, settings: Value) {
    let drawn = json!({
        "format": "carillon/journey/1", "name": name,
        "steps": [
            { "id": "s1", "kind": "entry_segment", "settings": { "segment": "All", "on": "entered", "include_current": true }, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": settings, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let args = json!({ "text": drawn.to_string() });
    let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
    shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
    shop.run().await;
}

async fn template_of(shop: &Shop, name: &str, topic: Option<u64>, inner: &str) {
    let body = crate::shop::body(&format!("{inner} {FOOT}"));
    let draft = json!({ "name": name, "subject": name, "body": body, "topic": topic });
    shop.studio
        .mutate("templates.save", json!({ "id": null, "draft": draft }))
        .await;
}

/// What is said of the message to somebody that did not leave.
async fn why(shop: &Shop, to: &str, state: &str) -> String {
    let page = json!({ "states": [state], "offset": 0, "limit": 100 });
    let page = shop.studio.query("outbox.page", page).await;
    let rows = page["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["to"] == to);
    let row = row.unwrap_or_else(|| panic!("nothing {state} to {to}: {page}"));
    row["last_word"].as_str().unwrap_or_default().to_owned()
}

async fn topics() {
    let (shop, ear) = written(2, "").await;
    let drafts = json!({ "topics": [{ "name": "News" }, { "name": "Offers", "about": "Once a month" }] });
    let saved = shop.studio.mutate("topics.save", drafts).await;
    assert_eq!(saved[1]["number"], json!(1));
    let page = ear.visit(&link(&shop, "c1@example.com", "p"), None).await;
    for name in ["News", "Offers"] {
        assert!(page.contains(name), "{page}");
    }
    assert_eq!(
        page.matches("name=\"topic\"").count(),
        page.matches(" checked").count()
    );
    ear.visit(&link(&shop, "c1@example.com", "p"), Some("preferences=1&topic=0"))
        .await;
    hear(&shop).await;
    let shown = shop.studio.contact("c1@example.com").await;
    assert_eq!(shown["chosen"]["topics_left"], json!(["Offers"]), "{shown}");
    assert!(shop.studio.permitted("c1@example.com").await);

    template_of(&shop, "Sale", Some(1), "Sale").await;
    template_of(
        &shop,
        "Letter",
        Some(0),
        "<a href=\"{{ preferences_url }}\">Choose</a>",
    )
    .await;
    send(&shop, "Offers", json!({ "template": "Sale" })).await;
    assert!(why(&shop, "c1@example.com", "suppressed").await.contains("topic"));
    send(
        &shop,
        "Order",
        json!({ "template": "Sale", "transactional": true }),
    )
    .await;
    send(&shop, "News", json!({ "template": "Letter" })).await;
    let of = |who: &str| shop.reached().iter().filter(|to| *to == who).count();
    assert_eq!((of("c1@example.com"), of("c2@example.com")), (3, 4));

    // The page of the newer mail shows the choice, and who takes it back gets it again.
    let page = link(&shop, "c1@example.com", "p");
    assert!(
        ear.visit(&page, None)
            .await
            .contains("name=\"topic\" value=\"1\">")
    );
    ear.visit(&page, Some("preferences=1&topic=0&topic=1")).await;
    hear(&shop).await;
    send(&shop, "Again", json!({ "template": "Sale" })).await;
    assert_eq!(
        shop.reached().iter().filter(|to| *to == "c1@example.com").count(),
        4
    );
    let gone = json!({ "topics": [{ "number": 0, "name": "News" }] });
    let refused = shop.studio.ask(Kind::Mutate, "topics.save", gone).await;
    assert!(
        refused.unwrap_err().message.contains("Sale"),
        "a template is about it"
    );
}

async fn pauses() {
    let (shop, ear) = written(2, "").await;
    let page = link(&shop, "c1@example.com", "p");
    assert!(ear.visit(&page, None).await.contains("<option value=\"30\">"));
    ear.visit(&page, Some("preferences=1&pause=30")).await;
    hear(&shop).await;
    let shown = shop.studio.contact("c1@example.com").await;
    // The day begins where the contact lives: in Berlin an hour before it begins in London.
    assert_eq!(
        shown["chosen"]["paused_until"],
        json!("2026-03-30T22:00:00Z"),
        "{shown}"
    );
    template_of(&shop, "Letter", None, "News").await;
    send(&shop, "Early", json!({ "template": "Letter" })).await;
    assert!(
        why(&shop, "c1@example.com", "suppressed")
            .await
            .contains("no mails until")
    );
    let jump = async |to: &str| shop.studio.job("clock.jump", json!({ "to": { "at": to } })).await;
    jump("2026-03-28T12:00:00Z").await;
    send(&shop, "Late", json!({ "template": "Letter" })).await;
    let of = |who: &str| shop.reached().iter().filter(|to| *to == who).count();
    assert!(
        why(&shop, "c1@example.com", "queued")
            .await
            .contains("no mails until")
    );
    assert_eq!((of("c1@example.com"), of("c2@example.com")), (1, 3));
    jump("2026-03-31T12:00:00Z").await;
    assert_eq!((of("c1@example.com"), of("c2@example.com")), (2, 3));
}

async fn confirmed() {
    let (shop, ear) = written(3, "").await;
    let said = async |who: &str, reason: &str| {
        let listed = json!({ "email": who, "reason": reason, "source": "a call" });
        shop.studio.mutate("suppressions.add", listed).await;
    };
    let withdrawn = async |who: &str| {
        let contact = shop.studio.contact(who).await["contact"]["id"].clone();
        let no = json!({
            "contact": contact, "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent",
            "wording": null, "source": "a call",
        });
        shop.studio.mutate("consents.add", no).await;
    };
    for who in ["c1@example.com", "c2@example.com", "c3@example.com"] {
        withdrawn(who).await;
    }
    template_of(
        &shop,
        "Confirm",
        None,
        "<a href=\"{{ confirm_url }}\">Yes, it is me</a>",
    )
    .await;
    ear.visit(
        &link(&shop, "c2@example.com", "u"),
        Some("List-Unsubscribe=One-Click"),
    )
    .await;
    hear(&shop).await;
    send(
        &shop,
        "Confirm",
        json!({ "template": "Confirm", "transactional": true }),
    )
    .await;
    said("c3@example.com", "complained").await;
    ear.is_at("2026-03-01T00:10:00Z");
    for who in ["c1@example.com", "c2@example.com", "c3@example.com"] {
        let confirm = link(&shop, who, "k");
        ear.visit(&confirm, None).await;
        hear(&shop).await;
        assert!(!shop.studio.permitted(who).await, "looking confirms nothing");
        ear.visit(&confirm, Some("")).await;
        ear.visit(&confirm, Some("")).await;
    }
    hear(&shop).await;
    for who in ["c1@example.com", "c2@example.com"] {
        let shown = shop.studio.contact(who).await;
        assert_eq!(shown["suppressed"], Value::Null, "{shown}");
        let last = shown["consents"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["action"], &last["basis"]),
            (&json!("granted"), &json!("double_opt_in"))
        );
    }
    assert!(
        !shop.studio.permitted("c3@example.com").await,
        "whoever complained stays on the list"
    );
}

/// Sends the form with these fields, as a person with a browser would.
async fn fill(shop: &Shop, ear: &Ear, form: &str, fields: &str) {
    let relay = shop.studio.query("relay.get", json!({})).await;
    let at = |key: &str| relay[key].as_str().unwrap().to_owned();
    let place = format!("{}/f/{}/{form}", at("url"), at("tenant"));
    let page = ear.visit(&place, None).await;
    let stamp = page.split("data-stamp=\"").nth(1).unwrap();
    let stamp = stamp.split('"').next().unwrap();
    ear.visit(&place, Some(&format!("_stamp={stamp}&_work=&{fields}")))
        .await;
    hear(shop).await;
    shop.run().await;
}

/// A live journey of one mail to whoever sends a form.
async fn on_form(shop: &Shop, name: &str, condition: &str, settings: Value) {
    let entry = json!({ "event": "form_submitted", "where": condition });
    let drawn = json!({
        "format": "carillon/journey/1", "name": name,
        "steps": [
            { "id": "s1", "kind": "entry_event", "settings": entry, "next": { "next": "s2" } },
            { "id": "s2", "kind": "send_email", "settings": settings, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    });
    let args = json!({ "text": drawn.to_string() });
    let id = shop.studio.mutate("journeys.import", args).await["id"].clone();
    shop.studio.mutate("journeys.publish", json!({ "id": id })).await;
}

async fn double_opt_in() {
    let (shop, ear) = written(2, "").await;
    let form = |key: &str, double_opt_in: bool| {
        let consent =
            |key: &str, text: &str| json!({ "key": key, "version": 1, "text": text, "wording_hash": "" });
        json!({
            "key": key, "version": 1, "title": "News", "button": "Sign up", "thanks": "Look into your mail.",
            "fields": [{ "key": "email", "label": "E-mail", "kind": "email", "required": true }],
            "consents": [consent("marketing", "Yes, send me news."), consent("tracking", "Yes, count my clicks.")],
            "double_opt_in": double_opt_in, "min_secs": 0, "work_bits": 0,
        })
    };
    let mut settings = shop.studio.query("relay.settings", json!({})).await;
    settings["forms"] = json!([form("news", true), form("fair", false)]);
    shop.studio.mutate("relay.save_settings", settings).await;
    let none = json!([]);
    assert_eq!(shop.studio.query("relay.confirming", json!({})).await, none);
    template_of(&shop, "Confirm", None, "<a href=\"{{ confirm_url }}\">Yes</a>").await;
    template_of(&shop, "Welcome", None, "Welcome").await;
    let asked_for = json!({ "template": "Confirm", "transactional": true });
    on_form(&shop, "Confirm", "to_confirm is yes", asked_for).await;
    on_form(&shop, "Welcome", "", json!({ "template": "Welcome" })).await;
    let writers = shop.studio.query("relay.confirming", json!({})).await;
    assert_eq!(writers, json!(["Confirm"]));

    // One is new, the other left before.
    ear.visit(
        &link(&shop, "c1@example.com", "u"),
        Some("List-Unsubscribe=One-Click"),
    )
    .await;
    hear(&shop).await;
    let people = ["new@example.com", "c1@example.com"];
    let subjects = async |who: &str| {
        let page = json!({ "states": ["accepted"], "offset": 0, "limit": 100 });
        let page = shop.studio.query("outbox.page", page).await;
        let rows = page["rows"].as_array().unwrap().iter();
        let to = rows.filter(|row| row["to"] == who && row["journey_name"] != json!("Hello"));
        to.map(|row| row["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for who in people {
        let email = who.replace('@', "%40");
        fill(
            &shop,
            &ear,
            "news",
            &format!("f.email={email}&c.marketing=yes&c.tracking=yes"),
        )
        .await;
        assert_eq!(
            subjects(who).await,
            ["Confirm"],
            "nothing but what was asked for leaves"
        );
        assert!(!shop.studio.permitted(who).await);
        let shown = shop.studio.contact(who).await;
        let rows = shown["consents"].as_array().unwrap();
        let waits = rows.iter().filter(|row| row["action"] == json!("requested"));
        assert_eq!(waits.count(), 2, "{shown}");
    }
    ear.is_at("2026-03-01T00:10:00Z");
    for who in people {
        let confirm = link(&shop, who, "k");
        ear.visit(&confirm, None).await;
        hear(&shop).await;
        assert!(!shop.studio.permitted(who).await, "looking confirms nothing");
        ear.visit(&confirm, Some("")).await;
        hear(&shop).await;
        assert!(shop.studio.permitted(who).await);
        let shown = shop.studio.contact(who).await;
        let rows = shown["consents"].as_array().unwrap();
        let given = rows.iter().filter(|row| row["action"] == json!("granted"));
        let given: Vec<(&str, &str)> = given
            .filter(|row| row["basis"] == json!("double_opt_in"))
            .filter_map(|row| Some((row["purpose"].as_str()?, row["wording"].as_str()?)))
            .filter(|(_, wording)| wording.starts_with("Yes, "))
            .filter(|(_, wording)| wording.ends_with('.') && *wording != "Yes, write to me.")
            .collect();
        assert_eq!(
            given,
            [
                ("tracking", "Yes, count my clicks."),
                ("marketing", "Yes, send me news.")
            ],
            "{shown}"
        );
    }
    // Whoever took the permission back gets it again neither by a form nor by a list that comes meanwhile.
    let left = shop.studio.contact("c2@example.com").await["contact"]["id"].clone();
    let no = json!({
        "contact": left, "channel": "email", "purpose": "marketing", "action": "withdrawn", "basis": "consent",
        "wording": null, "source": "a call",
    });
    shop.studio.mutate("consents.add", no).await;
    fill(&shop, &ear, "news", "f.email=c2%40example.com&c.marketing=yes").await;
    shop.studio.import("again.csv", "email\nc2@example.com\n").await;
    assert!(!shop.studio.permitted("c2@example.com").await);
    // A form without it grants at once, to whoever is new.
    fill(&shop, &ear, "fair", "f.email=fair%40example.com&c.marketing=yes").await;
    assert!(shop.studio.permitted("fair@example.com").await);
    assert_eq!(subjects("fair@example.com").await, ["Welcome"]);
}

async fn two_machines() {
    let (first, ear) = written(3, "").await;
    // Another machine with a copy of the workspace, let in by the first.
    let copy = first.studio.backup().await;
    let second = Shop::copy_of(&first, &copy).await;
    let invite = json!({ "machine": "second", "passphrase": "told on the phone" });
    let invitation = first.studio.mutate("relay.invite", invite).await;
    let join = json!({
        "invitation": invitation["text"], "passphrase": "told on the phone",
        "keep": "passphrase_file", "file_passphrase": PASSPHRASE,
    });
    let joined = second.studio.mutate("relay.join", join).await;
    assert_eq!(joined["locked"], json!(false), "{joined}");
    second.studio.mutate("outbox.resume", json!({})).await;
    // Somebody leaves by a mail of the first machine, and the first puts somebody on the list by hand.
    ear.visit(
        &link(&first, "c1@example.com", "u"),
        Some("List-Unsubscribe=One-Click"),
    )
    .await;
    let listed = json!({ "email": "c2@example.com", "reason": "manual", "source": "a letter" });
    first.studio.mutate("suppressions.add", listed).await;
    let strange = json!({ "email": "stranger@example.com", "reason": "complained", "source": "a letter" });
    first.studio.mutate("suppressions.add", strange).await;
    hear(&first).await;
    // What the second is told of is there before it sends, also of somebody it does not know yet.
    hear(&second).await;
    second
        .studio
        .import("more.csv", "email,first_name\nstranger@example.com,Strange\n")
        .await;
    let before = second.taken().len();
    template_of(&second, "Second", None, "From the second machine").await;
    send(&second, "Second", json!({ "template": "Second" })).await;
    let reached: Vec<String> = second.taken()[before..]
        .iter()
        .flat_map(|mail| mail.rcpt_to.clone())
        .collect();
    assert_eq!(reached, ["c3@example.com"]);
    let shown = second.studio.contact("c1@example.com").await;
    assert!(shown["suppressed"].is_object(), "{shown}");
    // Whoever leaves by a mail of the second is heard by the first, whose message of that number is somebody else's.
    ear.visit(
        &link(&second, "c3@example.com", "u"),
        Some("List-Unsubscribe=One-Click"),
    )
    .await;
    hear(&first).await;
    let listed = async |who: &str| {
        let asked = first
            .studio
            .query("suppressions.check", json!({ "email": who }))
            .await;
        asked["suppressed"] == json!(true)
    };
    assert!(listed("c3@example.com").await && listed("c1@example.com").await);
    // And what is taken back by hand at one is taken back at the other.
    let lift = json!({ "email": "c2@example.com", "why": "It was an error" });
    first.studio.mutate("suppressions.lift", lift).await;
    hear(&first).await;
    hear(&second).await;
    let shown = second.studio.contact("c2@example.com").await;
    assert_eq!(shown["suppressed"], Value::Null, "{shown}");
}
