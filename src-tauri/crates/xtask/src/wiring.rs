//! How the product's programs are called. Everything here that starts `carillon` or `carillon-studio` asks this file
//! for the words, so that a changed command line is changed in one place.

use std::path::Path;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| w.to_string()).collect()
}

fn on(file: &Path, rest: &[&str]) -> Vec<String> {
    let mut all = vec!["--workspace".to_string(), file.to_string_lossy().into_owned()];
    all.extend(words(rest));
    all
}

fn json_on(file: &Path, rest: &[&str]) -> Vec<String> {
    let mut all = vec!["--json".to_string()];
    all.extend(on(file, rest));
    all
}

/// Package and test that makes finished messages and has them checked, and how it is told how many and which.
pub const COMPLIANCE_TEST: (&str, &str) = ("carillon-app", "compliance");
pub const COMPLIANCE_MESSAGES: &str = "CARILLON_COMPLIANCE_MESSAGES";
pub const COMPLIANCE_SEED: &str = "CARILLON_COMPLIANCE_SEED";

/// Days the sample journey takes.
pub const SAMPLE_DAYS: u64 = 90;
/// Name of the sample journey in the sample workspace.
pub const SAMPLE_JOURNEY: &str = "Welcome series";

/// `carillon-studio` on the sample workspace, made first where there is none.
pub fn studio_sample() -> Vec<String> {
    words(&["--sample"])
}

/// `carillon-studio` on a file.
pub fn studio_on(file: &Path) -> Vec<String> {
    vec![file.to_string_lossy().into_owned()]
}

/// The words of the command table, as TypeScript, into a folder.
pub fn bindings(dir: &Path) -> Vec<String> {
    words(&["bindings", &dir.to_string_lossy()])
}

/// A sample company with its journey.
pub fn demo_create(file: &Path, contacts: u64, months: u64, seed: u64) -> Vec<String> {
    words(&[
        "demo",
        "create",
        &file.to_string_lossy(),
        "--contacts",
        &contacts.to_string(),
        "--months",
        &months.to_string(),
        "--seed",
        &seed.to_string(),
    ])
}

/// An empty workspace that tells the time by the machine's clock.
pub fn workspace_create(file: &Path) -> Vec<String> {
    words(&["workspaces", "create", &file.to_string_lossy(), "--clock", "real"])
}

/// An empty workspace whose clock is moved by hand.
pub fn workspace_create_virtual(file: &Path) -> Vec<String> {
    words(&[
        "workspaces",
        "create",
        &file.to_string_lossy(),
        "--clock",
        "virtual",
    ])
}

/// The draft of a score, from the file of its model.
pub fn score_save(file: &Path, name: &str, key: &str, model: &Path) -> Vec<String> {
    on(
        file,
        &[
            "scores",
            "save",
            name,
            "--key",
            key,
            "--file",
            &model.to_string_lossy(),
        ],
    )
}

/// Measures everybody by the draft from now on.
pub fn score_publish(file: &Path, name: &str) -> Vec<String> {
    on(file, &["scores", "publish", name])
}

/// Who sends, and from where: the gate lets nothing out without a postal address.
pub fn workspace_sender(file: &Path) -> Vec<String> {
    on(
        file,
        &[
            "settings",
            "set",
            "--organisation",
            "Kill Harness",
            "--postal-address",
            "1 Example Street, 00000 Exampleville",
        ],
    )
}

/// Moves a virtual clock on by so many days, sending what falls due.
pub fn run_days(file: &Path, days: u64) -> Vec<String> {
    run_secs(file, days * 86_400)
}

/// Does what falls due in so many seconds: a virtual clock is moved there, for the machine's it waits.
pub fn run_secs(file: &Path, secs: u64) -> Vec<String> {
    on(file, &["run", "--for", &secs.to_string()])
}

/// The same until an instant.
pub fn run_until(file: &Path, instant: &str) -> Vec<String> {
    on(file, &["run", "--until", instant])
}

