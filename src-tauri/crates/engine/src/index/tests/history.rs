//! Random histories with crashes, against a reference that asks everybody at every instant and knows no index.

mod kept;
mod scores;
mod shelf;

use super::*;
use crate::index::change::After;
use crate::record::{Moved, Movement};
use crate::segment::arbitrary::{
    KEYS, SEGMENTS, STEPS, TAGS, TEMPLATES, ZONES, basis, channel, event, measured_by, moved,
    moves_in_journeys, purpose, ranked, shifted, timely, turned, value_for,
};
use crate::segment::{local_date, measured_at, start_of_day, unmeasured, window_of};
use carillon_model::segment::{Clause, Window};
use carillon_model::{MessageId, StepId};
use chrono::Days;
use proptest::collection::vec;
use proptest::sample::select;

/// One commit of a history: how long after the last one, what it changes, and what happens to it.
#[derive(Clone, Debug)]
struct Commit {
    pause: TimeDelta,
    changes: Vec<Change>,
    fate: Fate,
    /// Memberships that are kept after it, by bits.
    keeps: u16,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Fine,
    /// COMMIT fails; the same index goes on.
    Fails,
    /// The process dies before COMMIT.
    DiesBefore,
    /// The process dies between COMMIT and publish.
    DiesAfter,
}

fn change() -> impl Strategy<Value = Change> {
    (0u32..3).prop_map(ContactId).prop_flat_map(|contact| {
        let field = select(KEYS).prop_flat_map(|key| (Just(key), proptest::option::weighted(0.8, value_for(key))));
        let id = 1u32..4;
        prop_oneof![
            2 => field.prop_map(move |(key, value)| Change::FieldSet { contact, key: key.to_owned(), value }),
            2 => (select(TAGS), any::<bool>()).prop_map(move |(tag, on)| Change::TagSet { contact, tag: tag.to_owned(), on }),
            4 => event(contact).prop_map(Change::EventAdded),
            2 => (select(TEMPLATES), moment(), 0i64..1 << 40).prop_map(move |(t, at, id)| Change::Sent { contact, template: t.to_owned(), at, id: MessageId(id) }),
            2 => (moves_in_journeys(), prop::bool::weighted(0.8)).prop_map(move |(moved, on)| Change::Moved { contact, moved, on }),
            2 => turned().prop_map(move |turned| Change::ScoreTurned { contact, key: "age".to_owned(), turned }),
            1 => (1u32..3, select(JOURNEYS)).prop_map(|(id, name)| Change::JourneyNamed { id: JourneyId(id), name: name.to_owned() }),
            1 => (1u32..3).prop_map(|id| Change::JourneyRemoved(JourneyId(id))),
            1 => (channel(), purpose(), proptest::option::of(basis())).prop_map(move |(channel, purpose, basis)| Change::PermissionSet { contact, channel, purpose, basis }),
            1 => any::<bool>().prop_map(move |on| Change::SuppressedSet { contact, on }),
            2 => Just(Change::ContactAdded { contact, fields: Given::from_iter([("city", Value::Text("Bonn".to_owned()))]) }),
            1 => Just(Change::ContactRemoved(contact)),
            1 => (id.clone(), expr()).prop_map(|(id, expr)| {
                let name = SEGMENTS[id as usize - 1];
                saved(id, name, acyclic(expr, name))
            }),
            1 => id.prop_map(|id| Change::SegmentRemoved(SegmentId(id))),
            1 => (9u32..11, expr()).prop_map(|(id, expr)| Change::WatchAdded { id: SegmentId(id), expr }),
            1 => select(vec![chrono_tz::Europe::Berlin, chrono_tz::Pacific::Apia, chrono_tz::America::St_Johns]).prop_map(Change::ZoneSet),
        ]
    })
}

/// Numbers of segments as a file gives them: never one a second time, whatever its segment was called.
#[derive(Default)]
struct Segments(BTreeMap<SegmentId, u32>);

