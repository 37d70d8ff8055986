//! The town, its inbox and its diary.

use super::diary::{Diary, Got, Line};
use super::turn::arrived;
use super::{WorldSettings, set, truth_of};
use crate::error::{ApiError, Result};
use crate::workspaces::Open;
use carillon_model::Moment;
use carillon_world::inbox::{Answer, Inbox, Listed};
use carillon_world::personas::{Act, Arrival, Person, Persona, Town};
use carillon_world::{Mailbox, Taken, truth};
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// The town is saved after so many lines of the diary.
const SAVED_AFTER: u64 = 20_000;
/// How much of a mail's beginning is read for the list, in bytes.
const HEAD: u64 = 64 << 10;
/// Personas that are remembered, so that a list of mails is filtered at once.
const MOST_PERSONAS: usize = 200_000;

/// Everything the mail world knows.
pub(super) struct State {
    pub settings: WorldSettings,
    pub town: Town,
    pub inbox: Inbox,
    mailbox: Mailbox,
    diary: Diary,
    /// What fell due and is not done yet, in order.
    doing: VecDeque<(Moment, Act)>,
    /// Everything due up to and including this moment was done.
    done: Option<Moment>,
    /// Mails that were found in the server's log when this was read: the server may hand them over, too.
    found: HashSet<String>,
    personas: HashMap<String, Persona>,
}

/// A mail at the town's door, with what the workspace knows of its recipient.
pub(super) struct Arrived {
    pub taken: Taken,
    pub to: String,
    pub zone: chrono_tz::Tz,
    pub language: Option<carillon_world::personas::Language>,
}

impl State {
    /// As it was left.
    ///
    /// # Errors
    /// Files beside the workspace cannot be read or written.
    pub(super) async fn load(open: &Arc<Open>, folder: &Path, mailbox: &Mailbox) -> Result<State> {
        let kept = set::kept(open).await?;
        let (folder, truth, mailbox) = (folder.to_owned(), truth_of(&open.path), mailbox.clone());
        let now = open.now();
        let read = move || State::read(&folder, &truth, mailbox, &kept, now);
        let (mut state, missing) = tokio::task::spawn_blocking(read)
            .await
            .map_err(ApiError::internal)??;
        if !missing.is_empty() {
            // The clock stands where it stood when they were taken.
            state.found = missing.iter().map(|taken| taken.queue_id.clone()).collect();
            let arrived = arrived(open, missing).await?;
            let on = state.settings.on;
            state.take_in(arrived, now, on)?;
        }
        Ok(state)
    }

    /// As it was left, and mails the server took that nobody brought to the town.
    fn read(
        folder: &Path,
        truth_log: &Path,
        mailbox: Mailbox,
        kept: &set::Kept,
        now: Moment,
    ) -> std::io::Result<(State, Vec<Taken>)> {
        let saved = Diary::saved(folder);
        let begun = saved.town.is_some() || saved.offset > 0;
        let mut town = saved.town.unwrap_or_else(|| Town::new(kept.of_town()));
        let mut inbox = Inbox::new(Some(mailbox.clone()));
        let (mut done, mut known) = (saved.done, HashSet::new());
        if let Some(done) = done {
            town.due(done);
        }
        let (mut lines, mut ahead) = (0_u64, 0_u64);
        let diary = Diary::open(folder, |end, line| {
            lines += 1;
            if let Line::Got(got) = &line {
                known.insert(got.queue_id.clone());
            }
            // The workspace was put back to before this: it has not happened.
            if line.at().is_some_and(|at| at > now) {
                ahead += 1;
                return;
            }
            if end > saved.offset {
                relive(&mut town, &mailbox, &line, &mut done, now);
            }
            list(&mut inbox, line);
        })?;
        town.set(kept.of_town());
        let mut state = State {
            settings: kept.settings.clone(),
            town,
            inbox,
            mailbox,
            diary,
            doing: VecDeque::new(),
            done: done.map(|done| done.min(now)),
            found: HashSet::new(),
            personas: HashMap::new(),
        };
        if ahead > 0 {
            tracing::warn!(
                ahead,
                "the mail world remembers what this workspace has not lived yet"
            );
            state.save()?;
        }
        let missing = state.missing(truth_log, &known, begun || lines > 0)?;
        Ok((state, missing))
    }

