//! contacts, events, fields.

use super::lists::{FIELD_TYPES, Part, STANDINGS, grounds_or_none};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Contacts {
    /// Import a list: CSV (comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252), a workbook of Excel (.xlsx),
    /// JSON or lines of JSON, vCards, Parquet, or a table of a SQLite database. Exports of Mailchimp, HubSpot, Mautic
    /// and listmonk are known by their columns, and what they say of who unsubscribed or bounced is obeyed. Rows that
    /// need attention go to a file with the reason for each.
    #[command(
        after_help = "Examples:\n  carillon contacts import list.csv --basis consent --source \"Trade fair 2026\" --dry-run\n  carillon contacts import list.csv --basis consent --source \"Trade fair 2026\" --tag fair-2026 \\\n      --map \"Mail=email\" --map \"Birthday=birthday:date\" --map \"Notes=-\"\n  carillon contacts import update.csv --mode update --fill-empty city --basis none --source \"Shop export\"\n  carillon contacts undo-import 3\n  carillon contacts import people.xlsx --sheet \"Leads\" --basis none --source \"Sales\"\n  carillon contacts import crm.sqlite --sheet people --basis none --source \"CRM\"\n  carillon contacts import gone.csv --everybody unsubscribed --basis none --source \"Old newsletter\""
    )]
    Import(Box<ImportContacts>),
    /// Take an import back: contacts it created and values it changed, unless they changed since. Contacts that
    /// were mailed stay.
    UndoImport {
        /// Its number; `carillon contacts imports` lists them.
        id: u32,
    },
    /// Imports so far.
    Imports,
    /// List contacts, or those of a segment expression.
    #[command(
        after_help = "Examples:\n  carillon contacts list --limit 10\n  carillon contacts list --where 'tag \"vip\" and city is \"Berlin\"'"
    )]
    List {
        /// Only those; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT")]
        expression: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Everything known of one contact, with the source of each value.
    Show {
        /// The contact's address.
        email: String,
    },
    /// What the values of a contact were: each with who wrote it when, and who replaced it. What is there now comes first,
    /// then what was replaced last. `carillon export history` writes all of it to a file, for whoever asks what is known of them.
    #[command(
        after_help = "Examples:\n  carillon contacts history ada@example.com\n  carillon contacts history ada@example.com --field city"
    )]
    History {
        /// The contact's address.
        email: String,
        /// Only of this field.
        #[arg(long, value_name = "FIELD")]
        field: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Write contacts to a file: a workbook of Excel where it ends in .xlsx, Parquet where it ends in .parquet, else CSV.
    /// `carillon export` writes other tables, too.
    #[command(
        after_help = "Examples:\n  carillon contacts export vip.csv --where 'tag \"vip\"'\n  carillon contacts export everybody.xlsx"
    )]
    Export {
        /// The file to write.
        to: PathBuf,
        /// Only those; see `carillon segments grammar`.
        #[arg(long = "where", value_name = "TEXT")]
        expression: Option<String>,
    },
    /// Remove a contact. A suppressed address stays suppressed.
    Delete {
        /// The contact's address.
        email: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModeArg {
    /// Only new contacts.
    Create,
    /// Only known ones.
    Update,
    /// New and known ones.
    Both,
}

impl ModeArg {
    /// The word of the command table.
    pub fn word(self) -> &'static str {
        match self {
            ModeArg::Create => "create",
            ModeArg::Update => "update",
            ModeArg::Both => "both",
        }
    }
}

#[derive(Debug, Args)]
pub struct ImportContacts {
    /// The list. The first row of a table names its columns.
    pub file: PathBuf,
    /// Which column goes to which field; `COL=-` leaves it out, `COL=tags` reads tags,
    /// `COL=status` reads words like unsubscribed and bounced, `COL=status:bounced` takes each filled cell for it. Columns named like fields
    /// map themselves. A field that does not exist is created with the type guessed, or as `COL=field:type`.
    #[arg(long, value_name = "COL=FIELD")]
    pub map: Vec<String>,
    /// Whom to take.
    #[arg(long, value_enum, default_value = "both")]
    pub mode: ModeArg,
    /// Fields to fill only where they are empty.
    #[arg(long, value_name = "FIELD")]
    pub fill_empty: Vec<String>,
    /// Why you may write to them; with none, contacts are kept and nothing is sent.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(grounds_or_none()), required_unless_present = "resume")]
    pub basis: Option<String>,
    /// Where the list comes from, in your words.
    #[arg(long, value_name = "TEXT", required_unless_present = "resume")]
    pub source: Option<String>,
    /// The words they agreed to.
    #[arg(long, value_name = "TEXT")]
    pub wording: Option<String>,
    /// Tags for all of them.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// What stands between columns; found out where left out.
    #[arg(long, value_parser = ["comma", "semicolon", "tab", "bar", ",", ";", "\\t", "|"])]
    pub delimiter: Option<String>,
    /// How letters are written; found out where left out.
    #[arg(long, value_parser = ["utf-8", "utf-16le", "utf-16be", "windows-1252"])]
    pub encoding: Option<String>,
    /// Which sheet of a workbook, else its first; or which table or view of a database, else the first with e-mail
    /// addresses.
    #[arg(long, alias = "table", value_name = "NAME")]
    pub sheet: Option<String>,
    /// What is true of all of them, whatever a column says: for lists of those who unsubscribed or bounced.
    #[arg(long, value_parser = STANDINGS)]
    pub everybody: Option<String>,
    /// Say what would happen and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with an import that was interrupted; `carillon contacts imports` lists them.
    #[arg(long, value_name = "ID", conflicts_with = "dry_run")]
    pub resume: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Import a CSV (columns email, event, at, and properties) or JSON lines
    /// ({"email","event","at","props":{}}). The same line twice is one event.
    #[command(
        after_help = "Examples:\n  carillon events import orders.csv --source shop\n  carillon events import orders.csv --source shop --email Customer --event Action --at When --id OrderNo\n  carillon events import clicks.jsonl --source site"
    )]
    Import(ImportEvents),
    /// What one contact did.
    List {
        /// The contact's address.
        email: String,
    },
}

#[derive(Debug, Args)]
pub struct ImportEvents {
    /// The file.
    pub file: PathBuf,
    /// Where they come from, like shop.
    #[arg(long, value_name = "TEXT")]
    pub source: String,
    /// Column with the contact's address.
    #[arg(long, value_name = "COL", default_value = "email")]
    pub email: String,
    /// Column with the event's name.
    #[arg(long, value_name = "COL", default_value = "event")]
    pub event: String,
    /// Column with the moment.
    #[arg(long, value_name = "COL", default_value = "at")]
    pub at: String,
    /// Column with a key of its own, so that no event counts twice; else the whole line is its key.
    #[arg(long, value_name = "COL")]
    pub id: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Fields {
    /// All fields, with their types.
    List,
    /// Add a custom field.
    #[command(
        after_help = "Examples:\n  carillon fields add birthday --type date --label \"Birthday\"\n  carillon fields add roast --type choice --option light --option dark"
    )]
    Add {
        /// Its name: small letters, digits and _; company. before it for a field of companies.
        key: String,
        /// What its values are.
        #[arg(long = "type", default_value = "text", value_parser = FIELD_TYPES)]
        field_type: String,
        /// What people read; else the name.
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// Options of a choice.
        #[arg(long, value_name = "TEXT")]
        option: Vec<String>,
    },
    /// Hide a field; its values are kept.
    Retire {
        /// Its name.
        key: String,
    },
}
