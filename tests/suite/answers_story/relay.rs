//! What people do on the web with a mail: links, pictures, the button to unsubscribe, the page to choose. The relay hears
//! it while the studio is awake or asleep.

use super::kinds;
use super::studio::{Sender, Studio};
use crate::terminal::until;
use carillon_tests::servers::{Arrived, Page, Relay, request};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Longer than a scanner takes after delivery, by the rules that tell people from machines.
const A_PERSON_LATER: Duration = Duration::from_secs(12);
const OAK: &str = "https://shop.example/oak";

fn visit(method: &str, url: &str, body: &str) -> Page {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    request(method, url, &[("User-Agent", BROWSER), form], body).unwrap_or_else(|why| panic!("{why}"))
}

/// What stands between the quotes of this attribute, wherever it begins so.
fn address(html: &str, attribute: &str, begin: &str) -> Option<String> {
    let start = format!("{attribute}=\"{begin}");
    let (_, rest) = html.split_once(&start)?;
    let (rest, _) = rest.split_once('"')?;
    Some(format!("{begin}{rest}").replace("&amp;", "&"))
}

/// Where a mail leads, by the kind of link.
struct Links {
    click: String,
    pixel: String,
    choose: String,
    unsubscribe: String,
}

/// The address of the one-click header pair (RFC 8058 §3.1).
pub fn one_click(mail: &Arrived) -> String {
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let header = mail.header("List-Unsubscribe");
    let (_, rest) = header.split_once("<http").unwrap_or_else(|| panic!("{header}"));
    let (rest, _) = rest.split_once('>').expect("a bracket");
    format!("http{rest}").split_whitespace().collect()
}

fn links(relay: &Relay, mail: &Arrived) -> Links {
    let html = mail.html();
    let find = |attribute: &str, kind: &str| {
        address(&html, attribute, &format!("{}/{kind}/", relay.url()))
            .unwrap_or_else(|| panic!("no link /{kind}/ in {html}"))
    };
    Links {
        click: find("href", "c"),
        pixel: find("src", "o"),
        choose: find("href", "p"),
        unsubscribe: one_click(mail),
    }
}

/// A sender with a relay, whose first mail has gone to these people.
fn written(people: &[&str], steps: &[Value]) -> (Sender, Relay) {
    let sender = Sender::new();
    let relay = Relay::start().unwrap_or_else(|why| panic!("{why}"));
    let studio = &sender.studio;
    studio.pair(&relay);
    studio.template(
        "Hello",
        &format!(
            "<a href=\"{OAK}\">The oak table</a> <a href=\"{{{{ preferences_url }}}}\">What you get</a>"
        ),
    );
    studio.template("Second", "Again");
    for who in people {
        let id = studio.contact(who);
        if !who.starts_with("private") {
            studio.measured(&id);
        }
        studio.tag(who, "first");
    }
    studio.journey("Hello", "first", steps);
    for who in people {
        sender.mail_to(who, "Hello");
    }
    (sender, relay)
}

fn waits_for_a_click() -> Vec<Value> {
    let wait = json!({ "response": "clicked", "timeout": { "amount": 5, "unit": "days" } });
    vec![
        json!({ "id": "s2", "kind": "send_email", "settings": { "template": "Hello" }, "next": { "next": "s3" } }),
        json!({ "id": "s3", "kind": "wait_response", "settings": wait, "next": { "happened": "s4", "timed_out": "end" } }),
        json!({ "id": "s4", "kind": "add_tag", "settings": { "tag": "clicked" }, "next": { "next": "end" } }),
    ]
}

/// The e-mail address of somebody who chose to be reached otherwise.
const BY_PHONE: &str = "phone@people.example";

fn everything(studio: &Studio, people: &[&str]) -> Vec<Vec<String>> {
    people.iter().map(|who| studio.events(who)).collect()
}

