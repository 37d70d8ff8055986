//! Who gets a campaign, when, and what keeps it back.

use crate::post::{addresses, go, june, pass, preview, ready, save, segment, start, state, try_start, view};
use crate::shop::{Shop, notice};
use crate::studio::Studio;
use crate::trial;
use libtest_mimic::Trial;
use mail_parser::MessageParser;
use serde_json::{Value, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "every_member_gets_a_campaign_once_and_nobody_before_its_recall_is_over",
            once,
        ),
        trial(
            "a_campaign_that_is_recalled_lets_nothing_out_and_can_be_sent_again",
            recalled,
        ),
        trial(
            "what_is_confirmed_is_the_count_that_was_shown_and_a_changed_one_is_asked_again",
            counted,
        ),
        trial(
            "who_gets_nothing_is_told_with_the_reason_and_the_people",
            left_out,
        ),
        trial(
            "who_opts_out_between_the_start_and_the_send_is_not_written_to",
            opted_out,
        ),
        trial(
            "nine_oclock_comes_to_each_contact_at_its_own_time_in_three_zones",
            local_time,
        ),
        trial(
            "a_zone_in_which_the_time_is_over_gets_it_now_or_not_at_all_as_it_was_said",
            past_zone,
        ),
        trial(
            "nobody_gets_it_twice_however_often_the_file_is_closed_and_opened",
            closed_and_opened,
        ),
        trial("a_pause_holds_everything_and_its_end_lets_the_rest_go", paused),
        trial(
            "what_is_blocked_because_of_the_sender_pauses_the_campaign",
            blocked,
        ),
        trial(
            "a_stop_cancels_what_has_not_left_and_a_stopped_campaign_stays_so",
            stopped,
        ),
        trial("what_stands_in_the_way_is_told_before_it_is_confirmed", problems),
        trial(
            "progress_adds_up_by_domain_and_the_limits_say_when_it_is_done",
            progress,
        ),
        trial(
            "a_variant_has_its_own_subject_and_a_held_out_share_gets_nothing",
            subject_and_hold_out,
        ),
        trial(
            "journeys_lists_leave_campaigns_out_and_what_a_campaign_needs_is_kept",
            hidden,
        ),
    ]
}

async fn once() {
    let shop = ready(25).await;
    let id = save(&shop, june(json!({}))).await;
    let shown = preview(&shop, id).await;
    assert_eq!((&shown["gets"], &shown["recall_secs"]), (&json!(25), &json!(60)));
    assert_eq!(start(&shop, id).await["state"], "recallable");
    pass(&shop, 59).await;
    assert_eq!(shop.reached(), Vec::<String>::new(), "a second before");
    pass(&shop, 1).await;
    assert_eq!(shop.reached(), addresses(1..=25));
    assert_eq!(state(&shop, id).await, "done");
    pass(&shop, 86_400).await;
    assert_eq!(shop.taken().len(), 25);
    assert!(try_start(&shop, id, 25, 0).await.unwrap_err().contains("is done"));
}

async fn recalled() {
    let shop = ready(5).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    pass(&shop, 59).await;
    assert_eq!(go(&shop, "recall", id).await.unwrap()["state"], "recalled");
    pass(&shop, 86_400).await;
    assert_eq!(shop.taken().len(), 0);
    assert_eq!(view(&shop, id).await["state"], "recalled");
    // Mended and confirmed again, everybody gets it.
    shop.studio
        .mutate("campaigns.save", json!({ "id": id, "campaign": june(json!({})) }))
        .await;
    start(&shop, id).await;
    pass(&shop, 60).await;
    assert_eq!(shop.reached(), addresses(1..=5));
    assert!(go(&shop, "recall", id).await.unwrap_err().contains("is done"));
}

