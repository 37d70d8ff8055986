//! What a list itself says of whether somebody may be written to (`assets/rules/import_sources.json`). It is obeyed: an
//! import gives nobody a permission whom the program it comes from did not write to.

use super::mapping::normal;
use carillon_model::consent::SuppressionReason;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use ts_rs::TS;

/// How somebody stands with the program a list comes from. Of several the last in this order counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Standing {
    /// Nothing is said against writing to them.
    #[default]
    Free,
    /// Never subscribed or not confirmed: without permission, and nobody said no.
    NotPermitted,
    Unsubscribed,
    Bounced,
    /// On that program's own list of those who get nothing.
    Blocked,
    Complained,
}

impl Standing {
    /// Why the address goes on the list of those who are not written to, if it does.
    pub fn suppression(self) -> Option<SuppressionReason> {
        match self {
            Standing::Free | Standing::NotPermitted => None,
            Standing::Unsubscribed => Some(SuppressionReason::Unsubscribed),
            Standing::Bounced => Some(SuppressionReason::Bounced),
            Standing::Blocked => Some(SuppressionReason::Imported),
            Standing::Complained => Some(SuppressionReason::Complained),
        }
    }

    /// Whether it is the person's own no, which the ledger keeps as a withdrawal.
    pub fn is_own_no(self) -> bool {
        matches!(self, Standing::Unsubscribed | Standing::Complained)
    }
}

/// How the cells of a column are read that says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StatusReading {
    /// By words like `subscribed` and `cleaned`.
    #[default]
    Words,
    /// Mautic's lists of reasons not to contact.
    MauticDnc,
    /// Any filled cell but a no says it: a moment, a reason, a yes.
    NotPermitted,
    Unsubscribed,
    Bounced,
    Complained,
    Blocked,
}

/// Words by what they say.
type Words = BTreeMap<Standing, Vec<String>>;

/// What an export leaves out that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Note {
    Always,
    WithoutStatus,
}

/// Another program, by its exports.
#[derive(Debug, Deserialize)]
pub(super) struct Program {
    pub key: String,
    pub label: String,
    signs: Vec<Vec<String>>,
    columns: BTreeMap<String, String>,
    status: BTreeMap<String, StatusReading>,
    files: BTreeMap<String, Standing>,
    pub note: Option<Note>,
}

#[derive(Debug, Deserialize)]
struct Anywhere {
    status: BTreeMap<String, StatusReading>,
}

#[derive(Debug, Deserialize)]
struct File {
    #[cfg_attr(not(test), allow(dead_code))]
    dated: String,
    words: Words,
    mautic_dnc: Words,
    programs: Vec<Program>,
    anywhere: Anywhere,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../assets/rules/import_sources.json"
    ));
    serde_json::from_str(text).expect("the embedded rules are read by a test")
});

fn table(words: &Words) -> HashMap<String, Standing> {
    let all = words
        .iter()
        .flat_map(|(standing, words)| words.iter().map(|word| (normal(word), *standing)));
    all.collect()
}

static WORDS: LazyLock<HashMap<String, Standing>> = LazyLock::new(|| table(&FILE.words));
static MAUTIC: LazyLock<HashMap<String, Standing>> = LazyLock::new(|| table(&FILE.mautic_dnc));

/// A heading of the rules matches one of a file.
fn matches(rule: &str, heading: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(beginning) => normal(heading).starts_with(&normal(beginning)),
        None => normal(rule) == normal(heading),
    }
}

fn find<'a, T>(rules: &'a BTreeMap<String, T>, heading: &str) -> Option<&'a T> {
    let exact = rules
        .iter()
        .find(|(rule, _)| !rule.ends_with('*') && matches(rule, heading));
    exact
        .or_else(|| rules.iter().find(|(rule, _)| matches(rule, heading)))
        .map(|(_, found)| found)
}

impl Program {
    /// The program whose export has these headings.
    pub fn of(headings: &[String]) -> Option<&'static Program> {
        let has = |sign: &String| headings.iter().any(|heading| matches(sign, heading));
        FILE.programs
            .iter()
            .find(|program| program.signs.iter().any(|signs| signs.iter().all(has)))
    }

    /// What a column becomes: a field's key, `tags` or `skip`.
    pub fn column(&self, heading: &str) -> Option<&str> {
        find(&self.columns, heading).map(String::as_str)
    }

    /// How a column is read that says whether somebody may be written to.
    pub fn status(&self, heading: &str) -> Option<StatusReading> {
        find(&self.status, heading).copied()
    }

    /// What the file's own name says of everybody in it.
    pub fn by_name(&self, file: &str) -> Standing {
        let name = normal(file);
        let said = self
            .files
            .iter()
            .find(|(word, _)| name.starts_with(&normal(word)));
        said.map(|(_, standing)| *standing).unwrap_or_default()
    }
}

/// How a column of any file is read whose heading says what it is. By words only where all its cells are such words, and
/// one at least is against writing.
pub(super) fn anywhere(heading: &str, cells: &[&str]) -> Option<StatusReading> {
    let reading = *find(&FILE.anywhere.status, heading)?;
    let said = || cells.iter().map(|cell| read(reading, cell));
    let understood = said().all(|said| said.is_ok()) && said().any(|said| said != Ok(Standing::Free));
    (reading != StatusReading::Words || understood).then_some(reading)
}

