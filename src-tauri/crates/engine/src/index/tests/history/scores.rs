//! Scores in random histories: the fold against measuring everybody at every instant.

use super::*;
use crate::index::ScoreMove;
use crate::scores::Scoring;
use crate::scores::tests::models;
use carillon_model::ScoreId;
use carillon_model::score::{GradeAxis, GradeBand, Score, ScoreModel, ScoreStage};
use std::sync::Arc;

/// A file with scores, kept the plain way.
#[derive(Clone)]
struct Measured {
    file: File,
    scores: BTreeMap<ScoreId, (String, Arc<Scoring>)>,
}

/// What the reference saw of a score: which, whose, when, how many points before and after.
type Seen = (ScoreId, u32, Moment, Option<i64>, i64);

fn staged(model: ScoreModel) -> ScoreModel {
    let stage = |name: &str, at_least| ScoreStage {
        name: name.to_owned(),
        at_least,
    };
    match model {
        ScoreModel::Points { groups, bounds, .. } => ScoreModel::Points {
            groups,
            bounds,
            stages: vec![stage("Warm", 3), stage("Hot", 12)],
            companies: None,
        },
        grade => grade,
    }
}

fn grade() -> ScoreModel {
    let axis = |score: &str, labels: [&str; 2]| GradeAxis {
        score: score.to_owned(),
        bands: labels
            .iter()
            .zip([Some(5), None])
            .map(|(label, at_least)| GradeBand {
                label: (*label).to_owned(),
                at_least,
            })
            .collect(),
    };
    ScoreModel::Grade {
        rows: axis("heat", ["A", "B"]),
        columns: axis("fit", ["1", "2"]),
    }
}

fn published(id: u32, key: &str, model: &ScoreModel) -> Change {
    Change::ScorePublished {
        id: ScoreId(id),
        key: key.to_owned(),
        scoring: Arc::new(Scoring::read(key, model).expect("a model")),
    }
}

impl Measured {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::ScorePublished { id, key, scoring } => {
                drop(self.scores.insert(*id, (key.clone(), scoring.clone())));
            }
            other => self.file.apply(other),
        }
    }

    fn whole(record: &ContactRecord, key: &str) -> Option<i64> {
        match record.fields.get(&Score::field(key)) {
            Some(Value::Number(n)) => Some(*n as i64),
            _ => None,
        }
    }

    /// The record as scores see it: none of them has a value, and no segment a history.
    fn bare(&self, record: &ContactRecord) -> ContactRecord {
        let mut bare = record.clone();
        bare.moved.retain(|moved| moved.movement.kind.is_of_journey());
        for (key, _) in self.scores.values() {
            for field in [
                Score::field(key),
                Score::stage_field(key),
                Score::since_field(key),
            ] {
                bare.fields.remove(&field);
            }
        }
        bare
    }

    /// Measures everybody at `now`: points first, grades by them.
    fn measure(&mut self, now: Moment, seen: &mut Vec<Seen>) {
        let scope = self.file.scope();
        let there: Vec<u32> = self
            .file
            .contacts
            .iter()
            .filter(|(_, c)| c.exists)
            .map(|(id, _)| *id)
            .collect();
        for contact in there {
            let mut record = self.file.contacts[&contact].record.clone();
            let bare = self.bare(&record);
            for (id, (key, scoring)) in &self.scores {
                let Scoring::Points(points) = &**scoring else {
                    continue;
                };
                let total = points.score(&bare, now, &scope).total;
                let before = Measured::whole(&record, key);
                if before != Some(total) {
                    seen.push((*id, contact, now, before, total));
                }
                record.measured(&Score::field(key), Some(Value::Number(total as f64)), Some(now));
                let was = match record.fields.get(&Score::stage_field(key)) {
                    Some(Value::Text(stage)) => Some(stage.clone()),
                    _ => None,
                };
                if let Some(stage) = points.stage(was.as_deref(), total)
                    && was.as_deref() != Some(stage)
                {
                    record
                        .fields
                        .insert(Score::stage_field(key), Value::Text(stage.to_owned()));
                    record
                        .fields
                        .insert(Score::since_field(key), Value::DateTime(now));
                }
            }
            for (key, scoring) in self.scores.values() {
                let Scoring::Grade(grade) = &**scoring else {
                    continue;
                };
                let [a, b] = grade.scores().map(|score| Measured::whole(&record, score));
                if let Some(label) = grade.label(a, b) {
                    record.fields.insert(Score::field(key), Value::Text(label));
                }
            }
            if let Some(place) = self.file.contacts.get_mut(&contact) {
                place.record = record;
            }
        }
    }

    /// The next instant after `now` and up to `to` at which anything may turn over.
    fn next(&self, now: Moment, to: Moment) -> Option<Moment> {
        let scope = self.file.scope();
        let there = self.file.contacts.values().filter(|contact| contact.exists);
        let untils = there.flat_map(|contact| {
            let bare = self.bare(&contact.record);
            let scope = &scope;
            let of = move |scoring: &Arc<Scoring>| match &**scoring {
                Scoring::Points(points) => points.score(&bare, now, scope).until,
                Scoring::Grade(_) => None,
            };
            self.scores
                .values()
                .filter_map(|(_, scoring)| of(scoring))
                .collect::<Vec<_>>()
        });
        let mut file = self.file.clone();
        file.as_of = now;
        untils
            .chain(file.instants(to))
            .filter(|at| *at > now && *at <= to)
            .min()
    }

    fn open(&self, journal: &kept::Journal) -> Index {
        let scores = self
            .scores
            .iter()
            .map(|(id, (key, scoring))| Change::ScorePublished {
                id: *id,
                key: key.clone(),
                scoring: scoring.clone(),
            });
        Index::open(
            self.file.zone,
            self.file.as_of,
            self.file
                .rows()
                .into_iter()
                .chain(scores)
                .map(Loading::from)
                .chain(journal.loading()),
        )
    }
}

