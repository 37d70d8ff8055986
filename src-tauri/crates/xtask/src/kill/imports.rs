//! Imports that are killed and go on, beside one that nobody disturbed.

use super::round::read_copy;
use super::{List, Orders};
use crate::children::{Leashed, capture, run};
use crate::dice::Dice;
use crate::ground::root;
use crate::{Result, python, wiring};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest life of one import that nobody kills.
const LIFE_LIMIT: Duration = Duration::from_secs(600);
/// A named point ends the life at one of its first so many passages; an import of 2,000 rows has some slices only.
const PASSAGES: u64 = 4;

/// What an import left, and how long it took.
struct Left {
    digest: String,
    people: u64,
    /// Rows it refused, as they stand in the file of refused rows, in any order.
    refused: Vec<String>,
}

/// A workspace and the list that goes into it.
struct Victim<'a> {
    orders: &'a Orders,
    carillon: &'a PathBuf,
    dir: PathBuf,
    list: PathBuf,
}

/// What writes lists of other kinds; not our own writers, which would make the same mistakes.
const WRITERS: &[&str] = &["openpyxl==3.1.5", "pyarrow==26.0.1"];

/// The people of a CSV file as a file of another kind.
fn list_as(list: List, csv: &Path, dir: &Path) -> Result<PathBuf> {
    let python = match list {
        List::Csv => return Ok(csv.to_owned()),
        List::Lines | List::Sqlite => PathBuf::from("python3"),
        List::Xlsx | List::Parquet => python::with("lists", WRITERS)?,
    };
    let to = dir.join(format!("people.{}", list.word()));
    let mut command = Command::new(python);
    run(command
        .arg(root().join("tests/bench/list_as.py"))
        .arg(csv)
        .arg(&to))?;
    Ok(to)
}

/// The command: kills imports until there were as many as asked for.
pub fn command(orders: &Orders, carillon: &PathBuf, dir: &Path) -> Result<()> {
    let csv = dir.join("people.csv");
    std::fs::create_dir_all(dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    std::fs::write(&csv, list(orders.messages))
        .map_err(|e| format!("{} cannot be written: {e}", csv.display()))?;
    let file = list_as(orders.list, &csv, dir)?;
    let victim = |name: &str| Victim {
        orders,
        carillon,
        dir: dir.join(name),
        list: file.clone(),
    };
    let whole = victim("whole");
    let started = Instant::now();
    whole.create()?;
    let created = Instant::now();
    let status = whole.go_on(None, None)?;
    if !status.is_some_and(|s| s.success()) {
        return Err("The import that nobody disturbs failed.".to_string());
    }
    let took = created.elapsed();
    let wanted = whole.left()?;
    let mut dice = Dice::new(orders.seed);
    let (mut kills, mut rounds, mut idle) = (0, 0, 0);
    let mut by_when: BTreeMap<String, u64> = BTreeMap::new();
    let mut broken = Vec::new();
    while kills < orders.kills {
        rounds += 1;
        let one = victim(&rounds.to_string());
        one.create()?;
        let before = kills;
        while kills < orders.kills {
            let Some(when) = one.live_and_die(&mut dice, kills, took)? else {
                break;
            };
            kills += 1;
            *by_when.entry(when).or_default() += 1;
        }
        idle = if kills == before { idle + 1 } else { 0 };
        if idle == 10 {
            return Err("Ten imports passed before they could be killed; use more --messages.".to_string());
        }
        one.finish()?;
        broken.extend(
            compare(&wanted, &one.left()?)
                .into_iter()
                .map(|b| format!("round {rounds}: {b}")),
        );
    }
    report(
        orders,
        kills,
        rounds,
        &by_when,
        &wanted,
        started.elapsed(),
        &broken,
    );
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("The law is broken:\n  {}", broken.join("\n  ")))
}

/// People, some of them twice, some rows without an address, some with a value that is no number.
fn list(rows: u64) -> String {
    let mut text = String::from("email,first_name,points,team\n");
    for n in 0..rows {
        // Neither sorted nor in the order they would be written in; every fiftieth stood further up already.
        let who = if n % 50 == 9 { n - 1 } else { n }.wrapping_mul(2_654_435_761) % rows.max(1);
        let email = match n % 50 {
            7 => "nobody".to_string(),
            _ => format!("person.{who}@example.com"),
        };
        let points = if n % 31 == 3 {
            "many".to_string()
        } else {
            n.to_string()
        };
        text.push_str(&format!("{email},Person {who},{points},g{}\n", n % 5));
    }
    text
}

fn compare(wanted: &Left, left: &Left) -> Vec<String> {
    let mut broken = Vec::new();
    if left.people != wanted.people {
        broken.push(format!("{} contacts instead of {}", left.people, wanted.people));
    } else if left.digest != wanted.digest {
        broken.push("values, tags, consents or counts differ".to_string());
    }
    if left.refused != wanted.refused {
        broken.push(format!(
            "{} refused rows instead of {}, or others",
            left.refused.len(),
            wanted.refused.len()
        ));
    }
    broken
}

