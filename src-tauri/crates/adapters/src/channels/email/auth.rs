//! Logging in: AUTH PLAIN (RFC 4616) and LOGIN, over RFC 4954.

use super::Phase;
use super::session::{Fault, Session};
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

fn refuse(class: FailureClass, code: &str, detail: String) -> Fault {
    Fault {
        phase: Phase::Auth,
        failure: failure(class, code, detail),
        keep: false,
    }
}
