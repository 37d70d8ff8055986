//! A server for one connection that answers as a test tells it.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What comes after a command.
pub enum Act {
    Say(String),
    Silence,
    /// The same bytes again and again, as long as somebody reads.
    Endless(&'static [u8]),
    Close,
}

/// Says lines, each with its end.
pub fn say(lines: &[&str]) -> Act {
    Act::Say(lines.iter().map(|line| format!("{line}\r\n")).collect())
}

pub struct Server {
    pub port: u16,
    heard: JoinHandle<String>,
}

impl Server {
    /// Greets, and answers each line by what `answer` makes of its tag and the rest. A line without a space is a rest
    /// without a tag.
    pub async fn start(greeting: &str, mut answer: impl FnMut(&str, &str) -> Act + Send + 'static) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let greeting = greeting.to_owned();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let mut reader = BufReader::new(reader);
            let mut heard = String::new();
            writer.write_all(greeting.as_bytes()).await.ok();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return heard;
                }
                heard.push_str(&line);
                let line = line.trim_end_matches(['\r', '\n']);
                let (tag, rest) = line.split_once(' ').unwrap_or(("", line));
                match answer(tag, rest) {
                    Act::Say(text) => {
                        writer.write_all(text.as_bytes()).await.ok();
                    }
                    Act::Silence => {}
                    Act::Endless(bytes) => while writer.write_all(bytes).await.is_ok() {},
                    Act::Close => {
                        drop(writer);
                        reader.read_to_string(&mut heard).await.ok();
                        return heard;
                    }
                }
            }
        });
        Server { port, heard }
    }

    /// A server that lets everybody in and leaves the rest to the test.
    pub async fn friendly(
        capabilities: &'static str,
        mut answer: impl FnMut(&str, &str) -> Act + Send + 'static,
    ) -> Server {
        Server::start("* OK ready\r\n", move |tag, rest| {
            match rest.split(' ').next().unwrap_or("") {
                "CAPABILITY" => say(&[
                    &format!("* CAPABILITY IMAP4rev1 {capabilities}"),
                    &format!("{tag} OK done"),
                ]),
                "LOGIN" | "LOGOUT" => say(&[&format!("{tag} OK done")]),
                _ => answer(tag, rest),
            }
        })
        .await
    }

    /// What the client said, once it has left.
    pub async fn heard(self) -> String {
        self.heard.await.unwrap()
    }
}

/// The answer to EXAMINE for a folder that will number its next mail so.
pub fn examined(tag: &str, exists: u32, uid_next: u32) -> Act {
    say(&[
        &format!("* {exists} EXISTS"),
        "* OK [UIDVALIDITY 7] valid",
        &format!("* OK [UIDNEXT {uid_next}] next"),
        &format!("{tag} OK [READ-ONLY] done"),
    ])
}
