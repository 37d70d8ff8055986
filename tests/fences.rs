//! Who may know whom: the table of the architecture, read against `cargo metadata`. Normal dependencies only; what a
//! crate uses for its own tests is free.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Our crates and which of ours each may use directly. A crate that is not here may use anything.
const MAY_USE: &[(&str, &[&str])] = &[
    ("carillon-model", &[]),
    ("carillon-engine", &["carillon-model"]),
    ("carillon-render", &["carillon-model"]),
    ("carillon-store", &["carillon-model", "carillon-engine"]),
    ("carillon-adapters", &["carillon-model"]),
    ("carillon-world", &["carillon-model", "carillon-adapters"]),
    (
        "carillon-app",
        &[
            "carillon-model",
            "carillon-engine",
            "carillon-render",
            "carillon-store",
            "carillon-adapters",
            "carillon-world",
            "carillon-relay",
        ],
    ),
    ("carillon-relay", &["carillon-model", "carillon-engine"]),
    ("carillon-learn", &["carillon-model", "carillon-engine"]),
    ("carillon-cli", &["carillon-app"]),
    ("carillon-studio", &["carillon-app"]),
    ("carillon-xtask", &[]),
];

const ASYNC_AND_IO: &[&str] = &["tokio", "async-std", "smol", "mio", "rustls", "keyring"];
const DATABASES: &[&str] = &["sqlx", "sqlx-core", "rusqlite", "libsqlite3-sys"];
const HTTP: &[&str] = &["reqwest", "hyper", "ureq", "curl", "axum", "warp", "actix-web"];
const WINDOW: &[&str] = &["tauri", "tauri-build", "wry", "tao", "gtk", "webkit2gtk"];
const TEMPLATES: &[&str] = &["liquid", "liquid-core", "minijinja", "mrml"];
const RANDOM: &[&str] = &["rand", "rand_core", "fastrand", "oorandom", "getrandom", "uuid"];

/// Libraries a crate must not reach, directly or through others.
const MUST_NOT_REACH: &[(&str, &[&[&str]])] = &[
    (
        "carillon-model",
        &[ASYNC_AND_IO, DATABASES, HTTP, WINDOW, TEMPLATES],
    ),
    (
        "carillon-engine",
        &[
            ASYNC_AND_IO,
            DATABASES,
            HTTP,
            WINDOW,
            TEMPLATES,
            RANDOM,
            &["lettre"],
        ],
    ),
    ("carillon-render", &[ASYNC_AND_IO, DATABASES, HTTP, WINDOW]),
    (
        "carillon-store",
        &[HTTP, WINDOW, TEMPLATES, &["lettre", "keyring"]],
    ),
    ("carillon-adapters", &[DATABASES, WINDOW]),
    ("carillon-world", &[DATABASES, WINDOW]),
    ("carillon-app", &[WINDOW]),
    ("carillon-relay", &[WINDOW]),
    ("carillon-cli", &[WINDOW]),
    // The first thing a fresh machine compiles.
    (
        "carillon-xtask",
        &[ASYNC_AND_IO, DATABASES, HTTP, WINDOW, TEMPLATES],
    ),
];

/// Features a library must not have anywhere: lettre builds messages, its own session hides the final dot.
const MUST_NOT_HAVE: &[(&str, &[&str])] = &[("lettre", &["smtp-transport", "sendmail-transport"])];

/// Every broken rule as a sentence; empty when the house is in order. `metadata` is the JSON of `cargo metadata`.
pub fn broken(metadata: &Value) -> Vec<String> {
    let graph = Graph::read(metadata);
    let mut sentences = Vec::new();
    for (name, allowed) in MAY_USE {
        for used in graph.direct(name) {
            if used.starts_with("carillon-") && !allowed.contains(&used.as_str()) {
                sentences.push(format!("{name} uses {used}, which it must not know."));
            }
        }
    }
    for (name, groups) in MUST_NOT_REACH {
        let reached = graph.reached(name);
        for forbidden in groups.iter().copied().flatten() {
            if let Some(way) = reached.get(*forbidden) {
                sentences.push(format!(
                    "{name} reaches {forbidden}, which it must not: {}.",
                    way.join(" → ")
                ));
            }
        }
    }
    for (library, features) in MUST_NOT_HAVE {
        for feature in graph.features(library) {
            if features.contains(&feature.as_str()) {
                sentences.push(format!(
                    "{library} is built with `{feature}`, which it must not be."
                ));
            }
        }
    }
    sentences
}

