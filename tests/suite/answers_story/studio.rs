//! The studio as its screens drive it: the program that serves them, asked over HTTP, with a sender's real servers.

use crate::terminal::{Terminal, arg, until};
use carillon_tests::servers::{Mail, OWN_DOMAIN, Relay, Remote, request};
use carillon_xtask::children::Leashed;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What opens the file of passwords, as somebody who works without a keychain gives it.
const PASSPHRASE: &str = "four words nobody knows";

/// A workspace on the real clock, and the program that owns it while it is awake.
pub struct Studio {
    home: TempDir,
    /// Held to servers on this machine by their addresses; else as a user has it.
    loopback_only: bool,
    running: Option<Running>,
}

struct Running {
    process: Leashed,
    url: String,
    token: String,
}

impl Studio {
    /// A new workspace, awake.
    pub fn new(loopback_only: bool) -> Studio {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(home.path().join("ui")).expect("a folder");
        std::fs::write(home.path().join("ui/index.html"), "<!doctype html>").expect("a page");
        let mut studio = Studio {
            home,
            loopback_only,
            running: None,
        };
        studio.terminal().create(None);
        studio.wake();
        let mut settings = studio.query("settings.get", json!({}));
        settings["organisation"] = json!("Ember & Oak");
        settings["postal_address"] = json!("1 Mill Lane, Bath");
        studio.mutate("settings.save", settings);
        studio
    }

    /// The workspace file.
    pub fn file(&self) -> PathBuf {
        self.home.path().join("shop.carillon")
    }

