//! What comes back by mail.

pub mod notice;
