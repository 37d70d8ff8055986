//! What people press on pages, and how requests look.

use crate::start;
use carillon_world::personas::{About, Act, Deed, Effect, Language, Leaving, Method, Persona, Server};
use chrono::TimeDelta;
use std::collections::BTreeMap;

fn act(deed: Deed) -> Act {
    Act {
        about: About {
            message_id: "m@kiosk.example".into(),
            subject: "News".into(),
            from_name: "Kiosk".into(),
            from: "hello@kiosk.example".into(),
            reply_to: "hello@kiosk.example".into(),
            mail_from: "bounce@kiosk.example".into(),
            to: "ada.smith.7@example.com".into(),
            delivered_at: start(),
            persona: Persona::Eager,
            language: Language::German,
            server: Server::Postfix,
            agent: "Mozilla/5.0 (Test)".into(),
        },
        deed,
    }
}

fn fields(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

#[test]
fn one_click_posts_what_rfc_8058_says_and_a_click_only_looks() {
    let url = "https://relay.example/u/abc".to_owned();
    let leave = act(Deed::Unsubscribe(Leaving::OneClick { url: url.clone() }));
    let Effect::Request(request) = leave.effect(start()) else {
        panic!()
    };
    assert_eq!(
        (request.method, request.url.as_str()),
        (Method::Post, url.as_str())
    );
    assert_eq!(request.body, b"List-Unsubscribe=One-Click");
    let header = |name: &str| {
        request
            .headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header("User-Agent"), Some("Mozilla/5.0 (Test)"));
    assert_eq!(header("Cookie"), None);
    let Effect::Request(click) = act(Deed::Click { url: url.clone() }).effect(start()) else {
        panic!()
    };
    assert_eq!((click.method, click.body.len()), (Method::Get, 0));
    let page = b"<form method=post><button>Unsubscribe</button></form>";
    assert_eq!(act(Deed::Click { url: url.clone() }).press(&url, page), None);
}

#[test]
fn a_form_is_filled_in_as_a_person_does_and_the_honeypot_left_alone() {
    let page = r#"<html><form method="get" action="/search"><input name="q"></form>
        <form method="POST" action="/f/7?x=1">
        <input type="hidden" name="token" value="t&amp;1"><input type="email" name="address" required>
        <input name="first_name"><input name="full_name"><textarea name="wishes"></textarea>
        <div style="position:absolute; left: -9999px"><input name="website" value=""></div>
        <input name="nickname" tabindex="-1" autocomplete="off">
        <label><input type="checkbox" name="consent" value="yes"> I agree</label>
        <select name="roast"><option value="">Choose</option><option value="dark">Dark</option></select>
        <input type="radio" name="size" value="s"><input type="radio" name="size" value="l">
        <input type="file" name="cv"><button name="go" value="1">Send</button></form></html>"#;
    let deed = Deed::FillForm {
        url: "https://relay.example/c/x".into(),
    };
    let (takes, request) = act(deed)
        .press("https://relay.example/form", page.as_bytes())
        .unwrap();
    assert!(
        takes >= TimeDelta::seconds(20),
        "ten fields take a person some time"
    );
    assert_eq!(
        (request.method, request.url.as_str()),
        (Method::Post, "https://relay.example/f/7?x=1")
    );
    let expected = [
        ("token", "t&1"),
        ("address", "ada.smith.7@example.com"),
        ("first_name", "Ada"),
        ("full_name", "Ada Smith"),
        ("wishes", "Ich würde gern mehr erfahren"),
        ("website", ""),
        ("nickname", ""),
        ("consent", "yes"),
        ("roast", "dark"),
        ("size", "s"),
        ("go", "1"),
    ];
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    assert_eq!(fields(&request.body), expected);
}

#[test]
fn the_button_that_leaves_is_found_and_what_is_ticked_stays() {
    let page = r#"<form method=post action=save><input type=checkbox name=topic value=tea checked>
        <input type=checkbox name=topic value=mugs><button name=do value=save>Save</button>
        <button name=do value=all_off>Unsubscribe from everything</button></form>"#;
    let deed = Deed::Unsubscribe(Leaving::Page {
        url: "https://relay.example/p/1".into(),
    });
    let (_, request) = act(deed)
        .press("https://relay.example/p/1", page.as_bytes())
        .unwrap();
    assert_eq!(request.url, "https://relay.example/p/save");
    assert_eq!(request.body, b"topic=tea&do=all_off");
}

#[test]
fn what_leaves_everything_is_ticked_and_lists_stay_as_the_browser_has_them() {
    let page = "<form method=post><input type=checkbox name=topic value=1 checked>\
        <select name=language><option value=''></option><option value=de>Deutsch</option></select>\
        <select name=pause><option value=''></option><option value=30 selected>30</option></select>\
        <input type=checkbox name=all_off value=1><button>Save</button></form>";
    let deed = Deed::Unsubscribe(Leaving::Page {
        url: "https://relay.example/p/1".into(),
    });
    let (_, request) = act(deed)
        .press("https://relay.example/p/1", page.as_bytes())
        .unwrap();
    assert_eq!(request.body, b"topic=1&language=&pause=30&all_off=1");
}

#[test]
fn the_work_a_form_asks_for_is_done_unless_it_is_too_much() {
    use sha2::{Digest, Sha256};
    let asked = |bits: u32| {
        let page = format!(
            "<form method=post data-stamp=abc data-bits={bits}><input type=hidden name=_work value=''>\
             <input type=email name=f.email><button>Go</button></form>"
        );
        let deed = Deed::FillForm {
            url: "https://relay.example/f/1".into(),
        };
        let (_, request) = act(deed)
            .press("https://relay.example/f/1", page.as_bytes())
            .unwrap();
        fields(&request.body)["_work"].clone()
    };
    let hash = Sha256::digest(format!("abc:{}", asked(10)));
    assert!(hash[0] == 0 && hash[1] < 0x40);
    assert_eq!(asked(0), "0");
    assert_eq!(asked(40), "");
}

#[test]
fn a_form_that_posts_elsewhere_is_not_sent() {
    let page =
        b"<form method=post action='https://evil.example/'><input name=email><button>Go</button></form>";
    let deed = Deed::FillForm {
        url: "https://relay.example/".into(),
    };
    assert_eq!(act(deed.clone()).press("https://relay.example/", page), None);
    assert_eq!(act(deed.clone()).press("no address", page), None);
    assert_eq!(
        act(deed).press("https://relay.example/", b"\xff<form method=post"),
        None
    );
}
