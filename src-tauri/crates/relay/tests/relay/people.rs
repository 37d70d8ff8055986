//! The preference page and the confirmed opt-in.

use crate::ground::{ADDRESS, Ground};
use carillon_model::consent::Channel;
use carillon_model::relay::{Choices, What};
use carillon_relay::tokens::Payload;
use chrono::TimeDelta;

fn before() -> Choices {
    Choices {
        topics: vec![3, 9],
        channels: vec![Channel::Email],
        language: Some("de".to_owned()),
        paused_until: None,
        all_off: false,
    }
}

fn link(ground: &Ground) -> String {
    ground.link(&Payload::Preferences {
        address: ADDRESS,
        choices: before(),
        made_at: ground.now(),
    })
}

async fn chosen(ground: &Ground) -> Choices {
    match ground.whats().await.pop() {
        Some(What::Preferences { choices, .. }) => choices,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preference_page_opens_with_the_present_choices_and_looking_changes_nothing() {
    let ground = Ground::new().await;
    let page = ground.get(&link(&ground)).await;
    let text = page.text();
    assert_eq!(page.status, 200);
    assert!(text.contains("name=\"topic\" value=\"3\" checked"), "{text}");
    assert!(text.contains("name=\"topic\" value=\"0\">"), "{text}");
    assert!(
        text.contains("name=\"channel\" value=\"email\" checked"),
        "{text}"
    );
    assert!(
        text.contains("<option value=\"de\" lang=\"de\" selected>Deutsch"),
        "{text}"
    );
    assert!(!text.contains("<script"));
    assert_eq!(page.header("set-cookie"), None);
    assert_eq!(ground.whats().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_is_told_as_it_was_chosen_and_a_topic_that_was_not_asked_about_stays() {
    let ground = Ground::new().await;
    let body = "preferences=1&topic=0&topic=77&channel=sms&language=en&pause=30";
    assert_eq!(ground.post(&link(&ground), body).await.status, 200);
    let wanted = Choices {
        topics: vec![0, 9],
        channels: vec![Channel::Sms],
        language: Some("en".to_owned()),
        paused_until: Some((ground.now() + TimeDelta::days(30)).date_naive()),
        all_off: false,
    };
    assert_eq!(chosen(&ground).await, wanted);
    let told = ground.studio.suppressions(0).await.unwrap().lines;
    let scopes: Vec<(u16, bool)> = told.iter().map(|line| (line.scope, line.lifted)).collect();
    assert_eq!(scopes, [(0, false)], "no mail, whatever it is about");
    for body in ["", "topic=0", "preferences=1&pause=31", "preferences=1&pause=x"] {
        assert_eq!(ground.post(&link(&ground), body).await.status, 400, "{body}");
    }
    assert_eq!(ground.whats().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_off_is_obeyed_by_other_machines_at_once() {
    let ground = Ground::new().await;
    ground.post(&link(&ground), "preferences=1&all_off=1").await;
    assert!(chosen(&ground).await.all_off);
    assert_eq!(ground.studio.suppressions(0).await.unwrap().lines.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_was_chosen_last_unless_the_mail_is_newer() {
    let ground = Ground::new().await;
    let first = link(&ground);
    let body = "preferences=1&topic=0&channel=email&language=en&pause=30";
    assert_eq!(ground.post(&first, body).await.status, 200);
    let told = ground.studio.suppressions(0).await.unwrap().lines;
    let scopes: Vec<(u16, bool)> = told.iter().map(|line| (line.scope, line.lifted)).collect();
    assert_eq!(
        scopes,
        [(4, false)],
        "the topic that was left, for other machines"
    );
    let text = ground.get(&first).await.text();
    assert!(text.contains("name=\"topic\" value=\"0\" checked"), "{text}");
    assert!(text.contains("name=\"topic\" value=\"3\">"), "{text}");
    assert!(text.contains("<option value=\"until\" selected"), "{text}");
    assert!(!text.contains("was_off"), "{text}");
    // A mail of later says what the studio knows then.
    ground.pass(120);
    let text = ground.get(&link(&ground)).await.text();
    assert!(text.contains("name=\"topic\" value=\"0\">"), "{text}");
    // Whoever left by one click sees that nothing is sent, and may take it back there.
    let leave = ground.link(&Payload::Unsubscribe {
        address: ADDRESS,
        scope: 0,
    });
    ground.post(&leave, "List-Unsubscribe=One-Click").await;
    let text = ground.get(&first).await.text();
    assert!(text.contains("name=\"all_off\" value=\"1\" checked"), "{text}");
    ground.post(&first, "preferences=1&channel=email&was_off=1").await;
    assert!(matches!(
        ground.whats().await.pop(),
        Some(What::Preferences { back: true, .. })
    ));
    assert!(!ground.get(&first).await.text().contains("was_off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_confirmed_by_the_button_once_and_in_time() {
    let ground = Ground::new().await;
    let expires_at = ground.now() + TimeDelta::days(7);
    let confirm = ground.link(&Payload::Confirm {
        address: ADDRESS,
        list: 5,
        expires_at,
    });
    for method in ["GET", "HEAD", "OPTIONS"] {
        ground.say(method, &confirm, &[], b"").await;
    }
    assert_eq!(
        ground.whats().await,
        [],
        "a program that follows links confirms nothing"
    );
    for _ in 0..2 {
        assert_eq!(ground.post(&confirm, "").await.status, 200);
    }
    let whats = ground.whats().await;
    assert_eq!(whats.len(), 1);
    assert!(matches!(whats[0], What::Confirm { list: 5, .. }));
    let late = ground.link_of(
        &[1; 16],
        &Payload::Confirm {
            address: ADDRESS,
            list: 5,
            expires_at,
        },
    );
    ground.pass(8 * 86_400);
    for method in ["GET", "POST"] {
        assert_eq!(ground.say(method, &late, &[], b"").await.status, 410);
    }
    assert_eq!(ground.whats().await.len(), 1);
}
