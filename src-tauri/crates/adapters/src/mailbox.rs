//! What comes back by mail: reading mailboxes.

pub mod imap;
