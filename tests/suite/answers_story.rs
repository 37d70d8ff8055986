//! The world answers: real servers bring back what becomes of mails and what people say to them, and all of it is heard
//! once, obeyed before the next mail leaves, and moves the journeys that wait for it.

mod browser;
mod gate;
mod relay;
mod sign_in;
mod studio;

use crate::terminal::until;
use carillon_tests::servers::OWN_DOMAIN;
use serde_json::{Value, json};
use studio::Sender;

fn kinds(all: &[Value]) -> Vec<&str> {
    all.iter().filter_map(|one| one["kind"].as_str()).collect()
}

/// A person's answer to the mail with this Message-ID.
fn reply(from: &str, id: &str) -> String {
    format!(
        "From: {from}\nTo: hello@{OWN_DOMAIN}\nSubject: Re: Hello\nMessage-ID: <answer.{from}>\nIn-Reply-To: {id}\n\
         References: {id}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nYes please, tell me more.\n"
    )
}

/// What a mail program sends for its person who pressed its button to unsubscribe: the `mailto:` of the header.
fn mailto(from: &str, list_unsubscribe: &str) -> String {
    let subject = list_unsubscribe
        .split_once("subject=")
        .and_then(|(_, rest)| rest.split(['>', '&']).next())
        .unwrap_or_else(|| panic!("no subject: {list_unsubscribe}"))
        .replace("%20", " ");
    format!("From: {from}\nTo: hello@{OWN_DOMAIN}\nSubject: {subject}\nMessage-ID: <leave.{from}>\n\n\n")
}

#[test]
fn what_real_servers_send_back_is_heard_once_and_an_answer_moves_the_journey_that_waits_for_it() {
    let sender = Sender::new();
    let studio = &sender.studio;
    sender.listens();
    studio.template("Hello", "Hello");
    studio.template("Second", "Again");
    let people = ["good", "grey", "full", "nouser", "spam", "writer", "leaver"];
    let address = |who: &str| format!("{who}@people.example");
    for who in people {
        studio.contact(&address(who));
        studio.tag(&address(who), "first");
    }
    let wait = json!({ "response": "replied", "timeout": { "amount": 5, "unit": "days" } });
    studio.journey(
        "Hello",
        "first",
        &[
            json!({ "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } }),
            json!({ "id": "s3", "kind": "wait_response", "settings": wait, "next": { "happened": "s4", "timed_out": "end" } }),
            json!({ "id": "s4", "kind": "add_tag", "settings": { "tag": "answered" }, "next": { "next": "end" } }),
        ],
    );

    // What is put off is told of, and is no bounce.
    let full = address("full");
    until("the full box is told of as delayed", || {
        studio.message(&full, "Hello").is_some()
            && kinds(&studio.came_back(&full, "Hello")).contains(&"delayed")
    });
    assert_eq!(studio.state(&full, "Hello"), "accepted");
    assert_eq!(studio.how_often(&full, "email_bounced"), 0);

    // Two people write back, through their servers and ours.
    let (writer, leaver) = (address("writer"), address("leaver"));
    let mail = sender.mail_to(&writer, "Hello");
    sender.write_back(&writer, &reply(&writer, &mail.header("Message-ID")));
    let mail = sender.mail_to(&leaver, "Hello");
    sender.write_back(&leaver, &mailto(&leaver, &mail.header("List-Unsubscribe")));
    until("the answer moves the journey", || {
        studio.tags(&writer) == json!(["answered", "first"])
    });
    until("the word to leave is obeyed", || studio.suppressed(&leaver));

    for who in ["full", "nouser", "spam"] {
        until(&format!("{who} is told of as failed"), || {
            studio.state(&address(who), "Hello") == "bounced"
        });
    }
    until("what was put off once arrives", || {
        sender.reached(&address("grey"), "Hello") == 1
    });

    // Read again and again, each thing counts once.
    studio.read_now();
    studio.read_now();
    let classes = [
        ("nouser", "hard", true),
        ("spam", "block", false),
        ("full", "soft", false),
    ];
    for (who, class, suppressed) in classes {
        let to = address(who);
        assert_eq!(
            studio.how_often(&to, "email_bounced"),
            1,
            "{:?}",
            studio.events(&to)
        );
        let all = studio.came_back(&to, "Hello");
        let bounces: Vec<&Value> = all.iter().filter(|one| one["kind"] == "bounced").collect();
        assert_eq!(bounces.len(), 1, "{all:?}");
        assert_eq!(bounces[0]["class"], class, "{all:?}");
        assert_eq!(studio.suppressed(&to), suppressed, "{who}");
        assert!(
            !kinds(&all).contains(&"replied"),
            "a bounce is never a reply: {all:?}"
        );
    }
    for who in ["good", "grey", "writer"] {
        assert_eq!(studio.state(&address(who), "Hello"), "accepted");
        assert_eq!(studio.how_often(&address(who), "email_bounced"), 0);
        assert_eq!(sender.reached(&address(who), "Hello"), 1);
    }
    assert_eq!(studio.how_often(&writer, "email_replied"), 1);
    assert_eq!(studio.how_often(&leaver, "email_unsubscribed"), 1);
    assert_eq!(studio.how_often(&leaver, "email_replied"), 0);

    // The next mail reaches whoever may have it.
    for who in ["good", "leaver", "nouser"] {
        studio.tag(&address(who), "second");
    }
    studio.one_mail("Second", "second", &json!({}));
    sender.mail_to(&address("good"), "Second");
    for who in ["leaver", "nouser"] {
        assert_eq!(studio.end(&address(who), "Second"), "suppressed");
        assert_eq!(sender.reached(&address(who), "Second"), 0);
    }
}
