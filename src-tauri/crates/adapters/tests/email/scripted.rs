//! A server that does exactly what a test tells it.

use carillon_model::account::{Account, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub enum Act {
    Say(Vec<u8>),
    /// One byte at a time, each on its way before the next.
    Trickle(Vec<u8>),
    /// Reads a line, which must begin like this; a client that has left ends the play.
    Hear(&'static str),
    /// Reads up to and including this.
    HearUntil(&'static [u8]),
    /// Closes at once; the acts after it are not played.
    Close,
}

pub fn say(line: &str) -> Act {
    Act::Say(format!("{line}\r\n").into_bytes())
}

/// A server for one connection, and all the bytes it heard until the client left.
pub struct Scripted {
    pub account: Account,
    heard: JoinHandle<Vec<u8>>,
}

impl Scripted {
    pub async fn start(acts: Vec<Act>) -> Scripted {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let account = super::account(listener.local_addr().unwrap().port(), Tls::None);
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            play(stream, acts).await
        });
        Scripted { account, heard }
    }

    /// What the client said, once it has left.
    pub async fn heard(self) -> String {
        String::from_utf8_lossy(&self.heard.await.unwrap()).into_owned()
    }
}

async fn play(mut stream: TcpStream, acts: Vec<Act>) -> Vec<u8> {
    stream.set_nodelay(true).unwrap();
    let mut heard = Vec::new();
    let mut taken = 0;
    for act in acts {
        match act {
            Act::Say(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return heard;
                }
            }
            Act::Trickle(bytes) => {
                for byte in bytes {
                    if stream.write_all(&[byte]).await.is_err() {
                        return heard;
                    }
                    tokio::time::sleep(std::time::Duration::from_micros(300)).await;
                }
            }
            Act::Hear(start) => {
                let line = hear_until(&mut stream, &mut heard, &mut taken, b"\r\n").await;
                if line.is_empty() {
                    return heard;
                }
                assert!(
                    line.starts_with(start.as_bytes()),
                    "{start} but {:?}",
                    String::from_utf8_lossy(&line)
                );
            }
            Act::HearUntil(end) => {
                hear_until(&mut stream, &mut heard, &mut taken, end).await;
            }
            Act::Close => return heard,
        }
    }
    while let Ok(n) = stream.read_buf(&mut heard).await {
        if n == 0 {
            break;
        }
    }
    heard
}

async fn hear_until(stream: &mut TcpStream, heard: &mut Vec<u8>, taken: &mut usize, end: &[u8]) -> Vec<u8> {
    loop {
        if let Some(at) = heard[*taken..].windows(end.len()).position(|part| part == end) {
            let part = heard[*taken..*taken + at + end.len()].to_vec();
            *taken += part.len();
            return part;
        }
        match stream.read_buf(heard).await {
            Ok(n) if n > 0 => {}
            _ => return Vec::new(),
        }
    }
}
