//! The live run: a workspace on a virtual clock, driven by the app's own runtime.

use super::DAYS;
use super::outside::{What, actions, batch};
use carillon_app::jobs::Job;
use carillon_app::workspaces::{Open, close_current, open_path};
use carillon_app::{App, journeys::publish_now, runtime};
use carillon_engine::index::Followed;
use carillon_engine::journey::scenario;
use carillon_engine::journey::{Catalogue, Entry, JourneyVersion, PassageId, ViewEvidence, compile};
use carillon_engine::record::{ContactRecord, Scope};
use carillon_engine::replay::{History, Told};
use carillon_engine::segment::{Needs, changed_field, changed_key};
use carillon_engine::sim::{FromOutside, Recorded};
use carillon_model::account::{Account, Tls};
use carillon_model::consent::{Consent, ConsentAction, SuppressionReason};
use carillon_model::journey::{FactKind, Input, Journey, JourneyState, Outcome, StepIx};
use carillon_model::message::MessageState;
use carillon_model::score::ScoreModel;
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, ContactId, JourneyId, Moment, StepId, TemplateId};
use carillon_store::contacts::{Columns, NewContact};
use carillon_store::inputs::{NewInput, Pending};
use carillon_store::{
    OpenOptions, Priority, Result, Store, Tx, accounts, consents, contacts, enrolments, events, facts,
    fields, inputs, journeys, outbox, scores, segments, suppressions, templates,
};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};

const CONTACTS: u32 = 4;

/// What came of a live run.
pub struct Lived {
    pub version: JourneyVersion,
    pub scope: Scope,
    pub followed: Option<Followed>,
    pub journey: JourneyId,
    pub published_at: Moment,
    pub contacts: Vec<Contact>,
    /// Mails a server accepted.
    pub sent: u64,
}

/// One contact of it.
pub struct Contact {
    /// As it was when the journey was published.
    pub record: ContactRecord,
    /// What was told from outside, in order.
    pub told: Vec<Recorded>,
    /// Passages with their facts; an event that a step posted has the number it has before it is kept.
    pub passages: Vec<(PassageId, History)>,
    /// The same as it is in the file.
    pub records: Vec<(PassageId, History)>,
}

async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> T {
    store.write(Priority::User, f).await.unwrap()
}

/// Plays a scenario.
pub async fn run(dir: &Path, seed: u64, document: &Journey, port: u16) -> Lived {
    let file = dir.join("scenario.carillon");
    let start = scenario::start(seed);
    let people = prepare(&file, seed, start, port).await;
    let app = App::new(dir.join("home"), false);
    let mut open = opened(&app, &file, seed).await;
    let drawing = document.clone();
    let journey = write(&open.store, move |tx| journeys::save_draft(tx, None, &drawing)).await;
    publish_now(&open, journey).await.unwrap();
    let catalogue = open.store.read(runtime::catalogue).await.unwrap();
    let version = compile(document, &catalogue).0.unwrap();
    let scope = open.store.with_index(|index| index.scope().clone());
    let followed = open.store.with_index(|index| index.followed(&version));
    let mut all = Needs::everything();
    all.fields.insert(changed_key("city"));
    let records: Vec<ContactRecord> = people
        .iter()
        .map(|id| open.store.with_index(|index| index.record_of(*id, &all)).unwrap())
        .collect();
    let mut told: BTreeMap<ContactId, Vec<Recorded>> = BTreeMap::new();
    for action in actions(seed, document, CONTACTS, start, DAYS) {
        runtime::drive(&open, Some(action.at), &Job::unwatched())
            .await
            .unwrap();
        if let What::Sleeps(until) = action.what {
            sleep(&open, until).await;
            continue;
        }
        if let What::Pauses(until) = action.what {
            pause(&open, journey, until).await;
            continue;
        }
        if let What::Restarts = action.what {
            drop(open);
            close_current(&app).await;
            open = opened(&app, &file, seed).await;
            continue;
        }
        if let Some((contact, what)) = act(&open, &people, journey, &version, action.what).await {
            let at = open.now();
            told.entry(contact).or_default().push(Recorded { at, what });
        }
        runtime::drive(&open, None, &Job::unwatched()).await.unwrap();
    }
    // The last moment is one that the simulation plays too.
    let end = start + TimeDelta::days(i64::from(DAYS)) - TimeDelta::milliseconds(1);
    runtime::drive(&open, Some(end), &Job::unwatched()).await.unwrap();
    let mut contacts = Vec::new();
    let mut sent = 0;
    for record in records {
        let told = told.remove(&record.contact()).unwrap_or_default();
        let (contact, accepted) = read(&open, journey, &version, record, told).await;
        contacts.push(contact);
        sent += accepted;
    }
    drop(open);
    close_current(&app).await;
    Lived {
        version,
        scope,
        followed,
        journey,
        published_at: start,
        contacts,
        sent,
    }
}

