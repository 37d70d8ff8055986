//! Putting right what somebody accepted, and putting it back.

use super::find::{Found, Row, count, stamp};
use super::{ApplyCleansing, CleansingApplied, CleansingExcept, CleansingTaken, CleansingTakenBack};
use crate::duplicates::put_slips;
use crate::error::Result;
use crate::jobs::Job;
use crate::workspaces::Open;
use carillon_engine::cleansing::{Proposal, Rules};
use carillon_model::cleansing::CleansingRule;
use carillon_model::contact::Value;
use carillon_model::{CleansingId, ContactId};
use carillon_store::cleansing::{self, Mend, Mended};
use carillon_store::contacts::{email_of, values_of};
use carillon_store::{Db, Priority, suppressions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Contacts changed in one write, and values put back in one.
const WRITTEN: usize = 100;
const UNDONE: u32 = 200;
/// Addresses somebody else has, that are named.
const NAMED: usize = 100;

/// What is to be done to one contact.
struct Task {
    contact: ContactId,
    email: String,
    mends: Vec<Mend>,
    /// The new address is on the list of those that are not written to.
    suppressed: bool,
}

/// Changes that are not accepted, by contact.
pub(super) fn refused(except: Vec<CleansingExcept>) -> BTreeMap<ContactId, BTreeSet<String>> {
    let mut all: BTreeMap<ContactId, BTreeSet<String>> = BTreeMap::new();
    for one in except {
        all.entry(one.contact).or_default().insert(one.key);
    }
    all
}

/// Takes out what somebody refused. A name that is put into both fields is put into both or none: else half of it is lost.
fn take_out(proposals: &mut Vec<Proposal>, keys: &[String], refused: &BTreeSet<String>) {
    let is_out = |proposal: &Proposal| refused.contains(&keys[proposal.field]);
    let name = |proposal: &Proposal| proposal.by(CleansingRule::NameOrder);
    let name_is_out = proposals
        .iter()
        .any(|proposal| is_out(proposal) && name(proposal));
    let goes = |proposal: &Proposal| is_out(proposal) || (name_is_out && name(proposal));
    proposals.retain(|proposal| !goes(proposal));
}

/// Applies what was found, in small writes. Cut off anywhere, what was done is a cleansing that can be taken back.
pub(super) async fn apply(
    open: &Open,
    job: &Job,
    found: Arc<Found>,
    req: ApplyCleansing,
) -> Result<CleansingApplied> {
    job.phase("writing");
    let rules: Rules = req.rules.into_iter().collect();
    let refused = Arc::new(refused(req.except));
    let meant: Vec<Row> = found
        .rows
        .iter()
        .filter(|row| row.rules.meets(rules))
        .copied()
        .collect();
    let mut done = CleansingApplied::default();
    let (mut outcome, mut slips) = (Ok(()), Vec::new());
    for (i, batch) in meant.chunks(WRITTEN).enumerate() {
        outcome = job.check();
        if outcome.is_err() {
            break;
        }
        let (found, refused, batch) = (found.clone(), refused.clone(), batch.to_vec());
        let read = open
            .store
            .read(move |db| tasks(db, &found, rules, &refused, &batch));
        let (tasks, changed_since) = read.await?;
        done.changed_since += changed_since;
        if !tasks.is_empty() {
            write(open, &mut done, &mut slips, tasks).await?;
        }
        job.progress((i * WRITTEN) as u64, meant.len() as u64);
    }
    if let Some(id) = done.id {
        open.store
            .write(Priority::User, move |tx| {
                // Not before: a pair is dropped by what is written to either of the two.
                if !slips.is_empty() {
                    put_slips(tx, &slips)?;
                }
                cleansing::end(tx, id)
            })
            .await?;
    }
    outcome.map(|()| done)
}

fn tasks(
    db: &Db<'_>,
    found: &Found,
    rules: Rules,
    refused: &BTreeMap<ContactId, BTreeSet<String>>,
    batch: &[Row],
) -> carillon_store::Result<(Vec<Task>, u32)> {
    let ground = &found.ground;
    let (all, accepted) = (ground.cleanser(Rules::ALL), ground.cleanser(rules));
    let ids: Vec<ContactId> = batch.iter().map(|row| row.contact).collect();
    let stamps: BTreeMap<ContactId, u32> = batch.iter().map(|row| (row.contact, row.stamp)).collect();
    let read = values_of(db, &ground.keys, &ids)?;
    let mut changed_since = count(batch.len() - read.len());
    let mut tasks = Vec::new();
    for (contact, values) in read {
        if stamps.get(&contact) != Some(&stamp(&ground.proposals(&all, &values))) {
            changed_since += 1;
            continue;
        }
        let mut proposals = ground.proposals(&accepted, &values);
        if let Some(refused) = refused.get(&contact) {
            take_out(&mut proposals, &ground.keys, refused);
        }
        if proposals.is_empty() {
            continue;
        }
        let mends: Vec<Mend> = proposals
            .into_iter()
            .map(|proposal| Mend {
                key: ground.keys[proposal.field].clone(),
                was: proposal.old.map(Value::Text),
                now: Value::Text(proposal.new),
            })
            .collect();
        let suppressed = match new_address(&mends) {
            Some(email) => suppressions::contains(db, email)?.is_some(),
            None => false,
        };
        let email = email_of(db, contact)?.unwrap_or_default();
        tasks.push(Task {
            contact,
            email,
            mends,
            suppressed,
        });
    }
    Ok((tasks, changed_since))
}

fn new_address(mends: &[Mend]) -> Option<&String> {
    mends
        .iter()
        .find(|mend| mend.key == "email")
        .and_then(|mend| match &mend.now {
            Value::Text(email) => Some(email),
            _ => None,
        })
}

/// `slips`: whose address was not written, and who has it.
async fn write(
    open: &Open,
    done: &mut CleansingApplied,
    slips: &mut Vec<(ContactId, ContactId)>,
    tasks: Vec<Task>,
) -> Result<()> {
    let begun = done.id;
    let (id, results) = open
        .store
        .write(Priority::User, move |tx| {
            let id = match begun {
                Some(id) => id,
                None => cleansing::begin(tx)?,
            };
            let mut results: Vec<(Task, Mended)> = Vec::with_capacity(tasks.len());
            for task in tasks {
                let mended = cleansing::mend(tx, id, task.contact, &task.mends)?;
                results.push((task, mended));
            }
            Ok((id, results))
        })
        .await?;
    done.id = Some(id);
    for (task, mended) in results {
        done.contacts += u32::from(mended.written > 0);
        done.values += mended.written;
        done.changed_since += u32::from(mended.changed_since > 0);
        match mended.taken {
            Some(other) => {
                slips.push((task.contact, other));
                done.taken_total += 1;
                if done.taken.len() < NAMED {
                    done.taken.push(CleansingTaken {
                        contact: task.contact,
                        wanted: new_address(&task.mends).cloned().unwrap_or_default(),
                        email: task.email,
                        other,
                    });
                }
            }
            None => done.suppressed += u32::from(task.suppressed),
        }
    }
    Ok(())
}

/// Takes a cleansing back, in small writes that can be gone on with.
pub(super) async fn take_back(
    open: &Open,
    job: &Job,
    id: CleansingId,
    values: u32,
) -> Result<CleansingTakenBack> {
    job.phase("putting_back");
    let mut done = CleansingTakenBack::default();
    loop {
        job.check()?;
        let part = open
            .store
            .write(Priority::User, move |tx| cleansing::undo(tx, id, UNDONE))
            .await?;
        done.restored += part.restored;
        done.kept += part.kept;
        job.progress(u64::from(done.restored + done.kept), u64::from(values));
        if part.finished {
            return Ok(done);
        }
    }
}
