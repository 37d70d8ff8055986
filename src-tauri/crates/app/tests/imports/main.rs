//! Imports through the command table, on real files.
#![allow(clippy::unwrap_used)]

mod events;
mod kills;
mod lists;
mod outside;
mod studio;
mod undo;
mod workspaces;
