//! HTTP/1.1 as a program on this machine speaks it: one request, one connection, no redirect followed.

use super::Result;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    /// By name in lower case; several of one name stand on lines of their own.
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

/// Asks for an address of this machine, `http://...`.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Page> {
    let rest = url
        .strip_prefix("http://")
        .ok_or(format!("{url} leads elsewhere."))?;
    let (host, path) = match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('?') => (&rest[..at], format!("/{}", &rest[at..])),
        Some(at) => (&rest[..at], rest[at..].to_string()),
        None => (rest, "/".to_string()),
    };
    let mut stream = TcpStream::connect(host).map_err(|e| format!("{host}: {e}"))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .map_err(|e| e.to_string())?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(whole.as_bytes()).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    read(&String::from_utf8_lossy(&bytes)).ok_or(format!("{host} said nothing."))
}

fn read(answer: &str) -> Option<Page> {
    let (head, text) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        let entry = headers.entry(name.to_ascii_lowercase()).or_default();
        if !entry.is_empty() {
            entry.push('\n');
        }
        entry.push_str(value.trim());
    }
    Some(Page {
        status,
        headers,
        text: text.to_string(),
    })
}
