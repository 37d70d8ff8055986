//! A person at the window: looks for things by the words on them, and acts by mouse and keyboard alone. Scripts only
//! look. Whatever is pressed must be in sight with nothing in front of it.

use carillon_xtask::display::Display;
use carillon_xtask::webdriver::Window;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long something may take to show. Nothing here is a measurement; only a machine that hangs comes near.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Control, as WebDriver names it (W3C WebDriver §17.4.2).
pub const CTRL: &str = "\u{e009}";
/// Shift.
pub const SHIFT: &str = "\u{e008}";
/// Arrow down.
pub const DOWN: &str = "\u{e015}";
/// Enter.
pub const ENTER: &str = "\u{e007}";
/// Tab.
pub const TAB: &str = "\u{e004}";

/// A point of the page, in CSS pixels.
pub type Point = (f64, f64);

/// Where a card is on the page, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Looks for elements: `arguments` are a CSS selector and words. An element's words are its label, or the label of
/// its field, or its text; an element with exactly these words is found before one that begins with them.
const LOOK: &str = r#"
const [css, words] = arguments;
const said = e => (e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.innerText ?? '').trim().replace(/\s+/g, ' ');
const shown = [...document.querySelectorAll(css)].filter(e => e.getClientRects().length > 0);
const found = words === null ? shown[0] : shown.find(e => said(e) === words) ?? shown.find(e => said(e).startsWith(words));
if (!found) return null;
const box = found.getBoundingClientRect();
const at = [box.left + box.width / 2, box.top + box.height / 2];
const top = document.elementFromPoint(...at);
if (!top || !(found.contains(top) || top.contains(found))) return null;
return { at, box: [box.left, box.top, box.width, box.height], disabled: found.matches(':disabled,[aria-disabled="true"]') };
"#;

/// A person at a window.
pub struct Hand<'a> {
    window: &'a Window,
    display: &'a Display,
    pictures: Option<PathBuf>,
}

