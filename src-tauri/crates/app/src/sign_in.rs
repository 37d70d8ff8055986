//! Signing in to a mail server in the browser (OAuth 2.0), for mailboxes that are read and accounts that send.

use crate::Ctx;
use crate::accounts::Keep;
use crate::error::{ApiError, Code, Result, fail};
use crate::jobs::Job;
use crate::mailboxes::SignInStarted;
use crate::secrets::{self, Owner};
use crate::workspaces::Open;
use carillon_adapters::Secret;
use carillon_adapters::oauth::{self, SignIn, Tokens};
use carillon_model::mailbox::OAuthProvider;
use carillon_model::message::Failure;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tokens of whatever one signs in to, for as long as the workspace is open. Held while they are refreshed: a provider may
/// give each refresh token once.
#[derive(Default)]
pub struct SignIns {
    tokens: tokio::sync::Mutex<BTreeMap<Owner, Tokens>>,
}

impl SignIns {
    /// Forgets what a sign-in gave: its owner is gone, or somebody signed in anew.
    pub async fn forget(&self, owner: &Owner) {
        self.tokens.lock().await.remove(owner);
    }
}

/// What one signs in to.
#[derive(Clone, Debug)]
pub struct Door {
    /// Whose the refresh token is.
    pub owner: Owner,
    /// Whose the secret of the registration is.
    pub client: Owner,
    pub name: String,
    pub user: String,
    pub provider: OAuthProvider,
}

impl Door {
    async fn client_secret(&self, open: &Open) -> Result<Option<Secret>> {
        match self.provider.has_client_secret {
            true => secrets::get(open, &self.client).await,
            false => Ok(None),
        }
    }

    /// An access token that is fresh.
    ///
    /// # Errors
    /// A sentence that says what is missing, or what the provider said.
    pub async fn token(&self, open: &Open) -> Result<Secret> {
        let nobody = || fail(Code::Keychain, "sign_in.nobody", &[("name", &self.name)]);
        let mut all = open.sign_ins.tokens.lock().await;
        let now = crate::clock::machine_now();
        if let Some(secret) = all.get(&self.owner).and_then(|tokens| tokens.access(now)) {
            return Ok(secret.clone());
        }
        let outside = |failure: Failure| ApiError {
            message: failure.detail,
            ..nobody()
        };
        let tokens = match all.get(&self.owner) {
            Some(tokens) => tokens.clone(),
            None => {
                let kept = secrets::get(open, &self.owner).await?.ok_or_else(nobody)?;
                Tokens::from_secret(&kept).map_err(outside)?
            }
        };
        let client = self.client_secret(open).await?;
        let fresh = oauth::refresh(&self.provider, client.as_ref(), &tokens, &open.dialer)
            .await
            .map_err(outside)?;
        if let Some(kept) = fresh.to_secret() {
            secrets::renew(open, &self.owner, kept).await?;
        }
        let secret = fresh.access(now).cloned();
        all.insert(self.owner.clone(), fresh);
        secret.ok_or_else(nobody)
    }

    /// Opens the provider's page in a browser and waits, in a job, until the person has signed in there; then keeps what
    /// came of it and does `then`. `job`: what the job is called.
    ///
    /// # Errors
    /// When the page cannot be asked for.
    pub async fn sign_in(
        self,
        cx: &Ctx,
        job: &'static str,
        (keep, passphrase): (Keep, Option<String>),
        then: impl FnOnce(&Open) + Send + 'static,
    ) -> Result<SignInStarted> {
        let open = cx.open()?.clone();
        let client = self.client_secret(&open).await?;
        let waiting = SignIn::begin(&self.provider, client.as_ref(), Some(&self.user))
            .await
            .map_err(in_words)?;
        let url = waiting.url().to_owned();
        let job = cx.app.jobs().start(job, move |job: Arc<Job>| async move {
            job.phase("signing_in");
            let tokens = tokio::select! {
                tokens = waiting.finish(&open.dialer) => tokens.map_err(in_words)?,
                () = job.asked_to_stop() => return job.check(),
            };
            let kept = tokens
                .to_secret()
                .ok_or_else(|| fail(Code::Invalid, "sign_in.no_refresh", &[("name", &self.name)]))?;
            secrets::keep(&open, &self.owner, kept, keep, passphrase).await?;
            open.sign_ins.forget(&self.owner).await;
            then(&open);
            Ok(())
        });
        if let Err(error) = open::that_detached(&url) {
            tracing::warn!(%error, "the browser did not open");
        }
        Ok(SignInStarted { job, url })
    }
}

fn in_words(failure: Failure) -> ApiError {
    ApiError {
        message: failure.detail,
        ..fail(Code::Refused, "sign_in.refused", &[])
    }
}