impl Segments {
    /// Gives the segment of a change the number it has by now.
    fn number(&mut self, change: &mut Change) {
        match change {
            Change::SegmentSaved { id, .. } => id.0 += self.0.get(id).copied().unwrap_or_default(),
            Change::SegmentRemoved(id) => {
                let later = self.0.entry(*id).or_default();
                id.0 += *later;
                *later += 100;
            }
            _ => {}
        }
    }
}

/// An expression, often one that reads the history of a segment that time or facts may turn over.
fn recalls() -> impl Strategy<Value = Expr> {
    let of = (select(vec!["B", "C"]), moved());
    let recalled = of.prop_map(|(name, clause)| match clause {
        Clause::Moved {
            movement,
            times,
            window,
            ..
        } if !movement.is_of_journey() => Expr::Clause(Clause::Moved {
            movement,
            name: name.to_owned(),
            step: None,
            times,
            window,
        }),
        other => Expr::Clause(other),
    });
    prop_oneof![4 => expr(), 2 => recalled, 1 => shifted().prop_map(Expr::Clause), 2 => ranked().prop_map(Expr::Clause)]
}

fn commit() -> impl Strategy<Value = Commit> {
    let fate = prop_oneof![3 => Just(Fate::Fine), 1 => Just(Fate::Fails), 1 => Just(Fate::DiesBefore), 1 => Just(Fate::DiesAfter)];
    let pause =
        prop_oneof![1 => Just(0), 3 => 0i64..100_000, 3 => 0i64..2_000_000].prop_map(TimeDelta::seconds);
    let keeps = prop_oneof![1 => Just(0), 1 => any::<u16>()];
    let all = (pause, vec(change(), 0..5), fate, keeps);
    all.prop_map(|(pause, changes, fate, keeps)| Commit {
        pause,
        changes,
        fate,
        keeps,
    })
}

/// What an index is opened from.
#[derive(Clone, Copy, Debug)]
enum Way {
    Rows,
    /// What is asked for is read when it is.
    Shelf,
    /// And nothing of it stays.
    NarrowShelf,
    /// Rows, and memberships as the file keeps them.
    Kept,
    /// Both.
    KeptShelf,
}

/// The rows of a file, kept the plain way.
#[derive(Clone, Debug)]
struct File {
    zone: Tz,
    as_of: Moment,
    contacts: BTreeMap<u32, After>,
    segments: BTreeMap<SegmentId, (Option<String>, Expr)>,
    journeys: BTreeMap<String, JourneyId>,
}

