//! The links of messages: `/<kind>/<key id>/<blob>`.
//!
//! The blob is base64url of 16 bytes only the studio can read (an AES block that names message or contact), what the
//! relay must know to answer, and 16 bytes of HMAC-SHA256 over tenant, kind and both. The studio mints, the relay
//! checks: what a link leads to stands in the link, so neither keeps a table, and a link works for as long as its key is
//! known. A relay that is robbed of its keys can make links the relay believes, but no block the studio believes.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::consent::Channel;
use carillon_model::relay::Choices;
use chrono::{DateTime, NaiveDate};
use std::fmt;
use subtle::ConstantTimeEq;
use url::Url;
use zeroize::Zeroizing;

/// Bytes of the authentication code that are kept (RFC 2104 §5 allows half).
const CODE: usize = 16;

/// Longest address a link may lead to, in bytes.
pub const LONGEST_URL: usize = 2_000;

/// Longest blob that is looked at, in characters.
const LONGEST_BLOB: usize = 4 * (16 + 2 + LONGEST_URL + CODE) / 3 + 4;

/// The block of 16 bytes only the studio can read.
pub type Block = [u8; 16];

/// The keyed hash of a normalised address, made by the studio.
pub type AddressHash = [u8; 16];

/// What a link is for, beside whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `/u`: no more messages. Scope 0 means everything of the marketing kind, else a topic by its number plus one.
    Unsubscribe { address: AddressHash, scope: u16 },
    /// `/c`: a link of the message, by its place from 0.
    Click { link: u16, url: String },
    /// `/o`: the pixel.
    Open,
    /// `/h`: the link people do not see.
    Hidden,
    /// `/p`: the preference page, with the choices it opens with and when they were made (whole minutes): what was
    /// chosen there since is newer.
    Preferences {
        address: AddressHash,
        choices: Choices,
        made_at: Moment,
    },
    /// `/k`: confirms an address until `expires_at` (whole minutes).
    Confirm {
        address: AddressHash,
        list: u16,
        expires_at: Moment,
    },
}

/// Why a link cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    #[error("A link leads to an http or https address.")]
    NotTheWeb,
    #[error("The address of a link is longer than {LONGEST_URL} characters.")]
    TooLong,
    #[error(
        "A preference page has topics 0 to 31, languages of two lower-case letters and days from 1970 to 2149."
    )]
    Choices,
    #[error("The moments of a link are between 1970 and 10136.")]
    Expiry,
}

/// A secret links are signed with, and its public name.
#[derive(Clone)]
pub struct TokenKey {
    id: String,
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.id)
    }
}

impl TokenKey {
    /// The key of this secret. Its id is the beginning of the secret's SHA-256: both sides find the same.
    pub fn new(secret: [u8; 32]) -> TokenKey {
        let named = [b"carillon relay key id\0".as_slice(), &secret].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &named);
        TokenKey {
            id: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..6]),
            secret: Zeroizing::new(secret),
        }
    }

    /// Eight characters of base64url: the second part of a link.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret, for the file it is kept in.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The path of a link, to be put behind the relay's address.
    ///
    /// # Errors
    /// [`BadLink`] when the payload cannot stand in a link.
    pub fn mint(&self, tenant: &str, block: &Block, payload: &Payload) -> Result<String, BadLink> {
        let mut blob = block.to_vec();
        payload.write(&mut blob)?;
        let code = self.code(tenant, payload.kind(), &blob);
        blob.extend_from_slice(&code);
        let blob = URL_SAFE_NO_PAD.encode(blob);
        Ok(format!("/{}/{}/{blob}", payload.kind(), self.id))
    }

    /// What the blob of a link of this kind says, if this key signed exactly this for this tenant.
    pub fn open(&self, tenant: &str, kind: char, blob: &str) -> Option<(Block, Payload)> {
        if blob.len() > LONGEST_BLOB {
            return None;
        }
        // Refuses padding and bits that would be dropped, so that one link has one spelling.
        let bytes = URL_SAFE_NO_PAD.decode(blob).ok()?;
        let (said, code) = bytes.split_at_checked(bytes.len().checked_sub(CODE)?)?;
        if !bool::from(self.code(tenant, kind, said).as_slice().ct_eq(code)) {
            return None;
        }
        let (block, rest) = said.split_first_chunk::<16>()?;
        Some((*block, Payload::read(kind, rest)?))
    }

    fn code(&self, tenant: &str, kind: char, said: &[u8]) -> [u8; CODE] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"carillon relay link 1\0");
        context.update(tenant.as_bytes());
        context.update(&[0, kind as u8]);
        context.update(said);
        let mut code = [0; CODE];
        code.copy_from_slice(&context.sign().as_ref()[..CODE]);
        code
    }
}

