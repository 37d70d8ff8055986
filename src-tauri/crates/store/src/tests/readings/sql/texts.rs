//! Tests of text and comparisons with another field, as SQL.

use super::{Reading, fold, happened, place_of};
use carillon_model::contact::FieldType;
use carillon_model::segment::{FieldOrder, Test};
use rusqlite::types::Value as Cell;
use std::sync::LazyLock;

const FREE_MAIL: &str = include_str!("../../../../../../../assets/rules/free_mail.json");
const ROLE_ACCOUNTS: &str = include_str!("../../../../../../../assets/rules/role_accounts.json");

/// Every character that is left out at the ends of a text.
static SPACES: LazyLock<String> =
    LazyLock::new(|| ('\0'..=char::MAX).filter(|c| c.is_whitespace()).collect());

/// The list of a file of rules.
fn listed(rules: &str, key: &str) -> Vec<String> {
    let read: serde_json::Value = serde_json::from_str(rules).unwrap();
    serde_json::from_value(read[key].clone()).unwrap()
}

/// Whether one of the regular expressions that are tried finds something: in plain code.
fn finds(pattern: &str, text: &str) -> Option<bool> {
    let small = text.to_lowercase();
    let letters: Vec<char> = small.chars().collect();
    Some(match pattern {
        "^b" => small.starts_with('b'),
        "N$" => small.ends_with('n'),
        "^$" => small.is_empty(),
        "[0-9]" => small.chars().any(|c| c.is_ascii_digit()),
        "o.n" => letters
            .windows(3)
            .any(|w| w[0] == 'o' && w[1] != '\n' && w[2] == 'n'),
        "(bonn|köln)" => small.contains("bonn") || small.contains("köln"),
        "(?-i)K" => text.contains('K'),
        "[" => return None,
        other => panic!("nobody told what {other} finds"),
    })
}

/// Whether a text comes of the wanted one by as many slips as that may have, as they are written down: one after the
/// other, from left to right, without a table.
fn is_nearly(wanted: &str, text: &str) -> bool {
    fn within(a: &[char], b: &[char], slips: usize) -> bool {
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let (a, b) = (&a[same..], &b[same..]);
        if a.is_empty() && b.is_empty() {
            return true;
        }
        let Some(left) = slips.checked_sub(1) else {
            return false;
        };
        let swapped = a.len() > 1 && b.len() > 1 && a[0] == b[1] && a[1] == b[0];
        !a.is_empty() && within(&a[1..], b, left)
            || !b.is_empty() && within(a, &b[1..], left)
            || !a.is_empty() && !b.is_empty() && within(&a[1..], &b[1..], left)
            || swapped && within(&a[2..], &b[2..], left)
    }
    let [wanted, text] = [wanted, text].map(|text| fold(text).chars().collect::<Vec<char>>());
    let slips = if wanted.len() < 3 {
        0
    } else if wanted.len() < 6 {
        1
    } else {
        2
    };
    within(&wanted, &text, slips)
}

