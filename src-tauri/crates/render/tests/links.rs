//! Links of finished mails: which are found, what rewriting them changes, and what it never does.
#![allow(clippy::unwrap_used)]

use carillon_render::links::{
    LABEL_CHARS, Link, LinkPart, Marks, Utm, led as led_and_marked, list, marked, rewrite, without_pixels,
};
use carillon_render::{Envelope, Mailbox, Rendered, compose, verify_bytes};
use proptest::prelude::*;

fn content(html: &str, text: &str) -> Rendered {
    Rendered {
        subject: "Hello".into(),
        preheader: String::new(),
        html: html.into(),
        text: text.into(),
        missing: Vec::new(),
    }
}

fn urls(html: &str, text: &str) -> Vec<String> {
    let links = list(&content(html, text), &[LEAVE]);
    links.into_iter().map(|link| link.url).collect()
}

/// The content with each link led to `https://r.test/<part><position>`.
fn led(html: &str, text: &str) -> Rendered {
    let mut content = content(html, text);
    rewrite(&mut content, &[LEAVE], |link| Some(marker(link)));
    content
}

fn marker(link: &Link) -> String {
    let part = if link.part == LinkPart::Html { "h" } else { "t" };
    format!("https://r.test/{part}{}?a=1&b=2", link.position)
}

const LEAVE: &str = "https://r.test/leave/abc?x=1&y=2";

#[test]
fn links_are_read_as_a_browser_follows_them() {
    for (html, expected) in [
        (
            "<a href=\"https://a.test/?a=1&amp;b=2\">x</a>",
            "https://a.test/?a=1&b=2",
        ),
        (
            "<a href='https://a.test/?a=1&copy=2'>x</a>",
            "https://a.test/?a=1&copy=2",
        ),
        ("<a href=https://a.test/b/>x</a>", "https://a.test/b/"),
        ("<A class=x HREF = \"HTTP://a.test\">x</A>", "HTTP://a.test"),
        ("<a href=\"\n https://a.test/x\ny \">x</a>", "https://a.test/xy"),
        (
            "<map><area shape=rect href=\"https://a.test/&#x2f;\"></map>",
            "https://a.test//",
        ),
        (
            "<a title=\"a > b\" href=\"https://a.test\">x</a>",
            "https://a.test",
        ),
        ("<a href=\"https://[::1]/\">x</a>", "https://[::1]/"),
        (
            "<a href=\"https://bücher.example/ü\">x</a>",
            "https://bücher.example/ü",
        ),
        (
            "<a href=\"https://a.test/1\" href=\"https://a.test/2\">x</a>",
            "https://a.test/1",
        ),
    ] {
        assert_eq!(urls(html, ""), [expected], "{html}");
    }
}

#[test]
fn what_is_no_link_to_a_page_is_left_alone() {
    for html in [
        "<a href=\"mailto:a@b.test\">x</a>",
        "<a href=\"tel:+491\">x</a>",
        "<a href=\"#top\">x</a>",
        "<a href=\"/page\">x</a>",
        "<a href=\"//a.test\">x</a>",
        "<a href=\"https:\">x</a>",
        "<a href=\"https://\">x</a>",
        "<a name=x>x</a>",
        "<a data-track=\"off\" href=\"https://a.test\">x</a>",
        "<a href=\"https://a.test\" DATA-TRACK=No>x</a>",
        "<a href=\"https://r.test/leave/abc?x=1&amp;y=2\">x</a>",
        "<a href=\"https://r.test/leave/abc?x=1&#38;y=2\">x</a>",
        "<img src=\"https://a.test\"><form action=\"https://a.test\">",
        "<!-- <a href=\"https://a.test\"> -->",
        "<!--[if mso]><a href=\"https://a.test\"><![endif]-->",
        "<style>a{} <a href=\"https://a.test\"></style>",
        "<title><a href=\"https://a.test\"></TITLE>",
        "<p title=\"<a href='https://a.test'>\">",
        // Read without its semicolon by some and not by others.
        "<a href=\"https://a.test/?a&copy\">x</a>",
        "<a href=\"https://a.test/?a&#38b\">x</a>",
        "<a href=\"https://a.test/&#0;\">x</a>",
        "<a href=\"https://a.test/&#x80;\">x</a>",
    ] {
        assert_eq!(urls(html, ""), Vec::<String>::new(), "{html}");
        let now = led(html, "");
        assert_eq!(now.html, html);
    }
}

