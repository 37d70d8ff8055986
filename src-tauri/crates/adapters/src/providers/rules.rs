//! Dated facts about providers (`assets/rules/providers.json`).

use crate::failure::failure;
use crate::http::Reset;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::provider::ProviderKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What is known of one provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub kind: ProviderKind,
    pub label: String,
    /// Address of the API by region; `""` for none, `*` for any other, with `{region}` for its name.
    pub hosts: BTreeMap<String, String>,
    /// Most entries asked for at once.
    pub page: u32,
    /// Most entries a search shows in all; 0 where there is no such bound.
    pub window: u32,
    /// How far back a first reading goes.
    pub reach_days: u32,
    /// How much of the past is read again each time.
    pub overlap_secs: u32,
    /// Seconds between two readings.
    pub every_secs: u32,
    /// Bytes of a message as it is handed over.
    pub longest_message: usize,
    pub(super) refusals: Vec<RefusalRule>,
    #[serde(default)]
    pub(super) limit_header: Option<LimitHeader>,
    /// How long a second attempt with the same key is recognised.
    #[serde(default)]
    pub idempotency_secs: Option<u32>,
    /// Where this was read.
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalRule {
    codes: Vec<String>,
    class: FailureClass,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitHeader {
    pub name: String,
    pub style: Reset,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dated: String,
    #[expect(dead_code, reason = "for people")]
    about: String,
    providers: Vec<Rules>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/providers.json"
    ));
    serde_json::from_str(text).expect("the embedded rules are read by a test")
});

/// When the rules were put together: `YYYY-MM-DD`.
pub fn dated() -> &'static str {
    &FILE.dated
}

/// All providers, in the file's order.
pub fn rules() -> &'static [Rules] {
    &FILE.providers
}

/// What is known of one provider.
pub fn of(kind: ProviderKind) -> &'static Rules {
    let found = FILE.providers.iter().find(|rules| rules.kind == kind);
    found.expect("a test sees that each provider has rules")
}

impl Rules {
    /// The address of the API in a region.
    ///
    /// # Errors
    /// `Setup`: there is no such region.
    pub fn host(&self, region: &str) -> Result<String, Failure> {
        let region = region.trim().to_ascii_lowercase();
        let simple = region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let host = self.hosts.get(&region).or_else(|| self.hosts.get("*"));
        match host.filter(|_| simple) {
            Some(host) => Ok(host.replace("{region}", &region)),
            None => Err(failure(
                FailureClass::Setup,
                "region",
                format!("{} has no region “{region}”.", self.label),
            )),
        }
    }

    pub(super) fn refusal(&self, code: &str) -> Option<FailureClass> {
        let rule = self
            .refusals
            .iter()
            .find(|rule| rule.codes.iter().any(|known| known == code));
        rule.map(|rule| rule.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_its_rules_with_a_source_and_addresses_that_are_encrypted() {
        assert!(FILE.dated.len() == 10 && FILE.dated.starts_with("20"));
        for kind in ProviderKind::ALL {
            let rules = of(kind);
            assert!(rules.hosts.values().all(|host| host.starts_with("https://")));
            // Well within the five minutes after which nothing leaves.
            assert!((5..=90).contains(&rules.every_secs), "{kind:?}");
            assert!(rules.page > 0 && rules.source.starts_with("https://") && rules.hosts.contains_key(""));
        }
        assert_eq!(rules().len(), ProviderKind::ALL.len());
    }

    #[test]
    fn a_region_leads_to_its_address_and_never_to_somebody_elses() {
        let ses = of(ProviderKind::Ses);
        assert_eq!(
            ses.host("eu-central-1").as_deref(),
            Ok("https://email.eu-central-1.amazonaws.com")
        );
        assert!(ses.host("evil.example/x").is_err());
        assert!(of(ProviderKind::Mailgun).host("mars").is_err());
        assert_eq!(
            of(ProviderKind::Mailgun).host("EU").as_deref(),
            Ok("https://api.eu.mailgun.net")
        );
    }
}
