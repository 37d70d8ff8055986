//! Human or machine: what the raw hits of one message were, by dated rules that are handed in.
//!
//! Nothing is decided for ever: the raw hits are kept, and when the rules change the same hits are read anew.

use carillon_model::Moment;
use carillon_model::relay::{HitKind, RequestFacts};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// `assets/rules/machine_hits.json`, read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitRules {
    /// `YYYY-MM-DD`: kept with each verdict.
    pub dated: String,
    pub about: String,
    /// A click or open so soon after the server took the message is a machine's.
    pub after_delivery_secs: u32,
    pub all_links: AllLinks,
    /// A hit so near to one of the hidden link, from the same network, is its follower's.
    pub near_hidden_secs: u32,
    /// Keys of `scanners.json`.
    pub scanner_networks: BTreeSet<String>,
    /// Parts of a user agent, lower case.
    pub scanner_agents: Vec<String>,
    pub proxy_networks: BTreeSet<String>,
    pub proxy_agents: Vec<String>,
    /// Whole user agents, lower case.
    pub proxy_whole_agents: Vec<String>,
    pub sources: Vec<Source>,
}

/// Whoever follows all links of a message within a short time reads none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllLinks {
    /// In a message with fewer links than this it says nothing.
    pub at_least: u16,
    pub within_secs: u32,
}

/// Where a rule comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub of: String,
    pub source: String,
    pub checked: String,
}

/// One raw hit of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct RawHit {
    pub kind: HitKind,
    /// The relay's clock.
    pub at: Moment,
    /// Place of the link, for a click.
    pub link: Option<u16>,
    pub request: RequestFacts,
}

/// Who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Human,
    Machine,
    /// A picture that a mail service loaded for a person who may or may not have looked.
    Proxy,
}

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HitRule {
    /// The link people do not see was followed.
    HiddenLink,
    /// Asked for the head only.
    Head,
    /// Said that it only fetches ahead.
    Prefetch,
    /// Came from the network of a scanner.
    ScannerNetwork,
    /// Called itself a program.
    ScannerAgent,
    /// All links within a short time.
    AllLinks,
    /// A picture loaded by a mail service.
    MailProxy,
    /// Sooner after delivery than anybody reads.
    TooSoon,
    /// None of them: a person.
    NoRule,
}

/// What one hit was, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitVerdict {
    pub who: Who,
    pub rule: HitRule,
}

/// Judges the hits of one message, in the order they are given. `sent_at` is when a server took the message, `links` how
/// many links it has.
pub fn classify(sent_at: Moment, links: u16, hits: &[RawHit], rules: &HitRules) -> Vec<HitVerdict> {
    let sweeps = sweeps(links, hits, rules);
    hits.iter()
        .map(|hit| {
            let rule = rule(sent_at, hit, hits, &sweeps, rules);
            let who = match rule {
                HitRule::NoRule => Who::Human,
                HitRule::MailProxy => Who::Proxy,
                _ => Who::Machine,
            };
            HitVerdict { who, rule }
        })
        .collect()
}

fn rule(
    sent_at: Moment,
    hit: &RawHit,
    all: &[RawHit],
    sweeps: &[(Moment, Moment)],
    rules: &HitRules,
) -> HitRule {
    // A person pressed a button; a mail program that unsubscribes for one, by RFC 8058, is that person's word.
    if !matches!(hit.kind, HitKind::Click | HitKind::Open | HitKind::Hidden) {
        return HitRule::NoRule;
    }
    let agent = hit.request.agent.to_lowercase();
    let network = hit.request.known_network.as_deref();
    let is = |set: &BTreeSet<String>| network.is_some_and(|n| set.contains(n));
    let has = |parts: &[String]| parts.iter().any(|p| agent.contains(p.as_str()));
    let proxied = || {
        let whole = rules.proxy_whole_agents.contains(&agent);
        is(&rules.proxy_networks) || has(&rules.proxy_agents) || whole
    };
    if hit.kind == HitKind::Hidden || near_hidden(hit, all, rules) {
        HitRule::HiddenLink
    } else if hit.request.method == "HEAD" {
        HitRule::Head
    } else if hit.request.prefetch {
        HitRule::Prefetch
    } else if is(&rules.scanner_networks) {
        HitRule::ScannerNetwork
    } else if agent.is_empty() || has(&rules.scanner_agents) {
        HitRule::ScannerAgent
    } else if hit.kind == HitKind::Click && sweeps.iter().any(|(from, to)| (*from..=*to).contains(&hit.at)) {
        HitRule::AllLinks
    } else if hit.kind == HitKind::Open && proxied() {
        HitRule::MailProxy
    } else if (hit.at - sent_at) <= TimeDelta::seconds(i64::from(rules.after_delivery_secs)) {
        HitRule::TooSoon
    } else {
        HitRule::NoRule
    }
}

