//! Queues one mail to the contact and goes on.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, next};
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct SendEmail;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    template: String,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    transactional: bool,
}

#[derive(Debug)]
struct Step {
    template: String,
    account: Option<String>,
    transactional: bool,
}

impl Kind for SendEmail {
    const NAME: &'static str = "send_email";
    const FACE: Face = Face {
        group: Group::Messages,
        icon: "mail",
        order: 10,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("template", Form::Template),
            Setting::optional("account", Form::Account, Value::Null),
            Setting::optional("transactional", Form::Bool, false),
        ]
    }

    fn sample() -> Value {
        json!({"template": "welcome"})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let template = cx.template("template", &settings.template);
        cx.account("account", settings.account.as_deref())?;
        template?;
        Some(Box::new(Step {
            template: settings.template,
            account: settings.account,
            transactional: settings.transactional,
        }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Send {
            template: &self.template,
            account: self.account.as_deref(),
            transactional: self.transactional,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::journey::{Catalogue, compile};
    use crate::steps::tests::{Try, around, codes_of};
    use carillon_model::journey::Effect;
    use serde_json::json;

    #[test]
    fn a_mail_is_asked_for_once_under_its_own_visit() {
        let mut passage = Try::of(
            "send_email",
            json!({"template": "welcome", "account": "Shop", "transactional": true}),
        );
        passage.enter("2026-01-05T10:00:00Z");
        assert_eq!(passage.effects.len(), 1);
        match &passage.effects[0] {
            Effect::Send {
                step,
                visit,
                template,
                account,
                transactional,
            } => {
                assert_eq!(passage.version.placed(*step).unwrap().id.0, "it");
                assert_eq!((*visit, template.as_str()), (1, "welcome"));
                assert_eq!((account.as_deref(), *transactional), (Some("Shop"), true));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(passage.ports(), ["next", "next"]);
    }

    #[test]
    fn a_mail_without_template_or_account_is_a_problem() {
        assert_eq!(
            codes_of("send_email", json!({"template": "nothing"})),
            ["missing_template"]
        );
        assert_eq!(
            codes_of("send_email", json!({"template": "welcome", "account": "Nobody"})),
            ["unknown_account"]
        );
        let both = codes_of("send_email", json!({"template": "nothing", "account": "Nobody"}));
        assert_eq!(both, ["missing_template", "unknown_account"]);
        let lonely = Catalogue {
            default_account: None,
            ..Catalogue::sample()
        };
        let (version, problems) = compile(&around("send_email", json!({"template": "welcome"})), &lonely);
        assert!(version.is_none());
        assert_eq!(problems[0].code, "no_account");
    }
}
