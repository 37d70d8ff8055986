//! Links of messages: what changes, what only looks, and where nobody is led.

use crate::ground::{ADDRESS, BLOCK, Ground, key_of};
use carillon_adapters::relays::new_token_key;
use carillon_model::relay::{HitKind, What};
use carillon_relay::tokens::Payload;

const UNSUBSCRIBE: Payload = Payload::Unsubscribe {
    address: ADDRESS,
    scope: 0,
};

fn click(url: &str) -> Payload {
    Payload::Click {
        link: 2,
        url: url.to_owned(),
    }
}

fn token() -> String {
    BLOCK.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_unsubscribes_without_redirect_or_cookie_and_is_pulled_with_what_only_the_laptop_can_read()
{
    let ground = Ground::new().await;
    let link = ground.link(&UNSUBSCRIBE);
    let answer = ground.post(&link, "List-Unsubscribe=One-Click").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        (answer.header("location"), answer.header("set-cookie")),
        (None, None)
    );
    let hits = ground.hits().await;
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].seq, hits[0].received_at), (1, ground.now()));
    assert_eq!(
        hits[0].hit.what,
        What::Unsubscribe {
            token: token(),
            address: ADDRESS.iter().map(|b| format!("{b:02x}")).collect(),
            scope: 0,
            one_click: true
        }
    );
    let listed = ground.studio.suppressions(0).await.unwrap();
    assert_eq!(listed.lines.len(), 1, "another machine hears of it at once");
    assert!(!listed.lines[0].lifted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_body_unsubscribes_as_well() {
    let ground = Ground::new().await;
    let body =
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let kind = [("content-type", "multipart/form-data; boundary=b")];
    let answer = ground
        .say("POST", &ground.link(&UNSUBSCRIBE), &kind, body.as_bytes())
        .await;
    assert_eq!((answer.status, ground.hits().await.len()), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_an_unsubscribe_link_in_any_way_changes_nothing() {
    let ground = Ground::new().await;
    let link = ground.link(&UNSUBSCRIBE);
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("OPTIONS", 204),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
    ] {
        let body: &[u8] = if method == "GET" || method == "HEAD" {
            b""
        } else {
            b"List-Unsubscribe=One-Click"
        };
        assert_eq!(
            ground.say(method, &link, &[], body).await.status,
            status,
            "{method}"
        );
    }
    let query = format!("{link}?List-Unsubscribe=One-Click");
    assert_eq!(ground.get(&query).await.status, 200);
    for body in ["", "List-Unsubscribe=Yes", "unsubscribe=1"] {
        assert_eq!(ground.post(&link, body).await.status, 400, "{body}");
    }
    assert_eq!(ground.whats().await, []);
    assert_eq!(ground.studio.suppressions(0).await.unwrap().lines, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_link_has_a_button_that_unsubscribes_and_speaks_the_language_of_the_browser() {
    let ground = Ground::new().await;
    let link = ground.link(&UNSUBSCRIBE);
    for (language, word) in [
        ("de-AT,de;q=0.9", "abmelden"),
        ("fr", "désabonner"),
        ("es", "Yes, unsubscribe me"),
    ] {
        let page = ground
            .say("GET", &link, &[("accept-language", language)], b"")
            .await;
        let text = page.text();
        assert!(text.contains(word), "{text}");
        assert!(
            text.contains("Ann's &lt;Shoes&gt;"),
            "what the studio wrote is text: {text}"
        );
        assert!(text.contains("<form method=\"post\">") && !text.contains("<script"));
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("src="));
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    let sent = ground.post(&link, "List-Unsubscribe=One-Click&page=1").await;
    assert_eq!(sent.status, 200);
    assert!(matches!(
        ground.whats().await[0],
        What::Unsubscribe { one_click: false, .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_leads_to_the_signed_address_whatever_the_query_says() {
    let ground = Ground::new().await;
    let link = ground.link(&click("https://shop.example/a?b=1"));
    for target in [
        link.clone(),
        format!("{link}?url=https://evil.example&u=//evil.example"),
    ] {
        let answer = ground.get(&target).await;
        assert_eq!(answer.status, 302);
        assert_eq!(answer.header("location"), Some("https://shop.example/a?b=1"));
        assert_eq!(answer.header("set-cookie"), None);
    }
    let head = ground
        .say("HEAD", &link, &[("user-agent", "Scanner/1")], b"")
        .await;
    assert_eq!(head.status, 302);
    let hits = ground.hits().await;
    assert_eq!(hits.len(), 3);
    assert_eq!(hits[2].hit.request.method, "HEAD");
    assert_eq!(hits[2].hit.request.agent, "Scanner/1");
    assert!(
        matches!(&hits[0].hit.what, What::Click { link: 2, url, .. } if url == "https://shop.example/a?b=1")
    );
    for hit in &hits {
        let network = hit.hit.request.network.as_deref().unwrap();
        assert_eq!(network.len(), 16);
        let text = serde_json::to_string(&hit.hit).unwrap();
        assert!(
            !text.contains("127.0.0"),
            "no address, not even of the visitor: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_altered_or_foreign_link_is_a_page_that_leads_nowhere() {
    let ground = Ground::new().await;
    let link = ground.link(&click("https://shop.example/"));
    let other = ground.relay().add_tenant().await.unwrap();
    let foreign = ground
        .key()
        .mint(&other.tenant, &BLOCK, &click("https://evil.example/"))
        .unwrap();
    let unknown = carillon_relay::tokens::TokenKey::new([7; 32])
        .mint(&ground.tenant, &BLOCK, &click("https://evil.example/"))
        .unwrap();
    let as_open = link.replacen("/c/", "/o/", 1);
    let longer = format!("{link}A");
    for target in [
        foreign.as_str(),
        &unknown,
        &as_open,
        &longer,
        &link[..link.len() - 1],
        "/c/x/y",
        "/c/https:%2F%2Fevil.example/x",
        "/c/../../etc/passwd",
        "/redirect?url=https://evil.example/",
        "//evil.example/",
        "/%00",
    ] {
        let answer = ground.get(target).await;
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(answer.header("location"), None, "{target}");
        assert!(!answer.text().contains("evil"), "{target}");
    }
    assert_eq!(ground.whats().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pixel_is_a_picture_and_a_hidden_link_a_page_and_both_are_written_down() {
    let ground = Ground::new().await;
    let pixel = ground.get(&ground.link(&Payload::Open)).await;
    assert_eq!(
        (pixel.status, pixel.header("content-type")),
        (200, Some("image/gif"))
    );
    assert!(pixel.body.starts_with(b"GIF89a"));
    assert_eq!(pixel.header("cache-control"), Some("no-store"));
    assert_eq!(ground.get(&ground.link(&Payload::Hidden)).await.status, 200);
    let kinds: Vec<HitKind> = ground.whats().await.iter().map(What::kind).collect();
    assert_eq!(kinds, [HitKind::Open, HitKind::Hidden]);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_an_older_key_work_after_rotation_and_restart_and_end_when_their_key_is_let_go() {
    let mut ground = Ground::new().await;
    let old = ground.link(&UNSUBSCRIBE);
    ground.secrets.tokens.insert(0, new_token_key().unwrap());
    ground
        .studio
        .set_token_keys(&ground.secrets.tokens.clone())
        .await
        .unwrap();
    let new = ground.link(&UNSUBSCRIBE);
    assert_ne!(old.split('/').nth(2), new.split('/').nth(2));
    ground.again(|_| {}).await;
    for link in [&old, &new] {
        assert_eq!(ground.post(link, "List-Unsubscribe=One-Click").await.status, 200);
    }
    assert_eq!(key_of(&ground.secrets, 1).id(), old.split('/').nth(2).unwrap());
    ground
        .studio
        .set_token_keys(&ground.secrets.tokens[..1])
        .await
        .unwrap();
    assert_eq!(ground.post(&old, "List-Unsubscribe=One-Click").await.status, 404);
    assert_eq!(ground.post(&new, "List-Unsubscribe=One-Click").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_called_without_end_does_not_fill_the_log_and_still_answers() {
    let ground = Ground::new().await;
    let link = ground.link(&Payload::Open);
    for _ in 0..90 {
        assert_eq!(ground.get(&link).await.status, 200);
    }
    let kept = ground.whats().await.len();
    assert!((60..=62).contains(&kept), "{kept} of 90 are written down");
}