    /// The command line beside the program that owns the workspace.
    pub fn terminal(&self) -> Terminal<'_> {
        Terminal::at_home(self.home.path(), &self.file()).with("CARILLON_PASSPHRASE", PASSPHRASE)
    }

    /// Opens the workspace: from here on it listens, and sends what is due.
    pub fn wake(&mut self) {
        let ui = self.home.path().join("ui");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.home.path().join("log"));
        let mut command = self.terminal().on_file(&["serve", "--ui", arg(&ui)]);
        command.stdout(Stdio::piped()).stderr(log.expect("a log"));
        if !self.loopback_only {
            command.env_remove("CARILLON_LOOPBACK_ONLY");
        }
        let mut process = Leashed::spawn(&mut command).unwrap_or_else(|why| panic!("{why}"));
        let mut out = BufReader::new(process.child().stdout.take().expect("a pipe"));
        let mut said = String::new();
        while serde_json::from_str::<Value>(&said).is_err() {
            let read = out.read_line(&mut said).expect("its address");
            assert!(read > 0, "it ended: {said}{}", self.log());
        }
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let (url, token) = said["url"]
            .as_str()
            .and_then(|url| url.split_once("/#token="))
            .expect("an address with its key");
        self.running = Some(Running {
            url: url.to_owned(),
            token: token.to_owned(),
            process,
        });
    }

    /// Closes the workspace, as a laptop that is shut.
    pub fn sleep(&mut self) {
        let mut running = self.running.take().expect("it is awake");
        let id = running.process.id().to_string();
        let asked = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(asked.expect("kill").success());
        running.process.child().wait().expect("its end");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    fn ask(&self, kind: &str, name: &str, args: Value) -> Value {
        let running = self.running.as_ref().expect("it is awake");
        let key = format!("Bearer {}", running.token);
        let body = json!({ "name": name, "args": args }).to_string();
        let headers = [
            ("Authorization", key.as_str()),
            ("Content-Type", "application/json"),
        ];
        let page = request("POST", &format!("{}/api/{kind}", running.url), &headers, &body);
        let page = page.unwrap_or_else(|why| panic!("{name}: {why}\n{}", self.log()));
        assert_eq!(page.status, 200, "{name}: {}", page.text);
        serde_json::from_str(&page.text).unwrap_or_else(|e| panic!("{name}: {e}: {}", page.text))
    }

    pub fn query(&self, name: &str, args: Value) -> Value {
        self.ask("query", name, args)
    }

    pub fn mutate(&self, name: &str, args: Value) -> Value {
        self.ask("mutate", name, args)
    }

    /// Starts a job and waits for its end.
    pub fn job(&self, name: &str, args: Value) {
        let id = json!({ "id": self.mutate(name, args)["job"] });
        until(name, || self.query("jobs.get", id.clone())["state"] != "running");
        let job = self.query("jobs.get", id);
        assert_eq!(job["state"], "done", "{name}: {job}");
    }

    /// Reads every source, and gives what it brought time to be acted on.
    pub fn read_now(&self) {
        self.job("mailboxes.read_now", json!({}));
        self.job("runtime.run", json!({}));
    }

    /// An account at a server. Gives its number.
    pub fn account(&self, to: &carillon_tests::servers::Submission) {
        let added = self.mutate(
            "accounts.add",
            json!({ "account": {
                "name": "Shop", "host": to.host, "port": to.port, "tls": "starttls", "user": to.user, "from_name": "Ember & Oak",
                "from_email": format!("hello@{OWN_DOMAIN}"), "ca_file": to.authority, "sessions": 1, "per_minute": 1000,
            } }),
        );
        let secret = json!({ "id": added["id"], "secret": to.password, "keep": "passphrase_file", "passphrase": PASSPHRASE });
        self.mutate("accounts.set_secret", secret);
    }

    /// A mailbox on this machine that is read from now on.
    pub fn mailbox(&self, port: u16, user: &str, password: &str, authority: &Path) {
        let added = self.mutate(
            "mailboxes.add",
            json!({ "mailbox": {
                "name": "Answers", "host": "localhost", "port": port, "tls": "tls", "user": user, "ca_file": authority,
            } }),
        );
        let secret = json!({ "id": added["id"], "secret": password, "keep": "passphrase_file", "passphrase": PASSPHRASE });
        self.mutate("mailboxes.set_secret", secret);
        let tested = self.mutate("mailboxes.test", json!({ "id": added["id"] }));
        assert_eq!(tested["ok"], true, "{tested}");
    }

    /// Pairs with a relay.
    pub fn pair(&self, relay: &Relay) {
        let view = self.mutate(
            "relay.pair",
            json!({ "code": relay.code(), "keep": "passphrase_file", "passphrase": PASSPHRASE }),
        );
        assert_eq!(view["url"], relay.url(), "{view}");
        let tested = self.mutate("relay.test", json!({}));
        assert_eq!(tested["ok"], true, "{tested}");
    }

    /// A contact with permission for marketing.
    pub fn contact(&self, email: &str) -> Value {
        let added = self.mutate(
            "contacts.add",
            json!({ "email": email, "basis": "double_opt_in", "source": "a fair" }),
        );
        added["id"].clone()
    }

    pub fn id_of(&self, email: &str) -> Value {
        self.query("contacts.find", json!({ "email": email }))["id"].clone()
    }

    /// That somebody agreed to be measured.
    pub fn measured(&self, contact: &Value) {
        let consent = json!({
            "contact": contact, "channel": "email", "purpose": "tracking", "action": "granted", "basis": "consent",
            "wording": "You may see whether I read your mails.", "source": "a fair",
        });
        self.mutate("consents.add", consent);
    }

    /// A template with some text above what every mail needs.
    pub fn template(&self, name: &str, text: &str) {
        let body = format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{text}</mj-text><mj-text>{{{{ postal_address }}}} \
             {{{{ unsubscribe_line }}}}</mj-text></mj-column></mj-section></mj-body></mjml>"
        );
        let draft = json!({ "name": name, "subject": name, "body": body, "text": "" });
        self.mutate("templates.save", json!({ "id": null, "draft": draft }));
    }

    /// Draws a journey for whoever has a tag, and publishes it. `steps` begin with `s2` and end with `end`.
    pub fn journey(&self, name: &str, tag: &str, steps: &[Value]) {
        let segment = json!({ "id": null, "name": format!("All {tag}"), "text": format!("tag \"{tag}\"") });
        self.mutate("segments.save", segment);
        let entry = json!({ "segment": format!("All {tag}"), "on": "entered", "include_current": true });
        let mut all =
            vec![json!({ "id": "s1", "kind": "entry_segment", "settings": entry, "next": { "next": "s2" } })];
        all.extend_from_slice(steps);
        self.publish(name, &all);
    }

    /// Publishes a journey of these steps and an `end`.
    pub fn publish(&self, name: &str, steps: &[Value]) {
        let mut all = steps.to_vec();
        all.push(json!({ "id": "end", "kind": "exit" }));
        let text = json!({ "format": "carillon/journey/1", "name": name, "steps": all }).to_string();
        let id = self.mutate("journeys.import", json!({ "text": text }))["id"].clone();
        self.mutate("journeys.publish", json!({ "id": id }));
    }

    /// A journey of one mail.
    pub fn one_mail(&self, template: &str, tag: &str, more: &Value) {
        let mut settings = json!({ "template": template });
        for (key, value) in more.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        let step =
            json!({ "id": "s2", "kind": "send_email", "settings": settings, "next": { "next": "end" } });
        self.journey(template, tag, &[step]);
    }

    pub fn tag(&self, email: &str, tag: &str) {
        let id = self.id_of(email);
        let change = json!({ "who": { "ids": [id] }, "add": [tag], "remove": [] });
        self.mutate("contacts.tag", change);
    }

    pub fn tags(&self, email: &str) -> Value {
        let id = self.id_of(email);
        self.query("contacts.get", json!({ "id": id }))["contact"]["tags"].clone()
    }

    /// Names of the events on somebody's timeline, in order of the alphabet.
    pub fn events(&self, email: &str) -> Vec<String> {
        let id = self.id_of(email);
        let all = self.query(
            "contacts.timeline",
            json!({ "id": id, "before": null, "limit": 100 }),
        );
        let mut names: Vec<String> = all
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|entry| entry["event"]["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    pub fn how_often(&self, email: &str, event: &str) -> usize {
        self.events(email).iter().filter(|name| *name == event).count()
    }

    /// The message to somebody that was made from a template.
    pub fn message(&self, email: &str, template: &str) -> Option<Value> {
        let page = json!({ "states": [], "search": email, "offset": 0, "limit": 100 });
        let page = self.query("outbox.page", page);
        let rows = page["rows"].as_array().expect("rows");
        rows.iter()
            .find(|row| row["to"] == email && row["template_name"] == template)
            .cloned()
    }

    /// The state of that message, empty where there is none.
    pub fn state(&self, email: &str, template: &str) -> String {
        let row = self.message(email, template);
        row.and_then(|row| row["state"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The state of that message once it waits no more.
    pub fn end(&self, email: &str, template: &str) -> String {
        let waits = ["", "queued", "claimed", "in_flight"];
        until(&format!("the end of {template} to {email}"), || {
            !waits.contains(&self.state(email, template).as_str())
        });
        self.state(email, template)
    }

    /// Kinds of what came back for that message, oldest first, with who did it and by which rule.
    pub fn came_back(&self, email: &str, template: &str) -> Vec<Value> {
        let row = self.message(email, template).expect("a message");
        let all = self.query("responses.of_message", json!({ "message": row["id"] }));
        all.as_array().cloned().expect("a list")
    }

    pub fn suppressed(&self, email: &str) -> bool {
        self.query("suppressions.check", json!({ "email": email }))["suppressed"] == true
    }

    /// Why nothing leaves now, if so.
    pub fn closed(&self) -> Value {
        self.query("outbox.summary", json!({}))["closed"].clone()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("The studio said:\n{}", self.log());
        }
    }
}

fn servers() -> (Mail, Remote) {
    let remote = Remote::start().unwrap_or_else(|why| panic!("{why}"));
    let mail = Mail::start_before(remote.port()).unwrap_or_else(|why| panic!("{why}"));
    (mail, remote)
}

/// A sender: the servers it sends through, everybody's server behind them, and the studio.
pub struct Sender {
    pub studio: Studio,
    pub mail: Mail,
    pub remote: Remote,
}

impl Sender {
    /// With an account and nothing that listens.
    pub fn new() -> Sender {
        let (mail, remote) = servers();
        let studio = Studio::new(true);
        studio.account(&mail.submission());
        Sender { studio, mail, remote }
    }

    /// As [`Sender::new`], with a server that is somewhere else as far as its name tells. `None` where this machine has no
    /// such name.
    pub fn elsewhere() -> Option<Sender> {
        let (mail, remote) = servers();
        let account = mail.submission_by_name()?;
        let studio = Studio::new(false);
        studio.account(&account);
        Some(Sender { studio, mail, remote })
    }

    /// Lets the studio read the box to which notices and answers come.
    pub fn listens(&self) {
        let at = self.mail.submission();
        self.studio
            .mailbox(self.mail.imaps(), &at.user, &at.password, &at.authority);
    }

    /// How many mails with a subject reached somebody.
    pub fn reached(&self, email: &str, subject: &str) -> usize {
        let all = self.remote.arrived().expect("what arrived");
        let those = all
            .iter()
            .filter(|mail| mail.to == email && mail.header("Subject") == subject);
        those.count()
    }

    /// The mail with a subject that reached somebody.
    pub fn mail_to(&self, email: &str, subject: &str) -> carillon_tests::servers::Arrived {
        until(&format!("{subject} reaches {email}"), || {
            // What was given up will not come.
            let row = self.studio.message(email, subject).unwrap_or_default();
            assert_ne!(row["state"], "cancelled", "{row}");
            self.reached(email, subject) > 0
        });
        let all = self.remote.arrived().expect("what arrived");
        all.into_iter()
            .find(|mail| mail.to == email && mail.header("Subject") == subject)
            .expect("it arrived")
    }

    /// Hands a mail to the sender's own server, as the world does.
    pub fn write_back(&self, from: &str, text: &str) {
        let own = format!("hello@{OWN_DOMAIN}");
        let sent = carillon_tests::servers::Sender::sign_in(&self.mail.submission())
            .and_then(|mut session| session.send(from, &own, text));
        sent.unwrap_or_else(|why| panic!("{why}"));
    }
}
