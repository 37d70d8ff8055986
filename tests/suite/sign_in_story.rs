//! Somebody signs in with a browser at a real provider, and the sign-in is kept alive until it is taken back.

use carillon_adapters::oauth::{SignIn, Tokens, refresh};
use carillon_adapters::{Dialer, Secret};
use carillon_model::mailbox::{OAuthProvider, OAuthProviderKind, OAuthRedirect};
use carillon_model::message::{Failure, FailureClass};
use carillon_tests::servers::{Oidc, Page, ask};
use chrono::Utc;
use std::collections::BTreeMap;
use std::time::Duration;

const CLIENT_SECRET: &str = "a-client-secret-for-one-story";

fn provider(oidc: &Oidc, client: &str, redirect: OAuthRedirect) -> OAuthProvider {
    OAuthProvider {
        kind: OAuthProviderKind::Other,
        client_id: client.to_owned(),
        authorize_url: oidc.authorize_url(),
        token_url: oidc.token_url(),
        scopes: ["openid", "offline_access", "mail"].map(str::to_owned).to_vec(),
        redirect,
        has_client_secret: client == "secretive",
        parameters: vec![("prompt".into(), "consent".into())],
    }
}

fn dialer() -> Dialer {
    Dialer::new(true)
}

fn client_secret() -> Secret {
    Secret::new(CLIENT_SECRET.to_owned())
}

/// Signs in as `ada`: the tokens, and the last page she saw.
async fn sign_in(
    oidc: &Oidc,
    provider: &OAuthProvider,
    secret: Option<&Secret>,
) -> (Result<Tokens, Failure>, Page) {
    let waiting = SignIn::begin(provider, secret, Some("ada"))
        .await
        .unwrap_or_else(|why| panic!("{why:?}"));
    let url = waiting.url().to_owned();
    let dialer = dialer();
    std::thread::scope(|scope| {
        let browser = scope.spawn(|| oidc.browse(&url, "ada").unwrap_or_else(|why| panic!("{why}")));
        let tokens = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(waiting.finish(&dialer))
        });
        (tokens, browser.join().expect("a page"))
    })
}

