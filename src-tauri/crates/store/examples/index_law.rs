//! Whether the index says what the rows say, in a workspace of a million contacts with ten million events: after hundreds of
//! random commits and moves of the clock, for random expressions of the whole grammar, and after opening again.
//!
//! `cargo run --release -p carillon-store --example index_law FOLDER [CONTACTS] [SEED]` prints one JSON object a line. The
//! file of `expressions_bench` is made in FOLDER where there is none yet, and changed in a copy. Random expressions are kept as
//! segments and followed by each commit. `checked` says that of each contact looked at, each member of each segment, the last of
//! its edges and each other answer is that of the evaluator on a record put together from the rows alone: of some contacts
//! after every few commits, of everybody at the end.

mod crowd;
mod rows;

use carillon_engine::record::{ContactRecord, Scope};
use carillon_engine::segment::{eval, print};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::segment::Expr;
use carillon_model::{ContactId, Moment, SegmentId};
use carillon_store::contacts::{self, email_of};
use carillon_store::events::{self, NewEvent};
use carillon_store::{OpenOptions, Priority, Store, Tx, consents, segments, suppressions};
use chrono::TimeDelta;
use crowd::{Dice, Outcome, Person, at, now, pool, put_in};
use roaring::RoaringBitmap;
use rows::Rows;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Random expressions that are segments, beside those they may refer to.
const FOLLOWED: usize = 24;
/// Random expressions that nobody keeps.
const ASKED: usize = 40;
const LOOKS: usize = 8;
/// Commits between two looks.
const COMMITS: u64 = 25;
/// Contacts whom something happens to, and who are looked at.
const FEW: u32 = 2_000;
/// Most that happens in one commit.
const ACTS: u64 = 30;
/// Contacts whose records are in memory at a time, of each thread.
const PART: u32 = 125_000;

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let people: u32 = words.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let seed: u64 = words.next().map_or(Ok(1), |word| word.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let path = crowd::file(&runtime, &folder, people)?;
    let copy = path.with_file_name("law.carillon");
    std::fs::copy(&path, &copy)?;
    let mut exprs = crowd::expressions(seed.wrapping_add(77), FOLLOWED + ASKED + LOOKS)?;
    let asked = exprs.split_off(FOLLOWED);

    let store = runtime.block_on(Store::open(&copy, OpenOptions::default()))?;
    runtime.block_on(store.advance_clock(now()))?;
    let mut law = Law {
        runtime,
        store,
        rows: Rows::open(&copy)?,
        pool: Arc::new(pool()?),
        dice: Dice(seed),
        people,
        born: people,
        compared: 0,
        wrong: 0,
    };
    let followed = law.follow(&exprs)?;
    let few: Vec<u32> = (1..=people).step_by((people / FEW).max(1) as usize).collect();
    let mut times = Vec::new();
    for anew in asked.iter().skip(ASKED) {
        for _ in 0..COMMITS {
            times.push(law.commit(&few)?);
        }
        law.redefine(&followed, anew)?;
        law.look_at_few(&few, &asked)?;
    }
    let answers = law.look_at_all(&asked)?;
    law.look_at_edges()?;
    let (compared, wrong) = (law.compared, law.wrong);
    let before = law.memberships()?;
    let Law { runtime, store, .. } = law;
    runtime.block_on(store.close());
    drop(store);

    let store = runtime.block_on(Store::open(&copy, OpenOptions::default()))?;
    let again = memberships(&store)?;
    let then = store.as_of();
    let same = store.with_index(|index| {
        let mut all = asked.iter().zip(&answers);
        all.all(|(expr, members)| index.members(expr, then) == *members)
    });
    if again != before || !same {
        eprintln!("opened again, the index says something else");
    }
    runtime.block_on(store.close());
    let right = wrong == 0 && again == before && same && compared > u64::from(people);
    say("compared", compared as f64, "answers", right);
    say("commit_p50", at(&mut times, 0.5), "ms", right);
    say("commit_p99", at(&mut times, 0.99), "ms", right);
    std::fs::remove_file(&copy)?;
    Ok(())
}

fn say(bench: &str, ours: f64, unit: &str, checked: bool) {
    println!(
        "{}",
        json!({ "bench": format!("index.{bench}"), "ours": ours, "unit": unit, "limit": null, "checked": checked })
    );
}

/// Who is in which segment, as the index says.
type Memberships = BTreeMap<SegmentId, (Expr, RoaringBitmap)>;

fn memberships(store: &Store) -> Outcome<Memberships> {
    let saved = store.read_blocking(segments::list)?;
    let mut all = BTreeMap::new();
    for segment in saved {
        // With what it takes to be in the top, as that was measured.
        let (expr, members) = store.with_index(|index| {
            let expr = index.scope().segments.get(&segment.name).cloned();
            (expr, index.members_of(segment.id).cloned())
        });
        let expr = expr.ok_or("a segment is saved and not followed")?;
        all.insert(segment.id, (expr, members.unwrap_or_default()));
    }
    Ok(all)
}