/// The machine sleeps: nothing is handled until it wakes, and then everything at that moment, as on a real clock.
async fn sleep(open: &Arc<Open>, until: Moment) {
    open.store.advance_clock(until).await.unwrap();
    let stop = Arc::default();
    loop {
        loop {
            let plan = open.runtime.plan();
            let ticked = open.store.write(Priority::Tick, move |tx| {
                let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
                runtime::tick::tick(tx, &mut plan, until, false)
            });
            let ticked = ticked.await.unwrap();
            if !ticked.more && ticked.calls + ticked.entered == 0 {
                break;
            }
        }
        let sent = runtime::dispatch::dispatch(open, &stop).await.unwrap();
        if sent.accepted + sent.refused == 0 {
            return;
        }
    }
}

/// The journey is paused, and the clock goes on.
async fn pause(open: &Arc<Open>, journey: JourneyId, until: Moment) {
    let go = |state| write(&open.store, move |tx| journeys::set_state(tx, journey, state));
    go(JourneyState::Paused).await;
    runtime::drive(open, Some(until), &Job::unwatched())
        .await
        .unwrap();
    go(JourneyState::Live).await;
    runtime::drive(open, None, &Job::unwatched()).await.unwrap();
}

async fn opened(app: &App, file: &Path, seed: u64) -> Arc<Open> {
    open_path(app, file).await.unwrap();
    let open = app.own().await.unwrap();
    let plan = open.runtime.plan();
    plan.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take_at_most(batch(seed));
    open
}

/// The workspace with its people, as of the start.
async fn prepare(file: &Path, seed: u64, start: Moment, port: u16) -> Vec<ContactId> {
    let workspace = Workspace {
        name: "One engine".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "Europe/Berlin".to_owned(),
        postal_address: "Example Road 1".to_owned(),
        organisation: "Example".to_owned(),
        created_at: start - TimeDelta::days(11),
    };
    let store = Store::create(file, &workspace, OpenOptions::default())
        .await
        .unwrap();
    write(&store, move |tx| furnish(tx, port)).await;
    let mut people: Vec<ContactRecord> = (1..=CONTACTS)
        .map(|id| scenario::contact(seed, id, start))
        .collect();
    let born = |who: &ContactRecord| match who.fields.get("created_at") {
        Some(carillon_model::contact::Value::DateTime(at)) => *at,
        _ => start,
    };
    people.sort_by_key(born);
    let mut ids = BTreeMap::new();
    for person in &people {
        store.advance_clock(born(person)).await.unwrap();
        let who = person.clone();
        ids.insert(person.id, write(&store, move |tx| add(tx, &who)).await);
    }
    let mut past: Vec<_> = people.into_iter().flat_map(|person| person.events).collect();
    past.sort_by_key(|event| event.at);
    for event in past {
        store.advance_clock(event.at).await.unwrap();
        let contact = ids[&event.contact.0];
        write(&store, move |tx| happens(tx, contact, &event)).await;
    }
    store.advance_clock(start).await.unwrap();
    store.close().await;
    ids.into_values().collect()
}