#[test]
fn links_of_a_text_end_where_a_reader_sees_them_end() {
    for (text, expected) in [
        (
            "See our menu (https://a.test/x?b=1&c=2).",
            vec!["https://a.test/x?b=1&c=2"],
        ),
        (
            "https://a.test/a_(b), and <HTTPS://b.test/>!",
            vec!["https://a.test/a_(b)", "HTTPS://b.test/"],
        ),
        ("(see https://a.test/a_(b))", vec!["https://a.test/a_(b)"]),
        (
            "[1]: https://a.test/[x]] “https://b.test/”",
            vec!["https://a.test/[x]", "https://b.test/"],
        ),
        (
            "xhttps://a.test ftp://a.test git+https://a.test https:// ://",
            vec![],
        ),
        ("Unsubscribe: https://r.test/leave/abc?x=1&y=2", vec![]),
        (
            "https://a.test?u=https://b.test",
            vec!["https://a.test?u=https://b.test"],
        ),
    ] {
        assert_eq!(urls("", text), expected, "{text}");
    }
}

#[test]
fn a_rewritten_address_is_encoded_for_the_place_it_stands_in() {
    let to = "https://r.test/?a=\"x\"&b='y'&c=<z>`";
    for (html, expected) in [
        (
            "<a href=\"https://a.test\">x</a>",
            "<a href=\"https://r.test/?a=&quot;x&quot;&amp;b=&#39;y&#39;&amp;c=&lt;z&gt;`\">x</a>",
        ),
        (
            "<a href=https://a.test>x</a>",
            "<a href=https://r.test/?a&#61;&quot;x&quot;&amp;b&#61;&#39;y&#39;&amp;c&#61;&lt;z&gt;&#96;>x</a>",
        ),
    ] {
        let mut content = content(html, "https://a.test");
        rewrite(&mut content, &[], |_| Some(to.to_owned()));
        assert_eq!(content.html, expected);
        assert_eq!(content.text, to);
        assert_eq!(list(&content, &[])[0].url, to, "it is read back as it was given");
    }
}

#[test]
fn an_address_that_could_break_out_stays_unused() {
    for to in ["", "https://r.test/\r\nX: y", "https://r.test/\0"] {
        let mut content = content("<a href=\"https://a.test\">x</a>", "https://a.test");
        let before = content.clone();
        rewrite(&mut content, &[], |_| Some(to.to_owned()));
        assert_eq!(content, before);
        rewrite(&mut content, &[], |_| {
            Some(format!("https://{}", "r".repeat(2_000)))
        });
        assert_eq!(content, before);
    }
}

#[test]
fn labels_are_what_a_reader_sees() {
    let html = "<a href=\"https://a.test/1\"> Our <b>new</b>\n menu &amp; more <img src=x alt='(cup)'> </a> no \
        <a href=\"https://a.test/2\"></a><a href=\"https://a.test/3\">open <p>tail";
    let labels: Vec<String> = list(&content(html, "https://a.test"), &[])
        .into_iter()
        .map(|link| link.label)
        .collect();
    assert_eq!(labels, ["Our new menu & more (cup)", "", "open tail", ""]);
    let long = format!("<a href=\"https://a.test\">{}</a>", "wörter ".repeat(100));
    assert!(list(&content(&long, ""), &[])[0].label.chars().count() <= LABEL_CHARS);
}

#[test]
fn what_a_frame_shows_has_no_picture_that_tells_of_an_opening_and_all_others() {
    let of = |picture: &str| format!("<p title=\"<img>\">Hello</p>{picture}<!-- {picture} --></body>");
    let pixel = Some("http://127.0.0.1:1/o/a/b");
    let bare = of("");
    let marks = Marks { pixel, trap: None };
    assert_eq!(without_pixels(&marked(&bare, marks)), bare);
    for picture in [
        "<img src=\"https://a.example/o\" width=1 height='1'>",
        "<IMG SRC=https://a.example/o WIDTH=0 HEIGHT=0 />",
        "<img style=\"WIDTH: 1px; height:0\" src=\"&#104;ttps://a.example/o\">",
        "<img src=\"https://a.example/o\" style='display: none'>",
        "<img hidden src=\"https://a.example/o\">",
    ] {
        let left = without_pixels(&of(picture));
        assert_eq!(
            left,
            format!("<p title=\"<img>\">Hello</p><!-- {picture} --></body>")
        );
    }
    for picture in [
        "<img src=\"https://a.example/a.png\" width=100 height=1 alt=\"a line\">",
        "<img src=\"https://a.example/a.png\" style=\"max-width:1px;max-height:1px\">",
        "<img src=\"data:image/gif;base64,R0lGOD\" width=1 height=1>",
        "<img width=1 height=1>",
    ] {
        assert_eq!(without_pixels(&of(picture)), of(picture));
    }
    assert_eq!(
        without_pixels("<img src=https://a.example/o width=1 height=1"),
        ""
    );
}

