//! E-mail templates: kept, rendered as any contact, missing values counted before anything is sent.

use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::{FileRef, read_text};
use crate::imports::clean;
use crate::letters::{self, context, sender};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use crate::{Ctx, segments};
use carillon_model::journey::Journey;
use carillon_model::template::Template;
use carillon_model::{ContactId, Moment, TemplateId};
use carillon_render::child::{Mode, Output, Request};
use carillon_render::{ErrorKind, Missing, Prepared, TemplateParts};
use carillon_store::Priority;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

commands! {
    query "templates.list" list(NoArgs) -> Vec<TemplateRow>, reads [Templates, Journeys, Outbox];
    query "templates.get" get(OneTemplate) -> Template, reads [Templates];
    mutate "templates.save" save(SaveTemplate) -> Template, reads [];
    mutate "templates.delete" delete(OneTemplate) -> Done, reads [];
    query "templates.render" render(RenderTemplate) -> RenderedTemplate, reads [Contacts, Workspace, Fields];
    query "templates.missing" missing(AskMissing) -> MissingReport, reads [Contacts, Workspace, Fields];
    query "templates.starters" starters(NoArgs) -> Vec<Starter>, reads [];
    mutate "templates.add_starters" add_starters(NoArgs) -> Vec<Template>, reads [];
    mutate "templates.import_file" import_file(ImportTemplate) -> Template, reads [];
}

/// A template in the list.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TemplateRow {
    pub id: TemplateId,
    pub name: String,
    pub subject: String,
    pub updated_at: Moment,
    /// Journeys that send it.
    pub used_by: u32,
    #[ts(type = "number")]
    pub sent_30_days: u64,
}

/// Which template.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OneTemplate {
    pub id: TemplateId,
}

/// What a user writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TemplateDraft {
    pub name: String,
    pub subject: String,
    #[serde(default)]
    pub preheader: String,
    pub body: String,
    #[serde(default)]
    pub text: String,
}

impl TemplateDraft {
    fn parts(&self) -> TemplateParts {
        TemplateParts {
            subject: self.subject.clone(),
            preheader: self.preheader.clone(),
            body: self.body.clone(),
            text: self.text.clone(),
        }
    }
}

/// A template to save; without an id, a new one.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveTemplate {
    pub id: Option<TemplateId>,
    pub draft: TemplateDraft,
}

/// A draft to render as a contact, or as nobody in particular.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RenderTemplate {
    pub draft: TemplateDraft,
    pub contact: Option<ContactId>,
    /// The HTML itself as well: for files, never for a screen.
    #[serde(default)]
    pub with_html: bool,
}

/// Something wrong with a template, or a value it lacks.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TemplateProblem {
    /// `error` or `warning`.
    pub severity: String,
    /// `subject`, `preheader`, `body` or `text`.
    pub part: String,
    pub line: Option<u32>,
    pub message: String,
}

/// A mail as somebody would get it. The HTML is fetched through `frame`, with its own policy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RenderedTemplate {
    pub frame: String,
    pub subject: String,
    pub preheader: String,
    pub text: String,
    #[ts(type = "number")]
    pub bytes: usize,
    pub problems: Vec<TemplateProblem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// A draft to look through for everybody of a segment.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AskMissing {
    pub draft: TemplateDraft,
    #[serde(rename = "where")]
    pub expression: Option<String>,
}

/// A value that is missing, for how many, and whether a fallback stands in for it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MissingValue {
    pub key: String,
    pub count: u32,
    pub example: Option<crate::contacts::Named>,
    pub has_fallback: bool,
}

/// For how many contacts a template has everything.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MissingReport {
    pub looked_at: u32,
    pub complete: u32,
    pub missing: Vec<MissingValue>,
}

/// A template to begin with.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Starter {
    pub key: String,
    pub name: String,
    pub about: String,
    pub draft: TemplateDraft,
}

/// A file to take in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ImportTemplate {
    pub file: FileRef,
    pub name: Option<String>,
    pub subject: Option<String>,
    /// A new template in any case: where its name is taken, it gets a number. Else one of that name is replaced.
    #[serde(default)]
    pub fresh: bool,
}

/// The starters of `assets/templates`.
const STARTERS: &[(&str, &str)] = &[
    (
        "welcome",
        include_str!("../../../../assets/templates/welcome.json"),
    ),
    (
        "second-visit",
        include_str!("../../../../assets/templates/second-visit.json"),
    ),
    (
        "abandoned-cart",
        include_str!("../../../../assets/templates/abandoned-cart.json"),
    ),
    (
        "win-back",
        include_str!("../../../../assets/templates/win-back.json"),
    ),
];

