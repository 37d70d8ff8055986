//! The names a template can use.

use super::expr::Step;
use super::markup::escape;
use super::value::{Val, cleaned};
use crate::context::{Context, Sender};
use crate::locale::Locale;
use carillon_model::contact::COMPANY_PREFIX;
use std::cell::OnceCell;

/// What the roots of paths stand for. Reserved words win over fields of the same name, which are still reached
/// as `contact.<key>`.
pub(crate) struct Scope<'a> {
    pub(crate) context: &'a Context,
    pub(crate) sender: &'a Sender,
    /// Read from the context when the first value is written that depends on it.
    locale: OnceCell<Locale>,
    /// Rendered before the body, which may print them.
    pub(crate) subject: String,
    pub(crate) preheader: String,
}

/// A root that is not a plain value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Root {
    Contact,
    Event,
    Sender,
}

/// What a name leads to.
pub(crate) enum Found {
    Value(Val),
    Root(Root),
}

/// Names with a meaning of their own; everything else at the root is a field of the contact.
pub(crate) const RESERVED: [&str; 15] = [
    "contact",
    "event",
    "sender",
    "workspace",
    "organisation",
    "postal_address",
    "unsubscribe_url",
    "unsubscribe_line",
    "preferences_url",
    "confirm_url",
    "subject",
    "preheader",
    "now",
    "today",
    "tags",
];

impl<'a> Scope<'a> {
    pub(crate) fn new(context: &'a Context, sender: &'a Sender) -> Self {
        Scope {
            context,
            sender,
            locale: OnceCell::new(),
            subject: String::new(),
            preheader: String::new(),
        }
    }

    pub(crate) fn locale(&self) -> &Locale {
        self.locale
            .get_or_init(|| Locale::new(&self.context.zone, &self.context.locale))
    }

    /// What a name at the beginning of a path stands for; `html` tells which part is being made.
    pub(crate) fn root(&self, name: &str, html: bool) -> Found {
        let value = match name {
            "contact" => return Found::Root(Root::Contact),
            "event" => return Found::Root(Root::Event),
            "sender" | "workspace" => return Found::Root(Root::Sender),
            "organisation" => text(&self.sender.organisation),
            "postal_address" => text(&self.sender.postal_address),
            "unsubscribe_url" => self.unsubscribe_url(),
            "unsubscribe_line" if html => self.unsubscribe_line(),
            "unsubscribe_line" => self.unsubscribe_text(),
            "preferences_url" => self.context.preferences_url.as_deref().map_or(Val::Nil, text),
            "confirm_url" => self.context.confirm_url.as_deref().map_or(Val::Nil, text),
            "subject" => text(&self.subject),
            "preheader" => text(&self.preheader),
            "now" => Val::At(self.context.now),
            "today" => Val::Date(self.locale().day(self.context.now)),
            field => return Found::Value(self.field(field)),
        };
        Found::Value(value)
    }

    /// A property of one of the roots.
    pub(crate) fn property(&self, root: Root, key: &str) -> Val {
        match root {
            Root::Contact => self.field(key),
            Root::Event => self.event(key),
            Root::Sender => match key {
                "organisation" => text(&self.sender.organisation),
                "postal_address" => text(&self.sender.postal_address),
                "name" => text(&self.sender.name),
                "email" => text(&self.sender.email),
                _ => Val::Nil,
            },
        }
    }

    /// What a path says of the contact's company (`contact.company.KEY`, or `company.KEY`), and the steps behind it. A
    /// contact may have a field called company, too, from before: then only what is known of the company is meant.
    pub(crate) fn of_company<'p>(&self, root: &str, steps: &'p [Step]) -> Option<(Val, &'p [Step])> {
        let steps = match (root, steps) {
            ("company", steps) => steps,
            ("contact", [Step::Key(key), steps @ ..]) if key == "company" => steps,
            _ => return None,
        };
        let [Step::Key(key), rest @ ..] = steps else {
            return None;
        };
        let key = format!("{COMPANY_PREFIX}{key}");
        let known = self.context.contact.contains_key(&key);
        (known || !self.context.contact.contains_key("company")).then(|| (self.field(&key), rest))
    }

    fn field(&self, key: &str) -> Val {
        match (key, self.context.contact.get(key)) {
            (_, Some(value)) => value.into(),
            ("tags", None) => Val::List(
                self.context
                    .tags
                    .iter()
                    .map(|tag| Val::str(cleaned(tag)))
                    .collect(),
            ),
            _ => Val::Nil,
        }
    }

    fn event(&self, key: &str) -> Val {
        let Some(event) = &self.context.event else {
            return Val::Nil;
        };
        match (key, event.props.get(key)) {
            (_, Some(prop)) => prop.into(),
            ("name", None) => text(&event.name),
            ("at", None) => Val::At(event.at),
            _ => Val::Nil,
        }
    }

    fn unsubscribe_url(&self) -> Val {
        self.context.unsubscribe_url.as_deref().map_or(Val::Nil, text)
    }

    fn unsubscribe_line(&self) -> Val {
        let Some(url) = &self.context.unsubscribe_url else {
            return Val::Nil;
        };
        let url = cleaned(url);
        let url = escape(&url);
        let markup = format!("<a href=\"{url}\" style=\"color:inherit\">Unsubscribe</a>");
        Val::Markup(markup.into())
    }

    /// The line for the text part and the subject, where there are no links.
    fn unsubscribe_text(&self) -> Val {
        let Some(url) = &self.context.unsubscribe_url else {
            return Val::Nil;
        };
        Val::str(format!("Unsubscribe: {}", cleaned(url)))
    }

    /// The name missing values are reported by: `first_name` and `contact.first_name` are one.
    pub(crate) fn canonical(path: &str) -> String {
        let root = path.split(['.', '[']).next().unwrap_or_default();
        if RESERVED.contains(&root) {
            path.to_owned()
        } else {
            format!("contact.{path}")
        }
    }
}

fn text(text: &str) -> Val {
    if text.trim().is_empty() {
        Val::Nil
    } else {
        Val::str(cleaned(text))
    }
}
