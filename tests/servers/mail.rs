//! Postfix and Dovecot for one test: submission with STARTTLS and AUTH, delivery to one box, IMAP over TLS.
//!
//! Both need root: as root they are started directly, otherwise through `sudo` without a question. Nothing leaves the
//! machine: every domain is a local one, and what would be relayed is refused.

use super::imap::{Imap, Letter};
use super::{Result, certificate, free_ports, submit};
use carillon_xtask::children::capture;
use carillon_xtask::ground::has_program;
use carillon_xtask::packages::Rights;
use carillon_xtask::setup;
use std::net::{IpAddr, Ipv4Addr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Both servers, in one private folder. They end when this is dropped; after a failed test the logs stay.
pub struct Mail {
    dir: PathBuf,
    ports: Ports,
    password: String,
    /// Where mail for others is handed on to, if anywhere.
    remote: Option<u16>,
    /// A name and an address of this machine beside `localhost`.
    named: Option<(String, IpAddr)>,
}

/// The domain whose mail stays here when there is a remote server: the sender's own, to which notices come.
pub const OWN_DOMAIN: &str = "shop.example";

/// Where and how to hand mail over, as one would type it into a sender account.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Name in the certificate; it means this machine.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    /// PEM file of the authority that signed the server's certificate.
    pub authority: PathBuf,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    submission: u16,
    imaps: u16,
    lmtp: u16,
    sasl: u16,
}

const USER: &str = "studio";
/// Time for the servers to start, and to end.
const START_LIMIT: Duration = Duration::from_secs(60);

impl Mail {
    /// Starts both. Every address of every domain is accepted and lands in one box, except those whose local part
    /// begins with `nouser` (550 5.1.1), `full` (452 4.2.2) or `spam` (550 5.7.1).
    pub fn start() -> Result<Mail> {
        Mail::start_some(None)
    }

    /// Starts both as the server of a sender: mail for [`OWN_DOMAIN`] lands in the box, all other is handed on to the
    /// server on this port, which stands for every other server of the world. What that one puts off is tried again
    /// every two seconds, told of as delayed after two, and given up after fifteen.
    pub fn start_before(remote: u16) -> Result<Mail> {
        Mail::start_some(Some(remote))
    }

    fn start_some(remote: Option<u16>) -> Result<Mail> {
        possible(&["postfix", "dovecot"])?;
        let mut problem = String::new();
        // A port that was free may be somebody's by the time a server binds it; then all begins again.
        for _ in 0..3 {
            match Mail::try_start(remote) {
                Ok(mail) => return Ok(mail),
                Err(why) => problem = why,
            }
        }
        Err(problem)
    }

    fn try_start(remote: Option<u16>) -> Result<Mail> {
        let [submission, imaps, lmtp, sasl] = free_ports()?;
        let dir = tempfile::Builder::new()
            .prefix("carillon-mail-")
            .tempdir()
            .map_err(|e| format!("No private folder could be made: {e}"))?
            .keep();
        let mail = Mail {
            password: format!("word-{submission}-{sasl}"),
            ports: Ports {
                submission,
                imaps,
                lmtp,
                sasl,
            },
            remote,
            named: name_of_this_machine(),
            dir,
        };
        mail.write_files()
            .map_err(|e| format!("The servers' settings cannot be written: {e}"))?;
        as_root(&mail.dir.join("start.sh")).map_err(|e| format!("{e}\n{}", mail.log()))?;
        mail.wait_until_ready()?;
        Ok(mail)
    }

    /// The account a sender uses.
    pub fn submission(&self) -> Submission {
        Submission {
            host: "localhost".to_string(),
            port: self.ports.submission,
            user: USER.to_string(),
            password: self.password.clone(),
            authority: self.dir.join("authority.pem"),
        }
    }

    /// The same account by the machine's own name, which does not say that the server is here. `None` where the name
    /// leads nowhere.
    pub fn submission_by_name(&self) -> Option<Submission> {
        let (name, _) = self.named.as_ref()?;
        Some(Submission {
            host: name.clone(),
            ..self.submission()
        })
    }

    /// The port at which the box is read, with TLS from the first byte.
    pub fn imaps(&self) -> u16 {
        self.ports.imaps
    }

    /// The box in which all mail lands, over IMAP.
    pub fn mailbox(&self) -> Result<Imap> {
        Imap::sign_in(
            self.ports.imaps,
            &self.dir.join("authority.pem"),
            USER,
            &self.password,
        )
    }

