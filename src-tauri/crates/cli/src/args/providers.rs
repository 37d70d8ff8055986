//! providers: companies that send over their API, and tell what came back.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Providers {
    /// All providers, how lately each was read, and what each may send.
    List,
    /// The companies there are, and where their rules were read.
    Kinds,
    /// Add an account at a provider. Its key is read from standard input and goes to the keychain.
    #[command(
        after_help = "Examples:\n  printf %s \"$TOKEN\" | carillon providers add Postmark --kind postmark\n  printf %s \"$KEY\" | carillon providers add Mailgun --kind mailgun --domain mg.example.com --region eu\n  printf %s \"$SECRET\" | carillon providers add Amazon --kind ses --region eu-central-1 --key-id AKIA... --queue-url https://sqs...\n  carillon providers test Postmark\n  carillon accounts add-api Shop --provider Postmark --from-email shop@example.com\n\nWhere there is no keychain, --passphrase-file keeps the key in an encrypted file beside the workspace; the\npassphrase is read from the environment variable CARILLON_PASSPHRASE."
    )]
    Add(AddProvider),
    /// Give a provider another key, read from standard input.
    #[command(after_help = "Example:\n  printf %s \"$KEY\" | carillon providers key Mailgun")]
    Key {
        /// The provider's name.
        name: String,
        /// Keep it in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Ask whether it takes the key, what may be sent, and what waits to be read. Nothing is sent or changed.
    Test {
        /// The provider's name.
        name: String,
    },
    /// Read a provider no more; it is no source of opt-outs then.
    Off {
        /// The provider's name.
        name: String,
    },
    /// Read a provider again.
    On {
        /// The provider's name.
        name: String,
    },
    /// Remove a provider that no sender account uses, and its key.
    Delete {
        /// The provider's name.
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct AddProvider {
    /// What to call it.
    pub name: String,
    /// Which company.
    #[arg(long, value_parser = ["ses", "mailgun", "postmark", "brevo", "sendgrid"])]
    pub kind: String,
    /// Where the account lives: a region of AWS, or us, eu.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub region: String,
    /// Mailgun: the sending domain.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub domain: String,
    /// Amazon SES: the id of the access key.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub key_id: String,
    /// Amazon SES: the configuration set whose events reach the queue.
    #[arg(long, value_name = "NAME")]
    pub configuration_set: Option<String>,
    /// Amazon SES: the SQS queue; without it nothing that comes back is heard.
    #[arg(long, value_name = "URL")]
    pub queue_url: Option<String>,
    /// Postmark: the message stream; else outbound.
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// Another address of the API, for gateways and tests.
    #[arg(long, value_name = "URL")]
    pub host: Option<String>,
    /// Tell it who unsubscribed, too. It then sends them nothing at all, receipts included.
    #[arg(long)]
    pub tell_unsubscribed: bool,
    /// Keep the key in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
    #[arg(long)]
    pub passphrase_file: bool,
}

/// An account that sends over a provider's API.
#[derive(Debug, Args)]
pub struct AddApi {
    /// What to call it.
    pub name: String,
    /// Name of the provider; `carillon providers list` shows them.
    #[arg(long, value_name = "NAME")]
    pub provider: String,
    /// Address that mail comes from.
    #[arg(long, value_name = "EMAIL")]
    pub from_email: String,
    /// Name that mail comes from.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub from_name: String,
    /// Where answers go; else to the sender.
    #[arg(long, value_name = "EMAIL")]
    pub reply_to: Option<String>,
    /// At most so many messages in 24 hours; the provider's own quota holds as well.
    #[arg(long, value_name = "N")]
    pub per_day: Option<u32>,
    /// At most so many messages a minute.
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u32>,
    /// At most so many calls at once.
    #[arg(long, value_name = "N")]
    pub sessions: Option<u16>,
}
