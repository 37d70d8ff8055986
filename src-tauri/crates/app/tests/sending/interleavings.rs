//! Opt-outs that come while a message is on its way: each is committed at a known place of the conversation with the
//! server, which holds its answer until then. So it is known what may have left, and what may not.

use crate::gate::jump;
use crate::shop::{FOOT, Shop};
use crate::trial;
use base64::Engine;
use carillon_app::App;
use carillon_app::table::{Call, Kind, Window};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "no_message_leaves_once_its_opt_out_is_committed_wherever_it_stands",
        interleaved,
    )]
}

/// Where in the conversation the opt-out is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    AtSender,
    AtRecipient,
    AtData,
    /// The dot was written: the message had left.
    AfterDot,
    /// Nobody opts out.
    Never,
}

const PLACES: [Place; 5] = [
    Place::AtSender,
    Place::AtRecipient,
    Place::AtData,
    Place::AfterDot,
    Place::Never,
];

/// The number of a test's contact, drawn so that neighbours differ.
fn place_of(n: usize) -> Place {
    PLACES[(n.wrapping_mul(0x9E37_79B9) >> 7) % PLACES.len()]
}

/// Who says no, and how, in a committed write.
async fn opt_out(app: &App, n: usize) {
    let email = format!("c{n}@example.com");
    let call = async |kind: Kind, name: &str, args: Value| {
        let call = Call {
            kind,
            name: name.to_owned(),
            args,
        };
        app.call(Window::Terminal, call).await.unwrap()
    };
    match n % 3 {
        0 => {
            let listed = json!({ "email": email, "reason": "manual", "source": "a letter" });
            call(Kind::Mutate, "suppressions.add", listed).await;
        }
        1 => {
            let found = call(Kind::Query, "contacts.find", json!({ "email": email })).await;
            let withdrawn = json!({
                "contact": found["id"], "channel": "email", "purpose": "marketing", "action": "withdrawn",
                "basis": "consent", "wording": null, "source": "a call",
            });
            call(Kind::Mutate, "consents.add", withdrawn).await;
        }
        _ => {
            let wish = format!(
                "From: {email}\r\nTo: hello@ember.example\r\nSubject: unsubscribe\r\nMessage-ID: <wish.{n}@example.com>\r\n\r\nunsubscribe\r\n"
            );
            let raw = base64::engine::general_purpose::STANDARD.encode(wish);
            let taken = call(Kind::Mutate, "responses.take_in_mail", json!({ "raw": raw })).await;
            assert_eq!(taken, json!({ "kind": "unsubscribe", "kept": 1 }));
        }
    }
}

/// What the server has taken: how often from each contact.
type Taken = Arc<Mutex<BTreeMap<usize, u32>>>;

/// A server that lets people opt out in the middle of a conversation. One message a connection is enough for it.
async fn converse(stream: TcpStream, app: App, taken: Taken) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 there ESMTP\r\n").await?;
    let (mut line, mut who) = (String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = line.trim_end().to_ascii_uppercase();
        let answer: &[u8] = if word.starts_with("EHLO") {
            b"250 there\r\n"
        } else if word.starts_with("MAIL") {
            b"250 ok\r\n"
        } else if word.starts_with("RCPT") {
            let digits: String = line
                .chars()
                .skip_while(|c| !c.is_ascii_digit())
                .take_while(char::is_ascii_digit)
                .collect();
            who = digits.parse().unwrap();
            // The sender was said before: what is committed now is committed before anything of the message is.
            if matches!(place_of(who), Place::AtSender | Place::AtRecipient) {
                opt_out(&app, who).await;
            }
            b"250 ok\r\n"
        } else if word.starts_with("DATA") {
            if place_of(who) == Place::AtData {
                opt_out(&app, who).await;
            }
            stream.write_all(b"354 go on\r\n").await?;
            loop {
                line.clear();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
            }
            if place_of(who) == Place::AfterDot {
                opt_out(&app, who).await;
            }
            *taken.lock().unwrap().entry(who).or_default() += 1;
            b"250 taken\r\n"
        } else if word.starts_with("QUIT") {
            stream.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            b"250 ok\r\n"
        };
        stream.write_all(answer).await?;
    }
}

/// `CARILLON_CASES` asks for more, or fewer.
fn cases() -> usize {
    std::env::var("CARILLON_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_500)
}

async fn interleaved() {
    let shop = Shop::new(|_| {}).await;
    let n = cases();
    shop.people(n).await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let (app, log) = (shop.studio.app.clone(), taken.clone());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, app.clone(), log.clone()));
        }
    });
    let mut account = shop.account();
    account["port"] = json!(port);
    account["sessions"] = json!(4);
    account["per_minute"] = json!(1_000_000);
    account["per_day"] = json!(1_000_000);
    shop.studio
        .mutate("accounts.update", json!({ "id": 1, "account": account }))
        .await;
    shop.write_to_all().await;
    shop.run().await;
    // A machine that is busy may have put some off.
    jump(&shop, "2026-03-01T02:00:00Z").await;
    serving.abort();
    let taken = taken.lock().unwrap().clone();
    let mut by_place: BTreeMap<Place, (usize, usize)> = BTreeMap::new();
    for who in 1..=n {
        let count = taken.get(&who).copied().unwrap_or(0);
        let place = place_of(who);
        let may = matches!(place, Place::AfterDot | Place::Never);
        assert_eq!(count, u32::from(may), "c{who}, who opted out {place:?}");
        let seen = by_place.entry(place).or_default();
        seen.0 += 1;
        seen.1 += count as usize;
    }
    assert_eq!(by_place.len(), PLACES.len(), "{by_place:?}");
    let left: usize = by_place.values().map(|(_, left)| left).sum();
    assert_eq!(shop.in_state("accepted").await, left as u64);
    assert_eq!(shop.in_state("suppressed").await, (n - left) as u64);
}