/// A score that rows, mails and time move.
fn heat() -> ScoreModel {
    let model = serde_json::json!({"kind": "points",
    "stages": [{"name": "cold", "at_least": 0}, {"name": "hot", "at_least": 6}],
    "groups": [
        {"key": "shop", "name": "Shop", "decay": {"decay": "half_life", "days": 2},
         "bounds": {"least": null, "most": 9}, "rules": [
            {"key": "orders", "when": "did order", "points": {"per": "each", "points": 2}},
            {"key": "clicks", "when": "did click in the last 36 hours", "points": {"per": "ranges",
             "ranges": [{"from": 1, "to": 2, "points": 1}, {"from": 3, "to": null, "points": 3}]}}]},
        {"key": "is", "name": "Is", "rules": [
            {"key": "vip", "when": "tag \"vip\"", "points": {"per": "while", "points": 3}},
            {"key": "city", "when": "city is known", "points": {"per": "while", "points": -1}},
            {"key": "mail", "when": "was sent any message in the last 3 days", "points": {"per": "while", "points": 2}}]},
    ]});
    serde_json::from_value(model).unwrap()
}

/// What the catalogue of the scenarios names.
fn furnish(tx: &mut Tx<'_>, port: u16) -> Result<()> {
    let sample = Catalogue::sample();
    for field in &sample.fields {
        if let Some(key) = &field.score {
            let score = scores::add(tx, key, &field.label, &heat())?;
            scores::publish(tx, score.id)?;
        } else if !fields::list(tx).iter().any(|known| known.key == field.key) {
            fields::add(tx, field)?;
        }
    }
    for name in ["Regulars", "Vips"] {
        segments::save(tx, None, name, &sample.segments[name])?;
    }
    for name in sample.templates {
        let template = Template {
            id: TemplateId(0),
            name,
            subject: "To {{ contact.email }}".to_owned(),
            preheader: String::new(),
            body: "<mjml><mj-body><mj-section><mj-column><mj-text>{{ postal_address }} {{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>".to_owned(),
            text: "{{ postal_address }} {{ unsubscribe_line }}".to_owned(),
            topic: None,
            updated_at: tx.now(),
        };
        templates::save(tx, None, &template)?;
    }
    let account = Account {
        id: AccountId(0),
        name: "Shop".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        user: String::new(),
        auth: Default::default(),
        from_name: "Shop".to_owned(),
        from_email: "shop@sender.example".to_owned(),
        reply_to: None,
        ca_file: None,
        per_day: 1_000_000,
        per_minute: 100_000,
        sessions: 2,
        preset: None,
        provider: None,
        dkim: None,
    };
    accounts::save(tx, None, &account).map(drop)
}

fn add(tx: &mut Tx<'_>, who: &ContactRecord) -> Result<ContactId> {
    let (email, rest): (Vec<_>, Vec<_>) = who.fields.iter().partition(|(key, _)| key.as_str() == "email");
    let rest: Vec<_> = rest
        .into_iter()
        .filter(|(key, _)| key.as_str() != "created_at" && changed_field(key).is_none())
        .collect();
    let keys: Vec<&str> = rest.iter().map(|(key, _)| key.as_str()).collect();
    let columns = Columns::resolve(tx, &keys)?;
    let carillon_model::contact::Value::Text(email) = email[0].1 else {
        panic!("an address is a text");
    };
    let row = NewContact {
        email: email.clone(),
        values: rest.iter().map(|(_, value)| Some((*value).clone())).collect(),
        zone_source: None,
    };
    let id = contacts::insert_batch(tx, &columns, &mut [row], "scenario")?[0].id();
    for tag in &who.tags {
        contacts::add_tag(tx, id, tag, "scenario")?;
    }
    for ((channel, purpose), basis) in &who.permissions {
        let row = Consent {
            contact: id,
            channel: *channel,
            purpose: *purpose,
            action: ConsentAction::Granted,
            basis: *basis,
            wording: None,
            wording_hash: None,
            source: "scenario".to_owned(),
            at: tx.now(),
        };
        consents::add(tx, &row)?;
    }
    if who.suppressed {
        suppressions::add(tx, email, SuppressionReason::Manual, "scenario")?;
    }
    Ok(id)
}

