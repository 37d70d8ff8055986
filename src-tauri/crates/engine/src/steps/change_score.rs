//! Adds points to a score of the contact, or takes some: by an event, so that its history says when and by whom.

use crate::journey::check::Check;
use crate::journey::face::{Face, Form, Group, Setting};
use crate::journey::node::{Cx, Flow, Kind, Node, Port, next};
use carillon_model::event::Prop;
use carillon_model::journey::Effect;
use carillon_model::score::ADJUSTED;
use serde::Deserialize;
use serde_json::{Value, json};

/// The kind.
pub struct ChangeScore;

/// Its settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    score: String,
    points: f64,
}

#[derive(Debug)]
struct Step {
    score: String,
    points: f64,
}

/// Most points at once, up or down.
const MOST_POINTS: f64 = 100_000.0;

impl Kind for ChangeScore {
    const NAME: &'static str = "change_score";
    const FACE: Face = Face {
        group: Group::Contact,
        icon: "gauge",
        order: 35,
    };
    type Settings = Settings;

    fn schema() -> Vec<Setting> {
        vec![
            Setting::required("score", Form::Score),
            Setting::required("points", Form::Number),
        ]
    }

    fn sample() -> Value {
        json!({"score": "heat", "points": 5})
    }

    fn ports(_: &Settings) -> Vec<Port> {
        next()
    }

    fn check(settings: Settings, cx: &mut Check<'_>) -> Option<Box<dyn Node>> {
        let points = settings.points;
        if !(points.abs() <= MOST_POINTS && points != 0.0) {
            cx.bad_settings("points", "a number of points that is not 0, at most 100,000");
            return None;
        }
        let score = cx.score("score", &settings.score)?;
        Some(Box::new(Step { score, points }))
    }
}

impl Node for Step {
    fn enter(&self, _: &Cx<'_>) -> Flow<'_> {
        Flow::Act(Effect::PostEvent {
            name: ADJUSTED.to_owned(),
            props: [
                ("points".to_owned(), Prop::Number(self.points)),
                ("score".to_owned(), Prop::Text(self.score.clone())),
            ]
            .into(),
        })
    }

    fn posts(&self) -> Option<&str> {
        Some(ADJUSTED)
    }
}

#[cfg(test)]
mod tests {
    use crate::steps::tests::{Try, codes_of};
    use carillon_model::event::Prop;
    use carillon_model::journey::Effect;
    use carillon_model::score::ADJUSTED;
    use serde_json::json;

    #[test]
    fn the_points_are_an_event_that_names_the_score() {
        let mut passage = Try::of("change_score", json!({"score": "heat", "points": -2.5}));
        passage.enter("2026-01-05T10:00:00Z");
        let props = [
            ("points".to_owned(), Prop::Number(-2.5)),
            ("score".to_owned(), Prop::Text("heat".to_owned())),
        ];
        let effect = Effect::PostEvent {
            name: ADJUSTED.to_owned(),
            props: props.into(),
        };
        assert_eq!(passage.effects, [effect]);
    }

    #[test]
    fn no_points_too_many_and_a_score_nobody_knows_are_problems() {
        let of = |score, points| codes_of("change_score", json!({"score": score, "points": points}));
        assert_eq!(of("heat", 0.0), ["bad_settings"]);
        assert_eq!(of("heat", 1e6), ["bad_settings"]);
        assert_eq!(of("cold", 1.0), ["unknown_score"]);
        assert_eq!(of("points", 1.0), ["unknown_score"], "a field is no score");
    }
}
