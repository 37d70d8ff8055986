//! What `cargo xtask`, `cargo studio` and `cargo verify` are made of. The crate is also a library, because the
//! real-window stories drive the same [`display`] and [`webdriver`] as the pictures do.

pub mod args;
pub mod bench;
pub mod bindings;
pub mod children;
pub mod compliance;
pub mod counts;
pub mod dice;
pub mod display;
pub mod frontend;
pub mod ground;
pub mod kill;
pub mod mail_setup;
pub mod node;
pub mod packages;
pub mod python;
pub mod setup;
pub mod shots;
pub mod studio;
pub mod truth;
pub mod verify;
pub mod webdriver;
pub mod wiring;

/// What goes wrong is told in plain sentences.
pub type Result<T> = std::result::Result<T, String>;