fn moves_of(moves: &[ScoreMove]) -> Vec<Seen> {
    let of = |moved: &ScoreMove| {
        let (before, after) = moved.points?;
        (before != Some(after)).then_some((moved.score, moved.contact.0, moved.at, before, after))
    };
    moves.iter().filter_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_history_keeps_scores_and_what_reads_them_as_measuring_everybody_at_every_instant(
        commits in vec(commit(), 1..8), heat in models(), fit in models(), later in models(), when in 0usize..8, named in (expr(), expr(), expr())
    ) {
        let start = epoch() - TimeDelta::days(50);
        let file = File { zone: ZONE, as_of: start, contacts: BTreeMap::new(), segments: BTreeMap::new(), journeys: BTreeMap::new() };
        let mut plain = Measured { file, scores: BTreeMap::new() };
        for id in 0..3 {
            plain.apply(&Change::ContactAdded { contact: ContactId(id), fields: Given::default() });
        }
        for (i, expr) in [named.0, named.1, named.2].into_iter().enumerate() {
            plain.apply(&saved(i as u32 + 1, SEGMENTS[i], acyclic(expr, SEGMENTS[i])));
        }
        for (text, id) in ["score_heat >= 5", "stage_heat is \"Hot\"", "score_mark is \"A1\" or score_fit < 0", "score_heat rose in the last 10 days", "score_heat rose by at least 50% in the last 10 days", "score_heat is in the top 40%", "score_fit is in the bottom 50% or score_heat > 8", "score_heat fell by at least 2 in the last 3 days or score_fit rose by more than 1 in the last 20 days"].iter().zip(20..) {
            plain.apply(&saved(id, &format!("of {id}"), reads(text)));
        }
        let models = [(1, "heat", staged(heat)), (2, "mark", grade()), (3, "fit", fit)];
        models.iter().for_each(|(id, key, model)| plain.apply(&published(*id, key, model)));
        plain.file.rank(ZONE);
        plain.measure(start, &mut Vec::new());
        // Half of the openings believe nothing, for nothing was kept.
        let mut journal = kept::Journal::default();
        let mut index = plain.open(&journal);
        let mut held = plain.file.memberships(start);
        for (at, mut commit) in commits.into_iter().enumerate() {
            plain.file.refuse(&mut commit.changes);
            if at == when {
                commit.changes.push(published(3, "fit", &later));
            }
            let as_of = plain.file.as_of + commit.pause;
            let before = plain.clone();
            let (mut edges, mut seen, mut now) = (Vec::new(), Vec::new(), plain.file.as_of);
            while let Some(at) = plain.next(now, as_of) {
                plain.measure(at, &mut seen);
                edges.extend(plain.file.turn(&mut held, at));
                now = at;
            }
            commit.changes.iter().for_each(|change| plain.apply(change));
            plain.file.as_of = as_of;
            plain.file.rank(before.file.zone);
            plain.measure(as_of, &mut seen);
            edges.extend(plain.file.turn(&mut held, as_of));

            let mut staged = index.stage(commit.changes.clone(), as_of);
            if matches!(commit.fate, Fate::DiesBefore) {
                index = before.open(&journal);
                staged = index.stage(commit.changes, as_of);
            }
            prop_assert_eq!(&staged.edges, &edges);
            let mut moved = moves_of(staged.moves());
            moved.sort_unstable();
            seen.sort_unstable();
            prop_assert_eq!(moved, seen);
            journal.commit(&staged);
            match commit.fate {
                Fate::DiesAfter => index = plain.open(&journal),
                _ => prop_assert_eq!(index.publish(staged), Ok(())),
            }
            for segment in index.followed_numbers() {
                prop_assert!(index.is_true(segment), "{segment}");
            }
            journal.keep(&mut index, commit.keeps);
            for (id, contact) in plain.file.contacts.iter().filter(|(_, contact)| contact.exists) {
                let read = index.record(ContactId(*id)).expect("a contact");
                prop_assert_eq!(&read.fields, &contact.record.fields);
            }
        }
    }
}

