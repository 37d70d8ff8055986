//! The messages the server took, one file each, as in a maildir: written to `tmp`, renamed into `new`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Longest message read back, in bytes.
const LONGEST: u64 = 64 << 20;

/// A folder of messages.
#[derive(Clone, Debug)]
pub struct Mailbox {
    folder: PathBuf,
}

impl Mailbox {
    /// Makes the folder where it is missing.
    pub fn open(folder: &Path) -> io::Result<Mailbox> {
        fs::create_dir_all(folder.join("tmp"))?;
        fs::create_dir_all(folder.join("new"))?;
        Ok(Mailbox {
            folder: folder.to_owned(),
        })
    }

    pub(crate) fn keep(&self, queue_id: &str, message: &[u8], durable: bool) -> io::Result<()> {
        let fresh = self.folder.join("tmp").join(queue_id);
        let mut file = File::create(&fresh)?;
        file.write_all(message)?;
        if durable {
            file.sync_data()?;
        }
        fs::rename(fresh, self.path(queue_id))
    }

    /// The queue ids of all messages, oldest first.
    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.folder.join("new"))? {
            if let Ok(name) = entry?.file_name().into_string()
                && let Some(id) = name.strip_suffix(".eml")
            {
                ids.push(id.to_owned());
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The bytes of one message, or `None` where there is none of this id.
    pub fn read(&self, queue_id: &str) -> io::Result<Option<Vec<u8>>> {
        self.begin(queue_id, LONGEST)
    }

    /// The first bytes of one message, at most so many.
    pub fn begin(&self, queue_id: &str, bytes: u64) -> io::Result<Option<Vec<u8>>> {
        if queue_id.is_empty() || !queue_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        match File::open(self.path(queue_id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => {
                let mut read = Vec::new();
                file?.take(bytes.min(LONGEST)).read_to_end(&mut read)?;
                Ok(Some(read))
            }
        }
    }

    fn path(&self, queue_id: &str) -> PathBuf {
        self.folder.join("new").join(format!("{queue_id}.eml"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_oldest_first_and_no_id_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::open(folder.path()).unwrap();
        fs::write(folder.path().join("secret.eml"), "x").unwrap();
        mailbox.keep("0b", b"two", false).unwrap();
        mailbox.keep("0a", b"one", true).unwrap();
        assert_eq!(mailbox.list().unwrap(), ["0a", "0b"]);
        assert_eq!(mailbox.read("0a").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(mailbox.begin("0a", 2).unwrap().as_deref(), Some(&b"on"[..]));
        assert_eq!(mailbox.read("0c").unwrap(), None);
        assert_eq!(mailbox.read("../secret").unwrap(), None);
    }
}
