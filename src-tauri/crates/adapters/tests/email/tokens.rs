//! Signing in with an access token: AUTH XOAUTH2.

use super::scripted::{Act, Scripted, say};
use super::{dialer, secret};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use carillon_adapters::channels::email::{Login, Options, Session, Stopped};
use carillon_model::account::Account;
use carillon_model::message::FailureClass;

const TOKEN: &str = "ya29.token";

async fn open(server: &Scripted) -> Result<Session, Box<Stopped>> {
    let account = Account {
        user: "ada".into(),
        ..server.account.clone()
    };
    let options = Options {
        login: Login::Token,
        ..Options::default()
    };
    Session::open_with(&account, Some(&secret(TOKEN)), &dialer(), &options).await
}

fn hello(mechanisms: &str) -> Vec<Act> {
    vec![
        say("220 ready"),
        Act::Hear("EHLO "),
        say("250-here"),
        say(&format!("250 AUTH {mechanisms}")),
    ]
}

#[tokio::test]
async fn a_token_goes_by_xoauth2_even_where_passwords_are_taken() {
    let acts = [
        hello("PLAIN LOGIN XOAUTH2"),
        vec![Act::Hear("AUTH XOAUTH2 "), say("235 2.7.0 in")],
    ]
    .concat();
    let server = Scripted::start(acts).await;
    drop(open(&server).await.unwrap());
    let message = BASE64_STANDARD.encode(format!("user=ada\u{1}auth=Bearer {TOKEN}\u{1}\u{1}"));
    assert!(
        server
            .heard()
            .await
            .contains(&format!("AUTH XOAUTH2 {message}\r\n"))
    );
}

#[tokio::test]
async fn a_refused_token_is_answered_to_its_end_and_says_to_sign_in_again() {
    let why = BASE64_STANDARD.encode(r#"{"status":"401","schemes":"bearer"}"#);
    let verdict = format!("535 5.7.8 the token {TOKEN} is no good");
    let ending = vec![
        Act::Hear("AUTH XOAUTH2 "),
        say(&format!("334 {why}")),
        Act::Hear("\r\n"),
        say(&verdict),
    ];
    let server = Scripted::start([hello("XOAUTH2"), ending].concat()).await;
    let failure = open(&server).await.unwrap_err().failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Auth, "535 5.7.8")
    );
    assert!(
        failure.detail.contains("Sign in again in the browser"),
        "{}",
        failure.detail
    );
    assert!(!failure.detail.contains(TOKEN));
    drop(server.heard().await);
}

#[tokio::test]
async fn a_token_is_never_given_to_a_server_that_takes_only_passwords() {
    let server = Scripted::start(hello("PLAIN LOGIN")).await;
    let failure = open(&server).await.unwrap_err().failure;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "no_mechanism")
    );
    assert!(!server.heard().await.contains("AUTH"));
}
