//! The SMTP server of the world, spoken to byte by byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use carillon_world::mailbox::Mailbox;
use carillon_world::{Answer, Options, Rule, Script, SmtpWorld, truth};
use std::path::PathBuf;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }
    fn log(&self) -> PathBuf {
        self.0.path().join("truth.jsonl")
    }
    fn options(&self) -> Options {
        Options::new(self.log())
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(world: &SmtpWorld) -> Client {
        let mut client = Client(BufReader::new(TcpStream::connect(world.address()).await.unwrap()));
        assert!(client.hear().await.starts_with("220 "));
        assert!(client.ask("EHLO test").await.starts_with("250"));
        client
    }

    /// A whole reply, or nothing where the server has left.
    async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.unwrap_or(0) == 0 {
                return reply;
            }
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    async fn tell(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    async fn ask(&mut self, line: &str) -> String {
        self.tell(format!("{line}\r\n").as_bytes()).await;
        self.hear().await
    }

    async fn send(&mut self, to: &str, body: &[u8]) -> String {
        assert!(self.ask("MAIL FROM:<a@example.com>").await.starts_with("250"));
        let rcpt = self.ask(&format!("RCPT TO:<{to}>")).await;
        if !rcpt.starts_with("250") {
            assert!(self.ask("RSET").await.starts_with("250"));
            return rcpt;
        }
        let data = self.ask("DATA").await;
        if !data.starts_with("354") {
            return data;
        }
        self.tell(body).await;
        self.hear().await
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_in_the_truth_log_and_in_the_mailbox() {
    let folder = Folder::new();
    let mailbox = folder.0.path().join("mail");
    let options = Options {
        mailbox: Some(mailbox.clone()),
        durable: true,
        ..folder.options()
    };
    let world = SmtpWorld::start(options).await.unwrap();
    let mut client = Client::connect(&world).await;
    let reply = client
        .send("b@example.com", b"Message-ID: <1@x>\r\n\r\n..dot\r\n.\r\n")
        .await;
    assert!(reply.starts_with("250 2.0.0 queued as "), "{reply}");

    let records = truth::read(&folder.log()).unwrap();
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record.message_id.as_deref(), Some("<1@x>"));
    assert_eq!(
        (record.mail_from.as_str(), record.rcpt_to.as_slice()),
        ("a@example.com", &["b@example.com".to_owned()][..])
    );
    let mailbox = Mailbox::open(&mailbox).unwrap();
    let message = mailbox.read(&mailbox.list().unwrap()[0]).unwrap().unwrap();
    assert_eq!(message, b"Message-ID: <1@x>\r\n\r\n.dot\r\n");
    assert_eq!(record.bytes, message.len() as u64);
    assert_eq!(record.blake3, blake3::hash(&message).to_hex().to_string());
    assert!(reply.contains(&record.queue_id) && record.told);
}

#[tokio::test]
async fn records_told_are_exactly_the_messages_acknowledged_under_many_clients_and_troubles() {
    let folder = Folder::new();
    let mut script = Script::usual();
    script.0.push(Rule::new(
        "late*",
        Answer::AtDot {
            reply: "554 5.6.0 no".into(),
        },
    ));
    script.0.push(Rule::new("mute*", Answer::Silent { kept: true }));
    script.0.push(Rule::new("void*", Answer::Silent { kept: false }));
    script.0.push(Rule::new("gone*", Answer::CloseAtData));
    let world = SmtpWorld::start(Options {
        script,
        ..folder.options()
    })
    .await
    .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for client_no in 0..8 {
        let mut client = Client::connect(&world).await;
        let address = world.address();
        tasks.spawn(async move {
            let mut acknowledged = 0;
            for n in 0..25 {
                let kind = [
                    "ok", "nouser", "full", "grey", "late", "ok", "mute", "void", "gone", "spam",
                ][n % 10];
                let reply = client
                    .send(&format!("{kind}{client_no}.{n}@example.com"), b"x\r\n.\r\n")
                    .await;
                acknowledged += u64::from(reply.starts_with("250"));
                if reply.is_empty() {
                    client = Client(BufReader::new(TcpStream::connect(address).await.unwrap()));
                    client.hear().await;
                    client.ask("EHLO again").await;
                }
            }
            acknowledged
        });
    }
    let acknowledged: u64 = tasks.join_all().await.into_iter().sum();
    assert_eq!(acknowledged, 8 * 5);
    assert_eq!(world.acknowledged(), acknowledged);
    world.stop().await;
    let records = truth::read(&folder.log()).unwrap();
    assert_eq!(
        records.iter().filter(|record| record.told).count() as u64,
        acknowledged
    );
    assert_eq!(records.iter().filter(|record| !record.told).count(), 8 * 2);
    assert!(
        records
            .iter()
            .filter(|record| !record.told)
            .all(|record| record.rcpt_to[0].starts_with("mute"))
    );
    let ids: std::collections::BTreeSet<_> = records.iter().map(|record| &record.queue_id).collect();
    assert_eq!(ids.len(), records.len());
}

#[tokio::test]
async fn a_greylisted_sender_is_taken_at_the_second_try() {
    let folder = Folder::new();
    let world = SmtpWorld::start(Options {
        script: Script::usual(),
        ..folder.options()
    })
    .await
    .unwrap();
    let mut client = Client::connect(&world).await;
    assert!(
        client
            .send("grey@example.com", b"")
            .await
            .starts_with("451 4.7.1")
    );
    assert!(
        client
            .send("GREY@example.com", b"x\r\n.\r\n")
            .await
            .starts_with("250")
    );
}

#[tokio::test]
async fn only_a_dot_between_two_whole_line_ends_is_the_end() {
    let folder = Folder::new();
    let world = SmtpWorld::start(folder.options()).await.unwrap();
    let mut client = Client::connect(&world).await;
    for smuggle in [
        &b"a\n.\nMAIL FROM:<x@y>\r\n.\r\n"[..],
        b"a\n.\r\n.\r\n",
        b"a\r.\r\n.\r\n",
        b"a\r\n.\n\r\n.\r\n",
        b"a\0\r\n.\r\n",
    ] {
        let reply = client.send("b@example.com", smuggle).await;
        assert!(reply.starts_with("550 5.6.0"), "{smuggle:?}: {reply}");
    }
    let reply = client
        .send("b@example.com", &[&[b'x'; 999][..], b"\r\n.\r\n"].concat())
        .await;
    assert!(reply.starts_with("550 5.6.0"), "{reply}");
    let reply = client
        .send("b@example.com", &[&[b'x'; 200_000][..], b".\r\n.\r\n"].concat())
        .await;
    assert!(reply.starts_with("550 5.6.0"), "{reply}");
    assert!(client.send("b@example.com", b".\r\n").await.starts_with("250"));
    assert_eq!(truth::read(&folder.log()).unwrap().len(), 1);
}

#[tokio::test]
async fn too_large_is_refused_by_its_size_and_by_its_bytes() {
    let folder = Folder::new();
    let world = SmtpWorld::start(Options {
        max_bytes: 100,
        ..folder.options()
    })
    .await
    .unwrap();
    let mut client = Client::connect(&world).await;
    assert!(
        client
            .ask("MAIL FROM:<a@example.com> SIZE=101")
            .await
            .starts_with("552 5.3.4")
    );
    let long = b"0123456789\r\n".repeat(10);
    assert!(
        client
            .send("b@example.com", &[&long[..], b".\r\n"].concat())
            .await
            .starts_with("552 5.3.4")
    );
}

#[tokio::test]
async fn a_message_whose_client_leaves_before_the_dot_is_nowhere() {
    let folder = Folder::new();
    let world = SmtpWorld::start(folder.options()).await.unwrap();
    let mut client = Client::connect(&world).await;
    client.ask("MAIL FROM:<a@example.com>").await;
    client.ask("RCPT TO:<b@example.com>").await;
    client.ask("DATA").await;
    client.tell(b"all of it\r\n").await;
    client.0.get_mut().shutdown().await.unwrap();
    assert_eq!(client.0.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(truth::read(&folder.log()).unwrap(), []);
}

#[tokio::test]
async fn without_the_password_nothing_is_taken() {
    let folder = Folder::new();
    let auth = Some(("ada".to_owned(), "geheim".to_owned()));
    let world = SmtpWorld::start(Options {
        auth,
        ..folder.options()
    })
    .await
    .unwrap();
    let mut client = Client::connect(&world).await;
    assert!(
        client
            .ask("MAIL FROM:<a@example.com>")
            .await
            .starts_with("530 5.7.0")
    );
    // "\0ada\0falsch"
    assert!(
        client
            .ask("AUTH PLAIN AGFkYQBmYWxzY2g=")
            .await
            .starts_with("535 5.7.8")
    );
    assert!(client.ask("AUTH LOGIN").await.starts_with("334 "));
    assert!(client.ask("YWRh").await.starts_with("334 "));
    assert!(client.ask("Z2VoZWlt").await.starts_with("235 "));
    assert!(
        client
            .send("b@example.com", b"x\r\n.\r\n")
            .await
            .starts_with("250")
    );
}

#[tokio::test]
async fn nonsense_is_answered_and_commands_out_of_order_are_refused() {
    let folder = Folder::new();
    let world = SmtpWorld::start(folder.options()).await.unwrap();
    let mut client = Client::connect(&world).await;
    for (line, code) in [
        ("BDAT 3", "502"),
        ("DATA", "503"),
        ("RCPT TO:<a@b>", "503"),
        ("MAIL FROM:a@b", "501"),
        ("MAIL FROM:<a@b> EVIL=1", "555"),
        ("STARTTLS", "502"),
        ("AUTH PLAIN x", "502"),
        ("EHLO", "501"),
        ("a\nb", "500"),
        ("\u{0}", "500"),
        ("", "502"),
    ] {
        assert!(client.ask(line).await.starts_with(code), "{line:?}");
    }
    client.tell(&[b'x'; 20_000]).await;
    assert!(client.hear().await.starts_with("500"));
    assert_eq!(client.hear().await, "");
}
