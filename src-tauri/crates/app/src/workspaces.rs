//! The workspace file: create, open, switch, close, and the list of recent ones.

use crate::cleansing::Cleansing;
use crate::clock::{Clock, machine_now};
use crate::commands;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::{FileRef, SaveRef, write_whole};
use crate::imports::folders::Folders;
use crate::intake::Intake;
use crate::jobs::Jobs;
use crate::letters::Press;
use crate::owner::{self, Claim, Ownership};
use crate::runtime::Runtime;
use crate::sign_in::SignIns;
use crate::table::{Call, Done, LOCAL, NoArgs, Window};
use crate::world::World;
use crate::{App, Ctx, Current};
use carillon_adapters::dialer::Dialer;
use carillon_adapters::vault::PassphraseFile;
use carillon_model::Moment;
use carillon_model::workspace::{ClockKind, Workspace};
use carillon_store::{OpenOptions, Refusal, Store};
use interprocess::local_socket::tokio::Listener;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use ts_rs::TS;

commands! {
    query "workspaces.current" current(NoArgs) -> Option<WorkspaceInfo>, reads [Workspace];
    query "workspaces.recent" recent(NoArgs) -> Vec<RecentWorkspace>, reads [Workspace], home true;
    mutate "workspaces.open" open(OpenWorkspace) -> WorkspaceInfo, reads [], only LOCAL, home true;
    mutate "workspaces.create" create(CreateWorkspace) -> WorkspaceInfo, reads [], only LOCAL, home true;
    mutate "workspaces.close" close(NoArgs) -> Done, reads [], only LOCAL, home true;
    mutate "workspaces.forget" forget(ForgetWorkspace) -> Done, reads [], only LOCAL, home true;
}

/// A workspace this process owns, with everything that works on it.
pub struct Open {
    pub path: PathBuf,
    pub store: Store,
    pub clock: Clock,
    pub workspace_id: String,
    pub sample: bool,
    pub dialer: Dialer,
    pub press: Press,
    pub runtime: Runtime,
    pub intake: Intake,
    pub sign_ins: SignIns,
    pub jobs: Arc<Jobs>,
    /// What the last search for data to put right found.
    pub cleansing: Cleansing,
    pub folders: Folders,
    /// The file of passwords, once somebody unlocked it.
    pub passwords: Mutex<Option<PassphraseFile>>,
    /// The mail world of a sample, for as long as its owner lives.
    pub world: Mutex<Option<Arc<World>>>,
    tasks: std::sync::Mutex<Vec<JoinHandle<()>>>,
    doors: std::sync::Mutex<Option<Doors>>,
    ownership: std::sync::Mutex<Option<Ownership>>,
}

/// Where other processes are let in.
struct Doors {
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Doors {
    /// Answers what was begun, and lets nobody in any more. A listener that went only later would take the next owner's
    /// socket with it.
    async fn close(self) {
        let _ = self.closing.send(true);
        let _ = self.serving.await;
    }
}

impl Open {
    fn doors(&self) -> std::sync::MutexGuard<'_, Option<Doors>> {
        self.doors
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The present moment of the workspace.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Gives the file up: others may open it once the returned value is dropped, whoever still holds `self`.
    pub(crate) fn let_go(&self) -> Option<Ownership> {
        self.ownership
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }

    /// What the workspace says of itself, as of the last commit.
    ///
    /// # Errors
    /// When the file says nothing, which is damage.
    pub fn workspace(&self) -> Result<Workspace> {
        self.store
            .catalogue()
            .workspace()
            .cloned()
            .ok_or_else(|| ApiError::internal("the file has no workspace"))
    }
}

/// The open workspace, for the screen.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkspaceInfo {
    /// Full path of the file.
    pub file: PathBuf,
    pub workspace: Workspace,
    /// Warnings of the place the file is in: `network_drive`, `user_space_drive`, `cloud_folder`.
    pub warnings: Vec<String>,
}

/// A file that was open before.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecentWorkspace {
    pub file: PathBuf,
    pub name: String,
    pub sample: bool,
    pub clock: ClockKind,
    pub opened_at: Moment,
    /// False: the file is not there any more.
    #[serde(default)]
    pub exists: bool,
}

/// Which file to open.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OpenWorkspace {
    pub file: FileRef,
}

