//! Opening seals (HPKE, RFC 9180): the other half of what the relay does.

use crate::failure::failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carillon_model::Moment;
use carillon_model::message::{Failure, FailureClass};
use carillon_model::relay::{Hit, SEAL_INFO, SealedEvent, seal_aad};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable};

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Bytes of the encapsulated key.
const HEAD: usize = 32;

/// An event, opened: (epoch, seq) is its identity for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedHit {
    pub epoch: String,
    pub seq: u64,
    /// The relay's clock.
    pub received_at: Moment,
    pub hit: Hit,
}

pub(super) struct OpeningKey(PrivateKey);

impl OpeningKey {
    pub(super) fn new(bytes: &[u8; 32]) -> Option<OpeningKey> {
        PrivateKey::from_bytes(bytes).ok().map(OpeningKey)
    }

    pub(super) fn public(&self) -> [u8; 32] {
        X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into()
    }

    pub(super) fn open(&self, tenant: &str, event: &SealedEvent) -> Result<OpenedHit, Failure> {
        let hit = self.plain(tenant, event).ok_or_else(|| {
            failure(
                FailureClass::Setup,
                "seal",
                format!(
                    "Event {} of the relay was not sealed for this workspace, or was altered; it is left out.",
                    event.seq
                ),
            )
        })?;
        Ok(OpenedHit {
            epoch: event.epoch.clone(),
            seq: event.seq,
            received_at: event.received_at,
            hit,
        })
    }

    fn plain(&self, tenant: &str, event: &SealedEvent) -> Option<Hit> {
        let sealed = URL_SAFE_NO_PAD.decode(&event.sealed).ok()?;
        let (head, body) = sealed.split_at_checked(HEAD)?;
        let aad = seal_aad(tenant, event.kind, event.received_at);
        let words = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &Encapsulated::from_bytes(head).ok()?,
            SEAL_INFO,
            body,
            &aad,
        )
        .ok()?;
        let hit: Hit = serde_json::from_slice(&words).ok()?;
        // The kind outside is bound by the seal; the one inside says the same, or the sealer was not ours.
        (hit.what.kind() == event.kind).then_some(hit)
    }
}