/// What a cell says of a person.
///
/// # Errors
/// The word of a reason: it is not understood, and the person counts as [`Standing::NotPermitted`].
pub(super) fn read(reading: StatusReading, cell: &str) -> Result<Standing, &'static str> {
    let word = normal(cell);
    if word.is_empty() {
        return Ok(Standing::Free);
    }
    let filled = |standing| match matches!(word.as_str(), "no" | "n" | "false" | "0" | "none" | "null") {
        true => Ok(Standing::Free),
        false => Ok(standing),
    };
    match reading {
        StatusReading::Words => of_all(cell.split('|').map(|part| WORDS.get(&normal(part)))),
        StatusReading::MauticDnc => {
            let entries = cell
                .split([',', '|', ';'])
                .map(|entry| match entry.split_once(':') {
                    Some((_, channel)) if normal(channel) != "email" => Some(&Standing::Free),
                    Some((reason, _)) => MAUTIC.get(&normal(reason)),
                    None => MAUTIC.get(&normal(entry)),
                });
            of_all(entries)
        }
        StatusReading::NotPermitted => filled(Standing::NotPermitted),
        StatusReading::Unsubscribed => filled(Standing::Unsubscribed),
        StatusReading::Bounced => filled(Standing::Bounced),
        StatusReading::Complained => filled(Standing::Complained),
        StatusReading::Blocked => filled(Standing::Blocked),
    }
}

fn of_all<'a>(said: impl Iterator<Item = Option<&'a Standing>>) -> Result<Standing, &'static str> {
    let said: Option<Vec<Standing>> = said.map(Option::<&Standing>::copied).collect();
    said.and_then(|all| all.into_iter().max()).ok_or("unknown_status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn exports_are_told_by_their_columns_and_other_lists_are_not() {
        for (columns, key) in [
            (
                "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,LEID,EUID,NOTES,TAGS",
                Some("mailchimp"),
            ),
            (
                "Email Address,First Name,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID,EUID",
                Some("mailchimp"),
            ),
            (
                "Record ID,First Name,Last Name,Email,Contact owner,Create Date",
                Some("hubspot"),
            ),
            (
                "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report",
                Some("hubspot"),
            ),
            (
                "id,title,firstname,lastname,email,points,preferred_locale,timezone",
                Some("mautic"),
            ),
            (
                "uuid,email,name,attributes,status,created_at,updated_at",
                Some("listmonk"),
            ),
            ("email,first_name,last_name,points,status", None),
            ("Record ID,Email", None),
        ] {
            let found = Program::of(&headings(columns)).map(|program| program.key.as_str());
            assert_eq!(found, key, "{columns}");
        }
        assert!(FILE.dated.as_str() >= "2026-11-27");
    }

    #[test]
    fn what_a_status_says_is_understood_in_the_words_of_each_program() {
        use StatusReading::{Bounced, MauticDnc, Unsubscribed, Words};
        for (reading, cell, want) in [
            (Words, "Subscribed", Ok(Standing::Free)),
            (Words, "", Ok(Standing::Free)),
            (Words, "cleaned", Ok(Standing::Bounced)),
            (Words, "Non-Subscribed", Ok(Standing::NotPermitted)),
            (Words, "Non-marketing contact", Ok(Standing::NotPermitted)),
            (Words, "blocklisted", Ok(Standing::Blocked)),
            (Words, "confirmed|unsubscribed", Ok(Standing::Unsubscribed)),
            (Words, "purple", Err("unknown_status")),
            (Unsubscribed, "2024-02-01 09:00:00", Ok(Standing::Unsubscribed)),
            (Unsubscribed, "false", Ok(Standing::Free)),
            (Bounced, "UNKNOWN_USER", Ok(Standing::Bounced)),
            (MauticDnc, "1:email", Ok(Standing::Unsubscribed)),
            (
                MauticDnc,
                "Bounced: Email, Unsubscribed: sms",
                Ok(Standing::Bounced),
            ),
            (MauticDnc, "3:sms", Ok(Standing::Free)),
            (MauticDnc, "3:email,2:email", Ok(Standing::Blocked)),
        ] {
            assert_eq!(read(reading, cell), want, "{reading:?} {cell}");
        }
    }

    #[test]
    fn each_word_says_one_thing() {
        for words in [&FILE.words, &FILE.mautic_dnc] {
            let all = words.values().map(Vec::len).sum::<usize>();
            assert_eq!(table(words).len(), all);
            assert_eq!(words.len(), 6);
        }
    }

    #[test]
    fn the_file_s_own_name_says_what_no_column_does() {
        let mailchimp = Program::of(&headings("LEID,EUID")).expect("Mailchimp");
        for (name, want) in [
            (
                "nonsubscribed_email_audience_export_1.csv",
                Standing::NotPermitted,
            ),
            ("unsubscribed_members.csv", Standing::Unsubscribed),
            ("cleaned_members_export.csv", Standing::Bounced),
            ("subscribed_members_export.csv", Standing::Free),
        ] {
            assert_eq!(mailchimp.by_name(name), want, "{name}");
        }
    }

    #[test]
    fn a_column_of_any_list_is_taken_for_one_only_where_its_cells_say_so() {
        assert_eq!(
            anywhere("Subscription status", &["subscribed", "unsubscribed"]),
            Some(StatusReading::Words)
        );
        assert_eq!(anywhere("Subscription status", &["gold", "silver"]), None);
        assert_eq!(
            anywhere("opted_out", &["no", ""]),
            Some(StatusReading::Unsubscribed)
        );
        assert_eq!(anywhere("Status", &["unsubscribed"]), None);
    }
}