    /// Mails the server took and nobody wrote down: the program ended between the two. Where this sample had no town when
    /// they were sent, nobody answers them, and they are listed only.
    fn missing(
        &mut self,
        truth_log: &Path,
        known: &HashSet<String>,
        delivers: bool,
    ) -> std::io::Result<Vec<Taken>> {
        let mut missing = Vec::new();
        let records = truth::read(truth_log)?.into_iter();
        for record in records.filter(|record| !known.contains(&record.queue_id)) {
            let message = match delivers {
                true => self.mailbox.read(&record.queue_id)?,
                false => self.mailbox.begin(&record.queue_id, HEAD)?,
            };
            let Some(message) = message else {
                continue;
            };
            let at = carillon_world::inbox::dated(&message).unwrap_or(record.received_at);
            let taken = Taken {
                queue_id: record.queue_id,
                mail_from: record.mail_from,
                rcpt_to: record.rcpt_to,
                message,
            };
            if delivers {
                missing.push(taken);
                continue;
            }
            let each = taken.rcpt_to.iter().map(|to| Arrived {
                to: to.clone(),
                zone: chrono_tz::Tz::UTC,
                language: None,
                taken: taken.clone(),
            });
            self.take_in(each.collect(), at, false)?;
        }
        Ok(missing)
    }

    /// Whether the server's log had this mail when the town was read.
    pub(super) fn has_found(&self, taken: &Taken) -> bool {
        self.found.contains(&taken.queue_id)
    }

    /// Mails come to the town, and into the list.
    ///
    /// # Errors
    /// The diary or the server's mailbox cannot be used.
    pub(super) fn take_in(
        &mut self,
        mut arrived: Vec<Arrived>,
        at: Moment,
        delivers: bool,
    ) -> std::io::Result<()> {
        let mut lines = Vec::with_capacity(arrived.len());
        for one in &mut arrived {
            if one.taken.message.is_empty() {
                one.taken.message = self.mailbox.read(&one.taken.queue_id)?.unwrap_or_default();
            }
            let taken = &one.taken;
            let id = self
                .inbox
                .received(&one.to, &taken.message, at, Some(&taken.queue_id));
            if delivers {
                let arrival = Arrival {
                    to: &one.to,
                    mail_from: &taken.mail_from,
                    zone: one.zone,
                    language: one.language,
                    mail: &taken.message,
                };
                self.town.deliver(&arrival, at);
            }
            let Some(listed) = self.inbox.get(id) else {
                continue;
            };
            lines.push(Line::Got(Box::new(Got {
                at,
                to: one.to.clone(),
                mail_from: taken.mail_from.clone(),
                from: listed.from.clone(),
                subject: listed.subject.clone(),
                message_id: listed.message_id.clone(),
                queue_id: taken.queue_id.clone(),
                zone: one.zone.name().to_owned(),
                language: one.language,
                delivered: delivers,
            })));
        }
        self.write(&lines)
    }

    /// What is due up to this moment and not done, at most so much of it.
    pub(super) fn due(&mut self, now: Moment, most: usize) -> Vec<(Moment, Act)> {
        if self.doing.is_empty() {
            self.doing = self.town.due(now).into();
        }
        self.doing.iter().take(most).cloned().collect()
    }

    /// The first of what [`State::due`] gave was done, and led to more.
    ///
    /// # Errors
    /// The diary cannot be written.
    pub(super) fn did(
        &mut self,
        acts: &[(Moment, Act)],
        more: Vec<(Moment, Act)>,
        now: Moment,
    ) -> std::io::Result<()> {
        self.doing.drain(..acts.len().min(self.doing.len()));
        let mut lines = self.answers(acts);
        for (at, act) in more {
            self.town.then(at, act.about.clone(), act.deed.clone());
            lines.push(Line::Then {
                at,
                act: Box::new(act),
            });
        }
        let before = |at: Moment| at - TimeDelta::milliseconds(1);
        let next = self.next_at().map_or(now, before);
        let until = now.min(next);
        if self.done.is_none_or(|done| done < until) {
            self.done = Some(until);
            lines.push(Line::Done { until });
        }
        self.write(&lines)
    }

