//! What is wrong in the data of contacts, and what is proposed instead.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a cleansing looks for. In this order the rules are asked, and later ones read what earlier ones made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CleansingRule {
    /// White space at the ends and twice, and characters nobody sees.
    Spaces,
    /// "Smith, John" in one of the two fields of a name.
    NameOrder,
    /// Names in capitals or in small letters.
    NameCase,
    /// An e-mail address that is not written as one.
    EmailForm,
    /// An e-mail address with a slip in its domain.
    EmailDomain,
    /// A country that is not written as its code (ISO 3166-1, two letters).
    Country,
    /// A telephone number that is not written as E.164.
    Phone,
    /// A post code that is not written as its country writes it.
    PostCode,
}

impl CleansingRule {
    /// All of them, in their order.
    pub const ALL: [CleansingRule; 8] = [
        CleansingRule::Spaces,
        CleansingRule::NameOrder,
        CleansingRule::NameCase,
        CleansingRule::EmailForm,
        CleansingRule::EmailDomain,
        CleansingRule::Country,
        CleansingRule::Phone,
        CleansingRule::PostCode,
    ];
}

/// Why something is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CleansingReason {
    /// Spaces at the ends, or more than one.
    Spaces,
    /// A character nobody sees, or one that is written in two.
    Invisible,
    /// The last name stands before the first one, with a comma between.
    CommaInName,
    Capitals,
    SmallLetters,
    /// `mailto:` in front.
    Mailto,
    /// "(at)" instead of @.
    AtInWords,
    /// A full stop, a comma or the like at the end.
    MarkAtEnd,
    /// A comma where a full stop belongs.
    CommaInDomain,
    /// Angle brackets around the address.
    Brackets,
    /// A slip in the name of a large provider.
    Slip,
    /// An end of a domain that does not exist.
    Ending,
    /// The name of the country, in one of its languages.
    CountryName,
    /// Another code of the country.
    CountryCode,
    /// A country within a country: the code says less than the name.
    CountryPart,
    /// The number has its country in it.
    International,
    /// The number is read as one of the contact's country.
    CountryOfContact,
    /// The contact has no country: the number is read as one of the country that was chosen for such contacts.
    CountryChosen,
    /// Another form than the country's.
    PostCodeForm,
    /// A zero in front is missing.
    LeadingZero,
}

/// One thing a rule found in a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CleansingStep {
    pub rule: CleansingRule,
    pub reason: CleansingReason,
    /// What the reason is about: the domain that is meant, or the code of a country.
    pub about: Option<String>,
}
