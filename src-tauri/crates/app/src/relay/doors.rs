//! The links of messages that lead to the relay.

use super::{Paired, secrets_of};
use crate::error::Result;
use crate::letters::Doors;
use crate::workspaces::Open;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::consent::Channel;
use carillon_model::relay::{Choices, address_bytes};
use carillon_relay::tokens::{AddressHash, Block, Payload, TokenKey};
use carillon_store::choices::{Choice, MOST_TOPICS};
use chrono::TimeDelta;
use std::sync::Arc;

/// What makes the links of this workspace's messages.
#[derive(Clone, Debug)]
pub struct Mint {
    paired: Paired,
    key: TokenKey,
}

/// The maker of links, where this workspace has a relay.
///
/// # Errors
/// A sentence that says why the keys cannot be had: a mail without its way to unsubscribe does not leave.
pub async fn mint(open: &Open) -> Result<Option<Mint>> {
    let Some(paired) = open.store.read(super::paired).await? else {
        return Ok(None);
    };
    let secrets = secrets_of(open).await?;
    let key = secrets.tokens.first().and_then(|key| {
        let bytes = URL_SAFE_NO_PAD.decode(key.expose()).ok()?;
        <[u8; 32]>::try_from(bytes).ok()
    });
    match key {
        Some(key) => Ok(Some(Mint {
            paired,
            key: TokenKey::new(key),
        })),
        None => Err(crate::error::fail(
            crate::error::Code::Keychain,
            "relay.no_secrets",
            &[],
        )),
    }
}

/// How long a link that confirms an address works.
const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(7);

/// Whom a message goes to, as its links must know.
#[derive(Clone, Debug, Default)]
pub struct Recipient {
    /// The keyed hash of the address.
    pub address: AddressHash,
    pub language: Option<String>,
    /// What was chosen on the preference page.
    pub choice: Choice,
    /// No marketing mail goes there: the person said so.
    pub off: bool,
    /// The zone a pause ends in.
    pub zone: chrono_tz::Tz,
    /// The contact agreed to be measured.
    pub followed: bool,
}

impl Recipient {
    /// What the preference page opens with. A topic that was never asked about is wanted.
    fn choices(&self, now: Moment) -> Choices {
        let two_letters = |tag: &String| tag.len() == 2 && tag.bytes().all(|b| b.is_ascii_lowercase());
        Choices {
            topics: (0..MOST_TOPICS)
                .filter(|topic| !self.choice.leaves(*topic))
                .collect(),
            channels: vec![Channel::Email],
            language: self.language.clone().filter(two_letters),
            paused_until: self
                .choice
                .rests(now)
                .map(|until| until.with_timezone(&self.zone).date_naive()),
            all_off: self.off,
        }
    }
}

impl Mint {
    /// The doors of one message that is made at `now`. `token`: its public token.
    pub fn doors(&self, token: &str, to: &Recipient, now: Moment) -> Doors {
        let Some(block) = address_bytes(token) else {
            return Doors::default();
        };
        let (address, followed) = (to.address, to.followed);
        let preferences = Payload::Preferences {
            address,
            choices: to.choices(now),
            made_at: now,
        };
        let confirm = Payload::Confirm {
            address,
            list: 0,
            expires_at: now + CONFIRM_WITHIN,
        };
        let one = self.clone();
        Doors {
            unsubscribe: self.url(&block, &Payload::Unsubscribe { address, scope: 0 }),
            preferences: self.url(&block, &preferences),
            confirm: self.url(&block, &confirm),
            click: followed.then(|| {
                let click: crate::letters::Click = Arc::new(move |link| {
                    let payload = Payload::Click {
                        link: u16::try_from(link.position).ok()?,
                        url: link.url.clone(),
                    };
                    one.url(&block, &payload)
                });
                click
            }),
            pixel: followed.then(|| self.url(&block, &Payload::Open)).flatten(),
            trap: followed.then(|| self.url(&block, &Payload::Hidden)).flatten(),
        }
    }

    fn url(&self, block: &Block, payload: &Payload) -> Option<String> {
        let path = self.key.mint(&self.paired.tenant, block, payload).ok()?;
        Some(format!("{}{path}", self.paired.url))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mint() -> Mint {
        Mint {
            paired: Paired {
                url: "https://relay.example".into(),
                tenant: "t1".into(),
                machine: "laptop".into(),
                ca_file: None,
                at: carillon_model::Moment::UNIX_EPOCH,
            },
            key: TokenKey::new([7; 32]),
        }
    }

    fn to(followed: bool) -> Recipient {
        Recipient {
            address: [1; 16],
            language: Some("de".to_owned()),
            followed,
            ..Recipient::default()
        }
    }

    fn at() -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    #[test]
    fn the_page_to_choose_opens_with_what_was_chosen_and_with_every_topic_that_was_not_left() {
        let to = Recipient {
            choice: Choice {
                left: 0b100,
                paused_until: Some(at() + TimeDelta::days(3)),
            },
            ..to(false)
        };
        let choices = to.choices(at());
        assert_eq!(choices.topics.len(), 31);
        assert!(!choices.topics.contains(&2));
        assert_eq!(choices.language.as_deref(), Some("de"));
        assert_eq!(
            choices.paused_until,
            Some((at() + TimeDelta::days(3)).date_naive())
        );
        assert_eq!(to.choices(at() + TimeDelta::days(4)).paused_until, None);
    }

    #[test]
    fn whoever_does_not_want_to_be_followed_gets_a_way_to_leave_and_no_link_of_its_own() {
        let doors = mint().doors(&"ab".repeat(16), &to(false), at());
        assert!(doors.unsubscribe.unwrap().starts_with("https://relay.example/u/"));
        assert!(doors.preferences.unwrap().starts_with("https://relay.example/p/"));
        assert!(doors.click.is_none() && doors.pixel.is_none() && doors.trap.is_none());
    }

    #[test]
    fn a_link_opens_with_the_key_it_was_made_with_and_names_its_message() {
        let token = "0123456789abcdef0123456789abcdef";
        let doors = mint().doors(token, &to(true), at());
        let link = doors.unsubscribe.unwrap();
        let blob = link.rsplit('/').next().unwrap();
        let (found, payload) = TokenKey::new([7; 32]).open("t1", 'u', blob).unwrap();
        assert_eq!(Some(found), address_bytes(token));
        assert_eq!(
            payload,
            Payload::Unsubscribe {
                address: [1; 16],
                scope: 0
            }
        );
        assert!(TokenKey::new([8; 32]).open("t1", 'u', blob).is_none());
        assert!(TokenKey::new([7; 32]).open("t2", 'u', blob).is_none());
    }

    #[test]
    fn what_is_no_token_opens_no_door() {
        let doors = mint().doors("zz", &to(true), at());
        assert!(doors.unsubscribe.is_none() && doors.pixel.is_none());
    }
}