/// The normal dependencies of every package, by name. Two versions of a library are one here.
struct Graph {
    uses: BTreeMap<String, BTreeSet<String>>,
    features: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read(metadata: &Value) -> Graph {
        let names: BTreeMap<&str, &str> = list(&metadata["packages"])
            .iter()
            .filter_map(|p| Some((p["id"].as_str()?, p["name"].as_str()?)))
            .collect();
        // What a macro needs runs in the compiler, not in the crate that uses it.
        let macros: BTreeSet<&str> = list(&metadata["packages"])
            .iter()
            .filter(|p| {
                list(&p["targets"])
                    .iter()
                    .any(|t| list(&t["kind"]).iter().any(|k| k == "proc-macro"))
            })
            .filter_map(|p| p["id"].as_str())
            .collect();
        let tests_only = asked_for_by_tests_only(metadata);
        let mut graph = Graph {
            uses: BTreeMap::new(),
            features: BTreeMap::new(),
        };
        for node in list(&metadata["resolve"]["nodes"]) {
            let Some(name) = node["id"].as_str().and_then(|id| names.get(id)) else {
                continue;
            };
            let uses = graph.uses.entry(name.to_string()).or_default();
            let of_a_macro = node["id"].as_str().is_some_and(|id| macros.contains(id));
            for dependency in list(&node["deps"]).iter().filter(|_| !of_a_macro) {
                // `kind` is null for a normal dependency, `dev` or `build` for the others.
                let normal = list(&dependency["dep_kinds"]).iter().any(|k| k["kind"].is_null());
                let used = dependency["pkg"].as_str().and_then(|id| names.get(id));
                if let (true, Some(used)) = (normal, used)
                    && !tests_only.contains(&(*name, *used))
                {
                    uses.insert(used.to_string());
                }
            }
            let on = list(&node["features"])
                .iter()
                .filter_map(|f| f.as_str())
                .map(str::to_string);
            graph.features.entry(name.to_string()).or_default().extend(on);
        }
        graph
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &String> {
        self.uses.get(name).into_iter().flatten()
    }

    fn features(&self, name: &str) -> impl Iterator<Item = &String> {
        self.features.get(name).into_iter().flatten()
    }

    /// Everything a package reaches, each with one way to it.
    fn reached(&self, from: &str) -> BTreeMap<String, Vec<String>> {
        let mut reached = BTreeMap::new();
        let mut open = vec![vec![from.to_string()]];
        while let Some(way) = open.pop() {
            for used in way.last().into_iter().flat_map(|name| self.direct(name)) {
                if !reached.contains_key(used) {
                    let mut longer = way.clone();
                    longer.push(used.clone());
                    reached.insert(used.clone(), longer.clone());
                    open.push(longer);
                }
            }
        }
        reached
    }
}

/// Optional libraries of our crates, as (crate, library), that no normal dependency on the crate asks for: cargo puts the
/// features of all dependents together, so what only somebody's tests switch on stands in the graph as well.
fn asked_for_by_tests_only(metadata: &Value) -> BTreeSet<(&str, &str)> {
    let packages = list(&metadata["packages"]);
    let mut found = BTreeSet::new();
    for (name, _) in MAY_USE {
        let Some(package) = packages.iter().find(|p| p["name"] == *name) else {
            continue;
        };
        let asked: BTreeSet<&str> = packages
            .iter()
            .flat_map(|p| list(&p["dependencies"]))
            .filter(|d| d["name"] == *name && d["kind"].is_null())
            .flat_map(|d| list(&d["features"]))
            .filter_map(Value::as_str)
            .chain(["default"])
            .flat_map(|feature| closure(package, feature))
            .collect();
        for dependency in list(&package["dependencies"]) {
            let library = dependency["name"].as_str().unwrap_or_default();
            let on = asked.contains(format!("dep:{library}").as_str()) || asked.contains(library);
            if dependency["optional"] == true && !on {
                found.insert((*name, library));
            }
        }
    }
    found
}

/// A feature of a package and all that it switches on.
fn closure<'a>(package: &'a Value, feature: &str) -> BTreeSet<&'a str> {
    let mut on = BTreeSet::new();
    let mut open = vec![feature.to_owned()];
    while let Some(feature) = open.pop() {
        for one in list(&package["features"][&feature])
            .iter()
            .filter_map(Value::as_str)
        {
            if on.insert(one) {
                open.push(one.to_owned());
            }
        }
    }
    on
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Words the engine's own sources must not contain outside their tests: a clock, randomness, IO, async.
const NOT_IN_THE_ENGINE: &[&str] = &[
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "thread_rng",
    "rand::",
    "async fn",
    "println!",
];

