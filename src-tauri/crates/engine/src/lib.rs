//! The laws of Carillon, pure: no clock, no randomness, no IO. Everything is an argument.
//!
//! - [`cleansing`]: what is wrong in the data of a contact, and what is meant.
//! - [`companies`]: how companies are told apart, and which addresses belong to one.
//! - [`duplicates`]: which records are the same person, without labels.
//! - [`segment`]: the expression language, the per-contact evaluator and its reasons.
//! - [`hits`]: whether what a message brought back was a person's doing.
//! - [`scores`]: what rules of points come to for one contact, by a pure function of history and moment.
//! - [`index`]: the fold that keeps all segments true while rows change and time passes.
//! - [`journey`]: the kernel `step`, with one file a step kind in [`steps`].
//! - [`survivorship`]: which of two values stays when two contacts are made one.
//! - [`experiment`]: tests of variants that may be looked at all the time.
//! - [`sim`] and [`replay`]: the two drivers of the kernel that need no store.

pub mod cleansing;
pub mod companies;
pub mod duplicates;
pub mod experiment;
pub mod hits;
pub mod index;
pub mod journey;
pub mod record;
pub mod replay;
pub mod scores;
pub mod segment;
pub mod sim;
pub mod steps;
pub mod survivorship;
