//! Contacts who live alike. What becomes of a contact in a draft hangs on what the draft sees of it ([`super::Sight`]), on the ways
//! on which chance leads its first passage, and on what it does by itself. So of all who do nothing by themselves and are the
//! same in the rest one is played, and counts for each of them.

use super::World;
use crate::journey::PassageId;
use carillon_model::ContactId;
use smallvec::SmallVec;
use std::collections::HashMap;

/// Most that all remembered lives may weigh, some 24 bytes a unit. Whoever is like none of them is played.
const REMEMBERED: usize = 2_000_000;
/// What a life weighs beside what it came to.
const OWN_WEIGHT: usize = 16;

/// Lives that were played, and what each came to.
pub(super) struct Alike<'a, T> {
    world: World<'a>,
    lives: HashMap<Likeness, T>,
    weight: usize,
}

/// By what a contact is like others: what is seen of it, and its ways.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    digest: u128,
    ways: SmallVec<[u8; 8]>,
}

impl<'a, T> Alike<'a, T> {
    pub(super) fn new(world: World<'a>) -> Alike<'a, T> {
        Alike {
            world,
            lives: HashMap::new(),
            weight: 0,
        }
    }

    /// By what a contact is like others who do nothing by themselves and whose mails nobody holds; `None` where it is like nobody.
    pub(super) fn likeness(&self, contact: ContactId, digest: u128) -> Option<Likeness> {
        let ways = self.world.version.ways(PassageId {
            journey: self.world.plan.journey,
            contact,
            enrolment: 1,
        });
        // A drawing with a split into more than 256 has no two who are alike.
        let ways: Result<_, _> = ways.map(u8::try_from).collect();
        let ways = ways.ok()?;
        Some(Likeness { digest, ways })
    }

    /// What the life of somebody came to who was like that.
    pub(super) fn of(&mut self, likeness: &Likeness) -> Option<&mut T> {
        self.lives.get_mut(likeness)
    }

    /// Remembers a life with so many passages, and what it came to, which weighs so much. In later passages chance may lead
    /// those apart whom it led the same way in the first.
    pub(super) fn remember(&mut self, likeness: Likeness, passages: u32, (came_to, weighs): (T, usize)) {
        let draws_again = passages > 1 && !likeness.ways.is_empty();
        let weight = self.weight.saturating_add(weighs + OWN_WEIGHT);
        if !draws_again && weight <= REMEMBERED {
            self.weight = weight;
            self.lives.insert(likeness, came_to);
        }
    }

    /// What all of them came to.
    pub(super) fn into_lives(self) -> impl Iterator<Item = T> {
        self.lives.into_values()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::journey::{Catalogue, compile};
    use crate::sim::Plan;
    use crate::steps::tests::{row, utc};
    use carillon_model::JourneyId;
    use serde_json::json;

    #[test]
    fn no_more_is_remembered_than_may_weigh() {
        let journey = row(&[("send_email", json!({"template": "welcome"}))]);
        let catalogue = Catalogue::sample();
        let (version, scope) = (
            compile(&journey, &catalogue).0.unwrap(),
            catalogue.scope(chrono_tz::UTC),
        );
        let plan = Plan {
            journey: JourneyId(1),
            start: utc("2026-01-05T10:00:00Z"),
            days: 1,
            seed: 1,
            asleep: Vec::new(),
            by_hand: true,
        };
        let mut alike = Alike::new(World {
            version: &version,
            scope: &scope,
            plan: &plan,
            behaviours: &[],
            scores: None,
        });
        for (digest, weighs, known) in [
            (1, REMEMBERED / 2, true),
            (2, REMEMBERED / 2, false),
            (3, REMEMBERED / 4, true),
        ] {
            let likeness = alike.likeness(ContactId(1), digest).unwrap();
            alike.remember(likeness.clone(), 1, (digest, weighs));
            assert_eq!(alike.of(&likeness).is_some(), known, "{digest}");
        }
    }
}