struct Law {
    runtime: tokio::runtime::Runtime,
    store: Store,
    rows: Rows,
    pool: Arc<Vec<ContactRecord>>,
    dice: Dice,
    people: u32,
    /// Addresses that were given out.
    born: u32,
    compared: u64,
    wrong: u64,
}

impl Law {
    fn follow(&self, exprs: &[Expr]) -> Outcome<Vec<SegmentId>> {
        let mut all = Vec::new();
        for (n, expr) in exprs.iter().enumerate() {
            let expr = expr.clone();
            all.push(self.store.write_blocking(Priority::User, move |tx| {
                Ok(segments::save(tx, None, &format!("random {n}"), &expr)?.id)
            })?);
        }
        Ok(all)
    }

    fn redefine(&mut self, followed: &[SegmentId], expr: &Expr) -> Outcome<()> {
        let (id, expr) = (*self.dice.of(followed), expr.clone());
        self.store.write_blocking(Priority::User, move |tx| {
            let name = format!("anew {}", id.0);
            segments::save(tx, Some(id), &name, &expr)
        })?;
        Ok(())
    }

    fn memberships(&self) -> Outcome<Memberships> {
        memberships(&self.store)
    }

    /// A commit in which this and that happens to some, before it time may pass: its milliseconds, those of the clock not
    /// counted.
    fn commit(&mut self, few: &[u32]) -> Outcome<f64> {
        if self.dice.next().is_multiple_of(2) {
            let by = TimeDelta::milliseconds((self.dice.next() % (36 * 3_600_000)) as i64);
            let to = self.store.as_of() + by;
            self.runtime.block_on(self.store.advance_clock(to))?;
        }
        let acts: Vec<Act> = (0..=self.dice.next() % ACTS)
            .map(|_| {
                self.born += 1;
                Act {
                    contact: ContactId(*self.dice.of(few)),
                    kind: self.dice.next() % 40,
                    seed: self.dice.next(),
                    born: self.born,
                }
            })
            .collect();
        let pool = self.pool.clone();
        let start = Instant::now();
        self.store.write_blocking(Priority::User, move |tx| {
            acts.iter().try_for_each(|act| act.happens(tx, &pool))
        })?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }

    fn look_at_few(&mut self, few: &[u32], asked: &[Expr]) -> Outcome<()> {
        let records = self.rows.records(&self.store, (1, self.people), Some(few))?;
        let (look, answers) = self.asked(asked)?;
        let found = look.compare(&records, &answers);
        self.compared += found.compared;
        self.wrong += found.wrong;
        Ok(())
    }

    /// Everybody, on every core; and that nobody else is meant.
    fn look_at_all(&mut self, asked: &[Expr]) -> Outcome<Vec<RoaringBitmap>> {
        let (look, answers) = self.asked(asked)?;
        let parts: Vec<u32> = (0..=self.born).step_by(PART as usize).collect();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let work = |core: usize| -> std::result::Result<Found, String> {
            let mut all = Found::new(answers.len());
            for first in parts.iter().skip(core).step_by(cores) {
                let range = (*first, first + PART - 1);
                let records = self.rows.records(&self.store, range, None);
                all.add(look.compare(&records.map_err(|e| e.to_string())?, &answers));
            }
            Ok(all)
        };
        let found = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || work(core))).collect();
            let mut all = Found::new(answers.len());
            for thread in threads {
                all.add(thread.join().map_err(|_| "a thread ended early")??);
            }
            Ok::<_, String>(all)
        })?;
        self.compared += found.compared;
        self.wrong += found.wrong;
        for ((expr, members), n) in answers.iter().zip(found.meant) {
            if members.len() != n {
                eprintln!("{} are meant and {n} are there: {}", members.len(), print(expr));
                self.wrong += 1;
            }
        }
        let kept = answers.len() - asked.len();
        Ok(answers
            .into_iter()
            .skip(kept)
            .map(|(_, members)| members)
            .collect())
    }

    /// What the index says now: of the segments, then of the expressions that nobody keeps.
    fn asked(&self, asked: &[Expr]) -> Outcome<(Look, Vec<(Expr, RoaringBitmap)>)> {
        let at = self.store.as_of();
        let mut answers: Vec<(Expr, RoaringBitmap)> = self.memberships()?.into_values().collect();
        let scope = self.store.with_index(|index| {
            let found = asked.iter().map(|expr| {
                let members = index.members(expr, at);
                (index.measured(expr, at).into_owned(), members)
            });
            answers.extend(found);
            index.scope().clone()
        });
        Ok((Look { scope, at }, answers))
    }

    /// Whoever came last and did not leave is in.
    fn look_at_edges(&mut self) -> Outcome<()> {
        let inside = self.rows.inside()?;
        for (id, (_, members)) in self.memberships()? {
            if inside.get(&id).cloned().unwrap_or_default() != members {
                eprintln!("the edges of segment {} say something else", id.0);
                self.wrong += 1;
            }
        }
        Ok(())
    }
}

