//! A sender who signs in in the browser instead of giving a password.

use super::studio::Studio;
use crate::terminal::until;
use carillon_tests::servers::Oidc;
use carillon_world::{Options, SmtpWorld, TokenCheck, truth};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// Longer than a token of the provider lives.
const A_TOKEN_LATER: Duration = Duration::from_secs(5);

#[test]
fn a_sender_signs_in_in_the_browser_and_goes_on_sending_when_the_first_token_is_over() {
    let oidc = Arc::new(Oidc::start().unwrap_or_else(|why| panic!("{why}")));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("truth.jsonl");
    let mut options = Options::new(&log);
    let provider = oidc.clone();
    options.tokens = Some(TokenCheck(Arc::new(move |user, token| {
        user == "ada" && provider.knows(token).unwrap_or(false)
    })));
    let server = runtime.block_on(SmtpWorld::start(options)).expect("a server");
    let studio = Studio::new(true);
    let auth = json!({ "kind": "oauth", "provider": {
        "kind": "other", "client_id": "open", "authorize_url": oidc.authorize_url(), "token_url": oidc.token_url(),
        "scopes": ["openid", "offline_access"], "redirect": "address", "has_client_secret": false,
        "parameters": [["prompt", "consent"]],
    } });
    let account = json!({ "account": {
        "name": "Shop", "host": "127.0.0.1", "port": server.address().port(), "tls": "none", "user": "ada", "auth": auth,
        "from_name": "Ember & Oak", "from_email": "hello@ember.example", "sessions": 1,
    } });
    let id = studio.mutate("accounts.add", account)["id"].clone();
    let test = json!({ "id": id, "to": "me@ember.example", "template": null });
    let tested = studio.mutate("accounts.test", test.clone());
    assert!(tested.to_string().contains("Sign in once"), "{tested}");

    let terminal = studio.terminal();
    let mut command = terminal.on_file(&["accounts", "sign-in", "Shop", "--passphrase-file"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut line, mut all) = (String::new(), String::new());
    let url = loop {
        line.clear();
        assert!(said.read_line(&mut line).expect("text") > 0, "it ended: {all}");
        all.push_str(&line);
        if let Some((_, url)) = line.split_once("open: ") {
            break url.trim().to_owned();
        }
    };
    let page = oidc.browse(&url, "ada").unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(child.wait().expect("its end").success());

    let tested = studio.mutate("accounts.test", test);
    assert_eq!(tested["ok"], true, "{tested}");
    studio.template("Hello", "Hello");
    studio.template("Second", "Again");
    let reader = "reader@people.example";
    studio.contact(reader);
    for name in ["Hello", "Second"] {
        studio.tag(reader, name);
        studio.one_mail(name, name, &json!({}));
        assert_eq!(studio.end(reader, name), "accepted", "{}", studio.log());
        std::thread::sleep(A_TOKEN_LATER);
    }
    until("all three are there", || {
        truth::read(&log).is_ok_and(|taken| taken.len() == 3)
    });
    let kept = std::fs::read(studio.file()).expect("the workspace");
    let text = String::from_utf8_lossy(&kept);
    assert!(
        !text.contains("\"refresh\""),
        "the sign-in is in no file but that of passwords"
    );
}
