//! What a file keeps of memberships beside its rows: some of them whole, and what each commit did to them since.

use super::*;
use carillon_model::Seq;

/// As it stands with the last commit.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    seq: i64,
    whole: BTreeMap<SegmentId, (Seq, Vec<u8>)>,
    verdicts: Vec<(Seq, Vec<u8>)>,
}

impl Journal {
    /// Takes part in a commit.
    pub fn commit(&mut self, staged: &Staged) {
        self.seq += 1;
        self.verdicts
            .push((Seq(self.seq), staged.verdicts().bytes().to_vec()));
        for segment in staged.dropped() {
            self.whole.remove(&segment);
        }
    }

    /// Keeps some memberships whole, by the bits of `which`.
    pub fn keep(&mut self, index: &mut Index, which: u16) {
        let chosen: Vec<SegmentId> = index
            .followed_numbers()
            .filter(|id| which >> (id.0 % 16) & 1 == 1)
            .collect();
        for segment in chosen {
            index.keeps(segment, Seq(self.seq));
            let chunk = index.membership(segment).expect("it is followed");
            self.whole
                .insert(segment, (Seq(self.seq), chunk.bytes().to_vec()));
        }
    }

    /// What an opening is told of it.
    pub fn loading(&self) -> Vec<Loading> {
        let whole = self
            .whole
            .iter()
            .map(|(segment, (seq, bytes))| Loading::Membership {
                segment: *segment,
                seq: *seq,
                chunk: MembershipChunk::read(bytes.clone()).expect("it is whole"),
            });
        let verdicts = self.verdicts.iter().map(|(seq, bytes)| Loading::Verdicts {
            seq: *seq,
            chunk: VerdictChunk::read(bytes.clone()).expect("it is whole"),
        });
        whole.chain(verdicts).collect()
    }

    /// Whose memberships an opening believes.
    pub fn whole(&self) -> Vec<SegmentId> {
        self.whole.keys().copied().collect()
    }
}

fn kept(index: &Index) -> Vec<SegmentId> {
    index.kept().keys().copied().collect()
}

/// A file of two people, with a membership kept of a segment that time turns over.
fn small() -> (File, Journal) {
    let mut file = File {
        zone: ZONE,
        as_of: epoch(),
        contacts: BTreeMap::new(),
        segments: BTreeMap::new(),
        journeys: BTreeMap::new(),
    };
    for id in 1..=2 {
        file.apply(&added(id));
    }
    file.apply(&order(1, 1, epoch()));
    file.apply(&saved(1, "Lately", reads("did order in the last 30 days")));
    let (mut index, mut journal) = (file.open(), Journal::default());
    journal.keep(&mut index, 0b10);
    (file, journal)
}

pub fn opened(file: &File, journal: &Journal) -> Index {
    let rows = file.rows().into_iter().map(Loading::from);
    Index::open(file.zone, file.as_of, rows.chain(journal.loading()))
}

#[test]
fn a_membership_is_believed_without_a_look_at_the_rows_while_the_same_is_meant() {
    let (mut file, journal) = small();
    // Written by somebody else: an opening that believes does not see it, and whoever looks at the rows does.
    file.apply(&order(2, 2, epoch()));
    let index = opened(&file, &journal);
    assert_eq!(kept(&index), [SegmentId(1)]);
    assert_eq!(index.members_of(SegmentId(1)), Some(&RoaringBitmap::from([1])));
    assert_eq!(index.next_due(), file.open().next_due());
    assert!(!index.is_true(SegmentId(1)));
    assert!(file.open().is_true(SegmentId(1)));

    file.apply(&saved(1, "Lately", reads("did order in the last 31 days")));
    let index = opened(&file, &journal);
    assert_eq!(kept(&index), []);
    assert_eq!(index.members_of(SegmentId(1)), Some(&RoaringBitmap::from([1, 2])));
}

fn city(contact: u32, city: &str) -> Change {
    Change::FieldSet {
        contact: ContactId(contact),
        key: "city".to_owned(),
        value: Some(Value::Text(city.to_owned())),
    }
}

