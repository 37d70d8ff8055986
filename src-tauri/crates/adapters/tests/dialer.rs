//! The dialer keeps to this machine when it must, and nothing goes round it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use carillon_adapters::Dialer;
use carillon_adapters::dialer::{LOOPBACK_ONLY_VARIABLE, process_is_loopback_only};
use carillon_model::message::FailureClass;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::net::TcpListener;

/// Addresses for documentation (RFC 5737, RFC 3849): were they dialled, nobody would answer.
const OUTSIDE: [&str; 4] = [
    "203.0.113.7",
    "::ffff:203.0.113.7",
    "2001:db8::7",
    "[2001:db8::7]",
];

async fn class(dialer: &Dialer, host: &str, port: u16) -> Option<FailureClass> {
    dialer
        .connect(host, port)
        .await
        .err()
        .map(|failure| failure.class)
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn a_loopback_only_dialer_reaches_this_machine_by_any_of_its_names() {
    let (_listener, port) = listener().await;
    let dialer = Dialer::new(true).with_name("mail.example.com", vec!["127.0.0.1".parse().unwrap()]);
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "::ffff:127.0.0.1",
        "MAIL.example.com",
    ] {
        assert_eq!(class(&dialer, host, port).await, None, "{host}");
    }
}

#[tokio::test]
async fn a_loopback_only_dialer_refuses_public_addresses_however_they_are_written() {
    for host in OUTSIDE {
        let failure = Dialer::new(true).connect(host, 587).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Refused, "loopback_only"),
            "{host}"
        );
        assert!(failure.detail.contains("this machine only"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_name_counts_as_what_it_resolves_to_and_one_outside_address_is_enough() {
    let (_listener, port) = listener().await;
    let addresses = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| text.parse().unwrap())
            .collect::<Vec<IpAddr>>()
    };
    for resolved in [
        &["203.0.113.7"][..],
        &["::ffff:203.0.113.7"],
        &["127.0.0.1", "203.0.113.7"],
        &["0.0.0.0"],
    ] {
        for name in ["localhost", "smtp.example.com"] {
            let dialer = Dialer::new(true).with_name(name, addresses(resolved));
            assert_eq!(
                class(&dialer, name, port).await,
                Some(FailureClass::Refused),
                "{name} {resolved:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_host_is_a_matter_of_setup_and_a_closed_port_may_open_later() {
    let dialer = Dialer::new(true).with_name("none.example.com", Vec::new());
    for host in ["", "a b", "a\r\nb", "none.example.com", &"a".repeat(300)] {
        assert_eq!(
            class(&dialer, host, 25).await,
            Some(FailureClass::Setup),
            "{host:?}"
        );
    }
    let (listener, port) = listener().await;
    drop(listener);
    let failure = dialer.connect("127.0.0.1", port).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Transient, "connection_refused")
    );
}

#[tokio::test]
async fn where_one_address_does_not_answer_the_next_is_tried() {
    let (_listener, port) = listener().await;
    let addresses = vec![
        "::1".parse().unwrap(),
        "127.9.9.9".parse().unwrap(),
        "127.0.0.1".parse().unwrap(),
    ];
    let stream = Dialer::new(true)
        .with_name("many.example.com", addresses)
        .connect("many.example.com", port)
        .await;
    assert_eq!(
        stream.unwrap().peer_addr().unwrap().to_string(),
        format!("127.0.0.1:{port}")
    );
}

/// The variable is read once, so a process of its own is started with it: this test again.
#[test]
fn the_variable_keeps_a_whole_process_on_loopback() {
    const CHILD: &str = "CARILLON_TEST_DIALER_CHILD";
    if std::env::var_os(CHILD).is_some() {
        assert!(process_is_loopback_only());
        let dialer = Dialer::new(false);
        assert!(dialer.loopback_only());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for host in OUTSIDE {
            assert_eq!(
                runtime.block_on(class(&dialer, host, 587)),
                Some(FailureClass::Refused),
                "{host}"
            );
        }
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_variable_keeps_a_whole_process_on_loopback",
            "--nocapture",
        ])
        .env(LOOPBACK_ONLY_VARIABLE, "1")
        .env(CHILD, "1")
        .status();
    assert!(status.unwrap().success());
}

/// What opens connections, or would bring in a library that does.
const DOORS: [&str; 10] = [
    "TcpStream::connect",
    "TcpSocket",
    "UdpSocket",
    "lookup_host",
    "ToSocketAddrs",
    "to_socket_addrs",
    "reqwest",
    "ureq::",
    "hyper::client",
    "hyper_util::client",
];

#[test]
fn no_file_but_the_dialer_opens_a_connection() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates.map(|entry| entry.unwrap().path().join("src")).collect();
    folders.push(root.join("src"));
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources.push(path);
            }
        }
    }
    let dialer = sources
        .iter()
        .position(|path| path.ends_with("adapters/src/dialer.rs"))
        .expect("the dialer is there");
    let dialer = sources.remove(dialer);
    assert!(
        std::fs::read_to_string(dialer).unwrap().contains(DOORS[0]),
        "the search finds what it looks for"
    );
    assert!(sources.len() > 20, "the sources are there: {}", sources.len());
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            // The tool that drives tests is no part of the product; it speaks to this machine by its number.
            let tool = path.iter().any(|part| part == "xtask")
                && code.contains("TcpStream::connect((Ipv4Addr::LOCALHOST,");
            // Speaks over a connection it is given, and opens none.
            let given = code.contains("hyper::client::conn::http1");
            let door = DOORS.iter().find(|door| code.contains(**door) && !tool && !given);
            assert_eq!(
                door,
                None,
                "{}:{} goes round the dialer",
                path.display(),
                number + 1
            );
        }
    }
}
