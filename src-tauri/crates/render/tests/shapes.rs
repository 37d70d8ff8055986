//! Mails whose HTML is made once a template are, byte for byte, the mails that are made anew each time.

#![allow(clippy::unwrap_used)]

use carillon_model::Moment;
use carillon_model::contact::{Currency, Money, Value};
use carillon_model::event::Prop;
use carillon_render::{Context, EventContext, Prepared, Sender, TemplateParts};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Values that would do harm, or look like something, wherever they are believed.
const HOSTILE: [&str; 41] = [
    "Ada",
    "",
    " ",
    "\n",
    "\t\n ",
    " Ada ",
    "\nAda\n",
    "Ann \"B\" & <Co>",
    "O'Person",
    "</mj-text>",
    "<mj-section><mj-column>",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "{{ email }}",
    "{% if x %}",
    "javascript:alert(1)",
    "JaVa\tscript:x",
    "data:text/html,x",
    "https://a.test/?b=1&c=2#d",
    "mailto:a@b.test",
    "//a.test",
    ":",
    "&amp;",
    "&",
    "amp;",
    "lt;",
    "#60;",
    "&#106;",
    ";",
    "\\",
    "\\\"",
    "--",
    "-->",
    "<!--",
    "]]>",
    "Zoë 👨\u{200d}👩 São",
    "\u{a0}",
    "\u{2003}\u{200b}\u{ad}",
    "zqxv00000vqz",
    "red",
    "12px",
];

