//! What is kept of a request: enough to tell people from machines, and never where it came from.

use crate::tenant::Tenant;
use axum::http::{HeaderMap, Method};
use carillon_model::relay::RequestFacts;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::LazyLock;

/// Longest user agent that is kept, in characters.
const LONGEST_AGENT: usize = 300;

/// `assets/rules/scanners.json`: networks of programs that follow links or load pictures for people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownNetworks {
    #[allow(
        dead_code,
        reason = "for people who read the file; a test asks that it is there"
    )]
    dated: String,
    #[allow(dead_code, reason = "for people who read the file")]
    about: String,
    networks: Vec<KnownNetwork>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownNetwork {
    /// The word a hit carries.
    key: String,
    #[allow(dead_code, reason = "for people who read the file; rules name the key")]
    name: String,
    nets: Vec<IpNet>,
    #[allow(dead_code, reason = "for people who read the file")]
    source: String,
    #[allow(dead_code, reason = "for people who read the file")]
    checked: String,
}

static KNOWN: LazyLock<KnownNetworks> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/scanners.json"
    )))
    .expect("the embedded networks are read by a test")
});

/// The facts of a request.
pub(crate) fn facts(tenant: &Tenant, method: &Method, headers: &HeaderMap, address: IpAddr) -> RequestFacts {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    RequestFacts {
        method: method.as_str().to_owned(),
        agent: text("user-agent").chars().take(LONGEST_AGENT).collect(),
        network: Some(network(tenant, address)),
        known_network: known(address).map(str::to_owned),
        language: language(text("accept-language")),
        gpc: text("sec-gpc") == "1",
        prefetch: ["sec-purpose", "purpose", "x-purpose", "x-moz"]
            .iter()
            .any(|name| {
                let said = text(name).to_ascii_lowercase();
                said.contains("prefetch") || said.contains("preview")
            }),
    }
}

/// A keyed hash of the /24 or /48.
fn network(tenant: &Tenant, address: IpAddr) -> String {
    let bytes = match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[..3].to_vec(),
        IpAddr::V6(v6) => v6.octets()[..6].to_vec(),
    };
    crate::hex(&tenant.keyed("network", &bytes)[..8])
}

fn known(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    let network = KNOWN
        .networks
        .iter()
        .find(|n| n.nets.iter().any(|net| net.contains(&address)))?;
    Some(&network.key)
}

/// The language asked for first, if it looks like one (RFC 5646: letters, digits and `-`).
fn language(accept: &str) -> Option<String> {
    let first = accept.split([',', ';']).next()?.trim();
    let plain =
        (2..=20).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_networks_are_read_and_dated_and_find_their_own() {
        assert!(KNOWN.dated.parse::<chrono::NaiveDate>().is_ok());
        assert!(!KNOWN.networks.is_empty());
        for network in &KNOWN.networks {
            assert!(
                network.checked.parse::<chrono::NaiveDate>().is_ok(),
                "{}",
                network.key
            );
            for net in &network.nets {
                assert_eq!(known(net.addr()), Some(network.key.as_str()), "{net}");
            }
        }
        assert_eq!(known("192.0.2.1".parse().expect("an address")), None);
        assert_eq!(known("2001:db8::1".parse().expect("an address")), None);
    }

    #[test]
    fn a_language_is_taken_only_when_it_looks_like_one() {
        assert_eq!(language("pt-BR,pt;q=0.9").as_deref(), Some("pt-BR"));
        assert_eq!(language("de;q=0.9").as_deref(), Some("de"));
        for wrong in ["", "*", "<script>", "a", &"x".repeat(30)] {
            assert_eq!(language(wrong), None, "{wrong}");
        }
    }
}
