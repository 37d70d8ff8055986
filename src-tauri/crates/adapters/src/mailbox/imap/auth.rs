//! Logging in: AUTHENTICATE PLAIN (RFC 4616), LOGIN, and XOAUTH2 with an access token.
//!
//! XOAUTH2 is described at <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>: the mechanism fails
//! with a challenge that tells why in JSON and wants an empty answer before the command ends.

use super::Imap;
use super::failures::{Step, login_refusal};
use super::session::{Heard, code_word};
use super::wire::Lost;
use crate::Secret;
use crate::channels::email::xoauth2;
use crate::failure::failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use carillon_model::mailbox::{Auth, Mailbox};
use carillon_model::message::{Failure, FailureClass};
use imap_codec::imap_types::response::{CommandContinuationRequest, StatusBody, StatusKind};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Most challenges in one exchange.
const MOST_CHALLENGES: usize = 4;

impl Imap {
    /// Proves who we are. No failure shows the secret, even if the server repeats it.
    pub(super) async fn log_in(&mut self, mailbox: &Mailbox, secret: &Secret) -> Result<(), Failure> {
        let (user, word) = (mailbox.user.as_str(), secret.expose());
        if secret.is_empty() || user.is_empty() {
            return Err(failure(
                FailureClass::Auth,
                "no_password",
                "The mailbox has no user name or no password yet: enter both.",
            ));
        }
        if [user, word]
            .iter()
            .any(|text| text.contains(['\0', '\r', '\n', '\u{1}']))
        {
            return Err(failure(
                FailureClass::Auth,
                "password",
                "The user name or the password holds a character that cannot be sent.",
            ));
        }
        self.hide(word);
        self.hide(&BASE64_STANDARD.encode(word));
        match &mailbox.auth {
            Auth::OAuth { .. } if self.offers("AUTH=XOAUTH2") => {
                let response = xoauth2(user, secret);
                self.authenticate(&mailbox.auth, "XOAUTH2", &response).await
            }
            Auth::OAuth { .. } => Err(self.no_mechanism("a sign-in with the browser (XOAUTH2)")),
            Auth::Password if self.offers("AUTH=PLAIN") => {
                let plain = Zeroizing::new(format!("\0{user}\0{word}"));
                let response = Zeroizing::new(BASE64_STANDARD.encode(plain.as_bytes()));
                self.authenticate(&mailbox.auth, "PLAIN", &response).await
            }
            Auth::Password if !self.offers("LOGINDISABLED") => self.login(&mailbox.auth, user, word).await,
            Auth::Password => Err(self.no_mechanism("a password")),
        }
    }

    /// RFC 3501 §6.2.2; with SASL-IR (RFC 4959) the answer rides with the command.
    async fn authenticate(&mut self, auth: &Auth, mechanism: &str, response: &str) -> Result<(), Failure> {
        self.hide(response);
        let deadline = Instant::now() + self.options.timeouts.command;
        let mut said = self.offers("SASL-IR");
        let command = match said {
            true => Zeroizing::new(format!("AUTHENTICATE {mechanism} {response}")),
            false => Zeroizing::new(format!("AUTHENTICATE {mechanism}")),
        };
        let tag = self.tell(&Step::LogIn, &command, deadline).await?;
        let mut why = None;
        let mut challenges = 0;
        for _ in 0..self.options.limits.responses {
            match self.hear(&Step::LogIn, &tag, deadline).await? {
                Heard::End(body) => return self.login_ended(auth, body, why),
                Heard::Go(challenge) => {
                    challenges += 1;
                    if challenges > MOST_CHALLENGES {
                        break;
                    }
                    let answer = match said {
                        false => Zeroizing::new(format!("{response}\r\n")),
                        true => {
                            why = reason(&challenge).or(why);
                            Zeroizing::new("\r\n".to_owned())
                        }
                    };
                    said = true;
                    self.say(&Step::LogIn, answer.as_bytes(), deadline).await?;
                }
                _ => {}
            }
        }
        Err(self.lose(&Step::LogIn, Lost::OutOfTurn).into())
    }

    /// RFC 3501 §6.2.3, each argument a literal where it does not fit between quotes.
    async fn login(&mut self, auth: &Auth, user: &str, word: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + self.options.timeouts.command;
        let mut parts = vec![Zeroizing::new("LOGIN".to_owned())];
        for argument in [user, word] {
            let last = parts.last_mut().expect("there is one");
            match super::folders::quoted(argument) {
                Some(quoted) => last.push_str(&format!(" {quoted}")),
                None => {
                    last.push_str(&format!(" {{{}}}", argument.len()));
                    parts.push(Zeroizing::new(argument.to_owned()));
                }
            }
        }
        let tag = self.tell(&Step::LogIn, &parts[0], deadline).await?;
        let mut waiting = parts.into_iter().skip(1);
        for _ in 0..self.options.limits.responses {
            match self.hear(&Step::LogIn, &tag, deadline).await? {
                Heard::End(body) => return self.login_ended(auth, body, None),
                Heard::Go(_) => match waiting.next() {
                    Some(part) => {
                        let line = Zeroizing::new(format!("{}\r\n", part.as_str()));
                        self.say(&Step::LogIn, line.as_bytes(), deadline).await?;
                    }
                    None => break,
                },
                _ => {}
            }
        }
        Err(self.lose(&Step::LogIn, Lost::OutOfTurn).into())
    }

    fn login_ended(
        &mut self,
        auth: &Auth,
        body: StatusBody<'static>,
        why: Option<String>,
    ) -> Result<(), Failure> {
        if body.kind == StatusKind::Ok {
            return self.end(&Step::LogIn, body).map(drop).map_err(Failure::from);
        }
        let text = match why {
            Some(why) => format!("{} ({why})", body.text.as_ref()),
            None => body.text.as_ref().to_owned(),
        };
        let text = self.without_secrets(&text);
        let code = self.without_secrets(&code_word(body.code.as_ref()));
        Err(login_refusal(&self.host, auth, &code, text.trim_end_matches('.')))
    }

    fn no_mechanism(&self, wanted: &str) -> Failure {
        let offered: Vec<&str> = self
            .offers
            .iter()
            .filter_map(|offer| offer.strip_prefix("AUTH="))
            .collect();
        let offered = match offered.as_slice() {
            [] => "it offers no login here; its encryption setting or port may be another".to_owned(),
            others => format!("it offers only {}", others.join(", ")),
        };
        failure(
            FailureClass::Setup,
            "no_mechanism",
            format!("Cannot log in to {} with {wanted}: {offered}.", self.host),
        )
    }
}

/// What stands behind the `+`.
pub(super) fn challenge(go: &CommandContinuationRequest<'_>) -> Vec<u8> {
    match go {
        CommandContinuationRequest::Basic(basic) => basic.text().as_ref().as_bytes().to_vec(),
        CommandContinuationRequest::Base64(bytes) => bytes.to_vec(),
    }
}

/// Why a token was refused, from the JSON of an XOAUTH2 challenge: its status, and an error where there is one.
fn reason(challenge: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(challenge.get(..4096).unwrap_or(challenge)).ok()?;
    let word = |key: &str| match &json[key] {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let said: Vec<String> = [word("status"), word("error")].into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("status {}", said.join(", ")))
}
