//! A real mailbox is read: every mail once, at once, and without a trace.

use carillon_adapters::mailbox::imap::{Batch, Imap, Options, SpecialUse, Wake};
use carillon_adapters::oauth::preset;
use carillon_adapters::{Dialer, Secret};
use carillon_model::MailboxId;
use carillon_model::account::Tls;
use carillon_model::mailbox::{Auth, Mailbox, MailboxCursor};
use carillon_model::message::{Failure, FailureClass};
use carillon_tests::servers::{Dovecot, GOOD_TOKEN};
use chrono::{Days, NaiveDate, Utc};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn dovecot() -> Dovecot {
    Dovecot::start().unwrap_or_else(|why| panic!("{why}"))
}

fn mailbox(dovecot: &Dovecot, tls: Tls) -> Mailbox {
    Mailbox {
        id: MailboxId(1),
        name: "Studio".into(),
        host: "localhost".into(),
        port: if tls == Tls::Tls {
            dovecot.imaps()
        } else {
            dovecot.imap()
        },
        tls,
        user: dovecot.user().into(),
        auth: Auth::Password,
        folders: vec!["INBOX".into(), "Junk".into()],
        ca_file: Some(dovecot.authority().to_string_lossy().into_owned()),
    }
}

async fn open(mailbox: &Mailbox, word: &str) -> Result<Imap, Failure> {
    let secret = Secret::new(word.to_owned());
    Imap::open(mailbox, &secret, &Dialer::new(true), &Options::default()).await
}

async fn signed_in(dovecot: &Dovecot) -> Imap {
    open(&mailbox(dovecot, Tls::Tls), dovecot.password())
        .await
        .unwrap_or_else(|why| panic!("{why:?}"))
}

fn mail(n: usize) -> String {
    format!(
        "From: ada@example.com\r\nTo: studio@example.com\r\nSubject: mail {n}\r\nMessage-ID: <{n}@example.com>\r\n\r\n\
         This is mail {n}.\r\n"
    )
}

fn week_ago() -> Option<NaiveDate> {
    Utc::now().date_naive().checked_sub_days(Days::new(7))
}

async fn all(imap: &mut Imap, cursor: &mut MailboxCursor, most: usize) -> Vec<Batch> {
    let folder = cursor.folder.clone();
    let mut batches = Vec::new();
    loop {
        let batch = imap
            .fetch(&folder, cursor, most)
            .await
            .unwrap_or_else(|why| panic!("{why:?}"));
        *cursor = batch.next.clone();
        let more = batch.more;
        batches.push(batch);
        if !more {
            return batches;
        }
    }
}

fn subjects(batches: &[Batch]) -> Vec<String> {
    let subject = |raw: &[u8]| {
        let text = String::from_utf8_lossy(raw).into_owned();
        text.lines()
            .find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned))
            .unwrap_or_default()
    };
    batches
        .iter()
        .flat_map(|batch| &batch.mails)
        .map(|mail| subject(&mail.raw))
        .collect()
}

#[tokio::test]
async fn a_mailbox_opens_over_tls_and_over_starttls_and_shows_what_is_there() {
    let dovecot = dovecot();
    dovecot
        .reader()
        .and_then(|mut reader| reader.append("INBOX", &mail(1)))
        .expect("a mail");
    for tls in [Tls::Tls, Tls::Starttls] {
        let mut imap = open(&mailbox(&dovecot, tls), dovecot.password())
            .await
            .unwrap_or_else(|why| panic!("{why:?}"));
        let checked = imap.check().await.unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!((checked.mails, checked.listens), (1, true), "{checked:?}");
        assert!(checked.server.starts_with("Dovecot"), "{}", checked.server);
        for offered in ["CONDSTORE", "QRESYNC", "SPECIAL-USE"] {
            assert!(
                checked
                    .capabilities
                    .iter()
                    .any(|capability| capability == offered),
                "{offered}"
            );
        }
        let uses: Vec<_> = checked
            .folders
            .iter()
            .map(|folder| (folder.name.as_str(), folder.special_use))
            .collect();
        assert_eq!(
            uses,
            [
                ("INBOX", None),
                ("Junk", Some(SpecialUse::Junk)),
                ("Sent", Some(SpecialUse::Sent))
            ]
        );
        imap.log_out().await;
    }
    let mut absent = mailbox(&dovecot, Tls::Tls);
    absent.folders = vec!["INBOX".into(), "Spam".into()];
    let failure = open(&absent, dovecot.password())
        .await
        .expect("open")
        .check()
        .await
        .expect_err("no such folder");
    assert_eq!(failure.class, FailureClass::Setup);
    assert!(
        failure.detail.contains("Spam") && failure.detail.contains("renamed"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn a_wrong_password_a_wrong_certificate_and_a_wrong_kind_of_encryption_each_say_what_to_do() {
    let dovecot = dovecot();
    for tls in [Tls::Tls, Tls::Starttls] {
        let failure = open(&mailbox(&dovecot, tls), "no such word")
            .await
            .expect_err("refused");
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Auth, "AUTHENTICATIONFAILED")
        );
        assert!(
            failure.detail.contains("enter the password again"),
            "{}",
            failure.detail
        );
        assert!(!failure.detail.contains("no such word"));

        let untrusted = Mailbox {
            ca_file: None,
            ..mailbox(&dovecot, tls)
        };
        let failure = open(&untrusted, dovecot.password())
            .await
            .expect_err("not trusted");
        assert_eq!(failure.class, FailureClass::Setup);
        // Where a machine has no authorities at all, that is said instead.
        assert!(
            ["certificate", "no_authorities"].contains(&failure.code.as_str()),
            "{failure:?}"
        );
    }
    let crossed = Mailbox {
        port: dovecot.imap(),
        ..mailbox(&dovecot, Tls::Tls)
    };
    let failure = open(&crossed, dovecot.password())
        .await
        .expect_err("no TLS there");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (FailureClass::Setup, "not_tls")
    );
    assert!(failure.detail.contains("993"), "{}", failure.detail);
}

