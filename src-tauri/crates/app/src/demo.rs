//! The sample company: made as a workspace file of its own, opened, and given a mail server to write to.

mod making;

use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::SaveRef;
use crate::jobs::Job;
use crate::owner::{self, Claim};
use crate::table::{JobStarted, LOCAL, NoArgs};
use crate::workspaces::{self, WorkspaceInfo};
use crate::{App, Ctx};
use carillon_model::Moment;
use carillon_model::workspace::Workspace;
use carillon_world::Options;
use carillon_world::company::USUAL_CONTACTS;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use ts_rs::TS;

pub use making::ACCOUNT;

commands! {
    mutate "demo.create_file" create_file(CreateSample) -> JobStarted, reads [], only LOCAL, home true;
    mutate "demo.create" create(SampleSize) -> JobStarted, reads [], home true;
    mutate "demo.open" open(NoArgs) -> WorkspaceInfo, reads [], home true;
}

/// A sample to make as a file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CreateSample {
    pub file: SaveRef,
    pub contacts: u32,
    /// Months of history, 1 to 600.
    pub months: u32,
    #[ts(type = "number")]
    pub seed: u64,
}

/// How large a sample is to be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SampleSize {
    pub contacts: u32,
    /// Months of history, 1 to 600.
    pub months: u32,
    #[ts(type = "number")]
    pub seed: u64,
}

/// A sample that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SampleMade {
    pub file: PathBuf,
    #[ts(type = "number")]
    pub contacts: u64,
    #[ts(type = "number")]
    pub events: u64,
    /// Where its clock stands.
    pub now: Moment,
}

const USUAL: SampleSize = SampleSize {
    contacts: USUAL_CONTACTS,
    months: 12,
    seed: 1,
};
/// Most contacts of a sample: what one workspace is built for.
const CONTACTS_MAX: u32 = 5_000_000;

fn checked(size: SampleSize) -> Result<SampleSize> {
    match (1..=CONTACTS_MAX).contains(&size.contacts) && (1..=600).contains(&size.months) {
        true => Ok(size),
        false => Err(fail(Code::Invalid, "demo.size", &[("max", &CONTACTS_MAX)])),
    }
}

/// The sample of this machine.
fn own_sample(app: &App) -> PathBuf {
    app.home().join("sample.carillon")
}

async fn create_file(cx: &Ctx, req: CreateSample) -> Result<JobStarted> {
    let SaveRef::Path { path } = req.file else {
        return Err(fail(Code::Denied, "table.denied", &[("name", &"path")]));
    };
    let path = std::path::absolute(path)?;
    if path.exists() {
        return Err(exists(&path));
    }
    let size = checked(SampleSize {
        contacts: req.contacts,
        months: req.months,
        seed: req.seed,
    })?;
    let app = cx.app.clone();
    let job = cx.app.jobs().start("demo.create_file", |job| async move {
        make(&app, &path, size, &job).await
    });
    Ok(JobStarted { job })
}

async fn create(cx: &Ctx, req: SampleSize) -> Result<JobStarted> {
    let size = checked(req)?;
    let app = cx.app.clone();
    let job = cx.app.jobs().start(
        "demo.create",
        |job| async move { open_sample(&app, size, &job).await },
    );
    Ok(JobStarted { job })
}

async fn open(cx: &Ctx, _: NoArgs) -> Result<WorkspaceInfo> {
    open_sample(&cx.app, USUAL, &Job::unwatched()).await
}

/// Opens the sample of this machine; makes it first where there is none.
async fn open_sample(app: &App, size: SampleSize, job: &Job) -> Result<WorkspaceInfo> {
    let path = own_sample(app);
    if !path.exists() {
        std::fs::create_dir_all(app.home())?;
        make(app, &path, size, job).await?;
    }
    workspaces::open_path(app, &path).await
}

/// Makes a sample file whole, or leaves none: it is made in a folder beside, also where that is killed half-way, and
/// gets its name at the end.
async fn make(app: &App, path: &Path, size: SampleSize, job: &Job) -> Result<SampleMade> {
    // Held meanwhile, so that no two programs make the same one.
    let Claim::Ours(_ownership, _) = owner::claim(path).await? else {
        return Err(exists(path));
    };
    if path.exists() {
        return Err(exists(path));
    }
    let workshop = beside(path, ".making");
    remove(&workshop)?;
    std::fs::create_dir(&workshop)?;
    let made = make_in(&workshop, size, job).await;
    let placed = made.and_then(|(made, workspace)| {
        std::fs::rename(&made.file, path)?;
        workspaces::remember(app, path, &workspace);
        Ok(SampleMade {
            file: path.to_owned(),
            ..made
        })
    });
    let removed = remove(&workshop);
    let placed = placed?;
    removed?;
    Ok(placed)
}

fn exists(path: &Path) -> ApiError {
    fail(Code::File, "workspaces.exists", &[("file", &path.display())])
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// A whole sample, closed, with what it says of itself.
async fn make_in(workshop: &Path, size: SampleSize, job: &Job) -> Result<(SampleMade, Workspace)> {
    let file = workshop.join("sample.carillon");
    let company = making::company(size);
    let workspace = making::workspace(&company);
    let store = workspaces::make(&file, &workspace).await?;
    let filled = making::fill(&store, company, job).await;
    store.close().await;
    let events = filled?;
    // Publishing is a use-case of an open workspace: this one is opened aside, so that whatever is open stays.
    let aside = App::new(workshop.join("home"), false);
    workspaces::open_path(&aside, &file).await?;
    let published = publish(&aside).await;
    workspaces::close_current(&aside).await;
    let (contacts, now) = published?;
    let made = SampleMade {
        file,
        contacts,
        events,
        now,
    };
    Ok((made, workspace))
}

async fn publish(app: &App) -> Result<(u64, Moment)> {
    let open = app.own().await.ok_or_else(|| fail(Code::Closed, "closed", &[]))?;
    let journeys = open.store.read(carillon_store::journeys::list).await?;
    for journey in journeys {
        crate::journeys::publish_now(&open, journey.id).await?;
    }
    let contacts = open.store.read(carillon_store::contacts::count).await?;
    Ok((contacts, open.now()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A mail server that takes everything and remembers it durably, until it is interrupted. Its port is the first
/// line of standard output, as JSON.
///
/// # Errors
/// When the port is taken or the log cannot be written.
pub async fn serve_world(
    port: u16,
    truth: &Path,
    delay: std::time::Duration,
    login: Option<(String, String)>,
) -> Result<()> {
    let mut options = Options::new(truth);
    options.auth = login;
    options.delay = delay;
    options.port = port;
    options.durable = true;
    let ready = |address: std::net::SocketAddr, _: Option<&str>| {
        use std::io::Write;
        let mut out = std::io::stdout().lock();
        // Nobody reads: then nobody needs the port.
        let _ = writeln!(out, "{}", serde_json::json!({ "port": address.port() })).and_then(|()| out.flush());
    };
    tokio::select! {
        served = carillon_world::serve(options, ready) => served.map_err(ApiError::from),
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(ApiError::from),
    }
}
