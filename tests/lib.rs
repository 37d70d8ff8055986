//! What the stories stand on: real servers started for one test, and the reading of the house rules.

pub mod fences;
pub mod programs;
pub mod servers;
