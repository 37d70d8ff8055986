//! Plain text: gathering it from flowing markup, and breaking its lines.

use std::borrow::Cow;

/// Columns after which a line is broken at a space (RFC 5322 §2.1.1 asks for 78 at most).
pub(crate) const COLUMNS: usize = 76;

/// What the reading of flowing markup tells of.
pub(crate) trait Sink {
    /// Text, with its entities decoded.
    fn words(&mut self, text: &str);
    /// What follows begins a line.
    fn line(&mut self);
    /// What follows begins a paragraph.
    fn paragraph(&mut self);
    /// A link begins; none where it leads nowhere.
    fn link(&mut self, href: Option<String>);
    /// The end of a link: its address follows what was shown, unless that is the address.
    fn link_ends(&mut self);
    /// A picture, by its alternative text.
    fn picture(&mut self, alt: &str);
}

/// Collects words into lines and paragraphs, with white space as a browser would show it.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) out: String,
    /// Line breaks owed before the next word.
    pub(crate) owed: usize,
    /// A space owed before the next word.
    pub(crate) space: bool,
    /// Address of the open link, and where its words begin.
    pub(crate) link: Option<(String, usize)>,
}

impl Sink for Flow {
    fn words(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            // Mostly words of ASCII: they are taken whole.
            let word = rest.bytes().take_while(u8::is_ascii_graphic).count();
            if word > 0 {
                self.break_owed();
                self.out.push_str(&rest[..word]);
                rest = &rest[word..];
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.sign(c);
            }
            rest = chars.as_str();
        }
    }

    fn line(&mut self) {
        self.owed = self.owed.max(1);
    }

    fn paragraph(&mut self) {
        self.owed = 2;
    }

    fn link(&mut self, href: Option<String>) {
        self.link = href.map(|href| (href, self.out.len()));
    }

    fn link_ends(&mut self) {
        let Some((href, mark)) = self.link.take() else {
            return;
        };
        let leads = ["http:", "https:", "mailto:", "tel:"]
            .iter()
            .any(|scheme| href.starts_with(scheme));
        let shown = self.out.get(mark..).unwrap_or_default().trim();
        let same = |text: &str| {
            href == text
                || href
                    .split_once(':')
                    .is_some_and(|(_, rest)| rest.trim_start_matches('/') == text)
        };
        if !leads || same(shown) {
            return;
        }
        if shown.is_empty() {
            self.words(&href);
        } else {
            self.words(" (");
            self.words(&href);
            self.words(")");
        }
    }

    fn picture(&mut self, alt: &str) {
        if !alt.trim().is_empty() {
            self.words(" ");
            self.words(alt);
            self.words(" ");
        }
    }
}

impl Flow {
    fn sign(&mut self, c: char) {
        if c == '\u{2003}' || c.is_whitespace() {
            self.space = true;
            return;
        }
        // Fillers that preview texts and Outlook hacks are padded with.
        if !matches!(
            c,
            '\u{200b}' | '\u{200c}' | '\u{2060}' | '\u{ad}' | '\u{34f}' | '\u{feff}'
        ) {
            self.break_owed();
            self.out.push(c);
        }
    }

    /// Breaks or spaces before a word, as owed.
    pub(crate) fn break_owed(&mut self) {
        if self.owed > 0 && !self.out.is_empty() {
            self.out.extend(std::iter::repeat_n('\n', self.owed));
        } else if self.space && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.owed = 0;
        self.space = false;
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
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    for line in text.lines() {
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
    // It has no more characters than bytes.
    if line.len() <= COLUMNS {
        out.push_str(line);
        return;
    }
    let is_ascii = line.is_ascii();
    let bytes = line.as_bytes();
    if is_ascii && !line.starts_with(' ') && !bytes.windows(2).any(|pair| pair == b"  ") {
        return wrap_words(line, out);
    }
    let mut column = 0;
    for (at, word) in line.split(' ').enumerate() {
        let width = if is_ascii {
            word.len()
        } else {
            word.chars().count()
        };
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

/// The same for words of ASCII with one space between them.
fn wrap_words(line: &str, out: &mut String) {
    let mut rest = line;
    while rest.len() > COLUMNS {
        let bytes = rest.as_bytes();
        let within = bytes[..=COLUMNS].iter().rposition(|b| *b == b' ');
        let Some(end) = within.or_else(|| rest.find(' ')) else {
            break;
        };
        out.push_str(&rest[..end]);
        out.push('\n');
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
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
    fn words_of_ascii_break_where_any_others_do() {
        let word = |n: usize| "x".repeat(n * 7 % 31 + usize::from(n.is_multiple_of(13)) * 90 + 1);
        for words in 2..60 {
            let line: Vec<String> = (words..words * 2).map(word).collect();
            let ascii = line.join(" ");
            // A letter of two bytes in each word's place makes the long way of the same widths.
            let other = ascii.replace('x', "é");
            assert_eq!(wrapped(&ascii), wrapped(&other).replace('é', "x"), "{words}");
        }
    }

    #[test]
    fn wrapping_loses_no_word() {
        let text = "one  two\n three ".repeat(40);
        let words = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&wrapped(&text)), words(&text));
    }
}