impl File {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::SegmentSaved { id, name, expr } => {
                drop(self.segments.insert(*id, (Some(name.clone()), expr.clone())))
            }
            Change::WatchAdded { id, expr } => drop(self.segments.insert(*id, (None, expr.clone()))),
            Change::SegmentRemoved(id) => drop(self.segments.remove(id)),
            Change::ZoneSet(tz) => self.zone = *tz,
            Change::JourneyNamed { id, name } => {
                self.journeys.retain(|_, known| known != id);
                self.journeys.insert(name.clone(), *id);
            }
            Change::JourneyRemoved(id) => self.journeys.retain(|_, known| known != id),
            of_contact => {
                let id = of_contact.contact().map_or(0, |c| c.0);
                let new = || After {
                    record: ContactRecord {
                        id,
                        ..ContactRecord::default()
                    },
                    ..After::default()
                };
                self.contacts.entry(id).or_insert_with(new).apply(of_contact);
            }
        }
    }

    /// Leaves out what its table of journeys would refuse: a name that another has. So none is ever without one.
    fn refuse(&self, changes: &mut Vec<Change>) {
        let mut named = self.journeys.clone();
        changes.retain(|change| {
            let (Change::JourneyNamed { id, .. } | Change::JourneyRemoved(id)) = change else {
                return true;
            };
            if let Change::JourneyNamed { name, .. } = change
                && named.get(name).is_some_and(|of| of != id)
            {
                return false;
            }
            named.retain(|_, known| known != id);
            if let Change::JourneyNamed { name, .. } = change {
                named.insert(name.clone(), *id);
            }
            true
        });
    }

    /// Measures what was never measured, or on an earlier day of this zone.
    fn rank(&mut self, zone: Tz) {
        let there = self.contacts.values().filter(|contact| contact.exists);
        let people = there.map(|contact| &contact.record);
        for (_, expr) in self.segments.values_mut() {
            if measured_at(expr).is_some_and(|at| local_date(at, zone) < local_date(self.as_of, zone)) {
                *expr = unmeasured(expr);
            }
            *expr = measured_by(expr, people.clone(), self.as_of);
        }
    }

    fn scope(&self) -> Scope {
        let named = self
            .segments
            .values()
            .filter_map(|(name, expr)| Some((name.clone()?, expr.clone())));
        let mut numbers = BTreeMap::new();
        for (id, (name, _)) in &self.segments {
            numbers.extend(name.clone().map(|name| (name, *id)));
        }
        Scope {
            zone: self.zone,
            segments: named.collect(),
            numbers: Numbers {
                segments: numbers,
                journeys: self.journeys.clone(),
            },
        }
    }

    /// Who is in what, by asking the evaluator about everybody.
    fn memberships(&self, now: Moment) -> BTreeSet<(SegmentId, u32)> {
        let scope = self.scope();
        let mut out = BTreeSet::new();
        for (segment, (_, expr)) in &self.segments {
            for (id, contact) in self.contacts.iter().filter(|(_, c)| c.exists) {
                if eval(expr, &contact.record, now, &scope).holds {
                    out.insert((*segment, *id));
                }
            }
        }
        out
    }

    /// Has everybody asked at a moment, those whose history is read before those who read it, and writes down who came and
    /// went.
    fn turn(&mut self, held: &mut BTreeSet<(SegmentId, u32)>, at: Moment) -> Vec<Edge> {
        let scope = self.scope();
        let mut now = BTreeSet::new();
        for rank in 0..=SEGMENTS.len() {
            let turn = self.segments.clone().into_iter();
            for (segment, (name, expr)) in turn.filter(|(_, (_, expr))| reads_after(expr, &scope) == rank) {
                for (id, contact) in &mut self.contacts {
                    let holds = contact.exists && eval(&expr, &contact.record, at, &scope).holds;
                    if holds {
                        now.insert((segment, *id));
                    }
                    if name.is_some() && holds != held.contains(&(segment, *id)) {
                        contact.record.moves(Moved {
                            movement: Movement::of_segment(segment, holds),
                            at,
                            number: 0,
                        });
                    }
                }
            }
        }
        let edges = self.edges(held, &now, at);
        *held = now;
        edges
    }

    /// As [`File::turn`] at every instant up to `to`, and then at it with these changes.
    fn turns(&mut self, held: &mut BTreeSet<(SegmentId, u32)>, to: Moment, changes: &[Change]) -> Vec<Edge> {
        let (mut edges, mut open, lengths) = (Vec::new(), self.instants(to), self.lengths());
        while let Some(at) = open.pop_first() {
            let found = self.turn(held, at);
            if !found.is_empty() {
                let later = lengths
                    .iter()
                    .map(|secs| at + TimeDelta::seconds(i64::from(*secs)));
                open.extend(later.filter(|later| *later > at && *later <= to));
            }
            edges.extend(found);
        }
        let zone = self.zone;
        changes.iter().for_each(|change| self.apply(change));
        self.as_of = to;
        self.rank(zone);
        edges.extend(self.turn(held, to));
        edges
    }

    /// Every instant in `(as_of, to]` at which anything in the pools may turn over.
    fn instants(&self, to: Moment) -> BTreeSet<Moment> {
        let (mut out, lengths) = (BTreeSet::new(), self.lengths());
        for contact in self.contacts.values() {
            let at = contact
                .record
                .events
                .iter()
                .map(|e| e.at)
                .chain(contact.record.sent.iter().map(|s| s.at))
                .chain(contact.record.moved.iter().map(|m| m.at))
                .chain(
                    contact
                        .record
                        .past
                        .values()
                        .flat_map(|past| past.iter().map(|(at, _)| at)),
                );
            out.extend(at.flat_map(|at| {
                lengths
                    .iter()
                    .map(move |secs| at + TimeDelta::seconds(i64::from(*secs)))
            }));
        }
        let zones: Vec<Tz> = ZONES
            .iter()
            .filter_map(|name| name.parse().ok())
            .chain([self.zone])
            .collect();
        let mut day = self.as_of.date_naive() - Days::new(1);
        while day <= to.date_naive() + Days::new(1) {
            out.extend(zones.iter().filter_map(|tz| start_of_day(*tz, day)));
            day = day + Days::new(1);
        }
        out.into_iter()
            .filter(|at| *at > self.as_of && *at <= to)
            .collect()
    }

    /// All lengths of windows and waits, in seconds.
    fn lengths(&self) -> BTreeSet<u32> {
        let mut lengths = BTreeSet::from([0]);
        for clause in self.segments.values().flat_map(|(_, expr)| clauses(expr)) {
            match window_of(clause) {
                Some(Window::LastSecs(secs) | Window::MoreThanSecsAgo(secs)) => lengths.extend([*secs]),
                Some(Window::BetweenSecsAgo(a, b)) => lengths.extend([*a, *b]),
                _ => {}
            }
            if let Clause::Sequence { within_secs, .. } | Clause::Shifted { within_secs, .. } = clause {
                lengths.insert(*within_secs);
            }
        }
        lengths
    }

    fn rows(&self) -> Vec<Change> {
        let defined = self.segments.iter().map(|(id, (name, expr))| match name {
            Some(name) => Change::SegmentSaved {
                id: *id,
                name: name.clone(),
                expr: expr.clone(),
            },
            None => Change::WatchAdded {
                id: *id,
                expr: expr.clone(),
            },
        });
        let contacts = self.contacts.values().flat_map(|contact| {
            let mut rows = rows_of(&contact.record);
            if !contact.exists {
                let fields = contact.record.fields.clone().into_iter();
                let contact = contact.record.contact();
                rows.pop();
                rows.extend(fields.map(|(key, value)| Change::FieldSet {
                    contact,
                    key,
                    value: Some(value),
                }));
            }
            rows
        });
        let journeys = self.journeys.iter().flat_map(|(name, id)| {
            let named = Change::JourneyNamed {
                id: *id,
                name: name.clone(),
            };
            let steps = STEPS.iter().copied().map(StepId::from).collect();
            let journey = *id;
            [named, Change::StepsDrawn { journey, steps }]
        });
        defined.chain(journeys).chain(contacts).collect()
    }

    fn open(&self) -> Index {
        Index::open(self.zone, self.as_of, self.rows())
    }

    /// Who came and went at a moment: conditions of journeys before segments.
    fn edges(
        &self,
        before: &BTreeSet<(SegmentId, u32)>,
        after: &BTreeSet<(SegmentId, u32)>,
        at: Moment,
    ) -> Vec<Edge> {
        let edge = |(segment, contact): &(SegmentId, u32)| Edge {
            segment: *segment,
            contact: ContactId(*contact),
            entered: after.contains(&(*segment, *contact)),
            at,
        };
        let all: Vec<Edge> = before.symmetric_difference(after).map(edge).collect();
        let named = |edge: &Edge| matches!(self.segments.get(&edge.segment), Some((Some(_), _)));
        let (segments, conditions): (Vec<Edge>, Vec<Edge>) = all.into_iter().partition(named);
        conditions.into_iter().chain(segments).collect()
    }
}