impl Payload {
    /// The first part of the link.
    pub fn kind(&self) -> char {
        match self {
            Payload::Unsubscribe { .. } => 'u',
            Payload::Click { .. } => 'c',
            Payload::Open => 'o',
            Payload::Hidden => 'h',
            Payload::Preferences { .. } => 'p',
            Payload::Confirm { .. } => 'k',
        }
    }

    fn write(&self, to: &mut Vec<u8>) -> Result<(), BadLink> {
        match self {
            Payload::Unsubscribe { address, scope } => {
                to.extend_from_slice(address);
                to.extend_from_slice(&scope.to_be_bytes());
            }
            Payload::Click { link, url } => {
                to.extend_from_slice(&link.to_be_bytes());
                to.extend_from_slice(web_address(url)?.as_bytes());
            }
            Payload::Open | Payload::Hidden => {}
            Payload::Preferences {
                address,
                choices,
                made_at,
            } => {
                to.extend_from_slice(address);
                to.extend_from_slice(&pack(choices).ok_or(BadLink::Choices)?);
                to.extend_from_slice(&minutes(*made_at)?);
            }
            Payload::Confirm {
                address,
                list,
                expires_at,
            } => {
                to.extend_from_slice(address);
                to.extend_from_slice(&list.to_be_bytes());
                to.extend_from_slice(&minutes(*expires_at)?);
            }
        }
        Ok(())
    }

    fn read(kind: char, bytes: &[u8]) -> Option<Payload> {
        Some(match kind {
            'u' => {
                let (address, scope) = bytes.split_first_chunk::<16>()?;
                Payload::Unsubscribe {
                    address: *address,
                    scope: u16::from_be_bytes(scope.try_into().ok()?),
                }
            }
            'c' => {
                let (link, url) = bytes.split_first_chunk::<2>()?;
                let url = std::str::from_utf8(url).ok()?;
                // Signed or not: what leaves here is an address of the web, spelled as a header can carry it.
                if web_address(url).ok()? != url {
                    return None;
                }
                Payload::Click {
                    link: u16::from_be_bytes(*link),
                    url: url.to_owned(),
                }
            }
            'o' if bytes.is_empty() => Payload::Open,
            'h' if bytes.is_empty() => Payload::Hidden,
            'p' => {
                let (address, rest) = bytes.split_first_chunk::<16>()?;
                let (choices, made_at) = rest.split_first_chunk::<10>()?;
                Payload::Preferences {
                    address: *address,
                    choices: unpack(*choices)?,
                    made_at: match made_at {
                        // Of before links said when they were made.
                        [] => DateTime::UNIX_EPOCH,
                        minutes => moment(minutes.try_into().ok()?)?,
                    },
                }
            }
            'k' => {
                let (address, rest) = bytes.split_first_chunk::<16>()?;
                let (list, minutes) = rest.split_first_chunk::<2>()?;
                Payload::Confirm {
                    address: *address,
                    list: u16::from_be_bytes(*list),
                    expires_at: moment(minutes.try_into().ok()?)?,
                }
            }
            _ => return None,
        })
    }
}

fn minutes(at: Moment) -> Result<[u8; 4], BadLink> {
    let minutes = u32::try_from(at.timestamp() / 60).map_err(|_| BadLink::Expiry)?;
    Ok(minutes.to_be_bytes())
}

fn moment(minutes: [u8; 4]) -> Option<Moment> {
    DateTime::from_timestamp(i64::from(u32::from_be_bytes(minutes)) * 60, 0)
}

/// An http or https address as it is sent to a browser (WHATWG URL): ASCII without spaces or controls.
///
/// # Errors
/// [`BadLink::NotTheWeb`] or [`BadLink::TooLong`].
pub fn web_address(text: &str) -> Result<String, BadLink> {
    let url = Url::parse(text).map_err(|_| BadLink::NotTheWeb)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(BadLink::NotTheWeb);
    }
    let text = String::from(url);
    if text.len() > LONGEST_URL {
        return Err(BadLink::TooLong);
    }
    Ok(text)
}

