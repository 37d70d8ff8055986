//! What can be wrong with a drawing, as data for the canvas.

use carillon_model::StepId;
use carillon_model::journey::{Problem, Severity};
use std::collections::BTreeMap;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal [$($param:literal),*];)*) => {
        /// Every problem the checks know. Its sentence is `problems.<word>` of the locale files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All of them, in the order of this file.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable word in [`Problem::code`].
            pub const fn word(self) -> &'static str {
                match self { $(Code::$variant => $word,)* }
            }

            /// Names of the values a sentence may use; `step` is always among them where a step is meant.
            pub const fn params(self) -> &'static [&'static str] {
                match self { $(Code::$variant => &[$($param),*],)* }
            }
        }
    };
}

codes! {
    /// No entry leads to the step.
    Unreachable = "unreachable" ["step"];
    /// A port without an arrow.
    Dangling = "dangling" ["step", "port"];
    /// An arrow to a step that is not there.
    UnknownStep = "unknown_step" ["step", "port", "target"];
    /// An arrow into an entry: contacts come in there, they are not led there.
    ArrowIntoEntry = "arrow_into_entry" ["step", "port", "target"];
    /// An arrow from a port the step does not have.
    UnknownPort = "unknown_port" ["step", "port"];
    UnknownKind = "unknown_kind" ["step", "kind"];
    BadSettings = "bad_settings" ["step", "field", "message"];
    NoEntry = "no_entry" [];
    /// A cycle in which nothing is sure to wait.
    EndlessLoop = "endless_loop" ["step", "cycle"];
    /// A cycle that waits, with no way out.
    NoEnd = "no_end" ["step", "cycle"];
    /// The shares of a random split are not 100.
    SplitSum = "split_sum" ["step", "sum"];
    DuplicatePort = "duplicate_port" ["step", "port"];
    EmptyBranches = "empty_branches" ["step"];
    /// A text that is no expression; `position` counts characters from 1.
    BadExpression = "bad_expression" ["step", "field", "message", "position", "text"];
    /// A condition names a step that its journey has in no version.
    UnknownStepNamed = "unknown_step_named" ["step", "field", "message", "position", "text"];
    /// A condition asks for the top or the bottom of all, which is measured for segments.
    RankedCondition = "ranked_condition" ["step", "field", "message", "position", "text"];
    /// A condition names what is not there, or nearly what is in use.
    DoubtfulName = "doubtful_name" ["step", "field", "message", "position", "text"];
    UnknownField = "unknown_field" ["step", "name"];
    /// A field of another type than the setting or the test needs.
    WrongType = "wrong_type" ["step", "name", "message"];
    /// A field that journeys may not write.
    ReadOnlyField = "read_only_field" ["step", "name"];
    /// An option the choice field does not offer.
    UnknownOption = "unknown_option" ["step", "name", "message"];
    /// No published score of points has the key.
    UnknownScore = "unknown_score" ["step", "name"];
    UnknownSegment = "unknown_segment" ["step", "name"];
    MissingTemplate = "missing_template" ["step", "name"];
    /// A template that cannot be sent to anybody, as whoever renders it finds.
    UnfitTemplate = "unfit_template" ["step", "name", "detail"];
    UnknownAccount = "unknown_account" ["step", "name"];
    /// No account named and the workspace has no default.
    NoAccount = "no_account" ["step"];
    ImpossibleWindow = "impossible_window" ["step", "field"];
    CycleOfSegments = "cycle_of_segments" ["step", "cycle"];
    DuplicateId = "duplicate_id" ["step"];
    /// An id that is empty, too long or has control characters.
    BadId = "bad_id" ["step"];
    TooManySteps = "too_many_steps" ["count", "limit"];
    /// More distinct conditions than a version can hold.
    TooManyConditions = "too_many_conditions" ["count", "limit"];
    /// A file of another format, or of a newer one.
    UnknownFormat = "unknown_format" ["found", "expected"];
    /// A goal that no contact can reach.
    GoalUnreachable = "goal_unreachable" ["step"];
}

impl Code {
    /// Whether it keeps a journey from being published.
    pub const fn severity(self) -> Severity {
        match self {
            Code::NoEnd | Code::GoalUnreachable | Code::DoubtfulName => Severity::Warning,
            Code::Unreachable
            | Code::Dangling
            | Code::UnknownStep
            | Code::ArrowIntoEntry
            | Code::UnknownPort
            | Code::UnknownKind
            | Code::BadSettings
            | Code::NoEntry
            | Code::EndlessLoop
            | Code::SplitSum
            | Code::DuplicatePort
            | Code::EmptyBranches
            | Code::BadExpression
            | Code::UnknownStepNamed
            | Code::RankedCondition
            | Code::UnknownField
            | Code::WrongType
            | Code::ReadOnlyField
            | Code::UnknownOption
            | Code::UnknownScore
            | Code::UnknownSegment
            | Code::MissingTemplate
            | Code::UnfitTemplate
            | Code::UnknownAccount
            | Code::NoAccount
            | Code::ImpossibleWindow
            | Code::CycleOfSegments
            | Code::DuplicateId
            | Code::BadId
            | Code::TooManySteps
            | Code::TooManyConditions
            | Code::UnknownFormat => Severity::Error,
        }
    }

    /// A problem of the journey as a whole.
    pub fn of_journey(self, params: &[(&str, &str)]) -> Problem {
        self.problem(None, None, params)
    }

    /// A problem of one step, and of one of its settings if `field` is given.
    pub fn of_step(self, step: &StepId, field: Option<&str>, params: &[(&str, &str)]) -> Problem {
        self.problem(Some(step), field, params)
    }

    fn problem(self, step: Option<&StepId>, field: Option<&str>, params: &[(&str, &str)]) -> Problem {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for name in self.params() {
            let given = params
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| (*value).to_owned());
            let value = given.or_else(|| match *name {
                "step" => step.map(|id| id.0.clone()),
                "field" => field.map(str::to_owned),
                _ => None,
            });
            values.insert((*name).to_owned(), value.unwrap_or_default());
        }
        Problem {
            severity: self.severity(),
            code: self.word().to_owned(),
            step: step.cloned(),
            field: field.map(str::to_owned),
            params: values,
        }
    }
}
