//! duplicates.

use super::lists::Part;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Duplicates {
    /// Compare all contacts with each other. What looks like one person waits for your word; nothing is merged.
    Find,
    /// Pairs that may be one person, the likeliest first.
    List {
        #[command(flatten)]
        part: Part,
    },
    /// Two contacts side by side: what speaks for and against, and which value of each field would stay.
    Show {
        /// Address of the first.
        one: String,
        /// Address of the second.
        other: String,
    },
    /// Make one contact of two. The first one's address stays, the second one's leads to it; permission is never
    /// widened, and each no is kept.
    #[command(
        after_help = "Examples:\n  carillon duplicates merge ada@new.example ada@old.example\n  carillon duplicates merge ada@new.example ada@old.example --take phone --take city"
    )]
    Merge {
        /// The address that stays.
        survivor: String,
        /// The address that leads to it from now on.
        absorbed: String,
        /// Take the second one's value of this field, and of no other; without it the rules of the fields decide.
        #[arg(long, value_name = "FIELD")]
        take: Vec<String>,
    },
    /// Say that two contacts are two people: no later search brings them up again.
    Different {
        /// Address of the first.
        one: String,
        /// Address of the second.
        other: String,
        /// Take that back.
        #[arg(long)]
        undo: bool,
    },
    /// Merges so far, the last first.
    Merges {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Take a merge back: both contacts are as they were, and what happened since stays with the one that stayed.
    Unmerge {
        /// Its number; `carillon duplicates merges` lists them.
        id: u32,
    },
}