#[test]
fn marks_stand_before_the_end_of_the_body() {
    let marks = Marks {
        pixel: Some("https://r.test/o?a=1&b=2"),
        trap: Some("https://r.test/t"),
    };
    let html = "<html><body><!-- </body> --><style></body></style><p>x</p></BODY ></html>";
    let now = marked(html, marks);
    let (before, after) = html.split_at(html.find("</BODY").unwrap());
    let middle = now
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .unwrap();
    assert_eq!(middle.matches("src=\"https://r.test/o?a=1&amp;b=2\"").count(), 1);
    assert_eq!(middle.matches("href=\"https://r.test/t\"").count(), 1);
    assert!(urls(&now, "").is_empty(), "marks are no links of the author's");
    assert_eq!(marked(html, Marks::default()), html);
    assert!(marked("<p>x", marks).starts_with("<p>x<div"));
}

#[test]
fn campaign_parameters_are_added_once_and_fragments_stay_last() {
    let utm = Utm {
        source: "carillon".into(),
        medium: "email".into(),
        campaign: "Spring & co".into(),
        content: String::new(),
    };
    let all = "utm_source=carillon&utm_medium=email&utm_campaign=Spring%20%26%20co";
    for (url, expected) in [
        ("https://a.test", format!("https://a.test?{all}")),
        ("https://a.test/x?", format!("https://a.test/x?{all}")),
        ("https://a.test/?a=1&", format!("https://a.test/?a=1&{all}")),
        (
            "https://a.test/?a=1#f?g&h",
            format!("https://a.test/?a=1&{all}#f?g&h"),
        ),
        (
            "https://a.test/#/route?x=1",
            format!("https://a.test/?{all}#/route?x=1"),
        ),
        (
            "https://a.test/?UTM_Source=mine&utm%5Fmedium=x;utm_campaign",
            "https://a.test/?UTM_Source=mine&utm%5Fmedium=x;utm_campaign".to_owned(),
        ),
        (
            "https://a.test/?q=a?b=c",
            format!("https://a.test/?q=a?b=c&{all}"),
        ),
        ("https://[::1]:80/ü x", format!("https://[::1]:80/ü x?{all}")),
    ] {
        assert_eq!(utm.added_to(url), expected, "{url}");
        assert_eq!(utm.added_to(&expected), expected, "added once");
    }
    assert_eq!(Utm::default().added_to("https://a.test?#"), "https://a.test?#");
}

#[test]
fn a_mail_of_nothing_but_links_is_bounded() {
    let html = "<a href=http://a>".repeat(60_000);
    let text = "http://a ".repeat(100_000);
    let mut content = content(&html, &text);
    let mut asked = 0;
    rewrite(&mut content, &[], |_| {
        asked += 1;
        Some(format!("https://r.test/{}", "x".repeat(1_900)))
    });
    assert_eq!(asked, 2 * carillon_render::limits::LINKS);
    for hostile in [
        "<style>".repeat(100_000),
        "<a href='".repeat(100_000),
        "&#".repeat(200_000),
    ] {
        let _ = list(&self::content(&hostile, &hostile), &[]);
    }
}

