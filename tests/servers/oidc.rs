//! A real OpenID provider for one story, and a browser without a face.

use super::web::{Page, request};
use super::{Result, free_ports};
use carillon_xtask::children::Leashed;
use carillon_xtask::ground::root;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The provider of `ui/test/sign_in_provider.mjs`. It ends when this is dropped.
pub struct Oidc {
    _process: Leashed,
    port: u16,
}

impl Oidc {
    /// Starts it on a free port.
    pub fn start() -> Result<Oidc> {
        let ui = root().join("ui");
        if !ui.join("node_modules/oidc-provider").is_dir() {
            return Err(
                "The package oidc-provider is not in ui/node_modules; `cargo verify` installs it."
                    .to_string(),
            );
        }
        let [port] = free_ports()?;
        let mut command = Command::new("node");
        command
            .arg("test/sign_in_provider.mjs")
            .arg(port.to_string())
            .current_dir(ui)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = Leashed::spawn(&mut command)?;
        let out = process
            .child()
            .stdout
            .take()
            .ok_or("The provider says nothing.")?;
        let mut lines = BufReader::new(out).lines();
        loop {
            match lines.next() {
                Some(Ok(line)) if line == "ready" => break,
                Some(Ok(_)) => {}
                _ => return Err("The provider ended before it was ready.".to_string()),
            }
        }
        // It goes on writing, and must not wait for anybody to read.
        std::thread::spawn(move || lines.map_while(std::result::Result::ok).for_each(drop));
        Ok(Oidc {
            _process: process,
            port,
        })
    }

    pub fn authorize_url(&self) -> String {
        format!("http://127.0.0.1:{}/auth", self.port)
    }

    pub fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// Whether an access token is good now: it opens the page that says who somebody is.
    pub fn knows(&self, token: &str) -> Result<bool> {
        let url = format!("http://127.0.0.1:{}/me", self.port);
        let key = format!("Bearer {token}");
        let page = request("GET", &url, &[("Authorization", key.as_str())], "")?;
        Ok(page.status == 200)
    }

    /// Takes a token back (RFC 7009).
    pub fn revoke(&self, client: &str, token: &str) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/token/revocation", self.port);
        let page = ask(
            &url,
            Some(&format!("token={token}&client_id={client}")),
            &BTreeMap::new(),
        )?;
        (page.status == 200)
            .then_some(())
            .ok_or(format!("Not revoked: {page:?}"))
    }

    /// What a person does with a browser: opens the address, signs in as this one, says yes, and follows wherever it
    /// is sent. The last page.
    pub fn browse(&self, url: &str, person: &str) -> Result<Page> {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let (mut url, mut form) = (url.to_string(), None);
        for _ in 0..20 {
            let page = ask(&url, form.take().as_deref(), &cookies)?;
            if let Some(set) = page.headers.get("set-cookie") {
                for cookie in set.split('\n') {
                    let (name, value) = cookie
                        .split(';')
                        .next()
                        .unwrap_or("")
                        .split_once('=')
                        .unwrap_or(("", ""));
                    cookies.insert(name.trim().to_string(), value.to_string());
                }
            }
            if let Some(to) = page
                .headers
                .get("location")
                .filter(|_| (300..400).contains(&page.status))
            {
                url = match to.starts_with('/') {
                    true => format!("http://127.0.0.1:{}{to}", self.port),
                    false => to.clone(),
                };
            } else if page.text.contains("value=\"login\"") {
                form = Some(format!("prompt=login&login={person}&password=anything"));
            } else if page.text.contains("value=\"consent\"") {
                form = Some("prompt=consent".to_string());
            } else {
                return Ok(page);
            }
        }
        Err("The browser was sent round and round.".to_string())
    }
}

/// One request; with a form it is a POST.
pub fn ask(url: &str, form: Option<&str>, cookies: &BTreeMap<String, String>) -> Result<Page> {
    let jar: Vec<String> = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let jar = jar.join("; ");
    let headers = [
        ("Cookie", jar.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let method = if form.is_some() { "POST" } else { "GET" };
    request(method, url, &headers, form.unwrap_or_default())
}
