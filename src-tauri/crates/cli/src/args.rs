//! The command line: `carillon [--workspace FILE] [--json] NOUN VERB ...`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A marketing studio on your own machine: import contacts, draw journeys, watch them on a virtual clock,
/// and send them over your own mail account.
#[derive(Debug, Parser)]
#[command(
    name = "carillon",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "A first walk:\n  carillon demo create shop.carillon\n  carillon -w shop.carillon journeys list\n  carillon -w shop.carillon run --until 2026-12-31T00:00:00Z\n  carillon -w shop.carillon report funnel --journey \"Welcome series\"\n\nExit status: 0 done, 1 refused or failed, 2 wrong usage."
)]
pub struct Cli {
    /// The workspace file; else the environment variable CARILLON_WORKSPACE, else the one used last.
    #[arg(short, long, global = true, value_name = "FILE", env = "CARILLON_WORKSPACE")]
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
    /// Import what contacts did.
    #[command(subcommand)]
    Events(Events),
    /// Fields of contacts.
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
    /// Journeys: draw in the studio or import a file; check, simulate, try, publish.
    #[command(subcommand)]
    Journeys(Journeys),
    /// E-mail templates: MJML with Liquid.
    #[command(subcommand)]
    Templates(Templates),
    /// Sender accounts.
    #[command(subcommand)]
    Accounts(Accounts),
    /// Let the workspace run: journeys move and messages leave.
    Run(Run),
    /// Messages on their way.
    #[command(subcommand)]
    Outbox(Outbox),
    /// Figures: messages, funnel, growth.
    Report(Report),
    /// Name, organisation, postal address and time zone.
    #[command(subcommand)]
    Settings(Settings),
    /// Write a verified copy of the workspace.
    Backup {
        /// The copy to write. Must not exist.
        to: PathBuf,
    },
    /// Put a copy in the place of the workspace. Its outbox is frozen until you say what became of each
    /// message; opt-outs of the replaced file are kept.
    Restore {
        /// The copy to take.
        from: PathBuf,
    },
    /// The studio's screens in a browser, on this machine only.
    Serve(Serve),
    /// A small mail server on loopback with a truth log, as samples use it.
    #[command(hide = true)]
    World(World),
    /// Writes the TypeScript words of the command table.
    #[command(hide = true)]
    Bindings { dir: PathBuf },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ClockArg {
    /// The machine's clock: journeys and mail are real.
    Real,
    /// A clock you move: nothing ever leaves this machine.
    Virtual,
}

#[derive(Debug, Subcommand)]
pub enum Workspaces {
    /// Create a workspace file.
    Create {
        file: PathBuf,
        /// Fixed for the life of the file.
        #[arg(long, value_enum, default_value = "real")]
        clock: ClockArg,
        /// Where a virtual clock starts, like 2026-01-01T00:00:00Z.
        #[arg(long, value_name = "INSTANT")]
        start: Option<String>,
        /// What to call it; else the file's name.
        #[arg(long)]
        name: Option<String>,
        /// IANA zone used where a contact has none.
        #[arg(long, default_value = "UTC")]
        time_zone: String,
    },
    /// Files opened before.
    Recent,
    /// What the workspace says of itself.
    Show,
}

#[derive(Debug, Subcommand)]
pub enum Demo {
    /// A coffee shop with contacts, orders, carts, consent and a welcome series.
    Create {
        file: PathBuf,
        #[arg(long, default_value_t = 5000)]
        contacts: u32,
        /// Months of history.
        #[arg(long, default_value_t = 12)]
        months: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, Subcommand)]
pub enum Contacts {
    /// Import a CSV file: comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252.
    Import(ImportContacts),
    /// Take an import back: contacts it created and values it changed, unless they changed since.
    UndoImport { id: u32 },
    /// Imports so far.
    Imports,
    /// List contacts, or those of a segment expression.
    List {
        #[arg(long = "where", value_name = "TEXT")]
        expression: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Everything known of one contact.
    Show { email: String },
    /// Write contacts to a CSV file.
    Export {
        to: PathBuf,
        #[arg(long = "where", value_name = "TEXT")]
        expression: Option<String>,
    },
    /// Remove a contact. A suppressed address stays suppressed.
    Delete { email: String },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModeArg {
    Create,
    Update,
    Both,
}

#[derive(Debug, Args)]
pub struct ImportContacts {
    pub csv: PathBuf,
    /// Which column goes to which field; `COL=-` leaves it out. Columns named like fields map themselves.
    /// A field that does not exist is created with the type guessed, or `COL=field:type`.
    #[arg(long, value_name = "COL=FIELD")]
    pub map: Vec<String>,
    /// New contacts, known ones, or both.
    #[arg(long, value_enum, default_value = "both")]
    pub mode: ModeArg,
    /// Fields to fill only where they are empty.
    #[arg(long, value_name = "FIELD")]
    pub fill_empty: Vec<String>,
    /// Why you may write to them: consent, double_opt_in, soft_opt_in, contract, legitimate_interest, implied,
    /// or none (contacts are kept, nothing is sent).
    #[arg(long)]
    pub basis: String,
    /// Where the list comes from, in your words.
    #[arg(long)]
    pub source: String,
    /// The words they agreed to.
    #[arg(long)]
    pub wording: Option<String>,
    /// Tags for all of them.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// utf-8, utf-16le, utf-16be or windows-1252.
    #[arg(long)]
    pub encoding: Option<String>,
    /// Say what would happen and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with an import that was interrupted.
    #[arg(long, value_name = "ID")]
    pub resume: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Import a CSV (columns email, event, at, and properties) or JSON lines
    /// ({"email","event","at","props":{}}). The same line twice is one event.
    Import {
        file: PathBuf,
        /// Where they come from, like shop.
        #[arg(long)]
        source: String,
        /// Column with the contact's address.
        #[arg(long, default_value = "email")]
        email: String,
        /// Column with the event's name.
        #[arg(long, default_value = "event")]
        event: String,
        /// Column with the moment.
        #[arg(long, default_value = "at")]
        at: String,
        /// Column with a key of its own, so that no event counts twice; else the whole line is its key.
        #[arg(long)]
        id: Option<String>,
    },
    /// What one contact did.
    List { email: String },
}

#[derive(Debug, Subcommand)]
pub enum Fields {
    List,
    /// Add a custom field.
    Add {
        key: String,
        /// text, number, money, yes_no, choice, multi_choice, date or date_time.
        #[arg(long = "type", default_value = "text")]
        field_type: String,
        #[arg(long)]
        label: Option<String>,
        /// Options of a choice.
        #[arg(long)]
        option: Vec<String>,
    },
    /// Hide a field; its values are kept.
    Retire {
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Consent {
    /// The ledger of one contact.
    Show { email: String },
    /// Record a permission or its withdrawal.
    Add {
        email: String,
        #[arg(long, default_value = "email")]
        channel: String,
        #[arg(long, default_value = "marketing")]
        purpose: String,
        #[arg(long)]
        basis: Option<String>,
        /// Record that permission was withdrawn.
        #[arg(long)]
        withdraw: bool,
        #[arg(long)]
        source: String,
        #[arg(long)]
        wording: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Suppressions {
    /// How many there are, by reason.
    List,
    /// Never write to this address again.
    Add { email: String },
    /// Lift it: only on the person's own explicit wish.
    Remove {
        email: String,
        /// Why, for the record.
        #[arg(long)]
        because: String,
    },
    /// Whether an address is on the list.
    Check { email: String },
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
    List,
    /// Save an expression under a name.
    Save {
        name: String,
        #[arg(long = "where", value_name = "TEXT")]
        expression: String,
    },
    Delete {
        name: String,
    },
    /// How many contacts.
    Count {
        #[command(flatten)]
        which: Which,
        /// Also how many for each clause.
        #[arg(long)]
        clauses: bool,
    },
    /// Who.
    Members {
        #[command(flatten)]
        which: Which,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Why a contact is in or out, clause by clause.
    Why {
        #[command(flatten)]
        which: Which,
        /// The contact.
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
    /// The language of expressions, with examples.
    Grammar,
}

#[derive(Debug, Subcommand)]
pub enum Journeys {
    List,
    /// Read a journey file as a draft.
    Import {
        file: PathBuf,
    },
    /// Write a journey as a file.
    Export {
        name: String,
        /// Standard output where left out.
        to: Option<PathBuf>,
    },
    /// What is wrong with the draft.
    Check {
        name: String,
    },
    /// Make the draft a version that contacts enter.
    Publish {
        name: String,
    },
    Pause {
        name: String,
    },
    Resume {
        name: String,
    },
    /// Nobody enters; those inside finish.
    Drain {
        name: String,
    },
    /// Everybody leaves; queued messages are cancelled.
    Stop {
        name: String,
    },
    /// State, and how many are where.
    Status {
        name: String,
    },
    /// Let a contact enter by hand.
    Enter {
        name: String,
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
    /// Run the draft over all contacts on a virtual clock; nothing is changed and nothing leaves.
    Simulate {
        name: String,
        #[arg(long, default_value_t = 90)]
        days: u32,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Walk one contact through the draft.
    Try {
        name: String,
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// What happened to one contact in a journey, and why.
    Path {
        name: String,
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Templates {
    List,
    /// Read a template file (as exported, or bare MJML).
    Import {
        file: PathBuf,
        /// Name; else the file's.
        #[arg(long)]
        name: Option<String>,
        /// Subject of a bare MJML file.
        #[arg(long)]
        subject: Option<String>,
    },
    /// Add the starter templates.
    Starters,
    /// What one contact would get.
    Render {
        name: String,
        #[arg(long = "as", value_name = "EMAIL")]
        email: String,
        /// Write the HTML to a file.
        #[arg(long)]
        html: Option<PathBuf>,
    },
    /// Which values are missing, for how many of a segment.
    Missing {
        name: String,
        #[arg(long = "where", value_name = "TEXT", default_value = "everyone")]
        expression: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Accounts {
    List,
    /// Add an SMTP account. The password is read from standard input.
    AddSmtp {
        name: String,
        #[arg(long)]
        host: String,
        #[arg(long)]
        port: Option<u16>,
        /// starttls, tls or none (loopback only).
        #[arg(long, default_value = "starttls")]
        tls: String,
        #[arg(long, default_value = "")]
        user: String,
        #[arg(long)]
        from_email: String,
        #[arg(long, default_value = "")]
        from_name: String,
        #[arg(long)]
        reply_to: Option<String>,
        /// Limits from a preset: gmail, google_workspace, microsoft_365, ses_sandbox, generic ...
        #[arg(long)]
        preset: Option<String>,
        #[arg(long)]
        per_day: Option<u32>,
        #[arg(long)]
        per_minute: Option<u32>,
        #[arg(long)]
        sessions: Option<u16>,
        /// PEM file of a private certificate authority.
        #[arg(long)]
        ca_file: Option<String>,
        /// Keep the password in a file protected by the passphrase in CARILLON_PASSPHRASE, where there is no
        /// keychain.
        #[arg(long)]
        passphrase_file: bool,
    },
    /// Send yourself a test.
    Test {
        name: String,
        #[arg(long)]
        to: String,
    },
    Delete {
        name: String,
    },
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Run {
    /// Until nothing is due or in flight; prints the next due instant.
    #[arg(long)]
    pub until_idle: bool,
    /// Until this instant of the workspace's clock; moves a virtual clock.
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
    /// For so many seconds of the workspace's clock; moves a virtual clock.
    #[arg(long = "for", value_name = "SECONDS")]
    pub for_secs: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Outbox {
    List {
        /// queued, claimed, in_flight, accepted, deferred, bounced, unknown, suppressed, expired, cancelled, frozen.
        #[arg(long)]
        state: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Say what became of messages whose outcome is unknown, or that a restore froze.
    Resolve {
        /// unknown or frozen.
        #[arg(long)]
        state: String,
        /// sent, unknown, not_sent or cancelled.
        #[arg(long = "as", value_name = "WHAT")]
        outcome: String,
        /// Only these; else the whole batch.
        #[arg(long)]
        id: Vec<i64>,
    },
    /// Hold all sending.
    Pause,
    Resume,
}

#[derive(Debug, Args)]
pub struct Report {
    /// messages, funnel or growth.
    pub name: String,
    /// Journey of a funnel.
    #[arg(long)]
    pub journey: Option<String>,
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Csv,
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    Show,
    Set {
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        organisation: Option<String>,
        /// Goes into each marketing mail, as the law asks.
        #[arg(long)]
        postal_address: Option<String>,
        #[arg(long)]
        time_zone: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Port on loopback; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Folder of the built screens, where they are not beside the program.
    #[arg(long, value_name = "DIR")]
    pub ui: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct World {
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub truth: PathBuf,
    /// Wait before each reply to a final dot.
    #[arg(long, default_value_t = 0)]
    pub delay_ms: u64,
}
