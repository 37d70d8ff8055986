//! Who came to which step of a journey and left it, for the history that segments read: what the facts of passages say.

use super::{Enrolment, movements::tell};
use crate::codes::from_json;
use crate::db::Db;
use crate::error::Result;
use crate::sql::sql;
use crate::time::{moment, moment_opt};
use crate::tx::Tx;
use carillon_engine::journey::is_own_port;
use carillon_engine::record::{Moved, Movement};
use carillon_model::journey::FactKind;
use carillon_model::segment::MovementKind;
use carillon_model::{ContactId, Moment, StepId};
use std::collections::BTreeMap;

/// Where a passage stands, as its facts tell one after the other.
#[derive(Default)]
struct Standing(Option<StepId>);

impl Standing {
    /// Takes in a fact and gives what it says of who came and left.
    fn take(&mut self, step: &StepId, what: &FactKind, give: &mut dyn FnMut(MovementKind, &StepId)) {
        match what {
            FactKind::Entered { .. } => {
                self.0 = Some(step.clone());
                give(MovementKind::CameToStep, step);
            }
            FactKind::Left { port, .. } => {
                self.0 = None;
                if is_own_port(port) {
                    give(MovementKind::PassedStep, step);
                }
                give(MovementKind::LeftStep, step);
            }
            FactKind::Ended { .. } => self.end(give),
            FactKind::Waiting { .. } | FactKind::Did { .. } | FactKind::Learned { .. } => {}
        }
    }

    /// The passage is over: whoever stood somewhere does so no more.
    fn end(&mut self, give: &mut dyn FnMut(MovementKind, &StepId)) {
        if let Some(step) = self.0.take() {
            give(MovementKind::LeftStep, &step);
        }
    }
}

const CHAIN: &str = sql!(
    "WITH RECURSIVE chain(id, prev, at, step, what) AS (
       SELECT f.id, f.prev, f.at, f.step, f.what FROM facts f WHERE f.id = ?1
       UNION ALL
       SELECT f.id, f.prev, f.at, f.step, f.what FROM chain c CROSS JOIN facts f ON f.id = c.prev)
     SELECT id, at, step, what FROM chain ORDER BY id"
);
const STANDING: &str = sql!(
    "WITH RECURSIVE chain(id, prev, step, what) AS (
       SELECT f.id, f.prev, f.step, f.what FROM facts f WHERE f.id = ?1
       UNION ALL
       SELECT f.id, f.prev, f.step, f.what FROM chain c CROSS JOIN facts f ON f.id = c.prev
         AND json_extract(c.what, '$.fact') NOT IN ('entered', 'left', 'ended'))
     SELECT step, what FROM chain ORDER BY id LIMIT 1"
);
const AT_STEP: &str = sql!(
    "SELECT f.id, f.enrolment, f.at, f.what, e.contact, a.contact, e.ended_at FROM facts f
     JOIN enrolments e ON e.id = f.enrolment AND e.journey = ?1
     LEFT JOIN contact_aliases a ON a.absorbed = e.contact
     WHERE f.step = ?2 AND json_extract(f.what, '$.fact') IN ('entered', 'left', 'ended') ORDER BY f.id",
    scan: "a step's history is read once, when somebody first asks for it, and kept up to date in memory from then on"
);

/// Where a passage stood after this fact and those before it.
fn standing_after(db: &Db<'_>, last: Option<i64>) -> Result<Standing> {
    let found = db.one(STANDING, (last,), |row| {
        let what: FactKind = from_json("facts", &row.get::<_, String>(1)?)?;
        let stands = matches!(what, FactKind::Entered { .. });
        Ok(stands.then_some(StepId(row.get(0)?)))
    })?;
    Ok(Standing(found.flatten()))
}

