//! The real window over many contacts: how evenly the table moves, and how long after a key the answer is there. Without a
//! graphics card, on a display of its own, beside an empty box of the same size in the same window.

use super::{Figure, Place, figure, grouped};
use crate::Result;
use crate::children::capture;
use crate::display::Display;
use crate::ground::SHELL;
use crate::packages::Need;
use crate::webdriver::Window;
use crate::{setup, shots, wiring};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);
/// After this nothing moves any more.
const STILL: Duration = Duration::from_secs(1);
/// Frames of one way of moving: five seconds where nothing is late.
const FRAMES: u64 = 300;
/// Ways of moving, as the page knows them.
const WAYS: [&str; 3] = ["steps", "pages", "thumb"];
/// Jumps of the thumb.
const JUMPS: u64 = 25;
/// What is typed around a number in the segment builder: before it and after it.
const TYPED: [(&str, &str); 2] = [("loyalty_points >= ", ""), ("did order in the last ", " days")];
/// What is looked for, letter by letter, and where. Each letter leaves fewer people of the sample; an `a` would be in every
/// address.
const WORDS: [&str; 4] = ["zoe", "jul", "we", "ko"];
const LOOKED_IN: [&str; 4] = ["email", "first_name", "last_name", "city"];
/// Keys of the keyboard (WebDriver, table of key codes).
const BACKSPACE: &str = "\u{e003}";
const CONTROL: &str = "\u{e009}";
const ESCAPE: &str = "\u{e00c}";
const LEFT: &str = "\u{e012}";

/// The workspace is made in the first round and used in all.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    setup::ensure(&[Need::Build, Need::Desktop, Need::Window], place.yes)?;
    let programs = shots::build(false)?;
    let contacts = place.size.unwrap_or(1_000_000);
    let file = place.dir.join("sample.carillon");
    if place.first {
        place.sample(contacts)?;
    }
    // Asked before the window has the file, so that it finds nothing remembered.
    let wanted = Wanted::of(place, &file, contacts)?;
    let display = Display::start(1440, 900)?;
    let window = Window::open(&display, &programs.join(SHELL), &wiring::studio_on(&file))?;
    window.maximise()?;
    window.go("#/contacts")?;
    window.wait_until(shots::SETTLED, PATIENCE)?;
    window.script(include_str!("ui.js"), json!([]))?;
    window.wait_until("window.bench.seen() !== null", PATIENCE)?;
    let mut figures = memory(&display, "opened")?;
    figures.extend(table(&window, &display, &wanted, contacts)?);
    figures.extend(memory(&display, "moved")?);
    display.picture(&place.dir.join("table-end.png"))?;
    figures.extend(search(&window, &wanted, contacts)?);
    figures.extend(memory(&display, "searched")?);
    figures.extend(filters(&window, &wanted)?);
    figures.extend(memory(&display, "filtered")?);
    display.picture(&place.dir.join("table-filtered.png"))?;
    figures.extend(segments(&window, &wanted)?);
    display.picture(&place.dir.join("segment.png"))?;
    figures.extend(memory(&display, "counted")?);
    Ok(figures)
}

/// Memory at a point of the way: of all programs, and of the studio's own without the web view's.
fn memory(display: &Display, when: &str) -> Result<Vec<Figure>> {
    let of = |name: &str, programs: &[&str]| -> Result<Figure> {
        let megabytes = display.memory_mb(programs)?;
        Ok(figure(&format!("ui.memory.{name}"), megabytes, "MB", true))
    };
    Ok(vec![
        of(when, &PROGRAMS)?,
        of(&format!("{when}.studio"), &PROGRAMS[..1])?,
    ])
}

/// The programs whose memory and work are the studio's, by the first fifteen letters of their names.
const PROGRAMS: [&str; 3] = ["carillon-studio", "WebKitWebProces", "WebKitNetworkPr"];
/// The program that runs the page.
const PAGE: &str = "WebKitWebProces";

/// What the command line says of the same file.
struct Wanted {
    /// Addresses of the last contacts, in order.
    last: Vec<String>,
    /// Texts of the segment builder, as they are typed, and the members of each.
    counts: Vec<Vec<(u64, u64)>>,
    /// People found by each beginning of the words that are looked for.
    found: Vec<Vec<u64>>,
    /// Saved segments and their members.
    segments: Vec<(String, u64)>,
}

