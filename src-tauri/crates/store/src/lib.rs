//! The workspace file: one SQLite file a client, its schema and all SQL, one writer, four readers, and the index
//! of `carillon-engine` kept true beside it.
//!
//! - [`Store::open`] / [`Store::create`]: what is refused and why is [`Refusal`].
//! - [`Store::write`] runs a closure over [`Tx`] in one transaction on the writer's thread, by [`Priority`];
//!   [`Store::read`] runs one over [`Db`] on a reader's snapshot. `Tx` derefs to `Db`, so every reading function
//!   works in both. Nothing can be awaited inside either.
//! - The table modules ([`contacts`], [`outbox`], ...) are the only way to rows. Writing functions tell the
//!   transaction what changed; before COMMIT the fold of the index says who entered and left which segment, and
//!   those edges are rows of the same commit; after it the index is published and subscribers learn a
//!   [`Commit`].
//! - Times are whole milliseconds ([`time::whole`]).
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accounts;
pub mod backup;
pub mod campaigns;
pub mod catalogue;
pub mod changes;
pub mod choices;
pub mod cleansing;
mod codes;
pub mod companies;
pub mod consents;
mod contact_chunks;
pub mod contacts;
pub mod crash;
mod cuts;
mod db;
pub mod duplicates;
pub mod enrolments;
mod error;
mod event_chunks;
pub mod events;
pub mod facts;
pub mod fields;
mod folder;
pub mod foreign;
mod identity;
pub mod imports;
pub mod inputs;
pub mod intake;
pub mod journeys;
pub mod mailboxes;
mod membership;
mod memberships;
mod open;
pub mod opt_out_sources;
pub mod outbox;
pub mod providers;
pub mod quality;
pub mod reports;
pub mod responses;
pub mod rollups;
pub mod scores;
pub mod segments;
pub mod settings;
mod shelf;
mod sql;
mod store;
pub mod suppressions;
pub mod templates;
pub mod time;
pub mod tokens;
mod topics;
mod tx;
mod values;
pub mod visitors;
pub mod waits;
mod wal;
mod writer;

pub use carillon_engine::index::Index;
pub use db::Db;
pub use error::{Error, Refusal, Result};
pub use folder::{FolderRisk, FolderWarning, folder_warning};
pub use memberships::LostEdges;
pub use open::{
    APPLICATION_ID, Key, OLDEST_SQLITE, OpenOptions, assert_sqlite, copy_path, format_version, look_at,
};
pub use store::{Store, sqlite_versions};
pub use topics::{Commit, Topic, Topics};
pub use tx::Tx;
pub use values::MOST_OPTIONS;
pub use writer::Priority;

#[cfg(test)]
mod tests;
