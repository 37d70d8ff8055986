//! STARTTLS and TLS: nothing is said in the clear, to nobody but the right server.

use super::scripted::{Act, Scripted, say};
use super::{FROM, TO, account, dialer, open, secret};
use carillon_adapters::channels::email::{Phase, Session};
use carillon_model::account::{Account, Tls};
use carillon_model::message::{Failure, FailureClass};
use carillon_world::{Options, Protection, SmtpWorld};
use tempfile::TempDir;

async fn world(protection: Protection, names: &[&str]) -> (SmtpWorld, TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        auth: Some(("ada".into(), "geheim".into())),
        protection: Some(protection),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::new(folder.path().join("truth.jsonl"))
    };
    let world = SmtpWorld::start(options).await.unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, world.certificate_pem().unwrap()).unwrap();
    let ca_file = ca_file.to_str().unwrap().to_owned();
    (world, folder, ca_file)
}

async fn refused(account: &Account, at: Phase) -> Failure {
    let stopped = open(account, Some("geheim")).await.unwrap_err();
    assert_eq!(stopped.phase, at, "{stopped:?}");
    stopped.failure
}

#[tokio::test]
async fn mail_goes_out_over_starttls_and_over_tls_with_a_password() {
    for (protection, tls) in [
        (Protection::Starttls, Tls::Starttls),
        (Protection::Implicit, Tls::Tls),
    ] {
        let (world, folder, ca_file) = world(protection, &[]).await;
        let user = "ada".to_owned();
        let account = Account {
            user,
            ca_file: Some(ca_file),
            ..account(world.address().port(), tls)
        };
        let session = open(&account, Some("geheim")).await.unwrap();
        let big = "0123456789abcdef\r\n".repeat(20_000);
        let finished = session
            .offer(FROM, TO, big.as_bytes())
            .await
            .unwrap()
            .finish()
            .await;
        assert!(finished.outcome.is_ok(), "{finished:?}");
        finished.session.unwrap().quit().await;
        let records = carillon_world::truth::read(&folder.path().join("truth.jsonl")).unwrap();
        assert_eq!((records.len(), records[0].bytes), (1, big.len() as u64));
        let failure = open(&account, Some("falsch")).await.unwrap_err().failure;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Auth, "535 5.7.8")
        );
    }
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_or_of_another_name_ends_it_before_the_password() {
    for (protection, tls) in [
        (Protection::Starttls, Tls::Starttls),
        (Protection::Implicit, Tls::Tls),
    ] {
        let (world, _folder, ca_file) = world(protection, &["mail.example.com"]).await;
        let account = Account {
            user: "ada".into(),
            ..account(world.address().port(), tls)
        };
        let untrusted = Account {
            ca_file: None,
            ..account.clone()
        };
        // Where a machine has no authorities at all, that is said instead.
        let failure = refused(&untrusted, Phase::Tls).await;
        assert_eq!(failure.class, FailureClass::Setup);
        assert!(
            ["certificate", "no_authorities"].contains(&failure.code.as_str()),
            "{failure:?}"
        );

        let here = vec!["127.0.0.1".parse().unwrap()];
        let dialer = dialer()
            .with_name("mail.example.com", here.clone())
            .with_name("other.example.com", here);
        let named = |host: &str| Account {
            host: host.into(),
            ca_file: Some(ca_file.clone()),
            ..account.clone()
        };
        let password = secret("geheim");
        assert!(
            Session::open(&named("mail.example.com"), Some(&password), &dialer)
                .await
                .is_ok()
        );
        let stopped = Session::open(&named("other.example.com"), Some(&password), &dialer)
            .await
            .unwrap_err();
        assert_eq!(
            (stopped.phase, stopped.failure.code.as_str()),
            (Phase::Tls, "certificate")
        );
        assert!(stopped.failure.detail.contains("not even the password"));
    }
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_a_matter_of_setup() {
    let folder = tempfile::tempdir().unwrap();
    let junk = folder.path().join("junk.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for content in ["", "hello", broken] {
        std::fs::write(&junk, content).unwrap();
        let account = Account {
            ca_file: junk.to_str().map(str::to_owned),
            ..account(1, Tls::Tls)
        };
        let failure = refused(&account, Phase::Tls).await;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Setup, "ca_file"),
            "{content}"
        );
    }
    for path in [folder.path().join("none.pem"), folder.path().to_owned()] {
        let account = Account {
            ca_file: path.to_str().map(str::to_owned),
            ..account(1, Tls::Tls)
        };
        assert_eq!(refused(&account, Phase::Tls).await.code, "ca_file");
    }
}

fn with_tls(server: &Scripted, tls: Tls, ca_file: &str) -> Account {
    Account {
        tls,
        user: "ada".into(),
        ca_file: Some(ca_file.to_owned()),
        ..server.account.clone()
    }
}

/// What a scripted server hears and the client says of it.
async fn scripted(acts: Vec<Act>, tls: Tls, at: Phase) -> (Failure, String) {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&ca_file, certificate.cert.pem()).unwrap();
    let server = Scripted::start(acts).await;
    let account = with_tls(&server, tls, ca_file.to_str().unwrap());
    let failure = refused(&account, at).await;
    (failure, server.heard().await)
}

fn hello(last: &str) -> Vec<Act> {
    vec![
        say("220 hi"),
        Act::Hear("EHLO "),
        Act::Say(format!("250-hi\r\n250-AUTH PLAIN\r\n250 {last}\r\n").into_bytes()),
    ]
}

#[tokio::test]
async fn a_starttls_that_was_taken_out_ends_it() {
    let (failure, heard) = scripted(hello("SIZE 100"), Tls::Starttls, Phase::Starttls).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "no_starttls")
    );
    assert_eq!(heard.lines().count(), 1, "{heard:?}");
}

#[tokio::test]
async fn what_was_slipped_in_behind_the_answer_to_starttls_ends_it() {
    let mut acts = hello("STARTTLS");
    acts.extend([
        Act::Hear("STARTTLS"),
        Act::Say(b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n".to_vec()),
    ]);
    let (failure, heard) = scripted(acts, Tls::Starttls, Phase::Starttls).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "starttls_injection")
    );
    assert!(heard.ends_with("STARTTLS\r\n"), "{heard:?}");
}

#[tokio::test]
async fn a_refused_starttls_is_passing_or_setup_by_its_code() {
    for (line, class) in [
        ("454 4.3.0 TLS not available", FailureClass::Transient),
        ("502 no", FailureClass::Setup),
    ] {
        let mut acts = hello("STARTTLS");
        acts.extend([Act::Hear("STARTTLS"), say(line)]);
        assert_eq!(
            scripted(acts, Tls::Starttls, Phase::Starttls).await.0.class,
            class
        );
    }
}

#[tokio::test]
async fn encryption_that_is_cut_off_is_passing_and_a_server_without_it_is_setup() {
    let mut cut = hello("STARTTLS");
    cut.extend([Act::Hear("STARTTLS"), say("220 go"), Act::Close]);
    let (failure, _) = scripted(cut, Tls::Starttls, Phase::Tls).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "tls_lost")
    );
    // A record header that promises more than comes.
    let half = vec![Act::Say(b"\x16\x03\x03\x00\x50\x02".to_vec()), Act::Close];
    let (failure, _) = scripted(half, Tls::Tls, Phase::Tls).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "tls_lost")
    );
    let (failure, _) = scripted(vec![say("220 plain SMTP here")], Tls::Tls, Phase::Tls).await;
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "not_tls")
    );
}
