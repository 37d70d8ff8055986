//! The stories: one a file.

mod fences;
#[cfg(feature = "mail")]
mod servers_story;
