//! How well and how fast duplicates are found in a file whose truth is known.
//!
//! `cargo run --release -p carillon-engine --example dedup_bench -- FILE.csv`: a header of kinds (`given_name`, `surname`,
//! `street_number`, `address`, `suburb`, `post_code`, `state`, `country`, `phone`, `email`, `date`, `identifier`, `text`)
//! and `person`, which says who a row is and is not looked at. Prints one JSON object. With `--wrong N`, N pairs of each
//! kind of error are written to standard error with what they weigh. With `--pairs FILE`, what was found is written there,
//! a pair or a group a line, probabilities by their bits: two builds that find the same write the same file.

use carillon_engine::duplicates::{Found, Host, Kind, Records, find};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

const KINDS: &[(&str, Kind)] = &[
    ("given_name", Kind::GivenName),
    ("surname", Kind::Surname),
    ("street_number", Kind::StreetNumber),
    ("address", Kind::Address),
    ("suburb", Kind::Suburb),
    ("post_code", Kind::PostCode),
    ("state", Kind::State),
    ("country", Kind::Country),
    ("phone", Kind::Phone),
    ("email", Kind::Email),
    ("date", Kind::Date),
    ("identifier", Kind::Identifier),
    ("text", Kind::Text),
];

/// Two of them.
struct Threads;

impl Host for Threads {
    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        std::thread::scope(|scope| {
            let other = scope.spawn(other);
            let one = one();
            (one, other.join().unwrap_or_else(|e| std::panic::resume_unwind(e)))
        })
    }
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("FILE.csv is missing.")?;
    let (mut wrong, mut written) = (0, None);
    while let Some(option) = args.next() {
        let value = args.next().ok_or("An option needs a value.")?;
        match option.as_str() {
            "--wrong" => wrong = value.parse()?,
            "--pairs" => written = Some(value),
            _ => return Err(format!("{option} is not known.").into()),
        }
    }
    let (records, truth) = read(&file)?;
    let rows = truth.len();
    let started = Instant::now();
    let found = find(records, &Threads).ok_or("It was stopped.")?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(file) = written {
        write(&found, &file)?;
    }
    let said: Vec<(u32, u32)> = pairs_of(found.groups.iter().map(Vec::as_slice));
    let mut people: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (row, person) in truth.iter().enumerate() {
        people.entry(person).or_default().push(row as u32);
    }
    let wanted = pairs_of(people.values().map(Vec::as_slice));
    let right = said.iter().filter(|p| wanted.binary_search(p).is_ok()).count() as f64;
    let (precision, recall) = (right / said.len() as f64, right / wanted.len() as f64);
    println!(
        "{}",
        serde_json::json!({
            "rows": rows, "true_pairs": wanted.len(), "pairs": said.len(), "compared": found.compared,
            "precision": precision, "recall": recall, "f1": 2.0 * precision * recall / (precision + recall),
            "seconds": seconds, "peak_bytes": peak(),
        })
    );
    let missed: Vec<_> = wanted.iter().filter(|p| said.binary_search(p).is_err()).collect();
    let false_ones: Vec<_> = said.iter().filter(|p| wanted.binary_search(p).is_err()).collect();
    for (what, pairs) in [("missed", missed), ("false", false_ones)] {
        let step = pairs.len().div_ceil(std::cmp::max(wrong, 1)).max(1);
        for (a, b) in pairs.into_iter().step_by(step).take(wrong) {
            tell(&found, what, *a, *b);
        }
    }
    Ok(())
}

/// All that was found.
fn write(found: &Found, file: &str) -> Outcome<()> {
    let mut out = BufWriter::new(File::create(file)?);
    for pair in &found.pairs {
        writeln!(out, "{} {} {:016x}", pair.a, pair.b, pair.probability.to_bits())?;
    }
    for group in &found.groups {
        writeln!(out, "{group:?}")?;
    }
    Ok(out.flush()?)
}

fn tell(found: &Found, what: &str, a: u32, b: u32) {
    let weights = found.explain(a, b);
    let sum: f64 = weights.iter().map(|w| w.bits()).sum();
    let known = found.pairs.binary_search_by_key(&(a, b), |p| (p.a, p.b)).is_ok();
    eprintln!("{what} rows {a} {b}: {sum:.1} bits, a pair of the queue: {known}");
    for weight in weights {
        eprintln!("    {weight:.1?}");
    }
}

/// The records of a file and who each is.
fn read(file: &str) -> Outcome<(Records, Vec<String>)> {
    let mut reader = csv::Reader::from_path(file)?;
    let headings = reader.headers()?.clone();
    let person = headings.iter().position(|h| h == "person").ok_or("no `person`")?;
    let of = |heading: &str| {
        KINDS
            .iter()
            .find(|(name, _)| *name == heading)
            .map(|(_, kind)| *kind)
    };
    let columns: Vec<(usize, Kind)> = headings
        .iter()
        .enumerate()
        .filter_map(|(i, h)| Some((i, of(h)?)))
        .collect();
    let kinds: Vec<Kind> = columns.iter().map(|(_, kind)| *kind).collect();
    let (mut records, mut truth) = (Records::new(&kinds), Vec::new());
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row)? {
        truth.push(row[person].to_string());
        records.push(columns.iter().map(|(i, _)| &row[*i]));
    }
    Ok((records, truth))
}

fn pairs_of<'a>(groups: impl Iterator<Item = &'a [u32]>) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for group in groups {
        for (i, a) in group.iter().enumerate() {
            pairs.extend(group[i + 1..].iter().map(|b| (*a.min(b), *a.max(b))));
        }
    }
    pairs.sort_unstable();
    pairs
}

/// The most memory this process had, in bytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
