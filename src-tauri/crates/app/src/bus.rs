//! From commits to screens: whoever shows something hears what changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

/// What one commit was about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Changes {
    /// Position in the file's one order; 0 for what is not in the file (jobs, the open workspace).
    pub seq: i64,
    pub topics: Vec<String>,
}

/// Passes on what changed.
#[derive(Clone, Debug)]
pub struct Bus {
    send: broadcast::Sender<Value>,
}

impl Default for Bus {
    fn default() -> Self {
        Bus {
            send: broadcast::channel(1024).0,
        }
    }
}

impl Bus {
    /// Everything from now on. Who falls behind gets `Lagged` and must read everything again.
    pub fn listen(&self) -> broadcast::Receiver<Value> {
        self.send.subscribe()
    }

    /// Tells all that something changed.
    pub fn tell(&self, seq: i64, topics: Vec<String>) {
        let changes = Changes { seq, topics };
        let _ = self
            .send
            .send(serde_json::to_value(changes).unwrap_or(Value::Null));
    }

    /// The sender, for lines to other processes.
    pub fn sender(&self) -> broadcast::Sender<Value> {
        self.send.clone()
    }
}