#[tokio::test]
async fn a_token_opens_the_mailbox_and_one_that_is_over_says_to_sign_in_again() {
    let dovecot = dovecot();
    let mut here = mailbox(&dovecot, Tls::Tls);
    here.auth = Auth::OAuth {
        provider: preset("google").expect("Google").provider("id"),
    };
    let mut imap = open(&here, GOOD_TOKEN)
        .await
        .unwrap_or_else(|why| panic!("{why:?}\n{}", dovecot.log()));
    assert_eq!(imap.check().await.expect("checked").mails, 0);
    let failure = open(&here, "another-token").await.expect_err("refused");
    assert_eq!(failure.class, FailureClass::Auth, "{failure:?}");
    assert!(failure.detail.contains("Sign in again"), "{}", failure.detail);
    assert!(!failure.detail.contains("another-token"));
}

#[tokio::test]
async fn new_mail_ends_the_wait_at_once_and_is_there() {
    let dovecot = dovecot();
    let mut reader = dovecot.reader().expect("a reader");
    let mut imap = signed_in(&dovecot).await;
    let mut cursor = MailboxCursor::start("INBOX", None);
    assert!(subjects(&all(&mut imap, &mut cursor, 10).await).is_empty());
    assert_eq!(imap.wait(Duration::from_millis(300)).await, Ok(Wake::Time));
    for n in 1..=3 {
        let sender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            reader.append("INBOX", &mail(n)).expect("appended");
            reader
        });
        let begun = Instant::now();
        assert_eq!(imap.wait(Duration::from_secs(120)).await, Ok(Wake::Mail));
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "told by IDLE: {:?}",
            begun.elapsed()
        );
        assert_eq!(
            subjects(&all(&mut imap, &mut cursor, 10).await),
            [format!("mail {n}")]
        );
        reader = sender.join().expect("sent");
    }
    // What comes between reading and waiting is not waited for.
    reader.append("INBOX", &mail(4)).expect("appended");
    assert_eq!(imap.wait(Duration::from_secs(120)).await, Ok(Wake::Mail));
}

#[tokio::test]
async fn two_thousand_mails_come_in_batches_each_exactly_once_and_stay_unread() {
    let dovecot = dovecot();
    let mut reader = dovecot.reader().expect("a reader");
    for n in 0..2000 {
        reader.append("INBOX", &mail(n)).expect("appended");
    }
    let mut cursor = MailboxCursor::start("INBOX", week_ago());
    let mut found = Vec::new();
    let mut sessions = 0;
    loop {
        let mut imap = signed_in(&dovecot).await;
        sessions += 1;
        let mut more = true;
        for _ in 0..3 {
            let batch = imap
                .fetch("INBOX", &cursor, 150)
                .await
                .unwrap_or_else(|why| panic!("{why:?}"));
            assert!(batch.mails.len() <= 150 && batch.unreadable.is_empty());
            assert!(
                batch
                    .mails
                    .iter()
                    .all(|mail| mail.whole && mail.internal_date.is_some())
            );
            // The cursor is kept between sessions, as the workspace file does.
            let text = serde_json::to_string(&batch.next).expect("a cursor");
            cursor = serde_json::from_str(&text).expect("a cursor");
            more = batch.more;
            found.extend(subjects(&[batch]));
            if !more {
                break;
            }
        }
        if !more {
            break;
        }
    }
    assert_eq!(sessions, 5);
    let expected: Vec<String> = (0..2000).map(|n| format!("mail {n}")).collect();
    assert_eq!(found, expected);

    let mut imap = signed_in(&dovecot).await;
    let mod_seq = cursor.mod_seq;
    assert!(mod_seq.is_some(), "the server counts changes");
    assert!(subjects(&all(&mut imap, &mut cursor, 500).await).is_empty());
    for n in 2000..2003 {
        reader.append("INBOX", &mail(n)).expect("appended");
    }
    let new: Vec<String> = (2000..2003).map(|n| format!("mail {n}")).collect();
    assert_eq!(subjects(&all(&mut imap, &mut cursor, 2).await), new);
    assert!(cursor.mod_seq > mod_seq);
    assert_eq!(reader.unseen("INBOX"), Ok(2003));
}

