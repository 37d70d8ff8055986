//! The segment language: who is meant, as text, as a tree, and as a truth with a time until which it is sure.
//!
//! The tree is [`carillon_model::segment::Expr`]. [`parse`] and [`print`] are inverse on every tree; [`print`]
//! is the canonical text, which the store keys clauses by. Grammar (words are read in any case, printed in
//! lower case; `a?` is optional, `a*` repeats):
//!
//! ```text
//! expr    = and ("or" and)*                    two or more make Any
//! and     = unary ("and" unary)*               two or more make All
//! unary   = "not" unary | primary
//! primary = "(" expr ")" | "everyone" | ("all" | "any" | "none") "(" list? ")"
//!         | "at" "least" INT "of" "(" list? ")"          list = expr ("," expr)*
//!         | KEY test | KEY "changed" date zone?
//!         | KEY ("rose" | "fell") ("by" ("at" "least" | "more" "than") NUMBER "%"?)? "in" "the" "last" INT UNIT
//!         | KEY "is" "in" "the" ("top" | "bottom") NUMBER "%" CURRENCY?
//!         | "tag" TEXT
//!         | "did" "not"? NAME often ("where" props)?
//!         | "did" "not"? NAME streak window? ("where" props)?
//!         | "did" NAME window? ("where" props)? ("then" | "without") NAME ("where" props)? "within" INT UNIT window?
//!         | ("first" | "last") "did" NAME window? ("where" props)?
//!         | function KEY "of" NAME bound window? ("where" props)?
//!         | "was" "not"? "sent" ("any" "message" | TEXT) often
//!         | ("opened" | "clicked" | "replied" "to") ("none" | number) "of" "the" "last" INT "messages"
//!         | "consent" CHANNEL PURPOSE ("by" BASIS)?
//!         | "not"? "in" ("segment" | "journey") TEXT
//!         | "not"? "at" step TEXT
//!         | ("joined" | "left") "segment" TEXT often
//!         | ("entered" | "left" | "reached" "the" "goal" "of") "journey" TEXT often
//!         | ("came" "to" | "passed" | "left") step TEXT often
//!         | "random" NUMBER "%" ("of" TEXT)?
//! step    = "step" TEXT "of" "journey"
//! often   = (times | window)*                  each at most once
//! streak  = ("on" | "in")? "at" "least" INT ("days" | "weeks" | "months" | "quarters" | "years") "in" "a" "row" zone?
//! times   = ("at" "least" | "at" "most" | "exactly") INT "times" | "between" INT "and" INT "times"
//! window  = "in" "the" "last" INT UNIT | "in" "the" "last" INT MONTHS zone? | "since" MOMENT | "before" MOMENT | "between" MOMENT "and" MOMENT
//!         | ("on" DATE | "since" DATE | "before" DATE | "between" DATE "and" DATE) zone?
//!         | "more" "than" INT UNIT "ago" | "between" INT "and" INT UNIT "ago"
//!         | ("more" "than" INT MONTHS "ago" | "between" INT "and" INT MONTHS "ago") zone?
//!         | ("today" | "yesterday" | ("this" | "last") PERIOD) zone?
//!         | "ever" | "at" "any" "time"
//! function = ("sum" | "average" | "minimum" | "maximum") "of" | "number" "of" "different"
//! bound   = ("=" | "!=" | "<" | "<=" | ">" | ">=") amount | "between" amount "and" amount
//!         | "is" ("at" "least" | "at" "most" | "more" "than" | "less" "than") amount
//! props   = prop ("and" prop)* | "(" props ")"           prop = KEY test
//! test    = "is" "known" | "is" "empty" | "is" "not"? literal | "is" ("any" | "none") "of" texts
//!         | ("contains" | "starts" "with" | "ends" "with") TEXT
//!         | "does" "not" ("contain" | "start" "with" | "end" "with" | "match") TEXT
//!         | "is" "not"? ("like" | "nearly") TEXT | "matches" TEXT | "domain" "is" (TEXT | "any" "of" texts)
//!         | "is" "free" "mail" | "is" "a" "role" "account" | "is" "a" "multiple" "of" NUMBER
//!         | ("=" | "!=" | "<" | "<=" | ">" | ">=") KEY | "not" "between" amount "and" amount
//!         | "has" "exactly" texts | "has" many ("options" | "characters")
//!         | ("=" | "!=" | "<" | "<=" | ">" | ">=") amount | "between" amount "and" amount
//!         | "has" ("any" | "all") "of" texts | "has" TEXT
//!         | date zone?
//!         | "equals" (TEXT | "option" TEXT | texts | amount | "yes" | "no" | DATE | MOMENT)
//! date    = "on" DATE | "before" DATE | "after" DATE | "between" DATE "and" DATE
//!         | "in" "the" ("last" | "next") INT ("days" | "weeks" | "months" | "years") | "more" "than" INT "days" ("ago" | "ahead")
//!         | "anniversary" ("within" | "in" | "in" "the" ("last" | "next")) INT "days" | "anniversary" INT "days" "ago"
//!         | "on" "a" WEEKDAY | "in" MONTH | "on" "day" INT "of" "the" "month"
//!         | ("on" | "before" | "after") KEY (("plus" | "minus") INT "days")?
//!         | "today" | "yesterday" | "tomorrow" | ("this" | "last" | "next") PERIOD
//! zone    = "in" ("zone" TEXT | "contact's" "zone" | "workspace's" "zone")
//! UNIT    = "seconds" | "minutes" | "hours" | "days" | "weeks"            MONTHS = "months" | "years"
//! PERIOD  = "week" | "month" | "quarter" | "year"
//! many    = ("at" "least" | "at" "most" | "exactly") INT | "between" INT "and" INT            number = many
//! amount  = NUMBER | NUMBER CURRENCY           texts = "(" (TEXT ("," TEXT)*)? ")"
//! ```
//!
//! Texts stand in quotes with `\"`, `\\`, `\n`, `\r`, `\t` and `\u{..}`; a key that is not a plain lower-case
//! word, or is a word of the language, stands in backquotes. After `where`, everything joined by `and` that looks
//! like a property test belongs to the event: write `(did order where amount >= 10) and city is "Bonn"`.
//!
//! A step of a journey is named by its id, which a step keeps through all versions, and not by its label, which may go over
//! to another: so neither a new label nor a new version changes what is meant. What was done at a step that later versions
//! lack stays done.
//!
//! Laws. A missing value matches no clause; *not* is the exact complement. Something that lies in the future
//! (an event or message later than now) has not happened yet: it counts from its moment on. Of a score that was 0 or below
//! there are no percents: it rose by more than any if it is above 0 now, and fell by none.
//!
//! One clause hangs on what others have: who is in the top 10%. What it takes to be in, its cut, is measured from all of them
//! ([`measured`]) and from then on is a part of the expression: whoever evaluates one that was not measured is told so loudly.

