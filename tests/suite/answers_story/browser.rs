//! Somebody reads a mail in Chromium, fills the form it leads to, and leaves by its button.

use super::relay::one_click;
use super::studio::Sender;
use crate::terminal::until;
use carillon_tests::servers::Relay;
use carillon_xtask::ground::root;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// The address of the user's own site, at a port that is free now.
fn site() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    format!("http://{}", free.expect("a port"))
}

/// The page of the shop with the relay's script, and a form of its own that is kept at the relay.
fn shop(script: &str) -> String {
    format!(
        "<!doctype html><title>Ember & Oak</title><script src=\"{script}\" defer></script>\
         <form data-carillon-form=\"newsletter\"><label>Mail <input name=\"f.email\"></label>\
         <label><input type=\"checkbox\" name=\"c.marketing\"> Yes</label><button>Join</button></form>"
    )
}

const CONSENT: &str = "Yes, Ember & Oak may write to me about new pieces.";

fn form() -> Value {
    json!({
        "key": "newsletter", "version": 3, "title": "Our letter", "button": "Sign up", "thanks": "Welcome, and thank you.",
        "fields": [
            { "key": "email", "label": "Your address", "kind": "email", "required": true },
            { "key": "first_name", "label": "Your first name", "kind": "text" },
        ],
        "consents": [{
            "key": "marketing", "version": 2, "text": CONSENT, "required": true,
            "wording_hash": "0".repeat(64),
        }],
        "min_secs": 2, "work_bits": 12,
    })
}

fn read(told: &Value) -> Value {
    let ui = root().join("ui");
    assert!(
        ui.join("node_modules/playwright-core").is_dir(),
        "The package playwright-core is not in ui/node_modules; `cargo verify` installs it."
    );
    let mut command = Command::new("node");
    command
        .arg("test/mail_reader.mjs")
        .current_dir(ui)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("node");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(told.to_string().as_bytes()).expect("told");
    drop(input);
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"))
}

#[test]
fn in_a_real_browser_a_mail_is_opened_a_form_filled_and_the_button_to_leave_pressed_and_each_counts_once() {
    let sender = Sender::new();
    let relay = Relay::start().unwrap_or_else(|why| panic!("{why}"));
    let site = site();
    let studio = &sender.studio;
    studio.pair(&relay);
    studio.mutate(
        "relay.save_settings",
        json!({ "page": { "sender": "" }, "forms": [form()], "sites": [site] }),
    );
    let tenant = studio.query("relay.get", json!({}))["tenant"].clone();
    let place = format!(
        "{}/f/{}/newsletter",
        relay.url(),
        tenant.as_str().expect("a tenant")
    );
    studio.template(
        "Hello",
        &format!("<a href=\"{place}\">Tell a friend</a> <a href=\"{{{{ unsubscribe_url }}}}\">Leave us</a>"),
    );
    studio.template("Welcome", "Welcome {{ first_name }}");
    let reader = "reader@people.example";
    let friend = "friend@people.example";
    let member = "member@people.example";
    let id = studio.contact(reader);
    studio.measured(&id);
    studio.tag(reader, "first");
    studio.one_mail("Hello", "first", &json!({}));
    let entry = json!({ "id": "s1", "kind": "entry_event", "settings": { "event": "form_submitted" }, "next": { "next": "s2" } });
    let welcome = json!({ "id": "s2", "kind": "send_email", "settings": { "template": "Welcome" }, "next": { "next": "end" } });
    studio.publish("Welcome", &[entry, welcome]);

    let mail = sender.mail_to(reader, "Hello");
    assert!(one_click(&mail).starts_with(relay.url()));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mail.html");
    std::fs::write(&file, mail.html()).expect("the mail");
    let shown = read(&json!({
        "mail": format!("file://{}", file.display()), "link": "Tell a friend", "leave": "Leave us",
        "fields": { "Your address": friend, "Your first name": "Fay" },
        "wait_ms": 12_000, "form_ms": 2_500,
        "shop": { "url": format!("{site}/oak?utm_source=letter"), "html": shop(&format!("{}/s/{}.js", relay.url(), tenant.as_str().expect("a tenant"))),
            "visitor": reader, "member": member },
    }));
    assert_eq!(shown["faults"], json!([]), "{shown}");
    assert_eq!(shown["form"]["url"], place);
    assert_eq!(shown["ticked"], false, "nobody agrees beforehand");
    assert_eq!(shown["thanks"], "Welcome, and thank you.");
    let question = shown["question"].as_str().unwrap_or_default();
    assert!(
        question.contains("Ember & Oak") && question.contains("1 Mill Lane"),
        "{shown}"
    );

    assert_eq!(
        shown["quiet"], 0,
        "nothing is reported before the visitor agreed: {shown}"
    );
    assert_eq!(shown["joined"], "Welcome, and thank you.");

    sender.mail_to(friend, "Welcome");
    sender.mail_to(member, "Welcome");
    until("who left is on the list", || studio.suppressed(reader));
    studio.read_now();
    studio.read_now();
    assert_eq!(
        studio.how_often(friend, "form_submitted"),
        1,
        "{:?}",
        studio.events(friend)
    );
    assert_eq!(sender.reached(friend, "Welcome"), 1);
    // The visitor was nobody until the page said who it is; what came after is on the timeline, once each.
    let seen = studio.events(reader);
    for event in ["identified", "page_viewed", "cart_abandoned"] {
        assert_eq!(studio.how_often(reader, event), 1, "{event}: {seen:?}");
    }
    assert_eq!(studio.how_often(member, "form_submitted"), 1);
    let consents = studio.query("consents.of", json!({ "contact": studio.id_of(friend) }));
    let given = &consents[0];
    assert_eq!(consents.as_array().map(Vec::len), Some(1), "{consents}");
    assert_eq!(
        (
            &given["action"],
            &given["basis"],
            &given["wording"],
            &given["source"]
        ),
        (
            &json!("granted"),
            &json!("consent"),
            &json!(CONSENT),
            &json!("form:newsletter")
        )
    );
    // The mail was opened twice; it was clicked once and left once.
    let events = studio.events(reader);
    assert_eq!(studio.how_often(reader, "email_clicked"), 1, "{events:?}");
    assert_eq!(studio.how_often(reader, "email_unsubscribed"), 1, "{events:?}");
    assert!(studio.how_often(reader, "email_opened") > 0, "{events:?}");
}
