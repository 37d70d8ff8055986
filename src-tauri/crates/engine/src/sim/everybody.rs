//! Everybody through a draft: for its figures, or for the people behind one of them.

use super::World;
use super::alike::{Alike, Likeness};
use super::life::{Life, Watch, coming};
use super::limits::{Accounts, Ask, Held, Holds, Mails};
use super::report::{Counting, Filter, Number, SimReport, Tally};
use crate::journey::{JourneyVersion, Note, PassageId};
use crate::record::ContactRecord;
use carillon_model::event::Event;
use carillon_model::journey::State;
use carillon_model::{ContactId, Moment};

/// Whoever is given everybody, one after another, each once.
pub trait Audience: Send {
    /// Takes a contact in without a record, by a digest of what decides how the draft goes for it
    /// ([`crate::index::Sighted::digest`]), if somebody like it was played. Whether somebody was.
    fn knows(&mut self, contact: ContactId, digest: u128) -> bool;

    /// Plays a contact, with that digest where others may be like it.
    fn plays(&mut self, record: &ContactRecord, digest: Option<u128>);
}

/// The figures of those who were played, and when each of their mails wants to leave, where mails are held as it is told. With
/// nothing held, every mail leaves at once. Those of other contacts are merged.
pub struct Simulation<'a> {
    all: All<'a, Lived>,
    watch: Asking<'a>,
    mails: Mails,
}

/// A life that was played and may be somebody else's, too.
struct Lived {
    tallies: Box<[Tally]>,
    asked: Box<[Ask]>,
    /// Who had it beside the one who was played.
    others: u64,
}

impl<'a> Simulation<'a> {
    /// Of nobody yet.
    pub fn new(world: World<'a>, accounts: &'a Accounts, holds: &'a Holds) -> Simulation<'a> {
        Simulation {
            all: All::new(world, holds),
            watch: Asking {
                counting: Counting::new(world.version, world.plan),
                accounts,
                asked: Vec::new(),
                mails: 0,
                passages: 0,
            },
            mails: Mails::default(),
        }
    }

    /// Counts a contact who is like somebody that was played. Whether it is.
    fn is_like_another(&mut self, contact: ContactId, likeness: Option<&Likeness>) -> bool {
        let Some(lived) = likeness.and_then(|likeness| self.all.lives.of(likeness)) else {
            return false;
        };
        lived.others += 1;
        self.mails.of(contact, &lived.asked);
        true
    }

    /// The figures and mails of all who were given.
    pub fn finish(self) -> (SimReport, Mails) {
        let Simulation {
            all,
            watch: Asking { mut counting, .. },
            mails,
        } = self;
        for lived in all.lives.into_lives() {
            counting.count(&lived.tallies, lived.others);
        }
        (counting.into_report(), mails)
    }
}

impl Audience for Simulation<'_> {
    fn knows(&mut self, contact: ContactId, digest: u128) -> bool {
        let likeness = self.all.ahead(contact, Some(digest)).likeness;
        self.is_like_another(contact, likeness.as_ref())
    }

    fn plays(&mut self, record: &ContactRecord, digest: Option<u128>) {
        let contact = record.contact();
        let ahead = self.all.ahead(contact, digest);
        if self.is_like_another(contact, ahead.likeness.as_ref()) {
            return;
        }
        let life = Life::new(self.all.world, record, ahead.coming);
        life.held(ahead.held).play(&mut self.watch);
        let (tallies, asked, passages) = self.watch.take();
        self.mails.of(contact, &asked);
        self.watch.counting.count(&tallies, 1);
        if let Some(likeness) = ahead.likeness {
            let weighs = tallies.len() + asked.len();
            let lived = Lived {
                tallies: tallies.into(),
                asked: asked.into(),
                others: 0,
            };
            self.all.lives.remember(likeness, passages, (lived, weighs));
        }
    }
}

/// The people a number of a report counts, where mails are held as it is told.
pub struct Behind<'a> {
    all: All<'a, bool>,
    number: &'a Number,
    found: Vec<ContactId>,
}

