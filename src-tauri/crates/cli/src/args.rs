//! The command line: `carillon [--workspace FILE] [--json] NOUN VERB ...`. Its help is made from here.

mod answers;
mod audience;
mod campaigns;
mod cleansing;
mod companies;
mod contacts;
mod duplicates;
mod exports;
mod imports;
mod journeys;
mod lists;
mod providers;
mod scores;
mod sending;
mod world;

pub use answers::{AddMailbox, Mailboxes, Relay, Responses};
pub use audience::{Consent, Segments, Suppressions, Which};
pub use campaigns::Campaigns;
pub use cleansing::{Cleansing, What};
pub use companies::{Companies, Whom};
pub use contacts::{Contacts, Events, Fields, ImportContacts, ImportEvents};
pub use duplicates::Duplicates;
pub use exports::{Export, ExportFile};
pub use imports::{AddFolder, Folders, Imports};
pub use journeys::Journeys;
pub use lists::{FIELD_TYPES, Part, STATUS_READINGS};
pub use providers::{AddApi, AddProvider, Providers};
pub use scores::Scores;
pub use sending::{Accounts, AddSmtp, Outbox, Templates};
pub use world::{Deed, Mix, SetWorld, World, WorldMails};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const WALK: &str = "\
A first walk, on a made-up coffee shop:
  carillon demo create shop.carillon
  carillon -w shop.carillon journeys list
  carillon -w shop.carillon journeys simulate \"Welcome series\" --days 90
  carillon -w shop.carillon run --for 864000
  carillon -w shop.carillon report funnel

With your own list:
  carillon workspaces create client.carillon --time-zone Europe/Berlin
  carillon contacts import list.csv --basis consent --source \"Trade fair 2026\" --dry-run
  carillon segments grammar

A command without --workspace works on the file that was used last. `carillon NOUN --help` and
`carillon NOUN VERB --help` tell more, with examples.

Exit status: 0 done, 1 refused or failed, 2 wrong usage. Errors go to standard error.";

/// A marketing studio on your own machine: import contacts, draw journeys, watch them on a virtual clock,
/// and send them over your own mail account.
#[derive(Debug, Parser)]
#[command(
    name = "carillon",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = WALK
)]
pub struct Cli {
    /// The workspace file; else the environment variable CARILLON_WORKSPACE, else the one used last.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "CARILLON_WORKSPACE",
        hide_env = true
    )]
    pub workspace: Option<PathBuf>,
    /// One JSON document on standard output instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub noun: Noun,
}

