//! Who entered and left journeys, for the history that segments read.

use super::{get, of_contact, steps};
use crate::codes::from_json;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, moment_opt, whole};
use crate::tx::Tx;
use carillon_engine::index::Change;
use carillon_engine::record::{Moved, Movement};
use carillon_model::journey::End;
use carillon_model::segment::MovementKind;
use carillon_model::{ContactId, EnrolmentId, JourneyId, Moment};

/// What an end is beside an end.
pub(super) fn movements_of(end: &End) -> &'static [MovementKind] {
    match end {
        End::Goal(_) => &[MovementKind::LeftJourney, MovementKind::ReachedGoal],
        End::Completed(_) | End::ExitRule(_) | End::Stopped | End::Erased | End::Merged => {
            &[MovementKind::LeftJourney]
        }
    }
}

pub(super) fn tell_moved(
    tx: &mut Tx<'_>,
    contact: ContactId,
    journey: JourneyId,
    kind: MovementKind,
    at: Moment,
    number: i64,
) {
    tell(tx, contact, Movement::of_journey(kind, journey), at, number);
}

pub(super) fn tell(tx: &mut Tx<'_>, contact: ContactId, movement: Movement, at: Moment, number: i64) {
    tx.change(Change::Moved {
        contact,
        // As the file keeps it.
        moved: Moved {
            movement,
            at: whole(at),
            number,
        },
        on: true,
    });
}

/// Into and out of journeys by which a contact's own passages and those of whom it absorbed are known.
pub(crate) fn movements(db: &Db<'_>, contact: ContactId) -> Result<Vec<Moved>> {
    let mut moved = Vec::new();
    for enrolment in of_contact(db, contact)? {
        let mut add = |kind, at| {
            moved.push(Moved {
                movement: Movement::of_journey(kind, enrolment.journey),
                at,
                number: enrolment.id.0,
            });
        };
        add(MovementKind::EnteredJourney, enrolment.entered_at);
        if let (Some(end), Some(at)) = (&enrolment.state.end, enrolment.ended_at) {
            movements_of(end).iter().for_each(|kind| add(*kind, at));
        }
        moved.extend(steps::moved_between(db, &enrolment)?);
    }
    Ok(moved)
}

/// Whose movements a passage's end is, and which.
pub(crate) fn movements_at_end(db: &Db<'_>, id: EnrolmentId) -> Result<Vec<(ContactId, Moved)>> {
    let enrolment = get(db, id)?.ok_or_else(|| Error::missing("enrolment", id))?;
    let (Some(end), Some(at)) = (&enrolment.state.end, enrolment.ended_at) else {
        return Ok(Vec::new());
    };
    let of = |kind: &MovementKind| Moved {
        movement: Movement::of_journey(*kind, enrolment.journey),
        at,
        number: id.0,
    };
    let moved = movements_of(end).iter().map(of);
    let left = steps::moved_at_end(db, &enrolment)?;
    let all = moved.chain(left);
    Ok(all.map(|moved| (enrolment.contact, moved)).collect())
}

const MOVED: &str = sql!(
    "SELECT e.contact, a.contact, e.id, e.entered_at, e.ended_at, e.ended FROM enrolments e
     LEFT JOIN contact_aliases a ON a.absorbed = e.contact WHERE e.journey = ?1"
);

/// Gives the movements of one kind into or out of a journey or a step; those of an absorbed contact are the survivor's as well.
pub(crate) fn give_moved(
    db: &Db<'_>,
    movement: &Movement,
    give: &mut dyn FnMut(ContactId, Moment, i64),
) -> Result<()> {
    if let Some(step) = &movement.step {
        return steps::give(db, movement, step, give);
    }
    db.each(MOVED, (movement.of,), |row| {
        let at = match movement.kind {
            MovementKind::EnteredJourney => Some(moment(row.get(3)?)?),
            kind => {
                let ended: Option<String> = row.get(5)?;
                let end: Option<End> = ended.map(|ended| from_json("enrolments", &ended)).transpose()?;
                let fits = end.is_some_and(|end| movements_of(&end).contains(&kind));
                moment_opt(row.get(4)?)?.filter(|_| fits)
            }
        };
        if let Some(at) = at {
            let survivor: Option<u32> = row.get(1)?;
            for contact in [Some(row.get(0)?), survivor].into_iter().flatten() {
                give(ContactId(contact), at, row.get(2)?);
            }
        }
        Ok(())
    })
}
