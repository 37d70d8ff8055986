//! Contacts as a draft sees them: as records, and as digests of what decides how it goes for them.

use super::{Index, Records};
use crate::record::ContactRecord;
use crate::segment::eval_facts;
use crate::sim::Sight;
use carillon_model::ContactId;
use siphasher::sip128::{Hasher128, SipHasher13};
use smallvec::SmallVec;
use std::hash::Hash;

/// What a draft sees, found once for many contacts.
pub struct Sighted<'a> {
    index: &'a Index,
    sight: &'a Sight<'a>,
    all: Records<'a>,
    beside: Records<'a>,
}

impl Index {
    /// Contacts as a draft sees them.
    pub fn sighted<'a>(&'a self, sight: &'a Sight<'a>) -> Sighted<'a> {
        Sighted {
            index: self,
            sight,
            all: self.records(&sight.all),
            beside: self.records(&sight.beside),
        }
    }
}

impl Sighted<'_> {
    /// All that is seen of a contact, if there is one.
    pub fn record(&self, contact: ContactId) -> Option<ContactRecord> {
        self.all.of(contact)
    }

    /// A number that is the same for two contacts for whom the draft goes the same way if they do nothing by themselves, chance
    /// leads them the same ways, and nobody holds their mails. `None` where the draft looks at who somebody is, so that nobody is
    /// like anybody, and where there is no such contact.
    pub fn digest(&self, contact: ContactId) -> Option<u128> {
        if self.sight.answers {
            return None;
        }
        let who = self.index.rows.who(contact.0);
        let mut truths = SmallVec::<[bool; 16]>::new();
        for condition in &self.sight.settled {
            let world = &self.sight.world;
            let verdict = eval_facts(condition, &who, world.plan.start, world.scope);
            if verdict.until.is_some_and(|until| until < self.sight.end()) {
                return self.of_all(contact);
            }
            truths.push(verdict.holds);
        }
        if self.sight.beside.sample {
            return None;
        }
        let mut hasher = SipHasher13::new();
        (false, truths.as_slice(), self.beside.digest(contact)?).hash(&mut hasher);
        Some(hasher.finish128().as_u128())
    }

    /// Time turns over what is true of the contact: all that is seen decides.
    fn of_all(&self, contact: ContactId) -> Option<u128> {
        if self.sight.all.sample {
            return None;
        }
        let mut hasher = SipHasher13::new();
        (true, self.all.digest(contact)?).hash(&mut hasher);
        Some(hasher.finish128().as_u128())
    }
}
