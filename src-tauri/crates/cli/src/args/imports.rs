//! imports.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Imports {
    /// Folders whose new files are imported by themselves, while the studio, `carillon serve` or `carillon run` works on the
    /// workspace. Nothing in them is changed or removed.
    #[command(subcommand)]
    Folders(Folders),
}

#[derive(Debug, Subcommand)]
pub enum Folders {
    /// The watched folders, and what keeps one from being read.
    List,
    /// Import what arrives in a folder from now on, with the columns, permission and tags of an import made by hand.
    #[command(
        after_help = "Examples:\n  carillon imports folders add ~/exports --like 3\n  carillon imports folders add /srv/signups --like 3 --pattern 'signups-*.csv, *.xlsx' --existing"
    )]
    Add(AddFolder),
    /// What became of the files of a folder, the last first.
    Files {
        /// Its number; `carillon imports folders list` shows them.
        id: u32,
    },
    /// Watch a folder no more. What was imported stays, and so do the files.
    Remove {
        /// Its number.
        id: u32,
    },
    /// Leave what arrives in a folder for now. What arrived meanwhile is imported once it goes on.
    Pause {
        /// Its number.
        id: u32,
    },
    /// Go on with a folder that is paused.
    Resume {
        /// Its number.
        id: u32,
    },
    /// Look into the folders now, and import what came to rest there.
    RunOnce {
        /// Only this one, even if it is paused.
        id: Option<u32>,
    },
    /// Import a file that waits, whatever the limits of its folder say.
    Take {
        /// Its number; `carillon imports folders files` shows them.
        file: i64,
    },
    /// Leave a file out that waits.
    Leave {
        /// Its number.
        file: i64,
    },
}

#[derive(Debug, Args)]
pub struct AddFolder {
    /// The folder. Folders in it are not looked into.
    pub folder: PathBuf,
    /// The finished import whose settings are used; `carillon contacts imports` lists them.
    #[arg(long, value_name = "IMPORT")]
    pub like: u32,
    /// Which files: * stands for any letters; several patterns between commas.
    #[arg(long, value_name = "PATTERN", default_value = "*.csv")]
    pub pattern: String,
    /// A file waits for you if more of its rows are refused than these of 100.
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub most_refused: u8,
    /// A file waits for you if it would make or change more contacts.
    #[arg(long, value_name = "N")]
    pub most_contacts: Option<u64>,
    /// Also import the files that are there already.
    #[arg(long)]
    pub existing: bool,
}
