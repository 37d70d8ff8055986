//! Fifty hostile templates and more, through a real child process: this executable, started again.
#![allow(clippy::unwrap_used)]

#[path = "child/hostile.rs"]
mod hostile;
#[path = "../../app/src/render.rs"]
mod render;

use carillon_model::contact::Value;
use carillon_render::child::{Mode, Output, Request, read_frame, write_frame};
use carillon_render::compose::{Envelope, Mailbox, compose};
use carillon_render::{Context, ErrorKind, Missing, RenderError, Sender, TemplateParts};
use hostile::Outcome;
use libtest_mimic::{Arguments, Failed, Trial};
use render::{CHILD_ARGUMENT, Patience, Renderer};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    if let Some(code) = render::render_child() {
        return ExitCode::from(code as u8);
    }
    match std::env::args().nth(1).as_deref() {
        // A child that reads and never answers; it ends with its input.
        Some("--deaf-child") => {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            return ExitCode::SUCCESS;
        }
        Some("--once-child") => {
            let request: Request = read_frame(&mut std::io::stdin()).unwrap().unwrap();
            let mut wire = Vec::new();
            write_frame(&mut wire, &request).unwrap();
            return ExitCode::from(carillon_render::child::child_main(&wire[..], std::io::stdout()) as u8);
        }
        Some("--dying-child") => return ExitCode::FAILURE,
        _ => {}
    }
    let trials = vec![
        trial("hostile_templates_leave_the_parent_unharmed", hostile_templates),
        trial("a_child_that_never_answers_is_ended_and_said_so", || {
            broken_child("--deaf-child")
        }),
        trial("a_child_that_dies_is_replaced_until_it_is_pointless", || {
            broken_child("--dying-child")
        }),
        trial(
            "a_program_that_cannot_be_started_is_an_error_and_no_panic",
            not_started,
        ),
        trial("one_bad_contact_does_not_spoil_the_batch", one_bad_contact),
        trial(
            "a_child_that_was_ended_between_batches_blames_nobody",
            ended_between,
        ),
        trial("missing_values_are_counted_through_the_child", missing),
        #[cfg(target_os = "linux")]
        trial("the_child_has_a_memory_limit_and_writes_no_files", limits),
        #[cfg(target_os = "linux")]
        trial(
            "a_request_beyond_the_memory_limit_ends_the_child_and_nothing_else",
            beyond_memory,
        ),
    ];
    // One after the other: one of them watches the memory of this process.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok::<(), Failed>(())
    })
}

fn command(argument: &'static str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(argument);
    command
}

fn renderer() -> Renderer {
    // Patient with a debug build on a busy machine; what is tested is the outcome.
    let patience = Patience {
        first: Duration::from_secs(20),
        message: Duration::from_secs(20),
        batch: Duration::from_secs(300),
    };
    Renderer::new(|| command(CHILD_ARGUMENT)).with_patience(patience)
}

fn context(first_name: &str) -> Context {
    let contact = BTreeMap::from([
        ("email".to_owned(), Value::Text("ada@example.com".into())),
        ("first_name".to_owned(), Value::Text(first_name.into())),
        (
            "last_name".to_owned(),
            Value::Text("L\r\nBcc: victim@example.com\r\n\r\n<script>".into()),
        ),
    ]);
    Context {
        contact,
        tags: Default::default(),
        event: None,
        unsubscribe_url: Some("https://example.com/u".into()),
        preferences_url: None,
        confirm_url: None,
        zone: "Europe/Berlin".into(),
        locale: "en".into(),
        now: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
    }
}

fn request(parts: TemplateParts, contexts: Vec<Context>) -> Request {
    Request {
        template: parts,
        sender: Sender::default(),
        mode: Mode::Render,
        contexts,
    }
}

fn harmless() -> TemplateParts {
    TemplateParts {
        subject: "Hi {{ first_name }}".into(),
        body: "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}</mj-text></mj-column>\
               </mj-section></mj-body></mjml>"
            .into(),
        ..TemplateParts::default()
    }
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

fn hostile_templates() {
    let all = hostile::all();
    assert!(all.len() >= 50, "only {}", all.len());
    let mut renderer = renderer();
    let good = request(harmless(), vec![context("Ada")]);
    assert!(renderer.render_batch(&good)[0].is_ok());
    let before = resident();
    let mut failed = Vec::new();
    for hostile in all {
        let started = Instant::now();
        let results = renderer.render_batch(&request(hostile.parts, vec![context("Ada")]));
        assert_eq!(results.len(), 1);
        if let Err(wrong) = judge(hostile.outcome, &results[0]) {
            failed.push(format!("{}: {wrong}", hostile.name));
        }
        println!("{:6} ms  {}", started.elapsed().as_millis(), hostile.name);
    }
    assert!(
        renderer.render_batch(&good)[0].is_ok(),
        "the next message is none the worse"
    );
    let grown = resident().saturating_sub(before);
    assert!(grown < 96 * 1024 * 1024, "the parent grew by {grown} bytes");
}

fn judge(outcome: Outcome, result: &Result<Output, RenderError>) -> Result<(), String> {
    match (outcome, result) {
        (Outcome::Refused(kind), Err(error)) if error.kind == kind => {}
        (Outcome::Fine, Ok(_)) | (Outcome::Survived, _) => {}
        (_, Err(error)) => return Err(format!("wanted {outcome:?}, got {:?}: {error}", error.kind)),
        _ => return Err(format!("wanted {outcome:?}, got a message")),
    }
    match result {
        Err(error) => {
            let text = error.to_string();
            let plain = text.len() > 15 && text.len() < 500 && text.ends_with(['.', '?']);
            if plain {
                Ok(())
            } else {
                Err(format!("no plain sentence: {text}"))
            }
        }
        Ok(Output::Message(message)) => {
            if message.subject.contains(['\r', '\n', '\0']) {
                return Err("a break in the subject".into());
            }
            if message.html.to_ascii_lowercase().contains("<script") {
                return Err("a script in the HTML".into());
            }
            if !message.text.is_empty() {
                compose(&envelope(), message).map_err(|e| e.to_string())?;
            }
            Ok(())
        }
        Ok(other) => Err(format!("{other:?}")),
    }
}

fn envelope() -> Envelope {
    let mailbox = |name: &str, email: &str| Mailbox {
        name: name.into(),
        email: email.into(),
    };
    Envelope {
        from: mailbox("Ember & Oak", "hello@example.com"),
        to: mailbox("Ada", "ada@example.com"),
        reply_to: None,
        date: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        message_id: "abc123@example.com".into(),
        list_id: None,
        unsubscribe_https: None,
        unsubscribe_mailto: None,
        feedback_id: None,
    }
}

fn broken_child(argument: &'static str) {
    let patience = Patience {
        first: Duration::from_millis(300),
        message: Duration::from_millis(100),
        batch: Duration::from_secs(60),
    };
    let mut renderer = Renderer::new(move || command(argument)).with_patience(patience);
    let results = renderer.render_batch(&request(harmless(), vec![context("Ada"); 500]));
    assert_eq!(results.len(), 500);
    for result in &results {
        let error = result.as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Stopped);
        assert_eq!(error.message, "This template needs too much memory or time.");
    }
    assert_eq!(
        renderer.losses(),
        3,
        "a template that breaks three children is not tried on the rest"
    );
}

