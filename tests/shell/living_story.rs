//! What a commit changed is on the screen without anybody asking for it: of this process or of another one.

use crate::hand::{Hand, PATIENCE};
use carillon_tests::programs;
use carillon_xtask::children::capture;
use carillon_xtask::display::Display;
use carillon_xtask::webdriver::Window;
use carillon_xtask::wiring;

#[test]
fn home_moves_by_itself_while_the_clock_plays_and_when_the_command_line_imports() {
    let display = Display::start(1440, 900).unwrap_or_else(|why| panic!("{why}"));
    let home = display.home();
    let (file, list) = (home.join("sample.carillon"), home.join("people.csv"));
    let carillon = |words: Vec<String>| {
        let program = programs::carillon().unwrap_or_else(|why| panic!("{why}"));
        capture(display.command(program).args(words)).unwrap_or_else(|why| panic!("{why}"))
    };
    carillon(wiring::demo_create(&file, 300, 3, 1));
    let studio = programs::studio().unwrap_or_else(|why| panic!("{why}"));
    let window =
        Window::open(&display, &studio, &wiring::studio_on(&file)).unwrap_or_else(|why| panic!("{why}"));
    window.wait_for("nav a", PATIENCE).expect("the rail");
    let hand = Hand::at(&window, &display);

    // Nothing moves on a clock that stands, which Home says; played from there, a month of mail goes out.
    hand.sees(&figure("Messages today", "< 100"));
    hand.press("[role=note] button", "Play the clock");
    hand.sees("document.querySelector('header time')?.dateTime > '2026-10-01'");
    hand.sees(&figure("In journeys", "> 0"));
    hand.sees(
        "document.querySelector('header time') && ![...document.querySelectorAll('[role=note] button')]\
         .some(button => button.innerText.trim() === 'Play the clock')",
    );
    hand.picture("home-lives");
    hand.press("header button", "Pause the clock");
    hand.find("header button", "Play the clock");

    hand.sees(&figure("Contacts", "=== 300"));
    std::fs::write(
        &list,
        "email,first_name\nann.new@example.com,Ann\nben.new@example.com,Ben\n",
    )
    .expect("a list");
    carillon(wiring::import(&file, &list));
    hand.sees(&figure("Contacts", "=== 302"));
}

/// A figure of Home compares like this.
fn figure(label: &str, comparison: &str) -> String {
    format!(
        "Number([...document.querySelectorAll('section[aria-label=\"Figures\"] a')]\
         .find(figure => figure.innerText.trim().startsWith('{label}'))\
         ?.querySelectorAll('p')[1]?.innerText.replace(/\\D/g, '') || NaN) {comparison}"
    )
}
