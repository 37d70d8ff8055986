//! Waiting for what a program does by itself.

use std::time::{Duration, Instant};

/// What is waited for comes; a program that hangs must not hang the tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it holds. `what` says what is waited for, where it does not come.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "it did not come: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
