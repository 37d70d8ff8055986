//! Providers: companies that send mail for their customers, and tell what came back.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ProviderKind {
    /// Amazon SES.
    Ses,
    Mailgun,
    Postmark,
    Brevo,
    Sendgrid,
}

impl ProviderKind {
    /// All, in the order the screen shows them.
    pub const ALL: [ProviderKind; 5] = [
        ProviderKind::Ses,
        ProviderKind::Mailgun,
        ProviderKind::Postmark,
        ProviderKind::Brevo,
        ProviderKind::Sendgrid,
    ];
}

/// How to reach an account at a provider. The key itself is kept where secrets are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Provider {
    pub kind: ProviderKind,
    /// Where the account lives: a region of AWS (`eu-central-1`), or `us`, `eu`. Empty: the provider's only one.
    #[serde(default)]
    pub region: String,
    /// Mailgun: the sending domain.
    #[serde(default)]
    pub domain: String,
    /// SES: the id of the access key, which is no secret.
    #[serde(default)]
    pub key_id: String,
    /// SES: the configuration set whose events reach the queue.
    #[serde(default)]
    pub configuration_set: Option<String>,
    /// SES: the SQS queue that the configuration set's topic writes to.
    #[serde(default)]
    pub queue_url: Option<String>,
    /// Postmark: the message stream; `outbound` where none is given.
    #[serde(default)]
    pub stream: Option<String>,
    /// Address of the API instead of the provider's own, beginning with its scheme: for tests and gateways.
    #[serde(default)]
    pub host: Option<String>,
    /// Whoever unsubscribed is put on the provider's list, too. It then sends them nothing at all, receipts included.
    #[serde(default)]
    pub tell_unsubscribed: bool,
}
