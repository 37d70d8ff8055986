//! Who there is in a part of a file, and what is known of them in yes or no.

use super::{inside, is_whole, read_bits, read_text, sealed, write_bits, write_bytes};
use crate::index::packed::write_number;
use crate::index::rows::Rows;
use carillon_model::consent::{Basis, Channel, Purpose};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Of the layout described here: contacts, those not to be written to, permissions and tags, each with a bitmap in the
/// portable format of Roaring.
const LAYOUT: u8 = 3;

/// Some contacts without their fields, in the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactChunk(Vec<u8>);

/// What a [`ContactChunk`] is made of.
#[derive(Clone, Debug, Default)]
pub struct ContactBits {
    pub contacts: RoaringBitmap,
    pub suppressed: RoaringBitmap,
    pub permissions: BTreeMap<(Channel, Purpose, Basis), RoaringBitmap>,
    pub tags: BTreeMap<String, RoaringBitmap>,
}

impl ContactChunk {
    /// The chunk of some contacts.
    pub fn of(bits: &ContactBits) -> ContactChunk {
        let mut out = vec![LAYOUT];
        write_bits(&mut out, &bits.contacts);
        write_bits(&mut out, &bits.suppressed);
        write_number(&mut out, bits.permissions.len() as u64);
        for (key, granted) in &bits.permissions {
            // Three words of a fixed vocabulary.
            let name = serde_json::to_string(key).unwrap_or_default();
            write_bytes(&mut out, name.as_bytes());
            write_bits(&mut out, granted);
        }
        write_number(&mut out, bits.tags.len() as u64);
        for (tag, has) in &bits.tags {
            write_bytes(&mut out, tag.as_bytes());
            write_bits(&mut out, has);
        }
        ContactChunk(sealed(out))
    }

    /// The chunk whose [`ContactChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<ContactChunk> {
        let chunk = is_whole(&bytes, LAYOUT).then_some(ContactChunk(bytes))?;
        chunk.bits().map(|_| chunk)
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bits(&self) -> Option<ContactBits> {
        let mut rest = inside(&self.0)?;
        let mut bits = ContactBits {
            contacts: read_bits(&mut rest)?,
            suppressed: read_bits(&mut rest)?,
            ..ContactBits::default()
        };
        for _ in 0..rest.number()? {
            let key = serde_json::from_str(read_text(&mut rest)?).ok()?;
            bits.permissions.insert(key, read_bits(&mut rest)?);
        }
        for _ in 0..rest.number()? {
            let tag = read_text(&mut rest)?.to_owned();
            bits.tags.insert(tag, read_bits(&mut rest)?);
        }
        rest.0.is_empty().then_some(bits)
    }
}

impl Rows {
    /// Takes in its contacts. Nothing, if it is no chunk after all.
    pub fn load_contacts(&mut self, chunk: &ContactChunk) {
        let Some(bits) = chunk.bits() else { return };
        self.contacts |= bits.contacts;
        self.suppressed |= bits.suppressed;
        for (key, granted) in bits.permissions {
            *self.permissions.entry(key).or_default() |= granted;
        }
        for (tag, has) in bits.tags {
            *self.tags.entry(tag).or_default() |= has;
        }
    }

    /// Forgets what a chunk says of somebody but that they are there: their rows come after it.
    pub fn forget(&mut self, id: u32) {
        self.suppressed.remove(id);
        for has in self.tags.values_mut().chain(self.permissions.values_mut()) {
            has.remove(id);
        }
        self.tags.retain(|_, has| !has.is_empty());
    }
}
