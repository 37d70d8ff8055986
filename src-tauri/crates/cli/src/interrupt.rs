//! Ctrl+C, and the polite signal that ends a program: once to stop at a safe point, twice to stop at once.

use crate::output::complain;
use crate::words::text;
use tokio::sync::watch;

/// Whether somebody asked this program to end.
#[derive(Clone)]
pub struct Interrupt {
    asked: watch::Receiver<bool>,
}

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> Interrupt {
        let (send, asked) = watch::channel(false);
        tokio::spawn(async move {
            while told_to_end().await {
                if send.send_replace(true) {
                    complain(&text!("interrupt.at_once"));
                    std::process::exit(1);
                }
            }
        });
        Interrupt { asked }
    }

    /// Whether somebody asked already.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Nobody listens any more: the system ends the program.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for a signal; false where none can be received.
#[cfg(unix)]
async fn told_to_end() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut polite) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        told = tokio::signal::ctrl_c() => told.is_ok(),
        told = polite.recv() => told.is_some(),
    }
}

#[cfg(not(unix))]
async fn told_to_end() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