/// A template as a file carries it.
#[derive(Deserialize)]
struct TemplateFile {
    name: String,
    #[serde(default)]
    about: String,
    subject: String,
    #[serde(default)]
    preheader: String,
    body: Lines,
    #[serde(default)]
    text: Lines,
}

/// Text as one string, or as a list of lines, which reads better in a file.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
    #[default]
    Nothing,
}

impl Lines {
    fn text(self) -> String {
        match self {
            Lines::One(text) => text,
            Lines::Many(lines) => lines.join("\n"),
            Lines::Nothing => String::new(),
        }
    }
}

impl TemplateFile {
    fn draft(self) -> TemplateDraft {
        TemplateDraft {
            name: self.name,
            subject: self.subject,
            preheader: self.preheader,
            body: self.body.text(),
            text: self.text.text(),
        }
    }
}

const FILE_MAX: u64 = 1 << 20;

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<TemplateRow>> {
    let open = cx.open()?;
    let users = crate::journeys::template_users(open).await?;
    let since = open.now() - chrono::TimeDelta::days(30);
    let rows = open
        .store
        .read(move |db| {
            let all = carillon_store::templates::list(db)?;
            let sent = carillon_store::reports::sent_by_template(db, since)?;
            Ok((all, sent))
        })
        .await?;
    Ok(rows
        .0
        .into_iter()
        .map(|template| TemplateRow {
            used_by: users.get(&template.name).copied().unwrap_or(0),
            sent_30_days: rows.1.get(&template.id).copied().unwrap_or(0),
            id: template.id,
            name: template.name,
            subject: template.subject,
            updated_at: template.updated_at,
        })
        .collect())
}

async fn get(cx: &Ctx, req: OneTemplate) -> Result<Template> {
    existing(cx.open()?, req.id).await
}

async fn existing(open: &Open, id: TemplateId) -> Result<Template> {
    let found = open
        .store
        .read(move |db| carillon_store::templates::get(db, id))
        .await?;
    found.ok_or_else(|| fail(Code::NotFound, "not_found.template", &[("name", &id)]))
}

async fn save(cx: &Ctx, req: SaveTemplate) -> Result<Template> {
    let open = cx.open()?;
    let mut draft = req.draft;
    draft.name = clean::line(&draft.name);
    if draft.name.is_empty() {
        return Err(fail(Code::Invalid, "templates.no_name", &[]).at("name"));
    }
    if let Some(id) = req.id {
        let before = existing(open, id).await?;
        if before.name != draft.name {
            refuse_in_use(open, &before.name).await?;
        }
        // What contacts are on their way to has to stay fit to be sent.
        if let Some(marketing) = crate::journeys::sent_now(open, &before.name).await? {
            fit_to_send(open, &draft.name, &draft.parts(), marketing).await?;
        }
    }
    let id = req.id;
    let template = Template {
        id: id.unwrap_or(TemplateId(0)),
        name: draft.name,
        subject: draft.subject,
        preheader: draft.preheader,
        body: draft.body,
        text: draft.text,
        updated_at: open.now(),
    };
    Ok(open
        .store
        .write(Priority::User, move |tx| {
            carillon_store::templates::save(tx, id, &template)
        })
        .await?)
}

async fn refuse_in_use(open: &Open, name: &str) -> Result<()> {
    let users = crate::journeys::users_of_template(open, name).await?;
    if users.is_empty() {
        Ok(())
    } else {
        Err(fail(
            Code::Refused,
            "templates.in_use",
            &[("name", &name), ("users", &users)],
        ))
    }
}

/// What must hold of each template that a drawing sends before it may be published.
///
/// # Errors
/// `Refused` with what is wrong: it cannot be read, or a marketing mail does not say where its sender lives or how to
/// leave.
pub async fn check_sendable(open: &Open, drawing: &Journey) -> Result<()> {
    for (name, marketing) in crate::journeys::mails_of(drawing) {
        let wanted = name.clone();
        let found = open
            .store
            .read(move |db| carillon_store::templates::by_name(db, &wanted))
            .await?;
        // One that is not there is a problem of the drawing, which is told with its step.
        if let Some(template) = found {
            fit_to_send(open, &name, &TemplateParts::from(&template), marketing).await?;
        }
    }
    Ok(())
}

