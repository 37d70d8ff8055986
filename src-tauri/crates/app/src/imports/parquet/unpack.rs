//! Pages of a Parquet file are compressed one by one. Each says how long it is unpacked, and not a byte more is taken
//! from it.

use ::parquet::basic::CompressionCodec;
use std::io::Read;

/// Why a page is not unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// It is longer or shorter than it says, or no page at all.
    Wrong,
    /// Nothing here reads this way of compression.
    Unknown(&'static str),
}

/// Unpacks what is to be `length` bytes long, onto the end of `into`.
pub(super) fn unpack(
    codec: CompressionCodec,
    packed: &[u8],
    length: usize,
    into: &mut Vec<u8>,
) -> Result<(), Packed> {
    let begin = into.len();
    let end = begin + length;
    match codec {
        CompressionCodec::GZIP => stream(flate2::read::MultiGzDecoder::new(packed), length, into)?,
        CompressionCodec::BROTLI => {
            stream(brotli_decompressor::Decompressor::new(packed, 4096), length, into)?;
        }
        CompressionCodec::UNCOMPRESSED => into.extend_from_slice(packed),
        CompressionCodec::SNAPPY => {
            if snap::raw::decompress_len(packed) != Ok(length) {
                return Err(Packed::Wrong);
            }
            into.resize(end, 0);
            let read = snap::raw::Decoder::new().decompress(packed, &mut into[begin..]);
            into.truncate(begin + read.map_err(|_| Packed::Wrong)?);
        }
        CompressionCodec::ZSTD => {
            into.resize(end, 0);
            let read = ruzstd::decoding::FrameDecoder::new().decode_all(packed, &mut into[begin..]);
            into.truncate(begin + read.map_err(|_| Packed::Wrong)?);
        }
        CompressionCodec::LZ4_RAW => {
            into.resize(end, 0);
            let read = lz4_flex::block::decompress_into(packed, &mut into[begin..]);
            into.truncate(begin + read.map_err(|_| Packed::Wrong)?);
        }
        CompressionCodec::LZ4 => {
            into.resize(end, 0);
            let read = blocks(packed, &mut into[begin..])
                // Written by the first versions of Arrow: a block without its frame.
                .or_else(|| lz4_flex::block::decompress_into(packed, &mut into[begin..]).ok());
            into.truncate(begin + read.ok_or(Packed::Wrong)?);
        }
        CompressionCodec::LZO => return Err(Packed::Unknown("LZO")),
    }
    match into.len() == end {
        true => Ok(()),
        false => Err(Packed::Wrong),
    }
}

/// Takes one byte more than there may be, so that too many are seen.
fn stream(from: impl Read, length: usize, into: &mut Vec<u8>) -> Result<(), Packed> {
    let mut from = from.take(length as u64 + 1);
    from.read_to_end(into).map(drop).map_err(|_| Packed::Wrong)
}

/// Blocks of LZ4 as Hadoop frames them: the length of each unpacked and packed, four bytes each, the highest first. How
/// many bytes came out.
fn blocks(mut packed: &[u8], into: &mut [u8]) -> Option<usize> {
    let mut at = 0_usize;
    while !packed.is_empty() {
        let (lengths, rest) = packed.split_first_chunk::<8>()?;
        let [a, b, c, d, e, f, g, h] = *lengths;
        let (unpacked, length) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let (block, rest) = rest.split_at_checked(length as usize)?;
        let place = into.get_mut(at..at.checked_add(unpacked as usize)?)?;
        let read = lz4_flex::block::decompress_into(block, place).ok()?;
        if read != unpacked as usize {
            return None;
        }
        at += read;
        packed = rest;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        to.write_all(bytes).expect("written");
        to.finish().expect("finished")
    }

    fn out(codec: CompressionCodec, packed: &[u8], length: usize) -> Result<Vec<u8>, Packed> {
        let mut into = b"levels".to_vec();
        unpack(codec, packed, length, &mut into)?;
        Ok(into)
    }

    #[test]
    fn a_page_comes_out_as_long_as_it_says_or_not_at_all() {
        let text = b"a page of a file, a page of a file, a page of a file".repeat(40);
        let lz4 = lz4_flex::block::compress(&text);
        let mut framed = Vec::new();
        framed.extend_from_slice(&(text.len() as u32).to_be_bytes());
        framed.extend_from_slice(&(lz4.len() as u32).to_be_bytes());
        framed.extend_from_slice(&lz4);
        let snappy = snap::raw::Encoder::new().compress_vec(&text).expect("packed");
        let zstd = ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest);
        for (codec, packed) in [
            (CompressionCodec::UNCOMPRESSED, text.clone()),
            (CompressionCodec::GZIP, gzip(&text)),
            (CompressionCodec::SNAPPY, snappy),
            (CompressionCodec::ZSTD, zstd),
            (CompressionCodec::LZ4_RAW, lz4.clone()),
            (CompressionCodec::LZ4, framed),
            (CompressionCodec::LZ4, lz4),
        ] {
            let whole = out(codec, &packed, text.len()).expect("unpacked");
            assert_eq!(whole, [&b"levels"[..], &text].concat(), "{codec:?}");
            for length in [text.len() - 1, text.len() + 1] {
                assert_eq!(
                    out(codec, &packed, length),
                    Err(Packed::Wrong),
                    "{codec:?} {length}"
                );
            }
            let cut = &packed[..packed.len() / 2];
            assert_eq!(out(codec, cut, text.len()), Err(Packed::Wrong), "{codec:?} cut");
        }
        assert_eq!(out(CompressionCodec::LZO, b"", 1), Err(Packed::Unknown("LZO")));
    }

    #[test]
    fn a_bomb_is_left_where_it_is_longer_than_it_says() {
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let mut into = Vec::new();
        assert_eq!(
            unpack(CompressionCodec::GZIP, &bomb, 1_000, &mut into),
            Err(Packed::Wrong)
        );
        assert!(into.capacity() < 1 << 20);
    }
}
