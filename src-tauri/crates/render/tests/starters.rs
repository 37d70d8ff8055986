//! The starter templates in `assets/templates`, for somebody we know well and for somebody we know nothing of.

#![allow(clippy::unwrap_used)]

use carillon_model::contact::{Currency, Money, Value};
use carillon_model::event::Prop;
use carillon_render::{Context, EventContext, Prepared, Rendered, Sender, TemplateParts};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

const NAMES: [&str; 4] = ["welcome", "second-visit", "abandoned-cart", "win-back"];

/// A file in `assets/templates`; body and text as lists of lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    name: String,
    about: String,
    subject: String,
    preheader: String,
    body: Vec<String>,
    text: Vec<String>,
}

fn starter(name: &str) -> TemplateParts {
    let path: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "../../../assets/templates",
        &format!("{name}.json"),
    ]
    .iter()
    .collect();
    let file: Starter = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(!file.name.is_empty() && file.about.ends_with('.'));
    TemplateParts {
        subject: file.subject,
        preheader: file.preheader,
        body: file.body.join("\n"),
        text: file.text.join("\n"),
    }
}

fn sender() -> Sender {
    Sender {
        organisation: "Ember & Oak".into(),
        postal_address: "1 Mill Lane, Bath BA1 1AA".into(),
        name: "Maya and the team".into(),
        email: "hello@ember.example".into(),
    }
}

fn nobody() -> Context {
    Context {
        contact: BTreeMap::from([("email".to_owned(), Value::Text("ada@example.com".into()))]),
        tags: Default::default(),
        event: None,
        unsubscribe_url: Some("https://ember.example/u/abc".into()),
        preferences_url: None,
        confirm_url: None,
        zone: "Europe/London".into(),
        locale: "en-GB".into(),
        now: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
    }
}

fn ada() -> Context {
    let mut context = nobody();
    context
        .contact
        .insert("first_name".into(), Value::Text("Ada".into()));
    context
        .contact
        .insert("last_order_at".into(), Value::DateTime(context.now));
    let total = Money {
        minor: 2350,
        currency: Currency::parse("GBP").unwrap(),
    };
    context.event = Some(EventContext {
        name: "cart_abandoned".into(),
        at: context.now,
        props: BTreeMap::from([
            ("product".to_owned(), Prop::Text("House espresso, 500 g".into())),
            ("amount".to_owned(), Prop::Money(total)),
            ("url".to_owned(), Prop::Text("https://example.com/cart/9".into())),
        ]),
    });
    context
}

fn render(name: &str, context: &Context) -> Rendered {
    Prepared::new(&starter(name))
        .unwrap()
        .render(context, &sender())
        .unwrap()
}

#[test]
fn each_starter_says_who_sends_where_from_and_how_to_leave() {
    for name in NAMES {
        let parts = starter(name);
        let duties = Prepared::new(&parts).unwrap().duties(&parts, &sender());
        assert!(duties.postal_address && duties.unsubscribe, "{name}");
        for context in [ada(), nobody()] {
            let message = render(name, &context);
            for part in [&message.html, &message.text] {
                assert!(
                    part.contains("1 Mill Lane, Bath BA1 1AA")
                        && part.contains("https://ember.example/u/abc"),
                    "{name}"
                );
            }
            assert!(
                message.html.contains("Ember &amp; Oak") && message.text.contains("Ember & Oak"),
                "{name}"
            );
        }
    }
}

#[test]
fn nothing_is_missing_even_for_somebody_we_know_nothing_of() {
    for name in NAMES {
        let message = render(name, &nobody());
        assert_eq!(message.missing, [] as [String; 0], "{name}");
        for text in [&message.subject, &message.preheader, &message.text] {
            assert!(
                !text.is_empty() && !text.contains("{{") && !text.contains("{%"),
                "{name}: {text}"
            );
            assert!(!text.contains(" ,") && !text.contains(" ."), "{name}: {text}");
        }
        assert!(message.text.contains("Hello there"), "{name}");
    }
}

#[test]
fn what_we_know_is_used() {
    for name in NAMES {
        let message = render(name, &ada());
        assert!(message.text.contains("Hello Ada"), "{name}: {}", message.text);
    }
    let cart = render("abandoned-cart", &ada());
    assert_eq!(cart.subject, "Your House espresso, 500 g is still here");
    assert!(cart.text.contains("£23.50 in all") && cart.html.contains("href=\"https://example.com/cart/9\""));
    assert!(render("win-back", &ada()).text.contains("since September"));
}

#[test]
fn each_starter_can_be_read_by_everybody() {
    for name in NAMES {
        let message = render(name, &ada());
        let html = &message.html;
        assert!(html.contains("<html lang=\"en\""), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert!(html.contains("prefers-color-scheme: dark"), "{name}");
        assert_eq!(
            html.matches("<img").count(),
            html.matches("alt=\"").count(),
            "{name}"
        );
        let laid_out = html
            .split("<table")
            .skip(1)
            .filter(|rest| !rest[..rest.find('>').unwrap()].contains("presentation"));
        assert_eq!(laid_out.count(), 0, "{name}: tables that only lay out say so");
        assert!(html.len() < 102 * 1024, "{name}: Gmail cuts off what is longer");
        assert!(
            message.subject.chars().count() <= 60,
            "{name}: {}",
            message.subject
        );
    }
}

/// Writes the starters as files to look at, to the folder in `CARILLON_STARTERS_OUT`; without it, checks only that
/// the text made from the HTML says the same as the text part's first line.
#[test]
fn the_text_made_from_the_html_begins_as_the_written_one() {
    for name in NAMES {
        let mut parts = starter(name);
        let written = render(name, &ada());
        if let Some(out) = std::env::var_os("CARILLON_STARTERS_OUT") {
            std::fs::write(PathBuf::from(out).join(format!("{name}.html")), &written.html).unwrap();
        }
        parts.text.clear();
        let made = Prepared::new(&parts)
            .unwrap()
            .render(&ada(), &sender())
            .unwrap()
            .text;
        let first = written.text.lines().next().unwrap();
        let flowing = made.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flowing.contains(first), "{name}: {made}");
        assert!(made.starts_with("Ember & Oak"), "{name}: {made}");
    }
}
