//! How a studio and a relay come together, and the machines that may ask.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use ts_rs::TS;

/// What the operator of a relay hands to the studio: `https://relay.example/#tenant.secret`. It can be used once.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// Where the relay is reached, without a slash at the end.
    pub url: String,
    pub tenant: String,
    /// 32 random bytes, base64url.
    pub secret: String,
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingCode")
            .field("url", &self.url)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/#{}.{}", self.url, self.tenant, self.secret)
    }
}

impl FromStr for PairingCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PairingCode, &'static str> {
        const WRONG: &str = "This is no pairing code. Copy the whole line that `carillon-relay init` printed, from https:// to its end.";
        let word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let (url, rest) = text.trim().split_once('#').ok_or(WRONG)?;
        let (tenant, secret) = rest.split_once('.').ok_or(WRONG)?;
        let scheme = url.starts_with("https://") || url.starts_with("http://");
        if !scheme
            || !word(tenant)
            || !word(secret)
            || secret.len() != 43
            || url.contains(char::is_whitespace)
        {
            return Err(WRONG);
        }
        Ok(PairingCode {
            url: url.trim_end_matches('/').to_owned(),
            tenant: tenant.to_owned(),
            secret: secret.to_owned(),
        })
    }
}

/// What the studio tells a relay when it pairs, authenticated with HMAC-SHA256 under the code's secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRequest {
    pub tenant: String,
    /// X25519 public key of the workspace.
    pub sealing_key: String,
    pub device: Device,
    /// Secrets of the token keys, 32 bytes each, newest first.
    pub token_keys: Vec<String>,
}

/// A machine that may ask the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Device {
    /// Ed25519 public key.
    pub key: String,
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_code_reads_back_and_its_secret_is_not_in_its_debug_text() {
        let code = PairingCode {
            url: "https://relay.example".to_owned(),
            tenant: "t1".to_owned(),
            secret: "s".repeat(43),
        };
        assert_eq!(format!("  {code}\n").parse(), Ok(code.clone()));
        assert!(!format!("{code:?}").contains("sss"));
        for wrong in [
            "",
            "https://relay.example/",
            "ftp://relay.example/#t1.0123456789012345678901234567890123456789012",
            "https://relay.example/#t1.short",
            "https://relay.example/#t 1.0123456789012345678901234567890123456789012",
        ] {
            assert!(wrong.parse::<PairingCode>().is_err(), "{wrong}");
        }
    }
}