/// Which file to make. `start` is for virtual clocks.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CreateWorkspace {
    pub file: SaveRef,
    pub name: String,
    pub clock: ClockKind,
    #[serde(default)]
    pub start: Option<String>,
    pub time_zone: String,
}

/// Which file to take off the list. The file itself stays.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ForgetWorkspace {
    pub file: PathBuf,
}

/// Reads an instant, or a date as its first moment in UTC.
pub fn moment(text: &str) -> Result<Moment> {
    let text = text.trim();
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|at| at.and_utc())
        .ok_or_else(|| fail(Code::Invalid, "workspaces.bad_moment", &[("text", &text)]))
}

/// The zone's own name.
pub fn zone(text: &str) -> Result<chrono_tz::Tz> {
    text.trim()
        .parse()
        .map_err(|_| fail(Code::Invalid, "workspaces.bad_zone", &[("text", &text)]).at("time_zone"))
}

async fn current(cx: &Ctx, _: NoArgs) -> Result<Option<WorkspaceInfo>> {
    match &cx.open {
        Some(open) => info(open).map(Some),
        None => Ok(None),
    }
}

fn info(open: &Open) -> Result<WorkspaceInfo> {
    Ok(WorkspaceInfo {
        file: open.path.clone(),
        workspace: open.workspace()?,
        warnings: warnings(&open.path),
    })
}

/// Words for places in which a database file is not safe.
fn warnings(path: &Path) -> Vec<String> {
    carillon_store::folder_warning(path)
        .map(|w| w.word().to_owned())
        .into_iter()
        .collect()
}

async fn open(cx: &Ctx, req: OpenWorkspace) -> Result<WorkspaceInfo> {
    let path = cx.path(&req.file)?;
    if !path.exists() {
        return Err(fail(
            Code::File,
            "workspaces.missing",
            &[("file", &path.display())],
        ));
    }
    open_path(&cx.app, &path).await
}

async fn create(cx: &Ctx, req: CreateWorkspace) -> Result<WorkspaceInfo> {
    let SaveRef::Path { path } = &req.file else {
        return Err(fail(Code::Denied, "table.denied", &[("name", &"path")]));
    };
    let start = match (&req.start, req.clock) {
        (Some(_), ClockKind::Real) => {
            return Err(fail(Code::Invalid, "workspaces.start_needs_virtual", &[]).at("start"));
        }
        (Some(text), ClockKind::Virtual) => moment(text)?,
        (None, _) => machine_now(),
    };
    let workspace = Workspace {
        name: crate::imports::clean::line(&req.name),
        clock: req.clock,
        sample: false,
        time_zone: zone(&req.time_zone)?.name().to_owned(),
        postal_address: String::new(),
        organisation: String::new(),
        created_at: start,
    };
    if workspace.name.is_empty() {
        return Err(fail(Code::Invalid, "workspaces.no_name", &[]).at("name"));
    }
    make(path, &workspace).await?.close().await;
    open_path(&cx.app, path).await
}

/// Makes a new file; nobody else may have it.
pub async fn make(path: &Path, workspace: &Workspace) -> Result<Store> {
    if path.exists() {
        return Err(fail(
            Code::File,
            "workspaces.exists",
            &[("file", &path.display())],
        ));
    }
    // Asked of the system first: the database only says that it could not open the file.
    crate::files::can_be_made(path)?;
    let made = Store::create(path, workspace, OpenOptions::default()).await;
    if let Err(error) = &made
        && !matches!(error, carillon_store::Error::Refused(Refusal::Exists(_)))
    {
        // A beginning that nobody can open would keep its name from the next try.
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut left = path.as_os_str().to_owned();
            left.push(suffix);
            let _ = std::fs::remove_file(left);
        }
    }
    Ok(made?)
}

async fn close(cx: &Ctx, _: NoArgs) -> Result<Done> {
    close_current(&cx.app).await;
    Ok(Done {})
}

