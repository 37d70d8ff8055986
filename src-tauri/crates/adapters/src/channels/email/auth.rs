//! Logging in: AUTH PLAIN (RFC 4616), LOGIN, and XOAUTH2 with an access token, over RFC 4954.

use super::session::{Fault, Session};
use super::{Login, Phase, Reply};
use crate::Secret;
use crate::failure::failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use carillon_model::message::FailureClass;
use zeroize::Zeroizing;

impl Session {
    /// Proves who we are. PLAIN is preferred, its answer rides with the command; LOGIN waits to be asked, as its
    /// servers expect. No failure shows the password, even if the server repeats it.
    pub(super) async fn log_in(&mut self, user: &str, secret: Option<&Secret>) -> Result<(), Fault> {
        let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
            return Err(refuse(
                FailureClass::Auth,
                "no_password",
                "No password is stored for this account.".into(),
            ));
        };
        if user.contains('\0') || secret.expose().contains('\0') {
            return Err(refuse(
                FailureClass::Auth,
                "password",
                "The user name or the password holds a character that cannot be sent.".into(),
            ));
        }
        self.wire.hide(secret);
        if self.options.login == Login::Token {
            return self.xoauth2(user, secret).await;
        }
        if self.offers.auth_plain {
            self.plain(user, secret).await
        } else if self.offers.auth_login {
            self.login(user, secret).await
        } else {
            let offered = match self.offers.mechanisms.as_slice() {
                [] => "it offers no login here; its encryption setting or port may be another".to_owned(),
                others => format!("it offers only {}", others.join(", ")),
            };
            let detail = format!(
                "Cannot log in to {}: {offered}. Carillon knows PLAIN and LOGIN.",
                self.host
            );
            Err(refuse(FailureClass::Setup, "no_mechanism", detail))
        }
    }

    async fn plain(&mut self, user: &str, secret: &Secret) -> Result<(), Fault> {
        let response = Zeroizing::new(format!("\0{user}\0{}", secret.expose()));
        let response = Zeroizing::new(BASE64_STANDARD.encode(response.as_bytes()));
        self.wire.hide_text(&response);
        let command = Zeroizing::new(format!("AUTH PLAIN {}", response.as_str()));
        let mut reply = self.ask(Phase::Auth, &command).await?;
        if reply.code == 334 {
            reply = self.ask(Phase::Auth, &response).await?;
        }
        self.wanted(Phase::Auth, reply, |code| code == 235).map(drop)
    }

    /// <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>: a refused token is explained in a
    /// challenge, which wants an empty answer before the command ends.
    async fn xoauth2(&mut self, user: &str, secret: &Secret) -> Result<(), Fault> {
        if !self.offers.mechanisms.iter().any(|offered| offered == "XOAUTH2") {
            let detail = format!(
                "Cannot log in to {} with a sign-in in the browser: it offers no XOAUTH2. Use a password for this account.",
                self.host
            );
            return Err(refuse(FailureClass::Setup, "no_mechanism", detail));
        }
        if user.contains('\u{1}') || secret.expose().contains(['\u{1}', '\r', '\n']) {
            let detail = "The user name or the token holds a character that cannot be sent.".to_owned();
            return Err(refuse(FailureClass::Auth, "token", detail));
        }
        let response = xoauth2(user, secret);
        self.wire.hide_text(&response);
        let command = Zeroizing::new(format!("AUTH XOAUTH2 {}", response.as_str()));
        let mut reply = self.ask(Phase::Auth, &command).await?;
        if reply.code == 334 {
            reply = self.ask(Phase::Auth, "").await?;
        }
        match self.wanted(Phase::Auth, reply.clone(), |code| code == 235) {
            Ok(_) => Ok(()),
            Err(fault) if fault.failure.class == FailureClass::Auth => Err(self.token_refused(&reply)),
            Err(fault) => Err(fault),
        }
    }

    fn token_refused(&self, reply: &Reply) -> Fault {
        let detail = format!(
            "{} refused the sign-in: {reply}. Sign in again in the browser, with the account these messages are sent from.",
            self.host
        );
        let mut fault = refuse(FailureClass::Auth, "token_refused", detail);
        fault.failure.code = reply.codes();
        fault
    }

    async fn login(&mut self, user: &str, secret: &Secret) -> Result<(), Fault> {
        let user = BASE64_STANDARD.encode(user);
        let password = Zeroizing::new(BASE64_STANDARD.encode(secret.expose()));
        for answer in ["AUTH LOGIN", &user] {
            let reply = self.ask(Phase::Auth, answer).await?;
            self.wanted(Phase::Auth, reply, |code| code == 334)?;
        }
        let reply = self.ask(Phase::Auth, &password).await?;
        self.wanted(Phase::Auth, reply, |code| code == 235).map(drop)
    }
}

/// The one message of XOAUTH2, ready to be sent: `user=…^Aauth=Bearer …^A^A` in base64.
pub(crate) fn xoauth2(user: &str, token: &Secret) -> Zeroizing<String> {
    let message = Zeroizing::new(format!(
        "user={user}\u{1}auth=Bearer {}\u{1}\u{1}",
        token.expose()
    ));
    Zeroizing::new(BASE64_STANDARD.encode(message.as_bytes()))
}

fn refuse(class: FailureClass, code: &str, detail: String) -> Fault {
    Fault {
        phase: Phase::Auth,
        failure: failure(class, code, detail),
        keep: false,
    }
}