/// In which turn an expression is asked: after all whose history it reads, also through others.
fn reads_after(expr: &Expr, scope: &Scope) -> usize {
    let of = |name: &String| {
        scope
            .segments
            .get(name)
            .map_or(0, |expr| reads_after(expr, scope))
    };
    let of_clause = |clause: &Clause| match clause {
        Clause::InSegment { name } => of(name),
        Clause::Moved { movement, name, .. } if !movement.is_of_journey() => 1 + of(name),
        _ => 0,
    };
    clauses(expr).into_iter().map(of_clause).max().unwrap_or_default()
}

#[test]
fn what_is_read_stays_as_far_as_there_is_room() {
    let mut file = File {
        zone: ZONE,
        as_of: epoch(),
        contacts: BTreeMap::new(),
        segments: BTreeMap::new(),
        journeys: BTreeMap::new(),
    };
    for id in 0..3 {
        let city = ("city", Value::Text("Bonn".to_owned()));
        file.apply(&Change::ContactAdded {
            contact: ContactId(id),
            fields: Given::from_iter([city]),
        });
        file.apply(&order(i64::from(id), id, epoch()));
        file.apply(&Change::PermissionSet {
            contact: ContactId(id),
            channel: carillon_model::consent::Channel::Email,
            purpose: carillon_model::consent::Purpose::Marketing,
            basis: Some(carillon_model::consent::Basis::Consent),
        });
    }
    for (limit, stays) in [(usize::MAX, 2), (0, 0)] {
        let mut index = shelf::Shelf::of(&file).open();
        index.set_limit(limit);
        assert_eq!(index.loaded(), (0, 2), "nothing is read at opening");
        let both = reads("city is 'Bonn' and did order and consent email marketing");
        assert_eq!(index.members(&both, epoch()).len(), 3);
        assert_eq!(index.loaded(), (2, 2));
        let staged = index.stage(Vec::new(), epoch());
        assert_eq!(index.publish(staged), Ok(()));
        assert_eq!(index.loaded(), (stays, 2), "{limit}");
        index.forget();
        assert_eq!(index.members(&both, epoch()).len(), 3);
    }
    // What changes before anybody asked is not lost, nor all that was there before it.
    let shelf = shelf::Shelf::of(&file);
    let mut index = shelf.open();
    let moved = Change::FieldSet {
        contact: ContactId(0),
        key: "city".to_owned(),
        value: Some(Value::Text("Kiel".to_owned())),
    };
    let changes = vec![moved, order(3, 0, epoch())];
    changes.iter().for_each(|change| file.apply(change));
    let staged = index.stage(changes, epoch());
    shelf.put(&file);
    assert_eq!(index.publish(staged), Ok(()));
    assert_eq!(index.loaded().0, 0);
    for (text, n) in [
        ("city is 'Bonn'", 2),
        ("did order", 3),
        ("did order at least 2 times", 1),
    ] {
        assert_eq!(index.members(&reads(text), epoch()).len(), n, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_history_with_any_crashes_gives_exactly_the_edges_of_asking_everybody_at_every_instant(
        commits in vec(commit(), 1..10), named in (recalls(), recalls(), prop_oneof![expr(), timely()]), watches in vec(recalls(), 8),
        way in select(vec![Way::Rows, Way::Shelf, Way::NarrowShelf, Way::Kept, Way::KeptShelf]), question in expr()
    ) {
        let start = epoch() - TimeDelta::days(50);
        let mut file = File { zone: ZONE, as_of: start, contacts: BTreeMap::new(), segments: BTreeMap::new(), journeys: BTreeMap::new() };
        journeys().iter().for_each(|change| file.apply(change));
        for id in 0..3 {
            file.apply(&Change::ContactAdded { contact: ContactId(id), fields: Given::from_iter([("age", Value::Number(f64::from(id)))]) });
        }
        for (i, expr) in [named.0, named.1, named.2].into_iter().enumerate() {
            file.apply(&saved(i as u32 + 1, SEGMENTS[i], acyclic(expr, SEGMENTS[i])));
        }
        for (expr, id) in watches.into_iter().zip(9..) {
            file.apply(&Change::WatchAdded { id: SegmentId(id), expr });
        }
        file.rank(ZONE);
        let shelf = shelf::Shelf::of(&file);
        let mut journal = kept::Journal::default();
        let open = |file: &File, journal: &kept::Journal| {
            shelf.put(file);
            match way {
                Way::Rows => file.open(),
                Way::Shelf => shelf.open(),
                Way::NarrowShelf => {
                    let mut index = shelf.open();
                    index.set_limit(0);
                    index
                }
                Way::Kept => kept::opened(file, journal),
                Way::KeptShelf => shelf.open_with(journal.loading()),
            }
        };
        let mut index = open(&file, &journal);
        let mut held = file.memberships(start);
        let mut numbers = Segments::default();
        for mut commit in commits {
            file.refuse(&mut commit.changes);
            commit.changes.iter_mut().for_each(|change| numbers.number(change));
            let as_of = file.as_of + commit.pause;
            let before = file.clone();
            let wanted = file.turns(&mut held, as_of, &commit.changes);

            let next = index.next_due();
            let staged = index.stage(commit.changes.clone(), as_of);
            prop_assert_eq!(&staged.edges, &wanted);
            prop_assert_eq!(staged.as_of(), as_of);
            let by_time = wanted.iter().find(|edge| edge.at < as_of);
            prop_assert!(by_time.is_none_or(|edge| next.is_some_and(|next| next <= edge.at)), "next due came too late");
            let publish = |index: &mut Index, staged: Staged| {
                shelf.put(&file);
                // Somebody asks between COMMIT and publish, and what is read then is of the next state already.
                let _ = index.members(&question, as_of);
                index.publish(staged)
            };
            match commit.fate {
                Fate::Fine => {
                    journal.commit(&staged);
                    prop_assert_eq!(publish(&mut index, staged), Ok(()));
                }
                Fate::Fails => {
                    drop(staged);
                    let again = index.stage(commit.changes, as_of);
                    prop_assert_eq!(&again.edges, &wanted);
                    journal.commit(&again);
                    prop_assert_eq!(publish(&mut index, again), Ok(()));
                }
                Fate::DiesBefore => {
                    drop(staged);
                    index = open(&before, &journal);
                    let again = index.stage(commit.changes, as_of);
                    prop_assert_eq!(&again.edges, &wanted);
                    journal.commit(&again);
                    prop_assert_eq!(publish(&mut index, again), Ok(()));
                }
                Fate::DiesAfter => {
                    journal.commit(&staged);
                    let mut living = std::mem::replace(&mut index, open(&file, &journal));
                    if let Way::Kept | Way::KeptShelf = way {
                        prop_assert_eq!(living.publish(staged), Ok(()));
                        let believed: Vec<SegmentId> = index.kept().keys().copied().collect();
                        prop_assert_eq!(&believed, &journal.whole(), "what is kept is believed");
                        for segment in believed {
                            prop_assert_eq!(index.membership(segment), living.membership(segment));
                        }
                    }
                }
            }
            if let Way::Kept | Way::KeptShelf = way {
                journal.keep(&mut index, commit.keeps);
            }
            for segment in index.followed_numbers() {
                prop_assert!(index.is_true(segment), "{segment}");
            }
            let there = file.contacts.iter().filter(|(_, contact)| contact.exists);
            let scope = file.scope();
            let asked = measured_by(&question, there.clone().map(|(_, who)| &who.record), as_of);
            let meant: Vec<u32> = there.filter(|(_, who)| eval(&asked, &who.record, as_of, &scope).holds).map(|(id, _)| *id).collect();
            prop_assert_eq!(index.members(&question, as_of).iter().collect::<Vec<_>>(), meant, "{}", print(&question));
            let followed: BTreeSet<(SegmentId, u32)> = file
                .segments
                .keys()
                .flat_map(|id| index.members_of(*id).into_iter().flatten().map(|contact| (*id, contact)))
                .collect();
            prop_assert_eq!(&followed, &held);
        }
    }
}
