//! world: the made-up people of a sample, what they got, and what they did about it.

use super::lists::PERSONAS;
use carillon_app::world::{WorldMix, WorldSeason};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum World {
    /// What the people of the sample are set to, and how many answers are to come.
    Show,
    /// Change what its people do from now on. What is not said stays as it is.
    #[command(
        after_help = "Examples:\n  carillon world set --seed 7 --list-quality 0.4\n  carillon world set --season retail --mix 40,20,20,10,5,5\n  carillon world set --people off"
    )]
    Set(SetWorld),
    /// Mails that came, newest first, and what was done about each.
    Mails(WorldMails),
    /// One mail: its text, its links, and everything that was done about it.
    Mail {
        /// The mail's number; `carillon world mails` shows it.
        id: u64,
    },
    /// Do something as whoever got a mail. It goes the same way as a real person's answer.
    #[command(
        after_help = "Examples:\n  carillon world act 12 click 1\n  carillon world act 12 reply \"Do you also sell the grinder?\"\n  carillon world act 12 buy \"19.90 EUR\""
    )]
    Act {
        /// The mail's number; `carillon world mails` shows it.
        id: u64,
        #[command(subcommand)]
        deed: Deed,
    },
    /// A small mail server on loopback with a truth log, as samples use it.
    #[command(hide = true)]
    Serve(ServeWorld),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct SetWorld {
    /// Whether anybody answers; off forgets the answers that are to come.
    #[arg(long, value_parser = ["on", "off"])]
    pub people: Option<String>,
    /// The same seed, settings and mails give the same answers again.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// From 0, a bought list, to 1: everybody asked for the mails.
    #[arg(long, value_name = "SHARE")]
    pub list_quality: Option<f64>,
    /// From 0, most lands in spam folders, to 1: everything lands in the inbox.
    #[arg(long, value_name = "SHARE")]
    pub deliverability: Option<f64>,
    /// When in the year people buy: `steady`, `retail`, or twelve numbers, January to December in per cent of the usual.
    #[arg(long, value_name = "SEASON", value_parser = season)]
    pub season: Option<WorldSeason>,
    /// Who the people are: weights of eager, busy, silent, annoyed, bot and gone_away; `usual` as the list's quality has
    /// it.
    #[arg(long, value_name = "WEIGHTS", value_parser = mix)]
    pub mix: Option<Mix>,
}

/// What is said of the kinds of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    Usual,
    Of(WorldMix),
}

#[derive(Debug, Args)]
pub struct WorldMails {
    /// Words that are all in recipient, sender or subject.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only mails to this address.
    #[arg(long, value_name = "EMAIL")]
    pub to: Option<String>,
    /// Only mails to people of a kind.
    #[arg(long, value_parser = PERSONAS)]
    pub persona: Option<String>,
    /// Only mails with a smaller number than this.
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

#[derive(Debug, Subcommand)]
pub enum Deed {
    /// Open it: its picture is loaded.
    Open,
    /// Follow one of its links.
    Click {
        /// The link's number; `carillon world mail` shows it.
        link: u32,
    },
    /// Write back.
    Reply {
        /// What is written.
        text: String,
    },
    /// Leave the list, by the best way the mail offers.
    Unsubscribe,
    /// Mark it as spam.
    Complain,
    /// Buy in the shop.
    Buy {
        /// Like "19.90 EUR".
        amount: String,
    },
}

#[derive(Debug, Args)]
pub struct ServeWorld {
    /// Port on loopback.
    #[arg(long)]
    pub port: u16,
    /// Where to log what it received.
    #[arg(long)]
    pub truth: PathBuf,
    /// Wait before each reply to a final dot.
    #[arg(long, default_value_t = 0)]
    pub delay_ms: u64,
    /// Whom it lets in; everybody where left out.
    #[arg(long, requires = "password")]
    pub user: Option<String>,
    /// With which word.
    #[arg(long, requires = "user")]
    pub password: Option<String>,
}

/// Numbers with commas between them.
fn numbers<const N: usize>(text: &str) -> Option<[u16; N]> {
    let all: Result<Vec<u16>, _> = text.split(',').map(|one| one.trim().parse()).collect();
    all.ok()?.try_into().ok()
}

fn season(text: &str) -> Result<WorldSeason, String> {
    match text {
        "steady" => Ok(WorldSeason::Steady),
        "retail" => Ok(WorldSeason::Retail),
        _ => numbers(text)
            .map(WorldSeason::Months)
            .ok_or_else(|| "`steady`, `retail`, or twelve numbers with commas between them".to_owned()),
    }
}

fn mix(text: &str) -> Result<Mix, String> {
    if text == "usual" {
        return Ok(Mix::Usual);
    }
    let [eager, busy, silent, annoyed, bot, gone_away] =
        numbers(text).ok_or_else(|| "`usual`, or six numbers with commas between them".to_owned())?;
    Ok(Mix::Of(WorldMix {
        eager,
        busy,
        silent,
        annoyed,
        bot,
        gone_away,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn seasons_and_weights_are_read_whole_or_not_at_all() {
        assert_eq!(season("1,2,3,4,5,6,7,8,9,10,11, 12").unwrap(), {
            WorldSeason::Months([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        });
        let Mix::Of(of) = mix("1,2,3,4,5,6").unwrap() else {
            panic!("weights")
        };
        assert_eq!((of.eager, of.gone_away), (1, 6));
        for wrong in ["", "1,2,3", "1,2,3,4,5,-6", "1,2,3,4,5,6,7", "Retail"] {
            assert!(season(wrong).is_err() && mix(wrong).is_err(), "{wrong}");
        }
    }
}
