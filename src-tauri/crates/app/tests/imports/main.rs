//! Imports through the command table, on real files.
#![allow(clippy::unwrap_used)]

mod cleansing;
mod companies;
mod events;
mod exports;
mod folders;
mod history;
mod kills;
mod kinds;
mod lists;
mod outside;
mod quality;
mod ranked;
mod standings;
mod studio;
mod undo;
mod workspaces;