impl Wanted {
    fn of(place: &Place, file: &Path, contacts: u64) -> Result<Wanted> {
        let listed = asked(place, wiring::contacts(file, contacts.saturating_sub(5), 5))?;
        let rows = listed["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = rows.iter().filter_map(|r| Some(r["email"].as_str()?.to_owned()));
        let saved = asked(place, wiring::segments(file))?;
        let saved = saved.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let segments = saved
            .iter()
            .map(|row| Ok((text(row, "name"), place.count(file, &text(row, "text"))?)));
        let counts = TYPED.iter().map(|(before, after)| {
            let of = |n: u64| Ok((n, place.count(file, &format!("{before}{n}{after}"))?));
            numbers().into_iter().map(of).collect::<Result<_>>()
        });
        let found = WORDS.iter().map(|word| {
            let of = |n: usize| {
                let contains = LOOKED_IN.map(|field| format!("{field} contains \"{}\"", &word[..n]));
                place.count(file, &contains.join(" or "))
            };
            (1..=word.len()).map(of).collect::<Result<_>>()
        });
        Ok(Wanted {
            found: found.collect::<Result<_>>()?,
            last: last.collect(),
            segments: segments.collect::<Result<_>>()?,
            counts: counts.collect::<Result<_>>()?,
        })
    }
}

fn asked(place: &Place, args: Vec<String>) -> Result<Value> {
    let text = capture(&mut place.carillon(args))?;
    serde_json::from_str(&text).map_err(|e| format!("No JSON ({e}): {text}"))
}

/// Each digit, and each with a second one behind it, as they are typed.
fn numbers() -> Vec<u64> {
    (1..=9).flat_map(|n| [n, n * 10 + (n + 4) % 10]).collect()
}

/// The table of everybody: moved in three ways, jumped about in, and at its end.
fn table(window: &Window, display: &Display, wanted: &Wanted, contacts: u64) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for way in WAYS {
        let floor = Moved::of(window, display, "floor", way)?;
        let ours = Moved::of(window, display, "moved", way)?;
        figures.extend(ours.beside(&floor, way));
    }
    let mut jumps = Vec::new();
    for n in 0..JUMPS {
        // Far apart, and no page twice.
        let part = (n * 11 % JUMPS) as f64 / JUMPS as f64 + 0.017;
        jumps.push(number(
            &window.promised("return window.bench.jump(arguments[0])", json!([part]))?,
        )?);
    }
    window.promised("return window.bench.end()", json!([]))?;
    // Looked at once it stands still: what was there for a moment does not count, and the picture shows what was compared.
    std::thread::sleep(STILL);
    let rows = window.script("return window.bench.seen()", json!([]))?;
    let right = ends_with(&rows, &wanted.last, contacts);
    figures.iter_mut().for_each(|figure| figure.checked = right);
    figures.extend(times("ui.jump", &jumps, right && jumps.len() as u64 == JUMPS));
    Ok(figures)
}

/// Whether the rows end with the last contacts, at their places.
fn ends_with(rows: &Value, last: &[String], contacts: u64) -> bool {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let from = rows.len().saturating_sub(last.len());
    let same = rows[from..].iter().zip(last).all(|(row, email)| {
        let texts = row["texts"].as_array().map(Vec::as_slice).unwrap_or_default();
        texts.iter().any(|text| text == email)
    });
    let end = rows.last().and_then(|row| row["index"].as_u64());
    !last.is_empty() && rows.len() >= last.len() && same && end.map(|n| n + 1) == Some(contacts)
}

/// One way of moving, for [`FRAMES`] frames, in milliseconds.
struct Moved {
    between: Vec<f64>,
    work: Vec<f64>,
    /// Processor time of the page's thread, a frame.
    processor: f64,
}

impl Moved {
    fn of(window: &Window, display: &Display, what: &str, way: &str) -> Result<Moved> {
        let before = display.processor_ms(PAGE)?;
        let said = window.promised(
            &format!("return window.bench.{what}(arguments[0], arguments[1])"),
            json!([way, FRAMES]),
        )?;
        let processor = (display.processor_ms(PAGE)? - before) / FRAMES as f64;
        Ok(Moved {
            between: numbers_in(&said["between"])?,
            work: numbers_in(&said["work"])?,
            processor,
        })
    }

    fn beside(&self, floor: &Moved, way: &str) -> Vec<Figure> {
        let one = |name: &str, ours: f64, limit: f64| Figure {
            limit: Some(limit),
            ..figure(&format!("ui.{way}.{name}"), ours, "ms", true)
        };
        let mut figures = Vec::new();
        for (name, part) in PARTS {
            let of = |times: &[f64]| part_of(times, part);
            figures.push(one(
                &format!("frame.{name}"),
                of(&self.between),
                of(&floor.between),
            ));
            figures.push(one(&format!("work.{name}"), of(&self.work), of(&floor.work)));
        }
        figures.push(one("processor", self.processor, floor.processor));
        figures
    }
}

/// Parts of the times that are told, and what they are called.
const PARTS: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("most", 1.0)];

/// The least time that so large a part of them is not above.
fn part_of(times: &[f64], part: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let at = (times.len() as f64 * part).ceil() as usize;
    times.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

fn times(name: &str, times: &[f64], right: bool) -> Vec<Figure> {
    PARTS
        .iter()
        .map(|(told, part)| figure(&format!("{name}.{told}"), part_of(times, *part), "ms", right))
        .collect()
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| format!("No number: {value}"))
}

fn numbers_in(value: &Value) -> Result<Vec<f64>> {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return Err(format!("No numbers: {value}"));
    }
    all.iter().map(number).collect()
}