#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Create workspace files and list the recent ones.
    #[command(subcommand)]
    Workspaces(Workspaces),
    /// Make a living sample company to practise on.
    #[command(subcommand)]
    Demo(Demo),
    /// Import, list, show and export contacts.
    #[command(subcommand)]
    Contacts(Contacts),
    /// Folders whose new files are imported by themselves.
    #[command(subcommand)]
    Imports(Imports),
    /// Companies and which contacts they have: list, show, make, change and connect them.
    #[command(subcommand)]
    Companies(Companies),
    /// Contacts that may be one person: find them, look at them, merge them, and take a merge back.
    #[command(subcommand)]
    Duplicates(Duplicates),
    /// Data of contacts that can be put right: see it, put it right at once, and take that back at once.
    #[command(subcommand)]
    Cleansing(Cleansing),
    /// Import what contacts did.
    #[command(subcommand)]
    Events(Events),
    /// Fields of contacts and companies.
    #[command(subcommand)]
    Fields(Fields),
    /// The consent ledger.
    #[command(subcommand)]
    Consent(Consent),
    /// Addresses that are never written to.
    #[command(subcommand)]
    Suppressions(Suppressions),
    /// Who is meant: saved segments, counts, members and reasons.
    #[command(subcommand)]
    Segments(Segments),
    /// How contacts are measured: points by rules, grades, stages, and why somebody has what they have.
    #[command(subcommand)]
    Scores(Scores),
    /// Journeys: draw in the studio or import a file; check, simulate, try, publish.
    #[command(subcommand)]
    Journeys(Journeys),
    /// One message to the members of a segment, once: preview, confirm, recall, watch.
    #[command(subcommand)]
    Campaigns(Campaigns),
    /// E-mail templates: MJML with Liquid.
    #[command(subcommand)]
    Templates(Templates),
    /// Sender accounts.
    #[command(subcommand)]
    Accounts(Accounts),
    /// Companies that send over their API, and tell what came back.
    #[command(subcommand)]
    Providers(Providers),
    /// Mailboxes that are read: bounces, opt-outs and replies.
    #[command(subcommand)]
    Mailboxes(Mailboxes),
    /// The relay: a small server of your own that hears what people answer while the laptop sleeps.
    #[command(subcommand)]
    Relay(Relay),
    /// What came back for messages.
    #[command(subcommand)]
    Responses(Responses),
    /// Let the workspace run: journeys move and messages leave.
    ///
    /// It runs until nothing is due or in flight, if nothing else is said, and prints when something is due next.
    /// Only --until and --for move a virtual clock.
    Run(Run),
    /// Messages on their way.
    #[command(subcommand)]
    Outbox(Outbox),
    /// Figures: messages, funnel, growth.
    Report(Report),
    /// Write tables to files: CSV, a workbook of Excel, or Parquet.
    #[command(subcommand)]
    Export(Export),
    /// Name, organisation, postal address and time zone.
    #[command(subcommand)]
    Settings(Settings),
    /// Write a verified copy of the workspace.
    #[command(after_help = "Example:\n  carillon -w shop.carillon backup shop-2026-01-31.carillon")]
    Backup {
        /// The copy to write. Must not exist.
        to: PathBuf,
    },
    /// Put a copy in the place of the workspace.
    ///
    /// The file that was there is kept beside it. Sending is paused and the copy's outbox is frozen until you say
    /// what became of its messages; opt-outs of the replaced file are kept.
    #[command(
        after_help = "Example:\n  carillon -w shop.carillon restore shop-2026-01-31.carillon\n  carillon -w shop.carillon outbox resolve --state frozen --as cancelled\n  carillon -w shop.carillon outbox resume"
    )]
    Restore {
        /// The copy to take.
        from: PathBuf,
    },
    /// The studio's screens in a browser, on this machine only. Ctrl+C ends it.
    Serve(Serve),
    /// The made-up people of a sample: what they got, what they did about it, and acting in their place.
    #[command(subcommand)]
    World(World),
    /// Writes the TypeScript words of the command table.
    #[command(hide = true)]
    Bindings {
        /// Folder to write to.
        dir: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ClockArg {
    /// The machine's clock: journeys and mail are real.
    Real,
    /// A clock you move: nothing ever leaves this machine.
    Virtual,
}

impl ClockArg {
    /// The word of the command table.
    pub fn word(self) -> &'static str {
        match self {
            ClockArg::Real => "real",
            ClockArg::Virtual => "virtual",
        }
    }
}

/// An instant, checked before anything is opened.
fn instant(text: &str) -> Result<String, String> {
    match carillon_app::workspaces::moment(text) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(e) => Err(e.message),
    }
}

/// A zone by its name in the IANA database.
fn zone(text: &str) -> Result<String, String> {
    match carillon_app::workspaces::zone(text) {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(e) => Err(e.message),
    }
}

#[derive(Debug, Subcommand)]
pub enum Workspaces {
    /// Create a workspace file.
    #[command(
        after_help = "Examples:\n  carillon workspaces create client.carillon --name \"Blue Kettle\" --time-zone Europe/Berlin\n  carillon workspaces create trial.carillon --clock virtual --start 2026-01-01"
    )]
    Create {
        /// The file to make; its name usually ends in .carillon. Must not exist.
        file: PathBuf,
        /// Fixed for the life of the file.
        #[arg(long, value_enum, default_value = "real")]
        clock: ClockArg,
        /// Where a virtual clock starts, like 2026-01-01 or 2026-01-01T09:00:00Z; else the present moment.
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        start: Option<String>,
        /// What to call it; else the file's name.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Zone used where a contact has none, like Europe/Berlin.
        #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
        time_zone: String,
    },
    /// Files opened before, the last one first.
    Recent,
    /// What the workspace says of itself.
    Show,
}