#[test]
fn what_the_rows_say_wrong_is_due_at_once_when_the_index_is_opened() {
    let model = published(1, "heat", &crate::scores::tests::visits_model());
    let visit = Change::EventAdded(carillon_model::event::Event {
        name: "visit".to_owned(),
        ..match order(1, 7, epoch()) {
            Change::EventAdded(event) => event,
            other => panic!("{other:?}"),
        }
    });
    let hot = saved(1, "Hot", reads("score_heat >= 2"));
    let index = Index::open(ZONE, epoch(), [added(7), visit, hot, model]);
    assert_eq!(index.record(ContactId(7)).expect("a contact").fields.len(), 0);
    assert_eq!(index.next_due(), Some(epoch()));
    let staged = index.stage(Vec::new(), epoch());
    assert_eq!(moves_of(staged.moves()), [(ScoreId(1), 7, epoch(), None, 2)]);
    assert_eq!(staged.edges.len(), 1);
    assert_eq!(staged.written().count(), 1);
}

#[test]
fn a_move_names_the_event_and_the_rule_and_a_score_that_is_gone_says_nothing() {
    let model = published(1, "heat", &crate::scores::tests::visits_model());
    let mut index = Index::open(ZONE, epoch(), [added(7), model]);
    let staged = index.stage(Vec::new(), epoch());
    index.publish(staged).expect("nothing between");
    let visit = |id| match order(id, 7, epoch()) {
        Change::EventAdded(event) => Change::EventAdded(carillon_model::event::Event {
            name: "visit".to_owned(),
            ..event
        }),
        other => other,
    };
    let staged = index.stage(vec![visit(1), visit(2)], epoch());
    let [moved] = staged.moves() else {
        panic!("{:?}", staged.moves())
    };
    assert_eq!(moved.points, Some((Some(0), 4)));
    assert_eq!(moved.cause, carillon_model::score::ScoreCause::Event);
    assert_eq!(moved.reasons.len(), 1);
    assert_eq!(
        (moved.reasons[0].rule.as_str(), moved.reasons[0].event),
        ("visit", Some(carillon_model::EventId(2)))
    );
    index.publish(staged).expect("nothing between");
    let staged = index.stage(vec![Change::ScoreRemoved(ScoreId(1)), visit(3)], epoch());
    assert!(staged.moves().is_empty());
    index.publish(staged).expect("nothing between");
    assert_eq!(index.next_due(), None);
}

#[test]
fn what_a_score_was_is_read_anew_where_somebody_read_it_while_a_commit_was_on_its_way() {
    let file = File {
        zone: ZONE,
        as_of: epoch(),
        contacts: BTreeMap::new(),
        segments: BTreeMap::new(),
        journeys: BTreeMap::new(),
    };
    let mut plain = Measured {
        file,
        scores: BTreeMap::new(),
    };
    plain.apply(&added(7));
    let shelf = shelf::Shelf::of(&plain.file);
    let mut index = shelf.open();
    let rose = reads("score_heat rose in the last 10 days");
    let visit = |id| match order(id, 7, epoch() + TimeDelta::days(id)) {
        Change::EventAdded(event) => Change::EventAdded(carillon_model::event::Event {
            name: "visit".to_owned(),
            ..event
        }),
        other => other,
    };
    let model = published(1, "heat", &crate::scores::tests::visits_model());
    for (day, change) in [(0, model), (1, visit(1))] {
        let at = epoch() + TimeDelta::days(day);
        let staged = index.stage(vec![change.clone()], at);
        if day > 0 {
            // The file says what it said before; nobody follows the score, and nobody has read it.
            assert!(index.members(&rose, at).is_empty());
        }
        plain.apply(&change);
        plain.measure(at, &mut Vec::new());
        shelf.put(&plain.file);
        assert_eq!(index.publish(staged), Ok(()));
        if day > 0 {
            assert_eq!(index.members(&rose, at).len(), 1);
        }
    }
}

#[test]
fn what_scores_were_is_read_of_everybody() {
    let mut file = File {
        zone: ZONE,
        as_of: epoch(),
        contacts: BTreeMap::new(),
        segments: BTreeMap::new(),
        journeys: BTreeMap::new(),
    };
    for id in 0..4 {
        let contact = ContactId(id);
        let five = ("age", Value::Number(5.0));
        file.apply(&Change::ContactAdded {
            contact,
            fields: Given::from_iter([five]),
        });
        for (days, points) in [(20, 1), (3, 5)].into_iter().take(id as usize) {
            let turned = crate::record::Turned {
                at: epoch() - TimeDelta::days(days),
                before: None,
                points,
            };
            let key = "age".to_owned();
            file.apply(&Change::ScoreTurned { contact, key, turned });
        }
    }
    let members =
        |index: &Index, text: &str| -> Vec<u32> { index.members(&reads(text), epoch()).iter().collect() };
    for index in [file.open(), shelf::Shelf::of(&file).open()] {
        // One was measured only long ago, and as something else than it is now.
        assert_eq!(
            members(&index, "age rose by at least 4 in the last 10 days"),
            [1, 2, 3]
        );
        assert_eq!(members(&index, "age rose in the last 3 days"), [1]);
        assert_eq!(
            members(&index, "age fell by at least 0 in the last 3 days"),
            [0, 2, 3]
        );
    }
}
