//! What the mail world remembers between two openings: a diary of lines, each written when it is so, and now and then the
//! whole town, so that not all of its life need be read again.

use carillon_model::Moment;
use carillon_world::inbox::Answer;
use carillon_world::personas::{Act, Language, Town};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes: an act with the head of its mail and what somebody wrote.
const LONGEST_LINE: u64 = 1 << 20;
/// Longest file of a town, in bytes.
const LONGEST_TOWN: u64 = 1 << 30;

/// A mail that came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Got {
    pub at: Moment,
    pub to: String,
    pub mail_from: String,
    /// Name or address of the sender, as it is listed.
    pub from: String,
    pub subject: String,
    pub message_id: String,
    /// Under which the server's mailbox has it.
    pub queue_id: String,
    /// The recipient's zone, by its name.
    pub zone: String,
    pub language: Option<Language>,
    /// The town got it. Not while the world is off.
    pub delivered: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Got(Box<Got>),
    Did {
        who: String,
        message_id: String,
        answer: Answer,
    },
    /// What an act led to.
    Then {
        at: Moment,
        act: Box<Act>,
    },
    /// Somebody left by the user's hand.
    Left {
        who: String,
        at: Moment,
    },
    /// Everything due up to and including this moment was done.
    Done {
        until: Moment,
    },
}

impl Line {
    /// When it was so; none for what says so of itself, or is to come.
    pub(super) fn at(&self) -> Option<Moment> {
        match self {
            Line::Got(got) => Some(got.at),
            Line::Did { answer, .. } => Some(answer.at),
            Line::Left { at, .. } => Some(*at),
            Line::Then { .. } | Line::Done { .. } => None,
        }
    }
}

/// The head of a saved town: what comes after it in the diary is not in it.
#[derive(Serialize, Deserialize)]
struct Head {
    /// 1.
    version: u32,
    offset: u64,
    done: Option<Moment>,
}

/// A town as it was saved.
pub(super) struct Saved {
    pub town: Option<Town>,
    /// Where in the diary it was.
    pub offset: u64,
    pub done: Option<Moment>,
}

/// The files of the diary, open for writing.
pub(super) struct Diary {
    file: File,
    town: PathBuf,
    /// Lines since the town was saved.
    pub since: u64,
}

impl Diary {
    /// Opens the diary in a folder, makes it where there is none, and tells each line of it with the place where it ends.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(super) fn open(folder: &Path, mut line: impl FnMut(u64, Line)) -> io::Result<Diary> {
        let path = folder.join("diary.jsonl");
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut place, mut bytes, mut unread) = (0, Vec::new(), 0_u64);
        let mut whole = true;
        loop {
            bytes.clear();
            let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            place += read as u64;
            whole = bytes.ends_with(b"\n");
            match serde_json::from_slice(&bytes) {
                Ok(one) if whole => line(place, one),
                _ => unread += 1,
            }
        }
        if unread > 0 {
            tracing::warn!(
                unread,
                "lines of the mail world's diary cannot be read and are passed over"
            );
        }
        // A program that ended in the middle of a line: what follows is not glued to it.
        file.seek(SeekFrom::End(0))?;
        if !whole {
            file.write_all(b"\n")?;
        }
        Ok(Diary {
            file,
            town: folder.join("town.json"),
            since: 0,
        })
    }

    /// The town as it was saved last. `None` as the town: there is none yet, or its file cannot be read, which is logged;
    /// then the whole diary is lived again.
    pub(super) fn saved(folder: &Path) -> Saved {
        let none = Saved {
            town: None,
            offset: 0,
            done: None,
        };
        let path = folder.join("town.json");
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(LONGEST_TOWN).read_to_end(&mut bytes));
        let why = match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return none,
            Err(error) => error.to_string(),
            Ok(_) => match parted(&bytes) {
                Ok(saved) => return saved,
                Err(why) => why,
            },
        };
        tracing::warn!(file = %path.display(), why, "the town of the mail world cannot be read; it is made good from its diary");
        none
    }

    /// Writes lines, all of them with one write.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(lines.len() * 256);
        for line in lines {
            serde_json::to_writer(&mut bytes, line)?;
            bytes.push(b'\n');
        }
        self.since += lines.len() as u64;
        self.file.write_all(&bytes)
    }

    /// Saves the town, whole or not at all, as it is after the last line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn save(&mut self, town: &Town, done: Option<Moment>) -> io::Result<()> {
        let head = Head {
            version: 1,
            offset: self.file.seek(SeekFrom::End(0))?,
            done,
        };
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.extend(town.save()?);
        let fresh = self.town.with_extension("fresh");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(fresh, &self.town)?;
        self.since = 0;
        Ok(())
    }
}

fn parted(bytes: &[u8]) -> Result<Saved, String> {
    let end = bytes.iter().position(|b| *b == b'\n').ok_or("it has no head")?;
    let head: Head = serde_json::from_slice(&bytes[..end]).map_err(|e| e.to_string())?;
    if head.version != 1 {
        return Err(format!("version {} is of a newer program", head.version));
    }
    let town = Town::load(&bytes[end + 1..]).map_err(|e| e.to_string())?;
    Ok(Saved {
        town: Some(town),
        offset: head.offset,
        done: head.done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use carillon_world::personas::WorldSettings;

    fn done(millis: i64) -> Line {
        Line::Done {
            until: Moment::from_timestamp_millis(millis).unwrap_or_default(),
        }
    }

    #[test]
    fn a_torn_line_is_passed_over_and_spoils_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut diary = Diary::open(folder.path(), |_, _| {}).expect("a diary");
        diary.write(&[done(1), done(2)]).expect("written");
        diary.file.write_all(b"{\"done\":{\"un").expect("torn");
        drop(diary);
        let mut diary = Diary::open(folder.path(), |_, _| {}).expect("a diary");
        diary.write(&[done(3)]).expect("written");
        let mut read = Vec::new();
        Diary::open(folder.path(), |_, line| read.push(line)).expect("a diary");
        assert_eq!(read, [done(1), done(2), done(3)]);
    }

    #[test]
    fn a_town_that_cannot_be_read_is_made_good_from_the_whole_diary() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Diary::saved(folder.path()).offset, 0, "none yet");
        let mut diary = Diary::open(folder.path(), |_, _| {}).expect("a diary");
        diary.write(&[done(1)]).expect("written");
        let town = Town::new(WorldSettings::new(1, Moment::UNIX_EPOCH));
        diary.save(&town, None).expect("saved");
        let saved = Diary::saved(folder.path());
        assert_eq!(saved.town, Some(town));
        let mut ends = Vec::new();
        Diary::open(folder.path(), |end, _| ends.push(end)).expect("a diary");
        assert_eq!(ends, [saved.offset]);
        std::fs::write(folder.path().join("town.json"), b"{\"version\":1,\"offs").expect("written");
        let spoilt = Diary::saved(folder.path());
        assert!(spoilt.town.is_none() && spoilt.offset == 0);
    }
}
