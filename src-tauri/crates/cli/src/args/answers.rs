//! mailboxes, relay, responses: where answers come from, and what they say.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Mailboxes {
    /// All mailboxes, and how lately each was read.
    List,
    /// Add a mailbox that is read over IMAP. Nothing in it is changed. The password is read from standard input.
    #[command(
        after_help = "Examples:\n  printf %s \"$PASSWORD\" | carillon mailboxes add Replies --host imap.example.com --user shop@example.com --folder INBOX --folder Junk\n  carillon mailboxes test Replies"
    )]
    Add(AddMailbox),
    /// Sign in, look round, and change nothing.
    Test {
        /// The mailbox's name.
        name: String,
    },
    /// Read every source now: mailboxes, providers and the relay.
    ReadNow,
    /// Read a mailbox no more; it is no source of opt-outs then.
    Off {
        /// The mailbox's name.
        name: String,
    },
    /// Read a mailbox again.
    On {
        /// The mailbox's name.
        name: String,
    },
    /// Remove a mailbox and its password. What was read in it stays.
    Delete {
        /// The mailbox's name.
        name: String,
    },
    /// Say what mails in files are: a bounce, a reply, an opt-out ... No workspace is needed.
    #[command(after_help = "Example:\n  carillon mailboxes read notice.eml --json")]
    Read {
        /// Mails as their servers keep them, one a file.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct AddMailbox {
    /// What to call it.
    pub name: String,
    /// The server.
    #[arg(long)]
    pub host: String,
    /// Its port; else 993 for tls, 143 for the others.
    #[arg(long)]
    pub port: Option<u16>,
    /// How the connection is protected; none is for this machine only.
    #[arg(long, default_value = "tls", value_parser = ["starttls", "tls", "none"])]
    pub tls: String,
    /// Who logs in.
    #[arg(long)]
    pub user: String,
    /// A folder to read; may be given several times. Left out: INBOX.
    #[arg(long = "folder", value_name = "NAME")]
    pub folders: Vec<String>,
    /// PEM file of a certificate authority to trust beside the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Keep the password in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
    #[arg(long)]
    pub passphrase_file: bool,
}

#[derive(Debug, Subcommand)]
pub enum Relay {
    /// The relay of the workspace, and how lately it was read.
    Show,
    /// Pair the workspace with a relay. The code that `carillon-relay init` printed is read from standard input.
    #[command(after_help = "Example:\n  printf %s \"$CODE\" | carillon relay pair")]
    Pair {
        /// What this machine is to be called there.
        #[arg(long, value_name = "TEXT")]
        machine: Option<String>,
        /// PEM file of a certificate authority to trust beside the system's.
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
        /// Keep the keys in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Let another machine of this workspace in. The passphrase that protects its invitation is read from standard
    /// input; tell it to whoever sits there by another way than the invitation.
    #[command(
        after_help = "Example:\n  printf %s \"$PASSPHRASE\" | carillon relay invite Office --to invitation.txt"
    )]
    Invite {
        /// What that machine is to be called.
        machine: String,
        /// Write the invitation to this new file, which only you can read.
        #[arg(long, value_name = "FILE", required_unless_present = "print")]
        to: Option<PathBuf>,
        /// Print the invitation instead.
        #[arg(long, conflicts_with = "to")]
        print: bool,
    },
    /// Come in with an invitation that another machine made. It is read from standard input, and its passphrase from the
    /// last line there.
    #[command(
        after_help = "Example:\n  (cat invitation.txt; printf %s \"$PASSPHRASE\") | carillon relay join"
    )]
    Join {
        /// PEM file of a certificate authority to trust beside the system's.
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
        /// Keep the keys in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Ask the relay how it is.
    Test,
    /// Give the relay up. Links that were sent go on leading there, and nobody hears of them.
    Unpair,
}

#[derive(Debug, Subcommand)]
pub enum Responses {
    /// What was said, newest first.
    List {
        /// What kind.
        #[arg(long, default_value = "replied", value_parser = ["replied", "bounced", "complained", "unsubscribed", "auto_replied", "delayed", "submitted", "confirmed"])]
        kind: String,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Everything that came back for one message.
    Of {
        /// The message's number; `carillon outbox list` shows it.
        message: i64,
    },
    /// Replies that may be a wish to be left alone, newest first. Marketing to their senders waits.
    Undecided,
    /// Say of such a reply what it is. Said again otherwise, the first word is taken back.
    #[command(
        after_help = "Examples:\n  carillon responses decide 12 left\n  carillon responses decide 12 kept"
    )]
    Decide {
        /// The reply's number; `carillon responses undecided` shows it.
        reply: i64,
        /// `left` takes the person off the list, `kept` lets mail go on, `open` leaves it to be decided.
        #[arg(value_parser = ["left", "kept", "open"])]
        decided: String,
    },
    /// Take in mails from files, as if a mailbox had brought them. Each counts once, however often it is brought.
    #[command(after_help = "Example:\n  carillon responses take-in notice.eml")]
    TakeIn {
        /// Mails as their servers keep them, one a file.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}
