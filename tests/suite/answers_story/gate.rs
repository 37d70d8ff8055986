//! A machine that cannot hear an opt-out sends no marketing to the world.

use super::studio::Sender;
use crate::terminal::until;
use carillon_tests::servers::Line;
use serde_json::{Value, json};

#[test]
fn marketing_waits_until_somebody_listens_and_again_while_the_mailbox_is_down_and_goes_on_by_itself() {
    let Some(sender) = Sender::elsewhere() else {
        println!("Left out: this machine has no name but localhost that leads to itself.");
        return;
    };
    let studio = &sender.studio;
    let (first, late) = ("first@people.example", "late@people.example");
    studio.template("News", "News");
    studio.template("Receipt", "Receipt");
    for who in [first, late] {
        studio.contact(who);
    }
    studio.tag(first, "news");
    studio.tag(first, "asked");
    studio.one_mail("News", "news", &json!({}));
    studio.one_mail("Receipt", "asked", &json!({ "transactional": true }));

    sender.mail_to(first, "Receipt");
    let waits = |who: &str| {
        studio.job("runtime.run", json!({}));
        assert_eq!(studio.closed(), "no_opt_out_source");
        assert_eq!(studio.state(who, "News"), "queued");
        assert_eq!(sender.reached(who, "News"), 0);
    };
    waits(first);

    let at = sender.mail.submission();
    let line = Line::to(sender.mail.imaps()).unwrap_or_else(|why| panic!("{why}"));
    studio.mailbox(line.port(), &at.user, &at.password, &at.authority);
    sender.mail_to(first, "News");
    assert_eq!(studio.closed(), Value::Null);

    studio.mutate("listening.set", json!({ "fresh_secs": 60 }));
    line.cut();
    until("the gate closes", || studio.closed() == "no_opt_out_source");
    for tag in ["news", "asked"] {
        studio.tag(late, tag);
    }
    sender.mail_to(late, "Receipt");
    waits(late);
    let told = studio.query("listening.get", json!({}));
    assert!(told["sources"][0]["trouble"].is_string(), "{told}");

    line.mend();
    sender.mail_to(late, "News");
    assert_eq!(studio.closed(), Value::Null);
}