async fn fit_to_send(open: &Open, name: &str, parts: &TemplateParts, marketing: bool) -> Result<()> {
    let broken = |detail: &dyn std::fmt::Display| {
        fail(
            Code::Refused,
            "templates.broken",
            &[("name", &name), ("detail", detail)],
        )
    };
    let (workspace, account) = (open.workspace()?, crate::accounts::default_account(open).await?);
    let sender = sender(&workspace, account.as_ref());
    let duties = Prepared::new(parts)
        .map_err(|e| broken(&e))?
        .duties(parts, &sender);
    if marketing && !duties.postal_address {
        return Err(fail(
            Code::Refused,
            "templates.no_postal_address",
            &[("name", &name)],
        ));
    }
    if marketing && !duties.unsubscribe {
        return Err(fail(
            Code::Refused,
            "templates.no_unsubscribe",
            &[("name", &name)],
        ));
    }
    let unsubscribe = Some("mailto:unsubscribe@example.com".to_owned());
    let context = context(
        &letters::nobody(),
        open.store.catalogue().zone(),
        open.now(),
        unsubscribe,
    );
    let request = Request {
        template: parts.clone(),
        sender,
        mode: Mode::Render,
        contexts: vec![context],
    };
    match open.press.run(request).await?.into_iter().next() {
        // A child that ended says nothing of the template; a subject may be empty for somebody of whom nothing is known.
        Some(Err(e)) if e.kind == ErrorKind::Mjml || e.kind == ErrorKind::Unsafe => Err(broken(&e)),
        _ => Ok(()),
    }
}

async fn delete(cx: &Ctx, req: OneTemplate) -> Result<Done> {
    let open = cx.open()?;
    let template = existing(open, req.id).await?;
    refuse_in_use(open, &template.name).await?;
    open.store
        .write(Priority::User, move |tx| {
            carillon_store::templates::remove(tx, req.id)
        })
        .await?;
    Ok(Done {})
}

async fn render(cx: &Ctx, req: RenderTemplate) -> Result<RenderedTemplate> {
    let open = cx.open()?;
    let workspace = open.workspace()?;
    let account = crate::accounts::default_account(open).await?;
    let record = match req.contact {
        Some(id) => open
            .store
            .with_index(|index| index.record(id))
            .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &id)]))?,
        None => letters::nobody(),
    };
    let unsubscribe = account
        .as_ref()
        .map(|a| letters::unsubscribe_mailto(a, "preview"));
    let context = context(&record, open.store.catalogue().zone(), open.now(), unsubscribe);
    let sender = sender(&workspace, account.as_ref());
    let request = Request {
        template: req.draft.parts(),
        sender,
        mode: Mode::Render,
        contexts: vec![context],
    };
    let answer = open.press.run(request).await?.into_iter().next();
    Ok(match answer {
        Some(Ok(Output::Message(rendered))) => RenderedTemplate {
            problems: rendered
                .missing
                .iter()
                .map(|path| TemplateProblem {
                    severity: "warning".into(),
                    part: "body".into(),
                    line: None,
                    message: match of_event(path) {
                        true => crate::error::sentence("templates.missing_event", &[("path", path)]),
                        false => crate::error::sentence("templates.missing", &[("path", path)]),
                    },
                })
                .collect(),
            subject: rendered.subject,
            preheader: rendered.preheader,
            text: rendered.text,
            bytes: rendered.html.len(),
            frame: cx.app.tickets().frame(rendered.html.clone()),
            html: req.with_html.then_some(rendered.html),
        },
        Some(Err(e)) => RenderedTemplate {
            problems: vec![TemplateProblem {
                severity: "error".into(),
                part: e
                    .part
                    .map(|p| p.to_string().to_lowercase())
                    .unwrap_or_else(|| "body".into()),
                line: e.line,
                message: e.message.clone(),
            }],
            ..RenderedTemplate::default()
        },
        _ => return Err(ApiError::internal("the render child gave no message")),
    })
}

/// Whether a value is one of the event a journey begins with: only a message on its way has one.
fn of_event(path: &str) -> bool {
    path.starts_with("event.")
}

/// Contexts in one request to the child.
const BATCH: usize = 500;

