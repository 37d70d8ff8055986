//! Room. What people say is kept when nothing else is: pages of the file and bytes of the disk are set aside for it.

use super::{Counts, PAGE, Weight};
use rusqlite::Connection;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a reserve that was given back waits before it is put aside again.
const AGAIN: Duration = Duration::from_secs(60);

/// A tenant's room.
pub(super) struct Space {
    reserve: PathBuf,
    reserve_bytes: u64,
    quota: u64,
    held: bool,
    tried: Instant,
    /// What the disk itself last had no room for, and when.
    refused: Option<(Weight, Instant)>,
    counts: Arc<Counts>,
}

impl Space {
    pub(super) fn new(folder: &Path, quota: u64, reserve_bytes: u64, counts: Arc<Counts>) -> Space {
        let mut space = Space {
            reserve: folder.join("reserve"),
            reserve_bytes,
            quota,
            held: false,
            tried: Instant::now(),
            refused: None,
            counts,
        };
        space.hold();
        space
    }

    /// The lightest that is still written: below a fifth of the quota no pixels, below a tenth no clicks, and nothing
    /// but words while the reserve is given back.
    pub(super) fn lightest(&mut self, db: &Connection) -> Weight {
        if !self.held && self.tried.elapsed() >= AGAIN {
            self.hold();
        }
        let pages = |pragma: &str| db.query_row(&format!("PRAGMA {pragma}"), [], |r| r.get::<_, i64>(0));
        let used = match (pages("page_count"), pages("freelist_count")) {
            (Ok(all), Ok(free)) => u64::try_from(all - free).unwrap_or_default(),
            _ => self.quota,
        };
        let free = self.quota.saturating_sub(used);
        let by_quota = match () {
            () if !self.held || free < self.quota / 10 => Weight::Words,
            () if free < self.quota / 5 => Weight::Clicks,
            () => Weight::Pixels,
        };
        let by_disk = self.refused.filter(|(_, at)| at.elapsed() < AGAIN);
        let lightest = by_quota.max(by_disk.map_or(Weight::Pixels, |(weight, _)| weight));
        self.counts.used.store(used * PAGE, Ordering::Relaxed);
        self.counts.room.store(lightest as u64, Ordering::Relaxed);
        lightest
    }

    /// Remembers for a while that the disk has no room for anything lighter than this.
    pub(super) fn no_lighter_than(&mut self, weight: Weight) {
        self.refused = Some((weight, Instant::now()));
        self.counts.room.store(weight as u64, Ordering::Relaxed);
    }

    /// Gives the reserve back to the disk; `false` when it was already.
    pub(super) fn release(&mut self) -> bool {
        self.tried = Instant::now();
        let held = std::mem::take(&mut self.held);
        let gone = std::fs::remove_file(&self.reserve).is_ok();
        if gone {
            tracing::warn!("the disk is full; its reserve is used for what people say");
        }
        held || gone
    }

    /// Puts the reserve aside: real bytes, since a file with holes reserves nothing.
    fn hold(&mut self) {
        self.tried = Instant::now();
        let there = std::fs::metadata(&self.reserve)
            .map(|m| m.len())
            .unwrap_or_default();
        self.held = there >= self.reserve_bytes || self.fill(there).is_ok();
        if !self.held {
            std::fs::remove_file(&self.reserve).ok();
        }
    }

    fn fill(&self, there: u64) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.reserve)?;
        // Not zeros, which a disk that compresses would not keep.
        let block: Vec<u8> = (0..65_536u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut left = self.reserve_bytes - there;
        while left > 0 {
            let part = left.min(block.len() as u64);
            file.write_all(&block[..part as usize])?;
            left -= part;
        }
        file.sync_all()
    }
}