/// How everybody is looked at.
struct Look {
    scope: Scope,
    at: Moment,
}

struct Found {
    compared: u64,
    wrong: u64,
    /// How many each expression means.
    meant: Vec<u64>,
}

impl Found {
    fn new(exprs: usize) -> Found {
        Found {
            compared: 0,
            wrong: 0,
            meant: vec![0; exprs],
        }
    }

    fn add(&mut self, other: Found) {
        self.compared += other.compared;
        self.wrong += other.wrong;
        self.meant
            .iter_mut()
            .zip(other.meant)
            .for_each(|(n, more)| *n += more);
    }
}

impl Look {
    fn compare(&self, records: &[ContactRecord], answers: &[(Expr, RoaringBitmap)]) -> Found {
        let mut found = Found::new(answers.len());
        for ((expr, members), meant) in answers.iter().zip(&mut found.meant) {
            for who in records {
                let holds = eval(expr, who, self.at, &self.scope).holds;
                *meant += u64::from(holds);
                found.compared += 1;
                if holds != members.contains(who.id) {
                    found.wrong += 1;
                    if found.wrong <= 3 {
                        eprintln!("of contact {} the rows say {holds}: {}", who.id, print(expr));
                    }
                }
            }
        }
        found
    }
}

/// Something that happens to a contact, or somebody who is new.
struct Act {
    contact: ContactId,
    kind: u64,
    seed: u64,
    born: u32,
}

impl Act {
    fn happens(&self, tx: &mut Tx<'_>, pool: &[ContactRecord]) -> carillon_store::Result<()> {
        let mut dice = Dice(self.seed);
        if !contacts::exists(tx, self.contact)? {
            return Ok(());
        }
        let like = dice.of(pool);
        match self.kind {
            0..=11 => self.value(tx, like, &mut dice),
            12..=15 => like.tags.iter().try_for_each(|tag| {
                contacts::add_tag(tx, self.contact, tag, "law")?;
                Ok(())
            }),
            16..=18 => like.tags.iter().try_for_each(|tag| {
                contacts::remove_tag(tx, self.contact, tag)?;
                Ok(())
            }),
            19..=29 => self.events(tx, like, &mut dice),
            30..=34 => self.word(tx, &mut dice),
            35 | 36 => self.keep_out(tx, &mut dice),
            37 => contacts::delete(tx, self.contact, None, "law"),
            _ => put_in(tx, &[Person::new(self.born, pool, &mut dice)]),
        }
    }

    fn value(&self, tx: &mut Tx<'_>, like: &ContactRecord, dice: &mut Dice) -> carillon_store::Result<()> {
        let key = dice.of(carillon_engine::segment::arbitrary::KEYS);
        contacts::set_field(tx, self.contact, key, like.fields.get(*key), "law")?;
        Ok(())
    }

    /// From three days ago to a day ahead.
    fn events(&self, tx: &mut Tx<'_>, like: &ContactRecord, dice: &mut Dice) -> carillon_store::Result<()> {
        let now = tx.now();
        let done: Vec<NewEvent> = like
            .events
            .iter()
            .map(|event| NewEvent {
                contact: self.contact,
                name: event.name.clone(),
                at: now + TimeDelta::milliseconds((dice.next() % (4 * 86_400_000)) as i64)
                    - TimeDelta::days(3),
                source: "law".to_owned(),
                props: event.props.clone(),
            })
            .collect();
        events::append(tx, &done)?;
        Ok(())
    }

    fn word(&self, tx: &mut Tx<'_>, dice: &mut Dice) -> carillon_store::Result<()> {
        let action = dice.of(&[
            ConsentAction::Granted,
            ConsentAction::Granted,
            ConsentAction::Withdrawn,
        ]);
        let word = Consent {
            contact: self.contact,
            channel: Channel::Email,
            purpose: *dice.of(&[Purpose::Marketing, Purpose::Transactional]),
            action: *action,
            basis: *dice.of(&[Basis::Consent, Basis::LegitimateInterest]),
            wording: None,
            wording_hash: None,
            source: "law".to_owned(),
            at: tx.now(),
        };
        consents::append(tx, &[word])
    }

    fn keep_out(&self, tx: &mut Tx<'_>, dice: &mut Dice) -> carillon_store::Result<()> {
        let Some(email) = email_of(tx, self.contact)? else {
            return Ok(());
        };
        match dice.next().is_multiple_of(2) {
            true => suppressions::add(tx, &email, SuppressionReason::Manual, "law")?,
            false => suppressions::remove(tx, &email, "a mistake", "law")?,
        };
        Ok(())
    }
}
