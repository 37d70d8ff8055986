//! The journey of the main job, drawn by hand in the real window: mouse and keyboard only, and the file is the judge.

use crate::hand::{CTRL, ENTER, Hand, PATIENCE, Point, SHIFT, TAB};
use carillon_engine::journey::{canonical, read, same_drawing};
use carillon_model::journey::Journey;
use carillon_tests::programs;
use carillon_xtask::children::{Leashed, capture};
use carillon_xtask::display::Display;
use carillon_xtask::webdriver::{Window, free_port};
use carillon_xtask::{ground, wiring};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Where the name of a step is written.
const STEP_NAME: &str = "[data-setting=name] input";
/// Who is meant, as in the main job.
const WHO: &str =
    "favourite is \"espresso\" and (country is \"JP\" or country is \"NP\") and spent >= 100.00 EUR";
/// Two of these five are meant.
const PEOPLE: &str = "email,first_name,last_name,city,country,favourite,spent,member\n\
    aiko@example.com,Aiko,Mori,Tokyo,JP,espresso,150.00 EUR,yes\n\
    bina@example.com,Bina,Rai,Kathmandu,NP,espresso,100.00 EUR,no\n\
    carl@example.com,Carl,Beck,Bonn,DE,espresso,900.00 EUR,yes\n\
    dai@example.com,Dai,Ito,Osaka,JP,matcha,250.00 EUR,yes\n\
    emi@example.com,Emi,Abe,Kobe,JP,espresso,99.99 EUR,no\n";

#[test]
fn the_main_job_drawn_by_mouse_and_keyboard_is_the_journey_of_the_file() {
    let display = Display::start(1616, 1040).unwrap_or_else(|why| panic!("{why}"));
    let shop = Shop::prepare(&display);
    let studio = programs::studio().unwrap_or_else(|why| panic!("{why}"));
    let window =
        Window::open(&display, &studio, &wiring::studio_on(&shop.file)).unwrap_or_else(|why| panic!("{why}"));
    window.resize(1600, 1000).expect("a large window");
    window.wait_for("nav a", PATIENCE).expect("the rail");
    let hand = Hand::at(&window, &display);

    begin(&hand);
    draw_the_trunk(&hand);
    draw_the_branches(&hand);
    undo_and_redo(&hand);
    add_from_the_palette_by_keyboard(&hand);
    mark_everything(&hand);
    save(&hand);

    let file = std::fs::read_to_string(ground::root().join("tests/fixtures/journeys/main-job.json"))
        .expect("the file");
    let wanted = read(&file).expect("a journey");
    let drawn = read(&shop.export("Main job")).expect("a journey");
    assert!(same_drawing(&drawn, &wanted), "{}", canonical(&drawn));
    assert_eq!(canonical(&by_the_way(&drawn)), file);

    publish(&hand);
    assert_eq!(shop.tell(&["journeys", "check", "Main job"]), json!([]));
    assert_eq!(shop.greeted(2), ["aiko@example.com", "bina@example.com"]);
}

/// A new journey with its name, and nothing in it.
fn begin(hand: &Hand<'_>) {
    hand.press("nav a", "Journeys");
    hand.press("main button", "New journey");
    hand.picture("01-empty");
    hand.fill("input", "Name of the journey", "Main job");
    hand.keys(&[ENTER]);
    // Nobody may enter again: said by hand too, after the other choice was taken.
    hand.press("label", "Again, as soon as they have left");
    hand.press("label", "Never: once in a life");
}

/// Entry, mail, wait: dragged out of the palette, the first onto the bare canvas, the others onto the open end.
fn draw_the_trunk(hand: &Hand<'_>) {
    drop_step(hand, "Segment.", hand.find("[role=application]", None), 1);
    hand.choose("Segment", "Espresso in Asia");
    hand.press("button[role=radio]", "entered it");
    hand.press("label", "Also those for whom this is true at publish");
    hand.picture("02-entry");

    drop_step(hand, "Send e-mail.", below(hand.card("Segment").port(0, 1)), 2);
    hand.choose("Template", "Hello");
    hand.fill(STEP_NAME, None, "Hello");

    drop_step(hand, "Wait.", below(hand.card("Hello").port(0, 1)), 3);
    hand.fill("input", "Amount", "3");
    hand.picture("03-trunk");
}

