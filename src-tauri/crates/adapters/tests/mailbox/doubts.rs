//! Replies that may be a wish to leave, against those that are not: by language, made up for this.

use super::notice;
use super::said::reply;
use carillon_adapters::mailbox::notice::Kind;
use std::collections::BTreeMap;

/// By language, then by what is wanted of them: `leave` or `stay`.
fn replies() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    serde_json::from_str(include_str!("replies.json")).unwrap()
}

/// Whether marketing stops or rests after this reply.
fn is_heard(text: &str) -> bool {
    matches!(
        notice(reply(text)).kind,
        Kind::Unsubscribe { .. } | Kind::Reply { may_leave: true }
    )
}

fn heard_of(wanted: &str) -> (Vec<String>, Vec<String>) {
    let all = replies().into_iter().flat_map(|(language, mut of)| {
        let texts = of.remove(wanted).unwrap();
        texts.into_iter().map(move |text| format!("{language}: {text}"))
    });
    all.partition(|line| is_heard(line.split_once(": ").unwrap().1))
}

#[test]
fn every_wish_to_leave_is_heard_surely_or_perhaps() {
    let (heard, missed) = heard_of("leave");
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(heard.len() >= 300);
}

#[test]
fn of_ordinary_replies_few_are_held() {
    let (held, passed) = heard_of("stay");
    assert!(held.len() * 20 <= held.len() + passed.len(), "{held:#?}");
}