async fn counted() {
    let shop = ready(5).await;
    let id = save(&shop, june(json!({}))).await;
    let refused = try_start(&shop, id, 4, 0).await.unwrap_err();
    assert!(refused.contains("to 5 contacts now, not to 4"), "{refused}");
    assert_eq!(state(&shop, id).await, "draft");
    assert_eq!(try_start(&shop, id, 4, 1).await.unwrap()["state"], "recallable");
    let listed = shop.studio.query("campaigns.list", json!({})).await;
    assert_eq!(
        listed[0]["count"],
        json!(5),
        "who gets it, not what was confirmed"
    );
}

async fn left_out() {
    let shop = ready(6).await;
    let studio = &shop.studio;
    studio
        .import("vip.csv", "email,city\nc1@example.com,Bonn\n")
        .await;
    segment(&shop, "Bonn", "city is \"Bonn\"").await;
    withdraw(&shop, "c2@example.com").await;
    list_address(&shop, "c3@example.com").await;
    let id = save(&shop, june(json!({ "exclude": ["Bonn"] }))).await;
    let shown = preview(&shop, id).await;
    assert_eq!((&shown["members"], &shown["gets"]), (&json!(6), &json!(3)));
    let mut reasons: Vec<(String, u64)> = Vec::new();
    for out in shown["left_out"].as_array().unwrap() {
        reasons.push((
            out["reason"].as_str().unwrap().to_owned(),
            out["count"].as_u64().unwrap(),
        ));
    }
    let expected = [("excluded", 1), ("suppressed", 1), ("no_consent", 1)];
    assert_eq!(reasons, expected.map(|(reason, n)| (reason.to_owned(), n)));
    let people = async |of: &str| {
        let people = json!({ "id": id, "of": of, "limit": 10 });
        let people = studio.query("campaigns.people", people).await;
        let people: Vec<String> = people
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["email"].as_str().unwrap().to_owned())
            .collect();
        people
    };
    let all = async || {
        (
            people("excluded").await,
            people("no_consent").await,
            people("suppressed").await,
            people("gets").await,
        )
    };
    let before = all().await;
    assert_eq!(
        before,
        (
            addresses([1]),
            addresses([2]),
            addresses([3]),
            addresses([4, 5, 6])
        )
    );
    start(&shop, id).await;
    pass(&shop, 60).await;
    assert_eq!(shop.reached(), addresses([4, 5, 6]));
    assert_eq!(all().await, before, "and the file keeps it");
    // What everybody must be told needs no permission; the list still counts.
    let told = save(
        &shop,
        june(json!({ "name": "Notice", "purpose": "transactional" })),
    )
    .await;
    assert_eq!(preview(&shop, told).await["gets"], json!(5));
}

async fn contact(shop: &Shop, email: &str) -> Value {
    shop.studio
        .query("contacts.find", json!({ "email": email }))
        .await["id"]
        .clone()
}

async fn withdraw(shop: &Shop, email: &str) {
    let withdrawn = json!({
        "contact": contact(shop, email).await, "channel": "email", "purpose": "marketing", "action": "withdrawn",
        "basis": "consent", "wording": null, "source": "a call",
    });
    shop.studio.mutate("consents.add", withdrawn).await;
}

async fn list_address(shop: &Shop, email: &str) {
    let listed = json!({ "email": email, "reason": "manual", "source": "a letter" });
    shop.studio.mutate("suppressions.add", listed).await;
}

async fn opted_out() {
    let shop = ready(4).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    pass(&shop, 30).await;
    withdraw(&shop, "c2@example.com").await;
    list_address(&shop, "c3@example.com").await;
    pass(&shop, 60).await;
    assert_eq!(shop.reached(), addresses([1, 4]));
    let states = view(&shop, id).await["progress"]["states"].clone();
    let suppressed = states
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["state"] == "suppressed")
        .unwrap()
        .clone();
    assert_eq!(suppressed["count"], json!(2));
    assert_eq!(state(&shop, id).await, "done");
}

/// Three people in three zones; one has none, and lives in Berlin with the workspace.
async fn zones() -> Shop {
    let shop = ready(0).await;
    let rows = "email,first_name,time_zone\nc1@example.com,Ada,Asia/Tokyo\nc2@example.com,Bo,\nc3@example.com,Cy,America/New_York\n";
    shop.studio.import("zones.csv", rows).await;
    shop
}

