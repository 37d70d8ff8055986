//! Messages a second from the order to send until the server has the last one: into Postfix's `smtp-sink`, unsigned and
//! signed, with every message's state on the disk before and after; beside nodemailer with the same message. Then signed
//! once more, killed at that rate; and unsigned to so many that memory would tell.

use super::sink::Sink;
use super::watched::{LIMIT, resident_kb, watched};
use super::{Figure, Place, figure, peers};
use crate::children::{Leashed, capture};
use crate::ground::{find_program, root};
use crate::kill::read_copy;
use crate::packages::Need;
use crate::{Result, node, python, setup, wiring};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PEER: &[&str] = &["nodemailer@10.6.1"];
/// Looks at what was sent: an independent reader of DKIM.
const READER: &[&str] = &["dkimpy==1.1.8"];
/// Messages that are read before any is timed.
const LOOKED_AT: u64 = 20;
const NAME: &str = "Bench";
/// What the sign of a figure is in front of.
const WAYS: [(&str, bool); 2] = [("send.unsigned", false), ("send.signed", true)];
/// In the file of secrets of a workspace that lives for minutes.
const PASSPHRASE: (&str, &str) = ("CARILLON_PASSPHRASE", "only for this bench");

/// What is installed, once for all rounds.
struct Peers {
    node: PathBuf,
    reader: PathBuf,
}

/// Unsigned, then signed: ours, and nodemailer in one process and in one a core.
pub(super) fn measure(place: &Place) -> Result<Vec<Figure>> {
    setup::ensure(&[Need::Python], place.yes)?;
    setup::ensure_mail(place.yes)?;
    setup::require_node()?;
    let peers = Peers {
        node: node::with("node-mail", PEER)?,
        reader: python::with("python-dkim", READER)?,
    };
    let mut all = Vec::new();
    for (name, signed) in WAYS {
        all.extend(one_way(place, &peers, name, signed)?);
    }
    all.push(killed(place)?);
    all.push(many(place)?);
    Ok(all)
}

fn one_way(place: &Place, others: &Peers, name: &str, signed: bool) -> Result<Vec<Figure>> {
    let (people, sessions) = sizes(place);
    let dir = place.dir.join(name);
    let like = look(place, others, &dir.join("look"), signed)?;
    let sink = Sink::start(&dir, false)?;
    let (file, _) = fill(place, &dir, people, sink.port, sessions, signed)?;
    let (took, megabytes) = watched(&mut sender(place, &file))?;
    let taken = sink.taken();
    drop(sink);
    let states = read_copy("tests/bench/outbox.py", &file, &dir.join("copy"), &[])?;
    let right = taken == people && states["states"] == json!({ ACCEPTED: people });
    let mut rate = figure(name, people as f64 / took.as_secs_f64(), "messages/s", right);
    rate.limit = Some(limit(&dir, people, sessions)?);
    let ours = [rate, figure(&format!("{name}.memory"), megabytes, "MB", right)];
    let mut all = ours.to_vec();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for workers in [1, cores] {
        all.extend(by_nodemailer(
            others,
            &ours,
            &dir,
            &like,
            [people, sessions],
            signed,
            workers,
        )?);
    }
    Ok(all)
}

/// The numbers of states in the file.
const ACCEPTED: &str = "6";
const UNKNOWN: &str = "4";
/// How often a sending is killed, each time after a tenth of the messages, before it may come to its end.
const KILLS: u64 = 5;

/// Of how many messages a kill leaves nobody knowing whether they arrived, signed and at full speed; the limit is what was on its way
/// at most. Right when there are no more, each other one was accepted, and the server took those and no more than the
/// unknown ones beside them: nothing lost and nothing twice.
fn killed(place: &Place) -> Result<Figure> {
    let (people, sessions) = sizes(place);
    let dir = place.dir.join("send.killed");
    std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    let sink = Sink::start(&dir, false)?;
    let (file, _) = fill(place, &dir, people, sink.port, sessions, true)?;
    for _ in 0..KILLS {
        let before = sink.taken();
        let mut running = Leashed::spawn(&mut sender(place, &file))?;
        while sink.taken() < before + people / 10 {
            if running.wait_for(Duration::from_millis(20)).is_some() {
                return Err("What was to be killed ended by itself.".to_string());
            }
        }
        running.kill();
    }
    watched(&mut sender(place, &file))?;
    let taken = sink.taken();
    let states = read_copy("tests/bench/outbox.py", &file, &dir.join("copy"), &[])?;
    let of = |state: &str| states["states"][state].as_u64().unwrap_or_default();
    let (accepted, unknown) = (of(ACCEPTED), of(UNKNOWN));
    let right =
        accepted + unknown == people && unknown <= KILLS * sessions && (accepted..=people).contains(&taken);
    let mut figure = figure(
        "send.unknown",
        unknown as f64 / KILLS as f64,
        "messages/kill",
        right,
    );
    figure.limit = Some(sessions as f64);
    Ok(figure)
}

