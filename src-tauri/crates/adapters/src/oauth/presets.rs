//! Dated presets of providers (`assets/rules/oauth_providers.json`).

use carillon_model::mailbox::{OAuthProvider, OAuthProviderKind, OAuthRedirect};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All presets, with the day somebody put them together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthPresets {
    /// `YYYY-MM-DD`.
    pub dated: String,
    pub about: String,
    pub providers: Vec<OAuthPreset>,
}

/// A provider, all but the user's own registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthPreset {
    pub key: String,
    pub label: String,
    pub kind: OAuthProviderKind,
    pub authorize_url: String,
    pub token_url: String,
    pub scopes: Vec<String>,
    pub redirect: OAuthRedirect,
    pub has_client_secret: bool,
    pub parameters: Vec<(String, String)>,
    /// How to get a client id there, in a few sentences.
    pub note: String,
    pub source: String,
    /// `YYYY-MM-DD`.
    pub checked: String,
}

static PRESETS: LazyLock<OAuthPresets> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/oauth_providers.json"
    )))
    .expect("the embedded presets are read by a test")
});

/// The presets this build carries.
pub fn presets() -> &'static OAuthPresets {
    &PRESETS
}

/// The preset of this key.
pub fn preset(key: &str) -> Option<&'static OAuthPreset> {
    PRESETS.providers.iter().find(|preset| preset.key == key)
}

impl OAuthPreset {
    /// The provider with the user's own client id.
    pub fn provider(&self, client_id: &str) -> OAuthProvider {
        OAuthProvider {
            kind: self.kind,
            client_id: client_id.to_owned(),
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            scopes: self.scopes.clone(),
            redirect: self.redirect,
            has_client_secret: self.has_client_secret,
            parameters: self.parameters.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_dated_sourced_encrypted_and_gives_tokens_that_last() {
        let is_date = |text: &str| text.len() == 10 && text.starts_with("20") && text.split('-').count() == 3;
        assert!(is_date(&presets().dated) && !presets().about.is_empty());
        for preset in &presets().providers {
            assert!(is_date(&preset.checked) && !preset.source.is_empty() && !preset.note.is_empty());
            for url in [&preset.authorize_url, &preset.token_url] {
                assert!(url.starts_with("https://"), "{url}");
            }
            let lasting = preset.scopes.iter().any(|scope| scope == "offline_access")
                || preset
                    .parameters
                    .iter()
                    .any(|(name, value)| name == "access_type" && value == "offline");
            assert!(lasting, "{}", preset.key);
        }
    }
}