#[derive(Debug, Subcommand)]
pub enum Demo {
    /// A coffee shop with contacts, orders, carts, consent and a welcome series. Its clock is virtual and nothing
    /// leaves this machine.
    #[command(
        after_help = "Examples:\n  carillon demo create shop.carillon\n  carillon demo create large.carillon --contacts 100000 --months 6 --seed 7"
    )]
    Create {
        /// The file to make. Must not exist.
        file: PathBuf,
        /// How many contacts.
        #[arg(long, value_name = "N", default_value_t = 5000)]
        contacts: u32,
        /// Months of history.
        #[arg(long, value_name = "N", default_value_t = 12)]
        months: u32,
        /// The same number makes the same company.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(
    after_help = "Examples:\n  carillon run                                   what is due now, then the next due instant\n  carillon run --until 2026-03-01T00:00:00Z      up to an instant of the workspace's clock\n  carillon run --for 864000                      ten days\n\nOn the machine's clock --until and --for wait as long as they say. Ctrl+C stops at a safe point."
)]
pub struct Run {
    /// Until nothing is due or in flight; prints the next due instant. This is the default.
    #[arg(long)]
    pub until_idle: bool,
    /// Until this instant of the workspace's clock, like 2026-03-01 or 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub until: Option<String>,
    /// For so many seconds of the workspace's clock; a day has 86400.
    #[arg(long = "for", value_name = "SECONDS")]
    pub for_secs: Option<u32>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carillon report funnel --journey \"Welcome series\"\n  carillon report messages --format csv > messages.csv"
)]
pub struct Report {
    /// Which figures.
    #[arg(value_parser = ["messages", "funnel", "growth"])]
    pub name: String,
    /// Journey of a funnel; else the only one there is.
    #[arg(long, value_name = "NAME")]
    pub journey: Option<String>,
    /// How to print it; a table for people where left out.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Csv,
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    /// What is set.
    Show,
    /// Change some of them.
    #[command(
        after_help = "Example:\n  carillon settings set --organisation \"Blue Kettle\" --postal-address \"1 Example Street, 00000 Exampleville\""
    )]
    Set(SetSettings),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct SetSettings {
    /// What the workspace is called.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Who sends.
    #[arg(long, value_name = "TEXT")]
    pub organisation: Option<String>,
    /// Goes into each marketing mail, as the law asks.
    #[arg(long, value_name = "TEXT")]
    pub postal_address: Option<String>,
    /// Zone used where a contact has none, like Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub time_zone: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  carillon -w shop.carillon serve --port 8080\n\nThe address that is printed holds a secret key: open it as it is, and give it to nobody. Each start makes a new key."
)]
pub struct Serve {
    /// Port on loopback; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Folder of the built screens, where they are not beside the program.
    #[arg(long, value_name = "DIR")]
    pub ui: Option<PathBuf>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn every(command: &clap::Command, path: &str, look: &mut dyn FnMut(&str, &clap::Command)) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        look(&path, command);
        let shown = command.get_subcommands().filter(|c| c.get_name() != "help");
        shown.for_each(|c| every(c, &path, look));
    }

    #[test]
    fn every_command_and_every_argument_says_what_it_is_for() {
        let mut silent = Vec::new();
        every(&Cli::command(), "", &mut |path, command| {
            if command.get_about().is_none() {
                silent.push(path.to_owned());
            }
            let args = command.get_arguments().filter(|arg| arg.get_help().is_none());
            silent.extend(args.map(|arg| format!("{path} {}", arg.get_id())));
        });
        assert!(silent.is_empty(), "{silent:?}");
    }

    /// The words of a line as a shell would cut them.
    fn cut(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for letter in line.chars() {
            match (quote, letter) {
                (Some(q), c) if q == c => quote = None,
                (None, '"' | '\'') => quote = Some(letter),
                (None, ' ') => words.push(std::mem::take(&mut word)),
                (_, c) => word.push(c),
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_example_of_the_help_is_understood_by_the_program() {
        let mut tried = 0;
        every(&Cli::command(), "", &mut |path, command| {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            for line in help.replace("\\\n", " ").lines() {
                let line = line.rsplit("| ").next().unwrap().trim();
                let line = line.split(" > ").next().unwrap();
                // A remark stands apart.
                let line = line.split("    ").next().unwrap();
                if line.starts_with("carillon ") {
                    tried += 1;
                    let parsed = Cli::try_parse_from(cut(line));
                    assert!(parsed.is_ok(), "{path}: `{line}`: {}", parsed.unwrap_err());
                }
            }
        });
        assert!(tried > 30, "the examples are found: {tried}");
    }
}