fn not_started() {
    let mut renderer = Renderer::new(|| Command::new("no-such-program-anywhere"));
    let results = renderer.render_batch(&request(harmless(), vec![context("Ada"); 2]));
    assert!(
        results
            .iter()
            .all(|r| r.as_ref().unwrap_err().message.contains("could not be started"))
    );
}

fn one_bad_contact() {
    let mut parts = harmless();
    // Harmless for most; for one contact it asks for more than a message may.
    parts.preheader = "{% if first_name == 'Bad' %}{% for a in (1..9999) %}{% for b in (1..9999) %}\
                       {% endfor %}{% endfor %}{% endif %}"
        .into();
    let mut contexts = vec![context("Ada"); 250];
    contexts[100] = context("Bad");
    let results = renderer().render_batch(&request(parts, contexts));
    for (index, result) in results.iter().enumerate() {
        match result {
            Ok(Output::Message(message)) if index != 100 => assert_eq!(message.subject, "Hi Ada"),
            Err(error) if index == 100 => assert_eq!(error.kind, ErrorKind::TooMuch),
            other => panic!("{index}: {other:?}"),
        }
    }
}

fn ended_between() {
    // The first child answers once and goes, as one does that somebody ends.
    let mut commands = vec![CHILD_ARGUMENT, "--once-child"];
    let mut renderer = Renderer::new(move || command(commands.pop().unwrap_or(CHILD_ARGUMENT)));
    let good = request(harmless(), vec![context("Ada")]);
    assert!(renderer.render_batch(&good)[0].is_ok());
    std::thread::sleep(Duration::from_millis(500));
    assert!(renderer.render_batch(&good)[0].is_ok());
    assert_eq!(renderer.losses(), 0);
}

fn missing() {
    let mut parts = harmless();
    parts.preheader = "{{ city | default: 'your city' }}".into();
    let mut request = request(parts, vec![context("Ada"), context(" ")]);
    request.mode = Mode::Missing;
    let results = renderer().render_batch(&request);
    for (result, open) in results
        .iter()
        .zip([vec![], vec!["contact.first_name".to_owned()]])
    {
        let filled = vec!["contact.city".to_owned()];
        assert_eq!(*result, Ok(Output::Missing(Missing { open, filled })));
    }
}

#[cfg(target_os = "linux")]
fn limits() {
    let mut child = command(CHILD_ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    write_frame(&mut stdin, &request(harmless(), vec![context("Ada")])).unwrap();
    assert!(
        read_frame::<carillon_render::child::Response>(&mut stdout)
            .unwrap()
            .is_some()
    );
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let of = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let memory: u64 = of("Max address space")[1].parse().unwrap();
    assert!(memory < 1024 * 1024 * 1024, "{memory}");
    assert_eq!(of("Max file size")[..2], ["0", "0"]);
    assert_eq!(of("Max core file size")[..2], ["0", "0"]);
}

/// Millions of tags fit into a frame, but not into the child's memory once they are read and listed.
#[cfg(target_os = "linux")]
fn beyond_memory() {
    use std::io::Write;
    let mut parts = harmless();
    parts.subject = "{{ tags }}".into();
    let wire = serde_json::to_string(&request(parts, vec![context("Ada")])).unwrap();
    let (before, after) = wire.split_once("\"tags\":[").unwrap();
    // Short names, so that what they take in memory is many times what they take in the frame.
    let tags: Vec<String> = (0..3_500_000).map(|tag| format!("\"{tag:x}\"")).collect();
    let wire = format!("{before}\"tags\":[{}{after}", tags.join(","));
    drop(tags);
    assert!(wire.len() < carillon_render::child::FRAME_BYTES);
    let mut child = command(CHILD_ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The child may be gone before it has read everything.
    let _ = stdin.write_all(&(wire.len() as u32).to_be_bytes());
    let _ = stdin.write_all(wire.as_bytes());
    drop(stdin);
    let mut answer = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut answer).unwrap();
    let status = child.wait().unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert!(answer.is_empty(), "an answer of {} bytes", answer.len());
    assert_eq!(status.signal(), Some(6), "ended by its own abort: {status}");
}
