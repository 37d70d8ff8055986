//! Events about a message: how they name the passage that sent it, so that a step finds what came back for its own.

use super::view::PassageId;
use carillon_model::event::{Event, Prop};
use carillon_model::response::ResponseKind;
pub use carillon_model::response::TEMPLATE;

/// Property: the journey's number, which a new name does not change.
pub const JOURNEY: &str = "journey_id";
/// Property: the number of the contact's enrolment in that journey.
pub const PASSAGE: &str = "passage";

/// What a step can wait for.
pub const AWAITED: [ResponseKind; 5] = [
    ResponseKind::Opened,
    ResponseKind::Clicked,
    ResponseKind::Replied,
    ResponseKind::Bounced,
    ResponseKind::Delivered,
];

/// Whether events of this name are about a message.
pub fn is_response(name: &str) -> bool {
    AWAITED.iter().any(|kind| kind.event() == Some(name))
}

/// Lets an event be about a message of a passage.
pub fn tie(event: &mut Event, passage: PassageId, template: &str) {
    let props = &mut event.props;
    props.insert(JOURNEY.to_owned(), Prop::Number(f64::from(passage.journey.0)));
    props.insert(PASSAGE.to_owned(), Prop::Number(f64::from(passage.enrolment)));
    props.insert(TEMPLATE.to_owned(), Prop::Text(template.to_owned()));
}

/// Whether an event is about a message of this passage: of one template, or of any.
pub fn is_about(event: &Event, passage: PassageId, template: Option<&str>) -> bool {
    let number = |key: &str, wanted: u32| event.props.get(key) == Some(&Prop::Number(f64::from(wanted)));
    number(JOURNEY, passage.journey.0)
        && number(PASSAGE, passage.enrolment)
        && template.is_none_or(|key| event.props.get(TEMPLATE) == Some(&Prop::Text(key.to_owned())))
}
