//! Every screen shows something in the real window.

use carillon_tests::programs;
use carillon_xtask::display::Display;
use carillon_xtask::webdriver::Window;
use carillon_xtask::{shots, wiring};
use serde_json::json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn every_screen_of_the_sample_shows_itself_without_an_error() {
    let display = Display::start(1440, 900).unwrap_or_else(|why| panic!("{why}"));
    let file = display.home().join("sample.carillon");
    let carillon = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
    let made = display
        .command(carillon)
        .args(wiring::demo_create(&file, 300, 3, 1))
        .output()
        .expect("the command line");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let studio = programs::studio().unwrap_or_else(|why| panic!("{why}"));
    let window =
        Window::open(&display, &studio, &wiring::studio_on(&file)).unwrap_or_else(|why| panic!("{why}"));
    window.wait_for("nav a", PATIENCE).expect("the rail");
    window
        .script(
            "window.problems = []; addEventListener('error', e => problems.push(e.message));\
                 addEventListener('unhandledrejection', e => problems.push(String(e.reason)))",
            json!([]),
        )
        .expect("a listener");
    for (name, hash, _) in shots::SCREENS {
        window.go(hash).expect("gone");
        window
            .wait_until(shots::SETTLED, PATIENCE)
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        let shown = "(document.querySelector('main')?.innerText ?? '').trim() !== ''";
        window
            .wait_until(shown, PATIENCE)
            .unwrap_or_else(|why| panic!("{name} stays empty: {why}"));
        let problems = window
            .script("return window.problems.join('; ')", json!([]))
            .expect("the problems");
        assert_eq!(problems, "", "{name}");
    }
}