/// Lets the open workspace go: jobs stop at their next safe point, sessions finish their message.
pub async fn close_current(app: &App) {
    // Whoever was let in is answered as long as the workspace is still open.
    if let Some(open) = app.own().await {
        let doors = open.doors().take();
        if let Some(doors) = doors {
            doors.close().await;
        }
    }
    let before = std::mem::replace(&mut *app.inner.current.write().await, Current::Nothing);
    if let Current::Own(open) = before {
        open.jobs.cancel_all();
        open.runtime.stop(&open).await;
        let tasks = std::mem::take(
            &mut *open
                .tasks
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        crate::world::stop(&open).await;
        open.store.close().await;
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        drop(open.let_go());
    }
    app.bus().tell(0, vec!["workspace".into(), "everything".into()]);
}

async fn forget(cx: &Ctx, req: ForgetWorkspace) -> Result<Done> {
    let mut all = recents(&cx.app);
    all.retain(|w| w.file != req.file);
    save_recents(&cx.app, &all)?;
    Ok(Done {})
}

async fn recent(cx: &Ctx, _: NoArgs) -> Result<Vec<RecentWorkspace>> {
    let mut all = recents(&cx.app);
    for workspace in &mut all {
        workspace.exists = workspace.file.exists();
    }
    Ok(all)
}

fn recents_path(app: &App) -> PathBuf {
    app.home().join("recent.json")
}

fn recents(app: &App) -> Vec<RecentWorkspace> {
    std::fs::read(recents_path(app))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

const RECENT: usize = 30;

fn save_recents(app: &App, all: &[RecentWorkspace]) -> Result<()> {
    std::fs::create_dir_all(app.home())?;
    write_whole(
        &recents_path(app),
        &serde_json::to_vec_pretty(all).map_err(ApiError::internal)?,
    )
}

/// Puts a workspace at the head of the recent ones.
pub(crate) fn remember(app: &App, path: &Path, workspace: &Workspace) {
    let mut all = recents(app);
    all.retain(|w| w.file != path);
    all.insert(
        0,
        RecentWorkspace {
            file: path.to_owned(),
            name: workspace.name.clone(),
            sample: workspace.sample,
            clock: workspace.clock,
            opened_at: machine_now(),
            exists: true,
        },
    );
    all.truncate(RECENT);
    if let Err(error) = save_recents(app, &all) {
        tracing::warn!(%error, "the list of recent workspaces was not written");
    }
}

/// Opens a file in the place of the one that is open. Ours if nobody has it, else through its owner.
pub async fn open_path(app: &App, path: &Path) -> Result<WorkspaceInfo> {
    let path = one_name(path)?;
    match reach(app, &path).await? {
        true => told(app, &path).await,
        false => described(app).await,
    }
}

/// As [`open_path`], and asks nothing of whoever owns the file: that one may let it go before it answers. Whether the file
/// was not open already.
pub(crate) async fn reach(app: &App, path: &Path) -> Result<bool> {
    // What cannot be opened is said before the open one is let go.
    let already = match &*app.inner.current.read().await {
        Current::Own(open) => open.path == path,
        Current::Other { file, remote } => file == path && remote.is_alive(),
        Current::Nothing => false,
    };
    if already {
        return Ok(false);
    }
    // Before the claim, which writes beside the file: what is not ours is left as it was.
    let looked_at = path.to_owned();
    crate::imports::blocking(move || Ok(carillon_store::look_at(&looked_at)?)).await?;
    let claimed = owner::claim(path).await?;
    let next = match claimed {
        Claim::Theirs(remote) => {
            let mut changes = remote.listen().await;
            let bus = app.bus().clone();
            tokio::spawn(async move {
                loop {
                    match changes.recv().await {
                        Ok(change) if !change.is_null() => drop(bus.sender().send(change)),
                        // The owner or this process fell behind: everything may have changed.
                        Ok(_) | Err(RecvError::Lagged(_)) => bus.tell(0, vec!["everything".into()]),
                        Err(RecvError::Closed) => break,
                    }
                }
            });
            close_current(app).await;
            Current::Other {
                file: path.to_owned(),
                remote,
            }
        }
        Claim::Ours(ownership, listener) => {
            let (opened, doors) = serve(app, listener);
            let open = match own(app, path, ownership).await {
                Ok(open) => open,
                Err(error) => {
                    drop(opened);
                    doors.close().await;
                    return Err(error);
                }
            };
            *open.doors() = Some(doors);
            *app.inner.current.write().await = Current::Own(open);
            let _ = opened.send(true);
            return Ok(true);
        }
    };
    *app.inner.current.write().await = next;
    Ok(true)
}

/// The one name of a file, whatever links and detours led to it: its lock lies beside it, and two names would be two
/// owners.
pub(crate) fn one_name(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    // Windows has detours resolved already, and names of another kind for what it canonicalises.
    match cfg!(windows) {
        true => Ok(path),
        false => Ok(path.canonicalize().unwrap_or(path)),
    }
}

/// Opens a file of which this process is the owner.
async fn own(app: &App, path: &Path, ownership: Ownership) -> Result<Arc<Open>> {
    let store = Store::open(path, OpenOptions::default()).await?;
    close_current(app).await;
    start(app, path, store, ownership).await
}

/// Lets others in at once, and has them wait until the file is open: an update of a large one takes minutes.
fn serve(app: &App, listener: Listener) -> (watch::Sender<bool>, Doors) {
    let (opened, ready) = watch::channel(false);
    let inner = app.clone();
    let answer = move |call: Call| {
        let (app, mut ready) = (inner.clone(), ready.clone());
        async move {
            let is_open = ready.wait_for(|open| *open).await.is_ok();
            match is_open {
                true => app.call(Window::Terminal, call).await,
                false => Err(fail(Code::Closed, "closed", &[])),
            }
        }
    };
    let (closing, closed) = watch::channel(false);
    let serving = tokio::spawn(owner::serve(listener, answer, app.bus().sender(), closed));
    (opened, Doors { closing, serving })
}

/// Tells everybody what is open now.
async fn told(app: &App, path: &Path) -> Result<WorkspaceInfo> {
    app.bus().tell(0, vec!["workspace".into(), "everything".into()]);
    let info = described(app).await?;
    remember(app, path, &info.workspace);
    Ok(info)
}

/// What is open, asked of whoever owns it.
async fn described(app: &App) -> Result<WorkspaceInfo> {
    let call = Call {
        kind: crate::table::Kind::Query,
        name: "workspaces.current".into(),
        args: serde_json::Value::Null,
    };
    let answer = Box::pin(app.call(Window::Terminal, call)).await?;
    serde_json::from_value(answer).map_err(ApiError::internal)
}

async fn start(app: &App, path: &Path, store: Store, ownership: Ownership) -> Result<Arc<Open>> {
    let workspace = store
        .catalogue()
        .workspace()
        .cloned()
        .ok_or_else(|| ApiError::internal("the file has no workspace"))?;
    let open = Arc::new(Open {
        path: path.to_owned(),
        clock: Clock::new(workspace.clock, store.clone()),
        workspace_id: store.workspace_id(),
        sample: workspace.sample,
        dialer: Dialer::new(workspace.loopback_only()),
        press: Press::default(),
        runtime: Runtime::default(),
        intake: Intake::default(),
        sign_ins: SignIns::default(),
        jobs: app.jobs().clone(),
        cleansing: Cleansing::default(),
        folders: Folders::default(),
        passwords: Mutex::new(None),
        world: Mutex::new(None),
        tasks: std::sync::Mutex::default(),
        doors: std::sync::Mutex::default(),
        ownership: std::sync::Mutex::new(Some(ownership)),
        store,
    });
    let mut commits = open.store.subscribe();
    let bus = app.bus().clone();
    let pump = tokio::spawn(async move {
        loop {
            match commits.recv().await {
                Ok(commit) => {
                    bus.tell(
                        commit.seq.0,
                        commit.topics.iter().map(|t| t.as_str().to_owned()).collect(),
                    );
                }
                Err(RecvError::Lagged(_)) => bus.tell(0, vec!["everything".into()]),
                Err(RecvError::Closed) => break,
            }
        }
    });
    let mut tasks = vec![pump];
    if workspace.sample {
        crate::world::start(app, &open).await?;
    }
    if app.inner.lively {
        tasks.push(crate::runtime::live(open.clone()));
        tasks.push(crate::intake::live(open.clone()));
        tasks.push(crate::imports::folders::live(open.clone()));
        tasks.push(tokio::spawn(crate::cleansing::live(open.clone())));
        tasks.push(tokio::spawn(crate::world::listen(open.clone())));
    }
    open.tasks
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .extend(tasks);
    Ok(open)
}
