//! The words between the studio and `carillon-relay`: what the relay writes down, what the studio tells it, and how the
//! two are paired. Bytes are written as unpadded base64url (RFC 4648 §5) or, where a person may see them, as hex.

mod pages;
mod pairing;

pub use pages::*;
pub use pairing::*;

use crate::Moment;
use crate::consent::Channel;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What the seal of an event is bound to, beside tenant, kind and time: the `info` of RFC 9180 §5.1.
pub const SEAL_INFO: &[u8] = b"carillon relay event 1";

/// The first line of what a device signs.
pub const SIGNED: &str = "carillon relay request 1";

/// Sixteen bytes from their 32 hexadecimal digits: how addresses and tokens are told.
pub fn address_bytes(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

/// Seconds by which the clocks of laptop and relay may differ in a signed request.
pub const SIGNED_WINDOW_SECS: i64 = 300;

/// The `aad` of an event's seal (RFC 9180 §5.2): an event that is moved to another tenant, kind or moment does not open.
pub fn seal_aad(tenant: &str, kind: HitKind, received_at: Moment) -> Vec<u8> {
    format!("{tenant}\n{}\n{}", kind.word(), received_at.timestamp_millis()).into_bytes()
}

/// The text a device signs with Ed25519. `body` is the SHA-256 of the body in lower-case hex, `target` path and query.
pub fn signed_text(method: &str, target: &str, tenant: &str, time: i64, nonce: &str, body: &str) -> String {
    format!("{SIGNED}\n{method}\n{target}\n{tenant}\n{time}\n{nonce}\n{body}")
}

/// What somebody or something did at the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum HitKind {
    /// Asked not to be written to any more (RFC 8058, or the button on the page).
    Unsubscribe,
    /// Followed a link of a message.
    Click,
    /// Loaded the pixel of a message.
    Open,
    /// Followed the link that people do not see.
    Hidden,
    /// Saved the preference page.
    Preferences,
    /// Confirmed an address.
    Confirm,
    /// Sent a hosted form.
    Form,
    /// Saw a page of the user's own site.
    Page,
    /// Said who a visitor or a customer is.
    Identify,
    /// An event of the user's site, shop or app.
    Track,
}

impl HitKind {
    /// Every kind, in the order of its number in the relay's file.
    pub const ALL: [HitKind; 10] = [
        HitKind::Unsubscribe,
        HitKind::Click,
        HitKind::Open,
        HitKind::Hidden,
        HitKind::Preferences,
        HitKind::Confirm,
        HitKind::Form,
        HitKind::Page,
        HitKind::Identify,
        HitKind::Track,
    ];

    /// The kind as it is written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            HitKind::Unsubscribe => "unsubscribe",
            HitKind::Click => "click",
            HitKind::Open => "open",
            HitKind::Hidden => "hidden",
            HitKind::Preferences => "preferences",
            HitKind::Confirm => "confirm",
            HitKind::Form => "form",
            HitKind::Page => "page",
            HitKind::Identify => "identify",
            HitKind::Track => "track",
        }
    }
}

/// What is inside the seal of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Hit {
    pub request: RequestFacts,
    pub what: What,
}

/// What the relay saw of a request: enough to tell people from machines, and no address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestFacts {
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// The user agent, at most 300 characters.
    pub agent: String,
    /// 16 hexadecimal digits: a keyed hash of the /24 or /48 the request came from. Tells two networks apart and
    /// nothing else.
    pub network: Option<String>,
    /// The entry of `assets/rules/scanners.json` whose networks hold the address, if any.
    pub known_network: Option<String>,
    /// First language the browser asked for, like `de` or `pt-BR`.
    pub language: Option<String>,
    /// Global Privacy Control was on.
    #[serde(default)]
    pub gpc: bool,
    /// The request said that it only fetches ahead (`Sec-Purpose`, `Purpose`, `X-Moz`).
    #[serde(default)]
    pub prefetch: bool,
}

/// The body of a hit. `token` is 32 hexadecimal digits: the block only the studio can read. `address` is 32
/// hexadecimal digits: the keyed hash of the address the message went to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum What {
    Unsubscribe {
        token: String,
        address: String,
        /// 0: everything of the marketing kind; else a topic, by its number plus one.
        scope: u16,
        /// A mail program asked (RFC 8058 §3.2), not the button on the page.
        one_click: bool,
    },
    Click {
        token: String,
        /// Place of the link in its message, from 0.
        link: u16,
        url: String,
    },
    Open {
        token: String,
    },
    Hidden {
        token: String,
    },
    Preferences {
        token: String,
        address: String,
        choices: Choices,
        /// The page showed that nothing is sent, and it was taken back there.
        #[serde(default)]
        back: bool,
    },
    Confirm {
        token: String,
        address: String,
        /// What is confirmed: a number of the studio's.
        list: u16,
    },
    Form(FormEntry),
    Page(Reported),
    Identify(Reported),
    Track(Reported),
}

impl What {
    /// Which kind of hit this is.
    pub fn kind(&self) -> HitKind {
        match self {
            What::Unsubscribe { .. } => HitKind::Unsubscribe,
            What::Click { .. } => HitKind::Click,
            What::Open { .. } => HitKind::Open,
            What::Hidden { .. } => HitKind::Hidden,
            What::Preferences { .. } => HitKind::Preferences,
            What::Confirm { .. } => HitKind::Confirm,
            What::Form(_) => HitKind::Form,
            What::Page(_) => HitKind::Page,
            What::Identify(_) => HitKind::Identify,
            What::Track(_) => HitKind::Track,
        }
    }

