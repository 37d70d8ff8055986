//! The outside: connections, mail servers, and the place where secrets are kept.
//!
//! Everything here speaks one [`carillon_model::message::Failure`]; a retry policy reads its class and nothing
//! else. No file but [`dialer`] opens a connection, or lets [`http`] open one to an address it permits;
//! a test proves that by reading the sources.

pub mod channels;
pub mod dialer;
pub mod dkim;
mod failure;
pub mod glob;
pub mod http;
pub mod limits;
pub mod mailbox;
pub mod oauth;
pub mod providers;
pub mod relays;
mod secret;
pub mod vault;

pub use dialer::Dialer;
pub use http::Http;
pub use secret::Secret;
