//! What becomes of a mail in a simulation.

use super::{Life, Watch};
use crate::journey::PassageId;
use crate::sim::behaviour::MailOf;
use carillon_model::Moment;
use carillon_model::consent::{Channel, Purpose};
use carillon_model::journey::{Input, Outcome, StepIx};

/// A mail that was asked for.
pub(super) struct Mail {
    pub enrolment: u32,
    pub step: StepIx,
    pub visit: u32,
    pub template: String,
    pub account: Option<String>,
    pub transactional: bool,
}

impl Life<'_> {
    /// A mail leaves at once, when its account lets it, or never. What a live run recorded says so itself.
    pub(super) fn deliver(&mut self, mail: Mail, watch: &mut impl Watch) {
        if self.recorded.is_some() {
            return;
        }
        let now = self.clock;
        let record = self.passage.view.record();
        let granted = record
            .permissions
            .contains_key(&(Channel::Email, Purpose::Marketing));
        if record.suppressed || !(mail.transactional || granted) {
            watch.mail(self.world.plan.day(now), false);
            return self.became(&mail, Outcome::Suppressed, watch);
        }
        watch.asks(now, mail.account.as_deref());
        let nth = self.asked;
        self.asked += 1;
        match self.held.binary_search_by_key(&nth, |held| held.nth) {
            Ok(place) => self.hold(self.held[place].until, mail),
            Err(_) => self.leave(&mail, watch),
        }
    }

    fn hold(&mut self, until: Moment, mail: Mail) {
        // Those of one moment leave in the order in which they were asked for.
        let place = self.leaving.partition_point(|(other, _)| *other > until);
        self.leaving.insert(place, (until, mail));
    }

    /// The next mail that was held leaves.
    pub(super) fn leaves(&mut self, watch: &mut impl Watch) {
        if let Some((_, mail)) = self.leaving.pop() {
            self.leave(&mail, watch);
        }
    }

    fn leave(&mut self, mail: &Mail, watch: &mut impl Watch) {
        let now = self.clock;
        watch.mail(self.world.plan.day(now), true);
        let id = self.passage.view.passage;
        self.became(mail, Outcome::Accepted, watch);
        let about = MailOf {
            passage: PassageId {
                enrolment: mail.enrolment,
                ..id
            },
            step: mail.step.0,
            visit: mail.visit,
            template: &mail.template,
        };
        for (place, behaviour) in self.world.behaviours.iter().enumerate() {
            if let Some(event) = behaviour.after_mail(place, self.world.plan.seed, &about, now) {
                self.comes(event);
            }
        }
    }

    fn became(&mut self, mail: &Mail, outcome: Outcome, watch: &mut impl Watch) {
        let asked = (mail.step, mail.visit);
        self.learns(mail.enrolment, asked, &mail.template, outcome, watch);
    }

    /// Tells the passage, or the one that came after it, what became of a mail.
    pub(super) fn learns(
        &mut self,
        enrolment: u32,
        (step, visit): (StepIx, u32),
        template: &str,
        outcome: Outcome,
        watch: &mut impl Watch,
    ) {
        let now = self.clock;
        let told = Input::Sent { step, visit, outcome };
        self.call(watch, |passage, scores, out| {
            let own = passage.view.passage.enrolment == enrolment;
            scores.mailed(passage, own.then_some(&told), (template, outcome), now, out);
        });
    }
}
