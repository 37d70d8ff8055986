//! What the desktop shell promises before it starts: its configuration, read as the build reads it.

use serde_json::Value;
use std::path::Path;

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The sources a directive of the window's policy allows; its own, or those of `default-src`.
fn allowed(policy: &str, directive: &str) -> Vec<String> {
    let find = |name: &str| {
        let whole = policy
            .split(';')
            .map(str::trim)
            .find(|d| d.split(' ').next() == Some(name))?;
        Some(whole.split_whitespace().skip(1).map(str::to_string).collect())
    };
    find(directive)
        .or_else(|| find("default-src"))
        .unwrap_or_else(|| vec!["*".to_string()])
}

#[test]
fn the_window_runs_no_script_but_its_own_and_reaches_nothing_but_the_two_doors() {
    let config = read("tauri.conf.json");
    let policy = config["app"]["security"]["csp"]
        .as_str()
        .expect("a policy")
        .to_string();
    assert_eq!(allowed(&policy, "script-src"), ["'self'"]);
    assert_eq!(allowed(&policy, "default-src"), ["'none'"]);
    assert_eq!(allowed(&policy, "object-src"), ["'none'"]);
    assert_eq!(allowed(&policy, "base-uri"), ["'none'"]);
    for source in allowed(&policy, "connect-src") {
        assert!(
            ["ipc:", "http://ipc.localhost", "'self'"].contains(&source.as_str()),
            "connect-src {source}"
        );
    }
    for directive in ["img-src", "frame-src", "font-src", "style-src"] {
        for source in allowed(&policy, directive) {
            let remote = source == "*" || source.starts_with("https:") || source == "http:";
            assert!(!remote, "{directive} {source} reaches out");
        }
    }
}

#[test]
fn a_page_cannot_reach_the_doors_through_globals_or_the_asset_protocol() {
    let config = read("tauri.conf.json");
    assert_eq!(config["app"]["withGlobalTauri"], false);
    assert!(
        config["app"]["security"]["assetProtocol"]["enable"] != true,
        "the asset protocol is on"
    );
}

#[test]
fn capabilities_name_their_windows_and_give_no_files_and_no_programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src-tauri/capabilities");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the capabilities") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let capability = read(&format!("src-tauri/capabilities/{name}"));
        seen += 1;
        let windows = capability["windows"].as_array().expect("windows by name");
        assert!(
            !windows.is_empty() && windows.iter().all(|w| w != "*"),
            "{name} is for every window"
        );
        assert!(
            capability["remote"].is_null(),
            "{name} lets pages from elsewhere in"
        );
        for permission in capability["permissions"].as_array().expect("permissions") {
            let permission = permission
                .as_str()
                .or(permission["identifier"].as_str())
                .expect("a name");
            for forbidden in ["fs:", "shell:", "process:", "http:", "opener:"] {
                assert!(!permission.starts_with(forbidden), "{name} gives {permission}");
            }
        }
    }
    assert!(seen > 0);
}
