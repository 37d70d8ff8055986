//! Where the client goes and where it does not.

use crate::{Scripted, answer, client};
use carillon_adapters::http::Options;
use carillon_adapters::{Dialer, Http, Secret};
use carillon_model::message::FailureClass;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn refusal(http: &Http, url: &str) -> (FailureClass, String) {
    let failure = http.get(url).send().await.unwrap_err().failure;
    (failure.class, failure.code)
}

#[tokio::test]
async fn a_loopback_only_client_refuses_outside_addresses_however_they_are_written() {
    for url in [
        "https://203.0.113.7/",
        "http://203.0.113.7/",
        "https://0xcb007107/",
        "https://3405803783/",
        "https://203.0.28935/",
        "https://203.0.113.7./",
        "https://[::ffff:203.0.113.7]/",
        "https://[2001:db8::7]/",
        "http://0.0.0.0/",
        "https://169.254.169.254/latest/meta-data/",
        "https://⑳③.0.113.7/",
    ] {
        let (class, code) = refusal(&client().await, url).await;
        assert_eq!(
            (class, code.as_str()),
            (FailureClass::Refused, "loopback_only"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_name_counts_as_what_it_resolves_to() {
    let outside: IpAddr = "203.0.113.7".parse().unwrap();
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    for addresses in [vec![outside], vec![here, outside]] {
        let dialer = Dialer::new(true).with_name("api.example.com", addresses);
        let http = Http::new(dialer).await;
        for url in ["https://api.example.com/", "https://API.example.com:8443/x"] {
            assert_eq!(refusal(&http, url).await.0, FailureClass::Refused, "{url}");
        }
    }
}

#[tokio::test]
async fn the_answer_of_a_name_is_the_only_place_it_leads_to() {
    let server = Scripted::start(answer("200 OK", "", "here")).await;
    let dialer = Dialer::new(true).with_name("api.example.com", vec!["127.0.0.1".parse().unwrap()]);
    let url = format!("http://api.example.com:{}/", server.port());
    let answer = Http::new(dialer).await.get(&url).send().await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "here"));
}

#[tokio::test]
async fn without_encryption_only_this_machine_is_reached_in_an_ordinary_workspace_too() {
    let outside = vec!["203.0.113.7".parse().unwrap()];
    let http = Http::new(Dialer::new(false).with_name("api.example.com", outside)).await;
    for url in [
        "http://203.0.113.7/",
        "http://api.example.com/",
        "http://[2001:db8::7]/",
    ] {
        let (class, code) = refusal(&http, url).await;
        // A process that is held to this machine says so first.
        let expected = match Dialer::new(false).loopback_only() {
            true => (FailureClass::Refused, "loopback_only"),
            false => (FailureClass::Setup, "plain_http"),
        };
        assert_eq!((class, code.as_str()), expected, "{url}");
    }
}

#[tokio::test]
async fn what_is_no_web_address_is_a_matter_of_setup_and_is_not_repeated() {
    for url in [
        "",
        "api.example.com",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://user:hunter2@127.0.0.1/",
        "http:///",
        "data:text/plain,hunter2",
    ] {
        let failed = client().await.get(url).send().await.unwrap_err();
        assert_eq!(failed.failure.class, FailureClass::Setup, "{url}");
        assert!(
            !failed.failure.detail.contains("hunter2"),
            "{}",
            failed.failure.detail
        );
    }
}

/// Proxies come from the environment of a process, so this test starts itself again with them.
#[test]
fn proxies_of_the_environment_are_not_used_unless_they_are_asked_for() {
    const CHILD: &str = "CARILLON_TEST_HTTP_CHILD";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(port) = std::env::var(CHILD) {
        runtime.block_on(async {
            let direct = Scripted::start(answer("200 OK", "", "direct")).await;
            let answer = client().await.get(&direct.url("/")).send().await.unwrap();
            assert_eq!(answer.text(), "direct");
            let closed = format!("https://localhost:{port}/");
            let asked = Options {
                system_proxies: true,
                ..Options::default()
            };
            for http in [client().await, Http::with(Dialer::new(true), &asked).await] {
                http.get(&closed).send().await.unwrap_err();
            }
        });
        return;
    }
    runtime.block_on(async {
        let proxy = Scripted::start(answer("200 OK", "", "proxied")).await;
        let unused = TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args([
                "--exact",
                "rules::proxies_of_the_environment_are_not_used_unless_they_are_asked_for",
            ])
            .env(CHILD, unused.to_string())
            .envs(
                [
                    "HTTP_PROXY",
                    "HTTPS_PROXY",
                    "ALL_PROXY",
                    "http_proxy",
                    "https_proxy",
                    "all_proxy",
                ]
                .map(|name| (name, proxy.url(""))),
            )
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        let status = tokio::task::spawn_blocking(move || child.status().unwrap())
            .await
            .unwrap();
        assert!(status.success());
        assert_eq!(proxy.connections(), 0, "nobody asked for the proxy");
    });
}

/// A server with a certificate for `localhost` of an authority of its own.
async fn encrypted() -> (u16, String) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let server_key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&server_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut head = [0; 2048];
                let _some = stream.read(&mut head).await;
                stream
                    .write_all(answer("200 OK", "", "sealed").as_bytes())
                    .await
                    .ok();
                stream.shutdown().await.ok();
            }
        }
    });
    (port, root.pem())
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_system_and_the_file_that_is_named() {
    let (port, pem) = encrypted().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authority.pem");
    std::fs::write(&file, pem).unwrap();
    let url = format!("https://localhost:{port}/");
    let with = |path: &std::path::Path| Options {
        ca_file: Some(path.to_string_lossy().into_owned()),
        ..Options::default()
    };
    let here = || Dialer::new(true).with_name("other.example.com", vec!["127.0.0.1".parse().unwrap()]);

    let trusting = Http::with(here(), &with(&file)).await;
    let answer = trusting
        .get(&url)
        .bearer(&Secret::new("hunter2".into()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text(), "sealed");

    let other_name = format!("https://other.example.com:{port}/");
    assert_eq!(refusal(&trusting, &other_name).await.1, "certificate");
    let (class, code) = refusal(&client().await, &url).await;
    // A machine without any authorities of its own says so instead.
    assert_eq!(class, FailureClass::Setup);
    assert!(code == "certificate" || code == "no_authorities", "{code}");

    let nowhere = Http::with(here(), &with(&dir.path().join("none.pem"))).await;
    assert_eq!(
        refusal(&nowhere, &url).await,
        (FailureClass::Setup, "ca_file".to_owned())
    );
    let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        // It speaks first, in the clear.
        let (mut stream, _) = plain.accept().await.unwrap();
        stream
            .write_all(b"220 mail.example.com ESMTP ready to serve\r\n")
            .await
            .ok();
        let _some = stream.read(&mut [0; 2048]).await;
    });
    assert_eq!(
        refusal(&trusting, &format!("https://localhost:{port}/")).await.1,
        "not_tls"
    );
}
