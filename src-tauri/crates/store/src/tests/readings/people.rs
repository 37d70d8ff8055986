//! Random small workspaces, written through the store as the program writes them.

use crate::contacts::{self, Columns, NewContact};
use crate::outbox::{self, NewMessage, Word};
use crate::tests::fixtures::{self, Place, Stage, standing_at, write};
use crate::{OpenOptions, Result, Store, Tx, consents, enrolments, events, facts, fields as field_rows};
use crate::{scores, segments, suppressions, templates};
use carillon_engine::record::ContactRecord;
use carillon_engine::segment::arbitrary::{KEYS, STEPS, TEMPLATES};
use carillon_engine::segment::arbitrary::{
    basis, channel, epoch, expr, moment, purpose, record, timely, unranked, value_for,
};
use carillon_engine::segment::named_segment;
use carillon_model::consent::{Basis, Channel, Consent, ConsentAction, Purpose, SuppressionReason};
use carillon_model::contact::{Field, FieldType, Value};
use carillon_model::event::Prop;
use carillon_model::journey::{End, Fact, FactKind};
use carillon_model::score::{Decay, RulePoints, Score, ScoreBounds, ScoreGroup, ScoreModel, ScoreRule};
use carillon_model::segment::{Clause, Expr};
use carillon_model::workspace::Workspace;
use carillon_model::{ContactId, Moment, SegmentId, StepId, TemplateId};
use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// One contact with its ledger.
#[derive(Clone, Debug)]
pub struct Person {
    pub record: ContactRecord,
    pub ledger: Vec<(Channel, Purpose, bool, Basis, Moment)>,
    /// Written over after the contact was there; `None` clears.
    pub edits: Vec<(&'static str, Option<Value>)>,
}

/// All of a workspace.
#[derive(Clone, Debug)]
pub struct Company {
    pub people: Vec<Person>,
    pub segments: BTreeMap<String, Expr>,
    /// Of whom all is erased in the end, by place.
    pub gone: usize,
    pub now: Moment,
}

fn person() -> impl Strategy<Value = Person> {
    let act = (channel(), purpose(), prop::bool::weighted(0.7), basis(), moment());
    let edit = select(KEYS).prop_flat_map(|key| {
        proptest::option::weighted(0.7, value_for(key).prop_filter("is not kept", kept))
            .prop_map(move |value| (key, value))
    });
    (record(ContactId(0)), vec(act, 0..5), vec(edit, 0..3)).prop_map(|(mut record, ledger, mut edits)| {
        // What a score is and was, the file works out.
        record
            .fields
            .retain(|key, value| kept(value) && !Score::is_field(key));
        record.fields.values_mut().for_each(finer);
        edits
            .iter_mut()
            .filter_map(|(_, value)| value.as_mut())
            .for_each(finer);
        for event in &mut record.events {
            event.at += TimeDelta::microseconds(300);
            event
                .props
                .retain(|_, prop| !matches!(prop, Prop::Number(n) if !short(*n)));
            event
                .props
                .retain(|_, prop| !matches!(prop, Prop::Money(m) if m.minor.unsigned_abs() > 1 << 40));
        }
        Person {
            record,
            ledger,
            edits,
        }
    })
}

/// SQLite reads a long number out of JSON only nearly; the third reading is of short ones.
fn short(n: f64) -> bool {
    n.abs() < 1e15 && (n * 2.0).fract() == 0.0
}

/// The file keeps no number that is not finite.
fn kept(value: &Value) -> bool {
    !matches!(value, Value::Number(n) if !n.is_finite())
}

/// Moments as they come from outside may be finer than the file keeps them.
fn finer(value: &mut Value) {
    if let Value::DateTime(at) = value {
        *at += TimeDelta::microseconds(300);
    }
}

/// Any small workspace.
pub fn company() -> impl Strategy<Value = Company> {
    // What it takes to be in the top is measured as it is saved; plain SQL asks as it is now.
    let any = [0, 1, 2].map(|_| expr().prop_map(|expr| unranked(&expr)));
    // Those the clock turns over, by themselves and seen through another.
    let timed = [timely(), timely(), timely()];
    (vec(person(), 2..7), any, timed, 0usize..9, moment()).prop_map(
        |(people, [a, b, c], [x, y, z], gone, now)| {
            let of_x = Expr::Clause(Clause::InSegment { name: "X".to_owned() });
            let z = Expr::AtLeast {
                k: 1,
                of: vec![z, Expr::Not(Box::new(of_x))],
            };
            let segments = [("A", a), ("B", b), ("C", c), ("X", x), ("Y", y), ("Z", z)];
            Company {
                people,
                segments: segments
                    .map(|(name, expr)| {
                        let expr = if name < "X" { acyclic(expr, name) } else { expr };
                        (name.to_owned(), expr)
                    })
                    .into(),
                gone,
                now,
            }
        },
    )
}

/// Segments refer to later letters only.
fn acyclic(expr: Expr, after: &str) -> Expr {
    let all = |of: Vec<Expr>| of.into_iter().map(|e| acyclic(e, after)).collect();
    match expr {
        Expr::Clause(clause) if named_segment(&clause).is_some_and(|name| name <= after) => Expr::Everyone,
        Expr::All(of) => Expr::All(all(of)),
        Expr::Any(of) => Expr::Any(all(of)),
        Expr::None(of) => Expr::None(all(of)),
        Expr::AtLeast { k, of } => Expr::AtLeast { k, of: all(of) },
        Expr::Not(inner) => Expr::Not(Box::new(acyclic(*inner, after))),
        other => other,
    }
}

/// The fields that are not built in.
pub fn fields() -> Vec<Field> {
    let options = ["tea", "Coffee", "kÖln"];
    vec![
        fixtures::field("age", FieldType::Number, &[]),
        fixtures::field("total", FieldType::Money, &[]),
        fixtures::field("newsletter", FieldType::YesNo, &[]),
        fixtures::field("plan", FieldType::Choice, &options),
        fixtures::field("interests", FieldType::MultiChoice, &options),
        fixtures::field("birthday", FieldType::Date, &[]),
        fixtures::field("seen_at", FieldType::DateTime, &[]),
        fixtures::field("height", FieldType::Number, &[]),
        fixtures::field("limit", FieldType::Money, &[]),
    ]
}

/// Those, and the field of the score.
pub fn known_fields() -> Vec<Field> {
    let heat = Field {
        score: Some("heat".to_owned()),
        ..fixtures::field("score_heat", FieldType::Number, &[])
    };
    fields().into_iter().chain([heat]).collect()
}

/// A score that facts and time turn over.
fn heat() -> ScoreModel {
    let rule = |key: &str, when: &str, points| ScoreRule {
        key: key.to_owned(),
        when: when.to_owned(),
        points,
        bounds: ScoreBounds::default(),
        from: None,
        to: None,
    };
    ScoreModel::Points {
        groups: vec![ScoreGroup {
            key: "all".to_owned(),
            name: "All".to_owned(),
            bounds: ScoreBounds::default(),
            decay: Decay::None,
            rules: vec![
                rule("vip", "tag \"vip\"", RulePoints::While { points: 2 }),
                rule(
                    "orders",
                    "did order in the last 20 days",
                    RulePoints::Each { points: 3 },
                ),
                rule(
                    "visits",
                    "did visit in the last 7 days",
                    RulePoints::Once { points: 1 },
                ),
                rule("mails", "was sent any message", RulePoints::While { points: 1 }),
            ],
        }],
        bounds: ScoreBounds::default(),
        stages: Vec::new(),
        companies: None,
    }
}

/// A file with all of it. Its clock stands at the company's moment, or at the last message's.
pub async fn settle(place: &Place, company: &Company) -> Store {
    let workspace = Workspace {
        created_at: epoch() - TimeDelta::days(70),
        ..fixtures::workspace()
    };
    let store = Store::create(&place.file(), &workspace, OpenOptions::default())
        .await
        .unwrap();
    let plan = company.clone();
    let (stage, ids) = write(&store, move |tx| furnish(tx, &plan)).await.unwrap();
    store.close().await;
    let store = fixtures::again(&place.file()).await;
    let mut mails: Vec<(Moment, ContactId, String)> = Vec::new();
    for (person, id) in company.people.iter().zip(&ids) {
        let sent = person.record.sent.iter().filter(|sent| sent.at <= company.now);
        mails.extend(sent.map(|sent| (sent.at, *id, sent.template.clone())));
    }
    mails.sort();
    let fence = store.fence();
    for (n, (at, contact, template)) in (1..).zip(mails) {
        store.advance_clock(at).await.unwrap();
        write(&store, move |tx| mail(tx, stage, contact, &template, n, fence))
            .await
            .unwrap();
    }
    store.advance_clock(company.now).await.unwrap();
    if let Some(id) = ids.get(company.gone).copied() {
        write(&store, move |tx| contacts::delete(tx, id, None, "user"))
            .await
            .unwrap();
    }
    store
}

fn furnish(tx: &mut Tx<'_>, company: &Company) -> Result<(Stage, Vec<ContactId>)> {
    let stage = fixtures::stage(tx)?;
    fixtures::draw(tx, stage.journey, STEPS)?;
    for field in fields() {
        field_rows::add(tx, &field)?;
    }
    let score = scores::add(tx, "heat", "Heat", &heat())?;
    scores::publish(tx, score.id)?;
    for name in TEMPLATES {
        templates::save(tx, None, &fixtures::template(name))?;
    }
    // Some segments are there before the rows, some after.
    save(tx, company, &["C", "B", "X", "Z"])?;
    let mut ids = Vec::new();
    for (n, person) in company.people.iter().enumerate() {
        ids.push(add(tx, n, person)?);
    }
    save(tx, company, &["A", "Y"])?;
    Ok((stage, ids))
}

fn save(tx: &mut Tx<'_>, company: &Company, names: &[&str]) -> Result<()> {
    for name in names {
        segments::save(tx, None, name, &company.segments[*name])?;
    }
    Ok(())
}

fn add(tx: &mut Tx<'_>, n: usize, person: &Person) -> Result<ContactId> {
    let record = &person.record;
    let keys: Vec<&str> = record.fields.keys().map(String::as_str).collect();
    let columns = Columns::resolve(tx, &keys)?;
    let email = format!("c{n}@x.example");
    let row = NewContact {
        email: email.clone(),
        values: record.fields.values().cloned().map(Some).collect(),
        zone_source: None,
    };
    let id = contacts::insert_batch(tx, &columns, &mut [row], "user")?[0].id();
    for (key, value) in &person.edits {
        contacts::set_field(tx, id, key, value.as_ref(), "user")?;
    }
    for tag in &record.tags {
        contacts::add_tag(tx, id, tag, "user")?;
    }
    for event in &record.events {
        let row = events::NewEvent {
            contact: id,
            name: event.name.clone(),
            at: event.at,
            source: "user".to_owned(),
            props: event.props.clone(),
        };
        events::append(tx, &[row])?;
    }
    for (channel, purpose, granted, basis, at) in &person.ledger {
        let row = Consent {
            contact: id,
            channel: *channel,
            purpose: *purpose,
            action: match granted {
                true => ConsentAction::Granted,
                false => ConsentAction::Withdrawn,
            },
            basis: *basis,
            wording: None,
            wording_hash: None,
            source: "user".to_owned(),
            at: *at,
        };
        consents::add(tx, &row)?;
    }
    if record.suppressed {
        suppressions::add(tx, &email, SuppressionReason::Manual, "user")?;
    }
    Ok(id)
}

/// One message on its way to a server, which takes it or, now and then, does not.
fn mail(tx: &mut Tx<'_>, stage: Stage, contact: ContactId, template: &str, n: u32, fence: i64) -> Result<()> {
    let last = enrolments::last_of(tx, stage.journey, contact)?;
    let enrolment = match last.filter(|last| last.state.end.is_none()) {
        Some(enrolment) => enrolment,
        None => {
            let now = tx.now();
            let state = standing_at(0, now, None);
            enrolments::insert(tx, stage.journey, stage.version, contact, state, now)?
        }
    };
    let template: TemplateId = templates::by_name(tx, template)?.unwrap().id;
    let message = NewMessage {
        enrolment: enrolment.id,
        journey: stage.journey,
        step: "mail".into(),
        contact,
        number: enrolment.number,
        visit: n,
        account: stage.account,
        template,
        transactional: false,
    };
    outbox::queue(tx, &message)?;
    let now = tx.now();
    let claimed = outbox::claim(tx, stage.account, outbox::Which::Any, now, 1, fence)?;
    let id = claimed[0].id;
    outbox::in_flight(tx, &[id], fence)?;
    let refused = carillon_model::message::Failure {
        class: carillon_model::message::FailureClass::Recipient,
        code: "550 5.1.1".to_owned(),
        detail: "No such user.".to_owned(),
    };
    let word = match n % 5 {
        0 => Word::Bounced { failure: refused },
        _ => Word::Accepted {
            reply: "250 ok".to_owned(),
        },
    };
    outbox::record(tx, id, fence, &word)?;
    let mut enrolment = enrolments::get(tx, enrolment.id)?.unwrap();
    walk(tx, &mut enrolment, n)?;
    match n % 4 {
        0 => enrolments::end(tx, enrolment, End::Goal("mail".into())),
        2 => enrolments::end(tx, enrolment, End::Completed("done".to_owned())),
        _ => enrolments::update(tx, &mut enrolment),
    }
}

/// On from the step where a passage stands, if it stands anywhere, to another one, where now and then it ends.
fn walk(tx: &mut Tx<'_>, enrolment: &mut enrolments::Enrolment, n: u32) -> Result<()> {
    let at = tx.now();
    let past = facts::path(tx, enrolment.id)?;
    let fact = |step: &StepId, what| Fact {
        at,
        step: step.clone(),
        what,
    };
    let mut facts = Vec::new();
    if let Some(last) = past.last() {
        let port = ["next", "goal", "exit_rule"][n as usize % 3].to_owned();
        let because = Vec::new();
        facts.push(fact(&last.step, FactKind::Left { port, because }));
    }
    let step = StepId::from(STEPS[n as usize % STEPS.len()]);
    facts.push(fact(&step, FactKind::Entered { visit: n + 1 }));
    facts.push(fact(&step, FactKind::Waiting { until: None }));
    if n % 4 == 2 {
        let end = End::Completed("done".to_owned());
        facts.push(fact(&step, FactKind::Ended { end }));
    }
    facts::append(tx, enrolment, &facts)
}

/// The ids of the saved segments, by name.
pub fn segment_ids(runtime: &tokio::runtime::Runtime, store: &Store) -> Vec<SegmentId> {
    let all = runtime.block_on(store.read(segments::list)).unwrap();
    all.into_iter().map(|segment| segment.id).collect()
}
