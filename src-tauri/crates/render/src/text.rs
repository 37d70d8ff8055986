//! Plain text: gathering it from flowing markup, and breaking its lines.

/// Columns after which a line is broken at a space (RFC 5322 §2.1.1 asks for 78 at most).
pub(crate) const COLUMNS: usize = 76;

/// Collects words into lines and paragraphs, with white space as a browser would show it.
#[derive(Default)]
pub(crate) struct Flow {
    out: String,
    /// Line breaks owed before the next word.
    owed: usize,
    /// A space owed before the next word.
    space: bool,
}

impl Flow {
    pub(crate) fn words(&mut self, text: &str) {
        for c in text.chars() {
            if c == '\u{2003}' || c.is_whitespace() {
                self.space = true;
                continue;
            }
            // Fillers that preview texts and Outlook hacks are padded with.
            if matches!(
                c,
                '\u{200b}' | '\u{200c}' | '\u{2060}' | '\u{ad}' | '\u{34f}' | '\u{feff}'
            ) {
                continue;
            }
            if self.owed > 0 && !self.out.is_empty() {
                self.out.extend(std::iter::repeat_n('\n', self.owed));
            } else if self.space && !self.out.is_empty() {
                self.out.push(' ');
            }
            self.owed = 0;
            self.space = false;
            self.out.push(c);
        }
    }

    pub(crate) fn line(&mut self) {
        self.owed = self.owed.max(1);
    }

    pub(crate) fn paragraph(&mut self) {
        self.owed = 2;
    }

    /// Where the text stands now, for [`Flow::since`].
    pub(crate) fn mark(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn since(&self, mark: usize) -> &str {
        self.out.get(mark..).unwrap_or_default()
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// Breaks long lines at spaces; a word that is longer than a line, such as a link, stays whole. Paragraphs and
/// the author's own breaks stay; more than two empty lines become one.
pub(crate) fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / COLUMNS);
    let mut empty = 0;
    for line in text.replace("\r\n", "\n").replace('\r', "\n").lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty > 2 || (out.is_empty() && line.is_empty()) {
            continue;
        }
        wrap_line(line, &mut out);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

fn wrap_line(line: &str, out: &mut String) {
    let mut column = 0;
    for (at, word) in line.split(' ').enumerate() {
        let width = word.chars().count();
        if at > 0 {
            if column + 1 + width > COLUMNS && !word.is_empty() {
                // A space before the break would only be lost on the way.
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                column = 0;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += width;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_at_spaces_and_links_stay_whole() {
        let link = format!("https://a.test/{}", "x".repeat(100));
        let text = wrapped(&format!("{} {link} end\r\n\r\n\r\n\r\nnext", "word ".repeat(30)));
        assert!(text.contains(&link));
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= COLUMNS || line.contains(&link)),
            "{text}"
        );
        assert!(text.ends_with("end\n\n\nnext"), "{text}");
    }

    #[test]
    fn wrapping_loses_no_word() {
        let text = "one  two\n three ".repeat(40);
        let words = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&wrapped(&text)), words(&text));
    }
}
