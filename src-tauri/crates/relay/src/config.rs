//! What a relay is told when it starts, and the clock it goes by.

use carillon_model::Moment;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything a relay needs to know before it opens its door. On a server it is a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens. Loopback when something in front of it speaks TLS.
    pub listen: SocketAddr,
    /// Where the world reaches it, without a slash at the end.
    pub public_url: String,
    /// The folder of its files, one folder a tenant.
    pub data: PathBuf,
    /// A proxy on this machine tells the visitor's address in X-Forwarded-For.
    #[serde(default)]
    pub behind_proxy: bool,
    /// Certificate chain and key, PEM. None: something in front speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    #[serde(default)]
    pub limits: Limits,
}

/// The files of a certificate; they are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How much of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections open at a time, from everywhere.
    pub connections: usize,
    /// Connections open at a time from one address (a proxy's own does not count).
    pub connections_per_address: usize,
    /// Requests a second one address may make, in the long run.
    pub requests_per_second: f64,
    /// Forms, failed keys and unknown links a minute from one address.
    pub attempts_per_minute: f64,
    /// Forms, page views and events a second of one tenant.
    pub events_per_second: f64,
    /// Bytes of a body.
    pub body: usize,
    /// Seconds until a request's headers must have come, and until its body must have.
    pub read_secs: u64,
    /// Bytes one tenant's file may take before pixels, then clicks are no longer written down.
    pub quota_bytes: u64,
    /// Bytes kept free beside them, on the disk as well, for unsubscribes, preferences, confirmations and forms.
    pub reserve_bytes: u64,
    /// Days an acknowledged event is still kept.
    pub grace_days: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 2_048,
            connections_per_address: 128,
            requests_per_second: 50.0,
            attempts_per_minute: 20.0,
            events_per_second: 500.0,
            body: 64 * 1024,
            read_secs: 10,
            quota_bytes: 1 << 30,
            reserve_bytes: 8 << 20,
            grace_days: 7,
        }
    }
}

impl Limits {
    /// For a relay inside the studio, where every visitor is a persona of the mail world: sizes and times hold, rates
    /// do not.
    pub fn for_practice() -> Limits {
        Limits {
            connections_per_address: usize::MAX,
            requests_per_second: f64::INFINITY,
            attempts_per_minute: f64::INFINITY,
            events_per_second: f64::INFINITY,
            ..Limits::default()
        }
    }
}

/// What time it is for what is written down. Signatures and limits go by the machine's own clock.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Whether visitors say when they come.
    told: bool,
}

/// The header in which a visitor of the mail world says when it comes: milliseconds since 1970. Any other relay passes it
/// over.
pub const MOMENT_HEADER: &str = "carillon-moment";

tokio::task_local! {
    /// When the visitor whose request is answered said to come.
    static COMES_AT: Moment;
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock::from_fn(chrono::Utc::now)
    }

    /// Another clock: the virtual time of a sample workspace.
    pub fn from_fn(now: impl Fn() -> Moment + Send + Sync + 'static) -> Clock {
        Clock {
            now: Arc::new(now),
            told: false,
        }
    }

    /// The same clock for visitors that are played: what happened between two steps of a virtual clock is played when it
    /// has made the second, and each visitor says when it came ([`MOMENT_HEADER`]), never later than now. What is played
    /// can be played again, so nobody is made to wait for the disk. No configuration can ask for any of it.
    pub fn told_by_visitors(mut self) -> Clock {
        self.told = true;
        self
    }

    /// Now, in whole milliseconds: what is kept and what is signed are the same.
    pub fn now(&self) -> Moment {
        let now = (self.now)();
        let now = match self.told {
            true => COMES_AT.try_with(|at| now.min(*at)).unwrap_or(now),
            false => now,
        };
        chrono::DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }

    /// Whether visitors are played.
    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    /// When a visitor says to come, where this clock lets it say so.
    pub(crate) fn said_in(&self, headers: &axum::http::HeaderMap) -> Option<Moment> {
        let said = headers.get(MOMENT_HEADER).filter(|_| self.told)?;
        chrono::DateTime::from_timestamp_millis(said.to_str().ok()?.parse().ok()?)
    }
}

/// Answers a visitor at the moment it said to come, if it did.
pub(crate) async fn at<F: Future>(said: Option<Moment>, answer: F) -> F::Output {
    match said {
        Some(at) => COMES_AT.scope(at, answer).await,
        None => answer.await,
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;

    #[tokio::test]
    async fn a_visitor_says_when_it_came_only_where_visitors_are_played_and_never_after_now() {
        let moment = |millis| chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(MOMENT_HEADER, "5000".parse().expect("a header"));
        let real = Clock::from_fn(move || moment(9_000));
        let early = Clock::from_fn(move || moment(4_000));
        for (clock, seen) in [
            (real.clone(), 9_000),
            (real.told_by_visitors(), 5_000),
            (early.told_by_visitors(), 4_000),
        ] {
            let told = at(clock.said_in(&headers), async { clock.now() }).await;
            assert_eq!(told, moment(seen), "{clock:?}");
        }
    }
}
