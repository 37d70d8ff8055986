//! Templates written to do harm.

use carillon_render::{ErrorKind, TemplateParts};

/// What must come of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// A message, harmless.
    Fine,
    /// An error of this kind.
    Refused(ErrorKind),
    /// An error of any kind, or a message: what matters is that both processes live.
    Survived,
}

use ErrorKind::{Liquid, Mjml, TooMuch, Unsafe};
use Outcome::{Fine, Refused, Survived};

pub struct Hostile {
    pub name: &'static str,
    pub parts: TemplateParts,
    pub outcome: Outcome,
}

fn page(inner: &str) -> String {
    format!(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
}

fn body(name: &'static str, inner: &str, outcome: Outcome) -> Hostile {
    whole(name, &page(inner), outcome)
}

fn whole(name: &'static str, body: &str, outcome: Outcome) -> Hostile {
    let parts = TemplateParts {
        subject: "Hello".into(),
        body: body.into(),
        ..TemplateParts::default()
    };
    Hostile { name, parts, outcome }
}

fn subject(name: &'static str, subject: &str, outcome: Outcome) -> Hostile {
    let parts = TemplateParts {
        subject: subject.into(),
        body: page("x"),
        ..TemplateParts::default()
    };
    Hostile { name, parts, outcome }
}

/// All of them, at least fifty.
pub fn all() -> Vec<Hostile> {
    [loops(), growth(), nesting(), reading(), markup(), headers()]
        .into_iter()
        .flatten()
        .collect()
}

fn loops() -> Vec<Hostile> {
    let inner_loops = "{% for a in (1..10000) %}{% for b in (1..10000) %}{% endfor %}{% endfor %}";
    let deep: String = (0..20)
        .map(|i| format!("{{% for i{i} in (1..9999) %}}"))
        .collect();
    vec![
        body(
            "a range of a thousand million",
            "{% for i in (1..1000000000) %}{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "the longest range",
            "{% for i in (-9223372036854775808..9223372036854775807) %}x{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "a range from assigned numbers",
            "{% assign n = 99999 | times: 99999 %}{% for i in (1..n) %}{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "a range to infinity",
            "{% assign n = 1e308 %}{% for i in (1..n) %}{% endfor %}",
            Survived,
        ),
        body("silent loops in loops", inner_loops, Refused(TooMuch)),
        body(
            "loops that print",
            "{% for a in (1..9999) %}{% for b in (1..9999) %}xxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "twenty loops deep",
            &format!("{deep}{}", "{% endfor %}".repeat(20)),
            Refused(TooMuch),
        ),
        body(
            "a loop that continues",
            "{% for a in (1..9999) %}{% for b in (1..9999) %}{% continue %}{% endfor %}{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "a loop over its own growing list",
            "{% assign l = 'a,b' | split: ',' %}{% for x in l %}{% assign l = l | concat: l %}{% endfor %}{{ l | size }}",
            Fine,
        ),
        body(
            "a limit below zero",
            "{% for a in (1..5) limit: -1 offset: -9 %}x{% endfor %}",
            Fine,
        ),
        body(
            "conditions without end",
            &format!("{{% if 1 == 1{} %}}x{{% endif %}}", " and 1 == 1".repeat(600)),
            Fine,
        ),
        body(
            "a case of many",
            &format!(
                "{{% for i in (1..9999) %}}{{% case i %}}{}{{% endcase %}}{{% endfor %}}",
                "{% when 0 %}a".repeat(500)
            ),
            Refused(TooMuch),
        ),
    ]
}

fn growth() -> Vec<Hostile> {
    let doubling = "{% assign s = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..40) %}{% assign s = s | append: s %}{% endfor %}{{ s }}";
    let laughs: String = (1..12).fold("{% capture a0 %}ha{% endcapture %}".to_owned(), |all, i| {
        let last = i - 1;
        all + &format!(
            "{{% capture a{i} %}}{}{{% endcapture %}}",
            format!("{{{{ a{last} }}}}").repeat(10)
        )
    });
    let lists = "{% assign l = 'a,b,c,d' | split: ',' %}{% for i in (1..40) %}{% assign l = l | concat: l %}{% endfor %}";
    let replaces = format!(
        "{{% assign s = 'aaaaaaaaaaaaaaaa' %}}{}",
        "{% assign s = s | replace: 'a', s %}".repeat(8)
    );
    let names: String = (0..2_000).map(|i| format!("{{% assign n{i} = 1 %}}")).collect();
    let heavy = "{% assign s = 'x' %}{% for i in (1..12) %}{% assign s = s | append: s %}{% endfor %}";
    vec![
        body("doubling by append", doubling, Refused(TooMuch)),
        body("a thousand million laughs", &laughs, Refused(TooMuch)),
        body("doubling lists", lists, Refused(TooMuch)),
        body("replace by itself", &replaces, Refused(TooMuch)),
        body(
            "doubling by prepend in a capture",
            "{% capture s %}abcdefgh{% endcapture %}{% for i in (1..40) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}",
            Refused(TooMuch),
        ),
        body(
            "split and join with a longer word",
            &format!("{heavy}{{% assign t = s | split: '' | join: s %}}"),
            Refused(TooMuch),
        ),
        body(
            "escapes of escapes",
            &format!(
                "{{% assign s = '&' %}}{}{{{{ s }}}}",
                "{% assign s = s | url_encode | escape | url_encode %}".repeat(30)
            ),
            Fine,
        ),
        body(
            "replace of nothing",
            &format!("{heavy}{{{{ s | replace: '', s | size }}}}"),
            Fine,
        ),
        body(
            "many filters in a row",
            &format!("{{{{ 'ß'{} }}}}", " | upcase | downcase".repeat(150)),
            Fine,
        ),
        body("two thousand names", &names, Refused(TooMuch)),
        body(
            "numbers that overflow",
            &format!(
                "{{{{ 9223372036854775807{} }}}}",
                " | times: 9223372036854775807".repeat(40)
            ),
            Fine,
        ),
        body(
            "divided by zero",
            "{{ 1 | divided_by: 0 }}{{ 1 | modulo: 0 }}",
            Refused(Liquid),
        ),
        body(
            "the smallest number by minus one",
            "{{ -9223372036854775808 | divided_by: -1 | abs }}{{ -9223372036854775808 | abs }}",
            Fine,
        ),
        body(
            "rounding to a million places",
            "{{ 1.5 | round: 1000000 }} {{ 1.5 | number: 1000000 }}",
            Fine,
        ),
        body(
            "a date of the year 9999999",
            "{{ 99999999999999999 | date: '%Y' }}{{ 253402300800 | date: '%Y' }}",
            Survived,
        ),
        body(
            "a pattern that pads without end",
            "{{ 'now' | date: '%999999999d%099999Y' }}",
            Survived,
        ),
        body(
            "truncating with a giant end",
            &format!("{heavy}{{{{ 'abc' | truncate: 1, s | size }}}}"),
            Fine,
        ),
    ]
}

fn nesting() -> Vec<Hostile> {
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let mjml = |inner: String| format!("<mjml><mj-body>{inner}</mj-body></mjml>");
    vec![
        body("ten thousand ifs deep", &nested("{% if true %}", "{% endif %}", 10_000), Refused(TooMuch)),
        body("ten thousand loops deep", &nested("{% for i in x %}", "{% endfor %}", 10_000), Refused(TooMuch)),
        body("ten thousand captures deep", &nested("{% capture x %}", "{% endcapture %}", 10_000), Refused(TooMuch)),
        body("a hundred thousand comments deep", &nested("{% comment %}", "{% endcomment %}", 15_000), Fine),
        body("indexes inside indexes", &format!("{{{{ {}0{} }}}}", "a[".repeat(2_000), "]".repeat(2_000)), Refused(TooMuch)),
        whole("thousands of sections deep", &mjml(nested("<mj-section>", "</mj-section>", 10_000)), Refused(TooMuch)),
        whole("thousands of wrappers deep", &mjml(nested("<mj-wrapper><mj-section>", "</mj-section></mj-wrapper>", 5_000)), Refused(TooMuch)),
        whole("nesting made by a loop", &mjml("{% for i in (1..4000) %}<mj-section>{% endfor %}{% for i in (1..4000) %}</mj-section>{% endfor %}".into()), Refused(TooMuch)),
        body("thousands of elements deep in a text", &nested("<b>", "</b>", 20_000), Refused(TooMuch)),
        body("a hundred thousand elements", &"<br />".repeat(40_000), Refused(TooMuch)),
        whole("heads inside heads", &nested("<mjml><mj-head>", "</mj-head></mjml>", 3_000), Refused(TooMuch)),
    ]
}

fn reading() -> Vec<Hostile> {
    vec![
        body("a tag that is never closed", "{% if x %}a", Refused(Liquid)),
        body("an output that is never closed", "{{ x", Refused(Liquid)),
        body("half a million spaces", &" ".repeat(400_000), Fine),
        body(
            "a hundred thousand open quotes",
            &"{{ ' }}".repeat(50_000),
            Survived,
        ),
        body(
            "a hundred thousand open brackets",
            &"{%".repeat(200_000),
            Refused(Liquid),
        ),
        body(
            "open tags in a comment",
            &format!("{{% comment %}}{}{{% endcomment %}}", "{%".repeat(200_000)),
            Survived,
        ),
        body(
            "an include of a file",
            "{% include '/etc/passwd' %}",
            Refused(Liquid),
        ),
        body("a render of itself", "{% render 'self' %}", Refused(Liquid)),
        body("a filter that is none", "{{ 'PATH' | env }}", Refused(Liquid)),
        body("NUL characters", "a\0b{{ x\0 }}", Refused(Liquid)),
        body(
            "directions turned round",
            "\u{202e}{{ first_name }}\u{2066}",
            Fine,
        ),
        body("too large", &"x".repeat(600_000), Refused(TooMuch)),
        body(
            "the prototype of everything",
            "{{ contact.__proto__.constructor }}{{ self.__class__.__mro__ }}",
            Fine,
        ),
        body(
            "words that end nothing",
            "{% endif %}{% endfor %}",
            Refused(Liquid),
        ),
        body("a break outside", "{% break %}", Refused(Liquid)),
        body(
            "a name of a hundred thousand letters",
            &format!("{{{{ {} }}}}", "n".repeat(100_000)),
            Refused(Liquid),
        ),
    ]
}

fn markup() -> Vec<Hostile> {
    let head = |inner: &str| format!("<mjml><mj-head>{inner}</mj-head><mj-body></mj-body></mjml>");
    let attribute = "x".repeat(100_000);
    let inherited = format!(
        "<mj-attributes><mj-all font-family=\"{}\" /></mj-attributes>",
        "f".repeat(16_000)
    );
    let many = "<mj-section><mj-column><mj-text>a</mj-text></mj-column></mj-section>".repeat(1_600);
    vec![
        whole(
            "entities of entities",
            "<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><mjml><mj-body>&b;</mj-body></mjml>",
            Refused(Mjml),
        ),
        whole(
            "an include of MJML",
            &head("<mj-include path=\"file:///etc/passwd\" />"),
            Refused(Mjml),
        ),
        whole(
            "an include among attributes",
            &head("<mj-attributes><mj-include path=\"x\"></mj-include></mj-attributes>"),
            Refused(Mjml),
        ),
        body(
            "an attribute of a hundred thousand letters",
            &format!("<a title=\"{attribute}\">x</a>"),
            Refused(TooMuch),
        ),
        body(
            "ten thousand attributes",
            &format!(
                "<a {}>x</a>",
                (0..10_000).map(|i| format!("a{i}=\"1\" ")).collect::<String>()
            ),
            Survived,
        ),
        whole(
            "attributes that all inherit",
            &format!("<mjml><mj-head>{inherited}</mj-head><mj-body>{many}</mj-body></mjml>"),
            Refused(TooMuch),
        ),
        whole(
            "attributes just below what may be inherited",
            &format!(
                "<mjml><mj-head><mj-attributes><mj-all font-family=\"{}\" /></mj-attributes></mj-head>\
                 <mj-body>{many}</mj-body></mjml>",
                "f".repeat(6_500)
            ),
            Survived,
        ),
        whole(
            "as many heavy elements as may be",
            &format!(
                "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>",
                "<mj-button href=\"#\">x</mj-button>".repeat(4_900)
            ),
            Survived,
        ),
        whole(
            "as many columns as may be",
            &format!(
                "<mjml><mj-body><mj-section>{}</mj-section></mj-body></mjml>",
                "<mj-column></mj-column>".repeat(4_900)
            ),
            Survived,
        ),
        whole(
            "carousels of hundreds",
            &format!(
                "<mjml><mj-body><mj-section><mj-column><mj-carousel>{}</mj-carousel></mj-column></mj-section></mj-body></mjml>",
                "<mj-carousel-image src=\"https://x.test/\" />".repeat(500)
            ),
            Refused(TooMuch),
        ),
        whole(
            "styles of hundreds of kilobytes",
            &head(&format!("<mj-style>{}</mj-style>", "a{b:c}".repeat(50_000))),
            Fine,
        ),
        body("a script", "<script>alert(1)</script>", Refused(Unsafe)),
        body(
            "a handler",
            "<img src=\"https://x.test/a.png\" alt=\"\" onerror=\"x()\" />",
            Refused(Unsafe),
        ),
        body(
            "a link that runs",
            "<a href=\"JaVa&#9;ScRiPt:x()\">x</a>",
            Refused(Unsafe),
        ),
        body(
            "a script in a script",
            "{% assign s = 'script' %}<{{ s }}>alert(1)</{{ s }}>",
            Refused(Unsafe),
        ),
        body(
            "a value outside of quotes",
            "<a href={{ first_name }}>x</a>",
            Refused(Unsafe),
        ),
        body(
            "markup glued by capture",
            "{% capture s %}<scr{% endcapture %}{{ s }}ipt>alert(1)</script>",
            Survived,
        ),
        body("CDATA", "<![CDATA[<script>alert(1)</script>]]>", Refused(Mjml)),
        body("tags that cross", "<b><i>x</b></i>", Refused(Mjml)),
        whole("no MJML at all", "{\"hello\": 1}", Refused(Mjml)),
        whole("nothing", "", Refused(Mjml)),
        whole(
            "sizes that are no sizes",
            "<mjml><mj-body width=\"-99999999999999px\"><mj-section><mj-column width=\"1e99%\"><mj-image width=\"NaNpx\" src=\"https://x.test/\" alt=\"\" /><mj-spacer height=\"99999999999999999999px\" /></mj-column></mj-section></mj-body></mjml>",
            Survived,
        ),
        whole(
            "a group of no columns",
            "<mjml><mj-body><mj-section><mj-group></mj-group></mj-section><mj-section></mj-section><mj-hero></mj-hero></mj-body></mjml>",
            Survived,
        ),
    ]
}

fn headers() -> Vec<Hostile> {
    vec![
        subject(
            "a header in the subject",
            "Hi\r\nBcc: victim@example.com\r\n\r\nbody",
            Fine,
        ),
        subject("a header in a value", "Hi {{ last_name }}", Fine),
        subject("an empty subject", " {{ nobody }} ", Refused(Liquid)),
        subject(
            "a subject of a megabyte",
            "{% for i in (1..9000) %}{{ 'Hello there ' }}{% endfor %}",
            Refused(TooMuch),
        ),
        subject("only turned directions", "\u{202e}\u{2066}", Refused(Liquid)),
    ]
}
