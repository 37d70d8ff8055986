//! Who gets a campaign, and who of its segment does not and why.

use crate::runtime::STALE;
use carillon_engine::experiment::{Shares, place};
use carillon_engine::journey::calendar;
use carillon_engine::segment::Needs;
use carillon_model::campaign::{Campaign, CampaignPurpose, Part, Past, When};
use carillon_model::consent::{Channel, Purpose};
use carillon_model::contact::Value;
use carillon_model::segment::{Clause, Expr};
use carillon_model::{CampaignId, ContactId, Moment};
use carillon_store::campaigns::Parts;
use carillon_store::choices::{self, Everybody};
use carillon_store::{Db, Index, responses, templates};
use chrono::TimeDelta;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Why a member of the segment gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Is in a segment that is left out.
    Excluded,
    /// Stands on the suppression list.
    Suppressed,
    /// No permission for marketing mail.
    NoConsent,
    /// Left the topic the mail is about.
    TopicLeft,
    /// Wants no mails for more than a week yet.
    ContactPaused,
    /// A reply of theirs may be a wish to get no more mail, and nobody has decided on it.
    MayLeave,
    /// No address to write to.
    NoAddress,
    /// The time is over in the contact's zone.
    Past,
}

impl Reason {
    /// The word of the file and of the screen.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Excluded => "excluded",
            Reason::Suppressed => "suppressed",
            Reason::NoConsent => "no_consent",
            Reason::TopicLeft => "topic_left",
            Reason::ContactPaused => "contact_paused",
            Reason::MayLeave => "may_leave",
            Reason::NoAddress => "no_address",
            Reason::Past => "past",
        }
    }
}

/// A segment divided.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    pub members: u64,
    /// Everybody who may get it, those held out among them.
    pub all: RoaringBitmap,
    pub held_out: RoaringBitmap,
    pub left_out: BTreeMap<Reason, RoaringBitmap>,
    pub parts: Parts,
    /// Of those who get something, by the domain of their address.
    pub domains: BTreeMap<String, u64>,
}

impl Audience {
    /// How many get a message.
    pub fn gets(&self) -> u64 {
        self.all.len() - self.held_out.len()
    }
}

/// How a campaign divides its audience.
pub fn shares(campaign: &Campaign) -> Shares {
    Shares {
        hold_out: campaign.hold_out_percent,
        sample: campaign.test.as_ref().map_or(0, |test| test.sample_percent),
        arms: match &campaign.test {
            Some(_) => u8::try_from(campaign.variants.len()).unwrap_or(u8::MAX),
            None => 0,
        },
    }
}

/// When the first clock on earth shows a local time (UTC+14).
pub fn first_of(local: chrono::NaiveDateTime) -> Moment {
    local.and_utc() - TimeDelta::hours(14)
}

fn segment(name: &str) -> Expr {
    Expr::Clause(Clause::InSegment {
        name: name.to_owned(),
    })
}

/// What people chose of marketing mail, as far as it matters for one campaign.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    everybody: Everybody,
    /// Whose reply may be a wish to get no more mail.
    undecided: BTreeSet<ContactId>,
    /// What its mails are about.
    topics: Vec<u8>,
}

impl Chosen {
    /// For a campaign; nothing was chosen of what is not marketing.
    ///
    /// # Errors
    /// The store's.
    pub fn read(db: &Db<'_>, campaign: &Campaign) -> carillon_store::Result<Chosen> {
        if campaign.purpose != CampaignPurpose::Marketing {
            return Ok(Chosen::default());
        }
        let mut topics = Vec::new();
        for variant in &campaign.variants {
            topics.extend(templates::by_name(db, &variant.template)?.and_then(|template| template.topic));
        }
        Ok(Chosen {
            everybody: choices::everybody(db)?,
            undecided: responses::who_is_undecided(db)?.into_iter().collect(),
            topics,
        })
    }

    fn bars(&self, contact: ContactId, email: &str, from: Moment) -> Option<Reason> {
        if self.undecided.contains(&contact) {
            return Some(Reason::MayLeave);
        }
        let choice = self.everybody.of(email);
        if self.topics.iter().any(|topic| choice.leaves(*topic)) {
            return Some(Reason::TopicLeft);
        }
        let late = choice.rests(from).is_some_and(|until| until - from > STALE);
        late.then_some(Reason::ContactPaused)
    }
}

/// Divides the segment as of `now`, for messages that may leave from `from` on.
pub fn audience(
    index: &Index,
    id: CampaignId,
    campaign: &Campaign,
    chosen: &Chosen,
    now: Moment,
    from: Moment,
) -> Audience {
    let members = index.members(&segment(&campaign.segment), now);
    let excluded = campaign.exclude.iter().fold(RoaringBitmap::new(), |all, name| {
        all | index.members(&segment(name), now)
    });
    let may = index.members(
        &Expr::Clause(Clause::Consent {
            channel: Channel::Email,
            purpose: Purpose::Marketing,
            basis: None,
        }),
        now,
    );
    let mut audience = Audience {
        members: members.len(),
        parts: Parts {
            arms: vec![0; usize::from(shares(campaign).arms)],
            ..Parts::default()
        },
        ..Audience::default()
    };
    let mut needs = Needs::default();
    needs.fields.extend(["email".to_owned(), "time_zone".to_owned()]);
    for contact in &members {
        let Some(record) = index.record_of(ContactId(contact), &needs) else {
            continue;
        };
        let email = match record.fields.get("email") {
            Some(Value::Text(email)) => email.as_str(),
            _ => "",
        };
        let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        let over = || match &campaign.when {
            When::AtLocal { at, past: Past::Skip } => {
                let zone = record.zone().unwrap_or(index.scope().zone);
                calendar::instant(zone, *at) < from
            }
            When::AtLocal { .. } | When::Now | When::At { .. } => false,
        };
        let reason = match &domain {
            _ if excluded.contains(contact) => Some(Reason::Excluded),
            None => Some(Reason::NoAddress),
            _ if record.suppressed => Some(Reason::Suppressed),
            _ if campaign.purpose == CampaignPurpose::Marketing && !may.contains(contact) => {
                Some(Reason::NoConsent)
            }
            _ if over() => Some(Reason::Past),
            _ => chosen.bars(ContactId(contact), email, from),
        };
        match (reason, domain) {
            (Some(reason), _) => {
                audience.left_out.entry(reason).or_default().insert(contact);
            }
            (None, domain) => audience.take(id, campaign, contact, domain.unwrap_or_default()),
        }
    }
    audience
}

impl Audience {
    fn take(&mut self, id: CampaignId, campaign: &Campaign, contact: u32, domain: String) {
        self.all.insert(contact);
        match place(id, ContactId(contact), shares(campaign)) {
            Part::HeldOut => {
                self.held_out.insert(contact);
                self.parts.held_out += 1;
                return;
            }
            Part::Rest => self.parts.rest += 1,
            Part::Arm(arm) => {
                if let Some(n) = self.parts.arms.get_mut(usize::from(arm)) {
                    *n += 1;
                }
            }
        }
        *self.domains.entry(domain).or_default() += 1;
    }
}
