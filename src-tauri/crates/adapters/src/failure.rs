//! Making a [`Failure`], with its text fit for a log and a screen.

use carillon_model::message::{Failure, FailureClass};

/// Longest text of a server that is kept, in characters.
const LONGEST_TEXT: usize = 400;

/// A failure whose detail is one clean line.
pub(crate) fn failure(class: FailureClass, code: impl Into<String>, detail: impl AsRef<str>) -> Failure {
    Failure {
        class,
        code: code.into(),
        detail: one_line(detail.as_ref()),
    }
}

/// Text from outside as one clean line of at most [`LONGEST_TEXT`] characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = clean(text);
    if let Some((end, _)) = line.char_indices().nth(LONGEST_TEXT) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// Text without controls and direction marks, each run of white space one space.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = !line.is_empty();
        } else if !c.is_control() && !is_invisible(c) {
            if std::mem::take(&mut gap) {
                line.push(' ');
            }
            line.push(c);
        }
    }
    line
}

/// Marks that turn or hide text: bidirectional controls (UAX #9), zero-width characters, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_server_becomes_one_line_without_controls() {
        assert_eq!(one_line("a\0b\r\n\tc \u{202E}d\u{1b}[31m"), "ab c d[31m");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(one_line(&"x".repeat(100_000)).chars().count(), LONGEST_TEXT + 1);
    }
}
