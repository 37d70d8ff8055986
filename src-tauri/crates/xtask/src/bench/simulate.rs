//! Ninety days of a journey of twenty steps over a million contacts, and the same journey lived by a few hundred on a clock
//! that is moved, step by step against what the simulation had said of them.

use super::watched::watched;
use super::{Figure, Place, figure};
use crate::children::{Leashed, capture};
use crate::ground::root;
use crate::webdriver::free_port;
use crate::{Result, wiring};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const NAME: &str = "Twenty steps";
const DAYS: u64 = 90;
const SEED: u64 = 1;
/// People who live the journey.
const LIVE: u64 = 500;
/// A limit that holds nothing.
const UNLIMITED: u64 = 100_000_000;
/// Days after which the live run is looked at.
const LOOKED_AT: [u64; 6] = [1, 2, 3, 7, 20, DAYS];
/// How long the mail world may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Country and zone, in turn.
const PLACES: [(&str, &str); 4] = [
    ("DE", "Europe/Berlin"),
    ("US", "America/New_York"),
    ("GB", "Europe/London"),
    ("NP", "Asia/Kathmandu"),
];
const LETTER: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}</mj-text>\
                      <mj-text>{{ postal_address }} {{ unsubscribe_line }}</mj-text></mj-column></mj-section></mj-body></mjml>\n";

/// Seconds and memory of the whole command, without a limit and with one that holds mails for days, and of people who are all
/// different to the journey; and what part of the seconds is opening the file.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    let contacts = place.size.unwrap_or(1_000_000);
    let lived = as_lived(place, "live", UNLIMITED)? && as_lived(place, "live-limited", LIVE * 2 / 5)?;
    let unlike = unlike_each_other(place, contacts)?;
    let file = fill(place, &place.dir.join("large"), contacts, &drawing()?)?;
    let free = measured(place, &file)?;
    let right = lived && free.same && free.is_whole(contacts) && free.held() == 0;
    let right_of_each = right && unlike.same && unlike.said == free.said;
    let (opening, _) = place.timed(wiring::report(&file, NAME))?;
    // Nobody is to answer at the port: nothing is sent.
    let per_day = (contacts / 10).max(1);
    capture(&mut place.carillon(wiring::account_with(&file, NAME, 9, 1, per_day)))?;
    let limited = measured(place, &file)?;
    let all_leave_later = limited.left().max().is_some_and(|most| most <= per_day)
        && limited.left().sum::<u64>() + limited.still_held() == free.left().sum::<u64>();
    let right_too = lived
        && limited.same
        && limited.is_whole(contacts)
        && limited.held() > 0
        && all_leave_later
        && entered(&limited.said) == entered(&free.said);
    let rate = |run: &Run| entered(&run.said).values().sum::<u64>() as f64 / run.seconds;
    Ok(vec![
        figure("simulate", free.seconds, "s", right),
        figure("simulate.memory", free.megabytes, "MB", right),
        figure("simulate.rate", rate(&free), "contact-steps/s", right),
        figure("simulate.opening", opening.as_secs_f64(), "s", right),
        figure("simulate.unlike", unlike.seconds, "s", right_of_each),
        figure("simulate.unlike.memory", unlike.megabytes, "MB", right_of_each),
        figure("simulate.limited", limited.seconds, "s", right_too),
        figure("simulate.limited.memory", limited.megabytes, "MB", right_too),
    ])
}

