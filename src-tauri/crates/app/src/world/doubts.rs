//! Messages that were on their way when the program ended: in a sample, where nobody has to be asked what became of them.
//! Its mail server ended with the program, and wrote down what it took before it said so.

use super::truth_of;
use crate::demo::ACCOUNT;
use crate::error::{ApiError, Result};
use crate::workspaces::Open;
use carillon_model::message::MessageState;
use carillon_model::{MessageId, Moment};
use carillon_store::outbox::{self, Resolution};
use carillon_store::{Priority, accounts};
use carillon_world::truth;
use std::collections::HashSet;

/// Messages that are settled with one write.
const AT_ONCE: u32 = 500;

/// Settles messages to the sample's people whose fate is unknown: they arrived, or they go again.
///
/// # Errors
/// The store's; the server's log cannot be read.
pub(super) async fn settle(open: &Open) -> Result<()> {
    let mut arrived: Option<HashSet<MessageId>> = None;
    loop {
        let now = open.now();
        let doubtful = open
            .store
            .read(move |db| {
                let Some(row) = accounts::by_name(db, ACCOUNT)? else {
                    return Ok(Vec::new());
                };
                let all = outbox::doubtful(db, row.account.id, Moment::UNIX_EPOCH, now, AT_ONCE)?;
                // What a copy of the file knows nothing of is the user's to say.
                let unknown = all.into_iter().filter(|row| row.state == MessageState::Unknown);
                Ok(unknown.map(|row| row.id).collect())
            })
            .await?;
        if doubtful.is_empty() {
            return Ok(());
        }
        let known = match arrived.take() {
            Some(known) => known,
            None => taken(open).await?,
        };
        let (ids, has) = (doubtful, known.clone());
        open.store
            .write(Priority::Gate, move |tx| {
                for id in ids {
                    match has.contains(&id) {
                        true => outbox::proved(tx, id, "The sample's mail server has it.")?,
                        false => outbox::resolve(tx, id, Resolution::NotSent)?,
                    }
                }
                Ok(())
            })
            .await?;
        arrived = Some(known);
    }
}

/// The messages of this workspace that its mail server took.
async fn taken(open: &Open) -> Result<HashSet<MessageId>> {
    let log = truth_of(&open.path);
    let records = tokio::task::spawn_blocking(move || truth::read(&log))
        .await
        .map_err(ApiError::internal)??;
    let read = move |db: &carillon_store::Db<'_>| {
        let ids = records.iter().filter_map(|record| record.message_id.as_deref());
        let ids = ids.filter_map(|id| db.tokens().read_message_id(id));
        Ok(ids.map(MessageId).collect())
    };
    Ok(open.store.read(read).await?)
}
