//! Links, mutated: 20,000 in every run, as many as CARILLON_MUTATIONS says when it is set (a million were run once).

use crate::ground::{ADDRESS, Ground, parse};
use carillon_relay::tokens::Payload;
use chrono::{TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn mutate(link: &str, others: &[String], dice: &mut StdRng) -> String {
    let mut bytes = link.as_bytes().to_vec();
    for _ in 0..dice.random_range(1..=3) {
        let at = dice.random_range(1..bytes.len());
        let letter = ALPHABET[dice.random_range(0..ALPHABET.len())];
        match dice.random_range(0..9) {
            0 => bytes[at] = letter,
            1 => bytes.insert(at, letter),
            2 if bytes.len() > 4 => {
                bytes.remove(at);
            }
            3 => bytes.truncate(at.max(2)),
            4 => bytes[1] = b"ucohpk"[dice.random_range(0..6)],
            5 => {
                // The head of one link on the tail of another: blobs and keys change places.
                let other = others[dice.random_range(0..others.len())].as_bytes();
                let cut = dice.random_range(1..other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[cut..]);
            }
            6 => bytes.extend_from_slice(b"?url=https://evil.example/"),
            7 => bytes.extend_from_slice(b"%2e%2e%2fevil"),
            _ => {
                let other = dice.random_range(1..bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// One keep-alive connection.
struct Line(TcpStream);

impl Line {
    async fn ask(&mut self, method: &str, target: &str) -> crate::ground::Answer {
        let body = if method == "POST" {
            "List-Unsubscribe=One-Click&preferences=1"
        } else {
            ""
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
        loop {
            let count = self.0.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the relay closed on {method} {target}");
            bytes.extend_from_slice(&buffer[..count]);
            let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .map_or(0, |l| l.parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return parse(&bytes);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutated_link_leads_anywhere_or_opens_another_persons_page() {
    let ground = Ground::new().await;
    let count: u64 = std::env::var("CARILLON_MUTATIONS").map_or(20_000, |n| n.parse().expect("a number"));
    let choices = carillon_model::relay::Choices {
        topics: vec![3],
        ..Default::default()
    };
    let mut links = Vec::new();
    for person in 0..4u8 {
        let address = [person; 16];
        for payload in [
            Payload::Unsubscribe { address, scope: 0 },
            Payload::Click {
                link: 0,
                url: format!("https://shop.example/{person}"),
            },
            Payload::Open,
            Payload::Hidden,
            Payload::Preferences {
                address,
                choices: choices.clone(),
                made_at: ground.now(),
            },
            Payload::Confirm {
                address: ADDRESS,
                list: 1,
                expires_at: ground.now() + TimeDelta::days(7),
            },
        ] {
            links.push(ground.link_of(&[person; 16], &payload));
        }
    }
    let seed = Utc::now().timestamp_millis() as u64;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut line = Line(TcpStream::connect(ground.at).await.unwrap());
    let (mut changed, mut posts) = (0, 0);
    for _ in 0..count {
        let link = links[dice.random_range(0..links.len())].clone();
        let mutant = mutate(&link, &links, &mut dice);
        // What comes out as a link that was minted, its query apart, is no mutant.
        if links.iter().any(|l| mutant.split('?').next() == Some(l)) {
            continue;
        }
        changed += 1;
        let method = ["GET", "POST"][dice.random_range(0..2)];
        posts += u64::from(method == "POST");
        let answer = line.ask(method, &mutant).await;
        assert!(
            matches!(answer.status, 400 | 404 | 405 | 414),
            "seed {seed}: {method} {mutant} of {link} was answered {}",
            answer.head
        );
        assert_eq!(answer.header("location"), None, "seed {seed}: {mutant}");
        if answer.status == 400 && answer.body.is_empty() {
            // Not even HTTP: the connection ends.
            line = Line(TcpStream::connect(ground.at).await.unwrap());
        }
    }
    assert!(
        changed * 10 > count * 9 && posts * 5 > count,
        "{changed} of {count}, {posts} posts"
    );
    assert_eq!(ground.whats().await, [], "seed {seed}: nothing was written down");
    println!("{changed} mutants, seed {seed}");
}
