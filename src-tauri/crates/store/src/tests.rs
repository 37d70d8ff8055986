//! The store as a whole, on real files.

mod asleep;
mod backups;
mod choices;
mod clause_states;
mod cleansing;
mod companies;
mod contact_chunks;
mod contacts;
mod crash;
mod duplicates;
mod event_chunks;
mod fixtures;
mod history;
mod import_folders;
mod imports;
mod may_leave;
mod messages;
mod moved;
mod opening;
mod passages;
mod providers;
mod quality;
mod readings;
mod scores;
mod statements;
mod writing;