    /// Waits until so many mails lie in the box and none is on its way any more, and reads them all. Fewer after the
    /// limit, or more at any time, is an error.
    pub fn wait_for(&self, count: usize, limit: Duration) -> Result<Vec<Letter>> {
        let until = Instant::now() + limit;
        let mut mailbox = self.mailbox()?;
        loop {
            let there = mailbox.count("INBOX")?;
            if there == count && self.queue_is_empty()? {
                break;
            }
            if there > count {
                return Err(format!("{there} mails arrived where {count} were expected."));
            }
            if Instant::now() >= until {
                return Err(format!(
                    "{there} of {count} mails arrived in {} s.\n{}",
                    limit.as_secs(),
                    self.log()
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let letters = mailbox.read_all("INBOX")?;
        if letters.len() != count {
            return Err(format!(
                "{} mails arrived where {count} were expected.",
                letters.len()
            ));
        }
        Ok(letters)
    }

    /// Whether Postfix holds no mail that is still on its way.
    fn queue_is_empty(&self) -> Result<bool> {
        // Only root may name settings that are not the machine's own.
        let output = root_shell()
            .args(["-c", "exec postqueue -c \"$1\" -j", "sh", &self.path("etc")])
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("The queue cannot be read: {e}"))?;
        Ok(output.stdout.is_empty())
    }

    /// What both servers wrote into their logs.
    pub fn log(&self) -> String {
        ["start.log", "mail.log", "dovecot.log"]
            .map(|name| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default())
            .concat()
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    fn write_files(&self) -> std::io::Result<()> {
        for name in ["etc", "queue", "state", "box", "dovecot"] {
            std::fs::create_dir_all(self.dir.join(name))?;
        }
        let put = |name: &str, text: String| std::fs::write(self.dir.join(name), text);
        let mut names = vec!["localhost", "127.0.0.1"];
        names.extend(self.named.iter().map(|(name, _)| name.as_str()));
        let certificates = certificate::for_names(&names).map_err(std::io::Error::other)?;
        put("authority.pem", certificates.authority)?;
        put("server.pem", certificates.certificate)?;
        put("server.key", certificates.key)?;
        put("etc/main.cf", self.main_cf())?;
        put("etc/master.cf", self.master_cf())?;
        put("etc/refused", REFUSED.to_string())?;
        put("users", format!("{USER}:{{PLAIN}}{}\n", self.password))?;
        put("dovecot.conf", self.dovecot_conf())?;
        put("start.sh", self.start_script())?;
        put("stop.sh", self.stop_script())
    }

    fn main_cf(&self) -> String {
        let dir = self.path("");
        let dir = dir.trim_end_matches('/');
        let above = self.dir.parent().unwrap_or(&self.dir).display();
        let Ports { lmtp, sasl, .. } = self.ports;
        let rest = match self.remote {
            Some(port) => handed_on(port),
            None => all_here(dir),
        };
        format!(
            "compatibility_level = 3.7
queue_directory = {dir}/queue
data_directory = {dir}/state
meta_directory = {dir}/etc
maillog_file = {dir}/mail.log
maillog_file_prefixes = {above}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mynetworks =
mydestination =
alias_maps =
alias_database =
virtual_mailbox_maps = static:every
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
smtp_dns_support_level = disabled
in_flow_delay = 0
default_destination_concurrency_limit = 8
smtpd_tls_cert_file = {dir}/server.pem
smtpd_tls_key_file = {dir}/server.key
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_sasl_authenticated, reject
{rest}"
        )
    }

    fn master_cf(&self) -> String {
        let submission = self.ports.submission;
        let other = self.named.as_ref().map(|(_, address)| *address);
        let other = other.filter(|address| *address != IpAddr::V4(Ipv4Addr::LOCALHOST));
        let other = other.map_or_else(String::new, |address| {
            format!("{address}:{submission} inet n - n - - smtpd\n")
        });
        format!("127.0.0.1:{submission} inet n - n - - smtpd\n{other}{MASTER}")
    }

    fn dovecot_conf(&self) -> String {
        let dir = self.path("");
        let dir = dir.trim_end_matches('/');
        let Ports {
            imaps, lmtp, sasl, ..
        } = self.ports;
        format!(
            "base_dir = {dir}/dovecot
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{dir}/server.pem
ssl_key = <{dir}/server.key
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login
mail_location = maildir:{dir}/box
mail_fsync = never
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}/box allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
"
        )
    }

    fn start_script(&self) -> String {
        let dir = self.path("");
        let dir = dir.trim_end_matches('/');
        format!(
            "set -e
chown -R root:root {dir}
chmod 755 {dir} {dir}/etc {dir}/queue
chmod 600 {dir}/server.key
chown root:dovecot {dir}/users
chmod 640 {dir}/users
chown postfix {dir}/state
chown mail:mail {dir}/box
for part in postfix-files postfix-files.d dynamicmaps.cf dynamicmaps.cf.d; do
  if [ -e /etc/postfix/$part ]; then cp -r /etc/postfix/$part {dir}/etc/; fi
done
postfix -c {dir}/etc start > {dir}/start.log 2>&1 < /dev/null
dovecot -c {dir}/dovecot.conf >> {dir}/start.log 2>&1 < /dev/null
"
        )
    }

    fn stop_script(&self) -> String {
        let dir = self.path("");
        let dir = dir.trim_end_matches('/');
        let tenths = START_LIMIT.as_secs() * 10;
        format!(
            "pids=
for file in {dir}/queue/pid/master.pid {dir}/dovecot/master.pid; do
  if [ -s $file ]; then pids=\"$pids $(tr -d ' \\n' < $file)\"; fi
done
for pid in $pids; do kill -s TERM $pid 2> /dev/null; done
tenths=0
for pid in $pids; do
  while kill -0 $pid 2> /dev/null && [ $tenths -lt {tenths} ]; do sleep 0.1; tenths=$((tenths + 1)); done
  kill -s KILL $pid 2> /dev/null
done
if [ \"$1\" = away ]; then rm -rf {dir}; fi
exit 0
"
        )
    }

    fn wait_until_ready(&self) -> Result<()> {
        let until = Instant::now() + START_LIMIT;
        let submission = self.submission();
        loop {
            let ready = submit::Sender::sign_in(&submission).and_then(|_| self.mailbox());
            match ready {
                Ok(_) => return Ok(()),
                Err(why) if Instant::now() >= until => {
                    return Err(format!("The mail servers do not answer: {why}\n{}", self.log()));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        let mut stop = root_shell();
        stop.arg(self.dir.join("stop.sh"));
        if std::thread::panicking() {
            eprintln!(
                "The mail servers' logs stay in {}\n{}",
                self.dir.display(),
                self.log()
            );
        } else {
            stop.arg("away");
        }
        stop.stdin(Stdio::null()).status().ok();
    }
}

/// Settings of a server for which every domain is its own.
fn all_here(dir: &str) -> String {
    format!(
        "virtual_mailbox_domains = static:every
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
bounce_queue_lifetime = 1m
maximal_queue_lifetime = 1m
minimal_backoff_time = 10s
maximal_backoff_time = 20s
queue_run_delay = 10s
smtpd_recipient_restrictions = check_recipient_access regexp:{dir}/etc/refused, permit_sasl_authenticated, reject
"
    )
}

/// Settings of a server that hands on to this port what is not for [`OWN_DOMAIN`].
fn handed_on(port: u16) -> String {
    format!(
        "virtual_mailbox_domains = {OWN_DOMAIN}
default_transport = smtp:[127.0.0.1]:{port}
relay_transport = smtp:[127.0.0.1]:{port}
delay_warning_time = 2s
bounce_queue_lifetime = 15s
maximal_queue_lifetime = 15s
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
"
    )
}

/// What this machine is called, if that is another name than `localhost` and leads to an address of its own.
fn name_of_this_machine() -> Option<(String, IpAddr)> {
    let name = capture(&mut Command::new("hostname"))
        .ok()?
        .trim()
        .to_ascii_lowercase();
    if name.is_empty() || name == "localhost" {
        return None;
    }
    let mut addresses = (name.as_str(), 0).to_socket_addrs().ok()?;
    // An address that can be listened on is one of this machine.
    let own = addresses.find(|at| at.is_ipv4() && TcpListener::bind(at).is_ok())?;
    Some((name, own.ip()))
}

/// Local parts that the server refuses, each as real servers do (RFC 3463 §3.2, §3.3, §3.8).
const REFUSED: &str = "/^nouser.*@/ 550 5.1.1 No such person here
/^full.*@/ 452 4.2.2 The mailbox is full
/^spam.*@/ 550 5.7.1 Not wanted here
";

/// The services Postfix is made of, none of them in a chroot.
const MASTER: &str = "\
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
showq     unix  n - n -     - showq
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
lmtp      unix  - - n -     - lmtp
smtp      unix  - - n -     - smtp
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
";

/// Whether these servers can run here; the error says why not.
pub(super) fn possible(programs: &[&str]) -> Result<()> {
    if let Ok(why) = std::env::var("CARILLON_NO_MAIL") {
        return Err(why);
    }
    let absent: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|name| !has_program(name))
        .collect();
    if !absent.is_empty() {
        return Err(format!(
            "{} not installed; `cargo verify` offers to install the mail servers this story needs.",
            absent.join(" and ")
        ));
    }
    let allowed = match setup::rights() {
        Rights::Root => true,
        Rights::Sudo => Command::new("sudo")
            .args(["-n", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success()),
        Rights::Neither => false,
    };
    if allowed {
        return Ok(());
    }
    Err(
        "Mail servers start as root only, and neither root nor sudo without a password is at hand here."
            .to_string(),
    )
}

pub(super) fn root_shell() -> Command {
    let sudo = setup::rights() != Rights::Root;
    let mut command = Command::new(if sudo { "sudo" } else { "sh" });
    if sudo {
        command.args(["-n", "sh"]);
    }
    // Debian keeps the servers' programs where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

pub(super) fn as_root(script: &Path) -> Result<()> {
    let output = root_shell()
        .arg(script)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("The mail servers do not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "The mail servers do not start: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
