//! How many messages of a campaign to each domain stand where, kept in the commits that move them.

use super::exposures::arm_of;
use super::tell;
use crate::codes::Code;
use crate::db::Db;
use crate::error::Result;
use crate::rollups::{self, Metric};
use crate::sql::sql;
use crate::tx::Tx;
use carillon_model::message::MessageState;
use carillon_model::{CampaignId, ContactId, JourneyId};
use std::collections::BTreeMap;

const IS_CAMPAIGN: &str = sql!("SELECT 1 FROM campaigns WHERE journey = ?1");
const EMAIL: &str = sql!("SELECT email FROM contacts WHERE id = ?1");
const ADD: &str = sql!(
    "INSERT INTO campaign_domains(journey, domain, state, n) VALUES(?1, ?2, ?3, ?4)
     ON CONFLICT(journey, domain, state) DO UPDATE SET n = n + excluded.n"
);
const DOMAINS: &str = sql!(
    "SELECT domain, state, n FROM campaign_domains WHERE journey = ?1 AND n <> 0 ORDER BY domain, state"
);

/// Messages to one domain that stand in one state; `Queued` for all that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCount {
    pub domain: String,
    pub state: MessageState,
    pub count: u64,
}

/// The domain a message of a campaign goes to; `None` for other journeys.
pub(crate) fn domain_of(db: &Db<'_>, journey: JourneyId, contact: ContactId) -> Result<Option<String>> {
    if db.value::<i64>(IS_CAMPAIGN, (journey.0,))?.is_none() {
        return Ok(None);
    }
    let email: Option<String> = db.value(EMAIL, (contact.0,))?;
    let domain = email.as_deref().and_then(|email| email.rsplit_once('@'));
    Ok(Some(
        domain.map_or_else(String::new, |(_, domain)| domain.to_lowercase()),
    ))
}

/// All that is on its way counts as one.
fn group(state: MessageState) -> MessageState {
    match state {
        MessageState::Deferred | MessageState::Claimed | MessageState::InFlight => MessageState::Queued,
        other => other,
    }
}

/// Counts a message that moved; `from` `None` for a new one.
pub(crate) fn moved(
    tx: &mut Tx<'_>,
    journey: JourneyId,
    domain: &str,
    from: Option<MessageState>,
    to: MessageState,
) {
    let (from, to) = (from.map(group), group(to));
    if from == Some(to) {
        return;
    }
    let journey = i64::from(journey.0);
    if let Some(from) = from {
        tx.domain(journey, domain, from.code(), -1);
    }
    tx.domain(journey, domain, to.code(), 1);
}

/// Writes what was counted in this write.
pub(crate) fn flush(tx: &mut Tx<'_>, counts: BTreeMap<(i64, String, i64), i64>) -> Result<()> {
    for ((journey, domain, state), by) in counts {
        if by != 0 {
            tx.run(ADD, (journey, domain, state, by))?;
            tell(tx, CampaignId(u32::try_from(journey).unwrap_or(0)));
        }
    }
    Ok(())
}

/// Messages of a campaign by domain and state.
///
/// # Errors
/// [`crate::Error::Damaged`].
pub fn domains(db: &Db<'_>, id: CampaignId) -> Result<Vec<DomainCount>> {
    db.all(DOMAINS, (id.0,), |row| {
        Ok(DomainCount {
            domain: row.get(0)?,
            state: MessageState::of(row.get(1)?)?,
            count: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })
}

/// Accepted messages of a test by arm.
///
/// # Errors
/// SQLite's.
pub fn arms_accepted(db: &Db<'_>, id: CampaignId, arms: u8) -> Result<Vec<u32>> {
    let mut all = vec![0; usize::from(arms)];
    for (step, n) in rollups::parts(db, Metric::Accepted, i64::from(id.0))? {
        if let Some(place) = arm_of(&step).and_then(|arm| all.get_mut(usize::from(arm))) {
            *place = u32::try_from(n).unwrap_or(u32::MAX);
        }
    }
    Ok(all)
}
