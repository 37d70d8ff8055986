//! Sealing: what is written down can be read by the studio alone.
//!
//! HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. The relay has the
//! public key; the private one never leaves the studio.

use aws_lc_rs::rand::SecureRandom;
use carillon_model::Moment;
use carillon_model::relay::{Hit, HitKind, SEAL_INFO, seal_aad};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, Kem, OpModeS, Serializable};

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

/// The workspace's public key.
#[derive(Clone)]
pub struct SealingKey(PublicKey);

impl SealingKey {
    /// Reads 32 bytes of X25519. `None` for what is no key.
    pub fn new(bytes: &[u8]) -> Option<SealingKey> {
        PublicKey::from_bytes(bytes).ok().map(SealingKey)
    }

    /// Encapsulated key and ciphertext of a hit.
    ///
    /// # Errors
    /// When the system has no randomness, or the key is one nothing can be sealed to.
    pub fn seal(&self, tenant: &str, received_at: Moment, hit: &Hit) -> Result<Vec<u8>, SealError> {
        let words = serde_json::to_vec(hit).map_err(|_| SealError)?;
        let aad = seal_aad(tenant, hit.what.kind(), received_at);
        let (head, body) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
            &OpModeS::Base,
            &self.0,
            SEAL_INFO,
            &words,
            &aad,
            &mut System::new()?,
        )
        .map_err(|_| SealError)?;
        let mut sealed = head.to_bytes().to_vec();
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }
}

/// A hit that could not be sealed is not written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The event could not be sealed.")]
pub struct SealError;

/// The system's randomness, asked once for the 32 bytes an ephemeral key takes, so that a failure is an error and no
/// panic in the middle of the library.
struct System {
    bytes: [u8; 64],
    used: usize,
}

impl System {
    fn new() -> Result<System, SealError> {
        let mut bytes = [0; 64];
        aws_lc_rs::rand::SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| SealError)?;
        Ok(System { bytes, used: 0 })
    }
}

impl RngCore for System {
    fn next_u32(&mut self) -> u32 {
        let mut four = [0; 4];
        self.fill_bytes(&mut four);
        u32::from_le_bytes(four)
    }

    fn next_u64(&mut self) -> u64 {
        let mut eight = [0; 8];
        self.fill_bytes(&mut eight);
        u64::from_le_bytes(eight)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        let end = self.used + to.len();
        assert!(end <= self.bytes.len(), "an ephemeral key takes 32 bytes");
        to.copy_from_slice(&self.bytes[self.used..end]);
        self.used = end;
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), hpke::rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for System {}

/// The number of a kind in the file.
pub(crate) fn number(kind: HitKind) -> i64 {
    HitKind::ALL.iter().position(|k| *k == kind).unwrap_or_default() as i64
}

/// The kind of a number in the file.
pub(crate) fn kind(number: i64) -> Option<HitKind> {
    HitKind::ALL.get(usize::try_from(number).ok()?).copied()
}
