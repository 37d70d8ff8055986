//! A small workspace on a virtual clock.

use crate::contacts::{Columns, Inserted, NewContact, insert_batch};
use crate::{OpenOptions, Priority, Result, Store, Tx, accounts, enrolments, journeys, templates};
use carillon_model::account::{Account, Tls};
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::journey::{JOURNEY_FORMAT, Journey, ReEntry, State, Step, StepIx};
use carillon_model::template::Template;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_model::{AccountId, ContactId, JourneyId, Moment, TemplateId, VersionId};
use chrono::{TimeDelta, TimeZone, Utc};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

pub fn day(n: i64) -> Moment {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap() + TimeDelta::days(n)
}

pub fn workspace() -> Workspace {
    Workspace {
        name: "Test".to_owned(),
        clock: ClockKind::Virtual,
        sample: false,
        time_zone: "Europe/Berlin".to_owned(),
        postal_address: "Example Road 1".to_owned(),
        organisation: "Test".to_owned(),
        created_at: day(0),
    }
}

pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("test.carillon")
    }
}

pub async fn fresh(place: &Place) -> Store {
    Store::create(&place.file(), &workspace(), OpenOptions::default())
        .await
        .unwrap()
}

pub async fn again(path: &Path) -> Store {
    Store::open(path, OpenOptions::default()).await.unwrap()
}

/// Lets the numbers of a closed file's next contacts lie behind a full part: the kept memberships of such a file are believed.
pub fn grown(place: &Place) {
    Connection::open(place.file())
        .unwrap()
        .execute(
            "INSERT OR REPLACE INTO marks(name, next) VALUES('contacts', 65537)",
            (),
        )
        .unwrap();
}

pub async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    store.write(Priority::User, f).await
}

pub fn field(key: &str, field_type: FieldType, options: &[&str]) -> Field {
    Field {
        key: key.to_owned(),
        label: key.to_owned(),
        field_type,
        options: options.iter().map(|o| (*o).to_owned()).collect(),
        built_in: false,
        score: None,
    }
}

/// Adds contacts with a first name each.
pub fn add(tx: &mut Tx<'_>, emails: &[&str], source: &str) -> Result<Vec<Inserted>> {
    let columns = Columns::resolve(tx, &["first_name"])?;
    let mut rows: Vec<NewContact> = emails
        .iter()
        .map(|email| NewContact {
            email: (*email).to_owned(),
            values: vec![Some(Value::Text("Ada".to_owned()))],
            zone_source: None,
        })
        .collect();
    insert_batch(tx, &columns, &mut rows, source)
}

pub fn ids(inserted: &[Inserted]) -> Vec<ContactId> {
    inserted.iter().map(|i| i.id()).collect()
}

/// A line of the ledger about mail.
pub fn said(
    contact: ContactId,
    action: ConsentAction,
    purpose: Purpose,
    source: &str,
    at: Moment,
) -> Consent {
    Consent {
        contact,
        channel: Channel::Email,
        purpose,
        action,
        basis: Basis::Consent,
        wording: None,
        wording_hash: None,
        source: source.to_owned(),
        at,
    }
}

pub fn account() -> Account {
    Account {
        id: AccountId(0),
        name: "Main".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 2525,
        tls: Tls::None,
        user: String::new(),
        auth: Default::default(),
        from_name: "Test".to_owned(),
        from_email: "shop@sender.example".to_owned(),
        reply_to: None,
        ca_file: None,
        per_day: 1000,
        per_minute: 100,
        sessions: 4,
        preset: None,
        provider: None,
        dkim: None,
    }
}

pub fn template(name: &str) -> Template {
    Template {
        id: TemplateId(0),
        name: name.to_owned(),
        subject: "Hello".to_owned(),
        preheader: String::new(),
        body: "<mjml></mjml>".to_owned(),
        text: String::new(),
        topic: None,
        updated_at: day(0),
    }
}

pub fn drawing(name: &str) -> Journey {
    Journey {
        format: JOURNEY_FORMAT.to_owned(),
        name: name.to_owned(),
        re_entry: ReEntry::AfterExit,
        exit_when: Vec::new(),
        steps: Vec::new(),
        layout: BTreeMap::new(),
    }
}

/// Everything a message needs.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    pub account: AccountId,
    pub template: TemplateId,
    pub journey: JourneyId,
    pub version: VersionId,
}

/// Puts steps into a journey's draft, each called as its id is.
pub fn draw(tx: &mut Tx<'_>, journey: JourneyId, steps: &[&str]) -> Result<()> {
    let mut draft = journeys::get(tx, journey)?.unwrap().draft;
    draft.steps.extend(steps.iter().map(|id| Step {
        id: (*id).into(),
        kind: "wait".to_owned(),
        name: (*id).to_owned(),
        settings: Default::default(),
        next: BTreeMap::new(),
    }));
    journeys::save_draft(tx, Some(journey), &draft).map(drop)
}

pub fn stage(tx: &mut Tx<'_>) -> Result<Stage> {
    let account = accounts::save(tx, None, &account())?.id;
    let template = templates::save(tx, None, &template("welcome"))?.id;
    let journey = journeys::save_draft(tx, None, &drawing("Welcome"))?;
    let version = journeys::publish(tx, journey)?.id;
    Ok(Stage {
        account,
        template,
        journey,
        version,
    })
}

pub fn standing_at(step: u16, now: Moment, wake_at: Option<Moment>) -> State {
    State {
        at: Some(StepIx(step)),
        wake_at,
        visits: vec![(StepIx(step), 1)],
        ..State::fresh(now)
    }
}

/// Enrols a contact and queues one message of its first step.
pub fn enrol_and_queue(tx: &mut Tx<'_>, stage: Stage, contact: ContactId) -> Result<enrolments::Enrolment> {
    let now = tx.now();
    let enrolment = enrolments::insert(
        tx,
        stage.journey,
        stage.version,
        contact,
        standing_at(0, now, None),
        now,
    )?;
    queue(tx, stage, &enrolment, "mail", 1)?;
    Ok(enrolment)
}

pub fn queue(
    tx: &mut Tx<'_>,
    stage: Stage,
    enrolment: &enrolments::Enrolment,
    step: &str,
    visit: u32,
) -> Result<bool> {
    crate::outbox::queue(
        tx,
        &crate::outbox::NewMessage {
            enrolment: enrolment.id,
            journey: stage.journey,
            step: step.into(),
            contact: enrolment.contact,
            number: enrolment.number,
            visit,
            account: stage.account,
            template: stage.template,
            transactional: false,
        },
    )
}
