//! Events.
pub fn commands() -> Vec<crate::table::Command> { Vec::new() }
