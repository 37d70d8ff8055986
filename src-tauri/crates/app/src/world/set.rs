//! What the mail world is set to, kept in the workspace.

use super::{World, WorldPersona, WorldSeason, WorldSettings, WorldView, of};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use crate::table::NoArgs;
use crate::workspaces::Open;
use carillon_model::Moment;
use carillon_store::{Priority, settings};
use carillon_world::personas::{self, Mix, Persona, Season};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of the setting.
const KEY: &str = "world";
/// What a script can count to without a gap.
const SEED_MAX: u64 = (1 << 53) - 1;
/// Heaviest weight of a persona, and most per cent of a month.
const WEIGHT_MAX: u16 = 10_000;
const PER_CENT_MAX: u16 = 1_000;

/// What is kept: what the user set, and when the world began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub settings: WorldSettings,
    pub begins_at: Moment,
}

impl Kept {
    /// A usual world that begins at a moment.
    fn usual(begins_at: Moment) -> Kept {
        let usual = personas::WorldSettings::new(1, begins_at);
        Kept {
            settings: WorldSettings {
                on: true,
                seed: usual.seed,
                list_quality: usual.list_quality,
                deliverability: usual.deliverability,
                season: WorldSeason::Steady,
                mix: None,
            },
            begins_at,
        }
    }

    /// As the town is set.
    pub(super) fn of_town(&self) -> personas::WorldSettings {
        let set = &self.settings;
        personas::WorldSettings {
            list_quality: set.list_quality,
            deliverability: set.deliverability,
            season: match set.season {
                WorldSeason::Steady => Season::Steady,
                WorldSeason::Retail => Season::Retail,
                WorldSeason::Months(months) => Season::Months(months),
            },
            mix: set.mix.map(|mix| Mix {
                eager: mix.eager,
                busy: mix.busy,
                silent: mix.silent,
                annoyed: mix.annoyed,
                bot: mix.bot,
                gone_away: mix.gone_away,
            }),
            ..personas::WorldSettings::new(set.seed, self.begins_at)
        }
    }
}

/// What is kept; a usual world that begins now, where nothing is. That is kept from then on.
///
/// # Errors
/// The store's.
pub(super) async fn kept(open: &Open) -> Result<Kept> {
    let now = open.now();
    let known: Option<Kept> = open.store.read(|db| settings::get(db, KEY)).await?;
    match known {
        Some(kept) => Ok(kept),
        None => keep(open, Kept::usual(now)).await,
    }
}

async fn keep(open: &Open, kept: Kept) -> Result<Kept> {
    let row = kept.clone();
    open.store
        .write(Priority::User, move |tx| settings::set(tx, KEY, Some(&row)))
        .await?;
    Ok(kept)
}

/// What kind of person it is, in the words of screens.
pub(super) fn persona(of: Persona) -> WorldPersona {
    match of {
        Persona::Eager => WorldPersona::Eager,
        Persona::Busy => WorldPersona::Busy,
        Persona::Silent => WorldPersona::Silent,
        Persona::Annoyed => WorldPersona::Annoyed,
        Persona::Bot => WorldPersona::Bot,
        Persona::GoneAway => WorldPersona::GoneAway,
    }
}

fn checked(set: &WorldSettings) -> Result<()> {
    let invalid = |key: &str, field: &str| Err(fail(Code::Invalid, key, &[]).at(field));
    if set.seed > SEED_MAX {
        return Err(fail(Code::Invalid, "world.seed", &[("max", &SEED_MAX)]).at("seed"));
    }
    let share = |value: f64| (0.0..=1.0).contains(&value);
    if !share(set.list_quality) {
        return invalid("world.share", "list_quality");
    }
    if !share(set.deliverability) {
        return invalid("world.share", "deliverability");
    }
    if let WorldSeason::Months(months) = set.season
        && months.iter().any(|month| *month > PER_CENT_MAX)
    {
        return Err(fail(Code::Invalid, "world.season", &[("max", &PER_CENT_MAX)]).at("season"));
    }
    let Some(mix) = set.mix else {
        return Ok(());
    };
    let all = [
        mix.eager,
        mix.busy,
        mix.silent,
        mix.annoyed,
        mix.bot,
        mix.gone_away,
    ];
    if all.iter().any(|weight| *weight > WEIGHT_MAX) {
        return Err(fail(Code::Invalid, "world.weight", &[("max", &WEIGHT_MAX)]).at("mix"));
    }
    match all.iter().all(|weight| *weight == 0) {
        true => invalid("world.nobody", "mix"),
        false => Ok(()),
    }
}

pub(super) async fn get(cx: &Ctx, _: NoArgs) -> Result<WorldView> {
    let (open, world) = of(cx).await?;
    view(&open, &world).await
}

async fn view(open: &Arc<Open>, world: &World) -> Result<WorldView> {
    let mut state = world.state(open).await?;
    let state = &mut *state;
    Ok(WorldView {
        settings: state.settings.clone(),
        mails: state.inbox.len() as u64,
        to_come: state.to_come() as u64,
        next_at: state.next_at(),
        relay: world.relay.as_ref().map(super::Practice::url),
        trouble: world.trouble(),
    })
}

pub(super) async fn set(cx: &Ctx, req: WorldSettings) -> Result<WorldView> {
    checked(&req)?;
    let (open, world) = of(cx).await?;
    let _turn = world.turning.lock().await;
    let before = kept(&open).await?;
    let kept = keep(
        &open,
        Kept {
            settings: req,
            ..before
        },
    )
    .await?;
    world.state(&open).await?.set(&kept)?;
    world.tell();
    open.runtime.nudge();
    view(&open, &world).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::WorldMix;

    #[test]
    fn settings_that_are_none_are_refused_with_the_name_of_what_is_to_be_mended() {
        let usual = Kept::usual(Moment::UNIX_EPOCH).settings;
        assert!(checked(&usual).is_ok());
        let nobody = WorldMix {
            eager: 0,
            busy: 0,
            silent: 0,
            annoyed: 0,
            bot: 0,
            gone_away: 0,
        };
        let heavy = WorldMix {
            eager: 10_001,
            ..nobody
        };
        let with = |change: &dyn Fn(&mut WorldSettings)| {
            let mut set = usual.clone();
            change(&mut set);
            set
        };
        for (set, field) in [
            (with(&|set| set.seed = 1 << 53), "seed"),
            (with(&|set| set.list_quality = 1.01), "list_quality"),
            (with(&|set| set.deliverability = f64::NAN), "deliverability"),
            (
                with(&|set| set.season = WorldSeason::Months([1_001; 12])),
                "season",
            ),
            (with(&|set| set.mix = Some(nobody)), "mix"),
            (with(&|set| set.mix = Some(heavy)), "mix"),
        ] {
            let refused = checked(&set).expect_err(field);
            assert!(refused.fields.contains_key(field), "{refused:?}");
            assert!(!refused.message.contains("world."), "{refused:?}");
        }
    }
}
