//! What the workspace says of itself.

use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::table::NoArgs;
use crate::{Ctx, workspaces};
use carillon_model::AccountId;
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "settings.get" get(NoArgs) -> Settings, reads [Workspace];
    mutate "settings.save" save(Settings) -> Settings, reads [];
}

/// Settings a user changes.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Settings {
    pub name: String,
    pub organisation: String,
    /// In each marketing mail.
    pub postal_address: String,
    pub time_zone: String,
    /// Account that journeys send from where a step names none.
    pub default_account: Option<AccountId>,
}

/// Key of the default account among the plain settings.
pub const DEFAULT_ACCOUNT: &str = "default_account";

async fn get(cx: &Ctx, _: NoArgs) -> Result<Settings> {
    let open = cx.open()?;
    let workspace = open.workspace()?;
    let default_account = open
        .store
        .read(|db| carillon_store::settings::get(db, DEFAULT_ACCOUNT))
        .await?;
    Ok(Settings {
        name: workspace.name,
        organisation: workspace.organisation,
        postal_address: workspace.postal_address,
        time_zone: workspace.time_zone,
        default_account,
    })
}

async fn save(cx: &Ctx, req: Settings) -> Result<Settings> {
    let open = cx.open()?;
    let mut workspace = open.workspace()?;
    workspace.name = clean::line(&req.name);
    workspace.organisation = clean::line(&req.organisation);
    // An address has lines of its own.
    workspace.postal_address = req
        .postal_address
        .lines()
        .map(clean::line)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    workspace.time_zone = workspaces::zone(&req.time_zone)?.name().to_owned();
    if workspace.name.is_empty() {
        return Err(fail(Code::Invalid, "workspaces.no_name", &[]).at("name"));
    }
    let default_account = req.default_account;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::settings::set(tx, DEFAULT_ACCOUNT, default_account.as_ref())?;
            carillon_store::settings::set_workspace(tx, &workspace)
        })
        .await?;
    get(cx, NoArgs {}).await
}
