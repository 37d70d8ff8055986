//! Tokens: how long they last, what of them is kept, and getting new ones.

use super::https::HttpFault;
use super::{client, https};
use crate::failure::{clean, failure};
use crate::{Dialer, Secret};
use carillon_model::Moment;
use carillon_model::mailbox::OAuthProvider;
use carillon_model::message::{Failure, FailureClass};
use chrono::{TimeDelta, Utc};
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{RefreshToken, RequestTokenError, TokenResponse};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a token is taken to last where the provider does not say.
const UNSAID: Duration = Duration::from_secs(300);
/// A token is not used for the last part of its life: clocks differ, and a session takes time to open.
const MARGIN: Duration = Duration::from_secs(120);

/// What a sign-in gave: a token for the next minutes, and one with which to get others.
#[derive(Clone)]
pub struct Tokens {
    access: Secret,
    refresh: Option<Secret>,
    fresh_until: Moment,
}

/// What is kept of a sign-in, as JSON. The access token is not: it is long, and a new one is one request away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept<'a> {
    refresh: std::borrow::Cow<'a, str>,
}

impl Tokens {
    pub(super) fn received(answer: &BasicTokenResponse, before: Option<&Tokens>) -> Tokens {
        let lasts = answer.expires_in().unwrap_or(UNSAID);
        let usable = lasts
            .saturating_sub(MARGIN.min(lasts / 4))
            .min(Duration::from_secs(86_400));
        let refresh = answer
            .refresh_token()
            .map(|token| Secret::new(token.secret().clone()));
        Tokens {
            access: Secret::new(answer.access_token().secret().clone()),
            // RFC 6749 §6: without a new one the old one goes on.
            refresh: refresh.or_else(|| before.and_then(|tokens| tokens.refresh.clone())),
            fresh_until: Utc::now() + TimeDelta::from_std(usable).unwrap_or_default(),
        }
    }

    /// The access token, as long as it may be used.
    pub fn access(&self, now: Moment) -> Option<&Secret> {
        (now < self.fresh_until && !self.access.is_empty()).then_some(&self.access)
    }

    /// Until when [`Tokens::access`] gives the token.
    pub fn fresh_until(&self) -> Moment {
        self.fresh_until
    }

    /// What to keep in the vault, each time tokens were received: a provider may take the former one back at once
    /// (RFC 9700 §4.14.2). `None` where the provider gave nothing that lasts.
    pub fn to_secret(&self) -> Option<Secret> {
        let refresh = self.refresh.as_ref()?;
        let kept = Kept {
            refresh: refresh.expose().into(),
        };
        serde_json::to_string(&kept).ok().map(Secret::new)
    }

    /// What was kept. There is no access token in it: [`refresh`] comes next.
    ///
    /// # Errors
    /// `Auth` where the secret is not what [`Tokens::to_secret`] gave.
    pub fn from_secret(secret: &Secret) -> Result<Tokens, Failure> {
        let kept: Kept<'_> = serde_json::from_str(secret.expose()).map_err(|_| {
            failure(
                FailureClass::Auth,
                "sign_in_again",
                "What was kept of the sign-in cannot be read. Sign in again in the browser.",
            )
        })?;
        Ok(Tokens {
            access: Secret::new(String::new()),
            refresh: Some(Secret::new(kept.refresh.into_owned())),
            fresh_until: Moment::MIN_UTC,
        })
    }
}

/// New tokens for old ones. Only one may run at a time for one sign-in: a provider that gives each refresh token once
/// takes a second use for theft and ends the sign-in.
///
/// # Errors
/// `Auth` with code `sign_in_again` where the sign-in is over; `Setup` where the registration is not right any more;
/// `Transient` where the provider cannot be reached.
pub async fn refresh(
    provider: &OAuthProvider,
    client_secret: Option<&Secret>,
    tokens: &Tokens,
    dialer: &Dialer,
) -> Result<Tokens, Failure> {
    let Some(token) = &tokens.refresh else {
        return Err(failure(
            FailureClass::Auth,
            "sign_in_again",
            "The provider gave nothing with which the sign-in could be kept alive. Sign in again in the browser.",
        ));
    };
    let http = https::client(dialer);
    let client = client(provider, client_secret)?;
    let old = RefreshToken::new(token.expose().to_owned());
    match client.exchange_refresh_token(&old).request_async(&http).await {
        Ok(answer) => Ok(Tokens::received(&answer, Some(tokens))),
        Err(error) => {
            let hidden: Vec<Secret> = client_secret.into_iter().chain([token]).cloned().collect();
            Err(failed(provider, error, &hidden))
        }
    }
}