    /// The user did something as somebody.
    ///
    /// # Errors
    /// The diary cannot be written.
    pub(super) fn did_by_hand(&mut self, at: Moment, act: &Act, leaves: bool) -> std::io::Result<()> {
        let mut lines = self.answers(&[(at, act.clone())]);
        if leaves {
            self.town.left(&act.who(), at);
            lines.push(Line::Left { who: act.who(), at });
        }
        self.write(&lines)
    }

    fn answers(&mut self, acts: &[(Moment, Act)]) -> Vec<Line> {
        let mut lines = Vec::with_capacity(acts.len());
        for (at, act) in acts {
            let Some(answer) = Answer::of(*at, act) else {
                continue;
            };
            let (who, message_id) = (act.who(), act.about.message_id.clone());
            if self.inbox.answer(&who, &message_id, answer.clone()) {
                lines.push(Line::Did {
                    who,
                    message_id,
                    answer,
                });
            }
        }
        lines
    }

    /// When the next act is due.
    pub(super) fn next_at(&self) -> Option<Moment> {
        let doing = self.doing.front().map(|(at, _)| *at);
        doing.into_iter().chain(self.town.next_at()).min()
    }

    /// How many acts are to come.
    pub(super) fn to_come(&self) -> usize {
        self.doing.len() + self.town.len()
    }

    /// Sets the world anew.
    ///
    /// # Errors
    /// The town cannot be saved.
    pub(super) fn set(&mut self, kept: &set::Kept) -> std::io::Result<()> {
        self.settings = kept.settings.clone();
        self.town.set(kept.of_town());
        self.personas.clear();
        if !kept.settings.on {
            self.doing.clear();
            self.town.forget_acts();
        }
        // What comes before in the diary was of another world.
        self.save()
    }

    /// What kind of person has an address.
    pub(super) fn persona(&mut self, address: &str) -> Persona {
        if let Some(known) = self.personas.get(address) {
            return *known;
        }
        let persona = Person::of(self.town.settings(), address).persona;
        if self.personas.len() >= MOST_PERSONAS {
            self.personas.clear();
        }
        self.personas.insert(address.to_owned(), persona);
        persona
    }

    fn write(&mut self, lines: &[Line]) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.diary.write(lines)?;
        match self.diary.since > SAVED_AFTER {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// Writes the town, so that the diary up to here need not be lived again.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn save(&mut self) -> std::io::Result<()> {
        // What fell due and is not done is in no town any more: it is in the one that was saved before.
        match self.doing.is_empty() {
            true => self.diary.save(&self.town, self.done),
            false => Ok(()),
        }
    }
}

/// What a line did to the town. What was to be done after `now` is still to come, whatever the line says.
fn relive(town: &mut Town, mailbox: &Mailbox, line: &Line, done: &mut Option<Moment>, now: Moment) {
    match line {
        Line::Got(got) if got.delivered => {
            let message = mailbox.read(&got.queue_id).ok().flatten();
            let arrival = Arrival {
                to: &got.to,
                mail_from: &got.mail_from,
                zone: got.zone.parse().unwrap_or_default(),
                language: got.language,
                mail: &message.unwrap_or_default(),
            };
            town.deliver(&arrival, got.at);
        }
        Line::Then { at, act } => {
            town.then(*at, act.about.clone(), act.deed.clone());
        }
        Line::Left { who, at } => town.left(who, *at),
        // Line by line: what a mail that came later leads to was not done, be it due before.
        Line::Done { until } => {
            *done = (*done).max(Some(*until));
            town.due((*until).min(now));
        }
        Line::Got(_) | Line::Did { .. } => {}
    }
}

/// What a line did to the list.
fn list(inbox: &mut Inbox, line: Line) {
    match line {
        Line::Got(got) => {
            let listed = Listed {
                id: 0,
                received_at: got.at,
                to: got.to.to_lowercase(),
                from: got.from,
                subject: got.subject,
                message_id: got.message_id,
                answers: Vec::new(),
            };
            inbox.restore(listed, &got.queue_id);
        }
        Line::Did {
            who,
            message_id,
            answer,
        } => {
            inbox.answer(&who, &message_id, answer);
        }
        Line::Then { .. } | Line::Left { .. } | Line::Done { .. } => {}
    }
}
