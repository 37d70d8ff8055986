//! A form as a page.

use super::read::Filled;
use crate::pages::{self, Allow};
use crate::routes::Ask;
use axum::http::StatusCode;
use axum::response::Response;
use carillon_model::relay::{FieldKind, FormDefinition, FormField, PageSettings};
use maud::{Markup, html};

pub(super) fn page(
    ask: &Ask,
    of: &PageSettings,
    form: &FormDefinition,
    status: StatusCode,
    stamp: &str,
    filled: &Filled,
) -> Response {
    let say = |key: &str| ask.words.say(key, &[]);
    let body = html! {
        @if !form.intro.is_empty() { p { (form.intro) } }
        @if let Some(problem) = &filled.problem { p.wrong role="alert" { (say(problem)) } }
        form #form method="post" data-stamp=(stamp) data-bits=(form.work_bits) data-working=(say("form.working")) {
            input type="hidden" name="_stamp" value=(stamp);
            input type="hidden" name="_work" value="";
            div.more aria-hidden="true" {
                label for="more" { (say("form.honeypot")) }
                input #more name="_more" tabindex="-1" autocomplete="off";
            }
            @for field in &form.fields { (input(ask, field, filled)) }
            @for consent in &form.consents {
                div.field {
                    label.row {
                        input type="checkbox" name={ "c." (consent.key) } value="yes"
                            checked[filled.consents.iter().any(|c| c.key == consent.key)] required[consent.required];
                        span { (consent.text) }
                    }
                    @if let Some(wrong) = filled.wrong.get(&format!("c.{}", consent.key)) { p.wrong { (say(wrong)) } }
                }
            }
            noscript {
                p.hint { (say(if form.without_script { "form.no_script" } else { "form.no_script_refused" })) }
            }
            button { (form.button) }
        }
        script src="/form.js" {}
    };
    let leads_to = form
        .redirect
        .as_deref()
        .and_then(|r| url::Url::parse(r).ok())
        .map(|u| u.origin().ascii_serialization());
    let allow = Allow {
        script: true,
        leads_to: leads_to.as_deref(),
    };
    let page = pages::page(ask.words, form.language.as_deref(), of, &form.title, body);
    pages::answer(status, &allow, page)
}

fn input(ask: &Ask, field: &FormField, filled: &Filled) -> Markup {
    let say = |key: &str| ask.words.say(key, &[]);
    let (id, name) = (format!("f-{}", field.key), format!("f.{}", field.key));
    let value = filled.values.get(&field.key).map_or("", String::as_str);
    let wrong = filled.wrong.get(&field.key);
    let told = wrong.map(|_| format!("{id}-wrong"));
    let kind = match field.kind {
        FieldKind::Email => "email",
        FieldKind::Tel => "tel",
        FieldKind::Url => "url",
        FieldKind::Number => "number",
        FieldKind::Date => "date",
        _ => "text",
    };
    let label = html! {
        (field.label) @if field.required { span.hint { " (" (say("form.required")) ")" } }
    };
    html! {
        @match field.kind {
            FieldKind::Hidden => {}
            FieldKind::Checkbox => div.field {
                label.row {
                    input type="checkbox" name=(name) value="yes" checked[value == "yes"] required[field.required];
                    span { (label) }
                }
                (problem(ask, told.as_deref(), wrong))
            }
            FieldKind::Radio => fieldset.field {
                legend { (label) }
                @for option in &field.options {
                    label.row {
                        input type="radio" name=(name) value=(option) checked[value == option] required[field.required];
                        span { (option) }
                    }
                }
                (problem(ask, told.as_deref(), wrong))
            }
            _ => div.field {
                label.name for=(id) { (label) }
                @match field.kind {
                    FieldKind::LongText => textarea id=(id) name=(name) required[field.required]
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[told.as_deref()] { (value) },
                    FieldKind::Select => select id=(id) name=(name) required[field.required]
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[told.as_deref()] {
                        option value="" {}
                        @for option in &field.options { option value=(option) selected[value == option] { (option) } }
                    },
                    _ => input id=(id) type=(kind) name=(name) value=(value) required[field.required]
                        step=[(field.kind == FieldKind::Number).then_some("any")]
                        autocomplete=[(field.kind == FieldKind::Email).then_some("email")]
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[told.as_deref()];,
                }
                (problem(ask, told.as_deref(), wrong))
            }
        }
    }
}

fn problem(ask: &Ask, id: Option<&str>, wrong: Option<&String>) -> Markup {
    html! { @if let Some(wrong) = wrong { p.wrong id=[id] { (ask.words.say(wrong, &[])) } } }
}
