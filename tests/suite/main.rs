//! The stories: one a file.

#[cfg(feature = "mail")]
mod answers_story;
mod backup_story;
#[cfg(unix)]
mod disk_story;
mod fences;
#[cfg(feature = "mail")]
mod mailbox_story;
#[cfg(feature = "mail")]
mod main_job_story;
mod owner_story;
mod password_story;
mod post;
mod sending_story;
#[cfg(feature = "mail")]
mod servers_story;
#[cfg(feature = "mail")]
mod sign_in_story;
mod terminal;
