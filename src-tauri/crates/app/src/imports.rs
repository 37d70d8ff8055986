//! Importing contacts.
pub mod clean;
pub mod source;
pub mod values;
pub fn commands() -> Vec<crate::table::Command> { Vec::new() }
