//! A small WebDriver client (W3C WebDriver, 2018 and later drafts) for WebKitWebDriver and the studio's own window.
//! It speaks HTTP to this machine only and never asks for a screenshot; [`Display::picture`] takes those.

use crate::Result;
use crate::children::Leashed;
use crate::display::Display;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The name the standard gives the field that holds an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Longest wait for one answer. Opening a window on a busy machine is the slowest command.
const ANSWER_LIMIT: Duration = Duration::from_secs(180);
/// Longest wait for a promise of the page: it is to break before the answer is given up.
const SCRIPT_LIMIT: Duration = Duration::from_secs(150);

/// The studio's window under a driver. The driver, the program and all they started end when it is dropped.
#[derive(Debug)]
pub struct Window {
    _driver: Leashed,
    port: u16,
    session: String,
}

/// Something on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element(String);

impl Window {
    /// Starts a driver on the display and lets it open the program.
    pub fn open(display: &Display, program: &Path, args: &[String]) -> Result<Window> {
        Window::open_with(display, program, args, &[])
    }

    /// As [`Window::open`], with more environment for the program.
    pub fn open_with(
        display: &Display,
        program: &Path,
        args: &[String],
        env: &[(&str, &str)],
    ) -> Result<Window> {
        if !program.is_file() {
            return Err(format!("{} is not built.", program.display()));
        }
        let port = free_port()?;
        let mut command = display.command("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .arg("--host=127.0.0.1")
            // wry opens a web view for a driver only when told so by these.
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        let driver =
            Leashed::spawn(&mut command).map_err(|e| format!("{e} The package webkit2gtk-driver has it."))?;
        wait_until_ready(port)?;
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "timeouts": { "script": SCRIPT_LIMIT.as_millis() as u64 },
            "webkitgtk:browserOptions": { "binary": program, "args": args } } } });
        let made = call(port, "POST", "/session", &wanted)?;
        let session = made["sessionId"]
            .as_str()
            .ok_or_else(|| format!("The driver opened no window: {made}"))?
            .to_string();
        Ok(Window {
            _driver: driver,
            port,
            session,
        })
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        call(
            self.port,
            method,
            &format!("/session/{}/{path}", self.session),
            body,
        )
    }

    /// Loads an address.
    pub fn load(&self, url: &str) -> Result<()> {
        self.ask("POST", "url", &json!({ "url": url })).map(drop)
    }

    /// Runs a function body in the page; `arguments` holds `args`, and what it returns comes back.
    pub fn script(&self, body: &str, args: Value) -> Result<Value> {
        self.ask("POST", "execute/sync", &json!({ "script": body, "args": args }))
    }

    /// Runs the body of an asynchronous function in the page, for two and a half minutes at most; what its promise becomes comes back,
    /// and a promise that breaks is an error with its words.
    pub fn promised(&self, body: &str, args: Value) -> Result<Value> {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             (async function () {{ {body} }}).apply(null, arguments)\
             .then(value => done({{ value: value ?? null }}), why => done({{ problem: String(why) }}))"
        );
        let mut said = self.ask(
            "POST",
            "execute/async",
            &json!({ "script": script, "args": args }),
        )?;
        match said["problem"].as_str() {
            Some(problem) => Err(format!("The page says: {problem}")),
            None => Ok(said["value"].take()),
        }
    }

    /// Goes to a screen by the hash of the address, without loading anything anew.
    pub fn go(&self, hash: &str) -> Result<()> {
        self.script("window.location.hash = arguments[0]", json!([hash]))
            .map(drop)
    }

    /// The first element a CSS selector finds.
    pub fn find(&self, css: &str) -> Result<Element> {
        let found = self.ask(
            "POST",
            "element",
            &json!({ "using": "css selector", "value": css }),
        )?;
        found[ELEMENT]
            .as_str()
            .map(|id| Element(id.to_string()))
            .ok_or_else(|| format!("Nothing on the page matches `{css}`."))
    }

    /// All elements a CSS selector finds.
    pub fn find_all(&self, css: &str) -> Result<Vec<Element>> {
        let found = self.ask(
            "POST",
            "elements",
            &json!({ "using": "css selector", "value": css }),
        )?;
        let ids = found.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(ids
            .iter()
            .filter_map(|e| e[ELEMENT].as_str())
            .map(|id| Element(id.to_string()))
            .collect())
    }

    /// As [`Window::find`], waiting for the element to appear.
    pub fn wait_for(&self, css: &str, limit: Duration) -> Result<Element> {
        let until = Instant::now() + limit;
        loop {
            match self.find(css) {
                Err(problem) if Instant::now() >= until => return Err(problem),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
                found => return found,
            }
        }
    }

    /// Waits until an expression of the page is true.
    pub fn wait_until(&self, expression: &str, limit: Duration) -> Result<()> {
        let body = format!("return Boolean({expression})");
        let until = Instant::now() + limit;
        while self.script(&body, json!([]))? != true {
            if Instant::now() >= until {
                return Err(format!("This did not become true on the page: {expression}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Clicks as a person would: scrolled into view, in the middle of what is visible.
    pub fn click(&self, element: &Element) -> Result<()> {
        self.ask("POST", &format!("element/{}/click", element.0), &json!({}))
            .map(drop)
    }

    /// Types into an element.
    pub fn write(&self, element: &Element, text: &str) -> Result<()> {
        self.ask(
            "POST",
            &format!("element/{}/value", element.0),
            &json!({ "text": text }),
        )
        .map(drop)
    }

    /// Empties an input.
    pub fn clear(&self, element: &Element) -> Result<()> {
        self.ask("POST", &format!("element/{}/clear", element.0), &json!({}))
            .map(drop)
    }

    /// The text a person reads in it.
    pub fn text(&self, element: &Element) -> Result<String> {
        let text = self.ask("GET", &format!("element/{}/text", element.0), &Value::Null)?;
        Ok(text.as_str().unwrap_or_default().to_string())
    }

    /// An attribute, if it is there.
    pub fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>> {
        let value = self.ask(
            "GET",
            &format!("element/{}/attribute/{name}", element.0),
            &Value::Null,
        )?;
        Ok(value.as_str().map(str::to_string))
    }

    /// Left, top, width and height in CSS pixels of the page.
    pub fn place(&self, element: &Element) -> Result<[f64; 4]> {
        let rect = self.ask("GET", &format!("element/{}/rect", element.0), &Value::Null)?;
        let side = |name: &str| rect[name].as_f64().unwrap_or_default();
        Ok([side("x"), side("y"), side("width"), side("height")])
    }

    /// Presses and releases keys together, the last one last: `["\u{e009}", "z"]` is Ctrl+Z (WebDriver §17.4.2).
    pub fn chord(&self, keys: &[&str]) -> Result<()> {
        let down = keys.iter().map(|k| json!({ "type": "keyDown", "value": k }));
        let up = keys.iter().rev().map(|k| json!({ "type": "keyUp", "value": k }));
        let actions: Vec<Value> = down.chain(up).collect();
        self.perform(json!([{ "type": "key", "id": "keys", "actions": actions }]))
    }

    /// Presses and releases the keys of a text, one after the other, into whatever has the focus.
    pub fn type_keys(&self, text: &str) -> Result<()> {
        let actions: Vec<Value> = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|way| json!({ "type": way, "value": key })))
            .collect();
        self.perform(json!([{ "type": "key", "id": "keys", "actions": actions }]))
    }

    /// Moves the mouse to a point of the page and clicks there with the left button, whatever is there.
    pub fn press_at(&self, at: (f64, f64)) -> Result<()> {
        self.mouse(&[pointer_move(at, 30), button("pointerDown")])?;
        self.let_go()
    }

    /// Drags the mouse from one point of the page to another with the left button, in steps that a drag sensor sees.
    pub fn drag(&self, from: (f64, f64), to: (f64, f64)) -> Result<()> {
        self.pull(from, to)?;
        self.let_go()
    }

    /// The first half of [`Window::drag`]: the button stays down until [`Window::let_go`].
    pub fn pull(&self, from: (f64, f64), to: (f64, f64)) -> Result<()> {
        let mut actions = vec![pointer_move(from, 0), button("pointerDown")];
        for step in 1..=12 {
            let part = f64::from(step) / 12.0;
            let at = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            actions.push(pointer_move(at, 30));
        }
        actions.push(json!({ "type": "pause", "duration": 100 }));
        self.mouse(&actions)
    }

    /// Releases the left button where the mouse is.
    pub fn let_go(&self) -> Result<()> {
        self.mouse(&[button("pointerUp")])?;
        self.ask("DELETE", "actions", &Value::Null).map(drop)
    }

    fn mouse(&self, actions: &[Value]) -> Result<()> {
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.ask("POST", "actions", &json!({ "actions": [mouse] }))
            .map(drop)
    }

    fn perform(&self, actions: Value) -> Result<()> {
        self.ask("POST", "actions", &json!({ "actions": actions }))?;
        self.ask("DELETE", "actions", &Value::Null).map(drop)
    }

    /// As large as the display lets a window with its title be.
    pub fn maximise(&self) -> Result<()> {
        self.ask("POST", "window/maximize", &json!({})).map(drop)
    }

    /// The window's size on the display.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        let rect = json!({ "x": 0, "y": 0, "width": width, "height": height });
        self.ask("POST", "window/rect", &rect).map(drop)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        call(
            self.port,
            "DELETE",
            &format!("/session/{}", self.session),
            &Value::Null,
        )
        .ok();
    }
}

fn pointer_move(at: (f64, f64), duration: u64) -> Value {
    json!({ "type": "pointerMove", "origin": "viewport", "x": at.0.round(), "y": at.1.round(), "duration": duration })
}

fn button(way: &str) -> Value {
    json!({ "type": way, "button": 0 })
}

/// A port of this machine that was free a moment ago.
pub fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|l| l.local_addr())
        .map(|a| a.port())
        .map_err(|e| format!("There is no free port on this machine: {e}"))
}

