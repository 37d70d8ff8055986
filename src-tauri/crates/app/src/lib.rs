//! The use-cases of Carillon, one file a feature, behind one command table; the runtime loop, the gate, the
//! clock, and who owns the file. Every shell (window, command line, browser) calls [`App::call`] and nothing
//! else.

pub mod absence;
pub mod accounts;
pub mod backup;
pub mod bus;
pub mod campaigns;
pub mod cleansing;
pub mod clock;
pub mod companies;
pub mod consents;
pub mod contacts;
pub mod demo;
pub mod diagnostics;
pub mod duplicates;
pub mod error;
pub mod events;
pub mod exports;
pub mod fields;
pub mod files;
pub mod gate;
pub mod home;
pub mod imports;
pub mod intake;
pub mod jobs;
pub mod journeys;
pub mod letters;
pub mod listening;
pub mod log;
pub mod mailboxes;
pub mod outbox;
pub mod owner;
pub mod providers;
pub mod relay;
pub mod render;
pub mod reports;
pub mod responses;
pub mod runtime;
pub mod scores;
pub mod secrets;
pub mod segments;
pub mod settings;
mod sign_in;
pub mod suppressions;
pub mod table;
pub mod templates;
pub mod timeline;
pub mod topics;
pub mod vocabulary;
pub mod workspaces;
pub mod world;

use crate::bus::Bus;
use crate::error::{ApiError, Code, Result, fail};
use crate::files::Tickets;
use crate::jobs::Jobs;
use crate::owner::Remote;
use crate::table::{Call, Command, Kind, Reply, Window};
use crate::workspaces::Open;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::RwLock;

pub use render::render_child;

/// The program: what is open, what runs, who listens. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where the list of recent files and the samples are kept.
    home: PathBuf,
    current: RwLock<Current>,
    jobs: Arc<Jobs>,
    bus: Bus,
    tickets: Tickets,
    /// Held by whoever opens a file anew because its owner ended.
    opening: tokio::sync::Mutex<()>,
    /// Whether journeys move and mail leaves by itself while a workspace is open (the studio), or only on
    /// command (the command line).
    lively: bool,
}

/// What this process works on.
enum Current {
    Nothing,
    Own(Arc<Open>),
    /// Another process owns the file; it is asked.
    Other {
        file: PathBuf,
        remote: Remote,
    },
}

/// What a use-case may reach.
pub struct Ctx {
    pub app: App,
    pub window: Window,
    open: Option<Arc<Open>>,
}

impl Ctx {
    /// The open workspace.
    ///
    /// # Errors
    /// `Closed` when there is none.
    pub fn open(&self) -> Result<&Arc<Open>> {
        self.open
            .as_ref()
            .ok_or_else(|| fail(Code::Closed, "closed", &[]))
    }
}

