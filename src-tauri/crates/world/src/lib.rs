//! The mail world: a small real SMTP server on loopback with a truth log, and a sample company for it to write to,
//! people who answer, and the inbox in which all of it can be looked at.
//!
//! For samples, practice and tests. It knows nothing of the app: what it says about mail is an independent witness.

pub mod company;
mod dice;
pub mod inbox;
pub mod mailbox;
pub mod notices;
pub mod personas;
pub mod script;
pub mod server;
pub mod truth;

pub use inbox::Inbox;
pub use mailbox::Mailbox;
pub use script::{Answer, Rule, Script};
pub use server::{Options, Protection, SmtpWorld, Taken, TokenCheck, serve};
pub use truth::Truth;