impl<'a> Hand<'a> {
    /// Sits down. With `CARILLON_PICTURES` set to a folder, [`Hand::picture`] leaves pictures there.
    pub fn at(window: &'a Window, display: &'a Display) -> Hand<'a> {
        Hand {
            window,
            display,
            pictures: std::env::var_os("CARILLON_PICTURES").map(PathBuf::from),
        }
    }

    /// A picture for somebody to look at, if pictures are wanted.
    pub fn picture(&self, name: &str) {
        let Some(folder) = &self.pictures else { return };
        // The program that takes it reads wildcards in names.
        let name: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        // What moves into place is there after 260 ms.
        std::thread::sleep(Duration::from_millis(600));
        self.display
            .picture(&folder.join(format!("{name}.png")))
            .unwrap_or_else(|why| panic!("{why}"));
    }

    /// Waits until `look` sees the same thing three times in a row, 50 ms apart: what moves has come to rest.
    fn rest<T: PartialEq>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let (mut before, mut times) = (None, 0);
        loop {
            match look() {
                Some(seen) if before.as_ref() == Some(&seen) => {
                    times += 1;
                    if times == 3 {
                        return seen;
                    }
                }
                other => (before, times) = (other, 1),
            }
            if Instant::now() >= until {
                self.picture("not-found");
                panic!("{what} is nowhere to be seen, or something is in front of it");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn look(&self, css: &str, words: Option<&str>) -> Option<Value> {
        let seen = self
            .window
            .script(LOOK, json!([css, words]))
            .unwrap_or_else(|why| panic!("{why}"));
        (!seen.is_null()).then_some(seen)
    }

    /// Rolls a list until what begins with these words is in sight, as the wheel of a mouse does.
    pub fn roll_to(&self, css: &str, words: &'static str) {
        const ROLL: &str = r#"
const [css, words] = arguments;
const said = e => (e.getAttribute('aria-label') ?? e.innerText ?? '').trim().replace(/\s+/g, ' ');
[...document.querySelectorAll(css)].find(e => said(e).startsWith(words))?.scrollIntoView({ block: 'nearest' });
"#;
        self.window
            .script(ROLL, json!([css, words]))
            .unwrap_or_else(|why| panic!("{why}"));
    }

    /// The middle of an element that is in sight, at rest, and can be used.
    pub fn find(&self, css: &str, words: impl Into<Option<&'static str>>) -> Point {
        let words = words.into();
        let seen = self.rest(&format!("`{css}` {words:?}"), || {
            self.look(css, words).filter(|seen| seen["disabled"] != true)
        });
        (number(&seen["at"][0]), number(&seen["at"][1]))
    }

    /// Presses a button, a link or whatever else has these words.
    pub fn press(&self, css: &str, words: impl Into<Option<&'static str>>) {
        let at = self.find(css, words);
        self.press_at(at);
    }

    /// Presses a point.
    pub fn press_at(&self, at: Point) {
        self.window.press_at(at).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Presses keys together.
    pub fn keys(&self, keys: &[&str]) {
        self.window.chord(keys).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Types into what has the focus.
    pub fn write(&self, text: &str) {
        self.window.type_keys(text).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Presses a field, and types over what stands in it.
    pub fn fill(&self, css: &str, words: impl Into<Option<&'static str>>, text: &str) {
        let at = self.find(css, words);
        self.press_at(at);
        self.sees(&format!(
            "document.activeElement?.matches('input, textarea, [contenteditable=true]') \
             && document.activeElement.contains(document.elementFromPoint({}, {}))",
            at.0, at.1
        ));
        self.keys(&[CTRL, "a"]);
        self.write(text);
    }

    /// Looks for one of many in a list that opens as one types, and takes the first.
    pub fn choose(&self, field: &'static str, name: &'static str) {
        self.fill("input[role=combobox]", field, name);
        self.find("[role=option]", name);
        self.keys(&[DOWN]);
        self.keys(&[ENTER]);
    }

    /// Drags with the mouse. With a name, there is a picture of the moment before it is let go.
    pub fn drag(&self, from: Point, to: Point, picture: Option<&str>) {
        let done = self.window.pull(from, to).and_then(|()| {
            if let Some(name) = picture {
                self.picture(name);
            }
            self.window.let_go()
        });
        done.unwrap_or_else(|why| panic!("{why}"));
    }

    /// Presses a card, so that it is selected and the canvas has the keyboard.
    pub fn select(&self, words: &'static str) {
        self.press_at(self.card(words).middle());
        self.sees("document.activeElement?.getAttribute('role') === 'application'");
    }

    /// The one card on the canvas that says this in its title or below, come to rest.
    pub fn card(&self, words: &'static str) -> Card {
        let find = "const found = [...document.querySelectorAll('.react-flow__node [id^=step-]')]\
            .filter(card => [...card.querySelectorAll('span, p')].some(part => part.textContent === arguments[0]));\
            if (found.length !== 1) return null; const box = found[0].getBoundingClientRect();\
            return [box.left, box.top, box.width, box.height]";
        self.rest(&format!("The card “{words}”"), || {
            let seen = self
                .window
                .script(find, json!([words]))
                .unwrap_or_else(|why| panic!("{why}"));
            let side = |at: usize| number(&seen[at]);
            (!seen.is_null()).then(|| Card {
                left: side(0),
                top: side(1),
                width: side(2),
                height: side(3),
            })
        })
    }

    /// Waits until an expression about what is to be seen is true.
    pub fn sees(&self, expression: &str) {
        self.window
            .wait_until(expression, PATIENCE)
            .unwrap_or_else(|why| {
                self.picture("not-seen");
                panic!("{why}")
            });
    }
}

impl Card {
    /// Its middle.
    pub fn middle(&self) -> Point {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }

    /// Where port `at` (from 0) of `count` is: they share the lower edge evenly.
    pub fn port(&self, at: u32, count: u32) -> Point {
        let share = f64::from(at + 1) / f64::from(count + 1);
        (self.left + self.width * share, self.top + self.height)
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
