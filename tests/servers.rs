//! Real servers for one test: each in a private folder, on free ports of this machine, ended when it is dropped.

mod certificate;
mod conversation;
mod dovecot;
mod imap;
mod keyring;
mod line;
mod mail;
mod oidc;
mod relay;
mod remote;
mod submit;
mod web;

pub use dovecot::{Dovecot, GOOD_TOKEN};
pub use imap::{Imap, Letter};
pub use keyring::Keyring;
pub use line::Line;
pub use mail::{Mail, OWN_DOMAIN, Submission};
pub use oidc::{Oidc, ask};
pub use relay::Relay;
pub use remote::{Arrived, Remote};
pub use submit::Sender;
pub use web::{Page, request};

/// What goes wrong is told in plain sentences.
pub type Result<T> = std::result::Result<T, String>;

/// So many different ports of this machine that were free a moment ago.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // All are held at once, so that no two are the same.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .map_err(|e| format!("There is no free port on this machine: {e}"))?;
        *port = listener.local_addr().map_err(|e| e.to_string())?.port();
        held.push(listener);
    }
    Ok(ports)
}
