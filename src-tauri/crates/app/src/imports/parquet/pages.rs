//! The pages of a column, read by their own headers: what a page claims is held against what there is and against what
//! may be in memory at a time before the library sees it.

use super::thrift::{Malformed, STRUCT, TRUE, Walk};
use super::unpack::{Packed, unpack};
use crate::error::sentence;
use ::parquet::basic::{CompressionCodec, Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest page, in bytes, unpacked or not.
const PAGE_MAX: usize = 128 << 20;
/// Largest header of a page: it may quote the least and the largest value.
const HEADER_MAX: usize = 4 << 20;
const HEADER_FIRST: usize = 16 << 10;
/// Most bytes of pages and of what their values take, in memory at a time, all columns together.
const HELD_MAX: usize = 768 << 20;
/// What a value of a list takes until its row is complete, in bytes.
const LISTED: usize = 40;
/// What an entry of a dictionary takes beside its bytes.
const ENTRY: usize = 32;

/// The file and what of it is in memory.
pub(super) struct Shared {
    pub file: Mutex<File>,
    pub length: u64,
    pub taken: Arc<AtomicU64>,
    /// Bytes of pages.
    pages: AtomicUsize,
    /// Bytes that values of lists may take, since the last rows were read.
    listed: AtomicUsize,
    /// Rows read at a time.
    pub rows: AtomicUsize,
}

impl Shared {
    pub fn new(file: File, taken: Arc<AtomicU64>) -> std::io::Result<Shared> {
        Ok(Shared {
            length: file.metadata()?.len(),
            file: Mutex::new(file),
            taken,
            pages: AtomicUsize::new(0),
            listed: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
        })
    }

    /// Begins new rows.
    pub fn begin(&self) {
        self.listed.store(0, Ordering::Relaxed);
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(into)?;
        self.taken.fetch_add(into.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// The pages are too large; a sentence for people, who can have the file written with smaller ones.
fn too_much() -> ParquetError {
    ParquetError::General(sentence("imports.parquet_large_pages", &[]))
}

/// The header of a page (`PageHeader` of the format).
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    unpacked: usize,
    packed: usize,
    values: usize,
    encoding: i64,
    def_encoding: i64,
    rep_encoding: i64,
    /// Of the second version of data pages.
    nulls: usize,
    rows: usize,
    def_bytes: usize,
    rep_bytes: usize,
    compressed: bool,
    /// Bytes of the header itself.
    length: usize,
}

const DATA: i64 = 0;
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

impl Header {
    fn read(bytes: &[u8]) -> std::result::Result<Header, Malformed> {
        let mut header = Header {
            compressed: true,
            ..Header::default()
        };
        let mut walk = Walk::new(bytes);
        walk.fields(&mut |walk, id, kind| {
            match (id, kind) {
                (1, 5) => header.kind = walk.whole()?,
                (2, 5) => header.unpacked = walk.count()?,
                (3, 5) => header.packed = walk.count()?,
                (5 | 7 | 8, STRUCT) => header.part(id, walk)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        header.length = walk.at();
        Ok(header)
    }

    /// The header of one kind of page in the header of all.
    fn part(&mut self, of: i16, walk: &mut Walk<'_>) -> std::result::Result<(), Malformed> {
        walk.fields(&mut |walk, id, kind| {
            match (of, id, kind) {
                (_, 1, 5) => self.values = walk.count()?,
                (5 | 7, 2, 5) | (8, 4, 5) => self.encoding = walk.whole()?,
                (5, 3, 5) => self.def_encoding = walk.whole()?,
                (5, 4, 5) => self.rep_encoding = walk.whole()?,
                (8, 2, 5) => self.nulls = walk.count()?,
                (8, 3, 5) => self.rows = walk.count()?,
                (8, 5, 5) => self.def_bytes = walk.count()?,
                (8, 6, 5) => self.rep_bytes = walk.count()?,
                // A yes or no stands in the head of its field.
                (8, 7, kind) => {
                    self.compressed = kind == TRUE;
                    return Ok(false);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

fn encoding(number: i64) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[allow(deprecated)]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(wrong("a page is encoded in a way that is not known")),
    })
}

/// The pages of one column of one part of the file, one after the other.
pub(super) struct Pages {
    shared: Arc<Shared>,
    at: u64,
    end: u64,
    codec: CompressionCodec,
    /// The column's values are in lists.
    repeated: bool,
    /// Least bytes a value of a dictionary takes.
    least: usize,
    /// Values that are still to come.
    values_left: u64,
    /// Bytes held for this column: its dictionary, and its last page.
    dictionary: usize,
    page: usize,
}

impl Pages {
    /// The pages of a column.
    ///
    /// # Errors
    /// When they would lie outside of the file.
    pub fn new(shared: Arc<Shared>, column: &ColumnChunkMetaData) -> Result<Pages> {
        let outside = || wrong("a column lies outside of it");
        let begin = column.dictionary_page_offset().filter(|at| *at > 0);
        let begin = begin
            .unwrap_or(column.data_page_offset())
            .min(column.data_page_offset());
        let at = u64::try_from(begin).map_err(|_| outside())?;
        let length = u64::try_from(column.compressed_size()).map_err(|_| outside())?;
        let end = at.checked_add(length).filter(|end| *end <= shared.length);
        let described = column.column_descr();
        let least = match described.physical_type() {
            Type::BOOLEAN | Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(described.type_length()).unwrap_or(0).max(1),
        };
        Ok(Pages {
            at,
            end: end.ok_or_else(outside)?,
            codec: column.compression_codec(),
            repeated: described.max_rep_level() > 0,
            least,
            values_left: u64::try_from(column.num_values()).map_err(|_| outside())?,
            dictionary: 0,
            page: 0,
            shared,
        })
    }

    fn header(&self) -> Result<Header> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let mut size = HEADER_FIRST;
        loop {
            let mut bytes = vec![0; size.min(left)];
            self.shared.read(self.at, &mut bytes)?;
            match Header::read(&bytes) {
                Ok(header) => return Ok(header),
                Err(Malformed) if size < left && size < HEADER_MAX => size *= 8,
                Err(Malformed) => return Err(wrong("the header of a page makes no sense")),
            }
        }
    }

    /// Holds a page against what there is, and against what may be held.
    fn check(&mut self, header: &Header) -> Result<()> {
        let left = self.end - self.at - header.length as u64;
        let levels = header.def_bytes.saturating_add(header.rep_bytes);
        if header.packed as u64 > left || levels > header.packed.min(header.unpacked) {
            return Err(wrong("a page is longer than its column"));
        }
        if header.packed > PAGE_MAX || header.unpacked > PAGE_MAX {
            return Err(too_much());
        }
        let dictionary = header.kind == DICTIONARY;
        let held = match header.encoding {
            _ if dictionary => {
                if header.values.saturating_mul(self.least) > header.unpacked {
                    return Err(wrong("a dictionary has fewer values than it says"));
                }
                header.unpacked + header.values * ENTRY
            }
            // Each value may repeat the whole of the one before it.
            7 => header
                .unpacked
                .saturating_mul(1 + self.shared.rows.load(Ordering::Relaxed)),
            _ => header.unpacked,
        };
        if !dictionary && self.repeated {
            let more = header.values.saturating_mul(LISTED);
            let listed = self.shared.listed.fetch_add(more, Ordering::Relaxed);
            if listed.saturating_add(more) > HELD_MAX {
                let told = sentence("imports.parquet_long_lists", &[]);
                return Err(ParquetError::General(told));
            }
        }
        let place = if dictionary {
            &mut self.dictionary
        } else {
            &mut self.page
        };
        let before = std::mem::replace(place, held);
        self.shared.pages.fetch_sub(before, Ordering::Relaxed);
        match self
            .shared
            .pages
            .fetch_add(held, Ordering::Relaxed)
            .saturating_add(held)
            > HELD_MAX
        {
            true => Err(too_much()),
            false => Ok(()),
        }
    }

    /// The bytes of a page, unpacked. The levels of a page of the second version are not packed.
    fn bytes(&self, header: &Header) -> Result<Vec<u8>> {
        let mut packed = vec![0; header.packed];
        self.shared.read(self.at + header.length as u64, &mut packed)?;
        if header.kind == DATA_2 && !header.compressed {
            return Ok(packed);
        }
        let levels = header.def_bytes + header.rep_bytes;
        let mut into = packed[..levels].to_vec();
        let length = header.unpacked - levels;
        if length > 0 {
            unpack(self.codec, &packed[levels..], length, &mut into).map_err(|why| match why {
                Packed::Wrong => wrong("a page is not as long as it says"),
                Packed::Unknown(name) => {
                    ParquetError::General(sentence("imports.parquet_packed", &[("name", &name)]))
                }
            })?;
        }
        Ok(into)
    }

    fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if self.at >= self.end || self.values_left == 0 {
                return Ok(None);
            }
            let header = self.header()?;
            self.check(&header)?;
            let after = self.at + (header.length + header.packed) as u64;
            if header.kind == INDEX {
                self.at = after;
                continue;
            }
            let buf = self.bytes(&header)?.into();
            self.at = after;
            let narrow = |n: usize| u32::try_from(n).map_err(|_| wrong("a page has too many values"));
            let (num_values, encoding) = (narrow(header.values)?, encoding(header.encoding));
            if header.kind != DICTIONARY {
                self.values_left = self.values_left.saturating_sub(header.values as u64);
            }
            return Ok(Some(match header.kind {
                DICTIONARY => Page::DictionaryPage {
                    buf,
                    num_values,
                    encoding: encoding?,
                    is_sorted: false,
                },
                DATA => Page::DataPage {
                    buf,
                    num_values,
                    encoding: encoding?,
                    def_level_encoding: self::encoding(header.def_encoding)?,
                    rep_level_encoding: self::encoding(header.rep_encoding)?,
                    statistics: None,
                },
                DATA_2 => Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding: encoding?,
                    num_nulls: narrow(header.nulls)?,
                    num_rows: narrow(header.rows)?,
                    def_levels_byte_len: narrow(header.def_bytes)?,
                    rep_levels_byte_len: narrow(header.rep_bytes)?,
                    is_compressed: false,
                    statistics: None,
                },
                _ => return Err(wrong("it has a page of a kind that is not known")),
            }));
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.shared
            .pages
            .fetch_sub(self.dictionary + self.page, Ordering::Relaxed);
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next_page()
    }

    /// Only whether there is another page: nothing is skipped here.
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let more = self.at < self.end && self.values_left > 0;
        Ok(more.then_some(PageMetadata {
            num_rows: None,
            num_levels: None,
            is_dict: false,
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next_page().map(drop)
    }
}
