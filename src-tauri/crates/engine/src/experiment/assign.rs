//! Who gets what.

use crate::journey::chance::Chance;
use carillon_model::campaign::Part;
use carillon_model::{CampaignId, ContactId};

/// How an audience is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Percent of the audience that gets nothing.
    pub hold_out: u8,
    /// Percent of those who get something that take part in the test.
    pub sample: u8,
    /// Arms of the test, in equal shares; below 2 there is none.
    pub arms: u8,
}

/// Where a contact belongs: a hash of campaign and contact, so that it is the same on every machine and after every
/// restart, and independent of any other campaign. Fixed for ever: campaigns on their way depend on it.
pub fn place(campaign: CampaignId, contact: ContactId, shares: Shares) -> Part {
    let drawn = |salt: &[u8], n: u64| {
        Chance::default()
            .bytes(salt)
            .number(u64::from(campaign.0))
            .number(u64::from(contact.0))
            .below(n)
    };
    if drawn(b"hold_out", 10_000) < u64::from(shares.hold_out.min(100)) * 100 {
        return Part::HeldOut;
    }
    if shares.arms < 2 || drawn(b"sample", 10_000) >= u64::from(shares.sample.min(100)) * 100 {
        return Part::Rest;
    }
    Part::Arm(drawn(b"arm", u64::from(shares.arms)) as u8)
}
