//! Rows of a file as bytes, which load in a fraction of the time the rows take.
//!
//! A chunk is derived: whoever keeps it throws it away when one of its rows changes, or gives that row after it. All
//! numbers are LEB128, differences to the one before are zigzag coded where they may be negative; the last eight bytes
//! are SipHash-2-4 (key 0) of all before them.

mod contacts;
mod events;
mod memberships;

pub use contacts::{ContactBits, ContactChunk};
pub use events::EventChunk;
pub use memberships::{MembershipChunk, VerdictChunk};

use super::packed::{Props, write_number};
use roaring::RoaringBitmap;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

const HASH_BYTES: usize = 8;

/// Bytes of a layout with their hash behind them.
pub(super) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = hash(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

/// Whether the bytes are of the layout, and whole.
pub(super) fn is_whole(bytes: &[u8], layout: u8) -> bool {
    let split = bytes
        .len()
        .checked_sub(HASH_BYTES)
        .and_then(|end| bytes.split_at_checked(end));
    split.is_some_and(|(text, end)| text.first() == Some(&layout) && end == hash(text))
}

/// What stands between the layout and the hash of bytes that are whole.
pub(super) fn inside(bytes: &[u8]) -> Option<Props<'_>> {
    bytes.get(1..bytes.len().checked_sub(HASH_BYTES)?).map(Props)
}

fn hash(bytes: &[u8]) -> [u8; HASH_BYTES] {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn read_bytes<'c>(rest: &mut Props<'c>) -> Option<&'c [u8]> {
    let length = usize::try_from(rest.number()?).ok()?;
    rest.bytes(length)
}

pub(super) fn read_text<'c>(rest: &mut Props<'c>) -> Option<&'c str> {
    std::str::from_utf8(read_bytes(rest)?).ok()
}

pub(super) fn write_bits(out: &mut Vec<u8>, bits: &RoaringBitmap) {
    let mut bytes = Vec::with_capacity(bits.serialized_size());
    // Writing into memory does not fail.
    bits.serialize_into(&mut bytes).unwrap_or_default();
    write_bytes(out, &bytes);
}

pub(super) fn read_bits(rest: &mut Props<'_>) -> Option<RoaringBitmap> {
    RoaringBitmap::deserialize_from(read_bytes(rest)?).ok()
}
