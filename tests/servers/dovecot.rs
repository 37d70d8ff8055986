//! Dovecot alone, for one test: a mailbox over TLS and STARTTLS, with a password and with tokens.

use super::imap::Imap;
use super::mail::{as_root, possible, root_shell};
use super::{Result, certificate, free_ports};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The one access token that opens the mailbox.
pub const GOOD_TOKEN: &str = "a-token-for-one-test";
/// Who the mailbox belongs to.
const USER: &str = "studio";
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server in a private folder. It ends when this is dropped; after a failed test its log stays.
pub struct Dovecot {
    dir: PathBuf,
    ports: Ports,
    password: String,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    imap: u16,
    imaps: u16,
    /// Where the server asks whose a token is.
    tokens: u16,
}

impl Dovecot {
    /// Starts it with an empty INBOX and the boxes Junk and Sent, marked with their use.
    pub fn start() -> Result<Dovecot> {
        possible(&["dovecot"])?;
        let mut problem = String::new();
        for _ in 0..3 {
            match Dovecot::try_start() {
                Ok(dovecot) => return Ok(dovecot),
                Err(why) => problem = why,
            }
        }
        Err(problem)
    }

    fn try_start() -> Result<Dovecot> {
        let [imap, imaps] = free_ports()?;
        let tokens = tell_whose_tokens_are()?;
        let dir = tempfile::Builder::new()
            .prefix("carillon-dovecot-")
            .tempdir()
            .map_err(|e| format!("No private folder could be made: {e}"))?
            .keep();
        let dovecot = Dovecot {
            dir,
            ports: Ports { imap, imaps, tokens },
            password: format!("word-{imap}-{imaps}"),
        };
        dovecot
            .write_files()
            .map_err(|e| format!("The server's settings cannot be written: {e}"))?;
        as_root(&dovecot.dir.join("start.sh")).map_err(|e| format!("{e}\n{}", dovecot.log()))?;
        let until = Instant::now() + START_LIMIT;
        loop {
            match dovecot.reader() {
                Ok(_) => return Ok(dovecot),
                Err(why) if Instant::now() >= until => {
                    return Err(format!("Dovecot does not answer: {why}\n{}", dovecot.log()));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// The port with STARTTLS.
    pub fn imap(&self) -> u16 {
        self.ports.imap
    }

    /// The port with TLS from the first byte.
    pub fn imaps(&self) -> u16 {
        self.ports.imaps
    }

    pub fn user(&self) -> &str {
        USER
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// PEM file of the authority that signed the server's certificate.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    /// The mailbox, by a reader of the tests' own.
    pub fn reader(&self) -> Result<Imap> {
        Imap::sign_in(self.ports.imaps, &self.authority(), USER, &self.password)
    }

    pub fn log(&self) -> String {
        ["start.log", "dovecot.log"]
            .map(|name| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default())
            .concat()
    }

    fn write_files(&self) -> std::io::Result<()> {
        for name in ["state", "box", "run"] {
            std::fs::create_dir_all(self.dir.join(name))?;
        }
        let put = |name: &str, text: String| std::fs::write(self.dir.join(name), text);
        let certificates =
            certificate::for_names(&["localhost", "127.0.0.1"]).map_err(std::io::Error::other)?;
        put("authority.pem", certificates.authority)?;
        put("server.pem", certificates.certificate)?;
        put("server.key", certificates.key)?;
        put("users", format!("{USER}:{{PLAIN}}{}\n", self.password))?;
        let Ports { tokens, .. } = self.ports;
        put(
            "oauth2.conf",
            format!("tokeninfo_url = http://127.0.0.1:{tokens}/?token=\nusername_attribute = email\n"),
        )?;
        put("dovecot.conf", settings(&self.dir, self.ports))?;
        put("start.sh", start_script(&self.dir))?;
        put("stop.sh", stop_script(&self.dir))
    }
}

fn settings(dir: &Path, ports: Ports) -> String {
    let dir = dir.display();
    let Ports { imap, imaps, .. } = ports;
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{dir}/server.pem
ssl_key = <{dir}/server.key
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_location = maildir:{dir}/box
mail_fsync = never
mail_max_userip_connections = 100
imap_id_send = name *
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {dir}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}/box allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
"
    )
}

fn start_script(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "set -e
chown -R root:root {dir}
chmod 755 {dir}
chmod 600 {dir}/server.key
chown root:dovecot {dir}/users
chmod 640 {dir}/users
chown mail:mail {dir}/box
dovecot -c {dir}/dovecot.conf > {dir}/start.log 2>&1 < /dev/null
"
    )
}

fn stop_script(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "if [ -s {dir}/run/master.pid ]; then
  pid=$(tr -d ' \\n' < {dir}/run/master.pid)
  kill -s TERM $pid 2> /dev/null
  tenths=0
  while kill -0 $pid 2> /dev/null && [ $tenths -lt 600 ]; do sleep 0.1; tenths=$((tenths + 1)); done
  kill -s KILL $pid 2> /dev/null
fi
if [ \"$1\" = away ]; then rm -rf {dir}; fi
exit 0
"
    )
}

/// A small HTTP server on a thread of its own that knows one token. It lasts as long as the process.
fn tell_whose_tokens_are() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| format!("There is no free port: {e}"))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(port)
}

fn answer(mut stream: std::net::TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            line.clear();
        }
        let good = first.starts_with(&format!("GET /?token={GOOD_TOKEN} "));
        let (status, body) = match good {
            true => ("200 OK", format!("{{\"email\":\"{USER}\",\"expires_in\":300}}")),
            false => ("401 Unauthorized", "{\"error\":\"invalid_token\"}".to_string()),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let mut stop = root_shell();
        stop.arg(self.dir.join("stop.sh"));
        if std::thread::panicking() {
            eprintln!("Dovecot's log stays in {}\n{}", self.dir.display(), self.log());
        } else {
            stop.arg("away");
        }
        stop.stdin(Stdio::null()).status().ok();
    }
}
