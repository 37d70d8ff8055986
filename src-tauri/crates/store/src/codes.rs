//! Small numbers in columns for words of the model.

use crate::{Error, Result};
use carillon_model::consent::{Basis, Channel, ConsentAction, Purpose, SuppressionReason};
use carillon_model::message::MessageState;
use carillon_model::response::{BounceClass, Hand, MayLeave, ResponseKind};
use carillon_model::score::ScoreCause;

/// A closed enum kept as a small number. Numbers are for ever: a new variant takes the next one.
pub(crate) trait Code: Copy + Sized + 'static {
    const TABLE: &'static [(Self, i64)];
    const NAME: &'static str;
    fn code(self) -> i64;
    fn of(code: i64) -> Result<Self> {
        Self::TABLE
            .iter()
            .find(|(_, c)| *c == code)
            .map(|(v, _)| *v)
            .ok_or_else(|| Error::damaged(Self::NAME, format!("{code} means nothing")))
    }
}

macro_rules! codes {
    ($name:ident: $($variant:ident = $code:literal,)*) => {
        impl Code for $name {
            const TABLE: &'static [(Self, i64)] = &[$(($name::$variant, $code),)*];
            const NAME: &'static str = stringify!($name);
            fn code(self) -> i64 {
                match self { $($name::$variant => $code,)* }
            }
        }
    };
}

codes!(Channel: Email = 0, Sms = 1, Phone = 2, Post = 3, Push = 4,);
codes!(Purpose: Marketing = 0, Transactional = 1, Tracking = 2,);
codes!(Basis: Consent = 0, DoubleOptIn = 1, SoftOptIn = 2, Contract = 3, LegitimateInterest = 4, Implied = 5,);
codes!(ConsentAction: Withdrawn = 0, Granted = 1, Requested = 2,);
codes!(SuppressionReason: Unsubscribed = 0, Bounced = 1, Complained = 2, Manual = 3, Imported = 4, Erased = 5,);
// Below 2: waits for a turn. 2 to 5: open. From 6: an end. The partial indexes of outbox say the same.
codes!(MessageState: Queued = 0, Deferred = 1, Claimed = 2, InFlight = 3, Unknown = 4, Frozen = 5,
    Accepted = 6, Bounced = 7, Suppressed = 8, Expired = 9, Cancelled = 10,);

codes!(ResponseKind: Delivered = 0, Delayed = 1, Bounced = 2, Complained = 3, Unsubscribed = 4, Opened = 5,
    Clicked = 6, Replied = 7, AutoReplied = 8, Submitted = 9, Confirmed = 10,);
codes!(ScoreCause: Event = 0, Changed = 1, Time = 2, Published = 3,);
codes!(Hand: Human = 0, Machine = 1, Proxy = 2,);
codes!(BounceClass: Hard = 0, Soft = 1, Block = 2,);
codes!(MayLeave: Open = 0, Kept = 1, Left = 2,);

/// A unit enum of the model as the word serde gives it.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(Error::Invalid(format!("{other:?} is not a word."))),
    }
}

/// The enum of a word.
pub(crate) fn from_word<T: serde::de::DeserializeOwned>(table: &'static str, word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|e| Error::damaged(table, e))
}

/// JSON of a column.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Invalid(format!("This cannot be kept in the file: {e}.")))
}

/// The value of a JSON column.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(table: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::damaged(table, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_word() {
        fn all<T: Code + PartialEq + std::fmt::Debug>() {
            for (value, code) in T::TABLE {
                assert_eq!(value.code(), *code);
                assert_eq!(T::of(*code).unwrap(), *value);
            }
            assert!(T::of(99).is_err());
        }
        all::<Channel>();
        all::<Purpose>();
        all::<Basis>();
        all::<ConsentAction>();
        all::<SuppressionReason>();
        all::<MessageState>();
        all::<ResponseKind>();
        all::<Hand>();
        all::<BounceClass>();
        all::<MayLeave>();
    }
}
