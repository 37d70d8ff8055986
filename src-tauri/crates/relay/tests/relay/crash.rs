//! The program itself: set up by its own command, killed in the middle, started again.

use crate::ground::{Answer, key_of, say};
use carillon_adapters::Dialer;
use carillon_adapters::relays::{RelayClient, RelaySecrets};
use carillon_model::relay::{PairingCode, What};
use carillon_relay::tokens::{Payload, TokenKey};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;

pub struct Program {
    pub at: SocketAddr,
    pub config: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// A program that was not started, on a port that was free a moment ago.
    pub fn beside(folder: &Path) -> Program {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        Program {
            at: port,
            config: folder.join("relay.toml"),
            child: None,
        }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carillon-relay"));
        command.arg("--config").arg(&self.config).env("RUST_LOG", "error");
        command
    }

    pub fn init(&self, data: &Path) -> String {
        let output = self
            .command()
            .args([
                "init",
                "--url",
                &format!("http://{}", self.at),
                "--listen",
                &self.at.to_string(),
                "--data",
            ])
            .arg(data)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub async fn start(&mut self, command: &mut Command) {
        self.child = Some(command.stdin(Stdio::null()).spawn().unwrap());
        for _ in 0..3_000 {
            if TcpStream::connect(self.at).await.is_ok() {
                return;
            }
            assert!(
                self.child.as_mut().unwrap().try_wait().unwrap().is_none(),
                "it ended"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the relay never listened");
    }

    /// SIGKILL: nothing gets a last word.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The code in what `init` printed.
pub fn code(said: &str) -> PairingCode {
    said.lines()
        .find_map(|line| line.parse().ok())
        .expect("a pairing code")
}

pub fn unsubscribe(key: &TokenKey, tenant: &str, n: u64) -> String {
    let mut address = [0; 16];
    address[..8].copy_from_slice(&n.to_be_bytes());
    key.mint(tenant, &address, &Payload::Unsubscribe { address, scope: 0 })
        .unwrap()
}

pub async fn post(at: SocketAddr, link: &str) -> Option<Answer> {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let link = link.to_owned();
    // A connection that is cut by a kill gives no answer; the task's panic is that.
    tokio::spawn(async move { say(at, "POST", &link, &form, b"List-Unsubscribe=One-Click").await })
        .await
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_a_kill_is_pulled_after_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::beside(folder.path());
    let said = program.init(&folder.path().join("data"));
    for part in ["[Service]", "reverse_proxy", "IN  A", "/health"] {
        assert!(said.contains(part), "{said}");
    }
    let code = code(&said);
    let mut command = program.command();
    command.arg("run");
    program.start(&mut command).await;
    let secrets = RelaySecrets::generate().unwrap();
    let (studio, _) = RelayClient::pair(Dialer::new(true), &code, &secrets, "laptop", None)
        .await
        .unwrap();
    let key = key_of(&secrets, 0);
    let mut answered = BTreeSet::new();
    for life in 0..3u64 {
        let mut posts = tokio::task::JoinSet::new();
        for n in 0..200 {
            let n = life * 1_000 + n;
            let link = unsubscribe(&key, &code.tenant, n);
            let at = program.at;
            posts.spawn(async move {
                tokio::time::sleep(Duration::from_millis(n % 1_000 * 3)).await;
                post(at, &link).await.filter(|a| a.status == 200).map(|_| n)
            });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        program.kill();
        let done = posts.join_all().await;
        answered.extend(done.into_iter().flatten());
        let mut command = program.command();
        command.arg("run");
        program.start(&mut command).await;
    }
    assert!(
        (30..600).contains(&answered.len()),
        "{} were answered",
        answered.len()
    );
    let pulled = studio.pull(0, 1_000, 0).await.unwrap();
    let mut kept = Vec::new();
    for event in &pulled.events {
        if let What::Unsubscribe { address, .. } = studio.open(event).unwrap().hit.what {
            kept.push(u64::from_str_radix(&address[..16], 16).unwrap());
        }
    }
    let once: BTreeSet<u64> = kept.iter().copied().collect();
    assert_eq!(once.len(), kept.len(), "none twice");
    assert_eq!(answered.difference(&once).count(), 0, "none lost");
    let second = program.command().arg("run").output().unwrap();
    assert!(!second.status.success(), "one relay at a time");
    let status = String::from_utf8(program.command().arg("status").output().unwrap().stdout).unwrap();
    assert!(
        status.starts_with("running") && status.contains(&format!("{} events kept", kept.len())),
        "{status}"
    );
}
