//! The studio in a browser: only for who was given the address, and for no other page of the web.

use crate::terminal::{Running, Terminal, plain};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

struct Served {
    running: Running,
    port: u16,
    token: String,
}

/// An answer: its status, its head and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn serve(at: &Terminal, file: &str) -> Served {
    std::fs::create_dir_all(at.path("ui/assets")).unwrap();
    at.write("ui/index.html", "<!doctype html><title>studio</title>");
    at.write("secret.txt", "not to be seen");
    let mut running = at.start(&["-w", file, "--json", "serve", "--ui", "ui"]);
    let mut out = BufReader::new(running.child().stdout.take().unwrap());
    let mut document = String::new();
    while serde_json::from_str::<Value>(&document).is_err() {
        assert!(out.read_line(&mut document).unwrap() > 0, "it ended: {document}");
    }
    let said: Value = serde_json::from_str(&document).unwrap();
    let url = said["url"].as_str().unwrap();
    let token = url.split_once("#token=").unwrap().1.to_owned();
    Served {
        running,
        port: u16::try_from(said["port"].as_u64().unwrap()).unwrap(),
        token,
    }
}

impl Served {
    /// Asks as a browser would, and gives the line on which the answer comes.
    fn begin(&self, what: &str, heads: &[(&str, &str)], body: &str) -> TcpStream {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut text = format!(
            "{what} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        let own = format!("127.0.0.1:{}", self.port);
        if !heads.iter().any(|(name, _)| *name == "Host") {
            text += &format!("Host: {own}\r\n");
        }
        for (name, value) in heads {
            text += &format!("{name}: {value}\r\n");
        }
        line.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        line
    }

    fn ask(&self, what: &str, heads: &[(&str, &str)], body: &str) -> Answer {
        let mut text = String::new();
        self.begin(what, heads, body).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            !head.contains(&self.token),
            "the key is in an answer's head: {head}"
        );
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    fn key(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn call(&self, kind: &str, name: &str, args: &Value) -> (u16, Value) {
        let body = json!({ "name": name, "args": args }).to_string();
        let answer = self.ask(
            &format!("POST /api/{kind}"),
            &[("Authorization", &self.key())],
            &body,
        );
        (
            answer.status,
            serde_json::from_str(&answer.body).unwrap_or_default(),
        )
    }

    fn upload(&self, name: &str, body: &str) -> Value {
        let what = format!("POST /api/upload?name={name}");
        let answer = self.ask(&what, &[("Authorization", &self.key())], body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

const QUESTION: &str = "{\"name\":\"contacts.page\",\"args\":{\"where\":null,\"search\":null,\"sort\":null,\"offset\":0,\"limit\":1}}";

#[test]
fn only_who_has_the_key_and_comes_from_our_own_page_is_answered() {
    let at = Terminal::with_shop();
    let served = serve(&at, "shop.carillon");
    let key = served.key();
    let key = ("Authorization", key.as_str());
    let own = format!("http://127.0.0.1:{}", served.port);

    let page = served.ask("GET /", &[], "");
    assert_eq!(page.status, 200);
    for head in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: no-referrer",
        "nosniff",
    ] {
        assert!(page.head.contains(head), "{head} is not in {}", page.head);
    }
    assert!(!page.head.contains("access-control"), "{}", page.head);
    assert!(!page.body.contains(&served.token));

    let asks: &[(&[(&str, &str)], u16)] = &[
        (&[key], 200),
        (&[key, ("Origin", &own)], 200),
        (&[], 401),
        (&[("Authorization", "Bearer x")], 401),
        (&[("Authorization", &served.token)], 401),
        (&[key, ("Host", "evil.example")], 403),
        (&[key, ("Host", &format!("evil.example:{}", served.port))], 403),
        (&[key, ("Host", "127.0.0.1")], 403),
        (&[key, ("Origin", "https://evil.example")], 403),
        (&[key, ("Origin", "null")], 403),
        (
            &[key, ("Origin", &format!("https://127.0.0.1:{}", served.port))],
            403,
        ),
        (&[key, ("Sec-Fetch-Site", "cross-site")], 403),
        (&[key, ("Sec-Fetch-Site", "same-site")], 403),
    ];
    for (heads, status) in asks {
        let answer = served.ask("POST /api/query", heads, QUESTION);
        assert_eq!(answer.status, *status, "{heads:?}: {}", answer.body);
        assert_eq!(
            answer.body.contains("@example"),
            *status == 200,
            "{heads:?}: {}",
            answer.body
        );
        plain(&answer.body);
    }
    // A page of the web may send simple requests without asking first.
    for what in ["GET /api/changes", "GET /api/changes?token=x"] {
        assert_eq!(served.ask(what, &[], "").status, 401);
    }
    assert_eq!(
        served
            .ask("OPTIONS /api/query", &[("Origin", "https://evil.example")], "")
            .status,
        403
    );
    for what in [
        "GET /../secret.txt",
        "GET /%2e%2e/secret.txt",
        "GET /..%2fsecret.txt",
        "GET //secret.txt",
    ] {
        let answer = served.ask(what, &[], "");
        assert!(
            answer.status >= 400 && !answer.body.contains("not to be seen"),
            "{what}"
        );
    }
    for what in ["GET /api/frame/x", "GET /api/download/x"] {
        assert_eq!(served.ask(what, &[], "").status, 404);
    }
}

fn a_browser_can_work(at: &Terminal, served: &Served) {
    let (status, refused) = served.call(
        "mutate",
        "contacts.import_open",
        &json!({ "file": { "path": at.path("secret.txt") }, "delimiter": null, "encoding": null, "header": true }),
    );
    assert_eq!(status, 403, "a path of this machine: {refused}");
    let (status, refused) = served.call(
        "mutate",
        "backup.create",
        &json!({ "to": { "path": at.path("copy.carillon") } }),
    );
    assert_eq!(status, 403, "a path of this machine: {refused}");
    assert!(!at.path("copy.carillon").exists());

    let upload = served.upload("list.csv", "email\nada@example.com\n");
    let open = json!({ "file": upload, "delimiter": null, "encoding": null, "header": true });
    let (status, preview) = served.call("mutate", "contacts.import_open", &open);
    assert_eq!(status, 200, "{preview}");
    assert_eq!(preview["columns"][0]["name"], json!("email"));

    let (status, saved) = served.call(
        "mutate",
        "backup.create",
        &json!({ "to": { "download": "copy.carillon" } }),
    );
    assert_eq!(status, 200, "{saved}");
    assert_eq!(
        saved["path"],
        Value::Null,
        "a path of this machine is told: {saved}"
    );
    let what = format!("GET /api/download/{}", saved["ticket"].as_str().unwrap());
    let mut line = served.begin(&what, &[], "");
    let mut copy = Vec::new();
    line.read_to_end(&mut copy).unwrap();
    let text = String::from_utf8_lossy(&copy);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("SQLite format 3"));

    let (_, templates) = served.call("query", "templates.list", &json!({}));
    let (_, template) = served.call("query", "templates.get", &json!({ "id": templates[0]["id"] }));
    let draft = json!({
        "name": template["name"], "subject": template["subject"], "preheader": template["preheader"],
        "body": template["body"], "text": template["text"],
    });
    let asked = json!({ "draft": draft, "contact": 1, "with_html": false });
    let (status, rendered) = served.call("query", "templates.render", &asked);
    assert_eq!(status, 200, "{rendered}");
    let frame = served.ask(
        &format!("GET /api/frame/{}", rendered["frame"].as_str().unwrap()),
        &[],
        "",
    );
    assert_eq!(frame.status, 200);
    assert!(
        frame.head.contains("sandbox") && frame.body.contains("<html"),
        "{}",
        frame.head
    );
}

#[test]
fn a_browser_brings_and_takes_files_and_names_no_path_of_this_machine() {
    let at = Terminal::with_shop();
    let served = serve(&at, "shop.carillon");
    a_browser_can_work(&at, &served);
}

#[test]
fn a_browser_works_the_same_where_another_program_owns_the_file() {
    let at = Terminal::new();
    at.json(&["workspaces", "create", "a.carillon"]);
    at.json(&["templates", "starters"]);
    at.write("list.csv", "email\nada@example.com\n");
    at.json(&[
        "contacts", "import", "list.csv", "--basis", "consent", "--source", "a fair",
    ]);
    let owner = at.start(&["run", "--for", "86400"]);
    while at.owner("a.carillon") != Some(u64::from(owner.id())) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let served = serve(&at, "a.carillon");
    assert_eq!(at.owner("a.carillon"), Some(u64::from(owner.id())));
    a_browser_can_work(&at, &served);
    // The page goes on when the other program ends.
    owner.signal("INT");
    owner.end();
    let (status, page) = served.call("query", "settings.get", &json!({}));
    assert_eq!(status, 200, "{page}");
}

#[test]
fn in_a_browser_the_clock_of_a_sample_plays() {
    let at = Terminal::with_shop();
    let served = serve(&at, "shop.carillon");
    let (_, before) = served.call("query", "clock.get", &json!({}));
    let (status, _) = served.call("mutate", "clock.play", &json!({ "speed": 3600.0 }));
    assert_eq!(status, 200);
    let mut now = before["now"].clone();
    while now == before["now"] {
        std::thread::sleep(std::time::Duration::from_millis(50));
        now = served.call("query", "clock.get", &json!({})).1["now"].clone();
    }
}

#[test]
fn it_ends_when_it_is_asked_to_though_a_page_listens() {
    let at = Terminal::with_shop();
    let served = serve(&at, "shop.carillon");
    let what = format!("GET /api/changes?token={}", served.token);
    let mut listening = BufReader::new(served.begin(&what, &[], ""));
    let mut status = String::new();
    listening.read_line(&mut status).unwrap();
    assert!(status.contains("200"), "{status}");
    served.running.signal("INT");
    let said = served.running.end();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

#[test]
fn a_port_that_is_taken_and_screens_that_are_not_built_are_said_plainly() {
    let at = Terminal::with_shop();
    let said = at.refused(&["serve", "--ui", "nowhere"]);
    assert!(said.contains("nowhere") && said.contains("not built"), "{said}");
    at.write("index.html", "");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = at.refused(&["serve", "--ui", ".", "--port", &port]);
    assert!(said.contains(&port), "{said}");
}
