//! OAuth 2.0 for an installed application: signing in with the browser of the system, and keeping the sign-in alive.
//!
//! Authorization code with PKCE (RFC 7636, S256) on a loopback redirect (RFC 8252 §7.3), with the user's own client.
//! The grammar of requests and answers is the crate `oauth2`'s; connections go through the dialer.

mod https;
mod loopback;
mod presets;
mod tokens;

pub use presets::{OAuthPreset, OAuthPresets, preset, presets};
pub use tokens::{Tokens, refresh};

use crate::failure::failure;
use crate::{Dialer, Secret};
use carillon_model::mailbox::{OAuthProvider, OAuthRedirect};
use carillon_model::message::{Failure, FailureClass};
use loopback::Redirected;
use oauth2::basic::BasicClient;
use oauth2::url::{Host, Url};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl,
};
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// How long a person has for signing in.
pub const SIGN_IN_LIMIT: Duration = Duration::from_secs(300);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A sign-in that waits for the browser to come back. Dropping it, or the future of [`SignIn::finish`], cancels it.
pub struct SignIn {
    url: String,
    client: Client,
    verifier: PkceCodeVerifier,
    state: CsrfToken,
    listener: loopback::Listener,
    provider: OAuthProvider,
    hidden: Vec<Secret>,
}

impl SignIn {
    /// Begins to listen on a free port of this machine. `client_secret` is the secret of the user's registration
    /// where it has one; `user` is proposed to the provider.
    ///
    /// # Errors
    /// `Setup` where the provider is not set up right or no port can be had.
    pub async fn begin(
        provider: &OAuthProvider,
        client_secret: Option<&Secret>,
        user: Option<&str>,
    ) -> Result<SignIn, Failure> {
        let client = client(provider, client_secret)?;
        let listener = loopback::Listener::bind(provider.redirect).await?;
        let redirect = match provider.redirect {
            OAuthRedirect::Address => format!("http://127.0.0.1:{}/", listener.port()),
            OAuthRedirect::Localhost => format!("http://localhost:{}", listener.port()),
        };
        let redirect = RedirectUrl::new(redirect).map_err(|_| bad_url("redirect"))?;
        let client = client.set_redirect_uri(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        for (name, value) in &provider.parameters {
            request = request.add_extra_param(name.clone(), value.clone());
        }
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            request = request.add_extra_param("login_hint", user.to_owned());
        }
        let (url, state) = request.url();
        Ok(SignIn {
            url: url.into(),
            client,
            verifier,
            state,
            listener,
            provider: provider.clone(),
            hidden: client_secret.cloned().into_iter().collect(),
        })
    }

    /// What to open in the browser of the system.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the browser, at most [`SIGN_IN_LIMIT`], and trades what it brings for tokens.
    ///
    /// # Errors
    /// `Auth` where the person said no, took too long, or must begin again; `Setup` where the registration at the
    /// provider is not right; `Transient` where the provider cannot be reached.
    pub async fn finish(self, dialer: &Dialer) -> Result<Tokens, Failure> {
        let back = match timeout(SIGN_IN_LIMIT, self.listener.wait(self.state.secret())).await {
            Ok(back) => back?,
            Err(_) => {
                return Err(failure(
                    FailureClass::Auth,
                    "sign_in_timeout",
                    "Nobody signed in within five minutes. Begin again, and finish it in the browser window.",
                ));
            }
        };
        let code = match back {
            Redirected::Code(code) => code,
            Redirected::Error { error, description } => return Err(declined(&error, &description)),
        };
        let http = https::client(dialer);
        let hidden = [self.hidden, vec![code.clone()]].concat();
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(self.verifier)
            .request_async(&http)
            .await;
        match answer {
            Ok(answer) => Ok(Tokens::received(&answer, None)),
            Err(error) => Err(tokens::failed(&self.provider, error, &hidden)),
        }
    }
}

