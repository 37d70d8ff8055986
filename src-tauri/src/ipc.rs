//! The two doors from the window to the command table.

use crate::Unopened;
use carillon_app::App;
use carillon_app::error::{ApiError, Code, fail};
use carillon_app::table::{Call, Kind, Window};
use serde_json::Value;
use tauri::{AppHandle, Manager, Runtime, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;

/// Who a web view is, by the label the shell gave it. A label nobody gave is as good as a stranger's page.
pub fn window_of(label: &str) -> Window {
    if label == "main" {
        Window::Main
    } else {
        Window::Preview
    }
}

/// Reads through the command table. What only the shell knows is answered here.
#[tauri::command]
pub async fn query<R: Runtime>(
    window: WebviewWindow<R>,
    app: State<'_, App>,
    unopened: State<'_, Unopened>,
    name: String,
    args: Value,
) -> Result<Value, ApiError> {
    let caller = window_of(window.label());
    if name == "window.unopened" {
        return match caller {
            Window::Main => serde_json::to_value(unopened.take()).map_err(ApiError::internal),
            _ => Err(fail(Code::Denied, "table.denied", &[("name", &name)])),
        };
    }
    app.call(
        caller,
        Call {
            kind: Kind::Query,
            name,
            args,
        },
    )
    .await
}

/// Changes through the command table. The window's own dialogs are answered here, because only the shell
/// can show them.
#[tauri::command]
pub async fn mutate<R: Runtime>(
    window: WebviewWindow<R>,
    handle: AppHandle<R>,
    app: State<'_, App>,
    name: String,
    args: Value,
) -> Result<Value, ApiError> {
    let caller = window_of(window.label());
    match name.as_str() {
        "files.choose" | "files.choose_folder" | "files.choose_save" | "files.paste"
            if caller != Window::Main =>
        {
            Err(fail(Code::Denied, "table.denied", &[("name", &name)]))
        }
        "files.choose" => choose(&handle, &args).await,
        "files.choose_folder" => choose_folder(&handle).await,
        "files.choose_save" => choose_save(&handle, &args).await,
        "files.paste" => paste(&app, &args).await,
        _ => {
            app.call(
                caller,
                Call {
                    kind: Kind::Mutate,
                    name,
                    args,
                },
            )
            .await
        }
    }
}

/// Endings of the files a purpose is about.
fn endings(purpose: &str) -> &'static [&'static str] {
    match purpose {
        "contacts" => &[
            "csv", "tsv", "txt", "xlsx", "xlsm", "json", "jsonl", "ndjson", "vcf", "parquet", "db", "sqlite",
            "sqlite3",
        ],
        "workbook" => &["xlsx"],
        "parquet" => &["parquet"],
        "events" => &["csv", "jsonl", "ndjson"],
        "workspace" | "backup" => &["carillon"],
        "journey" => &["json"],
        "template" => &["json", "mjml", "html", "txt"],
        _ => &["csv"],
    }
}

fn dialog<R: Runtime>(handle: &AppHandle<R>, args: &Value) -> tauri_plugin_dialog::FileDialogBuilder<R> {
    let purpose = args["purpose"].as_str().unwrap_or_default();
    // The words are the screen's: only it has them in the user's language.
    let words = args["words"].as_str().unwrap_or(purpose);
    let mut dialog = handle.dialog().file().add_filter(words, endings(purpose));
    if let Some(main) = handle.get_webview_window("main") {
        dialog = dialog.set_parent(&main);
    }
    if let Some(name) = args["name"].as_str() {
        dialog = dialog.set_file_name(name);
    }
    dialog
}

fn chosen(path: Option<tauri_plugin_dialog::FilePath>) -> Value {
    let Some(path) = path.and_then(|p| p.into_path().ok()) else {
        return Value::Null;
    };
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    serde_json::json!({ "path": path, "name": name })
}

async fn choose<R: Runtime>(handle: &AppHandle<R>, args: &Value) -> Result<Value, ApiError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    dialog(handle, args).pick_file(move |path| drop(send.send(path)));
    receive.await.map(chosen).map_err(ApiError::internal)
}

async fn choose_folder<R: Runtime>(handle: &AppHandle<R>) -> Result<Value, ApiError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let mut dialog = handle.dialog().file();
    if let Some(main) = handle.get_webview_window("main") {
        dialog = dialog.set_parent(&main);
    }
    dialog.pick_folder(move |path| drop(send.send(path)));
    receive.await.map(chosen).map_err(ApiError::internal)
}

/// Keeps rows that the user pasted as a file only this user can read, until the program ends.
async fn paste(app: &App, args: &Value) -> Result<Value, ApiError> {
    let text = args["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(fail(Code::Invalid, "imports.paste_empty", &[]));
    }
    let name = args["name"].as_str().unwrap_or("pasted.tsv");
    let (_, path) = app.tickets().file(app.home(), name)?;
    tokio::fs::write(&path, text).await?;
    Ok(serde_json::json!({ "path": path, "name": name }))
}

async fn choose_save<R: Runtime>(handle: &AppHandle<R>, args: &Value) -> Result<Value, ApiError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    dialog(handle, args).save_file(move |path| drop(send.send(path)));
    receive.await.map(chosen).map_err(ApiError::internal)
}
