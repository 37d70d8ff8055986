//! `/health`: whether the relay does its work, for people and for programs that watch it. It names no tenant.

use super::devices::room;
use super::{Ask, json, plain};
use crate::pages::{self, Allow};
use crate::words::Words;
use axum::http::StatusCode;
use axum::response::Response;
use carillon_model::relay::{PageSettings, Room};
use maud::html;
use serde_json::json;

pub(super) async fn health(ask: Ask) -> Response {
    let rooms: Vec<Room> = ask
        .relay
        .tenants()
        .iter()
        .filter_map(|id| ask.relay.tenant(id))
        .map(|tenant| room(&tenant))
        .collect();
    let worst = rooms
        .iter()
        .copied()
        .max_by_key(|r| *r as u8)
        .unwrap_or(Room::Everything);
    let (status, said) = match worst {
        Room::Everything => (StatusCode::OK, "Everything is written down."),
        Room::NoPixels => (
            StatusCode::OK,
            "Little room is left: pixels are not written down.",
        ),
        Room::OnlyWords => (
            StatusCode::SERVICE_UNAVAILABLE,
            "No room is left: only unsubscribes, preferences, confirmations and forms are written down. Make room on the disk, or raise quota_bytes.",
        ),
    };
    let (version, up) = (env!("CARGO_PKG_VERSION"), ask.relay.started.elapsed().as_secs());
    if ask.header("accept").contains("text/html") {
        let body = html! {
            p role="status" { (said) }
            p.hint { "carillon-relay " (version) ", up for " (up) " seconds, " (rooms.len()) " tenants." }
        };
        let page = pages::page(
            Words::for_browser("en"),
            None,
            &PageSettings::default(),
            "Carillon relay",
            body,
        );
        return pages::answer(status, &Allow::default(), page);
    }
    let value =
        json!({ "status": said, "room": worst, "version": version, "up_secs": up, "tenants": rooms.len() });
    json(status, &value)
}

pub(super) async fn robots() -> Response {
    plain(StatusCode::OK, "text/plain", "User-agent: *\nDisallow: /\n")
}
