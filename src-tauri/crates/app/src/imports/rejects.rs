//! The file with the rows that need attention.

use super::source::defused;
use crate::error::{Code, Result, fail};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Writes the rows that could not be taken as they were, with the reason in the first column.
pub struct RejectFile {
    writer: csv::Writer<File>,
    /// Where it is.
    pub path: PathBuf,
}

impl RejectFile {
    /// Starts a file, or goes on with one whose first `resume` bytes were kept: what a kill left behind them
    /// is cut off, because those rows come again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path, heading: &[String], resume: Option<u64>) -> Result<RejectFile> {
        let cannot = |e: &dyn std::fmt::Display| {
            fail(
                Code::File,
                "imports.no_reject_file",
                &[("file", &path.display()), ("detail", &e)],
            )
        };
        let keep = resume.unwrap_or(0);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(|e| cannot(&e))?;
        let length = file.metadata().map_err(|e| cannot(&e))?.len().min(keep);
        file.set_len(length)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|e| cannot(&e))?;
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        if length == 0 {
            let head = ["line".to_owned(), "what happened".to_owned()];
            writer
                .write_record(head.iter().chain(heading))
                .map_err(|e| cannot(&e))?;
        }
        Ok(RejectFile {
            writer,
            path: path.to_owned(),
        })
    }

    /// Adds one row with its reason. Cells that a spreadsheet would run as a formula are quoted (ASVS 1.2.10).
    pub fn write(&mut self, line: u64, reason: &str, fields: &[String]) -> std::io::Result<()> {
        let cells = [line.to_string(), reason.to_owned()]
            .into_iter()
            .chain(fields.iter().map(|f| defused(f)));
        self.writer.write_record(cells).map_err(std::io::Error::other)
    }

    /// Hands the rows so far to the operating system, which keeps them through a kill. The file's length.
    pub fn flush(&mut self) -> std::io::Result<u64> {
        self.writer.flush()?;
        Ok(self.writer.get_ref().metadata()?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_file_that_goes_on_after_a_kill_has_each_row_once() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let heading = ["email".to_owned()];
        let mut rejects = RejectFile::create(file.path(), &heading, None).expect("created");
        rejects.write(2, "no", &["a".into()]).expect("written");
        let kept = rejects.flush().expect("flushed");
        rejects.write(3, "no", &["b".into()]).expect("written");
        drop(rejects);
        let mut again = RejectFile::create(file.path(), &heading, Some(kept)).expect("goes on");
        again.write(3, "no", &["b".into()]).expect("written");
        again.flush().expect("flushed");
        let text = std::fs::read_to_string(file.path()).expect("read");
        assert_eq!(text, "line,what happened,email\n2,no,a\n3,no,b\n");
    }
}
