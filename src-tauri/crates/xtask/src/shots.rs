//! `cargo xtask shots`: the real window on a display of its own, every screen, light and dark, on the sample, on an
//! empty workspace, and before one is open. For looking at, never for comparing pixels.

use crate::args::Args;
use crate::children::{capture, run};
use crate::display::Display;
use crate::ground::{CLI, CLI_PACKAGE, LOOPBACK_ONLY, SHELL, SHELL_FEATURES, cargo, scratch, target_dir};
use crate::packages::Need;
use crate::webdriver::Window;
use crate::{Result, frontend, setup, wiring};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const USAGE: &str = "\
cargo xtask shots --out DIR [--only TEXT] [--size WxH] [--debug] [--yes]

Pictures of every screen of the real window: light and dark, on a sample whose clock has run for forty days, on an empty
workspace, and before a workspace is open.

  --out DIR    where the PNGs go
  --only TEXT  only pictures whose name contains this, like `dark` or `journeys`
  --size WxH   size of the display, 1440x900 unless told
  --debug      the debug build, as the real-window tests use it
";

/// Name of the picture, place in the window, and whether it shows one thing of the sample that an empty workspace
/// does not have.
pub const SCREENS: &[(&str, &str, bool)] = &[
    ("home", "#/home", false),
    ("journeys", "#/journeys", false),
    ("journey", "#/journeys/1", true),
    ("contacts", "#/contacts", false),
    ("contact", "#/contacts/1", true),
    ("import", "#/contacts/import", false),
    ("imports", "#/contacts/imports", false),
    ("import-events", "#/contacts/import-events", false),
    ("companies", "#/contacts/companies", false),
    ("duplicates", "#/contacts/duplicates", false),
    ("cleansing", "#/contacts/cleansing", false),
    ("quality", "#/contacts/cleansing?tab=quality", false),
    ("segments", "#/segments", false),
    ("segment", "#/segments/1", true),
    ("scores", "#/scores", false),
    ("templates", "#/templates", false),
    ("template", "#/templates/1", true),
    ("campaigns", "#/campaigns", false),
    ("campaign", "#/campaigns/2", true),
    ("campaign-draft", "#/campaigns/3", true),
    ("analytics", "#/analytics", false),
    ("outbox", "#/outbox", false),
    ("message", "#/outbox?message=1", true),
    ("replies", "#/replies", false),
    ("world", "#/world", false),
    ("world-mail", "#/world?mail=1", true),
    ("settings", "#/settings", false),
    ("settings-sending", "#/settings?part=sending", false),
    ("settings-providers", "#/settings?part=providers", false),
    ("settings-replies", "#/settings?part=replies", false),
    ("settings-fields", "#/settings?part=fields", false),
    ("settings-suppressions", "#/settings?part=suppressions", false),
    ("settings-appearance", "#/settings?part=appearance", false),
    ("settings-backup", "#/settings?part=backup", false),
    ("settings-diagnostics", "#/settings?part=diagnostics", false),
];

/// What the window shows before a workspace is open, whatever its address.
const CHOOSER: (&str, &str) = ("chooser", "#/home");
/// Days the sample's clock runs, so that there is something to see of journeys, mail and figures.
const DAYS: u64 = 40;
/// Contacts of the sample, and its segment of those who agreed to mail.
const CONTACTS: u64 = 5_000;
const READERS: &str = "Newsletter readers";

/// True once the screen stands still: loaded, with its fonts, nothing marked busy.
pub const SETTLED: &str = "document.readyState === 'complete' && document.fonts.status === 'loaded' \
                       && document.querySelector('#root')?.childElementCount > 0 \
                       && !document.querySelector('[aria-busy=\"true\"]')";

/// The command, with its options.
pub fn command(mut args: Args) -> Result<()> {
    if args.flag("--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let out = args
        .value("--out")?
        .ok_or_else(|| format!("--out is missing.\n\n{USAGE}"))?;
    let only = args.value("--only")?.unwrap_or_default();
    let size = size(&args.value("--size")?.unwrap_or_else(|| "1440x900".to_string()))?;
    let debug = args.flag("--debug");
    let yes = args.flag("--yes");
    args.end()?;
    setup::ensure(&[Need::Build, Need::Desktop, Need::Window], yes)?;
    setup::require_node()?;
    let programs = build(debug)?;
    let out = PathBuf::from(out);
    std::fs::create_dir_all(&out).map_err(|e| format!("{} cannot be made: {e}", out.display()))?;
    let taken = take(&programs, &out, &only, size)?;
    println!("{taken} pictures in {}", out.display());
    Ok(())
}

fn size(text: &str) -> Result<(u32, u32)> {
    text.split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))
        .filter(|(w, h)| (320..=8192).contains(w) && (240..=8192).contains(h))
        .ok_or_else(|| format!("--size cannot be `{text}`; it is two numbers like 1440x900."))
}

