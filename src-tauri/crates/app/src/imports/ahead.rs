//! Rows that a thread of its own reads ahead, a few hundred at most, for files whose readers hold on to one another.

use super::layout::unreadable;
use super::source::{BadRecord, Record};
use crate::error::Result;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Rows sent at a time, and how many such batches wait.
pub(super) const BATCH: usize = 256;
const AHEAD: usize = 4;
/// Bytes of text after which a batch is sent though it has fewer rows.
const BATCH_BYTES: usize = 4 << 20;

pub(super) type Read1 = std::result::Result<Record, BadRecord>;

/// The rows that were read ahead.
pub struct Ahead {
    batches: Receiver<Vec<Read1>>,
    batch: std::vec::IntoIter<Read1>,
    taken: Arc<AtomicU64>,
    length: u64,
    /// The thread said that it came to the end, or why it did not.
    ended: bool,
}

impl Ahead {
    /// Starts a thread that reads a file and sends its rows. `taken` is where it says how many bytes it has read.
    ///
    /// # Errors
    /// When the file is not there or no thread can be started.
    pub(super) fn start(
        path: &Path,
        taken: Arc<AtomicU64>,
        read: impl FnOnce(Out) + Send + 'static,
    ) -> Result<Ahead> {
        let length = std::fs::metadata(path).map_err(|e| unreadable(path, e))?.len();
        let (to, batches) = sync_channel(AHEAD);
        std::thread::Builder::new()
            .name("rows".to_owned())
            .spawn(move || read(Out::new(to)))?;
        Ok(Ahead {
            batches,
            batch: Vec::new().into_iter(),
            taken,
            length,
            ended: false,
        })
    }

    /// Bytes of the file that were taken in.
    pub fn bytes(&self) -> u64 {
        match self.ended {
            true => self.length,
            false => self.taken.load(Ordering::Relaxed).min(self.length),
        }
    }

    /// Whether the thread still holds on to the file.
    #[cfg(test)]
    pub(super) fn watch(&self) -> std::sync::Weak<AtomicU64> {
        Arc::downgrade(&self.taken)
    }
}

impl Iterator for Ahead {
    type Item = Read1;

    fn next(&mut self) -> Option<Read1> {
        loop {
            if let Some(row) = self.batch.next() {
                self.ended |= row.is_err();
                return Some(row);
            }
            if self.ended {
                return None;
            }
            match self.batches.recv() {
                // An empty batch is the end; without it the thread did not come there.
                Ok(batch) if batch.is_empty() => self.ended = true,
                Ok(batch) => self.batch = batch.into_iter(),
                Err(_) => {
                    self.ended = true;
                    let detail = crate::error::sentence("imports.reading_stopped", &[]);
                    return Some(Err(BadRecord::Damaged { line: 0, detail }));
                }
            }
        }
    }
}

/// The reading side.
pub(super) struct Out {
    to: SyncSender<Vec<Read1>>,
    pub batch: Vec<Read1>,
    bytes: usize,
}

impl Out {
    fn new(to: SyncSender<Vec<Read1>>) -> Out {
        Out {
            to,
            batch: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a row, and sends what is complete. False: nobody wants it.
    pub fn row(&mut self, row: Record) -> bool {
        self.bytes += row.fields.iter().map(String::len).sum::<usize>();
        self.batch.push(Ok(row));
        let full = self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES;
        !full || self.send()
    }

    /// Sends what there is. False: nobody wants it.
    pub fn send(&mut self) -> bool {
        self.bytes = 0;
        self.to.send(std::mem::take(&mut self.batch)).is_ok()
    }

    /// Says that this is the end, or what is bad at this place.
    pub fn end(mut self, bad: Option<BadRecord>) {
        self.batch.extend(bad.map(Err));
        if !self.batch.is_empty() && !self.send() {
            return;
        }
        // The end, said by an empty batch: nobody who listens to it any more is no loss.
        self.to.send(Vec::new()).unwrap_or_default();
    }
}

/// A file that counts what is read of it.
pub(super) struct Counted {
    pub from: File,
    pub taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.from.seek(to)
    }
}
