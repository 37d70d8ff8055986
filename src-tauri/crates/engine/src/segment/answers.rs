//! Which of the messages somebody was sent were answered.

use super::eval::{Facts, Seen};
use super::occurrences::times_hold;
use crate::record::Verdict;
use carillon_model::Moment;
use carillon_model::response::TEMPLATE;
use carillon_model::segment::{Answer, EventMatch, Times};

/// The messages of one contact and the answers to them.
pub(super) struct Answers<'a> {
    /// In order of time, those of one moment in that of their templates.
    messages: Vec<(Moment, &'a str)>,
    /// By template in order of time.
    of_templates: Vec<(&'a str, Moment)>,
    answers: Vec<(&'a str, Moment)>,
}

/// How many of the last messages were answered.
pub(super) struct Tally {
    pub answered: usize,
    /// Those looked at: as many as are asked for, or all there are.
    pub of: usize,
}

impl<'a> Answers<'a> {
    pub fn of<F: Facts>(who: &'a F, answer: Answer) -> Answers<'a> {
        let (mut messages, mut answers) = (Vec::new(), Vec::new());
        who.messages(&mut |template, at| messages.push((at, template)));
        let event = EventMatch {
            name: answer.event().to_owned(),
            props: Vec::new(),
        };
        who.values(&event, TEMPLATE, &mut |at, value| {
            if let Seen::Text(template) = value {
                answers.push((template, at));
            }
        });
        messages.sort_unstable();
        answers.sort_unstable();
        let mut of_templates: Vec<(&str, Moment)> = messages.iter().map(|(at, of)| (*of, *at)).collect();
        of_templates.sort_unstable();
        Answers {
            messages,
            of_templates,
            answers,
        }
    }

    /// Of those that have happened.
    pub fn tally(&self, last: u32, now: Moment) -> Tally {
        let happened = self.messages.partition_point(|(at, _)| *at <= now);
        let looked_at = &self.messages[happened.saturating_sub(last as usize)..happened];
        let answered = looked_at
            .iter()
            .filter(|(at, of)| self.answered_at(of, *at).is_some_and(|answered| answered <= now));
        Tally {
            answered: answered.count(),
            of: looked_at.len(),
        }
    }

    /// When the message of a template that was sent at a moment was first answered.
    fn answered_at(&self, of: &str, at: Moment) -> Option<Moment> {
        let same =
            |found: Option<&(&str, Moment)>| found.filter(|(template, _)| *template == of).map(|(_, at)| *at);
        let next = self.of_templates.partition_point(|each| *each <= (of, at));
        let answer = self.answers.partition_point(|each| *each < (of, at));
        let ends = same(self.of_templates.get(next));
        same(self.answers.get(answer)).filter(|answer| ends.is_none_or(|ends| *answer < ends))
    }

    /// Whether so many of the last were answered, until the next of what is still to come.
    pub fn verdict(&self, times: Times, last: u32, now: Moment) -> Verdict {
        let tally = self.tally(last, now);
        let messages = self.messages.iter().map(|(at, _)| *at);
        let all = messages.chain(self.answers.iter().map(|(_, at)| *at));
        Verdict {
            holds: tally.of == last as usize && times_hold(times, tally.answered),
            until: all.filter(|at| *at > now).min(),
        }
    }
}
