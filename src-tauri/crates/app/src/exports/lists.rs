//! What is listed, read to its end a page at a time: contacts, messages, events, addresses that are not written to, and
//! figures.

use super::companies::CompanyRows;
use super::people::{CampaignRows, JourneyRows};
use super::{Cell, Column, ExportList, ExportReport, Kind};
use crate::contacts::whom;
use crate::error::{Code, Result, fail};
use crate::outbox::OutboxRow;
use crate::reports::{self, Bucket, FunnelOf, Span};
use crate::workspaces::Open;
use crate::{Ctx, outbox};
use carillon_engine::segment::Needs;
use carillon_model::contact::Contact;
use carillon_model::event::{Event, Prop};
use carillon_model::message::MessageState;
use carillon_model::{ContactId, EventId, JourneyId, MessageId};
use carillon_store::{Db, companies, contacts, events, suppressions};
use serde::Serialize;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows of a page.
pub(super) const PAGE: u32 = 1_000;
/// Most columns that properties of events become.
const PROPERTIES: usize = 480;
/// Ten years of days: all there is.
const DAYS: u32 = 3_650;

/// Rows of a table.
pub(super) type Rows = Vec<Vec<Cell>>;

/// A list that is read to its end.
pub(crate) struct List {
    columns: Vec<Column>,
    /// Rows, as well as it is known.
    total: u64,
    source: Source,
}

enum Source {
    Contacts(Contacts),
    Companies(CompanyRows),
    Messages(Messages),
    Events(Events),
    Suppressions(Option<ContactId>),
    Campaign(CampaignRows),
    Journey(JourneyRows),
    /// What is there already, once.
    Ready(Rows),
}

impl List {
    pub fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next rows; `None`: that was all.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self, open: &Arc<Open>) -> Result<Option<Rows>> {
        match &mut self.source {
            Source::Contacts(list) => list.next(open).await,
            Source::Companies(list) => list.next(open).await,
            Source::Messages(list) => list.next(open).await,
            Source::Events(list) => list.next(open).await,
            Source::Suppressions(after) => suppressed(open, after).await,
            Source::Campaign(list) => list.next(open).await,
            Source::Journey(list) => list.next(open).await,
            Source::Ready(rows) => Ok(Some(std::mem::take(rows)).filter(|rows| !rows.is_empty())),
        }
    }
}

/// Columns by their names and kinds.
pub(super) fn columns(of: &[(&str, Kind)]) -> Vec<Column> {
    of.iter().map(|(name, kind)| Column::new(name, *kind)).collect()
}

/// The word that a value has on the outside.
pub(super) fn word_of(value: &impl Serialize) -> Cell {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Cell::text(word),
        _ => Cell::Empty,
    }
}

/// The list that was asked for.
///
/// # Errors
/// When there is no such thing.
pub(super) async fn of(cx: &Ctx, list: ExportList) -> Result<List> {
    let open = cx.open()?;
    match list {
        ExportList::Contacts { who, columns } => contacts_of(open, whom(open, who)?, columns).await,
        ExportList::Companies => companies_of(open).await,
        ExportList::Messages {
            states,
            journey,
            search,
        } => messages_of(open, states, journey, search).await,
        ExportList::Events { contact, name } => events_of(open, contact, name).await,
        ExportList::History { contact } => super::past::history_of(open, contact).await,
        ExportList::Suppressions => suppressions_of(open).await,
        ExportList::Campaign { campaign } => {
            let rows = CampaignRows::of(open, campaign).await?;
            Ok(List {
                columns: CampaignRows::columns(),
                total: rows.total(),
                source: Source::Campaign(rows),
            })
        }
        ExportList::Journey { journey, step } => {
            let (rows, total) = JourneyRows::of(open, journey, step).await?;
            Ok(List {
                columns: JourneyRows::columns(),
                total,
                source: Source::Journey(rows),
            })
        }
        ExportList::Report { report } => report_of(cx, report).await,
        ExportList::Funnel { journey } => funnel_of(cx, journey).await,
    }
}

struct Contacts {
    ids: Vec<ContactId>,
    at: usize,
    keys: Vec<String>,
}

async fn contacts_of(open: &Open, ids: Vec<ContactId>, keys: Vec<String>) -> Result<List> {
    let mut fields = open.store.catalogue().fields();
    let keys = match keys.is_empty() {
        true => {
            if open.store.read(companies::count).await? == 0 {
                fields.retain(|field| !field.is_of_company());
            }
            fields.iter().map(|field| field.key.clone()).collect()
        }
        false => keys,
    };
    let kind = |key: &String| {
        let field = fields.iter().find(|field| field.key == *key);
        field.map_or(Kind::Text, |field| Kind::of(field.field_type))
    };
    let named = keys.iter().map(|key| Column::new(key, kind(key)));
    Ok(List {
        columns: named.chain([Column::new("tags", Kind::Texts)]).collect(),
        total: ids.len() as u64,
        source: Source::Contacts(Contacts { ids, at: 0, keys }),
    })
}