#[tokio::test]
async fn a_folder_that_is_numbered_anew_is_read_again_and_every_mail_is_recognised() {
    let dovecot = dovecot();
    let mut reader = dovecot.reader().expect("a reader");
    reader.create("Work").expect("a box");
    for n in 0..5 {
        reader.append("Work", &mail(n)).expect("appended");
    }
    let mut imap = signed_in(&dovecot).await;
    let mut cursor = MailboxCursor::start("Work", week_ago());
    let keys = |batches: &[Batch]| -> BTreeSet<[u8; 16]> {
        batches
            .iter()
            .flat_map(|batch| &batch.mails)
            .map(|mail| mail.key)
            .collect()
    };
    let before = keys(&all(&mut imap, &mut cursor, 2).await);
    assert_eq!(before.len(), 5);
    let validity = cursor.uid_validity;
    drop(imap);

    reader.remove("Work").expect("gone");
    reader.create("Work").expect("a box");
    for n in (0..7).rev() {
        reader.append("Work", &mail(n)).expect("appended");
    }
    let mut imap = signed_in(&dovecot).await;
    let after = keys(&all(&mut imap, &mut cursor, 3).await);
    assert_ne!(cursor.uid_validity, validity);
    assert_eq!(after.difference(&before).count(), 2, "two are new");
    assert!(before.is_subset(&after));
    assert!(
        all(&mut imap, &mut cursor, 3)
            .await
            .iter()
            .all(|batch| batch.mails.is_empty())
    );
}

#[tokio::test]
async fn the_junk_folder_is_read_beside_the_inbox_and_a_huge_mail_in_part() {
    let dovecot = dovecot();
    let mut reader = dovecot.reader().expect("a reader");
    let mut imap = signed_in(&dovecot).await;
    let (mut inbox, mut junk) = (
        MailboxCursor::start("INBOX", None),
        MailboxCursor::start("Junk", None),
    );
    for round in 0..3 {
        let (one, two) = (
            all(&mut imap, &mut inbox, 9).await,
            all(&mut imap, &mut junk, 9).await,
        );
        let expected = if round == 0 { 0 } else { 1 };
        assert_eq!(
            (subjects(&one).len(), subjects(&two).len()),
            (expected, expected),
            "{round}"
        );
        reader.append("INBOX", &mail(round)).expect("appended");
        reader.append("Junk", &mail(100 + round)).expect("appended");
    }
    all(&mut imap, &mut junk, 9).await;
    let huge = format!("{}{}", mail(500), "0123456789abcde\r\n".repeat(200_000));
    reader.append("Junk", &huge).expect("appended");
    let batches = all(&mut imap, &mut junk, 9).await;
    let mail = &batches[0].mails[0];
    assert_eq!((mail.whole, mail.raw.len()), (false, 1 << 20));
    assert_eq!(mail.raw, huge.as_bytes()[..1 << 20]);
}

/// Passes a connection on to a port, and cuts it once so many bytes came back.
async fn cutting(to: u16, after: usize) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.expect("somebody");
        let mut far = TcpStream::connect(("127.0.0.1", to)).await.expect("the server");
        let (mut there, mut back) = (vec![0; 4096], vec![0; 4096]);
        let mut passed = 0;
        loop {
            tokio::select! {
                read = near.read(&mut there) => match read {
                    Ok(n) if n > 0 => far.write_all(&there[..n]).await.expect("passed on"),
                    _ => return,
                },
                read = far.read(&mut back) => match read {
                    Ok(n) if n > 0 && passed < after => {
                        passed += n;
                        near.write_all(&back[..n]).await.expect("passed back");
                    }
                    _ => return,
                },
            }
        }
    });
    port
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing() {
    let dovecot = dovecot();
    let mut reader = dovecot.reader().expect("a reader");
    for n in 0..30 {
        reader
            .append("INBOX", &format!("{}{}", mail(n), "some text\r\n".repeat(1000)))
            .expect("appended");
    }
    let mut cursor = MailboxCursor::start("INBOX", week_ago());
    let mut found = Vec::new();
    let mut cuts = 0;
    // 30 mails of 11 KB, ten in a batch: some connections end in the middle of one.
    for after in [40_000, 90_000, 150_000, 200_000, usize::MAX] {
        let through = Mailbox {
            port: cutting(dovecot.imaps(), after).await,
            ..mailbox(&dovecot, Tls::Tls)
        };
        let mut imap = open(&through, dovecot.password()).await.expect("open");
        loop {
            match imap.fetch("INBOX", &cursor, 10).await {
                Ok(batch) => {
                    cursor = batch.next.clone();
                    let more = batch.more;
                    found.extend(subjects(&[batch]));
                    if !more {
                        break;
                    }
                }
                Err(failure) => {
                    assert_eq!(
                        (failure.class, failure.code.as_str()),
                        (FailureClass::Transient, "connection_lost")
                    );
                    cuts += 1;
                    break;
                }
            }
        }
    }
    assert!(cuts >= 2, "{cuts}");
    assert_eq!(found, (0..30).map(|n| format!("mail {n}")).collect::<Vec<_>>());
}
