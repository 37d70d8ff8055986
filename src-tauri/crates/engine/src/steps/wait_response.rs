//! Waits for what comes back for a mail of this passage, or gives up after a while.

use crate::journey::calendar::later;
use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Because, Cx, Flow, Kind, Node, Port, Signal};
use crate::journey::response;
use crate::journey::settings::Duration;
use carillon_model::event::{Event, Prop};
use carillon_model::response::ResponseKind;
use carillon_model::segment::EventMatch;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct WaitResponse;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    response: What,
    /// Only to mails of this template.
    #[serde(default)]
    template: Option<String>,
    /// Only a click on a link with this in its address.
    #[serde(default)]
    link: String,
    timeout: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Opened,
    Clicked,
    Replied,
    Bounced,
    Delivered,
}

impl What {
    fn kind(self) -> ResponseKind {
        match self {
            What::Opened => ResponseKind::Opened,
            What::Clicked => ResponseKind::Clicked,
            What::Replied => ResponseKind::Replied,
            What::Bounced => ResponseKind::Bounced,
            What::Delivered => ResponseKind::Delivered,
        }
    }
}

#[derive(Debug)]
struct Step {
    event: &'static str,
    template: Option<String>,
    link: String,
    timeout_secs: i64,
}

const HAPPENED: usize = 0;
const TIMED_OUT: usize = 1;

impl Kind for WaitResponse {
    const NAME: &'static str = "wait_response";
    const FACE: Face = Face {
        group: Group::Time,
        icon: "mail-check",
        order: 50,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("response", Form::Choice).options(&[
                "opened",
                "clicked",
                "replied",
                "bounced",
                "delivered",
            ]),
            Setting::optional("template", Form::Template, Value::Null),
            Setting::optional("link", Form::Text, ""),
            Setting::required("timeout", Form::Duration),
        ]
    }

    fn sample() -> Value {
        json!({"response": "clicked", "timeout": {"amount": 3, "unit": "days"}})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        vec![Port::new("happened"), Port::new("timed_out")]
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let template = settings.template.filter(|key| !key.is_empty());
        if let Some(key) = &template {
            cx.template("template", key)?;
        }
        let link = settings.link.trim().to_lowercase();
        if !link.is_empty() && settings.response != What::Clicked {
            cx.bad_settings("link", "only a click is on a link");
            return None;
        }
        let timeout_secs = cx.wait_secs("timeout", settings.timeout)?;
        let event = settings.response.kind().event()?;
        cx.listens(&EventMatch {
            name: event.to_owned(),
            props: Vec::new(),
        });
        Some(Box::new(Step {
            event,
            template,
            link,
            timeout_secs,
        }))
    }
}

impl Step {
    fn wants(&self, event: &Event, cx: &Cx<'_>) -> bool {
        let link = match event.props.get("link") {
            Some(Prop::Text(link)) => link.to_lowercase(),
            _ => String::new(),
        };
        event.name == self.event
            && response::is_about(event, cx.who.passage, self.template.as_deref())
            && link.contains(&self.link)
    }
}

impl Node for Step {
    fn enter(&self, cx: &Cx<'_>) -> Flow<'_> {
        Flow::Park(Some(later(cx.base, self.timeout_secs)))
    }

    fn wake(&self, cx: &Cx<'_>, signal: Signal<'_>) -> Flow<'_> {
        match signal {
            Signal::Due => Flow::Go(TIMED_OUT, Because::Nothing),
            Signal::Event(event) if self.wants(event, cx) => Flow::Go(
                HAPPENED,
                Because::Event {
                    name: self.event,
                    id: event.id,
                },
            ),
            Signal::Event(_) | Signal::Moved => Flow::Stay,
        }
    }

    /// Each round costs a response of its own or the whole timeout.
    fn always_waits(&self) -> bool {
        true
    }

    fn waits_for(&self) -> Option<&str> {
        Some(self.event)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::event::Prop;
    use serde_json::{Value, json};

    fn passage(more: Value) -> Try {
        let mut settings = json!({"response": "clicked", "timeout": {"amount": 2, "unit": "days"}});
        for (key, value) in more.as_object().unwrap() {
            settings[key] = value.clone();
        }
        let mut passage = Try::of("wait_response", settings);
        passage.enter("2026-01-05T10:00:00Z");
        passage
    }

    fn click(passage: &mut Try, journey: f64, number: f64, template: &str, link: &str) {
        let props = [
            ("journey_id", Prop::Number(journey)),
            ("passage", Prop::Number(number)),
            ("template", Prop::Text(template.to_owned())),
            ("link", Prop::Text(link.to_owned())),
        ];
        passage.event_with("email_clicked", "2026-01-05T11:00:00Z", &props);
    }

    #[test]
    fn a_click_in_a_mail_of_this_very_passage_ends_the_wait() {
        let mut passage = passage(json!({}));
        passage.event("email_clicked", "2026-01-05T10:30:00Z");
        click(&mut passage, 2.0, 1.0, "welcome", "https://shop.example/");
        click(&mut passage, 1.0, 2.0, "welcome", "https://shop.example/");
        assert_eq!(passage.ports(), ["next"], "of another journey or passage");
        click(&mut passage, 1.0, 1.0, "welcome", "https://shop.example/");
        assert_eq!(passage.ports(), ["next", "happened"]);
        assert_eq!(passage.evidence().last().unwrap().about, "email_clicked");
    }

    #[test]
    fn only_the_template_and_the_link_that_are_named_count() {
        let mut passage = passage(json!({"template": "welcome", "link": "/Sale"}));
        click(&mut passage, 1.0, 1.0, "reminder", "https://shop.example/sale");
        click(&mut passage, 1.0, 1.0, "welcome", "https://shop.example/news");
        assert_eq!(passage.ports(), ["next"]);
        click(&mut passage, 1.0, 1.0, "welcome", "https://shop.example/sale?x=1");
        assert_eq!(passage.ports(), ["next", "happened"]);
    }

    #[test]
    fn nothing_comes_back_and_it_gives_up() {
        let mut passage = passage(json!({}));
        passage.wake("2026-01-07T10:00:00Z");
        assert_eq!(passage.ports(), ["next", "timed_out"]);
    }

    #[test]
    fn a_link_without_a_click_and_an_unknown_template_are_problems() {
        let timeout = json!({"amount": 2, "unit": "hours"});
        assert_eq!(
            codes_of(
                "wait_response",
                json!({"response": "opened", "link": "x", "timeout": timeout})
            ),
            ["bad_settings"]
        );
        assert_eq!(
            codes_of(
                "wait_response",
                json!({"response": "opened", "template": "none", "timeout": timeout})
            ),
            ["missing_template"]
        );
    }
}
