//! E-mail templates.

use crate::db::Db;
use crate::error::{Error, Result};
use crate::sql::sql;
use crate::time::{moment, ms};
use crate::topics::Topic;
use crate::tx::Tx;
use carillon_model::TemplateId;
use carillon_model::template::Template;
use rusqlite::Row;

const LIST: &str =
    sql!("SELECT id, name, subject, preheader, body, text, updated_at, topic FROM templates ORDER BY name");
const GET: &str =
    sql!("SELECT id, name, subject, preheader, body, text, updated_at, topic FROM templates WHERE id = ?1");
const BY_NAME: &str =
    sql!("SELECT id, name, subject, preheader, body, text, updated_at, topic FROM templates WHERE name = ?1");
const ADD: &str = sql!(
    "INSERT INTO templates(name, subject, preheader, body, text, updated_at, topic) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
     RETURNING id"
);
const SAVE: &str = sql!(
    "UPDATE templates SET name = ?2, subject = ?3, preheader = ?4, body = ?5, text = ?6, updated_at = ?7, topic = ?8
     WHERE id = ?1"
);
const REMOVE: &str = sql!("DELETE FROM templates WHERE id = ?1");
const TOPIC: &str = sql!("SELECT topic FROM templates WHERE id = ?1");
const OF_TOPIC: &str = sql!("SELECT name FROM templates WHERE topic = ?1 ORDER BY name");
const USED: &str = sql!(
    "SELECT 1 FROM outbox WHERE template = ?1 LIMIT 1",
    scan: "somebody renames or removes a template now and then, and one message of it ends the search"
);

fn read(row: &Row<'_>) -> Result<Template> {
    Ok(Template {
        id: TemplateId(row.get(0)?),
        name: row.get(1)?,
        subject: row.get(2)?,
        preheader: row.get(3)?,
        body: row.get(4)?,
        text: row.get(5)?,
        updated_at: moment(row.get(6)?)?,
        topic: row.get(7)?,
    })
}

/// All templates by name.
///
/// # Errors
/// SQLite's.
pub fn list(db: &Db<'_>) -> Result<Vec<Template>> {
    db.all(LIST, (), read)
}

/// One template.
///
/// # Errors
/// SQLite's.
pub fn get(db: &Db<'_>, id: TemplateId) -> Result<Option<Template>> {
    db.one(GET, (id.0,), read)
}

/// One template by its exact name.
///
/// # Errors
/// SQLite's.
pub fn by_name(db: &Db<'_>, name: &str) -> Result<Option<Template>> {
    db.one(BY_NAME, (name,), read)
}

/// What the mails of a template are about, for the gate.
///
/// # Errors
/// SQLite's.
pub fn topic(db: &Db<'_>, id: TemplateId) -> Result<Option<u8>> {
    Ok(db.value(TOPIC, (id.0,))?.flatten())
}

/// Names of the templates that are about a topic.
///
/// # Errors
/// SQLite's.
pub fn of_topic(db: &Db<'_>, topic: u8) -> Result<Vec<String>> {
    db.all(OF_TOPIC, (topic,), |row| Ok(row.get(0)?))
}

/// Saves a template: `id` to change one, `None` for a new one. Its `id` and `updated_at` are set here.
///
/// # Errors
/// [`Error::Taken`], [`Error::NotFound`], [`Error::Invalid`] without a name, or for a new name once messages
/// were made from it: journeys, segments and the record know it by its name.
pub fn save(tx: &mut Tx<'_>, id: Option<TemplateId>, template: &Template) -> Result<Template> {
    let name = template.name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("A template needs a name.".to_owned()));
    }
    if by_name(tx, name)?.is_some_and(|other| Some(other.id) != id) {
        return Err(Error::Taken {
            what: "template",
            name: name.to_owned(),
        });
    }
    let now = tx.now();
    let t = template;
    let id = match id {
        Some(id) => {
            let before = get(tx, id)?.ok_or_else(|| Error::missing("template", id))?;
            if before.name != name {
                refuse_used(tx, &before)?;
            }
            tx.run(
                SAVE,
                (
                    id.0,
                    name,
                    &t.subject,
                    &t.preheader,
                    &t.body,
                    &t.text,
                    ms(now),
                    t.topic,
                ),
            )?;
            id
        }
        None => TemplateId(
            tx.value(
                ADD,
                (name, &t.subject, &t.preheader, &t.body, &t.text, ms(now), t.topic),
            )?
            .ok_or_else(|| Error::damaged("templates", "a new template got no number"))?,
        ),
    };
    tell(tx, id);
    Ok(Template {
        id,
        name: name.to_owned(),
        updated_at: now,
        ..template.clone()
    })
}

fn refuse_used(db: &Db<'_>, template: &Template) -> Result<()> {
    match db.value::<i64>(USED, (template.id.0,))? {
        None => Ok(()),
        Some(_) => Err(Error::Invalid(format!(
            "Messages were made from \"{}\", so it keeps its name and stays. Make a copy instead.",
            template.name
        ))),
    }
}

/// Removes a template no message was ever made from.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] when it was used.
pub fn remove(tx: &mut Tx<'_>, id: TemplateId) -> Result<()> {
    let template = get(tx, id)?.ok_or_else(|| Error::missing("template", id))?;
    refuse_used(tx, &template)?;
    tx.run(REMOVE, (id.0,))?;
    tell(tx, id);
    Ok(())
}

fn tell(tx: &mut Tx<'_>, id: TemplateId) {
    tx.touch("templates", i64::from(id.0), i64::from(id.0));
    tx.topic(Topic::Templates);
}