/// Whether whoever followed the hidden link came from the same network at about this time.
fn near_hidden(hit: &RawHit, all: &[RawHit], rules: &HitRules) -> bool {
    let near = TimeDelta::seconds(i64::from(rules.near_hidden_secs));
    all.iter().any(|other| {
        other.kind == HitKind::Hidden
            && other.request.network.is_some()
            && other.request.network == hit.request.network
            && (other.at - hit.at).abs() <= near
    })
}

/// The spans of time in which every link of the message was followed.
fn sweeps(links: u16, hits: &[RawHit], rules: &HitRules) -> Vec<(Moment, Moment)> {
    if links < rules.all_links.at_least.max(1) {
        return Vec::new();
    }
    let within = TimeDelta::seconds(i64::from(rules.all_links.within_secs));
    let mut clicks: Vec<(Moment, u16)> = hits
        .iter()
        .filter(|h| h.kind == HitKind::Click)
        .filter_map(|h| Some((h.at, h.link?)))
        .collect();
    clicks.sort_unstable();
    let mut found = Vec::new();
    let (mut first, mut counts) = (0, std::collections::BTreeMap::<u16, usize>::new());
    for last in 0..clicks.len() {
        *counts.entry(clicks[last].1).or_default() += 1;
        while clicks[last].0 - clicks[first].0 > within {
            if let Some(count) = counts.get_mut(&clicks[first].1) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&clicks[first].1);
                }
            }
            first += 1;
        }
        if counts.len() >= usize::from(links) {
            found.push((clicks[first].0, clicks[last].0));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> HitRules {
        serde_json::from_str(include_str!("../../../../assets/rules/machine_hits.json"))
            .expect("the rules are read")
    }

    fn sent_at() -> Moment {
        Moment::from_timestamp(1_800_000_000, 0).expect("a moment")
    }

    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn hit(kind: HitKind, secs: i64, link: Option<u16>) -> RawHit {
        RawHit {
            kind,
            at: sent_at() + TimeDelta::seconds(secs),
            link,
            request: RequestFacts {
                method: "GET".to_owned(),
                agent: BROWSER.to_owned(),
                network: Some("0123456789abcdef".to_owned()),
                ..RequestFacts::default()
            },
        }
    }

    fn click(secs: i64, link: u16) -> RawHit {
        hit(HitKind::Click, secs, Some(link))
    }

    fn judged(hits: &[RawHit]) -> Vec<HitRule> {
        classify(sent_at(), 3, hits, &rules())
            .iter()
            .map(|v| v.rule)
            .collect()
    }

    fn with(mut hit: RawHit, change: impl FnOnce(&mut RequestFacts)) -> RawHit {
        change(&mut hit.request);
        hit
    }

    #[test]
    fn somebody_who_reads_and_clicks_is_human() {
        let hits = [
            hit(HitKind::Open, 600, None),
            click(640, 1),
            click(700, 1),
            click(900, 2),
        ];
        let verdicts = classify(sent_at(), 3, &hits, &rules());
        assert!(
            verdicts
                .iter()
                .all(|v| v.who == Who::Human && v.rule == HitRule::NoRule),
            "{verdicts:?}"
        );
    }

    #[test]
    fn what_comes_within_ten_seconds_of_delivery_is_a_machine_and_later_is_not() {
        assert_eq!(
            judged(&[click(10, 0), click(11, 0)]),
            [HitRule::TooSoon, HitRule::NoRule]
        );
    }

    #[test]
    fn all_links_within_a_short_time_are_a_machine_and_one_of_them_later_is_not() {
        let hits = [click(100, 0), click(104, 1), click(110, 2), click(500, 1)];
        use HitRule::{AllLinks, NoRule};
        assert_eq!(judged(&hits), [AllLinks, AllLinks, AllLinks, NoRule]);
        let slow = [click(100, 0), click(104, 1), click(111, 2)];
        assert_eq!(judged(&slow), [NoRule; 3]);
        let two = [click(100, 0), click(101, 1)];
        let verdicts = classify(sent_at(), 2, &two, &rules());
        assert!(
            verdicts.iter().all(|v| v.rule == NoRule),
            "two links are soon both followed"
        );
    }

    #[test]
    fn the_hidden_link_gives_away_its_follower_and_nobody_else() {
        let elsewhere = with(click(105, 1), |r| r.network = Some("ffff".to_owned()));
        let hits = [
            click(100, 0),
            hit(HitKind::Hidden, 102, None),
            elsewhere,
            click(500, 1),
        ];
        use HitRule::{HiddenLink, NoRule};
        assert_eq!(judged(&hits), [HiddenLink, HiddenLink, NoRule, NoRule]);
    }

    #[test]
    fn heads_fetchers_scanner_networks_and_programs_are_machines() {
        for (hit, rule) in [
            (
                with(click(100, 0), |r| r.method = "HEAD".to_owned()),
                HitRule::Head,
            ),
            (with(click(100, 0), |r| r.prefetch = true), HitRule::Prefetch),
            (
                with(click(100, 0), |r| r.known_network = Some("barracuda".to_owned())),
                HitRule::ScannerNetwork,
            ),
            (
                with(click(100, 0), |r| r.agent = "Python-Requests/2".to_owned()),
                HitRule::ScannerAgent,
            ),
            (
                with(click(100, 0), |r| r.agent = String::new()),
                HitRule::ScannerAgent,
            ),
        ] {
            assert_eq!(judged(&[hit]), [rule]);
        }
    }

    #[test]
    fn pictures_loaded_by_mail_services_are_a_proxys_and_clicks_through_them_a_persons() {
        for change in [
            (|r| r.agent = "Mozilla/5.0".to_owned()) as fn(&mut RequestFacts),
            |r| r.agent = "Mozilla/5.0 (Windows NT 5.1) Gecko (via ggpht.com GoogleImageProxy)".to_owned(),
            |r| r.known_network = Some("apple".to_owned()),
        ] {
            let open = with(hit(HitKind::Open, 3, None), change);
            let verdict = classify(sent_at(), 3, &[open], &rules())[0];
            assert_eq!((verdict.who, verdict.rule), (Who::Proxy, HitRule::MailProxy));
        }
        let from_apple = with(click(100, 0), |r| r.known_network = Some("apple".to_owned()));
        assert_eq!(judged(&[from_apple]), [HitRule::NoRule]);
    }

    #[test]
    fn an_unsubscribe_is_never_a_machines_whoever_carried_it() {
        for kind in [
            HitKind::Unsubscribe,
            HitKind::Preferences,
            HitKind::Confirm,
            HitKind::Form,
        ] {
            let at_once = with(hit(kind, 0, None), |r| {
                r.agent = String::new();
                r.known_network = Some("microsoft-eop".to_owned());
            });
            assert_eq!(judged(&[at_once]), [HitRule::NoRule], "{kind:?}");
        }
    }

    #[test]
    fn the_same_hits_are_read_anew_when_rules_change() {
        let hits = [click(30, 0)];
        let stricter = HitRules {
            after_delivery_secs: 60,
            ..rules()
        };
        assert_eq!(classify(sent_at(), 3, &hits, &rules())[0].who, Who::Human);
        assert_eq!(classify(sent_at(), 3, &hits, &stricter)[0].who, Who::Machine);
    }

    proptest! {
        #[test]
        fn each_hit_gets_one_verdict_that_does_not_hang_on_the_order_of_hits(
            hits in proptest::collection::vec((0i64..60, 0u16..4, 0u8..3), 0..40),
            turn in 0usize..40,
        ) {
            let hits: Vec<RawHit> = hits
                .into_iter()
                .map(|(secs, link, kind)| match kind {
                    0 => hit(HitKind::Open, secs, None),
                    1 => click(secs, link),
                    _ => with(hit(HitKind::Hidden, secs, None), |r| r.network = Some(format!("{link}"))),
                })
                .collect();
            let verdicts = classify(sent_at(), 3, &hits, &rules());
            prop_assert_eq!(verdicts.len(), hits.len());
            let mut turned = hits.clone();
            let by = turn % hits.len().max(1);
            turned.rotate_left(by);
            let mut expected = verdicts;
            expected.rotate_left(by);
            prop_assert_eq!(classify(sent_at(), 3, &turned, &rules()), expected);
        }
    }
}
