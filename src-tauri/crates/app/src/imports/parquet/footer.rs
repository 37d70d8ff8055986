//! What a Parquet file says of itself at its end. It is looked over before the library reads it, which believes every
//! length.

use super::Fault;
use super::thrift::{LIST, Malformed, STRUCT, Walk};
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Largest description of a file, in bytes: tens of thousands of parts of a hundred columns have less.
const FOOTER_MAX: usize = 32 << 20;
/// Most pieces, a column of a part each.
const PIECES_MAX: usize = 1 << 19;
/// Deepest nesting of columns in columns.
const NESTED_MAX: usize = 32;
/// What stands at the beginning and the end of a file, and at the end of one that is encrypted.
const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";
/// Length of the description and the magic bytes, behind it.
const TAIL: usize = 8;

/// Reads what a file says of itself.
///
/// # Errors
/// When it is cut off, encrypted, or says what cannot be.
pub(super) fn read(file: &mut File) -> Result<ParquetMetaData, Fault> {
    let length = file.metadata()?.len();
    let cut_off = || Fault::Damaged("its end is missing".to_owned());
    if length < (MAGIC.len() + TAIL) as u64 {
        return Err(cut_off());
    }
    let mut tail = [0; TAIL];
    file.seek(SeekFrom::Start(length - TAIL as u64))?;
    file.read_exact(&mut tail)?;
    let ([a, b, c, d], magic) = ([tail[0], tail[1], tail[2], tail[3]], &tail[4..]);
    if magic == ENCRYPTED {
        return Err(Fault::Encrypted);
    }
    if magic != MAGIC {
        return Err(cut_off());
    }
    let described = u32::from_le_bytes([a, b, c, d]) as usize;
    if described as u64 > length - (MAGIC.len() + TAIL) as u64 {
        return Err(cut_off());
    }
    if described > FOOTER_MAX {
        return Err(Fault::TooLarge);
    }
    let mut bytes = vec![0; described];
    file.seek(SeekFrom::Start(length - (described + TAIL) as u64))?;
    file.read_exact(&mut bytes)?;
    check(&bytes).map_err(|Malformed| Fault::Damaged("its description makes no sense".to_owned()))?;
    ParquetMetaDataReader::decode_metadata(&bytes).map_err(|e| Fault::Damaged(e.to_string()))
}

/// Whether the description can be read without harm: it is whole, no list claims more elements than there are, and its
/// columns are not nested without end.
fn check(bytes: &[u8]) -> Result<(), Malformed> {
    let mut children = Vec::new();
    let mut parts = 0;
    Walk::new(bytes).fields(&mut |walk, id, kind| {
        match (id, kind) {
            (2, LIST) => {
                let (many, kind) = walk.list()?;
                if kind != STRUCT {
                    return Err(Malformed);
                }
                for _ in 0..many {
                    children.push(element(walk)?);
                }
            }
            (4, LIST) => {
                let (many, kind) = walk.list()?;
                if kind != STRUCT {
                    return Err(Malformed);
                }
                parts = many;
                for _ in 0..many {
                    walk.fields(&mut |_, _, _| Ok(false))?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let pieces = children.len().saturating_mul(parts);
    match tree(&children) && pieces <= PIECES_MAX {
        true => Ok(()),
        false => Err(Malformed),
    }
}

/// How many columns a column of the schema has below it (field 5 of `SchemaElement`).
fn element(walk: &mut Walk<'_>) -> Result<usize, Malformed> {
    let mut children = 0;
    walk.fields(&mut |walk, id, kind| {
        let ours = (id, kind) == (5, 5);
        if ours {
            children = walk.count()?;
        }
        Ok(ours)
    })?;
    Ok(children)
}

/// Whether columns, each with the number of those right below it, are one tree that is not too deep.
fn tree(children: &[usize]) -> bool {
    let mut open: Vec<usize> = Vec::new();
    for (place, own) in children.iter().enumerate() {
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(left) => *left -= 1,
            None if place == 0 => {}
            None => return false,
        }
        if *own > 0 {
            open.push(*own);
        }
        if open.len() > NESTED_MAX {
            return false;
        }
    }
    !children.is_empty() && open.iter().all(|left| *left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_one_tree_of_a_size_that_can_be() {
        assert!(tree(&[2, 0, 0]));
        assert!(tree(&[2, 1, 0, 0]));
        assert!(tree(&[0]));
        assert!(!tree(&[]));
        assert!(!tree(&[2, 0]), "one is missing");
        assert!(!tree(&[1, 0, 0]), "one too many");
        assert!(!tree(&[usize::MAX, 0]));
        let mut deep = vec![1; NESTED_MAX];
        deep.push(0);
        assert!(tree(&deep));
        deep.insert(0, 1);
        assert!(!tree(&deep));
    }
}