/// Builds the screens, the studio and the command line: the folder they are in.
pub fn build(debug: bool) -> Result<PathBuf> {
    frontend::build()?;
    let mut command = cargo();
    command.args([
        "build",
        "--package",
        SHELL,
        "--package",
        CLI_PACKAGE,
        "--features",
        SHELL_FEATURES,
    ]);
    if !debug {
        command.arg("--release");
    }
    run(&mut command)?;
    Ok(target_dir()?.join(if debug { "debug" } else { "release" }))
}

fn take(programs: &Path, out: &Path, only: &str, (width, height): (u32, u32)) -> Result<usize> {
    let display = Display::start(width, height)?;
    let carillon = |args: Vec<String>| {
        let mut command = Command::new(programs.join(CLI));
        command.args(args).env(LOOPBACK_ONLY.0, LOOPBACK_ONLY.1);
        capture(&mut command)
    };
    let files = scratch("shots")?;
    std::fs::remove_dir_all(&files).map_err(|e| format!("{} cannot be emptied: {e}", files.display()))?;
    std::fs::create_dir_all(&files).map_err(|e| format!("{} cannot be made: {e}", files.display()))?;
    let (sample, empty) = (files.join("sample.carillon"), files.join("empty.carillon"));
    carillon(wiring::demo_create(&sample, CONTACTS, 12, 1))?;
    // One campaign on its way, and one being drawn up.
    carillon(wiring::campaign_create(
        &sample,
        "Spring letter",
        READERS,
        "Second visit",
    ))?;
    carillon(wiring::campaign_start(
        &sample,
        "Spring letter",
        CONTACTS as usize,
        CONTACTS as usize,
    ))?;
    carillon(wiring::run_days(&sample, DAYS))?;
    carillon(wiring::campaign_create(&sample, "Last call", READERS, "Win back"))?;
    carillon(wiring::workspace_create(&empty))?;
    let mut taken = 0;
    for (workspace, arguments) in [
        ("sample", wiring::studio_on(&sample)),
        ("empty", wiring::studio_on(&empty)),
        ("none", Vec::new()),
    ] {
        for theme in ["light", "dark"] {
            let wanted = wanted(workspace, theme, only);
            if wanted.is_empty() {
                continue;
            }
            display.prefer_dark(theme == "dark")?;
            let window = Window::open(&display, &programs.join(SHELL), &arguments)?;
            window.maximise()?;
            for (name, hash) in wanted {
                show(&window, hash, theme)?;
                display.picture(&out.join(format!("{name}.png")))?;
                println!("{name}");
                taken += 1;
            }
        }
    }
    Ok(taken)
}

/// Names and places of the pictures of a workspace in a theme.
fn wanted(workspace: &str, theme: &str, only: &str) -> Vec<(String, &'static str)> {
    let screens: Vec<(&str, &str)> = match workspace {
        "none" => vec![CHOOSER],
        _ => SCREENS
            .iter()
            .filter(|(_, _, of_sample)| workspace == "sample" || !of_sample)
            .map(|(name, hash, _)| (*name, *hash))
            .collect(),
    };
    screens
        .into_iter()
        .map(|(name, hash)| (format!("{workspace}-{theme}-{name}"), hash))
        .filter(|(name, _)| name.contains(only))
        .collect()
}

fn show(window: &Window, hash: &str, theme: &str) -> Result<()> {
    // Set before the screen is shown: charts read their colours when they are drawn.
    window.script(
        "document.documentElement.dataset.theme = arguments[0]",
        json!([theme]),
    )?;
    window.go(hash)?;
    window.wait_until(SETTLED, Duration::from_secs(60))?;
    // Charts and panels move into place for up to 260 ms; then the picture is still.
    std::thread::sleep(Duration::from_millis(700));
    window.wait_until(SETTLED, Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_has_a_name_of_its_own_and_a_place_in_the_hash() {
        let names: std::collections::BTreeSet<&str> = SCREENS.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(names.len(), SCREENS.len());
        assert!(SCREENS.iter().all(|(_, hash, _)| hash.starts_with("#/")));
    }

    #[test]
    fn an_empty_workspace_has_no_pictures_of_things_it_does_not_have_and_none_open_shows_the_chooser() {
        assert!(
            wanted("sample", "light", "")
                .iter()
                .any(|(name, _)| name == "sample-light-contact")
        );
        assert!(
            !wanted("empty", "light", "")
                .iter()
                .any(|(name, _)| name == "empty-light-contact")
        );
        assert_eq!(wanted("none", "dark", "").len(), 1);
        assert!(wanted("none", "dark", "journeys").is_empty());
    }

    #[test]
    fn a_size_is_two_numbers_that_make_a_display() {
        assert_eq!(size("1440x900"), Ok((1440, 900)));
        for wrong in ["1440", "0x900", "1440x", "99999x900", "x"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