/// Sends until nothing is due and nothing is in flight.
pub fn run_until_idle(file: &Path) -> Vec<String> {
    on(file, &["run", "--until-idle"])
}

/// The numbers of a journey, as JSON.
pub fn report(file: &Path, journey: &str) -> Vec<String> {
    on(
        file,
        &["report", "funnel", "--journey", journey, "--format", "json"],
    )
}

/// Contacts from a CSV with the columns `email` and `first_name`.
pub fn import(file: &Path, csv: &Path) -> Vec<String> {
    json_on(
        file,
        &[
            "contacts",
            "import",
            &csv.to_string_lossy(),
            "--mode",
            "both",
            "--basis",
            "consent",
            "--source",
            "xtask",
        ],
    )
}

/// The people of `make_people.py` with every value they have, each with its type; notes are left out.
pub fn import_typed(file: &Path, csv: &Path) -> Vec<String> {
    let mut all = import(file, csv);
    for column in [
        "birthday=birthday:date",
        "favourite=favourite:text",
        "orders=orders:number",
        "spent=spent:money",
        "member=member:yes_no",
        "notes=-",
    ] {
        all.extend(["--map".to_string(), column.to_string()]);
    }
    all
}

/// Goes on with an import that was interrupted.
pub fn import_resume(file: &Path, csv: &Path, id: u64) -> Vec<String> {
    let mut all = import(file, csv);
    all.extend(["--resume".to_string(), id.to_string()]);
    all
}

/// Puts an address on the list that is never written to.
pub fn suppress(file: &Path, email: &str) -> Vec<String> {
    on(file, &["suppressions", "add", email])
}

/// A template under a name.
pub fn template_import(file: &Path, name: &str, source: &Path) -> Vec<String> {
    on(
        file,
        &[
            "templates",
            "import",
            &source.to_string_lossy(),
            "--name",
            name,
            "--subject",
            "Hello {{ first_name }}",
        ],
    )
}

/// A saved segment.
pub fn segment_save(file: &Path, name: &str, expression: &str) -> Vec<String> {
    on(file, &["segments", "save", name, "--where", expression])
}

/// A journey from its file.
pub fn journey_import(file: &Path, journey: &Path) -> Vec<String> {
    on(file, &["journeys", "import", &journey.to_string_lossy()])
}

/// Lets the journey live.
pub fn journey_publish(file: &Path, name: &str) -> Vec<String> {
    on(file, &["journeys", "publish", name])
}

/// A campaign of one template to a segment.
pub fn campaign_create(file: &Path, name: &str, segment: &str, template: &str) -> Vec<String> {
    on(
        file,
        &[
            "campaigns",
            "create",
            name,
            "--segment",
            segment,
            "--template",
            template,
        ],
    )
}

/// How long campaigns can be taken back.
pub fn campaign_recall_secs(file: &Path, secs: u32) -> Vec<String> {
    on(file, &["campaigns", "recall-time", "--set", &secs.to_string()])
}

/// Confirms a campaign to so many people, give or take so many.
pub fn campaign_start(file: &Path, name: &str, people: usize, may_differ: usize) -> Vec<String> {
    let (people, may_differ) = (people.to_string(), may_differ.to_string());
    on(
        file,
        &[
            "campaigns",
            "start",
            name,
            "--count",
            &people,
            "--may-differ",
            &may_differ,
        ],
    )
}

/// What a journey would do.
pub fn journey_simulate(file: &Path, name: &str, days: u64, seed: u64) -> Vec<String> {
    json_on(
        file,
        &[
            "journeys",
            "simulate",
            name,
            "--days",
            &days.to_string(),
            "--seed",
            &seed.to_string(),
        ],
    )
}

/// An account on this machine, without TLS and without a password, on as many sessions as asked for.
pub fn account(file: &Path, name: &str, port: u16, sessions: u64) -> Vec<String> {
    account_with(file, name, port, sessions, 100_000_000)
}

