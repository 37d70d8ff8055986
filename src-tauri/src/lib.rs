//! The desktop shell: a window, two doors, the pump of commits, and the frame for mail. No domain logic.

pub mod graphics;
pub mod ipc;
pub mod mail;
pub mod memory;

use carillon_app::App;
use carillon_app::error::ApiError;
use carillon_app::table::{Call, Kind, Window};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Emitter, Manager, RunEvent, WebviewUrl, WebviewWindowBuilder};

pub use carillon_app::render_child;

/// What the program was started with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// Open the sample workspace, made if it is not there.
    sample: bool,
    /// Open this file.
    file: Option<std::path::PathBuf>,
}

fn arguments(args: impl Iterator<Item = std::ffi::OsString>) -> Arguments {
    let mut out = Arguments::default();
    for arg in args {
        if arg == "--sample" {
            out.sample = true;
        } else if !arg.to_string_lossy().starts_with('-') {
            out.file = Some(arg.into());
        }
    }
    out
}

/// Why the file that the program was started with did not open. Whoever double-clicked it is told, once.
#[derive(Debug, Default)]
pub struct Unopened(Mutex<Option<ApiError>>);

impl Unopened {
    /// Keeps the reason until the window asks.
    pub fn keep(&self, error: ApiError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// The reason, if nobody was told yet.
    pub fn take(&self) -> Option<ApiError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// When the web view cannot be started.
pub fn run() -> tauri::Result<()> {
    carillon_app::log::start(&App::default_home());
    if let Err(error) = memory::give_back() {
        tracing::warn!(%error, "freed memory stays with the program");
    }
    let arguments = arguments(std::env::args_os().skip(1));
    let app = App::new(App::default_home(), true);
    let shell = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .manage(app)
        .manage(Unopened::default())
        .register_asynchronous_uri_scheme_protocol("mail", mail::answer)
        .invoke_handler(tauri::generate_handler![ipc::query, ipc::mutate])
        .setup(move |shell| {
            let handle = shell.handle().clone();
            tauri::async_runtime::spawn(pump(handle.clone()));
            tauri::async_runtime::spawn(async move {
                open_first(&handle, arguments).await;
                if let Err(error) = open_window(&handle) {
                    tracing::error!(%error, "the window could not be opened");
                    handle.exit(1);
                }
            });
            Ok(())
        })
        .build(tauri::generate_context!())?;
    shell.run(|handle, event| {
        if let RunEvent::Exit = event {
            let app = handle.state::<App>().inner().clone();
            tauri::async_runtime::block_on(async move {
                let call = Call {
                    kind: Kind::Mutate,
                    name: "workspaces.close".into(),
                    args: Value::Null,
                };
                if let Err(error) = app.call(Window::Main, call).await {
                    tracing::warn!(%error, "the workspace was not closed in order; nothing is lost");
                }
            });
        }
    });
    Ok(())
}

/// Opens what the command line names. Failing that is no reason not to show the window.
async fn open_first(handle: &AppHandle, arguments: Arguments) {
    let app = handle.state::<App>().inner().clone();
    let mutate = |name: &str, args: Value| {
        let call = Call {
            kind: Kind::Mutate,
            name: name.to_owned(),
            args,
        };
        let app = app.clone();
        async move { app.call(Window::Main, call).await }
    };
    let opened = match (arguments.file, arguments.sample) {
        (Some(file), _) => mutate("workspaces.open", json!({ "file": { "path": file } })).await,
        (None, true) => mutate("demo.open", json!({})).await,
        (None, false) => return,
    };
    if let Err(error) = opened {
        tracing::error!(%error, "the workspace was not opened");
        handle.state::<Unopened>().keep(error);
    }
}

fn open_window(handle: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(handle, "main", WebviewUrl::default())
        .title("Carillon")
        .inner_size(1360.0, 860.0)
        .min_inner_size(960.0, 600.0)
        .prevent_overflow()
        // Seen once there is something to see: no white window before a dark one.
        .visible(false)
        .on_page_load(|window, page| {
            if page.event() == PageLoadEvent::Finished
                && let Err(error) = window.show().and_then(|()| window.set_focus())
            {
                tracing::error!(%error, "the window could not be shown");
            }
        })
        // The window is named after the workspace, so that nobody writes to another client's people by mistake.
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::warn!(%error, "the window keeps its name");
            }
        })
        .on_navigation(|url| matches!(url.scheme(), "tauri" | "mail") || is_local(url))
        .build()?;
    Ok(())
}

/// The window's own page: `tauri.localhost` on Windows, the development server in a debug build.
fn is_local(url: &tauri::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    ["tauri.localhost", "mail.localhost"].contains(&host) || (cfg!(debug_assertions) && host == "localhost")
}

/// Passes commits on to the window.
async fn pump(handle: AppHandle) {
    let mut changes = handle.state::<App>().bus().listen();
    loop {
        let payload = match changes.recv().await {
            Ok(change) => change,
            // Fell behind: everything may have changed.
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                json!({ "seq": 0, "topics": ["everything"] })
            }
            Err(tokio::sync::broadcast::error::RecvError::Closed) => break,
        };
        if let Err(error) = handle.emit_to("main", "changed", payload) {
            tracing::warn!(%error, "the window did not hear of a commit");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_a_file_or_the_sample() {
        let of = |args: &[&str]| arguments(args.iter().map(|a| (*a).into()));
        assert_eq!(
            of(&["--sample"]),
            Arguments {
                sample: true,
                file: None
            }
        );
        assert_eq!(of(&["shop.carillon"]).file, Some("shop.carillon".into()));
        assert_eq!(of(&[]), Arguments::default());
    }
}