impl Contacts {
    async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        let end = (self.at + PAGE as usize).min(self.ids.len());
        if self.at == end {
            return Ok(None);
        }
        let ids = self.ids[self.at..end].to_vec();
        self.at = end;
        let found = open.store.read(move |db| contacts::get_many(db, &ids)).await?;
        Ok(Some(found.iter().map(|contact| self.row(contact)).collect()))
    }

    fn row(&self, contact: &Contact) -> Vec<Cell> {
        let values: BTreeMap<&str, Cell> = contact
            .fields
            .iter()
            .map(|field| (field.key.as_str(), Cell::from(&field.value)))
            .collect();
        let cells = self.keys.iter().map(|key| match key.as_str() {
            "email" => Cell::text(contact.email.clone()),
            "created_at" => Cell::Moment(contact.created_at),
            key => values.get(key).cloned().unwrap_or(Cell::Empty),
        });
        let tags = match contact.tags.is_empty() {
            true => Cell::Empty,
            false => Cell::Texts(contact.tags.iter().cloned().collect()),
        };
        cells.chain([tags]).collect()
    }
}

async fn companies_of(open: &Open) -> Result<List> {
    let total = open.store.read(companies::count).await?;
    let known = open.store.catalogue().fields();
    Ok(List {
        columns: CompanyRows::columns(&known),
        total,
        source: Source::Companies(CompanyRows::of(&known)),
    })
}

struct Messages {
    wanted: outbox::Wanted,
    before: Option<MessageId>,
    ended: bool,
}

/// What of a message is written.
pub(super) const MESSAGE: [(&str, Kind); 12] = [
    ("email", Kind::Text),
    ("subject", Kind::Text),
    ("state", Kind::Text),
    ("journey", Kind::Text),
    ("step", Kind::Text),
    ("template", Kind::Text),
    ("account", Kind::Text),
    ("queued_at", Kind::Moment),
    ("next_at", Kind::Moment),
    ("attempts", Kind::Whole),
    ("last_word", Kind::Text),
    ("message_id", Kind::Text),
];

async fn messages_of(
    open: &Open,
    states: Vec<MessageState>,
    journey: Option<JourneyId>,
    search: Option<String>,
) -> Result<List> {
    let counts = open
        .store
        .read(move |db| carillon_store::outbox::counts(db, journey))
        .await?;
    let of = |(state, _): &(&MessageState, &u64)| states.is_empty() || states.contains(state);
    Ok(List {
        columns: columns(&MESSAGE),
        total: counts.iter().filter(of).map(|(_, n)| n).sum(),
        source: Source::Messages(Messages {
            wanted: outbox::Wanted::new(states, journey, search),
            before: None,
            ended: false,
        }),
    })
}

impl Messages {
    async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        if self.ended {
            return Ok(None);
        }
        let (wanted, before) = (self.wanted.clone(), self.before);
        let (found, last) = open
            .store
            .read(move |db| {
                let (found, last) = wanted.batch(db, before)?;
                let named = found.into_iter().map(|message| outbox::with_names(db, message));
                Ok((named.collect::<carillon_store::Result<Vec<_>>>()?, last))
            })
            .await?;
        self.ended = last.is_none();
        self.before = last;
        Ok(Some(found.into_iter().map(message).collect()))
    }
}

fn message(row: OutboxRow) -> Vec<Cell> {
    let message = row.message;
    vec![
        Cell::text(message.to),
        Cell::text(message.subject),
        word_of(&message.state),
        Cell::text(row.journey_name.unwrap_or_default()),
        Cell::text(row.step_title.unwrap_or_default()),
        Cell::text(row.template_name),
        Cell::text(row.account_name),
        Cell::Moment(message.queued_at),
        message.next_at.into(),
        Cell::Whole(i64::from(message.attempts)),
        Cell::text(message.last_word.unwrap_or_default()),
        Cell::text(message.message_id),
    ]
}

/// Where events come from.
#[derive(Clone)]
struct Picked {
    /// Those of one contact; `None`: all.
    ids: Option<Arc<Vec<EventId>>>,
    name: Option<String>,
}

