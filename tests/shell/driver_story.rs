//! The display and the driver behind the window stories work: proved on WebKit's own small browser, without Carillon.

use carillon_xtask::display::Display;
use carillon_xtask::webdriver::Window;
use std::path::PathBuf;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A page with a field, a button that copies it, a keyboard listener and a box that follows the mouse while it is down.
const PAGE: &str = "<title>stage</title><body style='margin:0'><input id=from><button id=copy>copy</button><p id=to></p>\
<div id=box style='position:absolute;left:50px;top:200px;width:60px;height:60px;background:red'></div><script>\
copy.onclick = () => { to.textContent = document.getElementById('from').value };\
onkeydown = e => { if (e.ctrlKey && e.key === 'z') document.body.dataset.undone = 'yes' };\
let held = null;\
box.onmousedown = e => { held = [e.clientX - box.offsetLeft, e.clientY - box.offsetTop] };\
onmousemove = e => { if (held) { box.style.left = e.clientX - held[0] + 'px'; box.style.top = e.clientY - held[1] + 'px' } };\
onmouseup = () => { held = null };\
onhashchange = () => { document.body.dataset.place = location.hash };\
</script>";

fn browser() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib")
        .expect("a folder")
        .flatten()
        .find_map(|entry| {
            let program = entry.path().join("webkit2gtk-4.1/MiniBrowser");
            program.is_file().then_some(program)
        });
    found.expect("WebKit's own browser comes with libwebkit2gtk-4.1-0")
}

#[test]
fn the_driver_writes_clicks_drags_and_reads_in_a_web_view() {
    let display = Display::start(1000, 700).unwrap_or_else(|why| panic!("{why}"));
    let page = display.home().join("page.html");
    std::fs::write(&page, PAGE).expect("a page");
    let window = Window::open(&display, &browser(), &["--automation".to_string()])
        .unwrap_or_else(|why| panic!("{why}"));
    window
        .load(&format!("file://{}", page.display()))
        .expect("loaded");

    let field = window.wait_for("#from", PATIENCE).expect("the field");
    window.write(&field, "Grüße, Ada").expect("written");
    window
        .click(&window.find("#copy").expect("the button"))
        .expect("clicked");
    assert_eq!(
        window.text(&window.find("#to").expect("the text")).as_deref(),
        Ok("Grüße, Ada")
    );

    let place = window.place(&field).expect("its place");
    window
        .press_at((place[0] + place[2] / 2.0, place[1] + place[3] / 2.0))
        .expect("pressed");
    window.chord(&["\u{e009}", "a"]).expect("keys");
    window.type_keys("Who \"else\"?").expect("typed");
    window
        .click(&window.find("#copy").expect("the button"))
        .expect("clicked");
    assert_eq!(
        window.text(&window.find("#to").expect("the text")).as_deref(),
        Ok("Who \"else\"?")
    );

    window.chord(&["\u{e009}", "z"]).expect("keys");
    window
        .wait_until("document.body.dataset.undone === 'yes'", PATIENCE)
        .expect("the listener heard it");

    window.drag((80.0, 230.0), (380.0, 330.0)).expect("dragged");
    let place = window
        .place(&window.find("#box").expect("the box"))
        .expect("its place");
    assert_eq!((place[0], place[1]), (350.0, 300.0));

    window.go("#/contacts").expect("gone");
    window
        .wait_until("document.body.dataset.place === '#/contacts'", PATIENCE)
        .expect("there");
    assert_eq!(window.find_all("p").map(|all| all.len()), Ok(1));
    let missing = window.find("#nowhere").expect_err("there is none");
    assert!(missing.contains("no such element"), "{missing}");

    let picture = display.home().join("picture.png");
    display.picture(&picture).expect("a picture");
    let bytes = std::fs::read(&picture).expect("a file");
    assert!(
        bytes.starts_with(b"\x89PNG") && bytes.len() > 1_000,
        "{} bytes",
        bytes.len()
    );
}

#[test]
fn a_display_takes_everything_that_ran_on_it_with_it() {
    let display = Display::start(640, 480).unwrap_or_else(|why| panic!("{why}"));
    let home = display.home().to_path_buf();
    let window = Window::open(&display, &browser(), &["--automation".to_string()])
        .unwrap_or_else(|why| panic!("{why}"));
    let carriers = || {
        let entries = std::fs::read_dir("/proc").expect("the processes").flatten();
        let wanted = format!("HOME={}", home.display()).into_bytes();
        entries
            .filter_map(|e| std::fs::read(e.path().join("environ")).ok())
            .filter(|env| env.split(|b| *b == 0).any(|pair| pair == wanted))
            .count()
    };
    assert!(carriers() >= 3, "driver, browser and its web process run");
    drop(window);
    drop(display);
    let mut left = carriers();
    for _ in 0..200 {
        if left == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        left = carriers();
    }
    assert_eq!(left, 0);
    assert!(!home.exists());
}
