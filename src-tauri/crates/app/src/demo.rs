//! The sample company.
pub fn commands() -> Vec<crate::table::Command> { Vec::new() }
pub async fn start_world(_: &std::sync::Arc<crate::workspaces::Open>) -> crate::error::Result<()> { Ok(()) }
pub async fn serve_world(_: u16, _: &std::path::Path) -> crate::error::Result<()> { Ok(()) }
