//! The relay under load and SIGKILL, for `cargo xtask bench relay`: `relay_bench DIR PROGRAM SECS CLIENTS KILL_SECS`.
//!
//! Each client says things of its own over a connection it keeps, half of them unsubscribes and half clicks, none twice.
//! A laptop pulls and acknowledges meanwhile. At the end everything that was pulled is opened and compared with what was
//! answered: nothing answered may be missing, nothing may be there twice.

use carillon_adapters::Dialer;
use carillon_adapters::relays::{Cursor, History, RelayClient, RelaySecrets};
use carillon_model::relay::{PairingCode, SealedEvent, What};
use carillon_relay::tokens::{Payload, TokenKey};
use carillon_relay::{Config, Limits};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Anything<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, program, secs, clients, kill_secs] = args.as_slice() else {
        return Err("relay_bench DIR PROGRAM SECS CLIENTS KILL_SECS".into());
    };
    let (secs, clients, kill_secs): (u64, u64, u64) = (secs.parse()?, clients.parse()?, kill_secs.parse()?);
    let relay = Relay::set_up(Path::new(dir), program)?;
    let secrets = RelaySecrets::generate().map_err(|f| f.detail)?;
    let mut child = relay.start().await?;
    let (studio, _) = RelayClient::pair(Dialer::new(true), &relay.code, &secrets, "laptop", None)
        .await
        .map_err(|f| f.detail)?;
    let over = Arc::new(AtomicBool::new(false));
    let key = token_key(&secrets)?;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..clients {
        running.spawn(client(
            relay.at,
            key.clone(),
            relay.code.tenant.clone(),
            n,
            over.clone(),
        ));
    }
    let pulled = Path::new(dir).join("pulled.jsonl");
    let laptop = tokio::spawn(pull(studio, pulled.clone(), over.clone()));

    let started = Instant::now();
    let (mut kills, mut down) = (0, Duration::ZERO);
    while started.elapsed() < Duration::from_secs(secs) {
        tokio::time::sleep(Duration::from_secs(kill_secs).min(Duration::from_secs(secs) - started.elapsed()))
            .await;
        if started.elapsed() >= Duration::from_secs(secs) {
            break;
        }
        child.kill()?;
        child.wait()?;
        kills += 1;
        let killed = Instant::now();
        child = relay.start().await?;
        down += killed.elapsed();
    }
    let took = started.elapsed();
    over.store(true, Ordering::SeqCst);
    let (mut answered, mut latencies) = (HashSet::new(), Vec::new());
    for (ids, times) in running.join_all().await {
        answered.extend(ids);
        latencies.extend(times);
    }
    let (studio, anew) = laptop.await??;
    child.kill()?;
    child.wait()?;
    report(
        &Run {
            took,
            down,
            kills,
            anew,
        },
        &answered,
        latencies,
        &studio,
        &pulled,
    )
}

struct Relay {
    program: PathBuf,
    config: PathBuf,
    at: SocketAddr,
    code: PairingCode,
}

impl Relay {
    fn set_up(dir: &Path, program: &str) -> Anything<Relay> {
        std::fs::create_dir_all(dir)?;
        let at = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = Config {
            listen: at,
            public_url: format!("http://{at}"),
            data: dir.join("data"),
            behind_proxy: false,
            tls: None,
            limits: Limits {
                connections_per_address: 10_000,
                quota_bytes: 64 << 30,
                ..Limits::for_practice()
            },
        };
        let file = dir.join("relay.toml");
        std::fs::write(&file, toml::to_string(&config)?)?;
        let said = Command::new(program)
            .arg("--config")
            .arg(&file)
            .arg("tenant")
            .output()?;
        let said = String::from_utf8(said.stdout)?;
        let code = said
            .lines()
            .find_map(|line| line.parse().ok())
            .ok_or("no pairing code")?;
        Ok(Relay {
            program: program.into(),
            config: file,
            at,
            code,
        })
    }

