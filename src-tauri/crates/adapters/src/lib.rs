//! The outside: connections, mail servers, and the place where secrets are kept.
//!
//! Everything here speaks one [`carillon_model::message::Failure`]; a retry policy reads its class and nothing
//! else. No file but [`dialer`] opens a connection, which a test proves by reading the sources.

pub mod channels;
pub mod dialer;
mod failure;
mod glob;
pub mod limits;
pub mod relays;
mod secret;
pub mod vault;

pub use dialer::Dialer;
pub use secret::Secret;
