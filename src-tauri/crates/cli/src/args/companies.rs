//! companies.

use super::lists::Part;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Companies {
    /// Companies, with how many contacts each has.
    #[command(
        after_help = "Examples:\n  carillon companies list --sort contacts --desc\n  carillon companies list --sort score_engagement --desc\n  carillon companies list --search acme"
    )]
    List {
        /// Only those with these words in name or domain.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only those that no contact has.
        #[arg(long)]
        without_contacts: bool,
        /// By contacts, created_at, a field like company.industry, or the points by a score, like score_engagement; else by name.
        #[arg(long, value_name = "KEY")]
        sort: Option<String>,
        /// The largest first.
        #[arg(long, requires = "sort")]
        desc: bool,
        #[command(flatten)]
        part: Part,
    },
    /// Everything known of one company, with the source of each value, its points by each score, and its contacts.
    Show {
        /// Its domain or name.
        company: String,
        #[command(flatten)]
        part: Part,
    },
    /// Make a company. Its contacts read its values as company.name, company.domain and so on.
    #[command(
        after_help = "Example:\n  carillon fields add company.industry --label Industry\n  carillon companies create \"Acme GmbH\" --domain acme.com --set industry=Retail"
    )]
    Create {
        /// Its name.
        name: String,
        /// Its domain, like acme.com. No two companies have the same.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        /// Values of fields of companies; company. before the key may be left out.
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Change values of a company. For all its contacts the change holds at once.
    #[command(
        after_help = "Examples:\n  carillon companies set acme.com industry=Retail revenue=\"1200000 EUR\"\n  carillon companies set \"Acme GmbH\" name=\"Acme AG\" industry="
    )]
    Set {
        /// Its domain or name.
        company: String,
        /// Fields and their new values; nothing behind the = clears a value.
        #[arg(required = true, value_name = "KEY=VALUE")]
        values: Vec<String>,
    },
    /// Remove a company. Its contacts stay, without a company. It can be given back.
    Remove {
        /// Its domain or name.
        company: String,
    },
    /// Companies that were removed and can be given back: the last hundred.
    Removed,
    /// Give a removed company back, with its values and to those of its contacts that got no other one since.
    Restore {
        /// Its number; `carillon companies removed` lists them.
        id: u32,
    },
    /// Give contacts a company: those named, those of an expression, or else whoever has no company yet and an address at its
    /// domain. Domains where anybody gets a mailbox do not count.
    #[command(
        after_help = "Examples:\n  carillon companies connect acme.com --contact ada@example.com\n  carillon companies connect acme.com --where 'tag \"acme\"'\n  carillon companies connect acme.com\n  carillon companies connect"
    )]
    Connect {
        /// Its domain or name; without one, all companies whose domain is known.
        company: Option<String>,
        #[command(flatten)]
        whom: Whom,
    },
    /// Take contacts their company.
    Disconnect {
        #[command(flatten)]
        whom: Whom,
    },
}

#[derive(Debug, Args)]
pub struct Whom {
    /// Contacts by their addresses.
    #[arg(long, value_name = "EMAIL")]
    pub contact: Vec<String>,
    /// Contacts of an expression; see `carillon segments grammar`.
    #[arg(long = "where", value_name = "TEXT", conflicts_with = "contact")]
    pub expression: Option<String>,
}
