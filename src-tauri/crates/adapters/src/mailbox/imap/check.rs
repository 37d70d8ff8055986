//! The test button: what is there.

use super::Imap;
use super::failures::{Fault, Step};
use super::folders::{quoted, readable};
use crate::failure::clean;
use carillon_model::message::Failure;
use imap_codec::imap_types::flag::FlagNameAttribute;
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::Data;

/// Most folders that are listed.
const MOST_FOLDERS: usize = 2000;

/// What a mailbox said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the server calls itself.
    pub server: String,
    /// What it can do, in capital letters and in order.
    pub capabilities: Vec<String>,
    /// Whether new mail is told at once (IDLE) rather than asked for every minute.
    pub listens: bool,
    pub folders: Vec<Folder>,
    /// Mails in the first folder that is read.
    pub mails: u32,
}

/// A folder that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// As the server spells it: what [`carillon_model::mailbox::Mailbox::folders`] holds.
    pub name: String,
    /// As people wrote it.
    pub label: String,
    pub special_use: Option<SpecialUse>,
}

/// What a folder is for (RFC 6154 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialUse {
    All,
    Archive,
    Drafts,
    Flagged,
    Junk,
    Sent,
    Trash,
}

impl SpecialUse {
    fn read(attribute: &str) -> Option<SpecialUse> {
        Some(match attribute.to_ascii_lowercase().as_str() {
            "\\all" => SpecialUse::All,
            "\\archive" => SpecialUse::Archive,
            "\\drafts" => SpecialUse::Drafts,
            "\\flagged" => SpecialUse::Flagged,
            "\\junk" => SpecialUse::Junk,
            "\\sent" => SpecialUse::Sent,
            "\\trash" => SpecialUse::Trash,
            _ => return None,
        })
    }
}

impl Imap {
    /// Looks at everything that is needed to read this mailbox, and opens each folder that will be read.
    ///
    /// # Errors
    /// A sentence that says what to do, also where one of the folders is not there.
    pub async fn check(&mut self) -> Result<Checked, Failure> {
        let folders = self.list().await?;
        for folder in self.folders.clone().iter().rev() {
            self.examine(folder).await?;
        }
        Ok(Checked {
            server: self.server.clone(),
            capabilities: self.offers.iter().cloned().collect(),
            listens: self.offers("IDLE"),
            folders,
            mails: self.opened.as_ref().map_or(0, |opened| opened.exists),
        })
    }

    /// The folders that can be opened, with their special uses where the server knows them.
    pub async fn list(&mut self) -> Result<Vec<Folder>, Failure> {
        let limit = self.options.timeouts.command;
        // RFC 6154 §2: a server may keep special uses back unless they are asked for.
        let extended = self.offers("SPECIAL-USE") && self.offers("LIST-EXTENDED");
        let mut answer = match extended {
            true => {
                self.ask(&Step::List, "LIST \"\" \"*\" RETURN (SPECIAL-USE)", limit)
                    .await
            }
            false => self.ask(&Step::List, "LIST \"\" \"*\"", limit).await,
        };
        if extended && matches!(answer, Err(Fault::Refused(_))) {
            answer = self.ask(&Step::List, "LIST \"\" \"*\"", limit).await;
        }
        let mut folders: Vec<Folder> = answer?
            .data
            .iter()
            .filter_map(folder)
            .take(MOST_FOLDERS)
            .collect();
        folders.sort_by(|a, b| (a.name != "INBOX", &a.name).cmp(&(b.name != "INBOX", &b.name)));
        folders.dedup_by(|a, b| a.name == b.name);
        Ok(folders)
    }
}

fn folder(data: &Data<'static>) -> Option<Folder> {
    let Data::List { items, mailbox, .. } = data else {
        return None;
    };
    let attributes: Vec<String> = items.iter().map(FlagNameAttribute::to_string).collect();
    let closed = |attribute: &String| {
        ["\\noselect", "\\nonexistent"].contains(&attribute.to_ascii_lowercase().as_str())
    };
    if attributes.iter().any(closed) {
        return None;
    }
    let name = match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8(other.as_ref().to_vec()).ok()?,
    };
    // What cannot be asked for cannot be opened.
    quoted(&name)?;
    Some(Folder {
        label: clean(&readable(&name)),
        special_use: attributes
            .iter()
            .find_map(|attribute| SpecialUse::read(attribute)),
        name,
    })
}

/// The name in an answer to ID (RFC 2971 §3.2), with the version where there is one.
pub(super) fn name_in_id(data: &Data<'static>) -> Option<String> {
    let Data::Id {
        parameters: Some(parameters),
    } = data
    else {
        return None;
    };
    let value = |key: &str| {
        parameters.iter().find_map(|(name, value)| {
            let name = String::from_utf8_lossy(name.as_ref()).to_ascii_lowercase();
            let value = value.0.as_ref().filter(|_| name == key)?;
            let value = clean(&String::from_utf8_lossy(value.as_ref()));
            (!value.is_empty()).then(|| value.chars().take(100).collect::<String>())
        })
    };
    let name = value("name")?;
    Some(match value("version") {
        Some(version) => format!("{name} {version}"),
        None => name,
    })
}