/// Pieces of a body that are whole by themselves.
const PIECES: [&str; 70] = [
    "<mj-text>x<img src=\"https://a.test/\" alt=\"{{ a | append: ' ' }}\">y<img src='https://a.test/' alt='{{ a }}{{ b }}'></mj-text>",
    "<mj-text>{% if b %}{{ a | newline_to_br }}{% endif %}{% if a %}{{ unsubscribe_line }}{% endif %}</mj-text>",
    "<mj-text>{% for tag in tags %}{{ tag | newline_to_br }}, {% endfor %}</mj-text>",
    "<mj-text>{% if b %}{{ a | escape }}{% endif %}<a href='{% if a %}{{ b | escape }}{% endif %}'>x</a></mj-text>",
    "<mj-text>{{ a }}</mj-text>",
    "<mj-text>\n{{ a }}\n</mj-text>",
    "<mj-text> {{ a }}{{ b }}</mj-text>",
    "<mj-text>{{ a | default: \"you\" }}, hello {{ b }}.</mj-text>",
    "<mj-text>&{{ a }}</mj-text>",
    "<mj-text>&#{{ a }}</mj-text>",
    "<mj-text>& {{ a }}</mj-text>",
    "<mj-text>{% if a %}Now in {{ a }}.{% else %}Now near you.{% endif %}</mj-text>",
    "<mj-text>{% if a %}<b>{{ a }}</b>{% endif %}</mj-text>",
    "<mj-text>{% if a == \"Ada\" %}&{% endif %}amp;</mj-text>",
    "<mj-text>\n{% if a %}{{ b }}{% endif %}</mj-text>",
    "<mj-text><b>{{ a }}</b><i>\n{{ b }}</i><o:p>{{ c }}</o:p></mj-text>",
    "<mj-text><b/>{{ a }}<br>{{ b }}<br/></mj-text>",
    "<mj-text><!-- {{ a }} -->x</mj-text>",
    "<mj-text>\n<!-- x -->{{ a }}</mj-text>",
    "<mj-text><a href=\"{{ u }}\">{{ a }}</a></mj-text>",
    "<mj-text><a href=\"https://a.test/{{ a }}?b={{ b | url_encode }}\">go</a></mj-text>",
    "<mj-text><a href='https://a.test/{{ a }}'>https://a.test/{{ a }}</a></mj-text>",
    "<mj-text><a href=\"https://a.test/\">{{ a }}</a> <a href=\"https://b.test/\">https://b.test/</a></mj-text>",
    "<mj-text><a href=\"https://a.test/&{{ a }}\">x</a></mj-text>",
    "<mj-text><a href=\"{% if a %}https://a.test/{{ a }}{% else %}https://b.test/{% endif %}\">{{ b }}</a></mj-text>",
    "<mj-text><a href=\"{% if a %}\" title=\"{% endif %}{{ b }}\">x</a></mj-text>",
    "<mj-text><a href=\"https://a.test/{{ a }}\">a <a href=\"https://b.test/\">b</a> {{ b }}</a></mj-text>",
    "<mj-text><a name=\"x\">{{ a }}</a><a href=\"tel:{{ b }}\"></a></mj-text>",
    "<mj-text><img src=\"https://a.test/{{ a }}.png\" alt=\"{{ b }}\"></mj-text>",
    "<mj-text><img src='{{ u }}' alt='Of {{ a }}' width='{{ w }}'></mj-text>",
    "<mj-text><span style=\"color:{{ a }}\">{{ b }}</span></mj-text>",
    "<mj-text><span style=\"{{ s }}\">{{ b }}</span></mj-text>",
    "<mj-text><span data-x=\"{{ a }}\" class='{{ b }}'>x</span></mj-text>",
    "<mj-text><table role=\"{{ a }}\"><tr><td>{{ a }}</td><td>{{ b }}</td></tr></table></mj-text>",
    "<mj-text><ul>{% for tag in tags %}<li>{{ tag }}</li>{% endfor %}</ul><ol><li>{{ a }}</li><li>x</li></ol></mj-text>",
    "<mj-text>{% for tag in tags %}{{ tag }}, {% endfor %}</mj-text>",
    "<mj-text>{% for i in (1..3) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{{ a }}{% endfor %}</mj-text>",
    "<mj-text>{{ a | escape }}|{{ b | newline_to_br }}</mj-text>",
    "<mj-text>{{ unsubscribe_line }} <a href=\"{{ unsubscribe_url }}\">x</a></mj-text>",
    "<mj-text>{% capture g %}Dear <b>{{ a }}</b>, {{ b }}{% endcapture %}{{ g }}{{ g | upcase }}</mj-text>",
    "<mj-text>{% capture g %}<i title=\"{{ a }}\">{{ b }}{% endcapture %}{{ g }}</i></mj-text>",
    "<mj-text>{% capture g %}&am{% endcapture %}{{ g }}p;</mj-text>",
    "<mj-text>{% assign z = a | append: b %}{{ z }}{{ z | truncate: 5 }}</mj-text>",
    "<mj-text>{{ event.item }} {{ event.total }} {{ now | date: \"%d %B\" }}</mj-text>",
    "<mj-text>{{ postal_address | newline_to_br }} {{ organisation }}</mj-text>",
    "<mj-text color=\"{{ a }}\">{{ b }}</mj-text>",
    "<mj-text height=\"{{ w }}\" align='{{ a }}'>{{ b }}</mj-text>",
    "<mj-text>{% raw %}{{ a }}{% endraw %}&lt;{{ a }}&gt;</mj-text>",
    "<mj-text>< {{ a }} 1 < 2</mj-text>",
    "<mj-text><p hidden style='display:none'>{{ a }}</p><p>{{ b }}</p></mj-text>",
    "<mj-text><textarea>{{ a }}</textarea><style>x{}</style></mj-text>",
    "<mj-button href=\"https://a.test/{{ a }}\">{{ b }}</mj-button>",
    "<mj-button href=\"{{ u }}\" rel='{{ a }}'>\n{{ b }}</mj-button>",
    "<mj-button href=\"{{ u }}{{ a }}\" width=\"{{ w }}\">x</mj-button>",
    "<mj-button>{% if a %}{{ a }}{% endif %}</mj-button>",
    "<mj-image src=\"https://a.test/{{ a }}.png\" alt=\"{{ b }}\" title='{{ a }}' href=\"{{ u }}\" />",
    "<mj-image src=\"{{ u }}\" width=\"{{ w }}\" />",
    "<mj-raw>{{ a }}<p>{{ b }}</p></mj-raw>",
    "<mj-raw>\n{{ a }}</mj-raw><mj-raw> {{ b }}</mj-raw>",
    "<mj-raw><!--[if mso]>{{ a }}<![endif]--></mj-raw>",
    "<mj-raw><v:fill src=\"{{ a }}\" /></mj-raw>",
    "<mj-table><tr><td>{{ a }}</td><td title=\"{{ b }}\">x</td></tr></mj-table>",
    "<mj-social><mj-social-element name=\"facebook\" href=\"{{ u }}\">{{ a }}</mj-social-element></mj-social>",
    "<mj-navbar base-url=\"{{ u }}\"><mj-navbar-link href=\"/{{ a }}\">{{ b }}</mj-navbar-link></mj-navbar>",
    "<mj-accordion><mj-accordion-element><mj-accordion-title>{{ a }}</mj-accordion-title><mj-accordion-text>{{ b }}</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "<mj-carousel><mj-carousel-image src=\"{{ u }}\" /></mj-carousel>",
    "{% if a %}<mj-text>{{ a }}</mj-text>{% else %}<mj-divider border-color=\"{{ b }}\" />{% endif %}",
    "{% for tag in tags %}<mj-text>{{ tag }}</mj-text>{% endfor %}",
    "{% case a %}{% when \"Ada\" %}<mj-text>{{ b }}</mj-text>{% else %}<mj-spacer height=\"{{ w }}\" />{% endcase %}",
    "{{ a }}",
];

