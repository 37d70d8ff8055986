//! Whom followed expressions mean and until when that is sure, and what commits did to that since.

use super::{inside, is_whole, read_bits, read_text, sealed, write_bits, write_bytes};
use crate::index::packed::{Props, unzigzag, write_number, zigzag};
use crate::index::tracked::Membership;
use crate::index::turns::Turns;
use crate::record::Verdict;
use carillon_model::{Moment, SegmentId};
use chrono::TimeDelta;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Of the layout described here: the meaning as text, the members as a bitmap in the portable format of Roaring, then
/// moments with their contacts, in order.
const LAYOUT: u8 = 4;
/// Of the layout described here: segments in order, each with its contacts in order: whether they are in, and until when.
const LAYOUT_OF_VERDICTS: u8 = 5;

const NANOS_A_MILLI: u32 = 1_000_000;

/// Whom one followed expression means, in the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipChunk(Vec<u8>);

impl MembershipChunk {
    pub(in crate::index) fn of(meaning: &str, membership: &Membership) -> MembershipChunk {
        let mut out = vec![LAYOUT];
        write_bytes(&mut out, meaning.as_bytes());
        write_bits(&mut out, &membership.members);
        let turns = membership.turns.sorted();
        write_number(&mut out, turns.len() as u64);
        let mut millis = 0;
        for (at, contact) in turns {
            write_moment(&mut out, at, &mut millis);
            write_number(&mut out, u64::from(contact));
        }
        MembershipChunk(sealed(out))
    }

    /// The chunk whose [`MembershipChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<MembershipChunk> {
        is_whole(&bytes, LAYOUT).then_some(MembershipChunk(bytes))
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Who is in, whatever is meant today.
    pub fn members(&self) -> Option<RoaringBitmap> {
        let mut rest = inside(&self.0)?;
        read_text(&mut rest)?;
        read_bits(&mut rest)
    }

    /// What was meant, and the membership; `None`, if it is no chunk after all.
    pub(in crate::index) fn membership(&self) -> Option<(String, Membership)> {
        let mut rest = inside(&self.0)?;
        let meaning = read_text(&mut rest)?.to_owned();
        let members = read_bits(&mut rest)?;
        let (mut turns, mut millis) = (Vec::new(), 0);
        for _ in 0..rest.number()? {
            let at = read_moment(&mut rest, &mut millis)?;
            turns.push((at, u32::try_from(rest.number()?).ok()?));
        }
        let turns = Turns::of(turns);
        rest.0
            .is_empty()
            .then_some((meaning, Membership { members, turns }))
    }
}

/// What one commit did to memberships, in the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictChunk(Vec<u8>);

impl VerdictChunk {
    pub(in crate::index) fn of<'v>(
        verdicts: impl Iterator<Item = (&'v (SegmentId, u32), &'v Verdict)>,
    ) -> VerdictChunk {
        let mut by_segment: BTreeMap<SegmentId, Vec<(u32, Verdict)>> = BTreeMap::new();
        for ((segment, contact), verdict) in verdicts {
            by_segment.entry(*segment).or_default().push((*contact, *verdict));
        }
        let mut out = vec![LAYOUT_OF_VERDICTS];
        for (segment, verdicts) in by_segment {
            write_number(&mut out, u64::from(segment.0));
            write_number(&mut out, verdicts.len() as u64);
            let (mut before, mut millis) = (0, 0);
            for (contact, verdict) in verdicts {
                write_number(&mut out, u64::from(contact - before));
                before = contact;
                out.push(u8::from(verdict.holds) | (u8::from(verdict.until.is_some()) << 1));
                if let Some(until) = verdict.until {
                    write_moment(&mut out, until, &mut millis);
                }
            }
        }
        VerdictChunk(sealed(out))
    }

    /// The chunk whose [`VerdictChunk::bytes`] these are; `None` if they are damaged or of another layout.
    pub fn read(bytes: Vec<u8>) -> Option<VerdictChunk> {
        let chunk = is_whole(&bytes, LAYOUT_OF_VERDICTS).then_some(VerdictChunk(bytes))?;
        chunk.each(|_, _, _| ()).map(|()| chunk)
    }

    /// What to keep.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Tells each; `None`, if it is no chunk after all.
    pub(in crate::index) fn each(&self, mut tell: impl FnMut(SegmentId, u32, Verdict)) -> Option<()> {
        let mut rest = inside(&self.0)?;
        while !rest.0.is_empty() {
            let segment = SegmentId(u32::try_from(rest.number()?).ok()?);
            let (mut contact, mut millis) = (0u32, 0);
            for _ in 0..rest.number()? {
                contact = contact.checked_add(u32::try_from(rest.number()?).ok()?)?;
                let flags = rest.bytes(1)?[0];
                let until = match flags & 2 != 0 {
                    true => Some(read_moment(&mut rest, &mut millis)?),
                    false => None,
                };
                let holds = flags & 1 != 0;
                tell(segment, contact, Verdict { holds, until });
            }
        }
        Some(())
    }
}

/// A moment by its distance from the one before; twice that, and one more where nanoseconds follow.
fn write_moment(out: &mut Vec<u8>, at: Moment, before: &mut i64) {
    let (millis, nanos) = (at.timestamp_millis(), at.timestamp_subsec_nanos() % NANOS_A_MILLI);
    let far = zigzag(millis.wrapping_sub(*before));
    *before = millis;
    write_number(out, (far << 1) | u64::from(nanos != 0));
    if nanos != 0 {
        write_number(out, u64::from(nanos));
    }
}

fn read_moment(rest: &mut Props<'_>, before: &mut i64) -> Option<Moment> {
    let number = rest.number()?;
    *before = before.checked_add(unzigzag(number >> 1))?;
    let nanos = match number & 1 {
        0 => 0,
        _ => i64::try_from(rest.number()?).ok()?,
    };
    Moment::from_timestamp_millis(*before)?.checked_add_signed(TimeDelta::nanoseconds(nanos))
}
