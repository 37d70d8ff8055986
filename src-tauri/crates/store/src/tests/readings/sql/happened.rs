//! What contacts did and were sent, as SQL: a subquery a question.

use super::{Reading, day_in};
use carillon_model::StepId;
use carillon_model::contact::{FieldType, Money, Value};
use carillon_model::segment::*;
use chrono_tz::Tz;

/// Names of the tables of an event in one query.
#[derive(Clone, Copy)]
struct Alias {
    event: &'static str,
    kind: &'static str,
}

const ONE: Alias = Alias {
    event: "e",
    kind: "t",
};
const OTHER: Alias = Alias {
    event: "g",
    kind: "u",
};

impl Alias {
    fn from(self) -> String {
        let Alias { event, kind } = self;
        format!("FROM events {event} JOIN event_types {kind} ON {kind}.id = {event}.type")
    }
}

/// A property of an event, in the ways it can be looked at.
struct Prop {
    kind: String,
    value: String,
    minor: String,
    currency: String,
}

impl Prop {
    fn of(event: &str, key: &str) -> Prop {
        let of = |what: &str, part: &str| format!("{what}({event}.props, '$.\"{key}\"{part}')");
        Prop {
            kind: of("json_type", ""),
            value: of("json_extract", ""),
            minor: of("json_extract", ".minor"),
            currency: of("json_extract", ".currency"),
        }
    }

    fn folded(&self) -> String {
        format!("(SELECT text FROM folded WHERE raw = {})", self.value)
    }
}

