//! Reports, one file each, from roll-ups alone: they read as fast at a million contacts as at one.

pub mod journey_funnel;
pub mod list_growth;
pub mod messages_over_time;
mod sent_by_template;

pub use journey_funnel::journey_funnel;
pub use list_growth::list_growth;
pub use messages_over_time::messages_over_time;
pub use sent_by_template::sent_by_template;