async fn until(shop: &Shop, at: &str) {
    shop.studio
        .job("runtime.run", json!({ "until": at, "for_secs": null }))
        .await;
}

async fn local_time() {
    let shop = zones().await;
    // The clock stands at 2026-03-01T00:00Z.
    let when = json!({ "when": "at_local", "at": "2026-03-03T09:00:00", "past": "skip" });
    let id = save(&shop, june(json!({ "when": when }))).await;
    let started = start(&shop, id).await;
    assert_eq!(started["state"], "scheduled");
    assert_eq!(
        started["starts_at"], "2026-03-02T19:00:00Z",
        "the first nine o'clock on earth"
    );
    for (at, reached) in [
        ("2026-03-02T23:59:00Z", vec![]),
        ("2026-03-03T00:00:00Z", vec![1]),
        ("2026-03-03T07:59:00Z", vec![1]),
        ("2026-03-03T08:00:00Z", vec![1, 2]),
        ("2026-03-03T13:59:00Z", vec![1, 2]),
        ("2026-03-03T14:00:00Z", vec![1, 2, 3]),
    ] {
        until(&shop, at).await;
        assert_eq!(shop.reached(), addresses(reached), "{at}");
    }
    assert_eq!(state(&shop, id).await, "done");
}

async fn past_zone() {
    for (past, reached, gets) in [("skip", vec![2, 3], 2), ("send_now", vec![1, 2, 3], 3)] {
        let shop = zones().await;
        // Nine in Tokyo was at midnight in London, where it is one now.
        until(&shop, "2026-03-01T01:00:00Z").await;
        let when = json!({ "when": "at_local", "at": "2026-03-01T09:00:00", "past": past });
        let id = save(&shop, june(json!({ "when": when }))).await;
        assert_eq!(preview(&shop, id).await["gets"], json!(gets), "{past}");
        start(&shop, id).await;
        pass(&shop, 60).await;
        let now = if past == "skip" { vec![] } else { vec![1] };
        assert_eq!(shop.reached(), addresses(now), "{past}");
        until(&shop, "2026-03-01T14:00:00Z").await;
        assert_eq!(shop.reached(), addresses(reached), "{past}");
        assert_eq!(state(&shop, id).await, "done", "{past}");
    }
}

async fn closed_and_opened() {
    let mut shop = ready(30).await;
    shop.change_account("per_minute", json!(7)).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    let mut before = 0;
    for _ in 0..8 {
        pass(&shop, 70).await;
        let now = shop.taken().len();
        assert!(now >= before && now <= 30);
        before = now;
        carillon_app::workspaces::close_current(&shop.studio.app).await;
        shop.studio = Studio::again(shop.folder()).await;
    }
    assert_eq!(shop.reached(), addresses(1..=30));
    assert_eq!(state(&shop, id).await, "done");
}

async fn paused() {
    let shop = ready(20).await;
    shop.change_account("per_minute", json!(5)).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    pass(&shop, 60).await;
    let left = shop.taken().len();
    assert!((1..20).contains(&left), "{left}");
    assert_eq!(go(&shop, "pause", id).await.unwrap()["state"], "paused");
    pass(&shop, 3_600).await;
    assert_eq!(shop.taken().len(), left, "an hour of pause");
    assert_eq!(go(&shop, "resume", id).await.unwrap()["state"], "sending");
    for _ in 0..5 {
        pass(&shop, 70).await;
    }
    assert_eq!(shop.reached(), addresses(1..=20));
    assert!(go(&shop, "pause", id).await.unwrap_err().contains("is done"));
}