/// What the page waits for after a key or a press, and how long it took.
fn waited(window: &Window, what: &str, of: &str, act: impl FnOnce() -> Result<()>) -> Result<f64> {
    window.script(&format!("window.bench.{what}(arguments[0])"), json!([of]))?;
    act()?;
    let shown = window.promised("return window.bench.shown()", json!([]))?;
    number(&shown["ms"])
}

/// Words typed into the search of the table, until the number of people and the rows are there.
fn search(window: &Window, wanted: &Wanted, contacts: u64) -> Result<Vec<Figure>> {
    let field = window.find("main input[type=search]")?;
    let mut shown = Vec::new();
    for (word, found) in WORDS.iter().zip(&wanted.found) {
        window.click(&field)?;
        for (letter, people) in word.chars().zip(found) {
            shown.push(waited(window, "awaitFound", &grouped(*people), || {
                window.type_keys(&letter.to_string())
            })?);
        }
        for _ in word.chars() {
            window.type_keys(BACKSPACE)?;
        }
        let everybody = format!("window.bench.people({})", json!(grouped(contacts)));
        window.wait_until(&everybody, PATIENCE)?;
    }
    // The page waits for the number the command line gave, or says that it did not come.
    Ok(times("ui.search", &shown, true))
}

/// Each saved segment chosen in the table, until its members are there.
fn filters(window: &Window, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut shown = Vec::new();
    // The menu stays open while its boxes are ticked.
    window.click(&window.find("main button[aria-haspopup=menu]")?)?;
    window.wait_for("[role=menuitemcheckbox]", PATIENCE)?;
    for (at, (_, members)) in wanted.segments.iter().enumerate() {
        let entries = window.find_all("[role=menuitemcheckbox]")?;
        let entry = entries.get(at).ok_or("The menu lacks a segment.")?;
        shown.push(waited(window, "awaitPeople", &grouped(*members), || {
            window.click(entry)
        })?);
    }
    window.type_keys(ESCAPE)?;
    window.wait_until("document.querySelector('[role=menu]') === null", PATIENCE)?;
    let all = shown.len() == wanted.segments.len() && !shown.is_empty();
    Ok(times("ui.filter", &shown, all))
}

/// Numbers typed into an expression of the segment builder, until their members are there.
fn segments(window: &Window, wanted: &Wanted) -> Result<Vec<Figure>> {
    window.go("#/segments/new")?;
    let editor = window.wait_for(".cm-content", PATIENCE)?;
    window.wait_until(shots::SETTLED, PATIENCE)?;
    let mut shown = Vec::new();
    for ((before, after), counts) in TYPED.iter().zip(&wanted.counts) {
        window.click(&editor)?;
        window.chord(&[CONTROL, "a"])?;
        window.type_keys(&format!("{BACKSPACE}{before}{after}"))?;
        for _ in after.chars() {
            window.type_keys(LEFT)?;
        }
        shown.extend(typed(window, counts)?);
    }
    // The page waits for the number the command line gave, or says that it did not come.
    Ok(times("ui.count", &shown, true))
}

/// Types the numbers, of which each second one goes on from the one before. A number of people that is there already says
/// nothing and is left out.
fn typed(window: &Window, counts: &[(u64, u64)]) -> Result<Vec<f64>> {
    let (mut shown, mut last) = (Vec::new(), None);
    for pair in counts.chunks(2) {
        for (number, members) in pair {
            let key = (number % 10).to_string();
            if last == Some(*members) {
                window.type_keys(&key)?;
            } else {
                shown.push(waited(window, "awaitCount", &grouped(*members), || {
                    window.type_keys(&key)
                })?);
            }
            last = Some(*members);
        }
        for _ in pair {
            window.type_keys(BACKSPACE)?;
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_times_is_one_of_them() {
        let times: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(PARTS.map(|(_, part)| part_of(&times, part)), [10.0, 19.0, 20.0]);
        assert_eq!(part_of(&[7.0], 0.95), 7.0);
        assert!(part_of(&[], 0.5).is_nan());
    }

    #[test]
    fn the_end_of_the_table_is_the_last_contacts_at_their_places() {
        let row = |index: u64, email: &str| json!({ "index": index, "texts": ["", email, "Ada"] });
        let last = ["b@x.example".to_owned(), "c@x.example".to_owned()];
        let rows = |end| json!([row(7, "a@x.example"), row(8, "b@x.example"), row(9, end)]);
        assert!(ends_with(&rows("c@x.example"), &last, 10));
        assert!(!ends_with(&rows("d@x.example"), &last, 10), "another person");
        assert!(!ends_with(&rows("c@x.example"), &last, 11), "not the end");
        assert!(!ends_with(&json!([]), &last, 10), "no rows");
        assert!(
            !ends_with(&rows("c@x.example"), &[], 10),
            "nothing to compare with"
        );
    }

    #[test]
    fn each_second_number_goes_on_from_the_one_before() {
        for pair in numbers().chunks(2) {
            assert_eq!(pair[1] / 10, pair[0]);
            assert!(pair[0] < 10 && pair[1] < 100);
        }
    }
}
