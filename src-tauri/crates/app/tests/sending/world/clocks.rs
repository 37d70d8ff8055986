//! The ways in which a sample's clock moves, and the life its people live by each.

use super::{counted, figures, inbox, moment, sample, whoever_left_gets_nothing_more};
use crate::studio::Studio;
use carillon_app::App;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Every mail with its moment, and everything that was done about it with its own.
fn life(mails: &[Value]) -> Vec<String> {
    let mut all = Vec::new();
    for mail in mails {
        let got = format!("{} {}", mail["to"], mail["received_at"]);
        let answers = mail["answers"].as_array().unwrap().iter();
        all.extend(answers.map(|answer| format!("{got} {} {}", answer["at"], answer["kind"])));
        all.push(got);
    }
    all.sort();
    all
}

/// The clock runs to a moment, leaps there, or plays for a while and leaps then.
pub(super) async fn every_way() {
    let until = "2026-09-09T12:00:00Z";
    let mut lived = Vec::new();
    for way in ["run", "jump", "play"] {
        let dir = tempfile::tempdir().unwrap();
        let studio = sample(dir.path(), 60).await;
        let mut settings = studio.query("world.get", json!({})).await["settings"].clone();
        settings["mix"] =
            json!({ "eager": 40, "busy": 10, "silent": 0, "annoyed": 40, "bot": 10, "gone_away": 0 });
        studio.mutate("world.set", settings).await;
        // It writes tags, for whose sake the clock stops at each moment anyhow.
        let journeys = studio.query("journeys.list", json!({})).await;
        let mut journeys = journeys.as_array().unwrap().iter();
        let welcome = journeys.find(|journey| journey["name"] == "Welcome series");
        let welcome = json!({ "id": welcome.unwrap()["id"] });
        studio.mutate("journeys.stop", welcome).await;
        let jump = json!({ "to": { "at": until } });
        match way {
            "run" => drop(studio.job("runtime.run", json!({ "until": until })).await),
            "jump" => drop(studio.job("clock.jump", jump).await),
            _ => {
                studio.mutate("workspaces.close", json!({})).await;
                let studio = lively(dir.path()).await;
                studio.mutate("clock.play", json!({ "speed": 86_400.0 })).await;
                let day = moment(&json!("2026-09-02T00:00:00Z"));
                while moment(&studio.query("clock.get", json!({})).await["now"]) < day {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                studio.mutate("clock.pause", json!({})).await;
                let played = counted(&inbox(&studio).await);
                assert!(played.values().sum::<u64>() > 10, "{played:?}");
                studio.job("clock.jump", jump).await;
                studio.mutate("workspaces.close", json!({})).await;
            }
        }
        let studio = match way {
            "play" => Studio::again(dir.path()).await,
            _ => studio,
        };
        let mails = inbox(&studio).await;
        whoever_left_gets_nothing_more(&studio, &mails).await;
        lived.push((way, life(&mails), figures(&studio).await));
    }
    for (way, life, figures) in &lived[1..] {
        let differs = life.iter().zip(&lived[0].1).find(|(a, b)| a != b);
        assert_eq!(differs, None, "{way}");
        assert_eq!((life.len(), figures), (lived[0].1.len(), &lived[0].2), "{way}");
    }
}

/// The workspace of a folder in a program that lives by itself: its clock plays, and its sources are listened to.
async fn lively(dir: &Path) -> Studio {
    let studio = Studio {
        app: App::new(dir.join("home"), true),
        dir: dir.to_owned(),
    };
    let file = json!({ "file": { "path": dir.join("shop.carillon") } });
    studio.mutate("workspaces.open", file).await;
    studio
}
