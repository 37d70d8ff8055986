//! What a program takes while it runs: time, memory and the processor's time, by what Linux says of its process group.

use crate::Result;
use crate::children::Leashed;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest time something watched may take.
pub(super) const LIMIT: Duration = Duration::from_secs(1_800);
/// Parts of a second `/proc` counts processor time in: `USER_HZ`, which is 100 on every architecture Debian has.
const TICKS: u64 = 100;

/// Runs to the end: how long it took, and the most memory that it and its children had at once, in MB.
pub(super) fn watched(command: &mut Command) -> Result<(Duration, f64)> {
    let started = Instant::now();
    let mut running = Leashed::spawn(command)?;
    let mut most = 0;
    loop {
        let ended = running.wait_for(Duration::from_millis(20));
        let took = started.elapsed();
        match ended {
            Some(status) if status.success() => return Ok((took, most as f64 / 1e3)),
            Some(status) => return Err(format!("What was measured ended with {status}.")),
            None if took > LIMIT => return Err("What was measured did not come to an end.".to_string()),
            None => most = most.max(resident_kb(running.id())),
        }
    }
}

/// Memory of all processes of a group.
pub(super) fn resident_kb(group: u32) -> u64 {
    of_group(group, |dir, _| {
        let status = std::fs::read_to_string(dir.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    })
}

/// Processor time of all processes of a group so far.
pub(super) fn processor(group: u32) -> Duration {
    // After state, parent and group: fields 14 and 15 of proc(5), of which the third is the first here.
    let ticks = of_group(group, |_, stat| {
        Some(stat.get(11)?.parse::<u64>().ok()? + stat.get(12)?.parse::<u64>().ok()?)
    });
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// The sum of what each process of a group has, by its folder below `/proc` and the words of its `stat` after the name.
fn of_group(group: u32, of: impl Fn(PathBuf, &[&str]) -> Option<u64>) -> u64 {
    let one = |dir: PathBuf| -> Option<u64> {
        let stat = std::fs::read_to_string(dir.join("stat")).ok()?;
        // After the name in brackets: state, parent, group.
        let words: Vec<&str> = stat.rsplit(") ").next()?.split_whitespace().collect();
        let own: u32 = words.get(2)?.parse().ok()?;
        (own == group).then(|| of(dir, &words))?
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| one(entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_memory_of_a_group_counts_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & sleep 600"]);
        let running = Leashed::spawn(&mut command).expect("sh");
        let alone = || resident_kb(std::process::id().wrapping_add(1_000_000));
        let started = Instant::now();
        // Each of the three has a page at least, once they have become what they are.
        while resident_kb(running.id()) < 300 && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(resident_kb(running.id()) >= 300);
        assert_eq!(alone(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_works_takes_the_processor_and_whoever_sleeps_does_not() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "while :; do :; done"]);
        let (busy, started) = (Leashed::spawn(&mut busy).expect("sh"), Instant::now());
        let idle = Leashed::spawn(Command::new("sleep").arg("600")).expect("sleep");
        let enough = Duration::from_millis(200);
        while processor(busy.id()) < enough && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(processor(busy.id()) >= enough);
        assert!(processor(idle.id()) < enough);
    }

    #[test]
    fn what_ran_and_failed_is_no_figure() {
        assert!(watched(Command::new("sh").args(["-c", "exit 3"])).is_err());
        let (took, _) = watched(Command::new("sh").args(["-c", "sleep 0.1"])).expect("a time");
        assert!(took >= Duration::from_millis(100));
    }
}
