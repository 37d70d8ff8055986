//! What to say when something is to be reported.

use crate::Ctx;
use crate::commands;
use crate::error::{Result, sentence};
use crate::table::NoArgs;
use carillon_adapters::vault::{Keychain, KeychainState};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "diagnostics.get" get(NoArgs) -> Diagnostics, reads [];
}

/// State of program, file and machine, without anything of a person.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Diagnostics {
    pub version: String,
    pub sqlite: String,
    pub file: String,
    #[ts(type = "number")]
    pub file_bytes: u64,
    /// What the index takes in memory.
    #[ts(type = "number")]
    pub index_bytes: u64,
    /// What it may take before fields and events that nobody asked for lately make room.
    #[ts(type = "number")]
    pub index_limit: u64,
    /// Fields and kinds of events in memory. The others are read when somebody asks for them.
    #[ts(type = "number")]
    pub index_held: u64,
    /// Fields and kinds of events there are.
    #[ts(type = "number")]
    pub index_all: u64,
    #[ts(type = "number")]
    pub contacts: u64,
    #[ts(type = "number")]
    pub seq: i64,
    /// `available`, or a sentence that says why not.
    pub keychain: String,
    pub owner: u32,
    /// Times somebody came into a segment or left it that the last program to have the file had not recorded; they
    /// were recorded when it was opened.
    #[ts(type = "number")]
    pub mended: u64,
}

async fn get(cx: &Ctx, _: NoArgs) -> Result<Diagnostics> {
    let open = cx.open()?;
    let (_, sqlite) = carillon_store::sqlite_versions().await?;
    let keychain = match Keychain::default().probe().await {
        KeychainState::Available => "available".to_owned(),
        KeychainState::Missing { why } => sentence("diagnostics.keychain", &[("why", &why)]),
    };
    let (index_bytes, index_limit, (held, all), contacts) = open.store.with_index(|index| {
        let (bytes, limit) = (index.heap_bytes() as u64, index.limit() as u64);
        (bytes, limit, index.loaded(), index.contacts().len())
    });
    Ok(Diagnostics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sqlite,
        mended: open
            .store
            .repaired()
            .iter()
            .map(|lost| lost.entered + lost.left)
            .sum(),
        file: open.path.display().to_string(),
        // By name only: opening the live file would drop SQLite's locks on it.
        file_bytes: std::fs::metadata(&open.path)?.len(),
        index_bytes,
        index_limit,
        index_held: held as u64,
        index_all: all as u64,
        contacts,
        seq: open.store.seq().0,
        keychain,
        owner: std::process::id(),
    })
}