/// Heads, and where the sections stand.
const PAGES: [&str; 9] = [
    "<mjml><mj-body>@</mj-body></mjml>",
    "<mjml><mj-head /><mj-body>@</mj-body></mjml>",
    "<mjml lang=\"{{ a }}\"><mj-head><mj-title>{{ b }}</mj-title></mj-head><mj-body>@</mj-body></mjml>",
    "<mjml><mj-head><mj-preview>{{ a }}</mj-preview></mj-head><mj-body>@</mj-body></mjml>",
    "<mjml><mj-head><mj-preview>\nFor {{ a }}, {{ b }}</mj-preview></mj-head><mj-body>@</mj-body></mjml>",
    "<mjml><mj-head><mj-style>.x{color:{{ a }}}</mj-style><mj-raw><meta name=\"x\" content=\"{{ b }}\"></mj-raw></mj-head><mj-body>@</mj-body></mjml>",
    "<mjml><mj-head><mj-attributes><mj-text color=\"{{ a }}\" /><mj-all font-family='{{ b }}' /></mj-attributes></mj-head><mj-body width=\"{{ w }}\">@</mj-body></mjml>",
    "{{ a }}<mjml><mj-body>@</mj-body></mjml>{{ b }}",
    "{% if a %}<mjml><mj-body>@</mj-body></mjml>{% endif %}",
];

fn section() -> impl Strategy<Value = String> {
    let column = prop::collection::vec(select(PIECES.as_slice()), 0..4)
        .prop_map(|pieces| format!("<mj-column>{}</mj-column>", pieces.join("\n")));
    let columns = prop::collection::vec(column, 1..3).prop_map(|columns| columns.concat());
    let of_section = select(
        [
            "<mj-section>@</mj-section>",
            "<mj-section background-color=\"{{ a }}\" background-url='{{ u }}'>@</mj-section>",
            "<mj-wrapper><mj-section>\n@\n</mj-section></mj-wrapper>",
            "{% if b %}<mj-section>@</mj-section>{% endif %}",
            "{% for tag in tags %}<mj-section>@</mj-section>{% endfor %}",
        ]
        .as_slice(),
    );
    (of_section, columns).prop_map(|(section, columns)| section.replace('@', &columns))
}

fn template() -> impl Strategy<Value = TemplateParts> {
    let body = (select(PAGES.as_slice()), prop::collection::vec(section(), 1..4))
        .prop_map(|(page, sections)| page.replace('@', &sections.join("\n")));
    let preheader = select(["", "Fresh", "For {{ a }}", "{{ b }}"].as_slice());
    let text = select(["", "", "", "Hello {{ a }}"].as_slice());
    (body, preheader, text).prop_map(|(body, preheader, text)| TemplateParts {
        subject: "News for {{ a }}.".to_owned(),
        preheader: preheader.to_owned(),
        body,
        text: text.to_owned(),
    })
}

/// A value, seldom a very long one.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => select(HOSTILE.as_slice()).prop_map(str::to_owned),
        6 => "[ -~]{0,12}",
        3 => "[\\pL&<>\"'\\\\\n ]{0,9}",
        1 => (select(HOSTILE.as_slice()), 1usize..6000).prop_map(|(text, n)| text.repeat(n.min(20_000 / text.len().max(1)))),
    ]
}

fn person() -> impl Strategy<Value = Context> {
    let fields = (value(), value(), value(), value(), value(), value());
    let tags = prop::collection::btree_set(value(), 0..3);
    (fields, tags, any::<bool>()).prop_map(|((a, b, c, u, w, s), tags, known)| {
        let address = format!("https://example.com/u?{}", u.len());
        let mut contact = BTreeMap::new();
        for (key, value) in [("a", a), ("b", b), ("c", c), ("u", u), ("w", w), ("s", s)] {
            contact.insert(key.to_owned(), Value::Text(value));
        }
        Context {
            contact,
            event: known.then(|| order(tags.first().cloned().unwrap_or_default())),
            tags,
            unsubscribe_url: known.then_some(address),
            preferences_url: None,
            confirm_url: None,
            zone: "Europe/Berlin".to_owned(),
            locale: "de".to_owned(),
            now: Moment::UNIX_EPOCH,
        }
    })
}

