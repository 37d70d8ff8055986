//! The border between windows and the command table, on Tauri's mock runtime: no display is needed.

mod promises;

use carillon_app::App;
use carillon_app::error::{Code, fail};
use carillon_app::table::{Call, Kind, Window, table};
use carillon_shell::{Unopened, ipc};
use serde_json::{Value, json};
use tauri::test::{INVOKE_KEY, MockRuntime, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{Manager, WebviewWindow, WebviewWindowBuilder};

fn shell(home: &std::path::Path) -> tauri::App<MockRuntime> {
    mock_builder()
        .manage(App::new(home.to_owned(), false))
        .manage(Unopened::default())
        .invoke_handler(tauri::generate_handler![ipc::query, ipc::mutate])
        .build(mock_context(noop_assets()))
        .expect("the mock shell is built")
}

fn window(shell: &tauri::App<MockRuntime>, label: &str) -> WebviewWindow<MockRuntime> {
    WebviewWindowBuilder::new(shell, label, Default::default())
        .build()
        .expect("a mock window")
}

fn invoke(window: &WebviewWindow<MockRuntime>, door: &str, name: &str) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: door.into(),
        callback: tauri::ipc::CallbackFn(0),
        error: tauri::ipc::CallbackFn(1),
        url: "tauri://localhost".parse().expect("an address"),
        body: tauri::ipc::InvokeBody::Json(json!({ "name": name, "args": {} })),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_string(),
    };
    tauri::test::get_ipc_response(window, request)
        .map(|body| body.deserialize::<Value>().expect("an answer in JSON"))
}

fn door(kind: Kind) -> &'static str {
    match kind {
        Kind::Query => "query",
        Kind::Mutate => "mutate",
    }
}

#[test]
fn every_command_is_refused_to_every_window_but_the_main_one() {
    let home = tempfile::tempdir().expect("a folder");
    let shell = shell(home.path());
    let strangers: Vec<_> = ["preview", "mail", "other", "main2"]
        .map(|label| window(&shell, label))
        .into();
    assert!(table().len() > 50, "the table is there");
    for (name, command) in table() {
        for stranger in &strangers {
            let answer = invoke(stranger, door(command.kind), name);
            let error = answer.expect_err(&format!("{name} answered the window {}", stranger.label()));
            assert_eq!(error["code"], json!("denied"), "{name} to {}", stranger.label());
        }
    }
}

#[test]
fn the_dialogs_of_the_shell_are_refused_to_other_windows() {
    let home = tempfile::tempdir().expect("a folder");
    let shell = shell(home.path());
    let stranger = window(&shell, "preview");
    for (door, name) in [
        ("mutate", "files.choose"),
        ("mutate", "files.choose_folder"),
        ("mutate", "files.choose_save"),
        ("query", "window.unopened"),
    ] {
        let error = invoke(&stranger, door, name).expect_err("refused");
        assert_eq!(error["code"], json!("denied"));
    }
}

#[test]
fn the_main_window_is_told_once_why_the_file_it_was_started_with_did_not_open() {
    let home = tempfile::tempdir().expect("a folder");
    let shell = shell(home.path());
    let main = window(&shell, "main");
    assert_eq!(invoke(&main, "query", "window.unopened"), Ok(Value::Null));
    let why = fail(Code::File, "workspaces.missing", &[("file", &"shop.carillon")]);
    shell.state::<Unopened>().keep(why.clone());
    let told = invoke(&main, "query", "window.unopened").expect("the reason");
    assert_eq!(told["code"], json!("file"));
    assert_eq!(told["message"], json!(why.message));
    assert_eq!(invoke(&main, "query", "window.unopened"), Ok(Value::Null));
}

#[test]
fn the_main_window_may_ask_and_a_query_never_opens_the_door_of_changes() {
    let home = tempfile::tempdir().expect("a folder");
    let shell = shell(home.path());
    let main = window(&shell, "main");
    assert_eq!(invoke(&main, "query", "workspaces.recent"), Ok(json!([])));
    // A change asked for through the door of reading, and the other way round.
    for (name, command) in table() {
        let wrong = door(if command.kind == Kind::Query {
            Kind::Mutate
        } else {
            Kind::Query
        });
        let error = invoke(&main, wrong, name).expect_err(name);
        assert_eq!(error["code"], json!("invalid"), "{name}");
    }
}

#[test]
fn every_command_keeps_to_the_windows_it_declares() {
    let home = tempfile::tempdir().expect("a folder");
    let app = App::new(home.path().to_owned(), false);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (name, command) in table() {
        for caller in [Window::Main, Window::Browser, Window::Terminal, Window::Preview] {
            if command.windows.contains(&caller) {
                continue;
            }
            let call = Call {
                kind: command.kind,
                name: (*name).to_owned(),
                args: Value::Null,
            };
            let error = runtime.block_on(app.call(caller, call)).expect_err(name);
            assert_eq!(error.code, Code::Denied, "{name} to {caller:?}");
        }
        assert!(
            !command.windows.contains(&Window::Preview),
            "{name} is open to frames of others' mail"
        );
    }
}

#[test]
fn mail_and_what_stands_for_mail_that_is_gone_carry_a_policy_without_scripts_or_network() {
    for html in [Some("<script>alert(1)</script><p>Hello</p>"), None] {
        let answer = carillon_shell::mail::page(html).expect("an answer");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .expect("a policy in plain letters");
        let rules: Vec<&str> = policy.split(';').map(str::trim).collect();
        // No `script-src` and no `connect-src`: the first rule holds for them.
        assert_eq!(rules[0], "default-src 'none'", "{policy}");
        assert!(rules.contains(&"sandbox"), "{policy}");
        assert!(!policy.contains("script"), "{policy}");
        assert!(
            !policy.contains("http") && !policy.contains('*'),
            "{policy} lets something out"
        );
        assert_eq!(answer.status().is_success(), html.is_some());
    }
}

#[test]
fn the_capability_names_one_window_and_the_policy_has_no_way_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| -> Value {
        let text = std::fs::read_to_string(root.join(path)).expect(path);
        serde_json::from_str(&text).expect(path)
    };
    let capability = read("src-tauri/capabilities/main.json");
    assert_eq!(capability["windows"], json!(["main"]));
    let granted = capability["permissions"].as_array().expect("a list");
    for permission in granted {
        let text = permission.as_str().expect("a plain permission");
        assert!(
            [
                "core:event:allow-listen",
                "core:event:allow-unlisten",
                "ipc-read",
                "ipc-write"
            ]
            .contains(&text),
            "{text}"
        );
    }
    let config = read("tauri.conf.json");
    assert_eq!(config["app"]["withGlobalTauri"], json!(false));
    let policy = config["app"]["security"]["csp"].as_str().expect("a policy");
    let scripts = policy
        .split(';')
        .find(|part| part.trim().starts_with("script-src"))
        .expect("a rule for scripts");
    assert!(!scripts.contains("unsafe"), "{scripts}");
    for rule in [
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.contains(rule), "{rule}");
    }
}
