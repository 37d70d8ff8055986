//! The log of a program: for whoever mends it. Whoever uses it reads sentences instead.

use std::io::Write;
use std::path::{Path, PathBuf};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A log that is larger is put aside, in the place of the one before.
const LARGEST: u64 = 1 << 20;

/// The log in the program's own folder.
pub fn file(home: &Path) -> PathBuf {
    home.join("carillon.log")
}

/// Warnings and errors go to the log file. With `CARILLON_LOG`, what it asks for goes to standard error instead.
pub fn start(home: &Path) {
    match EnvFilter::try_from_env("CARILLON_LOG") {
        Ok(asked) => tracing_subscriber::fmt()
            .with_env_filter(asked)
            .with_writer(std::io::stderr)
            .init(),
        Err(_) => tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("warn"))
            .with_ansi(false)
            // Where no log can be written, nobody is told of it in words of programmers.
            .log_internal_errors(false)
            .with_writer(Log(file(home)))
            .init(),
    }
}

/// The file, opened for each entry: most runs of the program have none, and several programs write to it.
struct Log(PathBuf);

/// One entry on its way.
struct Entry<'a>(&'a Path);

impl<'a> MakeWriter<'a> for Log {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Entry<'a> {
        Entry(&self.0)
    }
}

impl Write for Entry<'_> {
    fn write(&mut self, entry: &[u8]) -> std::io::Result<usize> {
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::metadata(self.0).is_ok_and(|log| log.len() > LARGEST) {
            std::fs::rename(self.0, self.0.with_extension("log.before"))?;
        }
        let mut log = std::fs::File::options().create(true).append(true).open(self.0)?;
        log.write_all(entry)?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_made_when_there_is_something_to_say_and_does_not_grow_for_ever() {
        let home = tempfile::tempdir().unwrap();
        let log = Log(file(&home.path().join("new")));
        assert!(!log.0.exists());
        let entry = vec![b'x'; 1 << 19];
        for _ in 0..4 {
            log.make_writer().write_all(&entry).unwrap();
        }
        let before = log.0.with_extension("log.before");
        assert_eq!(std::fs::metadata(&log.0).unwrap().len(), 1 << 19);
        assert_eq!(std::fs::metadata(&before).unwrap().len(), 3 << 19);
    }
}