    /// The message's token, where a link of a message led here.
    pub fn token(&self) -> Option<&str> {
        match self {
            What::Unsubscribe { token, .. }
            | What::Click { token, .. }
            | What::Open { token }
            | What::Hidden { token }
            | What::Preferences { token, .. }
            | What::Confirm { token, .. } => Some(token),
            _ => None,
        }
    }
}

/// What a preference page says: also the state it opens with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Choices {
    /// Numbers of the topics that are wanted, 0 to 31.
    pub topics: Vec<u8>,
    pub channels: Vec<Channel>,
    /// Two lower-case letters (ISO 639-1).
    pub language: Option<String>,
    /// Nothing before this day.
    pub paused_until: Option<NaiveDate>,
    /// Nothing at all any more.
    pub all_off: bool,
}

/// A filled form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FormEntry {
    /// Key of the form's definition.
    pub form: String,
    /// Version of the definition that was shown.
    pub version: u32,
    pub values: BTreeMap<String, String>,
    /// The consents that were given, with the words that were read.
    pub consents: Vec<GivenConsent>,
    /// They count only once the address is confirmed.
    #[serde(default)]
    pub double_opt_in: bool,
    /// The page the form stood on, without query, where the browser told.
    pub page: Option<String>,
    /// Seconds from showing the form to sending it.
    pub seconds: u32,
    /// The browser did the proof of work. Without it the form was sent with scripts off.
    pub worked: bool,
}

/// A consent a form was sent with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GivenConsent {
    pub key: String,
    pub version: u32,
    /// As in [`crate::consent::Consent::wording_hash`].
    pub wording_hash: String,
}

/// A page view, an identification or an event, told by the script on the user's site or with a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reported {
    /// Name of the key it was told with; none for the script.
    pub key: Option<String>,
    pub message_id: Option<String>,
    pub user_id: Option<String>,
    pub anonymous_id: Option<String>,
    /// Name of the event, for a track.
    pub event: Option<String>,
    /// Properties of an event or a page, traits of an identification: an object.
    #[ts(type = "Record<string, unknown>")]
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// When it happened, by the clock of whoever told it.
    pub happened_at: Option<Moment>,
}

/// What a relay is, as a paired device hears it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RelayState {
    pub tenant: String,
    /// Random, and new whenever the relay's file was created or restored.
    pub epoch: String,
    /// Highest sequence number ever given; 0 before the first event.
    pub head: u64,
    pub acked: u64,
    /// Events still kept.
    pub kept: u64,
    /// Bytes used of `quota_bytes`.
    pub used_bytes: u64,
    pub quota_bytes: u64,
    pub room: Room,
    /// Since the relay was started: pixels that were answered and not written down for want of room.
    pub pixels_dropped: u64,
    /// The same of clicks; the people were led on.
    pub clicks_dropped: u64,
    pub devices: Vec<Device>,
    pub version: String,
    /// The relay's clock.
    pub now: Moment,
}

/// What is still written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Room {
    Everything,
    /// No pixels and page views.
    NoPixels,
    /// No clicks and no events of sites either: only unsubscribes, preferences, confirmations and forms.
    OnlyWords,
}

/// One event as it lies in the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEvent {
    /// The epoch in which it was written: with `seq` its identity for ever.
    pub epoch: String,
    pub seq: u64,
    pub kind: HitKind,
    /// The relay's clock.
    pub received_at: Moment,
    /// HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305: encapsulated key, then ciphertext.
    pub sealed: String,
}

/// The answer to a pull.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulled {
    pub epoch: String,
    pub head: u64,
    /// SHA-256 of the sealed bytes of event `since`, hex, if it is still kept: shows a cursor of another history.
    pub anchor: Option<String>,
    /// In the order of `seq`.
    pub events: Vec<SealedEvent>,
}

/// Everything up to and with `seq` is applied and durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    pub epoch: String,
    pub seq: u64,
}

/// An address that is not written to, as machines of one workspace tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuppressionLine {
    /// Keyed hash of the normalised address: 32 hexadecimal digits. The relay does not have the key.
    pub address: String,
    /// 0: everything of the marketing kind; 65535: every mail; else a topic, by its number plus one.
    pub scope: u16,
    /// Taken back by a device, or a topic by the person.
    #[serde(default)]
    pub lifted: bool,
}

/// The answer to `GET /v1/suppressions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionPage {
    pub epoch: String,
    /// The cursor to ask with next.
    pub next: u64,
    pub more: bool,
    pub lines: Vec<SuppressionLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_kind_is_what_is_written_in_json() {
        for kind in HitKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.word());
        }
    }

    #[test]
    fn a_seal_is_bound_to_tenant_kind_and_moment() {
        let now = Moment::UNIX_EPOCH;
        let one = seal_aad("a", HitKind::Click, now);
        assert_ne!(one, seal_aad("b", HitKind::Click, now));
        assert_ne!(one, seal_aad("a", HitKind::Open, now));
        assert_ne!(
            one,
            seal_aad("a", HitKind::Click, now + chrono::TimeDelta::milliseconds(1))
        );
    }
}