fn wait_until_ready(port: u16) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match call(port, "GET", "/status", &Value::Null) {
            Ok(_) => return Ok(()),
            Err(problem) if Instant::now() >= until => {
                return Err(format!("The driver does not answer: {problem}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// One command to a driver: the `value` of its answer, or its error as a sentence.
fn call(port: u16, method: &str, path: &str, body: &Value) -> Result<Value> {
    let (status, text) =
        exchange(port, method, path, body).map_err(|e| format!("The driver does not answer: {e}"))?;
    let answer: Value =
        serde_json::from_str(&text).map_err(|_| format!("The driver answered {status}: {text}"))?;
    let value = answer["value"].clone();
    if (200..300).contains(&status) {
        return Ok(value);
    }
    let said = |name: &str| value[name].as_str().unwrap_or_default().to_string();
    Err(format!(
        "{} {path}: {} {}",
        method,
        said("error"),
        said("message")
    ))
}

fn exchange(port: u16, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    read_response(&mut BufReader::new(stream))
}

/// Status and body of an HTTP/1.1 response with a length, or with everything up to the end.
fn read_response(from: &mut impl BufRead) -> std::io::Result<(u16, String)> {
    let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_string());
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .ok_or_else(|| broken("no HTTP response"))?;
    let mut length = None;
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let mut body = Vec::new();
    from.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    if length.is_some_and(|l| l != body.len() as u64) {
        return Err(broken("the response ends too early"));
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request with `response` and returns what it was asked.
    fn answers(response: &'static str) -> (u16, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let asked = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a caller");
            let mut reader = BufReader::new(stream.try_clone().expect("the same stream"));
            let mut text = String::new();
            while !text.ends_with("\r\n\r\n") && reader.read_line(&mut text).expect("a line") > 0 {}
            let length = text
                .lines()
                .find_map(|l| l.strip_prefix("Content-Length: "))
                .map_or(0, |n| n.parse().expect("a number"));
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            text.push_str(&String::from_utf8(body).expect("text"));
            (&stream).write_all(response.as_bytes()).expect("the answer");
            text
        });
        (port, asked)
    }

    #[test]
    fn a_command_carries_its_body_and_gives_back_the_value() {
        let (port, asked) =
            answers("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"value\":\"seven\"}and more");
        let value = call(port, "POST", "/session/1/url", &json!({ "url": "about:blank" }));
        assert_eq!(value, Ok(json!("seven")));
        let asked = asked.join().expect("the server");
        assert!(asked.starts_with("POST /session/1/url HTTP/1.1\r\n"), "{asked}");
        assert!(asked.ends_with("{\"url\":\"about:blank\"}"), "{asked}");
    }

    #[test]
    fn an_error_of_the_driver_is_told_in_its_words() {
        let body = "{\"value\":{\"error\":\"no such element\",\"message\":\"gone\"}}";
        let response: &'static str = Box::leak(
            format!(
                "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_boxed_str(),
        );
        let (port, asked) = answers(response);
        let problem = call(port, "GET", "/session/1/element", &Value::Null).expect_err("an error");
        assert!(problem.contains("no such element gone"), "{problem}");
        asked.join().expect("the server");
    }

    #[test]
    fn a_response_that_ends_too_early_is_an_error() {
        let (port, asked) = answers("HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"value\":1}");
        assert!(call(port, "GET", "/status", &Value::Null).is_err());
        asked.join().expect("the server");
    }
}
