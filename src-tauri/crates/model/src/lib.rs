//! The words of Carillon: plain data that every layer shares and that is exported to TypeScript.
//!
//! No logic that changes weekly lives here; see `engine` for the laws and `store` for the rows.

pub mod account;
pub mod campaign;
pub mod cleansing;
pub mod company;
pub mod consent;
pub mod contact;
pub mod duplicate;
pub mod event;
pub mod id;
pub mod journey;
pub mod mailbox;
pub mod message;
pub mod provider;
pub mod relay;
pub mod response;
pub mod score;
pub mod segment;
pub mod template;
pub mod workspace;

pub use id::*;

/// A moment on the workspace's clock, in UTC.
pub type Moment = chrono::DateTime<chrono::Utc>;
