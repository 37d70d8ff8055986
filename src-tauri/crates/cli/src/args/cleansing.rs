//! cleansing.

use super::lists::CLEANSING_RULES;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Cleansing {
    /// Look for data that can be put right, and say what would be changed. Nothing is.
    #[command(
        after_help = "Examples:\n  carillon cleansing preview\n  carillon cleansing preview --country DE --only phone --limit 50\n  carillon cleansing preview --where 'country is \"FR\"'"
    )]
    Preview {
        #[command(flatten)]
        what: What,
        /// Contacts that are shown as examples.
        #[arg(long, default_value_t = 10)]
        limit: u32,
    },
    /// Put it right, all at once; `carillon cleansing undo` takes it back at once.
    ///
    /// An address that leads to another contact is left as it is and named: the two may be one person. Whoever is never
    /// written to is never written to at the new address either.
    #[command(
        after_help = "Examples:\n  carillon cleansing apply --country DE\n  carillon cleansing apply --only phone --only country\n  carillon cleansing apply --except name_case --where 'country is \"FR\"'"
    )]
    Apply {
        #[command(flatten)]
        what: What,
    },
    /// How good the data is, field by field: how many contacts have a value, how many of those one that can be what the field is
    /// for, and how many of those one that is written as it should be. The score is the share of contacts whose value is all
    /// three, in whole percent.
    #[command(
        after_help = "Examples:\n  carillon cleansing quality\n  carillon cleansing quality --days\n  carillon cleansing quality --field phone --list invalid"
    )]
    Quality {
        /// Measure now; else what was measured last is shown, and only what was never measured is.
        #[arg(long)]
        measure: bool,
        /// The scores of each day on which was measured, of the last ninety.
        #[arg(long, conflicts_with = "list")]
        days: bool,
        /// Only this field.
        #[arg(long, value_name = "FIELD")]
        field: Option<String>,
        /// The contacts whose value of the field is wrong: it cannot be what the field is for (invalid), or a cleansing would
        /// write it otherwise (untidy).
        #[arg(long, value_parser = ["invalid", "untidy"], requires = "field")]
        list: Option<String>,
        /// At most so many contacts.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Cleansings so far, the last first.
    List,
    /// Take a cleansing back: values are as they were, but for those somebody wrote since.
    Undo {
        /// Its number; `carillon cleansing list` lists them.
        id: u32,
    },
}

/// Of whom, and by which rules.
#[derive(Debug, Args)]
pub struct What {
    /// Only these contacts, in the language of segments.
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub expression: Option<String>,
    /// Where contacts live that have no country, as a code of two letters. Without it their telephone numbers and post codes
    /// are left alone.
    #[arg(long, value_name = "CODE")]
    pub country: Option<String>,
    /// Only this rule; may be given several times.
    #[arg(long, value_name = "RULE", value_parser = CLEANSING_RULES)]
    pub only: Vec<String>,
    /// Every rule but this one; may be given several times.
    #[arg(long, value_name = "RULE", value_parser = CLEANSING_RULES, conflicts_with = "only")]
    pub except: Vec<String>,
}

impl What {
    /// The rules that are meant.
    pub fn rules(&self) -> Vec<&str> {
        let meant = |rule: &&str| match self.only.is_empty() {
            true => !self.except.iter().any(|out| out == rule),
            false => self.only.iter().any(|one| one == rule),
        };
        CLEANSING_RULES.into_iter().filter(meant).collect()
    }
}
