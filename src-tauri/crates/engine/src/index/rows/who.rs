//! One contact of the rows, as a clause asks.

use super::{Happened, Rows};
use crate::index::postings::Posting;
use crate::record::{Movement, Past};
use crate::segment::{Facts, Seen};
use carillon_model::consent::{Basis, Channel, Purpose};
use carillon_model::event::Event;
use carillon_model::segment::EventMatch;
use carillon_model::{ContactId, EventId, Moment};
use chrono_tz::Tz;

/// One contact, asked in place.
pub(in crate::index) struct Who<'a> {
    pub(super) rows: &'a Rows,
    pub(super) id: u32,
}

impl Who<'_> {
    /// Arrival and source are not in the index: the moment itself and nothing stand for them.
    pub(super) fn event(&self, name: &str, happened: &Happened, posting: &Posting<'_>) -> Event {
        Event {
            id: EventId(posting.id()),
            contact: ContactId(self.id),
            name: name.to_owned(),
            at: posting.at(),
            arrived_at: posting.at(),
            source: String::new(),
            props: happened.symbols.unpack(posting.props()),
        }
    }
}

impl Facts for Who<'_> {
    fn contact(&self) -> ContactId {
        ContactId(self.id)
    }
    fn field(&self, key: &str) -> Option<Seen<'_>> {
        self.rows.column(key)?.get(self.id)
    }
    fn has_tag(&self, tag: &str) -> bool {
        self.rows.tags.get(tag).is_some_and(|has| has.contains(self.id))
    }
    fn events(&self, matching: &EventMatch, push: &mut dyn FnMut(Moment)) {
        let happened = self.rows.events(&matching.name);
        let own = happened.postings.of(self.id).iter();
        let wanted = own.filter(|p| happened.symbols.pass(&matching.props, p.props()));
        wanted.for_each(|p| push(p.at()));
    }
    fn values<'a>(&'a self, matching: &EventMatch, prop: &str, push: &mut dyn FnMut(Moment, Seen<'a>)) {
        let Happened { postings, symbols } = self.rows.events(&matching.name);
        let Some(key) = symbols.number(prop) else {
            return;
        };
        for posting in postings.of(self.id).iter() {
            if let Some(value) = posting.prop(key)
                && symbols.pass(&matching.props, posting.props())
            {
                push(posting.at(), symbols.seen(&value));
            }
        }
    }
    fn sent(&self, template: Option<&str>, push: &mut dyn FnMut(Moment)) {
        match template {
            Some(template) => {
                let postings = self.rows.sent().get(template);
                postings
                    .into_iter()
                    .flat_map(|p| p.of(self.id).iter())
                    .for_each(|p| push(p.at()));
            }
            None => self
                .rows
                .sent()
                .values()
                .flat_map(|p| p.of(self.id).iter())
                .for_each(|p| push(p.at())),
        }
    }
    fn messages<'a>(&'a self, push: &mut dyn FnMut(&'a str, Moment)) {
        for (template, postings) in self.rows.sent() {
            postings.of(self.id).iter().for_each(|p| push(template, p.at()));
        }
    }
    fn moved(&self, movement: &Movement, push: &mut dyn FnMut(Moment)) {
        let own = self.rows.moved(movement).of(self.id);
        own.iter().for_each(|p| push(p.at()));
    }
    fn past(&self, key: &str) -> Past {
        let own = self.rows.past(key).of(self.id);
        Past::of(own.iter().map(|p| (p.at(), p.id())).collect())
    }
    fn permission(&self, channel: Channel, purpose: Purpose) -> Option<Basis> {
        let granted = self
            .rows
            .permissions
            .iter()
            .filter(|(key, _)| (key.0, key.1) == (channel, purpose));
        granted
            .filter(|(_, has)| has.contains(self.id))
            .map(|(key, _)| key.2)
            .next()
    }
    fn suppressed(&self) -> bool {
        self.rows.suppressed.contains(self.id)
    }
    fn zone(&self) -> Option<Tz> {
        match self.field("time_zone") {
            Some(Seen::Text(name)) => name.parse().ok(),
            _ => None,
        }
    }
}
