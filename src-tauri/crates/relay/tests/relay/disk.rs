//! Room: pixels go first, then clicks, and what people say never.

use crate::crash::{Program, code, post, unsubscribe};
use crate::ground::{Ground, key_of, say};
use carillon_adapters::Dialer;
use carillon_adapters::relays::{RelayClient, RelaySecrets};
use carillon_model::relay::{HitKind, Room};
use carillon_relay::Limits;
use carillon_relay::tokens::{Payload, TokenKey};

fn block(n: u64) -> [u8; 16] {
    let mut block = [0; 16];
    block[..8].copy_from_slice(&n.to_be_bytes());
    block
}

fn click(key: &TokenKey, tenant: &str, n: u64) -> String {
    let url = format!("https://shop.example/{}", "x".repeat(600));
    key.mint(tenant, &block(n), &Payload::Click { link: 0, url })
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_refuses_pixels_first_then_clicks_and_never_an_unsubscribe() {
    let limits = Limits {
        quota_bytes: 400 << 10,
        reserve_bytes: 400 << 10,
        ..Limits::for_practice()
    };
    let ground = Ground::with(limits).await;
    let mut rooms = Vec::new();
    for n in 0..600 {
        let pixel = ground.get(&ground.link_of(&block(n), &Payload::Open)).await;
        assert_eq!(
            (pixel.status, pixel.header("content-type")),
            (200, Some("image/gif"))
        );
        let link = click(&ground.key(), &ground.tenant, n);
        let led = ground.get(&link).await;
        assert_eq!(led.status, 302, "people are led on, written down or not");
        if n % 20 == 0 {
            rooms.push(ground.studio.state().await.unwrap().room);
        }
    }
    rooms.dedup();
    assert_eq!(rooms, [Room::Everything, Room::NoPixels, Room::OnlyWords]);
    let state = ground.studio.state().await.unwrap();
    assert!(
        state.pixels_dropped > state.clicks_dropped && state.clicks_dropped > 0,
        "{state:?}"
    );
    assert_eq!(ground.get("/health").await.status, 503, "whoever watches is told");
    for n in 0..200 {
        let link = unsubscribe(&ground.key(), &ground.tenant, n);
        assert_eq!(ground.post(&link, "List-Unsubscribe=One-Click").await.status, 200);
    }
    let hits = ground.hits().await;
    let count = |kind| hits.iter().filter(|h| h.hit.what.kind() == kind).count();
    assert_eq!(count(HitKind::Unsubscribe), 200, "each is kept");
    assert_eq!(
        (count(HitKind::Open) as u64, count(HitKind::Click) as u64),
        (600 - state.pixels_dropped, 600 - state.clicks_dropped)
    );

    // Acknowledged and past its grace, it makes room again.
    let last = hits.last().unwrap();
    ground.studio.ack(&last.epoch, last.seq).await.unwrap();
    ground.pass(8 * 86_400);
    ground.relay().clean().await.unwrap();
    ground.get(&ground.link_of(&block(9_999), &Payload::Open)).await;
    assert_eq!(ground.hits().await.len(), 1);
    assert_eq!(ground.studio.state().await.unwrap().room, Room::Everything);
}

/// A file system of four megabytes of its own, and the relay in it. Needs user namespaces, as any recent Linux has.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_disk_that_is_full_clicks_are_led_on_and_every_unsubscribe_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut program = Program::beside(folder.path());
    let mut shell = std::process::Command::new("unshare");
    let said = folder.path().join("said");
    shell.args(["-rm", "sh", "-c"]).arg(format!(
        "mount -t tmpfs -o size=4m none {disk} && {relay} --config {config} init --url http://{at} --listen {at} --data {disk} > {said} \
         && sed -i 's/^reserve_bytes.*/reserve_bytes = 1048576/' {config} && exec {relay} --config {config} run",
        disk = disk.display(),
        relay = env!("CARGO_BIN_EXE_carillon-relay"),
        config = program.config.display(),
        at = program.at,
        said = said.display(),
    ));
    shell.env("RUST_LOG", "off");
    program.start(&mut shell).await;
    let code = code(&std::fs::read_to_string(&said).unwrap());
    let secrets = RelaySecrets::generate().unwrap();
    let (studio, _) = RelayClient::pair(Dialer::new(true), &code, &secrets, "laptop", None)
        .await
        .unwrap();
    let key = key_of(&secrets, 0);
    let mut full_after = None;
    for n in 0..6_000 {
        let led = say(program.at, "GET", &click(&key, &code.tenant, n), &[], b"").await;
        assert_eq!(led.status, 302);
        if n % 100 == 0 && studio.state().await.unwrap().room == Room::OnlyWords {
            full_after = Some(n);
            break;
        }
    }
    assert!(full_after.is_some(), "four megabytes are full at some time");
    let before = studio.state().await.unwrap();
    assert!(before.clicks_dropped > 0, "{before:?}");
    let mut kept = 0;
    for n in 0..400 {
        let answer = post(program.at, &unsubscribe(&key, &code.tenant, n))
            .await
            .unwrap();
        kept += u64::from(answer.status == 200);
    }
    assert_eq!(kept, 400, "each is answered as done");
    let after = studio.state().await.unwrap();
    assert_eq!(after.head, before.head + 400, "and each is there");
}