/// The question, and what follows a yes and a no: dropped onto the bare canvas and joined by their ports. The exit after
/// the thanks comes by keyboard alone.
fn draw_the_branches(hand: &Hand<'_>) {
    drop_step(hand, "If / else.", bare(hand), 4);
    hand.fill("[role=textbox]", "If", "did order in the last 30 days");
    hand.fill(STEP_NAME, None, "Ordered lately?");
    hand.picture("04-question");
    join(hand, "Wait", (0, 1), "Ordered lately?");

    drop_step(hand, "Send e-mail.", bare(hand), 5);
    hand.choose("Template", "Thanks");
    hand.fill(STEP_NAME, None, "Thanks");
    join(hand, "Ordered lately?", (0, 2), "Thanks");
    hand.picture("05-yes");

    hand.select("Thanks");
    hand.keys(&["a"]);
    hand.find("input[type=search]", "Add after Thanks");
    hand.write("exit");
    hand.keys(&[ENTER]);
    hand.sees(&cards(6));
    hand.fill("input", "Word for reports", "thanked");

    drop_step(hand, "Exit.", bare(hand), 7);
    hand.fill("input", "Word for reports", "no order");
    let no_order = hand.card("No order");
    hand.drag(hand.card("Ordered lately?").port(1, 2), no_order.middle(), None);
    hand.sees(&said("Connected to Exit."));
    hand.picture("06-no");
}

/// Takes back the last arrow, what was typed before it, and the step itself; and does all three again.
fn undo_and_redo(hand: &Hand<'_>) {
    look_at_the_question(hand, "no", "Exit");
    hand.keys(&[CTRL, "z"]);
    look_at_the_question(hand, "no", "Connect…");
    hand.keys(&[CTRL, "z"]);
    hand.keys(&[CTRL, "z"]);
    hand.sees(&cards(6));
    hand.picture("07-undone");
    for _ in 0..3 {
        hand.keys(&[CTRL, SHIFT, "z"]);
    }
    hand.sees(&cards(7));
    hand.card("No order");
    look_at_the_question(hand, "no", "Exit");
}

/// A step out of the palette without a mouse on it: searched, put behind the selection, and taken back.
fn add_from_the_palette_by_keyboard(hand: &Hand<'_>) {
    hand.select("Ordered lately?");
    hand.fill("input", "Search steps", "record");
    hand.keys(&[TAB]);
    hand.keys(&[TAB]);
    hand.sees("document.activeElement?.innerText.trim() === 'Record event'");
    hand.keys(&[ENTER]);
    hand.sees(&cards(8));
    hand.card("Record event");
    hand.picture("08-by-keyboard");
    hand.keys(&[CTRL, "z"]);
    hand.sees(&cards(7));
    hand.press("button", "Clear");
}

/// Where no field has the keyboard, "all" means all steps, and no word of the screen is marked.
fn mark_everything(hand: &Hand<'_>) {
    hand.press("main h2", "Ordered lately?");
    hand.keys(&[CTRL, "a"]);
    hand.find("main h2", "7 steps selected");
    hand.sees("getSelection().isCollapsed");
}

/// Drags a step out of the palette and lets it go at a place; then there are so many cards.
fn drop_step(hand: &Hand<'_>, kind: &'static str, at: Point, count: u32) {
    hand.roll_to("aside button", kind);
    hand.drag(
        hand.find("aside button", kind),
        at,
        Some(&format!("drop-{count}")),
    );
    hand.sees(&cards(count));
}

/// Drags from a port, one of so many, onto another card.
fn join(hand: &Hand<'_>, from: &'static str, (port, of): (u32, u32), to: &'static str) {
    let target = hand.card(to).middle();
    hand.drag(
        hand.card(from).port(port, of),
        target,
        Some(&format!("join-{from}")),
    );
    hand.sees(&said(&format!("Connected to {to}.")));
}

/// Selects the question and reads in the inspector where a port leads.
fn look_at_the_question(hand: &Hand<'_>, port: &str, to: &str) {
    hand.select("Ordered lately?");
    hand.sees(&leads(port, to));
}

fn cards(count: u32) -> String {
    format!("document.querySelectorAll('.react-flow__node').length === {count}")
}

/// A screen reader was told this last.
fn said(words: &str) -> String {
    format!(
        "[...document.querySelectorAll('[aria-live]')].some(live => live.textContent.trim() === '{words}')"
    )
}

/// The inspector says that this port leads there.
fn leads(port: &str, to: &str) -> String {
    format!(
        "[...document.querySelectorAll('section li')].some(li => li.innerText.replace(/\\s+/g, ' ').trim() === '{port} {to}')"
    )
}

/// The journey's own bar says this somewhere.
fn bar_says(words: &str) -> String {
    format!("[...document.querySelectorAll('main header')].some(bar => bar.innerText.includes('{words}'))")
}

fn save(hand: &Hand<'_>) {
    hand.select("Ordered lately?");
    hand.keys(&[CTRL, "s"]);
    hand.sees(&bar_says("· Saved"));
    hand.find("button", "No problems");
    hand.picture("09-saved");
}

/// Makes it live by the window's own buttons, which then have nothing more to publish.
fn publish(hand: &Hand<'_>) {
    hand.press("button", "Publish…");
    hand.find("[role=dialog] button", "Publish to 2 people");
    hand.picture("10-publish");
    hand.press("[role=dialog] button", "Publish to 2 people");
    hand.sees(&bar_says("Live"));
    hand.sees(
        "[...document.querySelectorAll('main header button')].find(one => one.innerText.trim() === 'Publish…') \
         ?.matches(':disabled, [aria-disabled=\"true\"]')",
    );
    hand.picture("11-live");
}