fn order(item: String) -> EventContext {
    let total = Money {
        minor: 1250,
        currency: Currency::parse("EUR").unwrap(),
    };
    EventContext {
        name: "order".to_owned(),
        at: Moment::UNIX_EPOCH,
        props: BTreeMap::from([
            ("item".to_owned(), Prop::Text(item)),
            ("total".to_owned(), Prop::Money(total)),
        ]),
    }
}

fn sender() -> Sender {
    Sender {
        organisation: "Ember & Oak".into(),
        postal_address: "1 Mill Lane\nBath".into(),
        name: "Ada".into(),
        email: "hello@example.com".into(),
    }
}

fn same(prepared: &Prepared, who: &Context) {
    let ours = prepared.render(who, &sender());
    let anew = prepared.render_anew(who, &sender());
    assert_eq!(ours, anew, "{prepared:?}\n{who:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_mail_of_every_template_is_the_one_that_is_made_anew(
        parts in template(),
        people in prop::collection::vec(person(), 1..8),
    ) {
        let prepared = Prepared::new(&parts).unwrap();
        for who in people.iter().chain(&people) {
            let ours = prepared.render(who, &sender());
            let anew = prepared.render_anew(who, &sender());
            prop_assert_eq!(ours, anew, "{}\n{:?}", parts.body, who);
        }
    }
}

#[test]
fn each_piece_alone_gives_the_mail_that_is_made_anew_for_each_value() {
    let person = |a: &str, b: &str| {
        let field = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
        Context {
            contact: BTreeMap::from([
                field("a", a),
                field("b", b),
                field("c", a),
                field("u", b),
                field("w", a),
                field("s", b),
            ]),
            tags: BTreeSet::from([a.to_owned(), b.to_owned()]),
            event: None,
            unsubscribe_url: Some(format!("https://example.com/u?{}", a.len())),
            preferences_url: None,
            confirm_url: None,
            zone: "UTC".to_owned(),
            locale: "en".to_owned(),
            now: Moment::UNIX_EPOCH,
        }
    };
    for piece in PIECES {
        let parts = TemplateParts {
            subject: "News".to_owned(),
            body: format!(
                "<mjml><mj-body><mj-section><mj-column>{piece}</mj-column></mj-section></mj-body></mjml>"
            ),
            preheader: "{{ b }}".to_owned(),
            ..TemplateParts::default()
        };
        let prepared = Prepared::new(&parts).unwrap();
        for (at, a) in HOSTILE.iter().enumerate() {
            for b in [
                HOSTILE[(at + 1) % HOSTILE.len()],
                HOSTILE[(at * 7) % HOSTILE.len()],
                "Ada",
            ] {
                same(&prepared, &person(a, b));
            }
        }
    }
}

#[test]
fn the_starters_give_the_mails_that_are_made_anew() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../assets/templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(file) = serde_json::from_str::<Json>(&source) else {
            continue;
        };
        let part = |name: &str| match &file[name] {
            Json::Array(lines) => lines
                .iter()
                .map(|line| line.as_str().unwrap())
                .collect::<Vec<_>>()
                .join("\n"),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        for text in [part("text"), String::new()] {
            let parts = TemplateParts {
                subject: part("subject"),
                preheader: part("preheader"),
                body: part("body"),
                text,
            };
            let prepared = Prepared::new(&parts).unwrap();
            for (at, value) in HOSTILE.iter().enumerate() {
                let field = |key: &str, at: usize| {
                    (
                        key.to_owned(),
                        Value::Text(HOSTILE[at % HOSTILE.len()].to_owned()),
                    )
                };
                let known = ["first_name", "city", "favourite", "last_order", "code", "loyalty"];
                let who = Context {
                    contact: known
                        .iter()
                        .enumerate()
                        .map(|(n, key)| field(key, at + n))
                        .collect(),
                    tags: BTreeSet::from(["vip".to_owned()]),
                    event: (at % 2 == 0).then(|| order((*value).to_owned())),
                    unsubscribe_url: Some(format!("https://example.com/u?{at}&b")),
                    preferences_url: (at % 3 == 0).then(|| "https://example.com/p".to_owned()),
                    confirm_url: None,
                    zone: "Europe/Berlin".to_owned(),
                    locale: "en".to_owned(),
                    now: Moment::UNIX_EPOCH,
                };
                same(&prepared, &who);
            }
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen}");
}
