//! What the command line prints: one JSON document, or plain text for people.

use crate::words::{text, words};
use console::{Term, measure_text_width, truncate_str};
use serde_json::Value;
use std::io::{ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// Why the answer could not be written, if so.
static BROKEN: Mutex<Option<std::io::Error>> = Mutex::new(None);

fn write(text: &str) {
    let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if broken.is_none() {
        *broken = writeln!(std::io::stdout().lock(), "{text}").err();
    }
}

/// Why the answer did not arrive where it was to go; a reader that has seen enough (`| head`) is no reason.
pub fn broken() -> Option<std::io::Error> {
    let flushed = std::io::stdout().lock().flush().err();
    let earlier = BROKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    earlier.or(flushed).filter(|e| e.kind() != ErrorKind::BrokenPipe)
}

/// Writes to standard error, whether somebody reads it or not.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
}

/// Writes a line for people.
pub fn line(text: impl std::fmt::Display) {
    write(&harmless(&text.to_string()));
}

/// Writes a text as it is: for files that go through standard output.
pub fn raw(text: &str) {
    write(text);
}

/// Writes one JSON document.
pub fn json(value: &Value) {
    write(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Names and words of servers come from others: none of them may steer a terminal.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(steers, "\u{fffd}")
}

/// A cell of a table.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => text!("yes"),
        Value::Bool(false) => text!("no"),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(map) => match (map.get("minor"), map.get("value")) {
            (Some(_), _) => money(value),
            (_, Some(inner)) => cell(inner),
            _ => value.to_string(),
        },
        // Fields of numbers are doubles; a whole one is shown as people write it.
        Value::Number(n) => match n.as_f64() {
            Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.0}"),
            _ => n.to_string(),
        },
    }
}

fn money(value: &Value) -> String {
    let (Some(minor), Some(code)) = (value["minor"].as_i64(), value["currency"].as_str()) else {
        return value.to_string();
    };
    let digits = carillon_app::currency_digits(code);
    let sign = if minor < 0 { "-" } else { "" };
    let unit = 10u64.pow(digits);
    match digits {
        0 => format!("{minor} {code}"),
        _ => format!(
            "{sign}{}.{:0width$} {code}",
            minor.unsigned_abs() / unit,
            minor.unsigned_abs() % unit,
            width = digits as usize
        ),
    }
}

/// Between two columns.
const GAP: usize = 2;
/// A column is never made narrower than this.
const NARROWEST: usize = 6;

/// Rows of an array of objects as aligned columns: each a path into the row, and the name of its head. Whole where
/// another program reads them; cut to the width of a terminal.
pub fn table(rows: &Value, columns: &[(&str, &str)]) {
    let heads = columns
        .iter()
        .map(|(_, head)| words(&format!("heads.{head}"), &[]).to_uppercase())
        .collect();
    let cells = rows.as_array().into_iter().flatten().map(|row| {
        let cells = columns.iter().map(|(path, _)| {
            let text = cell(row.pointer(&pointer(path)).unwrap_or(&Value::Null));
            harmless(&text.replace(['\n', '\r', '\t'], " "))
        });
        cells.collect()
    });
    let all: Vec<Vec<String>> = std::iter::once(heads).chain(cells).collect();
    let width = Term::stdout().size_checked().map(|(_, width)| usize::from(width));
    for row in laid_out(&all, width) {
        line(row);
    }
}

/// Lines with aligned columns; the widest columns give way until a line fits into `width`.
fn laid_out(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut widths: Vec<usize> = (0..columns)
        .map(|i| {
            rows.iter()
                .map(|row| measure_text_width(&row[i]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    if let Some(width) = width {
        let room = width.saturating_sub(GAP * columns.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
    }
    let laid = rows.iter().map(|row| {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let short = truncate_str(cell, *width, "…");
            text += &short;
            text += &" ".repeat(width.saturating_sub(measure_text_width(&short)) + GAP);
        }
        text.trim_end().to_owned()
    });
    laid.collect()
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('.', "/"))
}

/// `name: value` lines of an object: each a path into it, and the name of its label.
pub fn facts(value: &Value, names: &[(&str, &str)]) {
    let labels: Vec<String> = names
        .iter()
        .map(|(_, label)| words(&format!("heads.{label}"), &[]))
        .collect();
    let width = labels.iter().map(|l| measure_text_width(l)).max().unwrap_or(0);
    for ((path, _), label) in names.iter().zip(&labels) {
        let text = value.pointer(&pointer(path)).map(cell).unwrap_or_default();
        let pad = " ".repeat(width - measure_text_width(label) + GAP);
        line(format!("{label}{pad}{text}").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: &[&[&str]]) -> Vec<Vec<String>> {
        of.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    #[test]
    fn a_table_fits_a_narrow_terminal_and_is_whole_for_programs() {
        let rows = rows(&[
            &["Name", "Subject"],
            &["Ada", "A long subject that nobody cuts for a program"],
        ]);
        let narrow = laid_out(&rows, Some(20));
        assert!(
            narrow.iter().all(|line| measure_text_width(line) <= 20),
            "{narrow:?}"
        );
        assert!(narrow[1].ends_with('…'));
        assert!(laid_out(&rows, None)[1].ends_with("for a program"));
        assert_eq!(laid_out(&rows, Some(3)).len(), 2, "no terminal is too narrow");
    }

    #[test]
    fn wide_letters_keep_columns_aligned() {
        let lines = laid_out(&rows(&[&["東京", "x"], &["Rome", "x"]]), None);
        assert_eq!(lines, ["東京  x", "Rome  x"]);
    }

    #[test]
    fn nothing_that_others_wrote_steers_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{202e}c\td\n"),
            "a\u{fffd}[2Jb\u{fffd}c\td\n"
        );
    }
}
