//! The links of messages that lead to the relay.

use super::{Paired, secrets_of};
use crate::error::Result;
use crate::letters::Doors;
use crate::workspaces::Open;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::consent::Channel;
use carillon_model::relay::Choices;
use carillon_relay::tokens::{AddressHash, Block, Payload, TokenKey};
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

impl Mint {
    /// The doors of one message. `token`: its public token; `followed`: the contact agreed to be measured.
    pub fn doors(&self, token: &str, address: AddressHash, language: Option<&str>, followed: bool) -> Doors {
        let Some(block) = block(token) else {
            return Doors::default();
        };
        let choices = Choices {
            channels: vec![Channel::Email],
            language: language
                .filter(|tag| tag.len() == 2 && tag.bytes().all(|b| b.is_ascii_lowercase()))
                .map(str::to_owned),
            ..Choices::default()
        };
        let one = self.clone();
        Doors {
            unsubscribe: self.url(&block, &Payload::Unsubscribe { address, scope: 0 }),
            preferences: self.url(&block, &Payload::Preferences { address, choices }),
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

/// The sixteen bytes of a token's 32 digits.
fn block(token: &str) -> Option<Block> {
    let digits = token.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut block = [0; 16];
    for (byte, pair) in block.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(block)
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

    #[test]
    fn whoever_does_not_want_to_be_followed_gets_a_way_to_leave_and_no_link_of_its_own() {
        let doors = mint().doors(&"ab".repeat(16), [1; 16], Some("de"), false);
        assert!(doors.unsubscribe.unwrap().starts_with("https://relay.example/u/"));
        assert!(doors.preferences.unwrap().starts_with("https://relay.example/p/"));
        assert!(doors.click.is_none() && doors.pixel.is_none() && doors.trap.is_none());
    }

    #[test]
    fn a_link_opens_with_the_key_it_was_made_with_and_names_its_message() {
        let token = "0123456789abcdef0123456789abcdef";
        let doors = mint().doors(token, [1; 16], None, true);
        let link = doors.unsubscribe.unwrap();
        let blob = link.rsplit('/').next().unwrap();
        let (found, payload) = TokenKey::new([7; 32]).open("t1", 'u', blob).unwrap();
        assert_eq!(Some(found), block(token));
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
        let doors = mint().doors("zz", [1; 16], None, true);
        assert!(doors.unsubscribe.is_none() && doors.pixel.is_none());
    }
}