const CHANNELS: [Channel; 5] = [
    Channel::Email,
    Channel::Sms,
    Channel::Phone,
    Channel::Post,
    Channel::Push,
];

/// Topics (4 bytes of bits), channels (bits), flags, language (two letters or zeros), first day after a pause (days
/// since 1970, or 0).
pub(crate) fn pack(choices: &Choices) -> Option<[u8; 10]> {
    let mut topics = 0u32;
    for topic in &choices.topics {
        topics |= 1u32.checked_shl(u32::from(*topic))?;
    }
    let channels = CHANNELS
        .iter()
        .enumerate()
        .filter(|(_, c)| choices.channels.contains(c))
        .fold(0u8, |bits, (i, _)| bits | 1 << i);
    let language: [u8; 2] = match &choices.language {
        None => [0; 2],
        Some(text) => text.as_bytes().try_into().ok().filter(two_letters)?,
    };
    let day = match choices.paused_until {
        None => 0,
        Some(day) => u16::try_from(day.signed_duration_since(NaiveDate::default()).num_days())
            .ok()
            .filter(|d| *d > 0)?,
    };
    let mut packed = [0; 10];
    packed[..4].copy_from_slice(&topics.to_be_bytes());
    packed[4] = channels;
    packed[5] = u8::from(choices.all_off);
    packed[6..8].copy_from_slice(&language);
    packed[8..].copy_from_slice(&day.to_be_bytes());
    Some(packed)
}

pub(crate) fn unpack(packed: [u8; 10]) -> Option<Choices> {
    let topics = u32::from_be_bytes(packed[..4].try_into().ok()?);
    let language: [u8; 2] = packed[6..8].try_into().ok()?;
    let day = u16::from_be_bytes(packed[8..].try_into().ok()?);
    Some(Choices {
        topics: (0..32).filter(|i| topics & (1 << i) != 0).collect(),
        channels: CHANNELS
            .iter()
            .enumerate()
            .filter(|(i, _)| packed[4] & (1 << i) != 0)
            .map(|(_, c)| *c)
            .collect(),
        language: match language {
            [0, 0] => None,
            letters if two_letters(&letters) => Some(letters.iter().map(|b| char::from(*b)).collect()),
            _ => return None,
        },
        paused_until: match day {
            0 => None,
            days => Some(NaiveDate::default() + chrono::TimeDelta::days(i64::from(days))),
        },
        all_off: packed[5] & 1 == 1,
    })
}

