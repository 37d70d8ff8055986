//! `carillon-relay`: a small public server that hears what people answer while the laptop sleeps, and knows nobody.
//!
//! - [`tokens`]: links the studio mints and the relay checks.
//! - [`log`]: a tenant's file: sealed events, appended durably before anybody is answered.
//! - [`serve`]: the server, on a listener it is given; also inside the studio, on loopback and a virtual clock.
//!
//! A stolen disk gives counts and times. It gives no address, no click target and nothing a form was filled with: those
//! are sealed to the workspace's key, and addresses are hashes under a key that never leaves the studio.

pub mod config;
mod door;
mod facts;
mod limits;
pub mod log;
mod pages;
mod routes;
mod seal;
mod signed;
mod tenant;
pub mod tokens;
mod words;

pub use config::{Clock, Config, Limits, MOMENT_HEADER, TlsFiles};
pub use door::{Handle, serve};
pub use seal::{SealError, SealingKey};
pub use tenant::{Relay, RelayError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;

/// Random bytes of the system, as base64url.
///
/// # Panics
/// When the system has no randomness: nothing here may go on without.
pub(crate) fn random_word(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    OsRng
        .try_fill_bytes(&mut random)
        .expect("the system gives random bytes");
    URL_SAFE_NO_PAD.encode(random)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}

/// SHA-256, its first sixteen bytes.
pub(crate) fn digest16(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        // Lengths first, so that no two lists of parts are the same bytes.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&context.finish().as_ref()[..16]);
    first
}
