//! Being sent on.

use crate::{Scripted, answer, client};
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::message::FailureClass;

fn to(place: &str, status: &str) -> String {
    answer(status, &format!("location: {place}\r\n"), "")
}

/// A chain of so many redirects, each to another server, ending with 200.
async fn chain(redirects: usize) -> Vec<Scripted> {
    let mut servers = vec![Scripted::start(answer("200 OK", "", "the end")).await];
    for _ in 0..redirects {
        let next = servers.last().unwrap().url("/next");
        servers.push(Scripted::start(to(&next, "302 Found")).await);
    }
    servers
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let three = chain(3).await;
    let answer = client().await.get(&three[3].url("/")).send().await.unwrap();
    assert_eq!(answer.text(), "the end");
    let four = chain(4).await;
    let failure = client()
        .await
        .get(&four[4].url("/"))
        .send()
        .await
        .unwrap_err()
        .failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "redirect")
    );
    assert_eq!(four[0].connections(), 0, "the last server was not asked");
}

#[tokio::test]
async fn another_origin_sees_no_header_of_the_caller_and_the_same_one_sees_all() {
    let end = Scripted::start(answer("200 OK", "", "")).await;
    let start = Scripted::start(to(&end.url("/x"), "307 Temporary Redirect")).await;
    let secret = Secret::new("hunter2".into());
    let http = client().await;
    let request = http
        .get(&start.url("/"))
        .secret_header("x-key", &secret)
        .bearer(&secret);
    let request = request
        .header("x-place", "moon")
        .header("accept", "application/json");
    request.send().await.unwrap();
    assert!(start.heard()[0].contains("hunter2") && start.heard()[0].contains("x-place: moon"));
    let heard = &end.heard()[0];
    assert!(
        !heard.contains("hunter2") && !heard.contains("moon") && !heard.contains("referer"),
        "{heard}"
    );
    assert!(heard.contains("accept: application/json"), "{heard}");

    let same = Scripted::start(to("/again", "302 Found")).await;
    http.get(&same.url("/"))
        .secret_header("x-key", &secret)
        .send()
        .await
        .unwrap_err();
    assert_eq!(same.connections(), 4);
    assert!(same.heard().iter().all(|heard| heard.contains("x-key: hunter2")));
}

#[tokio::test]
async fn each_hop_is_held_to_the_rules_of_the_first() {
    let dialer = || Dialer::new(true).with_name("away.example.com", vec!["203.0.113.7".parse().unwrap()]);
    for (place, class) in [
        ("https://203.0.113.7/", FailureClass::Refused),
        ("http://[::ffff:203.0.113.7]/", FailureClass::Refused),
        ("//203.0.113.7/", FailureClass::Refused),
        ("https://away.example.com/", FailureClass::Refused),
        ("ftp://127.0.0.1/", FailureClass::Setup),
        ("http://a:b@127.0.0.1/", FailureClass::Setup),
        ("http://[", FailureClass::Setup),
    ] {
        let server = Scripted::start(to(place, "301 Moved Permanently")).await;
        let http = Http::new(dialer()).await;
        let failure = http.get(&server.url("/")).send().await.unwrap_err().failure;
        assert_eq!(failure.class, class, "{place}: {}", failure.detail);
    }
}

#[tokio::test]
async fn what_changes_something_is_never_sent_on() {
    let end = Scripted::start(answer("200 OK", "", "")).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let start = Scripted::start(to(&end.url("/"), status)).await;
        let http = client().await;
        let failure = http
            .post(&start.url("/"))
            .json(&1)
            .send()
            .await
            .unwrap_err()
            .failure;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Setup, "redirect"),
            "{status}"
        );
    }
    assert_eq!(end.connections(), 0);
}
