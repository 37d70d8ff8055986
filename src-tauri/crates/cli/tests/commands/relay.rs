//! Two machines at one relay, from the command line.

use crate::terminal::{Running, Said, Terminal};
use carillon_relay::{Clock, Config, Handle, Limits, Relay, serve};
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

const PASSPHRASE: &str = "told on the phone";

/// A relay on this machine.
struct Ear {
    served: Handle,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Ear {
    fn new() -> Ear {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let at = listener.local_addr().unwrap();
        let config = Config {
            listen: at,
            public_url: format!("http://{at}"),
            data: folder.path().join("data"),
            behind_proxy: false,
            tls: None,
            limits: Limits::for_practice(),
        };
        let _guard = runtime.enter();
        let relay = Relay::open(config, Clock::system()).unwrap();
        let served = serve(Arc::new(relay), listener).unwrap();
        drop(_guard);
        Ear {
            served,
            runtime,
            _folder: folder,
        }
    }

    fn code(&self) -> String {
        let made = self.runtime.block_on(self.served.relay().add_tenant());
        made.unwrap().to_string()
    }
}

fn with_input(at: &Terminal, words: &[&str], input: &str) -> Said {
    let mut command = at.command(words);
    command
        .env("CARILLON_PASSPHRASE", "four words nobody knows")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever is refused before it reads its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Running::of(child).end()
}

#[test]
fn another_machine_comes_in_by_an_invitation_that_no_argument_has_and_no_screen_shows_unasked() {
    let ear = Ear::new();
    let at = Terminal::new();
    at.json(&["workspaces", "create", "shop.carillon"]);
    let paired = with_input(&at, &["relay", "pair", "--passphrase-file"], &ear.code());
    assert_eq!(paired.code, Some(0), "{}", paired.err);

    let invite = ["relay", "invite", "Office", "--to", "invitation.txt"];
    let made = with_input(&at, &invite, PASSPHRASE);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let file = at.path("invitation.txt");
    let invitation = std::fs::read_to_string(&file).unwrap();
    assert!(
        invitation.len() > 100 && !made.out.contains(invitation.trim()),
        "{}",
        made.out
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let again = with_input(&at, &invite, PASSPHRASE);
    assert_eq!(
        again.code,
        Some(1),
        "another file is not written over: {}",
        again.out
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), invitation);
    at.wrong(&["relay", "invite", "Office"]);
    at.wrong(&["relay", "join", invitation.trim()]);
    let shown = with_input(&at, &["relay", "invite", "Van", "--print"], PASSPHRASE);
    assert!(shown.out.trim().len() > 100, "{}", shown.err);

    // The other machine has a copy of the workspace, and keys of its own.
    at.json(&["backup", "copy.carillon"]);
    let join = ["-w", "copy.carillon", "relay", "join", "--passphrase-file"];
    let alone = with_input(&at, &join, &invitation);
    assert!(alone.err.contains("not both came"), "{}", alone.err);
    let wrong = with_input(&at, &join, &format!("{invitation}another phrase"));
    assert_eq!(wrong.code, Some(1), "{}", wrong.out);
    let joined = with_input(&at, &join, &format!("{invitation}{PASSPHRASE}\n"));
    assert_eq!(joined.code, Some(0), "{}", joined.err);
    let tested = with_input(&at, &["-w", "copy.carillon", "relay", "test"], "");
    assert_eq!(tested.code, Some(0), "{}", tested.err);
}