fn two_letters(bytes: &[u8; 2]) -> bool {
    bytes.iter().all(u8::is_ascii_lowercase)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn one_of_each() -> Vec<Payload> {
        vec![
            Payload::Unsubscribe {
                address: [9; 16],
                scope: 3,
            },
            Payload::Click {
                link: 7,
                url: "https://shop.example/a?b=c".to_owned(),
            },
            Payload::Open,
            Payload::Hidden,
            Payload::Preferences {
                address: [8; 16],
                choices: Choices {
                    topics: vec![0, 5, 31],
                    channels: vec![Channel::Email, Channel::Push],
                    language: Some("de".to_owned()),
                    paused_until: NaiveDate::from_ymd_opt(2027, 1, 31),
                    all_off: false,
                },
                made_at: DateTime::from_timestamp(1_790_000_040, 0).expect("a moment"),
            },
            Payload::Confirm {
                address: [7; 16],
                list: 2,
                expires_at: DateTime::from_timestamp(1_800_000_000, 0).expect("a moment"),
            },
        ]
    }

    fn parts(path: &str) -> (char, &str, &str) {
        let mut parts = path[1..].split('/');
        let kind = parts.next().and_then(|k| k.chars().next()).expect("a kind");
        (kind, parts.next().expect("a key"), parts.next().expect("a blob"))
    }

    #[test]
    fn each_kind_of_link_reads_back_with_its_own_key_tenant_and_kind_only() {
        let key = TokenKey::new([1; 32]);
        let kinds = ['u', 'c', 'o', 'h', 'p', 'k'];
        for payload in one_of_each() {
            let path = key.mint("tenant", &[5; 16], &payload).expect("a link");
            let (kind, id, blob) = parts(&path);
            assert_eq!(id, key.id());
            assert_eq!(key.open("tenant", kind, blob), Some(([5; 16], payload)));
            assert_eq!(key.open("other", kind, blob), None);
            assert_eq!(TokenKey::new([2; 32]).open("tenant", kind, blob), None);
            for other in kinds.iter().filter(|k| **k != kind) {
                assert_eq!(key.open("tenant", *other, blob), None, "{kind} read as {other}");
            }
        }
    }

    #[test]
    fn only_addresses_of_the_web_can_stand_in_a_link() {
        let key = TokenKey::new([1; 32]);
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://files.example/",
            "//shop.example/",
            "shop.example",
            "mailto:a@b.example",
            "",
            "http://",
        ] {
            let click = Payload::Click {
                link: 0,
                url: url.to_owned(),
            };
            assert_eq!(key.mint("t", &[0; 16], &click), Err(BadLink::NotTheWeb), "{url}");
        }
        let long = Payload::Click {
            link: 0,
            url: format!("https://shop.example/{}", "x".repeat(LONGEST_URL)),
        };
        assert_eq!(key.mint("t", &[0; 16], &long), Err(BadLink::TooLong));
    }

    #[test]
    fn a_signed_link_to_anything_but_the_web_is_still_refused() {
        let key = TokenKey::new([1; 32]);
        for url in [
            "javascript:alert(1)",
            "https://shop.example/a b",
            "https://é.example/",
            "\r\nX: y",
        ] {
            let mut blob = [0u8; 18].to_vec();
            blob.extend_from_slice(url.as_bytes());
            let code = key.code("t", 'c', &blob);
            blob.extend_from_slice(&code);
            assert_eq!(key.open("t", 'c', &URL_SAFE_NO_PAD.encode(blob)), None, "{url:?}");
        }
    }

    #[test]
    fn an_address_with_letters_of_the_world_is_spelled_for_a_header() {
        assert_eq!(
            web_address("https://bücher.example/ü ber?q=é\r\n").as_deref(),
            Ok("https://xn--bcher-kva.example/%C3%BC%20ber?q=%C3%A9")
        );
    }

    #[test]
    fn a_preference_link_of_before_links_had_their_moment_is_still_read() {
        let key = TokenKey::new([1; 32]);
        let mut blob = [[5; 16], [8; 16]].concat();
        blob.extend_from_slice(&pack(&Choices::default()).expect("choices"));
        let code = key.code("t", 'p', &blob);
        blob.extend_from_slice(&code);
        let read = key.open("t", 'p', &URL_SAFE_NO_PAD.encode(blob));
        let Some((_, Payload::Preferences { made_at, .. })) = read else {
            panic!("{read:?}");
        };
        assert_eq!(made_at, DateTime::UNIX_EPOCH);
    }

    #[test]
    fn choices_that_do_not_fit_are_refused_and_not_cut() {
        let with = |change: fn(&mut Choices)| {
            let mut choices = Choices::default();
            change(&mut choices);
            pack(&choices)
        };
        assert_eq!(with(|c| c.topics = vec![32]), None);
        assert_eq!(with(|c| c.language = Some("DE".to_owned())), None);
        assert_eq!(with(|c| c.language = Some("deu".to_owned())), None);
        assert_eq!(
            with(|c| c.paused_until = NaiveDate::from_ymd_opt(1969, 1, 1)),
            None
        );
    }

    proptest! {
        #[test]
        fn any_choices_read_back(
            topics in proptest::collection::btree_set(0u8..32, 0..32),
            channels in 0u8..32, day in 1u16.., off: bool, language in "[a-z]{2}",
        ) {
            let choices = Choices {
                topics: topics.into_iter().collect(),
                channels: CHANNELS.iter().enumerate().filter(|(i, _)| channels & (1 << i) != 0).map(|(_, c)| *c).collect(),
                language: Some(language),
                paused_until: Some(NaiveDate::default() + chrono::TimeDelta::days(i64::from(day))),
                all_off: off,
            };
            prop_assert_eq!(pack(&choices).and_then(unpack), Some(choices));
        }

        #[test]
        fn no_blob_that_was_not_signed_is_read(blob in "[A-Za-z0-9_-]{0,200}", kind in "[ucohpk]") {
            let kind = kind.chars().next().expect("a kind");
            prop_assert_eq!(TokenKey::new([1; 32]).open("t", kind, &blob), None);
        }
    }
}
