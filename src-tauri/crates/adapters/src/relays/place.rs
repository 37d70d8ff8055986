//! Where a relay is, and what its refusals mean.

use crate::failure::failure;
use crate::http::Options;
use carillon_model::message::{Failure, FailureClass};
use std::fmt;
use std::time::Duration;
use url::{Host, Url};

/// Longest answer, in bytes.
const LONGEST: usize = 16 << 20;

/// For a whole answer; a long poll takes up to 30 seconds.
const ANSWER: Duration = Duration::from_secs(45);

/// The address of a relay, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Without a slash at the end.
    base: String,
    host: String,
    options: Options,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

impl Place {
    pub(super) fn parse(url: &str, ca_file: Option<&str>) -> Result<Place, Failure> {
        let wrong = || {
            failure(
                FailureClass::Setup,
                "address",
                format!("“{url}” is not the address of a relay. It begins with https://."),
            )
        };
        let parsed = Url::parse(url).map_err(|_| wrong())?;
        let host = parsed.host().ok_or_else(wrong)?.to_owned();
        let here = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match parsed.scheme() {
            "https" => {}
            "http" if here => {}
            "http" => {
                return Err(failure(
                    FailureClass::Refused,
                    "plaintext",
                    format!("The relay at {host} is only spoken to over https."),
                ));
            }
            _ => return Err(wrong()),
        }
        Ok(Place {
            base: url.trim_end_matches('/').to_owned(),
            host: host.to_string(),
            options: Options {
                ca_file: ca_file.map(str::to_owned),
                total: ANSWER,
                longest: LONGEST,
                ..Options::default()
            },
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The address of a path and query at the relay.
    pub(super) fn url(&self, target: &str) -> String {
        format!("{}{target}", self.base)
    }

    /// A refusal in the relay's own words. For `clock`, the detail is the relay's time in milliseconds.
    pub(super) fn refused(&self, status: u16, body: &[u8]) -> Failure {
        let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let code = said["code"].as_str().unwrap_or("relay").to_owned();
        if let ("clock", Some(now)) = (code.as_str(), said["now"].as_i64()) {
            return failure(FailureClass::Setup, code, now.to_string());
        }
        let class = match status {
            429 => FailureClass::Throttled,
            401 | 403 => FailureClass::Auth,
            500.. => FailureClass::Transient,
            _ => FailureClass::Setup,
        };
        let detail = match said["message"].as_str() {
            Some(message) => format!("The relay at {} says: {message}", self.host),
            None => format!(
                "What answers at {} is no Carillon relay (it said {status}).",
                self.host
            ),
        };
        failure(class, code, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_elsewhere_is_spoken_to_over_https_only() {
        assert!(Place::parse("https://relay.example", None).is_ok());
        assert!(Place::parse("http://127.0.0.1:8080", None).is_ok());
        assert!(Place::parse("http://[::1]:8080", None).is_ok());
        for (wrong, code) in [
            ("http://relay.example", "plaintext"),
            ("http://127.0.0.1.relay.example", "plaintext"),
            ("ftp://relay.example", "address"),
            ("relay.example", "address"),
            ("", "address"),
        ] {
            assert_eq!(Place::parse(wrong, None).expect_err(wrong).code, code);
        }
    }

    #[test]
    fn what_is_no_relay_is_said_to_be_none_and_a_relay_is_repeated() {
        let place = Place::parse("https://relay.example", None).expect("a place");
        let other = place.refused(404, b"<html>not found</html>");
        assert!(other.detail.contains("is no Carillon relay"), "{}", other.detail);
        let words = place.refused(
            403,
            br#"{"code":"device","message":"This machine is not paired."}"#,
        );
        assert_eq!((words.code.as_str(), words.class), ("device", FailureClass::Auth));
        assert!(
            words.detail.ends_with("This machine is not paired."),
            "{}",
            words.detail
        );
    }
}
