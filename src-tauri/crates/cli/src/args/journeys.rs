//! journeys.

use clap::Subcommand;
use std::path::PathBuf;

/// Longest stretch that a draft is played over, in days.
const DAYS_MAX: i64 = 3650;

#[derive(Debug, Subcommand)]
pub enum Journeys {
    /// All journeys: what state they are in and how many contacts are inside.
    List,
    /// Read a journey file as a draft, and say what is wrong with it.
    #[command(
        after_help = "Examples:\n  carillon journeys import welcome.json\n  carillon journeys export \"Welcome series\" welcome.json"
    )]
    Import {
        /// A file as `journeys export` writes it.
        file: PathBuf,
    },
    /// Write a journey as a file.
    Export {
        /// The journey's name.
        name: String,
        /// The file to write; standard output where left out.
        to: Option<PathBuf>,
    },
    /// What is wrong with the draft. Exit status 1 if it cannot be published.
    Check {
        /// The journey's name.
        name: String,
    },
    /// Make the draft a version that contacts enter. Those inside stay on theirs.
    Publish {
        /// The journey's name.
        name: String,
    },
    /// Hold everybody where they are.
    Pause {
        /// The journey's name.
        name: String,
    },
    /// Let them go on.
    Resume {
        /// The journey's name.
        name: String,
    },
    /// Nobody enters; those inside finish.
    Drain {
        /// The journey's name.
        name: String,
    },
    /// Everybody leaves; queued messages are cancelled.
    Stop {
        /// The journey's name.
        name: String,
    },
    /// State, and how many are where.
    Status {
        /// The journey's name.
        name: String,
    },
    /// Let a contact enter by hand.
    Enter {
        /// The journey's name.
        name: String,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
    /// Run the draft over all contacts on a virtual clock; nothing is changed and nothing leaves.
    #[command(after_help = "Example:\n  carillon journeys simulate \"Welcome series\" --days 90 --seed 1")]
    Simulate {
        /// The journey's name.
        name: String,
        /// How far.
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
        days: u32,
        /// The same number plays the same way.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Walk one contact through the draft, step by step; nothing is changed and nothing leaves.
    #[command(after_help = "Example:\n  carillon journeys try \"Welcome series\" --as ada@example.com")]
    Try {
        /// The journey's name.
        name: String,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
        /// How far.
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
        days: u32,
    },
    /// What happened to one contact in a journey, and why.
    #[command(after_help = "Example:\n  carillon journeys path \"Welcome series\" --as ada@example.com")]
    Path {
        /// The journey's name.
        name: String,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
}
