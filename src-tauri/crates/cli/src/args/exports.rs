//! export.

use super::lists::STATES;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Export {
    /// Contacts with their fields and tags: all, those of a segment, or those of an expression.
    #[command(
        after_help = "Examples:\n  carillon export contacts --out everybody.xlsx\n  carillon export contacts --out vip.parquet --segment VIP --column first_name --column points\n  carillon export contacts --out berlin.csv --where 'city is \"Berlin\"'"
    )]
    Contacts {
        #[command(flatten)]
        file: ExportFile,
        /// Only the members of this saved segment.
        #[arg(long, value_name = "NAME", conflicts_with = "expression")]
        segment: Option<String>,
        /// Only those; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT")]
        expression: Option<String>,
        /// Only these fields, beside the address and the tags; else all.
        #[arg(long, value_name = "FIELD")]
        column: Vec<String>,
    },
    /// Companies with their fields and how many contacts each has.
    #[command(after_help = "Example:\n  carillon export companies --out companies.xlsx")]
    Companies {
        #[command(flatten)]
        file: ExportFile,
    },
    /// What contacts did, each property a column; `carillon events import` takes it.
    #[command(
        after_help = "Examples:\n  carillon export events --out events.parquet\n  carillon export events --out orders.csv --event order"
    )]
    Events {
        #[command(flatten)]
        file: ExportFile,
        /// Only of this contact.
        #[arg(long, value_name = "EMAIL")]
        contact: Option<String>,
        /// Only of this name.
        #[arg(long, value_name = "NAME")]
        event: Option<String>,
    },
    /// Messages, the newest first, with what became of them.
    #[command(
        after_help = "Example:\n  carillon export messages --out bounced.xlsx --state bounced --state unknown --journey \"Welcome series\""
    )]
    Messages {
        #[command(flatten)]
        file: ExportFile,
        /// Only those in this state.
        #[arg(long, value_parser = STATES)]
        state: Vec<String>,
        /// Only those of this journey.
        #[arg(long, value_name = "NAME")]
        journey: Option<String>,
    },
    /// Every value of a contact that is known, now and before, with who wrote it when and who replaced it.
    #[command(after_help = "Example:\n  carillon export history ada@example.com --out ada.xlsx")]
    History {
        /// The contact's address.
        email: String,
        #[command(flatten)]
        file: ExportFile,
    },
    /// Contacts that are not written to, with the reason. Of whoever is no contact only a hash is known: they are not
    /// among them.
    #[command(after_help = "Example:\n  carillon export suppressions --out not-written-to.csv")]
    Suppressions {
        #[command(flatten)]
        file: ExportFile,
    },
    /// Whom a campaign is about: who gets it and what became of it, who is held out, who is left out and why.
    #[command(after_help = "Example:\n  carillon export campaign June --out june.xlsx")]
    Campaign {
        /// Its name.
        name: String,
        #[command(flatten)]
        file: ExportFile,
    },
    /// Who is inside a journey, and where.
    #[command(after_help = "Example:\n  carillon export journey \"Welcome series\" --out inside.csv")]
    Journey {
        /// Its name.
        name: String,
        #[command(flatten)]
        file: ExportFile,
        /// Only at this step, by its id.
        #[arg(long, value_name = "ID")]
        step: Option<String>,
    },
    /// Figures a day, or how far contacts came in a journey.
    #[command(
        after_help = "Examples:\n  carillon export report growth --out growth.xlsx\n  carillon export report funnel --journey \"Welcome series\" --out funnel.parquet"
    )]
    Report {
        /// Which figures.
        #[arg(value_parser = ["messages", "growth", "funnel"])]
        name: String,
        #[command(flatten)]
        file: ExportFile,
        /// Journey of a funnel; else the only one there is.
        #[arg(long, value_name = "NAME")]
        journey: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct ExportFile {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What it is written as; else what its name ends in, and CSV where that says nothing.
    #[arg(long, value_enum)]
    pub format: Option<TableFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Text that every program reads.
    Csv,
    /// A workbook of Excel.
    Xlsx,
    /// Typed columns.
    Parquet,
}

impl TableFormat {
    /// The word of the command table.
    pub fn word(self) -> &'static str {
        match self {
            TableFormat::Csv => "csv",
            TableFormat::Xlsx => "xlsx",
            TableFormat::Parquet => "parquet",
        }
    }
}
