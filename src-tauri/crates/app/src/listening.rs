//! Whether this machine hears opt-outs: the sources that tell of them, how lately each was read, and what the gate makes
//! of it.

use crate::Ctx;
use crate::accounts::is_here;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_model::Moment;
use carillon_model::account::Account;
use carillon_store::outbox::Which;
use carillon_store::{Db, Priority, opt_out_sources, settings};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "listening.get" get(NoArgs) -> Listening, reads [OptOutSources, Accounts, Workspace];
    mutate "listening.set" set(SetListening) -> Done, reads [];
}

/// Key of the setting: how old the last reading of a source may be, in seconds.
const FRESH_SECS: &str = "opt_outs_fresh_secs";
/// Five minutes.
const DEFAULT_SECS: u32 = 300;
/// It is never off: between a minute and an hour.
const RANGE: std::ops::RangeInclusive<u32> = 60..=3_600;

/// A source of opt-outs as the screen shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ListeningSource {
    /// `mailbox:1`, `relay`, `provider:2`.
    pub name: String,
    pub label: String,
    /// Everything up to then is taken in.
    pub read_at: Option<Moment>,
    /// It was read lately enough.
    pub fresh: bool,
    pub trouble: Option<String>,
}

/// How this workspace hears opt-outs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Listening {
    pub sources: Vec<ListeningSource>,
    /// Marketing may leave for the outside, as far as this goes.
    pub fresh: bool,
    /// Nothing of this workspace leaves the machine, so nobody need be heard.
    pub not_needed: bool,
    /// How old the last reading of a source may be, in seconds.
    pub fresh_secs: u32,
}

/// How old the last reading of a source may be, in seconds: 60 to 3,600.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SetListening {
    pub fresh_secs: u32,
}

fn fresh_secs(db: &Db<'_>) -> carillon_store::Result<u32> {
    let set = settings::get::<u32>(db, FRESH_SECS)?;
    Ok(set.unwrap_or(DEFAULT_SECS).clamp(*RANGE.start(), *RANGE.end()))
}

/// Whether there is a source of opt-outs, and each was read lately.
///
/// # Errors
/// The store's.
pub fn is_fresh(db: &Db<'_>, now: Moment) -> carillon_store::Result<bool> {
    let since = now - TimeDelta::seconds(i64::from(fresh_secs(db)?));
    // A reading a little ahead of this clock is the same machine's; far ahead, the clock was set back.
    opt_out_sources::all_read_since(db, since, now + TimeDelta::seconds(5))
}

/// Which messages of an account may leave as far as opt-outs go: all, or those that were asked for.
///
/// # Errors
/// The store's.
pub fn may_leave(db: &Db<'_>, open: &Open, account: &Account) -> carillon_store::Result<Which> {
    let inside = open.dialer.loopback_only() || is_here(&account.host);
    Ok(match inside || is_fresh(db, open.now())? {
        true => Which::Any,
        false => Which::Transactional,
    })
}

async fn get(cx: &Ctx, _: NoArgs) -> Result<Listening> {
    let open = cx.open()?;
    let now = open.now();
    let inside = open.dialer.loopback_only();
    Ok(open
        .store
        .read(move |db| {
            let fresh_secs = fresh_secs(db)?;
            let since = now - TimeDelta::seconds(i64::from(fresh_secs));
            let outside = carillon_store::accounts::list(db)?
                .iter()
                .any(|row| !is_here(&row.account.host));
            Ok(Listening {
                sources: opt_out_sources::list(db)?
                    .into_iter()
                    .map(|source| ListeningSource {
                        fresh: source.read_at.is_some_and(|at| at >= since),
                        name: source.name,
                        label: source.label,
                        read_at: source.read_at,
                        trouble: source.trouble,
                    })
                    .collect(),
                fresh: is_fresh(db, now)?,
                not_needed: inside || !outside,
                fresh_secs,
            })
        })
        .await?)
}

async fn set(cx: &Ctx, req: SetListening) -> Result<Done> {
    if !RANGE.contains(&req.fresh_secs) {
        return Err(fail(
            Code::Invalid,
            "listening.range",
            &[("least", RANGE.start()), ("most", RANGE.end())],
        )
        .at("fresh_secs"));
    }
    let open = cx.open()?;
    open.store
        .write(Priority::User, move |tx| {
            settings::set(tx, FRESH_SECS, Some(&req.fresh_secs))?;
            opt_out_sources::changed(tx);
            Ok(())
        })
        .await?;
    open.runtime.nudge();
    Ok(Done {})
}
