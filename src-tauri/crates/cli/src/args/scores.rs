//! scores.

use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Scores {
    /// All scores: their keys, what state they are in and how often they were published.
    List,
    /// The model of a score, as `scores save --file` takes it.
    Show {
        /// The score's name.
        name: String,
        /// What contacts are measured by, not the draft.
        #[arg(long)]
        published: bool,
    },
    /// Save a model as the draft of a score. A score of that name is changed; contacts and their companies are measured by it
    /// from `scores publish` on.
    #[command(
        after_help = "Example of a model:\n  {\"kind\": \"points\", \"groups\": [{\"key\": \"shop\", \"name\": \"Shop\", \"decay\": {\"decay\": \"half_life\", \"days\": 90}, \"rules\": [\n    {\"key\": \"orders\", \"when\": \"did order where total >= 10\", \"points\": {\"per\": \"each\", \"points\": 5}},\n    {\"key\": \"bonn\", \"when\": \"city is \\\"Bonn\\\"\", \"points\": {\"per\": \"while\", \"points\": 10}}]}],\n   \"companies\": {\"roll_up\": \"average\", \"bounds\": {\"most\": 100}, \"rules\": [\n    {\"key\": \"retail\", \"when\": \"company.industry is \\\"Retail\\\"\", \"points\": 15},\n    {\"key\": \"team\", \"when\": \"score_engagement >= 50\", \"people\": 3, \"points\": 20}]}}\n\ncompanies says how companies are measured: what is made of the points of their contacts (sum, average, highest or\nnothing), and rules of their own. Without it, the points of a company's contacts are added up.\n\nExample:\n  carillon scores save Engagement --file engagement.json\n  carillon scores preview Engagement\n  carillon scores publish Engagement"
    )]
    Save {
        /// Its name.
        name: String,
        /// The key of a new one: its field is score_KEY. Made from the name if it is not said.
        #[arg(long)]
        key: Option<String>,
        /// The file with the model, as JSON.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// What the draft says of up to 1,000 contacts. Nothing is changed.
    Preview {
        /// The score's name.
        name: String,
    },
    /// Try the draft on the past: what it would have said so many days ago, and who reached a goal since; beside the
    /// published model. Nothing is changed.
    #[command(after_help = "Example:\n  carillon scores backtest Engagement --goal 'did order' --days 30")]
    Backtest {
        /// The score's name.
        name: String,
        /// What people were to do: one event, without times and dates.
        #[arg(long, value_name = "TEXT")]
        goal: String,
        /// Within so many days.
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// Measure every contact by the draft from now on.
    Publish {
        /// The score's name.
        name: String,
    },
    /// Measure nobody by it any more. What the ledger has stays.
    Archive {
        /// The score's name.
        name: String,
    },
    /// The scores of a contact, rule by rule.
    Of {
        /// The contact's address.
        email: String,
    },
    /// Every change of a contact's scores, the newest first.
    Ledger {
        /// The contact's address.
        email: String,
        /// Of this score only.
        #[arg(long, value_name = "NAME")]
        score: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Add points to a contact's score by hand, or take some.
    #[command(
        after_help = "Example:\n  carillon scores adjust Engagement ada@example.com --points=-5 --why \"Asked by mistake\""
    )]
    Adjust {
        /// The score's name.
        name: String,
        /// The contact's address.
        email: String,
        /// How many; fewer than 0 takes them.
        #[arg(long, allow_negative_numbers = true)]
        points: f64,
        /// Why, for the record.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
}