async fn until_over(tokens: &Tokens) {
    while tokens.access(Utc::now()).is_some() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_lives_on_by_refresh_tokens_that_are_given_once_until_it_is_taken_back() {
    let oidc = Oidc::start().unwrap_or_else(|why| panic!("{why}"));
    for (client, redirect) in [
        ("open", OAuthRedirect::Address),
        ("secretive", OAuthRedirect::Localhost),
    ] {
        let provider = provider(&oidc, client, redirect);
        let secret = provider.has_client_secret.then(client_secret);
        let (tokens, page) = sign_in(&oidc, &provider, secret.as_ref()).await;
        let mut tokens = tokens.unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!(page.status, 200);
        assert!(page.text.contains("close this window"), "{}", page.text);
        assert_eq!(page.headers["cache-control"], "no-store");

        let mut seen = vec![tokens.access(Utc::now()).expect("fresh").expose().to_owned()];
        let mut kept = vec![tokens.to_secret().expect("it lasts")];
        for _ in 0..2 {
            until_over(&tokens).await;
            // As after a start of the program: only what was kept is there.
            let before = Tokens::from_secret(kept.last().expect("kept")).expect("readable");
            tokens = refresh(&provider, secret.as_ref(), &before, &dialer())
                .await
                .unwrap_or_else(|w| panic!("{w:?}"));
            seen.push(tokens.access(Utc::now()).expect("fresh").expose().to_owned());
            kept.push(tokens.to_secret().expect("it lasts"));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 3, "each time another token");
        let distinct: std::collections::BTreeSet<&str> = kept.iter().map(Secret::expose).collect();
        assert_eq!(distinct.len(), 3, "each refresh token is given once");

        // Somebody uses an old one: the provider takes it for theft, and the whole sign-in is over.
        for again in [&kept[0], &kept[2]] {
            let old = Tokens::from_secret(again).expect("readable");
            let failure = refresh(&provider, secret.as_ref(), &old, &dialer())
                .await
                .err()
                .expect("taken back");
            assert_eq!(
                (failure.class, failure.code.as_str()),
                (FailureClass::Auth, "sign_in_again"),
                "{failure:?}"
            );
            assert!(
                failure.detail.contains("Sign in again in the browser"),
                "{}",
                failure.detail
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_was_revoked_and_a_wrong_registration_say_what_to_do() {
    let oidc = Oidc::start().unwrap_or_else(|why| panic!("{why}"));
    let open = provider(&oidc, "open", OAuthRedirect::Address);
    let (tokens, _) = sign_in(&oidc, &open, None).await;
    let tokens = tokens.unwrap_or_else(|why| panic!("{why:?}"));
    let kept = tokens.to_secret().expect("it lasts");
    let kept: serde_json::Value = serde_json::from_str(kept.expose()).expect("JSON");
    oidc.revoke("open", kept["refresh"].as_str().expect("a token"))
        .unwrap_or_else(|why| panic!("{why}"));
    let failure = refresh(&open, None, &tokens, &dialer())
        .await
        .err()
        .expect("taken back");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Auth, "sign_in_again")
    );

    let secretive = provider(&oidc, "secretive", OAuthRedirect::Address);
    let wrong = Secret::new("another-secret".to_owned());
    let (refused, _) = sign_in(&oidc, &secretive, Some(&wrong)).await;
    let failure = refused.err().expect("refused");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "client"),
        "{failure:?}"
    );
    assert!(!failure.detail.contains("another-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_redirect_with_its_state_is_listened_to_and_only_once() {
    let oidc = Oidc::start().unwrap_or_else(|why| panic!("{why}"));
    let waiting = SignIn::begin(&provider(&oidc, "open", OAuthRedirect::Address), None, None)
        .await
        .expect("begun");
    let value = |name: &str| {
        oauth2::url::Url::parse(waiting.url())
            .expect("an address")
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .expect("it is there")
    };
    let (here, state) = (value("redirect_uri"), value("state"));
    let dialer = dialer();
    let finishing = tokio::spawn(async move { waiting.finish(&dialer).await });
    let answers = tokio::task::spawn_blocking(move || {
        let none = BTreeMap::new();
        let get = |path: &str| ask(&format!("{here}{path}"), None, &none).map(|page| page.status);
        let wrong = [
            "",
            "?code=x",
            "?code=x&state=wrong",
            "favicon.ico",
            "?state=",
            "other?code=x&state=",
        ];
        let mut statuses: Vec<_> = wrong.iter().map(|path| get(path)).collect();
        statuses.push(get(&format!("other?code=x&state={state}")));
        statuses.push(ask(&format!("{here}?code=x&state={state}"), Some(""), &none).map(|page| page.status));
        let declined = get(&format!(
            "?error=access_denied&error_description=no&state={state}"
        ));
        (statuses, declined, get(&format!("?code=x&state={state}")))
    })
    .await
    .expect("asked");
    assert!(
        answers.0.iter().all(|status| *status == Ok(404)),
        "{:?}",
        answers.0
    );
    assert_eq!(answers.1, Ok(200));
    assert!(answers.2.is_err() || answers.2 == Ok(404), "{:?}", answers.2);
    let failure = finishing.await.expect("ended").err().expect("declined");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Auth, "access_denied")
    );
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_listens_no_longer() {
    let oidc = Oidc::start().unwrap_or_else(|why| panic!("{why}"));
    let waiting = SignIn::begin(&provider(&oidc, "open", OAuthRedirect::Address), None, None)
        .await
        .expect("begun");
    let url = oauth2::url::Url::parse(waiting.url()).expect("an address");
    let here = url
        .query_pairs()
        .find(|(key, _)| key == "redirect_uri")
        .expect("there")
        .1
        .into_owned();
    let dialer = dialer();
    let given_up = tokio::time::timeout(Duration::from_millis(200), waiting.finish(&dialer)).await;
    assert!(given_up.is_err());
    assert!(ask(&here, None, &BTreeMap::new()).is_err());
}
