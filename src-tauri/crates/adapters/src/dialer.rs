//! The one way to open a connection to the outside.
//!
//! A workspace with a virtual clock or of the sample, and every process with `CARILLON_LOOPBACK_ONLY` set, can reach
//! this machine only. What counts is the address that is dialled, never the name.

use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Environment variable that keeps a whole process on loopback: anything but empty or `0`.
pub const LOOPBACK_ONLY_VARIABLE: &str = "CARILLON_LOOPBACK_ONLY";

/// Head start of each address over the next (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// At most so many addresses of a name are tried.
const MOST_ADDRESSES: usize = 8;

/// Opens TCP connections, or refuses to.
#[derive(Clone, Debug)]
pub struct Dialer {
    loopback_only: bool,
    time_limit: Duration,
    names: BTreeMap<String, Vec<IpAddr>>,
}

impl Dialer {
    /// A dialer for a workspace. `loopback_only` is [`carillon_model::workspace::Workspace::loopback_only`]; the
    /// environment of the process can only tighten it.
    pub fn new(loopback_only: bool) -> Dialer {
        Dialer {
            loopback_only: loopback_only || process_is_loopback_only(),
            time_limit: Duration::from_secs(30),
            names: BTreeMap::new(),
        }
    }

    /// Limits name look-up and connecting together; 30 seconds unless said otherwise.
    pub fn with_time_limit(mut self, limit: Duration) -> Dialer {
        self.time_limit = limit;
        self
    }

    /// Answers for `name` with these addresses instead of asking the system, as a line in a hosts file would.
    /// The addresses are checked like any other.
    pub fn with_name(mut self, name: &str, addresses: Vec<IpAddr>) -> Dialer {
        self.names.insert(name.to_ascii_lowercase(), addresses);
        self
    }

    /// The same dialer, held to this machine: for work that was allowed because its server is here.
    pub fn held_to_loopback(mut self) -> Dialer {
        self.loopback_only = true;
        self
    }

    /// Whether connections to anything but this machine are refused.
    pub fn loopback_only(&self) -> bool {
        self.loopback_only
    }

    /// Connects to the first address of `host` that answers; each later one starts 250 ms after the one before.
    ///
    /// # Errors
    /// `Refused` when an address is not allowed (then none is tried), `Setup` when there is no such host,
    /// `Transient` when nothing answers.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        match timeout(self.time_limit, self.resolve_and_race(host, port)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure(
                FailureClass::Transient,
                "connect_timeout",
                format!(
                    "{host} did not answer on port {port} within {} seconds.",
                    self.time_limit.as_secs().max(1)
                ),
            )),
        }
    }

    /// The addresses of `host` that may be dialled, in the order to try them, at most eight: for the HTTP client,
    /// whose library opens its connections itself, to these addresses and no others.
    ///
    /// # Errors
    /// As [`Dialer::connect`]; nothing is dialled.
    pub(crate) async fn permitted(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let addresses = self.resolve(host, port).await?;
        for address in &addresses {
            permit(host, address.ip(), self.loopback_only)?;
        }
        Ok(interleaved(addresses))
    }

    async fn resolve_and_race(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        let addresses = self.permitted(host, port).await?;
        race(addresses)
            .await
            .map_err(|error| unanswered(host, port, &error))
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let name = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        if name.is_empty() || name.len() > 253 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(failure(
                FailureClass::Setup,
                "host",
                format!("“{host}” is not the name of a server."),
            ));
        }
        let addresses: Vec<SocketAddr> = match self.names.get(&name.to_ascii_lowercase()) {
            Some(known) => known.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
            None => tokio::net::lookup_host((name, port))
                .await
                .map_err(|error| unknown_name(name, &error))?
                .collect(),
        };
        if addresses.is_empty() {
            return Err(failure(
                FailureClass::Setup,
                "no_such_host",
                format!("The name {name} has no address. Check how it is spelled."),
            ));
        }
        Ok(addresses)
    }
}

/// Whether this process may reach nothing but loopback. Read once, at the first question.
pub fn process_is_loopback_only() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| means_loopback_only(std::env::var_os(LOOPBACK_ONLY_VARIABLE).as_deref()))
}

fn means_loopback_only(value: Option<&OsStr>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value != "0")
}

/// The rule, on an address that was resolved. A v4 address in v6 clothes (`::ffff:a.b.c.d`) counts as what it is.
fn permit(host: &str, address: IpAddr, loopback_only: bool) -> Result<(), Failure> {
    let address = address.to_canonical();
    if loopback_only && !address.is_loopback() {
        return Err(failure(
            FailureClass::Refused,
            "loopback_only",
            format!(
                "Not connected to {host} ({address}): this workspace reaches servers on this machine only. \
                 Sample workspaces and workspaces with a virtual clock never send to the outside."
            ),
        ));
    }
    let nobody = address.is_unspecified()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if nobody {
        return Err(failure(
            FailureClass::Refused,
            "address",
            format!("Not connected to {host}: {address} is not the address of one server."),
        ));
    }
    Ok(())
}