/// Tells who came and left by facts that are appended to a passage, with the numbers they get. The passage's last fact is
/// still the one before them.
pub(crate) fn tell_steps<'f>(
    tx: &mut Tx<'_>,
    enrolment: &Enrolment,
    facts: impl Iterator<Item = (i64, Moment, &'f StepId, &'f FactKind)>,
) -> Result<()> {
    // Only an end does not say whether it finds the passage at its step.
    let mut standing: Option<Standing> = None;
    for (id, at, step, what) in facts {
        if standing.is_none() && matches!(what, FactKind::Ended { .. }) {
            standing = Some(standing_after(tx, enrolment.last_fact)?);
        }
        if matches!(
            what,
            FactKind::Waiting { .. } | FactKind::Did { .. } | FactKind::Learned { .. }
        ) {
            continue;
        }
        standing
            .get_or_insert_default()
            .take(step, what, &mut |kind, step| {
                let movement = Movement::of_step(kind, enrolment.journey, step.clone());
                tell(tx, enrolment.contact, movement, at, id);
            });
    }
    Ok(())
}

/// The step at which a passage's end finds it, if it was ended from outside: then no fact tells of that.
fn left_at_end(db: &Db<'_>, enrolment: &Enrolment) -> Result<Option<(Movement, i64)>> {
    let Standing(step) = standing_after(db, enrolment.last_fact)?;
    Ok(step.map(|step| {
        let movement = Movement::of_step(MovementKind::LeftStep, enrolment.journey, step);
        (movement, -enrolment.id.0)
    }))
}

/// Tells that a passage stands nowhere any more, as it ends.
pub(super) fn tell_end(tx: &mut Tx<'_>, enrolment: &Enrolment, at: Moment) -> Result<()> {
    if let Some((movement, number)) = left_at_end(tx, enrolment)? {
        tell(tx, enrolment.contact, movement, at, number);
    }
    Ok(())
}

/// The movement that a passage's end from outside is for the step it stood at.
pub(super) fn moved_at_end(db: &Db<'_>, enrolment: &Enrolment) -> Result<Option<Moved>> {
    let Some(at) = enrolment.ended_at else {
        return Ok(None);
    };
    let left = left_at_end(db, enrolment)?;
    Ok(left.map(|(movement, number)| Moved { movement, at, number }))
}

/// All movements of a passage between steps.
pub(super) fn moved_between(db: &Db<'_>, enrolment: &Enrolment) -> Result<Vec<Moved>> {
    let mut out = Vec::new();
    let mut standing = Standing::default();
    db.each(CHAIN, (enrolment.last_fact,), |row| {
        let (number, at, step) = (row.get(0)?, moment(row.get(1)?)?, StepId(row.get(2)?));
        let what: FactKind = from_json("facts", &row.get::<_, String>(3)?)?;
        standing.take(&step, &what, &mut |kind, step| {
            let movement = Movement::of_step(kind, enrolment.journey, step.clone());
            out.push(Moved { movement, at, number });
        });
        Ok(())
    })?;
    out.extend(moved_at_end(db, enrolment)?);
    Ok(out)
}

/// Gives the movements of one kind to a step or away from it; those of an absorbed contact are the survivor's as well.
pub(super) fn give(
    db: &Db<'_>,
    movement: &Movement,
    step: &StepId,
    give: &mut dyn FnMut(ContactId, Moment, i64),
) -> Result<()> {
    /// Who is on a passage, when it ended, and where it stands.
    struct Way {
        who: [Option<u32>; 2],
        ended_at: Option<Moment>,
        standing: Standing,
    }
    let mut tell = |who: [Option<u32>; 2], kind, at, number| {
        if kind == movement.kind {
            who.into_iter()
                .flatten()
                .for_each(|contact| give(ContactId(contact), at, number));
        }
    };
    let mut ways: BTreeMap<i64, Way> = BTreeMap::new();
    db.each(AT_STEP, (movement.of, &step.0), |row| {
        let (number, passage, at) = (row.get(0)?, row.get(1)?, moment(row.get(2)?)?);
        let what: FactKind = from_json("facts", &row.get::<_, String>(3)?)?;
        let way = ways.entry(passage).or_insert(Way {
            who: [row.get(4)?, row.get(5)?],
            ended_at: moment_opt(row.get(6)?)?,
            standing: Standing::default(),
        });
        let who = way.who;
        way.standing
            .take(step, &what, &mut |kind, _| tell(who, kind, at, number));
        // Most have gone on, and are not kept.
        if way.standing.0.is_none() {
            ways.remove(&passage);
        }
        Ok(())
    })?;
    for (passage, mut way) in ways {
        if let Some(at) = way.ended_at {
            way.standing.end(&mut |kind, _| tell(way.who, kind, at, -passage));
        }
    }
    Ok(())
}