/// The failure of a token request (RFC 6749 §5.2), without any of these secrets.
pub(super) fn failed(
    provider: &OAuthProvider,
    error: RequestTokenError<HttpFault, BasicErrorResponse>,
    hidden: &[Secret],
) -> Failure {
    use BasicErrorResponseType as Kind;
    let response = match error {
        RequestTokenError::ServerResponse(response) => response,
        RequestTokenError::Request(HttpFault(failure)) => return failure,
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            return failure(
                FailureClass::Transient,
                "bad_answer",
                format!(
                    "{} answered in a way that makes no sense. It is tried again by itself.",
                    host(provider)
                ),
            );
        }
    };
    let (class, code, todo) = match response.error() {
        Kind::InvalidGrant => (
            FailureClass::Auth,
            "sign_in_again",
            "The sign-in is over or was taken back. Sign in again in the browser.",
        ),
        Kind::InvalidClient | Kind::UnauthorizedClient => (
            FailureClass::Setup,
            "client",
            "Check the client id and the client secret: both stand in the registration at the provider.",
        ),
        Kind::InvalidScope => (
            FailureClass::Setup,
            "scope",
            "Check in the registration at the provider that it may read and send mail.",
        ),
        Kind::Extension(word) => match word.as_str() {
            "temporarily_unavailable" | "server_error" | "slow_down" => (
                FailureClass::Transient,
                "unavailable",
                "It is tried again by itself.",
            ),
            "interaction_required" | "consent_required" | "login_required" => (
                FailureClass::Auth,
                "sign_in_again",
                "Sign in again in the browser.",
            ),
            _ => (
                FailureClass::Setup,
                "refused",
                "Check the registration at the provider.",
            ),
        },
        Kind::InvalidRequest | Kind::UnsupportedGrantType => (
            FailureClass::Setup,
            "refused",
            "Check the registration at the provider.",
        ),
    };
    let mut said = response.error().as_ref().to_owned();
    if let Some(description) = response.error_description() {
        said = format!("{said}: {description}");
    }
    for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
        said = said.replace(secret.expose(), "***");
    }
    failure(
        class,
        code,
        format!("{} refused ({}). {todo}", host(provider), clean(&said)),
    )
}

fn host(provider: &OAuthProvider) -> String {
    let url = oauth2::url::Url::parse(&provider.token_url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "The provider".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(json: &str, before: Option<&Tokens>) -> Tokens {
        Tokens::received(&serde_json::from_str(json).expect("an answer"), before)
    }

    #[test]
    fn a_token_is_not_used_to_its_last_second() {
        let tokens = received(
            r#"{"access_token":"a","token_type":"Bearer","expires_in":3600}"#,
            None,
        );
        let left = (tokens.fresh_until() - Utc::now()).num_seconds();
        assert!((3470..=3480).contains(&left), "{left}");
        assert_eq!(tokens.access(Utc::now()).map(Secret::expose), Some("a"));
        assert!(tokens.access(Utc::now() + TimeDelta::seconds(3490)).is_none());
        let short = received(
            r#"{"access_token":"a","token_type":"bearer","expires_in":4}"#,
            None,
        );
        assert!(
            short.access(Utc::now()).is_some() && short.access(Utc::now() + TimeDelta::seconds(4)).is_none()
        );
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_old_one_and_none_leaves_it() {
        let first = received(
            r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r1"}"#,
            None,
        );
        let kept = |tokens: &Tokens| tokens.to_secret().map(|secret| secret.expose().to_owned());
        let same = received(r#"{"access_token":"b","token_type":"Bearer"}"#, Some(&first));
        assert_eq!(kept(&same).as_deref(), Some(r#"{"refresh":"r1"}"#));
        let new = received(
            r#"{"access_token":"b","token_type":"Bearer","refresh_token":"r2"}"#,
            Some(&first),
        );
        assert_eq!(kept(&new).as_deref(), Some(r#"{"refresh":"r2"}"#));
        let again = Tokens::from_secret(&new.to_secret().expect("kept")).expect("read");
        assert!(again.access(Utc::now()).is_none());
        assert_eq!(kept(&again), kept(&new));
    }

    #[test]
    fn what_is_no_kept_sign_in_says_to_sign_in_again() {
        for text in ["", "{}", "geheim", r#"{"refresh":1}"#] {
            let failure = Tokens::from_secret(&Secret::new(text.to_owned()))
                .err()
                .expect("refused");
            assert_eq!(
                (failure.class, failure.code.as_str()),
                (FailureClass::Auth, "sign_in_again")
            );
        }
    }
}
