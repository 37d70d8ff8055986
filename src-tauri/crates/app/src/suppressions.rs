//! Addresses that are never written to. The list keeps keyed hashes, outlives contacts and travels with the file.

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::{Done, NoArgs};
use carillon_model::consent::SuppressionReason;
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "suppressions.counts" counts(NoArgs) -> Vec<SuppressionCount>, reads [Suppressions];
    query "suppressions.check" check(AskSuppressed) -> Suppressed, reads [Suppressions];
    mutate "suppressions.add" add(AddSuppression) -> Done, reads [];
    mutate "suppressions.lift" lift(LiftSuppression) -> Done, reads [];
}

/// How many addresses for one reason.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SuppressionCount {
    pub reason: SuppressionReason,
    #[ts(type = "number")]
    pub count: u64,
}

/// Which address.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskSuppressed {
    pub email: String,
}

/// Whether it is on the list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Suppressed {
    pub suppressed: bool,
}

/// An address to put on the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AddSuppression {
    pub email: String,
    pub reason: SuppressionReason,
    pub source: String,
}

/// An address to take off the list, and why.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct LiftSuppression {
    pub email: String,
    pub why: String,
}

fn address(email: &str) -> Result<String> {
    clean::address(email)
        .map_err(|_| fail(Code::Invalid, "contacts.bad_email", &[("email", &email)]).at("email"))
}

async fn counts(cx: &Ctx, _: NoArgs) -> Result<Vec<SuppressionCount>> {
    let counted = cx
        .open()?
        .store
        .read(carillon_store::suppressions::counts)
        .await?;
    Ok(counted
        .into_iter()
        .map(|(reason, count)| SuppressionCount { reason, count })
        .collect())
}

async fn check(cx: &Ctx, req: AskSuppressed) -> Result<Suppressed> {
    let email = address(&req.email)?;
    let suppressed = cx
        .open()?
        .store
        .read(move |db| carillon_store::suppressions::contains(db, &email))
        .await?;
    Ok(Suppressed {
        suppressed: suppressed.is_some(),
    })
}

async fn add(cx: &Ctx, req: AddSuppression) -> Result<Done> {
    let email = address(&req.email)?;
    let source = clean::line(&req.source);
    cx.open()?
        .store
        .write(Priority::Intake, move |tx| {
            carillon_store::suppressions::add(tx, &email, req.reason, &source).map(drop)
        })
        .await?;
    Ok(Done {})
}

async fn lift(cx: &Ctx, req: LiftSuppression) -> Result<Done> {
    let email = address(&req.email)?;
    let why = clean::line(&req.why);
    if why.is_empty() {
        return Err(fail(Code::Invalid, "suppressions.because", &[]).at("why"));
    }
    cx.open()?
        .store
        .write(Priority::User, move |tx| {
            carillon_store::suppressions::remove(tx, &email, &why, "user").map(drop)
        })
        .await?;
    Ok(Done {})
}
