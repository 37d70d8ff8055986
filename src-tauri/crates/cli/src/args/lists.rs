//! Closed lists of words that the command table knows, and what all lists of rows have.

use clap::Args;

/// Types of custom fields.
pub const FIELD_TYPES: [&str; 8] = [
    "text",
    "number",
    "money",
    "yes_no",
    "choice",
    "multi_choice",
    "date",
    "date_time",
];

/// Rules of a cleansing.
pub const CLEANSING_RULES: [&str; 8] = [
    "spaces",
    "name_order",
    "name_case",
    "email_form",
    "email_domain",
    "country",
    "phone",
    "post_code",
];

/// What a list may say of everybody in it.
pub const STANDINGS: [&str; 6] = [
    "free",
    "not_permitted",
    "unsubscribed",
    "bounced",
    "blocked",
    "complained",
];

/// How a status column is read.
pub const STATUS_READINGS: [&str; 7] = [
    "words",
    "mautic_dnc",
    "not_permitted",
    "unsubscribed",
    "bounced",
    "complained",
    "blocked",
];

/// Grounds on which people may be written to.
pub const GROUNDS: [&str; 6] = [
    "consent",
    "double_opt_in",
    "soft_opt_in",
    "contract",
    "legitimate_interest",
    "implied",
];

/// What an import may say of the ground; `none`: people are kept and not written to.
pub fn grounds_or_none() -> Vec<&'static str> {
    GROUNDS.into_iter().chain(["none"]).collect()
}

/// Ways by which people are written to.
pub const CHANNELS: [&str; 5] = ["email", "sms", "phone", "post", "push"];

/// What people are written to for.
pub const PURPOSES: [&str; 3] = ["marketing", "transactional", "tracking"];

/// States of a message.
pub const STATES: [&str; 11] = [
    "queued",
    "claimed",
    "in_flight",
    "accepted",
    "deferred",
    "bounced",
    "unknown",
    "suppressed",
    "expired",
    "cancelled",
    "frozen",
];

/// Kinds of the people of a sample.
pub const PERSONAS: [&str; 6] = ["eager", "busy", "silent", "annoyed", "bot", "gone_away"];

/// Which part of a long list.
#[derive(Debug, Args)]
pub struct Part {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// After so many.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_app::imports::{Standing, StatusReading};
    use carillon_app::world::WorldPersona;
    use carillon_model::consent::{Basis, Channel, Purpose};
    use carillon_model::contact::FieldType;
    use carillon_model::message::MessageState;
    use ts_rs::TS;

    /// The words of a type as it is handed to the screens.
    fn words<T: TS>() -> Vec<String> {
        let union = T::inline(&ts_rs::Config::new());
        union
            .split(" | ")
            .map(|word| word.trim_matches('"').to_owned())
            .collect()
    }

    #[test]
    fn each_list_of_words_is_the_one_that_the_model_has() {
        assert_eq!(words::<FieldType>(), FIELD_TYPES);
        assert_eq!(words::<Standing>(), STANDINGS);
        assert_eq!(words::<StatusReading>(), STATUS_READINGS);
        assert_eq!(words::<Basis>(), GROUNDS);
        assert_eq!(words::<Channel>(), CHANNELS);
        assert_eq!(words::<Purpose>(), PURPOSES);
        assert_eq!(words::<MessageState>(), STATES);
        assert_eq!(words::<WorldPersona>(), PERSONAS);
    }
}