impl<'a> Behind<'a> {
    /// Nobody yet.
    pub fn new(world: World<'a>, holds: &'a Holds, number: &'a Number) -> Behind<'a> {
        Behind {
            all: All::new(world, holds),
            number,
            found: Vec::new(),
        }
    }

    /// Finds a contact, or does not, who is like somebody that was played. Whether it is.
    fn is_like_another(&mut self, contact: ContactId, likeness: Option<&Likeness>) -> bool {
        let matched = likeness.and_then(|likeness| self.all.lives.of(likeness).copied());
        self.found.extend((matched == Some(true)).then_some(contact));
        matched.is_some()
    }

    /// Those of all who were given, in that order, who are meant.
    pub fn found(&self) -> &[ContactId] {
        &self.found
    }
}

impl Audience for Behind<'_> {
    fn knows(&mut self, contact: ContactId, digest: u128) -> bool {
        let likeness = self.all.ahead(contact, Some(digest)).likeness;
        self.is_like_another(contact, likeness.as_ref())
    }

    fn plays(&mut self, record: &ContactRecord, digest: Option<u128>) {
        let contact = record.contact();
        let ahead = self.all.ahead(contact, digest);
        if self.is_like_another(contact, ahead.likeness.as_ref()) {
            return;
        }
        let mut filter = Filter::new(self.number);
        let life = Life::new(self.all.world, record, ahead.coming);
        life.held(ahead.held).play(&mut filter);
        self.found.extend(filter.matched.then_some(contact));
        if let Some(likeness) = ahead.likeness {
            self.all
                .lives
                .remember(likeness, filter.passages, (filter.matched, 1));
        }
    }
}

/// What everybody is played in, and the lives that were.
struct All<'a, T> {
    world: World<'a>,
    holds: &'a Holds,
    lives: Alike<'a, T>,
}

/// What lies ahead of a contact beside what the draft does.
struct Ahead<'a> {
    coming: Vec<Event>,
    held: &'a [Held],
    /// By what it is like others, where somebody may be.
    likeness: Option<Likeness>,
}

impl<'a, T> All<'a, T> {
    fn new(world: World<'a>, holds: &'a Holds) -> All<'a, T> {
        All {
            world,
            holds,
            lives: Alike::new(world),
        }
    }

    fn ahead(&self, contact: ContactId, digest: Option<u128>) -> Ahead<'a> {
        let coming = coming(self.world, contact, &[]);
        let held = self.holds.of(contact);
        let digest = digest.filter(|_| coming.is_empty() && held.is_empty());
        Ahead {
            coming,
            held,
            likeness: digest.and_then(|digest| self.lives.likeness(contact, digest)),
        }
    }
}

/// Counts, and keeps what mails ask for.
struct Asking<'a> {
    counting: Counting,
    accounts: &'a Accounts,
    asked: Vec<Ask>,
    /// Mails so far.
    mails: u32,
    passages: u32,
}

impl Asking<'_> {
    /// What the life came to that was played since this was last asked: its part of the report, its mails, and how many
    /// passages it had.
    fn take(&mut self) -> (Vec<Tally>, Vec<Ask>, u32) {
        let life = self.counting.take_life();
        let asked = std::mem::take(&mut self.asked);
        self.mails = 0;
        (life, asked, std::mem::take(&mut self.passages))
    }
}

impl Watch for Asking<'_> {
    fn begins(&mut self, passage: PassageId) {
        self.passages += 1;
        self.counting.begins(passage);
    }

    fn note(&mut self, version: &JourneyVersion, note: &Note<'_>, day: usize) {
        self.counting.note(version, note, day);
    }

    fn mail(&mut self, day: usize, leaves: bool) {
        self.counting.mail(day, leaves);
    }

    fn asks(&mut self, at: Moment, account: Option<&str>) {
        let nth = self.mails;
        self.mails += 1;
        // Nobody asks when others leave.
        if let Some(account) = self.accounts.place(account) {
            self.asked.push(Ask { account, at, nth });
        }
    }

    fn done(&mut self, version: &JourneyVersion, state: &State, cut_short: bool) {
        self.counting.done(version, state, cut_short);
    }
}
