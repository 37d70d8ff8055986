//! What the mail server took and the town has not seen yet.

use carillon_world::Taken;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Mails the server may hand over before somebody takes them from the line.
const LINE: usize = 1_024;
/// Bytes of mails that are held; those beyond are read from the server's mailbox again.
const HELD: usize = 64 << 20;

/// Mails between server and town.
pub(super) struct Post {
    sender: mpsc::Sender<Taken>,
    bag: Arc<Mutex<Bag>>,
    marks: watch::Receiver<u64>,
    next: std::sync::atomic::AtomicU64,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Bag {
    mails: Vec<Taken>,
    bytes: usize,
}

impl Drop for Post {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Post {
    /// The line for the server, and where its mails are found.
    pub(super) fn open() -> (mpsc::Sender<Taken>, Post) {
        let (sender, mut line) = mpsc::channel::<Taken>(LINE);
        let (mark, marks) = watch::channel(0);
        let bag: Arc<Mutex<Bag>> = Arc::default();
        let filled = bag.clone();
        let task = tokio::spawn(async move {
            while let Some(mut taken) = line.recv().await {
                // A mark: everything before it is in the bag.
                if taken.queue_id.is_empty() {
                    mark.send_modify(|n| *n += 1);
                    continue;
                }
                let mut bag = filled.lock().unwrap_or_else(PoisonError::into_inner);
                bag.bytes += taken.message.len();
                if bag.bytes > HELD {
                    bag.bytes -= taken.message.len();
                    taken.message = Vec::new();
                }
                bag.mails.push(taken);
            }
        });
        let post = Post {
            sender: sender.clone(),
            bag,
            marks,
            next: std::sync::atomic::AtomicU64::new(0),
            task,
        };
        (sender, post)
    }

    /// Everything the server acknowledged up to now. Where a mail's bytes are missing, the server's mailbox has them.
    pub(super) async fn take(&self) -> Vec<Taken> {
        let mark = Taken {
            queue_id: String::new(),
            mail_from: String::new(),
            rcpt_to: Vec::new(),
            message: Vec::new(),
        };
        let number = 1 + self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut marks = self.marks.clone();
        if self.sender.send(mark).await.is_ok() {
            let _ = marks.wait_for(|n| *n >= number).await;
        }
        std::mem::take(&mut *self.bag.lock().unwrap_or_else(PoisonError::into_inner)).mails
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_handed_over_before_is_found_and_only_once() {
        let (line, post) = Post::open();
        for n in 1..=3_000 {
            let taken = Taken {
                queue_id: n.to_string(),
                mail_from: String::new(),
                rcpt_to: Vec::new(),
                message: vec![0; 40_000],
            };
            line.send(taken).await.expect("the line is open");
        }
        let found = post.take().await;
        assert_eq!(found.len(), 3_000);
        assert!(found.iter().map(|mail| mail.message.len()).sum::<usize>() <= HELD);
        assert!(post.take().await.is_empty());
    }
}
