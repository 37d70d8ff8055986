//! Until when the truth of a followed expression is sure, of each contact for whom time alone may change it.
//!
//! Worked out or read for all at once it is a list by moment; what a commit says of single contacts stands beside it. A
//! moment of the list that was overtaken by one beside it is passed over.

use carillon_model::Moment;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// By moment; each contact once.
    all: Vec<(Moment, u32)>,
    /// Place in `all` of the first that counts.
    first: usize,
    /// Of whom `all` counts no more.
    overtaken: RoaringBitmap,
    lately: BTreeMap<u32, Moment>,
    /// `lately` by moment.
    order: BTreeSet<(Moment, u32)>,
}

impl Turns {
    /// Those of all, in any order, each contact once.
    pub fn of(mut all: Vec<(Moment, u32)>) -> Turns {
        all.sort_unstable();
        all.shrink_to_fit();
        Turns {
            all,
            ..Turns::default()
        }
    }

    /// Notes until when one is sure from now on; `None`: for ever.
    pub fn set(&mut self, contact: u32, until: Option<Moment>) {
        let before = match until {
            Some(until) => self.lately.insert(contact, until),
            None => self.lately.remove(&contact),
        };
        if let Some(before) = before {
            self.order.remove(&(before, contact));
        }
        self.order.extend(until.map(|until| (until, contact)));
        if self.all.is_empty() {
            return;
        }
        self.overtaken.insert(contact);
        while let Some((_, contact)) = self.all.get(self.first)
            && self.overtaken.contains(*contact)
        {
            self.first += 1;
        }
        if self.first == self.all.len() {
            (self.all, self.first, self.overtaken) = (Vec::new(), 0, RoaringBitmap::new());
        }
    }

    /// The first moment.
    pub fn next(&self) -> Option<Moment> {
        let all = self.all.get(self.first).map(|(at, _)| *at);
        let lately = self.order.first().map(|(at, _)| *at);
        [all, lately].into_iter().flatten().min()
    }

    /// All up to a moment, that one included: first those of the list, then those beside it, each in order.
    pub fn upto(&self, moment: Moment) -> impl Iterator<Item = (Moment, u32)> {
        let all = self.listed().take_while(move |(at, _)| *at <= moment);
        let lately = self.order.iter().take_while(move |(at, _)| *at <= moment);
        all.chain(lately.copied())
    }

    /// All, in order.
    pub fn sorted(&self) -> Vec<(Moment, u32)> {
        let mut all: Vec<(Moment, u32)> = self.listed().collect();
        if !self.order.is_empty() {
            all.extend(&self.order);
            all.sort_unstable();
        }
        all
    }

    /// All, by contact.
    pub fn by_contact(&self) -> BTreeMap<u32, Moment> {
        let lately = self.lately.iter().map(|(contact, at)| (*contact, *at));
        self.listed()
            .map(|(at, contact)| (contact, at))
            .chain(lately)
            .collect()
    }

    fn listed(&self) -> impl Iterator<Item = (Moment, u32)> {
        let counts = |(_, contact): &&(Moment, u32)| !self.overtaken.contains(*contact);
        self.all
            .get(self.first..)
            .unwrap_or_default()
            .iter()
            .filter(counts)
            .copied()
    }

    pub fn heap_bytes(&self) -> usize {
        // A node of a B-tree is at least half full; 1.5 is between.
        self.all.capacity() * size_of::<(Moment, u32)>()
            + self.overtaken.serialized_size()
            + self.lately.len() * (size_of::<(u32, Moment)>() * 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_model::Moment;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn at(n: u8) -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::hours(i64::from(n))
    }

    proptest! {
        #[test]
        fn what_is_said_lately_counts_and_of_all_others_the_list(
            all in prop::collection::btree_map(0u32..20, any::<u8>(), 0..20),
            lately in prop::collection::vec((0u32..20, prop::option::of(any::<u8>())), 0..30),
            upto in any::<u8>(),
        ) {
            let mut turns = Turns::of(all.iter().map(|(contact, n)| (at(*n), *contact)).collect());
            let mut model = all;
            for (contact, until) in lately {
                turns.set(contact, until.map(at));
                match until {
                    Some(until) => model.insert(contact, until),
                    None => model.remove(&contact),
                };
                let mut right: Vec<_> = model.iter().map(|(contact, n)| (at(*n), *contact)).collect();
                right.sort_unstable();
                prop_assert_eq!(turns.next(), right.first().map(|(at, _)| *at));
                prop_assert_eq!(&turns.sorted(), &right);
                let due: BTreeSet<_> = turns.upto(at(upto)).collect();
                let right: BTreeSet<_> = right.into_iter().filter(|(due, _)| *due <= at(upto)).collect();
                prop_assert_eq!(due, right);
            }
        }
    }
}