impl Reading<'_> {
    /// A test of a text as it was written.
    pub(super) fn text_test(&mut self, raw: &str, test: &Test) -> String {
        let folded = format!("(SELECT text FROM folded WHERE raw = {raw})");
        match test {
            Test::Is(list) => format!("{folded} IN ({})", self.list(list)),
            Test::IsNot(list) => {
                format!("{folded} NOT IN ({})", self.list(list)).replace("NOT IN ()", "IS NOT NULL")
            }
            Test::Contains(part) => format!("instr({folded}, {}) > 0", self.text(&fold(part))),
            Test::StartsWith(part) => {
                let part = self.text(&fold(part));
                format!("substr({folded}, 1, length({part})) = {part}")
            }
            Test::EndsWith(part) if fold(part).is_empty() => format!("{folded} IS NOT NULL"),
            Test::EndsWith(part) => {
                let part = self.text(&fold(part));
                format!("substr({folded}, -length({part})) = {part}")
            }
            Test::NotContains(part) => self.not(raw, &Test::Contains(part.clone())),
            Test::NotStartsWith(part) => self.not(raw, &Test::StartsWith(part.clone())),
            Test::NotEndsWith(part) => self.not(raw, &Test::EndsWith(part.clone())),
            Test::Like(pattern) => self.like(&folded, pattern),
            Test::NotLike(pattern) => format!("NOT ({})", self.like(&folded, pattern)),
            Test::Nearly(wanted) => self.those(raw, |text| is_nearly(wanted, text)),
            Test::NotNearly(wanted) => self.those(raw, |text| !is_nearly(wanted, text)),
            Test::Matches(pattern) => self.those(raw, |text| finds(pattern, text.trim()) == Some(true)),
            Test::NotMatches(pattern) => self.those(raw, |text| finds(pattern, text.trim()) == Some(false)),
            Test::Characters(times) => {
                let spaces = self.text(&SPACES);
                happened::counts(&format!("length(trim({raw}, {spaces}))"), *times)
            }
            Test::Domain(list) => {
                let all = list.iter().map(|domain| fold(domain)).collect();
                self.at_domain(raw, all)
            }
            Test::FreeMail => self.at_domain(raw, listed(FREE_MAIL, "domains")),
            Test::RoleAccount => {
                let names = self.listed(&listed(ROLE_ACCOUNTS, "names"));
                let behind = |n: u32| format!("substr(x.text, length(d.value) + {n})");
                format!(
                    "EXISTS(SELECT 1 FROM folded x, {names} d
                     WHERE x.raw = {raw} AND substr(x.text, 1, length(d.value)) = d.value
                       AND (substr({next}, 1, 1) = '+' AND instr(x.text, '@') > 0
                            OR substr({next}, 1, 1) = '@' AND instr({rest}, '@') = 0))",
                    next = behind(1),
                    rest = behind(2)
                )
            }
            _ => "0".to_owned(),
        }
    }

    /// Of a text that is there.
    fn not(&mut self, raw: &str, test: &Test) -> String {
        format!("({raw} IS NOT NULL AND NOT ({}))", self.text_test(raw, test))
    }

    fn listed(&mut self, all: &[String]) -> String {
        let all = self.text(&serde_json::to_string(all).unwrap());
        format!("json_each({all})")
    }

    /// Ends in `@` and one of the domains, which have no `@` themselves.
    fn at_domain(&mut self, raw: &str, domains: Vec<String>) -> String {
        let ends: Vec<String> = domains
            .into_iter()
            .filter(|domain| !domain.contains('@'))
            .collect();
        let domains = self.listed(&ends);
        format!(
            "EXISTS(SELECT 1 FROM folded x, {domains} d
             WHERE x.raw = {raw} AND substr(x.text, -length('@' || d.value)) = '@' || d.value)"
        )
    }

    fn like(&mut self, folded: &str, pattern: &str) -> String {
        let mut of_sql = String::new();
        let pattern = fold(pattern);
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let literal = match c {
                '*' => {
                    of_sql.push('%');
                    continue;
                }
                '?' => {
                    of_sql.push('_');
                    continue;
                }
                '\\' => chars.next_if(|c| "*?\\".contains(*c)).unwrap_or('\\'),
                c => c,
            };
            if "%_!".contains(literal) {
                of_sql.push('!');
            }
            of_sql.push(literal);
        }
        format!("{folded} LIKE {} ESCAPE '!'", self.text(&of_sql))
    }

    /// One of the texts of the file of which something holds.
    fn those(&mut self, raw: &str, holds: impl Fn(&str) -> bool) -> String {
        let texts = self.texts.iter().filter(|text| holds(text));
        let all: Vec<Cell> = texts.map(|text| Cell::Text(text.clone())).collect();
        let all: Vec<String> = all.into_iter().map(|text| self.param(text)).collect();
        format!("{raw} IN ({})", all.join(", "))
    }

    pub(super) fn multiple(&mut self, column: &str, of: f64) -> String {
        let of = self.param(Cell::Real(of));
        format!("round({column} / {of}) = {column} / {of}")
    }

    /// A text or choice against another one.
    pub(super) fn other_text(&mut self, text: &str, order: FieldOrder, key: &str) -> String {
        let sign = match order {
            FieldOrder::Eq => "=",
            FieldOrder::Ne => "<>",
            _ => return "0".to_owned(),
        };
        let other = match self.column(key) {
            Some((column, FieldType::Text, _)) => column,
            Some((column, FieldType::Choice, options)) => place_of(&column, &options),
            _ => return "0".to_owned(),
        };
        let [one, other] = [text, &other].map(|raw| format!("(SELECT text FROM folded WHERE raw = {raw})"));
        format!("{one} {sign} {other}")
    }

    /// A number, an amount or a yes or no against another one.
    pub(super) fn other(&self, column: &str, field_type: FieldType, order: FieldOrder, key: &str) -> String {
        let sign = match order {
            FieldOrder::Eq => "=",
            FieldOrder::Ne => "<>",
            FieldOrder::Lt => "<",
            FieldOrder::Le => "<=",
            FieldOrder::Gt => ">",
            FieldOrder::Ge => ">=",
        };
        match self.column(key) {
            Some((other, of, _)) if of == field_type => match of {
                FieldType::Money => format!("({column}c = {other}c AND {column} {sign} {other})"),
                FieldType::YesNo if !matches!(order, FieldOrder::Eq | FieldOrder::Ne) => "0".to_owned(),
                _ => format!("{column} {sign} {other}"),
            },
            _ => "0".to_owned(),
        }
    }
}
