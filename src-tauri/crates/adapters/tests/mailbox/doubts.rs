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

/// What nobody who made the words had read when they were made: language, subject and text, of plain and of rare
/// wordings, by `leave` and `stay`.
fn unseen(wording: &str, wanted: &str) -> Vec<(String, Kind)> {
    type Mails = BTreeMap<String, BTreeMap<String, Vec<(String, String, String)>>>;
    let mut all: Mails = serde_json::from_str(include_str!("unseen.json")).unwrap();
    let mails = all.remove(wording).unwrap().remove(wanted).unwrap();
    let read = mails.into_iter().map(|(language, subject, text)| {
        let kind = notice(format!(
            "From: Ann <ann@dest.example>\nTo: news@shop.example\nSubject: {subject}\nIn-Reply-To: <1@shop.example>\n\
             Content-Type: text/plain; charset=utf-8\n\n{text}\n"
        ))
        .kind;
        (format!("{language}: {text}"), kind)
    });
    read.collect()
}

/// How many of a hundred are such that `is`, and those that are.
fn share(of: &[(String, Kind)], is: impl Fn(&Kind) -> bool) -> (usize, Vec<&str>) {
    let those: Vec<&str> = of
        .iter()
        .filter(|(_, kind)| is(kind))
        .map(|(text, _)| text.as_str())
        .collect();
    (those.len() * 100 / of.len(), those)
}

fn is_sure(kind: &Kind) -> bool {
    matches!(kind, Kind::Unsubscribe { .. })
}

fn is_held(kind: &Kind) -> bool {
    matches!(kind, Kind::Reply { may_leave: true })
}

#[test]
fn a_plain_wish_nobody_tuned_for_is_always_heard_and_nobody_is_taken_off_who_did_not_ask() {
    let wishes = unseen("plain", "leave");
    let (missed, those) = share(&wishes, |kind| !is_sure(kind) && !is_held(kind));
    assert_eq!(missed, 0, "{those:#?}");
    let (sure, _) = share(&wishes, is_sure);
    assert!(sure >= 80, "{sure} of 100");
    for wording in ["plain", "rare"] {
        let others = unseen(wording, "stay");
        let (_, wrong) = share(&others, is_sure);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn of_replies_nobody_tuned_for_the_rare_wish_is_mostly_heard_and_few_ordinary_ones_wait() {
    let (heard, _) = share(&unseen("rare", "leave"), |kind| is_sure(kind) || is_held(kind));
    let (plain, _) = share(&unseen("plain", "stay"), is_held);
    let (tempting, _) = share(&unseen("rare", "stay"), is_held);
    assert!(
        heard >= 94 && plain <= 16 && tempting <= 38,
        "{heard} {plain} {tempting} of 100"
    );
}