/// Families alternate, beginning with the one the system put first (RFC 8305 §4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) || mixed.len() >= MOST_ADDRESSES {
            mixed.truncate(MOST_ADDRESSES);
            return mixed;
        }
        mixed.extend(pair.0);
        mixed.extend(pair.1);
    }
}

async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.next() {
            Some(address) => {
                running.spawn(TcpStream::connect(address));
            }
            None if running.is_empty() => return Err(last),
            None => {}
        }
        let step = if waiting.len() > 0 {
            timeout(HEAD_START, running.join_next()).await.ok().flatten()
        } else {
            running.join_next().await
        };
        match step {
            Some(Ok(Ok(stream))) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Some(Ok(Err(error))) => last = error,
            Some(Err(_)) | None => {}
        }
    }
}

fn unanswered(host: &str, port: u16, error: &io::Error) -> Failure {
    let (code, why) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            "connection_refused",
            "nothing listens there, or a firewall says no",
        ),
        io::ErrorKind::TimedOut => ("connect_timeout", "no answer came"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            ("unreachable", "there is no way to it from this network")
        }
        _ => ("connect", "the connection failed"),
    };
    failure(
        FailureClass::Transient,
        code,
        format!("Could not reach {host} on port {port}: {why}."),
    )
}

/// The system says in words only whether a look-up may work later (`EAI_AGAIN`), and in its own language.
fn unknown_name(name: &str, error: &io::Error) -> Failure {
    if error.to_string().to_ascii_lowercase().contains("temporary") {
        failure(
            FailureClass::Transient,
            "name_lookup",
            format!("The address of {name} could not be looked up just now. This machine may be offline."),
        )
    } else {
        failure(
            FailureClass::Setup,
            "no_such_host",
            format!(
                "The name {name} is not known. Check how it is spelled, and that this machine is online."
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(address: &str, loopback_only: bool) -> Option<FailureClass> {
        permit("h", address.parse().expect("an address"), loopback_only)
            .err()
            .map(|f| f.class)
    }

    #[tokio::test]
    async fn a_name_that_leads_away_is_refused_once_the_dialer_is_held_to_this_machine() {
        let away = Dialer::new(false)
            .with_time_limit(Duration::from_millis(200))
            .with_name("localhost", vec!["192.0.2.1".parse().expect("an address")])
            .held_to_loopback();
        let refused = away.connect("localhost", 25).await.expect_err("it leads away");
        assert_eq!(refused.class, FailureClass::Refused);
    }

    #[test]
    fn only_loopback_addresses_pass_in_a_loopback_only_workspace() {
        for inside in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(class(inside, true), None, "{inside}");
        }
        for outside in [
            "203.0.113.7",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "::",
            "2001:db8::1",
            "fe80::1",
            "::ffff:203.0.113.7",
            "::ffff:0.0.0.0",
            "64:ff9b::7f00:1",
            "::127.0.0.1",
        ] {
            assert_eq!(class(outside, true), Some(FailureClass::Refused), "{outside}");
        }
    }

    #[test]
    fn any_single_host_passes_in_an_ordinary_workspace() {
        assert_eq!(class("203.0.113.7", false), None);
        assert_eq!(class("2001:db8::1", false), None);
        for nobody in [
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "::ffff:255.255.255.255",
        ] {
            assert_eq!(class(nobody, false), Some(FailureClass::Refused), "{nobody}");
        }
    }

    #[test]
    fn the_variable_is_off_only_when_unset_empty_or_zero() {
        assert!(!means_loopback_only(None));
        assert!(!means_loopback_only(Some(OsStr::new(""))));
        assert!(!means_loopback_only(Some(OsStr::new("0"))));
        for on in ["1", "true", "no", " ", "00"] {
            assert!(means_loopback_only(Some(OsStr::new(on))), "{on:?}");
        }
    }

    #[test]
    fn families_alternate_and_the_list_is_bounded() {
        let parse = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let mixed = interleaved(vec![
            parse("[::1]:1"),
            parse("[::2]:1"),
            parse("1.1.1.1:1"),
            parse("[::3]:1"),
        ]);
        assert_eq!(
            mixed,
            [
                parse("[::1]:1"),
                parse("1.1.1.1:1"),
                parse("[::2]:1"),
                parse("[::3]:1")
            ]
        );
        assert_eq!(interleaved(vec![parse("1.1.1.1:1"); 50]).len(), MOST_ADDRESSES);
    }
}
