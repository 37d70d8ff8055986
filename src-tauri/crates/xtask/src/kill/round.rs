//! One workspace from its first contact to its last message, with kills in between.

use super::{Of, Orders, Tally};
use crate::children::{Leashed, capture};
use crate::dice::Dice;
use crate::ground::root;
use crate::truth::{self, Expectation, Row};
use crate::webdriver::free_port;
use crate::{Result, wiring};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest life of one sender that nobody kills.
const LIFE_LIMIT: Duration = Duration::from_secs(900);
/// How long the last messages may take: a message that was put off waits minutes for its next turn.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// A named point ends the life at one of its first so many passages.
const PASSAGES: u64 = 20;
/// Name of segment, template and journey.
const NAME: &str = "Kill";

/// A workspace ready to send, and its mail server.
pub struct Round<'a> {
    orders: &'a Orders,
    carillon: &'a PathBuf,
    file: PathBuf,
    truth: PathBuf,
    copy: PathBuf,
    expectation: Expectation,
    dice: Dice,
    /// Taken away by dropping it, when the round is over.
    _world: Leashed,
}

impl<'a> Round<'a> {
    /// Makes the workspace: people, those who said no, a journey or campaign of one mail, an account on the mail world.
    pub fn prepare(
        orders: &'a Orders,
        carillon: &'a PathBuf,
        dir: PathBuf,
        number: u64,
    ) -> Result<Round<'a>> {
        std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
        let (file, truth) = (dir.join("kill.carillon"), dir.join("truth.jsonl"));
        let port = free_port()?;
        let mut world = orders.carillon(carillon);
        world
            .args(wiring::world(&truth, port, orders.delay_ms))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let world = Leashed::spawn(&mut world)?;
        let mut round = Round {
            orders,
            carillon,
            file,
            truth,
            copy: dir.join("copy"),
            expectation: Expectation {
                sessions: orders.sessions,
                ..Expectation::default()
            },
            dice: Dice::new(orders.seed.wrapping_mul(1_000_003).wrapping_add(number)),
            _world: world,
        };
        round.fill(&dir, port)?;
        Ok(round)
    }

    fn fill(&mut self, dir: &Path, port: u16) -> Result<()> {
        let people: Vec<String> = (0..self.orders.messages)
            .map(|n| format!("person{n}@example.com"))
            .collect();
        let mut csv = String::from("email,first_name\n");
        for (n, address) in people.iter().enumerate() {
            csv.push_str(&format!("{address},Person {n}\n"));
        }
        let of_campaign = self.orders.of == Of::Campaign;
        let journey = json!({
            "format": "carillon/journey/1",
            "name": NAME,
            "steps": [
                { "id": "in", "kind": "entry_segment", "next": { "next": "mail" },
                  "settings": { "segment": NAME, "on": "entered", "include_current": true } },
                { "id": "mail", "kind": "send_email", "settings": { "template": NAME }, "next": { "next": "out" } },
                { "id": "out", "kind": "exit" },
            ],
        });
        let put = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
            Ok::<PathBuf, String>(path)
        };
        let csv = put("people.csv", &csv)?;
        let template = put("kill.mjml", TEMPLATE)?;
        let journey = put("kill.json", &journey.to_string())?;
        self.expectation.people = people.into_iter().collect();

        self.tell(wiring::workspace_create(&self.file))?;
        self.tell(wiring::workspace_sender(&self.file))?;
        self.tell(wiring::account(&self.file, NAME, port, self.orders.sessions))?;
        self.tell(wiring::import(&self.file, &csv))?;
        self.tell(wiring::segment_save(&self.file, NAME, "everyone"))?;
        self.tell(wiring::template_import(&self.file, NAME, &template))?;
        match of_campaign {
            true => self.tell(wiring::campaign_create(&self.file, NAME, NAME, NAME))?,
            false => self.tell(wiring::journey_import(&self.file, &journey))?,
        };
        // Some have said no before anything is decided.
        for _ in 0..(self.orders.messages / 100).clamp(1, 20) {
            self.refuse_somebody()?;
        }
        match of_campaign {
            true => {
                self.tell(wiring::campaign_recall_secs(&self.file, 0))?;
                let gets = self.expectation.people.len();
                self.tell(wiring::campaign_start(&self.file, NAME, gets, 0))?
            }
            false => self.tell(wiring::journey_publish(&self.file, NAME))?,
        };
        Ok(())
    }

    fn tell(&self, args: Vec<String>) -> Result<String> {
        capture(self.orders.carillon(self.carillon).args(args))
    }

    /// Somebody says no. Nothing is running, so nothing of theirs is on its way.
    fn refuse_somebody(&mut self) -> Result<()> {
        let n = self
            .dice
            .between(0, self.expectation.people.len().saturating_sub(1) as u64);
        let Some(person) = self.expectation.people.iter().nth(n as usize).cloned() else {
            return Ok(());
        };
        self.tell(wiring::suppress(&self.file, &person))?;
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as i64);
        self.expectation.people.remove(&person);
        self.expectation.refused.insert(person, since);
        Ok(())
    }

    /// Kills until enough or until everything is sent; then lets the rest go out and judges. Returns the kills.
    pub fn play(mut self, tally: &mut Tally) -> Result<u64> {
        let mut kills = 0;
        while tally.kills < self.orders.kills && self.live_and_die(tally)? {
            kills += 1;
            tally.kills += 1;
            if !self.orders.points {
                self.note_state(tally)?;
            }
            if self.dice.between(0, 9) == 0 {
                self.refuse_somebody()?;
            }
        }
        self.expectation.kills = kills;
        self.finish(tally)?;
        let rows = self.rows()?;
        let log = std::fs::read_to_string(&self.truth).unwrap_or_default();
        tally.add(truth::judge(&self.expectation, &rows, &truth::read_log(&log)?));
        Ok(kills)
    }

    fn sender(&self, crash_at: Option<&str>) -> Result<Leashed> {
        let mut command = self.orders.carillon(self.carillon);
        if let Some(point) = crash_at {
            command.env(wiring::CRASH_AT, point).stderr(Stdio::null());
        }
        command
            .args(wiring::run_until_idle(&self.file))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Leashed::spawn(&mut command)
    }

    /// One life of the sender. False when it ended by itself, everything being sent.
    fn live_and_die(&mut self, tally: &mut Tally) -> Result<bool> {
        if self.orders.points {
            return self.live_to_a_point(tally);
        }
        let before = self.written();
        let started = Instant::now();
        let mut sender = self.sender(None)?;
        // A quarter of the kills comes while the program is starting, the others from its first message on.
        let early = self.dice.between(0, 3) == 0;
        let wait = Duration::from_millis(self.dice.between(0, self.orders.window_ms));
        while !early && self.written() == before && sender.ended().is_none() && started.elapsed() < LIFE_LIMIT
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = sender.wait_for(wait);
        sender.kill();
        tally.running += started.elapsed();
        match ended {
            None => Ok(true),
            Some(status) if status.success() => Ok(false),
            Some(status) => Err(format!("The sender ended by itself with {status}.")),
        }
    }

    /// A life that ends itself at a named point, each in its turn, at one of its first passages.
    fn live_to_a_point(&mut self, tally: &mut Tally) -> Result<bool> {
        let points = wiring::points_of_sending();
        let point = points[(tally.kills % points.len() as u64) as usize];
        let passage = self.dice.between(1, PASSAGES);
        let started = Instant::now();
        let mut sender = self.sender(Some(&format!("{point}:{passage}")))?;
        let ended = sender.wait_for(LIFE_LIMIT);
        tally.running += started.elapsed();
        match ended {
            None => Err(format!("The sender neither ended nor came to {point}.")),
            Some(status) if status.success() => Ok(false),
            Some(_) => {
                *tally.by_state.entry(point.to_string()).or_default() += 1;
                Ok(true)
            }
        }
    }

    fn written(&self) -> u64 {
        std::fs::metadata(&self.truth).map_or(0, |m| m.len())
    }

    /// Lets senders live until nothing is open any more.
    fn finish(&mut self, tally: &mut Tally) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let started = Instant::now();
            let mut sender = self.sender(None)?;
            let ended = sender.wait_for(LIFE_LIMIT);
            tally.running += started.elapsed();
            match ended {
                None => return Err("The sender did not come to an end.".to_string()),
                Some(status) if !status.success() => return Err(format!("The sender ended with {status}.")),
                Some(_) => {}
            }
            let open: u64 = self
                .states()?
                .into_iter()
                .filter(|(name, _)| is_open(name))
                .map(|(_, n)| n)
                .sum();
            if open == 0 || Instant::now() >= until {
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    /// Counts the kill under the furthest state a message was in.
    fn note_state(&self, tally: &mut Tally) -> Result<()> {
        let states = self.states()?;
        let furthest = ["in_flight", "claimed", "deferred", "queued"]
            .into_iter()
            .find(|wanted| states.iter().any(|(name, n)| name == wanted && *n > 0));
        *tally
            .by_state
            .entry(furthest.unwrap_or("starting").to_string())
            .or_default() += 1;
        Ok(())
    }

    fn states(&self) -> Result<Vec<(String, u64)>> {
        let said = self.read_copy(&[])?;
        let states = said["states"].as_object().cloned().unwrap_or_default();
        states
            .iter()
            .map(|(number, n)| Ok((state_name(number)?, n.as_u64().unwrap_or_default())))
            .collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let said = self.read_copy(&["--rows"])?;
        let rows = said["rows"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| {
                Ok(Row {
                    to: row[0].as_str().unwrap_or_default().to_string(),
                    state: state_name(&row[1].to_string())?,
                })
            })
            .collect()
    }

    fn read_copy(&self, options: &[&str]) -> Result<Value> {
        read_copy("tests/bench/outbox.py", &self.file, &self.copy, options)
    }
}