/// A place of the canvas where nothing is.
fn bare(hand: &Hand<'_>) -> Point {
    let (x, y) = hand.find("[role=application]", None);
    (x + 240.0, y + 150.0)
}

/// Where the plus of an open port is: the stub is 26 pixels long.
fn below(port: Point) -> Point {
    (port.0, port.1 + 26.0)
}

/// The journey with its ids given anew, in the order in which one meets the steps, yes before no; and without layout.
fn by_the_way(journey: &Journey) -> Journey {
    let mut journey = journey.clone();
    journey.layout.clear();
    let entry = journey
        .steps
        .iter()
        .find(|step| step.kind.starts_with("entry_"))
        .expect("an entry");
    let mut names = BTreeMap::new();
    let mut open = vec![entry.id.clone()];
    while let Some(id) = open.pop() {
        if names.contains_key(&id) {
            continue;
        }
        names.insert(id.clone(), format!("s{}", names.len() + 1));
        let step = journey.steps.iter().find(|step| step.id == id).expect("a step");
        // The last one put here is looked at first.
        open.extend(step.next.values().cloned());
    }
    assert_eq!(names.len(), journey.steps.len(), "a step that nothing leads to");
    for step in &mut journey.steps {
        step.id.0 = names[&step.id].clone();
        for to in step.next.values_mut() {
            to.0 = names[to].clone();
        }
    }
    journey
}

/// A workspace on a virtual clock with all that the journey names, and a mail server to take what is sent.
struct Shop<'a> {
    display: &'a Display,
    file: PathBuf,
    _world: Leashed,
}

impl<'a> Shop<'a> {
    fn prepare(display: &'a Display) -> Shop<'a> {
        let home = display.home();
        let (file, list, truth) = (
            home.join("shop.carillon"),
            home.join("people.csv"),
            home.join("truth.jsonl"),
        );
        let carillon = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
        let port = free_port().unwrap_or_else(|why| panic!("{why}"));
        let mut world = display.command(carillon);
        world.args(wiring::world(&truth, port, 0)).stdout(Stdio::null());
        let shop = Shop {
            display,
            file,
            _world: Leashed::spawn(&mut world).unwrap_or_else(|why| panic!("{why}")),
        };
        std::fs::write(&list, PEOPLE).expect("a list");
        let made = [
            "workspaces",
            "create",
            path(&shop.file),
            "--clock",
            "virtual",
            "--start",
            "2026-03-02T08:00:00Z",
        ];
        shop.run(&made.map(str::to_owned));
        for words in [
            &[
                "settings",
                "set",
                "--organisation",
                "The roastery",
                "--postal-address",
                "1 Long Lane, Bonn",
            ][..],
            &[
                "contacts",
                "import",
                path(&list),
                "--basis",
                "double_opt_in",
                "--source",
                "shop customers",
            ],
            &["segments", "save", "Espresso in Asia", "--where", WHO],
            &[
                "templates",
                "import",
                &template("main-hello"),
                "--name",
                "Hello",
                "--subject",
                "A cup is ready",
            ],
            &[
                "templates",
                "import",
                &template("main-thanks"),
                "--name",
                "Thanks",
                "--subject",
                "Thank you",
            ],
        ] {
            shop.tell(words);
        }
        shop.run(&wiring::account(&shop.file, "Shop", port, 1));
        shop
    }

    /// Tells the command line to do something with the workspace, in JSON.
    fn tell(&self, words: &[&str]) -> Value {
        let all: Vec<String> = ["--workspace", path(&self.file), "--json"]
            .iter()
            .chain(words)
            .map(|word| word.to_string())
            .collect();
        serde_json::from_str(&self.run(&all)).expect("an answer")
    }

    /// Whom the mail server took a letter for, as soon as there are so many letters and none is on its way any more.
    fn greeted(&self, letters: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let outbox = self.tell(&["outbox", "list"]);
            let rows = outbox["rows"].as_array().expect("rows");
            if rows.len() == letters && rows.iter().all(|row| row["state"] == "accepted") {
                let mut to: Vec<String> = rows
                    .iter()
                    .filter_map(|row| row["to"].as_str())
                    .map(str::to_owned)
                    .collect();
                to.sort();
                return to;
            }
            assert!(Instant::now() < until, "the letters do not leave: {outbox}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The text of a journey's file.
    fn export(&self, name: &str) -> String {
        self.run(&["--workspace", path(&self.file), "journeys", "export", name].map(str::to_owned))
    }

    fn run(&self, words: &[String]) -> String {
        let carillon = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
        capture(self.display.command(carillon).args(words)).unwrap_or_else(|why| panic!("{why}"))
    }
}

fn template(name: &str) -> String {
    ground::root()
        .join(format!("tests/fixtures/templates/{name}.mjml"))
        .to_string_lossy()
        .into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the folders of tests have plain names")
}
