//! Thrift's compact protocol, as far as it takes to see whether what a Parquet file says of itself can be true before a
//! library believes it: no length is larger than what is left, nothing is nested without end.

/// Deepest nesting that is followed.
const DEEPEST: u8 = 24;

/// What is read is no Thrift, or claims more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

type Read<T> = Result<T, Malformed>;

/// Kinds of values.
pub(super) const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;

/// A place in what is read.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn byte(&mut self) -> Read<u8> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn pass(&mut self, bytes: usize) -> Read<()> {
        if bytes > self.left() {
            return Err(Malformed);
        }
        self.at += bytes;
        Ok(())
    }

    fn varint(&mut self) -> Read<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(Malformed)
    }

    /// A whole number of up to 64 bits.
    pub fn whole(&mut self) -> Read<i64> {
        let n = self.varint()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// A whole number that counts something.
    pub fn count(&mut self) -> Read<usize> {
        usize::try_from(self.whole()?).map_err(|_| Malformed)
    }

    /// How many elements follow, and their kind. Each is at least a byte long.
    pub fn list(&mut self) -> Read<(usize, u8)> {
        let head = self.byte()?;
        let many = match head >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Malformed)?,
            few => usize::from(few),
        };
        match many > self.left() {
            true => Err(Malformed),
            false => Ok((many, head & 0x0F)),
        }
    }

    /// Reads the fields of a struct. `take` gets the number and the kind of each, and says whether it read the value
    /// itself; what it does not read is passed over.
    pub fn fields(&mut self, take: &mut dyn FnMut(&mut Walk<'a>, i16, u8) -> Read<bool>) -> Read<()> {
        self.fields_at(DEEPEST, take)
    }

    fn fields_at(
        &mut self,
        depth: u8,
        take: &mut dyn FnMut(&mut Walk<'a>, i16, u8) -> Read<bool>,
    ) -> Read<()> {
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0F;
            if kind == 0 {
                return Ok(());
            }
            last = match head >> 4 {
                0 => i16::try_from(self.whole()?).map_err(|_| Malformed)?,
                step => last.checked_add(i16::from(step)).ok_or(Malformed)?,
            };
            if !take(self, last, kind)? {
                self.skip(kind, false, depth)?;
            }
        }
    }

    /// Passes over a value.
    fn skip(&mut self, kind: u8, in_list: bool, depth: u8) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        match kind {
            // In a struct its head is all there is of a yes or no.
            TRUE | FALSE if in_list => self.pass(1),
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            4..=6 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                self.pass(length)
            }
            LIST | SET => {
                let (many, kind) = self.list()?;
                for _ in 0..many {
                    self.skip(kind, true, depth)?;
                }
                Ok(())
            }
            MAP => {
                let many = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                if many == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..many {
                    self.skip(kinds >> 4, true, depth)?;
                    self.skip(kinds & 0x0F, true, depth)?;
                }
                Ok(())
            }
            STRUCT => self.fields_at(depth, &mut |_, _, _| Ok(false)),
            // A UUID, the newest kind.
            13 => self.pass(16),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(bytes: &[u8]) -> Read<usize> {
        let mut walk = Walk::new(bytes);
        walk.fields(&mut |_, _, _| Ok(false))?;
        Ok(walk.at())
    }

    #[test]
    fn what_claims_more_than_there_is_or_never_ends_is_refused() {
        // Field 1, a whole number; field 2, a list of three bytes; the end.
        assert_eq!(pass(&[0x15, 0x02, 0x19, 0x33, 1, 2, 3, 0x00]), Ok(8));
        // A list of two thousand million structs, and none of them there.
        assert_eq!(
            pass(&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00]),
            Err(Malformed)
        );
        assert_eq!(
            Walk::new(&[0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]).list(),
            Err(Malformed)
        );
        assert_eq!(Walk::new(&[0x2C, 0x00, 0x00]).list(), Ok((2, STRUCT)));
        // A text longer than the rest.
        assert_eq!(pass(&[0x18, 0x7F, b'a', 0x00]), Err(Malformed));
        // Structs in structs.
        assert_eq!(pass(&[0x1C; 100_000]), Err(Malformed));
        // Lists in lists.
        assert_eq!(pass(&[0x19; 100_000]), Err(Malformed));
        assert_eq!(pass(&[0x15, 0xFF, 0xFF]), Err(Malformed));
    }

    #[test]
    fn numbers_have_their_sign() {
        for (bytes, n) in [
            (&[0x00_u8][..], 0),
            (&[0x01], -1),
            (&[0x02], 1),
            (&[0xD8, 0x04], 300),
        ] {
            assert_eq!(Walk::new(bytes).whole(), Ok(n));
        }
        assert_eq!(Walk::new(&[0x01]).count(), Err(Malformed));
    }
}