impl Picked {
    /// A page of events behind `after`, up to those that were there when it began, and where to go on.
    fn page(
        &self,
        db: &Db<'_>,
        after: EventId,
        last: EventId,
    ) -> carillon_store::Result<(Vec<Event>, Option<EventId>)> {
        let mut found = match &self.ids {
            None => events::after(db, after, PAGE)?,
            Some(ids) => {
                let begin = ids.partition_point(|id| *id <= after);
                let end = (begin + PAGE as usize).min(ids.len());
                events::get_many(db, &ids[begin..end])?
            }
        };
        found.retain(|event| event.id <= last);
        let more = found.last().map(|event| event.id).filter(|id| *id < last);
        found.retain(|event| self.name.as_ref().is_none_or(|name| event.name == *name));
        Ok((found, more))
    }
}

struct Events {
    picked: Picked,
    properties: Vec<(String, Kind)>,
    after: Option<EventId>,
    last: EventId,
}

const EVENT: [(&str, Kind); 5] = [
    ("email", Kind::Text),
    ("event", Kind::Text),
    ("at", Kind::Moment),
    ("source", Kind::Text),
    ("arrived_at", Kind::Moment),
];

async fn events_of(open: &Open, contact: Option<ContactId>, name: Option<String>) -> Result<List> {
    let ids = match contact {
        None => None,
        Some(contact) => {
            let record = open
                .store
                .with_index(|index| index.record_of(contact, &Needs::every_event()));
            let missing = || fail(Code::NotFound, "not_found.contact", &[("name", &contact)]);
            let mut ids: Vec<EventId> = record.ok_or_else(missing)?.events.iter().map(|e| e.id).collect();
            ids.sort_unstable();
            ids.dedup();
            Some(Arc::new(ids))
        }
    };
    let picked = Picked { ids, name };
    let last = open.store.read(events::last_id).await?;
    // Which properties there are is known only when all events were seen.
    let (mut kinds, mut total): (BTreeMap<String, Kind>, u64) = Default::default();
    let mut after = Some(EventId(0));
    while let Some(from) = after {
        let of = picked.clone();
        let (page, next) = open.store.read(move |db| of.page(db, from, last)).await?;
        total += page.len() as u64;
        for (key, prop) in page.into_iter().flat_map(|event| event.props) {
            let kind = kind_of(&prop);
            let known = kinds.entry(key).or_insert(kind);
            *known = if *known == kind { kind } else { Kind::Text };
        }
        if kinds.len() > PROPERTIES {
            return Err(fail(
                Code::Refused,
                "exports.too_many_properties",
                &[("most", &PROPERTIES)],
            )
            .at("list"));
        }
        after = next;
    }
    let fixed: BTreeSet<&str> = EVENT.iter().map(|(name, _)| *name).collect();
    let named = kinds
        .iter()
        .map(|(key, kind)| match fixed.contains(key.as_str()) {
            true => Column::new(&format!("{key}_property"), *kind),
            false => Column::new(key, *kind),
        });
    Ok(List {
        columns: columns(&EVENT).into_iter().chain(named).collect(),
        total,
        source: Source::Events(Events {
            picked,
            properties: kinds.into_iter().collect(),
            after: Some(EventId(0)),
            last,
        }),
    })
}

fn kind_of(prop: &Prop) -> Kind {
    match prop {
        Prop::YesNo(_) => Kind::YesNo,
        Prop::Number(_) => Kind::Number,
        Prop::Money(_) | Prop::Text(_) => Kind::Text,
    }
}

impl Events {
    async fn next(&mut self, open: &Open) -> Result<Option<Rows>> {
        let Some(after) = self.after else { return Ok(None) };
        let (picked, last) = (self.picked.clone(), self.last);
        let (found, emails, next) = open
            .store
            .read(move |db| {
                let (found, next) = picked.page(db, after, last)?;
                let mut emails = BTreeMap::new();
                for event in &found {
                    if let Entry::Vacant(unknown) = emails.entry(event.contact) {
                        unknown.insert(contacts::email_of(db, event.contact)?.unwrap_or_default());
                    }
                }
                Ok((found, emails, next))
            })
            .await?;
        self.after = next;
        let row = |event: Event| {
            let mut row = vec![
                Cell::text(emails.get(&event.contact).cloned().unwrap_or_default()),
                Cell::text(event.name),
                Cell::Moment(event.at),
                Cell::text(event.source),
                Cell::Moment(event.arrived_at),
            ];
            row.extend(self.properties.iter().map(|(key, _)| match event.props.get(key) {
                None => Cell::Empty,
                Some(Prop::YesNo(yes)) => Cell::YesNo(*yes),
                Some(Prop::Number(n)) => Cell::Number(*n),
                Some(Prop::Money(money)) => Cell::Text(super::cells::amount(money)),
                Some(Prop::Text(text)) => Cell::text(text.clone()),
            }));
            row
        };
        Ok(Some(found.into_iter().map(row).collect()))
    }
}

