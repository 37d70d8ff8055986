//! Lists and events made by scripts that know nothing of Carillon.

use crate::events::import_events;
use crate::studio::{Studio, rejects};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn python(script: &str, args: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures");
    let ran = Command::new("python3")
        .arg(root.join(script))
        .args(args)
        .status()
        .expect("python3 runs");
    assert!(ran.success(), "{script} {args:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_made_outside_comes_in_as_its_maker_says() {
    for (encoding, delimiter) in [
        ("utf-8", "comma"),
        ("utf-8-bom", "semicolon"),
        ("utf-16", "tab"),
        ("windows-1252", "semicolon"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let studio = Studio::new(dir.path()).await;
        let [people, expected, kept, events, events_expected] = [
            "people.csv",
            "expected.json",
            "kept.jsonl",
            "events.jsonl",
            "events.json",
        ]
        .map(|n| dir.path().join(n).to_str().unwrap().to_owned());
        python(
            "make_people.py",
            &[
                "--people",
                "1500",
                "--seed",
                "7",
                "--csv",
                &people,
                "--expected",
                &expected,
                "--kept",
                &kept,
                "--encoding",
                encoding,
                "--delimiter",
                delimiter,
            ],
        );
        let expected: Value = serde_json::from_slice(&std::fs::read(&expected).unwrap()).unwrap();
        let plan = studio.plan(Path::new(&people)).await;
        let tried = studio.job("contacts.import_dry_run", plan.clone()).await;
        let done = studio.job("contacts.import_run", plan).await;
        assert_eq!(tried["counts"], done["counts"], "{encoding}");
        let sum = |of: &Value| {
            of.as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_u64)
                .sum::<u64>()
        };
        for (key, wanted) in [
            ("rows", expected["rows"].as_u64().unwrap()),
            ("new", expected["new"].as_u64().unwrap()),
            ("duplicate", expected["duplicate"].as_u64().unwrap()),
            ("invalid", sum(&expected["invalid"])),
            ("with_gaps", sum(&expected["left_out"])),
        ] {
            assert_eq!(done["counts"][key], wanted, "{encoding} {key}");
        }
        let told: BTreeMap<u64, String> = rejects(&done)
            .into_iter()
            .map(|r| (r[0].parse().unwrap(), r[1].clone()))
            .collect();
        for refused in expected["refused"].as_array().unwrap() {
            let key = format!("imports.reasons.{}", refused["reason"].as_str().unwrap());
            let line = refused["line"].as_u64().unwrap();
            assert_eq!(
                told.get(&line),
                Some(&carillon_app::error::sentence(&key, &[])),
                "{encoding} line {line}"
            );
        }
        for line in std::fs::read_to_string(&kept).unwrap().lines().step_by(97) {
            let person: Value = serde_json::from_str(line).unwrap();
            let email = person["email"].as_str().unwrap();
            for key in ["first_name", "last_name", "city", "time_zone", "birthday"] {
                assert_eq!(
                    studio.value(email, key).await,
                    person[key],
                    "{encoding} {email} {key}"
                );
            }
            assert_eq!(studio.value(email, "spent").await["minor"], person["spent_minor"]);
            assert_eq!(studio.value(email, "member").await, person["member"]);
        }
        python(
            "make_shop_events.py",
            &[
                "--kept",
                &kept,
                "--seed",
                "7",
                "--events",
                &events,
                "--expected",
                &events_expected,
            ],
        );
        let expected: Value = serde_json::from_slice(&std::fs::read(&events_expected).unwrap()).unwrap();
        let done = import_events(&studio, Path::new(&events), "shop").await;
        for (key, wanted) in [
            ("rows", expected["lines"].as_u64().unwrap()),
            ("new", expected["taken"].as_u64().unwrap()),
            ("duplicate", expected["repeated"].as_u64().unwrap()),
            ("invalid", sum(&expected["invalid"])),
        ] {
            assert_eq!(done["counts"][key], wanted, "{encoding} events {key}");
        }
    }
}
