//! The people of the mail world: who they are, and what they do about the mails they get.
//!
//! Everything follows from settings, address, mail and moment: no clock, no other chance. [`Town`] keeps what there is
//! to remember (how many mails somebody got, who left, what is still to come) and can be written to a file.

mod act;
mod behaviour;
mod form;
mod mail;
mod person;
mod rates;
mod settings;
mod town;
mod words;

pub use act::{About, Act, Deed, Effect, HttpRequest, Incoming, Leaving, Method, Stage, Trouble};
pub use behaviour::{Lately, Plan, plan};
pub use mail::{Body, Headers, Link, LinkKind, Mail, Mailto};
pub use person::{Person, Server, name_of};
pub use rates::{Published, PublishedRates, published};
pub use settings::{FailureNews, Language, Mix, Persona, Season, WorldSettings};
pub use town::{Arrival, Reception, Town, TownError};