/// The client of the user's registration.
fn client(provider: &OAuthProvider, client_secret: Option<&Secret>) -> Result<Client, Failure> {
    if provider.client_id.trim().is_empty() {
        return Err(failure(
            FailureClass::Setup,
            "no_client_id",
            "The client id is missing: register a desktop application at the provider and enter its client id.",
        ));
    }
    if provider.has_client_secret && client_secret.is_none_or(Secret::is_empty) {
        return Err(failure(
            FailureClass::Setup,
            "no_client_secret",
            "The client secret is missing: it stands beside the client id at the provider.",
        ));
    }
    let authorize = AuthUrl::from_url(protected(&provider.authorize_url, "sign-in")?);
    let token = TokenUrl::from_url(protected(&provider.token_url, "token")?);
    let mut client = BasicClient::new(ClientId::new(provider.client_id.trim().to_owned()))
        .set_auth_uri(authorize)
        .set_token_uri(token)
        .set_auth_type(AuthType::RequestBody);
    if let Some(secret) = client_secret.filter(|secret| !secret.is_empty()) {
        client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(client)
}

/// An address that is encrypted, or on this machine (RFC 6749 §3.1, §3.2).
fn protected(text: &str, what: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| bad_url(what))?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if here => Ok(url),
        _ => Err(bad_url(what)),
    }
}

fn bad_url(what: &str) -> Failure {
    failure(
        FailureClass::Setup,
        "oauth_url",
        format!("The provider's {what} address must be a whole one that begins with https://."),
    )
}

/// RFC 6749 §4.1.2.1.
fn declined(error: &str, description: &str) -> Failure {
    let said = match description.is_empty() {
        true => error.to_owned(),
        false => format!("{error}: {description}"),
    };
    let (class, todo) = match error {
        "access_denied" => (
            FailureClass::Auth,
            "Carillon was not allowed to read this mailbox. Begin again and say yes, or ask your administrator.",
        ),
        "temporarily_unavailable" | "server_error" => (FailureClass::Transient, "Try again a little later."),
        "login_required" | "interaction_required" | "consent_required" => {
            (FailureClass::Auth, "Begin again.")
        }
        _ => (
            FailureClass::Setup,
            "Check the client id, the scopes and the redirect address of the registration at the provider.",
        ),
    };
    failure(
        class,
        error,
        format!("The sign-in was not completed ({said}). {todo}"),
    )
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_asked_for_over_encrypted_connections_only() {
        for good in [
            "https://login.example.com/token",
            "http://127.0.0.1:9/t",
            "http://localhost:9/",
            "http://[::1]/",
        ] {
            assert!(protected(good, "token").is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com/",
            "http://127.0.0.1.example.com/",
            "ftp://localhost/",
            "login",
            "",
        ] {
            assert_eq!(
                protected(bad, "token").expect_err("refused").class,
                FailureClass::Setup,
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn a_registration_without_its_id_or_secret_is_not_tried() {
        let provider = preset("google").expect("Google").provider(" ");
        let refused = SignIn::begin(&provider, None, None).await.expect_err("no id");
        assert_eq!(refused.code, "no_client_id");
        let provider = preset("google").expect("Google").provider("id");
        let refused = SignIn::begin(&provider, None, None).await.expect_err("no secret");
        assert_eq!(refused.code, "no_client_secret");
    }

    #[tokio::test]
    async fn the_browser_is_sent_with_pkce_a_state_and_the_users_own_client() {
        let provider = preset("google").expect("Google").provider("my-id");
        let secret = Secret::new("shh".to_owned());
        let sign_in = SignIn::begin(&provider, Some(&secret), Some("ada@example.com"))
            .await
            .expect("begun");
        let url = Url::parse(sign_in.url()).expect("an address");
        let value = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(value("code_challenge_method").as_deref(), Some("S256"));
        assert!(value("code_challenge").is_some_and(|challenge| challenge.len() == 43));
        assert!(value("state").is_some_and(|state| state.len() >= 16));
        assert_eq!(value("client_id").as_deref(), Some("my-id"));
        assert_eq!(value("login_hint").as_deref(), Some("ada@example.com"));
        assert_eq!(value("access_type").as_deref(), Some("offline"));
        assert!(value("redirect_uri").is_some_and(|uri| uri.starts_with("http://127.0.0.1:")));
        assert!(!sign_in.url().contains("shh"));
    }
}
