//! What a draft sees of contacts, and what of that decides how it goes for them.

use super::World;
use super::behaviour::Cause;
use crate::journey::node::Written;
use crate::segment::{Needs, changed_key};
use carillon_model::Moment;
use carillon_model::segment::Expr;
use std::collections::BTreeSet;

/// What a draft, and the scores that it asks for, read of contacts.
#[derive(Debug)]
pub struct Sight<'a> {
    pub(crate) world: World<'a>,
    /// All of it.
    pub(crate) all: Needs,
    /// Conditions on what nothing changes while the draft is played. Of what only they read their truth decides, as long as time
    /// does not turn it over.
    pub(crate) settled: Vec<&'a Expr>,
    /// What is read beside by others.
    pub(crate) beside: Needs,
    /// Whether what mails bring about is drawn, so that nobody is like anybody.
    pub(crate) answers: bool,
}

impl<'a> Sight<'a> {
    /// What is seen in a world.
    pub fn new(world: World<'a>) -> Sight<'a> {
        let version = world.version;
        let changing = Changing::of(world);
        let mut all = version.needs().of_contact();
        let mut beside = Needs::some_fields(&version.needs().by_steps);
        if let Some(scores) = world.scores {
            all.merge(scores.needs());
            beside.merge(scores.needs());
        }
        let mut settled = Vec::new();
        for condition in version.conditions() {
            let needs = Needs::of(condition, &world.scope.segments);
            match changing.touches(&needs) {
                true => beside.merge(&needs),
                false => settled.push((condition, needs)),
            }
        }
        settled.retain(|(_, needs)| !needs.is_within(&beside));
        let mails = |behaviour: &super::Behaviour| behaviour.cause == Cause::AfterMail;
        Sight {
            world,
            all,
            settled: settled.into_iter().map(|(condition, _)| condition).collect(),
            beside,
            answers: world.behaviours.iter().any(mails),
        }
    }

    /// The end of what is played.
    pub(crate) fn end(&self) -> Moment {
        self.world.plan.end()
    }
}

/// What the draft and its scores change of a contact who does nothing by itself.
struct Changing<'a> {
    fields: BTreeSet<String>,
    tags: BTreeSet<&'a str>,
    events: BTreeSet<&'a str>,
    mails: bool,
}

impl<'a> Changing<'a> {
    fn of(world: World<'a>) -> Changing<'a> {
        let version = world.version;
        let mut changing = Changing {
            fields: BTreeSet::new(),
            tags: BTreeSet::new(),
            events: version.posts().collect(),
            mails: !version.needs().templates.is_empty(),
        };
        for written in version.writes() {
            match written {
                Written::Field(key) => changing.fields.extend([key.to_owned(), changed_key(key)]),
                Written::Tag(tag) => drop(changing.tags.insert(tag)),
            }
        }
        for key in world.scores.into_iter().flat_map(|scores| scores.written()) {
            changing.fields.extend([key.to_owned(), changed_key(key)]);
        }
        changing
    }

    /// Whether any of it is needed.
    fn touches(&self, needs: &Needs) -> bool {
        let reads_mails = needs.any_message || !needs.templates.is_empty();
        let field = |key: &String| self.fields.contains(key);
        needs.fields.iter().chain(&needs.past).any(field)
            || needs.tags.iter().any(|tag| self.tags.contains(tag.as_str()))
            || needs
                .events
                .iter()
                .any(|name| self.events.contains(name.as_str()))
            || self.mails && reads_mails
            || needs.zone && self.fields.contains("time_zone")
    }
}
