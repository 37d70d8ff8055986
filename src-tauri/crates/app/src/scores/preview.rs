//! What a model would say of people, before it is published.

use super::{LabelCount, PreviewScore, ScorePreview, all, first_error};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use carillon_engine::scores::{Grade, Points, Scoring};
use carillon_model::ContactId;
use carillon_model::contact::Value;
use carillon_model::score::Score;
use carillon_store::Index;
use std::collections::BTreeMap;

/// Most contacts that are measured.
const MEASURED: u64 = 1_000;

pub(super) async fn preview(cx: &Ctx, req: PreviewScore) -> Result<ScorePreview> {
    let open = cx.open()?;
    if let Some(first) = first_error(open, &req.model, req.id).await? {
        return Err(fail(Code::Invalid, "scores.unready", &[("detail", &first.message)]).at("model"));
    }
    let known = all(open)
        .await?
        .into_iter()
        .find(|score| Some(score.id) == req.id);
    let key = known.as_ref().map(|score| score.key.clone()).unwrap_or_default();
    let published = known.is_some_and(|score| score.published.is_some());
    let scoring = Scoring::read(&key, &req.model)
        .map_err(|_| fail(Code::Invalid, "scores.unready", &[("detail", &"")]).at("model"))?;
    let now = open.now();
    Ok(open.store.with_index(|index| {
        let people = sample(index, MEASURED);
        let mut out = match &scoring {
            Scoring::Points(points) => of_points(index, points, &people, now, &key),
            Scoring::Grade(grade) => of_grade(index, grade, &people, &key),
        };
        if !published {
            out.differ = None;
        }
        out
    }))
}

/// At most so many contacts, spread evenly over all of them: the same ones each time, so that a changed rule is seen by what it changes.
pub(super) fn sample(index: &Index, most: u64) -> Vec<ContactId> {
    let contacts = index.contacts();
    let n = contacts.len();
    let wanted = n.min(most);
    let nth = |i: u64| {
        u32::try_from(i * n / wanted.max(1))
            .ok()
            .and_then(|i| contacts.select(i))
    };
    (0..wanted).filter_map(nth).map(ContactId).collect()
}

fn value(index: &Index, contact: ContactId, key: &str) -> Option<Value> {
    let needs = carillon_engine::segment::Needs {
        fields: [key.to_owned()].into(),
        ..Default::default()
    };
    index.record_of(contact, &needs)?.fields.remove(key)
}

fn of_points(
    index: &Index,
    points: &Points,
    people: &[ContactId],
    now: carillon_model::Moment,
    key: &str,
) -> ScorePreview {
    let mut totals = Vec::with_capacity(people.len());
    let mut labels: BTreeMap<Option<usize>, u32> = BTreeMap::new();
    let mut differ = 0;
    for contact in people {
        let Some(scored) = index.scored(points, *contact, now) else {
            continue;
        };
        let is = Some(Value::Number(scored.total as f64));
        differ += u32::from(value(index, *contact, &Score::field(key)) != is);
        *labels.entry(points.stage_of(scored.total)).or_default() += 1;
        totals.push(scored.total);
    }
    totals.sort_unstable();
    let last = totals.len().saturating_sub(1);
    let deciles = (0..=10)
        .filter_map(|tenth| totals.get(last * tenth / 10).copied())
        .collect();
    let named = |stage: Option<usize>| stage.and_then(|i| points.stage_name(i)).map(str::to_owned);
    let stages = (0..points.stage_count()).map(Some).chain([None]);
    let labels = match points.has_stages() {
        true => stages
            .map(|stage| LabelCount {
                label: named(stage),
                count: labels.get(&stage).copied().unwrap_or(0),
            })
            .collect(),
        false => Vec::new(),
    };
    ScorePreview {
        measured: u32::try_from(totals.len()).unwrap_or(u32::MAX),
        contacts: index.contacts().len(),
        deciles,
        labels,
        differ: Some(differ),
    }
}

fn of_grade(index: &Index, grade: &Grade, people: &[ContactId], key: &str) -> ScorePreview {
    let mut counts: BTreeMap<Option<String>, u32> = BTreeMap::new();
    let mut differ = 0;
    for contact in people {
        let [a, b] = grade
            .scores()
            .map(|score| match value(index, *contact, &Score::field(score)) {
                Some(Value::Number(n)) => Some(n as i64),
                _ => None,
            });
        let label = grade.label(a, b);
        differ += u32::from(value(index, *contact, &Score::field(key)) != label.clone().map(Value::Text));
        *counts.entry(label).or_default() += 1;
    }
    let without = counts.remove(&None);
    let some = counts
        .into_iter()
        .map(|(label, count)| LabelCount { label, count });
    let none = without.map(|count| LabelCount { label: None, count });
    ScorePreview {
        measured: u32::try_from(people.len()).unwrap_or(u32::MAX),
        contacts: index.contacts().len(),
        deciles: Vec::new(),
        labels: some.chain(none).collect(),
        differ: Some(differ),
    }
}
