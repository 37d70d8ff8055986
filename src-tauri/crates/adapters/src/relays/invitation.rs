//! What another machine of the workspace needs to ask the same relay: given on as one text, under a passphrase.

use super::{RelaySecrets, bytes32};
use crate::failure::failure;
use crate::secret::Secret;
use age::scrypt;
use age::secrecy::SecretString;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::message::{Failure, FailureClass};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the text begins with.
const BEGINS: &str = "carillon-machine:";

/// scrypt's N is two to this power, and what is refused: the text comes from outside.
const WORK: u8 = 17;
const MOST_WORK: u8 = 18;

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 64 << 10;

/// Fewest characters of a passphrase.
const LEAST_PASSPHRASE: usize = 8;

/// A machine's way in. Opening and making one takes half a second: call it on a thread that may block.
pub struct Invitation {
    pub url: String,
    pub tenant: String,
    /// The workspace it is of: a copy of the file has the same.
    pub workspace: String,
    /// With a device key of the new machine's own.
    pub secrets: RelaySecrets,
    /// The key addresses are hashed with, for the list both obey.
    pub list_key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    url: String,
    tenant: String,
    workspace: String,
    opening: String,
    device: String,
    tokens: Vec<String>,
    list_key: String,
}

impl Invitation {
    /// As one line of text, age-encrypted under the passphrase.
    ///
    /// # Errors
    /// `Setup` when the passphrase is shorter than eight characters.
    pub fn seal(&self, passphrase: &Secret) -> Result<String, Failure> {
        if passphrase.expose().chars().count() < LEAST_PASSPHRASE {
            return Err(failure(
                FailureClass::Setup,
                "passphrase",
                format!("A passphrase has at least {LEAST_PASSPHRASE} characters."),
            ));
        }
        let text = Text {
            url: self.url.clone(),
            tenant: self.tenant.clone(),
            workspace: self.workspace.clone(),
            opening: self.secrets.opening.expose().to_owned(),
            device: self.secrets.device.expose().to_owned(),
            tokens: self
                .secrets
                .tokens
                .iter()
                .map(|t| t.expose().to_owned())
                .collect(),
            list_key: URL_SAFE_NO_PAD.encode(self.list_key),
        };
        let plain = serde_json::to_vec(&text)
            .map(Zeroizing::new)
            .map_err(|_| wrong())?;
        let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
        recipient.set_work_factor(WORK);
        let sealed = age::encrypt(&recipient, &plain).map_err(|_| wrong())?;
        Ok(format!("{BEGINS}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens one.
    ///
    /// # Errors
    /// `Setup` when the text is none, `Auth` when the passphrase does not open it.
    pub fn open(text: &str, passphrase: &Secret) -> Result<Invitation, Failure> {
        let text: String = text.split_whitespace().collect();
        let sealed = text
            .strip_prefix(BEGINS)
            .filter(|sealed| sealed.len() <= LONGEST)
            .and_then(|sealed| URL_SAFE_NO_PAD.decode(sealed).ok())
            .ok_or_else(wrong)?;
        let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
        identity.set_max_work_factor(MOST_WORK);
        let plain = age::decrypt(&identity, &sealed)
            .map(Zeroizing::new)
            .map_err(|error| match error {
                age::DecryptError::DecryptionFailed
                | age::DecryptError::KeyDecryptionFailed
                | age::DecryptError::NoMatchingKeys => failure(
                    FailureClass::Auth,
                    "passphrase",
                    "This passphrase does not open the invitation.",
                ),
                _ => wrong(),
            })?;
        let text: Text = serde_json::from_slice(&plain).map_err(|_| wrong())?;
        Ok(Invitation {
            url: text.url,
            tenant: text.tenant,
            workspace: text.workspace,
            secrets: RelaySecrets {
                opening: Secret::new(text.opening),
                device: Secret::new(text.device),
                tokens: text.tokens.into_iter().map(Secret::new).collect(),
            },
            list_key: bytes32(&Secret::new(text.list_key))?,
        })
    }
}

fn wrong() -> Failure {
    failure(
        FailureClass::Setup,
        "invitation",
        "This is no invitation for a machine. Copy the whole text, from carillon-machine: to its end.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_opens_with_its_passphrase_and_shows_nothing_without() {
        let invitation = Invitation {
            url: "https://relay.example".to_owned(),
            tenant: "t1".to_owned(),
            workspace: "w1".to_owned(),
            secrets: RelaySecrets::generate().expect("secrets"),
            list_key: [3; 32],
        };
        let passphrase = Secret::new("a long passphrase".to_owned());
        let text = invitation.seal(&passphrase).expect("a text");
        let opened = Invitation::open(&format!(" {text}\n"), &passphrase).expect("an invitation");
        assert_eq!(opened.secrets.device.expose(), invitation.secrets.device.expose());
        assert_eq!((opened.list_key, opened.tenant.as_str()), ([3; 32], "t1"));
        let other = Secret::new("another passphrase".to_owned());
        let class = |text: &str, with: &Secret| {
            Invitation::open(text, with)
                .map(|_| ())
                .expect_err("closed")
                .class
        };
        assert_eq!(class(&text, &other), FailureClass::Auth);
        assert_eq!(
            class("https://relay.example/#t1.x", &passphrase),
            FailureClass::Setup
        );
        assert_eq!(class(&text[..text.len() - 4], &passphrase), FailureClass::Setup);
        assert!(invitation.seal(&Secret::new("short".to_owned())).is_err());
    }
}
