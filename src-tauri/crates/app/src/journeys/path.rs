//! The way one contact took, step by step.

use super::{Passage, PassageStep, PathOf, row};
use crate::error::{Code, Result, fail};
use crate::workspaces::Open;
use crate::{Ctx, contacts};
use carillon_model::ContactId;
use carillon_model::journey::Fact;
use carillon_store::{enrolments, facts, journeys as rows};

pub(super) async fn path(cx: &Ctx, req: PathOf) -> Result<Vec<Fact>> {
    let open = cx.open()?;
    let name = row(open, req.id).await?.name;
    let email = contacts::existing(open, req.contact).await?.email;
    let found = open
        .store
        .read(move |db| {
            let enrolment = match req.enrolment {
                Some(id) => enrolments::get(db, id)?,
                None => enrolments::last_of(db, req.id, req.contact)?,
            };
            enrolment.map(|e| facts::path(db, e.id)).transpose()
        })
        .await?;
    found.ok_or_else(|| {
        fail(
            Code::NotFound,
            "not_found.enrolment",
            &[("contact", &email), ("name", &name)],
        )
    })
}

/// A contact's passages with their facts, newest first.
pub async fn passages(open: &Open, contact: ContactId) -> Result<Vec<Passage>> {
    Ok(open
        .store
        .read(move |db| {
            let mut out = Vec::new();
            for enrolment in enrolments::of_contact(db, contact)?.into_iter().rev().take(20) {
                let Some(version) = rows::version(db, enrolment.version)? else {
                    continue;
                };
                let title = |id: &str| {
                    let step = version.document.steps.iter().find(|s| s.id.0 == id);
                    step.map_or((id.to_owned(), String::new()), |s| {
                        (
                            if s.name.is_empty() {
                                s.id.0.clone()
                            } else {
                                s.name.clone()
                            },
                            s.kind.clone(),
                        )
                    })
                };
                let mut path: Vec<PassageStep> = Vec::new();
                for fact in facts::path(db, enrolment.id)? {
                    let step = fact.step.0.clone();
                    match path.last_mut().filter(|last| last.step == step) {
                        Some(last) => last.facts.push(fact),
                        None => {
                            let (title, kind) = title(&step);
                            path.push(PassageStep {
                                step,
                                title,
                                kind,
                                facts: vec![fact],
                            });
                        }
                    }
                }
                out.push(Passage {
                    enrolment: enrolment.id,
                    journey: enrolment.journey,
                    journey_name: version.document.name.clone(),
                    version: version.number,
                    entered_at: enrolment.entered_at,
                    ended_at: enrolment.ended_at,
                    at_step: path.last().map(|p| p.title.clone()).unwrap_or_default(),
                    path,
                });
            }
            Ok(out)
        })
        .await?)
}
