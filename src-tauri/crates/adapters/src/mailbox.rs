//! What comes back by mail: reading mailboxes, and what each mail says.

pub mod imap;
pub mod notice;