impl Reading<'_> {
    /// A clause about events or messages; `None` for any other.
    pub(super) fn happened(&mut self, clause: &Clause) -> Option<String> {
        if let Clause::Answered { answer, times, last } = clause {
            return Some(self.answered(*answer, *times, *last));
        }
        if let Clause::InJourney {
            name,
            step: Some(step),
        } = clause
        {
            let now = self.now.timestamp_millis();
            let stays = self.stays(name, step);
            return Some(format!(
                "EXISTS(SELECT 1 FROM ({stays}) s WHERE s.came_at <= {now} AND (s.left_at IS NULL OR s.left_at > {now}))"
            ));
        }
        if let Clause::InJourney { name, .. } = clause {
            let (name, now) = (self.text(name), self.now.timestamp_millis());
            return Some(format!(
                "EXISTS(SELECT 1 FROM enrolments e JOIN journeys j ON j.id = e.journey WHERE j.name = {name}
                   AND e.contact = c.id AND e.entered_at <= {now} AND (e.ended_at IS NULL OR e.ended_at > {now}))"
            ));
        }
        let window = match clause {
            Clause::Did { window, .. }
            | Clause::Streak { window, .. }
            | Clause::FirstDid { window, .. }
            | Clause::LastDid { window, .. }
            | Clause::Aggregate { window, .. }
            | Clause::Sequence { window, .. }
            | Clause::Sent { window, .. }
            | Clause::Moved { window, .. } => window,
            _ => return None,
        };
        if let Window::Days {
            zone: Zone::Named(name),
            ..
        } = window
            && name.parse::<Tz>().is_err()
        {
            return Some("0".to_owned());
        }
        if let Clause::Streak {
            zone: Zone::Named(name),
            ..
        } = clause
            && name.parse::<Tz>().is_err()
        {
            return Some("0".to_owned());
        }
        Some(match clause {
            Clause::Did { event, times, .. } => {
                let (matches, within) = (self.matches(event, ONE), self.window("e.at", window));
                counts(
                    &format!("SELECT count(*) {} WHERE {matches} AND {within}", ONE.from()),
                    *times,
                )
            }
            Clause::Streak {
                event,
                n,
                period,
                zone,
                ..
            } => {
                let (matches, within) = (self.matches(event, ONE), self.window("e.at", window));
                let number = self.number_of_period("e.at", *period, zone)?;
                // Of numbers in a row, each is as far from its place in line as the others.
                format!(
                    "coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM
                       (SELECT p, p - row_number() OVER (ORDER BY p) AS row FROM
                         (SELECT DISTINCT {number} AS p {} WHERE {matches} AND {within})) GROUP BY row)), 0) >= {n}",
                    ONE.from()
                )
            }
            Clause::FirstDid { event, .. } => self.one("min", event, window),
            Clause::LastDid { event, .. } => self.one("max", event, window),
            Clause::Aggregate {
                function,
                prop,
                event,
                bound,
                ..
            } => {
                let (matches, within) = (self.matches(event, ONE), self.window("e.at", window));
                let rows = format!("{} WHERE {matches} AND {within}", ONE.from());
                self.aggregate(*function, &Prop::of("e", prop), bound, &rows)
            }
            Clause::Sequence {
                first,
                then,
                follows,
                within_secs,
                ..
            } => {
                let now = self.now.timestamp_millis();
                let wait = i64::from(*within_secs) * 1_000;
                let (matches, within) = (self.matches(first, ONE), self.window("e.at", window));
                let later = self.matches(then, OTHER);
                let next = format!(
                    "EXISTS(SELECT 1 {} WHERE {later} AND g.at > e.at AND g.at <= e.at + {wait} AND g.at <= {now})",
                    OTHER.from()
                );
                let then = match follows {
                    true => next,
                    false => format!("NOT {next} AND e.at + {wait} <= {now}"),
                };
                format!(
                    "EXISTS(SELECT 1 {} WHERE {matches} AND {within} AND {then})",
                    ONE.from()
                )
            }
            Clause::Sent { template, times, .. } => {
                let of = match template {
                    Some(name) => format!(" AND t.name = {}", self.text(name)),
                    None => String::new(),
                };
                let within = self.window("o.accepted_at", window);
                counts(
                    &format!(
                        "SELECT count(*) FROM outbox o JOIN templates t ON t.id = o.template
                         WHERE o.contact = c.id AND o.accepted_at IS NOT NULL AND {within}{of}"
                    ),
                    *times,
                )
            }
            Clause::Moved {
                movement,
                name,
                step: Some(step),
                times,
                ..
            } => {
                let (at, more) = match movement {
                    MovementKind::CameToStep => ("s.came_at", "1"),
                    MovementKind::PassedStep => (
                        "s.left_at",
                        "s.port IS NOT NULL AND s.port NOT IN ('goal', 'exit_rule')",
                    ),
                    _ => ("s.left_at", "s.left_at IS NOT NULL"),
                };
                let within = self.window(at, window);
                let stays = self.stays(name, step);
                counts(
                    &format!("SELECT count(*) FROM ({stays}) s WHERE {more} AND {within}"),
                    *times,
                )
            }
            Clause::Moved {
                movement,
                name,
                times,
                ..
            } => {
                let name = self.text(name);
                let (at, more) = match movement {
                    MovementKind::JoinedSegment => ("m.at", "m.entered = 1"),
                    MovementKind::LeftSegment => ("m.at", "m.entered = 0"),
                    MovementKind::EnteredJourney => ("m.entered_at", "1"),
                    MovementKind::LeftJourney => ("m.ended_at", "m.ended IS NOT NULL"),
                    MovementKind::ReachedGoal => ("m.ended_at", "json_extract(m.ended, '$.end') = 'goal'"),
                    of_step => unreachable!("{of_step:?} has a step"),
                };
                let within = self.window(at, window);
                let rows = match movement.is_of_journey() {
                    true => "m.id FROM enrolments m JOIN journeys s ON s.id = m.journey",
                    // Who came in twice at one moment came in once.
                    false => "m.at FROM segment_edges m JOIN segments s ON s.id = m.segment",
                };
                counts(
                    &format!(
                        "SELECT count(*) FROM (SELECT DISTINCT {rows}
                           WHERE s.name = {name} AND m.contact = c.id AND {more} AND {within})"
                    ),
                    *times,
                )
            }
            _ => return None,
        })
    }

    /// When a contact came to a step of a journey, each time, and when and by which port it left it: by what comes next on its
    /// way, or with the passage.
    fn stays(&mut self, journey: &str, step: &StepId) -> String {
        let (journey, step) = (self.text(journey), self.text(&step.0));
        let next = "FROM facts n WHERE n.enrolment = f.enrolment AND n.id > f.id
                      AND json_extract(n.what, '$.fact') IN ('left', 'ended') ORDER BY n.id LIMIT 1";
        format!(
            "SELECT f.at AS came_at, ifnull((SELECT n.at {next}), e.ended_at) AS left_at,
                    (SELECT json_extract(n.what, '$.port') {next}) AS port
             FROM facts f JOIN enrolments e ON e.id = f.enrolment JOIN journeys j ON j.id = e.journey
             WHERE j.name = {journey} AND f.step = {step} AND e.contact = c.id
               AND json_extract(f.what, '$.fact') = 'entered'"
        )
    }

    /// The number of the period a moment lies in, counted without gaps; `None` if the zone is none.
    fn number_of_period(&self, at: &str, period: Period, zone: &Zone) -> Option<String> {
        let number = |zone: Tz| {
            let day = day_in(at, FieldType::DateTime, zone, self.now);
            let part = |of: &str| format!("CAST(strftime('{of}', {day} * 86400, 'unixepoch') AS INTEGER)");
            let (year, month) = (part("%Y"), part("%m"));
            match period {
                Period::Day => day,
                // The first of January 1970 was a Thursday.
                Period::Week => format!("(({day}) + 3) / 7"),
                Period::Month => format!("{year} * 12 + {month}"),
                Period::Quarter => format!("{year} * 4 + ({month} + 2) / 3"),
                Period::Year => year,
            }
        };
        Some(match zone {
            Zone::Workspace => number(self.zone),
            Zone::Named(name) => number(name.parse().ok()?),
            Zone::Contact => {
                let cases = self.zones.iter().map(|name| {
                    let zone = name.parse().unwrap();
                    format!(" WHEN c.time_zone = '{name}' THEN {}", number(zone))
                });
                format!(
                    "(CASE WHEN 0 THEN 0{} ELSE {} END)",
                    cases.collect::<String>(),
                    number(self.zone)
                )
            }
        })
    }

    fn answered(&mut self, answer: Answer, times: Times, last: u32) -> String {
        let now = self.now.timestamp_millis();
        let name = self.text(match answer {
            Answer::Opened => "email_opened",
            Answer::Clicked => "email_clicked",
            Answer::Replied => "email_replied",
        });
        let sent = |name: &str, kind: &str| {
            format!(
                "FROM outbox {name} JOIN templates {kind} ON {kind}.id = {name}.template
                 WHERE {name}.contact = c.id AND {name}.accepted_at <= {now}"
            )
        };
        let (all, later) = (sent("o", "t"), sent("p", "v"));
        let Prop { kind, value, .. } = Prop::of("g", "template");
        let answered = format!(
            "EXISTS(SELECT 1 {} WHERE g.contact = c.id AND u.name = {name} AND g.at BETWEEN m.at AND {now}
               AND {kind} = 'text' AND {value} = m.name
               AND NOT EXISTS(SELECT 1 {later} AND v.name = m.name AND p.accepted_at > m.at AND p.accepted_at <= g.at))",
            OTHER.from()
        );
        let looked_at = format!(
            "(SELECT o.accepted_at AS at, t.name AS name {all} ORDER BY o.accepted_at DESC, t.name DESC LIMIT {last})"
        );
        let passes = counts(
            &format!("SELECT count(*) FROM {looked_at} m WHERE {answered}"),
            times,
        );
        format!("((SELECT count(*) FROM {looked_at}) = {last} AND {passes})")
    }

    fn matches(&mut self, matching: &EventMatch, alias: Alias) -> String {
        let Alias { event, kind } = alias;
        let name = self.text(&matching.name);
        let mut all = format!("{event}.contact = c.id AND {kind}.name = {name}");
        for prop in &matching.props {
            all.push_str(" AND ");
            all.push_str(&self.prop(event, prop));
        }
        all
    }

    /// Whether the first or last of all matching events so far lies in the window.
    fn one(&mut self, which: &str, event: &EventMatch, window: &Window) -> String {
        let now = self.now.timestamp_millis();
        let (matches, within) = (self.matches(event, ONE), self.window("x.at", window));
        let from = ONE.from();
        format!(
            "EXISTS(SELECT 1 FROM (SELECT {which}(e.at) AS at {from} WHERE {matches} AND e.at <= {now}) x WHERE {within})"
        )
    }

    fn aggregate(&mut self, function: Aggregate, prop: &Prop, bound: &AggregateBound, rows: &str) -> String {
        let Prop {
            kind,
            value,
            minor,
            currency,
        } = prop;
        let numbers = format!("CASE WHEN {kind} IN ('integer', 'real') THEN {value} END");
        match (function, bound) {
            (Aggregate::Different, AggregateBound::Money(_)) => nobody(rows),
            (Aggregate::Different, AggregateBound::Number(compare)) => {
                let folded = prop.folded();
                let value = format!(
                    "CASE {kind} WHEN 'text' THEN 't' || {folded} WHEN 'object' THEN 'm' || {minor} || {currency}
                     WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE CAST({value} AS REAL) END"
                );
                self.number(&format!("(SELECT count(DISTINCT {value}) {rows})"), compare)
            }
            (_, AggregateBound::Number(compare)) => {
                let total = match function {
                    Aggregate::Sum => format!("total({numbers})"),
                    Aggregate::Average => format!("avg({numbers})"),
                    Aggregate::Minimum => format!("min({numbers})"),
                    _ => format!("max({numbers})"),
                };
                self.number(&format!("(SELECT {total} {rows})"), compare)
            }
            (_, AggregateBound::Money(compare)) => {
                let of = |to: &Money| {
                    let amounts = format!(
                        "CASE WHEN {kind} = 'object' AND {currency} = '{}' THEN {minor} END",
                        to.currency.as_str()
                    );
                    let to = to.minor;
                    let over = match function {
                        Aggregate::Sum => format!("coalesce(sum({amounts}), 0) - {to}"),
                        Aggregate::Average => format!("sum({amounts}) - {to} * count({amounts})"),
                        Aggregate::Minimum => format!("min({amounts}) - {to}"),
                        _ => format!("max({amounts}) - {to}"),
                    };
                    format!("(SELECT {over} {rows})")
                };
                match compare {
                    Compare::Eq(to) => format!("{} = 0", of(to)),
                    Compare::Ne(to) => format!("{} <> 0", of(to)),
                    Compare::Lt(to) => format!("{} < 0", of(to)),
                    Compare::Le(to) => format!("{} <= 0", of(to)),
                    Compare::Gt(to) => format!("{} > 0", of(to)),
                    Compare::Ge(to) => format!("{} >= 0", of(to)),
                    Compare::Between(low, high) if low.currency != high.currency => nobody(rows),
                    Compare::Between(low, high) => format!("({} >= 0 AND {} <= 0)", of(low), of(high)),
                    Compare::NotBetween(low, high) if low.currency != high.currency => nobody(rows),
                    Compare::NotBetween(low, high) => format!("({} < 0 OR {} > 0)", of(low), of(high)),
                }
            }
        }
    }

    fn window(&mut self, at: &str, window: &Window) -> String {
        let now = self.now.timestamp_millis();
        let ago = |secs: &u32| now - i64::from(*secs) * 1_000;
        let mut all = format!("{at} <= {now}");
        match window {
            Window::Ever => {}
            Window::LastSecs(secs) => all.push_str(&format!(" AND {at} > {}", ago(secs))),
            Window::MoreThanSecsAgo(secs) => all.push_str(&format!(" AND {at} <= {}", ago(secs))),
            Window::BetweenSecsAgo(a, b) => {
                let (near, far) = (a.min(b), a.max(b));
                all.push_str(&format!(" AND {at} > {} AND {at} <= {}", ago(far), ago(near)));
            }
            Window::Between { from, to } => {
                if let Some(from) = from {
                    all.push_str(&format!(" AND {at} >= {}", from.timestamp_millis()));
                }
                if let Some(to) = to {
                    all.push_str(&format!(" AND {at} < {}", to.timestamp_millis()));
                }
            }
            Window::Days { days, zone } => {
                let mut last =
                    |n: &u32| self.date(at, FieldType::DateTime, &DateTest::InLastMonths(*n), zone);
                let when = match days {
                    Days::MoreThanMonthsAgo(n) => return format!("{all} AND NOT ({})", last(n)),
                    Days::BetweenMonthsAgo(a, b) => {
                        let (near, far) = (last(a.min(b)), last(a.max(b)));
                        return format!("{all} AND ({far}) AND NOT ({near})");
                    }
                    Days::LastMonths(n) => DateTest::InLastMonths(*n),
                    Days::On(day) => DateTest::On(*day),
                    Days::Since(day) => DateTest::After(*day - chrono::Days::new(1)),
                    Days::Before(day) => DateTest::Before(*day),
                    Days::Between(first, last) => DateTest::Between(*first, *last),
                    Days::This(period) => DateTest::This(*period),
                    Days::Last(period) => DateTest::Last(*period),
                };
                all.push_str(" AND ");
                all.push_str(&self.date(at, FieldType::DateTime, &when, zone));
            }
        }
        all
    }

    fn prop(&mut self, event: &str, prop: &PropMatch) -> String {
        let of = Prop::of(event, &prop.key);
        let Prop {
            kind,
            value,
            minor,
            currency,
        } = &of;
        let holds = match &prop.test {
            Test::Known => format!("{kind} IS NOT NULL"),
            Test::Number(compare) => {
                format!(
                    "{kind} IN ('integer', 'real') AND {}",
                    self.number(value, compare)
                )
            }
            Test::Equals(Value::Number(n)) => {
                let same = self.number(value, &Compare::Eq(*n));
                format!("{kind} IN ('integer', 'real') AND {same}")
            }
            Test::Money(compare) => {
                format!("{kind} = 'object' AND {}", self.money(minor, currency, compare))
            }
            Test::Equals(Value::Money(m)) => {
                let same = self.money(minor, currency, &Compare::Eq(*m));
                format!("{kind} = 'object' AND {same}")
            }
            Test::YesNo(wanted) | Test::Equals(Value::YesNo(wanted)) => format!("{kind} = '{wanted}'"),
            Test::Equals(Value::Text(text)) => format!("{kind} = 'text' AND {value} = {}", self.text(text)),
            Test::MultipleOf(of) => {
                format!("{kind} IN ('integer', 'real') AND {}", self.multiple(value, *of))
            }
            Test::HasAny(_)
            | Test::HasAll(_)
            | Test::HasExactly(_)
            | Test::Options(_)
            | Test::Field { .. }
            | Test::Date { .. }
            | Test::Equals(_) => "0".to_owned(),
            of_text => format!("{kind} = 'text' AND {}", self.text_test(value, of_text)),
        };
        format!("coalesce({holds}, 0)")
    }
}

/// Whether a count passes.
pub(super) fn counts(count: &str, times: Times) -> String {
    match times {
        Times::AtLeast(n) => format!("({count}) >= {n}"),
        Times::AtMost(n) => format!("({count}) <= {n}"),
        Times::Exactly(n) => format!("({count}) = {n}"),
        Times::Between(low, high) => format!("({count}) BETWEEN {low} AND {high}"),
    }
}

/// Never true, with the parameters of the rows all the same.
fn nobody(rows: &str) -> String {
    format!("(0 AND EXISTS(SELECT 1 {rows}))")
}
