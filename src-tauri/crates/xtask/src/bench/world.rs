//! Half a year of the mail world: a letter a week to everybody, and everything its people do about it, played from the
//! command line as fast as it goes.

use super::{Figure, Place, figure};
use crate::Result;
use crate::children::capture;
use crate::wiring;
use serde_json::{Value, json};
use std::path::Path;

/// Weeks of half a year.
const WEEKS: u64 = 26;
const LETTER: &str = "Weekly letter";
const BODY: &str = r#"<mjml><mj-body><mj-section><mj-column>
<mj-text>Hello {{ first_name }}, this week: <a href="https://kiosk.example/beans">new beans</a>,
<a href="https://kiosk.example/mugs">new mugs</a>, and <a href="https://kiosk.example/classes">classes</a>.</mj-text>
<mj-text>{{ postal_address }} {{ unsubscribe_line }}</mj-text>
</mj-column></mj-section></mj-body></mjml>"#;

/// A letter each Tuesday to all who agreed to get mail.
fn weekly() -> Value {
    json!({
        "format": "carillon/journey/1", "name": LETTER, "re_entry": { "policy": "after_exit" },
        "steps": [
            { "id": "s1", "kind": "entry_schedule", "next": { "next": "s2" },
              "settings": { "rule": { "every": "week", "days": ["tue"] }, "who": "consent email marketing" } },
            { "id": "s2", "kind": "send_email", "settings": { "template": LETTER }, "next": { "next": "s3" } },
            { "id": "s3", "kind": "exit" },
        ],
    })
}

/// Seconds for half a year of letters to 1,000 people, `--size` for others. Six in five contacts of a sample agreed.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let people = place.size.unwrap_or(1_000);
    let file = place.sample(people * 6 / 5)?;
    let say = |name: &str, text: String| {
        let path = place.dir.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
        Ok::<_, String>(path)
    };
    let (letter, journey) = (
        say("letter.mjml", BODY.to_string())?,
        say("weekly.json", weekly().to_string())?,
    );
    capture(&mut place.carillon(wiring::template_import(&file, LETTER, &letter)))?;
    capture(&mut place.carillon(wiring::journey_import(&file, &journey)))?;
    capture(&mut place.carillon(wiring::journey_publish(&file, LETTER)))?;
    let (took, _) = place.timed(wiring::run_days(&file, WEEKS * 7))?;
    let done = figures_of_the_world(&file)?;
    let mut right = done.mails > people * WEEKS / 2;
    for answer in [
        "did email_opened",
        "did email_clicked",
        "did email_replied",
        "did email_bounced",
        "did email_unsubscribed",
    ] {
        right &= place.count(&file, answer)? > 0;
    }
    Ok(vec![
        figure("world", took.as_secs_f64(), "s", right),
        figure("world.mails", done.mails as f64, "mails", right),
        figure("world.answers", done.answers as f64, "answers", right),
    ])
}

struct Done {
    mails: u64,
    answers: u64,
}

/// What came and what was done, by the diary of the world.
fn figures_of_the_world(file: &Path) -> Result<Done> {
    let mut path = file.as_os_str().to_owned();
    path.push(".world/diary.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("The diary cannot be read: {e}"))?;
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count() as u64;
    Ok(Done {
        mails: lines("{\"got\""),
        answers: lines("{\"did\""),
    })
}