async fn blocked() {
    let shop = ready(20).await;
    shop.change_account("per_minute", json!(5)).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    pass(&shop, 60).await;
    let left = shop.reached();
    assert!((3..20).contains(&left.len()), "{left:?}");
    for to in &left[..3] {
        assert_eq!(state(&shop, id).await, "sending");
        let said = "554 5.7.1 Service unavailable; Client host blocked using a blocklist";
        let mail = notice(&shop.id_of(to), to, "failed", "5.7.1", said);
        assert_eq!(shop.take_in(&mail).await["kept"], json!(1));
    }
    assert_eq!(state(&shop, id).await, "paused");
    pass(&shop, 3_600).await;
    assert_eq!(shop.reached(), left, "an hour later");
    assert_eq!(go(&shop, "resume", id).await.unwrap()["state"], "sending");
    for _ in 0..5 {
        pass(&shop, 70).await;
    }
    assert_eq!(shop.reached(), addresses(1..=20));
}

async fn stopped() {
    let shop = ready(20).await;
    shop.change_account("per_minute", json!(5)).await;
    let id = save(&shop, june(json!({}))).await;
    start(&shop, id).await;
    assert!(
        go(&shop, "stop", id)
            .await
            .unwrap_err()
            .contains("about to start")
    );
    pass(&shop, 60).await;
    let left = shop.taken().len();
    assert_eq!(go(&shop, "stop", id).await.unwrap()["state"], "stopped");
    pass(&shop, 86_400).await;
    assert_eq!(shop.taken().len(), left);
    for verb in ["resume", "recall", "pause"] {
        assert!(
            go(&shop, verb, id).await.unwrap_err().contains("stopped"),
            "{verb}"
        );
    }
    let again = go(&shop, "duplicate", id).await.unwrap();
    assert_eq!(
        (&again["state"], &again["campaign"]["name"]),
        (&json!("draft"), &json!("June 2"))
    );
}

