//! The consent ledger.

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::table::Done;
use carillon_model::ContactId;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "consents.of" of(ConsentsOf) -> Vec<Consent>, reads [Consents];
    mutate "consents.add" add(AddConsent) -> Done, reads [];
}

/// Whose ledger.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ConsentsOf {
    pub contact: ContactId,
}

/// A row to append.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddConsent {
    pub contact: ContactId,
    pub channel: Channel,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub basis: Basis,
    pub wording: Option<String>,
    pub source: String,
}

async fn of(cx: &Ctx, req: ConsentsOf) -> Result<Vec<Consent>> {
    Ok(cx
        .open()?
        .store
        .read(move |db| carillon_store::consents::of(db, req.contact))
        .await?)
}

/// Where a permission comes from, as the ledger keeps it: without that, it proves nothing.
///
/// # Errors
/// `Invalid` at `source` when nothing is said.
pub(crate) fn evidence(source: &str) -> Result<String> {
    match crate::imports::clean::line(source) {
        source if source.is_empty() => Err(fail(Code::Invalid, "consents.no_source", &[]).at("source")),
        source => Ok(source),
    }
}

async fn add(cx: &Ctx, req: AddConsent) -> Result<Done> {
    let open = cx.open()?;
    crate::contacts::existing(open, req.contact).await?;
    let source = evidence(&req.source)?;
    if req.action == ConsentAction::Requested {
        return Err(fail(Code::Invalid, "consents.only_forms_request", &[]).at("action"));
    }
    open.store
        .write(Priority::User, move |tx| {
            let wording_hash = req
                .wording
                .as_ref()
                .map(|w| blake3::hash(w.as_bytes()).to_hex().to_string());
            let consent = Consent {
                contact: req.contact,
                channel: req.channel,
                purpose: req.purpose,
                action: req.action,
                basis: req.basis,
                wording: req.wording,
                wording_hash,
                source,
                at: tx.now(),
            };
            carillon_store::consents::add(tx, &consent)
        })
        .await?;
    Ok(Done {})
}
