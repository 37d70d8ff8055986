//! consent, suppressions, segments.

use super::lists::{CHANNELS, GROUNDS, PURPOSES, Part};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Consent {
    /// The ledger of one contact.
    Show {
        /// The contact's address.
        email: String,
    },
    /// Record a permission or its withdrawal. Nothing is ever taken out of the ledger.
    #[command(
        after_help = "Examples:\n  carillon consent add ada@example.com --basis consent --source \"Phone call, 3 May\"\n  carillon consent add ada@example.com --withdraw --source \"Her mail of 4 May\""
    )]
    Add {
        /// The contact's address.
        email: String,
        /// By which way they may be written to.
        #[arg(long, default_value = "email", value_parser = CHANNELS)]
        channel: String,
        /// What for.
        #[arg(long, default_value = "marketing", value_parser = PURPOSES)]
        purpose: String,
        /// On what ground.
        #[arg(long, required_unless_present = "withdraw", value_parser = GROUNDS)]
        basis: Option<String>,
        /// Record that permission was withdrawn.
        #[arg(long)]
        withdraw: bool,
        /// How you know.
        #[arg(long, value_name = "TEXT")]
        source: String,
        /// The words they agreed to.
        #[arg(long, value_name = "TEXT")]
        wording: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Suppressions {
    /// How many there are, by reason. Addresses are kept as keyed hashes and cannot be listed.
    List,
    /// Never write to this address again.
    Add {
        /// The address, known or not.
        email: String,
    },
    /// Lift it: only on the person's own explicit wish.
    #[command(
        after_help = "Example:\n  carillon suppressions remove ada@example.com --because \"She asked for it on the phone, 3 May\""
    )]
    Remove {
        /// The address.
        email: String,
        /// Why, for the record.
        #[arg(long, value_name = "TEXT")]
        because: String,
    },
    /// Whether an address is on the list.
    Check {
        /// The address.
        email: String,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// A saved segment.
    #[arg(long)]
    pub name: Option<String>,
    /// An expression; see `carillon segments grammar`.
    #[arg(long = "where", value_name = "TEXT")]
    pub expression: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Segments {
    /// Saved segments, with how many are in them.
    List,
    /// Save an expression under a name. A segment of that name is changed.
    #[command(
        after_help = "Example:\n  carillon segments save Regulars --where 'did order at least 3 times in the last 90 days'"
    )]
    Save {
        /// Its name.
        name: String,
        /// Who is meant; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT")]
        expression: String,
    },
    /// Remove a saved segment. Contacts stay.
    Delete {
        /// Its name.
        name: String,
    },
    /// Whether an expression can be read, how it is understood, and which of its names nobody has used so far. Exit
    /// status 1 if it cannot be read.
    #[command(
        after_help = "Example:\n  carillon segments check --where 'tag \"vip\" and did order in the last 30 days'"
    )]
    Check {
        /// The expression; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT")]
        expression: String,
    },
    /// How many contacts.
    #[command(
        after_help = "Examples:\n  carillon segments count --name Regulars\n  carillon segments count --where 'tag \"vip\" and did order in the last 30 days' --clauses"
    )]
    Count {
        #[command(flatten)]
        which: Which,
        /// Also how many for each clause.
        #[arg(long)]
        clauses: bool,
    },
    /// Who.
    #[command(after_help = "Example:\n  carillon segments members --name Regulars --limit 10")]
    Members {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        part: Part,
    },
    /// Why a contact is in or out, clause by clause.
    #[command(after_help = "Example:\n  carillon segments why --name Regulars --as ada@example.com")]
    Why {
        #[command(flatten)]
        which: Which,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
    /// Who nearly belongs: for each clause, whom it alone keeps out.
    #[command(
        after_help = "Example:\n  carillon segments near --where 'tag \"vip\" and did order in the last 30 days'"
    )]
    Near {
        #[command(flatten)]
        which: Which,
    },
    /// How many it shares with each other saved segment, the most alike first.
    #[command(after_help = "Example:\n  carillon segments overlap --name Regulars")]
    Overlap {
        #[command(flatten)]
        which: Which,
    },
    /// Which segments, journeys and campaigns use it, and which segments it asks itself.
    #[command(after_help = "Example:\n  carillon segments users Regulars")]
    Users {
        /// Its name.
        name: String,
    },
    /// The language of expressions, with examples.
    Grammar,
}