#[test]
fn other_members_than_the_rows_say_are_no_truth() {
    let (mut file, mut journal) = small();
    file.apply(&saved(2, "Near", reads("city is 'Bonn'")));
    journal.keep(&mut file.open(), 0b100);
    assert!(opened(&file, &journal).is_true(SegmentId(2)));
    file.apply(&city(1, "Bonn"));
    assert!(!opened(&file, &journal).is_true(SegmentId(2)));
}

#[test]
fn what_a_commit_did_before_a_membership_was_kept_is_in_it() {
    let (mut file, mut journal) = small();
    let mut index = opened(&file, &journal);
    let both = saved(
        1,
        "Lately",
        reads("did order in the last 30 days and city is 'Bonn'"),
    );
    for change in [order(2, 2, epoch()), both] {
        file.apply(&change);
        let staged = index.stage(vec![change], epoch());
        journal.commit(&staged);
        assert_eq!(index.publish(staged), Ok(()));
    }
    journal.keep(&mut index, 0b10);
    let again = opened(&file, &journal);
    assert_eq!(kept(&again), [SegmentId(1)]);
    assert_eq!(again.members_of(SegmentId(1)), Some(&RoaringBitmap::new()));
}

#[test]
fn a_later_moment_than_the_rows_say_is_no_truth() {
    let (mut file, journal) = small();
    let index = opened(&file, &journal);
    assert!(index.is_true(SegmentId(1)));
    let early = epoch() - TimeDelta::days(3);
    file.contacts.get_mut(&1).expect("one").record.events[0].at = early;
    let index = opened(&file, &journal);
    assert_eq!(
        index.members_of(SegmentId(1)),
        file.open().members_of(SegmentId(1))
    );
    assert!(!index.is_true(SegmentId(1)));
}

#[test]
fn what_was_read_by_the_way_is_let_go_and_what_was_held_stays() {
    let (mut file, mut journal) = small();
    file.apply(&city(1, "Bonn"));
    file.apply(&city(2, "Ulm"));
    file.apply(&saved(2, "Near", reads("city is 'Bonn'")));
    journal.keep(&mut file.open(), 0b110);
    for (before, by_the_way) in [(1, 2), (2, 1)].map(|(a, b)| (SegmentId(a), SegmentId(b))) {
        let mut index = shelf::Shelf::of(&file).open_with(journal.loading());
        assert_eq!(index.loaded().0, 0);
        assert!(index.is_true(before));
        let held = index.held();
        assert!(index.is_true(by_the_way));
        assert_eq!(index.loaded().0, 2);
        index.let_go_since(&held);
        assert_eq!(index.loaded().0, 1);
        assert_eq!(
            index
                .members(&reads("city is 'Bonn' and did order"), epoch())
                .len(),
            1
        );
    }
    let mut without = file.open();
    let before = without.loaded();
    without.let_go_since(&Held::default());
    assert_eq!(without.loaded(), before, "it could not be read again");
}

#[test]
fn what_it_reads_decides_what_an_expression_means() {
    let mut file = small().0;
    for (id, name, text) in [
        (2, "Near", "city is 'Bonn'"),
        (3, "Both", "in segment 'Near' and did order"),
        (4, "Days", "created_at in the last 3 days"),
        (5, "Came", "joined segment 'Near' in the last 3 days"),
    ] {
        file.apply(&saved(id, name, reads(text)));
    }
    let (mut index, mut journal) = (file.open(), Journal::default());
    journal.keep(&mut index, u16::MAX);
    let believed = |change: Change| {
        let mut file = file.clone();
        file.apply(&change);
        let kept = kept(&opened(&file, &journal));
        [1, 2, 3, 4, 5].map(|id| kept.contains(&SegmentId(id)))
    };
    let same = Change::SuppressedSet {
        contact: ContactId(1),
        on: true,
    };
    assert_eq!(believed(same), [true; 5]);
    assert_eq!(
        believed(saved(2, "Near", reads("city is 'Ulm'"))),
        [true, false, false, true, true]
    );
    assert_eq!(
        believed(Change::ZoneSet(chrono_tz::Pacific::Apia)),
        [true, true, true, false, true]
    );
    assert_eq!(
        believed(Change::SegmentRemoved(SegmentId(2))),
        [true, false, false, true, false]
    );
}
