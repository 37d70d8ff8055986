//! E-mail templates: kept, rendered as any contact, missing values counted before anything is sent.

mod missing;
mod sendable;
mod words;

pub use sendable::{check_sendable, unfit};
pub use words::*;

use crate::Ctx;
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::read_text;
use crate::imports::clean;
use crate::letters::{self, ShownLinks, context, sender};
use crate::table::{Done, NoArgs};
use crate::workspaces::Open;
use carillon_engine::segment::Needs;
use carillon_model::TemplateId;
use carillon_model::template::Template;
use carillon_render::child::{Mode, Output, Request};
use carillon_store::Priority;
use missing::{missing, of_event};
use sendable::fit_to_send;
use serde::Deserialize;
use std::path::Path;

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
    #[serde(default)]
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    preheader: String,
    #[serde(default)]
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
            topic: None,
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
        topic: draft.topic,
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
            .with_index(|index| index.record_of(id, &Needs::every_field()))
            .ok_or_else(|| fail(Code::NotFound, "not_found.contact", &[("name", &id)]))?,
        None => letters::nobody(),
    };
    let unsubscribe = account
        .as_ref()
        .map(|a| letters::unsubscribe_mailto(a, "preview"));
    let context = context(&record, open.store.catalogue().zone(), open.now(), unsubscribe);
    let context = ShownLinks::of(open).await?.put(context);
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

/// What a file holds: JSON with the parts of a template, or bare MJML.
fn draft_of(path: &Path, text: String) -> Result<TemplateDraft> {
    if !text.trim_start().starts_with('{') {
        return Ok(TemplateDraft {
            body: text,
            ..TemplateDraft::default()
        });
    }
    let file: TemplateFile = serde_json::from_str(&text).map_err(|e| {
        fail(
            Code::Invalid,
            "templates.not_a_template",
            &[
                ("file", &path.display()),
                ("line", &e.line()),
                ("at", &e.column()),
            ],
        )
    })?;
    let draft = file.draft();
    match draft.body.trim().is_empty() {
        true => Err(fail(
            Code::Invalid,
            "templates.no_body",
            &[("file", &path.display())],
        )),
        false => Ok(draft),
    }
}

async fn import_file(cx: &Ctx, req: ImportTemplate) -> Result<Template> {
    let path = cx.path(&req.file)?;
    let mut draft = draft_of(&path, read_text(&path, FILE_MAX)?)?;
    if let Some(subject) = req.subject {
        draft.subject = subject;
    }
    if draft.subject.trim().is_empty() {
        return Err(fail(Code::Invalid, "templates.no_subject", &[]).at("subject"));
    }
    if let Some(name) = req.name {
        draft.name = name;
    }
    if draft.name.trim().is_empty() {
        let file = cx.name_of(&req.file);
        file.rsplit_once('.')
            .map_or(file.as_str(), |(stem, _)| stem)
            .clone_into(&mut draft.name);
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
