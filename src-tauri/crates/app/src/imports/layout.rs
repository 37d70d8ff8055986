//! What a delimited file is: the encoding of its letters and the delimiter of its columns, guessed from the file.

use super::source::COLUMNS_MAX;
use crate::error::{Code, Result, fail};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use ts_rs::TS;

/// How the bytes of a file are to be read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub enum TextEncoding {
    #[serde(rename = "utf-8", alias = "utf-8-bom")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl TextEncoding {
    pub(super) fn encoding(self) -> &'static Encoding {
        match self {
            TextEncoding::Utf8 => UTF_8,
            TextEncoding::Utf16Le => UTF_16LE,
            TextEncoding::Utf16Be => UTF_16BE,
            TextEncoding::Windows1252 => WINDOWS_1252,
        }
    }
}

/// How a file is laid out. Guessed by [`Layout::detect`], correctable by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Layout {
    pub encoding: TextEncoding,
    /// One of `,` `;` TAB `|`.
    #[ts(type = "string")]
    pub delimiter: char,
}

pub(crate) const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Bytes looked at, and read, at a time.
pub(super) const SAMPLE: usize = 256 << 10;

pub(super) fn unreadable(path: &Path, detail: impl std::fmt::Display) -> crate::error::ApiError {
    fail(
        Code::Invalid,
        "imports.unreadable",
        &[("file", &path.display()), ("detail", &detail)],
    )
}

impl Layout {
    /// Guesses encoding and delimiter. A file without a byte order mark whose letters are UTF-8 to its end, but for a
    /// few damaged ones, is UTF-8; one in which every other byte of the start is NUL is UTF-16; any other is
    /// Windows-1252.
    ///
    /// # Errors
    /// When the file cannot be read, or is empty.
    pub fn detect(path: &Path) -> Result<Layout> {
        let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
        if file.metadata().map_err(|e| unreadable(path, e))?.is_dir() {
            return Err(fail(
                Code::Invalid,
                "imports.folder",
                &[("file", &path.display())],
            ));
        }
        let mut head = vec![0; SAMPLE];
        let filled = fill(&mut file, &mut head).map_err(|e| unreadable(path, e))?;
        head.truncate(filled);
        if head.is_empty() {
            return Err(fail(Code::Invalid, "imports.empty", &[("file", &path.display())]));
        }
        let encoding = match Encoding::for_bom(&head) {
            Some((e, _)) if e == UTF_16LE => TextEncoding::Utf16Le,
            Some((e, _)) if e == UTF_16BE => TextEncoding::Utf16Be,
            Some(_) => TextEncoding::Utf8,
            None => match nul_pattern(&head) {
                Some(encoding) => encoding,
                None => match utf8_letters(path).map_err(|e| unreadable(path, e))? {
                    (_, 0) => TextEncoding::Utf8,
                    (good, bad) if good >= 20 * bad => TextEncoding::Utf8,
                    _ => TextEncoding::Windows1252,
                },
            },
        };
        Ok(Layout::of_head(&head, encoding))
    }

    fn of_head(head: &[u8], encoding: TextEncoding) -> Layout {
        let (text, _) = encoding.encoding().decode_with_bom_removal(head);
        Layout {
            encoding,
            delimiter: guess_delimiter(&text),
        }
    }

    /// Guesses the delimiter of a file whose encoding is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_encoding(path: &Path, encoding: TextEncoding) -> Result<Layout> {
        let mut head = vec![0; SAMPLE];
        let filled = File::open(path)
            .and_then(|mut file| fill(&mut file, &mut head))
            .map_err(|e| unreadable(path, e))?;
        Ok(Layout::of_head(&head[..filled], encoding))
    }

    /// About how many bytes of UTF-8 so many bytes of the file are, for estimates.
    pub fn text_bytes(self, bytes: u64) -> u64 {
        match self.encoding {
            TextEncoding::Utf16Le | TextEncoding::Utf16Be => bytes / 2,
            TextEncoding::Utf8 | TextEncoding::Windows1252 => bytes,
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// UTF-16 without a mark: Latin letters leave a NUL in every other byte.
fn nul_pattern(head: &[u8]) -> Option<TextEncoding> {
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    let nuls = |odd: usize| head.chunks_exact(2).filter(|pair| pair[odd] == 0).count();
    let (first, second) = (nuls(0), nuls(1));
    if second * 10 > pairs * 6 && first * 10 < pairs {
        Some(TextEncoding::Utf16Le)
    } else if first * 10 > pairs * 6 && second * 10 < pairs {
        Some(TextEncoding::Utf16Be)
    } else {
        None
    }
}

/// How many letters beyond ASCII a file has if it is UTF-8, and how many places in it are none.
fn utf8_letters(path: &Path) -> std::io::Result<(u64, u64)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; SAMPLE];
    let (mut kept, mut good, mut bad) = (0, 0, 0);
    loop {
        let read = fill(&mut file, &mut buffer[kept..])?;
        let filled = kept + read;
        let mut at = 0;
        kept = 0;
        while at < filled {
            let rest = &buffer[at..filled];
            let (valid, broken) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), 0),
                Err(e) => match e.error_len() {
                    Some(length) => (e.valid_up_to(), length),
                    // A character is cut in two by the end of the buffer: its first bytes are carried over. By the
                    // end of the file: it is broken.
                    None if read == 0 => (e.valid_up_to(), rest.len() - e.valid_up_to()),
                    None => {
                        kept = rest.len() - e.valid_up_to();
                        (e.valid_up_to(), 0)
                    }
                },
            };
            good += rest[..valid].iter().filter(|byte| **byte >= 0xC0).count() as u64;
            bad += u64::from(broken > 0);
            at += valid + broken;
            if kept > 0 {
                break;
            }
        }
        buffer.copy_within(filled - kept..filled, 0);
        if read == 0 {
            return Ok((good, bad));
        }
    }
}

/// The delimiter a first line like `sep=;` names: spreadsheets write and read it.
pub(super) fn named_delimiter(line: &str) -> Option<char> {
    let mut named = line.trim_matches(['\r', '\n', '"']).strip_prefix("sep=")?.chars();
    named.next().filter(|_| named.next().is_none())
}

/// The delimiter that splits the first records most evenly; a comma where none does.
fn guess_delimiter(text: &str) -> char {
    if let Some(named) = text
        .lines()
        .next()
        .and_then(named_delimiter)
        .filter(|d| DELIMITERS.contains(d))
    {
        return named;
    }
    let score = |delimiter: char| {
        let mut counts = Vec::new();
        let (mut quoted, mut count) = (false, 0usize);
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                '\n' if !quoted => {
                    counts.push(count);
                    count = 0;
                    if counts.len() == 50 {
                        break;
                    }
                }
                c if c == delimiter && !quoted => count += 1,
                _ => {}
            }
        }
        if counts.is_empty() {
            counts.push(count);
        }
        let first = counts[0];
        let alike = counts.iter().filter(|n| **n == first).count();
        // Columns count for more the more records agree with the heading.
        if first == 0 {
            0
        } else {
            first.min(COLUMNS_MAX) * alike * 100 / counts.len()
        }
    };
    let mut best = (',', 0);
    for delimiter in DELIMITERS {
        let points = score(delimiter);
        if points > best.1 {
            best = (delimiter, points);
        }
    }
    best.0
}
