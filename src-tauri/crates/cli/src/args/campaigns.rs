//! campaigns.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Campaigns {
    /// All campaigns: what state they are in and how far they have come.
    List,
    /// Set up a campaign of one template. Nothing is sent before `campaigns start`.
    #[command(
        after_help = "Examples:\n  carillon campaigns create June --segment Customers --template News\n  carillon campaigns create June --segment Customers --exclude VIP --template News --local \"2026-06-01 09:00\""
    )]
    Create {
        /// What it is called.
        name: String,
        /// The segment it goes to.
        #[arg(long)]
        segment: String,
        /// A segment whose members get nothing.
        #[arg(long, value_name = "SEGMENT")]
        exclude: Vec<String>,
        /// The template.
        #[arg(long)]
        template: String,
        /// A subject in place of the template's.
        #[arg(long, value_name = "TEXT")]
        subject: Option<String>,
        /// The sender account; else the workspace's default.
        #[arg(long)]
        account: Option<String>,
        /// What everybody must be told, whatever they agreed to.
        #[arg(long)]
        transactional: bool,
        /// Send it at this instant, like 2026-06-01T09:00:00Z; else at once.
        #[arg(long, value_name = "INSTANT", conflicts_with = "local")]
        at: Option<String>,
        /// Send it when each contact's own clock shows this, like "2026-06-01 09:00".
        #[arg(long, value_name = "DATE TIME")]
        local: Option<String>,
        /// With --local: whoever's clock is past that already gets nothing; else at once.
        #[arg(long, requires = "local")]
        skip_past: bool,
    },
    /// What was set up and how far it has come.
    Show {
        /// The campaign's name.
        name: String,
    },
    /// Who would get it, who would not and why, and what stands in its way. Nothing is sent.
    Preview {
        /// The campaign's name.
        name: String,
    },
    /// Confirm the number of contacts and start. It can be recalled for a minute.
    #[command(
        after_help = "Example:\n  carillon campaigns preview June\n  carillon campaigns start June --count 812"
    )]
    Start {
        /// The campaign's name.
        name: String,
        /// How many contacts get it, as `campaigns preview` says. Another number now starts nothing.
        #[arg(long, value_name = "N")]
        count: u64,
        /// By so many it may differ.
        #[arg(long, value_name = "N", default_value_t = 0)]
        may_differ: u64,
    },
    /// Take it back before anything has left.
    Recall {
        /// The campaign's name.
        name: String,
    },
    /// How long a campaign can be recalled after it is confirmed, in seconds; with --set another time from now on.
    RecallTime {
        /// 0 to 3600.
        #[arg(long, value_name = "SECONDS")]
        set: Option<u32>,
    },
    /// Hold what has not left.
    Pause {
        /// The campaign's name.
        name: String,
    },
    /// Let it go on.
    Resume {
        /// The campaign's name.
        name: String,
    },
    /// End it: what has not left is cancelled.
    Stop {
        /// The campaign's name.
        name: String,
    },
    /// What its test says.
    Result {
        /// The campaign's name.
        name: String,
    },
    /// Say which variant the rest gets, from 1.
    Choose {
        /// The campaign's name.
        name: String,
        /// The variant.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
        variant: u8,
    },
}