mod addresses;
mod aggregates;
mod answers;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod calendar;
mod changed;
mod check;
mod dates;
mod eval;
mod explain;
mod happened;
mod hints;
mod lex;
mod literals;
mod locate;
mod nearly;
mod needs;
mod occurrences;
mod parse;
mod parts;
mod patterns;
mod periods;
mod print;
mod ranked;
mod shifted;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod values;
mod vocabulary;
mod windows;
mod words;

pub use changed::{changed_field, changed_key, knows_changes};
pub use check::{ExprProblem, MAX_CHAIN, check, check_saved, find_cycle};
pub use dates::{local_date, start_of_day};
pub use eval::{Facts, Seen, eval, eval_facts, event_matches, sample_share};
pub use explain::{Reason, explain};
pub use hints::{InUse, Steps, hints, names_step, slips, unknown_steps};
pub use locate::{character, locate, locate_where};
pub use needs::{Every, Needs};
pub use parse::{ParseError, parse, parse_where};
pub use parts::{named_journey, named_segment};
pub use print::{print, print_where};
pub use ranked::{Ranking, cut_of, is_ranked, measured, not_here, said_of_cuts, unmeasured, with_cuts};
pub use text::fold;

pub(crate) use addresses::is_free_domain;
pub(crate) use aggregates::{Kind, aggregate_holds};
pub(crate) use changed::write as write_field;
pub(crate) use check::clauses;
pub(crate) use dates::{beside, date_truth, moves_with_days, zone_of};
pub(crate) use occurrences::{least_and_most, longest_streak, times_hold, wait_ends};
pub(crate) use parts::{events_of, fields_of, in_and_out, movements_of, past_of, window_of};
pub(crate) use periods::DaysOf;
pub(crate) use print::print_clause;
pub(crate) use ranked::{cuts, in_rank, meaning, measured_at, print_measured};
pub(crate) use shifted::Shifting;
pub(crate) use values::{compare_holds, field_holds, folded, test_holds};
pub(crate) use windows::{Counting, Spans, first_milli, settled_before, zone_of_window};

/// Longest text of an expression, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Deepest nesting of an expression; a clause alone has depth 1.
pub const MAX_DEPTH: usize = 64;
/// Most clauses in one expression.
pub const MAX_CLAUSES: usize = 2_000;

/// What `--help` shows of the language: the forms, by example.
pub const GRAMMAR_HELP: &str = include_str!("../../../../assets/locales/en/expressions.txt");
