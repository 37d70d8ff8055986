//! Which records are the same person, from the records alone: no labels, no network, nothing to tune.
//!
//! The model is that of Fellegi and Sunter (*A Theory for Record Linkage*, JASA 64, 1969): two records are compared field
//! by field, each comparison has a [`Level`], and each level weighs log2(m/u), with m how often it is seen in two records
//! of one person and u in two of different ones. u is counted, m is learnt from the records themselves by expectation and
//! maximisation, and a value that is rare weighs more than one that is common.
//!
//! Way of the data: [`Records`] take rows and keep each distinct value once; [`blocks`] names the pairs worth a look;
//! [`compare`] finds their levels; [`model`] learns what these weigh; [`clusters`] joins pairs to groups.

mod blocks;
mod clusters;
mod compare;
mod dependence;
mod find;
mod model;
mod records;
mod sets;
mod similar;

pub use compare::Level;
pub use find::{Found, Host, Pair, Weight, find};
pub use records::Records;

/// What a field holds, and so how two values of it are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    GivenName,
    Surname,
    /// Of a house, with its letter. Where no field is of this kind, numbers are taken out of the addresses.
    StreetNumber,
    /// A line of an address. Lines of one record may have changed places.
    Address,
    Suburb,
    PostCode,
    State,
    Country,
    Phone,
    Email,
    /// A day, best as 1969-07-20.
    Date,
    /// A number or code that somebody was given: a customer number, a tax number.
    Identifier,
    /// Anything else: a company, a profession.
    Text,
}

impl Kind {
    /// Kinds that say where somebody lives: they go together, so that each says less than it would alone.
    fn is_place(self) -> bool {
        matches!(self, Kind::Suburb | Kind::PostCode | Kind::State | Kind::Country)
    }

    /// Kinds that those who live or work together share.
    fn is_shared(self) -> bool {
        self.is_place() || matches!(self, Kind::StreetNumber | Kind::Address)
    }

    /// Kinds that stay with a person who moves.
    fn is_kept_moving(self) -> bool {
        matches!(self, Kind::Phone | Kind::Email | Kind::Date | Kind::Identifier)
    }

    fn is_name(self) -> bool {
        matches!(self, Kind::GivenName | Kind::Surname)
    }
}

/// Fields that are compared, at most.
pub const MOST_FIELDS: usize = 16;

#[cfg(test)]
mod tests;