/// The most memory while the first are sent of fifty times as many messages, which all are queued before: of 20,000 a million.
/// Right when the server took as many, and the outbox has all others still to send.
fn many(place: &Place) -> Result<Figure> {
    let (first, sessions) = sizes(place);
    let people = first * 50;
    let dir = place.dir.join("send.many");
    std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    let sink = Sink::start(&dir, false)?;
    let (file, _) = fill(place, &dir, people, sink.port, sessions, false)?;
    let started = Instant::now();
    let mut running = Leashed::spawn(&mut sender(place, &file))?;
    let mut most = 0;
    while sink.taken() < first {
        if running.wait_for(Duration::from_millis(50)).is_some() || started.elapsed() > LIMIT {
            return Err("What was measured did not send as many.".to_string());
        }
        most = most.max(resident_kb(running.id()));
    }
    running.kill();
    let taken = sink.taken();
    let states = read_copy("tests/bench/outbox.py", &file, &dir.join("copy"), &[])?;
    let states = states["states"].as_object().cloned().unwrap_or_default();
    let queued: u64 = states.values().filter_map(Value::as_u64).sum();
    let accepted = states.get(ACCEPTED).and_then(Value::as_u64).unwrap_or_default();
    let right = queued == people && accepted <= taken && taken <= accepted + sessions;
    Ok(figure("send.many.memory", most as f64 / 1e3, "MB", right))
}

/// Sends whatever there is to send.
fn sender(place: &Place, file: &Path) -> Command {
    let mut sender = place.carillon(wiring::run_until_idle(file));
    sender
        .env(PASSPHRASE.0, PASSPHRASE.1)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    sender
}

/// People and sessions.
fn sizes(place: &Place) -> (u64, u64) {
    (place.size.unwrap_or(20_000), place.sessions.unwrap_or(16))
}

/// Sends to a few people, has what came read by others, and returns one of the messages for the peer.
fn look(place: &Place, others: &Peers, dir: &Path, signed: bool) -> Result<PathBuf> {
    std::fs::create_dir_all(dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    let sink = Sink::start(dir, true)?;
    let (file, record) = fill(place, dir, LOOKED_AT, sink.port, 1, signed)?;
    let mut sender = place.carillon(wiring::run_until_idle(&file));
    capture(sender.env(PASSPHRASE.0, PASSPHRASE.1))?;
    let mut reader = peers::script(others.reader.clone(), "send_message.py");
    reader.arg(Sink::kept(dir)).args(record);
    let text = capture(&mut reader)?;
    let like: Value = serde_json::from_str(&text).map_err(|e| format!("The reader wrote no JSON: {e}"))?;
    if like["looked"] != LOOKED_AT {
        return Err(format!("{} of {LOOKED_AT} messages came.", like["looked"]));
    }
    let to = dir.join("message.json");
    std::fs::write(&to, text).map_err(|e| format!("{} cannot be written: {e}", to.display()))?;
    Ok(to)
}

/// A workspace whose journey has a message for each of these people, and the text of its signing key's record.
fn fill(
    place: &Place,
    dir: &Path,
    people: u64,
    port: u16,
    sessions: u64,
    signed: bool,
) -> Result<(PathBuf, Option<String>)> {
    let put = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
        Ok::<PathBuf, String>(path)
    };
    let mut csv = String::from("email,first_name\n");
    for n in 0..people {
        csv.push_str(&format!("person{n}@example.com,Person {n}\n"));
    }
    let (csv, template) = (put("people.csv", &csv)?, put("letter.mjml", &letter())?);
    let journey = put("journey.json", &journey().to_string())?;
    let file = dir.join("send.carillon");
    let tell = |args: Vec<String>| capture(place.carillon(args).env(PASSPHRASE.0, PASSPHRASE.1));
    tell(wiring::workspace_create(&file))?;
    tell(wiring::workspace_sender(&file))?;
    tell(wiring::account(&file, NAME, port, sessions))?;
    let mut record = None;
    if signed {
        let made = tell(wiring::dkim_make(&file, NAME, "example.com"))?;
        let made: Value = serde_json::from_str(&made).map_err(|e| format!("No record: {e}"))?;
        record = made["value"].as_str().map(str::to_string);
        tell(wiring::dkim_on(&file, NAME))?;
    }
    tell(wiring::import(&file, &csv))?;
    tell(wiring::segment_save(&file, NAME, "everyone"))?;
    tell(wiring::template_import(&file, NAME, &template))?;
    tell(wiring::journey_import(&file, &journey))?;
    tell(wiring::journey_publish(&file, NAME))?;
    Ok((file, record))
}

