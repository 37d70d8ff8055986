//! Templates as authors write them: values, fallbacks, escaping, missing values, both parts.
#![allow(clippy::unwrap_used)]

use carillon_model::contact::{Currency, Money, Value};
use carillon_model::event::Prop;
use carillon_render::{
    Context, ErrorKind, EventContext, Part, Prepared, Rendered, Sender, TemplateParts, missing_in,
};
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
            "{{ 'a b&c' | url_encode }} {{ ' x ' | strip }} {{ 'ab' | upcase }}",
            "a%20b%26c x AB",
        ),
    ] {
        assert_eq!(shown(source, &contact), format!("[{wanted}]"), "{source}");
    }
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
    assert_eq!(prepared.missing(&nobody, &sender()).unwrap(), rendered.missing);
    let people = [nobody, context(&[("first_name", text("Ada"))])];
    let counts = missing_in(&prepared, &people, &sender());
    assert_eq!(counts["contact.first_name"], 1);
    assert_eq!(counts["contact.last_name"], 2);
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
fn an_analysis_tells_what_a_template_uses_and_lacks() {
    let analyse = |parts: &TemplateParts| Prepared::analyse(parts, &context(&[]), &sender());
    let analysis = analyse(&parts(
        "Hi {{ first_name }}",
        "{% for t in tags %}{{ t }}{% endfor %}{{ postal_address }}{{ unsubscribe_url }}{% assign x = event.total %}{{ x }}",
        "",
    ));
    assert_eq!(
        analysis.variables,
        [
            "contact.first_name",
            "event.total",
            "postal_address",
            "tags",
            "unsubscribe_url"
        ]
    );
    assert!(analysis.has_postal_address && analysis.has_unsubscribe && analysis.problems.is_empty());
    let analysis = analyse(&parts("Hi", "{{ postal_address }}", "only text"));
    assert!(
        !analysis.has_postal_address && !analysis.has_unsubscribe,
        "the text part lacks them"
    );
    assert_eq!(analyse(&parts("Hi", "<b>", "")).problems.len(), 1);
    assert_eq!(analyse(&parts("Hi", "{% if %}", "")).problems[0].line, Some(1));
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
