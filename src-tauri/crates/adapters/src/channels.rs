//! Ways to reach people. One file a channel.

pub mod email;