/// Lines of an engine source that use what the engine must not, with their numbers. What follows `#[cfg(test)]` is
/// left out, as are comments.
pub fn impure_lines(source: &str) -> Vec<(usize, &'static str)> {
    source
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(i, line)| {
            let words = NOT_IN_THE_ENGINE.iter().filter(move |word| line.contains(**word));
            words.map(move |word| (i + 1, *word))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A house of these edges: user, used, kind.
    fn house(edges: &[(&str, &str, Option<&str>)]) -> Value {
        let names: BTreeSet<&str> = edges.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        let packages: Vec<Value> = names
            .iter()
            .map(|n| json!({ "id": format!("id:{n}"), "name": n }))
            .collect();
        let nodes: Vec<Value> = names
            .iter()
            .map(|n| {
                let deps: Vec<Value> = edges
                    .iter()
                    .filter(|(from, _, _)| from == n)
                    .map(
                        |(_, to, kind)| json!({ "pkg": format!("id:{to}"), "dep_kinds": [{ "kind": kind }] }),
                    )
                    .collect();
                let features = if *n == "lettre" {
                    json!(["builder"])
                } else {
                    json!([])
                };
                json!({ "id": format!("id:{n}"), "deps": deps, "features": features })
            })
            .collect();
        json!({ "packages": packages, "resolve": { "nodes": nodes } })
    }

    #[test]
    fn the_edges_of_the_table_are_allowed() {
        let house = house(&[
            ("carillon-engine", "carillon-model", None),
            ("carillon-store", "carillon-engine", None),
            ("carillon-store", "rusqlite", None),
            ("carillon-render", "lettre", None),
        ]);
        assert_eq!(broken(&house), Vec::<String>::new());
    }

    #[test]
    fn an_edge_between_our_crates_that_is_not_in_the_table_is_named() {
        let said = broken(&house(&[("carillon-cli", "carillon-store", None)])).join("\n");
        assert!(said.contains("carillon-cli uses carillon-store"), "{said}");
    }

    #[test]
    fn a_library_reached_through_another_is_named_with_the_way_to_it() {
        let said = broken(&house(&[
            ("carillon-engine", "innocent", None),
            ("innocent", "tokio", None),
        ]))
        .join("\n");
        assert!(said.contains("carillon-engine → innocent → tokio"), "{said}");
    }

    #[test]
    fn what_a_crate_uses_for_its_tests_and_its_build_is_free() {
        let house = house(&[
            ("carillon-engine", "tokio", Some("dev")),
            ("carillon-engine", "rand", Some("build")),
            ("carillon-model", "carillon-store", Some("dev")),
        ]);
        assert_eq!(broken(&house), Vec::<String>::new());
    }

    #[test]
    fn what_only_somebodys_tests_switch_on_is_free_and_what_a_program_switches_on_is_not() {
        let asking = |kind: Option<&str>| {
            let mut house = house(&[
                ("carillon-engine", "rand", None),
                ("carillon-store", "carillon-engine", None),
            ]);
            for package in house["packages"].as_array_mut().expect("packages") {
                if package["name"] == "carillon-engine" {
                    package["features"] = json!({ "arbitrary": ["dep:rand"], "all": ["arbitrary"] });
                    package["dependencies"] = json!([{ "name": "rand", "kind": null, "optional": true }]);
                } else if package["name"] == "carillon-store" {
                    package["dependencies"] =
                        json!([{ "name": "carillon-engine", "kind": kind, "features": ["all"] }]);
                }
            }
            broken(&house)
        };
        assert_eq!(asking(Some("dev")), Vec::<String>::new());
        assert!(!asking(None).is_empty(), "the program itself reaches it");
    }

    #[test]
    fn what_a_macro_uses_is_not_in_the_program() {
        let mut house = house(&[
            ("carillon-engine", "a-macro", None),
            ("a-macro", "fastrand", None),
        ]);
        assert_eq!(broken(&house).len(), 1);
        let packages = house["packages"].as_array_mut().expect("packages");
        let marked = packages
            .iter_mut()
            .find(|p| p["name"] == "a-macro")
            .expect("the macro");
        marked["targets"] = json!([{ "kind": ["proc-macro"] }]);
        assert_eq!(broken(&house), Vec::<String>::new());
    }

    #[test]
    fn a_clock_in_the_engine_is_found_and_one_in_its_tests_is_not() {
        let source =
            "// SystemTime is not for us\nlet now = Utc::now();\n#[cfg(test)]\nlet now = Instant::now();\n";
        assert_eq!(impure_lines(source), [(2, "Utc::now")]);
    }
}