fn happens(
    tx: &mut Tx<'_>,
    contact: ContactId,
    event: &carillon_model::event::Event,
) -> Result<carillon_model::event::Event> {
    let row = events::NewEvent {
        contact,
        name: event.name.clone(),
        at: event.at,
        source: "scenario".to_owned(),
        props: event.props.clone(),
    };
    let ids = events::append(tx, &[row])?;
    Ok(carillon_model::event::Event {
        id: ids[0],
        contact,
        arrived_at: tx.now(),
        ..event.clone()
    })
}

/// Does one thing, and says of whom and what the simulation is to be told.
async fn act(
    open: &Arc<Open>,
    people: &[ContactId],
    journey: JourneyId,
    version: &JourneyVersion,
    what: What,
) -> Option<(ContactId, FromOutside)> {
    let of = |id: u32| people[id as usize - 1];
    let store = &open.store;
    Some(match what {
        What::Happens(event) => {
            let contact = of(event.contact.0);
            let event = write(store, move |tx| happens(tx, contact, &event)).await;
            (contact, FromOutside::Happened(event))
        }
        What::PutIn(id, n) => {
            let contact = of(id);
            let by_hand = |(_, entry): &(StepIx, &Entry)| matches!(entry, Entry::Manual);
            let (entry, _) = version.entries().filter(by_hand).nth(n)?;
            let step = version.placed(entry)?.id.clone();
            write(store, move |tx| put_in(tx, journey, step, contact)).await;
            (contact, FromOutside::PutIn(entry))
        }
        What::Writes(id, key, value) => {
            let (contact, new) = (of(id), value.clone());
            write(store, move |tx| {
                contacts::set_field(tx, contact, key, new.as_ref(), "scenario")
            })
            .await;
            (contact, FromOutside::Wrote(key.to_owned(), value))
        }
        What::Tags(id, tag, on) => {
            let contact = of(id);
            write(store, move |tx| match on {
                true => contacts::add_tag(tx, contact, tag, "scenario"),
                false => contacts::remove_tag(tx, contact, tag),
            })
            .await;
            (contact, FromOutside::Tagged(tag.to_owned(), on))
        }
        What::Stops | What::Restarts | What::Sleeps(_) | What::Pauses(_) => return None,
    })
}

fn put_in(tx: &mut Tx<'_>, journey: JourneyId, entry: StepId, contact: ContactId) -> Result<()> {
    let planned = tx.now();
    let pending = Pending::Enter {
        entry,
        planned,
        event: None,
    };
    let row = NewInput {
        planned_at: planned,
        enrolment: None,
        journey: Some(journey),
        contact,
        pending,
    };
    inputs::push(tx, &[row])
}