#[allow(clippy::too_many_arguments)]
fn report(
    orders: &Orders,
    kills: u64,
    rounds: u64,
    by_when: &BTreeMap<String, u64>,
    wanted: &Left,
    took: Duration,
    broken: &[String],
) {
    let law = if broken.is_empty() { "kept" } else { "broken" };
    if orders.json {
        println!(
            "{}",
            json!({
                "of": "import", "list": orders.list.word(), "at": if orders.points { "points" } else { "random" }, "kills": kills,
                "kills_by_state": by_when, "rounds": rounds, "rows": orders.messages, "people": wanted.people,
                "refused_rows": wanted.refused.len(), "seconds": took.as_secs(), "seed": orders.seed, "law": law,
            })
        );
        return;
    }
    println!("\nlist                  {}", orders.list.word());
    println!("kills of imports      {kills}");
    for (when, n) in by_when {
        println!("  {when:<20}{n}");
    }
    println!("imports               {rounds}");
    println!("rows of each          {}", orders.messages);
    println!("people                {}", wanted.people);
    println!("refused rows          {}", wanted.refused.len());
    println!("the law is            {law}");
}

impl Victim<'_> {
    fn file(&self) -> PathBuf {
        self.dir.join("kill.carillon")
    }

    fn create(&self) -> Result<()> {
        std::fs::create_dir_all(&self.dir)
            .map_err(|e| format!("{} cannot be made: {e}", self.dir.display()))?;
        let args = wiring::workspace_create(&self.file());
        capture(self.orders.carillon(self.carillon).args(args)).map(drop)
    }

    /// Begins the import or goes on with it, for so long or until a named point. `None`: killed while it ran.
    fn go_on(&self, limit: Option<Duration>, crash_at: Option<&str>) -> Result<Option<ExitStatus>> {
        let begun = self.read()?["imports"][0][0].as_u64();
        let args = match begun {
            Some(id) => wiring::import_resume(&self.file(), &self.list, id),
            None => wiring::import(&self.file(), &self.list),
        };
        let mut command = self.orders.carillon(self.carillon);
        if let Some(point) = crash_at {
            command.env(wiring::CRASH_AT, point).stderr(Stdio::null());
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = Leashed::spawn(&mut command)?;
        let ended = child.wait_for(limit.unwrap_or(LIFE_LIMIT));
        child.kill();
        match (ended, limit) {
            (None, None) => Err("An import did not come to an end.".to_string()),
            (ended, _) => Ok(ended),
        }
    }

    /// One life. The name of the moment of death, or `None` when the import came to its end.
    fn live_and_die(&self, dice: &mut Dice, kills: u64, took: Duration) -> Result<Option<String>> {
        if self.ended()? {
            return Ok(None);
        }
        if self.orders.points {
            let points = wiring::points_of_importing();
            let point = points[(kills % points.len() as u64) as usize];
            // There is one end.
            let passage = if point == "import_end" {
                1
            } else {
                dice.between(1, PASSAGES)
            };
            let ended = self.go_on(None, Some(&format!("{point}:{passage}")))?;
            return Ok((!ended.is_some_and(|s| s.success())).then(|| format!("at {point}")));
        }
        let limit = Duration::from_millis(dice.between(0, took.as_millis() as u64));
        match self.go_on(Some(limit), None)? {
            Some(status) if status.success() => Ok(None),
            Some(status) => Err(format!("The import ended by itself with {status}.")),
            None => {
                let begun = self.read()?["imports"][0][1]
                    .as_str()
                    .map_or("before its first row".to_string(), |state| {
                        format!("while {state}")
                    });
                Ok(Some(begun))
            }
        }
    }

    fn ended(&self) -> Result<bool> {
        Ok(self.read()?["imports"][0][1].as_str() == Some("done"))
    }

    fn finish(&self) -> Result<()> {
        if self.ended()? {
            return Ok(());
        }
        match self.go_on(None, None)? {
            Some(status) if status.success() => Ok(()),
            _ => Err("An import that was killed could not be brought to its end.".to_string()),
        }
    }

    fn read(&self) -> Result<Value> {
        read_copy("tests/bench/people.py", &self.file(), &self.dir.join("copy"), &[])
    }

    fn left(&self) -> Result<Left> {
        let said = self.read()?;
        let rejects = PathBuf::from(format!("{}.import-1.csv", self.file().display()));
        let text = std::fs::read_to_string(&rejects).unwrap_or_default();
        let mut refused: Vec<String> = text.lines().map(str::to_string).collect();
        refused.sort();
        Ok(Left {
            digest: said["digest"].as_str().unwrap_or_default().to_string(),
            people: said["people"].as_u64().unwrap_or_default(),
            refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(digest: &str, people: u64, refused: &[&str]) -> Left {
        Left {
            digest: digest.to_string(),
            people,
            refused: refused.iter().map(|r| r.to_string()).collect(),
        }
    }

    #[test]
    fn one_contact_one_value_or_one_refused_row_more_breaks_the_law() {
        let wanted = left("a", 3, &["x"]);
        assert!(compare(&wanted, &left("a", 3, &["x"])).is_empty());
        assert_eq!(compare(&wanted, &left("a", 4, &["x"])).len(), 1);
        assert_eq!(compare(&wanted, &left("b", 3, &["x"])).len(), 1);
        assert_eq!(compare(&wanted, &left("a", 3, &["x", "x"])).len(), 1);
    }

    #[test]
    fn the_list_has_rows_that_are_good_double_and_bad() {
        let text = list(200);
        let emails: Vec<&str> = text.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
        let good: std::collections::BTreeSet<&&str> = emails.iter().filter(|e| e.contains('@')).collect();
        assert_eq!(emails.len(), 200);
        assert_eq!(emails.iter().filter(|e| **e == "nobody").count(), 4);
        assert!(good.len() < 196, "some stand twice");
    }
}
