//! templates, accounts, outbox.

use super::lists::{Part, STATES};
use super::providers::AddApi;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Templates {
    /// All templates.
    List,
    /// Read a template file: JSON with name, subject, body and text, or bare MJML.
    #[command(
        after_help = "Examples:\n  carillon templates import welcome.json\n  carillon templates import welcome.mjml --name Welcome --subject \"Welcome, {{ first_name | default: 'friend' }}\""
    )]
    Import {
        /// The file.
        file: PathBuf,
        /// What to call it; else the file's name.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Subject of a bare MJML file.
        #[arg(long, value_name = "TEXT")]
        subject: Option<String>,
    },
    /// Add the four starter templates.
    Starters,
    /// What one contact would get.
    #[command(
        after_help = "Example:\n  carillon templates render Welcome --as ada@example.com --html welcome.html"
    )]
    Render {
        /// The template's name.
        name: String,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
        /// Write the HTML to a file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Which values are missing, for how many contacts.
    #[command(after_help = "Example:\n  carillon templates missing Welcome --where 'tag \"vip\"'")]
    Missing {
        /// The template's name.
        name: String,
        /// Among whom; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT", default_value = "everyone")]
        expression: String,
    },
    /// Remove a template that no journey uses.
    Delete {
        /// The template's name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// All accounts, with what they sent today.
    List,
    /// Add an SMTP account. The password is read from standard input and goes to the keychain.
    #[command(
        after_help = "Examples:\n  printf %s \"$PASSWORD\" | carillon accounts add-smtp Shop --host mail.example.com --user shop@example.com\n  carillon accounts add-smtp Local --host 127.0.0.1 --port 2525 --tls none --from-email shop@example.com\n\nWhere there is no keychain, --passphrase-file keeps the password in an encrypted file beside the workspace; the\npassphrase is read from the environment variable CARILLON_PASSPHRASE."
    )]
    AddSmtp(AddSmtp),
    /// Add an account that sends over the API of a provider; see `carillon providers add`.
    AddApi(AddApi),
    /// Limits that providers are known for, with the day they were looked up.
    Presets,
    /// Send yourself a test.
    #[command(after_help = "Example:\n  carillon accounts test Shop --to you@example.com")]
    Test {
        /// The account's name.
        name: String,
        /// Where the test goes.
        #[arg(long, value_name = "EMAIL")]
        to: String,
    },
    /// Give an account another password, read from standard input.
    #[command(after_help = "Example:\n  printf %s \"$PASSWORD\" | carillon accounts password Shop")]
    Password {
        /// The account's name.
        name: String,
        /// Keep it in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Sign in to the provider of an account in the browser, in place of a password.
    #[command(
        after_help = "Example:\n  carillon accounts sign-in Shop --provider google --client-id 123.apps.googleusercontent.com"
    )]
    SignIn {
        /// The account's name.
        name: String,
        /// The provider: google, microsoft. Needed the first time.
        #[arg(long, requires = "client_id")]
        provider: Option<String>,
        /// Your own registration there, of a desktop application.
        #[arg(long, requires = "provider")]
        client_id: Option<String>,
        /// Keep the sign-in in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Open the file of passwords for as long as the workspace is open; the passphrase is read from standard input.
    #[command(after_help = "Example:\n  printf %s \"$PASSPHRASE\" | carillon accounts unlock")]
    Unlock,
    /// Make a key that signs an account's messages (DKIM), and print the record to publish for it.
    #[command(
        after_help = "Examples:\n  carillon accounts dkim-make Shop --domain example.com\n  carillon accounts dkim-on Shop\n\nAnother key takes the place of the one before, and nothing is signed until its record is published and you say so."
    )]
    DkimMake {
        /// The account's name.
        name: String,
        /// The domain that signs: that of the sender's address, or one above it.
        #[arg(long)]
        domain: String,
        /// What the record is called below the domain.
        #[arg(long, default_value = "carillon")]
        selector: String,
        /// Keep the key in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Sign an account's messages from now on: its record is published.
    DkimOn {
        /// The account's name.
        name: String,
    },
    /// Sign them no more; the key is kept.
    DkimOff {
        /// The account's name.
        name: String,
    },
    /// Let nothing leave through an account; what is queued waits.
    Off {
        /// The account's name.
        name: String,
    },
    /// Let an account send again.
    On {
        /// The account's name.
        name: String,
    },
    /// Remove an account and its password.
    Delete {
        /// The account's name.
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct AddSmtp {
    /// What to call it.
    pub name: String,
    /// The server.
    #[arg(long)]
    pub host: String,
    /// Its port; else 587 for starttls, 465 for tls, 25 for none.
    #[arg(long)]
    pub port: Option<u16>,
    /// How the connection is protected; none is for this machine only.
    #[arg(long, default_value = "starttls", value_parser = ["starttls", "tls", "none"])]
    pub tls: String,
    /// Who logs in. Left out, nobody does and no password is read.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub user: String,
    /// Address that mail comes from; else --user, if that is an address.
    #[arg(long, value_name = "EMAIL", required_unless_present = "user")]
    pub from_email: Option<String>,
    /// Name that mail comes from.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub from_name: String,
    /// Where answers go; else to the sender.
    #[arg(long, value_name = "EMAIL")]
    pub reply_to: Option<String>,
    /// Limits from a preset; `carillon accounts presets` lists them. Found by the server where left out.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// At most so many messages in 24 hours.
    #[arg(long, value_name = "N")]
    pub per_day: Option<u32>,
    /// At most so many messages a minute.
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u32>,
    /// At most so many connections at once.
    #[arg(long, value_name = "N")]
    pub sessions: Option<u16>,
    /// PEM file of a private certificate authority.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Keep the password in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no
    /// keychain.
    #[arg(long)]
    pub passphrase_file: bool,
}

#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// Messages, the newest first, and how many are in which state.
    #[command(after_help = "Example:\n  carillon outbox list --state unknown")]
    List {
        /// Only those in this state.
        #[arg(long, value_parser = STATES)]
        state: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Say what became of messages whose outcome is unknown, or that a restore froze.
    #[command(
        after_help = "Examples:\n  carillon outbox resolve --state unknown --as sent\n  carillon outbox resolve --state frozen --as cancelled --id 12 --id 13\n\nsent: it counts as sent. not_sent: it is queued again and sent. cancelled: it is never sent. unknown: it is\nkept as unknown and never sent by itself."
    )]
    Resolve {
        /// Which batch.
        #[arg(long, value_parser = ["unknown", "frozen"])]
        state: String,
        /// What became of them.
        #[arg(long = "as", value_name = "WHAT", value_parser = ["sent", "not_sent", "cancelled", "unknown"])]
        outcome: String,
        /// Only these; else the whole batch.
        #[arg(long)]
        id: Vec<i64>,
    },
    /// Hold all sending. Journeys go on; their messages wait.
    Pause,
    /// Let sending go on.
    Resume,
}
