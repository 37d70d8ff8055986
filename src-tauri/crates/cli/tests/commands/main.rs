//! The command line as somebody meets it who has the help and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod answers;
mod cleansing;
mod companies;
mod duplicates;
mod folders;
mod history;
mod interrupted;
mod providers;
mod quality;
mod refusals;
mod relay;
mod scores;
mod served;
mod terminal;
mod world;
