//! The one source of chance: a stable hash. No state, so results depend on nothing but who and where.

use super::view::PassageId;
use carillon_model::StepId;

/// FNV-1a over the bytes (64 bit, offset basis `cbf29ce484222325`, prime `100000001b3`), then the finaliser
/// of SplitMix64 (shifts 30, 27, 31; multipliers `bf58476d1ce4e5b9`, `94d049bb133111eb`), because FNV alone
/// leaves the high bits of short keys poor. Fixed for ever: a published split depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Default for Chance {
    fn default() -> Self {
        Chance(0xcbf2_9ce4_8422_2325)
    }
}

impl Chance {
    /// Takes in some bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Chance {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// Takes in a number, as 8 bytes little-endian.
    pub fn number(self, number: u64) -> Chance {
        self.bytes(&number.to_le_bytes())
    }

    /// 64 even bits.
    pub fn bits(self) -> u64 {
        mixed(self.0)
    }

    /// An even share of `[0, 1)`.
    pub fn unit(self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An even number below `n` (0 for 0).
    pub fn below(self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }
}

/// The finaliser of SplitMix64: every bit of the number reaches every bit of the answer.
pub fn mixed(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The bucket of a random split, 0 to 9,999: hash of journey, contact and enrolment number (8 bytes
/// little-endian each) and the step's id (UTF-8). The same for every visit of the step.
pub fn bucket(passage: PassageId, step: &StepId) -> u16 {
    let hash = Chance::default()
        .number(u64::from(passage.journey.0))
        .number(u64::from(passage.contact.0))
        .number(u64::from(passage.enrolment))
        .bytes(step.0.as_bytes());
    hash.below(10_000) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_model::{ContactId, JourneyId};

    fn passage(contact: u32) -> PassageId {
        PassageId {
            journey: JourneyId(1),
            contact: ContactId(contact),
            enrolment: 1,
        }
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(
            Chance::default().bytes(b"a").0,
            0xaf63_dc4c_8601_ec8c,
            "FNV-1a of `a`, as published"
        );
        let first: Vec<u16> = (0..6).map(|c| bucket(passage(c), &"split".into())).collect();
        assert_eq!(
            first, PINNED,
            "a published split must keep its contacts on their branches"
        );
    }

    const PINNED: [u16; 6] = [7847, 6930, 5264, 614, 3759, 4683];

    #[test]
    fn buckets_are_even_and_differ_by_step() {
        let mut tenths = [0u32; 10];
        let mut same = 0;
        for contact in 0..20_000 {
            let one = bucket(passage(contact), &"a".into());
            let other = bucket(passage(contact), &"b".into());
            tenths[usize::from(one / 1_000)] += 1;
            same += u32::from(one / 1_000 == other / 1_000);
        }
        assert!(
            tenths.iter().all(|n| (1_800..2_200).contains(n)),
            "uneven: {tenths:?}"
        );
        assert!((1_800..2_200).contains(&same), "two splits go together: {same}");
    }
}
