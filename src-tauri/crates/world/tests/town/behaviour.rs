//! Rates, fatigue, quality, season, machines, and people who left.

use crate::letter::newsletter;
use crate::{address, deliver, moment, only, play, settings, start};
use carillon_model::Moment;
use carillon_world::personas::{
    Act, Deed, Effect, FailureNews, Mail, Method, Person, Persona, Published, Reception, Season, Stage, Town,
    Trouble, published,
};
use chrono::TimeDelta;
use std::collections::BTreeMap;

type Acts = [(Moment, Act)];

/// How many mails have at least one such act of a person or a server.
fn mails(acts: &Acts, is: impl Fn(&Deed) -> bool) -> usize {
    let human = acts
        .iter()
        .filter(|(_, act)| act.about.persona != Persona::Bot && is(&act.deed));
    let mut ids: Vec<&str> = human.map(|(_, act)| act.about.message_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

fn opens(acts: &Acts) -> usize {
    mails(acts, |deed| matches!(deed, Deed::Open { .. }))
}

fn clicks(acts: &Acts) -> usize {
    mails(acts, |deed| {
        matches!(deed, Deed::Click { .. } | Deed::FillForm { .. })
    })
}

fn leaves(acts: &Acts) -> usize {
    mails(acts, |deed| matches!(deed, Deed::Unsubscribe(_)))
}

fn complaints(acts: &Acts) -> usize {
    mails(acts, |deed| matches!(deed, Deed::Complain { .. }))
}

fn bounces(acts: &Acts, wanted: Trouble) -> usize {
    mails(
        acts,
        |deed| matches!(deed, Deed::Bounce { trouble, stage: Stage::Failed, .. } if *trouble == wanted),
    )
}

fn purchases(acts: &Acts) -> usize {
    mails(acts, |deed| matches!(deed, Deed::Buy { .. }))
}

#[test]
fn a_usual_world_of_ten_thousand_mails_keeps_to_what_others_measured() {
    let acts = play(settings(1), 5_000, 2, 7);
    let published = published();
    let replies = mails(&acts, |deed| matches!(deed, Deed::Reply { .. }));
    let keeps = |what: &str, count: usize, rate: &Published| {
        let share = count as f64 / 10_000.0;
        println!("{what}: {share}");
        assert!((rate.low..=rate.high).contains(&share), "{what}: {share}");
    };
    keeps("opens", opens(&acts), &published.open);
    keeps("clicks", clicks(&acts), &published.click);
    keeps("unsubscribes", leaves(&acts), &published.unsubscribe);
    keeps("complaints", complaints(&acts), &published.complaint);
    keeps(
        "hard bounces",
        bounces(&acts, Trouble::Unknown),
        &published.hard_bounce,
    );
    keeps(
        "soft bounces",
        bounces(&acts, Trouble::Full),
        &published.soft_bounce,
    );
    keeps("purchases", purchases(&acts), &published.purchase);
    keeps("replies", replies, &published.reply);
    assert_eq!(bounces(&acts, Trouble::Blocked), 0);
}

#[test]
fn the_same_seed_does_the_same_and_another_does_not() {
    let once = play(settings(1), 400, 3, 7);
    assert_eq!(once, play(settings(1), 400, 3, 7));
    assert_ne!(once, play(settings(2), 400, 3, 7));
}

#[test]
fn acts_come_in_order_and_never_before_their_mail() {
    let acts = play(settings(3), 800, 2, 7);
    assert!(acts.len() > 200);
    assert!(acts.iter().all(|(at, act)| *at > act.about.delivered_at));
    let one_go = play(settings(3), 800, 1, 7);
    assert!(one_go.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn who_is_written_to_each_day_reads_less_and_leaves_more_than_who_is_written_to_each_month() {
    let (daily, monthly) = (play(settings(4), 700, 12, 1), play(settings(4), 700, 12, 30));
    assert!(
        opens(&daily) * 100 < opens(&monthly) * 85,
        "{} {}",
        opens(&daily),
        opens(&monthly)
    );
    assert!(
        leaves(&daily) > leaves(&monthly),
        "{} {}",
        leaves(&daily),
        leaves(&monthly)
    );
}

#[test]
fn a_better_list_reads_more_bounces_and_complains_less_and_its_readers_stay() {
    let of = |quality: f64| {
        let mut settings = settings(5);
        settings.list_quality = quality;
        play(settings, 3_000, 2, 7)
    };
    let (bad, good) = (of(0.1), of(0.95));
    assert!(opens(&good) * 2 > opens(&bad) * 3);
    assert!(clicks(&good) * 2 > clicks(&bad) * 3);
    assert!(bounces(&bad, Trouble::Unknown) > bounces(&good, Trouble::Unknown) * 5);
    assert!(complaints(&bad) > complaints(&good));
    // Of those who read: on a bad list few do.
    assert!(leaves(&bad) * opens(&good) > leaves(&good) * opens(&bad) * 3 / 2);
}

#[test]
fn worse_deliverability_means_fewer_opens_and_at_last_refusals_that_blame_the_sender() {
    let of = |deliverability: f64| {
        let mut settings = settings(6);
        settings.deliverability = deliverability;
        play(settings, 1_500, 3, 7)
    };
    let (good, fair, bad) = (of(1.0), of(0.6), of(0.1));
    assert!(opens(&good) > opens(&fair) && opens(&fair) > opens(&bad));
    assert_eq!(
        (bounces(&good, Trouble::Blocked), bounces(&fair, Trouble::Blocked)),
        (0, 0)
    );
    let blocked = bounces(&bad, Trouble::Blocked);
    assert!((1_000..2_800).contains(&blocked), "{blocked}");
}

#[test]
fn more_is_bought_in_the_season() {
    let of = |month: usize, per_cent: u16| {
        let mut months = [100; 12];
        months[month] = per_cent;
        let mut settings = only(Persona::Eager, 7);
        settings.season = Season::Months(months);
        purchases(&play(settings, 3_000, 1, 1))
    };
    let (dead, usual, high) = (of(2, 0), of(2, 100), of(2, 400));
    // Clicks of a mail of March that reach into April count as April's.
    assert!(dead * 10 < usual && usual * 2 < high, "{dead} {usual} {high}");
    assert_eq!(of(6, 0), usual);
}

#[test]
fn machines_are_there_within_seconds_and_follow_each_link_with_head_before_get() {
    let acts = play(only(Persona::Bot, 8), 200, 1, 7);
    assert!(
        acts.iter()
            .all(|(at, act)| *at - act.about.delivered_at < TimeDelta::seconds(10))
    );
    let mut by_mail: BTreeMap<&str, Vec<&(Moment, Act)>> = BTreeMap::new();
    for act in &acts {
        by_mail.entry(&act.1.about.message_id).or_default().push(act);
    }
    assert_eq!(by_mail.len(), 200);
    let mut scanners = 0;
    for acts in by_mail.values() {
        let methods: Vec<(Method, String)> = acts
            .iter()
            .map(|(at, act)| match act.effect(*at) {
                Effect::Request(request) => (request.method, request.url),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(methods.iter().all(|(method, _)| *method != Method::Post));
        let of = |wanted| methods.iter().filter(|(method, _)| *method == wanted).count();
        match of(Method::Head) {
            0 => assert_eq!(
                of(Method::Get),
                1,
                "a prefetcher loads the pixel and nothing else"
            ),
            heads => {
                // Five products, a survey, two small links, and the one nobody sees.
                assert_eq!((heads, of(Method::Get)), (9, 10));
                assert!(methods.iter().any(|(_, url)| url.ends_with("/trap")));
                scanners += 1;
            }
        }
    }
    assert!((90..150).contains(&scanners), "{scanners}");
}

#[test]
fn nobody_but_machines_follows_a_link_that_nobody_sees() {
    let acts = play(only(Persona::Eager, 9), 2_000, 1, 7);
    assert!(clicks(&acts) > 100);
    let hidden = |act: &Act| matches!(&act.deed, Deed::Click { url } if url.ends_with("/trap"));
    assert!(!acts.iter().any(|(_, act)| hidden(act)));
}

#[test]
fn who_left_does_nothing_more_but_complain_when_written_to_again() {
    let acts = play(only(Persona::Annoyed, 10), 300, 20, 3);
    let mut left: BTreeMap<String, Moment> = BTreeMap::new();
    let mut complained_after = 0;
    for (at, act) in &acts {
        match (left.get(&act.who()), &act.deed) {
            (_, Deed::Bounce { .. }) => {}
            (Some(left), Deed::Complain { .. }) => {
                assert!(act.about.delivered_at >= *left, "of a mail from before");
                complained_after += 1;
            }
            (Some(left), deed) => panic!("{} left at {left} and at {at} did {deed:?}", act.who()),
            (None, Deed::Unsubscribe(_) | Deed::Complain { .. }) => {
                left.insert(act.who(), *at);
            }
            (None, _) => {}
        }
    }
    assert!(
        left.len() > 50 && complained_after > 50,
        "{} {complained_after}",
        left.len()
    );
}

#[test]
fn what_somebody_meant_to_do_before_leaving_is_not_done_after() {
    // With a mail each hour, some leave while acts on earlier mails are still to come.
    let mut town = Town::new(only(Persona::Annoyed, 11));
    let mut acts = Vec::new();
    for number in 0..48 {
        let at = start() + TimeDelta::hours(i64::from(number));
        for n in 0..200 {
            deliver(
                &mut town,
                &address(n),
                &newsletter(&address(n), number, at, 0),
                at,
            );
        }
        acts.extend(town.due(at));
    }
    acts.extend(town.due(start() + TimeDelta::days(60)));
    let mut left: BTreeMap<String, Moment> = BTreeMap::new();
    for (at, act) in &acts {
        let earlier = left
            .get(&act.who())
            .is_some_and(|left| act.about.delivered_at < *left);
        assert!(
            !earlier || matches!(act.deed, Deed::Bounce { .. }),
            "{at} {:?}",
            act.deed
        );
        if matches!(act.deed, Deed::Unsubscribe(_) | Deed::Complain { .. }) {
            left.entry(act.who()).or_insert(*at);
        }
    }
    assert!(left.len() > 30);
}

#[test]
fn a_town_that_is_closed_and_opened_again_goes_on_as_if_it_never_was() {
    let run = |reopened: bool| {
        let mut town = Town::new(settings(12));
        let mut acts = Vec::new();
        for number in 0..4 {
            let at = start() + TimeDelta::days(2 * i64::from(number));
            acts.extend(town.due(at));
            for n in 0..300 {
                deliver(
                    &mut town,
                    &address(n),
                    &newsletter(&address(n), number, at, 0),
                    at,
                );
            }
            assert!(!town.is_empty() && town.next_at().is_some_and(|next| next > at));
            if reopened {
                town = Town::load(&town.save().unwrap()).unwrap();
            }
        }
        acts.extend(town.due(start() + TimeDelta::days(100)));
        (acts, town)
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_saved_town_that_contradicts_itself_is_refused() {
    let mut town = Town::new(only(Persona::Bot, 13));
    deliver(
        &mut town,
        &address(1),
        &newsletter(&address(1), 1, start(), 0),
        start(),
    );
    let saved: serde_json::Value = serde_json::from_slice(&town.save().unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut broken = saved.clone();
        change(&mut broken);
        Town::load(broken.to_string().as_bytes()).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|town| town["letters"] = serde_json::json!([])));
    assert!(refused(&|town| town["due"] = serde_json::json!([])));
    assert!(refused(&|town| town["next"] = 0.into()));
    assert!(refused(&|town| town["settings"]["seed"] = "x".into()));
}

#[test]
fn an_address_that_dies_bounces_from_then_on_and_reads_nothing_more() {
    let acts = play(only(Persona::GoneAway, 14), 200, 40, 14);
    let mut dead: BTreeMap<String, Moment> = BTreeMap::new();
    let mut farewells = 0;
    for (at, act) in &acts {
        match &act.deed {
            Deed::Bounce {
                trouble: Trouble::Unknown,
                ..
            } => {
                dead.entry(act.who()).or_insert(*at);
            }
            Deed::LeftCompany => farewells += 1,
            Deed::Bounce { .. } => {}
            deed => assert!(!dead.contains_key(&act.who()), "{} did {deed:?}", act.who()),
        }
    }
    assert!(dead.len() > 150, "after 18 months: {}", dead.len());
    assert!(farewells > 0);
}

#[test]
fn absences_are_told_once_a_week_and_name_a_day_that_is_still_to_come() {
    let mut settings = only(Persona::Busy, 15);
    settings.deliverability = 1.0;
    let acts = play(settings, 400, 80, 2);
    let mut told: BTreeMap<String, Moment> = BTreeMap::new();
    for (at, act) in &acts {
        let Deed::OutOfOffice { back_on } = act.deed else {
            continue;
        };
        assert!(back_on > at.date_naive() - TimeDelta::days(1));
        if let Some(before) = told.insert(act.who(), *at) {
            assert!(*at - before >= TimeDelta::days(7) - TimeDelta::minutes(2));
        }
    }
    assert!(told.len() > 20, "{}", told.len());
}

#[test]
fn people_read_when_they_are_awake_and_offices_not_on_weekends() {
    use chrono::{Datelike, Timelike};
    let acts = play(only(Persona::Eager, 16), 1_000, 2, 2);
    let berlin = chrono_tz::Tz::Europe__Berlin;
    let opened = acts
        .iter()
        .filter(|(_, act)| matches!(act.deed, Deed::Open { .. }));
    let hours: Vec<u32> = opened.map(|(at, _)| at.with_timezone(&berlin).hour()).collect();
    assert!(hours.len() > 500 && hours.iter().all(|hour| (5..23).contains(hour)));
    let busy = only(Persona::Busy, 16);
    for (at, act) in play(busy.clone(), 1_000, 4, 2) {
        let person = Person::of(&busy, &act.about.to);
        if matches!(act.deed, Deed::Open { .. })
            && person.server == carillon_world::personas::Server::Exchange
        {
            assert!(
                at.with_timezone(&berlin).weekday().num_days_from_monday() < 5,
                "{at}"
            );
        }
    }
}

#[test]
fn servers_that_answer_in_the_session_refuse_defer_and_then_know_the_sender() {
    let mut settings = settings(17);
    settings.failures = FailureNews::Replies;
    settings.list_quality = 0.0;
    settings.deliverability = 0.3;
    let mut town = Town::new(settings);
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for n in 0..1_500 {
        let mail = newsletter(&address(n), 1, start(), 0);
        let first = deliver(&mut town, &address(n), &mail, start());
        let code = match &first {
            Reception::Taken => "250",
            Reception::Deferred(reply) | Reception::Refused(reply) => &reply[..9],
        };
        *said.entry(code.to_owned()).or_default() += 1;
        if code == "451 4.7.1" {
            let again = deliver(&mut town, &address(n), &mail, start() + TimeDelta::minutes(10));
            assert_eq!(again, Reception::Taken);
        }
    }
    for code in ["250", "550 5.1.1", "550 5.7.1", "452 4.2.2", "451 4.7.1"] {
        assert!(
            said.get(code).is_some_and(|times| *times > 0),
            "{code} in {said:?}"
        );
    }
    let acts = town.due(start() + TimeDelta::days(100));
    assert!(
        !acts
            .iter()
            .any(|(_, act)| matches!(act.deed, Deed::Bounce { .. }))
    );
}

#[test]
fn who_asked_to_confirm_an_address_does() {
    let mail =
        b"From: hello@kiosk.example\r\nSubject: One more step\r\nMessage-ID: <c@kiosk.example>\r\n\r\n\
        Please confirm: http://127.0.0.1:8025/confirm/abc\r\n";
    let mut town = Town::new(only(Persona::Busy, 18));
    for n in 0..200 {
        deliver(&mut town, &address(n), mail, start());
    }
    let acts = town.due(start() + TimeDelta::hours(1));
    let confirms = acts.iter().filter(
        |(_, act)| matches!(&act.deed, Deed::Confirm { url } if url == "http://127.0.0.1:8025/confirm/abc"),
    );
    assert!((130..=190).contains(&confirms.count()));
}

#[test]
fn a_mail_is_read_as_a_mail_program_reads_it() {
    use carillon_world::personas::LinkKind;
    let bytes = newsletter("ada@example.com", 7, start(), 500);
    let mail = Mail::read(&bytes);
    assert_eq!(mail.headers.message_id, "0007adaxexamplexcom@kiosk.example");
    assert_eq!(mail.headers.reply_to, "hello@kiosk.example");
    assert!(mail.headers.one_click && mail.headers.list);
    let leave = mail.headers.leave_mail.as_ref().unwrap();
    assert_eq!(
        (leave.to.as_str(), leave.subject.as_str()),
        ("leave+0007adaxexamplexcom@kiosk.example", "unsubscribe")
    );
    let body = mail.body();
    assert!(
        body.pixel
            .as_ref()
            .unwrap()
            .ends_with("/o/0007adaxexamplexcom.gif")
    );
    let kinds: Vec<LinkKind> = body.links.iter().map(|link| link.kind).collect();
    let mut expected = vec![LinkKind::Content; 6];
    expected.extend([LinkKind::Form, LinkKind::Leave, LinkKind::Small]);
    assert_eq!(kinds, expected);
    assert_eq!(body.links.iter().filter(|link| link.hidden).count(), 1);
    assert_eq!(body.quote[0], "Fresh this week: three new roasts.");
    assert!(mail.head().ends_with("boundary=\"=_b\"\r\n"));
}

#[test]
fn any_bytes_are_a_mail_and_lead_to_no_panic() {
    let mut town = Town::new(only(Persona::Eager, 19));
    let long = vec![b'<'; 300_000];
    let nested = "<div style=display:none>".repeat(20_000);
    let html = format!("Content-Type: text/html\r\n\r\n{nested}<a href='javascript:x'>y</a>");
    let odd: [&[u8]; 7] = [
        b"",
        b"\r\n\r\n",
        b"\xff\xfe\x00",
        b"List-Unsubscribe: <<>, <mailto:>, <http://>\r\n\r\n",
        b"Subject: =?utf-8?b?////?=\r\nMessage-ID: <a\r\n b>\r\n\r\nhttp://",
        &long,
        html.as_bytes(),
    ];
    for (n, mail) in odd.iter().enumerate() {
        for who in 0..40 {
            let at = moment("2026-05-01T00:00:00Z") + TimeDelta::days(n as i64);
            deliver(&mut town, &address(who), mail, at);
        }
    }
    for bad in ["", "nobody", "ä".repeat(200).as_str(), "\r\n@x"] {
        deliver(&mut town, bad, b"\r\n", moment("2026-06-01T00:00:00Z"));
    }
    for (at, act) in town.due(moment("2027-01-01T00:00:00Z")) {
        act.effect(at);
    }
}
