//! What mails may be about: topics people leave one by one, and what a template's mails are of.

use crate::Ctx;
use crate::commands;
use crate::error::{Code, Result, fail};
use crate::imports::clean;
use crate::relay;
use crate::table::NoArgs;
use carillon_model::relay::{RelaySettings, Topic};
use carillon_store::choices::MOST_TOPICS;
use carillon_store::{Db, Priority, settings, templates};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

commands! {
    query "topics.list" list(NoArgs) -> Vec<Topic>, reads [Relay, Workspace];
    mutate "topics.save" save(SaveTopics) -> Vec<Topic>, reads [];
}

/// Key of the setting with the list.
const SETTING: &str = "topics";

/// Longest name and description, in characters.
const LONGEST: usize = 200;

/// The list as it is to be, in the order the preference page shows it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveTopics {
    pub topics: Vec<TopicDraft>,
}

/// A topic as a user writes it.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TopicDraft {
    /// None: a new one. Numbers are given once: they stand in links that were sent.
    #[serde(default)]
    pub number: Option<u8>,
    pub name: String,
    #[serde(default)]
    pub about: String,
}

/// The list, and how many numbers were ever given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Topics {
    topics: Vec<Topic>,
    given: u8,
}

impl Topics {
    /// What the preference page offers.
    pub fn offered(self) -> Vec<Topic> {
        self.topics
    }
}

/// The topics of a workspace.
///
/// # Errors
/// The store's.
pub fn all(db: &Db<'_>) -> carillon_store::Result<Topics> {
    if let Some(known) = settings::get(db, SETTING)? {
        return Ok(known);
    }
    // Of before topics were the workspace's own.
    let of_relay: Option<RelaySettings> = settings::get(db, relay::SETTINGS)?;
    let topics = of_relay.map(|all| all.page.topics).unwrap_or_default();
    let given = topics.iter().map(|topic| topic.number + 1).max().unwrap_or(0);
    Ok(Topics { topics, given })
}

/// Names of the topics whose bit is set.
///
/// # Errors
/// The store's.
pub fn names_left(db: &Db<'_>, left: u32) -> carillon_store::Result<Vec<String>> {
    let is_left = |topic: &Topic| topic.number < MOST_TOPICS && left & (1 << topic.number) != 0;
    let all = all(db)?.topics;
    Ok(all.into_iter().filter(is_left).map(|topic| topic.name).collect())
}

async fn list(cx: &Ctx, _: NoArgs) -> Result<Vec<Topic>> {
    Ok(cx.open()?.store.read(all).await?.topics)
}

async fn save(cx: &Ctx, req: SaveTopics) -> Result<Vec<Topic>> {
    let open = cx.open()?;
    let before = open.store.read(all).await?;
    let after = numbered(&before, req.topics)?;
    for gone in before
        .topics
        .iter()
        .filter(|old| after.topics.iter().all(|topic| topic.number != old.number))
    {
        let number = gone.number;
        let used = open.store.read(move |db| templates::of_topic(db, number)).await?;
        if let Some(template) = used.first() {
            let params: [(&str, &dyn std::fmt::Display); 2] = [("name", &gone.name), ("template", template)];
            return Err(fail(Code::Refused, "topics.used", &params));
        }
    }
    let kept = after.clone();
    open.store
        .write(Priority::User, move |tx| {
            settings::set(tx, SETTING, Some(&kept))?;
            carillon_store::opt_out_sources::relay_changed(tx);
            Ok(())
        })
        .await?;
    relay::tell_settings(open).await?;
    Ok(after.topics)
}

fn numbered(before: &Topics, drafts: Vec<TopicDraft>) -> Result<Topics> {
    let mut given = before.given;
    let mut topics: Vec<Topic> = Vec::new();
    for draft in drafts {
        let short = |text: &str| -> String { clean::line(text).chars().take(LONGEST).collect() };
        let (name, about) = (short(&draft.name), short(&draft.about));
        if name.is_empty() {
            return Err(fail(Code::Invalid, "topics.no_name", &[]).at("topics"));
        }
        if topics.iter().any(|topic| topic.name == name) {
            return Err(fail(Code::Invalid, "topics.twice", &[("name", &name)]).at("topics"));
        }
        let known = |number: u8| before.topics.iter().any(|topic| topic.number == number);
        let number = match draft.number {
            Some(number) if known(number) && topics.iter().all(|topic| topic.number != number) => number,
            _ if given < MOST_TOPICS => {
                given += 1;
                given - 1
            }
            _ => return Err(fail(Code::Refused, "topics.too_many", &[("most", &MOST_TOPICS)]).at("topics")),
        };
        topics.push(Topic { number, name, about });
    }
    Ok(Topics { topics, given })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(number: Option<u8>, name: &str) -> TopicDraft {
        TopicDraft {
            number,
            name: name.to_owned(),
            about: String::new(),
        }
    }

    fn numbers(topics: &Topics) -> Vec<u8> {
        topics.topics.iter().map(|topic| topic.number).collect()
    }

    #[test]
    fn the_number_of_a_topic_is_given_once_and_stays_with_it() {
        let first = numbered(
            &Topics::default(),
            vec![draft(None, "News"), draft(None, "Sales")],
        )
        .expect("a list");
        assert_eq!(numbers(&first), [0, 1]);
        let second = numbered(&first, vec![draft(Some(1), "Offers"), draft(None, "Events")]).expect("a list");
        assert_eq!(
            numbers(&second),
            [1, 2],
            "the number of what is gone is not given again"
        );
        let third = numbered(&second, vec![draft(Some(0), "Who?")]).expect("a list");
        assert_eq!(numbers(&third), [3], "a number nobody has is no number");
    }

    #[test]
    fn a_thirty_third_topic_a_nameless_one_and_a_second_of_one_name_are_refused() {
        let many: Vec<TopicDraft> = (0..32).map(|n| draft(None, &format!("t{n}"))).collect();
        let full = numbered(&Topics::default(), many).expect("a list");
        assert!(numbered(&full, vec![draft(None, "one more")]).is_err());
        assert!(numbered(&Topics::default(), vec![draft(None, " ")]).is_err());
        assert!(numbered(&Topics::default(), vec![draft(None, "a"), draft(None, "a")]).is_err());
    }
}