/// Reads what was recorded of a contact.
async fn read(
    open: &Arc<Open>,
    journey: JourneyId,
    version: &JourneyVersion,
    record: ContactRecord,
    told: Vec<Recorded>,
) -> (Contact, u64) {
    let contact = record.contact();
    let (rows, mails, posted, names) = open
        .store
        .read(move |db| {
            let mut rows = Vec::new();
            for enrolment in enrolments::of_contact(db, contact)? {
                if enrolment.journey == journey {
                    let (path, calls) = (facts::path(db, enrolment.id)?, facts::calls(db, enrolment.id)?);
                    rows.push((enrolment.number, path, calls));
                }
            }
            let mut mails = Vec::new();
            for mail in outbox::of_contact(db, contact)? {
                let last = outbox::attempts(db, mail.id)?
                    .into_iter()
                    .next_back()
                    .map(|a| a.at);
                mails.push((mail, last));
            }
            let posted: BTreeSet<String> = events::after(db, carillon_model::EventId(0), 1_000_000)?
                .into_iter()
                .filter(|event| event.source.starts_with("journey:"))
                .map(|event| event.id.to_string())
                .collect();
            let names: BTreeMap<TemplateId, String> =
                templates::list(db)?.into_iter().map(|t| (t.id, t.name)).collect();
            Ok((rows, mails, posted, names))
        })
        .await
        .unwrap();
    let mut records = Vec::new();
    for (enrolment, facts, calls) in rows {
        let inputs = calls.iter().map(|call| Told {
            processed_at: call.at,
            input: serde_json::from_str(&call.input).unwrap(),
            view: Some(serde_json::from_str::<ViewEvidence>(&call.who).unwrap()),
        });
        let id = PassageId {
            journey,
            contact,
            enrolment,
        };
        let inputs = inputs.collect();
        records.push((id, History { inputs, facts }));
    }
    let passages = records
        .iter()
        .map(|(id, history)| (*id, unnumbered(history, &posted)));
    let accepted =
        |m: &&(carillon_model::message::Message, Option<Moment>)| m.0.state == MessageState::Accepted;
    let sent = mails.iter().filter(accepted).count() as u64;
    let mut all = outcomes(version, &records, &mails, &names);
    all.extend(told);
    // What was told at one moment: by hand and by contacts first, and what came of mails after it.
    all.sort_by_key(|one| (one.at, matches!(one.what, FromOutside::Mail { .. })));
    let contact = Contact {
        told: all,
        passages: passages.collect(),
        records,
        record,
    };
    (contact, sent)
}

/// What became of the mails: those the passages were told, as they were told them, and those that left after the
/// passage had ended, which only the record of the contact knows.
fn outcomes(
    version: &JourneyVersion,
    records: &[(PassageId, History)],
    mails: &[(carillon_model::message::Message, Option<Moment>)],
    names: &BTreeMap<TemplateId, String>,
) -> Vec<Recorded> {
    let mut all = Vec::new();
    let mut known = BTreeSet::new();
    for (id, history) in records {
        for call in &history.inputs {
            if let Input::Sent { step, visit, outcome } = call.input {
                known.insert((id.enrolment, step, visit));
                let placed = &version.placed(step).unwrap().id;
                let (mail, _) = mails
                    .iter()
                    .find(|(m, _)| {
                        (m.key.enrolment, &m.key.step, m.key.visit) == (id.enrolment, placed, visit)
                    })
                    .unwrap();
                all.push(Recorded {
                    at: call.processed_at,
                    what: FromOutside::Mail {
                        enrolment: id.enrolment,
                        step,
                        visit,
                        template: names[&mail.template].clone(),
                        outcome,
                    },
                });
            }
        }
    }
    for (mail, last) in mails {
        let step = version.find(&mail.key.step).unwrap();
        if mail.state == MessageState::Accepted
            && !known.contains(&(mail.key.enrolment, step, mail.key.visit))
        {
            all.push(Recorded {
                at: last.unwrap(),
                what: FromOutside::Mail {
                    enrolment: mail.key.enrolment,
                    step,
                    visit: mail.key.visit,
                    template: names[&mail.template].clone(),
                    outcome: Outcome::Accepted,
                },
            });
        }
    }
    all
}

/// The simulation has no numbers for the events that steps post.
fn unnumbered(history: &History, posted: &BTreeSet<String>) -> History {
    let mut history = history.clone();
    for fact in &mut history.facts {
        if let FactKind::Left { because, .. } = &mut fact.what {
            for evidence in because {
                if posted.contains(&evidence.value) && !["random", "moves"].contains(&evidence.about.as_str())
                {
                    evidence.value = i64::MAX.to_string();
                }
            }
        }
    }
    history
}