/// The same with a limit of so many messages in any 24 hours.
pub fn account_with(file: &Path, name: &str, port: u16, sessions: u64, per_day: u64) -> Vec<String> {
    on(
        file,
        &[
            "accounts",
            "add-smtp",
            name,
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--tls",
            "none",
            "--from-email",
            "harness@example.com",
            "--per-day",
            &per_day.to_string(),
            "--per-minute",
            "100000000",
            "--sessions",
            &sessions.to_string(),
        ],
    )
}

/// A key that signs the account's messages, kept in a file under the passphrase of the environment. Says its record.
pub fn dkim_make(file: &Path, name: &str, domain: &str) -> Vec<String> {
    json_on(
        file,
        &[
            "accounts",
            "dkim-make",
            name,
            "--domain",
            domain,
            "--passphrase-file",
        ],
    )
}

/// The account's messages are signed from now on.
pub fn dkim_on(file: &Path, name: &str) -> Vec<String> {
    on(file, &["accounts", "dkim-on", name])
}

/// Contacts that match, as JSON with a number in it.
pub fn count(file: &Path, expression: &str) -> Vec<String> {
    json_on(file, &["segments", "count", "--where", expression])
}

/// So many contacts after so many, in the order of the table, as JSON.
pub fn contacts(file: &Path, after: u64, limit: u64) -> Vec<String> {
    let (after, limit) = (after.to_string(), limit.to_string());
    json_on(file, &["contacts", "list", "--offset", &after, "--limit", &limit])
}

/// Saved segments, as JSON.
pub fn segments(file: &Path) -> Vec<String> {
    json_on(file, &["segments", "list"])
}

/// The mail world: one SMTP server on loopback that notes every message in `truth` before it says that it has it, and
/// says so `delay_ms` after the dot.
pub fn world(truth: &Path, port: u16, delay_ms: u64) -> Vec<String> {
    words(&[
        "world",
        "serve",
        "--port",
        &port.to_string(),
        "--truth",
        &truth.to_string_lossy(),
        "--delay-ms",
        &delay_ms.to_string(),
    ])
}

/// Cargo features of the command line that let the harness break the law on purpose. The shipped program has none of it.
pub const FAULTS_FEATURES: &str = "carillon-cli/faults";
/// Environment variable that names the fault, read only by a program built with [`FAULTS_FEATURES`].
pub const FAULT: &str = "CARILLON_FAULT";
/// Sends an unknown message again instead of holding it.
pub const FAULT_RETRY: &str = "retry-unknown";
/// The gate says yes to everything.
pub const FAULT_GATE_OFF: &str = "gate-off";

/// Environment variable that ends a process at a named point, `name:n` for the n-th time it is passed.
pub const CRASH_AT: &str = "CARILLON_CRASH_AT";
/// Points every commit passes, in their order.
const COMMIT_POINTS: [&str; 5] = [
    "rows_written",
    "edges_written",
    "before_commit",
    "after_commit",
    "after_publish",
];
/// Points of a message's life beside those of the commits that carry it.
const OUTBOX_POINTS: [&str; 3] = ["at_dot", "in_flight", "replied"];
/// Points of an import beside those of its commits.
const IMPORT_POINTS: [&str; 3] = ["import_rejects", "import_slice", "import_end"];

/// Every named point a sender passes.
pub fn points_of_sending() -> Vec<&'static str> {
    [OUTBOX_POINTS.as_slice(), COMMIT_POINTS.as_slice()].concat()
}

/// Every named point an import passes.
pub fn points_of_importing() -> Vec<&'static str> {
    [IMPORT_POINTS.as_slice(), COMMIT_POINTS.as_slice()].concat()
}

/// States of the `outbox` table, by their numbers in the file.
pub const OUTBOX_STATES: &[&str] = &[
    "queued",
    "deferred",
    "claimed",
    "in_flight",
    "unknown",
    "frozen",
    "accepted",
    "bounced",
    "suppressed",
    "expired",
    "cancelled",
];
