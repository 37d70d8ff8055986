//! The list of addresses that get no mail, as the machines at one relay share it: keyed hashes, told and heard.

use super::relay::Trouble;
use crate::error::ApiError;
use crate::workspaces::Open;
use carillon_adapters::relays::RelayClient;
use carillon_model::relay::{SuppressionLine, address_bytes};
use carillon_store::intake::{self, IntakeCursor};
use carillon_store::suppressions::{self, Line};
use carillon_store::{Priority, Result};
use std::collections::BTreeSet;

/// How far this machine has told, and heard.
const TOLD: &str = "relay_list_told";
const HEARD: &str = "relay_list_heard";

/// Changes looked at together.
const BATCH: u32 = 2_000;

/// Tells the relay what changed here, then takes in what changed there. In this order: what somebody here took back since
/// is not heard again as it was.
pub(super) async fn exchange(
    open: &Open,
    client: &RelayClient,
    epoch: &str,
) -> std::result::Result<(), Trouble> {
    tell(open, client, epoch).await?;
    hear(open, client).await
}

async fn cursor(open: &Open, name: &'static str) -> Result<IntakeCursor> {
    let known = open.store.read(move |db| intake::cursor(db, name)).await?;
    Ok(known.unwrap_or(IntakeCursor {
        epoch: String::new(),
        seq: 0,
    }))
}

async fn tell(open: &Open, client: &RelayClient, epoch: &str) -> std::result::Result<(), Trouble> {
    let known = cursor(open, TOLD).await.map_err(ApiError::from)?;
    // A relay that was made anew or put back is told everything.
    let mut told = if known.epoch == epoch { known.seq } else { 0 };
    loop {
        let (lines, upto) = open
            .store
            .read(move |db| suppressions::told_since(db, told, BATCH))
            .await
            .map_err(ApiError::from)?;
        if upto == told {
            return Ok(());
        }
        let lines: Vec<SuppressionLine> = lines.iter().map(as_told).collect();
        client.suppress(&lines).await?;
        told = upto;
        let at = IntakeCursor {
            epoch: epoch.to_owned(),
            seq: told,
        };
        open.store
            .write(Priority::Intake, move |tx| intake::set_cursor(tx, TOLD, &at))
            .await
            .map_err(ApiError::from)?;
    }
}

async fn hear(open: &Open, client: &RelayClient) -> std::result::Result<(), Trouble> {
    let mut known = cursor(open, HEARD).await.map_err(ApiError::from)?;
    loop {
        let page = client.suppressions(known.seq.unsigned_abs()).await?;
        if page.epoch != known.epoch && known.seq > 0 {
            known = IntakeCursor {
                epoch: page.epoch,
                seq: 0,
            };
            continue;
        }
        let lines: Vec<Line> = page.lines.iter().filter_map(as_heard).collect();
        let at = IntakeCursor {
            epoch: page.epoch,
            seq: i64::try_from(page.next).unwrap_or(i64::MAX),
        };
        if at == known {
            return Ok(());
        }
        known = at.clone();
        let hashes: BTreeSet<[u8; 16]> = lines.iter().map(|line| line.hash).collect();
        let contacts = open
            .store
            .read(move |db| suppressions::whose(db, &hashes))
            .await
            .map_err(ApiError::from)?;
        open.store
            .write(Priority::Intake, move |tx| {
                suppressions::take_in(tx, &lines, &contacts)?;
                intake::set_cursor(tx, HEARD, &at)
            })
            .await
            .map_err(ApiError::from)?;
        if !page.more {
            return Ok(());
        }
    }
}

fn as_told(line: &Line) -> SuppressionLine {
    SuppressionLine {
        address: line.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        scope: line.scope,
        lifted: line.lifted,
    }
}

fn as_heard(line: &SuppressionLine) -> Option<Line> {
    Some(Line {
        hash: address_bytes(&line.address)?,
        scope: line.scope,
        lifted: line.lifted,
    })
}