async fn missing(cx: &Ctx, req: AskMissing) -> Result<MissingReport> {
    let open = cx.open()?;
    let workspace = open.workspace()?;
    let account = crate::accounts::default_account(open).await?;
    let ids: Vec<u32> = segments::members(open, req.expression.as_deref().unwrap_or("everyone"))?
        .iter()
        .collect();
    let zone = open.store.catalogue().zone();
    let now = open.now();
    // Holes first, then what a fallback fills: how many, and one of them.
    let mut counts: BTreeMap<(bool, String), (u32, u32)> = BTreeMap::new();
    let mut complete = 0;
    for batch in ids.chunks(BATCH) {
        let contexts: Vec<_> = open.store.with_index(|index| {
            batch
                .iter()
                .filter_map(|id| index.record(ContactId(*id)))
                .map(|record| {
                    (
                        record.id,
                        context(&record, zone, now, Some("mailto:unsubscribe@example.com".into())),
                    )
                })
                .collect()
        });
        let (ids, contexts): (Vec<u32>, Vec<_>) = contexts.into_iter().unzip();
        let request = Request {
            template: req.draft.parts(),
            sender: sender(&workspace, account.as_ref()),
            mode: Mode::Missing,
            contexts,
        };
        for (id, answer) in ids.into_iter().zip(open.press.run(request).await?) {
            match answer {
                Ok(Output::Missing(Missing { open, filled })) => {
                    let open: Vec<_> = open.into_iter().filter(|path| !of_event(path)).collect();
                    let filled = filled.into_iter().filter(|path| !of_event(path));
                    complete += u32::from(open.is_empty());
                    let open = open.into_iter().map(|path| (false, path));
                    for key in open.chain(filled.map(|path| (true, path))) {
                        counts.entry(key).or_insert((0, id)).0 += 1;
                    }
                }
                Ok(_) => return Err(ApiError::internal("the render child gave another answer")),
                Err(e) => return Err(fail(Code::Invalid, "render.template", &[("detail", &e)])),
            }
        }
    }
    let examples: Vec<ContactId> = counts.values().map(|(_, id)| ContactId(*id)).collect();
    let examples = open
        .store
        .read(move |db| carillon_store::contacts::get_many(db, &examples))
        .await?;
    Ok(MissingReport {
        looked_at: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        complete,
        missing: counts
            .into_iter()
            .map(|((has_fallback, key), (count, id))| MissingValue {
                key,
                count,
                example: examples
                    .iter()
                    .find(|c| c.id.0 == id)
                    .map(|c| crate::contacts::Named {
                        id: c.id,
                        email: c.email.clone(),
                    }),
                has_fallback,
            })
            .collect(),
    })
}

/// The starters, as drafts.
///
/// # Errors
/// Never with the files of this build; a test reads them.
pub fn starter_drafts() -> Result<Vec<Starter>> {
    STARTERS
        .iter()
        .map(|(key, text)| {
            let file: TemplateFile = serde_json::from_str(text).map_err(ApiError::internal)?;
            Ok(Starter {
                key: (*key).to_owned(),
                name: file.name.clone(),
                about: file.about.clone(),
                draft: file.draft(),
            })
        })
        .collect()
}

async fn starters(_: &Ctx, _: NoArgs) -> Result<Vec<Starter>> {
    starter_drafts()
}

async fn add_starters(cx: &Ctx, _: NoArgs) -> Result<Vec<Template>> {
    let known = list(cx, NoArgs {}).await?;
    let mut added = Vec::new();
    for starter in starter_drafts()? {
        if !known.iter().any(|t| t.name == starter.draft.name) {
            added.push(
                save(
                    cx,
                    SaveTemplate {
                        id: None,
                        draft: starter.draft,
                    },
                )
                .await?,
            );
        }
    }
    Ok(added)
}

async fn import_file(cx: &Ctx, req: ImportTemplate) -> Result<Template> {
    let path = cx.path(&req.file)?;
    let text = read_text(&path, FILE_MAX)?;
    let mut draft = if text.trim_start().starts_with('{') {
        let file: TemplateFile = serde_json::from_str(&text).map_err(|e| {
            fail(
                Code::Invalid,
                "templates.not_a_template",
                &[("file", &path.display()), ("detail", &e)],
            )
        })?;
        file.draft()
    } else {
        let subject = req
            .subject
            .clone()
            .ok_or_else(|| fail(Code::Invalid, "templates.no_subject", &[]).at("subject"))?;
        let name = cx.name_of(&req.file);
        TemplateDraft {
            name: name
                .rsplit_once('.')
                .map_or(name.as_str(), |(stem, _)| stem)
                .to_owned(),
            subject,
            body: text,
            ..TemplateDraft::default()
        }
    };
    if let Some(name) = req.name {
        draft.name = name;
    }
    if let Some(subject) = req.subject {
        draft.subject = subject;
    }
    let known = list(cx, NoArgs {}).await?;
    draft.name = clean::line(&draft.name);
    let of = |name: &str| known.iter().find(|t| t.name == name).map(|t| t.id);
    let id = of(&draft.name);
    if !req.fresh || id.is_none() {
        return save(cx, SaveTemplate { id, draft }).await;
    }
    let free = (2..)
        .map(|n| format!("{} {n}", draft.name))
        .find(|name| of(name).is_none());
    draft.name = free.unwrap_or(draft.name);
    save(cx, SaveTemplate { id: None, draft }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_starter_is_a_whole_template() {
        let all = starter_drafts().expect("the starters are read");
        assert_eq!(all.len(), 4);
        for starter in all {
            assert!(!starter.draft.subject.is_empty(), "{}", starter.key);
            assert!(starter.draft.body.contains("<mjml"), "{}", starter.key);
        }
    }
}
