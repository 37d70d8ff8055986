//! A shop that sends campaigns.

use crate::shop::{FOOT, Shop};
use carillon_app::table::Kind;
use serde_json::{Value, json};

/// So many contacts in the segment `All`, and the template `Hello`.
pub async fn ready(n: usize) -> Shop {
    let shop = Shop::new(|_| {}).await;
    shop.people(n).await;
    segment(&shop, "All", "everyone").await;
    shop.template("Hello", &format!("Hello {{{{ first_name }}}}, {FOOT}"))
        .await;
    shop
}

pub async fn segment(shop: &Shop, name: &str, text: &str) {
    let saved = json!({ "id": null, "name": name, "text": text });
    shop.studio.mutate("segments.save", saved).await;
}

/// A campaign to all, now, with what is to be different.
pub fn june(other: Value) -> Value {
    let mut campaign = json!({
        "name": "June", "segment": "All", "variants": [{ "template": "Hello" }], "when": { "when": "now" },
    });
    for (key, value) in other.as_object().unwrap() {
        campaign[key] = value.clone();
    }
    campaign
}

pub async fn save(shop: &Shop, campaign: Value) -> u64 {
    let saved = shop
        .studio
        .mutate("campaigns.save", json!({ "campaign": campaign }))
        .await;
    saved["id"].as_u64().unwrap()
}

pub async fn preview(shop: &Shop, id: u64) -> Value {
    shop.studio.query("campaigns.preview", json!({ "id": id })).await
}

pub async fn view(shop: &Shop, id: u64) -> Value {
    shop.studio.query("campaigns.get", json!({ "id": id })).await
}

pub async fn state(shop: &Shop, id: u64) -> String {
    view(shop, id).await["state"].as_str().unwrap().to_owned()
}

/// Confirms the number that is shown.
pub async fn start(shop: &Shop, id: u64) -> Value {
    let count = preview(shop, id).await["gets"].clone();
    shop.studio
        .mutate("campaigns.start", json!({ "id": id, "count": count }))
        .await
}

pub async fn try_start(shop: &Shop, id: u64, count: u64, may_differ: u64) -> Result<Value, String> {
    let args = json!({ "id": id, "count": count, "may_differ": may_differ });
    let asked = shop.studio.ask(Kind::Mutate, "campaigns.start", args).await;
    asked.map_err(|e| e.message)
}

pub async fn go(shop: &Shop, verb: &str, id: u64) -> Result<Value, String> {
    let asked = shop
        .studio
        .ask(Kind::Mutate, &format!("campaigns.{verb}"), json!({ "id": id }))
        .await;
    asked.map_err(|e| e.message)
}

/// Runs a while of the virtual clock.
pub async fn pass(shop: &Shop, secs: u32) -> Value {
    shop.studio
        .job("runtime.run", json!({ "until": null, "for_secs": secs }))
        .await
}

/// Addresses numbered from 1, as they sort.
pub fn addresses(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let mut all: Vec<String> = numbers.into_iter().map(|n| format!("c{n}@example.com")).collect();
    all.sort();
    all
}