async fn problems() {
    let shop = ready(10).await;
    let codes = async |other: Value| {
        let campaign = june(other);
        let id = save(&shop, campaign).await;
        let shown = preview(&shop, id).await;
        let codes: Vec<String> = shown["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["code"].as_str().unwrap().to_owned())
            .collect();
        let refused = try_start(&shop, id, shown["gets"].as_u64().unwrap(), 0)
            .await
            .is_err();
        shop.studio
            .ask(
                carillon_app::table::Kind::Mutate,
                "campaigns.delete",
                json!({ "id": id }),
            )
            .await
            .ok();
        (codes, refused)
    };
    let only = |code: &str| (vec![code.to_owned()], true);
    assert_eq!(codes(json!({ "segment": "" })).await, only("no_segment"));
    assert_eq!(
        codes(json!({ "segment": "Nobody" })).await,
        only("unknown_segment")
    );
    assert_eq!(
        codes(json!({ "variants": [{ "template": "Gone" }] })).await,
        only("missing_template")
    );
    assert_eq!(
        codes(json!({ "variants": [{ "template": "" }] })).await,
        only("no_template")
    );
    assert_eq!(codes(json!({ "account": "Gone" })).await, only("unknown_account"));
    let at = json!({ "when": "at", "at": "2026-02-28T00:00:00Z" });
    assert_eq!(codes(json!({ "when": at })).await, only("past"));
    let two = json!([{ "template": "Hello" }, { "template": "Hello" }]);
    assert_eq!(
        codes(json!({ "variants": two })).await,
        only("variants_without_test")
    );
    shop.template("Bare", "No foot").await;
    assert_eq!(
        codes(json!({ "variants": [{ "template": "Bare" }] })).await,
        only("unfit_template")
    );
    segment(&shop, "Empty", "not everyone").await;
    assert_eq!(codes(json!({ "segment": "Empty" })).await, only("nobody"));
    // A warning keeps nobody.
    shop.change_account("per_day", json!(3)).await;
    let (slow, refused) = codes(json!({ "name": "Slow" })).await;
    assert_eq!((slow, refused), (vec!["slow".to_owned()], false));
}

async fn progress() {
    let shop = ready(2).await;
    shop.studio
        .import(
            "more.csv",
            "email,first_name\nx@second.example,X\ny@second.example,Y\nz@SECOND.example,Z\n",
        )
        .await;
    shop.change_account("per_day", json!(2)).await;
    let id = save(&shop, june(json!({}))).await;
    let shown = preview(&shop, id).await;
    assert_eq!(
        shown["domains"],
        json!([{ "domain": "second.example", "count": 3 }, { "domain": "example.com", "count": 2 }])
    );
    assert_eq!(shown["forecast"]["days"], json!(3));
    start(&shop, id).await;
    pass(&shop, 120).await;
    let seen = view(&shop, id).await["progress"].clone();
    let of = |domain: &str, what: &str| {
        let rows = seen["domains"].as_array().unwrap();
        rows.iter().find(|row| row["domain"] == domain).unwrap()[what]
            .as_u64()
            .unwrap()
    };
    assert_eq!(
        of("example.com", "accepted") + of("second.example", "accepted"),
        2
    );
    assert_eq!(of("example.com", "waiting") + of("second.example", "waiting"), 3);
    assert_eq!(
        seen["forecast"]["days"],
        json!(3),
        "two more days, after this one is used up"
    );
    pass(&shop, 3 * 86_400).await;
    let seen = view(&shop, id).await;
    let rows = seen["progress"]["domains"].as_array().unwrap().clone();
    let all: Vec<(&str, u64, u64)> = rows
        .iter()
        .map(|row| {
            let n = |what: &str| row[what].as_u64().unwrap();
            (row["domain"].as_str().unwrap(), n("accepted"), n("waiting"))
        })
        .collect();
    assert_eq!(all, [("second.example", 3, 0), ("example.com", 2, 0)]);
    assert_eq!(
        (&seen["state"], &seen["progress"]["forecast"]),
        (&json!("done"), &Value::Null)
    );
}

async fn subject_and_hold_out() {
    let shop = ready(40).await;
    let variants = json!([{ "template": "Hello", "subject": "News for {{ first_name }}" }]);
    let id = save(
        &shop,
        june(json!({ "variants": variants, "hold_out_percent": 25 })),
    )
    .await;
    let shown = preview(&shop, id).await;
    let (gets, held) = (
        shown["gets"].as_u64().unwrap(),
        shown["held_out"].as_u64().unwrap(),
    );
    assert_eq!(gets + held, 40);
    assert!((3..=20).contains(&held), "{held}");
    start(&shop, id).await;
    shop.studio.mutate("outbox.pause", json!({})).await;
    pass(&shop, 60).await;
    let page = json!({ "states": ["queued"], "offset": 0, "limit": 1 });
    let waits = shop.studio.query("outbox.page", page).await;
    assert_eq!(
        waits["rows"][0]["subject"], "News for {{ first_name }}",
        "{waits}"
    );
    shop.studio.mutate("outbox.resume", json!({})).await;
    pass(&shop, 60).await;
    assert_eq!(shop.taken().len() as u64, gets);
    let mail = shop.last_mail();
    let subject = MessageParser::default()
        .parse(&mail)
        .unwrap()
        .subject()
        .unwrap()
        .to_owned();
    assert!(subject.starts_with("News for Person "), "{subject}");
    assert_eq!(state(&shop, id).await, "done");
}

async fn hidden() {
    let shop = ready(1).await;
    let id = save(&shop, june(json!({}))).await;
    let studio = &shop.studio;
    assert_eq!(studio.query("journeys.list", json!({})).await, json!([]));
    let segments = studio.query("segments.list", json!({})).await;
    let all = segments
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "All")
        .unwrap()
        .clone();
    let gone = studio
        .ask(
            carillon_app::table::Kind::Mutate,
            "segments.delete",
            json!({ "id": all["id"] }),
        )
        .await;
    assert!(gone.unwrap_err().message.contains("“June”"));
    assert!(go(&shop, "delete", id).await.is_ok());
    studio.mutate("segments.delete", json!({ "id": all["id"] })).await;
    let sent = save(&shop, june(json!({ "name": "July" }))).await;
    assert!(
        start_refused(&shop, sent)
            .await
            .contains("no segment called “All”")
    );
}

async fn start_refused(shop: &Shop, id: u64) -> String {
    try_start(shop, id, 0, 0).await.unwrap_err()
}
