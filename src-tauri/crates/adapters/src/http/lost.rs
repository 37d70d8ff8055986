//! What it means that a request got no answer.

use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use std::error::Error;
use std::fmt;
use std::io;

/// A refusal of the dialer on its way through the library's errors.
#[derive(Debug)]
pub(super) struct Barred(pub Failure);

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Error for Barred {}

/// How far a request had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing of it was written.
    Connecting,
    /// The server may have it, whole or in part.
    Written,
}

/// The failure behind an error of the library. Its own words are never repeated: they hold the URL.
pub(super) fn failure_of(
    host: &str,
    reach: Reach,
    timed_out: bool,
    error: &(dyn Error + 'static),
) -> Failure {
    let mut kind = None;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(Barred(failure)) = error.downcast_ref() {
            return failure.clone();
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            let innermost = innermost(io);
            if let Some(tls) = innermost.get_ref().and_then(|inner| inner.downcast_ref()) {
                return encryption(host, tls);
            }
            kind = Some(innermost.kind());
        }
        next = error.source();
    }
    if timed_out {
        return no_answer_in_time(host);
    }
    let (code, why) = match (kind, reach) {
        (Some(io::ErrorKind::ConnectionRefused), _) => (
            "connection_refused",
            "nothing listens there, or a firewall says no",
        ),
        (Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable), _) => {
            ("unreachable", "there is no way to it from this network")
        }
        (_, Reach::Connecting) => ("connect", "the connection failed"),
        (_, Reach::Written) => (
            "connection_lost",
            "the connection ended before the answer was whole",
        ),
    };
    failure(
        FailureClass::Transient,
        code,
        format!("Could not reach {host}: {why}."),
    )
}

/// Layers wrap one error of the system in another, which `source` skips.
fn innermost(error: &io::Error) -> &io::Error {
    let mut innermost = error;
    while let Some(deeper) = innermost.get_ref().and_then(|inner| inner.downcast_ref()) {
        innermost = deeper;
    }
    innermost
}

/// The time of a request is over.
pub(super) fn no_answer_in_time(host: &str) -> Failure {
    failure(
        FailureClass::Transient,
        "timeout",
        format!("{host} did not answer in time."),
    )
}

fn encryption(host: &str, error: &rustls::Error) -> Failure {
    let (code, why) = match error {
        rustls::Error::InvalidCertificate(fault) => (
            "certificate",
            format!("its certificate is not trusted ({fault}). Nothing was sent"),
        ),
        rustls::Error::InvalidMessage(_) => ("not_tls", "it does not speak https on this port".to_owned()),
        fault => ("tls", format!("encryption could not be agreed on ({fault})")),
    };
    failure(
        FailureClass::Setup,
        code,
        format!("Not connected to {host}: {why}."),
    )
}

/// What may have reached the server is not to be done twice by itself.
pub(super) fn unknown(host: &str, cause: &Failure) -> Failure {
    failure(
        FailureClass::Unknown,
        cause.code.clone(),
        format!(
            "Whether {host} did it is not known: its answer did not come whole. {}",
            cause.detail
        ),
    )
}