    async fn start(&self) -> Anything<Child> {
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(&self.config)
            .arg("run")
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        for _ in 0..6_000 {
            if TcpStream::connect(self.at).await.is_ok() {
                return Ok(child);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("the relay does not listen".into())
    }
}

fn token_key(secrets: &RelaySecrets) -> Anything<TokenKey> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(secrets.tokens[0].expose())?;
    Ok(TokenKey::new(bytes.try_into().map_err(|_| "a key has 32 bytes")?))
}

/// Ids that were answered, and microseconds of each answer.
async fn client(
    at: SocketAddr,
    key: TokenKey,
    tenant: String,
    n: u64,
    over: Arc<AtomicBool>,
) -> (Vec<u64>, Vec<u32>) {
    let (mut ids, mut times) = (Vec::new(), Vec::new());
    let mut next = n << 40;
    while !over.load(Ordering::SeqCst) {
        let Ok(mut line) = TcpStream::connect(at).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        line.set_nodelay(true).ok();
        while !over.load(Ordering::SeqCst) {
            next += 1;
            let request = request(&key, &tenant, next);
            let started = Instant::now();
            match said(&mut line, request.as_bytes()).await {
                Some(200 | 302) => {
                    ids.push(next);
                    times.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                _ => break,
            }
        }
    }
    (ids, times)
}

fn request(key: &TokenKey, tenant: &str, id: u64) -> String {
    let mut block = [0; 16];
    block[..8].copy_from_slice(&id.to_be_bytes());
    let (method, payload, body) = if id.is_multiple_of(2) {
        let payload = Payload::Unsubscribe {
            address: block,
            scope: 0,
        };
        ("POST", payload, "List-Unsubscribe=One-Click")
    } else {
        let url = format!("https://shop.example/offer?id={id}");
        ("GET", Payload::Click { link: 0, url }, "")
    };
    let link = key.mint(tenant, &block, &payload).unwrap_or_default();
    format!(
        "{method} {link} HTTP/1.1\r\nhost: relay\r\nuser-agent: bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status of a whole answer; nothing when the line was cut before its end.
async fn said(line: &mut TcpStream, request: &[u8]) -> Option<u16> {
    line.write_all(request).await.ok()?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8 * 1024]);
    loop {
        let count = line.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "))
            .map_or(0, |l| l.parse().unwrap_or(0));
        if bytes.len() >= end + 4 + length {
            return head.split(' ').nth(1)?.parse().ok();
        }
    }
}

/// Pulls until the load is over and nothing is left. Every event goes to a file before it is acknowledged. Says how
/// often the relay was not the one that was read.
async fn pull(studio: RelayClient, file: PathBuf, over: Arc<AtomicBool>) -> Anything<(RelayClient, u64)> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    let (mut cursor, mut anew) = (Cursor::default(), 0);
    loop {
        let last = over.load(Ordering::SeqCst);
        let Ok(pulled) = studio.pull(cursor.seq, 1_000, 0).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if cursor.judge(&pulled) != History::Goes {
            anew += 1;
            cursor = Cursor::default();
            continue;
        }
        for event in &pulled.events {
            serde_json::to_writer(&mut out, event)?;
            out.write_all(b"\n")?;
        }
        if pulled.events.is_empty() {
            if last {
                out.flush()?;
                return Ok((studio, anew));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        cursor = cursor.after(&pulled);
        out.flush()?;
        // One that is cut by a kill is made up for by the next.
        studio.ack(&cursor.epoch, cursor.seq).await.ok();
    }
}

struct Run {
    took: Duration,
    down: Duration,
    kills: u64,
    anew: u64,
}

fn report(
    run: &Run,
    answered: &HashSet<u64>,
    mut latencies: Vec<u32>,
    studio: &RelayClient,
    pulled: &Path,
) -> Anything<()> {
    let (mut identities, mut ids, mut twice) = (HashSet::new(), HashSet::new(), 0u64);
    for line in BufReader::new(std::fs::File::open(pulled)?).lines() {
        let event: SealedEvent = serde_json::from_str(&line?)?;
        if !identities.insert((event.epoch.clone(), event.seq)) {
            continue;
        }
        let hit = studio.open(&event).map_err(|f| f.detail)?.hit;
        let id = match &hit.what {
            What::Unsubscribe { token, .. } | What::Click { token, .. } => {
                u64::from_str_radix(&token[..16], 16)?
            }
            other => return Err(format!("nobody said {other:?}").into()),
        };
        twice += u64::from(!ids.insert(id));
    }
    let lost = answered.difference(&ids).count();
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = (latencies.len().saturating_sub(1)) as f64 * share;
        latencies.get(place as usize).copied().unwrap_or_default() as f64 / 1_000.0
    };
    let up = (run.took - run.down).as_secs_f64();
    let right = lost == 0 && twice == 0 && run.anew == 0 && !answered.is_empty();
    eprintln!(
        "{} answered, {} pulled, {} kills, {:.1} s down, lost {lost}, twice {twice}, histories {}",
        answered.len(),
        ids.len(),
        run.kills,
        run.down.as_secs_f64(),
        run.anew
    );
    for (name, ours, unit) in [
        ("relay.acked", answered.len() as f64 / up, "events/s"),
        ("relay.p50", at(0.5), "ms"),
        ("relay.p99", at(0.99), "ms"),
        ("relay.lost", lost as f64, "events"),
        ("relay.twice", twice as f64, "events"),
        ("relay.kills", run.kills as f64, "kills"),
    ] {
        let line = serde_json::json!({ "bench": name, "ours": ours, "unit": unit, "checked": right });
        println!("{line}");
    }
    Ok(())
}
