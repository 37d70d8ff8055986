//! The key that signs an account's messages where its server does not: made here, its private half kept where secrets
//! are kept, its record shown to be published.

use super::{DkimRecord, MakeDkim, OneAccount, SwitchDkim, existing};
use crate::Ctx;
use crate::error::{ApiError, Code, Result, fail};
use crate::runtime::dispatch::try_again;
use crate::secrets::{self, Owner};
use crate::table::Done;
use crate::workspaces::Open;
use carillon_adapters::dkim::{DkimError, Key, Signer, TxtRecord, make_key};
use carillon_model::AccountId;
use carillon_model::account::{Account, Dkim};
use carillon_store::Priority;

pub(super) fn owner(id: AccountId) -> Owner {
    Owner::Named(format!("dkim_of_account_{id}"))
}

fn in_words(error: DkimError) -> ApiError {
    let field = match error {
        DkimError::Domain => Some("domain"),
        DkimError::Selector => Some("selector"),
        _ => None,
    };
    let told = ApiError {
        message: error.to_string(),
        ..fail(Code::Invalid, "accounts.dkim", &[])
    };
    match field {
        Some(field) => told.at(field),
        None => told,
    }
}

/// Whether receivers count a signature of `domain` for mail from `email`: it is the address's own domain, or above it.
pub(super) fn aligned(domain: &str, email: &str) -> bool {
    let (domain, email) = (domain.to_ascii_lowercase(), email.to_ascii_lowercase());
    let from = email.rsplit_once('@').map_or("", |(_, from)| from);
    from == domain || from.ends_with(&format!(".{domain}"))
}

/// What signs an account's messages, where its record is published. A provider's API signs itself, and so is not signed
/// for.
///
/// # Errors
/// A sentence that says why the key cannot be had: nothing leaves unsigned that should be signed.
pub async fn signer(open: &Open, account: &Account) -> Result<Option<Signer>> {
    let Some(dkim) = account.dkim.as_ref().filter(|dkim| dkim.on) else {
        return Ok(None);
    };
    if account.provider.is_some() {
        return Ok(None);
    }
    let kept = secrets::get(open, &owner(account.id)).await?;
    let kept =
        kept.ok_or_else(|| fail(Code::Keychain, "accounts.no_dkim_key", &[("name", &account.name)]))?;
    let (domain, selector) = (dkim.domain.clone(), dkim.selector.clone());
    // A big number is taken apart: not on a thread others wait for.
    let made = tokio::task::spawn_blocking(move || Signer::new(Key::read(&kept)?, &domain, &selector));
    made.await
        .map_err(ApiError::internal)?
        .map(Some)
        .map_err(in_words)
}

/// Makes a key. Messages are signed once somebody says that its record is published.
pub(super) async fn dkim_make(cx: &Ctx, req: MakeDkim) -> Result<DkimRecord> {
    let open = cx.open()?;
    let account = existing(open, req.id).await?;
    let domain = req.domain.trim().trim_end_matches('.').to_lowercase();
    let from = account.from_email.clone();
    if !aligned(&domain, &from) {
        return Err(fail(Code::Invalid, "accounts.dkim_domain", &[("email", &from)]).at("domain"));
    }
    let selector = req.selector.trim().to_lowercase();
    let made = tokio::task::spawn_blocking(move || {
        let secret = make_key()?;
        let record = Signer::new(Key::read(&secret)?, &domain, &selector)?.record();
        Ok((secret, record, domain, selector))
    });
    let (secret, record, domain, selector) = made.await.map_err(ApiError::internal)?.map_err(in_words)?;
    // Off first: a message signed with the new key under the old record would fail at its receiver.
    change(open, req.id, |account| account.dkim = None).await?;
    secrets::keep(open, &owner(req.id), secret, req.keep, req.passphrase).await?;
    let dkim = Dkim {
        domain,
        selector,
        record: record.value.clone(),
        on: false,
    };
    change(open, req.id, move |account| account.dkim = Some(dkim)).await?;
    Ok(shown(record))
}

fn shown(record: TxtRecord) -> DkimRecord {
    DkimRecord {
        quoted: record.quoted(),
        name: record.name,
        value: record.value,
    }
}

async fn change(open: &Open, id: AccountId, set: impl FnOnce(&mut Account) + Send + 'static) -> Result<()> {
    Ok(open
        .store
        .write(Priority::User, move |tx| {
            if let Some(mut row) = carillon_store::accounts::get(tx, id)? {
                set(&mut row.account);
                carillon_store::accounts::save(tx, Some(id), &row.account)?;
            }
            Ok(())
        })
        .await?)
}

/// The record to publish.
pub(super) async fn dkim_record(cx: &Ctx, req: OneAccount) -> Result<DkimRecord> {
    let account = existing(cx.open()?, req.id).await?;
    let dkim = account
        .dkim
        .ok_or_else(|| fail(Code::NotFound, "accounts.no_dkim", &[("name", &account.name)]))?;
    Ok(shown(TxtRecord::of(&dkim.domain, &dkim.selector, dkim.record)))
}

/// Signs from now on, or no more.
pub(super) async fn dkim_switch(cx: &Ctx, req: SwitchDkim) -> Result<Done> {
    let open = cx.open()?;
    let account = existing(open, req.id).await?;
    let Some(dkim) = &account.dkim else {
        return Err(fail(
            Code::NotFound,
            "accounts.no_dkim",
            &[("name", &account.name)],
        ));
    };
    if req.on {
        if !aligned(&dkim.domain, &account.from_email) {
            let from = &account.from_email;
            return Err(fail(Code::Invalid, "accounts.dkim_domain", &[("email", from)]).at("domain"));
        }
        // Whether the key is there and fits is seen now, not when something is to leave.
        let on = Account {
            dkim: Some(Dkim {
                on: true,
                ..dkim.clone()
            }),
            ..account.clone()
        };
        signer(open, &on).await?;
    }
    change(open, req.id, move |account| {
        if let Some(dkim) = &mut account.dkim {
            dkim.on = req.on;
        }
    })
    .await?;
    try_again(open, Some(req.id)).await?;
    open.runtime.nudge();
    Ok(Done {})
}

/// Signs no more and forgets the key.
pub(super) async fn dkim_remove(cx: &Ctx, req: OneAccount) -> Result<Done> {
    let open = cx.open()?;
    existing(open, req.id).await?;
    change(open, req.id, |account| account.dkim = None).await?;
    forget(open, req.id).await?;
    try_again(open, Some(req.id)).await?;
    open.runtime.nudge();
    Ok(Done {})
}

/// Forgets the key of an account that is gone, or signs no more.
pub(super) async fn forget(open: &Open, id: AccountId) -> Result<()> {
    let kept = open
        .store
        .write(Priority::User, move |tx| {
            let kept = secrets::kept(tx, &owner(id))?;
            secrets::note_kept(tx, &owner(id), None)?;
            Ok(kept)
        })
        .await?;
    secrets::forget(open, &owner(id), kept).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn a_signature_counts_for_its_own_domain_and_those_below() {
        for (domain, email) in [
            ("ember.example", "a@ember.example"),
            ("ember.example", "a@news.Ember.example"),
        ] {
            assert!(aligned(domain, email), "{domain} {email}");
        }
        for (domain, email) in [
            ("news.ember.example", "a@ember.example"),
            ("ber.example", "a@ember.example"),
            ("", "a@b.c"),
        ] {
            assert!(!aligned(domain, email), "{domain} {email}");
        }
    }
}
