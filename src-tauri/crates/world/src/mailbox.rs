//! The messages the server took: one file, to which each is appended after a line with its queue id and its length.
//!
//! A file for each message, as in a maildir, cost a third of the time it takes to play half a year of mail.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest message read back, in bytes.
const LONGEST: u64 = 64 << 20;
/// Longest line before a message, in bytes.
const LONGEST_LINE: u64 = 128;

/// A folder of messages. Several may have it open, one of them to keep messages in it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    open: Arc<Mutex<Messages>>,
}

/// The file, and what of it was looked at.
#[derive(Debug)]
struct Messages {
    file: File,
    /// Where each message begins, and how long it is.
    places: BTreeMap<String, (u64, u64)>,
    /// All that is whole up to here is in the places.
    known: u64,
}

impl Mailbox {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// Folder or file cannot be used.
    pub fn open(folder: &Path) -> io::Result<Mailbox> {
        fs::create_dir_all(folder)?;
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .read(true)
            .open(folder.join("messages"))?;
        let mut messages = Messages {
            file,
            places: BTreeMap::new(),
            known: 0,
        };
        messages.look()?;
        Ok(Mailbox {
            open: Arc::new(Mutex::new(messages)),
        })
    }

    /// The same for whoever keeps messages in it. A server that was killed may have left a part of one, which it never
    /// acknowledged: nothing may be glued to it.
    pub(crate) fn open_to_keep(folder: &Path) -> io::Result<Mailbox> {
        let mailbox = Mailbox::open(folder)?;
        {
            let messages = mailbox.messages();
            messages.file.set_len(messages.known)?;
        }
        Ok(mailbox)
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep(&self, queue_id: &str, message: &[u8], durable: bool) -> io::Result<()> {
        let mut record = format!("{queue_id} {}\n", message.len()).into_bytes();
        let begins = record.len() as u64;
        record.extend_from_slice(message);
        record.push(b'\n');
        let mut messages = self.messages();
        let at = messages.file.seek(SeekFrom::End(0))?;
        if let Err(error) = messages.file.write_all(&record) {
            // A full disk took a part of it.
            messages.file.set_len(at)?;
            return Err(error);
        }
        if durable {
            messages.file.sync_data()?;
        }
        if messages.known == at {
            let place = (at + begins, message.len() as u64);
            messages.places.insert(queue_id.to_owned(), place);
            messages.known = at + record.len() as u64;
        }
        Ok(())
    }

    /// The queue ids of all messages, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut messages = self.messages();
        messages.look()?;
        Ok(messages.places.keys().cloned().collect())
    }

    /// The bytes of one message, or `None` where there is none of this id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, queue_id: &str) -> io::Result<Option<Vec<u8>>> {
        self.begin(queue_id, LONGEST)
    }

    /// The first bytes of one message, at most so many.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn begin(&self, queue_id: &str, bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let mut messages = self.messages();
        if !messages.places.contains_key(queue_id) {
            messages.look()?;
        }
        let Some((at, length)) = messages.places.get(queue_id).copied() else {
            return Ok(None);
        };
        let mut read = Vec::new();
        messages.file.seek(SeekFrom::Start(at))?;
        let wanted = length.min(bytes).min(LONGEST);
        (&messages.file).take(wanted).read_to_end(&mut read)?;
        Ok(Some(read))
    }
}

impl Messages {
    /// Finds what was appended since; it ends where a message is not whole.
    fn look(&mut self) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        self.file.seek(SeekFrom::Start(self.known))?;
        let mut rest = BufReader::new(&self.file);
        while self.known < end {
            let mut line = Vec::new();
            rest.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            let Some((queue_id, length)) = named(&line) else {
                break;
            };
            let begins = self.known + line.len() as u64;
            let Some(next) = begins.checked_add(length).and_then(|ends| ends.checked_add(1)) else {
                break;
            };
            if next > end {
                break;
            }
            rest.seek_relative(i64::try_from(next - begins).map_err(io::Error::other)?)?;
            self.places.insert(queue_id, (begins, length));
            self.known = next;
        }
        Ok(())
    }
}

/// The queue id and the length a line before a message names.
fn named(line: &[u8]) -> Option<(String, u64)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (queue_id, length) = line.split_once(' ')?;
    Some((queue_id.to_owned(), length.parse().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_oldest_first_to_everybody_who_has_the_mailbox_open() {
        let folder = tempfile::tempdir().unwrap();
        let reader = Mailbox::open(folder.path()).unwrap();
        let mailbox = Mailbox::open_to_keep(folder.path()).unwrap();
        mailbox.keep("0b", b"two\r\n", false).unwrap();
        mailbox.keep("0a", b"0c 1\nx\n", true).unwrap();
        for mailbox in [&mailbox, &reader, &Mailbox::open(folder.path()).unwrap()] {
            assert_eq!(mailbox.list().unwrap(), ["0a", "0b"]);
            assert_eq!(mailbox.read("0a").unwrap().as_deref(), Some(&b"0c 1\nx\n"[..]));
            assert_eq!(mailbox.begin("0b", 2).unwrap().as_deref(), Some(&b"tw"[..]));
            for none in ["0c", "", "../secret"] {
                assert_eq!(mailbox.read(none).unwrap(), None, "{none}");
            }
        }
        mailbox.keep("0d", b"", false).unwrap();
        assert_eq!(reader.read("0d").unwrap().as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_part_of_a_message_of_a_server_that_was_killed_spoils_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let whole = Mailbox::open_to_keep(folder.path()).unwrap();
        whole.keep("0a", b"one", false).unwrap();
        let path = folder.path().join("messages");
        for torn in [
            "0b",
            "0b 4\n",
            "0b 4\nfou",
            "0b 4\nfour",
            "0b 18446744073709551615\nx\n",
        ] {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            let reader = Mailbox::open(folder.path()).unwrap();
            assert_eq!(reader.list().unwrap(), ["0a"], "{torn:?}");
            let again = Mailbox::open_to_keep(folder.path()).unwrap();
            again.keep("0c", b"three", true).unwrap();
            for mailbox in [&again, &reader, &Mailbox::open(folder.path()).unwrap()] {
                assert_eq!(mailbox.list().unwrap(), ["0a", "0c"], "{torn:?}");
                assert_eq!(
                    mailbox.read("0c").unwrap().as_deref(),
                    Some(&b"three"[..]),
                    "{torn:?}"
                );
            }
            let (begins, _) = again.messages().places["0c"];
            again
                .messages()
                .file
                .set_len(begins - "0c 5\n".len() as u64)
                .unwrap();
        }
    }
}