/// A piece of a mail: what stands before a link, the link's written address, how it is quoted.
fn pieces() -> impl Strategy<Value = Vec<(&'static str, Option<(&'static str, &'static str)>)>> {
    let around = prop::sample::select(vec![
        "<p>text</p>",
        "ü &amp; é",
        "<!-- <a href=\"https://c.test\"> -->",
        "<img src=\"https://i.test/?a&amp;b\">",
        "<style>a { content: \"<a href='https://s.test'>\" }</style>",
        "<a href=\"mailto:a@b.test\">m</a>",
        "<a data-track=off href=\"https://off.test\">o</a>",
        "<a href=\"https://r.test/leave/abc?x=1&amp;y=2\">u</a>",
        "<b title='<a href=\"https://t.test\">'>b</b>",
        "< a b <1",
    ]);
    let address = prop::sample::select(vec![
        "https://a.test/",
        "http://a.test/?a=1&amp;b=2",
        "HTTPS://a.test/#x",
        " https://a.test/ä\u{1f600} ",
        "https://a.test/%20?q=&lt;&gt;",
        "https://a.test/?x&y=z",
    ]);
    let quote = prop::sample::select(vec!["\"", "'"]);
    prop::collection::vec((around, prop::option::of((address, quote))), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_link_is_rewritten_once_and_nothing_else_changes(pieces in pieces()) {
        let (mut html, mut expected, mut count) = (String::new(), String::new(), 0);
        for (around, link) in &pieces {
            html.push_str(around);
            expected.push_str(around);
            if let Some((address, quote)) = link {
                html.push_str(&format!("<a class=x href={quote}{address}{quote}>l</a>"));
                expected.push_str(&format!("<a class=x href={quote}https://r.test/h{count}?a=1&amp;b=2{quote}>l</a>"));
                count += 1;
            }
        }
        prop_assert_eq!(led(&html, "").html, expected);
    }

    #[test]
    fn rewriting_by_identity_changes_nothing(html in "(<a href=|<a href=\"|https://|&amp;|&|[\"' <>=/a-c#;]|<!--|-->|<style>|</style>|<body>|</body>|ü){0,60}",
                                             text in "(https?://|[a-c().,\\[\\]<> \n]|ü){0,60}") {
        let mut same = content(&html, &text);
        rewrite(&mut same, &[], |link| Some(link.url.clone()));
        prop_assert_eq!(&same, &content(&html, &text));
        rewrite(&mut same, &[], |_| None);
        prop_assert_eq!(&same, &content(&html, &text));
        let links = list(&same, &[]);
        let mut asked = Vec::new();
        rewrite(&mut same, &[], |link| { asked.push(link.clone()); None });
        prop_assert_eq!(asked, links);
    }

    #[test]
    fn a_rewritten_mail_has_the_same_number_of_links_and_each_leads_where_it_was_led(
        html in "(<a href=|<a href=\"|https://a|&amp;|&|[\"' <>=/a-c#;]|<style>|</style>|ü){0,60}",
        text in "(https?://a|[a-c().,\\[\\] \n]|ü){0,60}") {
        let before = list(&content(&html, &text), &[LEAVE]);
        let now = led(&html, &text);
        let after = list(&now, &[LEAVE]);
        let expected: Vec<String> = before.iter().map(marker).collect();
        let found: Vec<String> = after.into_iter().map(|link| link.url).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_mail_with_rewritten_links_and_marks_still_passes_the_last_check(pieces in pieces(), to in "[ -~]{1,900}") {
        let html: String = pieces.iter().map(|(around, link)| match link {
            Some((address, quote)) => format!("{around}<a href={quote}{address}{quote}>l</a>"),
            None => (*around).to_owned(),
        }).collect();
        let mut content = content(&html, "Read https://a.test/x and go.");
        rewrite(&mut content, &[], |_| Some(format!("https://r.test/{to}")));
        content.html = marked(&content.html, Marks { pixel: Some(&to), trap: Some(&to) });
        let someone = |email: &str| Mailbox { name: String::new(), email: email.into() };
        let envelope = Envelope {
            from: someone("a@ember.example"),
            to: someone("b@example.com"),
            reply_to: None,
            date: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            message_id: "t@ember.example".into(),
            list_id: None,
            unsubscribe_https: None,
            unsubscribe_mailto: None,
            feedback_id: None,
        };
        prop_assert_eq!(verify_bytes(&compose(&envelope, &content).unwrap()), Ok(()));
    }
}

proptest! {
    #[test]
    fn links_and_marks_in_one_reading_are_those_of_two(
        pieces in prop::collection::vec(prop::sample::select([
            "<a href=\"https://a.test/1?b&amp;c\">x</a>",
            "<a href=https://a.test/2>",
            "<a href='https://a.test/3",
            "</body>",
            "</BODY >",
            "<body>",
            "<!-- </body> -->",
            "<!--",
            "<title></body></title>",
            "<style>",
            "<p title=\"</body>\">",
            "</a>",
            " text ",
            "\"",
        ].as_slice()), 0..9),
        pixel in any::<bool>(),
        trap in any::<bool>(),
    ) {
        let marks = Marks {
            pixel: pixel.then_some("https://r.test/o?a&b"),
            trap: trap.then_some("https://r.test/t"),
        };
        let mut at_once = content(&pieces.concat(), "https://a.test");
        let mut in_turn = at_once.clone();
        led_and_marked(&mut at_once, &[LEAVE], |link| Some(marker(link)), marks);
        rewrite(&mut in_turn, &[LEAVE], |link| Some(marker(link)));
        in_turn.html = marked(&in_turn.html, marks);
        prop_assert_eq!(at_once, in_turn);
    }
}
