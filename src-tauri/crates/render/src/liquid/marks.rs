//! Which bytes of a written part are a person's own, and what the rest of it is.

use super::markup::{Stand, leaves_entity_open};
use std::ops::Range;

/// A value in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) place: Range<usize>,
    /// In a quoted value of an attribute, else between tags.
    pub(crate) quoted: bool,
}

/// The places of the values, and the shape: two outputs of one part that have the same shape are the same but for the bytes
/// of their slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) slots: Vec<Slot>,
    /// Numbers of the text nodes, a sign for each slot, and what else was written, by its characters.
    pub(crate) shape: Vec<u32>,
    /// Tags that values brought with them.
    tags: usize,
}

/// A moment of [`Marks`] to go back to.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    slots: usize,
    shape: usize,
    tags: usize,
}

const IN_TEXT: u32 = u32::MAX;
const IN_QUOTES: u32 = u32::MAX - 1;
const AS_IT_IS: u32 = u32::MAX - 2;

/// Adds to a shape what it holds as it is.
pub(crate) fn as_it_is(shape: &mut Vec<u32>, text: &str) {
    // By words of four bytes; the length before them keeps two texts apart.
    shape.extend([AS_IT_IS, text.len() as u32]);
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    shape.extend(text.as_bytes().chunks(4).map(word));
}

impl Marks {
    /// A text of the template itself.
    pub(crate) fn fixed(&mut self, number: u32) {
        self.shape.push(number);
    }

    /// What an output wrote since `from`, escaped.
    pub(crate) fn value(&mut self, from: usize, out: &str, stand: Stand) {
        let written = &out[from..];
        match stand {
            Stand::Text => self.slot(from..out.len(), false),
            // An attribute without a value may be another thing than one that has some.
            Stand::Quoted if !written.is_empty() => self.slot(from..out.len(), true),
            _ => as_it_is(&mut self.shape, written),
        }
    }

    /// What an output wrote since `from` as it was: its tags belong to the shape, the text between them does not.
    pub(crate) fn markup(&mut self, from: usize, out: &str, stand: Stand) {
        let mut at = from;
        while at < out.len() {
            let rest = &out[at..];
            let end = match rest.strip_prefix('<') {
                Some(tag) => tag.find('>').map_or(rest.len(), |end| end + 2),
                None => rest.find('<').unwrap_or(rest.len()),
            };
            let piece = &rest[..end];
            if piece.starts_with('<') {
                self.tag(at, piece);
            } else if stand == Stand::Text && !piece.contains('>') && !leaves_entity_open(piece) {
                self.slot(at..at + end, false);
            } else {
                self.tags += 1;
                as_it_is(&mut self.shape, piece);
            }
            at += end;
        }
    }

    /// A tag, which may lead to an address of the person's own.
    fn tag(&mut self, at: usize, tag: &str) {
        self.tags += 1;
        let address = tag
            .strip_prefix("<a href=\"")
            .and_then(|rest| rest.split_once('"'));
        match address {
            Some((address, rest)) if !address.is_empty() && !leaves_entity_open(address) => {
                let begins = "<a href=\"".len();
                as_it_is(&mut self.shape, &tag[..begins]);
                self.slot(at + begins..at + begins + address.len(), true);
                as_it_is(&mut self.shape, &tag[tag.len() - rest.len() - 1..]);
            }
            _ => as_it_is(&mut self.shape, tag),
        }
    }

    fn slot(&mut self, place: Range<usize>, quoted: bool) {
        self.shape.push(if quoted { IN_QUOTES } else { IN_TEXT });
        self.slots.push(Slot { place, quoted });
    }

    pub(crate) fn point(&self) -> Point {
        Point {
            slots: self.slots.len(),
            shape: self.shape.len(),
            tags: self.tags,
        }
    }

    /// Makes one slot of all that was written since, if it holds no tag and no quote that could end a value.
    pub(crate) fn join(&mut self, before: Point, from: usize, out: &str, stand: Stand) {
        let leaves_value = stand == Stand::Quoted && out[from..].contains(['"', '\'']);
        if stand == Stand::Elsewhere || leaves_value || self.tags != before.tags {
            return;
        }
        self.slots.truncate(before.slots);
        self.shape.truncate(before.shape);
        self.value(from, out, stand);
    }
}