fn journey() -> Value {
    json!({
        "format": "carillon/journey/1",
        "name": NAME,
        "steps": [
            { "id": "in", "kind": "entry_segment", "next": { "next": "mail" },
              "settings": { "segment": NAME, "on": "entered", "include_current": true } },
            { "id": "mail", "kind": "send_email", "settings": { "template": NAME }, "next": { "next": "out" } },
            { "id": "out", "kind": "exit" },
        ],
    })
}

/// A letter of usual length.
fn letter() -> String {
    let news = "We roast on Tuesdays and send on Wednesdays, so that what you get is two days old. This week there is a \
                new one from Huila, sweet and round, and the last bags of the one from Yirgacheffe.";
    let mut body = String::new();
    for n in 1..=4 {
        body.push_str(&format!(
            "<mj-section><mj-column><mj-text font-size=\"20px\">News {n} for {{{{ first_name }}}}</mj-text>\
             <mj-text>{news}</mj-text></mj-column></mj-section>\n"
        ));
    }
    format!(
        "<mjml><mj-body>{body}<mj-section><mj-column><mj-text>{{{{ postal_address }}}} {{{{ unsubscribe_line }}}}</mj-text>\
         </mj-column></mj-section></mj-body></mjml>\n"
    )
}

/// What the machine gives: messages of the same length from Postfix's own source, which writes nothing down.
fn limit(dir: &Path, people: u64, sessions: u64) -> Result<f64> {
    let sink = Sink::start(dir, false)?;
    let program = find_program("smtp-source").ok_or("smtp-source, a part of Postfix, is not installed.")?;
    let length = std::fs::metadata(dir.join("look/message.json")).map_or(4_000, |m| m.len());
    let mut source = Command::new(program);
    let started = Instant::now();
    capture(
        source
            .args(["-d", "-s", &sessions.to_string(), "-m", &people.to_string()])
            .args([
                "-l",
                &length.to_string(),
                "-f",
                "a@example.com",
                "-t",
                "b@example.com",
            ])
            .arg(format!("127.0.0.1:{}", sink.port)),
    )?;
    let took = started.elapsed();
    match sink.taken() == people {
        true => Ok(people as f64 / took.as_secs_f64()),
        false => Err(format!(
            "smtp-sink took {} of {people} messages of smtp-source.",
            sink.taken()
        )),
    }
}

fn by_nodemailer(
    others: &Peers,
    ours: &[Figure],
    dir: &Path,
    like: &Path,
    [people, sessions]: [u64; 2],
    signed: bool,
    workers: usize,
) -> Result<Vec<Figure>> {
    let sink = Sink::start(dir, false)?;
    let mut peer = Command::new("node");
    let text = capture(
        peer.arg(root().join("tests/bench/send_peer.mjs"))
            .arg(&others.node)
            .arg(like)
            .args([sink.port.to_string(), people.to_string(), sessions.to_string()])
            .args([if signed { "sign" } else { "plain" }, &workers.to_string()]),
    )?;
    let told: Value =
        serde_json::from_str(&text).map_err(|e| format!("nodemailer wrote no JSON ({e}): {text}"))?;
    let right = told["refused"] == 0 && sink.taken() == people;
    let lines = ours.iter().zip(["rate", "megabytes"]).map(|(figure, what)| {
        json!({ "of": figure.name, "peer": told["peer"], "number": told[what], "same": right }).to_string()
    });
    peers::read(ours, &lines.collect::<Vec<_>>().join("\n"))
}