/// Every command of every feature.
fn features() -> Vec<Command> {
    [
        absence::commands(),
        accounts::commands(),
        backup::commands(),
        campaigns::commands(),
        companies::commands(),
        consents::commands(),
        contacts::commands(),
        demo::commands(),
        diagnostics::commands(),
        duplicates::commands(),
        cleansing::commands(),
        events::commands(),
        exports::commands(),
        fields::commands(),
        files::commands(),
        home::commands(),
        imports::commands(),
        jobs::commands(),
        journeys::commands(),
        listening::commands(),
        mailboxes::commands(),
        outbox::commands(),
        providers::commands(),
        relay::commands(),
        topics::commands(),
        reports::commands(),
        responses::commands(),
        runtime::commands(),
        runtime::clock::commands(),
        scores::commands(),
        segments::commands(),
        settings::commands(),
        suppressions::commands(),
        templates::commands(),
        vocabulary::commands(),
        workspaces::commands(),
        world::commands(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl App {
    /// A program with nothing open. `home`: folder of its own files; `lively`: see the field.
    pub fn new(home: PathBuf, lively: bool) -> App {
        let bus = Bus::default();
        App {
            inner: Arc::new(Inner {
                home,
                current: RwLock::new(Current::Nothing),
                jobs: Arc::new(Jobs::new(bus.clone())),
                bus,
                tickets: Tickets::default(),
                opening: tokio::sync::Mutex::default(),
                lively,
            }),
        }
    }

    /// Runs one command for a window. A panic in it becomes an error with a trace, not an end of the program.
    pub async fn call(&self, window: Window, call: Call) -> Reply {
        let command = table::find(window, call.kind, &call.name)?;
        while !command.at_home
            && let Some(remote) = self.remote().await?
        {
            let (carried, download) = files::carried(self, window, call.clone())?;
            if let Some(reply) = remote.call(carried).await {
                return Ok(files::brought(reply?, download));
            }
        }
        let open = self.own().await;
        let asks = call.kind == Kind::Query;
        let cx = Ctx {
            app: self.clone(),
            window,
            open,
        };
        let run = async move {
            let store = cx
                .open
                .as_ref()
                .map(|open| (open.store.clone(), open.store.readings_failed()));
            let reply = (command.call)(&cx, call.args).await?;
            if let Some((store, failed)) = store.filter(|_| asks) {
                store.check_readings(failed)?;
            }
            Ok(reply)
        };
        match tokio::spawn(AssertUnwindSafe(run)).await {
            Ok(reply) => reply,
            Err(panic) => Err(ApiError::internal(panic)),
        }
    }

    /// The line to whoever owns the file, if that is another process. If it ended, the file is opened anew first: by
    /// this process, or through its next owner.
    async fn remote(&self) -> Result<Option<Remote>> {
        let line = || async {
            match &*self.inner.current.read().await {
                Current::Other { file, remote } => Some((file.clone(), remote.clone())),
                Current::Own(_) | Current::Nothing => None,
            }
        };
        let alive = |found: Option<(PathBuf, Remote)>| match found {
            Some((file, remote)) if !remote.is_alive() => Err(file),
            Some((_, remote)) => Ok(Some(remote)),
            None => Ok(None),
        };
        if let Ok(found) = alive(line().await) {
            return Ok(found);
        }
        let _one_at_a_time = self.inner.opening.lock().await;
        // The next owner may end as soon as the last one did.
        loop {
            match alive(line().await) {
                Ok(found) => return Ok(found),
                Err(file) => Box::pin(workspaces::reach(self, &file)).await?,
            };
            self.bus().tell(0, vec!["workspace".into(), "everything".into()]);
        }
    }

    /// Mail that is to be shown, by its ticket, whichever process rendered it.
    pub async fn frame(&self, ticket: &str) -> Option<Arc<str>> {
        if let Some(frame) = self.tickets().get_frame(ticket) {
            return Some(frame.html);
        }
        let remote = self.remote().await.ok()??;
        let asked = files::ask_frame(ticket);
        let shown = remote.call(asked).await?.ok()?;
        Some(shown["html"].as_str()?.into())
    }

    /// The workspace this process owns, if it owns one.
    pub async fn own(&self) -> Option<Arc<Open>> {
        match &*self.inner.current.read().await {
            Current::Own(open) => Some(open.clone()),
            Current::Other { .. } | Current::Nothing => None,
        }
    }

    /// Whoever wants to hear of commits.
    pub fn bus(&self) -> &Bus {
        &self.inner.bus
    }

    /// Jobs of this process.
    pub fn jobs(&self) -> &Arc<Jobs> {
        &self.inner.jobs
    }

    /// Uploads, downloads and mail to be shown.
    pub fn tickets(&self) -> &Tickets {
        &self.inner.tickets
    }

    /// Folder of the program's own files.
    pub fn home(&self) -> &std::path::Path {
        &self.inner.home
    }

    /// The folder `carillon` in the user's data folder (XDG Base Directory on Linux), or `CARILLON_HOME`.
    pub fn default_home() -> PathBuf {
        let from = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
        };
        if let Some(home) = from("CARILLON_HOME") {
            return home;
        }
        if cfg!(windows)
            && let Some(data) = from("APPDATA")
        {
            return data.join("Carillon");
        }
        let user = from("HOME").unwrap_or_else(std::env::temp_dir);
        if cfg!(target_os = "macos") {
            return user.join("Library/Application Support/Carillon");
        }
        from("XDG_DATA_HOME")
            .unwrap_or_else(|| user.join(".local/share"))
            .join("carillon")
    }
}

/// An amount of money as people write it, like `19.90 EUR`, for whoever takes words from a line.
pub fn amount(text: &str) -> Option<carillon_model::contact::Money> {
    imports::values::money(text.trim(), '.', None)
}

/// Decimal digits of a currency's minor unit, for whoever prints amounts.
pub fn currency_digits(code: &str) -> u32 {
    carillon_model::contact::Currency::parse(code).map_or(2, |currency| currency.digits())
}