async fn suppressions_of(open: &Open) -> Result<List> {
    let counts = open.store.read(suppressions::counts).await?;
    Ok(List {
        columns: columns(&[
            ("email", Kind::Text),
            ("reason", Kind::Text),
            ("source", Kind::Text),
            ("since", Kind::Moment),
        ]),
        total: counts.iter().map(|(_, n)| n).sum(),
        source: Source::Suppressions(Some(ContactId(0))),
    })
}

async fn suppressed(open: &Open, after: &mut Option<ContactId>) -> Result<Option<Rows>> {
    let Some(from) = *after else { return Ok(None) };
    let (entries, next) = open
        .store
        .read(move |db| {
            let listed = suppressions::listed(db, from, PAGE)?;
            let mut entries = Vec::with_capacity(listed.entries.len());
            for (email, _) in listed.entries {
                let entry = suppressions::entry(db, &email)?;
                entries.extend(entry.map(|entry| (email, entry)));
            }
            Ok((entries, listed.after))
        })
        .await?;
    *after = next;
    let rows = entries.into_iter().map(|(email, entry)| {
        vec![
            Cell::text(email),
            word_of(&entry.reason),
            Cell::text(entry.source),
            Cell::Moment(entry.at),
        ]
    });
    Ok(Some(rows.collect()))
}

/// A table whose rows are all there.
pub(super) fn ready(of: &[(&str, Kind)], rows: Rows) -> List {
    List {
        columns: columns(of),
        total: rows.len() as u64,
        source: Source::Ready(rows),
    }
}

async fn report_of(cx: &Ctx, report: ExportReport) -> Result<List> {
    let span = Span {
        days: DAYS,
        step: Bucket::Day,
    };
    Ok(match report {
        ExportReport::Messages => {
            let rows = reports::messages(cx, span).await?.rows.into_iter().map(|row| {
                let figures = [row.queued, row.accepted, row.bounced, row.suppressed, row.unknown];
                [Cell::Date(row.at)]
                    .into_iter()
                    .chain(figures.map(Cell::Whole))
                    .collect()
            });
            let named =
                ["queued", "accepted", "bounced", "suppressed", "unknown"].map(|name| (name, Kind::Whole));
            let named: Vec<(&str, Kind)> = [("day", Kind::Date)].into_iter().chain(named).collect();
            ready(&named, rows.collect())
        }
        ExportReport::Growth => {
            let rows = reports::growth(cx, span).await?.rows.into_iter().map(|row| {
                let figures = [row.total, row.added, row.removed].map(Cell::Whole);
                [Cell::Date(row.at)].into_iter().chain(figures).collect()
            });
            let named = ["total", "added", "removed"].map(|name| (name, Kind::Whole));
            let named: Vec<(&str, Kind)> = [("day", Kind::Date)].into_iter().chain(named).collect();
            ready(&named, rows.collect())
        }
    })
}

/// The steps of a journey, and after them each way out as a row whose kind says so.
async fn funnel_of(cx: &Ctx, journey: JourneyId) -> Result<List> {
    crate::journeys::row(cx.open()?, journey).await?;
    let of = FunnelOf {
        journey,
        version: None,
    };
    let funnel = reports::funnel(cx, of).await?;
    let steps = funnel.steps.into_iter().map(|step| {
        let mut row = vec![
            Cell::text(step.step),
            Cell::text(step.title),
            Cell::text(step.kind),
            Cell::Whole(step.reached),
            step.now.into(),
        ];
        row.extend([step.accepted, step.bounced, step.suppressed, step.unknown].map(Cell::Whole));
        row
    });
    let ends = funnel.ended.into_iter().map(|end| {
        let step = if end.end == "goal" {
            Cell::text(end.reason)
        } else {
            Cell::Empty
        };
        let mut row = vec![
            step,
            Cell::text(end.title),
            Cell::Text(format!("end: {}", end.end)),
            Cell::Whole(end.count),
        ];
        row.extend([const { Cell::Empty }; 5]);
        row
    });
    let named = [
        "reached",
        "here_now",
        "accepted",
        "bounced",
        "suppressed",
        "unknown",
    ]
    .map(|name| (name, Kind::Whole));
    let texts = ["step", "title", "kind"].map(|name| (name, Kind::Text));
    let named: Vec<(&str, Kind)> = texts.into_iter().chain(named).collect();
    Ok(ready(&named, steps.chain(ends).collect()))
}
