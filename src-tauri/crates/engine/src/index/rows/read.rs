//! What the source has, read whole when somebody first asks for it; `None` where it could not be read.

use super::past::points;
use super::{Happened, Messages, entry, message, movement};
use crate::index::column::Column;
use crate::index::postings::Postings;
use crate::index::source::{ColumnPart, EventPart, Source};
use crate::record::{Moved, Movement, Past};
use carillon_model::ContactId;

pub(super) fn read_column(source: &dyn Source, key: &str) -> Option<Column> {
    let mut column = Column::default();
    let whole = source.column(key, &mut |part| match part {
        ColumnPart::Chunk(chunk) => column.load_chunk(&chunk).is_some(),
        ColumnPart::Value(contact, value) => {
            column.set(contact.0, value.as_ref());
            true
        }
    });
    whole.then_some(column)
}

pub(super) fn read_events(source: &dyn Source, name: &str) -> Option<Happened> {
    let mut happened = Happened::default();
    let whole = source.events(name, &mut |part| match part {
        EventPart::Chunk(chunk) => happened.load_chunk(&chunk).is_some(),
        EventPart::Event(event) => {
            let new = happened.posting(&event);
            happened.postings.add(&new);
            true
        }
    });
    happened.postings.settle(true);
    whole.then_some(happened)
}

pub(super) fn read_sent(source: &dyn Source) -> Option<Messages> {
    let mut sent = Messages::new();
    let whole = source.sent(&mut |contact, template, at, id| {
        entry(&mut sent, template).add(&message(contact, at, id));
    });
    sent.values_mut().for_each(|sent| sent.settle(true));
    whole.then_some(sent)
}

pub(super) fn read_moved(source: &dyn Source, wanted: &Movement) -> Option<Postings> {
    let mut postings = Postings::default();
    let whole = source.moved(wanted, &mut |contact, at, number| {
        let moved = Moved {
            movement: wanted.clone(),
            at,
            number,
        };
        postings.add(&movement(contact, &moved));
    });
    postings.settle(true);
    whole.then_some(postings)
}

pub(super) fn read_past(source: &dyn Source, key: &str) -> Option<Postings> {
    let mut postings = Postings::default();
    let (mut of, mut past) = (ContactId(0), Past::default());
    let mut put = |of: ContactId, past: Past| {
        for (at, n) in past.iter() {
            postings.add(&points(of, at, n));
        }
    };
    let whole = source.turned(key, &mut |contact, turned| {
        if contact != of {
            put(of, std::mem::take(&mut past));
            of = contact;
        }
        past.turns(turned);
    });
    put(of, past);
    postings.settle(true);
    whole.then_some(postings)
}
