//! Messages whose fate is not known: the provider's own record tells that it has them. That it has none proves nothing,
//! for records come late: such a message stays as it is, for a person to
//! decide.

use super::Trouble;
use crate::error::Result;
use crate::providers as using;
use crate::workspaces::Open;
use carillon_adapters::providers::{Api, Found};
use carillon_model::message::MessageState;
use carillon_model::{MessageId, ProviderId};
use carillon_store::outbox::{self, Claimed};
use carillon_store::{Priority, Tx};
use chrono::TimeDelta;

/// So long a message is asked about each time; then with the lists, now and then.
const OFTEN: TimeDelta = TimeDelta::hours(1);
/// After that it is asked about no more: the records of some are as old as that.
const UNTIL: TimeDelta = TimeDelta::days(3);
/// Asked about at once.
const MOST: u32 = 50;

/// Asks about what left through a provider, or may have. `all`: also what is in doubt for longer.
pub(super) async fn ask(
    open: &Open,
    api: &Api,
    id: ProviderId,
    all: bool,
) -> std::result::Result<(), Trouble> {
    for message in doubtful(open, id, all).await? {
        let Some(to) = &message.to else { continue };
        let message_id = message.message_id.trim_matches(['<', '>']);
        match api.find(message_id, to).await? {
            // Why one bounced is told by its own event.
            Found::Accepted | Found::Bounced(_) => {
                let proof = format!("It had been sent: {} has it in its records.", api.label());
                let told = message.id;
                open.store
                    .write(Priority::Intake, move |tx| proved(tx, told, &proof))
                    .await?;
            }
            Found::NotFound => {}
            Found::CannotTell => return Ok(()),
        }
    }
    Ok(())
}

async fn doubtful(open: &Open, id: ProviderId, all: bool) -> Result<Vec<Claimed>> {
    let now = open.now();
    let since = now - if all { UNTIL } else { OFTEN };
    Ok(open
        .store
        .read(move |db| {
            let mut found = Vec::new();
            for (account, _) in using::accounts_of(db, id)? {
                found.extend(outbox::doubtful(db, account, since, now, MOST)?);
            }
            Ok(found)
        })
        .await?)
}

/// Somebody may have said meanwhile what became of it.
fn proved(tx: &mut Tx<'_>, id: MessageId, proof: &str) -> carillon_store::Result<()> {
    let state = outbox::load(tx, id)?.map(|message| message.state);
    match state {
        Some(MessageState::Unknown | MessageState::Frozen) => outbox::proved(tx, id, proof),
        _ => Ok(()),
    }
}
