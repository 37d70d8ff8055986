//! Templates as authors write them: values, fallbacks, escaping, missing values, both parts.
#![allow(clippy::unwrap_used)]

use carillon_model::contact::{Currency, Money, Value};
use carillon_model::event::Prop;
use carillon_render::{Context, ErrorKind, EventContext, Part, Prepared, Rendered, Sender, TemplateParts};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn context(fields: &[(&str, Value)]) -> Context {
    Context {
        contact: fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
        tags: BTreeSet::from(["regular".to_owned(), "vip".to_owned()]),
        event: Some(EventContext {
            name: "order".into(),
            at: at("2026-03-01T23:30:00Z"),
            props: BTreeMap::from([
                ("total".to_owned(), Prop::Money(money(1250, "EUR"))),
                ("item".to_owned(), Prop::Text("Flat <white>".into())),
            ]),
        }),
        unsubscribe_url: Some("https://example.com/u?a=1&b=2".into()),
        preferences_url: None,
        confirm_url: None,
        zone: "Europe/Berlin".into(),
        locale: "de".into(),
        now: at("2026-06-01T10:00:00Z"),
    }
}

fn at(text: &str) -> carillon_model::Moment {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn money(minor: i64, currency: &str) -> Money {
    Money {
        minor,
        currency: Currency::parse(currency).unwrap(),
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn sender() -> Sender {
    Sender {
        organisation: "Ember & Oak".into(),
        postal_address: "1 Mill Lane\nBath".into(),
        name: "Ada".into(),
        email: "hello@example.com".into(),
    }
}

fn page(inner: &str) -> String {
    format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
}

fn parts(subject: &str, body: &str, text: &str) -> TemplateParts {
    TemplateParts {
        subject: subject.into(),
        preheader: String::new(),
        body: page(body),
        text: text.into(),
    }
}

fn render(parts: &TemplateParts, context: &Context) -> Rendered {
    Prepared::new(parts).unwrap().render(context, &sender()).unwrap()
}

/// The text part of a template whose text is `source`.
fn shown(source: &str, context: &Context) -> String {
    render(&parts("s", "b", &format!("[{source}]")), context).text
}

#[test]
fn fields_are_found_with_and_without_contact_before_them() {
    let ada = context(&[("first_name", text("Ada")), ("visits", Value::Number(3.0))]);
    assert_eq!(
        shown(
            "{{ first_name }} {{ contact.first_name }} {{contact['first_name']}} {{ visits }}",
            &ada
        ),
        "[Ada Ada Ada 3]"
    );
    assert_eq!(
        shown(
            "{{ organisation }}, {{ sender.name }}, {{ workspace.organisation }}",
            &ada
        ),
        "[Ember & Oak, Ada, Ember & Oak]"
    );
    assert_eq!(
        shown(
            "{{ event.name }} {{ event.total }} {{ event.at | date: '%d %B %H:%M' }}",
            &ada
        ),
        "[order 12,50\u{a0}€ 02 März 00:30]"
    );
    assert_eq!(
        shown("{{ tags }} {{ tags.size }} {{ tags[-1] }}", &ada),
        "[regular, vip 2 vip]"
    );
}

#[test]
fn the_language_does_what_liquid_says() {
    let contact = context(&[
        ("first_name", text("ada")),
        ("spent", Value::Money(money(123_456, "EUR"))),
        ("birthday", Value::Date("1990-12-24".parse().unwrap())),
        (
            "drinks",
            Value::MultiChoice(["latte".to_owned(), "mocha".to_owned()].into()),
        ),
        ("member", Value::YesNo(true)),
    ]);
    for (source, wanted) in [
        ("{{ first_name | capitalize | append: '!' }}", "Ada!"),
        ("{{ nobody | default: 'there' }}", "there"),
        (
            "{{ false | default: 1 }}{{ '' | default: 2 }}{{ 0 | default: 3 }}",
            "120",
        ),
        (
            "{% if spent > 1000 and member %}a{% elsif member %}b{% else %}c{% endif %}",
            "a",
        ),
        ("{% if false and false or true %}x{% else %}y{% endif %}", "y"),
        ("{% if true or false and false %}x{% endif %}", "x"),
        ("{% unless member %}x{% else %}y{% endunless %}", "y"),
        (
            "{% if nobody == blank %}x{% endif %}{% if nobody %}y{% endif %}",
            "x",
        ),
        (
            "{% if drinks contains 'mocha' %}x{% endif %}{% if first_name contains 'd' %}y{% endif %}",
            "xy",
        ),
        (
            "{% case first_name %}{% when 'eve', 'ada' %}x{% when 'bob' %}y{% else %}z{% endcase %}",
            "x",
        ),
        (
            "{% for d in drinks %}{{ forloop.index }}/{{ forloop.length }} {{ d }}{% unless forloop.last %}, {% endunless %}{% endfor %}",
            "1/2 latte, 2/2 mocha",
        ),
        (
            "{% for i in (1..9) reversed limit: 3 offset: 2 %}{{ i }}{% endfor %}",
            "543",
        ),
        (
            "{% for i in (1..9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "134",
        ),
        ("{% for x in nobody %}x{% else %}none{% endfor %}", "none"),
        (
            "{% assign a = 'x' %}{% capture b %}{{ a }}y{% endcapture %}{{ b }}{{ b.size }}",
            "xy2",
        ),
        ("a {%- if true -%} b {%- endif -%} c", "abc"),
        (
            "{% raw %}{{ x }}{% endraw %}{% comment %}{{ nope }}{% endcomment %}{% # remark %}",
            "{{ x }}",
        ),
        ("{{\tfirst_name\n}}", "ada"),
        ("{{ '}}' }}{{ \"it's\" }}", "}}it's"),
        (
            "{{ 7 | divided_by: 2 }} {{ 7.0 | divided_by: 2 }} {{ 5 | times: 1.5 | plus: 0.5 | round }} {{ 3 | minus: 5 | abs }}",
            "3 3.5 8 2",
        ),
        (
            "{{ spent | money }} {{ spent }} {{ 12.5 | money: 'USD' }} {{ spent | times: 2 }}",
            "1.234,56\u{a0}€ 1.234,56\u{a0}€ 12,50\u{a0}$ 2.469,12\u{a0}€",
        ),
        (
            "{{ 1234567.891 | number: 1 }} {{ spent.currency }} {{ spent.amount }}",
            "1.234.567,9 EUR 1234.56",
        ),
        (
            "{{ birthday | date: '%d %B %Y' }} {{ birthday }} {{ 'now' | date: '%H:%M' }} {{ today }}",
            "24 Dezember 1990 24 Dezember 1990 12:00 1 Juni 2026",
        ),
        (
            "{{ 'c,a,b' | split: ',' | sort | join: '-' }} {{ 'a,b' | split: ',' | last }}",
            "a-b-c b",
        ),
        (
            "{{ 'aXbX' | replace: 'X', 'yy' }} {{ 'hello' | slice: 1, 3 }} {{ 'a b c d' | truncatewords: 2 }} {{ 'abcdef' | truncate: 5 }}",
            "ayybyy ell a b... ab...",
        ),
        (
            "{{ -7 | divided_by: 2 }} {{ 7 | divided_by: -2 }} {{ -7 | modulo: 3 }} {{ 7 | modulo: -3 }}",
            "-4 -4 2 -2",
        ),
        (
            "{{ 'a b&c' | url_encode }} {{ ' x ' | strip }} {{ 'ab' | upcase }}",
            "a%20b%26c x AB",
        ),
    ] {
        assert_eq!(shown(source, &contact), format!("[{wanted}]"), "{source}");
    }
}

#[test]
fn dates_and_moments_compare_on_the_readers_calendar_and_with_texts() {
    // The order came in at 23:30 in London, which is the next day in Berlin.
    let reader = context(&[
        ("birthday", Value::Date("1990-12-24".parse().unwrap())),
        ("trial_end", Value::DateTime(at("2026-05-31T22:30:00Z"))),
    ]);
    for (condition, holds) in [
        ("event.at > '2026-03-01'", true),
        ("event.at == '2026-03-02'", true),
        ("'2026-03-02' == event.at", true),
        ("event.at < '2026-03-01T23:31:00Z'", true),
        ("event.at >= '2026-03-03'", false),
        ("trial_end == today", true),
        ("trial_end < today", false),
        ("trial_end < now", true),
        ("birthday == '1990-12-24'", true),
        ("birthday < today", true),
        ("birthday == 'Christmas'", false),
        ("birthday < 'a year ago'", false),
        ("nobody < today", false),
    ] {
        let source = format!("{{% if {condition} %}}yes{{% else %}}no{{% endif %}}");
        let wanted = if holds { "[yes]" } else { "[no]" };
        assert_eq!(shown(&source, &reader), wanted, "{condition}");
    }
    assert_eq!(
        shown(
            "{% case event.at %}{% when '2026-03-02' %}that day{% endcase %}",
            &reader
        ),
        "[that day]"
    );
}

#[test]
fn errors_name_the_part_and_the_line() {
    let broken = |subject: &str, body: &str| Prepared::new(&parts(subject, body, "")).unwrap_err();
    let error = broken("ok", "one\ntwo {% if x %}\nthree {% endfor %}");
    assert_eq!(
        (error.part, error.line, error.kind),
        (Some(Part::Body), Some(3), ErrorKind::Liquid)
    );
    assert!(error.to_string().starts_with("In the body, line 3: "), "{error}");
    assert_eq!(broken("{{ a | nope }}", "x").part, Some(Part::Subject));
    for wrong in [
        "{{ a b }}",
        "{{ }}",
        "{% if %}{% endif %}",
        "{% if a = b %}{% endif %}",
        "{{ a | append }}",
        "{% for x of y %}{% endfor %}",
        "{% assign = 3 %}",
        "{{ a.. }}",
        "{{ a[ }}",
        "{% else %}",
        "{% if a %}{% else %}{% else %}{% endif %}",
    ] {
        assert_eq!(broken("ok", wrong).kind, ErrorKind::Liquid, "{wrong}");
    }
}

#[test]
fn what_is_missing_is_empty_and_recorded_once_under_one_name() {
    let nobody = context(&[("first_name", text("  "))]);
    let template = parts(
        "Hi {{ first_name }}",
        "{{ contact.first_name }} {{ last_name | upcase }} {{ city | default: 'your city' }} {{ event.voucher }} \
         {% if phone %}{{ phone }}{% endif %} {% assign n = nickname %}{{ n }} {{ 'x' | append: street }}",
        "",
    );
    let rendered = render(&template, &nobody);
    assert_eq!(rendered.subject, "Hi");
    assert_eq!(
        rendered.missing,
        [
            "contact.first_name",
            "contact.last_name",
            "contact.nickname",
            "contact.street",
            "event.voucher"
        ]
    );
    let prepared = Prepared::new(&template).unwrap();
    let missing = prepared.missing(&nobody, &sender()).unwrap();
    assert_eq!(missing.open, rendered.missing);
    assert_eq!(missing.filled, ["contact.city"], "a default stands in for it");
    let ada = context(&[("first_name", text("Ada")), ("city", text("Bath"))]);
    let missing = prepared.missing(&ada, &sender()).unwrap();
    assert!(!missing.open.contains(&"contact.first_name".to_owned()) && missing.filled.is_empty());
}

#[test]
fn a_value_that_is_printed_once_without_its_default_is_missing() {
    let template = parts("Hi {{ first_name | default: 'you' }}", "{{ first_name }}", "");
    let missing = Prepared::new(&template)
        .unwrap()
        .missing(&context(&[]), &sender());
    let missing = missing.unwrap();
    assert_eq!(
        (missing.open, missing.filled),
        (vec!["contact.first_name".to_owned()], vec![])
    );
}

#[test]
fn values_are_written_for_the_part_they_stand_in() {
    let evil = context(&[("first_name", text("<b>\"A\" & 'B'</b>\r\nBcc: x@y.z\u{202e}\0"))]);
    let rendered = render(
        &parts(
            "{{ first_name }}",
            "{{ first_name }} <a href=\"https://x.test/{{ first_name }}\">x</a>",
            "{{ first_name }}",
        ),
        &evil,
    );
    assert_eq!(rendered.subject, "<b>\"A\" & 'B'</b> Bcc: x@y.z");
    assert_eq!(rendered.text, "<b>\"A\" & 'B'</b>\nBcc: x@y.z");
    assert!(!rendered.html.contains("<b>"), "{}", rendered.html);
    assert_eq!(
        rendered
            .html
            .matches("&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;")
            .count(),
        2
    );
    assert!(
        rendered.html.contains("href=\"https://x.test/&lt;b&gt;"),
        "{}",
        rendered.html
    );
}

#[test]
fn markup_of_the_author_stays_markup_through_capture() {
    let ada = context(&[("first_name", text("A&B"))]);
    let html = render(&parts("s", "{% capture c %}<b>{{ first_name }}</b>{% endcapture %}{{ c }}{{ c | upcase }}{{ first_name | escape }}", ""), &ada).html;
    assert!(
        html.contains("<b>A&amp;B</b>&lt;B&gt;A&amp;AMP;B&lt;/B&gt;A&amp;B<"),
        "{html}"
    );
    let html = render(&parts("s", "{{ postal_address | newline_to_br }}", ""), &ada).html;
    assert!(html.contains("1 Mill Lane<br />"), "{html}");
}

#[test]
fn the_unsubscribe_line_is_a_link_in_html_and_an_address_in_text() {
    let rendered = render(
        &parts("s", "{{ unsubscribe_line }}", "{{ unsubscribe_line }}"),
        &context(&[]),
    );
    assert!(
        rendered
            .html
            .contains("<a href=\"https://example.com/u?a=1&amp;b=2\""),
        "{}",
        rendered.html
    );
    assert_eq!(rendered.text, "Unsubscribe: https://example.com/u?a=1&b=2");
}

#[test]
fn a_text_part_is_made_from_the_html_with_its_links() {
    let body = "<h1>Hello {{ first_name }}</h1><p>See <a href=\"https://a.test/menu\">our menu</a>, \
                {{ 'word ' | append: 'word ' }} and a long line that has to be broken somewhere before its end.</p>";
    let text = render(&parts("s", body, ""), &context(&[("first_name", text("Ada"))])).text;
    assert!(
        text.starts_with("Hello Ada\n\nSee our menu (https://a.test/menu), word word and a long line"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 76));
}

#[test]
fn a_template_says_what_the_law_asks_in_both_of_its_parts_or_not() {
    let says = |body: &str, text: &str| {
        let parts = parts("Hi", body, text);
        let duties = Prepared::new(&parts).unwrap().duties(&parts, &sender());
        (duties.postal_address, duties.unsubscribe)
    };
    assert_eq!(says("Hello", ""), (false, false));
    assert_eq!(
        says("{{ postal_address }}{{ unsubscribe_line }}", ""),
        (true, true)
    );
    assert_eq!(
        says(
            "{{ sender.postal_address | newline_to_br }}<a href=\"{{ unsubscribe_url }}\">x</a>",
            ""
        ),
        (true, true)
    );
    // Written out counts as well, however its lines are broken; another address does not.
    assert_eq!(says("1 Mill<br />Lane <b>Bath</b>", ""), (true, false));
    assert_eq!(says("2 Mill Lane Bath", ""), (false, false));
    assert_eq!(says("<!-- 1 Mill Lane Bath -->", ""), (false, false));
    // A text part with a source of its own has to say it, too.
    let body = "{{ postal_address }}{{ unsubscribe_line }}";
    assert_eq!(says(body, "only text"), (false, false));
    assert_eq!(
        says(body, "1 Mill Lane\nBath {{ unsubscribe_url }}"),
        (true, true)
    );
    // Nothing is asked for where no address is known.
    let parts = parts("Hi", "Hello", "");
    let duties = Prepared::new(&parts).unwrap().duties(&parts, &Sender::default());
    assert!(!duties.postal_address);
}

/// What a template ends in: a message, or the words of its error.
fn ends_in(parts: &TemplateParts) -> String {
    let rendered = Prepared::new(parts).and_then(|prepared| prepared.render(&context(&[]), &sender()));
    rendered.map_or_else(|error| error.message, |_| "a message".to_owned())
}

/// Each bound by itself: a template just within it, and the words in which one just beyond it is refused.
#[test]
fn each_bound_lets_pass_what_is_within_it_and_names_itself_beyond_it() {
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let ifs = |n| nested("{% if true %}", "{% endif %}", n);
    let indexes = |n| format!("{{{{ {}0{} }}}}", "a[".repeat(n), "]".repeat(n));
    let tag = |n| format!("{{{{ 'x' | append: '{}' | size }}}}", "x".repeat(n));
    let elements = |n| "<br />".repeat(n);
    let attribute = |n| format!("<a title=\"{}\">x</a>", "x".repeat(n));
    let value = |n: usize| {
        let doubled = "{% assign s = 'x' %}".to_owned() + &"{% assign s = s | append: s %}".repeat(n);
        doubled + "{{ s | size }}"
    };
    let range = |n: usize| format!("{{% for i in (1..{n}) %}}{{% endfor %}}");
    let output = |n: usize| format!("{{% for i in (1..{n}) %}}{}{{% endfor %}}", "x ".repeat(25_000));
    let steps =
        |n: usize| format!("{{% for i in (1..{n}) %}}{{% for j in (1..1000) %}}{{% endfor %}}{{% endfor %}}");
    let made = |n: usize| {
        let long = "x".repeat(4_000);
        let grown = "{% assign s = s | append: s %}".repeat(3);
        format!(
            "{{% assign s = '{long}' %}}{grown}{{% for i in (1..{n}) %}}{{% assign t = s | upcase %}}{{% endfor %}}"
        )
    };
    let names = |n: usize| {
        (0..n)
            .map(|i| format!("{{% assign n{i} = 1 %}}"))
            .collect::<String>()
    };
    let deep = |n: usize| nested("<b>", "</b>", n);
    let bounds: [(&str, String, String, &str); 13] = [
        ("blocks", ifs(32), ifs(33), "Blocks stand more than 32 deep"),
        (
            "indexes",
            indexes(4),
            indexes(5),
            "Indexes stand more than 4 deep",
        ),
        (
            "tags",
            tag(8_000),
            tag(8_200),
            "is not closed by “}}” within 8192 characters",
        ),
        (
            "elements",
            elements(4_990),
            elements(5_001),
            "more than 5000 elements",
        ),
        (
            "depth of elements",
            deep(58),
            deep(65),
            "Elements stand more than 64 deep",
        ),
        (
            "attributes",
            attribute(16_000),
            attribute(17_000),
            "An attribute is longer than 16 KiB",
        ),
        ("values", value(16), value(17), "A value grew over 64 KiB"),
        (
            "ranges",
            range(10_000),
            range(10_001),
            "A loop may go through 10000 numbers",
        ),
        ("output", output(39), output(42), "The output grew over 2 MiB"),
        ("steps", steps(180), steps(200), "needs more than 200000 steps"),
        ("filters", made(150), made(300), "make more than 16 MiB"),
        ("names", names(1_000), names(1_001), "sets more than 1000 names"),
        (
            "nothing",
            String::new(),
            "x".repeat(524_288),
            "The template is larger than 512 KiB",
        ),
    ];
    for (name, within, beyond, words) in bounds {
        assert_eq!(ends_in(&parts("s", &within, "t")), "a message", "{name}");
        let said = ends_in(&parts("s", &beyond, "t"));
        assert!(said.contains(words), "{name}: {said}");
    }
    let subject = |n: usize| ends_in(&parts(&"x".repeat(n), "b", "t"));
    assert_eq!(subject(255), "a message");
    assert!(subject(256).contains("longer than 255 characters"));
    let carousel = |n: usize| {
        let images = "<mj-carousel-image src=\"https://x.test/\" />".repeat(n);
        let body = format!(
            "<mjml><mj-body><mj-section><mj-column><mj-carousel>{images}</mj-carousel></mj-column></mj-section></mj-body></mjml>"
        );
        ends_in(&TemplateParts {
            body,
            ..parts("s", "", "t")
        })
    };
    assert_eq!(carousel(40), "a message");
    assert!(carousel(41).contains("more than 40 images"));
}

#[test]
fn the_same_arguments_give_the_same_message() {
    let template = parts("Hi {{ first_name }}", "{{ 'now' | date: '%c' }} {{ tags }}", "");
    let ada = context(&[("first_name", text("Ada"))]);
    assert_eq!(render(&template, &ada), render(&template, &ada));
}

fn hostile_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<script>",
        "</p>",
        "\"",
        "'",
        "&",
        "<",
        ">",
        "{{ x }}",
        "{% if %}",
        "]]>",
        "-->",
        "<!--",
        "\\",
        "\r\n",
        "\0",
        "é",
        "👨\u{200d}👩",
        "\u{202e}",
        "javascript:",
        " onload=",
        "`",
        "=",
        "a",
        " ",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_value_breaks_out_of_text_or_attribute(value in hostile_text(), other in ".{0,30}") {
        let template = parts("s {{ v }}", "<p title=\"{{ v }}\" class='{{ w }}'>[{{ v }}|{{ w }}]</p>", "[{{ v }}]");
        let tags = |rendered: &Rendered| rendered.html.matches(['<', '>']).count();
        let quotes = |rendered: &Rendered| rendered.html.matches('"').count();
        let plain = render(&template, &context(&[("v", text("x")), ("w", text("y"))]));
        let rendered = render(&template, &context(&[("v", text(&value)), ("w", text(&other))]));
        prop_assert_eq!(tags(&rendered), tags(&plain), "{}", rendered.html);
        prop_assert_eq!(quotes(&rendered), quotes(&plain), "{}", rendered.html);
        let controls = ['\r', '\n', '\0', '\u{202e}'];
        prop_assert!(!rendered.subject.contains(controls));
        let turned = ['\0', '\u{202e}'];
        prop_assert!(!rendered.html.contains(turned));
    }

    #[test]
    fn whatever_is_written_as_a_template_ends_in_a_message_or_an_error(
        source in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{%", "%}", "-", " ", "if ", "for x in ", "endfor", "endif", "else", "x", "'", "\"", "|", ":", "append", "1", "..", "(", ")", "[", "]", ".", "raw", "endraw", "comment", "case ", "when ", "assign x = ", "\n", "<p>", "</p>", "é",
        ]), 0..40)
    ) {
        let source = source.concat();
        for parts in [parts("s", &source, ""), parts(&source, "b", ""), parts("s", "b", &source)] {
            if let Ok(prepared) = Prepared::new(&parts) {
                let _ = prepared.render(&context(&[("x", text("v"))]), &sender());
            }
        }
    }
}