/// What a copy of a workspace file holds, told by a program that is not ours. Nobody has the file open now.
pub fn read_copy(reader: &str, file: &Path, into: &Path, options: &[&str]) -> Result<Value> {
    std::fs::remove_dir_all(into).ok();
    std::fs::create_dir_all(into).map_err(|e| e.to_string())?;
    let copy = into.join("copy.db");
    std::fs::copy(file, &copy).map_err(|e| format!("{} cannot be copied: {e}", file.display()))?;
    let wal = PathBuf::from(format!("{}-wal", file.display()));
    if wal.exists() {
        std::fs::copy(&wal, into.join("copy.db-wal")).map_err(|e| e.to_string())?;
    }
    let text = capture(
        Command::new("python3")
            .arg(root().join(reader))
            .arg(&copy)
            .args(options),
    )?;
    let said: Value = serde_json::from_str(&text).map_err(|e| format!("The reader wrote no JSON: {e}"))?;
    match said["integrity"].as_str() {
        Some("ok") => Ok(said),
        other => Err(format!(
            "The file is damaged after a kill: {}",
            other.unwrap_or("no answer")
        )),
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "queued" | "deferred" | "claimed" | "in_flight")
}

fn state_name(number: &str) -> Result<String> {
    number
        .parse::<usize>()
        .ok()
        .and_then(|n| wiring::OUTBOX_STATES.get(n))
        .map(|name| name.to_string())
        .ok_or_else(|| format!("The outbox holds the unknown state {number}."))
}

const TEMPLATE: &str = "<mjml><mj-body><mj-section><mj-column>\
<mj-text>Hello {{ first_name }}</mj-text>\
<mj-text>{{ postal_address }} {{ unsubscribe_line }}</mj-text>\
</mj-column></mj-section></mj-body></mjml>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_known_by_their_numbers_in_the_file() {
        assert_eq!(state_name("3").as_deref(), Ok("in_flight"));
        assert_eq!(state_name("4").as_deref(), Ok("unknown"));
        assert!(state_name("99").is_err());
        assert!(is_open("claimed") && !is_open("unknown") && !is_open("accepted"));
    }
}
