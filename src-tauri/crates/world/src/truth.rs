//! The truth log: one line of JSON for each message the server took, written before it said so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

/// One message the server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// By the clock of this machine.
    pub received_at: DateTime<Utc>,
    /// Address and port of the sender.
    pub peer: String,
    pub mail_from: String,
    pub rcpt_to: Vec<String>,
    /// The Message-ID header as it stands, if there is one.
    pub message_id: Option<String>,
    /// Length of the message without doubled dots.
    pub bytes: u64,
    /// BLAKE3 of the same bytes, hex.
    pub blake3: String,
    /// Name of the file in the mailbox, and what the server said it is queued as.
    pub queue_id: String,
    /// Whether the server meant to say so; `false` for a script's silence after the dot.
    pub told: bool,
}

/// The log, open for writing.
pub(crate) struct TruthLog {
    file: Mutex<File>,
    durable: bool,
}

impl TruthLog {
    pub fn open(path: &Path, durable: bool) -> io::Result<TruthLog> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        end_torn_line(&mut file)?;
        Ok(TruthLog {
            file: Mutex::new(file),
            durable,
        })
    }

    /// Returns when the line is with the operating system, or on the disk where the log is durable.
    pub fn write(&self, truth: &Truth) -> io::Result<()> {
        let mut line = serde_json::to_vec(truth)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        file.write_all(&line)?;
        if self.durable { file.sync_data() } else { Ok(()) }
    }
}

/// A killed server may have left half a line: what follows must not be glued to it.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        Ok(())
    } else {
        file.write_all(b"\n")
    }
}

/// All records of a log, in the order they were written. A torn line (of a server that was killed, which then never
/// told anybody of the message) is passed over; no log is no records.
pub fn read(path: &Path) -> io::Result<Vec<Truth>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut records = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(truth) = serde_json::from_slice(&line?) {
            records.push(truth);
        }
    }
    Ok(records)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn truth(queue_id: &str) -> Truth {
        Truth {
            received_at: DateTime::UNIX_EPOCH,
            peer: "127.0.0.1:1".into(),
            mail_from: "a@example.com".into(),
            rcpt_to: vec!["b@example.com".into()],
            message_id: Some("<1@example.com>".into()),
            bytes: 3,
            blake3: "00".into(),
            queue_id: queue_id.into(),
            told: true,
        }
    }

    #[test]
    fn a_torn_line_spoils_neither_the_record_before_nor_the_one_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.jsonl");
        TruthLog::open(&path, true).unwrap().write(&truth("a")).unwrap();
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"received_at\":\"20")
            .unwrap();
        TruthLog::open(&path, false).unwrap().write(&truth("b")).unwrap();
        assert_eq!(read(&path).unwrap(), [truth("a"), truth("b")]);
    }

    #[test]
    fn no_log_is_no_records() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")).unwrap(), []);
    }
}