/// The journey of the bench.
fn drawing() -> Result<String> {
    let path = root().join("tests/fixtures/journeys/twenty-steps.json");
    std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

/// The same people and the same ways, where the journey asks for each one's given name, which nobody else has, beside a score that
/// it changes: nobody counts for anybody else.
fn unlike_each_other(place: &Place, contacts: u64) -> Result<Run> {
    let asked = "score_heat < 6";
    let of_all = drawing()?;
    if !of_all.contains(asked) {
        return Err(format!("The journey does not ask whether {asked}."));
    }
    let of_each = of_all.replace(asked, &format!(r#"{asked} and not first_name is \"Nobody\""#));
    let file = fill(place, &place.dir.join("unlike"), contacts, &of_each)?;
    measured(place, &file)
}

/// One simulation that was measured.
struct Run {
    seconds: f64,
    megabytes: f64,
    said: Value,
    /// Another one with the same seed said the same.
    same: bool,
}

impl Run {
    /// Whether everybody came in, and each step lets on as many as came, but for those who still wait there.
    fn is_whole(&self, contacts: u64) -> bool {
        self.said["entered"] == contacts && is_whole(&self.said)
    }

    fn left(&self) -> impl Iterator<Item = u64> {
        let days = self.said["mails"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        days.iter().filter_map(Value::as_u64)
    }

    fn held(&self) -> u64 {
        sum(&self.said["held"])
    }

    fn still_held(&self) -> u64 {
        self.said["still_held"].as_u64().unwrap_or_default()
    }
}

fn simulated(file: &Path) -> Vec<String> {
    wiring::journey_simulate(file, NAME, DAYS, SEED)
}

/// Simulates twice, and measures the second.
fn measured(place: &Place, file: &Path) -> Result<Run> {
    let (_, first) = place.timed(simulated(file))?;
    let path = place.dir.join("said.json");
    let out = File::create(&path).map_err(|e| format!("{} cannot be made: {e}", path.display()))?;
    let mut command = place.carillon(simulated(file));
    command.stdin(Stdio::null()).stdout(out);
    let (took, megabytes) = watched(&mut command)?;
    let text =
        std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    Ok(Run {
        seconds: took.as_secs_f64(),
        megabytes,
        same: text == first,
        said: read(&text)?,
    })
}

fn read(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| format!("No JSON was written ({e}): {text:.200}"))
}

fn sum(days: &Value) -> u64 {
    let days = days.as_array().map(Vec::as_slice).unwrap_or_default();
    days.iter().filter_map(Value::as_u64).sum()
}

fn steps(report: &Value) -> &[Value] {
    report["steps"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// How many came to each step of a simulation.
fn entered(report: &Value) -> BTreeMap<String, u64> {
    let of = |step: &Value| Some((step["step"].as_str()?.to_owned(), sum(&step["entered"])));
    steps(report).iter().filter_map(of).collect()
}

/// Whether each step lets on as many as came, but for those who still wait there, and each was come to.
fn is_whole(report: &Value) -> bool {
    let whole = |step: &Value| {
        let ports = step["left"].as_array().map(Vec::as_slice).unwrap_or_default();
        let left: u64 = ports.iter().map(|port| sum(&port["per_day"])).sum();
        let came = sum(&step["entered"]);
        came > 0 && Some(came - left.min(came)) == step["waiting"].as_u64()
    };
    !steps(report).is_empty() && steps(report).iter().all(whole)
}

/// Whether a few hundred who live the journey, with an account that lets so many mails go in a day, go where the simulation
/// said: how many came to each step, how many are there at the end, and how passages ended; and how many mails had been
/// accepted by the end of some days.
fn as_lived(place: &Place, name: &str, per_day: u64) -> Result<bool> {
    let dir = place.dir.join(name);
    let file = fill(place, &dir, LIVE, &drawing()?)?;
    let (world, port) = world(place, &dir)?;
    capture(&mut place.carillon(wiring::account_with(&file, NAME, port, 4, per_day)))?;
    let said = read(&capture(&mut place.carillon(simulated(&file)))?)?;
    capture(&mut place.carillon(wiring::journey_publish(&file, NAME)))?;
    let (mut day, mut found) = (0, Vec::new());
    let mut lived = Value::Null;
    for until in LOOKED_AT {
        capture(&mut place.carillon(wiring::run_days(&file, until - day)))?;
        day = until;
        lived = read(&capture(&mut place.carillon(wiring::report(&file, NAME)))?)?;
        let (planned, came) = (mails_by(&said, day), accepted(&lived));
        if planned != came {
            found.push(format!("mails by day {day}: said {planned}, lived {came}"));
        }
    }
    drop(world);
    found.extend(differences(&said, &lived));
    for difference in &found {
        eprintln!("Simulated and lived ({name}) are not the same: {difference}");
    }
    Ok(found.is_empty() && (per_day == UNLIMITED) == (sum(&said["held"]) == 0))
}

/// Mails that a simulation has let go by the end of a day, from 1.
fn mails_by(said: &Value, day: u64) -> u64 {
    let days = said["mails"].as_array().map(Vec::as_slice).unwrap_or_default();
    days.iter()
        .zip(0..day)
        .filter_map(|(mails, _)| mails.as_u64())
        .sum()
}

fn accepted(lived: &Value) -> u64 {
    steps(lived).iter().filter_map(|s| s["accepted"].as_u64()).sum()
}

/// What the simulation said otherwise than it came.
fn differences(said: &Value, lived: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, said: Value, lived: Value| {
        if said != lived {
            found.push(format!("{what}: said {said}, lived {lived}"));
        }
    };
    let came: BTreeMap<&str, (u64, u64)> = steps(lived)
        .iter()
        .filter_map(|step| {
            Some((
                step["step"].as_str()?,
                (step["reached"].as_u64()?, step["now"].as_u64()?),
            ))
        })
        .collect();
    for step in steps(said) {
        let name = step["step"].as_str().unwrap_or_default();
        let (reached, now) = came.get(name).copied().unwrap_or_default();
        compare(name, json!(sum(&step["entered"])), json!(reached));
        compare(&format!("{name}, waiting"), step["waiting"].clone(), json!(now));
    }
    compare("mails", json!(sum(&said["mails"])), json!(accepted(lived)));
    compare("steps", json!(steps(said).len()), json!(came.len()));
    let ended = |report: &Value| -> u64 {
        let ways = report["ended"].as_array().map(Vec::as_slice).unwrap_or_default();
        ways.iter().filter_map(|way| way["count"].as_u64()).sum()
    };
    compare("ended", json!(ended(said)), json!(ended(lived)));
    found
}

/// The mail world, once it answers.
fn world(place: &Place, dir: &Path) -> Result<(Leashed, u16)> {
    let port = free_port()?;
    let mut command = place.carillon(wiring::world(&dir.join("truth.jsonl"), port, 0));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut running = Leashed::spawn(&mut command)?;
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if running.ended().is_some() || started.elapsed() > PATIENCE {
            return Err("The mail world does not answer.".to_string());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((running, port))
}

/// A score that the journey moves: by its points, and by what it posts, which halves in five days.
fn heat() -> Value {
    json!({ "kind": "points", "groups": [
        { "key": "offers", "name": "Offers", "decay": { "decay": "half_life", "days": 5 }, "rules": [
            { "key": "offered", "when": "did offered", "points": { "per": "each", "points": 4 } },
        ] },
    ] })
}

/// A workspace on a clock that is moved, with so many people in front of the journey, which is not published.
fn fill(place: &Place, dir: &Path, people: u64, drawing: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    let put = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
        Ok::<PathBuf, String>(path)
    };
    let mut csv = String::from("email,first_name,country,time_zone\n");
    for (n, (country, zone)) in (0..people).zip(PLACES.iter().cycle()) {
        csv.push_str(&format!("person{n}@example.com,Person {n},{country},{zone}\n"));
    }
    let (csv, letter) = (put("people.csv", &csv)?, put("letter.mjml", LETTER)?);
    let heat = put("heat.json", &heat().to_string())?;
    let drawing = put("journey.json", drawing)?;
    let file = dir.join("simulate.carillon");
    for args in [
        wiring::workspace_create_virtual(&file),
        wiring::workspace_sender(&file),
        wiring::import(&file, &csv),
        wiring::score_save(&file, "Heat", "heat", &heat),
        wiring::score_publish(&file, "Heat"),
        wiring::segment_save(&file, "Everyone", "everyone"),
        wiring::template_import(&file, "Letter", &letter),
        wiring::journey_import(&file, &drawing),
    ] {
        capture(&mut place.carillon(args))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulated(waiting: u64) -> Value {
        let step = |name: &str, entered: [u64; 2], left: u64, waiting: u64| {
            json!({ "step": name, "entered": entered, "waiting": waiting,
                    "left": [{ "port": "next", "per_day": [left, 0] }] })
        };
        json!({
            "mails": [3, 1], "ended": [{ "end": "done", "count": 3 }],
            "steps": [step("in", [3, 1], 4, 0), step("out", [1, 3], 3, waiting)],
        })
    }

    #[test]
    fn a_step_where_somebody_got_lost_is_seen() {
        assert!(is_whole(&simulated(1)));
        assert!(!is_whole(&simulated(0)));
        assert!(!is_whole(&json!({})));
        assert_eq!(
            entered(&simulated(1)),
            BTreeMap::from([("in".into(), 4), ("out".into(), 4)])
        );
    }

    #[test]
    fn what_was_lived_otherwise_than_simulated_is_named() {
        let lived = |reached: u64, now: u64, accepted: u64, ended: u64| {
            json!({ "ended": [{ "count": ended }], "steps": [
                { "step": "in", "reached": 4, "now": 0, "accepted": accepted },
                { "step": "out", "reached": reached, "now": now, "accepted": 0 },
            ] })
        };
        let found = |lived: &Value| differences(&simulated(1), lived);
        assert_eq!(found(&lived(4, 1, 4, 3)), [""; 0]);
        for (other, name) in [
            (lived(3, 1, 4, 3), "out: said 4, lived 3"),
            (lived(4, 0, 4, 3), "out, waiting"),
            (lived(4, 1, 3, 3), "mails"),
            (lived(4, 1, 4, 4), "ended"),
        ] {
            let found = found(&other);
            assert!(
                found.len() == 1 && found[0].starts_with(name),
                "{name}: {found:?}"
            );
        }
    }
}