#[test]
fn what_people_do_at_the_relay_counts_once_moves_their_journey_and_what_programs_do_is_nobodys_act() {
    let people @ [reader, scanned, private, chooser, _] = [
        "reader@people.example",
        "scanned@people.example",
        "private@people.example",
        "chooser@people.example",
        BY_PHONE,
    ];
    let (sender, relay) = written(&people, &waits_for_a_click());
    let studio = &sender.studio;
    let of = |who: &str| links(&relay, &sender.mail_to(who, "Hello"));

    // A scanner looks at once: with a HEAD, and as if it were a browser.
    let scan = of(scanned);
    assert_eq!(visit("HEAD", &scan.click, "").status, 302);
    assert_eq!(visit("GET", &scan.click, "").status, 302);
    // Whoever did not agree to be measured has links that lead straight there, and still a way to leave.
    let bare = sender.mail_to(private, "Hello");
    assert!(
        bare.html().contains(&format!("href=\"{OAK}\"")),
        "{}",
        bare.html()
    );
    assert_eq!(address(&bare.html(), "src", relay.url()), None);
    assert!(one_click(&bare).starts_with(relay.url()));

    std::thread::sleep(A_PERSON_LATER);
    let read = of(reader);
    let led = visit("GET", &read.click, "");
    assert_eq!((led.status, led.headers["location"].as_str()), (302, OAK));
    let clicked = Instant::now();
    until("the click moves the journey", || {
        studio.tags(reader) == json!(["clicked", "first"])
    });
    println!("from the click to the next step: {:?}", clicked.elapsed());
    let picture = visit("GET", &read.pixel, "");
    assert_eq!(
        (picture.status, picture.headers["content-type"].as_str()),
        (200, "image/gif")
    );
    until("the opening is heard", || {
        studio.how_often(reader, "email_opened") == 1
    });

    // Looking at the way out changes nothing; the button of a mail program does, and twice is once.
    assert_eq!(visit("GET", &read.unsubscribe, "").status, 200);
    studio.read_now();
    assert!(!studio.suppressed(reader));
    for _ in 0..2 {
        assert_eq!(
            visit("POST", &read.unsubscribe, "List-Unsubscribe=One-Click").status,
            200
        );
    }
    let choose = of(chooser);
    let page = visit("GET", &choose.choose, "");
    assert!(
        page.status == 200 && page.text.contains("name=\"all_off\""),
        "{}",
        page.text
    );
    assert_eq!(
        visit("POST", &choose.choose, "preferences=1&all_off=1").status,
        200
    );
    // Whoever wants to hear by phone only wants no mail.
    let offered = json!({ "page": { "sender": "", "channels": ["email", "phone"] } });
    studio.mutate("relay.save_settings", offered);
    let choose = of(BY_PHONE).choose;
    assert!(visit("GET", &choose, "").text.contains("value=\"phone\""));
    assert_eq!(visit("POST", &choose, "preferences=1&channel=phone").status, 200);
    for who in [reader, chooser, BY_PHONE] {
        until("it is obeyed", || studio.suppressed(who));
    }

    let before = everything(studio, &people);
    studio.read_now();
    studio.read_now();
    assert_eq!(everything(studio, &people), before);
    for event in ["email_clicked", "email_opened", "email_unsubscribed"] {
        assert_eq!(studio.how_often(reader, event), 1, "{event}: {before:?}");
    }
    assert_eq!(studio.how_often(chooser, "email_unsubscribed"), 1, "{before:?}");

    let seen = studio.came_back(scanned, "Hello");
    assert_eq!(kinds(&seen), ["clicked", "clicked"], "the raw hits are kept");
    let verdicts: Vec<(&str, &str)> = seen
        .iter()
        .filter_map(|one| Some((one["hand"].as_str()?, one["rule"].as_str()?)))
        .collect();
    assert_eq!(verdicts, [("machine", "head"), ("machine", "too_soon")]);
    assert_eq!(studio.how_often(scanned, "email_clicked"), 0);
    assert_eq!(studio.tags(scanned), json!(["first"]));

    for who in people {
        studio.tag(who, "second");
    }
    studio.one_mail("Second", "second", &json!({}));
    for who in [scanned, private] {
        sender.mail_to(who, "Second");
    }
    for who in [reader, chooser, BY_PHONE] {
        assert_eq!(studio.end(who, "Second"), "suppressed");
        assert_eq!(sender.reached(who, "Second"), 0, "{who}");
    }
}

#[test]
fn an_opt_out_that_came_while_the_workspace_was_closed_stops_the_mail_that_is_due_when_it_opens() {
    let (sleeper, other) = ("sleeper@people.example", "other@people.example");
    let send = |id: &str, template: &str, next: &str| json!({ "id": id, "kind": "send_email", "settings": { "template": template }, "next": { "next": next } });
    let wait = json!({ "for": { "amount": 1, "unit": "minutes" } });
    let steps = [
        send("s2", "Hello", "s3"),
        json!({ "id": "s3", "kind": "wait", "settings": wait, "next": { "next": "s4" } }),
        send("s4", "Second", "end"),
    ];
    let (mut sender, relay) = written(&[sleeper, other], &steps);
    let due = Instant::now() + Duration::from_secs(62);
    let out = links(&relay, &sender.mail_to(sleeper, "Hello")).unsubscribe;
    sender.studio.sleep();
    assert_eq!(visit("POST", &out, "List-Unsubscribe=One-Click").status, 200);
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    sender.studio.wake();

    sender.mail_to(other, "Second");
    let studio = &sender.studio;
    assert_eq!(studio.end(sleeper, "Second"), "suppressed");
    assert_eq!(sender.reached(sleeper, "Second"), 0);
    assert_eq!(studio.how_often(sleeper, "email_unsubscribed"), 1);
}
