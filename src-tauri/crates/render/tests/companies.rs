//! What templates say of the company of a contact.
#![allow(clippy::unwrap_used)]

use carillon_model::contact::Value;
use carillon_render::{Context, Prepared, Sender, TemplateParts};
use std::collections::BTreeSet;

fn context(fields: &[(&str, Value)]) -> Context {
    Context {
        contact: fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
        tags: BTreeSet::new(),
        event: None,
        unsubscribe_url: None,
        preferences_url: None,
        confirm_url: None,
        zone: "UTC".into(),
        locale: "en".into(),
        now: "2026-06-01T10:00:00Z".parse().unwrap(),
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// The subject of a template whose subject is `source`.
fn shown(source: &str, context: &Context) -> String {
    let parts = TemplateParts {
        subject: format!("[{source}]"),
        body: "<mjml><mj-body></mj-body></mjml>".into(),
        ..TemplateParts::default()
    };
    let rendered = Prepared::new(&parts).unwrap().render(context, &Sender::default());
    rendered.unwrap().subject
}

#[test]
fn what_is_known_of_the_company_is_read_of_the_contact() {
    let ada = context(&[
        ("company.name", text("Acme <&>")),
        ("company.industry", text("Retail")),
    ]);
    for (source, wanted) in [
        ("{{ contact.company.industry }}", "[Retail]"),
        ("{{ company.industry | upcase }}", "[RETAIL]"),
        ("{{ company.industry.size }}", "[6]"),
        ("{{ contact.company.size | default: 'unknown' }}", "[unknown]"),
        ("{% if company.industry == 'Retail' %}yes{% endif %}", "[yes]"),
        ("{{ company }}", "[]"),
        ("{% assign company = 'x' %}{{ company.industry }}", "[]"),
    ] {
        assert_eq!(shown(source, &ada), wanted, "{source}");
    }
    // A field called company, from a list of before, is still what it was.
    let old = context(&[("company", text("As written"))]);
    assert_eq!(shown("{{ company }} {{ company.size }}", &old), "[As written 10]");
    let both = context(&[("company", text("As written")), ("company.name", text("Acme"))]);
    assert_eq!(
        shown(
            "{{ company }} {{ company.name }} {{ contact.company.name }}",
            &both
        ),
        "[As written Acme Acme]"
    );
}
