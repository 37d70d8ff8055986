//! Stories in the real window, on a display of their own. They need the built shell; `cargo verify` builds it.

mod driver_story;
mod hand;
mod journey_by_hand_story;
mod living_story;
mod screens_story;
