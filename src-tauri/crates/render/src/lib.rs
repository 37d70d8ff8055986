//! Liquid and MJML to MIME: pure, and bounded as far as a library can bound itself.
//!
//! No file, environment, clock, randomness or network: all that a message depends on is an argument. The way:
//! [`Prepared::new`] reads a template once, [`Prepared::render`] gives subject, HTML and text for one contact,
//! [`compose`] makes the message, and [`verify_bytes`] reads the final bytes once more as a stranger would.
//!
//! Memory and time of an MJML render cannot be bounded from inside, so `app` runs the renders in a child
//! process with a memory limit that serves [`child::child_main`].
//!
//! # Why the Liquid engine is ours
//! The crate `liquid` (0.26.11, its last release of February 2025) was tried first. Parsing 10,000 spaces took it
//! 27 seconds, a missing value is an error even before `| default`, a field named `true_color` or `nil_x` does
//! not parse, its `for` collects a range into memory before the first pass, and nothing in it escapes by part.
//! Every bound, the escaping, and the record of missing values would have been replaced around its grammar.

pub mod address;
pub mod child;
pub mod compose;
pub mod context;
pub mod limits;
pub mod links;
pub mod verify;

mod html;
mod liquid;
mod locale;
mod mjml;
mod quoted;
mod recipe;
mod shape;
mod template;
mod text;

pub use compose::{ComposeError, Envelope, ListId, Mailbox, answers, compose};
pub use context::{Context, ErrorKind, EventContext, Part, RenderError, Rendered, Sender, TemplateParts};
pub use template::{Duties, Missing, Prepared};
pub use verify::{VerifyError, verify_bytes};
