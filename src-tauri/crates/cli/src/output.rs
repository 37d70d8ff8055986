//! What the command line prints: one JSON document, or plain text for people.

use serde_json::Value;
use std::io::Write;

/// Writes a line; a closed pipe (`| head`) is not an error.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes one JSON document.
pub fn json(value: &Value) {
    line(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A cell of a table.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
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
        other => other.to_string(),
    }
}

fn money(value: &Value) -> String {
    let (Some(minor), Some(code)) = (value["minor"].as_i64(), value["currency"].as_str()) else {
        return value.to_string();
    };
    let digits = carillon_app::currency_digits(code);
    let sign = if minor < 0 { "-" } else { "" };
    let unit = 10i64.pow(digits);
    match digits {
        0 => format!("{minor} {code}"),
        _ => format!(
            "{sign}{}.{:0width$} {code}",
            minor.abs() / unit,
            minor.abs() % unit,
            width = digits as usize
        ),
    }
}

/// Rows of an array of objects as aligned columns.
pub fn table(rows: &Value, columns: &[(&str, &str)]) {
    let rows: Vec<Vec<String>> = rows
        .as_array()
        .map(|rows| {
            rows.iter()
                .map(|row| {
                    columns
                        .iter()
                        .map(|(key, _)| cell(row.pointer(&pointer(key)).unwrap_or(&Value::Null)))
                        .collect()
                })
                .collect()
        })
        .unwrap_or_default();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, (_, head))| {
            rows.iter()
                .map(|r| r[i].chars().count())
                .max()
                .unwrap_or(0)
                .max(head.len())
                .min(48)
        })
        .collect();
    let print = |cells: Vec<&str>| {
        let mut text = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let short: String = if cell.chars().count() > widths[i] {
                cell.chars().take(widths[i] - 1).chain(['…']).collect()
            } else {
                (*cell).to_owned()
            };
            let pad = widths[i].saturating_sub(short.chars().count());
            text += &short;
            text += &" ".repeat(pad + 2);
        }
        line(text.trim_end());
    };
    print(columns.iter().map(|(_, head)| *head).collect());
    for row in &rows {
        print(row.iter().map(String::as_str).collect());
    }
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('.', "/"))
}

/// `name: value` lines of an object.
pub fn facts(value: &Value, names: &[(&str, &str)]) {
    let width = names.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
    for (key, label) in names {
        let text = value.pointer(&pointer(key)).map(cell).unwrap_or_default();
        line(format!("{label:width$}  {text}").trim_end());
    }
}
