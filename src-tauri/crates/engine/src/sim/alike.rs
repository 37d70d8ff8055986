//! Contacts who live alike. What becomes of a contact in a draft hangs on what the draft sees of it ([`super::Sight`]), on the ways
//! on which chance leads its first passage, and on what it does by itself. So of all who do nothing by themselves and are the
//! same in the rest one is played, and counts for each of them.

use super::World;
use crate::journey::PassageId;
use carillon_model::ContactId;
use smallvec::SmallVec;
use std::collections::HashMap;

/// Most lives that are remembered, a kilobyte each. Whoever is like none of them is played.
const REMEMBERED: usize = 20_000;

/// Lives that were played, and what each came to.
pub(super) struct Alike<'a, T> {
    world: World<'a>,
    lives: HashMap<Likeness, T>,
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

    /// Remembers a life with so many passages. In later ones chance may lead those apart whom it led the same way in the
    /// first.
    pub(super) fn remember(&mut self, likeness: Likeness, passages: u32, came_to: T) {
        let draws_again = passages > 1 && !likeness.ways.is_empty();
        if !draws_again && self.lives.len() < REMEMBERED {
            self.lives.insert(likeness, came_to);
        }
    }

    /// What all of them came to.
    pub(super) fn into_lives(self) -> impl Iterator<Item = T> {
        self.lives.into_values()
    }
}
