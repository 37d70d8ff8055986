//! The way one contact took, step by step.

use super::inside::in_order;
use super::{Passage, PassageStep, PathOf, row};
use crate::error::{Code, Result, fail};
use crate::workspaces::Open;
use crate::{Ctx, contacts};
use carillon_model::ContactId;
use carillon_model::journey::{Fact, FactKind};
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
                let titled = |id: &str| {
                    let step = version.document.steps.iter().find(|s| s.id.0 == id);
                    match step {
                        Some(step) if step.name.is_empty() => (step.id.0.clone(), step.kind.clone()),
                        Some(step) => (step.name.clone(), step.kind.clone()),
                        None => (id.to_owned(), String::new()),
                    }
                };
                let order = in_order(&version.document);
                let facts = facts::path(db, enrolment.id)?;
                let stands = enrolment.state.at.and_then(|ix| order.get(usize::from(ix.0)));
                let at_step = stands.cloned().or_else(|| left_from(&facts)).unwrap_or_default();
                let path = visits(facts)
                    .into_iter()
                    .map(|(step, facts)| {
                        let (title, kind) = titled(&step);
                        PassageStep {
                            step,
                            title,
                            kind,
                            facts,
                        }
                    })
                    .collect();
                out.push(Passage {
                    enrolment: enrolment.id,
                    journey: enrolment.journey,
                    journey_name: version.document.name.clone(),
                    version: version.number,
                    entered_at: enrolment.entered_at,
                    ended_at: enrolment.ended_at,
                    at_step: titled(&at_step).0,
                    path,
                });
            }
            Ok(out)
        })
        .await?)
}

/// The step a passage was in when it ended.
fn left_from(facts: &[Fact]) -> Option<String> {
    let ended = facts
        .iter()
        .rfind(|fact| matches!(fact.what, FactKind::Ended { .. }));
    ended.map(|fact| fact.step.0.clone())
}

/// The facts by visit of a step. What is heard later of a step, such as the fate of its message, belongs to the last
/// visit of it and is no visit of its own.
fn visits(facts: Vec<Fact>) -> Vec<(String, Vec<Fact>)> {
    let mut path: Vec<(String, Vec<Fact>)> = Vec::new();
    for fact in facts {
        let arrives = matches!(fact.what, FactKind::Entered { .. });
        match path
            .iter_mut()
            .rfind(|(step, _)| !arrives && *step == fact.step.0)
        {
            Some((_, of_visit)) => of_visit.push(fact),
            None => path.push((fact.step.0.clone(), vec![fact])),
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use carillon_model::StepId;
    use carillon_model::journey::{End, Outcome};
    use chrono::DateTime;

    fn fact(step: &str, what: FactKind) -> Fact {
        Fact {
            step: StepId(step.to_owned()),
            at: DateTime::UNIX_EPOCH,
            what,
        }
    }

    fn entered(step: &str, visit: u32) -> Fact {
        fact(step, FactKind::Entered { visit })
    }

    fn learned(step: &str) -> Fact {
        let outcome = Outcome::Accepted;
        fact(step, FactKind::Learned { outcome })
    }

    #[test]
    fn news_of_a_mail_belongs_to_its_own_visit_however_late_it_comes() {
        let facts = vec![entered("mail", 1), entered("wait", 1), learned("mail")];
        let path = visits(facts);
        let shape: Vec<_> = path
            .iter()
            .map(|(step, facts)| (step.as_str(), facts.len()))
            .collect();
        assert_eq!(shape, [("mail", 2), ("wait", 1)]);
    }

    #[test]
    fn a_step_that_is_entered_again_is_a_visit_again() {
        let facts = vec![
            entered("mail", 1),
            learned("mail"),
            entered("mail", 2),
            learned("mail"),
        ];
        let path = visits(facts);
        let shape: Vec<_> = path
            .iter()
            .map(|(step, facts)| (step.as_str(), facts.len()))
            .collect();
        assert_eq!(shape, [("mail", 2), ("mail", 2)]);
    }

    #[test]
    fn a_passage_that_ended_is_shown_where_it_ended_not_where_news_came_from() {
        let end = End::Completed("thanked".to_owned());
        let facts = [
            entered("mail", 1),
            fact("bye", FactKind::Ended { end }),
            learned("mail"),
        ];
        assert_eq!(left_from(&facts).unwrap(), "bye");
    }
}
