//! The relay as the world meets it: over its socket, with the studio's own client on the other side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crash;
mod disk;
mod forms;
mod ground;
mod links;
mod log;
mod mutations;
mod people;
mod site;
